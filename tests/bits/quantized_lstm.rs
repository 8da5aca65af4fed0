//! Promise: prediction of an LSTM from int8 weights gives the same bits on every instruction set, those of a naive
//! model in integers of 64 bits, and the probabilities of the weights that it was made of, as near as int8 allows.
#![cfg(feature = "alloc")]

use proptest::prelude::*;
use rnnlm::{
    AlignedVec, Batches, Config, Isa, LstmCell, Quantized, QuantizedPredictor, Rnnlm, StepError, Xorshift, perplexity,
};

/// V, D, H: around the blocks of sixteen, and longer than several.
const SHAPES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [2, 40, 3],
    [19, 5, 17],
    [5, 15, 16],
    [64, 16, 32],
    [33, 17, 15],
    [7, 31, 100],
    [3, 2, 129],
    [259, 100, 100],
];
/// What stands for a hidden state of 1, for a cell state of 1, and for an open gate.
const ONE: i64 = 23_637;
const UNIT: i32 = 16 * 23_637;
const OPEN: i64 = 1 << 15;

type Weights<'a> = Quantized<'a, LstmCell>;

fn config([vocab_size, wordvec_size, hidden_size]: [usize; 3]) -> Config {
    Config { vocab_size, wordvec_size, hidden_size, batch_size: 1, time_size: 1 }
}

/// Weights as large as those of a trained model, or so many times larger.
fn model(shape: [usize; 3], seed: u64, times: f32) -> Rnnlm {
    let mut rng = Xorshift::new(seed);
    let mut model = Rnnlm::new(config(shape), &mut rng).unwrap();
    let weights = model.weights_mut();
    for (matrix, deviation) in [(weights.embed_w, 0.7), (weights.lstm_b, 0.5), (weights.affine_b, 0.8)] {
        let mut matrix = matrix;
        rng.fill_normal(times * deviation, matrix.as_mut_slice());
    }
    model
}

fn file(model: &Rnnlm) -> Vec<u8> {
    let mut file = vec![0; Weights::encoded_len_as(model.config(), 0).unwrap()];
    Quantized::write(&model.weights(), "", &mut file).unwrap();
    file
}

fn predictor(file: &[u8]) -> QuantizedPredictor<'_, AlignedVec, LstmCell> {
    QuantizedPredictor::new(Weights::read_as(file).unwrap()).unwrap()
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
        let (file, ids) = (file(&model(shape, 1, 1.0)), ids(12, shape[0]));
        for temperature in [1.0, 0.7, 0.0] {
            let at = |isa| predictor(&file).with_isa(isa).with_temperature(temperature).unwrap();
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
            let loss = predictor(&file).with_isa(isa).score(&ids, |s| scores.push((s.id, s.loss.to_bits(), s.rank)));
            (loss.unwrap().to_bits(), scores)
        };
        for isa in Isa::available() {
            assert_eq!(scores(isa), scores(Isa::SCALAR), "{} {shape:?}", isa.name());
        }
    }
}

/// The numbers of a file, tensor by tensor: no part of the library reads them here.
struct File {
    shape: [usize; 3],
    embed: (Vec<f32>, Vec<i8>),
    wx: (Vec<f32>, Vec<i8>),
    wh: (Vec<f32>, Vec<i8>, Vec<i32>),
    affine: (Vec<f32>, Vec<i8>, Vec<i32>),
}

impl File {
    fn of(file: &[u8], [v, d, h]: [usize; 3]) -> Self {
        let mut at = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let mut fours = |count: usize| {
            at += 4 * count;
            file[at - 4 * count..at].chunks(4).map(|four| four.try_into().unwrap()).collect::<Vec<[u8; 4]>>()
        };
        let [of_embed, of_wx, of_wh, of_affine] =
            [v, 4 * h, 4 * h, v].map(|count| fours(count).into_iter().map(f32::from_le_bytes).collect::<Vec<_>>());
        let [b, c] = [4 * h, v].map(|count| fours(count).into_iter().map(i32::from_le_bytes).collect::<Vec<_>>());
        let [embed, wx, wh, affine] = [v * d, 4 * h * d, 4 * h * h, v * h].map(|len| {
            at += len;
            file[at - len..at].iter().map(|&byte| byte as i8).collect::<Vec<_>>()
        });
        let (wh, affine) = ((of_wh, wh, b), (of_affine, affine, c));
        Self { shape: [v, d, h], embed: (of_embed, embed), wx: (of_wx, wx), wh, affine }
    }
}

