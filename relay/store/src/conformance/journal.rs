//! The journal's laws.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{join, join_all};
use raidcast_shared::limits::{UNACKED_FRAMES_MAX, UPLINK_FRAME_BYTES_MAX};
use raidcast_shared::uplink::Visibility;

use super::{
    Fights, Harness, NOW_MS, account, append_all, encounter, entries, entry, one_fight, opened, raid, seqs, stream,
};
use crate::{EncounterRow, Journal, JournalEntry, JournalKind, StoreError, StoredJournal, StoredStream};

async fn read(store: &Arc<impl Journal>, row: &EncounterRow) -> StoredJournal {
    store.read_journal(row.row).await.expect("an answer")
}

/// The log of a long fight, of all bytes.
fn large_log(seed: u32) -> Bytes {
    (0..1_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8).collect()
}

/// What a journal reads as that was sealed to this log, and in which nothing began since.
fn sealed(log: &Bytes) -> StoredJournal {
    StoredJournal { log: Some(log.clone()), streams: Vec::new() }
}

/// And are kept once, with the header and the revision they began with.
pub async fn streams_keep_the_order_they_began_in(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    for number in [9, 4, 7] {
        store.begin_stream(row.row, &stream(number)).await.expect("a stream");
    }
    let again = StoredStream { header: Bytes::from_static(b"another"), after_revision: 99, ..stream(4) };
    store.begin_stream(row.row, &again).await.expect("a stream");
    append_all(&store, &row, 7, 1..=2).await;
    let open = opened(&store, &row).await;
    let streams: Vec<_> = open.streams.iter().map(|(stream, entries)| (stream.clone(), entries.len())).collect();
    assert_eq!(streams, [(stream(1), 0), (stream(9), 0), (stream(4), 0), (stream(7), 2)]);
    let missing = store.begin_stream(row.row + 99, &stream(1)).await;
    assert!(matches!(missing, Err(StoreError::Damaged(_))), "{missing:?}");
}

/// Though their futures are polled backwards, and as many are under way as a client may have.
pub async fn entries_are_written_in_the_order_of_the_calls(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    let last = UNACKED_FRAMES_MAX as u64;
    let mut under_way: Vec<_> = (1..=last).map(|seq| store.append(entry(&row, 1, seq))).collect();
    while let Some(appended) = under_way.pop() {
        appended.await.expect("an entry");
    }
    let expected = entries(&row, 1, last);
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
}

