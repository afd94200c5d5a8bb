//! How somebody joins, signs in and out, and changes his password.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use raidcast_shared::account::{InvitationLook, JoinForm, PasswordForm, Registration, SignInForm};
use raidcast_store::name::fold;
use raidcast_store::{Joining, NewPerson, NewSession, PersonId, SignIn, Subject};

use super::{Entered, Members, SESSION_MS, SignedIn, digest, invalid, too_often};
use crate::account::cookie::Brief;
use crate::account::name::{NAME_CHARS, is_good_name};
use crate::account::password::Whose;
use crate::account::same_digest;
use crate::account::tries::Try;
use crate::edge::{Address, Asked};
use crate::error::HttpError;
use crate::metrics::{SignInOutcome, SignInWay};

/// A browser is known for so long, s.
const KNOWN_S: i64 = 365 * 24 * 3_600;

/// Characters of a password at the least.
const PASSWORD_CHARS_MIN: usize = 10;
/// Bytes of a password at the most: it is hashed.
const PASSWORD_BYTES_MAX: usize = 512;
/// Characters that are kept of what a browser calls itself.
const AGENT_CHARS_MAX: usize = 200;

impl Members {
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
        let joined = self.join_with_password(form, headers, address).await;
        self.count(SignInWay::Password, SignInOutcome::Joined, &joined);
        joined
    }

    async fn join_with_password(
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
        self.tries.by_address(address).map_err(too_often)?;
        // Before it is counted: who is not invited takes nothing from those who are.
        self.may_join(invitation).await?;
        self.tries.joins(address, invitation.is_some()).map_err(too_often)?;
        let name_key = fold(&name);
        let new = NewPerson {
            subject: Subject { provider: String::new(), subject: name_key.clone() },
            name_key,
            name,
            secret: Some(self.passwords.digest(password, Whose::Strangers(address)).await?),
            channel: self.context.entropy.code(8),
            invitation: invitation.map(|secret| digest(secret.as_bytes())),
            now_ms: self.now_ms(),
        };
        self.keep_new(&new, headers).await
    }

    /// Whether somebody may join who has an invitation, or none. That it is good still is asked again when he does.
    pub(super) async fn may_join(&self, invitation: Option<&str>) -> Result<(), HttpError> {
        let Some(secret) = invitation else {
            return match self.registration {
                Registration::Open => self.open_to_join().await,
                Registration::Invitation | Registration::Closed => Err(HttpError::NotInvited),
            };
        };
        let digest = digest(secret.as_bytes());
        let good = self.context.store.invitations(self.now_ms()).await?;
        let found = good.iter().find(|invitation| same_digest(&invitation.digest, &digest));
        match found.ok_or(HttpError::NotInvited)?.made_by {
            Some(_) => self.open_to_join().await,
            // The relay's own: nobody else administrates it, or nobody who can sign in.
            None => Ok(()),
        }
    }

    /// Whether an invitation is good, for who opens its link; nothing of it is used.
    ///
    /// # Errors
    /// `NotInvited` whatever of it is wrong, `JoiningClosed`; `TooMany` where many of his address were none.
    pub async fn look_at_invitation(
        &self,
        look: &InvitationLook,
        headers: &HeaderMap,
        asked: &Asked,
    ) -> Result<(), HttpError> {
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        match self.may_join(Some(&look.invitation)).await {
            Err(wrong @ HttpError::NotInvited) => Err(asked.was_wrong(wrong)),
            looked => looked,
        }
    }

    /// Keeps somebody who is new, and signs him in.
    pub(super) async fn keep_new(self: &Arc<Self>, new: &NewPerson, headers: &HeaderMap) -> Result<Entered, HttpError> {
        match self.context.store.join(new).await? {
            Joining::Joined(person) => {
                tracing::info!(person = person.id.0, "somebody joined");
                // He has an account since this moment: there is nothing in it that was another's.
                self.begin(person.id, &new.name, None, true, headers).await
            }
            Joining::Taken => Err(HttpError::Taken),
            Joining::NotInvited => Err(HttpError::NotInvited),
        }
    }

    /// Counts what became of somebody who wanted in.
    pub(super) fn count<T>(&self, way: SignInWay, good: SignInOutcome, became: &Result<T, HttpError>) {
        let outcome = match became {
            Ok(_) => good,
            Err(HttpError::Unavailable { .. } | HttpError::Internal) => SignInOutcome::Failed,
            Err(_) => SignInOutcome::Refused,
        };
        self.context.metrics.signed_in(way, outcome);
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
        let entered = self.sign_in_with_password(form, headers, address).await;
        self.count(SignInWay::Password, SignInOutcome::Entered, &entered);
        entered
    }

    async fn sign_in_with_password(
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
        self.tries.by_name(&form.name, address, is_known).map_err(too_often)?;
        if form.password.len() > PASSWORD_BYTES_MAX || form.name.chars().count() > *NAME_CHARS.end() {
            return Err(HttpError::WrongSignIn);
        }
        let subject = Subject { provider: String::new(), subject: fold(form.name.trim()) };
        let found = self.context.store.sign_in(&subject).await?;
        let kept = found.as_ref().and_then(|found| found.secret.clone());
        let whose = if is_known { Whose::Known } else { Whose::Strangers(address) };
        let is_good = self.passwords.is(form.password, kept.clone(), whose).await?;
        match found {
            Some(found) if is_good => self.begin(found.person, &form.name, Some((subject, kept)), true, headers).await,
            _ => Err(HttpError::WrongSignIn),
        }
    }

    /// Begins a session. `verified`: by what, which must be so still. `shows`: whether he showed who he is at this moment,
    /// and was not only known from before.
    pub(super) async fn begin(
        self: &Arc<Self>,
        person: PersonId,
        name: &str,
        verified: Option<(Subject, Option<String>)>,
        shows: bool,
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
                && store.sign_in(&subject).await? != Some(SignIn { person, secret: kept })
            {
                return Err(HttpError::WrongSignIn);
            }
            if let Some(before) = before {
                store.end_session(before.person(), before.session.id).await?;
                members.end_open(before.session.id);
            }
            store.begin_session(&NewSession { digest, person, agent, now_ms }).await?;
            let session = store.session(&digest, members.ends()).await?.ok_or(HttpError::SignedOut)?;
            if shows {
                members.shows(&session);
            }
            Ok(members.signed_in_by(session, digest))
        });
        let me = self.me(&who.await?).await?;
        let known = self.context.secret.known(&fold(name.trim()));
        let session = self.cookies.set(headers, &secret, SESSION_MS / 1_000).ok_or(HttpError::Internal)?;
        let known = self.cookies.set_known(headers, &known, KNOWN_S).ok_or(HttpError::Internal)?;
        // Who signs in is not who left a form for joining open here.
        let newcomer = self.cookies.set_brief(headers, Brief::Newcomer, "", 0);
        Ok(Entered { me, cookies: [session, known].into_iter().chain(newcomer).collect() })
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
        if form.old.len() > PASSWORD_BYTES_MAX || !self.passwords.is(form.old, kept.clone(), Whose::Known).await? {
            return Err(HttpError::WrongSignIn);
        }
        let secret = self.passwords.digest(new, Whose::Known).await?;
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
}

/// A name that somebody may have.
pub(super) fn good_name(text: &str) -> Result<String, HttpError> {
    let name = text.trim();
    if !is_good_name(name) {
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
