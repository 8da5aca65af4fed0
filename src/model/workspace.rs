//! The buffers of one training step for all T time steps, cut from one block of memory.

use core::mem::MaybeUninit;

use crate::{
    config::{CellSizes, Sizes},
    layers::cell::Layer,
};

/// The workspace by name; `T` is what there is of each buffer: a length, or a reference to a slice.
///
/// Activations are time-major: row t * N + n belongs to step t of batch row n. So a time step is one contiguous block,
/// and the gradient of a weight matrix is one product over all rows.
pub(crate) struct Buffers<T> {
    /// (N,H), once for each state of the cell: what is carried from window to window.
    pub state: T,
    /// (T*N,D): the word vectors.
    pub x: T,
    /// ((T+1)*N,H): the hidden states; the first N rows are the state before the window. Then the other states of the
    /// cell, and what it keeps: see [`Layer`].
    pub h: T,
    /// (T*N,V): the logits, then their gradient.
    pub logits: T,
    /// (T*N,H): the gradient of h, then, without gates, d_z, that of z = the argument of tanh.
    pub d_h: T,
    /// (T*N,D): the gradient of x.
    pub d_x: T,
    /// (T*N): the input id of each row, to be seen through [`RowIds`](crate::layers::RowIds).
    pub row_ids: T,
    /// Scratch of the products. In a small model of N = 1 the transposed weights, from the forward to the backward
    /// pass.
    pub scratch: T,
}

/// The slices of a workspace, in the order of [`Buffers`]. An array, so that one function cuts these and the weights.
pub type BufferSlices<'a> = [&'a mut [f32]; 8];
/// The slices of the weights, in the order of [`Weights`](super::parameters::Weights).
pub type WeightSlices<'a> = [&'a mut [f32]; 6];

// The only places that know the order of the buffers are these two; `Model::state` knows that the state is the first.

impl<'v, 'a> Buffers<&'v mut &'a mut [f32]> {
    #[inline(always)]
    pub(crate) fn named(slices: &'v mut BufferSlices<'a>) -> Self {
        let [state, x, h, logits, d_h, d_x, row_ids, scratch] = slices;
        Self { state, x, h, logits, d_h, d_x, row_ids, scratch }
    }
}

impl Sizes {
    /// The length of each buffer.
    // the cell is a constant
    #[inline(always)]
    pub(crate) const fn buffers(&self, cell: CellSizes) -> [usize; 8] {
        let (&Self { v, d, hidden, n, .. }, rows) = (self, self.rows());
        let Buffers { state, x, h, logits, d_h, d_x, row_ids, scratch } = Buffers {
            state: cell.states * n * hidden,
            x: rows * d,
            h: cell.states * (rows + n) * hidden + cell.kept * rows * hidden,
            logits: rows * v,
            d_h: rows * hidden,
            d_x: rows * d,
            row_ids: rows,
            scratch: self.scratch(cell),
        };
        [state, x, h, logits, d_h, d_x, row_ids, scratch]
    }
}

/// A model's weights and its buffers.
pub(crate) struct Views<'a> {
    pub weights: WeightSlices<'a>,
    pub buffers: BufferSlices<'a>,
}

impl<'a> Views<'a> {
    /// Views of these blocks; `None` where one is too short. They are many words, so they are written where they stay.
    #[inline(never)]
    pub(crate) fn of<'v, C: Layer>(
        place: &'v mut MaybeUninit<Self>,
        sizes: &Sizes,
        weights: &'a mut [f32],
        workspace: &'a mut [f32],
    ) -> Option<&'v mut Self> {
        let views = place.write(Self { weights: Default::default(), buffers: Default::default() });
        let both = cut(weights, &sizes.parameters(C::SIZES.gates), &mut views.weights)
            && cut(workspace, &sizes.buffers(C::SIZES), &mut views.buffers);
        both.then_some(views)
    }
}

/// Cuts a block into consecutive parts of these lengths; `None` where it is too short.
#[inline(always)]
pub(crate) fn split<'a, const COUNT: usize>(
    block: &'a mut [f32],
    lens: &[usize; COUNT],
) -> Option<[&'a mut [f32]; COUNT]> {
    let mut parts = [(); COUNT].map(|()| <&mut [f32]>::default());
    cut(block, lens, &mut parts).then_some(parts)
}

/// One function for any number of parts: flash is short.
#[inline(never)]
fn cut<'a>(block: &'a mut [f32], lens: &[usize], parts: &mut [&'a mut [f32]]) -> bool {
    let mut rest = block;
    for (part, len) in parts.iter_mut().zip(lens) {
        let Some((head, after)) = rest.split_at_mut_checked(*len) else { return false };
        (*part, rest) = (head, after);
    }
    true
}
