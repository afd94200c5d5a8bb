//! What the connection that speaks for a raid is told.

use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::{Begun, Held, Refused, RefusedCode, RefusedScope, UplinkReply};
use raidcast_store::EncounterRow;

use super::state::{Beginning, RaidTask, STORE_RETRY_MS, Uplink};
use crate::limits::MEMORY_RETRY_MS;
use crate::memory::Full;

/// A client whose fight is set aside asks again after this, ms: an operator may have mended it.
const SET_ASIDE_RETRY_MS: u32 = 600_000;

impl RaidTask {
    /// Sends a reply; a connection that does not read its replies is let go.
    pub(super) fn reply(&mut self, reply: UplinkReply) {
        if let Some(uplink) = &self.uplink
            && uplink.replies.try_send(reply).is_err()
        {
            let connection = uplink.connection;
            self.detach(connection);
        }
    }

    pub(super) fn refuse(
        &mut self,
        code: RefusedCode,
        text: impl Into<String>,
        scope: RefusedScope,
        h: Option<u32>,
        enc: Option<EncounterId>,
    ) {
        self.reply(UplinkReply::Refused(Refused { code, text: text.into(), scope, retry_ms: None, h, enc }));
    }

    pub(super) fn refuse_store(&mut self, h: u32) {
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::StoreUnavailable,
            text: "the relay's database takes no writes now: keep what was not acknowledged and send it again".into(),
            scope: RefusedScope::Frame,
            retry_ms: Some(STORE_RETRY_MS),
            h: Some(h),
            enc: None,
        }));
    }

    pub(super) fn refuse_begin(&mut self, enc: EncounterId) {
        if let Some(uplink) = &mut self.uplink {
            uplink.elsewhere.remove(&enc);
        }
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::StoreUnavailable,
            text: "the relay's database is not available now: try again in a moment".into(),
            scope: RefusedScope::Encounter,
            retry_ms: Some(STORE_RETRY_MS),
            h: None,
            enc: Some(enc),
        }));
    }

    pub(super) fn refuse_other_columns(&mut self, enc: EncounterId) {
        let text = "this stream was begun with other columns: begin another stream for these";
        self.refuse(RefusedCode::BadColumns, text, RefusedScope::Encounter, None, Some(enc));
    }

    /// It stays in the raid that it is in, which goes on with it.
    pub(super) fn refuse_shown_to_more(&mut self, enc: EncounterId) {
        if let Some(uplink) = &mut self.uplink {
            uplink.elsewhere.remove(&enc);
        }
        let text = "this fight is in another raid of this account, which shows it to fewer people, later or with fewer \
                    names: let this raid show no more than that one, or change that one, and send the fight again";
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::NotSupported,
            text: text.into(),
            scope: RefusedScope::Encounter,
            // Its client keeps it, and asks again: who owns them may have changed one of the raids.
            retry_ms: Some(SET_ASIDE_RETRY_MS),
            h: None,
            enc: Some(enc),
        }));
    }

    pub(super) fn refuse_set_aside(&mut self, enc: EncounterId) {
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::StoreUnavailable,
            text: "the relay cannot read what it holds of this fight and has set it aside: throw it away to send it \
                   again, or ask the relay's operator"
                .into(),
            scope: RefusedScope::Encounter,
            retry_ms: Some(SET_ASIDE_RETRY_MS),
            h: None,
            enc: Some(enc),
        }));
    }

    pub(super) fn refuse_full(&mut self, full: Full, scope: RefusedScope, h: Option<u32>, enc: EncounterId) {
        let whose = match full {
            Full::Key => "this key",
            Full::Relay => "the relay",
        };
        self.reply(UplinkReply::Refused(Refused {
            code: RefusedCode::LimitReached,
            text: format!(
                "{whose} has as many open fights in memory as it may: end some, or wait until some have ended"
            ),
            scope,
            retry_ms: Some(MEMORY_RETRY_MS),
            h,
            enc: Some(enc),
        }));
    }

    /// Said when its delta is applied, not at the end of the fight: the report would be marked then.
    pub(super) fn tell_checksum_differs(&mut self, id: EncounterId, h: Option<u32>, seq: u64) {
        tracing::warn!(raid = self.row.code, seq, "a client's checksum is not that of its deltas");
        let text = format!(
            "after delta {seq} the relay's sums are not the sender's: it goes on, and its report will be marked as \
             unverified"
        );
        self.refuse(RefusedCode::ChecksumDiffers, text, RefusedScope::Frame, h, Some(id));
    }

    pub(super) fn begun(
        &mut self,
        Beginning { connection, begin, .. }: &Beginning,
        row: &EncounterRow,
        held: Option<Held>,
    ) {
        let url = self.report_url(row);
        let Some(uplink) = self.uplink_of(*connection) else { return };
        let (h, lost) = uplink.handles.give((begin.enc, begin.stream));
        if let Some((enc, stream)) = lost
            && uplink.elsewhere.get(&enc).is_some_and(|left| left.begin.stream == stream)
        {
            uplink.elsewhere.remove(&enc);
        }
        self.reply(UplinkReply::Begun(Begun { h, enc: begin.enc, report: row.report_id.clone(), url, held }));
    }

    pub(super) fn send_finalized(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let (row, report) = (&encounter.row, encounter.row.report_id.clone());
        let url = self.report_url(row);
        self.reply(UplinkReply::Finalized { enc: id, report, url, state: encounter.state, rev: encounter.revision });
    }

    /// The page of a report, as who speaks for this raid is told it: the ticket of another raid is for keys that read alone.
    fn report_url(&self, row: &EncounterRow) -> String {
        let context = &self.around.context;
        let may_see = row.raid_code == self.row.code || self.uplink.as_ref().is_some_and(|uplink| uplink.reads);
        if may_see { context.report_url(row) } else { context.report_page(row) }
    }

    pub(super) fn handle_of(&self, encounter: EncounterId, stream: StreamId) -> Option<u32> {
        self.uplink.as_ref()?.handles.of((encounter, stream))
    }

    pub(super) fn uplink_of(&mut self, connection: u64) -> Option<&mut Uplink> {
        self.uplink.as_mut().filter(|uplink| uplink.connection == connection)
    }

    /// Whoever sends more of a fight has to begin it again.
    pub(super) fn take_handles(&mut self, id: EncounterId) {
        if let Some(uplink) = &mut self.uplink {
            uplink.handles.take(|(encounter, _)| *encounter == id);
        }
    }

    pub(super) fn detach(&mut self, connection: u64) {
        if self.uplink.as_ref().is_some_and(|uplink| uplink.connection == connection) {
            self.uplink = None;
            self.connections.note(self.around.context.clock.now_ms(), false);
            for held in self.encounters.values_mut() {
                held.main.rewound_to = None;
                if let Some(candidate) = &mut held.candidate {
                    candidate.rewound_to = None;
                }
            }
            self.raid_changed();
        }
    }
}
