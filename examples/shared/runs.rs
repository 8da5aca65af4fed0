//! Two training runs that end with the same bits wherever they run: what `card` prints and the page of `examples/web`
//! compares. They are those of `tests/bits/bit_identical.rs` and of the firmware.

use rnnlm::{Config, Isa, SimpleRnnlm, Xorshift};

/// A run over random ids, at rate 0.1.
#[derive(Debug)]
pub struct Run {
    pub name: &'static str,
    pub config: Config,
    pub steps: u32,
    /// [`hash`] after the last step. A changed one is a breaking change.
    pub hash: u64,
}

pub const RUNS: [Run; 2] = [
    Run {
        name: "S",
        config: Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 },
        steps: 1_000,
        hash: 0x5f04_e7ef_05c8_3d2a,
    },
    Run {
        name: "E",
        config: Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 },
        steps: 10_000,
        hash: 0x9c91_a84c_5e17_0fac,
    },
];

/// A run on its way.
#[derive(Debug)]
pub struct Running {
    pub model: SimpleRnnlm,
    rng: Xorshift,
    xs: Vec<u32>,
    ts: Vec<u32>,
}

impl Running {
    /// Before its first step.
    pub fn new(run: &Run, isa: Isa) -> Result<Self, rnnlm::Error> {
        let model = SimpleRnnlm::new(run.config, &mut Xorshift::new(1))?.with_isa(isa);
        let ids = vec![0; run.config.batch_size * run.config.time_size];
        Ok(Self { model, rng: Xorshift::new(11), xs: ids.clone(), ts: ids })
    }

    /// One training step; its loss. There is a pattern to learn: each target follows from its input, nine times in ten.
    pub fn step(&mut self) -> Result<f32, rnnlm::Error> {
        let Self { model, rng, xs, ts } = self;
        let v = model.config().vocab_size as u32;
        xs.fill_with(|| rng.below(v));
        for (x, t) in xs.iter().zip(ts.iter_mut()) {
            *t = if rng.below(10) == 0 { rng.below(v) } else { (x * 5 + 3) % v };
        }
        Ok(model.forward(xs, ts)?.sgd(0.1)?)
    }
}

/// FNV-1a over the bytes of the weights, then of the hidden state.
pub fn hash(model: &SimpleRnnlm) -> u64 {
    let floats = model.weights_block().iter().chain(model.state());
    let bytes = floats.flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
