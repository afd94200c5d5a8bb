//! What links tell before anybody opens them: titles, descriptions and pictures, for everybody and nobody else.

use raidcast_shared::event::{ActorFacts, ActorIx, Rare, RareBody, SourceKey};
use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, UplinkReply, Visibility};
use tokio::io::AsyncWriteExt as _;

use crate::names::NAMES;
use crate::raw::{Answer, HERE, ask, connect, to_the_end};
use crate::script::{KEY, Script, TestRelay, Uploader, hello};

/// A page as who asks without a key gets it.
async fn page(relay: &TestRelay, path: &str) -> crate::script::Whole {
    relay.whole("GET", path, None, None).await
}

/// What a page tells under a name.
fn told<'a>(page: &'a str, name: &str) -> &'a str {
    let begin = format!("=\"{name}\" content=\"");
    let rest = page.split_once(&begin).unwrap_or_else(|| panic!("no {name}: {page}")).1;
    rest.split_once('"').expect("it ends").0
}

/// A picture, and its bytes.
async fn picture(relay: &TestRelay, path: &str, lines: &[&str]) -> (Answer, Vec<u8>) {
    let mut stream = connect(relay.url.trim_start_matches("http://"), HERE).await;
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let head = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let bytes = to_the_end(&mut stream).await;
    let at = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer has a head");
    (Answer::of(&bytes[..at + 4]), bytes[at + 4..].to_vec())
}

/// The address of the picture that a page names, without the relay's own.
fn picture_of(relay: &TestRelay, page: &str) -> String {
    told(page, "og:image").strip_prefix(&relay.url).expect("it is the relay's").to_owned()
}

