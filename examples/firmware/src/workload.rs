//! Workload E of the library's benchmarks, with the ids and the hash of `tests/bits/bit_identical.rs`. The build
//! script, which runs on the desktop, trains on it too.

use rnnlm::{Cell, Config, Model, Predictor, StepError, Storage, Xorshift};

/// 64 events, one stream, windows of 8 of them.
pub const CONFIG: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// The seed of the initial weights, and that of the windows.
pub const SEEDS: [u64; 2] = [1, 11];
/// The learning rate.
pub const RATE: f32 = 0.1;
/// The golden hashes of `tests/bits/bit_identical.rs`, after as many steps.
pub const GOLDEN: [(usize, u64); 2] = [(200, 0x19b0_2a94_1f82_2e90), (10_000, 0x9c91_a84c_5e17_0fac)];
/// The steps that the desktop trains the model which is linked in.
pub const STEPS_ON_THE_DESKTOP: usize = 9_000;

/// The length of a window.
pub const WINDOW: usize = CONFIG.batch_size * CONFIG.time_size;

/// Random ids with a pattern to learn: each target follows from its input, nine times in ten.
pub fn window(rng: &mut Xorshift) -> ([u32; WINDOW], [u32; WINDOW]) {
    let v = CONFIG.vocab_size as u32;
    let xs = [(); WINDOW].map(|()| rng.below(v));
    let ts = xs.map(|x| if rng.below(10) == 0 { rng.below(v) } else { (x * 5 + 3) % v });
    (xs, ts)
}

/// FNV-1a over the bytes of the weights, then of the hidden state.
pub fn hash<C: Cell>(model: &Model<C, impl Storage, impl Storage>) -> u64 {
    fnv(FNV, model.weights_block().iter().chain(model.state()))
}

/// FNV-1a over the bytes of the probabilities after each of three events.
pub fn hash_of_predictions<C: Cell>(predictor: &mut Predictor<'_, impl Storage, C>) -> Result<u64, StepError> {
    let mut hash = FNV;
    for id in [3, 60, 0] {
        hash = fnv(hash, predictor.feed(id)?.iter());
    }
    Ok(hash)
}

/// Where [`fnv`] begins.
pub const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, gone on with over the bytes of these.
pub fn fnv<'x>(hash: u64, floats: impl Iterator<Item = &'x f32>) -> u64 {
    floats
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
