//! Trains a small recurrent language model on text: by default the book's experiment on the Penn Treebank, or on a
//! built-in text where that is not at hand. Saves it, goes on from what was saved, draws the curve, makes up text.
//! `--help` lists the flags.

mod args;
#[path = "../shared/evaluation.rs"]
mod evaluation;
mod files;
#[path = "../shared/flags.rs"]
mod flags;
mod generate;
mod grammar;
mod history;
mod input;
mod keeper;
mod output;
mod plot;
mod progress;
#[path = "../shared/saved.rs"]
mod saved;
mod settings;
mod text;
mod train;
#[path = "../shared/visible.rs"]
mod visible;

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use args::Command;
use progress::Report;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let failed = |error: Failure, code| {
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "ptb: {error}");
        ExitCode::from(code)
    };
    match args::parse(env::args_os().skip(1)) {
        Err(message) => failed(message.into(), 2),
        Ok(Command::Help) => match Report::new(false, 0).line(args::help().trim_end()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error.into(), 1),
        },
        Ok(Command::Train(options)) => match train::run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error, 1),
        },
    }
}
