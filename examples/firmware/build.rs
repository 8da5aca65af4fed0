//! What the desktop does for the firmware: it trains a model to go on with, and learns from the same events without a
//! break, for the hash that a device must arrive at.

use std::{env, error::Error, fs, path::Path};

use rnnlm::{Checkpoint, OnlineLearner, SimpleRnnlm, TrainingState, Xorshift};

#[allow(dead_code)]
#[path = "src/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "src/workload.rs"]
mod workload;
use machine::{EVENTS, Machine};
use workload::{CONFIG, RATE, SEEDS, STEPS_ON_THE_DESKTOP, window};

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "src/workload.rs", "src/machine.rs"] {
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
