//! Promise: the numbers are right. The crate agrees with golden data that an independent float64 NumPy program
//! made (`tests/data/generate/reference.py` and `ptb_experiment.py`, whose output `tests/data/golden/` is).
#![cfg(feature = "alloc")]

use std::{fs, ops::ControlFlow, path::PathBuf};

use rnnlm::{Config, Gradients, Isa, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};

const FILES: [&str; 6] = ["embed_W", "rnn_Wx", "rnn_Wh", "rnn_b", "affine_W", "affine_b"];

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "golden", name].iter().collect()
}

fn read<const SIZE: usize, T>(name: &str, decode: fn([u8; SIZE]) -> T) -> Vec<T> {
    let bytes = fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    bytes.chunks_exact(SIZE).map(|chunk| decode(chunk.try_into().unwrap())).collect()
}

fn read_f32(name: &str) -> Vec<f32> {
    read(name, f32::from_le_bytes)
}

fn read_f64(name: &str) -> Vec<f64> {
    read(name, f64::from_le_bytes)
}

fn read_u32(name: &str) -> Vec<u32> {
    read(name, u32::from_le_bytes)
}

/// A model with the golden initial weights.
fn model(folder: &str, config: Config) -> SimpleRnnlm {
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    for ((_, mut matrix), file) in model.weights_mut().named().into_iter().zip(FILES) {
        matrix.as_mut_slice().copy_from_slice(&read_f32(&format!("{folder}/{file}.f32")));
    }
    model
}

/// The largest error of a matrix, relative to its largest element.
fn relative_error(ours: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(ours.len(), exact.len());
    let largest = exact.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    ours.iter().zip(exact).fold(0.0, |worst: f64, (&a, b)| worst.max((f64::from(a) - b).abs())) / largest
}

/// tests/data/golden/small/shape.txt
const SMALL: Config = Config { vocab_size: 53, wordvec_size: 7, hidden_size: 11, batch_size: 3, time_size: 4 };

#[test]
fn forty_steps_of_a_small_model() {
    let (xs, ts) = (read_u32("small/xs.u32"), read_u32("small/ts.u32"));
    let losses = read_f64("small/losses.f64");
    for isa in Isa::available() {
        let mut model = model("small", SMALL).with_isa(isa);
        let mut gradients = Gradients::new(SMALL).unwrap();
        let mut worst_loss: f64 = 0.0;
        for (step, ((xs, ts), exact)) in xs.chunks(12).zip(ts.chunks(12)).zip(&losses).enumerate() {
            let window = model.forward(xs, ts).unwrap();
            worst_loss = worst_loss.max((f64::from(window.loss()) - exact).abs() / exact);
            if step > 0 {
                window.sgd(0.5).unwrap();
                continue;
            }
            window.backward(&mut gradients).unwrap();
            for ((name, gradient), file) in gradients.parameters().named().into_iter().zip(FILES) {
                let error = relative_error(gradient.as_slice(), &read_f64(&format!("small/grad_{file}.f64")));
                println!("{}: gradient of {name}: {error:.1e}", isa.name());
                assert!(error < 2e-6, "gradient of {name}: {error:e}");
            }
            Sgd::new(0.5).unwrap().update(&mut model, &gradients).unwrap();
        }
        println!("{}: losses: {worst_loss:.1e}", isa.name());
        assert!(losses.len() == 40 && worst_loss < 1e-6, "a loss is off by {worst_loss:e}");
        for ((name, weights), file) in model.weights().named().into_iter().zip(FILES) {
            let error = relative_error(weights.as_slice(), &read_f64(&format!("small/after_{file}.f64")));
            println!("{}: {name} after 40 steps: {error:.1e}", isa.name());
            assert!(error < 2e-6, "{name} after 40 steps: {error:e}");
        }
        let error = relative_error(model.state(), &read_f64("small/hidden.f64"));
        assert!(error < 2e-6, "hidden state after 40 steps: {error:e}");
    }
}

/// The book's experiment: the first 1000 tokens of the Penn Treebank, kept as ids.
const PTB1000: Config = Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };

fn hundred_epochs(model: SimpleRnnlm) -> Vec<f32> {
    let corpus = read_u32("ptb1000/corpus.u32");
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.1).unwrap()).unwrap();
    trainer.fit(&corpus, 100, |_| ControlFlow::<()>::Continue(())).unwrap();
    trainer.perplexities().to_vec()
}

#[test]
fn the_books_experiment_follows_the_reference() {
    let exact = read_f64("ptb1000/perplexity.f64");
    let ours = hundred_epochs(model("ptb1000", PTB1000));
    assert_eq!((ours.len(), exact.len()), (100, 100));
    let errors: Vec<f64> = ours.iter().zip(&exact).map(|(&a, b)| (f64::from(a) - b).abs() / b).collect();
    // chaos sets in: an error of one ulp grows by about a factor of two every three epochs
    for (epochs, bound) in [(0..20, 1e-6), (20..50, 1e-4), (50..80, 2e-2), (99..100, 0.15)] {
        let worst = errors[epochs.clone()].iter().fold(0.0, |a: f64, &b| a.max(b));
        println!("epochs {epochs:?}: {worst:.1e}");
        assert!(worst < bound, "epochs {epochs:?}: {worst:e}");
    }
}

#[test]
fn the_books_experiment_from_our_own_initial_weights() {
    for seed in 1..=5 {
        let perplexities = hundred_epochs(SimpleRnnlm::new(PTB1000, &mut Xorshift::new(seed)).unwrap());
        println!("seed {seed}: {} ... {}", perplexities[0], perplexities[99]);
        assert!((340.0..460.0).contains(&perplexities[0]), "seed {seed}, epoch 1: {}", perplexities[0]);
        assert!(perplexities[99] < 9.0, "seed {seed}, epoch 100: {}", perplexities[99]);
    }
}
