//! Words by id and ids by word, over the lines of a file and memory of the caller: no heap.

use core::cmp::Ordering;

use super::{Checkpoint, words};
use crate::{
    error::{CheckpointError, ConfigError},
    model::step::Cell,
};

/// The words of a vocabulary, found at once in both directions: for a device that speaks and is spoken to in words.
///
/// Borrows the words where they stand, in flash for instance. Of `memory` it needs [`Self::memory`] numbers; or V of
/// them, and then [`Self::id`] compares with every word.
///
/// ```
/// use rnnlm::{CheckpointError, WordIndex};
/// const MEMORY: usize = WordIndex::memory(3);
/// let mut memory = [0; MEMORY];
/// let index = WordIndex::new("<unk>\ndoor opens\ndoor shuts\n", &mut memory)?;
/// assert_eq!(index.word(2), Some("door shuts"));
/// assert_eq!(index.id("door opens"), Some(1));
/// assert_eq!((index.word(3), index.id("door")), (None, None));
/// # Ok::<(), CheckpointError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WordIndex<'w, 'm> {
    words: &'w str,
    /// Where each word starts.
    starts: &'m [u32],
    /// All ids in the order of their words, or none.
    sorted: &'m [u32],
}

impl<'w, 'm> WordIndex<'w, 'm> {
    /// The memory for so many words, in u32: one for where a word starts, one for its place in the alphabet.
    #[must_use]
    pub const fn memory(vocab_size: usize) -> usize {
        vocab_size.saturating_mul(2)
    }

    /// An index of words that each are ended by a newline. Reads them once, then sorts: O(V log V) comparisons of
    /// words. With memory for the starts alone it isn't sorted.
    ///
    /// # Errors
    /// [`CheckpointError::Words`] where the last line has no end; [`CheckpointError::DuplicateWord`] where it sorts;
    /// [`ConfigError::BufferLength`] for less memory than V, [`ConfigError::TooLarge`] for words beyond 4 GB.
    pub fn new(words: &'w str, memory: &'m mut [u32]) -> Result<Self, CheckpointError> {
        if u32::try_from(words.len()).is_err() {
            return Err(ConfigError::TooLarge.into());
        }
        if !(words.is_empty() || words.ends_with('\n')) {
            return Err(CheckpointError::Words);
        }
        let ends = || words.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let (count, given) = (ends().count(), memory.len());
        let too_short = ConfigError::BufferLength { needed: Self::memory(count), given };
        let (starts, rest) = memory.split_at_mut_checked(count).ok_or(too_short)?;
        let next = ends().map(|(at, _)| at as u32 + 1);
        starts.iter_mut().zip([0].into_iter().chain(next)).for_each(|(start, at)| *start = at);
        let sorted = rest.get_mut(..count).unwrap_or_default();
        let mut index = Self { words, starts, sorted: &[] };
        sorted.iter_mut().zip(0..).for_each(|(place, id)| *place = id);
        // of equal words the first comes first
        let compare = |a: &u32, b: &u32| index.word(*a).cmp(&index.word(*b)).then(a.cmp(b));
        words::sort(sorted, &compare);
        let second = sorted.windows(2).filter_map(|pair| match *pair {
            [a, b] if index.word(a) == index.word(b) => Some(b),
            _ => None,
        });
        if let Some(id) = second.min() {
            return Err(CheckpointError::DuplicateWord { id });
        }
        index.sorted = sorted;
        Ok(index)
    }

    /// V.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are no words at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The word of this id, at once.
    #[must_use]
    pub fn word(&self, id: u32) -> Option<&'w str> {
        let id = usize::try_from(id).ok()?;
        let start = *self.starts.get(id)? as usize;
        let next = self.starts.get(id + 1).map_or(self.words.len(), |&next| next as usize);
        self.words.get(start..next.checked_sub(1)?)
    }

    /// The id of this word, by O(log V) comparisons; V of them where there was no memory to sort.
    #[must_use]
    pub fn id(&self, word: &str) -> Option<u32> {
        if self.sorted.is_empty() {
            return (0..self.len() as u32).find(|&id| self.word(id) == Some(word));
        }
        let place =
            self.sorted.binary_search_by(|&id| self.word(id).map_or(Ordering::Greater, |other| other.cmp(word)));
        place.ok().and_then(|place| self.sorted.get(place).copied())
    }
}

impl<'a, C: Cell> Checkpoint<'a, C> {
    /// The words with an index of them in this memory: [`WordIndex::new`].
    ///
    /// ```
    /// use rnnlm::{Checkpoint, Config, SimpleRnnlm, TrainingState, WordIndex, Xorshift};
    /// const V: usize = 2;
    /// let config =
    ///     Config { vocab_size: V, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut file = vec![0; Checkpoint::encoded_len(config, 7)?];
    /// Checkpoint::write(&model, &TrainingState::default(), "yes\nno\n", &mut file)?;
    /// let mut memory = [0; WordIndex::memory(V)];
    /// let index = Checkpoint::read(&file)?.index_words(&mut memory)?;
    /// assert_eq!((index.word(1), index.id("yes")), (Some("no"), Some(0)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`WordIndex::new`].
    pub fn index_words<'m>(&self, memory: &'m mut [u32]) -> Result<WordIndex<'a, 'm>, CheckpointError> {
        WordIndex::new(self.words, memory)
    }
}
