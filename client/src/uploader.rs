//! Follows a meter and keeps the relay up to date: the one owner of everything that changes.
//!
//! One task: a select loop over the end, the connection's events and a poll timer. Nothing in it waits for the
//! network, so a slow relay never delays reading, and nothing of the meter is held while it waits.
//! Deliberately not here: how a connection is opened (the socket), what a relay's answer means for one fight
//! ([`resume`]), how things are shown (status). The owner's parts are files: [`meter`], [`disk`], [`relay`], [`end`].

mod change;
mod disk;
mod end;
mod folder;
mod history;
mod link;
mod meter;
pub mod record;
mod refusal;
mod relay;
pub mod resume;
mod stream;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{NamesPolicy, RefusedCode, Visibility};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

pub use change::{Change, LiveFight, Status};
pub use folder::FolderError;
pub(crate) use folder::under_way;

use crate::clock::Clock;
use crate::history::History;
use crate::secret::Entropy;
use crate::socket::{self, AddressError, RelayAddress, SocketEvent};
use crate::source::detect::Places;
use crate::source::{AnySource, Fight, Found, Source as _};
use crate::spool::{Spool, SpoolError};
use folder::{Fights, Folder, Raid};
use link::Link;
use record::{Now, Record};
use stream::Stream;

/// How often the meter is asked whether it wrote anything while a fight goes on, ms.
const POLL_MS: u64 = 25;
/// The same while none does, ms: nobody waits for a fight's first tenth of a second.
const CALM_POLL_MS: u64 = 100;
/// A meter that is so far behind its fight anyway, ms, is asked no more often than that either.
const LAGGING_MS: u32 = 1_000;
/// A fight without an event for so long does not hurry the poll, ms.
const CALM_MS: u64 = 10_000;
/// What the socket may tell before it waits for the uploader.
const SOCKET_EVENTS: usize = 256;

/// What to stream, and where to.
#[derive(Clone)]
pub struct Options {
    /// The meter's database; `None`: looked for in `places`.
    pub db: Option<PathBuf>,
    /// Folder of the meter's name files, beside those found by themselves.
    pub meter_data: Option<PathBuf>,
    /// Where meters keep their databases.
    pub places: Places,
    /// The relay's address: http, https, ws or wss.
    pub relay: String,
    /// The key that the relay knows the user by.
    pub key: String,
    /// Folder for what is remembered between starts.
    pub state: PathBuf,
    /// What the raid is called.
    pub title: Option<String>,
    /// Who may find and see it; `None`: as it was, a new one unlisted.
    pub visibility: Option<Visibility>,
    /// Which names spectators see.
    pub names: NamesPolicy,
    /// How far behind spectators see it, seconds.
    pub delay_s: u32,
    /// End when no fight had an event for so long and everything is acknowledged.
    pub until_idle: Option<Duration>,
    /// Send these finished fights and end, instead of following the meter.
    pub history: Option<History>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where random bytes come from.
    pub entropy: Entropy,
}

impl Options {
    /// Streams this user's meter, unlisted, until it is told to end.
    pub fn new(relay: impl Into<String>, key: impl Into<String>, state: impl Into<PathBuf>) -> Self {
        Self {
            db: None,
            meter_data: None,
            places: Places::of_this_user(),
            relay: relay.into(),
            key: key.into(),
            state: state.into(),
            title: None,
            visibility: None,
            names: NamesPolicy::default(),
            delay_s: 0,
            until_idle: None,
            history: None,
            clock: Clock::system(),
            entropy: Entropy::system(),
        }
    }
}

/// Why the client ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The state folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A fight's log in it cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The relay's address or the key cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The relay does not know the key.
    #[error("The relay does not know this key. Check RAIDCAST_KEY.")]
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The relay refuses the raid.
    #[error("The relay does not take this raid: {text}")]
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
    },
    /// No database could be read, and there is a time to give up.
    #[error("{why} (Gave up after {} s.)", after.as_secs())]
    NoMeter {
        /// How long it was tried.
        after: Duration,
        /// What was looked at, and why that would not do.
        why: String,
    },
}

impl WatchError {
    /// What the command ends with: 2 for what the user must change in its settings, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address(_)
            | Self::Unauthorized { .. }
            | Self::Refused { code: RefusedCode::NotSupported | RefusedCode::RaidForbidden, .. } => 2,
            Self::Folder(_) | Self::Spool(_) | Self::Refused { .. } | Self::NoMeter { .. } => 1,
        }
    }
}

/// What became of the fights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Fights that were found to be streamed.
    pub fights: u64,
    /// Those whose report is final.
    pub finalized: u64,
    /// Deltas that the relay has not acknowledged: sent at the next start.
    pub unacknowledged: u64,
    /// Whether everything that was found is on the relay.
    pub complete: bool,
}

