//! What a delta must be before it is stored: of the right shape, next in order, and within what fits.
//!
//! The gate runs ahead of the fold: deltas that it let through may still be on their way to the disk. Those that do
//! not get there are taken back ([`Gate::revert`]); those that do stay ([`Gate::settle`]). What a journal holds is
//! counted again ([`Gate::restore`]). By whichever way a gate came to where it is, it gives the same answer: what it
//! counts is one law, [`super::fits`].

use std::collections::VecDeque;

use bytes::Bytes;

use super::fits::{Fits, Limit, Mark, beyond};
use crate::columns::{ColumnMap, ColumnsError};
use crate::event::{ActorEntry, ActorIx, Event, Rare, RareBody, SkillIx, TimedHit};
use crate::id::SkillId;
use crate::limits as l;
use crate::text::is_name;
use crate::uplink::{Delta, Header, RefusedCode};

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
        /// The limit of the encounter that it is beyond, if it is one.
        limit: Option<Limit>,
    },
}

impl From<Limit> for CheckError {
    fn from(limit: Limit) -> Self {
        Self::Refused { code: limit.code(), text: limit.text(), limit: Some(limit) }
    }
}

fn refused<T>(code: RefusedCode, text: impl Into<String>) -> Result<T, CheckError> {
    Err(CheckError::Refused { code, text: text.into(), limit: None })
}

/// How much a delta holds.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// New actors.
    pub actors: usize,
    /// New skills.
    pub skills: usize,
    /// Bytes of its columns.
    pub columns: usize,
    /// Its rare events.
    pub rare: &'a [Bytes],
}

impl<'a> From<&'a Delta> for Content<'a> {
    fn from(delta: &'a Delta) -> Self {
        let Delta { actors, skills, columns, rare, .. } = delta;
        Self { actors: actors.len(), skills: skills.len(), columns: columns.len(), rare }
    }
}

impl Content<'_> {
    /// What it counts against [`l::ENCOUNTER_BYTES_MAX`]: itself, and what it costs to keep a delta at all.
    fn bytes(self) -> u64 {
        let rare: usize = self.rare.iter().map(|event| event.len() + 5).sum();
        let content = self.actors * 36 + self.skills * 24 + self.columns + rare;
        content as u64 + l::DELTA_OVERHEAD_BYTES
    }
}

/// Lets through the deltas that fit an encounter, in order.
#[derive(Clone, Debug)]
pub struct Gate {
    columns: ColumnMap,
    seq: u64,
    fits: Fits,
    /// Where it stood before each delta that is not settled yet, oldest first.
    under_way: VecDeque<(u64, Mark)>,
}

impl Gate {
    /// The gate before an encounter's first delta.
    ///
    /// # Errors
    /// The header's column list is not usable.
    pub fn new(header: &Header) -> Result<Self, ColumnsError> {
        let columns = ColumnMap::new(&header.cols)?;
        Ok(Self { columns, seq: 0, fits: Fits::new(header.local), under_way: VecDeque::new() })
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
        let before = (self.seq, self.fits.mark());
        let checked = self.take(delta)?;
        self.under_way.push_back(before);
        Ok(checked)
    }

    /// The oldest delta that was let through and not settled is on stable storage.
    pub fn settle(&mut self) {
        self.under_way.pop_front();
        let (_, mark) = self.under_way.front().copied().unwrap_or((self.seq, self.fits.mark()));
        self.fits.settle(mark);
    }

    /// None of the deltas that are not settled got to stable storage: the gate stands before them again.
    pub fn revert(&mut self) {
        if let Some((seq, mark)) = self.under_way.front().copied() {
            self.fits.back_to(mark);
            self.seq = seq;
        }
        self.under_way.clear();
    }

    /// Takes a delta in that the journal holds: a gate let it through once, so no limit is asked again.
    ///
    /// # Errors
    /// It is damaged: not the next, or of a shape that no gate lets through. `Refused` with a limit: an older relay
    /// let through more than this one can hold, and nothing more of the encounter is to be read.
    pub fn restore(&mut self, delta: &Delta) -> Result<Checked, CheckError> {
        self.fits.set_lenient(true);
        let taken = self.take(delta);
        self.fits.set_lenient(false);
        let checked = taken?;
        self.fits.settle(self.fits.mark());
        match self.fits.is_too_large() {
            Some(limit) => Err(limit.into()),
            None => Ok(checked),
        }
    }

    /// Leaves a stored delta out that is damaged: the next one counts from it.
    pub fn skip(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }

    fn take(&mut self, delta: &Delta) -> Result<Checked, CheckError> {
        if delta.seq <= self.seq {
            return Err(CheckError::Held { seq: delta.seq });
        }
        if delta.seq != self.seq + 1 {
            return Err(CheckError::Gap { seq: delta.seq, expected: self.seq + 1 });
        }
        let mark = self.fits.mark();
        let taken = self.take_content(delta);
        match &taken {
            Ok(_) => self.seq = delta.seq,
            Err(_) => self.fits.back_to(mark),
        }
        taken
    }

    fn take_content(&mut self, delta: &Delta) -> Result<Checked, CheckError> {
        if delta.rare.len() > l::DELTA_RARE_MAX {
            return refused(
                RefusedCode::LimitReached,
                format!("a delta has at most {} rare events", l::DELTA_RARE_MAX),
            );
        }
        self.fits.bytes(Content::from(delta).bytes())?;
        // Before they are unfolded: twenty bytes of columns can say 16,384 hits.
        self.fits.hits(u64::from(delta.hits))?;
        self.take_names(&delta.actors, &delta.skills)?;
        let hits =
            self.columns.decode(delta.base_ms, delta.hits, &delta.columns).map_err(|error| columns_refused(&error))?;
        for hit in &hits {
            self.take_hit(hit)?;
        }
        let mut rare = Vec::with_capacity(delta.rare.len());
        for bytes in &delta.rare {
            match decode_rare(bytes)? {
                Some(event) => {
                    self.take_rare(&event)?;
                    rare.push(event);
                }
                None => self.fits.unknown()?,
            }
        }
        Ok(Checked { seq: delta.seq, actors: delta.actors.clone(), skills: delta.skills.clone(), hits, rare })
    }