/// A raid with a fight of so many deltas that goes on.
async fn streaming(relay: &TestRelay, hello: Hello, deltas: usize) -> (Uploader, Script, u32, String) {
    let mut uploader = Uploader::connect_as(relay, KEY, hello).await;
    let fight = Script::new(deltas as u64, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(deltas as u64).await;
    (uploader, fight, begun.h, begun.report)
}

#[tokio::test]
async fn a_link_tells_how_a_fight_stands_and_how_it_ended() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let titled = Hello { title: Some("Guild <3 night".into()), ..hello() };
    let (mut uploader, fight, h, report) = streaming(&relay, titled, 10).await;
    let (raid, channel) = (uploader.welcome.raid.clone(), uploader.welcome.channel_url.clone());
    let channel = channel.rsplit('/').next().unwrap().to_owned();
    for path in [format!("/reports/{report}"), format!("/raids/{raid}"), format!("/live/{channel}")] {
        let page = page(&relay, &path).await;
        let title = told(&page.body, "og:title");
        assert!(title.starts_with("LIVE · Kartgriff") && title.ends_with("Guild &lt;3 night"), "{title}");
        assert!(page.body.contains(&format!("<title>{title} · Raidcast</title>")), "{}", page.body);
        let said = told(&page.body, "og:description");
        assert!(said.contains("Aeris") && said.contains("&lt;b&gt;Böreas&lt;/b&gt;"), "{said}");
        assert_eq!(told(&page.body, "og:url"), format!("{}{path}", relay.url));
        assert_eq!(told(&page.body, "twitter:card"), "summary_large_image");
        let (answer, png) = picture(&relay, &picture_of(&relay, &page.body), &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")), "{answer:?}");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "it is a PNG");
        // Width and height, as its head tells them.
        assert_eq!((&png[16..20], &png[20..24]), (&1_200_u32.to_be_bytes()[..], &630_u32.to_be_bytes()[..]));
    }
    let live = page(&relay, &format!("/reports/{report}")).await;
    assert!(matches!(uploader.end(h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let ended = page(&relay, &format!("/reports/{report}")).await;
    assert!(told(&ended.body, "og:title").starts_with("Kartgriff · Kill in 0:00"), "{}", ended.body);
    // What shows something else has another address, for chats keep what they were given.
    assert_ne!(told(&live.body, "og:image"), told(&ended.body, "og:image"));
    let of_raid = page(&relay, &format!("/raids/{raid}")).await;
    assert_eq!(told(&of_raid.body, "og:title"), "Guild &lt;3 night · 1 fight · 1 kill");
    relay.stop().await;
}

#[tokio::test]
async fn a_picture_is_painted_once_and_who_has_it_is_told_so() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut uploader, fight, h, report) = streaming(&relay, hello(), 10).await;
    assert!(matches!(uploader.end(h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let path = format!("/reports/{report}/picture.png");
    let (first, png) = picture(&relay, &path, &[]).await;
    let (again, same) = picture(&relay, &path, &[]).await;
    assert_eq!((first.status, again.status, &png), (200, 200, &same));
    let metrics = relay.metrics().await.body;
    assert!(metrics.contains("\nraidcast_pictures_made_total 1\n"), "{metrics}");
    // Names are sent in upper case: those of `Answer` are not.
    let name = first.header("etag").expect("it has a name").replace("w/", "W/");
    let (unchanged, nothing) = picture(&relay, &path, &[&format!("If-None-Match: {name}")]).await;
    assert_eq!((unchanged.status, nothing.len()), (304, 0));
    let head = ask(&relay, &format!("HEAD {path}"), &[]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    relay.stop().await;
}

#[tokio::test]
async fn a_page_with_a_head_is_the_same_however_it_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut uploader, fight, h, report) = streaming(&relay, hello(), 10).await;
    assert!(matches!(uploader.end(h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let get = format!("GET /reports/{report}");
    let page = ask(&relay, &get, &[]).await;
    let name = page.header("etag").expect("it has a name").to_owned();
    assert_eq!(page.header("content-length"), Some(page.body.len().to_string().as_str()));
    let head = ask(&relay, &format!("HEAD /reports/{report}"), &[]).await;
    assert_eq!((head.status, head.header("etag"), head.body.as_str()), (200, Some(&*name), ""));
    assert_eq!(head.header("content-length"), page.header("content-length"));
    let unchanged = ask(&relay, &get, &[&format!("If-None-Match: {name}")]).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let brotli = ask(&relay, &get, &["Accept-Encoding: br"]).await;
    assert_eq!((brotli.status, brotli.header("content-encoding")), (200, Some("br")), "{:?}", brotli.head);
    relay.stop().await;
}

#[tokio::test]
async fn of_what_is_private_a_link_tells_nothing_and_its_picture_is_not_there() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let private = Hello { visibility: Visibility::Private, title: Some("Secret night".into()), ..hello() };
    let (uploader, _, _, report) = streaming(&relay, private, 10).await;
    let (raid_url, channel_url) = (uploader.welcome.raid_url.clone(), uploader.welcome.channel_url.clone());
    let page_of = |url: &str| url.strip_prefix(&relay.url).expect("it is the relay's").to_owned();
    let (raid, of_raid) = raid_url.split_once("?ticket=").expect("a private raid's link has a ticket");
    let (channel, of_channel) = channel_url.split_once("?ticket=").expect("so has its channel's");
    for (page, none, ticket) in [
        (format!("/reports/{report}"), "/reports/nothing", of_raid),
        (page_of(raid), "/raids/nothing", of_raid),
        (page_of(channel), "/live/nothing", of_channel),
    ] {
        let hidden = ask(&relay, &format!("GET {page}/picture.png"), &[]).await;
        let not_there = ask(&relay, &format!("GET {none}/picture.png"), &[]).await;
        assert_eq!((hidden.status, hidden.plain()), (404, not_there.plain()), "{page}");
        // A ticket lets somebody in, and what he passes on must not tell others.
        let with = ask(&relay, &format!("GET {page}/picture.png?ticket={ticket}"), &[]).await;
        assert_eq!(with.plain(), not_there.plain(), "{page}");
        for opened in [
            relay.whole("GET", &format!("{page}?ticket={ticket}"), None, None).await,
            relay.whole("GET", &page, Some(KEY), None).await,
        ] {
            assert_eq!(opened.status, 200, "{page}");
            assert!(!opened.body.contains("og:") && !opened.body.contains("Kartgriff"), "{}", opened.body);
            assert!(!opened.body.contains("Secret night") && NAMES.iter().all(|name| !opened.body.contains(name)));
            assert!(opened.head.to_lowercase().contains("x-robots-tag: noindex"), "{}", opened.head);
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn what_is_known_by_its_link_alone_is_kept_out_of_search_engines() {
    use Visibility::{Public, Unlisted};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (_uploader, _, _, report) = streaming(&relay, Hello { visibility: Unlisted, ..hello() }, 10).await;
    for (visibility, is_found) in [(Unlisted, false), (Public, true), (Unlisted, false)] {
        let uploader = Uploader::connect_as(&relay, KEY, Hello { visibility, ..hello() }).await;
        let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
        let raid = uploader.welcome.raid.clone();
        for (path, is_found) in [
            (format!("/reports/{report}"), is_found),
            (format!("/raids/{raid}"), is_found),
            (format!("/live/{channel}"), false),
        ] {
            let page = page(&relay, &path).await;
            let (answer, _) = picture(&relay, &format!("{path}/picture.png"), &[]).await;
            assert_eq!((page.status, answer.status), (200, 200), "{path}");
            assert_eq!(page.body.contains("content=\"noindex\""), !is_found, "{visibility:?} {path}");
            assert_eq!(page.head.to_lowercase().contains("x-robots-tag: noindex"), !is_found, "{visibility:?} {path}");
            assert_eq!(answer.header("x-robots-tag"), (!is_found).then_some("noindex"), "{visibility:?} {path}");
        }
    }
    assert_eq!(ask(&relay, "GET /", &[]).await.header("x-robots-tag"), None);
    relay.stop().await;
}

#[tokio::test]
async fn whoever_asks_a_head_tells_what_everybody_sees() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let hiding = Hello { names: NamesPolicy::Class, ..hello() };
    let (_uploader, _, _, report) = streaming(&relay, hiding, 10).await;
    let path = format!("/reports/{report}");
    let (stranger, owner) = (page(&relay, &path).await, relay.whole("GET", &path, Some(KEY), None).await);
    assert_eq!(stranger.body, owner.body, "a head goes with the link, not with who asks");
    assert!(NAMES.iter().all(|name| !owner.body.contains(name)), "{}", owner.body);
    assert!(told(&owner.body, "og:description").contains("1. "), "players are told without their names");
    relay.stop().await;
}

#[tokio::test]
async fn of_a_raid_with_a_delay_a_link_tells_what_has_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut uploader, fight, h, report) = streaming(&relay, Hello { delay_s: 60, ..hello() }, 10).await;
    let (raid, of_report) = (format!("/raids/{}", uploader.welcome.raid), format!("/reports/{report}"));
    assert_eq!(page(&relay, &of_report).await.status, 404, "it has not begun");
    assert_eq!(picture(&relay, &format!("{of_report}/picture.png"), &[]).await.0.status, 404);
    assert_eq!(told(&page(&relay, &raid).await.body, "og:title"), "Raid · no fight yet");
    relay.pass_ms(61_000);
    assert!(matches!(uploader.end(h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let now = page(&relay, &of_report).await;
    assert!(told(&now.body, "og:title").starts_with("LIVE · Kartgriff"), "its end has not come: {}", now.body);
    assert!(told(&now.body, "og:description").ends_with("(Shown 1:00 late.)"), "{}", now.body);
    assert_eq!(picture(&relay, &format!("{of_report}/picture.png"), &[]).await.0.status, 200);
    relay.pass_ms(61_000);
    let then = page(&relay, &of_report).await;
    assert!(told(&then.body, "og:title").starts_with("Kartgriff · Kill in"), "{}", then.body);
    relay.stop().await;
}

#[tokio::test]
async fn hostile_names_are_text_in_heads_and_pictures() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let hostile = ["\"/><script>alert(1)</script>", "   ", "\u{200b}\u{3164}", "🐉👩\u{200d}🚒\u{feff}'&", "はるか"];
    let mut fights = Vec::new();
    for (nth, name) in hostile.into_iter().enumerate() {
        let hello = Hello { raid: raidcast_shared::id::RaidId(uuid::Uuid::from_u128(100 + nth as u128)), ..hello() };
        let mut uploader = Uploader::connect_as(&relay, KEY, hello).await;
        let mut fight = Script::new(10, 2 + 2 * nth as u128).at(1_790_000_000_000 + nth as i64 * 1_000_000);
        // The player and the boss are called so.
        for (at, actor) in [0, 3].into_iter().enumerate() {
            let boss = (actor == 3).then_some(true);
            let facts = ActorFacts { name: Some(name.into()), boss, ..ActorFacts::of(ActorIx(actor)) };
            let event: Rare = Rare { at_ms: 0, key: SourceKey::new(2, at as u32), body: RareBody::Actor(facts) };
            fight.deltas[1].rare.push(raidcast_shared::codec::encode(&event).into());
        }
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(10).await;
        fights.push((name, begun.report, uploader));
    }
    for (name, report, _uploader) in &fights {
        let page = page(&relay, &format!("/reports/{report}")).await;
        assert!(!page.body.contains("alert(1)</script>"), "{name}: {}", page.body);
        let said = told(&page.body, "og:description");
        assert!(!said.contains(['\u{200b}', '\u{3164}', '\u{feff}', '\u{202e}']), "{name}: {said}");
        if name.trim_matches(['\u{200b}', '\u{3164}', ' ']).is_empty() {
            assert!(said.contains("Unnamed player"), "{name:?}: {said}");
        }
        let (answer, png) = picture(&relay, &format!("/reports/{report}/picture.png"), &[]).await;
        assert!(answer.status == 200 && png.len() > 5_000, "{name}: {answer:?}");
    }
    relay.stop().await;
}
