//! Columns to records, the same in every store.
//!
//! Each struct has the columns of one selection, by their names. A driver's type becomes a column by `From` and never
//! fails; what it holds is checked when the record is made of it, row by row. One invariant: a row that cannot be read
//! keeps no other from being read.

#![allow(missing_docs, reason = "columns are described in the migrations")]

use bytes::Bytes;
use raidcast_shared::id::{ActorId, EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Account, AccountId, AuditRow, Character, Claim, Delay, EncounterKey, EncounterRow, HeldReport, Invitation, JobKey,
    JobKind, JournalEntry, JudgedClaim, KeyId, KeyRow, LeasedJob, LinkId, LinkRow, NewClaim, NewRemoval, Note, Person,
    PersonId, RaidLine, RaidRow, Removal, ReportLine, ReportPlace, Seen, Session, SessionId, ShownTo, StoreError,
    StoredStream, StreamKey, Tickets, Unreadable, UploadHash, Viewpoint, WebhookMessage, WebhookRow, code,
};

/// An id: of a type of the database's own, or 16 bytes.
pub struct Id(Option<Uuid>);

impl From<Uuid> for Id {
    fn from(id: Uuid) -> Self {
        Self(Some(id))
    }
}

impl From<Vec<u8>> for Id {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Uuid::from_slice(&bytes).ok())
    }
}

impl Id {
    /// # Errors
    /// As of all that is read here: `Damaged`.
    pub fn read(self) -> Result<Uuid, StoreError> {
        self.0.ok_or_else(|| StoreError::Damaged("an id that is not 16 bytes long".into()))
    }
}

/// An id that may be missing.
pub struct OptionalId(Option<Id>);

impl<T: Into<Id>> From<Option<T>> for OptionalId {
    fn from(id: Option<T>) -> Self {
        Self(id.map(Into::into))
    }
}

/// Names: a list, or its JSON; none are `NULL` there.
pub struct Names(serde_json::Result<Vec<String>>);

impl From<Vec<String>> for Names {
    fn from(names: Vec<String>) -> Self {
        Self(Ok(names))
    }
}

impl From<Option<String>> for Names {
    fn from(json: Option<String>) -> Self {
        Self(json.map_or(Ok(Vec::new()), |json| serde_json::from_str(&json)))
    }
}

impl Names {
    /// # Errors
    /// `Damaged`.
    pub fn read(self) -> Result<Vec<String>, StoreError> {
        self.0.map_err(|_| StoreError::Damaged("names that are not a list".into()))
    }

    /// Names as JSON; `None` for none.
    pub fn to_json(names: &[String]) -> Option<String> {
        // A list of strings is always JSON.
        (!names.is_empty()).then(|| serde_json::to_string(names).unwrap_or_default())
    }
}

/// An account.
pub struct AccountColumns {
    pub row: i64,
    pub name: String,
    pub channel: String,
}

impl From<AccountColumns> for Account {
    fn from(columns: AccountColumns) -> Self {
        Self { id: AccountId(columns.row), name: columns.name, channel: columns.channel }
    }
}

/// Somebody who signs in.
pub struct PersonColumns {
    pub row: i64,
    pub name: String,
    pub role: i64,
    pub created_at_ms: i64,
}

impl TryFrom<PersonColumns> for Person {
    type Error = StoreError;

    fn try_from(columns: PersonColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: PersonId(columns.row),
            name: columns.name,
            role: code::role(columns.role)?,
            created_at_ms: columns.created_at_ms,
        })
    }
}

/// An invitation.
pub struct InvitationColumns {
    pub digest: Vec<u8>,
    pub role: i64,
    pub note: String,
    pub made_by: Option<i64>,
    pub created_at_ms: i64,
    pub ends_at_ms: i64,
    pub uses_left: i64,
}

impl TryFrom<InvitationColumns> for Invitation {
    type Error = StoreError;

