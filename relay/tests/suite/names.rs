//! Who hides names hides them everywhere: on every path that somebody who is no member can ask, whatever he asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use raidcast_relay::account::RelaySecret;
use raidcast_relay::database::Database;
use raidcast_relay::derive::rebuild;
use raidcast_shared::feed::{FeedFrame, FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, UplinkReply};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, READ_KEY, Script, Spectator, TestRelay, Uploader, Whole, hello, soon};

/// Of the players of a script.
pub(crate) const NAMES: [&str; 3] = ["Aeris", "Böreas", "はるか"];

fn showing(names: NamesPolicy) -> Hello {
    Hello { names, ..hello() }
}

/// Their keys where nothing is hidden.
pub(crate) fn keys() -> [String; 3] {
    [1, 2, 3].map(|id| RelaySecret::new([7; 32]).actor(ActorId::clear(id)).to_hex())
}

/// All that somebody has heard.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) String);

impl Recorder {
    pub(crate) fn note(&mut self, what: &str) {
        self.0.push_str(what);
        self.0.push('\n');
    }

    /// Hears all until what was asked now is answered.
    pub(crate) async fn hears(&mut self, spectator: &mut Spectator) {
        spectator.ask(&FeedRequest::Probe { clock: 0.5 }).await;
        loop {
            let frame = spectator.hear().await.expect("the feed goes on");
            self.frame(spectator, &frame);
            if matches!(frame, FeedFrame::Echo(_)) {
                return;
            }
        }
    }

    /// Notes what was heard now: as it was sent, for a frame may hold more than whoever reads it knows, and what it says.
    pub(crate) fn frame(&mut self, by: &Spectator, frame: &FeedFrame) {
        self.note(&String::from_utf8_lossy(&by.raw));
        self.note(&serde_json::to_string(frame).expect("frames are JSON"));
    }

    /// Asks a path, and what it answers.
    pub(crate) async fn asks(&mut self, relay: &TestRelay, path: &str) -> (u16, serde_json::Value) {
        self.asks_as(relay, path, None).await
    }

    /// The same, by a key. All of the answer is noted, whatever it is: pages and headers tell, too.
    pub(crate) async fn asks_as(
        &mut self,
        relay: &TestRelay,
        path: &str,
        key: Option<&str>,
    ) -> (u16, serde_json::Value) {
        let answer = relay.whole("GET", path, key, None).await;
        assert!(!answer.body.is_empty() || answer.head.contains("location: "), "{path}: {answer:?}");
        // Pages are what they say they are, also where what they show is not there.
        let page = ["/reports/", "/raids/", "/live/"].iter().any(|start| path.starts_with(start));
        assert!(!page || answer.body.contains("<html"), "{path}: {answer:?}");
        assert!(!path.starts_with("/api/") || !answer.json().is_null(), "{path}: {answer:?}");
        self.whole(&answer);
        (answer.status, answer.json())
    }

    /// Notes what the relay counts, wherever it tells that.
    pub(crate) async fn asks_metrics(&mut self, relay: &TestRelay) {
        let told = relay.metrics().await;
        assert!(told.status == 200 && told.body.contains("\nraidcast_spectators "), "{told:?}");
        self.whole(&told);
    }

    /// Notes an answer, its head first.
    pub(crate) fn whole(&mut self, answer: &Whole) {
        self.note(&answer.head);
        self.note(&answer.body);
    }

    /// Which names it has heard, and keys that lead elsewhere.
    fn known(&self) -> BTreeSet<String> {
        let names = NAMES.into_iter().map(str::to_owned).chain(keys());
        names.filter(|name| self.0.contains(name.as_str())).collect()
    }

    /// Nor whose meter it is, by his own mark or by the critical hits that a meter knows of its player alone.
    fn knows_nobody(&self) {
        assert_eq!(self.known(), BTreeSet::new(), "{}", self.0);
        let telling = ["\"isLocal\":true", "\"isCrit\":true", "\"critHits\":1", "\"critHitsDealt\":1"];
        for word in telling {
            assert!(!self.0.contains(word), "{word}: {}", self.0);
        }
    }
}

