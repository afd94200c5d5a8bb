//! How somebody goes, and what administrators see: people, who changed what, who asks to be removed.
//!
//! One invariant: who goes is let in by nothing any more when it is answered, and what he had open has ended. His rows are
//! erased after that ([`crate::erase`]).

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use raidcast_shared::account::Audited;
use raidcast_shared::administration::{
    AuditLine, AuditPage, PersonLine, PersonList, RemovalForm, RemovalLine, RemovalList,
};
use raidcast_store::{AccountId, AuditRow, Erasure, Invitation, Leaving, NewRemoval, Note, Person, PersonId, Removal};
use serde_json::{Value, json};

use super::{Members, SignedIn, invalid, too_often};
use crate::account::tries::Try;
use crate::edge::{Address, Later};
use crate::error::HttpError;
use crate::jobs::LEASE_MS;

/// Lines of a page of people, and of notes.
const PAGE: u32 = 100;
/// Characters of a player's name.
const PLAYER_CHARS_MAX: usize = 64;
/// Characters of links.
const LINKS_CHARS_MAX: usize = 2_000;
/// Characters of an address for answers.
const CONTACT_CHARS_MAX: usize = 200;
/// Characters of a message.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What there is to say of a person beside his raids.
pub struct Facts {
    /// Who.
    pub person: PersonId,
    /// His accounts.
    pub accounts: Vec<AccountId>,
    /// As an archive of all that is held about him says it.
    pub about: Value,
}

impl Members {
    fn note(&self, who: &SignedIn, what: Audited, about: Option<i64>) -> Note {
        Note { by: Some(who.person()), key: None, what, about, at_ms: self.now_ms() }
    }

    /// Ends all that lets him in; he is to be erased then.
    ///
    /// # Errors
    /// `SignInAgain`; `Conflict` for the last administrator.
    pub async fn leave(self: &Arc<Self>, who: &SignedIn) -> Result<PersonId, HttpError> {
        self.fresh(who)?;
        let note = self.note(who, Audited::PersonLeft, Some(who.person().0));
        self.end(who, who.person(), note).await
    }

    /// The same of somebody, by an administrator.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, `NotFound`; `Conflict` for the last administrator.
    pub async fn remove(self: &Arc<Self>, who: &SignedIn, person: i64) -> Result<PersonId, HttpError> {
        Self::administrates(who)?;
        self.fresh(who)?;
        let note = self.note(who, Audited::PersonRemoved, Some(person));
        self.end(who, PersonId(person), note).await
    }

    async fn end(self: &Arc<Self>, who: &SignedIn, person: PersonId, note: Note) -> Result<PersonId, HttpError> {
        let digest = who.digest;
        self.whole(move |members| async move {
            members.still(&digest).await?;
            let (store, now_ms) = (&members.context.store, members.now_ms());
            let job = Erasure::Person(person).job(AccountId(0), now_ms, now_ms.saturating_add(LEASE_MS));
            match store.begin_leaving(person, &job, note).await? {
                Leaving::Begun => {}
                Leaving::NotThere => return Err(HttpError::NotFound),
                Leaving::LastAdministrator => return Err(last_administrator()),
            }
            members.keys.reconcile(store.keys(now_ms).await?);
            members.end_open_of(person);
            tracing::info!(person = person.0, "somebody goes, with all that is his");
            Ok(person)
        })
        .await
    }

    /// Counts an archive of somebody's. Whoever asks for one after the other would push out of the list who changed what, for
    /// that each is noted there.
    ///
    /// # Errors
    /// `TooMany`.
    pub(super) fn asks_archive(&self, who: &SignedIn) -> Result<(), HttpError> {
        let text = "you were given as many archives as one person may be for now: wait, and ask again";
        let too_many = |later: Later| HttpError::TooMany { text: text.into(), retry_s: later.seconds() };
        self.tries.by_person(who.person(), Try::Archive).map_err(too_many)
    }

    /// What is held about him beside his raids; that he asked is noted.
    ///
    /// # Errors
    /// `SignInAgain`, `TooMany`.
    pub async fn facts(&self, who: &SignedIn) -> Result<Facts, HttpError> {
        self.fresh(who)?;
        self.asks_archive(who)?;
        let store = &self.context.store;
        let person = who.person();
        let own = |invitation: &Invitation| invitation.made_by == Some(person);
        let invitations = store.invitations(self.now_ms()).await?.into_iter().filter(own);
        let invitations = invitations.map(|made| {
            let Invitation { role, note, created_at_ms, ends_at_ms, left, .. } = made;
            json!({"role": role, "note": note, "createdAtMs": created_at_ms, "endsAtMs": ends_at_ms, "left": left})
        });
        let subjects = store.subjects(person).await?.into_iter();
        let ways = subjects.map(|way| json!({"provider": way.provider, "subject": way.subject}));
        let accounts = self.accounts(who).await?;
        let used = store.used().await?.into_iter().filter(|used| accounts.contains(&used.account));
        let limits = used.map(
            |used| json!({"account": used.account.0, "what": used.what, "sinceMs": used.since_ms, "used": used.used}),
        );
        let about = json!({
            "person": person.0,
            "me": self.me(who).await?,
            "ways": ways.collect::<Vec<_>>(),
            "sessions": self.sessions(who).await?,
            "keys": self.keys(who).await?,
            "invitations": invitations.collect::<Vec<_>>(),
            "limits": limits.collect::<Vec<_>>(),
            "characters": self.characters(who).await?,
        });
        store.note(self.note(who, Audited::PersonExported, Some(person.0))).await?;
        Ok(Facts { person, accounts, about })
    }

