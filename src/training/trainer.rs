//! Training over epochs: batches in, perplexities out.

use core::ops::ControlFlow;

use super::{batches::Batches, sgd::Sgd, state::TrainingState};
#[cfg(feature = "alloc")]
use crate::heap::filled;
use crate::{
    error::{ConfigError, ParameterError, StepError, TrainError},
    heap::{Floats, Ids},
    kernels::{Sum, perplexity},
    layers::time_rnn::TanhCell,
    model::{
        Model,
        gradients::{Gradients, check_max_norm},
        parameters::Storage,
        shared::Workspace,
        step::{Cell, check_ids, check_rate},
    },
};

/// Trains a model for epochs over a corpus, with the batch order of the book: see [`Batches`].
///
/// An epoch is `data_size / (N * T)` steps. The read position and the hidden state run on over epochs and calls. The
/// model's memory is of types `W` and `S`, the window of token ids of type `I`, stored gradients of type `G`: each may
/// be elsewhere.
///
/// ```
/// use core::ops::ControlFlow;
/// use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
/// let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
/// let config =
///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
/// trainer.fit(&corpus, 20, |progress| {
///     println!("epoch {} perplexity {}", progress.epoch, progress.perplexity());
///     ControlFlow::<()>::Continue(())
/// })?;
/// assert_eq!(trainer.perplexities().len(), 20);
/// assert!(trainer.perplexities()[19] < 1.2);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RnnlmTrainer<W = Floats, S = W, I = Ids, G = Floats, C: Cell = TanhCell> {
    model: Model<C, W, S>,
    optimizer: Sgd,
    clipping: Option<(f32, Gradients<G, C>)>,
    ids: I,
    epoch: usize,
    iteration: usize,
    losses: Sum,
    position: usize,
    eval_interval: usize,
    #[cfg(feature = "alloc")]
    perplexities: alloc::vec::Vec<f32>,
}

/// Where training stands: what the callback of [`RnnlmTrainer::fit`] sees.
#[derive(Debug)]
pub struct Progress<'t, W = Floats, S = W, C: Cell = TanhCell> {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// The steps of this epoch that are done.
    pub iteration: usize,
    /// The steps of an epoch.
    pub iterations: usize,
    /// The model as it is now, to evaluate for instance.
    pub model: &'t mut Model<C, W, S>,
    /// The optimizer; a rate set here holds from the next step on.
    pub optimizer: &'t mut Sgd,
    losses: Sum,
    recent_losses: (Sum, usize),
    max_norm: f32,
    position: usize,
}

impl<W, S, C: Cell> Progress<'_, W, S, C> {
    /// Whether the epoch is complete.
    #[must_use]
    pub fn is_epoch_end(&self) -> bool {
        self.iteration == self.iterations
    }

    /// exp of the mean loss of this epoch's steps so far, each taken before its update.
    #[must_use]
    pub fn perplexity(&self) -> f32 {
        perplexity(self.losses.mean(self.iteration))
    }

    /// exp of the mean loss of the steps since the callback was last called.
    ///
    /// ```
    /// # use core::ops::ControlFlow;
    /// # use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// # let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
    /// # let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?.with_eval_interval(5);
    /// trainer.fit(&corpus, 10, |progress| {
    ///     let (recent, epoch) = (progress.recent_perplexity(), progress.perplexity());
    ///     println!("last 5 steps {recent:.2}, since the epoch began {epoch:.2}");
    ///     ControlFlow::<()>::Continue(())
    /// })?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn recent_perplexity(&self) -> f32 {
        perplexity(self.recent_losses.0.mean(self.recent_losses.1))
    }

    /// Where training stands now, as [`RnnlmTrainer::training_state`] tells it between calls.
    #[must_use]
    pub fn training_state(&self) -> TrainingState {
        let (done, under_way) = if self.is_epoch_end() {
            (self.epoch, (0, Sum::default()))
        } else {
            (self.epoch - 1, (self.iteration, self.losses))
        };
        state_of(self.optimizer, self.max_norm, done, under_way, self.position)
    }
}

