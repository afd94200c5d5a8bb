//! People: how they join and sign in, what is theirs, and what becomes of what is open when a key or a session ends.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use raidcast_relay::account::Registration;
use raidcast_relay::limits::PASSWORDS_PER_NETWORK;
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::uplink::{Hello, RefusedCode, UplinkReply, Visibility};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, hello, reply, soon};

const PASSWORD: &str = "correct horse battery";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What a browser holds: its address, and its cookie.
#[derive(Clone)]
pub(crate) struct Browser {
    relay: String,
    /// As its proxy tells it.
    address: String,
    pub(crate) cookie: Option<String>,
    /// What it says of the page that asks.
    pub(crate) page: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The code of an error.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// All of it but what every answer has of its own: when it was given, and to which request.
    pub(crate) fn plain(&self) -> (Vec<&str>, &Value) {
        let is_own = |line: &&str| line.starts_with("date:") || line.starts_with("x-request-id:");
        (self.head.lines().filter(|line| !is_own(line)).collect(), &self.body)
    }
}

impl Browser {
    pub(crate) fn at(relay: &TestRelay, number: u8) -> Self {
        let relay = relay.url.trim_start_matches("http://").to_owned();
        Self { relay, address: format!("192.0.2.{number}"), cookie: None, page: "Sec-Fetch-Site: same-origin\r\n" }
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        let kind = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        self.send(method, path, kind, &body.unwrap_or_default()).await
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.relay).await.unwrap();
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {}\r\nUser-Agent: a test\r\n{}{cookie}{kind}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.relay,
            self.address,
            self.page,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        if let Some(set) = set {
            let cookie = set.split(';').next().unwrap();
            self.cookie = Some(cookie.to_owned()).filter(|cookie| !cookie.ends_with('='));
        }
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, None).await
    }

    pub(crate) async fn join(&mut self, name: &str, invitation: Option<&str>) -> Answer {
        let mut form = json!({"name": name, "password": PASSWORD});
        if let Some(invitation) = invitation {
            form["invitation"] = invitation.into();
        }
        self.ask("POST", "/api/v1/people", Some(form)).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.ask("POST", "/api/v1/session", Some(json!({"name": name, "password": password}))).await
    }

    pub(crate) async fn make_key(&mut self, scopes: &[&str], days: Option<u32>) -> (i64, String) {
        let mut form = json!({"name": "meter", "scopes": scopes});
        if let Some(days) = days {
            form["days"] = days.into();
        }
        let made = self.ask("POST", "/api/v1/me/keys", Some(form)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        (made.body["id"].as_i64().unwrap(), made.body["secret"].as_str().unwrap().to_owned())
    }
}

/// A relay that believes this machine about addresses, and anybody may join.
pub(crate) async fn open(data: &std::path::Path) -> TestRelay {
    TestRelay::start_set(data, |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await
}

pub(crate) fn secret_of(link: &str) -> String {
    link.split_once("/sign-in#invitation=").expect("a link").1.to_owned()
}

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_is_good_once_and_invites_the_others() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    // Each start makes another, and the one before is good for nothing.
    let relay = relay.restart().await;
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.get("/api/v1/sign-in").await.body, json!({"registration": "invitation", "providers": []}));
    assert_eq!(ana.join("Ana", Some(&first)).await.code(), "not_invited");
    assert_eq!(ana.join("Ana", None).await.code(), "not_invited");
    let joined = ana.join("Ana", Some(&link)).await;
    assert_eq!((joined.status, &joined.body["role"]), (201, &json!("administrator")), "{}", joined.body);
    assert_eq!(Browser::at(&relay, 2).join("Bo", Some(&link)).await.code(), "not_invited");

    let form = json!({"note": "for Bo", "uses": 1, "days": 7});
    let made = ana.ask("POST", "/api/v1/invitations", Some(form)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = secret_of(made.body["url"].as_str().unwrap());
    let listed = ana.get("/api/v1/invitations").await;
    assert_eq!(listed.body["invitations"][0]["note"], "for Bo");
    assert!(!listed.body.to_string().contains(&secret));
    let mut bo = Browser::at(&relay, 3);
    let joined = bo.join("Bo", Some(&secret)).await;
    assert_eq!((joined.status, &joined.body["role"]), (201, &json!("member")), "{}", joined.body);
    // What members may not.
    let form = json!({"uses": 1, "days": 7});
    assert_eq!(bo.ask("POST", "/api/v1/invitations", Some(form.clone())).await.code(), "not_administrator");
    assert_eq!(bo.get("/api/v1/invitations").await.code(), "not_administrator");
    // What was taken back is good for nothing.
    let made = ana.ask("POST", "/api/v1/invitations", Some(form)).await;
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(bo.ask("DELETE", &format!("/api/v1/invitations/{id}"), None).await.code(), "not_administrator");
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/invitations/{id}"), None).await.status, 204);
    let secret = secret_of(made.body["url"].as_str().unwrap());
    assert_eq!(Browser::at(&relay, 4).join("Cy", Some(&secret)).await.code(), "not_invited");
    // There is an administrator: no further link.
    let relay = relay.restart().await;
    assert_eq!(relay.first_link(), None);
    relay.stop().await;
}

