//! Promise: an online learner may pass over events, and learn sessions shorter than its window.

use rnnlm::{Config, IGNORE, OnlineLearner, SimpleRnnlm, Xorshift};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 9, batch_size: 1, time_size: 4 };

#[test]
fn behind_frozen_events_learning_goes_on_in_their_context() {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut learner = OnlineLearner::new(model.clone(), 0.3).unwrap();
    let mut predictor = model.predictor().unwrap();
    for id in [1, 2, 3] {
        learner.observe(id).unwrap();
        predictor.feed(id).unwrap();
    }
    let state = predictor.state().to_vec();
    let score = learner.observe_frozen(4).unwrap().unwrap();
    assert!((score.probability() - predictor.probabilities()[4]).abs() < 1e-6);
    for id in [5, 6, 0, 2] {
        learner.observe(id).unwrap();
    }
    // 1 to 3 were pending, and are never learned
    model.set_state(&state).unwrap();
    model.forward(&[4, 5, 6, 0], &[5, 6, 0, 2]).unwrap().sgd(0.3).unwrap();
    assert_eq!(learner.model().weights_block(), model.weights_block());
    assert!(learner.observe_frozen(7).is_err());
    assert_eq!(learner.pending().count(), 0);
}

#[test]
fn pending_events_are_a_window_whose_rest_does_not_count() {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut learner = OnlineLearner::new(model.clone(), 0.3).unwrap();
    for id in [1, 2, 3] {
        learner.observe(id).unwrap();
    }
    learner.learn_pending().unwrap();
    model.forward(&[1, 2, 0, 0], &[2, 3, IGNORE, IGNORE]).unwrap().sgd(0.3).unwrap();
    assert_eq!(learner.model().weights_block(), model.weights_block());
    learner.learn_pending().unwrap();
    assert_eq!(learner.model().weights_block(), model.weights_block());
}
