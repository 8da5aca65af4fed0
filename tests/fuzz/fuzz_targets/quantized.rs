#![no_main]

#[path = "../../any_input/quantized.rs"]
mod quantized;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quantized::check(bytes));
