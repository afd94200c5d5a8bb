//! What is removed for good, and what stays however old it gets.
//!
//! One invariant: what was erased is in no row of any table any more. An encounter goes with its log, its report, what is
//! derived of it, the pairs it is part of, what meters know it by and the jobs that are about it; a raid with what is left of
//! its encounters, its tickets and its players' numbers; a person with his accounts and all that is theirs. Where the
//! database leaves what is deleted in its files, the same transaction leaves a job ([`JobKind::Wipe`])
//! that sees to these. Deliberately not here: who has an encounter in memory, who must let go of it first.

use raidcast_shared::uplink::{NamesPolicy, Visibility};

use crate::{AccountId, EncounterKey, JobKey, JobKind, NewJob, Note, Person, PersonId, StoreFuture};

/// What is to be erased piece by piece: what a job of [`JobKind::Erase`] says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Erasure {
    /// The raid with this code.
    Raid(String),
    /// Somebody who has left.
    Person(PersonId),
}

impl Erasure {
    /// As the job's data say it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Raid(code) => format!("raid:{code}"),
            Self::Person(person) => format!("person:{}", person.0),
        }
    }

    /// The job of it. `account`: whose the raid is.
    pub fn job(&self, account: AccountId, created_at_ms: i64, due_at_ms: i64) -> NewJob {
        let mut name = [0; 16];
        match self {
            // Codes have ten characters; of longer ones that begin alike one would wait for the other.
            Self::Raid(code) => code.bytes().zip(&mut name).for_each(|(byte, at)| *at = byte),
            Self::Person(person) => name[8..].copy_from_slice(&person.0.to_be_bytes()),
        }
        let key = JobKey { kind: JobKind::Erase, account, name };
        NewJob { key, data: self.to_text().into(), created_at_ms, due_at_ms }
    }

    /// What a job's data say; `None` if a later relay wrote them.
    pub fn of(data: &[u8]) -> Option<Self> {
        match std::str::from_utf8(data).ok()?.split_once(':')? {
            ("raid", code) => Some(Self::Raid(code.to_owned())),
            ("person", row) => Some(Self::Person(PersonId(row.parse().ok()?))),
            _ => None,
        }
    }
}

/// What its owner sees of a raid in the list of his own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaidLine {
    /// Its row: raids that were made later have greater ones.
    pub row: i64,
    /// Whose it is.
    pub account: AccountId,
    /// Names it in URLs.
    pub code: String,
    /// What its uploader calls it.
    pub title: Option<String>,
    /// Who may see it while it is live.
    pub visibility: Visibility,
    /// Who may see its reports; `None`: as what is live.
    pub report_visibility: Option<Visibility>,
    /// Which names spectators see.
    pub names: NamesPolicy,
    /// By how much those are behind, ms.
    pub delay_ms: i64,
    /// Unix ms.
    pub created_at_ms: i64,
    /// Unix ms.
    pub active_at_ms: i64,
    /// Whether it stays however old it gets.
    pub pinned: bool,
    /// Which of its tickets is good.
    pub ticket: u32,
    /// How many fights it has.
    pub fights: u64,
}

/// What became of somebody who is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// He signs in no more, and his keys are gone; his rows are still to be erased.
    Begun,
    /// Nobody else administrates the relay: nothing changed.
    LastAdministrator,
    /// There is no such person.
    NotThere,
}

/// How far the database's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Whether nothing is left to be done; else it is to be asked again.
    pub is_done: bool,
}

/// Erases.
pub trait Erasing: Send + Sync {
    /// Writes down what is to be erased, and who wants it: together or not at all. `false`, and nothing is written, where it
    /// is written already, or, with `older_ms`, unless it is a raid that was active last before that and is not to stay.
    fn begin_erasing<'a>(&'a self, job: &'a NewJob, note: Note, older_ms: Option<i64>) -> StoreFuture<'a, bool>;

    /// Erases an encounter, and what still waits to be looked at of it; `false` if there is none. Nobody may have it in
    /// memory.
    fn erase_encounter(&self, key: EncounterKey, note: Option<Note>) -> StoreFuture<'_, bool>;

    /// Erases a raid with the encounters that it still has, and the job that says so; `false` if there is none. All of it
    /// in one transaction: who has many encounters erases these first.
    fn erase_raid<'a>(&'a self, code: &'a str) -> StoreFuture<'a, bool>;

    /// Ends all that lets somebody in (ways to sign in, sessions, keys, invitations of his), and writes down that he is to
    /// be erased, and who wants it: once. Nothing begins in his accounts any more, and what names them names others from now
    /// on. The last administrator stays.
    fn begin_leaving<'a>(&'a self, person: PersonId, job: &'a NewJob, note: Note) -> StoreFuture<'a, Leaving>;

    /// Erases somebody with all accounts that he holds and what they still have; `false` if there is no such person.
    fn erase_person(&self, person: PersonId) -> StoreFuture<'_, bool>;

    /// An account's raids that can be read, those that were made last first: from the last one, or before a row.
    fn raids_of(&self, account: AccountId, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<RaidLine>>;

    /// What a report's fight is named by, and its raid's code, though nothing else of it can be read.
    fn fight_of<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterKey, String)>>;

    /// Whose a raid is, though nothing else of it can be read.
    fn owner_of<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<AccountId>>;

    /// Codes of raids that an account still has, also of those that cannot be read.
    fn raids_left(&self, account: AccountId, limit: u32) -> StoreFuture<'_, Vec<String>>;

    /// Raids that were active last before a time, are not to stay, and are not being erased: whose they are, and their codes,
    /// also of those that cannot be read; the oldest first.
    fn raids_older(&self, before_ms: i64, limit: u32) -> StoreFuture<'_, Vec<(AccountId, String)>>;

    /// When a raid was active last, of all raids the newest; `None` if there is none.
    fn active_last(&self) -> StoreFuture<'_, Option<i64>>;

    /// A raid stays however old it gets, or no more; `false` if there is none, or it is being erased. Nothing is noted where
    /// it was so already.
    fn pin_raid<'a>(&'a self, code: &'a str, pinned: bool, note: Note) -> StoreFuture<'a, bool>;

    /// Who signs in, by row: from the first on, or after a row.
    fn people(&self, after: Option<PersonId>, limit: u32) -> StoreFuture<'_, Vec<Person>>;

    /// Takes a step, of bounded time, towards files in which nothing is left of what was deleted, and whose free space is
    /// the disk's again. A database that sees to that by itself is done at once.
    fn give_back(&self) -> StoreFuture<'_, GivenBack>;
}
