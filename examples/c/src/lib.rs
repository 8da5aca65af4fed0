//! `rnnlm` for programs in C and C++: a static library, whose header `include/rnnlm.h` is made of this source by
//! `cargo run --bin header`.
//!
//! `unsafe` is here and nowhere else: pointers become slices in `pointers`, handles become models in `handles`, and
//! every function checks before either what a program can check.
#![no_std]
// each function's contract is its text in the header, which holds for all of them: pointers are null or as they say
#![allow(clippy::missing_safety_doc)]

// what a host's linker wants of a program: a panic handler, and who unwinds
#[cfg(not(target_os = "none"))]
extern crate std;

mod cell;
mod errors;
mod file;
mod handles;
mod learner;
mod lengths;
mod model;
mod pointers;
mod predictor;
mod sampling;
mod status;

#[cfg(target_os = "none")]
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
        core::hint::black_box(());
    }
}
