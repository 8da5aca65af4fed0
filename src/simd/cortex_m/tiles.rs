//! Four rows of a product on a Cortex-M with FPU: a pass over tiles of 4 x 4.
//!
//! ```text
//! for 4 columns of C, the last 4 overlapping those before if need be
//!     s0 to s15 = start
//!     for k: s0 to s15 += 4 elements of A times 4 of B        a loop for each layout of A and B
//!     C = s0 to s15, or C -= rate times them                  only what is new where C was read, one by one
//! ```

use core::arch::asm;

use super::fused::{fused, store_back};
use crate::simd::Operands;

/// One step in k: 4 elements of A times 4 of B.
macro_rules! four_by_four {
    ([$a0:ident $a1:ident $a2:ident $a3:ident] * [$b0:ident $b1:ident $b2:ident $b3:ident]) => {
        concat!(
            fused!(s0 s1 s2 s3 += $a0 * $b0 $b1 $b2 $b3),
            fused!(s4 s5 s6 s7 += $a1 * $b0 $b1 $b2 $b3),
            fused!(s8 s9 s10 s11 += $a2 * $b0 $b1 $b2 $b3),
            fused!(s12 s13 s14 s15 += $a3 * $b0 $b1 $b2 $b3)
        )
    };
}
/// One step in k where columns of A are contiguous, and rows of B.
macro_rules! step_by_columns {
    () => {
        concat!(
            "vldmia r1, {{s16-s19}}\n add r1, r2\n vldmia r3, {{s20-s23}}\n add r3, r4\n",
            four_by_four!([s16 s17 s18 s19] * [s20 s21 s22 s23])
        )
    };
}
/// A pair of steps in k, without the second one's products, where rows of A are contiguous, and columns of B.
macro_rules! pair_by_columns {
    () => {
        concat!(
            load_pair!(),
            "vldmia r3!, {{s24-s25}}\n vldmia r4!, {{s26-s27}}\n",
            "vldmia r11!, {{s28-s29}}\n vldmia lr!, {{s30-s31}}\n",
            four_by_four!([s16 s18 s20 s22] * [s24 s26 s28 s30])
        )
    };
}
/// The same where rows of B are.
#[cfg(rnnlm_speed)]
macro_rules! pair_by_rows {
    () => {
        concat!(
            load_pair!(),
            "vldmia r3, {{s24-s27}}\n add r3, r4\n vldmia r3, {{s28-s31}}\n add r3, r4\n",
            four_by_four!([s16 s18 s20 s22] * [s24 s25 s26 s27])
        )
    };
}
/// Two elements each of four rows of A.
macro_rules! load_pair {
    () => {
        "vldmia r1!, {{s16-s17}}\n vldmia r2!, {{s18-s19}}\n vldmia r6!, {{s20-s21}}\n vldmia r7!, {{s22-s23}}\n"
    };
}
/// What is linked with `--cfg=rnnlm_speed`, then what is without it.
#[cfg(rnnlm_speed)]
macro_rules! speed {
    ([$($fast:expr),* $(,)?] else [$($small:expr),* $(,)?]) => { concat!($($fast),*) };
}
#[cfg(not(rnnlm_speed))]
macro_rules! speed {
    ([$($fast:expr),* $(,)?] else [$($small:expr),* $(,)?]) => { concat!($($small),*) };
}
/// A row of a tile that descends, and the way to the next one.
macro_rules! descend {
    ($($sum:ident)*) => {
        concat!(
            "vldmia r3, {{s16-s19}}\n",
            fused!(s16 s17 s18 s19 -= s24 * $($sum)*),
            "vstmia r3, {{s16-s19}}\n add r3, r7\n"
        )
    };
}