    /// Who signs in.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn people(&self, who: &SignedIn, after: Option<i64>) -> Result<PersonList, HttpError> {
        Self::administrates(who)?;
        let people = self.context.store.people(after.map(PersonId), PAGE).await?;
        let next = (people.len() == PAGE as usize).then(|| people.last().map(|person| person.id.0)).flatten();
        let line = |Person { id, name, role, created_at_ms }| PersonLine {
            id: id.0,
            name,
            role,
            created_at_ms,
            is_self: id == who.person(),
        };
        Ok(PersonList { people: people.into_iter().map(line).collect(), next })
    }

    /// Who changed what.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn audit(&self, who: &SignedIn, before: Option<i64>) -> Result<AuditPage, HttpError> {
        Self::administrates(who)?;
        let store = &self.context.store;
        let rows = store.audit(before, PAGE).await?;
        let next = (rows.len() == PAGE as usize).then(|| rows.last().map(|row| row.row)).flatten();
        let keys = self.keys.names(&rows.iter().filter_map(|row| row.note.key).collect());
        let mut names = HashMap::new();
        let mut lines = Vec::with_capacity(rows.len());
        for AuditRow { row, note: Note { by, key, what, about, at_ms } } in rows {
            let by_name = self.name_of(by, &mut names).await?;
            let person = about.filter(|_| what.is_about_person()).map(PersonId);
            let about_name = self.name_of(person, &mut names).await?;
            lines.push(AuditLine {
                id: row,
                at_ms,
                by: by.map(|by| by.0),
                by_name,
                key: key.map(|key| key.0),
                key_name: key.and_then(|key| keys.get(&key).cloned()),
                what,
                about,
                about_name,
            });
        }
        Ok(AuditPage { lines, next })
    }

    /// The name of somebody, if he is there; each is looked up once.
    async fn name_of(
        &self,
        person: Option<PersonId>,
        known: &mut HashMap<PersonId, Option<String>>,
    ) -> Result<Option<String>, HttpError> {
        let Some(person) = person else { return Ok(None) };
        if let Some(name) = known.get(&person) {
            return Ok(name.clone());
        }
        let name = self.context.store.person(person).await?.map(|person| person.name);
        known.insert(person, name.clone());
        Ok(name)
    }

    /// Keeps what a player asks for.
    ///
    /// # Errors
    /// `ForeignPage`, what is wrong with it, `TooMany`; `Unavailable` where as many are open as may be.
    pub async fn ask_removal(&self, form: RemovalForm, headers: &HeaderMap, address: Address) -> Result<(), HttpError> {
        if !self.cookies.is_own_page(headers) {
            return Err(HttpError::ForeignPage);
        }
        let asked = NewRemoval {
            player: text(&form.player, 1, PLAYER_CHARS_MAX, "`player`")?,
            links: text(&form.links, 0, LINKS_CHARS_MAX, "`links`")?,
            contact: text(&form.contact, 0, CONTACT_CHARS_MAX, "`contact`")?,
            message: text(&form.message, 0, MESSAGE_CHARS_MAX, "`message`")?,
            created_at_ms: self.now_ms(),
        };
        self.tries.asks_removal(address).map_err(too_often)?;
        if self.context.store.ask_removal(&asked).await? {
            return Ok(());
        }
        let text = "this relay holds as many requests as it may: try again in some days, or write to its operator";
        Err(HttpError::Unavailable { text: text.into(), retry_s: 3_600 })
    }

    /// Requests that are open.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn removals(&self, who: &SignedIn) -> Result<RemovalList, HttpError> {
        Self::administrates(who)?;
        let line = |Removal { row, asked }| {
            let NewRemoval { player, links, contact, message, created_at_ms } = asked;
            RemovalLine { id: row, player, links, contact, message, created_at_ms }
        };
        Ok(RemovalList { removals: self.context.store.removals().await?.into_iter().map(line).collect() })
    }

    /// Closes a request: nothing of it is kept.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`.
    pub async fn close_removal(&self, who: &SignedIn, id: i64) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let note = self.note(who, Audited::RemovalClosed, None);
        if self.context.store.close_removal(id, note).await? { Ok(()) } else { Err(HttpError::NotFound) }
    }
}

fn last_administrator() -> HttpError {
    let text = "nobody else administrates this relay: invite another administrator first";
    HttpError::Conflict(text.into())
}

/// Text of some lines, without other control characters.
fn text(text: &str, chars_min: usize, chars_max: usize, what: &str) -> Result<String, HttpError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let count = text.chars().count();
    if count < chars_min || count > chars_max || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid(&format!(
            "{what} must have {chars_min} to {chars_max} characters, without control characters"
        )));
    }
    Ok(text.to_owned())
}
