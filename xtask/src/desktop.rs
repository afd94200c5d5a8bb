//! The desktop app's own parts of the tests.
//!
//! It is built apart from the rest: it needs a desktop's libraries, and has a key store among its features that the
//! command line's tests must not find. So it has a target folder of its own, in which nobody waits for cargo's lock,
//! and is built while others sleep.
//!
//! It is linted as it is built: clippy in the place of the compiler of our own packages. A check of its own would
//! compile four hundred packages for nothing else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, run, run_counted, run_idle, target};
use crate::machine::{self, Need};
use crate::tally::Tally;
use crate::test::TEST_ALL;

/// The package.
pub(crate) const PACKAGE: &str = "raidcast-desktop";
/// Where the tests find the relay and the command line, which they start.
const BIN_DIR: &str = "RAIDCAST_BIN_DIR";
/// Windows that are open at once: more, and they wait for each other's pictures.
const WINDOWS: &str = "2";
/// The client as the app has it, and its test on a bus of its own.
const KEY_STORE: [&str; 6] = ["--package", "raidcast", "--features", "secret-service", "--test", "keyring"];

/// Builds the app with its tests, and refuses what clippy finds. On what others leave of the processors.
///
/// # Errors
/// It does not build, or clippy finds something.
pub(crate) fn build() -> Result<()> {
    // Its bench, too.
    run_idle(linted().args(["test", "--no-run", "--all-targets", "--package", PACKAGE]))?;
    run_idle(linted().args(["test", "--no-run"]).args(KEY_STORE))
}

/// What is answered where there is no window, and keys in a desktop's key store.
///
/// # Errors
/// A test fails.
pub(crate) fn commands(tally: &mut Tally, reads_shared: bool) -> Result<()> {
    tests(&["--lib", "--bins", "--test", "commands"], &[], reads_shared, tally)?;
    machine::prepare(&[Need::Keyring])?;
    if machine::has_keyring() {
        run_counted(linted().arg("test").args(KEY_STORE).env(TEST_ALL, "1"), tally)?;
    }
    Ok(())
}

/// The app in a real window, on a desktop without a screen, with a real relay.
///
/// # Errors
/// A test fails.
pub(crate) fn window(tally: &mut Tally, reads_shared: bool) -> Result<()> {
    programs()?;
    tests(&["--test", "window"], &["--test-threads", WINDOWS], reads_shared, tally)
}

/// Updates, from a server of this machine.
///
/// # Errors
/// A test fails.
pub(crate) fn update(tally: &mut Tally, reads_shared: bool) -> Result<()> {
    programs()?;
    tests(&["--test", "update"], &["--test-threads", WINDOWS], reads_shared, tally)
}

/// What the app costs beside the command line.
///
/// # Errors
/// It does not build, or something is missing that it needs.
pub(crate) fn bench(options: &[String]) -> Result<()> {
    machine::prepare(&[Need::Desktop])?;
    run(cargo().args(RELEASE))?;
    let mut bench = cargo();
    bench.args(["bench", "--package", PACKAGE, "--bench", "desktop", "--"]).args(options);
    bench.env("CARGO_TARGET_DIR", folder()).env(BIN_DIR, target().join("release"));
    run(&mut bench)
}

/// The relay and the command line: as the other tests have them, so that there is nothing to build after those.
fn programs() -> Result<()> {
    run(cargo().args(PROGRAMS))
}

/// Builds the workspace's programs of the same parts as its tests: with the examples come the features that tests have.
pub(crate) const PROGRAMS: [&str; 6] = ["build", "--workspace", "--exclude", PACKAGE, "--bins", "--examples"];

/// Builds them as they are given to others; together, so that both are built of the same parts.
pub(crate) const RELEASE: [&str; 7] = ["build", "--release", "-p", "raidcast", "-p", "raidcast-relay", "--bins"];

fn tests(which: &[&str], how: &[&str], reads_shared: bool, tally: &mut Tally) -> Result<()> {
    // Nothing, but where somebody wants this part alone.
    machine::prepare(&[Need::Desktop])?;
    let mut tests = linted();
    if machine::find("cargo-nextest").is_some() {
        tests.args(["nextest", "run", "--no-fail-fast", "--package", PACKAGE]).args(which).args(how);
        tests.args(if reads_shared { &["--run-ignored", "all"][..] } else { &[] });
    } else {
        tests.args(["test", "--no-fail-fast", "--package", PACKAGE]).args(which).arg("--").args(how);
        tests.args(if reads_shared { &["--include-ignored"][..] } else { &[] });
    }
    // Nothing that a test starts may wait for a display's graphics card.
    let tests = tests.env("LIBGL_ALWAYS_SOFTWARE", "1").env(BIN_DIR, target().join("debug"));
    run_counted(tests.env(TEST_ALL, "1"), tally)
}

/// Where the app is built.
fn folder() -> PathBuf {
    target().join("desktop")
}

/// Cargo, in the app's own folder, with clippy as the compiler of our own packages.
fn linted() -> Command {
    let mut command = crate::linted::linted();
    command.env("CARGO_TARGET_DIR", folder());
    command
}
