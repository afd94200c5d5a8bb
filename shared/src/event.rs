//! What happens in a fight, one thing at a time.
//!
//! Events are generic over how they name actors and skills: a source names them by id
//! ([`SourceEvent`]), a delta by index into the encounter's dictionaries ([`Event`]).
//! Times are milliseconds since the encounter began; amounts are the game's hit points.

use serde::{Deserialize, Serialize};

use crate::id::{ActorId, SkillId};

/// Index into an encounter's actor dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorIx(pub u16);

/// Index into an encounter's skill dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkillIx(pub u16);

/// What an actor is, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// Not told yet: stands among nobody's players.
    #[default]
    Unknown,
    /// A monster, boss or part of the scene.
    Monster,
    /// A player's character.
    Player,
}

/// A dictionary entry: identity alone. What becomes known later is an [`ActorFacts`] event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorEntry {
    /// Who.
    #[serde(rename = "i")]
    pub id: ActorId,
    /// What it is, as known when it was first named; a later [`ActorFacts::kind`] wins.
    #[serde(rename = "k", default, skip_serializing_if = "is_default")]
    pub kind: ActorKind,
    /// Whose pet or summon it is.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ActorIx>,
}

/// Settles ties between events of one millisecond: where the source found the event.
///
/// High 32 bits: the row or stream; low 32 bits: the index in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceKey(pub u64);

impl SourceKey {
    /// The key of entry `index` of a row or stream.
    pub const fn new(stream: u32, index: u32) -> Self {
        Self((stream as u64) << 32 | index as u64)
    }
}

/// Whether a hit hurts or heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HitKind {
    /// Takes hit points.
    Damage,
    /// Gives hit points.
    Heal,
}

/// Bits of a hit. On the wire bit 4 tells a heal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HitFlags(pub u8);

impl HitFlags {
    /// A critical hit.
    pub const CRIT: u8 = 1;
    /// A lucky hit.
    pub const LUCKY: u8 = 2;
    /// The target is a boss.
    pub const BOSS: u8 = 4;
    /// The target blocked.
    pub const BLOCKED: u8 = 8;
    /// On the wire alone: the hit is a heal.
    pub(crate) const HEAL: u8 = 16;

    /// Whether any of `bits` is set.
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }

    /// These flags and `bits`, if `on`.
    pub const fn with(self, bits: u8, on: bool) -> Self {
        if on { Self(self.0 | bits) } else { self }
    }
}

/// One hit or heal. Damage taken is a hit seen from its target, never a second event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<A = ActorIx, S = SkillIx> {
    /// Who did it; a summon's owner where the meter says so.
    pub source: A,
    /// Whom it reached.
    pub target: A,
    /// With what.
    pub skill: S,
    /// Damage or heal.
    pub kind: HitKind,
    /// Hit points, shields and overheal included.
    pub amount: u64,
    /// Critical, lucky, boss, blocked.
    pub flags: HitFlags,
    /// How much of `amount` a shield took.
    pub shield: u64,
    /// How much of `amount` healed nobody.
    pub overheal: u64,
}

/// What is known of an actor from `at_ms` on; each field apart, the latest wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorFacts<A = ActorIx> {
    /// Who.
    #[serde(rename = "a")]
    pub actor: A,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActorKind>,
    /// Its name in the game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The game's class id ([`crate::game`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_id: Option<u16>,
    /// Canonical spec id, 1 to 18 ([`crate::game`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_id: Option<u16>,
    /// The game's ability score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ability_score: Option<u32>,
    /// Character level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// The game's monster type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monster_id: Option<i64>,
    /// Whether it is a boss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boss: Option<bool>,
    /// Its full health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hp: Option<u64>,
    /// Whether the meter counts it as defeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defeated: Option<bool>,
}

impl<A> ActorFacts<A> {
    /// Nothing known yet of `actor`.
    pub fn of(actor: A) -> Self {
        Self {
            actor,
            kind: None,
            name: None,
            class_id: None,
            spec_id: None,
            ability_score: None,
            level: None,
            monster_id: None,
            boss: None,
            max_hp: None,
            defeated: None,
        }
    }
}

/// Why an attempt began, as the meter says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptReason {
    /// The first of the encounter.
    Initial,
    /// The boss' health went back up.
    Rollback,
    /// The raid wiped before it.
    Wipe,
    /// The user or a back-fill split it.
    Manual,
    /// Anything else.
    Other,
}

