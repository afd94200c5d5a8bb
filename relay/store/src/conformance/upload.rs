//! Uploads: kept at once or not at all, and by what names meters find them again.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{Either, join, join_all, select};
use futures::stream::{FuturesUnordered, StreamExt as _};
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState::{Final, Live, Provisional};
use raidcast_shared::uplink::Visibility::{Private, Public, Unlisted};

use super::{
    Harness, KEPT_MS, NOW_MS, account, append_all, encounter, entries, entry, id, kept, new_encounter, new_raid,
    one_fight, raid, stream,
};
use crate::{
    AccountId, EncounterKey, EncounterRow, Encounters, Journal, KeptReport, ListPart, NewUpload, Page, RaidRow, Raids,
    ReportLine, Reports, Store, StoreError, StoredJournal, UPLOAD_HASHES_MAX, UploadHash, UploadKept, Uploads,
};

fn hash(number: u128) -> UploadHash {
    (number << 64 | 0x000f_ac75).to_be_bytes()
}

/// The row that an encounter with this number has once it was uploaded, but for its number.
fn uploaded_row(raid: &RaidRow, number: u8) -> EncounterRow {
    let new = new_encounter(raid, number);
    EncounterRow {
        row: -1,
        key: new.key,
        report_id: new.report_id,
        raid_code: new.raid_code,
        visibility: raid.visibility,
        report_visibility: raid.report_visibility,
        names: raid.names,
        delay: raid.delay,
        tickets: raid.tickets,
        started_at_ms: new.started_at_ms,
        created_at_ms: new.created_at_ms,
        state: Final,
        kept_at_ms: Some(KEPT_MS),
        revision: 1,
        kept_stream: Some(stream(number).stream),
        verified: true,
    }
}

/// An upload of an encounter that is not there: its reading, remote id and hash have its number.
pub(super) fn new_upload(raid: &RaidRow, number: u8) -> NewUpload {
    let row = uploaded_row(raid, number);
    NewUpload {
        key: row.key,
        report_id: row.report_id.clone(),
        raid_code: row.raid_code.clone(),
        started_at_ms: row.started_at_ms,
        created_at_ms: row.created_at_ms,
        remote_id: 1_000 + i64::from(number),
        hash: Some(hash(number.into())),
        held: None,
        job: None,
        report: kept(&row, Final, 1, number),
    }
}

/// An upload that replaces what is held of an encounter, as the reading with that number.
fn upload_of(row: &EncounterRow, stream_number: u8) -> NewUpload {
    NewUpload {
        key: row.key,
        report_id: "another".into(),
        raid_code: "another".into(),
        started_at_ms: 1,
        created_at_ms: 1,
        remote_id: 2_000 + i64::from(stream_number),
        hash: Some(hash(2_000 + u128::from(stream_number))),
        held: Some(row.into()),
        job: None,
        report: KeptReport { encounter: -1, ..kept(row, Final, row.revision + 1, stream_number) },
    }
}

/// The encounter's row once this is kept.
fn replaced(row: &EncounterRow, upload: &NewUpload) -> EncounterRow {
    let KeptReport { revision, stream, ref line, .. } = upload.report;
    EncounterRow {
        state: Final,
        revision,
        kept_at_ms: Some(KEPT_MS),
        kept_stream: Some(stream),
        verified: line.verified,
        ..row.clone()
    }
}

async fn keep(store: &Arc<impl Store>, upload: &NewUpload) -> (EncounterRow, i64) {
    match store.keep_upload(upload).await.expect("an answer") {
        UploadKept::Kept { row, remote_id } => (row, remote_id),
        refused => panic!("{refused:?}"),
    }
}

async fn known(store: &Arc<impl Store>, account: AccountId, hashes: &[UploadHash]) -> Vec<(UploadHash, i64)> {
    let mut known = store.uploaded(account, hashes).await.expect("an answer");
    known.sort_unstable();
    known
}

/// The row that is held.
async fn now(store: &Arc<impl Store>, row: &EncounterRow) -> EncounterRow {
    store.encounter(row.key.account, row.key.encounter).await.expect("an answer").expect("the encounter")
}

/// All that an upload may change of an encounter.
#[derive(Debug, PartialEq)]
struct All {
    report: Option<(EncounterRow, Option<Bytes>)>,
    journal: StoredJournal,
    lines: Vec<ReportLine>,
    hashes: Vec<(UploadHash, i64)>,
    remote: Option<String>,
}

