//! The five sizes of a model.

use crate::error::ConfigError;

/// The sizes of a model and of its training windows.
///
/// ```
/// use rnnlm::Config;
/// const CONFIG: Config =
///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// assert_eq!(CONFIG.memory()?.weights, 4704);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[doc(alias = "hyperparameters")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
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

/// The sizes under their short names, each above zero. None of the lengths that follow from them overflows, nor does
/// the sum of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// V, words.
    pub v: usize,
    /// D, of a word vector.
    pub d: usize,
    /// H, of the hidden state. By its full name, because `h` is the hidden state itself.
    pub hidden: usize,
    /// N, rows of text.
    pub n: usize,
    /// T, time steps.
    pub t: usize,
}

/// What a recurrent cell takes, in vectors of H floats.
#[derive(Clone, Copy, Debug)]
pub struct CellSizes {
    /// The gates, whose arguments are the columns of x Wx and h Wh; 1 where there are none.
    pub gates: usize,
    /// The states that are carried from window to window, h first.
    pub states: usize,
    /// What is kept of each row for the backward pass, beside the states.
    pub kept: usize,
}

impl Sizes {
    /// N * T: the tokens of a window.
    pub(crate) const fn rows(&self) -> usize {
        self.n * self.t
    }

    /// The lengths of embed.W, Wx, Wh and b of a cell with so many gates, affine.W and affine.b, in this order.
    pub(crate) const fn parameters(&self, gates: usize) -> [usize; 6] {
        let &Self { v, d, hidden, .. } = self;
        [v * d, d * gates * hidden, hidden * gates * hidden, gates * hidden, hidden * v, v]
    }

    /// The configuration that they came from.
    pub(crate) fn config(&self) -> Config {
        let &Self { v, d, hidden, n, t } = self;
        Config { vocab_size: v, wordvec_size: d, hidden_size: hidden, batch_size: n, time_size: t }
    }

    /// The same buffers read as one row of text of up to N * T steps.
    pub(crate) fn one_row(&self, t: usize) -> Self {
        Self { n: 1, t, ..*self }
    }
}

impl Config {
    /// What the sizes must be, apart from their products: all that remains to be checked of matrices that are there.
    pub(crate) const fn check(&self) -> Result<(), ConfigError> {
        let Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t } = *self;
        if v == 0 || d == 0 || h == 0 || n == 0 || t == 0 {
            return Err(ConfigError::ZeroSize);
        }
        // ids are u32, and the largest one marks targets to ignore
        if v as u64 >= u32::MAX as u64 { Err(ConfigError::TooLarge) } else { Ok(()) }
    }

    /// [`Self::sizes`] of a configuration that passed it.
    pub(crate) const fn checked_sizes(&self) -> Sizes {
        let Config { vocab_size: v, wordvec_size: d, hidden_size: hidden, batch_size: n, time_size: t } = *self;
        Sizes { v, d, hidden, n, t }
    }
}
