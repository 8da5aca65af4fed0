//! A product with a wide right operand, packed group by group of panels.
//!
//! The rows of a wide B stand on pages of their own, as those of C do; packing a group of columns saves more address
//! translation than it costs, provided that enough rows of C share the work. The wider the group the fewer visits to each page,
//! and the fewer to A, but a second-level cache must hold it. While a group is computed the next one is asked for: its rows
//! are too short for the processor to guess them. A transposed A, whose elements of one row lie as far apart as its columns, is
//! packed too, once for all groups. Blocks of k, with the chains resting between them, gained nothing: a panel that exceeds
//! the first-level cache is read in order, which prefetching hides.

use super::{
    operands::{Into, Left, Right, Strided},
    pack::{PACKED_LEN, PANEL_COLUMNS, aligned, pack_rows, with_room_to_align},
    product::{Product, product, row_blocks},
};
use crate::simd::{Kernel, PACKS, Simd};

/// From this width on packing pays, and from so many rows of C.
pub(crate) const WIDE: usize = 512;
const MANY_ROWS: usize = 64;
/// So many rows of wide B at a time meet a single row of A: below a panel each row of B is a stream of its own to the
/// prefetcher, which keeps up with no more. Fewer visit C more often.
pub(super) const STREAMS: usize = 20;

/// The columns of a group at most: 256 were slower.
const GROUP_COLUMNS: usize = 3 * PANEL_COLUMNS;

/// The columns of a group of panels for inner size `k`.
pub(super) const fn group_columns(k: usize) -> usize {
    if k.saturating_mul(GROUP_COLUMNS) <= PACKED_LEN {
        GROUP_COLUMNS
    } else if k.saturating_mul(2 * PANEL_COLUMNS) <= PACKED_LEN {
        2 * PANEL_COLUMNS
    } else {
        PANEL_COLUMNS
    }
}

/// The scratch that [`product_wide`] needs, in f32: a group of panels of B, and A in strips.
pub(crate) const fn wide_len([m, k, n]: [usize; 3]) -> usize {
    if PACKS && n >= WIDE && m >= MANY_ROWS {
        with_room_to_align(k.saturating_mul(group_columns(k).saturating_add(m)))
    } else {
        0
    }
}

/// [`product`] with row-major B, with [`wide_len`] floats of scratch.
// Inlined: operands handed over in memory are written as words and copied as vectors, and such a copy waits for all that the product
// before has left to do, which a small product feels.
#[inline(always)]
pub(crate) fn product_wide<S: Simd>(
    s: S,
    shape: [usize; 3],
    a: Left<'_>,
    b: &[f32],
    c: &mut [f32],
    into: Into<'_>,
    scratch: &mut [f32],
) -> bool {
    if !pays::<S>(shape, into) {
        return product(s, shape, a, Right::Rows(b), c, into);
    }
    s.run(Groups { shape, a: a.0, b, c, sums: &mut [], into, scratch })
}

/// [`product_wide`], and the sums of B's columns (n) sent the same way: the gradients of weights and bias. A group of
/// panels is summed while it is in the cache.
#[inline(always)]
pub(crate) fn product_with_sums<S: Simd>(
    s: S,
    shape: [usize; 3],
    a: Left<'_>,
    b: &[f32],
    [c, sums]: [&mut [f32]; 2],
    into: Into<'_>,
    scratch: &mut [f32],
) -> bool {
    if !pays::<S>(shape, into) {
        let [_, k, n] = shape;
        return product(s, shape, a, Right::Rows(b), c, into)
            & product(s, [1, k, n], Left::ones(), Right::Rows(b), sums, into);
    }
    s.run(Groups { shape, a: a.0, b, c, sums, into, scratch })
}

fn pays<S: Simd>([m, _, n]: [usize; 3], into: Into<'_>) -> bool {
    S::LANES > 1 && n >= WIDE && m >= MANY_ROWS && !matches!(into, Into::Probe(_))
}

/// The product group by group; and, unless `sums` is empty, that of a row of ones.
struct Groups<'a> {
    shape: [usize; 3],
    a: Strided<'a>,
    b: &'a [f32],
    c: &'a mut [f32],
    sums: &'a mut [f32],
    into: Into<'a>,
    scratch: &'a mut [f32],
}

impl Kernel for Groups<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { shape: [m, k, n], a, b, c, sums, into, scratch } = self;
        let columns = group_columns(k);
        let Some((panels, strips)) = aligned(scratch).split_at_mut_checked(k.saturating_mul(columns)) else {
            return false;
        };
        let far_apart = a.row == 1 && a.col > 1;
        let strips: &[f32] = if far_apart {
            if !pack_strips::<S>(strips, a, m, k) {
                return false;
            }
            strips
        } else {
            &[]
        };
        let (mut good, mut left) = (true, 0);
        while left < n {
            let width = (n - left).min(columns);
            pack_rows(s, panels, b.get(left..).unwrap_or(&[]), n, [k, width]);
            let into = match into {
                Into::Bias(bias) => Into::Bias(bias.get(left..).unwrap_or(&[])),
                into => into,
            };
            let packed = Right::Panels(panels);
            if let Some(c) = sums.get_mut(left..).filter(|sums| !sums.is_empty()) {
                good &= s.run(Product::new([1, k, width], Left::ones().0, packed, c, into));
            }
            let c = c.get_mut(left..).unwrap_or(&mut []);
            let next_b = Strided { data: b.get(left + width..).unwrap_or(&[]), row: n, col: 1 };
            let product = Product::new([m, k, width], a, packed, c, into);
            good &= s.run(Product { c_row: n, strips, next_b, ..product });
            left += width;
        }
        good
    }
}

/// One row of C (n) from one row of A (k) and row-major wide B: [`product`] in an order that reads a wide B about as fast as
/// memory gives it. The chains rest in C between blocks of k.
pub(crate) fn product_row<S: Simd>(
    s: S,
    [k, n]: [usize; 2],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    into: Into<'_>,
) -> bool {
    if S::WHOLE {
        return s.row([k, n], a, b, c, into);
    }
    if S::LANES == 1 || n < WIDE || k <= STREAMS {
        return product(s, [1, k, n], Left::rows(a, k), Right::Rows(b), c, into);
    }
    let (mut good, mut into) = (true, into);
    for (a, b) in a.chunks(STREAMS).zip(b.chunks(STREAMS.saturating_mul(n))) {
        good &= product(s, [1, a.len(), n], Left::rows(a, a.len()), Right::Rows(b), c, into);
        into = Into::Continue;
    }
    good
}

/// Packs a transposed A (m x k) for full panels: the block of rows that starts at `top` stands at `top * k`, column after
/// column. False where a slice is too short.
fn pack_strips<S: Simd>(to: &mut [f32], a: Strided<'_>, m: usize, k: usize) -> bool {
    if !a.covers(m, k) || m.checked_mul(k).is_none_or(|len| len > to.len()) {
        return false;
    }
    for (top, rows) in row_blocks::<S>(m, S::TILE_VECTORS) {
        let strip = to.get_mut(top * k..).unwrap_or(&mut []);
        for (to, from) in strip.chunks_exact_mut(rows).zip(a.data.chunks(a.col)).take(k) {
            if let Some(from) = from.get(top..top + rows) {
                to.copy_from_slice(from);
            }
        }
    }
    true
}