/// The trainer's part of a training state; `under_way`: steps and losses of the epoch that is not complete.
fn state_of(optimizer: &Sgd, max_norm: f32, epoch: usize, under_way: (usize, Sum), position: usize) -> TrainingState {
    TrainingState {
        learning_rate: optimizer.learning_rate(),
        max_norm,
        losses: under_way.1.parts(),
        epoch: epoch as u64,
        iteration: under_way.0 as u64,
        position: position as u64,
        ..TrainingState::default()
    }
}

#[cfg(feature = "alloc")]
impl<C: Cell, W: Storage, S: Workspace> RnnlmTrainer<W, S, Ids, Floats, C> {
    /// A trainer with its window of token ids on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses it.
    pub fn new(model: Model<C, W, S>, optimizer: Sgd) -> Result<Self, ConfigError> {
        let ids = filled(model.config().memory()?.ids, 0)?;
        Self::with_buffers(model, optimizer, ids)
    }
}

impl<C: Cell, W: Storage, S: Workspace, I: AsRef<[u32]> + AsMut<[u32]>> RnnlmTrainer<W, S, I, Floats, C> {
    /// A trainer whose window of token ids is the caller's memory, of [`Memory::ids`](crate::Memory::ids) elements.
    ///
    /// ```
    /// use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut ids = [0; 2 * 2 * 5];
    /// let trainer = RnnlmTrainer::with_buffers(model, Sgd::new(0.5)?, &mut ids[..])?;
    /// assert_eq!(trainer.epoch(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for another length.
    pub fn with_buffers(model: Model<C, W, S>, optimizer: Sgd, ids: I) -> Result<Self, ConfigError> {
        ConfigError::check_len(model.config().memory()?.ids, ids.as_ref().len())?;
        Ok(Self {
            model,
            optimizer,
            clipping: None,
            ids,
            epoch: 0,
            iteration: 0,
            losses: Sum::default(),
            position: 0,
            eval_interval: usize::MAX,
            #[cfg(feature = "alloc")]
            perplexities: alloc::vec::Vec::new(),
        })
    }
}

