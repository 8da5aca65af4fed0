//! Promise: training goes on where it stopped. Position, hidden state, numbers and perplexities of a run do not depend
//! on how it is cut into calls, nor on evaluations in between.

use std::ops::ControlFlow;

use rnnlm::{
    Batches, Config, Gradients, Memory, ParameterError, Predictor, RnnlmTrainer, Sgd, SimpleRnnlm, StepError,
    TrainError, TrainingState, Xorshift, perplexity,
};

const CONFIG: Config = Config { vocab_size: 9, wordvec_size: 5, hidden_size: 6, batch_size: 2, time_size: 3 };

fn trainer() -> RnnlmTrainer {
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    RnnlmTrainer::new(model, Sgd::new(0.3).unwrap()).unwrap()
}

/// 44 tokens: 43 pairs, 7 steps of 6 each epoch, so that an epoch doesn't end where the text does.
fn corpus() -> Vec<u32> {
    let mut rng = Xorshift::new(5);
    (0..44).map(|_| rng.below(9)).collect()
}

fn fit(trainer: &mut RnnlmTrainer, epochs: usize) {
    trainer.fit(&corpus(), epochs, |_| ControlFlow::<()>::Continue(())).unwrap();
}

fn assert_same(a: &RnnlmTrainer, b: &RnnlmTrainer) {
    assert_eq!(a.model().weights_block(), b.model().weights_block());
    assert_eq!(a.model().state(), b.model().state());
    assert_eq!((a.epoch(), a.position(), a.perplexities()), (b.epoch(), b.position(), b.perplexities()));
}

/// A model that a struct owns: no heap, no lifetime.
struct Owner {
    trainer: RnnlmTrainer<[f32; MEMORY.weights], [f32; MEMORY.workspace], [u32; MEMORY.ids]>,
}

const MEMORY: Memory = match CONFIG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};

#[test]
fn memory_may_be_arrays_each_part_elsewhere() {
    let fresh = || {
        let mut model = SimpleRnnlm::with_buffers(CONFIG, [0.0; MEMORY.weights], [0.0; MEMORY.workspace]).unwrap();
        model.initialize(&mut Xorshift::new(1));
        RnnlmTrainer::with_buffers(model, Sgd::new(0.3).unwrap(), [0; MEMORY.ids]).unwrap()
    };
    let (mut owner, mut heap) = (Owner { trainer: fresh() }, trainer());
    owner.trainer.fit(&corpus(), 2, |_| ControlFlow::<()>::Continue(())).unwrap();
    fit(&mut heap, 2);
    assert_eq!(owner.trainer.model().weights_block(), heap.model().weights_block());
    assert_eq!(owner.trainer.perplexities(), heap.perplexities());

    let mut block = vec![0.0; MEMORY.weights];
    let gradients = Gradients::with_buffers(CONFIG, &mut block[..]).unwrap();
    let mut clipped = fresh().with_clipping(0.25, gradients).unwrap();
    let mut on_the_heap = trainer().with_clipping(0.25, Gradients::new(CONFIG).unwrap()).unwrap();
    clipped.fit(&corpus(), 2, |_| ControlFlow::<()>::Continue(())).unwrap();
    fit(&mut on_the_heap, 2);
    assert_eq!(clipped.model().weights_block(), on_the_heap.model().weights_block());

    let model = clipped.into_model();
    let mut in_place = Predictor::with_buffers(model.weights(), [0.0; MEMORY.prediction]).unwrap();
    assert_eq!(in_place.feed(3), Predictor::new(model.weights()).unwrap().feed(3));
}

#[test]
fn one_call_or_several() {
    let (mut whole, mut cut) = (trainer(), trainer());
    fit(&mut whole, 5);
    for epochs in [1, 2, 2, 5] {
        fit(&mut cut, epochs);
    }
    assert_same(&whole, &cut);
    assert_eq!((whole.epoch(), whole.position(), whole.perplexities().len()), (5, 5 * 7 * 3 % 43, 5));
    fit(&mut whole, 3);
    assert_eq!(whole.epoch(), 5, "epochs are counted in all");
}

#[test]
fn evaluation_disturbs_nothing() {
    let (mut plain, mut evaluated) = (trainer(), trainer());
    fit(&mut plain, 3);
    let mut losses = Vec::new();
    evaluated
        .fit(&corpus(), 3, |progress| {
            losses.push(progress.model.evaluate(&corpus()).unwrap());
            assert_eq!(progress.model.evaluate(&corpus()), Ok(losses[losses.len() - 1]));
            ControlFlow::<()>::Continue(())
        })
        .unwrap();
    assert_same(&plain, &evaluated);
    assert!(losses.len() == 3 && losses[2] < losses[0]);
}

#[test]
fn a_stateless_model_starts_each_window_at_zero() {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap().with_stateful(false);
    let (xs, ts) = ([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7]);
    let first = model.forward(&xs, &ts).unwrap().loss();
    model.evaluate(&corpus()).unwrap();
    assert_eq!(model.forward(&xs, &ts).unwrap().loss(), first);
}

