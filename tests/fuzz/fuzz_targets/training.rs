#![no_main]

#[path = "../../any_input/bytes.rs"]
mod bytes;
#[path = "../../any_input/training.rs"]
mod training;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| training::check(bytes));
