//! A machine whose events a device learns to foresee, and how the device learns. The build script, which runs on the
//! desktop, does the same without a break.

use rnnlm::{Cell, Config, Model, OnlineLearner, Storage, TrainingState, Workspace, Xorshift};

use crate::workload::{FNV, fnv};

/// 64 kinds of events, learned from eight at a time.
pub const CONFIG: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// How many events there are: without an FPU enough to see that it works.
pub const EVENTS: [u64; 2] = [40_000, 480];
/// A line is printed after so many.
pub const BLOCK: u64 = 4_000;
/// e to the entropy of the next event: 0.7^-0.7 * 0.2^-0.2 * 0.1^-0.1.
pub const TRUE_PERPLEXITY: f32 = 2.2297;

/// After each event comes one of three, in seven, two and one of ten cases.
pub struct Machine {
    rng: Xorshift,
    event: u32,
}

impl Machine {
    pub fn new() -> Self {
        Self { rng: Xorshift::new(2), event: 0 }
    }

    /// Where it was when this was saved.
    pub fn resume(state: &TrainingState) -> Self {
        Self { rng: Xorshift::from_state(state.rng), event: state.seed as u32 }
    }

    /// Keeps where it is in the two fields of a training state that a stream of events doesn't need.
    pub fn save(&self, state: &mut TrainingState) {
        (state.rng, state.seed) = (self.rng.state(), u64::from(self.event));
    }

    /// What may come after an event, the likeliest first.
    pub fn successors(event: u32) -> [u32; 3] {
        [event * 5 + 3, event + 1, event + 32].map(|next| next % CONFIG.vocab_size as u32)
    }

    pub fn next_event(&mut self) -> u32 {
        let [often, sometimes, rarely] = Self::successors(self.event);
        self.event = match self.rng.below(10) {
            0..7 => often,
            7..9 => sometimes,
            _ => rarely,
        };
        self.event
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// The learning rate for the event of this number: the smaller it is, the closer the end.
pub fn rate(position: u64) -> f32 {
    if position < 24_000 { 0.1 } else { 0.02 }
}

/// The weights that a device starts with.
pub fn initialize<C: Cell, W: Storage, S: Workspace>(model: &mut Model<C, W, S>) {
    model.initialize(&mut Xorshift::new(1));
}

/// FNV-1a over the bits of the weights, of the hidden state and of the prediction.
pub fn hash<W, S, P, I, C>(learner: &OnlineLearner<W, S, P, I, C>) -> u64
where
    C: Cell,
    W: Storage,
    S: Workspace,
    P: Storage,
    I: AsRef<[u32]> + AsMut<[u32]>,
{
    let model = learner.model();
    fnv(FNV, model.weights_block().iter().chain(model.state()).chain(learner.probabilities()))
}
