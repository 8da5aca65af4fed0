//! The buffers of one training step for all T time steps, cut from one block of memory.

use crate::{config::Sizes, simd::Scalar};

/// The parts of the workspace. Activations are time-major: row t * N + n belongs to step t of batch row n, so a
/// time step is one contiguous block and a weight gradient is one product over all rows.
pub(crate) struct Buffers<'a> {
    /// (N,H) the hidden state carried from window to window
    pub state: &'a mut [f32],
    /// (T*N,D) word vectors
    pub x: &'a mut [f32],
    /// ((T+1)*N,H) hidden states; block 0 is the state before the window
    pub h: &'a mut [f32],
    /// (T*N,V) logits, then their gradient
    pub logits: &'a mut [f32],
    /// (T*N) the input id of each row, as the bits of a float
    pub rows: &'a mut [f32],
    /// (T*N,H) gradient of h, then of z = the argument of tanh
    pub d_h: &'a mut [f32],
    /// (T*N,D) gradient of x
    pub d_x: &'a mut [f32],
    /// scratch of the products
    pub pack: &'a mut [f32],
}

/// A model's weights, in the order of [`Sizes::parameters`], and its buffers.
pub(crate) struct Views<'a> {
    pub weights: [&'a mut [f32]; 6],
    pub buffers: Buffers<'a>,
}

impl<'a> Views<'a> {
    /// `None` where a block is too short. The views are many words, so look at them by reference.
    #[inline(never)]
    pub(crate) fn of(sizes: &Sizes, weights: &'a mut [f32], workspace: &'a mut [f32]) -> Option<Self> {
        let mut lens = sizes.buffers().into_iter();
        let mut rest = workspace;
        let mut next = || {
            let (part, after) = core::mem::take(&mut rest).split_at_mut_checked(lens.next()?)?;
            rest = after;
            Some(part)
        };
        #[rustfmt::skip]
        let buffers = Buffers {
            state: next()?, x: next()?, h: next()?, logits: next()?, rows: next()?, d_h: next()?, d_x: next()?, pack: next()?,
        };
        Some(Self { weights: split(weights, sizes.parameters())?, buffers })
    }
}

/// The first `len` elements, none where there are fewer: buffers are cut to measure, so that never shows, and nothing can panic.
pub(crate) fn head(block: &mut [f32], len: usize) -> &mut [f32] {
    block.get_mut(..len).unwrap_or_default()
}

/// to = from; the shorter one ends it.
pub(crate) fn copy(to: &mut [f32], from: &[f32]) {
    Scalar::copy(to, from);
}

/// x = 0.
pub(crate) fn clear(x: &mut [f32]) {
    Scalar::clear(x);
}

/// Cuts a block into consecutive parts of these lengths; `None` where it is too short.
pub(crate) fn split<const COUNT: usize>(block: &mut [f32], lens: [usize; COUNT]) -> Option<[&mut [f32]; COUNT]> {
    let mut parts = [(); COUNT].map(|()| <&mut [f32]>::default());
    let mut rest = block;
    for (part, len) in parts.iter_mut().zip(lens) {
        (*part, rest) = rest.split_at_mut_checked(len)?;
    }
    Some(parts)
}
