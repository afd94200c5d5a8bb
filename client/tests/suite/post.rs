//! Old fights in requests: each is told as the relay answers, sent again as often as is promised, and waits otherwise.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::history::{Before, Plan, Tally};
use raidcast::socket::Outage;
use raidcast::source::detect::Places;
use raidcast::status::{Line, Overview, Stand, Why};
use raidcast::uploader::record::{How, NotSent};
use raidcast::uploader::seen_by::SeenBy;
use raidcast::uploader::waiting::Waiting;
use raidcast::uploader::{self, Change, FolderError, Options, Seat, Summary, WatchError};
use raidcast_meterkit::{Generation, MeterWriter, write_all};
use raidcast_shared::uplink::Visibility;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::place::{Client, NOW_MS, Place, party, remove_since};
use crate::relay::{KEY, Relay};
use crate::web::{Asked, Reply, Web};

const BEGAN_MS: i64 = 1_790_001_000_000;

/// So many fights in a database, and no time passes from then on but where all wait for it.
async fn place(fights: u64) -> Place {
    let place = written(fights).await;
    tokio::time::pause();
    place
}

async fn written(fights: u64) -> Place {
    written_as(Generation::Aggregate, fights).await
}

async fn written_as(generation: Generation, fights: u64) -> Place {
    let place = Place::new();
    let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
    for n in 0..fights {
        write_all(&mut writer, &party(n).starting_at(BEGAN_MS + n as i64 * 100_000)).await.unwrap();
    }
    writer.close().await.unwrap();
    place
}

/// So many of [`place`].
async fn places(count: usize, fights: u64) -> Vec<Place> {
    let mut places = Vec::new();
    for _ in 0..count {
        places.push(written(fights).await);
    }
    tokio::time::pause();
    places
}

async fn plan(place: &Place, state: &str, relay: &str, since_ms: Option<i64>) -> Plan {
    Plan::make_whole(Some(&place.db()), &Places::default(), &place.dir.path().join(state), relay, since_ms)
        .await
        .unwrap()
}

async fn options(place: &Place, url: &str, state: &str) -> Options {
    Options {
        clock: Clock::new(|| NOW_MS),
        db: Some(place.db()),
        history: Some(plan(place, state, url, None).await.history(Duration::ZERO)),
        ..Options::new(url, KEY, place.dir.path().join(state))
    }
}

type Told = Arc<Mutex<Vec<Change>>>;

fn start(options: Options) -> (JoinHandle<Result<Summary, WatchError>>, Told, CancellationToken) {
    let (told, shutdown) = (Told::default(), CancellationToken::new());
    let (heard, token) = (told.clone(), shutdown.clone());
    let posting = uploader::post(options, token, move |change| heard.lock().unwrap().push(change));
    (tokio::spawn(posting), told, shutdown)
}

async fn post_as(options: Options) -> (Result<Summary, WatchError>, Tally, Vec<Change>) {
    let (task, told, _) = start(options);
    let result = task.await.unwrap();
    let told = told.lock().unwrap().clone();
    let mut tally = Tally::default();
    for change in &told {
        tally.count(change);
    }
    (result, tally, told)
}

async fn post(place: &Place, web: &Web) -> (Tally, Vec<Change>) {
    let (result, tally, told) = post_as(options(place, &web.url, "state").await).await;
    assert_eq!(
        result.unwrap().complete,
        tally.on_relay() == plan(place, "state", &web.url, None).await.fights.len() as u64
    );
    (tally, told)
}

fn counts(tally: &Tally) -> [u64; 5] {
    [tally.new, tally.known, tally.failed, tally.unsent, tally.stopped]
}

/// When each request came, seconds after the first.
fn seconds(asked: &[Asked]) -> Vec<u64> {
    asked.iter().map(|one| (one.at - asked[0].at).as_secs()).collect()
}

fn status(place: &Place) -> Vec<Line> {
    Overview::read(&place.dir.path().join("state"), NOW_MS).unwrap().fights
}

fn waiting(place: &Place) -> Vec<i64> {
    let waiting = Waiting::load(&place.dir.path().join("state")).unwrap();
    waiting.fights.into_iter().map(|waits| waits.fight.started_at_ms).collect()
}

