//! SSE2, which every x86-64 processor has, and every such target with vector registers.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: SSE2 is part of the targets
//! for which this file is compiled.

use core::arch::x86_64::*;

use crate::simd::{Doubles, Kernel, Widened};

/// Proof that this machine runs SSE2: being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sse2(());

impl Sse2 {
    /// The token.
    pub(crate) fn new() -> Option<Widened<Self>> {
        Some(Widened(Self(())))
    }
}

/// The bits of two doubles as integers.
#[inline(always)]
fn bits(x: __m128d) -> __m128i {
    // SAFETY: token.
    unsafe { _mm_castpd_si128(x) }
}

/// And back.
#[inline(always)]
fn doubles(x: __m128i) -> __m128d {
    // SAFETY: token.
    unsafe { _mm_castsi128_pd(x) }
}

impl Doubles for Sse2 {
    type D = __m128d;

    #[inline(never)]
    fn enter<K: Kernel>(kernel: K, token: Widened<Self>) -> K::Output {
        kernel.call(token)
    }

    #[inline(always)]
    fn splat(self, x: f64) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_set1_pd(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32; 4]) -> [__m128d; 2] {
        let at = x.as_ptr().cast::<__m128i>();
        // SAFETY: token; two elements are there at either address.
        unsafe {
            let two = |at| _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64(at)));
            [two(at), two(at.byte_add(8))]
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; 4], x: [__m128d; 2]) {
        // SAFETY: token; there is room for four elements.
        unsafe { _mm_storeu_ps(to.as_mut_ptr(), _mm_movelh_ps(_mm_cvtpd_ps(x[0]), _mm_cvtpd_ps(x[1]))) }
    }
    #[inline(always)]
    fn rounded(self, x: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_cvtps_pd(_mm_cvtpd_ps(x)) }
    }
    #[inline(always)]
    fn add(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_add_pd(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_sub_pd(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_mul_pd(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_div_pd(a, b) }
    }
    #[inline(always)]
    fn max(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_max_pd(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_min_pd(a, b) }
    }
    #[inline(always)]
    fn less(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_cmplt_pd(a, b) }
    }
    #[inline(always)]
    fn and(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_and_pd(a, b) }
    }
    #[inline(always)]
    fn without(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_andnot_pd(a, b) }
    }
    #[inline(always)]
    fn or(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_or_pd(a, b) }
    }
    #[inline(always)]
    fn flipped(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        unsafe { _mm_xor_pd(a, b) }
    }
    #[inline(always)]
    fn add_bits(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        doubles(unsafe { _mm_add_epi64(bits(a), bits(b)) })
    }
    #[inline(always)]
    fn sub_bits(self, a: __m128d, b: __m128d) -> __m128d {
        // SAFETY: token.
        doubles(unsafe { _mm_sub_epi64(bits(a), bits(b)) })
    }
    #[inline(always)]
    fn to_exponent(self, a: __m128d) -> __m128d {
        // SAFETY: token.
        doubles(unsafe { _mm_slli_epi64::<52>(bits(a)) })
    }
    #[inline(always)]
    fn any_on_midpoint(self, x: [__m128d; 2]) -> bool {
        // SAFETY: token.
        unsafe {
            let low = _mm_shuffle_ps::<0b10_00_10_00>(_mm_castpd_ps(x[0]), _mm_castpd_ps(x[1]));
            let low = _mm_slli_epi32::<4>(_mm_castps_si128(low));
            _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(low, _mm_setzero_si128()))) != 0
        }
    }
    /// Two rounds: pairs of rows by element, then by pair.
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        let row = |i: usize| from.wrapping_add(i.min(lanes - 1) * from_row);
        // SAFETY: token; the caller's rows.
        unsafe {
            let (a, b, c, d) = (_mm_loadu_ps(row(0)), _mm_loadu_ps(row(1)), _mm_loadu_ps(row(2)), _mm_loadu_ps(row(3)));
            let (ab, ab_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
            _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
            _mm_storeu_ps(to.add(to_row), _mm_movehl_ps(cd, ab));
            _mm_storeu_ps(to.add(2 * to_row), _mm_movelh_ps(ab_high, cd_high));
            _mm_storeu_ps(to.add(3 * to_row), _mm_movehl_ps(cd_high, ab_high));
        }
    }
}
