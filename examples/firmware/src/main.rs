//! A microcontroller that learns to predict its own events, and goes on with what the desktop began.
#![no_std]
#![no_main]

use firmware::{
    model::{MEMORY, Static, WEIGHTS, WORKSPACE},
    target::{entry, fail},
    workload::{CONFIG, GOLDEN, WINDOW, hash, window},
};
use rnnlm::{Candidate, Checkpoint, Isa, Predictor, SimpleRnnlm, Xorshift, perplexity, top};
use semihosting::println;

/// A machine with 64 kinds of events: after each comes one of three, in seven, two and one of ten cases.
struct Machine {
    rng: Xorshift,
    event: u32,
}

/// e to the entropy of the next event: 0.7^-0.7 * 0.2^-0.2 * 0.1^-0.1.
const TRUE_PERPLEXITY: f32 = 2.2297;

impl Machine {
    /// What may come after an event, the likeliest first.
    fn successors(event: u32) -> [u32; 3] {
        [event * 5 + 3, event + 1, event + 32].map(|next| next % CONFIG.vocab_size as u32)
    }

    fn next(&mut self) -> u32 {
        let [often, sometimes, rarely] = Self::successors(self.event);
        self.event = match self.rng.below(10) {
            0..7 => often,
            7..9 => sometimes,
            _ => rarely,
        };
        self.event
    }
}

/// A file of the desktop; its floats can be read in place because it is aligned.
#[repr(align(8))]
struct Aligned<T: ?Sized>(T);
static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/model.safetensors")));

static PREDICTION: Static<[f32; MEMORY.prediction]> = Static::new([0.0; MEMORY.prediction]);

#[entry]
fn main() -> ! {
    println!("instruction set: {}", Isa::detect().name());
    // SAFETY: called once.
    let (weights, workspace, prediction) = unsafe { (WEIGHTS.take(), WORKSPACE.take(), PREDICTION.take()) };
    let mut model = SimpleRnnlm::with_buffers(CONFIG, &mut weights[..], &mut workspace[..]).unwrap();

    println!("\nlearning from events as they come; nothing can do better than a perplexity of {TRUE_PERPLEXITY:.2}");
    model.initialize(&mut Xorshift::new(1));
    let mut machine = Machine { rng: Xorshift::new(2), event: 0 };
    // without an FPU, enough to see that it learns
    let (blocks, steps) = if Isa::detect().name() == "portable" { (4, 50) } else { (10, 1000) };
    for block in 1..=blocks {
        // the smaller the rate, the closer the end
        let rate = if 10 * block <= 6 * blocks { 0.1 } else { 0.02 };
        let mut losses = 0.0;
        for _ in 0..steps {
            let (mut xs, mut ts) = ([0; WINDOW], [0; WINDOW]);
            for (x, t) in xs.iter_mut().zip(&mut ts) {
                (*x, *t) = (machine.event, machine.next());
            }
            losses += model.forward(&xs, &ts).unwrap().sgd(rate).unwrap();
        }
        println!("after {:5} steps: perplexity {:.2}", block * steps, perplexity(losses / steps as f32));
    }

    println!("\nwhat comes next? (true: 70%, 20%, 10%)");
    let mut predictor = Predictor::with_buffers(model.weights(), &mut prediction[..]).unwrap();
    predictor.set_state(model.state()).unwrap();
    for _ in 0..5 {
        let event = machine.next();
        let probabilities = predictor.feed(event).unwrap();
        let mut three = [Candidate::default(); 3];
        let [a, b, c] = *top(probabilities, &[], &mut three) else { fail() };
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

    println!("\ngoing on with a model of the desktop, {} bytes in flash", FILE.0.len());
    let checkpoint = Checkpoint::read(&FILE.0).unwrap();
    let weights = checkpoint.weights().unwrap();
    let mut predictor = Predictor::with_buffers(weights, &mut prediction[..]).unwrap();
    let likeliest = top(predictor.feed(7).unwrap(), &[], &mut [Candidate::default()]).first().copied().unwrap();
    println!("in place, without a copy: after 7 comes {} ({:.0}%)", likeliest.id, 100.0 * likeliest.probability);
    checkpoint.load(&mut model).unwrap();
    let state = checkpoint.training().unwrap();
    let mut rng = Xorshift::from_state(state.rng);
    let [_, (steps, golden)] = GOLDEN;
    let first = state.iteration as usize;
    if Isa::detect().name() == "portable" {
        println!("{first} steps: {:016x}", hash(&model));
        semihosting::process::exit(0)
    }
    for _ in first..steps {
        let (xs, ts) = window(&mut rng);
        model.forward(&xs, &ts).unwrap().sgd(state.learning_rate).unwrap();
    }
    let found = hash(&model);
    println!("{first} steps there, {} here: {found:016x}, desktop {golden:016x}", steps - first);
    semihosting::process::exit(i32::from(found != golden))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
