//! Promise: an online learner whose steps are taken in slices has the bits of one that takes them whole, at whatever
//! slice it is looked at, saved, or fails; and one that is frozen predicts and scores, and learns nothing.

use rnnlm::{
    AlignedVec, Checkpoint, CheckpointError, Config, Isa, OnlineLearner, SimpleRnnlm, StepError, TrainingState,
    Workers, Xorshift,
};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 9, batch_size: 1, time_size: 4 };

fn events(count: u32) -> Vec<u32> {
    let mut rng = Xorshift::new(8);
    (0..count).map(|i| if rng.below(4) == 0 { rng.below(7) } else { i % 7 }).collect()
}

fn learner(time_size: usize, rate: f32) -> OnlineLearner {
    let config = Config { time_size, ..CONFIG };
    OnlineLearner::new(SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap(), rate).unwrap()
}

/// Weights, hidden state and prediction.
fn bits(learner: &OnlineLearner) -> Vec<u32> {
    let model = learner.model();
    let floats = model.weights_block().iter().chain(model.state()).chain(learner.probabilities());
    floats.map(|x| x.to_bits()).collect()
}

fn save(learner: &OnlineLearner) -> Result<Vec<u8>, CheckpointError> {
    let mut file = vec![0; Checkpoint::encoded_len(learner.model().config(), 0).unwrap()];
    Checkpoint::write(learner.model(), &TrainingState::default(), "", &mut file).map(|_| file)
}

/// What comes back after the power was off.
fn resumed(file: &[u8], rate: f32, pending: &[u32]) -> OnlineLearner {
    let (model, ..) = Checkpoint::read(file).unwrap().restore().unwrap();
    let memory = model.config().memory().unwrap();
    let prediction = AlignedVec::zeroed(memory.prediction).unwrap();
    OnlineLearner::resume(model, rate, prediction, vec![0; memory.ids], pending).unwrap()
}

/// Takes the step that is due. Gives how many slices it took.
fn learn(learner: &mut OnlineLearner) -> Result<usize, StepError> {
    let mut slices = 0;
    while learner.step_is_due() {
        learner.learn_slice()?;
        slices += 1;
    }
    Ok(slices)
}

#[test]
fn slices_have_the_bits_of_whole_steps() {
    for isa in Isa::available() {
        for (time_size, stateful) in [(1, true), (2, true), (4, true), (7, true), (4, false)] {
            let config = Config { time_size, ..CONFIG };
            let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa).with_stateful(stateful);
            let mut whole = OnlineLearner::new(model.clone(), 0.3).unwrap();
            let mut sliced = OnlineLearner::new(model, 0.3).unwrap();
            let mut steps = 0;
            for (i, id) in events(103).into_iter().enumerate() {
                assert_eq!(sliced.read(id), whole.observe(id), "{isa} event {i}");
                if sliced.step_is_due() {
                    // without doubt about the update
                    assert_eq!(learn(&mut sliced), Ok(5));
                    steps += 1;
                }
                assert_eq!(bits(&sliced), bits(&whole), "{isa} T={time_size} event {i}");
                assert!(sliced.pending().eq(whole.pending()));
            }
            assert_eq!(steps, 102 / time_size);
            assert_eq!(sliced.learn(), Ok(()), "nothing is due");
        }
    }
}

/// Its jobs are done one after the other, but it says it has two.
#[derive(Clone)]
struct Two;
impl Workers for Two {
    fn count(&self) -> usize {
        2
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        job();
        job();
    }
    fn least_work(&self) -> usize {
        0
    }
}

#[test]
fn with_workers_too() {
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap().with_workers(Two).unwrap();
    let (mut whole, mut sliced) = (learner(4, 0.3), OnlineLearner::new(model, 0.3).unwrap());
    for id in events(30) {
        assert_eq!(sliced.read(id), whole.observe(id));
        sliced.learn().unwrap();
        assert_eq!(sliced.model().weights_block(), whole.model().weights_block());
    }
}

