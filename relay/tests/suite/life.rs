//! The life of an encounter, against a reference that is simple: random histories of two raids and two
//! fights, with begins, deltas, ends, discards, other readings, other connections, another raid, failed and unsaid
//! appends, a store that takes nothing for a while, time that passes and tasks that panic, in any order. Whatever
//! happened, in the end each fight can be sent, its report is exact, and nothing acknowledged is lost.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use raidcast_relay::account::RelaySecret;
use raidcast_relay::clock::{Clock, Entropy};
use raidcast_relay::context::Context;
use raidcast_relay::raid::{Attach, RaidCommand, RaidHandle, RaidRegistry};
use raidcast_relay::record::decode_record;
use raidcast_shared::checksum::Checksum;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::limits::GRACE_MS;
use raidcast_shared::uplink::{
    Begin, DeltaFrame, End, Ending, Held, NamesPolicy, Outcome, RefusedScope, ReportState, UplinkFrame, UplinkReply,
    Visibility,
};
use raidcast_store::{AccountId, Delay, RaidRow, ShownTo, Store, Tickets};
use raidcast_store_sqlite::SqliteStore;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::script::{Script, everybody, header};
use crate::shaky::{Faults, Shaky};

/// Others in each run. `RAIDCAST_HISTORIES` says how many, for whoever changes what they play: ten thousand take a quarter
/// of an hour.
const HISTORIES: u32 = 1_500;
const STEPS: u32 = 24;
/// Deltas of a whole fight, and hits of each.
const DELTAS: u64 = 5;
const HITS: u64 = 4;
const FIGHTS: usize = 2;
const RAIDS: usize = 2;
const STREAMS: u64 = 3;
/// How often a fight is tried to be sent in the end: nearly all are after three.
const ATTEMPTS: u32 = 200;
/// How long a clock stands before it leaps, unless the store answers, µs: by turns, so that in some histories more passes
/// while the store works, and others leave it the processor.
const BREATHS: [u64; 4] = [20, 60, 250, 250];

/// A small generator: the same seed gives the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What the reference knows of a fight: how many hits are held at the least since it was thrown away last, as far as
/// replies said so.
#[derive(Default)]
struct Known {
    hits_at_least: u64,
    /// Hits of the reading that is shown, while its sender knows that it is.
    shown: Option<StreamId>,
}

/// A connection of a scripted client to one of the raids.
struct Connection {
    id: u64,
    raid: usize,
    replies: mpsc::Receiver<UplinkReply>,
    /// By fight: the handle, its stream, and the next seq.
    handles: HashMap<usize, (u32, StreamId, u64)>,
    begins: HashMap<usize, StreamId>,
}

struct World {
    registry: Arc<RaidRegistry>,
    faults: Arc<Faults>,
    now_ms: Arc<AtomicI64>,
    raids: Vec<RaidRow>,
    fights: Vec<EncounterId>,
    account: AccountId,
    known: Vec<Known>,
    connections: Vec<Option<Connection>>,
    next_connection: u64,
    /// All that was done, also for who asks after a panic.
    told: Arc<Mutex<String>>,
}

fn stream_of(number: u64) -> StreamId {
    StreamId(Uuid::from_u128(u128::from(number) + 1))
}

/// The whole fight as a reading has it, made once.
fn script(stream: StreamId) -> &'static (Script, Checksum) {
    static SCRIPTS: [OnceLock<(Script, Checksum)>; 8] = [const { OnceLock::new() }; 8];
    let number = stream.0.as_u128();
    SCRIPTS[number as usize % SCRIPTS.len()].get_or_init(|| {
        let script = Script::new(DELTAS, number);
        let checksum = script.checksum();
        (script, checksum)
    })
}

