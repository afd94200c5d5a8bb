//! What the tests need of a machine beside cargo and a C compiler; installed where that is possible.

mod desktop;
mod windows;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::aside::say;
use crate::command::{cargo, root, run};

pub(crate) use windows::windows;

/// The oldest Node that the pages' tools run on.
const NODE_MIN: (u32, u32) = (20, 19);
/// The release of Node that is installed where the distribution's is older.
const NODE_NEWER: u32 = 22;
/// Where npm's global programs go on Debian and its like, whether that is in the path or not.
const NPM_PROGRAMS: &str = "/usr/local/bin";
/// The checker of dependencies. Without optimisation it is built in half the time, and checks in as little.
const CARGO_DENY: [&str; 5] = ["install", "--locked", "--debug", "--no-default-features", "cargo-deny@0.20.2"];
/// The version whose findings are known.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// A desktop's key store, and the bus that it is on; each program with its package.
const KEYRING: [(&str, &str); 3] =
    [("dbus-run-session", "dbus-daemon"), ("dbus-send", "dbus-bin"), ("gnome-keyring-daemon", "gnome-keyring")];
/// A machine that has just begun may be installing something by itself.
const DPKG_WAITS: &str = "-oDPkg::Lock::Timeout=300";
/// Names that Chromium goes by.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Names that Firefox goes by; the first is Debian's package, too.
const FIREFOX: [&str; 2] = ["firefox-esr", "firefox"];

/// What a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// cargo-deny.
    Deny,
    /// What the relay's tests run: strace and PostgreSQL.
    Servers,
    /// sqlite3, the program.
    SqliteShell,
    /// Node and npm.
    Web,
    /// Chromium.
    Browser,
    /// Firefox; left out where it cannot be installed.
    Firefox,
    /// A desktop's key store; left out where it cannot be installed.
    Keyring,
    /// What asks a relay all that its description allows; left out where there is no Python with venv.
    Schemathesis,
    /// What the desktop app is built of, and a desktop for its tests.
    Desktop,
}

/// Installs what is missing, or says with which commands to.
///
/// # Errors
/// Something is missing that this cannot install; the text tells the commands that do.
pub(crate) fn prepare(needs: &[Need]) -> Result<()> {
    look(needs)?.bring()
}

/// What is missing, and can be installed.
pub(crate) struct Missing {
    needs: Vec<Need>,
    packages: Vec<&'static str>,
    lacks: Lacks,
    installer: Option<Installer>,
}

/// What the pages lack.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Lacks {
    node: bool,
    npm: bool,
}

/// Looks what is missing, and installs nothing.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn look(needs: &[Need]) -> Result<Missing> {
    let is_needed = |need| needs.contains(&need);
    let mut packages = Vec::new();
    if is_needed(Need::Servers) && find("strace").is_none() {
        packages.push("strace");
    }
    if is_needed(Need::Servers) && raidcast_pgkit::Install::find().is_none() {
        packages.push("postgresql");
    }
    if is_needed(Need::SqliteShell) && find("sqlite3").is_none() {
        packages.push("sqlite3");
    }
    if is_needed(Need::Browser) && chromium().is_none() {
        packages.push("chromium");
    }
    if is_needed(Need::Desktop) {
        packages.extend(desktop::missing());
    }
    let lacks = if is_needed(Need::Web) { Lacks::now() } else { Lacks::default() };
    let is_missing = !packages.is_empty() || lacks != Lacks::default();
    let installer = Installer::find();
    if is_missing && installer.is_none() {
        let newer = lacks.add_to(&mut packages);
        let without = if is_needed(Need::Desktop) { "\nOr leave the desktop app out: --skip-desktop." } else { "" };
        bail!("{}{without}", by_hand(&packages, newer));
    }
    if is_needed(Need::Schemathesis) && !has_venv() && installer.is_some() {
        packages.push("python3-venv");
    }
    Ok(Missing { needs: needs.to_vec(), packages, lacks, installer })
}

