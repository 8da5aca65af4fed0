//! The fused multiply-add of RISC-V with F, which stable Rust reaches by assembly alone.

use core::arch::asm;

/// `a * b + c` with one rounding.
#[inline(always)]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    let result: f32;
    // SAFETY: the registers are those of F, so it is there; registers alone are touched.
    unsafe {
        asm!(
            "fmadd.s {result}, {a}, {b}, {c}",
            result = lateout(freg) result, a = in(freg) a, b = in(freg) b, c = in(freg) c,
            options(pure, nomem, nostack)
        );
    }
    result
}
