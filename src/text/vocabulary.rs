//! Words and their ids.

use alloc::{string::String, vec::Vec};

use crate::error::CorpusError;

/// The token that a newline becomes.
pub(super) const EOS: &str = "<eos>";
/// The token that stands for words that a vocabulary lacks.
pub(super) const UNK: &str = "<unk>";

/// The tokens of a text by the Penn Treebank convention: words between white space (of any script), and `<eos>`
/// for each newline.
///
/// ```
/// let tokens: Vec<&str> = rnnlm::tokens("you say\nhallo ,　世界\n").collect();
/// assert_eq!(tokens, ["you", "say", "<eos>", "hallo", ",", "世界", "<eos>"]);
/// ```
#[doc(alias = "load_data")]
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let eos = line.ends_with('\n').then_some(EOS);
        line.split_whitespace().chain(eos)
    })
}

/// Different words, numbered by first appearance.
///
/// All words stand in one string, and a hash table finds them: about the words' own length plus 16 bytes each. Whatever
/// words come, chosen to share a place of the table too, finding or adding one takes time in proportion to its length.
///
/// ```
/// use rnnlm::Vocabulary;
/// let mut vocabulary = Vocabulary::new();
/// assert_eq!((vocabulary.add("you")?, vocabulary.add("say")?), (0, 1));
/// assert_eq!(vocabulary.add("you")?, 0);
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
    /// The words whose hashes have the same low bits. A power of two in length, which is at least the number of words.
    table: Vec<Place>,
    branches: Vec<Branch>,
}

/// Words that share a place of the table: the first of them, and a binary tree of the others, a critical-bit tree.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Id + 1, or 0 for none.
    first: u32,
    others: Link,
}

/// What hangs at a place of a tree: 0 is nothing, id + 1 a word, the complement of an index a branch. Different words
/// of less than 2^32 bytes in all are fewer than 2^31, so the highest bit tells.
type Link = u32;

/// Words that are equal up to one bit and differ in it. The branches below look at later bits, so on its way a word
/// passes at most eight for each of its bytes and eight for its end.
#[derive(Clone, Debug)]
struct Branch {
    /// The byte with the bit.
    at: u32,
    /// That bit alone.
    mask: u8,
    /// The words without the bit, and those with it.
    sides: [Link; 2],
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
#[non_exhaustive]
pub struct Encoded {
    /// The id of each token; of [`Vocabulary::encode_known`]: of each that has one.
    pub ids: Vec<u32>,
    /// How many tokens the vocabulary lacks. `<unk>` stands for each, or nothing does, where there is no `<unk>`.
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
    /// [`CorpusError::LineBreak`] for a word that holds a newline (none from [`tokens`] does),
    /// [`CorpusError::OutOfMemory`].
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

    /// The words in the order of their ids.
    ///
    /// ```
    /// let vocabulary = rnnlm::Vocabulary::from_words(["you", "say"])?;
    /// assert!(vocabulary.words().eq(["you", "say"]));
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    pub fn words(&self) -> impl Iterator<Item = &str> {
        (0..).map_while(|id| self.word(id))
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
        let place = self.table.get(self.place(word))?;
        let first = place.first.checked_sub(1)?;
        if self.word(first) == Some(word) {
            return Some(first);
        }
        self.nearest(place.others, word).filter(|&id| self.word(id) == Some(word))
    }

    /// The id of a word, which is added if it is new.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`] beyond 2^32 - 1 bytes of words, [`CorpusError::OutOfMemory`]; the vocabulary is then
    /// as it was.
    pub fn add(&mut self, word: &str) -> Result<u32, CorpusError> {
        if let Some(id) = self.id(word) {
            return Ok(id);
        }
        let id = u32::try_from(self.ends.len()).map_err(|_| CorpusError::TooLarge)?;
        let end = u32::try_from(self.text.len() + word.len()).map_err(|_| CorpusError::TooLarge)?;
        let refused = |_| CorpusError::OutOfMemory;
        self.text.try_reserve(word.len()).map_err(refused)?;
        self.ends.try_reserve(1).map_err(refused)?;
        self.branches.try_reserve(1).map_err(refused)?;
        if self.ends.len() >= self.table.len() {
            self.grow()?;
        }
        self.text.push_str(word);
        self.ends.push(end);
        self.enter(id);
        Ok(id)
    }

    /// The ids of a text's tokens. Words that are not in the vocabulary become its `<unk>` and are counted.
    ///
    /// # Errors
    /// [`CorpusError::UnknownWords`] where it has no `<unk>`: [`Self::encode_known`] leaves them out.
    pub fn encode(&self, text: &str) -> Result<Encoded, CorpusError> {
        let encoded = self.encode_known(text)?;
        if encoded.unknown > 0 && self.id(UNK).is_none() {
            let first = tokens(text).take_while(|token| self.id(token).is_some()).count();
            return Err(CorpusError::UnknownWords { count: encoded.unknown, first });
        }
        Ok(encoded)
    }

