//! Promise: the example `you_say` shows the picture of the book's chapter. Its own test runs here.
#![cfg(feature = "alloc")]

#[allow(dead_code)]
#[path = "../examples/you_say.rs"]
mod you_say;
