//! What each error says to a person, with its numbers. Its number and its words without numbers are in `codes`.

use core::fmt;

use super::{CheckpointError, ConfigError, CorpusError, IsaError, ParameterError, StepError, TrainError};

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BatchSize { given } => write!(
                f,
                "the model reads {given} rows side by side, events come in one: build it with a batch size of 1"
            ),
            Self::MatrixLength { needed, given } => {
                write!(f, "the data has {given} elements, rows times columns are {needed}: give one for each place")
            }
            Self::BufferLength { needed, given } => write!(
                f,
                "a buffer has {given} elements, not {needed}: \
                 the page of the function that takes it says where its length comes from"
            ),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { needed, given } => write!(f, "a slice has {given} elements, the model needs {needed}"),
            Self::IdOutOfRange { id } => {
                write!(f, "token id {id} is not below the vocabulary size: build the model for this vocabulary")
            }
            _ => f.write_str(self.as_str()),
        }
    }
}

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { needed, given } => write!(
                f,
                "the corpus has {given} tokens, {needed} are needed: more text, or smaller batch and time sizes"
            ),
            Self::WindowLength { needed, given } => {
                write!(f, "the memory for a window has {given} ids, not {needed}: take its length from Memory::ids")
            }
            Self::UnknownWords { count, first } => write!(
                f,
                "tokens not in the vocabulary: {count} (the first at position {first}), \
                 and it has no <unk> to stand for them: train on a text with one"
            ),
            Self::UnknownId { id } => write!(f, "id {id} is not in the vocabulary: take words and ids from one file"),
            Self::DuplicateWord { id } => {
                write!(f, "word {id} of the vocabulary stands before it already: list each word once")
            }
            Self::LineBreak { id } => {
                write!(f, "word {id} of the vocabulary holds a newline: split it, as tokens does")
            }
            _ => f.write_str(self.as_str()),
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { at } => {
                write!(f, "the header is no safetensors header from byte {at} on: save the file anew")
            }
            Self::UnknownTensor { at } => write!(
                f,
                "the header names a tensor that is none of a model's at byte {at}: \
                 save embed.W, rnn.Wx, rnn.Wh, rnn.b, affine.W and affine.b alone"
            ),
            Self::Duplicate { at } => {
                write!(f, "the header names a tensor a second time at byte {at}: save the file with one of each")
            }
            Self::Missing { tensor } => {
                write!(f, "{tensor} is missing: a file has six weights alone, or all ten tensors")
            }
            Self::Type { tensor } => write!(f, "{tensor} has another type than it must: save weights as float32"),
            Self::Shape { tensor } => {
                write!(f, "{tensor} has another type, shape or length than belongs to the other tensors")
            }
            Self::Version { found } => {
                write!(f, "the file has version {found} of the format, this program reads version 1")
            }
            Self::DuplicateWord { id } => {
                write!(f, "word {id} of the vocabulary stands before it already: list each word once")
            }
            Self::NotFinite { tensor } => write!(f, "{tensor} holds NaN or infinity: such a model can't be used"),
            Self::Config(error) => error.fmt(f),
            Self::BufferLength { needed, given } => {
                write!(f, "the buffer has {given} bytes, not {needed}: take its length from Checkpoint::encoded_len")
            }
            _ => f.write_str(self.as_str()),
        }
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corpus(error) => error.fmt(f),
            Self::Step(error) => error.fmt(f),
            Self::OutOfMemory => f.write_str(self.as_str()),
        }
    }
}

impl core::error::Error for ConfigError {}
impl core::error::Error for ParameterError {}
impl core::error::Error for CorpusError {}
impl core::error::Error for IsaError {}

impl core::error::Error for StepError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Parameter(error) => Some(error),
            _ => None,
        }
    }
}

impl core::error::Error for CheckpointError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            _ => None,
        }
    }
}

impl core::error::Error for TrainError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Corpus(error) => Some(error),
            Self::Step(error) => Some(error),
            Self::OutOfMemory => None,
        }
    }
}
