//! Promise: a detector's verdicts and what a frozen body's head learns are the same bits on every instruction set, with
//! either cell; a Cortex-M4F compares its own with the same hashes.

use rnnlm::{
    Balance, Cell, Config, Detector, HeadLearner, Isa, LstmCell, Model, OnlineLearner, Rnnlm, SimpleRnnlm, TanhCell,
    Xorshift,
};

#[path = "../../examples/firmware/src/verdicts.rs"]
mod verdicts;

const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

#[test]
fn verdicts_and_the_head_have_their_golden_hashes() {
    for isa in Isa::available() {
        let model = SimpleRnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let mut learner = HeadLearner::new(model.weights(), 0.5).unwrap().with_isa(isa);
        let head = verdicts::head(&mut learner).unwrap();
        has_golden_hashes::<TanhCell>(model, head, verdicts::GOLDEN);
    }
}

#[test]
fn those_over_an_lstm_have_theirs() {
    for isa in Isa::available() {
        let model = Rnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let mut learner = HeadLearner::new(model.weights(), 0.5).unwrap().with_isa(isa);
        let head = verdicts::head(&mut learner).unwrap();
        has_golden_hashes::<LstmCell>(model, head, verdicts::LSTM_GOLDEN);
    }
}

/// Of the verdicts and of the head.
fn has_golden_hashes<C: Cell>(model: Model<C>, head: u64, golden: [u64; 2]) {
    let isa = model.isa().name();
    let learner = OnlineLearner::new(model, 0.5).unwrap();
    let mut detector = Detector::new(learner, verdicts::ids()).unwrap();
    let (hash, found) = verdicts::verdicts(&mut detector, &mut [0; 192]).unwrap();
    println!("{isa}: verdicts {hash:016x}, head {head:016x}, {found} of 40 found");
    assert!(found >= 36, "{found} of 40 odd sessions");
    assert_eq!([hash, head], golden, "{isa}: {hash:016x} {head:016x}");
    let mut detector = detector.with_balance(Balance::new(64).unwrap()).unwrap();
    let (hash, found) = verdicts::imbalances(&mut detector).unwrap();
    assert_eq!((hash, found), (verdicts::IMBALANCES, 20), "{isa}: {hash:016x}");
}
