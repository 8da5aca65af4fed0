//! The SGD step w = fma(-rate, g, w), and when it must not be taken.
//!
//! A step is refused where rate * g is not finite, or where it carries a finite weight past the largest f32. A weight
//! that was not finite before is no reason to refuse.

use super::elementwise::zip_with;
use crate::simd::{Kernel, Simd};

/// w = fma(-rate, g, w) over two slices; the shorter one ends the pass.
pub(crate) struct Descend<'a> {
    pub weights: &'a mut [f32],
    pub gradient: &'a [f32],
    pub rate: f32,
}

impl Kernel for Descend<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let rate = s.splat(self.rate);
        zip_with(s, self.weights, self.gradient, |w, g| s.nfma(rate, g, w));
    }
}

/// Whether [`Descend`] would take only finite steps. Rare, so one element after the other.
pub(crate) struct StepsAreFinite<'a> {
    pub weights: &'a [f32],
    pub gradient: &'a [f32],
    pub rate: f32,
}

impl Kernel for StepsAreFinite<'_> {
    type Output = bool;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        self.weights.iter().zip(self.gradient).all(|(&w, &g)| step_is_finite(s, self.rate, g, w))
    }
}

/// The exact test of one step.
pub(crate) fn step_is_finite<S: Simd>(s: S, rate: f32, g: f32, w: f32) -> bool {
    (rate * g).is_finite() && (!w.is_finite() || s.fma_one(-rate, g, w).is_finite())
}

/// The quick test of all steps: true where none of this magnitude can fail, false for NaN. Half an ulp of the largest
/// f32 is 2^103, so a step below the bound, 2^102, leaves any finite weight finite.
pub(crate) fn no_step_overflows(largest_step: f32) -> bool {
    largest_step < 5.070_602_4e30
}

#[cfg(test)]
mod tests;
