//! The probabilities of the next word, from int8 weights.

use core::{fmt, marker::PhantomData};

use super::{
    arithmetic::{NATS, UNITS},
    cell::{QuantizedCell, Step},
    rows::Rows,
    weights::{Quantized, parts, state_len},
};
#[cfg(feature = "alloc")]
use crate::heap::AlignedVec;
use crate::{
    config::Config,
    error::{ConfigError, ParameterError, StepError},
    heap::Floats,
    kernels::{Sum, clear, ln},
    layers::time_rnn::TanhCell,
    model::{parameters::Storage, score::TokenScore},
    prediction::predictor::checked_temperature,
    simd::{
        Isa, Kernel, Scalar, Simd,
        int8::{as_halves_mut, as_integers_mut, powers::exponentials_of},
    },
};

/// [`Predictor`](crate::Predictor) over int8 weights: reads a text token by token and tells how likely each word is to
/// come next.
///
/// Needs [`Quantized::buffer_len`] floats of its own, H / 2 + V unless V is small, and H more for an LSTM. Work per
/// token: DH + HH + HV multiplications of integers, with 4 H in place of the first and the last H of the recurrence for
/// an LSTM, and every output weight, a byte, is read once. [`top`](crate::top) lists the likeliest words,
/// [`Sampler`](crate::Sampler) draws one. The same bits on every machine; other bits than those of the f32 weights.
///
/// ```
/// use rnnlm::{Candidate, Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift, top};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut file = vec![0; Quantized::encoded_len(config, 0)?];
/// Quantized::write(&model.weights(), "", &mut file)?;
///
/// let mut predictor = QuantizedPredictor::new(Quantized::read(&file)?)?;
/// predictor.feed(0)?;
/// let mut best = [Candidate::default(); 2];
/// assert!(top(predictor.feed(3)?, &[], &mut best)[0].probability > 0.2);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct QuantizedPredictor<'w, B = Floats, C: QuantizedCell = TanhCell> {
    isa: Isa,
    temperature: f32,
    pub(super) weights: Quantized<'w, C>,
    pub(super) buffer: B,
}

#[cfg(feature = "alloc")]
impl<'w, C: QuantizedCell> QuantizedPredictor<'w, Floats, C> {
    /// A predictor over these weights, with a zero hidden state of its own on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses it.
    pub fn new(weights: Quantized<'w, C>) -> Result<Self, ConfigError> {
        Self::with_buffers(weights, AlignedVec::zeroed(Quantized::<C>::buffer_len_as(weights.config())?)?)
    }
}

impl<'w, B: Storage, C: QuantizedCell> QuantizedPredictor<'w, B, C> {
    /// A predictor over these weights, in memory of the caller of [`Quantized::buffer_len`] floats, with a zero hidden
    /// state.
    ///
    /// ```
    /// # use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// const LEN: usize = match Quantized::buffer_len(CONFIG) {
    ///     Ok(len) => len,
    ///     Err(_) => panic!("bad sizes"), // at compile time
    /// };
    /// # let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1))?;
    /// # let mut file = vec![0; Quantized::encoded_len(CONFIG, 0)?];
    /// # Quantized::write(&model.weights(), "", &mut file)?;
    /// let mut predictor = QuantizedPredictor::with_buffers(Quantized::read(&file)?, [0.0; LEN])?;
    /// assert_eq!(predictor.feed(2)?.len(), 5);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for memory of another length.
    pub fn with_buffers(weights: Quantized<'w, C>, buffer: B) -> Result<Self, ConfigError> {
        // of sizes that were checked where the weights came from
        let [state_len, _, rest_len] = parts::<C>(&weights.config.checked_sizes());
        ConfigError::check_len(state_len + rest_len, buffer.as_ref().len())?;
        let mut predictor = Self { isa: Isa::detect(), temperature: 1.0, weights, buffer };
        predictor.reset_state();
        Ok(predictor)
    }

