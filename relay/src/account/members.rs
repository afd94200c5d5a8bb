//! People: how they join, sign in and out, and see to their sessions, keys and invitations.
//!
//! Two invariants. What changes anything takes a [`SignedIn`], which is made of a cookie that a page of our own sent; what
//! makes secrets takes one that signed in a moment ago. And what changes the store and memory together is done by one at a
//! time, and to its end also where nobody waits for it any more (`Members::whole`): so neither a password that was changed
//! nor a key that was revoked lives on in the other of both. Deliberately not here: who may see a raid.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use raidcast_shared::account::{
    DeviceCode, DeviceForm, DeviceLine, DeviceToken, InvitationForm, InvitationLine, JoinForm, KeyForm, KeyLine, Me,
    MyAccount, NewInvitation, NewKey, PasswordForm, Registration, Role, SessionLine, SignInForm,
};
use raidcast_shared::id::{from_hex, hex};
use raidcast_shared::key::key_of;
use raidcast_shared::text::is_name;
use raidcast_shared::uplink::Visibility;
use raidcast_store::name::fold;
use raidcast_store::{
    Account, AccountId, Invitation, Joining, KeyId, KeyRow, NewPerson, NewSession, PersonId, Session, SessionEnds,
    SessionId, StoreError, Subject,
};
use tokio_util::sync::CancellationToken;

use super::keyring::Keyring;
use super::pairing::{self, Approval, Pairings, Polled, Wish};
use super::password::Passwords;
use super::tries::{Tries, Try};
use super::{Cookies, Scope, Scopes, digest, scope_name};
use crate::context::Context;
use crate::edge::{Address, Later};
use crate::error::HttpError;
use crate::limits::KEYS_MADE_MAX;
use crate::quota::DAY_MS;

/// A session that was not used for so long is over, ms.
const IDLE_MS: i64 = 14 * DAY_MS;
/// A session is over after so long, ms.
const SESSION_MS: i64 = 90 * DAY_MS;
/// For so long after signing in somebody may make secrets, ms.
const FRESH_MS: i64 = 15 * 60 * 1_000;
/// That a session was used is noted so often, ms.
const USE_NOTED_MS: i64 = 3_600_000;
/// The first administrator's invitation is good for so long, ms; each start makes another.
const FIRST_MS: i64 = 7 * DAY_MS;

/// How often it is looked what the store has.
const LOOK: Duration = Duration::from_mins(1);
/// What is over is removed each so many looks.
const SWEPT_EACH: u32 = 60;
/// A browser is known for so long, s.
const KNOWN_S: i64 = 365 * 24 * 3_600;

/// Characters of a person's name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;
/// Characters of a password at the least.
const PASSWORD_CHARS_MIN: usize = 10;
/// Bytes of a password at the most: it is hashed.
const PASSWORD_BYTES_MAX: usize = 512;
/// Characters of what a key or an invitation is called.
const NOTE_CHARS_MAX: usize = 64;
/// Characters that are kept of what a browser calls itself.
const AGENT_CHARS_MAX: usize = 200;

/// Somebody who is signed in: what sees to his own takes one.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::account::SignedIn;
///
/// fn anybody(session: raidcast_store::Session) -> SignedIn {
///     SignedIn { session, digest: [0; 32] }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: Session,
    digest: [u8; 32],
}

impl SignedIn {
    /// Who he is.
    pub fn person(&self) -> PersonId {
        self.session.person
    }

    fn is_fresh(&self, now_ms: i64) -> bool {
        now_ms < self.fresh_until_ms()
    }

    fn fresh_until_ms(&self) -> i64 {
        self.session.created_at_ms.saturating_add(FRESH_MS)
    }
}

/// By a session something is open.
struct Open {
    person: PersonId,
    ended: CancellationToken,
}

/// Who has just signed in, and what his browser is to keep.
pub struct Entered {
    /// Who he is.
    pub me: Me,
    /// Its cookies.
    pub cookies: [HeaderValue; 2],
}

/// See the module's page.
pub struct Members {
    context: Arc<Context>,
    /// Of sessions by which something is open: cancelled when they end.
    open: Mutex<HashMap<SessionId, Open>>,
    keys: Arc<Keyring>,
    cookies: Cookies,
    passwords: Passwords,
    pairings: Pairings,
    tries: Tries,
    /// Held by whoever changes sessions, passwords or keys.
    changing: tokio::sync::Mutex<()>,
    registration: Registration,
}

fn too_often(later: Later) -> HttpError {
    HttpError::TooMany { text: "that was tried too often: wait, and try again".into(), retry_s: later.seconds() }
}

fn invalid(text: &str) -> HttpError {
    HttpError::BadRequest(text.to_owned())
}

