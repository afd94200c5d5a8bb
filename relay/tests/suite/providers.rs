//! People who come by a provider: how they join and sign in, what of a provider counts, and what each fault of it is
//! answered.

mod tries;

use std::collections::BTreeMap;

use raidcast_relay::account::Registration;
use raidcast_relay::config::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::checks::{line, run};
use crate::script::{TestRelay, soon};
use crate::voucher::{Answering, Change, Faults, Known, Signing, Voucher};

const PASSWORD: &str = "correct horse battery";
const MINUTE_MS: i64 = 60_000;
const ANA: Known = Known { subject: "7", name: "Ana Müller" };
const BO: Known = Known { subject: "8", name: "Bo" };

/// By a link of another site's page, as from a provider.
const FOLLOWED: &str = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
const OWN: &str = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n";

/// What a browser holds.
#[derive(Clone)]
struct Browser {
    relay: String,
    address: String,
    cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    fn location(&self) -> &str {
        self.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default()
    }

    /// What stands behind the `?` of where it leads.
    fn led(&self, name: &str) -> String {
        let query = self.location().split_once('?').map_or("", |(_, query)| query);
        let mut all = form_urlencoded::parse(query.as_bytes());
        all.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

impl Browser {
    fn at(relay: &TestRelay, number: u8) -> Self {
        let relay = relay.url.trim_start_matches("http://").to_owned();
        Self { relay, address: format!("192.0.2.{number}"), cookies: BTreeMap::new() }
    }

    /// Asks, and does not wait for the answer.
    async fn begin(&self, method: &str, path: &str, page: &str, body: Option<Value>) -> TcpStream {
        let body = body.map(|body| body.to_string());
        let kind = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let body = body.unwrap_or_default();
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {}\r\nUser-Agent: a test\r\n{page}{cookie}{kind}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.relay,
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.relay).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream
    }

    async fn send(&mut self, method: &str, path: &str, page: &str, body: Option<Value>) -> Answer {
        let mut stream = self.begin(method, path, page, body).await;
        let mut answer = String::new();
        soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        for set in head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-raidcast"), "{set}");
            assert!(set.contains("; Path=/; HttpOnly; SameSite=Lax; ") && set.ends_with("; Secure"), "{set}");
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, OWN, None).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, OWN, Some(body)).await
    }

    /// Goes to a provider: its address.
    async fn go(&mut self, provider: &str, form: Value) -> String {
        let answer = self.post(&format!("/api/v1/sign-in/{provider}"), form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["url"].as_str().unwrap().to_owned()
    }

    /// Comes back from it.
    async fn come(&mut self, provider: &str, back: &[(String, String)]) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        let answer = self.send("GET", &format!("/sign-in/{provider}/callback?{query}"), FOLLOWED, None).await;
        assert_eq!(answer.status, 303, "{}", answer.head);
        assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
        assert!(answer.location().starts_with("/sign-in?") || answer.location().starts_with("/account?"));
        answer
    }

    /// There and back.
    async fn through(&mut self, voucher: &Voucher, provider: &str, who: &Known, form: Value) -> Answer {
        let address = self.go(provider, form).await;
        let back = voucher.approve(&address, who);
        self.come(provider, &back).await
    }

    /// And joins.
    async fn join(&mut self, voucher: &Voucher, provider: &str, who: &Known, form: Value) -> Answer {
        let led = self.through(voucher, provider, who, form).await;
        assert_eq!(led.led("newcomer"), provider, "{}", led.head);
        self.post("/api/v1/newcomer", json!({"name": who.name})).await
    }

    async fn name(&mut self) -> Option<String> {
        let me = self.get("/api/v1/me").await;
        me.body["name"].as_str().map(str::to_owned)
    }
}

async fn set(data: &std::path::Path, voucher: &Voucher, change: impl FnOnce(&mut Config)) -> TestRelay {
    let relay = TestRelay::start_set(data, |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.providers = vec![voucher.openid("sso"), voucher.discord()];
        change(config);
    })
    .await;
    let clock = relay.clock();
    voucher.at(move || clock() / 1_000);
    relay
}

fn secret_of(link: &str) -> String {
    link.split_once("/sign-in#invitation=").expect("a link").1.to_owned()
}

