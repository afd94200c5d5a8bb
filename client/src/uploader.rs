//! Follows a meter and keeps the relay up to date: the one owner of everything that changes.
//!
//! One task: a select loop over the end, the connection's events and a poll timer. Nothing in it waits for the
//! network, so a slow relay never delays reading, and nothing of the meter is held while it waits.
//! Deliberately not here: how a connection is opened (the socket), what a relay's answer means for one fight
//! ([`resume`]), how things are shown (status).

mod change;
mod folder;
mod link;
pub mod resume;
mod stream;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::id::StreamId;
use raidcast_shared::limits as l;
use raidcast_shared::text::clean;
use raidcast_shared::uplink::{
    Agent, Begun, DeltaFrame, End, Hello, NamesPolicy, Outcome, Refused, RefusedCode, RefusedScope, ReportState,
    UplinkFrame, UplinkReply, VERSIONS, Visibility, Welcome,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

pub use change::{Change, LiveFight, Status};
pub use folder::FolderError;

use crate::clock::Clock;
use crate::encoder::{Encoder, header_of};
use crate::secret::Entropy;
use crate::socket::{self, AddressError, RelayAddress, SocketEvent};
use crate::source::detect::{self, Places};
use crate::source::names::Names;
use crate::source::{AnySource, Fight, Found, Source as _, SourceError};
use crate::spool::{Head, Spool, SpoolError};
use folder::{Fights, Folder, Raid};
use link::Link;
use resume::Resume;
use stream::{Finish, Standing, Stream};

/// How often the meter is asked whether it wrote anything while a fight goes on, ms.
const POLL_MS: u64 = 25;
/// The same while none does, ms: nobody waits for a fight's first tenth of a second.
const CALM_POLL_MS: u64 = 100;
/// A fight without an event for so long does not hurry the poll, ms.
const CALM_MS: u64 = 10_000;
/// How often a meter database is looked for, ms.
const LOOK_MS: u64 = 1_000;
/// How often another meter's database, written later, is looked for between fights, ms.
const LOOK_AGAIN_MS: u64 = 10_000;
/// A database that was locked is asked again after, ms.
const LOCKED_MS: u64 = 250;
/// Trouble that is over sooner is not told, ms.
const TROUBLE_MS: u64 = 1_000;
/// A disk that took nothing is tried again after, ms.
const DISK_MS: u64 = 1_000;
/// Spools are made durable this often, ms; a power cut costs at most what the meter's database still has.
const SYNC_MS: u64 = 1_000;
/// How often the time of the raid's last event is saved, ms.
const RAID_SAVE_MS: u64 = 60_000;
/// How often the status is told, ms.
const STATUS_MS: u64 = 500;
/// Fights that ended this long before the client was first started are history, ms.
const RECENT_MS: i64 = 3_600_000;
/// The same as a file's age.
const RECENT: Duration = Duration::from_millis(RECENT_MS as u64);
/// Finished fights on their way at once: those that wait stay in the meter's database.
const BACKLOG: usize = 4;
/// With `until_idle`, a relay that confirms nothing is given up after at least so long, ms: it may be starting again.
const RELAY_PATIENCE_MS: u64 = 60_000;
/// What the socket may tell before it waits for the uploader.
const SOCKET_EVENTS: usize = 256;

/// How a fight is ended that the meter did not end.
const UNFINISHED: Finish = Finish { ended_at_ms: None, outcome: Outcome::Unfinished, meter: None };

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
    /// Who may find and see it.
    pub visibility: Visibility,
    /// Which names spectators see.
    pub names: NamesPolicy,
    /// How far behind spectators see it, seconds.
    pub delay_s: u32,
    /// End when no fight had an event for so long and everything is acknowledged.
    pub until_idle: Option<Duration>,
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
            visibility: Visibility::default(),
            names: NamesPolicy::default(),
            delay_s: 0,
            until_idle: None,
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
    #[error("the relay refuses the key: {text}; check RAIDCAST_KEY, or ask the relay's operator for a new key")]
    Unauthorized {
        /// In the relay's words.
        text: String,
    },
    /// The relay refuses the raid.
    #[error("the relay refuses the raid: {text}")]
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
    },
    /// Another client speaks for the raid.
    #[error("another `raidcast watch` has taken over this raid: end that one to stream from here")]
    Fenced,
    /// No database could be read, and there is a time to give up.
    #[error("gave up after {seconds} s: {why}")]
    NoMeter {
        /// How long it was tried.
        seconds: u64,
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
            Self::Folder(_) | Self::Spool(_) | Self::Refused { .. } | Self::Fenced | Self::NoMeter { .. } => 1,
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
    let socket = tokio::spawn(socket::run(address, clock, seed, events, hang_up.clone()));

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

    last_event_ms: u64,
    last_progress_ms: u64,
    closing: bool,
    ever_watched: bool,
    found: u64,
    finalized: u64,
}

