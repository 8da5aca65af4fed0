//! What the desktop does for the firmware: it trains a model to go on with, and learns from the same events without a
//! break, for the hash that a device must arrive at.

use std::{env, error::Error, fs, path::Path};

#[cfg(feature = "lstm")]
use rnnlm::LstmCell as ModelCell;
#[cfg(not(feature = "lstm"))]
use rnnlm::TanhCell as ModelCell;
use rnnlm::{Cell, Checkpoint, Model, OnlineLearner, Quantized, QuantizedPredictor, TrainingState, Xorshift};

#[path = "src/int8.rs"]
mod int8;
#[allow(dead_code)]
#[path = "src/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "src/workload.rs"]
mod workload;
use machine::{EVENTS, Machine};
use workload::{CONFIG, GOLDEN, RATE, SEEDS, STEPS_ON_THE_DESKTOP, hash_of_predictions, window};

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "src/workload.rs", "src/machine.rs", "src/int8.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rustc-env=OPT_LEVEL={}", env::var("OPT_LEVEL")?);
    let name = if cfg!(feature = "lstm") { "lstm.safetensors" } else { "model.safetensors" };
    let model = trained(name)?;
    println!("cargo::rustc-env=TRAINED_MODEL=/{name}");
    let (early, _) = after::<ModelCell>(GOLDEN[0].0)?;
    println!("cargo::rustc-env=PREDICTIONS={}", hash_of_predictions(&mut early.predictor()?)?);
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join("hashes.rs"),
        format!("[{:#x}, {:#x}]", learned(EVENTS[0])?, learned(EVENTS[1])?),
    )?;
    quantize(&model, "events.int8.safetensors", "INT8_EVENTS")?;
    quantize(&Model::new(int8::ODD, &mut Xorshift::new(2))?, "odd.int8.safetensors", "INT8_ODD")?;
    // that it fits is what is shown: nobody trained it
    quantize(&Model::new(int8::WORDS, &mut Xorshift::new(1))?, "words.int8.safetensors", "INT8_WORDS")
}

/// A model after so many steps of the workload, and where its windows stand.
fn after<C: Cell>(steps: usize) -> Result<(Model<C>, Xorshift), Box<dyn Error>> {
    let mut model = Model::new(CONFIG, &mut Xorshift::new(SEEDS[0]))?;
    let mut rng = Xorshift::new(SEEDS[1]);
    for _ in 0..steps {
        let (xs, ts) = window(&mut rng);
        model.forward(&xs, &ts)?.sgd(RATE)?;
    }
    Ok((model, rng))
}

/// A model trained on the workload, and written to a file.
fn trained<C: Cell>(name: &str) -> Result<Model<C>, Box<dyn Error>> {
    let (model, rng) = after(STEPS_ON_THE_DESKTOP)?;
    let mut state = TrainingState { learning_rate: RATE, iteration: STEPS_ON_THE_DESKTOP as u64, ..Default::default() };
    state.rng = rng.state();
    let mut file = vec![0; Checkpoint::<C>::encoded_len_as(CONFIG, 0)?];
    Checkpoint::write(&model, &state, "", &mut file)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join(name), file)?;
    Ok(model)
}

/// Writes a model as int8 weights, and tells the firmware what the bits of its predictions are.
fn quantize(model: &Model<ModelCell>, name: &str, variable: &str) -> Result<(), Box<dyn Error>> {
    let mut file = vec![0; Quantized::<ModelCell>::encoded_len_as(model.config(), 0)?];
    Quantized::write(&model.weights(), "", &mut file)?;
    let bits = int8::bits(&mut QuantizedPredictor::new(Quantized::<ModelCell>::read_as(&file)?)?);
    println!("cargo::rustc-env={variable}={bits}");
    fs::write(Path::new(&env::var("OUT_DIR")?).join(name), file)?;
    Ok(())
}

/// The hash of a learner that never stops.
fn learned(events: u64) -> Result<u64, Box<dyn Error>> {
    let mut model = Model::<ModelCell>::new(machine::CONFIG, &mut Xorshift::new(1))?;
    machine::initialize(&mut model);
    let mut learner = OnlineLearner::new(model, machine::rate(0))?;
    let mut machine = Machine::new();
    for position in 0..events {
        learner.set_learning_rate(machine::rate(position))?;
        learner.observe(machine.next_event())?;
    }
    Ok(machine::hash(&learner))
}
