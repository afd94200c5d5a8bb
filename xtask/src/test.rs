//! `cargo xtask test`: every check and test, cheapest first, ending at the first step that fails.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::command::{cargo, heading, root, run, run_counted};
use crate::machine::{self, Need, npm};
use crate::tally::Tally;
use crate::{browser, web};

/// Makes a missing program a failure of the test that needs it: all of them were installed.
const TEST_ALL: &str = "RAIDCAST_TEST_ALL";

/// What to leave out.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the pages' checks and tests, and those in the browser
    #[arg(long)]
    skip_web: bool,
    /// Leave out the tests in the browser
    #[arg(long)]
    skip_browser: bool,
}

/// Runs all; the last line says how many tests passed and failed.
pub(crate) fn test(options: &Options) -> ExitCode {
    let mut tally = Tally::default();
    let done = steps(options, &mut tally);
    if let Err(error) = &done {
        eprintln!("\n{error:#}");
        // A step that counts nothing has failed as well.
        tally.failed = tally.failed.max(1);
    }
    println!("\n{tally}");
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn steps(options: &Options, tally: &mut Tally) -> Result<()> {
    let (pages, in_browser) = (!options.skip_web, !(options.skip_web || options.skip_browser));
    let mut needs = vec![Need::Servers];
    needs.extend(pages.then_some(Need::Web));
    needs.extend(in_browser.then_some(Need::Browser));
    heading("What is needed");
    machine::prepare(&needs)?;

    heading("Format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    heading("Lints");
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    heading("Rust tests");
    rust_tests(tally)?;

    if pages {
        heading("Pages: packages");
        web::install()?;
        heading("Pages: types");
        run(npm().args(["run", "check"]))?;
        heading("Pages: lints");
        run(npm().args(["run", "lint"]))?;
        heading("Pages: tests");
        run_counted(npm().arg("test"), tally)?;
        heading("Pages: what is committed is what the sources make");
        web::check_dist()?;
    }
    if in_browser {
        heading("Browser tests");
        browser::test(tally)?;
    }
    if tally.failed > 0 {
        bail!("a runner told of failures and yet succeeded");
    }
    Ok(())
}

fn rust_tests(tally: &mut Tally) -> Result<()> {
    let nextest = machine::find("cargo-nextest").is_some();
    if nextest {
        run_counted(cargo().args(["nextest", "run", "--workspace", "--no-fail-fast"]).env(TEST_ALL, "1"), tally)?;
    } else {
        run_counted(cargo().args(["test", "--workspace", "--no-fail-fast"]).env(TEST_ALL, "1"), tally)?;
    }
    // `cargo test` has run them; nextest cannot.
    if nextest && has_doc_tests(&root())? {
        run_counted(cargo().args(["test", "--workspace", "--doc"]), tally)?;
    }
    Ok(())
}

/// Whether any documentation holds an example: looking is faster than building doc tests that are not there.
fn has_doc_tests(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let found = if entry.file_type()?.is_dir() {
            !["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) && has_doc_tests(&path)?
        } else {
            path.extension().is_some_and(|end| end == "rs")
                && fs::read_to_string(&path)?.lines().map(str::trim_start).any(is_example)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_example(line: &str) -> bool {
    let fence =
        line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).and_then(|doc| doc.trim().strip_prefix("```"));
    fence.is_some_and(|language| !language.starts_with("text") && !language.starts_with("ignore"))
}
