//! The model's memory, in statics: nothing large passes over the stack. Its cell is tanh, or with the feature `lstm`
//! the LSTM.

use rnnlm::{ConfigError, Memory, Model};
#[cfg(feature = "lstm")]
pub use rnnlm::{LstmCell as ModelCell, LstmParameters as Parameters};
#[cfg(not(feature = "lstm"))]
pub use rnnlm::{Parameters, TanhCell as ModelCell};
use static_cell::ConstStaticCell;

pub use crate::workload::CONFIG;
#[cfg(not(feature = "lstm"))]
pub use crate::workload::GOLDEN;
/// The golden hashes of `tests/bits/lstm.rs`, after as many steps.
#[cfg(feature = "lstm")]
pub const GOLDEN: [(usize, u64); 2] = [(200, 0x0331_518b_9836_54e1), (10_000, 0xe133_a56e_960a_1127)];

/// What [`CONFIG`] needs, known at compile time.
pub const MEMORY: Memory = match CONFIG.memory_of::<ModelCell>() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};

/// The weights.
pub static WEIGHTS: ConstStaticCell<[f32; MEMORY.weights]> = ConstStaticCell::new([0.0; MEMORY.weights]);
/// The activations of all time steps.
pub static WORKSPACE: ConstStaticCell<[f32; MEMORY.workspace]> = ConstStaticCell::new([0.0; MEMORY.workspace]);

/// The model over these statics, its weights still zero. To be called once: the memory is handed out once.
pub fn model() -> Result<Model<ModelCell, &'static mut [f32]>, ConfigError> {
    Model::with_buffers(CONFIG, WEIGHTS.take(), WORKSPACE.take())
}
