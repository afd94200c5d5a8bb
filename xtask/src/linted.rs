//! Cargo with clippy in the place of the compiler of our own packages, as `cargo clippy` has it: what is checked, built
//! or documented by it was linted on the way, and one finds what the other has made.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::cargo;
use crate::machine;

/// What clippy is told, as cargo-clippy hands its arguments on.
const ARGUMENTS: (&str, &str) = ("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
/// What compiles our own packages and no others.
const COMPILER: &str = "RUSTC_WORKSPACE_WRAPPER";

/// Cargo that refuses what clippy finds in our own packages.
///
/// # Errors
/// There is no clippy.
pub(crate) fn strict() -> Result<Command> {
    driver().context("there is no clippy: run `rustup component add clippy`")?;
    Ok(linted())
}

/// The same where clippy is, and cargo as it is elsewhere. Every call for a target folder has to have it: else our
/// packages would be compiled once more.
pub(crate) fn linted() -> Command {
    let mut command = cargo();
    if let Some(driver) = driver() {
        let (name, value) = ARGUMENTS;
        command.env(COMPILER, driver).env(name, value);
    }
    command
}

/// What compiles and lints: beside the cargo that runs this, or in the path.
fn driver() -> Option<PathBuf> {
    let name = format!("clippy-driver{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::var_os("CARGO").and_then(|cargo| Some(Path::new(&cargo).parent()?.join(&name)));
    beside.filter(|driver| driver.is_file()).or_else(|| machine::find(&name))
}
