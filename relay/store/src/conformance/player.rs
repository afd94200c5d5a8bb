//! Numbers of players.

use std::collections::BTreeSet;
use std::sync::Arc;

use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::Visibility;

use super::{Harness, account, raid};
use crate::transfer::Transfer;
use crate::{Accounts, NUMBERED_PLAYERS_MAX, Players, Raids};

/// What it takes to number players.
pub trait Numbers: Accounts + Raids + Players {}

impl<T: Accounts + Raids + Players> Numbers for T {}

fn players(ids: impl IntoIterator<Item = u64>) -> Vec<ActorId> {
    // Signs that mean something to a database are among their bytes.
    let player = |id: u64| ActorId((u128::from(id) << 64 | 0x0027_5c00_ff22_2500).to_be_bytes());
    ids.into_iter().map(player).collect()
}

/// These players with the numbers from 1 on.
fn numbered(players: &[ActorId]) -> Vec<(ActorId, u32)> {
    players.iter().copied().zip(1..).collect()
}

async fn number(store: &Arc<impl Players>, code: &str, players: &[ActorId]) -> Vec<(ActorId, u32)> {
    store.number_players(code, players).await.expect("an answer")
}

async fn held(store: &Arc<impl Players>, code: &str) -> Vec<(ActorId, u32)> {
    store.raid_players(code).await.expect("an answer")
}

/// In the order in which they are named first, each once, in each raid from 1 on; whatever is asked for later.
pub async fn a_player_of_a_raid_has_one_number_that_stays(harness: &impl Harness<Store: Numbers>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let second = raid(&store, &ana, 2, Visibility::Public).await;
    assert_eq!(held(&store, &first.code).await, []);
    assert_eq!(number(&store, &first.code, &[]).await, []);
    let mut all = players([7, 3, 9]);
    assert_eq!(number(&store, &first.code, &players([7, 3, 7, 9, 3])).await, numbered(&all));
    assert_eq!(number(&store, &first.code, &players([9, 3])).await, numbered(&all));
    all.extend(players([1, 8]));
    assert_eq!(number(&store, &first.code, &players([1, 9, 1, 8, 7])).await, numbered(&all));
    let others = players([9, 5, 7]);
    assert_eq!(number(&store, &second.code, &others).await, numbered(&others));
    assert_eq!(held(&store, &first.code).await, numbered(&all));
    assert_eq!(held(&store, &second.code).await, numbered(&others));
}

/// Nor is anything written that a raid with this code would find later.
pub async fn without_a_raid_nobody_gets_a_number(harness: &impl Harness<Store: Numbers>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for code in ["raid-1", "", "\0", "raid-1\0", "'; --"] {
        assert_eq!(held(&store, code).await, []);
        assert_eq!(number(&store, code, &players([1, 2])).await, []);
    }
    let raid = raid(&store, &ana, 1, Visibility::Private).await;
    assert_eq!(held(&store, &raid.code).await, []);
    assert_eq!(number(&store, &raid.code, &players([2])).await, numbered(&players([2])));
}

/// None is given twice, and none is left out; each is told what holds from then on.
pub async fn whoever_asks_at_once_numbers_have_no_gap(harness: &impl Harness<Store: Numbers>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let second = raid(&store, &ana, 2, Visibility::Public).await;
    let asked: Vec<_> = (0..24u64).map(|caller| players((0..8).map(|player| (caller * 5 + player) % 40))).collect();
    let is_of_second = |caller: usize| caller % 4 == 3;
    let asking = asked.iter().enumerate().map(|(caller, players)| {
        let code = if is_of_second(caller) { &second.code } else { &first.code };
        store.number_players(code, players)
    });
    let answers = futures::future::join_all(asking).await;
    let (of_first, of_second) = (held(&store, &first.code).await, held(&store, &second.code).await);
    for (of_this, all) in [(false, &of_first), (true, &of_second)] {
        let callers = asked.iter().enumerate().filter(|(caller, _)| is_of_second(*caller) == of_this);
        let expected: BTreeSet<ActorId> = callers.flat_map(|(_, players)| players).copied().collect();
        let in_order: Vec<ActorId> = all.iter().map(|(player, _)| *player).collect();
        assert_eq!(*all, numbered(&in_order));
        assert_eq!((in_order.len(), in_order.into_iter().collect::<BTreeSet<_>>()), (expected.len(), expected));
    }
    for (caller, (answer, players)) in answers.into_iter().zip(&asked).enumerate() {
        let all = if is_of_second(caller) { &of_second } else { &of_first };
        let answer = answer.expect("an answer");
        // Those that are given later come behind.
        assert_eq!(answer[..], all[..answer.len()]);
        assert!(players.iter().all(|player| answer.iter().any(|(numbered, _)| numbered == player)));
    }
}

/// Without a word before.
pub async fn numbers_of_players_survive_a_crash(harness: &impl Harness<Store: Numbers>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Visibility::Public).await;
    number(&store, &raid.code, &players([4, 2])).await;
    drop(store);
    let store = harness.open().await;
    assert_eq!(number(&store, &raid.code, &players([2, 6])).await, numbered(&players([4, 2, 6])));
}

/// A raid that takes its place finds none of them.
pub async fn numbers_of_players_go_with_their_raid(harness: &impl Harness<Store: Numbers + Transfer>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    assert_eq!(number(&store, &first.code, &players([4, 2])).await.len(), 2);
    let mut import = store.lock().await.expect("a transaction");
    import.clear().await.expect("it is empty");
    import.commit().await.expect("it is kept");
    assert_eq!(store.raid_by_code(&first.code).await.expect("an answer"), None);
    assert_eq!(held(&store, &first.code).await, []);
    let ana = account(&store, "ana").await;
    let again = raid(&store, &ana, 1, Visibility::Public).await;
    assert_eq!(held(&store, &again.code).await, []);
    assert_eq!(number(&store, &again.code, &players([2])).await, numbered(&players([2])));
}

/// Those who come later have none, and all others keep theirs.
pub async fn of_a_raid_so_many_players_get_numbers(harness: &impl Harness<Store: Numbers>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Visibility::Public).await;
    let all = players(0..NUMBERED_PLAYERS_MAX as u64 + 2);
    let (most, last) = all.split_at(NUMBERED_PLAYERS_MAX - 1);
    assert_eq!(number(&store, &raid.code, most).await.len(), most.len());
    let full = numbered(&all[..NUMBERED_PLAYERS_MAX]);
    assert!(number(&store, &raid.code, last).await == full);
    assert!(number(&store, &raid.code, last).await == full);
    assert!(held(&store, &raid.code).await == full);
}
