//! One error for a whole program.

use core::fmt;

use super::{CheckpointError, ConfigError, CorpusError, IsaError, ParameterError, StepError, TrainError};

/// Whatever went wrong: every other error of this crate turns into it by `?`, so that a program needs no other. The one
/// that doesn't is [`SlotError`](crate::SlotError), which holds the error of the caller's own device.
///
/// ```
/// use rnnlm::{Config, Error, Sgd, SimpleRnnlm, Xorshift};
/// fn program() -> Result<f32, Error> {
///     let config =
///         Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
///     let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?; // ConfigError
///     let sgd = Sgd::new(0.5)?; // ParameterError
///     Ok(model.forward(&[0, 7], &[1, 2])?.sgd(sgd.learning_rate())?) // StepError
/// }
/// let error = program().unwrap_err();
/// assert_eq!(error.code(), 302);
/// assert!(error.as_str().starts_with("a token id is not below the vocabulary size"));
/// assert!(error.to_string().contains("id 7"));
/// ```
///
/// # Codes
/// [`Self::code`] is for programs that report a number; a number keeps its meaning. What is wrapped has its own code,
/// whatever it came through.
///
/// ```text
/// ConfigError      101 ZeroSize          102 TooLarge             103 OutOfMemory
///                  104 ShapesDiffer      105 MatrixLength         106 BufferLength
///                  107 BatchSize
/// ParameterError   201 LearningRate      202 MaxNorm              203 Decay
///                  204 BestLoss          205 Temperature          206 TrainingState
/// StepError        301 Length            302 IdOutOfRange         303 NonFiniteLoss
///                  304 NonFinitePrediction  305 NonFiniteUpdate   306 OtherSizes
///                  307 StepIsDue
/// CorpusError      401 TooShort          402 BadSizes             403 WindowLength
///                  404 UnknownWords      405 UnknownId            406 DuplicateWord
///                  407 LineBreak         408 TooLarge             409 OutOfMemory
/// CheckpointError  501 Truncated         502 Header               503 UnknownTensor
///                  504 Duplicate         505 Missing              506 Type
///                  507 Shape             508 Layout               509 Checksum
///                  510 Version           511 Training             512 Words
///                  513 NotFinite         514 OtherSizes           515 BufferLength
///                  516 NotSafetensors    517 DuplicateWord         518 MidStep
///                  519 Pending
/// TrainError       601 OutOfMemory
/// IsaError         701 Unknown           702 NotHere
/// SlotError        801 Empty             802 TooLong              803 Device
///                  804 Unverified        805 Unaligned            806 Length
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Of sizes or memory.
    Config(ConfigError),
    /// Of a number that steers training or prediction.
    Parameter(ParameterError),
    /// Of a step, an evaluation or a prediction.
    Step(StepError),
    /// Of a text, its vocabulary or its batches.
    Corpus(CorpusError),
    /// Of a file.
    Checkpoint(CheckpointError),
    /// Of training over epochs.
    Train(TrainError),
    /// Of an instruction set.
    Isa(IsaError),
}

macro_rules! wrapped {
    ($($variant:ident($enum:ty)),*) => {
        $(impl From<$enum> for Error {
            fn from(error: $enum) -> Self {
                Self::$variant(error)
            }
        })*

        impl Error {
            /// The number of the cause: see the list above.
            #[must_use]
            pub const fn code(&self) -> u16 {
                match self {
                    $(Self::$variant(error) => error.code(),)*
                }
            }

            /// What is wrong and what to do, without the numbers that the message gives: costs no `core::fmt`.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant(error) => error.as_str(),)*
                }
            }
        }

        impl fmt::Display for Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(error) => error.fmt(f),)*
                }
            }
        }

        impl core::error::Error for Error {
            fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
                match self {
                    $(Self::$variant(error) => Some(error),)*
                }
            }
        }
    };
}

wrapped!(
    Config(ConfigError),
    Parameter(ParameterError),
    Step(StepError),
    Corpus(CorpusError),
    Checkpoint(CheckpointError),
    Train(TrainError),
    Isa(IsaError)
);
