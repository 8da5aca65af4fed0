//! What a detector and a learner with a frozen body say of a made-up stream, as hashes: the same on every target.

use rnnlm::{
    Cell, Detector, Doing, EventIds, FalseAlarms, Foresight, Guard, HeadLearner, SessionVerdict, StepError, Storage,
    Xorshift,
};

/// The hashes of [`verdicts`] and of [`head`], over a model of workload E drawn from the seed 1, learning rate 0.5.
pub const GOLDEN: [u64; 2] = [0x2432_0360_b808_426f, 0xd668_61a0_ceea_e1ec];
/// The same of an LSTM.
pub const LSTM_GOLDEN: [u64; 2] = [0xb91f_9fb6_5c82_6577, 0x8df2_9a87_05b8_655a];
/// The hash of [`imbalances`], whatever foresees; another program counted it in Python by sets of pairs.
pub const IMBALANCES: u64 = 0x1bd8_034f_4014_c757;

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

fn add(hash: &mut u64, value: u32) {
    for byte in value.to_le_bytes() {
        *hash = (*hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// A session of seven events that follow one rule; where `is_odd`, one of them doesn't.
pub fn session(rng: &mut Xorshift, is_odd: bool) -> [u32; 7] {
    let mut session = [0; 7];
    let mut event = rng.below(4);
    for to in &mut session {
        *to = event;
        event = (event * 5 + 3 + rng.below(2)) % 32;
    }
    if is_odd {
        session[1 + rng.below(6) as usize] = 32 + rng.below(40);
    }
    session
}

/// Learns, measures, calibrates, and judges: the hash of all verdicts, and how many of 40 odd sessions were found.
pub fn verdicts<M: Foresight, L: Storage>(
    detector: &mut Detector<M, L>,
    bins: &mut [u32],
) -> Result<(u64, u32), StepError> {
    let (mut rng, mut hash, mut found) = (Xorshift::new(21), FNV, 0);
    for _ in 0..100 {
        detector.teach(&session(&mut rng, false))?;
    }
    detector.clear_measures();
    detector.set_doing(Doing::Measure);
    for _ in 0..40 {
        detector.session(&session(&mut rng, false))?;
    }
    detector.set_doing(Doing::Watch);
    let mut alarms = FalseAlarms::new(bins);
    for _ in 0..40 {
        alarms.add(detector.session(&session(&mut rng, false))?.worst.excess);
    }
    let threshold = alarms.threshold(0.05);
    detector.set_threshold(threshold.excess);
    add(&mut hash, threshold.excess.to_bits());
    add(&mut hash, threshold.rate_high.to_bits());
    detector.set_guard(Guard::new(0.5, 4, 8));
    for doing in [Doing::Watch, Doing::Learn] {
        detector.set_doing(doing);
        for i in 0..40 {
            let is_odd = i % 2 == 1;
            let verdict = detector.session(&session(&mut rng, is_odd))?;
            found += u32::from(is_odd && verdict.is_odd);
            let floats = verdict.expected.map(|candidate| candidate.probability);
            for value in floats.into_iter().chain([verdict.worst.excess, verdict.worst.score.loss]) {
                add(&mut hash, value.to_bits());
            }
            for value in [verdict.at, verdict.odd, verdict.worst.score.id, verdict.worst.score.rank as u32] {
                add(&mut hash, value);
            }
        }
    }
    Ok((hash, found))
}

/// A session of one to four events 40, as many 41, and 42; where `is_odd`, the last 41 is lost.
fn paired<M: Foresight, L: Storage, B: AsRef<[u32]> + AsMut<[u32]>>(
    detector: &mut Detector<M, L, B>,
    pairs: u32,
    is_odd: bool,
) -> Result<SessionVerdict, StepError> {
    detector.begin()?;
    for at in 0..2 * pairs {
        if !is_odd || at + 1 < 2 * pairs {
            detector.observe(40 + at % 2)?;
        }
    }
    detector.observe(42)?;
    detector.end()
}

/// Measures the balance of sessions, and judges others: the hash of what is out of balance, and how many of 20 odd
/// sessions were found.
pub fn imbalances<M: Foresight, L: Storage, B: AsRef<[u32]> + AsMut<[u32]>>(
    detector: &mut Detector<M, L, B>,
) -> Result<(u64, u32), StepError> {
    let (mut rng, mut hash, mut found) = (Xorshift::new(23), FNV, 0);
    detector.set_doing(Doing::Measure);
    for _ in 0..100 {
        paired(detector, 1 + rng.below(4), false)?;
    }
    detector.set_doing(Doing::Watch);
    for i in 0..40 {
        let verdict = paired(detector, 1 + rng.below(4), i % 2 == 1)?;
        let Some(imbalance) = verdict.imbalance else { continue };
        found += i % 2;
        let [more, fewer] = imbalance.counts;
        for value in [i, imbalance.more, imbalance.fewer, more, fewer, imbalance.sessions] {
            add(&mut hash, value);
        }
    }
    detector.balance().learned().iter().for_each(|&word| add(&mut hash, word));
    Ok((hash, found))
}

/// Learns a stream with a frozen body: the hash of what was learned.
pub fn head<B: Storage, P: Storage, C: Cell>(learner: &mut HeadLearner<'_, B, P, C>) -> Result<u64, StepError> {
    let (mut rng, mut hash) = (Xorshift::new(22), FNV);
    for _ in 0..30 {
        for event in session(&mut rng, false) {
            learner.observe(event)?;
        }
    }
    learner.head().iter().for_each(|x| add(&mut hash, x.to_bits()));
    Ok(hash)
}

/// Of workload E.
pub fn ids() -> EventIds {
    EventIds::last_two(64)
}
