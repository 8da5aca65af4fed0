//! Promise: the LSTM's numbers are right, and the same on every instruction set and for any number of workers. They
//! agree with golden data of a float64 NumPy program (`tests/data/generate/lstm.py`), and the gradient of every
//! parameter with central differences of a plain f64 loss.
#![cfg(feature = "alloc")]

use std::{fs, path::PathBuf, thread};

use proptest::prelude::*;
use rnnlm::{Config, Gradients, IGNORE, Isa, LstmCell, Rnnlm, Sgd, Workers, Xorshift};

use crate::bit_identical::{E, hash, window};

const FILES: [&str; 6] = ["embed_W", "lstm_Wx", "lstm_Wh", "lstm_b", "affine_W", "affine_b"];

fn read<const SIZE: usize, T>(name: &str, decode: fn([u8; SIZE]) -> T) -> Vec<T> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "data", "golden", "lstm", name].iter().collect();
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    bytes.chunks_exact(SIZE).map(|chunk| decode(chunk.try_into().unwrap())).collect()
}

fn exact(name: &str) -> Vec<f64> {
    read(name, f64::from_le_bytes)
}

/// The largest error, relative to the largest element.
fn relative_error(ours: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(ours.len(), exact.len());
    let largest = exact.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    ours.iter().zip(exact).fold(0.0, |worst: f64, (&a, b)| worst.max((f64::from(a) - b).abs())) / largest
}

/// tests/data/golden/lstm/shape.txt
const GOLDEN: Config = Config { vocab_size: 61, wordvec_size: 19, hidden_size: 23, batch_size: 3, time_size: 7 };

