//! Where raids are found: code to handle, encounter to the raid that owns it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_store::{
    AccountId, EncounterKey, EncounterRow, OpenEncounter, RaidRow, Store, StoreError, Tickets, Unreadable,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::channels::Channels;
use super::command::{RaidCommand, RaidHandle};
use super::encounter::LiveEncounter;
use super::task::RaidTask;
use crate::access::Changes;
use crate::account::RelaySecret;
use crate::clock::{Clock, Entropy};
use crate::heavy::Heavy;
use crate::limits::{EdgeLimits, LEFT_EVERY_MS};
use crate::memory::Memory;
use crate::quota::Quota;

/// Commands that wait for a raid's task; whoever fills it up waits.
const INBOX: usize = 256;

/// What all raids' tasks share.
pub struct Shared {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The relay's own secret.
    pub secret: RelaySecret,
    /// Base of all links.
    pub public_url: String,
    /// From the last event to a provisional report, ms.
    pub grace_ms: i64,
    /// Names this run of the relay in epochs: positions mean nothing in another.
    pub boot: String,
    /// Cancelled when the relay is about to stop.
    pub draining: CancellationToken,
    /// Tells that who may see a raid has changed.
    pub access: Changes,
    /// Whether the last append reached the disk.
    pub store_ok: AtomicBool,
    /// Where encounters are folded whole: large ones one at a time.
    pub heavy: Heavy,
    /// Encounters that cannot be served, by report, and why: the others are.
    pub set_aside: DashMap<String, String>,
    /// Raids whose rows cannot be read, by code, and why.
    pub raids_set_aside: DashMap<String, String>,
    /// What addresses and keys may hold.
    pub limits: EdgeLimits,
    /// What keys have used.
    pub quota: Arc<Quota>,
    /// What open fights hold.
    pub memory: Arc<Memory>,
    connections: AtomicU64,
}

impl Shared {
    /// What raids share from the start of a relay.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        entropy: Entropy,
        secret: RelaySecret,
        public_url: String,
        grace_ms: i64,
        draining: CancellationToken,
    ) -> Self {
        let boot = entropy.code(6);
        let (store_ok, connections) = (AtomicBool::new(true), AtomicU64::new(1));
        let (access, heavy, set_aside) = (Changes::default(), Heavy::default(), DashMap::new());
        let limits = EdgeLimits::default();
        let quota = Arc::new(Quota::new(limits.clone(), clock.now_ms()));
        let memory = Arc::new(Memory::new(&limits));
        Self {
            store,
            clock,
            entropy,
            secret,
            public_url,
            grace_ms,
            boot,
            draining,
            access,
            store_ok,
            heavy,
            set_aside,
            raids_set_aside: DashMap::new(),
            limits,
            quota,
            memory,
            connections,
        }
    }

    /// With limits of one's own.
    pub fn with_limits(self, limits: EdgeLimits) -> Self {
        let quota = Arc::new(Quota::new(limits.clone(), self.clock.now_ms()));
        let memory = Arc::new(Memory::new(&limits));
        Self { limits, quota, memory, ..self }
    }

    /// Goes on without an encounter that cannot be served: said in the log and in `/health`.
    pub fn set_aside(&self, report_id: &str, why: &str) {
        if self.set_aside.insert(report_id.to_owned(), why.to_owned()).is_none() {
            tracing::error!(report = report_id, why, "a fight is set aside; all others are served");
        }
    }

    /// The one way from what the store says of a report to its being set aside: whether it is.
    pub fn is_damaged(&self, report_id: &str, error: &StoreError) -> bool {
        let StoreError::Damaged(why) = error else { return false };
        self.set_aside(report_id, why);
        true
    }

    /// Goes on without a raid whose row cannot be read: said in the log and in `/health`.
    pub fn set_raid_aside(&self, code: &str, why: &str) {
        if self.raids_set_aside.insert(code.to_owned(), why.to_owned()).is_none() {
            tracing::error!(raid = code, why, "a raid is set aside; all others are served");
        }
    }

    /// A name for a new connection.
    pub fn connection_id(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// A link, with a ticket where the raid is private.
    fn link(&self, path: &str, visibility: Visibility, ticket: impl FnOnce() -> String) -> String {
        match visibility {
            Visibility::Private => format!("{}{path}?ticket={}", self.public_url, ticket()),
            Visibility::Public | Visibility::Unlisted => format!("{}{path}", self.public_url),
        }
    }

    /// The page of a report.
    pub fn report_url(&self, row: &EncounterRow) -> String {
        let EncounterRow { report_id, raid_code, visibility, tickets, .. } = row;
        let ticket = || self.secret.ticket(raid_code, tickets.raid);
        self.link(&format!("/reports/{report_id}"), *visibility, ticket)
    }

    /// The page of a raid.
    pub fn raid_url(&self, raid: &RaidRow) -> String {
        let RaidRow { code, visibility, tickets, .. } = raid;
        self.link(&format!("/raids/{code}"), *visibility, || self.secret.ticket(code, tickets.raid))
    }

    /// The page of a channel that shows this raid now.
    pub fn channel_url(&self, channel: &str, raid: &RaidRow) -> String {
        let ticket = || self.secret.channel_ticket(channel, raid.tickets.channel);
        self.link(&format!("/live/{channel}"), raid.visibility, ticket)
    }
}

