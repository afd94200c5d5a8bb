//! Sums of hits: by row for figures, by pair and second for charts.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::span::Span;
use super::sums::{Growth, Steps, Sums, Telling};
use crate::event::{ActorIx, Hit, HitFlags, HitKind, SkillIx};

/// What a row takes up, bytes: 112 of its own, 16 of its place and 9 of the gate's, each in a table that may be half empty.
const ROW_BYTES: u64 = 288;
/// What a pair takes up, bytes, likewise, with room for its first four seconds.
const PAIR_BYTES: u64 = 224;
/// What a second of a pair takes up, bytes, likewise.
const SECOND_BYTES: u64 = 32;
/// What a telling of a row's sums takes up, bytes, likewise, with the gate's.
const TELLING_BYTES: u64 = 192;

/// What a row adds up: hits of one source with one skill on one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Who.
    pub source: ActorIx,
    /// Whom.
    pub target: ActorIx,
    /// With what.
    pub skill: SkillIx,
    /// Damage or heal.
    pub kind: HitKind,
}

impl RowKey {
    pub(super) fn packed(self) -> u64 {
        u64::from(self.source.0) << 33
            | u64::from(self.target.0) << 17
            | u64::from(self.skill.0) << 1
            | u64::from(self.kind == HitKind::Heal)
    }
}

/// The sums of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is added up.
    pub key: RowKey,
    /// How many hits.
    pub hits: u64,
    /// Their amounts.
    pub amount: u64,
    /// How many were critical.
    pub crit: u64,
    /// How many were lucky.
    pub lucky: u64,
    /// How many reached a boss, and their amounts.
    pub boss_hits: u64,
    /// See `boss_hits`.
    pub boss_amount: u64,
    /// What of the amount a shield took.
    pub shield: u64,
    /// What of the amount healed nobody.
    pub overheal: u64,
    /// The greatest single amount; 0 where only sums are known.
    pub max: u64,
    /// How many of the hits are known as a sum alone, and their amounts. Whether they reached a boss shows in the
    /// target.
    pub summed_hits: u64,
    /// See `summed_hits`.
    pub summed_amount: u64,
    pair: u32,
}

/// What is known as sums alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summed {
    /// Hits of the span.
    pub hits: u64,
    /// Their amounts.
    pub amount: u64,
    /// Amounts, of the whole fight, of which it is not known when they came: they stand in no second and no span.
    pub untimed_amount: u64,
}

/// Amounts by second of one source on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Who.
    pub source: ActorIx,
    /// Whom.
    pub target: ActorIx,
    /// Damage or heal.
    pub kind: HitKind,
    /// By second. One in which nothing but hits of 0 came may stand here or not.
    pub seconds: Vec<Second>,
    /// When its first and its last hit of more than 0 came, in the whole fight, whatever span was added up.
    pub active: Option<(u32, u32)>,
}

/// What came in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    /// Which, since the encounter began.
    pub second: u32,
    /// When in it the first hit of more than 0 came, ms; with none it is greater than `last_ms`.
    pub first_ms: u16,
    /// And the last.
    pub last_ms: u16,
    /// All that came, hits and sums.
    pub amount: u64,
}

impl Second {
    fn empty(second: u32) -> Self {
        Self { second, first_ms: u16::MAX, last_ms: 0, amount: 0 }
    }
}

/// Amounts that one telling of a row's sums added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountGrowth {
    /// When it was told, ms since the encounter began.
    pub at_ms: u32,
    /// What came then.
    pub timed: u64,
    /// What came at some time before.
    pub untimed: u64,
}

/// All that one telling of a row's sums added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumGrowth {
    /// When it was told, ms since the encounter began.
    pub at_ms: u32,
    /// What came then.
    pub timed: Grown,
    /// What came at some time before.
    pub untimed: Grown,
}

/// What sums grew by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grown {
    /// How many hits.
    pub hits: u64,
    /// Their amounts.
    pub amount: u64,
    /// How many were critical.
    pub crit: u64,
    /// How many were lucky.
    pub lucky: u64,
    /// What of the amount a shield took.
    pub shield: u64,
    /// What of the amount healed nobody.
    pub overheal: u64,
}

