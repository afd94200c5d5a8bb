//! The uploader's side towards its own disk: what was read stands in spools before anything else happens to it.

use super::record::{NOW_MS, Now, OnItsWay, Queued};
use super::stream::{Standing, Stream};
use super::{Change, Uploader};
use crate::source::Fight;

/// A disk that took nothing is tried again after, ms.
const DISK_MS: u64 = 1_000;
/// Spools are made durable this often, ms; a power cut costs at most what the meter's database still has.
const SYNC_MS: u64 = 1_000;
/// How often the time of the raid's last event is saved, ms.
const RAID_SAVE_MS: u64 = 60_000;
/// How often the folder may be told how things stand, ms.
const NOW_PACE_MS: u64 = 1_000;
/// Of so many waiting fights the folder is told which they are.
const QUEUE_TOLD: usize = 100;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Writes what the disk did not take before.
    pub(super) fn flush(&mut self, now_ms: u64) {
        if self.stalled && now_ms < self.next_disk_ms {
            return;
        }
        let mut failed = None;
        for stream in &mut self.streams {
            if let Err(error) = stream.flush() {
                failed = Some(error.to_string());
            }
        }
        if self.fights_unsaved {
            match self.folder.save_fights(&self.fights) {
                Ok(()) => self.fights_unsaved = false,
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if self.record_unsaved {
            match self.record.save(self.folder.dir()) {
                Ok(()) => self.record_unsaved = false,
                Err(error) => failed = Some(error.to_string()),
            }
        }
        match failed {
            Some(why) => self.disk_failed(&why, now_ms),
            None if self.stalled => {
                self.stalled = false;
                self.changed = true;
                self.tell(Change::Resumed);
            }
            None => {}
        }
    }

    pub(super) fn disk_failed(&mut self, why: &str, now_ms: u64) {
        self.next_disk_ms = now_ms + DISK_MS;
        if !self.stalled {
            self.stalled = true;
            let folder = self.options.state.display();
            let why = format!(
                "Nothing can be written to {folder} ({why}). Make room there. Nothing is lost: the meter keeps its fights."
            );
            self.tell(Change::Stalled { why });
        }
    }

    /// Makes spools durable now and then, on another thread.
    pub(super) fn sync(&mut self, now_ms: u64) {
        if now_ms < self.next_sync_ms || self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return;
        }
        self.next_sync_ms = now_ms + SYNC_MS;
        let files: Vec<_> = self.streams.iter_mut().filter_map(|stream| stream.spool_mut().take_unsynced()).collect();
        if !files.is_empty() {
            self.syncing = Some(tokio::task::spawn_blocking(move || {
                for file in files {
                    if let Err(error) = file.sync_data() {
                        tracing::warn!(%error, "could not sync a spool");
                    }
                }
            }));
        }
        if now_ms.saturating_sub(self.raid_saved_ms) >= RAID_SAVE_MS && self.last_event_ms > self.raid_saved_ms {
            self.save_raid(now_ms);
        }
    }

    pub(super) fn save_raid(&mut self, now_ms: u64) {
        self.raid_saved_ms = now_ms;
        if let Err(error) = self.folder.save_raid(&self.raid) {
            tracing::warn!(%error, "could not save when the raid's last fight was");
        }
    }

    /// Leaves everything so that the next start goes on from here.
    pub(super) fn close(&mut self) {
        let now_ms = self.options.clock.elapsed_ms();
        self.stalled = false;
        self.flush(now_ms);
        for stream in &mut self.streams {
            if let Err(error) = stream.spool_mut().sync() {
                tracing::warn!(%error, "could not sync a spool");
            }
        }
        self.save_raid(now_ms);
        self.tell_folder(false);
    }

    /// Says in the folder how things stand, when that changed and every few seconds.
    pub(super) fn save_now(&mut self, now_ms: u64) {
        if now_ms >= self.next_now_ms {
            self.next_now_ms = now_ms + NOW_PACE_MS;
            self.tell_folder(true);
        }
    }

    fn tell_folder(&mut self, running: bool) {
        let unix_ms = self.options.clock.unix_ms();
        let now = Now { at_ms: self.told_now.at_ms, ..self.now(running) };
        let is_young = (0..NOW_MS as i64).contains(&(unix_ms - now.at_ms));
        if now == self.told_now && is_young {
            return;
        }
        self.told_now = Now { at_ms: unix_ms, ..now };
        if let Err(error) = self.told_now.save(self.folder.dir()) {
            tracing::debug!(%error, "could not say in the folder how things stand");
        }
    }

    fn now(&self, running: bool) -> Now {
        let not_connected = || self.told_disconnected.as_ref().map(|why| format!("Not connected. {why}"));
        let meter = || (!self.trouble.is_empty() && self.trouble_since_ms.is_some()).then(|| self.trouble.clone());
        let disk = || self.stalled.then(|| "Nothing can be written to the state folder. Make room there.".to_owned());
        let on_its_way = |stream: &Stream| OnItsWay {
            encounter: stream.encounter().to_string(),
            acked: stream.acked(),
            url: stream.report.as_ref().map(|(_, url)| url.clone()),
            open: matches!(stream.standing, Standing::Open { .. }),
            given_up: stream.standing == Standing::GivenUp,
            why: stream.refusal.clone(),
        };
        let queued = |fight: &Fight| Queued {
            encounter: fight.encounter.to_string(),
            scene: fight.scene.clone(),
            started_at_ms: fight.started_at_ms,
            duration_ms: fight
                .end
                .as_ref()
                .and_then(|end| end.ended_at_ms.saturating_sub(fight.started_at_ms).try_into().ok()),
        };
        Now {
            at_ms: 0,
            running,
            history: self.options.history.is_some(),
            process: std::process::id(),
            relay: self.options.relay.clone(),
            connected: self.link.as_ref().is_some_and(|link| link.welcomed),
            raid_url: self.raid_url.clone(),
            trouble: disk().or_else(not_connected).or_else(meter),
            fights: self.streams.iter().map(on_its_way).collect(),
            queue: self.queue.iter().take(QUEUE_TOLD).map(queued).collect(),
        }
    }
}
