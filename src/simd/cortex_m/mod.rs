//! Cortex-M with a single-precision FPU (M4F, M7, M33, M55): `vfma.f32` for one lane, and assembly passes.
//!
//! Stable Rust neither fuses a multiply-add on these targets nor takes floating-point registers as operands of `asm!`,
//! so every number that crosses into assembly is moved through a core register or through memory. That doubles the cost
//! of a single operation and disappears in a pass over many: products run as the passes of `row` and `tiles`, exp
//! and tanh as those of `functions`.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: the instructions are part of the
//! targets for which this file is compiled.

mod functions;
mod fused;
mod passes;
mod product;
mod row;
mod tiles;

use core::arch::asm;

use super::{ExpConstants, Functions, Kernel, OneLane, Operands, Products, int8};

/// Proof that this machine has the FPU: being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CortexM;

/// Where chains and sums start that start at zero: as many as the widest block has.
static ZEROS: [f32; 16] = [0.0; 16];

impl OneLane for CortexM {
    const NAME: &'static str = "cortex-m";
    type Products = Self;
    type Functions = Self;

    #[inline(always)]
    fn products(self) -> Option<Self> {
        Some(self)
    }
    #[inline(always)]
    fn functions(self) -> Option<Self> {
        Some(self)
    }
    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        /// A function of its own: flash is short.
        #[inline(never)]
        fn on_cortex_m<K: Kernel>(kernel: K) -> K::Output {
            kernel.call(CortexM)
        }
        on_cortex_m(kernel)
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        let mut sum = c.to_bits();
        // SAFETY: token; registers alone are touched.
        unsafe {
            asm!(
                "vmov s0, s1, {a}, {b}",
                "vmov s2, {sum}",
                "vfma.f32 s2, s0, s1",
                "vmov {sum}, s2",
                a = in(reg) a.to_bits(), b = in(reg) b.to_bits(), sum = inout(reg) sum,
                out("s0") _, out("s1") _, out("s2") _,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        f32::from_bits(sum)
    }
    #[inline(always)]
    fn nfma(self, a: f32, b: f32, c: f32) -> f32 {
        let mut difference = c.to_bits();
        // SAFETY: token; registers alone are touched.
        unsafe {
            asm!(
                "vmov s0, s1, {a}, {b}",
                "vmov s2, {difference}",
                "vfms.f32 s2, s0, s1",
                "vmov {difference}, s2",
                a = in(reg) a.to_bits(), b = in(reg) b.to_bits(), difference = inout(reg) difference,
                out("s0") _, out("s1") _, out("s2") _,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        f32::from_bits(difference)
    }

    #[inline(always)]
    fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
        int8::cortex_m::dot_rows(rows, x, sums);
    }
    fn copy(to: &mut [f32], from: &[f32]) {
        passes::copy(to, from);
    }
    fn clear(x: &mut [f32]) {
        passes::clear(x);
    }
    #[inline(always)]
    fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize {
        passes::position_of_bits(x, from, least)
    }
}

impl Products for CortexM {
    #[inline(always)]
    unsafe fn product(self, operands: &mut Operands) {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::product(operands) };
    }
    #[inline(always)]
    unsafe fn element(self, operands: &Operands, i: usize, j: usize) -> f32 {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::chain(operands, i, j, 0.0) }
    }
    #[inline(always)]
    unsafe fn gemv(self, operands: &mut Operands) {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::gemv(operands) };
    }
}

impl Functions for CortexM {
    #[inline(always)]
    fn exponentials(self, row: &mut [f32], constants: &'static ExpConstants) -> (f32, f32) {
        exponentials(row, constants)
    }
    #[inline(always)]
    fn scale_all(self, x: &mut [f32], factor: f32) {
        passes::scale(x, factor);
    }
    #[inline(always)]
    fn tanh_backward(self, d: &mut [f32], h: &[f32]) {
        passes::tanh_backward(d, h);
    }
    #[inline(always)]
    fn tanh(self, x: &mut [f32], constants: &'static ExpConstants) {
        in_pairs(x, functions::tanh, 0.0, constants);
    }
    #[inline(always)]
    fn sigmoid(self, mut x: &mut [f32], constants: &'static ExpConstants, rest: impl Fn(&mut [f32])) {
        while !x.is_empty() {
            let even = x.len() & !1;
            // SAFETY: as many elements are there.
            let left = if even > 0 { unsafe { functions::sigmoid(x.as_mut_ptr(), even, constants) } } else { 0 };
            let done = even.saturating_sub(left);
            let Some((_, behind)) = core::mem::take(&mut x).split_at_mut_checked(done) else { return };
            // a pair that is far from 0, or the last one
            let (pair, behind) = behind.split_at_mut(behind.len().min(2));
            rest(pair);
            x = behind;
        }
    }
}

#[inline(never)]
fn exponentials(row: &mut [f32], constants: &'static ExpConstants) -> (f32, f32) {
    let max = passes::max(row);
    if max.is_nan() {
        return (max, max);
    }
    in_pairs(row, functions::exp, max, constants);
    (max, passes::sum(row))
}

/// A pass over elements, above zero and even in number; what is subtracted from each; the constants.
type Pass = unsafe fn(*mut f32, usize, f32, &'static ExpConstants);

/// Runs a pass over an even number of elements, then over the last one and a companion.
#[inline(always)]
fn in_pairs(x: &mut [f32], pass: Pass, minus: f32, constants: &'static ExpConstants) {
    let even = x.len() & !1;
    if even > 0 {
        // SAFETY: as many elements are there.
        unsafe { pass(x.as_mut_ptr(), even, minus, constants) };
    }
    if let Some(last) = x.get_mut(even) {
        *last = of_one(*last, pass, minus, constants);
    }
}

/// The result of a pass for one element. A function of its own: flash is short.
#[inline(never)]
fn of_one(x: f32, pass: Pass, minus: f32, constants: &'static ExpConstants) -> f32 {
    let mut pair = [x; 2];
    // SAFETY: two elements are there.
    unsafe { pass(pair.as_mut_ptr(), 2, minus, constants) };
    let [first, _] = pair;
    first
}
