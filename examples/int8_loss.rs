//! What rounding to int8 costs: a model judged on a text by its f32 weights and by int8 weights made of them, and by
//! f32 weights of which the output matrix was rounded to four bits.
//!
//! ```text
//! cargo run --release --example int8_loss -- MODEL TEXT
//! cargo run --release --example int8_loss -- --events DIR
//! ```
//!
//! MODEL is a file of `ptb --save`, of either cell, TEXT one in the words of its vocabulary: those that it lacks are
//! `<unk>`, or left out where there is none. `--built-in` in place of TEXT is the held-out part of the text that `ptb`
//! makes up.
//!
//! `--events` takes the sessions of log keys of DIR/hdfs_train.txt (or of the folder RNNLM_EVENTS) in five folds, and
//! judges each by a model that was trained on the other four, as `events learn` would, all sessions together; once for
//! each of six seeds.

#[allow(dead_code)]
#[path = "ptb/grammar.rs"]
mod grammar;
#[allow(dead_code)]
#[path = "events/keys.rs"]
mod keys;
#[path = "events/train.rs"]
mod train;

use std::{env, error::Error, fs, path::Path};

use rnnlm::{
    Candidate, Checkpoint, LstmCell, Model, Quantized, QuantizedCell, QuantizedPredictor, TanhCell, TokenScore,
    Vocabulary, Xorshift, tokens, top,
};

/// What is done here with the weights of a model, which have other names with each cell.
trait Rounds: QuantizedCell {
    /// All of them in int8, without words.
    fn int8(model: &Model<Self>) -> Result<Vec<u8>, rnnlm::Error>;
    /// Rounds the output matrix to four bits.
    fn round_output(model: &mut Model<Self>);
}

impl Rounds for TanhCell {
    fn int8(model: &Model<Self>) -> Result<Vec<u8>, rnnlm::Error> {
        Quantized::to_vec(&model.weights(), &Vocabulary::default())
    }

    fn round_output(model: &mut Model<Self>) {
        let columns = model.config().vocab_size;
        round_to_four_bits(model.weights_mut().affine_w.as_mut_slice(), columns);
    }
}

impl Rounds for LstmCell {
    fn int8(model: &Model<Self>) -> Result<Vec<u8>, rnnlm::Error> {
        Quantized::to_vec(&model.weights(), &Vocabulary::default())
    }

    fn round_output(model: &mut Model<Self>) {
        let columns = model.config().vocab_size;
        round_to_four_bits(model.weights_mut().affine_w.as_mut_slice(), columns);
    }
}

const FOLDS: usize = 5;
const SEEDS: u64 = 6;

/// Losses and ranks of texts.
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

    /// What the perplexity lies above `other`'s, in percent.
    fn above(&self, other: &Self) -> f64 {
        100.0 * (self.perplexity() / other.perplexity() - 1.0)
    }

    fn tell(&self, name: &str, other: &Self) {
        let [at_1, at_3] = self.foreseen.map(|count| 100.0 * count as f64 / self.count as f64);
        let (perplexity, above) = (self.perplexity(), self.above(other));
        println!("{name:12} perplexity {perplexity:9.4} ({above:+.3}%), recall at 1, 3: {at_1:.2}% {at_3:.2}%");
    }
}

/// What models and those that were rounded make of the same texts.
#[derive(Default)]
struct Comparison {
    exact: Judged,
    int8: Judged,
    int4: Judged,
    /// How often the likeliest word is the same in int8.
    same: usize,
}

impl Comparison {
    /// Each text is read from a zero state.
    fn add<C: Rounds>(&mut self, mut model: Model<C>, texts: &[Vec<u32>]) -> Result<(), rnnlm::Error> {
        let file = C::int8(&model)?;
        let (mut one, mut other) = (model.predictor()?, QuantizedPredictor::new(Quantized::<C>::read_as(&file)?)?);
        for text in texts {
            one.reset_state();
            other.reset_state();
            for &id in text.iter().take(text.len().saturating_sub(1)) {
                self.same += usize::from(first(one.feed(id)?) == first(other.feed(id)?));
            }
            other.score(text, |score| self.int8.add(score))?;
        }
        for text in texts {
            model.score(text, |score| self.exact.add(score))?;
        }
        C::round_output(&mut model);
        for text in texts {
            model.score(text, |score| self.int4.add(score))?;
        }
        Ok(())
    }