#[tokio::test]
async fn a_wrong_sign_in_tells_nothing_and_is_tried_only_so_often() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana Müller", None).await.status, 201);
    assert_eq!(Browser::at(&relay, 2).join("ANA MÜLLER", None).await.code(), "taken");
    let mut said = Vec::new();
    for (number, (name, password)) in
        [("Ana Müller", "wrong horse battery"), ("Nobody", PASSWORD), ("", PASSWORD), ("Ana Müller", "")]
            .into_iter()
            .enumerate()
    {
        let mut stranger = Browser::at(&relay, 10 + number as u8);
        let answer = stranger.sign_in(name, password).await;
        assert_eq!((answer.status, answer.code()), (401, "wrong_sign_in"), "{name}");
        assert_eq!(stranger.cookie, None);
        said.push(answer.body);
    }
    assert!(said.iter().all(|body| *body == said[0]), "{said:?}");
    // Capital letters do not matter, and spaces around it.
    let mut again = Browser::at(&relay, 20);
    assert_eq!(again.sign_in(" ana müller ", PASSWORD).await.status, 200);
    // An address that tries and tries is told to wait; so is a network of which all try one name.
    let mut stranger = Browser::at(&relay, 30);
    let codes = async |browser: &mut Browser, count: usize, name: &str| {
        let mut codes = Vec::new();
        for number in 0..count {
            codes.push(browser.sign_in(&format!("{name}{number}"), PASSWORD).await.status);
        }
        codes
    };
    assert_eq!(codes(&mut stranger, 7, "somebody").await, [401, 401, 401, 401, 401, 429, 429]);
    let mut statuses = Vec::new();
    for number in 0..12 {
        let answer = Browser::at(&relay, 40 + number).sign_in("Bo", "wrong horse battery").await;
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: "), "{}", answer.head);
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    // Who is signed in goes on.
    assert_eq!(ana.get("/api/v1/me").await.body["name"], "Ana Müller");
    relay.stop().await;
}

#[tokio::test]
async fn names_and_passwords_that_cannot_be_are_refused_in_words() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    for (number, (name, password)) in [
        ("a", PASSWORD),
        ("  a  ", PASSWORD),
        ("line\nbreak", PASSWORD),
        ("a\u{202e}b", PASSWORD),
        ("An\u{200b}a", PASSWORD),
        ("Ana\u{e0041}", PASSWORD),
        (&*"n".repeat(33), PASSWORD),
        ("Ana", "short"),
        ("Ana", &"p".repeat(513)),
        ("a long name", "A Long Name"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut browser = Browser::at(&relay, number as u8);
        let answer = browser.ask("POST", "/api/v1/people", Some(json!({"name": name, "password": password}))).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{name}: {}", answer.body);
        assert!(!answer.body["message"].as_str().unwrap().contains(password), "{}", answer.body);
    }
    let mut browser = Browser::at(&relay, 50);
    for (kind, body) in [
        (
            "Content-Type: application/json\r\n",
            "{\"name\": \"Ana\", \"password\": \"correct horse battery\", \"role\": 1}",
        ),
        (
            "Content-Type: application/json\r\n",
            "{\"name\": \"Ana\", \"name\": \"Bo\", \"password\": \"correct horse battery\"}",
        ),
        ("Content-Type: application/json\r\n", "{\"name\": \"Ana\", \"password\": \"correct horse"),
        ("Content-Type: text/plain\r\n", "{\"name\": \"Ana\", \"password\": \"correct horse battery\"}"),
        ("", "{\"name\": \"Ana\", \"password\": \"correct horse battery\"}"),
    ] {
        let answer = browser.send("POST", "/api/v1/people", kind, body).await;
        assert_eq!(answer.code(), "bad_request", "{body}: {}", answer.body);
        assert!(!answer.body.to_string().contains("horse"), "{}", answer.body);
    }
    assert_eq!(browser.join("<b>Ana</b>", None).await.body["name"], "<b>Ana</b>");
    relay.stop().await;
}

