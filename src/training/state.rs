//! All that a run of training is besides its weights and its hidden state.

use crate::rng::Xorshift;

/// Where training stands, in numbers: together with the model (and the text) all that is needed to go on as if it
/// had never stopped. A [`Checkpoint`](crate::Checkpoint) keeps it.
///
/// Its fields are all there are: one more would be another version of the file and of this crate.
///
/// A trainer fills in what it knows ([`RnnlmTrainer::training_state`](crate::RnnlmTrainer::training_state)); the rest
/// is the caller's.
///
/// ```
/// use rnnlm::{TrainingState, Xorshift};
/// let rng = Xorshift::new(7).state();
/// let state = TrainingState { seed: 7, rng, ..TrainingState::default() };
/// assert_eq!((state.epoch, state.best_loss), (0, f32::INFINITY));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct TrainingState {
    /// The learning rate of the next step: finite, above zero.
    pub learning_rate: f32,
    /// The global norm to which gradients are clipped, above zero; infinity clips nothing.
    pub max_norm: f32,
    /// The learning rate is divided by this where validation does not improve: finite, at least 1.
    pub decay: f32,
    /// The lowest validation loss so far; infinity before the first.
    pub best_loss: f32,
    /// The losses of the steps of the epoch under way, added up: the sum, and what rounding has lost of it; finite,
    /// and together not below zero.
    pub losses: [f32; 2],
    /// Epochs completed.
    pub epoch: u64,
    /// Steps done in the epoch under way.
    pub iteration: u64,
    /// The read position in the corpus, in tokens.
    pub position: u64,
    /// The seed that the run was started with.
    pub seed: u64,
    /// The state of the random generator; never 0.
    pub rng: u64,
}

impl Default for TrainingState {
    /// Before the first step: rate 0.1, no clipping, no decay, seed 0.
    fn default() -> Self {
        Self {
            learning_rate: 0.1,
            max_norm: f32::INFINITY,
            decay: 1.0,
            best_loss: f32::INFINITY,
            losses: [0.0; 2],
            epoch: 0,
            iteration: 0,
            position: 0,
            seed: 0,
            rng: Xorshift::new(0).state(),
        }
    }
}
