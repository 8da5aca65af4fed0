extern crate std;
use std::vec::Vec;

use super::{super::in_registers::InRegisters, *};
use crate::{
    Isa,
    kernels::gemm::{End, Left, Product, Right, Shape, Start},
    simd::Kernel,
};

/// Packs three operands during a recurrence of `steps` steps, and gives what products with them are; `None` where
/// they aren't packed so.
struct Products<'a> {
    shapes: Shapes,
    operands: Transposes<&'a [f32]>,
    scratch: &'a mut [f32],
    steps: usize,
}

impl Kernel for Products<'_> {
    type Output = Option<[Vec<f32>; 3]>;
    fn call<S: Simd>(self, s: S) -> Self::Output {
        let Self { shapes, operands, scratch, steps } = self;
        let [hidden, _] = shapes.wh;
        {
            let overlap = PackTransposes::new::<S>(shapes, operands, steps, scratch)?;
            let (before, wh) = (std::vec![0.5; hidden], std::vec![0.01; hidden * hidden]);
            let mut z = std::vec![0.25; steps * hidden];
            assert!(s.run(InRegisters { before: &before, z: &mut z, wh: &wh, overlap }));
        }
        let Transposes { affine_w, wh, wx } = packed_transposes::<S>(shapes, scratch)?;
        let operands = [(affine_w, shapes.affine_w, steps), (wh, shapes.wh, 1), (wx, shapes.wx, steps)];
        Some(operands.map(|(panels, [k, n], m)| {
            let a: Vec<f32> = (0..m * k).map(|i| (i % 5) as f32).collect();
            let mut c = std::vec![0.0; m * n];
            let (a, b, end) = (Left::rows(&a, k), Right::Panels(panels), End::Store);
            let shape = Shape { m, k, n };
            Product { shape, a, b, c: &mut c, start: Start::Zero, end, scratch: &mut [] }.run(s);
            c
        }))
    }
}

#[test]
fn products_with_what_was_packed_are_those_with_the_transposes() {
    let mut packed = 0;
    for hidden in [4, 8, 16, 32, 64] {
        for (v, d, steps) in [(4, 8, 1), (5, 16, 3), (29, 32, 9), (64, 16, 8), (127, 64, 2), (128, 4, 40)] {
            let shapes = [[v, hidden], [hidden, hidden], [hidden, d]];
            // small integers, so that every sum is exact
            let operands = shapes.map(|[k, n]| (0..k * n).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<f32>>());
            let expected = [(0, steps), (1, 1), (2, steps)].map(|(i, m)| {
                let [k, n] = shapes[i];
                let element =
                    |at: usize| (0..k).map(|p| ((at / n * k + p) % 5) as f32 * operands[i][at % n * k + p]).sum();
                (0..m * n).map(element).collect::<Vec<f32>>()
            });
            for isa in Isa::available() {
                // at no line's start
                let shapes = Transposes { affine_w: shapes[0], wh: shapes[1], wx: shapes[2] };
                let mut scratch = std::vec![f32::NAN; transposes_len(shapes) + 1];
                let operands = Transposes { affine_w: &operands[0][..], wh: &operands[1], wx: &operands[2] };
                let products = isa.run(Products { shapes, operands, scratch: &mut scratch[1..], steps });
                if let Some(products) = products {
                    assert_eq!(products, expected, "{} {v} {d} {hidden} {steps}", isa.name());
                    packed += 1;
                }
            }
        }
    }
    let lanes = Isa::available().filter(|isa| isa.name() != "portable" && isa.name() != "cortex-m").count();
    assert!(packed >= 6 * lanes, "{packed}");
}

#[test]
fn workload_e_is_packed_where_there_are_vectors() {
    let shapes = Transposes { affine_w: [64, 32], wh: [32, 32], wx: [32, 16] };
    struct Has<'a>(&'a mut [f32], Shapes);
    impl Kernel for Has<'_> {
        type Output = bool;
        fn call<S: Simd>(self, _: S) -> bool {
            packed_transposes::<S>(self.1, self.0).is_some()
        }
    }
    for name in ["avx2", "avx512"] {
        let Ok(isa) = Isa::by_name(name) else { continue };
        let mut scratch = std::vec![0.0; transposes_len(shapes)];
        assert!(isa.run(Has(&mut scratch, shapes)), "{name}");
        assert!(!isa.run(Has(&mut scratch[..64], shapes)), "{name}: too short");
        assert!(!isa.run(Has(&mut scratch, Transposes { affine_w: [129, 32], ..shapes })), "{name}: too large");
    }
    assert!(!Isa::SCALAR.run(Has(&mut std::vec![0.0; 8192], shapes)));
}
