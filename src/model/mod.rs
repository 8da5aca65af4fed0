//! The model: the owner of the memory, and the phases of a training step. The order of the layers is in `passes`.

mod feed;
pub(crate) mod gradients;
pub(crate) mod memory;
pub(crate) mod parameters;
pub(crate) mod passes;
pub(crate) mod score;
pub(crate) mod shared;
pub(crate) mod slices;
mod states;
pub(crate) mod step;
pub(crate) mod window;
mod workspace;

use core::{fmt, marker::PhantomData};

use self::{
    gradients::Gradients,
    parameters::{LstmParameters, Parameters, Storage},
    score::TokenScore,
    shared::{Crew, SharedWorkspace, Workspace},
    step::{Cell, Parts},
    workspace::split,
};
#[cfg(feature = "alloc")]
use crate::heap::AlignedVec;
use crate::{
    config::{Config, Sizes},
    error::{ConfigError, StepError},
    heap::Floats,
    kernels::{Workers, clear, copy, part_mut, sqrt},
    layers::{time_lstm::LstmCell, time_rnn::TanhCell},
    rng::Xorshift,
    simd::{Isa, Scalar},
};

/// The language model of "Deep Learning from Scratch 2", chapter 5: embedding, tanh RNN, affine, softmax.
///
/// The weights live in memory of type `W`, the workspace in memory of type `S`, both taken once: on the heap where
/// nothing else is named. No method allocates but [`Self::predictor`] and [`Self::with_workers`], once each. Work per
/// training step is 6 (DH + HH + HV) N T flop. The hidden state is carried from one window to the next until
/// [`Self::reset_state`].
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 10, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 3 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let (xs, ts) = ([1, 2, 3], [2, 3, 4]);
/// let first = model.forward(&xs, &ts)?.sgd(0.5)?;
/// for _ in 0..50 {
///     model.forward(&xs, &ts)?.sgd(0.5)?;
/// }
/// assert!(model.forward(&xs, &ts)?.loss() < first / 4.0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[doc(alias = "TimeEmbedding")]
#[doc(alias = "TimeRNN")]
#[doc(alias = "RNN")]
#[doc(alias = "TimeAffine")]
#[doc(alias = "TimeSoftmaxWithLoss")]
#[doc(alias = "Embedding")]
#[doc(alias = "Affine")]
#[doc(alias = "SoftmaxWithLoss")]
pub type SimpleRnnlm<W = Floats, S = W> = Model<TanhCell, W, S>;

/// The language model of "Deep Learning from Scratch 2", chapter 6: embedding, LSTM, affine, softmax.
///
/// All that [`SimpleRnnlm`] does, with another cell. Work per training step is 6 (4DH + 4HH + HV) N T flop; it needs
/// [`Config::memory_of::<LstmCell>`](Config::memory_of). Its state is h and c.
///
/// ```
/// use rnnlm::{Config, Rnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 10, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 3 };
/// let mut model = Rnnlm::new(config, &mut Xorshift::new(1))?;
/// let (xs, ts) = ([1, 2, 3], [2, 3, 4]);
/// let first = model.forward(&xs, &ts)?.sgd(0.5)?;
/// for _ in 0..100 {
///     model.forward(&xs, &ts)?.sgd(0.5)?;
/// }
/// assert!(model.forward(&xs, &ts)?.loss() < first / 4.0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[doc(alias = "TimeLSTM")]
#[doc(alias = "LSTM")]
pub type Rnnlm<W = Floats, S = W> = Model<LstmCell, W, S>;

/// A language model with a recurrent cell: [`SimpleRnnlm`] or [`Rnnlm`].
#[derive(Clone)]
pub struct Model<C, W = Floats, S = W> {
    sizes: Sizes,
    isa: Isa,
    stateful: bool,
    /// Whether the workspace is still that of a backward pass, and the state was not set since: an update moves it.
    awaits_update: bool,
    /// Whether a step was taken in part: see [`slices`].
    is_mid_step: bool,
    weights: W,
    workspace: S,
    cell: PhantomData<C>,
}

#[cfg(feature = "alloc")]
impl<C: Cell> Model<C> {
    /// A model with its memory on the heap and freshly drawn weights: word vectors N(0, 0.01²), matrices Xavier
    /// N(0, 1 / fan-in) (Glorot and Bengio, AISTATS 2010), biases 0, drawn in the order of [`Parameters::named`]. The
    /// gates of an LSTM are drawn row by row.
    ///
    /// # Errors
    /// Sizes of zero, sizes that overflow, memory that the allocator refuses.
    pub fn new(config: Config, rng: &mut Xorshift) -> Result<Self, ConfigError> {
        let memory = config.memory_of::<C>()?;
        let mut model =
            Self::with_buffers(config, AlignedVec::zeroed(memory.weights)?, AlignedVec::zeroed(memory.workspace)?)?;
        model.initialize(rng);
        Ok(model)
    }
}