impl World {
    async fn new(shaky: &Base, seed: u64, told: Arc<Mutex<String>>) -> Self {
        let faults = Arc::new(Faults::default());
        let (store, runtime) = (Arc::clone(&shaky.store), shaky.runtime.clone());
        let store: Arc<dyn Store> =
            Arc::new(Shaky { store, runtime, faults: Arc::clone(&faults), waker: Some(thread::current()) });
        let now_ms = Arc::new(AtomicI64::new(1_790_000_000_000));
        let clock = {
            let now_ms = Arc::clone(&now_ms);
            Clock::new(move || now_ms.load(Ordering::Relaxed))
        };
        let names = format!("{seed:016x}");
        let account = store.account(&names, &names).await.expect("an account").id;
        let mut raids = Vec::new();
        for number in 0..RAIDS {
            let raid = RaidRow {
                id: RaidId(Uuid::from_u128(u128::from(seed) << 8 | number as u128)),
                account,
                code: format!("{names}{number}"),
                secret_digest: [0; 32],
                title: None,
                visibility: Visibility::Public,
                report_visibility: None,
                said: None,
                names: NamesPolicy::Full,
                delay: Delay::default(),
                created_at_ms: 0,
                active_at_ms: 0,
                closed: false,
                history: false,
                tickets: Tickets::default(),
            };
            store.insert_raid(&raid).await.expect("a raid");
            raids.push(raid);
        }
        let secret = RelaySecret::new([7; 32]);
        let draining = CancellationToken::new();
        let context = Context::new(store, clock, Entropy::system(), secret, String::new(), GRACE_MS, draining);
        let fights =
            (0..FIGHTS).map(|number| EncounterId(Uuid::from_u128(u128::from(seed) << 8 | 0xf0 | number as u128)));
        Self {
            registry: RaidRegistry::new(Arc::new(context)),
            faults,
            now_ms,
            raids,
            fights: fights.collect(),
            account,
            known: (0..FIGHTS).map(|_| Known::default()).collect(),
            connections: (0..RAIDS).map(|_| None).collect(),
            next_connection: 1,
            told,
        }
    }

    fn say(&self, line: impl std::fmt::Display) {
        let _ = writeln!(self.told.lock().expect("a log"), "{line}");
    }

    async fn handle(&self, raid: usize) -> RaidHandle {
        let code = &self.raids[raid].code;
        self.registry.raid(code).await.expect("the store reads").expect("the raid is there")
    }

    /// A connection speaks for a raid from now on; `None` where the store does not keep that.
    async fn attach(&mut self, raid: usize) {
        let (sender, replies) = mpsc::channel(512);
        let id = self.next_connection;
        self.next_connection += 1;
        for _ in 0..5 {
            let (reply, answer) = oneshot::channel();
            let attach = Attach {
                connection: id,
                replies: sender.clone(),
                reads: true,
                manages: true,
                title: None,
                shown_to: ShownTo { live: Visibility::Public, report: None },
                names: NamesPolicy::Full,
                delay_ms: 0,
                reply,
            };
            let handle = self.handle(raid).await;
            if handle.send(RaidCommand::Attach(attach)).await.is_ok() && matches!(answer.await, Ok(Ok(_))) {
                let (handles, begins) = (HashMap::new(), HashMap::new());
                self.connections[raid] = Some(Connection { id, raid, replies, handles, begins });
                return;
            }
        }
        self.connections[raid] = None;
    }

    async fn send(&mut self, raid: usize, frame: UplinkFrame) {
        let Some(connection) = &self.connections[raid] else { return };
        let (id, received_ms) = (connection.id, self.now_ms.load(Ordering::Relaxed));
        let handle = self.handle(raid).await;
        let frame = RaidCommand::Uplink { connection: id, frame: Box::new(frame), received_ms };
        let _ = handle.send(frame).await;
    }

    /// Reads what replies have come; a connection that was let go is gone.
    fn read(&mut self, raid: usize) {
        let Some(mut connection) = self.connections[raid].take() else { return };
        loop {
            match connection.replies.try_recv() {
                Ok(reply) => {
                    if !self.heard(&mut connection, reply) {
                        return;
                    }
                }
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return,
            }
        }
        self.connections[raid] = Some(connection);
    }

