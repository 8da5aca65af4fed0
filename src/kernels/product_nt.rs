//! The product with a transposed right operand, whose rows lie across k.
//!
//! ```text
//! for each block of rows of B^T                         as long as the caches allow
//!     for each group of panels of columns of B^T
//!         pack the group                                blocks of B are transposed in registers
//!         C += A's columns of the block times the group
//! ```
//!
//! A chain that spans several blocks rests in C between them, which changes no bit. All groups are packed into the same
//! memory, so it is in the cache when the next one comes.

use super::{
    operands::{Into, Left, Right, Strided},
    pack::{GROUP, PANEL_COLUMNS, aligned, pack_transposed, padded, with_room_to_align},
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

/// Rows of a block and columns of a group at most where [`MANY_ROWS`] of A share them.
const fn block(n: usize) -> [usize; 2] {
    let columns = if n > COLUMNS { COLUMNS } else { padded(if n > 0 { n } else { 1 }) };
    [GROUP / columns, columns]
}

/// The scratch that [`product_nt`] needs for inner size `k` and `n` columns, in f32.
pub(crate) const fn scratch_len(k: usize, n: usize) -> usize {
    let [rows, columns] = block(n);
    if PACKS { with_room_to_align(columns * if k < rows { k } else { rows }) } else { 0 }
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
    let [rows, columns] = if m < MANY_ROWS { SHORT_BLOCK } else { block(n) };
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

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{super::product::transposed_len, *};
    use crate::{Isa, rng::Xorshift, simd::Kernel};

    struct Both<'a> {
        shape: [usize; 3],
        a: &'a [f32],
        b: &'a [f32],
        start: &'a [f32],
        into: Into<'a>,
    }

    impl Kernel for Both<'_> {
        /// C of the product in blocks, and of the product with all of B packed.
        type Output = [Vec<f32>; 2];
        fn call<S: Simd>(self, s: S) -> Self::Output {
            let Self { shape: [m, k, n], a, b, start, into } = self;
            let mut scratch = std::vec![f32::NAN; scratch_len(k, n)];
            let mut packed = std::vec![f32::NAN; transposed_len(k, n)];
            let [mut in_blocks, mut at_once] = [(); 2].map(|()| start.to_vec());
            assert!(product_nt::<S, false>(s, [m, k, n], a, b, &mut in_blocks, into, &mut scratch));
            let b = Right::transposed::<S, false>(s, [m, k, n], b, &mut packed);
            assert!(product(s, [m, k, n], Left::rows(a, k), b, &mut at_once, into));
            [in_blocks, at_once]
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn blocks_of_every_form_have_the_bits_of_the_product_at_once() {
        let mut rng = Xorshift::new(17);
        let mut random = |len: usize| (0..len).map(|_| rng.uniform() - 0.5).collect::<Vec<f32>>();
        for n in [0, 3, 16, 70, 100, 128, 130, 144, 257] {
            let [rows, _] = block(n);
            for (m, k) in [(127, 300), (128, rows), (128, rows + 1), (130, 2 * rows + 5)] {
                let [a, b, start] = [m * k, k * n, m * n].map(&mut random);
                // a portable product of these sizes takes seconds, and isn't packed
                for isa in Isa::available().filter(|&isa| isa != Isa::PORTABLE) {
                    for into in [Into::Set, Into::Bias(&start[..n]), Into::Continue] {
                        let [in_blocks, at_once] =
                            isa.run(Both { shape: [m, k, n], a: &a, b: &b, start: &start, into });
                        let same = in_blocks.iter().zip(&at_once).all(|(x, y)| x.to_bits() == y.to_bits());
                        assert!(same, "{} {m} x {k} x {n}", isa.name());
                    }
                }
            }
        }
    }
}
