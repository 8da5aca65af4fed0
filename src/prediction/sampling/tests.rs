extern crate std;
use std::vec::Vec;

use super::*;

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn top_is_a_stable_sort_cut_short() {
    let mut rng = Xorshift::new(3);
    for len in [0, 1, 7, 8, 9, 100] {
        for _ in 0..50 {
            let p: Vec<f32> = (0..len).map(|_| rng.below(12) as f32 / 12.0).collect();
            let skip = [rng.below(10), rng.below(10)];
            let mut order: Vec<u32> = (0..len).filter(|id| !skip.contains(id)).collect();
            order.sort_by(|&a, &b| p[b as usize].total_cmp(&p[a as usize]));
            for k in [0, 1, 3, 10, 200] {
                let mut to = std::vec![Candidate::default(); k];
                let got = top(&p, &skip, &mut to);
                assert!(got.iter().map(|c| c.id).eq(order.iter().copied().take(k)), "{p:?} {skip:?} {k} {got:?}");
                assert!(got.iter().all(|c| c.probability == p[c.id as usize]));
            }
        }
    }
}

/// Every exponent, both ends of every rounding, and what is no probability.
fn probabilities_of_all_kinds() -> Vec<f32> {
    let mut rng = Xorshift::new(6);
    let mut p = std::vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, -1.0, 1.0, 1.5, 3e38, MOST];
    for exponent in 0..=127 {
        let power = f32::from_bits(exponent << 23);
        p.extend([power, power.next_down(), power.next_up(), f32::from_bits(exponent << 23 | rng.below(1 << 23))]);
    }
    // around integers and halves of both sixteen-bit parts
    for _ in 0..300 {
        let near =
            (rng.below(1 << 16) as f32 + 0.5 * rng.below(2) as f32) / 65_536.0 / [1.0, 65_536.0][rng.below(2) as usize];
        p.extend([near, near.next_down(), near.next_up()]);
    }
    p.extend((0..200).map(|_| rng.uniform()));
    p
}

#[test]
fn shares_side_by_side_are_those_of_single_numbers() {
    let p = probabilities_of_all_kinds();
    for &p in &p {
        let expected = (f64::from(p).clamp(0.0, f64::from(MOST)) * 4_294_967_296.0) as u64;
        assert_eq!((share(p), sum_of_shares(&[p; SIDE_BY_SIDE])), (expected, 16 * expected), "{p:e}");
    }
    for len in [0, 1, 15, 16, 17, 160, p.len()] {
        assert_eq!(sum_of_shares(&p[..len]), p[..len].iter().map(|&p| share(p)).sum::<u64>(), "{len}");
    }
    // more of the largest than 32 bits hold
    let most = std::vec![1.0; 16 * ((1 << 12) + 3)];
    assert_eq!(sum_of_shares(&most), most.len() as u64 * share(MOST));
}

