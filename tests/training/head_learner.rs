//! Promise: a learner with a frozen body learns the bits of a whole model's head, and changes nothing else.

use rnnlm::{
    Config, Error, HeadLearner, Isa, OnlineLearner, ParameterError, Rnnlm, SimpleRnnlm, StepError, TokenScore, Xorshift,
};

const CONFIG: Config = Config { vocab_size: 19, wordvec_size: 5, hidden_size: 17, batch_size: 1, time_size: 1 };

fn model() -> SimpleRnnlm {
    SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap()
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_head_learns_the_bits_of_a_whole_step_on_every_isa() {
    let factory = model();
    let mut whole = model();
    whole.forward(&[3], &[7]).unwrap().sgd(0.5).unwrap();
    let mut expected = whole.weights().affine_w.as_slice().to_vec();
    expected.extend(whole.weights().affine_b.as_slice());
    let mut all = vec![];
    for isa in Isa::available() {
        let mut learner = HeadLearner::new(factory.weights(), 0.5).unwrap().with_isa(isa);
        assert_eq!(learner.observe(3).unwrap(), None);
        assert_eq!(learner.observe(7).unwrap().map(|score| score.id), Some(7));
        assert_eq!(bits(learner.head()), bits(&expected), "{isa:?}");
        for id in (0..500).map(|i| (i * i) % 19) {
            learner.observe(id).unwrap();
        }
        all.push(bits(learner.head()));
    }
    assert!(all.iter().all(|head| *head == all[0]));
}

#[test]
fn an_lstms_head_learns_the_bits_of_a_whole_step_from_a_state_that_goes_on() {
    let factory = Rnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let mut whole = factory.clone();
    let events = [3, 7, 7, 1, 18];
    // the head alone of the whole model is the learner's: its body is put back behind each step
    for pair in events.windows(2) {
        whole.forward(&pair[..1], &pair[1..]).unwrap().sgd(0.5).unwrap();
        let (own, given) = (whole.weights_mut().named(), factory.weights().named());
        for ((_, mut to), (_, from)) in own.into_iter().zip(given).take(4) {
            to.as_mut_slice().copy_from_slice(from.as_slice());
        }
    }
    let mut expected = whole.weights().affine_w.as_slice().to_vec();
    expected.extend(whole.weights().affine_b.as_slice());
    for isa in Isa::available() {
        let mut learner = HeadLearner::new(factory.weights(), 0.5).unwrap().with_isa(isa);
        for id in events {
            learner.observe(id).unwrap();
        }
        assert_eq!(bits(learner.head()), bits(&expected), "{isa:?}");
        let sum: f32 = learner.probabilities().iter().sum();
        assert!((sum - 1.0).abs() < 1e-5 && learner.probabilities().len() == 19, "{sum}");
    }
}

#[test]
fn frozen_events_and_refused_rates_change_nothing() {
    let factory = model();
    let mut learner = HeadLearner::new(factory.weights(), 0.5).unwrap();
    let before = learner.head().to_vec();
    for id in 0..19 {
        learner.observe_frozen(id).unwrap();
    }
    assert!(learner.observe(19).is_err());
    assert_eq!(learner.head(), before);
    for rate in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e31] {
        let refused = HeadLearner::new(factory.weights(), rate).err();
        assert_eq!(refused, Some(Error::from(ParameterError::LearningRate)), "{rate}");
    }
    learner.observe(1).unwrap();
    learner.observe(2).unwrap();
    let learned = learner.head().to_vec();
    assert_ne!(learned, before);
    let mut other = HeadLearner::new(factory.weights(), 0.5).unwrap();
    other.set_head(&learned).unwrap();
    assert!(other.set_head(&learned[1..]).is_err());
    assert_eq!(other.head(), learned);
}

/// A stream that follows one of two rules, nine times in ten.
fn stream(seed: u64, is_personal: bool) -> impl Iterator<Item = u32> {
    let mut rng = Xorshift::new(seed);
    let mut event = 0;
    std::iter::repeat_with(move || {
        event = match (rng.below(10), is_personal && event < 8) {
            (0, _) => rng.below(32),
            (_, false) => (event * 5 + 3) % 32,
            (_, true) => (event + 1) % 32,
        };
        event
    })
}

/// The mean surprise of 2,000 events.
fn nats(is_personal: bool, mut observe: impl FnMut(u32) -> Result<Option<TokenScore>, StepError>) -> f32 {
    let events = stream(if is_personal { 3 } else { 4 }, is_personal).take(2000);
    let losses: Vec<f32> = events.filter_map(|id| observe(id).unwrap()).map(|score| score.loss).collect();
    losses.iter().sum::<f32>() / losses.len() as f32
}

#[test]
fn a_personal_stream_is_learned_and_the_factory_stream_mostly_kept() {
    let config = Config { vocab_size: 32, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut factory = OnlineLearner::new(model, 0.1).unwrap();
    stream(2, false).take(20_000).for_each(|id| {
        factory.observe(id).unwrap();
    });
    let mut whole = factory.clone();
    let model = factory.into_model();
    let mut head = HeadLearner::new(model.weights(), 0.02).unwrap();

    let before = [true, false].map(|is_personal| nats(is_personal, |id| head.observe_frozen(id)));
    stream(5, true).take(4000).for_each(|id| {
        head.observe(id).unwrap();
        whole.observe(id).unwrap();
    });
    let after = [true, false].map(|is_personal| nats(is_personal, |id| head.observe_frozen(id)));
    let whole = [true, false].map(|is_personal| nats(is_personal, |id| whole.observe_frozen(id)));
    println!("nats of the personal and the factory stream: before {before:?}, head {after:?}, whole {whole:?}");
    assert!(after[0] < before[0] - 0.3, "learned: {before:?} {after:?}");
    assert!(after[1] < 32_f32.ln() * 0.75, "forgotten: {after:?}");
}
