//! The probabilities of the next word, from int8 weights.

use core::fmt;

use super::{
    arithmetic::{NATS, ONE, UNITS, tanh},
    weights::{Quantized, Rows, parts},
};
#[cfg(feature = "alloc")]
use crate::heap::AlignedVec;
use crate::{
    config::Config,
    error::{ConfigError, ParameterError, StepError},
    heap::Floats,
    kernels::{Sum, clear, ln},
    model::{parameters::Storage, score::TokenScore},
    prediction::predictor::checked_temperature,
    simd::{
        Isa, Kernel, Scalar, Simd,
        int8::{as_halves, as_halves_mut, as_integers, powers::exponentials_of},
    },
};

/// Rows of the recurrence whose sums are taken together.
const BLOCK: usize = 16;

/// [`Predictor`](crate::Predictor) over int8 weights: reads a text token by token and tells how likely each word is to
/// come next.
///
/// Needs [`Quantized::buffer_len`] floats of its own, H / 2 + V unless V is small. Work per token: DH + HH + HV
/// multiplications of integers, and every output weight, a byte, is read once. [`top`](crate::top) lists the likeliest
/// words, [`Sampler`](crate::Sampler) draws one. The same bits on every machine; other bits than those of the f32
/// weights.
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
pub struct QuantizedPredictor<'w, B = Floats> {
    isa: Isa,
    temperature: f32,
    weights: Quantized<'w>,
    buffer: B,
}

#[cfg(feature = "alloc")]
impl<'w> QuantizedPredictor<'w> {
    /// A predictor over these weights, with a zero hidden state of its own on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses it.
    pub fn new(weights: Quantized<'w>) -> Result<Self, ConfigError> {
        Self::with_buffers(weights, AlignedVec::zeroed(Quantized::buffer_len(weights.config())?)?)
    }
}

impl<'w, B: Storage> QuantizedPredictor<'w, B> {
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
    pub fn with_buffers(weights: Quantized<'w>, buffer: B) -> Result<Self, ConfigError> {
        // of sizes that were checked where the weights came from
        let [state_len, _, rest_len] = parts(&weights.config.checked_sizes());
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

    /// The hidden state (H), 23,637 for 1: all that the predictor knows of what was read.
    ///
    /// ```
    /// # use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// # let mut file = vec![0; Quantized::encoded_len(config, 0)?];
    /// # Quantized::write(&model.weights(), "", &mut file)?;
    /// let mut predictor = QuantizedPredictor::new(Quantized::read(&file)?)?;
    /// predictor.feed(0)?;
    /// let read: Vec<i16> = predictor.state().to_vec();
    /// let after_1 = predictor.feed(1)?.to_vec();
    /// predictor.set_state(&read)?;
    /// assert_eq!(predictor.feed(1)?, after_1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> &[i16] {
        as_halves(self.buffer.as_ref()).get(..self.weights.config.hidden_size).unwrap_or(&[])
    }

    /// Sets the hidden state (H): one from [`Self::state`]. What lies beyond 23,637 either way counts as that.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_state(&mut self, state: &[i16]) -> Result<(), StepError> {
        let (needed, given) = (self.weights.config.hidden_size, state.len());
        let own = as_halves_mut(self.buffer.as_mut()).get_mut(..needed).filter(|own| own.len() == given);
        let own = own.ok_or(StepError::Length { needed, given })?;
        let one = ONE as i16;
        own.iter_mut().zip(state).for_each(|(own, &x)| *own = x.max(-one).min(one));
        Ok(())
    }

    /// Reads one token and returns the probability of each word of the vocabulary to be the next: 0 for a word that is
    /// less than 2^-30 times as likely as the likeliest. Of two words the one with the larger logit has no smaller
    /// probability, and at temperature 1 a larger one where both are above 2^-13 of the largest.
    ///
    /// # Errors
    /// An id not below V.
    pub fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        let (isa, sharpness) = (self.isa, 1.0 / self.temperature);
        let logits = read(isa, &self.weights, id, self.buffer.as_mut())?;
        isa.run(Probabilities { logits, sharpness });
        Ok(self.probabilities())
    }

    /// What the last [`Self::feed`] returned; of no meaning behind [`Self::score`], which needs the memory.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        let Config { vocab_size: v, hidden_size: h, .. } = self.weights.config;
        self.buffer.as_ref().get(h.div_ceil(2)..).and_then(|rest| rest.get(..v)).unwrap_or(&[])
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
            let logits = read(self.isa, &self.weights, id, self.buffer.as_mut())?;
            let score = score(self.isa, logits, next).ok_or(StepError::IdOutOfRange { id: next })?;
            sum.add(score.loss);
            visit(score);
        }
        Ok(sum.mean(tokens.len() - 1))
    }
}

