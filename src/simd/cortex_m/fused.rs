//! What passes over products have in common, as text for `asm!`.

/// c += x * b or c -= x * b, rounded once, for pairs of c and b.
macro_rules! fused {
    ($($c:ident)* += $x:ident * $($b:ident)*) => {
        concat!($("vfma.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
    ($($c:ident)* -= $x:ident * $($b:ident)*) => {
        concat!($("vfms.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
}
/// At an edge: the element of C before r3 becomes the sum before r5, or where the register named here is not 0, C minus
/// s2 times that sum. Both pointers go back.
macro_rules! store_back {
    ($descends:ident) => {
        concat!(
            "vldmdb r5!, {{s1}}\n vldmdb r3!, {{s0}}\n cmp ",
            stringify!($descends),
            ", #0\n ite eq\n vmoveq.f32 s0, s1\n vfmsne.f32 s0, s1, s2\n vstr s0, [r3]"
        )
    };
}
pub(super) use {fused, store_back};
