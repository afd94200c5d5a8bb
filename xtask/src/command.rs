//! Commands: told before they run, their output left as it is, their end an error unless they succeed.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::aside;
use crate::tally::Tally;

/// How long a process may take to end when it is told to.
const END_TIMEOUT: Duration = Duration::from_secs(15);
/// How often is looked whether it has.
const END_POLL: Duration = Duration::from_millis(50);
/// How nice what builds beside the tests is to them: it gets a processor when hardly anybody else wants it.
const IDLE: &str = "19";

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The cargo that runs this, and as a person runs it.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `cargo run` tells this program of its package what ring's build script asks for: half of the workspace would be
    // built anew by who builds without this program, and once more by this.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(root());
    command
}

/// Says what follows.
pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
}

/// Runs a command to its end.
///
/// # Errors
/// It could not be started, or says that it failed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = tell(command);
    aside::direct(command)?;
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("could not start `{line}`"))?;
    judge(&line, status)
}

/// As [`run`], on what others leave of the processors; the run may end it at any time.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_idle(command: &mut Command) -> Result<()> {
    let line = tell(command);
    let mut idle = Command::new("nice");
    idle.args(["-n", IDLE]).arg(command.get_program());
    idle.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => idle.env(name, value),
            None => idle.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        idle.current_dir(folder);
    }
    let status = aside::spawn(&mut idle).with_context(|| format!("could not start `{line}`"))?.wait();
    aside::is_over();
    judge(&line, status?)
}

/// As [`run`], and adds up what test runners say in their summaries.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let line = tell(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{line}`"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let counted = thread::scope(|scope| {
        let out = scope.spawn(|| stdout.map(|pipe| pass_on(pipe, std::io::stdout())));
        let err = scope.spawn(|| stderr.map(|pipe| pass_on(pipe, std::io::stderr())));
        [out, err].map(|reader| reader.join().expect("copying lines does not panic").unwrap_or_default())
    });
    for part in counted {
        tally.add(&part);
    }
    judge(&line, child.wait()?)
}

/// Copies lines as they come and counts what they tell.
fn pass_on(from: impl Read, mut to: impl Write) -> Tally {
    let mut tally = Tally::default();
    let (mut reader, mut line) = (BufReader::new(from), Vec::new());
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line).and_then(|()| to.flush());
        tally.hear(&String::from_utf8_lossy(&line));
        line.clear();
    }
    tally
}

fn tell(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| {
            Path::new(word).file_name().filter(|_| word == command.get_program()).unwrap_or(word).to_string_lossy()
        })
        .collect();
    let line = words.join(" ");
    aside::say(&format!("$ {line}"));
    line
}

fn judge(line: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// A process of ours that runs beside the tests and ends with this value, whatever happens.
pub(crate) struct Beside(Child);

impl Beside {
    /// Starts it; its standard output is for the caller to read.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let line = tell(command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Ok(Self(child.with_context(|| format!("could not start `{line}`"))?))
    }

    /// Its standard output, once.
    pub(crate) fn stdout(&mut self) -> Result<impl BufRead + Send + use<>> {
        Ok(BufReader::new(self.0.stdout.take().context("its output is read already")?))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Asked first, so that it can clear its folder away.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let polls = END_TIMEOUT.as_millis() / END_POLL.as_millis();
        for _ in 0..polls {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(END_POLL);
        }
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
