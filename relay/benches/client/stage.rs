//! A relay, a client before it, and the folder that holds what they write.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{Instant, sleep};

use crate::link::{Acked, Link};
use crate::meter::{Commit, Generation};
use crate::process::{Process, Usage, client, relay};

/// Longer than a client needs for anything but a hang.
const PATIENCE: Duration = Duration::from_mins(5);
/// A sealed chunk spans so many ms of its fight.
const CHUNK_MS: i64 = raidcast_meterkit::chunks::CHUNK_SPAN_MAX_MS;

/// Everything of a run but the meter.
pub(crate) struct Stage {
    client: Option<Process>,
    _relay: Process,
    pub(crate) link: Link,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts a relay.
    pub(crate) async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (relay, port) = relay(&folder.path().join("relay")).await?;
        Ok(Self { client: None, _relay: relay, link: Link::start(port).await?, folder })
    }

    /// Where the meter writes.
    pub(crate) fn db(&self) -> PathBuf {
        self.folder.path().join("meter.db")
    }

    /// Starts the client.
    pub(crate) fn watch(&mut self) -> Result<()> {
        self.client = Some(client(&self.db(), &self.folder.path().join("client"), self.link.port)?);
        Ok(())
    }

    /// What the client has used.
    pub(crate) fn usage(&self) -> Result<Usage> {
        self.client.as_ref().and_then(Process::usage).context("the client ended")
    }

    /// Waits until the relay has acknowledged all hits up to a moment of the fight, ms.
    pub(crate) async fn caught_up(&self, ms: i64) -> Result<()> {
        self.until(|link| link.acked_ms().is_some_and(|acked| i64::from(acked) >= ms)).await
    }

    /// Waits until the fight has its report.
    pub(crate) async fn finalized(&self) -> Result<()> {
        self.until(Link::is_finalized).await
    }

    async fn until(&self, done: impl Fn(&Link) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !done(&self.link) {
            self.usage()?;
            if Instant::now() > end {
                bail!("the client does not get on");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// From the meter's commit of each delta's newest hit to its acknowledgement, ms.
    pub(crate) async fn waits(&self, generation: Generation, commits: &[Commit], acked: &[Acked]) -> Result<Vec<f64>> {
        let chunks = match generation {
            Generation::Aggregate => Vec::new(),
            Generation::Chunks => self.chunks().await?,
        };
        // A chunk is committed when its span is over.
        let written_ms = |ms: i64| {
            let chunk = chunks.partition_point(|(start_ms, _)| *start_ms <= ms).checked_sub(1).map(|at| chunks[at]);
            chunk.filter(|(_, end_ms)| ms < *end_ms).map_or(ms, |(start_ms, _)| start_ms + CHUNK_MS)
        };
        let waits = acked.iter().filter_map(|acked| {
            let written_ms = written_ms(acked.last_ms.into());
            let commit = commits.get(commits.partition_point(|commit| commit.until_ms < written_ms))?;
            // What was committed before this span of the fight waits for nothing of it.
            (commits.first()?.until_ms < written_ms).then(|| (acked.unix_ms - commit.unix_ms) as f64)
        });
        Ok(waits.collect())
    }

    /// Begin and end of the chunks of hits, ms.
    async fn chunks(&self) -> Result<Vec<(i64, i64)>> {
        let mut db = SqliteConnectOptions::new().filename(self.db()).read_only(true).connect().await?;
        let chunks = sqlx::query_as(
            "SELECT start_offset_ms, end_offset_ms_exclusive FROM encounter_event_chunks
             WHERE stream_kind = 'combat' ORDER BY chunk_index",
        )
        .fetch_all(&mut db)
        .await?;
        db.close().await?;
        Ok(chunks)
    }
}

/// The value that so large a share of them does not exceed.
pub(crate) fn share(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
