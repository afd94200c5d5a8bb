//! A meter that writes its database while the game goes on, and what one reading of that gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::header::header_of;
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Source as _, detect};
use raidcast_meterkit::{Fight, Generation, LIVE_TICK, MeterWriter, Script, write_all};
use raidcast_shared::encode::Encoder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

const HOUR_MS: i64 = 3_600_000;

/// A meter at rest.
pub(crate) struct Meter {
    path: PathBuf,
    writer: MeterWriter,
}

/// How a fight comes to its end.
enum End {
    /// Where it stands, as the player's reset does.
    Reset,
    /// It does not: the meter ends before.
    Left,
}

/// A meter while a fight goes on.
pub(crate) struct Playing {
    path: PathBuf,
    task: JoinHandle<MeterWriter>,
    end: oneshot::Sender<End>,
}

impl Meter {
    pub(crate) async fn open(path: &Path, generation: Generation) -> Self {
        Self { path: path.to_owned(), writer: MeterWriter::open(path, generation).await.unwrap() }
    }

    /// Fights of days ago, one an hour.
    pub(crate) async fn had(&mut self, fights: u64) {
        let first_ms = now_ms() - 72 * HOUR_MS;
        for n in 0..fights {
            let script = Script { duration_ms: 20_000, ..Script::party(70 + n) };
            let fight = script.fight().starting_at(first_ms + n as i64 * HOUR_MS);
            write_all(&mut self.writer, &fight).await.unwrap();
        }
    }

    /// Fights of this hour.
    pub(crate) async fn had_lately(&mut self, fights: u64) {
        for n in 0..fights {
            let script = Script { duration_ms: 20_000, ..Script::party(90 + n) };
            let ago_ms = (fights - n) as i64 * 300_000;
            write_all(&mut self.writer, &script.fight().starting_at(now_ms() - ago_ms)).await.unwrap();
        }
    }

    /// A fight that goes on, at its own pace, until it is told to end.
    pub(crate) async fn play(mut self, seed: u64) -> Playing {
        let fight = long(seed).starting_at(now_ms());
        self.writer.begin(&fight).await.unwrap();
        let (end, mut ends) = oneshot::channel();
        let mut writer = self.writer;
        let task = tokio::spawn(async move {
            let began = Instant::now();
            let mut ticks = interval(LIVE_TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let end = loop {
                tokio::select! {
                    _ = ticks.tick() => writer.advance_to(began.elapsed().as_millis() as i64).await.unwrap(),
                    end = &mut ends => break end,
                }
            };
            if !matches!(end, Ok(End::Left)) {
                writer.reset().await.unwrap();
            }
            writer
        });
        Playing { path: self.path, task, end }
    }
}

impl Playing {
    /// Ends the fight.
    pub(crate) async fn end(self) -> Meter {
        self.ends(End::Reset).await
    }

    /// The meter ends in mid-fight, and a newer version of it opens its database: that changes the tables, and ends what
    /// was left open.
    pub(crate) async fn upgraded(self, generation: Generation) -> Meter {
        let Meter { path, writer } = self.ends(End::Left).await;
        writer.close().await.unwrap();
        let mut meter = Meter::open(&path, generation).await;
        meter.writer.restart(now_ms()).await.unwrap();
        meter
    }

    async fn ends(self, how: End) -> Meter {
        assert!(self.end.send(how).is_ok(), "the meter has ended by itself");
        Meter { path: self.path, writer: self.task.await.unwrap() }
    }

    /// Lets it go on until so much of it was written.
    pub(crate) async fn goes_on(&self, time: Duration) {
        // The meter's own pace: what is waited for is that the game has gone on.
        tokio::time::sleep(time).await;
    }
}

/// More of a fight than any test waits for.
fn long(seed: u64) -> Fight {
    Script { duration_ms: 600_000, ..Script::party(seed) }.fight()
}

pub(crate) fn now_ms() -> i64 {
    Clock::system().unix_ms()
}

/// What one reading of a whole database gives, fight by fight: the checksum of all that happened.
pub(crate) fn read_at_once(db: &Path) -> Vec<String> {
    let found = detect::identify(db).unwrap();
    let mut source = AnySource::open(&found, Arc::new(Names::default())).unwrap();
    let mut sums = Vec::new();
    for fight in source.all_fights().unwrap() {
        let mut encoder = Encoder::new(header_of(&fight, source.knows()));
        let reading = source.read_last(&fight, &Cursor::default()).unwrap();
        encoder.encode(reading.events, 0);
        encoder.finish(0);
        assert!(encoder.state().events() > 0, "a fight of which nothing is read shows nothing");
        sums.push(encoder.checksum().to_string());
    }
    sums
}
