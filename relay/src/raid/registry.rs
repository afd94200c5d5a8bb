//! How raids are found: the task that has one, or one that is begun for it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use raidcast_shared::overlay::OverlayLine;
use raidcast_shared::uplink::ReportState;
use raidcast_store::{AccountId, EncounterKey, EncounterRow, LinkRow, RaidRow, StoreError, Tickets, Unreadable};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::channels::Channels;
use super::command::{RaidCommand, RaidHandle};
use super::directory::Directory;
use super::encounter::LiveEncounter;
use super::restore::load_row;
use super::task::{Around, RaidTask, Stages};
use crate::context::Context;
use crate::limits::LEFT_EVERY_MS;

/// Commands that wait for a raid's task; whoever fills it up waits.
const INBOX: usize = 256;

/// Live fights that a start left on the disk, and their raids' codes.
type Left = Vec<(EncounterKey, String)>;

/// So many fights that had ended are handed to their raids at once: memory sees them when they are folded.
const SETTLED_AT_ONCE: usize = 16;

/// Finds raids, and loads those that no task owns now.
pub struct RaidRegistry {
    /// What the relay is made of.
    pub context: Arc<Context>,
    /// Who owns what.
    pub directory: Arc<Directory>,
    /// What the channels show.
    pub channels: Arc<Channels>,
    tasks: TaskTracker,
    /// As which version of players' wishes all tasks and replays were told to show raids.
    heeded: tokio::sync::Mutex<u64>,
}

impl RaidRegistry {
    /// A registry without raids.
    pub fn new(context: Arc<Context>) -> Arc<Self> {
        let (directory, tasks) = (Arc::new(Directory::default()), TaskTracker::new());
        let channels = Channels::new(Arc::clone(&context), Arc::clone(&directory), tasks.clone());
        let heeded = tokio::sync::Mutex::new(context.veils.version());
        Arc::new(Self { context, directory, channels, tasks, heeded })
    }

