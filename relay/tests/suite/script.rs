//! Scripts: a relay in a temporary folder, an uploader that sends what it is told, a spectator that folds what it hears.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use raidcast_relay::account::{RelaySecret, Scope};
use raidcast_relay::clock::{Clock, Entropy};
use raidcast_relay::config::{Config, KeySetting};
use raidcast_relay::database::Database;
use raidcast_relay::edge::Network;
use raidcast_relay::limits::EdgeLimits;
use raidcast_relay::serve::Relay;
use raidcast_relay::signature::SigningSecret;
use raidcast_relay::telemetry::LogFormat;
use raidcast_shared::checksum::Checksum;
use raidcast_shared::codec;
use raidcast_shared::columns::{self, ColumnMap};
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, CritsKnown, Hit, HitFlags, HitKind, Knows, Rare, RareBody, SkillIx,
    SourceKey, TimedHit,
};
use raidcast_shared::feed::{Bye, FeedFrame, FeedHappening, FeedRequest};
use raidcast_shared::fold::{EncounterState, Gate};
use raidcast_shared::id::{ActorId, EncounterId, RaidId, SkillId, StreamId};
use raidcast_shared::report::{Report, SkillRow, Timeline};
use raidcast_shared::uplink::{
    Agent, Begin, Begun, Delta, DeltaFrame, End, Ending, Header, Hello, NamesPolicy, Outcome, UplinkFrame, UplinkReply,
    Visibility, Welcome,
};
use raidcast_shared::view::{Audience, Shown};
use raidcast_store::Store;
use raidcast_store_sqlite::SqliteStore;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::fresh;

/// Too long to be guessed, as one that a person makes.
pub(crate) const KEY: &str = "a-key-for-tests-of-many-characters";
pub(crate) const OTHER_KEY: &str = "another-key-for-tests";
/// Of the account of [`KEY`]; it may read, and nothing else.
pub(crate) const READ_KEY: &str = "a-key-that-only-reads";

/// Of the account of [`KEY`]; it may upload, and nothing else.
pub(crate) const UPLOAD_KEY: &str = "a-key-that-only-uploads";

/// Of the account of [`KEY`]; its uploads may be signed.
pub(crate) const SIGN_KEY: &str = "a-key-that-also-signs";

/// With this.
pub(crate) const SIGNING_SECRET: &str = "a-signing-secret-of-32-characters";

/// Nothing here takes this long, also beside other tests: a script that waits longer fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A relay with a clock of its own.
/// As all who may see a raid see it.
pub(crate) fn to_all(state: &EncounterState) -> Shown<'_> {
    Shown::to(everybody(), state)
}

/// All who may see a raid.
#[expect(clippy::disallowed_methods, reason = "who may see it is no question here")]
pub(crate) fn everybody() -> &'static Audience {
    Audience::of_everything()
}

pub(crate) struct TestRelay {
    pub(crate) relay: Option<Relay>,
    pub(crate) store: Arc<dyn Store>,
    /// The same, where it is the embedded one.
    sqlite: Option<Arc<SqliteStore>>,
    pub(crate) url: String,
    now_ms: Arc<AtomicI64>,
    config: Config,
}

