//! How a fight, a raid, or somebody with all that is his is removed for good.
//!
//! Two invariants. Nobody has in memory what is removed: a fight is removed by a guest, whom its raid's task has let have it,
//! and a raid when its task has ended and no other may begin. And what was begun is done to its end, once: a raid and a person
//! are jobs, written with the note who wanted it, so that what a crash interrupts goes on at the next start, and who asks
//! again shares what is under way. Large ones are removed fight by fight, behind what is live; of an account one thing at a
//! time, so nobody waits for what another removes. Deliberately not here: who may ask for it ([`crate::access`]), and rows
//! (`Erasing` in the store).

mod retention;
mod wipe;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use raidcast_shared::account::Audited;
use raidcast_store::{AccountId, EncounterKey, Erasure, JobKind, LeasedJob, NewJob, Note, PersonId, StoreError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::retention::Retention;
use crate::access::{Managed, Manager, OwnFight, OwnRaid};
use crate::answers::Answers;
use crate::context::Context;
use crate::error::HttpError;
use crate::jobs::{JobDone, JobsLine, LEASE_MS, Later, Worker};
use crate::lists::Lists;
use crate::preview::Previews;
use crate::raid::{Guest, RaidCommand, RaidRegistry};
use crate::retry::until_available;
use crate::search::Searches;
use crate::turns::{Turn, Turns};

/// Who asks is answered within this: what takes longer goes on.
const ANSWER: Duration = Duration::from_secs(20);
/// Of so many accounts something is removed at once: they share one writer.
const AT_ONCE: usize = 4;
/// So much waits for that, of all accounts and of each: a page of raids, each deleted by itself.
const WAITING_MAX: usize = 1_000;
/// See [`WAITING_MAX`].
const WAITING_EACH: usize = 100;
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

/// What all who ask for it wait for.
type UnderWay = Shared<BoxFuture<'static, Result<bool, StoreError>>>;

/// See the module's page.
pub struct Eraser {
    registry: Arc<RaidRegistry>,
    answers: Arc<Answers>,
    lists: Arc<Lists>,
    searches: Arc<Searches>,
    previews: Arc<Previews>,
    /// Of an account one thing at a time, and a few of all.
    turns: Arc<Turns<AccountId>>,
    /// What is removed now.
    under_way: Mutex<HashMap<Erasure, UnderWay>>,
    /// What goes on though nobody waits for it.
    tasks: TaskTracker,
    erasing: Arc<JobsLine>,
    wiping: Arc<JobsLine>,
}

impl Eraser {
    /// Beside these raids and caches.
    pub fn new(
        registry: Arc<RaidRegistry>,
        (answers, lists, searches, previews): (Arc<Answers>, Arc<Lists>, Arc<Searches>, Arc<Previews>),
    ) -> Arc<Self> {
        let turns = Arc::new(Turns::new(AT_ONCE, 1, WAITING_MAX, WAITING_EACH));
        let (under_way, tasks) = (Mutex::default(), TaskTracker::new());
        let (erasing, wiping) = (Arc::default(), Arc::default());
        Arc::new(Self { registry, answers, lists, searches, previews, turns, under_way, tasks, erasing, wiping })
    }

    fn context(&self) -> &Context {
        &self.registry.context
    }

    /// How much waits for its turn.
    pub fn waiting(&self) -> usize {
        self.turns.waiting()
    }

    /// How many raids and people are still to be removed, as far as known.
    pub fn erasing(&self) -> u64 {
        self.erasing.waiting()
    }

    /// How many jobs see to it that nothing of what was removed is left in the database's files, as far as known.
    pub fn wiping(&self) -> u64 {
        self.wiping.waiting()
    }

    fn note(&self, manager: &Manager, what: Audited, account: AccountId) -> Note {
        manager.note(what, account, self.context().clock.now_ms())
    }

    /// Removes a fight.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile; `Unavailable` if as much as may waits to be deleted.
    pub async fn fight(self: &Arc<Self>, fight: Managed<OwnFight>, by: &Manager) -> Result<Done, HttpError> {
        let OwnFight { key, report_id } = fight.into_inner();
        let note = self.note(by, Audited::FightDeleted, key.account);
        let eraser = Arc::clone(self);
        // It is no job, which a start goes on with: who asks waits until it is done.
        let working = self.tasks.spawn(self.while_it_runs(async move {
            let _turn = eraser.turn(key.account).await?;
            eraser.erase_fight(key, &report_id, note).await
        }));
        match working.await.map_err(|_| HttpError::Internal)?? {
            true => Ok(Done::Now),
            false => Err(HttpError::NotFound),
        }
    }

    /// Removes a raid.
    ///
    /// # Errors
    /// `NotFound` if it is gone meanwhile.
    pub async fn raid(self: &Arc<Self>, raid: Managed<OwnRaid>, by: &Manager) -> Result<Done, HttpError> {
        let OwnRaid { account, code } = raid.into_inner();
        let note = self.note(by, Audited::RaidDeleted, account);
        self.begin(account, &code, note, None).await?;
        self.answered(Erasure::Raid(code), account).await
    }

    /// Clears a raid's title for good.
    ///
    /// # Errors
    /// `NotFound` if the raid is gone meanwhile.
    pub async fn clear_title(self: &Arc<Self>, raid: Managed<OwnRaid>, by: &Manager) -> Result<(), HttpError> {
        let OwnRaid { account, code } = raid.into_inner();
        let note = self.note(by, Audited::TitleCleared, account);
        let eraser = Arc::clone(self);
        let working = self.tasks.spawn(self.while_it_runs(async move {
            let cleared = eraser.context().store.clear_title(&code, note).await?;
            if let Some(task) = eraser.registry.directory.raid(&code) {
                // One that begins after this reads what is so now.
                let _ = task.ask(|reply| RaidCommand::TitleCleared { reply }).await;
            }
            eraser.lists.forget();
            eraser.previews.forget();
            eraser.context().webhooks.came();
            eraser.wiping.came();
            Ok(cleared)
        }));
        match working.await.map_err(|_| HttpError::Internal)?? {
            true => Ok(()),
            false => Err(HttpError::NotFound),
        }
    }

    /// Writes down that a raid is to be removed; `false` if it was so, or, with `older_ms`, need not go any more.
    async fn begin(
        &self,
        account: AccountId,
        code: &str,
        note: Note,
        older_ms: Option<i64>,
    ) -> Result<bool, StoreError> {
        let job = erasing(&Erasure::Raid(code.to_owned()), account, note.at_ms);
        self.context().store.begin_erasing(&job, note, older_ms).await
    }

    /// Removes somebody who has left ([`crate::account::Members::leave`]).
    ///
    /// # Errors
    /// The store's.
    pub async fn person(self: &Arc<Self>, person: PersonId) -> Result<Done, HttpError> {
        // He counts no more as somebody who agreed to be named, however long it takes until his raids are gone.
        self.heed().await;
        self.answered(Erasure::Person(person), AccountId(0)).await
    }

    /// Does what was begun, or goes on with it; who asks is answered in time.
    async fn answered(self: &Arc<Self>, erasure: Erasure, account: AccountId) -> Result<Done, HttpError> {
        match tokio::time::timeout(ANSWER, self.run(erasure, account)).await {
            Ok(Ok(true)) => Ok(Done::Now),
            Ok(Ok(false)) => Err(HttpError::NotFound),
            // It is written down: whoever works at that does it.
            Ok(Err(StoreError::Unavailable(_))) | Err(_) => Ok(Done::GoesOn),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// Does what was begun, once, however many ask, and to its end also where nobody waits for it any more.
    fn run(self: &Arc<Self>, erasure: Erasure, account: AccountId) -> UnderWay {
        let mut under_way = self.under_way();
        if let Some(going) = under_way.get(&erasure) {
            return going.clone();
        }
        let landing = Landing { eraser: Arc::clone(self), erasure: erasure.clone() };
        let working = self.tasks.spawn(self.while_it_runs(async move {
            let Landing { eraser, erasure } = &landing;
            match erasure {
                Erasure::Raid(code) => eraser.erase_raid(account, code).await,
                Erasure::Person(person) => eraser.erase_person(*person).await,
            }
        }));
        let working = async move { working.await.unwrap_or_else(|_| Err(StoreError::Damaged("it broke off".into()))) };
        let working = working.boxed().shared();
        under_way.insert(erasure, working.clone());
        working
    }

    /// What the relay's end breaks off goes on at the next start.
    fn while_it_runs<T, W: Future<Output = Result<T, StoreError>>>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T, W> {
        let stop = self.context().draining.clone();
        async move { stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(StoreError::closed())) }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Erasure, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self, account: AccountId) -> Result<Turn<AccountId>, StoreError> {
        self.turns.turn(account).await.map_err(|error| StoreError::Unavailable(format!("to be deleted: {error}")))
    }

    /// Has everybody let go of a fight, and removes it, from whichever raid it is in by now. `false` if it is gone: its
    /// uploader may have thrown it away, and begun it again under another name.
    async fn erase_fight(&self, key: EncounterKey, report_id: &str, note: Note) -> Result<bool, StoreError> {
        let Some(raid_code) = self.remove_fight(key, report_id, None, Some(note)).await? else { return Ok(false) };
        self.forget(&raid_code).await;
        Ok(true)
    }

    async fn forget(&self, raid_code: &str) {
        self.lists.forget();
        self.searches.forget();
        self.previews.forget();
        self.context().veils.forget(raid_code).await;
        self.context().access.tell(raid_code);
        self.context().webhooks.came();
        self.wiping.came();
    }

    /// The raid in which a fight with this report is.
    async fn raid_of(&self, key: EncounterKey, report_id: &str) -> Result<Option<String>, StoreError> {
        let store = &self.context().store;
        let found = until_available("could not look for a fight; trying again", || store.fight_of(report_id)).await?;
        Ok(found.filter(|(found, _)| *found == key).map(|(_, raid_code)| raid_code))
    }

    /// Gives the raid in which it was; `None` if it is gone, or not in the raid with this code.
    async fn remove_fight(
        &self,
        key: EncounterKey,
        report_id: &str,
        only_in: Option<&str>,
        note: Option<Note>,
    ) -> Result<Option<String>, StoreError> {
        let directory = &self.registry.directory;
        let encounter = key.encounter;
        let before = self.raid_of(key, report_id).await?;
        let in_memory = before.as_deref().and_then(|code| directory.raid(code));
        for task in directory.owner(key).into_iter().chain(in_memory) {
            // One that has ended takes nothing any more.
            let _ = task.ask(|reply| RaidCommand::Erasing { encounter, reply }).await;
        }
        let guest = Guest::claim(directory, key).await;
        // Nobody moves it from here on; it may have moved until now.
        let now = self.raid_of(key, report_id).await?;
        let Some(raid_code) = now.filter(|code| only_in.is_none_or(|only| only == code)) else {
            guest.leave(None).await;
            return Ok(None);
        };
        let store = &self.context().store;
        // Its raid may have no fight any more: its channel may show another one from now on.
        let erased = until_available("could not delete a fight; trying again", || {
            let store = Arc::clone(store);
            self.registry.channels.write(key.account, async move { store.erase_encounter(key, note).await })
        })
        .await;
        // Who wants it meanwhile waits for the guest, and is told before that is gone, for he would begin it anew.
        for task in directory.owner(key).into_iter().chain(directory.raid(&raid_code)) {
            let _ = task.ask(|reply| RaidCommand::Erasing { encounter, reply }).await;
        }
        if erased.is_ok()
            && let Some(task) = directory.raid(&raid_code)
        {
            // One that has ended meanwhile reads what is left when it is loaded again.
            let _ = task.send(RaidCommand::Gone { report_id: report_id.to_owned() }).await;
        }
        guest.leave(None).await;
        self.context().set_aside.forget(report_id);
        self.answers.forget(report_id).await;
        Ok(erased?.then_some(raid_code))
    }

    /// Ends a raid's task, and removes the raid; while this has the account's turn nobody else closes it.
    async fn erase_raid(&self, account: AccountId, code: &str) -> Result<bool, StoreError> {
        let _turn = self.turn(account).await?;
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
            self.remove_fight(key, &line.report_id, Some(code), None).await?;
        }
        let (store, erased) = (Arc::clone(store), code.to_owned());
        let erasing =
            async move { until_available("could not delete a raid; trying again", || store.erase_raid(&erased)).await };
        // Its channel may show another raid from now on.
        let erased = self.registry.channels.write(account, erasing).await?;
        context.set_aside.forget_raid(code);
        self.forget(code).await;
        Ok(erased)
    }

    /// Nothing begins in his accounts any more, so what is listed becomes less.
    async fn erase_person(&self, person: PersonId) -> Result<bool, StoreError> {
        let store = &self.context().store;
        let accounts = store.accounts_of(person).await?;
        for account in &accounts {
            loop {
                let raids = store.raids_left(account.id, RAIDS_AT_ONCE).await?;
                if raids.is_empty() {
                    break;
                }
                for code in raids {
                    self.erase_raid(account.id, &code).await?;
                }
            }
        }
        let erased = until_available("could not delete somebody; trying again", || store.erase_person(person)).await?;
        for account in accounts {
            self.context().quota.forget(account.id);
        }
        // What he wished for is gone with him.
        self.heed().await;
        self.wiping.came();
        Ok(erased)
    }

    async fn heed(&self) {
        if let Err(error) = self.registry.heed().await {
            tracing::warn!(%error, "could not read what players wish; trying again in a minute");
        }
    }

    /// Does what was begun before, and sees to the database's files, until the relay stops.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        let context = self.context();
        let (store, clock) = (Arc::clone(&context.store), context.clock.clone());
        let (line, eraser) = (Arc::clone(&self.erasing), Arc::clone(&self));
        let does = move |job| Arc::clone(&eraser).go_on(job);
        let erasing = Worker { store, clock, kind: JobKind::Erase, line, does, goes_before: None, is_long: true };
        let (store, clock, line) = (Arc::clone(&context.store), context.clock.clone(), Arc::clone(&self.wiping));
        let wiping = wipe::worker(store, clock, line);
        tokio::join!(erasing.work(stop.clone()), wiping.work(stop.clone()));
        // What is under way ends with the relay, and goes on at the next start.
        self.tasks.close();
    }

    async fn go_on(self: Arc<Self>, job: LeasedJob) -> Result<JobDone, Later> {
        let failed = |why: String| Later::failed(job.tries, why);
        let erasure = Erasure::of(&job.data).ok_or_else(|| failed("it is a later relay's".into()))?;
        // It went with what it was for.
        self.run(erasure, job.key.account).await.map(|_| JobDone::Removed).map_err(|error| failed(error.to_string()))
    }
}

/// What is being removed, until it is done or breaks off.
struct Landing {
    eraser: Arc<Eraser>,
    erasure: Erasure,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.eraser.under_way().remove(&self.erasure);
    }
}

/// The job of what is begun at once: others do it if that breaks off.
pub(crate) fn erasing(erasure: &Erasure, account: AccountId, now_ms: i64) -> NewJob {
    erasure.job(account, now_ms, now_ms.saturating_add(LEASE_MS))
}
