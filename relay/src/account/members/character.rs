//! How somebody proves that a character is his, and how it is shown then.
//!
//! One invariant: what a claim is answered never depends on whether there is such a character, nor on whose it is. Whoever
//! proves one is never who claims it. Deliberately not here: that what was wished is heeded ([`crate::wishing`]).

use raidcast_shared::account::Audited;
use raidcast_shared::character::{
    CharacterForm, CharacterLine, ClaimForm, ClaimLine, MyCharacters, OpenClaim, OpenClaims, OptOutForm, ProofWay,
};
use raidcast_shared::id::ActorId;
use raidcast_shared::text::is_name;
use raidcast_store::{Character, Claim, NewClaim, Note, ProvedBy, SeenClaim, Wish, Wished};

use super::{Members, SignedIn, invalid, too_often};
use crate::account::tries::Try;
use crate::error::HttpError;
use crate::quota::DAY_MS;

/// A claim is over after so long, ms: until the raid of next week.
const CLAIM_MS: i64 = 8 * DAY_MS;
/// Characters of a code: of a thousand million, and few enough for a name of the game.
const CODE_CHARS: usize = 6;

impl Members {
    /// Somebody's characters, and what he says is his.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn characters(&self, who: &SignedIn) -> Result<MyCharacters, HttpError> {
        let (store, person) = (&self.context.store, who.person());
        let claims = store.claims_of(person, self.now_ms()).await?;
        let character = |held: Character| CharacterLine {
            id: held.row,
            called: held.called,
            way: held.way,
            proved_at_ms: held.proved_at_ms,
            hidden: held.hidden,
            agrees: held.agrees,
        };
        Ok(MyCharacters {
            ways: self.context.proofs.clone(),
            claims: claims.into_iter().map(claim_line).collect(),
            characters: store.characters_of(person).await?.into_iter().map(character).collect(),
        })
    }

    /// Keeps that somebody says a character is his.
    ///
    /// # Errors
    /// What is wrong with it, `TooMany`; `Conflict` where as many are open as may be.
    pub async fn claim_character(&self, who: &SignedIn, form: &ClaimForm) -> Result<ClaimLine, HttpError> {
        let player = self.player(&form.player)?;
        let called = form.called.trim();
        if called.is_empty() || !is_name(called, super::NOTE_CHARS_MAX) {
            return Err(invalid("`called` must have 1 to 64 characters, without control characters"));
        }
        if !self.context.proofs.contains(&form.way) {
            return Err(invalid("characters are not proved in this way here: `ways` of your characters tells how"));
        }
        self.tries.by_person(who.person(), Try::Character).map_err(too_often)?;
        let now_ms = self.now_ms();
        let claim = NewClaim {
            person: who.person(),
            player,
            called: called.to_owned(),
            way: form.way,
            code: (form.way == ProofWay::Code).then(|| self.context.entropy.code(CODE_CHARS)),
            created_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(CLAIM_MS),
        };
        let kept = self.context.store.claim_character(&claim).await?;
        kept.map(claim_line).ok_or_else(|| {
            HttpError::Conflict("as many claims are open as may be: take one back, or wait until one is over".into())
        })
    }

    /// Takes a claim back.
    ///
    /// # Errors
    /// `NotFound` if he has no such one.
    pub async fn drop_claim(&self, who: &SignedIn, id: i64) -> Result<(), HttpError> {
        found(self.context.store.drop_claim(who.person(), id).await?)
    }

    /// Claims of others that he may confirm: of characters that played in fights of his accounts.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn confirmations(&self, who: &SignedIn) -> Result<OpenClaims, HttpError> {
        if !self.context.proofs.contains(&ProofWay::Officer) {
            return Ok(OpenClaims { claims: Vec::new() });
        }
        let claims = self.context.store.claims_for_officer(who.person(), self.now_ms()).await?;
        Ok(OpenClaims { claims: claims.into_iter().map(open_claim).collect() })
    }

    /// Confirms one of them.
    ///
    /// # Errors
    /// `NotFound` if there is none that he may confirm.
    pub async fn confirm_claim(&self, who: &SignedIn, id: i64) -> Result<(), HttpError> {
        if !self.context.proofs.contains(&ProofWay::Officer) {
            return Err(HttpError::NotFound);
        }
        let by = ProvedBy::Officer(who.person());
        found(self.context.store.prove_claim(id, by, self.now_ms()).await?)
    }

    /// Claims that wait for an administrator.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn open_claims(&self, who: &SignedIn) -> Result<OpenClaims, HttpError> {
        Self::administrates(who)?;
        let claims = self.context.store.claims_for_administrators(self.now_ms()).await?;
        Ok(OpenClaims { claims: claims.into_iter().map(open_claim).collect() })
    }

    /// An administrator believes a claim, or does not.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`.
    pub async fn decide_claim(&self, who: &SignedIn, id: i64, believes: bool) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let (store, by, now_ms) = (&self.context.store, who.person(), self.now_ms());
        found(match believes {
            true => store.prove_claim(id, ProvedBy::Administrator(by), now_ms).await?,
            false => store.refuse_claim(id, by, now_ms).await?,
        })
    }

    /// Has a character of his shown as he wants it.
    ///
    /// # Errors
    /// `NotFound` if he has no such one, `TooMany`; `Unavailable` where as many are hidden as may be.
    pub async fn wish(&self, who: &SignedIn, id: i64, form: CharacterForm) -> Result<(), HttpError> {
        self.tries.by_person(who.person(), Try::Wish).map_err(too_often)?;
        let wishes = [form.hidden.map(Wish::Hidden), form.agrees.map(Wish::Agrees)];
        for wish in wishes.into_iter().flatten() {
            match self.context.store.wish(who.person(), id, wish, self.now_ms()).await? {
                Wished::Done => {}
                Wished::NotThere => return Err(HttpError::NotFound),
                Wished::Full => return Err(full()),
            }
        }
        Ok(())
    }

    /// An administrator hides a player who asked for it, or shows him again.
    ///
    /// # Errors
    /// `NotAdministrator`; `Unavailable` where as many are hidden as may be.
    pub async fn opt_out(&self, who: &SignedIn, form: &OptOutForm) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let player = self.player(&form.player)?;
        let what = if form.hidden { Audited::PlayerHidden } else { Audited::PlayerShown };
        let note = Note { by: Some(who.person()), key: None, what, about: None, at_ms: self.now_ms() };
        if self.context.store.hide_player(player, form.hidden, note).await? { Ok(()) } else { Err(full()) }
    }

    /// A player, by his number in the game or by what stands for that here.
    fn player(&self, text: &str) -> Result<ActorId, HttpError> {
        let text = text.trim();
        if let Some(key) = ActorId::from_hex(text) {
            return Ok(key);
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(|number| self.context.secret.actor(ActorId::clear(number))).ok_or_else(|| {
            invalid("`player` must be the character's number in the game, or `playerKey` of a report (32 hexadecimal digits)")
        })
    }
}

fn found(is_there: bool) -> Result<(), HttpError> {
    if is_there { Ok(()) } else { Err(HttpError::NotFound) }
}

fn full() -> HttpError {
    let text = "this relay hides as many players as it may: write to its operator";
    HttpError::Unavailable { text: text.into(), retry_s: 3_600 }
}

fn claim_line(Claim { row, of }: Claim) -> ClaimLine {
    let NewClaim { called, way, code, created_at_ms, ends_at_ms, .. } = of;
    ClaimLine { id: row, called, way, code, created_at_ms, ends_at_ms }
}

fn open_claim(seen: SeenClaim) -> OpenClaim {
    let SeenClaim { row, by, called, name, created_at_ms, ends_at_ms } = seen;
    OpenClaim { id: row, by, called, name, created_at_ms, ends_at_ms }
}
