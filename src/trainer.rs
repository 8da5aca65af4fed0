//! Training over epochs: batches in, perplexities out.

use core::ops::ControlFlow;

use crate::{
    batches::Batches,
    error::TrainError,
    kernels::{Sum, perplexity},
    model::{SimpleRnnlm, check_ids},
    optimizer::Sgd,
    parameters::Storage,
};

/// Trains a model for epochs over a corpus, with the batch order of the book: see [`Batches`].
///
/// An epoch is `data_size / (N * T)` steps. The read position and the hidden state run on over epochs and calls.
///
/// ```
/// use core::ops::ControlFlow;
/// use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
/// let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
/// let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
/// trainer.fit(&corpus, 20, |progress| {
///     println!("epoch {} perplexity {}", progress.epoch, progress.perplexity());
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(trainer.perplexities().len(), 20);
/// assert!(trainer.perplexities()[19] < 1.2);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RnnlmTrainer<B, I> {
    model: SimpleRnnlm<B>,
    optimizer: Sgd,
    ids: I,
    epoch: usize,
    position: usize,
    eval_interval: usize,
    #[cfg(feature = "alloc")]
    perplexities: alloc::vec::Vec<f32>,
}

/// Where training stands: what the callback of [`RnnlmTrainer::fit`] sees.
#[derive(Debug)]
pub struct Progress<'t, B> {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// The steps of this epoch that are done.
    pub iteration: usize,
    /// The steps of an epoch.
    pub iterations: usize,
    /// The model as it is now, to evaluate for instance.
    pub model: &'t mut SimpleRnnlm<B>,
    /// The optimizer; a rate set here holds from the next step on.
    pub optimizer: &'t mut Sgd,
    epoch_losses: (Sum, usize),
    recent_losses: (Sum, usize),
}

impl<B> Progress<'_, B> {
    /// Whether the epoch is complete.
    #[must_use]
    pub fn is_epoch_end(&self) -> bool {
        self.iteration == self.iterations
    }

    /// exp of the mean loss of this epoch's steps so far, each taken before its update.
    #[must_use]
    pub fn perplexity(&self) -> f32 {
        perplexity(self.epoch_losses.0.mean(self.epoch_losses.1))
    }

    /// exp of the mean loss of the steps since the callback was last called.
    #[must_use]
    pub fn recent_perplexity(&self) -> f32 {
        perplexity(self.recent_losses.0.mean(self.recent_losses.1))
    }
}

#[cfg(feature = "alloc")]
impl<B: Storage> RnnlmTrainer<B, alloc::vec::Vec<u32>> {
    /// A trainer with its window of token ids on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`](crate::ConfigError::OutOfMemory) where the allocator refuses it.
    pub fn new(model: SimpleRnnlm<B>, optimizer: Sgd) -> Result<Self, crate::ConfigError> {
        let ids = crate::heap::filled(model.config().memory()?.ids, 0)?;
        Self::with_buffer(model, optimizer, ids)
    }
}

