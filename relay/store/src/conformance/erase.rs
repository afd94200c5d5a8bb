//! What is erased is nowhere, and nothing else is touched.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::{ReportState, Visibility};

use super::{Harness, NOW_MS, account, append_all, encounter, kept, one_fight, raid};
use crate::transfer::{Row, Table, Transfer};
use crate::{
    AccountId, Accounts, Audited, Audits, Derived, DerivedPlayer, DerivedRows, EncounterKey, EncounterRow, Encounters,
    Erasing, Erasure, HeldReport, Invitation, JobKey, JobKind, Jobs, Joining, Journal, Keys, Leaving, Left, NewJob,
    NewKey, NewPerson, NewSession, NewUpload, Note, People, PersonId, Players, RaidLine, RaidRow, Raids, Role, Search,
    SessionEnds, Sessions, Store, StoredStream, Subject, UploadKept, Uploads, Usage, Use,
};

fn note(what: Audited) -> Note {
    Note { by: None, key: None, what, about: Some(3), at_ms: NOW_MS }
}

/// All rows but notes, which say what was done.
async fn all(store: &Arc<impl Transfer>) -> Vec<Row> {
    let mut export = store.export().await.expect("a state");
    let mut all = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Audit) {
        all.extend(export.rows(table).try_collect::<Vec<_>>().await.expect("rows"));
    }
    all
}

fn player(number: i64, id: ActorId) -> DerivedPlayer {
    DerivedPlayer {
        number,
        actor_id: id.to_hex(),
        name: Some(format!("player {number}")),
        class_id: None,
        class_spec: None,
        ability_score: None,
        level: None,
        is_local: false,
        damage_dealt: 1,
        boss_damage_dealt: None,
        heal_dealt: 0,
        damage_taken: None,
        hits_dealt: 1,
        hits_heal: 0,
        crit_hits_dealt: None,
        lucky_hits_dealt: None,
        deaths: None,
    }
}

/// Keeps its final report, and derives it.
async fn derive(store: &Arc<impl Store>, row: &EncounterRow, stream: u8, players: &[ActorId]) {
    store.keep_report(&kept(row, ReportState::Final, 1, stream)).await.expect("a report");
    let job = store.lease_job(JobKind::Derive, NOW_MS, NOW_MS + 1).await.expect("an answer").expect("a job");
    let seen = HeldReport::from(&store.report(&row.report_id).await.expect("an answer").expect("it").0);
    let players = players.iter().zip(0..).map(|(id, number)| player(number, *id)).collect();
    let rows = Derived { players, ..Derived::default() };
    assert!(store.keep_derived(seen, &rows, job.key).await.expect("an answer").is_some());
}

/// A job that looks at a reading of a fight.
async fn leave(store: &Arc<impl Store>, key: EncounterKey, number: u8) {
    let job = NewJob {
        key: JobKey { kind: JobKind::Reading, account: key.account, name: [number; 16] },
        data: Bytes::from_static(b"a reading"),
        created_at_ms: NOW_MS,
        due_at_ms: NOW_MS,
    };
    let left = store.leave_upload(key, Some([number; 16]), i64::from(number) + 1, job).await.expect("an answer");
    assert!(matches!(left, Left::Waits { .. }), "{left:?}");
}

