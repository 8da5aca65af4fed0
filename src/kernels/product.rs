//! The matrix product: every product of the model is one of these.
//!
//! The idea: each element of C is ONE chain of fused multiply-adds in ascending k, whatever the tile or the vector:
//!
//! ```text
//! for each group of panels of NV vectors of columns      the k rows of B below it stay in cache
//!     for each block of MR rows                          its rows of A stay in the first-level cache
//!         for each panel of the group                    MR x NV accumulators stay in registers
//!             acc = start                                0, a bias row, or C itself
//!             for p in 0..k                              ascending, never split over lanes
//!                 acc[i][v] = fma(A[i][p], B[p][v], acc[i][v])
//!             C = acc                                    or the SGD step C = fma(-rate, acc, C)
//! ```
//!
//! Vectors run over columns of C, so tile sizes and vector width don't show in the result. A is read by single
//! elements, so it may be transposed at no cost. B transposed has its rows across k: one-lane paths read it where it
//! stands, wider ones pack it first (`product_nt.rs`).
//!
//! A group is all whole panels of a packed B, so that narrow panels don't read A more often than wide ones; who packs
//! chooses how many columns it has. Where B stands unpacked a group is one panel: a second one would push the first out of
//! the cache, whose lines lie a row of B apart.
//!
//! Tile sizes: MR is what ACCUMULATORS allow, and rows are split evenly, so that no block is left with too few chains
//! to hide the latency. AVX-512: 6 x 4, 8 x 3, 12 x 2 of 32 registers; the last two panels are made even, so that none
//! is left with a single vector. AVX2: 6 x 2 of 16 registers, and 3 x 3 in place of a last panel and a lone vector: 12 x 1 takes 13
//! loads for 12 multiplications, and the compiler keeps accumulators of 4 x 3 in memory. A last vector that isn't whole is
//! masked where that costs nothing, and reaches back over the one before elsewhere. A single row has only its vectors as chains, so its
//! panels are eight vectors wide.

use super::{
    descent::step_is_finite,
    operands::{Into, Left, Right, Strided},
    pack::{LINE, PANEL_COLUMNS, next_panel, padded, usual_columns, with_room_to_align},
    row::Row,
    tile::{Ahead, tile},
    whole::whole,
};
use crate::simd::{Kernel, PACKS, Simd};

/// From this k on a tile of the first columns asks for the rows of A below it while it computes: shorter ones come in time.
const LONG_ROWS: usize = 192;

/// The scratch that [`Right::transposed`] needs for inner size `k` and `n` columns, in f32.
pub(crate) const fn transposed_len(k: usize, n: usize) -> usize {
    if PACKS { with_room_to_align(k.saturating_mul(padded(n))) } else { 0 }
}

/// C (m x n) from A (m x k) and B (k x n). False where a `Probe` found a step that is not finite, or where a slice is
/// shorter than its shape (nothing is done then; callers lay out their shapes so that it never is).
pub(crate) fn product<S: Simd>(
    s: S,
    shape: [usize; 3],
    a: Left<'_>,
    b: Right<'_>,
    c: &mut [f32],
    into: Into<'_>,
) -> bool {
    if S::WHOLE {
        return whole(s, shape, &a.0, b, c, into);
    }
    let [m, k, n] = shape;
    if S::LANES > 1 && m == 1 && !matches!(into, Into::Probe(_)) {
        return s.run(Row { shape: [k, n], a: a.0, b, c, into });
    }
    s.run(Product::new(shape, a.0, b, c, into))
}

pub(super) struct Product<'a> {
    pub(super) shape: [usize; 3],
    pub(super) a: Strided<'a>,
    /// A again, packed for the blocks of rows of full panels, or nothing.
    pub(super) strips: &'a [f32],
    /// The B of the next product, to be asked for meanwhile, or nothing.
    pub(super) next_b: Strided<'a>,
    pub(super) b: Right<'a>,
    pub(super) c: &'a mut [f32],
    pub(super) c_row: usize,
    pub(super) into: Into<'a>,
}

