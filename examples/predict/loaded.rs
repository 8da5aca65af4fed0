//! The model of a file, of f32 weights or of int8 weights.

use std::{error::Error, path::Path};

use rnnlm::{
    Cell, Config, LstmCell, Model, Quantized, QuantizedCell, QuantizedPredictor, Rnnlm, SimpleRnnlm, StepError,
    TanhCell, TokenScore, Vocabulary, Xorshift,
};

use crate::{
    Failure,
    reader::{Predicts, Reader},
    saved::{Saved, is_int8, is_lstm},
    visible::visible,
};

/// What answers.
pub enum Loaded<'f> {
    Rnn(SimpleRnnlm),
    Lstm(Rnnlm),
    Int8(Quantized<'f>),
    Int8Lstm(Quantized<'f, LstmCell>),
}

impl<'f> Loaded<'f> {
    /// What the bytes of that file say, and its words.
    pub fn new(path: &Path, bytes: &'f [u8]) -> Result<(Self, Vocabulary), Failure> {
        match (is_int8(bytes), is_lstm(bytes)) {
            (true, true) => return int8(path, bytes, Self::Int8Lstm),
            (true, false) => return int8(path, bytes, Self::Int8),
            _ => {}
        }
        if is_lstm(bytes) {
            let saved = Saved::<LstmCell>::new(path, bytes)?;
            let model = Self::Lstm(exact(&saved)?);
            return with_words(saved.path, model, saved.vocabulary);
        }
        let saved = Saved::<TanhCell>::new(path, bytes)?;
        let model = Self::Rnn(exact(&saved)?);
        with_words(saved.path, model, saved.vocabulary)
    }

    /// As [`SimpleRnnlm::score`].
    pub fn score(&mut self, ids: &[u32], visit: impl FnMut(TokenScore)) -> Result<f32, Failure> {
        match self {
            Self::Rnn(model) => model.score(ids, visit).map_err(no_score),
            Self::Lstm(model) => model.score(ids, visit).map_err(no_score),
            Self::Int8(weights) => QuantizedPredictor::new(*weights)?.score(ids, visit).map_err(no_score),
            Self::Int8Lstm(weights) => QuantizedPredictor::new(*weights)?.score(ids, visit).map_err(no_score),
        }
    }
}

/// The int8 weights of this cell.
fn int8<'f, C: QuantizedCell>(
    path: &Path,
    bytes: &'f [u8],
    loaded: fn(Quantized<'f, C>) -> Loaded<'f>,
) -> Result<(Loaded<'f>, Vocabulary), Failure> {
    let told = |error: &dyn Error| format!("{}: {error}", visible(path));
    let quantized = Quantized::read_as(bytes).map_err(|error| told(&error))?;
    let vocabulary = quantized.vocabulary().map_err(|error| told(&error))?;
    with_words(path, loaded(quantized), vocabulary)
}

/// The model of f32 weights with this cell.
fn exact<C: Cell>(saved: &Saved<'_, C>) -> Result<Model<C>, Failure> {
    // one row, some tokens at once: only the speed of scoring depends on it
    let config = Config { batch_size: 1, time_size: 16, ..saved.checkpoint.config() };
    let mut model = Model::new(config, &mut Xorshift::new(0))?;
    saved.checkpoint.load(&mut model)?;
    Ok(model)
}

/// Both, where there are words.
fn with_words<'f>(
    path: &Path,
    loaded: Loaded<'f>,
    vocabulary: Vocabulary,
) -> Result<(Loaded<'f>, Vocabulary), Failure> {
    if !vocabulary.is_empty() {
        return Ok((loaded, vocabulary));
    }
    let file = visible(path);
    let (from, flag) = match loaded {
        Loaded::Int8(_) | Loaded::Int8Lstm(_) => ("its f32 file", "--quantize"),
        _ => (&file[..], "--save"),
    };
    Err(format!(
        "{file} has weights but no words: add them from a list, or by --data from the text of its training:\n  \
         cargo run --release --example ptb -- --load {from} --vocabulary WORDS --epochs 0 {flag} FILE"
    )
    .into())
}

fn no_score(error: StepError) -> Failure {
    crate::evaluation::no_prediction(error).into()
}

impl Predicts for Loaded<'_> {
    fn reader(&self, temperature: f32) -> Result<Box<dyn Reader + '_>, Failure> {
        match self {
            Self::Rnn(model) => model.reader(temperature),
            Self::Lstm(model) => model.reader(temperature),
            Self::Int8(weights) => weights.reader(temperature),
            Self::Int8Lstm(weights) => weights.reader(temperature),
        }
    }
}
