//! The product with a transposed right operand, whose rows lie across k.
//!
//! ```text
//! for each block of rows of B^T                         as long as the caches allow
//!     for each group of panels of 64 columns of B^T
//!         pack the group                                blocks of B are transposed in registers
//!         C += A's columns of the block times the group
//! ```
//!
//! A chain that spans several blocks rests in C between them, which changes no bit. All groups are packed into the same
//! memory, so it is in the cache when the next one comes.

use super::{
    operands::{Into, Left, Right, Strided},
    pack::{aligned, pack_transposed, padded, with_room_to_align},
    product::{PANEL_COLUMNS, Product, even_blocks, product},
};
use crate::simd::{PACKS, Simd, VIRTUAL_LANES};

/// Rows of a packed block of B^T at most: longer blocks visit C less often. 384 x 64 columns are 96 KB, measured best where
/// [`MANY_ROWS`] of A share a block, although a first-level cache holds half of it.
const PACK_ROWS: usize = 384;
/// Rows of a block that fewer rows of A share. Packing is a large part of the work then, and three times as fast into 32 KB,
/// which stay in a first-level cache.
const SHORT_PACK_ROWS: usize = 128;
const MANY_ROWS: usize = 128;

/// The scratch that [`product_nt`] needs for inner size `k` and `n` columns, in f32.
pub(crate) const fn scratch_len(k: usize, n: usize) -> usize {
    let (rows, columns) = (if k < PACK_ROWS { k } else { PACK_ROWS }, padded(n));
    if PACKS { with_room_to_align(rows * if columns < PANEL_COLUMNS { columns } else { PANEL_COLUMNS }) } else { 0 }
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
    for (top, height) in even_blocks(k, if m < MANY_ROWS { SHORT_PACK_ROWS } else { PACK_ROWS }) {
        let a = Strided { data: a.get(top..).unwrap_or(&[]), row: k, col: 1 };
        let into = if top == 0 { into } else { Into::Continue };
        let mut left = 0;
        while left < n {
            let width = group_width(n - left);
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

/// The columns of the next group of panels where `rest` remain.
fn group_width(rest: usize) -> usize {
    // not a full group and a lone vector
    if rest.div_ceil(VIRTUAL_LANES) == 5 { 48 } else { rest.min(PANEL_COLUMNS) }
}
