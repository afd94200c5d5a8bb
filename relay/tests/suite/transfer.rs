//! Moving from one database to another: whole, verified, or not at all.

use std::path::Path;

use futures::TryStreamExt as _;
use raidcast_relay::database::Database;
use raidcast_relay::transfer::{TransferError, transfer};
use raidcast_shared::character::ProofWay;
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::uplink::{Hello, Outcome, ReportState, UplinkReply, Visibility};
use raidcast_store::transfer::Table;
use raidcast_store::{
    AccountId, Audited, Invitation, JobKey, JobKind, JobsWaiting, Joining, KeyRow, Left, Linked, NewClaim, NewJob,
    NewKey, NewLink, NewPerson, NewRemoval, NewSession, NewWebhook, Note, Person, Proof, ProvedBy, RaidRow, Role,
    Session, SessionEnds, ShownTo, Store, Subject, UploadHash, WebhookMessage, WebhookStop, Wish, Wished,
};
use serde_json::Value;
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{OTHER_KEY, Script, TestRelay, Uploader, hello};

/// What a meter knows the first fight of [`filled`] by.
const HASH: UploadHash = [7; 16];
/// The same, as it is told to meters.
const REMOTE_ID: i64 = (1 << 53) - 1;
/// Players of its raid, and their numbers.
const PLAYERS: [ActorId; 2] = [ActorId([0xfe; 16]), ActorId::clear(7)];
const NUMBERS: [(ActorId, u32); 2] = [(PLAYERS[0], 1), (PLAYERS[1], 2)];
/// The digest of all secrets here.
const SECRET: [u8; 32] = [9; 32];
/// Unix ms.
const NEVER_MS: i64 = i64::MAX / 2;
/// What somebody sees of a relay with [`filled`].
const PATHS: [&str; 2] = ["/api/v1/reports", "/api/v1/reports?limit=1&page=2"];

