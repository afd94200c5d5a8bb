//! A night with the app: live without a word said, paused, made private, elsewhere, in trouble and out of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use raidcast::uploader::Seat;
use raidcast_desktop_model::tray::{TrayIcon, TrayLook};
use raidcast_desktop_model::tray_item::ItemId;
use raidcast_desktop_model::view::{AppState, LanguageChoice, Link, SettingsChange, ShownTo, UpdateRule};
use raidcast_meterkit::{Generation, MeterWriter, write_all};
use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

use crate::relay::{KEY, Relay};
use crate::stage::{NOW_MS, Stage, go_on, party, play, read_at_once, relayed};

async fn writer(stage: &Stage) -> MeterWriter {
    MeterWriter::open(&stage.db(), Generation::Aggregate).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_is_live_with_nothing_pressed_and_arrives_whole() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    let idle = shown.until(|now| now.state == AppState::Idle).await;
    assert_eq!(
        (idle.relay.as_deref(), idle.meter.unwrap().generation.as_str()),
        (Some(relay.url.as_str()), "aggregate")
    );
    shown.until_tray(|tray| tray.icon == TrayIcon::Idle).await;

    play(&mut writer, &party(1), 20_000).await;
    let live = shown
        .until(|now| now.state == AppState::Live && now.fight.as_ref().is_some_and(|fight| fight.events > 0))
        .await;
    // The scripted relay has another address than the one that was given: its links can be copied alone.
    let link = live.link.unwrap();
    assert_eq!((link.raid.as_str(), link.opens, link.is_private), ("http://relay/raid/code", false, false));
    assert_eq!(desk.link(Link::Raid).await.unwrap(), link.raid);
    assert_eq!(desk.link_to_open(Link::Raid).await.unwrap_err().code, "link");
    assert_eq!(desk.link_to_open(Link::Account).await.unwrap(), format!("{}/account", relay.url));
    assert!(!desk.may_install().await, "nothing is installed in a fight");
    shown.until_tray(|tray| tray.icon == TrayIcon::Live).await;

    go_on(&mut writer, 20_000, 60_000).await;
    writer.end().await.unwrap();
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    let idle = shown.until(|now| now.state == AppState::Idle).await;
    assert_eq!(
        (idle.sentence.as_str(), idle.fight),
        ("Everything has arrived. The next fight is live as soon as it begins.", None)
    );
    assert!(desk.may_install().await);
    desk.quit().await;
    assert_eq!(relayed(&relay), read_at_once(&stage.db()));
    // It was told once, with the link.
    let notices = shown.notices.lock().unwrap().clone();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].title.starts_with("Live: ") && notices[0].body == "http://relay/raid/code", "{notices:?}");
    assert_eq!(stage.own()["noticedRaid"], "code");
    assert!(shown.fights.load(Ordering::Relaxed) > 0);
    // Whoever asks then is told so.
    assert_eq!(desk.try_now().await.unwrap_err().code, "ending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_in_a_pause_is_left_alone_and_what_began_before_goes_on() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    play(&mut writer, &party(2).starting_at(NOW_MS - 60_000), 10_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    let paused = desk.pause(true).await.unwrap();
    assert_eq!((paused.state, paused.paused), (AppState::Paused, true));
    assert_eq!(desk.private(true).await.unwrap_err().code, "notRunning");
    go_on(&mut writer, 10_000, 60_000).await;
    writer.end().await.unwrap();
    stage.pass(2_000);
    write_all(&mut writer, &party(3).starting_at(NOW_MS + 1_000)).await.unwrap();
    // It stays so when the app is started again.
    desk.quit().await;
    let (desk, shown) = stage.start();
    shown.until(|now| now.state == AppState::Paused).await;
    // Nothing of what happened meanwhile was sent: neither the other fight, nor that this one has ended.
    let ends: Vec<_> = relay.memory().fights.values().map(|fight| fight.ending.is_some()).collect();
    assert_eq!(ends, [false]);

    desk.pause(false).await.unwrap();
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    stage.pass(2_000);
    write_all(&mut writer, &party(4).starting_at(NOW_MS + 3_000)).await.unwrap();
    relay.until(|memory| memory.fights.values().filter(|fight| fight.ending.is_some()).count() == 2).await;
    desk.quit().await;
    let memory = relay.memory();
    let mut began: Vec<_> = memory.fights.values().map(|fight| fight.state.header().started_at_ms).collect();
    began.sort_unstable();
    assert_eq!(began, [NOW_MS - 60_000, NOW_MS + 3_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_is_made_private_and_shown_again() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    play(&mut writer, &party(5), 10_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    // It is shown as it was asked for at once, and not as if it were so.
    relay.memory().slow = Duration::from_millis(200);
    let asked = desk.private(true).await.unwrap().link.unwrap();
    assert_eq!((asked.is_private, asked.asked_private), (false, Some(true)));
    let is_on = |tray: &TrayLook| tray.menu.iter().any(|item| item.id == ItemId::Private && item.checked == Some(true));
    shown.until_tray(is_on).await;
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Visibility::Private)).await;
    relay.memory().slow = Duration::ZERO;
    shown.until(|now| now.link.as_ref().is_some_and(|link| link.is_private && link.asked_private.is_none())).await;
    // Other settings are of the raids to come.
    let public = ShownTo { visibility: Visibility::Public, ..ShownTo::default() };
    desk.change(SettingsChange::Shown { shown: public }).await.unwrap();
    relay.until(|memory| memory.hellos.len() >= 3).await;
    assert_eq!(relay.memory().hellos.last().unwrap().visibility, Visibility::Private);
    shown.until(|now| now.state == AppState::Live).await;
    desk.private(false).await.unwrap();
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Visibility::Public)).await;
    desk.quit().await;
    let raids: Vec<_> = relay.memory().hellos.iter().map(|hello| hello.raid).collect();
    assert!(raids.iter().all(|raid| *raid == raids[0]), "it is one raid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_another_client_has_the_folder_it_says_so_and_goes_on_when_that_has_ended() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let writer = writer(&stage).await;
    let other = Seat::take(&stage.home().state).unwrap();
    let (desk, shown) = stage.start();
    let elsewhere = shown.until(|now| now.state == AppState::Elsewhere).await;
    assert_eq!(elsewhere.elsewhere.unwrap().process, Some(std::process::id()));
    assert!(elsewhere.sentence.contains("Another Raidcast"), "{}", elsewhere.sentence);
    shown.until_tray(|tray| tray.icon == TrayIcon::Waiting).await;
    assert_eq!(desk.pause(true).await.unwrap_err().code, "elsewhere");
    assert!(relay.memory().hellos.is_empty());
    drop(other);
    shown.until(|now| now.state == AppState::Idle).await;
    desk.quit().await;
    // Its folder is free again.
    drop(Seat::take(&stage.home().state).unwrap());
    writer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_its_own_file_cannot_be_read_nothing_is_sent_and_that_is_said() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    for (own, says) in [(r#"{"format": 99, "firstDone": true}"#, "newer"), ("{", "does not hold")] {
        stage.keep(own);
        let (desk, shown) = stage.start();
        let trouble = shown.until(|now| now.state == AppState::Trouble).await;
        assert!(trouble.sentence.contains("desktop.json") && trouble.sentence.contains(says), "{}", trouble.sentence);
        assert!(trouble.remedy.is_some());
        desk.quit().await;
        assert_eq!(std::fs::read_to_string(stage.home().config.with_file_name("desktop.json")).unwrap(), own);
    }
    assert!(relay.memory().hellos.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_known_is_trouble_until_it_is_put_right() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    stage.settings(&relay.url, "another-key-altogether");
    let writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    let trouble = shown.until(|now| now.state == AppState::Trouble).await;
    assert!(trouble.sentence.starts_with("The relay does not know this computer's key."), "{}", trouble.sentence);
    assert!(trouble.remedy.unwrap().contains("Pair this computer"));
    shown.until_tray(|tray| tray.icon == TrayIcon::Trouble).await;
    // By hand, in the file: it is read again with the next try.
    stage.settings(&relay.url, KEY);
    desk.try_now().await.unwrap();
    shown.until(|now| now.state == AppState::Idle).await;
    desk.quit().await;
    writer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_kept_and_a_run_goes_on_by_them() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    play(&mut writer, &party(6), 10_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    let wish = ShownTo {
        visibility: Visibility::Public,
        report_visibility: ReportVisibility::Live,
        names: NamesPolicy::Class,
        delay_s: 60,
    };
    let settings = desk.change(SettingsChange::Shown { shown: wish }).await.unwrap();
    assert_eq!((settings.shown, settings.fault), (wish, None));
    relay
        .until(|memory| {
            let last = memory.hellos.last();
            last.is_some_and(|hello| {
                (hello.visibility, hello.names, hello.delay_s) == (Visibility::Public, NamesPolicy::Class, 60)
            })
        })
        .await;
    let file = std::fs::read_to_string(stage.home().config).unwrap();
    assert!(file.contains("names = \"class\"") && file.contains("delay = 60") && file.contains(KEY), "{file}");

    desk.change(SettingsChange::Language { language: LanguageChoice::Zh }).await.unwrap();
    let chinese = shown.until(|now| now.headline == "直播中").await;
    assert!(!chinese.paused && chinese.fight.is_some());
    assert_eq!(stage.own()["language"], "zh");
    desk.change(SettingsChange::Language { language: LanguageChoice::System }).await.unwrap();

    let fault = desk.change(SettingsChange::Shown { shown: ShownTo { delay_s: 9_999, ..wish } }).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.remedy.is_some()), ("settings", true));
    let folder = stage.home().state.display().to_string();
    let fault = desk.change(SettingsChange::MeterPath { path: Some(folder) }).await.unwrap_err();
    assert!(fault.sentence.contains("is a folder"), "{}", fault.sentence);
    let fault = desk.change(SettingsChange::Ca { path: Some("/nowhere.pem".to_owned()) }).await.unwrap_err();
    assert!(fault.sentence.contains("/nowhere.pem"), "{}", fault.sentence);
    assert_eq!(desk.settings().await.shown, wish, "nothing of it was kept");
    desk.change(SettingsChange::Notices { on: false }).await.unwrap();
    assert!(!desk.settings().await.notices);

    writer.end().await.unwrap();
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    desk.quit().await;
    assert_eq!(relayed(&relay), read_at_once(&stage.db()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_set_up_nothing_is_sent_and_it_says_what_to_do() {
    let relay = Relay::start().await;
    let stage = Stage::bare();
    // A relay and a key alone, as the command line has them: nobody has agreed to anything here yet.
    stage.settings(&relay.url, KEY);
    let writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    let setup = shown.until(|now| now.state == AppState::Setup && now.relay.is_some()).await;
    assert!(setup.remedy.is_some() && setup.relay == Some(relay.url.clone()));
    assert_eq!(desk.try_now().await.unwrap_err().code, "notRunning");
    assert_eq!(desk.pause(true).await.unwrap_err().code, "notRunning");
    assert!(relay.memory().hellos.is_empty());
    assert_eq!(desk.update_rule(None).await, {
        let sentence = "Nobody says where to look for updates. Give the address of a channel file in the settings, or ask \
                        the relay's operator.";
        UpdateRule::Unknown { sentence: sentence.to_owned() }
    });
    desk.quit().await;
    writer.close().await.unwrap();

    // A file of a newer version is not touched, and that is said.
    let own = stage.home().config.with_file_name("desktop.json");
    std::fs::write(&own, r#"{"format": 99}"#).unwrap();
    let (desk, shown) = stage.start();
    shown.until(|now| now.state == AppState::Trouble && now.relay.is_some()).await;
    assert_eq!(desk.settings().await.fault.unwrap().code, "own");
    assert_eq!(desk.skip_version("1.3.0".to_owned()).await.unwrap_err().code, "own");
    desk.quit().await;
    assert_eq!(std::fs::read_to_string(&own).unwrap(), r#"{"format": 99}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settings_file_that_cannot_be_read_is_left_alone_and_read_when_it_can() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let writer = writer(&stage).await;
    std::fs::write(stage.home().config, "relay = nonsense").unwrap();
    let (desk, shown) = stage.start();
    let trouble = shown.until(|now| now.state == AppState::Trouble).await;
    assert!(trouble.sentence.contains("config.toml"), "{}", trouble.sentence);
    assert_eq!(desk.settings().await.fault.unwrap().code, "settings");
    let change = SettingsChange::MeterData { path: Some("/x".to_owned()) };
    assert_eq!(desk.change(change).await.unwrap_err().code, "settings");
    assert_eq!(std::fs::read_to_string(stage.home().config).unwrap(), "relay = nonsense");
    stage.settings(&relay.url, KEY);
    desk.try_now().await.unwrap();
    shown.until(|now| now.state == AppState::Idle).await;
    desk.quit().await;
    writer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_is_trouble_until_it_does_and_nothing_is_lost() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    play(&mut writer, &party(7), 10_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    // The raid's file cannot be replaced for a while.
    let temporary = stage.home().state.join("raid.new");
    std::fs::create_dir(&temporary).unwrap();
    desk.private(true).await.unwrap();
    let trouble = shown.until(|now| now.state == AppState::Trouble).await;
    let folder = stage.home().state.display().to_string();
    assert!(trouble.sentence.starts_with(&format!("Nothing can be written to {folder}")), "{}", trouble.sentence);
    assert!(trouble.sentence.contains("Nothing is lost") && trouble.remedy.is_some(), "{trouble:?}");
    shown.until_tray(|tray| tray.icon == TrayIcon::Trouble && tray.tooltip.contains("Nothing can be written")).await;
    // Fewer may see it at once, all the same.
    relay.until(|memory| memory.hellos.last().is_some_and(|hello| hello.visibility == Visibility::Private)).await;
    go_on(&mut writer, 10_000, 30_000).await;
    std::fs::remove_dir(&temporary).unwrap();
    shown.until(|now| now.state == AppState::Live && now.link.as_ref().is_some_and(|link| link.is_private)).await;
    go_on(&mut writer, 30_000, 60_000).await;
    writer.end().await.unwrap();
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    desk.quit().await;
    assert_eq!(relayed(&relay), read_at_once(&stage.db()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_on_or_back_costs_no_more_than_a_connection() {
    let relay = Relay::start().await;
    let stage = Stage::ready(&relay);
    let mut writer = writer(&stage).await;
    let (desk, shown) = stage.start();
    play(&mut writer, &party(8), 10_000).await;
    shown.until(|now| now.state == AppState::Live && now.fight.as_ref().is_some_and(|fight| fight.events > 0)).await;
    // The computer slept for an hour: whether the connection is one still nobody knows.
    stage.pass(3_600_000);
    relay.until(|memory| memory.hellos.len() == 2).await;
    go_on(&mut writer, 10_000, 30_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    // Somebody sets the clock back, over the begin of the fight.
    stage.pass(-7_200_000);
    go_on(&mut writer, 30_000, 60_000).await;
    shown.until(|now| now.state == AppState::Live).await;
    writer.end().await.unwrap();
    relay.until(|memory| memory.fights.values().any(|fight| fight.ending.is_some())).await;
    let idle = shown.until(|now| now.state == AppState::Idle).await;
    assert!(idle.sentence.starts_with("Everything has arrived."), "{}", idle.sentence);
    desk.quit().await;
    assert_eq!(relayed(&relay), read_at_once(&stage.db()));
    let memory = relay.memory();
    assert_eq!((memory.hellos.len(), memory.fights.len(), memory.remade, memory.replaced), (2, 1, 0, 0));
    assert_eq!(shown.notices.lock().unwrap().len(), 1, "it is one raid");
}