#[test]
fn amid_a_step_events_wait_and_nothing_is_saved() {
    let mut sliced = learner(4, 0.3);
    let mut whole = sliced.clone();
    for id in events(5) {
        sliced.read(id).unwrap();
        whole.observe(id).unwrap();
    }
    // before the first slice all that is needed to resume is there: T + 1 events
    let pending: Vec<u32> = sliced.pending().collect();
    assert_eq!(pending, events(5));
    let mut later = resumed(&save(&sliced).unwrap(), 0.3, &pending);
    assert!(later.step_is_due());
    assert_eq!(learn(&mut later), Ok(5));
    assert_eq!(bits(&later), bits(&whole));

    let mut slices = 0;
    while sliced.step_is_due() {
        let before = bits(&sliced);
        for id in [3, 7] {
            assert_eq!(sliced.read(id), Err(StepError::StepIsDue));
            assert_eq!(sliced.observe(id), Err(StepError::StepIsDue));
        }
        assert_eq!(bits(&sliced), before);
        assert!(sliced.pending().eq(events(5)));
        assert_eq!(save(&sliced).err(), (slices > 0).then_some(CheckpointError::MidStep), "slice {slices}");
        // what was saved before it is what a device goes on from
        assert_eq!(bits(&later), bits(&whole));
        sliced.learn_slice().unwrap();
        slices += 1;
    }
    assert_eq!((bits(&sliced), sliced.pending().count()), (bits(&whole), 1));
    assert_eq!(sliced.read(3), whole.observe(3));
    assert!(save(&sliced).is_ok());
}

#[test]
fn a_step_goes_on_at_the_rate_at_which_it_began() {
    let mut sliced = learner(4, 0.3);
    let mut whole = sliced.clone();
    for id in events(5) {
        sliced.read(id).unwrap();
        whole.observe(id).unwrap();
    }
    sliced.learn_slice().unwrap();
    for rate in [0.2, 0.1, 0.05, 0.7] {
        sliced.set_learning_rate(rate).unwrap();
        sliced.learn_slice().unwrap();
    }
    assert_eq!((bits(&sliced), sliced.learning_rate()), (bits(&whole), 0.7));
}

#[test]
fn where_the_update_is_in_doubt_it_is_looked_at_first() {
    // finite at this rate, which no bound shows
    let (mut sliced, rate) = (learner(4, 0.3), 1e30);
    let mut whole = sliced.clone();
    for learner in [&mut sliced, &mut whole] {
        learner.set_learning_rate(rate).unwrap();
    }
    for id in &events(5)[..4] {
        assert_eq!(sliced.read(*id), whole.observe(*id));
    }
    let before = sliced.model().weights_block().to_vec();
    assert_eq!(sliced.read(events(5)[4]), whole.observe(events(5)[4]));
    assert_eq!(learn(&mut sliced), Ok(8));
    assert_ne!(sliced.model().weights_block(), before);
    assert_eq!(bits(&sliced), bits(&whole));
}

#[test]
fn a_step_that_fails_leaves_the_weights_as_they_were() {
    // each of the three kinds of weight alone is the one whose update overflows
    for place in 0..4 {
        let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
        let rate = match place {
            // a bias that isn't finite: the forward pass fails
            0 => {
                model.weights_mut().rnn_b.as_mut_slice()[0] = f32::NAN;
                0.3
            }
            // a weight of the output layer is carried past the largest float
            1 => {
                model.weights_mut().affine_b.as_mut_slice().fill(0.95 * f32::MAX);
                f32::MAX
            }
            // x^T dz is vast
            2 => {
                model.weights_mut().embed_w.as_mut_slice().fill(1e10);
                model.weights_mut().rnn_wx.as_mut_slice().fill(1e-11);
                1e30
            }
            // dz Wx^T is
            _ => {
                model.weights_mut().rnn_wx.as_mut_slice().fill(1e3);
                model.weights_mut().embed_w.as_mut_slice().fill(0.0);
                f32::MAX / 4.0
            }
        };
        let (mut sliced, mut whole) =
            (OnlineLearner::new(model.clone(), rate).unwrap(), OnlineLearner::new(model.clone(), rate).unwrap());
        let mut failed = false;
        for id in events(5) {
            let expected = whole.observe(id);
            let found = sliced.read(id).and_then(|score| sliced.learn().map(|()| score));
            failed |= expected.is_err();
            assert_eq!(found, expected, "{place}");
            assert_eq!(bits(&sliced), bits(&whole), "{place}");
        }
        assert!(failed, "{place}");
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same(sliced.model().weights_block(), model.weights_block()), "{place}");
        // and it goes on
        for learner in [&mut sliced, &mut whole] {
            learner.restart();
            learner.set_learning_rate(0.1).unwrap();
        }
        for id in events(40) {
            let expected = whole.observe(id);
            assert_eq!(sliced.read(id).and_then(|score| sliced.learn().map(|()| score)), expected, "{place}");
        }
        assert_eq!(bits(&sliced), bits(&whole));
    }
}