impl<S: FnMut(Change) + Send> Uploader<S> {
    fn open(options: Options, sink: S) -> Result<Self, WatchError> {
        let folder = Folder::open(&options.state)?;
        let now_ms = options.clock.elapsed_ms();
        let unix_ms = options.clock.unix_ms();
        let fights = folder.load_fights()?;
        let held = folder.load_raid()?.filter(|raid| raid.goes_on(&options.relay, &options.key, unix_ms));
        let raid = match held {
            Some(raid) => raid,
            None => {
                let raid = Raid::new(&options.relay, &options.key, unix_ms, &options.entropy);
                folder.save_raid(&raid)?;
                raid
            }
        };
        let mut uploader = Self {
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
            let (db, row, encounter) = (head.db.clone(), head.row, head.encounter);
            let watched = self.fights.databases.entry(db).or_default();
            if row <= watched.seen && watched.open.get(&row) != Some(&encounter) {
                // It was final; only removing its spool was not reached.
                spool.remove();
                continue;
            }
            watched.open.insert(row, encounter);
            if row > watched.seen {
                watched.seen = row;
                watched.seen_started_ms = spool.head().header.started_at_ms;
            }
            self.found += 1;
            self.streams.push(Stream::new(spool, encoder, None, now_ms));
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        heard: &mut mpsc::Receiver<SocketEvent>,
        shutdown: &CancellationToken,
    ) -> Result<(), WatchError> {
        let mut poll = interval(Duration::from_millis(POLL_MS));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_ms = 0;
        loop {
            tokio::select! {
                biased;
                // The user ends it: open fights stay as they are and go on at the next start.
                () = shutdown.cancelled() => return Ok(()),
                // The relay's replies: few, and they make room for more to be sent.
                Some(event) = heard.recv() => self.hear(event)?,
                // The poll: reads what the meter wrote, sends what is due.
                _ = poll.tick() => {
                    let now_ms = self.options.clock.elapsed_ms();
                    if now_ms < next_ms {
                        continue;
                    }
                    next_ms = now_ms + if self.is_calm(now_ms) { CALM_POLL_MS - POLL_MS / 2 } else { 0 };
                    self.tick(now_ms).await;
                    if self.is_done(now_ms)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether nothing is so urgent that a quarter of the polls would not do.
    fn is_calm(&self, now_ms: u64) -> bool {
        let busy = |stream: &Stream| {
            stream.next_frame().is_some() || now_ms.saturating_sub(stream.last_event_ms) < CALM_MS && !stream.is_ended()
        };
        self.queue.is_empty() && !self.streams.iter().any(busy)
    }

    async fn tick(&mut self, now_ms: u64) {
        self.flush(now_ms);
        self.poll(now_ms).await;
        self.beat(now_ms);
        self.pump(now_ms);
        self.sync(now_ms);
        self.tell_status(now_ms);
    }

    fn tell(&mut self, change: Change) {
        (self.sink)(change);
    }
}

// --- the meter ---------------------------------------------------------------------------------------------------

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Asks the meter's database whether it was written, and reads what is new.
    async fn poll(&mut self, now_ms: u64) {
        if now_ms >= self.next_look_ms {
            self.look(now_ms).await;
        }
        let Some(watching) = &mut self.watching else { return };
        match watching.source.changed().await {
            Ok(changed) => self.changed |= changed,
            Err(error) => return self.source_failed(&error, now_ms),
        }
        if self.changed && !self.stalled && now_ms >= self.next_read_ms {
            // One reading is one record of the spool, and mostly one delta: so this is what gathers events, too.
            self.next_read_ms = now_ms + l::GATHER_MS;
            self.changed = false;
            if let Err(error) = self.read(now_ms).await {
                self.changed = true;
                return self.source_failed(&error, now_ms);
            }
            self.source_is_well();
        }
        self.begin_queued(now_ms);
        if self.closing {
            self.end_open_fights(now_ms).await;
        }
    }

    /// Looks for the meter's database, or for one that another meter wrote later.
    async fn look(&mut self, now_ms: u64) {
        self.next_look_ms = now_ms + if self.watching.is_some() { LOOK_AGAIN_MS } else { LOOK_MS };
        if self.watching.is_some() && (self.options.db.is_some() || !self.is_calm(now_ms)) {
            return;
        }
        let detection = detect::detect(self.options.db.as_deref(), &self.options.places).await;
        let looked: Vec<_> = detection.looked.iter().map(|looked| looked.path.clone()).collect();
        let opened = match detection.found {
            Ok(found) if self.watching.as_ref().is_some_and(|watching| watching.found == found) => return,
            Ok(found) => {
                let names = Names::find(&found.path, self.options.meter_data.as_deref(), &self.options.places);
                AnySource::open(&found, Arc::new(names)).await.map(|source| (found, source))
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok((found, source)) => {
                let others = detection.looked.into_iter().filter(|looked| looked.written.is_some());
                let others: Vec<_> = others.map(|looked| looked.path).filter(|path| *path != found.path).collect();
                self.watch(found, source, others);
            }
            // The one that is open is still good.
            Err(_) if self.watching.is_some() => {}
            Err(error) => {
                let why = match (&error, &self.options.db) {
                    (SourceError::Gone { .. }, None) => {
                        "no meter database was found; start the meter, or name its database with --db".to_owned()
                    }
                    _ => error.to_string(),
                };
                self.trouble_since_ms.get_or_insert(now_ms);
                self.tell_trouble(why, looked);
            }
        }
    }

    fn watch(&mut self, found: Found, source: AnySource, others: Vec<PathBuf>) {
        let db = std::fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
        let db = db.to_string_lossy().into_owned();
        self.watching = Some(Watching { db, found, source, others, looked_through: false });
        self.changed = true;
        self.next_read_ms = 0;
    }

    fn source_failed(&mut self, error: &SourceError, now_ms: u64) {
        let since_ms = *self.trouble_since_ms.get_or_insert(now_ms);
        match error {
            SourceError::Locked { .. } => self.next_read_ms = now_ms + LOCKED_MS,
            SourceError::Database { .. } => {
                self.next_read_ms = now_ms + LOOK_MS;
                self.next_look_ms = now_ms + LOOK_MS;
                self.watching = None;
            }
            SourceError::Gone { .. }
            | SourceError::Upgraded { .. }
            | SourceError::Empty { .. }
            | SourceError::Unsupported { .. } => {
                self.watching = None;
                self.next_look_ms = now_ms + LOCKED_MS;
            }
        }
        if now_ms.saturating_sub(since_ms) >= TROUBLE_MS || matches!(error, SourceError::Gone { .. }) {
            let looked = self.options.db.clone().into_iter().collect();
            self.tell_trouble(error.to_string(), looked);
        } else {
            self.trouble = error.to_string();
        }
    }

    fn tell_trouble(&mut self, why: String, looked: Vec<PathBuf>) {
        self.trouble.clone_from(&why);
        if self.told_trouble.as_ref() != Some(&why) {
            self.told_trouble = Some(why.clone());
            self.tell(Change::Waiting { why, looked });
        }
    }

    /// The database was read.
    fn source_is_well(&mut self) {
        self.trouble_since_ms = None;
        self.ever_watched = true;
        let Some(Watching { found, others, .. }) = &self.watching else { return };
        let told = self.told_trouble.take().is_none() && self.told_watching.as_ref() == Some(found);
        if !told {
            self.told_watching = Some(found.clone());
            let change = Change::Watching {
                path: found.path.clone(),
                meter: found.meter.clone(),
                generation: format!("{:?}", found.generation).to_lowercase(),
                others: others.clone(),
            };
            self.tell(change);
        }
    }

    /// Finds new fights, and reads those that go on.
    async fn read(&mut self, now_ms: u64) -> Result<(), SourceError> {
        let Some(mut watching) = self.watching.take() else { return Ok(()) };
        let read = self.read_from(&mut watching, now_ms).await;
        self.watching = Some(watching);
        read
    }

    /// The command is about to end: fights that still go on are ended as unfinished.
    async fn end_open_fights(&mut self, now_ms: u64) {
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if stream.is_ended() || !stream.is_spooled() {
                continue;
            }
            let captured_ms = self.options.clock.unix_ms() - stream.started_at_ms();
            let cursor = stream.spool().cursor().clone();
            let fight = stream.fight.clone();
            if let Some(watching) = self.watching.as_mut().filter(|watching| stream.is_of(&watching.db))
                && let Some(fight) = fight
            {
                match watching.source.read_last(&fight, &cursor).await {
                    Ok(reading) => drop(stream.take(reading, captured_ms, now_ms)),
                    Err(error) => return self.source_failed(&error, now_ms),
                }
            }
            stream.finish(&UNFINISHED, captured_ms);
            self.ended(at, now_ms);
        }
    }

    async fn read_from(&mut self, watching: &mut Watching, now_ms: u64) -> Result<(), SourceError> {
        if !watching.looked_through {
            self.look_through(watching).await?;
            watching.looked_through = true;
        }
        self.read_lost_anew(&watching.db, now_ms);
        let seen = self.fights.databases.get(&watching.db).map_or(-1, |watched| watched.seen);
        let open: Vec<_> = self
            .streams
            .iter()
            .filter(|stream| !stream.is_ended() && stream.is_of(&watching.db))
            .map(Stream::row)
            .collect();
        let fights = watching.source.fights(seen, &open).await?;
        for fight in &fights {
            if fight.row > seen {
                self.discover(&watching.db, fight.clone(), true);
            }
        }
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if stream.is_ended() || !stream.is_spooled() || !stream.is_of(&watching.db) {
                continue;
            }
            let shown =
                fights.iter().find(|fight| fight.row == stream.row() && fight.started_at_ms == stream.started_at_ms());
            let unix_ms = self.options.clock.unix_ms();
            let captured_ms = unix_ms - stream.started_at_ms();
            let Some(fight) = shown else {
                // Its row is gone: the meter's housekeeping after a crash. Nothing can come any more.
                stream.finish(&UNFINISHED, captured_ms);
                self.ended(at, now_ms);
                continue;
            };
            // The name that it got first is kept.
            let fight = Fight { encounter: stream.encounter(), ..fight.clone() };
            stream.fight = Some(fight.clone());
            let cursor = stream.spool().cursor().clone();
            match &fight.end {
                Some(end) => {
                    let reading = watching.source.read_last(&fight, &cursor).await?;
                    let meter = watching.source.totals(&fight).await?;
                    let stream = &mut self.streams[at];
                    let fresh = stream.take(reading, captured_ms, now_ms);
                    stream.finish(
                        &Finish { ended_at_ms: Some(end.ended_at_ms), outcome: end.outcome, meter },
                        captured_ms,
                    );
                    if fresh {
                        self.fought(now_ms);
                    }
                    self.ended(at, now_ms);
                }
                None => {
                    let reading = watching.source.read(&fight, &cursor, now_ms).await?;
                    self.changed |= reading.more;
                    if self.streams[at].take(reading, captured_ms, now_ms) {
                        self.fought(now_ms);
                    }
                    if self.is_left_behind(at, now_ms) {
                        self.streams[at].finish(&UNFINISHED, captured_ms);
                        self.ended(at, now_ms);
                    }
                }
            }
            self.flush(now_ms);
        }
        Ok(())
    }

    /// Whether a fight that the meter never ended is over: a later one goes on, and it has been silent for long.
    fn is_left_behind(&self, at: usize, now_ms: u64) -> bool {
        let stream = &self.streams[at];
        let later = |other: &Stream| other.started_at_ms() > stream.started_at_ms() && !other.is_ended();
        now_ms.saturating_sub(stream.last_event_ms) > l::GRACE_MS as u64 && self.streams.iter().any(later)
    }

    /// Compares the folder's memory with a database that was just opened: finds fights that are to be streamed.
    async fn look_through(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let Some(watched) = self.fights.databases.get(&watching.db).cloned() else {
            return self.look_through_first(watching).await;
        };
        let rows: Vec<_> = watched.open.keys().copied().filter(|row| !self.is_on_its_way(*row, &watching.db)).collect();
        let mut shown = watching.source.fights(watched.seen.saturating_sub(1), &rows).await?;
        let last = shown.iter().find(|fight| fight.row == watched.seen);
        let anew = watched.seen > 0 && last.is_none_or(|fight| fight.started_at_ms != watched.seen_started_ms);
        if anew && last.is_some() || anew && !shown.iter().any(|fight| fight.row > watched.seen) {
            // Row ids that were seen name other fights now, or none: the database was made anew, or thinned out.
            shown = watching.source.fights(-1, &[]).await?;
            let begun_later = |fight: &Fight| fight.started_at_ms > watched.seen_started_ms;
            let held = self.fights.databases.entry(watching.db.clone()).or_default();
            held.open
                .retain(|row, encounter| shown.iter().any(|fight| fight.row == *row && fight.encounter == *encounter));
            held.seen = shown.iter().map(|fight| fight.row).max().unwrap_or(0);
            self.fights_unsaved = true;
            for fight in shown.into_iter().filter(begun_later) {
                self.discover(&watching.db, fight, true);
            }
            return Ok(());
        }
        for fight in shown {
            // Those that were to be streamed and have no spool; later ones are found by the reading that follows.
            if rows.contains(&fight.row) {
                self.queue.push_back(Fight { encounter: watched.open[&fight.row], ..fight });
                self.found += 1;
            }
        }
        let queued: Vec<_> = self.queue.iter().map(|fight| fight.row).collect();
        let held = self.fights.databases.entry(watching.db.clone()).or_default();
        held.open.retain(|row, _| !rows.contains(row) || queued.contains(row));
        Ok(())
    }

    /// The first look at a database: what ended before is history.
    async fn look_through_first(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let shown = watching.source.fights(-1, &[]).await?;
        let unix_ms = self.options.clock.unix_ms();
        let all = self.options.db.is_some() && self.is_new_file(&watching.found.path);
        let newest = shown.iter().map(|fight| fight.row).max();
        let mut history = 0;
        self.fights.databases.entry(watching.db.clone()).or_default();
        for fight in shown {
            let streamed = all
                || match &fight.end {
                    Some(end) => (unix_ms - RECENT_MS..=unix_ms + RECENT_MS).contains(&end.ended_at_ms),
                    // An older one that was never ended is over: a later one began.
                    None => Some(fight.row) == newest || unix_ms - fight.started_at_ms < RECENT_MS,
                };
            history += u64::from(!streamed);
            self.discover(&watching.db, fight, streamed);
        }
        self.fights_unsaved = true;
        if history > 0 {
            self.tell(Change::History { fights: history });
        }
        Ok(())
    }

    fn is_new_file(&self, path: &Path) -> bool {
        let born = std::fs::metadata(path).and_then(|file| file.created());
        born.ok().and_then(|born| self.options.clock.since(born)).is_some_and(|age| age < RECENT)
    }

    fn is_on_its_way(&self, row: i64, db: &str) -> bool {
        self.streams.iter().any(|stream| stream.row() == row && stream.is_of(db))
    }

    /// Notes a fight that was not seen before; `streamed`: to be begun when its turn comes.
    fn discover(&mut self, db: &str, fight: Fight, streamed: bool) {
        let watched = self.fights.databases.entry(db.to_owned()).or_default();
        if fight.row >= watched.seen {
            watched.seen = fight.row;
            watched.seen_started_ms = fight.started_at_ms;
        }
        self.fights_unsaved = true;
        // The same fight may stand in another database: streamed once.
        let known = self.streams.iter().any(|stream| stream.encounter() == fight.encounter)
            || self.queue.iter().any(|queued| queued.encounter == fight.encounter);
        if streamed && !known {
            watched.open.insert(fight.row, fight.encounter);
            self.queue.push_back(fight);
            self.found += 1;
        }
    }

    /// Begins fights of the queue: those that go on at once, of the others a few at a time.
    fn begin_queued(&mut self, now_ms: u64) {
        if self.stalled || self.queue.is_empty() {
            return;
        }
        let Some(watching) = &self.watching else { return };
        let (db, knows) = (watching.db.clone(), watching.source.knows());
        let mut waiting = VecDeque::new();
        while let Some(fight) = self.queue.pop_front() {
            if fight.end.is_some() && self.streams.len() >= BACKLOG {
                waiting.push_back(fight);
                continue;
            }
            let head = Head {
                db: db.clone(),
                row: fight.row,
                encounter: fight.encounter,
                stream: StreamId(self.options.entropy.uuid()),
                header: header_of(&fight, knows.clone()),
            };
            match Spool::create(&self.folder.spools(), head.clone()) {
                Ok(spool) => {
                    self.renew_raid();
                    self.streams.push(Stream::new(spool, Encoder::new(head.header), Some(fight), now_ms));
                    self.fought(now_ms);
                    self.changed = true;
                    self.next_read_ms = 0;
                }
                Err(error) => {
                    waiting.push_back(fight);
                    waiting.append(&mut self.queue);
                    self.disk_failed(error.to_string(), now_ms);
                }
            }
        }
        self.queue = waiting;
    }

    /// A raid closes after hours without a fight: the fight that begins now is the first of a new one.
    fn renew_raid(&mut self) {
        let unix_ms = self.options.clock.unix_ms();
        if self.raid.goes_on(&self.options.relay, &self.options.key, unix_ms) {
            return;
        }
        let raid = Raid::new(&self.options.relay, &self.options.key, unix_ms, &self.options.entropy);
        match self.folder.save_raid(&raid) {
            Ok(()) => {
                self.raid = raid;
                // Its Hello needs a connection of its own.
                self.unlink();
            }
            Err(error) => tracing::warn!(%error, "could not begin a new raid; going on with the old one"),
        }
    }

    /// Something happened in a fight.
    fn fought(&mut self, now_ms: u64) {
        self.last_event_ms = now_ms;
        self.raid.fought_at(self.options.clock.unix_ms());
    }

    fn ended(&mut self, at: usize, now_ms: u64) {
        self.flush(now_ms);
        let stream = &self.streams[at];
        let outcome = stream.spool().ending().map_or(Outcome::Unknown, |ending| ending.outcome);
        let told = Change::Ended { encounter: stream.encounter().to_string(), outcome, events: stream.events() };
        self.tell(told);
        self.save_raid(now_ms);
    }

    /// Fights whose spool lost what the relay holds are read again from their begin.
    fn read_lost_anew(&mut self, db: &str, now_ms: u64) {
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            if stream.standing != Standing::Lost || !stream.is_of(db) {
                continue;
            }
            let head = Head { stream: StreamId(self.options.entropy.uuid()), ..stream.spool().head().clone() };
            let encoder = Encoder::new(head.header.clone());
            match Spool::create(&self.folder.spools(), head) {
                Ok(spool) => {
                    let fight = stream.fight.clone();
                    let report = stream.report.clone();
                    let mut stream = Stream::new(spool, encoder, fight, now_ms);
                    stream.report = report;
                    let encounter = stream.encounter().to_string();
                    self.streams[at] = stream;
                    let why = "the relay holds more of it than its log here".to_owned();
                    self.tell(Change::Reread { encounter, why });
                }
                Err(error) => self.disk_failed(error.to_string(), now_ms),
            }
        }
    }
}

// --- the disk ----------------------------------------------------------------------------------------------------

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Writes what the disk did not take before.
    fn flush(&mut self, now_ms: u64) {
        if self.stalled && now_ms < self.next_disk_ms {
            return;
        }
        let mut failed = None;
        for stream in &mut self.streams {
            if let Err(error) = stream.flush() {
                failed = Some(error.to_string());
            }
        }
        if self.fights_unsaved {
            match self.folder.save_fights(&self.fights) {
                Ok(()) => self.fights_unsaved = false,
                Err(error) => failed = Some(error.to_string()),
            }
        }
        match failed {
            Some(why) => self.disk_failed(why, now_ms),
            None if self.stalled => {
                self.stalled = false;
                self.changed = true;
                self.tell(Change::Resumed);
            }
            None => {}
        }
    }

    fn disk_failed(&mut self, why: String, now_ms: u64) {
        self.next_disk_ms = now_ms + DISK_MS;
        if !self.stalled {
            self.stalled = true;
            let folder = self.options.state.display();
            let why = format!(
                "nothing can be written to {folder} ({why}): make room; nothing is lost, the meter keeps its fights"
            );
            self.tell(Change::Stalled { why });
        }
    }

    /// Makes spools durable now and then, on another thread.
    fn sync(&mut self, now_ms: u64) {
        if now_ms < self.next_sync_ms || self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return;
        }
        self.next_sync_ms = now_ms + SYNC_MS;
        let files: Vec<_> = self.streams.iter_mut().filter_map(|stream| stream.spool_mut().take_unsynced()).collect();
        if !files.is_empty() {
            self.syncing = Some(tokio::task::spawn_blocking(move || {
                for file in files {
                    if let Err(error) = file.sync_data() {
                        tracing::warn!(%error, "could not sync a spool");
                    }
                }
            }));
        }
        if now_ms.saturating_sub(self.raid_saved_ms) >= RAID_SAVE_MS && self.last_event_ms > self.raid_saved_ms {
            self.save_raid(now_ms);
        }
    }