#[tokio::test]
async fn only_pages_of_the_relay_change_anything() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let (id, _) = ana.make_key(&["upload"], None).await;
    for page in [
        "",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
    ] {
        let mut foreign = Browser { page, ..ana.clone() };
        let key = format!("/api/v1/me/keys/{id}");
        let rotation = format!("{key}/rotation");
        for (method, path, body) in [
            ("POST", "/api/v1/session", Some(json!({"name": "Ana", "password": PASSWORD}))),
            ("POST", "/api/v1/people", Some(json!({"name": "Bo", "password": PASSWORD}))),
            ("DELETE", "/api/v1/session", None),
            ("PUT", "/api/v1/me/password", Some(json!({"old": PASSWORD, "new": "another long password"}))),
            ("DELETE", "/api/v1/me/sessions", None),
            ("DELETE", "/api/v1/me/sessions/1", None),
            ("POST", "/api/v1/me/keys", Some(json!({"name": "evil", "scopes": ["read"]}))),
            ("POST", &rotation, Some(json!({"overlapHours": 0}))),
            ("DELETE", &key, None),
            ("POST", "/api/v1/invitations", Some(json!({"uses": 1, "days": 1}))),
        ] {
            let answer = foreign.ask(method, path, body).await;
            assert_eq!((answer.status, answer.code()), (403, "foreign_page"), "{page}{method} {path}");
            assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
        }
    }
    assert_eq!(ana.get("/api/v1/me/keys").await.body["keys"].as_array().unwrap().len(), 1);
    relay.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_when_it_is_old_and_when_its_owner_ends_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let joined = ana.join("Ana", None).await;
    assert!(joined.head.contains("set-cookie: __Host-raidcast="), "{}", joined.head);
    assert!(joined.head.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=7776000; Secure"), "{}", joined.head);
    let before = ana.clone();
    // Signing in again makes another session, and the cookie from before is good for nothing.
    assert_eq!(ana.sign_in("Ana", PASSWORD).await.status, 200);
    assert_ne!(ana.cookie, before.cookie);
    assert_eq!(before.clone().get("/api/v1/me").await.code(), "signed_out");
    // A cookie that somebody else put there is nobody's.
    let mut fixed = Browser { cookie: Some(format!("__Host-raidcast={}", "0".repeat(64))), ..Browser::at(&relay, 2) };
    assert_eq!(fixed.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(fixed.sign_in("Ana", PASSWORD).await.status, 200);
    assert!(!fixed.cookie.as_ref().unwrap().contains(&"0".repeat(64)));
    // Two cookies are none.
    let both = format!("{}; {}", ana.cookie.as_ref().unwrap(), fixed.cookie.as_ref().unwrap());
    assert_eq!(Browser { cookie: Some(both), ..ana.clone() }.get("/api/v1/me").await.code(), "signed_out");

    let listed = ana.get("/api/v1/me/sessions").await;
    let sessions = listed.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{}", listed.body);
    assert_eq!(sessions.iter().filter(|session| session["isThis"] == true).count(), 1);
    assert!(sessions.iter().all(|session| session["agent"] == "a test"));
    let other = sessions.iter().find(|session| session["isThis"] == false).unwrap()["id"].as_i64().unwrap();
    // Nobody ends what is not his.
    let mut bo = Browser::at(&relay, 3);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    assert_eq!(bo.ask("DELETE", &format!("/api/v1/me/sessions/{other}"), None).await.status, 404);
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/me/sessions/{other}"), None).await.status, 204);
    assert_eq!(fixed.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(ana.get("/api/v1/me").await.status, 200);
    // A new password ends all others.
    let mut third = Browser::at(&relay, 4);
    assert_eq!(third.sign_in("Ana", PASSWORD).await.status, 200);
    let change = |old: &str| Some(json!({"old": old, "new": "another long password"}));
    assert_eq!(third.ask("PUT", "/api/v1/me/password", change("wrong one")).await.code(), "wrong_sign_in");
    assert_eq!(third.ask("PUT", "/api/v1/me/password", change(PASSWORD)).await.status, 204);
    assert_eq!(ana.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(third.get("/api/v1/me").await.status, 200);
    assert_eq!(Browser::at(&relay, 5).sign_in("Ana", PASSWORD).await.code(), "wrong_sign_in");
    // Used each day it lasts ninety days; not used it lasts fourteen.
    for _ in 0..89 {
        relay.pass_ms(DAY_MS);
        assert_eq!(third.get("/api/v1/me").await.status, 200);
    }
    assert_eq!(bo.get("/api/v1/me").await.code(), "signed_out");
    relay.pass_ms(DAY_MS + 1);
    assert_eq!(third.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(bo.sign_in("Bo", PASSWORD).await.status, 200);
    let relay = relay.restart().await;
    bo.relay = relay.url.trim_start_matches("http://").to_owned();
    assert_eq!(bo.get("/api/v1/me").await.status, 200);
    let out = bo.ask("DELETE", "/api/v1/session", None).await;
    assert!(out.status == 204 && out.head.contains("Max-Age=0"), "{}", out.head);
    assert_eq!(bo.cookie, None);
    relay.stop().await;
}

#[tokio::test]
async fn keys_that_people_made_do_what_their_scopes_say_for_their_account_alone() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    assert_eq!(ana.join("Ana", None).await.status, 201);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    let (_, upload) = ana.make_key(&["upload"], None).await;
    let (read_id, read) = ana.make_key(&["read"], Some(30)).await;
    assert!(upload.starts_with("rc_") && upload.len() == 52, "{upload}");

    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, &upload, private).await;
    let raid = format!("/api/v1/raids/{}", uploader.welcome.raid);
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    // Private: for his key that reads, and for him himself.
    let seen = async |key: Option<&str>| relay.get_with(&raid, key).await.0;
    assert_eq!((seen(None).await, seen(Some(KEY)).await, seen(Some(&upload)).await), (404, 404, 404));
    assert_eq!(seen(Some(&read)).await, 200);
    assert_eq!((ana.get(&raid).await.status, bo.get(&raid).await.status), (200, 404));
    // What lacks a scope, or a letter, is refused.
    assert_eq!(relay.request("POST", &format!("{raid}/ticket"), Some(&upload)).await.0, 403);
    assert_eq!(relay.request("POST", &format!("{raid}/ticket"), Some(&upload[..51])).await.0, 401);
    // Nobody sees or ends another's.
    assert_eq!(bo.get("/api/v1/me/keys").await.body, json!({"keys": []}));
    for (method, path, body) in [
        ("DELETE", format!("/api/v1/me/keys/{read_id}"), None),
        ("POST", format!("/api/v1/me/keys/{read_id}/rotation"), Some(json!({"overlapHours": 1}))),
    ] {
        assert_eq!(bo.ask(method, &path, body).await.status, 404, "{path}");
    }
    let foreign = ana.get("/api/v1/me").await.body["accounts"][0]["id"].clone();
    let form = json!({"name": "evil", "scopes": ["read"], "account": foreign});
    assert_eq!(bo.ask("POST", "/api/v1/me/keys", Some(form)).await.code(), "bad_request");
    // The list tells no secret, and when each was used.
    let listed = ana.get("/api/v1/me/keys").await.body;
    assert!(!listed.to_string().contains(&upload[..20]) && !listed.to_string().contains(&read[..20]));
    assert!(listed["keys"][0]["usedAtMs"].is_i64() && listed["keys"][1]["endsAtMs"].is_i64(), "{listed}");
    // They outlast a restart, and end when their time is over.
    drop(uploader);
    let relay = relay.restart().await;
    let seen = async |key: &str| relay.get_with(&raid, Some(key)).await.0;
    assert_eq!(seen(&read).await, 200);
    relay.pass_ms(30 * DAY_MS);
    assert_eq!(seen(&read).await, 404);
    ana.relay = relay.url.trim_start_matches("http://").to_owned();
    assert_eq!(ana.sign_in("Ana", PASSWORD).await.status, 200);
    assert_eq!(ana.get("/api/v1/me/keys").await.body["keys"].as_array().unwrap().len(), 1);
    relay.stop().await;
}

#[tokio::test]
async fn what_makes_secrets_takes_a_sign_in_of_a_moment_ago() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let (id, _) = ana.make_key(&["upload"], None).await;
    relay.pass_ms(15 * MINUTE_MS);
    let key = json!({"name": "meter", "scopes": ["upload"]});
    let rotation = format!("/api/v1/me/keys/{id}/rotation");
    assert_eq!(ana.ask("POST", "/api/v1/me/keys", Some(key.clone())).await.code(), "sign_in_again");
    assert_eq!(ana.ask("POST", &rotation, Some(json!({"overlapHours": 1}))).await.code(), "sign_in_again");
    assert_eq!(ana.sign_in("Ana", PASSWORD).await.status, 200);
    assert_eq!(ana.ask("POST", "/api/v1/me/keys", Some(key)).await.status, 201);
    // To end one needs nothing: who lost a key must be quick.
    relay.pass_ms(15 * MINUTE_MS);
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/me/keys/{id}"), None).await.status, 204);
    relay.stop().await;
}

#[tokio::test]
async fn a_key_that_is_revoked_or_over_ends_what_is_open_by_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let (upload_id, upload) = ana.make_key(&["upload"], None).await;
    let (read_id, read) = ana.make_key(&["read"], None).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, &upload, private.clone()).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut spectator = Spectator::join_as(&feed, SUBPROTOCOL, Some(&read)).await;
    spectator.hear().await.expect("a keyframe");

    assert_eq!(ana.ask("DELETE", &format!("/api/v1/me/keys/{read_id}"), None).await.status, 204);
    while spectator.hear().await.is_some() {}
    assert_eq!(relay.get_with(&format!("/api/v1/raids/{raid}"), Some(&read)).await.0, 404);

    // A key that is replaced goes on for the time that was said, and then ends, too.
    let rotation = format!("/api/v1/me/keys/{upload_id}/rotation");
    let made = ana.ask("POST", &rotation, Some(json!({"overlapHours": 1}))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let next = made.body["secret"].as_str().unwrap().to_owned();
    uploader.socket.close(None).await.ok();
    let mut uploader = Uploader::connect_as(&relay, &upload, private.clone()).await;
    relay.pass_ms(60 * MINUTE_MS);
    let refused = loop {
        match reply(&mut uploader.socket).await {
            Some(UplinkReply::Refused(refused)) => break refused,
            Some(_) => {}
            None => panic!("it ended without a word"),
        }
    };
    assert_eq!(refused.code, RefusedCode::Unauthorized, "{refused:?}");
    assert!(relay.request("POST", "/api/v1/upload/check", Some(&upload)).await.0 == 401);
    // Nothing that was acknowledged is lost: the new key goes on.
    let uploader = Uploader::connect_as(&relay, &next, private).await;
    assert_eq!(uploader.welcome.raid, raid);
    relay.stop().await;
}

