//! AVX2: sixteen weights at a time, widened to i16; `vpmaddwd` multiplies them with the vector and adds in pairs.
//!
//! Eight rows share each load of the vector and the last steps of their sums. What is left of a row is one block more,
//! of half as many weights where that is enough. A machine with AVX-512 takes this path too.

use core::arch::x86_64::*;

use super::{
    complete_rows, last_block, portable,
    powers::{self, C},
    scaled,
};

/// Elements of a block.
const BLOCK: usize = 16;
/// The most elements that are taken as half a block at the end of a row.
const HALF: usize = BLOCK / 2;
/// Rows that are taken together.
const ROWS: usize = 8;

/// As [`portable`].
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let (k, count) = (x.len(), complete_rows(rows, x, sums));
    if k < BLOCK {
        return portable(rows, x, sums);
    }
    let left = k % BLOCK;
    let mut last = [0; BLOCK];
    if left > HALF {
        last = last_block(x, left);
    } else {
        last[..HALF].copy_from_slice(&last_block::<HALF>(x, left));
    }
    let Some(sums) = sums.get_mut(..count) else { return };
    let (eights, rest) = sums.as_chunks_mut::<ROWS>();
    let mut at = rows.as_ptr();
    for eight in &mut *eights {
        // SAFETY: of the `count` rows of k bytes eight begin here, and k >= BLOCK.
        *eight = unsafe { dot::<ROWS>(at, x, &last) };
        at = at.wrapping_add(ROWS * k);
    }
    for sum in rest {
        // SAFETY: as above, for one row.
        [*sum, ..] = unsafe { dot::<1>(at, x, &last) };
        at = at.wrapping_add(k);
    }
}

/// The sums of so many rows, at most eight; zero for those that are fewer.
///
/// # Safety
/// They begin at `at`, with as many bytes each as `x` has elements, [`BLOCK`] or more.
#[target_feature(enable = "avx2")]
unsafe fn dot<const R: usize>(at: *const u8, x: &[i16], last: &[i16; BLOCK]) -> [i32; ROWS] {
    let k = x.len();
    let mut sums = [_mm256_setzero_si256(); ROWS];
    let (blocks, left) = x.as_chunks::<BLOCK>();
    // SAFETY: BLOCK bytes from `offset` on are there in each row, and BLOCK elements in a block.
    let mut add = |offset: usize, block: &[i16; BLOCK]| unsafe {
        let block = _mm256_loadu_si256(block.as_ptr().cast());
        for (row, sum) in sums.iter_mut().enumerate().take(R) {
            let weights = _mm_loadu_si128(at.add(row * k + offset).cast());
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(weights), block));
        }
    };
    for (i, block) in blocks.iter().enumerate() {
        add(BLOCK * i, block);
    }
    if left.len() > HALF {
        add(k - BLOCK, last);
    } else if !left.is_empty() {
        // SAFETY: HALF bytes end each row.
        unsafe {
            let last = _mm256_loadu_si256(last.as_ptr().cast());
            for (row, sum) in sums.iter_mut().enumerate().take(R) {
                let weights = _mm_cvtepi8_epi16(_mm_loadl_epi64(at.add(row * k + k - HALF).cast()));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_zextsi128_si256(weights), last));
            }
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    // in each half of a vector the sums of that half of four rows
    let first = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let second = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
    let low = _mm256_permute2x128_si256::<0x20>(first, second);
    let high = _mm256_permute2x128_si256::<0x31>(first, second);
    let mut to = [0; ROWS];
    // SAFETY: there is room for eight.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_add_epi32(low, high)) };
    to
}

/// [`Simd::scale_sums`](crate::simd::Simd::scale_sums), eight at a time.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn scale_sums(sums: &mut [i32], biases: &[[u8; 4]], scales: &[[u8; 4]]) {
    let count = sums.len().min(biases.len()).min(scales.len());
    let mut at = 0;
    while at + ROWS <= count {
        // SAFETY: there are eight of each from there on.
        unsafe {
            let (to, bias, scale) = (sums.as_mut_ptr().add(at), biases.as_ptr().add(at), scales.as_ptr().add(at));
            let sum = _mm256_add_epi32(_mm256_loadu_si256(to.cast()), _mm256_loadu_si256(bias.cast()));
            let product = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(scale.cast()));
            // what is too large becomes the least: then all its bits are turned
            let too_large = _mm256_cmp_ps::<_CMP_GE_OQ>(product, _mm256_set1_ps(2_147_483_648.0));
            let integers = _mm256_xor_si256(_mm256_cvttps_epi32(product), _mm256_castps_si256(too_large));
            _mm256_storeu_si256(to.cast(), integers);
        }
        at += ROWS;
    }
    for ((sum, &bias), &scale) in sums.iter_mut().zip(biases).zip(scales).skip(at) {
        *sum = scaled(sum.wrapping_add(i32::from_le_bytes(bias)), f32::from_le_bytes(scale));
    }
}

/// [`powers::exponentials`], eight at a time. What is multiplied has 16 bits, so products of such numbers do.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn exponentials(x: &mut [i32], max: i32) -> u64 {
    let [c1, c2, c3, c4] = C.map(|c| _mm256_set1_epi32(c as i32));
    let low_half = _mm256_set1_epi32(0xffff);
    let (mut of_even, mut of_odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    let (eights, rest) = x.as_chunks_mut::<ROWS>();
    for eight in eights {
        // SAFETY: there are eight.
        let x = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
        let d = _mm256_min_epu32(_mm256_sub_epi32(_mm256_set1_epi32(max), x), _mm256_set1_epi32(31 << 14));
        let d = _mm256_slli_epi32::<2>(d);
        // as in `powers`
        let n = _mm256_srli_epi32::<16>(_mm256_add_epi32(d, low_half));
        let f = _mm256_and_si256(_mm256_sub_epi32(_mm256_setzero_si256(), d), low_half);
        let t = _mm256_add_epi32(_mm256_mulhi_epu16(c4, f), c3);
        let t = _mm256_add_epi32(_mm256_mulhi_epu16(t, f), c2);
        let t = _mm256_add_epi32(_mm256_mulhi_epu16(t, f), c1);
        let of_fraction = _mm256_srli_epi32::<2>(_mm256_mullo_epi32(t, f));
        let e = _mm256_srlv_epi32(_mm256_add_epi32(of_fraction, _mm256_set1_epi32(1 << 30)), n);
        of_even = _mm256_add_epi64(of_even, _mm256_blend_epi32::<0xaa>(e, _mm256_setzero_si256()));
        of_odd = _mm256_add_epi64(of_odd, _mm256_srli_epi64::<32>(e));
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), e) };
    }
    let mut sums = [0_u64; 4];
    // SAFETY: there is room for four.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), _mm256_add_epi64(of_even, of_odd)) };
    sums.into_iter().fold(powers::exponentials(rest, max), u64::wrapping_add)
}
