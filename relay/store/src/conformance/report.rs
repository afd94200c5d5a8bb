//! Reports: kept, reopened, replaced; and their lists.

mod list;

use bytes::Bytes;
use raidcast_shared::uplink::ReportState::{Final, Live, Provisional};

pub use self::list::*;
use super::{Fights, Harness, account, append_all, encounter, entry, kept, one_fight, opened, seqs, stream};
use crate::{EncounterRow, Encounters, Journal, KeptReport, Reports, StoreError};

/// What `report` and `report_log` give once this was kept.
fn expected(row: &EncounterRow, report: &KeptReport) -> (EncounterRow, Option<Bytes>) {
    let row = EncounterRow {
        state: report.state,
        revision: report.revision,
        kept_at_ms: Some(report.kept_at_ms),
        kept_stream: Some(report.stream),
        verified: report.line.verified,
        ..row.clone()
    };
    (row, Some(report.record.clone()))
}

/// And no log; an id that was not given is `None`.
pub async fn a_live_report_has_no_record(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, _, row) = one_fight(harness).await;
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), None);
    assert_eq!(store.report(&row.report_id.clone()).await.expect("an answer"), Some((row, None)));
    assert_eq!(store.report("none").await.expect("an answer"), None);
    assert_eq!(store.report_log("none").await.expect("an answer"), None);
}

/// Streams and entries.
pub async fn a_provisional_report_keeps_its_journal(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let before = opened(&store, &row).await;
    let report = KeptReport { log: Some(Bytes::from_static(b"only a final one's")), ..kept(&row, Provisional, 1, 1) };
    store.keep_report(&report).await.expect("a report");
    let kept = expected(&row, &report);
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(kept.clone()));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), None);
    let after = opened(&store, &row).await;
    assert_eq!((after.encounter, after.streams), (kept.0, before.streams));
}

/// Reopened it is live, takes entries, and is final in the end.
pub async fn a_provisional_report_goes_on(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let provisional = kept(&row, Provisional, 1, 1);
    store.keep_report(&provisional).await.expect("a report");
    store.reopen_report(row.row).await.expect("a live report");
    store.reopen_report(row.row).await.expect("a live report");
    let (reopened, record) = store.report(&row.report_id).await.expect("an answer").expect("the report");
    assert_eq!((reopened.state, record), (Live, Some(provisional.record)));
    assert_eq!(store.live_encounters().await.expect("an answer").len(), 1);
    append_all(&store, &row, 1, 6..=8).await;
    assert_eq!(seqs(&store, &row).await, (1..=8).collect::<Vec<_>>());
    let done = kept(&row, Final, 1, 1);
    store.keep_report(&done).await.expect("a report");
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &done)));
}

/// Of this encounter alone; and no entry comes after it.
pub async fn a_final_report_replaces_its_journal(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    append_all(&store, &row, 1, 1..=5).await;
    append_all(&store, &other, 2, 1..=5).await;
    store.begin_stream(row.row, &stream(3)).await.expect("a stream");
    let report = kept(&row, Final, 1, 1);
    store.keep_report(&report).await.expect("a report");
    let kept = expected(&row, &report);
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(kept.clone()));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
    assert_eq!(store.encounter(raid.account, row.key.encounter).await.expect("an answer"), Some(kept.0.clone()));
    let open = opened(&store, &row).await;
    assert_eq!((open.encounter, open.streams), (kept.0, Vec::new()));
    let late = store.append(entry(&row, 1, 6)).await;
    assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
    assert_eq!(seqs(&store, &other).await, [1, 2, 3, 4, 5]);
    assert_eq!(store.report_log(&other.report_id).await.expect("an answer"), None);
}

/// Provisional or final.
pub async fn keeping_again_changes_nothing(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    for state in [Provisional, Final] {
        let report = kept(&row, state, 1, 1);
        store.keep_report(&report).await.expect("a report");
        let streams = opened(&store, &row).await.streams;
        store.keep_report(&report).await.expect("the report again");
        assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &report)));
        assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
        assert_eq!(opened(&store, &row).await.streams, streams);
        assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), [report.line]);
    }
}

/// Record, log and line, under the same id.
pub async fn a_new_reading_replaces_all(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    store.keep_report(&kept(&row, Final, 1, 1)).await.expect("a report");
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=9).await;
    let report = kept(&row, Final, 2, 2);
    store.keep_report(&report).await.expect("a report");
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &report)));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
    assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), [report.line]);
    assert_eq!(opened(&store, &row).await.streams, []);
}

/// Its record, log and state, though the new reading's entries are held.
pub async fn a_final_report_stands_while_a_new_reading_comes(
    harness: &impl Harness<Store: Fights + Journal + Reports>,
) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let report = kept(&row, Final, 1, 1);
    store.keep_report(&report).await.expect("a report");
    store.begin_stream(row.row, &stream(2)).await.expect("a stream");
    append_all(&store, &row, 2, 1..=3).await;
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &report)));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
    assert!(store.live_encounters().await.expect("an answer").is_empty());
    let open = opened(&store, &row).await;
    assert_eq!(open.streams, [(stream(2), (1..=3).map(|seq| entry(&row, 2, seq)).collect())]);
}

/// Nothing of it is kept otherwise.
pub async fn a_report_needs_its_encounter(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let stray = KeptReport { encounter: row.row + 99, ..kept(&row, Final, 1, 1) };
    let refused = store.keep_report(&stray).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    let refused = store.reopen_report(row.row + 99).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert_eq!(seqs(&store, &row).await, [1, 2, 3, 4, 5]);
    assert!(store.discard(raid.account, row.key.encounter).await.expect("an answer"));
    let gone = store.keep_report(&kept(&row, Final, 1, 1)).await;
    assert!(matches!(gone, Err(StoreError::Damaged(_))), "{gone:?}");
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), None);
}

/// Only a new reading changes it.
pub async fn a_final_report_is_not_reopened(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, _, row) = one_fight(harness).await;
    let report = kept(&row, Final, 1, 1);
    store.keep_report(&report).await.expect("a report");
    let refused = store.reopen_report(row.row).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &report)));
}

/// With logs as large as a long fight's.
pub async fn reports_survive_a_crash(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, _, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let report = KeptReport { log: Some(Bytes::from(large)), ..kept(&row, Final, 1, 1) };
    store.keep_report(&report).await.expect("a report");
    drop(store);
    let store = harness.open().await;
    assert_eq!(store.report(&row.report_id).await.expect("an answer"), Some(expected(&row, &report)));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
    assert_eq!(opened(&store, &row).await.streams, []);
    store.keep_report(&report).await.expect("the report again");
}

/// Of its account alone, and while there is one.
pub async fn a_report_is_named_by_its_encounter(harness: &impl Harness<Store: Fights + Journal + Reports>) {
    let (store, raid, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let of = async |account| store.report_of(account, row.key.encounter).await.expect("an answer");
    assert_eq!(of(raid.account).await, Some(row.report_id.clone()));
    assert_eq!(of(bo.id).await, None);
    assert!(store.discard(raid.account, row.key.encounter).await.expect("an answer"));
    assert_eq!(of(raid.account).await, None);
}
