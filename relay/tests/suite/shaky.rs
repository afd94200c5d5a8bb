//! A store that fails when it is told to: the real one behind it, on a runtime of its own, so that a test's clock may
//! stand still while it works.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;

use bytes::Bytes;
use raidcast_shared::id::{ActorId, EncounterId, RaidId, StreamId};
use raidcast_store::name::NameParts;
use raidcast_store::{
    Account, AccountId, Accounts, Adding, AuditRow, Audits, Backlog, Character, Characters, Claim, Derived,
    DerivedRows, EncounterKey, EncounterRow, Encounters, Erasing, FightsBegun, GivenBack, HeldReport, HiddenPlayer,
    Invitation, JobKey, JobKind, Jobs, JobsWaiting, Joining, Journal, JournalEntry, JudgedClaim, KeptReport,
    KeyEncounter, KeyId, KeyRow, KeyedEncounters, Keys, LeasedJob, Leaving, Left, LinkId, LinkRow, Linked, Links,
    ListPart, NewClaim, NewEncounter, NewJob, NewKey, NewLink, NewPerson, NewRemoval, NewSession, NewUpload,
    NewWebhook, NightPair, Note, OnCommit, OpenEncounter, People, Person, PersonId, PlayerHeld, PlayerNames, Players,
    Proof, ProvedBy, PublicReports, RaidLine, RaidRow, Raids, Removal, Removals, ReportLine, Reports, Role, Search,
    SearchFound, SearchRequest, SeenClaim, Session, SessionEnds, SessionId, Sessions, SignIn, Store, StoreError,
    StoreFuture, StoredJournal, StoredStream, Subject, Term, Tickets, Unreadable, Upkeep, UploadHash, UploadKept,
    Uploads, Usage, Use, Viewpoint, WebhookMessage, WebhookRow, WebhookStop, Webhooks, Wish, Wished, Wishes,
};
use tokio::runtime::Handle;
use tokio::sync::{Notify, RwLock, oneshot};

use crate::fresh;

/// How many calls fail from now on.
#[derive(Default)]
pub(crate) struct Faults {
    /// Appends that are not stored.
    pub(crate) appends: AtomicU32,
    /// Appends that are stored, and are answered as if they were not: a connection that is lost at the wrong moment.
    pub(crate) appends_unsaid: AtomicU32,
    /// How often it was asked whether it takes writes.
    pub(crate) pings: AtomicU32,
    /// Other changes that are not made.
    pub(crate) writes: AtomicU32,
    /// Appends where the task that asks for them panics, as a defect would make it.
    pub(crate) panics: AtomicU32,
    /// Logs of final reports are read while nobody holds this for writing.
    pub(crate) logs: RwLock<()>,
    /// Told whenever one is asked for.
    pub(crate) logs_asked: Notify,
    /// Raids are erased while nobody holds this for writing.
    pub(crate) erasures: RwLock<()>,
    /// Told whenever one is to be erased.
    pub(crate) erasures_asked: Notify,
    /// What waits is put into archives while nobody holds this for writing.
    pub(crate) archives: RwLock<()>,
    /// Told whenever it is to be.
    pub(crate) archives_asked: Notify,
    /// 1: what is read of a raid once it was changed next comes late. See [`Faults::raids`].
    pub(crate) raids_read_late: AtomicU32,
    /// That is told while nobody holds this for writing.
    pub(crate) raids: RwLock<()>,
    /// Told once it was read.
    pub(crate) raids_read: Notify,
    /// How often all wishes were read.
    pub(crate) wishes_read: AtomicU32,
    /// How often each call was made, by its name.
    pub(crate) calls: Mutex<BTreeMap<&'static str, u32>>,
}

impl Faults {
    /// From now on nothing fails.
    pub(crate) fn mend(&self) {
        for count in [&self.appends, &self.appends_unsaid, &self.writes, &self.panics] {
            count.store(0, Ordering::SeqCst);
        }
    }
}

/// Whether one of so many is due.
fn due(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

pub(crate) struct Shaky {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Handle,
    pub(crate) faults: Arc<Faults>,
    /// Is unparked with each answer, once whoever asked is woken.
    pub(crate) waker: Option<Thread>,
}

fn failed<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("as the test wants it".into()))
}

impl Shaky {
    /// A database in a folder, on the runtime that this is called on.
    pub(crate) async fn open(data: &Path) -> Arc<Self> {
        let store = fresh::open(&data.join("raidcast.db")).await;
        Arc::new(Self { store: Arc::new(store), runtime: Handle::current(), faults: Arc::default(), waker: None })
    }