fn changing(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Change {
    Change::to(change)
}

#[tokio::test]
async fn who_was_invited_joins_by_a_provider_and_is_the_same_when_he_comes_again() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |config| config.registration = Registration::Invitation).await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    let ways = ana.get("/api/v1/sign-in").await.body;
    assert_eq!(ways["providers"][0], json!({"id": "sso", "title": "Guild sso"}), "{ways}");
    let address = ana.go("sso", json!({"invitation": first, "next": "/reports/abc?tab=healing"})).await;
    assert!(!address.contains(&first), "the invitation is the provider's to see: {address}");
    assert!(address.contains("&state=") && address.contains("&nonce=") && address.contains("&code_challenge="));
    let led = ana.come("sso", &voucher.approve(&address, &ANA)).await;
    assert_eq!((led.led("newcomer"), led.led("next")), ("sso".into(), "/reports/abc?tab=healing".into()));
    // Nothing is kept of who has not said what he is called.
    assert_eq!(ana.name().await, None);
    let newcomer = ana.get("/api/v1/newcomer").await.body;
    assert_eq!(newcomer, json!({"provider": {"id": "sso", "title": "Guild sso"}, "name": "Ana Müller"}));
    let joined = ana.post("/api/v1/newcomer", json!({"name": "Ana"})).await;
    assert_eq!((joined.status, &joined.body["role"]), (201, &json!("administrator")), "{}", joined.body);
    assert_eq!(ana.get("/api/v1/newcomer").await.status, 404);
    assert_eq!(ana.post("/api/v1/newcomer", json!({"name": "Ana 2"})).await.status, 404);
    let ways = ana.get("/api/v1/me/ways").await.body;
    let line = json!({"provider": {"id": "sso", "title": "Guild sso"}, "works": true, "removable": false});
    assert_eq!(ways, json!({"ways": [line], "addable": [{"id": "discord", "title": "Guild discord"}]}));

    // Again, from another browser, with keys of both kinds: the session from before ends in the same browser.
    let before = ana.clone();
    for signing in [Signing::Curve, Signing::Rsa] {
        voucher.set(Faults { signing, ..Faults::default() });
        let led = ana.through(&voucher, "sso", &ANA, json!({})).await;
        assert_eq!((led.led("entered"), led.led("next")), ("sso".into(), "/account".into()), "{}", led.head);
        assert_eq!(ana.name().await.as_deref(), Some("Ana"));
    }
    assert_ne!(ana.cookies["__Host-raidcast"], before.cookies["__Host-raidcast"]);
    assert_eq!(before.clone().name().await, None);
    // By an invitation that somebody makes there.
    let made = ana.post("/api/v1/invitations", json!({"uses": 1, "days": 7})).await;
    let invitation = secret_of(made.body["url"].as_str().unwrap());
    let mut bo = Browser::at(&relay, 2);
    for form in [json!({}), json!({"invitation": ""})] {
        assert_eq!(bo.through(&voucher, "sso", &BO, form).await.led("fault"), "not_invited");
    }
    let refused = bo.through(&voucher, "sso", &BO, json!({"invitation": "0".repeat(64)})).await;
    assert_eq!(refused.led("fault"), "not_invited");
    let joined = bo.join(&voucher, "sso", &BO, json!({"invitation": invitation})).await;
    assert_eq!((joined.status, &joined.body["role"]), (201, &json!("member")), "{}", joined.body);
    let third = Known { subject: "9", name: "Cy" };
    let refused = Browser::at(&relay, 3).through(&voucher, "sso", &third, json!({"invitation": invitation})).await;
    assert_eq!(refused.led("fault"), "not_invited", "it is used up");
    // And after a restart.
    let relay = relay.restart().await;
    let mut bo = Browser::at(&relay, 4);
    bo.through(&voucher, "sso", &BO, json!({})).await;
    assert_eq!(bo.name().await.as_deref(), Some("Bo"));
    relay.stop().await;
}

