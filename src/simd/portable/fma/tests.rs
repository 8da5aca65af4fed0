use super::{doubles, integers};
use crate::rng::Xorshift;

extern crate std;

/// std's `mul_add` is correctly rounded: hardware where the target has it, the C library's elsewhere.
fn check(a: f32, b: f32, c: f32) {
    let theirs = a.mul_add(b, c);
    for (name, ours) in [("doubles", doubles::fma(a, b, c)), ("integers", integers::fma(a, b, c))] {
        assert!(
            ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()),
            "{name}: fma({a:e}, {b:e}, {c:e}) = {ours:e}, not {theirs:e}"
        );
    }
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
        hard_cases(&mut rng);
    }
}

/// A hundred million draws are half a billion cases: a minute with a multiply-add in hardware.
#[test]
#[ignore = "for a release build"]
fn many_bit_patterns() {
    let mut rng = Xorshift::new(8);
    for _ in 0..100_000_000 {
        hard_cases(&mut rng);
    }
}

/// Every distance of exponents, both signs, the ends of the mantissas: every way of the integers.
#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_distance_of_exponents() {
    let mantissas = [0_u32, 1, 0x0040_0000, 0x003f_ffff, 0x0055_5555, 0x007f_ffff];
    let number = |sign: u32, exponent: u32, mantissa: u32| f32::from_bits(sign | exponent << 23 | mantissa);
    for mantissa in mantissas {
        for exponent in 0..=255 {
            for a in mantissas.map(|mantissa| number(0, 1, mantissa)) {
                for b in mantissas.map(|mantissa| number(0, exponent, mantissa)) {
                    // products down to the subnormal numbers, near one, up to infinity
                    check(a, b, number(0x8000_0000, 2, mantissa));
                    check(a * 2_f32.powi(126), b, number(0x8000_0000, 127, mantissa));
                    check(a * 2_f32.powi(126), b, number(0, 127, mantissa));
                    check(a * 2_f32.powi(253), b, number(0x8000_0000, 254, mantissa));
                    check(a * 2_f32.powi(253), b, number(0, 254, mantissa));
                }
            }
        }
    }
}

/// What is shifted out of a product decides alone that its sum, else on a midpoint, is rounded up.
#[test]
fn the_last_bits_of_a_product_break_a_tie() {
    let cases = [
        (15671485.0, 9155882.0, 63),
        (14364634.0, 11940702.0, 66),
        (12524749.0, 14045939.0, 69),
        (14200343.0, 14866277.0, 70),
    ];
    for (a, b, exponent) in cases {
        let c = 2_f32.powi(exponent);
        check(a, b, c);
        check(-a, b, -c);
        check(a, b, -c);
    }
}

/// What processors have that lack instructions of others.
#[test]
fn products_and_zeros_without_their_instructions() {
    let mut rng = Xorshift::new(9);
    for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
        let [a, b] = [(); 2].map(|()| rng.next_u32() | 0x8000_0000);
        for [a, b] in [[a << 8 | 0x8000_0000, b << 8 | 0x8000_0000], [a & 0xff00_0000, b & !0xff]] {
            assert_eq!(integers::product::<true>(a, b), integers::product::<false>(a, b), "{a:x} {b:x}");
        }
        let number = a >> rng.below(32);
        assert_eq!(integers::leading_zeros::<true>(number), integers::leading_zeros::<false>(number), "{number:x}");
    }
}

fn hard_cases(rng: &mut Xorshift) {
    let (a, b, c) = (rng.next_u32(), rng.next_u32(), rng.next_u32());
    check(f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
    // an addend near the product, where cancellation and double rounding happen
    let product = f32::from_bits(a) * f32::from_bits(b);
    let near = f32::from_bits(product.to_bits() ^ (c & 0x8000_00ff));
    check(f32::from_bits(a), f32::from_bits(b), near);
    // and one within 64 binades of it
    let far = f32::from_bits(product.to_bits().wrapping_add((c & 63) << 23).wrapping_sub(32 << 23) ^ c & 0x8000_ffff);
    check(f32::from_bits(a), f32::from_bits(b), far);
    // few significant bits: midpoints between neighbouring f32 are frequent
    let short = |bits: u32| f32::from_bits((bits & 0x87ff_f000) | 0x3000_0000);
    check(short(a), short(b), f32::from_bits(c & 0xbf80_0003));
    // results among the subnormal numbers
    let small = |bits: u32| f32::from_bits((bits & 0x87ff_ffff) | 0x1800_0000);
    check(small(a), small(b), f32::from_bits(c & 0x81ff_ffff));
}