    /// Computes on this instruction set instead of the detected one; the results are the same.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// Divides the logits by this, as [`Predictor::with_temperature`](crate::Predictor::with_temperature).
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

    /// Reads one token and returns the probability of each word of the vocabulary to be the next: 0 for a word that is
    /// less than 2^-30 times as likely as the likeliest. Of two words the one with the larger logit has no smaller
    /// probability, and at temperature 1 a larger one where both are above 2^-13 of the largest.
    ///
    /// # Errors
    /// An id not below V.
    pub fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        let (isa, sharpness) = (self.isa, 1.0 / self.temperature);
        let (logits, max) = read(isa, &self.weights, id, self.buffer.as_mut())?;
        isa.run(Probabilities { logits, max, sharpness });
        Ok(self.probabilities())
    }

    /// What the last [`Self::feed`] returned; of no meaning behind [`Self::score`], which needs the memory.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let Config { vocab_size: v, hidden_size, .. } = self.weights.config;
        self.buffer.as_ref().get(state_len::<C>(hidden_size)..).and_then(|rest| rest.get(..v)).unwrap_or(&[])
    }

    /// The mean loss over a whole text from a zero state, every token after the first predicted once, as
    /// [`SimpleRnnlm::score`](crate::SimpleRnnlm::score): shows the score of each. Whatever the temperature, which
    /// stays. No loss is infinite. Afterwards all of the text but its last token has been read.
    ///
    /// ```
    /// # use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift, perplexity};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// # let mut file = vec![0; Quantized::encoded_len(config, 0)?];
    /// # Quantized::write(&model.weights(), "", &mut file)?;
    /// let mut predictor = QuantizedPredictor::new(Quantized::read(&file)?)?;
    /// let mut known = 0;
    /// let loss = predictor.score(&[0, 1, 2, 4, 3], |score| known += usize::from(score.rank == 1))?;
    /// assert!((perplexity(loss) - 5.0).abs() < 0.5 && known < 5);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two tokens, ids not below V: what comes before such an id is scored and read.
    pub fn score(&mut self, tokens: &[u32], mut visit: impl FnMut(TokenScore)) -> Result<f32, StepError> {
        if tokens.len() < 2 {
            return Err(StepError::Length { needed: 2, given: tokens.len() });
        }
        self.reset_state();
        let mut sum = Sum::default();
        for (&id, &next) in tokens.iter().zip(tokens.iter().skip(1)) {
            let (logits, max) = read(self.isa, &self.weights, id, self.buffer.as_mut())?;
            let score = score(self.isa, logits, max, next).ok_or(StepError::IdOutOfRange { id: next })?;
            sum.add(score.loss);
            visit(score);
        }
        Ok(sum.mean(tokens.len() - 1))
    }
}

impl<B, C: QuantizedCell> fmt::Debug for QuantizedPredictor<'_, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuantizedPredictor").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// Reads one token: the states are in `buffer`, and then the logits (V), which are given with the largest of them.
fn read<'b, C: QuantizedCell>(
    isa: Isa,
    weights: &Quantized<'_, C>,
    id: u32,
    buffer: &'b mut [f32],
) -> Result<(&'b mut [i32], i32), StepError> {
    let Config { vocab_size: v, wordvec_size: d, hidden_size, .. } = weights.config;
    let place = id as usize;
    let first = place.saturating_mul(d);
    let vector = weights.embed_w.weights.get(first..).and_then(|rest| rest.get(..d));
    let (Some(vector), Some(&scale)) = (vector, weights.embed_w.scales.get(place)) else {
        return Err(StepError::IdOutOfRange { id });
    };
    let [state_len, vector_len, _] = parts::<C>(&weights.config.checked_sizes());
    let (states, rest) = buffer.split_at_mut_checked(state_len).ok_or(StepError::OtherSizes)?;
    let (h, others) = states.split_at_mut_checked(hidden_size.div_ceil(2)).ok_or(StepError::OtherSizes)?;
    let h = as_halves_mut(h).get_mut(..hidden_size).ok_or(StepError::OtherSizes)?;
    {
        // where the logits will be
        let (x, next) = rest.split_at_mut_checked(vector_len).ok_or(StepError::OtherSizes)?;
        let x = as_halves_mut(x).get_mut(..d).ok_or(StepError::OtherSizes)?;
        let next = as_halves_mut(next).get_mut(..hidden_size).ok_or(StepError::OtherSizes)?;
        x.iter_mut().zip(vector).for_each(|(to, &byte)| *to = i16::from(byte as i8));
        let (factor, others) = (f32::from_le_bytes(scale) * UNITS, as_integers_mut(others));
        let step = Step { wx: &weights.rnn_wx, wh: &weights.rnn_wh, x, factor, h, others, next };
        isa.run(Recurrence { step, cell: PhantomData::<C> });
        h.iter_mut().zip(next).for_each(|(to, x)| *to = *x);
    }
    let logits = as_integers_mut(rest).get_mut(..v).ok_or(StepError::OtherSizes)?;
    let max = isa.run(Logits { rows: &weights.affine_w, h, logits });
    Ok((logits, max))
}