#[tokio::test]
async fn a_session_that_ends_ends_the_feeds_that_it_opened() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let (_, upload) = ana.make_key(&["upload"], None).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let uploader = Uploader::connect_as(&relay, &upload, private).await;
    let feed = format!("{}/api/v1/raids/{}/feed", relay.url, uploader.welcome.raid);
    let mut spectator = Spectator::join_by_cookie(&feed, SUBPROTOCOL, ana.cookie.as_deref().unwrap()).await;
    spectator.hear().await.expect("a keyframe");
    assert_eq!(ana.ask("DELETE", "/api/v1/session", None).await.status, 204);
    while spectator.hear().await.is_some() {}
    relay.stop().await;
}

#[tokio::test]
async fn no_secret_stands_in_the_database_or_the_log() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let (_, key) = ana.make_key(&["upload"], None).await;
    let cookie = ana.cookie.clone().unwrap();
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let invitation = secret_of(relay.first_link().expect("nobody administrates it"));
    relay.stop().await;
    for file in std::fs::read_dir(data.path()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for secret in [PASSWORD, &key, &session, &invitation] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A program that asks for a code: its own, and the one for people.
pub(crate) async fn begin_pairing(program: &mut Browser, client: &str) -> (String, String) {
    let begun = program.send("POST", "/api/v1/device/code", FORM, client).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    assert!(begun.body["verification_uri"].as_str().unwrap().ends_with("/pair"));
    let text = |name: &str| begun.body[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

pub(crate) async fn poll(program: &mut Browser, device_code: &str) -> Answer {
    let form = format!("grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={device_code}");
    program.send("POST", "/api/v1/device/token", FORM, &form).await
}

#[tokio::test]
async fn a_program_is_paired_by_a_code_that_its_owner_types() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    // The client's own way, as `raidcast login` goes it.
    let (pairing, invitation) =
        raidcast::pairing::Pairing::begin(&relay.url, "raidcast on Ana's PC", raidcast::trust::Trust::public())
            .await
            .unwrap();
    assert_eq!((invitation.page.as_str(), invitation.minutes), (&*format!("{}/pair", relay.url), 10));
    let typed = invitation.code.to_lowercase().replace('-', " ").replace(' ', "%20");
    let shown = ana.get(&format!("/api/v1/pairings/{typed}")).await;
    assert_eq!(shown.body["name"], "raidcast on Ana's PC", "{}", shown.body);
    assert_eq!((&shown.body["isHere"], &shown.body["address"]), (&json!(false), &json!("127.0.0.1")));
    assert_eq!(shown.body["scopes"], json!(["upload", "read"]));
    let yes = Some(json!({"approve": true}));
    assert_eq!(ana.ask("POST", &format!("/api/v1/pairings/{}", invitation.code), yes).await.status, 204);
    let paired = soon("pairing", pairing.wait()).await.unwrap();
    assert_eq!(paired.name, "Ana");
    let uploader = Uploader::connect_as(&relay, &paired.key, hello()).await;
    let raid = uploader.welcome.raid.clone();
    assert_eq!(ana.get("/api/v1/me/keys").await.body["keys"][0]["name"], "raidcast on Ana's PC");
    assert_eq!(relay.get_with(&format!("/api/v1/raids/{raid}"), Some(&paired.key)).await.0, 200);
    relay.stop().await;
}

#[tokio::test]
async fn a_code_is_good_for_one_key_for_ten_minutes_and_for_nobody_who_guesses() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let (mut ana, mut program) = (Browser::at(&relay, 1), Browser { page: "", ..Browser::at(&relay, 2) });
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let decide = async |ana: &mut Browser, code: &str, approve: bool| {
        ana.ask("POST", &format!("/api/v1/pairings/{code}"), Some(json!({"approve": approve}))).await
    };
    let (own, code) = begin_pairing(&mut program, "client_id=raidcast").await;
    assert_eq!(poll(&mut program, &own).await.body["error"], "authorization_pending");
    assert_eq!(poll(&mut program, &own).await.body["error"], "slow_down");
    assert_eq!(poll(&mut program, "another").await.body["error"], "expired_token");
    // Without a session, or by another site's page, nothing is told and nothing decided.
    let mut nobody = Browser::at(&relay, 3);
    assert_eq!(nobody.get(&format!("/api/v1/pairings/{code}")).await.code(), "signed_out");
    assert_eq!(decide(&mut nobody, &code, true).await.code(), "signed_out");
    let mut foreign = Browser { page: "Sec-Fetch-Site: cross-site\r\n", ..ana.clone() };
    assert_eq!(decide(&mut foreign, &code, true).await.code(), "foreign_page");
    // To let in takes a sign-in of a moment ago, to refuse does not.
    relay.pass_ms(9 * MINUTE_MS);
    assert_eq!(decide(&mut ana, &code, false).await.status, 204);
    assert_eq!(poll(&mut program, &own).await.body["error"], "access_denied");
    assert_eq!(poll(&mut program, &own).await.body["error"], "expired_token");
    relay.pass_ms(6 * MINUTE_MS);
    let (own, code) = begin_pairing(&mut program, "client_id=raidcast&scope=upload%20manage").await;
    assert_eq!(decide(&mut ana, &code, true).await.code(), "sign_in_again");
    let mut ana = Browser::at(&relay, 4);
    assert_eq!(ana.sign_in("Ana", PASSWORD).await.status, 200);
    assert_eq!(decide(&mut ana, &code, true).await.status, 204);
    assert_eq!(decide(&mut ana, &code, false).await.status, 404);
    let token = poll(&mut program, &own).await;
    assert_eq!((token.status, &token.body["scope"]), (200, &json!("upload manage")), "{}", token.body);
    assert!(token.head.contains("cache-control: no-store"), "{}", token.head);
    assert_eq!(poll(&mut program, &own).await.body["error"], "expired_token");
    // Too late.
    let (own, code) = begin_pairing(&mut program, "client_id=raidcast").await;
    relay.pass_ms(10 * MINUTE_MS);
    assert_eq!(decide(&mut ana, &code, true).await.status, 404);
    assert_eq!(poll(&mut program, &own).await.body["error"], "expired_token");
    // Somebody who types codes is told to wait, wherever he types them.
    let mut guesser = Browser::at(&relay, 5);
    assert_eq!(guesser.join("Eve", None).await.status, 201);
    let mut statuses = Vec::new();
    for number in 0..12 {
        guesser.address = format!("198.51.100.{number}");
        statuses.push(guesser.get("/api/v1/pairings/BCDF-GHJK").await.status);
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 429, 429]);
    relay.stop().await;
}