/// When an encounter was claimed: claims are numbered from 1 as they are made, so waiting for an earlier one ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim(pub(super) u64);

/// Live fights that a start left on the disk, and their raids' codes.
type Left = Vec<(EncounterKey, String)>;

/// Finds raids, and loads those that no task owns now.
pub struct RaidRegistry {
    /// What all raids share.
    pub shared: Arc<Shared>,
    raids: DashMap<String, RaidHandle>,
    owners: DashMap<EncounterKey, (RaidHandle, Claim)>,
    claims: AtomicU64,
    /// What the channels show.
    pub(super) channels: Channels,
    tasks: TaskTracker,
}

impl RaidRegistry {
    /// A registry without raids.
    pub fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            raids: DashMap::new(),
            owners: DashMap::new(),
            claims: AtomicU64::new(1),
            channels: Channels::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// Takes up all live encounters of the store: what a relay does when it starts. Each is read and folded by itself,
    /// as many at once as there are cores, so that one that cannot be read keeps nobody else from being served, and
    /// memory holds few journals at a time. The newest come first; those for which there is no memory are left on the
    /// disk until there is, or until somebody begins them.
    pub async fn recover(self: &Arc<Self>) -> Result<usize, StoreError> {
        let rows = self.shared.store.live_encounters().await?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let aside = |held: &Unreadable| self.shared.set_aside(&held.report_id, &held.why.to_string());
        let readable: Vec<_> = rows.into_iter().filter_map(|row| row.inspect_err(aside).ok()).collect();
        let left = Mutex::default();
        let loading =
            stream::iter(readable.into_iter().rev()).map(|row| self.load_or_leave(row, &left)).buffered(cores);
        let loaded: Vec<_> = loading.try_collect().await?;
        let mut by_raid: BTreeMap<String, Vec<LiveEncounter>> = BTreeMap::new();
        for encounter in loaded.into_iter().flatten() {
            by_raid.entry(encounter.row.raid_code.clone()).or_default().push(encounter);
        }
        // Tasks begin when all are folded, and do not ask the store meanwhile.
        let mut count = 0;
        for (code, encounters) in by_raid {
            let why = match self.shared.store.raid_by_code(&code).await {
                Ok(Some(row)) => {
                    count += encounters.len();
                    self.spawn(row, encounters);
                    continue;
                }
                Ok(None) => format!("its raid {code} is gone"),
                Err(StoreError::Damaged(why)) => format!("its raid {code}: {why}"),
                Err(error) => return Err(error),
            };
            for held in encounters {
                self.shared.set_aside(&held.row.report_id, &why);
            }
        }
        let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !left.is_empty() {
            tracing::warn!(
                fights = left.len(),
                "open fights for which there is no memory are left on the disk for now"
            );
            self.tasks.spawn(Arc::clone(self).take_up(left));
        }
        Ok(count)
    }

    async fn load_or_leave(&self, row: EncounterRow, left: &Mutex<Left>) -> Result<Option<LiveEncounter>, StoreError> {
        if self.shared.memory.room(row.key.account).is_err() {
            left.lock().unwrap_or_else(PoisonError::into_inner).push((row.key, row.raid_code));
            return Ok(None);
        }
        self.load_live(row).await
    }

