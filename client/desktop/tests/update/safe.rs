//! From whom an update is taken, and how much of it.

use serde_json::json;

use crate::app::{CHANNEL, NEWER, PACKAGE, Scene, file_of, package};
use crate::site::{Reply, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_over_plain_http_not_even_from_this_computer() {
    let scene = Scene::new().await;
    let plain = Site::start_plain().await;
    plain.give(CHANNEL, Reply::of(scene.file(NEWER).to_string()));
    plain.give(PACKAGE, Reply::of(package()));
    scene.keep(&plain.at(CHANNEL));
    let run = scene.start().await;
    assert!(run.sentence().await.contains("over https alone"));
    run.desk.quit().await;

    scene.keep(&scene.site.at(CHANNEL));
    let run = scene.start().await;
    let signature = scene.signer.sign(&package(), Some(NEWER));
    scene.give_file(&file_of(NEWER, &signature, &plain.at(PACKAGE)));
    assert!(run.sentence().await.contains("over https alone"), "nor the package");
    scene.site.give(CHANNEL, Reply::moved(&plain.at(CHANNEL)));
    assert!(run.sentence().await.contains("sends everybody on"));
    scene.offer(NEWER);
    scene.site.give(PACKAGE, Reply::moved(&plain.at(PACKAGE)));
    assert!(run.is_offered().await);
    assert!(run.refused().await.contains("sends everybody on"));
    assert!(!plain.was_asked(), "nobody asked there");
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_sent_on_too_often_goes_no_further() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    let file = scene.file(NEWER);
    let chain = |length: usize| {
        for step in 0..length {
            let (path, to) = (format!("/{step}"), format!("/{}", step + 1));
            scene.site.give(if step == 0 { CHANNEL } else { &path }, Reply::moved(&scene.site.at(&to)));
        }
        scene.site.give(&format!("/{length}"), Reply::of(file.to_string()));
    };
    chain(3);
    assert!(run.is_offered().await, "three times are taken");
    chain(4);
    assert!(run.sentence().await.contains("sends everybody on"));
    assert_eq!(scene.site.asked("/4"), 0);
    scene.site.give(CHANNEL, Reply::moved(&scene.site.at(CHANNEL)));
    assert!(run.sentence().await.contains("sends everybody on"), "in a circle");
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_not_read_to_its_end() {
    let scene = Scene::new().await;
    let run = scene.start().await;
    let mut large = scene.file(NEWER);
    large["notes"] = json!("x".repeat(2 << 20));
    scene.give_file(&large);
    assert!(run.sentence().await.contains("sends more than an update has (1 MiB)"));
    // It says that it has more, and is not waited for.
    scene.offer(NEWER);
    scene.site.give(PACKAGE, Reply::of(package()).claiming(300 << 20));
    assert!(run.is_offered().await);
    assert!(run.refused().await.contains("sends more than an update has (256 MiB)"));
    scene.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_uploader_does_not_believe_updates_do_not_either() {
    let scene = Scene::new().await;
    scene.set(&scene.relay.url, false);
    let run = scene.start().await;
    let said = run.sentence().await;
    assert!(said.contains("No update can be had from 127.0.0.1:"), "{said}");
    assert!(!scene.site.was_asked());
    run.desk.quit().await;
    // A file of authorities that is none is said, and nobody is asked.
    let path = scene.stage.home().config;
    let text = std::fs::read_to_string(&path).unwrap() + "ca = '/nowhere/ca.pem'\n";
    std::fs::write(&path, text).unwrap();
    let run = scene.start().await;
    let said = run.sentence().await;
    assert!(said.contains("/nowhere/ca.pem"), "{said}");
    assert!(!scene.site.was_asked());
}
