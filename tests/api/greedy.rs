//! Promise: at temperature 0 the likeliest word is certain, the first of equals, on every instruction set.

use rnnlm::{Candidate, Config, Isa, Matrix, Parameters, Predictor, Sampler, SimpleRnnlm, StepError, Xorshift, top};

fn model(vocab_size: usize, seed: u64) -> SimpleRnnlm {
    let config = Config { vocab_size, wordvec_size: 5, hidden_size: 7, batch_size: 1, time_size: 3 };
    SimpleRnnlm::new(config, &mut Xorshift::new(seed)).unwrap()
}

#[test]
fn the_likeliest_word_is_certain() {
    for (vocab_size, seed) in [(1, 1), (2, 2), (3, 3), (17, 4), (100, 5), (1000, 6)] {
        let model = model(vocab_size, seed);
        for isa in Isa::available() {
            let mut plain = model.predictor().unwrap().with_isa(isa);
            let mut greedy = model.predictor().unwrap().with_isa(isa).with_temperature(0.0).unwrap();
            let mut id = 0;
            for _ in 0..20 {
                let mut best = [Candidate::default()];
                let likeliest = top(plain.feed(id).unwrap(), &[], &mut best)[0].id;
                let certain = greedy.feed(id).unwrap();
                assert!((0..).zip(certain).all(|(id, &p)| p == f32::from(u8::from(id == likeliest))), "{certain:?}");
                // what is drawn doesn't depend on chance
                assert_eq!(Sampler::new(Xorshift::new(seed)).choose(certain), Some(likeliest));
                assert_eq!(greedy.probabilities().iter().sum::<f32>(), 1.0);
                assert_eq!(greedy.state(), plain.state());
                id = likeliest;
            }
        }
    }
}

#[test]
fn of_equally_likely_words_the_first_is_taken() {
    let zeros = [0.0; 49];
    let matrix = |rows, cols| Matrix::new(rows, cols, &zeros[..rows * cols]).unwrap();
    let certain = |affine_b: &[f32]| -> Vec<f32> {
        let weights = Parameters {
            embed_w: matrix(6, 5),
            rnn_wx: matrix(5, 7),
            rnn_wh: matrix(7, 7),
            rnn_b: matrix(1, 7),
            affine_w: matrix(7, 6),
            affine_b: Matrix::new(1, 6, affine_b).unwrap(),
        };
        Predictor::new(weights).unwrap().with_temperature(-0.0).unwrap().feed(3).unwrap().to_vec()
    };
    assert_eq!(certain(&zeros[..6]), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(certain(&[0.5, 0.25, 0.75, 0.75, 0.0, 0.75]), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(certain(&[-3e38, -9.0, -9.0, -3e38, -1e30, f32::MIN]), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn without_a_finite_prediction_there_is_no_likeliest_word() {
    let mut model = model(9, 1);
    let end = model.weights().affine_b.as_slice().len();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut weights = model.weights_mut();
        weights.affine_b.as_mut_slice()[end / 2] = bad;
        for isa in Isa::available() {
            let mut greedy = model.predictor().unwrap().with_isa(isa).with_temperature(0.0).unwrap();
            assert_eq!(greedy.feed(1).err(), Some(StepError::NonFinitePrediction));
            assert!(greedy.state().iter().all(|&h| h == 0.0));
        }
    }
}
