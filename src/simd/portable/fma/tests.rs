use super::fma;
use crate::rng::Xorshift;

extern crate std;

/// std's `mul_add` is correctly rounded: hardware where the target has it, the C library's elsewhere.
fn check(a: f32, b: f32, c: f32) {
    let (ours, theirs) = (fma(a, b, c), a.mul_add(b, c));
    assert!(
        ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()),
        "fma({a:e}, {b:e}, {c:e}) = {ours:e}, not {theirs:e}"
    );
}

#[test]
fn special_values() {
    let values = [
        0.0,
        f32::from_bits(1),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        f32::EPSILON,
        0.5,
        1.0,
        1.0 + f32::EPSILON,
        3.0,
        16_777_215.0,
        16_777_216.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    let signed = || values.iter().flat_map(|&v| [v, -v]);
    for a in signed() {
        for b in signed() {
            for c in signed() {
                check(a, b, c);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn random_bit_patterns() {
    let mut rng = Xorshift::new(7);
    for _ in 0..300_000 {
        let (a, b, c) = (rng.next_u32(), rng.next_u32(), rng.next_u32());
        check(f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
        // an addend near the product, where cancellation and double rounding happen
        let product = f32::from_bits(a) * f32::from_bits(b);
        let near = f32::from_bits(product.to_bits() ^ (c & 0x8000_00ff));
        check(f32::from_bits(a), f32::from_bits(b), near);
        // few significant bits: midpoints between neighbouring f32 are frequent
        let short = |bits: u32| f32::from_bits((bits & 0x87ff_f000) | 0x3000_0000);
        check(short(a), short(b), f32::from_bits(c & 0xbf80_0003));
    }
}
