//! Promise: bad input is an error, never a panic and never a changed model.
#![cfg(feature = "alloc")]

use std::ops::ControlFlow;

use proptest::prelude::*;
use rnnlm::{
    Config, ConfigError, CorpusError, Gradients, IGNORE, Isa, Predictor, RnnlmTrainer, Sgd, SimpleRnnlm, StepError,
    TrainError, Xorshift,
};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
const XS: [u32; 6] = [0, 1, 2, 3, 4, 5];
const TS: [u32; 6] = [1, 2, 3, 4, 5, 6];

type Model = SimpleRnnlm<Vec<f32>>;

fn model(isa: Isa) -> Model {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap().with_isa(isa);
    model.forward(&XS, &TS).unwrap().sgd(0.1).unwrap();
    model
}

/// Weights and hidden state, as bits: NaN must be comparable.
fn bits(model: &Model) -> (Vec<u32>, Vec<u32>) {
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect();
    (bits(model.weights_block()), bits(model.state()))
}

/// The payload of a NaN is no promise: a weight that was NaN before may change it.
fn any_nan((weights, state): (Vec<u32>, Vec<u32>)) -> (Vec<u32>, Vec<u32>) {
    let same =
        |bits: Vec<u32>| bits.into_iter().map(|x| if f32::from_bits(x).is_nan() { u32::MAX } else { x }).collect();
    (same(weights), same(state))
}

#[test]
fn sizes() {
    let new = |config| SimpleRnnlm::new(config, &mut Xorshift::new(1)).err();
    assert_eq!(new(Config { hidden_size: 0, ..CONFIG }), Some(ConfigError::ZeroSize));
    assert_eq!(new(Config { vocab_size: 0, ..CONFIG }), Some(ConfigError::ZeroSize));
    assert_eq!(new(Config { hidden_size: usize::MAX / 2, ..CONFIG }), Some(ConfigError::TooLarge));
    // addressable, but no allocator has it
    let vast = Config { wordvec_size: isize::MAX as usize / 256, ..CONFIG };
    assert!(vast.memory().is_ok());
    assert_eq!(new(vast), Some(ConfigError::OutOfMemory));
    assert_eq!(Gradients::new(vast).err(), Some(ConfigError::OutOfMemory));
}

#[test]
fn buffers_of_other_lengths() {
    let memory = CONFIG.memory().unwrap();
    for (weights, workspace) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
        let len = |exact: usize, off: isize| vec![0.0; exact.checked_add_signed(off).unwrap()];
        let made =
            SimpleRnnlm::with_buffers(CONFIG, len(memory.weights, weights), len(memory.workspace, workspace)).err();
        assert!(matches!(made, Some(ConfigError::BufferLength { .. })), "{made:?}");
    }
    let given = memory.weights + 1;
    let error = ConfigError::BufferLength { needed: memory.weights, given };
    assert_eq!(Gradients::with_buffer(CONFIG, vec![0.0; given]).err(), Some(error));
    let model = model(Isa::detect());
    let error = ConfigError::BufferLength { needed: 11, given: 10 };
    assert_eq!(Predictor::new(model.weights(), vec![0.0; 10]).err(), Some(error));
    let error = ConfigError::BufferLength { needed: 12, given: 11 };
    assert_eq!(RnnlmTrainer::with_buffer(model, Sgd::new(0.1).unwrap(), vec![0; 11]).err(), Some(error));
}

#[test]
fn windows() {
    for isa in Isa::available() {
        let mut model = model(isa);
        let before = bits(&model);
        let length = |given| Some(StepError::Length { needed: 6, given });
        assert_eq!(model.forward(&XS[..5], &TS).err(), length(5));
        assert_eq!(model.forward(&XS, &[0; 7]).err(), length(7));
        assert_eq!(model.forward(&[], &[]).err(), length(0));
        for id in [7, 8, u32::MAX - 1] {
            let (mut xs, mut ts) = (XS, TS);
            xs[5] = id;
            ts[0] = id;
            assert_eq!(model.forward(&xs, &TS).err(), Some(StepError::IdOutOfRange { id }));
            assert_eq!(model.forward(&XS, &ts).err(), Some(StepError::IdOutOfRange { id }));
        }
        // only a target can be ignored
        assert_eq!(model.forward(&[IGNORE; 6], &TS).err(), Some(StepError::IdOutOfRange { id: IGNORE }));
        assert_eq!(model.evaluate(&[]), Err(StepError::Length { needed: 2, given: 0 }));
        assert_eq!(model.evaluate(&[1]), Err(StepError::Length { needed: 2, given: 1 }));
        assert_eq!(model.evaluate(&[1, 2, 9]), Err(StepError::IdOutOfRange { id: 9 }));
        assert_eq!(model.evaluate(&[1, IGNORE]), Err(StepError::IdOutOfRange { id: IGNORE }));
        assert_eq!(model.set_state(&[0.0; 7]), Err(StepError::Length { needed: 8, given: 7 }));
        assert_eq!(model.predictor().unwrap().feed(7).err(), Some(StepError::IdOutOfRange { id: 7 }));
        assert_eq!(bits(&model), before);
    }
}

