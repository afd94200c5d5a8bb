//! From who runs it: what is wanted otherwise from now on.

use raidcast_shared::id::EncounterId;

use super::order::Order;
use super::shown_to::ShownTo;
use super::{Change, Uploader};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Does what it is told.
    pub(super) fn obey(&mut self, order: Order) {
        let now_ms = self.options.clock.elapsed_ms();
        let follows = self.options.history.is_none();
        match order {
            Order::Show(shown) => self.show(if follows { shown } else { shown.of_old_fights() }, now_ms),
            Order::TryNow => self.try_now(),
            Order::Again(fights) if follows => self.try_again(&fights),
            Order::LeaveAlone(fights) if follows => self.leave_alone(&fights),
            Order::Again(_) | Order::LeaveAlone(_) => {}
        }
    }

    /// Shows the raid to others from now on: also where the disk does not take it, for it may be to fewer.
    fn show(&mut self, shown: ShownTo, now_ms: u64) {
        if !self.session.goes_on(&self.options) {
            // Nobody means a raid that is over: it is of the one to come, also where the disk does not take that yet.
            self.session.show_next(shown);
            if self.renew_raid(now_ms) {
                self.connect_anew();
            } else {
                self.session.doubt(self.disk.folder());
            }
            return;
        }
        if self.session.show(shown) {
            if let Err(error) = self.session.save_raid(self.disk.folder(), now_ms) {
                // Whoever starts after a kill is not to go on with it as it was: it begins another one, for nobody.
                self.session.doubt(self.disk.folder());
                self.disk_failed(&error, now_ms);
            }
            self.note_who_sees();
            // What the relay makes of it is told, also where that is what it was.
            self.announcer.forget_raid();
            self.connect_anew();
        }
    }

    /// Notes who may see the fights that the raid has already.
    pub(super) fn note_who_sees(&self) {
        let (raid, seen_by) = self.session.raid_seen_by();
        self.disk.folder().seat().show(raid, seen_by);
    }

    fn try_now(&mut self) {
        self.session.try_now();
        self.meter.look_at_once();
    }

    /// Opens another connection at once, whatever became of the present one. A connection says at its begin to whom its
    /// raid is shown.
    pub(super) fn connect_anew(&mut self) {
        self.session.try_now();
        self.session.down();
        self.streams.disconnect();
    }

    fn try_again(&mut self, fights: &[EncounterId]) {
        let mut readable = false;
        for encounter in fights {
            if let Some(at) = self.streams.position(|stream| stream.encounter() == *encounter) {
                self.streams[at].try_again();
            } else {
                readable |= self.ledger.may_be_readable(*encounter);
            }
        }
        if readable && let Some(watching) = self.meter.watching_mut() {
            // They stand in the folder's list, as does what waits: all of it is found there.
            watching.looked_through = false;
            self.streams.forget_queue();
            self.meter.read_at_once();
        }
    }

    fn leave_alone(&mut self, fights: &[EncounterId]) {
        for encounter in fights {
            if !self.streams.has(*encounter) {
                self.streams.leave(*encounter);
                self.ledger.leave_alone(*encounter);
            }
        }
    }
}
