//! How often a provider is asked, and what becomes of those who come while it does not answer, wants to be left alone, or is
//! brought what it never said.

use raidcast_relay::account::ClientSecret;
use raidcast_relay::config::Config;
use raidcast_relay::limits::{JOINS_PER_HOUR, PROVIDER_REFUSED_PER_ADDRESS};
use serde_json::json;

use crate::raw::becomes;
use crate::voucher::{Answering, Faults, Known, Voucher};

use super::{ANA, BO, Browser, FOLLOWED, MINUTE_MS, OWN, PASSWORD, secret_of, set};

#[tokio::test]
async fn a_provider_that_answers_badly_is_not_waited_for_and_lets_nobody_in() {
    let voucher = Voucher::start().await;
    for (answering, fault) in [
        (Answering::Endless, "provider_down"),
        (Answering::Never, "provider_down"),
        (Answering::Broken, "provider_down"),
        (Answering::Elsewhere, "provider_wrong"),
        (Answering::Nonsense, "provider_wrong"),
        (Answering::Busy, "provider_busy"),
    ] {
        // What it says of itself: nobody is sent there, and it is not asked by each who wants to.
        let data = tempfile::tempdir().unwrap();
        voucher.set(Faults { discovery: answering, ..Faults::default() });
        let relay = set(data.path(), &voucher, |_| ()).await;
        let before = voucher.asked()[0];
        for _ in 0..3 {
            let refused = Browser::at(&relay, 1).post("/api/v1/sign-in/sso", json!({})).await;
            assert_eq!((refused.status, refused.code()), (503, "unavailable"), "{answering:?}: {}", refused.body);
            assert!(refused.body["message"].as_str().unwrap().starts_with("Guild sso "), "{}", refused.body);
        }
        assert!(voucher.asked()[0] - before <= 1, "{answering:?}");
        // After some seconds it is asked again; then its keys and its tokens do the same.
        voucher.set(Faults::default());
        relay.pass_ms(10_000);
        let mut browser = Browser::at(&relay, 2);
        for (what, faults) in [
            ("keys", Faults { keys: answering, ..Faults::default() }),
            ("token", Faults { token: answering, ..Faults::default() }),
        ] {
            let address = browser.go("sso", json!({})).await;
            // Keys were asked for a moment ago where all was well.
            relay.pass_ms(6_000);
            voucher.set(faults);
            let led = browser.come("sso", &voucher.approve(&address, &ANA)).await;
            assert_eq!(led.led("fault"), fault, "{answering:?} {what}");
            voucher.set(Faults::default());
            relay.pass_ms(6_000);
        }
        let led = browser.through(&voucher, "sso", &ANA, json!({})).await;
        assert_eq!(led.led("newcomer"), "sso", "{answering:?}");
        relay.stop().await;
    }
}

#[tokio::test]
async fn only_a_page_of_the_relay_sends_somebody_to_a_provider_and_not_too_often() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut browser = Browser::at(&relay, 1);
    for page in
        ["", FOLLOWED, "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: none\r\n", "Origin: https://evil.example\r\n"]
    {
        let refused = browser.send("POST", "/api/v1/sign-in/sso", page, Some(json!({}))).await;
        assert_eq!((refused.status, refused.code()), (403, "foreign_page"), "{page}");
        assert!(browser.cookies.is_empty());
    }
    // By another address than the one to which providers lead back, the cookie would not come along.
    let elsewhere = format!("{OWN}Origin: http://elsewhere.example\r\n");
    let refused = browser.send("POST", "/api/v1/sign-in/sso", &elsewhere, Some(json!({}))).await;
    assert_eq!((refused.status, refused.code()), (409, "conflict"));
    assert!(refused.body["message"].as_str().unwrap().contains(&relay.url), "{}", refused.body);
    for (form, code) in [
        (json!({"next": "a".repeat(600)}), "bad_request"),
        (json!({"invitation": "a".repeat(200)}), "bad_request"),
        (json!({"errand": "steal"}), "bad_request"),
        (json!({"provider": "sso"}), "bad_request"),
    ] {
        assert_eq!(browser.post("/api/v1/sign-in/sso", form).await.code(), code);
    }
    assert_eq!(browser.post("/api/v1/sign-in/nobody", json!({})).await.status, 404);
    assert_eq!(browser.post("/api/v1/sign-in/sso", json!({})).await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(browser.post("/api/v1/sign-in/discord", json!({})).await.status);
    }
    assert!(statuses.contains(&429) && statuses[..50].iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(Browser::at(&relay, 2).post("/api/v1/sign-in/sso", json!({})).await.status, 200);
    // Where it leads afterwards is a page of the relay's choosing, with that behind the `?`.
    let mut ana = Browser::at(&relay, 3);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({})).await.status, 201);
    let led = ana.through(&voucher, "sso", &ANA, json!({"next": "//evil.example/\r\nSet-Cookie: a=b"})).await;
    assert_eq!(led.location(), "/sign-in?entered=sso&next=%2F%2Fevil.example%2F%0D%0ASet-Cookie%3A+a%3Db");
    let metrics = crate::raw::ask_from(&relay, std::net::Ipv4Addr::new(127, 0, 0, 2), "GET /metrics", &[]).await;
    for line in [
        "raidcast_sign_ins_total{outcome=\"entered\",way=\"openid\"} 1",
        "raidcast_sign_ins_total{outcome=\"joined\",way=\"openid\"} 1",
    ] {
        assert!(metrics.body.contains(line), "{line}: {}", metrics.body);
    }
    relay.stop().await;
}

