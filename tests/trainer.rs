//! Promise: training goes on where it stopped. Position, hidden state, numbers and perplexities of a run do not depend on how
//! it is cut into calls, nor on evaluations in between.
#![cfg(feature = "alloc")]

use std::ops::ControlFlow;

use rnnlm::{Config, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift, perplexity};

const CONFIG: Config = Config { vocab_size: 9, wordvec_size: 5, hidden_size: 6, batch_size: 2, time_size: 3 };

type Trainer = RnnlmTrainer<Vec<f32>, Vec<u32>>;

fn trainer() -> Trainer {
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    RnnlmTrainer::new(model, Sgd::new(0.3).unwrap()).unwrap()
}

/// 44 tokens: 43 pairs, 7 steps of 6 each epoch, so that an epoch doesn't end where the text does.
fn corpus() -> Vec<u32> {
    let mut rng = Xorshift::new(5);
    (0..44).map(|_| rng.below(9)).collect()
}

fn fit(trainer: &mut Trainer, epochs: usize) {
    trainer.fit(&corpus(), epochs, |_| ControlFlow::Continue(())).unwrap();
}

fn assert_same(a: &Trainer, b: &Trainer) {
    assert_eq!(a.model().weights_block(), b.model().weights_block());
    assert_eq!(a.model().state(), b.model().state());
    assert_eq!((a.epoch(), a.position(), a.perplexities()), (b.epoch(), b.position(), b.perplexities()));
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
            ControlFlow::Continue(())
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
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen, expected, "interval {interval}");
    }
}

#[test]
fn perplexities_are_those_of_the_steps() {
    // the loss of each step, by the model itself
    let corpus = corpus();
    let mut batches = rnnlm::Batches::new(&corpus, 2, 3).unwrap();
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let (mut xs, mut ts) = ([0; 6], [0; 6]);
    let losses: Vec<f32> = (0..7)
        .map(|_| {
            batches.read(&mut xs, &mut ts);
            batches.advance();
            model.forward(&xs, &ts).unwrap().sgd(0.3).unwrap()
        })
        .collect();
    let mean = |losses: &[f32]| f64::from(perplexity(losses.iter().sum::<f32>() / losses.len() as f32));

    let mut trainer = trainer().with_eval_interval(3);
    let mut seen = Vec::new();
    trainer
        .fit(&corpus, 1, |progress| {
            seen.push([progress.perplexity(), progress.recent_perplexity()].map(f64::from));
            ControlFlow::Continue(())
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
    trainer.fit(&corpus(), 5, |_| ControlFlow::Break(())).unwrap();
    assert_eq!((trainer.epoch(), trainer.position(), trainer.perplexities().len()), (0, 6, 0));
}