/// Each finds all of its own, in order.
pub async fn many_raids_append_at_once(harness: &impl Harness<Store: Fights + Journal>) {
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
pub async fn a_dropped_future_does_not_take_its_entry_back(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    drop(store.append(entry(&row, 1, 1)));
    drop(store.append(entry(&row, 1, 2)));
    store.append(entry(&row, 1, 3)).await.expect("an entry");
    assert_eq!(seqs(&store, &row).await, [1, 2, 3]);
}

/// From none to as many as a frame may have, with time and kind.
pub async fn entries_come_back_byte_for_byte(harness: &impl Harness<Store: Fights + Journal>) {
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
pub async fn a_repeated_entry_is_held_once(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=4).await;
    let later = |seq| JournalEntry { received_at_ms: NOW_MS + 99_000, ..entry(&row, 1, seq) };
    for appended in join_all([2, 3, 4, 2, 1].map(|seq| store.append(later(seq)))).await {
        appended.expect("a repeat");
    }
    append_all(&store, &row, 1, 4..=6).await;
    let expected = entries(&row, 1, 6);
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
}

/// Other bytes, or another kind.
pub async fn another_entry_in_its_place_is_refused_with_all_after_it(harness: &impl Harness<Store: Fights + Journal>) {
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
    let expected = entries(&row, 1, 3);
    assert_eq!(opened(&store, &row).await.streams[0].1, expected);
    append_all(&store, &row, 1, 4..=5).await;
}

/// Also one after it that would fit; and all go in once the caller has heard of it.
pub async fn an_entry_without_the_one_before_it_is_refused_with_all_after_it(
    harness: &impl Harness<Store: Fights + Journal>,
) {
    let (store, _, row) = one_fight(harness).await;
    let early = store.append(entry(&row, 1, 2)).await;
    assert!(matches!(early, Err(StoreError::Unavailable(_))), "{early:?}");
    let answers = join_all([1, 3, 2, 3].map(|seq| store.append(entry(&row, 1, seq)))).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{answers:?}");
    assert_eq!(seqs(&store, &row).await, [1]);
    // The first that fails has been answered, but not been heard: what is called now counts as after it.
    let mut failing = store.append(entry(&row, 1, 3));
    let other = store.append(entry(&row, 1, 2));
    assert!(other.await.is_err());
    assert!(store.append(entry(&row, 1, 2)).await.is_err());
    assert!((&mut failing).await.is_err());
    append_all(&store, &row, 1, 2..=3).await;
    assert_eq!(seqs(&store, &row).await, [1, 2, 3]);
}

/// Neither the first of a stream nor one that comes later; it is refused with all after it.
pub async fn no_entry_has_seq_0(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    for held in 0..=2 {
        append_all(&store, &row, 1, 1..=held).await;
        let [zero, next] = [0, held + 1].map(|seq| store.append(entry(&row, 1, seq)));
        let answers = (zero.await, next.await);
        assert!(matches!(answers, (Err(StoreError::Damaged(_)), Err(StoreError::Unavailable(_)))), "{answers:?}");
        assert_eq!(seqs(&store, &row).await, (1..=held).collect::<Vec<_>>());
    }
}

/// Others' entries that share the commit are stored.
pub async fn a_failure_concerns_its_encounter_alone(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    let failing = store.append(entry(&row, 1, 7));
    let fine = [1, 2].map(|seq| store.append(entry(&other, 2, seq)));
    for appended in join_all(fine).await {
        appended.expect("an entry");
    }
    append_all(&store, &other, 2, 3..=3).await;
    assert!(failing.await.is_err());
    assert_eq!(seqs(&store, &other).await, [1, 2, 3]);
    assert_eq!(seqs(&store, &row).await, Vec::<u64>::new());
}

/// Begun, and of its encounter.
pub async fn an_entry_needs_its_stream(harness: &impl Harness<Store: Fights + Journal>) {
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
pub async fn streams_do_not_share_seqs(harness: &impl Harness<Store: Fights + Journal>) {
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
pub async fn what_was_answered_survives_a_crash(harness: &impl Harness<Store: Fights + Journal>) {
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
    assert_eq!(seqs(&store, &row).await, (1..=61).collect::<Vec<_>>());
}

/// Of the other readings nothing is touched; dropping it again is no error.
pub async fn a_reading_that_is_dropped_leaves_nothing(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=2).await;
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=3).await;
    for _ in 0..2 {
        store.drop_stream(row.row, stream(2).stream).await.expect("dropped");
        let open = opened(&store, &row).await;
        assert_eq!(open.streams, [(stream(1), (1..=2).map(|seq| entry(&row, 1, seq)).collect())]);
    }
    let late = store.append(entry(&row, 2, 4)).await;
    assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
    store.drop_stream(row.row + 1, stream(1).stream).await.expect("nothing to drop");
    assert_eq!(opened(&store, &row).await.streams.len(), 1);
}

/// Streams in the order they began, each entry as it came, of this encounter alone; also after a crash.
pub async fn what_is_read_is_what_was_appended(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    for number in [9, 4] {
        store.begin_stream(row.row, &stream(number)).await.expect("a stream");
    }
    append_all(&store, &row, 4, 1..=3).await;
    append_all(&store, &other, 2, 1..=4).await;
    append_all(&store, &row, 1, 1..=2).await;
    let end = JournalEntry {
        kind: JournalKind::End,
        received_at_ms: -1,
        data: Bytes::from((0..=255).collect::<Vec<u8>>()),
        ..entry(&row, 1, 3)
    };
    store.append(end.clone()).await.expect("an entry");
    let expected = StoredJournal {
        log: None,
        streams: vec![
            (stream(1), [entries(&row, 1, 2), vec![end]].concat()),
            (stream(9), Vec::new()),
            (stream(4), entries(&row, 4, 3)),
        ],
    };
    assert_eq!(read(&store, &row).await, expected);
    drop(store);
    let store = harness.open().await;
    assert_eq!(read(&store, &row).await, expected);
    assert_eq!(opened(&store, &row).await.streams, expected.streams);
    assert_eq!(read(&store, &other).await.streams, [(stream(2), entries(&other, 2, 4))]);
    assert_eq!(store.read_journal(other.row + 99).await.expect("an answer"), StoredJournal::default());
}

/// Of none of its streams, also after a crash; and no other encounter's.
pub async fn a_sealed_journal_takes_no_entry_and_reads_as_its_log(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    store.begin_stream(row.row, &stream(3)).await.expect("a stream");
    append_all(&store, &row, 1, 1..=5).await;
    append_all(&store, &other, 2, 1..=5).await;
    let log = large_log(1);
    store.seal_journal(row.row, &log).await.expect("a seal");
    for late in [entry(&row, 1, 6), entry(&row, 1, 5), entry(&row, 3, 1)] {
        let refused = store.append(late).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    assert_eq!(read(&store, &row).await, sealed(&log));
    assert_eq!(opened(&store, &row).await.streams, []);
    let stray = store.seal_journal(other.row + 99, &log).await;
    assert!(matches!(stray, Err(StoreError::Damaged(_))), "{stray:?}");
    drop(store);
    let store = harness.open().await;
    assert_eq!(read(&store, &row).await, sealed(&log));
    let late = store.append(entry(&row, 1, 6)).await;
    assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
    let open = StoredJournal { log: None, streams: vec![(stream(2), entries(&other, 2, 5))] };
    assert_eq!(read(&store, &other).await, open);
    append_all(&store, &other, 2, 6..=6).await;
}

/// Whichever comes first: each is told.
pub async fn entries_that_are_under_way_while_it_is_sealed_leave_nothing(
    harness: &impl Harness<Store: Fights + Journal>,
) {
    let (store, raid, _) = one_fight(harness).await;
    for number in 2..12 {
        let row = encounter(&store, &raid, number).await;
        let log = Bytes::from(vec![number; 99]);
        let under_way = join_all((1..=20).map(|seq| store.append(entry(&row, number, seq))));
        let (answers, seal) = join(under_way, store.seal_journal(row.row, &log)).await;
        seal.expect("a seal");
        let stored = answers.iter().take_while(|answer| answer.is_ok()).count();
        assert!(answers[stored..].iter().all(Result::is_err), "{answers:?}");
        assert_eq!(read(&store, &row).await, sealed(&log));
    }
}

/// To the same log.
pub async fn sealing_again_changes_nothing(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let log = large_log(1);
    for _ in 0..2 {
        store.seal_journal(row.row, &log).await.expect("a seal");
        assert_eq!(read(&store, &row).await, sealed(&log));
    }
}

/// The first log stands until the second replaces it with what began since.
pub async fn a_sealed_journal_can_go_on_and_is_sealed_anew(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let (first, second) = (large_log(1), large_log(2));
    store.seal_journal(row.row, &first).await.expect("a seal");
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=3).await;
    let open = StoredJournal { log: Some(first), streams: vec![(stream(2), entries(&row, 2, 3))] };
    assert_eq!(read(&store, &row).await, open);
    store.seal_journal(row.row, &second).await.expect("a seal");
    assert_eq!(read(&store, &row).await, sealed(&second));
}

/// Neither log nor stream, also after a crash; the encounter itself stays. Removing what is not there is no error.
pub async fn removing_leaves_nothing_and_concerns_one_encounter_alone(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, raid, row) = one_fight(harness).await;
    let (other, last) = (encounter(&store, &raid, 2).await, encounter(&store, &raid, 3).await);
    append_all(&store, &row, 1, 1..=5).await;
    append_all(&store, &other, 2, 1..=5).await;
    let log = large_log(1);
    for sealed in [&row, &last] {
        store.seal_journal(sealed.row, &log).await.expect("a seal");
    }
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=5).await;
    for gone in [row.row, row.row, last.row + 99] {
        store.remove_journal(gone).await.expect("removed");
        assert_eq!(store.read_journal(gone).await.expect("an answer"), StoredJournal::default());
    }
    let late = store.append(entry(&row, 2, 6)).await;
    assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
    drop(store);
    let store = harness.open().await;
    assert_eq!(read(&store, &row).await, StoredJournal::default());
    assert_eq!(opened(&store, &row).await.encounter, row);
    assert_eq!(read(&store, &last).await, sealed(&log));
    assert_eq!(read(&store, &other).await.streams, [(stream(2), entries(&other, 2, 5))]);
}

