//! From f32 weights to int8: the scale of a row, and what rounds to what.
//!
//! The scale of a row is its largest magnitude / 127, so that the largest becomes 127, and larger where the row's sums
//! would otherwise leave an i32: a state of [`ONE`] everywhere, and the bias, are the worst that can come. This happens
//! where the magnitudes of a row's weights and of its bias add up to more than 714 - H / 254 times the largest weight:
//! to long rows (H of some hundreds) of weights that are nearly as large as each other, and to a large bias.

use super::arithmetic::{ONE, UNITS};
use crate::simd::ROUND;

/// The largest magnitude of an int8 weight.
const LARGEST: f32 = 127.0;
/// What the sums of a row may come to. A thousandth below the end of an i32: for the roundings of the bound.
const BOUND: f32 = 2_145_000_000.0;
/// The longest rows: beyond, rounding alone might exceed the bound.
pub(crate) const LONGEST: usize = 65_536;

/// The scale of these weights; `None` where one is too large for it, or not a number. 1 where all are zero.
pub(crate) fn scale(weights: impl Iterator<Item = f32>) -> Option<f32> {
    checked(weights.fold(0.0, larger) / LARGEST)
}

/// [`scale`] for weights that a hidden state is multiplied with, and their bias.
pub(crate) fn scale_with_bias(weights: impl Iterator<Item = f32>, bias: f32) -> Option<f32> {
    let (mut largest, mut sum, mut count) = (0.0, 0.0, 0.0);
    for w in weights {
        (largest, sum, count) = (larger(largest, w), sum + w.abs(), count + 1.0);
    }
    // ONE (sum / scale + count / 2) + UNITS |bias| / scale <= BOUND
    let (one, room) = (ONE as f32, BOUND - 0.5 * ONE as f32 * count);
    checked(larger(largest / LARGEST, (one * sum + UNITS * bias.abs()) / room))
}

fn larger(a: f32, b: f32) -> f32 {
    let b = b.abs();
    if b > a || b.is_nan() { b } else { a }
}

fn checked(scale: f32) -> Option<f32> {
    let scale = if scale == 0.0 { 1.0 } else { scale };
    scale.is_finite().then_some(scale)
}

/// weight / scale to the nearest integer, ties to even.
pub(crate) fn rounded(weight: f32, scale: f32) -> i8 {
    let quotient = weight / scale;
    let bounded = if quotient > LARGEST { LARGEST } else { quotient };
    let bounded = if bounded < -LARGEST { -LARGEST } else { bounded };
    ((bounded + ROUND) - ROUND) as i8
}

/// The bias in units of its row's sums, to the nearest, ties away from zero.
pub(crate) fn rounded_bias(bias: f32, scale: f32) -> i32 {
    let units = UNITS * bias / scale;
    (if units < 0.0 { units - 0.5 } else { units + 0.5 }) as i32
}

/// Whether no sum of a row leaves an i32, whatever the state.
pub(crate) fn is_within_bounds(row: &[u8], bias: i32) -> bool {
    let sum = row.iter().fold(0_u64, |sum, &w| sum + u64::from((w as i8).unsigned_abs()));
    sum.saturating_mul(ONE as u64).saturating_add(u64::from(bias.unsigned_abs())) <= i32::MAX as u64
}

#[cfg(test)]
mod tests;
