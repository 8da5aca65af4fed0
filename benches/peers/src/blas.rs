//! The step in C on a BLAS: compiled when it is asked for, with the libraries that are at hand.

use std::{env, path::Path, process::Command, sync::OnceLock};

use crate::{
    Failure,
    process::{Process, interpreter},
    workload::Start,
};

/// Starts `c/step_blas.c` on a library, with memory on `pages` that are large or small.
///
/// The library is the one that the environment names (`OPENBLAS=FILE:SYMBOL`, `MKL=FILE:SYMBOL`), or else the one that
/// the Python interpreter brings along: OpenBLAS in NumPy, MKL by `pip install mkl`.
pub fn start(start: &Start, library: &str, pages: &str) -> Result<Process, Failure> {
    static PROGRAM: OnceLock<Result<String, String>> = OnceLock::new();
    let program =
        PROGRAM.get_or_init(|| compile().map_err(|failure| failure.to_string())).as_ref().map_err(String::as_str)?;
    let found = match env::var(library.to_uppercase()) {
        Ok(named) => named,
        Err(_) => find(library)?,
    };
    Process::start(start, &mut Command::new(program), &format!("{found}:{pages}"), 1)
}

fn source(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// With all that this processor has: the peer is compiled where it runs.
fn compile() -> Result<String, Failure> {
    let program = env::current_exe()?.with_file_name("step_blas");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let done = Command::new(&compiler)
        .args(["-O3", "-march=native", "-ffast-math", "-o"])
        .arg(&program)
        .arg(source("c/step_blas.c"))
        .args(["-ldl", "-lm"])
        .output()
        .map_err(|error| format!("{compiler}: {error}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into());
    }
    Ok(program.display().to_string())
}

fn find(library: &str) -> Result<String, Failure> {
    let done = Command::new(interpreter()).arg(source("python/find_blas.py")).arg(library).output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or("not found").into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().into())
}
