//! The macrokernel: the loops around the microkernel.
//!
//! ```text
//! for each NC block of panels                    its k rows of B stay in the second-level cache
//!     for each block of MR rows                  its rows of A stay in the first-level cache
//!         for each panel of the NC block         MR x NV sums in registers: the microkernel
//!             acc = start                        0, a bias row, or C itself
//!             for p in 0..k                      ascending, never split over lanes
//!                 acc[i][v] = fma(A[i][p], B[p][v], acc[i][v])
//!             C = acc                            or the SGD step C = fma(-rate, acc, C)
//! ```
//!
//! An NC block of a packed B is as many panels of full width as the second-level cache holds, so that panels of few
//! columns don't read A more often than others. Where B is not packed it is one panel: a second one would push the
//! first out of the cache, because the lines of a panel are a row of B apart.
//!
//! MR is what ACCUMULATORS allow. Rows are split evenly, so that no block is left with too few chains to hide the
//! latency. AVX-512 has tiles of 6 x 4, 8 x 3 and 12 x 2 vectors in 32 registers. AVX2 has 6 x 2 in 16 registers, and 3
//! x 3 in place of a last panel and a single vector: a tile of 12 x 1 takes 13 loads for 12 multiply-adds, and the
//! compiler keeps the accumulators of 4 x 3 in memory. A last vector that isn't complete is masked where masks are
//! free, and overlaps the one before it elsewhere. Of 512 bits only the lower half is computed where that is enough and
//! the units have 256: a Zen 4 makes 3.5% more steps of S so, an Intel core 4% fewer (`cargo bench --bench
//! train_step`).

use super::{
    microkernel::{Prefetch, Tile},
    operands::{Right, Shape, Start, Strided},
    pack::{LINE, WIDEST_NR, block_len, full_panels, next_panel},
};
use crate::{
    kernels::{part, workers::Columns},
    simd::{Kernel, Simd},
};

/// From this k on a tile of the first columns prefetches the rows of A below it while it computes. Shorter ones come in
/// time.
const LONG_ROWS: usize = 192;

/// All of C, panel by panel. Each panel of A that is packed serves all panels of full width.
pub(super) struct Macrokernel<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    /// A again, packed for the blocks of rows of full panels, or nothing.
    pub(super) packed_a: &'a [f32],
    pub(super) b: Right<'a>,
    /// The B of the next block, to be prefetched, or nothing.
    pub(super) next_b: Strided<'a>,
    pub(super) c: Columns<'a>,
    pub(super) start: Start<'a>,
    /// C = C - rate * result instead of C = result.
    pub(super) rate: Option<f32>,
}

impl Kernel for Macrokernel<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) {
        let Shape { m, k, n } = self.shape;
        if m == 0 || n == 0 {
            return;
        }
        let fits = self.fits::<S>();
        debug_assert!(fits, "a slice is shorter than its shape");
        if !fits {
            return;
        }
        let nr = S::TILE_VECTORS * S::LANES;
        let mut left = 0;
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, false);
            let columns = match self.b {
                // packed panels of full width share each block of rows of A, as many as the cache holds
                Right::Panels(_) if m > 1 && width == nr => {
                    let panels = (block_len(m, s.large_cache()) / nr).checked_div(k).unwrap_or(usize::MAX).max(1);
                    full_panels::<S>(n - left).min(panels.saturating_mul(nr))
                }
                _ => width,
            };
            match vectors {
                1 => self.panels::<S, 1>(s, left, columns),
                2 => self.panels::<S, 2>(s, left, columns),
                3 => self.panels::<S, 3>(s, left, columns),
                _ => self.panels::<S, 4>(s, left, columns),
            }
            left += columns;
        }
    }
}

impl<'a> Macrokernel<'a> {
    /// A is read in place, and nothing comes next.
    pub(super) fn new(
        shape: Shape,
        a: Strided<'a>,
        b: Right<'a>,
        c: Columns<'a>,
        start: Start<'a>,
        rate: Option<f32>,
    ) -> Self {
        Self { shape, a, packed_a: &[], b, next_b: Strided::NOTHING, c, start, rate }
    }

