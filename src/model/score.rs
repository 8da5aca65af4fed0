//! How well a token was foreseen.

use crate::{
    kernels::{exp_of, ln},
    simd::Scalar,
};

/// One token of a text under a model: see [`SimpleRnnlm::score`](crate::SimpleRnnlm::score).
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// model.score(&[0, 1], |score| {
///     assert!((score.probability() - (-score.loss).exp()).abs() < 1e-6);
///     assert!(score.id == 1 && (1..=5).contains(&score.rank));
/// })?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenScore {
    /// The token.
    pub id: u32,
    /// Its cross-entropy in nats: -ln of its probability. Never NaN; infinite where an
    /// [`OnlineLearner`](crate::OnlineLearner) gave it the probability 0, as to every word whose logit lies more than
    /// 55.8 below the largest.
    pub loss: f32,
    /// Its place among all words from the likeliest, which is 1, to V; among equally likely ones the lower id comes
    /// first.
    pub rank: usize,
}

impl TokenScore {
    /// The score of `id` under these probabilities; `None` where they are fewer.
    pub(crate) fn of(probabilities: &[f32], id: u32) -> Option<Self> {
        let (before, [p, after @ ..]) = probabilities.split_at_checked(id as usize)? else { return None };
        let ahead = before.iter().filter(|&x| x >= p).count() + after.iter().filter(|&x| x > p).count();
        Some(Self { id, loss: -ln(Scalar, *p), rank: ahead + 1 })
    }

    /// The probability that the model gave it.
    #[must_use]
    pub fn probability(&self) -> f32 {
        exp_of(-self.loss)
    }
}

#[cfg(test)]
mod tests;
