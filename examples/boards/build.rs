//! The memory of the board whose target this is built for.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET")?;
    let board = if target.starts_with("thumbv8m") { "rp2350" } else { "nrf52840" };
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={board}.x");
    println!("cargo::rustc-env=BOARD={board}");
    let folder = env::var("OUT_DIR")?;
    fs::copy(format!("{board}.x"), Path::new(&folder).join("memory.x"))?;
    println!("cargo::rustc-link-search={folder}");
    Ok(())
}