#[tokio::test]
async fn a_provider_counts_only_for_who_may_join() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |config| config.registration = Registration::Closed).await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.through(&voucher, "sso", &ANA, json!({})).await.led("fault"), "not_invited");
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({"invitation": first})).await.status, 201);
    let mut bo = Browser::at(&relay, 2);
    for form in [json!({}), json!({"invitation": first})] {
        let fault = bo.through(&voucher, "sso", &BO, form).await.led("fault");
        assert!(["not_invited", "joining_closed"].contains(&&*fault), "{fault}");
    }
    assert_eq!(bo.get("/api/v1/newcomer").await.status, 404);
    relay.stop().await;
    // Where everybody may: names are one person's, and a provider's subject is not another provider's.
    let data = tempfile::tempdir().unwrap();
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let mut other = Browser::at(&relay, 2);
    let taken = other.join(&voucher, "discord", &ANA, json!({})).await;
    assert_eq!((taken.status, taken.code()), (409, "taken"));
    assert_eq!(other.post("/api/v1/newcomer", json!({"name": "x"})).await.code(), "bad_request");
    assert_eq!(other.post("/api/v1/newcomer", json!({"name": "Other"})).await.status, 201);
    assert_eq!(other.name().await.as_deref(), Some("Other"));
    // The same address for mail, and the same name, are no reason to take two for one.
    let again = Known { subject: "70", name: "Ana Müller" };
    assert_eq!(Browser::at(&relay, 3).join(&voucher, "sso", &again, json!({})).await.code(), "taken");
    // Who joins in two windows is one.
    let (mut one, mut two) = (Browser::at(&relay, 4), Browser::at(&relay, 5));
    for window in [&mut one, &mut two] {
        window.through(&voucher, "sso", &BO, json!({})).await;
    }
    assert_eq!(one.post("/api/v1/newcomer", json!({"name": "Bo"})).await.status, 201);
    let second = two.post("/api/v1/newcomer", json!({"name": "Bo 2"})).await;
    assert_eq!(second.code(), "conflict", "{}", second.body);
    // The right to choose a name is the browser's own, and only the relay's page uses it.
    let mut thief = Browser::at(&relay, 6);
    let third = Known { subject: "9", name: "Cy" };
    two.through(&voucher, "sso", &third, json!({})).await;
    assert_eq!(thief.post("/api/v1/newcomer", json!({"name": "Cy"})).await.status, 404);
    let foreign = two.send("POST", "/api/v1/newcomer", FOLLOWED, Some(json!({"name": "Cy"}))).await;
    assert_eq!(foreign.code(), "foreign_page");
    relay.pass_ms(10 * MINUTE_MS);
    assert_eq!(two.get("/api/v1/newcomer").await.status, 404);
    relay.stop().await;
}

#[tokio::test]
async fn what_a_provider_says_counts_only_as_it_must_be() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let now_s = 1_790_000_000;
    let mut faults: Vec<(&str, Faults)> = Vec::new();
    for (what, signing) in [
        ("forged", Signing::Forged),
        ("unknown", Signing::Unknown),
        ("none", Signing::Unsigned),
        ("hmac", Signing::PublicKeyAsSecret),
    ] {
        faults.push((what, Faults { signing, ..Faults::default() }));
    }
    for (what, name, value) in [
        ("nonce", "nonce", json!("another")),
        ("no nonce", "nonce", Value::Null),
        ("issuer", "iss", json!("https://evil.example")),
        ("audience", "aud", json!("another relay")),
        ("two audiences", "aud", json!([crate::voucher::CLIENT, "another"])),
        ("party", "azp", json!("another")),
        ("expired", "exp", json!(now_s - 3_600)),
        ("future", "iat", json!(now_s + 3_600)),
        ("old", "iat", json!(now_s - 100_000)),
        ("nobody", "sub", json!("")),
        ("odd", "sub", json!(["7"])),
        ("long", "sub", json!("7".repeat(10_000))),
    ] {
        let claims = changing(move |claims| claims[name] = value.clone());
        faults.push((what, Faults { claims, ..Faults::default() }));
    }
    for (what, value) in
        [("no token", Value::Null), ("odd token", json!("a.b.c")), ("long token", json!("a".repeat(100_000)))]
    {
        let answer = changing(move |answer| answer["id_token"] = value.clone());
        faults.push((what, Faults { answer, ..Faults::default() }));
    }
    for (number, (what, faults)) in faults.into_iter().enumerate() {
        voucher.set(faults);
        // Also of who is known here: nobody is signed in.
        let mut browser = Browser::at(&relay, 10 + number as u8);
        let led = browser.through(&voucher, "sso", &ANA, json!({})).await;
        assert_eq!((led.led("fault"), led.led("provider")), ("provider_wrong".into(), "sso".into()), "{what}");
        assert!(browser.cookies.is_empty(), "{what}: {:?}", browser.cookies);
        // Nor is anything added.
        let mut bo = ana.clone();
        let led = bo.through(&voucher, "sso", &BO, json!({"errand": "again"})).await;
        assert!(led.location().starts_with("/account?fault=provider_wrong"), "{what}: {}", led.head);
        assert_eq!(bo.cookies["__Host-raidcast"], ana.cookies["__Host-raidcast"], "{what}");
    }
    voucher.set(Faults::default());
    assert_eq!(Browser::at(&relay, 60).through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
    relay.stop().await;
}