    /// Every element that the tiles will touch lies inside its slice: what makes the unsafe microkernel sound.
    fn fits<S: Simd>(&self) -> bool {
        let Shape { m, k, n } = self.shape;
        let packed_a_fits = self.packed_a.is_empty() || Strided { data: self.packed_a, row: k, col: 1 }.covers(m, k);
        self.a.covers(m, k) && packed_a_fits && self.b.covers::<S>(k, n) && self.start.covers(n) && self.c.covers(m, n)
    }

    /// What a tile prefetches: its part of the B of the next block, or else the rows of A below.
    #[inline(always)]
    fn prefetch(&self, top: usize, left: usize, rows: usize) -> Prefetch {
        let k = self.shape.k;
        if !self.next_b.data.is_empty() {
            // the next 64 columns from the same place on, a row every LINE steps: the blocks of rows take turns
            let (Strided { data, row, .. }, done) = (self.next_b, top / rows * k.div_ceil(LINE));
            if !left.is_multiple_of(WIDEST_NR) || done >= k {
                return Prefetch::NOTHING;
            }
            // one more line than these columns fill, because they need not start one
            let lines = WIDEST_NR / LINE + 1;
            return Prefetch { from: data.as_ptr().wrapping_add(done * row + left), row: LINE, lines, step: row };
        }
        if left > 0 || self.a.col != 1 || k < LONG_ROWS {
            return Prefetch::NOTHING;
        }
        let from = self.a.data.as_ptr().wrapping_add((top + rows) * self.a.row);
        Prefetch { from, row: self.a.row, lines: rows, step: LINE }
    }

    /// All rows of panels of NV vectors: of one panel, or of some of full width side by side.
    #[inline(always)]
    fn panels<S: Simd, const NV: usize>(&mut self, s: S, left: usize, columns: usize) {
        for (top, rows) in row_blocks::<S>(self.shape.m, NV) {
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
        // `panels` has no such block: it is left out of the binary
        if MR <= most_rows::<S>(NV) {
            s.run(Block::<MR, NV> { product: self, top, left, columns });
        }
    }
}

/// MR rows of one panel of NV vectors, or of some side by side.
struct Block<'p, 'a, const MR: usize, const NV: usize> {
    product: &'p mut Macrokernel<'a>,
    top: usize,
    left: usize,
    columns: usize,
}

impl<const MR: usize, const NV: usize> Kernel for Block<'_, '_, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { product, top, left, columns } = self;
        let (shape, start, rate) = (product.shape, product.start, product.rate);
        let k = shape.k;
        let a = if NV == S::TILE_VECTORS && !product.packed_a.is_empty() {
            Strided { data: part(product.packed_a, top * k..), row: 1, col: MR }
        } else {
            product.a.from(top * product.a.row, k)
        };
        let end = left + columns;
        let mut left = left;
        while left < end {
            let width = (end - left).min(NV * S::LANES);
            let b = product.b.panel::<S>(shape, left, NV);
            let prefetch = product.prefetch(top, left, MR);
            let c_row = product.c.stride();
            let c = product.c.as_mut_ptr().wrapping_add(top * c_row + left);
            let tile = Tile { k, a, b, c, c_row, left, width, start, rate, prefetch };
            // SAFETY: `call` checked with `fits` that m x k of A, k x n of B (in panels: padded to complete vectors), m
            // x n of C, which `product.c` has for itself, and n of a bias are there, and top + MR <= m, left + width <=
            // n, (NV - 1) * LANES < width <= NV * LANES, and without half a vector or more in the third case.
            #[allow(unsafe_code)]
            unsafe {
                if width == NV * S::LANES && S::LANES > 1 && a.row == 1 {
                    // a constant stride spares the addresses of A their registers
                    Tile { a: Strided { row: 1, ..a }, ..tile }.run::<S, MR, NV, true, false>(s);
                } else if width == NV * S::LANES {
                    tile.run::<S, MR, NV, true, false>(s);
                } else if NV * S::LANES - width >= S::LANES / 2 && s.halves() {
                    tile.run::<S, MR, NV, false, true>(s);
                } else {
                    tile.run::<S, MR, NV, false, false>(s);
                }
            }
            left += width;
        }
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
