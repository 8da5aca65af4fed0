//! What became of each epoch, and the files that tell of it.
//!
//! A run that goes on from epoch e adds to the curves that it finds: their rows up to e stay, those behind are of
//! epochs that it trains anew. A file that was written by something else, or ends before e, is refused before training.

use std::{fmt::Write, fs, path::Path};

use super::{
    output::{Output, real},
    plot::svg,
    visible::visible,
};

/// One epoch: its perplexities, and the learning rate that it was trained at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub epoch: usize,
    pub train: f32,
    pub valid: Option<f32>,
    pub learning_rate: Option<f32>,
}

const HEADERS: [&str; 4] =
    ["epoch,perplexity,lr", "epoch,perplexity,valid,lr", "epoch,perplexity", "epoch,perplexity,valid"];

/// The rows as comma-separated values, printed so that they round-trip.
pub fn csv(rows: &[Row], is_validated: bool) -> String {
    let is_validated = is_validated || rows.iter().any(|row| row.valid.is_some());
    let mut text = format!("{}\n", HEADERS[usize::from(is_validated)]);
    let cell = |value: Option<f32>| value.map(|value| format!(",{value}")).unwrap_or(",".into());
    for &Row { epoch, train, valid, learning_rate } in rows {
        let valid = if is_validated { cell(valid) } else { String::new() };
        // a String takes everything
        let _ = writeln!(text, "{epoch},{train}{valid}{}", cell(learning_rate));
    }
    text
}

/// The rows of a text by [`csv`]; `None` for any other.
pub fn rows(text: &str) -> Option<Vec<Row>> {
    let mut lines = text.lines();
    let Some(header) = lines.next() else { return Some(Vec::new()) };
    let columns: Vec<&str> = HEADERS.iter().find(|known| **known == header)?.split(',').collect();
    let number = |cell: &str| match cell {
        "" => Some(None),
        cell => cell.parse().ok().map(Some),
    };
    let mut rows: Vec<Row> = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell =
            |name| columns.iter().position(|column| *column == name).map_or(Some(None), |i| number(cells.get(i)?));
        let epoch = cells.first()?.parse().ok()?;
        let follows = rows.last().is_none_or(|last| last.epoch < epoch);
        if cells.len() != columns.len() || !follows {
            return None;
        }
        rows.push(Row { epoch, train: cell("perplexity")??, valid: cell("valid")?, learning_rate: cell("lr")? });
    }
    Some(rows)
}

/// In what form a curve is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Csv,
    Plot,
}

/// A file with a row or a point for each epoch.
#[derive(Debug)]
pub struct Curve {
    output: Output,
    form: Form,
    /// The rows that stay.
    before: Vec<Row>,
    is_there: bool,
}

impl Curve {
    /// A curve that begins behind epoch `epoch`, or goes on there in the file that is found. Gives back what to tell,
    /// too. The error is a message for the user.
    pub fn new(output: Output, path: &Path, form: Form, epoch: u64) -> Result<(Self, Option<String>), String> {
        let is_there = fs::metadata(real(path)).is_ok_and(|found| found.is_file());
        let mut curve = Self { output, form, before: Vec::new(), is_there };
        // a run from the start replaces it, as it does its other files
        if !is_there || epoch == 0 {
            return Ok((curve, None));
        }
        let (name, text) = (visible(path), fs::read(path).unwrap_or_default());
        let found = str::from_utf8(&text).ok().and_then(|text| match form {
            Form::Csv => rows(text),
            // what `svg` keeps for this
            Form::Plot => rows(text.split_once("<desc>")?.1.split_once("</desc>")?.0),
        });
        let elsewhere = "name another file, or remove it";
        let mut found = found.ok_or_else(|| {
            format!("{name}: not written by --{}, so that epoch {} can't be added: {elsewhere}", form.name(), epoch + 1)
        })?;
        let all = found.len();
        found.retain(|row| row.epoch as u64 <= epoch);
        let last = found.last().map(|row| row.epoch);
        if let Some(last) = last.filter(|&last| last as u64 != epoch) {
            return Err(format!("{name} ends at epoch {last}, and the run goes on from epoch {epoch}: {elsewhere}"));
        }
        let cut = all - found.len();
        let told = (cut > 0).then(|| format!("{name}: {cut} epochs behind epoch {epoch} will be replaced"));
        curve.before = found;
        Ok((curve, told))
    }

    /// Writes the rows found and the new ones, unless there is nothing new to tell.
    pub fn write(&self, new: &[Row], is_validated: bool, reachable: Option<f64>) -> Result<(), String> {
        if new.is_empty() && self.is_there {
            return Ok(());
        }
        let rows = [&self.before, new].concat();
        let content = match self.form {
            Form::Csv => csv(&rows, is_validated),
            Form::Plot => svg(&rows, reachable),
        };
        self.output.write(content.as_bytes())
    }
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Plot => "plot",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_with_all_their_bits() {
        let values = [394.607_6, 1.0, f32::INFINITY, f32::MAX, 1e-38, 16_777_217.0, 0.1];
        for is_validated in [false, true] {
            for has_rate in [false, true] {
                let row = |(i, &train): (usize, &f32)| {
                    let valid = (is_validated && i % 3 > 0).then_some(train / 3.0);
                    Row { epoch: i + 4, train, valid, learning_rate: has_rate.then_some(1.0 / train) }
                };
                let expected: Vec<Row> = values.iter().enumerate().map(row).collect();
                let text = csv(&expected, is_validated);
                assert_eq!(rows(&text).unwrap(), expected, "{text}");
                assert_eq!(text.lines().next(), Some(HEADERS[usize::from(is_validated)]));
            }
        }
        assert_eq!(rows("epoch,perplexity\n1,5\n").unwrap()[0].train, 5.0);
        assert_eq!(rows(""), Some(vec![]));
    }

    #[test]
    fn other_tables_are_refused() {
        for text in [
            "old",
            "epoch,loss\n1,2\n",
            "epoch,perplexity,lr\n1,2\n",
            "epoch,perplexity,lr\n1,2,3,4\n",
            "epoch,perplexity,lr\nx,2,3\n",
            "epoch,perplexity,lr\n1,,3\n",
            "epoch,perplexity,lr\n2,9,3\n1,9,3\n",
            "epoch,perplexity,lr\n1,9,3\n\n",
        ] {
            assert_eq!(rows(text), None, "{text}");
        }
    }
}
