//! Matrix products on a Cortex-M with FPU: passes over blocks of columns, in assembly that stable Rust accepts, and one chain
//! after the other for the columns that remain.
//!
//! The idea: the accumulators of a block of C stay in s-registers over all of k, the elements of A and B come in by `vldmia`,
//! several at once, and k is unrolled, so that little but `vfma.f32` remains:
//!
//! | pass | block | registers: accumulators, A, B | instructions per fused multiply-add in the loop |
//! |---|---|---|---|
//! | `row` | 1 x 16 | 16, 2, 8 | 41 / 32 |
//! | `rows` | 2 x 8 | 16, 2 x 2, 8 | 40 / 32 |
//! | `transposed` | 2 x 8 | 16, 2, 8 | 42 / 32 |
//! | `columns` | 2 x 4 | 8, 2 x 4, 4 x 4 | 40 / 32 |
//! | `column` | 1 x 4 | 4, 4, 4 x 4 | 23 / 16 |
//! | `sums` | 1 x 8 | 8, 0, 8 | 12 / 8 |
//!
//! Loops that are unrolled by two are entered at their second half where k is odd: flash is short. The same reason parts the
//! product of a single row, all that a prediction needs, from the others. Registers r6, r7 and r11 are not for `asm!` to use.

use core::{arch::asm, mem::offset_of, ptr};

use super::{CortexM, ZEROS};
use crate::simd::{Into, Operands, Simd};

// The offsets that the passes know.
const _: () = {
    assert!(offset_of!(Operands, k) == 0 && offset_of!(Operands, a) == 4 && offset_of!(Operands, a_row) == 8);
    assert!(offset_of!(Operands, a_col) == 12 && offset_of!(Operands, b) == 16 && offset_of!(Operands, b_row) == 20);
    assert!(offset_of!(Operands, b_col) == 24 && offset_of!(Operands, c) == 28 && offset_of!(Operands, c_row) == 32);
    assert!(offset_of!(Operands, start) == 36 && offset_of!(Operands, start_row) == 40);
    assert!(offset_of!(Operands, descends) == 44 && offset_of!(Operands, rate) == 48);
    assert!(offset_of!(Operands, start_col) == 52);
};

/// C (n) from A (k) and row-major B (k,n), the chains starting at zero, at a bias or at C. False for another `into`, and where a
/// slice is too short.
#[inline(never)]
pub(super) fn row([k, n]: [usize; 2], a: &[f32], b: &[f32], c: &mut [f32], into: Into<'_>) -> bool {
    let (start, start_len) = match into {
        Into::Bias(bias) => (bias.as_ptr(), bias.len()),
        Into::Continue => (c.as_ptr(), c.len()),
        Into::Set => (ptr::null(), n),
        _ => return false,
    };
    if a.len() < k || c.len() < n || start_len < n || k.checked_mul(n).is_none_or(|len| len > b.len()) {
        return false;
    }
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    #[rustfmt::skip]
    let mut o = Operands {
        k, a, a_row: k, a_col: 1, b, b_row: n, b_col: 1, c, c_row: n, start, start_row: 0, descends: false, rate: 0.0, start_col: 1, m: 1, n,
    };
    zeros_for_null(&mut o);
    // SAFETY: all elements are there.
    unsafe { one_row(&o) };
    true
}

/// Chains that start nowhere start at [`ZEROS`].
fn zeros_for_null(o: &mut Operands) {
    if o.start.is_null() {
        (o.start, o.start_col) = (ZEROS.as_ptr(), 0);
    }
}

/// A row with row-major A and B and without descent.
///
/// # Safety
/// As [`Simd::product`].
unsafe fn one_row(o: &Operands) {
    let count = o.n >> 4;
    // SAFETY: as many blocks of columns are inside the operands.
    unsafe {
        row_pass(o, count);
        chains(o, 1, count << 4);
    }
}

/// A pass over so many blocks of columns.
type Pass = unsafe fn(&Operands, usize);