/// With its journal, log, report, derived rows, hashes, jobs and numbers of players; another fight stays as it is.
pub async fn an_erased_encounter_leaves_all_others_as_they_were(harness: &impl Harness<Store: Transfer>) {
    let (store, raid, first) = one_fight(harness).await;
    let ids: Vec<_> = (1..=3).map(|id| ActorId([id; 16])).collect();
    derive(&store, &first, 1, &ids[..2]).await;
    leave(&store, first.key, 1).await;
    assert_eq!(store.number_players(&raid.code, &ids[..2]).await.expect("an answer").len(), 2);
    let (before, changes) = (all(&store).await, store.search_changes().await.expect("an answer"));
    let second = encounter(&store, &raid, 2).await;
    append_all(&store, &second, 2, 1..=5).await;
    derive(&store, &second, 2, &ids[1..]).await;
    leave(&store, second.key, 2).await;
    let again = StoredStream { stream: super::stream(9).stream, ..super::stream(9) };
    store.begin_stream(second.row, &again).await.expect("a stream");
    assert_eq!(store.number_players(&raid.code, &ids).await.expect("an answer").len(), 3);

    let erased = store.erase_encounter(second.key, Some(note(Audited::FightDeleted))).await;
    assert!(erased.expect("an answer"));
    assert_eq!(all(&store).await, before);
    assert_eq!(store.derived(second.row).await.expect("an answer"), Derived::default());
    assert_ne!(store.search_changes().await.expect("an answer"), changes);
    let noted = store.audit(None, 9).await.expect("an answer");
    assert_eq!(noted.iter().map(|row| row.note).collect::<Vec<_>>(), [note(Audited::FightDeleted)]);
    assert!(!store.erase_encounter(second.key, Some(note(Audited::FightDeleted))).await.expect("an answer"));
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1, "nothing was done");
    while !store.give_back().await.expect("an answer").is_done {}
    assert_eq!(all(&store).await, before);
    // What is not derived may be anybody's: numbers stay then.
    let third = encounter(&store, &raid, 3).await;
    let fourth = encounter(&store, &raid, 4).await;
    assert_eq!(store.number_players(&raid.code, &ids).await.expect("an answer").len(), 3);
    assert!(store.erase_encounter(fourth.key, None).await.expect("an answer"));
    assert_eq!(store.raid_players(&raid.code).await.expect("an answer").len(), 3);
    // Of the last that is not derived they are those that no other has.
    assert!(store.erase_encounter(third.key, None).await.expect("an answer"));
    assert_eq!(all(&store).await, before);
}

/// A reading that somebody had begun to look at when its fight was erased makes no new one; one that is not erased does.
pub async fn what_waited_brings_nothing_back(harness: &impl Harness<Store: Transfer>) {
    let (store, raid, _) = one_fight(harness).await;
    for is_erased in [true, false] {
        let row = encounter(&store, &raid, 2).await;
        leave(&store, row.key, 2).await;
        let job = store.lease_job(JobKind::Reading, NOW_MS, NOW_MS + 1).await.expect("an answer").expect("a job").key;
        if is_erased {
            assert!(store.erase_encounter(row.key, None).await.expect("an answer"));
        } else {
            assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"), "it was there");
        }
        let before = all(&store).await;
        let upload = NewUpload { job: Some(job), ..super::upload::new_upload(&raid, 2) };
        let kept = store.keep_upload(&upload).await.expect("an answer");
        if is_erased {
            assert_eq!((kept, all(&store).await), (UploadKept::Gone, before));
        } else {
            assert!(matches!(kept, UploadKept::Kept { .. }), "{kept:?}");
        }
    }
}

/// With what is left of its fights, and with the job that says so.
pub async fn an_erased_raid_leaves_all_others_as_they_were(harness: &impl Harness<Store: Transfer>) {
    let (store, first, _) = one_fight(harness).await;
    let ana = store.account("ana", "-").await.expect("an account");
    let before = all(&store).await;
    let second = raid(&store, &ana, 2, Visibility::Public).await;
    let row = encounter(&store, &second, 2).await;
    derive(&store, &row, 2, &[ActorId([1; 16])]).await;
    store.number_players(&second.code, &[ActorId([1; 16])]).await.expect("an answer");
    store.renew_tickets(&second.code).await.expect("an answer");
    let job = Erasure::Raid(second.code.clone()).job(ana.id, NOW_MS, NOW_MS);
    assert!(store.begin_erasing(&job, note(Audited::RaidDeleted), None).await.expect("an answer"));
    assert!(!store.begin_erasing(&job, note(Audited::RaidDeleted), None).await.expect("an answer"), "it is noted once");
    // Nobody is told that it stays, nor does it go by its age, too.
    assert!(!store.pin_raid(&second.code, true, note(Audited::RaidPinned)).await.expect("an answer"));
    let old = store.raids_older(i64::MAX, 9).await.expect("an answer");
    assert_eq!(old, [(first.account, first.code.clone())]);
    let leased = store.lease_job(JobKind::Erase, NOW_MS, NOW_MS + 1).await.expect("an answer").expect("a job");
    assert_eq!(Erasure::of(&leased.data), Some(Erasure::Raid(second.code.clone())));
    assert!(store.erase_raid(&second.code).await.expect("an answer"));
    assert!(!store.erase_raid(&second.code).await.expect("an answer"));
    assert_eq!(store.jobs(JobKind::Erase).await.expect("an answer").count, 0);
    let mut now = all(&store).await;
    // The channel's tickets were renewed with the raid's, and stay so.
    for row in &mut now {
        if let Row::Account(account) = row {
            account.tickets = 0;
        }
    }
    assert_eq!(now, before);
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1);
    assert_eq!(store.raid_by_code(&first.code).await.expect("an answer").map(|raid| raid.code), Some(first.code));
}