/// 2^(30 - d / 2^16) as the crate defines it, with a whole and a broken part.
fn power(d: i64) -> i64 {
    let d = d.min(31 << 16);
    let (whole, f) = ((d + 65_535) / 65_536, (65_536 - d % 65_536) % 65_536);
    let t = [15_820, 45_419].iter().fold(3_410 + 888 * f / 65_536, |sum, c| c + sum * f / 65_536);
    ((1 << 30) + t * f / 4) >> whole
}

fn tanh(z: i64) -> i64 {
    let e = power(8 * z.abs());
    let (dividend, divisor) = (((1 << 30) - e) >> 14, ((1 << 30) + e) >> 14);
    z.signum() * ((dividend * ONE + divisor / 2) / divisor)
}

fn sigmoid(z: i64) -> i64 {
    let e = (power(4 * z.abs()) + 8_192) / 16_384;
    let smaller = (OPEN * e + (65_536 + e) / 2) / (65_536 + e);
    if z < 0 { smaller } else { OPEN - smaller }
}

/// One token, gate by gate and row by row.
fn naive(file: &File, id: u32, h: &mut Vec<i16>, c: &mut [i32]) {
    let [_, d, hidden] = file.shape;
    let x = &file.embed.1[id as usize * d..][..d];
    let factor = file.embed.0[id as usize] * 23_637.115;
    let argument = |row: usize| {
        let of_x: i64 = (0..d).map(|k| i64::from(file.wx.1[row * d + k]) * i64::from(x[k])).sum();
        let of_h: i64 = (0..hidden).map(|k| i64::from(file.wh.1[row * hidden + k]) * i64::from(h[k])).sum();
        let (a, b) = (i32::try_from(of_x).unwrap(), i32::try_from(of_h + i64::from(file.wh.2[row])).unwrap());
        i64::from((a as f32 * (file.wx.0[row] * factor) + b as f32 * file.wh.0[row]) as i32)
    };
    let next = (0..hidden).map(|j| {
        let [f, g, i, o] = [0, 1, 2, 3].map(|gate| argument(gate * hidden + j));
        let sum = sigmoid(f) * i64::from(c[j]) + 16 * sigmoid(i) * tanh(g);
        // to the nearest, of two the larger
        let rounded = (sum + OPEN / 2).div_euclid(OPEN);
        c[j] = rounded.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let tanh_c = tanh((i64::from(c[j]) + 8).min(i32::MAX.into()).div_euclid(16));
        (sigmoid(o) * tanh_c + OPEN / 2).div_euclid(OPEN) as i16
    });
    *h = next.collect();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]
    #[test]
    fn states_are_those_of_a_naive_model(
        // units are computed in blocks: of 64 where there are vectors
        (v, d, hidden) in (1_usize..30, 1_usize..40, prop_oneof![4 => 1_usize..40, 1 => 60_usize..140]),
        (seed, times) in (any::<u64>(), prop::sample::select(vec![1e-3_f32, 1.0, 8.0, 1e4])),
        start in prop::collection::vec((any::<i16>(), any::<i32>()), 140),
        read in prop::collection::vec(any::<u32>(), 1..9),
    ) {
        let file = file(&model([v, d, hidden], seed, times));
        let numbers = File::of(&file, [v, d, hidden]);
        let (mut h, mut c): (Vec<i16>, Vec<i32>) = start.into_iter().take(hidden).unzip();
        for (isa, from_zero) in Isa::available().flat_map(|isa| [(isa, true), (isa, false)]) {
            let mut predictor = predictor(&file).with_isa(isa);
            if from_zero {
                h.fill(0);
                c.fill(0);
            } else {
                predictor.set_state(&h, &c).unwrap();
                h.iter_mut().for_each(|h| *h = (*h).clamp(-ONE as i16, ONE as i16));
            }
            for id in read.iter().map(|id| id % v as u32) {
                naive(&numbers, id, &mut h, &mut c);
                predictor.feed(id).unwrap();
                prop_assert_eq!(predictor.state(), (&h[..], &c[..]), "{}", isa);
            }
        }
    }
}

