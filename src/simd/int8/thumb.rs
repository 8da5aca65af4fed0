//! Cortex-M0+ and its like, most of whose instructions can name eight registers only: four rows at a time, column by
//! column, so that an element of x is loaded once for the four. Their sums are in the upper registers, which additions
//! can name. Their rows are told apart by an index: 0, k, 2k and 3k bytes behind the column.
//!
//! A product takes four instructions and a quarter.

use core::arch::asm;

use super::portable;

/// Rows that are taken together.
const ROWS: usize = 4;

/// As [`portable`].
#[inline(never)]
pub(in crate::simd) fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let in_fours = super::complete_rows(rows, x, sums) & !(ROWS - 1);
    let (now, later) = sums.split_at_mut_checked(in_fours).unwrap_or_default();
    let rest = rows.get(in_fours * x.len()..).unwrap_or(&[]);
    if !now.is_empty() {
        // SAFETY: there are as many rows as sums, a multiple of ROWS above zero; a row is not empty, as there are some.
        unsafe { fours(rows.as_ptr(), x, now) };
    }
    portable(rest, x, later);
}

/// The sums of rows in fours.
///
/// # Safety
/// x is not empty, `now` has room for some fours, and as many rows as it has room for begin at `first`, x.len() bytes
/// apart.
#[inline(always)]
unsafe fn fours(first: *const u8, x: &[i16], now: &mut [i32]) {
    // SAFETY: each iteration reads what the caller says is there; the registers from r6 on, which can't be named, are
    // saved.
    unsafe {
        // r0 the column in the first row, r1 k, r3 2k, r4 3k, r7 0; r2 x, r12 its end; r8 to r11 sums, which the stack
        // tells the place and the end of; r5 an element of x, r6 a weight
        asm!(
            "push {{r6, r7}}",
            "mov r5, r8",
            "mov r6, r9",
            "mov r7, r10",
            "push {{r5, r6, r7}}",
            "mov r6, r11",
            "mov r7, r12",
            "push {{r6, r7}}",
            "push {{r3, r4}}",
            "adds r3, r1, r1",
            "adds r4, r3, r1",
            "adds r5, r2, r3",
            "mov r12, r5",
            "movs r7, #0",
            "2:",
            "mov r8, r7",
            "mov r9, r7",
            "mov r10, r7",
            "mov r11, r7",
            "3:",
            "ldrsh r5, [r2, r7]",
            "ldrsb r6, [r0, r7]",
            "muls r6, r5, r6",
            "add r8, r6",
            "ldrsb r6, [r0, r1]",
            "muls r6, r5, r6",
            "add r9, r6",
            "ldrsb r6, [r0, r3]",
            "muls r6, r5, r6",
            "add r10, r6",
            "ldrsb r6, [r0, r4]",
            "muls r6, r5, r6",
            "add r11, r6",
            "adds r0, #1",
            "adds r2, #2",
            "cmp r2, r12",
            "bne 3b",
            "ldr r5, [sp]",
            "mov r6, r8",
            "str r6, [r5]",
            "mov r6, r9",
            "str r6, [r5, #4]",
            "mov r6, r10",
            "str r6, [r5, #8]",
            "mov r6, r11",
            "str r6, [r5, #12]",
            "adds r5, #16",
            "str r5, [sp]",
            "adds r0, r0, r4",
            "subs r2, r2, r3",
            "ldr r6, [sp, #4]",
            "cmp r5, r6",
            "bne 2b",
            "add sp, #8",
            "pop {{r6, r7}}",
            "mov r11, r6",
            "mov r12, r7",
            "pop {{r5, r6, r7}}",
            "mov r8, r5",
            "mov r9, r6",
            "mov r10, r7",
            "pop {{r6, r7}}",
            inout("r0") first => _, in("r1") x.len(), inout("r2") x.as_ptr() => _,
            inout("r3") now.as_mut_ptr() => _, inout("r4") now.as_mut_ptr_range().end => _, out("r5") _,
        );
    }
}
