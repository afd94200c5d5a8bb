//! What a delta must fit before it is stored: checked against what came before it, changing no state.
//!
//! The gate runs ahead of the fold: deltas that it let through may still be on their way to the disk. It holds just
//! enough of the encounter to check the next one. Where the disk refuses, a new gate is made of the folded state.

use std::collections::HashSet;

use super::{EncounterState, Highs, RowKey};
use crate::columns::{ColumnMap, ColumnsError};
use crate::event::{ActorEntry, ActorFacts, ActorIx, ActorKind, Rare, RareBody, SkillIx, TimedHit};
use crate::id::{ActorId, SkillId};
use crate::limits as l;
use crate::text::is_name;
use crate::uplink::{Delta, RefusedCode};

/// A delta that fits its encounter, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its seq.
    pub seq: u64,
    /// New actors.
    pub actors: Vec<ActorEntry>,
    /// New skills.
    pub skills: Vec<SkillId>,
    /// Its hits, by time.
    pub hits: Vec<TimedHit>,
    /// Its other events that this code knows.
    pub rare: Vec<Rare>,
}

impl Checked {
    /// Decodes a delta that a gate of its encounter let through before: nothing is checked again.
    ///
    /// # Errors
    /// `Refused` for what no gate lets through.
    pub fn decode(columns: &ColumnMap, delta: &Delta) -> Result<Self, CheckError> {
        let hits =
            columns.decode(delta.base_ms, delta.hits, &delta.columns).map_err(|error| columns_refused(&error))?;
        let rare = delta.rare.iter().map(|bytes| decode_rare(bytes)).collect::<Result<Vec<_>, _>>()?;
        let rare = rare.into_iter().flatten().collect();
        Ok(Self { seq: delta.seq, actors: delta.actors.clone(), skills: delta.skills.clone(), hits, rare })
    }

    /// Puts a later delta's content behind this one's.
    pub fn append(&mut self, later: Self) {
        self.seq = later.seq;
        self.actors.extend(later.actors);
        self.skills.extend(later.skills);
        self.hits.extend(later.hits);
        self.rare.extend(later.rare);
    }

    /// Time of its newest event, if it has any.
    pub fn newest_ms(&self) -> Option<u32> {
        let hit = self.hits.last().map(|hit| hit.at_ms);
        hit.max(self.rare.iter().map(|rare| rare.at_ms).max())
    }

    /// Whether anything happened in it that keeps a fight alive: a hit or an event.
    pub fn has_events(&self) -> bool {
        !self.hits.is_empty() || !self.rare.is_empty()
    }
}

/// Why a delta does not fit its encounter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Its seq was held already: acknowledged again, nothing else.
    #[error("delta {seq} is held already")]
    Held {
        /// Which.
        seq: u64,
    },
    /// Its seq is ahead: the sender is to go on from `expected`.
    #[error("delta {seq} came before delta {expected}")]
    Gap {
        /// What came.
        seq: u64,
        /// What is next.
        expected: u64,
    },
    /// It contradicts itself or its encounter, or is beyond a limit.
    #[error("{text}")]
    Refused {
        /// For programs.
        code: RefusedCode,
        /// For people: what is wrong and what to do.
        text: String,
    },
}

fn refused<T>(code: RefusedCode, text: impl Into<String>) -> Result<T, CheckError> {
    Err(CheckError::Refused { code, text: text.into() })
}

/// Lets through the deltas that fit an encounter, in order.
#[derive(Clone, Debug)]
pub struct Gate {
    columns: ColumnMap,
    seq: u64,
    ids: HashSet<ActorId>,
    kinds: Vec<ActorKind>,
    players: usize,
    skills: HashSet<SkillId>,
    rare: u64,
    amount: u64,
    highs: Highs,
    deaths: usize,
}

