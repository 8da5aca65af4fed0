//! exp and tanh of whole slices: one reduction and one polynomial for both.
//!
//! Reduction: x = n ln 2 + r with n = rint(x / ln 2) and |r| <= ln 2 / 2, so e^x = 2^n e^r. ln 2 is split into HI,
//! whose product with n leaves x - n HI exact, and LO; `r1 = x - n HI` is exact and `r = r1 - n LO` is rounded, but
//! only the polynomial sees r. The part that the rounding lost is put back through the tail:
//!
//! ```text
//! e^r - 1 = r1 + m      m = r² q(r) - n LO      q(r) = (e^r - 1 - r) / r²
//! ```
//!
//! q has degree 4 and float32 coefficients from a minimax fit of e^r - 1, in relative error, by
//! `tests/data/generate/coefficients.py`. Largest errors over every float32 against the exact value, in ulp of the
//! result: exp 0.78, tanh 0.90. Both are monotone. `tests/bits/math.rs` holds the sweeps.

use crate::simd::{ExpConstants, Functions, Kernel, ROUND, Simd};

const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
pub(super) const LN2_HI: f32 = f32::from_bits(0x3f31_7200);
pub(super) const LN2_LO: f32 = f32::from_bits(0x35bf_be8e);
/// q(r) = Q0 + Q1 r + ... + Q4 r^4.
const Q0: f32 = f32::from_bits(0x3f00_0000);
const Q1: f32 = f32::from_bits(0x3e2a_aa5c);
const Q2: f32 = f32::from_bits(0x3d2a_aade);
const Q3: f32 = f32::from_bits(0x3c09_116d);
const Q4: f32 = f32::from_bits(0x3ab6_2982);

/// The constants of these functions, and of sigmoid, for passes in assembly.
pub(super) const CONSTANTS: &ExpConstants = &ExpConstants {
    round_pair: [ROUND; 2],
    q3_pair: [Q3; 2],
    q2_pair: [Q2; 2],
    q1_pair: [Q1; 2],
    q0_pair: [Q0; 2],
    log2_e: LOG2_E,
    round: ROUND,
    ln2_hi: LN2_HI,
    minus_ln2_lo: -LN2_LO,
    q4: Q4,
    one: 1.0,
    two: 2.0,
    half: 0.5,
    tanh_end: TANH_END,
    round_minus_24: ROUND - 24.0,
    far: FAR,
};

/// r1 and m of the head of this file, for integral n.
#[inline(always)]
pub(super) fn reduce<S: Simd>(s: S, x: S::F, n: S::F) -> (S::F, S::F) {
    let r1 = s.nfma(n, s.splat(LN2_HI), x);
    let n_lo = s.mul(n, s.splat(-LN2_LO));
    let r = s.add(r1, n_lo);
    let q = s.fma(s.splat(Q4), r, s.splat(Q3));
    let q = s.fma(q, r, s.splat(Q2));
    let q = s.fma(q, r, s.splat(Q1));
    let q = s.fma(q, r, s.splat(Q0));
    (r1, s.fma(s.mul(r, r), q, n_lo))
}

/// x / ln 2 to the nearest integer n, as n + ROUND.
#[inline(always)]
pub(super) fn nearest_power<S: Simd>(s: S, x: S::F) -> S::F {
    s.fma(x, s.splat(LOG2_E), s.splat(ROUND))
}

/// e^r, for integral n.
#[inline(always)]
fn significand<S: Simd>(s: S, x: S::F, n: S::F) -> S::F {
    let (r1, m) = reduce(s, x, n);
    // 1 + r1 + m, with the rounding error of 1 + r1 kept (Fast2Sum: 1 >= |r1|)
    let one = s.splat(1.0);
    let head = s.add(one, r1);
    let lost = s.sub(r1, s.sub(head, one));
    s.add(head, s.add(lost, m))
}

/// e^x: 0 below -104, infinity above 88.73, NaN for NaN.
#[inline(always)]
pub(crate) fn exp_lanes<S: Simd>(s: S, x: S::F) -> S::F {
    // e^89 overflows and e^-104 underflows, so the clamp changes no result; NaN passes through it.
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let n = s.sub(nearest_power(s, x), s.splat(ROUND));
    s.scale(significand(s, x, n), n)
}

