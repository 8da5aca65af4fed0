extern crate std;
use std::vec;

use super::*;

#[test]
fn the_largest_becomes_127_and_ties_go_to_even() {
    let weights = [0.0, -2.54, 1.27, 0.03, 0.05];
    let scale = scale(weights.into_iter()).unwrap();
    assert_eq!(scale, 2.54 / 127.0);
    assert_eq!(weights.map(|w| rounded(w, scale)), [0, -127, 64, 2, 2]);
    assert_eq!([0.5, 1.5, -2.5, 300.0, -300.0].map(|w| rounded(w, 1.0)), [0, 2, -2, 127, -127]);
}

#[test]
fn a_scale_of_nothing_is_1_and_of_no_number_none() {
    assert_eq!(scale([0.0; 3].into_iter()), Some(1.0));
    assert_eq!(scale([1e-45].into_iter()), Some(1.0));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(scale([1.0, bad, 2.0].into_iter()), None, "{bad}");
        assert_eq!(scale_with_bias([1.0, bad, 2.0].into_iter(), 0.0), None, "{bad}");
        assert_eq!(scale_with_bias([1.0].into_iter(), bad), None, "{bad}");
    }
    assert_eq!(scale_with_bias([1.0].into_iter(), f32::MAX), None);
}

/// Rows that are as long, as large and as even as can be, and biases from none to all there is.
#[test]
fn no_row_leaves_an_i32() {
    for len in [1, 2, 100, 715, 716, 5_000, LONGEST] {
        for (weight, bias) in [(1.0, 0.0), (1e-30, 0.0), (1.0, 1e6), (-1.0, -3.0), (0.0, 1e3), (3e4, 3e-4)] {
            let scale = scale_with_bias((0..len).map(|_| weight), bias).unwrap();
            let (w, b) = (rounded(weight, scale), rounded_bias(bias, scale));
            let row = vec![w as u8; len];
            assert!(is_within_bounds(&row, b), "{len} times {weight} with {bias}: {w}, {b}");
            assert_eq!(w == 0 && b == 0, weight == 0.0 && bias == 0.0);
        }
    }
}

#[test]
fn bounds_are_those_of_an_i32() {
    // 90,852 times ONE is the most that fits
    let row = [vec![127; 715], vec![47]].concat();
    assert!(is_within_bounds(&row, 0) && is_within_bounds(&row, -14_923));
    assert!(!is_within_bounds(&row, 14_924) && !is_within_bounds(&[&row[..], &[0x80]].concat(), 0));
    assert!(is_within_bounds(&[], i32::MAX) && !is_within_bounds(&[], i32::MIN));
}
