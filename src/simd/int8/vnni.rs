//! AVX-512 with VNNI: `vpdpbusd` multiplies unsigned bytes with signed ones and adds four products to each of its sums.
//! So each element of the vector is two bytes, split once for all rows, and weights are made unsigned:
//!
//! ```text
//! x   = 256 high + low                                  high and low in -128..128
//! w x = 256 (w + 128) high + (w + 128) low - 128 x      the last term is the same in each row
//! ```
//!
//! No weight is widened. What remains are loads and products (`cargo bench --bench predict`), so the vector's blocks
//! stay in registers where they are few, and up to four weights that are left of a row are taken from eight rows at a
//! time. Registers of 256 bits: with 512, whose loads nearly all cross cache lines, a Zen 4 took longer.

use core::arch::x86_64::*;

use super::{
    complete_rows, last_block,
    x86::{self, QUAD, ROWS, sums_across},
};

/// Elements of a block.
const BLOCK: usize = 32;
/// Blocks that are split at a time.
const BLOCKS: usize = 16;
/// Fewer rows are not worth the splitting.
const FEW: usize = 32;

/// A block of the vector, in bytes.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Split {
    high: [i8; BLOCK],
    low: [i8; BLOCK],
}

/// As [`portable`](super::portable).
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let (k, count) = (x.len(), complete_rows(rows, x, sums));
    if k < BLOCK || count < FEW {
        return x86::dot_rows(rows, x, sums);
    }
    let Some(sums) = sums.get_mut(..count) else { return };
    let (eights, rest) = sums.as_chunks_mut::<ROWS>();
    let (of_eights, of_rest) = rows.split_at_checked(eights.len() * ROWS * k).unwrap_or_default();
    x86::dot_rows(of_rest, x, rest);
    // what the unsigned weights count too much, and then what the columns before have added
    let mut start = Some(x.iter().fold(0_i32, |sum, &x| sum.wrapping_sub(i32::from(x) << 7)));
    let mut split = [Split { high: [0; BLOCK], low: [0; BLOCK] }; BLOCKS];
    for (first, columns) in (0..).step_by(BLOCK * BLOCKS).zip(x.chunks(BLOCK * BLOCKS)) {
        let (complete, left) = columns.as_chunks::<BLOCK>();
        split.iter_mut().zip(complete).for_each(|(to, block)| *to = split_block(block));
        let blocks = split.get(..complete.len()).unwrap_or(&[]);
        let last = (!left.is_empty()).then(|| split_block(&last_block(x, left.len())));
        let panel = Panel { k, first, start, blocks, last, quad: left.len() <= QUAD };
        // SAFETY: the rows are there, k bytes each, and the blocks are theirs from column `first` on.
        unsafe {
            match blocks.len() {
                1 => panel.add::<1>(of_eights, eights),
                2 => panel.add::<2>(of_eights, eights),
                3 => panel.add::<3>(of_eights, eights),
                4 => panel.add::<4>(of_eights, eights),
                _ => panel.add::<BLOCKS>(of_eights, eights),
            }
        }
        start = None;
    }
}

#[inline(always)]
fn split_block(block: &[i16; BLOCK]) -> Split {
    let low = block.map(|x| x as i8);
    let mut high = [0; BLOCK];
    for ((high, low), x) in high.iter_mut().zip(low).zip(block) {
        *high = (x.wrapping_sub(i16::from(low)) >> 8) as i8;
    }
    Split { high, low }
}

/// Some columns of all rows.
struct Panel<'a> {
    /// The length of a row.
    k: usize,
    /// The first column.
    first: usize,
    /// What sums begin with; those that are there where there is none.
    start: Option<i32>,
    blocks: &'a [Split],
    /// The block that ends with the row; zero where it overlaps those before.
    last: Option<Split>,
    /// Whether four of its elements are enough.
    quad: bool,
}

impl Panel<'_> {
    /// Adds to the sums of all rows. There are `COUNT` blocks, which then stay in registers, or at most [`BLOCKS`].
    ///
    /// # Safety
    /// There are eight rows of `k` bytes, [`BLOCK`] or more, for each element of `sums`, and all blocks are in a row
    /// from `first` on.
    #[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
    unsafe fn add<const COUNT: usize>(&self, rows: &[u8], sums: &mut [[i32; ROWS]]) {
        let &Self { k, first, start, blocks, ref last, quad } = self;
        let Some(blocks) = blocks.get(..if COUNT < BLOCKS { COUNT } else { blocks.len() }) else { return };
        let mut at = rows.as_ptr();
        for eight in sums {
            let to = eight.as_mut_ptr().cast::<__m256i>();
            let (mut highs, mut lows) = ([_mm256_setzero_si256(); ROWS], [_mm256_setzero_si256(); ROWS]);
            let mut add_block = |offset: usize, block: &Split| {
                // SAFETY: BLOCK bytes from `offset` on are there in each of eight rows, and in each half of a block.
                unsafe {
                    let high = _mm256_loadu_si256(block.high.as_ptr().cast());
                    let low = _mm256_loadu_si256(block.low.as_ptr().cast());
                    for (row, (of_high, of_low)) in highs.iter_mut().zip(&mut lows).enumerate() {
                        let weights = unsigned(_mm256_loadu_si256(at.add(row * k + offset).cast()));
                        *of_high = _mm256_dpbusd_epi32(*of_high, weights, high);
                        *of_low = _mm256_dpbusd_epi32(*of_low, weights, low);
                    }
                }
            };
            for (i, block) in blocks.iter().enumerate() {
                add_block(first + BLOCK * i, block);
            }
            if let (Some(last), false) = (last, quad) {
                add_block(k - BLOCK, last);
            }
            for (high, low) in highs.iter_mut().zip(lows) {
                *high = _mm256_add_epi32(_mm256_slli_epi32::<8>(*high), low);
            }
            let mut sum = sums_across(highs);
            // SAFETY: eight sums are there, and QUAD bytes end each row.
            unsafe {
                if let (Some(last), true) = (last, quad) {
                    sum = _mm256_add_epi32(sum, dot_quad(at.add(k - QUAD), k, last));
                }
                let before = start.map_or_else(|| _mm256_loadu_si256(to), |start| _mm256_set1_epi32(start));
                _mm256_storeu_si256(to, _mm256_add_epi32(before, sum));
            }
            at = at.wrapping_add(ROWS * k);
        }
    }
}

/// The sums of eight rows over the last four columns.
///
/// # Safety
/// Four bytes are there at `at` and after each `k` behind it.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
unsafe fn dot_quad(at: *const u8, k: usize, block: &Split) -> __m256i {
    // SAFETY: the caller's bytes, and four that end a block.
    let (weights, high, low) = unsafe {
        let quad = |at: *const u8| at.cast::<i32>().read_unaligned();
        let row = |row: usize| quad(at.add(row * k));
        let last = |bytes: &[i8; BLOCK]| _mm256_set1_epi32(quad(bytes.as_ptr().add(BLOCK - QUAD).cast()));
        let weights = _mm256_setr_epi32(row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7));
        (unsigned(weights), last(&block.high), last(&block.low))
    };
    let of_high = _mm256_dpbusd_epi32(_mm256_setzero_si256(), weights, high);
    _mm256_dpbusd_epi32(_mm256_slli_epi32::<8>(of_high), weights, low)
}

/// Each byte, signed, plus 128.
#[inline]
#[target_feature(enable = "avx2")]
fn unsigned(bytes: __m256i) -> __m256i {
    _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN))
}
