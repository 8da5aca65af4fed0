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
/// let config = Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 5 };
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
impl<W: Storage, S: Storage> OnlineLearner<W, S> {
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
    S: Storage,
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
        let sizes = model.sizes();
        if sizes.n != 1 {
            return Err(ConfigError::BatchSize { given: sizes.n }.into());
        }
        let floats = (sizes.prediction(), prediction.as_ref().len());
        for (needed, given) in [floats, (2 * sizes.rows(), window.as_ref().len())] {
            ConfigError::check_len(needed, given)?;
        }
        let mut learner = Self { model, prediction, window, events: 0, last: None, learning_rate };
        learner.restart();
        Ok(learner)
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
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{AlignedVec, Config, ParameterError, Xorshift};

    const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 9, batch_size: 1, time_size: 4 };

    fn events() -> Vec<u32> {
        let mut rng = Xorshift::new(8);
        // an interpreter takes minutes for more
        let count = if cfg!(miri) { 13 } else { 103 };
        (0..count).map(|i| if rng.below(4) == 0 { rng.below(7) } else { i % 7 }).collect()
    }

    #[test]
    fn it_is_the_predictor_and_the_steps_put_together() -> Result<(), Error> {
        let fresh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let (mut learner, mut model) = (OnlineLearner::new(fresh.clone(), 0.3)?, fresh);
        let events = events();
        let mut state = std::vec![0.0; 9];
        for (i, &id) in events.iter().enumerate() {
            let score = learner.observe(id)?;
            if i == 0 {
                assert_eq!(score, None);
                continue;
            }
            // events 0 to 4 made the first step, 4 to 8 the second
            let mut predictor = model.predictor().unwrap();
            predictor.set_state(&state)?;
            let first = (i - 1) / 4 * 4;
            let mut probabilities = Vec::new();
            for &before in &events[first..i] {
                probabilities = predictor.feed(before)?.to_vec();
            }
            let score = score.unwrap();
            let p = probabilities[id as usize];
            let rank =
                1 + (0..7).filter(|&v| probabilities[v] > p || (probabilities[v] == p && v < id as usize)).count();
            assert_eq!((score.id, score.rank), (id, rank));
            assert!((score.probability() - p).abs() < 1e-6, "{score:?} {p}");
            if i % 4 == 0 {
                model.forward(&events[i - 4..i], &events[i - 3..=i])?.sgd(0.3)?;
                state = model.state().to_vec();
            }
            assert_eq!(learner.model().weights_block(), model.weights_block(), "event {i}");
        }
        Ok(())
    }

    #[test]
    fn bad_events_and_sizes_are_refused() -> Result<(), Error> {
        let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let mut learner = OnlineLearner::new(model.clone(), 0.3)?;
        learner.observe(3)?;
        assert_eq!(learner.observe(7), Err(StepError::IdOutOfRange { id: 7 }));
        assert_eq!(learner.observe(3), Ok(None), "the stream starts anew");
        assert_eq!(learner.model().weights_block(), model.weights_block());
        assert_eq!(OnlineLearner::new(model.clone(), 0.0).err(), Some(ParameterError::LearningRate.into()));
        let wide = SimpleRnnlm::new(Config { batch_size: 2, ..CONFIG }, &mut Xorshift::new(1)).unwrap();
        assert_eq!(OnlineLearner::new(wide, 0.3).err(), Some(ConfigError::BatchSize { given: 2 }.into()));
        let len = CONFIG.memory().unwrap().prediction;
        let short = OnlineLearner::with_buffers(model, 0.3, AlignedVec::zeroed(len - 1).unwrap(), std::vec![0; 8]);
        assert_eq!(short.err(), Some(ConfigError::BufferLength { needed: len, given: len - 1 }.into()));
        Ok(())
    }

    #[test]
    fn a_new_learner_starts_from_zero() -> Result<(), Error> {
        let fresh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let mut used = fresh.clone();
        used.set_state(&[0.5; 9])?;
        let mut memory = AlignedVec::zeroed(CONFIG.memory().unwrap().prediction).unwrap();
        memory.as_mut().fill(0.25);
        let mut used = OnlineLearner::with_buffers(used, 0.3, memory, std::vec![3; 8])?;
        let mut fresh = OnlineLearner::new(fresh, 0.3)?;
        assert_eq!((used.model().state(), used.probabilities()), (&[0.0; 9][..], &[0.0; 7][..]));
        for &id in &events()[..6] {
            assert_eq!(used.observe(id), fresh.observe(id));
            assert_eq!(used.probabilities(), fresh.probabilities());
        }
        assert_eq!(used.model().weights_block(), fresh.model().weights_block());
        Ok(())
    }

    #[test]
    fn a_window_of_another_length_is_refused() {
        let len = CONFIG.memory().unwrap().prediction;
        for given in [7, 9] {
            let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
            let refused =
                OnlineLearner::with_buffers(model, 0.3, AlignedVec::zeroed(len).unwrap(), std::vec![0; given]);
            assert_eq!(refused.err(), Some(ConfigError::BufferLength { needed: 8, given }.into()));
        }
    }
}
