//! Links and tickets for feeds: who is let in by one, until when, and what becomes then of what is open by it.

use raidcast_shared::feed::{SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Hello, NamesPolicy, Visibility};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;
use uuid::Uuid;

use crate::people::{self, Browser};
use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, hello, soon};

const DAY_MS: i64 = 24 * 60 * 60_000;

fn seen_by(visibility: Visibility) -> Hello {
    Hello { visibility, ..hello() }
}

/// A raid, its channel, and a fight of twenty deltas that goes on.
struct Night {
    raid: String,
    channel: String,
    uploader: Uploader,
    fight: Script,
    h: u32,
    report: String,
}

async fn night(relay: &TestRelay, hello: Hello) -> Night {
    let mut uploader = Uploader::connect_as(relay, KEY, hello).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let raid = uploader.welcome.raid.clone();
    let channel = uploader.welcome.channel_url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    Night { raid, channel, uploader, fight, h: begun.h, report: begun.report }
}

impl Night {
    /// The rest of the fight, whole.
    async fn goes_on(&mut self) {
        self.uploader.deltas(self.h, &self.fight.deltas[20..]).await;
        self.uploader.acked(40).await;
    }

    fn damage(&self, deltas: usize) -> u64 {
        self.fight.deltas[..deltas].iter().map(|delta| 3_000 + delta.seq).sum()
    }

    fn links(&self) -> String {
        format!("/api/v1/raids/{}/links", self.raid)
    }

    fn channel_links(&self) -> String {
        format!("/api/v1/live/{}/links", self.channel)
    }
}

/// A link's id and its secret.
async fn link(relay: &TestRelay, links: &str, form: Value) -> (i64, String) {
    let (status, made) = relay.send("POST", links, Some(KEY), Some(&form)).await;
    assert_eq!(status, 201, "{made}");
    let (page, secret) = made["url"].as_str().unwrap().split_once("?ticket=").unwrap();
    assert_eq!(page, format!("{}{}", relay.url, links.trim_start_matches("/api/v1").trim_end_matches("/links")));
    assert_eq!(secret.len(), 64, "256 bits");
    (made["link"]["id"].as_i64().unwrap(), secret.to_owned())
}

async fn listed(relay: &TestRelay, links: &str) -> Vec<Value> {
    let (status, list) = relay.get_with(links, Some(KEY)).await;
    assert_eq!(status, 200, "{list}");
    list["links"].as_array().unwrap().clone()
}

/// A ticket for a feed, by a link's secret.
async fn ticket(relay: &TestRelay, of: &str, secret: &str) -> (u16, Value) {
    relay.send("POST", &format!("/api/v1/{of}/feed-ticket"), None, Some(&json!({"ticket": secret}))).await
}

async fn good_ticket(relay: &TestRelay, of: &str, secret: &str) -> String {
    let (status, given) = ticket(relay, of, secret).await;
    assert_eq!(status, 201, "{given}");
    given["ticket"].as_str().unwrap().to_owned()
}

/// Each way to a feed by a link: of each format, of a moment of the past, and by the ticket that it is exchanged for.
async fn every_way_in(relay: &TestRelay, night: &Night, secret: &str, channel_secret: &str) -> Vec<Spectator> {
    let (raid, channel, report) = (format!("raids/{}", night.raid), format!("live/{}", night.channel), &night.report);
    let by_ticket = good_ticket(relay, &raid, secret).await;
    let past_by_ticket = good_ticket(relay, &raid, secret).await;
    let channel_ticket = good_ticket(relay, &channel, channel_secret).await;
    let ways = [
        (format!("{raid}/feed?ticket={secret}"), SUBPROTOCOL),
        (format!("{raid}/feed?ticket={secret}"), SUBPROTOCOL_JSON),
        (format!("{raid}/feed?ticket={by_ticket}"), SUBPROTOCOL),
        (format!("{raid}/feed?report={report}&speed=0.25&ticket={secret}"), SUBPROTOCOL),
        (format!("{raid}/feed?report={report}&speed=0.25&ticket={past_by_ticket}"), SUBPROTOCOL_JSON),
        (format!("{raid}/feed?ticket={channel_secret}"), SUBPROTOCOL),
        (format!("{channel}/feed?ticket={channel_secret}"), SUBPROTOCOL_JSON),
        (format!("{channel}/feed?ticket={channel_ticket}"), SUBPROTOCOL),
        (format!("{channel}/feed?report={report}&speed=0.25&ticket={channel_secret}"), SUBPROTOCOL),
    ];
    let mut all = Vec::new();
    for (path, protocol) in ways {
        let mut spectator = Spectator::join_at(&format!("{}/api/v1/{path}", relay.url), protocol).await;
        spectator.hear().await.expect("a keyframe");
        all.push(spectator);
    }
    all
}

