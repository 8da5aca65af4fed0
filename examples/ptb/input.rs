//! Texts as they are read: from files and pipes, and as far as they are needed.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rnnlm::tokens;

use crate::{args::Options, visible::visible};

/// A file up to this size is read to its end also where its first tokens are enough: then their share is known.
const SMALL: u64 = 1 << 24;

/// A text, or its beginning.
pub struct Input {
    pub text: String,
    /// Whether it was read to its end.
    pub is_whole: bool,
}

impl Input {
    /// Reads a file; of a large one no more than so many tokens need. The error is a message for the user.
    pub fn of_file(path: &Path, enough: Option<usize>) -> Result<Self, String> {
        let told = |error| format!("{}: {error}", visible(path));
        let file = File::open(path).map_err(told)?;
        let is_small = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= SMALL);
        Self::of(file, &visible(path), enough.filter(|_| !is_small))
    }

    /// Reads standard input, no further than so many tokens need.
    pub fn of_stdin(enough: Option<usize>) -> Result<Self, String> {
        Self::of(io::stdin().lock(), "standard input", enough)
    }

    fn of(mut reader: impl Read, name: &str, enough: Option<usize>) -> Result<Self, String> {
        const BLOCK: u64 = 1 << 16;
        let (mut bytes, mut is_whole, mut found, mut blocks) = (Vec::new(), false, 0, 0);
        // a token that two blocks share is found in both, and the last one may be cut
        while !is_whole && enough.is_none_or(|enough| found <= enough.saturating_add(3 * blocks)) {
            let start = bytes.len();
            is_whole = match reader.by_ref().take(BLOCK).read_to_end(&mut bytes) {
                Ok(len) => len == 0,
                Err(error) => return Err(format!("{name}: {error}")),
            };
            if enough.is_some() {
                found += tokens(&String::from_utf8_lossy(&bytes[start..])).count();
                blocks += 1;
            }
        }
        let text = String::from_utf8(bytes).or_else(|error| {
            let at = error.utf8_error();
            if is_whole || at.error_len().is_some() {
                return Err(format!("{name}: not UTF-8 at byte {}: convert it first", at.valid_up_to()));
            }
            // the last character is cut
            let mut bytes = error.into_bytes();
            bytes.truncate(at.valid_up_to());
            String::from_utf8(bytes).map_err(|error| error.to_string())
        })?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(Self { text, is_whole })
    }
}

/// What is done to a text before it is split at white space: nothing, unless the user asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokenizer {
    lower: bool,
    splits_punctuation: bool,
}

impl Tokenizer {
    pub fn of(options: &Options) -> Self {
        Self { lower: options.lower, splits_punctuation: options.split_punctuation }
    }

    pub fn apply(self, mut text: String) -> String {
        if self.lower {
            text = text.to_lowercase();
        }
        if self.splits_punctuation { split_punctuation(&text) } else { text }
    }

    /// What it does, for the user.
    pub fn note(self) -> Option<&'static str> {
        match (self.lower, self.splits_punctuation) {
            (false, false) => None,
            (true, false) => Some("the text is read in lower case"),
            (false, true) => Some("punctuation is split off"),
            (true, true) => Some("the text is read in lower case, punctuation is split off"),
        }
    }
}

/// Puts spaces around punctuation marks. Equal ones in a row stay together: `...`. So do `<unk>` and `<eos>`, the marks
/// within a word (`don't`, `well-known`, `a_b`) and within a number (`3.50`, `1,000`, `12:30`).
fn split_punctuation(text: &str) -> String {
    let mut split = String::with_capacity(text.len() + text.len() / 4);
    let (mut before, mut rest) = (' ', text);
    while let Some(c) = rest.chars().next() {
        let special = ["<unk>", "<eos>"].into_iter().find(|special| rest.starts_with(special));
        let end = special.map_or_else(|| rest.find(|other| other != c).unwrap_or(rest.len()), str::len);
        let (run, behind) = rest.split_at(end);
        let after = behind.chars().next().unwrap_or(' ');
        let is_inside = run.len() == c.len_utf8() && joins(before, c, after);
        if special.is_some() || is_mark(c) && !is_inside {
            split.extend([" ", run, " "]);
        } else {
            split.push_str(run);
        }
        (before, rest) = (if special.is_some() { ' ' } else { c }, behind);
    }
    split
}

/// Whether the mark stands within one word or number.
fn joins(before: char, mark: char, after: char) -> bool {
    match mark {
        '\'' | '’' | '-' | '_' => before.is_alphanumeric() && after.is_alphanumeric(),
        '.' | ',' | ':' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    }
}

fn is_mark(c: char) -> bool {
    c.is_ascii_punctuation() || "“”„‘’‚«»‹›–—…¿¡·、。，．！？：；「」『』（）《》〈〉【】।؟،؛".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_split_off() {
        for (text, split) in [
            ("\"You say,\" I said... goodbye?!\n", "\" You say , \" I said ... goodbye ? !"),
            ("don't, well-known 3.50 1,000 12:30 a_b", "don't , well-known 3.50 1,000 12:30 a_b"),
            ("the 'end' (now).", "the ' end ' ( now ) ."),
            ("<unk>, <eos> <other>", "<unk> , <eos> < other >"),
            ("안녕, 세계。«да» naïve e\u{301}t", "안녕 , 세계 。 « да » naïve e\u{301}t"),
            ("--help x=1;", "-- help x = 1 ;"),
            ("", ""),
        ] {
            let tokenizer = Tokenizer { lower: false, splits_punctuation: true };
            let found = tokenizer.apply(text.into());
            assert_eq!(found.split_whitespace().collect::<Vec<_>>().join(" "), split, "{text:?}");
            assert_eq!(found.matches('\n').count(), text.matches('\n').count());
        }
        let lower = Tokenizer { lower: true, splits_punctuation: false };
        assert_eq!(lower.apply("Ärger, YOU".into()), "ärger, you");
        assert_eq!(Tokenizer::default().apply("A, b".into()), "A, b");
    }

    #[test]
    fn no_more_is_read_than_so_many_tokens_need() {
        struct Counted<R>(R, usize);
        impl<R: Read> Read for Counted<R> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let len = self.0.read(buffer)?;
                self.1 += len;
                Ok(len)
            }
        }
        // characters of three bytes, cut at the ends of blocks
        for text in
            ["世界 \u{3000}平和 ".repeat(200_000), format!("{}\n", "x".repeat(300_000)).repeat(20), "é".repeat(300_000)]
        {
            let all: Vec<&str> = tokens(&text).collect();
            for enough in (7_700..7_720).chain([0, 1, 5, 1000, 5000, 390_000, usize::MAX]) {
                let mut reader = Counted(text.as_bytes(), 0);
                let Input { text: part, is_whole } = Input::of(&mut reader, "", Some(enough)).unwrap();
                let len = enough.min(all.len());
                assert!(tokens(&part).take(len).eq(all[..len].iter().copied()), "{enough}");
                assert!(is_whole || reader.1 < text.len(), "{enough}");
                assert_eq!(is_whole, part.len() == text.len(), "{enough}");
                assert!(enough != 1000 || all.len() < 1000 || reader.1 <= 1 << 16);
            }
        }
        let bad = |text: &[u8], enough| Input::of(text, "a", enough).map(|input| input.text);
        assert_eq!(bad(b"caf\xe9 au lait", Some(1)).unwrap_err(), "a: not UTF-8 at byte 3: convert it first");
        assert!(bad(b"au lait caf\xc3", None).is_err());
        assert_eq!(bad("\u{feff}au".as_bytes(), Some(1)), Ok("au".into()));
    }
}
