//! Promise: nothing allocates after construction but the list of perplexities, and `Config::memory` tells the bytes
//! exactly, beside 60 for each block on the heap where there are vectors. A global allocator counts every call of the
//! thread that asks.

use std::{hint::black_box, ops::ControlFlow};

use rnnlm::{
    Candidate, Checkpoint, CheckpointError, Config, Gradients, Isa, LearnerRecord, OnlineLearner, RnnlmTrainer,
    Sampler, Sgd, SimpleRnnlm, TrainingState, WordIndex, Xorshift, top,
};

use crate::counter::count;

#[test]
fn nothing_allocates_after_construction() {
    let (_, calls, bytes) = count(|| black_box(vec![0_u8; 100]));
    assert!(calls == 1 && bytes == 100, "the counter doesn't count");

    // what lets a block start a cache line
    let slack = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) { 60 } else { 0 };
    let shapes = [(418, 100, 100, 10, 5), (64, 16, 32, 1, 8), (3, 1, 40, 2, 1), (30, 17, 9, 3, 300)];
    for (vocab_size, wordvec_size, hidden_size, batch_size, time_size) in shapes {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
        let memory = config.memory().unwrap();
        for isa in Isa::available() {
            let (model, calls, bytes) =
                count(|| SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa));
            assert_eq!((calls, bytes), (2, memory.bytes() + 2 * slack), "{config:?}");
            println!("{config:?}: {bytes} bytes");
            let (mut gradients, _, gradient_bytes) = count(|| Gradients::new(config).unwrap());
            assert_eq!(bytes + gradient_bytes, memory.bytes_with_gradients() + 3 * slack);
            let sgd = Sgd::new(0.01).unwrap();
            let (mut trainer, _, bytes) = count(|| RnnlmTrainer::new(model, sgd).unwrap().with_eval_interval(1));
            assert_eq!(bytes, 4 * memory.ids);
            let corpus: Vec<u32> = (0..2000).map(|i| (i * i) % vocab_size as u32).collect();
            let window = batch_size * time_size;
            let (xs, ts) = (&corpus[..window], &corpus[1..=window]);

            // the list of perplexities is all that `fit` takes, at its start
            let (_, calls, _) = count(|| trainer.fit(&corpus, 3, |_| ControlFlow::<()>::Continue(())).unwrap());
            assert_eq!(calls, 1, "the first call reserves the list of perplexities");
            trainer.fit(&corpus, 40, |_| ControlFlow::Break(())).unwrap();
            let mut seen = 0;
            let (_, calls, _) = count(|| {
                trainer.fit(&corpus, 40, |progress| {
                    seen += 1;
                    black_box(progress.perplexity());
                    if progress.epoch > 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
            });
            assert!(seen > 2 && calls == 0, "{isa:?}: {calls} allocations in whole epochs");

            let model = trainer.model_mut();
            let (_, calls, _) = count(|| {
                for _ in 0..3 {
                    model.forward(xs, ts).unwrap().sgd(0.01).unwrap();
                    model.forward(xs, ts).unwrap().backward(&mut gradients).unwrap();
                    sgd.update(model, &gradients).unwrap();
                    black_box(model.evaluate(&corpus).unwrap());
                    model.reset_state();
                }
            });
            assert_eq!(calls, 0, "{isa:?}: allocations in forward, backward, update or evaluation");

            let floats = 4 * config.memory().unwrap().prediction + slack;
            let (mut predictor, _, bytes) = count(|| model.predictor().unwrap());
            assert_eq!(bytes, floats);
            let mut best = [Candidate::default(); 3];
            let (_, calls, _) = count(|| {
                for &id in &corpus[..10] {
                    let probabilities = predictor.feed(id).unwrap();
                    black_box(top(probabilities, &[0], &mut best));
                    black_box(Sampler::new(Xorshift::new(1)).with_skip(&[0]).choose(probabilities));
                    black_box(Sampler::new(Xorshift::new(1)).with_top(&mut best).choose(probabilities));
                }
            });
            assert_eq!(calls, 0, "{isa:?}: allocations in prediction");

            let mut file = vec![0; Checkpoint::encoded_len(config, 0).unwrap()];
            let (_, calls, _) = count(|| {
                Checkpoint::write(model, &TrainingState::default(), "", &mut file).unwrap();
                Checkpoint::write_with(model, &TrainingState::default(), "", &mut [0; 512], |page| {
                    black_box(page);
                    Ok::<_, CheckpointError>(())
                })
                .unwrap();
                Checkpoint::read(&file).unwrap().load(model).unwrap();
                assert!(Checkpoint::read(&file[1..]).is_err());
            });
            assert_eq!(calls, 0, "{isa:?}: allocations in a checkpoint");

            // clipping: nothing once the trainer stands
            let model = trainer.into_model();
            let trainer = RnnlmTrainer::new(model, sgd).unwrap();
            let mut trainer = trainer.with_clipping(0.1, gradients).unwrap().with_eval_interval(1);
            trainer.fit(&corpus, 40, |_| ControlFlow::Break(())).unwrap();
            let (_, calls, _) = count(|| trainer.fit(&corpus, 40, |_| ControlFlow::Break(())).unwrap());
            assert_eq!(calls, 0, "{isa:?}: allocations in clipped steps");

            if batch_size == 1 {
                let (learner, _, bytes) = count(|| OnlineLearner::new(trainer.into_model(), 0.01));
                assert_eq!(bytes, floats + 4 * memory.ids);
                let mut learner = learner.unwrap();
                let (_, calls, _) = count(|| assert!(corpus.iter().all(|&id| learner.observe(id).is_ok())));
                assert_eq!(calls, 0, "{isa:?}: allocations in online learning");
                let mut memory = [0; WordIndex::memory(2)];
                let mut record = vec![0; LearnerRecord::encoded_len(config, 0).unwrap()];
                let (_, calls, _) = count(|| {
                    for &id in &corpus[..30] {
                        learner.read(id).unwrap();
                        learner.learn().unwrap();
                    }
                    let mut left = &mut record[..];
                    let state = TrainingState::default();
                    let done = LearnerRecord::write_with(&learner, &state, "", &mut [0; 64], |page| {
                        let (to, rest) = std::mem::take(&mut left).split_at_mut(page.len());
                        to.copy_from_slice(page);
                        left = rest;
                        Ok::<_, CheckpointError>(())
                    });
                    done.unwrap();
                    black_box(LearnerRecord::read(&record).unwrap().pending().count());
                    black_box(WordIndex::new("yes\nno\n", &mut memory).unwrap().id("no"));
                });
                assert_eq!(calls, 0, "{isa:?}: allocations in slices, their record, or words");
            }
        }
    }
}
