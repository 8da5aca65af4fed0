//! The logistic function of whole slices, sigmoid x = 1 / (1 + e^-x): the gates of the LSTM.
//!
//! With a = e^-|x|, which is at most 1, the smaller half of it is E = a / (1 + a), and the larger one is 1 - E:
//!
//! ```text
//! sigmoid x = E for x < 0      sigmoid x = 1 - E for x >= 0
//! ```
//!
//! Nothing overflows, and no lane takes another way than its neighbour. a comes in two parts from the reduction of
//! `exp.rs`, 2^n (hi + lo); the one division, 1 / (1 + a), is corrected by its residual. So E is almost as exact as its
//! rounding, and 1 - E adds less than half an ulp. Over every float32 at most 0.7944 ulp from the exact value, and
//! monotone: `tests/bits/math.rs`.

use super::exp::{CONSTANTS, nearest_power, reduce};
use crate::simd::{Functions, Kernel, ROUND, Simd};

/// 0 from -104 down, 1 for large x, NaN for NaN.
#[inline(always)]
pub(crate) fn sigmoid_lanes<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    // -|x|, and not where e^x is 0; NaN passes through the clamp
    let y = s.max(s.splat(-104.0), s.with_sign_of(x, s.splat(-1.0)));
    let shifted = nearest_power(s, y);
    let n = s.sub(shifted, s.splat(ROUND));
    let (r1, m) = reduce(s, y, n);
    // e^r = 1 + r1 + m = hi + lo (twice Fast2Sum: 1 >= |r1|)
    let head = s.add(one, r1);
    let lost = s.sub(r1, s.sub(head, one));
    let tail = s.add(lost, m);
    let hi = s.add(head, tail);
    let lo = s.sub(tail, s.sub(hi, head));
    // 1 + a = d + d_lo; below 2^-100 a doesn't matter to it
    let power = s.scale_normal(one, s.max(s.splat(ROUND - 100.0), shifted));
    let a = s.mul(power, hi);
    let d = s.add(one, a);
    let d_lo = s.fma(power, lo, s.sub(a, s.sub(d, one)));
    // 1 / (1 + a) = quotient + correction
    let quotient = s.div(one, d);
    let residual = s.nfma(quotient, d_lo, s.nfma(quotient, d, one));
    let correction = s.mul(residual, quotient);
    let scaled = s.fma(hi, quotient, s.fma(hi, correction, s.mul(lo, quotient)));
    let smaller = s.scale(scaled, n);
    // 1 - E or 0 + E
    let half = s.splat(0.5);
    let start = s.add(half, s.with_sign_of(half, x));
    s.nfma(s.with_sign_of(one, x), smaller, start)
}

/// x = sigmoid x in place.
pub(crate) struct Sigmoid<'a>(pub &'a mut [f32]);

impl Kernel for Sigmoid<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let all = |x: &mut [f32]| {
            for lanes in x.chunks_mut(S::LANES) {
                s.store(lanes, sigmoid_lanes(s, s.load(lanes)));
            }
        };
        match s.functions() {
            Some(functions) => functions.sigmoid(self.0, CONSTANTS, all),
            None => all(self.0),
        }
    }
}
