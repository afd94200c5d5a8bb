//! All that a store holds, as rows that another store can take: for moving from one database to another.
//!
//! Rows are the same in every store, column for column and with the same numbers, so that a digest of them tells
//! whether two stores hold the same. What is derived is not among them: it is made anew. Deliberately not here: who compares ([`Export::rows`] of both is all it takes).

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use crate::{Store, StoreError, StoreFuture};

/// The rows of a table, in the order of their keys.
pub type RowStream<'a> = BoxStream<'a, Result<Row, StoreError>>;

/// Rows of what a database's driver gives: each one's cells, or its own error.
pub fn rows<'a, C: 'a, E: 'a>(
    cells: impl Stream<Item = Result<C, E>> + Send + 'a,
    row: fn(C) -> Row,
    error: fn(&E) -> StoreError,
) -> RowStream<'a> {
    cells.map_ok(row).map_err(move |why| error(&why)).boxed()
}

/// A store whose rows can be taken out and put in.
pub trait Transfer: Store {
    /// One state of all that it holds.
    fn export(&self) -> StoreFuture<'_, Box<dyn Export>>;

    /// A transaction to put rows in: from now on nobody else writes.
    fn lock(&self) -> StoreFuture<'_, Box<dyn Import>>;

    /// Puts rows into a store without raids, fights, people or keys; what accounts and invitations it has are dropped.
    ///
    /// # Errors
    /// `Damaged` if it holds raids, fights, people or keys.
    fn import(&self) -> StoreFuture<'_, Box<dyn Import>> {
        let lock = self.lock();
        Box::pin(async move {
            let mut import = lock.await?;
            if import.count().await? > 0 {
                return Err(StoreError::not_empty());
            }
            import.clear().await?;
            Ok(import)
        })
    }
}

/// Reads all rows of one state.
pub trait Export: Send {
    /// All rows of a table.
    fn rows(&mut self, table: Table) -> RowStream<'_>;
}

/// One transaction that puts rows in, and reads what it has put. Dropping it leaves the store as it was.
pub trait Import: Export {
    /// How many raids, fights, people and keys there are.
    fn count(&mut self) -> StoreFuture<'_, i64>;

    /// Removes accounts, invitations, who is hidden, notes on upkeep and changes, requests and what was used of limits, to which no raid, person or key refers.
    fn clear(&mut self) -> StoreFuture<'_, ()>;

    /// Puts a row in. Rows that it refers to come first: [`Table::ALL`] is such an order.
    fn put<'a>(&'a mut self, row: &'a Row) -> StoreFuture<'a, ()>;

    /// Has all that is kept derived, as [`DerivedRows::derive_again`](crate::DerivedRows::derive_again).
    fn derive_again(&mut self) -> StoreFuture<'_, u64>;

    /// Keeps all of it: on stable storage when it is answered `Ok`.
    fn commit(self: Box<Self>) -> StoreFuture<'static, ()>;
}

/// The tables of every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// What was done once to all rows.
    Upkeep,
    /// Who uploads.
    Accounts,
    /// Who signs in.
    People,
    /// Whose accounts are.
    Owners,
    /// How people sign in.
    SignIns,
    /// Invitations.
    Invitations,
    /// Who is signed in.
    Sessions,
    /// Keys that people made.
    Keys,
    /// Who says that characters are his.
    Claims,
    /// Whose characters are.
    Characters,
    /// Who is shown by name to nobody.
    OptOuts,
    /// Raids.
    Raids,
    /// Links to them, and to channels.
    Links,
    /// Where accounts want their nights told.
    Webhooks,
    /// Which message tells of which raid.
    WebhookMessages,
    /// Numbers of their players.
    Players,
    /// Fights, with what lists show of them.
    Encounters,
    /// Readings of fights that are not final.
    Streams,
    /// Their entries.
    Journal,
    /// Kept reports.
    Records,
    /// Logs of final reports.
    Logs,
    /// Which fights were uploaded under which hash.
    Hashes,
    /// What is still to be done, but for reports that are to be derived, and what a database sees to itself.
    Jobs,
    /// What accounts have used of their limits.
    Quota,
    /// Who changed what.
    Audit,
    /// Who asks to be removed.
    Removals,
}

