//! Promise: prediction from int8 weights gives the same bits on every instruction set, and the probabilities of the
//! weights that it was made of, as near as int8 allows.
#![cfg(feature = "alloc")]

use rnnlm::{
    Candidate, Config, Isa, ParameterError, Quantized, QuantizedPredictor, SimpleRnnlm, StepError, TokenScore,
    Xorshift, top,
};

/// V, D, H: around the blocks of sixteen, and longer than several.
const SHAPES: [[usize; 3]; 10] = [
    [1, 1, 1],
    [2, 40, 3],
    [19, 5, 17],
    [5, 15, 16],
    [64, 16, 32],
    [33, 17, 15],
    [7, 31, 100],
    [130, 48, 47],
    [3, 2, 129],
    [259, 100, 100],
];

fn config([vocab_size, wordvec_size, hidden_size]: [usize; 3]) -> Config {
    Config { vocab_size, wordvec_size, hidden_size, batch_size: 1, time_size: 1 }
}

/// Weights as large as those of a trained model.
fn model(shape: [usize; 3]) -> SimpleRnnlm {
    let mut rng = Xorshift::new(shape[0] as u64);
    let mut model = SimpleRnnlm::new(config(shape), &mut rng).unwrap();
    let weights = model.weights_mut();
    for (matrix, deviation) in [(weights.embed_w, 0.7), (weights.rnn_b, 0.3), (weights.affine_b, 0.8)] {
        let mut matrix = matrix;
        rng.fill_normal(deviation, matrix.as_mut_slice());
    }
    model
}

fn file(model: &SimpleRnnlm) -> Vec<u8> {
    let mut file = vec![0; Quantized::encoded_len(model.config(), 0).unwrap()];
    Quantized::write(&model.weights(), "", &mut file).unwrap();
    file
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn ids(len: usize, v: usize) -> Vec<u32> {
    let mut rng = Xorshift::new(3);
    (0..len).map(|_| rng.below(v as u32)).collect()
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for shape in SHAPES {
        let (model, ids) = (model(shape), ids(12, shape[0]));
        let file = file(&model);
        let predictor = |isa| QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap().with_isa(isa);
        for temperature in [1.0, 0.7, 3.0, 0.0] {
            let at = |isa| predictor(isa).with_temperature(temperature).unwrap();
            let mut oracle = at(Isa::SCALAR);
            let mut others: Vec<_> = Isa::available().map(|isa| (isa, at(isa))).collect();
            for &id in &ids {
                let expected = bits(oracle.feed(id).unwrap());
                for (isa, other) in &mut others {
                    assert_eq!(bits(other.feed(id).unwrap()), expected, "{} {shape:?}", isa.name());
                    assert_eq!(other.state(), oracle.state());
                }
            }
        }
        let scores = |isa| {
            let mut scores = Vec::new();
            let loss = predictor(isa).score(&ids, |s| scores.push((s.id, s.loss.to_bits(), s.rank))).unwrap();
            (loss.to_bits(), scores)
        };
        for isa in Isa::available() {
            assert_eq!(scores(isa), scores(Isa::SCALAR), "{} {shape:?}", isa.name());
        }
    }
}

/// The numbers of a tensor of the file, each times its row's scale: no part of the library reads them here.
struct Dequantized {
    embed_w: Vec<Vec<f64>>,
    wx: Vec<Vec<f64>>,
    wh: Vec<Vec<f64>>,
    b: Vec<f64>,
    w: Vec<Vec<f64>>,
    c: Vec<f64>,
}

fn dequantize(file: &[u8], [v, d, h]: [usize; 3]) -> Dequantized {
    let mut at = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut fours = |count: usize| {
        at += 4 * count;
        file[at - 4 * count..at].chunks(4).map(|four| four.try_into().unwrap()).collect::<Vec<[u8; 4]>>()
    };
    let mut scales = |count| fours(count).into_iter().map(|x| f64::from(f32::from_le_bytes(x))).collect::<Vec<_>>();
    let [of_embed, of_wx, of_wh, of_w] = [v, h, h, v].map(&mut scales);
    let bias = |fours: Vec<[u8; 4]>, scales: &[f64]| {
        let units = fours.into_iter().map(|x| f64::from(i32::from_le_bytes(x)) / (16_384.0 * std::f64::consts::LOG2_E));
        units.zip(scales).map(|(x, scale)| x * scale).collect()
    };
    let (b, c) = (bias(fours(h), &of_wh), bias(fours(v), &of_w));
    let mut rows = |scales: &[f64], len: usize| {
        let rows = scales.iter().map(|scale| {
            at += len;
            file[at - len..at].iter().map(|&x| f64::from(x as i8) * scale).collect()
        });
        rows.collect()
    };
    let (embed_w, wx) = (rows(&of_embed, d), rows(&of_wx, d));
    let (wh, w) = (rows(&of_wh, h), rows(&of_w, h));
    Dequantized { embed_w, wx, wh, b, w, c }
}

/// One token in f64.
fn feed(weights: &Dequantized, id: u32, state: &mut Vec<f64>) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let x = &weights.embed_w[id as usize];
    let z = (0..state.len()).map(|j| dot(&weights.wx[j], x) + dot(&weights.wh[j], state) + weights.b[j]);
    *state = z.collect::<Vec<_>>().into_iter().map(f64::tanh).collect();
    let e: Vec<f64> = weights.w.iter().zip(&weights.c).map(|(w, c)| (dot(w, state) + c).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|e| e / sum).collect()
}

