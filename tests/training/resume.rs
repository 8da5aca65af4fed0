//! Promise: exact resume. A run that is saved and loaded at any step goes on with the same bits as one that never
//! stopped: weights, hidden state, read position, schedule, perplexities.

use std::ops::ControlFlow;

use rnnlm::{
    AlignedVec, Checkpoint, CheckpointError, Config, Corpus, DecayOnPlateau, Gradients, Isa, RnnlmTrainer, Sgd,
    SimpleRnnlm, TrainingState, Vocabulary, Xorshift,
};

/// Workloads S and E of the benchmarks.
const S: Config = Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };
const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

/// As many tokens as the book's experiment has.
fn corpus(config: &Config) -> Vec<u32> {
    let mut rng = Xorshift::new(3);
    (0..1000).map(|_| rng.below(config.vocab_size as u32)).collect()
}

/// A run with everything on: clipping, and a rate that is divided where validation does not improve.
fn start(config: Config, clip: bool) -> (RnnlmTrainer, TrainingState) {
    let mut rng = Xorshift::new(7);
    let model = SimpleRnnlm::new(config, &mut rng).unwrap();
    let state = TrainingState {
        learning_rate: 0.5,
        max_norm: if clip { 0.25 } else { f32::INFINITY },
        decay: 1.5,
        seed: 7,
        rng: rng.state(),
        ..TrainingState::default()
    };
    (trainer(model, &state), state)
}

fn trainer(model: SimpleRnnlm, state: &TrainingState) -> RnnlmTrainer {
    let config = model.config();
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(1.0).unwrap()).unwrap().with_eval_interval(1);
    trainer.resume(state).unwrap();
    if state.max_norm < f32::INFINITY {
        trainer = trainer.with_clipping(state.max_norm, Gradients::new(config).unwrap()).unwrap();
    }
    trainer
}

/// One step. "Validation" is the perplexity of the step itself, so that the rate changes often, inside epochs too.
fn step(trainer: &mut RnnlmTrainer, kept: TrainingState, corpus: &[u32]) -> (TrainingState, f32) {
    let mut schedule = DecayOnPlateau::new(kept.decay).unwrap().with_best_loss(kept.best_loss).unwrap();
    let mut perplexity = 0.0;
    trainer
        .fit(corpus, usize::MAX, |progress| {
            perplexity = progress.perplexity();
            schedule.observe(progress.recent_perplexity(), progress.optimizer).unwrap();
            ControlFlow::Break(())
        })
        .unwrap();
    let now = trainer.training_state();
    let best_loss = schedule.best_loss();
    (TrainingState { decay: kept.decay, seed: kept.seed, rng: kept.rng, best_loss, ..now }, perplexity)
}

