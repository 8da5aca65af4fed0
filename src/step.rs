//! One training step: the order of the layers, forward and backward, compiled once per instruction set.

use crate::{
    config::Sizes,
    kernels::{
        Into::{self, Descend, Probe, Set},
        MaxAbs, Sum, is_tame,
    },
    layers::{TokenWindow, time_affine, time_embedding, time_rnn, time_softmax_with_loss},
    matrix::Matrix,
    parameters::Parameters,
    simd::{Isa, Kernel, Simd},
    workspace::{Buffers, head},
};

// The passes are run by these functions, which know nothing of the model's storage: so they are compiled once, with this
// crate, and not again for every storage in the crate that uses it.

/// Runs the forward pass.
pub(crate) fn forward(isa: Isa, pass: Train<'_, '_>) {
    isa.run(pass);
}

/// Runs the forward pass for its losses and ranks alone.
pub(crate) fn score(isa: Isa, pass: Score<'_, '_>) {
    isa.run(pass);
}

/// Runs the backward pass with the update in place; see [`InPlace`].
pub(crate) fn update_in_place(isa: Isa, pass: InPlace<'_>) -> bool {
    isa.run(pass)
}

/// Runs the backward pass with stored gradients.
pub(crate) fn store_gradients(isa: Isa, pass: Stored<'_, '_>) {
    isa.run(pass);
}

/// Whether no element is NaN or infinite.
pub(crate) fn all_finite(isa: Isa, x: &[f32]) -> bool {
    isa.run(MaxAbs(x)).is_finite()
}

/// The forward pass up to the logits; block 0 of `buffers.h` holds the state before the window.
pub(crate) struct Forward<'p, 'a> {
    pub sizes: Sizes,
    pub weights: Parameters<&'a [f32]>,
    pub buffers: &'p mut Buffers<'a>,
    /// The inputs (N,T).
    pub xs: &'p [u32],
    /// The targets (N,T).
    pub ts: &'p [u32],
}

impl<'p> Forward<'p, '_> {
    /// The logits (T*N,V).
    fn logits<S: Simd>(self, s: S) -> &'p mut [f32] {
        let Self { sizes, weights: w, buffers, xs, .. } = self;
        let Sizes { v, d, h: hidden, n, t, .. } = sizes;
        let rows = sizes.rows();
        let x = head(buffers.x, rows * d);
        let h = head(buffers.h, (rows + n) * hidden);
        let logits = head(buffers.logits, rows * v);
        time_embedding::forward(x, buffers.rows, w.embed_w, TokenWindow { ids: xs, n, t });
        time_rnn::forward(s, h, x, [w.rnn_wx, w.rnn_wh, w.rnn_b], &sizes);
        let h = h.get(n * hidden..).unwrap_or_default();
        time_affine::forward(s, logits, h, [w.affine_w, w.affine_b], buffers.pack, &sizes);
        logits
    }
}

/// The forward pass, and the gradient of the logits with it.
pub(crate) struct Train<'p, 'a> {
    pub pass: Forward<'p, 'a>,
    /// How many targets count.
    pub count: usize,
    pub total: &'p mut Sum,
}

impl Kernel for Train<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { pass, count, total } = self;
        let (Sizes { v, n, t, .. }, ids) = (pass.sizes, pass.ts);
        let logits = pass.logits(s);
        time_softmax_with_loss::forward_backward(s, logits, TokenWindow { ids, n, t }, v, count, total);
    }
}

/// The forward pass, and the loss and rank of every target, in the order of the activations.
pub(crate) struct Score<'p, 'a> {
    pub pass: Forward<'p, 'a>,
    pub visit: &'p mut dyn FnMut(f32, usize),
}

impl Kernel for Score<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { pass, visit } = self;
        let (Sizes { v, n, t, .. }, ids) = (pass.sizes, pass.ts);
        let logits = pass.logits(s);
        time_softmax_with_loss::score(s, logits, TokenWindow { ids, n, t }, v, visit);
    }
}

/// What the backward pass needs besides the weights.
pub(crate) struct Backward<'a> {
    pub sizes: Sizes,
    pub buffers: Buffers<'a>,
}

impl Backward<'_> {
    /// From the logits down to the embedding: the gradients of all activations. The weights are only read.
    fn activations<S: Simd>(&mut self, s: S, [affine_w, wh, wx]: [Matrix<&[f32]>; 3]) {
        let sizes = &self.sizes;
        let Buffers { h, logits: d_logits, rows, d_h, d_x, pack, .. } = &mut self.buffers;
        time_affine::backward(s, d_h, d_logits, affine_w, pack, sizes);
        time_rnn::backward(s, d_x, d_h, h, [wx, wh], pack, sizes);
        time_embedding::backward(s, d_x, rows, sizes.d);
    }

    /// The gradients of all weights, sent where `into` says. False where a probe found a step not finite.
    fn weights<S: Simd>(&mut self, s: S, w: &mut Parameters<&mut [f32]>, into: Into<'_>) -> bool {
        let sizes = &self.sizes;
        let &Sizes { h: hidden, n, .. } = sizes;
        let Buffers { x, h, logits: d_logits, rows, d_h: d_z, d_x, pack, .. } = &mut self.buffers;
        let h_from_first = h.get(n * hidden..).unwrap_or_default();
        let affine = [&mut w.affine_w, &mut w.affine_b];
        time_affine::weight_gradients(s, affine, [h_from_first, d_logits], pack, sizes, into)
            & time_rnn::weight_gradients(s, [&mut w.rnn_wx, &mut w.rnn_wh, &mut w.rnn_b], [x, h, d_z], sizes, into)
            & time_embedding::weight_gradient(s, &mut w.embed_w, d_x, rows, into)
    }

    /// True where no step can overflow: a gradient element is a sum of `rows` products, so its magnitude is below
    /// rows * max * max. The logits' gradient is below 1: their loss is finite.
    fn cannot_overflow<S: Simd>(&self, s: S, rate: f32) -> bool {
        let Buffers { x, h, d_h: d_z, d_x, .. } = &self.buffers;
        let max = |x: &[f32]| s.run(MaxAbs(x));
        // sums, not maxima: NaN must pass
        let factors = (1.0 + max(x) + max(h)) * (1.0 + max(d_z));
        is_tame(rate * (self.sizes.rows() as f32 * factors + max(d_x)))
    }
}

/// The whole backward pass with the SGD update in place. False, and the weights untouched, where it would not stay finite.
pub(crate) struct InPlace<'a> {
    pub pass: Backward<'a>,
    pub weights: Parameters<&'a mut [f32]>,
    pub rate: f32,
}

impl Kernel for InPlace<'_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights: mut w, rate } = self;
        pass.activations(s, [w.affine_w.view(), w.rnn_wh.view(), w.rnn_wx.view()]);
        if !pass.cannot_overflow(s, rate) && !pass.weights(s, &mut w, Probe(rate)) {
            return false;
        }
        pass.weights(s, &mut w, Descend(rate))
    }
}

/// The whole backward pass with the gradients stored.
pub(crate) struct Stored<'a, 'g> {
    pub pass: Backward<'a>,
    pub weights: Parameters<&'a [f32]>,
    pub gradients: Parameters<&'g mut [f32]>,
}

impl Kernel for Stored<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights: w, mut gradients } = self;
        pass.activations(s, [w.affine_w, w.rnn_wh, w.rnn_wx]);
        pass.weights(s, &mut gradients, Set)
    }
}