#[test]
fn forty_golden_steps() {
    let (xs, ts) = (read("xs.u32", u32::from_le_bytes), read("ts.u32", u32::from_le_bytes));
    let losses = exact("losses.f64");
    for isa in Isa::available() {
        let mut model = Rnnlm::new(GOLDEN, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        for ((_, mut matrix), file) in model.weights_mut().named().into_iter().zip(FILES) {
            matrix.as_mut_slice().copy_from_slice(&read(&format!("{file}.f32"), f32::from_le_bytes));
        }
        let mut gradients = Gradients::<_, LstmCell>::new_as(GOLDEN).unwrap();
        let mut worst: f64 = 0.0;
        for (step, ((xs, ts), exact_loss)) in xs.chunks(21).zip(ts.chunks(21)).zip(&losses).enumerate() {
            let window = model.forward(xs, ts).unwrap();
            worst = worst.max((f64::from(window.loss()) - exact_loss).abs() / exact_loss);
            if step > 0 {
                window.sgd(2.0).unwrap();
                continue;
            }
            window.backward(&mut gradients).unwrap();
            for ((name, gradient), file) in gradients.parameters().named().into_iter().zip(FILES) {
                let error = relative_error(gradient.as_slice(), &exact(&format!("grad_{file}.f64")));
                println!("{}: gradient of {name}: {error:.1e}", isa.name());
                assert!(error < 2e-6, "gradient of {name}: {error:e}");
            }
            Sgd::new(2.0).unwrap().update(&mut model, &gradients).unwrap();
        }
        println!("{}: losses: {worst:.1e}", isa.name());
        assert!(losses.len() == 40 && worst < 1e-6, "a loss is off by {worst:e}");
        for ((name, weights), file) in model.weights().named().into_iter().zip(FILES) {
            let error = relative_error(weights.as_slice(), &exact(&format!("after_{file}.f64")));
            println!("{}: {name} after 40 steps: {error:.1e}", isa.name());
            assert!(error < 2e-6, "{name} after 40 steps: {error:e}");
        }
        let (h, c) = model.state().split_at(3 * 23);
        for (name, ours) in [("hidden", h), ("cell", c)] {
            let error = relative_error(ours, &exact(&format!("{name}.f64")));
            println!("{}: {name} state after 40 steps: {error:.1e}", isa.name());
            assert!(error < 2e-6, "{name} state after 40 steps: {error:e}");
        }
    }
}

/// The mean loss of a window in plain f64: one row after the other, one token after the other, as the equations read.
/// `weights` in the order in which the crate keeps them, `state` h (N,H), then c (N,H).
fn plain_loss(config: &Config, weights: &[f64], state: &[f64], xs: &[u32], ts: &[u32]) -> f64 {
    let Config { vocab_size: v, wordvec_size: d, hidden_size: hidden, batch_size: n, time_size: t } = *config;
    let mut rest = weights;
    let mut next = |len: usize| {
        let (part, after) = rest.split_at(len);
        rest = after;
        part
    };
    let (embed_w, wx, wh, b) = (next(v * d), next(d * 4 * hidden), next(hidden * 4 * hidden), next(4 * hidden));
    let (affine_w, affine_b) = (next(hidden * v), next(v));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (mut loss, mut count) = (0.0, 0);
    for row in 0..n {
        let mut h = state[row * hidden..][..hidden].to_vec();
        let mut c = state[(n + row) * hidden..][..hidden].to_vec();
        for step in 0..t {
            let x = &embed_w[xs[row * t + step] as usize * d..][..d];
            let z: Vec<f64> = (0..4 * hidden)
                .map(|j| {
                    let of_x: f64 = x.iter().enumerate().map(|(i, x)| x * wx[i * 4 * hidden + j]).sum();
                    let of_h: f64 = h.iter().enumerate().map(|(i, h)| h * wh[i * 4 * hidden + j]).sum();
                    b[j] + of_x + of_h
                })
                .collect();
            for j in 0..hidden {
                let [f, g, i, o] = [z[j], z[hidden + j], z[2 * hidden + j], z[3 * hidden + j]];
                c[j] = sigmoid(f) * c[j] + g.tanh() * sigmoid(i);
                h[j] = sigmoid(o) * c[j].tanh();
            }
            let target = ts[row * t + step];
            if target != IGNORE {
                let logit = |k: usize| affine_b[k] + (0..hidden).map(|j| h[j] * affine_w[j * v + k]).sum::<f64>();
                let sum: f64 = (0..v).map(|k| logit(k).exp()).sum();
                loss += sum.ln() - logit(target as usize);
                count += 1;
            }
        }
    }
    loss / f64::from(count.max(1))
}

/// A model whose every term counts, and a window for it.
fn random(config: Config, seed: u64) -> (Rnnlm, Vec<u32>, Vec<u32>) {
    let mut rng = Xorshift::new(seed);
    let mut model = Rnnlm::new(config, &mut rng).unwrap();
    for (_, mut matrix) in model.weights_mut().named() {
        rng.fill_normal(0.5, matrix.as_mut_slice());
    }
    let mut state = model.state().to_vec();
    rng.fill_normal(0.5, &mut state);
    model.set_state(&state).unwrap();
    let len = config.batch_size * config.time_size;
    let ids = |rng: &mut Xorshift| (0..len).map(|_| rng.below(config.vocab_size as u32)).collect::<Vec<u32>>();
    let (xs, mut ts) = (ids(&mut rng), ids(&mut rng));
    ts.iter_mut().for_each(|t| *t = if rng.below(5) == 0 { IGNORE } else { *t });
    (model, xs, ts)
}

fn config([vocab_size, wordvec_size, hidden_size, batch_size, time_size]: [usize; 5]) -> Config {
    Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size }
}