async fn all_of(store: &Arc<impl Store>, row: &EncounterRow, upload: &NewUpload) -> All {
    All {
        report: store.report(&row.report_id).await.expect("an answer"),
        journal: store.read_journal(row.row).await.expect("an answer"),
        lines: store.raid_reports(&row.raid_code).await.expect("an answer"),
        hashes: known(store, row.key.account, upload.hash.as_slice()).await,
        remote: store.report_of_remote(upload.remote_id).await.expect("an answer"),
    }
}

/// It is held as this report, with nothing open beside it.
async fn is_held(store: &Arc<impl Store>, row: &EncounterRow, report: &KeptReport) {
    let held = store.report(&row.report_id).await.expect("an answer").expect("the report");
    assert_eq!(held, (row.clone(), Some(report.record.clone())));
    assert_eq!(store.report_log(&row.report_id).await.expect("an answer"), report.log);
    let journal = StoredJournal { log: report.log.clone(), streams: Vec::new() };
    assert_eq!(store.read_journal(row.row).await.expect("an answer"), journal);
    assert_eq!(now(store, row).await, *row);
}

/// Row, record, log, and in all lists; and counted as a fight that came.
pub async fn a_new_upload_is_kept_whole(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for (number, visibility, listed) in [(1, Private, 0), (2, Unlisted, 0), (3, Public, 1)] {
        let raid = raid(&store, &ana, number, visibility).await;
        let upload = new_upload(&raid, number);
        let (row, remote_id) = keep(&store, &upload).await;
        assert_eq!(remote_id, upload.remote_id);
        assert_eq!(row, EncounterRow { row: row.row, ..uploaded_row(&raid, number) });
        is_held(&store, &row, &upload.report).await;
        assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), [upload.report.line]);
        let page = ListPart::Page(Page { page: 1, limit: 9 });
        assert_eq!(store.public_reports(page, NOW_MS).await.expect("an answer").total, Some(listed));
        assert_eq!(store.report_of(ana.id, row.key.encounter).await.expect("an answer"), Some(row.report_id));
        let since = async |ms| store.encounters_since(ana.id, ms, i64::MAX).await.expect("an answer").count;
        assert_eq!((since(0).await, since(upload.created_at_ms).await), (number.into(), 1));
        assert_eq!(since(upload.created_at_ms + 1).await, 0);
        // Its raid was active then.
        let now = store.raid_by_code(&raid.code).await.expect("an answer").expect("a raid");
        assert_eq!((raid.active_at_ms < KEPT_MS, now.active_at_ms), (true, KEPT_MS));
        assert_eq!(
            store.known_by(row.row).await.expect("an answer"),
            (Some(remote_id), upload.hash.into_iter().collect())
        );
    }
    assert!(store.live_encounters().await.expect("an answer").is_empty());
}

/// Nothing is kept of one that has none.
pub async fn an_upload_needs_a_raid_of_its_account(harness: &impl Harness<Store: Store>) {
    let (store, first, _) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let theirs = raid(&store, &bo, 2, Public).await;
    let unheld = new_upload(&new_raid(&bo, 3, Public), 2);
    let others = NewUpload { raid_code: first.code.clone(), ..new_upload(&theirs, 2) };
    for upload in [unheld, others] {
        let refused = store.keep_upload(&upload).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
        assert_eq!(store.encounter(bo.id, upload.key.encounter).await.expect("an answer"), None);
        assert_eq!(known(&store, bo.id, &[hash(2)]).await, []);
    }
    keep(&store, &new_upload(&theirs, 2)).await;
}