#[tokio::test]
async fn a_way_back_from_a_provider_is_good_once_in_its_browser_and_for_ten_minutes() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let mut browser = Browser::at(&relay, 2);
    let back = async |browser: &mut Browser| voucher.approve(&browser.go("sso", json!({})).await, &ANA);
    let with = |back: &[(String, String)], name: &str, value: Option<&str>| {
        let mut back = back.to_vec();
        back.retain(|(key, _)| key != name);
        back.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        back
    };
    // Another state, or none; and in the address of nobody.
    let good = back(&mut browser).await;
    for state in [None, Some(""), Some("0"), Some(&*"0".repeat(64))] {
        let led = browser.clone().come("sso", &with(&good, "state", state)).await;
        assert_eq!(led.led("fault"), "ended", "{state:?}");
    }
    let twice = [good.clone(), good.clone()].concat();
    assert_eq!(browser.clone().come("sso", &twice).await.led("fault"), "ended");
    // In another browser, with no cookie, with one of its own, and with one that somebody put there.
    let mut others = vec![Browser::at(&relay, 3), Browser::at(&relay, 4), Browser::at(&relay, 5)];
    back(&mut others[1]).await;
    others[2].cookies.insert("__Host-raidcast-trip".into(), "0".repeat(64));
    for other in &mut others {
        let good = back(&mut browser).await;
        assert_eq!(other.come("sso", &good).await.led("fault"), "other_browser");
        assert_eq!(other.name().await, None);
        // And nothing is lost by that to whose it is: he may have another tab, or somebody else may have led him there.
        assert_eq!(browser.come("sso", &good).await.led("entered"), "sso");
    }
    // Two tabs share a cookie: the later one's way back is good though the other came first.
    let first = back(&mut browser).await;
    let second = back(&mut browser).await;
    assert_eq!(browser.come("sso", &first).await.led("fault"), "other_browser");
    assert_eq!(browser.come("sso", &second).await.led("entered"), "sso");
    // A cookie that a browser had before is not what the next way is bound to.
    let planted = browser.clone();
    let good = back(&mut browser).await;
    assert_eq!(planted.clone().come("sso", &good).await.led("fault"), "other_browser");
    // Once.
    let good = back(&mut browser).await;
    assert_eq!(browser.clone().come("sso", &good).await.led("entered"), "sso");
    assert_eq!(browser.clone().come("sso", &good).await.led("fault"), "ended");
    // A code that another's way brought, none, and one that no header holds.
    let good = back(&mut browser).await;
    let mut thief = Browser::at(&relay, 6);
    let own = back(&mut thief).await;
    let stolen = good.iter().find(|(key, _)| key == "code").unwrap().1.clone();
    assert_eq!(thief.come("sso", &with(&own, "code", Some(&stolen))).await.led("fault"), "provider_wrong");
    for code in [None, Some(""), Some("a\r\nb"), Some(&*"c".repeat(5_000))] {
        let good = back(&mut browser).await;
        assert_eq!(browser.come("sso", &with(&good, "code", code)).await.led("fault"), "provider_wrong", "{code:?}");
    }
    // Who said no, and what else the provider says.
    for (error, fault) in
        [("access_denied", "denied"), ("server_error", "provider_wrong"), ("<b>\u{202e}", "provider_wrong")]
    {
        let good = with(&back(&mut browser).await, "error", Some(error));
        assert_eq!(browser.come("sso", &good).await.led("fault"), fault, "{error}");
    }
    // Ten minutes.
    let good = back(&mut browser).await;
    relay.pass_ms(10 * MINUTE_MS);
    assert_eq!(browser.come("sso", &good).await.led("fault"), "ended");
    let good = back(&mut browser).await;
    relay.pass_ms(10 * MINUTE_MS - 1);
    assert_eq!(browser.come("sso", &good).await.led("entered"), "sso");
    relay.stop().await;
}

#[tokio::test]
async fn what_one_provider_says_is_not_taken_for_anothers() {
    let (data, voucher, evil) = (tempfile::tempdir().unwrap(), Voucher::start().await, Voucher::start().await);
    let relay = set(data.path(), &voucher, |config| config.providers.push(evil.openid("evil"))).await;
    evil.at(|| 1_790_000_000);
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let with_iss = |back: &[(String, String)], iss: Option<&str>| {
        let mut back = back.to_vec();
        back.retain(|(key, _)| key != "iss");
        back.extend(iss.map(|iss| ("iss".to_owned(), iss.to_owned())));
        back
    };
    for (began, came, iss) in [
        // A way that began at one and comes back at the other's address.
        ("sso", "evil", Some(evil.url())),
        ("evil", "sso", Some(voucher.url())),
        ("sso", "nobody", None),
        // The other's name, another's, or none, where its own must stand.
        ("sso", "sso", Some(evil.url())),
        ("sso", "sso", Some("https://elsewhere.example")),
        ("sso", "sso", None),
    ] {
        let mut browser = Browser::at(&relay, 2);
        let address = browser.go(began, json!({})).await;
        let at = if began == "sso" { &voucher } else { &evil };
        let before = [voucher.asked()[2], evil.asked()[2]];
        let led = browser.come(came, &with_iss(&at.approve(&address, &ANA), iss)).await;
        assert_eq!(led.led("fault"), "other_provider", "{began} {came} {iss:?}");
        assert_eq!([voucher.asked()[2], evil.asked()[2]], before, "a code went to somebody");
        assert_eq!(browser.name().await, None);
    }
    // Discord need not name itself; what another calls itself is not its own.
    let mut browser = Browser::at(&relay, 3);
    let address = browser.go("discord", json!({})).await;
    let back = with_iss(&voucher.approve(&address, &BO), Some(evil.url()));
    assert_eq!(browser.come("discord", &back).await.led("fault"), "other_provider");
    // The same subject of another provider is somebody else.
    let led = Browser::at(&relay, 4).through(&evil, "evil", &ANA, json!({})).await;
    assert_eq!(led.led("newcomer"), "evil");
    relay.stop().await;
}

