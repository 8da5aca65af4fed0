//! One hash over what the kernels give at the edges of their tiles and at the ends of the number range: the same on every
//! instruction set, so firmware compares its own with that of the desktop.

use rnnlm::{Config, Form, Isa, Predictor, SimpleRnnlm, Xorshift, exp, matmul, matmul_scratch, tanh};

/// The hash of the portable path.
pub const GOLDEN: u64 = 0x17f9_8349_1c8e_013d;

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

/// Products of every form, exp and tanh of every kind of number, and the steps of models with odd sizes.
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
    hash.0
}

fn products(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    let mut rng = Xorshift::new(5);
    let (operands, rest) = memory.split_at_mut(2048);
    let (c, scratch) = rest.split_at_mut(512);
    for m in [1, 2, 3, 4, 7] {
        for k in [0, 1, 2, 3, 4, 5, 8, 11] {
            for n in [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 35] {
                for form in [Form::Nn, Form::Nt, Form::Tn] {
                    operands[..m * k + k * n].fill_with(|| rng.uniform() * 2.0 - 1.0);
                    let (a, b) = operands.split_at(m * k);
                    let c = &mut c[..m * n];
                    let scratch = &mut scratch[..matmul_scratch(form, [m, k, n])];
                    for add in [false, true] {
                        matmul(isa, form, [m, k, n], a, b, c, add, scratch).unwrap();
                        hash.add(c);
                    }
                }
            }
        }
    }
}

fn functions(isa: Isa, memory: &mut [f32], hash: &mut Hash) {
    for function in [exp, tanh] {
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
    let buffer = &mut rest[..Predictor::<&mut [f32]>::len(&config).unwrap()];
    let mut predictor = Predictor::new(model.weights(), buffer).unwrap().with_isa(isa);
    for id in [0, config.vocab_size as u32 - 1] {
        hash.add(predictor.feed(id).unwrap());
    }
}
