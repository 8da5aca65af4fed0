//! AVX2: sixteen weights at a time, widened to i16; `vpmaddwd` multiplies them with the vector and adds in pairs.
//!
//! Four rows share each load of the vector and the last steps of their sums. The product comes from memory: with
//! AVX-512 it would take the same time.

use core::arch::x86_64::*;

use super::{complete_rows, last_block, portable};

/// Elements of a block.
const BLOCK: usize = 16;
/// Rows that are taken together.
const ROWS: usize = 4;

/// As [`portable`].
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let (k, count) = (x.len(), complete_rows(rows, x, sums));
    if k < BLOCK {
        return portable(rows, x, sums);
    }
    let last = last_block::<BLOCK>(x, k % BLOCK);
    let Some(sums) = sums.get_mut(..count) else { return };
    let (fours, rest) = sums.as_chunks_mut::<ROWS>();
    let mut at = rows.as_ptr();
    for four in &mut *fours {
        // SAFETY: of the `count` rows of k bytes four begin here, and k >= BLOCK.
        *four = unsafe { dot::<ROWS>(at, x, &last) };
        at = at.wrapping_add(ROWS * k);
    }
    for sum in rest {
        // SAFETY: as above, for one row.
        [*sum, ..] = unsafe { dot::<1>(at, x, &last) };
        at = at.wrapping_add(k);
    }
}

/// The sums of so many rows, at most four; zero for those that are fewer.
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
    if !left.is_empty() {
        add(k - BLOCK, last);
    }
    let [a, b, c, d] = sums;
    let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let mut to = [0; ROWS];
    // SAFETY: there is room for four.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), sums) };
    to
}
