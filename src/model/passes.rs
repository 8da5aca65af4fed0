//! The passes of a training step: the order of the layers, forward and backward, compiled once per instruction set.

use core::marker::PhantomData;

use super::{
    parameters::Weights,
    workspace::{BufferSlices, Buffers, WeightSlices},
};
use crate::{
    config::Sizes,
    kernels::{
        End, MaxAbs, PACK_FROM_COLUMNS, PackTransposes, Probe, Right, Sum, Team, Transposes, no_step_overflows,
        packed_transposes, part,
    },
    layers::{RowIds, TokenWindow, cell, time_affine, time_embedding, time_softmax_with_loss},
    simd::{Kernel, Simd},
};

/// The forward pass up to the logits. The first N rows of h hold the state before the window.
pub(crate) struct Forward<'p, 'a, T, C> {
    pub team: T,
    pub cell: PhantomData<C>,
    pub sizes: &'p Sizes,
    pub weights: &'p WeightSlices<'a>,
    pub buffers: &'p mut BufferSlices<'a>,
    /// The inputs (N,T).
    pub xs: &'p [u32],
    /// The targets (N,T).
    pub ts: &'p [u32],
}

impl<'p, T: Team, C: cell::Layer> Forward<'p, '_, T, C> {
    /// The logits (T*N,V), and the buffers for the gradients of h and x, which nobody uses yet. If it `trains`, the
    /// transposes for the backward pass are packed where there are places for them.
    fn logits<S: Simd>(self, s: S, trains: bool) -> [&'p mut [f32]; 3] {
        let Self { team, sizes, weights, buffers, xs, .. } = self;
        let &Sizes { d, hidden, n, t, .. } = sizes;
        let Weights { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b } = Weights::named_ref(weights);
        let Buffers { x, h, logits, d_h, d_x, row_ids, scratch, .. } = Buffers::named(buffers);
        time_embedding::forward(x, RowIds::new(row_ids), embed_w, d, TokenWindow { ids: xs, t });
        let from = Transposes { affine_w: &**affine_w, wh: rnn_wh, wx: rnn_wx };
        // so wide a recurrence packs for itself, a narrow one for the backward pass
        let (own, ahead): (&mut [f32], &mut [f32]) = if C::SIZES.gates * hidden >= PACK_FROM_COLUMNS {
            (&mut *scratch, &mut [])
        } else {
            (&mut [], &mut *scratch)
        };
        let shapes = sizes.transposes().filter(|_| trains && C::PACKS_TRANSPOSES);
        let overlap = shapes.and_then(|shapes| PackTransposes::new::<S>(shapes, from, t, ahead));
        C::forward(team, s, sizes, cell::Forward { h, x, wx: rnn_wx, wh: rnn_wh, b: rnn_b, overlap, scratch: own });
        let h = part(h, n * hidden..);
        time_affine::Forward { logits, h, w: affine_w, b: affine_b, scratch }.run(team, s, sizes);
        [logits, d_h, d_x]
    }
}

/// The forward pass, and the gradient of the logits with it.
pub(crate) struct ForwardWithLoss<'p, 'a, T, C> {
    pub pass: Forward<'p, 'a, T, C>,
    /// How many targets count.
    pub count: usize,
    pub total: &'p mut Sum,
}

impl<T: Team, C: cell::Layer> Kernel for ForwardWithLoss<'_, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { pass, count, total } = self;
        let (&Sizes { v, t, .. }, ids, team) = (pass.sizes, pass.ts, pass.team);
        let [logits, losses, _] = pass.logits(s, true);
        let targets = TokenWindow { ids, t };
        time_softmax_with_loss::ForwardBackward { logits, losses, targets, v, count, total }.run(team, s);
    }
}

/// The forward pass, and the loss and rank of every target, in the order of the activations.
pub(crate) struct Score<'p, 'a, T, C> {
    pub pass: Forward<'p, 'a, T, C>,
    pub visit: &'p mut dyn FnMut(f32, usize),
}

impl<T: Team, C: cell::Layer> Kernel for Score<'_, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { pass, visit } = self;
        let (&Sizes { v, t, .. }, ids, team) = (pass.sizes, pass.ts, pass.team);
        let [logits, notes @ ..] = pass.logits(s, false);
        time_softmax_with_loss::Score { logits, notes, targets: TokenWindow { ids, t }, v }.run(team, s, visit);
    }
}

/// What the backward pass needs, apart from the weights.
pub(crate) struct Backward<'p, 'a, T, C> {
    pub team: T,
    pub cell: PhantomData<C>,
    pub sizes: &'p Sizes,
    pub buffers: &'p mut BufferSlices<'a>,
}

impl<'p, 'a, T: Team, C: cell::Layer> Backward<'p, 'a, T, C> {
    pub(super) fn new(team: T, sizes: &'p Sizes, buffers: &'p mut BufferSlices<'a>) -> Self {
        Self { team, cell: PhantomData, sizes, buffers }
    }