/// Follows the meter until `shutdown`, or until it is idle if the options say so.
///
/// `sink` hears of each change at once; it must not block. What is not acknowledged by the end stays in the state
/// folder and is sent at the next start.
///
/// # Errors
/// What only the user can put right. Whatever may pass by itself is told to `sink` and tried again.
pub async fn run(
    options: Options,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let address = RelayAddress::new(&options.relay, &options.key)?;
    let mut uploader = Uploader::open(options, sink)?;
    let (events, mut heard) = mpsc::channel(SOCKET_EVENTS);
    let hang_up = CancellationToken::new();
    let seed = u64::from_le_bytes(uploader.options.entropy.bytes());
    let clock = uploader.options.clock.clone();
    let (connect, called) = oneshot::channel();
    uploader.connect = Some(connect);
    let end_of_socket = hang_up.clone();
    let socket = tokio::spawn(async move {
        // Without a meter there is nothing to stream, and no raid is opened for it.
        let is_called = tokio::select! {
            biased;
            () = end_of_socket.cancelled() => false,
            called = called => called.is_ok(),
        };
        if is_called {
            socket::run(address, clock, seed, events, end_of_socket).await;
        }
    });

    let result = uploader.follow(&mut heard, &shutdown).await;
    hang_up.cancel();
    drop(heard);
    uploader.close();
    let abort = socket.abort_handle();
    if timeout(Duration::from_secs(1), socket).await.is_err() {
        abort.abort();
    }
    result.map(|()| uploader.summary())
}

/// A database that is open.
struct Watching {
    found: Found,
    /// Its path, as spools and the folder name it.
    db: String,
    source: AnySource,
    /// Others that were found, written less lately.
    others: Vec<PathBuf>,
    /// The folder's memory of it was compared with it.
    looked_through: bool,
}

/// The owner of everything; see [`run`].
#[allow(clippy::struct_excessive_bools, reason = "each says one thing, and they combine freely")]
struct Uploader<S> {
    options: Options,
    sink: S,
    folder: Folder,
    fights: Fights,
    fights_unsaved: bool,
    raid: Raid,
    raid_saved_ms: u64,
    watching: Option<Watching>,
    streams: Vec<Stream>,
    /// Fights that are to be streamed and not begun yet.
    queue: VecDeque<Fight>,
    /// Fights that cannot be read, told once.
    unreadable: BTreeSet<EncounterId>,
    /// Fights on their way that stand in the database that is watched now, too.
    moved: Vec<Fight>,
    /// Says that there is something to connect for; taken once.
    connect: Option<oneshot::Sender<()>>,
    /// When the raid was last given up for another one.
    renewed_ms: Option<u64>,
    link: Option<Link>,
    told_connected: Option<String>,
    told_disconnected: Option<String>,
    raid_url: Option<String>,

    next_look_ms: u64,
    next_read_ms: u64,
    /// The database was written since it was read.
    changed: bool,
    trouble_since_ms: Option<u64>,
    told_trouble: Option<String>,
    told_watching: Option<Found>,
    trouble: String,
    /// Nothing can be written since.
    stalled: bool,
    next_disk_ms: u64,
    next_sync_ms: u64,
    next_status_ms: u64,
    told_status: Status,
    syncing: Option<JoinHandle<()>>,
    record: Record,
    /// The record has fights that its file lacks.
    record_unsaved: bool,
    /// As it stands in its file.
    told_now: Now,
    next_now_ms: u64,
    /// Fights of an upload that are done with, whatever became of them.
    done: HashSet<EncounterId>,
    /// Those of them that are not on the relay.
    failed: u64,
    /// The upload was compared with the meter's database.
    planned: bool,

    last_event_ms: u64,
    last_progress_ms: u64,
    closing: bool,
    ever_watched: bool,
    found: u64,
    finalized: u64,
}

