//! The product of a single row: the recurrence of a batch of one, and prediction.
//!
//! Its only chains are its vectors, so its panels are wider than those of many rows.

use super::{
    microkernel::{Ahead, tile},
    operands::{Into, Right, Strided},
    pack::next_panel,
};
use crate::simd::{Kernel, Simd};

/// One row of C (n) from one row of A (k) and B (k x n). `into` is no probe. False where a slice is too short.
pub(super) struct Row<'a> {
    pub(super) shape: [usize; 2],
    pub(super) a: Strided<'a>,
    pub(super) b: Right<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) into: Into<'a>,
}

impl Kernel for Row<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) -> bool {
        let [k, n] = self.shape;
        let start_fits = if let Into::Bias(bias) = self.into { bias.len() >= n } else { true };
        if !self.a.covers(1, k) || !self.b.covers::<S>(k, n) || !start_fits || self.c.len() < n {
            return false;
        }
        let mut left = 0;
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, true);
            match vectors {
                1 => self.panel::<S, 1>(s, left, width),
                2 => self.panel::<S, 2>(s, left, width),
                3 => self.panel::<S, 3>(s, left, width),
                4 => self.panel::<S, 4>(s, left, width),
                5 => self.panel::<S, 5>(s, left, width),
                6 => self.panel::<S, 6>(s, left, width),
                7 => self.panel::<S, 7>(s, left, width),
                _ => self.panel::<S, 8>(s, left, width),
            }
            left += width;
        }
        true
    }
}

impl Row<'_> {
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, s: S, left: usize, width: usize) {
        let [k, n] = self.shape;
        let (b, place) = (self.b.panel::<S>([k, n], left, NV), [0, left, width]);
        // SAFETY: `call` checked that k of A, k x n of B (in panels: padded to whole vectors), n of C and of a bias are
        // there, and left + width <= n, (NV - 1) * LANES < width <= NV * LANES.
        #[allow(unsafe_code)]
        unsafe {
            if width == NV * S::LANES {
                tile::<S, 1, NV, true>(s, k, self.a, b, self.c, n, place, self.into, Ahead::NOTHING);
            } else {
                tile::<S, 1, NV, false>(s, k, self.a, b, self.c, n, place, self.into, Ahead::NOTHING);
            }
        }
    }
}
