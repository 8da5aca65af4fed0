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
    let spreads = [6.7, 40.0, 55.7, 55.8, 55.9, 56.1, 60.0, 86.1, 95.0, 103.9, 110.0, 200.0, 1e4, 1e30, f32::INFINITY];
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
