//! Stored gradients, for those who clip or look at them.

use core::marker::PhantomData;

use super::{
    parameters::{LstmParameters, Parameters, Storage},
    shared::Crew,
    step::Cell,
    workspace::{WeightSlices, split},
};
#[cfg(feature = "alloc")]
use crate::heap::AlignedVec;
use crate::{
    config::{Config, Sizes},
    error::{ConfigError, ParameterError, StepError},
    heap::Floats,
    kernels::{Alone, Norm, Scale, Team, pass_by},
    layers::{time_lstm::LstmCell, time_rnn::TanhCell},
    simd::Isa,
};

/// The gradient of every weight, by the same names and in the same order as the weights. Training in place
/// ([`Window::sgd`](crate::Window::sgd)) needs none.
///
/// ```
/// use rnnlm::{Config, Gradients};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let gradients = Gradients::with_buffers(config, vec![0.0; config.memory()?.weights])?;
/// assert_eq!(gradients.parameters().rnn_wh.rows(), 4);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
///
/// Those of an LSTM model say so in their type:
///
/// ```
/// use rnnlm::{Config, Gradients, LstmCell, Rnnlm, Sgd, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = Rnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut gradients = Gradients::<_, LstmCell>::new_as(config)?;
/// model.forward(&[0, 1], &[1, 2])?.backward(&mut gradients)?;
/// assert_eq!(gradients.parameters().lstm_wh.cols(), 16);
/// Sgd::new(0.1)?.update(&mut model, &gradients)?;
/// # Ok::<(), rnnlm::Error>(())
/// ```
#[doc(alias = "grads")]
#[derive(Clone, Debug)]
pub struct Gradients<G = Floats, C = TanhCell> {
    sizes: Sizes,
    isa: Isa,
    block: G,
    cell: PhantomData<C>,
}

#[cfg(feature = "alloc")]
impl Gradients<AlignedVec> {
    /// Zero gradients on the heap.
    ///
    /// # Errors
    /// Bad sizes, or memory that the allocator refuses.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::new_as(config)
    }
}

#[cfg(feature = "alloc")]
impl<C: Cell> Gradients<AlignedVec, C> {
    /// `Gradients::new` for the cell that the type says.
    ///
    /// # Errors
    /// As `Gradients::new`.
    pub fn new_as(config: Config) -> Result<Self, ConfigError> {
        Self::with_buffers_as(config, AlignedVec::zeroed(config.memory_of::<C>()?.weights)?)
    }
}

impl<G: Storage> Gradients<G> {
    /// Gradients over memory of the caller, as many elements as the weights.
    ///
    /// # Errors
    /// Bad sizes, or a buffer of another length.
    pub fn with_buffers(config: Config, block: G) -> Result<Self, ConfigError> {
        Self::with_buffers_as(config, block)
    }

    /// Every gradient by name.
    #[must_use]
    pub fn parameters(&self) -> Parameters<&[f32]> {
        Parameters::of(&self.sizes, self.block.as_ref()).unwrap_or_else(Parameters::empty)
    }
}

impl<G: Storage> Gradients<G, LstmCell> {
    /// Every gradient by name.
    #[must_use]
    pub fn parameters(&self) -> LstmParameters<&[f32]> {
        LstmParameters::of(&self.sizes, self.block.as_ref()).unwrap_or_else(LstmParameters::empty)
    }
}

impl<G: Storage, C: Cell> Gradients<G, C> {
    /// `Gradients::with_buffers` for the cell that the type says.
    ///
    /// ```
    /// use rnnlm::{Config, Gradients, LstmCell};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let memory = vec![0.0; config.memory_of::<LstmCell>()?.weights];
    /// let gradients = Gradients::<_, LstmCell>::with_buffers_as(config, memory)?;
    /// assert_eq!(gradients.parameters().lstm_wx.cols(), 16);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As `Gradients::with_buffers`.
    pub fn with_buffers_as(config: Config, block: G) -> Result<Self, ConfigError> {
        let sizes = config.sizes(C::SIZES)?;
        ConfigError::check_len(config.memory_of::<C>()?.weights, block.as_ref().len())?;
        Ok(Self { sizes, isa: Isa::detect(), block, cell: PhantomData })
    }

