//! Which tokens a step reads: the batch order of the book.

use crate::error::CorpusError;

/// Windows of inputs and targets over a corpus, read as N rows side by side.
///
/// With data_size = tokens - 1 pairs, row i starts at i * (data_size / N), and every step reads the next T positions of each
/// row, modulo data_size. The position runs on: it does not restart with an epoch.
///
/// ```
/// use rnnlm::Batches;
/// let corpus: Vec<u32> = (0..13).collect();
/// let mut batches = Batches::new(&corpus, 2, 3)?;
/// assert_eq!(batches.steps_per_epoch(), 2);
/// let (mut xs, mut ts) = ([0; 6], [0; 6]);
/// batches.read(&mut xs, &mut ts);
/// assert_eq!(xs, [0, 1, 2, 6, 7, 8]);
/// assert_eq!(ts, [1, 2, 3, 7, 8, 9]);
/// batches.advance();
/// assert_eq!(batches.position(), 3);
/// # Ok::<(), rnnlm::CorpusError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'c> {
    corpus: &'c [u32],
    data_size: usize,
    batch_size: usize,
    time_size: usize,
    position: usize,
}

impl<'c> Batches<'c> {
    /// Windows of N = `batch_size` rows and T = `time_size` steps over `corpus`.
    ///
    /// # Errors
    /// [`CorpusError::BadSizes`] for sizes of zero or that overflow, [`CorpusError::TooShort`] where an epoch would
    /// not hold one step: fewer than N * T + 1 tokens.
    pub fn new(corpus: &'c [u32], batch_size: usize, time_size: usize) -> Result<Self, CorpusError> {
        let window = batch_size.checked_mul(time_size).filter(|&window| window > 0).ok_or(CorpusError::BadSizes)?;
        let needed = window.checked_add(1).ok_or(CorpusError::BadSizes)?;
        if corpus.len() < needed {
            return Err(CorpusError::TooShort { needed, given: corpus.len() });
        }
        Ok(Self { corpus, data_size: corpus.len() - 1, batch_size, time_size, position: 0 })
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

    /// Continues from a [`Self::position`].
    pub fn seek(&mut self, position: usize) {
        self.position = position % self.data_size;
    }

    /// Copies the window at the position into `xs` and `ts`, both (N,T) batch-major.
    pub fn read(&self, xs: &mut [u32], ts: &mut [u32]) {
        let jump = self.data_size / self.batch_size;
        let rows = xs.chunks_mut(self.time_size).zip(ts.chunks_mut(self.time_size));
        for (row, (xs, ts)) in rows.enumerate().take(self.batch_size) {
            let mut at = (row * jump + self.position) % self.data_size;
            for (x, t) in xs.iter_mut().zip(ts) {
                *x = self.corpus[at];
                *t = self.corpus[at + 1];
                at += 1;
                if at == self.data_size {
                    at = 0;
                }
            }
        }
    }

    /// Moves every row on by T.
    pub fn advance(&mut self) {
        self.position = (self.position + self.time_size) % self.data_size;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn rows_jump_and_wrap() -> Result<(), CorpusError> {
        let corpus: Vec<u32> = (0..11).collect();
        let mut batches = Batches::new(&corpus, 3, 2)?;
        // data_size 10, jump 3: rows start at 0, 3, 6
        let (mut xs, mut ts) = ([0; 6], [0; 6]);
        for _ in 0..2 {
            batches.advance();
        }
        batches.read(&mut xs, &mut ts);
        assert_eq!((xs, ts), ([4, 5, 7, 8, 0, 1], [5, 6, 8, 9, 1, 2]));
        for _ in 0..3 {
            batches.advance();
        }
        assert_eq!(batches.position(), 0);
        batches.seek(29);
        batches.read(&mut xs, &mut ts);
        assert_eq!(xs, [9, 0, 2, 3, 5, 6]);
        Ok(())
    }

    #[test]
    fn too_short_or_zero_is_an_error() {
        let corpus = [0; 6];
        assert_eq!(Batches::new(&corpus, 2, 3).err(), Some(CorpusError::TooShort { needed: 7, given: 6 }));
        assert!(Batches::new(&[0; 7], 2, 3).is_ok());
        for (n, t) in [(0, 3), (3, 0), (usize::MAX, 2), (usize::MAX, 1)] {
            assert_eq!(Batches::new(&corpus, n, t).err(), Some(CorpusError::BadSizes));
        }
    }
}
