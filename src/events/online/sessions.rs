//! Streams that consist of sessions, and parts of a stream that must not be learned.

use super::OnlineLearner;
use crate::{
    error::StepError,
    layers::time_softmax_with_loss::IGNORE,
    model::{parameters::Storage, score::TokenScore, shared::Workspace, step::Cell},
};

impl<W, S, P, I, C> OnlineLearner<W, S, P, I, C>
where
    C: Cell,
    W: Storage,
    S: Workspace,
    P: Storage,
    I: AsRef<[u32]> + AsMut<[u32]>,
{
    /// [`Self::observe`] of one event as if [frozen](Self::set_frozen): the weights stay. Events of which the step was
    /// still to come are never learned; learning goes on with what is observed next.
    ///
    /// ```
    /// # use rnnlm::{Config, OnlineLearner, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 4, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut learner = OnlineLearner::new(model, 0.1)?;
    /// let before = learner.model().weights_block().to_vec();
    /// for id in [1, 2, 3, 0, 1] {
    ///     learner.observe_frozen(id)?;
    /// }
    /// assert_eq!(learner.model().weights_block(), before);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub fn observe_frozen(&mut self, id: u32) -> Result<Option<TokenScore>, StepError> {
        let was_frozen = self.is_frozen();
        self.set_frozen(true);
        let result = self.observe(id);
        self.set_frozen(was_frozen);
        result
    }

    /// Learns from the events of which the step is still to come, fewer than T, at the price of a whole step. The
    /// session is over: [`Self::restart`] comes next.
    ///
    /// ```
    /// # use rnnlm::{Config, OnlineLearner, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 4, wordvec_size: 4, hidden_size: 4, batch_size: 1, time_size: 8 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut learner = OnlineLearner::new(model, 1.0)?;
    /// for _ in 0..100 {
    ///     for id in [1, 2, 3] {
    ///         learner.observe(id)?; // sessions shorter than T
    ///     }
    ///     learner.learn_pending()?;
    ///     learner.restart();
    /// }
    /// learner.observe(1)?;
    /// assert!(learner.probabilities()[2] > 0.9);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A step that is not finite: the weights are then as they were.
    pub fn learn_pending(&mut self) -> Result<(), StepError> {
        self.learn()?;
        if self.events == 0 || self.is_frozen() {
            return Ok(());
        }
        let t = self.model.sizes().t;
        let (xs, ts) = self.window.as_mut().split_at_mut_checked(t).ok_or(StepError::OtherSizes)?;
        if let (Some(xs), Some(ts)) = (xs.get_mut(self.events..), ts.get_mut(self.events..)) {
            xs.fill(0);
            ts.fill(IGNORE);
        }
        self.events = 0;
        self.model.forward(xs, ts)?.sgd(self.learning_rate)?;
        Ok(())
    }

    pub(in crate::events) fn weights_mut(&mut self) -> &mut [f32] {
        self.model.weights_and_crew().0
    }
}