    fn save_raid(&mut self, now_ms: u64) {
        self.raid_saved_ms = now_ms;
        if let Err(error) = self.folder.save_raid(&self.raid) {
            tracing::warn!(%error, "could not save when the raid's last fight was");
        }
    }

    /// Leaves everything so that the next start goes on from here.
    fn close(&mut self) {
        let now_ms = self.options.clock.elapsed_ms();
        self.stalled = false;
        self.flush(now_ms);
        for stream in &mut self.streams {
            if let Err(error) = stream.spool_mut().sync() {
                tracing::warn!(%error, "could not sync a spool");
            }
        }
        self.save_raid(now_ms);
    }
}

// --- the relay ---------------------------------------------------------------------------------------------------

impl<S: FnMut(Change) + Send> Uploader<S> {
    fn hear(&mut self, event: SocketEvent) -> Result<(), WatchError> {
        let now_ms = self.options.clock.elapsed_ms();
        match event {
            SocketEvent::Up { outbox } => {
                let link = Link::new(outbox, now_ms);
                link.send(&UplinkFrame::Hello(self.hello()));
                self.link = Some(link);
            }
            SocketEvent::Down { why, retry } => {
                self.unlink();
                self.told_connected = None;
                if self.told_disconnected.as_ref() != Some(&why) {
                    self.told_disconnected = Some(why.clone());
                    self.tell(Change::Disconnected { why, retry_ms: retry.as_millis() as u64 });
                }
            }
            SocketEvent::Unauthorized { text } => {
                let code = RefusedCode::Unauthorized;
                let scope = RefusedScope::Connection;
                self.tell(Change::Refused { code, text: text.clone(), scope, encounter: None, retry_ms: None });
                return Err(WatchError::Unauthorized { text });
            }
            SocketEvent::Reply(reply) => {
                // What was said before the connection was given up counts no more.
                if self.link.is_some() {
                    self.hear_reply(*reply, now_ms)?;
                    self.pump(now_ms);
                }
            }
        }
        Ok(())
    }

