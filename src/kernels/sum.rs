//! Sums of many numbers, in the order in which they come.

/// A running sum of f32 that keeps what rounding loses (TwoSum: Knuth, The Art of Computer Programming 2, 4.2.2),
/// so that the mean of thousands of losses is good to the last place. The result depends on the order alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    head: f32,
    lost: f32,
}

impl Sum {
    pub(crate) fn add(&mut self, x: f32) {
        let sum = self.head + x;
        let part = sum - self.head;
        self.lost += (self.head - (sum - part)) + (x - part);
        self.head = sum;
    }

    /// The sum and what rounding has lost of it, to continue from.
    pub(crate) fn parts(self) -> [f32; 2] {
        [self.head, self.lost]
    }

    /// The sum of those [`Self::parts`].
    pub(crate) fn from_parts([head, lost]: [f32; 2]) -> Self {
        Self { head, lost }
    }

    pub(crate) fn mean(self, count: usize) -> f32 {
        if count == 0 {
            return 0.0;
        }
        (self.head + self.lost) / count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn keeps_what_a_plain_sum_loses() {
        let mut sum = Sum::default();
        let (mut plain, count) = (0.0, 100_000);
        for i in 0..count {
            let x = 6.0 + (i % 7) as f32 * 1e-3;
            sum.add(x);
            plain += x;
        }
        // 100,000 = 14,285 * 7 + 5: the residues 0 to 6 come 14,285 times, 0 to 4 once more
        let exact = 6.0 + (14_285.0 * 21.0 + 10.0) * 1e-3 / 100_000.0;
        assert!((f64::from(sum.mean(count)) - exact).abs() < 5e-7);
        assert!((f64::from(plain / count as f32) - exact).abs() > 1e-5, "the plain sum would do");
    }

    #[test]
    fn the_mean_of_nothing_is_zero() {
        assert_eq!(Sum::default().mean(0), 0.0);
    }
}
