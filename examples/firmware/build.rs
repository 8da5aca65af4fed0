//! Trains a model on the desktop, for the firmware to go on with.

use std::{env, error::Error, fs, path::Path};

use rnnlm::{Checkpoint, SimpleRnnlm, TrainingState, Xorshift};

#[allow(dead_code)]
#[path = "src/workload.rs"]
mod workload;
use workload::{CONFIG, RATE, SEEDS, STEPS_ON_THE_DESKTOP, window};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/workload.rs");
    println!("cargo::rustc-env=OPT_LEVEL={}", env::var("OPT_LEVEL")?);
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
    fs::write(Path::new(&env::var("OUT_DIR")?).join("model.safetensors"), file)?;
    Ok(())
}
