//! Keys: of one account each, good until they are over, revoked or replaced.

use std::sync::Arc;

use futures::future::join_all;
use raidcast_shared::uplink::Visibility;

use super::{Harness, NOW_MS, account};
use crate::{Account, AccountId, Accounts, KEYS_MAX, KeyId, KeyRow, Keys, NewKey, PersonId, StoreError};

const HOUR_MS: i64 = 3_600_000;

/// A key that is never over; `number` tells it from others.
fn new_key(account: &Account, number: u8) -> NewKey {
    NewKey {
        account: account.id,
        digest: [number; 32],
        name: format!("\"meter\" {number}"),
        scopes: 0b101,
        visibility: Visibility::Unlisted,
        uploads_per_day: None,
        ends_at_ms: None,
        by: None,
        now_ms: NOW_MS,
    }
}

async fn add(store: &Arc<impl Keys>, key: &NewKey) -> KeyRow {
    store.add_key(key).await.expect("an answer").expect("a key")
}

async fn replace(store: &Arc<impl Keys>, old: &KeyRow, old_ends_at_ms: i64, key: &NewKey) -> Option<KeyRow> {
    store.replace_key(old.id, old_ends_at_ms, key).await.expect("an answer")
}

async fn keys(store: &Arc<impl Keys>, now_ms: i64) -> Vec<KeyRow> {
    store.keys(now_ms).await.expect("an answer")
}

async fn revoke(store: &Arc<impl Keys>, account: &Account, key: KeyId) -> bool {
    store.revoke_key(account.id, key, PersonId(1), NOW_MS).await.expect("an answer")
}

/// As it was made, with all others.
pub async fn a_key_is_listed_until_it_is_over(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    assert_eq!(keys(&store, NOW_MS).await, []);
    let nobodys = store.add_key(&NewKey { account: AccountId(9_999), ..new_key(&ana, 9) }).await;
    assert!(matches!(nobodys, Err(StoreError::Damaged(_))), "{nobodys:?}");
    let plain = add(&store, &new_key(&ana, 1)).await;
    let new = NewKey {
        scopes: u8::MAX,
        visibility: Visibility::Private,
        uploads_per_day: Some(u32::MAX),
        ends_at_ms: Some(NOW_MS + HOUR_MS),
        ..new_key(&bo, 2)
    };
    let short = add(&store, &new).await;
    let expected = KeyRow {
        id: short.id,
        account: bo.id,
        digest: [2; 32],
        name: new.name,
        scopes: u8::MAX,
        visibility: Visibility::Private,
        uploads_per_day: Some(u32::MAX),
        created_at_ms: NOW_MS,
        ends_at_ms: Some(NOW_MS + HOUR_MS),
        used_at_ms: None,
    };
    assert_eq!(short, expected);
    assert_eq!(keys(&store, NOW_MS + HOUR_MS - 1).await, [plain.clone(), short.clone()]);
    assert_eq!(keys(&store, NOW_MS + HOUR_MS).await, std::slice::from_ref(&plain));
    store.drop_keys(NOW_MS + HOUR_MS - 1).await.expect("none is removed");
    assert_eq!(keys(&store, 0).await, [plain.clone(), short]);
    store.drop_keys(NOW_MS + HOUR_MS).await.expect("one is removed");
    assert_eq!(keys(&store, 0).await, [plain]);
}

/// None gets the number of another that is gone.
pub async fn a_key_is_revoked_by_its_account_alone(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let (first, second) = (add(&store, &new_key(&ana, 1)).await, add(&store, &new_key(&ana, 2)).await);
    assert!(!revoke(&store, &bo, second.id).await);
    assert_eq!(keys(&store, NOW_MS).await.len(), 2);
    assert!(revoke(&store, &ana, second.id).await);
    assert!(!revoke(&store, &ana, second.id).await);
    assert_eq!(keys(&store, NOW_MS).await, [first]);
    let third = add(&store, &new_key(&bo, 2)).await;
    assert!(third.id > second.id, "{third:?} {second:?}");
}

/// The old key is good for a while beside the new one, and no longer than it was.
pub async fn a_replaced_key_is_good_no_longer_than_it_was(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let mut old = add(&store, &new_key(&ana, 1)).await;
    for refused in [new_key(&bo, 2), NewKey { account: AccountId(9_999), ..new_key(&bo, 2) }] {
        assert_eq!(replace(&store, &old, NOW_MS, &refused).await, None, "it is another's");
    }
    assert_eq!(keys(&store, NOW_MS).await, [old.clone()]);
    let mut new = replace(&store, &old, NOW_MS + HOUR_MS, &new_key(&ana, 2)).await.expect("a key");
    old.ends_at_ms = Some(NOW_MS + HOUR_MS);
    assert_eq!(keys(&store, NOW_MS).await, [old.clone(), new.clone()]);
    assert_eq!(keys(&store, NOW_MS + HOUR_MS).await, [new.clone()]);
    // Again, with more time: it keeps its end.
    let third = replace(&store, &old, NOW_MS + 9 * HOUR_MS, &new_key(&ana, 3)).await.expect("a key");
    assert_eq!(keys(&store, NOW_MS).await, [old.clone(), new.clone(), third.clone()]);
    let late = NewKey { now_ms: NOW_MS + HOUR_MS, ..new_key(&ana, 4) };
    assert_eq!(replace(&store, &old, NOW_MS + 9 * HOUR_MS, &late).await, None, "it is over");
    assert_eq!(keys(&store, 0).await, [old.clone(), new.clone(), third.clone()]);
    // And at once.
    let fourth = replace(&store, &new, NOW_MS, &new_key(&ana, 4)).await.expect("a key");
    new.ends_at_ms = Some(NOW_MS);
    assert_eq!(keys(&store, NOW_MS).await, [old.clone(), third.clone(), fourth.clone()]);
    assert_eq!(keys(&store, NOW_MS - 1).await, [old, new, third.clone(), fourth]);
    assert!(revoke(&store, &ana, third.id).await);
    assert_eq!(replace(&store, &third, NOW_MS, &new_key(&ana, 5)).await, None, "it is revoked");
    // One digest is one key's: of what fails nothing is kept.
    let held = keys(&store, 0).await;
    assert!(store.replace_key(held[0].id, NOW_MS + 1, &new_key(&ana, 4)).await.is_err());
    assert_eq!(keys(&store, 0).await, held);
}

