//! Passes over slices. Where two slices differ in length, the shorter one ends the pass.

use core::slice::SliceIndex;

use crate::simd::{Functions, Kernel, OneLane, Scalar, Simd, VIRTUAL_LANES};

/// The elements of this range. Every buffer is cut to measure, so they are there: a debug build asserts it, and a
/// release build gives no elements rather than panic.
#[inline(always)]
#[track_caller]
pub(crate) fn part(x: &[f32], range: impl SliceIndex<[f32], Output = [f32]>) -> &[f32] {
    let part = x.get(range);
    debug_assert!(part.is_some(), "a slice is shorter than its shape");
    part.unwrap_or_default()
}

/// [`part`], to be written.
#[inline(always)]
#[track_caller]
pub(crate) fn part_mut(x: &mut [f32], range: impl SliceIndex<[f32], Output = [f32]>) -> &mut [f32] {
    let part = x.get_mut(range);
    debug_assert!(part.is_some(), "a slice is shorter than its shape");
    part.unwrap_or_default()
}

/// to = from; the shorter one ends it.
pub(crate) fn copy(to: &mut [f32], from: &[f32]) {
    Scalar::copy(to, from);
}

/// x = 0.
pub(crate) fn clear(x: &mut [f32]) {
    Scalar::clear(x);
}

/// a = f(a, b), vector by vector.
#[inline(always)]
pub(super) fn zip_with<S: Simd>(s: S, a: &mut [f32], b: &[f32], f: impl Fn(S::F, S::F) -> S::F) {
    let len = a.len().min(b.len());
    let (Some(a), Some(b)) = (a.get_mut(..len), b.get(..len)) else { return };
    let (mut a, mut b) = (a.chunks_exact_mut(S::LANES), b.chunks_exact(S::LANES));
    for (a, b) in (&mut a).zip(&mut b) {
        s.store(a, f(s.load(a), s.load(b)));
    }
    let (a, b) = (a.into_remainder(), b.remainder());
    if !a.is_empty() {
        s.store_partial(a, f(s.load_partial(a), s.load_partial(b)));
    }
}

/// a = a + b.
pub(crate) struct Add<'a>(pub &'a mut [f32], pub &'a [f32]);

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        zip_with(s, self.0, self.1, |a, b| s.add(a, b));
    }
}

/// d = d (1 - h²): from the gradient of h = tanh z to the gradient of z.
pub(crate) struct TanhBackward<'a> {
    pub d: &'a mut [f32],
    pub h: &'a [f32],
}

impl Kernel for TanhBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        if let Some(functions) = s.functions() {
            return functions.tanh_backward(self.d, self.h);
        }
        zip_with(s, self.d, self.h, |d, h| tanh_backward_lanes(s, d, h));
    }
}

/// d (1 - h²).
#[inline(always)]
pub(super) fn tanh_backward_lanes<S: Simd>(s: S, d: S::F, h: S::F) -> S::F {
    s.mul(d, s.nfma(h, h, s.splat(1.0)))
}

/// The largest magnitude in all slices, or NaN where an element is not finite. One-lane paths add up what each slice
/// has, which bounds it.
pub(crate) struct MaxAbs<'a, const COUNT: usize>(pub [&'a [f32]; COUNT]);

impl<const COUNT: usize> Kernel for MaxAbs<'_, COUNT> {
    type Output = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        if S::LANES == 1 {
            return self.0.iter().fold(0.0, |sum, x| sum + max_abs_of_bits(x));
        }
        let zero = s.splat(0.0);
        // four chains each: one would wait for itself
        let (mut largest, mut poison) = ([zero; 4], [zero; 4]);
        let take_in = |x: S::F, largest: &mut S::F, poison: &mut S::F| {
            *largest = s.max(s.abs(x), *largest);
            // 0 * x is NaN for NaN and infinity, and NaN stays
            *poison = s.fma(zero, x, *poison);
        };
        for x in self.0 {
            let mut fours = x.chunks_exact(4 * S::LANES);
            for four in &mut fours {
                for (i, lanes) in four.chunks_exact(S::LANES).enumerate() {
                    take_in(s.load(lanes), &mut largest[i], &mut poison[i]);
                }
            }
            for lanes in fours.remainder().chunks(S::LANES) {
                take_in(s.load(lanes), &mut largest[0], &mut poison[0]);
            }
        }
        let largest = largest.into_iter().fold(zero, |a, b| s.max(a, b));
        let poison = poison.into_iter().fold(zero, |a, b| s.add(a, b));
        let (mut lanes, mut poisons) = ([0.0; VIRTUAL_LANES], [0.0; VIRTUAL_LANES]);
        s.store(&mut lanes, largest);
        s.store(&mut poisons, poison);
        fold_lanes(lanes, |a, b| if b > a { b } else { a }) + fold_lanes(poisons, |a, b| a + b)
    }
}

/// [`MaxAbs`] without arithmetic, which costs most where it is emulated: without their sign, floats order like
/// integers.
fn max_abs_of_bits(x: &[f32]) -> f32 {
    let largest = x.iter().fold(0, |largest, x| largest.max(x.to_bits() << 1)) >> 1;
    if largest < f32::INFINITY.to_bits() { f32::from_bits(largest) } else { f32::NAN }
}

/// Folds sixteen lanes into one: lane i takes in lane i + 8, then i + 4, i + 2, i + 1.
#[inline(always)]
pub(crate) fn fold_lanes(lanes: [f32; VIRTUAL_LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let eight: [f32; 8] = halve(&lanes, &f);
    let four: [f32; 4] = halve(&eight, &f);
    let two: [f32; 2] = halve(&four, &f);
    let [one] = halve(&two, &f);
    one
}

/// Takes the upper half into the lower one.
#[inline(always)]
fn halve<const HALF: usize>(lanes: &[f32], f: impl Fn(f32, f32) -> f32) -> [f32; HALF] {
    let mut sums = [0.0; HALF];
    if let [low, high] = lanes.as_chunks::<HALF>().0 {
        for ((sum, &a), &b) in sums.iter_mut().zip(low).zip(high) {
            *sum = f(a, b);
        }
    }
    sums
}

#[cfg(test)]
mod tests;
