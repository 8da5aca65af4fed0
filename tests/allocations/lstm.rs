//! Promise: with an LSTM too nothing allocates after construction, and `Config::memory_of` tells the bytes exactly.

use std::{hint::black_box, ops::ControlFlow};

use rnnlm::{Config, Gradients, Isa, LstmCell, OnlineLearner, Rnnlm, RnnlmTrainer, Sgd, Xorshift};

use crate::counter::count;

#[test]
fn nothing_of_an_lstm_allocates_after_construction() {
    // what lets a block start a cache line
    let slack = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { 60 } else { 0 };
    for (vocab_size, wordvec_size, hidden_size, batch_size, time_size) in
        [(118, 20, 40, 5, 5), (64, 16, 32, 1, 8), (3, 1, 40, 2, 1), (600, 17, 130, 8, 9)]
    {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        let memory = config.memory_of::<LstmCell>().unwrap();
        let corpus: Vec<u32> = (0..400).map(|i| (i * i) % vocab_size as u32).collect();
        let window = batch_size * time_size;
        let (xs, ts) = (&corpus[..window], &corpus[1..=window]);
        for isa in Isa::available() {
            let (mut model, calls, bytes) = count(|| Rnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa));
            assert_eq!((calls, bytes), (2, memory.bytes() + 2 * slack), "{config:?}");
            let (gradients, _, gradient_bytes) = count(|| Gradients::<_, LstmCell>::new_as(config).unwrap());
            let mut gradients = gradients;
            assert_eq!(bytes + gradient_bytes, memory.bytes_with_gradients() + 3 * slack);
            let sgd = Sgd::new(0.01).unwrap();
            let (_, calls, _) = count(|| {
                model.forward(xs, ts).unwrap().sgd(0.01).unwrap();
                model.forward(xs, ts).unwrap().backward(&mut gradients).unwrap();
                gradients.clip(0.25).unwrap();
                sgd.update(&mut model, &gradients).unwrap();
                black_box(model.evaluate(&corpus).unwrap());
                model.reset_state();
            });
            assert_eq!(calls, 0, "{isa:?}: {config:?}");
            let (mut predictor, _, bytes) = count(|| model.predictor().unwrap());
            assert_eq!(bytes, 4 * memory.prediction + slack);
            assert_eq!(count(|| black_box(predictor.feed(1).unwrap().len())).1, 0);
            let mut trainer = RnnlmTrainer::new(model, sgd).unwrap();
            trainer.fit(&corpus, 20, |_| ControlFlow::Break(())).unwrap();
            let (_, calls, _) = count(|| trainer.fit(&corpus, 3, |_| ControlFlow::<()>::Continue(())).unwrap());
            assert_eq!(calls, 0, "{isa:?}: {config:?}");
            if batch_size == 1 {
                let mut learner = OnlineLearner::new(trainer.into_model(), 0.1).unwrap();
                let (_, calls, _) =
                    count(|| corpus.iter().try_for_each(|&id| learner.observe(id).map(|_| ())).unwrap());
                assert_eq!(calls, 0);
            }
        }
    }
}
