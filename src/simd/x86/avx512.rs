//! Sixteen lanes: AVX-512F.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: an [`Avx512`] exists only
//! where [`Avx512::new`] saw that the processor and the operating system support AVX-512F.

use core::arch::x86_64::*;

use super::detect;
use crate::simd::{Kernel, Scalar, Simd, int8, passes::NoPasses};

/// Proof that this machine runs AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The token, where the machine has the instructions.
    pub(crate) fn new() -> Option<Self> {
        detect::avx512f().then_some(Self(()))
    }
}

impl Avx512 {
    /// For the register operations that Miri lacks. It interprets loads, stores and masks as they are.
    fn lane_by_lane(self, a: __m512, b: __m512, f: fn(Scalar, f32, f32) -> f32) -> __m512 {
        let (mut lanes, mut others) = ([0.0; 16], [0.0; 16]);
        self.store(&mut lanes, a);
        self.store(&mut others, b);
        lanes.iter_mut().zip(others).for_each(|(a, b)| *a = f(Scalar, *a, b));
        self.load(&lanes)
    }
}

/// The first `n` lanes on.
#[inline(always)]
fn mask(n: usize) -> __mmask16 {
    ((1_u32 << n.min(16)) - 1) as __mmask16
}

/// Four columns of `4 * FOURS` rows or somewhat fewer, from memory to memory: four rows of sixteen. Quarters of rows
/// are brought together as they are loaded, which leaves two rounds of shuffles within quarters; full vectors would
/// need four, and there is one unit for shuffles.
///
/// # Safety
/// `lanes` is 1 to `4 * FOURS`. Four elements are there in each of `lanes` rows of `from` and sixteen in each of four
/// rows of `to`.
#[target_feature(enable = "avx512f")]
unsafe fn transpose_columns<const FOURS: usize>(
    to: *mut f32,
    to_row: usize,
    from: *const f32,
    from_row: usize,
    lanes: usize,
) {
    let wide = _mm512_castps_pd;
    let narrow = _mm512_castpd_ps;
    // row j of these: four elements each of rows j, 4 + j, 8 + j, 12 + j
    let mut rows = [_mm512_setzero_ps(); 4];
    for (j, row) in rows.iter_mut().enumerate() {
        // the last row is read in place of those that are not there
        let quarter = |i: usize| from.wrapping_add((4 * i + j).min(lanes - 1) * from_row);
        // SAFETY: the caller's rows.
        unsafe {
            let mut x = _mm512_castps128_ps512(_mm_loadu_ps(quarter(0)));
            if FOURS > 1 {
                x = _mm512_insertf32x4::<1>(x, _mm_loadu_ps(quarter(1)));
            }
            if FOURS > 2 {
                x = _mm512_insertf32x4::<2>(x, _mm_loadu_ps(quarter(2)));
            }
            if FOURS > 3 {
                x = _mm512_insertf32x4::<3>(x, _mm_loadu_ps(quarter(3)));
            }
            *row = x;
        }
    }
    let [a, b, c, d] = rows;
    let (ab, ab_high) = (wide(_mm512_unpacklo_ps(a, b)), wide(_mm512_unpackhi_ps(a, b)));
    let (cd, cd_high) = (wide(_mm512_unpacklo_ps(c, d)), wide(_mm512_unpackhi_ps(c, d)));
    let columns = [
        _mm512_unpacklo_pd(ab, cd),
        _mm512_unpackhi_pd(ab, cd),
        _mm512_unpacklo_pd(ab_high, cd_high),
        _mm512_unpackhi_pd(ab_high, cd_high),
    ];
    for (j, column) in columns.into_iter().enumerate() {
        // SAFETY: the caller's rows; j < 4.
        unsafe { _mm512_storeu_ps(to.add(j * to_row), narrow(column)) }
    }
}

impl Simd for Avx512 {
    type F = __m512;
    type Products = NoPasses;
    type Functions = NoPasses;
    const LANES: usize = 16;
    const ACCUMULATORS: usize = 24;
    const TILE_VECTORS: usize = 4;
    const MASKS: bool = true;

