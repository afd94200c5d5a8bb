//! Nights are told in a chat by one message that edits itself: to a stand-in for Discord, which takes what that takes.

use std::path::Path;

use raidcast_relay::discord::WebhookHost;
use raidcast_relay::limits::WEBHOOK_TRIES_MAX;
use raidcast_store::JobKind;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chat::{Chat, TOKEN, Trouble};
use crate::encounters::encounter;
use crate::raw::{becomes, is_put_off};
use crate::same_fight::{as_the_other_saw_it, upload};
use crate::script::{KEY, OTHER_KEY, READ_KEY, TestRelay};

/// A relay that sends to stand-ins.
async fn relay_of(data: &Path, chats: &[&Chat]) -> TestRelay {
    let hosts: Vec<WebhookHost> = chats.iter().map(|chat| chat.server().parse().unwrap()).collect();
    TestRelay::start_set(data, |config| config.webhook_hosts = hosts).await
}

/// A relay that sends to one stand-in, and where it keeps what it has.
async fn relay_and_chat() -> (TempDir, Chat, TestRelay) {
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &[&chat]).await;
    (data, chat, relay)
}

/// Where the webhook of an account's channel is seen to.
async fn path(relay: &TestRelay, account: &str) -> String {
    // Made now, where nothing was uploaded yet.
    let channel = relay.store.account(account, &format!("channel-of-{account}")).await.unwrap().channel;
    format!("/api/v1/live/{channel}/webhook")
}

async fn set(relay: &TestRelay, (account, key): (&str, &str), url: &str) {
    let form = json!({"url": url});
    let (status, set) = relay.send("PUT", &path(relay, account).await, Some(key), Some(&form)).await;
    assert_eq!((status, &set["webhook"]["stopped"]), (200, &Value::Null), "{set}");
}

const ANA: (&str, &str) = ("default", KEY);
const BO: (&str, &str) = ("other", OTHER_KEY);

/// The fight some minutes later.
fn fight(minutes: i64) -> Value {
    later(encounter(100, false), minutes)
}

fn later(mut body: Value, minutes: i64) -> Value {
    for at in ["startedAtMs", "endedAtMs"] {
        body[at] = json!(body[at].as_i64().unwrap() + minutes * 60_000);
    }
    body
}

/// What is told of the webhook of an account's channel.
async fn state(relay: &TestRelay, (account, key): (&str, &str)) -> Value {
    let (status, state) = relay.get_with(&path(relay, account).await, Some(key)).await;
    assert_eq!(status, 200, "{state}");
    state["webhook"].clone()
}

/// Shows a raid to others from now on, or to nobody.
async fn show(relay: &TestRelay, raid: &str, visibility: &str) {
    let (path, form) = (format!("/api/v1/raids/{raid}"), json!({"visibility": visibility}));
    let (status, body) = relay.send("PATCH", &path, Some(KEY), Some(&form)).await;
    assert_eq!(status, 200, "{body}");
}

/// A fight of this minute is uploaded, to be seen by who has its link, and told; its report.
async fn fought(relay: &TestRelay, key: &str, minutes: i64) -> String {
    let report = upload(relay, key, "unlisted", &fight(minutes)).await;
    is_told(relay).await;
    report
}

