//! Matrix products on a Cortex-M with FPU: passes over blocks of columns, in assembly that stable Rust accepts.
//!
//! The idea: the accumulators of a block of C stay in s-registers over all of k, the elements of A and B come in by
//! `vldmia`, several at once, and k is unrolled by four, so that little but `vfma.f32` remains:
//!
//! | pass | block | registers: accumulators, A, B | instructions per fused multiply-add in the loop |
//! |---|---|---|---|
//! | `blocks`, A row-major | 1 x 16 | 16, 4, 8 | 80 / 64 |
//! | `blocks`, A by columns | 1 x 16 | 16, 4, 8 | 88 / 64 |
//! | `quads`, the columns beyond a multiple of 16 | 1 x 4 | 4, 4, 4 | 28 / 16 |
//! | `columns` | 1 x 4 | 4, 4, 4 x 4 | 23 / 16 |
//!
//! Of one to three columns that remain after quads the block begins further left, in columns that are done, and only
//! what is new is stored. Where there are fewer than four columns at all each element is a chain of its own.
//!
//! More rows at once would save few of them and take more flash, which is short. Registers r6, r7 and r11 are not for
//! `asm!` to use.

use core::{arch::asm, mem::offset_of};

use super::{CortexM, ZEROS};
use crate::simd::{Operands, Simd};

// The offsets that the passes know.
const _: () = {
    assert!(offset_of!(Operands, k) == 0 && offset_of!(Operands, a) == 4 && offset_of!(Operands, a_row) == 8);
    assert!(offset_of!(Operands, a_col) == 12 && offset_of!(Operands, b) == 16 && offset_of!(Operands, b_row) == 20);
    assert!(offset_of!(Operands, b_col) == 24 && offset_of!(Operands, c) == 28 && offset_of!(Operands, c_row) == 32);
    assert!(offset_of!(Operands, start) == 36 && offset_of!(Operands, start_row) == 40);
    assert!(offset_of!(Operands, descends) == 44 && offset_of!(Operands, rate) == 48);
    assert!(offset_of!(Operands, start_col) == 52 && offset_of!(Operands, m) == 56 && offset_of!(Operands, n) == 60);
};

/// The product of a single row and row-major B.
///
/// # Safety
/// As [`Products::gemv`](crate::simd::Products::gemv).
#[inline(always)]
pub(super) unsafe fn gemv(o: &mut Operands) {
    // SAFETY: by the caller.
    unsafe { rows(o) };
}

/// The product.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product).
#[inline(never)]
pub(super) unsafe fn product(o: &mut Operands) {
    let columns_fit = o.b_row == 1 && o.b_col == o.k && o.a_col == 1 && !o.descends && o.n >= 4;
    // SAFETY: by the caller; the strides that each pass needs are checked here.
    unsafe {
        if o.b_col == 1 {
            rows(o);
        } else if o.m > 0 {
            start_at_zeros(o);
            if columns_fit { columns(o) } else { chains(o) }
        }
    }
}

/// Chains that start nowhere start at zeros.
#[inline(always)]
fn start_at_zeros(o: &mut Operands) {
    if o.start.is_null() {
        (o.start, o.start_col) = (ZEROS.as_ptr(), 0);
    }
}

/// All of C from row-major B.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product).
#[inline(always)]
unsafe fn rows(o: &mut Operands) {
    start_at_zeros(o);
    // SAFETY: by the caller.
    unsafe {
        if o.n & 15 != 0 {
            blocks_and_quads(o);
        } else if o.m > 0 && o.n > 0 {
            blocks(o);
        }
    }
}

/// [`rows`] where columns remain.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product).
#[inline(never)]
unsafe fn blocks_and_quads(o: &mut Operands) {
    let Operands { a, c, start, m, n, .. } = *o;
    let left = n & !15;
    if m == 0 {
        return;
    }
    // SAFETY: by the caller; quads find three columns to their left, or four of their own.
    unsafe {
        if left > 0 {
            blocks(o);
        }
        // a pass uses up the operands
        (o.a, o.m, o.n, o.c) = (a, m, n - left, c.wrapping_add(left));
        (o.b, o.start) = (o.b.wrapping_add(left), start.wrapping_add(left * o.start_col));
        if n < 4 { chains(o) } else { quads(o) }
    }
}

/// One element after the other.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product).
#[inline(never)]
unsafe fn chains(o: &Operands) {
    for j in 0..o.n {
        for i in 0..o.m {
            let start = o.start.wrapping_add(i * o.start_row + j * o.start_col);
            let c = o.c.wrapping_add(i * o.c_row + j);
            // SAFETY: by the caller there are row i and column j.
            unsafe {
                let sum = chain(o, i, j, *start);
                *c = if o.descends { CortexM.nfma(o.rate, sum, *c) } else { sum };
            }
        }
    }
}

