//! Promise: the gradients are right. The plain f64 reference agrees with central differences of its own loss in EVERY
//! parameter, and the crate agrees with the reference on random shapes, ids, ignored targets and states, on every
//! instruction set.
#![cfg(feature = "alloc")]

use proptest::prelude::*;
use rnnlm::{Config, Gradients, IGNORE, Isa, SimpleRnnlm, Xorshift};

use crate::reference::{Reference, Rows};

/// A model with weights large enough that every term of the gradient counts.
fn model(config: Config, rng: &mut Xorshift) -> SimpleRnnlm {
    let mut model = SimpleRnnlm::new(config, rng).unwrap();
    for (_, mut matrix) in model.weights_mut().named() {
        rng.fill_normal(0.5, matrix.as_mut_slice());
    }
    let mut state = vec![0.0; config.batch_size * config.hidden_size];
    rng.fill_normal(0.5, &mut state);
    model.set_state(&state).unwrap();
    model
}

fn rows(m: rnnlm::Matrix<&[f32]>) -> Rows {
    (0..m.rows()).map(|i| wide(m.row(i).unwrap())).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn reference_of(model: &SimpleRnnlm) -> Reference {
    let w = model.weights();
    Reference {
        embed_w: rows(w.embed_w),
        rnn_wx: rows(w.rnn_wx),
        rnn_wh: rows(w.rnn_wh),
        rnn_b: wide(w.rnn_b.as_slice()),
        affine_w: rows(w.affine_w),
        affine_b: wide(w.affine_b.as_slice()),
    }
}

/// A window of random ids; about one target in five is ignored where `ignoring`.
struct Ids {
    xs: Vec<u32>,
    ts: Vec<u32>,
}

impl Ids {
    fn random(config: &Config, rng: &mut Xorshift, ignoring: bool) -> Self {
        let len = config.batch_size * config.time_size;
        let mut id = || rng.below(config.vocab_size as u32);
        let xs = (0..len).map(|_| id()).collect();
        let mut ts: Vec<u32> = (0..len).map(|_| id()).collect();
        if ignoring {
            ts.iter_mut().filter(|_| rng.below(5) == 0).for_each(|t| *t = IGNORE);
        }
        Self { xs, ts }
    }

    fn nested(&self, config: &Config) -> (Vec<Vec<usize>>, Vec<Vec<Option<usize>>>) {
        let t = config.time_size;
        let xs = self.xs.chunks(t).map(|row| row.iter().map(|&x| x as usize).collect()).collect();
        let target = |&t: &u32| (t != IGNORE).then_some(t as usize);
        let ts = self.ts.chunks(t).map(|row| row.iter().map(target).collect()).collect();
        (xs, ts)
    }
}

fn states(model: &SimpleRnnlm) -> Rows {
    model.state().chunks(model.config().hidden_size).map(wide).collect()
}

/// The crate against the reference: loss, new state, every gradient.
fn compare(config: Config, seed: u64, ignoring: bool) {
    let mut rng = Xorshift::new(seed);
    let fresh = model(config, &mut rng);
    let ids = Ids::random(&config, &mut rng, ignoring);
    let (xs, ts) = ids.nested(&config);
    let mut h = states(&fresh);
    let (loss, mut expected) = reference_of(&fresh).step(&xs, &ts, &mut h);
    for isa in Isa::available() {
        let mut model = fresh.clone().with_isa(isa);
        let mut gradients = Gradients::new(config).unwrap();
        let window = model.forward(&ids.xs, &ids.ts).unwrap();
        let ours = f64::from(window.backward(&mut gradients).unwrap());
        assert!((ours - loss).abs() <= 2e-6 * loss.max(1.0), "{isa:?}: loss {ours} not {loss}");
        for (ours, theirs) in model.state().iter().zip(h.iter().flatten()) {
            assert!((f64::from(*ours) - theirs).abs() < 5e-6, "{isa:?}: state {ours} not {theirs}");
        }
        let mut expected = expected.flat().into_iter();
        for (name, matrix) in gradients.parameters().named() {
            let ours = matrix.as_slice();
            let theirs: Vec<f64> = expected.by_ref().take(ours.len()).map(|g| *g).collect();
            // in tiny models a whole tensor can cancel
            let largest = theirs.iter().fold(0.05, |a: f64, &b| a.max(b.abs()));
            for (i, (&ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                let error = (f64::from(ours) - theirs).abs() / largest;
                assert!(error < 1e-5, "{isa:?}: {name} element {i} is {ours}, not {theirs}");
            }
        }
    }
}

#[test]
fn the_reference_agrees_with_central_differences_of_every_parameter() {
    let config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
    for (seed, ignoring) in [(1, false), (2, true), (3, true)] {
        let mut rng = Xorshift::new(seed);
        let model = model(config, &mut rng);
        let (xs, ts) = Ids::random(&config, &mut rng, ignoring).nested(&config);
        let mut reference = reference_of(&model);
        let (_, mut gradient) = reference.step(&xs, &ts, &mut states(&model));
        let gradient: Vec<f64> = gradient.flat().into_iter().map(|g| *g).collect();
        assert!(gradient.iter().filter(|g| g.abs() > 1e-4).count() > gradient.len() / 2);
        for (i, &analytic) in gradient.iter().enumerate() {
            let step = 1e-5;
            let mut loss_at = |offset: f64| {
                *reference.flat()[i] += offset;
                let loss = reference.loss(&xs, &ts, &mut states(&model));
                *reference.flat()[i] -= offset;
                loss
            };
            let numeric = (loss_at(step) - loss_at(-step)) / (2.0 * step);
            assert!((numeric - analytic).abs() < 1e-8, "parameter {i}: {analytic} but differences give {numeric}");
        }
    }
}

#[test]
fn the_crate_agrees_at_tile_edges() {
    for hidden_size in [1, 5, 6, 7, 8, 9, 15, 16, 17, 33] {
        let config = Config { vocab_size: 18, wordvec_size: 9, hidden_size, batch_size: 3, time_size: 4 };
        compare(config, hidden_size as u64, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]
    #[test]
    fn the_crate_agrees_on_random_shapes(
        (vocab_size, wordvec_size, hidden_size) in (1_usize..40, 1_usize..24, 1_usize..24),
        (batch_size, time_size) in (1_usize..6, 1_usize..7),
        seed in any::<u64>(),
        ignoring in any::<bool>(),
    ) {
        compare(Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size }, seed, ignoring);
    }
}

/// Each element of a product is one chain of fused multiply-adds, for the same bits everywhere, and its error grows
/// with the chain: V long for the gradient of the hidden states, from which all but the output weights' come. Sums that
/// are split err less: `tests/data/generate/accuracy.py` shows NumPy's.
#[test]
#[ignore = "ten seconds"]
fn gradients_of_large_vocabularies() {
    for (vocab_size, size, bound) in [(10_000, 100, 2.5e-6), (70_000, 16, 7e-6)] {
        let [wordvec_size, hidden_size] = [size; 2];
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size: 20, time_size: 35 };
        let mut rng = Xorshift::new(1);
        let mut model = SimpleRnnlm::new(config, &mut rng).unwrap();
        rng.fill_normal(0.1, model.weights_mut().rnn_b.as_mut_slice());
        rng.fill_normal(0.1, model.weights_mut().affine_b.as_mut_slice());
        let ids = Ids::random(&config, &mut rng, false);
        let (xs, ts) = ids.nested(&config);
        let (loss, mut expected) = reference_of(&model).step(&xs, &ts, &mut states(&model));
        let mut gradients = Gradients::new(config).unwrap();
        let ours = model.forward(&ids.xs, &ids.ts).unwrap().backward(&mut gradients).unwrap();
        println!("V={vocab_size} D=H={size} N=20 T=35, largest error over largest element");
        println!("  loss: {:.1e}", (f64::from(ours) / loss - 1.0).abs());
        let mut expected = expected.flat().into_iter();
        for (name, matrix) in gradients.parameters().named() {
            let (mut error, mut largest): (f64, f64) = (0.0, 0.0);
            for (ours, theirs) in matrix.as_slice().iter().zip(expected.by_ref()) {
                error = error.max((f64::from(*ours) - *theirs).abs());
                largest = largest.max(theirs.abs());
            }
            println!("  {name}: {:.1e}", error / largest);
            assert!(error < bound * largest, "{name}: {error:e} of {largest:e}");
        }
    }
}

#[test]
fn a_window_of_ignored_targets_is_loss_zero_and_gradient_zero() {
    let config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
    let mut rng = Xorshift::new(5);
    let mut model = model(config, &mut rng);
    let ids = Ids { ts: vec![IGNORE; 6], ..Ids::random(&config, &mut rng, false) };
    let mut gradients = Gradients::with_buffers(config, vec![7.0; config.memory().unwrap().weights]).unwrap();
    assert_eq!(model.forward(&ids.xs, &ids.ts).unwrap().backward(&mut gradients), Ok(0.0));
    for (name, gradient) in gradients.parameters().named() {
        assert!(gradient.as_slice().iter().all(|&g| g == 0.0), "{name}");
    }
    let before = model.weights_block().to_vec();
    assert_eq!(model.forward(&ids.xs, &ids.ts).unwrap().sgd(1.0), Ok(0.0));
    assert_eq!(model.weights_block(), before);
}

#[test]
fn far_logits_are_safe() {
    let config = Config { vocab_size: 20, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    for isa in Isa::available() {
        let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        model.weights_mut().affine_b.as_mut_slice().fill(-1e4);
        model.weights_mut().affine_b.as_mut_slice()[3] = 1e4;
        assert_eq!(model.forward(&[1, 2], &[3, 3]).unwrap().loss(), 0.0);
        let loss = model.forward(&[1, 2], &[4, 4]).unwrap().sgd(0.1).unwrap();
        assert!((loss - 2e4).abs() < 5.0, "{loss}");
    }
}

#[test]
fn clipping_gives_the_norm_before_it() {
    let config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut gradients = Gradients::new(config).unwrap();
    model.forward(&[0, 1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6]).unwrap().backward(&mut gradients).unwrap();
    let norm = gradients.norm();
    assert!(norm > 0.1);
    let (loose, tight) = (2.0 * norm, norm / 4.0);
    assert_eq!(gradients.clip(loose), Ok(norm));
    assert_eq!(gradients.clip(tight), Ok(norm));
    let clipped = gradients.norm();
    assert!((clipped - tight).abs() < 1e-5 * norm, "{clipped} {tight}");
    assert_eq!(gradients.clip(tight / 2.0), Ok(clipped));
}
