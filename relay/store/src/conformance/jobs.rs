//! Jobs: written with what caused them, given to one at a time, there until they are done.

use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::id::EncounterId;

use super::{Harness, NOW_MS, account, id, one_fight};
use crate::{
    EncounterKey, EncounterRow, JOBS_MAX, JobKey, JobKind, Jobs, JobsWaiting, LeasedJob, Left, NewJob, Store,
    UploadHash, Uploads,
};

const LEASE_MS: i64 = 60_000;

fn job(row: &EncounterRow, number: u8) -> NewJob {
    NewJob {
        key: JobKey { kind: JobKind::Reading, account: row.key.account, name: [number; 16] },
        data: Bytes::from(vec![number; 2_000]),
        created_at_ms: NOW_MS,
        due_at_ms: NOW_MS + 1_000 * i64::from(number),
    }
}

fn leased(job: &NewJob, tries: u32) -> LeasedJob {
    LeasedJob { key: job.key, data: job.data.clone(), tries, created_at_ms: job.created_at_ms }
}

const HASH: UploadHash = [7; 16];

/// Whether it did not wait before.
async fn leave(store: &Arc<impl Uploads>, row: &EncounterRow, job: &NewJob) -> bool {
    let left = store.leave_upload(row.key, Some(HASH), 77, job.clone()).await.expect("an answer");
    let Left::Waits { remote_id: 77, is_new } = left else { panic!("{left:?}") };
    is_new
}

async fn lease(store: &Arc<impl Jobs>, now_ms: i64) -> Option<LeasedJob> {
    store.lease_job(JobKind::Reading, now_ms, now_ms + LEASE_MS).await.expect("an answer")
}

async fn waiting(store: &Arc<impl Jobs>) -> (u64, Option<i64>) {
    let JobsWaiting { count, due_at_ms } = store.jobs(JobKind::Reading).await.expect("an answer");
    (count, due_at_ms)
}

/// A job is given when it is due, the one that has been due for longest first, each to one.
pub async fn jobs_are_given_when_they_are_due_the_oldest_first(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    assert_eq!((lease(&store, i64::MAX - LEASE_MS).await, waiting(&store).await), (None, (0, None)));
    // Many, or a database that looks at all of them would not be seen to give more than one at once.
    let last_ms = NOW_MS + 90_000;
    for number in 1..=90_u32 {
        leave(&store, &row, &job(&row, (number * 47 % 91) as u8)).await;
    }
    assert_eq!(waiting(&store).await, (90, Some(NOW_MS + 1_000)));
    // Whoever lists them is given none.
    let (mut listed, mut after) = (Vec::new(), None);
    while let Some(job) = store.job_of(JobKind::Reading, row.key.account, after).await.expect("an answer") {
        after = Some(job.key.name);
        listed.push(job);
    }
    assert_eq!(listed, (1..=90).map(|number| leased(&job(&row, number), 0)).collect::<Vec<_>>());
    assert_eq!(lease(&store, NOW_MS + 999).await, None);
    for number in 1..=90 {
        assert_eq!(lease(&store, last_ms).await, Some(leased(&job(&row, number), 1)));
    }
    assert_eq!(lease(&store, last_ms).await, None, "all are given");
    assert_eq!(waiting(&store).await, (90, Some(last_ms + LEASE_MS)), "none is done");
}

/// Whoever died at a job, or put it off, keeps nobody from doing it later.
pub async fn a_job_comes_again_until_it_is_done(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    let job = job(&row, 1);
    leave(&store, &row, &job).await;
    let mut now_ms = NOW_MS + 1_000;
    for tries in 1..=3 {
        assert_eq!(lease(&store, now_ms).await, Some(leased(&job, tries)));
        assert_eq!(lease(&store, now_ms + LEASE_MS - 1).await, None);
        now_ms += LEASE_MS;
    }
    assert_eq!(lease(&store, now_ms).await, Some(leased(&job, 4)));
    store.put_off_job(job.key, now_ms + 500, 4, "it 'cannot' now\u{1f}").await.expect("an answer");
    assert_eq!((lease(&store, now_ms + 499).await, waiting(&store).await), (None, (1, Some(now_ms + 500))));
    assert_eq!(lease(&store, now_ms + 500).await, Some(leased(&job, 5)));
    // One that only had to wait is as new.
    store.put_off_job(job.key, now_ms, 0, "").await.expect("an answer");
    assert_eq!(lease(&store, now_ms).await, Some(leased(&job, 1)));
    store.finish_job(job.key).await.expect("an answer");
    assert_eq!((lease(&store, i64::MAX - LEASE_MS).await, waiting(&store).await), (None, (0, None)));
    // Of one that is done already it is no error.
    store.finish_job(job.key).await.expect("an answer");
    store.put_off_job(job.key, now_ms, 0, "").await.expect("an answer");
    assert_eq!(waiting(&store).await, (0, None));
}

