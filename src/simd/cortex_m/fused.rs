//! What passes over products have in common: text for `asm!`, and what they call.

use core::arch::naked_asm;

/// c += x * b or c -= x * b, rounded once, for pairs of c and b.
macro_rules! fused {
    ($($c:ident)* += $x:ident * $($b:ident)*) => {
        concat!($("vfma.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
    ($($c:ident)* -= $x:ident * $($b:ident)*) => {
        concat!($("vfms.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
}
/// At an edge: r1 bytes of C before r3 become the sums before r5, or where the product of r0 descends, C minus rate
/// times those sums. Both pointers go back; r1, r2 and s0 to s2 are overwritten.
///
/// # Safety
/// Only the assembly of the passes may call it: what it gets and overwrites is no calling convention.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn store_back() {
    naked_asm!(
        // without this, assembly outside of functions has no FPU
        ".fpu fpv4-sp-d16
        ldr r2, [r0, #60]
        vldr s2, [r0, #56]
     2: vldmdb r5!, {{s1}}
        vldmdb r3!, {{s0}}
        cmp r2, #0
        ite eq
        vmoveq.f32 s0, s1
        vfmsne.f32 s0, s1, s2
        vstr s0, [r3]
        subs r1, #4
        bne 2b
        bx lr"
    );
}

pub(super) use fused;