impl Gate {
    /// The gate before the delta that follows `state`.
    pub fn of(state: &EncounterState) -> Self {
        let kinds: Vec<_> = state.actors().iter().map(super::Actor::kind).collect();
        Self {
            columns: state.columns().clone(),
            seq: state.seq(),
            ids: state.actors().iter().map(|actor| actor.id).collect(),
            players: kinds.iter().filter(|kind| **kind == ActorKind::Player).count(),
            kinds,
            skills: state.skills().iter().map(|skill| skill.id).collect(),
            rare: state.rare_count(),
            amount: state.amount_total(),
            highs: state.highs(),
            deaths: state.deaths().len(),
        }
    }

    /// Seq of the last delta let through.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Decodes a delta if it is the next and fits; else the gate stays as it was.
    ///
    /// # Errors
    /// `Held`: acknowledge again. `Gap`: answer with a rewind. `Refused`: answer so.
    pub fn check(&mut self, delta: &Delta) -> Result<Checked, CheckError> {
        if delta.seq <= self.seq {
            return Err(CheckError::Held { seq: delta.seq });
        }
        if delta.seq != self.seq + 1 {
            return Err(CheckError::Gap { seq: delta.seq, expected: self.seq + 1 });
        }
        self.check_dictionaries(delta)?;
        let hits =
            self.columns.decode(delta.base_ms, delta.hits, &delta.columns).map_err(|error| columns_refused(&error))?;
        let actors_len = self.kinds.len() + delta.actors.len();
        let skills_len = self.skills.len() + delta.skills.len();
        let fits = |actor: ActorIx| usize::from(actor.0) < actors_len;
        let mut amount = self.amount;
        for TimedHit { hit, .. } in &hits {
            if !fits(hit.source) || !fits(hit.target) || usize::from(hit.skill.0) >= skills_len {
                return refused(RefusedCode::IndexOutOfRange, "a hit names an actor or skill beyond its dictionary");
            }
            amount = add(amount, hit.amount)?;
        }
        let mut rare = Vec::with_capacity(delta.rare.len());
        let mut told = Highs::default();
        for bytes in &delta.rare {
            if let Some(event) = decode_rare(bytes)? {
                check_rare(&event, actors_len, skills_len)?;
                if let RareBody::Totals { a, on, s, kind, hits, amount: sum, .. } = &event.body {
                    let key = RowKey { source: *a, target: *on, skill: *s, kind: *kind };
                    let (held_hits, held_sum) = self.highs.of(key);
                    told.raise(key, held_hits, held_sum);
                    amount = add(amount, told.growth(key, *hits, *sum))?;
                    told.raise(key, *hits, *sum);
                }
                rare.push(event);
            }
        }
        if self.rare + rare.len() as u64 > l::RARE_EVENTS_MAX as u64 {
            return refused(
                RefusedCode::LimitReached,
                format!("an encounter has at most {} rare events", l::RARE_EVENTS_MAX),
            );
        }
        let deaths = self.deaths + rare.iter().filter(|event| matches!(event.body, RareBody::Death { .. })).count();
        if deaths > l::DEATHS_MAX {
            return refused(RefusedCode::LimitReached, format!("an encounter has at most {} deaths", l::DEATHS_MAX));
        }
        let changes = self.new_kinds(delta, &rare);
        let players = self.players_after(delta, &changes);
        if players > l::PLAYERS_MAX {
            return refused(RefusedCode::LimitReached, format!("an encounter has at most {} players", l::PLAYERS_MAX));
        }

        // It fits: from here on nothing fails.
        self.seq = delta.seq;
        self.ids.extend(delta.actors.iter().map(|actor| actor.id));
        self.kinds.extend(delta.actors.iter().map(|actor| actor.kind));
        for (actor, kind) in changes {
            self.kinds[usize::from(actor.0)] = kind;
        }
        self.players = players;
        self.skills.extend(delta.skills.iter().copied());
        self.rare += rare.len() as u64;
        self.amount = amount;
        self.highs.raise_all(&told);
        self.deaths = deaths;
        Ok(Checked { seq: delta.seq, actors: delta.actors.clone(), skills: delta.skills.clone(), hits, rare })
    }