#[tokio::test]
async fn what_a_program_asks_for_is_bounded_and_must_be_readable() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut program = Browser { page: "", ..Browser::at(&relay, 1) };
    for form in [
        "",
        "client_id=",
        "client_id=a%0Ab",
        "client_id=a%E2%80%8Bb",
        "client_id=a&scope=everything",
        &format!("client_id={}", "a".repeat(65)),
    ] {
        let answer = program.send("POST", "/api/v1/device/code", FORM, form).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{form}");
    }
    let json = program.send("POST", "/api/v1/device/code", "Content-Type: application/json\r\n", "{}").await;
    assert_eq!(json.code(), "bad_request");
    for form in ["", "device_code=a", "grant_type=a"] {
        let answer = program.send("POST", "/api/v1/device/token", FORM, form).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")), "{form}");
    }
    let other = program.send("POST", "/api/v1/device/token", FORM, "grant_type=password&device_code=a").await;
    assert_eq!(other.body["error"], "unsupported_grant_type");
    for _ in 0..5 {
        begin_pairing(&mut program, "client_id=raidcast").await;
    }
    let one_more = program.send("POST", "/api/v1/device/code", FORM, "client_id=raidcast").await;
    assert!(one_more.status == 429 && one_more.head.contains("retry-after: 60"), "{}", one_more.head);
    begin_pairing(&mut Browser { page: "", ..Browser::at(&relay, 2) }, "client_id=raidcast").await;
    relay.stop().await;
}