/// The whole product, two rows at a time.
///
/// # Safety
/// As [`Simd::product`].
#[inline(never)]
pub(super) unsafe fn product(o: &mut Operands) {
    zeros_for_null(o);
    let none: (Pass, u32) = (|_, _| {}, 31);
    // passes for one row and for two, and their columns as powers of two
    let [one, two]: [(Pass, u32); 2] = if o.b_col == 1 {
        if o.a_col == 0 {
            [(sums_pass, 3), none]
        } else if o.a_row == 1 {
            [none, (transposed_pass, 3)]
        } else if o.a_col == 1 && !o.descends {
            [(row_pass, 4), (rows_pass, 3)]
        } else {
            [none, none]
        }
    } else if o.b_row == 1 && o.b_col == o.k && o.a_col == 1 && !o.descends {
        [(column_pass, 2), (columns_pass, 2)]
    } else {
        [none, none]
    };
    while o.m > 0 {
        let (rows, (pass, columns)) = if o.m == 1 { (1, one) } else { (2, two) };
        let count = o.n >> columns;
        // SAFETY: the operands hold `rows` rows, and as many blocks of columns.
        unsafe {
            pass(o, count);
            chains(o, rows, count << columns);
        }
        o.a = o.a.wrapping_add(rows * o.a_row);
        o.c = o.c.wrapping_add(rows * o.c_row);
        o.start = o.start.wrapping_add(rows * o.start_row);
        o.m -= rows;
    }
}

/// The first `rows` rows from column `left` on, one element after the other.
///
/// # Safety
/// As [`Simd::product`].
#[inline(never)]
unsafe fn chains(o: &Operands, rows: usize, left: usize) {
    for j in left..o.n {
        for i in 0..rows {
            let (a, b) = (o.a.wrapping_add(i * o.a_row), o.b.wrapping_add(j * o.b_col));
            let start = o.start.wrapping_add(i * o.start_row + j * o.start_col);
            let c = o.c.wrapping_add(i * o.c_row + j);
            // SAFETY: by the caller there are row i and column j.
            unsafe {
                let sum = chain(a, b, [4 * o.a_col, 4 * o.b_row], o.k, *start);
                *c = if o.descends { CortexM.nfma(o.rate, sum, *c) } else { sum };
            }
        }
    }
}

/// sum + a[0] b[0] + a[1] b[1] + ..., `k` fused steps; the distances are in bytes.
///
/// # Safety
/// The elements are there.
unsafe fn chain(a: *const f32, b: *const f32, [a_step, b_step]: [usize; 2], k: usize, sum: f32) -> f32 {
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
            sum = inout(reg) sum, k = inout(reg) k => _, a = inout(reg) a => _, b = inout(reg) b => _,
            a_step = in(reg) a_step, b_step = in(reg) b_step,
            out("s0") _, out("s1") _, out("s2") _, options(readonly, nostack)
        );
    }
    f32::from_bits(sum)
}