    fn hello(&self) -> Hello {
        let meter = self.watching.as_ref().map_or("unknown", |watching| watching.found.meter.as_str());
        let title = self.options.title.as_deref().map(|title| clean(title, l::TITLE_CHARS_MAX));
        Hello {
            v: VERSIONS,
            client: Agent { name: "raidcast".into(), version: env!("CARGO_PKG_VERSION").into() },
            meter: Agent { name: clean(meter, l::AGENT_CHARS_MAX), version: String::new() },
            raid: self.raid.id(),
            secret: self.raid.secret(),
            title: title.filter(|title| !title.is_empty()),
            visibility: self.options.visibility,
            names: self.options.names,
            delay_s: self.options.delay_s,
        }
    }

    fn unlink(&mut self) {
        self.link = None;
        for stream in &mut self.streams {
            stream.disconnect();
        }
    }

    fn hear_reply(&mut self, reply: UplinkReply, now_ms: u64) -> Result<(), WatchError> {
        match reply {
            UplinkReply::Welcome(welcome) => {
                if let Some(link) = &mut self.link {
                    link.welcome(welcome.limits, now_ms);
                }
                self.told_disconnected = None;
                self.raid_url = Some(welcome.raid_url.clone());
                if self.told_connected.as_ref() != Some(&welcome.raid) {
                    self.told_connected = Some(welcome.raid.clone());
                    let Welcome { raid, raid_url: url, channel_url, .. } = welcome;
                    self.tell(Change::Connected { raid, url, channel_url });
                }
            }
            UplinkReply::Begun(begun) => self.begun(begun, now_ms),
            UplinkReply::Ack { h, q } => {
                if let Some(stream) = self.by_handle(h)
                    && stream.ack(q)
                {
                    let (seq, of) = (stream.acked(), stream.spool().seq());
                    let encounter = stream.encounter().to_string();
                    self.last_progress_ms = now_ms;
                    self.tell(Change::Acked { encounter, seq, of });
                }
            }
            UplinkReply::Rewind { h, q } => {
                if let Some(stream) = self.by_handle(h) {
                    if q > stream.spool().seq() + 1 {
                        stream.standing = Standing::Lost;
                        self.changed = true;
                    } else {
                        stream.go_on_from(q.max(1));
                    }
                }
            }
            UplinkReply::Finalized { enc, report, url, state, rev: _ } => {
                let Some(at) = self.streams.iter().position(|stream| stream.encounter() == enc) else { return Ok(()) };
                let done = state == ReportState::Final && self.streams[at].spool().ending().is_some();
                self.last_progress_ms = now_ms;
                let encounter = enc.to_string();
                self.tell(Change::Finalized { encounter, report_id: report, url, state, known: false });
                if done {
                    self.complete(at, now_ms);
                }
            }
            UplinkReply::Refused(refused) => return self.refused(refused, now_ms),
            UplinkReply::Draining { .. } | UplinkReply::Echo { .. } | UplinkReply::Unknown => {}
        }
        Ok(())
    }

