//! People: how they join, sign in and out, and see to their sessions, keys and invitations.
//!
//! Two invariants. What changes anything takes a [`SignedIn`], which is made of a cookie that a page of our own sent; what
//! makes secrets takes one that signed in a moment ago. And what changes the store and memory together is done by one at a
//! time, and to its end also where nobody waits for it any more (`Members::whole`): so neither a password that was changed
//! nor a key that was revoked lives on in the other of both. Deliberately not here: who may see a raid.

mod account;
mod character;
mod enter;
mod invitation;
mod key;
mod leaving;
mod limits;
mod pairing;
mod player;
mod provider;
mod session;
mod trip;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use raidcast_shared::account::{Me, Registration, Role};
use raidcast_shared::id::hex;
use raidcast_shared::text::is_label;
use raidcast_store::{AccountId, PersonId, Session, SessionEnds, SessionId};
use tokio_util::sync::CancellationToken;

pub use self::invitation::FirstLink;
pub use self::leaving::Facts;
pub use self::pairing::DeviceFault;
pub use self::player::{CharacterHolder, PlayerFacts};
pub use self::provider::{Arrival, Arrived};
use self::trip::{Stranger, Trip};
use super::keyring::Keyring;
use super::pairing::Pairings;
use super::password::Passwords;
use super::provider::{Bounds, ProviderSetting, Providers, Waiting};
use super::tries::Tries;
use super::{Cookies, digest};
use crate::context::Context;
use crate::edge::Later;
use crate::error::HttpError;
use crate::limits::REMOVALS_KEPT_MS;
use crate::quota::DAY_MS;

/// A session that was not used for so long is over, ms.
const IDLE_MS: i64 = 14 * DAY_MS;
/// A session is over after so long, ms.
const SESSION_MS: i64 = 90 * DAY_MS;
/// For so long after signing in somebody may make secrets, ms.
const FRESH_MS: i64 = 15 * 60 * 1_000;
/// That a session was used is noted so often, ms.
const USE_NOTED_MS: i64 = 3_600_000;

/// How often it is looked what the store has.
const LOOK: Duration = Duration::from_mins(1);
/// What is over is removed each so many looks.
const SWEPT_EACH: u32 = 60;

/// Who changed what is kept for so long, ms.
const AUDIT_MS: i64 = 365 * DAY_MS;
/// Characters of what a key or an invitation is called.
const NOTE_CHARS_MAX: usize = 64;

/// Somebody who is signed in: what sees to his own takes one.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::account::SignedIn;
///
/// fn anybody(session: raidcast_store::Session) -> SignedIn {
///     SignedIn { session, digest: [0; 32], fresh_until_ms: i64::MAX }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: Session,
    digest: [u8; 32],
    /// Until when it counts that he has just shown who he is, Unix ms.
    fresh_until_ms: i64,
}

impl SignedIn {
    /// Who he is.
    pub fn person(&self) -> PersonId {
        self.session.person
    }

    fn is_fresh(&self, now_ms: i64) -> bool {
        now_ms < self.fresh_until_ms
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
    pub cookies: Vec<HeaderValue>,
}

/// See the module's page.
pub struct Members {
    context: Arc<Context>,
    /// Of sessions by which something is open: cancelled when they end.
    open: Mutex<HashMap<SessionId, Open>>,
    /// Sessions that were begun by who showed who he is, until when that counts. A start forgets them: who needs it signs in
    /// again.
    shown: Mutex<HashMap<SessionId, i64>>,
    keys: Arc<Keyring>,
    cookies: Cookies,
    passwords: Passwords,
    pairings: Pairings,
    providers: Providers,
    /// Who is at a provider.
    trips: Waiting<Trip>,
    /// Who came from one, and has not joined.
    strangers: Waiting<Stranger>,
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
    pub fn new(
        context: Arc<Context>,
        keys: Arc<Keyring>,
        registration: Registration,
        providers: &[ProviderSetting],
    ) -> Self {
        let (cookies, passwords) = (Cookies::of(&context.public_url), Passwords::new(context.entropy.clone()));
        let pairings = Pairings::new(context.entropy.clone());
        let providers = Providers::new(providers, &context.public_url, &context.clock);
        let waiting = || context.entropy.clone();
        let (trips, strangers) = (Waiting::new(waiting(), Bounds::SIGN_INS), Waiting::new(waiting(), Bounds::SIGN_INS));
        let (open, changing) = (Mutex::default(), tokio::sync::Mutex::default());
        Self {
            tries: Tries::new(Arc::clone(&context.hours)),
            context,
            open,
            shown: Mutex::default(),
            keys,
            cookies,
            passwords,
            pairings,
            providers,
            trips,
            strangers,
            changing,
            registration,
        }
    }

