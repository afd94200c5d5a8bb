//! The state folder's disk: whether it takes anything, what it has made durable, and what it is told of the present.

use std::fs::File;

use tokio::task::JoinHandle;

use super::folder::{Folder, FolderError};
use super::record::{NOW_MS, Now};
use super::trouble::Stall;

/// A disk that took nothing is tried again after, ms.
const DISK_MS: u64 = 1_000;
/// Spools are made durable this often, ms; a power cut costs at most what the meter's database still has.
const SYNC_MS: u64 = 1_000;
/// How often the folder may be told how things stand, ms.
const NOW_PACE_MS: u64 = 1_000;

/// The disk of the state folder.
pub(super) struct Disk {
    folder: Folder,
    /// Why nothing can be written.
    stalled: Option<Stall>,
    next_try_ms: u64,
    next_sync_ms: u64,
    syncing: Option<JoinHandle<()>>,
    /// How things stand, as its file says.
    now: Now,
    next_now_ms: u64,
}

impl Disk {
    /// A disk that works, as far as is known.
    pub(super) fn new(folder: Folder) -> Self {
        Self {
            folder,
            stalled: None,
            next_try_ms: 0,
            next_sync_ms: 0,
            syncing: None,
            now: Now::default(),
            next_now_ms: 0,
        }
    }

    /// The folder on it.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Makes the folder anew if it was deleted; whether all in it is to be written again.
    ///
    /// # Errors
    /// As [`Folder::keep`].
    pub(super) fn keep_folder(&mut self) -> Result<bool, FolderError> {
        let is_new = self.folder.keep()?;
        if is_new {
            // What its files said counts no more.
            self.now = Now::default();
        }
        Ok(is_new)
    }

    /// Whether nothing can be written.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.is_some()
    }

    /// Why.
    pub(super) fn trouble(&self) -> Option<&Stall> {
        self.stalled.as_ref()
    }

    /// Whether to write what waits: of a disk that took nothing only now and then.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.stalled.is_none() || now_ms >= self.next_try_ms
    }

    /// To be tried once more whatever it said before.
    pub(super) fn try_again(&mut self) {
        self.stalled = None;
    }

    /// It took nothing; whether that is news.
    pub(super) fn failed(&mut self, why: Stall, now_ms: u64) -> bool {
        self.next_try_ms = now_ms + DISK_MS;
        self.stalled.replace(why).is_none()
    }

    /// It took everything; whether that is news.
    pub(super) fn worked(&mut self) -> bool {
        self.stalled.take().is_some()
    }

    /// Makes files durable now and then, on another thread; whether it was time for it.
    pub(super) fn sync(&mut self, now_ms: u64, files: impl FnOnce() -> Vec<File>) -> bool {
        if now_ms < self.next_sync_ms || self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return false;
        }
        self.next_sync_ms = now_ms + SYNC_MS;
        let files = files();
        if !files.is_empty() {
            self.syncing = Some(tokio::task::spawn_blocking(move || {
                for file in files {
                    if let Err(error) = file.sync_data() {
                        tracing::warn!(%error, "could not sync a spool");
                    }
                }
            }));
        }
        true
    }

    /// Whether the folder is to be told again how things stand.
    pub(super) fn is_now_due(&mut self, now_ms: u64) -> bool {
        let due = now_ms >= self.next_now_ms;
        if due {
            self.next_now_ms = now_ms + NOW_PACE_MS;
        }
        due
    }

    /// Says in the folder how things stand, when that changed and every few seconds.
    pub(super) fn save_now(&mut self, now: Now, unix_ms: i64) {
        let now = Now { at_ms: self.now.at_ms, ..now };
        let is_young = (0..NOW_MS as i64).contains(&(unix_ms - now.at_ms));
        if now == self.now && is_young {
            return;
        }
        self.now = Now { at_ms: unix_ms, ..now };
        if let Err(error) = self.now.save(self.folder.part()) {
            tracing::debug!(%error, "could not say in the folder how things stand");
        }
    }
}
