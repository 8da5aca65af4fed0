//! Products without floating point in hardware: each element is a chain of `fma::integers`, whose sum stays unpacked
//! from its first step to its last.

use super::fma::integers::{Sum, fma};
use crate::simd::{Operands, Products};

/// These products; to hold one means nothing, they run everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Chains;

impl Products for Chains {
    #[inline(never)]
    unsafe fn product(self, o: &mut Operands) {
        for i in 0..o.m {
            for j in 0..o.n {
                let c = o.c.wrapping_add(i * o.c_row + j);
                // SAFETY: by the caller there are row i and column j, a start for them, and the element of C.
                unsafe {
                    let start = if o.start.is_null() { 0.0 } else { *o.start.wrapping_add(i * o.start_row + j) };
                    let sum = chain(o, i, j, start);
                    *c = if o.descends != 0 { fma(-o.rate, sum, *c) } else { sum };
                }
            }
        }
    }
    unsafe fn element(self, o: &Operands, i: usize, j: usize) -> f32 {
        // SAFETY: by the caller.
        unsafe { chain(o, i, j, 0.0) }
    }
    #[inline(always)]
    unsafe fn gemv(self, o: &mut Operands) {
        // SAFETY: by the caller.
        unsafe { self.product(o) };
    }
}

/// `start` plus row i of A times column j of B: k fused steps.
///
/// # Safety
/// They are there.
#[inline(never)]
unsafe fn chain(o: &Operands, i: usize, j: usize, start: f32) -> f32 {
    let (mut a, mut b) = (o.a.wrapping_add(i * o.a_row), o.b.wrapping_add(j * o.b_col));
    let (mut rest, mut c) = (o.k, start);
    loop {
        // infinity and NaN aren't unpacked
        if let Some(mut sum) = Sum::new(c.to_bits()) {
            while rest > 0 {
                // SAFETY: by the caller there are as many elements as k.
                let Some(next) = sum.plus(unsafe { (*a).to_bits() }, unsafe { (*b).to_bits() }) else { break };
                sum = next;
                (a, b, rest) = (a.wrapping_add(o.a_col), b.wrapping_add(o.b_row), rest - 1);
            }
            c = f32::from_bits(sum.bits());
        }
        if rest == 0 {
            return c;
        }
        // a step that isn't ordinary
        // SAFETY: as above.
        c = fma(unsafe { *a }, unsafe { *b }, c);
        (a, b, rest) = (a.wrapping_add(o.a_col), b.wrapping_add(o.b_row), rest - 1);
    }
}

#[cfg(test)]
mod tests;