async fn join(store: &Arc<impl Store>, name: &str) -> PersonId {
    let new = NewPerson {
        name: name.into(),
        name_key: name.into(),
        subject: Subject { provider: String::new(), subject: name.into() },
        secret: Some("a slow digest".into()),
        channel: format!("channel-of-person-{name}"),
        invitation: None,
        now_ms: NOW_MS,
    };
    let joining = store.join(&new).await.expect("an answer");
    let Joining::Joined(person) = joining else { panic!("{joining:?}") };
    person.id
}

fn leaving(person: PersonId) -> NewJob {
    Erasure::Person(person).job(AccountId(0), NOW_MS, NOW_MS)
}

/// First what lets him in, then all that is his; nobody else's.
pub async fn somebody_who_leaves_takes_all_that_is_his(harness: &impl Harness<Store: Transfer>) {
    let (store, _, _) = one_fight(harness).await;
    let bo = join(&store, "bo").await;
    let before = all(&store).await;
    let ana = join(&store, "ana").await;
    let own = store.accounts_of(ana).await.expect("an answer").remove(0);
    let configured = account(&store, "of a key").await;
    assert!(store.claim(configured.id, ana, NOW_MS).await.expect("an answer"));
    for (number, account) in [(2, &own), (3, &configured)] {
        let raid: RaidRow = raid(&store, account, number, Visibility::Public).await;
        encounter(&store, &raid, number).await;
        store
            .keep_used(&[Use { account: account.id, what: "fights".into(), since_ms: 1, used: 2 }])
            .await
            .expect("it is kept");
    }
    let (digest, ends) = ([7; 32], SessionEnds { used_before_ms: 0, created_before_ms: 0 });
    let session = NewSession { digest, person: ana, agent: String::new(), now_ms: NOW_MS };
    store.begin_session(&session).await.expect("a session");
    let key = NewKey {
        account: own.id,
        digest,
        name: "meter".into(),
        scopes: 1,
        visibility: Visibility::Public,
        uploads_per_day: None,
        ends_at_ms: None,
        by: None,
        now_ms: NOW_MS,
    };
    assert!(store.add_key(&key).await.expect("an answer").is_some());
    let invitation = Invitation {
        digest,
        role: Role::Member,
        note: String::new(),
        made_by: Some(ana),
        created_at_ms: NOW_MS,
        ends_at_ms: NOW_MS + 1,
        left: 1,
    };
    store.invite(&invitation).await.expect("an invitation");

    let gone = note(Audited::PersonLeft);
    let used_late = || Use { account: own.id, what: "fights".into(), since_ms: 1, used: 3 };
    for _ in 0..2 {
        assert_eq!(store.begin_leaving(ana, &leaving(ana), gone).await.expect("an answer"), Leaving::Begun);
    }
    let noted = store.audit(None, 9).await.expect("an answer").into_iter().map(|row| row.note);
    assert_eq!(noted.filter(|noted| *noted == gone).count(), 1, "once");
    // Nothing begins there any more, and what names his accounts names others.
    let late = super::new_raid(&configured, 5, Visibility::Public);
    assert!(store.insert_raid(&late).await.is_err());
    assert_eq!(store.raid_by_code(&late.code).await.expect("an answer"), None);
    let fresh = store.account("of a key", "another channel").await.expect("an account");
    assert!(fresh.id.0 > configured.id.0);
    assert!(!store.claim(fresh.id, ana, NOW_MS).await.expect("an answer"), "he takes nothing over any more");
    assert_eq!(store.session(&digest, ends).await.expect("an answer"), None);
    assert_eq!(store.keys(NOW_MS).await.expect("an answer"), []);
    assert_eq!(store.subjects(ana).await.expect("an answer"), []);
    assert_eq!(store.invitations(NOW_MS).await.expect("an answer"), []);
    assert_eq!(store.jobs(JobKind::Erase).await.expect("an answer").count, 1);
    assert!(store.erase_person(ana).await.expect("an answer"));
    assert!(!store.erase_person(ana).await.expect("an answer"));
    // What is written down of limits a moment later is nobody's.
    store.keep_used(&[used_late()]).await.expect("an answer");
    let of_fresh = |row: &Row| matches!(row, Row::Account(account) if account.row == fresh.id.0);
    let left = async |store: &_| all(store).await.into_iter().filter(|row| !of_fresh(row)).collect::<Vec<_>>();
    assert_eq!(left(&store).await, before);
    assert_eq!(store.begin_leaving(ana, &leaving(ana), gone).await.expect("an answer"), Leaving::NotThere);
    assert_eq!(left(&store).await, before);
    let people = store.people(None, 9).await.expect("an answer");
    assert_eq!(people.iter().map(|person| person.id).collect::<Vec<_>>(), [bo]);
    assert_eq!(store.people(Some(bo), 9).await.expect("an answer"), []);
}

