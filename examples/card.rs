//! A card to send back: which machine this is, whether it computes the bits that all machines compute, and how fast.
//!
//! `cargo run --release --example card`

#[path = "shared/runs.rs"]
mod runs;

use std::{env::consts, fs, process::ExitCode, time::Instant};

use rnnlm::Isa;
use runs::{RUNS, Run, Running, hash};

fn main() -> ExitCode {
    println!("rnnlm {}, {} {}, {}", env!("CARGO_PKG_VERSION"), consts::ARCH, consts::OS, processor());
    let mut all_same = true;
    for run in &RUNS {
        println!("{}: {} steps, weights {:016x} expected", run.name, run.steps, run.hash);
        // a path of one lane would take half a minute for S
        for isa in Isa::available().filter(|&isa| run.name == "E" || isa == Isa::detect()) {
            match timed(run, isa) {
                Ok((found, seconds)) => {
                    let verdict = if found == run.hash { "the same bits" } else { "OTHER BITS" };
                    all_same &= found == run.hash;
                    let rate = f64::from(run.steps) / seconds;
                    println!("    {isa:<9} {found:016x} {verdict:<14} {rate:10.0} steps/s");
                }
                Err(error) => {
                    all_same = false;
                    println!("    {isa:<9} {error}");
                }
            }
        }
    }
    if all_same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The hash of the last weights, and the seconds that the steps took.
fn timed(run: &Run, isa: Isa) -> Result<(u64, f64), rnnlm::Error> {
    let mut running = Running::new(run, isa)?;
    let start = Instant::now();
    for _ in 0..run.steps {
        running.step()?;
    }
    Ok((hash(&running.model), start.elapsed().as_secs_f64()))
}

/// The name of the processor, where Linux tells it.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("a processor without a name", |(_, name)| name).to_string()
}