impl Members {
    /// Of a relay.
    pub fn new(context: Arc<Context>, keys: Arc<Keyring>, registration: Registration) -> Self {
        let (cookies, passwords) = (Cookies::of(&context.public_url), Passwords::new(context.entropy.clone()));
        let pairings = Pairings::new(context.entropy.clone());
        let (open, tries, changing) = (Mutex::default(), Tries::new(), tokio::sync::Mutex::default());
        Self { context, open, keys, cookies, passwords, pairings, tries, changing, registration }
    }

    /// Whether somebody may join, and how: for the page.
    pub fn registration(&self) -> Registration {
        self.registration
    }

    /// The link by which the first administrator joins, while there is none: good once, until the next start.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn first_link(&self) -> Result<Option<String>, StoreError> {
        let now_ms = self.now_ms();
        let store = &self.context.store;
        store.drop_invitations(now_ms).await?;
        if store.has_role(Role::Administrator).await? {
            return Ok(None);
        }
        let (secret, digest) = self.secret();
        let (role, note) = (Role::Administrator, "the first administrator".to_owned());
        let ends_at_ms = now_ms.saturating_add(FIRST_MS);
        let invitation = Invitation { digest, role, note, made_by: None, created_at_ms: now_ms, ends_at_ms, left: 1 };
        store.invite(&invitation).await?;
        Ok(Some(self.invitation_url(&secret)))
    }

    /// Does what changes the store and memory together, or looks before it changes: one at a time, and to its end.
    async fn whole<T, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, HttpError>> + Send + 'static,
    {
        let (members, work) = (Arc::clone(self), work(Arc::clone(self)));
        let working = tokio::spawn(async move {
            let _one = members.changing.lock().await;
            work.await
        });
        working.await.unwrap_or(Err(HttpError::Internal))
    }

    fn now_ms(&self) -> i64 {
        self.context.clock.now_ms()
    }

    /// A new secret, and what is kept of it.
    fn secret(&self) -> (String, [u8; 32]) {
        let secret = hex(&self.context.entropy.bytes::<32>());
        let kept = digest(secret.as_bytes());
        (secret, kept)
    }

    /// Behind `#`, which browsers send to nobody: it stands in no log.
    fn invitation_url(&self, secret: &str) -> String {
        format!("{}/sign-in#invitation={secret}", self.context.public_url)
    }

    fn ends(&self) -> SessionEnds {
        let now_ms = self.now_ms();
        SessionEnds { used_before_ms: now_ms - IDLE_MS, created_before_ms: now_ms - SESSION_MS }
    }

    /// Who is signed in by the cookie of a request, if anybody is. Good for reading alone: another site may have caused the
    /// request.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reader(&self, headers: &HeaderMap) -> Result<Option<SignedIn>, HttpError> {
        let Some(secret) = self.cookies.read(headers).filter(|_| !self.cookies.is_foreign_page(headers)) else {
            return Ok(None);
        };
        let digest = digest(secret.as_bytes());
        let store = &self.context.store;
        let Some(session) = store.session(&digest, self.ends()).await? else { return Ok(None) };
        let now_ms = self.now_ms();
        if now_ms - session.used_at_ms >= USE_NOTED_MS {
            store.use_session(session.id, now_ms).await?;
        }
        Ok(Some(SignedIn { session, digest }))
    }

    /// Who is signed in, for something that is his alone to see.
    ///
    /// # Errors
    /// `SignedOut` if nobody is.
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<SignedIn, HttpError> {
        self.reader(headers).await?.ok_or(HttpError::SignedOut)
    }

    /// Who is signed in, for a request that changes something.
    ///
    /// # Errors
    /// `SignedOut` if nobody is, `ForeignPage` if the request does not come from a page of this relay.
    pub async fn changing(&self, headers: &HeaderMap) -> Result<SignedIn, HttpError> {
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        self.signed_in(headers).await
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is signed in by the cookie of a request and reads something: the accounts that he holds, and until when.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reading(&self, headers: &HeaderMap) -> Result<Option<(Vec<AccountId>, CancellationToken)>, HttpError> {
        let Some(who) = self.reader(headers).await? else { return Ok(None) };
        let ended = {
            let open = || Open { person: who.person(), ended: CancellationToken::new() };
            self.open().entry(who.session.id).or_insert_with(open).ended.clone()
        };
        let accounts = self.accounts(&who).await?;
        // Again: what ended before it would have been heard of is known now.
        if self.context.store.session(&who.digest, self.ends()).await?.is_none() {
            self.end_open(who.session.id);
            return Ok(None);
        }
        Ok(Some((accounts, ended)))
    }

    /// What is open by a session that has ended ends, too.
    fn end_open(&self, session: SessionId) {
        self.pairings.forget(|_, of| of == session);
        if let Some(open) = self.open().remove(&session) {
            open.ended.cancel();
        }
    }

    /// The same of all of somebody's sessions but one.
    fn end_open_others(&self, who: &SignedIn) {
        let is_other = |person, session| person == who.person() && session != who.session.id;
        self.pairings.forget(is_other);
        self.open().retain(|session, open| {
            let ends = is_other(open.person, *session);
            if ends {
                open.ended.cancel();
            }
            !ends
        });
    }

    /// Who is signed in and types a code: into a page of this relay, as far as browsers say so.
    ///
    /// # Errors
    /// As [`Members::signed_in`], and `ForeignPage`.
    pub async fn typing(&self, headers: &HeaderMap) -> Result<SignedIn, HttpError> {
        match headers.get("sec-fetch-site") {
            Some(site) if site != "same-origin" => Err(HttpError::ForeignPage),
            _ => self.signed_in(headers).await,
        }
    }

    fn fresh(&self, who: &SignedIn) -> Result<(), HttpError> {
        if who.is_fresh(self.now_ms()) { Ok(()) } else { Err(HttpError::SignInAgain) }
    }

    fn administrates(who: &SignedIn) -> Result<(), HttpError> {
        match who.session.role {
            Role::Administrator => Ok(()),
            Role::Member => Err(HttpError::NotAdministrator),
        }
    }

    /// Whether anybody may join, but for the first administrator.
    async fn open_to_join(&self) -> Result<(), HttpError> {
        let is_closed = self.registration == Registration::Closed;
        if is_closed && self.context.store.has_role(Role::Administrator).await? {
            return Err(HttpError::JoiningClosed);
        }
        Ok(())
    }

    /// Has somebody join, and signs him in.
    ///
    /// # Errors
    /// What is wrong with what he gave, `Taken`, `NotInvited`, `TooMany`.
    pub async fn join(
        self: &Arc<Self>,
        form: JoinForm,
        headers: &HeaderMap,
        address: Address,
    ) -> Result<Entered, HttpError> {
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        let (name, password) = (good_name(&form.name)?, good_password(form.password, &form.name)?);
        let invitation = form.invitation.as_deref().filter(|secret| !secret.is_empty());
        if invitation.is_none() && self.registration != Registration::Open {
            return Err(HttpError::NotInvited);
        }
        self.open_to_join().await?;
        self.tries.by_address(address).map_err(too_often)?;
        self.tries.joins(address).map_err(too_often)?;
        let name_key = fold(&name);
        let new = NewPerson {
            subject: Subject { provider: String::new(), subject: name_key.clone() },
            name_key,
            name: name.clone(),
            secret: Some(self.passwords.digest(password).await?),
            channel: self.context.entropy.code(8),
            invitation: invitation.map(|secret| digest(secret.as_bytes())),
            now_ms: self.now_ms(),
        };
        match self.context.store.join(&new).await? {
            Joining::Joined(person) => {
                tracing::info!(person = person.id.0, "somebody joined");
                self.begin(person.id, &name, None, headers).await
            }
            Joining::Taken => Err(HttpError::Taken),
            Joining::NotInvited => Err(HttpError::NotInvited),
        }
    }

    /// Signs somebody in by name and password. A session that his browser had before ends.
    ///
    /// # Errors
    /// `WrongSignIn` whatever of it is wrong, `TooMany`.
    pub async fn sign_in(
        self: &Arc<Self>,
        form: SignInForm,
        headers: &HeaderMap,
        address: Address,
    ) -> Result<Entered, HttpError> {
        // Or another site signs somebody in under a name of its own.
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        self.tries.by_address(address).map_err(too_often)?;
        let known = self.cookies.read_known(headers).unwrap_or_default();
        let is_known = self.context.secret.is_known(&fold(form.name.trim()), known);
        self.tries.by_name(&form.name, is_known).map_err(too_often)?;
        if form.password.len() > PASSWORD_BYTES_MAX || form.name.chars().count() > *NAME_CHARS.end() {
            return Err(HttpError::WrongSignIn);
        }
        let subject = Subject { provider: String::new(), subject: fold(form.name.trim()) };
        let found = self.context.store.sign_in(&subject).await?;
        let kept = found.as_ref().and_then(|found| found.secret.clone());
        let is_good = self.passwords.is(form.password, kept.clone()).await?;
        match found {
            Some(found) if is_good => self.begin(found.person, &form.name, Some((subject, kept)), headers).await,
            _ => Err(HttpError::WrongSignIn),
        }
    }

    /// Begins a session. `verified`: by what, which must be so still.
    async fn begin(
        self: &Arc<Self>,
        person: PersonId,
        name: &str,
        verified: Option<(Subject, Option<String>)>,
        headers: &HeaderMap,
    ) -> Result<Entered, HttpError> {
        // What stood in the cookie before is good for nothing now: nobody keeps a session that he had somebody sign in by.
        let before = self.reader(headers).await?;
        let (secret, digest) = self.secret();
        let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        let agent = raidcast_shared::text::clean(&agent.unwrap_or_default(), AGENT_CHARS_MAX);
        let who = self.whole(move |members| async move {
            let (store, now_ms) = (&members.context.store, members.now_ms());
            if let Some((subject, kept)) = verified
                && store.sign_in(&subject).await?.and_then(|found| found.secret) != kept
            {
                return Err(HttpError::WrongSignIn);
            }
            if let Some(before) = before {
                store.end_session(before.person(), before.session.id).await?;
                members.end_open(before.session.id);
            }
            store.begin_session(&NewSession { digest, person, agent, now_ms }).await?;
            let session = store.session(&digest, members.ends()).await?.ok_or(HttpError::SignedOut)?;
            Ok(SignedIn { session, digest })
        });
        let me = self.me(&who.await?).await?;
        let known = self.context.secret.known(&fold(name.trim()));
        let session = self.cookies.set(headers, &secret, SESSION_MS / 1_000).ok_or(HttpError::Internal)?;
        let known = self.cookies.set_known(headers, &known, KNOWN_S).ok_or(HttpError::Internal)?;
        Ok(Entered { me, cookies: [session, known] })
    }

    /// Signs somebody out.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sign_out(self: &Arc<Self>, who: &SignedIn, headers: &HeaderMap) -> Result<HeaderValue, HttpError> {
        let (person, session) = (who.person(), who.session.id);
        self.whole(move |members| async move {
            members.end_open(session);
            members.context.store.end_session(person, session).await?;
            members.end_open(session);
            Ok(())
        })
        .await?;
        self.cookies.clear(headers).ok_or(HttpError::Internal)
    }

    /// Who somebody is.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn me(&self, who: &SignedIn) -> Result<Me, HttpError> {
        let person = self.context.store.person(who.person()).await?.ok_or(HttpError::SignedOut)?;
        let accounts = self.context.store.accounts_of(who.person()).await?;
        let accounts = accounts.into_iter().map(|account| self.account_line(account));
        Ok(Me {
            name: person.name,
            role: person.role,
            signed_in_at_ms: who.session.created_at_ms,
            fresh_until_ms: who.fresh_until_ms(),
            accounts: accounts.collect(),
        })
    }

    fn account_line(&self, Account { id, name, channel }: Account) -> MyAccount {
        let channel_url = format!("{}/live/{channel}", self.context.public_url);
        MyAccount { id: id.0, name: Some(name).filter(|name| !name.starts_with('@')), channel_url }
    }

    /// The accounts that nobody holds.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn unclaimed(&self, who: &SignedIn) -> Result<Vec<MyAccount>, HttpError> {
        Self::administrates(who)?;
        let accounts = self.context.store.unclaimed().await?;
        Ok(accounts.into_iter().map(|account| self.account_line(account)).collect())
    }

    /// Takes an account over that nobody holds.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, `NotFound` if there is none, or somebody holds it.
    pub async fn claim(&self, who: &SignedIn, account: i64) -> Result<(), HttpError> {
        Self::administrates(who)?;
        self.fresh(who)?;
        if !self.context.store.claim(AccountId(account), who.person()).await? {
            return Err(HttpError::NotFound);
        }
        tracing::info!(account, person = who.person().0, "an account was taken over");
        Ok(())
    }

    /// The accounts that somebody holds, his own first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn accounts(&self, who: &SignedIn) -> Result<Vec<AccountId>, HttpError> {
        let accounts = self.context.store.accounts_of(who.person()).await?;
        Ok(accounts.into_iter().map(|account| account.id).collect())
    }

    /// Where somebody is signed in.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sessions(&self, who: &SignedIn) -> Result<Vec<SessionLine>, HttpError> {
        let sessions = self.context.store.sessions(who.person(), self.ends()).await?;
        let lines = sessions.into_iter().map(|session| SessionLine {
            id: session.id.0,
            is_this: session.id == who.session.id,
            agent: session.agent,
            created_at_ms: session.created_at_ms,
            used_at_ms: session.used_at_ms,
        });
        Ok(lines.collect())
    }

    /// Ends one of his sessions.
    ///
    /// # Errors
    /// `NotFound` if he has no such one.
    pub async fn end_session(self: &Arc<Self>, who: &SignedIn, session: i64) -> Result<(), HttpError> {
        let (person, session) = (who.person(), SessionId(session));
        self.whole(move |members| async move {
            if !members.context.store.end_session(person, session).await? {
                return Err(HttpError::NotFound);
            }
            members.end_open(session);
            Ok(())
        })
        .await
    }

    /// Ends all of his sessions but this one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn end_other_sessions(self: &Arc<Self>, who: &SignedIn) -> Result<(), HttpError> {
        let who = who.clone();
        self.whole(move |members| async move {
            members.context.store.end_other_sessions(who.person(), who.session.id).await?;
            members.end_open_others(&who);
            Ok(())
        })
        .await
    }

    /// Changes his password, and ends all of his sessions but this one.
    ///
    /// # Errors
    /// `WrongSignIn` if the old one is not his, or he has none; what is wrong with the new one.
    pub async fn change_password(self: &Arc<Self>, who: &SignedIn, form: PasswordForm) -> Result<(), HttpError> {
        let store = &self.context.store;
        let person = store.person(who.person()).await?.ok_or(HttpError::SignedOut)?;
        let new = good_password(form.new, &person.name)?;
        self.tries.by_person(person.id, Try::Password).map_err(too_often)?;
        let subjects = store.subjects(person.id).await?;
        let subject = subjects.into_iter().find(|subject| subject.provider.is_empty()).ok_or(HttpError::WrongSignIn)?;
        let kept = store.sign_in(&subject).await?.and_then(|found| found.secret);
        if form.old.len() > PASSWORD_BYTES_MAX || !self.passwords.is(form.old, kept.clone()).await? {
            return Err(HttpError::WrongSignIn);
        }
        let secret = self.passwords.digest(new).await?;
        let who = who.clone();
        self.whole(move |members| async move {
            let store = &members.context.store;
            // What was verified must be so still, and who asks signed in: somebody else may have been quicker.
            let is_so = store.sign_in(&subject).await?.and_then(|found| found.secret) == kept;
            if !is_so || store.session(&who.digest, members.ends()).await?.is_none() {
                return Err(HttpError::WrongSignIn);
            }
            if !store.change_secret(who.person(), &secret, Some(&who.digest)).await? {
                return Err(HttpError::WrongSignIn);
            }
            members.end_open_others(&who);
            Ok(())
        })
        .await
    }

    /// His keys that are good, in the order in which they were made.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn keys(&self, who: &SignedIn) -> Result<Vec<KeyLine>, HttpError> {
        let accounts = self.accounts(who).await?;
        Ok(self.keys.of(&accounts).iter().map(line_of).collect())
    }

    /// Makes a key.
    ///
    /// # Errors
    /// What is wrong with what was asked for, `SignInAgain`, `TooMany` where he has as many as may be.
    pub async fn make_key(self: &Arc<Self>, who: &SignedIn, form: KeyForm) -> Result<NewKey, HttpError> {
        self.fresh(who)?;
        let account = self.own_account(who, form.account).await?;
        let days = form.days.map(i64::from);
        if days.is_some_and(|days| !(1..=3_650).contains(&days)) {
            return Err(invalid("`days` must be 1 to 3650: leave it out for a key that has no end"));
        }
        if form.scopes.is_empty() {
            return Err(invalid("`scopes` is empty: name what the key may do, of upload, read, manage"));
        }
        if form.uploads_per_day == Some(0) {
            return Err(invalid("`uploadsPerDay` must be 1 at the least: leave it out for no limit"));
        }
        let now_ms = self.now_ms();
        let (secret, digest) = self.new_key();
        let new = raidcast_store::NewKey {
            account,
            digest,
            name: good_note(&form.name, 1, "`name`")?,
            scopes: form.scopes.iter().copied().collect::<Scopes>().bits(),
            visibility: form.visibility,
            uploads_per_day: form.uploads_per_day,
            ends_at_ms: days.map(|days| now_ms.saturating_add(days * DAY_MS)),
            now_ms,
        };
        let digest = who.digest;
        let row = self.whole(move |members| async move {
            members.still(&digest).await?;
            members.add_key(&new).await
        });
        let row = row.await?;
        Ok(NewKey { secret, key: line_of(&row) })
    }

    /// Whether somebody is still signed in who was when he asked; within `whole`.
    async fn still(&self, digest: &[u8; 32]) -> Result<(), HttpError> {
        let there = self.context.store.session(digest, self.ends()).await?;
        if there.is_some() { Ok(()) } else { Err(HttpError::SignedOut) }
    }

    /// Keeps a key; within `whole`.
    async fn add_key(&self, new: &raidcast_store::NewKey) -> Result<KeyRow, HttpError> {
        if self.keys.made() >= KEYS_MADE_MAX {
            return Err(HttpError::Conflict("this relay holds as many keys as it may: ask its administrator".into()));
        }
        let row = self.context.store.add_key(new).await?.ok_or_else(too_many_keys)?;
        self.keys.add(&row);
        Ok(row)
    }

    fn new_key(&self) -> (String, [u8; 32]) {
        let secret = key_of(self.context.entropy.bytes());
        let kept = digest(secret.as_bytes());
        (secret, kept)
    }

    async fn own_key(&self, who: &SignedIn, key: i64) -> Result<KeyRow, HttpError> {
        let accounts = self.accounts(who).await?;
        self.keys.of(&accounts).into_iter().find(|row| row.id == KeyId(key)).ok_or(HttpError::NotFound)
    }

    /// Makes a key in place of another, which stays good for some hours.
    ///
    /// # Errors
    /// `NotFound` if he has no such one, `SignInAgain`, `TooMany`.
    pub async fn rotate_key(
        self: &Arc<Self>,
        who: &SignedIn,
        key: i64,
        overlap_hours: u32,
    ) -> Result<NewKey, HttpError> {
        self.fresh(who)?;
        if overlap_hours > 720 {
            return Err(invalid("`overlapHours` must be 0 to 720"));
        }
        let old = self.own_key(who, key).await?;
        let (now_ms, (secret, digest)) = (self.now_ms(), self.new_key());
        let lasts = old.ends_at_ms.map(|ends| ends.saturating_sub(old.created_at_ms));
        let new = raidcast_store::NewKey {
            account: old.account,
            digest,
            name: old.name,
            scopes: old.scopes,
            visibility: old.visibility,
            uploads_per_day: old.uploads_per_day,
            // As long as the old one was to last.
            ends_at_ms: lasts.map(|lasts| now_ms.saturating_add(lasts)),
            now_ms,
        };
        let ends_at_ms = now_ms.saturating_add(i64::from(overlap_hours) * 3_600_000);
        let session = who.digest;
        let row = self.whole(move |members| async move {
            members.still(&session).await?;
            // It may have been revoked meanwhile.
            if !members.keys.of(&[old.account]).iter().any(|row| row.id == old.id) {
                return Err(HttpError::NotFound);
            }
            let replaced = members.context.store.replace_key(old.id, ends_at_ms, &new).await?;
            let row = replaced.ok_or_else(too_many_keys)?;
            members.keys.add(&row);
            members.keys.shorten(old.id, ends_at_ms);
            Ok(row)
        });
        Ok(NewKey { secret, key: line_of(&row.await?) })
    }

    /// Ends a key, and all that is open by it.
    ///
    /// # Errors
    /// `NotFound` if he has no such one.
    pub async fn revoke_key(self: &Arc<Self>, who: &SignedIn, key: i64) -> Result<(), HttpError> {
        let row = self.own_key(who, key).await?;
        self.whole(move |members| async move {
            let revoked = members.context.store.revoke_key(row.account, row.id).await;
            // Also where the store says nothing: what it still has comes back, and can be revoked again.
            members.keys.remove(row.id);
            if revoked? { Ok(()) } else { Err(HttpError::NotFound) }
        })
        .await
    }

    /// Begins to pair a program, which says what it is and what its key is to do.
    ///
    /// # Errors
    /// What is wrong with that, `TooMany`.
    pub fn begin_pairing(&self, name: &str, scope: Option<&str>, address: Address) -> Result<DeviceCode, HttpError> {
        let name = good_note(name, 1, "`client_id`")?;
        let words = scope.unwrap_or_default().split_ascii_whitespace();
        let scopes: Option<Vec<_>> = words.map(scope_of).collect();
        let scopes = scopes.ok_or_else(|| invalid("`scope` holds a word that is none of upload, read, manage"))?;
        let scopes: Scopes =
            if scopes.is_empty() { [Scope::Upload].into_iter().collect() } else { scopes.into_iter().collect() };
        let wish = Wish { name, scopes, address, asked_at_ms: self.now_ms() };
        let (device_code, code) = self.pairings.begin(wish).ok_or_else(|| HttpError::TooMany {
            text: "too many programs wait to be paired: wait some minutes, and try again".into(),
            retry_s: 60,
        })?;
        Ok(DeviceCode {
            device_code,
            user_code: pairing::shown(&code),
            verification_uri: format!("{}/pair", self.context.public_url),
            expires_in: (pairing::LASTS_MS / 1_000) as u32,
            interval: pairing::INTERVAL_S,
        })
    }

    /// The key of a program that was let in.
    ///
    /// # Errors
    /// Why it has none, or none yet.
    pub async fn finish_pairing(self: &Arc<Self>, device_code: &str) -> Result<DeviceToken, DeviceFault> {
        match self.pairings.poll(device_code, self.now_ms()) {
            Polled::Approved(..) => {}
            Polled::Pending => return Err(DeviceFault::Pending),
            Polled::SlowDown => return Err(DeviceFault::SlowDown),
            Polled::Denied => return Err(DeviceFault::Denied),
            Polled::Expired => return Err(DeviceFault::Expired),
        }
        let own = device_code.to_owned();
        self.whole(move |members| async move { Ok(members.paired(&own).await) }).await?
    }

    /// The key of a program that was let in; within `whole`, so that it is made once.
    async fn paired(&self, device_code: &str) -> Result<DeviceToken, DeviceFault> {
        let now_ms = self.now_ms();
        let Polled::Approved(wish, approval) = self.pairings.poll(device_code, now_ms) else {
            return Err(DeviceFault::Expired);
        };
        let Approval { person, session, account } = approval;
        let store = &self.context.store;
        let holds = store.accounts_of(person).await?.iter().any(|held| held.id == account);
        // He may have signed out at the moment at which he let it in.
        let is_there = store.sessions(person, self.ends()).await?.iter().any(|there| there.id == session);
        let person = store.person(person).await?.filter(|_| holds && is_there).ok_or(DeviceFault::Denied)?;
        let (secret, digest) = self.new_key();
        let new = raidcast_store::NewKey {
            account,
            digest,
            name: wish.name,
            scopes: wish.scopes.bits(),
            visibility: Visibility::default(),
            uploads_per_day: None,
            ends_at_ms: None,
            now_ms,
        };
        self.add_key(&new).await?;
        self.pairings.done(device_code);
        let scope: Vec<_> = wish.scopes.listed().into_iter().map(scope_name).collect();
        Ok(DeviceToken {
            access_token: secret,
            token_type: "api_key".into(),
            scope: scope.join(" "),
            name: person.name,
        })
    }

    /// A try of somebody to type a code: so often, or he guesses others'.
    fn type_code(&self, who: &SignedIn) -> Result<(), HttpError> {
        self.tries.by_person(who.person(), Try::Code).map_err(too_often)
    }

    /// The program that waits with a code.
    ///
    /// # Errors
    /// `NotFound` if none does, `TooMany`.
    pub fn pairing(&self, who: &SignedIn, code: &str, address: Address) -> Result<DeviceLine, HttpError> {
        self.type_code(who)?;
        let wish = self.pairings.waiting(code, self.now_ms()).ok_or(HttpError::NotFound)?;
        Ok(DeviceLine {
            is_here: wish.address == address,
            address: wish.address.to_string(),
            name: wish.name,
            asked_at_ms: wish.asked_at_ms,
            scopes: wish.scopes.listed(),
        })
    }

    /// Lets the program that waits with a code in, or not.
    ///
    /// # Errors
    /// `NotFound` if none does, `SignInAgain`, `TooMany`.
    pub async fn decide_pairing(&self, who: &SignedIn, code: &str, form: DeviceForm) -> Result<(), HttpError> {
        self.type_code(who)?;
        let approved = if form.approve {
            self.fresh(who)?;
            let account = self.own_account(who, form.account).await?;
            Some(Approval { person: who.person(), session: who.session.id, account })
        } else {
            None
        };
        if self.pairings.decide(code, approved, self.now_ms()) { Ok(()) } else { Err(HttpError::NotFound) }
    }

    /// One of his accounts: the one that is named, or his own.
    async fn own_account(&self, who: &SignedIn, named: Option<i64>) -> Result<AccountId, HttpError> {
        let accounts = self.accounts(who).await?;
        let account = match named {
            None => accounts.first().copied(),
            Some(id) => accounts.iter().copied().find(|account| account.0 == id),
        };
        account.ok_or_else(|| invalid("`account` is none of yours: leave it out for your own"))
    }

    /// The invitations that are good.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn invitations(&self, who: &SignedIn) -> Result<Vec<InvitationLine>, HttpError> {
        Self::administrates(who)?;
        let invitations = self.context.store.invitations(self.now_ms()).await?;
        Ok(invitations.into_iter().map(invitation_line).collect())
    }

    /// Makes an invitation.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, what is wrong with what was asked for.
    pub async fn invite(&self, who: &SignedIn, form: InvitationForm) -> Result<NewInvitation, HttpError> {
        Self::administrates(who)?;
        self.open_to_join().await?;
        self.fresh(who)?;
        if !(1..=1_000).contains(&form.uses) {
            return Err(invalid("`uses` must be 1 to 1000"));
        }
        if !(1..=365).contains(&form.days) {
            return Err(invalid("`days` must be 1 to 365"));
        }
        if form.role == Role::Administrator && form.uses != 1 {
            return Err(invalid("an invitation that makes administrators is good once: `uses` must be 1"));
        }
        let (now_ms, (secret, digest)) = (self.now_ms(), self.secret());
        let invitation = Invitation {
            digest,
            role: form.role,
            note: good_note(&form.note, 0, "`note`")?,
            made_by: Some(who.person()),
            created_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(i64::from(form.days) * DAY_MS),
            left: form.uses,
        };
        self.context.store.invite(&invitation).await?;
        Ok(NewInvitation { url: self.invitation_url(&secret), invitation: invitation_line(invitation) })
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`.
    pub async fn uninvite(&self, who: &SignedIn, id: &str) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let digest: [u8; 32] = from_hex(id).and_then(|id| id.try_into().ok()).ok_or(HttpError::NotFound)?;
        if self.context.store.uninvite(&digest).await? { Ok(()) } else { Err(HttpError::NotFound) }
    }

    /// Removes what is over: who asks is answered without it.
    async fn sweep(&self) -> Result<(), HttpError> {
        let store = &self.context.store;
        store.drop_sessions(self.ends()).await?;
        store.drop_keys(self.now_ms()).await?;
        Ok(())
    }

    /// Takes what the store has for what is so: keys, and sessions by which something is open.
    async fn look_again(&self) -> Result<(), HttpError> {
        let _one = self.changing.lock().await;
        let store = &self.context.store;
        self.keys.reconcile(store.keys(self.now_ms()).await?);
        let people: HashSet<_> = self.open().values().map(|open| open.person).collect();
        for person in people {
            let there = store.sessions(person, self.ends()).await?;
            let is_over = |session| there.iter().all(|there| there.id != session);
            self.open().retain(|session, open| {
                let ends = open.person == person && is_over(*session);
                if ends {
                    open.ended.cancel();
                }
                !ends
            });
        }
        Ok(())
    }

    /// Removes what is over, now and then. Ends with `stopping`.
    pub async fn keep_house(self: Arc<Self>, stopping: CancellationToken) {
        let mut looks = 0_u32;
        while tokio::time::timeout(LOOK, stopping.cancelled()).await.is_err() {
            looks = looks.wrapping_add(1);
            let looked = self.look_again().await;
            let swept = if looks.is_multiple_of(SWEPT_EACH) { self.sweep().await } else { Ok(()) };
            if let Err(error) = looked.and(swept) {
                tracing::warn!(%error, "could not see to sessions and keys that are over");
            }
        }
    }
}

/// Why a program that is to be paired has no key, or none yet.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceFault {
    /// Nobody has decided.
    #[error("nobody has typed the code yet: ask again")]
    Pending,
    /// It asks too often.
    #[error("this is asked too often: wait five seconds longer each time")]
    SlowDown,
    /// Somebody said no.
    #[error("it was not allowed")]
    Denied,
    /// There is no such code, or its time is over.
    #[error("there is no such code, or its ten minutes are over: begin anew")]
    Expired,
    /// Something else.
    #[error(transparent)]
    Other(#[from] HttpError),
}

impl From<StoreError> for DeviceFault {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

fn scope_of(word: &str) -> Option<Scope> {
    super::SCOPES.into_iter().find(|scope| scope_name(*scope) == word)
}

fn too_many_keys() -> HttpError {
    let text = format!("an account has {} keys at the most: revoke one that is not needed", raidcast_store::KEYS_MAX);
    HttpError::Conflict(text)
}

fn line_of(row: &KeyRow) -> KeyLine {
    KeyLine {
        id: row.id.0,
        account: row.account.0,
        name: row.name.clone(),
        scopes: Scopes::of_bits(row.scopes).listed(),
        visibility: row.visibility,
        uploads_per_day: row.uploads_per_day,
        created_at_ms: row.created_at_ms,
        ends_at_ms: row.ends_at_ms,
        used_at_ms: row.used_at_ms,
    }
}

fn invitation_line(invitation: Invitation) -> InvitationLine {
    let Invitation { digest, role, note, made_by: _, created_at_ms, ends_at_ms, left } = invitation;
    InvitationLine { id: hex(&digest), role, note, left, created_at_ms, ends_at_ms }
}

/// A name that somebody may have.
fn good_name(text: &str) -> Result<String, HttpError> {
    let name = text.trim();
    let is_long_enough =
        NAME_CHARS.contains(&name.chars().count()) && fold(name).chars().count() >= *NAME_CHARS.start();
    if !is_long_enough || !is_name(name, *NAME_CHARS.end()) {
        return Err(invalid("a name has 2 to 32 letters, digits or signs: choose another"));
    }
    Ok(name.to_owned())
}

fn good_password(password: String, name: &str) -> Result<String, HttpError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(invalid("a password has 10 characters at the least: some words in a row are good"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(invalid("this password is too long: it has 512 bytes at the most"));
    }
    if fold(&password) == fold(name.trim()) {
        return Err(invalid("this password is your name: choose another"));
    }
    Ok(password)
}

fn good_note(text: &str, chars_min: usize, what: &str) -> Result<String, HttpError> {
    let note = text.trim();
    if note.chars().count() < chars_min || !is_name(note, NOTE_CHARS_MAX) {
        let text = format!("{what} must have {chars_min} to {NOTE_CHARS_MAX} characters, without line breaks");
        return Err(HttpError::BadRequest(text));
    }
    Ok(note.to_owned())
}
