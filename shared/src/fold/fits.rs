//! What fits an encounter: one law, asked event by event by both ends.
//!
//! One invariant: what is counted depends on the set of deltas that were let through alone. So a count that ran
//! along, one that was taken back where a delta did not reach the disk, and one that was made anew from the journal
//! are the same, and give the same answer to whatever comes next. For that each figure only grows: an actor that was
//! once called a player counts as one for good, whatever it is called later, and of a row's sums the greatest counts.
//! Deliberately not here: the shape of events ([`super::gate`]) and what they add up to ([`super`]).

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::rows::RowKey;
use crate::event::{ActorEntry, ActorFacts, ActorIx, ActorKind, Hit, PartSum, RareBody, SkillIx};
use crate::id::{ActorId, SkillId};
use crate::limits as l;
use crate::uplink::RefusedCode;

/// A limit of an encounter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// [`l::ACTORS_MAX`].
    Actors,
    /// [`l::PLAYERS_MAX`].
    Players,
    /// [`l::SKILLS_MAX`].
    Skills,
    /// [`l::ENCOUNTER_HITS_MAX`].
    Hits,
    /// [`l::ENCOUNTER_ROWS_MAX`].
    Rows,
    /// [`l::ENCOUNTER_BYTES_MAX`].
    Bytes,
    /// [`l::RARE_EVENTS_MAX`].
    Rare,
    /// [`l::DEATHS_MAX`].
    Deaths,
    /// [`l::ATTEMPTS_MAX`].
    Attempts,
    /// [`l::ROW_TELLINGS_MAX`].
    Tellings,
    /// [`l::ENCOUNTER_DURATION_MS_MAX`].
    Duration,
    /// [`l::AMOUNT_MAX`].
    Amount,
}

impl Limit {
    /// The code that a refusal carries.
    pub fn code(self) -> RefusedCode {
        match self {
            Self::Amount | Self::Duration => RefusedCode::NumberTooLarge,
            _ => RefusedCode::LimitReached,
        }
    }

    /// What the limit is, as a sentence.
    pub fn text(self) -> String {
        let at_most = |count: u64, what: &str| format!("an encounter has at most {count} {what}");
        match self {
            Self::Actors => at_most(l::ACTORS_MAX as u64, "actors"),
            Self::Players => at_most(l::PLAYERS_MAX as u64, "players"),
            Self::Skills => at_most(l::SKILLS_MAX as u64, "skills"),
            Self::Hits => at_most(l::ENCOUNTER_HITS_MAX, "hits"),
            Self::Rows => at_most(l::ENCOUNTER_ROWS_MAX as u64, "rows of source, target, skill and kind"),
            Self::Bytes => at_most(l::ENCOUNTER_BYTES_MAX, "bytes of deltas"),
            Self::Rare => at_most(l::RARE_EVENTS_MAX as u64, "rare events"),
            Self::Deaths => at_most(l::DEATHS_MAX as u64, "deaths"),
            Self::Attempts => at_most(u64::from(l::ATTEMPTS_MAX), "attempts"),
            Self::Tellings => format!("the sums of one row are told at most {} times", l::ROW_TELLINGS_MAX),
            Self::Duration => format!("an encounter lasts at most {} ms", l::ENCOUNTER_DURATION_MS_MAX),
            Self::Amount => format!("the encounter's amounts add up to more than {}", l::AMOUNT_MAX),
        }
    }
}

/// What a row's sums have come to, and how often they were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RowSums {
    hits: u64,
    amount: u64,
    times: u32,
}

/// Figures that go back as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    actors: usize,
    skills: usize,
    players: usize,
    hits: u64,
    rare: usize,
    deaths: usize,
    amount: u64,
    /// Of sums that are told beside the rows.
    told: u64,
    bytes: u64,
}

/// What was added to a set, to be taken out again.
#[derive(Clone, Debug)]
enum Added {
    Actor(ActorId),
    Skill(SkillId),
    Player(ActorIx),
    Row(u64),
    /// The row's sums before.
    RowSums(RowKey, RowSums),
}

/// A point that [`Fits::back_to`] can go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    counts: Counts,
    added: u64,
}

/// What has come of an encounter, as far as limits count it.
#[derive(Clone, Debug)]
pub(super) struct Fits {
    /// Whose meter it is, by the header.
    local: Option<ActorId>,
    counts: Counts,
    actors: FxHashSet<ActorId>,
    skills: FxHashSet<SkillId>,
    /// By actor: whether it was ever called a player.
    players: Vec<bool>,
    rows: FxHashSet<u64>,
    /// The row that came last: most hits are of the one before.
    last_row: Option<u64>,
    row_sums: FxHashMap<RowKey, RowSums>,
    /// What can be taken back, oldest first, and how much before it no longer can.
    added: VecDeque<Added>,
    settled: u64,
    /// Of a journal: what it holds was let through once, so nothing of it is refused.
    lenient: bool,
    /// Kept free: rare events and bytes.
    reserved: (usize, u64),
}

