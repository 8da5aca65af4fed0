//! How much memory of the caller's is used, in few instructions. What is made over it checks the lengths once more, and
//! refuses sizes whose products overflow here.

use rnnlm::Config;

use crate::cell::{GATES, KEPT, ModelCell, STATES};

/// V D + H V + V, and D H + H H + H for each gate.
pub const fn weights(config: &Config) -> usize {
    let &Config { vocab_size: v, wordvec_size: d, hidden_size: h, .. } = config;
    v.wrapping_add(h.wrapping_mul(GATES)).wrapping_mul(d.wrapping_add(h).wrapping_add(1))
}

/// The states (H each).
pub const fn states(config: &Config) -> usize {
    config.hidden_size.wrapping_mul(STATES)
}

/// The states and the probabilities, in whose place new states are built first: H + max(H, V), of an LSTM 2 H +
/// max(5 H, V).
pub const fn prediction(config: &Config) -> usize {
    let &Config { vocab_size: v, hidden_size: h, .. } = config;
    let built = h.wrapping_mul(if KEPT == 0 { 1 } else { KEPT });
    states(config).wrapping_add(if v > built { v } else { built })
}

/// 2 N T.
pub const fn ids(config: &Config) -> usize {
    config.batch_size.wrapping_mul(config.time_size).wrapping_mul(2)
}

/// Where there are no vectors: 2 N H + N T (2 (D + H) + V + 1), of an LSTM 4 N H + N T (2 D + 8 H + V + 1).
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub const fn workspace(config: &Config) -> usize {
    let &Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t } = config;
    let row = d.wrapping_mul(2).wrapping_add(h.wrapping_mul(STATES + KEPT + 1)).wrapping_add(v).wrapping_add(1);
    n.wrapping_mul(h.wrapping_mul(2 * STATES).wrapping_add(t.wrapping_mul(row)))
}

/// Vectors need more: what products pack.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub const fn workspace(config: &Config) -> usize {
    match config.memory_of::<ModelCell>() {
        Ok(memory) => memory.workspace,
        // refused with the right name by what is made over it
        Err(_) => 0,
    }
}

const _: () = {
    let config = Config { vocab_size: 61, wordvec_size: 7, hidden_size: 90, batch_size: 2, time_size: 5 };
    let Ok(memory) = config.memory_of::<ModelCell>() else { panic!() };
    assert!(weights(&config) == memory.weights && workspace(&config) == memory.workspace);
    assert!(prediction(&config) == memory.prediction && ids(&config) == memory.ids);
};