impl Missing {
    /// Installs it.
    ///
    /// # Errors
    /// An installer fails; what tests can do without is told, and is no error.
    pub(crate) fn bring(self) -> Result<()> {
        let is_needed = |need| self.needs.contains(&need);
        if is_needed(Need::Deny) && !is_cargos("deny") {
            run(cargo().args(CARGO_DENY))?;
        }
        self.programs()?;
        if is_needed(Need::Keyring)
            && let Err(error) = keyring()
        {
            say(&format!("SKIPPED: {error:#}, so no key is put into a desktop's key store"));
        }
        if is_needed(Need::Firefox)
            && let Err(error) = bring_firefox()
        {
            say(&format!("SKIPPED: {error:#}, so no page is opened in Firefox"));
        }
        if is_needed(Need::Schemathesis)
            && let Err(error) = schemathesis()
        {
            say(&format!("SKIPPED: {error:#}, so the API is not compared with its description"));
        }
        Ok(())
    }

    fn programs(&self) -> Result<()> {
        if self.packages.is_empty() && self.lacks == Lacks::default() {
            return Ok(());
        }
        let Some(installer) = &self.installer else { return Ok(()) };
        // An apt that was never asked knows no packages, and so no versions of them.
        installer.update()?;
        let mut packages = self.packages.clone();
        let newer = self.lacks.add_to(&mut packages);
        if !packages.is_empty() {
            installer.packages(&packages)?;
        }
        if newer {
            installer.node()?;
        }
        if self.lacks != Lacks::default() && Lacks::now() != Lacks::default() {
            bail!("{}", by_hand(&[], true));
        }
        Ok(())
    }
}

impl Lacks {
    fn now() -> Self {
        Self { node: node().is_none(), npm: find("npm").is_none() }
    }

    /// Adds the packages of the distribution that bring it; whether a newer Node than the distribution's is to come.
    fn add_to(self, packages: &mut Vec<&'static str>) -> bool {
        match self {
            Self { node: false, npm: false } => false,
            Self { node: false, npm: true } => {
                packages.push("npm");
                false
            }
            _ if node_of_apt().is_some_and(|version| version >= NODE_MIN) && find("node").is_none() => {
                packages.extend(["nodejs", "npm"]);
                false
            }
            Self { npm, .. } => {
                packages.extend(npm.then_some("npm"));
                true
            }
        }
    }
}

/// Whether a desktop's key store is here.
pub(crate) fn has_keyring() -> bool {
    KEYRING.iter().all(|(program, _)| find(program).is_some())
}

/// Installs it.
fn keyring() -> Result<()> {
    let missing: Vec<_> =
        KEYRING.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(installer) = Installer::find() else { bail!("there is no apt-get for {}", missing.join(" and ")) };
    installer.update()?;
    installer.packages(&missing)
}

/// Installs Firefox. Not every distribution has a package of that name.
fn bring_firefox() -> Result<()> {
    if firefox().is_some() {
        return Ok(());
    }
    let package = FIREFOX[0];
    let Some(installer) = Installer::find() else { bail!("there is no Firefox, and no apt-get for {package}") };
    installer.update()?;
    installer.packages(&[package])
}

/// Whether there is a Python that can make environments: on Debian that is a package of its own.
fn has_venv() -> bool {
    let Some(python) = find("python3") else { return false };
    let imported = Command::new(python).args(["-c", "import ensurepip, venv"]).output();
    imported.is_ok_and(|imported| imported.status.success())
}

/// Installs it into an environment of its own, below target, where the relay's tests look for it.
fn schemathesis() -> Result<()> {
    let folder = root().join("target/schemathesis");
    if fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == SCHEMATHESIS) {
        return Ok(());
    }
    let Some(python) = find("python3") else { bail!("there is no python3") };
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", SCHEMATHESIS]))?;
    fs::write(folder.join("installed"), SCHEMATHESIS)?;
    Ok(())
}