impl Kernel for Product<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) -> bool {
        let [m, _, n] = self.shape;
        if m == 0 || n == 0 {
            return true;
        }
        if !self.fits::<S>() {
            return false;
        }
        if let Into::Probe(rate) = self.into {
            return s.run(Probe { product: &self, rate });
        }
        let usual = S::TILE_VECTORS * S::LANES;
        let mut left = 0;
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, false);
            let columns = match self.b {
                // packed panels of full width share each block of rows of A
                Right::Panels(_) if m > 1 && width == usual => usual_columns::<S>(n - left),
                _ => width,
            };
            match vectors {
                1 => self.panel::<S, 1>(s, left, columns),
                2 => self.panel::<S, 2>(s, left, columns),
                3 => self.panel::<S, 3>(s, left, columns),
                _ => self.panel::<S, 4>(s, left, columns),
            }
            left += columns;
        }
        true
    }
}

impl<'a> Product<'a> {
    /// Rows of C stand behind one another, A is read where it stands, and nothing comes next.
    pub(super) fn new(shape: [usize; 3], a: Strided<'a>, b: Right<'a>, c: &'a mut [f32], into: Into<'a>) -> Self {
        Self { shape, a, strips: &[], next_b: Strided::NOTHING, b, c, c_row: shape[2], into }
    }

    /// Every element that the tiles will touch lies inside its slice: what makes the unsafe tile sound.
    fn fits<S: Simd>(&self) -> bool {
        let [m, k, n] = self.shape;
        let bias_fits = if let Into::Bias(bias) = self.into { bias.len() >= n } else { true };
        let c_fits = Strided { data: self.c, row: self.c_row, col: 1 }.covers(m, n);
        let strips_fit = self.strips.is_empty() || Strided { data: self.strips, row: k, col: 1 }.covers(m, k);
        self.a.covers(m, k) && strips_fit && self.b.covers::<S>(k, n) && bias_fits && c_fits
    }

    /// What a tile asks for: its part of the B of the next product, or else the rows of A below.
    #[inline(always)]
    fn ahead(&self, top: usize, left: usize, rows: usize) -> Ahead {
        let [_, k, _] = self.shape;
        if !self.next_b.data.is_empty() {
            // the next 64 columns from the same place on, a row every LINE steps: the blocks of rows take turns
            let (Strided { data, row, .. }, done) = (self.next_b, top / rows * k.div_ceil(LINE));
            if !left.is_multiple_of(PANEL_COLUMNS) || done >= k {
                return Ahead::NOTHING;
            }
            // one more line than these columns fill, because they need not start one
            let lines = PANEL_COLUMNS / LINE + 1;
            return Ahead { from: data.as_ptr().wrapping_add(done * row + left), row: LINE, lines, step: row };
        }
        if left > 0 || self.a.col != 1 || k < LONG_ROWS {
            return Ahead::NOTHING;
        }
        let from = self.a.data.as_ptr().wrapping_add((top + rows) * self.a.row);
        Ahead { from, row: self.a.row, lines: rows, step: LINE }
    }

    /// All rows of panels of NV vectors: of one, or of some whole ones side by side.
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, s: S, left: usize, columns: usize) {
        let [m, _, _] = self.shape;
        for (top, rows) in row_blocks::<S>(m, NV) {
            match rows {
                1 => self.block::<S, 1, NV>(s, top, left, columns),
                2 => self.block::<S, 2, NV>(s, top, left, columns),
                3 => self.block::<S, 3, NV>(s, top, left, columns),
                4 => self.block::<S, 4, NV>(s, top, left, columns),
                5 => self.block::<S, 5, NV>(s, top, left, columns),
                6 => self.block::<S, 6, NV>(s, top, left, columns),
                7 => self.block::<S, 7, NV>(s, top, left, columns),
                8 => self.block::<S, 8, NV>(s, top, left, columns),
                9 => self.block::<S, 9, NV>(s, top, left, columns),
                10 => self.block::<S, 10, NV>(s, top, left, columns),
                11 => self.block::<S, 11, NV>(s, top, left, columns),
                _ => self.block::<S, 12, NV>(s, top, left, columns),
            }
        }
    }

    /// A block of MR rows in the same columns.
    // Never inlined: the compiler would compute the addresses of all kinds of tiles before every product.
    #[inline(never)]
    fn block<S: Simd, const MR: usize, const NV: usize>(&mut self, s: S, top: usize, left: usize, columns: usize) {
        // a tile that `panel` never asks for, left out of the binary
        if MR <= most_rows::<S>(NV) {
            s.run(Block::<MR, NV> { product: self, top, left, columns });
        }
    }
}

/// MR rows of one panel of NV vectors, or of some side by side.
struct Block<'p, 'a, const MR: usize, const NV: usize> {
    product: &'p mut Product<'a>,
    top: usize,
    left: usize,
    columns: usize,
}

