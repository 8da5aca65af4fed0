//! Learning from a stream of events while it comes: predict, score, learn.

mod sessions;

#[cfg(feature = "alloc")]
use crate::heap::{AlignedVec, filled};
use crate::{
    error::{ConfigError, Error, StepError},
    heap::{Floats, Ids},
    kernels::{clear, copy},
    layers::time_rnn::TanhCell,
    model::{
        Model,
        parameters::{Storage, Weights},
        score::TokenScore,
        shared::Workspace,
        slices::Slice,
        step::{Cell, check_rate},
    },
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
pub struct OnlineLearner<W = Floats, S = W, P = Floats, I = Ids, C: Cell = TanhCell> {
    model: Model<C, W, S>,
    /// The predictor's hidden state and probabilities.
    prediction: P,
    /// T inputs, then T targets; as many as `events` are there.
    window: I,
    events: usize,
    last: Option<u32>,
    learning_rate: f32,
    is_frozen: bool,
    /// What comes next of the step that is due; its rate, once it has begun.
    due: Option<Slice>,
    rate_of_step: f32,
}

#[cfg(feature = "alloc")]
impl<C: Cell, W: Storage, S: Workspace> OnlineLearner<W, S, Floats, Ids, C> {
    /// A learner with its memory on the heap.
    ///
    /// # Errors
    /// What [`Self::with_buffers`] refuses, and [`ConfigError::OutOfMemory`].
    pub fn new(model: Model<C, W, S>, learning_rate: f32) -> Result<Self, Error> {
        let sizes = model.sizes();
        let prediction = AlignedVec::zeroed(sizes.prediction(C::SIZES))?;
        let window = filled(2 * sizes.rows(), 0)?;
        Self::with_buffers(model, learning_rate, prediction, window)
    }
}

impl<W, S, P, I, C> OnlineLearner<W, S, P, I, C>
where
    C: Cell,
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
    pub fn with_buffers(
        mut model: Model<C, W, S>,
        learning_rate: f32,
        mut prediction: P,
        window: I,
    ) -> Result<Self, Error> {
        Self::check(&model, learning_rate, &prediction, &window)?;
        // as `restart` does, before it is put together: moving it takes flash
        model.reset_state();
        model.give_step_up();
        clear(prediction.as_mut());
        Ok(Self::over(model, learning_rate, prediction, window))
    }

    /// A learner that goes on, with the same bits, where another one was: `model` as [`Checkpoint`](crate::Checkpoint)
    /// brought it back, hidden state included, and the other learner's [`Self::pending`] events. The state of a bare
    /// file is zero: without events this is then [`Self::with_buffers`].
    ///
    /// # Errors
    /// Those of [`Self::with_buffers`]; [`StepError::Length`] for more than T + 1 events, [`StepError::IdOutOfRange`].
    pub fn resume(
        model: Model<C, W, S>,
        learning_rate: f32,
        prediction: P,
        window: I,
        pending: &[u32],
    ) -> Result<Self, Error> {
        let sizes = model.sizes();
        let (needed, given) = (sizes.t + 1, pending.len());
        if given > needed {
            return Err(StepError::Length { needed, given }.into());
        }
        if let Some(&id) = pending.iter().find(|&&id| id as usize >= sizes.v) {
            return Err(StepError::IdOutOfRange { id }.into());
        }
        Self::resume_with(model, learning_rate, prediction, window, &mut pending.iter().copied())
    }

    /// [`Self::resume`] from ids that are wherever they are.
    pub(crate) fn resume_with(
        model: Model<C, W, S>,
        learning_rate: f32,
        prediction: P,
        window: I,
        pending: &mut dyn Iterator<Item = u32>,
    ) -> Result<Self, Error> {
        Self::check(&model, learning_rate, &prediction, &window)?;
        let mut learner = Self::over(model, learning_rate, prediction, window);
        // the state in front of the first of them
        clear(learner.prediction.as_mut());
        copy(learner.prediction.as_mut(), learner.model.state());
        for id in pending {
            learner.read(id)?;
        }
        Ok(learner)
    }

    fn over(model: Model<C, W, S>, learning_rate: f32, prediction: P, window: I) -> Self {
        let (events, last, is_frozen, due, rate_of_step) = (0, None, false, None, learning_rate);
        Self { model, prediction, window, events, last, learning_rate, is_frozen, due, rate_of_step }
    }

    /// Events of which the model's next step is still to come, the last one included: at most T, and T + 1 where the
    /// step [is due](Self::step_is_due). With the model's checkpoint they are all that [`Self::resume`] needs.
    pub fn pending(&self) -> impl Iterator<Item = u32> {
        self.window.as_ref().iter().take(self.events).copied().chain(self.last)
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    /// Sets the learning rate of the steps to come. A step that was taken in part goes on at its own.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`](crate::ParameterError::LearningRate).
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), Error> {
        check_rate(learning_rate)?;
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// The rate, sizes and memory.
    fn check(model: &Model<C, W, S>, learning_rate: f32, prediction: &P, window: &I) -> Result<(), Error> {
        check_rate(learning_rate)?;
        let sizes = model.sizes();
        if sizes.n != 1 {
            return Err(ConfigError::BatchSize { given: sizes.n }.into());
        }
        ConfigError::check_len(sizes.prediction(C::SIZES), prediction.as_ref().len())?;
        ConfigError::check_len(2 * sizes.rows(), window.as_ref().len())?;
        Ok(())
    }

    /// Scores an event by the prediction that the events before it gave, learns from it, and predicts the next one.
    /// The first event has no score. For a program that can't wait for a whole step there is [`Self::read`].
    ///
    /// # Errors
    /// An id not below V, or a step that is not finite: the weights are then as they were. A prediction that is not
    /// finite, behind the step where one was due: the step is done. The stream starts anew with the next event.
    /// [`StepError::StepIsDue`] where [`Self::read`] has left one: nothing changes.
    pub fn observe(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        let (score, is_due) = self.place(id)?;
        let result = if is_due { self.step() } else { Ok(()) };
        self.predict_behind(result)?;
        Ok(score)
    }

    /// [`Self::observe`] without the step: where the event makes one due, [`Self::learn_slice`] takes it and predicts.
    /// Until then no other event is read, and [`Self::probabilities`] are those for this event. The same bits come
    /// out.
    ///
    /// # Errors
    /// [`StepError::StepIsDue`]: nothing changes; read the event again when the step is done. Otherwise as
    /// [`Self::observe`].
    pub fn read(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        let (score, is_due) = self.place(id)?;
        if is_due {
            self.due = Some(Slice::Forward);
        } else {
            self.predict_behind(Ok(()))?;
        }
        Ok(score)
    }

    /// An event takes its place in the window. Gives its score, and whether the window is full.
    fn place(&mut self, id: u32) -> Result<(Option<TokenScore>, bool), StepError> {
        if self.due.is_some() {
            return Err(StepError::StepIsDue);
        }
        let sizes = self.model.sizes();
        if id as usize >= sizes.v {
            self.restart();
            return Err(StepError::IdOutOfRange { id });
        }
        let score = self.last.and_then(|_| TokenScore::of(self.probabilities(), id));
        let last = self.last.replace(id);
        if self.is_frozen {
            // `id` alone is pending, from the state behind the events before it
            copy(self.model.state_mut(), self.prediction.as_ref());
            self.events = 0;
        } else if let Some(last) = last
            && let Some((xs, ts)) = self.window.as_mut().split_at_mut_checked(sizes.t)
            && let (Some(x), Some(t)) = (xs.get_mut(self.events), ts.get_mut(self.events))
        {
            (*x, *t) = (last, id);
            self.events += 1;
        }
        Ok((score, self.events == sizes.t))
    }

    /// The step over a full window.
    fn step(&mut self) -> Result<(), StepError> {
        let t = self.events;
        let (xs, ts) = self.window.as_ref().split_at_checked(t).ok_or(StepError::OtherSizes)?;
        self.model.forward(xs, ts)?.sgd(self.learning_rate)?;
        self.end_step();
        Ok(())
    }

    /// The window is empty; the state behind its last input is the one from where the new weights go on.
    fn end_step(&mut self) {
        self.events = 0;
        copy(self.prediction.as_mut(), self.model.state());
    }

    /// Predicts what follows the last event where all went well; starts anew where not.
    fn predict_behind(&mut self, result: Result<(), StepError>) -> Result<(), StepError> {
        let result = result.and_then(|()| {
            let sizes = self.model.sizes();
            let Some(id) = self.last else { return Ok(()) };
            // looked at where they are: a copy takes flash
            let weights = &Weights::of::<C>(&sizes, self.model.weights_block());
            let weights = weights.as_ref().ok_or(StepError::OtherSizes)?;
            C::feed(self.model.isa(), weights, sizes.d, id, self.prediction.as_mut(), 1.0)
        });
        if result.is_err() {
            self.restart();
        }
        result
    }

    /// Whether a step is due that [`Self::read`] has left to [`Self::learn_slice`], or that was taken in part.
    #[must_use]
    pub fn step_is_due(&self) -> bool {
        self.due.is_some()
    }

    /// Takes the next slice of the step that is due: the forward pass (a third of the step's work), the gradients of
    /// the activations (a third), the output layer, the recurrence, and the word vectors with the prediction. Where
    /// the update may be not finite, three more look at it first. Does nothing where no step is due.
    ///
    /// ```
    /// use rnnlm::{Config, OnlineLearner, SimpleRnnlm, StepError, Xorshift};
    /// let config =
    ///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 3 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut learner = OnlineLearner::new(model, 0.5)?;
    /// let mut queue = [0, 1, 0, 2, 0, 1].into_iter().peekable(); // an interrupt fills it
    /// while queue.peek().is_some() || learner.step_is_due() {
    ///     // other tasks have their turn here
    ///     if learner.step_is_due() {
    ///         learner.learn_slice()?;
    ///     } else if let Some(id) = queue.next() {
    ///         let score = learner.read(id)?;
    ///         println!("{score:?}");
    ///     }
    /// }
    /// learner.read(0)?; // the sixth target since the first step
    /// assert_eq!(learner.read(2), Err(StepError::StepIsDue));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::observe`] for a step and the prediction behind it.
    pub fn learn_slice(&mut self) -> Result<(), StepError> {
        let Some(slice) = self.due else { return Ok(()) };
        if slice == Slice::Forward {
            self.rate_of_step = self.learning_rate;
        }
        let (xs, ts) = self.window.as_ref().split_at_checked(self.events).ok_or(StepError::OtherSizes)?;
        let result = match self.model.slice(slice, [xs, ts], self.rate_of_step) {
            Ok(Some(next)) => {
                self.due = Some(next);
                return Ok(());
            }
            Ok(None) => {
                self.end_step();
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.due = None;
        self.predict_behind(result)
    }

    /// Takes all that remains of the step that is due, slice by slice.
    ///
    /// # Errors
    /// As [`Self::learn_slice`].
    pub fn learn(&mut self) -> Result<(), StepError> {
        while self.step_is_due() {
            self.learn_slice()?;
        }
        Ok(())
    }

    /// Whether it predicts and scores without learning.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    /// From now on it predicts and scores without learning, or learns again. Those events of which a step was still to
    /// come are not learned from, once another one is read while it is frozen; a step that is due already is taken.
    ///
    /// ```
    /// # use rnnlm::{Config, OnlineLearner, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 3 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut learner = OnlineLearner::new(model, 0.5)?;
    /// learner.set_frozen(true);
    /// let before = learner.model().weights_block().to_vec();
    /// for id in [0, 1, 2, 3, 0, 1, 2, 3] {
    ///     learner.observe(id)?;
    /// }
    /// assert_eq!(learner.model().weights_block(), before);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_frozen(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
    }

    /// The probability of each event to be the next; zeros before the first.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let sizes = self.model.sizes();
        let states = C::SIZES.states * sizes.hidden;
        self.prediction.as_ref().get(states..states + sizes.v).unwrap_or(&[])
    }

    /// Forgets the events read, not what was learned from them. Of a step that was taken in part the rest is given up:
    /// the weights that it has updated stay so.
    pub fn restart(&mut self) {
        self.model.reset_state();
        self.model.give_step_up();
        clear(self.prediction.as_mut());
        (self.events, self.last, self.due) = (0, None, None);
    }

    /// The model. Amid a step [`Checkpoint`](crate::Checkpoint) refuses it: it is neither the one before nor the one
    /// behind.
    #[must_use]
    pub fn model(&self) -> &Model<C, W, S> {
        &self.model
    }

    /// Gives the model back. Of a step that was taken in part the rest is given up.
    #[must_use]
    pub fn into_model(mut self) -> Model<C, W, S> {
        self.model.give_step_up();
        self.model
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests;
