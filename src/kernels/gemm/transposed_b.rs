//! The product with a transposed right operand, whose rows lie across k.
//!
//! ```text
//! for each block of rows of B^T                         as long as the caches allow
//!     for each group of panels of B^T
//!         pack the group                                blocks of B are transposed in registers
//!         C += A's columns of the block times the group
//! ```
//!
//! A chain that spans several blocks rests in C between them, which changes no bit. All groups are packed into the same
//! memory, so it is in the cache when the next one comes.

use super::{
    operands::{Into, Left, Right, Strided},
    pack::{PACKED_LEN, PANEL_COLUMNS, aligned, pack_transposed, padded, with_room_to_align},
    product::{Product, even_blocks, product},
};
use crate::simd::{PACKS, Simd, VIRTUAL_LANES};

/// From so many rows of A on that share a block it is as large as a second-level cache allows.
const MANY_ROWS: usize = 128;
/// The columns of a group at most then: rows twice as long instead of more columns visit C less often, and a row of A, which lies
/// on a page of its own, is read further at a time.
const COLUMNS: usize = 2 * PANEL_COLUMNS;
/// Rows of a block and columns of a group at most where fewer rows of A share them. Packing is a large part of the work then, and
/// three times as fast into 32 KB, which stay in a first-level cache.
const SHORT_BLOCK: [usize; 2] = [128, PANEL_COLUMNS];

/// Rows of a block and columns of a group at most.
pub(super) const fn block(m: usize, n: usize) -> [usize; 2] {
    if m < MANY_ROWS {
        return SHORT_BLOCK;
    }
    let columns = if n > COLUMNS { COLUMNS } else { padded(if n > 0 { n } else { 1 }) };
    [PACKED_LEN / columns, columns]
}

/// The scratch that [`product_nt`] needs, in f32; enough for fewer rows of A, too.
pub(crate) const fn scratch_len([m, k, n]: [usize; 3]) -> usize {
    let ([rows, columns], padded) = (block(m, n), padded(n));
    let (rows, columns) = (if k < rows { k } else { rows }, if padded < columns { padded } else { columns });
    if PACKS { with_room_to_align(rows * columns) } else { 0 }
}

/// C (m x n) = or += A (m x k) times the transpose of row-major B (n x k), with [`scratch_len`] floats of scratch; or times
/// that transpose where B is PACKED already: it stands in panels then, and no scratch is needed.
pub(crate) fn product_nt<S: Simd, const PACKED: bool>(
    s: S,
    [m, k, n]: [usize; 3],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    into: Into<'_>,
    scratch: &mut [f32],
) -> bool {
    if PACKED {
        return product(s, [m, k, n], Left::rows(a, k), Right::Panels(b), c, into);
    }
    if S::LANES == 1 {
        return product(s, [m, k, n], Left::rows(a, k), Right::Columns(b), c, into);
    }
    if k == 0 {
        return product(s, [m, k, n], Left::rows(a, k), Right::Rows(b), c, into);
    }
    let scratch = aligned(scratch);
    let mut good = true;
    let [rows, columns] = block(m, n);
    for (top, height) in even_blocks(k, rows) {
        let a = Strided { data: a.get(top..).unwrap_or(&[]), row: k, col: 1 };
        let into = if top == 0 { into } else { Into::Continue };
        let mut left = 0;
        while left < n {
            let width = group_width(n - left, columns);
            let b = b.get(left * k..).unwrap_or(&[]);
            pack_transposed(s, scratch, b, k, top..top + height, width, false);
            let into = match into {
                Into::Bias(bias) => Into::Bias(bias.get(left..).unwrap_or(&[])),
                into => into,
            };
            let (shape, c) = ([m, height, width], c.get_mut(left..).unwrap_or(&mut []));
            good &= s.run(Product { c_row: n, ..Product::new(shape, a, Right::Panels(scratch), c, into) });
            left += width;
        }
    }
    good
}

/// The columns of the next group of at most so many where `rest` remain.
fn group_width(rest: usize, most: usize) -> usize {
    // not a full group and a lone vector
    if rest.div_ceil(VIRTUAL_LANES) == most / VIRTUAL_LANES + 1 { most - VIRTUAL_LANES } else { rest.min(most) }
}