    fn by_handle(&mut self, h: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.standing == Standing::Open { h })
    }

    fn begun(&mut self, begun: Begun, now_ms: u64) {
        let asked = |stream: &Stream| stream.encounter() == begun.enc && stream.standing == Standing::Asked;
        let Some(at) = self.streams.iter().position(asked) else { return };
        self.last_progress_ms = now_ms;
        let stream = &mut self.streams[at];
        let resume = stream.begun(begun.h, begun.held.as_ref());
        let encounter = begun.enc.to_string();
        let (report_id, url) = (clean(&begun.report, 64), clean(&begun.url, 500));
        let report = Some((report_id.clone(), url.clone()));
        let news = stream.report != report;
        stream.report = report;
        if news && matches!(resume, Resume::From(_) | Resume::Anew) {
            let header = &stream.spool().head().header;
            let (started_at_ms, scene) = (header.started_at_ms, header.scene.clone());
            let (encounter, report_id, url) = (encounter.clone(), report_id.clone(), url.clone());
            self.tell(Change::Begun { encounter, report_id, url, started_at_ms, scene });
        }
        match resume {
            Resume::From(_) => {}
            Resume::Anew => self.changed = true,
            Resume::Known => {
                self.tell(Change::Finalized { encounter, report_id, url, state: ReportState::Final, known: true });
                self.complete(at, now_ms);
            }
            Resume::Kept => {
                self.tell(Change::Kept { encounter, report_id, url });
                self.complete(at, now_ms);
            }
        }
    }

    /// The relay needs nothing more of a fight.
    fn complete(&mut self, at: usize, now_ms: u64) {
        let stream = self.streams.remove(at);
        let head = stream.spool().head();
        if let Some(watched) = self.fights.databases.get_mut(&head.db) {
            watched.open.remove(&head.row);
        }
        self.finalized += 1;
        self.fights_unsaved = true;
        self.flush(now_ms);
        // The list first: a spool that outlives it is known to be done.
        stream.into_spool().remove();
    }

    fn refused(&mut self, refused: Refused, now_ms: u64) -> Result<(), WatchError> {
        let Refused { code, text, scope, retry_ms, h, enc } = refused;
        let text = clean(&text, 500);
        let retry_ms = retry_ms.map(u64::from);
        let about = |stream: &Stream| {
            enc == Some(stream.encounter()) || h.is_some_and(|h| stream.standing == Standing::Open { h })
        };
        let at = self.streams.iter().position(about);
        let encounter = at.map(|at| self.streams[at].encounter().to_string());
        let repeated = at.is_some_and(|at| std::mem::replace(&mut self.streams[at].refusal_told, true));
        if !repeated {
            self.tell(Change::Refused { code, text: text.clone(), scope, encounter, retry_ms });
        }
        if scope == RefusedScope::Connection {
            return match code {
                RefusedCode::Unauthorized => Err(WatchError::Unauthorized { text }),
                RefusedCode::Fenced => Err(WatchError::Fenced),
                RefusedCode::ProtocolUnsupported | RefusedCode::NotSupported | RefusedCode::RaidForbidden => {
                    Err(WatchError::Refused { code, text })
                }
                _ => Ok(()),
            };
        }
        let Some(at) = at else { return Ok(()) };
        let stream = &mut self.streams[at];
        match (scope, retry_ms) {
            (RefusedScope::Frame, Some(retry_ms)) if matches!(stream.standing, Standing::Open { .. }) => {
                stream.pause(now_ms + retry_ms);
            }
            // To be begun again: nothing more of it is taken under this handle, or it was not even begun.
            (_, Some(retry_ms)) => {
                stream.standing = Standing::Unbegun;
                stream.pause(now_ms + retry_ms);
            }
            // Sent again it would be refused again.
            (_, None) => stream.standing = Standing::GivenUp,
        }
        Ok(())
    }

    /// Sends what is due, as far as the relay's limits allow.
    fn pump(&mut self, now_ms: u64) {
        let Some(link) = self.link.as_mut().filter(|link| link.welcomed) else { return };
        let begun = |stream: &Stream| matches!(stream.standing, Standing::Asked | Standing::Open { .. });
        let mut open = self.streams.iter().filter(|stream| begun(stream)).count();
        // Fights that go on come first: a raid may have only so many open, and the finished can wait.
        let mut order: Vec<usize> = (0..self.streams.len()).collect();
        order.sort_by_key(|at| self.streams[*at].is_ended());
        for at in &order {
            let stream = &mut self.streams[*at];
            if stream.may_begin(now_ms)
                && open < l::OPEN_ENCOUNTERS_MAX
                && link.send(&UplinkFrame::Begin(stream.begin()))
            {
                stream.standing = Standing::Asked;
                stream.last_sent_ms = now_ms;
                open += 1;
            }
        }
        let in_flight = self.streams.iter().map(Stream::in_flight);
        let mut in_flight = in_flight.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        for at in order {
            let stream = &mut self.streams[at];
            let Standing::Open { h } = stream.standing else { continue };
            if now_ms < stream.pause_until_ms {
                continue;
            }
            while let Some((seq, bytes)) = stream.next_frame() {
                if !link.may_send(bytes, in_flight, now_ms) {
                    break;
                }
                let delta = match stream.spool_mut().frame(seq) {
                    Ok(delta) => delta,
                    Err(error) => {
                        tracing::warn!(%error, seq, "a spool cannot be read; its fight is read again");
                        stream.standing = Standing::Lost;
                        self.changed = true;
                        break;
                    }
                };
                if !link.send(&UplinkFrame::Delta(DeltaFrame { h, delta })) {
                    break;
                }
                stream.sent(bytes, now_ms);
                in_flight = (in_flight.0 + 1, in_flight.1 + bytes as usize);
            }
            if let Some(ending) = stream.next_end().cloned()
                && link.send(&UplinkFrame::End(End { h, ending }))
            {
                stream.end_sent();
            }
        }
    }

    /// Heartbeats of fights without events, and their end.
    fn beat(&mut self, now_ms: u64) {
        let Some(link) = self.link.as_ref().filter(|link| link.welcomed) else { return };
        let unix_ms = self.options.clock.unix_ms();
        let mut idle = Vec::new();
        for stream in &mut self.streams {
            let Standing::Open { h } = stream.standing else { continue };
            if stream.is_ended() || stream.next_frame().is_some() || now_ms < stream.pause_until_ms {
                continue;
            }
            if stream.is_idle(now_ms) {
                if !stream.idle_sent && link.send(&UplinkFrame::Idle { h }) {
                    stream.idle_sent = true;
                    if !std::mem::replace(&mut stream.idle_told, true) {
                        idle.push((stream.encounter(), now_ms.saturating_sub(stream.last_event_ms) / 1000));
                    }
                }
            } else if now_ms.saturating_sub(stream.last_sent_ms) >= l::HEARTBEAT_MS
                && let Some(delta) = stream.heartbeat(unix_ms - stream.started_at_ms())
                && link.send(&UplinkFrame::Delta(DeltaFrame { h, delta }))
            {
                stream.last_sent_ms = now_ms;
            }
        }
        for (encounter, seconds) in idle {
            self.tell(Change::Idle { encounter: Some(encounter.to_string()), seconds });
        }
    }
}