/// A relay's data with a final report, a provisional one, and a fight that is under way; ids of its reports.
async fn filled(data: &Path) -> Vec<String> {
    let relay = TestRelay::start(data).await;
    let mut uploader = Uploader::connect(&relay).await;
    let mut reports = Vec::new();
    let kept = Script::new(30, 2);
    let begun = uploader.begin(&kept).await;
    uploader.deltas(begun.h, &kept.deltas).await;
    let ended = uploader.end(begun.h, &kept, Outcome::Kill).await;
    assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
    reports.push(begun.report);
    drop(uploader);

    let other = Script::new(10, 3);
    let hello = Hello { raid: RaidId(Uuid::from_u128(2)), visibility: Visibility::Unlisted, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, OTHER_KEY, hello).await;
    let begun = uploader.begin(&other).await;
    uploader.deltas(begun.h, &other.deltas).await;
    uploader.acked(10).await;
    reports.push(begun.report);
    drop(uploader);
    relay.pass_ms(700_000);
    becomes("its end", async || relay.report(&reports[1]).await.state == ReportState::Provisional).await;

    let open = open_fight();
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&open).await;
    uploader.deltas(begun.h, &open.deltas[..20]).await;
    uploader.acked(20).await;
    reports.push(begun.report);
    drop(uploader);
    let (row, _) = relay.store.report(&reports[0]).await.unwrap().unwrap();
    let job = NewJob {
        key: JobKey { kind: JobKind::Reading, account: row.key.account, name: HASH },
        data: b"never due".as_slice().into(),
        created_at_ms: 0,
        due_at_ms: NEVER_MS,
    };
    let left = relay.store.leave_upload(row.key, Some(HASH), REMOTE_ID, job).await.unwrap();
    assert_eq!(left, Left::Waits { remote_id: REMOTE_ID, is_new: true });
    assert_eq!(relay.store.number_players(&row.raid_code, &PLAYERS).await.unwrap(), NUMBERS);
    let ana = join(&*relay.store, "ana").await;
    let account = relay.store.accounts_of(ana.id).await.unwrap()[0].id;
    let invitation = Invitation { made_by: Some(ana.id), ..invitation() };
    relay.store.invite(&invitation).await.unwrap();
    relay.store.begin_session(&session_of(&ana, SECRET)).await.unwrap();
    let asked = NewRemoval {
        player: "Aeris".into(),
        links: "here\nand there".into(),
        contact: String::new(),
        message: "please".into(),
        created_at_ms: 1,
    };
    assert!(relay.store.ask_removal(&asked).await.unwrap());
    let pinned = Note { by: Some(ana.id), key: None, what: Audited::RaidPinned, about: None, at_ms: 1 };
    assert!(relay.store.pin_raid(&row.raid_code, true, pinned).await.unwrap());
    // Another one's, shown otherwise than its client said.
    let (other, _) = relay.store.report(&reports[1]).await.unwrap().unwrap();
    let other = relay.store.raid_by_code(&other.raid_code).await.unwrap().unwrap();
    let said = Some(ShownTo { live: Visibility::Private, report: Some(Visibility::Unlisted) });
    let shown = RaidRow { report_visibility: Some(Visibility::Public), said, ..other };
    relay.store.update_raid(&shown, None).await.unwrap();
    for (player, is_proved) in [(PLAYERS[0], true), (PLAYERS[1], false)] {
        let claim = NewClaim {
            person: ana.id,
            player,
            called: "Aeris".into(),
            way: ProofWay::Administrator,
            code: Some("k7q2xp".into()),
            created_at_ms: 1,
            ends_at_ms: NEVER_MS,
        };
        let claim = relay.store.claim_character(&claim).await.unwrap().unwrap();
        if is_proved {
            let by = ProvedBy::Administrator { by: ana.id, held: None, hidden: false };
            assert_eq!(relay.store.prove_claim(claim.row, by, 1).await.unwrap(), Proof::Done);
            let character = relay.store.characters_of(ana.id).await.unwrap()[0].row;
            for wish in [Wish::agrees(true), Wish::hidden(true)] {
                assert_eq!(relay.store.wish(ana.id, character, wish, 1).await.unwrap(), Wished::Done);
            }
        }
    }
    let asked = Note { by: Some(ana.id), key: None, what: Audited::PlayerHidden, about: None, at_ms: 1 };
    assert!(relay.store.hide_player(ActorId([9; 16]), true, asked).await.unwrap());
    let cleared = Note { by: Some(ana.id), key: None, what: Audited::TitleCleared, about: None, at_ms: 1 };
    assert!(relay.store.clear_title(&row.raid_code, cleared).await.unwrap());
    let key = relay.store.add_key(&key_of(account, SECRET)).await.unwrap().unwrap();
    relay.store.use_keys(&[(key.id, 3)]).await.unwrap();
    for raid_code in [Some(row.raid_code.clone()), None] {
        let digest = [2 + u8::from(raid_code.is_some()); 32];
        let link = NewLink {
            account: row.key.account,
            raid_code,
            digest,
            name: "an overlay".into(),
            ends_at_ms: Some(NEVER_MS),
            note: Note { by: None, key: None, what: Audited::LinkMade, about: None, at_ms: 2 },
            now_ms: 2,
        };
        assert!(matches!(relay.store.add_link(&link).await.unwrap(), Linked::Kept(_)));
    }
    let set = NewWebhook {
        account: row.key.account,
        digest: [5; 32],
        sealed: b"what only the relay opens".to_vec(),
        host: "discord.com".into(),
        note: Note { by: None, key: None, what: Audited::WebhookSet, about: None, at_ms: 2 },
    };
    assert!(relay.store.set_webhook(&set).await.unwrap());
    let message = WebhookMessage { digest: [5; 32], message: "1".into(), shown: [6; 32], sent_at_ms: 3 };
    relay.store.keep_webhook_message(&row.raid_code, &message).await.unwrap();
    relay.store.stop_webhook(&[5; 32], WebhookStop::Gone, 4).await.unwrap();
    relay.stop().await;
    reports
}

/// Somebody with a password and an account.
async fn join(store: &dyn Store, name: &str) -> Person {
    let new = NewPerson {
        name: name.to_uppercase(),
        name_key: name.into(),
        subject: password(name),
        secret: Some("a slow digest".into()),
        channel: format!("channel-of-{name}"),
        invitation: None,
        now_ms: 1,
    };
    let joining = store.join(&new).await.unwrap();
    let Joining::Joined(person) = joining else { panic!("{joining:?}") };
    person
}

/// How that one signs in.
fn password(name: &str) -> Subject {
    Subject { provider: String::new(), subject: name.into() }
}

/// Made by the relay itself.
fn invitation() -> Invitation {
    Invitation {
        digest: SECRET,
        role: Role::Administrator,
        note: "for Bo".into(),
        made_by: None,
        created_at_ms: 1,
        ends_at_ms: NEVER_MS,
        left: 3,
    }
}

fn session_of(person: &Person, digest: [u8; 32]) -> NewSession {
    NewSession { digest, person: person.id, agent: "a browser".into(), now_ms: NEVER_MS }
}

fn key_of(account: AccountId, digest: [u8; 32]) -> NewKey {
    NewKey {
        account,
        digest,
        name: "a meter".into(),
        scopes: 0b101,
        visibility: Visibility::Private,
        uploads_per_day: Some(7),
        ends_at_ms: Some(NEVER_MS),
        by: None,
        now_ms: 2,
    }
}

