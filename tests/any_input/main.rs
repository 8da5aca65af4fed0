//! Promise: bad input is an error, never a panic and never a changed model; and the same bits on every instruction set.
//! Whatever bytes come, what `checkpoint`, `quantized`, `text`, `command_line`, `product` and
//! `training` assert holds.
//!
//! The fuzzer of `tests/fuzz` looks for bytes that break it; here those of `seeds/` are replayed: a start for each
//! target, and what the fuzzer found worth keeping. A new find becomes a file there.
#![cfg(feature = "alloc")]

use std::{fs, path::Path};

use rnnlm::{Checkpoint, LstmCell, Quantized, Xorshift};

#[allow(dead_code)]
#[path = "../../examples/ptb/args.rs"]
mod args;
mod bytes;
mod checkpoint;
mod command_line;
#[allow(dead_code)]
#[path = "../../examples/shared/flags.rs"]
mod flags;
mod product;
mod quantized;
mod text;
mod training;

/// Replays the seeds of a target, whole and cut short, then some made of noise.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/any_input/seeds").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let seed = fs::read(entry.unwrap().path()).unwrap();
        check(&seed);
        check(&seed[..seed.len() / 2]);
        seeds += 1;
    }
    assert!(seeds >= 3, "{target} has {seeds} seeds");
    let mut rng = Xorshift::new(1);
    for len in 0..100 {
        check(&(0..len).map(|_| rng.next_u32() as u8).collect::<Vec<_>>());
    }
}

#[test]
fn checkpoints() {
    replay("checkpoint", checkpoint::check);
}

#[test]
fn files_of_an_lstm_are_among_the_seeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/any_input/seeds/checkpoint");
    for name in ["lstm_complete", "lstm_bare"] {
        let file = fs::read(folder.join(name)).unwrap();
        let checkpoint = Checkpoint::<LstmCell>::read_as(&file).unwrap();
        assert_eq!((checkpoint.training().is_some(), checkpoint.config().hidden_size), (name == "lstm_complete", 3));
    }
}

#[test]
fn texts() {
    replay("text", text::check);
}

#[test]
fn command_lines() {
    replay("command_line", command_line::check);
}

#[test]
fn int8_files() {
    replay("quantized", quantized::check);
}

#[test]
fn an_int8_file_of_an_lstm_is_among_the_seeds() {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/any_input/seeds/quantized/lstm_golden");
    assert_eq!(Quantized::<LstmCell>::read_as(&fs::read(seed).unwrap()).unwrap().config().hidden_size, 20);
}

#[test]
fn products() {
    replay("product", product::check);
}

#[test]
fn trainings() {
    replay("training", training::check);
}
