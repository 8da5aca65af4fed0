//! One training step: the order of the layers, forward and backward, compiled once per instruction set.

use core::mem::MaybeUninit;

use super::{
    parameters::Weights,
    score::TokenScore,
    shared::Crew,
    workspace::{BufferSlices, Buffers, Views, WeightSlices},
};
use crate::{
    config::Sizes,
    error::{ParameterError, StepError},
    kernels::{
        Alone, End, MaxAbs, PACK_FROM_COLUMNS, PackTransposes, Probe, Right, Sum, Team, Transposes, clear, copy,
        no_step_overflows, packed_transposes, part, part_mut, pass_by,
    },
    layers::{
        RowIds, TokenWindow, time_affine, time_embedding, time_rnn,
        time_softmax_with_loss::{self, IGNORE},
    },
    simd::{Isa, Kernel, Simd},
};

// What a model does in memory that it is shown. These functions know nothing of its storage, so they are compiled once,
// with this crate, not once for every storage in the crate that uses it: and once more for those that have workers.

/// What a model is made of.
pub(crate) struct Parts<'m> {
    pub isa: Isa,
    pub sizes: Sizes,
    /// Whether a window starts from the carried state, or from zero.
    pub stateful: bool,
    pub weights: &'m mut [f32],
    pub workspace: &'m mut [f32],
}

/// Reads a window and moves the hidden state on to its end. Gives the mean loss and how many targets count; where they
/// aren't finite, or the input is bad, the state is as it was.
pub(crate) fn forward(model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
    forward_by(Alone, model, ids)
}

/// [`forward`] by workers.
pub(crate) fn forward_together(crew: Crew<'_>, model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
    crew.run(|team| forward_by(team, model, ids))
}

#[inline(always)]
fn forward_by<T: Team>(team: T, model: Parts<'_>, [xs, ts]: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
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
        clear(part_mut(h, ..state.len()));
    }
    let count = ts.iter().filter(|&&target| target != IGNORE).count();
    let mut total = Sum::default();
    let pass = Forward { team, sizes: &sizes, weights, buffers, xs, ts };
    isa.run(ForwardWithLoss { pass, count, total: &mut total });
    let loss = total.mean(count);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if !loss.is_finite() || !isa.run(MaxAbs([last(h, &sizes)])).is_finite() {
        return Err(StepError::NonFiniteLoss);
    }
    if !stateful {
        // block 0 of h keeps the state before the window, so that a step that fails can restore it
        copy(h, state);
    }
    copy(state, last(h, &sizes));
    Ok((loss, count))
}

/// Runs a backward pass with the hidden state that the window started from in block 0 of h. A window that is not
/// stateful started from zero, but block 0 keeps the carried state. During the pass that is kept in `state`, which
/// repeats the last block of h and can be copied from there again.
#[inline(always)]
pub(super) fn with_start_of_window<'a, R>(
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
    clear(part_mut(h, ..state.len()));
    let result = pass(buffers);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    copy(h, state);
    copy(state, last(h, sizes));
    result
}

/// The hidden state after the window (N,H).
fn last<'h>(h: &'h [f32], sizes: &Sizes) -> &'h [f32] {
    part(h, sizes.t * sizes.n * sizes.hidden..)
}

/// Scores a text from a zero state, as one row. Gives its mean loss.
pub(crate) fn score(model: Parts<'_>, tokens: &[u32], visit: &mut dyn FnMut(TokenScore)) -> Result<f32, StepError> {
    score_by(Alone, model, tokens, visit)
}

/// [`score`] by workers.
pub(crate) fn score_together(
    crew: Crew<'_>,
    model: Parts<'_>,
    tokens: &[u32],
    visit: &mut dyn FnMut(TokenScore),
) -> Result<f32, StepError> {
    crew.run(|team| score_by(team, model, tokens, visit))
}

