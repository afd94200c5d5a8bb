//! Webhooks: one an account, told of its raids by one job each, and which raids are one night.

use std::sync::Arc;

use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};

use super::same_fight::{fight, keep};
use super::search::derive;
use super::{Harness, NOW_MS, account, encounter, kept, raid};
use crate::{
    AccountId, Audited, Audits, Encounters, Erasing, JobKind, LeasedJob, NewWebhook, NightPair, Note, RaidRow, Raids,
    Reports, Store, WebhookJob, WebhookMessage, WebhookRow, WebhookStop, Webhooks,
};

const LEASE_MS: i64 = 60_000;

fn note(account: AccountId, what: Audited) -> Note {
    Note { by: None, key: None, what, about: Some(account.0), at_ms: NOW_MS }
}

fn new_webhook(account: AccountId, number: u8) -> NewWebhook {
    NewWebhook {
        account,
        digest: [number; 32],
        sealed: vec![number; 90],
        host: "discord.com".into(),
        note: note(account, Audited::WebhookSet),
    }
}

async fn set(store: &Arc<impl Webhooks>, account: AccountId, number: u8) {
    assert!(store.set_webhook(&new_webhook(account, number)).await.expect("an answer"), "{account:?}");
}

fn message(number: u8, message: &str) -> WebhookMessage {
    WebhookMessage {
        digest: [number; 32],
        message: message.into(),
        shown: [number + 100; 32],
        sent_at_ms: NOW_MS + i64::from(number),
    }
}

async fn lease(store: &Arc<impl Store>) -> Option<LeasedJob> {
    store.lease_job(JobKind::Webhook, NOW_MS, NOW_MS + LEASE_MS).await.expect("an answer")
}

/// Codes of the raids that are to be told, in their order; they are done then.
async fn to_tell(store: &Arc<impl Store>) -> Vec<String> {
    let mut codes = Vec::new();
    while let Some(job) = lease(store).await {
        match WebhookJob::of(&job.data) {
            Some(WebhookJob::Raid(code)) => codes.push(code.to_owned()),
            other => panic!("{other:?}"),
        }
        store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    }
    codes.sort();
    codes
}

async fn told(store: &Arc<impl Store>) -> u64 {
    store.jobs(JobKind::Webhook).await.expect("an answer").count
}

/// Who has a webhook that has not stopped.
async fn with(store: &Arc<impl Webhooks>, number: u8) -> Option<AccountId> {
    store.webhook_with(&[number; 32]).await.expect("an answer").map(|row| row.account)
}

/// Nothing of it but that it was there is left where it is removed.
pub async fn an_account_has_one_webhook_which_is_as_it_was_set_last(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let of_ana = raid(&store, &ana, 1, Visibility::Public).await;
    assert!(!store.set_webhook(&new_webhook(AccountId(9_999), 1)).await.expect("an answer"));
    for (id, number) in [(ana.id, 1), (bo.id, 2), (ana.id, 2)] {
        set(&store, id, number).await;
    }
    let row = WebhookRow {
        account: ana.id,
        digest: [2; 32],
        sealed: vec![2; 90],
        host: "discord.com".into(),
        set_at_ms: NOW_MS,
        sent_at_ms: None,
        stopped: None,
    };
    assert_eq!(store.webhook(ana.id).await.expect("an answer"), Some(row.clone()));
    assert_eq!((with(&store, 1).await, with(&store, 2).await), (None, Some(ana.id)));
    assert_eq!(store.webhook_message(&of_ana.code).await.expect("an answer"), None);
    for sent in [message(1, "11"), message(2, "22")] {
        store.keep_webhook_message(&of_ana.code, &sent).await.expect("it is kept");
    }
    assert_eq!(store.webhook_message(&of_ana.code).await.expect("an answer"), Some(message(2, "22")));
    // Of all that have it, the first reason stays.
    store.stop_webhook(&[2; 32], WebhookStop::Gone, NOW_MS + 7).await.expect("it is stopped");
    store.stop_webhook(&[2; 32], WebhookStop::Refused, NOW_MS + 8).await.expect("it was");
    assert_eq!(with(&store, 2).await, None, "nothing is sent there");
    let stopped = WebhookRow { sent_at_ms: Some(NOW_MS + 2), stopped: Some((WebhookStop::Gone, NOW_MS + 7)), ..row };
    drop(store);
    let store = harness.open().await;
    assert_eq!(store.webhook(ana.id).await.expect("an answer"), Some(stopped.clone()));
    assert_eq!(store.webhook(bo.id).await.expect("an answer"), Some(WebhookRow { account: bo.id, ..stopped }));
    assert_eq!(store.webhook_message(&of_ana.code).await.expect("an answer"), Some(message(2, "22")));
    for why in [WebhookStop::Gone, WebhookStop::Refused, WebhookStop::NotTaken, WebhookStop::Lost] {
        set(&store, bo.id, 2).await;
        assert_eq!(store.webhook(bo.id).await.expect("an answer").expect("a webhook").stopped, None);
        store.stop_webhook(&[2; 32], why, NOW_MS + 9).await.expect("it is stopped");
        let stopped = store.webhook(bo.id).await.expect("an answer").expect("a webhook").stopped;
        assert_eq!(stopped, Some((why, NOW_MS + 9)));
    }

    let removed = note(ana.id, Audited::WebhookRemoved);
    assert!(store.remove_webhook(ana.id, removed).await.expect("an answer"));
    assert!(!store.remove_webhook(ana.id, removed).await.expect("an answer"));
    assert_eq!(store.webhook(ana.id).await.expect("an answer"), None);
    assert_eq!(store.webhook_message(&of_ana.code).await.expect("an answer"), None);
    assert!(store.webhook(bo.id).await.expect("an answer").is_some());
    let notes = store.audit(None, 20).await.expect("notes");
    let count = |what| notes.iter().filter(|noted| noted.note.what == what).count();
    assert_eq!((count(Audited::WebhookSet), count(Audited::WebhookRemoved)), (7, 1), "{notes:?}");
}

