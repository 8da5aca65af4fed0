//! TimeSoftmaxWithLoss: the mean cross-entropy of the targets that count.
//!
//! ```text
//! forward    p_rv = exp(logit_rv - m_r) / s_r      m_r = max, s_r = sum of the exponentials
//!            loss = mean of ln s_r - (logit_r,target - m_r) over the M rows whose target isn't ignored
//! backward   dlogit_rv = (p_rv - [v = target]) / M, 0 in ignored rows
//! ```
//!
//! Subtracting the maximum makes any finite logits safe. The gradient replaces the exponentials in place. The losses
//! are added in ascending r.

use super::TokenWindow;
use crate::{
    kernels::{Scale, SoftmaxRow, Sum},
    simd::Simd,
};

/// A target with this id counts neither in the loss nor in the gradient.
///
/// ```
/// use rnnlm::{Config, IGNORE, SimpleRnnlm, Xorshift};
/// let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
/// assert_eq!(model.forward(&[0, 1], &[IGNORE, IGNORE]).unwrap().loss(), 0.0);
/// ```
pub const IGNORE: u32 = u32::MAX;

/// Turns logits (T*N,V) into exponentials in place, fills sums (T*N) and adds the loss of each row that counts.
/// Returns how many rows do.
pub(crate) fn forward<S: Simd>(
    s: S,
    logits: &mut [f32],
    sums: &mut [f32],
    targets: TokenWindow<'_>,
    v: usize,
    total: &mut Sum,
) -> usize {
    let mut count = 0;
    for ((row, sum), target) in logits.chunks_exact_mut(v).zip(sums).zip(targets.time_major()) {
        let Some(&logit) = row.get(target as usize) else { continue };
        let found = s.run(SoftmaxRow(row));
        *sum = found.sum;
        total.add(found.loss(s, logit));
        count += 1;
    }
    count
}

/// Turns the exponentials of [`forward`] into the gradient of the logits, in place.
pub(crate) fn backward<S: Simd>(
    s: S,
    logits: &mut [f32],
    sums: &[f32],
    targets: TokenWindow<'_>,
    v: usize,
    count: usize,
) {
    let share = 1.0 / count as f32;
    for ((row, sum), target) in logits.chunks_exact_mut(v).zip(sums).zip(targets.time_major()) {
        if target as usize >= v {
            row.fill(0.0);
            continue;
        }
        s.run(Scale(row, share / sum));
        if let Some(p) = row.get_mut(target as usize) {
            *p -= share;
        }
    }
}