impl TestRelay {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_on(data, None).await
    }

    /// On a database, if not the embedded one.
    pub(crate) async fn start_on(data: &Path, database_url: Option<Database>) -> Self {
        Self::start_as(data, database_url, EdgeLimits::default(), Vec::new()).await
    }

    /// With other limits for addresses and keys.
    pub(crate) async fn start_limited(data: &Path, limits: EdgeLimits) -> Self {
        Self::start_as(data, None, limits, Vec::new()).await
    }

    /// With limits, behind proxies.
    pub(crate) async fn start_as(
        data: &Path,
        database_url: Option<Database>,
        limits: EdgeLimits,
        trusted_proxies: Vec<Network>,
    ) -> Self {
        let config = Self::config(data, database_url, limits, trusted_proxies);
        Self::start_with(config, Arc::new(AtomicI64::new(1_790_000_000_000))).await
    }

    /// With settings of the test's own.
    pub(crate) async fn start_set(data: &Path, set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config(data, None, EdgeLimits::default(), Vec::new());
        set(&mut config);
        Self::start_with(config, Arc::new(AtomicI64::new(1_790_000_000_000))).await
    }

    /// On a store of the test's own.
    pub(crate) async fn start_on_store(data: &Path, store: Arc<dyn Store>) -> Self {
        Self::start_on_store_limited(data, store, EdgeLimits::default()).await
    }

    /// On a store of the test's own, with settings of its own.
    pub(crate) async fn start_on_store_set(data: &Path, store: Arc<dyn Store>, set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config(data, None, EdgeLimits::default(), Vec::new());
        set(&mut config);
        Self::serve(config, store, None, Arc::new(AtomicI64::new(1_790_000_000_000))).await
    }

    /// On a store of the test's own, with limits.
    pub(crate) async fn start_on_store_limited(data: &Path, store: Arc<dyn Store>, limits: EdgeLimits) -> Self {
        let config = Self::config(data, None, limits, Vec::new());
        Self::serve(config, store, None, Arc::new(AtomicI64::new(1_790_000_000_000))).await
    }

    fn config(
        data: &Path,
        database_url: Option<Database>,
        limits: EdgeLimits,
        trusted_proxies: Vec<Network>,
    ) -> Config {
        Config {
            listen: vec!["127.0.0.1:0".parse().expect("an address")],
            data: data.to_owned(),
            database_url,
            public_url: None,
            keys: vec![
                KeySetting::of("default", KEY),
                KeySetting::of("other", OTHER_KEY),
                KeySetting {
                    name: "reader".into(),
                    scopes: [Scope::Read].into_iter().collect(),
                    ..KeySetting::of("default", READ_KEY)
                },
                KeySetting {
                    name: "meter".into(),
                    scopes: [Scope::Upload].into_iter().collect(),
                    ..KeySetting::of("default", UPLOAD_KEY)
                },
                KeySetting {
                    name: "signer".into(),
                    signing_secret: SigningSecret::new(SIGNING_SECRET),
                    ..KeySetting::of("default", SIGN_KEY)
                },
            ],
            grace_ms: 600_000,
            trusted_proxies,
            cors_origins: raidcast_relay::cors::Origins::default(),
            metrics_listen: None,
            tls: None,
            log_format: LogFormat::Text,
            registration: raidcast_relay::account::Registration::default(),
            keep_days: None,
            character_proof: vec![raidcast_shared::character::ProofWay::Administrator],
            providers: Vec::new(),
            downloads: None,
            picture_fonts: Vec::new(),
            webhook_hosts: Vec::new(),
            limits,
        }
    }

    async fn start_with(config: Config, now_ms: Arc<AtomicI64>) -> Self {
        std::fs::create_dir_all(&config.data).expect("a folder for what the relay keeps beside the database");
        let (store, sqlite): (Arc<dyn Store>, _) = match config.database() {
            Database::Sqlite(path) => {
                let store = Arc::new(fresh::open(&path).await);
                (store.clone(), Some(store))
            }
            #[cfg(feature = "postgres")]
            other => (other.open().await.expect("the store opens"), None),
        };
        Self::serve(config, store, sqlite, now_ms).await
    }

    /// On a clock that goes on by a millisecond with each look: of two things that are made no two have one time.
    pub(crate) async fn start_counting(data: &Path) -> Self {
        let config = Self::config(data, None, EdgeLimits::default(), Vec::new());
        let store = Arc::new(fresh::open(&data.join("raidcast.db")).await);
        let now_ms = Arc::new(AtomicI64::new(1_790_000_000_000));
        let looked_at = Arc::clone(&now_ms);
        let clock = Clock::new(move || looked_at.fetch_add(1, Ordering::Relaxed));
        Self::serve_by(clock, config, Arc::clone(&store) as Arc<dyn Store>, Some(store), now_ms).await
    }

    async fn serve(
        config: Config,
        store: Arc<dyn Store>,
        sqlite: Option<Arc<SqliteStore>>,
        now_ms: Arc<AtomicI64>,
    ) -> Self {
        let shown = Arc::clone(&now_ms);
        let clock = Clock::new(move || shown.load(Ordering::Relaxed));
        Self::serve_by(clock, config, store, sqlite, now_ms).await
    }

    async fn serve_by(
        clock: Clock,
        mut config: Config,
        store: Arc<dyn Store>,
        sqlite: Option<Arc<SqliteStore>>,
        now_ms: Arc<AtomicI64>,
    ) -> Self {
        // What is costly to make, and so shared for a while, would depend on how fast this machine is.
        config.limits.costly_ms = u64::MAX;
        let secret = RelaySecret::new([7; 32]);
        let held = Arc::clone(&store);
        let relay = Relay::start_with(&config, held, clock, Entropy::system(), secret).await.expect("the relay starts");
        let url = format!("{}://{}", relay.scheme(), relay.addrs()[0]);
        Self { relay: Some(relay), store, sqlite, url, now_ms, config }
    }

    /// The link by which the first administrator joins.
    pub(crate) fn first_link(&self) -> Option<&str> {
        self.relay.as_ref().and_then(Relay::first_link).map(|link| &*link.url)
    }

    /// The embedded database.
    pub(crate) fn sqlite(&self) -> &SqliteStore {
        self.sqlite.as_ref().expect("the relay is on SQLite")
    }

    /// Stops cleanly and starts again on the same data.
    pub(crate) async fn restart(mut self) -> Self {
        if let Some(relay) = self.relay.take() {
            soon("stopping", relay.stop()).await;
        }
        Self::start_with(self.config.clone(), Arc::clone(&self.now_ms)).await
    }

    /// The same, with other limits from then on.
    pub(crate) async fn restart_limited(mut self, limits: EdgeLimits) -> Self {
        self.config.limits = limits;
        self.restart().await
    }

    /// The same, with other settings from then on.
    pub(crate) async fn restart_set(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut self.config);
        self.restart().await
    }

    pub(crate) async fn stop(mut self) {
        if let Some(relay) = self.relay.take() {
            soon("stopping", relay.stop()).await;
        }
    }

    /// Moves the relay's clock.
    pub(crate) fn pass_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The relay's clock, for who goes by it: Unix ms.
    pub(crate) fn clock(&self) -> impl Fn() -> i64 + Send + 'static {
        let now_ms = Arc::clone(&self.now_ms);
        move || now_ms.load(Ordering::Relaxed)
    }

    /// The relay's clock, Unix s.
    pub(crate) fn now_s(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed) / 1_000
    }

    /// The status and body of a GET.
    pub(crate) async fn get(&self, path: &str) -> (u16, serde_json::Value) {
        self.get_with(path, None).await
    }

    pub(crate) async fn get_with(&self, path: &str, key: Option<&str>) -> (u16, serde_json::Value) {
        self.request("GET", path, key).await
    }

    /// The status and body that a request is answered with.
    pub(crate) async fn request(&self, method: &str, path: &str, key: Option<&str>) -> (u16, serde_json::Value) {
        self.send(method, path, key, None).await
    }

    /// A request with a body of JSON.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&serde_json::Value>,
    ) -> (u16, serde_json::Value) {
        let answer = self.whole(method, path, key, body).await;
        (answer.status, answer.json())
    }

    /// The whole answer to a request: what is no JSON, too.
    pub(crate) async fn whole(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&serde_json::Value>,
    ) -> Whole {
        let key = key.map(|key| format!("X-API-Key: {key}\r\n")).unwrap_or_default();
        let body = body.map(ToString::to_string).unwrap_or_default();
        let kind = match body.len() {
            0 => String::new(),
            length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
        };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: relay\r\n{key}{kind}Connection: close\r\n\r\n{body}");
        whole_at(self.url.trim_start_matches("http://"), &request).await
    }

    /// What the relay counts, wherever it tells that.
    pub(crate) async fn metrics(&self) -> Whole {
        let own = self.relay.as_ref().and_then(Relay::metrics_addr).map(|addr| addr.to_string());
        let addr = own.as_deref().unwrap_or(self.url.trim_start_matches("http://"));
        whole_at(addr, "GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n").await
    }

    pub(crate) async fn report(&self, id: &str) -> Report {
        let (status, body) = self.get(&format!("/api/v1/reports/{id}")).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).expect("a report")
    }

    pub(crate) async fn timeline(&self, id: &str) -> Timeline {
        let (status, body) = self.get(&format!("/api/v1/reports/{id}/timeline")).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).expect("a timeline")
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    /// In the letters in which it was sent.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Whole {
    /// What the body says, where that is JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or(serde_json::Value::Null)
    }

    /// All of it but what every answer has of its own: when it was given, and to which request.
    pub(crate) fn plain(&self) -> (Vec<&str>, &str) {
        let is_own = |line: &&str| line.starts_with("date:") || line.starts_with("x-request-id:");
        (self.head.lines().filter(|line| !is_own(line)).collect(), &self.body)
    }
}

