//! Promise: the same bits everywhere. One training run gives the same weights on every instruction set, in debug
//! and in release, in place or through stored gradients, on the heap or in the caller's memory.
//!
//! The golden hashes are part of the interface: changing one is a breaking change.
#![cfg(feature = "alloc")]

use proptest::prelude::*;
use rnnlm::{Cell, Config, Gradients, Isa, Model, Sgd, SimpleRnnlm, Storage, Xorshift, exp, sigmoid, tanh};

use crate::edges;

/// FNV-1a over the bytes of the weights, then of the hidden state.
pub fn hash<C: Cell>(model: &Model<C, impl Storage, impl Storage>) -> u64 {
    let floats = model.weights_block().iter().chain(model.state());
    floats
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Random ids with a pattern to learn: each target follows from its input, nine times in ten.
pub fn window(config: &Config, rng: &mut Xorshift) -> (Vec<u32>, Vec<u32>) {
    let v = config.vocab_size as u32;
    let xs: Vec<u32> = (0..config.batch_size * config.time_size).map(|_| rng.below(v)).collect();
    let ts = xs.iter().map(|x| if rng.below(10) == 0 { rng.below(v) } else { (x * 5 + 3) % v }).collect();
    (xs, ts)
}

fn train(model: &mut SimpleRnnlm<impl Storage, impl Storage>, steps: usize, learning_rate: f32) {
    let mut rng = Xorshift::new(11);
    for _ in 0..steps {
        let (xs, ts) = window(&model.config(), &mut rng);
        model.forward(&xs, &ts).unwrap().sgd(learning_rate).unwrap();
    }
}

/// Workload E of the benchmarks.
pub const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// Workload S: the book's experiment.
const S: Config = Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };

fn trained(config: Config, isa: Isa, steps: usize) -> u64 {
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa);
    train(&mut model, steps, 0.1);
    hash(&model)
}

#[test]
fn workload_e_has_its_golden_hash_on_every_instruction_set() {
    for isa in Isa::available() {
        assert_eq!(format!("{:016x}", trained(E, isa, 10_000)), "9c91a84c5e170fac", "{}", isa.name());
    }
}

/// What microcontrollers without an FPU have the time for.
#[test]
fn workload_e_has_its_golden_hash_after_200_steps() {
    for isa in Isa::available() {
        assert_eq!(format!("{:016x}", trained(E, isa, 200)), "19b02a941f822e90", "{}", isa.name());
    }
}

#[test]
fn the_edges_have_their_golden_hash_on_every_instruction_set() {
    for isa in Isa::available() {
        let memory = &mut [0.0; edges::MEMORY];
        let found = [edges::hash(isa, memory), edges::columns(isa, memory), edges::sigmoids(isa, memory)];
        let golden = [edges::GOLDEN, edges::COLUMNS, edges::SIGMOIDS];
        assert_eq!(format!("{found:016x?}"), format!("{golden:016x?}"), "{}", isa.name());
    }
}

#[test]
fn workload_s_has_its_golden_hash_on_every_instruction_set() {
    for isa in Isa::available() {
        assert_eq!(format!("{:016x}", trained(S, isa, 20)), "f73dbbecedbb274a", "{}", isa.name());
        // the portable path emulates the fused multiply-add, and takes twenty steps for a thousand of the others
        if isa != Isa::SCALAR {
            assert_eq!(format!("{:016x}", trained(S, isa, 1_000)), "5f04e7ef05c83d2a", "{}", isa.name());
        }
    }
}

/// A mask by biases and logits that training has driven apart, at every distance from where exponentials still count to
/// far beyond: no gradient is subnormal, which would cost many processors a hundred times the time.
#[test]
fn logits_far_apart_give_the_same_bits_and_no_subnormal_gradient() {
    for config in [E, Config { vocab_size: 37, wordvec_size: 7, hidden_size: 9, batch_size: 3, time_size: 4 }] {
        for spread in (40..=200).step_by(4) {
            let mut fresh = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(Isa::SCALAR);
            for (word, bias) in fresh.weights_mut().affine_b.as_mut_slice().iter_mut().enumerate() {
                let part = if word % 4 == 1 { 1.0 } else { word as f32 / config.vocab_size as f32 };
                *bias = if word % 2 == 0 { 0.0 } else { -part * spread as f32 };
            }
            let mut oracle = fresh.clone();
            train(&mut oracle, 3, 0.1);
            let mut gradients = Gradients::new(config).unwrap();
            for isa in Isa::available() {
                let mut model = fresh.clone().with_isa(isa);
                let (xs, ts) = window(&config, &mut Xorshift::new(11));
                model.forward(&xs, &ts).unwrap().backward(&mut gradients).unwrap();
                for (name, gradient) in gradients.parameters().named() {
                    let subnormal = gradient.as_slice().iter().find(|g| g.is_subnormal());
                    assert_eq!(subnormal, None, "{} {name} {spread} {config:?}", isa.name());
                }
                let mut model = fresh.clone().with_isa(isa);
                train(&mut model, 3, 0.1);
                assert_eq!(hash(&model), hash(&oracle), "{} {spread} {config:?}", isa.name());
            }
        }
    }
}

