#![no_main]

#[allow(dead_code)]
#[path = "../../../examples/ptb/args.rs"]
mod args;
#[path = "../../any_input/command_line.rs"]
mod command_line;
#[allow(dead_code)]
#[path = "../../../examples/shared/flags.rs"]
mod flags;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| command_line::check(bytes));
