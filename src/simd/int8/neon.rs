//! NEON: sixteen weights at a time. With the dot product (`sdot`), where the target has it, as they are; else widened
//! to i16 and multiplied into sums of i32.
//!
//! `sdot` takes a vector of int8, so x is split into 256 high + low, both int8, and a row has two sums. That is exact
//! for x from -32,768 to 32,639, which the states of a predictor are.

use core::arch::aarch64::*;
#[cfg(target_feature = "dotprod")]
use core::arch::asm;

use super::{complete_rows, last_block, portable};

/// Elements of a block.
const BLOCK: usize = 16;
/// Rows that are taken together.
const ROWS: usize = 4;

/// As [`portable`].
#[inline(always)]
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
#[inline(always)]
unsafe fn dot<const R: usize>(at: *const u8, x: &[i16], last: &[i16; BLOCK]) -> [i32; ROWS] {
    let k = x.len();
    let (blocks, left) = x.as_chunks::<BLOCK>();
    // SAFETY: NEON is part of the target; each block of a row lies in it.
    unsafe {
        let mut sums = [[vdupq_n_s32(0); 2]; ROWS];
        for (i, block) in blocks.iter().enumerate() {
            add::<R>(&mut sums, at.add(BLOCK * i), k, block);
        }
        if !left.is_empty() {
            add::<R>(&mut sums, at.add(k - BLOCK), k, last);
        }
        sums.map(|sums| vaddvq_s32(joined(sums)))
    }
}

/// Adds a block of each row to its two sums.
///
/// # Safety
/// [`BLOCK`] bytes are there from `at` on, and from each of so many rows, k bytes apart.
#[cfg(not(target_feature = "dotprod"))]
#[inline(always)]
unsafe fn add<const R: usize>(sums: &mut [[int32x4_t; 2]; ROWS], at: *const u8, k: usize, block: &[i16; BLOCK]) {
    // SAFETY: by the caller.
    unsafe {
        let (low, high) = (vld1q_s16(block.as_ptr()), vld1q_s16(block.as_ptr().add(8)));
        for (row, [a, b]) in sums.iter_mut().enumerate().take(R) {
            let weights = vld1q_s8(at.add(row * k).cast());
            let (first, second) = (vmovl_s8(vget_low_s8(weights)), vmovl_high_s8(weights));
            *a = vmlal_s16(*a, vget_low_s16(first), vget_low_s16(low));
            *b = vmlal_high_s16(*b, first, low);
            *a = vmlal_s16(*a, vget_low_s16(second), vget_low_s16(high));
            *b = vmlal_high_s16(*b, second, high);
        }
    }
}

#[cfg(not(target_feature = "dotprod"))]
#[inline(always)]
fn joined([a, b]: [int32x4_t; 2]) -> int32x4_t {
    // SAFETY: NEON is part of the target.
    unsafe { vaddq_s32(a, b) }
}

/// As the function of that name above: the sums of the low bytes and of the high ones.
///
/// # Safety
/// As above.
#[cfg(target_feature = "dotprod")]
#[inline(always)]
unsafe fn add<const R: usize>(sums: &mut [[int32x4_t; 2]; ROWS], at: *const u8, k: usize, block: &[i16; BLOCK]) {
    // SAFETY: by the caller.
    unsafe {
        let (first, second) = (vld1q_s16(block.as_ptr()), vld1q_s16(block.as_ptr().add(8)));
        let low = vcombine_s8(vmovn_s16(first), vmovn_s16(second));
        let high = |x, low| vshrn_n_s16::<8>(vsubq_s16(x, vmovl_s8(low)));
        let high = vcombine_s8(high(first, vget_low_s8(low)), high(second, vget_high_s8(low)));
        for (row, [of_low, of_high]) in sums.iter_mut().enumerate().take(R) {
            let weights = vld1q_s8(at.add(row * k).cast());
            *of_low = sdot(*of_low, weights, low);
            *of_high = sdot(*of_high, weights, high);
        }
    }
}

#[cfg(target_feature = "dotprod")]
#[inline(always)]
fn joined([of_low, of_high]: [int32x4_t; 2]) -> int32x4_t {
    // SAFETY: NEON is part of the target.
    unsafe { vaddq_s32(of_low, vshlq_n_s32::<8>(of_high)) }
}

/// Each sum plus four products. The intrinsic is not stable.
#[cfg(target_feature = "dotprod")]
#[inline(always)]
fn sdot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the target has the instruction; registers alone are touched.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}
