//! What needs a browser, against a demo that runs beside it: the tests, in Chromium and in Firefox, and the README's
//! picture.

use std::fs;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::aside::say;
use crate::command::{Beside, cargo, root, run, run_counted, target};
use crate::desktop;
use crate::machine::{self, Need, npm};
use crate::tally::Tally;
use crate::web;

/// The picture, from the workspace's folder.
const PICTURE: &str = "docs/picture.png";

/// The README is read on phones too: a picture takes at most this many bytes.
const PICTURE_BYTES_MAX: u64 = 200_000;

/// Starts a demo on a free port and runs the browser tests against it.
///
/// # Errors
/// The demo does not start, or a test fails.
pub(crate) fn test(tally: &mut Tally) -> Result<()> {
    let chromium = machine::chromium().context("there is no Chromium")?;
    let demo = Demo::start("1")?;
    let mut tests = npm();
    tests.args(["run", "e2e", "--", "--raid", &demo.raid, "--report", &demo.report]).env("CHROMIUM", chromium);
    // Beside a provider by whom people sign in there.
    tests.arg("--relay").arg(program("raidcast-relay"));
    run_counted(&mut tests, tally)
}

/// Starts a demo and opens each page in Firefox, where there is one.
///
/// # Errors
/// The demo does not start, or a test fails.
pub(crate) fn in_firefox(tally: &mut Tally) -> Result<()> {
    let Some(firefox) = machine::firefox() else {
        say("SKIPPED: there is no Firefox, so no page is opened in it");
        return Ok(());
    };
    // Its fight goes on until all pages were seen, however slow the machine is.
    let demo = Demo::start("0.2")?;
    let mut tests = npm();
    tests.args(["run", "e2e:firefox", "--", "--raid", &demo.raid, "--channel", &demo.channel]);
    tests.args(["--report", &demo.report, "--relay"]).arg(program("raidcast-relay")).env("FIREFOX", firefox);
    run_counted(&mut tests, tally)
}

/// A program, where cargo builds it.
fn program(path: &str) -> PathBuf {
    target().join("debug").join(format!("{path}{}", std::env::consts::EXE_SUFFIX))
}

/// Takes the README's picture of a live report anew.
///
/// # Errors
/// Something that it needs is missing, the demo does not start, or the picture is too large.
pub(crate) fn picture() -> Result<()> {
    machine::prepare(&[Need::Web, Need::Browser])?;
    web::install()?;
    let chromium = machine::chromium().context("there is no Chromium")?;
    let demo = Demo::start("1")?;
    let out = root().join(PICTURE);
    let mut take = machine::node_in_web();
    take.env("CHROMIUM", chromium);
    run(take.args(["e2e/picture.js", "--report", &demo.report, "--out"]).arg(&out))?;
    let bytes = fs::metadata(&out).with_context(|| format!("could not read {PICTURE}"))?.len();
    if bytes > PICTURE_BYTES_MAX {
        bail!("{PICTURE} has {bytes} bytes, more than {PICTURE_BYTES_MAX}: make it smaller in web/e2e/picture.js");
    }
    println!("{PICTURE}: {bytes} bytes");
    Ok(())
}

/// A demo that runs until this value goes.
struct Demo {
    /// Address of the raid's page.
    raid: String,
    /// Address of the channel's page.
    channel: String,
    /// Address of the report, which is live.
    report: String,
    _process: Beside,
}

impl Demo {
    /// Builds the workspace's programs, starts it on a free port and waits until its fight has begun.
    ///
    /// `speed`: how many times as fast as a real fight.
    fn start(speed: &str) -> Result<Self> {
        // `cargo demo` builds it of other features: half of the workspace once more, after the tests.
        run(cargo().args(desktop::PROGRAMS))?;
        let mut demo = Command::new(program("examples/demo"));
        demo.current_dir(root()).args(["--listen", "127.0.0.1:0", "--speed", speed]);
        let mut process = Beside::start(&mut demo)?;
        let mut lines = process.stdout()?.lines();
        let (mut raid, mut channel) = (None, None);
        let report = loop {
            let line = lines.next().context("the demo ended before its fight began")??;
            println!("{line}");
            let mut words = line.split_whitespace();
            match (words.next(), words.find(|word| word.starts_with("http://"))) {
                (Some("this"), Some(url)) => raid = Some(url.to_owned()),
                (Some("channel"), Some(url)) => channel = Some(url.to_owned()),
                (Some("report"), Some(url)) => break url.to_owned(),
                _ => {}
            }
        };
        // A pipe that nobody reads would stop the demo.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let raid = raid.context("the demo did not name its raid")?;
        let channel = channel.context("the demo did not name its channel")?;
        Ok(Self { raid, channel, report, _process: process })
    }
}
