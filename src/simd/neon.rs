//! Four lanes: NEON, which every AArch64 processor has, and every such target but those for soft floats.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: NEON is part of the targets
//! for which this file is compiled.

use core::arch::aarch64::*;

use super::{Kernel, Simd, int8, passes::NoPasses};

/// Proof that this machine runs NEON: being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    /// The token.
    pub(crate) fn new() -> Option<Self> {
        Some(Self(()))
    }
}

/// 2^n for integral n in -126..=127, written into the exponent fields.
#[inline(always)]
fn powers_of_two(n: int32x4_t) -> float32x4_t {
    // SAFETY: token.
    unsafe { vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)))) }
}

/// Integral numbers as integers.
#[inline(always)]
fn integers(n: float32x4_t) -> int32x4_t {
    // Miri doesn't know the instruction
    if cfg!(miri) {
        let mut lanes = [0.0; 4];
        // SAFETY: token; there is room for four elements, and four are there.
        return unsafe {
            vst1q_f32(lanes.as_mut_ptr(), n);
            vld1q_s32(lanes.map(|x| x as i32).as_ptr())
        };
    }
    // SAFETY: token.
    unsafe { vcvtnq_s32_f32(n) }
}

impl Simd for Neon {
    type F = float32x4_t;
    type Products = NoPasses;
    type Functions = NoPasses;
    const LANES: usize = 4;
    const ACCUMULATORS: usize = 24;
    const TILE_VECTORS: usize = 4;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        /// A function of its own, as on the instruction sets whose features it would have to carry.
        #[inline(never)]
        fn with_neon<K: Kernel>(token: Neon, kernel: K) -> K::Output {
            kernel.call(token)
        }
        with_neon(self, kernel)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: token.
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> float32x4_t {
        if x.len() >= Self::LANES {
            // SAFETY: token; four elements are there.
            unsafe { vld1q_f32(x.as_ptr()) }
        } else {
            self.load_partial(x)
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: float32x4_t) {
        if to.len() >= Self::LANES {
            // SAFETY: token; there is room for four elements.
            unsafe { vst1q_f32(to.as_mut_ptr(), x) }
        } else {
            self.store_partial(to, x);
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> float32x4_t {
        let mut lanes = [0.0; 4];
        lanes.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
        // SAFETY: token; four elements are there.
        unsafe { vld1q_f32(lanes.as_ptr()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: float32x4_t) {
        let mut lanes = [0.0; 4];
        // SAFETY: token; there is room for four elements.
        unsafe { vst1q_f32(lanes.as_mut_ptr(), x) }
        to.iter_mut().zip(lanes).for_each(|(to, x)| *to = x);
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn nfma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vfmsq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
    }
    #[inline(always)]
    fn abs(self, a: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vabsq_f32(a) }
    }
    #[inline(always)]
    fn with_sign_of(self, a: float32x4_t, sign: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe { vbslq_f32(vdupq_n_u32(0x8000_0000), sign, a) }
    }
    #[inline(always)]
    fn scale(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        let n = integers(n);
        // SAFETY: token.
        unsafe {
            let half = vshrq_n_s32::<1>(n);
            let rest = vsubq_s32(n, half);
            vmulq_f32(vmulq_f32(a, powers_of_two(half)), powers_of_two(rest))
        }
    }
    #[inline(always)]
    fn scale_normal(self, a: float32x4_t, shifted: float32x4_t) -> float32x4_t {
        // SAFETY: token.
        unsafe {
            let n = vshlq_n_s32::<23>(vreinterpretq_s32_f32(shifted));
            vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), n))
        }
    }
    /// Two rounds: pairs of rows by element, then by pair.
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // the last row is read in place of those that are not there
        let row = |i: usize| from.wrapping_add(i.min(lanes - 1) * from_row);
        // SAFETY: token; the caller's rows.
        unsafe {
            let (a, b, c, d) = (vld1q_f32(row(0)), vld1q_f32(row(1)), vld1q_f32(row(2)), vld1q_f32(row(3)));
            let wide = |x| vreinterpretq_f64_f32(x);
            let narrow = |x| vreinterpretq_f32_f64(x);
            let (ab_even, ab_odd) = (wide(vtrn1q_f32(a, b)), wide(vtrn2q_f32(a, b)));
            let (cd_even, cd_odd) = (wide(vtrn1q_f32(c, d)), wide(vtrn2q_f32(c, d)));
            vst1q_f32(to, narrow(vtrn1q_f64(ab_even, cd_even)));
            vst1q_f32(to.add(to_row), narrow(vtrn1q_f64(ab_odd, cd_odd)));
            vst1q_f32(to.add(2 * to_row), narrow(vtrn2q_f64(ab_even, cd_even)));
            vst1q_f32(to.add(3 * to_row), narrow(vtrn2q_f64(ab_odd, cd_odd)));
        }
    }
    #[inline(always)]
    fn dot_rows(self, rows: &[u8], x: &[i16], sums: &mut [i32]) {
        int8::neon::dot_rows(rows, x, sums);
    }
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        // SAFETY: token.
        unsafe { vget_lane_f32::<0>(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b))) }
    }
}
