//! What is not for strangers they hear on no path of a whole night in which everything changes: names, who wants to be
//! hidden, the delay, and who may see it.
//!
//! Everything that anybody may ask is asked in each part of the night, by feeds of each format and pace and by HTTP, and
//! noted as it came. What is looked for in it is told to somebody else at the same time, or to the same a while later: so
//! that it would be found is known.

use std::io::Write;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use raidcast_relay::account::RelaySecret;
use raidcast_shared::codec;
use raidcast_shared::columns::{self, ColumnMap};
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceKey, TimedHit,
};
use raidcast_shared::feed::{FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::{ActorId, EncounterId, SkillId};
use raidcast_shared::limits::PACES;
use raidcast_shared::uplink::{
    Begin, Begun, Delta, Header, Hello, NamesPolicy, Outcome, UplinkFrame, UplinkReply, Visibility,
};
use serde_json::json;

use crate::encounters::encounter;
use crate::names::{NAMES, Recorder};
use crate::people::{Browser, secret_of};
use crate::raw::becomes;
use crate::script::{KEY, OTHER_KEY, READ_KEY, Script, Seen, Spectator, TestRelay, Uploader, header, hello};
use crate::uploads::{BEGAN, ids, opened};

/// Numbers in the game that nothing else has: three players and their boss.
const IDS: [u64; 4] = [7_348_190_264_415, 7_348_190_264_426, 7_348_190_264_437, 7_348_190_264_448];
/// Of a fight that comes whole and without times.
const UNTIMED: i64 = 7_348_190_264_459;
/// In each of them.
const OF_IDS: &str = "73481902644";
/// Who hides himself.
const HIDDEN: usize = 1;

/// A boss that comes late: with which delta, its name, by which skill it is hit, and for how much.
type Late = (usize, &'static str, i64, u64);
const LATE: Late = (30, "Spätling", 987_654, 7_777_777);
const LATER: Late = (45, "Nachzügler", 876_543, 6_666_661);

/// What would tell whose meter it is.
const TELLING: [&str; 4] = ["\"isLocal\":true", "\"isCrit\":true", "\"critHits\":1", "\"critHitsDealt\":1"];

/// Something happens in a delta, the `n`-th of such.
fn tells(delta: &mut Delta, n: u32, body: RareBody) {
    let event: Rare = Rare { at_ms: delta.seq as u32 * 100, key: SourceKey::new(5, n), body };
    delta.rare.push(codec::encode(&event).into());
}

/// A boss comes, is hit once, and kills somebody.
fn comes(fight: &mut Script, place: u16, (delta, name, skill, amount): Late) {
    let delta = &mut fight.deltas[delta];
    let id = ActorId::clear(IDS[3] + u64::from(place));
    delta.actors.push(ActorEntry { id, kind: ActorKind::Monster, owner: None });
    delta.skills.push(SkillId { base: skill, variant: None });
    let facts = ActorFacts { name: Some(name.into()), boss: Some(true), ..ActorFacts::of(ActorIx(place)) };
    tells(delta, 1, RareBody::Actor(facts));
    tells(delta, 2, RareBody::Death { a: ActorIx(0), by: Some(ActorIx(place)), s: None });
    let mut hits = ColumnMap::own().decode(delta.base_ms, delta.hits, &delta.columns).unwrap();
    let hit = Hit {
        source: ActorIx(0),
        target: ActorIx(place),
        skill: SkillIx(place),
        kind: HitKind::Damage,
        amount,
        flags: HitFlags(HitFlags::BOSS),
        shield: 0,
        overheal: 0,
    };
    hits.push(TimedHit { at_ms: delta.seq as u32 * 100, hit });
    let (base_ms, columns) = columns::encode(&hits);
    (delta.base_ms, delta.hits, delta.columns) = (base_ms, hits.len() as u32, columns.into());
}

/// A fight in which players die, of a monster and of each other.
fn night_fight() -> Script {
    let mut fight = Script::new(60, 2);
    fight.enc = EncounterId::of_player("bpsr", IDS[0], header().started_at_ms);
    for (actor, id) in fight.deltas[0].actors.iter_mut().zip(IDS) {
        actor.id = ActorId::clear(id);
    }
    tells(&mut fight.deltas[4], 3, RareBody::Death { a: ActorIx(1), by: Some(ActorIx(3)), s: Some(SkillIx(2)) });
    tells(&mut fight.deltas[6], 4, RareBody::Death { a: ActorIx(2), by: Some(ActorIx(1)), s: None });
    // The dictionary grows by one each time.
    comes(&mut fight, 4, LATE);
    comes(&mut fight, 5, LATER);
    fight
}

/// Damage of its first deltas.
fn damage(deltas: usize) -> u64 {
    let plain: u64 = (1..=deltas as u64).map(|seq| 3_000 + seq).sum();
    plain + [LATE, LATER].iter().filter(|(delta, ..)| deltas > *delta).map(|(.., amount)| amount).sum::<u64>()
}

/// The players' keys where nobody is hidden.
fn keys() -> Vec<String> {
    IDS[..3].iter().map(|id| RelaySecret::new([7; 32]).actor(ActorId::clear(*id)).to_hex()).collect()
}

/// Numbers of the game, as they may be written. They are for nobody.
fn numbers() -> Vec<String> {
    let mut needles = vec![OF_IDS.to_owned()];
    for id in IDS {
        let bytes = id.to_be_bytes();
        needles.push(format!("{id:x}"));
        needles.push(bytes[2..].iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    needles
}

/// By what one player is known.
fn of_player(at: usize) -> Vec<String> {
    vec![NAMES[at].to_owned(), keys()[at].clone()]
}

/// By what anybody is known.
fn of_anybody() -> Vec<String> {
    (0..3).flat_map(of_player).chain(TELLING.map(str::to_owned)).collect()
}

/// By what a boss is known that came late.
fn of_late((_, name, skill, amount): Late) -> Vec<String> {
    vec![name.to_owned(), skill.to_string(), amount.to_string()]
}

/// None of these stands in what was heard.
fn is_silent(part: &str, heard: &Recorder, needles: &[Vec<String>]) {
    for needle in needles.iter().flatten() {
        if let Some(at) = heard.0.find(needle.as_str()) {
            let from = heard.0.floor_char_boundary(at.saturating_sub(300));
            let to = heard.0.floor_char_boundary((at + 300).min(heard.0.len()));
            panic!("{part}: {needle} stands in …{}…", &heard.0[from..to]);
        }
    }
}

/// All of these do.
fn is_told(part: &str, heard: &Recorder, needles: &[String]) {
    for needle in needles {
        assert!(heard.0.contains(needle.as_str()), "{part}: {needle} was not heard");
    }
}

/// What the raid is asked by.
struct Night {
    raid: String,
    channel: String,
    report: String,
    /// What a meter was told that uploaded the same fight.
    remote: i64,
    /// Another report, of a fight without times, whose players are hidden always.
    untimed: String,
}

/// Somebody who watches, and all that he has heard.
struct Watcher {
    recorder: Recorder,
    protocol: &'static str,
    ticks: u8,
    spectator: Spectator,
}

impl Watcher {
    /// Hears until its view says so.
    async fn until(&mut self, what: &str, done: impl Fn(&Seen) -> bool) -> Seen {
        loop {
            let seen = self.spectator.until("now", |_| true).await;
            if done(&seen) {
                return seen;
            }
            let frame = self.spectator.hear().await.unwrap_or_else(|| panic!("the feed ended before {what}"));
            self.recorder.frame(&self.spectator, &frame);
        }
    }

    /// Has its pace, and is told of single players: those whom it sees, and one by the key that leads elsewhere.
    async fn settle(&mut self) {
        // What it held of before is no more: it gets everything anew.
        while self.spectator.keyframes == 0 {
            let frame = self.spectator.hear().await.expect("the feed goes on");
            self.recorder.frame(&self.spectator, &frame);
        }
        self.spectator.ask(&FeedRequest::Pace { ticks: self.ticks }).await;
        self.recorder.hears(&mut self.spectator).await;
        let seen = self.until("its players", |seen| seen.rows.len() == 3).await;
        let mut players: Vec<_> = seen.rows.keys().cloned().collect();
        let elsewhere = keys()[HIDDEN].clone();
        if !players.contains(&elsewhere) {
            players.push(elsewhere);
        }
        self.spectator.ask(&FeedRequest::Watch { players }).await;
        while self.spectator.details.len() < 3 {
            let frame = self.spectator.hear().await.expect("the feed goes on");
            self.recorder.frame(&self.spectator, &frame);
        }
    }

    /// Hears all until it is let go; whether it may come back.
    async fn let_go(&mut self) -> bool {
        while let Some(frame) = self.spectator.hear().await {
            self.recorder.frame(&self.spectator, &frame);
        }
        self.spectator.bye.as_ref().expect("a goodbye").retry_ms.is_some()
    }

    /// Comes back to where it was, as far as that is there.
    async fn come_back(self, relay: &TestRelay, night: &Night) -> Self {
        let Self { recorder, protocol, ticks, spectator } = self;
        Self { recorder, protocol, ticks, spectator: spectator.come_back(relay, &night.raid, protocol).await }
    }
}

/// Comes as a stranger: by the raid and by its channel, for each format and pace.
async fn join(relay: &TestRelay, night: &Night) -> Vec<Watcher> {
    let mut watchers = Vec::new();
    for path in [format!("raids/{}/feed", night.raid), format!("live/{}/feed", night.channel)] {
        for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
            for ticks in PACES {
                let spectator = Spectator::join_at(&format!("{}/api/v1/{path}", relay.url), protocol).await;
                watchers.push(Watcher { recorder: Recorder::default(), protocol, ticks, spectator });
            }
        }
    }
    watchers
}

/// The same, where there is a fight to watch.
async fn watch(relay: &TestRelay, night: &Night) -> Vec<Watcher> {
    let mut watchers = join(relay, night).await;
    join_all(watchers.iter_mut().map(Watcher::settle)).await;
    watchers
}

/// All who watch are let go, and come back.
async fn come_back(relay: &TestRelay, night: &Night, watchers: Vec<Watcher>) -> Vec<Watcher> {
    let mut back = Vec::new();
    for mut watcher in watchers {
        assert!(watcher.let_go().await, "it may come back: {:?}", watcher.spectator.bye);
        back.push(watcher.come_back(relay, night).await);
    }
    join_all(back.iter_mut().map(Watcher::settle)).await;
    back
}

/// All who watch see this much.
async fn see(watchers: &mut [Watcher], deltas: usize) {
    let all = damage(deltas);
    join_all(watchers.iter_mut().map(|watcher| watcher.until("all damage", move |seen| seen.damage == all))).await;
}

/// All that strangers are told now, and all that those who watch have heard since this was asked last.
async fn hears_all(relay: &TestRelay, night: &Night, watchers: &mut [Watcher]) -> Recorder {
    let mut recorder = Recorder::default();
    asks_all(&mut recorder, relay, night).await;
    plays_all(&mut recorder, relay, night).await;
    for Watcher { recorder: own, spectator, .. } in watchers {
        own.hears(spectator).await;
        recorder.note(&std::mem::take(own).0);
    }
    recorder
}

/// Everything that is asked over HTTP, well and badly.
async fn asks_all(recorder: &mut Recorder, relay: &TestRelay, night: &Night) {
    let Night { raid, channel, report, remote, untimed } = night;
    for path in [
        "/".to_owned(),
        "/health".to_owned(),
        "/ready".to_owned(),
        "/api/v1/reports".to_owned(),
        "/api/v1/reports?limit=100&page=1".to_owned(),
        "/api/v1/encounters".to_owned(),
        "/api/v1/encounters?bossName=Kartgriff".to_owned(),
        "/api/v1/encounters?sceneId=1021&orderBy=dps".to_owned(),
        format!("/api/v1/raids/{raid}"),
        format!("/api/v1/raids/{raid}/night"),
        format!("/api/v1/raids/{raid}/night?after=1"),
        format!("/api/v1/live/{channel}"),
        format!("/raids/{raid}"),
        format!("/live/{channel}"),
        format!("/reports/{report}"),
        format!("/encounter/{remote}"),
        format!("/api/v1/reports/{report}"),
        format!("/api/v1/reports/{report}?from=0&to=2000"),
        format!("/api/v1/reports/{report}?from=2900&to=100000"),
        format!("/api/v1/reports/{report}/timeline"),
        format!("/api/v1/reports/{report}/views"),
        format!("/api/v1/encounters/{report}"),
        format!("/api/v1/encounters/{report}?timelines=true"),
        format!("/api/v1/reports/{untimed}"),
        format!("/api/v1/encounters/{untimed}"),
        // What is asked badly, or is not there.
        format!("/api/v1/reports/{untimed}?from=0&to=2000"),
        format!("/api/v1/reports/{untimed}/timeline"),
        format!("/api/v1/reports/{report}?from=9&to=1"),
        format!("/api/v1/reports/{report}?from=x"),
        format!("/api/v1/raids/{raid}/night?after=x"),
        format!("/api/v1/encounters/{report}?timelines=perhaps"),
        format!("/api/v1/reports/{report}?ticket=nobodys"),
        format!("/api/v1/reports/{report}/feed"),
        format!("/api/v1/raids/{raid}/feed"),
        format!("/api/v1/raids/{raid}/feed?at=1"),
        format!("/api/v1/raids/{raid}/feed?report={report}&at=-1"),
        format!("/api/v1/raids/{raid}/feed?report={untimed}&at=0"),
        format!("/api/v1/live/{channel}/feed"),
        "/api/v1/encounters?playerId=%20".to_owned(),
        "/api/v1/reports/nothing".to_owned(),
        "/api/v1/raids/nothing".to_owned(),
        "/api/v1/nothing".to_owned(),
        "/reports/nothing".to_owned(),
        "/nothing".to_owned(),
    ] {
        let (status, body) = recorder.asks(relay, &path).await;
        assert!(status < 500 && status != 429, "{path}: {status} {body}");
        if path.starts_with(&format!("/api/v1/reports/{untimed}?")) {
            assert_eq!((status, &body["code"]), (409, &json!("no_times")), "{body}");
        }
    }
    for (method, path) in [
        ("PATCH", "/api/v1/reports".to_owned()),
        ("PATCH", format!("/api/v1/raids/{raid}")),
        ("DELETE", format!("/api/v1/raids/{raid}")),
        ("DELETE", format!("/api/v1/raids/{raid}/title")),
        ("POST", format!("/api/v1/raids/{raid}/ticket")),
        ("DELETE", format!("/api/v1/reports/{report}")),
    ] {
        let refused = relay.whole(method, &path, None, None).await;
        assert!((400..500).contains(&refused.status) && refused.status != 429, "{method} {path}: {refused:?}");
        recorder.whole(&refused);
    }
    recorder.asks_metrics(relay).await;
    assert!(recorder.0.len() > 10_000, "hardly anything was heard: {}", recorder.0);
}

/// The fight is played again, from wherever that is asked.
async fn plays_all(recorder: &mut Recorder, relay: &TestRelay, night: &Night) {
    let Night { raid, channel, report, .. } = night;
    let mut playing = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        for path in [
            format!("raids/{raid}/feed?report={report}&at=0&speed=20"),
            format!("live/{channel}/feed?report={report}&at=1000&speed=20"),
            format!("reports/{report}/feed?at=0&speed=20"),
            format!("reports/{report}/feed?at=3500&speed=0"),
        ] {
            let url = format!("{}/api/v1/{path}", relay.url);
            playing.push(async move {
                let mut heard = Recorder::default();
                let mut player = Spectator::join_at(&url, protocol).await;
                while let Some(frame) = player.hear().await {
                    heard.frame(&player, &frame);
                }
                assert!(player.bye.is_some() && player.keyframes > 0, "{url}: {:?}", player.bye);
                heard
            });
        }
    }
    for heard in join_all(playing).await {
        recorder.note(&heard.0);
    }
}

/// No search finds a fight by what somebody is known by who is hidden.
async fn finds_nobody(recorder: &mut Recorder, relay: &TestRelay, players: Range<usize>) {
    for at in players {
        let name = NAMES[at].bytes().fold(String::new(), |asked, byte| asked + &format!("%{byte:02x}"));
        for question in [format!("playerName={name}"), format!("playerId={}", keys()[at])] {
            let (status, body) = recorder.asks(relay, &format!("/api/v1/encounters?{question}")).await;
            assert_eq!((status, body["encounters"].as_array().map(Vec::len)), (200, Some(0)), "{question}: {body}");
        }
    }
}

async fn begin(uploader: &mut Uploader, fight: &Script) -> Begun {
    let header = Header { local: Some(ActorId::clear(IDS[0])), ..header() };
    uploader.send(&UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header })).await;
    match uploader.reply().await {
        UplinkReply::Begun(begun) => begun,
        other => panic!("instead of Begun: {other:?}"),
    }
}

