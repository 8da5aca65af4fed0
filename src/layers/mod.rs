//! The equations of the model, layer by layer in the order of the forward pass.
//!
//! ```text
//! token ids (N,T) -> time_embedding -> time_rnn or time_lstm -> time_affine -> time_softmax_with_loss
//! ```
//!
//! Each layer is its forward and its backward pass over a window of T time steps, for all N rows of the batch: what a
//! pass reads and writes is named, with its shape. Activations are time-major, (T*N, .); token ids are batch-major,
//! (N,T), as the user gives them. A weight gradient is one product (the embedding's is a sum of rows), and its
//! [`End`](crate::kernels::End) says where it goes: it is stored, or taken as the SGD step.

pub(crate) mod cell;
mod row_ids;
pub(crate) mod time_affine;
pub(crate) mod time_embedding;
pub(crate) mod time_lstm;
pub(crate) mod time_rnn;
pub(crate) mod time_softmax_with_loss;

pub(crate) use row_ids::RowIds;

/// The token ids of a window, (N,T) batch-major.
#[derive(Clone, Copy)]
pub(crate) struct TokenWindow<'a> {
    pub ids: &'a [u32],
    pub t: usize,
}

impl TokenWindow<'_> {
    /// The id of row `row` of the activations.
    pub(crate) fn at(self, row: usize) -> Option<u32> {
        let Self { ids, t } = self;
        let n = ids.len().checked_div(t)?;
        ids.get(row.checked_rem(n)? * t + row.checked_div(n)?).copied()
    }

    /// The ids in the order of the activations: step after step, and batch row after batch row within a step.
    pub(crate) fn time_major(self) -> impl Iterator<Item = u32> {
        let Self { ids, t } = self;
        let mut at = 0;
        ids.iter().map_while(move |_| {
            let id = ids.get(at)?;
            // after the last row comes the next step
            at += t;
            if at >= ids.len() {
                at = at + 1 - ids.len();
            }
            Some(*id)
        })
    }
}
