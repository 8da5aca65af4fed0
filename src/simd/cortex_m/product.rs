//! Matrix products on a Cortex-M with FPU: which pass computes what. The passes are assembly that stable Rust accepts.
//!
//! The idea: the accumulators of a block of C stay in s-registers over all of k, and the elements of A and B come in by
//! `vldmia`, several at once, so that little but `vfma.f32` remains. In cycles of a Cortex-M4, of which a fused
//! multiply-add takes 3:
//!
//! | pass | block | registers: accumulators, A, B | cycles per fused multiply-add in the loop |
//! |---|---|---|---|
//! | `tiles`, A by columns, B row-major | 4 x 4 | 16, 4, 4 | 3.88 |
//! | `tiles`, A row-major, B by columns | 4 x 4 | 16, 4 x 2, 4 x 2 | 3.88 |
//! | `tiles`, A and B row-major, with `--cfg=rnnlm_speed` | 4 x 4 | 16, 4 x 2, 2 x 4 | 3.81 |
//! | `row`, B row-major | 1 x 16, then 1 x 4 | 16, 4, 8; 4, 4, 4 | 4.33; 5.06 |
//! | `row`, B by columns | 1 x 4 | 4, 4, 4 x 4 | 4.81 |
//!
//! Of one to three columns that remain the block begins further left, in what is done. Where C was read, as a start or
//! to descend, only what is new is stored; elsewhere all is, which has the bits that are there. Where there are fewer
//! than four columns at all each element is a chain of its own. One to three rows that remain are rows of their own.

use core::{arch::asm, mem::offset_of};

use super::{CortexM, ZEROS, row, tiles};
use crate::simd::{Operands, Simd};

// The offsets that the passes know.
const _: () = {
    assert!(offset_of!(Operands, b) == 0 && offset_of!(Operands, c) == 4 && offset_of!(Operands, start) == 8);
    assert!(offset_of!(Operands, n) == 12 && offset_of!(Operands, k) == 16 && offset_of!(Operands, a) == 20);
    assert!(offset_of!(Operands, a_row) == 24 && offset_of!(Operands, a_col) == 28);
    assert!(offset_of!(Operands, b_row) == 32 && offset_of!(Operands, b_col) == 36);
    assert!(offset_of!(Operands, start_col) == 40 && offset_of!(Operands, c_row) == 44);
    assert!(offset_of!(Operands, start_row) == 48 && offset_of!(Operands, rate) == 56);
    assert!(offset_of!(Operands, descends) == 60);
};

/// The product of a single row and row-major B.
///
/// # Safety
/// As [`Products::gemv`](crate::simd::Products::gemv).
#[inline(always)]
pub(super) unsafe fn gemv(o: &mut Operands) {
    start_at_zeros(o);
    // SAFETY: by the caller.
    unsafe { if o.n < 4 { chains(o) } else { row::row(o) } }
}

/// The product.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product).
#[inline(always)]
pub(super) unsafe fn product(o: &mut Operands) {
    start_at_zeros(o);
    // of A and B one may be transposed, not both; for row-major ones there is a tile where flash is not short
    let fits = if o.b_col == 1 {
        o.a_row == 1 && o.start_col == 0 && o.k > 0
            || cfg!(rnnlm_speed) && o.a_row != 1 && o.a_col == 1 && o.descends == 0
    } else {
        o.descends == 0
    };
    while o.m > 0 {
        // SAFETY: by the caller; what each pass needs is checked here.
        let rows = unsafe {
            if o.n < 4 {
                chains(o);
                1
            } else if fits && o.m >= 4 {
                tiles::tiles(o);
                4
            } else {
                row::row(o);
                1
            }
        };
        o.m -= rows;
        (o.a, o.c) = (o.a.wrapping_add(rows * o.a_row), o.c.wrapping_add(rows * o.c_row));
        o.start = o.start.wrapping_add(rows * o.start_row);
    }
}

/// Chains that start nowhere start at zeros.
#[inline(always)]
fn start_at_zeros(o: &mut Operands) {
    if o.start.is_null() {
        (o.start, o.start_col) = (ZEROS.as_ptr(), 0);
    }
}

/// The first row, one element after the other.
///
/// # Safety
/// As [`Products::product`](crate::simd::Products::product), and there is a row.
#[inline(never)]
unsafe fn chains(o: &mut Operands) {
    for j in 0..o.n {
        let (start, c) = (o.start.wrapping_add(j * o.start_col), o.c.wrapping_add(j));
        // SAFETY: by the caller there is column j.
        unsafe {
            let sum = chain(o, 0, j, *start);
            *c = if o.descends != 0 { CortexM.nfma(o.rate, sum, *c) } else { sum };
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
