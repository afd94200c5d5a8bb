//! The journal's laws.

use bytes::Bytes;
use futures::future::join_all;
use raidcast_shared::limits::{UNACKED_FRAMES_MAX, UPLINK_FRAME_BYTES_MAX};
use raidcast_shared::uplink::Visibility;

use super::{Harness, NOW_MS, account, append_all, encounter, entry, held, one_fight, opened, raid, stream};
use crate::{JournalEntry, JournalKind, StoreError};

/// Though their futures are polled backwards, and as many are under way as a client may have.
pub async fn entries_are_written_in_the_order_of_the_calls(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    let last = UNACKED_FRAMES_MAX as u64;
    let mut under_way: Vec<_> = (1..=last).map(|seq| store.append(entry(&row, 1, seq))).collect();
    while let Some(appended) = under_way.pop() {
        appended.await.expect("an entry");
    }
    let expected: Vec<_> = (1..=last).map(|seq| entry(&row, 1, seq)).collect();
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
}

/// Each finds all of its own, in order.
pub async fn many_raids_append_at_once(harness: &dyn Harness) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Visibility::Unlisted).await;
    let raids = (0..16).map(|number| {
        let (store, raid) = (store.clone(), raid.clone());
        tokio::spawn(async move {
            let row = encounter(&store, &raid, number).await;
            for first in [1, 26, 51] {
                append_all(&store, &row, number, first..first + 25).await;
            }
            (number, row)
        })
    });
    for joined in join_all(raids).await {
        let (number, row) = joined.expect("a task that ends");
        let expected: Vec<_> = (1..=75).map(|seq| entry(&row, number, seq)).collect();
        assert_eq!(opened(&store, &row).await.streams[0].1, expected);
    }
}

/// Whether it was polled or not.
pub async fn a_dropped_future_does_not_take_its_entry_back(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    drop(store.append(entry(&row, 1, 1)));
    drop(store.append(entry(&row, 1, 2)));
    store.append(entry(&row, 1, 3)).await.expect("an entry");
    assert_eq!(held(&store, &row).await, [1, 2, 3]);
}

/// From none to as many as a frame may have, with time and kind.
pub async fn entries_come_back_byte_for_byte(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = every_byte.iter().copied().cycle().take(UPLINK_FRAME_BYTES_MAX).collect();
    let entries: Vec<_> = [Vec::new(), every_byte, large, b"end".to_vec()]
        .into_iter()
        .zip(1..)
        .map(|(data, seq)| JournalEntry {
            data: Bytes::from(data),
            kind: if seq == 4 { JournalKind::End } else { JournalKind::Delta },
            received_at_ms: -(seq as i64),
            ..entry(&row, 1, seq)
        })
        .collect();
    for entry in &entries {
        store.append(entry.clone()).await.expect("an entry");
    }
    assert_eq!(opened(&store, &row).await.streams[0].1, entries);
}

/// As it came first.
pub async fn a_repeated_entry_is_held_once(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=4).await;
    let later = |seq| JournalEntry { received_at_ms: NOW_MS + 99_000, ..entry(&row, 1, seq) };
    for appended in join_all([2, 3, 4, 2, 1].map(|seq| store.append(later(seq)))).await {
        appended.expect("a repeat");
    }
    append_all(&store, &row, 1, 4..=6).await;
    let expected: Vec<_> = (1..=6).map(|seq| entry(&row, 1, seq)).collect();
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
}

/// Other bytes, or another kind.
pub async fn another_entry_in_its_place_is_refused_with_all_after_it(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=3).await;
    let others = [
        JournalEntry { data: Bytes::from_static(b"else"), ..entry(&row, 1, 3) },
        JournalEntry { kind: JournalKind::End, ..entry(&row, 1, 3) },
    ];
    for other in others {
        let calls = [other, entry(&row, 1, 4), entry(&row, 1, 5)];
        let answers = join_all(calls.map(|entry| store.append(entry))).await;
        assert!(matches!(answers[0], Err(StoreError::Damaged(_))), "{answers:?}");
        assert!(answers[1].is_err() && answers[2].is_err(), "{answers:?}");
    }
    let expected: Vec<_> = (1..=3).map(|seq| entry(&row, 1, seq)).collect();
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
    append_all(&store, &row, 1, 4..=5).await;
}

/// Also one after it that would fit; and all go in once the caller has heard of it.
pub async fn an_entry_without_the_one_before_it_is_refused_with_all_after_it(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    let early = store.append(entry(&row, 1, 2)).await;
    assert!(matches!(early, Err(StoreError::Unavailable(_))), "{early:?}");
    let answers = join_all([1, 3, 2, 3].map(|seq| store.append(entry(&row, 1, seq)))).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{answers:?}");
    assert_eq!(held(&store, &row).await, [1]);
    // The first that fails has been answered, but not been heard: what is called now counts as after it.
    let mut failing = store.append(entry(&row, 1, 3));
    let other = store.append(entry(&row, 1, 2));
    assert!(other.await.is_err());
    assert!(store.append(entry(&row, 1, 2)).await.is_err());
    assert!((&mut failing).await.is_err());
    append_all(&store, &row, 1, 2..=3).await;
    assert_eq!(held(&store, &row).await, [1, 2, 3]);
}

/// Others' entries that share the commit are stored.
pub async fn a_failure_concerns_its_encounter_alone(harness: &dyn Harness) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    let failing = store.append(entry(&row, 1, 7));
    let fine = [1, 2].map(|seq| store.append(entry(&other, 2, seq)));
    for appended in join_all(fine).await {
        appended.expect("an entry");
    }
    append_all(&store, &other, 2, 3..=3).await;
    assert!(failing.await.is_err());
    assert_eq!(held(&store, &other).await, [1, 2, 3]);
    assert_eq!(held(&store, &row).await, Vec::<u64>::new());
}

/// Begun, and of its encounter.
pub async fn an_entry_needs_its_stream(harness: &dyn Harness) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    for stray in [entry(&row, 2, 1), entry(&other, 1, 1)] {
        let refused = store.append(stray).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=1).await;
}

/// Each goes from 1.
pub async fn streams_do_not_share_seqs(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 1, 1..=5).await;
    let early = store.append(entry(&row, 2, 6)).await;
    assert!(matches!(early, Err(StoreError::Unavailable(_))), "{early:?}");
    append_all(&store, &row, 2, 1..=2).await;
    append_all(&store, &row, 1, 6..=6).await;
    let lengths: Vec<_> = opened(&store, &row).await.streams.iter().map(|(_, entries)| entries.len()).collect();
    assert_eq!(lengths, [6, 2]);
}

/// All that was answered `Ok` is there again, and the journal goes on, when the store was dropped in mid-work.
pub async fn what_was_answered_survives_a_crash(harness: &dyn Harness) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=50).await;
    let under_way: Vec<_> = (51..=60).map(|seq| store.append(entry(&row, 1, seq))).collect();
    drop(under_way);
    drop(store);
    let store = harness.open().await;
    let open = opened(&store, &row).await;
    let entries = &open.streams[0].1;
    assert!(entries.len() >= 50, "{}", entries.len());
    let expected: Vec<_> = (1..=entries.len() as u64).map(|seq| entry(&row, 1, seq)).collect();
    assert_eq!(entries, &expected);
    append_all(&store, &row, 1, 1..=61).await;
    assert_eq!(held(&store, &row).await, (1..=61).collect::<Vec<_>>());
}

/// And nothing after it.
pub async fn closing_writes_what_is_under_way(harness: &dyn Harness) {
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
    assert_eq!(held(&store, &row).await, (1..=100).collect::<Vec<_>>());
}
