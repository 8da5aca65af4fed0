//! A microcontroller that learns to foresee its own events, saves what it has learned, and goes on after its power
//! failed at any moment, with the bits of a desktop that never stopped.
#![no_std]
#![no_main]

use core::{cell::Cell, mem};

use firmware::{
    machine::{self, BLOCK, EVENTS, Machine, TRUE_PERPLEXITY},
    model::{CONFIG, GOLDEN, MEMORY, ModelCell, WEIGHTS, WORKSPACE},
    nor::{Nor, Ram},
    target::{Instructions, entry, fail},
    workload::{hash, window},
};
use rnnlm::{
    Candidate, Checkpoint, Error, Isa, LearnerRecord, Model, OnlineLearner, Predictor, SlotError, TrainingState,
    TwoSlots, Xorshift, perplexity, top,
};
use semihosting::println;
use static_cell::ConstStaticCell;

/// A file of the desktop; its floats can be read in place because it is aligned.
#[repr(align(8))]
struct Aligned<T: ?Sized>(T);
static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), env!("TRAINED_MODEL"))));

/// What the desktop arrives at without a break, with an FPU's events and with the others.
const UNBROKEN: [u64; 2] = include!(concat!(env!("OUT_DIR"), "/hashes.rs"));

/// A learner's record, and slots that take three of them each, of an LSTM one.
const LEN: usize = match LearnerRecord::<ModelCell>::encoded_len_as(CONFIG, 0) {
    Ok(len) => len,
    Err(_) => panic!("bad sizes"),
};
const SLOT: usize = 64 << 10;
/// Instructions of the longest slice: the forward pass, or that of the activations.
const LONGEST: u32 = if cfg!(feature = "lstm") { 180_000 } else { 80_000 };
/// It saves after so many events.
const EVENTS_PER_SAVE: u64 = 200;

static PREDICTION: ConstStaticCell<[f32; MEMORY.prediction]> = ConstStaticCell::new([0.0; MEMORY.prediction]);
static IDS: ConstStaticCell<[u32; MEMORY.ids]> = ConstStaticCell::new([0; MEMORY.ids]);
static FLASH: ConstStaticCell<[u8; 2 * SLOT]> = ConstStaticCell::new([0; 2 * SLOT]);
static PAGE: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);

/// RAM: what is in it is lost with the power.
struct Memory {
    weights: &'static mut [f32; MEMORY.weights],
    workspace: &'static mut [f32; MEMORY.workspace],
    prediction: &'static mut [f32; MEMORY.prediction],
    ids: &'static mut [u32; MEMORY.ids],
    page: &'static mut [u8; 256],
}

/// What a learner lives in.
struct Buffers<'m> {
    weights: &'m mut [f32],
    workspace: &'m mut [f32],
    prediction: &'m mut [f32],
    ids: &'m mut [u32],
}

type Learner<'m> = OnlineLearner<&'m mut [f32], &'m mut [f32], &'m mut [f32], &'m mut [u32], ModelCell>;
type Flash = Ram<{ 2 * SLOT }>;

/// In place of one that resets the chip: notes the longest time in which it wasn't fed.
struct Watchdog {
    timer: Instructions,
    fed: Cell<u32>,
    longest: Cell<u32>,
}

impl Watchdog {
    fn new(timer: Instructions) -> Self {
        Self { fed: Cell::new(timer.now()), timer, longest: Cell::new(0) }
    }

    /// What went before it doesn't count.
    fn start(&self) {
        self.fed.set(self.timer.now());
    }

    fn feed(&self) {
        let before = self.fed.replace(self.timer.now());
        self.longest.set(self.longest.get().max(self.timer.since(before)));
    }
}

/// What the device is told when the power fails, and how often it did what.
struct Power {
    rng: Xorshift,
    cuts: u32,
    amid_steps: u32,
    saves: u32,
}

