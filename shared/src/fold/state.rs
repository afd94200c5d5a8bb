//! The state of an encounter, and how a delta changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::checksum::{self, Projected};
use super::entity::{Actor, Attempt, Death, Missing, Skill};
use super::gate::Checked;
use super::latest::{Latest, Stamp};
use super::rows::{AmountGrowth, Pair, Row, RowKey, RowTable, SumGrowth, Summed};
use super::span::Span;
use super::sums::Sums;
use crate::checksum::Checksum;
use crate::columns::{ColumnMap, ColumnsError};
use crate::event::{ActorIx, ActorKind, Rare, RareBody, SkillIx, TimedHit};
use crate::limits::MISSING_MAX;
use crate::log::Log;
use crate::report::Place;
use crate::uplink::Header;

/// What an actor takes up, bytes: its facts, each with when it was told, and the gate's.
const ACTOR_BYTES: u64 = 1_024;
/// What a skill takes up, bytes, likewise.
const SKILL_BYTES: u64 = 256;
/// What a death, an attempt or something missing takes up, bytes, with its text.
const TOLD_BYTES: u64 = 512;

/// What the header did not know when the encounter began.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct LateHeader {
    scene_id: Option<i64>,
    scene: Option<String>,
    difficulty: Option<i64>,
    local: Option<ActorIx>,
}

/// The state of an encounter: what its events add up to.
#[derive(Clone, Debug)]
pub struct EncounterState {
    header: Header,
    late_header: Latest<LateHeader>,
    columns: ColumnMap,
    pub(super) span: Span,
    pub(super) seq: u64,
    pub(super) actors: Vec<Actor>,
    pub(super) skills: Vec<Skill>,
    pub(super) rows: RowTable,
    deaths: Vec<Death>,
    attempts: BTreeMap<u32, Attempt>,
    missing: Vec<Missing>,
    rare: u64,
    /// First and last combat event of the span.
    pub(super) extent: Option<(u32, u32)>,
    /// First and last combat event of the whole fight.
    pub(super) whole: Option<(u32, u32)>,
    damaged: u64,
    /// Made when it is asked for, and kept until more comes: rows are many, and whoever joins asks.
    pub(super) checksum: OnceLock<Checksum>,
}

impl EncounterState {
    /// An encounter without events.
    pub fn new(header: Header, columns: ColumnMap) -> Self {
        Self::of_span(header, columns, Span::ALL)
    }

    /// An encounter of which only `span` is to be added up.
    ///
    /// It takes all dictionary entries and, for attributes, boss health and who stands, what was so before; sums
    /// take the span alone.
    pub fn of_span(header: Header, columns: ColumnMap, span: Span) -> Self {
        Self {
            header,
            late_header: Latest::default(),
            columns,
            span,
            seq: 0,
            actors: Vec::new(),
            skills: Vec::new(),
            rows: RowTable::default(),
            deaths: Vec::new(),
            attempts: BTreeMap::new(),
            missing: Vec::new(),
            rare: 0,
            extent: None,
            whole: None,
            damaged: 0,
            checksum: OnceLock::new(),
        }
    }

    /// Folds a delta that a [`Gate`](super::Gate) of this encounter let through.
    ///
    /// Cost: linear in the delta's events, not in the encounter.
    pub fn apply(&mut self, delta: &Checked) {
        self.seq = self.seq.max(delta.seq);
        self.checksum.take();
        self.actors.extend(delta.actors.iter().map(Actor::new));
        self.skills.extend(delta.skills.iter().map(|&id| Skill { id, name: Latest::default() }));
        for hit in &delta.hits {
            self.apply_hit(hit);
        }
        for rare in &delta.rare {
            self.apply_rare(rare);
        }
        self.rows.settle(self.span);
    }

    pub(super) fn apply_hit(&mut self, TimedHit { at_ms, hit }: &TimedHit) {
        if *at_ms < self.span.to_ms {
            let acted = &mut self.actors[usize::from(hit.source.0)].acted_ms;
            *acted = (*acted).max(Some(*at_ms));
        }
        if self.reach(*at_ms) {
            self.rows.add(*at_ms, hit);
        } else {
            self.rows.pass(*at_ms, hit);
        }
    }

