//! What is installed, and what is not.

use raidcast_desktop_model::view::{UpdateBusy, UpdateRule};
use serde_json::json;

use crate::app::{CHANNEL, NEWER, PACKAGE, Scene, file_of, package};
use crate::signer::Signer;
use crate::site::Reply;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_one_takes_the_programs_place_and_the_app_starts_again() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    assert!(run.is_offered().await);
    let view = run.updates.install().await.unwrap();
    assert_eq!((view.installed.as_deref(), view.fault, view.busy), (Some(NEWER), None, UpdateBusy::No));
    assert_eq!(scene.installed(), (package(), 0o751), "its mode is kept");
    assert_eq!(run.restarts(), 1);
    assert_eq!(run.desk.try_now().await.unwrap_err().code, "ending", "what was read was put away before");
    let views = run.views.lock().unwrap().clone();
    for busy in [UpdateBusy::Loading, UpdateBusy::Installing] {
        assert!(views.iter().any(|view| view.busy == busy), "{busy:?}");
    }
    assert!(views.iter().any(|view| view.percent == Some(100)), "{views:?}");
    assert!(views.iter().all(|view| view.percent.is_none() || view.busy == UpdateBusy::Loading));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_signed_as_what_it_is_is_refused() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    let (signer, url) = (&scene.signer, scene.site.at(PACKAGE));
    let good = package();
    let mut tampered = good.clone();
    tampered[50_000] ^= 1;
    let signature = |version: Option<&str>| signer.sign(&good, version);
    for (what, bytes, signature, says) in [
        ("tampered", &tampered, signature(Some(NEWER)), "was not made by Raidcast's project"),
        ("cut short", &good[..90_000].to_vec(), signature(Some(NEWER)), "was not made by Raidcast's project"),
        ("signed by another", &good, Signer::new().sign(&good, Some(NEWER)), "was not made by Raidcast's project"),
        ("signed as an older one", &good, signature(Some("1.2.0")), "is Raidcast 1.2.0"),
        ("signed as none", &good, signature(None), "does not say which version it is"),
        ("not signed", &good, String::new(), "was not made by Raidcast's project"),
    ] {
        scene.site.give(PACKAGE, Reply::of(bytes.clone()));
        scene.give_file(&file_of(NEWER, &signature, &url));
        assert!(run.is_offered().await, "{what}");
        let said = run.refused().await;
        assert!(said.contains(says), "{what}: {said}");
        let view = run.updates.view();
        assert_eq!((view.ready, view.busy, view.installed), (false, UpdateBusy::No, None), "{what}: nothing is kept");
        assert!(view.fault.is_some_and(|fault| fault.sentence == said), "{what}");
        scene.assert_untouched();
    }
    assert_eq!(run.restarts(), 0);
    // And then there is a good one.
    scene.site.give(PACKAGE, Reply::of(good.clone()));
    scene.offer(NEWER);
    run.updates.install().await.unwrap();
    assert_eq!(scene.installed().0, good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_program_or_does_not_come_leaves_everything_as_it_was() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    let (page, url) = (b"<html>signed, and no program</html>".repeat(100), scene.site.at(PACKAGE));
    scene.site.give(PACKAGE, Reply::of(page.clone()));
    scene.give_file(&file_of(NEWER, &scene.signer.sign(&page, Some(NEWER)), &url));
    assert!(run.is_offered().await);
    let said = run.refused().await;
    assert!(said.contains("was not installed"), "{said}");
    scene.assert_untouched();
    for reply in [Reply::status(404), Reply::status(500), Reply::of("").claiming(10)] {
        scene.offer(NEWER);
        scene.site.give(PACKAGE, reply);
        assert!(run.is_offered().await);
        let said = run.refused().await;
        assert!(said.contains("No update can be had from"), "{said}");
        scene.assert_untouched();
    }
    assert_eq!(run.restarts(), 0);
    assert!(run.desk.settings().await.paired, "it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_stopped_after_it_was_offered_is_not_installed() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    assert!(run.is_offered().await);
    scene.offer_with(&json!({ "stopped": true }));
    assert!(run.refused().await.contains("no update to be installed"));
    let view = run.updates.view();
    assert!(matches!(&view.rule, Some(UpdateRule::Held { sentence }) if sentence.contains("held back")), "{view:?}");
    assert_eq!(scene.site.asked(PACKAGE), 0);
    // Nor another one than somebody said yes to.
    scene.offer(NEWER);
    assert!(run.is_offered().await);
    scene.offer("1.4.0");
    assert!(run.refused().await.contains("no update to be installed"));
    let offered = run.updates.view().rule;
    assert!(matches!(offered, Some(UpdateRule::Offer { version, .. }) if version == "1.4.0"), "that is offered now");
    // Nor where nobody can be asked any more.
    scene.site.give(CHANNEL, Reply::status(503));
    assert!(run.refused().await.contains("no update to be installed"));
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thing_is_done_at_a_time() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    assert!(run.is_offered().await);
    let (open, is_open) = tokio::sync::watch::channel(false);
    scene.site.give(PACKAGE, Reply::of(package()).when(is_open));
    let updates = run.updates.clone();
    let installing = tokio::spawn(async move { updates.install().await });
    scene.site.until_asked(PACKAGE).await;
    let looked = scene.site.asked(CHANNEL);
    assert!(run.refused().await.contains("already"));
    assert_eq!(run.updates.check().await.busy, UpdateBusy::Loading);
    assert!(run.updates.skip().await.unwrap_err().sentence.contains("already"));
    assert_eq!(scene.site.asked(CHANNEL), looked, "nobody looked beside it");
    open.send_replace(true);
    installing.await.unwrap().unwrap();
    assert_eq!((scene.installed().0, scene.site.asked(PACKAGE)), (package(), 1));
}
