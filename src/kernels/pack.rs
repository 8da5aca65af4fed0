//! Panels: how the columns of a product are cut, and the packing of a transposed operand into that form.
//!
//! A panel is NV vectors of columns. Packed, its k rows of NV * LANES floats stand one behind the other, and the panel
//! whose first column is `left` starts at `left * k`. Columns beyond the last are zeros.

use core::ops::Range;

use crate::simd::{Kernel, Simd, VIRTUAL_LANES};

/// Columns rounded up to whole vectors of any instruction set.
pub(crate) const fn padded(n: usize) -> usize {
    n.div_ceil(VIRTUAL_LANES).saturating_mul(VIRTUAL_LANES)
}

/// The vectors and the columns of the next panel where `rest` columns remain.
#[inline(always)]
pub(super) fn next_panel<S: Simd>(rest: usize, single_row: bool) -> (usize, usize) {
    let vectors = rest.div_ceil(S::LANES);
    let usual = if single_row { S::ACCUMULATORS.min(8) } else { S::TILE_VECTORS };
    let vectors = if vectors == usual + 1 && !single_row {
        // not a full panel and a lone vector, but one of three and one of two, or one of three
        3
    } else {
        vectors.min(usual)
    };
    (vectors, rest.min(vectors * S::LANES))
}

/// Packs rows `rows` of the k x n transpose of row-major `b` (n x `k`), for products with a single row or with more.
/// Too short a slice leaves the rest unpacked.
pub(super) fn pack_transposed<S: Simd>(
    s: S,
    to: &mut [f32],
    b: &[f32],
    k: usize,
    rows: Range<usize>,
    n: usize,
    single_row: bool,
) {
    s.run(PackTransposed { to, b, k, rows, n, single_row });
}

struct PackTransposed<'a> {
    to: &'a mut [f32],
    b: &'a [f32],
    k: usize,
    rows: Range<usize>,
    n: usize,
    single_row: bool,
}

impl Kernel for PackTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { to, b, k, rows, n, single_row } = self;
        let height = rows.len();
        let (mut to, mut left) = (to, 0);
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, single_row);
            let stride = vectors * S::LANES;
            let Some((panel, rest)) = to.split_at_mut_checked(height * stride) else { return };
            for column in (0..width).step_by(S::LANES) {
                for top in (0..height).step_by(S::LANES) {
                    let mut block = [s.splat(0.0); 16];
                    let lanes = S::LANES.min(width - column);
                    let deep = S::LANES.min(height - top);
                    for (i, row) in block[..lanes].iter_mut().enumerate() {
                        let start = (left + column + i) * k + rows.start + top;
                        *row = s.load(b.get(start..start + deep).unwrap_or(&[]));
                    }
                    s.transpose(&mut block);
                    let rows_below = panel[top * stride..].chunks_exact_mut(stride).take(deep);
                    for (row, &x) in rows_below.zip(&block) {
                        s.store(&mut row[column..], x);
                    }
                }
            }
            left += width;
            to = rest;
        }
    }
}
