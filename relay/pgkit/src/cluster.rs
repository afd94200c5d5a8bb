//! A cluster: made, started, killed, started again, gone.

use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use crate::install::{Install, User};

/// The superuser; nobody but processes of this machine that may read its folder reaches the server.
const USER: &str = "raidcast";
/// Starting takes a third of a second; recovery after a kill, on a busy machine, some.
const START_POLLS: u32 = 1_200;
const START_POLL: Duration = Duration::from_millis(25);

/// Runs a server until its standard input says `keep` or ends; in the latter case all of it is removed.
///
/// A signal for the whole group of the process that started it (Ctrl-C, a test runner's time-out) does not reach it:
/// it stands in a group of its own, and ends because that process does.
const WATCHDOG: &str = r#"
"$1" -D "$2/data" -k "$2" >"$2/log" 2>&1 </dev/null &
server=$!
read -r word
kill -QUIT "$server" 2>/dev/null
wait "$server"
if [ "$word" != keep ]; then
    rm -rf "$2"
fi
"#;

/// Waits until the process that started it has ended, and drops a database of its.
const DROPPER: &str = r#"
read -r word
"$1" -X -q -U "$2" -h "$3" -d postgres -c "DROP DATABASE IF EXISTS $4 WITH (FORCE)" >/dev/null 2>&1
"#;

/// Settings that keep a throw-away cluster to itself, and as safe as a real one.
const SETTINGS: &str = "
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 200
shared_buffers = 32MB
fsync = on
synchronous_commit = off    # as an operator may have it who does not care; the store must not depend on it
autovacuum_naptime = 5
log_min_messages = warning
";

/// Of a cluster that many tests share. It is never killed, and what a power cut would lose of it nobody reads again: its
/// commits and checkpoints wait for no disk.
const SHARED_SETTINGS: &str = "
fsync = off
full_page_writes = off
";

/// A PostgreSQL server of one's own, and all it keeps.
#[derive(Debug)]
pub struct Cluster {
    install: Install,
    user: Option<User>,
    folder: PathBuf,
    watchdog: Option<Child>,
    databases: AtomicU32,
    /// What drops the databases of this process after its end, where the cluster is another's; else it goes with them.
    droppers: Option<Mutex<Vec<Child>>>,
}

/// This variable names the folder of a cluster that the tests of many processes share. Who sets it holds the cluster
/// until all of them have ended.
pub const SHARED: &str = "RAIDCAST_TEST_CLUSTER";

/// The cluster that the tests of this process share, also with others if [`SHARED`] says so; `None`, told aloud, where
/// there is no PostgreSQL.
///
/// # Panics
/// It does not start, or it is missing and must not be ([`REQUIRE`](crate::REQUIRE)).
pub fn shared() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    // Never dropped: the watchdog ends it with the process.
    let cluster = CLUSTER.get_or_init(|| {
        let install = Install::find_or_skip()?;
        Some(match std::env::var_os(SHARED) {
            Some(folder) => Cluster::of_another(install, folder.into()),
            None => Cluster::start_to_share(install),
        })
    });
    cluster.as_ref()
}

impl Cluster {
    /// Makes a cluster and starts it. Takes about a second.
    ///
    /// # Panics
    /// It cannot be made or does not start; the text tells what the server said.
    pub fn start(install: Install) -> Self {
        Self::start_with(install, "")
    }

