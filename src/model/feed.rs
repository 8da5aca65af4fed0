//! One token: the order of the layers in prediction.

use core::marker::PhantomData;

use super::parameters::Weights;
use crate::{
    error::StepError,
    kernels::{Gemv, Scale, Softmax, Start, part, part_mut},
    layers::cell::Layer,
    simd::{Isa, Kernel, Simd},
};

/// Reads one token: states (H) each and then probabilities (V) are in `buffer`, and what a step takes beyond them.
/// `sharpness` is 1 / temperature. Where the probabilities are not finite, the new states are there all the same.
#[inline(always)]
pub(super) fn feed<C: Layer>(
    isa: Isa,
    weights: &Weights<&[f32]>,
    d: usize,
    id: u32,
    buffer: &mut [f32],
    sharpness: f32,
) -> Result<(), StepError> {
    let &Weights { embed_w, rnn_b, affine_b, .. } = weights;
    let (columns, v) = (rnn_b.len(), affine_b.len());
    let hidden = columns / C::SIZES.gates;
    if id as usize >= v {
        return Err(StepError::IdOutOfRange { id });
    }
    let vector = part(embed_w, id as usize * d..);
    let taken = C::SIZES.gates.max(C::SIZES.kept) * hidden;
    let (states, rest) = buffer
        .split_at_mut_checked(C::SIZES.states * hidden)
        .filter(|(_, rest)| rest.len() >= taken.max(v))
        .ok_or(StepError::OtherSizes)?;
    let cell = PhantomData::<C>;
    if isa.run(Feed { cell, weights, d, vector, states, rest, sharpness }) {
        Ok(())
    } else {
        Err(StepError::NonFinitePrediction)
    }
}

/// The states after z = b + x Wx + h Wh, then the softmax of the logits of h into the first V of `rest`.
struct Feed<'a, C> {
    cell: PhantomData<C>,
    weights: &'a Weights<&'a [f32]>,
    d: usize,
    /// A word vector, and what follows it.
    vector: &'a [f32],
    states: &'a mut [f32],
    rest: &'a mut [f32],
    sharpness: f32,
}

impl<C: Layer> Kernel for Feed<'_, C> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { weights, d, vector, states, rest, sharpness, .. } = self;
        let &Weights { rnn_wx: wx, rnn_wh: wh, rnn_b, affine_w, affine_b, .. } = weights;
        let (hidden, v) = (states.len() / C::SIZES.states, affine_b.len());
        let columns = C::SIZES.gates * hidden;
        // the new states are built where the logits will be
        let z = part_mut(rest, ..C::SIZES.gates.max(C::SIZES.kept) * hidden);
        Gemv { k: d, n: columns, a: vector, b: wx, c: z, start: Start::Bias(rnn_b) }.run(s);
        Gemv { k: hidden, n: columns, a: part(states, ..hidden), b: wh, c: z, start: Start::C }.run(s);
        C::advance(s, states, z);
        let h = part(states, ..hidden);
        let logits = part_mut(rest, ..v);
        Gemv { k: hidden, n: v, a: h, b: affine_w, c: logits, start: Start::Bias(affine_b) }.run(s);
        if sharpness != 1.0 {
            s.run(Scale(logits, sharpness));
        }
        s.run(Softmax(logits)).is_finite()
    }
}
