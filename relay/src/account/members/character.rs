//! How somebody proves that a character is his, and how it is shown then.
//!
//! One invariant: what a claim is answered never depends on whether there is such a character, nor on whose it is. Whoever
//! proves one is never who claims it. Deliberately not here: that what was wished is heeded ([`crate::wishing`]).

use raidcast_shared::account::Audited;
use raidcast_shared::character::{
    BeliefForm, CharacterForm, CharacterLine, ClaimForm, ClaimLine, HiddenPlayers, Holder, JudgedClaim, MyCharacters,
    NameInFights, OpenClaim, OpenClaims, OptOutForm, PlayerForm, PlayerLook, ProofWay, SeenName,
};
use raidcast_shared::id::ActorId;
use raidcast_shared::text::is_name;
use raidcast_shared::uplink::NamesPolicy;
use raidcast_store::{
    Character, Claim, HiddenPlayer, NAMES_JUDGED, NewClaim, Note, PersonId, Proof, ProvedBy, SeenClaim, Wish, Wished,
};

use super::{Members, SignedIn, invalid, too_often};
use crate::account::tries::Try;
use crate::error::HttpError;
use crate::quota::DAY_MS;

/// A claim is over after so long, ms: until the raid of next week.
const CLAIM_MS: i64 = 8 * DAY_MS;
/// Characters of a code: of a thousand million, and few enough for a name of the game.
const CODE_CHARS: usize = 6;
/// No text that leads to a player is longer, nor a report's id or a raid's code.
const PLAYER_CHARS_MAX: usize = 64;
/// Hidden players of a page, and one that says whether there are more.
const HIDDEN_OF_A_PAGE: u32 = 51;
/// As a raid shows names to those who are no members, or has shown them.
const POLICIES: [NamesPolicy; 3] = [NamesPolicy::Full, NamesPolicy::Class, NamesPolicy::Hidden];

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
            hidden_by_administrator: held.by_administrator,
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
        // Whose key it is where names are hidden an administrator alone is told: in the other ways two who work together
        // would see it by what they may confirm.
        let seen_in = form.seen_in.as_deref().filter(|_| form.way == ProofWay::Administrator);
        let meant = self.meant(&form.player, seen_in)?;
        let called = form.called.trim();
        if called.is_empty() || !is_name(called, super::NOTE_CHARS_MAX) {
            return Err(invalid("`called` must have 1 to 64 characters, without control characters"));
        }
        if !self.context.proofs.contains(&form.way) {
            return Err(invalid("characters are not proved in this way here: `ways` of your characters tells how"));
        }
        self.tries.by_person(who.person(), Try::Character).map_err(too_often)?;
        let (player, _) = self.player(meant).await?;
        let now_ms = self.now_ms();
        let claim = NewClaim {
            person: who.person(),
            player,
            called: called.to_owned(),
            way: form.way,
            code: (form.way != ProofWay::Administrator).then(|| self.context.entropy.code(CODE_CHARS)),
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

    /// The claim with a code, if he may confirm it: of another, of a character that played in fights of his accounts before
    /// that was claimed.
    ///
    /// # Errors
    /// `TooMany`; `NotFound` if there is none that he may confirm.
    pub async fn confirmation(&self, who: &SignedIn, code: &str) -> Result<OpenClaim, HttpError> {
        let SeenClaim { by, called, name, created_at_ms, ends_at_ms, .. } = self.confirmable(who, code).await?;
        Ok(OpenClaim { by, called, name, created_at_ms, ends_at_ms })
    }

    /// Confirms it.
    ///
    /// # Errors
    /// As there.
    pub async fn confirm_claim(&self, who: &SignedIn, code: &str) -> Result<(), HttpError> {
        let row = self.confirmable(who, code).await?.row;
        self.prove(row, ProvedBy::Officer(who.person())).await
    }

    async fn confirmable(&self, who: &SignedIn, code: &str) -> Result<SeenClaim, HttpError> {
        self.tries.by_person(who.person(), Try::Confirm).map_err(too_often)?;
        if !self.context.proofs.contains(&ProofWay::Officer) || code.len() > PLAYER_CHARS_MAX {
            return Err(HttpError::NotFound);
        }
        let code = code.trim().to_lowercase();
        let claim = self.context.store.claim_for_officer(who.person(), &code, self.now_ms()).await?;
        claim.ok_or(HttpError::NotFound)
    }

    async fn prove(&self, row: i64, by: ProvedBy) -> Result<(), HttpError> {
        match self.context.store.prove_claim(row, by, self.now_ms()).await? {
            Proof::Done => Ok(()),
            Proof::NotThere => Err(HttpError::NotFound),
            Proof::Held => Err(HttpError::Conflict("whose this character is has changed: read the claims anew".into())),
        }
    }

    /// Claims that wait for an administrator.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn open_claims(&self, who: &SignedIn) -> Result<OpenClaims, HttpError> {
        Self::administrates(who)?;
        let claims = self.context.store.claims_for_administrators(self.now_ms()).await?;
        Ok(OpenClaims { claims: claims.into_iter().map(judged_claim).collect() })
    }

    /// An administrator believes a claim: of a character that is whose he was told.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`; `Conflict` if it is another's by now.
    pub async fn believe_claim(&self, who: &SignedIn, id: i64, form: BeliefForm) -> Result<(), HttpError> {
        Self::administrates(who)?;
        self.prove(
            id,
            ProvedBy::Administrator {
                by: who.person(),
                held: form.held.map(PersonId),
                hidden: form.hidden_by_administrator,
            },
        )
        .await
    }

    /// An administrator does not believe a claim.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`.
    pub async fn refuse_claim(&self, who: &SignedIn, id: i64) -> Result<(), HttpError> {
        Self::administrates(who)?;
        found(self.context.store.refuse_claim(id, who.person(), self.now_ms()).await?)
    }

    /// Has a character of his shown as he wants it: all of that, or nothing.
    ///
    /// # Errors
    /// `NotFound` if he has no such one, `TooMany`; `Conflict` where it is not for him to say; `Unavailable` where as many
    /// are hidden as may be.
    pub async fn wish(&self, who: &SignedIn, id: i64, form: CharacterForm) -> Result<(), HttpError> {
        self.tries.by_person(who.person(), Try::Wish).map_err(too_often)?;
        let wish = Wish { hidden: form.hidden, agrees: form.agrees };
        match self.context.store.wish(who.person(), id, wish, self.now_ms()).await? {
            Wished::Done => Ok(()),
            Wished::NotThere => Err(HttpError::NotFound),
            Wished::ByAdministrator => Err(HttpError::Conflict(
                "an administrator has hidden this character: ask one of them to show it again".into(),
            )),
            Wished::Unproved => Err(HttpError::Conflict(
                "to be named there an administrator has to confirm that it is yours: claim it once more, by an administrator"
                    .into(),
            )),
            Wished::Full => Err(full()),
        }
    }

    /// An administrator hides a player who asked for it, or shows him again.
    ///
    /// # Errors
    /// `NotAdministrator`; `Unknown` of a key by which nobody is known, for it would hide nobody; `Unavailable` where as
    /// many are hidden as may be.
    pub async fn opt_out(&self, who: &SignedIn, form: &OptOutForm) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let player = self.player_known(&form.player, form.seen_in.as_deref()).await?;
        let what = if form.hidden { Audited::PlayerHidden } else { Audited::PlayerShown };
        let note = Note { by: Some(who.person()), key: None, what, about: None, at_ms: self.now_ms() };
        if self.context.store.hide_player(player, form.hidden, note).await? { Ok(()) } else { Err(full()) }
    }

    /// Whom administrators have hidden: those who were hidden last, or before a place.
    ///
    /// # Errors
    /// `NotAdministrator`; what is wrong with the place.
    pub async fn hidden_players(&self, who: &SignedIn, before: Option<&str>) -> Result<HiddenPlayers, HttpError> {
        Self::administrates(who)?;
        let before = before.map(|text| {
            let (since_ms, player) = text.split_once('-')?;
            Some(HiddenPlayer { since_ms: since_ms.parse().ok()?, player: ActorId::from_hex(player)? })
        });
        if before == Some(None) {
            return Err(invalid("`before` must be the `next` of a page before"));
        }
        let mut rows = self.context.store.hidden_players(before.flatten(), HIDDEN_OF_A_PAGE).await?;
        let is_more = rows.len() >= HIDDEN_OF_A_PAGE as usize;
        rows.truncate(HIDDEN_OF_A_PAGE as usize - 1);
        let place = |last: &HiddenPlayer| format!("{}-{}", last.since_ms, last.player.to_hex());
        let next = rows.last().filter(|_| is_more).map(place);
        let line = |HiddenPlayer { player, since_ms }| raidcast_shared::character::HiddenPlayer {
            player: player.to_hex(),
            since_ms,
        };
        Ok(HiddenPlayers { players: rows.into_iter().map(line).collect(), next })
    }

    /// What would be hidden of a player, for an administrator who is asked to hide him. That he looked is noted.
    ///
    /// # Errors
    /// `NotAdministrator`; what is wrong with the form, `Unknown` of a key by which nobody is known.
    pub async fn look_at_player(&self, who: &SignedIn, form: &PlayerForm) -> Result<PlayerLook, HttpError> {
        Self::administrates(who)?;
        let player = self.player_known(&form.player, form.seen_in.as_deref()).await?;
        let store = &self.context.store;
        let (seen, held) = (store.player_names(player).await?, store.player_held(player).await?);
        let (by, about) = (Some(who.person()), held.character.as_ref().map(|(person, _)| person.0));
        store.note(Note { by, key: None, what: Audited::PlayerLookedAt, about, at_ms: self.now_ms() }).await?;
        let names = seen.names.into_iter().filter(|_| held.hidden.is_none()).take(NAMES_JUDGED);
        Ok(PlayerLook {
            player: player.to_hex(),
            hidden: held.hidden.is_some(),
            hidden_by_administrator: held.hidden.is_some_and(|(_, by_administrator)| by_administrator),
            fights: seen.fights,
            names: names.map(|(name, fights)| NameInFights { name, fights }).collect(),
        })
    }

    /// The player whom an administrator means.
    ///
    /// # Errors
    /// What is wrong with it; `Unknown` of a key by which nobody is known.
    pub(super) async fn player_known(&self, player: &str, seen_in: Option<&str>) -> Result<ActorId, HttpError> {
        let meant = self.meant(player, seen_in)?;
        let (player, is_known) = self.player(meant).await?;
        if !is_known {
            return Err(HttpError::Unknown(
                "no player is known by this key: send the character's number in the game, or a link to a report with him \
                 opened, for where names are hidden a key is good in that raid alone (`seenIn`)"
                    .into(),
            ));
        }
        Ok(player)
    }

    /// What a text means that leads to a player.
    fn meant(&self, player: &str, seen_in: Option<&str>) -> Result<Meant, HttpError> {
        let is_long = |text: &str| text.chars().count() > PLAYER_CHARS_MAX;
        if is_long(player) || seen_in.is_some_and(is_long) {
            return Err(invalid("`player` and `seenIn` must have at most 64 characters"));
        }
        let seen_in = seen_in.map(str::trim).filter(|seen| !seen.is_empty());
        let text = player.trim();
        if let Some(key) = ActorId::from_hex(text) {
            return Ok(Meant::Key(key, seen_in.map(str::to_owned)));
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(|number| Meant::Number(self.context.secret.actor(ActorId::clear(number)))).ok_or_else(|| {
            invalid("`player` must be the character's number in the game, or `playerKey` of a report (32 hexadecimal digits)")
        })
    }

    /// The player that is meant, and whether he is known by it: by his number everybody is.
    async fn player(&self, meant: Meant) -> Result<(ActorId, bool), HttpError> {
        let (key, seen_in) = match meant {
            Meant::Number(player) => return Ok((player, true)),
            Meant::Key(key, seen_in) => (key, seen_in),
        };
        let store = &self.context.store;
        if let Some(seen_in) = seen_in {
            let code = store.fight_of(&seen_in).await?.map_or(seen_in, |(_, code)| code);
            let (players, secret) = (store.raid_players(&code).await?, self.context.secret.clone());
            let stands_for = move || {
                let stands =
                    |player: &ActorId| POLICIES.iter().any(|names| secret.pseudonym(&code, *names, *player) == key);
                players.into_iter().map(|(player, _)| player).find(stands)
            };
            // Of a raid with many players it takes a tenth of a second.
            let found = self.context.heavy.background().run(stands_for).await.map_err(|_| HttpError::Internal)?;
            if let Some(player) = found {
                return Ok((player, true));
            }
        }
        Ok((key, store.knows_player(key).await?))
    }
}

/// What somebody says who means a player.
enum Meant {
    /// His number in the game: what stands for it.
    Number(ActorId),
    /// A key, and where it was seen.
    Key(ActorId, Option<String>),
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

fn judged_claim(claim: raidcast_store::JudgedClaim) -> JudgedClaim {
    let names = claim.seen.names.into_iter().map(|(name, accounts)| SeenName { name, accounts });
    JudgedClaim {
        id: claim.row,
        by: claim.by,
        player: claim.player.to_hex(),
        called: claim.called,
        holder: claim.holder.map(|(person, name)| Holder { id: person.0, name }),
        hidden: claim.hidden,
        hidden_by_administrator: claim.by_administrator,
        others: claim.seen.others,
        called_so: claim.seen.called_so,
        names: names.collect(),
        created_at_ms: claim.created_at_ms,
        ends_at_ms: claim.ends_at_ms,
    }
}
