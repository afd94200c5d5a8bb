//! To the disk: what was read stands in spools before anything else happens to it.

use super::{Change, Uploader};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Writes what the disk did not take before.
    pub(super) fn flush(&mut self, now_ms: u64) {
        if !self.disk.is_due(now_ms) {
            return;
        }
        let failed = self.streams.flush();
        let failed = self.ledger.save(self.disk.folder()).or(failed);
        if let Some(why) = failed {
            self.disk_failed(&why, now_ms);
        } else if self.disk.worked() {
            self.meter.read_again();
            self.announcer.tell(Change::Resumed);
        }
    }

    /// The disk took nothing.
    pub(super) fn disk_failed(&mut self, why: &str, now_ms: u64) {
        if self.disk.failed(now_ms) {
            let folder = self.options.state.display();
            let why = format!(
                "Nothing can be written to {folder} ({why}). Make room there. Nothing is lost: the meter keeps its fights."
            );
            self.announcer.tell(Change::Stalled { why });
        }
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
        self.flush(now_ms);
        self.streams.sync();
        self.session.save_raid(self.disk.folder(), now_ms);
        self.tell_folder(false);
    }
}