impl From<Sums> for Grown {
    fn from(Sums { hits, amount, crit, lucky, shield, overheal }: Sums) -> Self {
        Self { hits, amount, crit, lucky, shield, overheal }
    }
}

impl Row {
    fn is_nothing(&self) -> bool {
        // A hit counts as one whatever its amount, so this leaves sums alone.
        [self.hits, self.amount, self.crit, self.lucky, self.shield, self.overheal].iter().all(|sum| *sum == 0)
    }
}

impl Pair {
    /// The entry of a second, made if there is none.
    fn second(&mut self, second: u32) -> &mut Second {
        let at = match self.seconds.last() {
            // Events come in nearly in order: the last second, or a new one after it.
            Some(last) if last.second == second => self.seconds.len() - 1,
            Some(last) if last.second > second => {
                match self.seconds.binary_search_by_key(&second, |held| held.second) {
                    Ok(at) => at,
                    Err(at) => {
                        self.seconds.insert(at, Second::empty(second));
                        at
                    }
                }
            }
            _ => {
                self.seconds.push(Second::empty(second));
                self.seconds.len() - 1
            }
        };
        &mut self.seconds[at]
    }

    fn hit(&mut self, at_ms: u32, amount: u64) {
        let held = self.second(at_ms / 1000);
        held.amount += amount;
        if amount > 0 {
            let ms = (at_ms % 1000) as u16;
            (held.first_ms, held.last_ms) = (held.first_ms.min(ms), held.last_ms.max(ms));
            self.widen(Some((at_ms, at_ms)));
        }
    }

    fn widen(&mut self, more: Option<(u32, u32)>) {
        self.active = match (self.active, more) {
            (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
            (held, more) => held.or(more),
        };
    }

    fn take(&mut self, second: u32, amount: u64) {
        if let Ok(at) = self.seconds.binary_search_by_key(&second, |held| held.second) {
            self.seconds[at].amount -= amount;
            if self.seconds[at].amount == 0 {
                self.seconds.remove(at);
            }
        }
    }

    /// The amount of one second.
    pub fn at(&self, second: u32) -> u64 {
        self.seconds.binary_search_by_key(&second, |held| held.second).map_or(0, |at| self.seconds[at].amount)
    }
}

/// All rows and pairs of an encounter.
#[derive(Clone, Debug, Default)]
pub(super) struct RowTable {
    rows: Vec<Row>,
    row_at: FxHashMap<u64, u32>,
    pairs: Vec<Pair>,
    pair_at: FxHashMap<u64, u32>,
    changed_seconds: BTreeSet<u32>,
    changed_last: Option<u32>,
    hits: u64,
    amount: u64,
    steps: FxHashMap<RowKey, Steps>,
    /// Told out of order, and not counted yet.
    early: FxHashMap<RowKey, Vec<Telling>>,
    summed: Summed,
    /// Entries of seconds, and tellings of sums: how much there is of them.
    seconds: usize,
    tellings: usize,
}

impl RowTable {
    pub(super) fn add(&mut self, at_ms: u32, hit: &Hit) {
        let key = RowKey { source: hit.source, target: hit.target, skill: hit.skill, kind: hit.kind };
        self.hits += 1;
        self.amount += hit.amount;
        let row = self.row(key);
        row.hits += 1;
        row.amount += hit.amount;
        row.crit += u64::from(hit.flags.has(HitFlags::CRIT));
        row.lucky += u64::from(hit.flags.has(HitFlags::LUCKY));
        row.max = row.max.max(hit.amount);
        row.shield += hit.shield;
        row.overheal += hit.overheal;
        if hit.flags.has(HitFlags::BOSS) {
            row.boss_hits += 1;
            row.boss_amount += hit.amount;
        }
        let at = row.pair as usize;
        let pair = &mut self.pairs[at];
        let before = pair.seconds.len();
        pair.hit(at_ms, hit.amount);
        self.seconds += pair.seconds.len() - before;
        self.touch(at_ms / 1000);
    }

    /// Notes that a hit came which is not to be added up: when a pair was active is known of the whole fight.
    pub(super) fn pass(&mut self, at_ms: u32, hit: &Hit) {
        if hit.amount > 0 {
            let key = RowKey { source: hit.source, target: hit.target, skill: hit.skill, kind: hit.kind };
            let pair = self.pair(key) as usize;
            self.pairs[pair].widen(Some((at_ms, at_ms)));
        }
    }

