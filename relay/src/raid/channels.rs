//! Which raid each account's channel shows, to members and to those who are behind, and who hears of it when that changes.
//!
//! One invariant: whoever came by a channel to a raid that it no longer shows is told so. What moves a channel is a
//! write, so each write that can move one goes through [`Channels::write`] or [`Channels::write_beside`]; a raid's task asks
//! [`Channels::shows`] before it takes in who came by the channel. Whoever comes in before the channel has moved is
//! found in the room by the message that follows, and whoever comes later is turned away.

mod behind;

use std::sync::Arc;

use dashmap::DashMap;
use raidcast_store::{AccountId, RaidRow, StoreError};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::command::RaidCommand;
use super::directory::Directory;
use crate::context::Context;
use crate::retry::until_available;

/// So many are remembered of those that a channel showed before.
const BEFORE_MAX: usize = 8;

/// What the channels show, as far as it was written in this run of the relay: one entry an account.
pub struct Channels {
    context: Arc<Context>,
    directory: Arc<Directory>,
    /// Writes run on it, to their ends.
    tasks: TaskTracker,
    shown: DashMap<AccountId, Channel>,
}

#[derive(Debug)]
struct Channel {
    /// One write at a time, so that what is found after each is of it and none after it.
    turn: Arc<Semaphore>,
    shows: Shows,
    /// What it showed before, and until when those see that who are behind: Unix ms, in the order in which it moved.
    before: Vec<(String, i64)>,
    /// Until then, Unix ms, the store alone knows what those see who are behind: it was not seen here how it came to be.
    unknown_until_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shows {
    /// Nothing was written yet: what the store says is what it was all the time.
    Unknown,
    /// The raid with this code.
    Raid(String),
    /// None that can be read.
    Nothing,
}

impl Channels {
    /// Nothing was written yet.
    pub fn new(context: Arc<Context>, directory: Arc<Directory>, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self { context, directory, tasks, shown: DashMap::new() })
    }

    /// The raid that an account's channel shows: its newest, if it has one.
    ///
    /// # Errors
    /// `Damaged` if it cannot be read.
    pub async fn raid(&self, account: AccountId) -> Result<Option<RaidRow>, StoreError> {
        self.context.store.newest_raid(account).await
    }

    /// Whether an account's channel shows this raid, for one that it showed when somebody asked.
    pub fn shows(&self, account: AccountId, code: &str) -> bool {
        self.shown.get(&account).is_none_or(|channel| match &channel.shows {
            Shows::Unknown => true,
            Shows::Raid(shown) => shown == code,
            Shows::Nothing => false,
        })
    }

    /// The same for those who are no members: where the channel has moved to a raid that shows everything later, it shows
    /// them what it showed before until that raid has come for them.
    pub fn shows_others(&self, account: AccountId, code: &str) -> bool {
        let now_ms = self.context.clock.now_ms();
        let before = self.shown.get(&account).and_then(|channel| {
            if channel.unknown_until_ms > now_ms {
                // Whoever asks was led here by what the store says.
                return Some(true);
            }
            let still = channel.before.iter().find(|(_, until_ms)| *until_ms > now_ms);
            still.map(|(before, _)| before == code)
        });
        before.unwrap_or_else(|| self.shows(account, code))
    }

    fn turn(&self, account: AccountId) -> Arc<Semaphore> {
        let (turn, shows) = (Arc::new(Semaphore::new(1)), Shows::Unknown);
        let new = || Channel { turn, shows, before: Vec::new(), unknown_until_ms: i64::MIN };
        Arc::clone(&self.shown.entry(account).or_insert_with(new).turn)
    }

    fn is_known(&self, account: AccountId) -> bool {
        self.shown.get(&account).is_some_and(|channel| channel.shows != Shows::Unknown)
    }

    /// A raid of an account shows others everything so much later from now on: what they see by its channel may be another
    /// raid than was thought.
    pub fn delayed(&self, account: AccountId, delay_ms: i64) {
        self.unknown_until(account, self.context.clock.now_ms().saturating_add(delay_ms));
    }

    /// A raid of an account is gone: those who are behind see what the store says.
    pub fn erased(&self, account: AccountId, code: &str) {
        let until_ms = self.shown.get(&account).and_then(|channel| {
            channel.before.iter().filter(|(before, _)| before == code).map(|(_, until_ms)| *until_ms).max()
        });
        if let Some(until_ms) = until_ms {
            self.unknown_until(account, until_ms);
        }
    }

    fn unknown_until(&self, account: AccountId, until_ms: i64) {
        if let Some(mut channel) = self.shown.get_mut(&account) {
            channel.before.clear();
            channel.unknown_until_ms = until_ms;
        }
    }