    /// The same for many tests, none of which kills it: it syncs nothing to disk.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_to_share(install: Install) -> Self {
        Self::start_with(install, SHARED_SETTINGS)
    }

    fn start_with(install: Install, settings: &str) -> Self {
        let user = User::of_server();
        let folder = new_folder(user);
        let databases = AtomicU32::new(0);
        let mut cluster = Self { install, user, folder, watchdog: None, databases, droppers: None };
        cluster.init(settings);
        cluster.watch();
        cluster
    }

    /// One that another process has started, and ends.
    fn of_another(install: Install, folder: PathBuf) -> Self {
        let (databases, droppers) = (AtomicU32::new(0), Some(Mutex::default()));
        Self { install, user: User::of_server(), folder, watchdog: None, databases, droppers }
    }

    /// Where all of it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a database is.
    pub fn url(&self, database: &str) -> String {
        // The folder's name needs no escapes but for its slashes.
        format!("postgres://{USER}@localhost/{database}?host={}", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// Makes an empty database and tells where it is.
    pub fn new_database(&self) -> String {
        // The template that no test connects to, so that none is in the way.
        self.copy_of("template0")
    }

    /// Makes a database that is as another one, to which nobody may be connected.
    pub(crate) fn copy_of(&self, template: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = match &self.droppers {
            None => format!("test_{number}"),
            // Numbers of processes come again.
            Some(_) => format!("test_{number}_{:x}", RandomState::new().hash_one(number)),
        };
        self.create(&name, template);
        if let Some(droppers) = &self.droppers {
            droppers.lock().expect("nothing panics with it").push(self.dropper(&name));
        }
        self.url(&name)
    }

    pub(crate) fn create(&self, name: &str, template: &str) {
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log"));
    }

    /// Runs statements, each as psql reads it, and gives the rows as psql prints them, unaligned and without titles.
    ///
    /// # Panics
    /// One of them fails.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let mut command = self.psql(database);
        let output = command.args(["-c", sql]).output().expect("psql starts");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs a file of statements.
    ///
    /// # Panics
    /// One of them fails.
    pub fn run_file(&self, database: &str, file: &Path) {
        let status = self.psql(database).arg("-f").arg(file).stdout(Stdio::null()).status().expect("psql starts");
        assert!(status.success(), "{} failed", file.display());
    }

    /// Kills the server as a power cut would, as far as its processes go. [`restart`](Self::restart) starts it again.
    pub fn kill(&mut self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("the server has a pid file");
        let pid = pid.lines().next().expect("its first line is the pid").to_owned();
        signal("-KILL", &pid);
        // Its other processes notice and end; the watchdog waits for the first alone.
        self.unwatch("keep\n");
    }

    /// Stops the server at once, as `pg_ctl stop -m immediate` does.
    pub fn stop(&mut self) {
        self.unwatch("keep\n");
    }

    /// Starts the server again, with all it had on disk.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        self.watch();
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = self.command("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", USER, "-h"]);
        command.arg(&self.folder).args(["-d", database]);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.install.program(program));
        self.as_server(&mut command);
        command
    }

    fn as_server(&self, command: &mut Command) {
        command.current_dir(&self.folder).env("LC_ALL", "C").stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
    }

    /// `more`: settings beside those that all have.
    fn init(&self, more: &str) {
        let data = self.folder.join("data");
        let mut command = self.command("initdb");
        // Nothing is kept, so that only what the server writes later is synced. One MiB a WAL segment: small on disk.
        command.args(["--no-sync", "--wal-segsize=1", "--encoding=UTF8", "--locale=C", "--auth=trust", "-U", USER]);
        let output = command.arg("-D").arg(&data).output().expect("initdb starts");
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        let file = data.join("postgresql.conf");
        let settings = std::fs::read_to_string(&file).expect("initdb writes settings") + SETTINGS + more;
        std::fs::write(&file, settings).expect("settings can be written");
    }

    fn watch(&mut self) {
        for _ in 0..START_POLLS {
            if self.watchdog.is_none() {
                self.spawn();
            }
            let mut probe = self.psql("postgres");
            let ready = probe.args(["-c", "SELECT 1"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if ready.expect("psql starts").success() {
                return;
            }
            if self.log().contains("is still in use") {
                // Processes of one that was killed are on their way out.
                self.unwatch("keep\n");
            }
            std::thread::sleep(START_POLL);
        }
        panic!("the server does not start:\n{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn spawn(&mut self) {
        let mut command = Command::new("sh");
        self.as_server(&mut command);
        command.args(["-c", WATCHDOG, "watchdog"]).arg(self.install.program("postgres")).arg(&self.folder);
        // Not the pipes of the process that starts it: a test runner waits for their ends.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        self.watchdog = Some(command.spawn().expect("sh starts"));
    }

    fn dropper(&self, database: &str) -> Child {
        let mut command = Command::new("sh");
        self.as_server(&mut command);
        command.args(["-c", DROPPER, "dropper"]).arg(self.install.program("psql"));
        command.arg(USER).arg(&self.folder).arg(database);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        command.spawn().expect("sh starts")
    }

    fn unwatch(&mut self, word: &str) -> Option<ExitStatus> {
        use std::io::Write as _;
        let mut watchdog = self.watchdog.take()?;
        if let Some(mut input) = watchdog.stdin.take() {
            let _ = input.write_all(word.as_bytes());
        }
        watchdog.wait().ok()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.droppers.is_some() {
            return;
        }
        self.unwatch("");
        // Where it was killed there is no watchdog that would.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder that only the server's user can enter. Its path is short: a socket's may have a hundred bytes.
fn new_folder(user: Option<User>) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("raidcast-pg-{}-{number}", std::process::id()));
    // One that a process with the same id could not remove.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("the temporary folder can be written");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).expect("a folder of ours");
    if let Some(user) = user {
        chown(&folder, Some(user.uid), Some(user.gid)).expect("root may give folders away");
    }
    folder
}

fn signal(signal: &str, pid: &str) {
    let status = Command::new("kill").args([signal, pid]).status().expect("kill starts");
    assert!(status.success(), "kill {signal} {pid} failed");
}