#[test]
fn initialize_is_a_fresh_start() {
    let mut trained = trainer();
    fit(&mut trained, 2);
    let mut model = trained.into_model();
    model.initialize(&mut Xorshift::new(1));
    let fresh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    assert_eq!((model.weights_block(), model.state()), (fresh.weights_block(), fresh.state()));
}

#[test]
fn the_callback_comes_at_the_interval_and_at_the_end_of_an_epoch() {
    for (interval, expected) in [
        (3, vec![(1, 3), (1, 6), (1, 7), (2, 3), (2, 6), (2, 7)]),
        (7, vec![(1, 7), (2, 7)]),
        (100, vec![(1, 7), (2, 7)]),
        (0, (1..=2).flat_map(|epoch| (1..=7).map(move |i| (epoch, i))).collect()),
    ] {
        let mut trainer = trainer().with_eval_interval(interval);
        let mut seen = Vec::new();
        trainer
            .fit(&corpus(), 2, |progress| {
                assert_eq!((progress.iterations, progress.is_epoch_end()), (7, progress.iteration == 7));
                seen.push((progress.epoch, progress.iteration));
                ControlFlow::<()>::Continue(())
            })
            .unwrap();
        assert_eq!(seen, expected, "interval {interval}");
    }
}

#[test]
fn perplexities_are_those_of_the_steps() {
    // the loss of each step, by the model itself
    let corpus = corpus();
    let mut batches = Batches::new(&corpus, CONFIG).unwrap();
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut losses = Vec::new();
    while let Some((xs, ts)) = batches.next_window() {
        losses.push(model.forward(xs, ts).unwrap().sgd(0.3).unwrap());
    }
    assert_eq!(losses.len(), 7);
    let mean = |losses: &[f32]| f64::from(perplexity(losses.iter().sum::<f32>() / losses.len() as f32));

    let mut trainer = trainer().with_eval_interval(3);
    let mut seen = Vec::new();
    trainer
        .fit(&corpus, 1, |progress| {
            seen.push([progress.perplexity(), progress.recent_perplexity()].map(f64::from));
            ControlFlow::<()>::Continue(())
        })
        .unwrap();
    let expected = [
        [mean(&losses[..3]), mean(&losses[..3])],
        [mean(&losses[..6]), mean(&losses[3..6])],
        [mean(&losses), mean(&losses[6..])],
    ];
    for (ours, theirs) in seen.iter().flatten().zip(expected.iter().flatten()) {
        assert!((ours - theirs).abs() < 1e-5 * theirs, "{seen:?} {expected:?}");
    }
    assert_eq!(f64::from(trainer.perplexities()[0]), seen[2][0]);
}

#[test]
fn breaking_off_stops_at_once() {
    let mut trainer = trainer().with_eval_interval(2);
    let stopped = trainer.fit(&corpus(), 5, |progress| ControlFlow::Break(progress.iteration)).unwrap();
    assert_eq!(stopped, Some(2), "the callback's own value");
    assert_eq!((trainer.epoch(), trainer.position(), trainer.perplexities().len()), (0, 6, 0));
}

#[test]
fn a_broken_epoch_is_completed() {
    let mut whole = trainer();
    fit(&mut whole, 3);
    for interval in 1..7 {
        let mut cut = trainer().with_eval_interval(interval);
        while cut.epoch() < 3 {
            cut.fit(&corpus(), 3, |_| ControlFlow::Break(())).unwrap();
        }
        assert_same(&whole, &cut);
    }
}

#[test]
fn a_training_state_goes_on_in_another_trainer() {
    let mut whole = trainer();
    fit(&mut whole, 2);
    // every step by a trainer of its own
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut state = TrainingState { learning_rate: 0.3, ..TrainingState::default() };
    let mut perplexities: Vec<f32> = Vec::new();
    for step in 1..=14 {
        let mut next = RnnlmTrainer::new(model, Sgd::new(9.0).unwrap()).unwrap().with_eval_interval(1);
        next.resume(&state).unwrap();
        let mut seen = TrainingState::default();
        next.fit(&corpus(), 2, |progress| {
            seen = progress.training_state();
            ControlFlow::Break(())
        })
        .unwrap();
        state = next.training_state();
        assert_eq!(seen, state, "the callback sees the same");
        assert_eq!((state.epoch, state.iteration), (step / 7, step % 7));
        perplexities.extend(next.perplexities());
        model = next.into_model();
    }
    assert_eq!(perplexities, whole.perplexities());
    assert_eq!((model.weights_block(), model.state()), (whole.model().weights_block(), whole.model().state()));
}