/// Waits until all that is kept is derived, so that what is to be told of it is written down.
async fn is_derived(relay: &TestRelay) {
    becomes("all to be derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

/// The same, and told.
async fn is_told(relay: &TestRelay) {
    is_derived(relay).await;
    becomes("all to be told", async || relay.store.jobs(JobKind::Webhook).await.unwrap().count == 0).await;
}

#[tokio::test]
async fn a_night_is_one_message_that_edits_itself_and_names_nobody() {
    let (_data, chat, relay) = relay_and_chat().await;
    fought(&relay, KEY, 0).await;
    assert_eq!(chat.asked(), Vec::<String>::new(), "nobody wants it told");
    set(&relay, ANA, &chat.webhook(1)).await;
    let mut reports = Vec::new();
    for minutes in [3, 6, 9] {
        reports.push(fought(&relay, KEY, minutes).await);
    }
    assert_eq!(chat.asked(), ["POST", "PATCH", "PATCH"]);
    let lines = chat.lines();
    assert_eq!(lines.len(), 4, "those of before, too: {lines:?}");
    let last = format!("({}/reports/{})", relay.url, reports[2]);
    assert!(lines[3].starts_with("**4** Kartgriff · [") && lines[3].ends_with(&last), "{lines:?}");
    let title = chat.embeds()[0]["title"].as_str().unwrap().to_owned();
    assert!(title.contains(" · 4 fights"), "{title}");
    for name in ["Aeris", "Böreas", "DROP TABLE"] {
        assert!(!chat.text().contains(name), "{}", chat.text());
    }
    // The same once more changes nothing; a fight that is deleted does.
    upload_again(&relay, &fight(9)).await;
    is_told(&relay).await;
    assert_eq!(chat.asked().len(), 3);
    let (status, _) = relay.request("DELETE", &format!("/api/v1/reports/{}", reports[2]), Some(KEY)).await;
    assert_eq!(status, 200);
    becomes("it to be taken out", async || chat.lines().len() == 3).await;
    relay.stop().await;
}

async fn upload_again(relay: &TestRelay, body: &Value) {
    let (status, receipt) = relay.send("POST", crate::encounters::PATH, Some(KEY), Some(body)).await;
    assert_eq!(status, 200, "{receipt}");
}

#[tokio::test]
async fn of_two_uploaders_of_one_night_one_message_tells() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    set(&relay, BO, &chat.webhook(1)).await;
    upload(&relay, KEY, "unlisted", &encounter(100, true)).await;
    is_told(&relay).await;
    upload(&relay, OTHER_KEY, "unlisted", &as_the_other_saw_it()).await;
    is_told(&relay).await;
    assert_eq!((chat.asked().len(), chat.lines().len()), (1, 1), "nothing new is to be told");
    // What one of them alone saw stands there, too.
    fought(&relay, OTHER_KEY, 30).await;
    assert_eq!((chat.asked(), chat.lines().len()), (vec!["POST".to_owned(), "PATCH".to_owned()], 2));
    relay.stop().await;
}

/// That both are of one night would say who is behind the numbers.
#[tokio::test]
async fn a_raid_that_hides_players_is_told_apart_from_one_that_names_them() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    set(&relay, BO, &chat.webhook(1)).await;
    upload(&relay, KEY, "unlisted", &encounter(100, true)).await;
    is_told(&relay).await;
    upload(&relay, OTHER_KEY, "unlisted&names=class", &as_the_other_saw_it()).await;
    is_told(&relay).await;
    assert_eq!((chat.asked(), chat.embeds().len()), (vec!["POST".to_owned(), "POST".to_owned()], 2));
    assert!(!chat.text().contains("Aeris"), "{}", chat.text());
    relay.stop().await;
}

