//! The probabilities of the next word.

use core::fmt;

use crate::{
    config::Sizes,
    error::{ConfigError, StepError},
    kernels::{Into, Left, Right, Softmax, Tanh, product},
    model::SimpleRnnlm,
    parameters::{Parameters, Storage},
    simd::{Isa, Kernel, Simd},
};

/// Reads a text token by token and tells how likely each word is to come next.
///
/// Borrows the model's weights and needs H + max(H, V) floats of its own. Work per token: 2 (DH + HH + HV) flop.
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut predictor = model.predictor()?;
/// predictor.feed(0)?;
/// let probabilities = predictor.feed(3)?;
/// assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Predictor<'m, B> {
    sizes: Sizes,
    isa: Isa,
    weights: Parameters<&'m [f32]>,
    buffer: B,
}

#[cfg(feature = "alloc")]
impl<M: Storage> SimpleRnnlm<M> {
    /// A predictor over this model's weights, with a zero hidden state of its own on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses it.
    pub fn predictor(&self) -> Result<Predictor<'_, alloc::vec::Vec<f32>>, ConfigError> {
        let sizes = self.sizes();
        Predictor::with_buffer(self, crate::heap::filled(sizes.h + sizes.h.max(sizes.v), 0.0)?)
    }
}

impl<'m, B: Storage> Predictor<'m, B> {
    /// A predictor whose memory is the caller's: H + max(H, V) floats.
    ///
    /// ```
    /// use rnnlm::{Config, Predictor, SimpleRnnlm, Xorshift};
    /// let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut memory = [0.0; 4 + 5];
    /// let mut predictor = Predictor::with_buffer(&model, &mut memory[..])?;
    /// assert_eq!(predictor.feed(2)?.len(), 5);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for another length.
    pub fn with_buffer<M: Storage>(model: &'m SimpleRnnlm<M>, buffer: B) -> Result<Self, ConfigError> {
        let sizes = model.sizes();
        let (needed, given) = (sizes.h + sizes.h.max(sizes.v), buffer.as_ref().len());
        if needed != given {
            return Err(ConfigError::BufferLength { needed, given });
        }
        let mut predictor = Self { sizes, isa: model.isa(), weights: model.weights(), buffer };
        predictor.reset_state();
        Ok(predictor)
    }

    /// Forgets what was read.
    pub fn reset_state(&mut self) {
        self.buffer.as_mut().fill(0.0);
    }

    /// Reads one token and returns the probability of each word of the vocabulary to be the next.
    ///
    /// # Errors
    /// An id not below V; weights that give no finite probabilities: what was read is then forgotten.
    pub fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        let v = self.sizes.v;
        let vector = self.weights.embed_w.row(id as usize).ok_or(StepError::IdOutOfRange { id })?;
        let (h, rest) = self
            .buffer
            .as_mut()
            .split_at_mut_checked(self.sizes.h)
            .filter(|(_, rest)| rest.len() >= self.sizes.h.max(v))
            .ok_or(StepError::OtherSizes)?;
        let finite = feed(self.isa, Feed { sizes: self.sizes, weights: self.weights, vector, h, rest });
        if !finite {
            self.reset_state();
            return Err(StepError::NonFiniteLoss);
        }
        Ok(self.buffer.as_ref().get(self.sizes.h..self.sizes.h + v).unwrap_or(&[]))
    }
}

impl<B> fmt::Debug for Predictor<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// Compiled once, with this crate, whatever the storage.
fn feed(isa: Isa, pass: Feed<'_>) -> bool {
    isa.run(pass)
}

/// h = tanh(b + x Wx + h Wh), then the softmax of the logits of h into the first V of `rest`.
struct Feed<'a> {
    sizes: Sizes,
    weights: Parameters<&'a [f32]>,
    vector: &'a [f32],
    h: &'a mut [f32],
    rest: &'a mut [f32],
}

impl Kernel for Feed<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { sizes: Sizes { v, d, h: hidden, .. }, weights: w, vector, h, rest } = self;
        // the new state is built where the logits will stand
        let z = &mut rest[..hidden];
        product(
            s,
            [1, d, hidden],
            Left::rows(vector, d),
            Right::Rows(w.rnn_wx.as_slice()),
            z,
            Into::Bias(w.rnn_b.as_slice()),
        );
        product(s, [1, hidden, hidden], Left::rows(h, hidden), Right::Rows(w.rnn_wh.as_slice()), z, Into::Continue);
        s.run(Tanh(z));
        h.copy_from_slice(z);
        let logits = &mut rest[..v];
        let bias = Into::Bias(w.affine_b.as_slice());
        product(s, [1, hidden, v], Left::rows(h, hidden), Right::Rows(w.affine_w.as_slice()), logits, bias);
        s.run(Softmax(logits)).is_finite()
    }
}
