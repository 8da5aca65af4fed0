//! A window that was read: what lies between the forward pass and the update.

use super::{Model, gradients::Gradients, parameters::Storage, shared::Workspace, step::Cell};
use crate::{error::StepError, heap::Floats, layers::time_rnn::TanhCell};

impl<C: Cell, W: Storage, S: Workspace> Model<C, W, S> {
    /// Reads a window of inputs `xs` with targets `ts`, both (N,T) batch-major: row n holds T consecutive tokens.
    /// Targets equal to [`IGNORE`](crate::IGNORE) don't count. The hidden state moves on to the end of the window. The
    /// weights stay.
    ///
    /// # Errors
    /// Slices of another length than N * T, ids not below V, a loss or hidden state that is not finite. The
    /// hidden state is then as it was.
    pub fn forward(&mut self, xs: &[u32], ts: &[u32]) -> Result<Window<'_, W, S, C>, StepError> {
        self.awaits_update = false;
        let ids = [xs, ts];
        let (loss, count) = match self.parts() {
            (model, None) => C::read(model, ids),
            (model, Some(crew)) => C::read_together(crew, model, ids),
        }?;
        Ok(Window { model: self, loss, count })
    }
}

/// A window that was read and whose loss is finite: the phase between forward and update.
///
/// Its activations are in the model's workspace, so while it lives the model can't be used otherwise; dropping
/// it skips the update. A loop that forgets to update doesn't pass without a warning:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # use rnnlm::{Config, Error, SimpleRnnlm, Xorshift};
/// # fn main() -> Result<(), Error> {
/// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// # let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// for _ in 0..1000 {
///     model.forward(&[1, 2], &[2, 3])?; // trains nothing: `.sgd(0.1)?` is missing
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a window that is dropped trains nothing: take its loss, or call `sgd` or `backward`"]
#[derive(Debug)]
pub struct Window<'m, W = Floats, S = W, C: Cell = TanhCell> {
    model: &'m mut Model<C, W, S>,
    loss: f32,
    count: usize,
}

impl<C: Cell, W: Storage, S: Workspace> Window<'_, W, S, C> {
    /// The mean cross-entropy in nats over the targets that count; 0 where none does.
    #[must_use]
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// Backward pass and SGD update in one: weights -= learning rate * gradient, straight from the products, so that no
    /// gradient is stored. Returns the loss, which is that before the update. The same bits as [`Self::backward`]
    /// followed by [`Sgd::update`](crate::Sgd::update).
    ///
    /// # Errors
    /// A learning rate that is not finite and above zero; a step or new weight that would not be finite. Weights and
    /// hidden state are then as they were before the window.
    pub fn sgd(self, learning_rate: f32) -> Result<f32, StepError> {
        match self.model.parts() {
            (model, None) => C::descend(model, learning_rate, self.count),
            (model, Some(crew)) => C::descend_together(crew, model, learning_rate, self.count),
        }?;
        Ok(self.loss)
    }

    /// The gradient of every weight, stored: for clipping or inspection. Returns the loss. The hidden state is that
    /// behind the window; an [`Sgd::update`](crate::Sgd::update) that is refused moves it back.
    ///
    /// ```
    /// use rnnlm::{Config, Gradients, Sgd, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut gradients = Gradients::new(config)?;
    /// model.forward(&[0, 1], &[1, 2])?.backward(&mut gradients)?;
    /// assert!(gradients.parameters().affine_b.get(0, 1).unwrap() < 0.0); // word 1 becomes likelier
    /// Sgd::new(0.1)?.update(&mut model, &gradients)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StepError::OtherSizes`] where the gradients were made for another configuration. The hidden state is then as
    /// it was before the window.
    pub fn backward<G: Storage>(self, gradients: &mut Gradients<G, C>) -> Result<f32, StepError> {
        self.model.awaits_update = true;
        let stored = match gradients.slices_mut(&self.model.sizes()) {
            Some(mut gradients) => match self.model.parts() {
                (model, None) => C::store(model, &mut gradients, self.count),
                (model, Some(crew)) => C::store_together(crew, model, &mut gradients, self.count),
            },
            None => Err(StepError::OtherSizes),
        };
        if stored.is_err() {
            self.model.end_step(false);
        }
        stored.map(|()| self.loss)
    }
}
