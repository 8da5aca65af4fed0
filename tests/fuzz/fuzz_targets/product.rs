#![no_main]

#[path = "../../any_input/bytes.rs"]
mod bytes;
#[path = "../../any_input/product.rs"]
mod product;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| product::check(bytes));