/// One request, on a connection of its own that ends with it.
async fn whole_at(addr: &str, request: &str) -> Whole {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(addr).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it is written");
    let mut answer = Vec::new();
    soon("an answer", stream.read_to_end(&mut answer)).await.expect("it is read");
    let text = String::from_utf8(answer).expect("answers are text");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    // Bodies here are small, so a chunked one is one chunk.
    let body = if head.contains("chunked") { dechunk(body) } else { body.to_owned() };
    Whole { status, head: head.to_owned(), body }
}

fn dechunk(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        out.push_str(&rest[..length]);
        body = rest[length..].trim_start_matches("\r\n");
    }
    out
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An uploader that sends what the test tells it.
pub(crate) struct Uploader {
    pub(crate) socket: Socket,
    pub(crate) welcome: Welcome,
}

pub(crate) fn hello() -> Hello {
    Hello {
        v: (1, 1),
        client: Agent { name: "script".into(), version: "1".into() },
        meter: Agent { name: "script".into(), version: String::new() },
        raid: RaidId(Uuid::from_u128(1)),
        secret: vec![1; 32],
        title: None,
        visibility: Visibility::Public,
        report_visibility: None,
        names: NamesPolicy::Full,
        delay_s: 0,
        history: false,
    }
}

/// Opens the uplink's socket, without a word.
pub(crate) async fn uplink(url: &str, key: &str) -> Result<Socket, Error> {
    let mut request = format!("{}/api/v1/uplink", url.replace("http", "ws")).into_client_request().expect("a URL");
    request.headers_mut().insert("x-api-key", key.parse().expect("a header"));
    request.headers_mut().insert("sec-websocket-protocol", "raidcast.uplink.v1".parse().expect("a header"));
    crate::secure::websocket(request).await
}

