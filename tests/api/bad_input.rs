//! Promise: bad input is an error, never a panic and never a changed model: sizes, lengths, ids, rates, texts.

use std::ops::ControlFlow;

use crate::small::{CONFIG, TS, XS, bits, model};
use proptest::prelude::*;
use rnnlm::{
    Batches, Config, ConfigError, CorpusError, DecayOnPlateau, Form, Gradients, IGNORE, Isa, Matmul, Matrix,
    OnlineLearner, ParameterError, Parameters, Predictor, RnnlmTrainer, Sgd, SimpleRnnlm, Start, StepError, TrainError,
    TrainingState, Xorshift, matmul_scratch,
};

#[test]
fn sizes() {
    let new = |config| SimpleRnnlm::new(config, &mut Xorshift::new(1)).err();
    assert_eq!(new(Config { hidden_size: 0, ..CONFIG }), Some(ConfigError::ZeroSize));
    assert_eq!(new(Config { vocab_size: 0, ..CONFIG }), Some(ConfigError::ZeroSize));
    assert_eq!(new(Config { hidden_size: usize::MAX / 2, ..CONFIG }), Some(ConfigError::TooLarge));
    let vast = Config { wordvec_size: isize::MAX as usize / 256, ..CONFIG };
    assert!(vast.memory().is_ok());
    // addressable, but no allocator has it; one of 32 bits might
    if cfg!(target_pointer_width = "64") {
        assert_eq!(new(vast), Some(ConfigError::OutOfMemory));
        assert_eq!(Gradients::new(vast).err(), Some(ConfigError::OutOfMemory));
    }
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
    assert_eq!(Gradients::with_buffers(CONFIG, vec![0.0; given]).err(), Some(error));
    let model = model(Isa::detect());
    let error = ConfigError::BufferLength { needed: 11, given: 10 };
    assert_eq!(Predictor::with_buffers(model.weights(), vec![0.0; 10]).err(), Some(error));
    let error = ConfigError::BufferLength { needed: 12, given: 11 };
    assert_eq!(RnnlmTrainer::with_buffers(model, Sgd::new(0.1).unwrap(), vec![0; 11]).err(), Some(error));
}

#[test]
fn blocks_of_weights() {
    let needed = CONFIG.memory().unwrap().weights;
    for given in [0, 1, needed - 1, needed + 1] {
        let block = vec![0.0; given];
        assert_eq!(Parameters::from_block(CONFIG, &block).err(), Some(ConfigError::BufferLength { needed, given }));
    }
    for (config, error) in [
        (Config { hidden_size: 0, ..CONFIG }, ConfigError::ZeroSize),
        (Config { hidden_size: usize::MAX / 2, ..CONFIG }, ConfigError::TooLarge),
    ] {
        assert_eq!(Parameters::from_block(config, &[]).err(), Some(error));
    }
    let model = model(Isa::detect());
    assert_eq!(Parameters::from_block(CONFIG, model.weights_block()), Ok(model.weights()));
}

#[test]
fn buffers_that_are_too_long() {
    let model = model(Isa::detect());
    let error = ConfigError::BufferLength { needed: 11, given: 12 };
    assert_eq!(Predictor::with_buffers(model.weights(), vec![0.0; 12]).err(), Some(error));
    let error = ConfigError::BufferLength { needed: 12, given: 13 };
    assert_eq!(RnnlmTrainer::with_buffers(model, Sgd::new(0.1).unwrap(), vec![0; 13]).err(), Some(error));
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
        assert_eq!(Sgd::new(rate).err(), Some(ParameterError::LearningRate));
        let mut sgd = Sgd::new(0.1).unwrap();
        assert_eq!(sgd.set_learning_rate(rate), Err(ParameterError::LearningRate));
        assert_eq!(sgd.learning_rate(), 0.1);
        let before = bits(&model);
        assert_eq!(model.forward(&XS, &TS).unwrap().sgd(rate), Err(ParameterError::LearningRate.into()));
        assert_eq!(bits(&model), before);
    }
}

#[test]
fn temperatures() {
    let model = model(Isa::detect());
    // the last has no finite inverse
    for temperature in [-f32::from_bits(1), -1.0, f32::NAN, f32::INFINITY, f32::from_bits(1)] {
        let refused = model.predictor().unwrap().with_temperature(temperature);
        assert_eq!(refused.err(), Some(ParameterError::Temperature), "{temperature:e}");
    }
}

#[test]
fn states_of_a_predictor() {
    let model = model(Isa::detect());
    let mut predictor = model.predictor().unwrap();
    for given in [0, 3, 5, 11] {
        let refused = predictor.set_state(&[0.5; 11][..given]);
        assert_eq!(refused, Err(StepError::Length { needed: 4, given }));
        assert_eq!(predictor.state(), [0.0; 4]);
    }
}