    /// From the logits down to the embedding: the gradients of all activations. affine.W, rnn.Wh and rnn.Wx are at most
    /// read.
    pub(super) fn activations<S: Simd>(&mut self, s: S, weights: Weights<&&mut [f32]>) {
        let Weights { affine_w, rnn_wh, rnn_wx, .. } = weights;
        let (team, sizes) = (self.team, self.sizes);
        let Buffers { h, logits: d_logits, d_h, d_x, row_ids, scratch, .. } = Buffers::named(self.buffers);
        let (transposes, scratch): (_, &mut [f32]) = match sizes
            .transposes()
            .filter(|_| C::PACKS_TRANSPOSES)
            .and_then(|shapes| packed_transposes::<S>(shapes, scratch))
        {
            Some(packed) => (packed.map(|panels| Right::Panels(panels)), &mut []),
            None => (Transposes { affine_w: &**affine_w, wh: rnn_wh, wx: rnn_wx }.map(Right::Transposed), scratch),
        };
        let Transposes { affine_w: w_t, wh: wh_t, wx: wx_t } = transposes;
        time_affine::Backward { d_h, d_logits, w_t, scratch: &mut *scratch }.run(team, s, sizes);
        C::backward(team, s, sizes, cell::Backward { d_x, d_h, h, wx_t, wh_t, scratch });
        time_embedding::backward(s, d_x, RowIds::new(row_ids), sizes.d);
    }

    /// The gradients of all weights.
    fn weights<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, end: End<'_>) {
        self.affine(s, weights, end);
        self.rnn(s, weights, end);
        self.embedding(s, weights, end);
    }

    /// Those of affine.W and affine.b.
    #[inline(always)]
    pub(super) fn affine<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, end: End<'_>) {
        let (team, sizes) = (self.team, self.sizes);
        let Weights { affine_w: w, affine_b: b, .. } = Weights::named_mut(weights);
        let Buffers { h, logits: d_logits, scratch, .. } = Buffers::named(self.buffers);
        let h = part(h, sizes.n * sizes.hidden..);
        time_affine::WeightGradients { w, b, h, d_logits, end, scratch }.run(team, s, sizes);
    }

    /// Those of the cell's Wx, Wh and b.
    #[inline(always)]
    pub(super) fn rnn<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, end: End<'_>) {
        let (team, sizes) = (self.team, self.sizes);
        let Weights { rnn_wx: wx, rnn_wh: wh, rnn_b: b, .. } = Weights::named_mut(weights);
        let Buffers { x, h, d_h, scratch, .. } = Buffers::named(self.buffers);
        C::weight_gradients(team, s, sizes, cell::WeightGradients { wx, wh, b, x, h, d_h, end, scratch });
    }

    /// That of embed.W.
    #[inline(always)]
    pub(super) fn embedding<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, end: End<'_>) {
        let Weights { embed_w, .. } = Weights::named_mut(weights);
        let Buffers { d_x, row_ids, .. } = Buffers::named(self.buffers);
        time_embedding::weight_gradient(s, embed_w, d_x, RowIds::new(row_ids), self.sizes.d, end);
    }

    /// True where no step can overflow: a gradient element is a sum of `rows` products of two activations or gradients
    /// of activations. The logits' gradient is at most 1: their loss is finite.
    pub(super) fn cannot_overflow<S: Simd>(&mut self, s: S, rate: f32) -> bool {
        let Buffers { x, h, d_h: d_z, d_x, .. } = Buffers::named(self.buffers);
        // what comes from tanh is at most 1, which the bound is anyway: of that the first state alone is looked at
        let h = if C::SIZES.kept == 0 { part(h, ..self.sizes.n * self.sizes.hidden) } else { h };
        // NaN passes through the sum
        let max = |x: &[f32]| s.run(MaxAbs([x]));
        // one pass where its end costs most; no list of slices where flash is short
        let largest =
            if S::LANES == 1 { max(x) + max(h) + max(d_z) + max(d_x) } else { s.run(MaxAbs([x, h, d_z, d_x])) };
        let factor = 1.0 + largest;
        no_step_overflows(rate * (self.sizes.rows() as f32 * (factor * factor)))
    }
}

/// The backward pass with the SGD update in place. False, and the weights untouched, where it would not stay finite.
pub(crate) struct DescendInPlace<'p, 'a, T, C> {
    pub pass: Backward<'p, 'a, T, C>,
    pub weights: &'p mut WeightSlices<'a>,
    pub rate: f32,
}

impl<T: Team, C: cell::Layer> Kernel for DescendInPlace<'_, '_, T, C> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights, rate } = self;
        pass.activations(s, Weights::named_ref(weights));
        if !pass.cannot_overflow(s, rate) {
            let probe = Probe::new(rate);
            pass.weights(s, weights, End::Probe(&probe));
            if !probe.is_finite() {
                return false;
            }
        }
        pass.weights(s, weights, End::Descend(rate));
        true
    }
}

/// The backward pass with the gradients stored.
pub(crate) struct StoreGradients<'p, 'a, 'g, T, C> {
    pub pass: Backward<'p, 'a, T, C>,
    pub weights: &'p WeightSlices<'a>,
    pub gradients: &'p mut WeightSlices<'g>,
}

impl<T: Team, C: cell::Layer> Kernel for StoreGradients<'_, '_, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { mut pass, weights, gradients } = self;
        pass.activations(s, Weights::named_ref(weights));
        pass.weights(s, gradients, End::Store);
    }
}