/// Runs an epoch and a half twice, once saved and loaded into fresh memory at every step.
fn resumes_at_every_step(config: Config, clip: bool) {
    let corpus = corpus(&config);
    let steps = 999 / (config.batch_size * config.time_size);
    let (mut whole, mut state) = start(config, clip);
    let (mut cut, mut cut_state) = start(config, clip);
    let rates = [state.learning_rate];
    let mut file = vec![0; Checkpoint::encoded_len(config, 0).unwrap()];
    for i in 0..steps + steps / 2 {
        let (next, perplexity) = step(&mut whole, state, &corpus);
        state = next;
        let (next, cut_perplexity) = step(&mut cut, cut_state, &corpus);
        assert_eq!(perplexity.to_bits(), cut_perplexity.to_bits(), "step {i}");

        Checkpoint::write(cut.model(), &next, "", &mut file).unwrap();
        let checkpoint = Checkpoint::read(&file).unwrap();
        assert_eq!(checkpoint.config(), config);
        cut_state = checkpoint.training().unwrap();
        assert_eq!(cut_state, state, "step {i}");
        let memory = config.memory().unwrap();
        let [weights, workspace] = [memory.weights, memory.workspace].map(|len| {
            let mut fresh = AlignedVec::zeroed(len).unwrap();
            fresh.as_mut().fill(f32::NAN);
            fresh
        });
        let mut model = SimpleRnnlm::with_buffers(config, weights, workspace).unwrap();
        checkpoint.load(&mut model).unwrap();
        let bits = |model: &SimpleRnnlm| {
            model.weights_block().iter().chain(model.state()).map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        assert!(bits(&model) == bits(whole.model()), "step {i}");
        cut = trainer(model, &cut_state);
    }
    assert_eq!((state.epoch, state.iteration), (1, (steps / 2) as u64));
    assert!(state.learning_rate < rates[0], "the schedule was at work");
}

#[test]
fn a_file_is_restored_by_one_call() {
    let corpus = Corpus::from_text(&"you say goodbye and i say hello .\n".repeat(9)).unwrap();
    let vocab_size = corpus.vocabulary().len();
    let config = Config { vocab_size, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 5 };
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_stateful(false);
    model.forward(&corpus.ids()[..10], &corpus.ids()[1..11]).unwrap().sgd(0.1).unwrap();
    let state = TrainingState { epoch: 3, rng: 9, ..TrainingState::default() };
    for vocabulary in [corpus.vocabulary(), &Vocabulary::new()] {
        let file = Checkpoint::to_vec(&model, &state, vocabulary).unwrap();
        let (restored, training, words) = Checkpoint::read(&file).unwrap().restore().unwrap();
        assert_eq!((training, &words), (state, vocabulary));
        assert_eq!((restored.config(), restored.is_stateful()), (config, false));
        assert_eq!((restored.weights_block(), restored.state()), (model.weights_block(), model.state()));
    }
    let other = Vocabulary::from_words(["a", "b"]).unwrap();
    assert_eq!(Checkpoint::to_vec(&model, &state, &other), Err(CheckpointError::Words.into()));
}

/// For every number of digits that sizes and offsets may have.
#[test]
fn a_file_has_the_length_that_was_told() {
    for (i, vocab_size) in [1, 9, 10, 11, 99, 100, 125, 126, 999, 1000, 1001].into_iter().enumerate() {
        let (wordvec_size, hidden_size, batch_size) = (1 + 3 * i, 12 - i, i + 1);
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size: 1 };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
        let words: String = (0..vocab_size).map(|id| format!("{id}\n")).collect();
        for words in [String::new(), words] {
            let mut file = vec![0; Checkpoint::encoded_len(config, words.len()).unwrap()];
            Checkpoint::write(&model, &TrainingState::default(), &words, &mut file).unwrap();
            assert!(Checkpoint::read(&file).is_ok(), "{config:?}");
        }
    }
}

#[test]
fn at_every_step_of_an_epoch_of_s() {
    resumes_at_every_step(S, false);
    resumes_at_every_step(S, true);
}

#[test]
fn at_every_step_of_an_epoch_of_e() {
    resumes_at_every_step(E, false);
    resumes_at_every_step(E, true);
}

#[test]
fn on_another_instruction_set() {
    let corpus = corpus(&E);
    let (mut whole, mut state) = start(E, false);
    for _ in 0..40 {
        state = step(&mut whole, state, &corpus).0;
    }
    let mut file = vec![0; Checkpoint::encoded_len(E, 0).unwrap()];
    let (mut cut, mut cut_state) = start(E, false);
    let isas: Vec<Isa> = Isa::available().collect();
    for i in 0..40 {
        cut_state = step(&mut cut, cut_state, &corpus).0;
        Checkpoint::write(cut.model(), &cut_state, "", &mut file).unwrap();
        let mut model = SimpleRnnlm::new(E, &mut Xorshift::new(99)).unwrap().with_isa(isas[i % isas.len()]);
        Checkpoint::read(&file).unwrap().load(&mut model).unwrap();
        cut = trainer(model, &cut_state);
    }
    assert_eq!(cut_state, state);
    assert_eq!(cut.model().weights_block(), whole.model().weights_block());
}

#[test]
fn a_stateless_model_stays_stateless() {
    let model = SimpleRnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_stateful(false);
    let mut file = vec![0; Checkpoint::encoded_len(E, 0).unwrap()];
    Checkpoint::write(&model, &TrainingState::default(), "", &mut file).unwrap();
    let mut other = SimpleRnnlm::new(E, &mut Xorshift::new(2)).unwrap();
    Checkpoint::read(&file).unwrap().load(&mut other).unwrap();
    assert!(!other.is_stateful());
}
