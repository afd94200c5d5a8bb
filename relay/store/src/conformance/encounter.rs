//! Encounters.

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{ReportState, Visibility};

use super::{
    Fights, Harness, NOW_MS, account, append_all, encounter, entry, id, kept, new_encounter, new_raid, one_fight,
    opened, raid, stream,
};
use crate::{
    EncounterRow, Encounters, FightsBegun, Journal, JournalEntry, JournalKind, ListPart, NewEncounter, Page, Reports,
    Store, StoreError, Uploads,
};

/// With its raid's visibility, as its first revision, and with no report kept.
pub async fn an_encounter_begins_live(harness: &impl Harness<Store: Fights>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Visibility::Private).await;
    let new = new_encounter(&raid, 1);
    let row = store.begin_encounter(&new).await.expect("an encounter");
    let expected = EncounterRow {
        row: row.row,
        key: new.key,
        report_id: new.report_id.clone(),
        raid_code: raid.code.clone(),
        visibility: Visibility::Private,
        report_visibility: None,
        names: raid.names,
        delay: raid.delay,
        tickets: raid.tickets,
        started_at_ms: new.started_at_ms,
        created_at_ms: new.created_at_ms,
        state: ReportState::Live,
        kept_at_ms: None,
        revision: 1,
        kept_stream: None,
        verified: false,
    };
    assert_eq!(row, expected);
    assert_eq!(store.encounter(ana.id, new.key.encounter).await.expect("an answer"), Some(expected.clone()));
    let open = opened(&store, &row).await;
    assert_eq!(open.encounter, expected);
    assert_eq!(open.streams, [(new.stream, Vec::new())]);
    assert_eq!(store.encounter(ana.id, EncounterId(id(1))).await.expect("an answer"), None);
    let asked = [EncounterId(id(1)), new.key.encounter];
    assert_eq!(store.encounters_held(ana.id, &asked).await.expect("an answer"), [new.key.encounter]);
    assert_eq!(store.encounters_held(ana.id, &asked[..1]).await.expect("an answer"), []);
    assert_eq!(store.open_encounter(row.row + 99).await.expect("an answer"), None);
}

/// Whatever the second call says, and without its stream.
pub async fn an_encounter_that_exists_is_answered_unchanged(harness: &impl Harness<Store: Fights + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    let again =
        NewEncounter { report_id: "another".into(), started_at_ms: 1, stream: stream(2), ..new_encounter(&raid, 1) };
    assert_eq!(store.begin_encounter(&again).await.expect("an encounter"), row);
    let open = opened(&store, &row).await;
    assert_eq!(open.streams, [(stream(1), Vec::new())]);
    assert_eq!(store.report("another").await.expect("an answer"), None);
    assert_eq!(store.encounters_since(raid.account, 0, i64::MAX).await.expect("an answer").count, 1);
}

