//! What `cycles.py` looks at: a training step and a prediction between two marks each.
#![no_std]
#![no_main]

use core::{arch::asm, hint::black_box};

use firmware::{
    model::{MEMORY, model},
    target::{entry, fail},
    workload::window,
};
use rnnlm::{Candidate, Predictor, Xorshift, top};

/// A mark: an address for the emulator to name. Bodies differ, or one would do for both.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn begin() {
    // SAFETY: does nothing.
    unsafe { asm!("nop") };
}

/// As [`begin`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn end() {
    // SAFETY: does nothing.
    unsafe { asm!("nop", "nop") };
}

#[entry]
fn main() -> ! {
    let mut model = model().unwrap();
    model.initialize(&mut Xorshift::new(1));
    let (xs, ts) = window(&mut Xorshift::new(11));
    begin();
    black_box(model.forward(black_box(&xs), black_box(&ts)).and_then(|window| window.sgd(0.1))).unwrap();
    end();
    let mut buffer = [0.0; MEMORY.prediction];
    let mut predictor = Predictor::with_buffers(model.weights(), &mut buffer[..]).unwrap();
    predictor.feed(0).unwrap();
    begin();
    let mut three = [Candidate::default(); 3];
    black_box(top(predictor.feed(black_box(1)).unwrap(), &[], &mut three));
    end();
    semihosting::process::exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail()
}
