//! Promise: a step that fails changes nothing, neither weights nor hidden state, at whatever point it fails, and
//! whether the model is stateful or not; what comes after it is as if it had never been.

use std::ops::ControlFlow;

use crate::small::{CONFIG, Model, TS, XS, bits};
use rnnlm::{Config, Gradients, Isa, ParameterError, RnnlmTrainer, Sgd, SimpleRnnlm, StepError, TrainError, Xorshift};

/// Every path, whether stateful or not, with one row and with two, each with a hidden state that is not zero.
fn models() -> impl Iterator<Item = (String, Model)> {
    Isa::available().flat_map(|isa| {
        [(1, true), (1, false), (2, true), (2, false)].map(|(batch_size, stateful)| {
            let config = Config { batch_size, time_size: 6 / batch_size, ..CONFIG };
            let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa);
            // tame at ordinary rates, and steps that overflow at the largest
            model.weights_mut().embed_w.as_mut_slice().fill(0.0);
            model.weights_mut().rnn_wx.as_mut_slice().fill(1e3);
            let state: Vec<f32> = (1..=4 * batch_size).map(|i| i as f32 / 16.0).collect();
            model.set_state(&state).unwrap();
            (format!("{} N = {batch_size} stateful {stateful}", isa.name()), model.with_stateful(stateful))
        })
    })
}

/// A rate at which the update of [`models`] is not finite.
const VAST: f32 = f32::MAX;

/// The loss of two good steps, and the model behind them.
fn two_steps(model: &mut Model) -> ([f32; 2], (Vec<u32>, Vec<u32>)) {
    let losses = [0; 2].map(|_| model.forward(&XS, &TS).unwrap().sgd(0.1).unwrap());
    (losses, bits(model))
}

/// Nothing changed, and the steps to come are those of a model that never failed.
fn assert_unchanged(what: &str, before: &Model, mut after: Model) {
    assert_eq!(bits(before), bits(&after), "{what}");
    assert_eq!(two_steps(&mut before.clone()), two_steps(&mut after), "{what}");
}

#[test]
fn forward() {
    for (what, model) in models() {
        let mut failed = model.clone();
        assert!(failed.forward(&XS, &TS[1..]).is_err());
        assert_unchanged(&what, &model, failed.clone());
        assert!(failed.forward(&XS, &[7; 6]).is_err());
        assert_unchanged(&what, &model, failed.clone());
        // a loss that is not finite, then a hidden state
        for (matrix, bad) in [(5, f32::MAX), (5, f32::NAN), (3, f32::NAN)] {
            let place = |model: &mut Model, value| {
                let (_, mut matrix) = model.weights_mut().named().into_iter().nth(matrix).unwrap();
                std::mem::replace(&mut matrix.as_mut_slice()[0], value)
            };
            let good = place(&mut failed, bad);
            let ts = if matrix == 5 { TS } else { [rnnlm::IGNORE; 6] };
            if bad == f32::MAX {
                failed.weights_mut().affine_b.as_mut_slice()[1] = f32::MIN;
            }
            assert_eq!(failed.forward(&XS, &ts).err(), Some(StepError::NonFiniteLoss), "{what} {matrix} {bad}");
            place(&mut failed, good);
            failed.weights_mut().affine_b.as_mut_slice()[1] = 0.0;
            assert_unchanged(&what, &model, failed.clone());
        }
    }
}

#[test]
fn update_in_place() {
    for (what, model) in models() {
        for (rate, error) in [
            (f32::NAN, ParameterError::LearningRate.into()),
            (0.0, ParameterError::LearningRate.into()),
            (f32::INFINITY, ParameterError::LearningRate.into()),
            (VAST, StepError::NonFiniteUpdate),
        ] {
            let mut failed = model.clone();
            assert_eq!(failed.forward(&XS, &TS).unwrap().sgd(rate), Err(error), "{what}");
            assert_unchanged(&format!("{what} rate {rate}"), &model, failed);
        }
    }
}

#[test]
fn backward_and_update() {
    for (what, model) in models() {
        let mut gradients = Gradients::new(model.config()).unwrap();
        let other = Config { hidden_size: 5, ..CONFIG };
        let mut others = Gradients::new(other).unwrap();

        let mut failed = model.clone();
        assert_eq!(failed.forward(&XS, &TS).unwrap().backward(&mut others), Err(StepError::OtherSizes));
        assert_unchanged(&format!("{what} backward"), &model, failed);

        for (rate, gradients_given, error) in
            [(VAST, &mut gradients, StepError::NonFiniteUpdate), (0.1, &mut others, StepError::OtherSizes)]
        {
            let mut failed = model.clone();
            let mut own = Gradients::new(model.config()).unwrap();
            failed.forward(&XS, &TS).unwrap().backward(&mut own).unwrap();
            if gradients_given.parameters().rnn_b.cols() == 4 {
                *gradients_given = own;
            }
            let sgd = Sgd::new(rate).unwrap();
            for _ in 0..2 {
                assert_eq!(sgd.update(&mut failed, gradients_given), Err(error), "{what}");
                assert_unchanged(&format!("{what} {error}"), &model, failed.clone());
            }
        }
    }
}