#[tokio::test]
async fn a_provider_is_what_the_configuration_calls_it_at_addresses_that_are_safe() {
    let voucher = Voucher::start().await;
    for (name, value) in [
        ("issuer", json!("http://127.0.0.1:1/another")),
        ("token_endpoint", json!("http://192.0.2.1/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ("issuer", Value::Null),
    ] {
        let data = tempfile::tempdir().unwrap();
        let metadata = changing({
            let value = value.clone();
            move |metadata| metadata[name] = value.clone()
        });
        voucher.set(Faults { metadata, ..Faults::default() });
        let relay = set(data.path(), &voucher, |_| ()).await;
        let refused = Browser::at(&relay, 1).post("/api/v1/sign-in/sso", json!({})).await;
        assert_eq!(refused.status, 503, "{name}: {}", refused.body);
        assert!(refused.body["message"].as_str().unwrap().contains("administrator"), "{}", refused.body);
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_once_and_not_for_everybody_who_makes_one_up() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let asked = voucher.asked();
    relay.pass_ms(2 * MINUTE_MS);
    voucher.rotate("second");
    assert_eq!(ana.through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
    assert_eq!((voucher.asked()[0], voucher.asked()[1]), (asked[0], asked[1] + 1));
    voucher.set(Faults { signing: Signing::Unknown, ..Faults::default() });
    for number in 0..5 {
        let led = Browser::at(&relay, 10 + number).through(&voucher, "sso", &ANA, json!({})).await;
        assert_eq!(led.led("fault"), "provider_wrong");
    }
    assert_eq!(voucher.asked()[1], asked[1] + 1, "keys were fetched a moment ago");
    relay.pass_ms(MINUTE_MS);
    Browser::at(&relay, 20).through(&voucher, "sso", &ANA, json!({})).await;
    assert_eq!(voucher.asked()[1], asked[1] + 2);
    // What was kept is good while the provider does not answer.
    voucher.set(Faults { discovery: Answering::Broken, keys: Answering::Broken, ..Faults::default() });
    relay.pass_ms(120 * MINUTE_MS);
    assert_eq!(Browser::at(&relay, 21).through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
    relay.stop().await;
}

#[tokio::test]
async fn a_provider_is_added_and_removed_by_who_signed_in_a_moment_ago_and_the_last_way_stays() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    let joined = ana.post("/api/v1/people", json!({"name": "Ana", "password": PASSWORD})).await;
    assert_eq!(joined.status, 201);
    assert_eq!(bo.join(&voucher, "sso", &BO, json!({})).await.status, 201);
    let add = json!({"errand": "add"});
    // Only who is signed in, and did so a moment ago.
    let refused = Browser::at(&relay, 3).post("/api/v1/sign-in/sso", add.clone()).await;
    assert_eq!(refused.code(), "signed_out");
    relay.pass_ms(16 * MINUTE_MS);
    assert_eq!(ana.post("/api/v1/sign-in/sso", add.clone()).await.code(), "sign_in_again");
    let again = json!({"name": "Ana", "password": PASSWORD});
    assert_eq!(ana.post("/api/v1/session", again.clone()).await.status, 200);
    // Whom the provider names is somebody here already: nothing is put together.
    let led = ana.through(&voucher, "sso", &BO, add.clone()).await;
    assert!(led.location().starts_with("/account?fault=somebody_elses"), "{}", led.head);
    assert_eq!(ana.name().await.as_deref(), Some("Ana"));
    let session = ana.cookies["__Host-raidcast"].clone();
    let led = ana.through(&voucher, "sso", &ANA, add.clone()).await;
    assert_eq!(led.location(), "/account?added=sso");
    assert_eq!(ana.cookies["__Host-raidcast"], session);
    let ways = ana.get("/api/v1/me/ways").await.body;
    assert_eq!(ways["ways"][0], json!({"provider": null, "works": true, "removable": false}), "{ways}");
    assert_eq!((&ways["ways"][1]["provider"]["id"], &ways["ways"][1]["removable"]), (&json!("sso"), &json!(true)));
    assert_eq!(ana.post("/api/v1/sign-in/sso", add.clone()).await.code(), "conflict", "he has one");
    let mut elsewhere = Browser::at(&relay, 4);
    assert_eq!(elsewhere.through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
    assert_eq!(elsewhere.name().await.as_deref(), Some("Ana"));

    // A way that began in a session counts in that session.
    let back = voucher.approve(&ana.go("discord", add.clone()).await, &ANA);
    assert_eq!(ana.post("/api/v1/session", again.clone()).await.status, 200);
    assert_eq!(ana.come("discord", &back).await.led("fault"), "sign_in_again");
    let back = voucher.approve(&ana.go("discord", add.clone()).await, &ANA);
    assert_eq!(ana.send("DELETE", "/api/v1/session", OWN, None).await.status, 204);
    assert_eq!(ana.come("discord", &back).await.led("fault"), "sign_in_again");
    assert_eq!(ana.post("/api/v1/session", again.clone()).await.status, 200);
    let back = voucher.approve(&ana.go("discord", add.clone()).await, &ANA);
    relay.pass_ms(9 * MINUTE_MS);
    assert_eq!(ana.come("discord", &back).await.led("added"), "discord");

    // Removing takes a sign-in of a moment ago, and a page of the relay; all other sessions end.
    let remove = "/api/v1/me/ways/sso";
    assert_eq!(ana.send("DELETE", remove, FOLLOWED, None).await.code(), "foreign_page");
    assert_eq!(ana.send("DELETE", "/api/v1/me/ways/nobody", OWN, None).await.status, 404);
    assert_eq!(ana.send("DELETE", "/api/v1/me/ways/", OWN, None).await.status, 404);
    assert_eq!(ana.send("DELETE", remove, OWN, None).await.status, 204);
    assert_eq!((elsewhere.name().await, ana.name().await.as_deref()), (None, Some("Ana")));
    assert_eq!(ana.send("DELETE", remove, OWN, None).await.status, 404);
    assert_eq!(Browser::at(&relay, 5).through(&voucher, "sso", &ANA, json!({})).await.led("newcomer"), "sso");
    relay.pass_ms(7 * MINUTE_MS);
    assert_eq!(ana.send("DELETE", "/api/v1/me/ways/discord", OWN, None).await.code(), "sign_in_again");
    // The last way stays.
    let led = bo.through(&voucher, "sso", &BO, json!({"errand": "again", "next": "/account"})).await;
    assert_eq!(led.led("entered"), "sso");
    let last = bo.send("DELETE", remove, OWN, None).await;
    assert_eq!((last.status, last.code()), (409, "conflict"), "{}", last.body);
    // So it does where the other is of a provider that is set no more.
    assert_eq!(bo.through(&voucher, "discord", &BO, add).await.led("added"), "discord");
    relay.stop().await;
    let relay = set(data.path(), &voucher, |config| config.providers.truncate(1)).await;
    let mut bo = Browser::at(&relay, 6);
    assert_eq!(bo.through(&voucher, "sso", &BO, json!({})).await.led("entered"), "sso");
    let ways = bo.get("/api/v1/me/ways").await.body;
    let old = json!({"provider": {"id": "discord", "title": "discord"}, "works": false, "removable": true});
    assert_eq!(ways["ways"][0], old, "{ways}");
    assert_eq!(bo.send("DELETE", remove, OWN, None).await.code(), "conflict");
    assert_eq!(bo.send("DELETE", "/api/v1/me/ways/discord", OWN, None).await.status, 204);
    relay.stop().await;
}

#[tokio::test]
async fn who_signs_in_again_by_a_provider_is_asked_there_and_is_the_same() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    assert_eq!(bo.join(&voucher, "sso", &BO, json!({})).await.status, 201);
    relay.pass_ms(16 * MINUTE_MS);
    let key = json!({"name": "meter", "scopes": ["upload"]});
    assert_eq!(ana.post("/api/v1/me/keys", key.clone()).await.code(), "sign_in_again");
    let again = json!({"errand": "again"});
    let address = ana.go("sso", again.clone()).await;
    assert!(address.contains("&max_age=900"), "{address}");
    // Whose browser has somebody signed in at the provider since long ago.
    let long_ago = changing(|claims| claims["auth_time"] = json!(1_789_000_000));
    voucher.set(Faults { claims: long_ago, ..Faults::default() });
    assert_eq!(ana.through(&voucher, "sso", &ANA, again.clone()).await.led("fault"), "provider_wrong");
    // Nor is it a way round it to sign in as if he had not been: the provider knows him from before, and so it says, or not.
    for told in [json!(1_789_000_000), json!(null)] {
        voucher.set(Faults { claims: changing(move |claims| claims["auth_time"] = told.clone()), ..Faults::default() });
        assert_eq!(ana.through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
        assert_eq!(ana.post("/api/v1/me/keys", key.clone()).await.code(), "sign_in_again");
    }
    voucher.set(Faults::default());
    for other in [BO, Known { subject: "9", name: "Cy" }] {
        let led = ana.through(&voucher, "sso", &other, again.clone()).await;
        assert!(led.location().starts_with("/account?fault=somebody_elses"), "{}", led.head);
    }
    assert_eq!(ana.post("/api/v1/me/keys", key.clone()).await.code(), "sign_in_again");
    assert_eq!(ana.through(&voucher, "sso", &ANA, again).await.led("entered"), "sso");
    assert_eq!(ana.post("/api/v1/me/keys", key).await.status, 201);
    relay.stop().await;
}

#[tokio::test]
async fn discord_says_who_somebody_is_and_is_left_alone_when_it_wants_to() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    let led = ana.through(&voucher, "discord", &ANA, json!({})).await;
    assert_eq!(led.led("newcomer"), "discord");
    assert_eq!(ana.get("/api/v1/newcomer").await.body["name"], "Ana Müller");
    assert_eq!(ana.post("/api/v1/newcomer", json!({"name": "Ana"})).await.status, 201);
    assert_eq!(ana.through(&voucher, "discord", &ANA, json!({})).await.led("entered"), "discord");
    let me = |answering| Faults { me: answering, ..Faults::default() };
    let token = |answering| Faults { token: answering, ..Faults::default() };
    let user = |name: &'static str, value: Value| {
        let claims = changing(move |user| user[name] = value.clone());
        Faults { claims, ..Faults::default() }
    };
    let kind = changing(|answer| answer["token_type"] = json!("mac"));
    let odd = changing(|answer| answer["access_token"] = json!("a\r\nb"));
    for (number, (faults, fault)) in [
        (token(Answering::Broken), "provider_down"),
        (token(Answering::Elsewhere), "provider_wrong"),
        (token(Answering::Nonsense), "provider_wrong"),
        (token(Answering::Endless), "provider_down"),
        (Faults { answer: kind, ..Faults::default() }, "provider_wrong"),
        (Faults { answer: odd, ..Faults::default() }, "provider_wrong"),
        (me(Answering::Broken), "provider_down"),
        (me(Answering::Elsewhere), "provider_wrong"),
        (me(Answering::Endless), "provider_down"),
        (user("id", json!("")), "provider_wrong"),
        (user("id", json!(7)), "provider_wrong"),
        (user("id", json!("7 OR 1")), "provider_wrong"),
        (user("id", json!("7".repeat(33))), "provider_wrong"),
        (user("id", Value::Null), "provider_wrong"),
    ]
    .into_iter()
    .enumerate()
    {
        voucher.set(faults);
        let mut browser = Browser::at(&relay, 10 + number as u8);
        assert_eq!(browser.through(&voucher, "discord", &ANA, json!({})).await.led("fault"), fault, "{number}");
        assert!(browser.cookies.is_empty(), "{number}");
    }
    // It is not asked before it wants to be, and nobody is sent there.
    let mut under_way = Browser::at(&relay, 41);
    let back = voucher.approve(&under_way.go("discord", json!({})).await, &ANA);
    voucher.set(me(Answering::Busy));
    assert_eq!(ana.through(&voucher, "discord", &ANA, json!({})).await.led("fault"), "provider_busy");
    voucher.set(Faults::default());
    let before = voucher.asked()[2];
    assert_eq!(under_way.come("discord", &back).await.led("fault"), "provider_busy");
    assert_eq!(ana.post("/api/v1/sign-in/discord", json!({})).await.status, 503);
    assert_eq!(voucher.asked()[2], before);
    relay.pass_ms(2_000);
    assert_eq!(ana.through(&voucher, "discord", &ANA, json!({})).await.led("entered"), "discord");
    // A code is good once, and for who began with it.
    let mut thief = Browser::at(&relay, 40);
    let good = voucher.approve(&ana.go("discord", json!({})).await, &ANA);
    let mut own = voucher.approve(&thief.go("discord", json!({})).await, &BO);
    own[0] = good[0].clone();
    assert_eq!(thief.come("discord", &own).await.led("fault"), "provider_wrong");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_only_administrators_provider_is_gone_a_new_one_joins_by_a_link() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |config| config.registration = Registration::Invitation).await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({"invitation": first})).await.status, 201);
    let relay = relay.restart().await;
    assert_eq!(relay.first_link(), None);
    relay.stop().await;
    // Without her provider, and closed, too.
    let without = |config: &mut Config| {
        config.providers.remove(0);
        config.registration = Registration::Closed;
    };
    let file = format!("listen = [\"127.0.0.1:0\"]\ndata = \"{}\"\n", data.path().display());
    let check = || tokio::task::block_in_place(|| run(data.path(), "check", &file, &[], &[]));
    let (_, text) = check();
    assert!(line(&text, "note", "administrators").contains("none of 1 can sign in"), "{text}");
    let relay = set(data.path(), &voucher, without).await;
    let link = secret_of(relay.first_link().expect("no administrator can sign in"));
    assert_eq!(
        Browser::at(&relay, 2).post("/api/v1/people", json!({"name": "Bo", "password": PASSWORD})).await.status,
        403
    );
    let form = json!({"name": "Bo", "password": PASSWORD, "invitation": link});
    let mut bo = Browser::at(&relay, 3);
    let joined = bo.post("/api/v1/people", form.clone()).await;
    assert_eq!((joined.status, &joined.body["role"]), (201, &json!("administrator")), "{}", joined.body);
    let again = Browser::at(&relay, 4).post("/api/v1/people", form).await;
    assert_eq!(again.code(), "not_invited", "it is good once");
    relay.stop().await;
    let (_, text) = check();
    assert!(line(&text, "note", "administrators").contains("1 of 2 can sign in"), "{text}");
    let relay = set(data.path(), &voucher, without).await;
    assert_eq!(relay.first_link(), None);
    relay.stop().await;
}

