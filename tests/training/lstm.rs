//! Promise: an LSTM is trained as the tanh cell is. A step that fails leaves weights and both states as they were; a
//! run that is saved and goes on has the bits of one that never stopped; events are learned as they come.
#![cfg(feature = "alloc")]

use std::ops::ControlFlow;

use rnnlm::{
    Checkpoint, Config, Gradients, LstmCell, OnlineLearner, Rnnlm, RnnlmTrainer, Sgd, StepError, TrainingState,
    Vocabulary, Xorshift,
};

const CONFIG: Config = Config { vocab_size: 6, wordvec_size: 5, hidden_size: 7, batch_size: 2, time_size: 4 };
const IDS: [[u32; 8]; 2] = [[0, 1, 2, 3, 4, 5, 0, 1], [1, 2, 3, 4, 5, 0, 1, 2]];

fn model(stateful: bool) -> Rnnlm {
    let mut rng = Xorshift::new(3);
    let mut model = Rnnlm::new(CONFIG, &mut rng).unwrap().with_stateful(stateful);
    let mut state = model.state().to_vec();
    rng.fill_normal(0.5, &mut state);
    model.set_state(&state).unwrap();
    model
}

fn bits(model: &Rnnlm) -> Vec<u32> {
    model.weights_block().iter().chain(model.state()).map(|x| x.to_bits()).collect()
}

#[test]
fn a_step_that_fails_leaves_weights_and_both_states() {
    let [xs, ts] = IDS;
    for stateful in [true, false] {
        let mut model = model(stateful);
        // gradients far above 1
        model.weights_mut().affine_w.as_mut_slice().iter_mut().for_each(|w| *w *= 1e3);
        assert_eq!(model.state().len(), 2 * 2 * 7);
        let before = bits(&model);
        // in place, refused before and by the probe
        for rate in [f32::NAN, 0.0, f32::MAX] {
            model.forward(&xs, &ts).unwrap().sgd(rate).unwrap_err();
            assert_eq!(bits(&model), before, "rate {rate}");
        }
        // through stored gradients; what is taken later with a lower rate moves on
        let mut gradients = Gradients::<_, LstmCell>::new_as(CONFIG).unwrap();
        model.forward(&xs, &ts).unwrap().backward(&mut gradients).unwrap();
        let behind = model.state().to_vec();
        Sgd::new(f32::MAX).unwrap().update(&mut model, &gradients).unwrap_err();
        assert_eq!(bits(&model), before);
        Sgd::new(0.1).unwrap().update(&mut model, &gradients).unwrap();
        assert_eq!(model.state(), behind);
        // gradients of other sizes
        let other = Config { hidden_size: 8, ..CONFIG };
        let mut gradients = Gradients::<_, LstmCell>::new_as(other).unwrap();
        let before = bits(&model);
        let refused = model.forward(&xs, &ts).unwrap().backward(&mut gradients);
        assert_eq!(refused, Err(StepError::OtherSizes));
        assert_eq!(bits(&model), before);
    }
}

#[test]
fn a_window_that_is_not_stateful_has_the_gradients_of_one_from_zero_states() {
    let [xs, ts] = IDS;
    let (mut stateless, mut stateful) = (model(false), model(true));
    let gradients = |model: &mut Rnnlm| {
        let mut gradients = Gradients::<_, LstmCell>::new_as(CONFIG).unwrap();
        model.forward(&xs, &ts).unwrap().backward(&mut gradients).unwrap();
        gradients
    };
    for _ in 0..3 {
        stateful.reset_state();
        assert_eq!(gradients(&mut stateless).parameters(), gradients(&mut stateful).parameters());
        stateful.reset_state();
        for model in [&mut stateless, &mut stateful] {
            model.forward(&xs, &ts).unwrap().sgd(0.5).unwrap();
        }
        assert_eq!(bits(&stateless), bits(&stateful));
    }
}