    /// False if the connection is at its end.
    fn heard(&mut self, connection: &mut Connection, reply: UplinkReply) -> bool {
        let fight_of = |enc: EncounterId| self.fights.iter().position(|fight| *fight == enc);
        match reply {
            UplinkReply::Begun(begun) => {
                let Some(fight) = fight_of(begun.enc) else { return true };
                let Some(stream) = connection.begins.remove(&fight) else { return true };
                let of_this = begun.held.as_ref().filter(|held| held.stream == stream);
                let next = of_this.map_or(1, |held| held.seq + 1);
                connection.handles.insert(fight, (begun.h, stream, next));
                let known = &mut self.known[fight];
                let line =
                    format!("  {} begun {fight} {:?} held {:?}", connection.raid, stream.0.as_u128(), begun.held);
                match &begun.held {
                    None => known.shown = Some(stream),
                    Some(Held { stream: shown, events, .. }) if *shown != stream => {
                        known.shown = Some(*shown);
                        assert!(*events >= known.hits_at_least, "less is held than was acknowledged");
                        known.hits_at_least = *events;
                    }
                    // Of its own reading, which may be the one that is shown, or not.
                    Some(_) => {}
                }
                self.say(line);
            }
            UplinkReply::Ack { h, q } => {
                let held = connection.handles.iter().find(|(_, (handle, ..))| *handle == h);
                if let Some((fight, (_, stream, _))) = held
                    && self.known[*fight].shown == Some(*stream)
                {
                    let known = &mut self.known[*fight];
                    known.hits_at_least = known.hits_at_least.max(q.min(DELTAS) * HITS);
                }
            }
            UplinkReply::Rewind { h, q } => {
                for (handle, _, next) in connection.handles.values_mut() {
                    if *handle == h {
                        *next = q;
                    }
                }
            }
            UplinkReply::Finalized { enc, .. } => {
                if let Some(fight) = fight_of(enc) {
                    connection.handles.remove(&fight);
                }
            }
            UplinkReply::Refused(refused) => {
                let line = format!("  {} refused {:?} {}", connection.raid, refused.code, refused.text);
                if refused.scope == RefusedScope::Connection {
                    self.say(line);
                    return false;
                }
                assert_ne!(
                    refused.code,
                    raidcast_shared::uplink::RefusedCode::LimitReached,
                    "no more than two fights are open"
                );
                if let Some(h) = refused.h {
                    connection.handles.retain(|_, (handle, ..)| *handle != h);
                }
                if let Some(fight) = refused.enc.and_then(fight_of) {
                    connection.begins.remove(&fight);
                    connection.handles.remove(&fight);
                }
                self.say(line);
            }
            UplinkReply::Draining { .. } => return false,
            UplinkReply::Welcome(_) | UplinkReply::Echo { .. } | UplinkReply::Unknown => {}
        }
        true
    }

    async fn begin(&mut self, raid: usize, fight: usize, stream: StreamId) {
        let Some(connection) = &mut self.connections[raid] else { return };
        if connection.begins.contains_key(&fight) {
            return;
        }
        connection.begins.insert(fight, stream);
        connection.handles.remove(&fight);
        let begin = Begin { enc: self.fights[fight], stream, header: header() };
        self.send(raid, UplinkFrame::Begin(begin)).await;
    }

    async fn deltas(&mut self, raid: usize, fight: usize, count: u64) {
        let Some(connection) = &mut self.connections[raid] else { return };
        let Some((h, stream, next)) = connection.handles.get_mut(&fight) else { return };
        let (h, from) = (*h, *next);
        let to = (from + count).min(DELTAS + 1);
        *next = to;
        let (fight, _) = script(*stream);
        for delta in &fight.deltas[from.min(DELTAS + 1) as usize - 1..to as usize - 1] {
            self.send(raid, UplinkFrame::Delta(DeltaFrame { h, delta: delta.clone() })).await;
        }
    }

    async fn end(&mut self, raid: usize, fight: usize) {
        let Some(connection) = &self.connections[raid] else { return };
        let Some((h, stream, next)) = connection.handles.get(&fight).copied() else { return };
        let checksum = script(stream).1;
        let ending = Ending { last_seq: next - 1, ended_at_ms: None, outcome: Outcome::Kill, checksum, meter: None };
        self.send(raid, UplinkFrame::End(End { h, ending })).await;
    }