/// The commands that a person types.
fn by_hand(packages: &[&str], newer: bool) -> String {
    let (major, minor) = NODE_MIN;
    let mut text = String::from("Something is missing that this could not install. On Debian and Ubuntu, run");
    if !packages.is_empty() {
        let _ = write!(text, "\n    sudo apt-get update && sudo apt-get install -y {}", packages.join(" "));
    }
    if newer {
        let _ = write!(text, "\n    sudo npm install --global {}", node_package());
    }
    text + &format!("\nElsewhere install the same, and Node {major}.{minor} or newer with npm, in your system's way.")
}

/// Node in npm's registry, which puts it before the distribution's.
fn node_package() -> String {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    format!("node-linux-{machine}@{NODE_NEWER}")
}

/// Installs packages as root.
pub(crate) struct Installer {
    /// What stands before each command.
    before: &'static [&'static str],
}

impl Installer {
    /// One where there is apt, and where this is root or may become it without a password.
    pub(crate) fn find() -> Option<Self> {
        find("apt-get")?;
        if output("id", &["-u"]).is_some_and(|id| id.trim() == "0") {
            return Some(Self { before: &["env"] });
        }
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        sudo.status().is_ok_and(|status| status.success()).then_some(Self { before: &["sudo", "-n", "env"] })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.before[0]);
        command.args(&self.before[1..]).arg("DEBIAN_FRONTEND=noninteractive").args(words);
        command
    }

    /// Asks which packages there are, once in a run.
    pub(crate) fn update(&self) -> Result<()> {
        static UPDATED: OnceLock<()> = OnceLock::new();
        if UPDATED.get().is_some() {
            return Ok(());
        }
        run(&mut self.command(&["apt-get", "update", "-qq"]))?;
        let _ = UPDATED.set(());
        Ok(())
    }

    fn packages(&self, packages: &[&str]) -> Result<()> {
        let install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", DPKG_WAITS];
        run(self.command(&install).args(packages))
    }

    fn node(&self) -> Result<()> {
        run(&mut self.command(&["npm", "install", "--global", "--no-audit", "--no-fund", &node_package()]))
    }
}

/// npm, in web/, with a Node that fits for itself and for all that it starts.
pub(crate) fn npm() -> Command {
    in_web("npm")
}

/// Such a Node, in web/.
pub(crate) fn node_in_web() -> Command {
    in_web("node")
}

fn in_web(program: &str) -> Command {
    // Found by the path that it gets.
    let mut command = Command::new(program);
    command.current_dir(root().join("web")).env("PATH", path());
    command
}

/// The path, with the folder of a Node that fits at its front where an older one comes first.
fn path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(folder) = node().and_then(|node| node.parent().map(Path::to_owned)) else { return path };
    if find("node").is_some_and(|first| first.parent() == Some(&folder)) {
        return path;
    }
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).unwrap_or(path)
}

/// Where Chromium is.
pub(crate) fn chromium() -> Option<PathBuf> {
    CHROMIUM.iter().find_map(|name| find(name))
}

/// Where Firefox is.
pub(crate) fn firefox() -> Option<PathBuf> {
    FIREFOX.iter().find_map(|name| find(name))
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Whether cargo has such a command, in the path or where it installs its own.
pub(crate) fn is_cargos(command: &str) -> bool {
    let told = cargo().args([command, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    told.is_ok_and(|status| status.success())
}

/// The first Node that the pages' tools run on, of those in the path and where npm puts one.
fn node() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut nodes = std::env::split_paths(&path).chain([NPM_PROGRAMS.into()]).map(|folder| folder.join("node"));
    nodes.find(|node| version_of(node).is_some_and(|version| version >= NODE_MIN))
}

fn version_of(node: &Path) -> Option<(u32, u32)> {
    let told = Command::new(node).arg("--version").output().ok()?;
    version(String::from_utf8_lossy(&told.stdout).trim().trim_start_matches('v'))
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
