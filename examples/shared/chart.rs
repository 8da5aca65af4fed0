//! A word with its probability and a bar.

use super::visible::visible;

/// One line, with the word in `width` columns.
pub fn line(cell: &str, width: usize, probability: f32) -> String {
    const BAR: f32 = 40.0;
    let bar = "#".repeat((BAR * probability).round() as usize);
    format!("  {cell:<width$} {:5.1}% {bar}", 100.0 * probability).trim_end().to_owned()
}

/// A word for a column, which no word makes wider than 40: a longer one is cut.
pub fn cell(word: &str) -> String {
    const MOST: usize = 40;
    let word = visible(word);
    match word.char_indices().nth(MOST) {
        None => word,
        Some(_) => word.chars().take(MOST - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_between_characters() {
        let word = |count| "語".repeat(count);
        assert_eq!(cell(&word(40)), word(40));
        assert_eq!(cell(&word(41)), word(39) + "…");
        let long = cell(&word(100_000));
        assert_eq!(line(&long, 40, 0.5), format!("  {long}  50.0% {}", "#".repeat(20)));
        assert_eq!(cell("a\u{202e}b"), r"a\u{202e}b");
    }
}
