//! One hash over what the kernels give at the edges of their tiles and at the ends of the number range: the same on
//! every instruction set, so firmware compares its own with that of the desktop.

use rnnlm::{
    Candidate, Config, Form, Isa, Matmul, Predictor, SimpleRnnlm, Start, Xorshift, exp, matmul_scratch, sigmoid, tanh,
    top,
};

/// The hash of the portable path.
pub const GOLDEN: u64 = 0xc19d_186f_3c0a_14bd;

/// The hash of [`columns`] on the portable path.
pub const COLUMNS: u64 = 0x9b62_abd2_fc74_4449;

/// The hash of [`sigmoids`] on the portable path.
pub const SIGMOIDS: u64 = 0xb4aa_7ca0_1e6f_df22;

/// The floats of memory that [`hash`] needs.
pub const MEMORY: usize = 10_240;

/// FNV-1a over bits, every NaN as one.
pub struct Hash(pub u64);

impl Hash {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn add(&mut self, floats: &[f32]) {
        for x in floats {
            let bits = if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
            for byte in bits.to_le_bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
}

/// Products of every form, exp and tanh of every kind of number, the steps of models with odd sizes, predictions where
/// a logit is not finite or far below the largest, and lists of the largest among numbers of every kind.
pub fn hash(isa: Isa, memory: &mut [f32]) -> u64 {
    let mut hash = Hash::new();
    products(isa, memory, &mut hash);
    functions(isa, memory, &mut hash);
    let sizes = [
        (29, 5, 19, 3, 3),
        (64, 16, 32, 1, 8),
        (7, 1, 9, 2, 1),
        (17, 24, 33, 1, 5),
        (40, 4, 16, 4, 2),
        (1, 2, 1, 1, 3),
    ];
    for (vocab_size, wordvec_size, hidden_size, batch_size, time_size) in sizes {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        for (scale, rate) in [(1.0, 0.3), (40.0, 0.001), (3000.0, 1e-6)] {
            steps(isa, config, scale, rate, memory, &mut hash);
        }
    }
    bad_logits(isa, memory, &mut hash);
    far_logits(isa, memory, &mut hash);
    lists(memory, &mut hash);
    hash.0
}

/// As [`hash`], of products of every number of columns to beyond two blocks of sixteen, and of models where two columns
/// remain beyond a multiple of four.
pub fn columns(isa: Isa, memory: &mut [f32]) -> u64 {
    let mut hash = Hash::new();
    products_of(isa, memory, &mut hash, [&[1, 2, 4, 5], &[0, 1, 4, 7], &core::array::from_fn::<_, 36, _>(|n| n + 1)]);
    for (vocab_size, wordvec_size, hidden_size, batch_size, time_size) in [(18, 6, 10, 2, 2), (22, 3, 2, 1, 3)] {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        steps(isa, config, 1.0, 0.3, memory, &mut hash);
    }
    hash.0
}

/// As [`hash`], of sigmoid of every kind of number and of every number of them to beyond a vector.
pub fn sigmoids(isa: Isa, memory: &mut [f32]) -> u64 {
    let mut hash = Hash::new();
    of_every_kind(isa, memory, &mut hash, &[sigmoid]);
    let mut rng = Xorshift::new(6);
    for len in 0..35 {
        // one of a hundred is far from 0 or no number
        memory[..len].fill_with(|| match rng.below(100) {
            0 => f32::from_bits(rng.next_u32()),
            _ => rng.uniform() * 80.0 - 40.0,
        });
        sigmoid(isa, &mut memory[..len]);
        hash.add(&memory[..len]);
    }
    hash.0
}

fn products(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    let columns = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 35];
    products_of(isa, memory, hash, [&[1, 2, 3, 4, 7], &[0, 1, 2, 3, 4, 5, 8, 11], &columns]);
}

/// Of every form and start, for all of these m, k and n.
fn products_of(isa: Isa, memory: &mut [f32], hash: &mut Hash, [ms, ks, ns]: [&[usize]; 3]) {
    let mut rng = Xorshift::new(5);
    let (operands, rest) = memory.split_at_mut(2048);
    let (c, scratch) = rest.split_at_mut(512);
    for &m in ms {
        for &k in ks {
            for &n in ns {
                for form in [Form::Nn, Form::Nt, Form::Tn] {
                    operands[..m * k + k * n].fill_with(|| rng.uniform() * 2.0 - 1.0);
                    let (a, b) = operands.split_at(m * k);
                    let c = &mut c[..m * n];
                    let scratch = &mut scratch[..matmul_scratch(form, [m, k, n])];
                    for start in [Start::Zero, Start::C] {
                        Matmul { form, m, k, n, a, b, c: &mut *c, start, scratch: &mut *scratch }.run(isa).unwrap();
                        hash.add(c);
                    }
                }
            }
        }
    }
}

fn functions(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    of_every_kind(isa, memory, hash, &[exp, tanh]);
}

fn of_every_kind(isa: Isa, memory: &mut [f32], hash: &mut Hash, functions: &[fn(Isa, &mut [f32])]) {
    for function in functions {
        // odd distances: every binade of both signs, from zeros over subnormals to infinities and NaN
        for start in (0..u32::MAX - 1024 * 9973).step_by(1024 * 9973) {
            let block = &mut memory[..1024];
            for (i, x) in (0..).zip(block.iter_mut()) {
                *x = f32::from_bits(start + i * 9973);
            }
            function(isa, block);
            hash.add(block);
        }
    }
}

/// Trains some steps from weights that are scaled up, then predicts: logits far apart reach the ends of exp.
fn steps(isa: Isa, config: Config, scale: f32, rate: f32, memory: &mut [f32], hash: &mut Hash) {
    let sizes = config.memory().unwrap();
    let (weights, rest) = memory.split_at_mut(sizes.weights);
    let (workspace, rest) = rest.split_at_mut(sizes.workspace);
    let mut rng = Xorshift::new(3);
    let mut model = SimpleRnnlm::with_buffers(config, weights, workspace).unwrap().with_isa(isa);
    model.initialize(&mut rng);
    model.weights_mut().affine_w.as_mut_slice().iter_mut().for_each(|w| *w *= scale);
    let (mut xs, mut ts) = ([0; 16], [0; 16]);
    let rows = config.batch_size * config.time_size;
    for _ in 0..4 {
        let draw = |ids: &mut [u32; 16], rng: &mut Xorshift| {
            ids[..rows].fill_with(|| rng.below(config.vocab_size as u32));
        };
        draw(&mut xs, &mut rng);
        draw(&mut ts, &mut rng);
        let loss = model.forward(&xs[..rows], &ts[..rows]).unwrap().sgd(rate).unwrap();
        hash.add(&[loss]);
    }
    hash.add(model.weights_block());
    hash.add(model.state());
    let buffer = &mut rest[..config.memory().unwrap().prediction];
    let mut predictor = Predictor::with_buffers(model.weights(), buffer).unwrap().with_isa(isa);
    for id in [0, config.vocab_size as u32 - 1] {
        hash.add(predictor.feed(id).unwrap());
    }
}

/// Predictions with one bias that is not finite, at every place: refused or not, and the probabilities.
fn bad_logits(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    let config = Config { vocab_size: 21, wordvec_size: 2, hidden_size: 3, batch_size: 1, time_size: 1 };
    let sizes = config.memory().unwrap();
    let (weights, rest) = memory.split_at_mut(sizes.weights);
    let (workspace, rest) = rest.split_at_mut(sizes.workspace);
    let mut model = SimpleRnnlm::with_buffers(config, weights, workspace).unwrap();
    model.initialize(&mut Xorshift::new(4));
    let buffer = &mut rest[..config.memory().unwrap().prediction];
    for level in [0.0, -9.0] {
        model.weights_mut().affine_b.as_mut_slice().fill(level);
        for place in 0..config.vocab_size {
            for bad in [0x7f80_0000, 0xff80_0000, 0x7f80_0123, 0x7fc0_01ff, 0xff80_0123, 0xffff_ffff] {
                model.weights_mut().affine_b.as_mut_slice()[place] = f32::from_bits(bad);
                let mut predictor = Predictor::with_buffers(model.weights(), &mut *buffer).unwrap().with_isa(isa);
                match predictor.feed(1) {
                    Ok(probabilities) => hash.add(probabilities),
                    Err(_) => hash.add(&[-1.0]),
                }
            }
            model.weights_mut().affine_b.as_mut_slice()[place] = level;
        }
    }
}

/// Predictions and a step where biases reach down to where exponentials count as 0, and beyond.
fn far_logits(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    let config = Config { vocab_size: 41, wordvec_size: 2, hidden_size: 3, batch_size: 1, time_size: 2 };
    let sizes = config.memory().unwrap();
    let (weights, rest) = memory.split_at_mut(sizes.weights);
    let (workspace, rest) = rest.split_at_mut(sizes.workspace);
    let mut model = SimpleRnnlm::with_buffers(config, weights, workspace).unwrap().with_isa(isa);
    let buffer = &mut rest[..config.memory().unwrap().prediction];
    for deepest in [50.0, 55.75, 55.8, 56.0, 60.0, 86.0, 88.0, 100.0, 104.0, 200.0, 1e4, 1e30, f32::INFINITY] {
        model.initialize(&mut Xorshift::new(9));
        for (place, bias) in (0_u16..).zip(model.weights_mut().affine_b.as_mut_slice()) {
            // in no order, two of three as deep as can be
            *bias = if place % 3 == 2 { f32::from(place * 11 % 41) / -40.0 * 60.0 } else { -deepest };
        }
        hash.add(Predictor::with_buffers(model.weights(), &mut *buffer).unwrap().with_isa(isa).feed(1).unwrap());
        hash.add(&[model.forward(&[0, 40], &[2, 38]).unwrap().sgd(0.1).unwrap()]);
        hash.add(model.weights_block());
    }
}

/// The largest of numbers that repeat, have signs, or are no numbers, in lists of every length up to seven.
fn lists(memory: &mut [f32], hash: &mut Hash) {
    let mut rng = Xorshift::new(6);
    let mut best = [Candidate::default(); 7];
    for len in 0..40 {
        for kind in 0..4 {
            let numbers = &mut memory[..len];
            numbers.fill_with(|| match (kind, rng.below(6)) {
                (0, _) => rng.uniform(),
                (1, small) => small as f32 - 6.0,
                (2, small) => [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY][small as usize],
                _ => f32::from_bits(rng.next_u32()),
            });
            for count in 0..=best.len() {
                for found in top(numbers, &[3], &mut best[..count]) {
                    hash.add(&[found.id as f32, found.probability]);
                }
            }
        }
    }
}