impl<W, S, I, G, C> RnnlmTrainer<W, S, I, G, C>
where
    C: Cell,
    W: Storage,
    S: Workspace,
    I: AsRef<[u32]> + AsMut<[u32]>,
    G: Storage,
{
    /// The perplexity of every complete epoch so far.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn perplexities(&self) -> &[f32] {
        &self.perplexities
    }

    /// Calls back after every `steps` steps of an epoch too, not only at its end. 0 is taken as 1.
    ///
    /// ```
    /// # use core::ops::ControlFlow;
    /// # use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// # let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
    /// # let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?.with_eval_interval(8);
    /// let mut seen = Vec::new();
    /// trainer.fit(&corpus, 1, |progress| {
    ///     println!("perplexity of the last steps: {}", progress.recent_perplexity());
    ///     seen.push((progress.iteration, progress.is_epoch_end()));
    ///     ControlFlow::<()>::Continue(())
    /// })?;
    /// assert_eq!(seen, [(8, false), (16, false), (19, true)]);
    /// let loss = trainer.model_mut().evaluate(&corpus)?;
    /// assert!(rnnlm::perplexity(loss) < 4.0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_eval_interval(mut self, steps: usize) -> Self {
        self.eval_interval = steps.max(1);
        self
    }

    /// Clips the gradients of every step to this global norm. That takes stored gradients, whose memory is the caller's
    /// or the heap's: see [`Gradients::clip`].
    ///
    /// ```
    /// use rnnlm::{Config, Gradients, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
    /// let trainer = trainer.with_clipping(0.25, Gradients::new(config)?)?;
    /// assert_eq!(trainer.training_state().max_norm, 0.25);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ParameterError::MaxNorm`] unless the norm is above zero, [`StepError::OtherSizes`] for gradients of other
    /// sizes.
    pub fn with_clipping<X: Storage>(
        self,
        max_norm: f32,
        gradients: Gradients<X, C>,
    ) -> Result<RnnlmTrainer<W, S, I, X, C>, StepError> {
        check_max_norm(max_norm)?;
        if !gradients.match_sizes(&self.model.sizes()) {
            return Err(StepError::OtherSizes);
        }
        Ok(RnnlmTrainer {
            model: self.model,
            optimizer: self.optimizer,
            clipping: Some((max_norm, gradients)),
            ids: self.ids,
            epoch: self.epoch,
            iteration: self.iteration,
            losses: self.losses,
            position: self.position,
            eval_interval: self.eval_interval,
            #[cfg(feature = "alloc")]
            perplexities: self.perplexities,
        })
    }

    /// Where training stands: what [`Self::resume`] takes, and a checkpoint keeps beside the model.
    #[must_use]
    pub fn training_state(&self) -> TrainingState {
        state_of(&self.optimizer, self.max_norm(), self.epoch, (self.iteration, self.losses), self.position)
    }

    /// Goes on where a training state stands, inside an epoch too. The weights and the hidden state are the model's;
    /// clipping is set by [`Self::with_clipping`].
    ///
    /// ```
    /// use core::ops::ControlFlow;
    /// use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
    /// let config =
    ///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?.with_eval_interval(3);
    /// trainer.fit(&corpus, 20, |_| ControlFlow::Break(()))?; // stops after three steps
    /// let state = trainer.training_state();
    /// assert_eq!((state.epoch, state.iteration, state.position), (0, 3, 15));
    ///
    /// let mut other = RnnlmTrainer::new(trainer.into_model(), Sgd::new(0.1)?)?;
    /// other.resume(&state)?;
    /// assert_eq!(other.training_state(), state);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`] unless the rate is finite and above zero, [`ParameterError::TrainingState`] for
    /// losses that are not finite or below zero and for numbers that this machine can't count to. The trainer is then
    /// as it was.
    pub fn resume(&mut self, state: &TrainingState) -> Result<(), ParameterError> {
        check_rate(state.learning_rate)?;
        let number = |x: u64| usize::try_from(x).map_err(|_| ParameterError::TrainingState);
        let (epoch, iteration, position) = (number(state.epoch)?, number(state.iteration)?, number(state.position)?);
        let losses = Sum::of_losses(state.losses).ok_or(ParameterError::TrainingState)?;
        self.optimizer.set_learning_rate(state.learning_rate)?;
        (self.epoch, self.iteration, self.position) = (epoch, iteration, position);
        self.losses = losses;
        Ok(())
    }

    fn max_norm(&self) -> f32 {
        self.clipping.as_ref().map_or(f32::INFINITY, |(max_norm, _)| *max_norm)
    }

    /// The epochs completed so far.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The read position in the corpus, in tokens.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model<C, W, S> {
        &self.model
    }

    /// The model, to be changed or evaluated.
    ///
    /// ```
    /// # use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift, perplexity};
    /// # let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
    /// let loss = trainer.model_mut().evaluate(&[0, 1, 2, 3])?;
    /// assert!((perplexity(loss) - 4.0).abs() < 0.5); // untrained: all four about as likely
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn model_mut(&mut self) -> &mut Model<C, W, S> {
        &mut self.model
    }

    /// Gives the model back.
    #[must_use]
    pub fn into_model(self) -> Model<C, W, S> {
        self.model
    }

    /// Trains until `max_epoch` epochs are complete in all, those of earlier calls counted, or until the callback
    /// breaks: what it breaks with is given back. The callback is called at the end of each epoch, and as
    /// [`Self::with_eval_interval`] says. An epoch that was broken off is completed by the next call.
    ///
    /// Allocates nothing but, at its start, room for the perplexities of the epochs to come (beyond 65,536 of them,
    /// again as the list grows).
    ///
    /// An error inside the callback goes out by `Break`:
    ///
    /// ```
    /// use core::ops::ControlFlow;
    /// use rnnlm::{Config, Error, Progress, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// # let corpus: Vec<u32> = (0..200).map(|i| i % 4).collect();
    /// # let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 5 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
    /// let after_epoch = |progress: Progress<'_>| -> Result<(), Error> {
    ///     let loss = progress.model.evaluate(&[0, 1, 2, 9])?; // no word has the id 9
    ///     println!("epoch {} loss {loss}", progress.epoch);
    ///     Ok(())
    /// };
    /// let stopped = trainer.fit(&corpus, 20, |progress| match after_epoch(progress) {
    ///     Ok(()) => ControlFlow::Continue(()),
    ///     Err(error) => ControlFlow::Break(error),
    /// })?;
    /// assert_eq!(stopped.map(|error| error.code()), Some(302));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// A corpus too short for one step or with ids not below V, and whatever a step refuses: weights, hidden state and
    /// position are then those before that step.
    pub fn fit<B>(
        &mut self,
        corpus: &[u32],
        max_epoch: usize,
        mut callback: impl FnMut(Progress<'_, W, S, C>) -> ControlFlow<B>,
    ) -> Result<Option<B>, TrainError> {
        let max_norm = self.max_norm();
        let config = self.model.config();
        check_ids(corpus, &[], config.vocab_size)?;
        let mut batches = Batches::with_buffers(corpus, config, self.ids.as_mut())?;
        batches.seek(self.position);
        let iterations = batches.steps_per_epoch();
        #[cfg(feature = "alloc")]
        self.perplexities
            .try_reserve_exact(max_epoch.saturating_sub(self.perplexities.len()).min(1 << 16))
            .map_err(|_| TrainError::OutOfMemory)?;
        let mut recent_losses = (Sum::default(), 0);
        while self.epoch < max_epoch {
            let window = batches.read(batches.position())?;
            let loss = step(&mut self.model, &self.optimizer, self.clipping.as_mut(), window)?;
            batches.advance();
            self.position = batches.position();
            self.iteration = self.iteration.saturating_add(1);
            self.losses.add(loss);
            recent_losses.0.add(loss);
            recent_losses.1 += 1;
            // beyond the last: after a longer text
            let is_epoch_end = self.iteration >= iterations;
            let (iteration, losses) = (self.iteration, self.losses);
            if is_epoch_end {
                #[cfg(feature = "alloc")]
                self.perplexities.try_reserve(1).map_err(|_| TrainError::OutOfMemory)?;
                #[cfg(feature = "alloc")]
                self.perplexities.push(perplexity(losses.mean(iteration)));
                self.epoch += 1;
                (self.iteration, self.losses) = (0, Sum::default());
            }
            if is_epoch_end || iteration % self.eval_interval == 0 {
                let progress = Progress {
                    epoch: self.epoch + usize::from(!is_epoch_end),
                    iteration,
                    iterations: if is_epoch_end { iteration } else { iterations },
                    model: &mut self.model,
                    optimizer: &mut self.optimizer,
                    losses,
                    recent_losses,
                    max_norm,
                    position: self.position,
                };
                if let ControlFlow::Break(value) = callback(progress) {
                    return Ok(Some(value));
                }
                recent_losses = (Sum::default(), 0);
            }
        }
        Ok(None)
    }
}

/// One step on a window, clipped or not; returns its loss.
fn step<C: Cell, W: Storage, S: Workspace, G: Storage>(
    model: &mut Model<C, W, S>,
    optimizer: &Sgd,
    clipping: Option<&mut (f32, Gradients<G, C>)>,
    (xs, ts): (&[u32], &[u32]),
) -> Result<f32, StepError> {
    let window = model.forward(xs, ts)?;
    let Some((max_norm, gradients)) = clipping else {
        return window.sgd(optimizer.learning_rate());
    };
    let loss = window.backward(gradients)?;
    if let Err(error) = model.clip(gradients, *max_norm) {
        model.end_step(false);
        return Err(error);
    }
    optimizer.update(model, gradients)?;
    Ok(loss)
}