/// The same encounter id of two accounts is two encounters.
pub async fn accounts_do_not_meet(harness: &impl Harness<Store: Fights + Journal>) {
    let (store, _, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let raid = raid(&store, &bo, 2, Visibility::Unlisted).await;
    let theirs = encounter(&store, &raid, 1).await;
    assert_eq!(theirs.key.encounter, row.key.encounter);
    assert_ne!(theirs.row, row.row);
    append_all(&store, &row, 1, 1..=3).await;
    assert_eq!(opened(&store, &theirs).await.streams, [(stream(1), Vec::new())]);
    assert!(store.discard(bo.id, row.key.encounter).await.expect("an answer"));
    assert_eq!(opened(&store, &row).await.streams[0].1.len(), 3);
}

/// Neither one that is not held nor another account's; and a report id is given once.
pub async fn an_encounter_needs_a_raid_of_its_account(harness: &impl Harness<Store: Fights>) {
    let (store, first, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let theirs = raid(&store, &bo, 2, Visibility::Public).await;
    let unheld = new_encounter(&new_raid(&bo, 3, Visibility::Public), 2);
    let others = NewEncounter { raid_code: first.code.clone(), ..new_encounter(&theirs, 2) };
    let taken = NewEncounter { report_id: row.report_id.clone(), ..new_encounter(&theirs, 2) };
    for new in [unheld, others, taken] {
        let refused = store.begin_encounter(&new).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
        assert_eq!(store.encounter(bo.id, new.key.encounter).await.expect("an answer"), None);
        assert_eq!(store.encounters_held(bo.id, &[new.key.encounter]).await.expect("an answer"), []);
    }
    encounter(&store, &theirs, 2).await;
}

/// It takes the new raid's code and visibility; other accounts' raids are refused.
pub async fn an_encounter_moves_within_its_account(harness: &impl Harness<Store: Fights + Reports>) {
    let (store, first, row) = one_fight(harness).await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let second = raid(&store, &ana, 2, Visibility::Public).await;
    let theirs = raid(&store, &bo, 3, Visibility::Public).await;
    store.move_encounter(row.row, &second.code).await.expect("a move");
    let moved = EncounterRow { raid_code: second.code.clone(), visibility: Visibility::Public, ..row.clone() };
    assert_eq!(store.encounter(ana.id, row.key.encounter).await.expect("an answer"), Some(moved.clone()));
    assert_eq!(store.raid_reports(&first.code).await.expect("an answer"), []);
    assert_eq!(store.raid_reports(&second.code).await.expect("an answer").len(), 1);
    let listed = ListPart::Page(Page { page: 1, limit: 9 });
    assert_eq!(store.public_reports(listed, NOW_MS).await.expect("an answer").total, Some(1));
    for (row, code) in [(row.row, theirs.code.as_str()), (row.row, "none"), (row.row + 99, &second.code)] {
        let refused = store.move_encounter(row, code).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    assert_eq!(store.encounter(ana.id, row.key.encounter).await.expect("an answer"), Some(moved));
}

/// Journal, record, log, report, and what meters know it by, for good; and only the account's own.
pub async fn discarding_removes_everything(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let (other, last) = (encounter(&store, &raid, 2).await, encounter(&store, &raid, 3).await);
    append_all(&store, &row, 1, 1..=5).await;
    append_all(&store, &other, 2, 1..=5).await;
    store.keep_report(&kept(&last, ReportState::Final, 1, 3)).await.expect("a report");
    for (remote_id, row) in (1..).zip([&row, &other, &last]) {
        let known = store.know_upload(row.key, Some([remote_id as u8; 16]), remote_id).await;
        assert_eq!(known.expect("an answer"), Some(remote_id));
    }
    assert!(!store.discard(bo.id, row.key.encounter).await.expect("an answer"));
    for gone in [&row, &last] {
        assert!(store.discard(raid.account, gone.key.encounter).await.expect("an answer"));
        assert!(!store.discard(raid.account, gone.key.encounter).await.expect("an answer"));
        assert_eq!(store.encounter(raid.account, gone.key.encounter).await.expect("an answer"), None);
        assert_eq!(store.open_encounter(gone.row).await.expect("an answer"), None);
        assert_eq!(store.report(&gone.report_id).await.expect("an answer"), None);
        assert_eq!(store.report_log(&gone.report_id).await.expect("an answer"), None);
    }
    let late = store.append(entry(&row, 1, 6)).await;
    assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
    let hashes = [1, 2, 3].map(|number| [number; 16]);
    assert_eq!(store.uploaded(raid.account, &hashes).await.expect("an answer"), [([2; 16], 2)]);
    for (remote_id, report) in [(1, None), (2, Some(&other.report_id)), (3, None)] {
        assert_eq!(store.report_of_remote(remote_id).await.expect("an answer").as_ref(), report);
    }
    let again = encounter(&store, &raid, 1).await;
    assert_eq!(opened(&store, &again).await.streams, [(stream(1), Vec::new())]);
    assert_eq!(opened(&store, &other).await.streams[0].1.len(), 5);
}

/// Not by when their meter says that they began; and what a clock that was ahead says counts for no day.
pub async fn fights_are_counted_by_when_they_came(harness: &impl Harness<Store: Fights>) {
    let (store, raid, _) = one_fight(harness).await;
    for (number, created_at_ms) in [(2, NOW_MS + 10_000), (3, NOW_MS + 20_000)] {
        let new = NewEncounter { created_at_ms, started_at_ms: 0, ..new_encounter(&raid, number) };
        store.begin_encounter(&new).await.expect("an encounter");
    }
    let bo = account(&store, "bo").await;
    let now_ms = NOW_MS + 20_000;
    let first_ms = encounter(&store, &raid, 1).await.created_at_ms;
    for (account, since_ms, to_ms, count, oldest_ms) in [
        (raid.account, 0, now_ms, 3, Some(first_ms)),
        (raid.account, NOW_MS + 10_000, now_ms, 2, Some(NOW_MS + 10_000)),
        (raid.account, NOW_MS + 10_001, now_ms, 1, Some(now_ms)),
        (raid.account, NOW_MS + 20_001, now_ms + 1, 0, None),
        (raid.account, 0, now_ms - 1, 2, Some(first_ms)),
        (raid.account, 0, NOW_MS, 0, None),
        (bo.id, 0, now_ms, 0, None),
    ] {
        let begun = store.encounters_since(account, since_ms, to_ms).await.expect("an answer");
        assert_eq!(begun, FightsBegun { count, oldest_ms });
    }
}

/// With their journals, each with its own.
pub async fn only_live_reports_are_taken_up(harness: &impl Harness<Store: Store>) {
    let (store, raid, live) = one_fight(harness).await;
    let provisional = encounter(&store, &raid, 2).await;
    let done = encounter(&store, &raid, 3).await;
    let empty = encounter(&store, &raid, 4).await;
    store.begin_stream(live.row, &stream(8)).await.expect("a stream");
    for (row, number) in [(&live, 1), (&provisional, 2), (&done, 3), (&live, 8)] {
        append_all(&store, row, number, 1..=3).await;
    }
    store.keep_report(&kept(&provisional, ReportState::Provisional, 1, 2)).await.expect("a report");
    store.keep_report(&kept(&done, ReportState::Final, 1, 3)).await.expect("a report");
    let rows = store.live_encounters().await.expect("an answer");
    let rows: Vec<_> = rows.into_iter().map(|row| row.expect("a row that is read").row).collect();
    assert_eq!(rows, [live.row, empty.row]);
    let of_live = opened(&store, &live).await;
    for (at, number) in [(0, 1), (1, 8)] {
        let expected: Vec<_> = (1..=3).map(|seq| entry(&live, number, seq)).collect();
        assert_eq!(of_live.streams[at], (stream(number), expected));
    }
}

/// Whatever its report is but live; what is live is taken up by itself.
pub async fn what_ended_and_was_not_kept_is_found(harness: &impl Harness<Store: Store>) {
    let (store, raid, live) = one_fight(harness).await;
    let provisional = encounter(&store, &raid, 2).await;
    let done = encounter(&store, &raid, 3).await;
    let unended = encounter(&store, &raid, 4).await;
    let settled = encounter(&store, &raid, 5).await;
    for (row, number) in [(&live, 1), (&provisional, 2), (&done, 3), (&unended, 4), (&settled, 5)] {
        append_all(&store, row, number, 1..=3).await;
    }
    store.keep_report(&kept(&provisional, ReportState::Provisional, 1, 2)).await.expect("a report");
    for (row, number) in [(&done, 3), (&unended, 4), (&settled, 5)] {
        store.keep_report(&kept(row, ReportState::Final, 1, number)).await.expect("a report");
    }
    // Other readings of what is final: two that end, and one that does not.
    for (row, number) in [(&done, 6), (&done, 7), (&unended, 8)] {
        store.begin_stream(row.row, &stream(number)).await.expect("a stream");
        append_all(&store, row, number, 1..=3).await;
    }
    assert_eq!(store.unsettled_encounters().await.expect("an answer"), []);
    for (row, number) in [(&live, 1), (&provisional, 2), (&done, 6), (&done, 7)] {
        let end = JournalEntry { kind: JournalKind::End, ..entry(row, number, 4) };
        store.append(end).await.expect("an entry");
    }
    let of = |row: &EncounterRow| (row.key, raid.code.clone());
    assert_eq!(store.unsettled_encounters().await.expect("an answer"), [of(&done), of(&provisional)]);
    store.keep_report(&kept(&done, ReportState::Final, 2, 6)).await.expect("a report");
    assert_eq!(store.unsettled_encounters().await.expect("an answer"), [of(&provisional)]);
}