const BUSY: &str = r#"{"code":"busy","message":"the disk is busy"}"#;

fn busy() -> Reply {
    Reply::Says(503, vec![], BUSY)
}

#[tokio::test]
async fn each_fight_is_sent_once_and_told_with_its_link() {
    let (place, web) = (place(6).await, Web::start().await);
    let (tally, told) = post(&place, &web).await;
    assert_eq!(counts(&tally), [6, 0, 0, 0, 0]);
    {
        let held = web.held();
        assert_eq!((held.asked.len(), held.fights.len()), (6, 6));
        for asked in &held.asked {
            assert_eq!(asked.path, "/api/v1/encounters");
            assert!(asked.head.contains(&format!("x-api-key: {KEY}\r\n")), "{}", asked.head);
            assert!(asked.head.contains("content-encoding: zstd\r\n"), "{}", asked.head);
            assert_eq!(asked.encounter["checksum"].as_str().map(str::len), Some(64));
        }
    }
    for change in &told {
        let Change::Uploaded { fight } = change else { continue };
        assert_eq!(fight.url, Some(format!("http://relay/reports/r{}", fight.started_at_ms)));
        assert!(fight.events > 0 && fight.title.is_some() && fight.result == How::New);
    }
    assert!(status(&place).iter().all(|line| line.state == Stand::OnRelay && line.url.is_some()));
    assert_eq!(waiting(&place), [0; 0]);
    // What is known to be there is not sent again; of another folder the relay knows it.
    assert_eq!(counts(&post(&place, &web).await.0), [0, 6, 0, 0, 0]);
    assert_eq!(web.held().asked.len(), 6);
    let (_, tally, _) = post_as(options(&place, &web.url, "other").await).await;
    assert_eq!((counts(&tally), web.held().asked.len()), ([0, 6, 0, 0, 0], 12));
    let planned = plan(&place, "state", &web.url, None).await;
    let before = planned.before_whole(&place.dir.path().join("state"), &web.url, SeenBy::default()).unwrap();
    assert_eq!(before, Before { there: 6, agreed: 0 });
}

#[tokio::test]
async fn a_fight_is_sent_again_after_one_two_and_four_seconds_and_then_waits() {
    let cases = [
        (vec![busy(), Reply::HangsUp, busy()], [1, 0, 0, 0, 0]),
        // It was kept, and the answer did not come through: it is known.
        (vec![Reply::BreaksOff], [0, 1, 0, 0, 0]),
        (vec![Reply::Says(502, vec![], "<h1>Bad Gateway</h1>"), Reply::BreaksOff, busy()], [0, 1, 0, 0, 0]),
        (vec![busy(), busy(), busy(), busy()], [0, 0, 0, 1, 0]),
    ];
    for (place, (replies, expected)) in places(4, 1).await.into_iter().zip(cases) {
        let web = Web::start().await;
        web.replies(replies.clone());
        let (tally, told) = post(&place, &web).await;
        assert_eq!(counts(&tally), expected, "{replies:?}");
        let asked = seconds(&web.held().asked);
        assert_eq!(asked[..], [0, 1, 3, 7][..asked.len()], "{replies:?}");
        let retried = told.iter().filter(|change| matches!(change, Change::Disconnected { .. })).count();
        assert!(retried > 0 && retried < asked.len().max(2), "{told:?}");
        if expected[3] == 0 {
            continue;
        }
        let why = NotSent::NotNow { why: Outage::Said { text: "the disk is busy".into() }, retry_s: None };
        assert_eq!(tally.reasons, [(why.clone(), 1)]);
        let [line] = &status(&place)[..] else { panic!("one fight") };
        assert_eq!((line.state, &line.why, line.events > 0), (Stand::Waiting, &Some(Why::NotSent(why)), true));
        // It was agreed to, and the next run sends it, whenever it began.
        let late = plan(&place, "state", &web.url, Some(NOW_MS)).await;
        let before = late.before_whole(&place.dir.path().join("state"), &web.url, SeenBy::default()).unwrap();
        assert_eq!((late.fights.len(), before), (1, Before { there: 0, agreed: 1 }));
        assert_eq!(counts(&post(&place, &web).await.0), [1, 0, 0, 0, 0]);
        assert_eq!(waiting(&place), [0; 0]);
    }
}