impl<C: Cell, W: Storage, S: Storage> Model<C, W, S> {
    /// The same model, computed by these workers: each step, evaluation and, by [`Self::clip`] and in a trainer,
    /// clipping. The results are the same bits for any number of them. What workers pack takes
    /// [`Config::scratch_of_workers_of`] floats from the heap. See [`Workers`] for an example.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`], [`ConfigError::TooLarge`].
    #[cfg(feature = "alloc")]
    pub fn with_workers<P: Workers>(self, workers: P) -> Result<Model<C, W, SharedWorkspace<P, S>>, ConfigError> {
        let scratch = AlignedVec::zeroed(self.config().scratch_of_workers_of::<C>(workers.count())?)?;
        Ok(self.with_workers_in(workers, scratch))
    }

    /// [`Self::with_workers`] over memory of the caller, for [`Config::scratch_of_workers_of`] floats. With less, some
    /// workers have nothing to do.
    ///
    /// ```
    /// use rnnlm::{Config, SimpleRnnlm, Workers, Xorshift};
    /// /// A second core would call the job too, and be waited for.
    /// struct OneCore;
    /// impl Workers for OneCore {
    ///     fn count(&self) -> usize {
    ///         1
    ///     }
    ///     fn run(&self, job: &(dyn Fn() + Sync)) {
    ///         job();
    ///     }
    /// }
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let scratch = vec![0.0; config.scratch_of_workers(1)?]; // one worker packs in the workspace
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut model = model.with_workers_in(OneCore, scratch);
    /// model.forward(&[0, 1], &[1, 2])?.sgd(0.1)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn with_workers_in<P: Workers, X: Storage>(
        self,
        workers: P,
        scratch: X,
    ) -> Model<C, W, SharedWorkspace<P, S, X>> {
        let Self { sizes, isa, stateful, awaits_update, is_mid_step, weights, workspace, cell } = self;
        let workspace = SharedWorkspace { workers, workspace, scratch };
        Model { sizes, isa, stateful, awaits_update, is_mid_step, weights, workspace, cell }
    }
}

impl<C: Cell, W: Storage, S: Workspace> Model<C, W, S> {
    /// A model over memory of the caller, with the weights that are in it; the hidden state starts at zero. Blocks
    /// that start a cache line (64 bytes), as `AlignedVec` does, make a small model a little faster.
    ///
    /// ```
    /// use rnnlm::{Config, Memory, SimpleRnnlm, Xorshift};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 10, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// const MEMORY: Memory = match CONFIG.memory() { Ok(memory) => memory, Err(_) => panic!() };
    /// let (mut weights, mut workspace) = ([0.0; MEMORY.weights], [0.0; MEMORY.workspace]);
    /// let mut model = SimpleRnnlm::with_buffers(CONFIG, &mut weights[..], &mut workspace[..])?;
    /// model.initialize(&mut Xorshift::new(1));
    /// model.forward(&[1, 2], &[2, 3])?.sgd(0.1)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// Arrays do too, so a program without a heap owns its model in a struct of its own:
    ///
    /// ```
    /// # use rnnlm::{Config, Memory, SimpleRnnlm};
    /// # const CONFIG: Config =
    /// #     Config { vocab_size: 10, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # const MEMORY: Memory = match CONFIG.memory() { Ok(memory) => memory, Err(_) => panic!() };
    /// struct Firmware {
    ///     model: SimpleRnnlm<[f32; MEMORY.weights], [f32; MEMORY.workspace]>,
    /// }
    /// let model = SimpleRnnlm::with_buffers(
    ///     CONFIG,
    ///     [0.0; MEMORY.weights],
    ///     [0.0; MEMORY.workspace],
    /// )?;
    /// let mut firmware = Firmware { model };
    /// firmware.model.forward(&[1, 2], &[2, 3])?.sgd(0.1)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or a buffer whose length is not exactly the one of [`Config::memory`], for an LSTM of
    /// [`Config::memory_of`].
    // where a program makes one model, it is put together where it stays
    #[inline(always)]
    pub fn with_buffers(config: Config, weights: W, mut workspace: S) -> Result<Self, ConfigError> {
        let memory = config.memory_of::<C>()?;
        ConfigError::check_len(memory.weights, weights.as_ref().len())?;
        ConfigError::check_len(memory.workspace, workspace.floats().len())?;
        let isa = Isa::detect();
        let (sizes, stateful, awaits_update, is_mid_step) = (config.checked_sizes(), true, false, false);
        // the state, before the model is put together: moving that takes flash
        clear(part_mut(workspace.floats_mut(), ..C::SIZES.states * sizes.n * sizes.hidden));
        Ok(Self { sizes, isa, stateful, awaits_update, is_mid_step, weights, workspace, cell: PhantomData })
    }

