//! The first start: what is missing is said, one thing after the other, and nothing is sent before somebody agreed.

use raidcast_desktop_model::view::{AppState, FirstChoice, FirstStep, Link, OldChoice, OldFights, PairStep, ShownTo};
use raidcast_meterkit::{Generation, MeterWriter, write_all};
use raidcast_shared::uplink::Visibility;

use crate::relay::{KEY, Relay};
use crate::stage::{NOW_MS, Stage, party, read_at_once, relayed, wait};

/// Days before anybody starts the app.
const OLD_MS: i64 = NOW_MS - 5 * 86_400_000;

async fn write_old(stage: &Stage, fights: u64) -> MeterWriter {
    let mut writer = MeterWriter::open(&stage.db(), Generation::Aggregate).await.unwrap();
    for n in 0..fights {
        write_all(&mut writer, &party(n).starting_at(OLD_MS + n as i64 * 100_000)).await.unwrap();
    }
    writer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_said_one_after_the_other() {
    let stage = Stage::bare();
    let (desk, shown) = stage.start();
    shown.until(|now| now.state == AppState::Setup && !now.headline.is_empty()).await;
    let first = desk.first().await.unwrap();
    assert_eq!((first.step, first.meter.is_none(), first.old), (FirstStep::Meter, true, None));
    assert!(first.no_meter.unwrap().contains("No meter's database was found."));
    // Who has none yet goes on without one.
    assert_eq!(desk.use_meter(None).await.unwrap().step, FirstStep::Relay);

    let writer = write_old(&stage, 2).await;
    let first = desk.use_meter(Some(stage.db().display().to_string())).await.unwrap();
    assert_eq!((first.step, first.old), (FirstStep::Relay, Some(OldFights { fights: 2, first_ms: Some(OLD_MS) })));
    assert_eq!(first.meter.unwrap().what, "It writes hits while the fight goes on.");

    assert_eq!(desk.relay("ftp://raid.example".to_owned()).await.unwrap_err().code, "address");
    assert_eq!(desk.pair().await.unwrap_err().code, "noRelay");
    // Nothing listens there.
    let invitation = "http://127.0.0.1:1/sign-in#invitation=s3cret";
    let relay = desk.relay(invitation.to_owned()).await.unwrap();
    assert_eq!(
        (relay.relay.as_str(), relay.invited, relay.plain, relay.paired),
        ("http://127.0.0.1:1", true, false, false)
    );
    assert_eq!(desk.first().await.unwrap().step, FirstStep::Pair);
    let fault = desk.pair().await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.remedy.is_some()), ("pairing", true));
    assert_eq!(desk.pairing().await, PairStep::Failed { fault });
    desk.stop_pairing().await;
    assert_eq!(desk.pairing().await, PairStep::None);
    assert_eq!(desk.link(Link::Pair).await.unwrap_err().code, "link");
    assert_eq!(desk.paste_key("\"quoted\"".to_owned()).await.unwrap_err().code, "settings");
    assert_eq!(desk.finish_first(FirstChoice::default()).await.unwrap_err().code, "noRelay");
    // The settings name no relay that there is no key for.
    assert!(!std::fs::read_to_string(stage.home().config).unwrap().contains("relay"));
    desk.quit().await;
    writer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_fights_are_sent_as_was_chosen_and_new_ones_are_live() {
    let relay = Relay::start().await;
    let stage = Stage::bare();
    stage.settings(&relay.url, KEY);
    let mut writer = write_old(&stage, 4).await;
    let (desk, shown) = stage.start();
    shown.until(|now| now.state == AppState::Setup && now.relay.is_some()).await;
    let first = desk.first().await.unwrap();
    assert_eq!((first.step, first.old.map(|old| old.fights)), (FirstStep::Fights, Some(4)));
    let choice = FirstChoice {
        old: OldChoice::Since { since_ms: OLD_MS + 200_000 },
        shown: ShownTo { visibility: Visibility::Private, ..ShownTo::default() },
    };
    desk.finish_first(choice).await.unwrap();
    relay.until(|memory| memory.fights.values().filter(|fight| fight.ending.is_some()).count() == 2).await;
    wait(|| stage.own()["agreed"].is_null()).await;
    shown.until(|now| now.state == AppState::Idle && now.upload.is_none()).await;
    assert_eq!(desk.first().await.unwrap().step, FirstStep::Done);
    write_all(&mut writer, &party(9).starting_at(NOW_MS - 120_000)).await.unwrap();
    relay.until(|memory| memory.fights.values().filter(|fight| fight.ending.is_some()).count() == 3).await;
    desk.quit().await;
    let all = read_at_once(&stage.db());
    assert_eq!(relayed(&relay), all[2..], "the first two were not asked for");
    assert!(relay.memory().hellos.iter().all(|hello| hello.visibility == Visibility::Private));
    let own = stage.own();
    assert_eq!((&own["firstDone"], &own["old"], own["agreed"].is_null()), (&true.into(), &"none".into(), true));
}
