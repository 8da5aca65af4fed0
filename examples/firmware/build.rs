//! What the desktop does for the firmware: it trains a model to go on with, and learns from the same events without a
//! break, for the hash that a device must arrive at.

use std::{env, error::Error, fs, path::Path};

use rnnlm::{Checkpoint, OnlineLearner, Quantized, QuantizedPredictor, SimpleRnnlm, TrainingState, Xorshift};

#[path = "src/int8.rs"]
mod int8;
#[allow(dead_code)]
#[path = "src/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "src/workload.rs"]
mod workload;
use machine::{EVENTS, Machine};
use workload::{CONFIG, RATE, SEEDS, STEPS_ON_THE_DESKTOP, window};

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "src/workload.rs", "src/machine.rs", "src/int8.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rustc-env=OPT_LEVEL={}", env::var("OPT_LEVEL")?);
    let folder = env::var("OUT_DIR")?;
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(SEEDS[0]))?;
    let mut rng = Xorshift::new(SEEDS[1]);
    for _ in 0..STEPS_ON_THE_DESKTOP {
        let (xs, ts) = window(&mut rng);
        model.forward(&xs, &ts)?.sgd(RATE)?;
    }
    let mut state = TrainingState { learning_rate: RATE, iteration: STEPS_ON_THE_DESKTOP as u64, ..Default::default() };
    state.rng = rng.state();
    let mut file = vec![0; Checkpoint::encoded_len(CONFIG, 0)?];
    Checkpoint::write(&model, &state, "", &mut file)?;
    fs::write(Path::new(&folder).join("model.safetensors"), file)?;
    fs::write(
        Path::new(&folder).join("hashes.rs"),
        format!("[{:#x}, {:#x}]", learned(EVENTS[0])?, learned(EVENTS[1])?),
    )?;
    quantize(&model, "events.int8.safetensors", "INT8_EVENTS")?;
    quantize(&SimpleRnnlm::new(int8::ODD, &mut Xorshift::new(2))?, "odd.int8.safetensors", "INT8_ODD")?;
    // that it fits is what is shown: nobody trained it
    quantize(&SimpleRnnlm::new(int8::WORDS, &mut Xorshift::new(1))?, "words.int8.safetensors", "INT8_WORDS")
}

/// Writes a model as int8 weights, and tells the firmware what the bits of its predictions are.
fn quantize(model: &SimpleRnnlm, name: &str, variable: &str) -> Result<(), Box<dyn Error>> {
    let mut file = vec![0; Quantized::encoded_len(model.config(), 0)?];
    Quantized::write(&model.weights(), "", &mut file)?;
    let bits = int8::bits(&mut QuantizedPredictor::new(Quantized::read(&file)?)?);
    println!("cargo::rustc-env={variable}={bits}");
    fs::write(Path::new(&env::var("OUT_DIR")?).join(name), file)?;
    Ok(())
}

/// The hash of a learner that never stops.
fn learned(events: u64) -> Result<u64, Box<dyn Error>> {
    let mut model = SimpleRnnlm::new(machine::CONFIG, &mut Xorshift::new(1))?;
    machine::initialize(&mut model);
    let mut learner = OnlineLearner::new(model, machine::rate(0))?;
    let mut machine = Machine::new();
    for position in 0..events {
        learner.set_learning_rate(machine::rate(position))?;
        learner.observe(machine.next_event())?;
    }
    Ok(machine::hash(&learner))
}
