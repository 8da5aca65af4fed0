use core::ptr;
use std::vec::Vec;

use super::{Chains, Operands, Products, fma};
use crate::rng::Xorshift;

extern crate std;

/// C, then A B with the steps of `fma` one after the other; both from elements that `draw` gives.
fn check([m, k, n]: [usize; 3], rate: Option<f32>, from_c: bool, mut draw: impl FnMut() -> f32) {
    let [a, b] = [m * k, k * n].map(|len| (0..len).map(|_| draw()).collect::<Vec<_>>());
    let before: Vec<_> = (0..m * n).map(|_| draw()).collect();
    let mut c = before.clone();
    let start = if from_c { c.as_ptr() } else { ptr::null() };
    let (descends, rate) = (rate.is_some(), rate.unwrap_or(0.0));
    #[rustfmt::skip]
    let mut operands = Operands {
        k, a: a.as_ptr(), a_row: k, a_col: 1, b: b.as_ptr(), b_row: n, b_col: 1, c: c.as_mut_ptr(), c_row: n,
        start, start_row: n, descends: descends.into(), rate, start_col: 1, m, n,
    };
    // SAFETY: A has m k elements, B k n, C and the starts m n.
    unsafe { Chains.product(&mut operands) };
    for i in 0..m {
        for j in 0..n {
            let start = if from_c { before[i * n + j] } else { 0.0 };
            let sum = (0..k).fold(start, |sum, p| fma(a[i * k + p], b[p * n + j], sum));
            let expected = if descends { fma(-rate, sum, before[i * n + j]) } else { sum };
            let found = c[i * n + j];
            let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(same, "{m} x {k} x {n}, element {i}, {j}: {found:e}, not {expected:e}");
        }
    }
}

#[test]
fn a_chain_has_the_bits_of_its_steps() {
    let mut rng = Xorshift::new(3);
    for k in [0, 1, 2, 7, 40] {
        for (rate, from_c) in [(None, false), (None, true), (Some(0.3), false)] {
            check([3, k, 5], rate, from_c, || rng.uniform() - 0.5);
        }
    }
}

/// Zeros, subnormal numbers, results that underflow or overflow, infinities and NaN, in the midst of chains.
#[test]
fn a_chain_goes_on_after_a_step_that_is_not_ordinary() {
    let mut rng = Xorshift::new(4);
    let specials = [0.0, -0.0, 1e-40, -3e-39, 1e-30, 3e38, -3e38, f32::MIN_POSITIVE, 1e-19, -1.0];
    for round in 0..if cfg!(miri) { 10 } else { 2000 } {
        let kinds = [4, 10, 20][round % 3];
        check([2, 12, 3], None, round % 2 == 0, || match rng.below(kinds) as usize {
            0 => specials[rng.below(specials.len() as u32) as usize],
            1 if rng.below(40) == 0 => [f32::INFINITY, f32::NEG_INFINITY, f32::NAN][rng.below(3) as usize],
            _ => rng.uniform() - 0.5,
        });
    }
}
