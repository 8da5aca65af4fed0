//! The memory that a configuration needs: known before anything is allocated, in one formula.

use crate::{
    config::{Config, Sizes},
    error::ConfigError,
    kernels::{Transposes, packed_b_len, packed_len, transposed_b_len, transposes_len},
    simd::PACKS,
};

/// The memory that a [`Config`] needs, in elements of four bytes each: exactly, on the target that this is compiled
/// for.
///
/// ```
/// use rnnlm::{Config, Memory};
/// const CONFIG: Config =
///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// const MEMORY: Memory = match CONFIG.memory() {
///     Ok(memory) => memory,
///     Err(_) => panic!("bad sizes"), // at compile time
/// };
/// let (weights, workspace) = ([0_f32; MEMORY.weights], [0_f32; MEMORY.workspace]);
/// assert_eq!(size_of_val(&weights) + size_of_val(&workspace), MEMORY.bytes());
/// assert!(MEMORY.bytes_with_gradients() > MEMORY.bytes());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(C)]
pub struct Memory {
    /// All weights (f32); stored gradients take the same again.
    pub weights: usize,
    /// Activations of all T steps, the carried hidden state and scratch (f32).
    pub workspace: usize,
    /// The token ids of one window, inputs and targets: what a trainer, [`Batches`](crate::Batches) and an online
    /// learner hold (u32).
    pub ids: usize,
    /// The hidden state and the probabilities of a [`Predictor`](crate::Predictor) or an online learner: H + V, and
    /// where H exceeds V, 2 H (f32).
    pub prediction: usize,
}

impl Memory {
    /// Bytes of a model that is trained in place: weights and workspace. On the heap each of the two takes 60 more to
    /// start a cache line, where the target has vectors.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.weights.saturating_add(self.workspace).saturating_mul(4)
    }

    /// Bytes of a model that is trained through stored gradients.
    #[must_use]
    pub const fn bytes_with_gradients(&self) -> usize {
        self.weights.saturating_mul(2).saturating_add(self.workspace).saturating_mul(4)
    }
}

impl Sizes {
    /// The k and n of the transposes that the backward pass multiplies by, where the forward pass packs them, if they
    /// fit: during the recurrence of a batch of one.
    pub(crate) const fn transposes(&self) -> Option<Transposes<[usize; 2]>> {
        let &Self { v, d, hidden, n, .. } = self;
        if PACKS && n == 1 {
            Some(Transposes { affine_w: [v, hidden], wh: [hidden, hidden], wx: [hidden, d] })
        } else {
            None
        }
    }

    /// The scratch of the products, or what the forward pass packs for the backward pass; saturates.
    pub(super) const fn scratch(&self) -> usize {
        let (&Self { v, d, hidden: h, .. }, rows) = (self, self.n.saturating_mul(self.t));
        let affine =
            larger(larger(packed_b_len([rows, h, v]), packed_b_len([h, rows, v])), transposed_b_len([rows, v, h]));
        let forward = packed_b_len([rows, d, h]);
        let gradients = larger(packed_b_len([d, rows, h]), packed_b_len([h, rows, h]));
        let rnn = larger(larger(forward, gradients), transposed_b_len([rows, h, d]));
        let one_by_one = larger(larger(affine, rnn), packed_len(h, h));
        match self.transposes() {
            Some(shapes) => larger(one_by_one, transposes_len(shapes)),
            None => one_by_one,
        }
    }

    /// The floats of a prediction: h and the logits, in whose place a new h is built first.
    pub(crate) const fn prediction(&self) -> usize {
        self.hidden + larger(self.hidden, self.v)
    }
}

impl Config {
    /// The memory that these sizes need.
    ///
    /// # Errors
    /// [`ConfigError::ZeroSize`] and [`ConfigError::TooLarge`]; never a panic.
    // sizes that are constants cost no code
    #[inline(always)]
    pub const fn memory(&self) -> Result<Memory, ConfigError> {
        if let Err(error) = self.check() {
            return Err(error);
        }
        let sizes = self.checked_sizes();
        let Sizes { v, d, hidden: h, n, t } = sizes;
        let (rows, state) = (times(n, t), times(n, h));
        // V D + D H + H H + H + H V + V
        let weights = times(plus(v, h), plus(plus(d, h), 1));
        // the state twice, and for each row x, h, logits, its id, and the gradients of h and x
        let per_row = plus(times(2, plus(d, h)), plus(v, 1));
        let workspace = plus(plus(times(2, state), times(rows, per_row)), sizes.scratch());
        let ids = times(2, rows);
        // the same bound as the allocator's: isize::MAX bytes, here for everything together
        if plus(times(2, weights), plus(workspace, ids)) > isize::MAX as usize / 4 {
            return Err(ConfigError::TooLarge);
        }
        Ok(Memory { weights, workspace, ids, prediction: sizes.prediction() })
    }

    /// The floats that so many [`Workers`](crate::Workers) need beside the workspace, for what each packs. None for one
    /// worker, and none where the target has no vectors.
    ///
    /// ```
    /// use rnnlm::Config;
    /// let config = Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: 20, time_size: 35 };
    /// assert_eq!(config.scratch_of_workers(1)?, 0);
    /// assert!(config.scratch_of_workers(8)? < config.memory()?.workspace / 4);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::memory`].
    pub const fn scratch_of_workers(&self, workers: usize) -> Result<usize, ConfigError> {
        if let Err(error) = self.memory() {
            return Err(error);
        }
        let scratch = times(workers.saturating_sub(1), self.checked_sizes().scratch());
        if scratch > isize::MAX as usize / 4 { Err(ConfigError::TooLarge) } else { Ok(scratch) }
    }

    /// The same five numbers under their short names.
    pub(crate) const fn sizes(&self) -> Result<Sizes, ConfigError> {
        match self.memory() {
            Ok(_) => Ok(self.checked_sizes()),
            Err(error) => Err(error),
        }
    }
}

// Saturating, so that an overflow anywhere ends above every bound.
const fn times(a: usize, b: usize) -> usize {
    a.saturating_mul(b)
}

const fn plus(a: usize, b: usize) -> usize {
    a.saturating_add(b)
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests;
