//! AVX2: sixteen weights at a time, widened to i16; `vpmaddwd` multiplies them with the vector and adds in pairs.
//!
//! Eight rows share the last steps of their sums. A vector that fits in registers takes them one after the other, as
//! they lie in memory; of a longer one they share each load. What is left of a row is one block more, or up to four
//! weights of eight rows at once. A machine with AVX-512 takes this path too, for sums only where it lacks VNNI or the
//! rows are few.

use core::{arch::x86_64::*, array, hint::black_box};

use super::{
    complete_rows, last_block, portable,
    powers::{self, C},
    scaled,
};

/// Elements of a block.
const BLOCK: usize = 16;
/// Rows that are taken together.
pub(super) const ROWS: usize = 8;
/// The most elements that are taken from all of them at once at the end of the rows.
pub(super) const QUAD: usize = 4;
/// How many bytes ahead weights are fetched: other work may have pushed them out of the near caches.
const AHEAD: usize = 4800;
const BLOCKS_A_LINE: usize = 4;

/// As [`portable`].
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let (k, count) = (x.len(), complete_rows(rows, x, sums));
    if k < BLOCK {
        return portable(rows, x, sums);
    }
    let (Some(sums), (blocks, left)) = (sums.get_mut(..count), x.as_chunks()) else { return };
    let vector = Vector { k, blocks, last: last_block(x, left.len()) };
    // SAFETY: there are `count` rows of k bytes, and k >= BLOCK.
    unsafe {
        match left.len() {
            1..=QUAD => vector.dot_rows::<true>(blocks.len(), rows, sums),
            _ => vector.dot_rows::<false>(k.div_ceil(BLOCK), rows, sums),
        }
    }
}

/// What rows are multiplied with.
struct Vector<'a> {
    /// Its length, [`BLOCK`] or more.
    k: usize,
    blocks: &'a [[i16; BLOCK]],
    /// What is left behind them ends this one, which is zero where it overlaps them.
    last: [i16; BLOCK],
}

impl Vector<'_> {
    /// The sums of rows of `count` blocks, and of a quad more where there are `QUADS`.
    ///
    /// # Safety
    /// There is a row of `k` bytes for each sum.
    #[target_feature(enable = "avx2")]
    unsafe fn dot_rows<const QUADS: bool>(&self, count: usize, rows: &[u8], sums: &mut [i32]) {
        // SAFETY: the caller's rows.
        unsafe {
            match count {
                1 => self.dot_rows_of::<1, QUADS>(rows, sums),
                2 => self.dot_rows_of::<2, QUADS>(rows, sums),
                3 => self.dot_rows_of::<3, QUADS>(rows, sums),
                4 => self.dot_rows_of::<4, QUADS>(rows, sums),
                5 => self.dot_rows_of::<5, QUADS>(rows, sums),
                6 => self.dot_rows_of::<6, QUADS>(rows, sums),
                7 => self.dot_rows_of::<7, QUADS>(rows, sums),
                8 => self.dot_rows_of::<8, QUADS>(rows, sums),
                _ => self.dot_rows_of::<0, QUADS>(rows, sums),
            }
        }
    }

    /// As [`Self::dot_rows`], with `COUNT` blocks, which stay in registers, or any number where that is 0.
    ///
    /// # Safety
    /// As there.
    #[target_feature(enable = "avx2")]
    unsafe fn dot_rows_of<const COUNT: usize, const QUADS: bool>(&self, rows: &[u8], sums: &mut [i32]) {
        let mut kept = [load(&self.last); COUNT];
        kept.iter_mut().zip(self.blocks).for_each(|(to, block)| *to = load(block));
        let (eights, rest) = sums.as_chunks_mut::<ROWS>();
        let mut at = rows.as_ptr();
        for eight in &mut *eights {
            // SAFETY: eight of the rows begin here.
            *eight = unsafe { self.dot::<ROWS, COUNT, QUADS>(at, &kept) };
            at = at.wrapping_add(ROWS * self.k);
        }
        for sum in rest {
            // SAFETY: as above, for one row.
            [*sum, ..] = unsafe { self.dot::<1, COUNT, QUADS>(at, &kept) };
            at = at.wrapping_add(self.k);
        }
    }

    /// The sums of one row or eight.
    ///
    /// # Safety
    /// They begin at `at`, with `k` bytes each.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn dot<const R: usize, const COUNT: usize, const QUADS: bool>(
        &self,
        at: *const u8,
        kept: &[__m256i; COUNT],
    ) -> [i32; ROWS] {
        let &Self { k, blocks, ref last } = self;
        let mut sums = [_mm256_setzero_si256(); ROWS];
        // SAFETY: BLOCK bytes from `offset` on are there in each row.
        let product = |row: *const u8, offset: usize, block: __m256i| unsafe {
            _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(row.add(offset).cast())), block)
        };
        let mut add = |offset: usize, block: __m256i| {
            for (row, sum) in sums.iter_mut().enumerate().take(R) {
                *sum = _mm256_add_epi32(*sum, product(at.wrapping_add(row * k), offset, block));
            }
        };
        let mut of_quads = _mm256_setzero_si256();
        if QUADS && R == ROWS {
            // SAFETY: QUAD bytes end each row.
            of_quads = unsafe { dot_quad(at.add(k - QUAD), k, last) };
        } else if QUADS || (COUNT == 0 && !k.is_multiple_of(BLOCK)) {
            add(k - BLOCK, load(last));
        }
        if COUNT == 0 {
            blocks.iter().enumerate().for_each(|(i, block)| add(BLOCK * i, load(block)));
        }
        for (row, sum) in sums.iter_mut().enumerate().take(R) {
            // or the compiler would begin with the last row: against the order of memory, and slower by a sixth
            let at = black_box(at.wrapping_add(row * k));
            for (i, &block) in kept.iter().enumerate() {
                if i % BLOCKS_A_LINE == 0 {
                    fetch(at.wrapping_add(AHEAD + BLOCK * i));
                }
                let offset = if !QUADS && i + 1 == COUNT { k - BLOCK } else { BLOCK * i };
                *sum = _mm256_add_epi32(*sum, product(at, offset, block));
            }
        }
        let mut to = [0; ROWS];
        // SAFETY: there is room for eight.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_add_epi32(of_quads, sums_across(sums))) };
        to
    }
}

