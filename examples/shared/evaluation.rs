//! How well a text was foreseen, and how well its known words alone.

use rnnlm::{StepError, TokenScore, perplexity};

/// Adds up the scores of a text, in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluation {
    unk: Option<u32>,
    all: Sum,
    known: Sum,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: f64,
    count: usize,
}

impl Sum {
    fn add(&mut self, loss: f32) {
        self.sum += f64::from(loss);
        self.count += 1;
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
        }
    }

    /// The tokens that were predicted.
    pub fn tokens(&self) -> usize {
        self.all.count
    }

    /// Those of them that are unknown words.
    pub fn unknown(&self) -> usize {
        self.all.count - self.known.count
    }

    /// The perplexity of the known words alone; `None` where there is nothing to tell apart.
    pub fn perplexity_of_known(&self) -> Option<f32> {
        let Sum { sum, count } = self.known;
        (self.unknown() > 0 && count > 0).then(|| perplexity((sum / count as f64) as f32))
    }
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
