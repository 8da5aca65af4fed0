//! Promise: the loop that the example `book_loop` writes by hand learns, with the losses of the trainer.
#![cfg(feature = "alloc")]

#[allow(dead_code)]
#[path = "../examples/book_loop.rs"]
mod book_loop;
