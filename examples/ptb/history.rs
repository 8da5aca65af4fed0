//! What became of each epoch.

use std::fmt::Write;

/// One epoch and its perplexities.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub epoch: usize,
    pub train: f32,
    pub valid: Option<f32>,
}

/// The rows as comma-separated values, printed so that they round-trip.
pub fn csv(rows: &[Row], is_validated: bool) -> String {
    let mut text = String::from(if is_validated { "epoch,perplexity,valid\n" } else { "epoch,perplexity\n" });
    for Row { epoch, train, valid } in rows {
        let comma = if is_validated { "," } else { "" };
        let valid = valid.map(|valid| valid.to_string()).unwrap_or_default();
        // a String takes everything
        let _ = writeln!(text, "{epoch},{train}{comma}{valid}");
    }
    text
}
