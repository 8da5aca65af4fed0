//! Choices and numbers out of any bytes; zeros once they are used up.

use rnnlm::Xorshift;

pub struct Bytes<'b>(pub &'b [u8]);

impl Bytes<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.byte()))
    }

    /// One of `first..=last`.
    pub fn size(&mut self, first: usize, last: usize) -> usize {
        first + usize::from(self.byte()) % (last - first + 1)
    }

    /// Numbers of one kind: tame ones, ones of all magnitudes, or any bit patterns.
    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        let kind = self.byte();
        let mut rng = Xorshift::new(self.u32().into());
        let mut floats: Vec<f32> = (0..len)
            .map(|_| match kind % 4 {
                0 | 1 => rng.uniform() * 2.0 - 1.0,
                2 => (rng.uniform() - 0.5) * 2_f32.powi(rng.below(200) as i32 - 100),
                _ => f32::from_bits(rng.next_u32()),
            })
            .collect();
        // and a few whose bits are the fuzzer's own
        for _ in 0..kind / 4 % 4 {
            let (at, bits) = (self.u32() as usize, self.u32());
            if len > 0 {
                floats[at % len] = f32::from_bits(bits);
            }
        }
        floats
    }
}

/// The same bits; of a NaN only that it is one.
pub fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()))
}
