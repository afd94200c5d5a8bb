//! The fold: from an encounter's events to its state. The one place where damage is added up.
//!
//! One invariant: the state depends on the set of events alone, not on their order nor on how they were cut into
//! deltas. Hits only add up; of sums the greatest wins; of everything else the latest, by (time, source key), and
//! equal ones by value.
//! So whatever a figure needs that may become known late (who is a player, who is a boss) is asked when the
//! figure is shown ([`crate::view`]), never when a hit comes in.
//!
//! A delta goes through a [`Gate`] first, which refuses what does not fit and changes nothing; what it lets through
//! ([`Checked`]) always applies. Deliberately not here: storage, names policies, what a page shows.

mod checksum;
mod fits;
mod gate;
mod index;
mod rows;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

pub use checksum::Checksum;
pub use fits::Limit;
pub(crate) use gate::decode_rare;
pub use gate::{CheckError, Checked, Gate};
pub use index::FoldIndex;
pub use rows::{Pair, Row, RowKey, Second, Summed, Told};

use crate::columns::ColumnMap;
use crate::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, AttemptReason, Rare, RareBody, SkillIx, SourceKey, TimedHit,
};
use crate::id::{ActorId, SkillId};
use crate::limits::MISSING_MAX;
use crate::report::Place;
use crate::uplink::Header;
use rows::RowTable;
use sums::Sums;

/// When something was so and where the source found it: of two facts the later stamp wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since the encounter began.
    pub at_ms: u32,
    /// Settles ties.
    pub key: SourceKey,
}

/// The latest value of something, or none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest<T>(Option<(Stamp, T)>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> Latest<T> {
    /// Takes `value` if it is later than what is held; of two with one stamp the greater, so that order is all one.
    pub fn offer(&mut self, stamp: Stamp, value: T) {
        let newer = self.0.as_ref().is_none_or(|held| (held.0, &held.1) < (stamp, &value));
        if newer {
            self.0 = Some((stamp, value));
        }
    }
}

impl<T> Latest<T> {
    /// The value, if any.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|held| &held.1)
    }

    /// When it was so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.0.as_ref().map(|held| held.0)
    }
}

/// An actor and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: ActorId,
    /// Whose pet it is.
    pub owner: Option<ActorIx>,
    entry_kind: ActorKind,
    kind: Latest<ActorKind>,
    /// Its name in the game.
    pub name: Latest<String>,
    /// The game's class id.
    pub class_id: Latest<u16>,
    /// Canonical spec id.
    pub spec_id: Latest<u16>,
    /// The game's ability score.
    pub ability_score: Latest<u32>,
    /// Character level.
    pub level: Latest<u32>,
    /// The game's monster type.
    pub monster_id: Latest<i64>,
    /// Whether it is a boss.
    pub boss: Latest<bool>,
    /// Full health.
    pub max_hp: Latest<u64>,
    /// Health, where the source reports it.
    pub hp: Latest<u64>,
    /// Whether the meter counts it as defeated.
    pub defeated: Latest<bool>,
    /// Whether it stands, by deaths and revives.
    pub alive: Latest<bool>,
    /// When it last hit or healed anyone.
    pub acted_ms: Option<u32>,
}

impl Actor {
    fn new(entry: &ActorEntry) -> Self {
        Self {
            id: entry.id,
            owner: entry.owner,
            entry_kind: entry.kind,
            kind: Latest::default(),
            name: Latest::default(),
            class_id: Latest::default(),
            spec_id: Latest::default(),
            ability_score: Latest::default(),
            level: Latest::default(),
            monster_id: Latest::default(),
            boss: Latest::default(),
            max_hp: Latest::default(),
            hp: Latest::default(),
            defeated: Latest::default(),
            alive: Latest::default(),
            acted_ms: None,
        }
    }

    /// What it is: the latest that was told, else what its dictionary entry says.
    pub fn kind(&self) -> ActorKind {
        self.kind.get().copied().unwrap_or(self.entry_kind)
    }

