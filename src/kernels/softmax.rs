//! One row of softmax with cross-entropy, forward and backward in one visit while the row is in the cache.
//!
//! ```text
//! m = max x      e_v = exp(x_v - m)      s = sum of e      loss = ln s - (x_target - m)
//! gradient       dx_v = e_v (share / s) - [v = target] share          share = 1 / number of rows that count
//! ```
//!
//! The order of the sum: element v is added to virtual lane v mod 16, in ascending v; then lane i += lane i + 8,
//! i += i + 4, i += i + 2, i += i + 1. Every vector width divides sixteen, so the order is the same on all.

use super::{
    elementwise::fold_lanes,
    exp::{CONSTANTS, TAME, exp_lanes, exp_of_tame},
    scalar::ln_of_sum,
};
use crate::simd::{Kernel, Simd, VIRTUAL_LANES};

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
    if let Some(max_and_sum) = s.exponentials(row, CONSTANTS) {
        return max_and_sum;
    }
    let (max, tame) = bounds(s, row);
    if S::LANES > 1 && tame {
        (max, replace_and_sum::<S, true>(s, row, max))
    } else {
        (max, replace_and_sum::<S, false>(s, row, max))
    }
}

/// x = exp(x - max), and the sum.
#[inline(always)]
fn replace_and_sum<S: Simd, const IS_TAME: bool>(s: S, row: &mut [f32], max: f32) -> f32 {
    let (max, len) = (s.splat(max), row.len());
    let mut sums = [s.splat(0.0); VIRTUAL_LANES];
    let mut poison = s.splat(0.0);
    let mut blocks = row.chunks_exact_mut(VIRTUAL_LANES);
    for block in &mut blocks {
        // the same place of the next row, if there is one: memory has nothing else to do meanwhile
        s.prefetch(block.as_ptr().wrapping_add(len));
        for (lanes, sum) in block.chunks_exact_mut(S::LANES).zip(&mut sums) {
            let x = s.sub(s.load(lanes), max);
            let e = if IS_TAME {
                // NaN, which `bounds` doesn't see and `exp_of_tame` may lose: 0 x is NaN then, else a zero
                poison = s.fma(s.splat(0.0), x, poison);
                exp_of_tame(s, x)
            } else {
                exp_lanes(s, x)
            };
            s.store(lanes, e);
            *sum = s.add(*sum, e);
        }
    }
    for (lanes, sum) in blocks.into_remainder().chunks_mut(S::LANES).zip(&mut sums) {
        s.store(lanes, exp_lanes(s, s.sub(s.load(lanes), max)));
        // loaded again, so that lanes beyond the end of the row add 0
        *sum = s.add(*sum, s.load(lanes));
    }
    let mut lanes = [0.0; VIRTUAL_LANES];
    for (to, sum) in lanes.chunks_exact_mut(S::LANES).zip(sums) {
        s.store(to, s.add(sum, poison));
    }
    fold_lanes(lanes, |a, b| a + b)
}

