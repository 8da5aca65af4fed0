//! What the library refuses, in the words of the command line.

use std::error::Error;

use rnnlm::{CheckpointError, ConfigError, CorpusError, TrainError};

/// The message for the user; `smaller` says what to do where there is too little memory for the sizes.
pub fn message(error: &(dyn Error + 'static), smaller: &str) -> String {
    let of_config = |error: &ConfigError| match error {
        ConfigError::OutOfMemory | ConfigError::TooLarge => format!("this needs more memory than there is: {smaller}"),
        error => error.to_string(),
    };
    let of_corpus = |error: &CorpusError| match error {
        CorpusError::TooShort { needed, given } => format!(
            "the text has {given} tokens, {needed} are needed for one step: take a longer one, or a smaller --batch or \
             --time"
        ),
        CorpusError::BadSizes => "--batch times --time is more than can be counted: make one of them smaller".into(),
        CorpusError::TooLarge | CorpusError::OutOfMemory => "the text is too large: train on a part of it".into(),
        error => error.to_string(),
    };
    if let Some(error) = error.downcast_ref() {
        of_config(error)
    } else if let Some(CheckpointError::Config(error)) = error.downcast_ref() {
        of_config(error)
    } else if let Some(error) = error.downcast_ref() {
        of_corpus(error)
    } else {
        match error.downcast_ref() {
            Some(TrainError::Corpus(error)) => of_corpus(error),
            Some(TrainError::OutOfMemory) => of_config(&ConfigError::OutOfMemory),
            _ => error.to_string(),
        }
    }
}
