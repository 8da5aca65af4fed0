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
    assembly::whole,
    gemv::Row,
    microkernel::{Ahead, tile},
    operands::{Into, Left, Right, Strided},
    pack::{LINE, PANEL_COLUMNS, next_panel, padded, usual_columns, with_room_to_align},
};
use crate::{
    kernels::descent::step_is_finite,
    simd::{Kernel, PACKS, Simd},
};

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