#[inline(always)]
fn score_by<T: Team>(
    team: T,
    model: Parts<'_>,
    tokens: &[u32],
    visit: &mut dyn FnMut(TokenScore),
) -> Result<f32, StepError> {
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
    clear(part_mut(h, ..hidden));
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
        let pass = Forward { team, sizes: &sizes, weights, buffers, xs, ts };
        isa.run(Score { pass, visit: &mut visit });
        let last = xs.len() * hidden;
        let Buffers { h, .. } = Buffers::named(buffers);
        if let Some((first, rest)) = h.split_at_mut_checked(hidden) {
            copy(first, part(rest, last - hidden..));
        }
    }
    let loss = total.mean(ts.len());
    if finite && loss.is_finite() { Ok(loss) } else { Err(StepError::NonFiniteLoss) }
}

/// The backward pass of the window just read, in which `count` targets count, with the SGD update in place. On an
/// error, weights and state are those before the window.
pub(crate) fn descend(model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
    descend_by(Alone, model, rate, count)
}

/// [`descend`] by workers.
pub(crate) fn descend_together(crew: Crew<'_>, model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
    crew.run(|team| descend_by(team, model, rate, count))
}

#[inline(always)]
fn descend_by<T: Team>(team: T, model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let result = check_rate(rate).map_err(StepError::from).and_then(|()| {
        let finite = with_start_of_window(buffers, &sizes, stateful, |buffers| {
            count == 0 || isa.run(DescendInPlace { pass: Backward { team, sizes: &sizes, buffers }, weights, rate })
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
    store_by(Alone, model, gradients, count)
}

/// [`store`] by workers.
pub(crate) fn store_together(
    crew: Crew<'_>,
    model: Parts<'_>,
    gradients: &mut WeightSlices<'_>,
    count: usize,
) -> Result<(), StepError> {
    crew.run(|team| store_by(team, model, gradients, count))
}

#[inline(always)]
fn store_by<T: Team>(
    team: T,
    model: Parts<'_>,
    gradients: &mut WeightSlices<'_>,
    count: usize,
) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let [embed_w, rest @ ..] = gradients;
    pass_by(team, embed_w, &|_, x| clear(x));
    if count == 0 {
        rest.iter_mut().for_each(|gradient| clear(gradient));
        return Ok(());
    }
    with_start_of_window(buffers, &sizes, stateful, |buffers| {
        isa.run(StoreGradients { pass: Backward { team, sizes: &sizes, buffers }, weights, gradients })
    });
    Ok(())
}

/// Sets the carried hidden state to that after the window just read, or before it.
pub(crate) fn set_state_of_window(Parts { sizes, weights, workspace, .. }: Parts<'_>, after: bool) {
    if let Some(views) = Views::of(&mut MaybeUninit::uninit(), &sizes, weights, workspace) {
        let Buffers { state, h, .. } = Buffers::named(&mut views.buffers);
        copy(state, if after { last(h, &sizes) } else { h });
    }
}

/// A learning rate must be finite and above zero.
pub(crate) fn check_rate(rate: f32) -> Result<(), ParameterError> {
    if rate > 0.0 && rate <= f32::MAX { Ok(()) } else { Err(ParameterError::LearningRate) }
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
pub(crate) struct Forward<'p, 'a, T> {
    pub team: T,
    pub sizes: &'p Sizes,
    pub weights: &'p WeightSlices<'a>,
    pub buffers: &'p mut BufferSlices<'a>,
    /// The inputs (N,T).
    pub xs: &'p [u32],
    /// The targets (N,T).
    pub ts: &'p [u32],
}

impl<'p, T: Team> Forward<'p, '_, T> {
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
        let (own, ahead): (&mut [f32], &mut [f32]) =
            if hidden >= PACK_FROM_COLUMNS { (&mut *scratch, &mut []) } else { (&mut [], &mut *scratch) };
        let shapes = sizes.transposes().filter(|_| trains);
        let overlap = shapes.and_then(|shapes| PackTransposes::new::<S>(shapes, from, t, ahead));
        let rnn = time_rnn::Forward { h, x, wx: rnn_wx, wh: rnn_wh, b: rnn_b, overlap, scratch: own };
        rnn.run(team, s, sizes);
        let h = part(h, n * hidden..);
        time_affine::Forward { logits, h, w: affine_w, b: affine_b, scratch }.run(team, s, sizes);
        [logits, d_h, d_x]
    }
}

/// The forward pass, and the gradient of the logits with it.
pub(crate) struct ForwardWithLoss<'p, 'a, T> {
    pub pass: Forward<'p, 'a, T>,
    /// How many targets count.
    pub count: usize,
    pub total: &'p mut Sum,
}

impl<T: Team> Kernel for ForwardWithLoss<'_, '_, T> {
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
pub(crate) struct Score<'p, 'a, T> {
    pub pass: Forward<'p, 'a, T>,
    pub visit: &'p mut dyn FnMut(f32, usize),
}

impl<T: Team> Kernel for Score<'_, '_, T> {
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
pub(crate) struct Backward<'p, 'a, T> {
    pub team: T,
    pub sizes: &'p Sizes,
    pub buffers: &'p mut BufferSlices<'a>,
}

impl<T: Team> Backward<'_, '_, T> {
    /// From the logits down to the embedding: the gradients of all activations. affine.W, rnn.Wh and rnn.Wx are at most
    /// read.
    pub(super) fn activations<S: Simd>(&mut self, s: S, weights: Weights<&&mut [f32]>) {
        let Weights { affine_w, rnn_wh, rnn_wx, .. } = weights;
        let (team, sizes) = (self.team, self.sizes);
        let Buffers { h, logits: d_logits, d_h, d_x, row_ids, scratch, .. } = Buffers::named(self.buffers);
        let (transposes, scratch): (_, &mut [f32]) =
            match sizes.transposes().and_then(|shapes| packed_transposes::<S>(shapes, scratch)) {
                Some(packed) => (packed.map(|panels| Right::Panels(panels)), &mut []),
                None => (Transposes { affine_w: &**affine_w, wh: rnn_wh, wx: rnn_wx }.map(Right::Transposed), scratch),
            };
        let Transposes { affine_w: w_t, wh: wh_t, wx: wx_t } = transposes;
        time_affine::Backward { d_h, d_logits, w_t, scratch: &mut *scratch }.run(team, s, sizes);
        time_rnn::Backward { d_x, d_h, h, wx_t, wh_t, scratch }.run(team, s, sizes);
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

    /// Those of rnn.Wx, rnn.Wh and rnn.b.
    #[inline(always)]
    pub(super) fn rnn<S: Simd>(&mut self, s: S, weights: &mut WeightSlices<'_>, end: End<'_>) {
        let (team, sizes) = (self.team, self.sizes);
        let Weights { rnn_wx: wx, rnn_wh: wh, rnn_b: b, .. } = Weights::named_mut(weights);
        let Buffers { x, h, d_h: d_z, scratch, .. } = Buffers::named(self.buffers);
        time_rnn::WeightGradients { wx, wh, b, x, h, d_z, end, scratch }.run(team, s, sizes);
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
pub(crate) struct DescendInPlace<'p, 'a, T> {
    pub pass: Backward<'p, 'a, T>,
    pub weights: &'p mut WeightSlices<'a>,
    pub rate: f32,
}

impl<T: Team> Kernel for DescendInPlace<'_, '_, T> {
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
pub(crate) struct StoreGradients<'p, 'a, 'g, T> {
    pub pass: Backward<'p, 'a, T>,
    pub weights: &'p WeightSlices<'a>,
    pub gradients: &'p mut WeightSlices<'g>,
}

impl<T: Team> Kernel for StoreGradients<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { mut pass, weights, gradients } = self;
        pass.activations(s, Weights::named_ref(weights));
        pass.weights(s, gradients, End::Store);
    }
}
