//! A product's description, and the choice between packing an operand first and reading all in place.

use super::{
    operands::{End, Gemv, InPlace, Left, Right, Shape, Start},
    pack::PACK_FROM_COLUMNS,
    packed_b::{self, PackedB},
    transposed_b::{self, TransposedB},
};
use crate::{
    kernels::workers::{Alone, Team},
    simd::Simd,
};

/// C (m,n) from A (m,k) and B (k,n).
pub(crate) struct Product<'a> {
    pub shape: Shape,
    pub a: Left<'a>,
    pub b: Right<'a>,
    pub c: &'a mut [f32],
    pub start: Start<'a>,
    pub end: End<'a>,
    /// For what is packed: [`packed_b_len`](super::packed_b_len) floats, or with a transposed B
    /// [`transposed_b_len`](super::transposed_b_len). If it is empty, a row-major B is read in place.
    pub scratch: &'a mut [f32],
}

impl Product<'_> {
    /// Computes it. Callers lay out their shapes so that every slice is long enough: a debug build asserts it, and a
    /// release build does nothing where one is not.
    // Inlined: a struct that is handed over in memory is written word by word and read as vectors, and such a read
    // waits for the writes.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        self.run_by(Alone, s);
    }

    /// [`Self::run`] by a team.
    #[inline(always)]
    pub(crate) fn run_by<T: Team, S: Simd>(self, team: T, s: S) {
        let Self { shape, a: Left(a), b, c, start, end, scratch } = self;
        match b {
            Right::Rows(b) if !scratch.is_empty() && packed_b::pays::<S>(shape, end) => {
                packed_b::product(team, s, PackedB { shape, a, b, c, sums: &mut [], start, rate: end.rate(), scratch });
            }
            Right::Rows(b) if comes_from_memory::<S>(shape, end) => {
                Gemv { k: shape.k, n: shape.n, a: a.data, b, c, start }.run(s);
            }
            Right::Transposed(b) if S::LANES > 1 => {
                transposed_b::product(team, s, TransposedB { shape, a, b, c, start, end, scratch });
            }
            _ => InPlace { shape, a, b, c, start, end }.run_by(team, s),
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
    /// As [`Product::run_by`].
    #[inline(always)]
    pub(crate) fn run_by<T: Team, S: Simd>(self, team: T, s: S) {
        let Self { shape, a: Left(a), b, c, sums, end, scratch } = self;
        if packed_b::pays::<S>(shape, end) {
            // a panel of B is summed while it is in the cache
            let start = Start::Zero;
            return packed_b::product(team, s, PackedB { shape, a, b, c, sums, start, rate: end.rate(), scratch });
        }
        let mut product = InPlace { shape, a, b: Right::Rows(b), c, start: Start::Zero, end };
        product.run_by(team, s);
        (product.shape.m, product.a, product.c) = (1, Left::ones().0, sums);
        product.run(s);
    }
}

/// Whether it is a single row times a B of so many columns that [`Gemv`] reads it faster.
#[inline(always)]
fn comes_from_memory<S: Simd>(Shape { m, n, .. }: Shape, end: End<'_>) -> bool {
    S::LANES > 1 && m == 1 && n >= PACK_FROM_COLUMNS && matches!(end, End::Store)
}
