//! Small operands transposed beside a recurrence.
//!
//! The recurrence of a batch of one waits for itself and leaves the processor most of its time. Meanwhile the transposes of the
//! weights that the backward pass multiplies by are packed, a few rows between any few links of the chains. Behind a whole
//! step they would cost their time: the links and the function behind them, all waiting, fill what the processor looks ahead.
//!
//! Both passes ask [`places`], so what the backward pass finds there the forward pass of the window has packed.

use super::steps::{Meanwhile, whole_vectors};
use crate::{
    kernels::gemm::{WIDE, aligned, next_panel, padded, with_room_to_align},
    simd::{Simd, WIDEST},
};

/// The k and n of three operands, each the transpose of a row-major n x k matrix.
pub(crate) type Shapes = [[usize; 2]; 3];

/// Longer operands would for the most part be packed behind the recurrence. Wide products, which would use the same scratch between
/// the passes, have far more columns.
const LONGEST: usize = 128;
const _: () = assert!(LONGEST < WIDE);
/// Rows of an operand that are packed at a time.
const ROWS: usize = 4;

/// The scratch for three such operands, in f32: 0 where no instruction set packs them.
pub(crate) const fn beside_len([a, b, c]: Shapes) -> usize {
    if fits(a) && fits(b) && fits(c) { with_room_to_align(len(a) + len(b) + len(c)) } else { 0 }
}

/// Whether some instruction set packs it.
const fn fits([k, n]: [usize; 2]) -> bool {
    ROWS <= k && k <= LONGEST && n.is_power_of_two() && n <= 4 * WIDEST
}

const fn len([k, n]: [usize; 2]) -> usize {
    k * padded(n)
}

/// Where in the scratch the three operands stand, in panels; `None` where they aren't packed so. The second is that of the
/// recurrence.
pub(crate) fn places<S: Simd>(shapes: Shapes, scratch: &mut [f32]) -> Option<[&mut [f32]; 3]> {
    if !shapes.into_iter().all(|shape @ [_, n]| fits(shape) && whole_vectors::<S>(n).is_some()) {
        return None;
    }
    let [a, b, c] = shapes;
    let (first, rest) = aligned(scratch).split_at_mut_checked(len(a))?;
    let (second, rest) = rest.split_at_mut_checked(len(b))?;
    Some([first, second, rest.get_mut(..len(c))?])
}

/// What remains to be packed.
pub(crate) struct Beside<'a> {
    operands: [Operand<'a>; 3],
    /// The operand in work, the first column of its panel in work, and the next row of that.
    at: usize,
    left: usize,
    top: usize,
}

struct Operand<'a> {
    /// Row-major n x k.
    from: &'a [f32],
    to: &'a mut [f32],
    k: usize,
    n: usize,
    /// The columns of its panels.
    width: usize,
}