    fn learn(&mut self, stamp: Stamp, facts: &ActorFacts) {
        fn offer<T: Ord + Clone>(held: &mut Latest<T>, stamp: Stamp, told: Option<&T>) {
            if let Some(value) = told {
                held.offer(stamp, value.clone());
            }
        }
        // A kind that is told as unknown tells nothing.
        offer(&mut self.kind, stamp, facts.kind.filter(|kind| *kind != ActorKind::Unknown).as_ref());
        offer(&mut self.name, stamp, facts.name.as_ref());
        offer(&mut self.class_id, stamp, facts.class_id.as_ref());
        offer(&mut self.spec_id, stamp, facts.spec_id.as_ref());
        offer(&mut self.ability_score, stamp, facts.ability_score.as_ref());
        offer(&mut self.level, stamp, facts.level.as_ref());
        offer(&mut self.monster_id, stamp, facts.monster_id.as_ref());
        offer(&mut self.boss, stamp, facts.boss.as_ref());
        offer(&mut self.max_hp, stamp, facts.max_hp.as_ref());
        offer(&mut self.defeated, stamp, facts.defeated.as_ref());
    }
}

/// A skill and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Which.
    pub id: SkillId,
    /// As the meter shows it.
    pub name: Latest<String>,
}

/// A death, of a player or a monster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Death {
    /// When.
    pub stamp: Stamp,
    /// Who.
    pub actor: ActorIx,
    /// By whom.
    pub by: Option<ActorIx>,
    /// With what.
    pub skill: Option<SkillIx>,
}

/// One attempt at a boss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Why it began, and the boss' health then.
    pub began: Latest<(AttemptReason, Option<u64>)>,
    /// The boss' health when it ended.
    pub ended: Latest<Option<u64>>,
}

/// What the header did not know when the encounter began.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct LateHeader {
    scene_id: Option<i64>,
    scene: Option<String>,
    difficulty: Option<i64>,
    local: Option<ActorIx>,
}

/// Something that the meter counted and nobody could read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What, in words.
    pub what: String,
    /// What the meter's counter says.
    pub expected: u64,
    /// What was read.
    pub read: u64,
}

/// The half-open span of a fight that a state holds, ms since the encounter began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// From here, inclusive.
    pub from_ms: u32,
    /// To here, exclusive.
    pub to_ms: u32,
}

impl Span {
    /// The whole fight.
    pub const ALL: Self = Self { from_ms: 0, to_ms: u32::MAX };

    /// Whether a time lies in it.
    pub fn holds(self, at_ms: u32) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }
}

/// The state of an encounter: what its events add up to.
#[derive(Clone, Debug)]
pub struct EncounterState {
    header: Header,
    late_header: Latest<LateHeader>,
    columns: ColumnMap,
    span: Span,
    seq: u64,
    actors: Vec<Actor>,
    skills: Vec<Skill>,
    rows: RowTable,
    deaths: Vec<Death>,
    attempts: BTreeMap<u32, Attempt>,
    missing: Vec<Missing>,
    rare: u64,
    /// First and last combat event of the span.
    extent: Option<(u32, u32)>,
    /// First and last combat event of the whole fight.
    whole: Option<(u32, u32)>,
    damaged: u64,
    /// Made when it is asked for, and kept until more comes: rows are many, and whoever joins asks.
    checksum: OnceLock<Checksum>,
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

    /// Folds a delta that a [`Gate`] of this encounter let through.
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
    }

    fn apply_hit(&mut self, TimedHit { at_ms, hit }: &TimedHit) {
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

    fn apply_rare(&mut self, Rare { at_ms, key, body }: &Rare) {
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
            RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump } => {
                if *lump {
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
                self.rows.add_totals(self.span, *at_ms, key, *lump, sums);
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

    fn actor_mut(&mut self, actor: ActorIx) -> &mut Actor {
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
    pub fn told(&self) -> impl Iterator<Item = (RowKey, Told)> + '_ {
        self.rows.told()
    }

    /// First and last time at which what is told as sums came, of the whole fight, as far as it has a time; by row, in
    /// no order.
    pub fn told_active(&self) -> impl Iterator<Item = (RowKey, (u32, u32))> + '_ {
        self.rows.told_active()
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

    /// What of the sums is known as sums alone, without single hits.
    pub fn summed(&self) -> Summed {
        self.rows.summed()
    }

    /// How many rare events it was folded of: tells whether there were more since.
    pub(crate) fn rare_count(&self) -> u64 {
        self.rare
    }

    /// The frozen checksum of the state. Cost: sorts the rows, once for all who ask until more comes.
    pub fn checksum(&self) -> Checksum {
        *self.checksum.get_or_init(|| checksum::of(self))
    }
}