impl<S: FnMut(Change) + Send> Uploader<S> {
    fn open(options: Options, sink: S) -> Result<Self, WatchError> {
        let folder = Folder::open(&options.state, options.history.is_some())?;
        let now_ms = options.clock.elapsed_ms();
        let unix_ms = options.clock.unix_ms();
        let fights = folder.load_fights()?;
        let held = folder.load_raid()?.filter(|raid| raid.goes_on(&options.relay, &options.key, unix_ms));
        let is_new = held.is_none();
        let before = held.clone();
        let mut raid = held.unwrap_or_else(|| Raid::new(&options.relay, &options.key, unix_ms, &options.entropy));
        raid.be(options.visibility);
        if is_new || before.as_ref() != Some(&raid) {
            folder.save_raid(&raid)?;
        }
        let mut uploader = Self {
            record: Record::load(folder.dir()),
            record_unsaved: false,
            told_now: Now::default(),
            next_now_ms: 0,
            done: HashSet::new(),
            failed: 0,
            planned: false,
            options,
            sink,
            folder,
            fights,
            fights_unsaved: false,
            raid,
            raid_saved_ms: now_ms,
            watching: None,
            streams: Vec::new(),
            queue: VecDeque::new(),
            unreadable: BTreeSet::new(),
            moved: Vec::new(),
            connect: None,
            renewed_ms: None,
            link: None,
            told_connected: None,
            told_disconnected: None,
            raid_url: None,
            next_look_ms: 0,
            next_read_ms: 0,
            changed: true,
            trouble_since_ms: None,
            told_trouble: None,
            told_watching: None,
            trouble: String::new(),
            stalled: false,
            next_disk_ms: 0,
            next_sync_ms: 0,
            next_status_ms: 0,
            told_status: Status::default(),
            syncing: None,
            last_event_ms: now_ms,
            last_progress_ms: now_ms,
            closing: false,
            ever_watched: false,
            found: 0,
            finalized: 0,
        };
        uploader.open_spools(now_ms)?;
        Ok(uploader)
    }

    /// Takes up the fights that were on their way when the client ended.
    fn open_spools(&mut self, now_ms: u64) -> Result<(), WatchError> {
        for path in self.folder.list_spools()? {
            let (spool, encoder) = match Spool::open(&path) {
                Ok(opened) => opened,
                Err(SpoolError::Damaged { path }) => {
                    // Its fight stands in the folder's list and is read again.
                    tracing::warn!(path = %path.display(), "a spool is damaged from its begin on; its fight is read again");
                    if let Err(error) = std::fs::remove_file(&path) {
                        return Err(SpoolError::Io { path, error }.into());
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let head = spool.head();
            let (db, row, encounter) = (head.db.clone(), head.row, head.encounter.to_string());
            if self.options.history.is_some() && spool.ending().is_none() {
                // Only a part of an old fight was read, and none of it sent.
                spool.remove();
                continue;
            }
            // One that is not in the list is done with, but for its spool; or the list was lost. The relay tells which.
            let watched = self.fights.databases.entry(db).or_default();
            watched.open.insert(encounter, row);
            if row > watched.seen {
                watched.seen = row;
                watched.seen_started_ms = head.header.started_at_ms;
            }
            self.found += 1;
            self.streams.push(Stream::resumed(spool, encoder, now_ms));
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        heard: &mut mpsc::Receiver<SocketEvent>,
        shutdown: &CancellationToken,
    ) -> Result<(), WatchError> {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                // The user ends it: open fights stay as they are and go on at the next start.
                () = shutdown.cancelled() => return Ok(()),
                // The relay's replies: few, and they make room for more to be sent.
                Some(event) = heard.recv() => self.hear(event)?,
                // The poll: reads what the meter wrote, sends what is due.
                () = sleep_until(next) => {
                    self.tick(self.options.clock.elapsed_ms());
                    let now_ms = self.options.clock.elapsed_ms();
                    if self.is_done(now_ms)? {
                        return Ok(());
                    }
                    next = Instant::now() + Duration::from_millis(self.wait_ms(now_ms));
                }
            }
        }
    }

    /// How long nothing is to be done but to hear the relay.
    fn wait_ms(&self, now_ms: u64) -> u64 {
        if self.is_calm(now_ms) {
            return CALM_POLL_MS;
        }
        // What waits to be sent goes out as the relay's limits allow.
        let sending = self.streams.iter().any(|stream| stream.next_frame().is_some());
        let read_ms = if sending { 0 } else { self.next_read_ms.saturating_sub(now_ms).min(CALM_POLL_MS) };
        let lags = self.watching.as_ref().is_some_and(|watching| watching.source.knows().lag_ms >= LAGGING_MS);
        read_ms.max(if lags && !sending { CALM_POLL_MS } else { POLL_MS })
    }

    /// Whether nothing is so urgent that a quarter of the polls would not do.
    fn is_calm(&self, now_ms: u64) -> bool {
        let busy = |stream: &Stream| {
            stream.next_frame().is_some() || now_ms.saturating_sub(stream.last_event_ms) < CALM_MS && !stream.is_ended()
        };
        self.queue.is_empty() && !self.streams.iter().any(busy)
    }

    fn tick(&mut self, now_ms: u64) {
        self.flush(now_ms);
        self.poll(now_ms);
        if (self.ever_watched || !self.streams.is_empty())
            && let Some(connect) = self.connect.take()
        {
            let _ = connect.send(());
        }
        self.beat(now_ms);
        self.pump(now_ms);
        self.sync(now_ms);
        self.tell_status(now_ms);
        self.save_now(now_ms);
    }

    fn tell(&mut self, change: Change) {
        (self.sink)(change);
    }
}
