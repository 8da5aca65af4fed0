//! Words and their ids.

use alloc::{string::String, vec::Vec};

use crate::error::CorpusError;

/// The token that a newline becomes.
const EOS: &str = "<eos>";
/// The token that stands for words that a vocabulary lacks.
const UNK: &str = "<unk>";

/// The tokens of a text by the Penn Treebank convention: words between white space (of any script), and `<eos>`
/// for each newline.
///
/// ```
/// let tokens: Vec<&str> = rnnlm::tokens("you say\nhallo ,　世界\n").collect();
/// assert_eq!(tokens, ["you", "say", "<eos>", "hallo", ",", "世界", "<eos>"]);
/// ```
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let eos = line.ends_with('\n').then_some(EOS);
        line.split_whitespace().chain(eos)
    })
}

/// Different words, numbered by first appearance.
///
/// All words stand in one string, and a hash table of ids finds them: about the words' own length plus 16 bytes each.
///
/// ```
/// use rnnlm::Vocabulary;
/// let mut vocabulary = Vocabulary::new();
/// assert_eq!((vocabulary.add("you")?, vocabulary.add("say")?, vocabulary.add("you")?), (0, 1, 0));
/// assert_eq!(vocabulary.id("say"), Some(1));
/// assert_eq!(vocabulary.word(0), Some("you"));
/// assert_eq!(vocabulary.decode(&[0, 1])?, "you say");
/// # Ok::<(), rnnlm::CorpusError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// All words, one behind the other.
    text: String,
    /// Where each word ends in `text`.
    ends: Vec<u32>,
    /// Open addressing with linear probing: id + 1 at or behind the word's hash, 0 where free. A power of two in
    /// length, at most half full.
    table: Vec<u32>,
}

/// A text in the ids of a vocabulary.
///
/// ```
/// let corpus = rnnlm::Corpus::from_text("a b <unk>")?;
/// let encoded = corpus.vocabulary().encode("b c a")?;
/// assert_eq!((encoded.ids, encoded.unknown), (vec![1, 2, 0], 1));
/// # Ok::<(), rnnlm::CorpusError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The id of each token.
    pub ids: Vec<u32>,
    /// How many tokens the vocabulary lacks; `<unk>` stands for each.
    pub unknown: usize,
}

impl Vocabulary {
    /// No words yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The vocabulary of these words, each with its place as id: the inverse of [`Self::to_lines`].
    ///
    /// ```
    /// use rnnlm::{CorpusError, Vocabulary};
    /// let vocabulary = Vocabulary::from_words("you\nsay\n".split_terminator('\n'))?;
    /// assert_eq!((vocabulary.id("say"), vocabulary.to_lines()?.as_str()), (Some(1), "you\nsay\n"));
    /// let twice = Vocabulary::from_words(["you", "say", "you"]);
    /// assert_eq!(twice.err(), Some(CorpusError::DuplicateWord { id: 2 }));
    /// # Ok::<(), CorpusError>(())
    /// ```
    ///
    /// # Errors
    /// [`CorpusError::DuplicateWord`], [`CorpusError::TooLarge`], [`CorpusError::OutOfMemory`].
    pub fn from_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, CorpusError> {
        let mut vocabulary = Self::new();
        for (id, word) in (0..).zip(words) {
            if vocabulary.add(word)? != id {
                return Err(CorpusError::DuplicateWord { id });
            }
        }
        Ok(vocabulary)
    }

    /// The words in the order of their ids, each ended by a newline: the text that a
    /// [`Checkpoint`](crate::Checkpoint) keeps.
    ///
    /// # Errors
    /// [`CorpusError::LineBreak`] for a word that holds a newline (none from [`tokens`] does), [`CorpusError::OutOfMemory`].
    pub fn to_lines(&self) -> Result<String, CorpusError> {
        let mut lines = String::new();
        lines.try_reserve_exact(self.text.len() + self.ends.len()).map_err(|_| CorpusError::OutOfMemory)?;
        for (id, word) in (0..).map_while(|id| Some((id, self.word(id)?))) {
            if word.contains('\n') {
                return Err(CorpusError::LineBreak { id });
            }
            lines.push_str(word);
            lines.push('\n');
        }
        Ok(lines)
    }

    /// The number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no words.
    ///
    /// ```
    /// assert!(rnnlm::Vocabulary::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word of an id.
    #[must_use]
    pub fn word(&self, id: u32) -> Option<&str> {
        let id = id as usize;
        let end = *self.ends.get(id)? as usize;
        let start = if id == 0 { 0 } else { *self.ends.get(id - 1)? as usize };
        self.text.get(start..end)
    }

