//! The operands of a product, and what becomes of its result.

use super::pack::{aligned, pack_transposed, padded};
pub(crate) use crate::simd::Into;
use crate::simd::Simd;

/// An operand whose element (i, j) is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) data: &'a [f32],
    pub(super) row: usize,
    pub(super) col: usize,
}

impl Strided<'_> {
    pub(super) const NOTHING: Self = Self { data: &[], row: 0, col: 0 };

    /// Every element of the leading `rows` x `cols` lies inside the data.
    #[inline(always)]
    pub(super) fn covers(&self, rows: usize, cols: usize) -> bool {
        if rows == 0 || cols == 0 {
            return true;
        }
        // a sum that saturates lies beyond every slice
        let last = (rows - 1).saturating_mul(self.row).saturating_add((cols - 1).saturating_mul(self.col));
        last < self.data.len()
    }
}

/// The left operand, m x k.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a>(pub(super) Strided<'a>);

impl<'a> Left<'a> {
    /// Row-major m x k.
    pub(crate) fn rows(data: &'a [f32], k: usize) -> Self {
        Self(Strided { data, row: k, col: 1 })
    }
    /// The transpose of a row-major k x m matrix.
    pub(crate) fn transposed(data: &'a [f32], m: usize) -> Self {
        Self(Strided { data, row: 1, col: m })
    }
    /// A row of ones: the product with it sums the columns of B, in ascending k.
    pub(crate) fn ones() -> Self {
        Self(Strided { data: &[1.0], row: 0, col: 0 })
    }
}

/// The right operand, k x n.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// Row-major k x n.
    Rows(&'a [f32]),
    /// The transpose of a row-major n x k matrix, for one-lane paths.
    Columns(&'a [f32]),
    /// Packed for a product of as many rows.
    Panels(&'a [f32]),
}

impl<'a> Right<'a> {
    /// The transpose of row-major `b` (n x k), ready for products with `m` rows on the left, with
    /// [`transposed_len`](super::product::transposed_len) floats of scratch to stand in; or `b` itself
    /// where it is PACKED already, in panels.
    pub(crate) fn transposed<S: Simd, const PACKED: bool>(
        s: S,
        [m, k, n]: [usize; 3],
        b: &'a [f32],
        scratch: &'a mut [f32],
    ) -> Self {
        if PACKED {
            return Self::Panels(b);
        }
        if S::LANES == 1 {
            return Self::Columns(b);
        }
        let scratch = aligned(scratch);
        pack_transposed(s, scratch, b, k, 0..k, n, m == 1);
        Self::Panels(scratch)
    }
}

impl Right<'_> {
    /// Every element of k x n lies inside the data; in panels, up to whole vectors.
    #[inline(always)]
    pub(super) fn covers<S: Simd>(&self, k: usize, n: usize) -> bool {
        match *self {
            Right::Rows(data) => Strided { data, row: n, col: 1 }.covers(k, n),
            Right::Columns(data) => S::LANES == 1 && Strided { data, row: 1, col: k }.covers(k, n),
            Right::Panels(data) => S::LANES > 1 && k.checked_mul(padded(n)).is_some_and(|len| len <= data.len()),
        }
    }
    /// The panel of so many vectors that starts at column `left`.
    #[inline(always)]
    pub(super) fn panel<S: Simd>(&self, [k, n]: [usize; 2], left: usize, vectors: usize) -> Strided<'_> {
        match *self {
            Right::Rows(data) => Strided { data: data.get(left..).unwrap_or(&[]), row: n, col: 1 },
            Right::Columns(data) => Strided { data: data.get(left * k..).unwrap_or(&[]), row: 1, col: k },
            Right::Panels(data) => {
                Strided { data: data.get(left * k..).unwrap_or(&[]), row: vectors * S::LANES, col: 1 }
            }
        }
    }
}
