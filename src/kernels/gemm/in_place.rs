//! A product whose operands are used as they are, row-major, transposed or in panels already: which kernel computes it.

use super::{
    assembly,
    macrokernel::Macrokernel,
    one_by_one::OneByOne,
    operands::{End, InPlace, Right, Strided},
    single_row::Row,
};
use crate::simd::Simd;

impl InPlace<'_> {
    #[inline(always)]
    pub(super) fn run<S: Simd>(&mut self, s: S) {
        if let Some(passes) = s.passes() {
            return assembly::product(s, passes, self);
        }
        let &mut Self { shape, a, b, ref mut c, start, end } = self;
        let c = &mut **c;
        match (b, end) {
            (Right::Rows(data), End::Probe(_)) => {
                s.run(OneByOne { shape, a, b: Strided { data, row: shape.n, col: 1 }, c, start, end });
            }
            (Right::Transposed(data), End::Probe(_)) => {
                s.run(OneByOne { shape, a, b: Strided { data, row: 1, col: shape.k }, c, start, end });
            }
            _ if S::LANES > 1 && shape.m == 1 => s.run(Row { shape, a, b, c, start, rate: end.rate() }),
            _ => s.run(Macrokernel::new(shape, a, b, c, start, end.rate())),
        }
    }
}
