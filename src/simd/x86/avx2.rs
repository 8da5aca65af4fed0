//! Eight lanes: AVX2 with FMA.
//!
//! Every `unsafe` block of the token's methods rests on one fact, named "token" below: an [`Avx2`] exists only
//! where [`Avx2::new`] saw that the processor and the operating system support AVX2 and FMA.

use core::arch::x86_64::*;

use super::detect;
use crate::simd::{Kernel, Simd, int8, passes::NoPasses};

/// Proof that this machine runs AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The token, where the machine has the instructions.
    pub(crate) fn new() -> Option<Self> {
        detect::avx2_and_fma().then_some(Self(()))
    }
}

/// Lane masks: starting at `8 - n`, the first `n` lanes are on.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx2,fma")]
fn mask(n: usize) -> __m256i {
    let from = &MASKS[8 - n.min(8)..][..8];
    // SAFETY: `from` holds eight i32.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// 2^n for integral n in -126..=127, written into the exponent fields.
#[target_feature(enable = "avx2,fma")]
fn powers_of_two(n: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127))))
}

/// Four columns of up to eight rows, from memory to memory: four rows of eight. Halves of rows are brought together as
/// they are loaded, which leaves two rounds of shuffles within halves.
///
/// # Safety
/// `lanes` is 1 to 8. Four elements are there in each of `lanes` rows of `from` and eight in each of four rows of `to`.
#[target_feature(enable = "avx2,fma")]
unsafe fn transpose_columns(to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
    // row j of these: four elements each of rows j and 4 + j
    let mut rows = [_mm256_setzero_ps(); 4];
    for (j, row) in rows.iter_mut().enumerate() {
        // the last row is read in place of those that are not there
        let half = |i: usize| from.wrapping_add((4 * i + j).min(lanes - 1) * from_row);
        // SAFETY: the caller's rows.
        unsafe {
            let low = _mm256_castps128_ps256(_mm_loadu_ps(half(0)));
            *row = _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(half(1)));
        }
    }
    let [a, b, c, d] = rows;
    let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    let columns = [
        _mm256_shuffle_ps::<0x44>(ab, cd),
        _mm256_shuffle_ps::<0xee>(ab, cd),
        _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
        _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
    ];
    for (j, column) in columns.into_iter().enumerate() {
        // SAFETY: the caller's rows; j < 4.
        unsafe { _mm256_storeu_ps(to.add(j * to_row), column) }
    }
}

impl Simd for Avx2 {
    type F = __m256;
    type Products = NoPasses;
    type Functions = NoPasses;
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 12;
    const TILE_VECTORS: usize = 2;

    /// Tests take large blocks anywhere.
    #[inline(always)]
    fn large_cache(self) -> bool {
        cfg!(test) || detect::large_cache()
    }
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2<K: Kernel>(token: Avx2, kernel: K) -> K::Output {
            kernel.call(token)
        }
        // SAFETY: token.
        unsafe { with_avx2(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m256 {
        if x.len() >= Self::LANES {
            // SAFETY: token; eight elements are there.
            unsafe { _mm256_loadu_ps(x.as_ptr()) }
        } else {
            self.load_partial(x)
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: __m256) {
        if to.len() >= Self::LANES {
            // SAFETY: token; there is room for eight elements.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) }
        } else {
            self.store_partial(to, x);
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> __m256 {
        // SAFETY: token; lanes beyond the slice are masked off and not read.
        unsafe { _mm256_maskload_ps(x.as_ptr(), mask(x.len())) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: __m256) {
        // not through a mask: AMD's processors take dozens of cycles for that
        // SAFETY: token; there is room for the parts of n elements, 4, 2 and 1, in this order.
        unsafe {
            let (mut to, n) = (to.as_mut_ptr(), to.len());
            if n >= Self::LANES {
                return _mm256_storeu_ps(to, x);
            }
            let mut part = _mm256_castps256_ps128(x);
            if n & 4 != 0 {
                _mm_storeu_ps(to, part);
                part = _mm256_extractf128_ps::<1>(x);
                to = to.add(4);
            }
            if n & 2 != 0 {
                // of the stores of two floats the one that needs no alignment to eight bytes
                _mm_storel_epi64(to.cast(), _mm_castps_si128(part));
                part = _mm_movehl_ps(part, part);
                to = to.add(2);
            }
            if n & 1 != 0 {
                _mm_store_ss(to, part);
            }
        }
    }
    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: a hint, which takes any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn nfma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        // SAFETY: token.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }
    #[inline(always)]
    fn with_sign_of(self, a: __m256, sign: __m256) -> __m256 {
        // SAFETY: token.
        unsafe {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, a), _mm256_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn scale(self, a: __m256, n: __m256) -> __m256 {
        // SAFETY: token.
        unsafe {
            let n = _mm256_cvtps_epi32(n);
            let half = _mm256_srai_epi32::<1>(n);
            let rest = _mm256_sub_epi32(n, half);
            _mm256_mul_ps(_mm256_mul_ps(a, powers_of_two(half)), powers_of_two(rest))
        }
    }
    #[inline(always)]
    fn scale_normal(self, a: __m256, shifted: __m256) -> __m256 {
        // SAFETY: token.
        unsafe {
            let n = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), n))
        }
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // SAFETY: token; the caller's rows.
        unsafe { transpose_columns(to, to_row, from, from_row, lanes) }
    }
    #[inline(always)]
    fn dot_rows(self, rows: &[u8], x: &[i16], sums: &mut [i32]) {
        // SAFETY: token.
        unsafe { int8::x86::dot_rows(rows, x, sums) }
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
        // SAFETY: token.
        unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
    }
}