impl<const MR: usize, const NV: usize> Kernel for Block<'_, '_, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { product, top, left, columns } = self;
        let [_, k, n] = product.shape;
        let a = if NV == S::TILE_VECTORS && !product.strips.is_empty() {
            Strided { data: product.strips.get(top * k..).unwrap_or(&[]), row: 1, col: MR }
        } else {
            Strided { data: product.a.data.get(top * product.a.row..).unwrap_or(&[]), ..product.a }
        };
        let end = left + columns;
        let mut left = left;
        while left < end {
            let width = (end - left).min(NV * S::LANES);
            let b = product.b.panel::<S>([k, n], left, NV);
            let (into, place, ahead) = (product.into, [top, left, width], product.ahead(top, left, MR));
            // SAFETY: `Product::call` checked with `fits` that m x k of A, k x n of B (in panels: padded to whole vectors), m x n of
            // C and n of a bias are there, and top + MR <= m, left + width <= n, (NV - 1) * LANES < width <= NV * LANES.
            #[allow(unsafe_code)]
            unsafe {
                if width == NV * S::LANES && S::LANES > 1 && a.row == 1 {
                    // a constant distance spares the addresses of A their registers
                    tile::<S, MR, NV, true>(
                        s,
                        k,
                        Strided { row: 1, ..a },
                        b,
                        product.c,
                        product.c_row,
                        place,
                        into,
                        ahead,
                    );
                } else if width == NV * S::LANES {
                    tile::<S, MR, NV, true>(s, k, a, b, product.c, product.c_row, place, into, ahead);
                } else {
                    tile::<S, MR, NV, false>(s, k, a, b, product.c, product.c_row, place, into, ahead);
                }
            }
            left += width;
        }
    }
}

/// Whether `Descend` would take only finite steps to finite weights. Rare, so one element after the other.
struct Probe<'p, 'a> {
    product: &'p Product<'a>,
    rate: f32,
}

impl Kernel for Probe<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { product: &Product { shape: [m, k, n], a, b, ref c, c_row, .. }, rate } = self;
        let Right::Rows(b) = b else { return false };
        let at = |data: &[f32], i: usize| data.get(i).copied().unwrap_or(f32::NAN);
        c.chunks(c_row.max(1)).take(m).enumerate().all(|(i, row)| {
            row.iter().take(n).enumerate().all(|(j, &w)| {
                let gradient =
                    (0..k).fold(0.0, |sum, p| s.fma_one(at(a.data, i * a.row + p * a.col), at(b, p * n + j), sum));
                step_is_finite(s, rate, gradient, w)
            })
        })
    }
}

/// The blocks of rows that panels of so many vectors are cut into: as many rows as the accumulators allow.
#[inline(always)]
pub(super) fn row_blocks<S: Simd>(m: usize, vectors: usize) -> impl Iterator<Item = (usize, usize)> {
    even_blocks(m, most_rows::<S>(vectors))
}

/// The most rows of a tile of so many vectors.
#[inline(always)]
fn most_rows<S: Simd>(vectors: usize) -> usize {
    let rows = S::ACCUMULATORS / vectors;
    // a wider panel than usual takes registers for its part of B, too
    let taken = usize::from(vectors > S::TILE_VECTORS);
    rows.saturating_sub(taken).clamp(1, 12)
}

