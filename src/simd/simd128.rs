//! simd128 of WebAssembly, where the module is built with it: whoever runs such a module has it.
//!
//! A module that is built with relaxed SIMD too has that path in its place.

use core::arch::wasm32::*;

use super::{Doubles, Kernel, Widened, wasm32};

/// Proof that this machine runs simd128: being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Simd128(());

impl Simd128 {
    /// The token.
    pub(crate) fn new() -> Option<Widened<Self>> {
        Some(Widened(Self(())))
    }
}

impl Doubles for Simd128 {
    type D = v128;

    #[inline(never)]
    fn enter<K: Kernel>(kernel: K, token: Widened<Self>) -> K::Output {
        kernel.call(token)
    }

    #[inline(always)]
    fn splat(self, x: f64) -> v128 {
        f64x2_splat(x)
    }
    #[inline(always)]
    fn load(self, x: &[f32; 4]) -> [v128; 2] {
        let at = x.as_ptr().cast::<u64>();
        // SAFETY: two elements are there at either address; these loads need no alignment.
        unsafe { [f64x2_promote_low_f32x4(v128_load64_zero(at)), f64x2_promote_low_f32x4(v128_load64_zero(at.add(1)))] }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; 4], x: [v128; 2]) {
        let (low, high) = (f32x4_demote_f64x2_zero(x[0]), f32x4_demote_f64x2_zero(x[1]));
        // SAFETY: there is room for four elements; this store needs no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), i64x2_shuffle::<0, 2>(low, high)) }
    }
    #[inline(always)]
    fn rounded(self, x: v128) -> v128 {
        f64x2_promote_low_f32x4(f32x4_demote_f64x2_zero(x))
    }
    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f64x2_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f64x2_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f64x2_mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f64x2_div(a, b)
    }
    // "pseudo-maximum": its second operand where that is larger, else the first
    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        f64x2_pmax(b, a)
    }
    #[inline(always)]
    fn min(self, a: v128, b: v128) -> v128 {
        f64x2_pmin(b, a)
    }
    #[inline(always)]
    fn less(self, a: v128, b: v128) -> v128 {
        f64x2_lt(a, b)
    }
    #[inline(always)]
    fn and(self, a: v128, b: v128) -> v128 {
        v128_and(a, b)
    }
    #[inline(always)]
    fn without(self, a: v128, b: v128) -> v128 {
        v128_andnot(b, a)
    }
    #[inline(always)]
    fn or(self, a: v128, b: v128) -> v128 {
        v128_or(a, b)
    }
    #[inline(always)]
    fn flipped(self, a: v128, b: v128) -> v128 {
        v128_xor(a, b)
    }
    #[inline(always)]
    fn add_bits(self, a: v128, b: v128) -> v128 {
        i64x2_add(a, b)
    }
    #[inline(always)]
    fn sub_bits(self, a: v128, b: v128) -> v128 {
        i64x2_sub(a, b)
    }
    #[inline(always)]
    fn to_exponent(self, a: v128) -> v128 {
        i64x2_shl(a, 52)
    }
    #[inline(always)]
    fn any_on_midpoint(self, x: [v128; 2]) -> bool {
        let low = i32x4_shl(i32x4_shuffle::<0, 2, 4, 6>(x[0], x[1]), 4);
        i32x4_bitmask(i32x4_eq(low, i32x4_splat(0))) != 0
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // SAFETY: the caller's promise is passed on.
        unsafe { wasm32::transpose_columns(to, to_row, from, from_row, lanes) }
    }
}