    fn try_from(columns: InvitationColumns) -> Result<Self, StoreError> {
        Ok(Self {
            digest: digest(columns.digest)?,
            role: code::role(columns.role)?,
            note: columns.note,
            made_by: columns.made_by.map(PersonId),
            created_at_ms: columns.created_at_ms,
            ends_at_ms: columns.ends_at_ms,
            left: code::small(columns.uses_left)?,
        })
    }
}

/// A session, with its person's role.
pub struct SessionColumns {
    pub row: i64,
    pub person: i64,
    pub role: i64,
    pub agent: String,
    pub created_at_ms: i64,
    pub used_at_ms: i64,
}

impl TryFrom<SessionColumns> for Session {
    type Error = StoreError;

    fn try_from(columns: SessionColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId(columns.row),
            person: PersonId(columns.person),
            role: code::role(columns.role)?,
            agent: columns.agent,
            created_at_ms: columns.created_at_ms,
            used_at_ms: columns.used_at_ms,
        })
    }
}

/// A key that somebody made.
pub struct KeyColumns {
    pub row: i64,
    pub account: i64,
    pub digest: Vec<u8>,
    pub name: String,
    pub scopes: i64,
    pub visibility: i64,
    pub uploads_per_day: Option<i64>,
    pub created_at_ms: i64,
    pub ends_at_ms: Option<i64>,
    pub used_at_ms: Option<i64>,
}

impl TryFrom<KeyColumns> for KeyRow {
    type Error = StoreError;

    fn try_from(columns: KeyColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId(columns.row),
            account: AccountId(columns.account),
            digest: digest(columns.digest)?,
            name: columns.name,
            scopes: code::scopes(columns.scopes)?,
            visibility: code::visibility(columns.visibility)?,
            uploads_per_day: columns.uploads_per_day.map(code::small).transpose()?,
            created_at_ms: columns.created_at_ms,
            ends_at_ms: columns.ends_at_ms,
            used_at_ms: columns.used_at_ms,
        })
    }
}

/// A link, with its raid's code.
pub struct LinkColumns {
    pub row: i64,
    pub account: i64,
    pub raid_code: Option<String>,
    pub digest: Vec<u8>,
    pub name: String,
    pub created_at_ms: i64,
    pub ends_at_ms: Option<i64>,
    pub used_at_ms: Option<i64>,
}

impl TryFrom<LinkColumns> for LinkRow {
    type Error = StoreError;

    fn try_from(columns: LinkColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: LinkId(columns.row),
            account: AccountId(columns.account),
            raid_code: columns.raid_code,
            digest: digest(columns.digest)?,
            name: columns.name,
            created_at_ms: columns.created_at_ms,
            ends_at_ms: columns.ends_at_ms,
            used_at_ms: columns.used_at_ms,
        })
    }
}

/// A webhook.
pub struct WebhookColumns {
    pub account: i64,
    pub digest: Vec<u8>,
    pub sealed: Vec<u8>,
    pub host: String,
    pub set_at_ms: i64,
    pub sent_at_ms: Option<i64>,
    pub stopped: Option<i64>,
    pub stopped_at_ms: Option<i64>,
}

impl TryFrom<WebhookColumns> for WebhookRow {
    type Error = StoreError;

    fn try_from(columns: WebhookColumns) -> Result<Self, StoreError> {
        let why = columns.stopped.map(code::stop).transpose()?;
        Ok(Self {
            account: AccountId(columns.account),
            digest: digest(columns.digest)?,
            sealed: columns.sealed,
            host: columns.host,
            set_at_ms: columns.set_at_ms,
            sent_at_ms: columns.sent_at_ms,
            stopped: why.map(|why| (why, columns.stopped_at_ms.unwrap_or_default())),
        })
    }
}

/// A message that tells of a raid.
pub struct WebhookMessageColumns {
    pub digest: Vec<u8>,
    pub message: String,
    pub shown: Vec<u8>,
    pub sent_at_ms: i64,
}

impl TryFrom<WebhookMessageColumns> for WebhookMessage {
    type Error = StoreError;

