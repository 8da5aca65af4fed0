//! What is done to a text before it is split into words.

use std::borrow::Cow;

/// Nothing, unless the user asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokenizer {
    pub lower: bool,
    pub splits_punctuation: bool,
}

impl Tokenizer {
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        let text = if self.lower { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
        if self.splits_punctuation { Cow::Owned(split_punctuation(&text)) } else { text }
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
            let found = tokenizer.apply(text);
            assert_eq!(found.split_whitespace().collect::<Vec<_>>().join(" "), split, "{text:?}");
            assert_eq!(found.matches('\n').count(), text.matches('\n').count());
        }
        let lower = Tokenizer { lower: true, splits_punctuation: false };
        assert_eq!(lower.apply("Ärger, YOU"), "ärger, you");
        assert_eq!(Tokenizer::default().apply("A, b"), "A, b");
    }
}