#[test]
fn learning_rates() {
    let mut model = model(Isa::detect());
    for rate in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, -0.1] {
        assert_eq!(Sgd::new(rate).err(), Some(StepError::LearningRate));
        let mut sgd = Sgd::new(0.1).unwrap();
        assert_eq!(sgd.set_learning_rate(rate), Err(StepError::LearningRate));
        assert_eq!(sgd.learning_rate(), 0.1);
        let before = bits(&model).0;
        assert_eq!(model.forward(&XS, &TS).unwrap().sgd(rate), Err(StepError::LearningRate));
        assert_eq!(bits(&model).0, before);
    }
}

#[test]
fn gradients_of_another_model() {
    // the second has other sizes and as many weights in all
    let same_total = Config { vocab_size: 5, wordvec_size: 7, hidden_size: 3, ..CONFIG };
    assert_eq!(same_total.memory().unwrap().weights, CONFIG.memory().unwrap().weights);
    for other in [Config { hidden_size: 5, ..CONFIG }, same_total] {
        let mut gradients = Gradients::new(other).unwrap();
        let mut model = model(Isa::detect());
        let before = bits(&model).0;
        assert_eq!(model.forward(&XS, &TS).unwrap().backward(&mut gradients), Err(StepError::OtherSizes));
        assert_eq!(Sgd::new(0.1).unwrap().update(&mut model, &gradients), Err(StepError::OtherSizes));
        assert_eq!(bits(&model).0, before);
    }
}

#[test]
fn a_bias_step_that_overflows_is_found_though_inputs_and_states_are_zero() {
    for isa in Isa::available() {
        let mut model = model(isa);
        model.reset_state();
        let weights = model.weights_mut();
        for (name, mut matrix) in weights.named() {
            // large output weights give the bias of the recurrence a large gradient, whatever the loss
            matrix.as_mut_slice().fill(0.0);
            if name == "affine.W" {
                matrix.as_mut_slice().iter_mut().step_by(3).for_each(|w| *w = 1e11);
            }
        }
        assert_eq!(step_both_ways(&mut model, 1e29), Err(StepError::NonFiniteUpdate));
    }
}

#[test]
fn a_hidden_state_that_is_not_finite_is_an_error_without_any_target() {
    let mut model = model(Isa::detect());
    model.set_state(&[f32::NAN; 8]).unwrap();
    assert_eq!(model.forward(&XS, &[IGNORE; 6]).err(), Some(StepError::NonFiniteLoss));
}

#[test]
fn a_prediction_that_is_not_finite_is_an_error_and_forgets() {
    let mut model = model(Isa::detect());
    model.weights_mut().embed_w.row_mut(3).unwrap()[0] = f32::NAN;
    let mut predictor = model.predictor().unwrap();
    let first = predictor.feed(1).unwrap().to_vec();
    assert_eq!(predictor.feed(3).err(), Some(StepError::NonFiniteLoss));
    assert_eq!(predictor.feed(1).unwrap(), first);
    assert_ne!(predictor.feed(1).unwrap(), first, "the state doesn't move");
    predictor.reset_state();
    assert_eq!(predictor.feed(1).unwrap(), first);
}

#[test]
fn corpora() {
    for (corpus, error) in [
        (&[][..], TrainError::Corpus(CorpusError::TooShort { needed: 7, given: 0 })),
        (&[1, 2, 3, 4, 5, 6], TrainError::Corpus(CorpusError::TooShort { needed: 7, given: 6 })),
        (&[1, 2, 3, 4, 5, 6, IGNORE], TrainError::Step(StepError::IdOutOfRange { id: IGNORE })),
        (&[1, 2, 3, 4, 5, 6, 7], TrainError::Step(StepError::IdOutOfRange { id: 7 })),
    ] {
        let model = model(Isa::detect());
        let before = bits(&model);
        let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.1).unwrap()).unwrap();
        assert_eq!(trainer.fit(corpus, 1, |_| ControlFlow::Continue(())), Err(error));
        assert_eq!((bits(trainer.model()), trainer.epoch(), trainer.perplexities().len()), (before, 0, 0));
        // as long as the callback likes
        assert_eq!(trainer.fit(&[1; 7], usize::MAX, |_| ControlFlow::Break(())), Ok(()));
    }
}