#[test]
fn matrices_of_no_model() {
    let zeros = [0.0; 32];
    let matrix = |rows, cols| Matrix::new(rows, cols, &zeros[..rows * cols]).unwrap();
    let good = Parameters {
        embed_w: matrix(7, 3),
        rnn_wx: matrix(3, 4),
        rnn_wh: matrix(4, 4),
        rnn_b: matrix(1, 4),
        affine_w: matrix(4, 7),
        affine_b: matrix(1, 7),
    };
    let refused = |weights| Predictor::with_buffers(weights, vec![0.0; 11]).err();
    assert_eq!(refused(good), None);
    for bad in [
        Parameters { embed_w: matrix(7, 2), ..good },
        Parameters { rnn_wx: matrix(4, 3), ..good },
        Parameters { rnn_wh: matrix(4, 5), ..good },
        Parameters { rnn_b: matrix(4, 1), ..good },
        Parameters { affine_w: matrix(7, 4), ..good },
        Parameters { affine_b: matrix(1, 6), ..good },
    ] {
        assert_eq!(refused(bad), Some(ConfigError::ShapesDiffer), "{bad:?}");
    }
    let no_words = Parameters { embed_w: matrix(0, 3), affine_w: matrix(4, 0), affine_b: matrix(1, 0), ..good };
    assert_eq!(refused(no_words), Some(ConfigError::ZeroSize));
}

#[test]
fn gradients_of_another_model() {
    // the second has other sizes and as many weights in all
    let same_total = Config { vocab_size: 5, wordvec_size: 7, hidden_size: 3, ..CONFIG };
    assert_eq!(same_total.memory().unwrap().weights, CONFIG.memory().unwrap().weights);
    for other in [Config { hidden_size: 5, ..CONFIG }, same_total] {
        let mut gradients = Gradients::new(other).unwrap();
        let mut model = model(Isa::detect());
        let before = bits(&model);
        assert_eq!(model.forward(&XS, &TS).unwrap().backward(&mut gradients), Err(StepError::OtherSizes));
        assert_eq!(Sgd::new(0.1).unwrap().update(&mut model, &gradients), Err(StepError::OtherSizes));
        assert_eq!(bits(&model), before);
    }
}

/// The message of an error is about what the caller used, and not about something else.
#[test]
fn messages_name_what_was_used() {
    let model = model(Isa::detect());
    let says = |error: &dyn core::error::Error, words: &[&str]| {
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}: {words:?}");
        let elsewhere = ["gradients", "Config::memory", "learning rate"];
        assert!(elsewhere.iter().all(|word| !message.contains(word)), "{message}");
    };
    says(&OnlineLearner::new(model.clone(), 0.1).err().unwrap(), &["reads 2 rows", "batch size of 1"]);
    says(&Matrix::new(2, 3, [0.0; 5]).err().unwrap(), &["5 elements", "rows times columns are 6"]);
    let (m, k, n, start) = (1, 2, 1, Start::Zero);
    let short = Matmul { form: Form::Nn, m, k, n, a: &[1.0], b: &[1.0; 2], c: &mut [0.0], start, scratch: &mut [] };
    says(&short.run(Isa::SCALAR).unwrap_err(), &["1 elements, not 2"]);
    says(&Predictor::with_buffers(model.weights(), vec![0.0; 3]).err().unwrap(), &["3 elements, not 11"]);
    let mut trainer = RnnlmTrainer::new(model.clone(), Sgd::new(0.1).unwrap()).unwrap();
    let state = TrainingState { losses: [f32::NAN, 0.0], ..trainer.training_state() };
    says(&trainer.resume(&state).err().unwrap(), &["training state"]);
    says(&DecayOnPlateau::new(2.0).unwrap().with_best_loss(f32::NAN).err().unwrap(), &["best loss"]);
    let corpus = [0; 20];
    let windows = Batches::with_buffers(&corpus, CONFIG, [0; 11]).err().unwrap();
    says(&windows, &["window", "11 ids, not 12", "Memory::ids"]);
    let mut predictor = model.predictor().unwrap();
    predictor.set_state(&[f32::NAN; 4]).unwrap();
    says(&predictor.feed(0).err().unwrap(), &["prediction", "hidden state"]);
}

#[test]
fn products_of_short_slices_and_of_shapes_that_overflow() {
    let (m, k, n, form) = (2, 3, 4, Form::Nt);
    let lens = [m * k, k * n, m * n, matmul_scratch(form, [m, k, n]), n];
    for (short, &needed) in lens.iter().enumerate().filter(|(_, len)| **len > 0) {
        let mut given = lens;
        given[short] -= 1;
        let [a, b, mut c, mut scratch, bias] = given.map(|len| vec![5.0; len]);
        let start = Start::Bias(&bias);
        let product = Matmul { form, m, k, n, a: &a, b: &b, c: &mut c, start, scratch: &mut scratch };
        let refused = product.run(Isa::detect());
        assert_eq!(refused, Err(ConfigError::BufferLength { needed, given: needed - 1 }));
        assert!(c.iter().all(|&x| x == 5.0), "a refused product wrote to C");
    }
    let (form, start, m) = (Form::Nn, Start::Zero, 1 << (usize::BITS - 1));
    let vast = Matmul { form, m, k: 2, n: 2, a: &[], b: &[0.0; 4], c: &mut [], start, scratch: &mut [] };
    assert_eq!(vast.run(Isa::detect()), Err(ConfigError::TooLarge));
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
        assert_eq!(trainer.fit(corpus, 1, |_| ControlFlow::<()>::Continue(())), Err(error));
        assert_eq!((bits(trainer.model()), trainer.epoch(), trainer.perplexities().len()), (before, 0, 0));
        // as long as the callback likes
        assert_eq!(trainer.fit(&[1; 7], usize::MAX, |_| ControlFlow::Break(())), Ok(Some(())));
    }
}
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
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
