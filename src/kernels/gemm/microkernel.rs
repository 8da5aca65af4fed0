//! The microkernel: one tile of C, MR x NR, in registers.
//!
//! ```text
//!                 B: a panel of NR columns, NV vectors
//!                 p = 0   [  v0  ][  v1  ] ..
//!                 p = 1   [  v0  ][  v1  ] ..
//!                 ..
//! A: MR rows      tile of C
//! [ a00 a01 .. ]  [ c0,v0 ][ c0,v1 ] ..     per step p: load NV vectors of B; for each of MR rows
//! [ a10 a11 .. ]  [ c1,v0 ][ c1,v1 ] ..     broadcast an element of A and do NV multiply-adds
//! ```
//!
//! It reads without bounds checks: a check per element would cost as much as the multiplication. So callers check
//! entire operands instead.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // tiles are indexed by row and vector

use core::slice;

use super::{
    operands::{Start, Strided},
    pack::LINE,
};
use crate::simd::Simd;

/// From this k on a tile prefetches its rows of C at its start. A shorter one ends before they would come.
const LONG_CHAIN: usize = 48;

/// What a tile prefetches while it computes: every [`LINE`] steps the lines at `from`, `from + row`, ..., and then
/// `from` moves on by `step`. The addresses need not exist.
#[derive(Clone, Copy)]
pub(super) struct Prefetch {
    pub(super) from: *const f32,
    pub(super) row: usize,
    pub(super) lines: usize,
    pub(super) step: usize,
}

impl Prefetch {
    pub(super) const NOTHING: Self = Self { from: core::ptr::null(), row: 0, lines: 0, step: 0 };
}

/// As many rows of C as the microkernel has, and `width` columns.
pub(super) struct Tile<'a> {
    pub(super) k: usize,
    /// MR rows.
    pub(super) a: Strided<'a>,
    /// A panel of NV vectors.
    pub(super) b: Strided<'a>,
    /// Its first element of C, whose rows are `c_row` apart.
    pub(super) c: *mut f32,
    pub(super) c_row: usize,
    /// The column of C that it starts at: where its elements of a bias are.
    pub(super) left: usize,
    pub(super) width: usize,
    pub(super) start: Start<'a>,
    /// C = C - rate * result instead of C = result.
    pub(super) rate: Option<f32>,
    pub(super) prefetch: Prefetch,
}

impl Tile<'_> {
    /// Computes MR rows of NV vectors, of which the last is complete only where FULL, and only half of it is computed
    /// where HALF.
    ///
    /// # Safety
    /// A covers MR x k and B covers k x width with `b.col == 1` unless `S::LANES == 1`; MR rows of `width` elements,
    /// `c_row` apart, start at `c`, and nothing else refers to them; a bias holds `left + width` elements; `width` is
    /// NV * LANES where FULL, else less and above (NV - 1) * LANES,
    /// and at most LANES / 2 above that where HALF.
    #[inline(always)]
    #[allow(clippy::too_many_lines, reason = "the accumulators stay in registers only within one function")]
    pub(super) unsafe fn run<S: Simd, const MR: usize, const NV: usize, const FULL: bool, const HALF: bool>(
        self,
        s: S,
    ) {
        let Self { k, a, b, c, c_row, left, width, start, rate, prefetch } = self;
        // Where masks are slow, a last vector that isn't complete overlaps the one before it and computes some of its
        // chains again. They are the same: all of C is loaded before any of it is stored.
        let overlaps = !FULL && NV > 1 && !S::MASKS;
        let last = width - (NV - 1) * S::LANES;
        let column = |v: usize| if overlaps && v + 1 == NV { width - S::LANES } else { v * S::LANES };
        let load = |from: *const f32, v: usize| {
            let complete = FULL || overlaps || v + 1 < NV;
            let len = if complete { S::LANES } else { last };
            // SAFETY: below, `from` is where vector v of a row of A, B, C or the bias starts, which has this many
            // columns.
            let from = unsafe { slice::from_raw_parts(from, len) };
            if complete { s.load(from) } else { s.load_partial(from) }
        };
        let store = |to: *mut f32, v: usize, x: S::F| {
            let complete = FULL || overlaps || v + 1 < NV;
            let len = if complete { S::LANES } else { last };
            // SAFETY: below, `to` is where vector v of a row of C starts, which has this many columns.
            let to = unsafe { slice::from_raw_parts_mut(to, len) };
            if complete { s.store(to, x) } else { s.store_partial(to, x) }
        };
        let at = |i: usize, v: usize| c.wrapping_add(i * c_row + column(v));

        if k >= LONG_CHAIN {
            for i in 0..MR {
                for v in (0..NV).step_by(LINE / S::LANES) {
                    s.prefetch(at(i, v));
                }
            }
        }

        // The loops over MR and NV are unrolled and their bodies kept small, or the accumulators would live in memory.
        let mut acc = [[s.splat(0.0); NV]; MR];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => {
                let bias = bias.as_ptr().wrapping_add(left);
                for v in 0..NV {
                    let first = load(bias.wrapping_add(column(v)), v);
                    for row in &mut acc {
                        row[v] = first;
                    }
                }
            }
            Start::C => {
                for i in 0..MR {
                    for v in 0..NV {
                        acc[i][v] = load(at(i, v), v);
                    }
                }
            }
        }

        // Rows of A by threes: an address is that of the first of three plus once or twice the row length, so that the
        // addresses of one step don't wait for each other.
        let b_col = if S::LANES == 1 { b.col } else { 1 };
        let mut threes: [*const f32; 4] = core::array::from_fn(|i| a.data.as_ptr().wrapping_add(3 * i * a.row));
        let mut b_row = b.data.as_ptr();
        let (mut next, mut rest) = (prefetch.from, k);
        while rest > 0 {
            // in one go where there is nothing to prefetch: the end of a loop is often predicted wrong
            let prefetches = FULL && NV == S::TILE_VECTORS && prefetch.lines > 0;
            if prefetches {
                for i in 0..prefetch.lines {
                    s.prefetch(next.wrapping_add(i * prefetch.row));
                }
                next = next.wrapping_add(prefetch.step);
            }
            let steps = if prefetches { rest.min(LINE) } else { rest };
            rest -= steps;
            for _ in 0..steps {
                let mut vectors = [s.splat(0.0); NV];
                for v in 0..NV {
                    vectors[v] = load(b_row.wrapping_add(column(v) * b_col), v);
                }
                for i in 0..MR {
                    // SAFETY: A covers row i and this column.
                    let x = s.splat(unsafe { *threes[i / 3].wrapping_add(i % 3 * a.row) });
                    for v in 0..NV {
                        let half = HALF && v + 1 == NV;
                        let fma = if half { S::fma_half } else { S::fma };
                        acc[i][v] = fma(s, x, vectors[v], acc[i][v]);
                    }
                }
                for three in &mut threes {
                    *three = three.wrapping_add(a.col);
                }
                b_row = b_row.wrapping_add(b.row);
            }
        }

        if let Some(rate) = rate {
            let rate = s.splat(rate);
            for i in 0..MR {
                for v in 0..NV {
                    acc[i][v] = s.nfma(rate, acc[i][v], load(at(i, v), v));
                }
            }
        }
        for i in 0..MR {
            for v in 0..NV {
                store(at(i, v), v, acc[i][v]);
            }
        }
    }
}
