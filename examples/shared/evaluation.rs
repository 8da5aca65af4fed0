//! How well a text was foreseen, and how well its known words alone.

use rnnlm::{StepError, TokenScore, perplexity};

/// A word counts as foreseen where it is among so many likeliest ones.
pub const RANKS: [usize; 4] = [1, 3, 5, 10];

/// Adds up the scores of a text, in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluation {
    unk: Option<u32>,
    /// All tokens that were predicted.
    pub all: Sum,
    /// Those of them that are no unknown words.
    pub known: Sum,
    /// Known words among the likeliest of [`RANKS`].
    foreseen: [usize; RANKS.len()],
    /// Unknown words without a score, as nothing in the vocabulary stands for them.
    pub left_out: usize,
}

/// Cross-entropies of tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    pub sum: f64,
    pub count: usize,
}

impl Sum {
    fn add(&mut self, loss: f32) {
        self.sum += f64::from(loss);
        self.count += 1;
    }

    /// That of these tokens, if there are any.
    pub fn perplexity(&self) -> Option<f32> {
        (self.count > 0).then(|| perplexity((self.sum / self.count as f64) as f32))
    }
}

impl Evaluation {
    /// Nothing yet; `unk` is the id that stands for unknown words.
    pub fn new(unk: Option<u32>) -> Self {
        Self { unk, ..Self::default() }
    }

    pub fn add(&mut self, score: TokenScore) {
        self.all.add(score.loss);
        if Some(score.id) != self.unk {
            self.known.add(score.loss);
            for (count, rank) in self.foreseen.iter_mut().zip(RANKS) {
                *count += usize::from(score.rank <= rank);
            }
        }
    }

    /// The unknown words that were predicted.
    pub fn unknown(&self) -> usize {
        self.all.count - self.known.count
    }

    /// The share of all words that were among as many likeliest ones as each of [`RANKS`] says. Never an unknown word,
    /// with a score or without: nobody can suggest it.
    pub fn recall(&self) -> [f64; RANKS.len()] {
        let all = (self.all.count + self.left_out).max(1);
        self.foreseen.map(|count| count as f64 / all as f64)
    }
}

/// `recall at 1, 3: 12.3% 34.5%`, for the first ranks.
pub fn recall(evaluation: &Evaluation, ranks: usize) -> String {
    let list = |items: Vec<String>, between| items.join(between);
    let ranks = RANKS.iter().zip(evaluation.recall()).take(ranks);
    let (names, values) = ranks.map(|(rank, share)| (rank.to_string(), format!("{:.2}%", 100.0 * share))).unzip();
    format!("recall at {}: {}", list(names, ", "), list(values, " "))
}

/// The message where a model can't predict. It is trained already, so that no learning rate would help.
pub fn no_prediction(error: StepError) -> String {
    match error {
        StepError::NonFiniteLoss | StepError::NonFinitePrediction => {
            "the next word has no finite probability, as the weights of this model are too large: load another".into()
        }
        error => error.to_string(),
    }
}