/// Everything that is asked of a report and its raid.
async fn asks_everything(recorder: &mut Recorder, relay: &TestRelay, raid: &str, report: &str) {
    let (from, to) = (200, 1_500);
    for path in [
        format!("/api/v1/reports/{report}"),
        format!("/api/v1/reports/{report}?from={from}&to={to}"),
        format!("/api/v1/reports/{report}/timeline"),
        format!("/api/v1/reports/{report}/details"),
        format!("/api/v1/reports/{report}/details?from={from}&to={to}"),
        format!("/api/v1/reports/{report}/recaps"),
        format!("/api/v1/reports/{report}/views"),
        format!("/api/v1/encounters/{report}"),
        format!("/api/v1/encounters/{report}?timelines=true"),
        format!("/api/v1/raids/{raid}"),
        format!("/api/v1/raids/{raid}/night"),
        "/api/v1/reports".to_owned(),
        "/api/v1/encounters".to_owned(),
        "/metrics".to_owned(),
        format!("/reports/{report}"),
        format!("/raids/{raid}"),
    ] {
        let (status, body) = recorder.asks(relay, &path).await;
        assert!(status == 200 || status == 404, "{path}: {status} {body}");
    }
    recorder.asks_metrics(relay).await;
    let by_name = ["Aeris", "B%C3%B6reas", "%E3%81%AF%E3%82%8B%E3%81%8B"].map(|name| format!("playerName={name}"));
    for question in by_name.into_iter().chain(keys().iter().map(|key| format!("playerId={key}"))) {
        let (status, body) = recorder.asks(relay, &format!("/api/v1/encounters?{question}")).await;
        assert_eq!((status, body["encounters"].as_array().map(Vec::len)), (200, Some(0)), "{question}: {body}");
    }
}

/// Plays a report from its begin, and hears it to its end.
pub(crate) async fn plays(recorder: &mut Recorder, relay: &TestRelay, raid: &str, report: &str, protocol: &str) {
    let path = format!("{raid}/feed?report={report}&at=0&speed=4");
    let mut player = Spectator::join(relay, &path, protocol).await;
    loop {
        let frame = player.hear().await.expect("it plays");
        recorder.frame(&player, &frame);
        if matches!(&frame, FeedFrame::Event(event) if format!("{event:?}").contains("FightEnded")) {
            return;
        }
    }
}

fn shown(report: &Report) -> Vec<(String, Option<String>)> {
    report.fight.players.iter().map(|player| (player.player_key.clone(), player.name.clone())).collect()
}

