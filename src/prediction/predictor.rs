//! The probabilities of the next word.

use core::{fmt, marker::PhantomData};

use crate::{
    config::Config,
    error::{ConfigError, ParameterError, StepError},
    heap::Floats,
    kernels::{Gemv, Softmax, Start, clear, copy, part_mut},
    layers::time_rnn::TanhCell,
    model::{
        parameters::{Storage, Weights},
        step::Cell,
    },
    prediction::{
        sampling::{Candidate, top},
        weights::ModelWeights,
    },
    simd::{Isa, Kernel, Simd},
};
#[cfg(feature = "alloc")]
use crate::{
    heap::AlignedVec,
    layers::cell::Layer,
    model::{Model, shared::Workspace},
};

/// Reads a text token by token and tells how likely each word is to come next.
///
/// Borrows the weights, from a model or from a checkpoint that lies in flash, and needs H + max(H, V) floats of its
/// own, with an LSTM 2 H + max(5 H, V). Work per token: 2 (DH + HH + HV) flop, of an LSTM 2 (4DH + 4HH + HV), and every
/// output weight is read once. [`top`] lists the likeliest words, [`Sampler`](crate::Sampler) draws one.
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut predictor = model.predictor()?;
/// predictor.feed(0)?;
/// let probabilities = predictor.feed(3)?;
/// assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[doc(alias = "generate")]
#[doc(alias = "RnnlmGen")]
#[derive(Clone)]
pub struct Predictor<'w, B = Floats, C: Cell = TanhCell> {
    isa: Isa,
    temperature: f32,
    d: usize,
    weights: Weights<&'w [f32]>,
    buffer: B,
    cell: PhantomData<C>,
}

#[cfg(feature = "alloc")]
impl<C: Cell, W: Storage, S: Workspace> Model<C, W, S> {
    /// A predictor over this model's weights, with a zero hidden state of its own on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses it.
    pub fn predictor(&self) -> Result<Predictor<'_, Floats, C>, ConfigError> {
        let sizes = self.sizes();
        let weights = Weights::of::<C>(&sizes, self.weights_block()).ok_or(ConfigError::ShapesDiffer)?;
        Predictor::on(self.isa(), self.config(), weights, AlignedVec::zeroed(sizes.prediction(C::SIZES))?)
    }
}

#[cfg(feature = "alloc")]
impl<'w> Predictor<'w> {
    /// A predictor over these weights, with a zero hidden state of its own on the heap.
    ///
    /// ```
    /// use rnnlm::{Config, Predictor, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut predictor = Predictor::new(model.weights())?;
    /// assert_eq!(predictor.feed(2)?, model.predictor()?.feed(2)?);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::ShapesDiffer`] for matrices that are not those of one model, [`ConfigError::OutOfMemory`].
    pub fn new<P: ModelWeights<'w>>(weights: P) -> Result<Predictor<'w, Floats, P::Cell>, ConfigError> {
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        config.check()?;
        let buffer = AlignedVec::zeroed(config.checked_sizes().prediction(P::Cell::SIZES))?;
        Predictor::on(Isa::detect(), config, weights.slices(), buffer)
    }
}

impl<'w, B: Storage> Predictor<'w, B> {
    /// A predictor over these weights, in memory of the caller of [`Memory::prediction`](crate::Memory::prediction)
    /// floats, with a zero hidden state.
    ///
    /// ```
    /// use rnnlm::{Config, Predictor, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut memory = vec![0.0; config.memory()?.prediction];
    /// let mut predictor = Predictor::with_buffers(model.weights(), &mut memory[..])?;
    /// assert_eq!(predictor.feed(2)?.len(), 5);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for memory of another length, [`ConfigError::ShapesDiffer`] for matrices that are
    /// not those of one model.
    pub fn with_buffers<P: ModelWeights<'w>>(weights: P, buffer: B) -> Result<Predictor<'w, B, P::Cell>, ConfigError> {
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        Predictor::on(Isa::detect(), config, weights.slices(), buffer)
    }
}

impl<'w, B: Storage, C: Cell> Predictor<'w, B, C> {
    /// On this instruction set: no other is looked for.
    #[inline(always)]
    fn on(isa: Isa, config: Config, weights: Weights<&'w [f32]>, buffer: B) -> Result<Self, ConfigError> {
        config.check()?;
        ConfigError::check_len(config.checked_sizes().prediction(C::SIZES), buffer.as_ref().len())?;
        let d = config.wordvec_size;
        let mut predictor = Self { isa, temperature: 1.0, d, weights, buffer, cell: PhantomData };
        predictor.reset_state();
        Ok(predictor)
    }

    /// Computes on this instruction set instead of the detected one; the results are the same.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Divides the logits by this: below 1 the likely words become likelier, above 1 all become more alike. At 0 the
    /// likeliest word, of equals the one with the lowest id, has probability 1 and all others 0. A greedy choice that
    /// leaves words out is [`Sampler::with_top`](crate::Sampler::with_top) of one, at temperature 1, and faster.
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let largest = |p: &[f32]| p.iter().copied().fold(0.0, f32::max);
    /// let plain = largest(model.predictor()?.feed(1)?);
    /// assert!(largest(model.predictor()?.with_temperature(0.5)?.feed(1)?) > plain);
    /// assert_eq!(largest(model.predictor()?.with_temperature(0.0)?.feed(1)?), 1.0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ParameterError::Temperature`] unless it is 0, or finite and at least 3e-39.
    pub fn with_temperature(self, temperature: f32) -> Result<Self, ParameterError> {
        Ok(Self { temperature: checked_temperature(temperature)?, ..self })
    }

