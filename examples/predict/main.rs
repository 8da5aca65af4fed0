//! Asks a saved model for the next word, for what follows, or for the score of a sentence. Reads lines: typed, or from
//! a pipe. `--help` lists the flags.

#[path = "../shared/advice.rs"]
mod advice;
#[path = "../shared/chart.rs"]
mod chart;
#[path = "../shared/continuation.rs"]
mod continuation;
#[path = "../shared/evaluation.rs"]
mod evaluation;
#[path = "../shared/flags.rs"]
mod flags;
#[path = "../shared/line.rs"]
mod line;
mod lines;
mod loaded;
#[path = "../shared/reader.rs"]
mod reader;
#[path = "../shared/saved.rs"]
mod saved;
#[path = "../shared/tokenizer.rs"]
mod tokenizer;
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

use continuation::Sampling;
use evaluation::Evaluation;
use flags::{Asked, Flag};
use lines::{Answers, Mode};
use loaded::Loaded;
use tokenizer::Tokenizer;
use visible::visible;

type Failure = Box<dyn Error>;

const FLAGS: [Flag; 11] = [
    ("--load", "FILE", "the model: a file of `ptb --save FILE` or `ptb --quantize FILE` (must be named)"),
    ("--top", "K", "show the K likeliest words (5); with --generate, draw from these, 0 = all (0)"),
    ("--temperature", "X", "divide the logits by X: above 1 all words become more alike, 0 takes the likeliest (1)"),
    ("--generate", "K", "go on from each line with K words that the model makes up"),
    ("--seed", "SEED", "of --generate: equal seeds make up equal words (1)"),
    ("--score", "", "tell how likely each line is, word by word, instead of what comes next"),
    ("--lower", "", "read the lines in lower case, as `ptb --lower` read the text"),
    ("--split-punctuation", "", "put spaces around the punctuation of the lines, as ptb's flag of that name does"),
    ("--tsv", "", "with --score: a table for programs, a row a token, the total last"),
    ("--help", "", "print this and exit; -h too"),
    ("--version", "", "print the version and exit"),
];

const ABOUT: &str = "\
Each line that is typed, or comes through a pipe, stands for itself, as the start of a sentence. A score is of each
word and of the end of the line; an empty line has none. Recall at K is the share of all words that are among the K
likeliest; an unknown word never counts as one of these.

exit codes: 0 done; 2 a bad command line; 1 anything else that stops the run
";

const MAKE_ONE: &str = "this command makes one:\n  cargo run --release --example ptb -- --save model.safetensors";

#[derive(Default)]
struct Options {
    load: Option<PathBuf>,
    top: Option<usize>,
    temperature: Option<f32>,
    generate: Option<NonZeroUsize>,
    seed: Option<u64>,
    score: bool,
    tsv: bool,
    tokenizer: Tokenizer,
}

fn main() -> ExitCode {
    let failed = |error: &dyn std::fmt::Display, code| {
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "predict: {error}");
        ExitCode::from(code)
    };
    let answered = match parse(env::args_os().skip(1)) {
        Err(message) => return failed(&message, 2),
        Ok((Asked::Help, _)) => print(&help()).map_err(Failure::from),
        Ok((Asked::Version, _)) => print(&flags::version("predict")).map_err(Failure::from),
        Ok((Asked::Run, options)) => answer(&options),
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        // who reads the pipe has seen enough
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => failed(&advice::message(&*error, "take a smaller model"), 1),
    }
}

/// What is asked, and the options. The error is a message for the user.
fn parse(arguments: impl Iterator<Item = OsString>) -> Result<(Asked, Options), String> {
    let mut options = Options::default();
    let asked = flags::read(&FLAGS, arguments, |value| {
        match value.flag {
            "--load" => options.load = Some(value.path()?),
            "--top" => options.top = Some(value.parse()?),
            "--temperature" => options.temperature = Some(value.temperature()?),
            "--generate" => options.generate = Some(value.parse()?),
            "--seed" => options.seed = Some(value.parse()?),
            "--score" => options.score = true,
            "--lower" => options.tokenizer.lower = true,
            "--split-punctuation" => options.tokenizer.splits_punctuation = true,
            _ => options.tsv = true,
        }
        Ok(())
    })?;
    let Options { top, temperature, generate, seed, score, tsv, .. } = &options;
    let trouble = match (score, generate) {
        _ if asked != Asked::Run => None,
        (true, _) if top.is_some() || temperature.is_some() => {
            Some("--score shows the model's own probabilities: leave --top and --temperature out")
        }
        (true, Some(_)) => Some("--score and --generate ask for different things: leave one of them out"),
        (false, _) if *tsv => Some("--tsv is the form of scores: give --score too"),
        (_, None) if seed.is_some() => Some("--seed is the seed of --generate: give --generate K too"),
        (_, None) if *top == Some(0) => Some("--top can't be \"0\": it must be a whole number above 0"),
        _ => None,
    };
    trouble.map_or(Ok((asked, options)), |trouble| Err(trouble.into()))
}

fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.trim_end())
}

fn help() -> String {
    let list = flags::list(&FLAGS);
    format!(
        "Asks a saved model for the next word.\n\n\
         usage: cargo run --release --example predict -- --load FILE [FLAGS]\n\n\
         flags (defaults in brackets):\n{list}\n{ABOUT}"
    )
}

fn answer(options: &Options) -> Result<(), Failure> {
    let path = options.load.as_deref().ok_or_else(|| format!("--load FILE must name a model: {MAKE_ONE}"))?;
    let bytes = saved::bytes(path).map_err(|error| match path.exists() {
        true => error,
        false => format!("{error}; {MAKE_ONE}"),
    })?;
    let (mut model, vocabulary) = Loaded::new(path, &bytes)?;
    let unk = vocabulary.id("<unk>");
    let mut answers = Answers {
        vocabulary: &vocabulary,
        model: &mut model,
        mode: mode(options),
        total: Evaluation::new(unk),
        lines_scored: 0,
    };

    let is_typed = io::stdin().is_terminal();
    let mut out = io::stdout().lock();
    if is_typed {
        let words = answers.vocabulary.len();
        writeln!(out, "{words} words from {}; type some, Ctrl-D ends", visible(path))?;
    }
    write!(out, "{}", answers.head())?;
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
            write!(out, "{}", answers.end())?;
            break;
        }
        let text = str::from_utf8(&line).map_err(|_| format!("line {number} is not UTF-8: convert it first"))?;
        let block = answers.of(&options.tokenizer.apply(text), number)?;
        // a block is read at once by who waits for it
        write!(out, "{}{block}", if number > 1 && !is_typed { answers.between() } else { "" })?;
        out.flush()?;
    }
    Ok(out.flush()?)
}

fn mode(options: &Options) -> Mode {
    let temperature = options.temperature.unwrap_or(1.0);
    match options.generate {
        _ if options.score && options.tsv => Mode::Table,
        _ if options.score => Mode::Score,
        Some(count) => Mode::GoOn(Sampling {
            count: count.get(),
            temperature,
            top: options.top.unwrap_or(0),
            seed: options.seed.unwrap_or(1),
        }),
        None => Mode::Predict { top: options.top.unwrap_or(5), temperature },
    }
}
