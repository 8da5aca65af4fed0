//! Text that the model makes up.

use rnnlm::{Candidate, Sampler, SimpleRnnlm, Vocabulary, Xorshift};

use crate::{Failure, args::Options};

/// `--generate` words, the line ends between them not counted; the same ones for the same model and seed on every machine. Never
/// `<unk>`, never an empty line.
pub fn generate(
    model: &SimpleRnnlm<Vec<f32>>,
    vocabulary: &Vocabulary,
    seed: u64,
    options: &Options,
) -> Result<String, Failure> {
    let (eos, unk) = (vocabulary.id("<eos>"), vocabulary.id("<unk>"));
    let within_line: Vec<u32> = unk.into_iter().collect();
    let at_line_start: Vec<u32> = unk.into_iter().chain(eos).collect();
    let mut best = vec![Candidate::default(); options.top.min(vocabulary.len())];
    let mut predictor = model.predictor()?.with_temperature(options.temperature.unwrap_or(1.0))?;
    let mut rng = Xorshift::new(seed);

    let (mut ids, mut words) = (Vec::new(), 0);
    // what comes after the end of a line; without such a token, after the first word
    let mut last = eos.unwrap_or(0);
    while words < options.generate {
        let skip = if Some(last) == eos { &at_line_start } else { &within_line };
        let mut sampler = Sampler::new(rng).with_skip(skip).with_top(&mut best);
        let Some(id) = sampler.choose(predictor.feed(last)?) else { break };
        rng = sampler.rng().clone();
        ids.push(id);
        words += usize::from(Some(id) != eos);
        last = id;
    }
    Ok(vocabulary.decode(&ids)?)
}
