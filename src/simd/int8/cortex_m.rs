//! Cortex-M with the DSP instructions, which all that have an FPU have: `smlad` multiplies two pairs of i16 and adds
//! both products. `sxtb16` widens the bytes 0 and 2 of a word, or 1 and 3, so the vector is paired alike.
//!
//! Two rows at a time, sixteen elements of each in an iteration. Loads that follow each other take one cycle each, so
//! the two of the vector and the two of the rows stand together.

use core::arch::asm;

use super::{complete_rows, portable};

/// Elements of an iteration.
const BLOCK: usize = 16;

/// As [`portable`].
#[inline(never)]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let k = x.len();
    let (pairs, in_blocks) = (complete_rows(rows, x, sums) / 2, k & !(BLOCK - 1));
    let mut rest = rows;
    let mut later = sums;
    if in_blocks > 0 && pairs > 0 {
        let (now, after) = later.split_at_mut_checked(2 * pairs).unwrap_or_default();
        // SAFETY: there are some pairs of rows of k bytes, and as many sums; `in_blocks` elements of each row, a
        // multiple of BLOCK above zero.
        unsafe { blocks(rows.as_ptr(), x, in_blocks, now) };
        let (of_pairs, others) = rest.split_at_checked(2 * pairs * k).unwrap_or_default();
        if let Some(left) = x.get(in_blocks..).filter(|left| !left.is_empty()) {
            add_rests(of_pairs, in_blocks, left, now);
        }
        (rest, later) = (others, after);
    }
    portable(rest, x, later);
}

/// Adds what is left of each row behind its first `in_blocks` elements.
#[inline(never)]
fn add_rests(rows: &[u8], in_blocks: usize, left: &[i16], sums: &mut [i32]) {
    let mut rest = rows;
    for sum in sums {
        let (row, after) = rest.split_at_checked(in_blocks + left.len()).unwrap_or_default();
        let mut of_rest = [0];
        portable(row.get(in_blocks..).unwrap_or(&[]), left, &mut of_rest);
        let [of_rest] = of_rest;
        *sum = sum.wrapping_add(of_rest);
        rest = after;
    }
}

/// The sums of the first `in_blocks` elements of pairs of rows.
///
/// # Safety
/// `now` has room for one pair or more, and as many rows as it has room for begin at `first`, x.len() bytes apart.
/// `in_blocks` is a multiple of [`BLOCK`] above zero and not above x.len().
#[inline(always)]
unsafe fn blocks(first: *const u8, x: &[i16], in_blocks: usize, now: &mut [i32]) {
    // SAFETY: each iteration reads what the caller says is there; r6, r7 and r11, which can't be named, are
    // saved.
    unsafe {
        // r0 the first row of a pair, r1 its length, r2 x, r3 in_blocks, r4 the sums, r5 pairs left; r8 and r9 sums,
        // r10 elements left; r11 and r14 x as (0, 2) and (1, 3)
        asm!(
            "push {{r6, r7, r11}}",
            "2:",
            "mov r8, #0",
            "mov r9, #0",
            "mov r10, r3",
            "3:",
            ".rept 4",
            "ldr r12, [r2], #4",
            "ldr r14, [r2], #4",
            "ldr r7, [r0, r1]",
            "ldr r6, [r0], #4",
            "pkhbt r11, r12, r14, lsl #16",
            "pkhtb r14, r14, r12, asr #16",
            "sxtb16 r12, r6",
            "smlad r8, r12, r11, r8",
            "sxtb16 r12, r6, ror #8",
            "smlad r8, r12, r14, r8",
            "sxtb16 r12, r7",
            "smlad r9, r12, r11, r9",
            "sxtb16 r12, r7, ror #8",
            "smlad r9, r12, r14, r9",
            ".endr",
            "subs r10, #16",
            "bne 3b",
            "strd r8, r9, [r4], #8",
            "sub r2, r2, r3, lsl #1",
            "add r0, r0, r1, lsl #1",
            "sub r0, r0, r3",
            "subs r5, #1",
            "bne 2b",
            "pop {{r6, r7, r11}}",
            inout("r0") first => _, in("r1") x.len(), inout("r2") x.as_ptr() => _,
            in("r3") in_blocks, inout("r4") now.as_mut_ptr() => _,
            inout("r5") now.len() / 2 => _,
            out("r8") _, out("r9") _, out("r10") _, out("r12") _, out("r14") _,
        );
    }
}
