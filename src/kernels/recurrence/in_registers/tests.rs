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
                let done = isa.run(InRegisters { before: &before, z: &mut ours, wh: &w, overlap: () });
                assert_eq!(done, isa.run(BackwardInRegisters { d: &mut d, h: &h, wh: &w, hidden }));
                let expected = if done { (&forward, &backward) } else { (&z, &z) };
                assert_eq!((&ours, &d), expected, "{} {hidden} {t}", isa.name());
                if isa.name() == "avx512" {
                    assert_eq!(done, [16, 32, 64].contains(&hidden));
                }
            }
        }
    }
}
