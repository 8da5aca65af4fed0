//! The model's memory, in statics: nothing large passes over the stack.

use core::cell::UnsafeCell;

use rnnlm::{Memory, SimpleRnnlm};

pub use crate::workload::CONFIG;

/// What [`CONFIG`] needs, known at compile time.
pub const MEMORY: Memory = match CONFIG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};

/// Memory that is handed out once.
pub struct Static<T>(UnsafeCell<T>);

// SAFETY: whoever takes the memory promises to be the only one.
unsafe impl<T> Sync for Static<T> {}

impl<T> Static<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// # Safety
    /// Called once.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn take(&self) -> &mut T {
        // SAFETY: by the caller there is no other reference.
        unsafe { &mut *self.0.get() }
    }
}

/// The weights.
pub static WEIGHTS: Static<[f32; MEMORY.weights]> = Static::new([0.0; MEMORY.weights]);
/// The activations of all time steps.
pub static WORKSPACE: Static<[f32; MEMORY.workspace]> = Static::new([0.0; MEMORY.workspace]);

/// The model over these statics, its weights still zero.
///
/// # Safety
/// Called once.
pub unsafe fn model() -> Result<SimpleRnnlm<&'static mut [f32]>, rnnlm::ConfigError> {
    // SAFETY: by the caller.
    let (weights, workspace) = unsafe { (WEIGHTS.take(), WORKSPACE.take()) };
    SimpleRnnlm::with_buffers(CONFIG, weights, workspace)
}