#[tokio::test]
async fn a_wait_that_the_relay_asks_for_is_kept_up_to_a_minute() {
    let (place, web) = (place(7).await, Web::start().await);
    let after = |line| Reply::Says(429, vec![line], r#"{"code":"too_many","message":"too many fights"}"#);
    web.replies([after("Retry-After: 20")]);
    let one = Options { history: Some(plan_of(&place, &web.url, 1).await), ..options(&place, &web.url, "state").await };
    assert_eq!(counts(&post_as(one).await.1), [1, 0, 0, 0, 0]);
    assert_eq!(seconds(&web.held().asked), [0, 20]);
    // Beyond it this run ends, and what is left is not even tried.
    web.held().asked.clear();
    web.replies(std::iter::repeat_n(after("Retry-After: 3600"), 4));
    let (tally, told) = post(&place, &web).await;
    assert_eq!((counts(&tally), web.held().asked.len()), ([0, 1, 0, 4, 2], 4));
    let why = NotSent::NotNow { why: Outage::Said { text: "too many fights".into() }, retry_s: Some(3_600) };
    let stopped =
        |change: &Change| matches!(change, Change::Stopped { fights, why: told } if (fights.len(), told) == (2, &why));
    assert!(told.iter().any(stopped), "{told:?}");
    assert_eq!(waiting(&place).len(), 6);
    assert_eq!(status(&place).iter().filter(|line| line.state == Stand::Waiting).count(), 6);
    // Without a time it is not tried again, and waits.
    web.held().asked.clear();
    web.replies(std::iter::repeat_n(Reply::Says(429, vec![], "slow down"), 4));
    assert_eq!((counts(&post(&place, &web).await.0)[3], web.held().asked.len()), (4, 4));
    assert_eq!(counts(&post(&place, &web).await.0), [6, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_fight_that_is_not_taken_now_holds_up_no_other() {
    // It is given up while nobody has answered any other yet.
    let cases = [
        (Reply::Says(503, vec!["Retry-After: 1"], BUSY), 5, Some(1)),
        (Reply::Says(503, vec!["Retry-After: 60"], BUSY), 5, Some(60)),
        (busy(), 10, None),
        (Reply::Says(502, vec!["Retry-After: 2"], "<h1>Bad Gateway</h1>"), 10, Some(2)),
        (Reply::HangsUp, 10, None),
    ];
    for (place, (reply, slow_s, retry_s)) in places(5, 9).await.into_iter().zip(cases) {
        let web = Web::start().await;
        web.held().slow = Duration::from_secs(slow_s);
        web.held().of_fight.insert(BEGAN_MS + 100_000, reply.clone());
        let (tally, told) = post(&place, &web).await;
        assert_eq!((counts(&tally), web.held().asked.len()), ([8, 0, 0, 1, 0], 12), "{reply:?}");
        let [(NotSent::NotNow { retry_s: told_s, .. }, 1)] = &tally.reasons[..] else { panic!("{told:?}") };
        assert_eq!((*told_s, waiting(&place)), (retry_s, vec![BEGAN_MS + 100_000]), "{reply:?}");
    }
}

#[tokio::test]
async fn a_time_to_come_back_may_be_a_date_by_the_clock_of_who_says_so() {
    let (place, web) = (place(1).await, Web::start().await);
    let at = |lines| Reply::Says(503, lines, BUSY);
    // Its clock stands years before this one's; and a date that is over is now.
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT";
    web.replies([
        at(vec!["Retry-After: Sun, 06 Nov 1994 08:49:57 GMT", date]),
        at(vec!["Retry-After: Sun, 06 Nov 1994 08:49:30 GMT", date]),
    ]);
    assert_eq!(counts(&post(&place, &web).await.0), [1, 0, 0, 0, 0]);
    assert_eq!(seconds(&web.held().asked), [0, 20, 20]);
}

#[tokio::test]
async fn a_time_that_no_number_can_hold_is_long() {
    let (place, web) = (place(1).await, Web::start().await);
    web.replies([Reply::Says(503, vec!["Retry-After: 99999999999999999999999"], BUSY)]);
    let (tally, _) = post(&place, &web).await;
    assert_eq!((counts(&tally), web.held().asked.len()), ([0, 0, 0, 1, 0], 1));
    let [(NotSent::NotNow { retry_s: Some(31_536_000), .. }, 1)] = &tally.reasons[..] else { panic!("{tally:?}") };
}

/// An upload of the first fights.
async fn plan_of(place: &Place, url: &str, fights: usize) -> raidcast::history::History {
    let mut planned = plan(place, "state", url, None).await;
    planned.fights.truncate(fights);
    planned.history(Duration::ZERO)
}

#[tokio::test]
async fn what_the_relay_does_not_take_is_refused_in_its_words_and_the_others_go_on() {
    let (place, web) = (place(5).await, Web::start().await);
    let wrong = r#"{"code":"bad_request","message":"not so","details":["players[0].actorId: 0 is nobody"]}"#;
    web.replies([
        Reply::Says(400, vec!["Retry-After: 1"], wrong),
        Reply::Says(413, vec![], "<h1>Request Entity Too Large</h1>"),
    ]);
    let (tally, told) = post(&place, &web).await;
    assert_eq!((counts(&tally), web.held().asked.len()), ([3, 0, 2, 0, 0], 5));
    let whys: Vec<_> = told
        .iter()
        .filter_map(|change| if let Change::Failed { fight } = change { fight.why.clone() } else { None })
        .collect();
    let not_taken =
        |status, text: Option<&str>, details| NotSent::NotTaken { status, text: text.map(Into::into), details };
    let details = vec!["players[0].actorId: 0 is nobody".to_owned()];
    assert!(whys.contains(&not_taken(400, Some("not so"), details)), "{whys:?}");
    assert!(whys.contains(&not_taken(413, None, vec![])), "{whys:?}");
    assert_eq!(status(&place).iter().filter(|line| line.state == Stand::Refused).count(), 2);
    // They do not wait; whoever asks for them again has them sent again.
    assert_eq!(waiting(&place), [0; 0]);
    assert_eq!(counts(&post(&place, &web).await.0), [2, 3, 0, 0, 0]);
}

#[tokio::test]
async fn a_relay_that_is_mute_is_given_thirty_seconds_each_time() {
    let (place, web) = (place(6).await, Web::start().await);
    web.replies(std::iter::repeat_n(Reply::IsMute, 16));
    let (tally, _) = post(&place, &web).await;
    // Nobody answered any of the four: the others are not tried.
    assert_eq!((counts(&tally), web.held().asked.len()), ([0, 0, 0, 4, 2], 16));
    let of_one: Vec<_> = {
        let held = web.held();
        let first = held.asked[0].encounter["startedAtMs"].clone();
        held.asked.iter().filter(|asked| asked.encounter["startedAtMs"] == first).cloned().collect()
    };
    assert_eq!(seconds(&of_one), [0, 31, 63, 97]);
    // What it kept all the same is known.
    assert_eq!(counts(&post(&place, &web).await.0), [2, 4, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_no_relay_is_asked_once_and_all_wait() {
    let cases = [
        (Reply::Says(200, vec!["Content-Type: text/html"], "<html>Log in</html>"), "unexpected"),
        (Reply::Says(404, vec![], "<h1>Not Found</h1>"), "no relay"),
        (Reply::Says(302, vec!["Location: https://elsewhere.example/api/v1/encounters"], ""), "moved"),
        (Reply::Says(403, vec![], "<h1>Forbidden</h1>"), "proxy"),
    ];
    for (place, (reply, expected)) in places(4, 6).await.into_iter().zip(cases) {
        let web = Web::start().await;
        web.replies(std::iter::repeat_n(reply, 4));
        let (tally, _) = post(&place, &web).await;
        assert_eq!((counts(&tally), web.held().asked.len()), ([0, 0, 0, 4, 2], 4), "{expected}");
        let [(NotSent::NotNow { why, retry_s: None }, 6)] = &tally.reasons[..] else { panic!("{:?}", tally.reasons) };
        let is_so = match why {
            Outage::Unexpected { status: 200, .. } => expected == "unexpected",
            Outage::NoRelay { status: 404, .. } => expected == "no relay",
            Outage::Moved { to, .. } => expected == "moved" && to.as_deref() == Some("https://elsewhere.example"),
            Outage::Proxy { status: 403, .. } => expected == "proxy",
            _ => false,
        };
        assert!(is_so, "{expected}: {why:?}");
        assert_eq!(waiting(&place).len(), 6);
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_at_once_and_not_as_one_that_was_waited_for() {
    let (place, web) = (place(1).await, Web::start().await);
    let options = options(&place, &web.url, "state").await;
    std::fs::remove_file(place.db()).unwrap();
    let error = post_as(options).await.0.unwrap_err();
    assert!(matches!(error, WatchError::NoMeter { after: Duration::ZERO, .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_so_and_all_wait() {
    let place = place(1).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (result, tally, _) = post_as(options(&place, &url, "state").await).await;
    assert!(!result.unwrap().complete);
    let [(NotSent::NotNow { why: Outage::NotListening { .. }, retry_s: None }, 1)] = &tally.reasons[..] else {
        panic!("{:?}", tally.reasons)
    };
    assert_eq!(waiting(&place).len(), 1);
}

#[tokio::test]
async fn http_and_https_are_not_taken_for_each_other() {
    let place = written(1).await;
    // A server of each kind, and what it says to who speaks the other one.
    let speaks = async |says: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(says).await;
                while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
            }
        });
        (address, serving)
    };
    let (http, serving_http) = speaks(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (https, serving_https) = speaks(b"\x15\x03\x01\x00\x02\x02\x46").await;
    for (url, expected) in
        [(format!("https://{http}"), Outage::SpeaksHttp), (format!("http://{https}"), Outage::SpeaksHttps)]
    {
        let (_, tally, told) = post_as(options(&place, &url, "state").await).await;
        assert_eq!(tally.reasons, [(NotSent::NotNow { why: expected, retry_s: None }, 1)]);
        // Nobody's waiting mends that.
        assert!(!told.iter().any(|change| matches!(change, Change::Disconnected { .. })));
    }
    serving_http.abort();
    serving_https.abort();
}

#[tokio::test]
async fn a_key_that_may_not_upload_ends_the_upload() {
    for (place, (status, code)) in places(2, 2).await.into_iter().zip([(401, "unauthorized"), (403, "forbidden")]) {
        let web = Web::start().await;
        let body = if status == 401 {
            r#"{"code":"unauthorized","message":"no such key"}"#
        } else {
            r#"{"code":"forbidden","message":"this key may read alone"}"#
        };
        web.replies([Reply::Says(status, vec![], body), Reply::Says(status, vec![], body)]);
        let (result, tally, _) = post_as(options(&place, &web.url, "state").await).await;
        let error = result.unwrap_err();
        assert_eq!((error.exit_code(), counts(&tally)), (2, [0; 5]), "{code}");
        assert!(matches!(
            (status, &error),
            (401, WatchError::Unauthorized { .. }) | (403, WatchError::Forbidden { .. })
        ));
        assert_eq!(waiting(&place).len(), 2);
        assert_eq!(counts(&post(&place, &web).await.0), [2, 0, 0, 0, 0]);
    }
}

/// The relay has a fight, and the client was killed before it knew.
#[tokio::test]
async fn whoever_is_killed_between_answer_and_folder_sends_again_what_is_known_then() {
    let (place, web) = (place(3).await, Web::start().await);
    web.replies([Reply::IsMute, Reply::IsMute, Reply::IsMute]);
    let (task, told, _) = start(options(&place, &web.url, "state").await);
    web.asked(3).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(web.held().fights.len(), 3);
    // Nothing is told as arrived that the relay has not answered for.
    assert!(!told.lock().unwrap().iter().any(|change| matches!(change, Change::Uploaded { .. })));
    let lines = status(&place);
    assert!(lines.iter().all(|line| (line.state, &line.why) == (Stand::Waiting, &Some(Why::NotPosted))), "{lines:?}");
    assert_eq!(counts(&post(&place, &web).await.0), [0, 3, 0, 0, 0]);
    assert_eq!((web.held().fights.len(), waiting(&place).len()), (3, 0));
}

/// Killed behind any of its writes: the folder's files as they were after each.
#[tokio::test]
async fn a_fight_that_both_files_name_is_not_sent_again() {
    let (place, web) = (place(1).await, Web::start().await);
    let waiting_file = place.dir.path().join("state/waiting.json");
    web.replies([Reply::IsMute]);
    let (task, ..) = start(options(&place, &web.url, "state").await);
    web.asked(1).await;
    task.abort();
    let _ = task.await;
    let before = std::fs::read(&waiting_file).unwrap();
    assert_eq!(counts(&post(&place, &web).await.0), [0, 1, 0, 0, 0]);
    std::fs::write(&waiting_file, before).unwrap();
    assert!(status(&place).iter().all(|line| line.state == Stand::OnRelay));
    let sent = web.held().asked.len();
    assert_eq!(counts(&post(&place, &web).await.0), [0, 1, 0, 0, 0]);
    assert_eq!((web.held().asked.len(), waiting(&place).len()), (sent, 0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_deleted_meanwhile_is_made_anew_and_never_written_to_where_another_client_has_it() {
    for is_anothers in [false, true] {
        let web = Web::start().await;
        let place = written(6).await;
        tokio::time::pause();
        let state = place.dir.path().join("state");
        web.replies([Reply::IsMute, Reply::IsMute, Reply::IsMute, Reply::IsMute]);
        let (task, ..) = start(options(&place, &web.url, "state").await);
        web.asked(4).await;
        std::fs::rename(&state, place.dir.path().join("away")).unwrap();
        let other = is_anothers.then(|| Seat::take(&state).unwrap());
        let result = task.await.unwrap();
        if is_anothers {
            let error = result.unwrap_err();
            assert!(matches!(error, WatchError::Folder(FolderError::Deleted { .. })), "{error}");
            let is_there = |file: &str| state.join(file).exists();
            assert!(!is_there("waiting.json") && !is_there("record.json") && !is_there("history"));
        } else {
            assert!(result.unwrap().complete);
            assert_eq!((status(&place).len(), waiting(&place).len()), (6, 0));
            assert!(status(&place).iter().all(|line| line.state == Stand::OnRelay));
        }
        drop(other);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn four_are_sent_at_once_and_an_end_leaves_the_rest_waiting() {
    let (place, web) = (place(9).await, Web::start().await);
    web.held().slow = Duration::from_secs(2);
    let (task, told, shutdown) = start(options(&place, &web.url, "state").await);
    web.asked(4).await;
    while !told.lock().unwrap().iter().any(|change| matches!(change, Change::Uploaded { .. })) {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    let summary = task.await.unwrap().unwrap();
    assert_eq!((summary.fights, summary.complete, web.held().at_once), (9, false, 4));
    assert_eq!(summary.finalized + summary.unacknowledged, 9);
    web.held().slow = Duration::ZERO;
    let (tally, _) = post(&place, &web).await;
    assert_eq!((tally.on_relay(), web.held().fights.len()), (9, 9));
}

#[tokio::test]
async fn fights_that_the_meter_removes_meanwhile_are_not_sent() {
    let mut places = Vec::new();
    for generation in Generation::ALL {
        places.push((generation, written_as(generation, 7).await));
    }
    tokio::time::pause();
    for (generation, place) in places {
        let web = Web::start().await;
        web.held().slow = Duration::from_secs(2);
        let (task, told, _) = start(options(&place, &web.url, "state").await);
        web.asked(4).await;
        // Four are on their way; of the others nothing is read yet.
        remove_since(&place.db(), BEGAN_MS + 400_000);
        assert!(!task.await.unwrap().unwrap().complete, "{generation:?}");
        let told = told.lock().unwrap().clone();
        let mut tally = Tally::default();
        for change in &told {
            tally.count(change);
        }
        assert_eq!((counts(&tally), web.held().asked.len()), ([4, 0, 3, 0, 0], 4), "{generation:?}");
        assert_eq!(tally.reasons, [(NotSent::Removed, 3)], "{generation:?}");
        assert_eq!(waiting(&place), [0; 0]);
        let is_gone = |line: &&Line| (line.state, &line.why) == (Stand::Refused, &Some(Why::NotSent(NotSent::Removed)));
        assert_eq!(status(&place).iter().filter(is_gone).count(), 3, "{generation:?}");
    }
}

#[tokio::test]
async fn a_folder_that_a_watch_uses_is_not_used() {
    let (place, web) = (Place::new(), Web::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(1).starting_at(BEGAN_MS)).await.unwrap();
    let relay = Relay::start().await;
    let client = Client::start(Options { until_idle: None, ..place.options(&relay) });
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let (result, ..) = post_as(options(&place, &web.url, "state").await).await;
    assert!(matches!(result.unwrap_err(), WatchError::Folder(FolderError::InUse { .. })));
    client.end().await;
    // What the watch has sent to this relay is known by its folder.
    let (_, tally, _) = post_as(options(&place, &relay.url, "state").await).await;
    assert_eq!(counts(&tally), [0, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_fight_that_waits_is_seen_by_those_who_were_to_see_it() {
    let (place, web) = (place(1).await, Web::start().await);
    web.replies(std::iter::repeat_n(busy(), 4));
    let asked = Options { visibility: Some(Visibility::Private), ..options(&place, &web.url, "state").await };
    assert_eq!(counts(&post_as(asked).await.1), [0, 0, 0, 1, 0]);
    assert_eq!(counts(&post(&place, &web).await.0), [1, 0, 0, 0, 0]);
    let held = web.held();
    assert!(held.asked.iter().all(|asked| asked.path == "/api/v1/encounters?visibility=private"));
}

#[tokio::test]
async fn a_fight_that_nobody_asks_for_now_keeps_its_visibility() {
    let (place, web) = (place(4).await, Web::start().await);
    let paths = |web: &Web| {
        let held = web.held();
        let paths = held.asked.iter().map(|asked| (asked.encounter["startedAtMs"].as_i64().unwrap(), &asked.path));
        paths.map(|(at, path)| ((at - BEGAN_MS) / 100_000, path.rsplit('=').next().unwrap().to_owned())).collect()
    };
    let state = place.dir.path().join("state");
    let until_now = async |visibility, since_ms| {
        let planned = plan(&place, "state", &web.url, since_ms).await;
        let before = planned.before_whole(&state, &web.url, SeenBy { visibility, ..SeenBy::default() }).unwrap();
        let history = Some(planned.history(Duration::ZERO));
        let tally = post_as(Options { visibility, history, ..options(&place, &web.url, "state").await }).await.1;
        (before, counts(&tally))
    };
    web.replies(std::iter::repeat_n(Reply::Says(429, vec![], "slow down"), 8));
    let nobody = Before::default();
    assert_eq!(until_now(Some(Visibility::Private), None).await, (nobody, [0, 0, 0, 4, 0]));
    // Only the newest is asked for, to be seen by everybody. Nobody takes any.
    let newest = Some(BEGAN_MS + 300_000);
    let but_one = Before { there: 0, agreed: 3 };
    assert_eq!(until_now(Some(Visibility::Public), newest).await, (but_one, [0, 0, 0, 4, 0]));
    web.held().asked.clear();
    assert_eq!(until_now(None, newest).await, (Before { there: 0, agreed: 4 }, [4, 0, 0, 0, 0]));
    let mut seen: Vec<(i64, String)> = paths(&web);
    seen.sort();
    let expected = [(0, "private"), (1, "private"), (2, "private"), (3, "public")];
    assert_eq!(seen, expected.map(|(n, seen)| (n, seen.to_owned())));
}

#[tokio::test]
async fn of_two_fights_that_began_in_the_same_ms_the_second_is_not_taken_for_the_first() {
    let (place, web) = (Place::new(), Web::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    let first = party(1).starting_at(BEGAN_MS);
    let mut second = party(2).starting_at(BEGAN_MS);
    second.local_player_id = first.local_player_id;
    for fight in [first, second] {
        write_all(&mut writer, &fight).await.unwrap();
    }
    let (tally, _) = post(&place, &web).await;
    assert_eq!((counts(&tally), &tally.reasons[..]), ([1, 0, 1, 0, 0], &[(NotSent::Nameless, 1)][..]));
}
