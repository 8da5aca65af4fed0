//! The training step of rnnlm beside that of what one would use instead of it, in one run on one thread:
//!
//! ```text
//! PYTHON=python3 taskset -c 0 cargo run --release
//! ```
//!
//! Everyone starts from the same weights and trains on the same windows; who arrives at other weights than rnnlm is
//! not measured, but ends the run. Then they take turns, a slice of time each per round, so that a change of the
//! machine's pace meets all alike; figures are medians of the rounds. The peak of the machine is measured before and
//! after each slice of rnnlm; where it is low, something outside of this system shares the core, and the round doesn't
//! count for the share of the peak.

mod arguments;
mod burn_step;
mod candle_step;
mod hand;
mod multiply;
mod ndarray_step;
mod peak;
mod peer;
mod products;
mod python;
mod report;
mod rnnlm_step;
#[path = "../../shapes/mod.rs"]
mod shapes;
mod sharing;
mod steps;
mod workload;

use std::{env, process::ExitCode};

use arguments::Arguments;
use workload::WORKLOADS;

pub type Failure = Box<dyn std::error::Error>;

/// What makes each library keep to one thread and to the CPU. They read it as they start, so it is set before.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("RAYON_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("NPROC", "1"),
    ("JAX_PLATFORMS", "cpu"),
    ("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false"),
];

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
    if ENVIRONMENT.iter().any(|(name, value)| env::var(name).as_deref() != Ok(value)) {
        return again_in_environment();
    }
    if std::thread::available_parallelism()?.get() > 1 {
        eprintln!("not pinned to one core, figures will be noisy: run it under `taskset -c 0`");
    }
    let workloads = WORKLOADS.into_iter().filter(|workload| arguments.workloads.contains(workload.name));
    if arguments.products {
        workloads.for_each(|workload| products::measure(workload.name));
    } else {
        let tables = workloads.map(|workload| steps::measure(workload, &arguments)).collect::<Result<Vec<_>, _>>()?;
        report::summary(&tables);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs this program anew with [`ENVIRONMENT`] set.
fn again_in_environment() -> Result<ExitCode, Failure> {
    let status =
        std::process::Command::new(env::current_exe()?).args(env::args_os().skip(1)).envs(ENVIRONMENT).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
