//! The LSTM: the same bits and bytes on every target, as those of the tanh cell in `main.rs`.

use rnnlm::{Checkpoint, Config, Isa, LstmCell, OnlineLearner, Predictor, Rnnlm, Xorshift, sigmoid};

use super::{TINY, bytes_of, floats, hash, tokens, trained};

#[test]
fn training_has_its_golden_hash() {
    for isa in Isa::available() {
        for (max_norm, golden) in [(None, IN_PLACE), (Some(0.25), CLIPPED)] {
            let (model, _) = trained::<LstmCell>(isa, max_norm);
            let found = hash(bytes_of(model.weights_block().iter().chain(model.state())));
            assert_eq!(found, golden, "{} {max_norm:?}", isa.name());
        }
    }
}

#[test]
fn a_checkpoint_has_its_golden_bytes_and_comes_back_from_them() {
    let (model, state) = trained::<LstmCell>(Isa::detect(), Some(0.25));
    let len = Checkpoint::<LstmCell>::encoded_len_as(TINY, 0).unwrap();
    // one of four addresses is aligned
    let mut memory = vec![0_u8; len + 3];
    for shift in 0..4 {
        let file = &mut memory[shift..shift + len];
        assert_eq!(Checkpoint::write(&model, &state, "", file), Ok(len));
        assert_eq!(hash(file.iter().copied()), FILE);
        let checkpoint = Checkpoint::<LstmCell>::read_as(file).unwrap();
        assert_eq!((checkpoint.config(), checkpoint.training()), (TINY, Some(state)));
        let mut other = Rnnlm::new(TINY, &mut Xorshift::new(9)).unwrap();
        checkpoint.load(&mut other).unwrap();
        assert_eq!((other.weights_block(), other.state()), (model.weights_block(), model.state()));

        let aligned = file.as_ptr().addr().is_multiple_of(4);
        let in_place = checkpoint.weights();
        assert_eq!(in_place.is_some(), aligned && cfg!(target_endian = "little"));
        if let Some(weights) = in_place {
            assert_eq!(weights, model.weights());
            let mut predictor = Predictor::new(weights).unwrap();
            assert_eq!(predictor.feed(3).unwrap(), model.predictor().unwrap().feed(3).unwrap());
        }
    }
}

#[test]
fn scores_and_predictions_have_their_golden_hash() {
    for isa in Isa::available() {
        let (mut model, _) = trained::<LstmCell>(isa, None);
        let mut seen = Vec::new();
        // longer than a window, so it is read in pieces
        let loss = model.score(&tokens(15), |score| seen.extend(score.loss.to_bits().to_le_bytes()));
        seen.extend(loss.unwrap().to_bits().to_le_bytes());

        let memory = vec![0.0; TINY.memory_of::<LstmCell>().unwrap().prediction];
        let mut predictor = Predictor::with_buffers(model.weights(), memory).unwrap().with_isa(isa);
        for id in tokens(5) {
            seen.extend(bytes_of(predictor.feed(id).unwrap()));
        }
        seen.extend(bytes_of(predictor.state()));

        let config = Config { batch_size: 1, ..TINY };
        let mut learner = OnlineLearner::new(super::model::<LstmCell>(config, isa), 0.5).unwrap();
        let mut sliced = OnlineLearner::new(super::model::<LstmCell>(config, isa), 0.5).unwrap();
        for id in tokens(8) {
            let score = learner.observe(id).unwrap();
            seen.extend(score.map_or(0, |score| score.loss.to_bits()).to_le_bytes());
            assert_eq!(sliced.read(id), Ok(score));
            sliced.learn().unwrap();
        }
        assert_eq!(sliced.model().weights_block(), learner.model().weights_block(), "in slices, {isa}");
        seen.extend(bytes_of(learner.model().weights_block()));
        assert_eq!(hash(seen), SCORES, "{}", isa.name());
    }
}

/// Bits and nothing beyond the ends, at every number of lanes that a tail can have.
#[test]
fn sigmoid_of_every_length_has_its_golden_hash() {
    for isa in Isa::available() {
        let (mut rng, mut seen) = (Xorshift::new(2), Vec::new());
        for len in (0..=17).chain([31, 32, 33]) {
            let mut xs = floats(&mut rng, len).into_boxed_slice();
            sigmoid(isa, &mut xs);
            seen.extend(bytes_of(&*xs));
        }
        assert_eq!(hash(seen), SIGMOID, "{}", isa.name());
    }
}

const IN_PLACE: &str = "e09e816b7e874c4f";
const CLIPPED: &str = "da3b5248fa25e186";
const FILE: &str = "c70fced75c0dcb23";
const SCORES: &str = "06ba355e4b7121c0";
const SIGMOID: &str = "d67f55a813ab4186";
