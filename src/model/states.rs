//! The states of a cell: from the carried ones to the start of a window, and from its end on.
//!
//! `state` has those that are carried, (N,H) each; `h` has a matrix of each, ((T+1)*N,H), and what the cell keeps.
//! Where h is the only state, each of these is one copy.

use crate::{
    config::Sizes,
    kernels::{MaxAbs, clear, copy, part, part_mut},
    layers::cell::Layer,
    simd::Isa,
};

/// Floats of a state, and of its matrix.
fn lens(&Sizes { hidden, n, t, .. }: &Sizes) -> [usize; 2] {
    let state = n * hidden;
    [state, (t + 1) * state]
}

/// The window starts from the carried states.
#[inline(always)]
pub(super) fn start<C: Layer>(h: &mut [f32], state: &[f32], sizes: &Sizes) {
    if C::SIZES.states == 1 {
        return copy(h, state);
    }
    let [len, matrix] = lens(sizes);
    for number in 0..C::SIZES.states {
        copy(part_mut(h, number * matrix..), part(state, number * len..(number + 1) * len));
    }
}

/// The window starts from zeros. Where h is the only state, `len` is its length: N H, or H where a row of text is read
/// alone.
#[inline(always)]
pub(super) fn start_at_zero<C: Layer>(h: &mut [f32], len: usize, sizes: &Sizes) {
    if C::SIZES.states == 1 {
        return clear(part_mut(h, ..len));
    }
    // `len` may be that of all states
    let [state, matrix] = lens(sizes);
    for number in 0..C::SIZES.states {
        clear(part_mut(h, number * matrix..number * matrix + state));
    }
}

/// The carried states are those before the window.
#[inline(always)]
pub(super) fn restore<C: Layer>(state: &mut [f32], h: &[f32], sizes: &Sizes) {
    if C::SIZES.states == 1 {
        return copy(state, h);
    }
    let [len, matrix] = lens(sizes);
    for number in 0..C::SIZES.states {
        copy(part_mut(state, number * len..(number + 1) * len), part(h, number * matrix..));
    }
}

/// The carried states are those behind the window.
#[inline(always)]
pub(super) fn carry<C: Layer>(state: &mut [f32], h: &[f32], sizes: &Sizes) {
    if C::SIZES.states == 1 {
        return copy(state, last(h, sizes));
    }
    let [len, matrix] = lens(sizes);
    for number in 0..C::SIZES.states {
        let h = last(part(h, number * matrix..), sizes);
        copy(part_mut(state, number * len..(number + 1) * len), h);
    }
}

/// The states behind the window are finite.
#[inline(always)]
pub(super) fn end_is_finite<C: Layer>(isa: Isa, h: &[f32], sizes: &Sizes) -> bool {
    let is_finite = |x: &[f32]| isa.run(MaxAbs([x])).is_finite();
    if C::SIZES.states == 1 {
        return is_finite(last(h, sizes));
    }
    let [len, matrix] = lens(sizes);
    (0..C::SIZES.states).all(|number| is_finite(part(last(part(h, number * matrix..), sizes), ..len)))
}

/// The last block of a state's matrix, and what follows it.
fn last<'h>(h: &'h [f32], sizes: &Sizes) -> &'h [f32] {
    part(h, sizes.t * sizes.n * sizes.hidden..)
}

/// A window of one row of text starts where the one before it ended, which was at least as long.
#[inline(always)]
pub(super) fn go_on<C: Layer>(h: &mut [f32], before: &Sizes, next: &Sizes) {
    let hidden = next.hidden;
    if C::SIZES.states == 1 {
        let last = before.t * hidden;
        if let Some((first, rest)) = h.split_at_mut_checked(hidden) {
            copy(first, part(rest, last - hidden..));
        }
        return;
    }
    let ([_, matrix], [_, next_matrix]) = (lens(before), lens(next));
    for number in 0..C::SIZES.states {
        if let Some((to, from)) = h.split_at_mut_checked(number * matrix + before.t * hidden) {
            copy(part_mut(to, number * next_matrix..), part(from, ..hidden));
        }
    }
}
