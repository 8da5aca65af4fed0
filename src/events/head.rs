//! Learning with a frozen body: the embedding and the recurrence stay where they are, in flash for instance.

use core::marker::PhantomData;

#[cfg(feature = "alloc")]
use crate::heap::AlignedVec;
use crate::{
    error::{ConfigError, Error, ParameterError, StepError},
    events::foresight::Foresight,
    heap::Floats,
    kernels::{
        Alone, Descend, End, Left, Product, Right, Shape, Start, clear, copy, no_step_overflows, part, part_mut,
    },
    layers::{cell::Layer, time_rnn::TanhCell},
    model::{
        parameters::{Storage, Weights},
        score::TokenScore,
        step::Cell,
    },
    prediction::weights::ModelWeights,
    simd::{Isa, Kernel, Simd},
};

/// Predicts, scores and learns events as an [`OnlineLearner`](crate::OnlineLearner) does, but of the six weights only
/// affine.W and affine.b are its own and change: the others are borrowed and may lie in flash.
///
/// It takes a step behind every event: dlogits = p - \[event\], dW = h^T dlogits, db = dlogits. These are the bits that
/// the head of the whole model, of either cell, gets by a window of one event. Memory: H V + V floats for the head, in
/// the order of [`Parameters`](crate::Parameters), and [`Memory::prediction`](crate::Memory::prediction) floats. Work
/// per event: a prediction and 2 HV flop.
///
/// ```
/// use rnnlm::{Config, HeadLearner, OnlineLearner, Rnnlm, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 4, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 5 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut factory = OnlineLearner::new(model, 0.5)?;
/// for i in 0..2000 {
///     factory.observe([0, 1, 2][i % 3])?;
/// }
/// let model = factory.into_model();
/// let mut learner = HeadLearner::new(model.weights(), 0.1)?;
/// for i in 0..600 {
///     learner.observe([0, 1, 3][i % 3])?; // its owner's ways
/// }
/// let scores = [learner.observe(0)?, learner.observe(1)?, learner.observe(3)?];
/// assert_eq!(scores[2].map(|score| score.rank), Some(1));
///
/// let model = Rnnlm::new(config, &mut Xorshift::new(1))?; // an LSTM has such a head too
/// let mut learner = HeadLearner::new(model.weights(), 0.1)?;
/// learner.observe(0)?;
/// # Ok::<(), rnnlm::Error>(())
/// ```
#[derive(Clone)]
pub struct HeadLearner<'w, B = Floats, P = B, C: Cell = TanhCell> {
    isa: Isa,
    d: usize,
    /// Of these the head isn't read.
    weights: Weights<&'w [f32]>,
    head: B,
    /// The predictor's states and probabilities.
    prediction: P,
    is_started: bool,
    learning_rate: f32,
    cell: PhantomData<C>,
}

#[cfg(feature = "alloc")]
impl<'w> HeadLearner<'w> {
    /// A learner with its memory on the heap.
    ///
    /// # Errors
    /// What [`Self::with_buffers`] refuses, and [`ConfigError::OutOfMemory`].
    pub fn new<M: ModelWeights<'w>>(
        weights: M,
        learning_rate: f32,
    ) -> Result<HeadLearner<'w, Floats, Floats, M::Cell>, Error> {
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        config.check()?;
        let sizes = config.checked_sizes();
        let (head, prediction) = (sizes.hidden * sizes.v + sizes.v, sizes.prediction(M::Cell::SIZES));
        HeadLearner::with_buffers(weights, learning_rate, AlignedVec::zeroed(head)?, AlignedVec::zeroed(prediction)?)
    }
}

impl<'w, B: Storage, P: Storage> HeadLearner<'w, B, P> {
    /// A learner over memory of the caller, which takes over the head of these weights.
    ///
    /// ```
    /// use rnnlm::{Config, HeadLearner, Parameters};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// static FLASH: [f32; 72] = [0.0; 72];
    /// let weights = Parameters::from_block(CONFIG, &FLASH)?;
    /// let mut learner = HeadLearner::with_buffers(weights, 0.1, [0.0; 4 * 5 + 5], [0.0; 9])?;
    /// learner.observe(1)?;
    /// assert!(learner.observe_frozen(2)?.is_some());
    /// # Ok::<(), rnnlm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::ShapesDiffer`], [`ConfigError::BufferLength`],
    /// [`ParameterError::LearningRate`] unless the rate is above 0 and below 5e30.
    pub fn with_buffers<M: ModelWeights<'w>>(
        weights: M,
        learning_rate: f32,
        head: B,
        prediction: P,
    ) -> Result<HeadLearner<'w, B, P, M::Cell>, Error> {
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        config.check()?;
        let sizes = config.checked_sizes();
        ConfigError::check_len(sizes.hidden * sizes.v + sizes.v, head.as_ref().len())?;
        ConfigError::check_len(sizes.prediction(M::Cell::SIZES), prediction.as_ref().len())?;
        let weights = weights.slices();
        let (isa, d, is_started, cell) = (Isa::detect(), sizes.d, false, PhantomData);
        let mut learner = HeadLearner { isa, d, weights, head, prediction, is_started, learning_rate, cell };
        learner.set_learning_rate(learning_rate)?;
        let (w, b) = learner.head_mut();
        copy(w, weights.affine_w);
        copy(b, weights.affine_b);
        learner.restart();
        Ok(learner)
    }
}