impl<B: Storage, I: AsRef<[u32]> + AsMut<[u32]>> RnnlmTrainer<B, I> {
    /// The perplexity of every complete epoch so far.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn perplexities(&self) -> &[f32] {
        &self.perplexities
    }

    /// A trainer whose window of token ids is the caller's memory, of [`Memory::ids`](crate::Memory::ids) elements.
    ///
    /// ```
    /// use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut ids = [0; 2 * 2 * 5];
    /// let trainer = RnnlmTrainer::with_buffer(model, Sgd::new(0.5)?, &mut ids[..])?;
    /// assert_eq!(trainer.epoch(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`](crate::ConfigError::BufferLength) for another length.
    pub fn with_buffer(model: SimpleRnnlm<B>, optimizer: Sgd, ids: I) -> Result<Self, crate::ConfigError> {
        let (needed, given) = (model.config().memory()?.ids, ids.as_ref().len());
        if needed != given {
            return Err(crate::ConfigError::BufferLength { needed, given });
        }
        Ok(Self {
            model,
            optimizer,
            ids,
            epoch: 0,
            position: 0,
            eval_interval: usize::MAX,
            #[cfg(feature = "alloc")]
            perplexities: alloc::vec::Vec::new(),
        })
    }

    /// Calls back after every `steps` steps of an epoch too, not only at its end. 0 is taken as 1.
    #[must_use]
    pub fn with_eval_interval(mut self, steps: usize) -> Self {
        self.eval_interval = steps.max(1);
        self
    }

    /// The epochs completed so far.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The read position in the corpus, in tokens.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The model.
    pub fn model(&self) -> &SimpleRnnlm<B> {
        &self.model
    }

    /// The model, to be changed or evaluated.
    pub fn model_mut(&mut self) -> &mut SimpleRnnlm<B> {
        &mut self.model
    }

    /// Gives the model back.
    pub fn into_model(self) -> SimpleRnnlm<B> {
        self.model
    }

    /// Trains until `max_epoch` epochs are complete in all, those of earlier calls counted, or until the callback breaks. The
    /// callback is called at the end of each epoch, and as [`Self::with_eval_interval`] says. An epoch that
    /// was broken off starts anew at the next call, from the position reached.
    ///
    /// Allocates nothing but, at its start, room for the perplexities of the epochs to come (beyond 65,536 of them,
    /// again as the list grows).
    ///
    /// # Errors
    /// A corpus too short for one step or with ids not below V, and whatever a step refuses: weights, hidden state and
    /// position are then those before that step.
    pub fn fit(
        &mut self,
        corpus: &[u32],
        max_epoch: usize,
        mut callback: impl FnMut(Progress<'_, B>) -> ControlFlow<()>,
    ) -> Result<(), TrainError> {
        let config = *self.model.config();
        check_ids(corpus, &[], config.vocab_size)?;
        let mut batches = Batches::new(corpus, config.batch_size, config.time_size)?;
        batches.seek(self.position);
        let iterations = batches.steps_per_epoch();
        #[cfg(feature = "alloc")]
        self.perplexities
            .try_reserve_exact(max_epoch.saturating_sub(self.perplexities.len()).min(1 << 16))
            .map_err(|_| TrainError::OutOfMemory)?;
        while self.epoch < max_epoch {
            let mut epoch_losses = (Sum::default(), 0);
            let mut recent_losses = (Sum::default(), 0);
            for iteration in 1..=iterations {
                let ids = self.ids.as_mut();
                let (xs, ts) = ids.split_at_mut(ids.len() / 2);
                batches.read(xs, ts);
                let loss = self.model.forward(xs, ts)?.sgd(self.optimizer.learning_rate())?;
                batches.advance();
                self.position = batches.position();
                for (sum, count) in [&mut epoch_losses, &mut recent_losses] {
                    sum.add(loss);
                    *count += 1;
                }
                let is_epoch_end = iteration == iterations;
                if is_epoch_end {
                    self.epoch += 1;
                    #[cfg(feature = "alloc")]
                    self.perplexities.try_reserve(1).map_err(|_| TrainError::OutOfMemory)?;
                    #[cfg(feature = "alloc")]
                    self.perplexities.push(perplexity(epoch_losses.0.mean(epoch_losses.1)));
                }
                if is_epoch_end || iteration % self.eval_interval == 0 {
                    let progress = Progress {
                        epoch: self.epoch + usize::from(!is_epoch_end),
                        iteration,
                        iterations,
                        model: &mut self.model,
                        optimizer: &mut self.optimizer,
                        epoch_losses,
                        recent_losses,
                    };
                    if callback(progress).is_break() {
                        return Ok(());
                    }
                    recent_losses = (Sum::default(), 0);
                }
            }
        }
        Ok(())
    }
}
