//! Real processes for the tests that take them away: the client, the relay, and what stands between them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use raidcast_shared::codec;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Hello, UplinkFrame, UplinkReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::raw::becomes;
use crate::script::{Uploader, reply, send_bytes, uplink};

pub(crate) const KEY: &str = "a-key-for-kills";

pub(crate) const RELAY: &str = env!("CARGO_BIN_EXE_raidcast-relay");

/// Ends its process when the test ends, however that goes.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A small generator: the same kills in every run.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// The client's binary stands beside the relay's; built here where a test of the relay alone did not. Of what the tests
/// are built of: with the examples come their features, so that after a build of all tests there is nothing to do.
pub(crate) fn client() -> PathBuf {
    let relay = Path::new(RELAY);
    let client = relay.with_file_name("raidcast");
    // `cargo xtask test` has built everything before the first test runs.
    if std::env::var_os("RAIDCAST_TEST_ALL").is_some() {
        assert!(client.exists(), "the client is not built: run `cargo build -p raidcast`");
        return client;
    }
    let mut cargo = Command::new(env!("CARGO"));
    // A test is told of its own package what ring's build script asks for: half of the workspace would be built anew
    // for that, by this and by who builds after it.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told == "OUT_DIR" || told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    // Without the desktop app: it needs what a machine for the relay does not have.
    let programs = ["build", "--quiet", "--workspace", "--exclude", "raidcast-desktop", "--bins", "--examples"];
    let built = cargo.args(programs).status();
    assert!(built.is_ok_and(|status| status.success()) && client.exists(), "the client does not build");
    client
}

pub(crate) struct Run {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    /// Where the client thinks that the relay is.
    pub(crate) client_port: u16,
    client: PathBuf,
}

impl Run {
    pub(crate) fn new(client: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a data folder");
        // One secret for all runs: players have the same keys.
        std::fs::write(folder.path().join("data/relay.key"), [7; 32]).expect("a secret");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        Self { folder, port, client_port: port, client: client.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn relay(&self) -> Process {
        self.relay_under(&mut Command::new(RELAY))
    }

    /// The relay as the last arguments of another command, or as that command itself.
    pub(crate) fn relay_under(&self, command: &mut Command) -> Process {
        let child = command
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.path("data"))
            .env("RAIDCAST_UPLOAD_KEY", KEY)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn();
        Process(child.expect("the relay starts"))
    }

    /// The relay as it is started by default, its log in a file.
    pub(crate) fn relay_with_log(&self, log: &Path) -> Process {
        self.relay_logging(log, Command::new(RELAY).env_remove("RUST_LOG"))
    }

    /// The same, with what else is set for it.
    pub(crate) fn relay_logging(&self, log: &Path, command: &mut Command) -> Process {
        let child = command
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.path("data"))
            .env("RAIDCAST_UPLOAD_KEY", KEY)
            .env_remove("NO_COLOR")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(log).expect("a log"))
            .spawn();
        Process(child.expect("the relay starts"))
    }

    pub(crate) fn watch(&self) -> Process {
        let child = Command::new(&self.client)
            .args(["watch", "--json", "--visibility", "public", "--until-idle", "5", "--relay"])
            .arg(format!("http://127.0.0.1:{}", self.client_port))
            .arg("--db")
            .arg(self.path("meter.db"))
            .arg("--state")
            .arg(self.path("state"))
            .env("RAIDCAST_KEY", KEY)
            .stdout(self.log())
            .stderr(self.log())
            .spawn();
        Process(child.expect("the client starts"))
    }

    fn log(&self) -> std::fs::File {
        let log = std::fs::File::options().create(true).append(true).open(self.path("watch.log"));
        log.expect("a log of the client's")
    }

    /// What the client said last: why a test failed.
    pub(crate) fn said(&self) -> String {
        let said = std::fs::read_to_string(self.path("watch.log")).unwrap_or_default();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Waits until the relay takes an upload.
    pub(crate) async fn uploader(&self, hello: Hello) -> Uploader {
        self.ready().await;
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut socket = uplink(&url, KEY).await.expect("the uplink opens");
        send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(hello))).await;
        let Some(UplinkReply::Welcome(welcome)) = reply(&mut socket).await else { panic!("no welcome") };
        Uploader { socket, welcome }
    }

    pub(crate) async fn get(&self, path: &str) -> Option<serde_json::Value> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: relay\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// Waits until the relay answers.
    pub(crate) async fn ready(&self) {
        becomes("the relay's start", async || self.get("/health").await.is_some()).await;
    }

    /// The one report, without its ids.
    pub(crate) async fn report(&self) -> Report {
        let list = self.get("/api/v1/reports").await.expect("a list");
        assert_eq!(list["pagination"]["total"], 1, "{list}; the client said: {}", self.said());
        let id = list["reports"][0]["reportId"].as_str().expect("an id").to_owned();
        let report = self.get(&format!("/api/v1/reports/{id}")).await.expect("a report");
        let report: Report = serde_json::from_value(report).expect("a report");
        Report { report_id: String::new(), raid: String::new(), ..report }
    }
}
