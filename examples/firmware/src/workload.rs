//! The ids and the hash of the library's `tests/bit_identical.rs`.

use rnnlm::{SimpleRnnlm, Storage, Xorshift};

use crate::model::CONFIG;

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
pub fn hash(model: &SimpleRnnlm<impl Storage>) -> u64 {
    let floats = model.weights_block().iter().chain(model.state());
    floats
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
