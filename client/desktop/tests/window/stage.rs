//! A stage for one scenario: a display, a session bus and a home of its own, and the app on it.
//!
//! Nothing of whoever runs the tests is seen or touched, and nothing of it outlives the test, however that ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::until;

/// The app that this build made.
pub(crate) const APP: &str = env!("CARGO_BIN_EXE_raidcast-desktop");

/// A bus on which nothing is started that is not there: no keyring, no notices, no accessibility but what a test puts there.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

/// What the browser is that links open in: it writes down what it was given.
const BROWSER: &str = "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$HOME/opened\"\n";

/// What each scenario has for itself.
pub(crate) struct Stage {
    // Before the folder: they end first.
    _display: Process,
    _bus: Process,
    display: String,
    dir: TempDir,
    name: &'static str,
    /// What the app writes to its log, where that is not what it usually does.
    log: Option<&'static str>,
    /// Somebody reads the screen: programs tell what is on it.
    is_read: bool,
}

impl Stage {
    /// Sets it up for a scenario of this name.
    pub(crate) async fn set(name: &'static str) -> Self {
        let dir = tempfile::Builder::new().prefix("rc-").tempdir_in("/tmp").unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["home", "run", "bin"] {
            fs::create_dir(path(folder)).unwrap();
        }
        fs::set_permissions(path("run"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(path("bin/xdg-open"), BROWSER).unwrap();
        fs::set_permissions(path("bin/xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();

        let said = fs::File::create(path("display")).unwrap();
        let display = Process::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1100x800x24", "-nolisten", "tcp", "-noreset"])
                .stdin(Stdio::null())
                .stdout(said)
                .stderr(Stdio::null()),
        );
        fs::write(path("bus.conf"), BUS.replace("SOCKET", &path("bus").display().to_string())).unwrap();
        let bus = Process::start(
            Command::new("dbus-daemon")
                .arg(format!("--config-file={}", path("bus.conf").display()))
                .args(["--nofork", "--nopidfile"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let number = until("Xvfb says its number", async || {
            fs::read_to_string(path("display")).ok().filter(|said| said.ends_with('\n'))
        });
        let number = number.await.trim().to_owned();
        until("the bus listens", async || path("bus").exists().then_some(())).await;
        Self { _display: display, _bus: bus, display: format!(":{number}"), dir, name, log: None, is_read: false }
    }

    /// The same, where the first start is over: a relay is named with a key, and a meter's database may be there.
    pub(crate) async fn ready(name: &'static str, relay: &str, key: &str) -> Self {
        let stage = Self::set(name).await;
        stage.settings(&format!("relay = \"{relay}\"\nkey = \"{key}\"\nvisibility = \"public\"\n"));
        stage.own(&json!({"format": 1, "firstDone": true}));
        stage
    }

    /// The same, where somebody looks for a fault: the log holds all that there is to say.
    pub(crate) fn loud(mut self) -> Self {
        self.log = Some("debug");
        self
    }

    /// The same, where a screen reader listens.
    pub(crate) fn read_aloud(mut self) -> Self {
        self.is_read = true;
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    pub(crate) fn bus_address(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home().join("config/raidcast/config.toml")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home().join("data/raidcast")
    }

    /// Where the meter keeps its database.
    pub(crate) fn meter(&self) -> PathBuf {
        let folder = self.home().join("data/resonance-logs");
        fs::create_dir_all(&folder).unwrap();
        folder.join("resonance-logs.db")
    }

    /// This stands in the settings file.
    pub(crate) fn settings(&self, text: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), text).unwrap();
    }

    /// This stands in the app's own file.
    pub(crate) fn own(&self, own: &Value) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config().with_file_name("desktop.json"), own.to_string()).unwrap();
    }

    /// What was opened in the browser.
    pub(crate) fn opened(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home().join("opened")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lets a program see this stage and nothing else.
    pub(crate) fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["RAIDCAST_", "LC_", "LANG", "XDG_", "GTK_", "GDK_", "WEBKIT_", "TAURI_"]
                .iter()
                .any(|own| name.starts_with(own))
            {
                command.env_remove(&*name);
            }
        }
        match self.log {
            Some(log) => command.env("RUST_LOG", log),
            None => command.env_remove("RUST_LOG"),
        };
        match self.is_read {
            true => command.env_remove("NO_AT_BRIDGE"),
            false => command.env("NO_AT_BRIDGE", "1"),
        };
        let home = self.home();
        let mut path = vec![self.path("bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        command
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("LANG", "en_GB.UTF-8")
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus_address())
            .env("GDK_BACKEND", "x11")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .current_dir(&home)
            .stdin(Stdio::null())
    }

    /// What the programs of this stage say.
    pub(crate) fn said_to(&self, name: &str) -> fs::File {
        fs::File::options().create(true).append(true).open(self.path(name)).unwrap()
    }

    /// Starts the app.
    pub(crate) fn app(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(APP);
        command.args(arguments);
        Process::start(self.dress(&mut command).stdout(self.said_to("app.said")).stderr(self.said_to("app.said")))
    }

    /// Starts the app where its state folder is a disk of its own, of so many KiB; gives the folder as the app sees it,
    /// which others do not. `None`: the system lets this user make none.
    pub(crate) fn app_on_a_small_disk(&self, kib: u32, arguments: &[&str]) -> Option<(Process, PathBuf)> {
        // What the kernel keeps for the one process, a mount in it, and then the program in its place.
        const APART: [&str; 4] = ["--map-current-user", "--keep-caps", "--mount", "sh"];
        const MOUNT: &str = "mount -t tmpfs -o size=$0k,mode=0700 tmpfs \"$1\" && shift && exec \"$@\"";
        fs::create_dir_all(self.state()).unwrap();
        let apart = |program: &str| {
            let mut command = Command::new("unshare");
            command.args(APART).args(["-c", MOUNT]).arg(kib.to_string()).arg(self.state()).arg(program);
            command
        };
        let tried = self.dress(&mut apart("true")).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !tried.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = apart(APP);
        command.args(arguments);
        let said = self.said_to("app.said");
        let app = Process::start(self.dress(&mut command).stdout(said.try_clone().unwrap()).stderr(said));
        let folder = PathBuf::from(format!("/proc/{}/root{}", app.id(), self.state().display()));
        Some((app, folder))
    }

    /// Starts the command line's program.
    pub(crate) fn raidcast(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(program("raidcast"));
        command.args(arguments);
        let said = self.said_to("raidcast.said");
        Process::start(self.dress(&mut command).stdout(said.try_clone().unwrap()).stderr(said))
    }

    /// All files of the app's log.
    pub(crate) fn logs(&self) -> Vec<PathBuf> {
        files(self.dir.path()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "log")).collect()
    }

    fn tell_why(&self) {
        eprintln!("--- {} failed; what it had to say:", self.name);
        let own = ["app.said", "raidcast.said", "driver.said", "replay.said"].map(|name| self.path(name));
        for path in own.into_iter().chain(self.logs()) {
            let said = fs::read(&path).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let lines: Vec<_> = said.lines().collect();
            if !lines.is_empty() {
                eprintln!("--- {}\n{}", path.display(), lines[lines.len().saturating_sub(40)..].join("\n"));
            }
        }
        if let Some(file) = crate::shot::shoot(self, &format!("failed-{}", self.name)) {
            eprintln!("--- the screen: {}", file.display());
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_why();
        }
    }
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// A program of the workspace that was built before: nothing is built in a test.
pub(crate) fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("RAIDCAST_BIN_DIR").map_or_else(
        || Path::new(APP).parent().unwrap().to_owned(),
        |folder| {
            // As cargo's own folders: from the workspace's root.
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PathBuf::from(folder))
        },
    );
    folder.join(name)
}

/// Whether all is here that these tests need. Where it must be, what is missing is a failure.
pub(crate) fn can_run() -> bool {
    let dirs: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let on_path = |program: &&str| dirs.iter().any(|dir| dir.join(program).is_file());
    let mut missing: Vec<_> = ["Xvfb", "dbus-daemon", "WebKitWebDriver", "import", "gnome-keyring-daemon"]
        .into_iter()
        .filter(|program| !on_path(program))
        .map(str::to_owned)
        .collect();
    let built = ["raidcast", "raidcast-relay"].map(program).into_iter().filter(|path| !path.is_file());
    missing.extend(built.map(|path| path.display().to_string()));
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("RAIDCAST_TEST_ALL").is_none(), "not here: {}", missing.join(", "));
    println!("SKIPPED: not here: {}", missing.join(", "));
    false
}
