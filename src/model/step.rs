//! One training step: the order of the layers, forward and backward, compiled once per instruction set.

use core::mem::MaybeUninit;

use super::{
    parameters::Weights,
    score::TokenScore,
    workspace::{BufferSlices, Buffers, Views, WeightSlices},
};
use crate::{
    config::Sizes,
    error::StepError,
    kernels::{
        Beside,
        Into::{self, Descend, Probe, Set},
        MaxAbs, Sum, clear, copy, head, is_tame, places,
    },
    layers::{
        RowIds, TokenWindow, time_affine, time_embedding, time_rnn,
        time_softmax_with_loss::{self, IGNORE},
    },
    simd::{Isa, Kernel, Simd},
};

// What a model does in memory that it is shown: these functions know nothing of its storage, so they are compiled once, with
// this crate, and not again for every storage in the crate that uses it.

/// What a model is made of.
pub(crate) struct Parts<'m> {
    pub isa: Isa,
    pub sizes: Sizes,
    /// Whether a window starts from the carried state, or from zero.
    pub stateful: bool,
    pub weights: &'m mut [f32],
    pub workspace: &'m mut [f32],
}

/// Reads a window and moves the hidden state on to its end. Gives the mean loss and how many targets count; where they aren't
/// finite, or the input is bad, the state is as it was.
pub(crate) fn forward(model: Parts<'_>, [xs, ts]: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let needed = sizes.rows();
    let given = if xs.len() == needed { ts.len() } else { xs.len() };
    if given != needed {
        return Err(StepError::Length { needed, given });
    }
    check_ids(xs, ts, sizes.v)?;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if stateful {
        copy(h, state);
    } else {
        clear(head(h, state.len()));
    }
    let count = ts.iter().filter(|&&target| target != IGNORE).count();
    let mut total = Sum::default();
    let pass = Forward { sizes: &sizes, weights, buffers, xs, ts };
    isa.run(Train { pass, count, total: &mut total });
    let loss = total.mean(count);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if !loss.is_finite() || !isa.run(MaxAbs([last(h, &sizes)])).is_finite() {
        return Err(StepError::NonFiniteLoss);
    }
    if !stateful {
        // for a step that fails: see `from_its_start`
        copy(h, state);
    }
    copy(state, last(h, &sizes));
    Ok((loss, count))
}

/// Runs a backward pass with block 0 of h as the window started. The state before the window, which stands there
/// otherwise, is kept meanwhile in the place of the carried one: that only repeats the last block.
#[inline(always)]
fn from_its_start<'a, R>(
    buffers: &mut BufferSlices<'a>,
    sizes: &Sizes,
    stateful: bool,
    pass: impl FnOnce(&mut BufferSlices<'a>) -> R,
) -> R {
    if stateful {
        return pass(buffers);
    }
    let Buffers { state, h, .. } = Buffers::named(buffers);
    copy(state, h);
    clear(head(h, state.len()));
    let result = pass(buffers);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    copy(h, state);
    copy(state, last(h, sizes));
    result
}

/// The hidden states behind the window (N,H).
fn last<'h>(h: &'h [f32], sizes: &Sizes) -> &'h [f32] {
    h.get(sizes.t * sizes.n * sizes.hidden..).unwrap_or_default()
}

/// Scores a text from a zero state, as one row. Gives its mean loss.
pub(crate) fn score(model: Parts<'_>, tokens: &[u32], visit: &mut dyn FnMut(TokenScore)) -> Result<f32, StepError> {
    let Parts { isa, sizes, weights, workspace, .. } = model;
    let (Some((_, xs)), Some((_, ts @ [_, ..]))) = (tokens.split_last(), tokens.split_first()) else {
        return Err(StepError::Length { needed: 2, given: tokens.len() });
    };
    check_ids(tokens, &[], sizes.v)?;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let hidden = sizes.hidden;
    let Buffers { h, .. } = Buffers::named(buffers);
    clear(head(h, hidden));
    let (mut total, mut finite) = (Sum::default(), true);
    let mut targets = ts.iter();
    let mut visit = |loss: f32, rank: usize| {
        total.add(loss);
        finite &= loss.is_finite();
        if let (true, Some(&id)) = (finite, targets.next()) {
            visit(TokenScore { id, loss, rank });
        }
    };
    let window = sizes.rows().max(1);
    for (xs, ts) in xs.chunks(window).zip(ts.chunks(window)) {
        let sizes = sizes.one_row(xs.len());
        let pass = Forward { sizes: &sizes, weights, buffers, xs, ts };
        isa.run(Score { pass, visit: &mut visit });
        let last = xs.len() * hidden;
        let Buffers { h, .. } = Buffers::named(buffers);
        if let Some((first, rest)) = h.split_at_mut_checked(hidden) {
            copy(first, rest.get(last - hidden..).unwrap_or_default());
        }
    }
    let loss = total.mean(ts.len());
    if finite && loss.is_finite() { Ok(loss) } else { Err(StepError::NonFiniteLoss) }
}

