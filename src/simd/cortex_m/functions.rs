//! exp, tanh and sigmoid of slices on a Cortex-M with FPU, in assembly that stable Rust accepts: two elements at once,
//! since one waits for itself. Registers r6, r7 and r11 are not for `asm!` to use.

use core::{arch::asm, mem::offset_of};

use crate::simd::{ExpConstants, ROUND};

// The offsets that the passes know: of s2 to s11, which are loaded anew for every pair, then of s17 to s27, which stay.
#[rustfmt::skip]
const _: () = {
    assert!(offset_of!(ExpConstants, round_pair) == 0 && offset_of!(ExpConstants, q3_pair) == 8);
    assert!(offset_of!(ExpConstants, q2_pair) == 16 && offset_of!(ExpConstants, q1_pair) == 24);
    assert!(offset_of!(ExpConstants, q0_pair) == 32);
    assert!(offset_of!(ExpConstants, log2_e) == 40 && offset_of!(ExpConstants, round) == 44);
    assert!(offset_of!(ExpConstants, ln2_hi) == 48 && offset_of!(ExpConstants, minus_ln2_lo) == 52);
    assert!(offset_of!(ExpConstants, q4) == 56 && offset_of!(ExpConstants, one) == 60);
    assert!(offset_of!(ExpConstants, two) == 64 && offset_of!(ExpConstants, half) == 68);
    assert!(offset_of!(ExpConstants, tanh_end) == 72 && offset_of!(ExpConstants, round_minus_24) == 76);
    assert!(offset_of!(ExpConstants, far) == 80 && size_of::<ExpConstants>() == 84);
};

/// The registers of [`exp`], [`tanh`] and [`sigmoid`], two elements at a time. The pairs of [`ExpConstants`] are the
/// starts of chains, loaded anew into s2 to s11 for every two elements; its other constants stay in s17 to s27.
///
/// ```text
/// s2 s3    1.5 * 2^23, then x / ln 2 + 1.5 * 2^23, whose low bits are n        s17 1 / ln 2    s20 -ln 2, low part
/// s4 s5    Q3, then Q4 r + Q3, and so on:                                      s18 1.5 * 2^23  s21 Q4
/// s6 s7    Q2      s8 s9    Q1      s10 s11    Q0, at last q(r)                s19 ln 2, high  s22 1  s23 2  s24 0.5
/// s25 where tanh ends      s26 1.5 * 2^23 - 24      s27 where the exponential is 0
/// s0 s1    x, then r1      s12 s13    n, n LO, then m      s14 s15    r
/// ```
macro_rules! start_pair {
    () => {
        "vldmia r2, {{s2-s11}}
        vfma.f32 s2, s0, s17
        vfma.f32 s3, s1, s17"
    };
}
/// The constants that stay.
macro_rules! load_constants {
    () => {
        "add r3, r2, #40
        vldmia r3, {{s17-s27}}"
    };
}
/// n into r3, r4. "Less than" holds where one of them is below the least n, r5, or a NaN with a sign.
macro_rules! compare_pair {
    () => {
        "vmov r3, r4, s2, s3
        cmp r3, r5
        it ge
        cmpge r4, r5"
    };
}
/// `kernels::exp::reduce`.
macro_rules! reduce_pair {
    () => {
        "vsub.f32 s12, s2, s18
        vsub.f32 s13, s3, s18
        vfms.f32 s0, s12, s19
        vfms.f32 s1, s13, s19
        vmul.f32 s12, s12, s20
        vmul.f32 s13, s13, s20
        vadd.f32 s14, s0, s12
        vadd.f32 s15, s1, s13
        vfma.f32 s4, s14, s21
        vfma.f32 s5, s15, s21
        vfma.f32 s6, s4, s14
        vfma.f32 s7, s5, s15
        vfma.f32 s8, s6, s14
        vfma.f32 s9, s7, s15
        vfma.f32 s10, s8, s14
        vfma.f32 s11, s9, s15
        vmul.f32 s14, s14, s14
        vmul.f32 s15, s15, s15
        vfma.f32 s12, s14, s10
        vfma.f32 s13, s15, s11"
    };
}
/// 1 + r1 + m: head into s4, s5, and what it lost with m, the tail, into s6, s7.
macro_rules! head_pair {
    () => {
        "vadd.f32 s4, s22, s0
        vadd.f32 s5, s22, s1
        vsub.f32 s6, s4, s22
        vsub.f32 s7, s5, s22
        vsub.f32 s6, s0, s6
        vsub.f32 s7, s1, s7
        vadd.f32 s6, s6, s12
        vadd.f32 s7, s7, s13"
    };
}