    /// Draws all weights anew, as `SimpleRnnlm::new` does, and resets the hidden state.
    pub fn initialize(&mut self, rng: &mut Xorshift) {
        let xavier = |fan_in: usize| 1.0 / sqrt(Scalar, fan_in as f32);
        let from_d = xavier(self.sizes.d);
        let from_h = xavier(self.sizes.hidden);
        let deviations = [0.01, from_d, from_h, 0.0, from_h, 0.0];
        let lens = self.sizes.parameters(C::SIZES.gates);
        let weights = split(self.weights.as_mut(), &lens).unwrap_or_default();
        for (weights, deviation) in weights.into_iter().zip(deviations) {
            if deviation == 0.0 {
                clear(weights);
            } else {
                rng.fill_normal(deviation, weights);
            }
        }
        self.reset_state();
    }

    /// Computes on this instruction set instead of the detected one; the results are the same.
    ///
    /// ```
    /// use rnnlm::{Config, Isa, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?.with_isa(Isa::SCALAR);
    /// assert_eq!(model.isa(), Isa::SCALAR);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// Whether each window starts from the hidden state that the one before left (true, the default) or from zero.
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?.with_stateful(false);
    /// assert!(!model.is_stateful());
    /// assert_eq!(model.forward(&[0, 1], &[1, 2])?.loss(), model.forward(&[0, 1], &[1, 2])?.loss());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_stateful(mut self, stateful: bool) -> Self {
        self.stateful = stateful;
        self
    }

    /// Whether it carries its hidden state from window to window: see [`Self::with_stateful`].
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.stateful
    }

    pub(crate) fn set_stateful(&mut self, stateful: bool) {
        self.stateful = stateful;
    }

    /// The sizes.
    #[must_use]
    pub fn config(&self) -> Config {
        self.sizes.config()
    }

    /// The instruction set that computes.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// All weights as one block, in the order of [`Parameters::named`].
    #[must_use]
    pub fn weights_block(&self) -> &[f32] {
        self.weights.as_ref()
    }

    pub(crate) fn weights_block_mut(&mut self) -> &mut [f32] {
        self.weights.as_mut()
    }

    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The carried hidden state (N,H), row-major; behind it that of an LSTM's cell, (N,H).
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// model.forward(&[0, 1], &[1, 2])?;
    /// let kept = model.state().to_vec();
    /// model.reset_state();
    /// assert_eq!(model.state(), [0.0; 4]);
    /// model.set_state(&kept)?;
    /// assert_eq!(model.state(), kept);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> &[f32] {
        let len = self.state_len();
        self.workspace.floats().get(..len).unwrap_or(&[])
    }

    /// Sets the carried hidden state, as [`Self::state`] shows it.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_state(&mut self, state: &[f32]) -> Result<(), StepError> {
        let own = self.state_mut();
        if own.len() != state.len() {
            return Err(StepError::Length { needed: own.len(), given: state.len() });
        }
        copy(own, state);
        Ok(())
    }

    fn state_len(&self) -> usize {
        C::SIZES.states * self.sizes.n * self.sizes.hidden
    }

    pub(crate) fn state_mut(&mut self) -> &mut [f32] {
        self.awaits_update = false;
        let len = self.state_len();
        self.workspace.floats_mut().get_mut(..len).unwrap_or(&mut [])
    }

    /// Sets the carried hidden state to zero, as before the first window.
    pub fn reset_state(&mut self) {
        clear(self.state_mut());
    }

    /// The mean loss over a whole text: from a zero state, as one row, every token after the first predicted once.
    /// `perplexity` of it is the model's perplexity on the text. Weights and carried state stay as they are.
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift, perplexity};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let loss = model.evaluate(&[0, 1, 2, 3, 4, 0, 1])?;
    /// assert!((perplexity(loss) - 5.0).abs() < 0.5); // untrained: all five about as likely
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two tokens, ids not below V, a loss that is not finite.
    #[doc(alias = "eval_perplexity")]
    pub fn evaluate(&mut self, tokens: &[u32]) -> Result<f32, StepError> {
        self.score(tokens, |_| {})
    }

    /// [`Self::evaluate`] that shows the score of every token but the first, in order: how likely it was, and how many
    /// words were likelier. The first token has no score, so a sentence is scored as a whole after the token that
    /// ends the one before it. N * T tokens are computed at once; the results don't depend on these sizes.
    ///
    /// ```
    /// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let unk = 4;
    /// let (mut log_likelihood, mut known) = (0.0, 0);
    /// let loss = model.score(&[0, 1, 2, 4, 3], |score| {
    ///     println!("id {} probability {} rank {}", score.id, score.probability(), score.rank);
    ///     if score.id != unk {
    ///         log_likelihood -= score.loss;
    ///         known += 1;
    ///     }
    /// })?;
    /// assert!(known == 3 && log_likelihood < 0.0 && loss > 0.0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::evaluate`]; a loss that is not finite ends the scores before it is shown.
    pub fn score(&mut self, tokens: &[u32], mut visit: impl FnMut(TokenScore)) -> Result<f32, StepError> {
        // the workspace is used
        self.awaits_update = false;
        match self.parts() {
            (model, None) => C::score(model, tokens, &mut visit),
            (model, Some(crew)) => C::score_together(crew, model, tokens, &mut visit),
        }
    }

    /// [`Gradients::clip`] by the model's workers, if it has any.
    ///
    /// # Errors
    /// As [`Gradients::clip`].
    pub fn clip<G: Storage>(&mut self, gradients: &mut Gradients<G, C>, max_norm: f32) -> Result<f32, StepError> {
        match self.workspace.parts_mut() {
            (_, None) => gradients.clip(max_norm),
            (_, Some(crew)) => gradients.clip_together(crew, max_norm),
        }
    }

    /// A step through stored gradients ends, or fails and may be tried again: the carried hidden state becomes that
    /// behind its window, or before it.
    pub(crate) fn end_step(&mut self, is_done: bool) {
        if self.awaits_update {
            C::set_state_of_window(self.parts().0, is_done);
        }
        self.awaits_update &= !is_done;
    }

    /// What it is made of, and its workers, if it has any.
    #[inline(always)]
    fn parts(&mut self) -> (Parts<'_>, Option<Crew<'_>>) {
        let Self { isa, ref sizes, stateful, ref mut workspace, .. } = *self;
        let (workspace, crew) = workspace.parts_mut();
        (Parts { isa, sizes, stateful, weights: self.weights.as_mut(), workspace }, crew)
    }

    /// Its weights, and its workers, if it has any.
    #[inline(always)]
    pub(crate) fn weights_and_crew(&mut self) -> (&mut [f32], Option<Crew<'_>>) {
        (self.weights.as_mut(), self.workspace.parts_mut().1)
    }
}

