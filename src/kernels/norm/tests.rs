extern crate std;
use std::vec::Vec;

use super::*;
use crate::{Isa, kernels::workers::Alone, simd::Portable};

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn agrees_with_float64_at_every_length_and_scale() {
    for len in [1, 2, 15, 16, 17, 4095, 4096, 4097, 100_000] {
        for scale in [1.0_f32, 1e-42, 1e-30, 1e30, 2e35] {
            let x: Vec<f32> = (0..len).map(|i| ((i * 37 + 11) % 101) as f32 * 0.02 * scale - scale).collect();
            let exact = x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let bits = Isa::SCALAR.run(Norm(Alone, &x)).to_bits();
            for isa in Isa::available() {
                let norm = isa.run(Norm(Alone, &x));
                assert_eq!(norm.to_bits(), bits, "{} {len} {scale}", isa.name());
                // a unit in the last place of a subnormal norm is not small
                let allowed = 2e-6 * exact + 1e-45;
                assert!((f64::from(norm) - exact).abs() <= allowed, "{len} {scale}: {norm:e} {exact:e}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn the_sum_has_the_written_order() {
    for len in [6000, 10_000, 50_000] {
        // the largest element is below 2 and not below 1, so that nothing is scaled
        let x: Vec<f32> = (0..len).map(|i| ((i * 37 + 11) % 199 + 1) as f32 / 100.3).collect();
        let mut total = Sum::default();
        for block in x.chunks(4096) {
            let mut lanes = [0.0; 16];
            for (i, &x) in block.iter().enumerate() {
                lanes[i % 16] = Portable.fma_one(x, x, lanes[i % 16]);
            }
            for width in [8, 4, 2, 1] {
                for i in 0..width {
                    lanes[i] += lanes[i + width];
                }
            }
            total.add(lanes[0]);
        }
        let expected = sqrt(Portable, total.mean(1)).to_bits();
        for isa in Isa::available() {
            assert_eq!(isa.run(Norm(Alone, &x)).to_bits(), expected, "{} {len}", isa.name());
        }
    }
}

#[test]
fn nothing_and_zeros_have_none_and_bad_elements_show() {
    for isa in Isa::available() {
        assert_eq!((isa.run(Norm(Alone, &[])), isa.run(Norm(Alone, &[0.0; 40]))), (0.0, 0.0));
        for bad in [f32::NAN, f32::INFINITY] {
            assert!(isa.run(Norm(Alone, &[1.0, bad, 0.0])).is_nan());
        }
        assert_eq!(isa.run(Norm(Alone, &[f32::MAX; 3])), f32::INFINITY, "the norm itself overflows");
    }
}
