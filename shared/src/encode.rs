//! Events of one encounter to deltas.
//!
//! One invariant: each event is admitted by the same [`Gate`] that the relay uses, so nothing is sent that the relay
//! would refuse. What is beyond a limit is left out, counted, and told once at the end as missing.
//! Deliberately not here: when deltas are made, and where they go.

mod logged;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

pub use self::logged::{LogEncoder, Row, RowHit};
use crate::checksum::Checksum;
use crate::codec;
use crate::columns::{self, ColumnMap, own_columns};
use crate::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Event, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceEvent,
    SourceKey, TimedHit,
};
use crate::fold::{self, CheckError, Checked, Content, EncounterState, Gate};
use crate::id::{ActorId, SkillId};
use crate::limits as l;
use crate::text::clean;
use crate::uplink::{Delta, Header};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Where a delta is closed, bytes: with its envelope it stays below 200 KiB, well inside a frame.
const DELTA_BYTES: usize = 190 * 1024;
/// Rare events that are kept free to tell what is missing: one for each limit, and some.
const RARE_RESERVED: usize = 16;
/// Bytes that are kept free for them: each holds at most 200 characters of four bytes, and two numbers.
const BYTES_RESERVED: u64 = 16 * 1024;
/// A delta's columns stand behind their lengths: eight of at most four bytes, and some.
const COLUMN_LENGTHS_BYTES: usize = 64;
/// Source keys of what this module adds: above every row and stream of a source.
const STREAM_OF_LIMITS: u32 = u32::MAX;

/// A limit that made the encoder leave something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// [`l::ACTORS_MAX`].
    Actors,
    /// [`l::SKILLS_MAX`].
    Skills,
    /// [`l::RARE_EVENTS_MAX`].
    Rare,
    /// [`l::DEATHS_MAX`].
    Deaths,
    /// [`l::ATTEMPTS_MAX`].
    Attempts,
    /// [`l::ENCOUNTER_DURATION_MS_MAX`].
    Duration,
    /// [`l::AMOUNT_MAX`].
    Amount,
    /// [`l::ENCOUNTER_HITS_MAX`].
    Hits,
    /// [`l::ENCOUNTER_ROWS_MAX`].
    Rows,
    /// [`l::ENCOUNTER_BYTES_MAX`].
    Bytes,
    /// [`l::ROW_TELLINGS_MAX`].
    Tellings,
    /// The gate refused an event for another reason: a mistake of ours.
    Refused,
}

impl From<fold::Limit> for Limit {
    fn from(limit: fold::Limit) -> Self {
        match limit {
            fold::Limit::Actors => Self::Actors,
            fold::Limit::Skills => Self::Skills,
            fold::Limit::Hits => Self::Hits,
            fold::Limit::Rows => Self::Rows,
            fold::Limit::Bytes => Self::Bytes,
            fold::Limit::Rare => Self::Rare,
            fold::Limit::Deaths => Self::Deaths,
            fold::Limit::Attempts => Self::Attempts,
            fold::Limit::Tellings => Self::Tellings,
            fold::Limit::Duration => Self::Duration,
            fold::Limit::Amount => Self::Amount,
            // Nobody is called a player who is one too many, so this is not asked.
            fold::Limit::Players => Self::Refused,
        }
    }
}

