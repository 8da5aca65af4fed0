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
    pub(super) const fn pack(&self) -> usize {
        let (&Self { v, d, hidden: h, .. }, rows) = (self, self.n.saturating_mul(self.t));
        let affine =
            larger(larger(packed_b_len([rows, h, v]), packed_b_len([h, rows, v])), transposed_b_len([rows, v, h]));
        let rnn =
            larger(larger(packed_b_len([d, rows, h]), packed_b_len([h, rows, h])), transposed_b_len([rows, h, d]));
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
        let workspace = plus(plus(times(2, state), times(rows, per_row)), sizes.pack());
        let ids = times(2, rows);
        // the same bound as the allocator's: isize::MAX bytes, here for everything together
        if plus(times(2, weights), plus(workspace, ids)) > isize::MAX as usize / 4 {
            return Err(ConfigError::TooLarge);
        }
        Ok(Memory { weights, workspace, ids, prediction: sizes.prediction() })
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
mod tests {
    use super::*;

    const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

    #[test]
    fn sizes_that_overflow_are_errors() {
        let half = 1 << (usize::BITS / 2);
        for config in [
            Config { wordvec_size: usize::MAX, ..E },
            Config { hidden_size: usize::MAX / 2, ..E },
            Config { batch_size: usize::MAX, ..E },
            Config { time_size: 1 << (usize::BITS - 4), ..E },
            Config { vocab_size: usize::MAX, ..E },
            Config { vocab_size: u32::MAX as usize, ..E },
            // each product overflows although the factors are small
            Config { hidden_size: half, ..E },
            Config { batch_size: half, time_size: half, ..E },
            Config { wordvec_size: half, hidden_size: half, ..E },
        ] {
            assert_eq!(config.memory(), Err(ConfigError::TooLarge), "{config:?}");
        }
    }

    #[test]
    fn the_gradients_count_in_what_can_be_addressed() {
        // three quarters of all memory for the weights alone
        let (v, d) = (1 << (usize::BITS / 2 - 1), 3 << (usize::BITS / 2 - 4));
        let vast = Config { vocab_size: v, wordvec_size: d, hidden_size: 1, batch_size: 1, time_size: 1 };
        assert_eq!(vast.memory(), Err(ConfigError::TooLarge));
        assert!(Config { wordvec_size: d / 2, ..vast }.memory().is_ok());
    }

    #[test]
    fn zero_sizes_are_errors() {
        for config in [
            Config { vocab_size: 0, ..E },
            Config { wordvec_size: 0, ..E },
            Config { hidden_size: 0, ..E },
            Config { batch_size: 0, ..E },
            Config { time_size: 0, ..E },
        ] {
            assert_eq!(config.memory(), Err(ConfigError::ZeroSize));
        }
    }

    #[test]
    fn memory_is_the_sum_of_the_parts() -> Result<(), ConfigError> {
        for config in
            [E, Config { vocab_size: 700, batch_size: 5, ..E }, Config { time_size: 70, wordvec_size: 1, ..E }]
        {
            let (memory, sizes) = (config.memory()?, config.sizes()?);
            assert_eq!(memory.weights, sizes.parameters().iter().sum());
            assert_eq!(memory.workspace, sizes.buffers().iter().sum());
        }
        Ok(())
    }

    #[test]
    fn the_weights_of_e_are_18_8_kilobytes() {
        assert_eq!(E.memory().map(|m| 4 * m.weights), Ok(18_816));
    }
}
