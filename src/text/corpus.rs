//! A text as token ids, with its vocabulary.

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::{
    error::CorpusError,
    text::vocabulary::{EOS, UNK, Vocabulary, tokens},
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

    /// Makes `<unk>` of the words that stand in the text fewer than `min_count` times: all that a model can learn of
    /// them together is where some rare word comes, and with that it can judge texts with words of their own.
    ///
    /// Ids are numbered by first appearance in the text that results. `<eos>` stays, and so does a text without rare
    /// words, which gets no `<unk>`. Takes 8 bytes for each different word (4 where addresses have 32 bits) beside the
    /// new vocabulary.
    ///
    /// ```
    /// let corpus = rnnlm::Corpus::from_text("a rose is a rose\n")?.with_min_count(2)?;
    /// assert!(corpus.vocabulary().words().eq(["a", "rose", "<unk>", "<eos>"]));
    /// assert_eq!(corpus.ids(), [0, 1, 2, 0, 1, 3]);
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    ///
    /// # Errors
    /// [`CorpusError::OutOfMemory`].
    #[doc(alias = "min_freq")]
    pub fn with_min_count(self, min_count: usize) -> Result<Self, CorpusError> {
        let counts = self.counts()?;
        self.merged(|id| counts.get(id as usize).is_some_and(|&count| count >= min_count))
    }

    /// Makes `<unk>` of the rarest words, so that the vocabulary has at most `max_words`, `<eos>` and `<unk>` among
    /// them; these two always have their places. Of equally rare words those that appear first are kept. Numbers and
    /// memory are as for [`Self::with_min_count`], with 4 more bytes for each word.
    ///
    /// ```
    /// let corpus = rnnlm::Corpus::from_text("a rose is a rose\n")?.with_max_words(3)?;
    /// assert!(corpus.vocabulary().words().eq(["a", "<unk>", "<eos>"]));
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    ///
    /// # Errors
    /// [`CorpusError::OutOfMemory`].
    #[doc(alias = "vocab_size")]
    pub fn with_max_words(self, max_words: usize) -> Result<Self, CorpusError> {
        if self.vocabulary.len() <= max_words {
            return Ok(self);
        }
        let counts = self.counts()?;
        let from_commonest = |id: u32| (Reverse(counts.get(id as usize)), id);
        let (eos, unk) = (self.vocabulary.id(EOS), self.vocabulary.id(UNK));
        let mut words = Vec::new();
        words.try_reserve_exact(counts.len()).map_err(|_| CorpusError::OutOfMemory)?;
        words.extend((0..counts.len() as u32).filter(|&id| ![eos, unk].contains(&Some(id))));
        words.sort_unstable_by_key(|&id| from_commonest(id));
        let first_merged = words.get(max_words.saturating_sub(1 + usize::from(eos.is_some()))).copied();
        self.merged(|id| first_merged.is_none_or(|first| from_commonest(id) < from_commonest(first)))
    }

    /// How often each word stands in the text.
    fn counts(&self) -> Result<Vec<usize>, CorpusError> {
        let mut counts = Vec::new();
        counts.try_reserve_exact(self.vocabulary.len()).map_err(|_| CorpusError::OutOfMemory)?;
        counts.resize(self.vocabulary.len(), 0);
        for &id in &self.ids {
            if let Some(count) = counts.get_mut(id as usize) {
                *count += 1;
            }
        }
        Ok(counts)
    }

    /// The same text with `<unk>` for the words that are not kept.
    fn merged(mut self, is_kept: impl Fn(u32) -> bool) -> Result<Self, CorpusError> {
        let mut vocabulary = Vocabulary::new();
        for id in &mut self.ids {
            let word = self.vocabulary.word(*id).filter(|&word| word == EOS || is_kept(*id));
            *id = vocabulary.add(word.unwrap_or(UNK))?;
        }
        Ok(Self { vocabulary, ..self })
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
