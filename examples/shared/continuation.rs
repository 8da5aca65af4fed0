//! Text that the model makes up.

use std::{error::Error, io::Write};

use rnnlm::{Candidate, Sampler, Vocabulary, Xorshift};

use super::{evaluation::no_prediction, line::Line, reader::Predicts, visible::visible};

/// How words are made up.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// How many words, the line ends between them not counted.
    pub count: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// From how many of the likeliest words to draw; 0: from all.
    pub top: usize,
    pub seed: u64,
}

/// Writes the line and what follows it; the same words for the same model and seed on every machine. Never makes up
/// `<unk>` or an empty line.
pub fn go_on(
    model: &impl Predicts,
    vocabulary: &Vocabulary,
    line: &Line<'_>,
    sampling: Sampling,
    to: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let Sampling { count, temperature, top, seed } = sampling;
    // not by probabilities of 0 and 1: where the likeliest is left out, the next one is taken
    let (temperature, top) = if temperature == 0.0 { (1.0, 1) } else { (temperature, top) };
    let (eos, unk) = (vocabulary.id("<eos>"), vocabulary.id("<unk>"));
    let within_line: Vec<u32> = unk.into_iter().collect();
    let at_line_start: Vec<u32> = unk.into_iter().chain(eos).collect();
    let mut best = vec![Candidate::default(); top.min(vocabulary.len())];
    let mut predictor = model.reader(temperature)?;
    let mut rng = Xorshift::new(seed);

    let mut text = Text { to: &mut *to, between: "", has_words: false };
    for word in &line.words {
        text.push(word)?;
    }
    // without a token that ends lines, an empty line is the first word
    let (mut last, before) = line.ids.split_last().map_or((0, &[][..]), |(&last, before)| (last, before));
    for &id in before {
        predictor.feed(id).map_err(no_prediction)?;
    }
    let mut made_up = 0;
    let outcome = loop {
        if made_up == count {
            break Ok(());
        }
        let skip = if Some(last) == eos { &at_line_start } else { &within_line };
        let mut sampler = Sampler::new(rng).with_skip(skip).with_top(&mut best);
        let probabilities = match predictor.feed(last) {
            Ok(probabilities) => probabilities,
            Err(error) => break Err(no_prediction(error)),
        };
        let Some(id) = sampler.choose(probabilities) else { break Ok(()) };
        rng = sampler.rng().clone();
        last = id;
        made_up += usize::from(Some(id) != eos);
        text.push(vocabulary.word(id).unwrap_or_default())?;
    };
    // an error stands behind what was made up, on a line of its own
    if text.has_words {
        writeln!(to)?;
    }
    to.flush()?;
    Ok(outcome?)
}

/// Words as a text: `<eos>` ends a line.
struct Text<'t, W> {
    to: &'t mut W,
    between: &'static str,
    has_words: bool,
}

impl<W: Write> Text<'_, W> {
    fn push(&mut self, word: &str) -> std::io::Result<()> {
        if word == "<eos>" {
            self.between = if self.has_words { "\n" } else { "" };
            return Ok(());
        }
        write!(self.to, "{}{}", self.between, visible(word))?;
        (self.between, self.has_words) = (" ", true);
        Ok(())
    }
}
