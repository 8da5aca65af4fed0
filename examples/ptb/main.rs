//! Trains a small recurrent language model on text: by default the book's experiment on the Penn Treebank, or on a
//! built-in text where that is not at hand. Saves it, goes on from what was saved, draws the curve, makes up text.
//! `--help` lists the flags.

#[path = "../shared/advice.rs"]
mod advice;
mod args;
#[path = "../shared/continuation.rs"]
mod continuation;
#[path = "../shared/evaluation.rs"]
mod evaluation;
mod files;
#[path = "../shared/flags.rs"]
mod flags;
mod grammar;
mod history;
mod input;
mod keeper;
#[path = "../shared/line.rs"]
mod line;
mod output;
#[path = "../shared/pages.rs"]
mod pages;
#[path = "../shared/picture.rs"]
mod picture;
mod plot;
#[path = "../shared/pool.rs"]
mod pool;
mod progress;
#[path = "../shared/reader.rs"]
mod reader;
#[path = "../shared/saved.rs"]
mod saved;
mod settings;
mod text;
mod threads;
#[path = "../shared/tokenizer.rs"]
mod tokenizer;
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

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let failed = |error: Failure, code| {
        let message = advice::message(&*error, "make --hidden, --wordvec, --batch or --time smaller");
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "ptb: {message}");
        ExitCode::from(code)
    };
    let done = match args::parse(env::args_os().skip(1)) {
        Err(message) => return failed(message.into(), 2),
        Ok(Command::Help) => print(&args::help()),
        Ok(Command::Version) => print(&flags::version("ptb")),
        Ok(Command::Train(options)) => train::run(&options),
    };
    done.map_or_else(|error| failed(error, 1), |()| ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{}", text.trim_end())?)
}
