//! The answer to a line: what may come next, or how likely the line is.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use rnnlm::{Candidate, TokenScore, Vocabulary, top};

use crate::{
    Failure, chart,
    continuation::{Sampling, go_on},
    evaluation::{Evaluation, no_prediction, recall},
    line::Line,
    loaded::Loaded,
    reader::Predicts,
    visible::visible,
};

/// What is asked of each line.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// So many candidates for the next word.
    Predict { top: usize, temperature: f32 },
    /// What follows.
    GoOn(Sampling),
    /// The probability of each word.
    Score,
    /// The same for programs.
    Table,
}

/// Answers lines.
pub struct Answers<'m> {
    pub vocabulary: &'m Vocabulary,
    pub model: &'m mut Loaded<'m>,
    pub mode: Mode,
    /// Of all lines so far that have a score.
    pub total: Evaluation,
    pub lines_scored: usize,
}

/// The columns of a table of scores; those behind the rank and the mark of unknown words belong to the total.
const COLUMNS: &str = "line\tposition\tword\tlog_likelihood\trank\toov\t\
                       perplexity\tperplexity_without_oov\trecall_at_1\trecall_at_3\n";

impl Answers<'_> {
    /// What stands before the first answer.
    pub fn head(&self) -> &'static str {
        if matches!(self.mode, Mode::Table) { COLUMNS } else { "" }
    }

    /// What stands between two answers.
    pub fn between(&self) -> &'static str {
        if matches!(self.mode, Mode::Table) { "" } else { "\n" }
    }

    /// The block of lines that answers line `number`.
    pub fn of(&mut self, text: &str, number: usize) -> Result<String, Failure> {
        let mut line = Line::read(text.trim_end(), self.vocabulary);
        let note = line.note().map(|note| format!("  {note}\n")).unwrap_or_default();
        match self.mode {
            Mode::Predict { top, temperature } => {
                let header = visible(line.words.iter().chain(&["..."]).copied().collect::<Vec<_>>().join(" "));
                Ok(format!("{header}\n{note}{}", self.candidates(&line.ids, top, temperature)?))
            }
            Mode::GoOn(sampling) => {
                if let Some(note) = line.note() {
                    // where nobody listens, the answer must do
                    let _ = writeln!(io::stderr(), "predict: line {number}: {note}");
                }
                let mut block = Vec::new();
                go_on(self.model, self.vocabulary, &line, sampling, &mut block)?;
                Ok(String::from_utf8(block)?)
            }
            Mode::Score => {
                let header = format!("{}\n{note}", visible(line.words.join(" ")));
                Ok(header + &self.scores(&mut line)?)
            }
            Mode::Table => self.rows(&mut line, number),
        }
    }

    /// What stands behind the last answer.
    pub fn end(&self) -> String {
        match self.mode {
            Mode::Score if self.lines_scored > 1 => {
                let lines = self.lines_scored;
                format!("\ntotal of {lines} lines\n{}  {}\n", summary(&self.total), recall(&self.total, 2))
            }
            Mode::Table => total_row(&self.total),
            _ => String::new(),
        }
    }

    /// The likeliest words with bars, never `<unk>`.
    fn candidates(&self, ids: &[u32], count: usize, temperature: f32) -> Result<String, Failure> {
        let is_greedy = temperature == 0.0;
        let temperature = if is_greedy { 1.0 } else { temperature };
        let mut predictor = self.model.reader(temperature)?;
        let Some((&last, before)) = ids.split_last() else {
            return Ok("  no known word to go on from\n".into());
        };
        for &id in before {
            predictor.feed(id).map_err(no_prediction)?;
        }
        let skip: Vec<u32> = self.vocabulary.id("<unk>").into_iter().collect();
        let mut best = vec![Candidate::default(); count.min(self.vocabulary.len())];
        let best = top(predictor.feed(last).map_err(no_prediction)?, &skip, &mut best);
        let (words, width) = column(self.vocabulary, best.iter().map(|candidate| candidate.id));
        let line = |(rank, (word, c)): (usize, (&String, &Candidate))| {
            let greedy = if rank == 0 { 1.0 } else { 0.0 };
            chart::line(word, width, if is_greedy { greedy } else { c.probability }) + "\n"
        };
        Ok(words.iter().zip(best).enumerate().map(line).collect())
    }

    /// The score of each token of the line behind the first, which is the end of the line before where there is one.
    fn score(&mut self, line: &mut Line<'_>) -> Result<(Vec<TokenScore>, Evaluation), Failure> {
        let unk = self.vocabulary.id("<unk>");
        let (mut rows, mut evaluation) = (Vec::new(), Evaluation::new(unk));
        line.ids.extend(self.vocabulary.id("<eos>"));
        if unk.is_none() {
            evaluation.left_out = line.unknown.len();
            self.total.left_out += line.unknown.len();
        }
        if line.ids.len() > 1 {
            let total = &mut self.total;
            let scored = self.model.score(&line.ids, |score| {
                evaluation.add(score);
                total.add(score);
                rows.push(score);
            });
            scored?;
            self.lines_scored += 1;
        }
        Ok((rows, evaluation))
    }

    /// Probability and rank of each word, and what they come to.
    fn scores(&mut self, line: &mut Line<'_>) -> Result<String, Failure> {
        if line.words.is_empty() {
            return Ok("  an empty line has no score\n".into());
        }
        let (rows, evaluation) = self.score(line)?;
        if rows.is_empty() {
            return Ok("  too few known words to score\n".into());
        }
        let (words, width) = column(self.vocabulary, rows.iter().map(|row| row.id));
        let mut block = format!("  {:<width$} probability    rank\n", "word");
        for (word, row) in words.iter().zip(&rows) {
            let percent = 100.0 * row.probability();
            writeln!(block, "  {word:<width$} {percent:>10.4}% {:>7}", row.rank)?;
        }
        Ok(block + &summary(&evaluation))
    }

    /// The scores as rows of a table, a row for each word and one for the end of the line.
    fn rows(&mut self, line: &mut Line<'_>, number: usize) -> Result<String, Failure> {
        if line.words.is_empty() {
            return Ok(String::new());
        }
        // without a token that ends lines, the first known word is only what the others follow
        let mut is_context = self.vocabulary.id("<eos>").is_none();
        let (rows, evaluation) = self.score(line)?;
        let (mut rows, mut block) = (rows.into_iter(), String::new());
        let end = self.vocabulary.id("<eos>").map(|_| "<eos>");
        for (position, word) in (1..).zip(line.words.iter().copied().chain(end)) {
            let is_known = self.vocabulary.id(word).is_some();
            let is_scored = is_known || evaluation.left_out == 0;
            let score = if !is_scored || std::mem::take(&mut is_context) { None } else { rows.next() };
            let is_unknown = !is_known || word == "<unk>";
            let (loss, rank) = score.map(|s| ((-s.loss).to_string(), s.rank.to_string())).unwrap_or_default();
            let (word, oov) = (visible(word), u8::from(is_unknown));
            writeln!(block, "{number}\t{position}\t{word}\t{loss}\t{rank}\t{oov}\t\t\t\t")?;
        }
        Ok(block)
    }
}

