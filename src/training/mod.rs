//! Training over epochs: windows of a corpus, the optimizer, its schedule, and the trainer that joins them.

pub(crate) mod batches;
pub(crate) mod schedule;
pub(crate) mod sgd;
pub(crate) mod state;
pub(crate) mod trainer;