/// The first four rows of C. r0 is the product, r8 goes along B, r9 along C, r10 along the starts, r12 counts the
/// columns that remain, in bytes; lr is where the next tile goes on.
///
/// # Safety
/// There are four rows, four columns and a step in k, and all their elements; nothing else refers to those of C, but
/// the starts may be those of C. Either columns of A and rows of B are contiguous, and chains start at zero; or rows of
/// A are, columns of B or with `rnnlm_speed` rows, and it doesn't descend.
#[inline(never)]
pub(super) unsafe fn tiles(o: &mut Operands) {
    // SAFETY: by the caller. Registers that are not for `asm!` to use are restored, and so is the stack.
    unsafe {
        asm!(
            "push {{r6, r7, r11, lr}}
            ldmia r0, {{r8, r9, r10, r12}}
            lsl r12, #2
            ldr r1, [r0, #36]
            cmp r1, #1
            bne 50f",
            speed!(["ldr r2, [r0, #24]\n cmp r2, #1\n bne 80f\n"] else []),
            // columns of A are contiguous, and rows of B; chains start at zero. r6 is A, r7 the stride of rows of C,
            // r11 whether tiles descend that are no edge: these go on without what is below. Of an odd k the first
            // round takes one step
            "bl 2f
            ldr r6, [r0, #20]
            ldr r2, [r0, #28]
            ldr r4, [r0, #32]
            ldr r7, [r0, #44]
            ldr r11, [r0, #60]
            vldr s24, [r0, #56]
            lsls r2, #2
            lsls r4, #2
            lsls r7, #2
         31: ldr r5, [r0, #16]
            mov r3, r8",
            speed!([
                "lsls r1, r5, #30\n mov r1, r6\n beq 32f\n bpl 35f\n tst r5, #1\n beq 34f\n b 33f\n 32:",
                step_by_columns!(),
                "33:",
                step_by_columns!(),
                "34:",
                step_by_columns!(),
                "35:",
                step_by_columns!(),
                "subs r5, #4\n bgt 32b\n",
            ] else [
                "lsls r1, r5, #31\n mov r1, r6\n bne 33f\n 32:",
                step_by_columns!(),
                "33:",
                step_by_columns!(),
                "subs r5, #2\n bgt 32b\n",
            ]),
            "cmp r12, #16
            it hs
            cmphs r11, #1
            blo 7f
            mov r3, r9",
            descend!(s0 s1 s2 s3),
            descend!(s4 s5 s6 s7),
            descend!(s8 s9 s10 s11),
            descend!(s12 s13 s14 s15),
            "vldmia r10, {{s0-s15}}
            movs r1, #16
            subs r12, r12, r1
            bls 99f
            cmp r12, r1
            it lo
            movlo r1, r12
            add r8, r1
            add r9, r1
            b 31b",
            // rows of A are contiguous, and columns of B
            "50: bl 2f
         51: ldr r7, [r0, #36]
            lsls r7, #2
            mov r3, r8
            adds r4, r3, r7
            add r11, r4, r7
            add lr, r11, r7
            ldr r7, [r0, #24]
            ldrd r5, r1, [r0, #16]
            lsls r7, #2
            adds r2, r1, r7
            adds r6, r2, r7
            add r7, r6",
            speed!([
                "tst r5, #2\n beq 57f\n subs r5, #2\n b 56f\n 57: subs r5, #4\n blo 54f\n 52:",
                pair_by_columns!(),
                four_by_four!([s17 s19 s21 s23] * [s25 s27 s29 s31]),
                "56:",
                pair_by_columns!(),
                "53:",
                four_by_four!([s17 s19 s21 s23] * [s25 s27 s29 s31]),
                "subs r5, #4\n bhs 52b\n 54: adds r5, #4\n",
            ] else [
                "subs r5, #2\n blo 54f\n 52:",
                pair_by_columns!(),
                "53:",
                four_by_four!([s17 s19 s21 s23] * [s25 s27 s29 s31]),
                "subs r5, #2\n bhs 52b\n 54: adds r5, #2\n",
            ]),
            "beq 55f
            vldmia r1, {{s17}}
            vldmia r2, {{s19}}
            vldmia r6, {{s21}}
            vldmia r7, {{s23}}
            vldmia r3, {{s25}}
            vldmia r4, {{s27}}
            vldmia r11, {{s29}}
            vldmia lr, {{s31}}
            movs r5, #0
            b 53b
         55: bl 7f
            b 51b",
            // rows of A are contiguous, and rows of B
            speed!([
                "80: bl 2f
                81: ldr r7, [r0, #24]
                ldrd r5, r1, [r0, #16]
                lsls r7, #2
                adds r2, r1, r7
                adds r6, r2, r7
                add r7, r6
                ldr r4, [r0, #32]
                lsls r4, #2
                mov r3, r8
                tst r5, #2
                beq 87f
                subs r5, #2
                b 86f
                87: subs r5, #4
                blo 84f
                82:",
                pair_by_rows!(),
                four_by_four!([s17 s19 s21 s23] * [s28 s29 s30 s31]),
                "86:",
                pair_by_rows!(),
                "83:",
                four_by_four!([s17 s19 s21 s23] * [s28 s29 s30 s31]),
                "subs r5, #4
                bhs 82b
                84: adds r5, #4
                beq 85f
                vldmia r1, {{s17}}
                vldmia r2, {{s19}}
                vldmia r6, {{s21}}
                vldmia r7, {{s23}}
                vldmia r3, {{s28-s31}}
                movs r5, #0
                b 83b
                85: bl 7f
                b 81b\n"
            ] else []),
            // the end of a tile; where C was not read, what an edge computes once more has the bits that are there
            "7: ldr r4, [r0, #44]
            mov r3, r9
            lsls r4, #2
            cmp r12, #16
            bhs 9f
            ldr r2, [r0, #60]
            cbnz r2, 60f
            cmp r10, r9
            beq 60f
         9: vstmia r3, {{s0-s3}}
            add r3, r4
            vstmia r3, {{s4-s7}}
            add r3, r4
            vstmia r3, {{s8-s11}}
            add r3, r4
            vstmia r3, {{s12-s15}}",
            // to the next columns, at most four
            "8: subs r12, #16
            bls 99f
            movs r1, #16
            cmp r12, r1
            it lo
            movlo r1, r12
            ldrd r2, r3, [r0, #36]
            add r9, r1
            mla r8, r1, r2, r8
            mla r10, r1, r3, r10",
            // the start of a tile
            "2: ldr r4, [r0, #48]
            mov r3, r10
            lsls r4, #2
            vldmia r3, {{s0-s3}}
            add r3, r4
            vldmia r3, {{s4-s7}}
            add r3, r4
            vldmia r3, {{s8-s11}}
            add r3, r4
            vldmia r3, {{s12-s15}}
            bx lr",
            // an edge, whose r12 last bytes of columns are new, from its end: r3 is behind an element of C and r5
            // behind its sum, r6 counts the rows
            "60: vpush {{s0-s15}}
            add r5, sp, #64
            adds r3, #16
            add r3, r4
            add r3, r3, r4, lsl #1
            movs r6, #4
         61: mov r1, r12
            bl {store_back}
            add r5, r12
            subs r5, #16
            add r3, r12
            subs r3, r3, r4
            subs r6, #1
            bne 61b
            add sp, #64
         99: pop {{r6, r7, r11, lr}}",
            store_back = sym store_back, in("r0") o, out("r12") _, out("lr") _,
            out("r1") _, out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _,
            out("r10") _, out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
            out("d6") _, out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _,
            out("d13") _, out("d14") _, out("d15") _,
        );
    }
}
