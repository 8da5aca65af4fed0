//! A product that says what it is, and the choice of the way to compute it.

use super::{
    assembly,
    gemv::Row,
    macrokernel::Macrokernel,
    one_by_one::OneByOne,
    operands::{End, Left, Right, Shape, Start, Strided},
    pack::{padded, with_room_to_align},
    packed_b::{self, PackedB},
    transposed_b,
};
use crate::simd::{PACKS, Simd};

/// C (m,n) from A (m,k) and B (k,n).
pub(crate) struct Product<'a> {
    pub shape: Shape,
    pub a: Left<'a>,
    pub b: Right<'a>,
    pub c: &'a mut [f32],
    pub start: Start<'a>,
    pub end: End<'a>,
    /// For what is packed: [`packed_b_len`](super::packed_b_len) floats, or with a transposed B
    /// [`transposed_b_len`](super::transposed_b_len). None, and row-major B is read in place.
    pub scratch: &'a mut [f32],
}

impl Product<'_> {
    /// Computes it. Callers lay out their shapes so that every slice is long enough: a debug build asserts it, and a
    /// release build does nothing where one is not.
    // Inlined. Where a struct crosses a call in memory, it is written word by word and read as vectors, and such a read
    // waits.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        let Self { shape, a: Left(a), b, c, start, end, scratch } = self;
        match b {
            Right::Rows(b) if !scratch.is_empty() && packed_b::pays::<S>(shape, end) => {
                s.run(PackedB { shape, a, b, c, sums: &mut [], start, rate: end.rate(), scratch });
            }
            Right::Transposed(b) if S::LANES > 1 => transposed_b::product(s, shape, a, b, c, start, end, scratch),
            _ => InPlace { shape, a, b, c, start, end }.run(s),
        }
    }
}

/// C (m,n) = A (m,k) B (k,n), and the sums (n) of B's columns, with the same end: the gradients of weights and of a
/// bias. All chains start at 0.
pub(crate) struct ProductAndSums<'a> {
    pub shape: Shape,
    pub a: Left<'a>,
    /// Row-major.
    pub b: &'a [f32],
    pub c: &'a mut [f32],
    pub sums: &'a mut [f32],
    pub end: End<'a>,
    /// [`packed_b_len`](super::packed_b_len) floats.
    pub scratch: &'a mut [f32],
}

impl ProductAndSums<'_> {
    /// As [`Product::run`].
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        let Self { shape, a: Left(a), b, c, sums, end, scratch } = self;
        if packed_b::pays::<S>(shape, end) {
            // a panel of B is summed while it is in the cache
            return s.run(PackedB { shape, a, b, c, sums, start: Start::Zero, rate: end.rate(), scratch });
        }
        let mut product = InPlace { shape, a, b: Right::Rows(b), c, start: Start::Zero, end };
        product.run(s);
        (product.shape.m, product.a, product.c) = (1, Left::ones().0, sums);
        product.run(s);
    }
}

/// A product whose operands are read in place, packed or not.
pub(super) struct InPlace<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: Right<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) end: End<'a>,
}

impl InPlace<'_> {
    #[inline(always)]
    pub(super) fn run<S: Simd>(&mut self, s: S) {
        if S::WHOLE {
            return assembly::product(s, self);
        }
        let &mut Self { shape, a, b, ref mut c, start, end } = self;
        let c = &mut **c;
        match (b, end) {
            (Right::Rows(data), End::Probe(_)) => {
                s.run(OneByOne { shape, a, b: Strided { data, row: shape.n, col: 1 }, c, start, end });
            }
            (Right::Transposed(data), End::Probe(_)) => {
                s.run(OneByOne { shape, a, b: Strided { data, row: 1, col: shape.k }, c, start, end });
            }
            _ if S::LANES > 1 && shape.m == 1 => s.run(Row { shape, a, b, c, start, rate: end.rate() }),
            _ => s.run(Macrokernel::new(shape, a, b, c, start, end.rate())),
        }
    }
}

/// The scratch that [`Right::packed`] needs for inner size `k` and `n` columns, in f32.
pub(crate) const fn packed_len(k: usize, n: usize) -> usize {
    if PACKS { with_room_to_align(k.saturating_mul(padded(n))) } else { 0 }
}
