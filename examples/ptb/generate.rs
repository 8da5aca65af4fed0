//! Text that the model makes up.

use std::io::Write;

use rnnlm::{Candidate, Sampler, SimpleRnnlm, Vocabulary, Xorshift};

use crate::{Failure, args::Options, evaluation::no_prediction, visible::visible};

/// Writes `--generate` words, the line ends between them not counted; the same ones for the same model and seed on
/// every machine. Never `<unk>`, never an empty line.
pub fn generate(
    model: &SimpleRnnlm,
    vocabulary: &Vocabulary,
    seed: u64,
    options: &Options,
    to: &mut impl Write,
) -> Result<(), Failure> {
    let (eos, unk) = (vocabulary.id("<eos>"), vocabulary.id("<unk>"));
    let within_line: Vec<u32> = unk.into_iter().collect();
    let at_line_start: Vec<u32> = unk.into_iter().chain(eos).collect();
    let mut best = vec![Candidate::default(); options.top.min(vocabulary.len())];
    let temperature = options.temperature.unwrap_or(1.0);
    let mut predictor = model.predictor()?.with_temperature(temperature)?;
    let mut rng = Xorshift::new(seed);

    // what comes after the end of a line; without such a token, after the first word
    let (mut last, mut words, mut between) = (eos.unwrap_or(0), 0, "");
    let outcome = loop {
        if words == options.generate {
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
        if Some(id) == eos {
            between = "\n";
        } else {
            write!(to, "{between}{}", visible(vocabulary.word(id).unwrap_or_default()))?;
            (words, between) = (words + 1, " ");
        }
    };
    // an error stands behind what was made up, on a line of its own
    if words > 0 {
        writeln!(to)?;
    }
    to.flush()?;
    Ok(outcome?)
}
