//! A product one element after the other, for what is rare: a probe, and a descent along a transposed B.

use super::operands::{End, Shape, Start, Strided};
use crate::{
    kernels::descent::step_is_finite,
    simd::{Kernel, Simd},
};

pub(super) struct OneByOne<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: Strided<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) end: End<'a>,
}

impl Kernel for OneByOne<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { shape: Shape { m, k, n }, a, b, c, start, end } = self;
        let fits =
            a.covers(m, k) && b.covers(k, n) && start.covers(n) && Strided { data: c, row: n, col: 1 }.covers(m, n);
        debug_assert!(fits, "a slice is shorter than its shape");
        if !fits {
            // what can't be computed is not known to be finite
            if let End::Probe(probe) = end {
                probe.note(false);
            }
            return;
        }
        let at = |x: Strided<'_>, i: usize, j: usize| x.data.get(i * x.row + j * x.col).copied().unwrap_or(f32::NAN);
        for (i, row) in c.chunks_mut(n.max(1)).take(m).enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                let first = match start {
                    Start::Zero => 0.0,
                    Start::Bias(bias) => bias.get(j).copied().unwrap_or(f32::NAN),
                    Start::C => *c,
                };
                let result = (0..k).fold(first, |sum, p| s.fma_one(at(a, i, p), at(b, p, j), sum));
                match end {
                    End::Store => *c = result,
                    End::Descend(rate) => *c = s.fma_one(-rate, result, *c),
                    End::Probe(probe) => probe.note(step_is_finite(s, probe.rate, result, *c)),
                }
            }
        }
    }
}