    fn try_from(columns: WebhookMessageColumns) -> Result<Self, StoreError> {
        let WebhookMessageColumns { digest: of, message, shown, sent_at_ms } = columns;
        Ok(Self { digest: digest(of)?, message, shown: digest(shown)?, sent_at_ms })
    }
}

/// A digest of a secret.
fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("a digest that is not 32 bytes long".into()))
}

/// A raid, with its account's tickets.
pub struct RaidColumns {
    pub id: Id,
    pub account: i64,
    pub code: String,
    pub secret_digest: Vec<u8>,
    pub title: Option<String>,
    pub visibility: i64,
    pub report_visibility: Option<i64>,
    pub said_visibility: Option<i64>,
    pub said_report_visibility: Option<i64>,
    pub names: i64,
    pub delay_ms: i64,
    pub shown_until_ms: i64,
    pub created_at_ms: i64,
    pub active_at_ms: i64,
    pub closed: i64,
    pub history: i64,
    pub tickets: i64,
    pub channel_tickets: i64,
}

impl TryFrom<RaidColumns> for RaidRow {
    type Error = StoreError;

    fn try_from(columns: RaidColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: RaidId(columns.id.read()?),
            account: AccountId(columns.account),
            code: columns.code,
            secret_digest: digest(columns.secret_digest)?,
            title: columns.title,
            visibility: code::visibility(columns.visibility)?,
            report_visibility: columns.report_visibility.map(code::visibility).transpose()?,
            said: columns.said_visibility.map(|live| shown_to(live, columns.said_report_visibility)).transpose()?,
            names: code::names(columns.names)?,
            delay: Delay { ms: columns.delay_ms, shown_until_ms: columns.shown_until_ms },
            created_at_ms: columns.created_at_ms,
            active_at_ms: columns.active_at_ms,
            closed: columns.closed != 0,
            history: columns.history != 0,
            tickets: tickets(columns.tickets, columns.channel_tickets)?,
        })
    }
}

fn shown_to(live: i64, report: Option<i64>) -> Result<ShownTo, StoreError> {
    Ok(ShownTo { live: code::visibility(live)?, report: report.map(code::visibility).transpose()? })
}

/// The numbers of good tickets, of a raid and of its account's channel.
///
/// # Errors
/// `Damaged`.
pub fn tickets(raid: i64, channel: i64) -> Result<Tickets, StoreError> {
    Ok(Tickets { raid: code::small(raid)?, channel: code::small(channel)? })
}

/// A player of a raid and its number.
pub struct NumberColumns {
    pub player: Vec<u8>,
    pub number: i64,
}

impl TryFrom<NumberColumns> for (ActorId, u32) {
    type Error = StoreError;

    fn try_from(columns: NumberColumns) -> Result<Self, StoreError> {
        let player = columns.player.try_into();
        let player = player.map_err(|_| StoreError::Damaged("an id of a player that is not 16 bytes long".into()))?;
        Ok((ActorId(player), code::small(columns.number)?))
    }
}

/// A hash under which a fight was uploaded.
///
/// # Errors
/// `Damaged`.
pub fn upload_hash(bytes: Vec<u8>) -> Result<UploadHash, StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("a hash of an upload that is not 16 bytes long".into()))
}

/// A job that is given to somebody.
pub struct JobColumns {
    pub account: i64,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub tries: i64,
    pub created_at_ms: i64,
}

/// A job that somebody is given.
///
/// # Errors
/// `Damaged`.
pub fn leased_job(kind: JobKind, columns: JobColumns) -> Result<LeasedJob, StoreError> {
    let JobColumns { account, name, data, tries, created_at_ms } = columns;
    let name = name.try_into().map_err(|_| StoreError::Damaged("a name of a job that is not 16 bytes long".into()))?;
    let key = JobKey { kind, account: AccountId(account), name };
    Ok(LeasedJob { key, data: data.into(), tries: code::small(tries)?, created_at_ms })
}

/// A note of who changed what.
pub struct AuditColumns {
    pub row: i64,
    pub at_ms: i64,
    pub who: Option<i64>,
    pub key: Option<i64>,
    pub what: i64,
    pub about: Option<i64>,
}

