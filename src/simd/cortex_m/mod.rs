//! Cortex-M with a single-precision FPU (M4F, M7, M33, M55): `vfma.f32` for one lane, and whole passes in assembly.
//!
//! Stable Rust neither fuses a multiply-add on these targets nor takes floating-point registers as operands of `asm!`,
//! so every number that crosses into assembly is moved through a core register or through memory. That doubles the cost
//! of a single operation and disappears in a pass over many: products run as the passes of `product`, exp and tanh as those of `functions`.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: the instructions are part of the
//! targets for which this file is compiled.

mod functions;
mod passes;
mod product;

use core::arch::asm;

pub(crate) use self::CortexM as Scalar;
use super::{Kernel, Operands, Simd};

/// Proof that this machine has the FPU: being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CortexM;

impl CortexM {
    pub(crate) const NAME: &str = "cortex-m";

    /// to = from; the shorter one ends it.
    pub(crate) fn copy(to: &mut [f32], from: &[f32]) {
        passes::copy(to, from);
    }
    /// x = 0.
    pub(crate) fn clear(x: &mut [f32]) {
        passes::clear(x);
    }
    /// The place of the first element, not before `from`, whose bits are an integer not below `least`; at least the length where
    /// there is none.
    #[inline(always)]
    pub(crate) fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize {
        passes::position_of_bits(x, from, least)
    }
}

/// Where chains and sums start that start at zero: as many as the widest block has.
static ZEROS: [f32; 16] = [0.0; 16];

/// 2^n for n in -126..=127, written into the exponent field.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n as u32).wrapping_add(127) << 23)
}

impl Simd for CortexM {
    type F = f32;
    const LANES: usize = 1;
    const ACCUMULATORS: usize = 4;
    const TILE_VECTORS: usize = 2;
    const WHOLE: bool = true;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        /// A function of its own: flash is short.
        #[inline(never)]
        fn on_cortex_m<K: Kernel>(kernel: K) -> K::Output {
            kernel.call(CortexM)
        }
        on_cortex_m(kernel)
    }
    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> f32 {
        x.first().copied().unwrap_or(0.0)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: f32) {
        if let Some(to) = to.first_mut() {
            *to = x;
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> f32 {
        self.load(x)
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: f32) {
        self.store(to, x);
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
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
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        f32::from_bits(a.to_bits() & 0x7fff_ffff)
    }
    #[inline(always)]
    fn with_sign_of(self, a: f32, sign: f32) -> f32 {
        f32::from_bits((a.to_bits() & 0x7fff_ffff) | (sign.to_bits() & 0x8000_0000))
    }
    #[inline(always)]
    fn scale_normal(self, a: f32, shifted: f32) -> f32 {
        f32::from_bits(a.to_bits().wrapping_add(shifted.to_bits() << 23))
    }
    #[inline(always)]
    fn scale(self, a: f32, n: f32) -> f32 {
        let n = n as i32;
        let half = n >> 1;
        a * power_of_two(half) * power_of_two(n.wrapping_sub(half))
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, _: *mut f32, _: usize, _: *const f32, _: usize, _: usize) {}
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        self.fma(a, b, c)
    }

    #[inline(always)]
    unsafe fn product(self, operands: &mut Operands) {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::product(operands) };
    }
    #[inline(always)]
    unsafe fn element(self, o: &Operands, i: usize, j: usize) -> f32 {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::chain(o, i, j, 0.0) }
    }
    #[inline(always)]
    unsafe fn row(self, operands: &mut Operands) {
        // SAFETY: the caller's promise is passed on.
        unsafe { product::row(operands) };
    }
    #[inline(always)]
    fn exponentials(self, row: &mut [f32], constants: &'static [f32; 21]) -> Option<(f32, f32)> {
        Some(exponentials(row, constants))
    }
    #[inline(always)]
    fn scale_all(self, x: &mut [f32], factor: f32) -> bool {
        scale_all(x, factor);
        true
    }
    #[inline(always)]
    fn tanh(self, x: &mut [f32], constants: &'static [f32; 21]) -> bool {
        // SAFETY: by `in_pairs` the elements are there.
        in_pairs(x, |x, count| unsafe { functions::tanh(x, count, constants) });
        true
    }
}

#[inline(never)]
fn exponentials(row: &mut [f32], constants: &'static [f32; 21]) -> (f32, f32) {
    let (blocks, rest) = row.as_chunks::<8>();
    let larger = |max: f32, &x: &f32| if x > max || x.is_nan() { x } else { max };
    let max = rest.iter().fold(passes::max(blocks), larger);
    if max.is_nan() {
        return (max, max);
    }
    // SAFETY: by `in_pairs` the elements are there.
    in_pairs(row, |x, count| unsafe { functions::exp(x, count, max, constants) });
    (max, passes::sum(row))
}

#[inline(never)]
fn scale_all(x: &mut [f32], factor: f32) {
    let (blocks, rest) = x.as_chunks_mut::<16>();
    passes::scale(blocks, factor);
    rest.iter_mut().for_each(|x| *x *= factor);
}

/// Runs a pass over an even number of elements, above zero, then over the last one and a companion.
#[inline(always)]
fn in_pairs(x: &mut [f32], pass: impl Fn(*mut f32, usize)) {
    let even = x.len() & !1;
    if even > 0 {
        pass(x.as_mut_ptr(), even);
    }
    if let Some(last) = x.get_mut(even) {
        let mut pair = [*last; 2];
        pass(pair.as_mut_ptr(), 2);
        [*last, _] = pair;
    }
}