    fn tell(&self) {
        self.exact.tell("f32", &self.exact);
        self.int8.tell("int8", &self.exact);
        println!("{:12} the same first word in {:.2}%", "", 100.0 * self.same as f64 / self.exact.count as f64);
        self.int4.tell("int4 output", &self.exact);
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

/// A saved model of this cell and a text.
fn of_text<C: Rounds>(file: &[u8], text: &str) -> Result<(), Box<dyn Error>> {
    let (model, _, vocabulary): (Model<C>, _, _) = Checkpoint::read_as(file)?.restore()?;
    let text = match text {
        "--built-in" => grammar::Grammar::new().text(2, 5_000),
        file => fs::read_to_string(file)?,
    };
    let unk = vocabulary.id("<unk>");
    let ids: Vec<u32> = tokens(&text).filter_map(|word| vocabulary.id(word).or(unk)).collect();
    let words: usize = vocabulary.to_lines()?.len();
    let [exact_len, int8_len] = [file.len(), Quantized::<C>::encoded_len_as(model.config(), words)?];
    println!("{} tokens; {exact_len} bytes, in int8 {int8_len}; the words take {words} bytes of either", ids.len());
    let mut comparison = Comparison::default();
    comparison.add(model, &[ids])?;
    comparison.tell();
    Ok(())
}

/// Models of log keys, trained here.
fn of_events(folder: &Path) -> Result<(), Box<dyn Error>> {
    let sessions = keys::read(&folder.join("hdfs_train.txt"), keys::Format::Keys)?;
    println!("{} sessions in {FOLDS} folds", sessions.len());
    let (mut worst, mut sum) = (0.0, 0.0);
    for seed in 1..=SEEDS {
        let mut order: Vec<&Vec<String>> = sessions.iter().collect();
        train::shuffle(&mut order, &mut Xorshift::new(100 + seed));
        let mut comparison = Comparison::default();
        for fold in 0..FOLDS {
            let part = |is_judged: bool| {
                let chosen = order.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == is_judged);
                chosen.map(|(_, session)| *session)
            };
            let vocabulary = keys::vocabulary(part(false), 1)?;
            let ids = keys::ids(&vocabulary).ok_or("the vocabulary lacks its marks")?;
            let encoded = |session: &Vec<String>| keys::encode(&vocabulary, ids, session);
            let training: Vec<_> = part(false).map(encoded).collect();
            let model = train::train::<rnnlm::TanhCell>(ids, &training, train::Recipe { seed, ..Default::default() })?;
            let judged: Vec<_> =
                part(true).map(|session| [&[ids.end], &encoded(session)[..], &[ids.end]].concat()).collect();
            comparison.add(model, &judged)?;
        }
        println!("seed {seed}");
        comparison.tell();
        let above = comparison.int8.above(&comparison.exact);
        worst = if above.abs() > worst { above.abs() } else { worst };
        sum += above;
    }
    println!(
        "int8 above f32: {:+.3}% in the mean of {SEEDS} seeds, at most {worst:.3}% either way",
        sum / SEEDS as f64
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--events", folder] => of_events(Path::new(folder)),
        ["--events"] => match env::var_os("RNNLM_EVENTS") {
            Some(folder) => of_events(Path::new(&folder)),
            None => {
                println!("SKIPPED: name the folder of hdfs_train.txt behind --events or in RNNLM_EVENTS");
                Ok(())
            }
        },
        [model, text] => {
            let file = fs::read(model)?;
            if Checkpoint::<LstmCell>::read_as(&file).is_ok() {
                of_text::<LstmCell>(&file, text)
            } else {
                of_text::<TanhCell>(&file, text)
            }
        }
        _ => Err("name a model and a text, or --events and a folder".into()),
    }
}
