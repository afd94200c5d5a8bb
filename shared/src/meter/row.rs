//! A row of hits: who did what to whom, and what it came to.

use crate::event::{HitKind, Rare, RareBody, SourceEvent, SourceKey};
use crate::id::{ActorId, SkillId};
use crate::limits::{AMOUNT_MAX, MISSING_CHARS_MAX};
use crate::text;

/// Who did what to whom: what never changes in a row.
#[derive(Clone, Debug, Default)]
pub struct HitRow {
    /// The game's id of who did it.
    pub source: i64,
    /// The game's id of whom it reached.
    pub target: i64,
    /// The game's id of the skill; -1 where the meter does not know it.
    pub skill: i64,
    /// What the target is called, where it is a monster.
    pub monster: Option<String>,
}

impl HitRow {
    /// The skill.
    pub fn skill(&self) -> SkillId {
        SkillId { base: self.skill, variant: None }
    }
}

/// A row's sums, each one that hits can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowSums {
    /// Hits.
    pub hits: u64,
    /// What they came to.
    pub amount: u64,
    /// Critical ones.
    pub crit: u64,
    /// Lucky ones.
    pub lucky: u64,
    /// What shields took of the amount.
    pub shield: u64,
}

impl RowSums {
    /// The sums as the meter tells them; `None` where they are none that hits can have. Parts that are not told are 0.
    pub fn of([hits, amount, crit, lucky, shield]: [Option<i64>; 5]) -> Option<Self> {
        let sum = |told: Option<i64>| told.and_then(|sum| u64::try_from(sum).ok()).filter(|sum| *sum <= AMOUNT_MAX);
        let part = |told: Option<i64>| if told.is_none() { Some(0) } else { sum(told) };
        Some(Self {
            hits: sum(hits)?,
            amount: sum(amount)?,
            crit: part(crit)?,
            lucky: part(lucky)?,
            shield: part(shield)?,
        })
    }

    /// A telling of these sums; parts that are greater than the whole are cut.
    pub fn totals(self, kind: HitKind, row: &HitRow, untimed: bool) -> RareBody<ActorId, SkillId> {
        RareBody::Totals {
            a: actor_id(row.source),
            on: actor_id(row.target),
            s: row.skill(),
            kind,
            hits: self.hits,
            amount: self.amount,
            crit: self.crit.min(self.hits),
            lucky: self.lucky.min(self.hits),
            shield: self.shield.min(self.amount),
            overheal: 0,
            lump: untimed,
        }
    }

    /// The first part that is greater than its whole: what it is, the part, and the whole.
    fn contradiction(self) -> Option<(&'static str, u64, u64)> {
        let parts = [
            ("critical hits beyond all hits", self.crit, self.hits),
            ("lucky hits beyond all hits", self.lucky, self.hits),
            ("shield beyond the amount", self.shield, self.amount),
        ];
        parts.into_iter().find(|(_, part, whole)| part > whole)
    }
}

/// A row in words, to tell what is missing: which of the fight's, and its skill. Ids of players stay out of it, for the
/// relay keeps this text as it is.
#[derive(Clone, Copy, Debug)]
pub struct RowPlace {
    /// Of its table.
    pub kind: HitKind,
    /// Its number.
    pub row: i64,
    /// The game's id of the skill.
    pub skill: i64,
}

/// What is missing: in words, what the meter says, and what there is.
pub type Shortfall = (String, u64, u64);

impl RowPlace {
    /// `what` of this row.
    pub fn of(self, what: &str) -> String {
        format!("{what} of {} row {}, skill {}", word(self.kind), self.row, self.skill)
    }

    /// What the single hits of a row lack to its sums: `hits` and `amount` as the meter says and as they were read.
    pub fn shortfall(self, hits: [u64; 2], amount: [u64; 2]) -> Option<Shortfall> {
        let parts = [("hits", hits), ("amount", amount)];
        let (what, [told, read]) = parts.into_iter().find(|(_, [told, read])| told != read)?;
        Some((self.of(what), told, read))
    }

    /// What is wrong with a row's sums; `hits`: as the meter tells them.
    pub fn contradiction(self, hits: Option<i64>, sums: Option<RowSums>) -> Option<Shortfall> {
        let Some(sums) = sums else {
            let hits = hits.and_then(|hits| u64::try_from(hits).ok()).unwrap_or(0);
            return Some((self.of("sums that no hits have,"), hits.min(AMOUNT_MAX), 0));
        };
        sums.contradiction().map(|(what, part, whole)| (self.of(what), part, whole))
    }
}

/// A table of hits in a word.
pub const fn word(kind: HitKind) -> &'static str {
    match kind {
        HitKind::Damage => "damage",
        HitKind::Heal => "heal",
    }
}

/// An actor by the id that the game gives it.
pub fn actor_id(id: i64) -> ActorId {
    ActorId::clear(id as u64)
}

/// A rare event as a source yields it.
pub fn rare(at_ms: u32, key: SourceKey, body: RareBody<ActorId, SkillId>) -> SourceEvent {
    SourceEvent::Rare(Rare { at_ms, key, body })
}

/// What a meter promises and does not hold.
pub fn missing(at_ms: u32, key: SourceKey, what: &str, expected: u64, read: u64) -> SourceEvent {
    rare(at_ms, key, RareBody::Missing { what: text::clean(what, MISSING_CHARS_MAX), expected, read })
}