#[test]
fn an_update_that_succeeds_after_all_is_the_step() {
    for (what, model) in models() {
        let mut gradients = Gradients::new(model.config()).unwrap();
        let (mut tried, mut plain) = (model.clone(), model);
        plain.forward(&XS, &TS).unwrap().sgd(0.1).unwrap();
        tried.forward(&XS, &TS).unwrap().backward(&mut gradients).unwrap();
        assert!(Sgd::new(VAST).unwrap().update(&mut tried, &gradients).is_err());
        Sgd::new(0.1).unwrap().update(&mut tried, &gradients).unwrap();
        assert_unchanged(&what, &plain, tried.clone());
        // it is over: a failure now has no window to take back
        assert!(Sgd::new(VAST).unwrap().update(&mut tried, &gradients).is_err());
        assert_unchanged(&what, &plain, tried);
    }
}

#[test]
fn an_update_moves_no_state_that_was_set_or_moved_on_since() {
    type Use = fn(&mut Model);
    let uses: [(&str, Use); 5] = [
        ("set", |model| model.set_state(&model.state().iter().map(|h| h / 2.0).collect::<Vec<_>>()).unwrap()),
        ("reset", |model| model.reset_state()),
        ("initialize", |model| model.initialize(&mut Xorshift::new(1))),
        ("score", |model| assert!(model.evaluate(&XS).is_ok())),
        ("forward", |model| assert!(model.forward(&TS, &XS).is_ok())),
    ];
    for (what, model) in models() {
        let mut gradients = Gradients::new(model.config()).unwrap();
        for (name, used) in uses {
            let mut model = model.clone();
            model.forward(&XS, &TS).unwrap().backward(&mut gradients).unwrap();
            used(&mut model);
            let state = model.state().to_vec();
            assert!(Sgd::new(VAST).unwrap().update(&mut model, &gradients).is_err());
            assert_eq!(model.state(), state, "{what} {name}: refused");
            Sgd::new(0.1).unwrap().update(&mut model, &gradients).unwrap();
            assert_eq!(model.state(), state, "{what} {name}: done");
        }
    }
}

#[test]
fn a_trainer() {
    // refused by the update, in place and stored, and by clipping, as the norm is not finite
    for (what, model) in models() {
        for (rate, max_norm) in [(VAST, None), (VAST, Some(f32::INFINITY)), (0.1, Some(1.0))] {
            let mut model = model.clone();
            if rate < VAST {
                model.weights_mut().rnn_wx.as_mut_slice().fill(f32::MAX);
                model.weights_mut().affine_w.as_mut_slice().iter_mut().step_by(3).for_each(|w| *w = 1e3);
            }
            let mut trainer = RnnlmTrainer::new(model.clone(), Sgd::new(rate).unwrap()).unwrap();
            if let Some(max_norm) = max_norm {
                trainer = trainer.with_clipping(max_norm, Gradients::new(model.config()).unwrap()).unwrap();
            }
            let result = trainer.fit(&[0, 1, 2, 3, 4, 5, 6], 1, |_| ControlFlow::<()>::Continue(()));
            assert_eq!(result, Err(TrainError::Step(StepError::NonFiniteUpdate)), "{what} {rate} {max_norm:?}");
            assert_eq!((trainer.epoch(), trainer.position()), (0, 0));
            assert_eq!(bits(trainer.model()), bits(&model), "{what} {rate} {max_norm:?}");
        }
    }
}

/// What is no failure moves the state on, and zeros stand before every window of a model that is not stateful.
#[test]
fn steps_that_succeed() {
    for (what, model) in models() {
        let mut from_zero = model.clone().with_stateful(true);
        if !model.is_stateful() {
            from_zero.reset_state();
        }
        let (mut dropped, mut in_place, mut stored) = (model.clone(), model.clone(), model.clone());
        let loss = from_zero.forward(&XS, &TS).unwrap().loss();
        assert_eq!(dropped.forward(&XS, &TS).unwrap().loss(), loss, "{what}");
        assert_eq!(bits(&dropped), bits(&from_zero), "{what}: a window that is dropped");
        assert_ne!(dropped.state(), model.state(), "{what}");

        let mut expected = if model.is_stateful() { model.clone() } else { model.clone().with_stateful(true) };
        if !model.is_stateful() {
            expected.reset_state();
        }
        expected.forward(&XS, &TS).unwrap().sgd(0.1).unwrap();
        in_place.forward(&XS, &TS).unwrap().sgd(0.1).unwrap();
        assert_eq!(bits(&in_place), bits(&expected), "{what}: in place");
        let mut gradients = Gradients::new(model.config()).unwrap();
        stored.forward(&XS, &TS).unwrap().backward(&mut gradients).unwrap();
        assert_eq!(stored.state(), expected.state(), "{what}: behind the backward pass");
        Sgd::new(0.1).unwrap().update(&mut stored, &gradients).unwrap();
        assert_eq!(bits(&stored), bits(&expected), "{what}: stored");
    }
}
