//! gemv: the product of a single row, in the recurrence of a batch of one and in prediction.
//!
//! Its only chains are those of its vectors, so its panels are wider than those of many rows: up to eight vectors.

use super::{
    assembly,
    microkernel::{Prefetch, Tile},
    operands::{End, Left, Right, Shape, Start, Strided},
    pack::next_panel,
    packed_b::PACK_FROM_COLUMNS,
    product::InPlace,
};
use crate::simd::{Kernel, Simd};

/// The rows of a B of many columns that are read together. In a panel each row of B is a stream of its own to the
/// hardware's prefetcher, which follows only so many. Fewer rows would visit C more often.
pub(super) const GEMV_KC: usize = 20;

/// C (n) from A (k) and row-major B (k,n). Slices may be longer.
pub(crate) struct Gemv<'a> {
    pub k: usize,
    pub n: usize,
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub c: &'a mut [f32],
    pub start: Start<'a>,
}

impl Gemv<'_> {
    /// As [`Product::run`](super::Product::run), in an order that suits a B read from memory: the chains rest in C
    /// between blocks of k.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        let Self { k, n, a, b, c, start } = self;
        if S::WHOLE { assembly::gemv(s, [k, n], a, b, c, start) } else { blocks(s, [k, n], a, b, c, start) }
    }
}

fn blocks<S: Simd>(s: S, [k, n]: [usize; 2], a: &[f32], b: &[f32], c: &mut [f32], mut start: Start<'_>) {
    let fits = k.checked_mul(n).is_some_and(|len| len <= b.len());
    let Some(a) = a.get(..k).filter(|_| fits) else {
        debug_assert!(false, "a slice is shorter than its shape");
        return;
    };
    let kc = if S::LANES == 1 || n < PACK_FROM_COLUMNS { k } else { GEMV_KC };
    let mut block = |a: &[f32], b, start| {
        let shape = Shape { m: 1, k: a.len(), n };
        InPlace { shape, a: Left::rows(a, a.len()).0, b: Right::Rows(b), c: &mut *c, start, end: End::Store }.run(s);
    };
    if k <= kc {
        return block(a, b, start);
    }
    for (a, b) in a.chunks(kc).zip(b.chunks(kc.saturating_mul(n))) {
        block(a, b, start);
        start = Start::C;
    }
}

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
        let tile =
            Tile { k, a, b, c: &mut *self.c, c_row: n, top: 0, left, width, start, rate, prefetch: Prefetch::NOTHING };
        // SAFETY: `call` checked that k of A, k x n of B (in panels: padded to complete vectors), n of C and of a bias
        // are there, and left + width <= n, (NV - 1) * LANES < width <= NV * LANES.
        #[allow(unsafe_code)]
        unsafe {
            if width == NV * S::LANES {
                tile.run::<S, 1, NV, true>(s);
            } else {
                tile.run::<S, 1, NV, false>(s);
            }
        }
    }
}
