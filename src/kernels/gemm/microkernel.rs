//! One register tile of a product. With its call in `product`, the only `unsafe` outside `simd/`: a bounds check per element would cost as much
//! as the multiplication, so the caller checks whole operands instead.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // tiles are indexed by row and vector

use core::slice;

use super::{
    operands::{Into, Strided},
    pack::LINE,
};
use crate::simd::Simd;

/// From this k on a tile asks for its rows of C at its start: shorter ones end before they would come.
const LONG_CHAIN: usize = 48;

/// What comes next from afar and is asked for while a tile computes: every [`LINE`] steps the lines at `from`, `from + row`, ...
/// and then `from` moves on by `step`. The addresses need not exist.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub(super) from: *const f32,
    pub(super) row: usize,
    pub(super) lines: usize,
    pub(super) step: usize,
}

impl Ahead {
    pub(super) const NOTHING: Self = Self { from: core::ptr::null(), row: 0, lines: 0, step: 0 };
}

/// The elements of C from row `top` (the MR rows of A) and column `left` (`width` columns: NV vectors, the last one whole only
/// where FULL). `into` is no probe.
///
/// # Safety
/// A covers MR x k and B covers k x width with `b.col == 1` unless `S::LANES == 1`; `c` holds row
/// `top + MR - 1` up to column `left + width`, a bias holds `left + width` elements, and `width` is NV * LANES where
/// FULL, else less and above (NV - 1) * LANES.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn tile<S: Simd, const MR: usize, const NV: usize, const FULL: bool>(
    s: S,
    k: usize,
    a: Strided<'_>,
    b: Strided<'_>,
    c: &mut [f32],
    c_row: usize,
    [top, left, width]: [usize; 3],
    into: Into<'_>,
    ahead: Ahead,
) {
    // Where masks are slow, a last vector that isn't whole reaches back over columns of the one before and computes their chains
    // again. They are the same: all of C is loaded before any of it is stored.
    let reaches_back = !FULL && NV > 1 && !S::MASKS;
    let last = width - (NV - 1) * S::LANES;
    let column = |v: usize| if reaches_back && v + 1 == NV { width - S::LANES } else { v * S::LANES };
    let load = |from: *const f32, v: usize| {
        let whole = FULL || reaches_back || v + 1 < NV;
        let len = if whole { S::LANES } else { last };
        // SAFETY: below, `from` is where vector v of a row of A, B, C or the bias starts, which has this many columns.
        let from = unsafe { slice::from_raw_parts(from, len) };
        if whole { s.load(from) } else { s.load_partial(from) }
    };
    let store = |to: *mut f32, v: usize, x: S::F| {
        let whole = FULL || reaches_back || v + 1 < NV;
        let len = if whole { S::LANES } else { last };
        // SAFETY: below, `to` is where vector v of a row of C starts, which has this many columns.
        let to = unsafe { slice::from_raw_parts_mut(to, len) };
        if whole { s.store(to, x) } else { s.store_partial(to, x) }
    };
    let c = c.as_mut_ptr().wrapping_add(top * c_row + left);
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
    match into {
        Into::Bias(bias) => {
            let bias = bias.as_ptr().wrapping_add(left);
            for v in 0..NV {
                let start = load(bias.wrapping_add(column(v)), v);
                for row in &mut acc {
                    row[v] = start;
                }
            }
        }
        Into::Continue => {
            for i in 0..MR {
                for v in 0..NV {
                    acc[i][v] = load(at(i, v), v);
                }
            }
        }
        _ => {}
    }

    // Rows of A by threes: within a group an address is the group's pointer and once or twice the row length, so that
    // the addresses of one step don't wait for each other.
    let b_col = if S::LANES == 1 { b.col } else { 1 };
    let mut groups: [*const f32; 4] = core::array::from_fn(|g| a.data.as_ptr().wrapping_add(3 * g * a.row));
    let mut b_row = b.data.as_ptr();
    let (mut next, mut rest) = (ahead.from, k);
    while rest > 0 {
        // in one go where there is nothing to ask for: the end of a loop is often guessed wrong
        let asks = FULL && NV == S::TILE_VECTORS && ahead.lines > 0;
        if asks {
            for i in 0..ahead.lines {
                s.prefetch(next.wrapping_add(i * ahead.row));
            }
            next = next.wrapping_add(ahead.step);
        }
        let steps = if asks { rest.min(LINE) } else { rest };
        rest -= steps;
        for _ in 0..steps {
            let mut vectors = [s.splat(0.0); NV];
            for v in 0..NV {
                vectors[v] = load(b_row.wrapping_add(column(v) * b_col), v);
            }
            for i in 0..MR {
                // SAFETY: A covers row i and this column.
                let x = s.splat(unsafe { *groups[i / 3].wrapping_add(i % 3 * a.row) });
                for v in 0..NV {
                    acc[i][v] = s.fma(x, vectors[v], acc[i][v]);
                }
            }
            for group in &mut groups {
                *group = group.wrapping_add(a.col);
            }
            b_row = b_row.wrapping_add(b.row);
        }
    }

    if let Into::Descend(rate) = into {
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