    /// Notes what is shown from now on, to others from a time on; gives what was until now.
    fn note(&self, account: AccountId, shows: Shows, others_from_ms: i64) -> Option<Shows> {
        let now_ms = self.context.clock.now_ms();
        self.shown.get_mut(&account).map(|mut channel| {
            let moves = channel.shows != shows;
            let before = std::mem::replace(&mut channel.shows, shows);
            channel.before.retain(|(_, until_ms)| *until_ms > now_ms);
            if let Shows::Raid(code) = &before
                && moves
            {
                // None before the one before it, also where a later raid is less behind.
                channel.before.push((code.clone(), others_from_ms));
                channel.before.iter_mut().for_each(|(_, until_ms)| *until_ms = (*until_ms).min(others_from_ms));
                let most = channel.before.len().saturating_sub(BEFORE_MAX);
                channel.before.drain(..most);
            }
            before
        })
    }

    /// Writes what may move an account's channel, and tells who watches by it if it moved. Done to its end also where
    /// who asked is gone.
    ///
    /// # Errors
    /// Those of the write, or of the look before it: then nothing was written.
    pub async fn write<T, F>(self: &Arc<Self>, account: AccountId, write: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let channels = Arc::clone(self);
        let moving = async move {
            let turn = channels.turn(account);
            // It is never closed.
            let _turn = turn.acquire().await;
            channels.learn(account).await?;
            let written = write.await;
            // Also where it failed: it may have been stored all the same.
            channels.written(account).await;
            written
        };
        self.to_its_end(moving).await
    }

    /// The same for a write that waits for no other, as a fight that begins waits for none that is deleted: where others
    /// go on, who watches is told when they are done.
    ///
    /// # Errors
    /// As in [`Channels::write`].
    pub async fn write_beside<T, F>(self: &Arc<Self>, account: AccountId, write: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let channels = Arc::clone(self);
        let moving = async move {
            channels.learn(account).await?;
            let turn = channels.turn(account);
            let free = turn.try_acquire();
            let written = write.await;
            if free.is_ok() {
                channels.written(account).await;
                return written;
            }
            let (turn, looking) = (Arc::clone(&turn), Arc::clone(&channels));
            let telling = async move {
                let _turn = turn.acquire().await;
                looking.written(account).await;
            };
            channels.tasks.spawn(telling.in_current_span());
            written
        };
        self.to_its_end(moving).await
    }

    async fn to_its_end<T, F>(&self, moving: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let ended = self.tasks.spawn(moving.in_current_span()).await;
        ended.unwrap_or_else(|_| Err(StoreError::Unavailable("a write of a raid broke off".into())))
    }

    /// Looks what a channel shows, if nothing was written of it yet.
    async fn learn(&self, account: AccountId) -> Result<(), StoreError> {
        if self.is_known(account) {
            return Ok(());
        }
        let (found, from_ms) = self.look(account).await?;
        self.turn(account);
        // Another may have learned it meanwhile, and have moved it.
        if let Some(mut channel) = self.shown.get_mut(&account)
            && channel.shows == Shows::Unknown
        {
            channel.shows = found;
            channel.before.clear();
            channel.unknown_until_ms = from_ms;
        }
        Ok(())
    }

    /// Looks where a channel is after a write, and tells who watches by it if it moved.
    async fn written(&self, account: AccountId) {
        let looking = until_available("could not look where a channel is; trying again", || self.look(account));
        let draining = self.context.draining.clone();
        let (shows, from_ms) = tokio::select! {
            biased;
            Ok(found) = looking => found,
            // The relay stops: all are let go.
            () = draining.cancelled() => return,
            else => return,
        };
        let before = self.note(account, shows.clone(), from_ms).filter(|before| *before != shows);
        for (code, left) in [(before.clone(), true), (before.map(|_| shows), false)] {
            let Some(Shows::Raid(code)) = code else { continue };
            if left && let Some(task) = self.directory.raid(&code) {
                // A task that has ended meanwhile has let all go.
                let _ = task.ask(|reply| RaidCommand::Superseded { reply }).await;
            }
            self.context.access.tell(&code);
        }
    }

    /// What it shows, and from when on to others, Unix ms.
    async fn look(&self, account: AccountId) -> Result<(Shows, i64), StoreError> {
        match self.raid(account).await {
            Ok(Some(raid)) => {
                let from_ms =
                    if raid.delay.ms > 0 { raid.active_at_ms.saturating_add(raid.delay.ms) } else { i64::MIN };
                Ok((Shows::Raid(raid.code), from_ms))
            }
            Ok(None) => Ok((Shows::Nothing, i64::MIN)),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(why, "a channel shows nothing: the raid that it would show cannot be read");
                Ok((Shows::Nothing, i64::MIN))
            }
            Err(error) => Err(error),
        }
    }
}
