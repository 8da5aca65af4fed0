//! A stream of events: the learner that predicts, scores and learns each as it comes.

pub(crate) mod online;