    /// The task that appends next panics.
    pub(crate) fn fall_once(&self) {
        self.faults.panics.store(1, Ordering::SeqCst);
    }

    /// Calls since this was asked last, but for those that the relay makes of its own accord.
    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u32> {
        let mut calls = std::mem::take(&mut *self.faults.calls.lock().unwrap());
        calls.retain(|name, _| !["lease_job", "finish_job", "put_off_job"].contains(name));
        calls
    }

    fn called(&self, name: &'static str) {
        *self.faults.calls.lock().unwrap().entry(name).or_default() += 1;
    }

    /// Does something on the store's own runtime.
    fn pass<T, F>(&self, writes: bool, ask: impl FnOnce(Arc<dyn Store>) -> F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        if writes && due(&self.faults.writes) {
            return Box::pin(async { failed() });
        }
        self.answered(ask(Arc::clone(&self.store)))
    }

    /// The answer to what is done on the store's own runtime, whether anybody waits for it or not.
    fn answered<T, F>(&self, asked: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (to, answer) = oneshot::channel();
        let waker = self.waker.clone();
        self.runtime.spawn(async move {
            // Nobody may wait any more.
            let _ = to.send(asked.await);
            if let Some(waker) = waker {
                waker.unpark();
            }
        });
        Box::pin(async move { answer.await.expect("the store answers") })
    }
}

/// Calls of a trait that go through: `reads` or `writes`, and each argument with what of it is kept and how it is given
/// on.
macro_rules! through {
    ($($kind:literal $name:ident($($arg:ident: $ty:ty = $own:expr => $give:expr),*) -> $out:ty;)*) => {
        $(#[allow(
            clippy::elidable_lifetime_names,
            clippy::needless_lifetimes,
            clippy::redundant_locals,
            reason = "one shape for all calls, those that borrow and those that do not"
        )]
        fn $name<'a>(&'a self, $($arg: $ty),*) -> StoreFuture<'a, $out> {
            $(let $arg = $own;)*
            self.called(stringify!($name));
            self.pass($kind == "writes", move |store| async move { store.$name($($give),*).await })
        })*
    };
}