/// Each of them was told goodbye for good, and saw nothing of what came after.
async fn all_let_go(spectators: &mut [Spectator], night: &Night) {
    for (way, spectator) in spectators.iter_mut().enumerate() {
        while spectator.hear().await.is_some() {}
        let bye = spectator.bye.as_ref().unwrap_or_else(|| panic!("a goodbye, way {way}"));
        assert_eq!((bye.retry_ms, bye.reason.contains("not for you any more")), (None, true), "way {way}: {bye:?}");
        assert!(spectator.damage() <= night.damage(20), "way {way} saw what came after");
    }
}

/// What answers a request for a feed: its status, and the body of a refusal.
async fn feed(relay: &TestRelay, path: &str) -> (u16, Value) {
    let url = format!("{}/api/v1/{path}", relay.url.replace("http", "ws"));
    match soon("an answer", Box::pin(tokio_tungstenite::connect_async(url))).await {
        Ok(_) => (101, Value::Null),
        Err(tungstenite::Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            (answer.status().as_u16(), serde_json::from_slice(body).unwrap_or(Value::Null))
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_link_is_made_listed_and_revoked_by_who_manages_the_raid() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night = night(&relay, seen_by(Visibility::Private)).await;
    for links in [night.links(), night.channel_links()] {
        assert!(listed(&relay, &links).await.is_empty());
        let form = json!({"name": "the guild"});
        for (key, status) in [(None, 401), (Some("nobody's key"), 401), (Some(UPLOAD_KEY), 403), (Some(OTHER_KEY), 404)]
        {
            assert_eq!(relay.send("POST", &links, key, Some(&form)).await.0, status, "{key:?}");
            assert_eq!(relay.request("GET", &links, key).await.0, status, "{key:?}");
            assert_eq!(relay.request("DELETE", &format!("{links}/1"), key).await.0, status, "{key:?}");
        }
        for wrong in [
            json!({"days": 0}),
            json!({"days": 3651}),
            json!({"days": 7, "endless": true}),
            json!({"name": "x".repeat(65)}),
            json!({"name": "a\nb"}),
            json!({"forever": true}),
        ] {
            let (status, answer) = relay.send("POST", &links, Some(KEY), Some(&wrong)).await;
            assert_eq!((status, &answer["code"]), (400, &"bad_request".into()), "{wrong}: {answer}");
        }
        let now_ms = relay.now_s() * 1_000;
        let (first, secret) = link(&relay, &links, form).await;
        let (second, _) = link(&relay, &links, json!({"days": 1})).await;
        let (third, _) = link(&relay, &links, json!({"endless": true})).await;
        let lines = listed(&relay, &links).await;
        let ids: Vec<_> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, [first, second, third]);
        let names: Vec<_> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["the guild", "", ""]);
        let lasts = |line: &Value| line["endsAtMs"].as_i64().map(|ends| ends - line["createdAtMs"].as_i64().unwrap());
        assert_eq!(lines.iter().map(lasts).collect::<Vec<_>>(), [Some(30 * DAY_MS), Some(DAY_MS), None]);
        assert!(lines.iter().all(|line| line["createdAtMs"].as_i64().unwrap() >= now_ms && line["usedAtMs"].is_null()));
        assert!(!Value::from(lines).to_string().contains(&secret), "a list tells no secret");
        assert_eq!(relay.request("DELETE", &format!("{links}/{first}"), Some(KEY)).await.0, 204);
        assert_eq!(relay.request("DELETE", &format!("{links}/{first}"), Some(KEY)).await.0, 404);
        assert_eq!(listed(&relay, &links).await.len(), 2);
    }
    // A raid's link is none of the channel's.
    let (of_raid, _) = link(&relay, &night.links(), json!({})).await;
    assert_eq!(relay.request("DELETE", &format!("{}/{of_raid}", night.channel_links()), Some(KEY)).await.0, 404);
    relay.stop().await;
}