#[test]
fn an_epoch_of_a_longer_text_ends_with_the_next_step() {
    let mut trainer = trainer().with_eval_interval(1);
    // two steps more than this text has in an epoch
    trainer.resume(&TrainingState { iteration: 9, losses: [18.0, 0.0], ..TrainingState::default() }).unwrap();
    trainer
        .fit(&corpus(), 2, |progress| {
            assert!(progress.is_epoch_end());
            assert_eq!((progress.epoch, progress.iteration, progress.iterations), (1, 10, 10));
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!((trainer.epoch(), trainer.perplexities().len()), (1, 1));
    assert_eq!(trainer.training_state().iteration, 0);
}

#[test]
fn a_training_state_that_is_none_changes_nothing() {
    let mut trainer = trainer();
    let before = trainer.training_state();
    for learning_rate in [0.0, f32::NAN, f32::INFINITY, -1.0] {
        let state = TrainingState { learning_rate, epoch: 3, ..TrainingState::default() };
        assert_eq!(trainer.resume(&state), Err(ParameterError::LearningRate));
        assert_eq!(trainer.training_state(), before);
    }
    for losses in [[f32::NAN, 0.0], [f32::INFINITY, 0.0], [-1.0, 0.0]] {
        let state = TrainingState { losses, epoch: 3, ..TrainingState::default() };
        assert_eq!(trainer.resume(&state), Err(ParameterError::TrainingState));
        assert_eq!(trainer.training_state(), before);
    }
}

/// One clipped step, written out.
fn clipped_by_hand(model: &mut SimpleRnnlm, xs: &[u32], ts: &[u32], max_norm: f64) -> f64 {
    let mut gradients = Gradients::new(CONFIG).unwrap();
    model.forward(xs, ts).unwrap().backward(&mut gradients).unwrap();
    let elements = || gradients.parameters().named().map(|(_, matrix)| matrix.as_slice().to_vec()).concat();
    let norm = elements().iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    let factor = (max_norm / (norm + 1e-6)).min(1.0);
    let mut weights = model.weights_mut().named();
    let weights = weights.iter_mut().flat_map(|(_, matrix)| matrix.as_mut_slice());
    for (w, g) in weights.zip(elements()) {
        *w -= (0.3 * factor * f64::from(g)) as f32;
    }
    norm
}

#[test]
fn clipping_takes_the_step_of_the_clipped_gradients() {
    let corpus = corpus();
    for max_norm in [1e-3, 0.25, 1e3] {
        let trained = trainer().with_clipping(max_norm, Gradients::new(CONFIG).unwrap()).unwrap();
        let mut trained = trained.with_eval_interval(1);
        let mut by_hand = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let mut batches = Batches::new(&corpus, CONFIG).unwrap();
        let mut clipped = 0;
        for _ in 0..7 {
            trained.fit(&corpus, 1, |_| ControlFlow::Break(())).unwrap();
            let (xs, ts) = batches.next_window().unwrap();
            clipped += usize::from(clipped_by_hand(&mut by_hand, xs, ts, f64::from(max_norm)) > f64::from(max_norm));
            for (ours, theirs) in trained.model().weights_block().iter().zip(by_hand.weights_block()) {
                assert!((ours - theirs).abs() < 3e-6, "{max_norm}: {ours} {theirs}");
            }
        }
        assert_eq!(clipped, if max_norm < 1.0 { 7 } else { 0 }, "{max_norm}");
    }
}

#[test]
fn clipping_above_every_norm_changes_no_bit() {
    let (mut plain, mut clipped) =
        (trainer(), trainer().with_clipping(f32::INFINITY, Gradients::new(CONFIG).unwrap()).unwrap());
    fit(&mut plain, 3);
    fit(&mut clipped, 3);
    assert_same(&plain, &clipped);
}

#[test]
fn bad_clipping_is_refused() {
    for max_norm in [0.0, -1.0, f32::NAN] {
        let refused = trainer().with_clipping(max_norm, Gradients::new(CONFIG).unwrap());
        assert_eq!(refused.err(), Some(ParameterError::MaxNorm.into()));
    }
    let other = Gradients::new(Config { hidden_size: 7, ..CONFIG }).unwrap();
    assert_eq!(trainer().with_clipping(1.0, other).err(), Some(StepError::OtherSizes));
}

#[test]
fn a_clipped_step_that_is_refused_leaves_everything() {
    let mut trainer = trainer().with_clipping(1.0, Gradients::new(CONFIG).unwrap()).unwrap().with_eval_interval(1);
    trainer.fit(&corpus(), 1, |_| ControlFlow::Break(())).unwrap();
    // hidden states of zero and so a finite loss, but a gradient of the word vectors beyond all numbers
    trainer.model_mut().reset_state();
    for (name, mut matrix) in trainer.model_mut().weights_mut().named() {
        let weights = matrix.as_mut_slice();
        weights.fill(if name == "rnn.Wx" { 3e38 } else { 0.0 });
        if name == "affine.W" {
            weights.iter_mut().step_by(3).for_each(|w| *w = 1e11);
        }
    }
    let (before, state) = (trainer.model().clone(), trainer.training_state());
    let refused = trainer.fit(&corpus(), 1, |_| ControlFlow::<()>::Continue(()));
    assert_eq!(refused, Err(TrainError::Step(StepError::NonFiniteUpdate)));
    assert_eq!(trainer.training_state(), state);
    assert_eq!((trainer.model().weights_block(), trainer.model().state()), (before.weights_block(), before.state()));
}