pub(crate) async fn send_bytes(socket: &mut Socket, bytes: Vec<u8>) {
    socket.send(Message::Binary(bytes.into())).await.expect("it is sent");
}

/// The next reply; `None` when the socket has ended.
pub(crate) async fn reply(socket: &mut Socket) -> Option<UplinkReply> {
    loop {
        match soon("a reply", socket.next()).await {
            Some(Ok(Message::Binary(bytes))) => return Some(codec::decode(&bytes, usize::MAX).expect("a reply")),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

impl Uploader {
    pub(crate) async fn connect(relay: &TestRelay) -> Self {
        Self::connect_as(relay, KEY, hello()).await
    }

    pub(crate) async fn connect_as(relay: &TestRelay, key: &str, hello: Hello) -> Self {
        Self::connect_at(&relay.url, key, hello).await
    }

    pub(crate) async fn connect_at(url: &str, key: &str, hello: Hello) -> Self {
        let mut socket = uplink(url, key).await.expect("the uplink opens");
        send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(hello))).await;
        let Some(UplinkReply::Welcome(welcome)) = reply(&mut socket).await else { panic!("no welcome") };
        Self { socket, welcome }
    }

    pub(crate) async fn send(&mut self, frame: &UplinkFrame) {
        send_bytes(&mut self.socket, codec::encode(frame)).await;
    }

    pub(crate) async fn reply(&mut self) -> UplinkReply {
        reply(&mut self.socket).await.expect("the socket is open")
    }

    pub(crate) async fn begin(&mut self, fight: &Script) -> Begun {
        let header = header();
        self.send(&UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header })).await;
        match self.reply().await {
            UplinkReply::Begun(begun) => begun,
            other => panic!("instead of Begun: {other:?}"),
        }
    }

    pub(crate) async fn deltas(&mut self, h: u32, deltas: &[Delta]) {
        for delta in deltas {
            self.send(&UplinkFrame::Delta(DeltaFrame { h, delta: delta.clone() })).await;
        }
    }

    /// Waits until all up to `seq` is acknowledged.
    pub(crate) async fn acked(&mut self, seq: u64) {
        loop {
            match self.reply().await {
                UplinkReply::Ack { q, .. } if q >= seq => return,
                UplinkReply::Ack { .. } => {}
                other => panic!("instead of Ack {seq}: {other:?}"),
            }
        }
    }

    pub(crate) async fn end(&mut self, h: u32, fight: &Script, outcome: Outcome) -> UplinkReply {
        self.send_end(h, fight, outcome).await;
        self.ended().await
    }

    /// Says that it has ended, and does not wait for its report.
    pub(crate) async fn send_end(&mut self, h: u32, fight: &Script, outcome: Outcome) {
        let ending = Ending {
            last_seq: fight.deltas.len() as u64,
            ended_at_ms: Some(header().started_at_ms + 60_000),
            outcome,
            checksum: fight.checksum(),
            meter: None,
        };
        self.send(&UplinkFrame::End(End { h, ending })).await;
    }

    /// What is said when it has, but for acks.
    pub(crate) async fn ended(&mut self) -> UplinkReply {
        loop {
            match self.reply().await {
                UplinkReply::Ack { .. } => {}
                other => return other,
            }
        }
    }
}