impl<'w, B: Storage, P: Storage, C: Cell> HeadLearner<'w, B, P, C> {
    /// Computes on this instruction set instead of the detected one; the results are the same.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Sets the learning rate of the steps to come.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`] unless it is above 0 and below 5e30.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), ParameterError> {
        // no element of a gradient exceeds 1, so no step overflows
        if learning_rate > 0.0 && no_step_overflows(learning_rate) {
            self.learning_rate = learning_rate;
            Ok(())
        } else {
            Err(ParameterError::LearningRate)
        }
    }

    /// affine.W (H,V), then affine.b (V): what was learned, for [`Self::set_head`] after a reboot.
    #[must_use]
    pub fn head(&self) -> &[f32] {
        self.head.as_ref()
    }

    /// Sets affine.W and affine.b.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_head(&mut self, head: &[f32]) -> Result<(), StepError> {
        let (needed, given) = (self.head.as_ref().len(), head.len());
        if needed != given {
            return Err(StepError::Length { needed, given });
        }
        copy(self.head.as_mut(), head);
        Ok(())
    }

    fn head_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        let at = self.weights.affine_w.len();
        self.head.as_mut().split_at_mut_checked(at).unwrap_or_default()
    }

    /// Scores an event by the prediction that the events before it gave, learns from it, and predicts the next one.
    /// The first event has no score.
    ///
    /// # Errors
    /// An id not below V; a prediction that is not finite. The stream starts anew with the next event.
    pub fn observe(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        self.take(id, true)
    }

    /// [`Self::observe`] that learns nothing.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub fn observe_frozen(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        self.take(id, false)
    }

    fn take(&mut self, id: u32, learns: bool) -> Result<Option<TokenScore>, StepError> {
        let result = self.try_take(id, learns);
        if result.is_err() {
            self.restart();
        }
        result
    }

    fn try_take(&mut self, id: u32, learns: bool) -> Result<Option<TokenScore>, StepError> {
        if id as usize >= self.weights.affine_b.len() {
            return Err(StepError::IdOutOfRange { id });
        }
        let score = if self.is_started { TokenScore::of(self.probabilities(), id) } else { None };
        if self.is_started && learns {
            self.learn(id);
        }
        let (w, b) = self.head.as_ref().split_at_checked(self.weights.affine_w.len()).ok_or(StepError::OtherSizes)?;
        let weights = Weights { affine_w: w, affine_b: b, ..self.weights };
        C::feed(self.isa, &weights, self.d, id, self.prediction.as_mut(), 1.0)?;
        self.is_started = true;
        Ok(score)
    }

    /// The step: the probabilities become the gradient of the logits.
    fn learn(&mut self, id: u32) {
        let [hidden, states, v] = self.lens();
        let (isa, rate, at) = (self.isa, self.learning_rate, self.weights.affine_w.len());
        let Some((states, rest)) = self.prediction.as_mut().split_at_mut_checked(states) else { return };
        let (h, d_logits) = (part(states, ..hidden), part_mut(rest, ..v));
        if let Some(p) = d_logits.get_mut(id as usize) {
            *p -= 1.0;
        }
        let (w, b) = self.head.as_mut().split_at_mut_checked(at).unwrap_or_default();
        isa.run(Step { w, b, h, d_logits, rate });
    }

    /// The probability of each event to be the next; zeros before the first.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let [_, states, v] = self.lens();
        part(part(self.prediction.as_ref(), states..), ..v)
    }

    /// H, the floats of all states, V.
    #[inline(always)]
    fn lens(&self) -> [usize; 3] {
        let hidden = self.weights.rnn_b.len() / C::SIZES.gates;
        [hidden, C::SIZES.states * hidden, self.weights.affine_b.len()]
    }

    /// Forgets the events read, not what was learned from them.
    pub fn restart(&mut self) {
        clear(self.prediction.as_mut());
        self.is_started = false;
    }
}

impl<B: Storage, P: Storage, C: Cell> Foresight for HeadLearner<'_, B, P, C> {
    fn probabilities(&self) -> &[f32] {
        HeadLearner::probabilities(self)
    }

    fn read(&mut self, id: u32, learns: bool) -> Result<(), StepError> {
        self.take(id, learns).map(|_| ())
    }

    fn restart(&mut self) {
        HeadLearner::restart(self);
    }

    fn learned(&self) -> &[f32] {
        self.head()
    }

    fn learned_mut(&mut self) -> &mut [f32] {
        self.head.as_mut()
    }
}

impl<B, P, C: Cell> core::fmt::Debug for HeadLearner<'_, B, P, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HeadLearner").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// W = W - rate h^T dlogits, b = b - rate dlogits.
struct Step<'a> {
    w: &'a mut [f32],
    b: &'a mut [f32],
    h: &'a [f32],
    d_logits: &'a [f32],
    rate: f32,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        /// Products of so few rows pack nothing.
        const ROWS: usize = 8;
        let Self { w, b, h, d_logits, rate } = self;
        let n = d_logits.len();
        for (w, h) in w.chunks_mut((ROWS * n).max(1)).zip(h.chunks(ROWS)) {
            let shape = Shape { m: h.len(), k: 1, n };
            let (a, b) = (Left::transposed(h, h.len()), Right::Rows(d_logits));
            let (start, end) = (Start::Zero, End::Descend(rate));
            Product { shape, a, b, c: w, start, end, scratch: &mut [] }.run_by(Alone, s);
        }
        s.run(Descend { weights: b, gradient: d_logits, rate });
    }
}