/// With a remote id that JavaScript keeps exact.
pub async fn only_a_final_report_with_its_log_is_an_upload(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let good = new_upload(&raid, 2);
    let with = |report: KeptReport| NewUpload { report, ..good.clone() };
    let mut bad = vec![
        with(KeptReport { state: Provisional, ..good.report.clone() }),
        with(KeptReport { log: None, ..good.report.clone() }),
    ];
    for remote_id in [i64::MIN, -1, 0, 1 << 53, i64::MAX] {
        bad.push(NewUpload { remote_id, ..good.clone() });
        let refused = store.know_upload(row.key, Some(hash(1)), remote_id).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    for upload in bad {
        let refused = store.keep_upload(&upload).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    assert_eq!(store.encounter(raid.account, good.key.encounter).await.expect("an answer"), None);
    assert_eq!(known(&store, raid.account, &[hash(1), hash(2)]).await, []);
    for (upload, remote_id) in [(good, 1), (new_upload(&raid, 3), (1 << 53) - 1)] {
        assert_eq!(keep(&store, &NewUpload { remote_id, ..upload }).await.1, remote_id);
    }
}

/// Whatever its state: nothing of it is changed, and neither hash nor remote id is taken.
pub async fn an_upload_that_expected_no_encounter_conflicts_with_one(harness: &impl Harness<Store: Store>) {
    let (store, raid, _) = one_fight(harness).await;
    for (number, state) in [(2, Live), (3, Provisional), (4, Final)] {
        let row = encounter(&store, &raid, number).await;
        append_all(&store, &row, number, 1..=5).await;
        if state != Live {
            store.keep_report(&kept(&row, state, 1, number)).await.expect("a report");
        }
        let upload = NewUpload { report: kept(&row, Final, 1, 99), ..new_upload(&raid, number) };
        let before = all_of(&store, &row, &upload).await;
        assert_eq!(store.keep_upload(&upload).await.expect("an answer"), UploadKept::Conflict);
        assert_eq!(all_of(&store, &row, &upload).await, before);
    }
}

/// Record, log and line, under the same id and in the same raid; its journal is gone, and no other's.
pub async fn an_upload_replaces_what_its_caller_saw(harness: &impl Harness<Store: Store>) {
    let (store, raid, other) = one_fight(harness).await;
    append_all(&store, &other, 1, 1..=5).await;
    for (number, state) in [(2, Live), (3, Provisional), (4, Final)] {
        let row = encounter(&store, &raid, number).await;
        append_all(&store, &row, number, 1..=5).await;
        if state != Live {
            store.keep_report(&kept(&row, state, 1, number)).await.expect("a report");
        }
        store.begin_stream(row.row, &stream(40 + number)).await.expect("a stream");
        append_all(&store, &row, 40 + number, 1..=3).await;
        let seen = now(&store, &row).await;
        let upload = upload_of(&seen, 80 + number);
        assert_eq!(keep(&store, &upload).await, (replaced(&row, &upload), upload.remote_id));
        is_held(&store, &replaced(&row, &upload), &upload.report).await;
        for late in [entry(&row, number, 6), entry(&row, 40 + number, 4)] {
            let late = store.append(late).await;
            assert!(matches!(late, Err(StoreError::Damaged(_))), "{late:?}");
        }
        assert_eq!(store.raid_reports(&raid.code).await.expect("an answer")[0], upload.report.line);
        assert_eq!(
            known(&store, raid.account, upload.hash.as_slice()).await,
            [(hash(2_080 + u128::from(number)), upload.remote_id)]
        );
    }
    assert_eq!(store.encounters_since(raid.account, 0, i64::MAX).await.expect("an answer").count, 4);
    let open = StoredJournal { log: None, streams: vec![(stream(1), entries(&other, 1, 5))] };
    assert_eq!(store.read_journal(other.row).await.expect("an answer"), open);
}

/// By its revision, its state, its reading, or altogether; nothing is changed.
pub async fn an_upload_conflicts_where_the_encounter_moved_on(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = encounter(&store, &raid, 2).await;
    append_all(&store, &row, 1, 1..=5).await;
    let unchanged = async |seen: &EncounterRow| {
        let upload = upload_of(seen, 80);
        let before = all_of(&store, &row, &upload).await;
        assert_eq!(store.keep_upload(&upload).await.expect("an answer"), UploadKept::Conflict);
        assert_eq!(all_of(&store, &row, &upload).await, before);
    };
    let mut seen = now(&store, &row).await;
    for next in [
        kept(&row, Provisional, 1, 1),
        kept(&row, Final, 1, 1),
        kept(&row, Final, 2, 1),
        kept(&row, Final, 2, 3),
        kept(&row, Provisional, 2, 3),
    ] {
        store.keep_report(&next).await.expect("a report");
        unchanged(&seen).await;
        seen = now(&store, &row).await;
    }
    store.reopen_report(row.row).await.expect("a live report");
    unchanged(&seen).await;
    // What was seen is another encounter's.
    seen = now(&store, &row).await;
    unchanged(&EncounterRow { row: other.row, ..seen.clone() }).await;
    assert!(store.discard(raid.account, row.key.encounter).await.expect("an answer"));
    unchanged(&seen).await;
    // Another one has come in its place, by the same key.
    encounter(&store, &raid, 1).await;
    unchanged(&seen).await;
    assert_eq!(now(&store, &row).await.kept_stream, None);
}

/// Whatever remote id it offers now: a new one or one that replaces.
pub async fn a_repeated_upload_is_kept_once(harness: &impl Harness<Store: Store>) {
    let (store, raid, held) = one_fight(harness).await;
    for first in [new_upload(&raid, 2), upload_of(&held, 80)] {
        let (row, remote_id) = keep(&store, &first).await;
        let again = NewUpload { remote_id: 7, hash: Some(hash(7)), ..first.clone() };
        for upload in [&first, &again, &first] {
            assert_eq!(keep(&store, upload).await, (row.clone(), remote_id));
            is_held(&store, &row, &first.report).await;
        }
        assert_eq!(known(&store, raid.account, &[hash(7)]).await, [(hash(7), remote_id)]);
        assert_eq!(store.report_of_remote(7).await.expect("an answer"), None);
        // What has begun beside it since stays.
        store.begin_stream(row.row, &stream(5)).await.expect("a stream");
        append_all(&store, &row, 5, 1..=3).await;
        assert_eq!(keep(&store, &first).await, (row.clone(), remote_id));
        let streams = store.read_journal(row.row).await.expect("an answer").streams;
        assert_eq!(streams, [(stream(5), entries(&row, 5, 3))]);
    }
    assert_eq!(store.encounters_since(raid.account, 0, i64::MAX).await.expect("an answer").count, 2);
}

/// New or in place of the same one. Of the same reading both may be told so.
pub async fn of_two_uploads_at_once_one_is_kept(harness: &impl Harness<Store: Store>) {
    let (store, raid, _) = one_fight(harness).await;
    for number in 2..12 {
        let new = new_upload(&raid, number);
        let other = NewUpload {
            report: KeptReport { encounter: -1, ..kept(&uploaded_row(&raid, number), Final, 3, 50) },
            report_id: format!("other-{number}"),
            remote_id: 3_000 + i64::from(number),
            ..new.clone()
        };
        let row = one_of(&store, &new, &other).await;
        one_of(&store, &upload_of(&row, 80), &upload_of(&row, 81)).await;
        let same = new_upload(&raid, 100 + number);
        let (one, two) = join(store.keep_upload(&same), store.keep_upload(&same)).await;
        let (row, remote_id) = keep(&store, &same).await;
        is_held(&store, &row, &same.report).await;
        let kept = UploadKept::Kept { row, remote_id };
        let both = [one.expect("an answer"), two.expect("an answer")];
        // The one that came between the other's beginning and its end has to look again.
        assert!(both.contains(&kept), "{both:?}");
        assert!(both.iter().all(|answer| *answer == kept || *answer == UploadKept::Conflict), "{both:?}");
    }
}

/// Two uploads at once: one is kept, whole, and the other is refused.
async fn one_of(store: &Arc<impl Store>, one: &NewUpload, other: &NewUpload) -> EncounterRow {
    let (first, second) = join(store.keep_upload(one), store.keep_upload(other)).await;
    let (upload, row, remote_id) = match (first.expect("an answer"), second.expect("an answer")) {
        (UploadKept::Kept { row, remote_id }, UploadKept::Conflict) => (one, row, remote_id),
        (UploadKept::Conflict, UploadKept::Kept { row, remote_id }) => (other, row, remote_id),
        both => panic!("{both:?}"),
    };
    assert_eq!(store.know_upload(row.key, None, 9).await.expect("an answer"), Some(remote_id));
    assert_eq!(store.report_of_remote(remote_id).await.expect("an answer").as_ref(), Some(&row.report_id));
    is_held(store, &row, &upload.report).await;
    row
}

/// Whichever comes first: an upload that comes second is refused, and a stream that does finds a final report.
pub async fn an_upload_and_a_stream_may_begin_one_fight_at_once(harness: &impl Harness<Store: Store>) {
    let (store, raid, _) = one_fight(harness).await;
    for number in 2..22 {
        let upload = NewUpload { report_id: format!("uploaded-{number}"), ..new_upload(&raid, number) };
        let new = new_encounter(&raid, number);
        let (kept, begun) = join(store.keep_upload(&upload), store.begin_encounter(&new)).await;
        let begun = begun.expect("an encounter");
        match kept.expect("an answer") {
            UploadKept::Kept { row, .. } => {
                assert_eq!(row, begun);
                is_held(&store, &row, &upload.report).await;
            }
            UploadKept::Gone => panic!("it waited for nobody"),
            UploadKept::Conflict => {
                assert_eq!(begun.state, Live);
                let streams = store.read_journal(begun.row).await.expect("an answer").streams;
                assert_eq!(streams, [(new.stream, Vec::new())]);
            }
        }
    }
}

/// Whatever is done at once to its encounter, to its raid and to those of the same hash: nobody is in another's way.
pub async fn uploads_and_all_else_come_to_an_end(harness: &impl Harness<Store: Store>) {
    let (store, first, mut before) = one_fight(harness).await;
    let ana = account(&store, "ana").await;
    let second = raid(&store, &ana, 2, Public).await;
    for number in 2..14 {
        let row = encounter(&store, &first, number).await;
        append_all(&store, &row, number, 1..=3).await;
        let upload = upload_of(&row, 80);
        let new = NewUpload { hash: upload.hash, ..new_upload(&first, 100 + number) };
        let report = kept(&row, Final, 1, number);
        let (late, beside) = (entry(&row, number, 4), stream(40));
        let (replaced, added, known, report, moved, changed, late, beside, gone) = tokio::join!(
            store.keep_upload(&upload),
            store.keep_upload(&new),
            store.know_upload(row.key, upload.hash, 5_000 + i64::from(number)),
            store.keep_report(&report),
            store.move_encounter(row.row, &second.code),
            store.update_raid(&first, None),
            store.append(late),
            store.begin_stream(row.row, &beside),
            store.discard(ana.id, before.key.encounter),
        );
        replaced.expect("an answer");
        assert!(matches!(added.expect("an answer"), UploadKept::Kept { .. }));
        assert!(known.expect("an answer").is_some() && gone.expect("an answer"));
        for done in [report, moved, changed, beside] {
            done.expect("an answer");
        }
        assert!(matches!(late, Ok(()) | Err(StoreError::Damaged(_))), "{late:?}");
        let held = now(&store, &row).await;
        assert_eq!((held.state, held.raid_code.as_str()), (Final, second.code.as_str()));
        before = row;
    }
}

/// However many are asked for; nobody else's, and none that was not told.
pub async fn hashes_are_known_to_their_account_alone(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let theirs = super::raid(&store, &bo, 2, Unlisted).await;
    let all: Vec<_> = (0..1_500).map(hash).chain((0..9).map(hash)).collect();
    assert_eq!(known(&store, raid.account, &all).await, []);
    let mut expected = Vec::new();
    for number in 2..30 {
        let upload = new_upload(&raid, number);
        keep(&store, &upload).await;
        expected.push((hash(number.into()), upload.remote_id));
    }
    // One without, and one more of each that is known already.
    keep(&store, &NewUpload { hash: None, ..new_upload(&raid, 30) }).await;
    assert_eq!(store.know_upload(row.key, Some(hash(1_000)), 500).await.expect("an answer"), Some(500));
    assert_eq!(store.know_upload(row.key, Some(hash(1_001)), 501).await.expect("an answer"), Some(500));
    expected.extend([(hash(1_000), 500), (hash(1_001), 500)]);
    assert_eq!(known(&store, raid.account, &all).await, expected);
    assert_eq!(known(&store, bo.id, &all).await, []);
    assert_eq!(known(&store, raid.account, &[]).await, []);
    // The same fight of two raiders: the same hash, and each has his own report.
    let (_, remote_id) =
        keep(&store, &NewUpload { remote_id: 600, hash: Some(hash(2)), ..new_upload(&theirs, 2) }).await;
    assert_eq!(known(&store, bo.id, &all).await, [(hash(2), remote_id)]);
    assert_eq!(known(&store, raid.account, &all).await, expected);
}

/// Whoever sends one fight under ever new hashes makes the database no larger.
pub async fn of_an_encounter_a_few_hashes_are_remembered(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let other = new_upload(&raid, 2);
    keep(&store, &other).await;
    let most = u128::from(UPLOAD_HASHES_MAX.unsigned_abs());
    let all: Vec<_> = (1_000..1_000 + most + 5).map(hash).collect();
    for hash in all.iter().chain(&all) {
        assert_eq!(store.know_upload(row.key, Some(*hash), 500).await.expect("an answer"), Some(500));
    }
    let found = known(&store, raid.account, &all).await;
    assert_eq!(found, all[..most as usize].iter().map(|hash| (*hash, 500)).collect::<Vec<_>>());
    assert_eq!(known(&store, raid.account, &[hash(2)]).await, [(hash(2), other.remote_id)], "another has its own");
}

/// Only an encounter of the account that is held: of others nothing is written down.
pub async fn an_encounter_that_is_not_held_is_not_known(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let missing = EncounterKey { encounter: EncounterId(id(1)), ..row.key };
    for key in [EncounterKey { account: bo.id, ..row.key }, missing] {
        assert_eq!(store.know_upload(key, Some(hash(1)), 500).await.expect("an answer"), None);
    }
    assert_eq!(known(&store, bo.id, &[hash(1)]).await, []);
    assert_eq!(known(&store, raid.account, &[hash(1)]).await, []);
    assert_eq!(store.report_of_remote(500).await.expect("an answer"), None);
}

/// Where what names an encounter is made otherwise than it was; the encounter before stays.
pub async fn a_hash_of_several_encounters_is_the_last_ones(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let (first, _) = keep(&store, &new_upload(&raid, 2)).await;
    let second = NewUpload { hash: Some(hash(2)), ..new_upload(&raid, 3) };
    keep(&store, &second).await;
    assert_eq!(known(&store, raid.account, &[hash(2)]).await, [(hash(2), second.remote_id)]);
    assert_eq!(store.know_upload(row.key, Some(hash(2)), 500).await.expect("an answer"), Some(500));
    assert_eq!(known(&store, raid.account, &[hash(2)]).await, [(hash(2), 500)]);
    // It goes with that one, and not with those before.
    assert!(store.discard(raid.account, first.key.encounter).await.expect("an answer"));
    assert_eq!(known(&store, raid.account, &[hash(2)]).await, [(hash(2), 500)]);
    assert!(store.discard(raid.account, row.key.encounter).await.expect("an answer"));
    assert_eq!(known(&store, raid.account, &[hash(2)]).await, []);
}

/// Over all accounts; an upload with one that is another encounter's, or with another's report id, changes nothing. An
/// encounter keeps those that it has.
pub async fn ids_are_given_once_and_stay(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let theirs = super::raid(&store, &bo, 2, Unlisted).await;
    let first = new_upload(&theirs, 2);
    let (held, remote_id) = keep(&store, &first).await;
    let of = async |remote_id| store.report_of_remote(remote_id).await.expect("an answer");
    assert_eq!(of(remote_id).await, Some(held.report_id.clone()));
    assert_eq!(of(remote_id + 1).await, None);

    let new = NewUpload { remote_id, ..new_upload(&raid, 3) };
    let replaces = NewUpload { remote_id, ..upload_of(&row, 80) };
    let taken = NewUpload { report_id: held.report_id.clone(), ..new_upload(&raid, 3) };
    for upload in [&new, &replaces, &taken] {
        let before = all_of(&store, &row, upload).await;
        assert_eq!(store.keep_upload(upload).await.expect("an answer"), UploadKept::Conflict);
        assert_eq!(all_of(&store, &row, upload).await, before);
    }
    assert_eq!(store.encounter(raid.account, new.key.encounter).await.expect("an answer"), None);
    assert_eq!(store.know_upload(row.key, Some(hash(3)), remote_id).await.expect("an answer"), None);
    assert_eq!(known(&store, raid.account, &[hash(3)]).await, []);

    // One that has its own may be offered any.
    let again = NewUpload { remote_id: first.remote_id + 9, ..upload_of(&held, 80) };
    assert_eq!(keep(&store, &again).await, (replaced(&held, &again), remote_id));
    let (other, others) = keep(&store, &new_upload(&raid, 3)).await;
    assert_eq!(store.know_upload(held.key, None, others).await.expect("an answer"), Some(remote_id));
    assert_eq!((of(remote_id).await, of(others).await), (Some(held.report_id), Some(other.report_id)));
    assert_eq!(of(again.remote_id).await, None);
    // A report that is thrown away leaves no way to it.
    assert!(store.discard(raid.account, other.key.encounter).await.expect("an answer"));
    assert_eq!(of(others).await, None);
    assert_eq!(keep(&store, &NewUpload { remote_id: others, ..upload_of(&row, 80) }).await.1, others);
}

/// Of those that are offered one at once, one encounter gets it.
pub async fn a_remote_id_is_given_once_at_once(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    for number in 2..12 {
        let remote_id = 7_000 + i64::from(number);
        let one = NewUpload { remote_id, ..new_upload(&raid, number) };
        let two = NewUpload { remote_id, ..new_upload(&raid, 100 + number) };
        let (one, two) = join(store.keep_upload(&one), store.keep_upload(&two)).await;
        let both = [one.expect("an answer"), two.expect("an answer")];
        let refused = both.iter().filter(|kept| **kept == UploadKept::Conflict).count();
        assert_eq!(refused, 1, "{both:?}");
    }
    let lines = store.raid_reports(&raid.code).await.expect("an answer");
    assert_eq!(lines.iter().filter(|line| line.report_id != row.report_id).count(), 10);
}

/// With logs as large as a long fight's.
pub async fn uploads_survive_a_crash(harness: &impl Harness<Store: Store>) {
    let (store, raid, live) = one_fight(harness).await;
    append_all(&store, &live, 1, 1..=5).await;
    let mut uploads = [new_upload(&raid, 2), upload_of(&live, 80)];
    let mut held = Vec::new();
    for upload in &mut uploads {
        upload.report.log = Some(large_log(3_000_000));
        held.push(keep(&store, upload).await);
    }
    drop(store);
    let store = harness.open().await;
    for (upload, (row, remote_id)) in uploads.iter().zip(held) {
        is_held(&store, &row, &upload.report).await;
        let hash = upload.hash.expect("a hash");
        assert_eq!(known(&store, raid.account, &[hash]).await, [(hash, remote_id)]);
        assert_eq!(store.report_of_remote(remote_id).await.expect("an answer").as_ref(), Some(&row.report_id));
        assert_eq!(keep(&store, upload).await, (row, remote_id));
    }
}

fn large_log(bytes: u32) -> Bytes {
    (0..bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into()
}

/// Nothing of it is kept until there is room.
pub async fn an_upload_that_found_no_room_is_kept_later(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    append_all(&store, &row, 1, 1..=5).await;
    for mut upload in [new_upload(&raid, 2), upload_of(&row, 80)] {
        upload.report.log = Some(large_log(300_000));
        let before = all_of(&store, &row, &upload).await;
        harness.set_writable(&store, false).await;
        let refused = store.keep_upload(&upload).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        harness.set_writable(&store, true).await;
        assert_eq!(all_of(&store, &row, &upload).await, before);
        let (row, _) = keep(&store, &upload).await;
        is_held(&store, &row, &upload.report).await;
    }
}

/// More than may wait, by number and by bytes: entries that come meanwhile are answered before the last of them.
pub async fn many_uploads_delay_no_append_and_lose_nothing(harness: &impl Harness<Store: Store>) {
    let (store, raid, row) = one_fight(harness).await;
    let uploads: Vec<_> = (2..42)
        .map(|number| {
            let mut upload = new_upload(&raid, number);
            upload.report.log = Some(large_log(300_000));
            upload
        })
        .collect();
    let is_kept = |answer| match answer {
        Ok(UploadKept::Kept { .. }) => {}
        refused => panic!("{refused:?}"),
    };
    let mut waiting: FuturesUnordered<_> = uploads.iter().map(|upload| store.keep_upload(upload)).collect();
    is_kept(waiting.next().await.expect("an upload"));
    let mut appended = join_all((1..=60).map(|seq| store.append(entry(&row, 1, seq))));
    let answers = loop {
        match select(appended, waiting.next()).await {
            Either::Left((answers, _)) => break answers,
            Either::Right((answer, rest)) => {
                is_kept(answer.expect("an upload"));
                appended = rest;
            }
        }
    };
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    // Those that were answered before the entries were.
    while let Some(Some(answer)) = waiting.next().now_or_never() {
        is_kept(answer);
    }
    assert!(!waiting.is_empty(), "the entries waited for all uploads");
    while let Some(answer) = waiting.next().await {
        is_kept(answer);
    }
    for upload in &uploads {
        let held = store.report_log(&upload.report_id).await.expect("an answer");
        assert!(held == upload.report.log, "the log of {}", upload.report_id);
    }
    let open = StoredJournal { log: None, streams: vec![(stream(1), entries(&row, 1, 60))] };
    assert_eq!(store.read_journal(row.row).await.expect("an answer"), open);
}
