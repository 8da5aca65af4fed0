//! The library's parts alone, chosen by features, to weigh them and to prove that they don't panic: with the feature
//! `proof` the panic handler calls a function that doesn't exist, so this links only where no panic can be reached.
#![no_std]
#![no_main]

use core::{cell::UnsafeCell, hint::black_box};

use firmware::{
    model::{MEMORY, ModelCell},
    target::entry,
    workload::CONFIG,
};
use rnnlm::{ConfigError, Model};

/// Memory that is handed out once, and weighs nothing: no flag says that it was.
struct Static<T>(UnsafeCell<T>);

// SAFETY: whoever takes the memory promises to be the only one.
unsafe impl<T> Sync for Static<T> {}

#[allow(dead_code)]
impl<T> Static<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// # Safety
    /// Called once.
    #[allow(clippy::mut_from_ref)]
    unsafe fn take(&self) -> &mut T {
        // SAFETY: by the caller there is no other reference.
        unsafe { &mut *self.0.get() }
    }
}

static WEIGHTS: Static<[f32; MEMORY.weights]> = Static::new([0.0; MEMORY.weights]);
static WORKSPACE: Static<[f32; MEMORY.workspace]> = Static::new([0.0; MEMORY.workspace]);

/// # Safety
/// Called once.
#[allow(dead_code)]
unsafe fn model() -> Result<Model<ModelCell, &'static mut [f32]>, ConfigError> {
    // SAFETY: by the caller.
    let (weights, workspace) = unsafe { (WEIGHTS.take(), WORKSPACE.take()) };
    Model::with_buffers(CONFIG, weights, workspace)
}

#[entry]
fn main() -> ! {
    #[cfg(feature = "train")]
    black_box(train());
    #[cfg(feature = "predict")]
    black_box(predict());
    #[cfg(feature = "checkpoint")]
    black_box(checkpoint());
    #[cfg(feature = "int8")]
    black_box(int8());
    #[cfg(feature = "predict-int8")]
    black_box(predict_int8());
    #[cfg(feature = "online")]
    black_box(online());
    #[cfg(feature = "slots")]
    black_box(slots());
    #[cfg(feature = "device")]
    black_box(device());
    #[cfg(feature = "words")]
    black_box(words());
    #[cfg(feature = "detect")]
    black_box(detect());
    #[cfg(feature = "head")]
    black_box(head());
    loop {
        black_box(());
    }
}

/// A model from its sizes, and training steps; the weights come from elsewhere or are drawn.
#[cfg(feature = "train")]
fn train() -> Option<f32> {
    use firmware::workload::WINDOW;
    static IDS: Static<[[u32; WINDOW]; 2]> = Static::new([[0; WINDOW]; 2]);
    // SAFETY: called once.
    let mut model = unsafe { model() }.ok()?;
    #[cfg(feature = "initialize")]
    model.initialize(&mut rnnlm::Xorshift::new(black_box(1)));
    // SAFETY: called once.
    let [xs, ts] = black_box(unsafe { IDS.take() });
    model.forward(xs, ts).and_then(|window| window.sgd(black_box(0.1))).ok()
}

/// The three likeliest next events, from weights that are only read.
#[cfg(feature = "predict")]
fn predict() -> Option<rnnlm::Candidate> {
    use firmware::model::Parameters;
    use rnnlm::{Candidate, Predictor, top};
    static BUFFER: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    static THREE: Static<[Candidate; 3]> = Static::new([Candidate { id: 0, probability: 0.0 }; 3]);
    // SAFETY: called once.
    let weights = Parameters::from_block(CONFIG, black_box(unsafe { WEIGHTS.take() })).ok()?;
    // SAFETY: called once.
    let buffer = unsafe { BUFFER.take() };
    let mut predictor = Predictor::with_buffers(weights, &mut buffer[..]).ok()?;
    let probabilities = predictor.feed(black_box(1)).ok()?;
    // SAFETY: called once.
    top(probabilities, &[], unsafe { THREE.take() }).first().copied()
}

/// The three likeliest next events, from a file of int8 weights that is checked first.
#[cfg(feature = "int8")]
fn int8() -> Option<rnnlm::Candidate> {
    use rnnlm::{Candidate, Quantized, QuantizedPredictor, top};
    const LEN: usize = match Quantized::<ModelCell>::buffer_len_as(CONFIG) {
        Ok(len) => len,
        Err(_) => panic!("bad sizes"),
    };
    static FILE: [u8; 64] = [0; 64];
    static BUFFER: Static<[f32; LEN]> = Static::new([0.0; LEN]);
    static THREE: Static<[Candidate; 3]> = Static::new([Candidate { id: 0, probability: 0.0 }; 3]);
    let weights = Quantized::<ModelCell>::read_as(black_box(&FILE[..])).ok()?;
    // SAFETY: called once.
    let buffer = unsafe { BUFFER.take() };
    let mut predictor = QuantizedPredictor::with_buffers(weights, &mut buffer[..]).ok()?;
    let probabilities = predictor.feed(black_box(1)).ok()?;
    // SAFETY: called once.
    top(probabilities, &[], unsafe { THREE.take() }).first().copied()
}