#[test]
fn a_restart_amid_a_step_gives_the_rest_of_it_up() {
    for slices in 0..5 {
        let mut sliced = learner(4, 0.3);
        for id in events(5) {
            sliced.read(id).unwrap();
        }
        for _ in 0..slices {
            sliced.learn_slice().unwrap();
        }
        let weights = sliced.model().weights_block().to_vec();
        assert_eq!(weights == learner(4, 0.3).model().weights_block(), slices < 3, "{slices}");
        let given_back = sliced.clone().into_model();
        assert!(Checkpoint::to_vec(&given_back, &TrainingState::default(), &Default::default()).is_ok());
        sliced.restart();
        assert!(!sliced.step_is_due() && sliced.pending().next().is_none() && save(&sliced).is_ok());
        assert_eq!((sliced.read(1), sliced.model().weights_block()), (Ok(None), &weights[..]));
    }
}

#[test]
fn frozen_it_predicts_and_scores_and_learns_nothing() {
    let (mut learner, mut never) = (learner(4, 0.3), learner(4, 0.3));
    // two events beyond a step
    for &id in &events(11) {
        learner.observe(id).unwrap();
        never.observe(id).unwrap();
    }
    learner.set_frozen(true);
    assert!(learner.is_frozen() && learner.pending().eq(never.pending()));
    let model = learner.model().clone();
    let weights = model.weights_block().to_vec();
    let mut predictor = model.predictor().unwrap();
    predictor.set_state(model.state()).unwrap();
    for id in learner.pending() {
        predictor.feed(id).unwrap();
    }
    for (i, id) in events(30).into_iter().enumerate() {
        let expected = predictor.probabilities()[id as usize];
        let score = if i % 2 == 0 { learner.observe(id) } else { learner.read(id) }.unwrap().unwrap();
        assert!((score.probability() - expected).abs() < 1e-6);
        assert!(!learner.step_is_due());
        assert_eq!(learner.probabilities(), predictor.feed(id).unwrap());
        assert_eq!(learner.model().weights_block(), weights);
        // it can be resumed at any of them
        let pending: Vec<u32> = learner.pending().collect();
        assert_eq!(pending, [id]);
        let mut again = resumed(&save(&learner).unwrap(), 0.3, &pending);
        assert_eq!(bits(&again), bits(&learner));
        again.set_frozen(true);
        let mut other = learner.clone();
        assert_eq!(again.observe(3), other.observe(3));
        assert_eq!(bits(&again), bits(&other));
    }
    // thawed, it learns from the events from the last one on
    learner.set_frozen(false);
    let mut model = learner.model().clone();
    let last = *events(30).last().unwrap();
    for id in [1, 2, 3, 4] {
        learner.observe(id).unwrap();
    }
    model.forward(&[last, 1, 2, 3], &[1, 2, 3, 4]).unwrap().sgd(0.3).unwrap();
    assert_eq!(learner.model().weights_block(), model.weights_block());
    assert_ne!(learner.model().weights_block(), weights);
}

#[test]
fn a_step_that_is_due_is_taken_though_it_is_frozen_meanwhile() {
    let (mut sliced, mut whole) = (learner(4, 0.3), learner(4, 0.3));
    for id in events(5) {
        sliced.read(id).unwrap();
        whole.observe(id).unwrap();
    }
    sliced.learn_slice().unwrap();
    sliced.set_frozen(true);
    sliced.learn().unwrap();
    assert_eq!(bits(&sliced), bits(&whole));
}