pub(crate) fn header() -> Header {
    Header {
        started_at_ms: 1_790_000_000_000,
        scene_id: Some(1021),
        scene: Some("Towering Ruin".into()),
        difficulty: Some(3),
        local: Some(ActorId::clear(1)),
        knows: Knows { crits: CritsKnown::Local, hits: true, overheal: true, lag_ms: 50, ..Knows::default() },
        cols: columns::own_columns(),
    }
}

/// A fight that a script knows: two players, a healer and a boss, `n` deltas of hits.
pub(crate) struct Script {
    pub(crate) enc: EncounterId,
    pub(crate) stream: StreamId,
    pub(crate) deltas: Vec<Delta>,
}

impl Script {
    pub(crate) fn new(n: u64, stream: u128) -> Self {
        let deltas = (1..=n).map(|seq| delta(seq, stream)).collect();
        let enc = EncounterId::of_player("bpsr", 1, header().started_at_ms);
        Self { enc, stream: StreamId(Uuid::from_u128(stream)), deltas }
    }

    /// The same fight at another time: another encounter.
    pub(crate) fn at(mut self, started_at_ms: i64) -> Self {
        self.enc = EncounterId::of_player("bpsr", 1, started_at_ms);
        self
    }

    /// The same fight as a meter tells it that keeps sums alone.
    pub(crate) fn told_as_sums(mut self) -> Self {
        let mut sums: BTreeMap<(ActorIx, ActorIx, SkillIx, HitKind), [u64; 3]> = BTreeMap::new();
        for delta in &mut self.deltas {
            for TimedHit { at_ms, hit } in ColumnMap::own().decode(delta.base_ms, delta.hits, &delta.columns).unwrap() {
                let key = (hit.source, hit.target, hit.skill, hit.kind);
                let [hits, amount, crit] = sums.entry(key).or_default();
                *hits += 1;
                *amount += hit.amount;
                *crit += u64::from(hit.flags.has(HitFlags::CRIT));
                let (a, on, s, kind) = key;
                let (hits, amount, crit) = (*hits, *amount, *crit);
                let (lucky, shield, overheal, lump) = (0, 0, 0, false);
                let body = RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump };
                let event: Rare = Rare { at_ms, key: SourceKey::new(9, 0), body };
                delta.rare.push(codec::encode(&event).into());
            }
            (delta.hits, delta.columns) = (0, Vec::new().into());
        }
        self
    }

    pub(crate) fn state(&self) -> EncounterState {
        let mut state = EncounterState::new(header(), ColumnMap::own());
        let mut gate = Gate::new(&header()).expect("our own columns are usable");
        for delta in &self.deltas {
            state.apply(&gate.check(delta).expect("scripts fit"));
        }
        state
    }

    pub(crate) fn checksum(&self) -> Checksum {
        self.state().checksum()
    }
}

