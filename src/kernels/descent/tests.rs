use super::*;
use crate::simd::Portable;

#[test]
fn steps_below_the_bound_are_finite() {
    let bound = f32::from_bits((127 + 102) << 23);
    let largest = f32::from_bits(bound.to_bits() - 1);
    assert!(no_step_overflows(largest) && !no_step_overflows(bound) && !no_step_overflows(f32::NAN));
    for w in [f32::MAX, -f32::MAX, 0.0, f32::INFINITY] {
        assert!(step_is_finite(Portable, 1.0, largest, w) && step_is_finite(Portable, 1.0, -largest, w));
    }
}

#[test]
fn overflowing_steps_are_not() {
    let finite = |rate, g, w| step_is_finite(Portable, rate, g, w);
    assert!(!finite(1.0, -1e32, f32::MAX) && finite(1.0, 1e32, f32::MAX));
    assert!(!finite(10.0, 1e38, 1e38), "the step itself overflows");
    assert!(!finite(1.0, f32::NAN, 0.0) && !finite(1.0, f32::INFINITY, f32::INFINITY));
}