/// Sizes whose recurrence stays in registers, and sizes beside them.
#[test]
fn a_batch_of_one_gives_the_same_bits_where_all_steps_are_one_loop() {
    for hidden_size in [4, 8, 16, 24, 32, 64] {
        for (vocab_size, wordvec_size, time_size) in
            [(3, 8, 2), (4, 16, 1), (29, 16, 3), (64, 17, 2), (64, 32, 8), (127, 8, 4), (129, 16, 2), (65, 64, 1)]
        {
            let config = Config { vocab_size, wordvec_size, hidden_size, batch_size: 1, time_size };
            let expected = trained(config, Isa::SCALAR, 4);
            for isa in Isa::available() {
                assert_eq!(trained(config, isa, 4), expected, "{} {config:?}", isa.name());
            }
        }
    }
}

#[test]
fn an_expected_instruction_set_is_there() {
    let Ok(names) = std::env::var("RNNLM_REQUIRE_ISA") else {
        println!("RNNLM_REQUIRE_ISA is not set: no instruction set is required of this machine");
        return;
    };
    for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
        assert!(Isa::by_name(name).is_ok(), "RNNLM_REQUIRE_ISA names {name}, which this machine lacks");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]
    #[test]
    fn every_way_of_training_gives_the_same_bits(
        (vocab_size, wordvec_size, hidden_size) in (1_usize..40, 1_usize..40, 1_usize..40),
        (batch_size, time_size) in (1_usize..8, 1_usize..6),
        seed in any::<u64>(),
    ) {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        let mut oracle = SimpleRnnlm::new(config, &mut Xorshift::new(seed)).unwrap().with_isa(Isa::SCALAR);
        let fresh = oracle.clone();
        train(&mut oracle, 3, 0.5);
        let expected = hash(&oracle);
        for isa in Isa::available() {
            let mut in_place = fresh.clone().with_isa(isa);
            train(&mut in_place, 3, 0.5);
            prop_assert_eq!(hash(&in_place), expected, "in place on {}", isa.name());

            let mut stored = fresh.clone().with_isa(isa);
            let mut gradients = Gradients::new(config).unwrap();
            let mut rng = Xorshift::new(11);
            for _ in 0..3 {
                let (xs, ts) = window(&config, &mut rng);
                stored.forward(&xs, &ts).unwrap().backward(&mut gradients).unwrap();
                Sgd::new(0.5).unwrap().update(&mut stored, &gradients).unwrap();
            }
            prop_assert_eq!(hash(&stored), expected, "stored gradients on {}", isa.name());

            let memory = config.memory().unwrap();
            let mut weights = fresh.weights_block().to_vec();
            // memory that was used before, at an odd address
            let mut workspace = vec![f32::NAN; memory.workspace + 1];
            let mut borrowed =
                SimpleRnnlm::with_buffers(config, &mut weights[..], &mut workspace[1..]).unwrap().with_isa(isa);
            train(&mut borrowed, 3, 0.5);
            prop_assert_eq!(hash(&borrowed), expected, "borrowed memory on {}", isa.name());
        }
    }

    #[test]
    fn evaluation_has_the_same_bits(seed in any::<u64>(), len in 2_usize..60) {
        let config = Config { vocab_size: 19, wordvec_size: 9, hidden_size: 17, batch_size: 3, time_size: 5 };
        let mut rng = Xorshift::new(seed);
        let tokens: Vec<u32> = (0..len).map(|_| rng.below(19)).collect();
        let fresh = SimpleRnnlm::new(config, &mut rng).unwrap();
        let loss = fresh.clone().with_isa(Isa::SCALAR).evaluate(&tokens).unwrap();
        for isa in Isa::available() {
            prop_assert_eq!(fresh.clone().with_isa(isa).evaluate(&tokens).unwrap().to_bits(), loss.to_bits());
        }
        // the window in which the text is read does not show
        let whole = Config { batch_size: 1, time_size: 60, ..config };
        let workspace = vec![0.0; whole.memory().unwrap().workspace];
        let mut other = SimpleRnnlm::with_buffers(whole, fresh.weights_block().to_vec(), workspace).unwrap();
        prop_assert_eq!(other.evaluate(&tokens).unwrap().to_bits(), loss.to_bits());
    }

    #[test]
    fn exp_tanh_and_sigmoid_have_the_same_bits(patterns in prop::collection::vec(any::<u32>(), 0..70)) {
        for function in [exp, tanh, sigmoid] {
            let mut expected: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
            let inputs = expected.clone();
            function(Isa::SCALAR, &mut expected);
            for isa in Isa::available() {
                let mut ours = inputs.clone();
                function(isa, &mut ours);
                for ((x, a), b) in inputs.iter().zip(&ours).zip(&expected) {
                    prop_assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{x:e}: {a:e} {b:e}");
                }
            }
        }
    }
}

/// From 512 columns on a row is multiplied in blocks of k. A word vector is followed by those of the other words.
#[test]
fn a_wide_model_predicts_with_the_same_bits_on_every_instruction_set() {
    for (wordvec_size, hidden_size) in [(30, 512), (100, 530), (7, 600)] {
        let config = Config { vocab_size: 520, wordvec_size, hidden_size, batch_size: 1, time_size: 1 };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
        let predictions = Isa::available().map(|isa| {
            let mut predictor = model.predictor().unwrap().with_isa(isa);
            [3, 0, 519].map(|id| predictor.feed(id).unwrap().iter().map(|p| p.to_bits()).collect::<Vec<u32>>())
        });
        let predictions: Vec<_> = predictions.collect();
        assert!(predictions.windows(2).all(|pair| pair[0] == pair[1]), "D = {wordvec_size}, H = {hidden_size}");
    }
}
