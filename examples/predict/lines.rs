//! The answer to a line: what may come next, or how likely the line is.

use std::fmt::Write;

use rnnlm::{Candidate, SimpleRnnlm, Vocabulary, perplexity, tokens, top};

use crate::{
    Failure, chart,
    evaluation::{Evaluation, no_prediction},
    visible::visible,
};

/// What is asked of each line.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// So many candidates for the next word.
    Predict { top: usize },
    /// The probability of each word.
    Score,
}

/// Answers lines.
pub struct Answers<'m> {
    pub vocabulary: &'m Vocabulary,
    pub model: &'m mut SimpleRnnlm,
    pub mode: Mode,
    pub temperature: f32,
}

/// A line in ids, behind the token that ends the line before it.
struct Line<'l> {
    words: Vec<&'l str>,
    ids: Vec<u32>,
    unknown: Vec<&'l str>,
}

impl Answers<'_> {
    /// The block of lines that answers a line.
    pub fn of(&mut self, text: &str) -> Result<String, Failure> {
        let mut line = self.read(text.trim_end());
        let mut block = String::new();
        let unknown = visible(line.unknown.join(" "));
        let has_unk = self.vocabulary.id("<unk>").is_some();
        if !unknown.is_empty() {
            let instead = if has_unk { "read as <unk>" } else { "left out, as the model has no <unk>" };
            writeln!(block, "  not in the vocabulary: {unknown} ({instead})")?;
        }
        match self.mode {
            Mode::Predict { top } => {
                let header = visible(line.words.iter().chain(&["..."]).copied().collect::<Vec<_>>().join(" "));
                Ok(format!("{header}\n{block}{}", self.candidates(&line.ids, top)?))
            }
            Mode::Score => {
                line.ids.extend(self.vocabulary.id("<eos>"));
                Ok(format!("{}\n{block}{}", visible(line.words.join(" ")), self.scores(&line.ids)?))
            }
        }
    }

    fn read<'l>(&self, text: &'l str) -> Line<'l> {
        let unk = self.vocabulary.id("<unk>");
        let words: Vec<&str> = tokens(text).collect();
        let unknown = words.iter().copied().filter(|word| self.vocabulary.id(word).is_none()).collect();
        let known = words.iter().filter_map(|word| self.vocabulary.id(word).or(unk));
        let ids = self.vocabulary.id("<eos>").into_iter().chain(known).collect();
        Line { words, ids, unknown }
    }

    /// The likeliest words with bars, never `<unk>`.
    fn candidates(&self, ids: &[u32], count: usize) -> Result<String, Failure> {
        let mut predictor = self.model.predictor()?.with_temperature(self.temperature)?;
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
        Ok(words.iter().zip(best).map(|(word, c)| chart::line(word, width, c.probability) + "\n").collect())
    }

    /// Probability and rank of each word, and what they come to.
    fn scores(&mut self, ids: &[u32]) -> Result<String, Failure> {
        if ids.len() < 2 {
            return Ok("  too few known words to score\n".into());
        }
        let (vocabulary, mut rows) = (self.vocabulary, Vec::new());
        let mut evaluation = Evaluation::new(vocabulary.id("<unk>"));
        let scored = self.model.score(ids, |score| {
            evaluation.add(score);
            rows.push(score);
        });
        let loss = scored.map_err(no_prediction)?;
        let (words, width) = column(vocabulary, rows.iter().map(|row| row.id));
        let mut block = format!("  {:<width$} probability    rank\n", "word");
        for (word, row) in words.iter().zip(&rows) {
            let percent = 100.0 * row.probability();
            writeln!(block, "  {word:<width$} {percent:>10.4}% {:>7}", row.rank)?;
        }
        let log_likelihood: f64 = rows.iter().map(|row| -f64::from(row.loss)).sum();
        let perplexity = perplexity(loss);
        writeln!(
            block,
            "  log-likelihood {log_likelihood:.3}, perplexity {perplexity:.2} ({} tokens)",
            evaluation.tokens()
        )?;
        if let Some(known) = evaluation.perplexity_of_known() {
            let unknown = evaluation.unknown();
            writeln!(block, "  perplexity {known:.2} without the unknown words ({unknown} tokens)")?;
        }
        Ok(block)
    }
}

/// The words as they stand in a column, and how wide that is.
fn column(vocabulary: &Vocabulary, ids: impl Iterator<Item = u32>) -> (Vec<String>, usize) {
    let words: Vec<_> = ids.map(|id| chart::cell(vocabulary.word(id).unwrap_or_default())).collect();
    let width = words.iter().map(|word| word.chars().count()).fold(8, usize::max);
    (words, width)
}