/// The least number of blocks of at most `most` that `len` is cut into, evenly: where each starts, and its length.
#[inline(always)]
pub(super) fn even_blocks(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let blocks = len.div_ceil(most);
    let (usual, longer) = if blocks <= 1 { (len, 0) } else { (len / blocks, len % blocks) };
    (0..blocks).scan(0, move |next, block| {
        let from = *next;
        let len = usual + usize::from(block < longer);
        *next += len;
        Some((from, len))
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{
        super::{
            product_nt::{block, product_nt, scratch_len},
            wide::{STREAMS, WIDE, group_columns, product_row, product_wide, product_with_sums, wide_len},
        },
        *,
    };
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
        Packed,
        Wide,
        WideTn,
    }

    impl Kernel for Case<'_> {
        type Output = bool;
        fn call<S: Simd>(self, s: S) -> bool {
            let [m, k, n] = self.shape;
            match self.kind {
                Kind::Nn => product(s, self.shape, Left::rows(self.a, k), Right::Rows(self.b), self.c, self.into),
                Kind::Tn => product(s, self.shape, Left::transposed(self.a, m), Right::Rows(self.b), self.c, self.into),
                Kind::Nt => {
                    let mut scratch = std::vec![f32::NAN; scratch_len(self.shape)];
                    product_nt::<S, false>(s, self.shape, self.a, self.b, self.c, self.into, &mut scratch)
                }
                Kind::Wide => {
                    let mut scratch = std::vec![f32::NAN; wide_len(self.shape)];
                    product_wide(s, self.shape, Left::rows(self.a, k), self.b, self.c, self.into, &mut scratch)
                }
                Kind::WideTn => {
                    let mut scratch = std::vec![f32::NAN; wide_len(self.shape)];
                    let [mut sums, mut expected] = [(); 2].map(|()| std::vec![0.25; n]);
                    let (a, both) = (Left::transposed(self.a, m), [self.c, &mut sums]);
                    let good = product_with_sums(s, self.shape, a, self.b, both, self.into, &mut scratch);
                    product(s, [1, k, n], Left::ones(), Right::Rows(self.b), &mut expected, self.into);
                    good && sums.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits())
                }
                Kind::Packed => {
                    let mut scratch = std::vec![f32::NAN; transposed_len(k, n)];
                    let b = Right::transposed::<S, false>(s, self.shape, self.b, &mut scratch);
                    product(s, self.shape, Left::rows(self.a, k), b, self.c, self.into)
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
                    let a = if matches!(case.kind, Kind::Tn | Kind::WideTn) {
                        case.a[p * m + i]
                    } else {
                        case.a[i * k + p]
                    };
                    let b = if matches!(case.kind, Kind::Nt | Kind::Packed) {
                        case.b[j * k + p]
                    } else {
                        case.b[p * n + j]
                    };
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
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed, Kind::Wide, Kind::WideTn] {
            let allowed = if matches!(kind, Kind::Nt | Kind::Packed) { 3 } else { 5 };
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
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn every_tile_edge_has_the_bits_of_the_definition() {
        let mut rng = Xorshift::new(3);
        for m in [0, 1, 2, 3, 5, 6, 7, 11, 13, 25] {
            for k in [0, 1, 2, 9] {
                for n in [0, 1, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 80] {
                    check([m, k, n], &mut rng);
                }
            }
        }
        for shape in [
            [1, 32, 32],
            [1, 3, 129],
            [1, 2, 250],
            [8, 191, 17],
            [3, 192, 16],
            [2, 193, 9],
            [5, 600, 31],
            [30, 4, 130],
            [2, 260, 80],
            [130, 390, 70],
            [128, 2, 200],
            [65, 3, 1030],
            [64, 2, 1089],
            [64, 1, 1030],
            [64, 2, WIDE],
            [65, 2, WIDE - 1],
            [64, 0, 1030],
            [77, 5, 1045],
        ] {
            check(shape, &mut rng);
        }
    }

    /// Larger than a comparison with the definition has time for: the bits of the same product that isn't packed, or at once.
    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn every_group_and_block_has_the_bits_of_the_plain_product() {
        let mut rng = Xorshift::new(15);
        let mut check = |[kind, plain]: [Kind; 2], shape: [usize; 3]| {
            let [m, k, n] = shape;
            let (a, b, before) = (random(&mut rng, m * k), random(&mut rng, k * n), random(&mut rng, m * n));
            let bias = random(&mut rng, n);
            // one lane packs nothing, and takes seconds
            for isa in Isa::available().filter(|&isa| isa != Isa::PORTABLE) {
                for into in [Into::Bias(&bias), Into::Continue] {
                    let [ours, expected] = [kind, plain].map(|kind| {
                        let mut c = before.clone();
                        assert!(isa.run(Case { shape, a: &a, b: &b, kind, into, c: &mut c }));
                        c
                    });
                    let same = ours.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                    assert!(same, "{} {kind:?} {shape:?}", isa.name());
                }
            }
        };
        for (k, columns) in [(0, 192), (2, 192), (512, 192), (513, 128), (768, 128), (769, 64), (usize::MAX, 64)] {
            assert_eq!(group_columns(k), columns, "{k}");
            for (m, n) in [(64, WIDE), (65, 3 * 192 + 1), (70, 4 * 192 - 1)] {
                if k < usize::MAX {
                    check([Kind::Wide, Kind::Nn], [m, k, n]);
                    check([Kind::WideTn, Kind::Tn], [m, k, n]);
                }
            }
        }
        for (m, n) in [127, 128, 131].into_iter().flat_map(|m| [0, 3, 16, 70, 128, 130, 144, 257].map(|n| (m, n))) {
            let [rows, _] = block(m, n);
            for k in [rows, rows + 1, 2 * rows + 5] {
                check([Kind::Nt, Kind::Packed], [m, k, n]);
            }
        }
    }

    const MOST: usize = 20;

    /// Every shape up to 20 x 20 x 20 is a corner of the same matrices, so all their chains are beginnings of the same
    /// 20 x 20 chains: `chains[k]` holds these after k steps.
    fn chains(a: &[f32], b: &[f32], start: impl Fn(usize, usize) -> f32) -> Vec<Vec<f32>> {
        let mut sums: Vec<f32> = (0..MOST * MOST).map(|at| start(at / MOST, at % MOST)).collect();
        let mut chains = std::vec![sums.clone()];
        for p in 0..MOST {
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum = Portable.fma_one(a[at / MOST * MOST + p], b[p * MOST + at % MOST], *sum);
            }
            chains.push(sums.clone());
        }
        chains
    }

    /// The leading rows x cols of a 20 x 20 matrix, or their transpose, row-major.
    fn corner(x: &[f32], rows: usize, cols: usize, transposed: bool) -> Vec<f32> {
        if transposed {
            (0..rows * cols).map(|at| x[at % rows * MOST + at / rows]).collect()
        } else {
            (0..rows * cols).map(|at| x[at / cols * MOST + at % cols]).collect()
        }
    }

    /// Nine thousand shapes with every form, start value and epilogue: 3 s.
    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn every_small_shape_has_the_bits_of_the_definition() {
        let mut rng = Xorshift::new(7);
        let [a, b, before] = [(); 3].map(|()| random(&mut rng, MOST * MOST));
        let (bias, rate) = (random(&mut rng, MOST), 0.1);
        let sums = chains(&a, &b, |_, _| 0.0);
        let mut descended = sums.clone();
        for (to, &w) in descended.iter_mut().flat_map(|chain| chain.iter_mut().zip(&before)) {
            *to = Portable.fma_one(-rate, *to, w);
        }
        let expected = [
            (Into::Set, sums),
            (Into::Bias(&bias), chains(&a, &b, |_, j| bias[j])),
            (Into::Continue, chains(&a, &b, |i, j| before[i * MOST + j])),
            (Into::Descend(rate), descended),
        ];
        for (m, k, n) in (0..=MOST).flat_map(|m| (0..=MOST).flat_map(move |k| (0..=MOST).map(move |n| (m, k, n)))) {
            let start = corner(&before, m, n, false);
            for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed] {
                let a = corner(&a, m, k, kind == Kind::Tn);
                let b = corner(&b, k, n, matches!(kind, Kind::Nt | Kind::Packed));
                for (into, chains) in &expected {
                    let expected = corner(&chains[k], m, n, false);
                    for isa in Isa::available() {
                        let mut c = start.clone();
                        assert!(isa.run(Case { shape: [m, k, n], a: &a, b: &b, kind, into: *into, c: &mut c }));
                        let same = c.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                        assert!(same, "{} {kind:?} {m}x{k}x{n}: {c:?} is not {expected:?}", isa.name());
                    }
                }
            }
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

    struct Row<'a>([usize; 2], &'a [f32], &'a [f32], &'a mut [f32], Into<'a>);

    impl Kernel for Row<'_> {
        type Output = bool;
        fn call<S: Simd>(self, s: S) -> bool {
            let Self(shape, a, b, c, into) = self;
            product_row(s, shape, a, b, c, into)
        }
    }

    #[test]
    fn a_row_read_in_blocks_has_the_bits_of_one_read_at_once() {
        let mut rng = Xorshift::new(21);
        // an interpreter takes minutes for all of them
        let (ns, ks): (&[usize], &[usize]) = if cfg!(miri) {
            (&[WIDE + 3], &[STREAMS + 1])
        } else {
            (&[WIDE - 1, WIDE, WIDE + 37], &[0, 1, STREAMS - 1, STREAMS, STREAMS + 1, 2 * STREAMS + 3])
        };
        for &n in ns {
            for &k in ks {
                let (a, b, bias) = (random(&mut rng, k), random(&mut rng, k * n), random(&mut rng, n));
                for (start, into) in [(&[0.0][..], Into::Set), (&bias, Into::Bias(&bias)), (&bias, Into::Continue)] {
                    let chain = |j: usize| {
                        let start = if start.len() == 1 { 0.0 } else { start[j] };
                        (0..k).fold(start, |sum, p| Portable.fma_one(a[p], b[p * n + j], sum)).to_bits()
                    };
                    for isa in Isa::available() {
                        let mut c = bias.clone();
                        assert!(isa.run(Row([k, n], &a, &b, &mut c, into)));
                        assert!((0..n).all(|j| c[j].to_bits() == chain(j)), "{} {k} x {n}", isa.name());
                    }
                }
            }
        }
    }

    #[test]
    fn short_slices_do_nothing() {
        let (a, b, mut c) = ([1.0; 6], [1.0; 6], [5.0; 3]);
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed, Kind::Wide, Kind::WideTn] {
            for isa in Isa::available() {
                assert!(!isa.run(Case { shape: [2, 3, 2], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
                assert!(!isa.run(Case { shape: [1, 7, 1], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
            }
        }
        assert_eq!(c, [5.0; 3]);
    }

    /// A product with B in panels, where there are any, and A a second time, one operand of which is an element too
    /// short.
    struct Short {
        m: usize,
        operand: &'static str,
    }

    impl Kernel for Short {
        type Output = (bool, Vec<f32>);

        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> Self::Output {
            // a whole panel, for which A is read a second time
            let [m, k, n] = [self.m, 3, S::TILE_VECTORS * S::LANES];
            let ones = std::vec![1.0; k * padded(n).max(m)];
            let part = |operand, len: usize| &ones[..len - usize::from(operand == self.operand)];
            let b =
                if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Columns(part("B", k * n)) };
            let mut c = std::vec![5.0; m * n];
            let (a, c_len) = (Left::rows(part("A", m * k), k), m * n - usize::from(self.operand == "C"));
            let strips = part("strips", m * k);
            let product = Product { strips, ..Product::new([m, k, n], a.0, b, &mut c[..c_len], Into::Set) };
            (s.run(product), c)
        }
    }

    #[test]
    fn one_short_operand_is_enough_to_do_nothing() {
        for isa in Isa::available() {
            for m in [1, 2, 7] {
                for operand in ["A", "B", "strips", "C"] {
                    let (done, c) = isa.run(Short { m, operand });
                    assert!(!done && c.iter().all(|&c| c == 5.0), "{} {m} {operand}", isa.name());
                }
                let (done, c) = isa.run(Short { m, operand: "none" });
                assert!(done && c.iter().all(|&c| c == 3.0), "{} {m}", isa.name());
            }
            for operand in ["A", "B", "C"] {
                let (done, c) = isa.run(ShortRow { operand });
                assert!(!done && c.iter().all(|&c| c == 5.0), "{} {operand}", isa.name());
            }
        }
    }

    /// [`Short`] for the product of one row.
    struct ShortRow {
        operand: &'static str,
    }

    impl Kernel for ShortRow {
        type Output = (bool, Vec<f32>);

        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> Self::Output {
            let [k, n] = [3, 2 * S::LANES];
            let ones = std::vec![1.0; k * padded(n)];
            let part = |operand, len: usize| &ones[..len - usize::from(operand == self.operand)];
            let b =
                if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Columns(part("B", k * n)) };
            let mut c = std::vec![5.0; n];
            let c_len = n - usize::from(self.operand == "C");
            (product(s, [1, k, n], Left::rows(part("A", k), k), b, &mut c[..c_len], Into::Set), c)
        }
    }

    #[test]
    fn a_short_bias_or_result_does_nothing() {
        let ones = [1.0; 6];
        for (isa, m) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 2)]) {
            let run = |bias: usize, c: &mut [f32]| {
                let into = Into::Bias(&ones[..bias]);
                isa.run(Case { shape: [m, 3, 2], a: &ones, b: &ones, kind: Kind::Nn, into, c })
            };
            let mut c = [5.0; 4];
            assert!(!run(1, &mut c[..2 * m]) && !run(2, &mut c[..2 * m - 1]), "{} {m}", isa.name());
            assert_eq!(c, [5.0; 4]);
            assert!(run(2, &mut c[..2 * m]));
        }
    }
}
