//! TimeSoftmaxWithLoss: the mean cross-entropy of the targets that count.
//!
//! ```text
//! forward    p_rv = exp(logit_rv - m_r) / s_r      m_r = max, s_r = sum of the exponentials
//!            loss = mean of ln s_r - (logit_r,target - m_r) over the M rows with a target
//! backward   dlogit_rv = (p_rv - [v = target]) / M, 0 in ignored rows
//! ```
//!
//! Subtracting the maximum makes any finite logits safe. An exponential below 2^-80.5 counts as 0; the loss comes from
//! the logits and has no such end. A row is turned into its gradient right after its loss, while it is in the cache.
//! The losses are added in ascending r.

use super::TokenWindow;
use crate::{
    kernels::{ScoreRow, SoftmaxRow, Sum, clear},
    simd::Simd,
};

/// A target with this id counts neither in the loss nor in the gradient.
///
/// ```
/// use rnnlm::{Config, IGNORE, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
/// assert_eq!(model.forward(&[0, 1], &[IGNORE, IGNORE]).unwrap().loss(), 0.0);
/// ```
pub const IGNORE: u32 = u32::MAX;

/// Turns logits (T*N,V) into their gradient in place and adds the loss of each of the `count` rows that count.
pub(crate) fn forward_backward<S: Simd>(
    s: S,
    logits: &mut [f32],
    targets: TokenWindow<'_>,
    v: usize,
    count: usize,
    total: &mut Sum,
) {
    let share = 1.0 / count as f32;
    for (row, target) in logits.chunks_exact_mut(v.max(1)).zip(targets.time_major()) {
        let target = target as usize;
        if target < v {
            total.add(s.run(SoftmaxRow { row, target, share }));
        } else {
            clear(row);
        }
    }
}

/// Loss and rank of each target, without a gradient; the logits (T*N,V) don't survive it. Targets are below V.
pub(crate) fn score<S: Simd>(
    s: S,
    logits: &mut [f32],
    targets: TokenWindow<'_>,
    v: usize,
    visit: &mut dyn FnMut(f32, usize),
) {
    for (row, target) in logits.chunks_exact_mut(v.max(1)).zip(targets.time_major()) {
        let (loss, rank) = s.run(ScoreRow { row, target: target as usize });
        visit(loss, rank);
    }
}