/// Events other than hits: rare, so they travel as named maps, one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
#[serde(bound(deserialize = "A: Deserialize<'de>, S: Deserialize<'de>"))]
pub enum RareBody<A = ActorIx, S = SkillIx> {
    /// Attributes of an actor became known.
    Actor(ActorFacts<A>),
    /// A skill's name, from the meter's own files.
    Skill {
        /// Which.
        s: S,
        /// As the meter shows it.
        name: String,
    },
    /// A skill was used, whether or not it hit.
    Cast {
        /// Who.
        a: A,
        /// What.
        s: S,
    },
    /// An actor died; monsters too, which only figures of players leave out.
    Death {
        /// Who.
        a: A,
        /// Who dealt the last blow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<A>,
        /// With what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        s: Option<S>,
    },
    /// A player stood up again.
    Revive {
        /// Who.
        a: A,
    },
    /// An attempt began.
    AttemptBegan {
        /// Its number in the encounter, as the meter counts.
        n: u32,
        /// Why.
        why: AttemptReason,
        /// The boss' health then, where the meter tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hp: Option<u64>,
    },
    /// An attempt ended.
    AttemptEnded {
        /// Its number.
        n: u32,
        /// The boss' health then, where the meter tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hp: Option<u64>,
    },
    /// A boss' health as the source reports it; never derived from damage.
    BossHealth {
        /// Which.
        a: A,
        /// Now.
        hp: u64,
        /// Full.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u64>,
    },
    /// A part of a dungeon run that the meter has closed.
    Segment {
        /// Boss or trash.
        boss: bool,
        /// The boss' name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// When it ended, ms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<u32>,
    },
    /// A buff was on an actor.
    Buff {
        /// Who.
        a: A,
        /// The game's buff id.
        buff: i64,
        /// Until when, ms.
        until: u32,
        /// Stacks.
        stacks: u32,
    },
    /// A row's present sums, where a source knows only sums: it had come to at least so much by then.
    ///
    /// Of several the greatest counts, figure by figure; what they come to adds to what hits give.
    Totals {
        /// Who did it.
        a: A,
        /// To whom.
        on: A,
        /// With what.
        s: S,
        /// Damage or heal.
        kind: HitKind,
        /// How many so far.
        hits: u64,
        /// How much so far.
        amount: u64,
        /// How many were critical; at most `hits`.
        #[serde(default, skip_serializing_if = "is_default")]
        crit: u64,
        /// How many were lucky; at most `hits`.
        #[serde(default, skip_serializing_if = "is_default")]
        lucky: u64,
        /// What of the amount a shield took.
        #[serde(default, skip_serializing_if = "is_default")]
        shield: u64,
        /// What of the amount healed nobody.
        #[serde(default, skip_serializing_if = "is_default")]
        overheal: u64,
        /// What it adds may have come at any time before: no second of the timeline and no span takes it.
        #[serde(default, skip_serializing_if = "is_default")]
        lump: bool,
    },
    /// What reached an actor from anyone, and what it dealt to bosses, in the whole fight, where its source tells no rows
    /// that say so ([`Knows::no_targets`]). Of several the greatest counts, figure by figure.
    Sums {
        /// Whose.
        a: A,
        /// Damage that it took.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken: Option<PartSum>,
        /// Damage that it dealt to bosses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_bosses: Option<PartSum>,
    },
    /// What the header did not know when the encounter began; what is `None` here stays as the header says.
    Header {
        /// The game's scene id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scene_id: Option<i64>,
        /// The scene's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scene: Option<String>,
        /// The game's difficulty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        difficulty: Option<i64>,
        /// Whose meter it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local: Option<A>,
    },
    /// The meter's database says that more happened than could be read: what, and both figures.
    Missing {
        /// Which row, chunk or limit, in words.
        what: String,
        /// What the meter's own counter says.
        expected: u64,
        /// What was read.
        read: u64,
    },
}

/// A sum that is told beside the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSum {
    /// How much.
    pub amount: u64,
    /// In how many hits, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
}

impl PartSum {
    /// The greater of two, figure by figure.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self { amount: self.amount.max(other.amount), hits: self.hits.max(other.hits) }
    }
}

/// A rare event, when it happened and where the source found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rare<A = ActorIx, S = SkillIx> {
    /// Milliseconds since the encounter began.
    #[serde(rename = "at")]
    pub at_ms: u32,
    /// Settles ties.
    #[serde(rename = "x", default, skip_serializing_if = "is_default")]
    pub key: SourceKey,
    /// What happened.
    #[serde(flatten)]
    pub body: RareBody<A, S>,
}

/// A hit or heal and when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedHit<A = ActorIx, S = SkillIx> {
    /// Milliseconds since the encounter began.
    pub at_ms: u32,
    /// What happened. Hits only add up, so they need no key for ties.
    pub hit: Hit<A, S>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<A = ActorIx, S = SkillIx> {
    /// A hit or heal: nearly all events.
    Hit(TimedHit<A, S>),
    /// Anything else.
    Rare(Rare<A, S>),
}

