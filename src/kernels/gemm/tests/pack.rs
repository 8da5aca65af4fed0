//! Every element that is packed has its place in a panel.

extern crate std;
use std::vec::Vec;

use super::super::pack::*;
use crate::{
    Isa,
    simd::{Kernel, Simd},
};

struct Pack<'a>(PackTransposed<'a>);

impl Kernel for Pack<'_> {
    /// The vectors of the panels, and how many lanes they have.
    type Output = (Vec<usize>, usize);
    fn call<S: Simd>(self, s: S) -> Self::Output {
        let (n, single_row) = (self.0.n, self.0.single_row);
        self.0.call(s);
        let (mut panels, mut left) = (Vec::new(), 0);
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, single_row);
            panels.push(vectors);
            left += width;
        }
        (panels, S::LANES)
    }
}

#[test]
fn every_element_has_its_place() {
    for (n, k, rows) in (1..=20).map(|n| (n, 19, 1..19)).chain([
        (37, 16, 0..16),
        (100, 40, 3..38),
        (5, 9, 2..7),
        (18, 9, 6..9),
        (37, 4, 0..4),
    ]) {
        let b: Vec<f32> = (0..n * k).map(|i| i as f32).collect();
        // one lane reads the operand in place
        let isas = Isa::available().filter(|isa| isa.name() != "portable");
        for (isa, single_row) in isas.flat_map(|isa| [(isa, false), (isa, true)]) {
            let mut to = std::vec![-1.0; padded(n) * rows.len()];
            let pack = PackTransposed { to: &mut to, b: &b, k, rows: rows.clone(), n, single_row };
            let (panels, lanes) = isa.run(Pack(pack));
            let mut left = 0;
            for vectors in panels {
                let width = vectors * lanes;
                for (p, row) in rows.clone().enumerate() {
                    for j in left..n.min(left + width) {
                        let packed = to[left * rows.len() + p * width + j - left];
                        assert_eq!(packed, b[j * k + row], "{} {n} x {k}: row {row}, column {j}", isa.name());
                    }
                }
                left += width;
            }
        }
    }
}