impl Fits {
    pub(super) fn new(local: Option<ActorId>) -> Self {
        Self {
            // Whose meter it is counts as a player from the beginning.
            counts: Counts { players: usize::from(local.is_some()), ..Counts::default() },
            local,
            actors: FxHashSet::default(),
            skills: FxHashSet::default(),
            players: Vec::new(),
            rows: FxHashSet::default(),
            last_row: None,
            row_sums: FxHashMap::default(),
            added: VecDeque::new(),
            settled: 0,
            lenient: false,
            reserved: (0, 0),
        }
    }

    pub(super) fn actors(&self) -> usize {
        self.counts.actors
    }

    pub(super) fn skills(&self) -> usize {
        self.counts.skills
    }

    pub(super) fn holds_actor(&self, id: ActorId) -> bool {
        self.actors.contains(&id)
    }

    pub(super) fn holds_skill(&self, id: SkillId) -> bool {
        self.skills.contains(&id)
    }

    /// Whether what has come is more than an encounter may have of what takes up memory: only of an older relay's.
    pub(super) fn is_too_large(&self) -> Option<Limit> {
        let Counts { hits, bytes, .. } = self.counts;
        if hits > l::ENCOUNTER_HITS_MAX {
            return Some(Limit::Hits);
        }
        if self.rows.len() > l::ENCOUNTER_ROWS_MAX {
            return Some(Limit::Rows);
        }
        // An older relay's deltas are not counted as this one counts them: half as much again is let through.
        (bytes > l::ENCOUNTER_BYTES_MAX / 2 * 3).then_some(Limit::Bytes)
    }

    /// From now on nothing is refused for a limit, until it is set back.
    pub(super) fn set_lenient(&mut self, lenient: bool) {
        self.lenient = lenient;
    }

    /// Keeps so many rare events and bytes free.
    pub(super) fn reserve(&mut self, rare: usize, bytes: u64) {
        self.reserved = (rare, bytes);
    }

    fn within(&self, fits: bool, limit: Limit) -> Result<(), Limit> {
        if fits || self.lenient { Ok(()) } else { Err(limit) }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { counts: self.counts, added: self.settled + self.added.len() as u64 }
    }

    /// Takes back what came since the mark, newest first.
    pub(super) fn back_to(&mut self, mark: Mark) {
        while self.settled + self.added.len() as u64 > mark.added {
            match self.added.pop_back().expect("more were added since the mark") {
                Added::Actor(id) => {
                    self.actors.remove(&id);
                }
                Added::Skill(id) => {
                    self.skills.remove(&id);
                }
                Added::Player(actor) => self.players[usize::from(actor.0)] = false,
                Added::Row(row) => {
                    self.rows.remove(&row);
                }
                Added::RowSums(key, RowSums { times: 0, .. }) => {
                    self.row_sums.remove(&key);
                }
                Added::RowSums(key, before) => {
                    self.row_sums.insert(key, before);
                }
            }
        }
        self.last_row = None;
        self.players.truncate(mark.counts.actors);
        self.counts = mark.counts;
    }

