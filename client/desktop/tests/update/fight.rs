//! A fight that is live goes before every update.

use std::sync::Arc;

use raidcast_desktop_model::view::{AppState, UpdateBusy};
use raidcast_meterkit::{Generation, MeterWriter};
use serde_json::json;

use crate::app::{CHANNEL, NEWER, PACKAGE, Run, Scene, package};
use crate::site::Reply;
use crate::stage::{go_on, party, play, read_at_once, relayed};

/// The model tells the updates what is now, as the app's window is told.
fn tells(run: &Run) {
    let (updates, shown) = (run.updates.clone(), Arc::clone(&run.shown));
    tokio::spawn(async move {
        let mut last = None;
        loop {
            let now = shown.until(|now| last.as_ref() != Some(now)).await;
            updates.heard(&now);
            last = Some(now);
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_fight_nothing_is_loaded_and_it_is_offered_again_at_its_end() {
    let scene = Scene::new().await;
    let mut writer = MeterWriter::open(&scene.stage.db(), Generation::Aggregate).await.unwrap();
    let run = scene.start().await;
    tells(&run);
    play(&mut writer, &party(1), 10_000).await;
    run.shown.until(|now| now.state == AppState::Live).await;
    // To look is no harm.
    assert!(run.is_offered().await);
    assert!(run.refused().await.contains("while a fight is live"));
    let view = run.until(|view| view.blocked.is_some()).await;
    assert_eq!((view.fault, view.ready), (None, false), "it is no fault");
    assert_eq!((scene.site.asked(PACKAGE), scene.site.asked(CHANNEL)), (0, 1));

    go_on(&mut writer, 10_000, 60_000).await;
    writer.end().await.unwrap();
    run.shown.until(|now| now.state == AppState::Idle).await;
    run.until(|view| view.blocked.is_none()).await;
    assert_eq!(scene.site.asked(PACKAGE), 0, "it is offered, and not installed unasked");
    scene.assert_untouched();
    run.updates.install().await.unwrap();
    assert_eq!((scene.installed().0, run.restarts()), (package(), 1));
    assert_eq!(relayed(&scene.relay), read_at_once(&scene.stage.db()), "nothing of the fight was lost by it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_come_when_a_fight_begins_is_kept_until_its_end() {
    let scene = Scene::new().await;
    let mut writer = MeterWriter::open(&scene.stage.db(), Generation::Aggregate).await.unwrap();
    let run = scene.start().await;
    tells(&run);
    assert!(run.is_offered().await);
    let (open, is_open) = tokio::sync::watch::channel(false);
    scene.site.give(PACKAGE, Reply::of(package()).when(is_open));
    let updates = run.updates.clone();
    let installing = tokio::spawn(async move { updates.install().await });
    scene.site.until_asked(PACKAGE).await;
    play(&mut writer, &party(2), 10_000).await;
    run.shown.until(|now| now.state == AppState::Live).await;
    open.send_replace(true);
    let fault = installing.await.unwrap().unwrap_err();
    assert!(fault.sentence.contains("while a fight is live"), "{fault:?}");
    let view = run.until(|view| view.blocked.is_some()).await;
    assert_eq!((view.ready, view.busy, view.installed, view.fault), (true, UpdateBusy::No, None, None));
    scene.assert_untouched();

    go_on(&mut writer, 10_000, 60_000).await;
    writer.end().await.unwrap();
    let view = run.until(|view| view.blocked.is_none()).await;
    assert!(view.ready, "it is still there");
    scene.assert_untouched();
    // It may have been stopped meanwhile: then what has come is not installed.
    scene.offer_with(&json!({ "stopped": true }));
    assert!(run.refused().await.contains("no update to be installed"));
    scene.assert_untouched();
    scene.offer(NEWER);
    assert!(run.is_offered().await);
    run.updates.install().await.unwrap();
    assert_eq!((scene.installed().0, run.restarts()), (package(), 1));
    assert_eq!(relayed(&scene.relay), read_at_once(&scene.stage.db()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_is_installed_without_being_sent_again() {
    let scene = Scene::new().await;
    let mut writer = MeterWriter::open(&scene.stage.db(), Generation::Aggregate).await.unwrap();
    let run = scene.start().await;
    tells(&run);
    assert!(run.is_offered().await);
    let (open, is_open) = tokio::sync::watch::channel(false);
    scene.site.give(PACKAGE, Reply::of(package()).when(is_open));
    let updates = run.updates.clone();
    let installing = tokio::spawn(async move { updates.install().await });
    scene.site.until_asked(PACKAGE).await;
    play(&mut writer, &party(3), 10_000).await;
    run.shown.until(|now| now.state == AppState::Live).await;
    open.send_replace(true);
    installing.await.unwrap().unwrap_err();
    writer.end().await.unwrap();
    run.until(|view| view.blocked.is_none() && view.ready).await;
    run.updates.install().await.unwrap();
    assert_eq!((scene.installed().0, scene.site.asked(PACKAGE)), (package(), 1));
}
