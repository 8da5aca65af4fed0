//! A training step in slices, for a program that can't wait for a whole one: forward, the gradients of the activations,
//! then one layer's weights after the other. The same passes as in `step`, so the same bits.
//!
//! Nothing may touch weights or workspace between two slices; whoever takes them sees to that. As in a whole step, what
//! can fail comes first: once the first weight is updated, nothing does.

use core::mem::MaybeUninit;

use super::{
    Model,
    parameters::{Storage, Weights},
    passes::Backward,
    shared::Workspace,
    states,
    step::{self, Cell, Parts, with_start_of_window},
    workspace::{Buffers, Views, WeightSlices},
};
use crate::{
    error::StepError,
    kernels::{Alone, End, Probe},
    simd::{Kernel, Simd},
};

/// What comes next of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// The forward pass with the loss.
    Forward,
    /// The gradients of all activations.
    Activations,
    /// Whether the update of these weights would be finite: only where that is in doubt.
    Probe(Layer),
    /// The update of these weights.
    Descend(Layer),
}

/// The weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Affine,
    Rnn,
    Embedding,
}

impl Layer {
    fn next(self) -> Option<Self> {
        match self {
            Self::Affine => Some(Self::Rnn),
            Self::Rnn => Some(Self::Embedding),
            Self::Embedding => None,
        }
    }
}

impl<C: Cell, W: Storage, S: Workspace> Model<C, W, S> {
    /// Takes a slice of a step over this window, alone even where there are workers. Gives the next one, `None` where
    /// it was the last. Where it fails, weights and state are those before the step.
    pub(crate) fn slice(&mut self, slice: Slice, ids: [&[u32]; 2], rate: f32) -> Result<Option<Slice>, StepError> {
        self.awaits_update = false;
        let next = take::<C>(self.parts().0, slice, ids, rate);
        self.is_mid_step = matches!(next, Ok(Some(_)));
        next
    }

    /// Whether a step was taken in part.
    pub(crate) fn is_mid_step(&self) -> bool {
        self.is_mid_step
    }

    /// What remains of a step is given up.
    pub(crate) fn give_step_up(&mut self) {
        self.is_mid_step = false;
    }
}

fn take<C: Cell>(model: Parts<'_>, slice: Slice, ids: [&[u32]; 2], rate: f32) -> Result<Option<Slice>, StepError> {
    if let Slice::Forward = slice {
        step::check_rate(rate)?;
        C::read(model, ids)?;
        return Ok(Some(Slice::Activations));
    }
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of::<C>(&mut place, sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let good = with_start_of_window::<C, _>(buffers, sizes, stateful, |buffers| {
        isa.run(Pass { pass: Backward::<_, C>::new(Alone, sizes, buffers), weights, rate, slice })
    });
    let next = match slice {
        Slice::Probe(_) if !good => {
            let Buffers { state, h, .. } = Buffers::named(buffers);
            states::restore::<C>(state, h, sizes);
            return Err(StepError::NonFiniteUpdate);
        }
        Slice::Forward => Slice::Activations,
        Slice::Activations if good => Slice::Descend(Layer::Affine),
        Slice::Activations => Slice::Probe(Layer::Affine),
        Slice::Probe(layer) => layer.next().map_or(Slice::Descend(Layer::Affine), Slice::Probe),
        Slice::Descend(layer) => return Ok(layer.next().map(Slice::Descend)),
    };
    Ok(Some(next))
}

/// A slice behind the forward pass. True where all is well: the bound on the updates holds, or they are finite.
struct Pass<'p, 'a, C> {
    pass: Backward<'p, 'a, Alone, C>,
    weights: &'p mut WeightSlices<'a>,
    rate: f32,
    slice: Slice,
}

impl<C: Cell> Kernel for Pass<'_, '_, C> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights, rate, slice } = self;
        let probe = Probe::new(rate);
        let (layer, end) = match slice {
            Slice::Forward => return true,
            Slice::Activations => {
                pass.activations(s, Weights::named_ref(weights));
                return pass.cannot_overflow(s, rate);
            }
            Slice::Probe(layer) => (layer, End::Probe(&probe)),
            Slice::Descend(layer) => (layer, End::Descend(rate)),
        };
        match layer {
            Layer::Affine => pass.affine(s, weights, end),
            Layer::Rnn => pass.rnn(s, weights, end),
            Layer::Embedding => pass.embedding(s, weights, end),
        }
        probe.is_finite()
    }
}
