//! One row of softmax with cross-entropy, forward and backward in one visit while the row is in the cache.
//!
//! ```text
//! m = max x      e_v = exp(x_v - m)      s = sum of e      loss = ln s - (x_target - m)
//! gradient       dx_v = e_v (share / s) - [v = target] share          share = 1 / number of rows that count
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
use crate::simd::{Kernel, Passes, Simd, VIRTUAL_LANES};

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
    if let Some(passes) = s.passes() {
        return passes.exponentials(row, CONSTANTS);
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
    if let Some(passes) = s.passes() {
        return passes.scale_all(row, factor);
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
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{super::exp::exp_lanes, *};
    use crate::{Isa, simd::Portable};

    struct Row<'a>(&'a mut [f32]);
    impl Kernel for Row<'_> {
        type Output = (f32, f32);
        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> (f32, f32) {
            exponentials(s, self.0)
        }
    }

    /// The spread in eighteen steps.
    fn far(step: usize, spread: f32) -> f32 {
        if step == 0 { 0.0 } else { step as f32 / 18.0 * spread }
    }

    /// e^x, and 0 where the nearest power of two is below 2^-80.
    fn written(x: f32) -> f32 {
        // the product is exact
        if f64::from(x) * f64::from(core::f32::consts::LOG2_E) < -80.5 { 0.0 } else { exp_lanes(Portable, x) }
    }

    #[test]
    fn exponentials_and_their_sum_are_the_written_ones() {
        let spreads =
            [6.7, 40.0, 55.7, 55.8, 55.9, 56.1, 60.0, 86.1, 95.0, 103.9, 110.0, 200.0, 1e4, 1e30, f32::INFINITY];
        for spread in spreads {
            for len in [1, 7, 8, 15, 16, 17, 31, 32, 33, 100] {
                let logits: Vec<f32> = (0..len).map(|i| -3.0 - far((i * 37) % 19, spread)).collect();
                let max = logits.iter().fold(f32::MIN, |a, &b| a.max(b));
                let exponentials: Vec<f32> = logits.iter().map(|&x| written(x - max)).collect();
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
    fn exponentials_end_at_one_place() {
        // all floats from -55.82 to -55.78: the end is at -80.5 ln 2 = -55.798
        let near: Vec<f32> = ((-55.78_f32).to_bits()..(-55.82_f32).to_bits()).map(f32::from_bits).collect();
        for isa in Isa::available() {
            for chunk in near.chunks(33) {
                let mut row = std::vec![0.0];
                row.extend(chunk);
                let expected: Vec<u32> = row.iter().map(|&x| written(x).to_bits()).collect();
                isa.run(Row(&mut row));
                assert_eq!(row.iter().map(|e| e.to_bits()).collect::<Vec<_>>(), expected, "{}", isa.name());
            }
        }
        let smallest = near.iter().map(|&x| written(x)).filter(|&e| e > 0.0).fold(1.0, f32::min);
        assert!((-80.51..-80.49).contains(&smallest.log2()), "{smallest:e}");
    }

    #[test]
    fn no_subnormal_number_arises() {
        let normal = |x: &f32| *x == 0.0 || x.is_normal();
        for isa in Isa::available() {
            for quarters in 0..=800 {
                let spread = quarters as f32 / 4.0;
                for (len, share) in [(16, 1.0), (37, 1.0 / 700.0), (100, 1e-6)] {
                    let logits: Vec<f32> = (0..len).map(|i| -far((i * 37) % 19, spread)).collect();
                    let what = std::format!("{} {len} {spread}", isa.name());
                    let [mut row, mut gradient, mut probabilities] = [logits.clone(), logits.clone(), logits];
                    isa.run(Row(&mut row));
                    assert!(row.iter().all(normal), "{what}");
                    isa.run(SoftmaxRow { row: &mut gradient, target: 0, share });
                    assert!(gradient.iter().all(normal), "{what}: gradient");
                    isa.run(Softmax(&mut probabilities));
                    assert!(probabilities.iter().all(normal), "{what}: probabilities");
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
