//! Text of the user's as it is printed: nothing in it drives the terminal.

use std::{ffi::OsStr, fmt::Write};

/// A word or a name, in which every character that shows nothing by itself stands as its code: `\u{1b}`.
pub fn visible(text: impl AsRef<OsStr>) -> String {
    let mut shown = String::new();
    for c in text.as_ref().to_string_lossy().chars() {
        // a String takes everything
        let _ = if is_hidden(c) { write!(shown, "{}", c.escape_unicode()) } else { shown.write_char(c) };
    }
    shown
}

/// Control characters, the ends of lines, the marks of the direction of writing, and what has no width and no use in
/// a word. The joiners U+200C and U+200D are left: Persian, Hindi and emoji are written with them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_shown_as_its_code() {
        assert_eq!(visible("\u{1b}]0;title\u{7}\r\n\0\t\u{7f}"), r"\u{1b}]0;title\u{7}\u{d}\u{a}\u{0}\u{9}\u{7f}");
        let marks = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain('\u{80}'..='\u{9f}');
        for c in marks.chain("\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{200b}\u{feff}\u{ad}\u{e0041}".chars()) {
            assert_eq!(visible(format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn words_of_every_script_stay() {
        for word in [
            "<unk>",
            "n't",
            r"C:\words",
            "naïve",
            "e\u{301}",
            "語",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "👩\u{200d}💻",
        ] {
            assert_eq!(visible(word), word);
        }
    }
}
