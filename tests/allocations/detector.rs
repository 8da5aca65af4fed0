//! Promise: a detector and a learner with a frozen body allocate nothing after construction, and their memory is what
//! their pages say.

use rnnlm::{
    Balance, Cell, Config, Detector, Doing, EventIds, FalseAlarms, Foresight, Guard, HeadLearner, LstmCell, Model,
    OnlineLearner, Rnnlm, SimpleRnnlm, TanhCell, Xorshift,
};

use crate::counter::count;

const CONFIG: Config = Config { vocab_size: 12, wordvec_size: 6, hidden_size: 10, batch_size: 1, time_size: 4 };

/// What lets a block start a cache line.
const SLACK: usize = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { 60 } else { 0 };

#[test]
fn a_head_allocates_its_two_blocks_and_nothing_else() {
    // H V + V, and H + max(H, V) or 2 H + max(5 H, V)
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let (learner, calls, bytes) = count(|| HeadLearner::new(model.weights(), 0.1).unwrap());
    assert_eq!((calls, bytes), (2, 4 * (10 * 12 + 12 + 22) + 2 * SLACK));
    teaches(learner);
    let model = Rnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let (learner, calls, bytes) = count(|| HeadLearner::new(model.weights(), 0.1).unwrap());
    assert_eq!((calls, bytes), (2, 4 * (10 * 12 + 12 + 70) + 2 * SLACK));
    teaches(learner);
}

fn teaches(learner: impl Foresight) {
    let mut detector = Detector::new(learner, EventIds::last_two(12)).unwrap();
    let (_, calls, _) = count(|| detector.teach(&[1, 2, 99]).unwrap());
    assert_eq!(calls, 0);
}

#[test]
fn a_detector_allocates_its_measures_and_nothing_else() {
    allocates_its_measures::<TanhCell>();
    allocates_its_measures::<LstmCell>();
}

fn allocates_its_measures<C: Cell>() {
    let model = Model::<C>::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let learner = OnlineLearner::new(model.clone(), 0.1).unwrap();
    let (detector, calls, bytes) = count(|| Detector::new(learner, EventIds::last_two(12)).unwrap());
    assert_eq!((calls, bytes), (1, 4 * 2 * 12 + SLACK));
    let (balance, calls, bytes) = count(|| Balance::new(12).unwrap());
    assert_eq!((calls, bytes), (1, 4 * Balance::words(12)));
    let (detector, calls, _) = count(|| detector.with_balance(balance));
    assert_eq!(calls, 0);
    let mut detector = detector.unwrap();
    let mut kept = vec![0.0; model.weights_block().len() + 24];
    let mut alarms = FalseAlarms::new([0; 64]);
    let (_, calls, _) = count(|| {
        detector.set_guard(Guard::new(0.3, 4, 4));
        for doing in [Doing::Measure, Doing::Watch, Doing::Learn] {
            detector.set_doing(doing);
            for _ in 0..10 {
                alarms.add(detector.session(&[0, 1, 2, 50, 3]).unwrap().worst.excess);
                detector.observe_stream(7).unwrap();
            }
            detector.set_threshold(alarms.threshold(0.1).excess);
        }
        detector.keep(&mut kept).unwrap();
        detector.teach(&[4, 4, 4]).unwrap();
        detector.revert(&kept).unwrap();
    });
    assert_eq!(calls, 0);
}
