//! The matrix product: every product of the model is one of these.
//!
//! The idea: each element of C is ONE chain of fused multiply-adds in ascending k, whatever the tile or the vector:
//!
//! ```text
//! for each block of NV vectors of columns            the k rows of B below it stay in cache
//!     for each block of MR rows                      MR x NV accumulators stay in registers
//!         acc = start                                0, a bias row, or C itself
//!         for p in 0..k                              ascending, never split over lanes
//!             acc[i][v] = fma(A[i][p], B[p][v], acc[i][v])
//!         C = acc                                    or the SGD step C = fma(-rate, acc, C)
//! ```
//!
//! Vectors run over columns of C, so tile sizes and vector width don't show in the result. A is read by single
//! elements, so it may be transposed at no cost. B transposed (NT) has its rows across k: one-lane paths read it where it
//! stands, wider ones first copy blocks of `PACK_ROWS` x tile columns into scratch; a chain that spans several
//! blocks rests in C between them, which changes no bit.
//!
//! Tile sizes: AVX2 has sixteen registers; 6 x 2 vectors fill twelve with accumulators and leave two for B and one for A.

use super::tile::{Strided, tile};
use crate::simd::{Kernel, PACK_COLUMNS, Simd};

/// Rows of B per packed block: 256 x 16 columns are 16 KB, half of a small L1 cache.
const PACK_ROWS: usize = 256;

/// The scratch that [`product_nt`] needs for inner size `k`, in f32.
pub(crate) const fn pack_len(k: usize) -> usize {
    (if k < PACK_ROWS { k } else { PACK_ROWS }) * PACK_COLUMNS
}

/// The left operand, m x k.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a>(Strided<'a>);

impl<'a> Left<'a> {
    /// Row-major m x k.
    pub(crate) fn rows(data: &'a [f32], k: usize) -> Self {
        Self(Strided { data, row: k, col: 1 })
    }
    /// The transpose of a row-major k x m matrix.
    pub(crate) fn transposed(data: &'a [f32], m: usize) -> Self {
        Self(Strided { data, row: 1, col: m })
    }
    /// A row of ones: the product with it sums the columns of B, in ascending k.
    pub(crate) fn ones() -> Self {
        Self(Strided { data: &[1.0], row: 0, col: 0 })
    }
}

/// Where the chains start and where their results go.
#[derive(Clone, Copy)]
pub(crate) enum Into<'a> {
    /// C = A B
    Set,
    /// C = bias + A B, the bias added to every row
    Bias(&'a [f32]),
    /// C = C + A B, the chains continued
    Continue,
    /// C = C - rate (A B): the SGD step whose gradient is the product
    Descend(f32),
    /// C stays; tells whether `Descend` would take only finite steps to finite weights
    Probe(f32),
}

/// C (m x n) from A (m x k) and row-major B (k x n). False where a `Probe` found a step that is not finite, or
/// where a slice is shorter than its shape (nothing is done then; callers lay out their shapes so that it never is).
pub(crate) fn product<S: Simd>(
    s: S,
    [m, k, n]: [usize; 3],
    a: Left<'_>,
    b: &[f32],
    c: &mut [f32],
    into: Into<'_>,
) -> bool {
    let b = Strided { data: b, row: n, col: 1 };
    s.run(Product { m, k, n, a: a.0, b, c, c_row: n, into })
}

