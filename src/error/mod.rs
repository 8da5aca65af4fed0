//! What can go wrong, one enum per boundary: small `Copy` values, built without heap or formatting.

mod any;
mod codes;
mod messages;

pub use any::Error;

/// A [`Config`](crate::Config) or the buffers for it can't be used.
///
/// ```
/// use rnnlm::{Config, ConfigError};
/// let config =
///     Config { vocab_size: 0, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 4 };
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
    /// The six matrices don't have the shapes of one model.
    ShapesDiffer,
    /// The model reads several rows side by side, where only one is possible.
    BatchSize {
        /// How many.
        given: usize,
    },
    /// A matrix has another number of elements than rows * columns.
    MatrixLength {
        /// Rows times columns.
        needed: usize,
        /// The number of elements given.
        given: usize,
    },
    /// A buffer has another length than [`Config::memory`](crate::Config::memory), or the page of the function that
    /// takes it, says.
    BufferLength {
        /// The length needed, in elements.
        needed: usize,
        /// The length of the buffer given.
        given: usize,
    },
}

/// A number that steers training or prediction is out of its bounds; the one before it stays in force.
///
/// ```
/// use rnnlm::{ParameterError, Sgd};
/// assert_eq!(Sgd::new(f32::NAN), Err(ParameterError::LearningRate));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterError {
    /// The learning rate is not a finite number above zero.
    LearningRate,
    /// The largest norm to clip gradients to is not above zero.
    MaxNorm,
    /// The factor by which to divide the learning rate is not a finite number of at least 1.
    Decay,
    /// The best loss to go on from is NaN or minus infinity, which no loss improves.
    BestLoss,
    /// The temperature is negative or not finite, or so small that its inverse is infinite and not 0.
    Temperature,
    /// A training state has losses that are not finite or below zero, or counts beyond this machine's.
    TrainingState,
}

/// A training step, an evaluation or a prediction was refused; the weights are as they were.
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, StepError, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// assert_eq!(model.forward(&[1, 9], &[2, 3]).err(), Some(StepError::IdOutOfRange { id: 9 }));
/// # Ok::<(), rnnlm::ConfigError>(())
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
    /// A number that was given to the step is out of its bounds.
    Parameter(ParameterError),
    /// The loss or the new hidden state is NaN or infinite.
    NonFiniteLoss,
    /// The probabilities of the next word are NaN.
    NonFinitePrediction,
    /// The loss is finite, but the gradients, a step or a new weight would not be.
    NonFiniteUpdate,
    /// Gradients or weights belong to a model of other sizes.
    OtherSizes,
    /// An online learner's step is due, or taken in part: the event was not read.
    StepIsDue,
}

impl From<ParameterError> for StepError {
    fn from(error: ParameterError) -> Self {
        Self::Parameter(error)
    }
}

/// A corpus can't be read, or not be cut into batches.
///
/// ```
/// use rnnlm::{Batches, Config, CorpusError};
/// let config =
///     Config { vocab_size: 4, wordvec_size: 2, hidden_size: 2, batch_size: 10, time_size: 5 };
/// let error = CorpusError::TooShort { needed: 51, given: 3 };
/// assert_eq!(Batches::new(&[1, 2, 3], config).err(), Some(error));
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
    /// The memory for a window has another length than 2 N T.
    WindowLength {
        /// The length needed, in tokens.
        needed: usize,
        /// The length given.
        given: usize,
    },
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
    /// A list of words has one twice.
    DuplicateWord {
        /// The place in the list of its second appearance, from 0.
        id: u32,
    },
    /// A word holds a newline, so that it can't stand on one line.
    LineBreak {
        /// The word's id.
        id: u32,
    },
    /// More words than 32-bit positions can tell apart.
    TooLarge,
    /// The allocator refused the memory.
    OutOfMemory,
}

