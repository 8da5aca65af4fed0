//! One training step as a whole: what is checked, which passes run, and what a step that fails restores.

use core::{marker::PhantomData, mem::MaybeUninit};

use super::{
    feed,
    parameters::Weights,
    passes::{Backward, DescendInPlace, Forward, ForwardWithLoss, Score, StoreGradients},
    score::TokenScore,
    shared::Crew,
    states,
    workspace::{BufferSlices, Buffers, Views, WeightSlices},
};
use crate::{
    config::Sizes,
    error::{ParameterError, StepError},
    kernels::{Alone, Sum, Team, clear, pass_by},
    layers::{cell, time_lstm::LstmCell, time_rnn::TanhCell, time_softmax_with_loss::IGNORE},
    simd::Isa,
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
    pub(crate) sizes: &'m Sizes,
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
    let views = Views::of::<C>(&mut place, sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if stateful {
        states::start::<C>(h, state, sizes);
    } else {
        states::start_at_zero::<C>(h, state.len(), sizes);
    }
    let count = ts.iter().filter(|&&target| target != IGNORE).count();
    let mut total = Sum::default();
    let pass = Forward { team, cell: PhantomData::<C>, sizes, weights, buffers, xs, ts };
    isa.run(ForwardWithLoss { pass, count, total: &mut total });
    let loss = total.mean(count);
    let Buffers { state, h, .. } = Buffers::named(buffers);
    if !loss.is_finite() || !states::end_is_finite::<C>(isa, h, sizes) {
        return Err(StepError::NonFiniteLoss);
    }
    if !stateful {
        // block 0 of h keeps the state before the window, so that a step that fails can restore it
        states::start::<C>(h, state, sizes);
    }
    states::carry::<C>(state, h, sizes);
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
    if !stateful {
        let Buffers { state, h, .. } = Buffers::named(buffers);
        states::restore::<C>(state, h, sizes);
        states::start_at_zero::<C>(h, state.len(), sizes);
    }
    // in one place: flash is short
    let result = pass(buffers);
    if !stateful {
        let Buffers { state, h, .. } = Buffers::named(buffers);
        states::start::<C>(h, state, sizes);
        states::carry::<C>(state, h, sizes);
    }
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
    let views = Views::of::<C>(&mut place, sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
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
    let views = Views::of::<C>(&mut place, sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let result = check_rate(rate).map_err(StepError::from).and_then(|()| {
        let finite = with_start_of_window::<C, _>(buffers, sizes, stateful, |buffers| {
            count == 0 || isa.run(DescendInPlace { pass: Backward::<_, C>::new(team, sizes, buffers), weights, rate })
        });
        if finite { Ok(()) } else { Err(StepError::NonFiniteUpdate) }
    });
    if result.is_err() {
        let Buffers { state, h, .. } = Buffers::named(buffers);
        states::restore::<C>(state, h, sizes);
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
    let views = Views::of::<C>(&mut place, sizes, weights, workspace).ok_or(StepError::OtherSizes)?;
    let Views { weights, buffers } = views;
    let [embed_w, rest @ ..] = gradients;
    pass_by(team, embed_w, &|_, x| clear(x));
    if count == 0 {
        rest.iter_mut().for_each(|gradient| clear(gradient));
        return Ok(());
    }
    with_start_of_window::<C, _>(buffers, sizes, stateful, |buffers| {
        isa.run(StoreGradients { pass: Backward::<_, C>::new(team, sizes, buffers), weights, gradients })
    });
    Ok(())
}

fn set_state_of_window<C: cell::Layer>(Parts { sizes, weights, workspace, .. }: Parts<'_>, after: bool) {
    if let Some(views) = Views::of::<C>(&mut MaybeUninit::uninit(), sizes, weights, workspace) {
        let Buffers { state, h, .. } = Buffers::named(&mut views.buffers);
        if after { states::carry::<C>(state, h, sizes) } else { states::restore::<C>(state, h, sizes) }
    }
}

/// A learning rate must be finite and above zero.
pub(crate) fn check_rate(rate: f32) -> Result<(), ParameterError> {
    // the bits of floats above zero order like integers; one comparison takes less flash than two
    const ZERO: u32 = 0.0_f32.to_bits();
    const INFINITY: u32 = f32::INFINITY.to_bits();
    if ZERO < rate.to_bits() && rate.to_bits() < INFINITY { Ok(()) } else { Err(ParameterError::LearningRate) }
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