#[tokio::test]
async fn codes_that_a_provider_refuses_are_brought_to_it_only_so_often() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut stranger = Browser::at(&relay, 1);
    let wrong = |mut back: Vec<(String, String)>| {
        back.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, code)| "made-up".clone_into(code));
        back
    };
    let before = voucher.asked()[2];
    for number in 0..PROVIDER_REFUSED_PER_ADDRESS {
        let back = wrong(voucher.approve(&stranger.go("discord", json!({})).await, &ANA));
        assert_eq!(stranger.come("discord", &back).await.led("fault"), "provider_wrong", "{number}");
    }
    assert_eq!(voucher.asked()[2], before + PROVIDER_REFUSED_PER_ADDRESS as usize);
    let refused = stranger.post("/api/v1/sign-in/discord", json!({})).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many"), "{}", refused.body);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    assert_eq!(voucher.asked()[2], before + PROVIDER_REFUSED_PER_ADDRESS as usize);
    // By another provider he comes in, and others by this one, also many from one address who are who they say.
    assert_eq!(stranger.post("/api/v1/sign-in/sso", json!({})).await.status, 200);
    let mut guild = Browser::at(&relay, 2);
    assert_eq!(guild.join(&voucher, "discord", &ANA, json!({})).await.status, 201);
    for _ in 0..PROVIDER_REFUSED_PER_ADDRESS + 5 {
        assert_eq!(guild.through(&voucher, "discord", &ANA, json!({})).await.led("entered"), "discord");
    }
    // Who is signed in is no stranger of his address.
    guild.address.clone_from(&stranger.address);
    assert_eq!(guild.post("/api/v1/sign-in/discord", json!({"errand": "again"})).await.status, 200);
    relay.stop().await;
    // What the provider has against the relay is no fault of who comes.
    let unknown = |config: &mut Config| {
        let mut discord = voucher.discord();
        discord.client_secret = ClientSecret::new("another");
        config.providers = vec![discord];
    };
    let relay = set(data.path(), &voucher, unknown).await;
    let mut somebody = Browser::at(&relay, 5);
    for number in 0..PROVIDER_REFUSED_PER_ADDRESS + 3 {
        let back = voucher.approve(&somebody.go("discord", json!({})).await, &ANA);
        assert_eq!(somebody.come("discord", &back).await.led("fault"), "provider_wrong", "{number}");
    }
    relay.stop().await;
    // Many that began before and come at one time are no way round it.
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut all = Vec::new();
    for _ in 0..PROVIDER_REFUSED_PER_ADDRESS + 10 {
        let mut browser = Browser::at(&relay, 3);
        let back = wrong(voucher.approve(&browser.go("discord", json!({})).await, &ANA));
        all.push((browser, back));
    }
    let before = voucher.asked()[2];
    let mut faults = Vec::new();
    for (browser, back) in &mut all {
        let led = browser.come("discord", back).await;
        if led.led("fault") == "too_often" {
            let wait: u32 = led.led("wait").parse().unwrap();
            assert!((1..=600).contains(&wait) && led.head.contains(&format!("retry-after: {wait}")), "{}", led.head);
        }
        faults.push(led.led("fault"));
    }
    assert_eq!(faults.iter().filter(|fault| *fault == "too_often").count(), 10, "{faults:?}");
    assert_eq!(voucher.asked()[2], before + PROVIDER_REFUSED_PER_ADDRESS as usize);
    relay.stop().await;
}