    /// The id of a word.
    #[must_use]
    pub fn id(&self, word: &str) -> Option<u32> {
        self.find(word).ok()
    }

    /// The id of a word, which is added if it is new.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`] beyond 2^32 - 2 bytes of words, [`CorpusError::OutOfMemory`]; the vocabulary is then as it was.
    pub fn add(&mut self, word: &str) -> Result<u32, CorpusError> {
        let place = match self.find(word) {
            Ok(id) => return Ok(id),
            Err(place) => place,
        };
        let id = u32::try_from(self.ends.len()).map_err(|_| CorpusError::TooLarge)?;
        // the largest u32 marks targets to ignore, the one below it is the largest id + 1 in the table
        let end = u32::try_from(self.text.len() + word.len()).map_err(|_| CorpusError::TooLarge)?;
        if id >= u32::MAX - 1 {
            return Err(CorpusError::TooLarge);
        }
        let refused = |_| CorpusError::OutOfMemory;
        self.text.try_reserve(word.len()).map_err(refused)?;
        self.ends.try_reserve(1).map_err(refused)?;
        let place = if 2 * (self.ends.len() + 1) > self.table.len() {
            self.grow()?;
            self.find(word).err().unwrap_or(place)
        } else {
            place
        };
        self.text.push_str(word);
        self.ends.push(end);
        if let Some(slot) = self.table.get_mut(place) {
            *slot = id + 1;
        }
        Ok(id)
    }

    /// The ids of a text's tokens. Words that are not in the vocabulary become its `<unk>` and are counted.
    ///
    /// # Errors
    /// [`CorpusError::UnknownWords`] where it has no `<unk>`.
    pub fn encode(&self, text: &str) -> Result<Encoded, CorpusError> {
        let unk = self.id(UNK);
        let (mut ids, mut unknown, mut first) = (Vec::new(), 0, 0);
        for (position, token) in tokens(text).enumerate() {
            let id = self.id(token).unwrap_or_else(|| {
                if unknown == 0 {
                    first = position;
                }
                unknown += 1;
                unk.unwrap_or(0)
            });
            ids.try_reserve(1).map_err(|_| CorpusError::OutOfMemory)?;
            ids.push(id);
        }
        if unknown > 0 && unk.is_none() {
            return Err(CorpusError::UnknownWords { count: unknown, first });
        }
        Ok(Encoded { ids, unknown })
    }

    /// The words of ids, a space between them and a newline for `<eos>`: words that came from [`tokens`] are split into the
    /// same again.
    ///
    /// # Errors
    /// [`CorpusError::UnknownId`] for an id that is not in the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String, CorpusError> {
        let mut text = String::new();
        let mut at_line_start = true;
        for &id in ids {
            let word = self.word(id).ok_or(CorpusError::UnknownId { id })?;
            text.try_reserve(word.len() + 1).map_err(|_| CorpusError::OutOfMemory)?;
            if word == EOS {
                text.push('\n');
                at_line_start = true;
                continue;
            }
            if !at_line_start {
                text.push(' ');
            }
            text.push_str(word);
            at_line_start = false;
        }
        Ok(text)
    }

    /// Keeps the first `len` words.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.text.truncate(self.ends.last().map_or(0, |&end| end as usize));
        self.fill_table();
    }

    /// The id of a word, or the free place of the table where it belongs.
    fn find(&self, word: &str) -> Result<u32, usize> {
        let mask = self.table.len().wrapping_sub(1);
        let mut place = hash(word) as usize & mask;
        loop {
            match self.table.get(place) {
                None | Some(0) => return Err(place),
                Some(&id) if self.word(id - 1) == Some(word) => return Ok(id - 1),
                Some(_) => place = (place + 1) & mask,
            }
        }
    }

    /// Doubles the table.
    fn grow(&mut self) -> Result<(), CorpusError> {
        let len = (2 * self.table.len()).max(16);
        self.table.try_reserve_exact(len - self.table.len()).map_err(|_| CorpusError::OutOfMemory)?;
        self.table.resize(len, 0);
        self.fill_table();
        Ok(())
    }

    /// Enters every word into the table anew.
    fn fill_table(&mut self) {
        self.table.fill(0);
        for id in 0..self.ends.len() as u32 {
            let place = self.word(id).map(|word| self.find(word));
            if let Some(Err(place)) = place
                && let Some(slot) = self.table.get_mut(place)
            {
                *slot = id + 1;
            }
        }
    }
}

