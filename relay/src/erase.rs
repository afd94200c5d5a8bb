//! How a fight, a raid, or somebody with all that is his is removed for good.
//!
//! Two invariants. Nobody has in memory what is removed: a fight is removed by a guest, whom its raid's task has let have it,
//! and a raid when its task has ended and no other may begin. And what was begun is done to its end: a raid and a person are
//! jobs, written with the note who wanted it, so that what a crash interrupts goes on at the next start. Large ones are
//! removed fight by fight, behind what is live. Deliberately not here: who may ask for it ([`crate::access`]), and rows
//! (`Erasing` in the store).

mod retention;
mod wipe;

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::account::Audited;
use raidcast_store::{
    AccountId, EncounterKey, EncounterRow, Erasure, JobKind, LeasedJob, NewJob, Note, PersonId, RaidRow, StoreError,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::retention::Retention;
use crate::access::{Manager, Visible};
use crate::answers::Answers;
use crate::context::Context;
use crate::error::HttpError;
use crate::jobs::{JobDone, JobsLine, LEASE_MS, Later, Worker};
use crate::lists::Lists;
use crate::raid::{Guest, RaidCommand, RaidRegistry};
use crate::retry::until_available;
use crate::search::Searches;

/// Who asks is answered within this: what takes longer goes on.
const ANSWER: Duration = Duration::from_secs(20);
/// Raids of an account that are listed at once.
const RAIDS_AT_ONCE: u32 = 100;

/// Whether it is done when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Now,
    /// It goes on.
    GoesOn,
}

/// See the module's page.
pub struct Eraser {
    registry: Arc<RaidRegistry>,
    answers: Arc<Answers>,
    lists: Arc<Lists>,
    searches: Arc<Searches>,
    /// One thing at a time.
    turn: Semaphore,
    /// What goes on though nobody waits for it.
    tasks: TaskTracker,
    erasing: Arc<JobsLine>,
    wiping: Arc<JobsLine>,
}

impl Eraser {
    /// Beside these raids and caches.
    pub fn new(
        registry: Arc<RaidRegistry>,
        answers: Arc<Answers>,
        lists: Arc<Lists>,
        searches: Arc<Searches>,
    ) -> Arc<Self> {
        let (turn, tasks) = (Semaphore::new(1), TaskTracker::new());
        let (erasing, wiping) = (Arc::default(), Arc::default());
        Arc::new(Self { registry, answers, lists, searches, turn, tasks, erasing, wiping })
    }

    fn context(&self) -> &Context {
        &self.registry.context
    }

    fn note(&self, manager: &Manager, what: Audited, account: AccountId) -> Note {
        Note { by: manager.by(), what, about: Some(account.0), at_ms: self.context().clock.now_ms() }
    }

    /// Removes a fight.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile.
    pub async fn fight(self: &Arc<Self>, fight: Visible<EncounterRow>, by: &Manager) -> Result<Done, HttpError> {
        let note = self.note(by, Audited::FightDeleted, fight.key.account);
        let (eraser, row) = (Arc::clone(self), fight.into_inner());
        // It is no job, which a start goes on with: who asks waits until it is done.
        let work = async move { eraser.erase_fight(row.key, &row.report_id, &row.raid_code, Some(note)).await };
        self.to_its_end(work, Duration::MAX).await
    }

    /// Removes a raid.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile.
    pub async fn raid(self: &Arc<Self>, raid: Visible<RaidRow>, by: &Manager) -> Result<Done, HttpError> {
        let note = self.note(by, Audited::RaidDeleted, raid.account);
        let (account, code) = (raid.account, raid.code.clone());
        self.begin(account, &code, note).await?;
        let eraser = Arc::clone(self);
        self.to_its_end(async move { eraser.erase_raid(account, &code).await }, ANSWER).await
    }

