//! The command line.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf};

use rnnlm::{Isa, IsaError};

use crate::flags::{self, Asked, Flag};

const FLAGS: [Flag; 39] = [
    (
        "--data",
        "DIR|FILE",
        "a directory with ptb.train.txt (and ptb.valid.txt, ptb.test.txt), or your own text, - = stdin",
    ),
    ("--valid", "FILE", "validate on this text after each epoch"),
    ("--valid-fraction", "F", "hold out the last part of the text, between 0 and 1, and validate on that"),
    ("--test", "FILE", "test on this text at the end"),
    ("--tokens", "K", "take the first K tokens, 0 = all (directory: 1000; your own text: 0; built-in text: 20000)"),
    ("--min-count", "K", "words that stand fewer than K times in what is trained on become <unk> (1)"),
    ("--vocab", "K", "so do the rarest, until K words are left, 0 = all (your own text: 10000; else 0)"),
    ("--vocabulary", "FILE", "take these words, one a line, in the order of their ids"),
    ("--lower", "", "read all texts in lower case"),
    ("--split-punctuation", "", "split punctuation off the words of all texts, as raw text needs"),
    ("--epochs", "K", "epochs in all, those of a loaded file counted; 0 trains nothing (100; long: 8; built-in: 12)"),
    ("--cell", "rnn|lstm", "the recurrent cell: tanh, or an LSTM (rnn)"),
    ("--wordvec", "D", "length of a word vector (100)"),
    ("--hidden", "H", "length of the hidden state (100)"),
    ("--batch", "N", "rows of text read side by side (10)"),
    ("--time", "T", "steps unrolled by truncated BPTT (5; long: 20)"),
    ("--lr", "RATE", "learning rate (0.1; long: 5; built-in: 0.2)"),
    ("--patience", "K", "stop after K epochs in a row that don't improve the validation (never)"),
    ("--clip", "NORM", "clip the gradients to this global norm (inf: don't; long: 0.25)"),
    ("--lr-decay", "X", "divide the rate by X, at least 1, after an epoch without a better validation (1; long: 2)"),
    ("--decay-from", "K", "do so after every epoch from the Kth on; a file doesn't keep this (never)"),
    ("--seed", "SEED", "seed of the initial weights and of --generate (1)"),
    ("--isa", "NAME", "portable, sse2, avx2, avx512 or neon (the fastest one here)"),
    ("--threads", "K", "compute on K threads, with the same results (all cores where it pays, else 1)"),
    ("--load", "FILE", "go on from a file of --save, or from six bare weights in safetensors format"),
    ("--save", "FILE", "keep model, words and state of training in FILE at the end"),
    ("--save-every", "K", "and after every K epochs"),
    ("--save-best", "FILE", "keep the model of the best validation so far in FILE"),
    ("--quantize", "FILE", "write the model at the end as int8 weights, a quarter of the bytes, to predict from"),
    ("--csv", "FILE", "write perplexity and learning rate of each epoch to FILE"),
    ("--plot", "FILE", "draw the perplexities as an SVG picture in FILE"),
    ("--generate", "K", "print K words that the model makes up (0)"),
    ("--prompt", "TEXT", "let them go on from this start of a text"),
    ("--temperature", "X", "make them up more boldly (above 1) or less (below 1); 0 = always the likeliest (1)"),
    ("--top", "K", "make them up from the K likeliest at each place, 0 = all (0)"),
    ("--log-every", "K", "print a line after every K steps (in a pipe: about every 30 seconds)"),
    ("--quiet", "", "print only how it ended, and what --generate makes up"),
    ("--help", "", "print this and exit; -h too"),
    ("--version", "", "print the version and exit"),
];

const ABOUT: &str = "\
A text is words between white space, a sentence a line; a new line is the word <eos>. Where the vocabulary has no <unk>,
words that it lacks are counted and left out of what is judged. \"long\" is your own text of 20000 tokens or more.

Files are replaced whole or not at all, and equal runs write equal files. A run loaded takes what no flag names from
its file: sizes, rate, clipping, decay, seed; it ends as if it had never stopped. --csv and --plot go on in the files
that they find, from the epoch loaded; --patience counts the epochs of the run under way. Ctrl-C ends a run at once:
--save-every bounds what is lost. A run that an error stops keeps the curves of the epochs done. Where an epoch ends
at a perplexity above 1000 times the vocabulary size, or a loss is not finite, the run has diverged: it stops, and the
models that it wrote before stay. The progress line is as wide as COLUMNS says, else as the terminal is.

