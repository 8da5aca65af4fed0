//! What a product is made of: its shape, its operands, where its chains start and where its results go.

use core::cell::Cell;

use super::pack::{aligned, pack_b, pack_transposed, packed_len, packing_pays, padded};
use crate::{kernels::part, simd::Simd};

/// C (m,n) = A (m,k) B (k,n).
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

impl Shape {
    /// The multiply-adds; saturates.
    pub(super) fn work(self) -> usize {
        self.m.saturating_mul(self.k).saturating_mul(self.n)
    }
}

/// Where the chains of a product start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start<'a> {
    /// At 0: C = A B.
    Zero,
    /// At a bias (n), the same for every row: C = bias + A B.
    Bias(&'a [f32]),
    /// At C itself: C = C + A B.
    C,
}

impl Start<'_> {
    /// A bias has an element for each of `n` columns.
    #[inline(always)]
    pub(super) fn covers(&self, n: usize) -> bool {
        if let Start::Bias(bias) = self { bias.len() >= n } else { true }
    }

    /// For the columns from `left` on.
    #[inline(always)]
    pub(super) fn columns_from(self, left: usize) -> Self {
        if let Start::Bias(bias) = self { Start::Bias(part(bias, left..)) } else { self }
    }
}

/// Where the results of a product go: the ends of its chains.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    /// To C.
    Store,
    /// C = C - rate * result: the SGD step whose gradient is the product.
    Descend(f32),
    /// C stays, and the probe learns what `Descend` would do.
    Probe(&'a Probe),
}

impl End<'_> {
    /// The learning rate of a descent.
    #[inline(always)]
    pub(super) fn rate(self) -> Option<f32> {
        if let End::Descend(rate) = self { Some(rate) } else { None }
    }
}

/// Learns whether a descent would take only finite steps to finite weights.
pub(crate) struct Probe {
    pub rate: f32,
    finite: Cell<bool>,
}

impl Probe {
    pub(crate) fn new(rate: f32) -> Self {
        Self { rate, finite: Cell::new(true) }
    }

    /// Takes in whether some more steps are finite.
    pub(crate) fn note(&self, finite: bool) {
        if !finite {
            self.finite.set(false);
        }
    }

    /// Whether all steps were finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.finite.get()
    }
}

/// An operand whose element (i, j) is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) data: &'a [f32],
    pub(super) row: usize,
    pub(super) col: usize,
}

impl<'a> Strided<'a> {
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

    /// The operand whose first element is number `at` of the data; nothing where no element of it is read, because k is
    /// 0.
    #[inline(always)]
    pub(super) fn from(self, at: usize, k: usize) -> Self {
        debug_assert!(k == 0 || at <= self.data.len(), "an operand is shorter than its shape");
        Self { data: self.data.get(at..).unwrap_or_default(), ..self }
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
    /// Row-major k x n. Packed by the product where that pays and where there is scratch.
    Rows(&'a [f32]),
    /// The transpose of a row-major n x k matrix. One-lane paths read it in place, others pack it in the product's
    /// scratch.
    Transposed(&'a [f32]),
    /// Packed in panels before, for products of as many rows. There are none on one-lane paths.
    Panels(&'a [f32]),
}

impl<'a> Right<'a> {
    /// For so many `products` with `m` rows each: packed now, in [`packed_len`] floats of scratch, if each of them
    /// would pack it, or if it pays for all of them together.
    pub(crate) fn packed<S: Simd>(self, s: S, shape: Shape, products: usize, scratch: &'a mut [f32]) -> Self {
        let Shape { m, k, n } = shape;
        match self {
            // a single row has wider panels
            Right::Rows(b) if S::LANES > 1 && m > 1 && packing_pays([m.saturating_mul(products), k, n]) => {
                let fits = self.covers::<S>(k, n) && scratch.len() >= packed_len(k, n);
                debug_assert!(fits, "a slice is shorter than its shape");
                if !fits {
                    return self;
                }
                let scratch = aligned(scratch);
                pack_b(s, scratch, b, n, [k, n]);
                Right::Panels(scratch)
            }
            Right::Transposed(b) if S::LANES > 1 => {
                let fits = Strided { data: b, row: 1, col: k }.covers(k, n) && scratch.len() >= packed_len(k, n);
                debug_assert!(fits, "a slice is shorter than its shape");
                if !fits {
                    return self;
                }
                let scratch = aligned(scratch);
                pack_transposed(s, scratch, b, k, 0..k, n, m == 1);
                Right::Panels(scratch)
            }
            _ => self,
        }
    }
}

impl Right<'_> {
    /// Every element of k x n lies inside the data; in panels, up to complete vectors.
    #[inline(always)]
    pub(super) fn covers<S: Simd>(&self, k: usize, n: usize) -> bool {
        match *self {
            Right::Rows(data) => Strided { data, row: n, col: 1 }.covers(k, n),
            Right::Transposed(data) => S::LANES == 1 && Strided { data, row: 1, col: k }.covers(k, n),
            Right::Panels(data) => S::LANES > 1 && k.checked_mul(padded(n)).is_some_and(|len| len <= data.len()),
        }
    }

    /// The panel of so many vectors that starts at column `left`.
    #[inline(always)]
    pub(super) fn panel<S: Simd>(&self, Shape { k, n, .. }: Shape, left: usize, vectors: usize) -> Strided<'_> {
        match *self {
            Right::Rows(data) => Strided { data, row: n, col: 1 }.from(left, k),
            Right::Transposed(data) => Strided { data, row: 1, col: k }.from(left * k, k),
            Right::Panels(data) => Strided { data, row: vectors * S::LANES, col: 1 }.from(left * k, k),
        }
    }
}

/// A product whose operands are used as they are: row-major, transposed or in panels already.
pub(super) struct InPlace<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: Right<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) end: End<'a>,
}

/// gemv: C (n) from A (k) and row-major B (k,n). Slices may be longer.
pub(crate) struct Gemv<'a> {
    pub k: usize,
    pub n: usize,
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub c: &'a mut [f32],
    pub start: Start<'a>,
}