#[test]
fn every_gradient_is_that_of_central_differences() {
    let shapes = [[7, 3, 4, 2, 5], [11, 5, 9, 3, 4], [5, 2, 17, 1, 6], [6, 1, 1, 2, 3]];
    for (seed, sizes) in shapes.into_iter().enumerate() {
        let config = config(sizes);
        let (fresh, xs, ts) = random(config, seed as u64 + 1);
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let (mut weights, state) = (wide(fresh.weights_block()), wide(fresh.state()));
        let loss = plain_loss(&config, &weights, &state, &xs, &ts);
        let numeric: Vec<f64> = (0..weights.len())
            .map(|i| {
                let (old, step) = (weights[i], 1e-5);
                let mut at = |x| {
                    weights[i] = x;
                    plain_loss(&config, &weights, &state, &xs, &ts)
                };
                let difference = at(old + step) - at(old - step);
                weights[i] = old;
                difference / (2.0 * step)
            })
            .collect();
        for isa in Isa::available() {
            let mut model = fresh.clone().with_isa(isa);
            let mut gradients = Gradients::<_, LstmCell>::new_as(config).unwrap();
            let ours = model.forward(&xs, &ts).unwrap().backward(&mut gradients).unwrap();
            assert!((f64::from(ours) - loss).abs() < 2e-6 * loss, "{isa:?}: loss {ours}, not {loss}");
            let mut rest = &numeric[..];
            for (name, matrix) in gradients.parameters().named() {
                let (theirs, after) = rest.split_at(matrix.as_slice().len());
                let largest = theirs.iter().fold(0.02, |a: f64, b| a.max(b.abs()));
                for (i, (&ours, theirs)) in matrix.as_slice().iter().zip(theirs).enumerate() {
                    let error = (f64::from(ours) - theirs).abs();
                    assert!(error < 1e-5 * largest, "{isa:?}: {name} element {i} is {ours}, not {theirs}");
                }
                rest = after;
            }
        }
    }
}

/// Threads that start anew for each job.
struct Threads(usize);

impl Workers for Threads {
    fn count(&self) -> usize {
        self.0
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        thread::scope(|scope| {
            (1..self.0).for_each(|_| drop(scope.spawn(job)));
            job();
        });
    }
    fn least_work(&self) -> usize {
        1
    }
}