    /// Where the units have 256 bits. Tests take the halves anywhere.
    #[inline(always)]
    fn halves(self) -> bool {
        cfg!(test) || detect::zen_4()
    }
    /// Tests take large blocks anywhere.
    #[inline(always)]
    fn large_cache(self) -> bool {
        cfg!(test) || detect::large_cache()
    }
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f")]
        fn with_avx512<K: Kernel>(token: Avx512, kernel: K) -> K::Output {
            kernel.call(token)
        }
        // SAFETY: token.
        unsafe { with_avx512(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m512 {
        if x.len() >= Self::LANES {
            // SAFETY: token; sixteen elements are there.
            unsafe { _mm512_loadu_ps(x.as_ptr()) }
        } else {
            self.load_partial(x)
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: __m512) {
        if to.len() >= Self::LANES {
            // SAFETY: token; there is room for sixteen elements.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), x) }
        } else {
            self.store_partial(to, x);
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> __m512 {
        // SAFETY: token; lanes beyond the slice are masked off and not read.
        unsafe { _mm512_maskz_loadu_ps(mask(x.len()), x.as_ptr()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: __m512) {
        // SAFETY: token; lanes beyond the slice are masked off and not written.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask(to.len()), x) }
    }
    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: a hint, which takes any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    /// A Zen 4 takes half the time for it. An Intel core, one of whose units knows 512 bits alone, takes more.
    #[inline(always)]
    fn fma_half(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        let half = _mm512_castps512_ps256;
        // SAFETY: token.
        unsafe { _mm512_castps256_ps512(_mm256_fmadd_ps(half(a), half(b), half(c))) }
    }
    #[inline(always)]
    fn nfma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        if cfg!(miri) {
            return self.lane_by_lane(a, b, Simd::max);
        }
        // SAFETY: token.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        if cfg!(miri) {
            return self.lane_by_lane(a, b, Simd::min);
        }
        // SAFETY: token.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        // SAFETY: token.
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    fn with_sign_of(self, a: __m512, sign: __m512) -> __m512 {
        // SAFETY: token.
        unsafe {
            let (a, sign) = (_mm512_castps_si512(a), _mm512_castps_si512(sign));
            // bitwise: where the third is 1 take the second, else the first
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xd8>(a, sign, _mm512_set1_epi32(i32::MIN)))
        }
    }
    #[inline(always)]
    fn scale_normal(self, a: __m512, shifted: __m512) -> __m512 {
        // SAFETY: token.
        unsafe {
            let n = _mm512_slli_epi32::<23>(_mm512_castps_si512(shifted));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), n))
        }
    }
    #[inline(always)]
    fn scale(self, a: __m512, n: __m512) -> __m512 {
        if cfg!(miri) {
            return self.lane_by_lane(a, n, Simd::scale);
        }
        // SAFETY: token.
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // SAFETY: token; the caller's rows; each arm has lanes <= 4 * FOURS, the last because lanes <= 16.
        unsafe {
            match lanes {
                ..=4 => transpose_columns::<1>(to, to_row, from, from_row, lanes),
                5..=8 => transpose_columns::<2>(to, to_row, from, from_row, lanes),
                9..=12 => transpose_columns::<3>(to, to_row, from, from_row, lanes),
                _ => transpose_columns::<4>(to, to_row, from, from_row, lanes),
            }
        }
    }
    #[inline(always)]
    fn dot_rows(self, rows: &[u8], x: &[i16], sums: &mut [i32]) {
        if detect::avx512_vnni() {
            // SAFETY: just detected.
            unsafe { int8::vnni::dot_rows(rows, x, sums) }
        } else {
            // SAFETY: token; AVX2 too.
            unsafe { int8::x86::dot_rows(rows, x, sums) }
        }
    }
    #[inline(always)]
    fn scale_sums(self, sums: &mut [i32], biases: &[[u8; 4]], scales: &[[u8; 4]]) -> i32 {
        // SAFETY: token.
        unsafe { int8::x86::scale_sums(sums, biases, scales) }
    }
    #[inline(always)]
    fn exponentials(self, x: &mut [i32], max: i32) -> u64 {
        // SAFETY: token.
        unsafe { int8::x86::exponentials(x, max) }
    }
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        // SAFETY: token; AVX-512F brings FMA with it, and detection checks both.
        unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
    }
}