impl Table {
    /// In an order in which no row refers to a later one.
    pub const ALL: [Self; 26] = [
        Self::Upkeep,
        Self::Accounts,
        Self::People,
        Self::Owners,
        Self::SignIns,
        Self::Invitations,
        Self::Sessions,
        Self::Keys,
        Self::Claims,
        Self::Characters,
        Self::OptOuts,
        Self::Raids,
        Self::Links,
        Self::Webhooks,
        Self::WebhookMessages,
        Self::Players,
        Self::Encounters,
        Self::Streams,
        Self::Journal,
        Self::Records,
        Self::Logs,
        Self::Hashes,
        Self::Jobs,
        Self::Quota,
        Self::Audit,
        Self::Removals,
    ];

    /// What people call its rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upkeep => "notes on upkeep",
            Self::Accounts => "accounts",
            Self::People => "people",
            Self::Owners => "owners of accounts",
            Self::SignIns => "ways to sign in",
            Self::Invitations => "invitations",
            Self::Sessions => "sessions",
            Self::Keys => "keys",
            Self::Claims => "claims of characters",
            Self::Characters => "characters",
            Self::OptOuts => "hidden players",
            Self::Raids => "raids",
            Self::Links => "links",
            Self::Webhooks => "webhooks",
            Self::WebhookMessages => "messages of webhooks",
            Self::Players => "numbers of players",
            Self::Encounters => "fights",
            Self::Streams => "open readings",
            Self::Journal => "journal entries",
            Self::Records => "reports",
            Self::Logs => "logs",
            Self::Hashes => "hashes of uploads",
            Self::Jobs => "jobs",
            Self::Quota => "limits in use",
            Self::Audit => "notes of changes",
            Self::Removals => "requests for removal",
        }
    }
}

/// A row of one of the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is a row of the table that it is named after")]
pub enum Row {
    Upkeep(UpkeepCells),
    Account(AccountCells),
    Person(PersonCells),
    Owner(OwnerCells),
    SignIn(SignInCells),
    Invitation(InvitationCells),
    Session(SessionCells),
    Key(KeyCells),
    Claim(ClaimCells),
    Character(CharacterCells),
    OptOut(OptOutCells),
    Raid(RaidCells),
    Link(LinkCells),
    Webhook(WebhookCells),
    WebhookMessage(WebhookMessageCells),
    Player(PlayerCells),
    Encounter(Box<EncounterCells>),
    Stream(StreamCells),
    Entry(EntryCells),
    Record(BlobCells),
    Log(BlobCells),
    Hash(HashCells),
    Job(JobCells),
    Quota(QuotaCells),
    Audit(AuditCells),
    Removal(RemovalCells),
}

/// The cells of a note on upkeep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct UpkeepCells {
    pub name: String,
    pub state: i64,
}

/// The cells of an account. Here and below they are what the columns of the same names hold, ids as their bytes and
/// enums by their [codes](crate::code).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct AccountCells {
    pub row: i64,
    pub name: String,
    pub channel: String,
    pub tickets: i64,
}

/// The cells of somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct PersonCells {
    pub row: i64,
    pub name: String,
    pub name_key: String,
    pub role: i64,
    pub created_at_ms: i64,
}

/// The cells of whose an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct OwnerCells {
    pub account: i64,
    pub person: i64,
}

/// The cells of a way to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SignInCells {
    pub provider: String,
    pub subject: String,
    pub person: i64,
    pub secret: Option<String>,
}

/// The cells of an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct InvitationCells {
    pub digest: Vec<u8>,
    pub role: i64,
    pub note: String,
    pub made_by: Option<i64>,
    pub created_at_ms: i64,
    pub ends_at_ms: i64,
    pub uses_left: i64,
}

/// The cells of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SessionCells {
    pub row: i64,
    pub digest: Vec<u8>,
    pub person: i64,
    pub agent: String,
    pub created_at_ms: i64,
    pub used_at_ms: i64,
}

/// The cells of a key that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct KeyCells {
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

/// The cells of a raid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
#[allow(clippy::struct_excessive_bools, reason = "they are columns")]
pub struct RaidCells {
    pub row: i64,
    pub id: Vec<u8>,
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
    pub closed: bool,
    pub history: bool,
    pub tickets: i64,
    pub pinned: bool,
    pub title_cleared: bool,
}

