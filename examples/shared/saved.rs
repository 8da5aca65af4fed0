//! A model file, read.

use std::{fs, path::Path};

use rnnlm::{Cell, Checkpoint, CheckpointError, Vocabulary};

use crate::visible::visible;

/// A checkpoint with the words of its vocabulary.
pub struct Saved<'f, C: Cell> {
    pub path: &'f Path,
    pub checkpoint: Checkpoint<'f, C>,
    /// Empty where the file has no words.
    pub vocabulary: Vocabulary,
}

impl<'f, C: Cell> Saved<'f, C> {
    /// What the bytes of that file say. The error is a message for the user.
    pub fn new(path: &'f Path, bytes: &'f [u8]) -> Result<Self, String> {
        let checkpoint = Checkpoint::read_as(bytes).map_err(|error| refused(path, bytes, error))?;
        let words = checkpoint.vocabulary();
        let vocabulary = words.map_err(|error| format!("{}: {error}", visible(path)))?;
        Ok(Self { path, checkpoint, vocabulary })
    }
}

/// Why a file is none of a model, and what to do. The weights of PyTorch come in two kinds of file.
fn refused(path: &Path, bytes: &[u8], error: CheckpointError) -> String {
    const CONVERT: &str = "python3 examples/python/convert.py to-rnnlm";
    let path = visible(path);
    if is_int8(bytes) {
        return format!(
            "{path}: its weights are int8, made for prediction alone: ask them by the example predict, \
             and train from the file that they were made of"
        );
    }
    match (error, error.tensor(bytes)) {
        (CheckpointError::NotSafetensors, _) if bytes.starts_with(b"PK") => format!(
            "{path}: not a safetensors file, but one of PyTorch (or a zip): convert its state_dict by \
             {CONVERT} {path} model.safetensors --words words.txt"
        ),
        (CheckpointError::NotSafetensors, _) => format!(
            "{path}: not a safetensors file: name one of ptb --save; \
             a state_dict of PyTorch is made into one by {CONVERT}"
        ),
        (CheckpointError::UnknownTensor { .. }, Some(name)) => {
            let name: String = name.chars().take(60).collect();
            format!(
                "{path}: it has a tensor that is none of a model's; its name is \"{}\"; \
                 a state_dict of PyTorch is converted by {CONVERT} {path} model.safetensors --words words.txt",
                visible(name)
            )
        }
        (CheckpointError::Duplicate { .. }, Some(name)) => {
            let name: String = name.chars().take(60).collect();
            format!("{path}: {error}; its name is \"{}\"", visible(name))
        }
        _ => format!("{path}: {error}"),
    }
}

/// Whether it is a file of an LSTM, by the names in its header. What is wrong with it shows when it is read.
pub fn is_lstm(bytes: &[u8]) -> bool {
    let Some((len, rest)) = bytes.split_first_chunk() else { return false };
    let header = usize::try_from(u64::from_le_bytes(*len)).ok().and_then(|len| rest.get(..len));
    header.is_some_and(|header| header.windows(6).any(|name| name == b"\"lstm."))
}

/// Whether these bytes are a file of int8 weights, whole or damaged.
pub fn is_int8(bytes: &[u8]) -> bool {
    bytes.get(8..).is_some_and(|text| text.starts_with(b"{\"embed.W.scale\""))
}

/// The bytes of a file. The error is a message for the user.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", visible(path)))
}