    /// The global norm: the length of all gradients taken as one vector. Two passes over them.
    ///
    /// ```
    /// use rnnlm::{Config, Gradients, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut gradients = Gradients::new(config)?;
    /// model.forward(&[0, 1], &[1, 2])?.backward(&mut gradients)?;
    /// assert!(gradients.norm() > 0.25);
    /// gradients.clip(0.25)?;
    /// assert!((gradients.norm() - 0.25).abs() < 1e-5);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn norm(&self) -> f32 {
        norm(self.isa, self.block.as_ref())
    }

    /// Gradient clipping: where the global norm exceeds `max_norm`, scales all gradients by max_norm / (norm + 1e-6)
    /// (Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013, with the
    /// small term of the book's `clip_grads`). Returns the norm before. Up to three passes over the gradients.
    ///
    /// # Errors
    /// [`ParameterError::MaxNorm`] unless `max_norm` is above zero, [`StepError::NonFiniteUpdate`] where the norm is
    /// NaN or infinite; the gradients are then as they were.
    #[doc(alias = "clip_grads")]
    pub fn clip(&mut self, max_norm: f32) -> Result<f32, StepError> {
        clip(self.isa, self.block.as_mut(), max_norm)
    }

    /// [`Self::clip`] by workers.
    pub(super) fn clip_together(&mut self, crew: Crew<'_>, max_norm: f32) -> Result<f32, StepError> {
        clip_together(crew, self.isa, self.block.as_mut(), max_norm)
    }

    /// All gradients as one block.
    pub(crate) fn block(&self) -> &[f32] {
        self.block.as_ref()
    }

    /// Whether they belong to weights of these sizes.
    pub(crate) fn match_sizes(&self, sizes: &Sizes) -> bool {
        self.sizes.parameters(C::SIZES.gates) == sizes.parameters(C::SIZES.gates)
    }

    /// Every gradient, to be written; `None` where they belong to other sizes.
    pub(crate) fn slices_mut(&mut self, sizes: &Sizes) -> Option<WeightSlices<'_>> {
        if !self.match_sizes(sizes) {
            return None;
        }
        split(self.block.as_mut(), &sizes.parameters(C::SIZES.gates))
    }
}

/// A largest norm is above zero; infinity clips nothing.
pub(crate) fn check_max_norm(max_norm: f32) -> Result<(), ParameterError> {
    if max_norm > 0.0 { Ok(()) } else { Err(ParameterError::MaxNorm) }
}

// Compiled once, with this crate, whatever the storage.
fn norm(isa: Isa, x: &[f32]) -> f32 {
    isa.run(Norm(Alone, x))
}

fn clip(isa: Isa, x: &mut [f32], max_norm: f32) -> Result<f32, StepError> {
    clip_by(Alone, isa, x, max_norm)
}

fn clip_together(crew: Crew<'_>, isa: Isa, x: &mut [f32], max_norm: f32) -> Result<f32, StepError> {
    crew.run(|team| clip_by(team, isa, x, max_norm))
}

#[inline(always)]
fn clip_by<T: Team>(team: T, isa: Isa, x: &mut [f32], max_norm: f32) -> Result<f32, StepError> {
    check_max_norm(max_norm)?;
    let norm = isa.run(Norm(team, x));
    if !norm.is_finite() {
        return Err(StepError::NonFiniteUpdate);
    }
    let rate = max_norm / (norm + 1e-6);
    if rate < 1.0 {
        pass_by(team, x, &|_, x| isa.run(Scale(x, rate)));
    }
    Ok(norm)
}