/// The backward pass of the window just read, in which `count` targets count, with the SGD update in place. On an error, weights
/// and state are those before the window.
pub(crate) fn descend(model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let result = check_rate(rate).and_then(|()| {
        let finite = from_its_start(buffers, &sizes, stateful, |buffers| {
            count == 0 || isa.run(InPlace { pass: Backward { sizes: &sizes, buffers }, weights, rate })
        });
        if finite { Ok(()) } else { Err(StepError::NonFiniteUpdate) }
    });
    if result.is_err() {
        let Buffers { state, h, .. } = Buffers::named(buffers);
        copy(state, h);
    }
    result
}

/// The backward pass of the window just read, in which `count` targets count, with stored gradients.
pub(crate) fn store(model: Parts<'_>, gradients: &mut WeightSlices<'_>, count: usize) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let [embed_w, rest @ ..] = gradients;
    clear(embed_w);
    if count == 0 {
        rest.iter_mut().for_each(|gradient| clear(gradient));
        return Ok(());
    }
    from_its_start(buffers, &sizes, stateful, |buffers| {
        isa.run(Stored { pass: Backward { sizes: &sizes, buffers }, weights, gradients })
    });
    Ok(())
}

/// Sets the carried hidden state to that behind the window just read, or before it.
pub(crate) fn move_state(Parts { sizes, weights, workspace, .. }: Parts<'_>, is_behind: bool) {
    if let Some(views) = Views::of(&mut MaybeUninit::uninit(), &sizes, weights, workspace) {
        let Buffers { state, h, .. } = Buffers::named(&mut views.buffers);
        copy(state, if is_behind { last(h, &sizes) } else { h });
    }
}

/// A learning rate must be finite and above zero.
pub(crate) fn check_rate(rate: f32) -> Result<(), StepError> {
    if rate > 0.0 && rate <= f32::MAX { Ok(()) } else { Err(StepError::LearningRate) }
}

/// Inputs must be below V; so must targets, but those to ignore.
pub(crate) fn check_ids(xs: &[u32], ts: &[u32], v: usize) -> Result<(), StepError> {
    let outside = |id: &&u32| **id as usize >= v;
    let bad_input = xs.iter().find(outside);
    let bad_target = ts.iter().find(|id| outside(id) && **id != IGNORE);
    match bad_input.or(bad_target) {
        Some(&id) => Err(StepError::IdOutOfRange { id }),
        None => Ok(()),
    }
}

/// The forward pass up to the logits. The first N rows of h hold the state before the window.
pub(crate) struct Forward<'p, 'a> {
    pub sizes: &'p Sizes,
    pub weights: &'p WeightSlices<'a>,
    pub buffers: &'p mut BufferSlices<'a>,
    /// The inputs (N,T).
    pub xs: &'p [u32],
    /// The targets (N,T).
    pub ts: &'p [u32],
}

impl<'p> Forward<'p, '_> {
    /// The logits (T*N,V). If it `trains`, the transposes for the backward pass are packed where there are places for them.
    fn logits<S: Simd>(self, s: S, trains: bool) -> &'p mut [f32] {
        let Self { sizes, weights, buffers, xs, .. } = self;
        let &Sizes { d, hidden, n, t, .. } = sizes;
        let Weights { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b } = Weights::named_ref(weights);
        let Buffers { x, h, logits, rows, pack, .. } = Buffers::named(buffers);
        time_embedding::forward(x, RowIds::new(rows), embed_w, d, TokenWindow { ids: xs, t });
        let weights: [&[f32]; 3] = [rnn_wx, rnn_wh, rnn_b];
        // the recurrence goes row by row, the other products have a row for each step
        let single_row = [t == 1, true, t == 1];
        if trains
            && let Some(shapes) = sizes.transposes()
            && let Some(beside) = Beside::new::<S>(shapes, [affine_w, rnn_wh, rnn_wx], single_row, pack)
        {
            time_rnn::forward(s, h, x, weights, beside, sizes);
        } else {
            time_rnn::forward(s, h, x, weights, (), sizes);
        }
        let h = h.get(n * hidden..).unwrap_or_default();
        time_affine::forward(s, logits, h, [affine_w, affine_b], pack, sizes);
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
        let (&Sizes { v, t, .. }, ids) = (pass.sizes, pass.ts);
        let logits = pass.logits(s, true);
        time_softmax_with_loss::forward_backward(s, logits, TokenWindow { ids, t }, v, count, total);
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
        let (&Sizes { v, t, .. }, ids) = (pass.sizes, pass.ts);
        let logits = pass.logits(s, false);
        time_softmax_with_loss::score(s, logits, TokenWindow { ids, t }, v, visit);
    }
}

