//! Where raids are found: code to handle, encounter to the raid that owns it.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dashmap::DashMap;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_store::{AccountId, EncounterKey, OpenEncounter, RaidRow, Store, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::command::RaidHandle;
use super::encounter::LiveEncounter;
use super::task::RaidTask;
use crate::account::RelaySecret;
use crate::clock::{Clock, Entropy};
use crate::limits::EdgeLimits;
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
    /// Whether the last append reached the disk.
    pub store_ok: AtomicBool,
    /// What addresses and keys may hold.
    pub limits: EdgeLimits,
    /// What keys have used.
    pub quota: Arc<Quota>,
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
        let limits = EdgeLimits::default();
        let quota = Arc::new(Quota::new(limits.clone()));
        Self {
            store,
            clock,
            entropy,
            secret,
            public_url,
            grace_ms,
            boot,
            draining,
            store_ok,
            limits,
            quota,
            connections,
        }
    }

    /// With limits of one's own.
    pub fn with_limits(self, limits: EdgeLimits) -> Self {
        Self { quota: Arc::new(Quota::new(limits.clone())), limits, ..self }
    }

    /// A name for a new connection.
    pub fn connection_id(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// `?ticket=…` for links of a private raid, else nothing.
    fn query(&self, raid_code: &str, visibility: Visibility) -> String {
        match visibility {
            Visibility::Private => format!("?ticket={}", self.secret.ticket(raid_code)),
            Visibility::Public | Visibility::Unlisted => String::new(),
        }
    }

    /// The page of a report.
    pub fn report_url(&self, report_id: &str, raid_code: &str, visibility: Visibility) -> String {
        format!("{}/reports/{report_id}{}", self.public_url, self.query(raid_code, visibility))
    }

    /// The page of a raid.
    pub fn raid_url(&self, raid_code: &str, visibility: Visibility) -> String {
        format!("{}/raids/{raid_code}{}", self.public_url, self.query(raid_code, visibility))
    }

    /// The page of a channel.
    pub fn channel_url(&self, channel: &str) -> String {
        format!("{}/live/{channel}", self.public_url)
    }
}

/// Finds raids, and loads those that no task owns now.
pub struct RaidRegistry {
    /// What all raids share.
    pub shared: Arc<Shared>,
    raids: DashMap<String, RaidHandle>,
    owners: DashMap<EncounterKey, RaidHandle>,
    /// One load at a time: two tasks must never own one raid.
    loading: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
}