impl TryFrom<AuditColumns> for AuditRow {
    type Error = StoreError;

    fn try_from(columns: AuditColumns) -> Result<Self, StoreError> {
        let AuditColumns { row, at_ms, who, key, what, about } = columns;
        let (by, key, what) = (who.map(PersonId), key.map(KeyId), code::audited(what)?);
        Ok(Self { row, note: Note { by, key, what, about, at_ms } })
    }
}

/// A request of somebody who wants to be removed.
pub struct RemovalColumns {
    pub row: i64,
    pub player: String,
    pub links: String,
    pub contact: String,
    pub message: String,
    pub created_at_ms: i64,
}

impl From<RemovalColumns> for Removal {
    fn from(columns: RemovalColumns) -> Self {
        let RemovalColumns { row, player, links, contact, message, created_at_ms } = columns;
        Self { row, asked: NewRemoval { player, links, contact, message, created_at_ms } }
    }
}

/// The id of a player, as hexadecimal digits.
///
/// # Errors
/// `Damaged`.
pub fn player(text: &str) -> Result<ActorId, StoreError> {
    let bytes = raidcast_shared::id::from_hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(ActorId).ok_or_else(|| StoreError::Damaged("an id of a player that is not 16 bytes long".into()))
}

/// A claim of a character.
pub struct ClaimColumns {
    pub row: i64,
    pub person: i64,
    pub player: String,
    pub called: String,
    pub way: i64,
    pub code: Option<String>,
    pub created_at_ms: i64,
    pub ends_at_ms: i64,
}

impl TryFrom<ClaimColumns> for Claim {
    type Error = StoreError;

    fn try_from(columns: ClaimColumns) -> Result<Self, StoreError> {
        let (person, player, way) = (PersonId(columns.person), player(&columns.player)?, code::way(columns.way)?);
        let ClaimColumns { row, called, code, created_at_ms, ends_at_ms, .. } = columns;
        Ok(Self { row, of: NewClaim { person, player, called, way, code, created_at_ms, ends_at_ms } })
    }
}

/// A character that is somebody's.
pub struct CharacterColumns {
    pub row: i64,
    pub player: String,
    pub called: String,
    pub way: i64,
    pub proved_at_ms: i64,
    pub hidden: bool,
    pub by_administrator: bool,
    pub agrees: bool,
}

impl TryFrom<CharacterColumns> for Character {
    type Error = StoreError;

    fn try_from(columns: CharacterColumns) -> Result<Self, StoreError> {
        let (player, way) = (player(&columns.player)?, code::way(columns.way)?);
        let CharacterColumns { row, called, proved_at_ms, hidden, by_administrator, agrees, .. } = columns;
        Ok(Self { row, player, called, way, proved_at_ms, hidden, by_administrator, agrees })
    }
}

/// A claim that waits for an administrator.
pub struct JudgedColumns {
    pub row: i64,
    pub person: i64,
    pub by: String,
    pub player: String,
    pub called: String,
    pub holder: Option<i64>,
    pub holder_name: Option<String>,
    pub hidden: bool,
    pub by_administrator: bool,
    pub created_at_ms: i64,
    pub ends_at_ms: i64,
}

impl JudgedColumns {
    /// The claim, with what others saw: accounts, and what they call the player.
    ///
    /// # Errors
    /// The player's id is none.
    pub fn judged(self, rows: &[(i64, Option<String>)]) -> Result<JudgedClaim, StoreError> {
        let player = player(&self.player)?;
        let mut seen = Seen::of(&self.called, rows);
        if self.hidden {
            seen.names.clear();
        }
        let Self { row, by, called, hidden, by_administrator, created_at_ms, ends_at_ms, .. } = self;
        let holder = self.holder.map(|holder| (PersonId(holder), self.holder_name.unwrap_or_default()));
        Ok(JudgedClaim { row, by, player, called, holder, hidden, by_administrator, seen, created_at_ms, ends_at_ms })
    }
}