    /// Notes likewise of all hits of another table.
    pub(super) fn pass_all(&mut self, other: &Self) {
        for more in other.pairs.iter().filter(|pair| pair.active.is_some()) {
            let key = RowKey { source: more.source, target: more.target, skill: SkillIx(0), kind: more.kind };
            let pair = self.pair(key) as usize;
            self.pairs[pair].widen(more.active);
        }
    }

    /// Takes in what a row has come to by `at_ms`, whether or not the span holds that time; one that is told behind a
    /// later one counts when [`RowTable::settle`] is called.
    pub(super) fn add_totals(&mut self, span: Span, at_ms: u32, key: RowKey, untimed: bool, sums: Sums) {
        self.tellings += 1;
        let telling = Telling { at_ms, untimed, sums };
        let steps = self.steps.entry(key).or_default();
        if steps.end_before(at_ms) && !self.early.contains_key(&key) {
            self.take_tellings(span, key, vec![telling]);
        } else {
            self.early.entry(key).or_default().push(telling);
        }
    }

    /// Counts what was told out of order: all of it at once, so that many such tellings of a row cost one pass.
    pub(super) fn settle(&mut self, span: Span) {
        if self.early.is_empty() {
            return;
        }
        for (key, tellings) in std::mem::take(&mut self.early) {
            self.take_tellings(span, key, tellings);
        }
    }

    fn take_tellings(&mut self, span: Span, key: RowKey, tellings: Vec<Telling>) {
        let (before, now) = self.steps.entry(key).or_default().offer(tellings);
        for growth in before {
            self.grow(span, key, growth, false);
        }
        for growth in now {
            self.grow(span, key, growth, true);
        }
    }

    /// Adds what a telling added, or takes it back.
    fn grow(&mut self, span: Span, key: RowKey, growth: Growth, add: bool) {
        // What is taken back was added before.
        let with = |held: u64, change: u64| if add { held + change } else { held - change };
        self.summed.untimed_amount = with(self.summed.untimed_amount, growth.untimed.amount);
        let inside = span.holds(growth.at_ms);
        let sums = match (span == Span::ALL, inside) {
            (true, _) => growth.timed.plus(growth.untimed),
            (false, true) => growth.timed,
            (false, false) => Sums::default(),
        };
        if sums == Sums::default() {
            return;
        }
        for (held, change) in [
            (&mut self.hits, sums.hits),
            (&mut self.amount, sums.amount),
            (&mut self.summed.hits, sums.hits),
            (&mut self.summed.amount, sums.amount),
        ] {
            *held = with(*held, change);
        }
        let row = self.row(key);
        for (held, change) in [
            (&mut row.hits, sums.hits),
            (&mut row.amount, sums.amount),
            (&mut row.crit, sums.crit),
            (&mut row.lucky, sums.lucky),
            (&mut row.shield, sums.shield),
            (&mut row.overheal, sums.overheal),
            (&mut row.summed_hits, sums.hits),
            (&mut row.summed_amount, sums.amount),
        ] {
            *held = with(*held, change);
        }
        let (pair, is_nothing) = (row.pair as usize, row.is_nothing());
        if growth.timed.amount > 0 && inside {
            let second = growth.at_ms / 1000;
            let before = self.pairs[pair].seconds.len();
            if add {
                self.pairs[pair].second(second).amount += growth.timed.amount;
            } else {
                self.pairs[pair].take(second, growth.timed.amount);
            }
            self.seconds = self.seconds + self.pairs[pair].seconds.len() - before;
            self.touch(second);
        }
        if is_nothing {
            self.remove(key);
        }
    }

    fn touch(&mut self, second: u32) {
        if self.changed_last != Some(second) {
            self.changed_last = Some(second);
            self.changed_seconds.insert(second);
        }
    }

    /// A row that came to nothing again is as if it had never been.
    fn remove(&mut self, key: RowKey) {
        let Some(at) = self.row_at.remove(&key.packed()) else { return };
        self.rows.swap_remove(at as usize);
        if let Some(moved) = self.rows.get(at as usize) {
            self.row_at.insert(moved.key.packed(), at);
        }
    }

