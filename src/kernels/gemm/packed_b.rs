//! A product with a row-major B that is packed, NC columns at a time.
//!
//! ```text
//! pack A, if it is transposed                    once, for all blocks
//! for each block of NC columns                   loop 5
//!     pack the k x NC block of B                 into the same memory each time
//!     macrokernel                                prefetches the next block of B
//! ```
//!
//! The rows of a B of many columns are on memory pages of their own, and so are those of C. Packing saves more address
//! translations than it costs where enough rows of C share it. A larger NC visits each page and A less often, but the
//! block must stay in the second-level cache. The rows of the next block are too short for the hardware's prefetcher,
//! so tiles prefetch them. The elements of a row of a transposed A are a row of memory apart, so it is packed too.
//! There are no blocks of k: a panel that exceeds the first-level cache is read in order, which prefetching hides.

use super::{
    macrokernel::{Macrokernel, row_blocks},
    operands::{End, Left, Right, Shape, Start, Strided},
    pack::{LONG_K, PACKED_LEN, WIDEST_NR, aligned, block_len, pack_b, packing_pays, with_room_to_align},
};
use crate::{
    kernels::{
        part, part_mut,
        workers::{Cut, Dealt, Team},
    },
    simd::{Kernel, LARGE_CACHES, PACKS, Simd},
};

/// The columns of a block for inner size `k` that `m` rows share: at most 192, or 256 of a long one in a large cache.
pub(super) const fn block_columns(m: usize, k: usize, large_cache: bool) -> usize {
    let len = block_len(m, large_cache);
    let mut panels = if len > PACKED_LEN && k >= LONG_K { 4 } else { 3 };
    while panels > 1 && k.saturating_mul(panels * WIDEST_NR) > len {
        panels -= 1;
    }
    panels * WIDEST_NR
}

/// The scratch of a product of m, k, n with row-major B, in f32: a block of B, and A.
pub(crate) const fn packed_b_len([m, k, n]: [usize; 3]) -> usize {
    if PACKS && packing_pays([m, k, n]) {
        with_room_to_align(k.saturating_mul(block_columns(m, k, LARGE_CACHES).saturating_add(m)))
    } else {
        0
    }
}

/// Whether packing saves more than it costs.
#[inline(always)]
pub(super) fn pays<S: Simd>(Shape { m, k, n }: Shape, end: End<'_>) -> bool {
    S::LANES > 1 && packing_pays([m, k, n]) && !matches!(end, End::Probe(_))
}

/// The product block by block; and, unless `sums` is empty, that of a row of ones.
pub(super) struct PackedB<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: &'a [f32],
    pub(super) c: &'a mut [f32],
    pub(super) sums: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) rate: Option<f32>,
    pub(super) scratch: &'a mut [f32],
}

/// Computes it by a team, split by columns of C.
#[inline(always)]
pub(super) fn product<T: Team, S: Simd>(team: T, s: S, product: PackedB<'_>) {
    let PackedB { shape, a, b, c, sums, start, rate, scratch } = product;
    let Shape { m, k, n } = shape;
    let unit = block_columns(m, k, s.large_cache());
    let blocks = n.div_ceil(unit);
    let sums_rows = usize::from(!sums.is_empty());
    // some parts for each worker, so that one that is slower takes fewer
    let parts = team.parts(shape.work(), blocks, 4);
    let matrices = [(c, m), (sums, sums_rows)].map(|(data, rows)| Cut { data, rows, width: n, unit });
    let dealt = Dealt::new(matrices, blocks, parts);
    debug_assert!(dealt.is_some(), "a slice is shorter than its shape");
    let Some(dealt) = &dealt else { return };
    team.run(scratch, &|scratch| s.run(Columns { shape, a, b, dealt, sums: sums_rows > 0, start, rate, scratch }));
}

/// The columns of a [`PackedB`] that one worker takes.
struct Columns<'a> {
    shape: Shape,
    a: Strided<'a>,
    b: &'a [f32],
    /// C and the sums.
    dealt: &'a Dealt<'a, 2>,
    sums: bool,
    start: Start<'a>,
    rate: Option<f32>,
    scratch: &'a mut [f32],
}

impl Kernel for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { shape, a, b, dealt, sums: has_sums, start, rate, scratch } = self;
        let Shape { m, k, n } = shape;
        let fits = a.covers(m, k)
            && Right::Rows(b).covers::<S>(k, n)
            && start.covers(n)
            && scratch.len() >= packed_b_len([m, k, n]);
        debug_assert!(fits, "a slice is shorter than its shape");
        if !fits {
            return;
        }
        let nc = block_columns(m, k, s.large_cache());
        let Some((block, packed_a)) = aligned(scratch).split_at_mut_checked(k.saturating_mul(nc)) else { return };
        let mut next = dealt.take();
        if next.is_none() {
            return;
        }
        let packed_a: &[f32] = if a.row == 1 && a.col > 1 {
            pack_a::<S>(packed_a, a, m, k);
            packed_a
        } else {
            &[]
        };
        while let Some((blocks, [mut c, mut sums])) = next {
            let first = blocks.start * nc;
            let end = first + c.width();
            let mut left = first;
            while left < end {
                let columns = Shape { n: (end - left).min(nc), ..shape };
                let right = left + columns.n;
                // no element of an empty B is read
                let b_from = |left| if k == 0 { &[] } else { part(b, left..) };
                pack_b(s, block, b_from(left), n, [k, columns.n]);
                let packed = Right::Panels(block);
                if has_sums {
                    let (shape, sums) = (Shape { m: 1, ..columns }, sums.from(left - first));
                    s.run(Macrokernel::new(shape, Left::ones().0, packed, sums, Start::Zero, rate));
                }
                let next_b = Strided { data: b_from(right), row: n, col: 1 };
                let c = c.from(left - first);
                let product = Macrokernel::new(columns, a, packed, c, start.columns_from(left), rate);
                s.run(Macrokernel { packed_a, next_b, ..product });
                left = right;
            }
            next = dealt.take();
        }
    }
}

/// Packs a transposed A (m x k) for panels of full width: the block of rows that starts at `top` is at `top * k`,
/// column after column.
fn pack_a<S: Simd>(to: &mut [f32], a: Strided<'_>, m: usize, k: usize) {
    for (top, rows) in row_blocks::<S>(m, S::TILE_VECTORS) {
        let block = part_mut(to, top * k..);
        for (to, from) in block.chunks_exact_mut(rows).zip(a.data.chunks(a.col)).take(k) {
            if let Some(from) = from.get(top..top + rows) {
                to.copy_from_slice(from);
            }
        }
    }
}
