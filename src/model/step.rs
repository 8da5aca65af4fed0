//! One training step: the order of the layers, forward and backward, compiled once per instruction set.

use core::{marker::PhantomData, mem::MaybeUninit};

use super::{
    feed,
    parameters::Weights,
    score::TokenScore,
    shared::Crew,
    states,
    workspace::{BufferSlices, Buffers, Views, WeightSlices},
};
use crate::{
    config::Sizes,
    error::{ParameterError, StepError},
    kernels::{
        Alone, End, MaxAbs, PACK_FROM_COLUMNS, PackTransposes, Probe, Right, Sum, Team, Transposes, clear,
        no_step_overflows, packed_transposes, part, pass_by,
    },
    layers::{
        RowIds, TokenWindow, cell, time_affine, time_embedding,
        time_lstm::LstmCell,
        time_rnn::TanhCell,
        time_softmax_with_loss::{self, IGNORE},
    },
    simd::{Isa, Kernel, Simd},
};

// What a model does in memory that it is shown. These functions know nothing of its storage, so they are compiled once
// for each cell, with this crate, not once for every storage in the crate that uses it: and once more for those that
// have workers.

/// The recurrent cell of a model: [`TanhCell`] or [`LstmCell`]. Nothing of one is in a program that uses the other.
///
/// ```
/// use rnnlm::{Cell, Config, ConfigError, LstmCell, TanhCell};
/// fn kilobytes<C: Cell>(config: Config) -> Result<usize, ConfigError> {
///     Ok(config.memory_of::<C>()?.bytes().div_ceil(1024))
/// }
/// let config =
///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
/// assert!(kilobytes::<LstmCell>(config)? < 3 * kilobytes::<TanhCell>(config)?);
/// # Ok::<(), ConfigError>(())
/// ```
// The methods are this crate's: `cell::Layer` can't be named elsewhere.
#[allow(private_interfaces, reason = "only this crate has cells")]
pub trait Cell: cell::Layer {
    /// Reads a window and moves the states on to its end. Gives the mean loss and how many targets count; where they
    /// aren't finite, or the input is bad, the states are as they were.
    #[doc(hidden)]
    fn read(model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError>;
    #[doc(hidden)]
    fn read_together(crew: Crew<'_>, model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError>;
    /// Scores a text from a zero state, as one row. Gives its mean loss.
    #[doc(hidden)]
    fn score(model: Parts<'_>, tokens: &[u32], visit: &mut dyn FnMut(TokenScore)) -> Result<f32, StepError>;
    #[doc(hidden)]
    fn score_together(
        crew: Crew<'_>,
        model: Parts<'_>,
        tokens: &[u32],
        visit: &mut dyn FnMut(TokenScore),
    ) -> Result<f32, StepError>;
    /// The backward pass of the window just read, in which `count` targets count, with the SGD update in place. On an
    /// error, weights and states are those before the window.
    #[doc(hidden)]
    fn descend(model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError>;
    #[doc(hidden)]
    fn descend_together(crew: Crew<'_>, model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError>;
    /// The backward pass of the window just read, in which `count` targets count, with stored gradients.
    #[doc(hidden)]
    fn store(model: Parts<'_>, gradients: &mut WeightSlices<'_>, count: usize) -> Result<(), StepError>;
    #[doc(hidden)]
    fn store_together(
        crew: Crew<'_>,
        model: Parts<'_>,
        gradients: &mut WeightSlices<'_>,
        count: usize,
    ) -> Result<(), StepError>;
    /// Sets the carried states to those after the window just read, or before it.
    #[doc(hidden)]
    fn set_state_of_window(model: Parts<'_>, after: bool);
    /// Reads one token: see `feed`.
    #[doc(hidden)]
    fn feed(
        isa: Isa,
        weights: &Weights<&[f32]>,
        d: usize,
        id: u32,
        buffer: &mut [f32],
        sharpness: f32,
    ) -> Result<(), StepError>;
}

/// A cell's own functions, each compiled here.
macro_rules! cell {
    ($cell:ty) => {
        #[allow(private_interfaces, reason = "only this crate has cells")]
        impl Cell for $cell {
            fn read(model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
                forward_by::<_, Self>(Alone, model, ids)
            }
            fn read_together(crew: Crew<'_>, model: Parts<'_>, ids: [&[u32]; 2]) -> Result<(f32, usize), StepError> {
                crew.run(|team| forward_by::<_, Self>(team, model, ids))
            }
            fn score(model: Parts<'_>, tokens: &[u32], visit: &mut dyn FnMut(TokenScore)) -> Result<f32, StepError> {
                score_by::<_, Self>(Alone, model, tokens, visit)
            }
            fn score_together(
                crew: Crew<'_>,
                model: Parts<'_>,
                tokens: &[u32],
                visit: &mut dyn FnMut(TokenScore),
            ) -> Result<f32, StepError> {
                crew.run(|team| score_by::<_, Self>(team, model, tokens, visit))
            }
            fn descend(model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
                descend_by::<_, Self>(Alone, model, rate, count)
            }
            fn descend_together(crew: Crew<'_>, model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
                crew.run(|team| descend_by::<_, Self>(team, model, rate, count))
            }
            fn store(model: Parts<'_>, gradients: &mut WeightSlices<'_>, count: usize) -> Result<(), StepError> {
                store_by::<_, Self>(Alone, model, gradients, count)
            }
            fn store_together(
                crew: Crew<'_>,
                model: Parts<'_>,
                gradients: &mut WeightSlices<'_>,
                count: usize,
            ) -> Result<(), StepError> {
                crew.run(|team| store_by::<_, Self>(team, model, gradients, count))
            }
            fn set_state_of_window(model: Parts<'_>, after: bool) {
                set_state_of_window::<Self>(model, after);
            }
            fn feed(
                isa: Isa,
                weights: &Weights<&[f32]>,
                d: usize,
                id: u32,
                buffer: &mut [f32],
                sharpness: f32,
            ) -> Result<(), StepError> {
                feed::feed::<Self>(isa, weights, d, id, buffer, sharpness)
            }
        }
    };
}

cell!(TanhCell);
cell!(LstmCell);

/// What a model is made of.
pub struct Parts<'m> {
    pub isa: Isa,
    pub(crate) sizes: Sizes,
    /// Whether a window starts from the carried state, or from zero.
    pub stateful: bool,
    pub weights: &'m mut [f32],
    pub workspace: &'m mut [f32],
}

#[inline(always)]
fn forward_by<T: Team, C: cell::Layer>(
    team: T,
    model: Parts<'_>,
    [xs, ts]: [&[u32]; 2],
) -> Result<(f32, usize), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let needed = sizes.rows();
    let given = if xs.len() == needed { ts.len() } else { xs.len() };
    if given != needed {
        return Err(StepError::Length { needed, given });
    }
    check_ids(xs, ts, sizes.v)?;
    let mut place = MaybeUninit::uninit();
    let views = Views::of::<C>(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if stateful {
        states::start::<C>(h, state, &sizes);
    } else {
        states::start_at_zero::<C>(h, state.len(), &sizes);
    }
    let count = ts.iter().filter(|&&target| target != IGNORE).count();
    let mut total = Sum::default();
    let pass = Forward { team, cell: PhantomData::<C>, sizes: &sizes, weights, buffers, xs, ts };
    isa.run(ForwardWithLoss { pass, count, total: &mut total });
    let loss = total.mean(count);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if !loss.is_finite() || !states::end_is_finite::<C>(isa, h, &sizes) {
        return Err(StepError::NonFiniteLoss);
    }
    if !stateful {
        // block 0 of h keeps the state before the window, so that a step that fails can restore it
        states::start::<C>(h, state, &sizes);
    }
    states::carry::<C>(state, h, &sizes);
    Ok((loss, count))
}

/// Runs a backward pass with the hidden state that the window started from in block 0 of h. A window that is not
/// stateful started from zero, but block 0 keeps the carried state. During the pass that is kept in `state`, which
/// repeats the last block of h and can be copied from there again.
#[inline(always)]
pub(super) fn with_start_of_window<'a, C: cell::Layer, R>(
    buffers: &mut BufferSlices<'a>,
    sizes: &Sizes,
    stateful: bool,
    pass: impl FnOnce(&mut BufferSlices<'a>) -> R,
) -> R {
    if stateful {
        return pass(buffers);
    }
    let Buffers { state, h, .. } = Buffers::named(buffers);
    states::restore::<C>(state, h, sizes);
    states::start_at_zero::<C>(h, state.len(), sizes);
    let result = pass(buffers);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    states::start::<C>(h, state, sizes);
    states::carry::<C>(state, h, sizes);
    result
}

#[inline(always)]
fn score_by<T: Team, C: cell::Layer>(
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
    let views = Views::of::<C>(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let Buffers { h, .. } = Buffers::named(buffers);
    let window = sizes.rows().max(1);
    let one_row = |tokens: &[u32]| sizes.one_row(tokens.len().min(window));
    states::start_at_zero::<C>(h, sizes.hidden, &one_row(xs));
    let (mut total, mut finite) = (Sum::default(), true);
    let mut targets = ts.iter();
    let mut visit = |loss: f32, rank: usize| {
        total.add(loss);
        finite &= loss.is_finite();
        if let (true, Some(&id)) = (finite, targets.next()) {
            visit(TokenScore { id, loss, rank });
        }
    };
    let mut rest = xs;
    for (xs, ts) in xs.chunks(window).zip(ts.chunks(window)) {
        let sizes = one_row(xs);
        let pass = Forward { team, cell: PhantomData::<C>, sizes: &sizes, weights, buffers, xs, ts };
        isa.run(Score { pass, visit: &mut visit });
        let Buffers { h, .. } = Buffers::named(buffers);
        rest = rest.get(xs.len()..).unwrap_or_default();
        states::go_on::<C>(h, &sizes, &one_row(rest));
    }
    let loss = total.mean(ts.len());
    if finite && loss.is_finite() { Ok(loss) } else { Err(StepError::NonFiniteLoss) }
}

#[inline(always)]
fn descend_by<T: Team, C: cell::Layer>(team: T, model: Parts<'_>, rate: f32, count: usize) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of::<C>(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let result = check_rate(rate).map_err(StepError::from).and_then(|()| {
        let finite = with_start_of_window::<C, _>(buffers, &sizes, stateful, |buffers| {
            count == 0 || isa.run(DescendInPlace { pass: Backward::<_, C>::new(team, &sizes, buffers), weights, rate })
        });
        if finite { Ok(()) } else { Err(StepError::NonFiniteUpdate) }
    });
    if result.is_err() {
        let Buffers { state, h, .. } = Buffers::named(buffers);
        states::restore::<C>(state, h, &sizes);
    }
    result
}

#[inline(always)]
fn store_by<T: Team, C: cell::Layer>(
    team: T,
    model: Parts<'_>,
    gradients: &mut WeightSlices<'_>,
    count: usize,
) -> Result<(), StepError> {
    let Parts { isa, sizes, stateful, weights, workspace } = model;
    let mut place = MaybeUninit::uninit();
    let views = Views::of::<C>(&mut place, &sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let [embed_w, rest @ ..] = gradients;
    pass_by(team, embed_w, &|_, x| clear(x));
    if count == 0 {
        rest.iter_mut().for_each(|gradient| clear(gradient));
        return Ok(());
    }
    with_start_of_window::<C, _>(buffers, &sizes, stateful, |buffers| {
        isa.run(StoreGradients { pass: Backward::<_, C>::new(team, &sizes, buffers), weights, gradients })
    });
    Ok(())
}

fn set_state_of_window<C: cell::Layer>(Parts { sizes, weights, workspace, .. }: Parts<'_>, after: bool) {
    if let Some(views) = Views::of::<C>(&mut MaybeUninit::uninit(), &sizes, weights, workspace) {
        let Buffers { state, h, .. } = Buffers::named(&mut views.buffers);
        if after { states::carry::<C>(state, h, &sizes) } else { states::restore::<C>(state, h, &sizes) }
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