    /// Takes up fights that were left on the disk, as memory gets free: whether anybody asks for them or not, what has
    /// ended gets its report, and what goes on no more is said to be provisional.
    async fn take_up(self: Arc<Self>, mut left: Left) {
        let mut every = tokio::time::interval(Duration::from_millis(LEFT_EVERY_MS));
        let draining = self.shared.draining.clone();
        while !left.is_empty() && draining.run_until_cancelled(every.tick()).await.is_some() {
            // Somebody else has begun them.
            left.retain(|(key, _)| !self.owners.contains_key(key));
            let mut tried = BTreeSet::new();
            for (key, code) in &left {
                let free = self.loaded(code).is_none() && self.shared.memory.room(key.account).is_ok();
                if free
                    && tried.insert(code.clone())
                    && let Err(error) = self.raid(code).await
                {
                    tracing::warn!(raid = code, %error, "could not take up fights that were left on the disk");
                }
            }
            // Of a raid that was loaded those that are not live any more are nobody's.
            let mut open = Vec::new();
            for (key, code) in left {
                let row = self.shared.store.encounter(key.account, key.encounter).await;
                if !matches!(row, Ok(row) if row.as_ref().is_none_or(|row| row.state != ReportState::Live)) {
                    open.push((key, code));
                }
            }
            left = open;
        }
    }

    /// An encounter as the store has it, unless it is gone; one that cannot be read is set aside.
    ///
    /// # Errors
    /// The store does not answer: that is not the encounter's fault.
    async fn load_live(&self, row: EncounterRow) -> Result<Option<LiveEncounter>, StoreError> {
        match load_encounter(&self.shared, row.row).await {
            Err(StoreError::Damaged(why)) => {
                self.shared.set_aside(&row.report_id, &why);
                Ok(None)
            }
            loaded => loaded,
        }
    }

    /// The raid with this code, whose task is begun if need be; `None` if there is none. Nobody waits here for fights to
    /// be read and folded, neither of this raid nor of another.
    pub async fn raid(self: &Arc<Self>, code: &str) -> Result<Option<RaidHandle>, StoreError> {
        if let Some(handle) = self.loaded(code) {
            return Ok(Some(handle));
        }
        let Some(row) = self.shared.store.raid_by_code(code).await? else { return Ok(None) };
        // It reads its row again, which may be another one by now, and its fights: nobody waits for those here.
        Ok(Some(self.begin(row, None)))
    }

    /// The raid with this code, if a task owns it now.
    pub fn loaded(&self, code: &str) -> Option<RaidHandle> {
        self.raids.get(code).map(|held| held.value().clone())
    }

    /// Ends all tickets of a raid and of its account's channel, and lets go who came by them; `None` if there is no such
    /// raid.
    pub async fn renew_tickets(&self, raid: &RaidRow) -> Result<Option<Tickets>, StoreError> {
        let store = &self.shared.store;
        let Some(tickets) = store.renew_tickets(&raid.code).await? else { return Ok(None) };
        // Who came by the channel's ticket sees the raid that the channel shows, or showed until a moment ago.
        let shown = self.channel_raid(raid.account).await?.filter(|shown| shown.code != raid.code);
        let shown = shown.map(|shown| (shown.code, shown.tickets));
        for (code, tickets) in [(raid.code.clone(), tickets)].into_iter().chain(shown) {
            // A task that begins after this reads what is so now.
            if let Some(task) = self.loaded(&code) {
                let _ = task.ask(|reply| RaidCommand::TicketsRenewed { tickets, reply }).await;
            }
            self.shared.access.tell(&code);
        }
        Ok(Some(tickets))
    }

    fn spawn(self: &Arc<Self>, row: RaidRow, encounters: Vec<LiveEncounter>) -> RaidHandle {
        self.begin(row, Some(encounters))
    }

    /// Begins the task of a raid, unless it has one: with these fights, or with those that it reads itself.
    fn begin(self: &Arc<Self>, row: RaidRow, encounters: Option<Vec<LiveEncounter>>) -> RaidHandle {
        let (sender, inbox) = mpsc::channel(INBOX);
        let handle = RaidHandle::new(&row.code, sender);
        // Two tasks never own one raid: the first to be entered is it.
        match self.raids.entry(row.code.clone()) {
            Entry::Occupied(held) => return held.get().clone(),
            Entry::Vacant(free) => drop(free.insert(handle.clone())),
        }
        for encounter in encounters.iter().flatten() {
            self.claim(encounter.row.key, &handle);
        }
        let task = RaidTask::new(Arc::clone(self), handle.clone(), inbox, row, encounters);
        self.tasks.spawn(task.run());
        handle
    }

    /// Makes `handle` the owner of an encounter; gives the claim, and the owner before it.
    pub(super) fn claim(&self, key: EncounterKey, handle: &RaidHandle) -> (Claim, Option<RaidHandle>) {
        // Numbered under the entry's lock: the owner before has a lower one.
        match self.owners.entry(key) {
            Entry::Occupied(mut held) => {
                let claim = self.next_claim();
                let (before, _) = held.insert((handle.clone(), claim));
                (claim, Some(before).filter(|before| !before.is(handle)))
            }
            Entry::Vacant(free) => {
                let claim = self.next_claim();
                free.insert((handle.clone(), claim));
                (claim, None)
            }
        }
    }