/// A raid in the list of its owner's.
pub struct RaidLineColumns {
    pub row: i64,
    pub account: i64,
    pub code: String,
    pub title: Option<String>,
    pub visibility: i64,
    pub report_visibility: Option<i64>,
    pub names: i64,
    pub delay_ms: i64,
    pub created_at_ms: i64,
    pub active_at_ms: i64,
    pub pinned: bool,
    pub tickets: i64,
    pub fights: i64,
}

impl TryFrom<RaidLineColumns> for RaidLine {
    type Error = StoreError;

    fn try_from(columns: RaidLineColumns) -> Result<Self, StoreError> {
        Ok(Self {
            row: columns.row,
            account: AccountId(columns.account),
            code: columns.code,
            title: columns.title,
            visibility: code::visibility(columns.visibility)?,
            report_visibility: columns.report_visibility.map(code::visibility).transpose()?,
            names: code::names(columns.names)?,
            delay_ms: columns.delay_ms,
            created_at_ms: columns.created_at_ms,
            active_at_ms: columns.active_at_ms,
            pinned: columns.pinned,
            ticket: code::small(columns.tickets)?,
            fights: columns.fights.unsigned_abs(),
        })
    }
}

/// An encounter, with what its raid and its account say of it.
pub struct EncounterColumns {
    pub row: i64,
    pub account: i64,
    pub encounter_id: Id,
    pub report_id: String,
    pub raid_code: String,
    pub visibility: i64,
    pub report_visibility: Option<i64>,
    pub names: i64,
    pub delay_ms: i64,
    pub shown_until_ms: i64,
    pub started_at_ms: i64,
    pub created_at_ms: i64,
    pub state: i64,
    pub kept_at_ms: Option<i64>,
    pub revision: i64,
    pub kept_stream: OptionalId,
    pub verified: bool,
    pub tickets: i64,
    pub channel_tickets: i64,
}

impl TryFrom<EncounterColumns> for EncounterRow {
    type Error = StoreError;

    fn try_from(columns: EncounterColumns) -> Result<Self, StoreError> {
        Ok(Self {
            row: columns.row,
            key: EncounterKey {
                account: AccountId(columns.account),
                encounter: EncounterId(columns.encounter_id.read()?),
            },
            report_id: columns.report_id,
            raid_code: columns.raid_code,
            visibility: code::visibility(columns.visibility)?,
            report_visibility: columns.report_visibility.map(code::visibility).transpose()?,
            names: code::names(columns.names)?,
            delay: Delay { ms: columns.delay_ms, shown_until_ms: columns.shown_until_ms },
            tickets: tickets(columns.tickets, columns.channel_tickets)?,
            started_at_ms: columns.started_at_ms,
            created_at_ms: columns.created_at_ms,
            state: code::state(columns.state)?,
            kept_at_ms: columns.kept_at_ms,
            revision: code::small(columns.revision)?,
            kept_stream: columns.kept_stream.0.map(Id::read).transpose()?.map(StreamId),
            verified: columns.verified,
        })
    }
}

/// What is compared of an encounter's report.
pub struct HeldColumns {
    pub row: i64,
    pub state: i64,
    pub revision: i64,
    pub kept_stream: OptionalId,
}

impl TryFrom<HeldColumns> for HeldReport {
    type Error = StoreError;

    fn try_from(columns: HeldColumns) -> Result<Self, StoreError> {
        Ok(Self {
            row: columns.row,
            state: code::state(columns.state)?,
            revision: code::small(columns.revision)?,
            kept_stream: columns.kept_stream.0.map(Id::read).transpose()?.map(StreamId),
        })
    }
}

/// A report as one of several of its fight.
pub struct ViewpointColumns {
    pub encounter: i64,
    pub report_id: String,
    pub raid_code: String,
    pub state: i64,
    pub visibility: i64,
    pub names: i64,
    pub hides: bool,
}

impl TryFrom<ViewpointColumns> for Viewpoint {
    type Error = StoreError;

