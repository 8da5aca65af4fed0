//! The recurrence of a batch of one, all steps in one loop.
//!
//! A step is a product of one row and a function of its result, and the next step waits for both. The chains of one row are
//! so few that nothing hides what else stands between them: here they stay in registers until the function is done, and nothing is
//! checked or dispatched between steps but other work, which the forward recurrence takes in while it waits for itself. The bits
//! are those of a product and a pass.

use crate::{
    kernels::{elementwise::tanh_backward_lanes, exp::tanh_lanes},
    simd::{Kernel, Simd},
};

/// h_t = tanh(z_t + h_{t-1} W), in the place of z_t, for all t; `before` (H) is h_0. `z` (T,H), row-major `w` (H,H).
/// False, and nothing is done, where H isn't one, two or four vectors; else all of `meanwhile` is done too.
pub(crate) struct Recurrence<'a, M> {
    pub before: &'a [f32],
    pub z: &'a mut [f32],
    pub w: &'a [f32],
    pub meanwhile: M,
}

/// Work that a recurrence takes in, piece by piece, while it waits for itself.
pub(crate) trait Meanwhile {
    /// One piece. False where nothing remains.
    fn piece<S: Simd>(&mut self, s: S) -> bool;
}

/// Nothing.
impl Meanwhile for () {
    fn piece<S: Simd>(&mut self, _: S) -> bool {
        false
    }
}

/// d_t = (d_t + d_{t+1} W) (1 - h_t²), from the last step to the first. `d` and `h` (T,H), row-major `w` (H,H).
/// False, and nothing is done, where H isn't one, two or four vectors.
pub(crate) struct RecurrenceBackward<'a> {
    pub d: &'a mut [f32],
    pub h: &'a [f32],
    pub w: &'a [f32],
    pub hidden: usize,
}

/// How many vectors these are, where there is a loop for so many: one, two or four whole ones.
#[inline(always)]
pub(super) fn whole_vectors<S: Simd>(n: usize) -> Option<usize> {
    if S::LANES == 1 { None } else { [1, 2, 4].into_iter().find(|vectors| n == vectors * S::LANES) }
}

/// A loop over steps of H = `VECTORS` vectors.
trait Steps {
    fn steps<S: Simd, const VECTORS: usize>(self, s: S);
}

/// Chooses the loop; false where there is none for this H.
#[inline(always)]
fn run<S: Simd>(s: S, hidden: usize, steps: impl Steps) -> bool {
    match whole_vectors::<S>(hidden) {
        Some(1) => steps.steps::<S, 1>(s),
        Some(2) => steps.steps::<S, 2>(s),
        Some(4) => steps.steps::<S, 4>(s),
        _ => return false,
    }
    true
}

impl<M: Meanwhile> Kernel for Recurrence<'_, M> {
    type Output = bool;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        run(s, self.before.len(), self)
    }
}

impl<M: Meanwhile> Steps for Recurrence<'_, M> {
    #[inline(always)]
    fn steps<S: Simd, const VECTORS: usize>(self, s: S) {
        let Self { mut before, z, w, mut meanwhile } = self;
        for z in z.chunks_exact_mut(VECTORS * S::LANES) {
            let mut chains = load::<S, VECTORS>(s, z);
            // between so few links a piece is seen early enough to be done while they wait
            let links = (S::LANES / 2).max(4);
            for (h, w) in before.chunks_exact(links).zip(w.chunks_exact(links * VECTORS * S::LANES)) {
                extend(s, &mut chains, h, w);
                meanwhile.piece(s);
            }
            for (h, z) in z.chunks_exact_mut(S::LANES).zip(chains) {
                s.store(h, tanh_lanes(s, z));
            }
            before = z;
        }
        while meanwhile.piece(s) {}
    }
}

impl Kernel for RecurrenceBackward<'_> {
    type Output = bool;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> bool {
        run(s, self.hidden, self)
    }
}

impl Steps for RecurrenceBackward<'_> {
    #[inline(always)]
    fn steps<S: Simd, const VECTORS: usize>(self, s: S) {
        let Self { d, h, w, .. } = self;
        let mut later: &[f32] = &[];
        let hidden = VECTORS * S::LANES;
        for (d, h) in d.chunks_exact_mut(hidden).zip(h.chunks_exact(hidden)).rev() {
            let mut chains = load::<S, VECTORS>(s, d);
            extend(s, &mut chains, later, w);
            for ((d, h), chain) in d.chunks_exact_mut(S::LANES).zip(h.chunks_exact(S::LANES)).zip(chains) {
                s.store(d, tanh_backward_lanes(s, chain, s.load(h)));
            }
            later = d;
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
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Isa, rng::Xorshift, simd::Portable};

    fn random(rng: &mut Xorshift, len: usize) -> Vec<f32> {
        (0..len).map(|_| rng.uniform() - 0.5).collect()
    }

    #[test]
    fn all_steps_at_once_have_the_bits_of_products_and_passes() {
        let mut rng = Xorshift::new(5);
        for hidden in [1, 4, 7, 8, 16, 24, 32, 48, 64] {
            for t in [1, 2, 5] {
                let (before, w) = (random(&mut rng, hidden), random(&mut rng, hidden * hidden));
                let (z, h) = (random(&mut rng, t * hidden), random(&mut rng, t * hidden));
                let chain = |start: f32, a: &[f32], j: usize| {
                    a.iter().zip(w.chunks(hidden)).fold(start, |sum, (&a, w)| Portable.fma_one(a, w[j], sum))
                };
                let (mut forward, mut backward) = (z.clone(), z.clone());
                for at in 0..t * hidden {
                    let (step, j) = (at / hidden, at % hidden);
                    let h_prev = if step == 0 { &before[..] } else { &forward[(step - 1) * hidden..step * hidden] };
                    forward[at] = tanh_lanes(Portable, chain(z[at], h_prev, j));
                }
                for at in (0..t * hidden).rev() {
                    let (step, j) = (at / hidden, at % hidden);
                    let later = backward.get((step + 1) * hidden..(step + 2) * hidden).unwrap_or_default();
                    let slope = Portable.nfma(h[at], h[at], 1.0);
                    backward[at] = chain(z[at], later, j) * slope;
                }
                for isa in Isa::available() {
                    let (mut ours, mut d) = (z.clone(), z.clone());
                    let done = isa.run(Recurrence { before: &before, z: &mut ours, w: &w, meanwhile: () });
                    assert_eq!(done, isa.run(RecurrenceBackward { d: &mut d, h: &h, w: &w, hidden }));
                    let expected = if done { (&forward, &backward) } else { (&z, &z) };
                    assert_eq!((&ours, &d), expected, "{} {hidden} {t}", isa.name());
                    if isa.name() == "avx512" {
                        assert_eq!(done, [16, 32, 64].contains(&hidden));
                    }
                }
            }
        }
    }
}
