//! Simple passes over slices on a Cortex-M with FPU, in assembly that stable Rust accepts: addresses and bits come in
//! core registers, and floating-point registers are clobbered by name. Registers r6, r7 and r11 are not for `asm!` to
//! use.

use core::{arch::asm, mem::MaybeUninit};

use super::ZEROS;

/// The largest element, a NaN without a sign where there is one, and a NaN of no meaning where there is no element. A
/// NaN with a sign may be passed over.
///
/// The bits of floats that aren't negative order like integers, those of negative ones in reverse: where all elements
/// are negative, a second loop looks for the least bits.
pub(super) fn max(x: &[f32]) -> f32 {
    let mut max = i32::MIN;
    // SAFETY: each loop visits every element once.
    unsafe {
        asm!(
            // a new maximum is rare
            "subs r1, #8
            blo 29f
         2: ldmia r0!, {{r3, r4, r5, r8, r9, r10, r12, lr}}
            cmp r3, r2
            bgt 3f
         22: cmp r4, r2
            bgt 4f
         23: cmp r5, r2
            bgt 5f
         24: cmp r8, r2
            bgt 6f
         25: cmp r9, r2
            bgt 7f
         26: cmp r10, r2
            bgt 8f
         27: cmp r12, r2
            bgt 9f
         28: cmp lr, r2
            bgt 20f
         21: subs r1, #8
            bhs 2b
            b 29f
         20: mov r2, lr
            b 21b
         3: mov r2, r3
            b 22b
         4: mov r2, r4
            b 23b
         5: mov r2, r5
            b 24b
         6: mov r2, r8
            b 25b
         7: mov r2, r9
            b 26b
         8: mov r2, r10
            b 27b
         9: mov r2, r12
            b 28b
         29: adds r1, #8
         30: beq 31f
            ldr r3, [r0], #4
            cmp r3, r2
            it gt
            movgt r2, r3
            subs r1, #1
            b 30b
         31:",
            inout("r0") x.as_ptr() => _, inout("r1") x.len() => _, inout("r2") max, out("r3") _, out("r4") _,
            out("r5") _, out("r8") _, out("r9") _, out("r10") _, out("r12") _, out("lr") _,
            options(readonly, nostack)
        );
        if max < 0 {
            asm!(
                "2: cbz r1, 3f
                ldr r3, [r0], #4
                cmp r3, r2
                it lt
                movlt r2, r3
                subs r1, #1
                b 2b
             3:",
                inout("r0") x.as_ptr() => _, inout("r1") x.len() => _, inout("r2") i32::MAX => max, out("r3") _,
                options(readonly, nostack)
            );
        }
    }
    f32::from_bits(max as u32)
}

/// `OneLane::position_of_bits`.
#[inline(always)]
pub(super) fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize {
    let Some(rest) = x.get(from..) else { return from };
    let mut at = rest.as_ptr();
    // SAFETY: four elements are read where four are left, then single ones.
    unsafe {
        asm!(
            "1: subs r1, #4
            blo 2f
            ldmia r0!, {{r3, r4, r5, r8}}
            cmp r3, r2
            bge 3f
            cmp r4, r2
            bge 4f
            cmp r5, r2
            bge 5f
            cmp r8, r2
            blt 1b
            b 6f
         2: adds r1, #4
         8: beq 7f
            ldr r3, [r0], #4
            cmp r3, r2
            bge 6f
            subs r1, #1
            b 8b
         3: subs r0, #4
         4: subs r0, #4
         5: subs r0, #4
         6: subs r0, #4
         7:",
            inout("r0") at, inout("r1") rest.len() => _, in("r2") least,
            out("r3") _, out("r4") _, out("r5") _, out("r8") _,
            options(readonly, nostack)
        );
    }
    (at.addr() - x.as_ptr().addr()) / size_of::<f32>()
}

