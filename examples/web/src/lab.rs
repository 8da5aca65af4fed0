//! A text, a model that learns it, and what can be asked of the model.

use rnnlm::{
    Batches, Candidate, Checkpoint, Config, Corpus, Predictor, Sampler, SimpleRnnlm, TrainingState, Vocabulary,
    Xorshift, top,
};

use crate::grammar::Grammar;

/// The book's sentence, in a long row.
const SENTENCE: &str = "you say goodbye and i say hello .\n";
/// The largest vocabulary of a text of the visitor's own; rarer words become `<unk>`.
const MOST_WORDS: usize = 2_000;
const SEED: u64 = 1;

#[derive(Debug)]
pub struct Lab {
    ids: Vec<u32>,
    vocabulary: Vocabulary,
    model: SimpleRnnlm,
    state: TrainingState,
}

type Told<T> = Result<T, String>;

fn told(error: impl Into<rnnlm::Error>) -> String {
    error.into().as_str().into()
}

impl Lab {
    /// On the text that the example `ptb` has built in.
    pub fn built_in() -> Told<Self> {
        let text = Grammar::new().text(SEED, 20_000);
        let config = Config { vocab_size: 0, wordvec_size: 64, hidden_size: 64, batch_size: 10, time_size: 10 };
        Self::new(Corpus::from_text(&text).map_err(told)?, config, 0.7)
    }

    /// On the book's sentence.
    pub fn sentence() -> Told<Self> {
        let config = Config { vocab_size: 0, wordvec_size: 16, hidden_size: 16, batch_size: 2, time_size: 4 };
        Self::new(Corpus::from_text(&SENTENCE.repeat(40)).map_err(told)?, config, 0.1)
    }

    /// On a text of the visitor's own.
    pub fn own(text: &str) -> Told<Self> {
        let mut corpus = Corpus::from_text(text).map_err(told)?;
        // not `with_max_words`: its sorting is a tenth of the program
        let mut count = 2;
        while corpus.vocabulary().len() > MOST_WORDS {
            corpus = Corpus::from_text(text).and_then(|corpus| corpus.with_min_count(count)).map_err(told)?;
            count += 1;
        }
        let rows = (corpus.ids().len() / 50).clamp(1, 10);
        let config = Config { vocab_size: 0, wordvec_size: 64, hidden_size: 64, batch_size: rows, time_size: 5 };
        Self::new(corpus, config, 0.3)
    }

    fn new(corpus: Corpus, config: Config, learning_rate: f32) -> Told<Self> {
        let config = Config { vocab_size: corpus.vocabulary().len(), ..config };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(SEED)).map_err(told)?;
        Batches::new(corpus.ids(), config).map_err(told)?;
        let state = TrainingState { learning_rate, seed: SEED, ..TrainingState::default() };
        Ok(Self { ids: corpus.ids().to_vec(), vocabulary: corpus.vocabulary().clone(), model, state })
    }

    /// A saved model. It goes on with the text at hand, as far as it knows its words.
    pub fn open(file: &[u8], now: Option<&Self>) -> Told<Self> {
        let (model, state, vocabulary) = Checkpoint::read(file).map_err(told)?.restore().map_err(told)?;
        if vocabulary.is_empty() {
            return Err("the file has no words".into());
        }
        let mut ids = Vec::new();
        if let Some(now) = now {
            let text = now.vocabulary.decode(&now.ids).map_err(told)?;
            ids = vocabulary.encode_known(&text).map_err(told)?.ids;
        }
        Ok(Self { ids, vocabulary, model, state })
    }

    /// The model, the place in its training and its words, as the example `ptb` reads them.
    pub fn save(&self) -> Told<Vec<u8>> {
        Checkpoint::to_vec(&self.model, &self.state, &self.vocabulary).map_err(told)
    }

    pub fn model(&self) -> &SimpleRnnlm {
        &self.model
    }

    /// Trains so many steps; their mean loss.
    pub fn train(&mut self, steps: u32) -> Told<f64> {
        let Self { ids, model, state, .. } = self;
        let mut losses = 0.0;
        for _ in 0..steps {
            // a fresh one knows no end of an epoch, at which it would pause
            let mut batches = Batches::new(ids, model.config()).map_err(told)?;
            let per_epoch = batches.steps_per_epoch() as u64;
            batches.seek(state.position as usize);
            let Some((xs, ts)) = batches.next_window() else { return Err("the text is too short".into()) };
            let loss = model.forward(xs, ts).map_err(told)?.sgd(state.learning_rate).map_err(told)?;
            losses += f64::from(loss);
            state.position = batches.position() as u64;
            state.iteration += 1;
            if state.iteration >= per_epoch {
                (state.iteration, state.epoch) = (0, state.epoch + 1);
            }
        }
        Ok(losses / f64::from(steps.max(1)))
    }

    /// As `facts` of the page has them.
    pub fn facts(&self) -> [u32; 10] {
        let Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size, .. } = self.model.config();
        let per_epoch = Batches::new(&self.ids, self.model.config()).map_or(0, |batches| batches.steps_per_epoch());
        let steps = self.state.epoch as usize * per_epoch + self.state.iteration as usize;
        let parameters = self.model.weights_block().len();
        let sizes = [vocab_size, wordvec_size, hidden_size, batch_size, time_size];
        let rest = [self.ids.len(), per_epoch, parameters, self.state.epoch as usize, steps];
        let mut facts = [0; 10];
        facts.iter_mut().zip(sizes.into_iter().chain(rest)).for_each(|(to, from)| *to = from as u32);
        facts
    }

    /// A predictor that has read a prompt, from a fresh state: words it doesn't know are left out.
    fn reader(&self, prompt: &str) -> Told<Predictor<'_>> {
        let mut predictor = self.model.predictor().map_err(told)?;
        predictor.reset_state();
        let mut ids = self.vocabulary.encode_known(prompt).map_err(told)?.ids;
        if ids.is_empty() {
            // the end of a line, before which nothing is known
            ids.push(self.vocabulary.id("<eos>").unwrap_or(0));
        }
        for id in ids {
            predictor.feed(id).map_err(told)?;
        }
        Ok(predictor)
    }

    /// The five likeliest words after a prompt: their probabilities, then the words, one a line.
    pub fn next_words(&self, prompt: &str) -> Told<Vec<u8>> {
        let predictor = self.reader(prompt)?;
        let mut best = [Candidate::default(); 5];
        let best = top(predictor.probabilities(), &[], &mut best);
        let mut found = Vec::new();
        for i in 0..5 {
            found.extend(best.get(i).map_or(0.0, |candidate| candidate.probability).to_le_bytes());
        }
        for candidate in best {
            found.extend(self.vocabulary.word(candidate.id).unwrap_or_default().bytes());
            found.push(b'\n');
        }
        Ok(found)
    }

    /// A prompt continued by so many words, drawn by their probability.
    pub fn go_on(&self, prompt: &str, words: u32, seed: u32) -> Told<String> {
        let mut predictor = self.reader(prompt)?;
        let skip: Vec<u32> = self.vocabulary.id("<unk>").into_iter().collect();
        let mut sampler = Sampler::new(Xorshift::new(u64::from(seed) + 1)).with_skip(&skip);
        let mut text = String::new();
        for _ in 0..words {
            let Some(id) = sampler.choose(predictor.probabilities()) else { break };
            let word = self.vocabulary.word(id).unwrap_or_default();
            text.push_str(if word == "<eos>" { "\n" } else { word });
            text.push(' ');
            predictor.feed(id).map_err(told)?;
        }
        Ok(text)
    }
}