#[entry]
fn main() -> ! {
    println!("instruction set: {}", Isa::detect().name());
    let Some(timer) = Instructions::new() else { fail() };
    let watchdog = Watchdog::new(timer);
    let mut memory = Memory {
        weights: WEIGHTS.take(),
        workspace: WORKSPACE.take(),
        prediction: PREDICTION.take(),
        ids: IDS.take(),
        page: PAGE.take(),
    };
    let is_slow = Isa::detect().name() == "portable";
    let (events, unbroken) = if is_slow { (EVENTS[1], UNBROKEN[1]) } else { (EVENTS[0], UNBROKEN[0]) };

    println!("\nlearning from events as they come; nothing can do better than a perplexity of {TRUE_PERPLEXITY:.2}");
    let mut flash = Ram::new(FLASH.take());
    let mut power = Power { rng: Xorshift::new(5), cuts: 0, amid_steps: 0, saves: 0 };
    let found = loop {
        match live(&mut memory, &mut flash, &watchdog, &mut power, events) {
            Ok(Some(hash)) => break hash,
            // off, and on again
            Ok(None) => flash.set_power(usize::MAX),
            Err(error) => {
                println!("error {}: {}", error.code(), error.as_str());
                fail()
            }
        }
    };
    let Power { cuts, amid_steps, saves, .. } = power;
    println!("{cuts} power cuts, {amid_steps} of them amid a step; {saves} saves");
    println!("{events} events: {found:016x}, a desktop that never stopped {unbroken:016x}");
    let is_same = found == unbroken;
    if !is_slow {
        println!("the watchdog waited for {} instructions at most", watchdog.longest.get());
    }
    let is_content = is_slow || watchdog.longest.get() < LONGEST;
    let went_on = matches!(go_on_from_the_desktop(&mut memory, is_slow), Ok(true));
    semihosting::process::exit(i32::from(!(is_same && is_content && went_on)))
}

/// From power-on to the last event, whose hash it gives, or until the power fails.
fn live(
    memory: &mut Memory,
    flash: &mut Flash,
    watchdog: &Watchdog,
    power: &mut Power,
    events: u64,
) -> Result<Option<u64>, Error> {
    let Memory { weights, workspace, prediction, ids, page } = memory;
    // whatever RAM holds when the power comes
    weights.fill(f32::NAN);
    workspace.fill(f32::NAN);
    prediction.fill(f32::NAN);
    ids.fill(77);
    let (weights, workspace) = (&mut weights[..], &mut workspace[..]);
    let memory = Buffers { weights, workspace, prediction: &mut prediction[..], ids: &mut ids[..] };
    watchdog.start();
    let mut slots = TwoSlots::with_records(Nor(flash, || watchdog.feed()), SLOT, LEN);
    let saved = slots.find();
    // the device sees its flash in its address space
    let Nor(flash, _) = slots.into_device();
    let saved = saved.ok().and_then(|(address, len)| flash.bytes().get(address..address + len));
    let (mut learner, mut state) = boot(memory, saved)?;
    let mut machine = if state.position == 0 { Machine::new() } else { Machine::resume(&state) };
    let mut slots = TwoSlots::with_records(Nor(flash, || watchdog.feed()), SLOT, LEN);
    let mut must_save = false;
    watchdog.start();
    while state.position < events || learner.step_is_due() {
        watchdog.feed();
        if power.rng.below(2_000) == 0 {
            (power.cuts, power.amid_steps) = (power.cuts + 1, power.amid_steps + u32::from(learner.step_is_due()));
            return Ok(None);
        }
        if learner.step_is_due() {
            learner.learn_slice()?;
            continue;
        }
        if must_save {
            power.saves += 1;
            machine.save(&mut state);
            let saved = slots.save_with(LEN, |record| {
                LearnerRecord::write_with(&learner, &state, "", &mut page[..], |bytes| record.write(bytes))
            });
            match saved {
                Ok(_) => {}
                Err(SlotError::Checkpoint(error)) => return Err(error.into()),
                Err(_) => {
                    power.cuts += 1;
                    return Ok(None);
                }
            }
        }
        learner.set_learning_rate(machine::rate(state.position))?;
        if let Some(score) = learner.read(machine.next_event())? {
            state.losses[0] += score.loss;
        }
        state.position += 1;
        must_save = state.position.is_multiple_of(EVENTS_PER_SAVE);
        if state.position.is_multiple_of(BLOCK) {
            let loss = mem::take(&mut state.losses[0]) / BLOCK as f32;
            println!("after {:5} events: perplexity {:.2}", state.position, perplexity(loss));
        }
        if must_save && power.rng.below(4) == 0 {
            // it will fail while this is saved
            let device = slots.into_device();
            device.0.set_power(1 + power.rng.below(1_500) as usize);
            slots = TwoSlots::with_records(device, SLOT, LEN);
        }
    }
    let hash = machine::hash(&learner);
    what_comes_next(&mut learner, &mut machine)?;
    Ok(Some(hash))
}