/// The bytes of a file are not a checkpoint, or not one for this model. Nothing was changed.
///
/// ```
/// use rnnlm::{Checkpoint, CheckpointError};
/// assert_eq!(Checkpoint::read(b"not a checkpoint").err(), Some(CheckpointError::NotSafetensors));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file doesn't begin with the length of a header (at most 100,000,000) and the `{` of that header, as all
    /// files of the safetensors format do.
    NotSafetensors,
    /// The file ends before its header or one of its tensors does.
    Truncated,
    /// The header is not the JSON of a safetensors file, or values in it are nested more than 31 deep.
    Header {
        /// The byte of the header at which that shows.
        at: usize,
    },
    /// The header names a tensor that is none of ours: [`Self::tensor`] tells which.
    UnknownTensor {
        /// The byte of the header at which the name stands.
        at: usize,
    },
    /// The header names a tensor twice, which the format forbids: [`Self::tensor`] tells which.
    Duplicate {
        /// The byte of the header at which the second name stands.
        at: usize,
    },
    /// A tensor is missing; a file has the six weights alone, or all ten tensors.
    Missing {
        /// Its name.
        tensor: &'static str,
    },
    /// A tensor is of another type than F32 (or U8, for the three that are bytes).
    Type {
        /// Its name.
        tensor: &'static str,
    },
    /// A tensor has a type, shape or length that doesn't belong to it beside the others.
    Shape {
        /// Its name.
        tensor: &'static str,
    },
    /// The tensors overlap, leave gaps, or don't stand in their order; or bytes follow the last one.
    Layout,
    /// The checksum is wrong: the file was damaged.
    Checksum,
    /// The file has another version of the format.
    Version {
        /// That version.
        found: u32,
    },
    /// The training state has values out of their bounds.
    Training,
    /// The vocabulary is not V words in UTF-8, each ended by a newline.
    Words,
    /// The vocabulary has a word twice.
    DuplicateWord {
        /// The word's second place, from 0.
        id: u32,
    },
    /// A tensor holds NaN or infinity.
    NotFinite {
        /// Its name.
        tensor: &'static str,
    },
    /// The sizes can't be those of a model.
    Config(ConfigError),
    /// The model has another V, D or H.
    OtherSizes,
    /// An online learner has taken a part of a step: what it would save is neither the model before nor behind it.
    MidStep,
    /// The pending events behind a checkpoint are damaged, or not those of its model.
    Pending,
    /// The buffer to write to is too short.
    BufferLength {
        /// The length needed, in bytes.
        needed: usize,
        /// The length given.
        given: usize,
    },
}

impl CheckpointError {
    /// The name of the tensor that the error is about, where there is one. A name that is none of ours is taken from
    /// `file`, the bytes that were read: as it stands there, of any length and with its escapes.
    ///
    /// ```
    /// use rnnlm::{Checkpoint, CheckpointError};
    /// let header = br#"{"lstm.W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    /// let file = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 4]].concat();
    /// let error = Checkpoint::read(&file).unwrap_err();
    /// assert_eq!(error, CheckpointError::UnknownTensor { at: 1 });
    /// assert_eq!(error.tensor(&file), Some("lstm.W"));
    /// ```
    #[must_use]
    pub fn tensor<'f>(&self, file: &'f [u8]) -> Option<&'f str> {
        match *self {
            Self::Missing { tensor } | Self::Type { tensor } | Self::Shape { tensor } | Self::NotFinite { tensor } => {
                Some(tensor)
            }
            Self::UnknownTensor { at } | Self::Duplicate { at } => {
                // behind the header's length and the opening quote
                let text = file.get(at.checked_add(9)?..)?;
                let mut is_escaped = false;
                let end = text.iter().position(|&byte| {
                    let is_end = byte == b'"' && !is_escaped;
                    is_escaped = byte == b'\\' && !is_escaped;
                    is_end
                });
                core::str::from_utf8(text.get(..end?)?).ok()
            }
            _ => None,
        }
    }
}

impl From<ConfigError> for CheckpointError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Training stopped on an error: of the corpus, or of a step.
///
/// ```
/// use rnnlm::{StepError, TrainError};
/// let error = StepError::NonFiniteLoss;
/// assert_eq!(TrainError::from(error), TrainError::Step(error));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrainError {
    /// The corpus doesn't fit the model.
    Corpus(CorpusError),
    /// A step was refused; the weights are those before that step.
    Step(StepError),
    /// The allocator refused the memory, for the list of perplexities for instance.
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

/// Why an instruction set can't be had. The message names those of this machine.
///
/// ```
/// use rnnlm::{Isa, IsaError};
/// assert_eq!(Isa::by_name("abacus"), Err(IsaError::Unknown));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// No instruction set bears that name.
    Unknown,
    /// The name is known, but this machine or build lacks the instruction set.
    NotHere,
}

impl ConfigError {
    /// Memory must be exactly as long as needed.
    #[inline(always)]
    pub(crate) const fn check_len(needed: usize, given: usize) -> Result<(), Self> {
        if needed == given { Ok(()) } else { Err(Self::BufferLength { needed, given }) }
    }
}
