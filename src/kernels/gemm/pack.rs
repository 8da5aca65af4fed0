//! Panels: how the columns of a product are cut, and how operands are packed in that form.
//!
//! A panel is NV vectors of columns. Packed, its k rows of NV * LANES floats are contiguous, and the panel whose first
//! column is `left` starts at `left * k`. Columns beyond the last may be anything.

#![allow(clippy::needless_range_loop)] // blocks are indexed by a constant range

use core::ops::Range;

use crate::{
    kernels::{part, part_mut},
    simd::{Kernel, PACKS, Simd, VIRTUAL_LANES},
};

/// Columns rounded up to complete vectors of any instruction set.
pub(crate) const fn padded(n: usize) -> usize {
    n.div_ceil(VIRTUAL_LANES).saturating_mul(VIRTUAL_LANES)
}

/// Floats of a cache line: a vector that crosses lines costs two accesses.
pub(super) const LINE: usize = 16;
/// NR, the columns of a panel, of the instruction set where it is largest.
pub(super) const WIDEST_NR: usize = 64;
/// The floats of a packed block at most where many rows of C share it: 384 KB, for second-level caches of 512 KB and
/// more. Where addresses have 16 bits nothing is packed.
pub(super) const PACKED_LEN: usize = 96_usize.saturating_mul(1024);
/// The same in a second-level cache of 2 MB and more, for so many rows (3% more steps of L; with 1.3 MB 10% fewer).
pub(super) const LARGE_PACKED_LEN: usize = 192_usize.saturating_mul(1024);
const LARGE_FROM_ROWS: usize = 256;

/// The floats of a packed block at most that `m` rows of C share.
pub(super) const fn block_len(m: usize, large_cache: bool) -> usize {
    if large_cache && m >= LARGE_FROM_ROWS { LARGE_PACKED_LEN } else { PACKED_LEN }
}

/// A row-major B is packed from so many columns on.
pub(crate) const PACK_FROM_COLUMNS: usize = 512;
/// And from so many rows of C on.
pub(super) const PACK_FROM_ROWS: usize = 64;
/// Or from so many rows whose chains have [`LONG_K`] links and more.
const PACK_LONG_FROM_ROWS: usize = 12;
pub(super) const LONG_K: usize = 256;

/// Whether packing a row-major B saves more than it costs in a product of m, k, n.
pub(super) const fn packing_pays([m, k, n]: [usize; 3]) -> bool {
    n >= PACK_FROM_COLUMNS && (m >= PACK_FROM_ROWS || m >= PACK_LONG_FROM_ROWS && k >= LONG_K)
}

/// The scratch that `len` floats need so that their place can start a cache line.
pub(crate) const fn with_room_to_align(len: usize) -> usize {
    if len == 0 { 0 } else { len.saturating_add(LINE - 1) }
}

/// The scratch that [`Right::packed`](super::Right::packed) needs for inner size `k` and `n` columns, in f32.
pub(crate) const fn packed_len(k: usize, n: usize) -> usize {
    if PACKS { with_room_to_align(k.saturating_mul(padded(n))) } else { 0 }
}

/// The scratch from its first cache line on.
pub(crate) fn aligned(scratch: &mut [f32]) -> &mut [f32] {
    // scratch of nothing may end before its first line
    scratch.get_mut(before_line(scratch)..).unwrap_or_default()
}

/// How many elements are before the first cache line; 0 where an interpreter doesn't tell.
pub(crate) fn before_line(data: &[f32]) -> usize {
    let skipped = data.as_ptr().align_offset(LINE * size_of::<f32>());
    if skipped < LINE { skipped } else { 0 }
}

/// The vectors and the columns of the next panel where `rest` columns remain.
#[inline(always)]
pub(crate) fn next_panel<S: Simd>(rest: usize, single_row: bool) -> (usize, usize) {
    let vectors = rest.div_ceil(S::LANES);
    let full = if single_row { S::ACCUMULATORS.min(8) } else { S::TILE_VECTORS };
    let vectors = if vectors == full + 1 && S::LANES > 1 && !single_row {
        // not a full panel and a single vector, which takes more loads than multiply-adds: three vectors, and then the
        // rest
        3
    } else {
        vectors.min(full)
    };
    (vectors, rest.min(vectors * S::LANES))
}

