//! Sums of hits: by row for figures, by pair and second for charts.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::event::{ActorIx, Hit, HitFlags, HitKind, SkillIx};

/// What a row adds up: hits of one source with one skill on one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    fn packed(self) -> u64 {
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
    pair: u32,
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
    /// (second since the encounter began, amount), by second, without seconds of nothing.
    pub seconds: Vec<(u32, u64)>,
}

impl Pair {
    fn add(&mut self, second: u32, amount: u64) {
        match self.seconds.last_mut() {
            // Events come in nearly in order: the last second, or a new one after it.
            Some((last, sum)) if *last == second => *sum += amount,
            Some((last, _)) if *last > second => match self.seconds.binary_search_by_key(&second, |held| held.0) {
                Ok(at) => self.seconds[at].1 += amount,
                Err(at) => self.seconds.insert(at, (second, amount)),
            },
            _ => self.seconds.push((second, amount)),
        }
    }

    /// The amount of one second.
    pub fn at(&self, second: u32) -> u64 {
        self.seconds.binary_search_by_key(&second, |held| held.0).map_or(0, |at| self.seconds[at].1)
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
}

impl RowTable {
    pub(super) fn add(&mut self, at_ms: u32, hit: &Hit) {
        let key = RowKey { source: hit.source, target: hit.target, skill: hit.skill, kind: hit.kind };
        let row = self.row(key);
        row.max = row.max.max(hit.amount);
        row.shield += hit.shield;
        row.overheal += hit.overheal;
        if hit.flags.has(HitFlags::BOSS) {
            row.boss_hits += 1;
            row.boss_amount += hit.amount;
        }
        let (crit, lucky) = (hit.flags.has(HitFlags::CRIT), hit.flags.has(HitFlags::LUCKY));
        self.add_totals(at_ms, key, 1, hit.amount, u64::from(crit), u64::from(lucky));
    }

    pub(super) fn add_totals(&mut self, at_ms: u32, key: RowKey, hits: u64, amount: u64, crit: u64, lucky: u64) {
        self.hits += hits;
        self.amount += amount;
        let row = self.row(key);
        row.hits += hits;
        row.amount += amount;
        row.crit += crit;
        row.lucky += lucky;
        let pair = row.pair as usize;
        let second = at_ms / 1000;
        self.pairs[pair].add(second, amount);
        if self.changed_last != Some(second) {
            self.changed_last = Some(second);
            self.changed_seconds.insert(second);
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
            for (second, amount) in &more.seconds {
                self.pairs[at].add(*second, *amount);
            }
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
            self.pairs.push(Pair { source, target, kind, seconds: Vec::new() });
        }
        at
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

    pub(super) fn amount(&self) -> u64 {
        self.amount
    }

    pub(super) fn take_changed_seconds(&mut self, before: u32) -> BTreeSet<u32> {
        let later = self.changed_seconds.split_off(&before);
        self.changed_last = None;
        std::mem::replace(&mut self.changed_seconds, later)
    }
}