    fn check_dictionaries(&self, delta: &Delta) -> Result<(), CheckError> {
        if self.kinds.len() + delta.actors.len() > l::ACTORS_MAX {
            return refused(RefusedCode::LimitReached, format!("an encounter has at most {} actors", l::ACTORS_MAX));
        }
        if self.skills.len() + delta.skills.len() > l::SKILLS_MAX {
            return refused(RefusedCode::LimitReached, format!("an encounter has at most {} skills", l::SKILLS_MAX));
        }
        let mut ids = HashSet::new();
        for (at, actor) in delta.actors.iter().enumerate() {
            if self.ids.contains(&actor.id) || !ids.insert(actor.id) {
                return refused(RefusedCode::BadEvent, "an actor stands in the dictionary twice");
            }
            let own = self.kinds.len() + at;
            if actor.owner.is_some_and(|owner| usize::from(owner.0) >= own) {
                return refused(
                    RefusedCode::IndexOutOfRange,
                    "an actor's owner must stand in the dictionary before it",
                );
            }
        }
        let mut skills = HashSet::new();
        if delta.skills.iter().any(|skill| self.skills.contains(skill) || !skills.insert(*skill)) {
            return refused(RefusedCode::BadEvent, "a skill stands in the dictionary twice");
        }
        if delta.rare.len() > l::DELTA_RARE_MAX {
            return refused(
                RefusedCode::LimitReached,
                format!("a delta has at most {} rare events", l::DELTA_RARE_MAX),
            );
        }
        Ok(())
    }

    fn new_kinds(&self, delta: &Delta, rare: &[Rare]) -> Vec<(ActorIx, ActorKind)> {
        let held = |actor: ActorIx| {
            let at = usize::from(actor.0);
            self.kinds.get(at).copied().unwrap_or_else(|| delta.actors[at - self.kinds.len()].kind)
        };
        let told = rare.iter().filter_map(|event| match &event.body {
            RareBody::Actor(ActorFacts { actor, kind: Some(kind), .. }) if *kind != held(*actor) => {
                Some((*actor, *kind))
            }
            _ => None,
        });
        told.collect()
    }

    /// Players if each change of kind counts; the latest of several wins in the fold, here any that says player does.
    fn players_after(&self, delta: &Delta, changes: &[(ActorIx, ActorKind)]) -> usize {
        let new = delta.actors.iter().filter(|actor| actor.kind == ActorKind::Player).count();
        let told: HashSet<_> =
            changes.iter().filter(|(_, kind)| *kind == ActorKind::Player).map(|(actor, _)| actor).collect();
        self.players + new + told.len()
    }
}

fn add(sum: u64, more: u64) -> Result<u64, CheckError> {
    match sum.checked_add(more).filter(|sum| *sum <= l::AMOUNT_MAX) {
        Some(sum) => Ok(sum),
        None => refused(
            RefusedCode::NumberTooLarge,
            format!("the encounter's amounts add up to more than {}", l::AMOUNT_MAX),
        ),
    }
}

fn columns_refused(error: &ColumnsError) -> CheckError {
    let code = match error {
        ColumnsError::Value { .. } => RefusedCode::NumberTooLarge,
        ColumnsError::TooMany { .. } => RefusedCode::LimitReached,
        ColumnsError::List { .. } | ColumnsError::Count { .. } => RefusedCode::BadColumns,
    };
    CheckError::Refused { code, text: error.to_string() }
}

/// The tag alone, to tell an event of a later version from a broken one.
#[derive(serde::Deserialize)]
struct Tag {
    k: String,
}

const TAGS: [&str; 13] = [
    "actor",
    "skill",
    "cast",
    "death",
    "revive",
    "attempt_began",
    "attempt_ended",
    "boss_health",
    "segment",
    "buff",
    "totals",
    "header",
    "missing",
];

/// A rare event; `None` if a later version has it.
pub(crate) fn decode_rare(bytes: &[u8]) -> Result<Option<Rare>, CheckError> {
    let failed = |error: crate::codec::DecodeError| match error {
        crate::codec::DecodeError::Shape { .. } => {
            CheckError::Refused { code: RefusedCode::BadEvent, text: format!("an event is {error}") }
        }
        other => CheckError::Refused { code: other.code(), text: format!("in an event: {other}") },
    };
    let Tag { k } = crate::codec::decode(bytes, l::UPLINK_FRAME_BYTES_MAX).map_err(failed)?;
    if !TAGS.contains(&k.as_str()) {
        return Ok(None);
    }
    crate::codec::decode(bytes, l::UPLINK_FRAME_BYTES_MAX).map(Some).map_err(failed)
}