impl<W: Storage, S: Workspace> SimpleRnnlm<W, S> {
    /// Every weight by name.
    #[must_use]
    #[doc(alias = "params")]
    pub fn weights(&self) -> Parameters<&[f32]> {
        // `with_buffers` checked the length; storage that has shrunk since shows as empty matrices
        Parameters::of(&self.sizes(), self.weights.as_ref()).unwrap_or_else(Parameters::empty)
    }

    /// Every weight by name, to be changed.
    #[must_use]
    pub fn weights_mut(&mut self) -> Parameters<&mut [f32]> {
        Parameters::of_mut(&self.sizes(), self.weights.as_mut()).unwrap_or_else(Parameters::empty)
    }
}

impl<W: Storage, S: Workspace> Rnnlm<W, S> {
    /// Every weight by name.
    #[must_use]
    #[doc(alias = "params")]
    pub fn weights(&self) -> LstmParameters<&[f32]> {
        // `with_buffers` checked the length; storage that has shrunk since shows as empty matrices
        LstmParameters::of(&self.sizes(), self.weights.as_ref()).unwrap_or_else(LstmParameters::empty)
    }

    /// Every weight by name, to be changed.
    #[must_use]
    pub fn weights_mut(&mut self) -> LstmParameters<&mut [f32]> {
        LstmParameters::of_mut(&self.sizes(), self.weights.as_mut()).unwrap_or_else(LstmParameters::empty)
    }
}

impl<C: Cell, W, S> fmt::Debug for Model<C, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(C::MODEL).field("config", &self.sizes.config()).field("isa", &self.isa).finish_non_exhaustive()
    }
}
