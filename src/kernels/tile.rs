//! One register tile of a product. The only `unsafe` outside `simd/`: a bounds check per element would cost as much
//! as the multiplication, so the caller checks whole operands instead.
#![allow(unsafe_code)]

use core::slice;

use super::{descent::step_is_finite, product::Into};
use crate::simd::Simd;

/// An operand whose element (i, j) is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) data: &'a [f32],
    pub(super) row: usize,
    pub(super) col: usize,
}

impl Strided<'_> {
    /// Every element of the leading `rows` x `cols` lies inside the data.
    pub(super) fn covers(&self, rows: usize, cols: usize) -> bool {
        if rows == 0 || cols == 0 {
            return true;
        }
        let last_row = (rows - 1).checked_mul(self.row);
        let last_col = (cols - 1).checked_mul(self.col);
        match (last_row, last_col) {
            (Some(row), Some(col)) => row.checked_add(col).is_some_and(|last| last < self.data.len()),
            _ => false,
        }
    }
}

/// The elements of C from row `top` (MR rows) and column `left` (`width` columns, at most NV vectors).
///
/// # Safety
/// A covers (top + MR) x k and B covers k x (left + width) with `b.col == 1` unless `S::LANES == 1`; `c` holds row
/// `top + MR - 1` up to column `left + width`, a bias holds `left + width` elements, and `0 < width <= NV * LANES`,
/// more than `(NV - 1) * LANES`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    k: usize,
    a: Strided<'_>,
    b: Strided<'_>,
    c: &mut [f32],
    c_row: usize,
    [top, left, width]: [usize; 3],
    into: Into<'_>,
) -> bool {
    let last = width - (NV - 1) * S::LANES;
    // vector v of a row of the tile has this many columns
    let lanes = |v: usize| if v + 1 < NV { S::LANES } else { last };
    let column = |v: usize| left + v * S::LANES;

    let mut acc = [[s.splat(0.0); NV]; MR];
    match into {
        Into::Set | Into::Descend(_) | Into::Probe(_) => {}
        Into::Bias(bias) => {
            for v in 0..NV {
                // SAFETY: the bias holds left + width elements.
                let start = s.load(unsafe { bias.get_unchecked(column(v)..column(v) + lanes(v)) });
                for row in &mut acc {
                    row[v] = start;
                }
            }
        }
        Into::Continue => {
            for (i, row) in acc.iter_mut().enumerate() {
                for (v, start) in row.iter_mut().enumerate() {
                    let at = (top + i) * c_row + column(v);
                    // SAFETY: C holds this row up to column left + width.
                    *start = s.load(unsafe { c.get_unchecked(at..at + lanes(v)) });
                }
            }
        }
    }

    let (a_data, b_data) = (a.data.as_ptr().wrapping_add(top * a.row), b.data.as_ptr().wrapping_add(left * b.col));
    for p in 0..k {
        let mut b_row = [s.splat(0.0); NV];
        for (v, to) in b_row.iter_mut().enumerate() {
            // SAFETY: row p of B holds left + width columns.
            *to = s.load(unsafe { slice::from_raw_parts(b_data.add(p * b.row + v * S::LANES * b.col), lanes(v)) });
        }
        for (i, row) in acc.iter_mut().enumerate() {
            // SAFETY: A covers row top + i and column p.
            let x = s.splat(unsafe { *a_data.add(i * a.row + p * a.col) });
            for (v, sum) in row.iter_mut().enumerate() {
                *sum = s.fma(x, b_row[v], *sum);
            }
        }
    }

    let mut finite = true;
    for (i, row) in acc.iter().enumerate() {
        for (v, &sum) in row.iter().enumerate() {
            let at = (top + i) * c_row + column(v);
            // SAFETY: C holds this row up to column left + width.
            let to = unsafe { c.get_unchecked_mut(at..at + lanes(v)) };
            match into {
                Into::Set | Into::Bias(_) | Into::Continue => s.store(to, sum),
                Into::Descend(rate) => s.store(to, s.nfma(s.splat(rate), sum, s.load(to))),
                Into::Probe(rate) => {
                    let mut gradient = [0.0; 16];
                    s.store(&mut gradient, sum);
                    finite &= to.iter().zip(gradient).all(|(&w, g)| step_is_finite(s, rate, g, w));
                }
            }
        }
    }
    finite
}