/// An event as a source yields it, naming actors and skills by id.
pub type SourceEvent = Event<ActorId, SkillId>;

impl<A, S> Event<A, S> {
    /// Milliseconds since the encounter began.
    pub fn at_ms(&self) -> u32 {
        match self {
            Self::Hit(hit) => hit.at_ms,
            Self::Rare(rare) => rare.at_ms,
        }
    }

    /// Names actors and skills another way.
    pub fn try_map<B, T, E>(
        self,
        actor: &mut impl FnMut(A) -> Result<B, E>,
        skill: &mut impl FnMut(S) -> Result<T, E>,
    ) -> Result<Event<B, T>, E> {
        Ok(match self {
            Self::Hit(TimedHit { at_ms, hit: h }) => Event::Hit(TimedHit {
                at_ms,
                hit: Hit {
                    source: actor(h.source)?,
                    target: actor(h.target)?,
                    skill: skill(h.skill)?,
                    kind: h.kind,
                    amount: h.amount,
                    flags: h.flags,
                    shield: h.shield,
                    overheal: h.overheal,
                },
            }),
            Self::Rare(Rare { at_ms, key, body }) => {
                Event::Rare(Rare { at_ms, key, body: body.try_map(actor, skill)? })
            }
        })
    }
}

impl<A, S> RareBody<A, S> {
    fn try_map<B, T, E>(
        self,
        actor: &mut impl FnMut(A) -> Result<B, E>,
        skill: &mut impl FnMut(S) -> Result<T, E>,
    ) -> Result<RareBody<B, T>, E> {
        Ok(match self {
            Self::Actor(f) => RareBody::Actor(ActorFacts {
                actor: actor(f.actor)?,
                kind: f.kind,
                name: f.name,
                class_id: f.class_id,
                spec_id: f.spec_id,
                ability_score: f.ability_score,
                level: f.level,
                monster_id: f.monster_id,
                boss: f.boss,
                max_hp: f.max_hp,
                defeated: f.defeated,
            }),
            Self::Skill { s, name } => RareBody::Skill { s: skill(s)?, name },
            Self::Cast { a, s } => RareBody::Cast { a: actor(a)?, s: skill(s)? },
            Self::Death { a, by, s } => RareBody::Death {
                a: actor(a)?,
                by: by.map(&mut *actor).transpose()?,
                s: s.map(&mut *skill).transpose()?,
            },
            Self::Revive { a } => RareBody::Revive { a: actor(a)? },
            Self::AttemptBegan { n, why, hp } => RareBody::AttemptBegan { n, why, hp },
            Self::AttemptEnded { n, hp } => RareBody::AttemptEnded { n, hp },
            Self::BossHealth { a, hp, max } => RareBody::BossHealth { a: actor(a)?, hp, max },
            Self::Segment { boss, name, until } => RareBody::Segment { boss, name, until },
            Self::Buff { a, buff, until, stacks } => RareBody::Buff { a: actor(a)?, buff, until, stacks },
            Self::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump } => {
                let (a, on, s) = (actor(a)?, actor(on)?, skill(s)?);
                RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump }
            }
            Self::Sums { a, taken, to_bosses } => RareBody::Sums { a: actor(a)?, taken, to_bosses },
            Self::Header { scene_id, scene, difficulty, local } => {
                RareBody::Header { scene_id, scene, difficulty, local: local.map(actor).transpose()? }
            }
            Self::Missing { what, expected, read } => RareBody::Missing { what, expected, read },
        })
    }
}

/// For whom the source can tell critical and lucky hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CritsKnown {
    /// For nobody.
    None,
    /// For the local player alone: the game tells no more.
    #[default]
    Local,
    /// For everybody.
    All,
}

/// What a source can know: what it cannot is shown as unknown, never as 0.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that a source tells or not")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knows {
    /// Critical and lucky hits.
    #[serde(default)]
    pub crits: CritsKnown,
    /// Single hits; else only sums.
    #[serde(default)]
    pub hits: bool,
    /// How much of a heal healed nobody.
    #[serde(default)]
    pub overheal: bool,
    /// When the fight's events reach the database at the latest, ms after they happened.
    #[serde(default)]
    pub lag_ms: u32,
    /// Deaths are not told: that there are none means nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_deaths: bool,
    /// Whom a hit reached is not told: what players took and what they dealt to bosses is known where it is told as
    /// sums of the whole fight ([`RareBody::Sums`]), and else not at all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_targets: bool,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
