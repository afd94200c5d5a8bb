//! What becomes of an uplink's frames: checked against the gate, and on their way to the journal.

use bytes::Bytes;
use futures::FutureExt;
use raidcast_shared::codec;
use raidcast_shared::fold::CheckError;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::{DeltaFrame, End, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply};
use raidcast_store::{JournalEntry, JournalKind, StreamKey};

use super::state::{Appended, RaidTask, What};
use crate::raid::reading::{Taken, under_way_bytes};

impl RaidTask {
    pub(super) fn uplink_frame(&mut self, connection: u64, frame: UplinkFrame, received_ms: i64) {
        if self.uplink.as_ref().is_none_or(|uplink| uplink.connection != connection) {
            // Fenced: its own socket tells it.
            return;
        }
        match frame {
            UplinkFrame::Begin(begin) => self.begin(connection, begin),
            UplinkFrame::Delta(frame) => self.delta(frame, received_ms),
            UplinkFrame::Idle { h } => self.idle(h),
            UplinkFrame::End(end) => self.end(end, received_ms),
            UplinkFrame::Discard { enc } => self.throws_away(enc),
            UplinkFrame::Hello(_) | UplinkFrame::Probe { .. } | UplinkFrame::Unknown => {}
        }
    }

    /// The encounter and reading behind a handle; refuses the frame where there is none.
    pub(super) fn at_handle(&mut self, h: u32) -> Option<(EncounterId, StreamId)> {
        let held = self.uplink.as_ref().and_then(|uplink| uplink.handles.reading(h));
        if held.is_none() {
            let text = format!("handle {h} was not given on this connection: send Begin first");
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Frame, Some(h), None);
        }
        held
    }

    pub(super) fn delta(&mut self, DeltaFrame { h, delta }: DeltaFrame, received_ms: i64) {
        let Some((id, stream)) = self.at_handle(h) else { return };
        if self.fetch(h, id) {
            return;
        }
        // A heartbeat, and what is held already, takes up nothing more.
        let held = self.encounters.get_mut(&id).and_then(|held| held.reading(stream)).map(|held| held.gate_seq());
        if held.is_some_and(|seq| delta.seq > seq)
            && let Err(full) = self.make_room(Some(id))
        {
            self.refuse_full(full, RefusedScope::Frame, Some(h), id);
            return;
        }
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        let row = encounter.row.row;
        let Some(reading) = encounter.reading(stream) else {
            let text = "this reading gave way to another: send Begin again";
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Encounter, Some(h), Some(id));
            return;
        };
        if reading.is_ended() && delta.seq > reading.gate_seq() {
            let text = "the fight has ended: only a new reading, from its first delta on, changes its report";
            self.refuse(RefusedCode::AfterEnd, text, RefusedScope::Frame, Some(h), Some(id));
            return;
        }
        match reading.take(&delta) {
            Ok(Taken::Append(checked)) => {
                reading.under_way += 1;
                // Without the room that it was encoded in: it is held as long as the fight is open.
                let data = Bytes::from(codec::encode(&delta).into_boxed_slice());
                let bytes = under_way_bytes(&delta, data.len());
                encounter.sets_out(bytes);
                let what = What::Delta {
                    checked: Box::new(checked),
                    delta: data.clone(),
                    captured_ms: delta.captured_ms,
                    checksum: delta.checksum,
                };
                let entry = JournalEntry {
                    stream: StreamKey { encounter: row, stream },
                    seq: delta.seq,
                    kind: JournalKind::Delta,
                    received_at_ms: received_ms,
                    data,
                };
                self.append(id, entry, what, bytes);
            }
            Ok(Taken::Held) => {
                let q = reading.state.seq();
                self.reply(UplinkReply::Ack { h, q });
            }
            Ok(Taken::Rewind(q)) => {
                // One is enough for all frames that are on their way.
                if reading.rewound_to != Some(q) {
                    reading.rewound_to = Some(q);
                    self.reply(UplinkReply::Rewind { h, q });
                }
            }
            Err(CheckError::Refused { code, text, .. }) => {
                self.refuse(code, text, RefusedScope::Frame, Some(h), Some(id));
            }
            Ok(Taken::Dropped) | Err(CheckError::Held { .. } | CheckError::Gap { .. }) => {}
        }
    }

    pub(super) fn idle(&mut self, h: u32) {
        let Some((id, _)) = self.at_handle(h) else { return };
        if let Some(encounter) = self.encounters.get_mut(&id) {
            encounter.idle = true;
            encounter.changes += 1;
        }
    }

    pub(super) fn end(&mut self, End { h, ending }: End, received_ms: i64) {
        let Some((id, stream)) = self.at_handle(h) else { return };
        if self.fetch(h, id) {
            return;
        }
        let Some(encounter) = self.encounters.get_mut(&id) else { return };
        let (row, busy, state) = (encounter.row.row, encounter.job.is_some(), encounter.state);
        let Some(reading) = encounter.reading(stream) else {
            let text = "this reading gave way to another: send Begin again";
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Encounter, Some(h), Some(id));
            return;
        };
        if reading.is_ended() {
            // The second time: the answer to the first is on its way, or was lost.
            if state == ReportState::Final && !busy {
                self.send_finalized(id);
            }
            return;
        }
        if reading.failed {
            return;
        }
        if ending.last_seq != reading.gate_seq() {
            let q = reading.gate_seq() + 1;
            if ending.last_seq < q {
                let text = format!("End names delta {} as the last, but {} are held", ending.last_seq, q - 1);
                self.refuse(RefusedCode::BadEvent, text, RefusedScope::Frame, Some(h), Some(id));
            } else if reading.rewound_to != Some(q) {
                reading.rewound_to = Some(q);
                self.reply(UplinkReply::Rewind { h, q });
            }
            return;
        }
        reading.under_way += 1;
        reading.ending_under_way = true;
        let entry = JournalEntry {
            stream: StreamKey { encounter: row, stream },
            seq: ending.last_seq + 1,
            kind: JournalKind::End,
            received_at_ms: received_ms,
            data: codec::encode(&ending).into(),
        };
        self.append(id, entry, What::End(Box::new(ending)), 0);
    }

    pub(super) fn append(&mut self, encounter: EncounterId, entry: JournalEntry, what: What, bytes: u64) {
        let (stream, received_ms) = (entry.stream.stream, entry.received_at_ms);
        // Called now, so that the journal has the order of the frames; awaited with all others.
        let durable = self.around.context.store.append(entry);
        let appended = durable.map(move |result| Appended { encounter, stream, what, bytes, received_ms, result });
        self.appends.push_back(appended.boxed());
    }
}
