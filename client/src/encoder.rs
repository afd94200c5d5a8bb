//! Events of one encounter to deltas.
//!
//! One invariant: every delta that comes out went through the same [`Gate`] that the relay uses, so nothing is sent
//! that the relay would refuse. What is beyond a limit is left out, counted, and told once at the end as missing.
//! Deliberately not here: when deltas are made, and where they go.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::columns::{self, ColumnMap, own_columns};
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Event, Hit, Knows, Rare, RareBody, SkillIx, SourceEvent, SourceKey,
    TimedHit,
};
use raidcast_shared::fold::{CheckError, Checked, Checksum, EncounterState, Gate, Highs, RowKey};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits as l;
use raidcast_shared::text::clean;
use raidcast_shared::uplink::{Delta, Header};
use serde::{Deserialize, Serialize};

use crate::source::Fight;

/// Where a delta is closed, bytes: with its envelope it stays below 200 KiB, well inside a frame.
const DELTA_BYTES: usize = 190 * 1024;
/// Rare events that are kept free to tell what is missing: one for each limit, and some.
const RARE_RESERVED: usize = 16;
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
    /// The gate refused a delta for another reason: a mistake of ours.
    Refused,
}

impl Limit {
    fn what(self) -> String {
        match self {
            Self::Actors => format!("events of actors beyond the {} of one fight", l::ACTORS_MAX),
            Self::Skills => format!("events of skills beyond the {} of one fight", l::SKILLS_MAX),
            Self::Rare => format!("deaths, names, buffs and casts beyond the {} of one fight", l::RARE_EVENTS_MAX),
            Self::Deaths => format!("deaths beyond the {} of one fight", l::DEATHS_MAX),
            Self::Attempts => format!("attempts beyond the {} of one fight", l::ATTEMPTS_MAX),
            Self::Duration => "events beyond 2 h of one fight".to_owned(),
            Self::Amount => format!("hits whose amounts add up to more than {}", l::AMOUNT_MAX),
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

/// What counts against limits, as the gate counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    kinds: Vec<ActorKind>,
    players: usize,
    rare: usize,
    deaths: usize,
    amount: u64,
    highs: Highs,
}

/// A delta in the making.
#[derive(Debug)]
struct Batch {
    actors: Vec<ActorEntry>,
    skills: Vec<SkillId>,
    hits: Vec<TimedHit>,
    rare: Vec<Bytes>,
    /// More than it will take on the wire.
    bytes: usize,
    /// Actors whose kind it tells: the gate compares with what stood before the delta, so once in each.
    kinds_told: HashSet<ActorIx>,
    before: Counts,
}

impl Batch {
    fn after(counts: &Counts) -> Self {
        Self {
            actors: Vec::new(),
            skills: Vec::new(),
            hits: Vec::new(),
            rare: Vec::new(),
            bytes: 0,
            kinds_told: HashSet::new(),
            before: counts.clone(),
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= DELTA_BYTES || self.hits.len() >= l::DELTA_HITS_MAX || self.rare.len() >= l::DELTA_RARE_MAX
    }

    fn is_empty(&self) -> bool {
        self.hits.is_empty() && self.rare.is_empty() && self.actors.is_empty() && self.skills.is_empty()
    }
}

/// Makes the deltas of one encounter's stream.
#[derive(Debug)]
pub struct Encoder {
    state: EncounterState,
    gate: Gate,
    actors: HashMap<ActorId, ActorIx>,
    skills: HashMap<SkillId, SkillIx>,
    counts: Counts,
    lost: Lost,
    newest_ms: Option<u32>,
}

impl Encoder {
    /// The encoder of an encounter without events.
    pub fn new(header: Header) -> Self {
        let state = EncounterState::new(header, ColumnMap::own());
        Self {
            gate: Gate::of(&state),
            state,
            actors: HashMap::new(),
            skills: HashMap::new(),
            counts: Counts::default(),
            lost: Lost::default(),
            newest_ms: None,
        }
    }

    /// Takes in a delta that this encounter's encoder made before the client was started again.
    ///
    /// # Errors
    /// It does not follow what was taken in: the log it comes from ends before it.
    pub fn replay(&mut self, delta: &Delta) -> Result<(), CheckError> {
        let checked = self.gate.check(delta)?;
        for actor in &checked.actors {
            self.actors.insert(actor.id, ActorIx(self.counts.kinds.len() as u16));
            self.counts.kinds.push(actor.kind);
            self.counts.players += usize::from(actor.kind == ActorKind::Player);
        }
        for skill in &checked.skills {
            self.skills.insert(*skill, SkillIx(self.skills.len() as u16));
        }
        for TimedHit { hit, .. } in &checked.hits {
            self.counts.amount += hit.amount;
        }
        for rare in &checked.rare {
            self.counts.rare += 1;
            match &rare.body {
                RareBody::Death { .. } => self.counts.deaths += 1,
                body @ RareBody::Totals { .. } => self.counts.tell_totals(body),
                RareBody::Actor(ActorFacts { actor, kind: Some(kind), .. }) => self.counts.tell_kind(*actor, *kind),
                _ => {}
            }
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
        // Facts stand at the begin of a fight, so names come before the hits of their bearers.
        events.sort_by_key(|event| (event.at_ms(), matches!(event, Event::Hit(_))));
        let mut kinds = HashMap::new();
        for event in &events {
            if let Event::Rare(Rare { body: RareBody::Actor(ActorFacts { actor, kind: Some(kind), .. }), .. }) = event {
                kinds.entry(*actor).or_insert(*kind);
            }
        }
        let mut deltas = Vec::new();
        let mut batch = Batch::after(&self.counts);
        for event in events {
            if batch.is_full() || self.tells_kind_again(&batch, &event) {
                self.close(&mut batch, captured_ms, &mut deltas);
            }
            match self.fit(event) {
                Ok(Some(event)) => self.add(&mut batch, event, &kinds),
                Ok(None) => {}
                Err(limit) => *self.lost.events.entry(limit).or_default() += 1,
            }
        }
        self.close(&mut batch, captured_ms, &mut deltas);
        deltas
    }

    /// The last deltas of the encounter: what was left out, if anything, stands in them.
    pub fn finish(&mut self, captured_ms: i64) -> Vec<Delta> {
        let lost = std::mem::take(&mut self.lost);
        let at_ms = self.newest_ms.unwrap_or(0);
        let players = lost.players.len() as u64;
        let mut told: Vec<_> = lost.events.into_iter().map(|(limit, left_out)| (limit.what(), left_out, 0)).collect();
        if players > 0 {
            let max = l::PLAYERS_MAX as u64;
            told.push((format!("players beyond the {max} of one fight"), max + players, max));
        }
        let mut batch = Batch::after(&self.counts);
        for (index, (what, expected, read)) in told.into_iter().enumerate() {
            let key = SourceKey::new(STREAM_OF_LIMITS, index as u32);
            self.add_rare(&mut batch, &Rare { at_ms, key, body: RareBody::Missing { what, expected, read } });
        }
        let mut deltas = Vec::new();
        self.close(&mut batch, captured_ms, &mut deltas);
        deltas
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

    /// Whether the event changes a kind that the batch has told already.
    fn tells_kind_again(&self, batch: &Batch, event: &SourceEvent) -> bool {
        let Event::Rare(Rare { body: RareBody::Actor(facts), .. }) = event else { return false };
        let (Some(kind), Some(ix)) = (facts.kind, self.actors.get(&facts.actor)) else { return false };
        batch.kinds_told.contains(ix) && self.counts.kinds[usize::from(ix.0)] != kind
    }

    /// The event as the wire allows it; `None` if nothing is left of it.
    fn fit(&self, mut event: SourceEvent) -> Result<Option<SourceEvent>, Limit> {
        if event.at_ms() > l::ENCOUNTER_DURATION_MS_MAX {
            return Err(Limit::Duration);
        }
        match &mut event {
            Event::Hit(TimedHit { hit, .. }) => {
                self.fit_sum(hit.amount)?;
                hit.shield = hit.shield.min(hit.amount);
                hit.overheal = hit.overheal.min(hit.amount);
            }
            Event::Rare(rare) => {
                if self.counts.rare >= l::RARE_EVENTS_MAX - RARE_RESERVED {
                    return Err(Limit::Rare);
                }
                if !self.fit_body(&mut rare.body)? {
                    return Ok(None);
                }
            }
        }
        self.fit_names(&event)?;
        Ok(Some(event))
    }

    fn fit_sum(&self, more: u64) -> Result<(), Limit> {
        let sum = self.counts.amount.checked_add(more);
        if sum.is_some_and(|sum| sum <= l::AMOUNT_MAX) { Ok(()) } else { Err(Limit::Amount) }
    }

    /// Whether anything is left of the body.
    fn fit_body(&self, body: &mut RareBody<ActorId, SkillId>) -> Result<bool, Limit> {
        let fits = |value: &u64| *value <= l::AMOUNT_MAX;
        match body {
            RareBody::Actor(facts) => {
                facts.kind = facts.kind.filter(|kind| *kind != ActorKind::Unknown);
                facts.max_hp = facts.max_hp.filter(fits);
                facts.name =
                    facts.name.take().map(|name| clean(&name, l::NAME_CHARS_MAX)).filter(|name| !name.is_empty());
                return Ok(*facts != ActorFacts::of(facts.actor));
            }
            RareBody::Skill { name, .. } => {
                *name = clean(name, l::NAME_CHARS_MAX);
                return Ok(!name.is_empty());
            }
            RareBody::Death { .. } if self.counts.deaths >= l::DEATHS_MAX => return Err(Limit::Deaths),
            RareBody::AttemptBegan { n, hp, .. } | RareBody::AttemptEnded { n, hp } => {
                if *n > l::ATTEMPTS_MAX {
                    return Err(Limit::Attempts);
                }
                *hp = hp.filter(fits);
            }
            RareBody::BossHealth { hp, max, .. } => {
                *max = max.filter(fits);
                return Ok(fits(hp));
            }
            RareBody::Segment { name, until, .. } => {
                *name = name.take().map(|name| clean(&name, l::NAME_CHARS_MAX)).filter(|name| !name.is_empty());
                *until = until.map(|until| until.min(l::ENCOUNTER_DURATION_MS_MAX));
            }
            RareBody::Buff { until, .. } => *until = (*until).min(l::ENCOUNTER_DURATION_MS_MAX),
            RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, .. } => {
                if ![&*hits, &*amount].into_iter().all(fits) {
                    return Err(Limit::Amount);
                }
                (*crit, *lucky) = ((*crit).min(*hits), (*lucky).min(*hits));
                (*shield, *overheal) = ((*shield).min(*amount), (*overheal).min(*amount));
                let key = || {
                    let (source, target) = (*self.actors.get(a)?, *self.actors.get(on)?);
                    Some(RowKey { source, target, skill: *self.skills.get(s)?, kind: *kind })
                };
                let growth = key().map_or_else(|| *hits + *amount, |key| self.counts.highs.growth(key, *hits, *amount));
                self.fit_sum(growth)?;
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

    /// Whether the dictionaries hold all that the event names, or have room for it.
    fn fit_names(&self, event: &SourceEvent) -> Result<(), Limit> {
        let (actors, skill): ([Option<ActorId>; 2], Option<SkillId>) = match event {
            Event::Hit(TimedHit { hit, .. }) => ([Some(hit.source), Some(hit.target)], Some(hit.skill)),
            Event::Rare(rare) => match &rare.body {
                RareBody::Actor(facts) => ([Some(facts.actor), None], None),
                RareBody::Skill { s, .. } => ([None, None], Some(*s)),
                RareBody::Cast { a, s } => ([Some(*a), None], Some(*s)),
                RareBody::Death { a, by, s } => ([Some(*a), *by], *s),
                RareBody::Revive { a } | RareBody::BossHealth { a, .. } | RareBody::Buff { a, .. } => {
                    ([Some(*a), None], None)
                }
                RareBody::Totals { a, on, s, .. } => ([Some(*a), Some(*on)], Some(*s)),
                RareBody::Header { local, .. } => ([*local, None], None),
                RareBody::AttemptBegan { .. }
                | RareBody::AttemptEnded { .. }
                | RareBody::Segment { .. }
                | RareBody::Missing { .. } => ([None, None], None),
            },
        };
        let is_new = |actor: &ActorId| !self.actors.contains_key(actor);
        let first = actors[0].filter(is_new);
        let second = actors[1].filter(is_new).filter(|actor| Some(*actor) != first);
        if self.actors.len() + first.iter().len() + second.iter().len() > l::ACTORS_MAX {
            return Err(Limit::Actors);
        }
        if self.skills.len() >= l::SKILLS_MAX && skill.is_some_and(|skill| !self.skills.contains_key(&skill)) {
            return Err(Limit::Skills);
        }
        Ok(())
    }

    /// Adds an event that fits.
    fn add(&mut self, batch: &mut Batch, event: SourceEvent, hints: &HashMap<ActorId, ActorKind>) {
        let mapped: Result<Event, Infallible> = event.try_map(
            &mut |id| Ok(actor_ix(&mut self.actors, &mut self.counts, &mut self.lost, batch, id, hints)),
            &mut |id| Ok(skill_ix(&mut self.skills, id)),
        );
        let Ok(event) = mapped;
        // Skills are numbered as they come, so those beyond what was sent are the batch's.
        let sent = self.state.skills().len() + batch.skills.len();
        if self.skills.len() > sent {
            let mut new: Vec<_> = self.skills.iter().filter(|(_, ix)| usize::from(ix.0) >= sent).collect();
            new.sort_by_key(|(_, ix)| **ix);
            batch.bytes += new.len() * SKILL_BYTES;
            batch.skills.extend(new.into_iter().map(|(id, _)| *id));
        }
        match event {
            Event::Hit(hit) => {
                self.counts.amount += hit.hit.amount;
                batch.bytes += hit_bytes(&hit.hit);
                batch.hits.push(hit);
            }
            Event::Rare(mut rare) => {
                if let RareBody::Actor(facts) = &mut rare.body
                    && !self.admit_kind(batch, facts)
                {
                    return;
                }
                self.add_rare(batch, &rare);
            }
        }
    }

    /// Counts the kind that facts tell, and takes it out of them if it makes one player too many.
    fn admit_kind(&mut self, batch: &mut Batch, facts: &mut ActorFacts) -> bool {
        let Some(kind) = facts.kind else { return true };
        let held = self.counts.kinds[usize::from(facts.actor.0)];
        if kind == ActorKind::Player && held != kind && self.counts.players >= l::PLAYERS_MAX {
            self.lost.players.insert(facts.actor.0);
            facts.kind = None;
            return *facts != ActorFacts::of(facts.actor);
        }
        self.counts.tell_kind(facts.actor, kind);
        batch.kinds_told.insert(facts.actor);
        true
    }

    fn add_rare(&mut self, batch: &mut Batch, rare: &Rare) {
        self.counts.rare += 1;
        match &rare.body {
            RareBody::Death { .. } => self.counts.deaths += 1,
            body @ RareBody::Totals { .. } => self.counts.tell_totals(body),
            _ => {}
        }
        let bytes = codec::encode(rare);
        batch.bytes += bytes.len() + 5;
        batch.rare.push(bytes.into());
    }

    /// Makes a delta of the batch, if there is anything in it.
    fn close(&mut self, batch: &mut Batch, captured_ms: i64, deltas: &mut Vec<Delta>) {
        let batch = std::mem::replace(batch, Batch::after(&self.counts));
        if batch.is_empty() {
            return;
        }
        let events = (batch.hits.len() + batch.rare.len()) as u64;
        let (base_ms, columns) = columns::encode(&batch.hits);
        let mut delta = Delta {
            seq: self.gate.seq() + 1,
            base_ms,
            captured_ms,
            hits: batch.hits.len() as u32,
            actors: batch.actors,
            skills: batch.skills,
            columns: columns.into(),
            rare: batch.rare,
            checksum: None,
        };
        match self.gate.check(&delta) {
            Ok(checked) => {
                self.apply(&checked);
                if delta.seq.is_multiple_of(l::CHECKSUM_EVERY) {
                    delta.checksum = Some(self.state.checksum());
                }
                deltas.push(delta);
            }
            Err(error) => {
                // Cannot be, for all of it was counted; if it is, the fight goes on without these events.
                tracing::error!(%error, events, "a delta does not fit its encounter");
                debug_assert!(false, "{error}");
                self.counts = batch.before;
                self.actors.retain(|_, ix| usize::from(ix.0) < self.counts.kinds.len());
                self.skills.retain(|_, ix| usize::from(ix.0) < self.state.skills().len());
                *self.lost.events.entry(Limit::Refused).or_default() += events;
            }
        }
    }
}

impl Counts {
    fn tell_totals(&mut self, body: &RareBody) {
        if let RareBody::Totals { a, on, s, kind, hits, amount, .. } = body {
            let key = RowKey { source: *a, target: *on, skill: *s, kind: *kind };
            self.amount += self.highs.growth(key, *hits, *amount);
            self.highs.raise(key, *hits, *amount);
        }
    }

    fn tell_kind(&mut self, actor: ActorIx, kind: ActorKind) {
        let held = &mut self.kinds[usize::from(actor.0)];
        self.players += usize::from(kind == ActorKind::Player && *held != kind);
        *held = kind;
    }
}

/// A dictionary entry on the wire: a map of an id of 16 bytes and a kind.
const ACTOR_BYTES: usize = 36;
/// A dictionary entry on the wire: a map of two numbers.
const SKILL_BYTES: usize = 24;

fn actor_ix(
    actors: &mut HashMap<ActorId, ActorIx>,
    counts: &mut Counts,
    lost: &mut Lost,
    batch: &mut Batch,
    id: ActorId,
    hints: &HashMap<ActorId, ActorKind>,
) -> ActorIx {
    if let Some(ix) = actors.get(&id) {
        return *ix;
    }
    let ix = ActorIx(counts.kinds.len() as u16);
    let mut kind = hints.get(&id).copied().unwrap_or_default();
    if kind == ActorKind::Player {
        if counts.players >= l::PLAYERS_MAX {
            lost.players.insert(ix.0);
            kind = ActorKind::Unknown;
        } else {
            counts.players += 1;
        }
    }
    counts.kinds.push(kind);
    actors.insert(id, ix);
    batch.actors.push(ActorEntry { id, kind, owner: None });
    batch.bytes += ACTOR_BYTES;
    ix
}

fn skill_ix(skills: &mut HashMap<SkillId, SkillIx>, id: SkillId) -> SkillIx {
    let next = SkillIx(skills.len() as u16);
    *skills.entry(id).or_insert(next)
}

/// At most so many bytes of columns.
fn hit_bytes(hit: &Hit) -> usize {
    let number = |value: u64| (64 - value.leading_zeros() as usize).div_ceil(7).max(1);
    let sparse = |value: u64| if value == 0 { 0 } else { 3 + number(value) };
    // The difference of times takes at most four, and flags one.
    let names = [hit.source.0, hit.target.0, hit.skill.0].into_iter().map(|ix| number(ix.into())).sum::<usize>();
    4 + names + number(hit.amount) + 1 + sparse(hit.shield) + sparse(hit.overheal)
}

/// What is known of a fight before its first event, as Begin carries it.
pub fn header_of(fight: &Fight, knows: Knows) -> Header {
    let text = |text: &Option<String>| {
        text.as_ref().map(|text| clean(text, l::NAME_CHARS_MAX)).filter(|text| !text.is_empty())
    };
    Header {
        started_at_ms: fight.started_at_ms,
        scene_id: fight.scene_id,
        scene: text(&fight.scene),
        difficulty: fight.difficulty,
        local: fight.local_player.map(ActorId::clear),
        knows,
        cols: own_columns(),
    }
}

/// What the meter tells of a fight now and its header does not say.
pub fn late_header(fight: &Fight, header: &Header) -> Option<RareBody<ActorId, SkillId>> {
    let now = header_of(fight, header.knows.clone());
    let (scene_id, scene) = (now.scene_id, now.scene);
    let local = now.local.filter(|local| header.local != Some(*local));
    let news = (scene_id.is_some() && scene_id != header.scene_id)
        || (scene.is_some() && scene != header.scene)
        || (now.difficulty.is_some() && now.difficulty != header.difficulty)
        || local.is_some();
    news.then_some(RareBody::Header { scene_id, scene, difficulty: now.difficulty, local })
}

#[cfg(test)]
pub(crate) mod tests;