    /// Takes up all live encounters of the store: what a relay does when it starts. Each is read and folded by itself,
    /// as many at once as there are cores, so that one that cannot be read keeps nobody else from being served, and
    /// memory holds few journals at a time. The newest come first; those for which there is no memory are left on the
    /// disk until there is, or until somebody begins them.
    pub async fn recover(self: &Arc<Self>) -> Result<usize, StoreError> {
        let rows = self.context.store.live_encounters().await?;
        let unsettled = self.context.store.unsettled_encounters().await?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let aside = |held: &Unreadable| self.context.set_aside.report(&held.report_id, &held.why.to_string());
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
            let why = match self.context.store.raid_by_code(&code).await {
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
                self.context.set_aside.report(&held.row.report_id, &why);
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
        if !unsettled.is_empty() {
            self.tasks.spawn(Arc::clone(self).settle(unsettled));
        }
        Ok(count)
    }

    /// Has raids go on with readings that had ended before the relay stopped, of fights that have a report: each takes its
    /// place, waits until it may, or goes.
    async fn settle(self: Arc<Self>, mut left: Left) {
        let mut every = tokio::time::interval(Duration::from_millis(LEFT_EVERY_MS));
        let draining = self.context.draining.clone();
        while !left.is_empty() && draining.run_until_cancelled(every.tick()).await.is_some() {
            let (mut later, mut handed) = (Vec::new(), 0);
            for (key, code) in left {
                // Somebody has begun it.
                if self.directory.owner(key).is_some() {
                    continue;
                }
                if handed == SETTLED_AT_ONCE || self.context.memory.room(key.account).is_err() {
                    later.push((key, code));
                    continue;
                }
                match self.raid(&code).await {
                    Ok(Some(task)) => {
                        handed += 1;
                        if task.send(RaidCommand::TakeBack { encounter: key.encounter }).await.is_err() {
                            later.push((key, code));
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(raid = code, %error, "could not go on with a fight that had ended");
                        // What is damaged is so the next time, too.
                        if matches!(error, StoreError::Unavailable(_)) {
                            later.push((key, code));
                        }
                    }
                }
            }
            left = later;
        }
    }

    async fn load_or_leave(&self, row: EncounterRow, left: &Mutex<Left>) -> Result<Option<LiveEncounter>, StoreError> {
        if self.context.memory.room(row.key.account).is_err() {
            left.lock().unwrap_or_else(PoisonError::into_inner).push((row.key, row.raid_code));
            return Ok(None);
        }
        load_row(&self.context, &row).await.or_else(|unread| unread.set_aside(&self.context))
    }

    /// Takes up fights that were left on the disk, as memory gets free: whether anybody asks for them or not, what has
    /// ended gets its report, and what goes on no more is said to be provisional.
    async fn take_up(self: Arc<Self>, mut left: Left) {
        let mut every = tokio::time::interval(Duration::from_millis(LEFT_EVERY_MS));
        let draining = self.context.draining.clone();
        while !left.is_empty() && draining.run_until_cancelled(every.tick()).await.is_some() {
            // Somebody else has begun them.
            left.retain(|(key, _)| self.directory.owner(*key).is_none());
            let mut tried = BTreeSet::new();
            for (key, code) in &left {
                let free = self.directory.raid(code).is_none() && self.context.memory.room(key.account).is_ok();
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
                let row = self.context.store.encounter(key.account, key.encounter).await;
                if !matches!(row, Ok(row) if row.as_ref().is_none_or(|row| row.state != ReportState::Live)) {
                    open.push((key, code));
                }
            }
            left = open;
        }
    }

    /// The raid with this code, whose task is begun if need be; `None` if there is none. Nobody waits here for fights to
    /// be read and folded, neither of this raid nor of another.
    pub async fn raid(self: &Arc<Self>, code: &str) -> Result<Option<RaidHandle>, StoreError> {
        if let Some(handle) = self.directory.raid(code) {
            return Ok(Some(handle));
        }
        let Some(row) = self.context.store.raid_by_code(code).await? else { return Ok(None) };
        if self.directory.is_closed(code) {
            return Ok(None);
        }
        // It reads its row again, which may be another one by now, and its fights: nobody waits for those here.
        Ok(Some(self.begin(row, None)))
    }

    /// Ends all tickets of a raid and of its account's channel, and lets go who came by them; `None` if there is no such
    /// raid.
    pub async fn renew_tickets(&self, raid: &RaidRow) -> Result<Option<Tickets>, StoreError> {
        let store = &self.context.store;
        let Some(tickets) = store.renew_tickets(&raid.code).await? else { return Ok(None) };
        // Who came by the channel's ticket sees the raid that the channel shows, or showed until a moment ago.
        let shown = self.channels.raid(raid.account).await?.filter(|shown| shown.code != raid.code);
        // A task that begins after this reads what is so now.
        for task in self.directory.raids_of(raid.account) {
            let (raid, channel) = ((*task.code == *raid.code).then_some(tickets.raid), tickets.channel);
            let _ = task.ask(|reply| RaidCommand::TicketsRenewed { raid, channel, reply }).await;
        }
        for code in [Some(&raid.code), shown.as_ref().map(|shown| &shown.code)].into_iter().flatten() {
            self.context.access.tell(code);
        }
        Ok(Some(tickets))
    }

    /// Lets go who came by a link that is good no more.
    pub async fn link_ended(&self, link: &LinkRow) {
        let tasks = match &link.raid_code {
            Some(code) => self.directory.raid(code).into_iter().collect(),
            // The raid that the channel shows, or showed until a moment ago.
            None => self.directory.raids_of(link.account),
        };
        for task in tasks {
            // Who joins a task that begins after this is found to have come by a link that is over.
            let _ = task.ask(|reply| RaidCommand::LinkEnded { link: link.id, reply }).await;
        }
    }

    /// The overlays that show a raid now; without one, those that came by the account's channel. A raid that is not in memory
    /// has none.
    pub async fn overlays(&self, account: AccountId, raid_code: Option<&str>) -> Vec<OverlayLine> {
        let tasks = match raid_code {
            Some(code) => self.directory.raid(code).into_iter().collect(),
            None => self.directory.raids_of(account),
        };
        let asked = tasks.iter().map(|task| task.ask(|reply| RaidCommand::Overlays { reply }));
        // A task that has ended meanwhile has let all go.
        let told = futures::future::join_all(asked).await.into_iter().filter_map(Result::ok);
        told.flatten().filter(|line| raid_code.is_some() || line.by_channel).collect()
    }

    /// Has players shown as they wish from now on, as the store has it: nothing is sent of any raid that shows them otherwise
    /// once this has ended.
    ///
    /// # Errors
    /// The store does not answer: it is looked again within a minute.
    pub async fn heed(&self) -> Result<(), StoreError> {
        let context = &self.context;
        // Held until all have heard: who asks meanwhile is answered after that, too.
        let mut told = self.heeded.lock().await;
        context.veils.read_wishes(context.clock.now_ms()).await?;
        let version = context.veils.version();
        // Others read them, too, and tell nobody.
        if *told == version {
            return Ok(());
        }
        context.access.tell_all();
        let tasks = self.directory.all();
        let asked = tasks.iter().map(|task| task.ask(|reply| RaidCommand::Heed { reply }));
        futures::future::join_all(asked).await;
        *told = version;
        Ok(())
    }

    fn spawn(self: &Arc<Self>, row: RaidRow, encounters: Vec<LiveEncounter>) -> RaidHandle {
        self.begin(row, Some(encounters))
    }

    /// Begins the task of a raid, unless it has one: with these fights, or with those that it reads itself.
    fn begin(self: &Arc<Self>, row: RaidRow, encounters: Option<Vec<LiveEncounter>>) -> RaidHandle {
        let (sender, inbox) = mpsc::channel(INBOX);
        let handle = RaidHandle::new(&row, sender);
        // Two tasks never own one raid: the first to be entered is it.
        if let Err(first) = self.directory.enter(&handle) {
            return first;
        }
        if self.directory.is_closed(&handle.code) {
            // It is being erased since a moment ago: who asks finds that its task has ended.
            self.directory.leave(&handle);
            return handle;
        }
        for encounter in encounters.iter().flatten() {
            self.directory.claim(encounter.row.key, &handle);
        }
        let around = Around {
            context: Arc::clone(&self.context),
            directory: Arc::clone(&self.directory),
            channels: Arc::clone(&self.channels),
        };
        let stages = Stages::new(&self.context, &row.code, self.tasks.clone());
        let task = RaidTask::new(around, stages, handle.clone(), inbox, row, encounters);
        self.tasks.spawn(task.run());
        handle
    }

    /// Waits until all tasks have ended, once the relay drains.
    pub async fn join(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
