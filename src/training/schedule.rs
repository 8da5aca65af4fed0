//! The learning rate over time.

use super::sgd::Sgd;
use crate::error::ParameterError;

/// Divides the learning rate whenever the validation loss is not below its best so far (as Mikolov's rnnlm and
/// PyTorch's `word_language_model` do).
///
/// ```
/// use rnnlm::{DecayOnPlateau, Sgd};
/// let (mut schedule, mut sgd) = (DecayOnPlateau::new(4.0)?, Sgd::new(20.0)?);
/// assert!(schedule.observe(5.1, &mut sgd)?); // better than nothing: a model worth keeping
/// assert!(!schedule.observe(5.2, &mut sgd)?);
/// assert_eq!((sgd.learning_rate(), schedule.best_loss()), (5.0, 5.1));
/// # Ok::<(), rnnlm::ParameterError>(())
/// ```
#[doc(alias = "ReduceLROnPlateau")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecayOnPlateau {
    factor: f32,
    best_loss: f32,
}

impl DecayOnPlateau {
    /// Divides by `factor`; 1 leaves the rate alone.
    ///
    /// # Errors
    /// [`ParameterError::Decay`] unless the factor is finite and at least 1.
    pub fn new(factor: f32) -> Result<Self, ParameterError> {
        if factor.is_finite() && factor >= 1.0 {
            Ok(Self { factor, best_loss: f32::INFINITY })
        } else {
            Err(ParameterError::Decay)
        }
    }

    /// Goes on from a [`Self::best_loss`]; infinity stands for none so far.
    ///
    /// ```
    /// use rnnlm::{DecayOnPlateau, ParameterError};
    /// let schedule = DecayOnPlateau::new(4.0)?.with_best_loss(5.1)?;
    /// assert_eq!(schedule.best_loss(), 5.1);
    /// assert_eq!(schedule.with_best_loss(f32::NAN), Err(ParameterError::BestLoss));
    /// # Ok::<(), ParameterError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParameterError::BestLoss`] for NaN and minus infinity: no loss is below them.
    pub fn with_best_loss(self, best_loss: f32) -> Result<Self, ParameterError> {
        if best_loss > f32::NEG_INFINITY { Ok(Self { best_loss, ..self }) } else { Err(ParameterError::BestLoss) }
    }

    /// The factor.
    #[must_use]
    pub fn factor(&self) -> f32 {
        self.factor
    }

    /// The lowest loss seen, infinity before the first.
    #[must_use]
    pub fn best_loss(&self) -> f32 {
        self.best_loss
    }

    /// Takes note of a validation loss and tells whether it is the best so far; divides the rate where it isn't. One
    /// that is not finite never is.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`] where the rate would become zero; it is then as it was.
    pub fn observe(&mut self, validation_loss: f32, sgd: &mut Sgd) -> Result<bool, ParameterError> {
        let improved = validation_loss.is_finite() && validation_loss < self.best_loss;
        if improved {
            self.best_loss = validation_loss;
        } else {
            sgd.set_learning_rate(sgd.learning_rate() / self.factor)?;
        }
        Ok(improved)
    }
}

#[cfg(test)]
mod tests;
