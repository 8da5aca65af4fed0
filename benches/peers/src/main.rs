//! The training step of rnnlm beside that of what one would use instead of it, in one run, on one thread or on all:
//!
//! ```text
//! PYTHON=python3 taskset -c 0 cargo run --release
//! PYTHON=python3 taskset -c 0 cargo run --release -- --cell lstm
//! PYTHON=python3 cargo run --release -- --threads 2
//! ```
//!
//! Everyone starts from the same weights and trains on the same windows; who arrives at other weights than rnnlm is
//! not measured, but ends the run. Then they take turns, a slice of time each per round, so that a change of the
//! machine's pace meets all alike; figures are medians of the rounds. The peak of the machine is measured before and
//! after each slice of rnnlm; where it is low, something outside of this system shares the core, and the round doesn't
//! count for the share of the peak.

mod arguments;
mod blas;
mod burn_step;
mod candle_step;
mod hand;
mod hand_lstm;
mod multiply;
mod ndarray_step;
#[path = "../../../examples/shared/pages.rs"]
mod pages;
mod peak;
mod peer;
#[path = "../../../examples/shared/pool.rs"]
mod pool;
mod process;
mod products;
mod report;
mod rnnlm_step;
mod rust_lstm_step;
#[path = "../../shapes/mod.rs"]
mod shapes;
mod sharing;
mod steps;
mod workload;

use std::{env, process::ExitCode};

use arguments::Arguments;
use workload::workloads;

pub type Failure = Box<dyn std::error::Error>;

/// What makes each library keep to so many threads and to the CPU. They read it as they start, so it is set before.
fn environment(threads: usize) -> Vec<(&'static str, String)> {
    let counted = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"];
    let mut set: Vec<_> = counted.map(|name| (name, threads.to_string())).into();
    set.push(("JAX_PLATFORMS", "cpu".into()));
    set.push(("XLA_FLAGS", format!("--xla_cpu_multi_thread_eigen={}", threads > 1)));
    set
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let Some(arguments) = Arguments::parse()? else {
        print!("{}", arguments::HELP);
        return Ok(ExitCode::SUCCESS);
    };
    let environment = environment(arguments.threads);
    if environment.iter().any(|(name, value)| env::var(name).as_ref() != Ok(value)) {
        return again_in(environment);
    }
    if arguments.threads == 1 && std::thread::available_parallelism()?.get() > 1 {
        eprintln!("not pinned to one core, figures will be noisy: run it under `taskset -c 0`");
    }
    let workloads =
        workloads(arguments.cell).into_iter().filter(|workload| arguments.workloads.contains(workload.name));
    if arguments.products {
        workloads.for_each(|workload| products::measure(workload.name));
    } else {
        let tables = workloads.map(|workload| steps::measure(workload, &arguments)).collect::<Result<Vec<_>, _>>()?;
        report::summary(&tables);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs this program anew with that set.
fn again_in(environment: Vec<(&str, String)>) -> Result<ExitCode, Failure> {
    let mut again = std::process::Command::new(env::current_exe()?);
    let status = again.args(env::args_os().skip(1)).envs(environment).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