/// What the store keeps of Ana.
async fn kept_of_ana(store: &dyn Store) -> (Person, Vec<Session>, Vec<Invitation>, Vec<KeyRow>) {
    let sign_in = store.sign_in(&password("ana")).await.unwrap().unwrap();
    assert_eq!(sign_in.secret.as_deref(), Some("a slow digest"));
    let ana = store.person(sign_in.person).await.unwrap().unwrap();
    let accounts = store.accounts_of(ana.id).await.unwrap();
    assert_eq!(accounts.iter().map(|account| &account.name).collect::<Vec<_>>(), [&ana.id.own_account()]);
    let ends = SessionEnds { used_before_ms: 0, created_before_ms: 0 };
    let sessions = store.sessions(ana.id, ends).await.unwrap();
    // The relay makes one of its own at each start, as long as there is no administrator.
    let mut invitations = store.invitations(0).await.unwrap();
    invitations.retain(|invitation| invitation.made_by.is_some());
    (ana, sessions, invitations, store.keys(0).await.unwrap())
}

fn open_fight() -> Script {
    Script::new(40, 4).at(1_790_000_500_000)
}

/// Everything a visitor can read, without the relay's address.
async fn seen(relay: &TestRelay, reports: &[String]) -> Vec<String> {
    let mut paths: Vec<String> = PATHS.map(str::to_owned).to_vec();
    for report in reports {
        paths.extend(["", "/timeline", "?from=500&to=2000"].map(|rest| format!("/api/v1/reports/{report}{rest}")));
    }
    let mut seen = Vec::new();
    for path in paths {
        let (status, body): (u16, Value) = relay.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        seen.push(format!("{path}: {body}").replace(&relay.url, "URL"));
    }
    seen
}

/// Moves and looks at what has come; the fight under way goes on there, and another begins.
async fn moves(from: (&Path, Database), to: Database, reports: &[String], open: &Script, next: u128) {
    let (data, from) = from;
    let relay = TestRelay::start_on(data, Some(from.clone())).await;
    let before = seen(&relay, reports).await;
    let of_ana = kept_of_ana(&*relay.store).await;
    relay.stop().await;

    let mut tables = Vec::new();
    let moved = transfer(&from, &to, |table, sum| tables.push((table, sum.rows))).await.unwrap();
    assert_eq!(tables.iter().map(|(table, _)| *table).collect::<Vec<_>>(), Table::ALL);
    assert!(tables.iter().all(|(_, rows)| *rows > 0), "{tables:?}");
    assert_eq!(moved.len(), Table::ALL.len());

    // Not twice.
    let again = transfer(&from, &to, |_, _| {}).await.unwrap_err().to_string();
    assert!(again.contains("holds raids or people already") && again.contains("nothing was moved"), "{again}");

    let relay = TestRelay::start_on(data, Some(to)).await;
    assert_eq!(seen(&relay, reports).await, before);
    let (row, _) = relay.store.report(&reports[0]).await.unwrap().unwrap();
    assert_eq!(relay.store.uploaded(row.key.account, &[HASH]).await.unwrap(), [(HASH, REMOTE_ID)]);
    assert_eq!(relay.store.jobs(JobKind::Reading).await.unwrap(), JobsWaiting { count: 1, due_at_ms: Some(NEVER_MS) });
    assert_eq!(relay.store.report_of_remote(REMOTE_ID).await.unwrap().as_ref(), Some(&reports[0]));
    assert_eq!(kept_of_ana(&*relay.store).await, of_ana);
    assert_eq!(relay.store.raid_players(&row.raid_code).await.unwrap(), NUMBERS);
    // Who and what is new there takes nobody's place.
    let (ana, sessions, _, keys) = of_ana;
    let digest = [next as u8; 32];
    assert!(join(&*relay.store, &format!("bo{next}")).await.id > ana.id);
    let session = relay.store.begin_session(&session_of(&ana, digest)).await.unwrap();
    assert!(sessions.iter().all(|held| held.id < session), "{session:?} {sessions:?}");
    let key = relay.store.add_key(&key_of(keys[0].account, digest)).await.unwrap().unwrap();
    assert!(keys.iter().all(|held| held.id < key.id), "{key:?} {keys:?}");
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(open).await;
    assert_eq!(&begun.report, reports.last().unwrap());
    let held = begun.held.unwrap().seq;
    uploader.deltas(begun.h, &open.deltas[held as usize..][..10]).await;
    uploader.acked(held + 10).await;
    let new = Script::new(5, next).at(1_790_001_000_000 + next as i64);
    let begun = uploader.begin(&new).await;
    uploader.deltas(begun.h, &new.deltas).await;
    let ended = uploader.end(begun.h, &new, Outcome::Wipe).await;
    assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, rev: 1, .. }), "{ended:?}");
    drop(uploader);
    relay.stop().await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn everything_moves_to_postgresql_and_back() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    let reports = filled(data.path()).await;
    let postgres = Database::Postgres(cluster.new_database());
    let open = open_fight();
    moves((data.path(), Database::in_folder(data.path())), postgres.clone(), &reports, &open, 5).await;
    let back = Database::Sqlite(data.path().join("back.db"));
    moves((data.path(), postgres), back, &reports, &open, 6).await;
}

