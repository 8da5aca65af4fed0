//! Command lines by a table of flags: `--flag value` and `--flag=value`.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

/// Flag, value, explanation; one without a value takes none. `--help` is a flag of every table.
pub type Flag = (&'static str, &'static str, &'static str);

/// Reads the arguments behind the program's name and gives each flag with its value to `take`. False: the user
/// asks for help. The error is a message for the user.
pub fn read(
    flags: &[Flag],
    mut arguments: impl Iterator<Item = OsString>,
    mut take: impl FnMut(Value) -> Result<(), String>,
) -> Result<bool, String> {
    while let Some(argument) = arguments.next() {
        let argument = argument.into_string().map_err(|raw| {
            format!("{:?} is not UTF-8: such a path goes behind its flag, not behind =", raw.to_string_lossy())
        })?;
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (argument.as_str(), None),
        };
        let Some(&(flag, placeholder, explanation)) = flags.iter().find(|(flag, _, _)| *flag == name) else {
            return Err(format!("unknown argument {argument:?}: --help lists the flags"));
        };
        let raw = if placeholder.is_empty() {
            if attached.is_some() {
                return Err(format!("{flag} takes no value"));
            }
            if flag == "--help" {
                return Ok(false);
            }
            OsString::new()
        } else {
            attached.or_else(|| arguments.next()).ok_or_else(|| format!("{flag} needs a value {placeholder}"))?
        };
        take(Value { flag, explanation, raw })?;
    }
    Ok(true)
}

/// The table as text.
pub fn list(flags: &[Flag]) -> String {
    let left = |&(flag, placeholder, _): &Flag| format!("{flag} {placeholder}");
    let width = flags.iter().map(|flag| left(flag).len()).max().unwrap_or(0);
    flags.iter().map(|flag| format!("  {:<width$}  {}\n", left(flag), flag.2)).collect()
}

/// A flag with its value.
pub struct Value {
    pub flag: &'static str,
    explanation: &'static str,
    raw: OsString,
}

impl Value {
    /// The message that this value is none.
    pub fn bad(&self) -> String {
        format!("{} can't be {:?}: {}", self.flag, self.raw.to_string_lossy(), self.explanation)
    }

    pub fn path(&self) -> Result<PathBuf, String> {
        if self.raw.is_empty() { Err(self.bad()) } else { Ok(PathBuf::from(&self.raw)) }
    }

    pub fn parse<T: FromStr>(&self) -> Result<T, String> {
        self.parse_if(|_| true)
    }

    pub fn parse_if<T: FromStr>(&self, good: impl FnOnce(&T) -> bool) -> Result<T, String> {
        let parsed = self.raw.to_str().and_then(|text| text.parse().ok());
        parsed.filter(good).ok_or_else(|| self.bad())
    }

    /// A temperature: finite, above zero, with a finite inverse.
    pub fn temperature(&self) -> Result<f32, String> {
        self.parse_if(|t: &f32| *t > 0.0 && t.is_finite() && t.recip().is_finite())
    }
}
