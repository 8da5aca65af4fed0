//! A detector on this target: the verdicts of the desktop, bit for bit, and what they cost.
#![no_std]
#![no_main]

use core::hint::black_box;

#[cfg(not(feature = "lstm"))]
use firmware::verdicts::GOLDEN;
#[cfg(feature = "lstm")]
use firmware::verdicts::LSTM_GOLDEN as GOLDEN;
use firmware::{
    model::{CONFIG, MEMORY, ModelCell, model},
    stack::depth,
    target::{Instructions, entry, fail},
    verdicts::{self, ids, verdicts},
    workload::WINDOW,
};
use rnnlm::{Balance, Detector, Doing, FalseAlarms, HeadLearner, Isa, Model, OnlineLearner, Xorshift};
use semihosting::println;
use static_cell::ConstStaticCell;

const V: usize = CONFIG.vocab_size;
const HEAD: usize = CONFIG.hidden_size * V + V;
const BINS: usize = 192;

static PREDICTION: ConstStaticCell<[f32; MEMORY.prediction]> = ConstStaticCell::new([0.0; MEMORY.prediction]);
static IDS: ConstStaticCell<[u32; 2 * WINDOW]> = ConstStaticCell::new([0; 2 * WINDOW]);
static MEASURES: ConstStaticCell<[f32; 2 * V]> = ConstStaticCell::new([0.0; 2 * V]);
static BALANCE: ConstStaticCell<[u32; Balance::words(V)]> = ConstStaticCell::new([0; Balance::words(V)]);
static ALARMS: ConstStaticCell<[u32; BINS]> = ConstStaticCell::new([0; BINS]);

type Floats = &'static mut [f32];
type Learner = OnlineLearner<Floats, Floats, Floats, &'static mut [u32], ModelCell>;

/// Bytes to learn, watch and calibrate, without the stack.
const BYTES: usize = MEMORY.bytes()
    + 4 * (MEMORY.prediction + 2 * WINDOW + 2 * V + Balance::words(V) + BINS)
    + size_of::<Detector<Learner, Floats, &'static mut [u32]>>()
    + size_of::<FalseAlarms<&'static mut [u32]>>();
/// Bytes to learn with a frozen body, without the stack.
const HEAD_BYTES: usize = 4 * (HEAD + MEMORY.prediction) + size_of::<HeadLearner<'static, Floats, Floats, ModelCell>>();
#[cfg(not(feature = "lstm"))]
const LIMITS: Limits = Limits { kilobytes: 28, instructions: 12_000 };
#[cfg(feature = "lstm")]
const LIMITS: Limits = Limits { kilobytes: 52, instructions: 25_000 };

/// For everything, and for an event with its verdict or the end of a session.
struct Limits {
    kilobytes: usize,
    instructions: u32,
}

// Where a model of cycles begins and ends to count; of different bodies, so that they stay two.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn mark_on() {
    black_box(1);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn mark_off() {
    black_box([2, 3]);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn head_mark_on() {
    black_box([4, 5, 6]);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn head_mark_off() {
    black_box([7, 8, 9, 10]);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn end_mark_on() {
    black_box([11; 5]);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn end_mark_off() {
    black_box([12; 6]);
}

#[entry]
fn main() -> ! {
    let mut instructions = Instructions::new().unwrap();
    let (mut model, prediction, ids_of_window, measures, alarms) =
        (model().unwrap(), PREDICTION.take(), IDS.take(), MEASURES.take(), ALARMS.take());
    model.initialize(&mut Xorshift::new(1));
    println!("instruction set: {}", Isa::detect().name());

    // the bits of the frozen body first, while the weights are those of the factory; its memory is lent
    let mut good = head(&mut model, &mut prediction[..], &mut instructions);

    let learner = OnlineLearner::with_buffers(model, 0.5, &mut prediction[..], &mut ids_of_window[..]).unwrap();
    let mut detector = Detector::with_buffers(learner, ids(), &mut measures[..]).unwrap();
    let (found, odd) = verdicts(&mut detector, &mut alarms[..]).unwrap();
    println!("verdicts: {found:016x}, desktop {:016x}; {odd} of 40 odd sessions", GOLDEN[0]);
    good &= found == GOLDEN[0];

    let balance = Balance::with_buffer(V, &mut BALANCE.take()[..]).unwrap();
    let mut detector = detector.with_balance(balance).unwrap();
    let (found, odd) = verdicts::imbalances(&mut detector).unwrap();
    println!("out of balance: {found:016x}, desktop {:016x}; {odd} of 20 odd sessions", verdicts::IMBALANCES);
    good &= found == verdicts::IMBALANCES;

    detector.set_doing(Doing::Watch);
    detector.begin().unwrap();
    let mut judge = |event| black_box(detector.observe(black_box(event)).unwrap());
    judge(3);
    let stack = depth(&mut || {
        judge(18);
    });
    let count = instructions.count(|| {
        mark_on();
        // an odd one, so that what had been expected is listed
        judge(60);
        mark_off();
    });
    println!("event with verdict: {count} instructions, {stack} bytes of stack");
    // of the six different events that it holds now
    for event in [40, 41, 42] {
        detector.observe(event).unwrap();
    }
    let at_end = instructions.count(|| {
        end_mark_on();
        black_box(detector.end().unwrap());
        end_mark_off();
    });
    println!("end of a session with its balance: {at_end} instructions");
    println!("memory: {BYTES} bytes with detector and calibration");
    let Limits { kilobytes, instructions } = LIMITS;
    good &= BYTES <= kilobytes * 1024 && (count.max(at_end) <= instructions || Isa::detect().name() == "portable");
    println!("{}", if good { "the same verdicts, within the limits" } else { "OTHER VERDICTS, OR BEYOND THE LIMITS" });
    semihosting::process::exit(i32::from(!good))
}

static HEAD_WEIGHTS: ConstStaticCell<[f32; HEAD]> = ConstStaticCell::new([0.0; HEAD]);

fn head(model: &mut Model<ModelCell, Floats>, prediction: &mut [f32], instructions: &mut Instructions) -> bool {
    let memory = HEAD_WEIGHTS.take();
    let mut learner = HeadLearner::with_buffers(model.weights(), 0.5, &mut memory[..], &mut prediction[..]).unwrap();
    let found = verdicts::head(&mut learner).unwrap();
    println!("frozen body: {found:016x}, desktop {:016x}", GOLDEN[1]);
    let count = instructions.count(|| {
        head_mark_on();
        black_box(learner.observe(black_box(3)).unwrap());
        head_mark_off();
    });
    println!("event learned with a frozen body: {count} instructions; memory: {HEAD_BYTES} bytes");
    found == GOLDEN[1] && HEAD_BYTES <= 16 * 1024
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
