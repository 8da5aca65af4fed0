//! ln, sqrt, sin and cos of one number: used once per row or during initialisation, so written for scalars.
//!
//! Coefficients by `tests/data/generate/coefficients.py`; error bounds in `tests/bits/math.rs` and below.

use super::exp::{LN2_HI, LN2_LO};
use crate::simd::{Kernel, Simd};

/// (ln((1 + s) / (1 - s)) - 2 s) / s³ as a polynomial in s².
const L: [f32; 3] = [f32::from_bits(0x3f2a_aabd), f32::from_bits(0x3ecc_af6a), f32::from_bits(0x3e98_f06d)];
/// sin(w pi / 2) / w and cos(w pi / 2) as polynomials in w², |w| <= 1/2.
const SIN: [f32; 4] = [
    f32::from_bits(0x3fc9_0fdb),
    f32::from_bits(0xbf25_5ddd),
    f32::from_bits(0x3da3_2f49),
    f32::from_bits(0xbb96_c981),
];
const COS: [f32; 5] = [
    f32::from_bits(0x3f80_0000),
    f32::from_bits(0xbf9d_e9e6),
    f32::from_bits(0x3e81_e0ed),
    f32::from_bits(0xbcaa_e275),
    f32::from_bits(0x3a6c_cfaa),
];

/// c0 + c1 z + c2 z² + ...
#[inline(always)]
fn polynomial<S: Simd>(s: S, coefficients: &[f32], z: f32) -> f32 {
    coefficients.iter().rev().fold(0.0, |sum, &c| s.fma_one(sum, z, c))
}

/// The natural logarithm, below 0.9 ulp: -inf for 0, NaN for negative numbers.
///
/// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt 2; with s = f / (2 + f), ln(1 + f) = f - s (f - R), where
/// R = s² (2/3 + 2/5 s² + ...) (the scheme of FreeBSD's e_logf.c).
pub(crate) fn ln<S: Simd>(s: S, x: f32) -> f32 {
    if x == f32::INFINITY {
        return x;
    }
    if x <= 0.0 {
        return if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    }
    let (x, shift) = if x < f32::MIN_POSITIVE { (x * 16_777_216.0, -24) } else { (x, 0) };
    s.run(Ln { x, shift })
}

/// [`ln`] of a number that is normal, finite and above zero, or NaN: a sum of exponentials whose largest is 1.
pub(crate) fn ln_of_sum<S: Simd>(s: S, x: f32) -> f32 {
    s.run(Ln { x, shift: 0 })
}

/// ln(2^shift x) for normal x. A kernel, so that it is compiled once and yet for the instruction set.
struct Ln {
    x: f32,
    shift: i32,
}

impl Kernel for Ln {
    type Output = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let Self { x, shift } = self;
        if x.is_nan() {
            return x;
        }
        // subtracting the bits of sqrt(1/2) moves its binade boundary to a power of two
        const SQRT_HALF: u32 = 0x3f35_04f3;
        let from_sqrt_half = x.to_bits().wrapping_sub(SQRT_HALF);
        let k = ((from_sqrt_half as i32) >> 23) + shift;
        let f = f32::from_bits((from_sqrt_half & 0x007f_ffff) + SQRT_HALF) - 1.0;
        let q = f / (2.0 + f);
        let z = q * q;
        let series = z * polynomial(s, &L, z);
        let half_square = 0.5 * f * f;
        let k = k as f32;
        // k LN2_HI is exact; the small terms are gathered first
        let small = s.fma_one(q, half_square + series, k * LN2_LO);
        s.fma_one(k, LN2_HI, f - (half_square - small))
    }
}

/// The square root, correctly rounded: NaN below 0.
///
/// Newton steps for 1 / sqrt x from a bit-level guess, then one corrected step for the root itself (Markstein,
/// Computation of elementary functions on the IBM RISC System/6000 processor, IBM J. Res. Dev. 34(1), 1990).
#[inline(always)]
pub(crate) fn sqrt<S: Simd>(s: S, x: f32) -> f32 {
    if x == 0.0 || x.is_nan() || x == f32::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f32::NAN;
    }
    // Scaling by even powers of two keeps every intermediate normal; the root itself is never subnormal.
    let (x, unscale) = if x < 1.0e-18 { (x * 18_446_744_073_709_551_616.0, 1.0 / 4_294_967_296.0) } else { (x, 1.0) };
    let mut y = f32::from_bits(0x5f37_59df_u32.wrapping_sub(x.to_bits() >> 1));
    let half = 0.5 * x;
    for _ in 0..3 {
        // y (3/2 - x y² / 2)
        let error = s.fma_one(-(half * y), y, 0.5);
        y = s.fma_one(y, error, y);
    }
    let root = x * y;
    let half_y = 0.5 * y;
    let root = s.fma_one(s.fma_one(-root, root, x), half_y, root);
    s.fma_one(s.fma_one(-root, root, x), half_y, root) * unscale
}

/// sin and cos of `turns` full circles, turns in [0, 1), each below 1.4 ulp of 1.
#[inline(always)]
pub(crate) fn sin_cos<S: Simd>(s: S, turns: f32) -> (f32, f32) {
    // quarter circles: 4 turns = quadrant + w with |w| <= 1/2, both exact
    let quarters = 4.0 * turns;
    let quadrant = (quarters + 0.5) as u32;
    let w = quarters - quadrant as f32;
    let z = w * w;
    let (sin, cos) = (w * polynomial(s, &SIN, z), polynomial(s, &COS, z));
    match quadrant % 4 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

#[cfg(test)]
mod tests;