    /// Clears a raid's title for good.
    ///
    /// # Errors
    /// `NotFound` if the raid is gone meanwhile.
    pub async fn clear_title(self: &Arc<Self>, raid: Visible<RaidRow>, by: &Manager) -> Result<(), HttpError> {
        let (note, code) = (self.note(by, Audited::TitleCleared, raid.account), raid.code.clone());
        let eraser = Arc::clone(self);
        let work = async move {
            let cleared = eraser.context().store.clear_title(&code, note).await?;
            if let Some(task) = eraser.registry.directory.raid(&code) {
                // One that begins after this reads what is so now.
                let _ = task.ask(|reply| RaidCommand::TitleCleared { reply }).await;
            }
            eraser.lists.forget();
            eraser.wiping.came();
            Ok(cleared)
        };
        self.to_its_end(work, Duration::MAX).await.map(drop)
    }

    /// Writes down that a raid is to be removed.
    async fn begin(&self, account: AccountId, code: &str, note: Note) -> Result<(), StoreError> {
        let job = erasing(&Erasure::Raid(code.to_owned()), account, note.at_ms);
        self.context().store.begin_erasing(&job, note).await
    }

    /// Removes somebody who has left ([`crate::account::Members::leave`]).
    ///
    /// # Errors
    /// The store's.
    pub async fn person(self: &Arc<Self>, person: PersonId) -> Result<Done, HttpError> {
        let eraser = Arc::clone(self);
        self.to_its_end(async move { eraser.erase_person(person).await }, ANSWER).await
    }