#[inline(always)]
fn fetch(at: *const u8) {
    // SAFETY: a hint, which takes any address.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[i16; BLOCK]) -> __m256i {
    // SAFETY: it has 32 bytes.
    unsafe { _mm256_loadu_si256(block.as_ptr().cast()) }
}

/// The sums of eight rows over the last four columns, which end `last`.
///
/// # Safety
/// Four bytes are there at `at` and after each `k` behind it.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn dot_quad(at: *const u8, k: usize, last: &[i16; BLOCK]) -> __m256i {
    // SAFETY: the caller's bytes, and four elements.
    unsafe {
        let block = _mm256_set1_epi64x(last.as_ptr().add(BLOCK - QUAD).cast::<i64>().read_unaligned());
        let row = |row: usize| at.add(row * k).cast::<i32>().read_unaligned();
        let [first, second] = [0, 2].map(|j| _mm_setr_epi32(row(j), row(j + 1), row(j + 4), row(j + 5)));
        let [first, second] = [first, second].map(|weights| _mm256_madd_epi16(_mm256_cvtepi8_epi16(weights), block));
        _mm256_hadd_epi32(first, second)
    }
}

/// The sum of the elements of each.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums_across([a, b, c, d, e, f, g, h]: [__m256i; ROWS]) -> __m256i {
    // in turn the halves of two rows' 128 bits, then of their 64, and at last those of 256, are brought together
    let by_64 = |a, b| _mm256_add_epi32(_mm256_alignr_epi8::<8>(b, a), _mm256_blend_epi32::<0b1100_1100>(a, b));
    let by_32 = |a, b| {
        let (a, b) = (_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
        let (even, odd) = (_mm256_shuffle_ps::<0b10_00_10_00>(a, b), _mm256_shuffle_ps::<0b11_01_11_01>(a, b));
        _mm256_add_epi32(_mm256_castps_si256(even), _mm256_castps_si256(odd))
    };
    let first = by_32(by_64(a, b), by_64(c, d));
    let second = by_32(by_64(e, f), by_64(g, h));
    let crossed = _mm256_permute2x128_si256::<0x21>(first, second);
    _mm256_add_epi32(crossed, _mm256_blend_epi32::<0b1111_0000>(first, second))
}

