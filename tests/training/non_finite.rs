//! Promise: a loss or an update that isn't finite is an error before it changes the model, whatever the weights, the
//! state and the rate; what is no error is a valid step, and a perplexity is never silently 0 or NaN.

use std::ops::ControlFlow;

use crate::small::{CONFIG, Model, TS, XS, bits, model};
use proptest::prelude::*;
use rnnlm::{
    AlignedVec, Config, Gradients, IGNORE, Isa, OnlineLearner, ParameterError, RnnlmTrainer, Sgd, SimpleRnnlm,
    StepError, TokenScore, TrainError, Xorshift, perplexity,
};

/// The payload of a NaN is no promise: a weight that was NaN before may change it.
fn any_nan((weights, state): (Vec<u32>, Vec<u32>)) -> (Vec<u32>, Vec<u32>) {
    let same =
        |bits: Vec<u32>| bits.into_iter().map(|x| if f32::from_bits(x).is_nan() { u32::MAX } else { x }).collect();
    (same(weights), same(state))
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
fn one_word_vector_whose_step_overflows_is_found_whatever_its_place() {
    for isa in Isa::available() {
        for target in 0..6 {
            let mut model = model(isa);
            model.reset_state();
            // hidden states of zero, so that only the bias and, by far the most, word vectors have a gradient
            for (name, mut matrix) in model.weights_mut().named() {
                match name {
                    "embed.W" | "rnn.b" => matrix.as_mut_slice().fill(0.0),
                    "rnn.Wx" => matrix.as_mut_slice().fill(1e6),
                    _ => {}
                }
            }
            let mut ts = [IGNORE; 6];
            ts[target] = TS[target];
            let before = bits(&model);
            let refused = model.forward(&XS, &ts).unwrap().sgd(1e35);
            assert_eq!(refused, Err(StepError::NonFiniteUpdate), "{} {target}", isa.name());
            assert_eq!(bits(&model), before, "{} {target}", isa.name());
        }
    }
}

#[test]
fn a_step_that_overflows_only_summed_over_the_rows_is_found() {
    let config = Config { batch_size: 6, time_size: 1, ..CONFIG };
    for isa in Isa::available() {
        let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        // the largest bias, and a recurrence that takes it back: a state of zero and six gradients of -1e10
        model.set_state(&[1.0, 0.0, 0.0, 0.0].repeat(6)).unwrap();
        for (name, mut matrix) in model.weights_mut().named() {
            matrix.as_mut_slice().fill(0.0);
            match name {
                "rnn.b" => matrix.as_mut_slice()[0] = f32::MAX,
                "rnn.Wh" => matrix.as_mut_slice()[0] = f32::MIN,
                "affine.W" => matrix.as_mut_slice()[1] = 7e10,
                _ => {}
            }
        }
        let before = bits(&model);
        assert!(model.clone().forward(&[0; 6], &[1; 6]).unwrap().sgd(2e19).is_ok());
        let refused = model.forward(&[0; 6], &[1; 6]).unwrap().sgd(2e20);
        assert_eq!(refused, Err(StepError::NonFiniteUpdate), "{}", isa.name());
        assert_eq!(bits(&model), before, "{}", isa.name());
    }
}

#[test]
fn a_window_without_any_target_takes_no_step() {
    for isa in Isa::available() {
        let mut model = model(isa);
        model.weights_mut().affine_w.as_mut_slice()[0] = f32::INFINITY;
        let before = bits(&model).0;
        assert_eq!(model.forward(&XS, &[IGNORE; 6]).unwrap().sgd(0.1), Ok(0.0), "{}", isa.name());
        assert_eq!(bits(&model).0, before, "{}", isa.name());
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
    assert_eq!(predictor.feed(3).err(), Some(StepError::NonFinitePrediction));
    assert_eq!(predictor.feed(1).unwrap(), first);
    assert_ne!(predictor.feed(1).unwrap(), first, "the state doesn't move");
    predictor.reset_state();
    assert_eq!(predictor.feed(1).unwrap(), first);
}

/// Whatever the logits and the temperature, the probabilities are those of the distances between the logits.
#[test]
fn temperatures_that_make_logits_overflow() {
    let finite: [[f32; 7]; 6] = [
        [5.0, 7.0, -9.0, 7.0, 6.5, 0.0, -20.0],
        [-5.0, -7.0, -9.0, -5.0, -6.5, -8.0, -20.0],
        [3e38, 1e38, 0.0, -3e38, 3e38, -1e38, 1.0],
        [-3e38, -3.4e38, -3.2e38, -3e38, -3.1e38, -3.3e38, f32::MIN],
        [f32::MAX, f32::MIN, 0.0, f32::MAX, -1.0, 1.0, f32::MIN],
        [1e-3, 1.1e-3, 0.0, 1.1e-3, 1e-4, -1.0, 1e-9],
    ];
    for isa in Isa::available() {
        for logits in finite {
            let mut model = model(isa);
            // nothing but the output bias: the logits are its elements
            model.weights_mut().affine_w.as_mut_slice().fill(0.0);
            model.weights_mut().affine_b.as_mut_slice().copy_from_slice(&logits);
            for temperature in [3e-39, 1.2e-38, 1e-37, 1e-30, 1e-20, 1e-4, 0.01, 0.5, 0.999, 1.5, 1e4, 1e38] {
                let what = format!("{} {logits:?} {temperature:e}", isa.name());
                let mut predictor = model.predictor().unwrap().with_isa(isa).with_temperature(temperature).unwrap();
                let ours = predictor.feed(1).expect(&what).to_vec();
                let max = f64::from(logits.iter().copied().fold(f32::MIN, f32::max));
                let powers = logits.map(|x| ((f64::from(x) - max) / f64::from(temperature)).exp());
                let sum: f64 = powers.iter().sum();
                for (ours, power) in ours.iter().zip(powers) {
                    // the scaled logits are rounded, each to 24 bits
                    let lost = (max.abs() / f64::from(temperature) * 2_f64.powi(-22)).min(1.0);
                    let is_near = (f64::from(*ours) - power / sum).abs() <= 1e-6 + lost;
                    assert!(is_near && *ours >= 0.0, "{what}: {ours} {}", power / sum);
                }
                assert!((ours.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{what}: {ours:?}");
                let best = ours.iter().copied().fold(0.0, f32::max);
                for (p, x) in ours.iter().zip(logits) {
                    assert!(f64::from(x) < max || *p == best, "{what}: {ours:?}");
                }
            }
            // what is no number is found all the same
            for bad in [f32::NAN, f32::INFINITY] {
                let mut model = model.clone();
                model.weights_mut().affine_b.as_mut_slice()[2] = bad;
                for temperature in [1.2e-38, 0.5, 1.0] {
                    let mut predictor = model.predictor().unwrap().with_isa(isa).with_temperature(temperature).unwrap();
                    assert_eq!(predictor.feed(1).err(), Some(StepError::NonFinitePrediction), "{bad} {temperature}");
                }
            }
        }
    }
}

#[test]
fn gradients_without_a_finite_norm_are_not_clipped() {
    // the last of them are finite, and their norm is not
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        let len = CONFIG.memory().unwrap().weights;
        let mut gradients = Gradients::with_buffers(CONFIG, vec![bad; len]).unwrap();
        assert_eq!(gradients.clip(1.0), Err(StepError::NonFiniteUpdate));
        for (name, matrix) in gradients.parameters().named() {
            assert!(matrix.as_slice().iter().all(|g| g.to_bits() == bad.to_bits()), "{name} {bad}");
        }
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
    let through_gradients =
        through_gradients.and_then(|loss| Sgd::new(rate)?.update(&mut stored, &gradients).map(|()| loss));
    assert_eq!(in_place, through_gradients);
    if in_place.is_err() {
        assert_eq!(bits(model).0, before.0, "a failed step changed the weights");
        assert_eq!(bits(&stored), before, "a failed update changed the model");
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
        with_one_weight(isa, &bad_values, |Replaced { name, value, is_read }, mut model| {
            let verdict = step_both_ways(&mut model, 0.1);
            refused += usize::from(verdict.is_err());
            if value.is_nan() && is_read {
                assert!(verdict.is_err(), "{name}: NaN passed");
            }
            if !is_read {
                assert!(verdict.is_ok(), "{name}: {value} in an unused row was refused: {verdict:?}");
            }
            if let Ok(loss) = verdict {
                assert!(loss.is_finite());
                // the one that was replaced
                let bad = bad_weights(&model);
                assert!(bad <= 1, "{name} {value}: {bad} weights are not finite after a valid step");
            }
        });
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

/// NaN, infinities, the smallest and largest subnormals, the smallest normal, and magnitudes whose products overflow.
const EXTREMES: [f32; 14] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::from_bits(1),
    f32::from_bits(0x8000_0001),
    f32::from_bits(0x007f_ffff),
    f32::MIN_POSITIVE,
    -0.0,
    1e19,
    -1e19,
    1e38,
    -1e38,
    f32::MAX,
    f32::MIN,
];

/// Too small to matter: whatever is done with such a value must succeed.
fn is_tame(x: f32) -> bool {
    x.abs() <= f32::MIN_POSITIVE
}

/// One weight that is replaced.
struct Replaced {
    name: &'static str,
    value: f32,
    /// Word 0 and the target 6 are read, word 6 is not: it is the last row of the embedding.
    is_read: bool,
}

/// The first and the last weight of every tensor, replaced by each of these values.
fn with_one_weight(isa: Isa, values: &[f32], mut check: impl FnMut(Replaced, Model)) {
    for tensor in 0..6 {
        for &value in values {
            for last in [false, true] {
                let mut model = model(isa);
                let (name, mut matrix) = model.weights_mut().named().into_iter().nth(tensor).unwrap();
                let slice = matrix.as_mut_slice();
                let at = if last { slice.len() - 1 } else { 0 };
                slice[at] = value;
                check(Replaced { name, value, is_read: !(tensor == 0 && last) }, model);
            }
        }
    }
}

fn with_one_extreme_weight(mut check: impl FnMut(&str, f32, Model)) {
    for isa in Isa::available() {
        with_one_weight(isa, &EXTREMES, |Replaced { name, value, is_read }, model| {
            let place = if is_read { "" } else { ", not read" };
            check(&format!("{} {name} = {value:e}{place}", isa.name()), value, model);
        });
    }
}

/// The number of weights that are not finite.
fn bad_weights(model: &Model) -> usize {
    model.weights_block().iter().filter(|w| !w.is_finite()).count()
}

/// A perplexity is at least 1; infinite where the mean loss is beyond 88.7.
fn is_a_perplexity(perplexity: f32) -> bool {
    perplexity >= 1.0
}

/// One step of a trainer over 7 tokens, clipped or not: all of it, or none.
fn check_trainer(what: &str, value: f32, model: Model, rate: f32, max_norm: Option<f32>) -> Result<(), TrainError> {
    let before = (bits(&model), bad_weights(&model));
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(rate).unwrap()).unwrap();
    if let Some(max_norm) = max_norm {
        trainer = trainer.with_clipping(max_norm, Gradients::new(CONFIG).unwrap()).unwrap();
    }
    let result = trainer.fit(&[0, 1, 2, 3, 4, 5, 6], 1, |progress| {
        assert!(is_a_perplexity(progress.perplexity()) && is_a_perplexity(progress.recent_perplexity()), "{what}");
        ControlFlow::<()>::Continue(())
    });
    match result {
        Ok(_) => {
            assert_eq!(bad_weights(trainer.model()), before.1, "{what}");
            assert!(is_a_perplexity(trainer.perplexities()[0]), "{what}");
        }
        Err(error) => {
            assert!(matches!(error, TrainError::Step(StepError::NonFiniteLoss | StepError::NonFiniteUpdate)), "{what}");
            assert_eq!(bits(trainer.model()), before.0, "{what}: a failed step changed the model");
            assert_eq!((trainer.epoch(), trainer.position(), trainer.perplexities().len()), (0, 0, 0), "{what}");
            assert!(!is_tame(value), "{what}: {error}");
        }
    }
    result.map(|_| ())
}

#[test]
fn extreme_weights_in_training() {
    let (mut refused, mut passed) = (0, 0);
    let paths = Isa::available().count();
    with_one_extreme_weight(|what, value, model| {
        let in_place = step_both_ways(&mut model.clone(), 0.1);
        let plain = check_trainer(what, value, model.clone(), 0.1, None);
        let unclipped = check_trainer(what, value, model.clone(), 0.1, Some(f32::INFINITY));
        let clipped = check_trainer(what, value, model, 0.1, Some(0.25));
        // the trainer takes the window's word for it
        assert_eq!(plain.is_ok(), in_place.is_ok(), "{what}");
        // clipping needs a norm, so it refuses more, never less
        assert!(plain.is_ok() || (unclipped.is_err() && clipped.is_err()), "{what}");
        refused += usize::from(clipped.is_err());
        passed += usize::from(clipped.is_ok());
    });
    assert!(refused > 15 * paths && passed > 30 * paths, "{refused} refused, {passed} passed");
}

#[test]
fn extreme_weights_in_evaluation_and_scores() {
    let mut refused = 0;
    let paths = Isa::available().count();
    with_one_extreme_weight(|what, value, mut model| {
        let before = bits(&model);
        let mut shown = 0;
        let loss = model.score(&[0, 1, 2, 3, 4, 5, 6], |score| {
            assert!(score.loss.is_finite() && score.loss >= 0.0 && (1..=7).contains(&score.rank), "{what}: {score:?}");
            assert!((0.0..=1.0).contains(&score.probability()), "{what}: {score:?}");
            shown += 1;
        });
        match loss {
            Ok(loss) => assert!(is_a_perplexity(perplexity(loss)) && shown == 6, "{what}: {loss}"),
            Err(error) => assert!(error == StepError::NonFiniteLoss && !is_tame(value), "{what}: {error}"),
        }
        assert_eq!(model.evaluate(&[0, 1, 2, 3, 4, 5, 6]).map(f32::to_bits), loss.map(f32::to_bits), "{what}");
        assert_eq!(bits(&model), before, "{what}: scoring changed the model");
        refused += usize::from(loss.is_err());
    });
    assert!(refused > 15 * paths, "{refused} refused");
}

#[test]
fn extreme_weights_in_prediction() {
    let mut refused = 0;
    let paths = Isa::available().count();
    with_one_extreme_weight(|what, value, model| {
        for temperature in [0.01, 1.0, 100.0] {
            let mut predictor = model.predictor().unwrap().with_isa(model.isa()).with_temperature(temperature).unwrap();
            for id in [0, 1, 5, 0] {
                match predictor.feed(id) {
                    Ok(probabilities) => {
                        let sum: f32 = probabilities.iter().sum();
                        assert!((sum - 1.0).abs() < 1e-5, "{what}: {probabilities:?}");
                        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{what}: {probabilities:?}");
                    }
                    Err(error) => {
                        assert!(error == StepError::NonFinitePrediction && !is_tame(value), "{what}: {error}");
                        assert_eq!((predictor.state(), predictor.probabilities()), (&[0.0; 4][..], &[0.0; 7][..]));
                        refused += 1;
                    }
                }
            }
        }
    });
    assert!(refused > 50 * paths, "{refused} refused");
}

fn with_weights(config: Config, isa: Isa, weights: &[f32]) -> Model {
    let memory = config.memory().unwrap();
    let mut own = AlignedVec::zeroed(memory.weights).unwrap();
    own.as_mut().copy_from_slice(weights);
    let workspace = AlignedVec::zeroed(memory.workspace).unwrap();
    SimpleRnnlm::with_buffers(config, own, workspace).unwrap().with_isa(isa)
}

#[test]
fn extreme_weights_in_online_learning() {
    let one_row = Config { batch_size: 1, ..CONFIG };
    let (mut refused, mut steps) = (0, 0);
    let paths = Isa::available().count();
    with_one_extreme_weight(|what, value, model| {
        let model = with_weights(one_row, model.isa(), model.weights_block());
        let (bad, mut last) = (bad_weights(&model), bits(&model).0);
        let mut learner = OnlineLearner::new(model, 0.1).unwrap();
        for id in [0, 1, 2, 3, 4, 5, 0, 1, 2, 3] {
            let result = learner.observe(id);
            let now = bits(learner.model()).0;
            match result {
                Ok(score) => {
                    let good = |score: TokenScore| score.loss >= 0.0 && (1..=7).contains(&score.rank);
                    assert!(score.is_none_or(good), "{what}: {score:?}");
                    steps += usize::from(now != last);
                }
                Err(error) => {
                    assert!(!is_tame(value), "{what}: {error}");
                    // a prediction may fail behind a step that did not, if it reads what the step didn't
                    let is_step = error == StepError::NonFiniteUpdate;
                    assert!(!is_step || now == last, "{what}: a failed step changed the weights");
                    assert!(learner.model().state() == [0.0; 4] && learner.probabilities() == [0.0; 7], "{what}");
                    refused += 1;
                }
            }
            assert_eq!(bad_weights(learner.model()), bad, "{what}");
            last = now;
        }
    });
    assert!(refused > 50 * paths && steps > 50 * paths, "{refused} refused, {steps} steps");
}

#[test]
fn extreme_hidden_states() {
    for isa in Isa::available() {
        for value in EXTREMES {
            for at in [0, 3, 7] {
                let what = format!("{} state[{at}] = {value:e}", isa.name());
                let mut model = model(isa);
                let mut state = [0.1; 8];
                state[at] = value;
                model.set_state(&state).unwrap();
                let verdict = step_both_ways(&mut model.clone(), 0.1);
                assert!(verdict.is_ok() || !is_tame(value), "{what}: {verdict:?}");
                assert!(verdict.is_err() || !value.is_nan(), "{what}: NaN passed");
                let plain = check_trainer(&what, value, model.clone(), 0.1, None);
                assert_eq!(plain.is_ok(), verdict.is_ok(), "{what}");
                let _ = check_trainer(&what, value, model.clone(), 0.1, Some(0.25));
                // evaluation starts from zero, whatever the state
                assert!(model.evaluate(&[0, 1, 2]).is_ok(), "{what}");
                let mut predictor = model.predictor().unwrap().with_isa(isa);
                predictor.set_state(&state[..4]).unwrap();
                let fed = predictor.feed(0).map(|p| p.iter().all(|p| (0.0..=1.0).contains(p)));
                assert!(fed == Ok(true) || fed == Err(StepError::NonFinitePrediction), "{what}: {fed:?}");
                assert!(fed.is_ok() || (!is_tame(value) && at < 4), "{what}: {fed:?}");
            }
        }
    }
}

#[test]
fn extreme_learning_rates_and_norms() {
    for isa in Isa::available() {
        for rate in [f32::from_bits(1), f32::from_bits(0x007f_ffff), f32::MIN_POSITIVE, 1e19, 1e38, f32::MAX] {
            let what = format!("{} rate {rate:e}", isa.name());
            let verdict = step_both_ways(&mut model(isa), rate);
            assert!(verdict.is_ok() || !is_tame(rate), "{what}: {verdict:?}");
            assert_eq!(check_trainer(&what, rate, model(isa), rate, None).is_ok(), verdict.is_ok(), "{what}");
            for max_norm in [f32::from_bits(1), 1e-30, 0.25, f32::MAX] {
                // a step of tame length can't overflow: |rate * gradient| is at most rate * largest norm
                let clipped = check_trainer(&what, rate, model(isa), rate, Some(max_norm));
                assert!(clipped.is_ok() || rate * max_norm > 1e30, "{what} norm {max_norm:e}: {clipped:?}");
            }
        }
        for max_norm in [0.0, -0.0, -1.0, f32::NAN, f32::NEG_INFINITY] {
            let trainer = RnnlmTrainer::new(model(isa), Sgd::new(0.1).unwrap()).unwrap();
            let clipping = trainer.with_clipping(max_norm, Gradients::new(CONFIG).unwrap());
            assert_eq!(clipping.err(), Some(ParameterError::MaxNorm.into()), "{max_norm}");
        }
    }
}

#[test]
fn a_perplexity_is_never_zero_or_nan() {
    // a target that is as good as impossible: each step's loss is finite, the sum of a few of them is not
    let mut model = model(Isa::detect());
    for (name, mut matrix) in model.weights_mut().named() {
        matrix.as_mut_slice().fill(0.0);
        if name == "affine.b" {
            matrix.as_mut_slice()[0] = 5e37;
        }
    }
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(1e-3).unwrap()).unwrap().with_eval_interval(1);
    let (mut steps, corpus) = (0, [1; 61]);
    trainer
        .fit(&corpus, 1, |progress| {
            steps += 1;
            assert_eq!(
                (progress.perplexity(), progress.recent_perplexity()),
                (f32::INFINITY, f32::INFINITY),
                "{steps}"
            );
            ControlFlow::<()>::Continue(())
        })
        .unwrap();
    assert_eq!((steps, trainer.perplexities()), (10, &[f32::INFINITY][..]));

    // nor one of losses that were none
    let good = trainer.training_state();
    for losses in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [-1e30, 0.0], [1.0, -1e30], [3e38, 3e38]] {
        let bad = rnnlm::TrainingState { losses, iteration: 1, learning_rate: 0.5, ..good };
        assert_eq!(trainer.resume(&bad), Err(ParameterError::TrainingState), "{losses:?}");
        assert_eq!(trainer.training_state(), good, "{losses:?}");
    }
    assert_eq!((perplexity(0.0), perplexity(89.0)), (1.0, f32::INFINITY));
    assert!(perplexity(f32::NAN).is_nan(), "what is no number stays none");
}
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn no_weights_make_the_two_updates_differ(
        patterns in prop::collection::vec((0_usize..88, any::<u32>()), 0..4),
        exponent in -40_i32..39,
    ) {
        for isa in Isa::available() {
            let mut weights = model(isa).weights_block().to_vec();
            prop_assert_eq!(weights.len(), 88);
            for &(at, bits) in &patterns {
                weights[at] = f32::from_bits(bits);
            }
            let rate = 10_f32.powi(exponent).max(f32::MIN_POSITIVE);
            let _ = step_both_ways(&mut with_weights(CONFIG, isa, &weights), rate);
        }
    }
}
