//! What the desktop and the device compute from int8 weights. The build script uses it too.

use rnnlm::{Config, QuantizedCell, QuantizedPredictor, Storage};

/// A keyboard's model: 4,000 words.
pub const WORDS: Config = Config { vocab_size: 4000, wordvec_size: 64, hidden_size: 64, batch_size: 1, time_size: 1 };
/// Rows that no block fills, and an odd number of them.
pub const ODD: Config = Config { vocab_size: 19, wordvec_size: 21, hidden_size: 37, batch_size: 1, time_size: 1 };
/// What is read, modulo the size of the vocabulary.
pub const IDS: [u32; 5] = [3, 1_000, 63, 0, 2_999];

/// FNV-1a over the probabilities behind each of [`IDS`], then over a score.
pub fn bits<C: QuantizedCell>(predictor: &mut QuantizedPredictor<'_, impl Storage, C>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bits: u32| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    predictor.reset_state();
    let v = predictor.probabilities().len() as u32;
    let ids = IDS.map(|id| id % v);
    for id in ids {
        for p in predictor.feed(id).unwrap_or(&[]) {
            add(p.to_bits());
        }
    }
    let loss = predictor.score(&ids, |score| add(score.rank as u32));
    add(loss.map_or(0, f32::to_bits));
    hash
}
