//! Texts as they are read: from files and pipes, and as far as they are needed.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rnnlm::tokens;

use crate::visible::visible;

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

#[cfg(test)]
mod tests {
    use super::*;

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
