//! What the heap is asked for. A global allocator that counts makes these tests a program of their own.
#![cfg(feature = "alloc")]

mod counter;
mod detector;
mod long_run;
mod lstm;
mod no_alloc;
mod quantized;