#[tokio::test]
async fn who_breaks_off_while_a_provider_is_asked_is_not_held_to_have_brought_a_wrong_code() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let mut stranger = Browser::at(&relay, 1);
    let few = 4;
    for _ in few..PROVIDER_REFUSED_PER_ADDRESS {
        let mut back = voucher.approve(&stranger.go("discord", json!({})).await, &ANA);
        "made-up".clone_into(&mut back[0].1);
        assert_eq!(stranger.come("discord", &back).await.led("fault"), "provider_wrong");
    }
    // As many as are left, who do not wait until the provider answers.
    let mut all = Vec::new();
    for _ in 0..few {
        let mut browser = Browser::at(&relay, 1);
        let back = voucher.approve(&browser.go("discord", json!({})).await, &ANA);
        all.push((browser, back));
    }
    voucher.set(Faults { token: Answering::Never, ..Faults::default() });
    for (browser, back) in &all {
        let asked = voucher.asked()[2];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        let path = format!("/sign-in/discord/callback?{query}");
        let stream = browser.begin("GET", &path, FOLLOWED, None).await;
        becomes("the provider's turn", async || voucher.asked()[2] > asked).await;
        drop(stream);
    }
    voucher.set(Faults::default());
    // That is no way round it: it is asked to the end, and until then they count.
    assert_eq!(stranger.post("/api/v1/sign-in/discord", json!({})).await.status, 429);
    // It never said that their codes are none.
    let may_go = async || stranger.clone().post("/api/v1/sign-in/discord", json!({})).await.status == 200;
    becomes("their end", may_go).await;
    assert_eq!(stranger.through(&voucher, "discord", &ANA, json!({})).await.led("newcomer"), "discord");
    relay.stop().await;
}

#[tokio::test]
async fn strangers_who_join_without_end_leave_room_for_who_is_invited() {
    let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
    let relay = set(data.path(), &voucher, |_| ()).await;
    let first = secret_of(relay.first_link().expect("nobody administrates it"));
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join(&voucher, "sso", &ANA, json!({"invitation": first})).await.status, 201);
    let made = ana.post("/api/v1/invitations", json!({"uses": 2, "days": 7})).await;
    let invitation = secret_of(made.body["url"].as_str().unwrap());
    // Under a name that somebody has, so that all of them are one.
    let mut stranger = Browser::at(&relay, 2);
    assert_eq!(stranger.through(&voucher, "discord", &BO, json!({})).await.led("newcomer"), "discord");
    let mut taken = 0;
    loop {
        stranger.address = format!("198.51.100.{}", taken / 4);
        let answer = stranger.post("/api/v1/newcomer", json!({"name": ANA.name})).await;
        match answer.status {
            409 => taken += 1,
            429 => break,
            _ => panic!("{}", answer.body),
        }
        assert!(taken < JOINS_PER_HOUR + 10, "nothing stops him");
    }
    assert!(taken >= JOINS_PER_HOUR, "{taken}: who is invited was counted with them");
    let third = Known { subject: "9", name: "Cy" };
    assert_eq!(Browser::at(&relay, 3).join(&voucher, "sso", &third, json!({})).await.status, 429);
    let joined = Browser::at(&relay, 4).join(&voucher, "sso", &third, json!({"invitation": invitation})).await;
    assert_eq!(joined.status, 201, "{}", joined.body);
    let form = json!({"name": "Di", "password": PASSWORD, "invitation": invitation});
    let joined = Browser::at(&relay, 5).post("/api/v1/people", form).await;
    assert_eq!(joined.status, 201, "{}", joined.body);
    relay.stop().await;
}

#[tokio::test]
async fn a_provider_that_wants_to_be_left_alone_for_a_day_is_for_some_minutes_and_it_is_said() {
    for provider in ["sso", "discord"] {
        let (data, voucher) = (tempfile::tempdir().unwrap(), Voucher::start().await);
        let relay = set(data.path(), &voucher, |_| ()).await;
        let mut ana = Browser::at(&relay, 1);
        assert_eq!(ana.join(&voucher, provider, &ANA, json!({})).await.status, 201);
        voucher.set(Faults { token: Answering::LeftAlone, ..Faults::default() });
        let led = ana.through(&voucher, provider, &ANA, json!({"next": "/reports/r1"})).await;
        assert_eq!((led.led("fault"), led.led("wait")), ("provider_busy".to_owned(), "300".to_owned()), "{}", led.head);
        assert!(led.head.contains("retry-after: 300"), "{}", led.head);
        assert_eq!(led.led("next"), "/reports/r1", "he still wants to go there");
        voucher.set(Faults::default());
        // Nobody is sent there for nothing.
        relay.pass_ms(MINUTE_MS);
        let asked = voucher.asked();
        let refused = Browser::at(&relay, 2).post(&format!("/api/v1/sign-in/{provider}"), json!({})).await;
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.body["message"].as_str().unwrap().contains("in 5 minutes"), "{}", refused.body);
        assert_eq!(voucher.asked(), asked);
        relay.pass_ms(4 * MINUTE_MS);
        assert_eq!(ana.through(&voucher, provider, &ANA, json!({})).await.led("entered"), provider);
        // Nor does a clock that is set back make that longer.
        voucher.set(Faults { token: Answering::LeftAlone, ..Faults::default() });
        assert_eq!(ana.through(&voucher, provider, &ANA, json!({})).await.led("fault"), "provider_busy");
        voucher.set(Faults::default());
        relay.pass_ms(-24 * 60 * MINUTE_MS);
        assert_eq!(ana.through(&voucher, provider, &ANA, json!({})).await.led("entered"), provider);
        relay.stop().await;
    }
}