impl Limit {
    /// What is left out beyond it, in words.
    pub fn what(self) -> String {
        match self {
            Self::Actors => format!("events of actors beyond the {} of one fight", l::ACTORS_MAX),
            Self::Skills => format!("events of skills beyond the {} of one fight", l::SKILLS_MAX),
            Self::Rare => format!("deaths, names, buffs and casts beyond the {} of one fight", l::RARE_EVENTS_MAX),
            Self::Deaths => format!("deaths beyond the {} of one fight", l::DEATHS_MAX),
            Self::Attempts => format!("attempts beyond the {} of one fight", l::ATTEMPTS_MAX),
            Self::Duration => "events beyond 2 h of one fight".to_owned(),
            Self::Amount => format!("hits whose amounts add up to more than {}", l::AMOUNT_MAX),
            Self::Hits => format!("hits beyond the {} of one fight", l::ENCOUNTER_HITS_MAX),
            Self::Rows => format!("hits beyond the {} rows of one fight", l::ENCOUNTER_ROWS_MAX),
            Self::Bytes => format!("events beyond the {} MiB of one fight", l::ENCOUNTER_BYTES_MAX >> 20),
            Self::Tellings => format!("sums of one row beyond the {} of one fight", l::ROW_TELLINGS_MAX),
            Self::Refused => "events that could not be encoded".to_owned(),
        }
    }
}

/// What was left out and is not told yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Events by limit.
    pub events: BTreeMap<Limit, u64>,
    /// Actors that are players beyond [`l::PLAYERS_MAX`]: their hits are kept, but they stand among nobody's players.
    pub players: BTreeSet<u16>,
}

/// A delta in the making: what of it the gate has admitted.
#[derive(Debug, Default)]
struct Batch {
    actors: Vec<ActorEntry>,
    skills: Vec<SkillId>,
    hits: Vec<TimedHit>,
    rare: Vec<Rare>,
    rare_bytes: Vec<Bytes>,
    /// More than it will take on the wire.
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.bytes >= DELTA_BYTES || self.hits.len() >= l::DELTA_HITS_MAX || self.rare.len() >= l::DELTA_RARE_MAX
    }

    fn is_empty(&self) -> bool {
        self.hits.is_empty() && self.rare.is_empty() && self.actors.is_empty() && self.skills.is_empty()
    }
}

/// Dictionary entries that an event is the first to use.
#[derive(Default)]
struct News {
    actors: Vec<ActorEntry>,
    skills: Vec<SkillId>,
}

/// Makes the deltas of one encounter's stream.
#[derive(Debug)]
pub struct Encoder {
    state: EncounterState,
    gate: Gate,
    actors: FxHashMap<ActorId, ActorIx>,
    skills: FxHashMap<SkillId, SkillIx>,
    lost: Lost,
    newest_ms: Option<u32>,
}

impl Encoder {
    /// The encoder of an encounter without events.
    pub fn new(header: Header) -> Self {
        let mut gate =
            Gate::new(&Header { cols: own_columns(), ..header.clone() }).expect("our own columns are usable");
        gate.reserve(RARE_RESERVED, BYTES_RESERVED);
        Self {
            gate,
            state: EncounterState::new(header, ColumnMap::own()),
            actors: FxHashMap::default(),
            skills: FxHashMap::default(),
            lost: Lost::default(),
            newest_ms: None,
        }
    }

    /// Takes in a delta that this encounter's encoder made before the client was started again.
    ///
    /// # Errors
    /// It does not follow what was taken in: the log it comes from ends before it.
    pub fn replay(&mut self, delta: &Delta) -> Result<(), CheckError> {
        let checked = self.gate.restore(delta)?;
        for actor in &checked.actors {
            self.actors.insert(actor.id, ActorIx(self.actors.len() as u16));
        }
        for skill in &checked.skills {
            self.skills.insert(*skill, SkillIx(self.skills.len() as u16));
        }
        self.apply(&checked);
        Ok(())
    }

    /// Takes in what was left out before the client was started again.
    pub fn replay_lost(&mut self, lost: Lost) {
        self.lost = lost;
    }

    fn apply(&mut self, checked: &Checked) {
        self.state.apply(checked);
        self.newest_ms = self.newest_ms.max(checked.newest_ms());
    }