#[tokio::test]
async fn who_deletes_his_account_has_just_shown_his_provider_who_he_is() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let delete = async |ana: &mut Browser| ana.send("DELETE", "/api/v1/me", OWN, None).await;
    relay.pass_ms(16 * MINUTE_MS);
    assert_eq!(delete(&mut ana).await.code(), "sign_in_again");
    // The provider is asked to have him sign in anew; one that says it knew him since long ago is not believed.
    let address = ana.go("sso", json!({"errand": "again"})).await;
    assert!(address.contains("&max_age=900"), "{address}");
    voucher.set(Faults { claims: changing(|claims| claims["auth_time"] = json!(1_789_000_000)), ..Faults::default() });
    let back = voucher.approve(&address, &ANA);
    assert_eq!(ana.come("sso", &back).await.led("fault"), "provider_wrong");
    assert_eq!(ana.through(&voucher, "sso", &ANA, json!({})).await.led("entered"), "sso");
    assert_eq!(delete(&mut ana).await.code(), "sign_in_again");
    voucher.set(Faults::default());
    assert_eq!(ana.through(&voucher, "sso", &ANA, json!({"errand": "again"})).await.led("entered"), "sso");
    let gone = delete(&mut ana).await;
    assert!((200..300).contains(&gone.status), "{}", gone.body);
    relay.stop().await;
}

