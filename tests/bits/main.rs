//! The numbers are right, and the same everywhere.

mod bit_identical;
#[cfg(feature = "alloc")]
#[path = "../common/edges.rs"]
mod edges;
mod golden;
mod gradients;
mod lstm;
mod math;
mod quantized;
mod quantized_lstm;
#[cfg(feature = "alloc")]
mod reference;
mod runs;