/// The learner that was saved, or a new one.
fn boot<'m>(memory: Buffers<'m>, saved: Option<&[u8]>) -> Result<(Learner<'m>, TrainingState), Error> {
    let Buffers { weights, workspace, prediction, ids } = memory;
    let mut model = Model::with_buffers(CONFIG, weights, workspace)?;
    if let Some(record) = saved {
        // its checksum was right just now
        let record = LearnerRecord::<ModelCell>::read_verified_as(record)?;
        let state = record.checkpoint().training().unwrap_or_default();
        return Ok((record.resume(model, prediction, ids)?, state));
    }
    machine::initialize(&mut model);
    let learner = OnlineLearner::with_buffers(model, machine::rate(0), prediction, ids)?;
    Ok((learner, TrainingState::default()))
}

/// It predicts without learning.
fn what_comes_next(learner: &mut Learner<'_>, machine: &mut Machine) -> Result<(), Error> {
    println!("\nwhat comes next? (true: 70%, 20%, 10%)");
    learner.set_frozen(true);
    for _ in 0..5 {
        let event = machine.next_event();
        learner.observe(event)?;
        let mut three = [Candidate::default(); 3];
        let [a, b, c] = *top(learner.probabilities(), &[], &mut three) else { fail() };
        let [often, sometimes, rarely] = Machine::successors(event);
        println!(
            "after {event:2}: {:2} {:2.0}%  {:2} {:2.0}%  {:2} {:2.0}%   true: {often:2} {sometimes:2} {rarely:2}",
            a.id,
            100.0 * a.probability,
            b.id,
            100.0 * b.probability,
            c.id,
            100.0 * c.probability
        );
    }
    println!();
    Ok(())
}

/// Predicts from a file in flash, then goes on training it; whether it arrives where the desktop does.
fn go_on_from_the_desktop(memory: &mut Memory, is_slow: bool) -> Result<bool, Error> {
    println!("\ngoing on with a model of the desktop, {} bytes in flash", FILE.0.len());
    let checkpoint = Checkpoint::<ModelCell>::read_as(&FILE.0)?;
    let Some(weights) = checkpoint.weights() else { return Ok(false) };
    let mut predictor = Predictor::with_buffers(weights, &mut memory.prediction[..])?;
    let likeliest = top(predictor.feed(7)?, &[], &mut [Candidate::default()]).first().copied().unwrap_or_default();
    println!("in place, without a copy: after 7 comes {} ({:.0}%)", likeliest.id, 100.0 * likeliest.probability);
    let mut model = Model::with_buffers(CONFIG, &mut memory.weights[..], &mut memory.workspace[..])?;
    checkpoint.load(&mut model)?;
    let state = checkpoint.training().unwrap_or_default();
    let mut rng = Xorshift::from_state(state.rng);
    let [_, (steps, golden)] = GOLDEN;
    let first = state.iteration as usize;
    if is_slow {
        println!("{first} steps: {:016x}", hash(&model));
        return Ok(true);
    }
    for _ in first..steps {
        let (xs, ts) = window(&mut rng);
        model.forward(&xs, &ts)?.sgd(state.learning_rate)?;
    }
    let found = hash(&model);
    println!("{first} steps there, {} here: {found:016x}, desktop {golden:016x}", steps - first);
    Ok(found == golden)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