    /// The deltas of what a source yielded; none if there is nothing in it.
    ///
    /// `captured_ms`: when it was read, ms since the encounter began.
    /// Cost: linear in the events, but for a checksum with every 32nd delta, which sorts the encounter's rows.
    pub fn encode(&mut self, mut events: Vec<SourceEvent>, captured_ms: i64) -> Vec<Delta> {
        let mut deltas = Vec::new();
        let mut batch = Batch::default();
        self.take_in(&mut events, &mut batch, &mut |encoder, batch| encoder.close(batch, captured_ms, &mut deltas));
        self.close(&mut batch, captured_ms, &mut deltas);
        deltas
    }

    /// Adds events to a batch, and has each closed that is full.
    fn take_in(&mut self, events: &mut [SourceEvent], batch: &mut Batch, close: &mut dyn FnMut(&mut Self, &mut Batch)) {
        let order = by_time(events);
        let mut kinds = FxHashMap::default();
        for event in &*events {
            if let Event::Rare(Rare { body: RareBody::Actor(ActorFacts { actor, kind: Some(kind), .. }), .. }) = event {
                kinds.entry(*actor).or_insert(*kind);
            }
        }
        for at in order {
            if batch.is_full() {
                close(self, batch);
            }
            let event = std::mem::replace(&mut events[at as usize], NOTHING);
            let added = match clean_event(event) {
                Ok(Some(event)) => self.add(batch, event, &kinds),
                Ok(None) => Ok(()),
                Err(limit) => Err(limit),
            };
            if let Err(limit) = added {
                self.leaves_out(limit);
            }
        }
    }

    fn leaves_out(&mut self, limit: Limit) {
        *self.lost.events.entry(limit).or_default() += 1;
    }

    /// The last deltas of the encounter: what was left out, if anything, stands in them.
    pub fn finish(&mut self, captured_ms: i64) -> Vec<Delta> {
        let (mut batch, mut deltas) = (Batch::default(), Vec::new());
        self.tell_lost(&mut batch);
        self.close(&mut batch, captured_ms, &mut deltas);
        deltas
    }

    /// Adds what was left out.
    fn tell_lost(&mut self, batch: &mut Batch) {
        let lost = std::mem::take(&mut self.lost);
        let at_ms = self.newest_ms.unwrap_or(0);
        let players = lost.players.len() as u64;
        let mut told: Vec<_> = lost.events.into_iter().map(|(limit, left_out)| (limit.what(), left_out, 0)).collect();
        if players > 0 {
            let max = l::PLAYERS_MAX as u64;
            told.push((format!("players beyond the {max} of one fight"), max + players, max));
        }
        self.gate.reserve(0, 0);
        for (index, (what, expected, read)) in told.into_iter().enumerate() {
            let key = SourceKey::new(STREAM_OF_LIMITS, index as u32);
            let missing = Event::Rare(Rare { at_ms, key, body: RareBody::Missing { what, expected, read } });
            // Room for it was kept free.
            let _ = self.put(batch, News::default(), missing);
        }
    }

    /// A delta without events: says that the fight goes on.
    pub fn heartbeat(&self, captured_ms: i64) -> Delta {
        Delta { seq: self.gate.seq(), captured_ms, ..Delta::default() }
    }

    /// Seq of the last delta.
    pub fn seq(&self) -> u64 {
        self.gate.seq()
    }

    /// The fold of all deltas.
    pub fn state(&self) -> &EncounterState {
        &self.state
    }

    /// The name of the last boss that was met, if any.
    pub fn boss(&self) -> Option<String> {
        let bosses = self.state.actors().iter().filter(|actor| actor.boss.get() == Some(&true));
        bosses.filter_map(|actor| actor.name.get()).next_back().cloned()
    }

    /// The checksum of all deltas.
    pub fn checksum(&self) -> Checksum {
        self.state.checksum()
    }