#[tokio::test]
async fn everything_moves_to_another_file() {
    let data = tempfile::tempdir().unwrap();
    let reports = filled(data.path()).await;
    let there = Database::Sqlite(data.path().join("elsewhere/raidcast.db"));
    moves((data.path(), Database::in_folder(data.path())), there, &reports, &open_fight(), 5).await;
}

/// Whatever ends it: an import that is not committed was never there.
#[tokio::test]
async fn a_move_that_ends_early_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let reports = filled(data.path()).await;
    let from = Database::in_folder(data.path());
    #[allow(unused_mut)]
    let mut targets = vec![Database::Sqlite(data.path().join("to.db"))];
    #[cfg(all(unix, feature = "postgres"))]
    targets.extend(raidcast_pgkit::shared().map(|cluster| Database::Postgres(crate::migrated::database(cluster))));
    for to in targets {
        {
            let (source, target) = (from.open_whole().await.unwrap(), to.open_whole().await.unwrap());
            let mut export = source.export().await.unwrap();
            let mut import = target.import().await.unwrap();
            for table in [Table::Accounts, Table::Raids, Table::Encounters] {
                let rows: Vec<_> = export.rows(table).try_collect().await.unwrap();
                for row in &rows {
                    import.put(row).await.unwrap();
                }
            }
            drop((export, import));
            source.close().await.unwrap();
            target.close().await.unwrap();
        }
        transfer(&from, &to, |_, _| {}).await.unwrap();
        let relay = TestRelay::start_on(data.path(), Some(to)).await;
        seen(&relay, &reports).await;
        relay.stop().await;
    }
}

/// Somebody who joined there would lose all that is his.
#[tokio::test]
async fn nothing_is_moved_to_where_people_are() {
    let data = tempfile::tempdir().unwrap();
    TestRelay::start(data.path()).await.stop().await;
    let from = Database::in_folder(data.path());
    #[allow(unused_mut)]
    let mut targets = vec![Database::Sqlite(data.path().join("to.db"))];
    #[cfg(all(unix, feature = "postgres"))]
    targets.extend(raidcast_pgkit::shared().map(|cluster| Database::Postgres(crate::migrated::database(cluster))));
    for to in targets {
        // What the relay itself made there is no loss.
        let store = to.open().await.unwrap();
        store.invite(&invitation()).await.unwrap();
        store.close().await.unwrap();
        drop(store);
        transfer(&from, &to, |_, _| {}).await.unwrap();
        let store = to.open().await.unwrap();
        assert!(store.invitations(0).await.unwrap().iter().all(|moved| moved.digest != SECRET));
        let ana = join(&*store, "ana").await;
        store.close().await.unwrap();
        drop(store);
        let refused = transfer(&from, &to, |_, _| {}).await.unwrap_err().to_string();
        assert!(refused.contains("holds raids or people already"), "{refused}");
        let store = to.open().await.unwrap();
        assert_eq!(store.person(ana.id).await.unwrap(), Some(ana));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_a_relay_runs_on_is_not_moved() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let to = Database::Sqlite(data.path().join("to.db"));
    let refused = transfer(&Database::in_folder(data.path()), &to, |_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("Another relay uses") && refused.contains("nothing was moved"), "{refused}");
    relay.stop().await;
}

#[tokio::test]
async fn what_cannot_be_moved_is_said() {
    let data = tempfile::tempdir().unwrap();
    let here = Database::in_folder(data.path());
    let missing = transfer(&here, &Database::Sqlite(data.path().join("to.db")), |_, _| {}).await.unwrap_err();
    assert!(matches!(missing, TransferError::Missing(_)), "{missing}");
    assert!(!data.path().join("raidcast.db").exists(), "asking for it made it");
    let same = transfer(&here, &here, |_, _| {}).await.unwrap_err();
    assert!(matches!(same, TransferError::Same(_)), "{same}");
}
