//! What a detector asks: a model that foresees events.

use crate::{
    error::StepError,
    events::online::OnlineLearner,
    model::{parameters::Storage, shared::Workspace, step::Cell},
    prediction::predictor::Predictor,
};

/// Foresees events, and may learn from them: a [`Predictor`], an [`OnlineLearner`], a
/// [`HeadLearner`](crate::HeadLearner), or a model of your own.
///
/// ```
/// use rnnlm::{Detector, EventIds, Foresight, StepError};
/// /// Expects every event to come again.
/// struct Again([f32; 4]);
/// impl Foresight for Again {
///     fn probabilities(&self) -> &[f32] {
///         &self.0
///     }
///     fn read(&mut self, id: u32, _: bool) -> Result<(), StepError> {
///         self.0 = [0.01; 4];
///         self.0[id as usize] = 0.97;
///         Ok(())
///     }
///     fn restart(&mut self) {
///         self.0 = [0.0; 4];
///     }
/// }
/// let measures = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]; // each came once, as expected
/// let mut detector = Detector::with_buffers(Again([0.0; 4]), EventIds::last_two(4), measures)?;
/// detector.set_threshold(3.0);
/// assert!(detector.observe(1)?.is_odd); // not behind the start
/// assert!(!detector.observe(1)?.is_odd);
/// # Ok::<(), rnnlm::Error>(())
/// ```
pub trait Foresight {
    /// The probability of each of V events to be the next; zeros where nothing was read.
    fn probabilities(&self) -> &[f32];

    /// Reads an event, and learns from it where `learns`.
    ///
    /// # Errors
    /// What the model refuses. It may then have forgotten what it had read, not what it had learned.
    fn read(&mut self, id: u32, learns: bool) -> Result<(), StepError>;

    /// Forgets what was read, not what was learned.
    fn restart(&mut self);

    /// A session is over: learns from what of it is still pending, where `learns`, and restarts.
    ///
    /// # Errors
    /// A step that isn't finite: it isn't taken.
    fn end(&mut self, learns: bool) -> Result<(), StepError> {
        let _ = learns;
        self.restart();
        Ok(())
    }

    /// The weights that learning changes; none by default.
    fn learned(&self) -> &[f32] {
        &[]
    }

    /// The same, to be set to what they were: [`Detector::revert`](crate::Detector::revert).
    fn learned_mut(&mut self) -> &mut [f32] {
        &mut []
    }
}

impl<B: Storage, C: Cell> Foresight for Predictor<'_, B, C> {
    fn probabilities(&self) -> &[f32] {
        Predictor::probabilities(self)
    }

    fn read(&mut self, id: u32, _learns: bool) -> Result<(), StepError> {
        self.feed(id).map(|_| ())
    }

    fn restart(&mut self) {
        self.reset_state();
    }
}

impl<W, S, P, I, C> Foresight for OnlineLearner<W, S, P, I, C>
where
    C: Cell,
    W: Storage,
    S: Workspace,
    P: Storage,
    I: AsRef<[u32]> + AsMut<[u32]>,
{
    fn probabilities(&self) -> &[f32] {
        OnlineLearner::probabilities(self)
    }

    fn read(&mut self, id: u32, learns: bool) -> Result<(), StepError> {
        if learns { self.observe(id) } else { self.observe_frozen(id) }.map(|_| ())
    }

    fn restart(&mut self) {
        OnlineLearner::restart(self);
    }

    fn end(&mut self, learns: bool) -> Result<(), StepError> {
        let done = if learns { self.learn_pending() } else { Ok(()) };
        OnlineLearner::restart(self);
        done
    }

    fn learned(&self) -> &[f32] {
        self.model().weights_block()
    }

    fn learned_mut(&mut self) -> &mut [f32] {
        self.weights_mut()
    }
}
