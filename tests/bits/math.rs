//! Promise: exp, tanh and sigmoid are within 1 ulp of the exact value and monotone, over every float32, the same on
//! every instruction set. The ordinary tests take a dense sample; every float32 (seven minutes on two cores of a Zen 3)
//! is
//!
//! ```text
//! cargo test --release --test bits math:: -- --ignored --nocapture
//! ```
//!
//! The exact values are f64's, which are good to about 2^-52: 2^-28 ulp of a float32.

use rnnlm::{Isa, exp, sigmoid, tanh};

struct Function {
    name: &'static str,
    ours: fn(Isa, &mut [f32]),
    exact: fn(f64) -> f64,
    /// Largest error allowed, in ulp of the result.
    bound: f64,
}

const FUNCTIONS: [Function; 3] = [
    Function { name: "exp", ours: exp, exact: f64::exp, bound: 0.79 },
    Function { name: "tanh", ours: tanh, exact: f64::tanh, bound: 0.91 },
    Function { name: "sigmoid", ours: sigmoid, exact: |x| 1.0 / (1.0 + (-x).exp()), bound: 0.795 },
];

/// The unit in the last place of the float32 nearest to `exact`.
fn ulp(exact: f64) -> f64 {
    let nearest = (exact.abs() as f32).min(f32::MAX);
    let exponent = (nearest.to_bits() >> 23).max(1) as i32 - 150;
    2_f64.powi(exponent)
}

#[derive(Default)]
struct Sweep {
    checked: u64,
    worst: f64,
    /// FNV-1a over all results.
    hash: u64,
}

/// Every `step`-th float32 of one sign from zero to infinity, on every instruction set of `isas`.
fn sweep(function: &Function, isas: &[Isa], sign: u32, step: usize) -> Sweep {
    const LEN: usize = 4096;
    const INFINITY: u32 = 0x7f80_0000;
    let mut found = Sweep { hash: 0xcbf2_9ce4_8422_2325, ..Sweep::default() };
    let mut last = None;
    let mut magnitudes = (0..=INFINITY).step_by(step).chain([INFINITY]).peekable();
    while magnitudes.peek().is_some() {
        let xs: Vec<f32> = magnitudes.by_ref().take(LEN).map(|bits| f32::from_bits(sign | bits)).collect();
        let results: Vec<Vec<f32>> = isas
            .iter()
            .map(|&isa| {
                let mut ys = xs.clone();
                (function.ours)(isa, &mut ys);
                ys
            })
            .collect();
        for (i, &x) in xs.iter().enumerate() {
            let y = results[0][i];
            for (ys, isa) in results.iter().zip(isas) {
                assert_eq!(ys[i].to_bits(), y.to_bits(), "{}({x:e}) on {}", function.name, isa.name());
            }
            let exact = (function.exact)(f64::from(x));
            let nearest = exact as f32;
            if nearest.is_finite() && y.is_finite() {
                let error = (f64::from(y) - exact).abs() / ulp(exact);
                assert!(error <= function.bound, "{}({x:e}) = {y:e} is off by {error} ulp", function.name);
                found.worst = found.worst.max(error);
            } else {
                assert_eq!(y, nearest, "{}({x:e})", function.name);
            }
            if let Some((x0, y0)) = last {
                let rises = if sign == 0 { y >= y0 } else { y <= y0 };
                assert!(rises, "{} is not monotone between {x0:e} and {x:e}", function.name);
            }
            last = Some((x, y));
            found.checked += 1;
            found.hash = (found.hash ^ u64::from(y.to_bits())).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    found
}

#[test]
fn a_dense_sample() {
    let isas: Vec<Isa> = Isa::available().collect();
    for function in &FUNCTIONS {
        for sign in [0, 0x8000_0000] {
            let found = sweep(function, &isas, sign, 4099);
            println!("{}: {} values, at most {:.4} ulp", function.name, found.checked, found.worst);
            assert!(found.checked > 500_000 && found.worst > 0.5);
        }
    }
}

/// The golden hashes of the results of each function over every float32 of each sign.
const HASHES: [[&str; 2]; 3] = [
    ["0bd6cd4623c6f3a5", "6ed0071182f335d6"],
    ["2ec90e16a5ab7080", "187cb3d9a5ab7080"],
    ["aa9d3d129844f278", "62427f0e6936b4de"],
];

#[test]
#[ignore = "every float32: seven minutes in release"]
fn every_float() {
    // the fastest path carries the sweep; the sample and `bit_identical` tie the others to it
    let isas = [Isa::detect()];
    std::thread::scope(|scope| {
        for (sign, which) in [(0, 0), (0x8000_0000, 1)] {
            scope.spawn(move || {
                for (function, hashes) in FUNCTIONS.iter().zip(HASHES) {
                    let found = sweep(function, &isas, sign, 1);
                    let hash = format!("{:016x}", found.hash);
                    println!("{} {which}: {} values, {:.4} ulp, {hash}", function.name, found.checked, found.worst);
                    assert_eq!(hash, hashes[which], "{} of sign {which}", function.name);
                }
            });
        }
    });
}

#[test]
fn special_values() {
    let tiny = f32::from_bits(1);
    let subnormal = f32::from_bits(0x0040_1234);
    for isa in Isa::available() {
        let check = |function: fn(Isa, &mut [f32]), x: f32, expected: f32| {
            // in every lane of a vector and in the tail
            let mut xs = [x; 23];
            function(isa, &mut xs);
            for y in xs {
                let same = y.to_bits() == expected.to_bits() || (y.is_nan() && expected.is_nan());
                assert!(same, "{}: {x:e} gives {y:e}, not {expected:e}", isa.name());
            }
        };
        for zero in [0.0, -0.0, tiny, -tiny, subnormal, -subnormal] {
            check(exp, zero, 1.0);
            check(tanh, zero, zero);
            check(sigmoid, zero, 0.5);
        }
        for (x, e, t, g) in [
            (f32::INFINITY, f32::INFINITY, 1.0, 1.0),
            (f32::NEG_INFINITY, 0.0, -1.0, 0.0),
            (f32::MAX, f32::INFINITY, 1.0, 1.0),
            (f32::MIN, 0.0, -1.0, 0.0),
            (89.0, f32::INFINITY, 1.0, 1.0),
            (-104.0, 0.0, -1.0, 0.0),
            (f32::NAN, f32::NAN, f32::NAN, f32::NAN),
        ] {
            check(exp, x, e);
            check(tanh, x, t);
            check(sigmoid, x, g);
        }
        check(exp, 1.0, core::f32::consts::E);
    }
}
