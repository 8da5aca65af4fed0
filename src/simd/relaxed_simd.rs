//! Four lanes of WebAssembly with the relaxed multiply-add, in modules that are built with it.
//!
//! An engine may fuse that multiply-add or not, but it does the same throughout an execution (WebAssembly Core
//! Specification, Relaxed Operations). So the token asks once, with operands of which every other way to compute has
//! another result, and where an engine doesn't fuse there is no token. No other relaxed operation is used.

use core::{arch::wasm32::*, hint::black_box};

use super::{Kernel, Simd, passes::NoPasses, wasm32};

/// Proof that this engine fuses the relaxed multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RelaxedSimd(());

impl RelaxedSimd {
    /// The token, where the engine fuses.
    pub(crate) fn new() -> Option<Self> {
        is_fused().then_some(Self(()))
    }
}

/// The bits of a, b, c, and of a * b + c rounded once.
const FUSED: [[u32; 4]; 4] = [
    // (1 + 2^-12)^2 - (1 + 2^-11): a product that is rounded loses what is left
    [0x3f80_0800, 0x3f80_0800, 0xbf80_1000, 0x3380_0000],
    // 2^-24 - 2^-70 and 1 + 2^-23: a double stands on the midpoint, which the sum is below
    [0x3980_0001, 0x397f_fffe, 0x3f80_0001, 0x3f80_0001],
    // the same at the smallest subnormal number, which flushing to zero would lose
    [0x0080_0001, 0x337f_fffe, 0x0000_0001, 0x0000_0001],
    // a product that is no f32
    [0x7f7f_ffff, 0x4000_0000, 0xff7f_ffff, 0x7f7f_ffff],
];

/// Whether both multiply-adds are fused, in every lane.
#[inline(never)]
fn is_fused() -> bool {
    FUSED.into_iter().all(|bits| {
        // the compiler must not know them, or it might compute in the engine's place
        let [a, b, c, expected] = black_box(bits).map(|bits| u32x4_splat(bits));
        let (sum, other) = (f32x4_relaxed_madd(a, b, c), f32x4_relaxed_nmadd(f32x4_neg(a), b, c));
        i32x4_all_true(v128_and(i32x4_eq(sum, expected), i32x4_eq(other, expected)))
    })
}

/// 2^n for integral n in -126..=127, written into the exponent fields.
#[inline(always)]
fn powers_of_two(n: v128) -> v128 {
    i32x4_shl(i32x4_add(n, i32x4_splat(127)), 23)
}

impl Simd for RelaxedSimd {
    type F = v128;
    type Products = NoPasses;
    type Functions = NoPasses;
    const LANES: usize = 4;
    // engines on x86-64 have fifteen registers for vectors
    const ACCUMULATORS: usize = 8;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        /// A function of its own, as on the instruction sets whose features it would have to carry.
        #[inline(never)]
        fn with_relaxed_simd<K: Kernel>(token: RelaxedSimd, kernel: K) -> K::Output {
            kernel.call(token)
        }
        with_relaxed_simd(self, kernel)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> v128 {
        if x.len() >= Self::LANES {
            // SAFETY: four elements are there; this load needs no alignment.
            unsafe { v128_load(x.as_ptr().cast()) }
        } else {
            self.load_partial(x)
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: v128) {
        if to.len() >= Self::LANES {
            // SAFETY: there is room for four elements; this store needs no alignment.
            unsafe { v128_store(to.as_mut_ptr().cast(), x) }
        } else {
            self.store_partial(to, x);
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> v128 {
        let mut lanes = [0.0_f32; 4];
        lanes.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
        // SAFETY: four elements are there; this load needs no alignment.
        unsafe { v128_load(lanes.as_ptr().cast()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: v128) {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: there is room for four elements; this store needs no alignment.
        unsafe { v128_store(lanes.as_mut_ptr().cast(), x) }
        to.iter_mut().zip(lanes).for_each(|(to, x)| *to = x);
    }
    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    #[inline(always)]
    fn fma(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }
    #[inline(always)]
    fn nfma(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_nmadd(a, b, c)
    }
    // not `f32x4_pmax`: the compiler makes a relaxed maximum of it, which has other zeros and NaN
    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        v128_bitselect(a, b, f32x4_gt(a, b))
    }
    #[inline(always)]
    fn min(self, a: v128, b: v128) -> v128 {
        v128_bitselect(a, b, f32x4_lt(a, b))
    }
    #[inline(always)]
    fn abs(self, a: v128) -> v128 {
        f32x4_abs(a)
    }
    #[inline(always)]
    fn with_sign_of(self, a: v128, sign: v128) -> v128 {
        v128_bitselect(sign, a, f32x4_splat(-0.0))
    }
    #[inline(always)]
    fn scale(self, a: v128, n: v128) -> v128 {
        let round = f32x4_splat(super::ROUND);
        let n = i32x4_sub(f32x4_add(n, round), round);
        let half = i32x4_shr(n, 1);
        f32x4_mul(f32x4_mul(a, powers_of_two(half)), powers_of_two(i32x4_sub(n, half)))
    }
    #[inline(always)]
    fn scale_normal(self, a: v128, shifted: v128) -> v128 {
        i32x4_add(a, i32x4_shl(shifted, 23))
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // SAFETY: the caller's promise is passed on.
        unsafe { wasm32::transpose_columns(to, to_row, from, from_row, lanes) }
    }
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        f32x4_extract_lane::<0>(self.fma(f32x4_splat(a), f32x4_splat(b), f32x4_splat(c)))
    }
}