/// Those that are over do not count; also where many are made at once.
pub async fn an_account_has_so_many_keys_at_the_most(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    add(&store, &NewKey { ends_at_ms: Some(NOW_MS), ..new_key(&ana, 200) }).await;
    let mut held = Vec::new();
    for number in 1..KEYS_MAX as u8 - 2 {
        held.push(add(&store, &new_key(&ana, number)).await);
    }
    // A few times: what must not happen between two statements happens now and then.
    for round in 0..8 {
        let calls = (0..8).map(|at| {
            let (store, key) = (Arc::clone(&store), new_key(&ana, 100 + 8 * round + at));
            tokio::spawn(async move { store.add_key(&key).await })
        });
        let added: Vec<_> = join_all(calls)
            .await
            .into_iter()
            .filter_map(|ended| ended.expect("a task that ends").expect("an answer"))
            .collect();
        assert_eq!(added.len(), 3, "{added:?}");
        match round {
            7 => held.extend(added),
            _ => {
                for key in added {
                    assert!(revoke(&store, &ana, key.id).await);
                }
            }
        }
    }
    held.sort_by_key(|key| key.id);
    assert_eq!((held.len(), keys(&store, NOW_MS).await), (KEYS_MAX, held.clone()));
    assert_eq!(store.add_key(&new_key(&ana, 201)).await.expect("an answer"), None);
    add(&store, &new_key(&bo, 202)).await;
    // In place of another only if that does not stay beside it, and then the other stays as it was.
    assert_eq!(replace(&store, &held[0], NOW_MS + 1, &new_key(&ana, 203)).await, None);
    assert_eq!(keys(&store, NOW_MS).await[..KEYS_MAX], held);
    let new = replace(&store, &held[0], NOW_MS, &new_key(&ana, 203)).await.expect("a key");
    assert!(revoke(&store, &ana, new.id).await);
    // Two at once in place of two that stay: there is room for one.
    let calls = [1, 2].map(|at| {
        let (store, old, key) = (Arc::clone(&store), held[at].clone(), new_key(&ana, 203 + at as u8));
        tokio::spawn(async move { replace(&store, &old, NOW_MS + 1, &key).await.is_some() })
    });
    let replaced = join_all(calls).await.into_iter().filter(|ended| matches!(ended, Ok(true))).count();
    assert_eq!((replaced, keys(&store, NOW_MS).await.len()), (1, KEYS_MAX + 1));
    // Those that are over then are not counted then.
    let later = NewKey { now_ms: NOW_MS + 1, ..new_key(&ana, 206) };
    add(&store, &later).await;
}

/// The last time of each counts, and of one that is gone it is no error.
pub async fn what_keys_were_used_is_noted(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let mut held = Vec::new();
    for number in 1..=3 {
        held.push(add(&store, &new_key(&ana, number)).await);
    }
    store.use_keys(&[]).await.expect("an answer");
    let used = [(held[2].id, NOW_MS + 3), (KeyId(9_999), NOW_MS), (held[0].id, NOW_MS + 1)];
    store.use_keys(&used).await.expect("they are noted");
    store.use_keys(&[(held[0].id, NOW_MS + 5), (held[2].id, NOW_MS)]).await.expect("they are noted");
    held[0].used_at_ms = Some(NOW_MS + 5);
    held[2].used_at_ms = Some(NOW_MS + 3);
    assert_eq!(keys(&store, NOW_MS).await, held);
    // However many say so at once.
    let calls = (0..8).map(|number| {
        let mut used: Vec<_> = held.iter().map(|key| (key.id, NOW_MS + 10 + number)).collect();
        if number % 2 == 0 {
            used.reverse();
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.use_keys(&used).await })
    });
    for ended in join_all(calls).await {
        ended.expect("a task that ends").expect("they are noted");
    }
    assert!(keys(&store, NOW_MS).await.iter().all(|key| key.used_at_ms == Some(NOW_MS + 17)));
}

/// Without a word before.
pub async fn keys_survive_a_crash(harness: &impl Harness<Store: Accounts + Keys>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let (first, second) = (add(&store, &new_key(&ana, 1)).await, add(&store, &new_key(&ana, 2)).await);
    let third = replace(&store, &first, NOW_MS + 1, &new_key(&ana, 3)).await.expect("a key");
    store.use_keys(&[(first.id, NOW_MS)]).await.expect("it is noted");
    assert!(revoke(&store, &ana, second.id).await);
    let first = KeyRow { ends_at_ms: Some(NOW_MS + 1), used_at_ms: Some(NOW_MS), ..first };
    drop(store);
    let store = harness.open().await;
    assert_eq!(keys(&store, NOW_MS).await, [first, third.clone()]);
    assert!(add(&store, &new_key(&ana, 4)).await.id > third.id);
}