impl RaidRegistry {
    /// A registry without raids.
    pub fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            raids: DashMap::new(),
            owners: DashMap::new(),
            loading: tokio::sync::Mutex::new(()),
            tasks: TaskTracker::new(),
        })
    }

    /// Takes up all live encounters of the store: what a relay does when it starts.
    pub async fn recover(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut by_raid: std::collections::BTreeMap<String, Vec<OpenEncounter>> = std::collections::BTreeMap::new();
        for open in self.shared.store.open_encounters().await? {
            by_raid.entry(open.encounter.raid_code.clone()).or_default().push(open);
        }
        // As many are folded at once as there are cores; tasks begin when all are, and do not ask the store meanwhile.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let rebuilt = stream::iter(by_raid).map(|(code, open)| self.rebuild(code, open)).buffered(cores);
        let rebuilt: Vec<_> = rebuilt.try_collect().await?;
        let mut count = 0;
        for (row, encounters) in rebuilt.into_iter().flatten() {
            count += encounters.len();
            self.spawn(row, encounters);
        }
        Ok(count)
    }

    /// The live encounters of a raid; `None` if there is no such raid.
    async fn rebuild(
        &self,
        code: String,
        open: Vec<OpenEncounter>,
    ) -> Result<Option<(RaidRow, Vec<LiveEncounter>)>, StoreError> {
        let now_ms = self.shared.clock.now_ms();
        let encounters = tokio::task::spawn_blocking(move || {
            let rebuilt = open.iter().map(|open| LiveEncounter::rebuild(open, None, now_ms));
            rebuilt
                .filter_map(|encounter| encounter.inspect_err(|error| tracing::error!(%error, "left alone")).ok())
                .collect()
        });
        let (row, encounters) = tokio::join!(self.shared.store.raid_by_code(&code), encounters);
        let encounters: Vec<LiveEncounter> = encounters.map_err(|error| StoreError::Damaged(error.to_string()))?;
        let row = row?;
        if row.is_none() {
            tracing::error!(raid = code, "live encounters of a raid that is gone; they are left alone");
        }
        Ok(row.map(|row| (row, encounters)))
    }

    /// The raid with this code, loaded if need be; `None` if there is none.
    pub async fn raid(self: &Arc<Self>, code: &str) -> Result<Option<RaidHandle>, StoreError> {
        if let Some(handle) = self.loaded(code) {
            return Ok(Some(handle));
        }
        let _loading = self.loading.lock().await;
        if let Some(handle) = self.loaded(code) {
            return Ok(Some(handle));
        }
        let store = &self.shared.store;
        let Some(row) = store.raid_by_code(code).await? else { return Ok(None) };
        // The last fight is what a spectator of a raid between two fights sees.
        let newest = store.raid_reports(code).await?.into_iter().next();
        let mut encounters = Vec::new();
        if let Some(line) = newest
            && let Some((encounter, _)) = store.report(&line.report_id).await?
            && !self.owners.contains_key(&encounter.key)
            && let Some(live) = load_encounter(store, encounter.row, self.shared.clock.now_ms()).await?
        {
            encounters.push(live);
        }
        Ok(Some(self.spawn(row, encounters)))
    }

    /// The raid with this code, if a task owns it now.
    pub fn loaded(&self, code: &str) -> Option<RaidHandle> {
        self.raids.get(code).map(|held| held.value().clone())
    }

    /// Starts the task of a raid that was just made.
    pub async fn start(self: &Arc<Self>, row: RaidRow) -> RaidHandle {
        let _loading = self.loading.lock().await;
        match self.loaded(&row.code) {
            Some(handle) => handle,
            None => self.spawn(row, Vec::new()),
        }
    }

    fn spawn(self: &Arc<Self>, row: RaidRow, encounters: Vec<LiveEncounter>) -> RaidHandle {
        let (sender, inbox) = mpsc::channel(INBOX);
        let handle = RaidHandle::new(&row.code, sender);
        for encounter in &encounters {
            self.owners.insert(encounter.row.key, handle.clone());
        }
        self.raids.insert(row.code.clone(), handle.clone());
        let task = RaidTask::new(Arc::clone(self), handle.clone(), inbox, row, encounters);
        self.tasks.spawn(task.run());
        handle
    }

    /// Makes `handle` the owner of an encounter; the one before it is answered.
    pub(super) fn claim(&self, key: EncounterKey, handle: &RaidHandle) -> Option<RaidHandle> {
        self.owners.insert(key, handle.clone()).filter(|before| !before.is(handle))
    }

    /// Gives an encounter up, unless another raid has claimed it.
    pub(super) fn disown(&self, key: EncounterKey, handle: &RaidHandle) {
        self.owners.remove_if(&key, |_, owner| owner.is(handle));
    }

    /// Takes a raid's task out, before it ends.
    pub(super) fn remove(&self, handle: &RaidHandle) {
        self.raids.remove_if(&*handle.code, |_, held| held.is(handle));
    }

    /// The raid that owns an encounter now.
    pub fn owner(&self, key: EncounterKey) -> Option<RaidHandle> {
        self.owners.get(&key).map(|held| held.value().clone())
    }

    /// The raid that an account's channel shows: its newest, if it has one.
    pub async fn channel_raid(&self, account: AccountId) -> Result<Option<RaidRow>, StoreError> {
        self.shared.store.newest_raid(account).await
    }

    /// Whether a raid goes on.
    pub fn is_open(&self, raid: &RaidRow) -> bool {
        !raid.closed && self.shared.clock.now_ms() - raid.active_at_ms < RAID_IDLE_MS
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

/// Reads an encounter from the store: its journal, or its log where the report is final.
pub(super) async fn load_encounter(
    store: &Arc<dyn Store>,
    row: i64,
    now_ms: i64,
) -> Result<Option<LiveEncounter>, StoreError> {
    let Some(open) = store.open_encounter(row).await? else { return Ok(None) };
    let report_id = open.encounter.report_id.clone();
    let is_final = open.encounter.state == ReportState::Final;
    let log = if is_final { store.report_log(&report_id).await? } else { None };
    let kept = match open.encounter.state {
        ReportState::Live => None,
        ReportState::Provisional | ReportState::Final => store.report(&report_id).await?.and_then(|(_, record)| record),
    };
    let rebuilt = tokio::task::spawn_blocking(move || {
        let mut encounter = LiveEncounter::rebuild(&open, log.as_deref(), now_ms)?;
        if let Some(record) = kept.filter(|_| encounter.revision == encounter.row.revision) {
            encounter.kept = Some(crate::finalize::decode_record(&record)?);
        }
        Ok(encounter)
    });
    rebuilt.await.map_err(|error| StoreError::Damaged(format!("reading report {report_id} failed: {error}")))?.map(Some)
}