    async fn step(&mut self, dice: &mut Dice) {
        let (raid, fight) = (dice.roll(RAIDS as u64) as usize, dice.roll(FIGHTS as u64) as usize);
        let stream = stream_of(dice.roll(STREAMS));
        if self.connections[raid].is_none() {
            self.say(format_args!("attach {raid}"));
            self.attach(raid).await;
        }
        match dice.roll(32) {
            0..=6 => {
                self.say(format_args!("begin {raid} {fight} {}", stream.0.as_u128()));
                self.begin(raid, fight, stream).await;
            }
            7..=16 => {
                let count = 1 + dice.roll(DELTAS);
                self.say(format_args!("deltas {raid} {fight} {count}"));
                self.deltas(raid, fight, count).await;
            }
            17..=19 => {
                self.say(format_args!("end {raid} {fight}"));
                self.end(raid, fight).await;
            }
            20..=21 => {
                self.say(format_args!("discard {raid} {fight}"));
                self.known[fight] = Known::default();
                for connection in self.connections.iter_mut().flatten() {
                    // Whoever sends it finds out.
                    connection.begins.remove(&fight);
                }
                self.send(raid, UplinkFrame::Discard { enc: self.fights[fight] }).await;
                // What was begun before and is answered later is of the fight that is gone.
                self.wait_for_nothing(raid).await;
            }
            22 => {
                self.say(format_args!("another connection {raid}"));
                self.attach(raid).await;
            }
            23 => {
                self.say(format_args!("detach {raid}"));
                if let Some(connection) = self.connections[raid].take() {
                    let handle = self.handle(raid).await;
                    let _ = handle.send(RaidCommand::Detach { connection: connection.id }).await;
                }
            }
            24 => {
                self.say("appends fail");
                self.faults.appends.store(1 + dice.roll(4) as u32, Ordering::SeqCst);
            }
            25 => {
                self.say("appends are unsaid");
                self.faults.appends_unsaid.store(1 + dice.roll(3) as u32, Ordering::SeqCst);
            }
            26 => {
                self.say("writes fail");
                self.faults.writes.store(1 + dice.roll(3) as u32, Ordering::SeqCst);
            }
            27 => {
                self.say("grace passes");
                self.now_ms.fetch_add(GRACE_MS + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            28 if dice.roll(4) == 0 => {
                self.say("the task panics at its next append");
                self.faults.panics.store(1, Ordering::SeqCst);
            }
            _ => {
                self.say("wait");
                tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
            }
        }
        for raid in 0..RAIDS {
            self.read(raid);
        }
    }

    /// Waits until a raid's task has done all that it was asked, as far as its inbox tells.
    async fn wait_for_nothing(&mut self, raid: usize) {
        let handle = self.handle(raid).await;
        let _ = handle.ask(|reply| RaidCommand::Connected { until_ms: None, reply }).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        for raid in 0..RAIDS {
            self.read(raid);
        }
    }

    /// Sends all of a fight as a new reading, however often it takes, and looks at what is kept of it.
    async fn send_whole(&mut self, fight: usize) {
        let stream = stream_of(STREAMS + fight as u64);
        let (_, whole) = script(stream);
        let store = Arc::clone(&self.registry.context.store);
        for attempt in 0..ATTEMPTS {
            if attempt >= ATTEMPTS / 20 {
                // The test's clock runs ahead of the store, which works in true time.
                thread::sleep(Duration::from_millis(20));
            }
            if self.connections[0].is_none() {
                self.attach(0).await;
            }
            if !self.connections[0].as_ref().is_some_and(|held| held.handles.contains_key(&fight)) {
                self.begin(0, fight, stream).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.read(0);
            self.deltas(0, fight, DELTAS).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.read(0);
            let next = self.connections[0].as_ref().and_then(|held| held.handles.get(&fight)).map(|(.., next)| *next);
            if next == Some(DELTAS + 1) {
                self.end(0, fight).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.read(0);
            self.say(format_args!("attempt {attempt} for {fight}: at {next:?}"));
            let Some(row) = store.encounter(self.account, self.fights[fight]).await.expect("an answer") else {
                self.say("the store has no row of it");
                continue;
            };
            self.say(format_args!("the store has {} as {:?} {}", row.report_id, row.state, row.revision));
            // It may be thrown away just now.
            let Some((row, record)) = store.report(&row.report_id).await.expect("an answer") else { continue };
            if row.state != ReportState::Final {
                continue;
            }
            let report = decode_record(&record.expect("a final report has a record"))
                .expect("it is read")
                .shown_to(everybody())
                .expect("everybody sees all");
            if report.fight.checksum == whole.to_string() {
                return;
            }
            assert!(attempt + 5 < ATTEMPTS, "the report stays at {} hits", report.fight.totals.hits);
        }
        panic!("fight {fight} cannot be sent any more");
    }

    /// The fights of all raids, as they list them.
    async fn listed(&self) -> Vec<EncounterId> {
        let mut listed = Vec::new();
        for raid in &self.raids {
            let lines = self.registry.context.store.raid_reports(&raid.code).await.expect("an answer");
            listed.extend(lines.into_iter().map(|line| line.encounter));
        }
        listed.sort_unstable();
        listed
    }

    async fn check(&mut self) {
        self.faults.mend();
        self.say("from here on nothing fails");
        // The two fights are all that there is, each once. What was thrown away by one raid while the other began it
        // may go late: then it is sent again.
        let mut all = self.fights.clone();
        all.sort_unstable();
        let mut listed = Vec::new();
        for _ in 0..4 {
            for fight in 0..FIGHTS {
                self.send_whole(fight).await;
            }
            for _ in 0..20 {
                listed = self.listed().await;
                if listed == all {
                    break;
                }
                // In true time, as the store works.
                thread::sleep(Duration::from_millis(5));
            }
            if listed == all {
                break;
            }
        }
        assert_eq!(listed, all, "what the raids list");
        let aside = &self.registry.context.set_aside;
        assert!(aside.counts() == (0, 0), "nothing is set aside: {aside:?}");
    }
}

/// One database for all histories, in memory where the machine has a folder there.
struct Base {
    store: Arc<dyn Store>,
    runtime: tokio::runtime::Handle,
}

/// One history. Its clock leaps: what sleeps in it sleeps for hardly any time. It leaps also while the store works, which
/// that does in true time: without a breath before each leap a history would leap from tick to tick for nothing, a
/// thousand times for each answer, and take the store's processor from it. An answer ends the breath, and then the clock
/// stands.
fn history(base: &Base, seed: u64) -> Result<String, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let breath = Duration::from_micros(BREATHS[seed as usize % BREATHS.len()]);
    let runtime = runtime.enable_all().start_paused(true).on_thread_park(move || thread::park_timeout(breath));
    let runtime = runtime.build().expect("a runtime");
    let log = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&log);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut world = World::new(base, seed, told).await;
            let mut dice = Dice(seed);
            for _ in 0..STEPS {
                world.step(&mut dice).await;
            }
            world.check().await;
        });
    }));
    let lived = log.lock().expect("a log").clone();
    outcome.map(|()| lived.clone()).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        format!("{text}\nhistory:\n{lived}")
    })
}

