//! Which raid each account's channel shows, and who hears of it when that changes.
//!
//! One invariant: whoever came by a channel to a raid that it no longer shows is told so. What moves a channel is a
//! write, so each write that can move one goes through [`Channels::write`]; a raid's task asks
//! [`Channels::shows`] before it takes in who came by the channel. Whoever comes in before the channel has moved is
//! found in the room by the message that follows, and whoever comes later is turned away.

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

    fn turn(&self, account: AccountId) -> Arc<Semaphore> {
        let new = || Channel { turn: Arc::new(Semaphore::new(1)), shows: Shows::Unknown };
        Arc::clone(&self.shown.entry(account).or_insert_with(new).turn)
    }

    fn is_known(&self, account: AccountId) -> bool {
        self.shown.get(&account).is_some_and(|channel| channel.shows != Shows::Unknown)
    }

    /// Notes what is shown from now on; gives what was until now.
    fn note(&self, account: AccountId, shows: Shows) -> Option<Shows> {
        self.shown.get_mut(&account).map(|mut channel| std::mem::replace(&mut channel.shows, shows))
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
            if !channels.is_known(account) {
                let shows = channels.look(account).await?;
                channels.note(account, shows);
            }
            let written = write.await;
            // Also where it failed: it may have been stored all the same.
            channels.written(account).await;
            written
        };
        self.tasks
            .spawn(moving.in_current_span())
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a write of a raid broke off".into())))
    }

    /// Looks where a channel is after a write, and tells who watches by it if it moved.
    async fn written(&self, account: AccountId) {
        let looking = until_available("could not look where a channel is; trying again", || self.look(account));
        let draining = self.context.draining.clone();
        let shows = tokio::select! {
            biased;
            Ok(shows) = looking => shows,
            // The relay stops: all are let go.
            () = draining.cancelled() => return,
            else => return,
        };
        let before = self.note(account, shows.clone()).filter(|before| *before != shows);
        for (code, left) in [(before.clone(), true), (before.map(|_| shows), false)] {
            let Some(Shows::Raid(code)) = code else { continue };
            if left && let Some(task) = self.directory.raid(&code) {
                // A task that has ended meanwhile has let all go.
                let _ = task.ask(|reply| RaidCommand::Superseded { reply }).await;
            }
            self.context.access.tell(&code);
        }
    }

    async fn look(&self, account: AccountId) -> Result<Shows, StoreError> {
        match self.raid(account).await {
            Ok(Some(raid)) => Ok(Shows::Raid(raid.code)),
            Ok(None) => Ok(Shows::Nothing),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(why, "a channel shows nothing: the raid that it would show cannot be read");
                Ok(Shows::Nothing)
            }
            Err(error) => Err(error),
        }
    }
}
