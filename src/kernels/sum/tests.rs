use super::Sum;

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn keeps_what_a_plain_sum_loses() {
    let mut sum = Sum::default();
    let (mut plain, count) = (0.0, 100_000);
    for i in 0..count {
        let x = 6.0 + (i % 7) as f32 * 1e-3;
        sum.add(x);
        plain += x;
    }
    // 100,000 = 14,285 * 7 + 5: the residues 0 to 6 come 14,285 times, 0 to 4 once more
    let exact = 6.0 + (14_285.0 * 21.0 + 10.0) * 1e-3 / 100_000.0;
    assert!((f64::from(sum.mean(count)) - exact).abs() < 5e-7);
    assert!((f64::from(plain / count as f32) - exact).abs() > 1e-5, "the plain sum would do");
}

#[test]
fn a_sum_too_large_is_infinite_and_bad_ones_are_nan() {
    let mean = |xs: &[f32]| {
        let mut sum = Sum::default();
        xs.iter().for_each(|&x| sum.add(x));
        sum.mean(xs.len())
    };
    assert_eq!(mean(&[2e38, 2e38, 1.0, 1.0]), f32::INFINITY);
    assert_eq!(mean(&[f32::INFINITY, 1.0, f32::INFINITY]), f32::INFINITY);
    assert!(mean(&[1.0, f32::NAN, 1.0]).is_nan());
}

#[test]
fn parts_that_no_losses_add_up_to_are_refused() {
    let bad = f32::NAN;
    for parts in [[bad, 0.0], [1.0, bad], [f32::INFINITY, 0.0], [3e38, 3e38], [-1.0, 0.0], [1.0, -2.0]] {
        assert!(Sum::of_losses(parts).is_none(), "{parts:?}");
    }
    assert_eq!(Sum::of_losses([6.0, -1e-7]).map(Sum::parts), Some([6.0, -1e-7]));
}

#[test]
fn the_mean_of_nothing_is_zero() {
    assert_eq!(Sum::default().mean(0), 0.0);
}