/// The sum of the virtual lanes, as `kernels::softmax` orders it.
pub(super) fn sum(x: &[f32]) -> f32 {
    let mut lanes = MaybeUninit::<[f32; 16]>::uninit();
    let sum: u32;
    // SAFETY: the loops visit every element once; at most fifteen of the lanes are written, after all of them were.
    unsafe {
        asm!(
            "vldmia r3, {{s0-s15}}
            subs r1, #16
            blo 3f
         2: vldmia r0!, {{s16-s31}}
            vadd.f32 s0, s0, s16
            vadd.f32 s1, s1, s17
            vadd.f32 s2, s2, s18
            vadd.f32 s3, s3, s19
            vadd.f32 s4, s4, s20
            vadd.f32 s5, s5, s21
            vadd.f32 s6, s6, s22
            vadd.f32 s7, s7, s23
            vadd.f32 s8, s8, s24
            vadd.f32 s9, s9, s25
            vadd.f32 s10, s10, s26
            vadd.f32 s11, s11, s27
            vadd.f32 s12, s12, s28
            vadd.f32 s13, s13, s29
            vadd.f32 s14, s14, s30
            vadd.f32 s15, s15, s31
            subs r1, #16
            bhs 2b
         3: adds r1, #16
            beq 5f
            vstmia r2, {{s0-s15}}
            mov r3, r2
         4: vldmia r0!, {{s16}}
            vldr s17, [r3]
            vadd.f32 s17, s17, s16
            vstmia r3!, {{s17}}
            subs r1, #1
            bne 4b
            vldmia r2, {{s0-s15}}
         5: vadd.f32 s0, s0, s8
            vadd.f32 s1, s1, s9
            vadd.f32 s2, s2, s10
            vadd.f32 s3, s3, s11
            vadd.f32 s4, s4, s12
            vadd.f32 s5, s5, s13
            vadd.f32 s6, s6, s14
            vadd.f32 s7, s7, s15
            vadd.f32 s0, s0, s4
            vadd.f32 s1, s1, s5
            vadd.f32 s2, s2, s6
            vadd.f32 s3, s3, s7
            vadd.f32 s0, s0, s2
            vadd.f32 s1, s1, s3
            vadd.f32 s0, s0, s1
            vmov r2, s0",
            inout("r0") x.as_ptr() => _, inout("r1") x.len() => _, inout("r2") lanes.as_mut_ptr() => sum,
            inout("r3") ZEROS.as_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _,
            out("d15") _,
            options(nostack)
        );
    }
    f32::from_bits(sum)
}

/// to = from; the shorter one ends it. The compiler's own `memcpy` is larger than all that copies here together.
#[inline(never)]
pub(super) fn copy(to: &mut [f32], from: &[f32]) {
    // SAFETY: both have as many elements.
    unsafe {
        asm!(
            "lsrs r3, r2, #3
            beq 3f
         2: vldmia r1!, {{s0-s7}}
            vstmia r0!, {{s0-s7}}
            subs r3, #1
            bne 2b
         3: ands r2, #7
            beq 5f
         4: vldmia r1!, {{s0}}
            vstmia r0!, {{s0}}
            subs r2, #1
            bne 4b
         5:",
            inout("r0") to.as_mut_ptr() => _, inout("r1") from.as_ptr() => _,
            inout("r2") to.len().min(from.len()) => _, out("r3") _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            options(nostack)
        );
    }
}

/// x = 0.
#[inline(never)]
pub(super) fn clear(x: &mut [f32]) {
    // SAFETY: the loop visits every element once.
    unsafe {
        asm!(
            "cbz r1, 3f
         2: str r2, [r0], #4
            subs r1, #1
            bne 2b
         3:",
            inout("r0") x.as_mut_ptr() => _, inout("r1") x.len() => _, in("r2") 0, options(nostack)
        );
    }
}

/// x = factor x.
#[inline(never)]
pub(super) fn scale(x: &mut [f32], factor: f32) {
    // SAFETY: the loops visit every element once.
    unsafe {
        asm!(
            "vmov s8, r2
            subs r1, #8
            blo 3f
         2: vldmia r0, {{s0-s7}}
            vmul.f32 s0, s0, s8
            vmul.f32 s1, s1, s8
            vmul.f32 s2, s2, s8
            vmul.f32 s3, s3, s8
            vmul.f32 s4, s4, s8
            vmul.f32 s5, s5, s8
            vmul.f32 s6, s6, s8
            vmul.f32 s7, s7, s8
            vstmia r0!, {{s0-s7}}
            subs r1, #8
            bhs 2b
         3: adds r1, #8
         4: beq 5f
            vldr s0, [r0]
            vmul.f32 s0, s0, s8
            vstmia r0!, {{s0}}
            subs r1, #1
            b 4b
         5:",
            inout("r0") x.as_mut_ptr() => _, inout("r1") x.len() => _, in("r2") factor.to_bits(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _,
            options(nostack)
        );
    }
}

/// d = d (1 - h²); the shorter one ends it.
#[inline(never)]
pub(super) fn tanh_backward(d: &mut [f32], h: &[f32]) {
    // SAFETY: both have as many elements, and the loops visit every one once.
    unsafe {
        asm!(
            "vmov.f32 s8, #1.0
            subs r2, #2
            blo 3f
         2: vldmia r1!, {{s4-s5}}
            vmov.f32 s6, s8
            vmov.f32 s7, s8
            vfms.f32 s6, s4, s4
            vfms.f32 s7, s5, s5
            vldmia r0, {{s0-s1}}
            vmul.f32 s0, s0, s6
            vmul.f32 s1, s1, s7
            vstmia r0!, {{s0-s1}}
            subs r2, #2
            bhs 2b
         3: adds r2, #2
            beq 4f
            vldr s4, [r1]
            vfms.f32 s8, s4, s4
            vldr s0, [r0]
            vmul.f32 s0, s0, s8
            vstr s0, [r0]
         4:",
            inout("r0") d.as_mut_ptr() => _, inout("r1") h.as_ptr() => _, inout("r2") d.len().min(h.len()) => _,
            out("d0") _, out("d2") _, out("d3") _, out("d4") _,
            options(nostack)
        );
    }
}
