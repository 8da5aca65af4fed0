//! Compares this target's bits with the desktop's: the hash of the trained weights, and of the kernels at their edges.
#![no_std]
#![no_main]

use firmware::{
    model::{Static, model},
    target::{entry, fail},
    workload::{GOLDEN, RATE, SEEDS, hash, window},
};
use rnnlm::{Isa, Xorshift};
use semihosting::println;

#[path = "../../../../tests/edges/mod.rs"]
mod edges;

static MEMORY: Static<[f32; edges::MEMORY]> = Static::new([0.0; edges::MEMORY]);

#[entry]
fn main() -> ! {
    let isa = Isa::detect();
    println!("instruction set: {}", isa.name());
    // SAFETY: called once.
    let mut model = unsafe { model() }.unwrap();
    model.initialize(&mut Xorshift::new(SEEDS[0]));
    let (mut rng, mut step, mut good) = (Xorshift::new(SEEDS[1]), 0, true);
    for (steps, golden) in GOLDEN {
        // the software fma takes minutes for 10,000
        if steps > 200 && isa.name() == "portable" {
            println!("{steps} steps: left out without a hardware fma");
            continue;
        }
        while step < steps {
            let (xs, ts) = window(&mut rng);
            model.forward(&xs, &ts).unwrap().sgd(RATE).unwrap();
            step += 1;
        }
        let found = hash(&model);
        good &= found == golden;
        println!("{steps} steps: {found:016x}, desktop {golden:016x}");
    }
    // SAFETY: called once.
    let found = edges::hash(isa, unsafe { MEMORY.take() });
    good &= found == edges::GOLDEN;
    println!("edges: {found:016x}, desktop {:016x}", edges::GOLDEN);
    println!("{}", if good { "the same bits" } else { "THE BITS DIFFER" });
    semihosting::process::exit(i32::from(!good))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
