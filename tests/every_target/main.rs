//! Promise: the same bits and the same bytes on every target, 32-bit and big-endian ones included, and no undefined
//! behaviour on any path.
//!
//! Every public way through the unsafe code, at sizes small enough for an interpreter, in memory that is exactly as
//! long as it must be, so that Miri sees every access beyond it. `.ci/full miri big_endian` interprets these tests and
//! those of the library on all vector paths and on a big-endian target, `.ci/full i686 emulated` runs them on other
//! processors; a single line of the former, which takes minutes, is
//!
//! ```text
//! export RNNLM_REQUIRE_ISA=avx512 MIRIFLAGS="-Zmiri-env-forward=RNNLM_REQUIRE_ISA"
//! export RUSTFLAGS="-Ctarget-feature=+avx2,+fma,+avx512f"    # MIRIFLAGS would not reach the library
//! cargo +nightly miri test --target x86_64-unknown-linux-gnu --test every_target
//! ```
//!
//! The golden hashes are part of the interface: changing one is a breaking change.
#![cfg(feature = "alloc")]

mod detector;
mod lstm;

use std::ops::ControlFlow;

use rnnlm::{
    BlockDevice, Candidate, Cell, Checkpoint, Config, Form, Gradients, Isa, Matmul, Model, OnlineLearner, Predictor,
    RnnlmTrainer, Sampler, Sgd, SimpleRnnlm, Start, TanhCell, TrainingState, TwoSlots, Xorshift, exp, matmul_scratch,
    tanh,
};

/// No size is a multiple of a vector, and the hidden state is longer than the longest one.
const TINY: Config = Config { vocab_size: 19, wordvec_size: 5, hidden_size: 17, batch_size: 2, time_size: 3 };

/// FNV-1a.
fn hash(bytes: impl IntoIterator<Item = u8>) -> String {
    let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, fnv))
}

fn bytes_of<'x>(floats: impl IntoIterator<Item = &'x f32>) -> Vec<u8> {
    floats.into_iter().flat_map(|x| x.to_bits().to_le_bytes()).collect()
}

fn model<C: Cell>(config: Config, isa: Isa) -> Model<C> {
    Model::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa)
}

fn tokens(len: usize) -> Vec<u32> {
    let mut rng = Xorshift::new(5);
    (0..len).map(|_| rng.below(19)).collect()
}

/// Values of both signs and of magnitudes from 2^-31 to 2^8. (`powi` is not exact in Miri.)
fn floats(rng: &mut Xorshift, len: usize) -> Vec<f32> {
    (0..len).map(|_| (rng.uniform() - 0.5) * f32::from_bits((97 + rng.below(40)) << 23)).collect()
}

