//! Every error's number and words, a line each: for programs that have no room for `core::fmt`.

use super::{
    CheckpointError as Checkpoint, ConfigError as Config, CorpusError as Corpus, IsaError as Isa,
    ParameterError as Parameter, StepError as Step, TrainError as Train,
};

/// Gives an enum its two getters from a `described` that has both.
macro_rules! getters {
    ($($enum:ty),*) => {$(
        impl $enum {
            /// Its number, which stays the same over versions: see [`Error`](crate::Error).
            #[must_use]
            pub const fn code(&self) -> u16 {
                self.described().0
            }

            /// What is wrong and what to do, without the numbers that the message gives: costs no `core::fmt`.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                self.described().1
            }
        }
    )*};
}

getters!(Config, Parameter, Step, Corpus, Checkpoint, Train, Isa);

impl Config {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::ZeroSize => (101, "a size is zero: every size of the configuration must be at least 1"),
            Self::TooLarge => (102, "the sizes need more memory than can be addressed: choose smaller ones"),
            Self::OutOfMemory => (103, "the memory was refused: choose smaller sizes"),
            Self::ShapesDiffer => (104, "the matrices don't belong together: take all six from one model"),
            Self::MatrixLength { .. } => (105, "a matrix has another number of elements than rows times columns"),
            Self::BufferLength { .. } => {
                (106, "a buffer has another length than the page of the function that takes it says")
            }
            Self::BatchSize { .. } => {
                (107, "the model reads several rows side by side: build it with a batch size of 1")
            }
        }
    }
}

impl Parameter {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::LearningRate => (201, "the learning rate must be a finite number above zero"),
            Self::MaxNorm => (202, "the largest norm of the gradients must be above zero"),
            Self::Decay => (203, "the learning rate must be divided by a finite number of at least 1"),
            Self::BestLoss => {
                (204, "the best loss must be a number above minus infinity: infinity stands for none so far")
            }
            Self::Temperature => (205, "the temperature must be 0 or a finite number of at least 3e-39"),
            Self::TrainingState => (
                206,
                "the training state has losses or counts that it can't have: take one from a trainer or a checkpoint",
            ),
        }
    }
}

impl Step {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::Length { .. } => (301, "a slice has another length than the model's sizes need"),
            Self::IdOutOfRange { .. } => {
                (302, "a token id is not below the vocabulary size: build the model for this vocabulary")
            }
            Self::Parameter(error) => error.described(),
            Self::NonFiniteLoss => (
                303,
                "the loss is not finite, the weights were left as they were: \
                 start from other weights, or train them at a lower learning rate",
            ),
            Self::NonFinitePrediction => (
                304,
                "the prediction is not finite, what was read is forgotten: take weights and a hidden state that are",
            ),
            Self::NonFiniteUpdate => (
                305,
                "the gradients or the update are not finite, the weights were left as they were: \
                 lower the learning rate",
            ),
            Self::OtherSizes => (306, "the sizes differ from the model's: make both from the same Config"),
            Self::StepIsDue => {
                (307, "a step is due, the event was not read: let the learner learn, then read it again")
            }
        }
    }
}

impl Corpus {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::TooShort { .. } => (401, "the corpus has too few tokens: more text, or smaller batch and time sizes"),
            Self::BadSizes => (402, "batch size and time size must be at least 1 and their product addressable"),
            Self::WindowLength { .. } => (403, "the memory for a window has another length: take it from Memory::ids"),
            Self::UnknownWords { .. } => {
                (404, "words are not in the vocabulary, and it has no <unk>: train on a text with one")
            }
            Self::UnknownId { .. } => (405, "an id is not in the vocabulary"),
            Self::DuplicateWord { .. } => (406, "a word stands in the vocabulary twice: list each word once"),
            Self::LineBreak { .. } => (407, "a word of the vocabulary holds a newline: split it, as tokens does"),
            Self::TooLarge => (408, "the text or its vocabulary exceeds 32-bit positions: use fewer different words"),
            Self::OutOfMemory => (409, "the memory was refused: use a smaller text"),
        }
    }
}

impl Checkpoint {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::Truncated => (501, "the file is cut short: fetch it again, or load an older one"),
            Self::Header { .. } => (502, "the header is no safetensors header: save the file anew"),
            Self::UnknownTensor { .. } => (503, "the header names a tensor that is none of a model's"),
            Self::Duplicate { .. } => (504, "the header names a tensor a second time: save the file with one of each"),
            Self::Missing { .. } => (505, "a tensor is missing: a file has six weights alone, or all ten tensors"),
            Self::Type { .. } => (506, "a tensor has another type than it must: save weights as float32"),
            Self::Shape { .. } => (507, "a tensor has another type, shape or length than belongs to the other tensors"),
            Self::Layout => (508, "the tensors overlap, leave gaps or stand in another order: save the file anew"),
            Self::Checksum => {
                (509, "the checksum is wrong, the file was damaged: fetch it again, or load an older one")
            }
            Self::Version { .. } => (510, "the file has a version of the format that this program doesn't read"),
            Self::Training => (511, "the training state has values that it can't have"),
            Self::Words => (512, "the vocabulary is not one word for each id, each ended by a newline"),
            Self::NotFinite { .. } => (513, "a tensor holds NaN or infinity: such a model can't be used"),
            Self::Config(error) => error.described(),
            Self::OtherSizes => (514, "the model has other sizes: build it from the checkpoint's config"),
            Self::BufferLength { .. } => (515, "the buffer is too short: take its length from Checkpoint::encoded_len"),
            Self::NotSafetensors => (
                516,
                "not a safetensors file: name one that Checkpoint::write, Python's safetensors or convert.py wrote",
            ),
            Self::DuplicateWord { .. } => (517, "a word of the vocabulary stands there twice: list each word once"),
            Self::MidStep => (518, "the learner is amid a step: let it learn to the end of the step, then save"),
            Self::Pending => (519, "the pending events are damaged, or not those of this model: load an older record"),
        }
    }
}

impl Train {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::Corpus(error) => error.described(),
            Self::Step(error) => error.described(),
            Self::OutOfMemory => {
                (601, "the memory was refused: choose smaller sizes, or train fewer epochs in one call")
            }
        }
    }
}

impl Isa {
    #[inline(always)]
    const fn described(&self) -> (u16, &'static str) {
        match self {
            Self::Unknown => {
                (701, "unknown instruction set: leave the choice to detection, or name one of this machine")
            }
            Self::NotHere => (
                702,
                "this machine lacks that instruction set: leave the choice to detection, or name one that is here",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
