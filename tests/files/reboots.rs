//! Promise: a learner in a device whose power fails at any time goes on, bit for bit, as one that never stopped: one
//! record in flash holds its checkpoint and its pending events.
#![cfg(feature = "alloc")]

use rnnlm::{Checkpoint, Config, Error, OnlineLearner, SimpleRnnlm, TrainingState, Xorshift};

use crate::flash::{Flash, TORN};

const CONFIG: Config = Config { vocab_size: 9, wordvec_size: 3, hidden_size: 5, batch_size: 1, time_size: 6 };

fn event(i: usize) -> u32 {
    if i.is_multiple_of(7) { (i / 7 % 9) as u32 } else { (i * i % 9) as u32 }
}

fn new() -> Result<OnlineLearner, Error> {
    OnlineLearner::new(SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1))?, 0.3)
}

/// The checkpoint, then the number of events that were read, then the pending ones.
fn record(learner: &OnlineLearner, read: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; Checkpoint::encoded_len(CONFIG, 0)?];
    Checkpoint::write(learner.model(), &TrainingState::default(), "", &mut bytes)?;
    let numbers = [read as u32].into_iter().chain(learner.pending());
    bytes.extend(numbers.flat_map(u32::to_le_bytes));
    Ok(bytes)
}

fn resumed(record: &[u8]) -> Result<(OnlineLearner, usize), Error> {
    let (file, numbers) = record.split_at(Checkpoint::encoded_len(CONFIG, 0)?);
    let numbers: Vec<u32> = numbers.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect();
    let (model, ..) = Checkpoint::read(file)?.restore()?;
    let (prediction, ids) = (rnnlm::AlignedVec::zeroed(CONFIG.memory()?.prediction)?, vec![0; CONFIG.memory()?.ids]);
    let learner = OnlineLearner::resume(model, 0.3, prediction, ids, &numbers[1..])?;
    Ok((learner, numbers[0] as usize))
}

#[test]
fn two_thousand_events_with_cuts_are_those_of_a_learner_that_never_stopped() -> Result<(), Error> {
    let mut never = new()?;
    let scores: Vec<_> = (0..2000).map(|i| never.observe(event(i))).collect();
    let room = record(&never, 0)?.len() + 4 * CONFIG.time_size;
    let (mut cuts, mut saves) = (0, 0);
    for (torn, seed) in TORN.into_iter().zip(1..) {
        let mut rng = Xorshift::new(seed);
        let mut flash = Flash::with_room(8, 8, 3, room, torn, seed);
        let (mut learner, mut at) = (new()?, 0);
        while at < 2000 {
            assert_eq!(learner.observe(event(at)), scores[at], "event {at}");
            at += 1;
            if rng.below(3) > 0 {
                continue;
            }
            let cut = if rng.below(3) == 0 { 1 + rng.below(500) as usize } else { usize::MAX };
            let (done, cut_came) = flash.save_with_a_cut(&record(&learner, at)?, cut);
            assert_eq!(done.is_err(), cut_came);
            saves += 1;
            // the power may fail between two saves too
            if cut_came || rng.below(10) == 0 {
                cuts += 1;
                (learner, at) = match flash.load() {
                    Ok(record) => resumed(&record)?,
                    Err(_) => (new()?, 0),
                };
            }
        }
        assert_eq!(learner.model().weights_block(), never.model().weights_block());
        assert_eq!(learner.probabilities(), never.probabilities());
    }
    println!("{cuts} reboots, {saves} saves");
    assert!(cuts > 400 && saves > 2000, "{cuts} {saves}");
    Ok(())
}
