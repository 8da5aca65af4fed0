//! The text to train on, and the texts held out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rnnlm::{Cell, Corpus, Vocabulary};

use crate::{
    Failure,
    args::Options,
    grammar::Grammar,
    input::Input,
    saved::Saved,
    settings::{Defaults, Settings},
    tokenizer::Tokenizer,
    visible::visible,
};

/// Where to look when no text is named.
const DEFAULT_FOLDER: &str = "data";
/// How many tokens the book trains on.
const BOOK_TOKENS: usize = 1000;
/// Seeds and sizes of the built-in text.
const TRAIN_SEED: u64 = 1;
const HELD_OUT_SEED: u64 = 2;
const HELD_OUT_TOKENS: usize = 5_000;
const TRAIN_TOKENS: usize = 20_000;
const ALL_TOKENS: usize = 200_000;
const MOST_TOKENS: usize = 10_000_000;
/// From so many tokens on a text of the user's own has other defaults than the book's experiment.
const LONG: usize = 20_000;
/// The largest vocabulary of the user's own text, where no flag names another.
const OWN_WORDS: usize = 10_000;

/// Where the text comes from.
pub enum Source {
    Folder(PathBuf),
    File(PathBuf),
    Stdin,
    BuiltIn,
}

impl Source {
    /// The text that the options name, or what is at hand.
    pub fn of(options: &Options) -> Self {
        match &options.data {
            Some(path) if path == Path::new("-") => Self::Stdin,
            Some(path) if path.is_dir() => Self::Folder(path.clone()),
            Some(path) => Self::File(path.clone()),
            None if Path::new(DEFAULT_FOLDER).join("ptb.train.txt").exists() => Self::Folder(DEFAULT_FOLDER.into()),
            None => Self::BuiltIn,
        }
    }

    pub fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn)
    }

    fn is_own(&self) -> bool {
        matches!(self, Self::File(_) | Self::Stdin)
    }
}

/// The text to train on as it was read, with words of its own.
pub struct Read {
    corpus: Corpus,
    /// How many of its tokens to train on.
    first: usize,
    /// Whether it was read to its end.
    is_whole: bool,
}

impl Read {
    /// Reads as much as the options ask for, or all where a file that is loaded may have been trained on that.
    pub fn new(options: &Options, source: &Source) -> Result<Self, Failure> {
        let wanted = match (options.tokens, source) {
            (None, Source::Folder(_)) => BOOK_TOKENS,
            (None, Source::BuiltIn) => TRAIN_TOKENS,
            (None | Some(0), _) => usize::MAX,
            (Some(tokens), _) => tokens,
        };
        let may_need_all = options.load.is_some() && options.tokens.is_none();
        let enough = Some(wanted).filter(|_| !may_need_all && wanted != usize::MAX);
        let input = match source {
            Source::Folder(folder) => Input::of_file(&folder.join("ptb.train.txt"), enough)?,
            Source::File(file) => Input::of_file(file, enough)?,
            Source::Stdin => Input::of_stdin(enough)?,
            Source::BuiltIn => Input { text: built_in(options.tokens)?, is_whole: true },
        };
        let corpus = Corpus::from_text(&tokenizer(options).apply(&input.text))?;
        let first = wanted.min(corpus.ids().len());
        Ok(Self { corpus, first, is_whole: input.is_whole })
    }

    /// What suits the text.
    pub fn defaults(&self, source: &Source) -> &'static Defaults {
        match source {
            Source::BuiltIn => &Defaults::BUILT_IN,
            _ if source.is_own() && self.first >= LONG => &Defaults::OWN,
            _ => &Defaults::BOOK,
        }
    }

    /// How many tokens a file that is loaded may have been trained on: as many as named, else the default or all.
    fn lengths(&self, options: &Options) -> Vec<usize> {
        let all = self.corpus.ids().len();
        let mut lengths = vec![self.first];
        lengths.extend(Some(all).filter(|&all| options.tokens.is_none() && all != self.first));
        lengths
    }

    /// Where the text is trained on in part: which part.
    fn note(&self, len: usize) -> Option<String> {
        let all = self.corpus.ids().len();
        match (self.is_whole, len < all) {
            (true, false) => None,
            (true, true) => Some(format!("the first {len} of {all} tokens: --tokens 0 takes all")),
            (false, _) => Some(format!("the first {len} tokens: --tokens 0 takes all")),
        }
    }
}

/// What is done to every text of this run.
pub fn tokenizer(options: &Options) -> Tokenizer {
    Tokenizer { lower: options.lower, splits_punctuation: options.split_punctuation }
}