/// C (m x n) = or += A (m x k) times the transpose of row-major B (n x k), with [`pack_len`] floats of scratch.
pub(crate) fn product_nt<S: Simd>(
    s: S,
    [m, k, n]: [usize; 3],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    into: Into<'_>,
    scratch: &mut [f32],
) -> bool {
    let a = Strided { data: a, row: k, col: 1 };
    let b = Strided { data: b, row: 1, col: k };
    if S::LANES == 1 {
        return s.run(Product { m, k, n, a, b, c, c_row: n, into });
    }
    if b.data.len() < n * k || scratch.len() < pack_len(k) {
        return false;
    }
    if k == 0 {
        return s.run(Product { m, k, n, a, b, c, c_row: n, into });
    }
    let mut good = true;
    for left in (0..n).step_by(PACK_COLUMNS) {
        let width = PACK_COLUMNS.min(n - left);
        for top in (0..k).step_by(PACK_ROWS) {
            let height = PACK_ROWS.min(k - top);
            let packed = &mut scratch[..height * PACK_COLUMNS];
            for (p, row) in packed.chunks_exact_mut(PACK_COLUMNS).enumerate() {
                for (j, to) in row[..width].iter_mut().enumerate() {
                    *to = b.data[(left + j) * k + top + p];
                }
            }
            let a = Strided { data: a.data.get(top..).unwrap_or(&[]), ..a };
            let b = Strided { data: packed, row: PACK_COLUMNS, col: 1 };
            let into = match into {
                _ if top > 0 => Into::Continue,
                Into::Bias(bias) => Into::Bias(bias.get(left..).unwrap_or(&[])),
                _ => into,
            };
            let c = c.get_mut(left..).unwrap_or(&mut []);
            good &= s.run(Product { m, k: height, n: width, a, b, c, c_row: n, into });
        }
    }
    good
}

struct Product<'a> {
    m: usize,
    k: usize,
    n: usize,
    a: Strided<'a>,
    b: Strided<'a>,
    c: &'a mut [f32],
    c_row: usize,
    into: Into<'a>,
}

impl Kernel for Product<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) -> bool {
        if self.m == 0 || self.n == 0 {
            return true;
        }
        if !self.fits() {
            return false;
        }
        let mut good = true;
        let mut left = 0;
        while left < self.n {
            let rest = self.n - left;
            if rest >= 2 * S::LANES {
                good &= self.column::<S, 2>(s, left, 2 * S::LANES);
                left += 2 * S::LANES;
            } else {
                let width = rest.min(S::LANES);
                good &= self.column::<S, 1>(s, left, width);
                left += width;
            }
        }
        good
    }
}

