//! The seam between the relay and its database: one trait an entity, and [`Store`], their sum.
//!
//! One invariant: what a call has answered `Ok` to is on stable storage; a power cut after it loses nothing. What every
//! store does the same beside its SQL is here too: the [`queue`] to the one that writes, the [`order`] of the journal,
//! columns to records ([`row`]) and back ([`code`]), which names are alike ([`name`]), which reports are of
//! one fight ([`same_fight`]). Deliberately not here: what deltas
//! mean (they are bytes), who may see what, any clock, and any SQL but the text of searches ([`search`]).

mod account;
#[cfg(feature = "archive")]
pub mod archive;
mod audit;
mod character;
pub mod code;
#[cfg(feature = "conformance")]
pub mod conformance;
mod derived;
mod encounter;
mod erase;
mod error;
mod jobs;
mod journal;
mod key;
pub mod limits;
mod link;
pub mod look;
pub mod name;
pub mod order;
mod person;
mod player;
pub mod queue;
mod raid;
mod removal;
mod report;
pub mod row;
pub mod same_fight;
pub mod search;
mod session;
pub mod transfer;
mod upkeep;
mod upload;
mod usage;
mod webhook;

pub use account::{Account, AccountId, Accounts, KeyId, no_account};
pub use audit::{AuditRow, Audited, Audits, NOTES_LOOKED_AT, NOTES_MAX, NOTES_OF_ONE_MAX, Note};
pub use character::{
    CHARACTERS_OF_PERSON_MAX, CLAIMS_LISTED_MAX, CLAIMS_MAX, CLAIMS_OF_PERSON_MAX, Character, Characters, Claim,
    FIGHTS_LOOKED_AT, HiddenPlayer, JudgedClaim, NAMES_JUDGED, NAMES_OF_ACCOUNT_MAX, NewClaim, OPT_OUTS_MAX,
    PlayerHeld, PlayerNames, Proof, ProvedBy, SEEN_MAX, Seen, SeenClaim, Wish, Wished, Wishes,
};
pub use derived::{Derived, DerivedBoss, DerivedPlayer, DerivedRows, DerivedSkill, FightTime, Viewpoint, derive_job};
pub use encounter::{EncounterKey, EncounterRow, Encounters, FightsBegun, NewEncounter, OpenEncounter, Unreadable};
pub use erase::{Erasing, Erasure, GivenBack, Leaving, RaidLine};
pub use error::{StoreError, StoreFuture};
pub use jobs::{JOBS_MAX, JobAdded, JobKey, JobKind, Jobs, JobsWaiting, LeasedJob, NewJob};
pub use journal::{Journal, JournalEntry, JournalKind, StoredJournal, StoredStream, StreamKey};
pub use key::{KEYS_MAX, KeyRow, Keys, NewKey};
pub use link::{LINKS_MAX, LinkId, LinkRow, Linked, Links, NewLink};
pub use person::{Adding, Invitation, Joining, NewPerson, People, Person, PersonId, Role, SignIn, Subject};
pub use player::{NUMBERED_PLAYERS_MAX, Players, numbers_to_give};
pub use raid::{Delay, Policy, RaidRow, Raids, ShownTo, Tickets, stricter, stricter_names};
pub use removal::{NewRemoval, REMOVALS_MAX, Removal, Removals};
pub use report::{KeptReport, ListPart, Page, PublicReports, ReportLine, ReportPlace, Reports};
pub use search::{Search, SearchFound, SearchKey, SearchOrder, SearchRequest, SearchTotal, Term};
pub use session::{NewSession, SESSIONS_MAX, Session, SessionEnds, SessionId, Sessions};
pub use upkeep::{Backlog, KeyEncounter, KeyedEncounters, OnCommit, Upkeep};
pub use upload::{
    ACTIVE_NOTED_MS, HeldReport, Left, NewUpload, UPLOAD_HASHES_MAX, UploadHash, UploadKept, UploadStep, Uploads,
    check_remote_id,
};
pub use usage::{Usage, Use};
pub use webhook::{
    NIGHT_PAIRS_MAX, NewWebhook, NightPair, WebhookJob, WebhookMessage, WebhookRow, WebhookStop, Webhooks,
};

/// All that the relay keeps. Whatever keeps each entity is one.
pub trait Store:
    Accounts
    + People
    + Sessions
    + Keys
    + Links
    + Webhooks
    + Raids
    + Players
    + Encounters
    + Journal
    + Reports
    + Uploads
    + Jobs
    + DerivedRows
    + Search
    + Usage
    + Erasing
    + Audits
    + Removals
    + Characters
    + Upkeep
{
}

impl<
    T: Accounts
        + People
        + Sessions
        + Keys
        + Links
        + Webhooks
        + Raids
        + Players
        + Encounters
        + Journal
        + Reports
        + Uploads
        + Jobs
        + DerivedRows
        + Search
        + Usage
        + Erasing
        + Audits
        + Removals
        + Characters
        + Upkeep
        + ?Sized,
> Store for T
{
}
