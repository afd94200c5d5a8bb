//! What is done to a database as a whole.

use std::sync::Arc;

use futures::future::join_all;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{ReportState, Visibility};
use uuid::Uuid;

use super::{Harness, account, append_all, encounter, entry, kept, new_encounter, one_fight, opened, raid, seqs};
use crate::{
    Accounts, EncounterRow, Encounters, Journal, KeyEncounter, NewEncounter, Raids, Reports, Store, StoreError, Upkeep,
    Uploads,
};

/// Another id for each, and back by the same way: a second pass would show.
fn turned(id: EncounterId) -> EncounterId {
    EncounterId(Uuid::from_u128(!id.0.as_u128()))
}

fn key() -> KeyEncounter {
    Arc::new(turned)
}

/// All of them, of all accounts and whatever their state, and nothing but the ids.
pub async fn ids_of_encounters_are_keyed_once(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let (first, theirs) =
        (raid(&store, &ana, 1, Visibility::Public).await, raid(&store, &bo, 2, Visibility::Private).await);
    let mut rows = vec![encounter(&store, &theirs, 1).await];
    for number in 1..=3 {
        rows.push(encounter(&store, &first, number).await);
    }
    append_all(&store, &rows[2], 2, 1..=5).await;
    store.keep_report(&kept(&rows[1], ReportState::Final, 1, 1)).await.expect("a report");
    rows[1] = store.report(&rows[1].report_id).await.expect("an answer").expect("the report").0;
    assert_eq!(store.know_upload(rows[1].key, Some([7; 16]), 77).await.expect("an answer"), Some(77));

    let done = store.key_encounters(key()).await.expect("an answer");
    assert_eq!(done.replaced, 4);
    done.wiped.expect("the old ids are gone");
    for _ in 0..2 {
        for row in &rows {
            let mut keyed = row.key;
            keyed.encounter = turned(keyed.encounter);
            let keyed = EncounterRow { key: keyed, ..row.clone() };
            assert_eq!(store.encounter(row.key.account, row.key.encounter).await.expect("an answer"), None);
            let held = store.encounter(row.key.account, keyed.key.encounter).await.expect("an answer");
            assert_eq!(held.as_ref(), Some(&keyed));
        }
        // What came later was keyed when it came.
        let again = store.key_encounters(key()).await.expect("an answer");
        assert_eq!(again.replaced, 0);
        again.wiped.expect("the old ids are gone");
    }
    assert_eq!(store.uploaded(ana.id, &[[7; 16]]).await.expect("an answer"), [([7; 16], 77)]);
    assert_eq!(store.report_of_remote(77).await.expect("an answer").as_ref(), Some(&rows[1].report_id));
    assert_eq!(opened(&store, &rows[2]).await.streams[0].1.len(), 5);
    assert!(store.report_log(&rows[1].report_id).await.expect("an answer").is_some());
}

/// Also where there was nothing to key: what comes is keyed already.
pub async fn an_empty_database_is_keyed_from_the_start(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    assert_eq!(store.key_encounters(key()).await.expect("an answer").replaced, 0);
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let new: NewEncounter = new_encounter(&first, 1);
    let row = encounter(&store, &first, 1).await;
    assert_eq!(store.key_encounters(key()).await.expect("an answer").replaced, 0);
    assert_eq!(store.encounter(ana.id, new.key.encounter).await.expect("an answer"), Some(row));
}

/// As often as one asks; where nothing can be written it does not, though all is read.
pub async fn a_small_write_reaches_the_disk(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for _ in 0..2 {
        for _ in 0..3 {
            store.ping().await.expect("a write");
        }
        harness.set_writable(&store, false).await;
        for _ in 0..3 {
            let refused = store.ping().await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        }
        assert_eq!(store.account_by_channel(&ana.channel).await.expect("an answer").as_ref(), Some(&ana));
        harness.set_writable(&store, true).await;
    }
    store.ping().await.expect("a write");
}

/// And nothing after it.
pub async fn closing_writes_what_is_under_way(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let under_way: Vec<_> = (1..=100).map(|seq| store.append(entry(&row, 1, seq))).collect();
    store.close().await.expect("a close");
    for appended in join_all(under_way).await {
        appended.expect("an entry");
    }
    let late = store.append(entry(&row, 1, 101)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let late = store.ping().await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let late = store.raid_by_code(&raid.code).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    store.close().await.expect("a second close");
    drop(store);
    let store = harness.open().await;
    assert_eq!(seqs(&store, &row).await, (1..=100).collect::<Vec<_>>());
}