impl<B> fmt::Debug for QuantizedPredictor<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuantizedPredictor").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// Reads one token: a hidden state is in `buffer`, and then the logits (V), which are given.
fn read<'b>(isa: Isa, weights: &Quantized<'_>, id: u32, buffer: &'b mut [f32]) -> Result<&'b mut [i32], StepError> {
    let Config { vocab_size: v, wordvec_size: d, hidden_size, .. } = weights.config;
    let place = id as usize;
    let first = place.saturating_mul(d);
    let vector = weights.embed_w.weights.get(first..).and_then(|rest| rest.get(..d));
    let (Some(vector), Some(&scale)) = (vector, weights.embed_w.scales.get(place)) else {
        return Err(StepError::IdOutOfRange { id });
    };
    let [state_len, vector_len, _] = parts(&weights.config.checked_sizes());
    let (state, rest) = buffer.split_at_mut_checked(state_len).ok_or(StepError::OtherSizes)?;
    let h = as_halves_mut(state).get_mut(..hidden_size).ok_or(StepError::OtherSizes)?;
    {
        // where the logits will be
        let (x, next) = rest.split_at_mut_checked(vector_len).ok_or(StepError::OtherSizes)?;
        let x = as_halves_mut(x).get_mut(..d).ok_or(StepError::OtherSizes)?;
        let next = as_halves_mut(next).get_mut(..hidden_size).ok_or(StepError::OtherSizes)?;
        x.iter_mut().zip(vector).for_each(|(to, &byte)| *to = i16::from(byte as i8));
        isa.run(Recurrence { weights, x, factor: f32::from_le_bytes(scale) * UNITS, h, next });
        h.iter_mut().zip(next).for_each(|(to, x)| *to = *x);
    }
    let logits = as_integers(rest).get_mut(..v).ok_or(StepError::OtherSizes)?;
    isa.run(Logits { rows: &weights.affine_w, h, logits });
    Ok(logits)
}

/// next = ONE tanh(Wx x + Wh h + b)
struct Recurrence<'a> {
    weights: &'a Quantized<'a>,
    x: &'a [i16],
    /// What 1 in x is, in the argument of tanh.
    factor: f32,
    h: &'a [i16],
    next: &'a mut [i16],
}

impl Kernel for Recurrence<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { weights: &Quantized { rnn_wx, rnn_wh, .. }, x, factor, h, mut next } = self;
        let (mut of_x, mut of_h) = (rnn_wx.weights, rnn_wh.weights);
        let mut scales = rnn_wx.scales().zip(rnn_wh.scales()).zip(rnn_wh.biases());
        while !next.is_empty() {
            let count = if next.len() < BLOCK { next.len() } else { BLOCK };
            let (block, after) = next.split_at_mut_checked(count).unwrap_or_default();
            let (mut xs, mut hs) = ([0; BLOCK], [0; BLOCK]);
            let (rows, rest) = of_x.split_at_checked(count * x.len()).unwrap_or_default();
            s.dot_rows(rows, x, xs.get_mut(..count).unwrap_or(&mut []));
            of_x = rest;
            let (rows, rest) = of_h.split_at_checked(count * h.len()).unwrap_or_default();
            s.dot_rows(rows, h, hs.get_mut(..count).unwrap_or(&mut []));
            of_h = rest;
            // the block first: where it ends, the next one's scales must still be there
            let sums = block.iter_mut().zip(xs.into_iter().zip(hs));
            for ((to, (x, h)), ((x_scale, h_scale), bias)) in sums.zip(&mut scales) {
                let y = s.scaled_sums([x, h.wrapping_add(bias)], [x_scale, factor, h_scale]);
                *to = tanh(y) as i16;
            }
            next = after;
        }
    }
}

/// W h + b, in 2^-14 of a power of two.
struct Logits<'a> {
    rows: &'a Rows<'a>,
    h: &'a [i16],
    logits: &'a mut [i32],
}

impl Kernel for Logits<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { rows, h, logits } = self;
        s.dot_rows(rows.weights, h, logits);
        s.scale_sums(logits, rows.biases, rows.scales);
    }
}

/// Turns logits into the bits of probabilities.
struct Probabilities<'a> {
    logits: &'a mut [i32],
    /// 1 / temperature
    sharpness: f32,
}

impl Kernel for Probabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { logits, sharpness } = self;
        let max = maximum(logits);
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

#[inline(always)]
fn maximum(logits: &[i32]) -> i32 {
    logits.iter().fold(i32::MIN, |max, &x| max.max(x))
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

/// How well `id` was foreseen; `None` where there is no such word. The logits become exponentials.
fn score(isa: Isa, logits: &mut [i32], id: u32) -> Option<TokenScore> {
    let (before, [logit, after @ ..]) = logits.split_at_checked(id as usize)? else { return None };
    let logit = *logit;
    let ahead = before.iter().filter(|&&x| x >= logit).count() + after.iter().filter(|&&x| x > logit).count();
    let (sum, max) = isa.run(Exponentials(logits));
    let distance = max.wrapping_sub(logit) as u32;
    // e of the largest is 2^30
    let loss = ln(Scalar, sum as f32 * (1.0 / 1_073_741_824.0)) + distance as f32 * NATS;
    Some(TokenScore { id, loss, rank: ahead + 1 })
}

/// Turns logits into exponentials; gives their sum and the largest logit.
struct Exponentials<'a>(&'a mut [i32]);

impl Kernel for Exponentials<'_> {
    type Output = (u64, i32);

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> (u64, i32) {
        let max = maximum(self.0);
        (s.exponentials(self.0, max), max)
    }
}
