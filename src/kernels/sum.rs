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

    /// The sum of losses whose [`Self::parts`] these are; `None` where no losses add up to them: these are finite and
    /// not below zero.
    pub(crate) fn of_losses([head, lost]: [f32; 2]) -> Option<Self> {
        let sum = head + lost;
        (head.is_finite() && sum.is_finite() && sum >= 0.0).then_some(Self { head, lost })
    }

    /// The mean of what was added, 0 of nothing. A sum beyond the largest f32 has an infinite one, not NaN.
    pub(crate) fn mean(self, count: usize) -> f32 {
        if count == 0 {
            return 0.0;
        }
        if self.head.is_infinite() {
            return self.head;
        }
        (self.head + self.lost) / count as f32
    }
}

#[cfg(test)]
mod tests;
