//! Training goes on, resumes and fails as it is told to.
#![cfg(feature = "alloc")]

mod failed_steps;
mod lstm;
mod non_finite;
mod real_text;
mod resume;
mod slices;
#[path = "../common/small.rs"]
mod small;
mod trainer;