    fn try_from(columns: ViewpointColumns) -> Result<Self, StoreError> {
        Ok(Self {
            encounter: columns.encounter,
            report_id: columns.report_id,
            raid_code: columns.raid_code,
            state: code::state(columns.state)?,
            visibility: code::visibility(columns.visibility)?,
            names: code::names(columns.names)?,
            hides: columns.hides,
        })
    }
}

/// Each encounter by itself, or that it cannot be read.
pub fn each(encounters: Vec<EncounterColumns>) -> Vec<Result<EncounterRow, Unreadable>> {
    let read = |columns: EncounterColumns| {
        let report_id = columns.report_id.clone();
        EncounterRow::try_from(columns).map_err(|why| Unreadable { report_id, why })
    };
    encounters.into_iter().map(read).collect()
}

/// A reading of an encounter.
pub struct StreamColumns {
    pub row: i64,
    pub stream: Id,
    pub header: Vec<u8>,
    pub after_revision: i64,
}

impl TryFrom<StreamColumns> for StoredStream {
    type Error = StoreError;

    fn try_from(columns: StreamColumns) -> Result<Self, StoreError> {
        Ok(Self {
            stream: StreamId(columns.stream.read()?),
            header: Bytes::from(columns.header),
            after_revision: code::small(columns.after_revision)?,
        })
    }
}

/// An entry of a reading.
pub struct EntryColumns {
    pub seq: i64,
    pub kind: i64,
    pub received_at_ms: i64,
    pub data: Vec<u8>,
}

/// The entries of a reading.
///
/// # Errors
/// `Damaged`: a log with a hole is none.
pub fn entries(stream: StreamKey, entries: Vec<EntryColumns>) -> Result<Vec<JournalEntry>, StoreError> {
    let read = |columns: EntryColumns| {
        Ok(JournalEntry {
            stream,
            seq: columns.seq.cast_unsigned(),
            kind: code::kind(columns.kind)?,
            received_at_ms: columns.received_at_ms,
            data: columns.data.into(),
        })
    };
    entries.into_iter().map(read).collect()
}

/// What lists show of a report.
pub struct LineColumns {
    pub row: i64,
    pub report_id: String,
    pub encounter_id: Id,
    pub raid_code: String,
    pub live: i64,
    pub state: i64,
    pub revision: i64,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    pub duration_ms: i64,
    pub damage_ms: Option<i64>,
    pub outcome: i64,
    pub scene: Option<String>,
    pub scene_id: Option<i64>,
    pub difficulty: Option<i64>,
    pub bosses: Names,
    pub players: i64,
    pub damage: i64,
    pub boss_damage: i64,
    pub healing: i64,
    pub damage_taken: i64,
    pub hits: i64,
    pub heal_hits: i64,
    pub deaths: i64,
    pub stub: bool,
    pub verified: bool,
    pub created_at_ms: i64,
    pub kept_at_ms: Option<i64>,
    pub delay_ms: i64,
    pub shown_until_ms: i64,
}

/// A figure as it is stored: -1 where it is not known.
pub fn figure(known: Option<u64>) -> i64 {
    known.map_or(-1, u64::cast_signed)
}

fn read_figure(stored: i64) -> Option<u64> {
    (stored != -1).then(|| stored.cast_unsigned())
}

impl TryFrom<LineColumns> for ReportLine {
    type Error = StoreError;