#[test]
fn it_computes_what_its_weights_say() {
    for shape in SHAPES {
        let file = file(&model(shape));
        let weights = dequantize(&file, shape);
        let mut predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
        let mut state = vec![0.0; shape[2]];
        for id in ids(12, shape[0]) {
            let exact = feed(&weights, id, &mut state);
            let found = predictor.feed(id).unwrap();
            for (found, exact) in found.iter().zip(&exact) {
                assert!((f64::from(*found) - exact).abs() <= 1e-3 * exact + 2e-9, "{shape:?}: {found}, {exact}");
            }
            let sum: f64 = found.iter().map(|&p| f64::from(p)).sum();
            assert!((sum - 1.0).abs() < 1e-6);
            for (found, exact) in predictor.state().iter().zip(&state) {
                assert!((f64::from(*found) / 23_637.0 - exact).abs() < 4e-4, "{shape:?}: {found}, {exact}");
            }
        }
    }
}

#[test]
fn its_weights_are_the_nearest() {
    for shape in SHAPES {
        let model = model(shape);
        let weights = model.weights();
        let found = dequantize(&file(&model), shape);
        let near = |row: &[f64], original: &dyn Fn(usize) -> Option<f32>| {
            let largest = (0..row.len()).map(|k| original(k).unwrap().abs()).fold(0.0, f32::max);
            // half of a step, and what f32 rounds
            let limit = f64::from(largest) / 127.0 * 0.500_1;
            row.iter().enumerate().all(|(k, x)| (x - f64::from(original(k).unwrap())).abs() <= limit)
        };
        assert!(found.embed_w.iter().enumerate().all(|(i, row)| near(row, &|k| weights.embed_w.get(i, k))));
        assert!(found.wx.iter().enumerate().all(|(i, row)| near(row, &|k| weights.rnn_wx.get(k, i))));
        assert!(found.wh.iter().enumerate().all(|(i, row)| near(row, &|k| weights.rnn_wh.get(k, i))));
        assert!(found.w.iter().enumerate().all(|(i, row)| near(row, &|k| weights.affine_w.get(k, i))));
        for (found, exact) in [(found.b, weights.rnn_b), (found.c, weights.affine_b)] {
            for (found, exact) in found.iter().zip(exact.as_slice()) {
                assert!((found - f64::from(*exact)).abs() < 1e-5, "{found}, {exact}");
            }
        }
    }
}

#[test]
fn scores_are_those_of_the_probabilities() {
    let shape = [130, 48, 47];
    let (file, ids) = (file(&model(shape)), ids(40, shape[0]));
    let quantized = Quantized::read(&file).unwrap();
    let mut predictor = QuantizedPredictor::new(quantized).unwrap().with_temperature(0.3).unwrap();
    let mut scores: Vec<TokenScore> = Vec::new();
    let loss = predictor.score(&ids, |score| scores.push(score)).unwrap();
    let mut predictor = QuantizedPredictor::new(quantized).unwrap();
    let mut sum = 0.0;
    assert_eq!(scores.len(), ids.len() - 1);
    for ((&id, &next), score) in ids.iter().zip(&ids[1..]).zip(&scores) {
        let p = predictor.feed(id).unwrap();
        let expected = p[next as usize];
        assert_eq!(score.id, next);
        assert!((score.loss + expected.ln()).abs() < 2e-5 * (1.0 + score.loss), "{score:?} {expected}");
        let mut best = vec![Candidate::default(); shape[0]];
        assert_eq!(top(p, &[], &mut best)[score.rank - 1].id, next);
        sum += f64::from(score.loss);
    }
    assert!((f64::from(loss) - sum / scores.len() as f64).abs() < 1e-6);
}

