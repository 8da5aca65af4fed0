//! Whatever the caller gives: an error or an answer, in bounded time.
#![cfg(feature = "alloc")]

mod bad_input;
mod bounded_time;
mod budget;
mod greedy;
#[path = "../common/small.rs"]
mod small;
mod vocabulary_building;