    /// What was left out and is not told yet.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    /// Adds an event, and the dictionary entries that it is the first to use, if it fits.
    fn add(
        &mut self,
        batch: &mut Batch,
        event: SourceEvent,
        hints: &FxHashMap<ActorId, ActorKind>,
    ) -> Result<(), Limit> {
        let mut news = News::default();
        let (actors, skills) = (&self.actors, &self.skills);
        let mapped: Result<Event, Infallible> = event.try_map(
            &mut |id| Ok(actors.get(&id).copied().unwrap_or_else(|| news_actor(actors, &mut news.actors, id, hints))),
            &mut |id| Ok(skills.get(&id).copied().unwrap_or_else(|| news_skill(skills, &mut news.skills, id))),
        );
        let Ok(event) = mapped;
        self.put(batch, news, event)
    }

    /// Adds a hit of which every name is known.
    fn put_hit(&mut self, batch: &mut Batch, hit: TimedHit) -> Result<(), Limit> {
        let bytes = hit_bytes(&hit.hit);
        if !self.gate.has_room((batch.bytes + bytes + COLUMN_LENGTHS_BYTES) as u64) {
            return Err(Limit::Bytes);
        }
        match self.gate.admit_hit(&hit) {
            Ok(()) => {
                batch.bytes += bytes;
                batch.hits.push(hit);
                Ok(())
            }
            Err(CheckError::Refused { limit: Some(limit), .. }) => Err(limit.into()),
            Err(_) => Err(Limit::Refused),
        }
    }

    fn put(&mut self, batch: &mut Batch, mut news: News, mut event: Event) -> Result<(), Limit> {
        let (bytes, rare) = loop {
            let rare = match &event {
                Event::Hit(_) => None,
                Event::Rare(rare) => Some(Bytes::from(codec::encode(rare))),
            };
            let own = match (&event, &rare) {
                (Event::Hit(hit), _) => hit_bytes(&hit.hit),
                (_, rare) => rare.as_ref().map_or(0, Bytes::len) + 5,
            };
            let bytes = own + news.actors.len() * ACTOR_BYTES + news.skills.len() * SKILL_BYTES;
            if !self.gate.has_room((batch.bytes + bytes + COLUMN_LENGTHS_BYTES) as u64) {
                return Err(Limit::Bytes);
            }
            match self.gate.admit(&news.actors, &news.skills, &event) {
                Ok(()) => break (bytes, rare),
                Err(CheckError::Refused { limit: Some(fold::Limit::Players), .. }) => {
                    // Their hits are kept, but they stand among nobody's players.
                    match self.call_nobody_a_player(&mut news, &mut event) {
                        Some(true) => {}
                        Some(false) => return Ok(()),
                        None => return Err(Limit::Refused),
                    }
                }
                Err(CheckError::Refused { limit: Some(limit), .. }) => return Err(limit.into()),
                Err(error) => {
                    // Cannot be, for the event was cleaned; if it is, the fight goes on without it.
                    debug_assert!(false, "an event does not fit its encounter: {error}");
                    return Err(Limit::Refused);
                }
            }
        };
        for actor in &news.actors {
            self.actors.insert(actor.id, ActorIx(self.actors.len() as u16));
        }
        for skill in &news.skills {
            self.skills.insert(*skill, SkillIx(self.skills.len() as u16));
        }
        batch.actors.extend(news.actors);
        batch.skills.extend(news.skills);
        batch.bytes += bytes;
        match event {
            Event::Hit(hit) => batch.hits.push(hit),
            Event::Rare(event) => {
                batch.rare.push(event);
                batch.rare_bytes.extend(rare);
            }
        }
        Ok(())
    }

    /// Takes out of an event what makes one player too many: `Some(true)` if the rest is to be asked again,
    /// `Some(false)` if nothing is left, `None` if there was nothing to take out.
    fn call_nobody_a_player(&mut self, news: &mut News, event: &mut Event) -> Option<bool> {
        let mut found = false;
        for (at, actor) in news.actors.iter_mut().enumerate().filter(|(_, actor)| actor.kind == ActorKind::Player) {
            actor.kind = ActorKind::Unknown;
            self.lost.players.insert((self.actors.len() + at) as u16);
            found = true;
        }
        match event {
            Event::Rare(Rare { body: RareBody::Actor(facts), .. }) if facts.kind == Some(ActorKind::Player) => {
                facts.kind = None;
                self.lost.players.insert(facts.actor.0);
                Some(*facts != ActorFacts::of(facts.actor) || !news.actors.is_empty())
            }
            Event::Rare(Rare { body: RareBody::Header { local: local @ Some(_), .. }, .. }) if !found => {
                *local = None;
                Some(true)
            }
            _ => found.then_some(true),
        }
    }

