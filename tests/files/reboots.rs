//! Promise: a learner in a device whose power fails at any time goes on, bit for bit, as one that never stopped: one
//! record in flash holds its checkpoint and its pending events. Whether it takes its steps whole or in slices.
#![cfg(feature = "alloc")]

use rnnlm::{
    AlignedVec, Cell, Checkpoint, CheckpointError, Config, Error, LearnerRecord, LstmCell, Model, OnlineLearner,
    SimpleRnnlm, StepError, TanhCell, TrainingState, Vocabulary, Xorshift,
};

use crate::{
    checkpoint_corruption::crc32,
    flash::{Flash, TORN},
};

const CONFIG: Config = Config { vocab_size: 9, wordvec_size: 3, hidden_size: 5, batch_size: 1, time_size: 6 };
const EVENTS: usize = 2000;

fn event(i: usize) -> u32 {
    if i.is_multiple_of(7) { (i / 7 % 9) as u32 } else { (i * i % 9) as u32 }
}

pub type Learner<C> = OnlineLearner<AlignedVec, AlignedVec, AlignedVec, Vec<u32>, C>;

pub fn new<C: Cell>() -> Result<Learner<C>, Error> {
    OnlineLearner::new(Model::new(CONFIG, &mut Xorshift::new(1))?, 0.3)
}

/// The record of a learner that has read so many events.
pub fn record<C: Cell>(learner: &Learner<C>, read: usize) -> Result<Vec<u8>, CheckpointError> {
    let mut bytes = Vec::new();
    let state = TrainingState { position: read as u64, ..TrainingState::default() };
    let len = LearnerRecord::write_with(learner, &state, "", &mut [0; 100], |page| {
        bytes.extend_from_slice(page);
        Ok::<(), CheckpointError>(())
    })?;
    assert_eq!((len, len), (bytes.len(), LearnerRecord::<C>::encoded_len_as(CONFIG, 0)?));
    Ok(bytes)
}

/// The learner over memory that holds whatever was there, and how many events it has read.
fn resumed<C: Cell>(record: &[u8]) -> Result<(Learner<C>, usize), Error> {
    let record = LearnerRecord::read_as(record)?;
    let model = Model::new(CONFIG, &mut Xorshift::new(2))?;
    let memory = CONFIG.memory_of::<C>()?;
    let mut prediction = AlignedVec::zeroed(memory.prediction)?;
    prediction.as_mut().fill(f32::NAN);
    let learner = record.resume(model, prediction, vec![77; memory.ids])?;
    let position = record.checkpoint().training().map_or(0, |state| state.position);
    Ok((learner, position as usize))
}

fn assert_same<C: Cell>(a: &Learner<C>, b: &Learner<C>, at: usize) {
    assert_eq!(a.model().weights_block(), b.model().weights_block(), "event {at}");
    assert_eq!(a.model().state(), b.model().state(), "event {at}");
    assert_eq!(a.probabilities(), b.probabilities(), "event {at}");
    assert!(a.pending().eq(b.pending()), "event {at}");
}

/// Off and on again after each event, and before each step in slices.
#[test]
fn at_every_event_it_can_be_resumed() -> Result<(), Error> {
    resumed_at_every_event::<TanhCell>()?;
    resumed_at_every_event::<LstmCell>()
}

fn resumed_at_every_event<C: Cell>() -> Result<(), Error> {
    let (mut never, mut always, mut steps) = (new::<C>()?, new()?, 0);
    for at in 0..EVENTS {
        let frozen = (500..530).contains(&at);
        let rate = 0.3 / (1 + at / 500) as f32;
        for learner in [&mut never, &mut always] {
            learner.set_frozen(frozen);
            learner.set_learning_rate(rate)?;
        }
        assert_eq!(always.read(event(at)), never.observe(event(at)), "event {at}");
        let mut read;
        (always, read) = resumed(&record(&always, at + 1)?)?;
        assert_eq!((read, always.is_frozen(), always.learning_rate()), (at + 1, frozen, rate));
        if always.step_is_due() {
            assert_eq!(always.pending().count(), CONFIG.time_size + 1);
            steps += 1;
            // a cut between two slices: what was saved before the step is what is gone on from
            let saved = record(&always, at + 1)?;
            for _ in 0..steps % 5 {
                always.learn_slice()?;
                assert_eq!(record(&always, at + 1).err(), Some(CheckpointError::MidStep));
            }
            (always, read) = resumed(&saved)?;
            assert_eq!(read, at + 1);
            always.learn()?;
        }
        assert_same(&always, &never, at);
    }
    assert!(steps > 300, "{steps}");
    Ok(())
}

/// What a device does: events come, slices are taken between them, sometimes it saves, and the power fails in the midst
/// of anything.
#[test]
fn two_thousand_events_with_cuts_are_those_of_a_learner_that_never_stopped() -> Result<(), Error> {
    two_thousand_events_with_cuts::<TanhCell>()?;
    two_thousand_events_with_cuts::<LstmCell>()
}