/// The client connects again, and says otherwise what its raid is.
async fn says(relay: &TestRelay, names: NamesPolicy, delay_s: u32, visibility: Visibility) -> Uploader {
    Uploader::connect_as(relay, KEY, Hello { names, delay_s, visibility, ..hello() }).await
}

/// It goes on by these deltas, which are on disk when this returns.
async fn goes_on(uploader: &mut Uploader, h: u32, fight: &Script, deltas: Range<usize>) {
    let last = deltas.end as u64;
    uploader.deltas(h, &fight.deltas[deltas]).await;
    uploader.acked(last).await;
}

/// The relay's log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn of_a_night_in_which_everything_changes_strangers_hear_what_is_for_them_and_nothing_else() {
    use NamesPolicy::{Class, Full};
    use Visibility::{Private, Public, Unlisted};
    let log = Log::default();
    let lines = log.clone();
    let logging = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || lines.clone())
        .finish();
    let logging = tracing::subscriber::set_default(logging);
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    assert_eq!(ana.join("Ana", Some(&link)).await.status, 201);
    let hides = |hidden: bool| Some(json!({"player": IDS[HIDDEN].to_string(), "hidden": hidden}));
    let fight = night_fight();

    // Everybody sees everything.
    let mut uploader = says(&relay, Full, 0, Public).await;
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 0..10).await;
    let mut same = crate::uploads::fight(IDS[0].cast_signed(), true);
    same["endedAtMs"] = (BEGAN + 60_000).into();
    let night = Night {
        raid: uploader.welcome.raid.clone(),
        channel: uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned(),
        report: begun.report.clone(),
        remote: ids(&relay, KEY, std::slice::from_ref(&same)).await[0],
        untimed: crate::same_fight::upload(&relay, OTHER_KEY, "public&names=class", &encounter(UNTIMED, false)).await,
    };
    assert_eq!(opened(&relay, night.remote).await.report_id, night.report);
    let mut watchers = watch(&relay, &night).await;
    see(&mut watchers, 10).await;
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("open", &heard, &[numbers()]);
    is_told("open", &heard, &of_anybody()[..6]);

    // One of them wants to be hidden.
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", hides(true)).await.status, 204);
    let mut watchers = come_back(&relay, &night, watchers).await;
    goes_on(&mut uploader, begun.h, &fight, 10..20).await;
    see(&mut watchers, 20).await;
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("opted out", &heard, &[numbers(), of_player(HIDDEN)]);
    is_told("opted out", &heard, &of_player(0));

    // The raid hides them all.
    let mut uploader = says(&relay, Class, 0, Public).await;
    let mut watchers = come_back(&relay, &night, watchers).await;
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 20..30).await;
    see(&mut watchers, 30).await;
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("class", &heard, &[numbers(), of_anybody()]);

    // And shows them a minute later.
    let mut uploader = says(&relay, Class, 60, Public).await;
    let mut watchers = come_back(&relay, &night, watchers).await;
    relay.pass_ms(1_000);
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 30..40).await;
    for passes_ms in [0, 59_000] {
        relay.pass_ms(passes_ms);
        let heard = hears_all(&relay, &night, &mut watchers).await;
        is_silent("behind", &heard, &[numbers(), of_anybody(), of_late(LATE)]);
        assert_eq!(relay.report(&night.report).await.fight.totals.damage, damage(30));
    }
    let (_, own) = relay.get_with(&format!("/api/v1/reports/{}", night.report), Some(READ_KEY)).await;
    assert!(own.to_string().contains(LATE.1) && own["totals"]["damage"] == damage(40), "a member sees it: {own}");
    relay.pass_ms(1_000);
    see(&mut watchers, 40).await;
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("a minute later", &heard, &[numbers(), of_anybody()]);
    is_told("a minute later", &heard, &of_late(LATE));

    // It is private for a while.
    let mut uploader = says(&relay, Class, 60, Private).await;
    for mut watcher in watchers {
        assert!(!watcher.let_go().await, "it may not come back: {:?}", watcher.spectator.bye);
        is_silent("let go", &watcher.recorder, &[numbers(), of_anybody()]);
    }
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 40..45).await;
    let mut heard = Recorder::default();
    asks_all(&mut heard, &relay, &night).await;
    let itself = vec![night.raid.clone(), night.report.clone()];
    is_silent("private", &heard, &[numbers(), of_anybody(), of_late(LATE), itself]);
    for path in [format!("raids/{}/feed", night.raid), format!("reports/{}/feed", night.report)] {
        assert_eq!(relay.get(&format!("/api/v1/{path}")).await.0, 404, "{path}");
    }

    // And then for who has its link.
    let mut uploader = says(&relay, Class, 60, Unlisted).await;
    let mut watchers = watch(&relay, &night).await;
    relay.pass_ms(1_000);
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 45..50).await;
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("unlisted", &heard, &[numbers(), of_anybody(), of_late(LATER)]);
    assert_eq!(relay.report(&night.report).await.fight.totals.damage, damage(40));
    for path in ["/api/v1/reports", "/api/v1/encounters"] {
        let listed = relay.get(path).await.1.to_string();
        assert!(!listed.contains(&night.report) && !listed.contains(&night.raid), "{path}: {listed}");
    }

    // For all again; it ends, and that is told a minute later.
    let mut uploader = says(&relay, Class, 60, Public).await;
    let begun = begin(&mut uploader, &fight).await;
    goes_on(&mut uploader, begun.h, &fight, 50..60).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let heard = hears_all(&relay, &night, &mut watchers).await;
    is_silent("ended", &heard, &[numbers(), of_anybody(), of_late(LATER)]);
    assert_eq!(format!("{:?}", relay.report(&night.report).await.state), "Live");
    assert!(relay.get("/api/v1/reports").await.1.to_string().contains(&night.report));
    relay.pass_ms(62_000);
    see(&mut watchers, 60).await;
    for watcher in &mut watchers {
        watcher.until("its end", |seen| seen.state.as_deref() == Some("Final")).await;
    }
    relay.pass_ms(2_000);
    becomes("the search finds it", async || {
        // The clock was set on; who sleeps until then looks again.
        relay.relay.as_ref().unwrap().registry().context.derive.came();
        let (_, found) = relay.get("/api/v1/encounters?bossName=Nachz%C3%BCgler").await;
        found["encounters"].as_array().is_some_and(|found| found.len() == 1)
    })
    .await;
    let mut heard = hears_all(&relay, &night, &mut watchers).await;
    finds_nobody(&mut heard, &relay, 0..3).await;
    is_silent("final", &heard, &[numbers(), of_anybody()]);
    is_told("final", &heard, &of_late(LATER));

    // All names are shown again but that of who is hidden; after a restart, too.
    let uploader = says(&relay, Full, 0, Public).await;
    let mut watchers = come_back(&relay, &night, watchers).await;
    let mut heard = hears_all(&relay, &night, &mut watchers).await;
    finds_nobody(&mut heard, &relay, HIDDEN..HIDDEN + 1).await;
    is_silent("all but one", &heard, &[numbers(), of_player(HIDDEN)]);
    is_told("all but one", &heard, &of_player(0));
    drop((watchers, uploader));
    let relay = relay.restart().await;
    let mut watchers = join(&relay, &night).await;
    let mut heard = hears_all(&relay, &night, &mut watchers).await;
    finds_nobody(&mut heard, &relay, HIDDEN..HIDDEN + 1).await;
    is_silent("restarted", &heard, &[numbers(), of_player(HIDDEN)]);
    is_told("restarted", &heard, &of_player(0));

    // Nobody is named again; and in the end all are, as they were.
    let _hides = says(&relay, Class, 0, Public).await;
    let mut heard = hears_all(&relay, &night, &mut []).await;
    finds_nobody(&mut heard, &relay, 0..3).await;
    is_silent("class again", &heard, &[numbers(), of_anybody()]);
    let _shows = says(&relay, Full, 0, Public).await;
    let mut again = Browser::at(&relay, 1);
    again.cookie = ana.cookie.take();
    assert_eq!(again.ask("POST", "/api/v1/opt-outs", hides(false)).await.status, 204);
    let heard = hears_all(&relay, &night, &mut []).await;
    is_silent("all", &heard, &[numbers()]);
    is_told("all", &heard, &of_anybody()[..6]);

    // Nor does the log name anybody.
    relay.stop().await;
    drop(logging);
    let logged = Recorder(String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned());
    is_told("the log", &logged, &["a request was answered".to_owned()]);
    is_silent("the log", &logged, &[numbers(), of_anybody()]);
}