exit codes: 0 done; 2 a bad command line; 1 anything else that stops the run
";

/// What the user asked for; `None` where a default that suits the text is taken.
#[derive(Debug, Default)]
pub struct Options {
    pub data: Option<PathBuf>,
    pub valid: Option<PathBuf>,
    pub valid_fraction: Option<f64>,
    pub test: Option<PathBuf>,
    pub tokens: Option<usize>,
    pub min_count: Option<usize>,
    pub vocab: Option<usize>,
    pub vocabulary: Option<PathBuf>,
    pub lower: bool,
    pub split_punctuation: bool,
    pub epochs: Option<usize>,
    /// Whether it is an LSTM.
    pub lstm: Option<bool>,
    pub wordvec: Option<NonZeroUsize>,
    pub hidden: Option<NonZeroUsize>,
    pub batch: Option<NonZeroUsize>,
    pub time: Option<NonZeroUsize>,
    pub lr: Option<f32>,
    pub patience: Option<NonZeroUsize>,
    pub clip: Option<f32>,
    pub lr_decay: Option<f32>,
    pub decay_from: Option<NonZeroUsize>,
    pub seed: Option<u64>,
    pub isa: Option<Result<Isa, IsaError>>,
    pub threads: Option<NonZeroUsize>,
    pub load: Option<PathBuf>,
    pub save: Option<PathBuf>,
    pub save_every: Option<NonZeroUsize>,
    pub save_best: Option<PathBuf>,
    pub quantize: Option<PathBuf>,
    pub csv: Option<PathBuf>,
    pub plot: Option<PathBuf>,
    pub generate: usize,
    pub prompt: String,
    pub temperature: Option<f32>,
    pub top: usize,
    pub log_every: Option<NonZeroUsize>,
    pub quiet: bool,
}

/// A command line that can be obeyed.
#[derive(Debug)]
pub enum Command {
    Help,
    Version,
    Train(Box<Options>),
}

/// Reads the arguments behind the program's name. The error is a message for the user.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Box::<Options>::default();
    let asked = flags::read(&FLAGS, arguments, |value| {
        match value.flag {
            "--data" => options.data = Some(value.path()?),
            "--valid" => options.valid = Some(value.path()?),
            "--valid-fraction" => {
                options.valid_fraction =
                    Some(value.parse_if("above 0 and below 1", |share: &f64| *share > 0.0 && *share < 1.0)?);
            }
            "--test" => options.test = Some(value.path()?),
            "--min-count" => options.min_count = Some(value.parse()?),
            "--vocab" => options.vocab = Some(value.parse()?),
            "--vocabulary" => options.vocabulary = Some(value.path()?),
            "--lower" => options.lower = true,
            "--split-punctuation" => options.split_punctuation = true,
            "--tokens" => options.tokens = Some(value.parse()?),
            "--epochs" => options.epochs = Some(value.parse()?),
            "--cell" => {
                let name: String = value.parse_if("rnn or lstm", |name| name == "rnn" || name == "lstm")?;
                options.lstm = Some(name == "lstm");
            }
            "--wordvec" => options.wordvec = Some(value.parse()?),
            "--hidden" => options.hidden = Some(value.parse()?),
            "--batch" => options.batch = Some(value.parse()?),
            "--time" => options.time = Some(value.parse()?),
            "--lr" => {
                options.lr = Some(value.parse_if("a number above 0", |rate: &f32| rate.is_finite() && *rate > 0.0)?)
            }
            "--clip" => options.clip = Some(value.parse_if("a number above 0, or inf", |norm: &f32| *norm > 0.0)?),
            "--lr-decay" => {
                options.lr_decay =
                    Some(value.parse_if("a number of at least 1", |x: &f32| x.is_finite() && *x >= 1.0)?);
            }
            "--decay-from" => options.decay_from = Some(value.parse()?),
            "--patience" => options.patience = Some(value.parse()?),
            "--seed" => options.seed = Some(value.parse()?),
            "--threads" => options.threads = Some(value.parse()?),
            "--load" => options.load = Some(value.path()?),
            "--save" => options.save = Some(value.path()?),
            "--save-every" => options.save_every = Some(value.parse()?),
            "--save-best" => options.save_best = Some(value.path()?),
            "--quantize" => options.quantize = Some(value.path()?),
            "--csv" => options.csv = Some(value.path()?),
            "--plot" => options.plot = Some(value.path()?),
            "--generate" => options.generate = value.parse()?,
            "--prompt" => options.prompt = value.text()?.to_owned(),
            "--temperature" => options.temperature = Some(value.temperature()?),
            "--top" => options.top = value.parse()?,
            "--log-every" => options.log_every = Some(value.parse()?),
            "--quiet" => options.quiet = true,
            _ => {
                let isa = Isa::by_name(value.text()?);
                if isa == Err(IsaError::Unknown) {
                    return Err(value.bad("portable, sse2, avx2, avx512 or neon"));
                }
                options.isa = Some(isa);
            }
        }
        Ok(())
    })?;
    if asked == Asked::Run && options.valid.is_some() && options.valid_fraction.is_some() {
        return Err("--valid and --valid-fraction both name a text to validate on: give one of them".into());
    }
    if asked == Asked::Run && options.generate == 0 && !options.prompt.is_empty() {
        return Err("--prompt is what --generate goes on from: give --generate K too".into());
    }
    Ok(match asked {
        Asked::Run => Command::Train(options),
        Asked::Help => Command::Help,
        Asked::Version => Command::Version,
    })
}