/// The recurrence of a cell.
struct Recurrence<'a, C> {
    step: Step<'a>,
    cell: PhantomData<C>,
}

impl<C: QuantizedCell> Kernel for Recurrence<'_, C> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        C::next_states(s, self.step);
    }
}

/// W h + b, in 2^-14 of a power of two. Gives the largest.
struct Logits<'a> {
    rows: &'a Rows<'a>,
    h: &'a [i16],
    logits: &'a mut [i32],
}

impl Kernel for Logits<'_> {
    type Output = i32;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> i32 {
        let Self { rows, h, logits } = self;
        s.dot_rows(rows.weights, h, logits);
        s.scale_sums(logits, rows.biases, rows.scales)
    }
}

/// Turns logits into the bits of probabilities.
struct Probabilities<'a> {
    logits: &'a mut [i32],
    max: i32,
    /// 1 / temperature
    sharpness: f32,
}

impl Kernel for Probabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { logits, max, sharpness } = self;
        let sum = if sharpness == 1.0 {
            s.exponentials(logits, max)
        } else {
            let sum = exponentials_of(logits, max, |d| (d as f32 * sharpness) as u32);
            if sharpness == f32::INFINITY { keep_first(logits) } else { sum }
        };
        let share = 1.0 / sum as f32;
        for x in logits {
            *x = s.share(*x, share).to_bits() as i32;
        }
    }
}

/// Of those above zero the first stays; all others become zero. Gives what stays.
#[cold]
fn keep_first(exponentials: &mut [i32]) -> u64 {
    let mut kept = 0;
    for e in exponentials {
        *e = if kept == 0 { *e } else { 0 };
        kept = kept.max(*e);
    }
    kept as u64
}

/// How well `id` was foreseen; `None` where there is no such word. `max` is the largest logit. The logits become
/// exponentials.
fn score(isa: Isa, logits: &mut [i32], max: i32, id: u32) -> Option<TokenScore> {
    let (before, [logit, after @ ..]) = logits.split_at_checked(id as usize)? else { return None };
    let logit = *logit;
    let ahead = before.iter().filter(|&&x| x >= logit).count() + after.iter().filter(|&&x| x > logit).count();
    let sum = isa.run(Exponentials { logits, max });
    let distance = max.wrapping_sub(logit) as u32;
    // e of the largest is 2^30
    let loss = ln(Scalar, sum as f32 * (1.0 / 1_073_741_824.0)) + distance as f32 * NATS;
    Some(TokenScore { id, loss, rank: ahead + 1 })
}

/// Turns logits into exponentials; gives their sum.
struct Exponentials<'a> {
    logits: &'a mut [i32],
    max: i32,
}

impl Kernel for Exponentials<'_> {
    type Output = u64;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> u64 {
        s.exponentials(self.logits, self.max)
    }
}
