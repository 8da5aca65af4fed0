//! Powers of two of integers, in integers of 32 bits.

/// The minimax polynomial t(f) of degree 3 with 2^f = 1 + f t(f) for f from 0 to 1, in 2^-16; t(1) = 1. By least
/// squares in relative error over Chebyshev's nodes, then the neighbour that is best as computed here: 1.35e-5.
pub(super) const C: [u32; 4] = [45_419, 15_820, 3_410, 888];

/// 2^(30 - d / 2^14), rounded down, within 1.35e-5 of it and one unit: 2^30 for 0, 0 from 31 * 2^14 on. Never rises.
#[inline(always)]
pub(crate) fn power(d: u32) -> u32 {
    power_of_fine(if d < 31 << 14 { d << 2 } else { 31 << 16 })
}

/// 2^(30 - d / 2^16) for d up to 31 * 2^16.
#[inline(always)]
pub(crate) fn power_of_fine(d: u32) -> u32 {
    // d / 2^16 = n - f
    let (n, f) = ((d + 0xffff) >> 16, d.wrapping_neg() & 0xffff);
    let [c1, c2, c3, c4] = C;
    let step = |sum: u32, c: u32| c + ((sum * f) >> 16);
    let t = step(step(step(c4, c3), c2), c1);
    // no shift goes beyond 31
    ((1 << 30) + ((t * f) >> 2)) >> (n & 31)
}

/// 2^(30 - (max - x) / 2^14) in place of each x, as [`power`], and the sum. None is above `max`.
#[inline(always)]
pub(crate) fn exponentials(x: &mut [i32], max: i32) -> u64 {
    exponentials_of(x, max, |d| d)
}

/// As [`exponentials`], of what `sharpened` makes of the distances from `max`.
#[inline(always)]
pub(crate) fn exponentials_of(x: &mut [i32], max: i32, sharpened: impl Fn(u32) -> u32) -> u64 {
    let mut sum = 0_u64;
    for x in x {
        // as far apart as two i32 can be is a u32
        let e = power(sharpened(max.wrapping_sub(*x) as u32));
        sum = sum.wrapping_add(u64::from(e));
        *x = e as i32;
    }
    sum
}
