//! Integers times f32 without floating point in hardware: the bits of `as f32`, `*`, `+` and `as i32`, one after the
//! other, with no number packed and unpacked between them.

use super::fma::integers::{COUNTS_ZEROS, MULTIPLIES_LONG, far_right, leading_zeros, product, round};
use crate::simd::int8;

/// mantissa 2^exponent, of either sign: a number that an f32 can be but for its exponent.
#[derive(Clone, Copy)]
struct Number {
    is_negative: bool,
    exponent: i32,
    /// 24 bits with the leading one at bit 31; 0 for zero.
    mantissa: u32,
}

/// Below the exponents of all that is not zero.
const ZERO: Number = Number { is_negative: false, exponent: -1000, mantissa: 0 };

impl Number {
    /// The nearest to mantissa 2^exponent, where the leading one is at bit 31.
    #[inline(always)]
    fn rounded(is_negative: bool, exponent: i32, mantissa: u32) -> Self {
        match round(mantissa) << 8 {
            // it carried
            0 => Self { is_negative, exponent: exponent + 1, mantissa: 1 << 31 },
            mantissa => Self { is_negative, exponent, mantissa },
        }
    }

    /// `x as f32`
    #[inline(always)]
    fn nearest(x: i32) -> Self {
        let magnitude = x.unsigned_abs();
        if magnitude == 0 {
            return ZERO;
        }
        let zeros = leading_zeros::<COUNTS_ZEROS>(magnitude);
        Self::rounded(x < 0, -(zeros as i32), magnitude << zeros)
    }

    /// A factor above zero that is so far from the ends of f32 that a product of two and an integer is too, or leaves
    /// an i32 all the same.
    #[inline(always)]
    fn ordinary(factor: f32) -> Option<Self> {
        let bits = factor.to_bits();
        let exponent = (bits >> 23) as i32;
        (64..190).contains(&exponent).then_some(Self {
            is_negative: false,
            exponent: exponent - (127 + 31),
            mantissa: bits << 8 | 1 << 31,
        })
    }

    /// `self * factor`
    #[inline(always)]
    fn times(self, factor: Self) -> Self {
        if self.mantissa == 0 {
            return ZERO;
        }
        // halved, the leading one at bit 29 or 30
        let (high, low) = product::<MULTIPLIES_LONG>(self.mantissa, factor.mantissa);
        let exponent = self.exponent + factor.exponent;
        let (exponent, mantissa, left) = if high >= 1 << 30 {
            (exponent + 32, high << 1 | low >> 31, low << 1)
        } else {
            (exponent + 31, high << 2 | low >> 30, low << 2)
        };
        Self::rounded(self.is_negative, exponent, mantissa | u32::from(left != 0))
    }

    /// `self + other`
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let (larger, smaller) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let distance = (larger.exponent - smaller.exponent) as u32;
        let (a, b) = (larger.mantissa >> 1, far_right(smaller.mantissa >> 1, 0, distance));
        let (sum, is_negative) = if larger.is_negative == smaller.is_negative {
            (a + b, larger.is_negative)
        } else if a >= b {
            (a - b, larger.is_negative)
        } else {
            (b - a, smaller.is_negative)
        };
        if sum == 0 {
            return ZERO;
        }
        let zeros = leading_zeros::<COUNTS_ZEROS>(sum);
        Self::rounded(is_negative, larger.exponent + 1 - zeros as i32, sum << zeros)
    }

    /// `self as i32`
    #[inline(always)]
    fn truncated(self) -> i32 {
        if self.exponent >= 0 {
            return if self.is_negative { i32::MIN } else { i32::MAX };
        }
        let magnitude = self.mantissa.checked_shr(self.exponent.unsigned_abs()).unwrap_or(0) as i32;
        if self.is_negative { -magnitude } else { magnitude }
    }
}

/// [`int8::scaled`]
#[inline(never)]
pub(super) fn scaled(sum: i32, factor: f32) -> i32 {
    match Number::ordinary(factor) {
        Some(factor) => Number::nearest(sum).times(factor).truncated(),
        None => int8::scaled(sum, factor),
    }
}

/// [`int8::scaled_sums`]
#[inline(never)]
pub(super) fn scaled_sums([x, h]: [i32; 2], [x_scale, factor, h_scale]: [f32; 3]) -> i32 {
    let factors = (Number::ordinary(x_scale), Number::ordinary(factor), Number::ordinary(h_scale));
    let (Some(of_x), Some(factor), Some(of_h)) = factors else {
        return int8::scaled_sums([x, h], [x_scale, factor, h_scale]);
    };
    let of_x = Number::nearest(x).times(of_x.times(factor));
    of_x.plus(Number::nearest(h).times(of_h)).truncated()
}

/// [`int8::share`]
#[inline(never)]
pub(super) fn share(part: i32, share: f32) -> f32 {
    match Number::ordinary(share) {
        Some(factor) if part > 0 => {
            let Number { exponent, mantissa, .. } = Number::nearest(part).times(factor);
            // the leading one adds 1 to the exponent
            f32::from_bits((((exponent + 31 + 126) as u32) << 23).wrapping_add(mantissa >> 8))
        }
        _ => int8::share(part, share),
    }
}

#[cfg(test)]
mod tests;