/// Trains four steps over eight tokens, and stops within the second epoch.
fn trained<C: Cell>(isa: Isa, max_norm: Option<f32>) -> (Model<C>, TrainingState) {
    let mut trainer = RnnlmTrainer::new(model(TINY, isa), Sgd::new(0.5).unwrap()).unwrap().with_eval_interval(1);
    if let Some(max_norm) = max_norm {
        trainer = trainer.with_clipping(max_norm, Gradients::new_as(TINY).unwrap()).unwrap();
    }
    let mut steps = 0;
    let corpus = tokens(8);
    trainer
        .fit(&corpus, usize::MAX, |_| {
            steps += 1;
            if steps == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    let state = TrainingState { seed: 1, rng: 2, best_loss: 2.5, ..trainer.training_state() };
    (trainer.into_model(), state)
}

#[test]
fn an_expected_instruction_set_is_there() {
    let names = std::env::var("RNNLM_REQUIRE_ISA").unwrap_or_default();
    for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
        assert!(Isa::by_name(name).is_ok(), "RNNLM_REQUIRE_ISA names {name}, which this machine lacks");
    }
}

#[test]
fn training_has_its_golden_hash() {
    for isa in Isa::available() {
        for (max_norm, golden) in [(None, IN_PLACE), (Some(0.25), CLIPPED)] {
            let (model, _) = trained::<TanhCell>(isa, max_norm);
            let found = hash(bytes_of(model.weights_block().iter().chain(model.state())));
            assert_eq!(found, golden, "{} {max_norm:?}", isa.name());
        }
    }
}

#[test]
fn a_checkpoint_has_its_golden_bytes_and_comes_back_from_them() {
    let (model, state) = trained::<TanhCell>(Isa::detect(), Some(0.25));
    let words: String = (0..19).map(|i| format!("wörd{i}\n")).collect();
    let len = Checkpoint::encoded_len(TINY, words.len()).unwrap();
    // one of four addresses is aligned
    let mut memory = vec![0_u8; len + 3];
    for shift in 0..4 {
        let file = &mut memory[shift..shift + len];
        assert_eq!(Checkpoint::write(&model, &state, &words, file), Ok(len));
        assert_eq!(hash(file.iter().copied()), FILE);
        let checkpoint = Checkpoint::read(file).unwrap();
        assert_eq!((checkpoint.config(), checkpoint.training()), (TINY, Some(state)));
        assert_eq!(checkpoint.words().nth(18), Some("wörd18"));
        let mut other = SimpleRnnlm::new(TINY, &mut Xorshift::new(9)).unwrap();
        checkpoint.load(&mut other).unwrap();
        assert_eq!((other.weights_block(), other.state()), (model.weights_block(), model.state()));

        let aligned = file.as_ptr().addr().is_multiple_of(4);
        let in_place = checkpoint.weights();
        assert_eq!(in_place.is_some(), aligned && cfg!(target_endian = "little"));
        if let Some(weights) = in_place {
            assert_eq!(weights, model.weights());
            let memory = vec![0.0; TINY.memory().unwrap().prediction];
            let mut predictor = Predictor::with_buffers(weights, memory).unwrap();
            assert_eq!(predictor.feed(3).unwrap(), model.predictor().unwrap().feed(3).unwrap());
        }
    }
}

#[test]
fn scores_predictions_and_samples_have_their_golden_hash() {
    for isa in Isa::available() {
        let (mut model, _) = trained::<TanhCell>(isa, None);
        let mut seen = Vec::new();
        // longer than a window, so it is read in pieces
        let loss = model.score(&tokens(15), |score| {
            seen.extend(score.loss.to_bits().to_le_bytes());
            seen.extend((score.rank as u32).to_le_bytes());
        });
        seen.extend(loss.unwrap().to_bits().to_le_bytes());

        let memory = vec![0.0; TINY.memory().unwrap().prediction];
        let mut predictor =
            Predictor::with_buffers(model.weights(), memory).unwrap().with_isa(isa).with_temperature(0.7).unwrap();
        let mut best = [Candidate::default(); 4];
        let mut sampler = Sampler::new(Xorshift::new(3)).with_skip(&[0, 7]).with_top(&mut best);
        let mut id = 1;
        for _ in 0..5 {
            let probabilities = predictor.feed(id).unwrap();
            seen.extend(bytes_of(probabilities));
            id = sampler.choose(probabilities).unwrap();
            seen.extend(id.to_le_bytes());
        }

        let config = Config { batch_size: 1, ..TINY };
        let mut learner = OnlineLearner::new(self::model::<TanhCell>(config, isa), 0.5).unwrap();
        for id in tokens(8) {
            if let Some(score) = learner.observe(id).unwrap() {
                seen.extend(score.loss.to_bits().to_le_bytes());
            }
        }
        seen.extend(bytes_of(learner.model().weights_block()));
        let mut sliced = OnlineLearner::new(self::model::<TanhCell>(config, isa), 0.5).unwrap();
        for id in tokens(8) {
            sliced.read(id).unwrap();
            sliced.learn().unwrap();
        }
        assert_eq!(sliced.model().weights_block(), learner.model().weights_block(), "in slices, {isa}");
        assert_eq!(hash(seen), SCORES, "{}", isa.name());
    }
}

/// Bits and nothing beyond the ends, at every number of lanes that a tail can have.
#[test]
fn exp_and_tanh_of_every_length_have_their_golden_hash() {
    for isa in Isa::available() {
        let (mut rng, mut seen) = (Xorshift::new(2), Vec::new());
        for len in (0..=17).chain([31, 32, 33]) {
            for function in [exp, tanh] {
                let mut xs = floats(&mut rng, len).into_boxed_slice();
                function(isa, &mut xs);
                seen.extend(bytes_of(&*xs));
            }
        }
        assert_eq!(hash(seen), EXP_TANH, "{}", isa.name());
    }
}

/// Tile edges of every instruction set, and the widths from which operands are packed.
#[test]
fn products_have_their_golden_hash() {
    let edges = [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 33];
    let small = edges.iter().flat_map(|&n| [[1, 2, n], [5, 3, n], [2, 0, n], [13, 1, n]]);
    let long = [[3, 9, 65], [1, 2, 129], [2, 1, 130], [7, 2, 81], [2, 385, 5]];
    let all_ways =
        |shape| [Form::Nn, Form::Nt, Form::Tn].into_iter().flat_map(move |f| [(shape, f, false), (shape, f, true)]);
    // the wide one is packed in this form alone, and is many interpreted instructions
    let cases: Vec<_> = small.chain(long).flat_map(all_ways).chain([([64, 1, 513], Form::Tn, true)]).collect();
    for isa in Isa::available() {
        let (mut rng, mut seen) = (Xorshift::new(4), Vec::new());
        for &([m, k, n], form, add) in &cases {
            let [a, b, mut c] = [m * k, k * n, m * n].map(|len| floats(&mut rng, len).into_boxed_slice());
            let mut scratch = vec![f32::NAN; matmul_scratch(form, [m, k, n])].into_boxed_slice();
            let start = if add { Start::C } else { Start::Zero };
            Matmul { form, m, k, n, a: &a, b: &b, c: &mut c, start, scratch: &mut scratch }.run(isa).unwrap();
            seen.extend(bytes_of(&*c));
        }
        assert_eq!(hash(seen), PRODUCTS, "{}", isa.name());
    }
}

/// Flash in memory.
struct Ram(Vec<u8>);

impl BlockDevice for Ram {
    type Error = ();
    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
        to.copy_from_slice(self.0.get(address..address + to.len()).ok_or(())?);
        Ok(())
    }
    fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
        self.0.get_mut(address..address + len).ok_or(())?.fill(0xff);
        Ok(())
    }
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
        self.0.get_mut(address..address + bytes.len()).ok_or(())?.copy_from_slice(bytes);
        Ok(())
    }
}

#[test]
fn slots_have_their_golden_bytes() {
    let mut slots = TwoSlots::new(Ram(vec![0; 256]), 128);
    slots.save(b"first").unwrap();
    slots.save("zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich".as_bytes()).unwrap();
    let mut bytes = [0; 128];
    assert_eq!(slots.load(&mut bytes), Ok(67));
    assert_eq!(hash(slots.into_device().0), SLOTS);
}

const IN_PLACE: &str = "03c5da9f314ffa21";
const CLIPPED: &str = "e1a7411b071b04c9";
const FILE: &str = "09a211e95f56c1e1";
const SCORES: &str = "07f6ed663a15952c";
const EXP_TANH: &str = "117c5ceb0e88d0c2";
const PRODUCTS: &str = "a57b1b61c1f37d2a";
const SLOTS: &str = "b359a3d17eb840f4";