/// What is done to every text, for the user.
fn tokenizer_note(options: &Options) -> Option<String> {
    let note = match (options.lower, options.split_punctuation) {
        (false, false) => return None,
        (true, false) => "the text is read in lower case",
        (false, true) => "punctuation is split off",
        (true, true) => "the text is read in lower case, punctuation is split off",
    };
    Some(note.into())
}

/// The built-in text: longer than what is trained on, so that each of its words is among the first 200,000 tokens.
fn built_in(tokens: Option<usize>) -> Result<String, Failure> {
    let tokens = tokens.unwrap_or(ALL_TOKENS);
    if tokens > MOST_TOKENS {
        return Err(format!("the built-in text ends after {MOST_TOKENS} tokens: --tokens asks for more").into());
    }
    Ok(Grammar::new().text(TRAIN_SEED, tokens.max(ALL_TOKENS)))
}

/// A held-out text in the ids of the vocabulary.
pub struct HeldOut {
    pub ids: Vec<u32>,
    /// The tokens that the vocabulary lacks. Without an `<unk>` they are left out.
    pub unknown: usize,
}

/// Everything that is read or generated before training.
#[derive(Default)]
pub struct Texts {
    /// The text to train on; `None` where nothing is to be trained and the file loaded has another vocabulary.
    pub train: Option<Vec<u32>>,
    /// That of the file loaded, else that of the text.
    pub vocabulary: Vocabulary,
    pub valid: Option<HeldOut>,
    pub test: Option<HeldOut>,
    /// Of the built-in text: the perplexity that no model can better.
    pub true_perplexity: Option<f64>,
    /// Where training goes on.
    pub start: Start,
    /// What the user should know of them.
    pub notes: Vec<String>,
}

/// Where a run that is loaded goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Where it stopped.
    #[default]
    AsSaved,
    /// In the same text, with another part of it, N or T.
    SameText,
    /// In another text.
    OtherText,
}

/// A text in a vocabulary, and what is held out of it.
struct Part {
    ids: Vec<u32>,
    unknown: usize,
    held_out: Option<String>,
}

/// The texts of the run.
pub fn load(
    options: &Options,
    source: &Source,
    settings: &Settings,
    saved: Option<&Saved<'_, impl Cell>>,
    read: Read,
) -> Result<Texts, Failure> {
    let (mut texts, held_out) = match saved.filter(|saved| !saved.vocabulary.is_empty()) {
        Some(saved) => in_saved_words(options, source, settings, saved, &read)?,
        None => in_own_words(options, source, settings, saved, read)?,
    };
    texts.notes.extend(tokenizer_note(options));
    let of_file = |path: &Path| {
        let text = Input::of_file(path, None)?.text;
        let text = tokenizer(options).apply(&text);
        encode(&text, &texts.vocabulary, &visible(path))
    };
    let of_folder = |name: &str| match source {
        Source::Folder(folder) if texts.train.is_some() => {
            let path = folder.join(name);
            // also where it is a folder or a dead link: then that is the error
            fs::symlink_metadata(&path).is_ok().then(|| of_file(&path)).transpose()
        }
        _ => Ok(None),
    };
    let test = match &options.test {
        Some(path) => Some(of_file(path)?),
        None => of_folder("ptb.test.txt")?,
    };
    let (valid, true_perplexity) = match (&options.valid, held_out) {
        (Some(path), _) => (Some(of_file(path)?), None),
        (None, Some(text)) => (Some(encode(&text, &texts.vocabulary, "the part of --valid-fraction")?), None),
        (None, None) if source.is_built_in() && texts.train.is_some() => {
            let grammar = Grammar::new();
            let text = grammar.text(HELD_OUT_SEED, HELD_OUT_TOKENS);
            let text = tokenizer(options).apply(&text);
            (Some(encode(&text, &texts.vocabulary, "the held-out text")?), Some(grammar.perplexity()))
        }
        (None, None) => (of_folder("ptb.valid.txt")?, None),
    };
    Ok(Texts { valid, test, true_perplexity, ..texts })
}