/// What a few steps leave: weights, states, the losses of evaluation and the probabilities of a prediction, as bits.
fn trained<S: rnnlm::Workspace>(mut model: rnnlm::Rnnlm<rnnlm::AlignedVec, S>, xs: &[u32], ts: &[u32]) -> Vec<u32> {
    let mut gradients = Gradients::<_, LstmCell>::new_as(model.config()).unwrap();
    let mut found = vec![];
    for step in 0..4 {
        let window = model.forward(xs, ts).unwrap();
        if step % 2 == 0 {
            window.sgd(0.3).unwrap();
        } else {
            window.backward(&mut gradients).unwrap();
            found.push(model.clip(&mut gradients, 0.25).unwrap());
            Sgd::new(0.3).unwrap().update(&mut model, &gradients).unwrap();
        }
    }
    found.extend(model.evaluate(xs));
    found.extend(model.state());
    let mut predictor = model.predictor().unwrap();
    for &x in xs {
        predictor.feed(x).unwrap();
    }
    found.extend(predictor.probabilities());
    found.extend(predictor.state());
    found.extend(model.weights_block());
    found.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_same_bits_on_every_path_and_for_any_number_of_workers() {
    let small = [[29, 5, 19, 3, 3], [64, 16, 32, 1, 8], [7, 1, 9, 2, 1], [17, 24, 33, 5, 5], [40, 4, 16, 4, 2]];
    let shapes = small.into_iter().chain([[600, 9, 64, 8, 9]]);
    for (seed, sizes) in shapes.enumerate() {
        for stateful in [true, false] {
            let (model, xs, ts) = random(config(sizes), seed as u64 + 9);
            let model = model.with_stateful(stateful);
            let expected = trained(model.clone().with_isa(Isa::SCALAR), &xs, &ts);
            for isa in Isa::available() {
                let model = model.clone().with_isa(isa);
                assert!(trained(model.clone(), &xs, &ts) == expected, "{sizes:?} on {isa}");
                for count in [2, 3, 7] {
                    let model = model.clone().with_workers(Threads(count)).unwrap();
                    assert!(trained(model, &xs, &ts) == expected, "{sizes:?} on {isa} with {count} workers");
                }
            }
        }
    }
}

/// Workload E of the benchmarks, with an LSTM. Firmware has the same hashes.
#[test]
fn workload_e_has_its_golden_hashes() {
    for isa in Isa::available() {
        let mut model = Rnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let (mut rng, mut step) = (Xorshift::new(11), 0);
        for (steps, golden) in [(200, "0331518b983654e1"), (10_000, "e133a56e960a1127")] {
            while step < steps {
                let (xs, ts) = window(&E, &mut rng);
                model.forward(&xs, &ts).unwrap().sgd(0.1).unwrap();
                step += 1;
            }
            assert_eq!(format!("{:016x}", hash(&model)), golden, "{steps} steps on {isa}");
        }
    }
}

/// What is done with a model, one after the other: bits of all that came back, and of what is left.
fn lived(mut model: Rnnlm, history: &[(u8, u32)]) -> Vec<u32> {
    let config = model.config();
    let mut gradients = Gradients::<_, LstmCell>::new_as(config).unwrap();
    let mut found = vec![];
    for &(what, seed) in history {
        let mut rng = Xorshift::new(seed.into());
        let len = config.batch_size * config.time_size;
        let mut ids = |len: usize| (0..len).map(|_| rng.below(config.vocab_size as u32)).collect::<Vec<u32>>();
        let (xs, mut ts) = (ids(len), ids(len));
        ts.iter_mut().zip(&xs).for_each(|(t, x)| *t = if x % 5 == 4 { IGNORE } else { *t });
        // now and then nothing stays finite, and the step is refused
        let rate = if seed % 8 == 0 { f32::MAX } else { 0.3 };
        match what % 6 {
            0 | 1 => found.push(model.forward(&xs, &ts).and_then(|window| window.sgd(rate)).unwrap_or(-1.0)),
            2 => {
                let loss = model.forward(&xs, &ts).and_then(|window| window.backward(&mut gradients));
                let updated = loss.and_then(|loss| {
                    found.extend([loss, model.clip(&mut gradients, 0.25).unwrap_or(-1.0)]);
                    Sgd::new(rate).unwrap().update(&mut model, &gradients)
                });
                found.push(f32::from(u8::from(updated.is_ok())));
            }
            3 => found.extend(model.evaluate(&ids(2 + seed as usize % 40))),
            4 => model.reset_state(),
            _ => {
                let mut predictor = model.predictor().unwrap();
                predictor.set_state(&[0.25].repeat(2 * config.hidden_size)).unwrap();
                for x in xs {
                    found.extend(predictor.feed(x).unwrap_or(&[-1.0]));
                }
            }
        }
    }
    found.extend(model.weights_block());
    found.extend(model.state());
    found.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]
    #[test]
    fn any_history_has_the_same_bits_on_every_instruction_set(
        (v, d, hidden) in (1_usize..50, 1_usize..40, 1_usize..40),
        (n, t, seed, stateful) in (1_usize..6, 1_usize..6, any::<u64>(), any::<bool>()),
        history in prop::collection::vec((any::<u8>(), any::<u32>()), 1..9),
    ) {
        let fresh = Rnnlm::new(config([v, d, hidden, n, t]), &mut Xorshift::new(seed)).unwrap().with_stateful(stateful);
        let expected = lived(fresh.clone().with_isa(Isa::SCALAR), &history);
        for isa in Isa::available() {
            prop_assert!(lived(fresh.clone().with_isa(isa), &history) == expected, "{}", isa);
        }
    }
}

#[test]
fn a_text_scores_alike_in_windows_of_every_size() {
    let text: Vec<u32> = (0..58).map(|i| i * i % 13).collect();
    let loss_in = |batch_size, time_size| {
        let config = config([13, 6, 11, batch_size, time_size]);
        let (mut model, ..) = random(config, 4);
        let mut losses = vec![];
        model.score(&text, |score| losses.push(score.loss.to_bits())).unwrap();
        let mut predictor = model.predictor().unwrap();
        let mut plain = |pair: &[u32]| -predictor.feed(pair[0]).unwrap()[pair[1] as usize].ln();
        let plain: Vec<f32> = text.windows(2).map(&mut plain).collect();
        for (ours, plain) in losses.iter().zip(plain) {
            assert!((f32::from_bits(*ours) - plain).abs() < 1e-5);
        }
        losses
    };
    let expected = loss_in(1, 1);
    assert_eq!(expected.len(), 57);
    for sizes in [(1, 57), (1, 100), (2, 9), (3, 7), (1, 20)] {
        assert!(loss_in(sizes.0, sizes.1) == expected, "{sizes:?}");
    }
}