/// Nobody is given the number of an account that is gone: what is still said of that is not said of him.
pub async fn numbers_of_accounts_are_not_given_again(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let ana = join(&store, "ana").await;
    let hers = store.accounts_of(ana).await.expect("an answer").remove(0).id;
    store.begin_leaving(ana, &leaving(ana), note(Audited::PersonLeft)).await.expect("an answer");
    assert!(store.erase_person(ana).await.expect("an answer"));
    let of_key = store.account("of a key", "-").await.expect("an account").id;
    let bo = join(&store, "bo").await;
    let his = store.accounts_of(bo).await.expect("an answer").remove(0).id;
    assert!(hers.0 < of_key.0 && of_key.0 < his.0, "{hers:?} {of_key:?} {his:?}");
    store.begin_leaving(bo, &leaving(bo), note(Audited::PersonLeft)).await.expect("an answer");
    assert!(store.erase_person(bo).await.expect("an answer"));
    drop(store);
    let store = harness.open().await;
    assert!(store.account("of another", "--").await.expect("an account").id.0 > his.0, "nor after a restart");
}

/// Whoever wants it, and of two at one moment one.
pub async fn the_last_administrator_stays(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let mut administrators = Vec::new();
    for (number, name) in [(1, "ana"), (2, "bo")] {
        let invitation = Invitation {
            digest: [number; 32],
            role: Role::Administrator,
            note: String::new(),
            made_by: None,
            created_at_ms: NOW_MS,
            ends_at_ms: NOW_MS + 1,
            left: 1,
        };
        store.invite(&invitation).await.expect("an invitation");
        let new = NewPerson {
            name: name.into(),
            name_key: name.into(),
            subject: Subject { provider: String::new(), subject: name.into() },
            secret: None,
            channel: name.into(),
            invitation: Some([number; 32]),
            now_ms: NOW_MS,
        };
        let Joining::Joined(person) = store.join(&new).await.expect("an answer") else { panic!("{name}") };
        administrators.push(person.id);
    }
    let jobs: Vec<_> = administrators.iter().map(|person| leaving(*person)).collect();
    let gone = note(Audited::PersonRemoved);
    let (first, second) = futures::join!(
        store.begin_leaving(administrators[0], &jobs[0], gone),
        store.begin_leaving(administrators[1], &jobs[1], gone),
    );
    let mut said = [first.expect("an answer"), second.expect("an answer")];
    said.sort_by_key(|said| *said == Leaving::LastAdministrator);
    assert_eq!(said, [Leaving::Begun, Leaving::LastAdministrator]);
    assert!(store.has_role(Role::Administrator).await.expect("an answer"));
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1);
}