/// The three likeliest next events, from int8 weights that have no file around them.
#[cfg(feature = "predict-int8")]
fn predict_int8() -> Option<rnnlm::Candidate> {
    use rnnlm::{Candidate, Quantized, QuantizedPredictor, top};
    type Weights<'w> = Quantized<'w, ModelCell>;
    const LENS: [usize; 2] = match (Weights::block_len_as(CONFIG), Weights::buffer_len_as(CONFIG)) {
        (Ok(block), Ok(buffer)) => [block, buffer],
        _ => panic!("bad sizes"),
    };
    // as if in flash; so they don't count
    static WEIGHTS: Static<[u8; LENS[0]]> = Static::new([0; LENS[0]]);
    static BUFFER: Static<[f32; LENS[1]]> = Static::new([0.0; LENS[1]]);
    static THREE: Static<[Candidate; 3]> = Static::new([Candidate { id: 0, probability: 0.0 }; 3]);
    // SAFETY: called once.
    let weights = Weights::from_block_as(CONFIG, black_box(unsafe { WEIGHTS.take() })).ok()?;
    // SAFETY: called once.
    let buffer = unsafe { BUFFER.take() };
    let mut predictor = QuantizedPredictor::with_buffers(weights, &mut buffer[..]).ok()?;
    let probabilities = predictor.feed(black_box(1)).ok()?;
    // SAFETY: called once.
    top(probabilities, &[], unsafe { THREE.take() }).first().copied()
}

/// A file of the desktop, checked, its weights used where they stand and loaded into a model.
#[cfg(feature = "checkpoint")]
fn checkpoint() -> Option<f32> {
    static FILE: [u8; 64] = [0; 64];
    let checkpoint = rnnlm::Checkpoint::<ModelCell>::read_as(black_box(&FILE[..])).ok()?;
    black_box(checkpoint.config());
    checkpoint.weights()?.affine_w.get(0, 0)
}

/// One event after the other: scored, learned from, predicted.
#[cfg(feature = "online")]
fn online() -> Option<f32> {
    use firmware::workload::WINDOW;
    static PREDICTION: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    static IDS: Static<[u32; 2 * WINDOW]> = Static::new([0; 2 * WINDOW]);
    // SAFETY: called once, in a program without `train`.
    let (model, prediction, ids) = unsafe { (model().ok()?, PREDICTION.take(), IDS.take()) };
    let mut learner =
        rnnlm::OnlineLearner::with_buffers(model, black_box(0.1), &mut prediction[..], &mut ids[..]).ok()?;
    learner.observe(black_box(1)).ok()?;
    learner.observe(black_box(2)).ok()?.map(|score| score.loss)
}

/// Sessions judged and learned from, and a threshold.
#[cfg(feature = "detect")]
fn detect() -> Option<f32> {
    use firmware::{
        verdicts::{ids, imbalances, verdicts},
        workload::WINDOW,
    };
    use rnnlm::{Balance, Detector, OnlineLearner};
    static PREDICTION: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    static IDS: Static<[u32; 2 * WINDOW]> = Static::new([0; 2 * WINDOW]);
    static MEASURES: Static<[f32; 2 * CONFIG.vocab_size]> = Static::new([0.0; 2 * CONFIG.vocab_size]);
    static ALARMS: Static<[u32; 192]> = Static::new([0; 192]);
    // SAFETY: called once, in a program without `train`.
    let (model, prediction, window) = unsafe { (model().ok()?, PREDICTION.take(), IDS.take()) };
    // SAFETY: called once.
    let (measures, alarms) = unsafe { (MEASURES.take(), ALARMS.take()) };
    let learner = OnlineLearner::with_buffers(model, black_box(0.1), &mut prediction[..], &mut window[..]).ok()?;
    let mut detector = Detector::with_buffers(learner, black_box(ids()), &mut measures[..]).ok()?;
    verdicts(&mut detector, black_box(&mut alarms[..])).ok()?;
    let stream = detector.observe_stream(black_box(1)).ok()?;
    let mut kept = [0.0; 8];
    detector.keep(black_box(&mut kept)).ok()?;
    detector.revert(black_box(&kept)).ok()?;
    static BALANCE: Static<[u32; Balance::words(CONFIG.vocab_size)]> =
        Static::new([0; Balance::words(CONFIG.vocab_size)]);
    // SAFETY: called once.
    let words = unsafe { BALANCE.take() };
    let balance = Balance::with_buffer(CONFIG.vocab_size, black_box(&mut words[..])).ok()?;
    let mut detector = detector.with_balance(balance).ok()?;
    imbalances(&mut detector).ok()?;
    detector.balance_mut().clear();
    Some(stream.excess)
}