/// Written again, a job stays as it was.
pub async fn a_job_of_one_name_is_there_once(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    let first = job(&row, 1);
    leave(&store, &row, &first).await;
    let later = NewJob { data: Bytes::from_static(b"another"), due_at_ms: NOW_MS, ..first.clone() };
    leave(&store, &row, &later).await;
    assert_eq!(waiting(&store).await, (1, Some(first.due_at_ms)));
    assert_eq!(lease(&store, first.due_at_ms).await, Some(leased(&first, 1)));
    // Another account's is another.
    let bo = account(&store, "bo").await;
    let theirs = NewJob { key: JobKey { account: bo.id, ..first.key }, ..first };
    leave(&store, &row, &theirs).await;
    assert_eq!(lease(&store, theirs.due_at_ms).await, Some(leased(&theirs, 1)));
}

/// A job and what caused it are one transaction.
pub async fn a_job_is_written_with_what_caused_it_or_not_at_all(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    let missing = EncounterKey { encounter: EncounterId(id(1)), ..row.key };
    assert_eq!(store.leave_upload(missing, Some(HASH), 77, job(&row, 1)).await.expect("an answer"), Left::NotHeld);
    assert!(store.leave_upload(row.key, Some(HASH), 0, job(&row, 1)).await.is_err(), "no remote id");
    assert_eq!(waiting(&store).await, (0, None));
    harness.set_writable(&store, false).await;
    let large = NewJob { data: vec![1; 3_000_000].into(), ..job(&row, 1) };
    assert!(store.leave_upload(row.key, Some(HASH), 77, large).await.is_err());
    harness.set_writable(&store, true).await;
    assert_eq!(waiting(&store).await, (0, None));
    assert_eq!(store.uploaded(row.key.account, &[HASH]).await.expect("an answer"), []);
    leave(&store, &row, &job(&row, 1)).await;
    assert_eq!(store.uploaded(row.key.account, &[HASH]).await.expect("an answer"), [(HASH, 77)]);
}

/// What was answered is still to be done after a crash.
pub async fn jobs_survive_a_crash(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    let jobs = [job(&row, 1), job(&row, 2)];
    for job in &jobs {
        leave(&store, &row, job).await;
    }
    assert_eq!(lease(&store, NOW_MS + 1_000).await, Some(leased(&jobs[0], 1)));
    drop(store);
    let store = harness.open().await;
    assert_eq!(lease(&store, NOW_MS + 2_000).await, Some(leased(&jobs[1], 1)));
    assert_eq!(lease(&store, NOW_MS + 1_000 + LEASE_MS).await, Some(leased(&jobs[0], 2)), "who had it is gone");
}

/// What one account leaves is bounded, and nobody else's.
pub async fn an_account_has_so_many_jobs_at_the_most(harness: &impl Harness<Store: Store>) {
    let (store, _, row) = one_fight(harness).await;
    let bo = account(&store, "bo").await;
    let of = |account, number: i64| {
        let mut job = job(&row, 1);
        (job.key.account, job.data) = (account, Bytes::from_static(b"small"));
        job.key.name[..8].copy_from_slice(&number.to_be_bytes());
        job
    };
    for number in 0..JOBS_MAX {
        leave(&store, &row, &of(row.key.account, number)).await;
    }
    let one_more = of(row.key.account, JOBS_MAX);
    let other = [8; 16];
    let left = store.leave_upload(row.key, Some(other), 77, one_more.clone()).await.expect("an answer");
    assert_eq!(left, Left::Full);
    assert_eq!(store.uploaded(row.key.account, &[other]).await.expect("an answer"), [], "nothing is written of it");
    // One that waits already does, and others' do.
    assert!(!leave(&store, &row, &of(row.key.account, 0)).await);
    assert!(leave(&store, &row, &of(bo.id, 0)).await);
    store.finish_job(of(row.key.account, 0).key).await.expect("an answer");
    leave(&store, &row, &one_more).await;
}
