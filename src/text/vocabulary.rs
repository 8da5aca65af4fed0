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
mod tests {
    extern crate std;
    use std::{cell::Cell, format, vec};

    use super::*;
    use crate::rng::Xorshift;

    std::thread_local! {
        static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts the places that searches of this thread look at, which is what they cost beside reading the words.
    pub(super) fn count_a_look() {
        LOOKS.set(LOOKS.get() + 1);
    }

    /// Blocks of eight letters, two at a time that lead FNV-1a from one value to another: choices among them give words
    /// of one hash, all 32 bits of it.
    fn words_of_one_hash(count: usize) -> Vec<String> {
        let fnv = |from: u32, bytes: &[u8]| {
            bytes.iter().fold(from, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
        };
        let (mut value, mut words, mut rng) = (0x811c_9dc5, vec![String::new()], Xorshift::new(1));
        while words.len() < count {
            let mut known = std::collections::HashMap::new();
            let (to, pair) = loop {
                let block = [(); 8].map(|()| b'a' + rng.below(26) as u8);
                let to = fnv(value, &block);
                match known.insert(to, block) {
                    Some(other) if other != block => break (to, [block, other]),
                    _ => {}
                }
            };
            let add = |word: &String| pair.map(|block| format!("{word}{}", str::from_utf8(&block).unwrap()));
            (value, words) = (to, words.iter().flat_map(add).collect());
        }
        words.truncate(count);
        words
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn words_of_one_hash_are_found_as_fast_as_their_length_allows() -> Result<(), CorpusError> {
        let words = words_of_one_hash(20_000);
        assert!(words.iter().all(|word| hash(word) == hash(&words[0])));
        LOOKS.set(0);
        let mut vocabulary = Vocabulary::new();
        for (i, word) in (0..).zip(&words) {
            assert_eq!(vocabulary.add(word)?, i);
        }
        for (i, word) in (0..).zip(&words) {
            assert_eq!(vocabulary.id(word), Some(i));
        }
        // log2 of 20,000 is 14.3; added, entered anew as the table grows, and found
        let looks = LOOKS.get();
        assert!(looks < 20_000 * 15 * 6, "{looks} looks");
        Ok(())
    }

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
    fn equal_where_words_and_ids_are() -> Result<(), CorpusError> {
        let vocabulary = |words: &[&'static str]| Vocabulary::from_words(words.iter().copied());
        let mut longer = vocabulary(&["a", "b", "c"])?;
        assert_ne!(longer, vocabulary(&["a", "b"])?);
        for i in 0..40 {
            longer.add(&format!("{i}"))?;
        }
        longer.truncate(2);
        // whatever the size of its table
        assert_eq!(longer, vocabulary(&["a", "b"])?);
        assert_ne!(vocabulary(&["ab", "c"])?, vocabulary(&["a", "bc"])?);
        assert_ne!(vocabulary(&["a", "b"])?, vocabulary(&["b", "a"])?);
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
            // or table and branches would fill up with words that are gone
            let words = |place: &Place| usize::from(place.first > 0) + usize::from(place.others > 0);
            assert_eq!(vocabulary.table.iter().map(words).sum::<usize>() + vocabulary.branches.len(), round);
        }
        Ok(())
    }

    #[test]
    fn words_of_one_place_have_a_tree_that_finds_each_in_time_of_its_length() {
        let mut words: Vec<String> =
            ["", "\0", "\0\0", "\u{10ffff}", "世界", "世", "\u{7f}", "~"].map(String::from).into();
        words.extend((1..200).map(|len| "a".repeat(len)));
        words.extend((0..200).map(|i| format!("{}{i}", "b".repeat(200 - i))));
        words.extend((0..200).map(|i| format!("{i:b}")));
        for reverse in [false, true] {
            if reverse {
                words.reverse();
            }
            // a table of one place
            let mut vocabulary = Vocabulary { table: vec![Place::default()], ..Vocabulary::new() };
            for (id, word) in (0..).zip(&words) {
                assert_eq!(vocabulary.id(word), None, "{word:?}");
                vocabulary.text.push_str(word);
                vocabulary.ends.push(vocabulary.text.len() as u32);
                vocabulary.enter(id);
            }
            for (id, word) in (0..).zip(&words) {
                LOOKS.set(0);
                assert_eq!(vocabulary.id(word), Some(id), "{word:?}");
                assert!(LOOKS.get() <= 8 * (word.len() + 1), "{word:?}: {} looks", LOOKS.get());
                for other in [format!("{word}a"), format!("{word}\0"), format!("c{word}")] {
                    assert_eq!(vocabulary.id(&other).is_some(), words.contains(&other), "{other:?}");
                }
            }
            assert_eq!(vocabulary.branches.len(), words.len() - 2);
            vocabulary.truncate(100);
            for (id, word) in (0..).zip(&words) {
                assert_eq!(vocabulary.id(word), (id < 100).then_some(id), "{word:?}");
            }
            assert_eq!(vocabulary.branches.len(), 98);
        }
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
