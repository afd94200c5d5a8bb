//! `cargo xtask test`: every check and test, cheapest first, ending at the first step that fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use raidcast_pgkit::{Cluster, Install};

use crate::coming::Coming;
use crate::command::{cargo, heading, root, run, run_counted};
use crate::machine::{self, Need, npm};
use crate::tally::Tally;
use crate::{browser, desktop, linted, web};

/// Makes a missing program a failure of the test that needs it: all of them were installed.
pub(crate) const TEST_ALL: &str = "RAIDCAST_TEST_ALL";
/// Tests at once for each processor: they wait more than they work.
const AT_ONCE: usize = 2;
/// All packages but the desktop app, which has parts of its own.
const WORKSPACE: [&str; 3] = ["--workspace", "--exclude", desktop::PACKAGE];

/// What to leave out.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the pages' checks and tests, and those in the browser
    #[arg(long)]
    skip_web: bool,
    /// Leave out the tests in the browser
    #[arg(long)]
    skip_browser: bool,
    /// Leave out the desktop app: neither build nor lint nor test it
    #[arg(long)]
    skip_desktop: bool,
    /// Only the parts whose headings begin so, such as "browser" or "desktop: window"
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        let begins = |only: &String| part.to_lowercase().starts_with(&only.to_lowercase());
        self.only.as_ref().is_none_or(begins)
    }
}

