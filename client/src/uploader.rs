//! Follows a meter and keeps the relay up to date: the one owner of everything that changes.
//!
//! One task: a select loop over the end, orders, the connection's events and a poll timer. Nothing in it waits for the
//! network, so a slow relay never delays reading, and nothing of the meter is held while it waits.
//! Each thing that changes has an owner in a file of its own: the database ([`meter`]), fights on their way
//! ([`streams`]), the books on them ([`ledger`]), the link to the relay ([`session`]), the state folder's disk
//! ([`disk`]), the folder itself, which an upload beside it has, too ([`seat`]), what was announced ([`announcer`]), when
//! anything happened ([`activity`]), fights that ended a moment ago ([`lately`]), an upload ([`upload`]), whether the
//! machine slept ([`waking`]). The other files join them, one idea each: from the database ([`reading`],
//! [`discovery`], [`beginning`], [`again`]), to the disk ([`writing`]), to and from the relay ([`sending`],
//! [`hearing`], [`refusal`]), from who runs it ([`obeying`]), to the end ([`ending`], [`history`]).
//! Where there is no stream, [`posting`] sends old fights in its place, and [`waiting`] has what it could not send.
//! Deliberately not here: how a connection is opened (the socket), what a relay's answer means for one fight
//! ([`resume`]), how things are told in words and shown (the command line).

mod activity;
mod again;
mod announcer;
mod beginning;
mod change;
mod discovery;
mod disk;
mod ending;
mod finish;
mod folder;
mod hearing;
mod history;
mod lately;
mod ledger;
mod link;
mod meter;
mod obeying;
mod options;
mod order;
mod outcome;
mod posting;
mod raid;
mod reading;
pub mod record;
mod refusal;
pub mod resume;
mod seat;
pub mod seen_by;
mod sending;
mod session;
mod shown_to;
mod size;
mod standing;
mod stream;
mod streams;
pub mod trouble;
mod upload;
pub mod waiting;
mod waking;
mod writing;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

pub use change::{Change, Delay, LiveFight, Rereading, Status};
pub use folder::{Damage, FolderError};
pub(crate) use folder::{is_held, seen_by, under_way};
pub(crate) use ledger::told;
pub use options::Options;
pub use order::{Order, Orders, orders};
pub use outcome::{Summary, WatchError};
pub use posting::{post, post_on};
pub use seat::Seat;
pub(crate) use seat::upload_part;
pub(crate) use session::has_ticket;
pub use shown_to::ShownTo;

use crate::socket::{self, RelayAddress, SocketEvent};
use crate::spool::{Spool, SpoolError};
use activity::Activity;
use announcer::Announcer;
use disk::Disk;
use folder::Folder;
use lately::Lately;
use ledger::Ledger;
use meter::Meter;
use session::Session;
use stream::{Standing, Stream};
use streams::Streams;
use upload::Upload;
use waking::Waking;

/// How often the meter is asked whether it wrote anything while a fight goes on, ms.
const POLL_MS: u64 = 25;
/// The same while none does, or of a meter that lags behind, ms: nobody waits for a fight's first tenth of a second.
const CALM_POLL_MS: u64 = 100;
/// What the socket may tell before it waits for the uploader.
const SOCKET_EVENTS: usize = 256;

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
    let address = address(&options)?;
    let seat = Seat::take(&options.state)?;
    run_at(address, seat, options, Orders::none(), shutdown, sink).await
}

/// The same in a folder that is held already: one run follows the meter there, and one can upload old fights beside it
/// ([`Options::history`]). `options.state` does not count. It does what `orders` say meanwhile.
///
/// When this has come to its end it has given everything back, and the next run of its kind can begin.
///
/// # Errors
/// As [`run`]. `InUse`, by this process: another run of this kind is at work in the folder.
pub async fn run_on(
    seat: Arc<Seat>,
    options: Options,
    orders: Orders,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let address = address(&options)?;
    run_at(address, seat, options, orders, shutdown, sink).await
}

fn address(options: &Options) -> Result<RelayAddress, WatchError> {
    Ok(RelayAddress::new(&options.relay, &options.key, options.trust.clone())?)
}

async fn run_at(
    address: RelayAddress,
    seat: Arc<Seat>,
    options: Options,
    mut orders: Orders,
    shutdown: CancellationToken,
    sink: impl FnMut(Change) + Send,
) -> Result<Summary, WatchError> {
    let mut uploader = Uploader::open(&seat, options, sink)?;
    let (events, mut heard) = mpsc::channel(SOCKET_EVENTS);
    let hang_up = CancellationToken::new();
    let seed = u64::from_le_bytes(uploader.options.entropy.bytes());
    let clock = uploader.options.clock.clone();
    let (connect, called) = oneshot::channel();
    uploader.session.connect_by(connect);
    let (retry, end_of_socket) = (uploader.session.retry(), hang_up.clone());
    let socket = tokio::spawn(async move {
        // Without a meter there is nothing to stream, and no raid is opened for it.
        let is_called = tokio::select! {
            biased;
            () = end_of_socket.cancelled() => false,
            called = called => called.is_ok(),
        };
        if is_called {
            socket::run(address, clock, seed, events, retry, end_of_socket).await;
        }
    });

    let result = uploader.follow(&mut heard, &mut orders, &shutdown).await;
    hang_up.cancel();
    drop(heard);
    uploader.close();
    let abort = socket.abort_handle();
    if timeout(Duration::from_secs(1), socket).await.is_err() {
        abort.abort();
    }
    result.map(|()| uploader.summary())
}

