//! Cycles of a training step and its slices, of a prediction and of an event, by the counter of the processor; and the
//! hash that the desktop has. The board is that of the target: nRF52840 (Cortex-M4F) for `thumbv7em-none-eabihf`,
//! RP2350 (Cortex-M33) for `thumbv8m.main-none-eabihf`. Not measured yet.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m::peripheral::DWT;
use cortex_m_rt::entry;
use rnnlm::{Candidate, Error, Isa, Memory, OnlineLearner, Predictor, SimpleRnnlm, Xorshift, top};
use semihosting::{println, process::exit};
use static_cell::ConstStaticCell;

#[allow(dead_code)]
#[path = "../../firmware/src/workload.rs"]
mod workload;
use workload::{CONFIG, GOLDEN, RATE, SEEDS, hash, window};

const MEMORY: Memory = match CONFIG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};

static WEIGHTS: ConstStaticCell<[f32; MEMORY.weights]> = ConstStaticCell::new([0.0; MEMORY.weights]);
static WORKSPACE: ConstStaticCell<[f32; MEMORY.workspace]> = ConstStaticCell::new([0.0; MEMORY.workspace]);
static PREDICTION: ConstStaticCell<[f32; MEMORY.prediction]> = ConstStaticCell::new([0.0; MEMORY.prediction]);
static IDS: ConstStaticCell<[u32; MEMORY.ids]> = ConstStaticCell::new([0; MEMORY.ids]);

#[entry]
fn main() -> ! {
    let Some(mut core) = cortex_m::Peripherals::take() else { exit(1) };
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    match measure() {
        Ok(true) => exit(0),
        Ok(false) => println!("THE BITS DIFFER"),
        Err(error) => println!("{}", error.as_str()),
    }
    exit(1)
}

/// Prints what calls take; whether the weights are the desktop's.
fn measure() -> Result<bool, Error> {
    println!("{}, instruction set {}, {CONFIG:?}", env!("BOARD"), Isa::detect().name());
    let mut model = SimpleRnnlm::with_buffers(CONFIG, &mut WEIGHTS.take()[..], &mut WORKSPACE.take()[..])?;
    model.initialize(&mut Xorshift::new(SEEDS[0]));
    let mut rng = Xorshift::new(SEEDS[1]);
    let [(steps, golden), _] = GOLDEN;
    let (mut fewest, mut most) = (u32::MAX, 0);
    for _ in 0..steps {
        let (xs, ts) = window(&mut rng);
        let cycles = cycles(|| model.forward(&xs, &ts)?.sgd(RATE).map(drop))?;
        (fewest, most) = (fewest.min(cycles), most.max(cycles));
    }
    let found = hash(&model);
    println!("training step: {fewest} to {most} cycles");
    println!("{steps} steps: {found:016x}, desktop {golden:016x}");

    let prediction = PREDICTION.take();
    let mut predictor = Predictor::with_buffers(model.weights(), &mut prediction[..])?;
    predictor.feed(1)?;
    let cycles_of_one = cycles(|| {
        let mut three = [Candidate::default(); 3];
        black_box(top(predictor.feed(2)?, &[], &mut three));
        Ok(())
    })?;
    println!("prediction with its top 3: {cycles_of_one} cycles");

    let mut learner = OnlineLearner::with_buffers(model, RATE, &mut prediction[..], &mut IDS.take()[..])?;
    // the second window: the first has no event before it
    for id in 0..2 * CONFIG.time_size as u32 {
        learner.observe(id)?;
    }
    println!("an event without a step: {} cycles", cycles(|| learner.read(1).map(drop))?);
    println!("slices of the step that is due:");
    while learner.step_is_due() {
        println!("    {} cycles", cycles(|| learner.learn_slice())?);
    }
    Ok(found == golden)
}

/// The cycles that work takes.
fn cycles(work: impl FnOnce() -> Result<(), rnnlm::StepError>) -> Result<u32, Error> {
    let before = DWT::cycle_count();
    work()?;
    Ok(DWT::cycle_count().wrapping_sub(before))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    exit(1)
}
