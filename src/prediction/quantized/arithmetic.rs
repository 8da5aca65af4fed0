//! Powers of two, tanh and the scaling of sums, on integers of 32 bits.

/// What stands for tanh = 1: 2^14 log2 e, rounded. Its high byte is an i8 even where the low one is signed.
pub(crate) const ONE: i32 = 23_637;
/// The same not rounded: the units of a row's sums in 1, where the row's scale is 1.
pub(crate) const UNITS: f32 = 23_637.115;
/// ln 2 / 2^14: what a unit of a logit is in nats.
pub(super) const NATS: f32 = 4.230_634_7e-5;

/// The minimax polynomial t(f) of degree 3 with 2^f = 1 + f t(f) for f from 0 to 1, in 2^-16; t(1) = 1. By least
/// squares in relative error over Chebyshev's nodes, then the neighbour that is best as computed here: 1.35e-5.
const C: [u32; 4] = [45_419, 15_820, 3_410, 888];

/// 2^(30 - d / 2^14), rounded down, within 1.35e-5 of it and one unit: 2^30 for 0, 0 from 31 * 2^14 on. Never rises.
#[inline(always)]
pub(super) fn power(d: u32) -> u32 {
    power_of_fine(if d < 31 << 14 { d << 2 } else { 31 << 16 })
}

/// 2^(30 - d / 2^16) for d up to 31 * 2^16.
#[inline(always)]
fn power_of_fine(d: u32) -> u32 {
    // d / 2^16 = n - f
    let (n, f) = ((d + 0xffff) >> 16, d.wrapping_neg() & 0xffff);
    let [c1, c2, c3, c4] = C;
    let step = |sum: u32, c: u32| c + ((sum * f) >> 16);
    let t = step(step(step(c4, c3), c2), c1);
    // no shift goes beyond 31
    ((1 << 30) + ((t * f) >> 2)) >> (n & 31)
}

/// [`ONE`] tanh z for z in units of 1 / [`UNITS`]: within 1 of it. Odd.
#[inline(always)]
pub(super) fn tanh(z: i32) -> i32 {
    // (1 - e^-2|z|) / (1 + e^-2|z|)
    let z_abs = z.unsigned_abs();
    let e = power_of_fine(if z_abs < 31 << 13 { z_abs << 3 } else { 31 << 16 });
    let (dividend, divisor) = (((1 << 30) - e) >> 14, ((1 << 30) + e) >> 14);
    // the divisor is 2^16 at least
    let quotient = (dividend * ONE as u32 + divisor / 2).checked_div(divisor).unwrap_or(0) as i32;
    if z < 0 { -quotient } else { quotient }
}

/// A sum times a factor, towards zero; what is too large is the largest, and 0 stands for no number.
#[inline(always)]
pub(super) fn scaled(sum: i32, factor: f32) -> i32 {
    (sum as f32 * factor) as i32
}

#[cfg(test)]
mod tests;
