//! From probabilities to words: the likeliest ones, or one drawn at random.

use crate::{
    rng::Xorshift,
    simd::{OneLane, PACKS, ROUND, Scalar},
};

/// A word that may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candidate {
    /// The word.
    pub id: u32,
    /// Its probability.
    pub probability: f32,
}

/// Fills `to` with the likeliest words that are not in `skip`, the likeliest first and among equals the lower id first,
/// and returns the part that was filled. One pass over the probabilities; ids to skip are few.
///
/// ```
/// use rnnlm::{Candidate, top};
/// let mut three = [Candidate::default(); 3];
/// let ids: Vec<u32> = top(&[0.1, 0.3, 0.2, 0.1, 0.3], &[1], &mut three).iter().map(|c| c.id).collect();
/// assert_eq!(ids, [4, 2, 0]);
/// ```
pub fn top<'t>(probabilities: &[f32], skip: &[u32], to: &'t mut [Candidate]) -> &'t [Candidate] {
    let mut best = Best { to, len: 0, least: f32::NEG_INFINITY, least_bits: i32::MIN };
    if PACKS {
        // 64 at a time, then eight, against the least of the list: few blocks hold a newcomer
        const WIDE: usize = 64;
        const NARROW: usize = 8;
        for (first, wide) in (0_u32..).step_by(WIDE).zip(probabilities.chunks(WIDE)) {
            if !any_above(wide, best.least) {
                continue;
            }
            for (first, narrow) in (first..).step_by(NARROW).zip(wide.chunks(NARROW)) {
                if any_above(narrow, best.least) {
                    (first..).zip(narrow).for_each(|(id, &probability)| best.consider(id, probability, skip));
                }
            }
        }
    } else {
        let mut at = 0;
        loop {
            at = Scalar::position_of_bits(probabilities, at, best.least_bits);
            let Some(&probability) = probabilities.get(at) else { break };
            best.consider(at as u32, probability, skip);
            at += 1;
        }
    }
    let Best { to, len, .. } = best;
    to.get(..len).unwrap_or(&[])
}

/// The likeliest so far.
struct Best<'t> {
    to: &'t mut [Candidate],
    len: usize,
    /// What a newcomer must exceed: the last one's probability, where the list is full.
    least: f32,
    /// Newcomers have bits that are no less, as integers: comparing these takes fewer instructions on a small core.
    /// Negative numbers order otherwise, so nothing is left out on their account. Kept, as deriving it for each
    /// newcomer costs more.
    least_bits: i32,
}

impl Best<'_> {
    fn consider(&mut self, id: u32, probability: f32, skip: &[u32]) {
        if probability > self.least && !skip.contains(&id) {
            self.len = insert(self.to, self.len, Candidate { id, probability });
            if let (true, Some(last)) = (self.len == self.to.len(), self.to.last()) {
                self.least = last.probability;
                let bits = self.least.to_bits() as i32;
                self.least_bits = if bits < 0 { i32::MIN } else { bits };
            }
        }
    }
}

/// Without a way out in the middle, so that it vectorises.
fn any_above(probabilities: &[f32], least: f32) -> bool {
    probabilities.iter().fold(false, |any, &p| any | (p > least))
}

/// Inserts a candidate behind all that are at least as likely; the last one of a full list falls out. Returns the
/// length.
fn insert(to: &mut [Candidate], len: usize, new: Candidate) -> usize {
    let longer = to.len().min(len + 1);
    let mut places = to.get_mut(..longer).unwrap_or(&mut []);
    while let [before @ .., free] = places {
        match before.last() {
            Some(last) if last.probability < new.probability => *free = *last,
            _ => {
                *free = new;
                break;
            }
        }
        places = before;
    }
    longer
}

/// Draws the next word.
///
/// ```
/// use rnnlm::{Candidate, Config, Sampler, SimpleRnnlm, Xorshift};
/// let config = Config { vocab_size: 9, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut predictor = model.predictor()?.with_temperature(0.8)?;
/// let mut best = [Candidate::default(); 5];
/// let mut sampler = Sampler::new(Xorshift::new(7)).with_skip(&[8]).with_top(&mut best);
/// let mut id = 0;
/// for _ in 0..20 {
///     id = sampler.choose(predictor.feed(id)?).unwrap();
///     assert_ne!(id, 8);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[doc(alias = "generate")]
#[derive(Debug)]
pub struct Sampler<'s> {
    rng: Xorshift,
    skip: &'s [u32],
    best: &'s mut [Candidate],
}

impl<'s> Sampler<'s> {
    /// Draws from all words, each by its probability.
    #[must_use]
    pub fn new(rng: Xorshift) -> Self {
        Self { rng, skip: &[], best: &mut [] }
    }

    /// Never draws these words.
    #[must_use]
    pub fn with_skip(self, skip: &'s [u32]) -> Self {
        Self { skip, ..self }
    }

    /// Draws from the likeliest words alone, as many as `best` has room for. With one it is greedy; with none, all
    /// words take part.
    #[must_use]
    pub fn with_top(self, best: &'s mut [Candidate]) -> Self {
        Self { best, ..self }
    }

    /// The random generator, to be kept for later.
    #[must_use]
    pub fn rng(&self) -> &Xorshift {
        &self.rng
    }

    /// A word, drawn by its share of the probabilities that take part; `None` where none of them is at least 2^-32.
    /// The same for the same probabilities and generator on every machine. One pass.
    pub fn choose(&mut self, probabilities: &[f32]) -> Option<u32> {
        let Self { rng, skip, best } = self;
        if best.is_empty() {
            return draw_from_all(rng, probabilities, skip);
        }
        let best = top(probabilities, skip, best);
        if let [only] = best {
            return Some(only.id);
        }
        let point = point(rng, best.iter().map(|c| share(c.probability)).sum());
        word_at(point, best.iter().map(|c| (c.id, c.probability)))
    }
}