// --- the end -----------------------------------------------------------------------------------------------------

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Whether there is nothing more to wait for; only ever with `until_idle`.
    fn is_done(&mut self, now_ms: u64) -> Result<bool, WatchError> {
        let Some(until_idle) = self.options.until_idle else { return Ok(false) };
        let until_idle_ms = until_idle.as_millis() as u64;
        let passed = |since_ms: u64, ms: u64| now_ms.saturating_sub(since_ms) >= ms;
        if let Some(since_ms) = self.trouble_since_ms
            && passed(since_ms.max(self.last_event_ms), until_idle_ms)
            && (!self.ever_watched || self.streams.iter().any(|stream| !stream.is_ended()) || !self.queue.is_empty())
        {
            return Err(WatchError::NoMeter { seconds: until_idle.as_secs(), why: self.trouble.clone() });
        }
        if !passed(self.last_event_ms, until_idle_ms) || (self.trouble_since_ms.is_some() && !self.ever_watched) {
            // A fight that begins now is streamed like any other.
            self.closing = false;
            return Ok(false);
        }
        // A relay that takes nothing for long, or a disk that does not, is not waited for for ever.
        let since_ms = self.last_progress_ms.max(self.last_event_ms);
        let given_up = passed(since_ms, until_idle_ms.max(RELAY_PATIENCE_MS));
        let settled = |stream: &Stream| {
            stream.standing == Standing::GivenUp
                || (matches!(stream.standing, Standing::Open { .. }) && stream.unacked() == 0)
        };
        if self.queue.is_empty() && self.streams.iter().all(settled) && !self.closing {
            self.closing = true;
            let seconds = now_ms.saturating_sub(self.last_event_ms) / 1000;
            self.tell(Change::Idle { encounter: None, seconds });
        }
        let left = self.streams.iter().any(|stream| stream.standing != Standing::GivenUp);
        Ok(given_up || (self.closing && self.queue.is_empty() && !left))
    }

    fn summary(&self) -> Summary {
        let unacknowledged = self.streams.iter().map(Stream::unacked).sum();
        let late = |stream: &Stream| stream.is_ended() || stream.standing == Standing::GivenUp || !stream.is_spooled();
        Summary {
            fights: self.found,
            finalized: self.finalized,
            unacknowledged,
            complete: unacknowledged == 0 && self.queue.is_empty() && !self.streams.iter().any(late),
        }
    }

    fn tell_status(&mut self, now_ms: u64) {
        if now_ms < self.next_status_ms {
            return;
        }
        self.next_status_ms = now_ms + STATUS_MS;
        let live = self.streams.iter().filter(|stream| !stream.is_ended()).max_by_key(|stream| stream.started_at_ms());
        let status = Status {
            watching: self.watching.is_some() && self.trouble_since_ms.is_none(),
            connected: self.link.as_ref().is_some_and(|link| link.welcomed),
            live: live.map(|stream| LiveFight {
                title: stream.title(),
                elapsed_ms: stream.elapsed_ms(),
                events: stream.events(),
            }),
            unacknowledged: self.streams.iter().map(Stream::unacked).sum(),
            url: self.raid_url.clone(),
        };
        if status != self.told_status {
            self.told_status = status.clone();
            self.tell(Change::Status(status));
        }
    }
}
