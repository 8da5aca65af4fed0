//! A word with its probability and a bar.

/// One line, with the word in `width` columns.
pub fn line(word: &str, width: usize, probability: f32) -> String {
    const BAR: f32 = 40.0;
    let bar = "#".repeat((BAR * probability).round() as usize);
    format!("  {word:<width$} {:5.1}% {bar}", 100.0 * probability).trim_end().to_owned()
}