    /// Makes a delta of the batch, if there is anything in it.
    fn close(&mut self, batch: &mut Batch, captured_ms: i64, deltas: &mut Vec<Delta>) {
        let mut batch = std::mem::take(batch);
        if batch.is_empty() {
            return;
        }
        let (base_ms, columns) = columns::encode(&batch.hits);
        let mut delta = Delta {
            seq: self.gate.seq() + 1,
            base_ms,
            captured_ms,
            hits: batch.hits.len() as u32,
            actors: batch.actors.clone(),
            skills: batch.skills.clone(),
            columns: columns.into(),
            rare: std::mem::take(&mut batch.rare_bytes),
            checksum: None,
        };
        let sealed = self.gate.seal(delta.seq, Content::from(&delta));
        // Room was asked for with each event. If there is none after all, the relay says what it does not take.
        debug_assert!(sealed.is_ok(), "a delta is larger than there was room for: {sealed:?}");
        let Batch { actors, skills, hits, rare, .. } = batch;
        let checked = Checked { seq: delta.seq, actors, skills, hits, rare };
        debug_assert_eq!(Checked::decode(self.state.columns(), &delta).as_ref(), Ok(&checked));
        self.apply(&checked);
        if delta.seq.is_multiple_of(l::CHECKSUM_EVERY) {
            delta.checksum = Some(self.state.checksum());
        }
        deltas.push(delta);
    }
}

/// Stands where an event was that has been taken.
const NOTHING: SourceEvent = Event::Hit(TimedHit {
    at_ms: 0,
    hit: Hit {
        source: ActorId([0; 16]),
        target: ActorId([0; 16]),
        skill: SkillId { base: 0, variant: None },
        kind: HitKind::Damage,
        amount: 0,
        flags: HitFlags(0),
        shield: 0,
        overheal: 0,
    },
});

/// The places of events by time; facts stand at the begin of a fight, so names come before the hits of their bearers.
/// Those of one moment stay as they came.
fn by_time(events: &[SourceEvent]) -> Vec<u32> {
    // Places are sorted, for events are large.
    let key = |event: &SourceEvent| u64::from(event.at_ms()) << 1 | u64::from(matches!(event, Event::Hit(_)));
    let mut order: Vec<_> = events.iter().zip(0_u32..).map(|(event, at)| (key(event), at)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at)| at).collect()
}

