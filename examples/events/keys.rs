//! From files to events: sessions of keys, or lines of a log whose numbers are masked.
//!
//! The template is a simple one. The crate `drain-rs`, or any other miner, finds better ones; its keys are read here as
//! they are.

use std::{
    fs,
    io::{self, BufRead},
    path::Path,
};

use rnnlm::{EventIds, Vocabulary};

/// Sessions of keys.
pub type Sessions = Vec<Vec<String>>;

/// How a file tells its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A session a line, its keys between white space.
    #[default]
    Keys,
    /// An event a line, an empty line between sessions; numbers are masked.
    Log,
}

/// The marks of the vocabulary.
pub const END: &str = "<eos>";
pub const OTHER: &str = "<unk>";

/// Opens a file, or standard input where its name is `-`.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    Ok(if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(io::BufReader::new(fs::File::open(path)?))
    })
}

/// Reads what [`open`] opens. The error is a message for the user.
pub fn read(path: &Path, format: Format) -> Result<Sessions, String> {
    let opened = open(path).map_err(|error| error.to_string());
    opened.and_then(|input| sessions(input, format)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Gives session after session as its lines come, until one is answered by false.
pub fn follow(
    input: impl BufRead,
    format: Format,
    mut each: impl FnMut(&[String]) -> Result<bool, String>,
) -> Result<(), String> {
    let mut session = vec![];
    for line in input.lines() {
        let line = line.map_err(|error| error.to_string())?;
        match format {
            Format::Keys => session = line.split_whitespace().map(str::to_owned).collect(),
            Format::Log if !line.trim().is_empty() => {
                session.push(template(&line));
                continue;
            }
            Format::Log => {}
        }
        if !session.is_empty() && !each(&session)? {
            return Ok(());
        }
        session.clear();
    }
    if session.is_empty() { Ok(()) } else { each(&session).map(|_| ()) }
}

fn sessions(input: impl BufRead, format: Format) -> Result<Sessions, String> {
    let mut all = vec![];
    follow(input, format, |session| {
        all.push(session.to_vec());
        Ok(true)
    })?;
    Ok(all)
}

/// The line with `*` for every run of digits, and for every word that is a hexadecimal number.
pub fn template(line: &str) -> String {
    line.split_whitespace().map(mask).collect::<Vec<_>>().join(" ")
}

fn mask(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let (digits, is_marked) = bare.strip_prefix("0x").map_or((bare, false), |digits| (digits, true));
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit()) && !digits.is_empty();
    if is_hex && (is_marked || digits.len() >= 6 && digits.contains(|c: char| c.is_ascii_digit())) {
        return word.replacen(bare, "*", 1);
    }
    let mut masked = String::new();
    for c in word.chars() {
        match c {
            '0'..='9' if masked.ends_with('*') => {}
            '0'..='9' => masked.push('*'),
            _ => masked.push(c),
        }
    }
    masked
}

/// The ids of a vocabulary that has both marks.
pub fn ids(vocabulary: &Vocabulary) -> Option<EventIds> {
    let (end, other) = (vocabulary.id(END)?, vocabulary.id(OTHER)?);
    Some(EventIds { end, other, vocab_size: vocabulary.len() as u32, beyond: rnnlm::Beyond::Other })
}

/// A session in ids.
pub fn encode(vocabulary: &Vocabulary, ids: EventIds, session: &[String]) -> Vec<u32> {
    session.iter().map(|key| vocabulary.id(key).unwrap_or(ids.other)).collect()
}

/// The keys that occur at least so often, in order of appearance, then the marks.
pub fn vocabulary<'s>(
    sessions: impl Iterator<Item = &'s Vec<String>> + Clone,
    min_count: usize,
) -> Result<Vocabulary, rnnlm::CorpusError> {
    let mut all = Vocabulary::new();
    let mut counts = vec![];
    for key in sessions.flatten() {
        let id = all.add(key)? as usize;
        counts.resize(counts.len().max(id + 1), 0);
        counts[id] += 1;
    }
    let frequent = |&(key, &count): &(&str, &usize)| count >= min_count && key != END && key != OTHER;
    let kept: Vec<&str> = all.words().zip(&counts).filter(frequent).map(|(key, _)| key).collect();
    Vocabulary::from_words(kept.into_iter().chain([END, OTHER]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_sessions_end_at_empty_lines() {
        assert_eq!(template("open 0xfA in blk_-1608 of 10.0.0.1:50 [deadbeef1]"), "open * in blk_-* of *.*.*.*:* [*]");
        assert_eq!(template("a bad cafe facade"), "a bad cafe facade");
        let read = |text: &str, format| sessions(text.as_bytes(), format).unwrap();
        let log = read("open 1\nclose 1\n\n\nopen 22\n", Format::Log);
        assert_eq!(log, [vec!["open *", "close *"], vec!["open *"]]);
        assert_eq!(read("5 22\n\n5\n", Format::Keys), [vec!["5", "22"], vec!["5"]]);
    }

    #[test]
    fn rare_and_unknown_keys_share_a_mark() {
        let sessions = [vec!["a".to_owned(), "b".to_owned(), "a".to_owned()]];
        let vocabulary = vocabulary(sessions.iter(), 2).unwrap();
        assert_eq!(vocabulary.to_lines().unwrap(), "a\n<eos>\n<unk>\n");
        let ids = ids(&vocabulary).unwrap();
        assert_eq!(encode(&vocabulary, ids, &sessions[0]), [0, 2, 0]);
    }
}
