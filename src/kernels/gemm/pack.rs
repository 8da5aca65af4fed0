//! Panels: how the columns of a product are cut, and the packing of a transposed operand into that form.
//!
//! A panel is NV vectors of columns. Packed, its k rows of NV * LANES floats stand one behind the other, and the panel
//! whose first column is `left` starts at `left * k`. Columns beyond the last may be anything.

#![allow(clippy::needless_range_loop)] // blocks are indexed by a constant range

use core::ops::Range;

use crate::simd::{Kernel, Simd, VIRTUAL_LANES};

/// Columns rounded up to whole vectors of any instruction set.
pub(crate) const fn padded(n: usize) -> usize {
    n.div_ceil(VIRTUAL_LANES).saturating_mul(VIRTUAL_LANES)
}

/// Floats of a cache line: a vector that crosses lines costs two accesses.
pub(super) const LINE: usize = 16;
/// The columns of the widest panel of any instruction set.
pub(super) const PANEL_COLUMNS: usize = 64;
/// The floats that are packed together at most where many rows of C share them: 384 KB, for second-level caches of 512 and more.
/// Where addresses have 16 bits nothing is packed.
pub(super) const PACKED_LEN: usize = 96_usize.saturating_mul(1024);

/// The scratch that `len` floats need where their place is to be chosen so that they start a cache line.
pub(crate) const fn with_room_to_align(len: usize) -> usize {
    if len == 0 { 0 } else { len.saturating_add(LINE - 1) }
}

/// The scratch from its first cache line on.
pub(crate) fn aligned(scratch: &mut [f32]) -> &mut [f32] {
    scratch.get_mut(before_line(scratch)..).unwrap_or_default()
}

/// How many elements stand before the first cache line; 0 where an interpreter doesn't tell.
pub(crate) fn before_line(data: &[f32]) -> usize {
    let skipped = data.as_ptr().align_offset(LINE * size_of::<f32>());
    if skipped < LINE { skipped } else { 0 }
}

/// The vectors and the columns of the next panel where `rest` columns remain.
#[inline(always)]
pub(crate) fn next_panel<S: Simd>(rest: usize, single_row: bool) -> (usize, usize) {
    let vectors = rest.div_ceil(S::LANES);
    let usual = if single_row { S::ACCUMULATORS.min(8) } else { S::TILE_VECTORS };
    let vectors = if vectors == usual + 1 && S::LANES > 1 && !single_row {
        // not a full panel and a lone vector, which takes more loads than multiplications, but three vectors, and then what is left
        3
    } else {
        vectors.min(usual)
    };
    (vectors, rest.min(vectors * S::LANES))
}

/// How many of `rest` columns stand in panels of the usual width, one behind the other.
#[inline(always)]
pub(super) fn usual_columns<S: Simd>(rest: usize) -> usize {
    let (usual, mut columns) = (S::TILE_VECTORS * S::LANES, 0);
    while next_panel::<S>(rest - columns, false).1 == usual {
        columns += usual;
    }
    columns
}

/// Packs the leading `height` x `width` elements of row-major `b` (rows of `n`), for products with more than one row.
/// Too short a slice leaves the rest unpacked.
pub(super) fn pack_rows<S: Simd>(s: S, to: &mut [f32], b: &[f32], n: usize, [height, width]: [usize; 2]) {
    s.run(PackRows { to, b, n, height, width });
}

struct PackRows<'a> {
    to: &'a mut [f32],
    b: &'a [f32],
    n: usize,
    height: usize,
    width: usize,
}

impl Kernel for PackRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { to, b, n, height, width } = self;
        // usual panels apart: all their numbers are constants
        let (usual, whole) = (S::TILE_VECTORS * S::LANES, usual_columns::<S>(width));
        let copy = |to: &mut [f32], from: &[f32]| {
            for (to, from) in to.chunks_exact_mut(S::LANES).zip(from.chunks(S::LANES)) {
                s.store(to, s.load(from));
            }
        };
        for (p, from) in b.chunks(n).take(height).enumerate() {
            let Some((from, mut rest)) = from.get(..width).and_then(|from| from.split_at_checked(whole)) else {
                return;
            };
            let mut at = p * usual;
            for from in from.chunks_exact(usual) {
                copy(to.get_mut(at..at + usual).unwrap_or(&mut []), from);
                at += height * usual;
            }
            let mut left = whole;
            while !rest.is_empty() {
                let (vectors, columns) = next_panel::<S>(rest.len(), false);
                let stride = vectors * S::LANES;
                let Some((from, after)) = rest.split_at_checked(columns) else { return };
                copy(to.get_mut(left * height + p * stride..).unwrap_or(&mut []), from);
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

struct PackTransposed<'a> {
    to: &'a mut [f32],
    b: &'a [f32],
    k: usize,
    rows: Range<usize>,
    n: usize,
    single_row: bool,
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
                    // the last block reaches back over rows that are packed already, so that it is a whole one too
                    let top = top.min(height.saturating_sub(deep));
                    let from = b.get((left + column) * k + rows.start + top..).unwrap_or(&[]);
                    let to = panel.get_mut(top * stride + column..).unwrap_or(&mut []);
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

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::Isa;

    struct Pack<'a>(PackTransposed<'a>);

    impl Kernel for Pack<'_> {
        /// The vectors of the panels, and how many lanes they have.
        type Output = (Vec<usize>, usize);
        fn call<S: Simd>(self, s: S) -> Self::Output {
            let (n, single_row) = (self.0.n, self.0.single_row);
            self.0.call(s);
            let (mut panels, mut left) = (Vec::new(), 0);
            while left < n {
                let (vectors, width) = next_panel::<S>(n - left, single_row);
                panels.push(vectors);
                left += width;
            }
            (panels, S::LANES)
        }
    }

    #[test]
    fn every_element_has_its_place() {
        for (n, k, rows) in (1..=20).map(|n| (n, 19, 1..19)).chain([
            (37, 16, 0..16),
            (100, 40, 3..38),
            (5, 9, 2..7),
            (18, 9, 6..9),
            (37, 4, 0..4),
        ]) {
            let b: Vec<f32> = (0..n * k).map(|i| i as f32).collect();
            // one lane reads the operand where it stands
            let isas = Isa::available().filter(|isa| isa.name() != "portable");
            for (isa, single_row) in isas.flat_map(|isa| [(isa, false), (isa, true)]) {
                let mut to = std::vec![-1.0; padded(n) * rows.len()];
                let pack = PackTransposed { to: &mut to, b: &b, k, rows: rows.clone(), n, single_row };
                let (panels, lanes) = isa.run(Pack(pack));
                let mut left = 0;
                for vectors in panels {
                    let width = vectors * lanes;
                    for (p, row) in rows.clone().enumerate() {
                        for j in left..n.min(left + width) {
                            let packed = to[left * rows.len() + p * width + j - left];
                            assert_eq!(packed, b[j * k + row], "{} {n} x {k}: row {row}, column {j}", isa.name());
                        }
                    }
                    left += width;
                }
            }
        }
    }
}