    /// Adds the sums of another table.
    pub(super) fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        self.amount += other.amount;
        for more in &other.rows {
            let row = self.row(more.key);
            row.hits += more.hits;
            row.amount += more.amount;
            row.crit += more.crit;
            row.lucky += more.lucky;
            row.boss_hits += more.boss_hits;
            row.boss_amount += more.boss_amount;
            row.shield += more.shield;
            row.overheal += more.overheal;
            row.max = row.max.max(more.max);
        }
        for more in &other.pairs {
            let key = RowKey { source: more.source, target: more.target, skill: SkillIx(0), kind: more.kind };
            let at = self.pair(key) as usize;
            let before = self.pairs[at].seconds.len();
            for more in &more.seconds {
                let held = self.pairs[at].second(more.second);
                held.amount += more.amount;
                (held.first_ms, held.last_ms) = (held.first_ms.min(more.first_ms), held.last_ms.max(more.last_ms));
            }
            self.seconds += self.pairs[at].seconds.len() - before;
            self.pairs[at].widen(more.active);
        }
        self.changed_seconds.extend(&other.changed_seconds);
    }

    fn row(&mut self, key: RowKey) -> &mut Row {
        let next = self.rows.len() as u32;
        let at = *self.row_at.entry(key.packed()).or_insert(next);
        if at == next {
            let pair = self.pair(key);
            self.rows.push(Row {
                key,
                hits: 0,
                amount: 0,
                crit: 0,
                lucky: 0,
                boss_hits: 0,
                boss_amount: 0,
                shield: 0,
                overheal: 0,
                max: 0,
                summed_hits: 0,
                summed_amount: 0,
                pair,
            });
        }
        &mut self.rows[at as usize]
    }

    fn pair(&mut self, RowKey { source, target, kind, .. }: RowKey) -> u32 {
        let next = self.pairs.len() as u32;
        let packed = RowKey { source, target, skill: SkillIx(0), kind }.packed();
        let at = *self.pair_at.entry(packed).or_insert(next);
        if at == next {
            self.pairs.push(Pair { source, target, kind, seconds: Vec::new(), active: None });
        }
        at
    }

    /// About how much memory it takes, bytes, at the most.
    pub(super) fn weight(&self) -> u64 {
        let sums = [(self.rows.len(), ROW_BYTES), (self.pairs.len(), PAIR_BYTES)];
        let times = [(self.seconds, SECOND_BYTES), (self.tellings, TELLING_BYTES)];
        sums.into_iter().chain(times).map(|(count, bytes)| count as u64 * bytes).sum()
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn summed(&self) -> Summed {
        self.summed
    }

    /// What tellings of sums added, row by row and by time, of the whole fight.
    pub(super) fn growths(&self) -> impl Iterator<Item = (RowKey, AmountGrowth)> + '_ {
        self.steps.iter().flat_map(|(key, steps)| {
            let amount = |growth: Growth| AmountGrowth {
                at_ms: growth.at_ms,
                timed: growth.timed.amount,
                untimed: growth.untimed.amount,
            };
            steps.growths().map(move |growth| (*key, amount(growth)))
        })
    }

    /// The same with all that was added.
    pub(super) fn sum_growths(&self) -> impl Iterator<Item = (RowKey, SumGrowth)> + '_ {
        self.steps.iter().flat_map(|(key, steps)| {
            let growth =
                |Growth { at_ms, timed, untimed }| SumGrowth { at_ms, timed: timed.into(), untimed: untimed.into() };
            steps.growths().map(move |step| (*key, growth(step)))
        })
    }

    /// When what is told as sums came, row by row, of the whole fight: first and last of what has a time.
    pub(super) fn summed_active(&self) -> impl Iterator<Item = (RowKey, (u32, u32))> + '_ {
        self.steps.iter().filter_map(|(key, steps)| Some((*key, steps.active()?)))
    }

    pub(super) fn take_changed_seconds(&mut self) -> BTreeSet<u32> {
        self.changed_last = None;
        std::mem::take(&mut self.changed_seconds)
    }
}
