//! A stream of events: learners that predict, score and learn each as it comes, and the detector of odd ones.

pub(crate) mod balance;
pub(crate) mod detector;
pub(crate) mod false_alarms;
pub(crate) mod foresight;
pub(crate) mod guard;
pub(crate) mod head;
pub(crate) mod ids;
mod levels;
pub(crate) mod online;
pub(crate) mod verdict;