/// Each raid by one job, which is done when nothing has changed since it was given to somebody.
pub async fn what_changes_of_a_raid_is_to_be_told_once(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let of_ana = raid(&store, &ana, 1, Visibility::Public).await;
    let of_bo = raid(&store, &bo, 2, Visibility::Public).await;
    set(&store, ana.id, 1).await;
    keep(&store, &of_bo, 1, fight("b", 0, 100)).await;
    assert_eq!(told(&store).await, 0, "it wants nothing told");
    for number in 1..=3 {
        keep(&store, &of_ana, number, fight("a", 0, 100)).await;
    }
    assert_eq!(told(&store).await, 1);
    let job = lease(&store).await.expect("a job");
    let of_raid = (ana.id, *of_ana.id.0.as_bytes(), Some(WebhookJob::Raid(&of_ana.code)));
    assert_eq!((job.key.account, job.key.name, WebhookJob::of(&job.data)), of_raid);
    assert_eq!(lease(&store).await, None);
    // It changes while it is told: it is due again at once, as new.
    store.update_raid(&RaidRow { title: Some("a night".into()), ..of_ana.clone() }, None).await.expect("a raid");
    assert_eq!((told(&store).await, lease(&store).await), (1, None), "one does it");
    store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    let again = lease(&store).await.expect("a job");
    assert_eq!((again.key, again.tries), (job.key, 1));
    store.finish_webhook_job(again.key, again.created_at_ms).await.expect("an answer");
    assert_eq!(told(&store).await, 0);
    // Nor is it told by whoever does one that was removed meanwhile, and written anew after that.
    let changes = async |title: &str| {
        let changed = RaidRow { title: Some(title.into()), ..of_ana.clone() };
        store.update_raid(&changed, None).await.expect("a raid");
    };
    changes("one").await;
    let late = lease(&store).await.expect("a job");
    assert!(store.remove_webhook(ana.id, note(ana.id, Audited::WebhookRemoved)).await.expect("an answer"));
    set(&store, ana.id, 1).await;
    changes("another").await;
    store.finish_webhook_job(late.key, late.created_at_ms).await.expect("an answer");
    assert_eq!(to_tell(&store).await, std::slice::from_ref(&of_ana.code));

    // A fight that moves is another raid's to tell; and one that is deleted, and a title.
    let other = raid(&store, &ana, 3, Visibility::Public).await;
    let moves = encounter(&store, &of_ana, 2).await;
    store.move_encounter(moves.row, &other.code).await.expect("it moves");
    assert_eq!(told(&store).await, 2);
    while let Some(job) = lease(&store).await {
        store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    }
    assert!(store.discard(ana.id, moves.key.encounter).await.expect("an answer"));
    assert_eq!(told(&store).await, 1);
    let job = lease(&store).await.expect("a job");
    assert_eq!(WebhookJob::of(&job.data), Some(WebhookJob::Raid(&other.code)));
    store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    let gone = encounter(&store, &of_ana, 3).await.key;
    assert!(store.erase_encounter(gone, None).await.expect("an answer"));
    assert_eq!(told(&store).await, 1);
    let job = lease(&store).await.expect("a job");
    store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    assert!(store.clear_title(&of_ana.code, note(ana.id, Audited::TitleCleared)).await.expect("an answer"));
    assert_eq!(told(&store).await, 1);
    // Nothing of a raid that is gone is left to be told but that its message is to go; and nothing where that has stopped.
    store.keep_webhook_message(&of_ana.code, &message(1, "11")).await.expect("it is kept");
    assert!(store.erase_raid(&of_ana.code).await.expect("an answer"));
    assert_eq!((told(&store).await, store.webhook_message(&of_ana.code).await.expect("an answer")), (1, None));
    let job = lease(&store).await.expect("a job");
    assert_eq!((WebhookJob::of(&job.data), job.key.account), (Some(WebhookJob::Gone("11")), ana.id));
    assert_ne!(&job.key.name, of_ana.id.0.as_bytes(), "it leads to nothing that is gone");
    store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    assert_eq!(told(&store).await, 0);
    // One that was sent while its raid was deleted is to go, too; where nobody has its webhook any more it stays.
    for sent in [message(1, "12"), message(3, "13")] {
        store.keep_webhook_message(&of_ana.code, &sent).await.expect("there is nothing to keep");
    }
    assert_eq!((told(&store).await, store.webhook_message(&of_ana.code).await.expect("an answer")), (1, None));
    let job = lease(&store).await.expect("a job");
    assert_eq!((WebhookJob::of(&job.data), job.key.account), (Some(WebhookJob::Gone("12")), ana.id));
    store.finish_webhook_job(job.key, job.created_at_ms).await.expect("an answer");
    set(&store, bo.id, 2).await;
    store.stop_webhook(&[2; 32], WebhookStop::Refused, NOW_MS).await.expect("it is stopped");
    store.update_raid(&RaidRow { closed: true, ..of_bo }, None).await.expect("a raid");
    assert_eq!(told(&store).await, 0);
    // One that stands in a webhook which its account had before goes by who has that still.
    set(&store, bo.id, 2).await;
    let left = raid(&store, &ana, 4, Visibility::Public).await;
    store.keep_webhook_message(&left.code, &message(2, "14")).await.expect("it is kept");
    assert!(store.erase_raid(&left.code).await.expect("an answer"));
    let job = lease(&store).await.expect("a job");
    assert_eq!((WebhookJob::of(&job.data), job.key.account), (Some(WebhookJob::Gone("14")), bo.id));
}

