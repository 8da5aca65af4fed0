//! Stochastic gradient descent.

use crate::{
    error::{ParameterError, StepError},
    kernels::{Alone, Descend, StepsAreFinite, Team, largest, no_step_overflows, part, pass_by},
    model::{
        Model,
        gradients::Gradients,
        parameters::Storage,
        shared::{Crew, Workspace},
        step::{Cell, check_rate},
    },
    simd::{Isa, Kernel, Simd},
};

/// Plain SGD: w = w - learning rate * gradient, one fused multiply-add per weight.
///
/// ```
/// use rnnlm::Sgd;
/// let mut sgd = Sgd::new(0.1)?;
/// sgd.set_learning_rate(sgd.learning_rate() / 4.0)?;
/// assert_eq!(sgd.learning_rate(), 0.025);
/// # Ok::<(), rnnlm::ParameterError>(())
/// ```
#[doc(alias = "SGD")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: f32,
}

impl Sgd {
    /// SGD with this learning rate.
    ///
    /// # Errors
    /// [`ParameterError::LearningRate`] unless the rate is finite and above zero.
    pub fn new(learning_rate: f32) -> Result<Self, ParameterError> {
        check_rate(learning_rate)?;
        Ok(Self { learning_rate })
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    /// Changes the learning rate.
    ///
    /// # Errors
    /// As [`Sgd::new`]; the rate is then as it was.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), ParameterError> {
        *self = Self::new(learning_rate)?;
        Ok(())
    }

    /// Takes one step along stored gradients. One pass over all weights, or two where overflow is near.
    ///
    /// # Errors
    /// Gradients of another configuration; a step or new weight that would not be finite. The weights are then as they
    /// were, and the hidden state is that before the window of the backward pass, unless the model was used otherwise
    /// since. An update that succeeds after all, with a lower rate for instance, moves it on.
    pub fn update<C: Cell, W: Storage, S: Workspace, G: Storage>(
        &self,
        model: &mut Model<C, W, S>,
        gradients: &Gradients<G, C>,
    ) -> Result<(), StepError> {
        let result = self.descend(model, gradients);
        model.end_step(result.is_ok());
        result
    }

    fn descend<C: Cell, W: Storage, S: Workspace, G: Storage>(
        &self,
        model: &mut Model<C, W, S>,
        gradients: &Gradients<G, C>,
    ) -> Result<(), StepError> {
        let gradient = gradients.block();
        let isa = model.isa();
        if !gradients.match_sizes(&model.sizes()) || gradient.len() != model.weights_block().len() {
            return Err(StepError::OtherSizes);
        }
        let rate = self.learning_rate;
        let is_done = match model.weights_and_crew() {
            (weights, None) => update(isa, Update { team: Alone, weights, gradient, rate }),
            (weights, Some(crew)) => update_together(crew, isa, weights, gradient, rate),
        };
        if is_done { Ok(()) } else { Err(StepError::NonFiniteUpdate) }
    }
}

/// Compiled once, with this crate, whatever the storage.
fn update(isa: Isa, pass: Update<'_, Alone>) -> bool {
    isa.run(pass)
}

/// The same by workers.
fn update_together(crew: Crew<'_>, isa: Isa, weights: &mut [f32], gradient: &[f32], rate: f32) -> bool {
    crew.run(|team| isa.run(Update { team, weights, gradient, rate }))
}

/// False, and the weights untouched, where the step would not stay finite.
struct Update<'a, T> {
    team: T,
    weights: &'a mut [f32],
    gradient: &'a [f32],
    rate: f32,
}

impl<T: Team> Kernel for Update<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { team, weights, gradient, rate } = self;
        let largest_step = rate * largest(team, s, gradient);
        if !no_step_overflows(largest_step) && !s.run(StepsAreFinite { weights, gradient, rate }) {
            return false;
        }
        pass_by(team, weights, &|first, weights| {
            s.run(Descend { weights, gradient: part(gradient, first..), rate });
        });
        true
    }
}
