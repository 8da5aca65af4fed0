//! Which tokens a step reads: the batch order of the book.

#[cfg(feature = "alloc")]
use crate::heap::filled;
use crate::{config::Config, error::CorpusError, heap::Ids};

/// Windows of inputs and targets over a corpus, read as N rows side by side.
///
/// With data_size = tokens - 1 pairs, row i starts at i * (data_size / N), and every step reads the next T positions of
/// each row, modulo data_size. The position runs on: it does not restart with an epoch. One window stands in memory of
/// type `I`.
///
/// ```
/// use rnnlm::{Batches, Config};
/// let corpus: Vec<u32> = (0..13).collect();
/// let config =
///     Config { vocab_size: 13, wordvec_size: 4, hidden_size: 4, batch_size: 2, time_size: 3 };
/// let mut batches = Batches::new(&corpus, config)?;
/// assert_eq!(batches.steps_per_epoch(), 2);
/// let (xs, ts) = batches.next_window().unwrap();
/// assert_eq!(xs, [0, 1, 2, 6, 7, 8]);
/// assert_eq!(ts, [1, 2, 3, 7, 8, 9]);
/// let (xs, _) = batches.next_window().unwrap();
/// assert_eq!(xs, [3, 4, 5, 9, 10, 11]);
/// assert_eq!(batches.next_window(), None); // the end of an epoch; the next one goes on from here
/// assert_eq!(batches.position(), 6);
/// # Ok::<(), rnnlm::CorpusError>(())
/// ```
#[doc(alias = "get_batch")]
#[derive(Clone, Debug)]
pub struct Batches<'c, I = Ids> {
    corpus: &'c [u32],
    data_size: usize,
    batch_size: usize,
    time_size: usize,
    position: usize,
    /// The windows of the epoch under way that were given out.
    steps: usize,
    /// N * T inputs, then as many targets.
    window: I,
}

#[cfg(feature = "alloc")]
impl<'c> Batches<'c> {
    /// Windows over `corpus` for a model of this configuration: its N rows and T steps, which so can't be taken for one
    /// another. One window stands on the heap.
    ///
    /// # Errors
    /// What [`Self::with_buffers`] refuses, and [`CorpusError::OutOfMemory`].
    pub fn new(corpus: &'c [u32], config: Config) -> Result<Self, CorpusError> {
        let needed = window_len(corpus, config)?;
        let window = filled(needed, 0).map_err(|_| CorpusError::OutOfMemory)?;
        Self::with_buffers(corpus, config, window)
    }
}

/// Twice N * T, where the corpus has a window.
fn window_len(corpus: &[u32], Config { batch_size, time_size, .. }: Config) -> Result<usize, CorpusError> {
    let window = batch_size.checked_mul(time_size).filter(|&window| window > 0).ok_or(CorpusError::BadSizes)?;
    let needed = window.checked_add(1).ok_or(CorpusError::BadSizes)?;
    if corpus.len() < needed {
        return Err(CorpusError::TooShort { needed, given: corpus.len() });
    }
    window.checked_mul(2).ok_or(CorpusError::BadSizes)
}

impl<'c, I: AsRef<[u32]> + AsMut<[u32]>> Batches<'c, I> {
    /// [`Batches::new`] with memory of the caller for a window, of [`Memory::ids`](crate::Memory::ids) elements.
    ///
    /// ```
    /// use rnnlm::{Batches, Config};
    /// let config =
    ///     Config { vocab_size: 4, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut batches = Batches::with_buffers(&[3, 1, 2], config, [0; 4])?;
    /// assert_eq!(batches.next_window(), Some((&[3, 1][..], &[1, 2][..])));
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    ///
    /// # Errors
    /// [`CorpusError::BadSizes`] for sizes of zero or that overflow, [`CorpusError::TooShort`] where an epoch would
    /// not hold one step: fewer than N * T + 1 tokens; [`CorpusError::WindowLength`] for memory of another length.
    pub fn with_buffers(corpus: &'c [u32], config: Config, window: I) -> Result<Self, CorpusError> {
        let (needed, given) = (window_len(corpus, config)?, window.as_ref().len());
        if needed != given {
            return Err(CorpusError::WindowLength { needed, given });
        }
        let Config { batch_size, time_size, .. } = config;
        Ok(Self { corpus, data_size: corpus.len() - 1, batch_size, time_size, position: 0, steps: 0, window })
    }

    /// The next inputs and targets, both (N,T) batch-major; `None` at the end of an epoch, from where the next call
    /// begins the next epoch. Moves every row on by T. Copies 2 N T ids.
    pub fn next_window(&mut self) -> Option<(&[u32], &[u32])> {
        if self.steps == self.steps_per_epoch() {
            self.steps = 0;
            return None;
        }
        self.steps += 1;
        let position = self.position;
        self.advance();
        self.read(position).ok()
    }

    /// The steps of an epoch: data_size / (N * T), at least 1.
    #[must_use]
    pub fn steps_per_epoch(&self) -> usize {
        self.data_size / (self.batch_size * self.time_size)
    }

    /// How far each row has been read from its start, modulo data_size.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Continues from a [`Self::position`], with a new epoch.
    ///
    /// ```
    /// # use rnnlm::{Batches, Config};
    /// # let config = Config { vocab_size: 4, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut batches = Batches::new(&[3, 1, 2, 0], config)?;
    /// batches.seek(2);
    /// assert_eq!(batches.next_window(), Some((&[2, 3][..], &[0, 1][..])));
    /// # Ok::<(), rnnlm::CorpusError>(())
    /// ```
    pub fn seek(&mut self, position: usize) {
        (self.position, self.steps) = (position % self.data_size, 0);
    }

    /// Copies the window at a position, which stays.
    pub(super) fn read(&mut self, position: usize) -> Result<(&[u32], &[u32]), CorpusError> {
        let len = self.batch_size * self.time_size;
        let (needed, given) = (2 * len, self.window.as_ref().len());
        // checked when it was made; storage may have shrunk since
        let halves = self.window.as_mut().split_at_mut_checked(len);
        let (xs, ts) = halves.filter(|_| given == needed).ok_or(CorpusError::WindowLength { needed, given })?;
        let jump = self.data_size / self.batch_size;
        let rows = xs.chunks_mut(self.time_size).zip(ts.chunks_mut(self.time_size));
        for (row, (xs, ts)) in rows.enumerate() {
            let mut at = (row * jump + position) % self.data_size;
            for (x, t) in xs.iter_mut().zip(ts) {
                *x = self.corpus[at];
                *t = self.corpus[at + 1];
                at += 1;
                if at == self.data_size {
                    at = 0;
                }
            }
        }
        Ok((xs, ts))
    }

    /// Moves every row on by T.
    pub(super) fn advance(&mut self) {
        self.position = (self.position + self.time_size) % self.data_size;
    }
}

/// Over the same tokens, at the same place.
impl<I, J> PartialEq<Batches<'_, J>> for Batches<'_, I> {
    fn eq(&self, other: &Batches<'_, J>) -> bool {
        (self.corpus, self.batch_size, self.time_size, self.position, self.steps)
            == (other.corpus, other.batch_size, other.time_size, other.position, other.steps)
    }
}

#[cfg(test)]
mod tests;
