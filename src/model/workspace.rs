//! The buffers of one training step for all T time steps, cut from one block of memory.

use core::mem::MaybeUninit;

use crate::config::Sizes;

/// The parts of the workspace, in the order of [`Sizes::buffers`]. Activations are time-major: row t * N + n belongs to step t of
/// batch row n, so a time step is one contiguous block and a weight gradient is one product over all rows.
///
/// - state (N,H): the hidden state carried from window to window
/// - x (T*N,D): word vectors
/// - h ((T+1)*N,H): hidden states; block 0 is the state before the window
/// - logits (T*N,V), then their gradient
/// - d_h (T*N,H): gradient of h, then d_z, that of z = the argument of tanh
/// - d_x (T*N,D): gradient of x
/// - rows (T*N): the input id of each row, as the bits of a float; behind the backward pass a mark in all but the first row of an id
/// - pack: scratch of the products; in a small model of N = 1 its transposed weights, from the forward pass to the backward pass
///
/// An array, so that the function that cuts the weights cuts these too.
pub(crate) type Buffers<'a> = [&'a mut [f32]; 8];

/// A model's weights, in the order of [`Sizes::parameters`], and its buffers.
pub(crate) struct Views<'a> {
    pub weights: [&'a mut [f32]; 6],
    pub buffers: Buffers<'a>,
}

impl<'a> Views<'a> {
    /// Views of these blocks; `None` where one is too short. They are many words, so they are written where they stay.
    #[inline(never)]
    pub(crate) fn of<'v>(
        place: &'v mut MaybeUninit<Self>,
        sizes: &Sizes,
        weights: &'a mut [f32],
        workspace: &'a mut [f32],
    ) -> Option<&'v mut Self> {
        let views = place.write(Self { weights: Default::default(), buffers: Default::default() });
        let whole = cut(weights, &sizes.parameters(), &mut views.weights)
            && cut(workspace, &sizes.buffers(), &mut views.buffers);
        whole.then_some(views)
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
        let Some((head, behind)) = rest.split_at_mut_checked(*len) else { return false };
        (*part, rest) = (head, behind);
    }
    true
}
