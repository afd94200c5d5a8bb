//! A client of the test's own: its folder, its meter's database and what it tells, beside the scripted relay.
//!
//! What a message tells is awaited by [`Client::until`] and [`Relay::until`]; [`wait`] looks again and again, for what
//! only a file tells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::header::header_of;
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Source as _, detect};
use raidcast::uploader::{self, Change, Options, Order, Orders, Seat, Summary, WatchError};
use raidcast_meterkit::{Fight, MeterWriter, Script};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::encode::Encoder;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::relay::{KEY, Memory, News, Relay};

type Hear = Box<dyn FnMut(Change) + Send>;

pub(crate) struct Client {
    pub(crate) changes: Arc<Mutex<Vec<Change>>>,
    news: News,
    shutdown: CancellationToken,
    orders: mpsc::Sender<Order>,
    pub(crate) task: JoinHandle<Result<Summary, WatchError>>,
}

impl Client {
    pub(crate) fn start(options: Options) -> Self {
        Self::with(|_, token, hear| tokio::spawn(async move { uploader::run(options, token, hear).await }))
    }

    /// On a folder that is held already.
    pub(crate) fn start_on(seat: &Arc<Seat>, options: Options) -> Self {
        let seat = seat.clone();
        Self::with(|orders, token, hear| {
            tokio::spawn(async move { uploader::run_on(seat, options, orders, token, hear).await })
        })
    }

    fn with(start: impl FnOnce(Orders, CancellationToken, Hear) -> JoinHandle<Result<Summary, WatchError>>) -> Self {
        let (changes, news, shutdown) = (Arc::<Mutex<Vec<_>>>::default(), News::default(), CancellationToken::new());
        let (heard, told) = (changes.clone(), news.clone());
        let hear = move |change| {
            heard.lock().unwrap().push(change);
            told.tell();
        };
        let (orders, taken) = uploader::orders();
        let task = start(taken, shutdown.clone(), Box::new(hear));
        Self { changes, news, shutdown, orders, task }
    }

    /// Tells it what to do; it was started on a seat.
    pub(crate) async fn order(&self, order: Order) {
        self.orders.send(order).await.unwrap();
    }

    /// Waits until such a change was told.
    pub(crate) async fn until(&self, what: impl Fn(&Change) -> bool) {
        self.until_so_many(1, what).await;
    }

    /// Waits until so many such changes were told.
    pub(crate) async fn until_so_many(&self, count: usize, what: impl Fn(&Change) -> bool) {
        self.news.until(|| self.changes.lock().unwrap().iter().filter(|change| what(change)).count() >= count).await;
    }

    pub(crate) async fn done(self) -> Result<Summary, WatchError> {
        tokio::time::timeout(Duration::from_mins(1), self.task).await.expect("the client ends").unwrap()
    }

    pub(crate) async fn end(self) -> Summary {
        self.shutdown.cancel();
        self.done().await.unwrap()
    }
}

/// Waits until something is so in files, for a minute at most.
pub(crate) async fn wait(so: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if so() {
            return;
        }
        // No message tells that a file has changed.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be");
}

/// The clock of the clients.
pub(crate) const NOW_MS: i64 = 1_790_002_000_000;

/// A folder with a meter's database and a client's state.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.dir.path().join("meter.db")
    }

    pub(crate) fn options(&self, relay: &Relay) -> Options {
        Options {
            // The night of the scripts' fights: what ended long before is left alone.
            clock: Clock::new(|| NOW_MS),
            db: Some(self.db()),
            until_idle: Some(Duration::from_millis(700)),
            ..Options::new(&relay.url, KEY, self.dir.path().join("state"))
        }
    }
}

pub(crate) fn party(seed: u64) -> Fight {
    Script::party(seed).fight()
}

/// What one reading of the whole database gives, fight by fight.
pub(crate) async fn read_at_once(db: &Path) -> Vec<(Checksum, u64)> {
    let found = detect::identify(db).unwrap();
    let mut source = AnySource::open(&found, Arc::new(Names::default())).unwrap();
    let mut sums = Vec::new();
    for fight in source.fights(-1, &[]).unwrap() {
        let mut encoder = Encoder::new(header_of(&fight, source.knows()));
        let reading = source.read_last(&fight, &Cursor::default()).unwrap();
        encoder.encode(reading.events, 0);
        encoder.finish(0);
        sums.push((encoder.checksum(), encoder.state().events()));
    }
    sums
}

/// What the relay holds, fight by fight.
pub(crate) fn relayed(relay: &Relay) -> Vec<(Checksum, u64)> {
    sums_of(&relay.memory())
}

/// As [`relayed`], of what is looked at already.
pub(crate) fn sums_of(memory: &Memory) -> Vec<(Checksum, u64)> {
    let mut fights: Vec<_> = memory.fights.values().collect();
    fights.sort_by_key(|fight| fight.state.header().started_at_ms);
    fights.iter().map(|fight| (fight.state.checksum(), fight.state.events())).collect()
}

/// Plays the first part of a fight in steps.
pub(crate) async fn play(writer: &mut MeterWriter, fight: &Fight, to_ms: i64, step_ms: usize) {
    writer.begin(fight).await.unwrap();
    go_on(writer, (0..to_ms).step_by(step_ms)).await;
}

/// Lets the fight go on to these moments, one after the other.
pub(crate) async fn go_on(writer: &mut MeterWriter, moments: impl Iterator<Item = i64>) {
    for ms in moments {
        writer.advance_to(ms).await.unwrap();
        // The meter's pace: a client that reads while it is written to is what the tests are about.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Removes the fights that began then or later, as a meter does: at once, from all its tables.
pub(crate) fn remove_since(db: &Path, began_ms: i64) {
    let mut meter = rusqlite::Connection::open(db).unwrap();
    let removal = meter.transaction().unwrap();
    let tables = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                  WHERE m.type = 'table' AND c.name = 'encounter_id'";
    let tables: Vec<String> =
        removal.prepare(tables).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let these = "SELECT id FROM encounters WHERE started_at_ms >= ?1";
    for table in tables {
        removal.execute(&format!("DELETE FROM {table} WHERE encounter_id IN ({these})"), [began_ms]).unwrap();
    }
    removal.execute("DELETE FROM encounters WHERE started_at_ms >= ?1", [began_ms]).unwrap();
    removal.commit().unwrap();
}