#[tokio::test]
async fn what_is_private_is_not_told_and_what_becomes_private_is_taken_back() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    upload(&relay, KEY, "private", &fight(0)).await;
    // Nor what is over for more than a day.
    fought(&relay, KEY, -1_500).await;
    assert_eq!(chat.asked(), Vec::<String>::new());
    let shown = upload(&relay, KEY, "public", &fight(5)).await;
    is_told(&relay).await;
    assert_eq!(chat.lines().len(), 1);
    let raid = relay.report(&shown).await.raid;
    show(&relay, &raid, "private").await;
    becomes("it to be taken back", async || chat.embeds().is_empty()).await;
    is_told(&relay).await;
    show(&relay, &raid, "unlisted").await;
    becomes("it to be told again", async || chat.lines().len() == 1).await;
    assert_eq!(chat.asked(), ["POST", "DELETE", "POST"]);
    // What is deleted goes from there, too.
    is_told(&relay).await;
    assert_eq!(relay.request("DELETE", &format!("/api/v1/raids/{raid}"), Some(KEY)).await.0, 200);
    becomes("it to be taken back", async || chat.embeds().is_empty()).await;
    is_told(&relay).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_webhook_that_takes_nothing_stops_and_says_why() {
    let (_data, chat, relay) = relay_and_chat().await;
    let mut minutes = 0;
    for (trouble, why) in [
        (Trouble::Refused(404, 10_015), "gone"),
        (Trouble::Refused(401, 50_027), "refused"),
        (Trouble::Refused(403, 50_013), "refused"),
    ] {
        set(&relay, ANA, &chat.webhook(1)).await;
        chat.trouble(trouble);
        minutes += 5;
        fought(&relay, KEY, minutes).await;
        let told = state(&relay, ANA).await;
        assert_eq!((&told["stopped"], &told["host"]), (&json!(why), &json!("127.0.0.1")));
        assert!(told["stoppedAtMs"].is_i64(), "{told}");
        // It is left alone.
        let asked = chat.asked().len();
        minutes += 5;
        fought(&relay, KEY, minutes).await;
        assert_eq!(chat.asked().len(), asked);
    }
    set(&relay, ANA, &chat.webhook(1)).await;
    fought(&relay, KEY, 60).await;
    assert_eq!(chat.lines().len(), 7);
    // A message that somebody deleted there is made anew.
    chat.clear();
    fought(&relay, KEY, 65).await;
    assert_eq!(chat.lines().len(), 8);
    relay.stop().await;
}

/// A fight is told of in vain, as often as within a day, and then once more; another one is fought meanwhile.
async fn is_not_taken_for_a_day(relay: &TestRelay, chat: &Chat, minutes: i64) {
    // As where its thread was archived.
    for _ in 0..2 {
        chat.trouble(Trouble::Refused(400, 50_083));
    }
    upload(relay, KEY, "unlisted", &fight(minutes)).await;
    is_derived(relay).await;
    is_put_off(relay, JobKind::Webhook).await;
    assert_eq!(state(relay, ANA).await["stopped"], Value::Null, "it is tried for a day");
    let account = relay.store.account("default", "").await.unwrap().id;
    let job = relay.store.job_of(JobKind::Webhook, account, None).await.unwrap().expect("it waits");
    relay.store.put_off_job(job.key, 0, WEBHOOK_TRIES_MAX - 1, "").await.unwrap();
    fought(relay, KEY, minutes + 5).await;
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_after_a_day_and_stops_a_webhook_that_takes_nothing_else() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    is_not_taken_for_a_day(&relay, &chat, 5).await;
    assert_eq!((&state(&relay, ANA).await["stopped"], chat.lines().len()), (&json!("not_taken"), 0));
    set(&relay, ANA, &chat.webhook(1)).await;
    fought(&relay, KEY, 20).await;
    is_not_taken_for_a_day(&relay, &chat, 25).await;
    assert_eq!(state(&relay, ANA).await["stopped"], Value::Null, "others were taken");
    // What is fought next is told, with what was not taken.
    fought(&relay, KEY, 40).await;
    assert_eq!(chat.lines().len(), 6);
    relay.stop().await;
}

