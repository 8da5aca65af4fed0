//! A model file, read.

use std::{fs, path::Path};

use rnnlm::{Checkpoint, CheckpointError, Vocabulary};

use crate::visible::visible;

/// A checkpoint with the words of its vocabulary.
pub struct Saved<'f> {
    pub path: &'f Path,
    pub checkpoint: Checkpoint<'f>,
    /// Empty where the file has no words.
    pub vocabulary: Vocabulary,
}

impl<'f> Saved<'f> {
    /// What the bytes of that file say. The error is a message for the user.
    pub fn new(path: &'f Path, bytes: &'f [u8]) -> Result<Self, String> {
        let checkpoint = Checkpoint::read(bytes).map_err(|error| match (error, error.tensor(bytes)) {
            (CheckpointError::UnknownTensor { .. } | CheckpointError::Duplicate { .. }, Some(name)) => {
                let name: String = name.chars().take(60).collect();
                format!("{}: {error}; its name is \"{}\"", visible(path), visible(name))
            }
            _ => format!("{}: {error}", visible(path)),
        })?;
        let words = checkpoint.vocabulary();
        let vocabulary = words.map_err(|error| format!("{}: {error}", visible(path)))?;
        Ok(Self { path, checkpoint, vocabulary })
    }
}

/// The bytes of a file. The error is a message for the user.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", visible(path)))
}