/// One token in f64.
fn exactly(file: &File, id: u32, h: &mut [f64], c: &mut [f64]) -> Vec<f64> {
    let [v, d, hidden] = file.shape;
    let units = 16_384.0 * std::f64::consts::LOG2_E;
    let dot = |row: &[i8], scale: f32, x: &[f64]| {
        f64::from(scale) * row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum::<f64>()
    };
    let scale = f64::from(file.embed.0[id as usize]);
    let x: Vec<f64> = file.embed.1[id as usize * d..][..d].iter().map(|&w| f64::from(w) * scale).collect();
    let z: Vec<f64> = (0..4 * hidden)
        .map(|row| {
            let bias = f64::from(file.wh.2[row]) * f64::from(file.wh.0[row]) / units;
            let of_h = dot(&file.wh.1[row * hidden..][..hidden], file.wh.0[row], h);
            dot(&file.wx.1[row * d..][..d], file.wx.0[row], &x) + of_h + bias
        })
        .collect();
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    for j in 0..hidden {
        let [f, g, i, o] = [0, 1, 2, 3].map(|gate| z[gate * hidden + j]);
        c[j] = sigmoid(f) * c[j] + sigmoid(i) * g.tanh();
        h[j] = sigmoid(o) * c[j].tanh();
    }
    let e: Vec<f64> = (0..v)
        .map(|word| {
            let bias = f64::from(file.affine.2[word]) * f64::from(file.affine.0[word]) / units;
            (dot(&file.affine.1[word * hidden..][..hidden], file.affine.0[word], h) + bias).exp()
        })
        .collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|e| e / sum).collect()
}

#[test]
fn it_computes_what_its_weights_say() {
    for shape in SHAPES {
        let file = file(&model(shape, 1, 1.0));
        let numbers = File::of(&file, shape);
        let mut predictor = predictor(&file);
        let (mut h, mut c) = (vec![0.0; shape[2]], vec![0.0; shape[2]]);
        for id in ids(40, shape[0]) {
            let exact = exactly(&numbers, id, &mut h, &mut c);
            let found = predictor.feed(id).unwrap();
            for (found, exact) in found.iter().zip(&exact) {
                assert!((f64::from(*found) - exact).abs() <= 1e-3 * exact + 2e-9, "{shape:?}: {found}, {exact}");
            }
            let sum: f64 = found.iter().map(|&p| f64::from(p)).sum();
            assert!((sum - 1.0).abs() < 1e-6);
            let (found_h, found_c) = predictor.state();
            for (found, exact) in found_h.iter().zip(&h) {
                assert!((f64::from(*found) / ONE as f64 - exact).abs() < 4e-4, "{shape:?}: {found}, {exact}");
            }
            for (found, exact) in found_c.iter().zip(&c) {
                assert!((f64::from(*found) / f64::from(UNIT) - exact).abs() < 4e-4, "{shape:?}: {found}, {exact}");
            }
        }
    }
}

/// Rounded, a model that was trained foresees as well as before.
#[test]
fn a_trained_model_loses_little() {
    let text: Vec<u32> = (0..4_000_u32).map(|i| (i * i % 29 + i / 7 % 5) % 23).collect();
    let sizes = Config { vocab_size: 23, wordvec_size: 16, hidden_size: 32, batch_size: 4, time_size: 8 };
    let mut model = Rnnlm::new(sizes, &mut Xorshift::new(1)).unwrap();
    let mut batches = Batches::new(&text, sizes).unwrap();
    for _ in 0..12 {
        while let Some((xs, ts)) = batches.next_window() {
            model.forward(xs, ts).unwrap().sgd(0.5).unwrap();
        }
    }
    let exact = perplexity(model.score(&text, |_| {}).unwrap());
    let found = perplexity(predictor(&file(&model)).score(&text, |_| {}).unwrap());
    assert!(exact < 0.7 * 23.0, "it learned nothing: {exact}");
    assert!((found / exact - 1.0).abs() < 0.005, "{found} in place of {exact}");
}

