//! Nights are told in a chat by one message that edits itself: to a stand-in for Discord, which takes what that takes.

use std::path::Path;

use raidcast_relay::discord::WebhookHost;
use raidcast_store::JobKind;
use serde_json::{Value, json};

use crate::chat::{Chat, TOKEN, Trouble};
use crate::encounters::encounter;
use crate::raw::{becomes, is_put_off};
use crate::same_fight::{as_the_other_saw_it, upload};
use crate::script::{KEY, OTHER_KEY, READ_KEY, TestRelay};

/// A relay that sends to a stand-in.
async fn relay_of(data: &Path, chat: &Chat) -> TestRelay {
    relay_of_all(data, &[chat]).await
}

/// The same of several.
async fn relay_of_all(data: &Path, chats: &[&Chat]) -> TestRelay {
    let hosts: Vec<WebhookHost> = chats.iter().map(|chat| chat.server().parse().unwrap()).collect();
    TestRelay::start_set(data, |config| config.webhook_hosts = hosts).await
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
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
    upload(&relay, KEY, "unlisted", &fight(0)).await;
    is_told(&relay).await;
    assert_eq!(chat.asked(), Vec::<String>::new(), "nobody wants it told");
    set(&relay, ANA, &chat.webhook(1)).await;
    let mut reports = Vec::new();
    for minutes in [3, 6, 9] {
        reports.push(upload(&relay, KEY, "unlisted", &fight(minutes)).await);
        is_told(&relay).await;
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
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
    set(&relay, ANA, &chat.webhook(1)).await;
    set(&relay, BO, &chat.webhook(1)).await;
    upload(&relay, KEY, "unlisted", &encounter(100, true)).await;
    is_told(&relay).await;
    upload(&relay, OTHER_KEY, "unlisted", &as_the_other_saw_it()).await;
    is_told(&relay).await;
    assert_eq!((chat.asked().len(), chat.lines().len()), (1, 1), "nothing new is to be told");
    // What one of them alone saw stands there, too.
    upload(&relay, OTHER_KEY, "unlisted", &fight(30)).await;
    is_told(&relay).await;
    assert_eq!((chat.asked(), chat.lines().len()), (vec!["POST".to_owned(), "PATCH".to_owned()], 2));
    relay.stop().await;
}

/// That both are of one night would say who is behind the numbers.
#[tokio::test]
async fn a_raid_that_hides_players_is_told_apart_from_one_that_names_them() {
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
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
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
    set(&relay, ANA, &chat.webhook(1)).await;
    upload(&relay, KEY, "private", &fight(0)).await;
    // Nor what is over for more than a day.
    upload(&relay, KEY, "unlisted", &fight(-1_500)).await;
    is_told(&relay).await;
    assert_eq!(chat.asked(), Vec::<String>::new());
    let shown = upload(&relay, KEY, "public", &fight(5)).await;
    is_told(&relay).await;
    assert_eq!(chat.lines().len(), 1);
    let raid = relay.report(&shown).await.raid;
    let path = format!("/api/v1/raids/{raid}");
    let (status, body) = relay.send("PATCH", &path, Some(KEY), Some(&json!({"visibility": "private"}))).await;
    assert_eq!(status, 200, "{body}");
    becomes("it to be taken back", async || chat.embeds().is_empty()).await;
    is_told(&relay).await;
    let (status, body) = relay.send("PATCH", &path, Some(KEY), Some(&json!({"visibility": "unlisted"}))).await;
    assert_eq!(status, 200, "{body}");
    becomes("it to be told again", async || chat.lines().len() == 1).await;
    assert_eq!(chat.asked(), ["POST", "DELETE", "POST"]);
    // What is deleted goes from there, too.
    is_told(&relay).await;
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await.0, 200);
    becomes("it to be taken back", async || chat.embeds().is_empty()).await;
    is_told(&relay).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_webhook_that_takes_nothing_stops_and_says_why() {
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
    let path = path(&relay, "default").await;
    let mut minutes = 0;
    for (trouble, why) in [
        (Trouble::Refused(404, 10_015), "gone"),
        (Trouble::Refused(401, 50_027), "refused"),
        (Trouble::Refused(403, 50_013), "refused"),
    ] {
        set(&relay, ANA, &chat.webhook(1)).await;
        chat.trouble(trouble);
        minutes += 5;
        upload(&relay, KEY, "unlisted", &fight(minutes)).await;
        is_told(&relay).await;
        let (_, state) = relay.get_with(&path, Some(KEY)).await;
        assert_eq!((&state["webhook"]["stopped"], &state["webhook"]["host"]), (&json!(why), &json!("127.0.0.1")));
        assert!(state["webhook"]["stoppedAtMs"].is_i64(), "{state}");
        // It is left alone.
        let asked = chat.asked().len();
        minutes += 5;
        upload(&relay, KEY, "unlisted", &fight(minutes)).await;
        is_told(&relay).await;
        assert_eq!(chat.asked().len(), asked);
    }
    set(&relay, ANA, &chat.webhook(1)).await;
    upload(&relay, KEY, "unlisted", &fight(60)).await;
    is_told(&relay).await;
    assert_eq!(chat.lines().len(), 7);
    // A message that somebody deleted there is made anew.
    chat.clear();
    upload(&relay, KEY, "unlisted", &fight(65)).await;
    is_told(&relay).await;
    assert_eq!(chat.lines().len(), 8);
    relay.stop().await;
}

#[tokio::test]
async fn it_waits_for_as_long_as_it_is_told_and_loses_nothing() {
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
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
        upload(&relay, KEY, "unlisted", &fight(fights)).await;
        is_told(&relay).await;
        assert_eq!(chat.lines().len(), fights as usize, "{trouble:?}");
    }
    relay.stop().await;
}

/// What stands before a server speaks for all of its webhooks, and for none of another server; and says of none that it is
/// gone.
#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_holds_up_no_other() {
    let (data, one, other) = (tempfile::tempdir().unwrap(), Chat::start().await, Chat::start().await);
    let relay = relay_of_all(data.path(), &[&one, &other]).await;
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
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
    set(&relay, ANA, &chat.webhook(1)).await;
    chat.trouble(Trouble::Unsaid);
    upload(&relay, KEY, "unlisted", &fight(0)).await;
    is_derived(&relay).await;
    becomes("it to be sent", async || chat.embeds().len() == 1).await;
    let relay = relay.restart().await;
    relay.pass_ms(180_000);
    for minutes in [5, 10] {
        upload(&relay, KEY, "unlisted", &fight(minutes)).await;
        is_told(&relay).await;
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
    let (data, chat) = (tempfile::tempdir().unwrap(), Chat::start().await);
    let relay = relay_of(data.path(), &chat).await;
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
    let (_, state) = relay.get_with(&path, Some(KEY)).await;
    assert!(!state.to_string().contains(TOKEN) && state["webhook"]["setAtMs"].is_i64(), "{state}");
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!file.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()));
    }
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await.0, 204);
    assert_eq!(relay.request("DELETE", &path, Some(KEY)).await.0, 404);
    assert_eq!(relay.get_with(&path, Some(KEY)).await, (200, json!({"webhook": null})));
    upload(&relay, KEY, "unlisted", &fight(0)).await;
    is_told(&relay).await;
    assert_eq!(chat.asked(), ["POST", "POST"]);
    relay.stop().await;
}
