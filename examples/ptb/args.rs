//! The command line: `--flag value` and `--flag=value`.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf};

use rnnlm::{Isa, IsaError};

/// Flag, value, explanation.
const FLAGS: [(&str, &str, &str); 13] = [
    ("--data", "DIR|FILE", "a directory with ptb.train.txt (and ptb.valid.txt, ptb.test.txt), or one text file"),
    ("--tokens", "K", "train on the first K tokens, 0 = all (1000; built-in text: 20000)"),
    ("--epochs", "K", "epochs to train (100; built-in text: 12)"),
    ("--wordvec", "D", "length of a word vector (100)"),
    ("--hidden", "H", "length of the hidden state (100)"),
    ("--batch", "N", "rows of text read side by side (10)"),
    ("--time", "T", "steps unrolled by truncated BPTT (5)"),
    ("--lr", "RATE", "learning rate (0.1; built-in text: 0.2)"),
    ("--seed", "SEED", "seed of the initial weights (1)"),
    ("--isa", "NAME", "portable, avx2, avx512 or neon (the fastest one here)"),
    ("--csv", "FILE", "write the perplexity of each epoch to FILE"),
    ("--quiet", "", "print only the last line"),
    ("--help", "", "print this and exit"),
];

/// What the user asked for; `None` where a default that suits the text is taken.
#[derive(Debug, Default)]
pub struct Options {
    pub data: Option<PathBuf>,
    pub tokens: Option<usize>,
    pub epochs: Option<usize>,
    pub wordvec: Option<NonZeroUsize>,
    pub hidden: Option<NonZeroUsize>,
    pub batch: Option<NonZeroUsize>,
    pub time: Option<NonZeroUsize>,
    pub lr: Option<f32>,
    pub seed: Option<u64>,
    pub isa: Option<Result<Isa, IsaError>>,
    pub csv: Option<PathBuf>,
    pub quiet: bool,
}

/// A command line that can be obeyed.
#[derive(Debug)]
pub enum Command {
    Help,
    Train(Options),
}

/// Reads the arguments behind the program's name. The error is a message for the user.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Options::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let argument = argument.into_string().map_err(|raw| {
            format!("{} is not UTF-8: such a path goes behind its flag, not behind =", raw.to_string_lossy())
        })?;
        let (flag, attached) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(OsString::from(value))),
            None => (argument.as_str(), None),
        };
        let Some(&(_, placeholder, _)) = FLAGS.iter().find(|(name, _, _)| *name == flag) else {
            return Err(format!("unknown argument {argument}: --help lists the flags"));
        };
        if placeholder.is_empty() {
            if attached.is_some() {
                return Err(format!("{flag} takes no value"));
            }
            match flag {
                "--help" => return Ok(Command::Help),
                _ => options.quiet = true,
            }
            continue;
        }
        let raw = attached.or_else(|| arguments.next()).ok_or_else(|| format!("{flag} needs a value {placeholder}"))?;
        let value = Value { flag, raw };
        match flag {
            "--data" => options.data = Some(value.path()?),
            "--tokens" => options.tokens = Some(value.parse()?),
            "--epochs" => options.epochs = Some(value.parse()?),
            "--wordvec" => options.wordvec = Some(value.parse()?),
            "--hidden" => options.hidden = Some(value.parse()?),
            "--batch" => options.batch = Some(value.parse()?),
            "--time" => options.time = Some(value.parse()?),
            "--lr" => options.lr = Some(value.parse_if(|rate: &f32| rate.is_finite() && *rate > 0.0)?),
            "--seed" => options.seed = Some(value.parse()?),
            "--csv" => options.csv = Some(value.path()?),
            _ => {
                let name: String = value.parse()?;
                let isa = Isa::by_name(&name);
                if isa == Err(IsaError::Unknown) {
                    return Err(value.bad());
                }
                options.isa = Some(isa);
            }
        }
    }
    Ok(Command::Train(options))
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "Trains a small recurrent language model on text.\n\n\
         usage: cargo run --release --example ptb -- [FLAGS]\n\nflags (defaults in brackets):\n",
    );
    for (flag, placeholder, explanation) in FLAGS {
        let left = format!("{flag} {placeholder}");
        text += &format!("  {left:<17} {explanation}\n");
    }
    text
}

/// The value of a flag.
struct Value<'f> {
    flag: &'f str,
    raw: OsString,
}

impl Value<'_> {
    fn bad(&self) -> String {
        let (flag, raw) = (self.flag, self.raw.to_string_lossy());
        let explanation = FLAGS.iter().find(|(name, _, _)| *name == flag).map_or("", |(_, _, text)| text);
        format!("{flag} can't be {raw:?}: {explanation}")
    }

    fn path(&self) -> Result<PathBuf, String> {
        if self.raw.is_empty() { Err(self.bad()) } else { Ok(PathBuf::from(&self.raw)) }
    }

    fn parse<T: std::str::FromStr>(&self) -> Result<T, String> {
        self.parse_if(|_| true)
    }

    fn parse_if<T: std::str::FromStr>(&self, good: impl FnOnce(&T) -> bool) -> Result<T, String> {
        let parsed = self.raw.to_str().and_then(|text| text.parse().ok());
        parsed.filter(good).ok_or_else(|| self.bad())
    }
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
            "--hidden 0",
            "--batch=0",
            "--quiet=yes",
            "--isa abacus",
            "--seed 18446744073709551616",
            "--csv=",
        ] {
            let flag = line.split(['=', ' ']).next().unwrap_or(line);
            assert!(parsed(line).is_err_and(|message| message.contains(flag)), "{line}");
        }
    }
}
