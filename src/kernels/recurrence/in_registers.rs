//! The recurrence of a single row, all steps in one loop.
//!
//! A step is a product of one row and a function of its result, and the next step waits for both. One row has so few
//! chains that nothing hides what else there is between them. Here they stay in registers until the function is done.
//! Nothing is checked or dispatched between steps. The forward recurrence takes in other work while it waits for
//! itself. The bits are those of a product and a pass.

use crate::{
    kernels::{elementwise::tanh_backward_lanes, exp::tanh_lanes},
    simd::{Kernel, Simd},
};

/// h_t = tanh(z_t + h_{t-1} Wh), in the place of z_t, for all t; `before` (H) is h_0. `z` (T,H), row-major `wh` (H,H).
/// False, and nothing is done, where H isn't one, two or four vectors. Else all of the overlap is done too.
pub(super) struct InRegisters<'a, O> {
    pub(super) before: &'a [f32],
    pub(super) z: &'a mut [f32],
    pub(super) wh: &'a [f32],
    pub(super) overlap: O,
}

/// dz_t = (d_t + dz_{t+1} Wh^T) (1 - h_t²), in the place of d_t, from the last step to the first. `d` and `h` (T,H),
/// `wh` the row-major transpose (H,H). False, and nothing is done, where H isn't one, two or four vectors.
pub(super) struct BackwardInRegisters<'a> {
    pub(super) d: &'a mut [f32],
    pub(super) h: &'a [f32],
    pub(super) wh: &'a [f32],
    pub(super) hidden: usize,
}

/// Work that a recurrence takes in, step by step, while it waits for itself.
pub(super) trait Overlap {
    /// One step. False where nothing remains.
    fn step<S: Simd>(&mut self, s: S) -> bool;
}

/// How many vectors these are, where there is a loop for so many: one, two or four complete ones.
#[inline(always)]
pub(super) fn complete_vectors<S: Simd>(n: usize) -> Option<usize> {
    if S::LANES == 1 { None } else { [1, 2, 4].into_iter().find(|vectors| n == vectors * S::LANES) }
}

/// A loop over steps of H = `VECTORS` vectors.
trait Steps {
    fn steps<S: Simd, const VECTORS: usize>(self, s: S);
}

/// Chooses the loop; false where there is none for this H.
#[inline(always)]
fn run<S: Simd>(s: S, hidden: usize, steps: impl Steps) -> bool {
    match complete_vectors::<S>(hidden) {
        Some(1) => steps.steps::<S, 1>(s),
        Some(2) => steps.steps::<S, 2>(s),
        Some(4) => steps.steps::<S, 4>(s),
        _ => return false,
    }
    true
}

impl<O: Overlap> Kernel for InRegisters<'_, O> {
    type Output = bool;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        run(s, self.before.len(), self)
    }
}

impl<O: Overlap> Steps for InRegisters<'_, O> {
    #[inline(always)]
    fn steps<S: Simd, const VECTORS: usize>(self, s: S) {
        let Self { mut before, z, wh, mut overlap } = self;
        for z in z.chunks_exact_mut(VECTORS * S::LANES) {
            let mut chains = load::<S, VECTORS>(s, z);
            // so few links that the processor sees a step of the overlap early enough to do it while they wait
            let links = (S::LANES / 2).max(4);
            for (h, wh) in before.chunks_exact(links).zip(wh.chunks_exact(links * VECTORS * S::LANES)) {
                extend(s, &mut chains, h, wh);
                overlap.step(s);
            }
            for (h, z) in z.chunks_exact_mut(S::LANES).zip(chains) {
                s.store(h, tanh_lanes(s, z));
            }
            before = z;
        }
        while overlap.step(s) {}
    }
}

impl Kernel for BackwardInRegisters<'_> {
    type Output = bool;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        run(s, self.hidden, self)
    }
}

impl Steps for BackwardInRegisters<'_> {
    #[inline(always)]
    fn steps<S: Simd, const VECTORS: usize>(self, s: S) {
        let Self { d, h, wh, .. } = self;
        let mut dz_after: &[f32] = &[];
        let hidden = VECTORS * S::LANES;
        for (d, h) in d.chunks_exact_mut(hidden).zip(h.chunks_exact(hidden)).rev() {
            let mut chains = load::<S, VECTORS>(s, d);
            extend(s, &mut chains, dz_after, wh);
            for ((d, h), chain) in d.chunks_exact_mut(S::LANES).zip(h.chunks_exact(S::LANES)).zip(chains) {
                s.store(d, tanh_backward_lanes(s, chain, s.load(h)));
            }
            dz_after = d;
        }
    }
}

#[inline(always)]
fn load<S: Simd, const VECTORS: usize>(s: S, from: &[f32]) -> [S::F; VECTORS] {
    let mut vectors = [s.splat(0.0); VECTORS];
    for (vector, from) in vectors.iter_mut().zip(from.chunks_exact(S::LANES)) {
        *vector = s.load(from);
    }
    vectors
}

/// chains += A B: a row (k) and row-major B (k, VECTORS vectors).
#[inline(always)]
fn extend<S: Simd, const VECTORS: usize>(s: S, chains: &mut [S::F; VECTORS], a: &[f32], b: &[f32]) {
    for (&a, b) in a.iter().zip(b.chunks_exact(VECTORS * S::LANES)) {
        let a = s.splat(a);
        for (chain, b) in chains.iter_mut().zip(b.chunks_exact(S::LANES)) {
            *chain = s.fma(a, s.load(b), *chain);
        }
    }
}

#[cfg(test)]
mod tests;