/// The text in words of its own, or in those that the user names.
fn in_own_words(
    options: &Options,
    source: &Source,
    settings: &Settings,
    saved: Option<&Saved<'_, impl Cell>>,
    read: Read,
) -> Result<(Texts, Option<String>), Failure> {
    if let (Some(path), None, false) = (&options.vocabulary, &options.data, settings.trains()) {
        // the list alone is enough
        let vocabulary = words_of(path)?;
        check_words(options, saved, &vocabulary)?;
        return Ok((Texts { vocabulary, ..Texts::default() }, None));
    }
    // a file without words tells how many it has
    let words = |len: usize| read.corpus.ids().iter().take(len).max().map_or(0, |&id| id as usize + 1);
    let fits = |len: &&usize| saved.is_some_and(|saved| words(**len) == saved.checkpoint.config().vocab_size);
    let len = read.lengths(options).iter().find(fits).copied().unwrap_or(read.first);
    let mut notes = Vec::from_iter(read.note(len));
    let mut train = read.corpus;
    // the built-in text has every word of its grammar, also those that a short part happens to miss
    let all_words = source.is_built_in().then(|| train.vocabulary().clone());
    train.truncate(len);
    let held_out = hold_out(&mut train, options.valid_fraction)?;
    let is_free = saved.is_none() && options.vocabulary.is_none();
    let most = match options.vocab {
        Some(0) => usize::MAX,
        Some(words) => words,
        None if source.is_own() && is_free => OWN_WORDS,
        None => usize::MAX,
    };
    let (words, unk) = (train.vocabulary().len(), count(&train, "<unk>"));
    let all_words = all_words.filter(|all| options.min_count.is_none() && all.len() <= most);
    let train = train.with_min_count(options.min_count.unwrap_or(1))?.with_max_words(most)?;
    if train.vocabulary().len() < words {
        let share = 100.0 * (count(&train, "<unk>") - unk) as f64 / train.ids().len() as f64;
        notes.push(format!("the rarest of its {words} words, {share:.1}% of the tokens, are read as <unk>"));
    }
    let mut vocabulary = all_words.unwrap_or_else(|| train.vocabulary().clone());
    let mut ids = train.ids().to_vec();
    if let Some(path) = &options.vocabulary {
        vocabulary = words_of(path)?;
        let encoded = vocabulary.encode_known(&train.vocabulary().decode(train.ids())?)?;
        notes.extend(unknown_note(encoded.unknown, ids.len(), &vocabulary, path));
        ids = encoded.ids;
    }
    check_words(options, saved, &vocabulary)?;
    let start = if settings.position_fits(ids.len()) { Start::AsSaved } else { Start::SameText };
    Ok((Texts { train: Some(ids), vocabulary, start, notes, ..Texts::default() }, held_out))
}

/// Bare weights need as many words as they have.
fn check_words(options: &Options, saved: Option<&Saved<'_, impl Cell>>, vocabulary: &Vocabulary) -> Result<(), String> {
    let Some(saved) = saved else { return Ok(()) };
    let (file, size, words) = (visible(saved.path), saved.checkpoint.config().vocab_size, vocabulary.len());
    match &options.vocabulary {
        _ if words == size => Ok(()),
        Some(path) => {
            Err(format!("{} has {words} words, {file} {size}: name the list that belongs to it", visible(path)))
        }
        None => Err(format!(
            "the text has another vocabulary ({words} words) than {file} ({size}), which has no words of its own: \
             name them by --vocabulary, or by --data and --tokens the text that it was trained on"
        )),
    }
}

