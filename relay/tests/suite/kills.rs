//! Client, relay or both killed at random over a 20-player fight: the report is that of an undisturbed run, byte for
//! byte but for its ids. Real processes, real files, SIGKILL.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use raidcast_meterkit::{Fight, Generation, MeterWriter, Script, write_live};
use raidcast_shared::report::Report;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const KEY: &str = "a-key-for-kills";
/// So many times as fast as a real fight: six minutes in thirty seconds.
const SPEED: f64 = 12.0;
const KILLS: usize = 50;

/// Ends its process when the test ends, however that goes.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
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
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// The client's binary stands beside the relay's; built here where a test of the relay alone did not.
fn client() -> PathBuf {
    let relay = Path::new(env!("CARGO_BIN_EXE_raidcast-relay"));
    let client = relay.with_file_name("raidcast");
    let built =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "raidcast", "--bin", "raidcast"]).status();
    assert!(built.is_ok_and(|status| status.success()) && client.exists(), "the client does not build");
    client
}

struct Run {
    folder: tempfile::TempDir,
    port: u16,
    client: PathBuf,
}

impl Run {
    fn new(client: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a data folder");
        // One secret for all runs: players have the same keys.
        std::fs::write(folder.path().join("data/relay.key"), [7; 32]).expect("a secret");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        Self { folder, port, client: client.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn relay(&self) -> Process {
        let child = Command::new(env!("CARGO_BIN_EXE_raidcast-relay"))
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.path("data"))
            .env("RAIDCAST_UPLOAD_KEY", KEY)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn();
        Process(child.expect("the relay starts"))
    }

    fn watch(&self) -> Process {
        let child = Command::new(&self.client)
            .args(["watch", "--visibility", "public", "--until-idle", "5", "--relay"])
            .arg(format!("http://127.0.0.1:{}", self.port))
            .arg("--db")
            .arg(self.path("meter.db"))
            .arg("--state")
            .arg(self.path("state"))
            .env("RAIDCAST_KEY", KEY)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(child.expect("the client starts"))
    }

    async fn get(&self, path: &str) -> Option<serde_json::Value> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: relay\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// The one report, without its ids.
    async fn report(&self) -> Report {
        let list = self.get("/api/v1/reports").await.expect("a list");
        assert_eq!(list["pagination"]["total"], 1, "{list}");
        let id = list["reports"][0]["reportId"].as_str().expect("an id").to_owned();
        let report = self.get(&format!("/api/v1/reports/{id}")).await.expect("a report");
        let report: Report = serde_json::from_value(report).expect("a report");
        Report { report_id: String::new(), raid: String::new(), ..report }
    }
}

/// Lives the fight through while `disturb` does what it does, and gives the report that is kept.
async fn live(run: &Run, generation: Generation, fight: &Fight, kills: usize, seed: u64, delete_state: bool) -> Report {
    let (mut relay, mut watch) = (run.relay(), run.watch());
    let mut meter = MeterWriter::open(&run.path("meter.db"), generation).await.expect("a meter");
    let mut writing = std::pin::pin!(write_live(&mut meter, fight, SPEED));
    let mut chance = Chance(seed);
    let mut killed = 0;
    loop {
        let pause = Duration::from_millis(50 + chance.next(900));
        tokio::select! {
            written = &mut writing => {
                written.expect("the meter writes");
                break;
            }
            () = tokio::time::sleep(pause), if killed < kills => {}
        }
        killed += 1;
        let what = chance.next(3);
        if what != 1 {
            watch.kill();
        }
        if what != 0 {
            relay.kill();
        }
        if delete_state && what != 1 && chance.next(4) == 0 {
            let _ = std::fs::remove_dir_all(run.path("state"));
        }
        if what != 0 {
            relay = run.relay();
        }
        if what != 1 {
            watch = run.watch();
        }
    }
    assert_eq!(killed, kills, "the fight was over too soon");
    let status = tokio::task::spawn_blocking(move || watch.0.wait()).await.expect("it is waited for");
    assert!(status.is_ok_and(|status| status.success()), "the client says that something is not on the relay");
    run.report().await
}

#[tokio::test]
async fn a_report_survives_fifty_kills_byte_for_byte() {
    let client = client();
    let fight = Script::raid(3).fight();
    let (calm, wild) = (Run::new(&client), Run::new(&client));
    let (undisturbed, killed) = tokio::join!(
        live(&calm, Generation::Aggregate, &fight, 0, 0, false),
        live(&wild, Generation::Aggregate, &fight, KILLS, 11, false),
    );
    assert_eq!(undisturbed.fight.totals.damage, fight.player_damage().cast_unsigned());
    assert_eq!(serde_json::to_string(&undisturbed).unwrap(), serde_json::to_string(&killed).unwrap());
}

#[tokio::test]
async fn sealed_chunks_and_a_deleted_state_folder_are_exact_too() {
    let client = client();
    let fight = Script::party(5).fight();
    let (chunks, deleted) = (Run::new(&client), Run::new(&client));
    let (of_chunks, of_deleted) = tokio::join!(
        live(&chunks, Generation::Journal, &fight, 6, 21, false),
        live(&deleted, Generation::Aggregate, &fight, 6, 22, true),
    );
    assert_eq!(of_chunks.fight.totals.damage, fight.player_damage().cast_unsigned());
    assert_eq!(of_deleted.fight.totals, of_chunks.fight.totals);
    assert_eq!(of_deleted.fight.checksum, of_chunks.fight.checksum);
}