/// The text of `--help`.
pub fn help() -> String {
    let list = flags::list(&FLAGS);
    format!(
        "Trains a small recurrent language model on text.\n\n\
         usage: cargo run --release --example ptb -- [FLAGS]\n\nflags (defaults in brackets):\n{list}\n{ABOUT}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn both_spellings() {
        let Ok(Command::Train(options)) = parsed("--epochs=3 --lr 0.25 --data some/where --quiet --hidden 7") else {
            panic!("refused");
        };
        assert_eq!((options.epochs, options.lr, options.quiet), (Some(3), Some(0.25), true));
        assert_eq!(options.data, Some(PathBuf::from("some/where")));
        assert_eq!(options.hidden.map(NonZeroUsize::get), Some(7));
        assert!(matches!(parsed("--quiet --help"), Ok(Command::Help)));
        assert!(matches!(parsed("--epochs 3 -h --frobnicate"), Ok(Command::Help)));
        assert!(matches!(parsed("--version"), Ok(Command::Version)));
        assert!(matches!(parsed("--temperature 0 --prompt you --generate 3"), Ok(Command::Train(_))));
        assert!(matches!(parsed("--clip inf --lr-decay 1 --generate=0"), Ok(Command::Train(_))));
    }

    #[test]
    fn bad_lines_name_the_flag() {
        for line in [
            "--frobnicate",
            "epochs",
            "--epochs",
            "--epochs=",
            "--epochs -1",
            "--epochs 1.5",
            "--lr nan",
            "--lr inf",
            "--lr 0",
            "--lr -0.1",
            "--clip 0",
            "--clip nan",
            "--clip -1",
            "--lr-decay 0.5",
            "--lr-decay inf",
            "--lr-decay nan",
            "--decay-from 0",
            "--hidden 0",
            "--batch=0",
            "--threads 0",
            "--quiet=yes",
            "--valid-fraction 0",
            "--valid-fraction 1",
            "--valid-fraction nan",
            "--valid a --valid-fraction 0.1",
            "--min-count -1",
            "--vocab some",
            "--lower=1",
            "--test=",
            "--isa abacus",
            "--seed 18446744073709551616",
            "--csv=",
            "--load=",
            "--save",
            "--save-every 0",
            "--save-best=",
            "--quantize=",
            "--plot",
            "--generate some",
            "--temperature -1",
            "--temperature 1e-45",
            "--seed 1 --seed 1",
            "--prompt you",
            "--patience 0",
            "--log-every 0",
            "--version=1",
            "--top -1",
        ] {
            let flag = line.split(['=', ' ']).next().unwrap_or(line);
            assert!(parsed(line).is_err_and(|message| message.contains(flag)), "{line}");
        }
    }
}