/// The idea without its blocks.
fn walk(rng: &mut Xorshift, p: &[f32], skip: &[u32]) -> Option<u32> {
    let taking_part = || (0..).zip(p.iter().copied()).filter(|(id, _)| !skip.contains(id));
    let point = point(rng, taking_part().map(|(_, p)| share(p)).sum());
    word_at(point, taking_part())
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn blocks_draw_what_a_walk_over_all_words_draws() {
    let mut numbers = Xorshift::new(4);
    for len in [1, 15, 16, 17, 1023, 1024, 1025, 3000] {
        // a few likely words and many unlikely ones, as a model gives them
        let p: Vec<f32> = (0..len).map(|_| numbers.uniform().powi(8) * 3.0 / len as f32).collect();
        for skip in [&[][..], &[0], &[len - 1, 2, 2, 7000]] {
            let (mut rng, mut sampler) = (Xorshift::new(5), Sampler::new(Xorshift::new(5)).with_skip(skip));
            for _ in 0..300 {
                assert_eq!(sampler.choose(&p), walk(&mut rng, &p, skip), "{len} {skip:?}");
                assert_eq!(sampler.rng(), &rng);
            }
        }
    }
}

/// The counts of a million draws.
fn counts(p: &[f32], skip: &[u32], k: usize) -> Vec<f64> {
    let mut best = std::vec![Candidate::default(); k];
    let mut sampler = Sampler::new(Xorshift::new(5)).with_skip(skip).with_top(&mut best);
    let mut counts = std::vec![0.0; p.len()];
    for _ in 0..1_000_000 {
        counts[sampler.choose(p).unwrap() as usize] += 1.0;
    }
    counts
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn words_come_as_often_as_their_probability_says() {
    let p = [0.1, 0.0, 0.25, 0.4, 0.05, 0.2];
    for (skip, k, expected) in [
        (&[][..], 0, [0.1, 0.0, 0.25, 0.4, 0.05, 0.2]),
        (&[3, 3, 99], 0, [0.1 / 0.6, 0.0, 0.25 / 0.6, 0.0, 0.05 / 0.6, 0.2 / 0.6]),
        (&[], 2, [0.0, 0.0, 0.25 / 0.65, 0.4 / 0.65, 0.0, 0.0]),
        (&[3], 1, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        (&[3], 2, [0.0, 0.0, 0.25 / 0.45, 0.0, 0.0, 0.2 / 0.45]),
    ] {
        for (count, expected) in counts(&p, skip, k).into_iter().zip(expected) {
            // five standard errors of a million draws
            let allowed = 5.0 * f64::sqrt(1e6 * expected * (1.0 - expected));
            assert!((count - 1e6 * expected).abs() <= allowed, "{skip:?} {k} {count} {expected}");
        }
    }
}

#[test]
fn a_point_is_the_product_of_two_random_numbers_and_the_total() {
    let (mut rng, mut numbers) = (Xorshift::new(8), Xorshift::new(8));
    for total in [0, 1, 3, 1 << 32, u64::MAX] {
        let random = u64::from(numbers.next_u32()) << 32 | u64::from(numbers.next_u32());
        let exact = (u128::from(random) * u128::from(total)) >> 64;
        assert_eq!(u128::from(point(&mut rng, total)), exact, "{total}");
        assert_eq!(rng, numbers);
    }
}

#[test]
fn a_word_of_no_share_is_never_drawn() {
    let least = f32::from_bits((127 - 32) << 23);
    let mut best = [Candidate::default(); 2];
    let mut sampler = Sampler::new(Xorshift::new(1));
    assert_eq!(sampler.choose(&[0.0, 0.99 * least, least, 0.0]), Some(2));
    assert_eq!(sampler.with_top(&mut best).choose(&[least, 0.0]), Some(0));
    let words = [(3, least), (4, 0.0), (5, least)];
    assert_eq!([0, 1, 2].map(|point| word_at(point, words.into_iter())), [Some(3), Some(5), None]);
}

#[test]
fn where_nothing_can_be_drawn_nothing_is() {
    let mut sampler = Sampler::new(Xorshift::new(1)).with_skip(&[0]);
    assert_eq!((sampler.choose(&[1.0]), sampler.choose(&[]), sampler.choose(&[1.0, 0.0])), (None, None, None));
    assert_eq!(sampler.choose(&[0.5, 0.5]), Some(1));
    let mut best = [Candidate::default(); 2];
    assert_eq!(Sampler::new(Xorshift::new(1)).with_top(&mut best).choose(&[]), None);
}

#[test]
fn the_only_candidate_is_taken_without_a_draw_however_small_its_share() {
    let p = [1e-30, 1e-20, 0.0, 1e-25];
    for (room, skip, word) in [(1, &[][..], 1), (1, &[1], 3), (3, &[0, 1, 2], 3), (4, &[1, 3, 2, 1], 0)] {
        let mut best = [Candidate::default(); 4];
        let mut sampler = Sampler::new(Xorshift::new(1)).with_skip(skip).with_top(&mut best[..room]);
        assert_eq!(sampler.choose(&p), Some(word), "{room} {skip:?}");
        assert_eq!(sampler.rng(), &Xorshift::new(1), "a number was drawn");
    }
}

/// The draws of one seed are part of the interface.
#[test]
fn the_same_words_for_the_same_seed() {
    let p: Vec<f32> = (1..=10).map(|i| i as f32 / 55.0).collect();
    let mut sampler = Sampler::new(Xorshift::new(1));
    let drawn: Vec<u32> = (0..12).filter_map(|_| sampler.choose(&p)).collect();
    assert_eq!(drawn, [5, 5, 9, 3, 9, 3, 8, 6, 3, 3, 9, 8]);
}