    /// Does it to its end, also where nobody waits for it any more.
    async fn to_its_end(
        &self,
        work: impl Future<Output = Result<bool, StoreError>> + Send + 'static,
        answer: Duration,
    ) -> Result<Done, HttpError> {
        // What the relay's end breaks off goes on at the next start.
        let stop = self.context().draining.clone();
        let work = async move { stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(StoreError::closed())) };
        let working = self.tasks.spawn(work);
        match tokio::time::timeout(answer, working).await {
            Ok(Ok(Ok(true))) => Ok(Done::Now),
            Ok(Ok(Ok(false))) => Err(HttpError::NotFound),
            Ok(Ok(Err(error))) => Err(error.into()),
            Ok(Err(_)) => Err(HttpError::Internal),
            Err(_) => Ok(Done::GoesOn),
        }
    }

    async fn erase_fight(
        &self,
        key: EncounterKey,
        report_id: &str,
        raid_code: &str,
        note: Option<Note>,
    ) -> Result<bool, StoreError> {
        let _turn = self.turn.acquire().await;
        let erased = self.remove_fight(key, report_id, raid_code, note).await?;
        self.lists.forget();
        self.searches.forget();
        self.context().veils.forget(raid_code).await;
        self.context().access.tell(raid_code);
        self.wiping.came();
        Ok(erased)
    }

    /// Has everybody let go of a fight, and removes it.
    async fn remove_fight(
        &self,
        key: EncounterKey,
        report_id: &str,
        raid_code: &str,
        note: Option<Note>,
    ) -> Result<bool, StoreError> {
        let directory = &self.registry.directory;
        let encounter = key.encounter;
        for task in directory.owner(key).into_iter().chain(directory.raid(raid_code)) {
            // One that has ended takes nothing any more.
            let _ = task.ask(|reply| RaidCommand::Erasing { encounter, reply }).await;
        }
        let guest = Guest::claim(directory, key).await;
        let store = &self.context().store;
        let erased =
            until_available("could not delete a fight; trying again", || store.erase_encounter(key, note)).await;
        if erased.is_ok()
            && let Some(task) = directory.raid(raid_code)
        {
            // One that has ended meanwhile reads what is left when it is loaded again.
            let _ = task.send(RaidCommand::Gone { report_id: report_id.to_owned() }).await;
        }
        guest.leave(None).await;
        self.context().set_aside.forget(report_id);
        self.answers.forget(report_id).await;
        erased
    }

    async fn erase_raid(&self, account: AccountId, code: &str) -> Result<bool, StoreError> {
        let _turn = self.turn.acquire().await;
        self.remove_raid(account, code).await
    }

    /// Ends a raid's task, and removes the raid; whoever calls has the turn, so nobody else has closed it.
    async fn remove_raid(&self, account: AccountId, code: &str) -> Result<bool, StoreError> {
        let (context, directory) = (self.context(), &self.registry.directory);
        let _closed = directory.close(code);
        while let Some(task) = directory.raid(code) {
            let _ = task.ask(|reply| RaidCommand::Close { reply }).await;
            task.ended().await;
        }
        let store = &context.store;
        let lines =
            until_available("could not list a raid's fights; trying again", || store.raid_reports(code)).await?;
        for line in lines {
            let key = EncounterKey { account, encounter: line.encounter };
            self.remove_fight(key, &line.report_id, code, None).await?;
        }
        let (store, erased) = (Arc::clone(store), code.to_owned());
        let erasing =
            async move { until_available("could not delete a raid; trying again", || store.erase_raid(&erased)).await };
        // Its channel may show another raid from now on.
        let erased = self.registry.channels.write(account, erasing).await?;
        self.lists.forget();
        self.searches.forget();
        context.veils.forget(code).await;
        context.access.tell(code);
        self.wiping.came();
        Ok(erased)
    }

    async fn erase_person(&self, person: PersonId) -> Result<bool, StoreError> {
        let _turn = self.turn.acquire().await;
        let store = &self.context().store;
        let accounts = store.accounts_of(person).await?;
        for account in &accounts {
            loop {
                let raids = store.raids_of(account.id, None, RAIDS_AT_ONCE).await?;
                if raids.is_empty() {
                    break;
                }
                for raid in raids {
                    self.remove_raid(account.id, &raid.code).await?;
                }
            }
        }
        let erased = until_available("could not delete somebody; trying again", || store.erase_person(person)).await?;
        for account in accounts {
            self.context().quota.forget(account.id);
        }
        // What he agreed to is gone with him.
        if let Err(error) = self.registry.heed().await {
            tracing::warn!(%error, "could not read what players wish; trying again in a minute");
        }
        self.wiping.came();
        Ok(erased)
    }

    /// Does what was begun before, and sees to the database's files, until the relay stops.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        let context = self.context();
        let (store, clock) = (Arc::clone(&context.store), context.clock.clone());
        let (line, eraser) = (Arc::clone(&self.erasing), Arc::clone(&self));
        let does = move |job| {
            let eraser = Arc::clone(&eraser);
            async move { eraser.go_on(job).await }
        };
        let erasing = Worker { store, clock, kind: JobKind::Erase, line, does, goes_before: None };
        let (store, clock, line) = (Arc::clone(&context.store), context.clock.clone(), Arc::clone(&self.wiping));
        let wiping = wipe::worker(store, clock, line);
        tokio::join!(erasing.work(stop.clone()), wiping.work(stop.clone()));
        // What is under way ends with the relay, and goes on at the next start.
        self.tasks.close();
    }

    async fn go_on(&self, job: LeasedJob) -> Result<JobDone, Later> {
        let failed = |why: String| Later::failed(job.tries, why);
        let erasure = Erasure::of(&job.data).ok_or_else(|| failed("it is a later relay's".into()))?;
        let erasing = async {
            match erasure {
                Erasure::Raid(code) => self.erase_raid(job.key.account, &code).await,
                Erasure::Person(person) => self.erase_person(person).await,
            }
        };
        let stop = &self.context().draining;
        let erased = stop.run_until_cancelled(erasing).await.unwrap_or_else(|| Err(StoreError::closed()));
        // It went with what it was for.
        erased.map(|_| JobDone::Removed).map_err(|error| failed(error.to_string()))
    }
}

/// The job of what is begun at once: others do it if that breaks off.
pub(crate) fn erasing(erasure: &Erasure, account: AccountId, now_ms: i64) -> NewJob {
    erasure.job(account, now_ms, now_ms.saturating_add(LEASE_MS))
}