/// As where another secret is in its folder, or its server is named no more.
#[tokio::test]
async fn a_webhook_whose_address_is_of_no_use_any_more_says_that_it_must_be_set_again() {
    let (data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    relay.stop().await;
    let relay = relay_of(data.path(), &[]).await;
    fought(&relay, KEY, 0).await;
    assert_eq!((&state(&relay, ANA).await["stopped"], chat.asked().len()), (&json!("lost"), 0));
    let test = format!("{}/test", path(&relay, "default").await);
    let (status, error) = relay.send("POST", &test, Some(KEY), None).await;
    assert!(status == 409 && error["message"].as_str().unwrap().contains("set it again"), "{status} {error}");
    relay.stop().await;
}

/// Where somebody has it still; else nothing can be changed there.
#[tokio::test]
async fn what_stands_in_a_webhook_that_was_replaced_is_taken_back_or_kept_true() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    set(&relay, BO, &chat.webhook(1)).await;
    let report = fought(&relay, KEY, 0).await;
    let raid = relay.report(&report).await.raid;
    set(&relay, ANA, &chat.webhook(2)).await;
    fought(&relay, KEY, 5).await;
    assert_eq!((chat.asked(), chat.lines().len()), (["POST", "DELETE", "POST"].map(str::to_owned).to_vec(), 2));
    // Nobody has the second one any more.
    set(&relay, ANA, &chat.webhook(1)).await;
    fought(&relay, KEY, 10).await;
    assert_eq!((chat.asked().len(), chat.embeds().len()), (4, 2));
    // A night of before yesterday gets no message of its own: its old one is edited, and taken back where it is private.
    set(&relay, ANA, &chat.webhook(3)).await;
    relay.pass_ms(30 * 3_600_000);
    assert_eq!(relay.request("DELETE", &format!("/api/v1/reports/{report}"), Some(KEY)).await.0, 200);
    becomes("it to be edited", async || chat.asked().len() == 5).await;
    is_told(&relay).await;
    show(&relay, &raid, "private").await;
    becomes("it to be taken back", async || chat.asked().len() == 6).await;
    is_told(&relay).await;
    assert_eq!((&chat.asked()[4..], chat.embeds().len()), (&["PATCH", "DELETE"].map(str::to_owned)[..], 1));
    relay.stop().await;
}

#[tokio::test]
async fn it_waits_for_as_long_as_it_is_told_and_loses_nothing() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    // Refused, used up, down, led elsewhere: each time nothing comes before its time, and then all of it.
    let waits = [
        (Trouble::Limited(30.5), 31_000),
        (Trouble::UsedUp(40.0), 40_000),
        (Trouble::Refused(502, 0), 10_000),
        (Trouble::Elsewhere, 10_000),
    ];
    let mut fights = 0;
    for (trouble, wait_ms) in waits {
        chat.trouble(trouble);
        let before = chat.asked().len();
        for _ in 0..2 {
            fights += 1;
            upload(&relay, KEY, "unlisted", &fight(fights)).await;
            is_derived(&relay).await;
            becomes("it to be asked", async || chat.asked().len() == before + 1).await;
        }
        is_put_off(&relay, JobKind::Webhook).await;
        assert_eq!(chat.asked().len(), before + 1, "{trouble:?}");
        relay.pass_ms(wait_ms);
        fights += 1;
        // Whoever waits for the time looks again when more comes.
        fought(&relay, KEY, fights).await;
        assert_eq!(chat.lines().len(), fights as usize, "{trouble:?}");
    }
    relay.stop().await;
}

/// What stands before a server speaks for all of its webhooks, and for none of another server; and says of none that it is
/// gone.
#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_holds_up_no_other() {
    let (data, one, other) = (tempfile::tempdir().unwrap(), Chat::start().await, Chat::start().await);
    let relay = relay_of(data.path(), &[&one, &other]).await;
    set(&relay, ANA, &one.webhook(1)).await;
    set(&relay, BO, &other.webhook(2)).await;
    one.trouble(Trouble::Before(429));
    upload(&relay, KEY, "unlisted", &fight(0)).await;
    is_derived(&relay).await;
    becomes("it to be asked", async || one.asked().len() == 1).await;
    upload(&relay, OTHER_KEY, "unlisted", &fight(5)).await;
    becomes("the other to be told", async || other.lines().len() == 1).await;
    for status in [403, 404] {
        one.trouble(Trouble::Before(status));
    }
    for (tries, minutes) in [(2, 10), (3, 15), (4, 20)] {
        // Its time is reckoned from when it is written down.
        is_put_off(&relay, JobKind::Webhook).await;
        relay.pass_ms(60_000);
        upload(&relay, KEY, "unlisted", &fight(minutes)).await;
        becomes("it to be asked again", async || one.asked().len() >= tries).await;
    }
    is_told(&relay).await;
    assert_eq!((one.lines().len(), other.asked().len()), (4, 1));
    relay.stop().await;
}

