//! Products that the instruction set computes with passes of its own. With `tile` the only `unsafe` outside `simd/`: the operands
//! are checked here as wholes.
#![allow(unsafe_code)]

use core::ptr;

use super::operands::{Into, Right, Strided};
use crate::{
    kernels::descent::step_is_finite,
    simd::{Operands, Simd},
};

/// `product` where [`Simd::WHOLE`]. One function for all products of the model: flash is short.
#[inline(never)]
pub(super) fn whole<S: Simd>(
    s: S,
    [m, k, n]: [usize; 3],
    a: &Strided<'_>,
    b: Right<'_>,
    c: &mut [f32],
    into: Into<'_>,
) -> bool {
    let (b, b_row, b_col) = match b {
        Right::Rows(data) => (data, n, 1),
        Right::Columns(data) => (data, 1, k),
        Right::Panels(_) => return false,
    };
    let fits = |rows: usize, cols: usize, len: usize| rows.checked_mul(cols).is_some_and(|needed| needed <= len);
    if !a.covers(m, k) || !fits(k, n, b.len()) || !fits(m, n, c.len()) {
        return false;
    }
    let c = c.as_mut_ptr();
    #[rustfmt::skip]
    let mut operands = Operands {
        k, a: a.data.as_ptr(), a_row: a.row, a_col: a.col, b: b.as_ptr(), b_row, b_col, c, c_row: n,
        start: ptr::null(), start_row: 0, descends: false, rate: 0.0, start_col: 1, m, n,
    };
    match into {
        Into::Set => {}
        Into::Bias(bias) if bias.len() >= n => operands.start = bias.as_ptr(),
        Into::Bias(_) => return false,
        Into::Continue => (operands.start, operands.start_row) = (c, n),
        Into::Descend(rate) => (operands.descends, operands.rate) = (true, rate),
        // SAFETY: checked above.
        Into::Probe(rate) => return unsafe { probe(s, &operands, rate) },
    }
    // SAFETY: checked above.
    unsafe { s.product(&mut operands) };
    true
}

/// Whether the descent would take only finite steps to finite weights. Rare, so one element after the other.
///
/// # Safety
/// As [`Simd::product`].
#[inline(never)]
unsafe fn probe<S: Simd>(s: S, o: &Operands, rate: f32) -> bool {
    (0..o.m).all(|i| {
        (0..o.n).all(|j| {
            // SAFETY: by the caller row i and column j are there.
            unsafe { step_is_finite(s, rate, s.element(o, i, j), *o.c.wrapping_add(i * o.c_row + j)) }
        })
    })
}