    fn take_names(&mut self, actors: &[ActorEntry], skills: &[SkillId]) -> Result<(), CheckError> {
        for actor in actors {
            if self.fits.holds_actor(actor.id) {
                return refused(RefusedCode::BadEvent, "an actor stands in the dictionary twice");
            }
            if beyond(actor.owner, None, &self.fits) {
                return refused(
                    RefusedCode::IndexOutOfRange,
                    "an actor's owner must stand in the dictionary before it",
                );
            }
            self.fits.actor(actor)?;
        }
        for skill in skills {
            if self.fits.holds_skill(*skill) {
                return refused(RefusedCode::BadEvent, "a skill stands in the dictionary twice");
            }
            self.fits.skill(*skill)?;
        }
        Ok(())
    }

    fn take_hit(&mut self, TimedHit { hit, .. }: &TimedHit) -> Result<(), CheckError> {
        if beyond(Some(hit.source), Some(hit.skill), &self.fits) || beyond(Some(hit.target), None, &self.fits) {
            return refused(RefusedCode::IndexOutOfRange, "a hit names an actor or skill beyond its dictionary");
        }
        Ok(self.fits.hit(hit)?)
    }

    fn take_rare(&mut self, event: &Rare) -> Result<(), CheckError> {
        check_rare(event, self.fits.actors(), self.fits.skills())?;
        Ok(self.fits.rare(&event.body)?)
    }
}

/// What the end that makes deltas asks, event by event.
impl Gate {
    /// Keeps so many rare events and bytes free, for what is told at the end.
    pub fn reserve(&mut self, rare: usize, bytes: u64) {
        self.fits.reserve(rare, bytes);
    }

    /// Takes an event in with the dictionary entries that it is the first to use: all of it, or nothing.
    ///
    /// # Errors
    /// `Refused`: a delta with it would be refused so.
    pub fn admit(&mut self, actors: &[ActorEntry], skills: &[SkillId], event: &Event) -> Result<(), CheckError> {
        let mark = self.fits.mark();
        let taken = self.take_names(actors, skills).and_then(|()| match event {
            Event::Hit(hit) => self.admit_hit(hit),
            Event::Rare(rare) => self.take_rare(rare),
        });
        if taken.is_err() {
            self.fits.back_to(mark);
        }
        taken
    }

    /// Takes in a hit of which every name is in the dictionary: all of it, or nothing.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn admit_hit(&mut self, hit: &TimedHit) -> Result<(), CheckError> {
        match hit.at_ms > l::ENCOUNTER_DURATION_MS_MAX {
            true => Err(Limit::Duration.into()),
            false => self.take_hit(hit),
        }
    }

    /// Whether a delta of at most so many bytes still fits.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.fits.has_room(bytes + l::DELTA_OVERHEAD_BYTES)
    }

    /// Makes the next delta of what was admitted since the one before.
    ///
    /// # Errors
    /// `Refused` if it is larger than there was room for.
    pub fn seal(&mut self, seq: u64, content: Content<'_>) -> Result<(), CheckError> {
        self.fits.bytes(content.bytes())?;
        self.seq = seq;
        self.fits.settle(self.fits.mark());
        Ok(())
    }
}

fn columns_refused(error: &ColumnsError) -> CheckError {
    let code = match error {
        ColumnsError::Value { .. } => RefusedCode::NumberTooLarge,
        ColumnsError::TooMany { .. } => RefusedCode::LimitReached,
        ColumnsError::List { .. } | ColumnsError::Count { .. } => RefusedCode::BadColumns,
    };
    CheckError::Refused { code, text: error.to_string(), limit: None }
}

/// The tag alone, to tell an event of a later version from a broken one.
#[derive(serde::Deserialize)]
struct Tag {
    k: String,
}

const TAGS: [&str; 14] = [
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
    "sums",
    "header",
    "missing",
];

/// A rare event; `None` if a later version has it.
pub(crate) fn decode_rare(bytes: &[u8]) -> Result<Option<Rare>, CheckError> {
    let failed = |error: crate::codec::DecodeError| match error {
        crate::codec::DecodeError::Shape { .. } => {
            CheckError::Refused { code: RefusedCode::BadEvent, text: format!("an event is {error}"), limit: None }
        }
        other => CheckError::Refused { code: other.code(), text: format!("in an event: {other}"), limit: None },
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
        false => Err(CheckError::from(Limit::Duration)),
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
        RareBody::AttemptBegan { hp, .. } | RareBody::AttemptEnded { hp, .. } => hp.map_or(Ok(()), number),
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
        RareBody::Sums { a, taken, to_bosses } => {
            actor(*a)?;
            [taken, to_bosses].into_iter().flatten().try_for_each(|sum| {
                number(sum.amount)?;
                sum.hits.map_or(Ok(()), number)
            })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An event whose name is not among them is taken for one of a later version, and left out.
    #[test]
    fn every_event_has_its_name_among_those_that_are_known() {
        let unknown = serde_json::from_str::<RareBody>(r#"{"k": "?"}"#).unwrap_err().to_string();
        // What serde knows stands in quotes behind what it does not.
        let known: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, TAGS, "{unknown}");
    }
}
