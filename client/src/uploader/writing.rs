//! To the disk: what was read stands in spools before anything else happens to it.

use std::io;

use super::folder::FolderError;
use super::trouble::Stall;
use super::{Change, Uploader, WatchError};
use crate::spool::SpoolError;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Writes what the disk did not take before.
    pub(super) fn flush(&mut self, now_ms: u64) {
        if !self.disk.is_due(now_ms) {
            return;
        }
        let failed = self.streams.flush();
        let failed = self.ledger.save(self.disk.folder()).or(failed);
        let failed = self.session.save_unsaved(self.disk.folder(), now_ms).err().or(failed);
        if let Some(why) = failed {
            self.disk_failed(&why, now_ms);
            return;
        }
        // What is to go into a raid that the disk does not take waits.
        let has_raid = !self.session.awaits_next() || self.renew_raid(now_ms);
        if has_raid && self.disk.worked() {
            self.meter.read_again();
            self.announcer.tell(Change::Resumed);
        }
    }

    /// The disk took nothing.
    pub(super) fn disk_failed(&mut self, error: &io::Error, now_ms: u64) {
        let dir = self.options.state.clone();
        let why = if self.disk.folder().is_gone() {
            Stall::Deleted { dir }
        } else {
            Stall::Unwritable { dir, error: error.into() }
        };
        self.stalled(why, now_ms);
    }

    fn stalled(&mut self, why: Stall, now_ms: u64) {
        if self.disk.failed(why.clone(), now_ms) {
            self.announcer.tell(Change::Stalled { why });
        }
    }

    /// Makes the state folder anew where it was deleted, and writes all of it again: it is in memory, and open.
    ///
    /// # Errors
    /// Another client has made it anew: two would stream the same.
    pub(super) fn look_after_folder(&mut self, now_ms: u64) -> Result<(), WatchError> {
        if !self.disk.is_due(now_ms) {
            return Ok(());
        }
        match self.disk.keep_folder() {
            Ok(false) if !self.disk.is_stalled() => return Ok(()),
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!(folder = %self.options.state.display(), "the state folder was deleted; it is written again");
                let _ = self.session.save_raid(self.disk.folder(), now_ms);
                self.ledger.save_again();
            }
            Err(FolderError::Io { error, .. }) => {
                self.disk_failed(&error, now_ms);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        match self.streams.restore() {
            None => {}
            Some(SpoolError::Lost { path }) => self.stalled(Stall::SpoolLost { path }, now_ms),
            Some(error) => self.disk_failed(&error.into(), now_ms),
        }
        Ok(())
    }

    /// Makes spools durable, and saves when the raid's last fight was, now and then.
    pub(super) fn sync(&mut self, now_ms: u64) {
        if self.disk.sync(now_ms, || self.streams.take_unsynced()) {
            self.session.save_raid_now_and_then(self.disk.folder(), self.activity.event_ms(), now_ms);
        }
    }

    /// Leaves everything so that the next start goes on from here.
    pub(super) fn close(&mut self) {
        let now_ms = self.options.clock.elapsed_ms();
        self.disk.try_again();
        if self.look_after_folder(now_ms).is_err() || self.disk.folder().is_gone() {
            // What stands there now is another client's.
            return;
        }
        self.flush(now_ms);
        self.streams.sync();
        let _ = self.session.save_raid(self.disk.folder(), now_ms);
        self.tell_folder(false);
    }
}
