//! The cell of all models: tanh, or with the feature `lstm` the LSTM. Nothing of the other is in the library.

use core::ffi::c_char;

#[cfg(feature = "lstm")]
pub use rnnlm::{LstmCell as ModelCell, LstmParameters as Parameters};
#[cfg(not(feature = "lstm"))]
pub use rnnlm::{Parameters, TanhCell as ModelCell};

/// Gates, states, and matrices (N T,H) that are kept for the backward pass beside the states.
pub const GATES: usize = if cfg!(feature = "lstm") { 4 } else { 1 };
pub const STATES: usize = if cfg!(feature = "lstm") { 2 } else { 1 };
pub const KEPT: usize = if cfg!(feature = "lstm") { GATES + 1 } else { 0 };

/// The cell of the library's models, "tanh" or "lstm": RNNLM_CELL, where header and library belong together.
#[unsafe(no_mangle)]
pub extern "C" fn rnnlm_cell() -> *const c_char {
    (if cfg!(feature = "lstm") { c"lstm" } else { c"tanh" }).as_ptr()
}