/// The ids without those that stand before in the list.
fn distinct(ids: &[u32]) -> impl Iterator<Item = u32> + '_ {
    ids.iter().enumerate().filter(|(i, id)| !ids.iter().take(*i).any(|before| before == *id)).map(|(_, &id)| id)
}

/// The shares of so many blocks of words are added up apart, so that one pass over the probabilities does: the block in
/// which a point falls is found among the sums. One lane gains nothing by it.
const BLOCKS: usize = if PACKS { 64 } else { 1 };
/// Words whose shares are added side by side.
const SIDE_BY_SIDE: usize = 16;

/// A word of those not in `skip`, by its share.
fn draw_from_all(rng: &mut Xorshift, probabilities: &[f32], skip: &[u32]) -> Option<u32> {
    let len = (probabilities.len() / (BLOCKS * SIDE_BY_SIDE) + 1) * SIDE_BY_SIDE;
    // not by `chunks`, which could panic as far as a compiler for size sees
    let split = |rest: &mut &[f32]| {
        let (block, after) = rest.split_at_checked(len).unwrap_or((*rest, &[]));
        *rest = after;
        sum_of_shares(block)
    };
    let (mut sums, mut rest) = ([0; BLOCKS], probabilities);
    sums.iter_mut().for_each(|sum| *sum = split(&mut rest));
    for id in distinct(skip) {
        let block = (id as usize).checked_div(len).and_then(|block| sums.get_mut(block));
        if let (Some(&p), Some(sum)) = (probabilities.get(id as usize), block) {
            *sum -= share(p);
        }
    }
    let mut point = point(rng, sums.iter().sum());
    let mut first = 0;
    for sum in sums {
        if point < sum {
            let words = (first as u32..).zip(probabilities.iter().copied().skip(first).take(len));
            return word_at(point, words.filter(|(id, _)| !skip.contains(id)));
        }
        point -= sum;
        first += len;
    }
    None
}

/// The largest f32 below 1: its share is the largest.
const MOST: f32 = 1.0 - f32::EPSILON / 2.0;

/// A probability in units of 2^-32. Sums of integers don't depend on their order and lose nothing.
fn share(probability: f32) -> u64 {
    u64::from((bounded(probability) * 4_294_967_296.0) as u32)
}

/// Between 0 and [`MOST`]. Not `clamp`, which lets NaN pass: it is 0 here.
fn bounded(probability: f32) -> f32 {
    let positive = if probability > 0.0 { probability } else { 0.0 };
    if positive < MOST { positive } else { MOST }
}

/// The sum of the [`share`]s of a block, without conversions of single numbers.
///
/// A float below 2^22 plus [`ROUND`] has the nearest integer n in its low bits, so that x = 2^16 p is n and a rest of
/// at most a half, and 2^16 times the rest, rounded down, are the sixteen bits below n.
fn sum_of_shares(block: &[f32]) -> u64 {
    const HALF: f32 = 65_536.0;
    // sums of as many halves fit 32 bits
    const LONGEST: usize = 1 << 10;
    let (groups, rest) = block.as_chunks::<SIDE_BY_SIDE>();
    let mut sum: u64 = rest.iter().map(|&p| share(p)).sum();
    if !PACKS {
        return groups.iter().flatten().map(|&p| share(p)).sum::<u64>() + sum;
    }
    for groups in groups.chunks(LONGEST) {
        // each number brings the bits of ROUND with it
        let start = ROUND.to_bits().wrapping_mul(groups.len() as u32).wrapping_neg();
        let (mut high, mut low) = ([start; SIDE_BY_SIDE], [start; SIDE_BY_SIDE]);
        for group in groups {
            for ((&p, high), low) in group.iter().zip(&mut high).zip(&mut low) {
                let x = HALF * bounded(p);
                let n = x + ROUND;
                let y = HALF * (x - (n - ROUND));
                let nearest = y + ROUND;
                let is_above = u32::from(nearest - ROUND > y);
                *high = high.wrapping_add(n.to_bits());
                *low = low.wrapping_add(nearest.to_bits()).wrapping_sub(is_above);
            }
        }
        let all = |halves: [u32; SIDE_BY_SIDE]| halves.into_iter().fold(0, u32::wrapping_add);
        sum = (sum + (u64::from(all(high)) << 16)).wrapping_add_signed(i64::from(all(low) as i32));
    }
    sum
}

/// A random point below the `total` of all shares; 0 where that is 0.
fn point(rng: &mut Xorshift, total: u64) -> u64 {
    let random = u64::from(rng.next_u32()) << 32 | u64::from(rng.next_u32());
    ((u128::from(random) * u128::from(total)) >> 64) as u64
}

/// The word in whose share the point falls, where the shares lie one behind the other.
fn word_at(mut point: u64, words: impl Iterator<Item = (u32, f32)>) -> Option<u32> {
    for (id, probability) in words {
        let share = share(probability);
        if point < share {
            return Some(id);
        }
        point -= share;
    }
    None
}

#[cfg(test)]
mod tests {
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
            let near = (rng.below(1 << 16) as f32 + 0.5 * rng.below(2) as f32)
                / 65_536.0
                / [1.0, 65_536.0][rng.below(2) as usize];
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
            assert_eq!(sum_of_shares(&p[..len]), p[..len].iter().map(|&p| share(p)).sum(), "{len}");
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
}
