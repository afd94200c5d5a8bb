//! Processes, and what the kernel says of them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;

/// The relay that cargo built for this bench; the client stands beside it.
const RELAY: &str = env!("CARGO_BIN_EXE_raidcast-relay");
/// The key that the client uploads with.
const KEY: &str = "a-key-for-benches";

/// Ends its process when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process has used since it began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time of all its threads, seconds.
    pub(crate) cpu_s: f64,
    /// The most memory that it had at once, MB.
    pub(crate) peak_mb: f64,
    /// Bytes that it asked the kernel to read, from wherever: files for the most part, cached or not.
    pub(crate) read_bytes: u64,
    /// How often it asked.
    pub(crate) reads: u64,
}

impl Usage {
    /// What was used since an earlier moment.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu_s: self.cpu_s - before.cpu_s,
            peak_mb: self.peak_mb,
            read_bytes: self.read_bytes - before.read_bytes,
            reads: self.reads - before.reads,
        }
    }
}

impl Process {
    /// What it has used; `None` once it has ended.
    pub(crate) fn usage(&self) -> Option<Usage> {
        usage(&self.0.id().to_string())
    }
}

/// What a process has used, by its name below /proc.
pub(crate) fn usage(pid: &str) -> Option<Usage> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let spent = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    let ns: f64 = spent.filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok()).sum();
    let field = |file: &str, name: &str| -> Option<u64> {
        read(file)?.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
    };
    Some(Usage {
        cpu_s: ns / 1e9,
        peak_mb: field("status", "VmHWM:")? as f64 / 1024.0,
        read_bytes: field("io", "rchar:")?,
        reads: field("io", "syscr:")?,
    })
}

/// Starts a relay; gives its address once it answers.
pub(crate) async fn relay(data: &Path) -> Result<(Process, u16)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(RELAY)
        .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data)
        .env("RAIDCAST_UPLOAD_KEY", KEY)
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .context("could not start the relay")?;
    let relay = Process(child);
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok((relay, port));
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the relay does not answer")
}

/// Starts `raidcast watch` on a database.
pub(crate) fn client(db: &Path, state: &Path, port: u16) -> Result<Process> {
    let program: PathBuf = Path::new(RELAY).with_file_name("raidcast");
    let child = Command::new(&program)
        .args(["watch", "--relay", &format!("http://127.0.0.1:{port}"), "--db"])
        .arg(db)
        .arg("--state")
        .arg(state)
        .env("RAIDCAST_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start {}: `cargo xtask bench client` builds it", program.display()))?;
    Ok(Process(child))
}