#[tokio::test]
async fn where_somebody_wanted_to_go_is_known_however_he_comes_back() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let form = json!({"next": "/pair?code=BCDF-GHJK"});
    let mut ana = Browser::at(&relay, 1);
    let address = ana.go("sso", form.clone()).await;
    let mut denied = voucher.approve(&address, &ANA);
    denied.retain(|(name, _)| name != "code");
    denied.push(("error".to_owned(), "access_denied".to_owned()));
    let led = ana.come("sso", &denied).await;
    assert_eq!((led.led("fault"), led.led("next")), ("denied".to_owned(), "/pair?code=BCDF-GHJK".to_owned()));
    let led = ana.through(&voucher, "sso", &ANA, form.clone()).await;
    assert_eq!((led.led("newcomer"), led.led("next")), ("sso".to_owned(), "/pair?code=BCDF-GHJK".to_owned()));
    assert_eq!(ana.post("/api/v1/newcomer", json!({"name": "Ana"})).await.status, 201);
    let led = ana.through(&voucher, "sso", &ANA, form.clone()).await;
    assert_eq!(led.location(), "/sign-in?entered=sso&next=%2Fpair%3Fcode%3DBCDF-GHJK");
    // What another browser began tells this one nothing.
    let back = voucher.approve(&ana.go("sso", form).await, &ANA);
    let led = Browser::at(&relay, 2).come("sso", &back).await;
    assert_eq!((led.led("fault"), led.led("next")), ("other_browser".to_owned(), String::new()));
    relay.stop().await;
}