/// As where the relay dies between sending a message and noting it.
#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_once_more_and_no_third_time() {
    let (_data, chat, relay) = relay_and_chat().await;
    set(&relay, ANA, &chat.webhook(1)).await;
    chat.trouble(Trouble::Unsaid);
    upload(&relay, KEY, "unlisted", &fight(0)).await;
    is_derived(&relay).await;
    becomes("it to be sent", async || chat.embeds().len() == 1).await;
    let relay = relay.restart().await;
    relay.pass_ms(180_000);
    for minutes in [5, 10] {
        fought(&relay, KEY, minutes).await;
    }
    // The second may come before the next fight is derived, or with it.
    let asked = chat.asked();
    assert_eq!(asked[..2], ["POST", "POST"]);
    assert!(asked.len() > 2 && asked[2..].iter().all(|method| method == "PATCH"), "{asked:?}");
    let lines: Vec<_> =
        chat.embeds().iter().map(|embed| embed["description"].as_str().unwrap().lines().count()).collect();
    assert_eq!(lines, [1, 3]);
    relay.stop().await;
}

#[tokio::test]
async fn a_webhook_is_its_owners_and_its_address_is_told_nobody() {
    let (data, chat, relay) = relay_and_chat().await;
    let (path, test) = (path(&relay, "default").await, format!("{}/test", path(&relay, "default").await));
    let url = chat.webhook(1);
    for bad in
        ["", "https://evil.example/api/webhooks/1/a", "http://127.0.0.1:1/api/webhooks/1/a", &format!("{url}/slack")]
    {
        let (status, error) = relay.send("PUT", &path, Some(KEY), Some(&json!({"url": bad}))).await;
        assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{bad}: {error}");
        assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
    }
    let form = json!({"url": url});
    for (method, path, body) in
        [("GET", &path, None), ("PUT", &path, Some(&form)), ("DELETE", &path, None), ("POST", &test, None)]
    {
        for (key, status) in [(None, 401), (Some(READ_KEY), 403), (Some(OTHER_KEY), 404)] {
            assert_eq!(relay.send(method, path, key, body).await.0, status, "{method} {key:?}");
        }
    }
    assert_eq!(relay.request("POST", &test, Some(KEY)).await.0, 404, "there is none");
    set(&relay, ANA, &url).await;
    assert_eq!(relay.request("POST", &test, Some(KEY)).await.0, 204);
    assert_eq!(chat.embeds()[0]["title"], "This webhook works");
    assert_eq!(relay.request("POST", &test, Some(KEY)).await.0, 429);
    // As a forum answers.
    relay.pass_ms(10_000);
    chat.trouble(Trouble::Refused(400, 220_001));
    let (status, error) = relay.send("POST", &test, Some(KEY), None).await;
    assert!(status == 409 && error["message"].as_str().unwrap().contains("text channel"), "{status} {error}");
    let told = state(&relay, ANA).await;
    assert!(!told.to_string().contains(TOKEN) && told["setAtMs"].is_i64(), "{told}");
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!file.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()));
    }
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await.0, 204);
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await.0, 404);
    assert_eq!(relay.get_with(&path, Some(KEY)).await, (200, json!({"webhook": null})));
    fought(&relay, KEY, 0).await;
    assert_eq!(chat.asked(), ["POST", "POST"]);
    relay.stop().await;
}
