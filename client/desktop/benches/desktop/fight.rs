//! The fights that are followed: scripted ones, and what real meters wrote, lived through again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use raidcast_meterkit::{Generation, MeterWriter, Script, beside, write_live};
use tokio::time::sleep;

use crate::meter::now_ms;
use crate::process::Process;

/// How often is looked whether what plays has ended.
const STEP: Duration = Duration::from_millis(50);

/// A fight of 20 players.
#[derive(Clone, Debug)]
pub(crate) enum Fight {
    /// At its true speed.
    Scripted { generation: Generation, length: Duration },
    /// What a meter wrote.
    Real { generation: Generation, database: PathBuf, speed: f64 },
}

impl Fight {
    pub(crate) fn scripted(generation: Generation, length: Duration) -> Self {
        Self::Scripted { generation, length }
    }

    /// Those that lie beside the workspace, where there is what plays them.
    pub(crate) fn replays(speed: f64) -> Vec<Self> {
        let files = [("aggregate-20p-6min.db", Generation::Aggregate), ("journal-20p-6min.db", Generation::Chunks)];
        let found = files.map(|(file, generation)| {
            let database = beside().join("meters").join(file);
            (database.exists() && tool().exists()).then_some(Self::Real { generation, database, speed })
        });
        found.into_iter().flatten().collect()
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Scripted { generation, length } => format!("{generation:?}, scripted, {} s", length.as_secs()),
            Self::Real { generation, speed, .. } => {
                format!("{generation:?}, a real meter's at {speed} times its speed")
            }
        }
    }

    /// The meter has begun, and no fight.
    pub(crate) async fn prepare(&self, db: &Path) {
        if let Self::Scripted { generation, .. } = self {
            MeterWriter::open(db, *generation).await.unwrap();
        }
    }

    /// Lives through it, from its begin to its end.
    pub(crate) async fn play(self, db: PathBuf) {
        match self {
            Self::Scripted { generation, length } => {
                let script = Script { duration_ms: length.as_millis() as i64, ..Script::raid(1) };
                let fight = script.fight().starting_at(now_ms());
                let mut writer = MeterWriter::open(&db, generation).await.unwrap();
                write_live(&mut writer, &fight, 1.0).await.unwrap();
            }
            Self::Real { database, speed, .. } => {
                let mut python = Command::new("python3");
                python.arg(tool()).args([&database, &db]);
                python.args(["--now", "--gap", "0", "--speed", &speed.to_string()]);
                let mut player = Process::start(python.stdin(Stdio::null()).stdout(Stdio::null()));
                let ended = loop {
                    match player.has_ended() {
                        Some(ended) => break ended,
                        None => sleep(STEP).await,
                    }
                };
                assert!(ended.success(), "the meter's database is not played");
            }
        }
    }
}

/// What lives a database through again.
fn tool() -> PathBuf {
    beside().join("tools/replay_meter.py")
}