/// c += x * b for pairs of c and b.
macro_rules! chains {
    ($($c:ident)* += $x:ident * $($b:ident)*) => {
        concat!($("vfma.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
}
/// One step in k of a 2 x 8 block: a row of B into s24 to s31, times one element of each row of A.
macro_rules! two_by_eight {
    ($x:ident $y:ident) => {
        concat!(
            "vldmia r3, {{s24-s31}}\n add r3, r3, r4, lsl #2\n",
            chains!(s0 s1 s2 s3 s4 s5 s6 s7 += $x * s24 s25 s26 s27 s28 s29 s30 s31),
            chains!(s8 s9 s10 s11 s12 s13 s14 s15 += $y * s24 s25 s26 s27 s28 s29 s30 s31)
        )
    };
}
/// [`two_by_eight`] with the elements of A from a column of it.
macro_rules! two_by_eight_transposed {
    () => {
        concat!("vldmia r1, {{s16, s17}}\n add r1, r1, r5, lsl #2\n", two_by_eight!(s16 s17))
    };
}
/// One step in k of a 1 x 16 block.
macro_rules! one_by_sixteen {
    ($x:ident) => {
        concat!(
            "vldmia r3!, {{s16-s23}}\n",
            chains!(s0 s1 s2 s3 s4 s5 s6 s7 += $x * s16 s17 s18 s19 s20 s21 s22 s23),
            "vldmia r3, {{s16-s23}}\n add r3, r4\n",
            chains!(s8 s9 s10 s11 s12 s13 s14 s15 += $x * s16 s17 s18 s19 s20 s21 s22 s23)
        )
    };
}
/// A pass over `count` blocks side by side: r0 is the product, r12 the number of blocks; then r8 goes along B, r9 along C, r10
/// along the starts, whose distance is lr, and r4 is the distance of rows of B.
macro_rules! pass {
    ($(#[$doc:meta])* $name:ident: $($line:expr),* $(,)?) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// All elements of these blocks are there; nothing else refers to those of C, but the starts may be those of C.
        #[inline(never)]
        unsafe fn $name(o: &Operands, count: usize) {
            if count == 0 {
                return;
            }
            // SAFETY: by the caller.
            unsafe {
                asm!(
                    "ldr r8, [r0, #16]
                    ldr r9, [r0, #28]
                    ldr r10, [r0, #36]
                    ldr lr, [r0, #52]
                    ldr r4, [r0, #20]",
                    $($line),*,
                    in("r0") o, inout("r12") count => _, out("lr") _,
                    out("r1") _, out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _, out("r10") _,
                    out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                    out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _,
                    out("d15") _,
                    options(nostack)
                );
            }
        }
    };
}

pass! {
    /// One row, row-major A and B.
    row_pass:
    "lsl r4, #2
    sub r4, #32
 2: vldmia r10, {{s0-s15}}
    ldrd r5, r1, [r0]
    mov r3, r8
    lsrs r5, #1
    bcc 4f
    vldmia r1!, {{s25}}
    add r5, #1
    b 6f
 4: beq 5f
 3: vldmia r1!, {{s24, s25}}",
    one_by_sixteen!(s24),
    "6:",
    one_by_sixteen!(s25),
    "subs r5, #1
    bne 3b
 5: vstmia r9!, {{s0-s15}}
    add r10, r10, lr, lsl #6
    add r8, #64
    subs r12, #1
    bne 2b",
}

pass! {
    /// Two rows, row-major A and B.
    rows_pass:
    "2: vldmia r10, {{s0-s7}}
    ldr r1, [r0, #40]
    add r1, r10, r1, lsl #2
    vldmia r1, {{s8-s15}}
    ldrd r1, r2, [r0, #4]
    add r2, r1, r2, lsl #2
    mov r3, r8
    ldr r5, [r0]
    lsrs r5, #1
    bcc 4f
    vldmia r1!, {{s17}}
    vldmia r2!, {{s19}}
    add r5, #1
    b 6f
 4: beq 5f
 3: vldmia r1!, {{s16, s17}}
    vldmia r2!, {{s18, s19}}",
    two_by_eight!(s16 s18),
    "6:",
    two_by_eight!(s17 s19),
    "subs r5, #1
    bne 3b
 5: ldr r1, [r0, #32]
    add r1, r9, r1, lsl #2
    vstmia r9!, {{s0-s7}}
    vstmia r1, {{s8-s15}}
    add r10, r10, lr, lsl #5
    add r8, #32
    subs r12, #1
    bne 2b",
}

pass! {
    /// Two rows, column-major A and row-major B: the weight gradients, which may descend.
    transposed_pass:
    "ldr r5, [r0, #12]
 2: vldmia r10, {{s0-s7}}
    ldr r1, [r0, #40]
    add r1, r10, r1, lsl #2
    vldmia r1, {{s8-s15}}
    ldrd r2, r1, [r0]
    mov r3, r8
    lsrs r2, #1
    bcc 4f
    add r2, #1
    b 6f
 4: beq 5f
 3:",
    two_by_eight_transposed!(),
    "6:",
    two_by_eight_transposed!(),
    "subs r2, #1
    bne 3b
 5: ldr r1, [r0, #32]
    add r1, r9, r1, lsl #2
    ldrb r2, [r0, #44]
    cbz r2, 7f
    vldr s16, [r0, #48]
    vldmia r9, {{s24-s31}}
    vfms.f32 s24, s16, s0
    vfms.f32 s25, s16, s1
    vfms.f32 s26, s16, s2
    vfms.f32 s27, s16, s3
    vfms.f32 s28, s16, s4
    vfms.f32 s29, s16, s5
    vfms.f32 s30, s16, s6
    vfms.f32 s31, s16, s7
    vstmia r9!, {{s24-s31}}
    vldmia r1, {{s24-s31}}
    vfms.f32 s24, s16, s8
    vfms.f32 s25, s16, s9
    vfms.f32 s26, s16, s10
    vfms.f32 s27, s16, s11
    vfms.f32 s28, s16, s12
    vfms.f32 s29, s16, s13
    vfms.f32 s30, s16, s14
    vfms.f32 s31, s16, s15
    vstmia r1, {{s24-s31}}
    b 8f
 7: vstmia r9!, {{s0-s7}}
    vstmia r1, {{s8-s15}}
 8: add r10, r10, lr, lsl #5
    add r8, #32
    subs r12, #1
    bne 2b",
}

pass! {
    /// Two rows of A, and columns of B that stand one behind the other: r8, at the end of the fourth, is where the fifth starts.
    columns_pass:
    "2: vldmia r10, {{s0-s3}}
    ldr r5, [r0, #40]
    add r5, r10, r5, lsl #2
    vldmia r5, {{s4-s7}}
    ldrd r1, r2, [r0, #4]
    add r2, r1, r2, lsl #2
    add r10, r10, lr, lsl #4
    ldr lr, [r0]
    mov r3, r8
    add r4, r3, lr, lsl #2
    add r5, r4, lr, lsl #2
    add r8, r5, lr, lsl #2
    lsrs lr, lr, #2
    beq 4f
 3: vldmia r1!, {{s8-s11}}
    vldmia r2!, {{s12-s15}}
    vldmia r3!, {{s16-s19}}
    vldmia r4!, {{s20-s23}}
    vldmia r5!, {{s24-s27}}
    vldmia r8!, {{s28-s31}}",
    chains!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
    chains!(s4 s5 s6 s7 += s12 * s16 s20 s24 s28),
    chains!(s0 s1 s2 s3 += s9 * s17 s21 s25 s29),
    chains!(s4 s5 s6 s7 += s13 * s17 s21 s25 s29),
    chains!(s0 s1 s2 s3 += s10 * s18 s22 s26 s30),
    chains!(s4 s5 s6 s7 += s14 * s18 s22 s26 s30),
    chains!(s0 s1 s2 s3 += s11 * s19 s23 s27 s31),
    chains!(s4 s5 s6 s7 += s15 * s19 s23 s27 s31),
    "subs lr, #1
    bne 3b
 4: ldr lr, [r0]
    ands lr, #3
    beq 5f
 8: vldmia r1!, {{s8}}
    vldmia r2!, {{s12}}
    vldmia r3!, {{s16}}
    vldmia r4!, {{s20}}
    vldmia r5!, {{s24}}
    vldmia r8!, {{s28}}",
    chains!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
    chains!(s4 s5 s6 s7 += s12 * s16 s20 s24 s28),
    "subs lr, #1
    bne 8b
 5: ldr lr, [r0, #32]
    add lr, r9, lr, lsl #2
    vstmia r9!, {{s0-s3}}
    vstmia lr, {{s4-s7}}
    ldr lr, [r0, #52]
    subs r12, #1
    bne 2b",
}

pass! {
    /// One row of A, and columns of B as in `columns_pass`.
    column_pass:
    "2: vldmia r10, {{s0-s3}}
    ldrd r2, r1, [r0]
    mov r3, r8
    add r4, r3, r2, lsl #2
    add r5, r4, r2, lsl #2
    add r8, r5, r2, lsl #2
    lsrs r2, r2, #2
    beq 4f
 3: vldmia r1!, {{s8-s11}}
    vldmia r3!, {{s16-s19}}
    vldmia r4!, {{s20-s23}}
    vldmia r5!, {{s24-s27}}
    vldmia r8!, {{s28-s31}}",
    chains!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
    chains!(s0 s1 s2 s3 += s9 * s17 s21 s25 s29),
    chains!(s0 s1 s2 s3 += s10 * s18 s22 s26 s30),
    chains!(s0 s1 s2 s3 += s11 * s19 s23 s27 s31),
    "subs r2, #1
    bne 3b
 4: ldr r2, [r0]
    ands r2, #3
    beq 5f
 8: vldmia r1!, {{s8}}
    vldmia r3!, {{s16}}
    vldmia r4!, {{s20}}
    vldmia r5!, {{s24}}
    vldmia r8!, {{s28}}",
    chains!(s0 s1 s2 s3 += s8 * s16 s20 s24 s28),
    "subs r2, #1
    bne 8b
 5: vstmia r9!, {{s0-s3}}
    add r10, r10, lr, lsl #4
    subs r12, #1
    bne 2b",
}

pass! {
    /// A row of ones times row-major B: fma(1, b, sum) is sum + b. It may descend.
    sums_pass:
    "lsl r4, #2
 2: vldmia r10, {{s0-s7}}
    ldr r5, [r0]
    mov r3, r8
    cbz r5, 5f
 3: vldmia r3, {{s8-s15}}
    add r3, r4
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s9
    vadd.f32 s2, s2, s10
    vadd.f32 s3, s3, s11
    vadd.f32 s4, s4, s12
    vadd.f32 s5, s5, s13
    vadd.f32 s6, s6, s14
    vadd.f32 s7, s7, s15
    subs r5, #1
    bne 3b
 5: ldrb r2, [r0, #44]
    cbz r2, 7f
    vldr s16, [r0, #48]
    vldmia r9, {{s8-s15}}
    vfms.f32 s8, s16, s0
    vfms.f32 s9, s16, s1
    vfms.f32 s10, s16, s2
    vfms.f32 s11, s16, s3
    vfms.f32 s12, s16, s4
    vfms.f32 s13, s16, s5
    vfms.f32 s14, s16, s6
    vfms.f32 s15, s16, s7
    vstmia r9!, {{s8-s15}}
    b 8f
 7: vstmia r9!, {{s0-s7}}
 8: add r10, r10, lr, lsl #5
    add r8, #32
    subs r12, #1
    bne 2b",
}