/// Learning with a frozen body.
#[cfg(feature = "head")]
fn head() -> Option<u64> {
    use firmware::{model::Parameters, verdicts};
    use rnnlm::HeadLearner;
    const HEAD: usize = (CONFIG.hidden_size + 1) * CONFIG.vocab_size;
    static FACTORY: Static<[f32; MEMORY.weights]> = Static::new([0.0; MEMORY.weights]);
    static OWN: Static<[f32; HEAD]> = Static::new([0.0; HEAD]);
    static BUFFER: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    // SAFETY: called once.
    let (factory, own, buffer) = unsafe { (FACTORY.take(), OWN.take(), BUFFER.take()) };
    let weights = Parameters::from_block(CONFIG, black_box(&*factory)).ok()?;
    let mut learner = HeadLearner::with_buffers(weights, black_box(0.1), &mut own[..], &mut buffer[..]).ok()?;
    verdicts::head(&mut learner).ok()
}

/// A model saved to flash in pages, and found there.
#[cfg(feature = "slots")]
fn slots() -> Option<usize> {
    use firmware::nor::{Nor, Ram};
    use rnnlm::{Checkpoint, TrainingState, TwoSlots};
    const SLOT: usize = 64 << 10;
    static FLASH: Static<[u8; 2 * SLOT]> = Static::new([0; 2 * SLOT]);
    static PAGE: Static<[u8; 256]> = Static::new([0; 256]);
    // SAFETY: called once, in a program without `train`.
    let (model, flash, page) = unsafe { (model().ok()?, FLASH.take(), PAGE.take()) };
    let len = Checkpoint::<ModelCell>::encoded_len_as(model.config(), 0).ok()?;
    let mut slots = TwoSlots::with_records(Nor(Ram::new(flash), || ()), SLOT, len);
    let state = TrainingState::default();
    let done =
        slots.save_with(len, |record| Checkpoint::write_with(&model, &state, "", page, |page| record.write(page)));
    done.ok()?;
    slots.find().map(|(address, _)| address).ok()
}

/// A learner that takes its steps in slices, that is saved with its pending events, and resumed.
#[cfg(feature = "device")]
fn device() -> Option<f32> {
    use firmware::workload::WINDOW;
    use rnnlm::{LearnerRecord, OnlineLearner, TrainingState};
    const LEN: usize = 32 << 10;
    static PREDICTION: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    static IDS: Static<[u32; 2 * WINDOW]> = Static::new([0; 2 * WINDOW]);
    static RECORD: Static<[u8; LEN]> = Static::new([0; LEN]);
    static PAGE: Static<[u8; 256]> = Static::new([0; 256]);
    // SAFETY: called once, in a program without the other parts.
    let (model, record, page) = unsafe { (model().ok()?, RECORD.take(), PAGE.take()) };
    // SAFETY: as above.
    let (prediction, ids) = unsafe { (PREDICTION.take(), IDS.take()) };
    let old = LearnerRecord::<ModelCell>::read_as(black_box(&record[..])).ok()?;
    let mut learner = old.resume(model, &mut prediction[..], &mut ids[..]).ok()?;
    learner.set_frozen(black_box(false));
    learner.read(black_box(1)).ok()?;
    learner.learn_slice().ok()?;
    learner.learn().ok()?;
    let state = TrainingState::default();
    let done = LearnerRecord::write_with(&learner, &state, "", page, |page| {
        black_box(page);
        Ok::<(), rnnlm::CheckpointError>(())
    });
    done.ok()?;
    OnlineLearner::probabilities(&learner).first().copied()
}

/// Words and ids of a file that the bootloader has verified.
#[cfg(feature = "words")]
fn words() -> Option<u32> {
    static FILE: [u8; 64] = [0; 64];
    static PLACES: Static<[u32; 128]> = Static::new([0; 128]);
    let checkpoint = rnnlm::Checkpoint::<ModelCell>::read_verified_as(black_box(&FILE[..])).ok()?;
    // SAFETY: called once.
    let index = checkpoint.index_words(unsafe { PLACES.take() }).ok()?;
    black_box(index.word(black_box(1)));
    index.id(black_box("word"))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "proof")]
    {
        unsafe extern "C" {
            fn a_panic_can_be_reached() -> !;
        }
        // SAFETY: it doesn't exist, so this is never called.
        unsafe { a_panic_can_be_reached() }
    }
    #[cfg(not(feature = "proof"))]
    loop {
        black_box(());
    }
}
