//! What can go wrong, one enum per boundary: small `Copy` values, built without heap or formatting.

use core::fmt;

/// A [`Config`](crate::Config) or the buffers for it can't be used.
///
/// ```
/// use rnnlm::{Config, ConfigError};
/// let config = Config { vocab_size: 0, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 4 };
/// assert_eq!(config.memory(), Err(ConfigError::ZeroSize));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// One of the five sizes is zero.
    ZeroSize,
    /// The sizes multiply to more than this machine can address, or the vocabulary has more ids than u32.
    TooLarge,
    /// The allocator refused the memory.
    OutOfMemory,
    /// A buffer has another length than [`Config::memory`](crate::Config::memory) says.
    BufferLength {
        /// The length that the configuration needs, in elements.
        needed: usize,
        /// The length of the buffer given.
        given: usize,
    },
}

/// A training step, an evaluation or a setter was refused; the weights are as they were.
///
/// ```
/// use rnnlm::{Sgd, StepError};
/// assert_eq!(Sgd::new(f32::NAN), Err(StepError::LearningRate));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepError {
    /// A slice has another length than the model's sizes need.
    Length {
        /// The length needed, in elements.
        needed: usize,
        /// The length given.
        given: usize,
    },
    /// A token id is not below the vocabulary size.
    IdOutOfRange {
        /// The first such id.
        id: u32,
    },
    /// The learning rate is not a finite number above zero.
    LearningRate,
    /// The loss or the new hidden state is NaN or infinite.
    NonFiniteLoss,
    /// The loss is finite, but a step or a new weight would not be.
    NonFiniteUpdate,
    /// Gradients or weights belong to a model of other sizes.
    OtherSizes,
}

/// A corpus can't be read, or not be cut into batches.
///
/// ```
/// use rnnlm::{Batches, CorpusError};
/// assert_eq!(Batches::new(&[1, 2, 3], 10, 5).err(), Some(CorpusError::TooShort { needed: 51, given: 3 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorpusError {
    /// Fewer tokens than one step (or one prediction) needs.
    TooShort {
        /// The number of tokens needed.
        needed: usize,
        /// The number of tokens given.
        given: usize,
    },
    /// A batch size or time size of zero, or sizes that overflow.
    BadSizes,
    /// Words that the vocabulary lacks, and it has no `<unk>` to stand for them.
    UnknownWords {
        /// How many tokens are such words.
        count: usize,
        /// The position of the first one, in tokens.
        first: usize,
    },
    /// An id that is not in the vocabulary.
    UnknownId {
        /// That id.
        id: u32,
    },
    /// More words than 32-bit positions can tell apart.
    TooLarge,
    /// The allocator refused the memory.
    OutOfMemory,
}

/// Training stopped on an error: of the corpus, or of a step.
///
/// ```
/// use rnnlm::{StepError, TrainError};
/// assert_eq!(TrainError::from(StepError::NonFiniteLoss), TrainError::Step(StepError::NonFiniteLoss));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrainError {
    /// The corpus doesn't fit the model.
    Corpus(CorpusError),
    /// A step was refused; the weights are those before that step.
    Step(StepError),
    /// The allocator refused the memory for the list of perplexities.
    OutOfMemory,
}

impl From<CorpusError> for TrainError {
    fn from(error: CorpusError) -> Self {
        Self::Corpus(error)
    }
}

impl From<StepError> for TrainError {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroSize => f.write_str("a size is zero: every size of the configuration must be at least 1"),
            Self::TooLarge => f.write_str("the sizes need more memory than can be addressed: choose smaller ones"),
            Self::OutOfMemory => f.write_str("the memory was refused: choose smaller sizes, see Config::memory"),
            Self::BufferLength { needed, given } => {
                write!(f, "a buffer has {given} elements, not {needed}: take its length from Config::memory")
            }
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { needed, given } => write!(f, "a slice has {given} elements, the model needs {needed}"),
            Self::IdOutOfRange { id } => {
                write!(f, "token id {id} is not below the vocabulary size: build the model for this vocabulary")
            }
            Self::LearningRate => f.write_str("the learning rate must be a finite number above zero"),
            Self::NonFiniteLoss => {
                f.write_str("the loss is not finite, the weights were left as they were: start from other weights, or lower the learning rate")
            }
            Self::NonFiniteUpdate => {
                f.write_str("the update is not finite, the weights were left as they were: lower the learning rate")
            }
            Self::OtherSizes => f.write_str("gradients and model differ in size: make both from the same Config"),
        }
    }
}

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { needed, given } => {
                write!(
                    f,
                    "the corpus has {given} tokens, {needed} are needed: more text, or smaller batch and time sizes"
                )
            }
            Self::BadSizes => f.write_str("batch size and time size must be at least 1 and their product addressable"),
            Self::UnknownWords { count, first } => write!(
                f,
                "tokens not in the vocabulary: {count} (the first at position {first}), and it has no <unk> to stand for them: train on a text with one"
            ),
            Self::UnknownId { id } => write!(f, "id {id} is not in the vocabulary"),
            Self::TooLarge => {
                f.write_str("the text or its vocabulary exceeds 32-bit positions: use fewer different words")
            }
            Self::OutOfMemory => f.write_str("the memory was refused: use a smaller text"),
        }
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corpus(error) => error.fmt(f),
            Self::Step(error) => error.fmt(f),
            Self::OutOfMemory => f.write_str("the memory was refused: train fewer epochs in one call"),
        }
    }
}

impl core::error::Error for ConfigError {}
impl core::error::Error for StepError {}
impl core::error::Error for CorpusError {}

impl core::error::Error for TrainError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Corpus(error) => Some(error),
            Self::Step(error) => Some(error),
            Self::OutOfMemory => None,
        }
    }
}
