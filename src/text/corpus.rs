//! A text as token ids, with its vocabulary.

use alloc::vec::Vec;

use crate::{
    error::CorpusError,
    text::vocabulary::{Vocabulary, tokens},
};

/// A text as token ids, numbered by first appearance, and the vocabulary that they index.
///
/// ```
/// use rnnlm::Corpus;
/// let corpus = Corpus::from_text("you say goodbye and i say hello .\n")?;
/// assert_eq!(corpus.ids(), [0, 1, 2, 3, 4, 1, 5, 6, 7]);
/// assert_eq!(corpus.vocabulary().word(7), Some("<eos>"));
/// # Ok::<(), rnnlm::CorpusError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "load_data")]
#[doc(alias = "preprocess")]
pub struct Corpus {
    ids: Vec<u32>,
    vocabulary: Vocabulary,
}

impl Corpus {
    /// Splits a text into [`tokens`]; its different words are the vocabulary.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`], [`CorpusError::OutOfMemory`]. An empty text is an empty corpus.
    pub fn from_text(text: &str) -> Result<Self, CorpusError> {
        let mut corpus = Self::default();
        for token in tokens(text) {
            let id = corpus.vocabulary.add(token)?;
            corpus.ids.try_reserve(1).map_err(|_| CorpusError::OutOfMemory)?;
            corpus.ids.push(id);
        }
        Ok(corpus)
    }

    /// Keeps the first `len` tokens, and of the vocabulary the words that appear in them.
    ///
    /// ```
    /// let mut corpus = rnnlm::Corpus::from_text("a b a c d")?;
    /// corpus.truncate(3);
    /// assert_eq!((corpus.ids(), corpus.vocabulary().len()), (&[0, 1, 0][..], 2));
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    pub fn truncate(&mut self, len: usize) {
        self.ids.truncate(len);
        // ids are numbered by first appearance, so the largest is the last new word
        let words = self.ids.iter().max().map_or(0, |&id| id as usize + 1);
        self.vocabulary.truncate(words);
    }

    /// The token ids.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The words.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}
