//! The text to train on, and the texts held out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rnnlm::{Corpus, Vocabulary};

use crate::{Failure, args::Options, grammar::Grammar, saved::Saved, settings::Settings, visible::visible};

/// Where to look when no text is named.
const DEFAULT_FOLDER: &str = "data";
/// Seeds and sizes of the built-in text.
const TRAIN_SEED: u64 = 1;
const HELD_OUT_SEED: u64 = 2;
const HELD_OUT_TOKENS: usize = 5_000;
const ALL_TOKENS: usize = 200_000;
const MOST_TOKENS: usize = 10_000_000;

/// Where the text comes from.
pub enum Source {
    Folder(PathBuf),
    File(PathBuf),
    BuiltIn,
}

impl Source {
    /// The text that the options name, or what is at hand.
    pub fn of(options: &Options) -> Self {
        match &options.data {
            Some(path) if path.is_dir() => Self::Folder(path.clone()),
            Some(path) => Self::File(path.clone()),
            None if Path::new(DEFAULT_FOLDER).join("ptb.train.txt").exists() => Self::Folder(DEFAULT_FOLDER.into()),
            None => Self::BuiltIn,
        }
    }

    pub fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn)
    }
}

/// A held-out text in the ids of the vocabulary.
pub struct HeldOut {
    pub ids: Vec<u32>,
    pub unknown: usize,
}

/// Everything that is read or generated before training.
pub struct Texts {
    pub train: Corpus,
    /// How many tokens of it to train on; `None` where nothing is to be trained and the file loaded has another
    /// vocabulary.
    pub tokens: Option<usize>,
    /// That of the file loaded, else that of the text.
    pub vocabulary: Vocabulary,
    pub valid: Option<HeldOut>,
    pub test: Option<HeldOut>,
    /// Of the built-in text: the perplexity that no model can better.
    pub true_perplexity: Option<f64>,
}

/// The texts of the run.
pub fn load(
    options: &Options,
    source: &Source,
    settings: &Settings,
    saved: Option<&Saved<'_>>,
) -> Result<Texts, Failure> {
    let mut train = match source {
        Source::Folder(folder) => Corpus::from_text(&read(&folder.join("ptb.train.txt"))?)?,
        Source::File(file) => Corpus::from_text(&read(file)?)?,
        Source::BuiltIn => built_in(options.tokens)?,
    };
    let tokens = tokens(&train, options, source, settings, saved)?;
    if let (Some(tokens), false) = (tokens, source.is_built_in()) {
        train.truncate(tokens);
    }
    let vocabulary = match saved {
        Some(saved) if !saved.vocabulary.is_empty() => saved.vocabulary.clone(),
        _ => train.vocabulary().clone(),
    };
    let mut texts = Texts { train, tokens, vocabulary, valid: None, test: None, true_perplexity: None };
    if let Some(path) = &options.valid {
        texts.valid = Some(held_out(path, &texts.vocabulary)?);
    }
    match source {
        _ if tokens.is_none() => {}
        Source::Folder(folder) => {
            let held_out = |name: &str| {
                let path = folder.join(name);
                // also where it is a folder or a dead link: then that is the error
                fs::symlink_metadata(&path).is_ok().then(|| held_out(&path, &texts.vocabulary)).transpose()
            };
            let valid = if options.valid.is_none() { held_out("ptb.valid.txt")? } else { None };
            texts.test = held_out("ptb.test.txt")?;
            texts.valid = valid.or(texts.valid);
        }
        Source::BuiltIn if options.valid.is_none() => {
            let grammar = Grammar::new();
            texts.valid = Some(encode(&grammar.text(HELD_OUT_SEED, HELD_OUT_TOKENS), &texts.vocabulary)?);
            texts.true_perplexity = Some(grammar.perplexity());
        }
        Source::File(_) | Source::BuiltIn => {}
    }
    Ok(texts)
}

/// The built-in text. Its vocabulary has every word of the grammar, also those that a short text happens to miss.
fn built_in(tokens: Option<usize>) -> Result<Corpus, Failure> {
    let tokens = tokens.unwrap_or(ALL_TOKENS);
    if tokens > MOST_TOKENS {
        return Err(format!("the built-in text ends after {MOST_TOKENS} tokens: --tokens asks for more").into());
    }
    Ok(Corpus::from_text(&Grammar::new().text(TRAIN_SEED, tokens.max(ALL_TOKENS)))?)
}

/// How many tokens to train on: as many as named, else the default, else as many as the file loaded was trained on
/// if that is all of the text.
fn tokens(
    train: &Corpus,
    options: &Options,
    source: &Source,
    settings: &Settings,
    saved: Option<&Saved<'_>>,
) -> Result<Option<usize>, String> {
    let all = train.ids().len();
    let default = if source.is_built_in() { 20_000 } else { 1000 };
    let named = options.tokens.map(|tokens| if tokens == 0 { all } else { tokens.min(all) });
    let first = named.unwrap_or(default.min(all));
    let Some(saved) = saved else { return Ok(Some(first)) };

    let words = |len: usize| match source {
        Source::BuiltIn => train.vocabulary().len(),
        // numbered by first appearance
        _ => train.ids().iter().take(len).max().map_or(0, |&id| id as usize + 1),
    };
    let size = saved.checkpoint.config().vocab_size;
    let same_words = saved.vocabulary.is_empty()
        || (0..size as u32).all(|id| train.vocabulary().word(id) == saved.vocabulary.word(id));
    let same = |len: &usize| same_words && words(*len) == size;
    let goes_on = |len: &usize| same(len) && settings.position_fits(*len);
    let lengths = [first, named.unwrap_or(all)];

    let path = visible(saved.path);
    if let Some(same) = lengths.into_iter().find(goes_on).or(lengths.into_iter().find(same)) {
        if settings.trains() && named.is_none() && !goes_on(&same) {
            return Err(format!("{path} was trained on a text of another length: give the --tokens of that run"));
        }
        return Ok(Some(same));
    }
    if settings.trains() || saved.vocabulary.is_empty() || options.data.is_some() || named.is_some() {
        return Err(format!(
            "the text has another vocabulary ({} words) than {path} ({size}): give the --data and --tokens of the run \
             that \
             wrote it; to evaluate on another text, leave them out and name it by --valid with --epochs 0",
            words(first)
        ));
    }
    Ok(None)
}

fn held_out(path: &Path, vocabulary: &Vocabulary) -> Result<HeldOut, Failure> {
    let held_out = encode(&read(path)?, vocabulary).map_err(|error| format!("{}: {error}", visible(path)))?;
    match held_out.ids.len() {
        0 | 1 => Err(format!("{}: fewer than two tokens, so none to predict", visible(path)).into()),
        _ => Ok(held_out),
    }
}

fn encode(text: &str, vocabulary: &Vocabulary) -> Result<HeldOut, Failure> {
    let encoded = vocabulary.encode(text)?;
    Ok(HeldOut { ids: encoded.ids, unknown: encoded.unknown })
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", visible(path)))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("{}: not UTF-8 at byte {}: convert it first", visible(path), error.utf8_error().valid_up_to())
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