fn two_thousand_events_with_cuts<C: Cell>() -> Result<(), Error> {
    let mut never = new::<C>()?;
    let scores: Vec<_> = (0..EVENTS).map(|i| never.observe(event(i))).collect();
    let room = record(&never, 0)?.len();
    let (mut cuts, mut saves, mut amid_steps) = (0, 0, 0);
    for (torn, seed) in TORN.into_iter().zip(1..) {
        let mut rng = Xorshift::new(seed);
        let mut flash = Flash::with_room(8, 8, 3, room, torn, seed);
        let (mut learner, mut at) = (new()?, 0);
        while at < EVENTS || learner.step_is_due() {
            let mut amid_step = false;
            if learner.step_is_due() {
                learner.learn_slice()?;
                amid_step = learner.step_is_due();
            } else {
                let found = if rng.below(2) == 0 { learner.read(event(at)) } else { learner.observe(event(at)) };
                assert_eq!(found, scores[at], "event {at}");
                at += 1;
            }
            let mut is_off = rng.below(30) == 0;
            if !amid_step && rng.below(4) == 0 {
                let cut = if rng.below(3) == 0 { 1 + rng.below(500) as usize } else { usize::MAX };
                let (done, cut_came) = flash.save_with_a_cut(&record(&learner, at)?, cut);
                assert_eq!(done.is_err(), cut_came);
                saves += 1;
                is_off |= cut_came;
            }
            if is_off {
                cuts += 1;
                amid_steps += usize::from(amid_step);
                (learner, at) = match flash.load() {
                    Ok(record) => resumed(&record)?,
                    Err(_) => (new()?, 0),
                };
            }
        }
        assert_same(&learner, &never, EVENTS);
    }
    println!("{cuts} reboots, {amid_steps} of them amid a step, {saves} saves");
    assert!(cuts > 400 && saves > 2000 && amid_steps > 50, "{cuts} {saves} {amid_steps}");
    Ok(())
}

/// With the checksum that it should have.
fn with_checksum(record: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut record = record.to_vec();
    let (all, checksum) = record.split_last_chunk_mut::<4>().unwrap();
    change(all);
    let start = all.len() - 4 * (CONFIG.time_size + 2) - 4;
    *checksum = crc32(&all[start..]).to_le_bytes();
    record
}

#[test]
fn what_is_damaged_is_refused() -> Result<(), Error> {
    let mut learner = new::<TanhCell>()?;
    for i in 0..9 {
        learner.observe(event(i))?;
    }
    let good = record(&learner, 9)?;
    assert_eq!(LearnerRecord::read(&good)?.pending().collect::<Vec<_>>(), [event(6), event(7), event(8)]);
    assert_eq!(with_checksum(&good, |_| {}), good);
    for len in 0..good.len() {
        assert!(LearnerRecord::read(&good[..len]).is_err(), "{len} bytes");
        assert!(LearnerRecord::read_verified(&good[..len]).is_err(), "{len} bytes");
    }
    assert!(LearnerRecord::read(&[&good[..], &[0; 4]].concat()).is_err());
    let tail = good.len() - 4 * (CONFIG.time_size + 3);
    let mut bad = good.clone();
    for at in 0..8 * good.len() {
        bad[at / 8] ^= 1 << (at % 8);
        assert!(LearnerRecord::read(&bad).is_err(), "bit {at}");
        if at >= 8 * tail {
            assert_eq!(LearnerRecord::read_verified(&bad).err(), Some(CheckpointError::Pending), "bit {at}");
        }
        bad[at / 8] ^= 1 << (at % 8);
    }
    // made wrong: an id beyond V, an event behind none, a flag that is none
    for (place, value) in [(1, 9_u32), (6, 0), (0, 2)] {
        let bad = with_checksum(&good, |all| all[tail + 4 * place..][..4].copy_from_slice(&value.to_le_bytes()));
        assert_eq!(LearnerRecord::read(&bad).err(), Some(CheckpointError::Pending), "place {place}");
    }
    assert!(LearnerRecord::read(&with_checksum(&good, |all| all[tail + 4] = 0)).is_ok());
    // the events of another checkpoint
    learner.learn()?;
    for i in 9..15 {
        learner.observe(event(i))?;
    }
    let other = record(&learner, 15)?;
    assert!(LearnerRecord::read(&other).is_ok());
    let mixed = [&good[..tail], &other[tail..]].concat();
    assert_eq!(LearnerRecord::read(&mixed).err(), Some(CheckpointError::Pending));
    // a checkpoint alone, a bare file, and one of a model with two rows
    assert_eq!(LearnerRecord::read(&good[..tail]).err(), Some(CheckpointError::Pending));
    let bare = std::fs::read("tests/data/golden/checkpoint/numpy.safetensors").unwrap();
    assert_eq!(LearnerRecord::read(&bare).err(), Some(CheckpointError::Pending));
    let rows = SimpleRnnlm::new(Config { batch_size: 2, ..CONFIG }, &mut Xorshift::new(1))?;
    let rows = Checkpoint::to_vec(&rows, &TrainingState::default(), &Vocabulary::new())?;
    let rows = with_checksum(&[&rows[..], &good[tail..]].concat(), |_| {});
    assert_eq!(LearnerRecord::read(&rows).err(), Some(CheckpointError::Pending));
    // another model's memory
    let wide = SimpleRnnlm::new(Config { hidden_size: 6, ..CONFIG }, &mut Xorshift::new(1))?;
    let refused = LearnerRecord::read(&good)?.resume(wide, vec![0.0; 15], vec![0; 12]);
    assert_eq!(refused.err(), Some(CheckpointError::OtherSizes.into()));
    // three events, where a window takes two
    let short = SimpleRnnlm::new(Config { time_size: 1, ..CONFIG }, &mut Xorshift::new(1))?;
    let refused = LearnerRecord::read(&good)?.resume(short, vec![0.0; 14], vec![0; 2]);
    assert_eq!(refused.err(), Some(StepError::StepIsDue.into()));
    Ok(())
}
