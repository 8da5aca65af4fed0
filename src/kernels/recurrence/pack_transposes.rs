//! Work that the recurrence of a single row takes in while it waits for itself: small operands are transposed.
//!
//! That recurrence leaves the processor most of its time. So it packs the transposes of the weights that the backward
//! pass multiplies by, a few rows between any few links of the chains. After a complete step they would cost their
//! time: the links and the function after them, all waiting, fill what the processor looks ahead.
//!
//! Both passes ask [`packed_transposes`], so what the backward pass finds there the forward pass of the window has
//! packed.

use super::in_registers::{Overlap, complete_vectors};
use crate::{
    kernels::{
        gemm::{PACK_FROM_COLUMNS, aligned, next_panel, padded, with_room_to_align},
        part, part_mut,
    },
    simd::{Simd, WIDEST},
};

/// One thing for each of the weights whose transpose the backward pass multiplies by.
#[derive(Clone, Copy)]
pub(crate) struct Transposes<T> {
    pub affine_w: T,
    /// That of the recurrence.
    pub wh: T,
    pub wx: T,
}

impl<T> Transposes<T> {
    #[inline(always)]
    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Transposes<U> {
        Transposes { affine_w: f(self.affine_w), wh: f(self.wh), wx: f(self.wx) }
    }
}

/// The k and n of each operand, the transpose of a row-major n x k matrix.
pub(crate) type Shapes = Transposes<[usize; 2]>;

/// Most of a longer operand would be packed after the recurrence. Wide products would use the same scratch between the
/// passes; they have far more columns.
const LONGEST: usize = 128;
const _: () = assert!(LONGEST < PACK_FROM_COLUMNS);
/// Rows of an operand that are packed at a time.
const ROWS: usize = 4;

/// The scratch for the packed transposes, in f32: 0 where no instruction set packs them so.
pub(crate) const fn transposes_len(Shapes { affine_w, wh, wx }: Shapes) -> usize {
    if fits(affine_w) && fits(wh) && fits(wx) { with_room_to_align(len(affine_w) + len(wh) + len(wx)) } else { 0 }
}

/// Whether some instruction set packs it so.
const fn fits([k, n]: [usize; 2]) -> bool {
    ROWS <= k && k <= LONGEST && n.is_power_of_two() && n <= 4 * WIDEST
}

const fn len([k, n]: [usize; 2]) -> usize {
    k * padded(n)
}

/// Where in the scratch the transposes are, in panels; `None` where they aren't packed so.
pub(crate) fn packed_transposes<S: Simd>(shapes: Shapes, scratch: &mut [f32]) -> Option<Transposes<&mut [f32]>> {
    let Shapes { affine_w, wh, wx } = shapes;
    if ![affine_w, wh, wx].into_iter().all(|shape @ [_, n]| fits(shape) && complete_vectors::<S>(n).is_some()) {
        return None;
    }
    let (affine_w, rest) = aligned(scratch).split_at_mut_checked(len(affine_w))?;
    let (wh, rest) = rest.split_at_mut_checked(len(wh))?;
    Some(Transposes { affine_w, wh, wx: rest.get_mut(..len(wx))? })
}

/// Nothing.
impl Overlap for () {
    fn step<S: Simd>(&mut self, _: S) -> bool {
        false
    }
}

/// What remains to be packed.
pub(crate) struct PackTransposes<'a> {
    operands: [Operand<'a>; 3],
    /// The operand in work, the first column of its panel in work, and the next row of that.
    at: usize,
    left: usize,
    top: usize,
}

struct Operand<'a> {
    /// Row-major n x k.
    from: &'a [f32],
    to: &'a mut [f32],
    k: usize,
    n: usize,
    /// The columns of its panels.
    width: usize,
}

impl<'a> PackTransposes<'a> {
    /// The transposes of these row-major matrices, to where [`packed_transposes`] finds them; `None` where they aren't
    /// packed so. The products with them have a row for each of the `steps`; those of the recurrence have one.
    pub(crate) fn new<S: Simd>(
        shapes: Shapes,
        from: Transposes<&'a [f32]>,
        steps: usize,
        scratch: &'a mut [f32],
    ) -> Option<Self> {
        let to = packed_transposes::<S>(shapes, scratch)?;
        // all panels have as many columns as the first: n is one, two or four vectors
        let operand = |from, to, [k, n]: [usize; 2], rows| {
            let (_, width) = next_panel::<S>(n, rows == 1);
            Operand { from, to, k, n, width }
        };
        let operands = [
            operand(from.affine_w, to.affine_w, shapes.affine_w, steps),
            operand(from.wh, to.wh, shapes.wh, 1),
            operand(from.wx, to.wx, shapes.wx, steps),
        ];
        Some(Self { operands, at: 0, left: 0, top: 0 })
    }
}

impl Overlap for PackTransposes<'_> {
    /// Some rows.
    #[inline(always)]
    fn step<S: Simd>(&mut self, s: S) -> bool {
        let Some(Operand { from, to, k, n, width }) = self.operands.get_mut(self.at) else { return false };
        // the last rows overlap some that are packed already
        let top = self.top.min(k.saturating_sub(ROWS));
        let panel = self.left * *k;
        let (to, from) = (part_mut(to, panel + top * *width..), part(from, panel + top..));
        if *width == S::LANES {
            s.transpose_four::<1>(to, from, *k);
        } else if *width == 2 * S::LANES {
            s.transpose_four::<2>(to, from, *k);
        } else {
            s.transpose_four::<4>(to, from, *k);
        }
        self.top += ROWS;
        if self.top >= *k {
            (self.left, self.top) = (self.left + *width, 0);
            if self.left >= *n {
                (self.at, self.left) = (self.at + 1, 0);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