impl Product<'_> {
    /// Every element that the tiles will touch lies inside its slice: what makes the unsafe tile sound.
    fn fits(&self) -> bool {
        let c_len = (self.m - 1).checked_mul(self.c_row).and_then(|rows| rows.checked_add(self.n));
        let bias_fits = if let Into::Bias(bias) = self.into { bias.len() >= self.n } else { true };
        self.a.covers(self.m, self.k)
            && self.b.covers(self.k, self.n)
            && c_len.is_some_and(|len| len <= self.c.len())
            && bias_fits
    }

    /// All rows of one block of at most NV vectors of columns.
    #[inline(always)]
    fn column<S: Simd, const NV: usize>(&mut self, s: S, left: usize, width: usize) -> bool {
        let mut good = true;
        let mut top = 0;
        while top < self.m {
            let rest = self.m - top;
            let (step, finite) = match rest {
                6.. => (6, self.block::<S, 6, NV>(s, top, left, width)),
                4.. => (4, self.block::<S, 4, NV>(s, top, left, width)),
                2.. => (2, self.block::<S, 2, NV>(s, top, left, width)),
                _ => (1, self.block::<S, 1, NV>(s, top, left, width)),
            };
            good &= finite;
            top += step;
        }
        good
    }

    #[inline(always)]
    fn block<S: Simd, const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        top: usize,
        left: usize,
        width: usize,
    ) -> bool {
        // SAFETY: `call` checked with `fits` that m x k of A, k x n of B, m x n of C and n of a bias are there,
        // and top + MR <= m, left + width <= n, width <= NV * LANES.
        #[allow(unsafe_code)]
        unsafe {
            tile::<S, MR, NV>(s, self.k, self.a, self.b, self.c, self.c_row, [top, left, width], self.into)
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Isa, rng::Xorshift, simd::Portable};

    fn random(rng: &mut Xorshift, len: usize) -> Vec<f32> {
        (0..len).map(|_| rng.uniform() * 2.0 - 1.0).collect()
    }

    struct Case<'a> {
        shape: [usize; 3],
        a: &'a [f32],
        b: &'a [f32],
        kind: Kind,
        into: Into<'a>,
        c: &'a mut [f32],
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Kind {
        Nn,
        Tn,
        Nt,
    }

    impl Kernel for Case<'_> {
        type Output = bool;
        fn call<S: Simd>(self, s: S) -> bool {
            let [m, k, _] = self.shape;
            match self.kind {
                Kind::Nn => product(s, self.shape, Left::rows(self.a, k), self.b, self.c, self.into),
                Kind::Tn => product(s, self.shape, Left::transposed(self.a, m), self.b, self.c, self.into),
                Kind::Nt => {
                    let mut scratch = std::vec![0.0; pack_len(k)];
                    product_nt(s, self.shape, self.a, self.b, self.c, self.into, &mut scratch)
                }
            }
        }
    }

    /// The definition, one element after the other.
    fn by_definition(case: Case<'_>) {
        let [m, k, n] = case.shape;
        let fma = |a, b, c| Portable.fma_one(a, b, c);
        for i in 0..m {
            for j in 0..n {
                let c = &mut case.c[i * n + j];
                let mut sum = match case.into {
                    Into::Bias(bias) => bias[j],
                    Into::Continue => *c,
                    _ => 0.0,
                };
                for p in 0..k {
                    let a = if case.kind == Kind::Tn { case.a[p * m + i] } else { case.a[i * k + p] };
                    let b = if case.kind == Kind::Nt { case.b[j * k + p] } else { case.b[p * n + j] };
                    sum = fma(a, b, sum);
                }
                match case.into {
                    Into::Descend(rate) => *c = fma(-rate, sum, *c),
                    Into::Probe(_) => {}
                    _ => *c = sum,
                }
            }
        }
    }

    fn check(shape: [usize; 3], rng: &mut Xorshift) {
        let [m, k, n] = shape;
        let (a, b) = (random(rng, m * k), random(rng, k * n));
        let (before, bias) = (random(rng, m * n), random(rng, n));
        let choices = [Into::Set, Into::Bias(&bias), Into::Continue, Into::Descend(0.1), Into::Probe(0.1)];
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt] {
            let allowed = if kind == Kind::Nt { 3 } else { 5 };
            for (which, &into) in choices[..allowed].iter().enumerate() {
                let mut expected = before.clone();
                by_definition(Case { shape, a: &a, b: &b, kind, into, c: &mut expected });
                for isa in Isa::available() {
                    let mut ours = before.clone();
                    assert!(isa.run(Case { shape, a: &a, b: &b, kind, into, c: &mut ours }));
                    let same = ours.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                    assert!(same, "{} {kind:?} {shape:?} into {which}", isa.name());
                }
            }
        }
    }

    #[test]
    fn every_tile_edge_has_the_bits_of_the_definition() {
        let mut rng = Xorshift::new(3);
        for m in [0, 1, 2, 3, 5, 6, 7, 13] {
            for k in [0, 1, 2, 9] {
                for n in [0, 1, 7, 8, 9, 15, 16, 17, 33] {
                    check([m, k, n], &mut rng);
                }
            }
        }
        for shape in [[1, 32, 32], [8, 255, 17], [3, 256, 16], [2, 257, 9], [5, 600, 31]] {
            check(shape, &mut rng);
        }
    }

    #[test]
    fn a_probe_finds_the_step_that_overflows() {
        let mut c = [0.0, f32::MAX, f32::INFINITY];
        for (b, finite) in [([1.0, 1.0, 1.0], true), ([1e38, 0.0, 0.0], false), ([0.0, -1e33, 0.0], false)] {
            for isa in Isa::available() {
                let (a, into) = (&[10.0], Into::Probe(1.0));
                let case = Case { shape: [1, 1, 3], a, b: &b, kind: Kind::Nn, into, c: &mut c };
                assert_eq!(isa.run(case), finite, "{} {b:?}", isa.name());
            }
        }
        assert_eq!(c, [0.0, f32::MAX, f32::INFINITY]);
    }

    #[test]
    fn short_slices_do_nothing() {
        let (a, b, mut c) = ([1.0; 6], [1.0; 6], [5.0; 3]);
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt] {
            for isa in Isa::available() {
                assert!(!isa.run(Case { shape: [2, 3, 2], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
                assert!(!isa.run(Case { shape: [1, 7, 1], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
            }
        }
        assert_eq!(c, [5.0; 3]);
    }
}
