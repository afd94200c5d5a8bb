//! A raid's task and its uplink: who speaks for the raid, and what becomes of their frames.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::CheckError;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits::OPEN_ENCOUNTERS_MAX;
use raidcast_shared::uplink::{
    Begin, Begun, DeltaFrame, End, Held, Refused, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
};
use raidcast_store::{
    AccountId, EncounterKey, EncounterRow, JournalEntry, JournalKind, NewEncounter, RaidRow, Store, StoreError,
    StoredStream, StreamKey,
};

use super::life::{Chore, Claiming, Opening};
use super::{Appended, RaidTask, STORE_RETRY_MS, Uplink, What};
use crate::limits::MEMORY_RETRY_MS;
use crate::memory::Full;
use crate::quota::{DAY_MS, Spent};
use crate::raid::RaidRegistry;
use crate::raid::command::{RaidCommand, RaidHandle};
use crate::raid::encounter::{Job, LiveEncounter, Reading, Taken, under_way_bytes};
use crate::raid::registry::{Shared, load_encounter};

/// A client whose fight is set aside asks again after this, ms: an operator may have mended it.
const SET_ASIDE_RETRY_MS: u32 = 600_000;

/// A Begin that is being dealt with.
#[derive(Clone)]
pub(super) struct Beginning {
    connection: u64,
    begin: Begin,
    /// The handle that it was given while its fight was left in another raid: it is not answered a second time.
    given: Option<u32>,
}

/// A fight that was left in another raid.
pub(super) struct Elsewhere {
    begin: Begin,
    /// It is on its way here: what is sent meanwhile is asked for again.
    fetching: bool,
}

/// What opening an encounter gave.
pub(super) struct Opened {
    beginning: Beginning,
    result: Result<Found, OpenError>,
}

/// Where an encounter is that a client begins.
enum Found {
    Here(Box<LiveEncounter>),
    /// Another raid has it, and goes on having it while nothing of it is sent.
    Elsewhere(Box<EncounterRow>, Held),
}

enum OpenError {
    Store(StoreError),
    /// It cannot be read: which report, and why.
    SetAside(String, String),
    TooMany(Spent),
}

impl RaidTask {
    /// Says that the raid is active, and nothing else of it: who may see it changes where connections attach.
    fn save_active(&mut self) {
        let (registry, account) = (Arc::clone(&self.registry), self.row.account);
        let (store, code, at_ms) = (Arc::clone(&self.shared.store), self.row.code.clone(), self.row.active_at_ms);
        let touched = async move { store.touch_raid(&code, at_ms).await };
        self.chores.push(async move { Chore::RowSaved(registry.move_channel(account, touched).await) }.boxed());
    }

    pub(super) fn detach(&mut self, connection: u64) {
        if self.uplink.as_ref().is_some_and(|uplink| uplink.connection == connection) {
            self.uplink = None;
            for held in self.encounters.values_mut() {
                held.main.rewound_to = None;
                if let Some(candidate) = &mut held.candidate {
                    candidate.rewound_to = None;
                }
            }
            self.raid_changed();
        }
    }

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