#[test]
fn a_cell_state_that_is_not_finite_is_refused() {
    let [xs, ts] = IDS;
    let mut model = model(true);
    let mut state = model.state().to_vec();
    // h stays finite, as tanh c does
    *state.last_mut().unwrap() = f32::INFINITY;
    model.set_state(&state).unwrap();
    let before = bits(&model);
    assert_eq!(model.forward(&xs, &ts).unwrap_err(), StepError::NonFiniteLoss);
    assert_eq!(bits(&model), before);
    assert_eq!(model.set_state(&state[1..]), Err(StepError::Length { needed: 28, given: 27 }));
}

#[test]
fn a_window_without_targets_moves_the_states_alone() {
    let mut model = model(true);
    let (weights, state) = (model.weights_block().to_vec(), model.state().to_vec());
    assert_eq!(model.forward(&IDS[0], &[rnnlm::IGNORE; 8]).unwrap().sgd(1.0), Ok(0.0));
    assert_eq!(model.weights_block(), weights);
    assert_ne!(model.state(), state);
}

#[test]
fn a_run_that_is_saved_goes_on_with_the_same_bits() {
    let corpus: Vec<u32> = (0..203).map(|i| i * i % 6).collect();
    let trainer = |model, clips| {
        let trainer = RnnlmTrainer::new(model, Sgd::new(0.5).unwrap()).unwrap();
        if clips { trainer.with_clipping(0.25, Gradients::new_as(CONFIG).unwrap()).unwrap() } else { trainer }
    };
    for clips in [false, true] {
        let mut whole = trainer(model(true), clips);
        whole.fit(&corpus, 4, |_| ControlFlow::<()>::Continue(())).unwrap();
        assert!(whole.perplexities()[3] < whole.perplexities()[0]);

        let mut first = trainer(model(true), clips).with_eval_interval(7);
        first
            .fit(&corpus, 4, |progress| match progress.epoch {
                2 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
            .unwrap();
        let file = Checkpoint::to_vec(first.model(), &first.training_state(), &Vocabulary::default()).unwrap();
        let (model, state, _): (Rnnlm, TrainingState, _) = Checkpoint::read_as(&file).unwrap().restore().unwrap();
        let mut second = trainer(model, clips);
        second.resume(&state).unwrap();
        second.fit(&corpus, 4, |_| ControlFlow::<()>::Continue(())).unwrap();
        assert_eq!(bits(second.model()), bits(whole.model()));
    }
}

#[test]
fn a_learner_with_an_lstm_learns_what_only_the_cell_remembers() {
    let config = Config { batch_size: 1, time_size: 8, ..CONFIG };
    let learner = || OnlineLearner::new(Rnnlm::new(config, &mut Xorshift::new(1)).unwrap(), 1.0).unwrap();
    // 3 comes eight events after 0 that began with 1, 4 after 0 that began with 2
    let event = |i: usize| match i % 16 {
        0 => 1,
        8 => 2,
        7 => 3,
        15 => 4,
        _ => 0,
    };
    let mut one = learner();
    let mut losses = 0.0;
    for i in 0..16 * 500 {
        let score = one.observe(event(i)).unwrap();
        if i >= 16 * 490 {
            losses += score.map_or(0.0, |score| score.loss);
        }
    }
    assert!(losses / 160.0 < 0.05, "{losses}");

    // broken off anywhere, it goes on with the same bits
    let mut one = learner();
    for i in 0..41 {
        one.observe(event(i)).unwrap();
    }
    let pending: Vec<u32> = one.pending().collect();
    let mut restored = Rnnlm::new(config, &mut Xorshift::new(2)).unwrap();
    let file = Checkpoint::to_vec(one.model(), &TrainingState::default(), &Vocabulary::default()).unwrap();
    Checkpoint::read_as(&file).unwrap().load(&mut restored).unwrap();
    let floats = config.memory_of::<LstmCell>().unwrap().prediction;
    let mut two = OnlineLearner::resume(restored, 1.0, vec![0.0; floats], vec![0; 16], &pending).unwrap();
    for i in 41..80 {
        assert_eq!(one.observe(event(i)), two.observe(event(i)));
    }
    assert_eq!(bits(one.model()), bits(two.model()));
}