/// FNV-1a (Fowler, Noll, Vo) with the high bits folded in, as the table uses the low ones.
fn hash(word: &str) -> u32 {
    let hash = word.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{format, vec};

    use super::*;

    #[test]
    fn newlines_are_tokens_and_lines_need_no_spaces() {
        let split = |text| tokens(text).collect::<Vec<_>>();
        assert_eq!(split("a b\nc"), ["a", "b", "<eos>", "c"]);
        assert_eq!(split(" a \r\n\n"), ["a", "<eos>", "<eos>"]);
        assert_eq!(split(""), vec![""; 0]);
        assert_eq!(split("мир\u{a0}peace\t平和\u{3000}\n"), ["мир", "peace", "平和", "<eos>"]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn thousands_of_words_keep_their_ids() -> Result<(), CorpusError> {
        let mut vocabulary = Vocabulary::new();
        for i in 0..5000 {
            assert_eq!(vocabulary.add(&format!("wörd{i}"))?, i);
        }
        for i in 0..5000 {
            let word = format!("wörd{i}");
            assert_eq!((vocabulary.id(&word), vocabulary.word(i)), (Some(i), Some(word.as_str())));
        }
        assert_eq!((vocabulary.id("wörd5000"), vocabulary.word(5000), vocabulary.len()), (None, None, 5000));
        vocabulary.truncate(17);
        assert_eq!((vocabulary.id("wörd16"), vocabulary.id("wörd17"), vocabulary.len()), (Some(16), None, 17));
        assert_eq!(vocabulary.add("wörd17")?, 17);
        Ok(())
    }

    #[test]
    fn words_that_are_cut_off_leave_the_table() -> Result<(), CorpusError> {
        let mut vocabulary = Vocabulary::new();
        for round in 0..4 {
            for i in 0..8 {
                vocabulary.add(&format!("{round} {i}"))?;
            }
            vocabulary.truncate(round);
            // or it would fill up, and the search for a new word would never end
            assert_eq!(vocabulary.table.iter().filter(|&&id| id > 0).count(), round);
        }
        Ok(())
    }

    #[test]
    fn text_to_ids_and_back() -> Result<(), CorpusError> {
        let text = "you say goodbye\nund ich sag hallo .\n\nend";
        let mut vocabulary = Vocabulary::new();
        let ids = tokens(text).map(|word| vocabulary.add(word)).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(vocabulary.decode(&ids)?, text);
        assert_eq!(vocabulary.encode(text)?, Encoded { ids, unknown: 0 });
        assert_eq!(vocabulary.decode(&[99]), Err(CorpusError::UnknownId { id: 99 }));
        Ok(())
    }

    #[test]
    fn to_lines_and_back() -> Result<(), CorpusError> {
        // words that `tokens` never gives keep their places too
        for words in [&["you", "say", "<unk>", "世界"][..], &["", "a b", "\r"], &[""], &[]] {
            let vocabulary = Vocabulary::from_words(words.iter().copied())?;
            let lines = vocabulary.to_lines()?;
            assert_eq!(lines.matches('\n').count(), words.len());
            let back = Vocabulary::from_words(lines.split_terminator('\n'))?;
            assert!((0..).map_while(|id| back.word(id)).eq(words.iter().copied()), "{words:?}");
        }
        Ok(())
    }

    #[test]
    fn words_that_lines_cannot_tell_apart_are_refused() -> Result<(), CorpusError> {
        let broken = Vocabulary::from_words(["a", "b\nc", "d"])?;
        assert_eq!(broken.to_lines(), Err(CorpusError::LineBreak { id: 1 }));
        let twice = |words: &[&'static str]| Vocabulary::from_words(words.iter().copied()).err();
        assert_eq!(twice(&["a", "b", "b", "a"]), Some(CorpusError::DuplicateWord { id: 2 }));
        assert_eq!(twice(&["", ""]), Some(CorpusError::DuplicateWord { id: 1 }));
        Ok(())
    }

    #[test]
    fn unknown_words_are_counted() -> Result<(), CorpusError> {
        let mut vocabulary = Vocabulary::new();
        vocabulary.add("a")?;
        assert_eq!(vocabulary.encode("a x a y"), Err(CorpusError::UnknownWords { count: 2, first: 1 }));
        vocabulary.add(UNK)?;
        assert_eq!(vocabulary.encode("a x a y")?, Encoded { ids: vec![0, 1, 0, 1], unknown: 2 });
        assert_eq!(Vocabulary::new().encode("")?.ids, [0; 0]);
        Ok(())
    }
}
