//! The tests in a browser, against a demo that runs beside them.

use std::io::BufRead as _;
use std::thread;

use anyhow::{Context as _, Result};

use crate::command::{Beside, cargo, npm, run_counted};
use crate::machine;
use crate::tally::Tally;

/// Starts a demo on a free port and runs the browser tests against it.
///
/// # Errors
/// The demo does not start, or a test fails.
pub(crate) fn test(tally: &mut Tally) -> Result<()> {
    let chromium = machine::chromium().context("there is no Chromium")?;
    let mut demo = cargo();
    demo.args(["run", "--quiet", "--package", "raidcast-relay", "--example", "demo", "--", "--listen", "127.0.0.1:0"]);
    let mut demo = Beside::start(&mut demo)?;
    let mut lines = demo.stdout()?.lines();
    let mut raid = None;
    let report = loop {
        let line = lines.next().context("the demo ended before its fight began")??;
        println!("{line}");
        let mut words = line.split_whitespace();
        match (words.next(), words.find(|word| word.starts_with("http://"))) {
            (Some("this"), Some(url)) => raid = Some(url.to_owned()),
            (Some("report"), Some(url)) => break url.to_owned(),
            _ => {}
        }
    };
    // A pipe that nobody reads would stop the demo.
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    let raid = raid.context("the demo did not name its raid")?;
    let mut tests = npm();
    tests.args(["run", "e2e", "--", "--raid", &raid, "--report", &report]).env("CHROMIUM", chromium);
    run_counted(&mut tests, tally)
}
