//! How a fight comes into a raid's task: found here, taken over from another raid, read from the store, or made; and how
//! it goes from memory again when nobody needs it.

use std::sync::Arc;

use futures::FutureExt;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits::OPEN_ENCOUNTERS_MAX;
use raidcast_shared::uplink::{Begin, Held, Refused, RefusedCode, RefusedScope, ReportState, UplinkReply};
use raidcast_store::{EncounterKey, EncounterRow, NewEncounter, RaidRow, Store, StoreError, StoredStream};

use super::state::{Around, Beginning, Chore, Claiming, Elsewhere, Found, OpenError, Opened, Opening, RaidTask};
use crate::memory::Full;
use crate::raid::command::{RaidCommand, RaidHandle};
use crate::raid::encounter::{Job, LiveEncounter};
use crate::raid::reading::{OtherColumns, Reading};
use crate::raid::restore::{Unread, find_row, load_row};

impl RaidTask {
    pub(super) fn begin(&mut self, connection: u64, begin: Begin) {
        if let Err(error) = ColumnMap::new(&begin.header.cols) {
            self.refuse(RefusedCode::BadColumns, error.to_string(), RefusedScope::Encounter, None, Some(begin.enc));
            return;
        }
        let id = begin.enc;
        if self.is_erased(id) {
            return;
        }
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
    pub(super) fn make_room(&mut self, needed: Option<EncounterId>) -> Result<(), Full> {
        let account = self.row.account;
        self.around.context.memory.room(account).or_else(|_| {
            self.forget_idle(needed);
            self.around.context.memory.room(account)
        })
    }

    pub(super) fn open(&mut self, beginning: Beginning) {
        let claiming = Claiming::default();
        let opening = Opening { connection: beginning.connection, claiming: claiming.clone(), discard: false };
        self.opening.insert(beginning.begin.enc, opening);
        let reads = self.uplink_of(beginning.connection).is_some_and(|uplink| uplink.reads);
        let (around, me, taking) = (self.around.clone(), self.me.clone(), Taking::of(&self.row, reads));
        let opening = find_encounter(around, (me, self.row.clone(), taking), beginning.clone(), claiming);
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
                    encounter.row.set_policy(self.row.policy());
                }
                let is_new = encounter.main.state.seq() == 0 && encounter.kept.is_none();
                self.earlier.retain(|held| held.line.report_id != encounter.row.report_id);
                // It can be read again, if it could not.
                self.around.context.set_aside.forget(&encounter.row.report_id);
                self.encounters.insert(id, encounter);
                self.forget_kept(id);
                self.row.active_at_ms = self.around.context.clock.now_ms();
                self.save_active();
                if is_new {
                    self.fight_began(id);
                }
                self.raid_changed();
                self.begin_held(beginning);
            }
            Err(OpenError::Unread(Unread::Store(error))) => {
                tracing::warn!(raid = self.row.code, %error, "could not open an encounter");
                self.around.directory.disown(self.key(id), &self.me);
                match error {
                    StoreError::Unavailable(_) => self.refuse_begin(id),
                    // It is so the next time, too.
                    StoreError::Damaged(_) => self.refuse_set_aside(id),
                }
            }
            Err(OpenError::Unread(Unread::Damaged { report_id, why })) => {
                self.around.context.set_aside.report(&report_id, &why);
                self.around.directory.disown(self.key(id), &self.me);
                self.refuse_set_aside(id);
            }
            Err(OpenError::OtherColumns) => self.refuse_other_columns(id),
            Err(OpenError::ShownToMore) => {
                self.around.directory.disown(self.key(id), &self.me);
                self.refuse_shown_to_more(id);
            }
            Err(OpenError::TooMany(spent)) => {
                self.around.directory.disown(self.key(id), &self.me);
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

    pub(super) fn begin_held(&mut self, beginning: Beginning) {
        let begin = &beginning.begin;
        let Some(encounter) = self.encounters.get_mut(&begin.enc) else { return };
        if encounter.set_aside {
            self.refuse_set_aside(begin.enc);
            return;
        }
        let state = encounter.state;
        if let Some(reading) = encounter.reading(begin.stream) {
            if let Err(OtherColumns) = reading.require_columns(&begin.header.cols) {
                self.refuse_other_columns(begin.enc);
                return;
            }
            reading.rewound_to = None;
            let fresh = reading.state.seq() == 0 && !reading.is_ended();
            // Of one that has nothing yet the same is told as when it began: what is shown beside it.
            let held = match (fresh, encounter.main.stream == begin.stream) {
                (true, true) => None,
                (true, false) => Some(encounter.main.held(state)),
                (false, _) => encounter.reading(begin.stream).map(|reading| reading.held(state)),
            };
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
        let (store, row) = (Arc::clone(&self.around.context.store), encounter.row.row);
        let stream = stored_stream(begin, encounter.revision_before_next());
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
        if encounter.main.is_empty() {
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

    pub(super) fn begun_here(&mut self, beginning: &Beginning, held: Option<Held>) {
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

    /// Says that the raid is active, and nothing else of it: who may see it changes where connections attach.
    pub(super) fn save_active(&mut self) {
        let (channels, account) = (Arc::clone(&self.around.channels), self.row.account);
        let (store, code, at_ms) =
            (Arc::clone(&self.around.context.store), self.row.code.clone(), self.row.active_at_ms);
        let touched = async move { store.touch_raid(&code, at_ms).await };
        self.chores.push(async move { Chore::RowSaved(channels.write(account, touched).await) }.boxed());
    }

    /// Reports that are kept need not stay in memory beside the one that is shown.
    pub(super) fn forget_kept(&mut self, but: EncounterId) {
        let now_ms = self.around.context.clock.now_ms();
        let shown_later = self.shown_later();
        let kept: Vec<_> = self
            .encounters
            .iter()
            .filter(|(id, held)| {
                let done = held.state == ReportState::Final && held.candidate.is_none() && !held.is_busy();
                // Those who are behind see it by what is held here.
                let done = done && held.row.delay.until_ms(now_ms).is_none_or(|until_ms| held.is_shown(until_ms));
                let done = done && shown_later != Some(**id);
                **id != but && done && self.current != Some(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in kept {
            if let Some(held) = self.encounters.remove(&id) {
                self.around.directory.disown(held.row.key, &self.me);
                self.take_handles(id);
                self.list(&held);
            }
        }
    }

    /// Lets fights go that are in the journal and do not go on, while memory is short: whoever sends more of one begins it
    /// again, and its report is served from the store. The one that is shown stays while anybody speaks, or for a while
    /// while anybody watches a raid that may be live, and `but` stays too. Whoever only looks does not prolong that while:
    /// else strangers who open old raids would hold the memory that fights need.
    pub(super) fn forget_idle(&mut self, but: Option<EncounterId>) {
        let now_ms = self.around.context.clock.now_ms();
        let is_new = |id: &EncounterId| self.encounters.get(id).is_some_and(|held| held.was_kept_lately(now_ms));
        let is_watched = !self.stages.is_empty() && !self.row.history;
        let needed = self.current.filter(|id| self.uplink.is_some() || (is_watched && is_new(id)));
        let shown_later = self.shown_later().filter(is_new);
        let is_idle = |id: &EncounterId, held: &LiveEncounter| {
            held.state != ReportState::Live
                && held.candidate.is_none()
                && !held.is_busy()
                && needed != Some(*id)
                && shown_later != Some(*id)
                && but != Some(*id)
        };
        let idle: Vec<_> = self.encounters.iter().filter(|(id, held)| is_idle(id, held)).map(|(id, _)| *id).collect();
        for id in idle {
            if self.is_leaving(id) || self.waiting.contains_key(&id) {
                continue;
            }
            let Some(held) = self.encounters.remove(&id) else { continue };
            self.around.directory.disown(held.row.key, &self.me);
            self.take_handles(id);
            self.list(&held);
            if self.current == Some(id) {
                self.current = None;
                self.new_epoch();
            }
        }
    }
}

/// Which fights of other raids of its account a raid takes to its own page; the others stay on theirs, and go on there.
#[derive(Clone, Copy)]
enum Taking {
    /// It is of old fights: a report that exists stays on the page it was made on.
    Nothing,
    /// Who speaks for it may see nothing that its account keeps from others: what came into his raid he could see, and show
    /// to others later.
    WhatAllSee,
    Everything,
}

impl Taking {
    /// Of a raid for which somebody speaks whose key may read, or not.
    fn of(raid: &RaidRow, reads: bool) -> Self {
        match (raid.history, reads) {
            (true, _) => Self::Nothing,
            (false, false) => Self::WhatAllSee,
            (false, true) => Self::Everything,
        }
    }

    fn takes(self, row: &EncounterRow) -> bool {
        match self {
            Self::Nothing => false,
            Self::WhatAllSee => row.policy().hides_nothing(),
            Self::Everything => true,
        }
    }
}

/// Finds what a client begins: here, or in another raid. What another raid has is left there while its reader may
/// turn out to know it: where its report is final, and always where old fights are uploaded.
async fn find_encounter(
    around: Around,
    (me, raid, taking): (RaidHandle, RaidRow, Taking),
    beginning: Beginning,
    claiming: Claiming,
) -> Result<Found, OpenError> {
    let store = &around.context.store;
    let begin = &beginning.begin;
    let key = EncounterKey { account: raid.account, encounter: begin.enc };
    if beginning.given.is_none()
        && let Some(row) = find_row(store.as_ref(), key).await?
        && row.raid_code != raid.code
        && (raid.history || row.state == ReportState::Final)
    {
        let held = match around.directory.owner(key).filter(|owner| !owner.is(&me)) {
            Some(owner) => {
                let held = |reply| RaidCommand::Held { begin: Box::new(begin.clone()), reply };
                owner.ask(held).await.ok().flatten()
            }
            None => None,
        };
        let held = match held {
            None => load_row(&around.context, &row).await?.map(|mut live| (live.held(begin), live.row)),
            Some((row, held)) => Some((held, row)),
        };
        if let Some((held, row)) = held {
            return Ok(Found::Elsewhere(Box::new(row), held.map_err(|OtherColumns| OpenError::OtherColumns)?));
        }
    }
    open_encounter(&around, &me, (&raid, taking), begin, &claiming)
        .await
        .map(|encounter| Found::Here(Box::new(encounter)))
}

/// Opens an encounter for a raid: takes it over from the raid that owns it, reads what is held, or makes it.
async fn open_encounter(
    around: &Around,
    me: &RaidHandle,
    (raid, taking): (&RaidRow, Taking),
    begin: &Begin,
    claiming: &Claiming,
) -> Result<LiveEncounter, OpenError> {
    let key = EncounterKey { account: raid.account, encounter: begin.enc };
    let held = find_row(around.context.store.as_ref(), key).await?.filter(|row| row.raid_code != raid.code);
    let moves = held.as_ref().map_or(!raid.history, |row| taking.takes(row));
    // Before anything is taken from the raid that has it.
    if let Some(row) = held.as_ref().filter(|_| moves) {
        may_move(around.context.store.as_ref(), raid, row).await?;
    }
    let (claim, before) = claiming.claim(&around.directory, key, me);
    if let Some(before) = &before {
        // A task that has ended meanwhile has let go of it too.
        let _ = before.ask(|reply| RaidCommand::Release { encounter: begin.enc, claim, moves, reply }).await;
    }
    let opened = take_encounter(around, raid, begin, taking).await;
    if opened.is_err()
        && let Some(before) = before
    {
        // Nothing has changed: the raid that had it goes on with it.
        around.directory.disown(key, me);
        let _ = before.send(RaidCommand::TakeBack { encounter: begin.enc }).await;
    }
    opened
}

/// An encounter that no other task owns any more, as the store has it; one that is new is made.
async fn take_encounter(
    around: &Around,
    raid: &RaidRow,
    begin: &Begin,
    taking: Taking,
) -> Result<LiveEncounter, OpenError> {
    let context = &around.context;
    let store = &context.store;
    let key = EncounterKey { account: raid.account, encounter: begin.enc };
    let now_ms = context.clock.now_ms();
    let row = if let Some(row) = find_row(store.as_ref(), key).await? {
        row
    } else {
        let taken = context.begin_fight(raid.account, raid.history).await?.map_err(OpenError::TooMany)?;
        let new = NewEncounter {
            key,
            report_id: context.entropy.code(12),
            raid_code: raid.code.clone(),
            started_at_ms: begin.header.started_at_ms,
            created_at_ms: now_ms,
            stream: stored_stream(begin, 0),
        };
        // It may move the channel, which shows where the fights are.
        let writes = Arc::clone(store);
        let writing = async move { writes.begin_encounter(&new).await };
        let row = around.channels.write_beside(raid.account, writing).await?;
        taken.used();
        row
    };
    if row.raid_code != raid.code && taking.takes(&row) {
        may_move(store.as_ref(), raid, &row).await?;
        let (writes, to, which) = (Arc::clone(store), raid.code.clone(), row.row);
        let moving = async move { writes.move_encounter(which, &to).await };
        around.channels.write_beside(raid.account, moving).await?;
        // It may be less visible there.
        context.access.tell(&row.raid_code);
        if let Some(left) = around.directory.raid(&row.raid_code) {
            let _ = left.send(RaidCommand::Gone { report_id: row.report_id.clone() }).await;
        }
    }
    let gone = || StoreError::Unavailable(format!("report {} went away meanwhile", row.report_id)).into();
    load_row(context, &row).await?.ok_or_else(gone)
}

/// Whether a fight may move to a raid: not where that shows it to more people. Both are as the store has them now: who owns
/// them may have changed one since.
async fn may_move(store: &dyn Store, to: &RaidRow, row: &EncounterRow) -> Result<(), OpenError> {
    let policy = store.raid_by_id(to.id).await?.map_or_else(|| to.policy(), |raid| raid.policy());
    if policy.shows_more_than(row.policy()) { Err(OpenError::ShownToMore) } else { Ok(()) }
}

/// A reading as it is stored when it begins, after this revision of the report.
fn stored_stream(begin: &Begin, after_revision: u32) -> StoredStream {
    StoredStream { stream: begin.stream, header: codec::encode(&begin.header).into(), after_revision }
}
