//! Promise: every public function ends in time bounded by its input, whatever the numbers say that come with it.

use std::{hint::black_box, ops::ControlFlow, sync::mpsc, thread, time::Duration};

use rnnlm::{
    AlignedVec, Batches, Candidate, Checkpoint, Config, ConfigError, Form, Isa, Matmul, Matrix, RnnlmTrainer, Sampler,
    Sgd, SimpleRnnlm, Start, TrainingState, Xorshift, matmul_scratch, top,
};

const FORMS: [Form; 3] = [Form::Nn, Form::Nt, Form::Tn];

/// Fails where the work does, or takes longer than any of it may, on a busy machine too.
fn ends(what: &str, work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    let waited = is_done.recv_timeout(Duration::from_secs(30));
    assert_eq!(waited, Ok(()), "{what} fails, or takes more than half a minute");
}

/// No slice bounds a size whose products with the others are nothing.
#[test]
#[cfg_attr(miri, ignore = "waits for a clock")]
fn products_of_vast_sizes_and_no_elements() {
    let sizes = [0, 1, 7, 64, 513, usize::MAX / 4, usize::MAX - 1, usize::MAX];
    let shapes = sizes.into_iter().flat_map(|m| sizes.into_iter().flat_map(move |k| sizes.map(|n| [m, k, n])));
    for shape in shapes.filter(|shape| shape.iter().any(|&size| size > 513)) {
        for (isa, form) in Isa::available().flat_map(|isa| FORMS.map(|form| (isa, form))) {
            let [m, k, n] = shape;
            let lens = [m.checked_mul(k), k.checked_mul(n), m.checked_mul(n), Some(matmul_scratch(form, shape))];
            // where only some of them overflow, the others can be more than any memory holds
            if lens.iter().flatten().any(|&len| len > 1 << 20) {
                continue;
            }
            ends(&format!("{} {form:?} {shape:?}", isa.name()), move || {
                let [a, b, mut c, mut scratch] = lens.map(|len| vec![1.0; len.unwrap_or(0)]);
                let (c, scratch, start) = (&mut c[..], &mut scratch[..], Start::Zero);
                let refused = Matmul { form, m, k, n, a: &a, b: &b, c, start, scratch }.run(isa).err();
                assert_eq!(refused, lens.contains(&None).then_some(ConfigError::TooLarge));
            });
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "waits for a clock")]
fn batches_of_vast_sizes_and_a_vast_position() {
    ends("Batches", || {
        let corpus = [0; 7];
        let config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
        let vast_batch = Config { batch_size: usize::MAX, time_size: 1, ..config };
        let vast_time = Config { batch_size: 1, time_size: usize::MAX - 1, ..config };
        assert!(Batches::new(&corpus, vast_batch).is_err() && Batches::new(&corpus, vast_time).is_err());
        let mut batches = Batches::new(&corpus, config).unwrap();
        batches.seek(usize::MAX);
        batches.next_window().unwrap();
        assert!(batches.position() < 6);
    });
}

#[test]
#[cfg_attr(miri, ignore = "waits for a clock")]
fn training_goes_on_from_vast_numbers() {
    ends("RnnlmTrainer", || {
        let config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
        let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.1).unwrap()).unwrap().with_eval_interval(usize::MAX);
        let vast = usize::MAX as u64;
        let state = TrainingState { epoch: vast, iteration: vast, position: vast, ..trainer.training_state() };
        trainer.resume(&state).unwrap();
        assert_eq!(trainer.fit(&[1; 7], usize::MAX, |_| ControlFlow::<()>::Continue(())), Ok(None));
        trainer.resume(&TrainingState { epoch: 0, ..state }).unwrap();
        assert_eq!(trainer.fit(&[1; 7], 2, |_| ControlFlow::<()>::Continue(())), Ok(None));
    });
}

#[test]
#[cfg_attr(miri, ignore = "waits for a clock")]
fn words_are_chosen_among_fewer_than_asked_for() {
    ends("top and Sampler", || {
        let skip = [u32::MAX; 9];
        assert_eq!(top(&[0.5, 0.5], &skip, &mut [Candidate::default(); 99]).len(), 2);
        let mut rng = Xorshift::from_state(u64::MAX);
        assert!(rng.below(u32::MAX) < u32::MAX);
        assert!(Sampler::new(rng).with_skip(&skip).choose(&[0.5, 0.5]).is_some());
    });
}

#[test]
#[cfg_attr(miri, ignore = "waits for a clock")]
fn memory_is_told_and_refused_for_vast_sizes() {
    ends("sizes", || {
        for bits in 0..32 {
            let size = |i: u32| if bits >> i & 1 == 1 { usize::MAX } else { 1 };
            let [vocab_size, wordvec_size, hidden_size, batch_size, time_size] = [0, 1, 2, 3, 4].map(size);
            let config = Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size };
            assert_eq!(config.memory().is_err(), bits != 0, "{config:?}");
            assert!(Checkpoint::encoded_len(config, usize::MAX).is_err(), "{config:?}");
            for form in FORMS {
                black_box(matmul_scratch(form, [vocab_size, wordvec_size, hidden_size]));
            }
        }
        assert!(Matrix::new(usize::MAX, 0, &[][..]).unwrap().row(usize::MAX).is_none());
        assert!(AlignedVec::zeroed(usize::MAX).is_err());
    });
}