/// Runs all; the last line says how many tests passed and failed.
pub(crate) fn test(options: &Options) -> ExitCode {
    let (mut tally, mut parts) = (Tally::default(), Vec::new());
    let mut done = steps(options, &mut tally, &mut parts);
    if done.is_ok() && parts.is_empty() {
        done = Err(anyhow!("no part has such a heading"));
    }
    if let Err(error) = &done {
        eprintln!("\n{error:#}");
        // A step that counts nothing has failed as well.
        tally.failed = tally.failed.max(1);
    }
    println!();
    for (name, took) in parts {
        println!("{:>6} s  {name}", took.as_secs());
    }
    if tally.skipped > 0 && !beside().is_dir() {
        println!("\nSKIPPED: {} tests, which read {}: it is not here", tally.skipped, beside().display());
    }
    if options.skip_desktop {
        println!("\nSKIPPED: the desktop app was neither built nor linted nor tested (--skip-desktop)");
    }
    println!("\n{tally}");
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn steps(options: &Options, tally: &mut Tally, parts: &mut Vec<(&'static str, Duration)>) -> Result<()> {
    let mut part = |name, run: &mut dyn FnMut(&mut Tally) -> Result<()>| {
        if !options.wants(name) {
            return Ok(());
        }
        let (took, done) = timed(name, || run(tally));
        parts.push((name, took));
        done
    };
    let (pages, in_browser) = (!options.skip_web, !(options.skip_web || options.skip_browser));
    let app = !options.skip_desktop;
    let mut coming = Coming::default();
    part("What is needed", &mut |_| {
        let mut needs = vec![Need::Servers, Need::Keyring, Need::Schemathesis];
        needs.extend(pages.then_some(Need::Web));
        if in_browser {
            needs.extend([Need::Browser, Need::Firefox]);
        }
        // What is built beside the parts is waited for by the last of them.
        coming = Coming::start(&needs, app && options.only.is_none())?;
        machine::prepare(&[Need::Deny])
    })?;
    part("Format", &mut |_| run(cargo().args(["fmt", "--all", "--check"])))?;
    part("Lints", &mut |_| {
        run(linted::strict()?.arg("check").args(WORKSPACE).arg("--all-targets"))?;
        // What `cargo demo` builds: other features, so other code. Beside the other packages: what is not ours keeps the
        // features that it was checked with, and is not checked again.
        let demo = ["--exclude", "raidcast-store-postgres", "--no-default-features", "--example", "demo"];
        run(linted::strict()?.arg("check").args(WORKSPACE).args(demo))
    })?;
    part("Links of the documentation", &mut |_| {
        let strict = "-D warnings -A rustdoc::private-intra-doc-links";
        // With the examples come the features that were linted, so that nothing is checked again.
        let whole = ["--lib", "--examples", "--no-deps", "--document-private-items"];
        run(linted::linted().arg("doc").args(WORKSPACE).args(whole).env("RUSTDOCFLAGS", strict))
    })?;
    part("Dependencies", &mut |_| {
        run(cargo().args(["deny", "--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
    })?;
    if coming.is_under_way() {
        part("What is needed: the end of it", &mut |_| coming.programs())?;
    }
    if pages {
        // The API's examples are run with their TypeScript.
        part("Pages: packages", &mut |_| web::install())?;
    }
    part("Rust tests", &mut |tally| rust_tests(tally, app))?;
    if pages {
        part("Pages: types", &mut |_| run(npm().args(["run", "check"])))?;
        part("Pages: lints", &mut |_| run(npm().args(["run", "lint"])))?;
        part("Pages: tests", &mut |tally| run_counted(npm().arg("test"), tally))?;
        part("Pages: what is committed is what the sources make", &mut |_| web::check_dist())?;
    }
    if in_browser {
        part("Browser tests", &mut browser::test)?;
        part("Browser tests: Firefox", &mut browser::in_firefox)?;
    }
    if app {
        let shared = beside().is_dir();
        // Only here is waited for what was begun at the start.
        part("Desktop: lints", &mut |_| coming.app())?;
        part("Desktop: commands", &mut |tally| desktop::commands(tally, shared))?;
        part("Desktop: window", &mut |tally| desktop::window(tally, shared))?;
        part("Desktop: update", &mut |tally| desktop::update(tally, shared))?;
    } else {
        println!("\nSKIPPED: the desktop app is neither built nor linted nor tested (--skip-desktop)");
    }
    if tally.failed > 0 {
        bail!("a runner told of failures and yet succeeded");
    }
    Ok(())
}

/// Does a part under its heading, and says how long it took.
#[expect(clippy::disallowed_methods, reason = "how long a build takes is no one's parameter")]
fn timed(name: &str, run: impl FnOnce() -> Result<()>) -> (Duration, Result<()>) {
    heading(name);
    let began = Instant::now();
    let done = run();
    (began.elapsed(), done)
}

/// `app`: the desktop app's parts follow, which put a key into a desktop's key store with the client that they have.
fn rust_tests(tally: &mut Tally, app: bool) -> Result<()> {
    let at_once = (AT_ONCE * thread::available_parallelism().map_or(1, usize::from)).to_string();
    let mut tests = cargo();
    let ignored: &[_] = if machine::find("cargo-nextest").is_some() {
        tests.args(["nextest", "run", "--no-fail-fast", "--test-threads", &at_once]).args(WORKSPACE);
        &["--run-ignored", "all"]
    } else {
        // It builds no examples for tests, and the demo is tested as it is.
        run(cargo().args(desktop::PROGRAMS))?;
        tests.args(["test", "--tests", "--no-fail-fast"]).args(WORKSPACE);
        &["--", "--include-ignored"]
    };
    if beside().is_dir() {
        tests.args(ignored);
    }
    // One for all tests: nextest gives each a process, which would make one of its own.
    let postgres = Install::find().map(Cluster::start_to_share);
    if let Some(cluster) = &postgres {
        tests.env(raidcast_pgkit::SHARED, cluster.folder());
    }
    run_counted(tests.env(TEST_ALL, "1").env("RUST_TEST_THREADS", &at_once), tally)?;
    drop(postgres);
    // A feature, because it brings what a command line needs nowhere else.
    let keyring = ["test", "--package", "raidcast", "--features", "secret-service", "--test", "keyring"];
    if !app && machine::has_keyring() {
        run_counted(cargo().args(keyring).env(TEST_ALL, "1"), tally)?;
    }
    if any_line(&root(), is_example)? {
        run_counted(cargo().arg("test").args(WORKSPACE).arg("--doc"), tally)?;
    }
    Ok(())
}

/// What the tests read that are marked `#[ignore = "reads ../shared"]`: it lies beside the workspace, and not everywhere.
fn beside() -> PathBuf {
    root().with_file_name("shared").join("meters")
}

/// Whether any source below a folder has such a line. Of doc tests: looking is faster than building what is not there.
fn any_line(folder: &Path, is_one: fn(&str) -> bool) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let found = if entry.file_type()?.is_dir() {
            !["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) && any_line(&path, is_one)?
        } else {
            path.extension().is_some_and(|end| end == "rs")
                && fs::read_to_string(&path)?.lines().map(str::trim_start).any(is_one)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_wanted_by_the_begin_of_its_heading() {
        let wanted = |only: &str| {
            let only = Some(only.to_owned());
            let options = Options { skip_web: false, skip_browser: false, skip_desktop: false, only };
            ["Rust tests", "Desktop: lints", "Desktop: window"].map(|part| options.wants(part))
        };
        assert_eq!(wanted("desktop"), [false, true, true]);
        assert_eq!(wanted("Desktop: w"), [false, false, true]);
        assert_eq!(wanted("rust"), [true, false, false]);
        assert_eq!(wanted("window"), [false; 3]);
    }

    const READS_SHARED: &str = "#[ignore = \"reads ../shared\"]";

    #[test]
    fn no_test_is_ignored_but_for_reading_what_lies_beside_the_workspace() {
        assert!(any_line(&root(), |line| line == READS_SHARED).expect("sources"));
        assert!(!any_line(&root(), |line| line.starts_with("#[ignore") && line != READS_SHARED).expect("sources"));
    }
}