impl<'a> Beside<'a> {
    /// The transposes of these row-major matrices, for products with a single row or with more, in their [`places`]; `None` where
    /// they have none.
    pub(crate) fn new<S: Simd>(
        shapes: Shapes,
        from: [&'a [f32]; 3],
        single_row: [bool; 3],
        scratch: &'a mut [f32],
    ) -> Option<Self> {
        let ([to_a, to_b, to_c], [from_a, from_b, from_c]) = (places::<S>(shapes, scratch)?, from);
        let ([a, b, c], [single_a, single_b, single_c]) = (shapes, single_row);
        // all panels are as wide as the first: n is one, two or four vectors
        let operand =
            |from, to, [k, n]: [usize; 2], single| Operand { from, to, k, n, width: next_panel::<S>(n, single).1 };
        let operands = [
            operand(from_a, to_a, a, single_a),
            operand(from_b, to_b, b, single_b),
            operand(from_c, to_c, c, single_c),
        ];
        Some(Self { operands, at: 0, left: 0, top: 0 })
    }
}

impl Meanwhile for Beside<'_> {
    /// Some rows.
    #[inline(always)]
    fn piece<S: Simd>(&mut self, s: S) -> bool {
        let Some(Operand { from, to, k, n, width }) = self.operands.get_mut(self.at) else { return false };
        // the last rows reach back over some that are packed already
        let top = self.top.min(k.saturating_sub(ROWS));
        let panel = self.left * *k;
        let (to, from) = (to.get_mut(panel + top * *width..), from.get(panel + top..));
        let (to, from) = (to.unwrap_or_default(), from.unwrap_or_default());
        if *width == S::LANES {
            s.transpose_four::<1>(to, from, *k);
        } else if *width == 2 * S::LANES {
            s.transpose_four::<2>(to, from, *k);
        } else {
            s.transpose_four::<4>(to, from, *k);
        }
        self.top += ROWS;
        if self.top >= *k {
            (self.left, self.top) = (self.left + *width, 0);
            if self.left >= *n {
                (self.at, self.left) = (self.at + 1, 0);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{super::Recurrence, *};
    use crate::{
        Isa,
        kernels::gemm::{Into, Left, Right, product},
        simd::Kernel,
    };

    /// Packs three operands beside a recurrence of `steps` steps, and gives what products with them are; `None` where they aren't
    /// packed so.
    struct Products<'a> {
        shapes: Shapes,
        operands: [&'a [f32]; 3],
        scratch: &'a mut [f32],
        steps: usize,
    }

    impl Kernel for Products<'_> {
        type Output = Option<[Vec<f32>; 3]>;
        fn call<S: Simd>(self, s: S) -> Self::Output {
            let Self { shapes, operands, scratch, steps } = self;
            let [_, [hidden, _], _] = shapes;
            // for the last operand alone a product with a single row
            let rows = [3, 3, 1];
            {
                let meanwhile = Beside::new::<S>(shapes, operands, rows.map(|m| m == 1), scratch)?;
                let (before, w) = (std::vec![0.5; hidden], std::vec![0.01; hidden * hidden]);
                let mut z = std::vec![0.25; steps * hidden];
                assert!(s.run(Recurrence { before: &before, z: &mut z, w: &w, meanwhile }));
            }
            let places = places::<S>(shapes, scratch)?;
            let mut at = 0;
            Some(places.map(|panels| {
                let ([k, n], m) = (shapes[at], rows[at]);
                let a: Vec<f32> = (0..m * k).map(|i| (i % 5) as f32).collect();
                let mut c = std::vec![0.0; m * n];
                assert!(product(s, [m, k, n], Left::rows(&a, k), Right::Panels(panels), &mut c, Into::Set));
                at += 1;
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
                // small whole numbers, so that every sum is exact
                let operands = shapes.map(|[k, n]| (0..k * n).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<f32>>());
                let expected = [(0, 3), (1, 3), (2, 1)].map(|(i, m)| {
                    let [k, n] = shapes[i];
                    let element =
                        |at: usize| (0..k).map(|p| ((at / n * k + p) % 5) as f32 * operands[i][at % n * k + p]).sum();
                    (0..m * n).map(element).collect::<Vec<f32>>()
                });
                for isa in Isa::available() {
                    // at no line's start
                    let mut scratch = std::vec![f32::NAN; beside_len(shapes) + 1];
                    let operands = [0, 1, 2].map(|i| &operands[i][..]);
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
        let shapes = [[64, 32], [32, 32], [32, 16]];
        struct Has<'a>(&'a mut [f32], Shapes);
        impl Kernel for Has<'_> {
            type Output = bool;
            fn call<S: Simd>(self, _: S) -> bool {
                places::<S>(self.1, self.0).is_some()
            }
        }
        for name in ["avx2", "avx512"] {
            let Ok(isa) = Isa::by_name(name) else { continue };
            let mut scratch = std::vec![0.0; beside_len(shapes)];
            assert!(isa.run(Has(&mut scratch, shapes)), "{name}");
            assert!(!isa.run(Has(&mut scratch[..64], shapes)), "{name}: too short");
            assert!(!isa.run(Has(&mut scratch, [[129, 32], [32, 32], [32, 16]])), "{name}: too large");
        }
        assert!(!Isa::PORTABLE.run(Has(&mut std::vec![0.0; 8192], shapes)));
    }
}
