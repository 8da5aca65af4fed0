//! The text to train on, and the texts held out.

use std::{error::Error, fs, path::Path};

use rnnlm::{Corpus, Vocabulary};

use crate::{args::Options, grammar::Grammar};

type Failure = Box<dyn Error>;

/// Where to look when no text is named.
const DEFAULT_FOLDER: &str = "data";
/// Seeds and sizes of the built-in text.
const TRAIN_SEED: u64 = 1;
const HELD_OUT_SEED: u64 = 2;
const HELD_OUT_TOKENS: usize = 5_000;
const ALL_TOKENS: usize = 200_000;
const MOST_TOKENS: usize = 10_000_000;

/// A held-out text in the ids of the training vocabulary.
pub struct HeldOut {
    pub ids: Vec<u32>,
    pub unknown: usize,
}

/// Everything that is read or generated before training.
pub struct Texts {
    pub train: Corpus,
    /// How many tokens of it to train on.
    pub tokens: usize,
    pub valid: Option<HeldOut>,
    pub test: Option<HeldOut>,
    /// Of the built-in text: the perplexity that no model can better.
    pub true_perplexity: Option<f64>,
}

/// The texts that the options name, or the built-in ones.
pub fn load(options: &Options) -> Result<Texts, Failure> {
    match &options.data {
        Some(path) => from_path(path, options),
        None if Path::new(DEFAULT_FOLDER).join("ptb.train.txt").is_file() => {
            from_path(Path::new(DEFAULT_FOLDER), options)
        }
        None => built_in(options),
    }
}

fn from_path(path: &Path, options: &Options) -> Result<Texts, Failure> {
    let is_folder = path.is_dir();
    let train = if is_folder { path.join("ptb.train.txt") } else { path.to_path_buf() };
    let mut train = Corpus::from_text(&read(&train)?)?;
    match options.tokens.unwrap_or(1000) {
        0 => {}
        tokens => train.truncate(tokens),
    }
    let held_out = |name: &str| {
        let file = path.join(name);
        if !is_folder || !file.is_file() {
            return Ok(None);
        }
        let text = read(&file)?;
        let held_out = encode(train.vocabulary(), &text).map_err(|error| format!("{}: {error}", file.display()))?;
        match held_out.ids.len() {
            0 | 1 => Err(format!("{}: fewer than two tokens, so none to predict", file.display()).into()),
            _ => Ok(Some(held_out)),
        }
    };
    let (valid, test): (Result<_, Failure>, Result<_, Failure>) = (held_out("ptb.valid.txt"), held_out("ptb.test.txt"));
    let (valid, test) = (valid?, test?);
    let tokens = train.ids().len();
    Ok(Texts { train, tokens, valid, test, true_perplexity: None })
}

fn built_in(options: &Options) -> Result<Texts, Failure> {
    let grammar = Grammar::new();
    let tokens = match options.tokens {
        None => 20_000,
        Some(0) => ALL_TOKENS,
        Some(tokens) if tokens > MOST_TOKENS => {
            return Err(format!("the built-in text ends after {MOST_TOKENS} tokens: --tokens asks for more").into());
        }
        Some(tokens) => tokens,
    };
    // every word of the grammar is in the vocabulary, also those that a short text happens to miss
    let train = Corpus::from_text(&grammar.text(TRAIN_SEED, tokens.max(ALL_TOKENS)))?;
    let held_out = encode(train.vocabulary(), &grammar.text(HELD_OUT_SEED, HELD_OUT_TOKENS))?;
    Ok(Texts { train, tokens, valid: Some(held_out), test: None, true_perplexity: Some(grammar.perplexity()) })
}

fn encode(vocabulary: &Vocabulary, text: &str) -> Result<HeldOut, Failure> {
    let encoded = vocabulary.encode(text)?;
    Ok(HeldOut { ids: encoded.ids, unknown: encoded.unknown })
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("{}: not UTF-8 at byte {}: convert it first", path.display(), error.utf8_error().valid_up_to())
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