/// A number whose nearest power is -81: this and all below are too far from 0 for [`exp_or_zero`].
const FAR: f32 = -56.0;

/// The exponential of the softmax: [`exp_lanes`] for x not above 0, but 0 where the nearest power of two is below
/// 2^-80, which is x below -55.8. NaN for NaN.
///
/// A number so far below 2^-64 of the largest, 1, matters to no sum and no weight. And there is room down to the least
/// normal number, 2^-126, so what is made of it stays normal: the probability and the gradient, which are a thousandth
/// or a millionth of it, and the product of that gradient with a small activation. An operation on a subnormal number
/// takes some processors more than a hundred cycles.
#[inline(always)]
pub(super) fn exp_or_zero<S: Simd>(s: S, x: S::F) -> S::F {
    // NaN passes through the clamp
    let x = s.max(s.splat(FAR), x);
    let shifted = nearest_power(s, x);
    let n = s.sub(shifted, s.splat(ROUND));
    // 2^n / 2^46 is the least normal number for n = -80; for -81 all its bits are zero, and so are those of the product
    let power = s.scale_normal(s.splat(1.0 / TWO_46), shifted);
    s.mul(s.mul(significand(s, x, n), s.splat(TWO_46)), power)
}

/// 2^46.
const TWO_46: f32 = 70_368_744_177_664.0;

/// tanh of it and of all above rounds to 1.
const TANH_END: f32 = 9.02;

/// tanh x = sign(x) F / (2 - F) with F = 1 - e^(-2|x|), so that nothing overflows and 1 / (2 - F) = (1 + tanh) / 2
/// comes for free: one division and one correction give the quotient of the two-part numbers almost exactly.
#[inline(always)]
pub(crate) fn tanh_lanes<S: Simd>(s: S, x: S::F) -> S::F {
    let abs_x = s.abs(x);
    // NaN passes through the clamp.
    let y = s.mul(s.min(s.splat(TANH_END), abs_x), s.splat(-2.0));
    // No less than 2^-24, so that 1 - 2^n is exact: from 8.3 on n stays -24, and the larger |r| is multiplied by 2^-24.
    let shifted = s.fma(s.min(s.splat(8.3), abs_x), s.splat(-2.0 * LOG2_E), s.splat(ROUND));
    let n = s.sub(shifted, s.splat(ROUND));
    let (r1, m) = reduce(s, y, n);
    let power = s.scale_normal(s.splat(1.0), shifted);
    // F = (1 - 2^n) - 2^n r1 - 2^n m = f + f_lo
    let (one, two) = (s.splat(1.0), s.splat(2.0));
    let start = s.sub(one, power);
    let head = s.nfma(power, r1, start);
    let lost = s.nfma(power, r1, s.sub(start, head));
    let tail = s.nfma(power, m, lost);
    let f = s.add(head, tail);
    let f_lo = s.sub(tail, s.sub(f, head));
    // 2 - F = d + d_lo - f_lo
    let d = s.sub(two, f);
    let d_lo = s.sub(s.sub(two, d), f);
    let quotient = s.div(f, d);
    // residual = f + f_lo - quotient (d + d_lo - f_lo), times 1 / d = (1 + quotient) / 2
    let one_plus = s.add(one, quotient);
    let residual = s.nfma(quotient, d, f);
    let residual = s.fma(f_lo, one_plus, residual);
    let residual = s.nfma(quotient, d_lo, residual);
    let magnitude = s.fma(residual, s.mul(one_plus, s.splat(0.5)), quotient);
    s.with_sign_of(magnitude, x)
}

/// x = e^x in place.
pub(crate) struct Exp<'a>(pub &'a mut [f32]);

impl Kernel for Exp<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        for lanes in self.0.chunks_mut(S::LANES) {
            s.store(lanes, exp_lanes(s, s.load(lanes)));
        }
    }
}

/// x = tanh x in place.
pub(crate) struct Tanh<'a>(pub &'a mut [f32]);

impl Kernel for Tanh<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        if let Some(functions) = s.functions() {
            return functions.tanh(self.0, CONSTANTS);
        }
        for lanes in self.0.chunks_mut(S::LANES) {
            s.store(lanes, tanh_lanes(s, s.load(lanes)));
        }
    }
}
