//! Accounts.

use super::{Harness, account};
use crate::{AccountId, Accounts, StoreError};

/// The first call's channel stays, also when many ask at once.
pub async fn an_account_is_made_once(harness: &impl Harness<Store: Accounts>) {
    let store = harness.open().await;
    let calls = (0..8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.account("ana", &format!("channel-{number}")).await })
    });
    let accounts: Vec<_> = futures::future::join_all(calls)
        .await
        .into_iter()
        .map(|joined| joined.expect("a task that ends").expect("an account"))
        .collect();
    assert!(accounts.iter().all(|account| *account == accounts[0]), "{accounts:?}");
    let ana = &accounts[0];
    let bo = account(&store, "bo").await;
    assert_ne!(ana.id, bo.id);
    assert_eq!(store.account("ana", "later").await.expect("an account"), *ana);
    assert_eq!(store.account_by_channel(&ana.channel).await.expect("an answer").as_ref(), Some(ana));
    assert_eq!(store.account_by_channel("later").await.expect("an answer"), None);
    assert_eq!(store.channel(bo.id).await.expect("an answer"), Some(bo.channel));
    assert_eq!(store.channel(AccountId(9_999)).await.expect("an answer"), None);
}

/// Whoever asks for another's channel gets no account.
pub async fn a_channel_belongs_to_one_account(harness: &impl Harness<Store: Accounts>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let taken = store.account("bo", &ana.channel).await;
    assert!(matches!(taken, Err(StoreError::Damaged(_))), "{taken:?}");
    assert_eq!(store.account_by_channel(&ana.channel).await.expect("an answer"), Some(ana));
    account(&store, "bo").await;
}
