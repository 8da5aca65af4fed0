extern crate std;
use std::vec::Vec;

use proptest::prelude::*;

use crate::{
    rng::Xorshift,
    simd::{Isa, Kernel, ROUND, Simd},
};

/// The operations of [`Simd`] on three numbers.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Fma,
    Nfma,
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    Abs,
    WithSignOf,
}

const ALL: [Operation; 10] = {
    use Operation::*;
    [Fma, Nfma, Add, Sub, Mul, Div, Max, Min, Abs, WithSignOf]
};

/// An operation of each triple.
struct Each<'a>(Operation, &'a [[f32; 3]]);

impl Kernel for Each<'_> {
    type Output = Vec<f32>;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> Vec<f32> {
        let Self(operation, triples) = self;
        let mut out = std::vec![0.0; triples.len()];
        for (out, triples) in out.chunks_mut(S::LANES).zip(triples.chunks(S::LANES)) {
            let part = |i: usize| s.load(&triples.iter().map(|triple| triple[i]).collect::<Vec<f32>>());
            let [a, b, c] = [part(0), part(1), part(2)];
            let found = match operation {
                Operation::Fma => s.fma(a, b, c),
                Operation::Nfma => s.nfma(a, b, c),
                Operation::Add => s.add(a, b),
                Operation::Sub => s.sub(a, b),
                Operation::Mul => s.mul(a, b),
                Operation::Div => s.div(a, b),
                Operation::Max => s.max(a, b),
                Operation::Min => s.min(a, b),
                Operation::Abs => s.abs(a),
                Operation::WithSignOf => s.with_sign_of(a, b),
            };
            s.store(out, found);
        }
        out
    }
}

/// The bits of `portable` on every path, NaN for NaN.
fn check(operation: Operation, triples: &[[f32; 3]]) {
    let expected = Isa::SCALAR.run(Each(operation, triples));
    for isa in Isa::available() {
        let found = isa.run(Each(operation, triples));
        for ((triple, found), expected) in triples.iter().zip(found).zip(&expected) {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{isa} {operation:?} {triple:?}: {found:e} instead of {expected:e}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_operation_has_the_bits_of_one_lane_at_the_edges() {
    let values = [
        0.0,
        f32::from_bits(1),
        f32::from_bits(2),
        f32::from_bits(3),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        1.5 * f32::MIN_POSITIVE,
        f32::EPSILON / 2.0,
        f32::EPSILON,
        0.5,
        1.0 - f32::EPSILON / 2.0,
        1.0,
        1.0 + f32::EPSILON,
        3.0,
        16_777_215.0,
        16_777_216.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    let signed: Vec<f32> = values.iter().flat_map(|&v| [v, -v]).collect();
    let pairs = || signed.iter().flat_map(|&a| signed.iter().map(move |&b| [a, b]));
    let triples: Vec<[f32; 3]> = pairs().flat_map(|[a, b]| signed.iter().map(move |&c| [a, b, c])).collect();
    for operation in ALL {
        check(operation, &triples);
    }
}

/// Any bits; an addend near the product, where cancellation is; few bits; and sums a little beside the midpoint between
/// two f32, normal and subnormal, by less than a double tells.
fn hard_cases(a: u32, b: u32, c: u32) -> [[f32; 3]; 5] {
    let [x, y, z] = [a, b, c].map(f32::from_bits);
    let near = f32::from_bits((x * y).to_bits() ^ (c & 0x8000_00ff));
    let short = |bits: u32| f32::from_bits((bits & 0x87ff_f000) | 0x3000_0000);
    // products of 1 - 2^-46, 1 + 2^-36 and 1
    let [p, q] = [[0x3f80_0001, 0x3f7f_fffe], [0x3f80_0800, 0x3f7f_f001], [0x3f80_0000, 0x3f80_0000]][a as usize % 3];
    // by which half a unit in the last place of the addend is multiplied, at any exponent
    let (sign, down) = (b & 0x8000_0000, (24 + b % 78) << 23);
    let addend = (c & 0x807f_ffff) | (0x3f80_0000 - ((b % 78) << 23));
    [
        [x, y, z],
        [x, y, near],
        [short(a), short(b), f32::from_bits(c & 0xbf80_0003)],
        [(p - down) | sign, q, addend].map(f32::from_bits),
        [(p - (126 << 23)) | sign, q - (24 << 23), c & 0x807f_ffff].map(f32::from_bits),
    ]
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn every_operation_has_the_bits_of_one_lane(bits in prop::collection::vec(any::<[u32; 3]>(), 1..40)) {
        let triples: Vec<[f32; 3]> = bits.into_iter().flat_map(|[a, b, c]| hard_cases(a, b, c)).collect();
        for operation in ALL {
            check(operation, &triples);
        }
    }
}

fn sweep(rounds: usize) {
    let mut rng = Xorshift::new(11);
    for _ in 0..rounds {
        let triples: Vec<[f32; 3]> =
            (0..1024).flat_map(|_| hard_cases(rng.next_u32(), rng.next_u32(), rng.next_u32())).collect();
        check(Operation::Fma, &triples);
        check(Operation::Nfma, &triples);
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn random_multiply_adds_have_the_bits_of_one_lane() {
    sweep(100);
}

/// 500 million multiply-adds on every path.
#[test]
#[ignore = "minutes"]
fn a_long_sweep_of_multiply_adds_has_the_bits_of_one_lane() {
    sweep(50_000);
}

/// a * 2^n by both ways.
struct Scaled<'a>(&'a [f32], f32);

impl Kernel for Scaled<'_> {
    type Output = (Vec<f32>, Vec<f32>);
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> Self::Output {
        let Self(from, n) = self;
        let (mut out, mut normal) = (from.to_vec(), from.to_vec());
        for lanes in out.chunks_mut(S::LANES) {
            s.store(lanes, s.scale(s.load(lanes), s.splat(n)));
        }
        for lanes in normal.chunks_mut(S::LANES) {
            s.store(lanes, s.scale_normal(s.load(lanes), s.splat(n + ROUND)));
        }
        (out, normal)
    }
}

#[test]
fn powers_of_two_scale_with_the_bits_of_one_lane() {
    let significands = [0.5, 0.75, 1.0, 1.0 + f32::EPSILON, 1.5, f32::from_bits(0x3fff_ffff)];
    let signed: Vec<f32> = significands.iter().flat_map(|&a| [a, -a]).collect();
    for n in -252_i16..=254 {
        let n = f32::from(n);
        let (expected, expected_normal) = Isa::SCALAR.run(Scaled(&signed, n));
        for isa in Isa::available() {
            let (found, normal) = isa.run(Scaled(&signed, n));
            assert_eq!(found, expected, "{isa}, 2^{n}");
            for ((normal, expected), &a) in normal.iter().zip(&expected_normal).zip(&signed) {
                let exact = f64::from(a.abs()) * f64::from(n).exp2();
                let is_normal = (2_f64.powi(-126)..2_f64.powi(128)).contains(&exact);
                let is_zero = a.abs() == 1.0 && n == -127.0;
                // all others are outside of the contract of the second way
                assert!(!is_normal || normal.to_bits() == expected.to_bits(), "{isa}, {a} * 2^{n}: {normal}");
                assert!(!is_zero || *normal == 0.0 && *expected == 0.0, "{isa}, {a} * 2^{n}: {normal}");
            }
        }
    }
}