#[tokio::test]
async fn an_account_of_the_configuration_is_taken_over_by_an_administrator_with_all_that_is_in_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let uploader = Uploader::connect_as(&relay, KEY, private.clone()).await;
    let raid = format!("/api/v1/raids/{}", uploader.welcome.raid);
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    assert_eq!(ana.join("Ana", Some(&link)).await.status, 201);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    assert_eq!(ana.get(&raid).await.status, 404);
    let listed = ana.get("/api/v1/accounts").await.body;
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["accounts"][0]["name"], "default");
    let claim = format!("/api/v1/accounts/{}/claim", listed["accounts"][0]["id"]);
    assert_eq!(bo.get("/api/v1/accounts").await.code(), "not_administrator");
    assert_eq!(bo.ask("POST", &claim, None).await.code(), "not_administrator");
    assert_eq!(ana.ask("POST", &claim, None).await.status, 204);
    assert_eq!(ana.ask("POST", &claim, None).await.status, 404);
    assert_eq!((ana.get(&raid).await.status, bo.get(&raid).await.status), (200, 404));
    let accounts = ana.get("/api/v1/me").await.body["accounts"].clone();
    assert_eq!((&accounts[0]["name"], &accounts[1]["name"]), (&Value::Null, &json!("default")), "{accounts}");
    // The old key goes on, also after a restart.
    drop(uploader);
    let relay = relay.restart().await;
    let again = Uploader::connect_as(&relay, KEY, private).await;
    assert!(raid.ends_with(&again.welcome.raid));
    relay.stop().await;
}

#[tokio::test]
async fn a_name_that_strangers_try_is_nobodys_prison() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let joined = ana.join("Ana", None).await;
    let known = joined.head.lines().find_map(|line| line.strip_prefix("set-cookie: __Host-raidcast-known=")).unwrap();
    let known = format!("__Host-raidcast-known={}", known.split(';').next().unwrap());
    for number in 0..12 {
        Browser::at(&relay, 40 + number).sign_in("ana", "wrong horse battery").await;
    }
    assert_eq!(Browser::at(&relay, 60).sign_in("Ana", PASSWORD).await.status, 429);
    // From where the strangers are not, he comes in by any browser.
    let mut elsewhere = Browser { address: "203.0.113.1".to_owned(), ..Browser::at(&relay, 0) };
    assert_eq!(elsewhere.sign_in("Ana", PASSWORD).await.status, 200);
    // From there, in a browser that he signed in with before, signed out or not; his password, and codes of programs.
    let mut again = Browser { cookie: Some(known), ..Browser::at(&relay, 61) };
    assert_eq!(again.sign_in("Ana", PASSWORD).await.status, 200);
    let change = Some(json!({"old": PASSWORD, "new": "another long password"}));
    assert_eq!(again.ask("PUT", "/api/v1/me/password", change).await.status, 204);
    assert_eq!(again.get("/api/v1/pairings/BCDF-GHJK").await.status, 404);
    // Nobody makes such a cookie.
    let forged = Some(format!("__Host-raidcast-known={}", "0".repeat(32)));
    assert_eq!(Browser { cookie: forged, ..Browser::at(&relay, 62) }.sign_in("Ana", PASSWORD).await.status, 429);
    relay.stop().await;
}

