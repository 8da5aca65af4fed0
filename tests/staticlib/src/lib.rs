//! The library as a static library for a target without an operating system: `cargo build` of the library alone
//! generates no code where the whole program is optimised at once, so what a target's compiler can't do would not show.
//!
//! ```text
//! cargo build --manifest-path tests/staticlib/Cargo.toml --target x86_64-unknown-none
//! ```
#![no_std]

use core::{hint::black_box, slice};

use rnnlm::{Config, Form, Matmul, Predictor, SimpleRnnlm, Start, Xorshift};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 5, batch_size: 2, time_size: 3 };

/// Draws weights, trains for so many steps, predicts, and multiplies what was predicted, in memory of the caller.
/// Returns a hash of all the bits that come of it, 0 where the memory is too short.
///
/// # Safety
/// So many floats are there, and nobody else uses them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_hash(memory: *mut f32, len: usize, steps: u16) -> u32 {
    // SAFETY: by the caller.
    hash(unsafe { slice::from_raw_parts_mut(memory, len) }, steps).unwrap_or(0)
}

fn hash(memory: &mut [f32], steps: u16) -> Option<u32> {
    let needed = CONFIG.memory().ok()?;
    let (weights, rest) = memory.split_at_mut_checked(needed.weights)?;
    let (workspace, rest) = rest.split_at_mut_checked(needed.workspace)?;
    let (prediction, rest) = rest.split_at_mut_checked(CONFIG.memory().ok()?.prediction)?;
    let (product, _) = rest.split_at_mut_checked(9)?;

    let mut model = SimpleRnnlm::with_buffers(CONFIG, weights, workspace).ok()?;
    model.initialize(&mut Xorshift::new(1));
    for _ in 0..black_box(steps) {
        model.forward(&[1, 2, 3, 4, 5, 6], &[2, 3, 4, 5, 6, 0]).ok()?.sgd(0.5).ok()?;
    }
    let mut predictor = Predictor::with_buffers(model.weights(), prediction).ok()?;
    let [a @ .., _] = predictor.feed(black_box(1)).ok()?.first_chunk::<7>()?;
    let matmul = Matmul { form: Form::Nn, m: 3, k: 2, n: 3, a, b: a, c: product, start: Start::Zero, scratch: &mut [] };
    matmul.run(model.isa()).ok()?;

    let all = model.weights_block().iter().chain(model.state()).chain(predictor.probabilities()).chain(&*product);
    Some(all.flat_map(|x| x.to_bits().to_le_bytes()).fold(0x811c_9dc5, fnv_1a))
}

fn fnv_1a(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        black_box(());
    }
}
