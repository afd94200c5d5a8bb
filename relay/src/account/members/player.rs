//! What is held about a player of the game beside his fights, and who is given it.
//!
//! Two invariants. It is given to who has proved that the character is his by an administrator's word, and to
//! administrators; to anybody else it is as what does not exist. And what others said of him is theirs: that there is a
//! claim is told, not by whom, nor in which words. Deliberately not here: his fights ([`crate::export`]).

use raidcast_shared::account::Audited;
use raidcast_shared::character::{PlayerExportForm, ProofWay};
use raidcast_shared::id::ActorId;
use raidcast_store::{Claim, Note, PersonId, PlayerHeld, Term};
use serde_json::{Value, json};

use super::{Members, SignedIn};
use crate::error::HttpError;

/// Whose archive it is: it ends where the character is his no more.
#[derive(Clone, Copy, Debug)]
pub struct CharacterHolder {
    /// Who.
    pub person: PersonId,
    /// The character's row.
    pub character: i64,
}

/// What there is to say of a player beside his fights.
pub struct PlayerFacts {
    /// Who.
    pub player: ActorId,
    /// Who has proved that the character is his, and asks for it; `None`: an administrator asks.
    pub holder: Option<CharacterHolder>,
    /// Fights of before this row.
    pub before: Option<i64>,
    /// As an archive of all that is held about him says it.
    pub about: Value,
}

impl Members {
    /// What is held about a character of his, beside its fights; that he asked is noted.
    ///
    /// # Errors
    /// `SignInAgain`, `TooMany`; `NotFound` if he has no such one; `Conflict` if no administrator has said that it is his.
    pub async fn facts_of_character(
        &self,
        who: &SignedIn,
        id: i64,
        before: Option<i64>,
    ) -> Result<PlayerFacts, HttpError> {
        self.fresh(who)?;
        let characters = self.context.store.characters_of(who.person()).await?;
        let character = characters.into_iter().find(|held| held.row == id).ok_or(HttpError::NotFound)?;
        // A friend's word hides somebody, and tells nobody where he played.
        if character.way != ProofWay::Administrator {
            return Err(HttpError::Conflict(
                "for this an administrator has to confirm that the character is yours: claim it once more, by an \
                 administrator, or ask one for what is held about it"
                    .into(),
            ));
        }
        let holder = CharacterHolder { person: who.person(), character: id };
        self.facts_of(who, character.player, Some(holder), before).await
    }

    /// The same of any player, for an administrator who is asked for it.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, `TooMany`, what is wrong with the form; `Unknown` of a key by which nobody is known.
    pub async fn facts_of_player(&self, who: &SignedIn, form: &PlayerExportForm) -> Result<PlayerFacts, HttpError> {
        Self::administrates(who)?;
        self.fresh(who)?;
        let player = self.player_known(&form.player, form.seen_in.as_deref()).await?;
        self.facts_of(who, player, None, form.before).await
    }

    async fn facts_of(
        &self,
        who: &SignedIn,
        player: ActorId,
        holder: Option<CharacterHolder>,
        before: Option<i64>,
    ) -> Result<PlayerFacts, HttpError> {
        self.asks_archive(who)?;
        let store = &self.context.store;
        let PlayerHeld { character, claims, hidden } = store.player_held(player).await?;
        let is_his = |person: PersonId| holder.is_some_and(|holder| holder.person == person);
        let whose = character.as_ref().map(|(person, _)| person.0);
        let claims = claims.into_iter().map(|Claim { of, .. }| {
            let called = Some(of.called).filter(|_| is_his(of.person));
            json!({
                "isYours": is_his(of.person),
                "called": called,
                "way": of.way,
                "createdAtMs": of.created_at_ms,
                "endsAtMs": of.ends_at_ms,
            })
        });
        let claims: Vec<_> = claims.collect();
        let character = character.map(|(person, held)| {
            let called = Some(held.called).filter(|_| is_his(person));
            json!({
                "isYours": is_his(person),
                "called": called,
                "way": held.way,
                "provedAtMs": held.proved_at_ms,
                "agrees": held.agrees,
            })
        });
        let hidden = hidden
            .map(|(since_ms, by_administrator)| json!({"sinceMs": since_ms, "byAdministrator": by_administrator}));
        let key = player.to_hex();
        let about = json!({
            "player": key,
            "searchTerm": Term::player(&key),
            "character": character,
            "hidden": hidden,
            "claims": claims,
        });
        let (by, at_ms) = (Some(who.person()), self.now_ms());
        store.note(Note { by, key: None, what: Audited::PlayerExported, about: whose, at_ms }).await?;
        Ok(PlayerFacts { player, holder, before, about })
    }
}