/// Whose accounts have one webhook, and whose raids hide nobody.
pub async fn raids_of_one_night_are_told_in_one_webhook(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let mut raids = Vec::new();
    for (number, name) in ["ana", "bo", "cy"].into_iter().enumerate() {
        let account = account(&store, name).await;
        set(&store, account.id, if number == 2 { 2 } else { 1 }).await;
        // Who may see them is asked elsewhere.
        raids.push(raid(&store, &account, 1 + number as u8, Visibility::Unlisted).await);
    }
    let [ana, bo, _] = [0, 1, 2].map(|at: usize| raids[at].clone());
    let mut rows = Vec::new();
    for raid in &raids {
        let row = encounter(&store, raid, 1).await;
        store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
        derive(&store, &row, &fight("a", 0, 100)).await;
        rows.push(row);
    }
    let pair = |own: usize, other: usize| NightPair {
        report_id: rows[own].report_id.clone(),
        other_raid: raids[other].code.clone(),
        other_report: rows[other].report_id.clone(),
    };
    let told_in =
        async |number: u8, raid: &RaidRow| store.same_night(&raid.code, &[number; 32]).await.expect("an answer");
    let night = async |raid: &RaidRow| told_in(1, raid).await;
    assert_eq!((night(&ana).await, night(&bo).await), (vec![pair(0, 1)], vec![pair(1, 0)]));
    assert_eq!((told_in(2, &raids[2]).await, told_in(2, &ana).await), (vec![], vec![pair(0, 2)]));
    to_tell(&store).await;
    let hidden = RaidRow { names: NamesPolicy::Class, ..bo.clone() };
    store.update_raid(&hidden, None).await.expect("a raid");
    assert_eq!((night(&ana).await, night(&bo).await), (vec![], vec![]));
    // Whose message tells of it is told that it is no part of his night any more.
    assert_eq!(to_tell(&store).await, [ana.code.clone(), bo.code.clone()]);
    store.update_raid(&bo, None).await.expect("a raid");
    to_tell(&store).await;
    set(&store, raids[2].account, 1).await;
    assert_eq!(night(&ana).await, [pair(0, 1), pair(0, 2)]);
    set(&store, bo.account, 2).await;
    assert_eq!(night(&ana).await, [pair(0, 2)]);
    // Nor of a fight that is deleted, by which alone it was known, nor of a raid; also where that is told elsewhere by now.
    assert!(store.erase_encounter(rows[2].key, None).await.expect("an answer"));
    assert_eq!(to_tell(&store).await, [0, 1, 2].map(|at: usize| raids[at].code.clone()));
    assert!(store.remove_webhook(bo.account, note(bo.account, Audited::WebhookRemoved)).await.expect("an answer"));
    assert!(store.erase_raid(&bo.code).await.expect("an answer"));
    assert_eq!(to_tell(&store).await, std::slice::from_ref(&ana.code));
}