/// Log-likelihood and perplexity.
fn summary(evaluation: &Evaluation) -> String {
    let (log_likelihood, tokens) = (0.0 - evaluation.all.sum, evaluation.all.count);
    let perplexity = evaluation.all.perplexity().unwrap_or(f32::NAN);
    let mut block = format!("  log-likelihood {log_likelihood:.3}, perplexity {perplexity:.2} ({tokens} tokens)\n");
    let unknown = evaluation.unknown();
    if let (Some(known), 1..) = (evaluation.known.perplexity(), unknown) {
        block += &format!("  perplexity {known:.2} without the unknown words ({unknown} tokens)\n");
    }
    block
}

/// The last row of a table: tokens stand in the column of positions.
fn total_row(total: &Evaluation) -> String {
    let cell = |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
    let (tokens, log_likelihood) = (total.all.count, 0.0 - total.all.sum);
    let oov = total.unknown() + total.left_out;
    let (all, known) = (cell(total.all.perplexity()), cell(total.known.perplexity()));
    let [at_1, at_3, ..] = total.recall();
    format!("total\t{tokens}\t\t{log_likelihood}\t\t{oov}\t{all}\t{known}\t{at_1}\t{at_3}\n")
}

/// The words as they stand in a column, and how wide that is.
fn column(vocabulary: &Vocabulary, ids: impl Iterator<Item = u32>) -> (Vec<String>, usize) {
    let words: Vec<_> = ids.map(|id| chart::cell(vocabulary.word(id).unwrap_or_default())).collect();
    let width = words.iter().map(|word| word.chars().count()).fold(8, usize::max);
    (words, width)
}
