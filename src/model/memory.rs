//! The memory that a configuration needs: known before anything is allocated, in one formula.

use crate::{
    config::{CellSizes, Config, Sizes},
    error::ConfigError,
    kernels::{Transposes, packed_b_len, packed_len, transposed_b_len, transposes_len},
    layers::{cell::Layer, time_rnn::TanhCell},
    model::step::Cell,
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
    /// where H exceeds V, 2 H; of an LSTM 2 H + V, and where 5 H exceeds V, 7 H (f32).
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
    #[inline(always)]
    pub(super) const fn scratch(&self, cell: CellSizes) -> usize {
        let (&Self { v, d, hidden: h, .. }, rows) = (self, self.n.saturating_mul(self.t));
        let columns = times(cell.gates, h);
        let affine =
            larger(larger(packed_b_len([rows, h, v]), packed_b_len([h, rows, v])), transposed_b_len([rows, v, h]));
        let forward = packed_b_len([rows, d, columns]);
        let gradients = larger(packed_b_len([d, rows, columns]), packed_b_len([h, rows, columns]));
        let rnn = larger(larger(forward, gradients), transposed_b_len([rows, columns, d]));
        let one_by_one = larger(larger(affine, rnn), larger(packed_len(columns, h), packed_len(h, columns)));
        match self.transposes() {
            Some(shapes) if cell.gates == 1 => larger(one_by_one, transposes_len(shapes)),
            _ => one_by_one,
        }
    }

    /// The floats of a prediction: the states and the logits, in whose place new states are built first.
    // the cell is a constant
    #[inline(always)]
    pub(crate) const fn prediction(&self, cell: CellSizes) -> usize {
        let taken = larger(cell.gates, cell.kept) * self.hidden;
        cell.states * self.hidden + larger(taken, self.v)
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
        self.memory_with(TanhCell::SIZES)
    }

    /// [`Self::memory`] of a model with this cell.
    ///
    /// ```
    /// use rnnlm::{Config, LstmCell, Memory, Rnnlm};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 10, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// const MEMORY: Memory = match CONFIG.memory_of::<LstmCell>() { Ok(memory) => memory, Err(_) => panic!() };
    /// let (mut weights, mut workspace) = ([0.0; MEMORY.weights], [0.0; MEMORY.workspace]);
    /// let model = Rnnlm::with_buffers(CONFIG, &mut weights[..], &mut workspace[..])?;
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::memory`].
    #[inline(always)]
    pub const fn memory_of<C: Cell>(&self) -> Result<Memory, ConfigError> {
        self.memory_with(C::SIZES)
    }

    #[inline(always)]
    pub(crate) const fn memory_with(&self, cell: CellSizes) -> Result<Memory, ConfigError> {
        if let Err(error) = self.check() {
            return Err(error);
        }
        let sizes = self.checked_sizes();
        let Sizes { v, d, hidden: h, n, t } = sizes;
        // the same bound as the allocator's: isize::MAX bytes, here for everything together
        const MOST: usize = isize::MAX as usize / 4;
        // each size counts at least four times in the sum; below this no sum of sizes overflows
        const MOST_OF_ONE: usize = MOST / 4;
        let rows = product(n, t);
        if (v | d | h | n | t) > MOST_OF_ONE || rows > MOST as Wide {
            return Err(ConfigError::TooLarge);
        }
        // V D + V + H V, and for each gate D H + H H + H
        let weights = product(v + cell.gates * h, d + h + 1);
        // each state twice, and for each row x, its states, what is kept, logits, its id, and the gradients of h and x
        let per_row = 2 * d + h * (cell.states + cell.kept + 1) + v + 1;
        let workspace = product(2 * cell.states * n, h) + rows * per_row as Wide + sizes.scratch(cell) as Wide;
        if 2 * (weights + rows) + workspace > MOST as Wide {
            return Err(ConfigError::TooLarge);
        }
        let (weights, workspace, ids) = (weights as usize, workspace as usize, 2 * rows as usize);
        Ok(Memory { weights, workspace, ids, prediction: sizes.prediction(cell) })
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
        self.scratch_of_workers_with(workers, TanhCell::SIZES)
    }

    /// [`Self::scratch_of_workers`] of a model with this cell.
    ///
    /// ```
    /// # use rnnlm::{Config, LstmCell};
    /// # let config = Config { vocab_size: 1000, wordvec_size: 100, hidden_size: 100, batch_size: 20, time_size: 35 };
    /// assert_eq!(config.scratch_of_workers_of::<LstmCell>(1)?, 0);
    /// assert!(config.scratch_of_workers_of::<LstmCell>(8)? >= config.scratch_of_workers(8)?);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::memory`].
    pub const fn scratch_of_workers_of<C: Cell>(&self, workers: usize) -> Result<usize, ConfigError> {
        self.scratch_of_workers_with(workers, C::SIZES)
    }

    const fn scratch_of_workers_with(&self, workers: usize, cell: CellSizes) -> Result<usize, ConfigError> {
        if let Err(error) = self.memory_with(cell) {
            return Err(error);
        }
        let scratch = times(workers.saturating_sub(1), self.checked_sizes().scratch(cell));
        if scratch > isize::MAX as usize / 4 { Err(ConfigError::TooLarge) } else { Ok(scratch) }
    }

    /// The same five numbers under their short names.
    pub(crate) const fn sizes(&self, cell: CellSizes) -> Result<Sizes, ConfigError> {
        match self.memory_with(cell) {
            Ok(_) => Ok(self.checked_sizes()),
            Err(error) => Err(error),
        }
    }
}

/// Twice as many bits as a size. Numbers that saturate would take more flash.
#[cfg(target_pointer_width = "64")]
type Wide = u128;
#[cfg(not(target_pointer_width = "64"))]
type Wide = u64;

const fn product(a: usize, b: usize) -> Wide {
    a as Wide * b as Wide
}

// Saturating, so that an overflow anywhere ends above every bound.
const fn times(a: usize, b: usize) -> usize {
    a.saturating_mul(b)
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests;