/// The event as the wire allows it, whatever came before it; `None` if nothing is left of it.
fn clean_event(mut event: SourceEvent) -> Result<Option<SourceEvent>, Limit> {
    match &mut event {
        Event::Hit(TimedHit { hit, .. }) => {
            hit.shield = hit.shield.min(hit.amount);
            hit.overheal = hit.overheal.min(hit.amount);
        }
        Event::Rare(rare) => {
            if !clean_body(&mut rare.body)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(event))
}

/// Whether anything is left of the body.
fn clean_body(body: &mut RareBody<ActorId, SkillId>) -> Result<bool, Limit> {
    let fits = |value: &u64| *value <= l::AMOUNT_MAX;
    match body {
        RareBody::Actor(facts) => {
            facts.kind = facts.kind.filter(|kind| *kind != ActorKind::Unknown);
            facts.max_hp = facts.max_hp.filter(fits);
            facts.name = facts.name.take().map(|name| clean(&name, l::NAME_CHARS_MAX)).filter(|name| !name.is_empty());
            return Ok(*facts != ActorFacts::of(facts.actor));
        }
        RareBody::Skill { name, .. } => {
            *name = clean(name, l::NAME_CHARS_MAX);
            return Ok(!name.is_empty());
        }
        RareBody::AttemptBegan { hp, .. } | RareBody::AttemptEnded { hp, .. } => *hp = hp.filter(fits),
        RareBody::BossHealth { hp, max, .. } => {
            *max = max.filter(fits);
            return Ok(fits(hp));
        }
        RareBody::Segment { name, until, .. } => {
            *name = name.take().map(|name| clean(&name, l::NAME_CHARS_MAX)).filter(|name| !name.is_empty());
            *until = until.map(|until| until.min(l::ENCOUNTER_DURATION_MS_MAX));
        }
        RareBody::Buff { until, .. } => *until = (*until).min(l::ENCOUNTER_DURATION_MS_MAX),
        RareBody::Totals { hits, amount, crit, lucky, shield, overheal, .. } => {
            if ![&*hits, &*amount].into_iter().all(fits) {
                return Err(Limit::Amount);
            }
            (*crit, *lucky) = ((*crit).min(*hits), (*lucky).min(*hits));
            (*shield, *overheal) = ((*shield).min(*amount), (*overheal).min(*amount));
        }
        RareBody::Sums { taken, to_bosses, .. } => {
            for sum in [&mut *taken, &mut *to_bosses] {
                // An absurd number costs that number.
                *sum = sum.filter(|sum| fits(&sum.amount));
                if let Some(sum) = sum {
                    sum.hits = sum.hits.filter(fits);
                }
            }
            return Ok(taken.is_some() || to_bosses.is_some());
        }
        RareBody::Header { scene, .. } => {
            *scene = scene.take().map(|scene| clean(&scene, l::NAME_CHARS_MAX)).filter(|scene| !scene.is_empty());
        }
        RareBody::Missing { what, expected, read } => {
            *what = clean(what, l::MISSING_CHARS_MAX);
            *expected = (*expected).min(l::AMOUNT_MAX);
            *read = (*read).min(l::AMOUNT_MAX);
        }
        RareBody::Death { .. } | RareBody::Cast { .. } | RareBody::Revive { .. } => {}
    }
    Ok(true)
}

/// A dictionary entry on the wire: a map of an id of 16 bytes and a kind.
const ACTOR_BYTES: usize = 36;
/// A dictionary entry on the wire: a map of two numbers.
const SKILL_BYTES: usize = 24;

fn news_actor(
    known: &FxHashMap<ActorId, ActorIx>,
    news: &mut Vec<ActorEntry>,
    id: ActorId,
    hints: &FxHashMap<ActorId, ActorKind>,
) -> ActorIx {
    let at = news.iter().position(|actor| actor.id == id).unwrap_or_else(|| {
        news.push(ActorEntry { id, kind: hints.get(&id).copied().unwrap_or_default(), owner: None });
        news.len() - 1
    });
    ActorIx((known.len() + at) as u16)
}

fn news_skill(known: &FxHashMap<SkillId, SkillIx>, news: &mut Vec<SkillId>, id: SkillId) -> SkillIx {
    let at = news.iter().position(|skill| *skill == id).unwrap_or_else(|| {
        news.push(id);
        news.len() - 1
    });
    SkillIx((known.len() + at) as u16)
}

/// At most so many bytes of columns.
fn hit_bytes(hit: &Hit) -> usize {
    let number = |value: u64| (64 - value.leading_zeros() as usize).div_ceil(7).max(1);
    let sparse = |value: u64| if value == 0 { 0 } else { 3 + number(value) };
    // The difference of times takes at most four, and flags one.
    let names = [hit.source.0, hit.target.0, hit.skill.0].into_iter().map(|ix| number(ix.into())).sum::<usize>();
    4 + names + number(hit.amount) + 1 + sparse(hit.shield) + sparse(hit.overheal)
}

#[cfg(test)]
mod tests;