/// `sum` plus row i of A times column j of B: k fused steps.
///
/// # Safety
/// They are there.
#[inline(never)]
pub(super) unsafe fn chain(o: &Operands, i: usize, j: usize, sum: f32) -> f32 {
    let (a, b) = (o.a.wrapping_add(i * o.a_row), o.b.wrapping_add(j * o.b_col));
    let mut sum = sum.to_bits();
    // SAFETY: by the caller.
    unsafe {
        asm!(
            "vmov s0, {sum}
             cmp {k}, #0
             beq 3f
         2: vldr s1, [{a}]
             add {a}, {a_step}
             vldr s2, [{b}]
             add {b}, {b_step}
             vfma.f32 s0, s1, s2
             subs {k}, #1
             bne 2b
         3:  vmov {sum}, s0",
            sum = inout(reg) sum, k = inout(reg) o.k => _, a = inout(reg) a => _, b = inout(reg) b => _,
            a_step = in(reg) 4 * o.a_col, b_step = in(reg) 4 * o.b_row,
            out("s0") _, out("s1") _, out("s2") _, options(readonly, nostack)
        );
    }
    f32::from_bits(sum)
}

/// c += x * b or c -= x * b, rounded once, for pairs of c and b.
macro_rules! fused {
    ($($c:ident)* += $x:ident * $($b:ident)*) => {
        concat!($("vfma.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
    ($($c:ident)* -= $x:ident * $($b:ident)*) => {
        concat!($("vfms.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
}
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
/// The end of a 1 x 4 block: all of it is stored, or of a last one its r12 last columns.
macro_rules! store_four {
    ($next:literal) => {
        concat!(
            "cmp r12, #4
            blo 9f
            vstmia r9!, {{s0-s3}}
            add r10, r10, lr, lsl #4
            ",
            $next,
            "
            subs r12, #4
            bne 2b
            b 20f
         9: vstr s3, [r9, #12]
            cmp r12, #2
            blo 20f
            vstr s2, [r9, #8]
            beq 20f
            vstr s1, [r9, #4]
         20:"
        )
    };
}
/// The next row of A, of C and of the starts, or the end of the pass.
macro_rules! next_row {
    () => {
        "ldr r1, [r0, #56]
         subs r1, #1
         beq 99f
         str r1, [r0, #56]
         ldrd r1, r2, [r0, #4]
         add r1, r1, r2, lsl #2
         str r1, [r0, #4]
         ldrd r1, r2, [r0, #28]
         add r1, r1, r2, lsl #2
         str r1, [r0, #28]
         ldrd r1, r2, [r0, #36]
         add r1, r1, r2, lsl #2
         str r1, [r0, #36]
         b 1b
     99:"
    };
}
/// A pass over blocks, row after row: r0 is the product, r8 goes along B, r9 along C, r10 along the starts, whose
/// stride is lr; r4 is the stride of rows of B, and r12 counts the blocks or the columns.
macro_rules! pass {
    ($(#[$doc:meta])* $name:ident: $($line:expr),* $(,)?) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// There is a block and a row, and all their elements; nothing else refers to those of C, but the starts may
        /// be those of C. If the last block is to be stored in part, the columns to its left are there.
        #[inline(never)]
        unsafe fn $name(o: &mut Operands) {
            // SAFETY: by the caller.
            unsafe {
                asm!(
                    "1: ldr r8, [r0, #16]
                    ldr r9, [r0, #28]
                    ldr r10, [r0, #36]
                    ldr lr, [r0, #52]
                    ldr r4, [r0, #20]
                    ldr r12, [r0, #60]",
                    $($line),*,
                    next_row!(),
                    in("r0") o, out("r12") _, out("lr") _,
                    out("r1") _, out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _,
                    out("r10") _, out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
                    out("d6") _, out("d7") _, out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _,
                    out("d13") _, out("d14") _, out("d15") _,
                    options(nostack)
                );
            }
        }
    };
}

pass! {
    /// Row-major B, and any A: row-major, transposed, or a single element with strides of 0. It may descend. r2 is the
    /// gap between neighbours in a row of A, in bytes.
    blocks:
    "lsl r4, #2
    sub r4, #32
    ldr r2, [r0, #12]
    lsl r2, #2
    sub r2, #4
    lsr r12, #4
 2: vldmia r10, {{s0-s15}}
    ldrd r5, r1, [r0]
    mov r3, r8
    subs r5, #4
    blo 5f
 3: cbz r2, 4f
    vldmia r1!, {{s24}}
    add r1, r2
    vldmia r1!, {{s25}}
    add r1, r2
    vldmia r1!, {{s26}}
    add r1, r2
    vldmia r1!, {{s27}}
    add r1, r2
    b 14f
 4: vldmia r1!, {{s24-s27}}
 14:",
    one_by_sixteen!(s24),
    one_by_sixteen!(s25),
    one_by_sixteen!(s26),
    "6:",
    one_by_sixteen!(s27),
    "subs r5, #4
    bhs 3b
 5: adds r5, #4
    beq 7f
    vldmia r1!, {{s27}}
    add r1, r2
    subs r5, #1
    b 6b
 7: ldrb r1, [r0, #44]
    cbz r1, 8f
    vldr s24, [r0, #48]
    vldmia r9, {{s16-s23}}",
    fused!(s16 s17 s18 s19 s20 s21 s22 s23 -= s24 * s0 s1 s2 s3 s4 s5 s6 s7),
    "vstmia r9!, {{s16-s23}}
    vldmia r9, {{s16-s23}}",
    fused!(s16 s17 s18 s19 s20 s21 s22 s23 -= s24 * s8 s9 s10 s11 s12 s13 s14 s15),
    "vstmia r9!, {{s16-s23}}
    b 9f
 8: vstmia r9!, {{s0-s15}}
 9: add r10, r10, lr, lsl #6
    add r8, #64
    subs r12, #1
    bne 2b",
}

pass! {
    /// As [`blocks`], of four columns.
    quads:
    "lsl r4, #2
    ldr r2, [r0, #12]
    lsl r2, #2
    sub r2, #4
 2: cmp r12, #4
    bhs 10f
    rsb r5, r12, #4
    sub r8, r8, r5, lsl #2
    sub r9, r9, r5, lsl #2
    mul r5, r5, lr
    sub r10, r10, r5, lsl #2
 10: vldmia r10, {{s0-s3}}
    ldrd r5, r1, [r0]
    mov r3, r8
    subs r5, #4
    blo 5f
 3: cbz r2, 4f
    vldmia r1!, {{s12}}
    add r1, r2
    vldmia r1!, {{s13}}
    add r1, r2
    vldmia r1!, {{s14}}
    add r1, r2
    vldmia r1!, {{s15}}
    add r1, r2
    b 14f
 4: vldmia r1!, {{s12-s15}}
 14:",
    one_by_four!(s12),
    one_by_four!(s13),
    one_by_four!(s14),
    "6:",
    one_by_four!(s15),
    "subs r5, #4
    bhs 3b
 5: adds r5, #4
    beq 7f
    vldmia r1!, {{s15}}
    add r1, r2
    subs r5, #1
    b 6b
 7: ldrb r1, [r0, #44]
    cbz r1, 8f
    vldr s12, [r0, #48]
    vldmia r9, {{s8-s11}}",
    fused!(s8 s9 s10 s11 -= s12 * s0 s1 s2 s3),
    "vmov.f32 s0, s8
    vmov.f32 s1, s9
    vmov.f32 s2, s10
    vmov.f32 s3, s11
 8:",
    store_four!("add r8, #16"),
}

pass! {
    /// Row-major A, and contiguous columns of B: r8, at the end of the fourth, is where the fifth starts.
    columns:
    "2: cmp r12, #4
    bhs 10f
    rsb r2, r12, #4
    sub r9, r9, r2, lsl #2
    ldr r1, [r0]
    mul r1, r1, r2
    sub r8, r8, r1, lsl #2
    mul r2, r2, lr
    sub r10, r10, r2, lsl #2
 10: vldmia r10, {{s0-s3}}
    ldrd r2, r1, [r0]
    mov r3, r8
    add r4, r3, r2, lsl #2
    add r5, r4, r2, lsl #2
    add r8, r5, r2, lsl #2
    subs r2, #4
    blo 4f
 3: vldmia r1!, {{s8-s11}}
    vldmia r3!, {{s16-s19}}
    vldmia r4!, {{s20-s23}}
    vldmia r5!, {{s24-s27}}
    vldmia r8!, {{s28-s31}}",
    fused!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
    fused!(s0 s1 s2 s3 += s9 * s17 s21 s25 s29),
    fused!(s0 s1 s2 s3 += s10 * s18 s22 s26 s30),
    "6:",
    fused!(s0 s1 s2 s3 += s11 * s19 s23 s27 s31),
    "subs r2, #4
    bhs 3b
 4: adds r2, #4
    beq 5f
    vldmia r1!, {{s11}}
    vldmia r3!, {{s19}}
    vldmia r4!, {{s23}}
    vldmia r5!, {{s27}}
    vldmia r8!, {{s31}}
    subs r2, #1
    b 6b
 5:",
    store_four!(""),
}
