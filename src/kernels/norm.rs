//! The length of a vector: the square root of the sum of its squares.
//!
//! The order of the sum: blocks of 4096 elements; within a block element i is squared and added to virtual lane i mod
//! 16 by one fused multiply-add, in ascending i, the lanes are folded by the tree of [`fold_lanes`], and the blocks'
//! sums are added in ascending order with what rounding loses.

use super::{
    elementwise::{MaxAbs, fold_lanes},
    scalar::sqrt,
    sum::Sum,
    workers::{BLOCK, Team, fold_by},
};
use crate::simd::{Kernel, Simd, VIRTUAL_LANES};

/// The Euclidean norm: NaN where an element is not finite, infinite only where the norm itself overflows.
pub(crate) struct Norm<'a, T>(pub T, pub &'a [f32]);

impl<T: Team> Kernel for Norm<'_, T> {
    type Output = f32;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let Self(team, x) = self;
        let largest = largest(team, s, x);
        if largest == 0.0 || !largest.is_finite() {
            return largest * 0.0;
        }
        // scaled by a power of two near the largest element, so that no square overflows and none that counts vanishes
        let exponent = ((largest.to_bits() >> 23) as i32 - 127).clamp(-126, 126);
        let power_of_two = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
        let scale = power_of_two(-exponent);
        let mut total = Sum::default();
        if T::ALONE {
            x.chunks(BLOCK).for_each(|block| total.add(s.run(Squares { block, scale })));
        } else {
            fold_by(team, x, &|block| s.run(Squares { block, scale }), |sum| total.add(sum));
        }
        sqrt(s, total.mean(1)) * power_of_two(exponent)
    }
}

/// The largest magnitude, or NaN where an element is not finite.
#[inline(always)]
pub(crate) fn largest<T: Team, S: Simd>(team: T, s: S, x: &[f32]) -> f32 {
    if T::ALONE {
        return s.run(MaxAbs([x]));
    }
    let mut largest: f32 = 0.0;
    fold_by(team, x, &|block| s.run(MaxAbs([block])), |other| {
        if other > largest || other.is_nan() {
            largest = other; // and NaN stays: nothing is above it
        }
    });
    largest
}

/// The sum of the squares of a block, scaled.
struct Squares<'a> {
    block: &'a [f32],
    scale: f32,
}

impl Kernel for Squares<'_> {
    type Output = f32;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let (scale, mut sums) = (s.splat(self.scale), [s.splat(0.0); VIRTUAL_LANES]);
        for virtual_lanes in self.block.chunks(VIRTUAL_LANES) {
            for (lanes, sum) in virtual_lanes.chunks(S::LANES).zip(&mut sums) {
                let x = s.mul(s.load(lanes), scale);
                *sum = s.fma(x, x, *sum);
            }
        }
        let mut lanes = [0.0; VIRTUAL_LANES];
        for (to, sum) in lanes.chunks_mut(S::LANES).zip(sums) {
            s.store(to, sum);
        }
        fold_lanes(lanes, |a, b| a + b)
    }
}

/// x = factor x.
pub(crate) struct Scale<'a>(pub &'a mut [f32], pub f32);

impl Kernel for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let factor = s.splat(self.1);
        for lanes in self.0.chunks_mut(S::LANES) {
            s.store(lanes, s.mul(s.load(lanes), factor));
        }
    }
}

#[cfg(test)]
mod tests;
