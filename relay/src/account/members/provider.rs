//! Who comes by a provider: to sign in, to join, or to add this way to his account.
//!
//! One invariant: what a provider says counts once, in the browser that asked for it, and for that for which it was asked.
//! Accounts are never put together by what they have in common, like an address for mail.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use raidcast_shared::account::{
    Errand, Newcomer, NewcomerForm, ProviderForm, ProviderLine, ProviderTrip, SignInFault, WayLine, WayList,
};
use raidcast_shared::id::hex;
use raidcast_store::name::fold;
use raidcast_store::{Adding, NewPerson, PersonId, SignIn, Subject};
use serde::Deserialize;
use tracing::Instrument as _;

use super::enter::good_name;
use super::trip::{Stranger, Trip};
use super::{Entered, Members, SignedIn, digest, invalid, too_often};
use crate::account::cookie::Brief;
use crate::account::provider::{Identity, LASTS_MS, Provider, ProviderFault};
use crate::account::same_digest;
use crate::account::tries::Brings;
use crate::edge::Address;
use crate::error::HttpError;
use crate::metrics::{SignInOutcome, SignInWay};

/// Bytes of an invitation's secret, and of a page's address, at the most: they are held until somebody comes back.
const INVITATION_BYTES_MAX: usize = 128;
const NEXT_BYTES_MAX: usize = 512;
/// Bytes of a code at the most: some providers' are long.
const CODE_BYTES_MAX: usize = 4_096;

/// What a browser brings from a provider.
#[derive(Clone, Default, Deserialize)]
pub struct Arrival {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Where a browser is led that came from a provider.
pub struct Arrived {
    /// The address of a page, without its host.
    pub to: String,
    /// Its cookies.
    pub cookies: Vec<HeaderValue>,
    /// After so many seconds he may come again.
    pub retry_s: Option<u32>,
}

/// What came of it.
enum Came {
    Entered(Entered, Option<String>),
    Unknown(Box<Stranger>, Option<String>),
    Added,
}

/// Why it did not, and what it was for.
struct TurnedBack {
    errand: Errand,
    fault: SignInFault,
    /// After so many seconds he may come again.
    retry_s: Option<u32>,
    /// Where he wanted to go, of who began here.
    next: Option<String>,
}

impl TurnedBack {
    fn of(errand: Errand, fault: SignInFault) -> Self {
        Self { errand, fault, retry_s: None, next: None }
    }

    /// Of who began here: whoever wanted to go somewhere still does, however he signs in then.
    fn on(trip: &Trip, fault: SignInFault) -> Self {
        Self { next: trip.next.clone(), ..Self::of(trip.errand, fault) }
    }
}

/// For how long, in words that end a sentence.
fn in_words(seconds: u32) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "in a minute".to_owned(),
        minutes => format!("in {minutes} minutes"),
    }
}

fn line_of(provider: &Provider) -> ProviderLine {
    ProviderLine { id: provider.id.clone(), title: provider.title.clone() }
}

/// What is told of it, beside what the log has.
fn fault_of(fault: &ProviderFault) -> SignInFault {
    match fault {
        ProviderFault::Down(_) => SignInFault::ProviderDown,
        ProviderFault::Busy(_) => SignInFault::ProviderBusy,
        ProviderFault::Code(_) | ProviderFault::Wrong(_) => SignInFault::ProviderWrong,
    }
}

fn refused(error: &HttpError) -> SignInFault {
    match error {
        HttpError::NotInvited => SignInFault::NotInvited,
        HttpError::JoiningClosed => SignInFault::JoiningClosed,
        HttpError::SignedOut | HttpError::SignInAgain => SignInFault::SignInAgain,
        // What he signs in by was removed at this moment.
        HttpError::WrongSignIn => SignInFault::Ended,
        _ => SignInFault::Busy,
    }
}

