//! What a training step and a prediction cost on this target: instructions, stack, memory.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::{
    model::{CONFIG, MEMORY, model},
    stack::depth,
    target::{Instructions, entry, fail},
    workload::window,
};
use rnnlm::{Candidate, Isa, Predictor, Xorshift, top};
use semihosting::println;

/// What may be taken: instructions of a training step and of a prediction, bytes of stack of either, bytes to train.
const LIMITS: [usize; 4] = if cfg!(feature = "lstm") { LSTM } else { [180_000, PREDICTION, 1024, 26 * 1024] };
const LSTM: [usize; 4] =
    [if IS_FAST { 430_000 } else { 455_000 }, 23_000, if IS_FAST { 1024 } else { 1088 }, 50 * 1024];
const IS_FAST: bool = matches!(env!("OPT_LEVEL").as_bytes(), b"3");

/// Code for little flash may take a hundredth more.
const PREDICTION: usize = if IS_FAST { 9_000 } else { 9_100 };

#[entry]
fn main() -> ! {
    let mut instructions = Instructions::new().unwrap();
    let mut model = model().unwrap();
    model.initialize(&mut Xorshift::new(1));
    let mut rng = Xorshift::new(11);
    println!("instruction set: {}, {CONFIG:?}", Isa::detect().name());

    let (mut step, mut stack) = (0, 0);
    for _ in 0..3 {
        let (xs, ts) = window(&mut rng);
        let mut train = || {
            black_box(model.forward(black_box(&xs), black_box(&ts)).and_then(|window| window.sgd(0.1))).unwrap();
        };
        // the painted step is another one: painting counts too
        if stack == 0 {
            stack = depth(&mut train);
        } else {
            step = instructions.count(train);
        }
    }
    println!("training step: {step} instructions, {stack} bytes of stack");
    let bytes = MEMORY.bytes();
    let training_stack = stack;
    println!("training memory: {bytes} bytes (weights {}), with the stack {}", 4 * MEMORY.weights, bytes + stack);

    let mut buffer = [0.0; MEMORY.prediction];
    let mut predictor = Predictor::with_buffers(model.weights(), &mut buffer[..]).unwrap();
    let (mut prediction, mut stack) = (0, 0);
    for id in 0..3 {
        let mut predict = || {
            let mut three = [Candidate::default(); 3];
            let probabilities = predictor.feed(black_box(id)).unwrap();
            black_box(top(probabilities, &[], &mut three));
        };
        if stack == 0 {
            stack = depth(&mut predict);
        } else {
            prediction = instructions.count(predict);
        }
    }
    println!("prediction with its top 3: {prediction} instructions, {stack} bytes of stack");
    let found = [step as usize, prediction as usize, training_stack.max(stack), bytes + training_stack];
    // without an FPU everything takes longer
    let good = Isa::detect().name() == "portable" || found.iter().zip(LIMITS).all(|(&found, limit)| found <= limit);
    println!("{}", if good { "within the limits" } else { "BEYOND THE LIMITS" });
    semihosting::process::exit(i32::from(!good))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