#[tokio::test]
async fn a_closed_relay_takes_its_first_administrator_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", Some(&link)).await.status, 201);
    let made = ana.ask("POST", "/api/v1/invitations", Some(json!({"uses": 5, "days": 7}))).await;
    let invitation = secret_of(made.body["url"].as_str().unwrap());
    relay.stop().await;
    let relay = TestRelay::start_set(data.path(), |config| {
        config.registration = Registration::Closed;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    for (number, invitation) in [None, Some(&*invitation), Some("0")].into_iter().enumerate() {
        assert_eq!(Browser::at(&relay, 2 + number as u8).join("Bo", invitation).await.code(), "not_invited");
    }
    let mut ana = Browser::at(&relay, 10);
    assert_eq!(ana.sign_in("Ana", PASSWORD).await.status, 200);
    assert_eq!(ana.ask("POST", "/api/v1/invitations", Some(json!({"uses": 5, "days": 7}))).await.code(), "not_invited");
    relay.stop().await;
    // Where nobody administrates it yet, the first does.
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| config.registration = Registration::Closed).await;
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    assert_eq!(Browser::at(&relay, 1).join("Ana", Some(&link)).await.status, 201);
    relay.stop().await;
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_lets_nobody_in() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    // A thief who knows the old password signs in again and again while it is changed; so does his change of it.
    let (mut thief, mut other) = (Browser::at(&relay, 2), Browser::at(&relay, 3));
    assert_eq!(thief.sign_in("Ana", PASSWORD).await.status, 200);
    let change = |new: &str| Some(json!({"old": PASSWORD, "new": new}));
    let mut second = thief.clone();
    let (owner, thiefs, signing) = tokio::join!(
        ana.ask("PUT", "/api/v1/me/password", change("the owner's new one")),
        second.ask("PUT", "/api/v1/me/password", change("the thief's new one")),
        other.sign_in("Ana", PASSWORD),
    );
    // One of both has changed it, and the sessions that are there are his.
    let changed = [&owner, &thiefs].map(|answer| answer.status == 204);
    assert!(changed[0] != changed[1], "{} {}", owner.body, thiefs.body);
    let there = async |browser: &mut Browser| browser.get("/api/v1/me").await.status == 200;
    assert_eq!([there(&mut ana).await, there(&mut thief).await], changed);
    assert!(signing.status == 401 || !there(&mut other).await, "{}", signing.body);
    assert_eq!(Browser::at(&relay, 4).sign_in("Ana", PASSWORD).await.code(), "wrong_sign_in");
    relay.stop().await;
}

#[tokio::test]
async fn a_program_that_was_let_in_by_a_session_that_has_ended_gets_no_key() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let (mut ana, mut program) = (Browser::at(&relay, 1), Browser { page: "", ..Browser::at(&relay, 2) });
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let mut thief = Browser::at(&relay, 3);
    assert_eq!(thief.sign_in("Ana", PASSWORD).await.status, 200);
    let (own, code) = begin_pairing(&mut program, "client_id=raidcast").await;
    let yes = Some(json!({"approve": true}));
    assert_eq!(thief.ask("POST", &format!("/api/v1/pairings/{code}"), yes).await.status, 204);
    assert_eq!(ana.ask("DELETE", "/api/v1/me/sessions", None).await.status, 204);
    assert_eq!(poll(&mut program, &own).await.body["error"], "access_denied");
    assert_eq!(ana.get("/api/v1/me/keys").await.body, json!({"keys": []}));
    relay.stop().await;
}

#[tokio::test]
async fn a_thousand_wrong_passwords_open_nothing_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let before = ana.get("/api/v1/me/sessions").await.body;
    // One name that is there and one that is not, from a hundred addresses each, in turn.
    let mut statuses = [Vec::new(), Vec::new()];
    for number in 0..500_u32 {
        for (at, name) in ["Ana", "Nobody"].into_iter().enumerate() {
            let mut stranger = Browser::at(&relay, 2);
            stranger.address = format!("198.51.{}.{}", 100 + at, number % 100);
            let answer = stranger.sign_in(name, &format!("wrong horse {number}")).await;
            assert!(answer.status == 401 || answer.head.contains("retry-after: "), "{}", answer.head);
            assert_eq!(stranger.cookie, None);
            statuses[at].push((answer.status, answer.code().to_owned()));
        }
    }
    assert_eq!(statuses[0], statuses[1], "which of both is there is not told");
    assert_eq!(statuses[0].iter().filter(|(status, _)| *status == 401).count(), 10);
    // Who has the name is in. That he comes in by a browser that he had is another test.
    assert_eq!(ana.get("/api/v1/me/sessions").await.body, before);
    relay.stop().await;
}

/// By what is done for it, whatever that takes: a wrong password has a place among few while its digest is made, and so has
/// one under a name that nobody has. Here no digest is made until all have come.
#[test]
fn a_wrong_password_is_as_much_work_under_a_name_that_nobody_has() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let data = tempfile::tempdir().unwrap();
        let relay = open(data.path()).await;
        let mut ana = Browser::at(&relay, 1);
        assert_eq!(ana.join("Ana", None).await.status, 201);
        let (go_on, still) = std::sync::mpsc::sync_channel::<()>(0);
        let held = tokio::task::spawn_blocking(move || still.recv());
        let mut asked = Vec::new();
        for (network, name) in [(100, "Ana"), (101, "Nobody")] {
            let mut of_name = FuturesUnordered::new();
            for number in 0..=PASSWORDS_PER_NETWORK {
                let mut stranger = Browser::at(&relay, 2);
                stranger.address = format!("198.51.{network}.{number}");
                of_name.push(tokio::spawn(async move {
                    let answer = stranger.sign_in(name, "wrong horse battery").await;
                    (answer.status, answer.code().to_owned())
                }));
            }
            // All places of its network are taken: for the last one there is none.
            let first = soon("a refusal", of_name.next()).await.unwrap().unwrap();
            assert_eq!(first, (503, "unavailable".to_owned()), "{name}");
            asked.push(of_name);
        }
        drop(go_on);
        assert!(held.await.unwrap().is_err(), "nobody said anything");
        for of_name in asked {
            let rest: Vec<_> = soon("the other answers", of_name.collect::<Vec<_>>()).await;
            assert_eq!(rest.len(), PASSWORDS_PER_NETWORK);
            for answer in rest {
                assert_eq!(answer.unwrap(), (401, "wrong_sign_in".to_owned()));
            }
        }
        relay.stop().await;
    });
}