/// The text in the words of the file loaded, and where training goes on. It is the text of that file where it reads as
/// a text whose words were numbered by first appearance; and where its length fits too, as much of it.
fn in_saved_words(
    options: &Options,
    source: &Source,
    settings: &Settings,
    saved: &Saved<'_, impl Cell>,
    read: &Read,
) -> Result<(Texts, Option<String>), Failure> {
    let (file, vocabulary) = (visible(saved.path), saved.vocabulary.clone());
    if options.vocabulary.is_some() {
        return Err(format!("{file} has words of its own: leave --vocabulary out").into());
    }
    let has_unk = vocabulary.id("<unk>").is_some();
    let is_same = |part: &Part| match source {
        Source::BuiltIn => *read.corpus.vocabulary() == vocabulary,
        _ if part.unknown > 0 && !has_unk => false,
        _ => is_numbered_by_first_appearance(&part.ids, vocabulary.len()),
    };
    let mut parts = Vec::new();
    for len in read.lengths(options) {
        let mut corpus = read.corpus.clone();
        corpus.truncate(len);
        let held_out = hold_out(&mut corpus, options.valid_fraction)?;
        let encoded = vocabulary.encode_known(&corpus.vocabulary().decode(corpus.ids())?)?;
        parts.push((len, Part { ids: encoded.ids, unknown: encoded.unknown, held_out }));
    }
    let fits = |part: &Part| settings.position_fits(part.ids.len());
    let found = |good: &dyn Fn(&Part) -> bool| parts.iter().position(|(_, part)| good(part));
    let (chosen, start) = if let Some(same) = found(&|part| is_same(part) && fits(part)) {
        (same, Start::AsSaved)
    } else if let Some(same) = found(&is_same) {
        if settings.trains() && options.tokens.is_none() && settings.keeps_windows {
            return Err(format!(
                "{file} was trained on a text of another length: give the --tokens of that run (and its \
                 --valid-fraction), or --tokens 0 to go on with all of this one"
            )
            .into());
        }
        (same, Start::SameText)
    } else if options.data.is_some() {
        // a text that was gone on with before goes on exactly, where the epochs in all are named
        let is_counted = options.epochs.is_some() || settings.state.epoch == 0;
        let fitting = found(&fits).filter(|_| is_counted);
        (fitting.unwrap_or(0), if fitting.is_some() { Start::AsSaved } else { Start::OtherText })
    } else if settings.trains() || options.tokens.is_some() {
        return Err(format!(
            "the text at hand has another vocabulary ({} words) than {file} ({}): name the text to go on with by \
             --data; without training, --epochs 0 uses the model as it is",
            read.corpus.vocabulary().len(),
            vocabulary.len()
        )
        .into());
    } else {
        return Ok((Texts { vocabulary, ..Texts::default() }, None));
    };
    let (len, part) = parts.swap_remove(chosen);
    let mut notes = Vec::from_iter(read.note(len));
    if !is_same(&part) {
        let own = read.corpus.vocabulary();
        let is_reordered = part.unknown == 0 && own.len() == vocabulary.len() && *own != vocabulary;
        notes.extend(
            is_reordered.then(|| format!("the text has the words of {file} in another order: they keep its ids")),
        );
        notes.extend(unknown_note(part.unknown, len, &vocabulary, saved.path));
    }
    Ok((Texts { train: Some(part.ids), vocabulary, start, notes, ..Texts::default() }, part.held_out))
}

/// Whether the ids are those of a text whose different words, so many, were numbered as they came.
fn is_numbered_by_first_appearance(ids: &[u32], words: usize) -> bool {
    let mut next = 0;
    for &id in ids {
        if id > next {
            return false;
        }
        next += u32::from(id == next);
    }
    next as usize == words
}

/// Takes the last part of the text away, from the end of a line on where there is one, and gives it back.
fn hold_out(corpus: &mut Corpus, fraction: Option<f64>) -> Result<Option<String>, Failure> {
    let Some(fraction) = fraction else { return Ok(None) };
    let (ids, eos) = (corpus.ids(), corpus.vocabulary().id("<eos>"));
    let kept = ids.len() - ((fraction * ids.len() as f64) as usize).min(ids.len());
    let line_end = ids.iter().skip(kept.saturating_sub(1)).position(|&id| Some(id) == eos);
    // at least two tokens are left to be judged
    let kept = line_end.map(|further| kept + further).filter(|&end| end + 2 <= ids.len()).unwrap_or(kept);
    let held_out = corpus.vocabulary().decode(&ids[kept..])?;
    corpus.truncate(kept);
    Ok(Some(held_out))
}

/// How often a word stands in the text.
fn count(corpus: &Corpus, word: &str) -> usize {
    let id = corpus.vocabulary().id(word);
    corpus.ids().iter().filter(|&&other| Some(other) == id).count()
}

/// What became of the words of the text that a vocabulary lacks.
fn unknown_note(unknown: usize, len: usize, vocabulary: &Vocabulary, of: &Path) -> Option<String> {
    let instead = if vocabulary.id("<unk>").is_some() { "read as <unk>" } else { "left out" };
    let of = visible(of);
    (unknown > 0).then(|| format!("{unknown} of {len} tokens are no words of {of}: {instead}"))
}

/// A list of words, one a line.
fn words_of(path: &Path) -> Result<Vocabulary, Failure> {
    let text = Input::of_file(path, None)?.text;
    let words = Vocabulary::from_words(text.lines());
    Ok(words.map_err(|error| format!("{}: {error}", visible(path)))?)
}

fn encode(text: &str, vocabulary: &Vocabulary, name: &str) -> Result<HeldOut, Failure> {
    let encoded = vocabulary.encode_known(text)?;
    match encoded.ids.len() {
        0 | 1 => Err(format!("{name}: fewer than two tokens of the vocabulary, so none to predict").into()),
        _ => Ok(HeldOut { ids: encoded.ids, unknown: encoded.unknown }),
    }
}