fn delta(seq: u64, salt: u128) -> Delta {
    // The dictionary's order depends on the stream, as it does with real readings.
    let turned = salt % 2 == 1;
    let ix = |actor: u16| ActorIx(if turned { 3 - actor } else { actor });
    let hit = |source, target, skill, kind, amount, flags| Hit {
        source: ix(source),
        target: ix(target),
        skill: SkillIx(skill),
        kind,
        amount,
        flags: HitFlags(flags),
        shield: 0,
        overheal: 0,
    };
    let at_ms = seq as u32 * 100;
    let damage = HitKind::Damage;
    let hits: Vec<_> = [
        hit(0, 3, 0, damage, 1_000 + seq, HitFlags::BOSS | if seq.is_multiple_of(3) { HitFlags::CRIT } else { 0 }),
        hit(1, 3, 1, damage, 2_000, HitFlags::BOSS),
        hit(3, 0, 2, damage, 300, 0),
        hit(2, 0, 3, HitKind::Heal, 250, 0),
    ]
    .map(|hit| TimedHit { at_ms, hit })
    .into();
    let (base_ms, columns) = columns::encode(&hits);
    let mut delta = Delta {
        seq,
        base_ms,
        captured_ms: i64::from(at_ms) + 20,
        hits: hits.len() as u32,
        columns: columns.into(),
        ..Delta::default()
    };
    if seq == 1 {
        let kind = |actor: u16| if actor == 3 { ActorKind::Monster } else { ActorKind::Player };
        let mut actors: Vec<_> = (0..4_u16)
            .map(|actor| ActorEntry { id: ActorId::clear(1 + u64::from(actor)), kind: kind(actor), owner: None })
            .collect();
        if turned {
            actors.reverse();
        }
        delta.actors = actors;
        delta.skills = [1714, 1734, 900_101, 1518].map(|base| SkillId { base, variant: None }).into();
        let facts = [(0, "Aeris"), (1, "<b>Böreas</b>"), (2, "はるか"), (3, "Kartgriff")];
        delta.rare = facts
            .iter()
            .enumerate()
            .map(|(at, (actor, name))| {
                let boss = (*actor == 3).then_some(true);
                let max_hp = boss.map(|_| 1_000_000);
                let facts = ActorFacts { name: Some((*name).into()), boss, max_hp, ..ActorFacts::of(ix(*actor)) };
                let event: Rare = Rare { at_ms: 0, key: SourceKey::new(1, at as u32), body: RareBody::Actor(facts) };
                codec::encode(&event).into()
            })
            .collect();
    }
    delta
}

/// What a spectator knows after folding what it heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) epoch: String,
    pub(crate) position: u64,
    pub(crate) state: Option<String>,
    pub(crate) checksum: Option<String>,
    /// Player key to present values.
    pub(crate) rows: BTreeMap<String, Vec<i64>>,
    pub(crate) damage: u64,
}

/// A spectator that folds what it hears.
pub(crate) struct Spectator {
    pub(crate) socket: Socket,
    keys: Vec<String>,
    rows: Vec<Vec<i64>>,
    seen: Seen,
    pub(crate) events: Vec<u64>,
    /// Of these, those that say that a report leads to others now.
    pub(crate) views_changed: Vec<u64>,
    pub(crate) keyframes: usize,
    pub(crate) ticks: usize,
    pub(crate) events_lost: bool,
    /// Skill rows by player key.
    pub(crate) details: BTreeMap<String, Vec<SkillRow>>,
    pub(crate) bye: Option<Bye>,
    /// What it heard last, as it was sent.
    pub(crate) raw: Vec<u8>,
}

impl Spectator {
    pub(crate) async fn join(relay: &TestRelay, raid: &str, protocol: &str) -> Self {
        // A code, or one with what is asked of its feed.
        let path = if raid.contains('?') { raid.to_owned() } else { format!("{raid}/feed") };
        Self::join_at(&format!("{}/api/v1/raids/{path}", relay.url), protocol).await
    }

    /// Comes back to where it was.
    pub(crate) async fn come_back(self, relay: &TestRelay, raid: &str, protocol: &str) -> Self {
        let Self { socket, keys, rows, seen, events, .. } = self;
        drop(socket);
        let (epoch, position) = (&seen.epoch, seen.position);
        let url = format!("{}/api/v1/raids/{raid}/feed?epoch={epoch}&position={position}", relay.url);
        let again = Self::join_at(&url, protocol).await;
        Self { socket: again.socket, keys, rows, seen, events, ..again }
    }

    pub(crate) async fn join_at(url: &str, protocol: &str) -> Self {
        Self::join_as(url, protocol, None).await
    }

    pub(crate) async fn join_as(url: &str, protocol: &str, key: Option<&str>) -> Self {
        Self::join_with(url, protocol, key.map(|key| ("x-api-key", key))).await
    }

    /// As a browser that is signed in.
    pub(crate) async fn join_by_cookie(url: &str, protocol: &str, cookie: &str) -> Self {
        Self::join_with(url, protocol, Some(("cookie", cookie))).await
    }