/// [`Simd::scale_sums`](crate::simd::Simd::scale_sums), eight at a time.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn scale_sums(sums: &mut [i32], biases: &[[u8; 4]], scales: &[[u8; 4]]) -> i32 {
    let count = sums.len().min(biases.len()).min(scales.len());
    let mut largest = _mm256_set1_epi32(i32::MIN);
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
            largest = _mm256_max_epi32(largest, integers);
            _mm256_storeu_si256(to.cast(), integers);
        }
        at += ROWS;
    }
    let mut eight = [0; ROWS];
    // SAFETY: there is room for eight.
    unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), largest) };
    let mut max = eight.into_iter().fold(i32::MIN, i32::max);
    for ((sum, &bias), &scale) in sums.iter_mut().zip(biases).zip(scales).skip(at) {
        *sum = scaled(sum.wrapping_add(i32::from_le_bytes(bias)), f32::from_le_bytes(scale));
        max = max.max(*sum);
    }
    max
}

/// [`powers::exponentials`], thirty-two at a time and then eight.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn exponentials(x: &mut [i32], max: i32) -> u64 {
    let (groups, rest) = x.as_chunks_mut::<{ 4 * ROWS }>();
    let (eights, rest) = rest.as_chunks_mut::<ROWS>();
    let mut sum = _mm256_setzero_si256();
    for group in groups {
        let (eights, _) = group.as_chunks_mut::<ROWS>();
        if let Some(four) = eights.first_chunk_mut::<4>() {
            sum = _mm256_add_epi64(sum, exponentials_of(four, max));
        }
    }
    for eight in eights {
        sum = _mm256_add_epi64(sum, exponentials_of(array::from_mut(eight), max));
    }
    let mut sums = [0_u64; 4];
    // SAFETY: there is room for four.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), sum) };
    sums.into_iter().fold(powers::exponentials(rest, max), u64::wrapping_add)
}

/// Step by step for several vectors, so that none waits for itself; their sum, in four parts. What is multiplied has 16
/// bits, so products of such numbers do.
#[inline]
#[target_feature(enable = "avx2")]
fn exponentials_of<const N: usize>(x: &mut [[i32; ROWS]; N], max: i32) -> __m256i {
    let [c1, c2, c3, c4] = C.map(|c| _mm256_set1_epi32(c as i32));
    let low_half = _mm256_set1_epi32(0xffff);
    let d = x.each_ref().map(|eight| {
        // SAFETY: there are eight.
        let x = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
        let d = _mm256_min_epu32(_mm256_sub_epi32(_mm256_set1_epi32(max), x), _mm256_set1_epi32(31 << 14));
        _mm256_slli_epi32::<2>(d)
    });
    // as in `powers`
    let n = d.map(|d| _mm256_srli_epi32::<16>(_mm256_add_epi32(d, low_half)));
    let f = d.map(|d| _mm256_and_si256(_mm256_sub_epi32(_mm256_setzero_si256(), d), low_half));
    let mut t = [c4; N];
    for c in [c3, c2, c1] {
        for (t, f) in t.iter_mut().zip(f) {
            *t = _mm256_add_epi32(_mm256_mulhi_epu16(*t, f), c);
        }
    }
    for (t, f) in t.iter_mut().zip(f) {
        let of_fraction = _mm256_srli_epi32::<2>(_mm256_mullo_epi32(*t, f));
        *t = _mm256_add_epi32(of_fraction, _mm256_set1_epi32(1 << 30));
    }
    let (mut of_even, mut of_odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for ((eight, t), n) in x.iter_mut().zip(t).zip(n) {
        let e = _mm256_srlv_epi32(t, n);
        of_even = _mm256_add_epi64(of_even, _mm256_blend_epi32::<0xaa>(e, _mm256_setzero_si256()));
        of_odd = _mm256_add_epi64(of_odd, _mm256_srli_epi64::<32>(e));
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), e) };
    }
    _mm256_add_epi64(of_even, of_odd)
}
