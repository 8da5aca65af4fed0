//! The product with a transposed B, whose memory is n x k: packed block by block.
//!
//! ```text
//! for each block of KC rows of k                 loop 4
//!     for each block of NC columns               loop 5
//!         pack the KC x NC block                 squares of B are transposed in registers
//!         macrokernel                            C = start + A's KC columns times the block
//!     start = C                                  a chain goes on where the block before left it
//! ```
//!
//! All blocks are packed into the same memory, so it is in the cache when the next one comes.

use super::{
    macrokernel::{Macrokernel, even_blocks},
    one_by_one::OneByOne,
    operands::{End, InPlace, Right, Shape, Start, Strided},
    pack::{WIDEST_NR, aligned, block_len, pack_transposed, padded, with_room_to_align},
};
use crate::{
    kernels::{
        part,
        workers::{Columns, Cut, Dealt, Team},
    },
    simd::{LARGE_CACHES, PACKS, Simd, VIRTUAL_LANES},
};

/// From so many rows of A on that share a block it is as large as a second-level cache allows.
const LARGE_BLOCK_FROM_ROWS: usize = 128;
/// NC of a large block at most. More rows instead of more columns visit C less often and read more of each row of A at
/// a time, which is on a memory page of its own.
const LARGE_NC: usize = 2 * WIDEST_NR;
/// KC and NC where fewer rows of A share a block. Packing is a large part of the work then, and faster into 32 KB,
/// which stay in a first-level cache.
const SMALL_BLOCK: Block = Block { kc: 128, nc: WIDEST_NR };

/// Rows and columns of a block at most.
pub(super) struct Block {
    pub(super) kc: usize,
    pub(super) nc: usize,
}

impl Block {
    pub(super) const fn of(m: usize, n: usize, large_cache: bool) -> Self {
        if m < LARGE_BLOCK_FROM_ROWS {
            return SMALL_BLOCK;
        }
        let nc = if n > LARGE_NC { LARGE_NC } else { padded(if n > 0 { n } else { 1 }) };
        // few columns of C wait for fewer rows of B
        Self { kc: block_len(m, large_cache && n > LARGE_NC) / nc, nc }
    }
}

/// The scratch of a product of m, k, n with a transposed B, in f32; enough for fewer rows of A, too.
pub(crate) const fn transposed_b_len([m, k, n]: [usize; 3]) -> usize {
    let Block { kc, nc } = Block::of(m, n, LARGE_CACHES);
    packed_block_len(kc, nc, k, n)
}

const fn packed_block_len(kc: usize, nc: usize, k: usize, n: usize) -> usize {
    let padded = padded(n);
    let (rows, columns) = (if k < kc { k } else { kc }, if padded < nc { padded } else { nc });
    if PACKS { with_room_to_align(rows * columns) } else { 0 }
}

/// The product with the transpose of row-major `b` (n,k).
pub(super) struct TransposedB<'a> {
    pub(super) shape: Shape,
    pub(super) a: Strided<'a>,
    pub(super) b: &'a [f32],
    pub(super) c: &'a mut [f32],
    pub(super) start: Start<'a>,
    pub(super) end: End<'a>,
    pub(super) scratch: &'a mut [f32],
}

/// Computes it where vectors pack, by a team, split by rows of C. Each worker packs all of B: that is little beside the
/// product, and B is read by all from the same cache.
#[inline(always)]
pub(super) fn product<T: Team, S: Simd>(team: T, s: S, product: TransposedB<'_>) {
    let TransposedB { shape, a, b, c, start, end, scratch } = product;
    let Shape { m, k, n } = shape;
    // every part has rows of its own, and fewer blocks of B than all rows together could only be larger
    let block = Block::of(m, n, s.large_cache());
    let parts = if let End::Store = end { team.parts(shape.work(), m, 1) } else { 1 };
    if T::ALONE || parts < 2 {
        return rows(s, &block, TransposedB { shape, a, b, c, start, end, scratch });
    }
    let dealt = Dealt::new([Cut { data: c, rows: 1, width: m.saturating_mul(n), unit: n }], m, parts);
    debug_assert!(dealt.is_some(), "a slice is shorter than its shape");
    let Some(dealt) = dealt else { return };
    team.run(scratch, &|scratch| {
        while let Some((part, [mut c])) = dealt.take() {
            let (shape, a) = (Shape { m: part.len(), ..shape }, a.from(part.start * a.row, k));
            let (c, end, scratch) = (c.row(0), End::Store, &mut *scratch);
            rows(s, &block, TransposedB { shape, a, b, c, start, end, scratch });
        }
    });
}

fn rows<S: Simd>(s: S, &Block { kc, nc }: &Block, product: TransposedB<'_>) {
    let TransposedB { shape, a, b, c, start, end, scratch } = product;
    let Shape { m, k, n } = shape;
    if m == 0 || k == 0 {
        return InPlace { shape, a, b: Right::Rows(b), c, start, end }.run(s);
    }
    let transposed = Strided { data: b, row: 1, col: k };
    if !matches!(end, End::Store) {
        // a gradient that rests in C is no gradient to descend by
        return s.run(OneByOne { shape, a, b: transposed, c, start, end });
    }
    let fits = a.covers(m, k)
        && transposed.covers(k, n)
        && start.covers(n)
        && Strided { data: c, row: n, col: 1 }.covers(m, n)
        && scratch.len() >= packed_block_len(kc, nc, k, n);
    debug_assert!(fits, "a slice is shorter than its shape");
    if !fits {
        return;
    }
    let block = aligned(scratch);
    let mut c = Columns::of(c, m, n, n);
    for (top, height) in even_blocks(k, kc) {
        let a = a.from(top * a.col, k);
        let start = if top == 0 { start } else { Start::C };
        let mut left = 0;
        while left < n {
            let width = block_width(n - left, nc);
            pack_transposed(s, block, part(b, left * k..), k, top..top + height, width, false);
            let (shape, c) = (Shape { m, k: height, n: width }, c.from(left));
            s.run(Macrokernel::new(shape, a, Right::Panels(block), c, start.columns_from(left), None));
            left += width;
        }
    }
}

/// The columns of the next block of at most so many where `rest` remain.
fn block_width(rest: usize, most: usize) -> usize {
    // not a full block and a single vector
    if rest.div_ceil(VIRTUAL_LANES) == most / VIRTUAL_LANES + 1 { most - VIRTUAL_LANES } else { rest.min(most) }
}