/// The columns of all the panels of full width that come next, where `rest` columns remain.
#[inline(always)]
pub(super) fn full_panels<S: Simd>(rest: usize) -> usize {
    let (nr, mut columns) = (S::TILE_VECTORS * S::LANES, 0);
    while next_panel::<S>(rest - columns, false).1 == nr {
        columns += nr;
    }
    columns
}

/// Packs the leading `height` x `width` elements of row-major `b` (rows of `n`), for products with more than one row.
/// Too short a slice leaves the rest unpacked.
pub(super) fn pack_b<S: Simd>(s: S, to: &mut [f32], b: &[f32], n: usize, [height, width]: [usize; 2]) {
    s.run(PackB { to, b, n, height, width });
}

struct PackB<'a> {
    to: &'a mut [f32],
    b: &'a [f32],
    n: usize,
    height: usize,
    width: usize,
}

impl Kernel for PackB<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { to, b, n, height, width } = self;
        // panels of full width in a loop of their own: all their numbers are constants
        let (nr, full) = (S::TILE_VECTORS * S::LANES, full_panels::<S>(width));
        let copy = |to: &mut [f32], from: &[f32]| {
            for (to, from) in to.chunks_exact_mut(S::LANES).zip(from.chunks(S::LANES)) {
                s.store(to, s.load(from));
            }
        };
        for (p, from) in b.chunks(n).take(height).enumerate() {
            let Some((from, mut rest)) = from.get(..width).and_then(|from| from.split_at_checked(full)) else {
                return;
            };
            let mut at = p * nr;
            for from in from.chunks_exact(nr) {
                copy(part_mut(to, at..at + nr), from);
                at += height * nr;
            }
            let mut left = full;
            while !rest.is_empty() {
                let (vectors, columns) = next_panel::<S>(rest.len(), false);
                let stride = vectors * S::LANES;
                let Some((from, after)) = rest.split_at_checked(columns) else { return };
                copy(part_mut(to, left * height + p * stride..), from);
                (rest, left) = (after, left + columns);
            }
        }
    }
}

/// Packs rows `rows` of the k x n transpose of row-major `b` (n x `k`), for products with a single row or with more.
/// Too short a slice leaves the rest unpacked.
pub(super) fn pack_transposed<S: Simd>(
    s: S,
    to: &mut [f32],
    b: &[f32],
    k: usize,
    rows: Range<usize>,
    n: usize,
    single_row: bool,
) {
    s.run(PackTransposed { to, b, k, rows, n, single_row });
}

pub(super) struct PackTransposed<'a> {
    pub(super) to: &'a mut [f32],
    pub(super) b: &'a [f32],
    pub(super) k: usize,
    pub(super) rows: Range<usize>,
    pub(super) n: usize,
    pub(super) single_row: bool,
}

impl Kernel for PackTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { to, b, k, rows, n, single_row } = self;
        let height = rows.len();
        let (mut to, mut left) = (to, 0);
        while left < n {
            let (vectors, width) = next_panel::<S>(n - left, single_row);
            let stride = vectors * S::LANES;
            let Some((panel, rest)) = to.split_at_mut_checked(height * stride) else { return };
            for column in (0..width).step_by(S::LANES) {
                let lanes = (width - column).min(S::LANES);
                // fewer rows than a vector are packed by fours
                let deep = if height < S::LANES { 4 } else { S::LANES };
                for top in (0..height).step_by(deep) {
                    // the last block overlaps the one before it, so that it is complete too
                    let top = top.min(height.saturating_sub(deep));
                    let from = part(b, (left + column) * k + rows.start + top..);
                    let to = part_mut(panel, top * stride + column..);
                    if height < 4 {
                        one_by_one(to, stride, from, k, [lanes, height]);
                    } else if deep == S::LANES && lanes == S::LANES {
                        // the numbers are constants here
                        s.transpose_block(to, stride, from, k, [S::LANES; 2]);
                    } else {
                        s.transpose_block(to, stride, from, k, [lanes, deep]);
                    }
                }
            }
            left += width;
            to = rest;
        }
    }
}

/// Transposes `columns` elements of each of `lanes` rows of `from`.
fn one_by_one(to: &mut [f32], to_row: usize, from: &[f32], from_row: usize, [lanes, columns]: [usize; 2]) {
    for (lane, from) in from.chunks(from_row).take(lanes).enumerate() {
        for (to, &x) in to.chunks_mut(to_row).zip(from).take(columns) {
            if let Some(to) = to.get_mut(lane) {
                *to = x;
            }
        }
    }
}
