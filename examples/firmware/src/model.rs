//! The model's memory, in statics: nothing large passes over the stack.

use rnnlm::{ConfigError, Memory, SimpleRnnlm};
use static_cell::ConstStaticCell;

pub use crate::workload::CONFIG;

/// What [`CONFIG`] needs, known at compile time.
pub const MEMORY: Memory = match CONFIG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};

/// The weights.
pub static WEIGHTS: ConstStaticCell<[f32; MEMORY.weights]> = ConstStaticCell::new([0.0; MEMORY.weights]);
/// The activations of all time steps.
pub static WORKSPACE: ConstStaticCell<[f32; MEMORY.workspace]> = ConstStaticCell::new([0.0; MEMORY.workspace]);

/// The model over these statics, its weights still zero. To be called once: the memory is handed out once.
pub fn model() -> Result<SimpleRnnlm<&'static mut [f32]>, ConfigError> {
    SimpleRnnlm::with_buffers(CONFIG, WEIGHTS.take(), WORKSPACE.take())
}
