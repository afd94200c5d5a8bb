//! What a channel file comes to, and where it is looked for.

use raidcast_desktop_model::view::{SettingsChange, UpdateBusy, UpdateRule};
use serde_json::json;

use crate::app::{CHANNEL, NEWER, OURS, PACKAGE, Scene};
use crate::site::{Reply, Site};
use crate::stage::NOW_MS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_version_is_none_a_newer_one_is_offered_and_an_older_one_is_said() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    assert_eq!(run.updates.view().rule, None, "nobody has looked");
    scene.offer(OURS);
    let view = run.updates.check().await;
    assert_eq!((view.rule, view.looked_at_ms, view.busy), (Some(UpdateRule::None), Some(NOW_MS), UpdateBusy::No));
    assert!(run.refused().await.contains("no update to be installed"));

    scene.offer(NEWER);
    let notes = "New.\n<b>a</b>".to_owned();
    assert_eq!(run.rule().await, UpdateRule::Offer { version: NEWER.into(), notes });
    assert!(run.views.lock().unwrap().iter().any(|view| view.busy == UpdateBusy::Looking), "it is shown meanwhile");

    scene.offer("1.2.2");
    assert!(run.sentence().await.contains("older than this version"));
    assert!(run.refused().await.contains("no update to be installed"), "what was offered before is not");
    assert_eq!(scene.site.asked(PACKAGE), 0);
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_stopped_held_back_or_skipped_is_not_offered() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    scene.offer_with(&json!({ "stopped": true, "percent": 100 }));
    assert!(run.sentence().await.contains("held back"));
    scene.offer_with(&json!({ "percent": 0 }));
    assert!(run.sentence().await.contains("one computer after the other"));
    scene.offer_with(&json!({ "percent": 0, "least": "1.2.4" }));
    assert!(run.is_offered().await, "who has too old a version gets it");
    assert!(run.updates.skip().await.is_ok());
    let view = run.updates.view();
    assert!(
        matches!(&view.rule, Some(UpdateRule::Held { sentence }) if sentence.contains("chose to skip")),
        "{view:?}"
    );
    assert_eq!(scene.stage.own()["skippedVersion"], NEWER);
    assert!(run.sentence().await.contains("chose to skip"), "it is not offered by the next look either");
    assert!(run.refused().await.contains("no update to be installed"));
    assert_eq!(run.updates.skip().await.unwrap_err().code, "update");
    scene.offer("1.3.1");
    assert!(matches!(run.rule().await, UpdateRule::Offer { version, .. } if version == "1.3.1"), "the next one is");
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_channel_file_is_said_to_be_none() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    let mut damaged = scene.file(NEWER);
    damaged["platforms"]["linux-x86_64"]["url"] = json!("no address");
    for file in [
        "<html>another product</html>".to_owned(),
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        json!({ "version": NEWER }).to_string(),
        json!({ "version": "newest", "platforms": {} }).to_string(),
        damaged.to_string(),
    ] {
        scene.site.give(CHANNEL, Reply::of(file.clone()));
        let said = run.sentence().await;
        assert!(
            said.contains("no channel file") && said.contains("Check that address in the settings"),
            "{file}: {said}"
        );
    }
    // One for other computers is one.
    scene.give_file(&json!({ "version": NEWER, "platforms": {} }));
    assert!(run.sentence().await.contains("not for a computer like this one"));
    for status in [404, 410, 500, 503, 204] {
        scene.site.give(CHANNEL, Reply::status(status));
        let said = run.sentence().await;
        assert!(said.contains(&format!("HTTP {status}")), "{said}");
    }
    scene.offer(NEWER);
    assert!(run.is_offered().await, "and then there is one");
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relays_operator_comes_before_the_project() {
    const AT_RELAY: &str = "/downloads/raidcast-desktop.json";
    let scene = Scene::new().await;
    let project = Site::start().await;
    scene.set(&scene.site.url, true);
    scene.stage.keep(r#"{"firstDone": true}"#);
    let run = scene.start_with(|given| given.project = Some(project.at(CHANNEL))).await;
    // The relay has no such file: the project has one.
    project.give(CHANNEL, Reply::of(scene.file(NEWER).to_string()));
    assert!(run.is_offered().await);
    assert_eq!(scene.site.asked(AT_RELAY), 1);
    // What the operator holds back stays back, whatever the project offers.
    let mut stopped = scene.file(NEWER);
    stopped["raidcast"] = json!({ "stopped": true });
    scene.site.give(AT_RELAY, Reply::of(stopped.to_string()));
    assert!(run.sentence().await.contains("held back"));
    // Also where his relay is not well.
    scene.site.give(AT_RELAY, Reply::status(503));
    assert!(run.sentence().await.contains("HTTP 503"));
    assert_eq!(project.asked(CHANNEL), 1);
    run.desk.quit().await;

    // With no project, either, nobody says where.
    scene.site.give(AT_RELAY, Reply::status(404));
    let run = scene.start().await;
    let said = run.sentence().await;
    assert!(said.contains("Nobody says where to look"), "{said}");
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_of_releases_nobody_is_asked() {
    let scene = Scene::new().await;
    let run = scene.start_with(|given| given.key = None).await;
    assert!(run.sentence().await.starts_with("Updates are not set up"));
    assert!(run.refused().await.contains("no update to be installed"));
    assert!(!scene.site.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_no_installer_put_there_says_so() {
    let scene = Scene::new().await;
    let run = scene.start_with(|given| given.program = None).await;
    let said = run.sentence().await;
    assert!(said.contains(NEWER) && said.contains("does not update itself"), "{said}");
    assert_eq!(scene.site.asked(PACKAGE), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_unasked_is_told_once() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    scene.offer(OURS);
    run.updates.look_unasked().await;
    assert!(run.notices.lock().unwrap().is_empty(), "there is nothing to tell");
    scene.offer(NEWER);
    for _ in 0..2 {
        run.updates.look_unasked().await;
    }
    let titles: Vec<_> = run.notices.lock().unwrap().iter().map(|notice| notice.title.clone()).collect();
    assert_eq!(titles, [format!("Raidcast {NEWER} is there")]);
    run.desk.quit().await;
    // Not by the next start either, and nothing where notices are not wanted.
    let run = scene.start().await;
    run.updates.look_unasked().await;
    run.desk.change(SettingsChange::Notices { on: false }).await.unwrap();
    scene.offer("1.4.0");
    run.updates.look_unasked().await;
    assert!(run.notices.lock().unwrap().is_empty());
    assert!(matches!(run.updates.view().rule, Some(UpdateRule::Offer { version, .. }) if version == "1.4.0"));
}