#[inline(always)]
fn scale<S: Simd>(s: S, row: &mut [f32], factor: f32) {
    if s.scale_all(row, factor) {
        return;
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

/// The largest element, and whether all elements of whole blocks are so near to it that their exponentials are normal. A NaN
/// may be passed over: it shows in the sum, where it stays.
#[inline(always)]
fn bounds<S: Simd>(s: S, row: &[f32]) -> (f32, bool) {
    // four chains each: one would wait for itself
    let (mut max, mut min) = ([s.splat(f32::NEG_INFINITY); 4], [s.splat(f32::INFINITY); 4]);
    let mut fours = row.chunks_exact(4 * S::LANES);
    for four in &mut fours {
        for (lanes, (max, min)) in four.chunks_exact(S::LANES).zip(max.iter_mut().zip(&mut min)) {
            include(s, s.load(lanes), max, min);
        }
    }
    let mut vectors = fours.remainder().chunks_exact(S::LANES);
    let ([max, maxima @ ..], [min, minima @ ..]) = (&mut max, &mut min);
    for lanes in &mut vectors {
        include(s, s.load(lanes), max, min);
    }
    for (&a, &b) in maxima.iter().zip(&*minima) {
        (*max, *min) = (s.max(a, *max), s.min(b, *min));
    }
    let (mut highest, mut lowest) = ([f32::NEG_INFINITY; VIRTUAL_LANES], [f32::INFINITY; VIRTUAL_LANES]);
    s.store(&mut highest, *max);
    s.store(&mut lowest, *min);
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let max = vectors.remainder().iter().copied().fold(fold_lanes(highest, larger), larger);
    let min = fold_lanes(lowest, |a, b| if a < b { a } else { b });
    (max, min - max >= TAME)
}

#[inline(always)]
fn include<S: Simd>(s: S, x: S::F, max: &mut S::F, min: &mut S::F) {
    *max = s.max(x, *max);
    if S::LANES > 1 {
        *min = s.min(x, *min);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Isa, simd::Portable};

    struct Row<'a>(&'a mut [f32]);
    impl Kernel for Row<'_> {
        type Output = (f32, f32);
        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> (f32, f32) {
            exponentials(s, self.0)
        }
    }

    #[test]
    fn exponentials_and_their_sum_are_the_written_ones() {
        // up to a spread of 86 all exponentials are normal numbers, from 104 on some are zeros
        for spread in [6.7, 85.9, 86.0, 86.1, 87.4, 95.0, 103.9, 110.0] {
            for len in [1, 7, 8, 15, 16, 17, 31, 32, 33, 100] {
                let logits: Vec<f32> = (0..len).map(|i| ((i * 37) % 19) as f32 / 18.0 * spread - 3.0).collect();
                let max = logits.iter().fold(f32::MIN, |a, &b| a.max(b));
                let exponentials: Vec<f32> = logits.iter().map(|&x| exp_lanes(Portable, x - max)).collect();
                let mut lanes = [0.0; 16];
                for (v, e) in exponentials.iter().enumerate() {
                    lanes[v % 16] += e;
                }
                for width in [8, 4, 2, 1] {
                    for i in 0..width {
                        lanes[i] += lanes[i + width];
                    }
                }
                for isa in Isa::available() {
                    let mut row = logits.clone();
                    let (m, sum) = isa.run(Row(&mut row));
                    assert_eq!((m, sum.to_bits()), (max, lanes[0].to_bits()), "{} {len} {spread}", isa.name());
                    assert_eq!(row, exponentials, "{} {len} {spread}", isa.name());
                }
            }
        }
    }

    #[test]
    fn a_score_is_the_loss_and_the_rank() {
        let logits: Vec<f32> = (0..40).map(|i| ((i * 7) % 11) as f32 * 0.5 - 3.0).collect();
        for isa in Isa::available() {
            for target in 0..logits.len() {
                let (mut scored, mut stepped) = (logits.clone(), logits.clone());
                let (loss, rank) = isa.run(ScoreRow { row: &mut scored, target });
                let same = isa.run(SoftmaxRow { row: &mut stepped, target, share: 1.0 });
                assert_eq!(loss.to_bits(), same.to_bits());
                let mut order: Vec<usize> = (0..logits.len()).collect();
                order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a])); // stable: equal ones by id
                assert_eq!(order[rank - 1], target, "{}", isa.name());
            }
            assert!(isa.run(ScoreRow { row: &mut [0.0; 3], target: 3 }).0.is_nan());
        }
    }

    #[test]
    fn far_logits_are_safe_and_bad_ones_show() {
        for isa in Isa::available() {
            for len in [3, 8, 20] {
                let mut row = std::vec![-1e4; len];
                row[1] = 1e4;
                assert_eq!(isa.run(Row(&mut row)), (1e4, 1.0));
                for bad in [f32::NAN, f32::from_bits(0x7f80_0123), f32::INFINITY] {
                    for at in 0..len {
                        let mut row = std::vec![0.5; len];
                        row[at] = bad;
                        assert!(!isa.run(Row(&mut row)).1.is_finite(), "{} {len} {at} {bad}", isa.name());
                    }
                }
            }
        }
    }
}
