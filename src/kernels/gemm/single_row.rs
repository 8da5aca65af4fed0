//! The product of a single row, in the recurrence of a batch of one and in prediction.
//!
//! Its only chains are those of its vectors, so its panels are wider than those of many rows: up to eight vectors.

use super::{
    microkernel::{Prefetch, Tile},
    operands::{Right, Shape, Start, Strided},
    pack::next_panel,
};
use crate::simd::{Kernel, Simd};

/// One row of C (n) from one row of A (k) and B (k,n): results, or with a rate the SGD step.
pub(super) struct Row<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: Right<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) rate: Option<f32>,
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) {
        let Shape { k, n, .. } = self.shape;
        let fits = self.a.covers(1, k) && self.b.covers::<S>(k, n) && self.start.covers(n) && self.c.len() >= n;
        debug_assert!(fits, "a slice is shorter than its shape");
        if !fits {
            return;
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
    }
}

impl Row<'_> {
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, s: S, left: usize, width: usize) {
        let (shape, a, start, rate) = (self.shape, self.a, self.start, self.rate);
        let Shape { k, n, .. } = shape;
        let b = self.b.panel::<S>(shape, left, NV);
        let c = self.c.as_mut_ptr().wrapping_add(left);
        let tile = Tile { k, a, b, c, c_row: n, left, width, start, rate, prefetch: Prefetch::NOTHING };
        // SAFETY: `call` checked that k of A, k x n of B (in panels: padded to complete vectors), n of C and of a bias
        // are there, and left + width <= n, (NV - 1) * LANES < width <= NV * LANES.
        #[allow(unsafe_code)]
        unsafe {
            if width == NV * S::LANES {
                tile.run::<S, 1, NV, true, false>(s);
            } else {
                tile.run::<S, 1, NV, false, false>(s);
            }
        }
    }
}
