//! What `cycles.py` looks at: training steps and predictions between two marks each, in the order of the lines that it
//! prints: a name, and how many multiply-adds of products it has.
#![no_std]
#![no_main]

use core::{any::TypeId, arch::asm, fmt::Arguments, hint::black_box};

use firmware::{
    int8::WORDS,
    model::{CONFIG, MEMORY, ModelCell, model},
    target::{entry, fail},
    workload::window,
};
use rnnlm::{
    Candidate, Cell, Config, Model, Predictor, Quantized, QuantizedPredictor, SimpleRnnlm, StepError, Storage,
    TanhCell, Xorshift, top,
};
use semihosting::println;
use static_cell::ConstStaticCell;

static NEXT_WORD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.int8.safetensors"));

/// All sizes alike: a whole block of sixteen columns, and what remains of one.
const fn square(size: usize) -> Config {
    Config { vocab_size: size, wordvec_size: size, hidden_size: size, batch_size: 1, time_size: 8 }
}

const SQUARE: usize = match square(16).memory() {
    Ok(memory) => memory.weights + memory.workspace,
    Err(_) => panic!("bad sizes"),
};
const FOR_WORDS: usize = match Quantized::<ModelCell>::buffer_len_as(WORDS) {
    Ok(len) => len,
    Err(_) => panic!("bad sizes"),
};
static SQUARE_MEMORY: ConstStaticCell<[f32; SQUARE]> = ConstStaticCell::new([0.0; SQUARE]);
static WORDS_MEMORY: ConstStaticCell<[f32; FOR_WORDS]> = ConstStaticCell::new([0.0; FOR_WORDS]);

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

/// The multiply-adds behind the products of one event.
fn products<C: Cell>(config: Config) -> usize {
    let Config { vocab_size: v, wordvec_size: d, hidden_size: h, .. } = config;
    let gates = if TypeId::of::<C>() == TypeId::of::<TanhCell>() { 1 } else { 4 };
    gates * (d * h + h * h) + h * v
}

/// Forward, backward to the activations and backward to the weights: each element of a product once.
fn step<C: Cell>(name: Arguments<'_>, model: &mut Model<C, impl Storage, impl Storage>) -> Result<(), StepError> {
    let config = model.config();
    println!("{name}|{}", 3 * config.time_size * products::<C>(config));
    model.initialize(&mut Xorshift::new(1));
    let (xs, ts) = window(&mut Xorshift::new(11));
    let v = config.vocab_size as u32;
    let (xs, ts) = (xs.map(|id| id % v), ts.map(|id| id % v));
    begin();
    black_box(model.forward(black_box(&xs), black_box(&ts)).and_then(|window| window.sgd(0.1)))?;
    end();
    Ok(())
}

#[entry]
fn main() -> ! {
    let mut model = model().unwrap();
    let of = if cfg!(feature = "lstm") { " of an LSTM" } else { "" };
    step(format_args!("training step{of}"), &mut model).unwrap();

    println!("prediction{of} with its top 3|{}", products::<ModelCell>(CONFIG));
    let mut buffer = [0.0; MEMORY.prediction];
    let mut predictor = Predictor::with_buffers(model.weights(), &mut buffer[..]).unwrap();
    predictor.feed(0).unwrap();
    begin();
    let mut three = [Candidate::default(); 3];
    black_box(top(predictor.feed(black_box(1)).unwrap(), &[], &mut three));
    end();

    let memory = SQUARE_MEMORY.take();
    for size in [16, 15] {
        let sizes = square(size).memory().unwrap();
        let (weights, rest) = memory.split_at_mut(sizes.weights);
        let workspace = &mut rest[..sizes.workspace];
        step(
            format_args!("training step of V=D=H={size}"),
            &mut SimpleRnnlm::with_buffers(square(size), weights, workspace).unwrap(),
        )
        .unwrap();
    }

    println!("prediction{of} of 4,000 words from int8 weights|{}", products::<ModelCell>(WORDS));
    let weights = Quantized::<ModelCell>::read_as(NEXT_WORD).unwrap();
    let mut predictor = QuantizedPredictor::with_buffers(weights, &mut WORDS_MEMORY.take()[..]).unwrap();
    begin();
    black_box(predictor.feed(black_box(7)).unwrap());
    end();
    semihosting::process::exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail()
}