#[test]
fn lives_of_encounters_are_those_of_the_reference() {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let store = runtime.block_on(SqliteStore::open(&folder.path().join("raidcast.db"))).expect("the store opens");
    let base = Base { store: Arc::new(store), runtime: runtime.handle().clone() };
    // The same seed again: RAIDCAST_SEED=… of one history alone.
    let given = std::env::var("RAIDCAST_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let first = given.unwrap_or_else(|| u64::from_le_bytes(Entropy::system().bytes()));
    let asked = std::env::var("RAIDCAST_HISTORIES").ok().and_then(|count| count.parse().ok());
    let histories = if given.is_some() { 1 } else { asked.unwrap_or(HISTORIES) };
    // Panics that no history asked for; the message of those that one did is known.
    let falls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&falls);
    std::panic::set_hook(Box::new(move |info| {
        let text = info.to_string();
        // Another test of the same process, on its own thread, may want its own.
        let is_anothers = thread::current().name().is_some_and(|name| name.contains("::") && !name.contains("life::"));
        if !is_anothers && !text.contains("as the test wants it") {
            counted.fetch_add(1, Ordering::SeqCst);
            eprintln!("{text}");
        }
    }));
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        // Each breathes, or waits for the store, more than it works.
        for _ in 0..2 * thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= histories || falls.load(Ordering::SeqCst) > 0 {
                        return;
                    }
                    if at % 500 == 499 {
                        eprintln!("{} histories", at + 1);
                    }
                    let seed = first.wrapping_add(u64::from(at));
                    match history(&base, seed) {
                        Err(why) => {
                            falls.fetch_add(1, Ordering::SeqCst);
                            eprintln!("RAIDCAST_SEED={seed}: {why}");
                        }
                        Ok(lived) if falls.load(Ordering::SeqCst) > 0 => {
                            eprintln!("a task fell in or about RAIDCAST_SEED={seed}:\n{lived}");
                        }
                        Ok(_) => {}
                    }
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    assert_eq!(falls.load(Ordering::SeqCst), 0, "see above");
}
