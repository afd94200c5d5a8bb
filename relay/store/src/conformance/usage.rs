//! What accounts have used of their limits.

use std::sync::Arc;

use super::{Harness, NOW_MS};
use crate::{AccountId, Accounts, Usage, Use};

fn used(account: i64, what: &str, used: u64) -> Use {
    Use { account: AccountId(account), what: what.into(), since_ms: NOW_MS + account, used }
}

/// Those of which something is said: of others nothing is kept.
async fn accounts(store: &Arc<impl Accounts>) {
    for (name, number) in [("ana", 1), ("bo", 2)] {
        assert_eq!(store.account(name, name).await.expect("an account").id, AccountId(number));
    }
}

/// Of each account and limit what was said last, and nothing else changes.
pub async fn what_was_used_takes_the_place_of_what_was_before(harness: &impl Harness<Store: Accounts + Usage>) {
    let store = harness.open().await;
    accounts(&store).await;
    assert_eq!(store.used().await.expect("an answer"), []);
    store.keep_used(&[used(3, "bytes", 1)]).await.expect("an answer");
    assert_eq!(store.used().await.expect("an answer"), [], "nobody's");
    store.keep_used(&[]).await.expect("it is kept");
    let first = [used(1, "bytes", 5), used(1, "uploads of \"ana's\" kéy", 1), used(2, "bytes", u64::MAX >> 1)];
    store.keep_used(&first).await.expect("it is kept");
    assert_eq!(store.used().await.expect("an answer"), first);
    let later = Use { since_ms: NOW_MS + 99, ..used(1, "bytes", 3) };
    store.keep_used(std::slice::from_ref(&later)).await.expect("it is kept");
    let [_, second, third] = first;
    assert_eq!(store.used().await.expect("an answer"), [later, second, third]);
}

/// Without a word before.
pub async fn what_was_used_survives_a_crash(harness: &impl Harness<Store: Accounts + Usage>) {
    let store = harness.open().await;
    accounts(&store).await;
    let kept = [used(1, "bytes", 5), used(2, "bytes", 6)];
    store.keep_used(&kept).await.expect("it is kept");
    drop(store);
    let store = harness.open().await;
    assert_eq!(store.used().await.expect("an answer"), kept);
}
