//! A channel shows one raid: whichever way it moves to another, whoever came by it is told so, and hears no more.

use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Begun, Hello, Outcome, UplinkFrame, UplinkReply, Visibility};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, header, hello};

fn private(raid: u128) -> Hello {
    Hello { raid: RaidId(Uuid::from_u128(raid)), visibility: Visibility::Private, ..hello() }
}

/// A fight of its own for each number.
fn fight(number: i64) -> Script {
    Script::new(40, 2).at(header().started_at_ms + number * 1_000_000)
}

/// Connects for a private raid of its own, a while after all before it.
async fn connect(relay: &TestRelay, raid: u128, history: bool) -> Uploader {
    relay.pass_ms(1_000);
    Uploader::connect_as(relay, KEY, Hello { history, ..private(raid) }).await
}

/// Begins a fight and sends half of it.
async fn half(uploader: &mut Uploader, fight: &Script) -> Begun {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    begun
}

/// The name and the ticket of an uploader's channel.
fn channel_of(uploader: &Uploader) -> (String, String) {
    let (page, ticket) = uploader.welcome.channel_url.split_once("?ticket=").unwrap();
    (page.rsplit('/').next().unwrap().to_owned(), ticket.to_owned())
}

/// Those who came by the channel to one raid, and one who came by the raid's own ticket.
struct Watchers {
    raid: String,
    report: String,
    channel: String,
    ticket: String,
    live: Vec<Spectator>,
    replays: Vec<Spectator>,
    by_raid: Spectator,
}

impl Watchers {
    async fn of(relay: &TestRelay, uploader: &Uploader, begun: &Begun) -> Self {
        let raid = uploader.welcome.raid.clone();
        let report = begun.report.clone();
        let (channel, ticket) = channel_of(uploader);
        let url = |path: String| format!("{}/api/v1/{path}", relay.url);
        let join = async |path: String, protocol: &str| {
            let mut spectator = Spectator::join_at(&url(path), protocol).await;
            spectator.until("the fight", |seen| seen.damage > 0).await;
            spectator
        };
        let mut live = Vec::new();
        for (path, protocol) in [
            (format!("live/{channel}/feed?ticket={ticket}"), SUBPROTOCOL),
            (format!("live/{channel}/feed?ticket={ticket}"), SUBPROTOCOL_JSON),
            (format!("raids/{raid}/feed?ticket={ticket}"), SUBPROTOCOL),
        ] {
            live.push(join(path, protocol).await);
        }
        let past = format!("report={report}&at=1000&speed=0.25&ticket={ticket}");
        let mut replays = Vec::new();
        for path in [format!("live/{channel}/feed?{past}"), format!("raids/{raid}/feed?{past}")] {
            replays.push(join(path, SUBPROTOCOL).await);
        }
        let own = uploader.welcome.raid_url.split_once("?ticket=").unwrap().1;
        let by_raid = join(format!("raids/{raid}/feed?ticket={own}"), SUBPROTOCOL).await;
        let watchers = Self { raid, report, channel, ticket, live, replays, by_raid };
        watchers.pages(relay, 200).await;
        watchers
    }

    /// What the channel's ticket opens of the raid, and whether the channel shows it.
    async fn pages(&self, relay: &TestRelay, status: u16) {
        let Self { raid, report, channel, ticket, .. } = self;
        for page in [format!("raids/{raid}"), format!("reports/{report}"), format!("reports/{report}/timeline")] {
            let (answered, body) = relay.get(&format!("/api/v1/{page}?ticket={ticket}")).await;
            assert_eq!(answered, status, "{page}: {body}");
        }
        let (answered, shown) = relay.get(&format!("/api/v1/live/{channel}?ticket={ticket}")).await;
        assert_eq!((answered, shown["code"] == raid.as_str()), (200, status == 200), "{shown}");
    }

