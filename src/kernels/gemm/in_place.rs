//! A product whose operands are used as they are, row-major, transposed or in panels already: which kernel computes it.

use super::{
    assembly,
    macrokernel::Macrokernel,
    one_by_one::OneByOne,
    operands::{End, InPlace, Right, Shape, Strided},
    single_row::Row,
};
use crate::{
    kernels::workers::{Columns, Cut, Dealt, Team},
    simd::Simd,
};

impl InPlace<'_> {
    /// [`Self::run`] by a team, split by rows of C.
    #[inline(always)]
    pub(super) fn run_by<T: Team, S: Simd>(&mut self, team: T, s: S) {
        if T::ALONE {
            return self.run(s);
        }
        let &mut Self { shape, a, b, ref mut c, start, end } = self;
        let Shape { m, k, n } = shape;
        // by pairs: B may be in panels for more than one row
        let pairs = m / 2;
        let parts = team.parts(shape.work(), pairs, 1);
        let pair = n.saturating_mul(2);
        let dealt = match end {
            End::Probe(_) => None,
            _ if parts < 2 => None,
            _ => Dealt::new([Cut { data: c, rows: 1, width: m.saturating_mul(n), unit: pair }], pairs, parts),
        };
        let Some(dealt) = dealt else { return self.run(s) };
        let rate = end.rate();
        team.run(&mut [], &|_| {
            while let Some((pairs, [mut c])) = dealt.take() {
                let (a, c) = (a.from(2 * pairs.start * a.row, k), c.row(0));
                let shape = Shape { m: c.len().checked_div(n).unwrap_or(0), ..shape };
                let end = rate.map_or(End::Store, End::Descend);
                InPlace { shape, a, b, c, start, end }.run(s);
            }
        });
    }

    #[inline(always)]
    pub(super) fn run<S: Simd>(&mut self, s: S) {
        if let Some(products) = s.products() {
            return assembly::product(s, products, self);
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
            _ => s.run(Macrokernel::new(shape, a, b, Columns::of(c, shape.m, shape.n, shape.n), start, end.rate())),
        }
    }
}