    /// What it tells out of order counts when the rows are settled.
    pub(super) fn apply_rare(&mut self, Rare { at_ms, key, body }: &Rare) {
        let stamp = Stamp { at_ms: *at_ms, key: *key };
        self.rare += 1;
        // What was so before the span holds in it; what comes after it does not.
        let known = *at_ms < self.span.to_ms;
        match body {
            // Who somebody is does not change with the span that one looks at.
            RareBody::Actor(facts) => self.actor_mut(facts.actor).learn(stamp, facts),
            RareBody::Skill { s, name } => self.skills[usize::from(s.0)].name.offer(stamp, name.clone()),
            RareBody::Death { a, by, s } => {
                if known {
                    self.actor_mut(*a).alive.offer(stamp, false);
                }
                if self.reach(*at_ms) {
                    let death = Death { stamp, actor: *a, by: *by, skill: *s };
                    let at = self.deaths.partition_point(|held| *held < death);
                    self.deaths.insert(at, death);
                }
            }
            RareBody::Revive { a } => {
                if known {
                    self.actor_mut(*a).alive.offer(stamp, true);
                }
                self.reach(*at_ms);
            }
            RareBody::AttemptBegan { n, why, hp } if known => {
                self.attempts.entry(*n).or_default().began.offer(stamp, (*why, *hp));
            }
            RareBody::AttemptEnded { n, hp } if known => {
                self.attempts.entry(*n).or_default().ended.offer(stamp, *hp);
            }
            RareBody::BossHealth { a, hp, max } if known => {
                let actor = self.actor_mut(*a);
                actor.hp.offer(stamp, *hp);
                if let Some(max) = max {
                    actor.max_hp.offer(stamp, *max);
                }
            }
            RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump: untimed } => {
                if *untimed {
                    // It holds what happened since the encounter began.
                    self.reach(0);
                } else if known {
                    let acted = &mut self.actor_mut(*a).acted_ms;
                    *acted = (*acted).max(Some(*at_ms));
                }
                self.reach(*at_ms);
                let key = RowKey { source: *a, target: *on, skill: *s, kind: *kind };
                let [hits, amount, crit, lucky, shield, overheal] =
                    [hits, amount, crit, lucky, shield, overheal].map(|value| *value);
                let sums = Sums { hits, amount, crit, lucky, shield, overheal };
                self.rows.add_totals(self.span, *at_ms, key, *untimed, sums);
            }
            RareBody::Sums { a, taken, to_bosses } => {
                // They are of the whole fight: of a part they say nothing.
                if self.span == Span::ALL {
                    self.actor_mut(*a).sum(*taken, *to_bosses);
                }
            }
            RareBody::Header { scene_id, scene, difficulty, local } => {
                let late =
                    LateHeader { scene_id: *scene_id, scene: scene.clone(), difficulty: *difficulty, local: *local };
                self.late_header.offer(stamp, late);
            }
            RareBody::Missing { what, expected, read } => {
                let missing = Missing { what: what.clone(), expected: *expected, read: *read };
                let at = self.missing.partition_point(|held| *held < missing);
                // The smallest stay, so that which ones do not depends on the order they came in.
                self.missing.insert(at, missing);
                self.missing.truncate(MISSING_MAX);
            }
            RareBody::AttemptBegan { .. }
            | RareBody::AttemptEnded { .. }
            | RareBody::BossHealth { .. }
            | RareBody::Cast { .. }
            | RareBody::Segment { .. }
            | RareBody::Buff { .. } => {}
        }
    }

    pub(super) fn actor_mut(&mut self, actor: ActorIx) -> &mut Actor {
        &mut self.actors[usize::from(actor.0)]
    }

    /// Notes that combat reached a time, and says whether the span holds it.
    fn reach(&mut self, at_ms: u32) -> bool {
        let widen = |held: &mut Option<(u32, u32)>| {
            *held = Some(held.map_or((at_ms, at_ms), |(first, last)| (first.min(at_ms), last.max(at_ms))));
        };
        widen(&mut self.whole);
        let inside = self.span.holds(at_ms);
        if inside {
            widen(&mut self.extent);
        }
        inside
    }

    /// Leaves a stored delta out that does not fit: the report says so, and the fold goes on after it.
    pub fn skip_damaged(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
        self.damaged += 1;
    }

    /// How many stored deltas were left out because they did not fit.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// What was known before the first event.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Which column of its deltas is which.
    pub fn columns(&self) -> &ColumnMap {
        &self.columns
    }

    /// The part of the fight that was added up.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Seq of the last delta folded.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// All actors; an [`ActorIx`] is the place.
    pub fn actors(&self) -> &[Actor] {
        &self.actors
    }

    /// The actor at an index that the gate has checked.
    pub fn actor(&self, actor: ActorIx) -> &Actor {
        &self.actors[usize::from(actor.0)]
    }

    /// All skills; a [`SkillIx`] is the place.
    pub fn skills(&self) -> &[Skill] {
        &self.skills
    }

    /// The skill at an index that the gate has checked.
    pub fn skill(&self, skill: SkillIx) -> &Skill {
        &self.skills[usize::from(skill.0)]
    }

    /// Whether an actor is a player: told so, or the one whose meter it is. Monsters never are.
    pub fn is_player(&self, actor: ActorIx) -> bool {
        let held = self.actor(actor);
        match held.kind() {
            ActorKind::Player => true,
            ActorKind::Monster => false,
            ActorKind::Unknown => self.is_local(actor),
        }
    }

    /// Whether an actor is the one whose meter it is.
    pub fn is_local(&self, actor: ActorIx) -> bool {
        match self.late_header.get().and_then(|late| late.local) {
            Some(local) => local == actor,
            None => self.header.local == Some(self.actor(actor).id),
        }
    }

    /// Where the fight is: what became known last, else what the header says.
    pub fn place(&self) -> Place {
        let (header, late) = (&self.header, self.late_header.get());
        Place {
            scene: late.and_then(|late| late.scene.as_ref()).or(header.scene.as_ref()).cloned(),
            scene_id: late.and_then(|late| late.scene_id).or(header.scene_id),
            difficulty: late.and_then(|late| late.difficulty).or(header.difficulty),
        }
    }

    /// The sums of each (source, target, skill, kind), in no order.
    pub fn rows(&self) -> &[Row] {
        self.rows.rows()
    }

    /// Sums by second of each (source, target, kind), in no order.
    pub fn pairs(&self) -> &[Pair] {
        self.rows.pairs()
    }

    /// What tellings of sums added, of the whole fight, in no order.
    pub fn growths(&self) -> impl Iterator<Item = (RowKey, AmountGrowth)> + '_ {
        self.rows.growths()
    }

    /// All that tellings of sums added, of the whole fight, in no order.
    pub fn sum_growths(&self) -> impl Iterator<Item = (RowKey, SumGrowth)> + '_ {
        self.rows.sum_growths()
    }

    /// First and last time at which what is told as sums came, of the whole fight, as far as it has a time; by row, in
    /// no order.
    pub fn summed_active(&self) -> impl Iterator<Item = (RowKey, (u32, u32))> + '_ {
        self.rows.summed_active()
    }

    /// Seconds whose sums changed since they were taken last.
    pub fn take_changed_seconds(&mut self) -> BTreeSet<u32> {
        self.rows.take_changed_seconds()
    }

    /// All deaths in the span, by time.
    pub fn deaths(&self) -> &[Death] {
        &self.deaths
    }

    /// All attempts that began before the span's end, by number.
    pub fn attempts(&self) -> &BTreeMap<u32, Attempt> {
        &self.attempts
    }

    /// What the meter counted and nobody could read.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Time of the first and the last combat event in the span (hit, heal, death, revive), ms.
    pub fn extent_ms(&self) -> Option<(u32, u32)> {
        self.extent
    }

    /// How long it took, ms: of a whole fight first to last combat event, of a span its own length as far as the fight
    /// reaches into it.
    pub fn duration_ms(&self) -> u32 {
        let Some((first, last)) = self.whole else { return 0 };
        if self.span == Span::ALL {
            return last - first;
        }
        last.min(self.span.to_ms).saturating_sub(first.max(self.span.from_ms))
    }

    /// Hits and deaths: what the checksum counts as events.
    pub fn events(&self) -> u64 {
        self.rows.hits() + self.deaths.len() as u64
    }

    /// Hits and heals that are told one by one; those of a sum are not.
    pub fn single_hits(&self) -> u64 {
        self.rows.hits() - self.rows.summed().hits
    }

    /// What of the sums is known as sums alone, without single hits.
    pub fn summed(&self) -> Summed {
        self.rows.summed()
    }

    /// About how much memory it takes, with the gate before it, bytes, at the most. Cheap: it is counted as it grows.
    pub fn weight(&self) -> u64 {
        let counts = [
            (self.actors.len(), ACTOR_BYTES),
            (self.skills.len(), SKILL_BYTES),
            (self.deaths.len() + self.missing.len() + self.attempts.len(), TOLD_BYTES),
        ];
        self.rows.weight() + counts.into_iter().map(|(count, bytes)| count as u64 * bytes).sum::<u64>()
    }

    /// How many rare events it was folded of: tells whether there were more since.
    pub(crate) fn rare_count(&self) -> u64 {
        self.rare
    }

    /// The frozen checksum of the state. Cost: sorts the rows, once for all who ask until more comes.
    pub fn checksum(&self) -> Checksum {
        *self.checksum.get_or_init(|| checksum::of(&self.projected()))
    }

    fn projected(&self) -> Projected<'_> {
        let players = self.deaths.iter().filter(|death| self.is_player(death.actor));
        Projected { rows: self.rows(), skills: &self.skills, deaths: players.count() as u64, events: self.events() }
    }
}

impl Log {
    /// Folds the log, or a span of it.
    ///
    /// # Errors
    /// `List` if the header's column list is not usable, which no stored header is.
    pub fn fold(&self, span: Span) -> Result<EncounterState, ColumnsError> {
        let columns = ColumnMap::new(&self.header.cols)?;
        let mut state = EncounterState::of_span(self.header.clone(), columns, span);
        state.apply(&self.content);
        Ok(state)
    }
}