impl Accounts for Shaky {
    through! {
        "reads" account(name: &'a str = name.to_owned() => &name, channel: &'a str = channel.to_owned() => &channel) -> Account;
        "reads" account_by_channel(channel: &'a str = channel.to_owned() => &channel) -> Option<Account>;
        "reads" channel(account: AccountId = account => account) -> Option<String>;
    }
}

impl People for Shaky {
    through! {
        "writes" join(new: &'a NewPerson = new.clone() => &new) -> Joining;
        "reads" person(person: PersonId = person => person) -> Option<Person>;
        "reads" has_role(role: Role = role => role) -> bool;
        "reads" sign_in(subject: &'a Subject = subject.clone() => &subject) -> Option<SignIn>;
        "reads" subjects(person: PersonId = person => person) -> Vec<Subject>;
        "writes" add_sign_in(person: PersonId = person => person, subject: &'a Subject = subject.clone() => &subject) -> Adding;
        "writes" remove_sign_ins(person: PersonId = person => person, provider: &'a str = provider.to_owned() => &provider) -> bool;
        "writes" change_secret(person: PersonId = person => person, secret: &'a str = secret.to_owned() => &secret, but: Option<&'a [u8; 32]> = but.copied() => but.as_ref()) -> bool;
        "reads" accounts_of(person: PersonId = person => person) -> Vec<Account>;
        "writes" claim(account: AccountId = account => account, person: PersonId = person => person, now_ms: i64 = now_ms => now_ms) -> bool;
        "reads" unclaimed() -> Vec<Account>;
        "writes" invite(invitation: &'a Invitation = invitation.clone() => &invitation) -> ();
        "reads" invitations(now_ms: i64 = now_ms => now_ms) -> Vec<Invitation>;
        "writes" uninvite(digest: &'a [u8; 32] = *digest => &digest, by: PersonId = by => by, now_ms: i64 = now_ms => now_ms) -> bool;
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn drop_invitations(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.store.drop_invitations(now_ms)
    }
}

impl Sessions for Shaky {
    through! {
        "writes" begin_session(session: &'a NewSession = session.clone() => &session) -> SessionId;
        "reads" session(digest: &'a [u8; 32] = *digest => &digest, ends: SessionEnds = ends => ends) -> Option<Session>;
        "reads" sessions(person: PersonId = person => person, ends: SessionEnds = ends => ends) -> Vec<Session>;
        "writes" end_session(person: PersonId = person => person, session: SessionId = session => session) -> bool;
        "writes" end_other_sessions(person: PersonId = person => person, but: SessionId = but => but) -> ();
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn use_session(&self, session: SessionId, now_ms: i64) -> StoreFuture<'_, ()> {
        self.store.use_session(session, now_ms)
    }

    fn drop_sessions(&self, ends: SessionEnds) -> StoreFuture<'_, ()> {
        self.store.drop_sessions(ends)
    }
}

impl Keys for Shaky {
    through! {
        "writes" add_key(key: &'a NewKey = key.clone() => &key) -> Option<KeyRow>;
        "writes" replace_key(old: KeyId = old => old, old_ends_at_ms: i64 = old_ends_at_ms => old_ends_at_ms, key: &'a NewKey = key.clone() => &key) -> Option<KeyRow>;
        "reads" keys(now_ms: i64 = now_ms => now_ms) -> Vec<KeyRow>;
        "writes" revoke_key(account: AccountId = account => account, key: KeyId = key => key, by: PersonId = by => by, now_ms: i64 = now_ms => now_ms) -> bool;
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn use_keys<'a>(&'a self, used: &'a [(KeyId, i64)]) -> StoreFuture<'a, ()> {
        self.store.use_keys(used)
    }

    fn drop_keys(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.store.drop_keys(now_ms)
    }
}

impl Links for Shaky {
    through! {
        "writes" add_link(link: &'a NewLink = link.clone() => &link) -> Linked;
        "reads" link(digest: &'a [u8; 32] = *digest => &digest) -> Option<LinkRow>;
        "reads" links(account: AccountId = account => account, raid_code: Option<&'a str> = raid_code.map(str::to_owned) => raid_code.as_deref(), now_ms: i64 = now_ms => now_ms) -> Vec<LinkRow>;
        "writes" revoke_link(account: AccountId = account => account, raid_code: Option<&'a str> = raid_code.map(str::to_owned) => raid_code.as_deref(), link: LinkId = link => link, note: Note = note => note) -> Option<LinkRow>;
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn use_links<'a>(&'a self, used: &'a [(LinkId, i64)]) -> StoreFuture<'a, ()> {
        self.store.use_links(used)
    }

    fn drop_links(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.store.drop_links(now_ms)
    }
}

impl Webhooks for Shaky {
    through! {
        "writes" set_webhook(new: &'a NewWebhook = new.clone() => &new) -> bool;
        "reads" webhook(account: AccountId = account => account) -> Option<WebhookRow>;
        "reads" webhook_with(digest: &'a [u8; 32] = *digest => &digest) -> Option<WebhookRow>;
        "writes" remove_webhook(account: AccountId = account => account, note: Note = note => note) -> bool;
        "writes" stop_webhook(digest: &'a [u8; 32] = *digest => &digest, why: WebhookStop = why => why, now_ms: i64 = now_ms => now_ms) -> ();
        "reads" webhook_message(raid_code: &'a str = raid_code.to_owned() => &raid_code) -> Option<WebhookMessage>;
        "writes" keep_webhook_message(raid_code: &'a str = raid_code.to_owned() => &raid_code, message: &'a WebhookMessage = message.clone() => &message) -> ();
        "writes" drop_webhook_message(raid_code: &'a str = raid_code.to_owned() => &raid_code) -> ();
        "reads" same_night(raid_code: &'a str = raid_code.to_owned() => &raid_code, digest: &'a [u8; 32] = *digest => &digest) -> Vec<NightPair>;
        "writes" finish_webhook_job(key: JobKey = key => key, created_at_ms: i64 = created_at_ms => created_at_ms) -> ();
    }
}

impl Raids for Shaky {
    fn update_raid<'a>(&'a self, raid: &'a RaidRow, note: Option<Note>) -> StoreFuture<'a, ()> {
        let _ = self.faults.raids_read_late.compare_exchange(1, 2, Ordering::SeqCst, Ordering::SeqCst);
        let raid = raid.clone();
        self.pass(true, move |store| async move { store.update_raid(&raid, note).await })
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        self.called("raid_by_code");
        let (code, faults) = (code.to_owned(), Arc::clone(&self.faults));
        let is_late = faults.raids_read_late.compare_exchange(2, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        self.pass(false, move |store| async move {
            let read = store.raid_by_code(&code).await;
            if is_late {
                faults.raids_read.notify_one();
                let _held = faults.raids.read().await;
            }
            read
        })
    }

    through! {
        "writes" insert_raid(raid: &'a RaidRow = raid.clone() => &raid) -> ();
        "writes" clear_title(code: &'a str = code.to_owned() => &code, note: Note = note => note) -> bool;
        "writes" touch_raid(code: &'a str = code.to_owned() => &code, at_ms: i64 = at_ms => at_ms) -> ();
        "writes" renew_tickets(code: &'a str = code.to_owned() => &code) -> Option<Tickets>;
        "reads" raid_by_id(id: RaidId = id => id) -> Option<RaidRow>;
        "reads" newest_raid(account: AccountId = account => account) -> Option<RaidRow>;
    }
}

impl Players for Shaky {
    through! {
        "reads" raid_players(code: &'a str = code.to_owned() => &code) -> Vec<(ActorId, u32)>;
        "writes" number_players(code: &'a str = code.to_owned() => &code, players: &'a [ActorId] = players.to_vec() => &players) -> Vec<(ActorId, u32)>;
    }
}

impl Encounters for Shaky {
    through! {
        "writes" begin_encounter(new: &'a NewEncounter = new.clone() => &new) -> EncounterRow;
        "writes" move_encounter(row: i64 = row => row, code: &'a str = code.to_owned() => &code) -> ();
        "reads" encounter(account: AccountId = account => account, id: EncounterId = id => id) -> Option<EncounterRow>;
        "reads" encounters_held(account: AccountId = account => account, ids: &'a [EncounterId] = ids.to_vec() => &ids) -> Vec<EncounterId>;
        "reads" live_encounters() -> Vec<Result<EncounterRow, Unreadable>>;
        "reads" unsettled_encounters() -> Vec<(EncounterKey, String)>;
        "reads" open_encounter(row: i64 = row => row) -> Option<OpenEncounter>;
        "reads" encounters_since(account: AccountId = account => account, since_ms: i64 = since_ms => since_ms, to_ms: i64 = to_ms => to_ms) -> FightsBegun;
        "writes" discard(account: AccountId = account => account, id: EncounterId = id => id) -> bool;
    }
}

impl Journal for Shaky {
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        if due(&self.faults.appends) {
            return Box::pin(async { failed() });
        }
        assert!(!due(&self.faults.panics), "as the test wants it");
        let appended = self.store.append(entry);
        let unsaid = due(&self.faults.appends_unsaid);
        let appended = self.answered(appended);
        Box::pin(async move {
            let answer = appended.await;
            if unsaid { failed() } else { answer }
        })
    }

    through! {
        "writes" begin_stream(row: i64 = row => row, stream: &'a StoredStream = stream.clone() => &stream) -> ();
        "reads" read_journal(row: i64 = row => row) -> StoredJournal;
        "writes" seal_journal(row: i64 = row => row, log: &'a Bytes = log.clone() => &log) -> ();
        "writes" drop_stream(row: i64 = row => row, stream: StreamId = stream => stream) -> ();
        "writes" remove_journal(row: i64 = row => row) -> ();
    }
}

impl Reports for Shaky {
    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        self.called("report_log");
        let (report_id, faults) = (report_id.to_owned(), Arc::clone(&self.faults));
        self.pass(false, move |store| async move {
            faults.logs_asked.notify_one();
            let _held = faults.logs.read().await;
            store.report_log(&report_id).await
        })
    }

    through! {
        "writes" keep_report(report: &'a KeptReport = report.clone() => &report) -> ();
        "writes" reopen_report(row: i64 = row => row) -> ();
        "reads" report_row(report_id: &'a str = report_id.to_owned() => &report_id) -> Option<EncounterRow>;
        "reads" report(report_id: &'a str = report_id.to_owned() => &report_id) -> Option<(EncounterRow, Option<Bytes>)>;
        "reads" report_of(account: AccountId = account => account, id: EncounterId = id => id) -> Option<String>;
        "reads" public_reports(part: ListPart = part => part, now_ms: i64 = now_ms => now_ms) -> PublicReports;
        "reads" raid_reports(code: &'a str = code.to_owned() => &code) -> Vec<ReportLine>;
    }
}

impl Uploads for Shaky {
    through! {
        "writes" keep_upload(upload: &'a NewUpload = upload.clone() => &upload) -> UploadKept;
        "writes" know_upload(key: EncounterKey = key => key, hash: Option<UploadHash> = hash => hash, remote_id: i64 = remote_id => remote_id) -> Option<i64>;
        "writes" leave_upload(key: EncounterKey = key => key, hash: Option<UploadHash> = hash => hash, remote_id: i64 = remote_id => remote_id, job: NewJob = job => job) -> Left;
        "reads" uploaded(account: AccountId = account => account, hashes: &'a [UploadHash] = hashes.to_vec() => &hashes) -> Vec<(UploadHash, i64)>;
        "reads" known_by(encounter: i64 = encounter => encounter) -> (Option<i64>, Vec<UploadHash>);
        "reads" report_of_remote(remote_id: i64 = remote_id => remote_id) -> Option<String>;
    }
}

impl Jobs for Shaky {
    fn job_of(&self, kind: JobKind, account: AccountId, after: Option<[u8; 16]>) -> StoreFuture<'_, Option<LeasedJob>> {
        let faults = Arc::clone(&self.faults);
        self.pass(false, move |store| async move {
            faults.archives_asked.notify_one();
            let _held = faults.archives.read().await;
            store.job_of(kind, account, after).await
        })
    }

    /// Asked whenever the relay likes: no fault that a test wants elsewhere is spent on it.
    fn jobs(&self, kind: JobKind) -> StoreFuture<'_, JobsWaiting> {
        self.store.jobs(kind)
    }

    through! {
        "writes" lease_job(kind: JobKind = kind => kind, now_ms: i64 = now_ms => now_ms, until_ms: i64 = until_ms => until_ms) -> Option<LeasedJob>;
        "writes" finish_job(key: JobKey = key => key) -> ();
        "writes" put_off_job(key: JobKey = key => key, due_at_ms: i64 = due_at_ms => due_at_ms, tries: u32 = tries => tries, why: &'a str = why.to_owned() => &why) -> ();
    }
}

impl DerivedRows for Shaky {
    through! {
        "writes" keep_derived(seen: HeldReport = seen => seen, rows: &'a Derived = rows.clone() => &rows, job: JobKey = job => job) -> Option<Vec<i64>>;
        "reads" viewpoints(encounters: &'a [i64] = encounters.to_vec() => &encounters) -> Vec<Viewpoint>;
        "reads" same_fight(encounter: i64 = encounter => encounter, also_of: Option<AccountId> = also_of => also_of) -> Vec<String>;
        "reads" derived(encounter: i64 = encounter => encounter) -> Derived;
        "writes" derive_again() -> u64;
    }
}

impl Search for Shaky {
    through! {
        "reads" names_proposed(parts: &'a NameParts = parts.clone() => &parts) -> Vec<(Term, String)>;
        "reads" search_changes() -> u64;
        "reads" search(request: &'a SearchRequest = request.clone() => &request) -> SearchFound;
    }
}

impl Usage for Shaky {
    /// Kept whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn keep_used<'a>(&'a self, used: &'a [Use]) -> StoreFuture<'a, ()> {
        self.store.keep_used(used)
    }

    fn used(&self) -> StoreFuture<'_, Vec<Use>> {
        self.store.used()
    }
}

impl Erasing for Shaky {
    fn erase_raid<'a>(&'a self, code: &'a str) -> StoreFuture<'a, bool> {
        let (code, faults) = (code.to_owned(), Arc::clone(&self.faults));
        self.pass(true, move |store| async move {
            faults.erasures_asked.notify_one();
            let _held = faults.erasures.read().await;
            store.erase_raid(&code).await
        })
    }

    through! {
        "writes" begin_erasing(job: &'a NewJob = job.clone() => &job, note: Note = note => note, older_ms: Option<i64> = older_ms => older_ms) -> bool;
        "writes" erase_encounter(key: EncounterKey = key => key, note: Option<Note> = note => note) -> bool;
        "writes" begin_leaving(person: PersonId = person => person, job: &'a NewJob = job.clone() => &job, note: Note = note => note) -> Leaving;
        "writes" erase_person(person: PersonId = person => person) -> bool;
        "reads" raids_of(account: AccountId = account => account, before: Option<i64> = before => before, limit: u32 = limit => limit) -> Vec<RaidLine>;
        "reads" raids_older(before_ms: i64 = before_ms => before_ms, limit: u32 = limit => limit) -> Vec<(AccountId, String)>;
        "reads" raids_left(account: AccountId = account => account, limit: u32 = limit => limit) -> Vec<String>;
        "reads" active_last() -> Option<i64>;
        "reads" fight_of(report_id: &'a str = report_id.to_owned() => &report_id) -> Option<(EncounterKey, String)>;
        "reads" owner_of(code: &'a str = code.to_owned() => &code) -> Option<AccountId>;
        "writes" pin_raid(code: &'a str = code.to_owned() => &code, pinned: bool = pinned => pinned, note: Note = note => note) -> bool;
        "reads" people(after: Option<PersonId> = after => after, limit: u32 = limit => limit) -> Vec<Person>;
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn give_back(&self) -> StoreFuture<'_, GivenBack> {
        self.store.give_back()
    }
}

impl Audits for Shaky {
    through! {
        "writes" note(note: Note = note => note) -> ();
        "reads" audit(before: Option<i64> = before => before, limit: u32 = limit => limit) -> Vec<AuditRow>;
    }

    /// Done whenever the relay likes, as [`Jobs::jobs`] is asked.
    fn drop_audit(&self, before_ms: i64) -> StoreFuture<'_, ()> {
        self.store.drop_audit(before_ms)
    }
}

impl Removals for Shaky {
    through! {
        "writes" ask_removal(asked: &'a NewRemoval = asked.clone() => &asked) -> bool;
        "reads" removals() -> Vec<Removal>;
        "writes" drop_removals(before_ms: i64 = before_ms => before_ms) -> u64;
        "writes" close_removal(row: i64 = row => row, note: Note = note => note) -> bool;
    }
}

impl Characters for Shaky {
    through! {
        "writes" claim_character(claim: &'a NewClaim = claim.clone() => &claim) -> Option<Claim>;
        "reads" claims_of(person: PersonId = person => person, now_ms: i64 = now_ms => now_ms) -> Vec<Claim>;
        "reads" claims_by_code(now_ms: i64 = now_ms => now_ms) -> Vec<Claim>;
        "reads" claim_for_officer(officer: PersonId = officer => officer, code: &'a str = code.to_owned() => &code, now_ms: i64 = now_ms => now_ms) -> Option<SeenClaim>;
        "reads" claims_for_administrators(now_ms: i64 = now_ms => now_ms) -> Vec<JudgedClaim>;
        "writes" drop_claim(person: PersonId = person => person, row: i64 = row => row) -> bool;
        "writes" refuse_claim(row: i64 = row => row, by: PersonId = by => by, now_ms: i64 = now_ms => now_ms) -> bool;
        "writes" prove_claim(row: i64 = row => row, by: ProvedBy = by => by, now_ms: i64 = now_ms => now_ms) -> Proof;
        "reads" characters_of(person: PersonId = person => person) -> Vec<Character>;
        "writes" wish(person: PersonId = person => person, row: i64 = row => row, wish: Wish = wish => wish, now_ms: i64 = now_ms => now_ms) -> Wished;
        "writes" hide_player(player: ActorId = player => player, hidden: bool = hidden => hidden, note: Note = note => note) -> bool;
        "reads" hidden_players(before: Option<HiddenPlayer> = before => before, limit: u32 = limit => limit) -> Vec<HiddenPlayer>;
        "reads" player_names(player: ActorId = player => player) -> PlayerNames;
        "reads" knows_player(player: ActorId = player => player) -> bool;
        "reads" player_held(player: ActorId = player => player) -> PlayerHeld;
        "reads" fights_of_player(player: ActorId = player => player, before: Option<i64> = before => before, limit: u32 = limit => limit) -> Vec<(i64, String)>;
    }

    fn wishes(&self, now_ms: i64) -> StoreFuture<'_, Wishes> {
        self.faults.wishes_read.fetch_add(1, Ordering::SeqCst);
        self.pass(false, move |store| async move { store.wishes(now_ms).await })
    }
}

impl Upkeep for Shaky {
    fn ping(&self) -> StoreFuture<'_, ()> {
        self.faults.pings.fetch_add(1, Ordering::SeqCst);
        self.pass(true, |store| async move { store.ping().await })
    }

    fn backlog(&self) -> Backlog {
        self.store.backlog()
    }

    fn on_commit(&self, told: OnCommit) {
        self.store.on_commit(told);
    }

    through! {
        "reads" key_encounters(key: KeyEncounter = key => key) -> KeyedEncounters;
        "reads" close() -> ();
    }
}