#[test]
fn bad_input_is_an_error_and_changes_nothing() {
    let file = file(&model([19, 5, 17], 1, 1.0));
    let mut predictor = predictor(&file);
    predictor.feed(3).unwrap();
    let before = predictor.clone();
    for id in [19, u32::MAX] {
        assert_eq!(predictor.feed(id).err(), Some(StepError::IdOutOfRange { id }));
    }
    for len in [0, 16, 18] {
        let error = Err(StepError::Length { needed: 17, given: len });
        assert_eq!(predictor.set_state(&vec![0; len], &[0; 17]), error);
        assert_eq!(predictor.set_state(&[0; 17], &vec![0; len]), error);
    }
    assert_eq!((predictor.state(), predictor.probabilities()), (before.state(), before.probabilities()));
    assert_eq!(predictor.probabilities().len(), 19);
    predictor.set_state(&[i16::MIN, i16::MAX, -5, 23_637].repeat(5)[..17], &[i32::MIN; 17]).unwrap();
    assert_eq!(predictor.state().0[..4], [-23_637, 23_637, -5, 23_637]);
    assert_eq!(predictor.state().1, [i32::MIN; 17]);
    predictor.feed(18).unwrap();
    predictor.reset_state();
    assert_eq!(predictor.state(), (&[0; 17][..], &[0; 17][..]));
    assert_eq!(predictor.score(&[3], |_| {}).err(), Some(StepError::Length { needed: 2, given: 1 }));
    let weights = Weights::read_as(&file).unwrap();
    let len = Weights::buffer_len_as(weights.config()).unwrap();
    assert_eq!(len, 9 + 17 + 19);
    for wrong in [0, len - 1, len + 1] {
        assert!(QuantizedPredictor::with_buffers(weights, vec![0.0; wrong]).is_err());
    }
}

/// A cell whose gates are open, on every path: it counts up by 1 a token until its i32 ends, and there it stays.
#[test]
fn a_cell_state_stays_where_its_range_ends() {
    let mut model = model([4, 3, 5], 1, 0.0);
    let weights = model.weights_mut();
    let mut biases = weights.lstm_b;
    biases.as_mut_slice().fill(30.0);
    let file = file(&model);
    for isa in Isa::available() {
        let mut predictor = predictor(&file).with_isa(isa);
        for token in 1..=3 {
            predictor.feed(1).unwrap();
            assert!(predictor.state().1.iter().all(|&c| c == token * UNIT), "{isa}");
        }
        let end = [i32::MAX - UNIT - 1; 5];
        predictor.set_state(&[0; 5], &end).unwrap();
        for expected in [i32::MAX - 1, i32::MAX, i32::MAX] {
            predictor.feed(1).unwrap();
            assert_eq!(predictor.state(), (&[23_637; 5][..], &[expected; 5][..]), "{isa}");
        }
    }
}

/// Weights and biases beyond any reason saturate alike everywhere.
#[test]
fn the_largest_weights_have_an_answer() {
    let mut model = model([19, 5, 17], 1, 1.0);
    let mut rng = Xorshift::new(1);
    for (_, mut matrix) in model.weights_mut().named() {
        matrix.as_mut_slice().iter_mut().for_each(|w| *w = if rng.below(2) == 0 { 1e30 } else { -1e26 });
    }
    model.weights_mut().lstm_b.as_mut_slice().fill(1e29);
    model.weights_mut().affine_b.as_mut_slice().fill(-1e29);
    let file = file(&model);
    let all = Isa::available().map(|isa| {
        let mut predictor = predictor(&file).with_isa(isa);
        (0..19).flat_map(|id| bits(predictor.feed(id).unwrap())).collect::<Vec<_>>()
    });
    let all: Vec<_> = all.collect();
    assert!(all.iter().all(|found| found == &all[0]));
    assert!(all[0].iter().all(|&p| (0.0..=1.0).contains(&f32::from_bits(p))));
}
