//! Learning from a stream of events while it comes: predict, score, learn.

#[cfg(feature = "alloc")]
use crate::heap::{AlignedVec, filled};
use crate::{
    error::{ConfigError, Error, StepError},
    heap::{Floats, Ids},
    kernels::{clear, copy},
    model::{
        SimpleRnnlm,
        parameters::{Storage, Weights},
        score::TokenScore,
        shared::Workspace,
        step::check_rate,
    },
    prediction::predictor::feed,
};

/// Reads events (log keys, sensor states, words) one at a time. Each is scored by the prediction that was made before
/// it came and is learned from: after every T events the model takes one training step over them. An event whose rank
/// is beyond the first few is a surprise, which is how DeepLog (Du et al., CCS 2017) finds anomalies in logs.
///
/// Needs a model with N = 1, H + max(H, V) floats for the prediction and 2 T ids, in memory of types `P` and `I`. Work
/// per event: a prediction and a T-th of a training step.
///
/// ```
/// use rnnlm::{Config, OnlineLearner, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 5 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut learner = OnlineLearner::new(model, 0.5)?;
/// for i in 0..2000 {
///     learner.observe([0, 1, 0, 2][i % 4])?;
/// }
/// // 0 and 1 came, so 0 is expected, and then 2 rather than 1
/// let scores = [learner.observe(0)?, learner.observe(1)?, learner.observe(3)?];
/// let ranks = scores.map(|score| score.map_or(0, |score| score.rank));
/// assert_eq!((ranks[0], ranks[1]), (1, 1));
/// assert!(ranks[2] > 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnlineLearner<W = Floats, S = W, P = Floats, I = Ids> {
    model: SimpleRnnlm<W, S>,
    /// The predictor's hidden state and probabilities.
    prediction: P,
    /// T inputs, then T targets; as many as `events` are there.
    window: I,
    events: usize,
    last: Option<u32>,
    learning_rate: f32,
}

#[cfg(feature = "alloc")]
impl<W: Storage, S: Workspace> OnlineLearner<W, S> {
    /// A learner with its memory on the heap.
    ///
    /// # Errors
    /// What [`Self::with_buffers`] refuses, and [`ConfigError::OutOfMemory`].
    pub fn new(model: SimpleRnnlm<W, S>, learning_rate: f32) -> Result<Self, Error> {
        let sizes = model.sizes();
        let prediction = AlignedVec::zeroed(sizes.prediction())?;
        let window = filled(2 * sizes.rows(), 0)?;
        Self::with_buffers(model, learning_rate, prediction, window)
    }
}

