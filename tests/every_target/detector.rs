//! Promise: a detector's verdicts and what a frozen body's head learns are the same bits on every instruction set; a
//! Cortex-M4F compares its own with the same hashes.

use rnnlm::{Balance, Config, Detector, HeadLearner, Isa, OnlineLearner, SimpleRnnlm, Xorshift};

#[path = "../../examples/firmware/src/verdicts.rs"]
mod verdicts;

const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

#[test]
fn verdicts_and_the_head_have_their_golden_hashes() {
    for isa in Isa::available() {
        let model = SimpleRnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let mut learner = HeadLearner::new(model.weights(), 0.5).unwrap().with_isa(isa);
        let head = verdicts::head(&mut learner).unwrap();
        let learner = OnlineLearner::new(model.clone(), 0.5).unwrap();
        let mut detector = Detector::new(learner, verdicts::ids()).unwrap();
        let (hash, found) = verdicts::verdicts(&mut detector, &mut [0; 192]).unwrap();
        println!("{}: verdicts {hash:016x}, head {head:016x}, {found} of 40 found", isa.name());
        assert!(found >= 36, "{found} of 40 odd sessions");
        assert_eq!((hash, head), (verdicts::VERDICTS, verdicts::HEAD), "{}", isa.name());
        let mut detector = detector.with_balance(Balance::new(64).unwrap()).unwrap();
        let (hash, found) = verdicts::imbalances(&mut detector).unwrap();
        assert_eq!((hash, found), (verdicts::IMBALANCES, 20), "{}: {hash:016x}", isa.name());
    }
}
