//! From probabilities to words: the likeliest ones, or one drawn at random.

use crate::{
    rng::Xorshift,
    simd::{OneLane, PACKS, ROUND, Scalar},
};

/// A word that may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
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
/// let best = top(&[0.1, 0.3, 0.2, 0.1, 0.3], &[1], &mut three);
/// let ids: Vec<u32> = best.iter().map(|c| c.id).collect();
/// assert_eq!(ids, [4, 2, 0]);
/// ```
#[doc(alias = "topk")]
#[doc(alias = "argmax")]
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
        if probability > self.least && skip.iter().all(|&other| other != id) {
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
/// let config =
///     Config { vocab_size: 9, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
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
#[doc(alias = "multinomial")]
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

/// Between 0 and [`MOST`]; NaN is 0. By integers: a relaxed maximum may keep a NaN.
fn bounded(probability: f32) -> f32 {
    let bits = probability.to_bits();
    let is_positive = (1..=f32::INFINITY.to_bits()).contains(&bits);
    f32::from_bits(if is_positive { bits.min(MOST.to_bits()) } else { 0 })
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
mod tests;