    /// As [`Self::encode`], but where there is no `<unk>`, the words that are not in the vocabulary are left out, and
    /// counted. So a text can be scored in any vocabulary: such a word is neither predicted nor read, and the word
    /// behind it is predicted from those before it. How well the known words of two models are foreseen compares only
    /// beside their counts of unknown ones.
    ///
    /// ```
    /// let corpus = rnnlm::Corpus::from_text("the pump starts now\n")?;
    /// let encoded = corpus.vocabulary().encode_known("the old pump stops\n")?;
    /// assert_eq!((encoded.ids, encoded.unknown), (vec![0, 1, 4], 2)); // the pump <eos>
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    ///
    /// # Errors
    /// [`CorpusError::OutOfMemory`].
    pub fn encode_known(&self, text: &str) -> Result<Encoded, CorpusError> {
        let unk = self.id(UNK);
        let mut encoded = Encoded { ids: Vec::new(), unknown: 0 };
        for token in tokens(text) {
            let known = self.id(token);
            encoded.unknown += usize::from(known.is_none());
            if let Some(id) = known.or(unk) {
                encoded.ids.try_reserve(1).map_err(|_| CorpusError::OutOfMemory)?;
                encoded.ids.push(id);
            }
        }
        Ok(encoded)
    }

    /// The words of ids, a space between them and a newline for `<eos>`: words that came from [`tokens`] are split into
    /// the same again.
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

    /// The word of a tree to which the branches lead: this one, if it hangs there at all.
    fn nearest(&self, mut link: Link, word: &str) -> Option<u32> {
        while let Some(branch) = branch_of(link).and_then(|index| self.branches.get(index)) {
            #[cfg(test)]
            tests::count_a_look();
            link = branch.next(word);
        }
        link.checked_sub(1)
    }

    /// The place of the table that the word belongs to.
    fn place(&self, word: &str) -> usize {
        hash(word) as usize & self.table.len().wrapping_sub(1)
    }

    /// Doubles the table. That parts words and brings none together, so there will not be more branches than before.
    fn grow(&mut self) -> Result<(), CorpusError> {
        let len = (2 * self.table.len()).max(16);
        self.table.try_reserve_exact(len - self.table.len()).map_err(|_| CorpusError::OutOfMemory)?;
        self.table.resize(len, Place::default());
        self.fill_table();
        Ok(())
    }

    /// Enters every word into the table anew.
    fn fill_table(&mut self) {
        self.table.fill(Place::default());
        self.branches.clear();
        (0..self.ends.len() as u32).for_each(|id| self.enter(id));
    }

    /// Enters a word that the table lacks.
    fn enter(&mut self, id: u32) {
        let Some(word) = self.word(id) else { return };
        let place = self.place(word);
        let Some(Place { first, others }) = self.table.get(place).copied() else { return };
        let (mut parent, mut new) = (None, id + 1);
        if let Some(nearest) = self.nearest(others, word).and_then(|nearest| self.word(nearest)) {
            // no other word of the tree has more of the first bits in common with it
            let (at, mask) = first_difference(word, nearest);
            let mut link = others;
            while let Some(index) = branch_of(link)
                && let Some(branch) = self.branches.get(index)
                && (branch.at, !branch.mask) < (at, !mask)
            {
                parent = Some((index, branch.has_bit(word)));
                link = branch.next(word);
            }
            let mut branch = Branch { at, mask, sides: [link; 2] };
            *branch.side(branch.has_bit(word)) = new;
            new = !(self.branches.len() as u32);
            self.branches.push(branch);
        }
        let link = match parent {
            Some((index, has_bit)) => self.branches.get_mut(index).map(|branch| branch.side(has_bit)),
            None if first == 0 => self.table.get_mut(place).map(|place| &mut place.first),
            None => self.table.get_mut(place).map(|place| &mut place.others),
        };
        if let Some(link) = link {
            *link = new;
        }
    }
}

impl Branch {
    fn has_bit(&self, word: &str) -> bool {
        byte(word, self.at as usize) & self.mask != 0
    }

    /// Where the word hangs.
    fn next(&self, word: &str) -> Link {
        let [without, with] = self.sides;
        if self.has_bit(word) { with } else { without }
    }

    fn side(&mut self, has_bit: bool) -> &mut Link {
        let [without, with] = &mut self.sides;
        if has_bit { with } else { without }
    }
}

/// The index of a branch, where it is one that hangs there.
fn branch_of(link: Link) -> Option<usize> {
    (link >> 31 == 1).then_some(!link as usize)
}

/// A byte of the word plus 1, and 0 behind its end. No byte of UTF-8 is 255.
fn byte(word: &str, at: usize) -> u8 {
    word.as_bytes().get(at).map_or(0, |byte| byte.wrapping_add(1))
}

/// The first bit in which two different words differ: its byte, and that bit alone. The highest bit of a byte is its
/// first.
fn first_difference(a: &str, b: &str) -> (u32, u8) {
    let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let bits = byte(a, at) ^ byte(b, at);
    (at as u32, 0x80_u8.checked_shr(bits.leading_zeros()).unwrap_or(0))
}

/// The same words with the same ids.
impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.ends == other.ends && self.text == other.text
    }
}

impl Eq for Vocabulary {}

/// FNV-1a (Fowler, Noll, Vo) with the high bits folded in, as the table uses the low ones.
fn hash(word: &str) -> u32 {
    let hash = word.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests;
