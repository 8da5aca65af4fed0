//! What rounding to int8 costs: a model judged on a text by its f32 weights and by int8 weights made of them, and by
//! f32 weights of which the output matrix was rounded to four bits.
//!
//! ```text
//! cargo run --release --example int8_loss -- MODEL TEXT
//! ```
//!
//! MODEL is a file of `ptb --save`, TEXT one in the words of its vocabulary: those that it lacks are `<unk>`, or left
//! out where there is none. `--built-in` in place of TEXT is the held-out part of the text that `ptb` makes up.

#[allow(dead_code)]
#[path = "ptb/grammar.rs"]
mod grammar;

use std::{env, error::Error, fs};

use rnnlm::{Candidate, Checkpoint, Predictor, Quantized, QuantizedPredictor, TokenScore, tokens, top};

/// Losses and ranks of a text.
#[derive(Default)]
struct Judged {
    sum: f64,
    count: usize,
    /// Words that were among the one and the three likeliest.
    foreseen: [usize; 2],
}

impl Judged {
    fn add(&mut self, score: TokenScore) {
        self.sum += f64::from(score.loss);
        self.count += 1;
        self.foreseen[0] += usize::from(score.rank <= 1);
        self.foreseen[1] += usize::from(score.rank <= 3);
    }

    fn perplexity(&self) -> f64 {
        (self.sum / self.count as f64).exp()
    }

    /// Perplexity, what it lies above `other`'s, and recall.
    fn tell(&self, name: &str, other: &Self) {
        let [at_1, at_3] = self.foreseen.map(|count| 100.0 * count as f64 / self.count as f64);
        let more = 100.0 * (self.perplexity() / other.perplexity() - 1.0);
        println!("{name:12} perplexity {:9.3} ({more:+.3}%), recall at 1, 3: {at_1:.2}% {at_3:.2}%", self.perplexity());
    }
}

/// The likeliest word.
fn first(probabilities: &[f32]) -> Option<u32> {
    top(probabilities, &[], &mut [Candidate::default()]).first().map(|candidate| candidate.id)
}

/// Each column of a matrix to integers from -7 to 7, times a scale of its own.
fn round_to_four_bits(weights: &mut [f32], columns: usize) {
    for column in 0..columns {
        let largest = weights.iter().skip(column).step_by(columns).fold(0.0, |max: f32, w| max.max(w.abs()));
        let scale = if largest > 0.0 { largest / 7.0 } else { 1.0 };
        weights.iter_mut().skip(column).step_by(columns).for_each(|w| *w = (*w / scale).round() * scale);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, text] = &arguments[..] else { return Err("name a model and a text".into()) };
    let file = fs::read(model)?;
    let (mut model, _, vocabulary) = Checkpoint::read(&file)?.restore()?;
    let text = match &text[..] {
        "--built-in" => grammar::Grammar::new().text(2, 5_000),
        file => fs::read_to_string(file)?,
    };
    let unk = vocabulary.id("<unk>");
    let ids: Vec<u32> = tokens(&text).filter_map(|word| vocabulary.id(word).or(unk)).collect();
    let int8_file = Quantized::to_vec(&model.weights(), &vocabulary)?;
    let quantized = Quantized::read(&int8_file)?;
    let words: usize = vocabulary.to_lines()?.len();
    let [exact_len, int8_len] = [file.len(), int8_file.len()];
    println!("{} tokens; {exact_len} bytes, in int8 {int8_len}; the words take {words} bytes of either", ids.len());

    let mut exact = Judged::default();
    model.score(&ids, |score| exact.add(score))?;
    exact.tell("f32", &exact);
    let mut int8 = Judged::default();
    QuantizedPredictor::new(quantized)?.score(&ids, |score| int8.add(score))?;
    int8.tell("int8", &exact);

    let (mut one, mut other) = (Predictor::new(model.weights())?, QuantizedPredictor::new(quantized)?);
    let mut same = 0;
    for &id in &ids[..ids.len() - 1] {
        same += usize::from(first(one.feed(id)?) == first(other.feed(id)?));
    }
    println!("{:12} the same first word in {:.2}%", "", 100.0 * same as f64 / exact.count as f64);

    let columns = vocabulary.len();
    round_to_four_bits(model.weights_mut().affine_w.as_mut_slice(), columns);
    let mut int4 = Judged::default();
    model.score(&ids, |score| int4.add(score))?;
    int4.tell("int4 output", &exact);
    Ok(())
}
