//! One row of softmax with cross-entropy, forward and backward in one visit while the row is in the cache.
//!
//! ```text
//! m = max x      e_v = exp(x_v - m)      s = sum of e      loss = ln s - (x_target - m)
//! gradient       dx_v = e_v (share / s) - [v = target] share      share = 1 / rows that count
//! ```
//!
//! An exponential below 2^-80.5, which is x_v - m below -55.8, counts as 0 ([`exp_or_zero`]): no subnormal number
//! arises, so logits that lie far apart take no more time than others.
//!
//! The order of the sum: element v is added to virtual lane v mod 16, in ascending v; then lane i += lane i + 8,
//! i += i + 4, i += i + 2, i += i + 1. Every vector width divides sixteen, so the order is the same on all.

use super::{
    elementwise::fold_lanes,
    exp::{CONSTANTS, exp_or_zero},
    scalar::ln_of_sum,
};
use crate::simd::{Functions, Kernel, Simd, VIRTUAL_LANES};

/// Turns a row of logits into their gradient, in place, and gives the loss of `target`.
pub(crate) struct SoftmaxRow<'a> {
    pub row: &'a mut [f32],
    pub target: usize,
    pub share: f32,
}

impl Kernel for SoftmaxRow<'_> {
    type Output = f32;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let Self { row, target, share } = self;
        let Some(&logit) = row.get(target) else { return f32::NAN };
        let (max, sum) = exponentials(s, row);
        scale(s, row, share / sum);
        if let Some(p) = row.get_mut(target) {
            *p -= share;
        }
        ln_of_sum(s, sum) - (logit - max)
    }
}

/// Gives the loss and the rank of `target` and leaves e in the row: no gradient. Rank 1 is the largest logit; among
/// equal ones the lower id comes first.
pub(crate) struct ScoreRow<'a> {
    pub row: &'a mut [f32],
    pub target: usize,
}

impl Kernel for ScoreRow<'_> {
    type Output = (f32, usize);

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> (f32, usize) {
        let Self { row, target } = self;
        let Some((before, [logit, after @ ..])) = row.split_at_checked(target) else { return (f32::NAN, 0) };
        let logit = *logit;
        let ahead = before.iter().filter(|&&x| x >= logit).count() + after.iter().filter(|&&x| x > logit).count();
        let (max, sum) = exponentials(s, row);
        (ln_of_sum(s, sum) - (logit - max), ahead + 1)
    }
}

/// Turns a row of logits into probabilities, in place, and gives s.
pub(crate) struct Softmax<'a>(pub &'a mut [f32]);

impl Kernel for Softmax<'_> {
    type Output = f32;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let (_, sum) = exponentials(s, self.0);
        scale(s, self.0, 1.0 / sum);
        sum
    }
}

/// Turns a row of logits into e, in place, and gives m and s.
#[inline(always)]
fn exponentials<S: Simd>(s: S, row: &mut [f32]) -> (f32, f32) {
    if let Some(functions) = s.functions() {
        return functions.exponentials(row, CONSTANTS);
    }
    let max = maximum(s, row);
    (max, replace_and_sum(s, row, max))
}

/// x = exp(x - max), and the sum.
#[inline(always)]
fn replace_and_sum<S: Simd>(s: S, row: &mut [f32], max: f32) -> f32 {
    let (max, len) = (s.splat(max), row.len());
    let mut sums = [s.splat(0.0); VIRTUAL_LANES];
    let mut blocks = row.chunks_exact_mut(VIRTUAL_LANES);
    for block in &mut blocks {
        // the same place of the next row, if there is one: memory has nothing else to do meanwhile
        s.prefetch(block.as_ptr().wrapping_add(len));
        for (lanes, sum) in block.chunks_exact_mut(S::LANES).zip(&mut sums) {
            let e = exp_or_zero(s, s.sub(s.load(lanes), max));
            s.store(lanes, e);
            *sum = s.add(*sum, e);
        }
    }
    for (lanes, sum) in blocks.into_remainder().chunks_mut(S::LANES).zip(&mut sums) {
        s.store(lanes, exp_or_zero(s, s.sub(s.load(lanes), max)));
        // loaded again, so that lanes beyond the end of the row add 0
        *sum = s.add(*sum, s.load(lanes));
    }
    let mut lanes = [0.0; VIRTUAL_LANES];
    for (to, sum) in lanes.chunks_exact_mut(S::LANES).zip(sums) {
        s.store(to, sum);
    }
    fold_lanes(lanes, |a, b| a + b)
}

#[inline(always)]
fn scale<S: Simd>(s: S, row: &mut [f32], factor: f32) {
    if let Some(functions) = s.functions() {
        return functions.scale_all(row, factor);
    }
    let factor = s.splat(factor);
    let mut blocks = row.chunks_exact_mut(VIRTUAL_LANES);
    for block in &mut blocks {
        for lanes in block.chunks_exact_mut(S::LANES) {
            s.store(lanes, s.mul(s.load(lanes), factor));
        }
    }
    for lanes in blocks.into_remainder().chunks_mut(S::LANES) {
        s.store(lanes, s.mul(s.load(lanes), factor));
    }
}

/// The largest element. A NaN may be passed over: it shows in the sum, where it stays.
#[inline(always)]
fn maximum<S: Simd>(s: S, row: &[f32]) -> f32 {
    // four chains: one would wait for itself
    let mut max = [s.splat(f32::NEG_INFINITY); 4];
    let mut fours = row.chunks_exact(4 * S::LANES);
    for four in &mut fours {
        for (lanes, max) in four.chunks_exact(S::LANES).zip(&mut max) {
            *max = s.max(s.load(lanes), *max);
        }
    }
    let mut vectors = fours.remainder().chunks_exact(S::LANES);
    let [max, maxima @ ..] = &mut max;
    for lanes in &mut vectors {
        *max = s.max(s.load(lanes), *max);
    }
    for &other in &*maxima {
        *max = s.max(other, *max);
    }
    let mut highest = [f32::NEG_INFINITY; VIRTUAL_LANES];
    s.store(&mut highest, *max);
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    vectors.remainder().iter().copied().fold(fold_lanes(highest, larger), larger)
}

#[cfg(test)]
mod tests;
