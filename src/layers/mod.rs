//! The equations of the model, layer by layer in the order of the forward pass.
//!
//! ```text
//! token ids (N,T) -> time_embedding -> time_rnn -> time_affine -> time_softmax_with_loss
//! ```
//!
//! Each layer is its forward and its backward function over a whole window of T time steps, for all N rows of the
//! batch. Activations are time-major, (T*N, .); token ids are batch-major, (N,T), as the user gives them. A weight gradient
//! is one product, and [`Into`](crate::kernels::Into) says what becomes of it: stored, or taken as the SGD step.

pub(crate) mod time_affine;
pub(crate) mod time_embedding;
pub(crate) mod time_rnn;
pub(crate) mod time_softmax_with_loss;

/// The token ids of a window, (N,T) batch-major.
#[derive(Clone, Copy)]
pub(crate) struct TokenWindow<'a> {
    pub ids: &'a [u32],
    pub n: usize,
    pub t: usize,
}

impl TokenWindow<'_> {
    /// Visits the ids in the order of the activations: step after step, and batch row after batch row within a step.
    pub(crate) fn for_each_time_major(self, mut visit: impl FnMut(u32)) {
        let Self { ids, n, t } = self;
        for step in 0..t {
            for row in 0..n {
                if let Some(&id) = ids.get(row * t + step) {
                    visit(id);
                }
            }
        }
    }
}