/// The cells of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct LinkCells {
    pub row: i64,
    pub account: i64,
    pub raid: Option<i64>,
    pub digest: Vec<u8>,
    pub name: String,
    pub created_at_ms: i64,
    pub ends_at_ms: Option<i64>,
    pub used_at_ms: Option<i64>,
}

/// The cells of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct WebhookCells {
    pub account: i64,
    pub digest: Vec<u8>,
    pub sealed: Vec<u8>,
    pub host: String,
    pub set_at_ms: i64,
    pub sent_at_ms: Option<i64>,
    pub stopped: Option<i64>,
    pub stopped_at_ms: Option<i64>,
}

/// The cells of a message that tells of a raid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct WebhookMessageCells {
    pub raid: i64,
    pub digest: Vec<u8>,
    pub message: String,
    pub shown: Vec<u8>,
    pub sent_at_ms: i64,
}

/// The cells of a player's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct PlayerCells {
    pub raid: i64,
    pub player: Vec<u8>,
    pub number: i64,
}

/// The cells of a fight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct EncounterCells {
    pub row: i64,
    pub account: i64,
    pub encounter_id: Vec<u8>,
    pub report_id: String,
    pub raid: i64,
    pub visibility: i64,
    pub started_at_ms: i64,
    pub created_at_ms: i64,
    pub state: i64,
    pub revision: i64,
    pub kept_stream: Option<Vec<u8>>,
    pub kept_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    pub duration_ms: i64,
    pub damage_ms: Option<i64>,
    pub outcome: i64,
    pub scene: Option<String>,
    pub scene_id: Option<i64>,
    pub difficulty: Option<i64>,
    pub bosses: Vec<String>,
    pub players: i64,
    pub damage: i64,
    pub boss_damage: i64,
    pub healing: i64,
    pub damage_taken: i64,
    pub hits: i64,
    pub heal_hits: i64,
    pub deaths: i64,
    pub remote_id: Option<i64>,
    pub stub: bool,
    pub verified: bool,
}

/// The cells of a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct StreamCells {
    pub row: i64,
    pub encounter: i64,
    pub stream: Vec<u8>,
    pub header: Vec<u8>,
    pub after_revision: i64,
}

/// The cells of a journal entry; `stream` is the reading's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct EntryCells {
    pub stream: i64,
    pub seq: i64,
    pub kind: i64,
    pub received_at_ms: i64,
    pub data: Vec<u8>,
}

/// The cells of a record or a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct BlobCells {
    pub encounter: i64,
    pub data: Vec<u8>,
}

/// The cells of a hash under which a fight was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct HashCells {
    pub account: i64,
    pub hash: Vec<u8>,
    pub encounter: i64,
}

/// The cells of something that is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct JobCells {
    pub kind: i64,
    pub account: i64,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub created_at_ms: i64,
    pub due_at_ms: i64,
    pub tries: i64,
    pub why: Option<String>,
    pub encounter_id: Option<Vec<u8>>,
}

/// The cells of what an account has used of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct QuotaCells {
    pub account: i64,
    pub what: String,
    pub since_ms: i64,
    pub used: i64,
}

/// The cells of a note of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct AuditCells {
    pub row: i64,
    pub at_ms: i64,
    pub who: Option<i64>,
    pub what: i64,
    pub about: Option<i64>,
    pub key: Option<i64>,
}

/// The cells of a request for removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct RemovalCells {
    pub row: i64,
    pub player: String,
    pub links: String,
    pub contact: String,
    pub message: String,
    pub created_at_ms: i64,
}

/// The cells of a claim of a character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct ClaimCells {
    pub row: i64,
    pub person: i64,
    pub player: String,
    pub called: String,
    pub way: i64,
    pub code: Option<String>,
    pub created_at_ms: i64,
    pub ends_at_ms: i64,
}

/// The cells of a character that is somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct CharacterCells {
    pub row: i64,
    pub person: i64,
    pub player: String,
    pub called: String,
    pub way: i64,
    pub agrees: bool,
    pub proved_at_ms: i64,
}

/// The cells of a player who is hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct OptOutCells {
    pub player: String,
    pub since_ms: i64,
    pub by_administrator: bool,
}
