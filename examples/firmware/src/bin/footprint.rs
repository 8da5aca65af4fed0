//! The library's parts alone, chosen by features, to weigh them and to prove that they don't panic: with the feature
//! `proof` the panic handler calls a function that doesn't exist, so this links only where no panic can be reached.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::target::entry;

#[entry]
fn main() -> ! {
    #[cfg(feature = "train")]
    black_box(train());
    #[cfg(feature = "predict")]
    black_box(predict());
    #[cfg(feature = "checkpoint")]
    black_box(checkpoint());
    #[cfg(feature = "online")]
    black_box(online());
    #[cfg(feature = "slots")]
    black_box(slots());
    loop {
        black_box(());
    }
}

/// A model from its sizes, and training steps; the weights come from elsewhere or are drawn.
#[cfg(feature = "train")]
fn train() -> Option<f32> {
    use firmware::{
        model::{Static, model},
        workload::WINDOW,
    };
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
    use firmware::model::{CONFIG, MEMORY, Static};
    use rnnlm::{Candidate, Parameters, Predictor, top};
    static WEIGHTS: Static<[f32; MEMORY.weights]> = Static::new([0.0; MEMORY.weights]);
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

/// A file of the desktop, checked, its weights used where they stand and loaded into a model.
#[cfg(feature = "checkpoint")]
fn checkpoint() -> Option<f32> {
    static FILE: [u8; 64] = [0; 64];
    let checkpoint = rnnlm::Checkpoint::read(black_box(&FILE[..])).ok()?;
    black_box(checkpoint.config());
    checkpoint.weights()?.affine_w.get(0, 0)
}

/// One event after the other: scored, learned from, predicted.
#[cfg(feature = "online")]
fn online() -> Option<f32> {
    use firmware::{
        model::{MEMORY, Static, model},
        workload::WINDOW,
    };
    static PREDICTION: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);
    static IDS: Static<[u32; 2 * WINDOW]> = Static::new([0; 2 * WINDOW]);
    // SAFETY: called once, in a program without `train`.
    let (model, prediction, ids) = unsafe { (model().ok()?, PREDICTION.take(), IDS.take()) };
    let mut learner =
        rnnlm::OnlineLearner::with_buffers(model, black_box(0.1), &mut prediction[..], &mut ids[..]).ok()?;
    learner.observe(black_box(1)).ok()?;
    learner.observe(black_box(2)).ok()?.map(|score| score.loss)
}

/// A model saved to flash in pages, and found there.
#[cfg(feature = "slots")]
fn slots() -> Option<usize> {
    use firmware::{
        model::{Static, model},
        nor::{Nor, Ram},
    };
    use rnnlm::{Checkpoint, TrainingState, TwoSlots};
    const SLOT: usize = 64 << 10;
    static FLASH: Static<[u8; 2 * SLOT]> = Static::new([0; 2 * SLOT]);
    static PAGE: Static<[u8; 256]> = Static::new([0; 256]);
    // SAFETY: called once, in a program without `train`.
    let (model, flash, page) = unsafe { (model().ok()?, FLASH.take(), PAGE.take()) };
    let len = Checkpoint::encoded_len(model.config(), 0).ok()?;
    let mut slots = TwoSlots::with_records(Nor(Ram(flash)), SLOT, len);
    let state = TrainingState::default();
    let done =
        slots.save_with(len, |record| Checkpoint::write_with(&model, &state, "", page, |page| record.write(page)));
    done.ok()?;
    slots.find().map(|(address, _)| address).ok()
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
