//! The five sizes of a model, and the memory they need.

use crate::{
    error::ConfigError,
    kernels::{scratch_len, transposed_len, wide_len},
};

/// The sizes of a model and of its training windows.
///
/// ```
/// use rnnlm::Config;
/// const CONFIG: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// assert_eq!(CONFIG.memory()?.weights, 4704);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// V: the number of different words.
    pub vocab_size: usize,
    /// D: the length of a word vector.
    pub wordvec_size: usize,
    /// H: the length of the hidden state.
    pub hidden_size: usize,
    /// N: the number of rows of text read side by side.
    pub batch_size: usize,
    /// T: the number of time steps unrolled by truncated BPTT.
    pub time_size: usize,
}

/// The memory that a [`Config`] needs, in elements of four bytes each: exactly, on the target that this is compiled for.
///
/// ```
/// use rnnlm::{Config, Memory};
/// const MEMORY: Memory = match (Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 }).memory() {
///     Ok(memory) => memory,
///     Err(_) => panic!("bad sizes"), // at compile time
/// };
/// let (weights, workspace) = ([0_f32; MEMORY.weights], [0_f32; MEMORY.workspace]);
/// assert_eq!(size_of_val(&weights) + size_of_val(&workspace), MEMORY.bytes());
/// assert!(MEMORY.bytes_with_gradients() > MEMORY.bytes());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All weights (f32); stored gradients take the same again.
    pub weights: usize,
    /// Activations of all T steps, the carried hidden state and scratch (f32).
    pub workspace: usize,
    /// The token ids of one window that a trainer holds (u32).
    pub ids: usize,
}

impl Memory {
    /// Bytes of a model that is trained in place: weights and workspace.
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

/// The sizes, each above zero, and the lengths that follow from them; none of their sums and products overflows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub v: usize,
    pub d: usize,
    pub h: usize,
    pub n: usize,
    pub t: usize,
    /// embed.W, rnn.Wx, rnn.Wh, rnn.b, affine.W, affine.b
    pub parameters: [usize; 6],
    /// In the order of [`Buffers`](crate::workspace::Buffers).
    pub buffers: [usize; 8],
    pub memory: Memory,
}

impl Sizes {
    /// N * T: the tokens of a window.
    pub(crate) fn rows(&self) -> usize {
        self.n * self.t
    }

    /// The configuration that they came from.
    pub(crate) fn config(&self) -> Config {
        let &Self { v, d, h, n, t, .. } = self;
        Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t }
    }

    /// The same buffers read as one row of text of up to N * T steps.
    pub(crate) fn one_row(&self, t: usize) -> Self {
        Self { n: 1, t, ..*self }
    }
}

impl Config {
    /// The memory that these sizes need.
    ///
    /// # Errors
    /// [`ConfigError::ZeroSize`] and [`ConfigError::TooLarge`]; never a panic.
    pub const fn memory(&self) -> Result<Memory, ConfigError> {
        match self.sizes() {
            Ok(sizes) => Ok(sizes.memory),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn sizes(&self) -> Result<Sizes, ConfigError> {
        let Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t } = *self;
        if v == 0 || d == 0 || h == 0 || n == 0 || t == 0 {
            return Err(ConfigError::ZeroSize);
        }
        // ids are u32, and the largest one marks targets to ignore
        if v as u64 >= u32::MAX as u64 {
            return Err(ConfigError::TooLarge);
        }
        let rows = times(n, t);
        let parameters = [times(v, d), times(d, h), times(h, h), h, times(h, v), v];
        let wide = larger(wide_len([rows, h, v]), wide_len([h, rows, v]));
        let pack = larger(larger(scratch_len(v, h), wide), larger(transposed_len(h, h), scratch_len(h, d)));
        let buffers = [
            times(n, h),
            times(rows, d),
            plus(times(rows, h), times(n, h)),
            times(rows, v),
            rows,
            times(rows, h),
            times(rows, d),
            pack,
        ];
        let memory = Memory { weights: total(&parameters), workspace: total(&buffers), ids: times(2, rows) };
        // the same bound as the allocator's: isize::MAX bytes, here for everything together
        if plus(plus(memory.weights, memory.weights), plus(memory.workspace, memory.ids)) > isize::MAX as usize / 4 {
            return Err(ConfigError::TooLarge);
        }
        Ok(Sizes { v, d, h, n, t, parameters, buffers, memory })
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

const fn total(parts: &[usize]) -> usize {
    match parts {
        [] => 0,
        [first, rest @ ..] => plus(*first, total(rest)),
    }
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
    fn the_weights_of_e_are_18_8_kilobytes() {
        assert_eq!(E.memory().map(|m| 4 * m.weights), Ok(18_816));
    }
}