#[tokio::test]
async fn who_is_no_member_learns_no_name_on_any_path_and_members_learn_all() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, showing(NamesPolicy::Class)).await;
    let raid = uploader.welcome.raid.clone();
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let url = |relay: &TestRelay, path: &str| format!("{}/api/v1/{path}", relay.url);
    let mut strangers = Vec::new();
    for (path, protocol) in [
        (format!("raids/{raid}/feed"), SUBPROTOCOL),
        (format!("raids/{raid}/feed"), SUBPROTOCOL_JSON),
        (format!("live/{channel}/feed"), SUBPROTOCOL),
    ] {
        strangers.push(Spectator::join_at(&url(&relay, &path), protocol).await);
    }
    for (spectator, ticks) in strangers.iter_mut().zip([1, 5, 10]) {
        spectator.ask(&FeedRequest::Pace { ticks }).await;
    }
    let mut member = Spectator::join_as(&url(&relay, &format!("raids/{raid}/feed")), SUBPROTOCOL, Some(READ_KEY)).await;
    let (mut recorder, mut members) = (Recorder::default(), Recorder::default());
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    let report = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let mut totals = BTreeSet::new();
    for spectator in &mut strangers {
        let seen = spectator.until("the fight", |seen| seen.damage > 0 && seen.rows.len() == 3).await;
        totals.insert(seen.rows.keys().cloned().collect::<Vec<_>>());
        // What is asked of single players.
        let players = seen.rows.keys().cloned().collect();
        spectator.ask(&FeedRequest::Watch { players }).await;
        recorder.hears(spectator).await;
        spectator.ask(&FeedRequest::Watch { players: keys().to_vec() }).await;
        recorder.hears(spectator).await;
    }
    assert_eq!(totals.len(), 1, "a player has one key wherever the raid shows him: {totals:?}");
    while members.known().len() < 6 {
        let frame = member.hear().await.expect("the feed goes on");
        members.frame(&member, &frame);
    }
    // Live, over HTTP.
    asks_everything(&mut recorder, &relay, &raid, &report).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    for spectator in &mut strangers {
        recorder.hears(spectator).await;
    }
    // Somebody who comes back gets what he missed.
    let again = strangers.remove(0).come_back(&relay, &raid, SUBPROTOCOL).await;
    strangers.push(again);
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    for spectator in &mut strangers {
        recorder.hears(spectator).await;
    }
    members.hears(&mut member).await;
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        plays(&mut recorder, &relay, &raid, &report, protocol).await;
    }
    asks_everything(&mut recorder, &relay, &raid, &report).await;
    drop(uploader);
    let before = relay.report(&report).await;
    relay = relay.restart().await;
    asks_everything(&mut recorder, &relay, &raid, &report).await;
    recorder.knows_nobody();
    // What stands for them stays, and says what is known of them beside their names.
    let after = relay.report(&report).await;
    assert_eq!(shown(&before), shown(&after));
    let numbers: BTreeSet<_> = shown(&after).into_iter().map(|(_, name)| name.unwrap()).collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
    assert!(numbers.iter().all(|name| name.ends_with(['1', '2', '3'])), "{numbers:?}");
    assert!(after.fight.players.iter().all(|player| !player.is_local && player.ability_score.is_none()));
    let (_, full) = relay.get_with(&format!("/api/v1/reports/{report}"), Some(READ_KEY)).await;
    let full: Report = serde_json::from_value(full).unwrap();
    assert_eq!(full.fight.totals, after.fight.totals);
    let figures = |report: &Report| report.fight.players.iter().map(|player| player.damage).collect::<Vec<_>>();
    assert_eq!(figures(&full), figures(&after));
    relay.stop().await;
}