#[tokio::test]
async fn a_revoked_link_ends_all_that_it_opened_before_that_is_answered() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut night = night(&relay, seen_by(Visibility::Private)).await;
    let (of_raid, secret) = link(&relay, &night.links(), json!({})).await;
    let (of_channel, channel_secret) = link(&relay, &night.channel_links(), json!({})).await;
    let (_, other_secret) = link(&relay, &night.links(), json!({})).await;
    let mut open = every_way_in(&relay, &night, &secret, &channel_secret).await;
    let other = format!("{}/api/v1/raids/{}/feed?ticket={other_secret}", relay.url, night.raid);
    let mut stays = Spectator::join_at(&other, SUBPROTOCOL).await;
    let unused = good_ticket(&relay, &format!("raids/{}", night.raid), &secret).await;

    for (links, id) in [(night.links(), of_raid), (night.channel_links(), of_channel)] {
        assert_eq!(relay.request("DELETE", &format!("{links}/{id}"), Some(KEY)).await.0, 204);
    }
    night.goes_on().await;
    all_let_go(&mut open, &night).await;
    stays.until("the rest", |seen| seen.damage == night.damage(40)).await;
    assert_eq!(feed(&relay, &format!("raids/{}/feed?ticket={unused}", night.raid)).await.0, 404);
    relay.stop().await;
}

#[tokio::test]
async fn a_link_whose_time_is_over_ends_all_that_it_opened() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut night = night(&relay, seen_by(Visibility::Private)).await;
    let (_, secret) = link(&relay, &night.links(), json!({"days": 1})).await;
    let (_, channel_secret) = link(&relay, &night.channel_links(), json!({"days": 1})).await;
    let (_, longer) = link(&relay, &night.links(), json!({"days": 2})).await;
    let mut open = every_way_in(&relay, &night, &secret, &channel_secret).await;
    let longer = format!("{}/api/v1/raids/{}/feed?ticket={longer}", relay.url, night.raid);
    let mut stays = Spectator::join_at(&longer, SUBPROTOCOL).await;
    relay.pass_ms(DAY_MS);
    // From this moment on it lets nobody in; who is in is told within the second.
    assert_eq!(feed(&relay, &format!("raids/{}/feed?ticket={secret}", night.raid)).await.0, 404);
    all_let_go(&mut open, &night).await;
    night.goes_on().await;
    stays.until("the rest", |seen| seen.damage == night.damage(40)).await;
    assert_eq!(listed(&relay, &night.links()).await.len(), 1);
    relay.stop().await;
}

/// Revoked, over, another raid's, another account's, a deleted raid's, and one that never was.
#[tokio::test]
async fn what_is_no_good_link_is_refused_as_one_that_never_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night = night(&relay, seen_by(Visibility::Private)).await;
    let (id, revoked) = link(&relay, &night.links(), json!({})).await;
    assert_eq!(relay.request("DELETE", &format!("{}/{id}", night.links()), Some(KEY)).await.0, 204);
    let (_, over) = link(&relay, &night.links(), json!({"days": 1})).await;
    let (_, channels) = link(&relay, &night.channel_links(), json!({})).await;
    relay.pass_ms(DAY_MS);
    // The next night: the channel shows it, and the one before no longer.
    let next = Hello { raid: RaidId(Uuid::from_u128(2)), ..seen_by(Visibility::Private) };
    let second = Uploader::connect_as(&relay, KEY, next).await;
    let (_, of_another_raid) = link(&relay, &format!("/api/v1/raids/{}/links", second.welcome.raid), json!({})).await;
    let theirs = Hello { raid: RaidId(Uuid::from_u128(3)), ..seen_by(Visibility::Private) };
    let stranger = Uploader::connect_as(&relay, OTHER_KEY, theirs).await;
    let links = format!("/api/v1/raids/{}/links", stranger.welcome.raid);
    let (_, made) = relay.send("POST", &links, Some(OTHER_KEY), Some(&json!({}))).await;
    let of_another_account = made["url"].as_str().unwrap().split_once('=').unwrap().1.to_owned();
    let never = "ab".repeat(32);
    let (raid, report) = (&night.raid, &night.report);
    let paths = |secret: &str| {
        [
            format!("raids/{raid}?ticket={secret}"),
            format!("reports/{report}?ticket={secret}"),
            format!("reports/{report}/timeline?ticket={secret}"),
            format!("raids/{raid}/feed?ticket={secret}"),
            format!("raids/{raid}/feed?report={report}&ticket={secret}"),
            format!("raids/{raid}/feed?ticket=feed-{secret}"),
        ]
    };
    let mut expected = Vec::new();
    for secret in [&never, &revoked, &over, &channels, &of_another_raid, &of_another_account] {
        let mut answers = Vec::new();
        for path in paths(secret) {
            let answer = match path.contains("/feed") {
                true => feed(&relay, &path).await,
                false => relay.get(&format!("/api/v1/{path}")).await,
            };
            assert_eq!(answer.0, 404, "{path}: {}", answer.1);
            answers.push(answer);
        }
        answers.push(ticket(&relay, &format!("raids/{raid}"), secret).await);
        if expected.is_empty() {
            expected = answers;
        } else {
            assert_eq!(answers, expected, "{secret}");
        }
    }
    // Where it is good, it opens.
    assert_eq!(relay.get(&format!("/api/v1/live/{}?ticket={channels}", night.channel)).await.0, 200);
    assert_eq!(relay.get(&format!("/api/v1/raids/{}?ticket={of_another_raid}", second.welcome.raid)).await.0, 200);
    // And no more where the raid is deleted.
    let deleted = format!("/api/v1/raids/{}", second.welcome.raid);
    assert_eq!(relay.request("DELETE", &deleted, Some(KEY)).await.0, 200);
    let gone = relay.get(&format!("{deleted}?ticket={of_another_raid}")).await;
    assert_eq!(gone, relay.get(&format!("/api/v1/raids/nothing?ticket={never}")).await);
    relay.stop().await;
}