    fn try_from(columns: LineColumns) -> Result<Self, StoreError> {
        Ok(Self {
            report_id: columns.report_id,
            encounter: EncounterId(columns.encounter_id.read()?),
            raid_code: columns.raid_code,
            live: code::visibility(columns.live)?,
            state: code::state(columns.state)?,
            revision: code::small(columns.revision)?,
            started_at_ms: columns.started_at_ms,
            ended_at_ms: columns.ended_at_ms,
            duration_ms: code::small(columns.duration_ms)?,
            damage_ms: columns.damage_ms.map(code::small).transpose()?,
            outcome: code::outcome(columns.outcome)?,
            place: Place { scene: columns.scene, scene_id: columns.scene_id, difficulty: columns.difficulty },
            bosses: columns.bosses.read()?,
            players: code::small(columns.players)?,
            totals: Totals {
                damage: columns.damage.cast_unsigned(),
                boss_damage: read_figure(columns.boss_damage),
                healing: columns.healing.cast_unsigned(),
                damage_taken: read_figure(columns.damage_taken),
                hits: columns.hits.cast_unsigned(),
                heal_hits: columns.heal_hits.cast_unsigned(),
                deaths: read_figure(columns.deaths),
            },
            stub: columns.stub,
            verified: columns.verified,
            created_at_ms: columns.created_at_ms,
            kept_at_ms: columns.kept_at_ms,
            delay: Delay { ms: columns.delay_ms, shown_until_ms: columns.shown_until_ms },
        })
    }
}

/// Rows as JSON, by the names of their columns, from which a statement puts all of them.
///
/// # Panics
/// Never: rows are numbers and text.
pub fn json(rows: &[impl Serialize]) -> String {
    serde_json::to_string(rows).expect("numbers and text are JSON")
}

/// The records that can be read. One that is damaged is logged and left out: the others are listed all the same.
pub fn readable<C, R: TryFrom<C, Error = StoreError>>(rows: Vec<C>) -> Vec<R> {
    let told = |error: &StoreError| tracing::error!(%error, "a row of the database cannot be read");
    rows.into_iter().filter_map(|columns| R::try_from(columns).inspect_err(told).ok()).collect()
}

/// A part of a list, of which one entry more was read than are wanted: those that are, and where it goes on if there are
/// more. What cannot be read has its place.
pub fn part_of(mut lines: Vec<LineColumns>, limit: u32) -> (Vec<ReportLine>, Option<ReportPlace>) {
    let has_more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let place = |last: &LineColumns| ReportPlace { started_at_ms: last.started_at_ms, encounter: last.row };
    let next = lines.last().filter(|_| has_more).map(place);
    (readable(lines), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(report_id: &str) -> LineColumns {
        LineColumns {
            row: 1,
            report_id: report_id.into(),
            encounter_id: Uuid::from_u128(7).into(),
            raid_code: "raid".into(),
            live: 0,
            state: 2,
            revision: 1,
            started_at_ms: 1,
            ended_at_ms: None,
            duration_ms: 1,
            damage_ms: None,
            outcome: 0,
            scene: None,
            scene_id: None,
            difficulty: None,
            bosses: Vec::new().into(),
            players: 1,
            damage: -1,
            boss_damage: 0,
            healing: 0,
            damage_taken: 0,
            hits: 0,
            heal_hits: 0,
            deaths: 0,
            stub: false,
            verified: false,
            created_at_ms: 1,
            kept_at_ms: None,
            delay_ms: 0,
            shown_until_ms: 0,
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_keeps_no_other_from_being_read() {
        let lines = vec![
            line("first"),
            LineColumns { encounter_id: vec![7; 15].into(), ..line("an id") },
            LineColumns { bosses: Some("[".to_owned()).into(), ..line("names") },
            LineColumns { state: 3, ..line("a state") },
            LineColumns { players: -1, ..line("a number") },
            line("last"),
        ];
        let read: Vec<ReportLine> = readable(lines);
        assert_eq!(read.iter().map(|line| line.report_id.as_str()).collect::<Vec<_>>(), ["first", "last"]);
        assert_eq!(read[0].totals.damage, u64::MAX);
    }

    #[test]
    fn ids_and_names_are_the_same_from_every_driver() {
        let id = Uuid::from_u128(0x1234 << 100);
        assert_eq!(Id::from(id.as_bytes().to_vec()).read().expect("an id"), id);
        assert_eq!(Id::from(id).read().expect("an id"), id);
        for names in [vec![], vec!["Frost Ögre".to_owned(), "Golem, \"the\" 2nd".to_owned()]] {
            assert_eq!(Names::from(Names::to_json(&names)).read().expect("names"), names);
            assert_eq!(Names::from(names.clone()).read().expect("names"), names);
        }
    }
}