/// One step by both ways of updating must agree: the same verdict, the same bits, and no bit changed by an error.
/// Returns the verdict.
fn step_both_ways(model: &mut Model, rate: f32) -> Result<f32, StepError> {
    let before = bits(model);
    let mut stored = model.clone();
    let mut gradients = Gradients::new(CONFIG).unwrap();
    let in_place = model.forward(&XS, &TS).and_then(|window| window.sgd(rate));
    let through_gradients = stored.forward(&XS, &TS).and_then(|window| window.backward(&mut gradients));
    let through_gradients = through_gradients
        .and_then(|loss| Sgd::new(rate).and_then(|sgd| sgd.update(&mut stored, &gradients)).map(|()| loss));
    assert_eq!(in_place, through_gradients);
    if in_place.is_err() {
        assert_eq!(bits(model).0, before.0, "a failed step changed the weights");
        assert_eq!(bits(&stored).0, before.0, "a failed update changed the weights");
    } else {
        assert_eq!(any_nan(bits(model)), any_nan(bits(&stored)));
    }
    if in_place.is_err() {
        assert_eq!(bits(model).1, before.1, "a failed step changed the hidden state");
    }
    in_place
}

#[test]
fn values_that_are_not_finite_never_pass_in_silence() {
    let bad_values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e38, 1e20, f32::from_bits(1)];
    for isa in Isa::available() {
        let mut refused = 0;
        for tensor in 0..6 {
            for value in bad_values {
                // element 0 is used by the window; the last row of the embedding (word 6) is no input of it
                for last in [false, true] {
                    let mut model = model(isa);
                    let (name, mut matrix) = model.weights_mut().named().into_iter().nth(tensor).unwrap();
                    let slice = matrix.as_mut_slice();
                    let at = if last { slice.len() - 1 } else { 0 };
                    slice[at] = value;
                    let verdict = step_both_ways(&mut model, 0.1);
                    refused += usize::from(verdict.is_err());
                    let untouched = tensor == 0 && last;
                    if value.is_nan() && !untouched {
                        assert!(verdict.is_err(), "{name}: NaN passed");
                    }
                    if untouched {
                        assert!(verdict.is_ok(), "{name}: {value} in an unused row was refused: {verdict:?}");
                    }
                    if let Ok(loss) = verdict {
                        assert!(loss.is_finite());
                        let (now, inputs) = (model.weights_block(), 1);
                        let bad = now.iter().filter(|w| !w.is_finite()).count();
                        assert!(bad <= inputs, "{name} {value}: {bad} weights are not finite after a valid step");
                    }
                }
            }
        }
        assert!(refused > 10, "only {refused} refused");
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut model = model(isa);
            let mut state = [0.1; 8];
            state[3] = value;
            model.set_state(&state).unwrap();
            assert!(step_both_ways(&mut model, 0.1).is_err(), "state {value}");
        }
    }
}

#[test]
fn a_finite_loss_whose_update_overflows_is_an_error() {
    for isa in Isa::available() {
        let mut model = model(isa);
        // word vectors of zero keep tanh from saturating, and their gradient grows with Wx: the step overflows
        model.weights_mut().embed_w.as_mut_slice().fill(0.0);
        model.weights_mut().rnn_wx.as_mut_slice().fill(1e3);
        assert!(step_both_ways(&mut model.clone(), 0.1).is_ok());
        assert_eq!(step_both_ways(&mut model, 3e38), Err(StepError::NonFiniteUpdate));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn no_weights_make_the_two_updates_differ(
        patterns in prop::collection::vec((0_usize..88, any::<u32>()), 0..4),
        exponent in -40_i32..39,
    ) {
        for isa in Isa::available() {
            let mut model = model(isa);
            let mut weights = model.weights_block().to_vec();
            prop_assert_eq!(weights.len(), 88);
            for &(at, bits) in &patterns {
                weights[at] = f32::from_bits(bits);
            }
            let workspace = vec![0.0; CONFIG.memory().unwrap().workspace];
            model = SimpleRnnlm::with_buffers(CONFIG, weights, workspace).unwrap().with_isa(isa);
            let _ = step_both_ways(&mut model, 10_f32.powi(exponent).max(f32::MIN_POSITIVE));
        }
    }

    #[test]
    fn no_config_panics(sizes in prop::array::uniform5(prop_oneof![0_usize..70, any::<usize>()])) {
        let [vocab_size, wordvec_size, hidden_size, batch_size, time_size] = sizes;
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        if let Ok(memory) = config.memory() {
            prop_assert!(memory.bytes_with_gradients() <= isize::MAX as usize);
            if memory.bytes() < 1 << 24 {
                prop_assert!(SimpleRnnlm::new(config, &mut Xorshift::new(1)).is_ok());
            }
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[ a-c\\n\\r\\t]{0,60}", len in 0_usize..20) {
        let mut corpus = rnnlm::Corpus::from_text(&text).unwrap();
        let ids = corpus.ids().to_vec();
        let again = corpus.vocabulary().decode(&ids).unwrap();
        prop_assert_eq!(&corpus.vocabulary().encode(&again).unwrap().ids, &ids);
        corpus.truncate(len);
        prop_assert_eq!(corpus.ids(), &ids[..len.min(ids.len())]);
        let used = corpus.ids().iter().max().map_or(0, |&id| id as usize + 1);
        prop_assert_eq!(corpus.vocabulary().len(), used);
    }
}
