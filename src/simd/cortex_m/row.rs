//! One row of a product on a Cortex-M with FPU: passes over blocks of its columns. Registers r6, r7 and r11 are not for
//! `asm!` to use.

use core::arch::asm;

use super::fused::{fused, store_back};
use crate::simd::Operands;

/// One step in k of a 1 x 16 block.
macro_rules! one_by_sixteen {
    ($x:ident) => {
        concat!(
            "vldmia r3!, {{s16-s23}}\n",
            fused!(s0 s1 s2 s3 s4 s5 s6 s7 += $x * s16 s17 s18 s19 s20 s21 s22 s23),
            "vldmia r3, {{s16-s23}}\n add r3, r4\n",
            fused!(s8 s9 s10 s11 s12 s13 s14 s15 += $x * s16 s17 s18 s19 s20 s21 s22 s23)
        )
    };
}

/// One step in k of a 1 x 4 block.
macro_rules! one_by_four {
    ($x:ident) => {
        concat!("vldmia r3, {{s8-s11}}\n add r3, r4\n", fused!(s0 s1 s2 s3 += $x * s8 s9 s10 s11))
    };
}

/// The first row of C. r0 is the product, r8 goes along B, r9 along C, r10 along the starts, r12 counts the columns
/// that remain, in bytes.
///
/// With B row-major A's row is contiguous, strided, or a single element with a stride of 0: r2 is the gap between its
/// elements in bytes, and lr is how many steps in k a round takes, four, or where there is a gap more than there are,
/// so that each step is one that remains. r4 is what B's pointer lacks at the end of a step to the next row. With
/// columns of B contiguous A's row is too.
///
/// Where a block descends, or began further left and started from C, what is new is stored one by one from its end: r5
/// is the width of the block in bytes, r1 what is new of it; then r3 is behind an element of C and r5 behind its sum.
///
/// # Safety
/// There are four columns and a row, and all their elements; nothing else refers to those of C, but the starts may be
/// those of C.
#[inline(never)]
pub(super) unsafe fn row(o: &mut Operands) {
    // SAFETY: by the caller. The stack is restored.
    unsafe {
        asm!(
            "ldmia r0, {{r8, r9, r10, r12}}
            lsl r12, #2
            ldr r1, [r0, #36]
            ldr r2, [r0, #28]
            ldr r4, [r0, #32]
            cmp r1, #1
            bne 40f",
            // rows of B are contiguous
            "lsls r4, #2
            subs r4, #32
            mov lr, #4
            subs r2, #1
            it ne
            mvnne lr, #0
            lsls r2, #2
         8: cmp r12, #64
            blo 20f",
            // 16 columns
            "2: ldrd r5, r1, [r0, #16]
            mov r3, r8
            vldmia r10, {{s0-s15}}
            subs r5, r5, lr
            blo 5f
         3: vldmia r1!, {{s24-s27}}",
            one_by_sixteen!(s24),
            one_by_sixteen!(s25),
            one_by_sixteen!(s26),
            "6:",
            one_by_sixteen!(s27),
            "subs r5, r5, lr
            bhs 3b
         5: adds r5, r5, lr
            beq 7f
            vldmia r1!, {{s27}}
            add r1, r2
            subs r5, #1
            b 6b
         7: movs r5, #64
            ldr r1, [r0, #60]
            cbnz r1, 71f
            vstmia r9, {{s0-s15}}",
            // to the next columns
            "9: subs r12, r12, r5
            bls 99f
            ldrd r1, r3, [r0, #36]
            cmp r12, #16
            itt lo
            addlo r5, r12
            sublo r5, #16
            add r9, r5
            mla r10, r3, r5, r10
            mla r8, r1, r5, r8
            cmp r1, #1
            beq 8b
            b 40f
         71: b 30f",
            // 4 columns
            "20: ldrd r5, r1, [r0, #16]
            mov r3, r8
            vldmia r10, {{s0-s3}}
            adds r4, #32
            subs r5, r5, lr
            blo 24f
         21: vldmia r1!, {{s12-s15}}",
            one_by_four!(s12),
            one_by_four!(s13),
            one_by_four!(s14),
            "22:",
            one_by_four!(s15),
            "subs r5, r5, lr
            bhs 21b
         24: adds r5, r5, lr
            beq 25f
            vldmia r1!, {{s15}}
            add r1, r2
            subs r5, #1
            b 22b
         25: subs r4, #32
         23: movs r5, #16
            ldr r1, [r0, #60]
            cbnz r1, 30f
            cmp r10, r9
            bne 26f
            cmp r12, r5
            blo 30f
         26: vstmia r9, {{s0-s3}}
            b 9b",
            "30: push {{r2, r5, lr}}
            vpush {{s0-s15}}
            mov r1, r12
            cmp r1, r5
            it hi
            movhi r1, r5
            add r3, r9, r5
            add r5, sp
            bl {store_back}
            add sp, #64
            pop {{r2, r5, lr}}
            b 9b",
            // columns of B are contiguous
            "40: vldmia r10, {{s0-s3}}
            ldrd r2, r1, [r0, #16]
            mov r3, r8
            add r4, r3, r2, lsl #2
            add r5, r4, r2, lsl #2
            add lr, r5, r2, lsl #2
            subs r2, #4
            blo 43f
         41: vldmia r1!, {{s8-s11}}
            vldmia r3!, {{s16-s19}}
            vldmia r4!, {{s20-s23}}
            vldmia r5!, {{s24-s27}}
            vldmia lr!, {{s28-s31}}",
            fused!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
            fused!(s0 s1 s2 s3 += s9 * s17 s21 s25 s29),
            fused!(s0 s1 s2 s3 += s10 * s18 s22 s26 s30),
            "42:",
            fused!(s0 s1 s2 s3 += s11 * s19 s23 s27 s31),
            "subs r2, #4
            bhs 41b
         43: adds r2, #4
            beq 23b
            vldmia r1!, {{s11}}
            vldmia r3!, {{s19}}
            vldmia r4!, {{s23}}
            vldmia r5!, {{s27}}
            vldmia lr!, {{s31}}
            subs r2, #1
            b 42b
         99:",
            store_back = sym store_back, in("r0") o, out("r12") _, out("lr") _,
            out("r1") _, out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _,
            out("r10") _, out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
            out("d6") _, out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _,
            out("d13") _, out("d14") _, out("d15") _,
        );
    }
}