    pub(super) fn handle_of(&self, encounter: EncounterId, stream: StreamId) -> Option<u32> {
        self.uplink.as_ref()?.handles.of((encounter, stream))
    }

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
            UplinkFrame::Discard { enc } => self.discard(enc),
            UplinkFrame::Hello(_) | UplinkFrame::Probe { .. } | UplinkFrame::Unknown => {}
        }
    }

    fn begin(&mut self, connection: u64, begin: Begin) {
        if let Err(error) = ColumnMap::new(&begin.header.cols) {
            self.refuse(RefusedCode::BadColumns, error.to_string(), RefusedScope::Encounter, None, Some(begin.enc));
            return;
        }
        let id = begin.enc;
        let opens = self.opening.get(&id).is_some_and(|held| held.connection == connection && !held.discard);
        if opens || self.waiting.contains_key(&id) {
            let text = "this fight is being opened already: wait for its Begun";
            self.refuse(RefusedCode::TooFast, text, RefusedScope::Frame, None, Some(id));
            return;
        }
        self.begin_now(Beginning { connection, begin, given: None });
    }

    /// Begins a fight now, or when what is under way of it is done.
    pub(super) fn begin_now(&mut self, beginning: Beginning) {
        let id = beginning.begin.enc;
        if self.opening.contains_key(&id) || self.is_leaving(id) {
            self.waiting.insert(id, beginning);
            return;
        }
        if self.encounters.contains_key(&id) {
            self.begin_held(beginning);
            return;
        }
        let open = self.encounters.values().filter(|held| held.state == ReportState::Live).count();
        if open + self.opening.len() - self.loading.len() >= OPEN_ENCOUNTERS_MAX {
            let text = format!("a raid has at most {OPEN_ENCOUNTERS_MAX} open fights: end one first");
            self.refuse(RefusedCode::LimitReached, text, RefusedScope::Encounter, None, Some(id));
            return;
        }
        if let Err(full) = self.make_room(None) {
            self.refuse_full(full, RefusedScope::Encounter, None, id);
            return;
        }
        self.open(beginning);
    }

    /// Whether more may be taken into memory; what nobody needs now makes room for it.
    fn make_room(&mut self, needed: Option<EncounterId>) -> Result<(), Full> {
        let account = self.row.account;
        self.shared.memory.room(account).or_else(|_| {
            self.forget_idle(needed);
            self.shared.memory.room(account)
        })
    }

    fn refuse_full(&mut self, full: Full, scope: RefusedScope, h: Option<u32>, enc: EncounterId) {
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

    fn open(&mut self, beginning: Beginning) {
        let claiming = Claiming::default();
        let opening = Opening { connection: beginning.connection, claiming: claiming.clone(), discard: false };
        self.opening.insert(beginning.begin.enc, opening);
        let (registry, me) = (Arc::clone(&self.registry), self.me.clone());
        let opening = find_encounter(registry, me, self.row.clone(), beginning.clone(), claiming);
        let opened = opening.map(move |result| Chore::Opened(Box::new(Opened { beginning, result })));
        self.chores.push(opened.boxed());
    }

    /// Gives the encounter that was opened, or not.
    pub(super) fn opened(&mut self, Opened { beginning, result }: Opened) -> EncounterId {
        let begin = &beginning.begin;
        let id = begin.enc;
        if self.opening.remove(&id).is_some_and(|opening| opening.discard) {
            let held = match result {
                Ok(Found::Here(encounter)) => Some(*encounter),
                Ok(Found::Elsewhere(..)) | Err(_) => None,
            };
            self.throw_away(id, held);
            let text = "this fight was thrown away while it was opened";
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Encounter, None, Some(id));
            return id;
        }
        match result {
            Ok(Found::Elsewhere(row, held)) => {
                if let Some(uplink) = self.uplink_of(beginning.connection) {
                    uplink.elsewhere.insert(id, Elsewhere { begin: begin.clone(), fetching: false });
                    self.begun(&beginning, &row, Some(held));
                }
            }
            Ok(Found::Here(encounter)) => {
                let mut encounter = *encounter;
                if encounter.row.raid_code == self.row.code {
                    // Who may see the raid may have changed while it was opened.
                    (encounter.row.visibility, encounter.row.tickets) = (self.row.visibility, self.row.tickets);
                }
                let is_new = encounter.main.state.seq() == 0 && encounter.kept.is_none();
                self.earlier.retain(|held| held.report_id != encounter.row.report_id);
                // It can be read again, if it could not.
                self.shared.set_aside.remove(&encounter.row.report_id);
                self.encounters.insert(id, encounter);
                self.forget_kept(id);
                self.row.active_at_ms = self.shared.clock.now_ms();
                self.save_active();
                if is_new {
                    self.fight_began(id);
                }
                self.begin_held(beginning);
            }
            Err(OpenError::Store(error)) => {
                tracing::warn!(raid = self.row.code, %error, "could not open an encounter");
                self.registry.disown(self.key(id), &self.me);
                match error {
                    StoreError::Unavailable(_) => self.refuse_begin(id),
                    // It is so the next time, too.
                    StoreError::Damaged(_) => self.refuse_set_aside(id),
                }
            }
            Err(OpenError::SetAside(report_id, why)) => {
                self.shared.set_aside(&report_id, &why);
                self.registry.disown(self.key(id), &self.me);
                self.refuse_set_aside(id);
            }
            Err(OpenError::TooMany(spent)) => {
                self.registry.disown(self.key(id), &self.me);
                let whose = if self.row.history { "an upload of old fights" } else { "this key" };
                self.reply(UplinkReply::Refused(Refused {
                    code: RefusedCode::LimitReached,
                    text: format!("{whose} has begun as many fights in a day as it may: {spent}"),
                    scope: RefusedScope::Encounter,
                    retry_ms: Some(spent.retry_ms),
                    h: None,
                    enc: Some(id),
                }));
            }
        }
        id
    }

    /// Reports that are kept need not stay in memory beside the one that is shown.
    fn forget_kept(&mut self, but: EncounterId) {
        let kept: Vec<_> = self
            .encounters
            .iter()
            .filter(|(id, held)| {
                let done = held.state == ReportState::Final && held.candidate.is_none() && !held.is_busy();
                **id != but && done && self.current != Some(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in kept {
            if let Some(held) = self.encounters.remove(&id) {
                self.registry.disown(held.row.key, &self.me);
                self.take_handles(id);
                self.list(&held);
            }
        }
    }

    fn begin_held(&mut self, beginning: Beginning) {
        let begin = &beginning.begin;
        let Some(encounter) = self.encounters.get_mut(&begin.enc) else { return };
        if encounter.set_aside {
            self.refuse_set_aside(begin.enc);
            return;
        }
        if let Some(reading) = encounter.reading(begin.stream) {
            reading.rewound_to = None;
            let fresh = reading.state.seq() == 0 && !reading.is_ended();
            let held = (!fresh).then(|| encounter.held(begin.stream));
            self.begun_here(&beginning, held);
            return;
        }
        if encounter.job.is_some() || encounter.stale || encounter.is_given_up(begin.stream) {
            self.waiting.insert(begin.enc, beginning);
            return;
        }
        // Another reading of a fight that is held: kept as a stream of its own before its first delta. What was stored
        // of it before gave way to another, and nothing of it counts.
        encounter.job = Some(Job::BeginningStream);
        let (store, row) = (Arc::clone(&self.shared.store), encounter.row.row);
        let stream = StoredStream { stream: begin.stream, header: codec::encode(&begin.header).into() };
        let kept = async move {
            store.drop_stream(row, stream.stream).await?;
            store.begin_stream(row, &stream).await
        };
        self.chores.push(kept.map(move |result| Chore::StreamBegun { beginning: Box::new(beginning), result }).boxed());
    }

    /// Gives the encounter that another reading of was begun, or not.
    pub(super) fn stream_begun(&mut self, beginning: &Beginning, result: Result<(), StoreError>) -> EncounterId {
        let begin = &beginning.begin;
        self.job_done(begin.enc);
        if let Err(error) = result {
            tracing::warn!(raid = self.row.code, %error, "could not begin another reading");
            self.refuse_begin(begin.enc);
            return begin.enc;
        }
        let Some(encounter) = self.encounters.get_mut(&begin.enc) else { return begin.enc };
        let Ok(reading) = Reading::new(begin.stream, begin.header.clone()) else { return begin.enc };
        let main = &encounter.main;
        if main.state.seq() == 0 && main.under_way == 0 && !main.is_ended() {
            encounter.replace_empty(reading);
            self.begun_here(beginning, None);
            return begin.enc;
        }
        // A candidate before it, if any, is given up: its client has begun anew.
        encounter.offer(reading);
        let held = encounter.main.held(encounter.state);
        self.begun_here(beginning, Some(held));
        begin.enc
    }

    fn begun_here(&mut self, beginning: &Beginning, held: Option<Held>) {
        let Beginning { begin, given, .. } = beginning;
        let Some(encounter) = self.encounters.get_mut(&begin.enc) else { return };
        let row = encounter.row.clone();
        self.show(begin.enc);
        if let Some(uplink) = &mut self.uplink {
            uplink.elsewhere.remove(&begin.enc);
        }
        let Some(h) = *given else {
            self.begun(beginning, &row, held);
            return;
        };
        // What came while it was fetched from the other raid is asked for again.
        let Some(encounter) = self.encounters.get_mut(&begin.enc) else { return };
        let Some(reading) = encounter.reading(begin.stream) else { return };
        let q = reading.gate_seq() + 1;
        reading.rewound_to = Some(q);
        self.reply(UplinkReply::Rewind { h, q });
    }

    fn begun(&mut self, Beginning { connection, begin, .. }: &Beginning, row: &EncounterRow, held: Option<Held>) {
        let url = self.shared.report_url(row);
        let Some(uplink) = self.uplink_of(*connection) else { return };
        let (h, lost) = uplink.handles.give((begin.enc, begin.stream));
        if let Some((enc, stream)) = lost
            && uplink.elsewhere.get(&enc).is_some_and(|left| left.begin.stream == stream)
        {
            uplink.elsewhere.remove(&enc);
        }
        self.reply(UplinkReply::Begun(Begun { h, enc: begin.enc, report: row.report_id.clone(), url, held }));
    }

    fn uplink_of(&mut self, connection: u64) -> Option<&mut Uplink> {
        self.uplink.as_mut().filter(|uplink| uplink.connection == connection)
    }

    /// Something of a fight is sent that was left in another raid: it is fetched, and what was sent asked for again.
    /// False if it was not left there.
    fn fetch(&mut self, h: u32, id: EncounterId) -> bool {
        let Some(uplink) = &mut self.uplink else { return false };
        let Some(left) = uplink.elsewhere.get_mut(&id) else { return false };
        if std::mem::replace(&mut left.fetching, true) {
            return true;
        }
        let beginning = Beginning { connection: uplink.connection, begin: left.begin.clone(), given: Some(h) };
        self.begin_now(beginning);
        true
    }

    fn refuse_begin(&mut self, enc: EncounterId) {
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

    /// The encounter and reading behind a handle; refuses the frame where there is none.
    fn at_handle(&mut self, h: u32) -> Option<(EncounterId, StreamId)> {
        let held = self.uplink.as_ref().and_then(|uplink| uplink.handles.reading(h));
        if held.is_none() {
            let text = format!("handle {h} was not given on this connection: send Begin first");
            self.refuse(RefusedCode::UnknownHandle, text, RefusedScope::Frame, Some(h), None);
        }
        held
    }

    fn delta(&mut self, DeltaFrame { h, delta }: DeltaFrame, received_ms: i64) {
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

    fn append(&mut self, encounter: EncounterId, entry: JournalEntry, what: What, bytes: u64) {
        let (stream, received_ms) = (entry.stream.stream, entry.received_at_ms);
        // Called now, so that the journal has the order of the frames; awaited with all others.
        let durable = self.shared.store.append(entry);
        let appended = durable.map(move |result| Appended { encounter, stream, what, bytes, received_ms, result });
        self.appends.push_back(appended.boxed());
    }

    fn idle(&mut self, h: u32) {
        let Some((id, _)) = self.at_handle(h) else { return };
        if let Some(encounter) = self.encounters.get_mut(&id) {
            encounter.idle = true;
            encounter.changes += 1;
        }
    }

    fn end(&mut self, End { h, ending }: End, received_ms: i64) {
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

    /// Said when its delta is applied, not at the end of the fight: the report would be marked then.
    pub(super) fn tell_checksum_differs(&mut self, id: EncounterId, h: Option<u32>, seq: u64) {
        tracing::warn!(raid = self.row.code, seq, "a client's checksum is not that of its deltas");
        let text = format!(
            "after delta {seq} the relay's sums are not the sender's: it goes on, and its report will be marked as \
             unverified"
        );
        self.refuse(RefusedCode::ChecksumDiffers, text, RefusedScope::Frame, h, Some(id));
    }

    pub(super) fn send_finalized(&mut self, id: EncounterId) {
        let Some(encounter) = self.encounters.get(&id) else { return };
        let (row, report) = (&encounter.row, encounter.row.report_id.clone());
        let url = self.shared.report_url(row);
        self.reply(UplinkReply::Finalized { enc: id, report, url, state: encounter.state, rev: encounter.revision });
    }
}

/// Finds what a client begins: here, or in another raid. What another raid has is left there while its reader may
/// turn out to know it: where its report is final, and always where old fights are uploaded.
async fn find_encounter(
    registry: Arc<RaidRegistry>,
    me: RaidHandle,
    raid: RaidRow,
    beginning: Beginning,
    claiming: Claiming,
) -> Result<Found, OpenError> {
    let store = &registry.shared.store;
    let begin = &beginning.begin;
    let key = EncounterKey { account: raid.account, encounter: begin.enc };
    if beginning.given.is_none()
        && let Some(row) = held_row(store.as_ref(), key).await?
        && row.raid_code != raid.code
        && (raid.history || row.state == ReportState::Final)
    {
        let held = match registry.owner(key).filter(|owner| !owner.is(&me)) {
            Some(owner) => {
                let held = |reply| RaidCommand::Held { encounter: begin.enc, stream: begin.stream, reply };
                owner.ask(held).await.ok().flatten()
            }
            None => None,
        };
        if let Some((row, held)) = held {
            return Ok(Found::Elsewhere(Box::new(row), held));
        }
        if let Some(mut live) = load_encounter(&registry.shared, row.row).await.map_err(|error| unread(&row, error))? {
            let held = live.held(begin.stream);
            return Ok(Found::Elsewhere(Box::new(live.row), held));
        }
    }
    open_encounter(&registry, &me, &raid, begin, &claiming).await.map(|encounter| Found::Here(Box::new(encounter)))
}

/// Opens an encounter for a raid: takes it over from the raid that owns it, reads what is held, or makes it.
async fn open_encounter(
    registry: &RaidRegistry,
    me: &RaidHandle,
    raid: &RaidRow,
    begin: &Begin,
    claiming: &Claiming,
) -> Result<LiveEncounter, OpenError> {
    let shared = &registry.shared;
    let store = &shared.store;
    let key = EncounterKey { account: raid.account, encounter: begin.enc };
    // A report that exists stays on the page it was made on when old fights are uploaded.
    let moves = !raid.history;
    if let (claim, Some(before)) = claiming.claim(registry, key, me) {
        // A task that has ended meanwhile has let go of it too.
        let _ = before.ask(|reply| RaidCommand::Release { encounter: begin.enc, claim, moves, reply }).await;
    }
    let now_ms = shared.clock.now_ms();
    let row = if let Some(row) = held_row(store.as_ref(), key).await? {
        row
    } else {
        let before = begun_before_start(shared, raid.account, now_ms).await.map_err(OpenError::Store)?;
        shared.quota.may_begin_fight(raid.account, before, raid.history, now_ms).map_err(OpenError::TooMany)?;
        let new = NewEncounter {
            key,
            report_id: shared.entropy.code(12),
            raid_code: raid.code.clone(),
            started_at_ms: begin.header.started_at_ms,
            created_at_ms: now_ms,
            stream: StoredStream { stream: begin.stream, header: codec::encode(&begin.header).into() },
        };
        let row = store.begin_encounter(&new).await.map_err(OpenError::Store)?;
        shared.quota.fight_begun(raid.account, now_ms);
        row
    };
    if row.raid_code != raid.code && moves {
        store.move_encounter(row.row, &raid.code).await.map_err(OpenError::Store)?;
        // It may be less visible there.
        shared.access.tell(&row.raid_code);
    }
    let gone = || OpenError::Store(StoreError::Unavailable(format!("report {} went away meanwhile", row.report_id)));
    load_encounter(shared, row.row).await.map_err(|error| unread(&row, error))?.ok_or_else(gone)
}

/// The row of an encounter, if there is one.
async fn held_row(store: &dyn Store, key: EncounterKey) -> Result<Option<EncounterRow>, OpenError> {
    match store.encounter(key.account, key.encounter).await {
        Err(StoreError::Damaged(why)) => match store.report_of(key.account, key.encounter).await {
            Ok(Some(report_id)) => Err(OpenError::SetAside(report_id, why)),
            Ok(None) => Err(OpenError::Store(StoreError::Damaged(why))),
            Err(error) => Err(OpenError::Store(error)),
        },
        found => found.map_err(OpenError::Store),
    }
}

/// Fights that the key began within the last day, before this relay started: those that the store still has. They become
/// fewer as they become older than a day.
async fn begun_before_start(shared: &Shared, account: AccountId, now_ms: i64) -> Result<u64, StoreError> {
    let (day_ago, started) = (now_ms - DAY_MS, shared.quota.started_ms());
    if day_ago >= started {
        return Ok(0);
    }
    let since = |at_ms| shared.store.encounters_since(account, at_ms, now_ms);
    Ok(since(day_ago).await?.saturating_sub(since(started).await?))
}

/// Why an encounter was not read: now, or at all.
fn unread(row: &EncounterRow, error: StoreError) -> OpenError {
    match error {
        StoreError::Damaged(why) => OpenError::SetAside(row.report_id.clone(), why),
        error @ StoreError::Unavailable(_) => OpenError::Store(error),
    }
}
