//! gemv: a row times a matrix that comes from memory, in prediction.

use super::{
    assembly,
    operands::{End, Gemv, InPlace, Left, Right, Shape, Start},
    pack::PACK_FROM_COLUMNS,
};
use crate::simd::Simd;

/// The rows of a B of many columns that are read together. In a panel each row of B is a stream of its own to the
/// hardware's prefetcher, which follows only so many. Fewer rows would visit C more often.
pub(super) const GEMV_KC: usize = 20;

impl Gemv<'_> {
    /// As [`Product::run`](super::Product::run), in an order that suits a B read from memory: the chains rest in C
    /// between blocks of k.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        match s.products() {
            Some(products) => assembly::gemv(products, self),
            None => blocks(s, self),
        }
    }
}

fn blocks<S: Simd>(s: S, Gemv { k, n, a, b, c, mut start }: Gemv<'_>) {
    let fits = k.checked_mul(n).is_some_and(|len| len <= b.len());
    let Some(a) = a.get(..k).filter(|_| fits) else {
        debug_assert!(false, "a slice is shorter than its shape");
        return;
    };
    let kc = if S::LANES == 1 || n < PACK_FROM_COLUMNS { k } else { GEMV_KC };
    let mut block = |a: &[f32], b, start| {
        let shape = Shape { m: 1, k: a.len(), n };
        InPlace { shape, a: Left::rows(a, a.len()).0, b: Right::Rows(b), c: &mut *c, start, end: End::Store }.run(s);
    };
    if k <= kc {
        return block(a, b, start);
    }
    for (a, b) in a.chunks(kc).zip(b.chunks(kc.saturating_mul(n))) {
        block(a, b, start);
        start = Start::C;
    }
}
