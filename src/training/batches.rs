//! Which tokens a step reads: the batch order of the book.

use crate::{config::Config, error::CorpusError};

/// Windows of inputs and targets over a corpus, read as N rows side by side.
///
/// With data_size = tokens - 1 pairs, row i starts at i * (data_size / N), and every step reads the next T positions of each
/// row, modulo data_size. The position runs on: it does not restart with an epoch.
///
/// ```
/// use rnnlm::{Batches, Config};
/// let corpus: Vec<u32> = (0..13).collect();
/// let config = Config { vocab_size: 13, wordvec_size: 4, hidden_size: 4, batch_size: 2, time_size: 3 };
/// let mut batches = Batches::new(&corpus, &config)?;
/// assert_eq!(batches.steps_per_epoch(), 2);
/// let (mut xs, mut ts) = ([0; 6], [0; 6]);
/// batches.read(&mut xs, &mut ts)?;
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
    /// Windows over `corpus` for a model of this configuration: its N rows and T steps, which so can't be taken for one
    /// another.
    ///
    /// # Errors
    /// [`CorpusError::BadSizes`] for sizes of zero or that overflow, [`CorpusError::TooShort`] where an epoch would
    /// not hold one step: fewer than N * T + 1 tokens.
    pub fn new(corpus: &'c [u32], config: &Config) -> Result<Self, CorpusError> {
        let &Config { batch_size, time_size, .. } = config;
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
    ///
    /// # Errors
    /// [`CorpusError::WindowLength`] for a slice of another length than N * T; nothing is written then.
    pub fn read(&self, xs: &mut [u32], ts: &mut [u32]) -> Result<(), CorpusError> {
        let needed = self.batch_size * self.time_size;
        for given in [xs.len(), ts.len()] {
            if given != needed {
                return Err(CorpusError::WindowLength { needed, given });
            }
        }
        let jump = self.data_size / self.batch_size;
        let rows = xs.chunks_mut(self.time_size).zip(ts.chunks_mut(self.time_size));
        for (row, (xs, ts)) in rows.enumerate() {
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
        Ok(())
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

    fn config(batch_size: usize, time_size: usize) -> Config {
        Config { vocab_size: 11, wordvec_size: 1, hidden_size: 1, batch_size, time_size }
    }

    #[test]
    fn a_window_of_another_length_is_refused() -> Result<(), CorpusError> {
        let batches = Batches::new(&[5; 13], &config(2, 3))?;
        for (xs, ts, given) in [(5, 6, 5), (6, 5, 5), (7, 6, 7), (6, 7, 7), (0, 6, 0), (12, 12, 12)] {
            let [mut xs, mut ts] = [xs, ts].map(|len| std::vec![9; len]);
            assert_eq!(batches.read(&mut xs, &mut ts), Err(CorpusError::WindowLength { needed: 6, given }));
            assert!(xs.iter().chain(&ts).all(|&id| id == 9), "a refused window was written");
        }
        batches.read(&mut [9; 6], &mut [9; 6])
    }

    #[test]
    fn rows_jump_and_wrap() -> Result<(), CorpusError> {
        let corpus: Vec<u32> = (0..11).collect();
        let mut batches = Batches::new(&corpus, &config(3, 2))?;
        // data_size 10, jump 3: rows start at 0, 3, 6
        let (mut xs, mut ts) = ([0; 6], [0; 6]);
        for _ in 0..2 {
            batches.advance();
        }
        batches.read(&mut xs, &mut ts)?;
        assert_eq!((xs, ts), ([4, 5, 7, 8, 0, 1], [5, 6, 8, 9, 1, 2]));
        for _ in 0..3 {
            batches.advance();
        }
        assert_eq!(batches.position(), 0);
        batches.seek(29);
        batches.read(&mut xs, &mut ts)?;
        assert_eq!(xs, [9, 0, 2, 3, 5, 6]);
        Ok(())
    }

    #[test]
    fn too_short_or_zero_is_an_error() {
        let corpus = [0; 6];
        assert_eq!(Batches::new(&corpus, &config(2, 3)).err(), Some(CorpusError::TooShort { needed: 7, given: 6 }));
        assert!(Batches::new(&[0; 7], &config(2, 3)).is_ok());
        for (n, t) in [(0, 3), (3, 0), (usize::MAX, 2), (usize::MAX, 1)] {
            assert_eq!(Batches::new(&corpus, &config(n, t)).err(), Some(CorpusError::BadSizes));
        }
    }
}
