//! Promise: a detector that is switched off between any two sessions goes on, bit for bit, as one that never stopped,
//! with either cell: from its learner's record, its measures, its threshold, its guard and its balance.
#![cfg(feature = "alloc")]

use rnnlm::{
    AlignedVec, Balance, Cell, Config, Detector, Doing, Error, EventIds, Guard, GuardState, LearnerRecord, LstmCell,
    Model, OnlineLearner, SessionVerdict, TanhCell, TrainingState, Xorshift,
};

const V: usize = 9;
const CONFIG: Config = Config { vocab_size: V, wordvec_size: 3, hidden_size: 5, batch_size: 1, time_size: 4 };

type Learning<C> = Detector<OnlineLearner<AlignedVec, AlignedVec, AlignedVec, Vec<u32>, C>, Vec<f32>, Vec<u32>>;

fn new<C: Cell>() -> Result<Learning<C>, Error> {
    let learner = OnlineLearner::new(Model::new(CONFIG, &mut Xorshift::new(1))?, 0.3)?;
    let detector = Detector::with_buffers(learner, EventIds::last_two(V as u32), vec![0.0; 2 * V])?;
    let mut detector = detector.with_balance(Balance::with_buffer(V, vec![0; Balance::words(V)])?)?;
    detector.set_guard(Guard::new(0.4, 4, 6));
    Ok(detector)
}

/// What is left of a detector when the power is off.
struct Kept {
    record: Vec<u8>,
    measures: Vec<f32>,
    balance: Vec<u32>,
    threshold: f32,
    guard: Guard,
}

fn kept<C: Cell>(detector: &Learning<C>) -> Result<Kept, Error> {
    let (mut record, state) = (Vec::new(), TrainingState::default());
    LearnerRecord::write_with(detector.model(), &state, "", &mut [0; 100], |page| {
        record.extend_from_slice(page);
        Ok::<(), Error>(())
    })?;
    Ok(Kept {
        record,
        measures: detector.measures().to_vec(),
        balance: detector.balance().learned().to_vec(),
        threshold: detector.threshold(),
        guard: *detector.guard(),
    })
}

/// Over memory that holds whatever was there.
fn resumed<C: Cell>(kept: Kept) -> Result<Learning<C>, Error> {
    let Kept { record, measures, mut balance, threshold, guard } = kept;
    let memory = CONFIG.memory_of::<C>()?;
    let mut prediction = AlignedVec::zeroed(memory.prediction)?;
    prediction.as_mut().fill(f32::NAN);
    let model = Model::new(CONFIG, &mut Xorshift::new(2))?;
    let learner = LearnerRecord::read_as(&record)?.resume(model, prediction, vec![77; memory.ids])?;
    balance.resize(Balance::words(V), 0);
    let detector = Detector::with_buffers(learner, EventIds::last_two(V as u32), measures)?;
    let mut detector = detector.with_balance(Balance::with_buffer(V, balance)?)?;
    detector.set_threshold(threshold);
    detector.set_guard(guard);
    Ok(detector)
}

/// Of one to eight events by a rule, broken now and then.
fn session(rng: &mut Xorshift) -> Vec<u32> {
    let mut event = rng.below(4);
    (0..1 + rng.below(8))
        .map(|_| {
            event = if rng.below(12) == 0 { rng.below(12) } else { (event * 2 + 1) % 7 };
            event
        })
        .collect()
}

fn bits(verdict: &SessionVerdict) -> (bool, u32, u32, u32, [u32; 3]) {
    let expected = verdict.expected.map(|candidate| candidate.probability.to_bits());
    (verdict.is_odd, verdict.odd, verdict.at, verdict.worst.excess.to_bits(), expected)
}

fn goes_on<C: Cell>() -> Result<(), Error> {
    let (mut never, mut always, mut rng) = (new::<C>()?, new::<C>()?, Xorshift::new(5));
    let (mut odd, mut holding, mut learned) = (0, 0, 0);
    for at in 0..400 {
        // measured, then watched by a threshold, then learned from
        let doing = [Doing::Measure, Doing::Watch, Doing::Learn][(at / 80).min(2)];
        for detector in [&mut never, &mut always] {
            detector.set_doing(doing);
            if at == 80 {
                detector.set_threshold(-2.5);
            }
        }
        let events = session(&mut rng);
        let before = never.model().model().weights_block().to_vec();
        let verdict = never.session(&events)?;
        let again = always.session(&events)?;
        assert_eq!((bits(&verdict), verdict), (bits(&again), again), "session {at}");
        odd += u32::from(verdict.is_odd && at >= 80);
        always = resumed(kept(&always)?)?;
        assert_eq!(always.model().model().weights_block(), never.model().model().weights_block(), "session {at}");
        assert_eq!((always.measures(), always.guard()), (never.measures(), never.guard()), "session {at}");
        assert_eq!(always.balance().learned(), never.balance().learned(), "session {at}");
        holding += u32::from(never.guard().state() == GuardState::Holding);
        learned += u32::from(before != never.model().model().weights_block());
    }
    println!("{odd} odd sessions, the guard held {holding}, learned from {learned}");
    assert!(odd > 20 && holding > 10 && learned > 100, "{odd} odd, held {holding}, learned {learned}");
    Ok(())
}

#[test]
fn it_is_resumed_between_any_two_sessions() -> Result<(), Error> {
    goes_on::<TanhCell>()?;
    goes_on::<LstmCell>()
}