    /// The channel shows another raid now: all who came by it have heard so, and nothing that comes after.
    async fn are_sent_on(mut self, relay: &TestRelay, uploader: &mut Uploader, begun: &Begun, fight: &Script) {
        for spectator in &mut self.live {
            while spectator.hear().await.is_some() {}
            assert!(spectator.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", spectator.bye);
        }
        for replay in &mut self.replays {
            while replay.hear().await.is_some() {}
            let bye = replay.bye.as_ref().expect("a goodbye");
            assert!(bye.reason.contains("not for you any more") && bye.retry_ms.is_none(), "{bye:?}");
        }
        self.pages(relay, 404).await;
        let before = self.by_raid.damage();
        uploader.deltas(begun.h, &fight.deltas[20..]).await;
        uploader.acked(40).await;
        let whole = fight.deltas.iter().map(|delta| 3_000 + delta.seq).sum::<u64>();
        self.by_raid.until("the rest", |seen| seen.damage == whole).await;
        assert!(self.by_raid.bye.is_none());
        assert!(self.live.iter().all(|spectator| spectator.damage() <= before));
        assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    }

    /// The channel shows what it showed: all go on.
    async fn stay(mut self, relay: &TestRelay, uploader: &mut Uploader, begun: &Begun, fight: &Script) {
        self.pages(relay, 200).await;
        uploader.deltas(begun.h, &fight.deltas[20..]).await;
        uploader.acked(40).await;
        let whole = fight.deltas.iter().map(|delta| 3_000 + delta.seq).sum::<u64>();
        for spectator in self.live.iter_mut().chain([&mut self.by_raid]) {
            spectator.until("the rest", |seen| seen.damage == whole).await;
        }
        for replay in &mut self.replays {
            let before = replay.ticks;
            while replay.ticks < before + 2 {
                replay.hear().await.expect("the replay goes on");
            }
        }
    }
}

#[tokio::test]
async fn the_first_fight_of_a_new_raid_takes_the_channel_and_all_who_came_by_it_are_told() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = connect(&relay, 11, false).await;
    let seen = fight(1);
    let begun = half(&mut first, &seen).await;
    let watchers = Watchers::of(&relay, &first, &begun).await;
    let mut second = connect(&relay, 12, false).await;
    half(&mut second, &fight(2)).await;
    watchers.are_sent_on(&relay, &mut first, &begun, &seen).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_raid_that_comes_and_goes_without_a_fight_takes_nobodys_channel() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = connect(&relay, 11, false).await;
    let seen = fight(1);
    let begun = half(&mut first, &seen).await;
    let watchers = Watchers::of(&relay, &first, &begun).await;
    let second = connect(&relay, 12, false).await;
    assert_ne!(second.welcome.raid, first.welcome.raid);
    drop(second);
    // One whose only fight is thrown away has none, too.
    let mut third = connect(&relay, 13, false).await;
    watchers.stay(&relay, &mut first, &begun, &seen).await;
    let thrown_away = fight(2);
    half(&mut third, &thrown_away).await;
    let (channel, ticket) = channel_of(&first);
    let shown = async || {
        let (status, shown) = relay.get(&format!("/api/v1/live/{channel}?ticket={ticket}")).await;
        assert_eq!(status, 200, "{shown}");
        shown["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown().await, third.welcome.raid);
    third.send(&UplinkFrame::Discard { enc: thrown_away.enc }).await;
    becomes("the channel is where the fights are", async || shown().await == first.welcome.raid).await;
    let url = format!("{}/api/v1/live/{channel}/feed?ticket={ticket}", relay.url);
    becomes("who comes by it is taken in", async || {
        let mut back = Spectator::join_at(&url, SUBPROTOCOL).await;
        matches!(back.hear().await, Some(FeedFrame::Keyframe(_)))
    })
    .await;
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_in_an_older_raid_takes_the_channel_back_each_time_that_one_begins() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut older = connect(&relay, 11, false).await;
    let mut newer = connect(&relay, 12, false).await;
    // Back and forth: each fight takes it from the other raid.
    for round in 0..2 {
        let seen = fight(2 * round + 1);
        relay.pass_ms(1_000);
        let begun = half(&mut newer, &seen).await;
        let watchers = Watchers::of(&relay, &newer, &begun).await;
        relay.pass_ms(1_000);
        let taking = fight(2 * round + 2);
        let took = half(&mut older, &taking).await;
        watchers.are_sent_on(&relay, &mut newer, &begun, &seen).await;
        let watchers = Watchers::of(&relay, &older, &took).await;
        relay.pass_ms(1_000);
        let again = half(&mut newer, &fight(10 + round)).await;
        watchers.are_sent_on(&relay, &mut older, &took, &taking).await;
        newer.send(&UplinkFrame::Discard { enc: fight(10 + round).enc }).await;
        assert_ne!(again.report, begun.report);
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_raid_keeps_the_channel_though_its_only_fight_is_thrown_away_and_others_connect_again() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut older = connect(&relay, 11, false).await;
    half(&mut older, &fight(1)).await;
    let mut newer = connect(&relay, 12, false).await;
    let thrown_away = fight(2);
    let first = half(&mut newer, &thrown_away).await;
    newer.send(&UplinkFrame::Discard { enc: thrown_away.enc }).await;
    let seen = fight(3);
    let begun = half(&mut newer, &seen).await;
    assert_ne!(first.report, begun.report);
    let watchers = Watchers::of(&relay, &newer, &begun).await;
    // Connecting is no fight, also with another title, which is kept.
    relay.pass_ms(1_000);
    let named = Hello { title: Some("Tuesday".into()), ..private(11) };
    let older = Uploader::connect_as(&relay, KEY, named).await;
    assert_ne!(older.welcome.raid, newer.welcome.raid);
    watchers.stay(&relay, &mut newer, &begun, &seen).await;
    relay.stop().await;
}

#[tokio::test]
async fn raids_of_old_fights_take_the_channel_from_each_other_alone() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = connect(&relay, 11, true).await;
    let seen = fight(1);
    let begun = half(&mut first, &seen).await;
    let watchers = Watchers::of(&relay, &first, &begun).await;
    let mut second = connect(&relay, 12, true).await;
    watchers.are_sent_on(&relay, &mut first, &begun, &seen).await;

    let seen = fight(2);
    let begun = half(&mut second, &seen).await;
    let watchers = Watchers::of(&relay, &second, &begun).await;
    let mut night = connect(&relay, 13, false).await;
    watchers.are_sent_on(&relay, &mut second, &begun, &seen).await;

    let seen = fight(3);
    let begun = half(&mut night, &seen).await;
    let watchers = Watchers::of(&relay, &night, &begun).await;
    let mut third = connect(&relay, 14, true).await;
    half(&mut third, &fight(4)).await;
    watchers.stay(&relay, &mut night, &begun, &seen).await;
    relay.stop().await;
}