/// From seq 1, with another header and other entries: nothing of the first is left.
pub async fn what_was_removed_can_begin_again(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    for round in 0..3_u8 {
        append_all(&store, &row, 1, 1..=4).await;
        match round {
            0 => store.drop_stream(row.row, stream(1).stream).await.expect("dropped"),
            1 => store.remove_journal(row.row).await.expect("removed"),
            _ => store.seal_journal(row.row, &Bytes::from_static(b"log")).await.expect("a seal"),
        }
        let again = StoredStream { header: Bytes::from(vec![round; 3]), after_revision: u32::MAX, ..stream(1) };
        store.begin_stream(row.row, &again).await.expect("a stream");
        assert_eq!(read(&store, &row).await.streams, [(again.clone(), Vec::new())]);
        let early = store.append(entry(&row, 1, 5)).await;
        assert!(matches!(early, Err(StoreError::Unavailable(_))), "{early:?}");
        let other = JournalEntry { data: Bytes::from_static(b"else"), ..entry(&row, 1, 1) };
        store.append(other.clone()).await.expect("an entry");
        assert_eq!(read(&store, &row).await.streams, [(again, vec![other])]);
        store.drop_stream(row.row, stream(1).stream).await.expect("dropped");
        store.begin_stream(row.row, &stream(1)).await.expect("a stream");
    }
}
