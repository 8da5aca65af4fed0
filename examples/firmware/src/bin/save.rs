//! What it takes to save a model that trains: a page of the caller's and stack, not the file once more. The model is
//! that of a log with 200 kinds of event; the file goes to flash of an `embedded-storage` driver.
#![no_std]
#![no_main]

use firmware::{
    nor::{Nor, Ram},
    stack::depth,
    target::{entry, fail},
};
use rnnlm::{Checkpoint, Config, Memory, SimpleRnnlm, TrainingState, TwoSlots, Xorshift};
use semihosting::println;
use static_cell::ConstStaticCell;

const CONFIG: Config = Config { vocab_size: 200, wordvec_size: 24, hidden_size: 48, batch_size: 1, time_size: 8 };
const MEMORY: Memory = match CONFIG.memory() {
    Ok(memory) => memory,
    Err(_) => panic!("bad sizes"),
};
const LEN: usize = match Checkpoint::encoded_len(CONFIG, 0) {
    Ok(len) => len,
    Err(_) => panic!("bad sizes"),
};
const SLOT: usize = 80 << 10;
const PAGE: usize = 256;
/// Page and stack beyond those of training.
const LIMIT: usize = 4096;

static WEIGHTS: ConstStaticCell<[f32; MEMORY.weights]> = ConstStaticCell::new([0.0; MEMORY.weights]);
static WORKSPACE: ConstStaticCell<[f32; MEMORY.workspace]> = ConstStaticCell::new([0.0; MEMORY.workspace]);
static FLASH: ConstStaticCell<[u8; 2 * SLOT]> = ConstStaticCell::new([0; 2 * SLOT]);
static PAGES: ConstStaticCell<[u8; PAGE]> = ConstStaticCell::new([0; PAGE]);

#[entry]
fn main() -> ! {
    let (weights, workspace, flash, page) = (WEIGHTS.take(), WORKSPACE.take(), FLASH.take(), PAGES.take());
    let mut model = SimpleRnnlm::with_buffers(CONFIG, &mut weights[..], &mut workspace[..]).unwrap();
    model.initialize(&mut Xorshift::new(1));
    let ids = [1, 2, 3, 4, 5, 6, 7, 8];
    let training = depth(&mut || {
        model.forward(&ids, &ids).and_then(|window| window.sgd(0.1)).unwrap();
    });
    let mut slots = TwoSlots::new(Nor(Ram::new(flash), || ()), SLOT);
    let mut saved = false;
    let saving = depth(&mut || {
        let state = TrainingState::default();
        let done =
            slots.save_with(LEN, |record| Checkpoint::write_with(&model, &state, "", page, |page| record.write(page)));
        saved = matches!(done, Ok(LEN));
    });
    let found = slots.find().map(|(_, len)| len);
    let memory = MEMORY.bytes();
    println!("{CONFIG:?}: to train {memory} bytes and {training} of stack");
    println!("to save {LEN} bytes of file: a page of {PAGE} and {saving} of stack");
    let extra = PAGE + saving.saturating_sub(training);
    let good = saved && matches!(found, Ok(LEN)) && extra <= LIMIT;
    println!("saving takes {extra} bytes more than training: {}", if good { "within the limit" } else { "BEYOND" });
    semihosting::process::exit(i32::from(!good))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    fail()
}