#[tokio::test]
async fn a_raid_that_hides_names_from_now_on_hides_them_with_the_next_byte_and_shows_them_again() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, showing(NamesPolicy::Full)).await;
    let raid = uploader.welcome.raid.clone();
    let earlier = Script::new(10, 2).at(1_789_999_000_000);
    let begun = uploader.begin(&earlier).await;
    uploader.deltas(begun.h, &earlier.deltas).await;
    assert!(matches!(uploader.end(begun.h, &earlier, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let old_report = begun.report;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut stranger = Spectator::join_at(&feed, SUBPROTOCOL).await;
    stranger.until("the fight", |seen| seen.rows.len() == 3).await;
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    member.until("the fight", |seen| seen.rows.len() == 3).await;
    let at = format!("{feed}?report={old_report}&speed=0.25");
    let mut player = Spectator::join_at(&at, SUBPROTOCOL).await;
    player.hear().await.expect("it plays");
    for (names, round) in [(NamesPolicy::Class, 0), (NamesPolicy::Hidden, 1)] {
        // All that was sent until now he has heard.
        stranger.echoes().await;
        let mut uploader = Uploader::connect_as(&relay, KEY, showing(names)).await;
        // Who watched is sent to come back; nothing of what comes then names anybody.
        let mut heard = Recorder::default();
        while let Some(frame) = stranger.hear().await {
            heard.frame(&stranger, &frame);
        }
        heard.knows_nobody();
        let bye = stranger.bye.as_ref().expect("a goodbye");
        assert!(bye.retry_ms.is_some(), "{bye:?}");
        stranger = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
        let mut recorder = Recorder::default();
        stranger.until("the fight", |seen| seen.rows.len() == 3).await;
        recorder.hears(&mut stranger).await;
        if round == 0 {
            while player.hear().await.is_some() {}
            assert!(player.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", player.bye);
        }
        asks_everything(&mut recorder, &relay, &raid, &begun.report).await;
        asks_everything(&mut recorder, &relay, &raid, &old_report).await;
        recorder.knows_nobody();
        // Those of the fight that was kept before have numbers, too.
        let old = relay.report(&old_report).await;
        let named = |(_, name): &(String, Option<String>)| name.as_ref().is_some_and(|name| name.contains(' '));
        assert!(shown(&old).iter().all(named), "{:?}", shown(&old));
        assert_eq!(relay.report(&begun.report).await.names, names);
        let again = uploader.begin(&fight).await;
        uploader.deltas(again.h, &fight.deltas[20 + 10 * round..30 + 10 * round]).await;
        uploader.acked(30 + 10 * round as u64).await;
    }
    // A member noticed nothing of it.
    member.echoes().await;
    assert!(member.bye.is_none());
    let _shows = Uploader::connect_as(&relay, KEY, showing(NamesPolicy::Full)).await;
    while stranger.hear().await.is_some() {}
    let mut stranger = Spectator::join_at(&feed, SUBPROTOCOL).await;
    let mut recorder = Recorder::default();
    stranger.until("the fight", |seen| seen.rows.len() == 3).await;
    let (_, named) = recorder.asks(&relay, &format!("/api/v1/reports/{}", begun.report)).await;
    assert_eq!(named["names"], "full");
    let all: BTreeSet<String> = NAMES.into_iter().map(str::to_owned).chain(keys()).collect();
    assert_eq!(recorder.known(), all);
    soon("stopping", relay.stop()).await;
}

#[tokio::test]
async fn numbers_of_one_roster_stand_in_another_order_in_each_raid_and_never_by_their_keys() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut orders = Vec::new();
    for nth in 0..10_u32 {
        let raid = RaidId(Uuid::from_u128(1_000 + u128::from(nth)));
        let mut uploader = Uploader::connect_as(&relay, KEY, Hello { raid, ..showing(NamesPolicy::Class) }).await;
        let fight = Script::new(10, 2).at(1_789_000_000_000 + i64::from(nth) * 1_000_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        let code = uploader.welcome.raid.clone();
        becomes("its numbers", async || relay.store.raid_players(&code).await.unwrap().len() == 3).await;
        let mut numbers = relay.store.raid_players(&code).await.unwrap();
        numbers.sort_unstable_by_key(|(_, number)| *number);
        orders.push(numbers.into_iter().map(|(player, _)| player).collect::<Vec<_>>());
    }
    assert!(orders.iter().all(|order| order.iter().collect::<BTreeSet<_>>().len() == 3), "{orders:?}");
    // Six orders are possible: that ten raids have the same is chance once in ten million times.
    assert!(orders.iter().any(|order| order != &orders[0]), "one order leads from raid to raid: {orders:?}");
    assert!(orders.iter().any(|order| !order.is_sorted()), "the order is that of keys: {orders:?}");
    relay.stop().await;
}

/// As docs/operating.md says it.
#[tokio::test]
async fn numbers_that_an_operator_takes_away_are_given_anew_when_all_is_derived_again() {
    let statement = "DELETE FROM raid_players WHERE raid IN (SELECT row FROM raids WHERE names > 0);";
    assert!(include_str!("../../../docs/operating.md").contains(statement));
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, showing(NamesPolicy::Class)).await;
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let code = uploader.welcome.raid.clone();
    becomes("its numbers", async || relay.store.raid_players(&code).await.unwrap().len() == 3).await;
    let players: BTreeSet<_> = relay.store.raid_players(&code).await.unwrap().into_iter().map(|(of, _)| of).collect();
    drop(uploader);
    relay.stop().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut operator = options.connect().await.unwrap();
    sqlx::query(statement).execute(&mut operator).await.unwrap();
    operator.close().await.unwrap();
    let store = Database::in_folder(data.path()).open().await.unwrap();
    assert_eq!(store.raid_players(&code).await.unwrap(), []);
    assert_eq!(rebuild(Arc::clone(&store), |_, _| ()).await.unwrap().failed, Vec::<String>::new());
    let (given, numbers): (BTreeSet<_>, Vec<_>) = store.raid_players(&code).await.unwrap().into_iter().unzip();
    assert_eq!((given, numbers), (players, vec![1, 2, 3]));
    store.close().await.unwrap();
}
