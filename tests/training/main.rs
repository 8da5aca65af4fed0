//! Training goes on, resumes and fails as it is told to.
#![cfg(feature = "alloc")]

mod balance;
mod detector;
mod detector_edges;
mod failed_steps;
mod head_learner;
mod lstm;
mod lstm_book;
mod non_finite;
mod online_sessions;
mod real_text;
mod resume;
mod slices;
#[path = "../common/small.rs"]
mod small;
mod trainer;
