//! Old fights beside a run: planned, agreed to, sent, shown where they are, and gone on with.

use std::collections::HashSet;

use raidcast::history::Plan;
use raidcast::source::detect::Places;
use raidcast_desktop_model::view::{
    AppState, FightAct, FightFilter, FightStand, Link, UploadChoice, UploadHow, UploadStep,
};
use raidcast_meterkit::{Generation, MeterWriter, write_all};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio::sync::mpsc;

use crate::relay::Relay;
use crate::stage::{NOW_MS, Stage, party, read_at_once, relayed, wait};

/// Days before the app is started first: fights of then are history to it.
const OLD_MS: i64 = NOW_MS - 5 * 86_400_000;

async fn write_old(stage: &Stage, fights: u64) {
    let mut writer = MeterWriter::open(&stage.db(), Generation::Aggregate).await.unwrap();
    for n in 0..fights {
        write_all(&mut writer, &party(20 + n).starting_at(OLD_MS + n as i64 * 100_000)).await.unwrap();
    }
    writer.close().await.unwrap();
}

fn choice(fights: Vec<String>) -> UploadChoice {
    UploadChoice { fights, visibility: Visibility::Private, names: NamesPolicy::Class }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fights_are_sent_when_somebody_agrees_and_are_shown_where_they_are() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    write_old(&stage, 3).await;
    let (desk, shown) = stage.start();
    shown.until(|now| now.state == AppState::Idle).await;
    let page = desk.fights(FightFilter::default()).await;
    assert_eq!((page.total, page.fault), (3, None));
    assert!(page.fights.iter().all(|row| row.stand == FightStand::Unsent && row.can == [FightAct::Upload]));

    let names: Vec<_> = page.fights[..2].iter().map(|row| row.encounter.clone()).collect();
    assert_eq!(desk.plan(choice(vec!["none of them".into()])).await.unwrap_err().code, "noFights");
    let plan = desk.plan(choice(names.clone())).await.unwrap();
    assert_eq!((plan.fights, plan.there, plan.first_ms), (2, 0, Some(OLD_MS + 100_000)));
    assert!(plan.sentence.starts_with("2 fights would be sent to "), "{}", plan.sentence);
    assert!(relay.memory().fights.is_empty(), "nobody has agreed yet");

    let (progress, mut steps) = mpsc::channel(4);
    assert_eq!(desk.upload(plan.plan + 1, progress.clone()).await.unwrap_err().code, "planGone");
    let uploading = desk.upload(plan.plan, progress);
    let hearing = async {
        let mut done = HashSet::new();
        while let Some(step) = steps.recv().await {
            if let UploadStep::Done { encounter, how: UploadHow::New, .. } = step {
                done.insert(encounter);
            }
        }
        done
    };
    let (end, done) = tokio::join!(uploading, hearing);
    let end = end.unwrap();
    assert_eq!((end.sent, end.known, end.refused, end.waiting), (2, 0, 0, 0));
    assert_eq!(end.sentence, "2 fights uploaded.");
    assert_eq!(done, names.iter().cloned().collect::<HashSet<_>>());
    assert_eq!(relayed(&relay), read_at_once(&stage.db())[1..]);
    let old: Vec<_> = relay.memory().hellos.iter().filter(|hello| hello.history).cloned().collect();
    assert!(old.iter().all(|hello| (hello.visibility, hello.names) == (Visibility::Private, NamesPolicy::Class)));

    let page = desk.fights(FightFilter::default()).await;
    let stands: Vec<_> = page.fights.iter().map(|row| row.stand).collect();
    assert_eq!(stands, [FightStand::OnRelay, FightStand::OnRelay, FightStand::Unsent]);
    let link = desk.link(Link::Fight { encounter: names[0].clone() }).await.unwrap();
    assert_eq!(Some(&link), page.fights[0].url.as_ref());
    assert_eq!(desk.link_to_open(Link::Fight { encounter: names[0].clone() }).await.unwrap_err().code, "link");
    // Once more: it is there.
    let again = desk.plan(choice(names)).await.unwrap();
    assert_eq!((again.fights, again.there), (2, 2));
    assert!(stage.own()["agreed"].is_null());
    // What is asked in a pause is not sent.
    desk.pause(true).await.unwrap();
    let (progress, _steps) = mpsc::channel(4);
    assert_eq!(desk.upload(again.plan, progress).await.unwrap_err().code, "notRunning");
    let bundle = std::fs::read_to_string(desk.bundle().await.unwrap()).unwrap();
    assert!(bundle.contains("Raidcast 1.2.3") && !bundle.contains(crate::relay::KEY) && !bundle.contains("/report/"));
    desk.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_agreed_to_goes_on_when_the_app_was_killed() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    write_old(&stage, 2).await;
    let plan = Plan::make(Some(&stage.db()), &Places::default(), &stage.home().state, None).await.unwrap();
    let name = plan.fights[0].encounter;
    let own = serde_json::json!({
        "firstDone": true,
        "old": "none",
        "agreed": { "relay": relay.url, "fights": [name.to_string()], "visibility": "private", "names": "full" },
    });
    stage.keep(&own.to_string());
    let (desk, shown) = stage.start();
    relay.until(|memory| memory.fights.get(&name).is_some_and(|fight| fight.ending.is_some())).await;
    wait(|| stage.own()["agreed"].is_null()).await;
    shown.until(|now| now.state == AppState::Idle && now.upload.is_none()).await;
    desk.quit().await;
    assert_eq!(relay.memory().fights.len(), 1);
    assert!(
        relay.memory().hellos.iter().filter(|hello| hello.history).all(|hello| hello.visibility == Visibility::Private)
    );
}
