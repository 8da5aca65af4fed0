//! A line of the user's in the ids of a vocabulary.

use rnnlm::{Vocabulary, tokens};

use super::visible::visible;

/// A line behind the token that ends the line before it, if there is one.
pub struct Line<'l> {
    pub words: Vec<&'l str>,
    /// Those of the words as ids. An unknown one is `<unk>`, or left out where the vocabulary has none.
    pub ids: Vec<u32>,
    pub unknown: Vec<&'l str>,
    unk: Option<u32>,
}

impl<'l> Line<'l> {
    pub fn read(text: &'l str, vocabulary: &Vocabulary) -> Self {
        let unk = vocabulary.id("<unk>");
        let words: Vec<&str> = tokens(text).collect();
        let unknown = words.iter().copied().filter(|word| vocabulary.id(word).is_none()).collect();
        let known = words.iter().filter_map(|word| vocabulary.id(word).or(unk));
        let ids = vocabulary.id("<eos>").into_iter().chain(known).collect();
        Self { words, ids, unknown, unk }
    }

    /// What became of the unknown words, if there are any.
    pub fn note(&self) -> Option<String> {
        let words = visible(self.unknown.join(" "));
        let instead = if self.unk.is_some() { "read as <unk>" } else { "left out, as the model has no <unk>" };
        (!words.is_empty()).then(|| format!("not in the vocabulary: {words} ({instead})"))
    }
}