impl<W, S, P, I> OnlineLearner<W, S, P, I>
where
    W: Storage,
    S: Workspace,
    P: Storage,
    I: AsRef<[u32]> + AsMut<[u32]>,
{
    /// A learner over memory of the caller: [`Memory::prediction`](crate::Memory::prediction) floats and
    /// [`Memory::ids`](crate::Memory::ids) ids.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`](crate::ParameterError::LearningRate), [`ConfigError::BatchSize`] for a model
    /// whose N is not 1, [`ConfigError::BufferLength`] for memory of another length.
    pub fn with_buffers(model: SimpleRnnlm<W, S>, learning_rate: f32, prediction: P, window: I) -> Result<Self, Error> {
        check_rate(learning_rate)?;
        let mut learner = Self { model, prediction, window, events: 0, last: None, learning_rate };
        learner.check()?;
        learner.restart();
        Ok(learner)
    }

    /// A learner that goes on, with the same bits, where another one was: `model` as [`Checkpoint`](crate::Checkpoint)
    /// brought it back, hidden state included, and the other learner's [`Self::pending`] events. The state of a bare
    /// file is zero: without events this is then [`Self::with_buffers`].
    ///
    /// # Errors
    /// Those of [`Self::with_buffers`]; [`StepError::Length`] for more than T events, [`StepError::IdOutOfRange`].
    pub fn resume(
        model: SimpleRnnlm<W, S>,
        learning_rate: f32,
        prediction: P,
        window: I,
        pending: &[u32],
    ) -> Result<Self, Error> {
        let sizes = model.sizes();
        let (needed, given) = (sizes.t, pending.len());
        if given > needed {
            return Err(StepError::Length { needed, given }.into());
        }
        if let Some(&id) = pending.iter().find(|&&id| id as usize >= sizes.v) {
            return Err(StepError::IdOutOfRange { id }.into());
        }
        check_rate(learning_rate)?;
        let mut learner = Self { model, prediction, window, events: 0, last: None, learning_rate };
        learner.check()?;
        // the state in front of the first of them
        clear(learner.prediction.as_mut());
        copy(learner.prediction.as_mut(), learner.model.state());
        for &id in pending {
            learner.try_observe(id)?;
        }
        Ok(learner)
    }

    /// Events of which the model's next step is still to come, the last one included: at most T. With the model's
    /// checkpoint they are all that [`Self::resume`] needs.
    pub fn pending(&self) -> impl Iterator<Item = u32> {
        self.window.as_ref().iter().take(self.events).copied().chain(self.last)
    }

    /// Sets the learning rate of the steps to come.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`](crate::ParameterError::LearningRate).
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), Error> {
        check_rate(learning_rate)?;
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// Sizes and memory.
    fn check(&self) -> Result<(), ConfigError> {
        let sizes = self.model.sizes();
        if sizes.n != 1 {
            return Err(ConfigError::BatchSize { given: sizes.n });
        }
        ConfigError::check_len(sizes.prediction(), self.prediction.as_ref().len())?;
        ConfigError::check_len(2 * sizes.rows(), self.window.as_ref().len())
    }

    /// Scores an event by the prediction that the events before it gave, learns from it, and predicts the next one.
    /// The first event has no score.
    ///
    /// # Errors
    /// An id not below V, or a step that is not finite: the weights are then as they were. A prediction that is not
    /// finite, behind the step where one was due: the step is done. The stream starts anew with the next event.
    pub fn observe(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        let result = self.try_observe(id);
        if result.is_err() {
            self.restart();
        }
        result
    }

    fn try_observe(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        let sizes = self.model.sizes();
        if id as usize >= sizes.v {
            return Err(StepError::IdOutOfRange { id });
        }
        let score = self.last.and_then(|_| TokenScore::of(self.probabilities(), id));
        if let Some(last) = self.last {
            let (xs, ts) = self.window.as_mut().split_at_mut_checked(sizes.t).ok_or(StepError::OtherSizes)?;
            if let (Some(x), Some(t)) = (xs.get_mut(self.events), ts.get_mut(self.events)) {
                (*x, *t) = (last, id);
                self.events += 1;
            }
            if self.events == sizes.t {
                self.events = 0;
                self.model.forward(xs, ts)?.sgd(self.learning_rate)?;
                // the state behind the last input, from where the new weights go on
                copy(self.prediction.as_mut(), self.model.state());
            }
        }
        let weights = Weights::of(&sizes, self.model.weights_block()).ok_or(StepError::OtherSizes)?;
        feed(self.model.isa(), &weights, sizes.d, id, self.prediction.as_mut(), 1.0)?;
        self.last = Some(id);
        Ok(score)
    }

    /// The probability of each event to be the next; zeros before the first.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let sizes = self.model.sizes();
        self.prediction.as_ref().get(sizes.hidden..sizes.hidden + sizes.v).unwrap_or(&[])
    }

    /// Forgets the events read, not what was learned from them.
    pub fn restart(&mut self) {
        self.model.reset_state();
        clear(self.prediction.as_mut());
        (self.events, self.last) = (0, None);
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &SimpleRnnlm<W, S> {
        &self.model
    }

    /// Gives the model back.
    #[must_use]
    pub fn into_model(self) -> SimpleRnnlm<W, S> {
        self.model
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests;
