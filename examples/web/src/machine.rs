//! A stream of events: a filling machine that repeats its cycle with small variations, and now and then goes wrong. The
//! learner knows nothing of the cycle before it sees it.

use rnnlm::{Config, OnlineLearner, SimpleRnnlm, Xorshift};

/// The kinds of events. The page has their names.
const KINDS: u32 = 12;
/// One cycle: some events may come in either of two kinds.
const CYCLE: [[u32; 2]; 10] = [[0, 0], [1, 1], [2, 3], [4, 4], [5, 5], [6, 7], [8, 8], [9, 9], [9, 9], [10, 11]];
/// Of a mean and a mean deviation over about so many events.
const MEMORY: f32 = 200.0;
/// A surprise is marked above the mean by so many mean deviations, and above this many nats.
const DEVIATIONS: f32 = 8.0;
const LEAST: f32 = 4.0;

#[derive(Debug)]
pub struct Machine {
    learner: OnlineLearner,
    rng: Xorshift,
    place: usize,
    /// How many strange events are still to come.
    strange: u32,
    mean: f32,
    deviation: f32,
}

impl Machine {
    pub fn new() -> Result<Self, String> {
        let config =
            Config { vocab_size: KINDS as usize, wordvec_size: 12, hidden_size: 24, batch_size: 1, time_size: 10 };
        let told = |error: rnnlm::Error| String::from(error.as_str());
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).map_err(|error| told(error.into()))?;
        let learner = OnlineLearner::new(model, 0.2).map_err(told)?;
        Ok(Self { learner, rng: Xorshift::new(3), place: 0, strange: 0, mean: 2.5, deviation: 1.0 })
    }

    /// The next event: its surprise, the threshold before it, its kind, 64 more where it is strange. From here on
    /// `inject` events are strange.
    pub fn next(&mut self, inject: u32) -> Result<[f32; 3], String> {
        self.strange = self.strange.max(inject);
        let is_strange = self.strange > 0;
        let expected = CYCLE[self.place][usize::from(self.rng.below(4) == 0)];
        self.place = (self.place + 1) % CYCLE.len();
        let kind = if is_strange {
            self.strange -= 1;
            (expected + 2 + self.rng.below(KINDS - 4)) % KINDS
        } else {
            expected
        };
        let score = self.learner.observe(kind).map_err(|error| String::from(error.as_str()))?;
        let surprise = score.map_or(0.0, |score| score.loss);
        let threshold = (self.mean + DEVIATIONS * self.deviation).max(LEAST);
        // what is marked is no measure of what is usual
        if surprise <= threshold {
            self.deviation += ((surprise - self.mean).abs() - self.deviation) / MEMORY;
            self.mean += (surprise - self.mean) / MEMORY;
        }
        Ok([surprise, threshold, (kind + if is_strange { 64 } else { 0 }) as f32])
    }
}
