//! Products that the instruction set computes as a whole, in code of its own. Slices become addresses here, so they are
//! checked here as well.
#![allow(unsafe_code)]

use core::ptr;

use super::operands::{End, Gemv, InPlace, Right, Shape, Start};
use crate::{
    kernels::descent::step_is_finite,
    simd::{Operands, Products, Simd},
};

/// A product by the instruction set. One function for all products of the model: flash is short.
// Fields are read where they are used: taken apart at the top they would be kept on the stack.
#[inline(never)]
pub(super) fn product<S: Simd>(s: S, products: S::Products, p: &mut InPlace<'_>) {
    let Shape { m, k, n } = p.shape;
    // no one-lane path packs
    debug_assert!(!matches!(p.b, Right::Panels(_)));
    debug_assert!(p.a.col == 1 || matches!(p.b, Right::Rows(_)), "A and B are both transposed");
    let (Right::Rows(b) | Right::Transposed(b) | Right::Panels(b)) = p.b;
    let holds = |x: &[f32], rows: usize, cols: usize| rows.checked_mul(cols).is_some_and(|len| len <= x.len());
    let fits = p.a.covers(m, k) && holds(b, k, n) && holds(p.c, m, n) && p.start.covers(n);
    debug_assert!(fits, "a slice is shorter than its shape");
    if !fits {
        return;
    }
    let (b_row, b_col) = if let Right::Rows(_) = p.b { (n, 1) } else { (1, k) };
    let (a, b, c) = (p.a.data.as_ptr(), b.as_ptr(), p.c.as_mut_ptr());
    #[rustfmt::skip]
    let mut operands = Operands {
        k, a, a_row: p.a.row, a_col: p.a.col, b, b_row, b_col, c, c_row: n,
        start: ptr::null(), start_row: 0, descends: 0, rate: 0.0, start_col: 1, m, n,
    };
    match p.start {
        Start::Zero => {}
        Start::Bias(bias) => operands.start = bias.as_ptr(),
        Start::C => (operands.start, operands.start_row) = (c, n),
    }
    match p.end {
        End::Store => {}
        End::Descend(rate) => (operands.descends, operands.rate) = (1, rate),
        // SAFETY: checked above.
        End::Probe(probe) => return probe.note(unsafe { steps_are_finite(s, products, &operands, probe.rate) }),
    }
    // SAFETY: checked above.
    unsafe { products.product(&mut operands) };
}

/// C (n) from A (k) and row-major B (k,n), by the instruction set.
#[inline(never)]
pub(super) fn gemv<P: Products>(products: P, gemv: Gemv<'_>) {
    let Gemv { k, n, a, b, c, start } = gemv;
    let fits = a.len() >= k && c.len() >= n && start.covers(n) && k.checked_mul(n).is_some_and(|len| len <= b.len());
    debug_assert!(fits, "a slice is shorter than its shape");
    if !fits {
        return;
    }
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    let start = match start {
        Start::Zero => ptr::null(),
        Start::Bias(bias) => bias.as_ptr(),
        Start::C => c,
    };
    #[rustfmt::skip]
    let mut operands = Operands {
        k, a, a_row: k, a_col: 1, b, b_row: n, b_col: 1, c, c_row: n, start, start_row: 0, descends: 0, rate: 0.0,
        start_col: 1, m: 1, n,
    };
    // SAFETY: checked above.
    unsafe { products.gemv(&mut operands) };
}

/// Whether the descent would take only finite steps to finite weights. Rare, so one element after the other.
///
/// # Safety
/// As [`Products::product`].
#[inline(never)]
unsafe fn steps_are_finite<S: Simd>(s: S, products: S::Products, o: &Operands, rate: f32) -> bool {
    (0..o.m).all(|i| {
        (0..o.n).all(|j| {
            // SAFETY: by the caller row i and column j are there.
            unsafe { step_is_finite(s, rate, products.element(o, i, j), *o.c.wrapping_add(i * o.c_row + j)) }
        })
    })
}
