//! AVX2: sixteen weights at a time, widened to i16; `vpmaddwd` multiplies them with the vector and adds in pairs.
//!
//! Eight rows share each load of the vector and the last steps of their sums. A machine with AVX-512 takes this path
//! too.

use core::arch::x86_64::*;

use super::{complete_rows, last_block, portable};

/// Elements of a block.
const BLOCK: usize = 16;
/// Rows that are taken together.
const ROWS: usize = 8;

/// As [`portable`].
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let (k, count) = (x.len(), complete_rows(rows, x, sums));
    if k < BLOCK {
        return portable(rows, x, sums);
    }
    let last = last_block::<BLOCK>(x, k % BLOCK);
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
    if !left.is_empty() {
        add(k - BLOCK, last);
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