/// x = e^(x - minus) for an even number of elements above zero, where none is above `minus` and none a NaN without a
/// sign: the bits of `kernels::exp::exp_or_zero`. Where n is below -80, the result is e^x times 0, so that a NaN stays;
/// there an x far below is replaced by 1 first, so that nothing overflows.
///
/// # Safety
/// As many elements are there.
#[inline(never)]
pub(super) unsafe fn exp(x: *mut f32, count: usize, minus: f32, constants: &'static ExpConstants) {
    // SAFETY: the loop visits every element once; the constants are laid out as it reads them.
    unsafe {
        asm!(
            load_constants!(),
            "vmov s16, r10
         2: vldmia r0, {{s0, s1}}
            vsub.f32 s0, s0, s16
            vsub.f32 s1, s1, s16",
            start_pair!(),
            // n below -80 in either, or a NaN with a sign
            compare_pair!(),
            "blt 5f
         3:",
            reduce_pair!(),
            head_pair!(),
            // n into the exponent: what stands above it is shifted out
            "vadd.f32 s4, s4, s6
            vadd.f32 s5, s5, s7
            vmov r8, r9, s4, s5
            add r8, r8, r3, lsl #23
            add r9, r9, r4, lsl #23
            strd r8, r9, [r0], #8
            subs r1, #2
            bgt 2b
            beq 6f",
            // once more, times 2^n or 0
            "bic r1, #0x80000000
            add r8, r12, r3, lsl #23
            cmp r3, r5
            it lt
            movlt r8, #0
            add r9, r12, r4, lsl #23
            cmp r4, r5
            it lt
            movlt r9, #0
            vmov s6, s7, r8, r9
            vmul.f32 s4, s4, s6
            vmul.f32 s5, s5, s7
            vstr s4, [r0, #-8]
            vstr s5, [r0, #-4]
            cmp r1, #0
            bne 2b
            b 6f
         5: vcmp.f32 s0, s27
            vmrs apsr_nzcv, fpscr
            itt mi
            vmovmi.f32 s0, s22
            vmovmi.f32 s2, s18
            vcmp.f32 s1, s27
            vmrs apsr_nzcv, fpscr
            itt mi
            vmovmi.f32 s1, s22
            vmovmi.f32 s3, s18",
            // the count is marked
            "orr r1, #0x80000000
            b 3b
         6:",
            inout("r0") x => _, inout("r1") count => _, in("r2") constants, out("r3") _, out("r4") _,
            in("r5") ROUND.to_bits() - 80, out("r8") _, out("r9") _, in("r12") 1_f32.to_bits(),
            inout("r10") minus.to_bits() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
            out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack)
        );
    }
}

/// x = tanh x for an even number of elements above zero, from which nothing is subtracted: the bits of
/// `kernels::exp::tanh_lanes`. Here n is clamped after the rounding, and another factor is halved; where n is not below
/// -24, no clamp changes anything.
///
/// # Safety
/// As many elements are there.
#[inline(never)]
pub(super) unsafe fn tanh(x: *mut f32, count: usize, _: f32, constants: &'static ExpConstants) {
    // SAFETY: the loop visits every element once; the constants are laid out as it reads them.
    unsafe {
        asm!(
            load_constants!(),
            "2: ldrd r8, r9, [r0]
            vmov s0, s1, r8, r9
            vabs.f32 s0, s0
            vabs.f32 s1, s1
            vnmul.f32 s0, s0, s23
            vnmul.f32 s1, s1, s23",
            start_pair!(),
            compare_pair!(),
            "blt 5f
         4:",
            reduce_pair!(),
            // power into s2, s3
            "add r3, r12, r3, lsl #23
            add r4, r12, r4, lsl #23
            vmov s2, s3, r3, r4",
            // start s4, head s6, then lost and tail in s4
            "vsub.f32 s4, s22, s2
            vsub.f32 s5, s22, s3
            vmov.f32 s6, s4
            vmov.f32 s7, s5
            vfms.f32 s6, s2, s0
            vfms.f32 s7, s3, s1
            vsub.f32 s4, s4, s6
            vsub.f32 s5, s5, s7
            vfms.f32 s4, s2, s0
            vfms.f32 s5, s3, s1
            vfms.f32 s4, s2, s12
            vfms.f32 s5, s3, s13",
            // f s0, f_lo s4
            "vadd.f32 s0, s6, s4
            vadd.f32 s1, s7, s5
            vsub.f32 s6, s0, s6
            vsub.f32 s7, s1, s7
            vsub.f32 s4, s4, s6
            vsub.f32 s5, s5, s7",
            // d s2, d_lo s12, quotient s6, one_plus s8
            "vsub.f32 s2, s23, s0
            vsub.f32 s3, s23, s1
            vsub.f32 s12, s23, s2
            vsub.f32 s13, s23, s3
            vsub.f32 s12, s12, s0
            vsub.f32 s13, s13, s1
            vdiv.f32 s6, s0, s2
            vdiv.f32 s7, s1, s3
            vadd.f32 s8, s22, s6
            vadd.f32 s9, s22, s7",
            // residual s0, magnitude s6
            "vfms.f32 s0, s6, s2
            vfms.f32 s1, s7, s3
            vfma.f32 s0, s4, s8
            vfma.f32 s1, s5, s9
            vfms.f32 s0, s6, s12
            vfms.f32 s1, s7, s13
            vmul.f32 s0, s0, s24
            vmul.f32 s1, s1, s24
            vfma.f32 s6, s0, s8
            vfma.f32 s7, s1, s9",
            // the sign of x
            "vmov r3, r4, s6, s7
            bfi r8, r3, #0, #31
            bfi r9, r4, #0, #31
            strd r8, r9, [r0], #8
            subs r1, #2
            bne 2b
            b 6f
         5: vadd.f32 s14, s25, s25
            vneg.f32 s14, s14
            vcmp.f32 s0, s14
            vmrs apsr_nzcv, fpscr
            it mi
            vmovmi.f32 s0, s14
            vcmp.f32 s1, s14
            vmrs apsr_nzcv, fpscr
            it mi
            vmovmi.f32 s1, s14",
            start_pair!(),
            "vcmp.f32 s2, s26
            vmrs apsr_nzcv, fpscr
            it mi
            vmovmi.f32 s2, s26
            vcmp.f32 s3, s26
            vmrs apsr_nzcv, fpscr
            it mi
            vmovmi.f32 s3, s26
            vmov r3, r4, s2, s3
            b 4b
         6:",
            inout("r0") x => _, inout("r1") count => _, in("r2") constants, out("r3") _, out("r4") _,
            in("r5") ROUND.to_bits() - 24, out("r8") _, out("r9") _, in("r12") 1_f32.to_bits(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
            out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack)
        );
    }
}

/// x = sigmoid x for an even number of elements above zero, up to a pair of which one is so far from 0 that e^-|x| is
/// below 2^-100, or a NaN: the bits of `kernels::sigmoid`. Gives how many are left, that pair first.
///
/// # Safety
/// As many elements are there.
#[inline(never)]
pub(super) unsafe fn sigmoid(x: *mut f32, count: usize, constants: &'static ExpConstants) -> usize {
    let left;
    // SAFETY: the loop visits every element once; the constants are laid out as it reads them.
    unsafe {
        asm!(
            load_constants!(),
            "2: vldmia r0, {{s0, s1}}
            vabs.f32 s0, s0
            vabs.f32 s1, s1
            vneg.f32 s0, s0
            vneg.f32 s1, s1",
            start_pair!(),
            // n below -100, or a NaN, whose sign is set now
            compare_pair!(),
            "blt 6f",
            reduce_pair!(),
            head_pair!(),
            // hi s0, lo s6
            "vadd.f32 s0, s4, s6
            vadd.f32 s1, s5, s7
            vsub.f32 s8, s0, s4
            vsub.f32 s9, s1, s5
            vsub.f32 s6, s6, s8
            vsub.f32 s7, s7, s9",
            // power s2, a s4, d s8, d_lo s10, quotient s12
            "add r8, r12, r3, lsl #23
            add r9, r12, r4, lsl #23
            vmov s2, s3, r8, r9
            vmul.f32 s4, s2, s0
            vmul.f32 s5, s3, s1
            vadd.f32 s8, s22, s4
            vadd.f32 s9, s22, s5
            vsub.f32 s10, s8, s22
            vsub.f32 s11, s9, s22
            vsub.f32 s10, s4, s10
            vsub.f32 s11, s5, s11
            vfma.f32 s10, s2, s6
            vfma.f32 s11, s3, s7
            vdiv.f32 s12, s22, s8
            vdiv.f32 s13, s22, s9",
            // residual and correction s14, scaled s4
            "vmov.f32 s14, s22
            vmov.f32 s15, s22
            vfms.f32 s14, s12, s8
            vfms.f32 s15, s13, s9
            vfms.f32 s14, s12, s10
            vfms.f32 s15, s13, s11
            vmul.f32 s14, s14, s12
            vmul.f32 s15, s15, s13
            vmul.f32 s4, s6, s12
            vmul.f32 s5, s7, s13
            vfma.f32 s4, s0, s14
            vfma.f32 s5, s1, s15
            vfma.f32 s4, s0, s12
            vfma.f32 s5, s1, s13",
            // the smaller half: n into the exponent; then 1 - E where x has no sign
            "vmov r8, r9, s4, s5
            add r8, r8, r3, lsl #23
            add r9, r9, r4, lsl #23
            vmov s4, s5, r8, r9
            vsub.f32 s6, s22, s4
            vsub.f32 s7, s22, s5
            ldrd r8, r9, [r0]
            cmp r8, #0
            it ge
            vmovge.f32 s4, s6
            cmp r9, #0
            it ge
            vmovge.f32 s5, s7
            vstmia r0!, {{s4, s5}}
            subs r1, #2
            bne 2b
         6:",
            inout("r0") x => _, inout("r1") count => left, in("r2") constants, out("r3") _, out("r4") _,
            in("r5") ROUND.to_bits() - 100, out("r8") _, out("r9") _, in("r12") 1_f32.to_bits(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
            out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack)
        );
    }
    left
}