    /// Makes `handle` the owner of an encounter that no other raid has; gives the claim, and the task that the same raid
    /// had before, if that has not let go of it yet. `None` if another raid has it.
    pub(super) fn claim_free(&self, key: EncounterKey, handle: &RaidHandle) -> Option<(Claim, Option<RaidHandle>)> {
        match self.owners.entry(key) {
            Entry::Occupied(held) if held.get().0.code != handle.code => None,
            Entry::Occupied(mut held) => {
                let claim = self.next_claim();
                let (before, _) = held.insert((handle.clone(), claim));
                Some((claim, Some(before).filter(|before| !before.is(handle))))
            }
            Entry::Vacant(free) => {
                let claim = self.next_claim();
                free.insert((handle.clone(), claim));
                Some((claim, None))
            }
        }
    }

    fn next_claim(&self) -> Claim {
        Claim(self.claims.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives an encounter up, unless another raid has claimed it.
    pub(super) fn disown(&self, key: EncounterKey, handle: &RaidHandle) {
        self.owners.remove_if(&key, |_, (owner, _)| owner.is(handle));
    }

    /// Takes a raid's task out, before it ends.
    pub(super) fn remove(&self, handle: &RaidHandle) {
        self.raids.remove_if(&*handle.code, |_, held| held.is(handle));
    }

    /// The raid that owns an encounter now.
    pub fn owner(&self, key: EncounterKey) -> Option<RaidHandle> {
        self.owners.get(&key).map(|held| held.value().0.clone())
    }

    /// The raid that an account's channel shows: its newest, if it has one.
    pub async fn channel_raid(&self, account: AccountId) -> Result<Option<RaidRow>, StoreError> {
        self.shared.store.newest_raid(account).await
    }

    /// Whether a raid goes on.
    pub fn is_open(&self, raid: &RaidRow) -> bool {
        // Neither long ago nor, by a clock that was ahead, far in the future.
        !raid.closed && self.shared.clock.now_ms().abs_diff(raid.active_at_ms) < RAID_IDLE_MS.unsigned_abs()
    }

    /// What runs as long as its raids do, and is waited for with them.
    pub(super) fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Waits until all tasks have ended, once the relay drains.
    pub async fn join(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Reads an encounter from the store: its journal, or its log where the report is final. `None` if it is gone.
///
/// # Errors
/// `Unavailable`: try again. `Damaged`: what is stored cannot be folded, or folding it broke off.
pub(super) async fn load_encounter(shared: &Shared, row: i64) -> Result<Option<LiveEncounter>, StoreError> {
    let (store, now_ms) = (&shared.store, shared.clock.now_ms());
    let mut journal = shared.heavy.journal().await;
    let Some(open) = store.open_encounter(row).await? else { return Ok(None) };
    let report_id = open.encounter.report_id.clone();
    let is_final = open.encounter.state == ReportState::Final;
    if is_final {
        // It has no journal: whoever needs one does not wait for its log.
        journal = None;
    }
    let log = if is_final { store.report_log(&report_id).await? } else { None };
    let kept = match open.encounter.state {
        ReportState::Live => None,
        ReportState::Provisional | ReportState::Final => store.report(&report_id).await?.and_then(|(_, record)| record),
    };
    let rebuilt = shared.heavy.run(bytes_of(&open, log.as_deref()), move || {
        let mut encounter = LiveEncounter::rebuild(&open, log.as_deref(), now_ms)?;
        if let Some(record) = kept.filter(|_| encounter.revision == encounter.row.revision) {
            match crate::finalize::decode_record(&record) {
                Ok(kept) => encounter.kept = Some(Arc::new(kept.shown_to(crate::access::record()))),
                // Its report is made of what was folded here.
                Err(error) => {
                    tracing::error!(report = encounter.row.report_id, %error, "a report's record is damaged; its log is whole");
                }
            }
        }
        Ok::<_, StoreError>(encounter)
    });
    let broke = |_| StoreError::Damaged(format!("folding report {report_id} broke off"));
    let mut encounter = rebuilt.await.map_err(broke)??;
    drop(journal);
    encounter.weigh_in(&shared.memory);
    Ok(Some(encounter))
}

/// How much an encounter takes up in the store.
fn bytes_of(open: &OpenEncounter, log: Option<&[u8]>) -> usize {
    let entries = open.streams.iter().flat_map(|(_, entries)| entries);
    entries.map(|entry| entry.data.len()).sum::<usize>() + log.map_or(0, <[u8]>::len)
}
