//! Units, tanh and sigmoid on integers of 32 bits.

use crate::simd::{
    PACKS,
    int8::powers::{power, power_of_fine},
};

/// What stands for tanh = 1: 2^14 log2 e, rounded. Its high byte is an i8 even where the low one is signed.
pub(crate) const ONE: i32 = 23_637;
/// The same not rounded: the units of a row's sums in 1, where the row's scale is 1.
pub(crate) const UNITS: f32 = 23_637.115;
/// ln 2 / 2^14: what a unit of a logit is in nats.
pub(super) const NATS: f32 = 4.230_634_7e-5;

/// [`ONE`] tanh z for z in units of 1 / [`UNITS`]: within 1 of it. Odd.
#[inline(always)]
pub(super) fn tanh(z: i32) -> i32 {
    // (1 - e^-2|z|) / (1 + e^-2|z|)
    let z_abs = z.unsigned_abs();
    let e = power_of_fine(if z_abs < 31 << 13 { z_abs << 3 } else { 31 << 16 });
    let (dividend, divisor) = (((1 << 30) - e) >> 14, ((1 << 30) + e) >> 14);
    let quotient = quotient(dividend * ONE as u32 + divisor / 2, divisor) as i32;
    if z < 0 { -quotient } else { quotient }
}

/// What stands for a gate that is open: sigmoid = 1.
pub(super) const OPEN: i32 = 1 << OPEN_BITS;
pub(super) const OPEN_BITS: u32 = 15;

/// [`OPEN`] sigmoid z for z in units of 1 / [`UNITS`]: within 1 of it, in fact 0.75. sigmoid -z is [`OPEN`] less
/// sigmoid z. 0 or [`OPEN`] where z lies beyond 11.1.
#[inline(always)]
pub(super) fn sigmoid(z: i32) -> i32 {
    // e^-|z| / (1 + e^-|z|), in 2^-16 each: at most a half
    let e = (power(z.unsigned_abs()) + (1 << 13)) >> 14;
    let divisor = (1 << 16) + e;
    let smaller = quotient((e << OPEN_BITS) + divisor / 2, divisor) as i32;
    if z < 0 { smaller } else { OPEN - smaller }
}

/// dividend / divisor, rounded down, for a divisor from 2^16 to 2^17 and a dividend below ONE + 1 divisors.
#[inline(always)]
fn quotient(dividend: u32, divisor: u32) -> u32 {
    /// Whether the processor divides in an instruction: all but the first Cortex-M, which have no 32-bit atomics
    /// either, and RISC-V without M.
    const DIVIDES: bool = cfg!(not(any(
        all(target_arch = "arm", not(target_has_atomic = "32")),
        all(any(target_arch = "riscv32", target_arch = "riscv64"), not(target_feature = "m")),
    )));
    if PACKS {
        quotient_of_doubles(dividend, divisor)
    } else if DIVIDES {
        dividend.checked_div(divisor).unwrap_or(0)
    } else {
        quotient_by_inverse(dividend, divisor)
    }
}

/// As [`quotient`], for vectors, whose integers no processor divides. Exact: what is no integer lies 2^-17 or more
/// from the next, and a double has 36 bits behind the point here.
#[inline(always)]
fn quotient_of_doubles(dividend: u32, divisor: u32) -> u32 {
    (f64::from(dividend) / f64::from(divisor)) as i32 as u32
}

/// As [`quotient`], without a division.
#[inline(always)]
fn quotient_by_inverse(dividend: u32, divisor: u32) -> u32 {
    // 2^32 / divisor: a line that is within a seventeenth of it, then two of Newton's steps, which end below it
    let mut inverse = (92_521 - ((30_840 * divisor) >> 16)) as i32;
    for shift in [16, 12] {
        // 2^32 - inverse divisor
        let left = inverse.wrapping_mul(divisor as i32).wrapping_neg();
        inverse += (inverse * (left >> shift)) >> (32 - shift);
    }
    let mut quotient = ((dividend >> 15) * inverse as u32) >> 17;
    let mut remainder = dividend.wrapping_sub(quotient * divisor);
    // a time or two
    while remainder >= divisor {
        (quotient, remainder) = (quotient + 1, remainder - divisor);
    }
    quotient
}

#[cfg(test)]
mod tests;
