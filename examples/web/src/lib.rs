//! What the page calls: plain exports over numbers and one buffer in each direction.
//!
//! JavaScript writes bytes where `input` says, calls, and reads what `output` says. A call that can fail gives a number
//! that is 0 where it didn't; otherwise the output is a message.

#[allow(dead_code, reason = "its perplexity is not shown")]
#[path = "../../ptb/grammar.rs"]
mod grammar;
pub mod lab;
pub mod machine;
#[path = "../../shared/runs.rs"]
pub mod runs;

use std::cell::RefCell;

use lab::Lab;
use machine::Machine;
use rnnlm::Isa;
use runs::{RUNS, Running, hash};

/// All that lives between calls.
#[derive(Default)]
struct Page {
    input: Vec<u8>,
    output: Vec<u8>,
    lab: Option<Lab>,
    machine: Option<Machine>,
    running: Option<Running>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

fn with<R>(call: impl FnOnce(&mut Page) -> R) -> R {
    PAGE.with_borrow_mut(call)
}

impl Page {
    /// 0, or 1 with a message as the output.
    fn told(&mut self, result: Result<(), String>) -> u32 {
        match result {
            Ok(()) => 0,
            Err(message) => {
                self.output = message.into_bytes();
                1
            }
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.input).unwrap_or_default()
    }
}

/// Room for so many bytes of input.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    with(|page| {
        page.input.clear();
        page.input.resize(len, 0);
        page.input.as_mut_ptr()
    })
}

/// Where the last output stands.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    with(|page| page.output.as_ptr())
}

#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn output_len() -> usize {
    with(|page| page.output.len())
}

/// A fresh model for a text: 0 the built-in one, 1 the book's sentence, 2 the input.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn start(which: u32) -> u32 {
    with(|page| {
        let lab = match which {
            0 => Lab::built_in(),
            1 => Lab::sentence(),
            _ => Lab::own(page.text()),
        };
        let result = lab.map(|lab| page.lab = Some(lab));
        page.told(result)
    })
}

/// The model of a safetensors file, the input, goes on with the text at hand.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn open() -> u32 {
    with(|page| {
        let result = Lab::open(&page.input, page.lab.as_ref()).map(|lab| page.lab = Some(lab));
        page.told(result)
    })
}

/// The model as a safetensors file.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn save() -> u32 {
    with(|page| {
        let file = page.lab.as_ref().map(Lab::save);
        let result = file.unwrap_or_else(|| Err("no model yet".into())).map(|file| page.output = file);
        page.told(result)
    })
}

/// Trains so many steps: their mean loss, NaN with a message where one failed.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn train(steps: u32) -> f64 {
    with(|page| match page.lab.as_mut().map(|lab| lab.train(steps)) {
        Some(Ok(loss)) => loss,
        Some(Err(message)) => {
            page.output = message.into_bytes();
            f64::NAN
        }
        None => f64::NAN,
    })
}

/// V, D, H, N, T, tokens, steps of an epoch, parameters, epochs and steps done: ten u32.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn facts() {
    with(|page| {
        let facts = page.lab.as_ref().map(Lab::facts).unwrap_or_default();
        page.output = facts.iter().flat_map(|fact| fact.to_le_bytes()).collect();
    });
}

/// What follows the input: five f32, then five words, one a line.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn next_words() -> u32 {
    with(|page| {
        let found = page.lab.as_ref().map(|lab| lab.next_words(page.text()));
        let result = found.unwrap_or_else(|| Err("no model yet".into())).map(|found| page.output = found);
        page.told(result)
    })
}

/// The input continued by so many words, drawn by their probability.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn go_on(words: u32, seed: u32) -> u32 {
    with(|page| {
        let found = page.lab.as_ref().map(|lab| lab.go_on(page.text(), words, seed));
        let result = found.unwrap_or_else(|| Err("no model yet".into())).map(|text| page.output = text.into_bytes());
        page.told(result)
    })
}

/// FNV-1a of the weights and the hidden state.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn weights_hash() -> u64 {
    with(|page| page.lab.as_ref().map_or(0, |lab| hash(lab.model())))
}

/// One event of the machine: its surprise in nats, the threshold, which event it was (64 more where it was injected):
/// three f32. `inject` events are strange from here on.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn event(inject: u32) -> u32 {
    with(|page| {
        if page.machine.is_none() {
            match Machine::new() {
                Ok(machine) => page.machine = Some(machine),
                Err(message) => return page.told(Err(message)),
            }
        }
        let Some(machine) = &mut page.machine else { return 1 };
        let result = machine.next(inject).map(|seen| {
            page.output = seen.iter().flat_map(|x| x.to_le_bytes()).collect();
        });
        page.told(result)
    })
}

/// Sets out on a run of [`RUNS`]; gives the number of its steps, 0 where there is none. Its instruction set is the
/// fastest one, or `portable`.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn run(which: usize, portable: u32) -> u32 {
    let isa = if portable == 0 { Isa::detect() } else { Isa::SCALAR };
    with(|page| {
        let run = RUNS.get(which);
        page.running = run.and_then(|run| Running::new(run, isa).ok());
        run.map_or(0, |run| run.steps)
    })
}

/// So many steps of it; the hash of its weights then.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn run_on(steps: u32) -> u64 {
    with(|page| {
        let Some(running) = &mut page.running else { return 0 };
        for _ in 0..steps {
            if running.step().is_err() {
                return 0;
            }
        }
        hash(&running.model)
    })
}

/// The hash that the desktop's run ends with.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn desktop_hash(which: usize) -> u64 {
    RUNS.get(which).map_or(0, |run| run.hash)
}