#[test]
fn a_temperature_sharpens() {
    let shape = [64, 16, 32];
    let file = file(&model(shape));
    let at = |temperature| {
        let predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
        let mut predictor = predictor.with_temperature(temperature).unwrap();
        predictor.feed(5).unwrap();
        predictor.feed(9).unwrap().to_vec()
    };
    let plain = at(1.0);
    let square: f32 = plain.iter().map(|p| p * p).sum();
    for (p, q) in plain.iter().zip(at(0.5)) {
        assert!((p * p / square - q).abs() < 1e-4 * q + 1e-8, "{p} {q}");
    }
    let likeliest = (0..64).fold(0, |best, i| if plain[i] > plain[best] { i } else { best });
    for temperature in [0.0, -0.0, 1e-30] {
        assert!(at(temperature).iter().enumerate().all(|(i, &p)| p == if i == likeliest { 1.0 } else { 0.0 }));
    }
    assert!(at(f32::MAX).iter().all(|p| (p - 1.0 / 64.0).abs() < 1e-7));
    for bad in [-1.0, f32::NAN, f32::INFINITY, 1e-45] {
        let predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
        assert_eq!(predictor.with_temperature(bad).err(), Some(ParameterError::Temperature), "{bad}");
    }
}

/// A file of five words, of which three are equally likely, whatever was read.
fn file_of_equals() -> Vec<u8> {
    let mut model = SimpleRnnlm::new(config([5, 2, 3]), &mut Xorshift::new(1)).unwrap();
    model.weights_mut().affine_w.as_mut_slice().fill(0.0);
    model.weights_mut().affine_b.as_mut_slice().copy_from_slice(&[0.0, 1.0, 1.0, 0.5, 1.0]);
    file(&model)
}

/// Of words that are equally likely the first is certain.
#[test]
fn at_temperature_0_the_first_of_equals_is_certain() {
    let file = file_of_equals();
    let predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
    assert_eq!(predictor.with_temperature(0.0).unwrap().feed(0).unwrap(), [0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_first_of_equals_ranks_before_the_others() {
    let file = file_of_equals();
    let mut predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
    let mut ranks = Vec::new();
    predictor.score(&[0, 0, 1, 2, 3, 4], |score| ranks.push(score.rank)).unwrap();
    assert_eq!(ranks, [5, 1, 2, 4, 3]);
}

#[test]
fn bad_input_is_an_error_and_changes_nothing() {
    let file = file(&model([19, 5, 17]));
    let quantized = Quantized::read(&file).unwrap();
    let mut predictor = QuantizedPredictor::new(quantized).unwrap();
    predictor.feed(3).unwrap();
    let before = predictor.clone();
    assert_eq!(predictor.feed(19).err(), Some(StepError::IdOutOfRange { id: 19 }));
    assert_eq!(predictor.feed(u32::MAX).err(), Some(StepError::IdOutOfRange { id: u32::MAX }));
    for len in [0, 16, 18] {
        let error = StepError::Length { needed: 17, given: len };
        assert_eq!(predictor.set_state(&vec![0; len]), Err(error));
    }
    assert_eq!((predictor.state(), predictor.probabilities()), (before.state(), before.probabilities()));
    predictor.set_state(&[i16::MIN, i16::MAX, -5, 23_637].repeat(5)[..17]).unwrap();
    assert_eq!(predictor.state()[..4], [-23_637, 23_637, -5, 23_637]);
    predictor.feed(18).unwrap();
    for tokens in [&[][..], &[3]] {
        let error = StepError::Length { needed: 2, given: tokens.len() };
        assert_eq!(predictor.score(tokens, |_| {}).err(), Some(error));
    }
    let mut seen = 0;
    assert_eq!(predictor.score(&[1, 2, 19], |_| seen += 1).err(), Some(StepError::IdOutOfRange { id: 19 }));
    assert_eq!(seen, 1);
    let len = Quantized::buffer_len(quantized.config()).unwrap();
    assert!(QuantizedPredictor::with_buffers(quantized, vec![0.0; len + 1]).is_err());
    assert!(len < 19 + 17);
}

/// Weights and biases beyond any reason saturate alike everywhere.
#[test]
fn the_largest_weights_have_an_answer() {
    let mut model = model([19, 5, 17]);
    let mut rng = Xorshift::new(1);
    for (_, mut matrix) in model.weights_mut().named() {
        matrix.as_mut_slice().iter_mut().for_each(|w| *w = if rng.below(2) == 0 { 1e30 } else { -1e26 });
    }
    model.weights_mut().rnn_b.as_mut_slice().fill(1e29);
    model.weights_mut().affine_b.as_mut_slice().fill(-1e29);
    let file = file(&model);
    let all = Isa::available().map(|isa| {
        let mut predictor = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap().with_isa(isa);
        (0..19).flat_map(|id| bits(predictor.feed(id).unwrap())).collect::<Vec<_>>()
    });
    let all: Vec<_> = all.collect();
    assert!(all.iter().all(|found| found == &all[0]));
    assert!(all[0].iter().all(|&p| (0.0..=1.0).contains(&f32::from_bits(p))));
}