/// By when they were made for their owner; the oldest first of those that may go.
pub async fn raids_are_listed_for_their_owner_and_by_age(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    for number in 1..=4 {
        let mut new = super::new_raid(&ana, number, Visibility::Unlisted);
        (new.created_at_ms, new.active_at_ms) = (NOW_MS + i64::from(number), NOW_MS + i64::from(number));
        new.report_visibility = (number == 2).then_some(Visibility::Private);
        new.delay.ms = if number == 3 { 60_000 } else { 0 };
        store.insert_raid(&new).await.expect("a raid");
    }
    let theirs = raid(&store, &bo, 9, Visibility::Public).await;
    encounter(&store, &theirs, 1).await;
    let codes = |lines: Vec<RaidLine>| lines.into_iter().map(|line| line.code).collect::<Vec<_>>();
    let named = |raids: Vec<(AccountId, String)>| raids.into_iter().map(|(_, code)| code).collect::<Vec<_>>();
    let first = store.raids_of(ana.id, None, 3).await.expect("an answer");
    let last = first.last().expect("a raid").row;
    let reports: Vec<_> = first.iter().map(|line| line.report_visibility).collect();
    assert_eq!(reports, [None, None, Some(Visibility::Private)]);
    assert_eq!(first.iter().map(|line| line.delay_ms).collect::<Vec<_>>(), [0, 60_000, 0]);
    assert_eq!(codes(first), ["raid-4", "raid-3", "raid-2"]);
    assert_eq!(codes(store.raids_of(ana.id, Some(last), 3).await.expect("an answer")), ["raid-1"]);
    assert_eq!(store.raids_of(bo.id, None, 3).await.expect("an answer")[0].fights, 1);

    let pinned = note(Audited::RaidPinned);
    assert!(store.pin_raid("raid-1", true, pinned).await.expect("an answer"));
    assert!(store.pin_raid("raid-1", true, pinned).await.expect("an answer"), "it is so already: nothing is noted");
    assert!(!store.pin_raid("nowhere", true, pinned).await.expect("an answer"));
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1);
    let older = |before_ms| store.raids_older(before_ms, 2);
    assert_eq!(named(older(NOW_MS + 3).await.expect("an answer")), ["raid-9", "raid-2"]);
    assert_eq!(named(older(NOW_MS).await.expect("an answer")), [""; 0]);
    // One that was pinned, or active, since it was found does not go.
    for (code, may_go) in [("raid-1", false), ("raid-4", false), ("raid-2", true)] {
        let job = Erasure::Raid(code.into()).job(ana.id, NOW_MS, NOW_MS);
        let begun = store.begin_erasing(&job, note(Audited::RaidExpired), Some(NOW_MS + 3)).await;
        assert_eq!(begun.expect("an answer"), may_go, "{code}");
    }
    assert!(store.erase_raid("raid-2").await.expect("an answer"));
    assert_eq!(store.active_last().await.expect("an answer"), Some(NOW_MS + 4));
    let mut left = store.raids_left(ana.id, 9).await.expect("an answer");
    left.sort();
    assert_eq!(left, ["raid-1", "raid-3", "raid-4"]);
    assert_eq!(store.owner_of("raid-9").await.expect("an answer"), Some(bo.id));
    assert!(store.pin_raid("raid-1", false, note(Audited::RaidUnpinned)).await.expect("an answer"));
    assert_eq!(named(older(NOW_MS + 3).await.expect("an answer")), ["raid-9", "raid-1"]);
}
