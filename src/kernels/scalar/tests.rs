extern crate std;
use super::*;
use crate::simd::Portable;

/// Distance from the exact value in ulp of the (correctly rounded) result.
fn ulp(ours: f32, exact: f64) -> f64 {
    let exponent = ((exact as f32).abs().to_bits() >> 23).max(1) as i32 - 150;
    (f64::from(ours) - exact).abs() / 2f64.powi(exponent)
}

/// Every 997th positive finite float.
fn positive_floats() -> impl Iterator<Item = f32> {
    (1..0x7f80_0000).step_by(997).map(f32::from_bits)
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn ln_is_within_one_ulp() {
    let worst = positive_floats().map(|x| ulp(ln(Portable, x), f64::from(x).ln())).fold(0.0, f64::max);
    assert!(worst < 0.9, "{worst} ulp");
}

#[test]
fn ln_of_special_values() {
    assert_eq!(ln(Portable, 1.0).to_bits(), 0);
    assert_eq!(ln(Portable, 0.0), f32::NEG_INFINITY);
    assert_eq!(ln(Portable, -0.0), f32::NEG_INFINITY);
    assert_eq!(ln(Portable, f32::INFINITY), f32::INFINITY);
    assert!(ln(Portable, -1.0).is_nan() && ln(Portable, f32::NAN).is_nan());
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn the_logarithm_of_a_sum_is_a_logarithm() {
    for x in positive_floats().filter(|x| x.is_normal()) {
        assert_eq!(ln_of_sum(Portable, x).to_bits(), ln(Portable, x).to_bits(), "{x:e}");
    }
    assert!(ln_of_sum(Portable, f32::NAN).is_nan() && ln_of_sum(Portable, -f32::NAN).is_nan());
}

fn check_sqrt(x: f32) {
    // f64 has more than 2 * 24 + 2 bits, so rounding its root to f32 is the correctly rounded root
    assert_eq!(sqrt(Portable, x).to_bits(), (f64::from(x).sqrt() as f32).to_bits(), "sqrt({x:e})");
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn sqrt_is_correctly_rounded() {
    positive_floats().for_each(check_sqrt);
    (1..200).map(f32::from_bits).for_each(check_sqrt);
    for special in [0.0, -0.0, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE] {
        check_sqrt(special);
    }
    assert!(sqrt(Portable, -1.0).is_nan() && sqrt(Portable, f32::NAN).is_nan());
}

/// Every mantissa of two binades; all others repeat them. 4 s in release:
/// `cargo test --release --lib sqrt_of_every_mantissa -- --ignored`
#[test]
#[ignore = "exhaustive: seconds in release"]
fn sqrt_of_every_mantissa() {
    (0x3f80_0000..0x4080_0000).map(f32::from_bits).for_each(check_sqrt);
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn sin_cos_of_a_circle() {
    let mut worst: f64 = 0.0;
    for i in (0..1 << 24).step_by(61) {
        let turns = i as f32 / (1 << 24) as f32;
        let (sin, cos) = sin_cos(Portable, turns);
        let angle = f64::from(turns) * core::f64::consts::TAU;
        worst = worst.max((f64::from(sin) - angle.sin()).abs()).max((f64::from(cos) - angle.cos()).abs());
    }
    // the ulp of numbers just below 1 is 2^-24
    let worst = worst * 2f64.powi(24);
    assert!(worst < 1.4, "{worst} ulp of 1");
    assert_eq!(sin_cos(Portable, 0.0), (0.0, 1.0));
    assert_eq!(sin_cos(Portable, 0.25), (1.0, 0.0));
    assert_eq!(sin_cos(Portable, 0.5), (0.0, -1.0));
}
