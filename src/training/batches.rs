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
/// let config = Config { vocab_size: 13, wordvec_size: 4, hidden_size: 4, batch_size: 2, time_size: 3 };
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
    /// let config = Config { vocab_size: 4, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
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
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    fn config(batch_size: usize, time_size: usize) -> Config {
        Config { vocab_size: 11, wordvec_size: 1, hidden_size: 1, batch_size, time_size }
    }

    #[test]
    fn memory_of_another_length_is_refused() {
        for given in [0, 6, 11, 13, 24] {
            let refused = Batches::with_buffers(&[5; 13], config(2, 3), std::vec![9; given]).err();
            assert_eq!(refused, Some(CorpusError::WindowLength { needed: 12, given }));
        }
        assert!(Batches::with_buffers(&[5; 13], config(2, 3), [9; 12]).is_ok());
    }

    #[test]
    fn rows_jump_and_wrap() -> Result<(), CorpusError> {
        let corpus: Vec<u32> = (0..11).collect();
        let mut batches = Batches::with_buffers(&corpus, config(3, 2), [0; 12])?;
        // data_size 10, jump 3: rows start at 0, 3, 6
        for _ in 0..2 {
            batches.advance();
        }
        assert_eq!(batches.read(4)?, (&[4, 5, 7, 8, 0, 1][..], &[5, 6, 8, 9, 1, 2][..]));
        for _ in 0..3 {
            batches.advance();
        }
        assert_eq!(batches.position(), 0);
        batches.seek(29);
        let (xs, _) = batches.next_window().unwrap();
        assert_eq!(xs, [9, 0, 2, 3, 5, 6]);
        // twelve tokens are eleven pairs, so the rows still start at 0, 3, 6
        let corpus: Vec<u32> = (0..12).collect();
        let mut batches = Batches::with_buffers(&corpus, config(3, 2), [0; 12])?;
        assert_eq!(batches.read(0)?.0, [0, 1, 3, 4, 6, 7]);
        Ok(())
    }

    #[test]
    fn an_epoch_ends_and_the_next_one_goes_on_from_there() -> Result<(), CorpusError> {
        let corpus: Vec<u32> = (0..11).collect();
        let mut batches = Batches::with_buffers(&corpus, config(1, 3), [0; 6])?;
        let mut firsts = Vec::new();
        for _ in 0..3 {
            while let Some((xs, ts)) = batches.next_window() {
                assert_eq!((xs.len(), ts.len()), (3, 3));
                firsts.push(xs[0]);
            }
            firsts.push(99);
        }
        // ten pairs: three steps an epoch, the position runs on
        assert_eq!(firsts, [0, 3, 6, 99, 9, 2, 5, 99, 8, 1, 4, 99]);
        assert_eq!(batches.position(), 7);
        batches.next_window();
        batches.seek(1);
        assert_eq!((0..).map_while(|_| batches.next_window().map(|_| ())).count(), 3, "a new epoch");
        Ok(())
    }

    #[test]
    fn equal_at_the_same_place_of_the_same_tokens() -> Result<(), CorpusError> {
        let corpus: Vec<u32> = (0..11).collect();
        let (mut a, mut b) = (
            Batches::with_buffers(&corpus, config(1, 3), [0; 6])?,
            Batches::with_buffers(&corpus, config(1, 3), std::vec![7; 6])?,
        );
        assert!(a == b);
        a.next_window();
        assert!(a != b);
        b.next_window();
        assert!(a == b && b != Batches::with_buffers(&corpus, config(3, 1), [0; 6])?);
        Ok(())
    }

    #[test]
    fn too_short_or_zero_is_an_error() {
        let corpus = [0; 6];
        assert_eq!(
            Batches::with_buffers(&corpus, config(2, 3), [0; 12]).err(),
            Some(CorpusError::TooShort { needed: 7, given: 6 })
        );
        assert!(Batches::with_buffers(&[0; 7], config(2, 3), [0; 12]).is_ok());
        for (n, t) in [(0, 3), (3, 0), (usize::MAX, 2), (usize::MAX, 1)] {
            assert_eq!(Batches::with_buffers(&corpus, config(n, t), [0; 0]).err(), Some(CorpusError::BadSizes));
        }
    }
}