#[tokio::test]
async fn a_raid_has_so_many_links_and_an_address_so_many_tries() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night = night(&relay, seen_by(Visibility::Private)).await;
    let (first, secret) = link(&relay, &night.links(), json!({})).await;
    for _ in 1..raidcast_store::LINKS_MAX {
        link(&relay, &night.links(), json!({})).await;
    }
    let (status, refused) = relay.send("POST", &night.links(), Some(KEY), Some(&json!({}))).await;
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()), "{refused}");
    link(&relay, &night.channel_links(), json!({})).await;
    assert_eq!(relay.request("DELETE", &format!("{}/{first}", night.links()), Some(KEY)).await.0, 204);
    let (_, good) = link(&relay, &night.links(), json!({})).await;
    // Who guesses is looked at no more for a while; what is good is good, whoever shares his address.
    let raid = format!("raids/{}", night.raid);
    let mut tries = 0;
    loop {
        let (status, answer) = ticket(&relay, &raid, &secret).await;
        tries += 1;
        match status {
            404 => assert!(tries <= raidcast_relay::limits::WRONG_TICKETS_PER_MINUTE, "nothing stops him"),
            429 => break assert_eq!(answer["code"], "too_many"),
            other => panic!("{other}: {answer}"),
        }
    }
    assert_eq!(ticket(&relay, &raid, &good).await.0, 201);
    assert_eq!(ticket(&relay, &raid, &secret).await.0, 429);
    assert_eq!(feed(&relay, &format!("{raid}/feed?ticket=feed-{secret}")).await.0, 429);
    // His upload key is.
    assert_eq!(listed(&relay, &night.links()).await.len(), raidcast_store::LINKS_MAX);
    relay.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_feed_once_within_a_minute() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night = night(&relay, seen_by(Visibility::Private)).await;
    let (_, secret) = link(&relay, &night.links(), json!({})).await;
    let (raid, channel) = (format!("raids/{}", night.raid), format!("live/{}", night.channel));
    let opens = async |of: &str, ticket: &str| feed(&relay, &format!("{of}/feed?ticket={ticket}")).await.0;
    let once = good_ticket(&relay, &raid, &secret).await;
    assert!(once.starts_with("feed-") && !once.contains(&secret));
    assert_eq!((opens(&raid, &once).await, opens(&raid, &once).await), (101, 404));
    // It is for a feed, and for this one.
    let elsewhere = good_ticket(&relay, &raid, &secret).await;
    assert_eq!(relay.get(&format!("/api/v1/{raid}?ticket={elsewhere}")).await.0, 404);
    assert_eq!(opens(&channel, &elsewhere).await, 404);
    let late = good_ticket(&relay, &raid, &secret).await;
    relay.pass_ms(raidcast_relay::limits::FEED_TICKET_MS);
    assert_eq!(opens(&raid, &late).await, 404);
    // A key pays for one, too; nobody who may not see the raid gets one.
    let path = format!("/api/v1/{raid}/feed-ticket");
    let (status, given) = relay.send("POST", &path, Some(KEY), Some(&json!({}))).await;
    assert_eq!((status, opens(&raid, given["ticket"].as_str().unwrap()).await), (201, 101));
    for key in [None, Some(OTHER_KEY)] {
        assert_eq!(relay.send("POST", &path, key, Some(&json!({}))).await.0, 404);
    }
    relay.stop().await;
}