    /// Forgets what was read.
    pub fn reset_state(&mut self) {
        clear(self.buffer.as_mut());
    }

    /// The hidden state (H), behind it that of an LSTM's cell (H): all that the predictor knows of what was read.
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut predictor = model.predictor()?;
    /// predictor.feed(0)?;
    /// let read: Vec<f32> = predictor.state().to_vec();
    /// let after_1 = predictor.feed(1)?.to_vec();
    /// predictor.set_state(&read)?; // what if 2 had come?
    /// assert_ne!(predictor.feed(2)?, after_1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> &[f32] {
        self.buffer.as_ref().get(..self.states_and_words()[0]).unwrap_or(&[])
    }

    /// Sets the hidden state (H): one from [`Self::state`], or a row of
    /// [`SimpleRnnlm::state`](crate::SimpleRnnlm::state), with that of an LSTM's cell.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_state(&mut self, state: &[f32]) -> Result<(), StepError> {
        let [needed, _] = self.states_and_words();
        match self.buffer.as_mut().get_mut(..needed) {
            Some(own) if state.len() == needed => {
                copy(own, state);
                Ok(())
            }
            _ => Err(StepError::Length { needed, given: state.len() }),
        }
    }

    /// Reads one token and returns the probability of each word of the vocabulary to be the next: 0 for a word whose
    /// logit lies more than 55.8 below the largest.
    ///
    /// # Errors
    /// An id not below V; [`StepError::NonFinitePrediction`] for weights or a state that give no finite probabilities:
    /// what was read is then forgotten.
    pub fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        let sharpness = 1.0 / self.temperature;
        let [states, _] = self.states_and_words();
        let (isa, weights, buffer) = (self.isa, &self.weights, self.buffer.as_mut());
        let Err(error) = C::feed(isa, weights, self.d, id, buffer, sharpness) else { return Ok(self.probabilities()) };
        if error == StepError::NonFinitePrediction {
            if sharpness != 1.0 && predict_from_distances(isa, weights, states, buffer, sharpness).is_ok() {
                return Ok(self.probabilities());
            }
            clear(buffer);
        }
        Err(error)
    }

    /// What the last [`Self::feed`] returned.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let [h, v] = self.states_and_words();
        self.buffer.as_ref().get(h..h + v).unwrap_or(&[])
    }

    /// H, once for each state, and V.
    fn states_and_words(&self) -> [usize; 2] {
        [self.weights.rnn_b.len() / C::SIZES.gates * C::SIZES.states, self.weights.affine_b.len()]
    }
}

impl<B, C: Cell> fmt::Debug for Predictor<'_, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// The temperature without its sign; an error unless it is 0, or finite with a finite inverse.
#[inline(always)]
pub(super) fn checked_temperature(temperature: f32) -> Result<f32, ParameterError> {
    // the smallest have no finite inverse
    let is_positive = temperature > 0.0 && temperature.is_finite() && (1.0 / temperature).is_finite();
    // not -0, whose inverse is negative
    if is_positive || temperature == 0.0 { Ok(temperature.abs()) } else { Err(ParameterError::Temperature) }
}

/// The probabilities anew, behind a `feed` in which the largest scaled logit overflowed: that says nothing about
/// their distances. At temperature 0, where the factor is infinite, each does: so the usual case has no test for it.
#[cold]
fn predict_from_distances(
    isa: Isa,
    weights: &Weights<&[f32]>,
    states: usize,
    buffer: &mut [f32],
    sharpness: f32,
) -> Result<(), StepError> {
    let &Weights { affine_w, affine_b, .. } = weights;
    let (h, rest) = buffer.split_at_mut_checked(states).ok_or(StepError::OtherSizes)?;
    let h = part_mut(h, ..affine_w.len() / affine_b.len().max(1));
    let logits = part_mut(rest, ..affine_b.len());
    isa.run(Logits { h, affine_w, affine_b, logits });
    let is_greedy = sharpness == f32::INFINITY;
    if !is_greedy {
        scale_distances(logits, sharpness);
    }
    if !isa.run(Softmax(logits)).is_finite() {
        return Err(StepError::NonFinitePrediction);
    }
    if is_greedy {
        keep_likeliest(logits);
    }
    Ok(())
}

/// The logits (V) of h.
struct Logits<'a> {
    h: &'a [f32],
    affine_w: &'a [f32],
    affine_b: &'a [f32],
    logits: &'a mut [f32],
}

impl Kernel for Logits<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { h, affine_w, affine_b, logits } = self;
        Gemv { k: h.len(), n: logits.len(), a: h, b: affine_w, c: logits, start: Start::Bias(affine_b) }.run(s);
    }
}

/// The likeliest word becomes certain, of equals the first.
fn keep_likeliest(probabilities: &mut [f32]) {
    let mut likeliest = [Candidate::default()];
    let likeliest = top(probabilities, &[], &mut likeliest).first().map(|c| c.id);
    for (id, p) in (0..).zip(probabilities) {
        *p = if Some(id) == likeliest { 1.0 } else { 0.0 };
    }
}

/// x = factor (x - max), and no less than where the exponential is 0. NaN stays.
fn scale_distances(x: &mut [f32], factor: f32) {
    const LEAST: f32 = -200.0;
    let max = x.iter().fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max });
    for x in x {
        let scaled = factor * (*x - max);
        // Compared as integers: of a loop that selects floats the compiler makes a relaxed maximum where WebAssembly
        // has one, and that loses a NaN.
        let is_less = (LEAST.to_bits()..=f32::NEG_INFINITY.to_bits()).contains(&scaled.to_bits());
        *x = if is_less { LEAST } else { scaled };
    }
}