    /// Whether somebody may join, and how: for the page.
    pub fn registration(&self) -> Registration {
        self.registration
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
        Ok(Some(self.signed_in_by(session, digest)))
    }

    fn signed_in_by(&self, session: Session, digest: [u8; 32]) -> SignedIn {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // One of which nothing is known began no fresher than long ago.
        let fresh_until_ms = shown.get(&session.id).copied().unwrap_or(session.created_at_ms);
        SignedIn { session, digest, fresh_until_ms }
    }

    /// A session was begun by who showed who he is.
    fn shows(&self, session: &Session) {
        let now_ms = self.now_ms();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, until_ms| now_ms < *until_ms);
        shown.insert(session.id, session.created_at_ms.saturating_add(FRESH_MS));
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
        match self.until(&who).await {
            Ok(ended) => Ok(Some((self.accounts(&who).await?, ended))),
            Err(HttpError::SignedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Until when somebody is signed in: what is open by his session for longer than an answer ends then.
    ///
    /// # Errors
    /// `SignedOut` if that has ended already.
    pub async fn until(&self, who: &SignedIn) -> Result<CancellationToken, HttpError> {
        let ended = {
            let open = || Open { person: who.person(), ended: CancellationToken::new() };
            self.open().entry(who.session.id).or_insert_with(open).ended.clone()
        };
        // Again: what ended before it would have been heard of is known now.
        if self.context.store.session(&who.digest, self.ends()).await?.is_none() {
            self.end_open(who.session.id);
            return Err(HttpError::SignedOut);
        }
        Ok(ended)
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

    /// The same of all of somebody's sessions.
    fn end_open_of(&self, who: PersonId) {
        self.pairings.forget(|person, _| person == who);
        self.open().retain(|_, open| {
            if open.person == who {
                open.ended.cancel();
            }
            open.person != who
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

    /// Whether somebody is still signed in who was when he asked; within `whole`.
    async fn still(&self, digest: &[u8; 32]) -> Result<(), HttpError> {
        let there = self.context.store.session(digest, self.ends()).await?;
        if there.is_some() { Ok(()) } else { Err(HttpError::SignedOut) }
    }

    /// Removes what is over: who asks is answered without it.
    async fn sweep(&self) -> Result<(), HttpError> {
        let store = &self.context.store;
        store.drop_sessions(self.ends()).await?;
        store.drop_keys(self.now_ms()).await?;
        store.drop_audit(self.now_ms().saturating_sub(AUDIT_MS)).await?;
        let unanswered = store.drop_removals(self.now_ms().saturating_sub(REMOVALS_KEPT_MS)).await?;
        if unanswered > 0 {
            tracing::warn!(unanswered, "requests for removal went that nobody had closed for half a year");
        }
        Ok(())
    }

    /// Nobody's address is remembered for longer than it takes to say that he asks too often, or than he may come back.
    fn forget_addresses(&self) {
        let now_ms = self.now_ms();
        self.pairings.sweep(now_ms);
        self.trips.sweep(now_ms);
        self.strangers.sweep(now_ms);
        self.tries.forget();
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
            self.forget_addresses();
            let looked = self.look_again().await;
            let swept = if looks.is_multiple_of(SWEPT_EACH) { self.sweep().await } else { Ok(()) };
            if let Err(error) = looked.and(swept) {
                tracing::warn!(%error, "could not see to sessions and keys that are over");
            }
        }
    }
}

fn good_note(text: &str, chars_min: usize, what: &str) -> Result<String, HttpError> {
    let note = text.trim();
    if note.chars().count() < chars_min || !is_label(note, NOTE_CHARS_MAX) {
        let text = format!(
            "{what} must have {chars_min} to {NOTE_CHARS_MAX} characters, without line breaks and invisible signs"
        );
        return Err(HttpError::BadRequest(text));
    }
    Ok(note.to_owned())
}
