//! What becomes of an entry that the journal has answered: folded and acknowledged, or sent again.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use futures::{FutureExt, StreamExt};
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits::CHECKSUM_EVERY;
use raidcast_shared::uplink::{ReportState, UplinkReply};
use raidcast_store::StoreError;

use super::state::{Appended, RaidTask, What};
use crate::metrics::Lag;

impl RaidTask {
    /// An append is durable, or failed: fold and acknowledge all that are, with one Ack for each handle.
    pub(super) fn appended(&mut self, first: Appended) {
        let mut acks: BTreeMap<u32, u64> = BTreeMap::new();
        let mut touched = Vec::new();
        let mut next = Some(first);
        while let Some(appended) = next {
            touched.push(appended.encounter);
            self.appended_one(appended, &mut acks);
            next = self.appends.next().now_or_never().flatten();
        }
        for (h, q) in acks {
            self.reply(UplinkReply::Ack { h, q });
        }
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            self.go_on(id);
        }
    }

    pub(super) fn appended_one(&mut self, appended: Appended, acks: &mut BTreeMap<u32, u64>) {
        let Appended { encounter: id, stream, what, bytes, received_ms, result } = appended;
        self.around.context.store_ok.store(!matches!(result, Err(StoreError::Unavailable(_))), Ordering::Relaxed);
        let handle = self.handle_of(id, stream);
        // An id is in one place at any time: nothing of a fight begins again before all of it was answered.
        let Some(encounter) = self.held_anywhere(id) else { return };
        encounter.arrived(bytes);
        let Some(reading) = encounter.reading(stream) else {
            encounter.answered_given_up(stream);
            return;
        };
        // Behind one that failed nothing counts, whatever the store says of it: all of it is sent again.
        let behind_failed = reading.failed;
        let again = reading.answered(result.is_ok());
        if again && let Some(h) = handle {
            self.refuse_store(h);
        }
        if let Err(error) = &result {
            tracing::warn!(raid = self.row.code, %error, "could not append; the client will send again");
        }
        let Some(encounter) = self.held_anywhere(id) else { return };
        if let Err(error) = result {
            encounter.stale |= matches!(error, StoreError::Damaged(_));
            self.around.context.metrics.append_failed();
            return;
        }
        let Some(reading) = encounter.reading(stream) else { return };
        if behind_failed {
            return;
        }
        match what {
            What::Delta { checked, delta, captured_ms, checksum } => {
                reading.apply(&checked, delta, captured_ms, received_ms);
                let seq = reading.state.seq();
                let newest_ms = reading.state.extent_ms().map_or(captured_ms, |(_, newest_ms)| i64::from(newest_ms));
                let came_after_ms = received_ms - reading.times.0;
                // As often as the protocol says, however often one is sent: it costs a look at every row.
                let due = checksum.filter(|_| seq.is_multiple_of(CHECKSUM_EVERY));
                let differs = due.filter(|checksum| *checksum != reading.state.checksum());
                if let Some(h) = handle {
                    acks.insert(h, seq);
                }
                encounter.changes += 1;
                if checked.has_events() {
                    encounter.idle = false;
                    encounter.last_event_ms = received_ms;
                    if encounter.state == ReportState::Provisional && encounter.main.stream == stream {
                        self.reopen(id);
                    }
                }
                if differs.is_some() {
                    self.tell_checksum_differs(id, handle, seq);
                }
                let metrics = &self.around.context.metrics;
                metrics.acked(self.around.context.clock.now_ms() - received_ms);
                // Of old fights nothing is late.
                if checked.has_events() && !self.row.history {
                    metrics.lagged(Lag::Meter, captured_ms - newest_ms);
                    metrics.lagged(Lag::Uplink, came_after_ms);
                }
            }
            What::End(ending) => {
                let last = ending.last_seq;
                reading.ending = Some(*ending);
                reading.ended_ms = Some(received_ms);
                reading.ending_under_way = false;
                if let Some(h) = handle {
                    acks.insert(h, last);
                }
                encounter.changes += 1;
            }
        }
        self.promote(id);
    }

    pub(super) fn promote(&mut self, id: EncounterId) {
        let audiences = self.stages.iter().map(|stage| &stage.audience);
        let promoted = self.encounters.get_mut(&id).is_some_and(|held| held.promote(audiences));
        if promoted && self.current == Some(id) {
            self.new_epoch();
        }
    }

    /// A provisional report goes on.
    pub(super) fn reopen(&mut self, id: EncounterId) {
        let now_ms = self.around.context.clock.now_ms();
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        encounter.reopens(now_ms);
        self.show(id);
    }
}
