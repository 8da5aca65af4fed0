//! How long each call of a device's loop blocks, and how deep its stack goes: for the model of the benchmarks and for
//! that of a log with 200 kinds of event.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::{
    nor::{Nor, Ram},
    stack::depth,
    target::{Instructions, entry, fail},
    workload,
};
use rnnlm::{
    CheckpointError, Config, Error, Isa, LearnerRecord, Memory, OnlineLearner, SimpleRnnlm, TrainingState, TwoSlots,
    Xorshift,
};
use semihosting::println;
use static_cell::ConstStaticCell;

const LOG: Config = Config { vocab_size: 200, wordvec_size: 24, hidden_size: 48, batch_size: 1, time_size: 8 };
const MEMORY: Memory = match LOG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};
const SLOT: usize = 80 << 10;
/// Instructions of the longest slice of the smaller model.
const LIMIT: u32 = 75_000;

static WEIGHTS: ConstStaticCell<[f32; MEMORY.weights]> = ConstStaticCell::new([0.0; MEMORY.weights]);
static WORKSPACE: ConstStaticCell<[f32; MEMORY.workspace]> = ConstStaticCell::new([0.0; MEMORY.workspace]);
static PREDICTION: ConstStaticCell<[f32; MEMORY.prediction]> = ConstStaticCell::new([0.0; MEMORY.prediction]);
static IDS: ConstStaticCell<[u32; MEMORY.ids]> = ConstStaticCell::new([0; MEMORY.ids]);
static FLASH: ConstStaticCell<[u8; 2 * SLOT]> = ConstStaticCell::new([0; 2 * SLOT]);
static PAGE: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);

const SLICES: [&str; 5] = [
    "  slice: forward",
    "  slice: activations backward",
    "  slice: output layer",
    "  slice: recurrence",
    "  slice: word vectors, prediction",
];

struct Buffers {
    weights: &'static mut [f32],
    workspace: &'static mut [f32],
    prediction: &'static mut [f32],
    ids: &'static mut [u32],
    page: &'static mut [u8],
}

#[entry]
fn main() -> ! {
    let Some(mut timer) = Instructions::new() else { fail() };
    let (weights, workspace, prediction) = (WEIGHTS.take(), WORKSPACE.take(), PREDICTION.take());
    let mut buffers = Buffers { weights, workspace, prediction, ids: IDS.take(), page: PAGE.take() };
    let mut flash = Ram::new(FLASH.take());
    println!("instruction set: {}; instructions, bytes of stack", Isa::detect().name());
    let mut longest = [0; 2];
    for (config, longest) in [workload::CONFIG, LOG].into_iter().zip(&mut longest) {
        println!("{config:?}");
        match calls(&mut timer, config, &mut buffers, &mut flash) {
            Ok(found) => *longest = found,
            Err(error) => {
                println!("{}", error.as_str());
                fail()
            }
        }
    }
    let good = Isa::detect().name() == "portable" || longest[0] <= LIMIT;
    println!("{}", if good { "within the limits" } else { "BEYOND THE LIMITS" });
    semihosting::process::exit(i32::from(!good))
}

/// Prints what every call takes; gives the longest slice.
fn calls(
    timer: &mut Instructions,
    config: Config,
    buffers: &mut Buffers,
    flash: &mut Ram<{ 2 * SLOT }>,
) -> Result<u32, Error> {
    let Buffers { weights, workspace, prediction, ids, page } = buffers;
    let memory = config.memory()?;
    let (weights, workspace) = (&mut weights[..memory.weights], &mut workspace[..memory.workspace]);
    let (prediction, ids) = (&mut prediction[..memory.prediction], &mut ids[..memory.ids]);
    let len = LearnerRecord::encoded_len(config, 0)?;
    let mut slots = TwoSlots::new(Nor(flash, || ()), SLOT);
    {
        let mut model = SimpleRnnlm::with_buffers(config, &mut weights[..], &mut workspace[..])?;
        model.initialize(&mut Xorshift::new(1));
        let mut learner = OnlineLearner::with_buffers(model, 0.1, &mut prediction[..], &mut ids[..])?;
        learner.observe(3)?;
        both(timer, "observe, no step due", &mut || used(learner.observe(black_box(4))));
        let mut id = 0;
        let mut until_full = |learner: &mut OnlineLearner<_, _, _, _>| {
            while learner.pending().count() < config.time_size {
                id = (id * 5 + 3) % 64;
                learner.read(id).map(drop)?;
            }
            Ok::<(), Error>(())
        };
        until_full(&mut learner)?;
        let stack = depth(&mut || used(learner.observe(black_box(5))));
        until_full(&mut learner)?;
        line("observe with its step", timer.count(|| used(learner.observe(black_box(6)))), stack);
        let mut slices = [(0, 0); 5];
        for counts in [false, true] {
            until_full(&mut learner)?;
            learner.read(7)?;
            for (count, stack) in &mut slices {
                if counts {
                    *count = timer.count(|| used(learner.learn_slice()));
                } else {
                    *stack = depth(&mut || used(learner.learn_slice()));
                }
            }
        }
        SLICES.into_iter().zip(slices).for_each(|(name, (count, stack))| line(name, count, stack));
        let state = TrainingState::default();
        both(timer, "LearnerRecord::write_with, pages of 256", &mut || {
            let done = LearnerRecord::write_with(&learner, &state, "", page, |page| {
                black_box(page);
                Ok::<(), CheckpointError>(())
            });
            used(done);
        });
        both(timer, "TwoSlots::save_with of it", &mut || {
            let done = slots.save_with(len, |record| {
                LearnerRecord::write_with(&learner, &state, "", page, |page| record.write(page))
            });
            used(done);
        });
        let longest = slices.iter().map(|(count, _)| *count).max().unwrap_or_default();
        both(timer, "TwoSlots::find", &mut || used(slots.find()));
        let Ok((address, len)) = slots.find() else { fail() };
        let Nor(flash, _) = slots.into_device();
        let record = flash.bytes().get(address..address + len).unwrap_or_default();
        both(timer, "LearnerRecord::read", &mut || used(LearnerRecord::read(black_box(record))));
        both(timer, "LearnerRecord::read_verified", &mut || {
            used(LearnerRecord::read_verified(black_box(record)));
        });
        drop(learner);
        let record = LearnerRecord::read(record)?;
        both(timer, "LearnerRecord::resume", &mut || {
            let model = SimpleRnnlm::with_buffers(config, &mut weights[..], &mut workspace[..]);
            let learner = model.map(|model| record.resume(model, &mut prediction[..], &mut ids[..]).map(drop));
            black_box(learner.is_ok());
        });
        Ok(longest)
    }
}

/// Whatever came of it, the work was done.
fn used<T>(result: T) {
    black_box(result);
}

/// Work that can be done twice.
fn both(timer: &mut Instructions, what: &str, work: &mut dyn FnMut()) {
    let stack = depth(work);
    line(what, timer.count(work), stack);
}

fn line(what: &str, count: u32, stack: usize) {
    println!("{what:40} {count:9} {stack:6}");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
