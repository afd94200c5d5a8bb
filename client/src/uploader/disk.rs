//! The uploader's side towards its own disk: what was read stands in spools before anything else happens to it.

use super::{Change, Uploader};

/// A disk that took nothing is tried again after, ms.
const DISK_MS: u64 = 1_000;
/// Spools are made durable this often, ms; a power cut costs at most what the meter's database still has.
const SYNC_MS: u64 = 1_000;
/// How often the time of the raid's last event is saved, ms.
const RAID_SAVE_MS: u64 = 60_000;

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
                "nothing can be written to {folder} ({why}): make room; nothing is lost, the meter keeps its fights"
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
    }
}
