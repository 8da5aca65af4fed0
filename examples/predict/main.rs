//! Asks a saved model for the next word, or for the score of a sentence. Reads lines: typed, or from a pipe. `--help`
//! lists the flags.

#[path = "../shared/chart.rs"]
mod chart;
#[path = "../shared/evaluation.rs"]
mod evaluation;
#[path = "../shared/flags.rs"]
mod flags;
mod lines;
#[path = "../shared/saved.rs"]
mod saved;
#[path = "../shared/visible.rs"]
mod visible;

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, BufRead, IsTerminal, Write},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
};

use flags::Flag;
use lines::{Answers, Mode};
use rnnlm::{Config, SimpleRnnlm, Xorshift};
use saved::Saved;
use visible::visible;

type Failure = Box<dyn Error>;

const FLAGS: [Flag; 5] = [
    ("--load", "FILE", "the model: a file of `ptb --save FILE` (must be named)"),
    ("--top", "K", "show the K likeliest words (5)"),
    ("--temperature", "X", "divide the logits by X: above 1 all words become more alike (1)"),
    ("--score", "", "tell how likely each line is, word by word, instead of what comes next"),
    ("--help", "", "print this and exit"),
];

const MAKE_ONE: &str = "this command makes one:\n  cargo run --release --example ptb -- --save model.safetensors";

#[derive(Default)]
struct Options {
    load: Option<PathBuf>,
    top: Option<NonZeroUsize>,
    temperature: Option<f32>,
    score: bool,
}

fn main() -> ExitCode {
    let failed = |error: &dyn std::fmt::Display, code| {
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "predict: {error}");
        ExitCode::from(code)
    };
    let answered = match parse(env::args_os().skip(1)) {
        Err(message) => return failed(&message, 2),
        Ok(None) => print_help().map_err(Failure::from),
        Ok(Some(options)) => answer(&options),
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        // who reads the pipe has seen enough
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error, 1),
    }
}

/// The options; `None` where the user asks for help. The error is a message for the user.
fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let go = flags::read(&FLAGS, arguments, |value| {
        match value.flag {
            "--load" => options.load = Some(value.path()?),
            "--top" => options.top = Some(value.parse()?),
            "--temperature" => options.temperature = Some(value.temperature()?),
            _ => options.score = true,
        }
        Ok(())
    })?;
    if options.score && (options.top.is_some() || options.temperature.is_some()) {
        return Err("--score shows the model's own probabilities: leave --top and --temperature out".into());
    }
    Ok(go.then_some(options))
}

fn print_help() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Asks a saved model for the next word.\n")?;
    writeln!(out, "usage: cargo run --release --example predict -- --load FILE [FLAGS]\n")?;
    writeln!(out, "flags (defaults in brackets):\n{}", flags::list(&FLAGS))?;
    writeln!(out, "Each line that is typed, or comes through a pipe, stands for itself, as the start of a sentence.")
}

fn answer(options: &Options) -> Result<(), Failure> {
    let path = options.load.as_deref().ok_or_else(|| format!("--load FILE must name a model: {MAKE_ONE}"))?;
    let bytes = saved::bytes(path).map_err(|error| match path.exists() {
        true => error,
        false => format!("{error}; {MAKE_ONE}"),
    })?;
    let saved = Saved::new(path, &bytes)?;
    if saved.vocabulary.is_empty() {
        let file = visible(saved.path);
        return Err(format!(
            "{file} has weights but no words: add them from the text that it was trained on by\n  \
             cargo run --release --example ptb -- --load {file} --data TEXT --epochs 0 --save FILE"
        )
        .into());
    }
    // one row, some tokens at once: only the speed of scoring depends on it
    let config = Config { batch_size: 1, time_size: 16, ..saved.checkpoint.config() };
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(0))?;
    saved.checkpoint.load(&mut model)?;
    let (mode, temperature) = match options.score {
        true => (Mode::Score, 1.0),
        false => (Mode::Predict { top: options.top.map_or(5, NonZeroUsize::get) }, options.temperature.unwrap_or(1.0)),
    };
    let mut answers = Answers { vocabulary: &saved.vocabulary, model: &mut model, mode, temperature };

    let is_typed = io::stdin().is_terminal();
    let mut out = io::stdout().lock();
    if is_typed {
        let words = answers.vocabulary.len();
        writeln!(out, "{words} words from {}; type some, Ctrl-D ends", visible(saved.path))?;
    }
    let mut line = Vec::new();
    for number in 1.. {
        if is_typed {
            write!(out, "> ")?;
            out.flush()?;
        }
        line.clear();
        if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            // what comes next starts on a line of its own
            out.write_all(if is_typed { b"\n" } else { b"" })?;
            break;
        }
        let text = str::from_utf8(&line).map_err(|_| format!("line {number} is not UTF-8: convert it first"))?;
        let block = answers.of(text)?;
        // a block is read at once by who waits for it
        write!(out, "{}{block}", if number > 1 && !is_typed { "\n" } else { "" })?;
        out.flush()?;
    }
    Ok(())
}
