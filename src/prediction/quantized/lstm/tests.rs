use super::*;
use crate::prediction::quantized::arithmetic::{ONE, OPEN};

/// A 1 in units of c.
const UNIT: i32 = ONE << FINER;

/// The nearest integer, of two the larger.
fn nearest(x: f64) -> f64 {
    (x + 0.5).floor()
}

#[test]
fn the_next_c_is_rounded_once() {
    // exact in f64: below 2^53
    for c in [0, 1, -1, 7, UNIT, -UNIT, 3 * UNIT + 5, i32::MAX, i32::MIN] {
        for f in [0, 1, OPEN / 2, OPEN - 1, OPEN] {
            for (i, g) in [(0, ONE), (1, -1), (OPEN / 2, 1), (OPEN / 3, -ONE), (OPEN, ONE), (OPEN, -ONE)] {
                let exact = f64::from(f) * f64::from(c) + f64::from(i) * 16.0 * f64::from(g);
                let expected = nearest(exact / f64::from(OPEN)).clamp(f64::from(i32::MIN), f64::from(i32::MAX));
                assert_eq!(f64::from(next_c(c, f, i, g)), expected, "{c} {f} {i} {g}");
            }
        }
    }
}

/// Where an i32 ends c stays, comes back when it is forgotten, and h is o or -o.
#[test]
fn at_the_end_of_its_range_c_stays() {
    let mut c = i32::MAX - 3 * UNIT;
    for expected in [i32::MAX - 2 * UNIT, i32::MAX - UNIT, i32::MAX, i32::MAX, i32::MAX] {
        c = next_c(c, OPEN, OPEN, ONE);
        assert_eq!(c, expected);
        assert_eq!(next_h(c, OPEN), ONE as i16);
    }
    assert_eq!(next_c(c, OPEN, OPEN, -ONE), i32::MAX - UNIT);
    assert_eq!(next_c(c, OPEN / 2, 0, ONE), 1 << 30);
    let mut c = i32::MIN + UNIT;
    for _ in 0..3 {
        c = next_c(c, OPEN, OPEN, -ONE);
        assert_eq!(c, i32::MIN);
        assert_eq!(next_h(c, OPEN), -ONE as i16);
    }
    // what the documentation says of the range
    assert_eq!(i32::MAX / UNIT, 5_678);
}

#[test]
fn the_next_h_is_o_tanh_c() {
    for c in (-8 * UNIT..=8 * UNIT).step_by(9_973) {
        for o in [0, 1, OPEN / 3, OPEN / 2, OPEN] {
            let exact = f64::from(o) / f64::from(OPEN) * f64::from(ONE) * (f64::from(c) / f64::from(UNIT)).tanh();
            let found = f64::from(next_h(c, o));
            // a unit of tanh, one of its argument halved, half of one for the product
            assert!((found - exact).abs() <= 2.0 * f64::from(o) / f64::from(OPEN) + 0.5, "{c} {o}: {found}, {exact}");
        }
    }
}
