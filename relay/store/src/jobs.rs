//! Work that must be done after something was kept.
//!
//! One invariant: a job is written in the transaction that caused it, and stands there until it is done. What fails is
//! tried again, with the reason; nothing is dropped. Deliberately not here: what a job's data mean.

use bytes::Bytes;

use crate::{AccountId, StoreFuture};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// To look at a reading that was uploaded while its fight was streamed.
    Reading,
    /// To derive the rows of a report that was kept.
    Derive,
    /// To erase what takes many pieces.
    Erase,
    /// To see to it that nothing of what was erased is left in the database's files.
    Wipe,
    /// To tell what everybody sees of a raid where its account wants it told. In place of the time at which it was written
    /// stands a number, by chance at first, that counts how often that changed: see [`Webhooks::finish_webhook_job`](crate::Webhooks::finish_webhook_job).
    Webhook,
}

/// So many readings wait for an account at the most. Of reports that are to be derived there are no more than reports.
pub const JOBS_MAX: i64 = 256;

/// Names a job: there is one of each name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobKey {
    /// What is to be done.
    pub kind: JobKind,
    /// For whom.
    pub account: AccountId,
    /// Which of these, by whoever wrote it.
    pub name: [u8; 16],
}

/// A job to be written.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Where there is one of this name already, that stays as it is.
    pub key: JobKey,
    /// What it takes to do it.
    pub data: Bytes,
    /// When it was written, Unix ms.
    pub created_at_ms: i64,
    /// Not before this, Unix ms.
    pub due_at_ms: i64,
}

/// What became of a job that was to be written where there is a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAdded {
    /// It is written.
    New,
    /// There is one of its name, which stays as it is.
    Held,
    /// There are as many as may be.
    Full,
}

/// A job that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedJob {
    /// Names it.
    pub key: JobKey,
    /// As it was written.
    pub data: Bytes,
    /// Which time this is since it was last put off with 0 tries, from 1.
    pub tries: u32,
    /// When it was written, Unix ms.
    pub created_at_ms: i64,
}

/// The jobs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobsWaiting {
    /// How many, with those that are being done.
    pub count: u64,
    /// When the first of them is due, Unix ms.
    pub due_at_ms: Option<i64>,
}

/// Keeps what is to be done.
pub trait Jobs: Send + Sync {
    /// The job of a kind that has been due for longest: nobody else is given it before `until_ms`, when it is due again if
    /// it was neither done nor put off.
    fn lease_job(&self, kind: JobKind, now_ms: i64, until_ms: i64) -> StoreFuture<'_, Option<LeasedJob>>;

    /// It is done.
    fn finish_job(&self, key: JobKey) -> StoreFuture<'_, ()>;

    /// It could not be done now, after so many tries that count; `why`: for people who look.
    fn put_off_job<'a>(&'a self, key: JobKey, due_at_ms: i64, tries: u32, why: &'a str) -> StoreFuture<'a, ()>;

    /// A job of an account's that waits: the first by name, or the first after a name. Nobody is given it by that.
    fn job_of(&self, kind: JobKind, account: AccountId, after: Option<[u8; 16]>) -> StoreFuture<'_, Option<LeasedJob>>;

    /// What there is of a kind.
    fn jobs(&self, kind: JobKind) -> StoreFuture<'_, JobsWaiting>;
}