/// The owner of everything; see [`run`].
struct Uploader<S> {
    options: Options,
    announcer: Announcer<S>,
    ledger: Ledger,
    streams: Streams,
    meter: Meter,
    session: Session,
    activity: Activity,
    upload: Upload,
    lately: Lately,
    waking: Waking,
    /// Last, for its folder is given back with it: what is open there is closed before.
    disk: Disk,
}

impl<S: FnMut(Change) + Send> Uploader<S> {
    fn open(seat: &Arc<Seat>, options: Options, sink: S) -> Result<Self, WatchError> {
        let options = Options { state: seat.dir().to_owned(), ..options };
        let folder = Folder::open(seat, options.history.is_some())?;
        let now_ms = options.clock.elapsed_ms();
        let mut ledger = Ledger::open(&folder)?;
        if let Some(history) = &options.history {
            // Before its raid stands in the folder: what the list has was agreed to for that.
            let asked: HashSet<_> = history.fights.iter().map(ToString::to_string).collect();
            ledger.keep_only(&folder, |name| asked.contains(name))?;
        }
        let mut uploader = Self {
            announcer: Announcer::new(sink),
            session: Session::open(&options, &folder, ledger.given_up())?,
            ledger,
            streams: Streams::default(),
            meter: Meter::new(),
            disk: Disk::new(folder),
            activity: Activity::new(now_ms),
            upload: Upload::default(),
            lately: Lately::default(),
            waking: Waking::new(now_ms, options.clock.unix_ms()),
            options,
        };
        uploader.note_who_sees();
        uploader.open_spools(now_ms)?;
        Ok(uploader)
    }

    /// Takes up the fights that were on their way when the client ended.
    fn open_spools(&mut self, now_ms: u64) -> Result<(), WatchError> {
        for path in self.disk.folder().list_spools()? {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if self.session.leaves(name) {
                // It was agreed to for others than those who see the raid now: it waits until it is asked for.
                continue;
            }
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
            if self.options.history.is_some() && spool.ending().is_none() {
                // Only a part of an old fight was read, and none of it sent.
                spool.remove();
                continue;
            }
            self.ledger.resume(spool.head());
            let given_up = self.ledger.given_up().get(name).filter(|_| self.session.shows_more()).cloned();
            let mut stream = Stream::resumed(spool, encoder, now_ms);
            if let Some(why) = given_up {
                stream.standing = Standing::GivenUp;
                stream.refusals_mut().because(why);
            }
            self.streams.resume(stream);
        }
        self.drop_given_up(now_ms);
        Ok(())
    }

    async fn follow(
        &mut self,
        heard: &mut mpsc::Receiver<SocketEvent>,
        orders: &mut Orders,
        shutdown: &CancellationToken,
    ) -> Result<(), WatchError> {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                // The user ends it: open fights stay as they are and go on at the next start.
                () = shutdown.cancelled() => return Ok(()),
                // Orders: rare, and somebody waits for what comes of them.
                Some(order) = orders.next() => {
                    self.obey(order);
                    next = Instant::now();
                }
                // The relay's replies: few, and they make room for more to be sent.
                Some(event) = heard.recv() => self.hear(event)?,
                // The poll: reads what the meter wrote, sends what is due.
                () = sleep_until(next) => {
                    self.look_after_folder(self.options.clock.elapsed_ms())?;
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
        if self.streams.is_calm(now_ms) {
            return CALM_POLL_MS;
        }
        // What waits to be sent goes out as the relay's limits allow.
        if self.streams.is_sending() {
            return POLL_MS;
        }
        let least_ms = if self.meter.is_lagging() { CALM_POLL_MS } else { POLL_MS };
        self.meter.rests_ms(now_ms).min(CALM_POLL_MS).max(least_ms)
    }

    fn tick(&mut self, now_ms: u64) {
        if self.waking.woke(now_ms, self.options.clock.unix_ms()) {
            // Its connection may be gone though nothing tells so, and a wait for the next one is over.
            self.connect_anew();
        }
        self.flush(now_ms);
        self.poll(now_ms);
        // Who follows a meter has the links before the first fight; an upload of which nothing is to be sent opens no raid.
        let is_to_be_seen = self.options.history.is_none() && self.meter.was_ever_read();
        if is_to_be_seen || !self.streams.is_empty() {
            self.session.connect();
        }
        self.beat(now_ms);
        self.pump(now_ms);
        self.sync(now_ms);
        self.tell_status(now_ms);
        self.save_now(now_ms);
    }
}