    async fn join_with(url: &str, protocol: &str, header: Option<(&'static str, &str)>) -> Self {
        let url = url.replace("http", "ws");
        let mut request = url.into_client_request().expect("a URL");
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().expect("a header"));
        }
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
        let socket = crate::secure::websocket(request).await.expect("the feed opens");
        let (details, bye) = (BTreeMap::new(), None);
        Self {
            socket,
            keys: Vec::new(),
            rows: Vec::new(),
            seen: Seen::default(),
            events: Vec::new(),
            views_changed: Vec::new(),
            keyframes: 0,
            ticks: 0,
            events_lost: false,
            details,
            bye,
            raw: Vec::new(),
        }
    }

    pub(crate) async fn ask(&mut self, request: &FeedRequest) {
        send_bytes(&mut self.socket, codec::encode(request)).await;
    }

    /// The next frame, folded; `None` when the socket has ended.
    pub(crate) async fn hear(&mut self) -> Option<FeedFrame> {
        loop {
            let frame: FeedFrame = match soon("a frame", self.socket.next()).await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.raw = bytes.to_vec();
                    codec::decode(&bytes, usize::MAX).expect("a feed frame")
                }
                Some(Ok(Message::Text(text))) => {
                    self.raw = text.as_bytes().to_vec();
                    serde_json::from_str(&text).expect("a feed frame")
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => continue,
            };
            self.fold(&frame);
            return Some(frame);
        }
    }

    /// Hears until the view says so.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Seen) -> bool) -> Seen {
        while !done(&self.seen) {
            assert!(self.hear().await.is_some(), "the feed ended before {what}");
        }
        self.seen.clone()
    }

    /// Hears all that was sent to it until now, and that its socket is open.
    pub(crate) async fn echoes(&mut self) {
        self.ask(&FeedRequest::Probe { clock: 0.5 }).await;
        while !matches!(self.hear().await.expect("an echo"), FeedFrame::Echo(_)) {}
    }

    /// Damage in what it has heard.
    pub(crate) fn damage(&self) -> u64 {
        self.seen.damage
    }

    fn fold(&mut self, frame: &FeedFrame) {
        match frame {
            FeedFrame::Keyframe(keyframe) => {
                self.keyframes += 1;
                self.events_lost |= keyframe.events_lost;
                self.seen.epoch.clone_from(&keyframe.epoch);
                self.seen.position = keyframe.position;
                let fight = keyframe.fight.as_ref();
                self.keys = fight.map_or_else(Vec::new, |f| f.players.iter().map(|p| p.player_key.clone()).collect());
                self.rows = fight.map_or_else(Vec::new, |f| f.rows.clone());
                self.seen.checksum = fight.map(|f| f.checksum.clone());
                self.seen.state = fight.map(|f| format!("{:?}", f.head.state));
                self.seen.damage = fight.map_or(0, |f| f.head.totals.damage);
            }
            FeedFrame::Tick(tick) => {
                assert_eq!(tick.position, self.seen.position + 1, "a tick was missed in silence");
                self.seen.position = tick.position;
                self.ticks += 1;
                for (place, player) in &tick.players {
                    let at = *place as usize;
                    if at == self.keys.len() {
                        self.keys.push(String::new());
                        self.rows.push(vec![0; 9]);
                    }
                    self.keys[at].clone_from(&player.player_key);
                }
                let mut flat = tick.rows.iter();
                while let Some(place) = flat.next() {
                    let mask = flat.next().expect("a mask");
                    for column in 0..9 {
                        if mask & (1 << column) != 0 {
                            self.rows[*place as usize][column] = *flat.next().expect("a value");
                        }
                    }
                }
                if let Some(head) = &tick.head {
                    self.seen.state = Some(format!("{:?}", head.state));
                    self.seen.damage = head.totals.damage;
                }
                self.seen.checksum.clone_from(&tick.checksum);
            }
            FeedFrame::Event(event) => {
                self.events.push(event.n);
                self.views_changed.extend((event.what == FeedHappening::ViewsChanged).then_some(event.n));
            }
            FeedFrame::Detail(detail) => {
                self.details.insert(detail.player_key.clone(), detail.skills.clone());
            }
            FeedFrame::Bye(bye) => self.bye = Some(bye.clone()),
            FeedFrame::Echo(_) => {}
        }
        self.seen.rows = self.keys.iter().cloned().zip(self.rows.iter().cloned()).collect();
    }
}
