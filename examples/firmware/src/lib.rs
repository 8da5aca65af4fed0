//! What the firmware programs share: the model's sizes and memory, the workload of the benchmarks, the glue to the
//! target.
#![no_std]

pub mod int8;
pub mod machine;
pub mod model;
pub mod nor;
pub mod stack;
pub mod target;
pub mod verdicts;
pub mod workload;
