//! Command lines by a table of flags: `--flag value` and `--flag=value`.

use std::{
    ffi::OsString,
    num::{IntErrorKind, NonZeroUsize, ParseIntError},
    path::PathBuf,
    str::FromStr,
};

/// Flag, value, explanation; one without a value takes none. `--help` and `--version` are flags of every table.
pub type Flag = (&'static str, &'static str, &'static str);

/// What a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What the flags say.
    Run,
    /// The list of flags.
    Help,
    /// The program's version.
    Version,
}

/// Reads the arguments behind the program's name and gives each flag with its value to `take`, until one asks for help
/// or version. The error is a message for the user.
pub fn read(
    flags: &[Flag],
    mut arguments: impl Iterator<Item = OsString>,
    mut take: impl FnMut(Value) -> Result<(), String>,
) -> Result<Asked, String> {
    let mut given = Vec::new();
    while let Some(argument) = arguments.next() {
        let argument = argument.into_string().map_err(|raw| {
            format!("{:?} is not UTF-8: such a path goes behind its flag, not behind =", raw.to_string_lossy())
        })?;
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (argument.as_str(), None),
        };
        let name = if name == "-h" { "--help" } else { name };
        let Some(&(flag, placeholder, _)) = flags.iter().find(|(flag, _, _)| *flag == name) else {
            return Err(format!("unknown argument {argument:?}: --help lists the flags"));
        };
        let raw = if placeholder.is_empty() {
            if attached.is_some() {
                return Err(format!("{flag} takes no value"));
            }
            match flag {
                "--help" => return Ok(Asked::Help),
                "--version" => return Ok(Asked::Version),
                _ => OsString::new(),
            }
        } else {
            attached.or_else(|| arguments.next()).ok_or_else(|| format!("{flag} needs a value {placeholder}"))?
        };
        if given.contains(&flag) {
            return Err(format!("{flag} is given twice: give it once"));
        }
        given.push(flag);
        take(Value { flag, raw })?;
    }
    Ok(Asked::Run)
}

/// The answer to `--version`.
pub fn version(program: &str) -> String {
    format!("{program} (rnnlm) {}", env!("CARGO_PKG_VERSION"))
}

/// The table as text.
pub fn list(flags: &[Flag]) -> String {
    let left = |&(flag, placeholder, _): &Flag| format!("{flag} {placeholder}");
    let width = flags.iter().map(|flag| left(flag).len()).max().unwrap_or(0);
    flags.iter().map(|flag| format!("  {:<width$}  {}\n", left(flag), flag.2)).collect()
}

/// What values of a type look like, in words behind "must be", and the largest one.
pub trait Named {
    const NAME: &'static str;
    const MOST: u64;
}

impl Named for usize {
    const NAME: &'static str = "a whole number, 0 or above";
    const MOST: u64 = usize::MAX as u64;
}

impl Named for u64 {
    const NAME: &'static str = "a whole number, 0 or above";
    const MOST: u64 = u64::MAX;
}

impl Named for NonZeroUsize {
    const NAME: &'static str = "a whole number above 0";
    const MOST: u64 = usize::MAX as u64;
}

/// A flag with its value.
pub struct Value {
    pub flag: &'static str,
    raw: OsString,
}

impl Value {
    /// The message that this value is none.
    pub fn bad(&self, must_be: &str) -> String {
        format!("{} can't be {:?}: it must be {must_be}", self.flag, self.raw.to_string_lossy())
    }

    /// The value as it stands.
    pub fn text(&self) -> Result<&str, String> {
        self.raw.to_str().ok_or_else(|| self.bad("UTF-8"))
    }

    pub fn path(&self) -> Result<PathBuf, String> {
        if self.raw.is_empty() { Err(self.bad("the name of a file")) } else { Ok(PathBuf::from(&self.raw)) }
    }

    /// A whole number.
    pub fn parse<T: Named + FromStr<Err = ParseIntError>>(&self) -> Result<T, String> {
        self.text()?.parse().map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => self.bad(&format!("at most {}", T::MOST)),
            _ => self.bad(T::NAME),
        })
    }

    /// A number that is good; `must_be` says in words which ones are.
    pub fn parse_if<T: FromStr>(&self, must_be: &str, good: impl FnOnce(&T) -> bool) -> Result<T, String> {
        let parsed = self.raw.to_str().and_then(|text| text.parse().ok());
        parsed.filter(good).ok_or_else(|| self.bad(must_be))
    }

    /// A temperature: 0, or finite, above zero, with a finite inverse.
    pub fn temperature(&self) -> Result<f32, String> {
        let good = |t: &f32| *t == 0.0 || *t > 0.0 && t.is_finite() && t.recip().is_finite();
        self.parse_if("0, which is greedy, or a number of at least 3e-39", good)
    }
}