/// An address of a page with words behind its `?`.
fn page(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

impl Members {
    /// The providers that are set.
    pub fn providers(&self) -> Vec<ProviderLine> {
        self.providers.all().iter().map(line_of).collect()
    }

    /// Asks each of them once, so that the log says what is not right.
    pub async fn look_at_providers(&self) {
        self.providers.look(|provider| self.redirect_uri(provider)).await;
    }

    fn redirect_uri(&self, provider: &Provider) -> String {
        format!("{}/sign-in/{}/callback", self.context.public_url, provider.id)
    }

    /// Sends a browser to a provider.
    ///
    /// # Errors
    /// `NotFound` if there is no such provider, `ForeignPage`, `Conflict` by another address than the relay's own, `TooMany`,
    /// `Unavailable` if the provider does not answer; of who adds a way `SignedOut`, `SignInAgain`, and `Conflict` if he has one.
    pub async fn go_to_provider(
        &self,
        id: &str,
        form: ProviderForm,
        headers: &HeaderMap,
        address: Address,
    ) -> Result<(ProviderTrip, HeaderValue), HttpError> {
        // Or another site signs somebody in as somebody else.
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        let provider = self.providers.find(id).ok_or(HttpError::NotFound)?;
        if !self.cookies.is_at_home(headers) {
            let home = &self.context.public_url;
            let text = format!("a provider leads back to {home}/sign-in: open that page, and sign in there");
            return Err(HttpError::Conflict(text));
        }
        let ProviderForm { errand, invitation, next } = form;
        let is_short = |text: &Option<String>, bytes| text.as_ref().is_none_or(|text| text.len() <= bytes);
        if !is_short(&invitation, INVITATION_BYTES_MAX) || !is_short(&next, NEXT_BYTES_MAX) {
            return Err(invalid(
                "`invitation` or `next` is too long: leave `next` out, and check the invitation's link",
            ));
        }
        let who = match errand {
            Errand::Enter => None,
            Errand::Again | Errand::Add => Some(self.signed_in(headers).await?),
        };
        let brings = Brings::of(who.as_ref().map(SignedIn::person), address);
        self.tries.by_provider(address, brings, id).map_err(too_often)?;
        if let (Errand::Add, Some(who)) = (errand, &who) {
            self.fresh(who)?;
            if self.signs_in_by(who.person(), id).await? {
                let text = format!("you sign in by {} already: remove that way first to add another", provider.title);
                return Err(HttpError::Conflict(text));
            }
        }
        let random = || hex(&self.context.entropy.bytes::<32>());
        let browser = random();
        let trip = Trip {
            provider: id.to_owned(),
            browser: digest(browser.as_bytes()),
            nonce: random(),
            verifier: random(),
            errand,
            who: who.map(|who| (who.person(), who.session.id)),
            invitation: invitation.filter(|secret| !secret.is_empty()),
            next,
        };
        let redirect_uri = self.redirect_uri(provider);
        let state = self.trips.keep(trip.clone(), address, self.now_ms());
        let url = provider.address(&trip.with(&state, &redirect_uri)).await.map_err(|why| {
            tracing::warn!(provider = id, %why, "nobody can be sent to a provider");
            self.context.metrics.signed_in(provider.way(), SignInOutcome::Failed);
            let title = &provider.title;
            let (text, retry_s) = match why {
                ProviderFault::Code(_) | ProviderFault::Wrong(_) => (
                    format!(
                        "{title} cannot be used now: the relay's administrator finds the reason in its log. Sign in otherwise if you can"
                    ),
                    10,
                ),
                ProviderFault::Busy(seconds) => (
                    format!(
                        "{title} is asked too often and wants to be left alone: try again {}, or sign in otherwise if you can",
                        in_words(seconds)
                    ),
                    seconds,
                ),
                ProviderFault::Down(_) => (format!("{title} does not answer now: try again in a moment"), 10),
            };
            HttpError::Unavailable { text, retry_s }
        })?;
        let cookie = self.cookies.set_brief(headers, Brief::Trip, &browser, LASTS_MS / 1_000);
        Ok((ProviderTrip { url }, cookie.ok_or(HttpError::Internal)?))
    }

    /// Whether people can sign in so: by a password, or by a provider that is set.
    pub(super) fn is_set(&self, provider: &str) -> bool {
        provider.is_empty() || self.providers.find(provider).is_some()
    }

    async fn signs_in_by(&self, person: PersonId, provider: &str) -> Result<bool, HttpError> {
        let subjects = self.context.store.subjects(person).await?;
        Ok(subjects.iter().any(|subject| subject.provider == provider))
    }

    /// Somebody comes back from a provider. `None`: what he brings cannot be read.
    pub async fn arrive(
        self: &Arc<Self>,
        id: &str,
        arrival: Option<Arrival>,
        headers: &HeaderMap,
        address: Address,
    ) -> Arrived {
        let mut is_his = false;
        let came = self.come(id, arrival.unwrap_or_default(), headers, address, &mut is_his).await;
        let retry_s = came.as_ref().err().and_then(|fault| fault.retry_s);
        let way = self.providers.find(id).map(Provider::way);
        let count = |outcome| way.iter().for_each(|way| self.context.metrics.signed_in(*way, outcome));
        // It is good for nothing any more, unless it is of another trip: that of another tab.
        let cookie = is_his.then(|| self.cookies.set_brief(headers, Brief::Trip, "", 0)).flatten();
        let mut cookies: Vec<_> = cookie.into_iter().collect();
        let to = match came {
            Ok(Came::Entered(entered, next)) => {
                count(SignInOutcome::Entered);
                cookies.extend(entered.cookies);
                page("/sign-in", &[("entered", id), ("next", next.as_deref().unwrap_or("/account"))])
            }
            Ok(Came::Unknown(stranger, next)) => {
                let secret = self.strangers.keep(*stranger, address, self.now_ms());
                let seconds = LASTS_MS / 1_000;
                cookies.extend(self.cookies.set_brief(headers, Brief::Newcomer, &secret, seconds));
                page("/sign-in", &[("newcomer", id), ("next", next.as_deref().unwrap_or("/account"))])
            }
            Ok(Came::Added) => {
                count(SignInOutcome::Added);
                page("/account", &[("added", id)])
            }
            Err(TurnedBack { errand, fault, retry_s, next }) => {
                count(match fault {
                    SignInFault::ProviderDown
                    | SignInFault::ProviderBusy
                    | SignInFault::ProviderWrong
                    | SignInFault::Busy => SignInOutcome::Failed,
                    _ => SignInOutcome::Refused,
                });
                let (path, next) = match errand {
                    Errand::Enter => ("/sign-in", next),
                    Errand::Again | Errand::Add => ("/account", None),
                };
                let fault = serde_json::to_value(fault).ok();
                let fault = fault.as_ref().and_then(|fault| fault.as_str()).unwrap_or_default();
                let wait = retry_s.map(|seconds| seconds.to_string());
                let mut query = vec![("fault", fault), ("provider", self.providers.find(id).map_or("", |_| id))];
                query.extend(wait.as_ref().map(|wait| ("wait", wait.as_str())));
                query.extend(next.as_ref().map(|next| ("next", next.as_str())));
                page(path, &query)
            }
        };
        Arrived { to, cookies, retry_s }
    }

    /// `is_his`: whether this browser began what it comes back from.
    async fn come(
        self: &Arc<Self>,
        id: &str,
        arrival: Arrival,
        headers: &HeaderMap,
        address: Address,
        is_his: &mut bool,
    ) -> Result<Came, TurnedBack> {
        let entering = |fault| TurnedBack::of(Errand::Enter, fault);
        let state = arrival.state.as_deref().unwrap_or_default();
        let trip = self.trips.look(state, self.now_ms()).ok_or(entering(SignInFault::Ended))?;
        let browser = self.cookies.read_brief(headers, Brief::Trip).map(|browser| digest(browser.as_bytes()));
        if !browser.is_some_and(|browser| same_digest(&browser, &trip.browser)) {
            return Err(TurnedBack::of(trip.errand, SignInFault::OtherBrowser));
        }
        *is_his = true;
        // Once, whatever comes of it.
        self.trips.take(state, self.now_ms()).ok_or(entering(SignInFault::Ended))?;
        let (members, id, began) = (Arc::clone(self), id.to_owned(), trip.clone());
        // To its end, also where the browser breaks off: what the provider says of the code counts for who brought it,
        // and until then he has a place of those who are looked up.
        let asking = async move { members.ask_who(&id, &began, arrival, address).await };
        let asked = tokio::spawn(asking.in_current_span()).await;
        let identity = asked.unwrap_or_else(|_| Err(TurnedBack::on(&trip, SignInFault::Busy)))?;
        self.known_as(&trip, identity, headers).await.map_err(|fault| TurnedBack::on(&trip, fault))
    }

    /// Asks a provider who it is that comes from it.
    async fn ask_who(&self, id: &str, trip: &Trip, arrival: Arrival, address: Address) -> Result<Identity, TurnedBack> {
        let Arrival { code, iss, error, .. } = arrival;
        let fault = |fault| TurnedBack::on(trip, fault);
        let provider = self.providers.find(id).filter(|provider| provider.id == trip.provider);
        let provider = provider.ok_or(fault(SignInFault::OtherProvider))?;
        let _permit = provider.asking.try_acquire().map_err(|_| fault(SignInFault::Busy))?;
        let failed = |why: ProviderFault| {
            tracing::warn!(provider = id, %why, "a provider did not say who somebody is");
            let retry_s = if let ProviderFault::Busy(seconds) = why { Some(seconds) } else { None };
            TurnedBack { retry_s, ..fault(fault_of(&why)) }
        };
        if !self.providers.is_from(provider, iss.as_deref()).await.map_err(failed)? {
            tracing::warn!(provider = id, "what came back to a provider's address names another issuer, or none");
            return Err(fault(SignInFault::OtherProvider));
        }
        if let Some(error) = error {
            let error = raidcast_shared::text::clean(&error, 40);
            if error == "access_denied" {
                return Err(fault(SignInFault::Denied));
            }
            return Err(failed(ProviderFault::Wrong(format!("it answers with the error `{error}`"))));
        }
        let code = code.filter(|code| !code.is_empty() && code.len() <= CODE_BYTES_MAX);
        let code = code.ok_or_else(|| failed(ProviderFault::Wrong("it sends no code".into())))?;
        let redirect_uri = self.redirect_uri(provider);
        // Each code makes the relay ask: who brings many that are none waits.
        let brings = Brings::of(trip.who.map(|(person, _)| person), address);
        let brought = self
            .tries
            .brings_code(brings, id)
            .map_err(|later| TurnedBack { retry_s: Some(later.seconds()), ..fault(SignInFault::TooOften) })?;
        let found = provider.identity(&trip.with("", &redirect_uri), &code).await;
        if matches!(found, Err(ProviderFault::Code(_))) {
            brought.refused();
        }
        found.map_err(failed)
    }

    /// What becomes of somebody of whom a provider says who he is.
    async fn known_as(
        self: &Arc<Self>,
        trip: &Trip,
        identity: Identity,
        headers: &HeaderMap,
    ) -> Result<Came, SignInFault> {
        let subject = Subject { provider: trip.provider.clone(), subject: identity.subject.clone() };
        if trip.errand == Errand::Add {
            return self.add(trip, subject, headers).await;
        }
        let found = self.context.store.sign_in(&subject).await.map_err(|error| refused(&error.into()))?;
        // Who signs in again is the same as before, or it is somebody else's browser.
        let others = trip.who.filter(|(person, _)| found.as_ref().is_none_or(|found| found.person != *person));
        if others.is_some() {
            return Err(SignInFault::SomebodyElses);
        }
        let Some(found) = found else {
            self.may_join(trip.invitation.as_deref()).await.map_err(|error| refused(&error))?;
            let (provider, invitation) = (trip.provider.clone(), trip.invitation.clone());
            return Ok(Came::Unknown(Box::new(Stranger { provider, identity, invitation }), trip.next.clone()));
        };
        // Asked to make sure, it has, as far as it can.
        let shows = trip.errand == Errand::Again || identity.is_recent;
        let entered = self.enter_as(subject, found, shows, headers).await.map_err(|error| refused(&error))?;
        Ok(Came::Entered(entered, trip.next.clone()))
    }

    async fn enter_as(
        self: &Arc<Self>,
        subject: Subject,
        found: SignIn,
        shows: bool,
        headers: &HeaderMap,
    ) -> Result<Entered, HttpError> {
        let person = self.context.store.person(found.person).await?.ok_or(HttpError::SignedOut)?;
        self.begin(person.id, &person.name, Some((subject, found.secret)), shows, headers).await
    }

    /// Adds a way to sign in to the account of who began.
    async fn add(self: &Arc<Self>, trip: &Trip, subject: Subject, headers: &HeaderMap) -> Result<Came, SignInFault> {
        let who = self.signed_in(headers).await.map_err(|error| refused(&error))?;
        if trip.who != Some((who.person(), who.session.id)) {
            return Err(SignInFault::SignInAgain);
        }
        self.fresh(&who).map_err(|error| refused(&error))?;
        let adding = self.whole(move |members| async move {
            members.still(&who.digest).await?;
            if members.signs_in_by(who.person(), &subject.provider).await? {
                // The same, which he has already, or another.
                let found = members.context.store.sign_in(&subject).await?;
                return Ok(if found.is_some_and(|found| found.person == who.person()) {
                    Some(Adding::Held)
                } else {
                    None
                });
            }
            let added = members.context.store.add_sign_in(who.person(), &subject).await?;
            if added == Adding::Added {
                tracing::info!(person = who.person().0, provider = subject.provider, "somebody added a way to sign in");
            }
            Ok(Some(added))
        });
        match adding.await.map_err(|error| refused(&error))? {
            Some(Adding::Added | Adding::Held) => Ok(Came::Added),
            Some(Adding::Taken) => Err(SignInFault::SomebodyElses),
            None => Err(SignInFault::HasAnother),
        }
    }

    /// Who came from a provider with this browser, and has not joined yet.
    ///
    /// # Errors
    /// `NotFound` if nobody did, or too long ago.
    pub fn newcomer(&self, headers: &HeaderMap) -> Result<Newcomer, HttpError> {
        let secret =
            self.cookies.read_brief(headers, Brief::Newcomer).filter(|_| !self.cookies.is_foreign_page(headers));
        let stranger =
            secret.and_then(|secret| self.strangers.look(secret, self.now_ms())).ok_or(HttpError::NotFound)?;
        let provider = self.providers.find(&stranger.provider).ok_or(HttpError::NotFound)?;
        Ok(Newcomer { provider: line_of(provider), name: stranger.identity.name })
    }

    /// Has who came from a provider join, and signs him in.
    ///
    /// # Errors
    /// `NotFound` if nobody did, what is wrong with his name, `Taken`, `NotInvited`, `TooMany`.
    pub async fn join_as_newcomer(
        self: &Arc<Self>,
        form: NewcomerForm,
        headers: &HeaderMap,
        address: Address,
    ) -> Result<Entered, HttpError> {
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        let secret = self.cookies.read_brief(headers, Brief::Newcomer).unwrap_or_default();
        let stranger = self.strangers.look(secret, self.now_ms()).ok_or(HttpError::NotFound)?;
        let way = self.providers.find(&stranger.provider).map_or(SignInWay::OpenId, Provider::way);
        let joined = self.join_stranger(&stranger, &form.name, headers, address).await;
        self.count(way, SignInOutcome::Joined, &joined);
        let mut entered = joined?;
        self.strangers.take(secret, self.now_ms());
        entered.cookies.extend(self.cookies.set_brief(headers, Brief::Newcomer, "", 0));
        Ok(entered)
    }

    async fn join_stranger(
        self: &Arc<Self>,
        stranger: &Stranger,
        name: &str,
        headers: &HeaderMap,
        address: Address,
    ) -> Result<Entered, HttpError> {
        let name = good_name(name)?;
        self.tries.by_address(address).map_err(too_often)?;
        self.may_join(stranger.invitation.as_deref()).await?;
        self.tries.joins(address, stranger.invitation.is_some()).map_err(too_often)?;
        let subject = Subject { provider: stranger.provider.clone(), subject: stranger.identity.subject.clone() };
        let new = NewPerson {
            subject: subject.clone(),
            name_key: fold(&name),
            name,
            secret: None,
            channel: self.context.entropy.code(8),
            invitation: stranger.invitation.as_ref().map(|secret| digest(secret.as_bytes())),
            now_ms: self.now_ms(),
        };
        let joined = self.keep_new(&new, headers).await;
        // Not the name, but he himself: he has joined in another window.
        if matches!(joined, Err(HttpError::Taken)) && self.context.store.sign_in(&subject).await?.is_some() {
            return Err(HttpError::Conflict("you have joined already: sign in".into()));
        }
        joined
    }

    /// How somebody signs in.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn ways(&self, who: &SignedIn) -> Result<WayList, HttpError> {
        let subjects = self.context.store.subjects(who.person()).await?;
        let works = |id: &str| self.is_set(id);
        let is_left_without = |id: &str| subjects.iter().any(|other| other.provider != id && works(&other.provider));
        let mut ways: Vec<WayLine> = Vec::new();
        for Subject { provider: id, .. } in &subjects {
            let provider = self.providers.find(id).map(line_of);
            // One that is set no more has no title.
            let provider =
                provider.or_else(|| (!id.is_empty()).then(|| ProviderLine { id: id.clone(), title: id.clone() }));
            let line = WayLine { provider, works: works(id), removable: !id.is_empty() && is_left_without(id) };
            if ways.last() != Some(&line) {
                ways.push(line);
            }
        }
        let has = |provider: &&Provider| subjects.iter().any(|subject| subject.provider == provider.id);
        let addable = self.providers.all().iter().filter(|provider| !has(provider)).map(line_of).collect();
        Ok(WayList { ways, addable })
    }

    /// Removes a way in which somebody signs in, and ends all of his sessions but this one.
    ///
    /// # Errors
    /// `NotFound` if he has no such one, `Conflict` if no other is left, `SignInAgain`.
    pub async fn remove_way(self: &Arc<Self>, who: &SignedIn, id: &str) -> Result<(), HttpError> {
        self.fresh(who)?;
        let (who, id) = (who.clone(), id.to_owned());
        self.whole(move |members| async move {
            members.still(&who.digest).await?;
            let there = members.ways(&who).await?.ways;
            let is_it = |way: &&WayLine| way.provider.as_ref().is_some_and(|provider| provider.id == id);
            let way = there.iter().find(is_it).ok_or(HttpError::NotFound)?;
            if !way.removable || !members.context.store.remove_sign_ins(who.person(), &id).await? {
                let text = "this is the last way in which you can sign in: add another first".to_owned();
                return Err(HttpError::Conflict(text));
            }
            members.context.store.end_other_sessions(who.person(), who.session.id).await?;
            members.end_open_others(&who);
            tracing::info!(person = who.person().0, provider = id, "somebody removed a way to sign in");
            Ok(())
        })
        .await
    }
}