/// Somebody who has an account makes links on a page, and what he opened by a ticket ends when he signs out.
#[tokio::test]
async fn who_is_signed_in_sees_to_links_and_pays_for_feeds() {
    let data = tempfile::tempdir().unwrap();
    let relay = people::open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    ana.join("Ana", None).await;
    let (_, key) = ana.make_key(&["upload"], None).await;
    let uploader = Uploader::connect_as(&relay, &key, seen_by(Visibility::Private)).await;
    let raid = uploader.welcome.raid.clone();
    let links = format!("/api/v1/raids/{raid}/links");
    let made = ana.ask("POST", &links, Some(json!({"name": "guild"}))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(ana.get(&links).await.body["links"].as_array().unwrap().len(), 1);
    let mut bo = Browser::at(&relay, 2);
    bo.join("Bo", None).await;
    assert_eq!(bo.ask("POST", &links, Some(json!({}))).await.status, 404);
    assert_eq!(bo.get(&links).await.status, 404);
    // Another site's page makes none.
    ana.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(ana.ask("POST", &links, Some(json!({}))).await.code(), "foreign_page");
    ana.page = "Sec-Fetch-Site: same-origin\r\n";
    let given = ana.ask("POST", &format!("/api/v1/raids/{raid}/feed-ticket"), Some(json!({}))).await;
    assert_eq!(given.status, 201, "{}", given.body);
    let url = format!("{}/api/v1/raids/{raid}/feed?ticket={}", relay.url, given.body["ticket"].as_str().unwrap());
    let mut watching = Spectator::join_at(&url, SUBPROTOCOL).await;
    watching.hear().await.expect("a keyframe");
    assert_eq!(ana.ask("DELETE", "/api/v1/session", None).await.status, 204);
    while watching.hear().await.is_some() {}
    assert_eq!(ana.get(&links).await.status, 401);
    relay.stop().await;
}

#[tokio::test]
async fn links_are_as_they_were_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night = night(&relay, seen_by(Visibility::Private)).await;
    let (_, secret) = link(&relay, &night.links(), json!({})).await;
    let (revoked, gone) = link(&relay, &night.links(), json!({})).await;
    assert_eq!(relay.request("DELETE", &format!("{}/{revoked}", night.links()), Some(KEY)).await.0, 204);
    let page = format!("/api/v1/raids/{}?ticket={secret}", night.raid);
    assert_eq!(relay.get(&page).await.0, 200);
    let before = listed(&relay, &night.links()).await;
    let used_ms = before[0]["usedAtMs"].as_i64().expect("it was used");
    assert_eq!(used_ms % 60_000, 0, "minutes");
    let (links, raid) = (night.links(), night.raid.clone());
    drop(night);
    let relay = relay.restart().await;
    assert_eq!(listed(&relay, &links).await, before);
    assert_eq!(relay.get(&page).await.0, 200);
    assert_eq!(relay.get(&format!("/api/v1/raids/{raid}?ticket={gone}")).await.0, 404);
    // The raid's own ticket, as folders of before links have them, is as good as ever.
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let own = uploader.welcome.raid_url.replace(&relay.url, "/api/v1");
    assert_eq!(relay.get(&own).await.0, 200);
    relay.stop().await;
}

/// Of a raid that everybody may see: who has a link is a member of it, and comes back as anybody when it is over.
#[tokio::test]
async fn who_has_a_link_is_a_member_as_long_as_it_is_good() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let hello = Hello { names: NamesPolicy::Class, ..seen_by(Visibility::Unlisted) };
    let night = night(&relay, hello).await;
    let (id, secret) = link(&relay, &night.links(), json!({})).await;
    let report = format!("/api/v1/reports/{}", night.report);
    let names = async |path: &str| {
        let (status, report) = relay.get(path).await;
        assert_eq!(status, 200, "{report}");
        let players = report["players"].as_array().unwrap().iter();
        players.map(|player| player["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let by_link = format!("{report}?ticket={secret}");
    let (member, anybody) = (names(&by_link).await, names(&report).await);
    assert_ne!(member, anybody);
    let feed = format!("{}/api/v1/raids/{}/feed?ticket={secret}", relay.url, night.raid);
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL).await;
    watching.hear().await.expect("a keyframe");
    assert_eq!(relay.request("DELETE", &format!("{}/{id}", night.links()), Some(KEY)).await.0, 204);
    while watching.hear().await.is_some() {}
    assert!(watching.bye.is_some_and(|bye| bye.retry_ms.is_some()), "it may come back");
    assert_eq!(names(&by_link).await, anybody);
    relay.stop().await;
}
