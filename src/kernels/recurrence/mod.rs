//! The recurrence of a batch of one, and what is packed while it waits for itself.

mod overlap;
mod steps;

pub(crate) use overlap::{Beside, Shapes, beside_len, places};
pub(crate) use steps::{Meanwhile, Recurrence, RecurrenceBackward};
