extern crate std;

use super::*;
use crate::simd::int8::powers::power;

#[test]
fn the_power_is_close_to_2_to_the_d_and_never_rises() {
    let mut last = u32::MAX;
    for d in 0..=31 << 16 {
        let found = power_of_fine(d);
        let exact = 2_f64.powf(30.0 - f64::from(d) / 65_536.0);
        assert!((f64::from(found) - exact).abs() <= 1.35e-5 * exact + 1.0, "{d}: {found}, {exact}");
        assert!(found <= last, "{d}: {found} behind {last}");
        last = found;
    }
    // what a prediction promises of unequal logits
    assert!((0..13 << 14).all(|d| power(d) as f32 > power(d + 1) as f32));
    assert_eq!([0, 1 << 14, 30 << 14, 31 << 14, u32::MAX].map(power), [1 << 30, 1 << 29, 1, 0, 0]);
    assert!(power((31 << 14) - 1) <= 1);
}

/// Until far beyond the place where it becomes [`ONE`].
#[test]
fn tanh_is_within_a_unit_and_odd_and_never_falls() {
    let mut last = 0;
    for z in 0..400_000 {
        let found = tanh(z);
        let exact = f64::from(UNITS) * (f64::from(z) / f64::from(UNITS)).tanh();
        assert!((f64::from(found) - exact).abs() <= 1.0, "{z}: {found}, {exact}");
        assert!(found >= last, "{z}: {found} behind {last}");
        assert_eq!(tanh(-z), -found);
        last = found;
    }
    assert_eq!([0, i32::MAX, i32::MIN, -i32::MAX].map(tanh), [0, ONE, -ONE, -ONE]);
}

/// Until far beyond the place where it becomes [`OPEN`]; without a division too.
#[test]
fn sigmoid_is_within_a_unit_and_never_falls() {
    let mut last = OPEN / 2;
    for z in 0..400_000 {
        let found = sigmoid(z);
        let exact = f64::from(OPEN) / (1.0 + (-f64::from(z) / f64::from(UNITS)).exp());
        assert!((f64::from(found) - exact).abs() <= 0.7501, "{z}: {found}, {exact}");
        assert!(found >= last, "{z}: {found} behind {last}");
        assert_eq!(sigmoid(-z), OPEN - found);
        last = found;
    }
    assert_eq!([0, i32::MAX, i32::MIN, -i32::MAX].map(sigmoid), [OPEN / 2, OPEN, 0, 0]);
    let end = (11.1 * UNITS) as i32;
    assert_eq!([end, -end].map(sigmoid), [OPEN, 0]);
    for e in 0..=1 << 16 {
        let (dividend, divisor) = ((e << OPEN_BITS) + ((1 << 16) + e) / 2, (1 << 16) + e);
        assert_quotients(dividend, divisor);
    }
}

#[test]
fn the_constants_are_what_they_say() {
    let log2_e = core::f64::consts::LOG2_E;
    assert_eq!(ONE, (16_384.0 * log2_e).round() as i32);
    assert_eq!(UNITS, (16_384.0 * log2_e) as f32);
    assert_eq!(NATS, (core::f64::consts::LN_2 / 16_384.0) as f32);
}

fn assert_quotients(dividend: u32, divisor: u32) {
    let found = [quotient_by_inverse, quotient_of_doubles].map(|quotient| quotient(dividend, divisor));
    assert_eq!(found, [dividend / divisor; 2], "{dividend} / {divisor}");
}

/// All divisors, and around each multiple the dividends.
#[test]
fn quotients_are_the_same_without_a_division() {
    for divisor in 1 << 16..=1 << 17 {
        let most = ONE as u32;
        for multiple in (0..=most).step_by(1_009).chain([1, 2, most]) {
            for left in [0, 1, divisor / 2, divisor - 1] {
                assert_quotients(multiple * divisor + left, divisor);
            }
        }
    }
}
