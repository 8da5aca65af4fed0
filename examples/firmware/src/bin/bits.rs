//! Compares this target's bits with the desktop's: the hash of the trained weights, and of the kernels at their edges.
#![no_std]
#![no_main]

use core::fmt::{self, Write};

use firmware::{
    model::{GOLDEN, MEMORY, model},
    target::{entry, fail},
    workload::{RATE, SEEDS, hash, hash_of_predictions, window},
};
use rnnlm::{Isa, Predictor, Xorshift};
use semihosting::println;
use static_cell::ConstStaticCell;

#[path = "../../../../tests/common/edges.rs"]
mod edges;

static FOR_EDGES: ConstStaticCell<[f32; edges::MEMORY]> = ConstStaticCell::new([0.0; edges::MEMORY]);

/// How many instruction sets of this machine a message names.
#[derive(Default)]
struct Named(usize);

impl Write for Named {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0 += usize::from(Isa::by_name(piece).is_ok());
        Ok(())
    }
}

/// Whether an error tells the names that are here: on a Cortex-M with an FPU "portable" is none.
fn advises_what_is_here() -> bool {
    ["avx2", "portable", "cortex-m", "abacus"].iter().filter_map(|name| Isa::by_name(name).err()).all(|error| {
        let mut named = Named::default();
        write!(named, "{error}").is_ok() && named.0 == Isa::available().count()
    })
}

#[entry]
fn main() -> ! {
    let isa = Isa::detect();
    println!("instruction set: {}", isa.name());
    let mut good = advises_what_is_here();
    let mut model = model().unwrap();
    model.initialize(&mut Xorshift::new(SEEDS[0]));
    let (mut rng, mut step) = (Xorshift::new(SEEDS[1]), 0);
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
        if steps == GOLDEN[0].0 {
            let mut predictor = Predictor::with_buffers(model.weights(), [0.0; MEMORY.prediction]).unwrap();
            let found = hash_of_predictions(&mut predictor).unwrap();
            let golden = env!("PREDICTIONS").parse().unwrap();
            good &= found == golden;
            println!("predictions: {found:016x}, desktop {golden:016x}");
        }
    }
    let memory = FOR_EDGES.take();
    let found = [edges::hash(isa, memory), edges::columns(isa, memory), edges::sigmoids(isa, memory)];
    let golden = [edges::GOLDEN, edges::COLUMNS, edges::SIGMOIDS];
    good &= found == golden;
    println!("edges: {found:016x?}, desktop {golden:016x?}");
    if !advises_what_is_here() {
        println!("errors name instruction sets that are not here");
    }
    println!("{}", if good { "the same bits" } else { "THE BITS DIFFER" });
    semihosting::process::exit(i32::from(!good))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
