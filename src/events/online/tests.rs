extern crate std;
use std::vec::Vec;

use super::*;
use crate::{AlignedVec, Config, ParameterError, SimpleRnnlm, Xorshift};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 9, batch_size: 1, time_size: 4 };

fn events() -> Vec<u32> {
    let mut rng = Xorshift::new(8);
    // an interpreter takes minutes for more
    let count = if cfg!(miri) { 13 } else { 103 };
    (0..count).map(|i| if rng.below(4) == 0 { rng.below(7) } else { i % 7 }).collect()
}

#[test]
fn it_is_the_predictor_and_the_steps_put_together() -> Result<(), Error> {
    let fresh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let (mut learner, mut model) = (OnlineLearner::new(fresh.clone(), 0.3)?, fresh);
    let events = events();
    let mut state = std::vec![0.0; 9];
    for (i, &id) in events.iter().enumerate() {
        let score = learner.observe(id)?;
        if i == 0 {
            assert_eq!(score, None);
            continue;
        }
        // events 0 to 4 made the first step, 4 to 8 the second
        let mut predictor = model.predictor().unwrap();
        predictor.set_state(&state)?;
        let first = (i - 1) / 4 * 4;
        let mut probabilities = Vec::new();
        for &before in &events[first..i] {
            probabilities = predictor.feed(before)?.to_vec();
        }
        let score = score.unwrap();
        let p = probabilities[id as usize];
        let rank = 1 + (0..7).filter(|&v| probabilities[v] > p || (probabilities[v] == p && v < id as usize)).count();
        assert_eq!((score.id, score.rank), (id, rank));
        assert!((score.probability() - p).abs() < 1e-6, "{score:?} {p}");
        if i % 4 == 0 {
            model.forward(&events[i - 4..i], &events[i - 3..=i])?.sgd(0.3)?;
            state = model.state().to_vec();
        }
        assert_eq!(learner.model().weights_block(), model.weights_block(), "event {i}");
    }
    Ok(())
}

#[test]
fn bad_events_and_sizes_are_refused() -> Result<(), Error> {
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut learner = OnlineLearner::new(model.clone(), 0.3)?;
    learner.observe(3)?;
    assert_eq!(learner.observe(7), Err(StepError::IdOutOfRange { id: 7 }));
    assert_eq!(learner.observe(3), Ok(None), "the stream starts anew");
    assert_eq!(learner.model().weights_block(), model.weights_block());
    assert_eq!(OnlineLearner::new(model.clone(), 0.0).err(), Some(ParameterError::LearningRate.into()));
    let wide = SimpleRnnlm::new(Config { batch_size: 2, ..CONFIG }, &mut Xorshift::new(1)).unwrap();
    assert_eq!(OnlineLearner::new(wide, 0.3).err(), Some(ConfigError::BatchSize { given: 2 }.into()));
    let len = CONFIG.memory().unwrap().prediction;
    let short = OnlineLearner::with_buffers(model, 0.3, AlignedVec::zeroed(len - 1).unwrap(), std::vec![0; 8]);
    assert_eq!(short.err(), Some(ConfigError::BufferLength { needed: len, given: len - 1 }.into()));
    Ok(())
}

#[test]
fn a_new_learner_starts_from_zero() -> Result<(), Error> {
    let fresh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut used = fresh.clone();
    used.set_state(&[0.5; 9])?;
    let mut memory = AlignedVec::zeroed(CONFIG.memory().unwrap().prediction).unwrap();
    memory.as_mut().fill(0.25);
    let mut used = OnlineLearner::with_buffers(used, 0.3, memory, std::vec![3; 8])?;
    let mut fresh = OnlineLearner::new(fresh, 0.3)?;
    assert_eq!((used.model().state(), used.probabilities()), (&[0.0; 9][..], &[0.0; 7][..]));
    for &id in &events()[..6] {
        assert_eq!(used.observe(id), fresh.observe(id));
        assert_eq!(used.probabilities(), fresh.probabilities());
    }
    assert_eq!(used.model().weights_block(), fresh.model().weights_block());
    Ok(())
}

#[test]
fn a_window_of_another_length_is_refused() {
    let len = CONFIG.memory().unwrap().prediction;
    for given in [7, 9] {
        let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let refused = OnlineLearner::with_buffers(model, 0.3, AlignedVec::zeroed(len).unwrap(), std::vec![0; given]);
        assert_eq!(refused.err(), Some(ConfigError::BufferLength { needed: 8, given }.into()));
    }
}

/// Saved, "switched off" and resumed after every event: the bits of one that never stopped.
#[test]
fn a_learner_that_is_resumed_after_any_event_is_one_that_never_stopped() -> Result<(), Error> {
    for time_size in [1, 2, 4, 7] {
        let config = Config { time_size, ..CONFIG };
        let memory = config.memory()?;
        let fresh = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
        let mut never = OnlineLearner::new(fresh.clone(), 0.3)?;
        let mut always = OnlineLearner::new(fresh.clone(), 0.3)?;
        for (i, id) in events().into_iter().enumerate() {
            let rate = 0.3 / (1 + i / 40) as f32;
            never.set_learning_rate(rate)?;
            let pending: Vec<u32> = always.pending().collect();
            assert!(pending.len() <= time_size);
            // what a checkpoint holds: weights and hidden state
            let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(2))?;
            let weights = model.weights_mut().named().into_iter().zip(always.model().weights().named());
            weights.for_each(|((_, mut to), (_, from))| to.as_mut_slice().copy_from_slice(from.as_slice()));
            model.state_mut().copy_from_slice(always.model().state());
            let prediction = AlignedVec::zeroed(memory.prediction)?;
            always = OnlineLearner::resume(model, rate, prediction, filled(memory.ids, 7)?, &pending)?;
            assert_eq!(always.probabilities(), never.probabilities(), "event {i}");
            assert_eq!(always.observe(id), never.observe(id), "event {i}");
            assert_eq!(always.model().weights_block(), never.model().weights_block(), "event {i}");
            assert_eq!(always.model().state(), never.model().state(), "event {i}");
        }
        let resume = |rate, prediction, ids, pending: &[u32]| {
            let (prediction, ids) = (AlignedVec::zeroed(prediction).unwrap(), filled(ids, 0).unwrap());
            OnlineLearner::resume(fresh.clone(), rate, prediction, ids, pending).err()
        };
        let (prediction, ids) = (memory.prediction, memory.ids);
        let (needed, given) = (time_size + 1, time_size + 2);
        assert_eq!(
            resume(0.1, prediction, ids, &std::vec![0; given]),
            Some(StepError::Length { needed, given }.into())
        );
        assert_eq!(resume(0.1, prediction, ids, &[7]), Some(StepError::IdOutOfRange { id: 7 }.into()));
        assert_eq!(resume(0.0, prediction, ids, &[]), Some(ParameterError::LearningRate.into()));
        let other = ConfigError::BufferLength { needed: ids, given: ids + 1 };
        assert_eq!(resume(0.1, prediction, ids + 1, &[]), Some(other.into()));
        assert_eq!(never.set_learning_rate(-1.0).err(), Some(ParameterError::LearningRate.into()));
    }
    Ok(())
}