    /// What came before the mark stays for good.
    pub(super) fn settle(&mut self, mark: Mark) {
        while self.settled < mark.added && self.added.pop_front().is_some() {
            self.settled += 1;
        }
    }

    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.counts.bytes.saturating_add(bytes) <= l::ENCOUNTER_BYTES_MAX - self.reserved.1
    }

    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), Limit> {
        self.within(self.has_room(bytes), Limit::Bytes)?;
        self.counts.bytes = self.counts.bytes.saturating_add(bytes);
        Ok(())
    }

    pub(super) fn actor(&mut self, entry: &ActorEntry) -> Result<(), Limit> {
        self.within(self.counts.actors < l::ACTORS_MAX, Limit::Actors)?;
        let local = self.local == Some(entry.id);
        let one_more = entry.kind == ActorKind::Player && !local;
        self.within(!one_more || self.counts.players < l::PLAYERS_MAX, Limit::Players)?;
        self.counts.actors += 1;
        self.counts.players += usize::from(one_more);
        self.players.push(one_more || local);
        self.actors.insert(entry.id);
        self.added.push_back(Added::Actor(entry.id));
        Ok(())
    }

    pub(super) fn skill(&mut self, id: SkillId) -> Result<(), Limit> {
        self.within(self.counts.skills < l::SKILLS_MAX, Limit::Skills)?;
        self.counts.skills += 1;
        self.skills.insert(id);
        self.added.push_back(Added::Skill(id));
        Ok(())
    }

    pub(super) fn hits(&self, more: u64) -> Result<(), Limit> {
        self.within(self.counts.hits.saturating_add(more) <= l::ENCOUNTER_HITS_MAX, Limit::Hits)
    }

    pub(super) fn hit(&mut self, hit: &Hit) -> Result<(), Limit> {
        self.hits(1)?;
        let amount = self.amount(hit.amount)?;
        self.row(RowKey { source: hit.source, target: hit.target, skill: hit.skill, kind: hit.kind })?;
        self.counts.amount = amount;
        self.counts.hits += 1;
        Ok(())
    }

    /// A rare event of a later version: it counts as one.
    pub(super) fn unknown(&mut self) -> Result<(), Limit> {
        self.within(self.counts.rare + self.reserved.0 < l::RARE_EVENTS_MAX, Limit::Rare)?;
        self.counts.rare += 1;
        Ok(())
    }

    /// A rare event whose shape and indexes are right. What it added stands also where it is refused: go back to a mark.
    pub(super) fn rare(&mut self, body: &RareBody) -> Result<(), Limit> {
        self.unknown()?;
        match body {
            RareBody::Death { .. } => {
                self.within(self.counts.deaths < l::DEATHS_MAX, Limit::Deaths)?;
                self.counts.deaths += 1;
            }
            RareBody::AttemptBegan { n, .. } | RareBody::AttemptEnded { n, .. } => {
                self.within(*n <= l::ATTEMPTS_MAX, Limit::Attempts)?;
            }
            RareBody::Actor(ActorFacts { actor, kind: Some(ActorKind::Player), .. }) => self.player(*actor)?,
            RareBody::Header { local: Some(local), .. } => self.player(*local)?,
            RareBody::Totals { a, on, s, kind, hits, amount, .. } => {
                self.totals(RowKey { source: *a, target: *on, skill: *s, kind: *kind }, *hits, *amount)?;
            }
            RareBody::Sums { taken, to_bosses, .. } => {
                for PartSum { amount, hits } in [taken, to_bosses].into_iter().flatten() {
                    let told = self.counts.told.saturating_add(*amount).saturating_add(hits.unwrap_or(0));
                    self.within(told <= l::AMOUNT_MAX, Limit::Amount)?;
                    self.counts.told = told;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn amount(&self, more: u64) -> Result<u64, Limit> {
        let sum = self.counts.amount.saturating_add(more);
        self.within(sum <= l::AMOUNT_MAX, Limit::Amount)?;
        Ok(sum)
    }

    fn row(&mut self, key: RowKey) -> Result<(), Limit> {
        let packed = key.packed();
        if self.last_row == Some(packed) {
            return Ok(());
        }
        if !self.rows.contains(&packed) {
            self.within(self.rows.len() < l::ENCOUNTER_ROWS_MAX, Limit::Rows)?;
            self.rows.insert(packed);
            self.added.push_back(Added::Row(packed));
        }
        self.last_row = Some(packed);
        Ok(())
    }

    fn player(&mut self, actor: ActorIx) -> Result<(), Limit> {
        if self.players[usize::from(actor.0)] {
            return Ok(());
        }
        self.within(self.counts.players < l::PLAYERS_MAX, Limit::Players)?;
        self.counts.players += 1;
        self.players[usize::from(actor.0)] = true;
        self.added.push_back(Added::Player(actor));
        Ok(())
    }

    fn totals(&mut self, key: RowKey, hits: u64, amount: u64) -> Result<(), Limit> {
        let held = self.row_sums.get(&key).copied().unwrap_or_default();
        self.within(held.times < l::ROW_TELLINGS_MAX, Limit::Tellings)?;
        // Hits that are known as a sum alone count as amounts do: a report shows them as numbers too.
        let growth = hits.saturating_sub(held.hits).saturating_add(amount.saturating_sub(held.amount));
        self.counts.amount = self.amount(growth)?;
        self.row(key)?;
        let now =
            RowSums { hits: held.hits.max(hits), amount: held.amount.max(amount), times: held.times.saturating_add(1) };
        self.row_sums.insert(key, now);
        self.added.push_back(Added::RowSums(key, held));
        Ok(())
    }
}

/// What of a skill or an actor is not in its dictionary.
pub(super) fn beyond(actor: Option<ActorIx>, skill: Option<SkillIx>, fits: &Fits) -> bool {
    actor.is_some_and(|actor| usize::from(actor.0) >= fits.actors())
        || skill.is_some_and(|skill| usize::from(skill.0) >= fits.skills())
}
