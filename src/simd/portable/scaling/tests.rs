use super::*;
use crate::rng::Xorshift;

/// Of any magnitude, and those next to powers of two.
fn integer(rng: &mut Xorshift) -> i32 {
    let bits = rng.next_u32() >> rng.below(32);
    let near = (1_u32 << rng.below(32)).wrapping_add(rng.below(5)).wrapping_sub(2);
    (if rng.below(4) == 0 { near } else { bits }).wrapping_mul(if rng.below(2) == 0 { 1 } else { u32::MAX }) as i32
}

/// Around 2^-around, of few bits or many.
fn factor(rng: &mut Xorshift, around: u32) -> f32 {
    let exponent = 127 - around + rng.below(17) - 8;
    let mantissa = match rng.below(3) {
        0 => rng.below(8) << 20,
        1 => 0x7f_ffff - rng.below(4),
        _ => rng.below(1 << 23),
    };
    f32::from_bits(exponent << 23 | mantissa)
}

#[test]
fn products_are_those_of_floats() {
    let mut rng = Xorshift::new(1);
    for _ in 0..400_000 {
        let x = integer(&mut rng);
        let around = rng.below(40);
        let by = factor(&mut rng, around);
        assert_eq!(scaled(x, by), int8::scaled(x, by), "{x} {by:e}");
    }
}

#[test]
fn sums_of_products_are_those_of_floats() {
    let mut rng = Xorshift::new(2);
    for round in 0..600_000 {
        let sums = [integer(&mut rng), integer(&mut rng)];
        let mut factors = [factor(&mut rng, 10), factor(&mut rng, 4), factor(&mut rng, 14)];
        let sums = match round % 3 {
            // they all but cancel
            0 => {
                factors[2] = factors[0] * factors[1];
                [sums[0], sums[0].wrapping_neg().wrapping_add(rng.below(3) as i32)]
            }
            1 => [sums[0], 0],
            _ => sums,
        };
        assert_eq!(scaled_sums(sums, factors), int8::scaled_sums(sums, factors), "{sums:?} {factors:?}");
    }
}

#[test]
fn shares_are_those_of_floats() {
    let mut rng = Xorshift::new(3);
    for _ in 0..400_000 {
        let part = (rng.next_u32() >> (2 + rng.below(30))) as i32;
        let by = 1.0 / ((1_u64 << 30) + (u64::from(rng.next_u32()) << 14 >> rng.below(46))) as f32;
        assert_eq!(share(part, by).to_bits(), int8::share(part, by).to_bits(), "{part} {by:e}");
    }
}

/// Zero, what is subnormal, infinite or no number, and the ends of the range.
#[test]
fn rare_factors_are_as_in_floats() {
    let ends = [0x20, 0x3f, 0x40, 0xbd, 0xbe, 0xfe].map(|exponent: u32| f32::from_bits(exponent << 23 | 0x12_3456));
    let rare = [0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::INFINITY, f32::NAN, -1.0, 1.0];
    for x in [0, 1, -1, i32::MAX, i32::MIN, 23_637] {
        for by in ends.into_iter().chain(rare) {
            assert_eq!(scaled(x, by), int8::scaled(x, by), "{x} {by:e}");
            for other in ends.into_iter().chain(rare) {
                for h in [0, -7, i32::MAX] {
                    for factors in [[by, other, 1e-3], [1e-3, by, other], [other, 1e-3, by]] {
                        let expected = int8::scaled_sums([x, h], factors);
                        assert_eq!(scaled_sums([x, h], factors), expected, "{x} {h} {factors:?}");
                    }
                }
            }
        }
    }
    assert_eq!(share(0, 1e-9), 0.0);
    assert_eq!([-7, 7].map(|sum| scaled(sum, 0.25)), [-1, 1]);
    assert_eq!([-7, 7, 0].map(|sum| scaled(sum, f32::MAX)), [i32::MIN, i32::MAX, 0]);
    assert_eq!(scaled(0, f32::INFINITY), 0);
}
