//! Products that say what they are, and where each goes: packed first, or read in place.

use super::{
    assembly,
    operands::{End, InPlace, Left, Right, Shape, Start},
    packed_b::{self, PACK_FROM_COLUMNS, PackedB},
    transposed_b,
};
use crate::simd::Simd;

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
    /// As [`Product::run`], in an order that suits a B read from memory: the chains rest in C
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