#[tokio::test]
async fn a_thousand_guessed_codes_find_no_program_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let (mut ana, mut eve) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    let mut program = Browser { page: "", ..Browser::at(&relay, 3) };
    assert_eq!((ana.join("Ana", None).await.status, eve.join("Eve", None).await.status), (201, 201));
    let (own, code) = begin_pairing(&mut program, "client_id=raidcast").await;
    // Codes that people type, by somebody who is signed in.
    let letters: Vec<char> = "BCDFGHJKLMNPQRSTVWXZ".chars().collect();
    let mut statuses = Vec::new();
    for number in 0..500_usize {
        let guess: String = (0..8).map(|at| letters[(number / 20_usize.pow(at) + at as usize) % 20]).collect();
        let guess = format!("{}-{}", &guess[..4], &guess[4..]);
        assert_ne!(guess, code);
        eve.address = format!("198.51.100.{}", number % 250);
        let (method, body) = match number % 2 {
            0 => ("GET", None),
            _ => ("POST", Some(json!({"approve": true}))),
        };
        statuses.push(eve.ask(method, &format!("/api/v1/pairings/{guess}"), body).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 10, "{statuses:?}");
    assert!(statuses.iter().all(|status| [404, 429].contains(status)), "{statuses:?}");
    // The program's own, by nobody: of what never was the same is told as of what is over.
    let mut said = std::collections::BTreeSet::new();
    for number in 0..500_u32 {
        let mut nobody = Browser { page: "", ..Browser::at(&relay, 4) };
        nobody.address = format!("198.51.101.{}", number % 250);
        let answer = poll(&mut nobody, &format!("{number:064x}")).await;
        said.insert((answer.status, answer.body.to_string()));
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said.first().is_some_and(|(status, body)| *status == 400 && body.contains("expired_token")), "{said:?}");
    // The program still waits, and its owner lets it in.
    assert_eq!(poll(&mut program, &own).await.body["error"], "authorization_pending");
    let approve = Some(json!({"approve": true}));
    assert_eq!(ana.ask("POST", &format!("/api/v1/pairings/{code}"), approve).await.status, 204);
    assert_eq!(poll(&mut program, &own).await.status, 200);
    assert_eq!(eve.get("/api/v1/me/keys").await.body["keys"].as_array().map(Vec::len), Some(0));
    relay.stop().await;
}

#[tokio::test]
async fn an_invitation_that_is_none_is_refused_as_one_that_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", Some(&first)).await.status, 201);
    let invite = async |ana: &mut Browser, days: u32| {
        let made = ana.ask("POST", "/api/v1/invitations", Some(json!({"uses": 1, "days": days}))).await;
        (secret_of(made.body["url"].as_str().unwrap()), made.body["id"].as_str().unwrap().to_owned())
    };
    let ((taken_back, id), (over, _)) = (invite(&mut ana, 7).await, invite(&mut ana, 1).await);
    let (good, _) = invite(&mut ana, 7).await;
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/invitations/{id}"), None).await.status, 204);
    relay.pass_ms(24 * 60 * MINUTE_MS);
    let never = "ab".repeat(32);
    let look = async |browser: &mut Browser, secret: &str| {
        browser.ask("POST", "/api/v1/invitation", Some(json!({"invitation": secret}))).await
    };
    let mut visitor = Browser::at(&relay, 9);
    for _ in 0..3 {
        assert_eq!(look(&mut visitor, &good).await.status, 204, "it is good once, and to look uses nothing");
    }
    let mut seen = std::collections::BTreeSet::new();
    for secret in [&*first, &taken_back, &over, &never, &never[1..], "0", ""] {
        let looked = look(&mut visitor, secret).await;
        assert_eq!((looked.status, looked.code()), (403, "not_invited"), "{secret}");
        seen.insert(looked.body.to_string());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    let mut guesses = 0;
    let refused = loop {
        let looked = look(&mut visitor, &never).await;
        guesses += 1;
        assert!(guesses < 40, "an address guesses on");
        if looked.status != 403 {
            break looked;
        }
    };
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(look(&mut visitor, &good).await.status, 204, "a good one is good, whoever shares the address");
    assert_eq!(look(&mut Browser::at(&relay, 8), &never).await.status, 403);
    let mut elsewhere = Browser { page: "Sec-Fetch-Site: cross-site\r\n", ..Browser::at(&relay, 7) };
    assert_eq!(look(&mut elsewhere, &good).await.code(), "foreign_page");
    assert_eq!(Browser::at(&relay, 6).join("Cy", Some(&good)).await.status, 201);
    assert_eq!(look(&mut Browser::at(&relay, 6), &good).await.code(), "not_invited", "used up");
    let mut said = std::collections::BTreeSet::new();
    let long = "a".repeat(1_000);
    for (number, secret) in [&*first, &taken_back, &over, &never, &never[1..], "0", &long].into_iter().enumerate() {
        // Also where the name is taken: that is told to who may join.
        for name in ["Bo", "Ana"] {
            let mut stranger = Browser::at(&relay, 10 + number as u8);
            let refused = stranger.join(name, Some(secret)).await;
            assert_eq!((refused.status, refused.code()), (403, "not_invited"), "{number} {name}");
            said.insert(refused.body.to_string());
        }
    }
    assert_eq!(said.len(), 1, "{said:?}");
    let people = ana.get("/api/v1/people").await.body;
    assert_eq!(people["people"].as_array().map(Vec::len), Some(2), "{people}");
    relay.stop().await;
}