fn check_rare(event: &Rare, actors: usize, skills: usize) -> Result<(), CheckError> {
    let actor = |actor: ActorIx| match usize::from(actor.0) < actors {
        true => Ok(()),
        false => refused(RefusedCode::IndexOutOfRange, "an event names an actor beyond its dictionary"),
    };
    let skill = |skill: SkillIx| match usize::from(skill.0) < skills {
        true => Ok(()),
        false => refused(RefusedCode::IndexOutOfRange, "an event names a skill beyond its dictionary"),
    };
    let time = |at_ms: u32| match at_ms <= l::ENCOUNTER_DURATION_MS_MAX {
        true => Ok(()),
        false => refused(
            RefusedCode::NumberTooLarge,
            format!("an event at {at_ms} ms: an encounter lasts at most {} ms", l::ENCOUNTER_DURATION_MS_MAX),
        ),
    };
    let number = |value: u64| match value <= l::AMOUNT_MAX {
        true => Ok(()),
        false => refused(RefusedCode::NumberTooLarge, format!("a number above {}", l::AMOUNT_MAX)),
    };
    let name = |text: &str, max: usize| match is_name(text, max) {
        true => Ok(()),
        false => refused(RefusedCode::BadText, format!("text has at most {max} characters and no control characters")),
    };
    time(event.at_ms)?;
    match &event.body {
        RareBody::Actor(facts) => {
            actor(facts.actor)?;
            facts.max_hp.map_or(Ok(()), number)?;
            name(facts.name.as_deref().unwrap_or_default(), l::NAME_CHARS_MAX)
        }
        RareBody::Skill { s, name: text } => {
            skill(*s)?;
            name(text, l::NAME_CHARS_MAX)
        }
        RareBody::Cast { a, s } => {
            actor(*a)?;
            skill(*s)
        }
        RareBody::Death { a, by, s } => {
            actor(*a)?;
            by.map_or(Ok(()), actor)?;
            s.map_or(Ok(()), skill)
        }
        RareBody::Revive { a } => actor(*a),
        RareBody::AttemptBegan { n, hp, .. } | RareBody::AttemptEnded { n, hp } => {
            if *n > l::ATTEMPTS_MAX {
                return refused(
                    RefusedCode::LimitReached,
                    format!("an encounter has at most {} attempts", l::ATTEMPTS_MAX),
                );
            }
            hp.map_or(Ok(()), number)
        }
        RareBody::BossHealth { a, hp, max } => {
            actor(*a)?;
            number(*hp)?;
            max.map_or(Ok(()), number)
        }
        RareBody::Segment { name: text, until, .. } => {
            until.map_or(Ok(()), time)?;
            name(text.as_deref().unwrap_or_default(), l::NAME_CHARS_MAX)
        }
        RareBody::Buff { a, until, .. } => {
            actor(*a)?;
            time(*until)
        }
        RareBody::Totals { a, on, s, hits, amount, crit, lucky, shield, overheal, .. } => {
            actor(*a)?;
            actor(*on)?;
            skill(*s)?;
            number(*hits)?;
            number(*amount)?;
            if [crit, lucky].into_iter().any(|part| part > hits) || [shield, overheal].into_iter().any(|p| p > amount) {
                return refused(RefusedCode::BadEvent, "of totals a part is greater than the whole");
            }
            Ok(())
        }
        RareBody::Header { scene, local, .. } => {
            local.map_or(Ok(()), actor)?;
            name(scene.as_deref().unwrap_or_default(), l::NAME_CHARS_MAX)
        }
        RareBody::Missing { what, expected, read } => {
            number(*expected)?;
            number(*read)?;
            name(what, l::MISSING_CHARS_MAX)
        }
    }
}