/// What the backward pass needs besides the weights.
pub(crate) struct Backward<'p, 'a> {
    pub sizes: &'p Sizes,
    pub buffers: &'p mut BufferSlices<'a>,
}

impl Backward<'_, '_> {
    /// From the logits down to the embedding: the gradients of all activations. affine.W, rnn.Wh and rnn.Wx are at most read.
    fn activations<S: Simd>(&mut self, s: S, weights: Weights<&&mut [f32]>) {
        let Weights { affine_w, rnn_wh, rnn_wx, .. } = weights;
        let sizes = self.sizes;
        let Buffers { h, logits: d_logits, d_h, d_x, rows, pack, .. } = Buffers::named(self.buffers);
        match sizes.transposes().and_then(|shapes| places::<S>(shapes, pack)) {
            Some([affine_t, wh_t, wx_t]) => {
                time_affine::backward::<S, true>(s, d_h, d_logits, affine_t, &mut [], sizes);
                time_rnn::backward::<S, true>(s, d_x, d_h, h, [wx_t, wh_t], &mut [], sizes);
            }
            None => {
                time_affine::backward::<S, false>(s, d_h, d_logits, affine_w, pack, sizes);
                time_rnn::backward::<S, false>(s, d_x, d_h, h, [rnn_wx, rnn_wh], pack, sizes);
            }
        }
        time_embedding::backward(s, d_x, RowIds::new(rows), sizes.d);
    }

    /// The gradients of all weights, sent where `into` says. False where a probe found a step not finite.
    fn weights<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, into: Into<'_>) -> bool {
        let sizes = self.sizes;
        let &Sizes { hidden, n, d, .. } = sizes;
        let Weights { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b } = Weights::named_mut(weights);
        let Buffers { x, h, logits: d_logits, d_h: d_z, d_x, rows, pack, .. } = Buffers::named(self.buffers);
        let h_from_first = h.get(n * hidden..).unwrap_or_default();
        time_affine::weight_gradients(s, [affine_w, affine_b], [h_from_first, d_logits], pack, sizes, into)
            & time_rnn::weight_gradients(s, [rnn_wx, rnn_wh, rnn_b], [x, h, d_z], pack, sizes, into)
            & time_embedding::weight_gradient(s, embed_w, d_x, RowIds::new(rows), d, into)
    }

    /// True where no step can overflow: a gradient element is a sum of `rows` products of two activations or gradients of
    /// activations. The logits' gradient is below 1: their loss is finite.
    fn cannot_overflow<S: Simd>(&mut self, s: S, rate: f32) -> bool {
        let Buffers { x, h, d_h: d_z, d_x, .. } = Buffers::named(self.buffers);
        // NaN passes through the sum
        let max = |x: &[f32]| s.run(MaxAbs([x]));
        // one pass where its end costs most; no list of slices where flash is short
        let largest =
            if S::LANES == 1 { max(x) + max(h) + max(d_z) + max(d_x) } else { s.run(MaxAbs([x, h, d_z, d_x])) };
        let factor = 1.0 + largest;
        is_tame(rate * (self.sizes.rows() as f32 * (factor * factor)))
    }
}

/// The whole backward pass with the SGD update in place. False, and the weights untouched, where it would not stay finite.
pub(crate) struct InPlace<'p, 'a> {
    pub pass: Backward<'p, 'a>,
    pub weights: &'p mut WeightSlices<'a>,
    pub rate: f32,
}

impl Kernel for InPlace<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights, rate } = self;
        pass.activations(s, Weights::named_ref(weights));
        if !pass.cannot_overflow(s, rate) && !pass.weights(s, weights, Probe(rate)) {
            return false;
        }
        pass.weights(s, weights, Descend(rate))
    }
}

/// The whole backward pass with the gradients stored.
pub(crate) struct Stored<'p, 'a, 'g> {
    pub pass: Backward<'p, 'a>,
    pub weights: &'p WeightSlices<'a>,
    pub gradients: &'p mut WeightSlices<'g>,
}

impl Kernel for Stored<'_, '_, '_> {
    type Output = bool;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        let Self { mut pass, weights, gradients } = self;
        pass.activations(s, Weights::named_ref(weights));
        pass.weights(s, gradients, Set)
    }
}
