//! Fused multiply-adds of registers by name, as text for `asm!`.

/// c += x * b or c -= x * b, rounded once, for pairs of c and b.
macro_rules! fused {
    ($($c:ident)* += $x:ident * $($b:ident)*) => {
        concat!($("vfma.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
    ($($c:ident)* -= $x:ident * $($b:ident)*) => {
        concat!($("vfms.f32 ", stringify!($c), ", ", stringify!($x), ", ", stringify!($b), "\n"),*)
    };
}
pub(super) use fused;
