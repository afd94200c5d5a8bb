//! A fight as plain facts, independent of how a meter stores it.
//!
//! Times are milliseconds since the fight began. Ids are the game's uids, that is a full entity uuid shifted right by
//! 16 bits.

use std::collections::HashSet;

/// One fight from the first hit to the reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fight {
    /// Unix ms of the first hit.
    pub started_at_ms: i64,
    /// The player whose meter writes.
    pub local_player_id: i64,
    /// The game's id of the scene.
    pub scene_id: Option<i64>,
    /// In the language of the meter; chunks do not store it.
    pub scene_name: Option<String>,
    /// The dungeon's difficulty; the aggregate does not store it.
    pub difficulty: Option<i64>,
    /// Those who can appear; who never acts nor is hit is never written.
    pub players: Vec<Player>,
    /// Those they fight.
    pub monsters: Vec<Monster>,
    /// By time; of the same millisecond in order of arrival.
    pub hits: Vec<Hit>,
    /// By time, of players and of monsters.
    pub deaths: Vec<Death>,
    /// By time.
    pub revives: Vec<Revive>,
    /// By time; only chunks store them.
    pub casts: Vec<Cast>,
    /// By index, which begins at 1; only the aggregate stores them.
    pub attempts: Vec<Attempt>,
    /// By time; only the aggregate stores them. Empty, as most players have it: the setting is hidden.
    pub segments: Vec<Segment>,
    /// Ms since the start; without it the fight is never ended, as after a crash.
    pub ended_at_ms: Option<i64>,
    /// Whether the player's reset ended it.
    pub manually_reset: bool,
}

/// A player, as the game tells the meter.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// The number that players see in the game.
    pub uid: i64,
    /// Any text, not unique.
    pub name: String,
    /// The game's id of the class.
    pub class_id: i64,
    /// Canonical id, 1 to 18, or 0 while unknown.
    pub spec: i64,
    /// Gear as one number.
    pub ability_score: i64,
    /// The character's level.
    pub level: i64,
}

/// A monster.
#[derive(Clone, Debug, PartialEq)]
pub struct Monster {
    /// The uid of this copy.
    pub entity_id: i64,
    /// The game's id of its kind.
    pub type_id: Option<i64>,
    /// In the language of the meter.
    pub name: String,
    /// Whether the meter takes it for a boss.
    pub is_boss: bool,
    /// Hit points.
    pub max_hp: Option<i64>,
    /// Whether the fight ends with its death.
    pub defeated: bool,
}

/// What a hit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitKind {
    /// Takes hit points.
    Damage,
    /// Gives hit points.
    Heal,
}

/// One hit or heal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When it arrived.
    pub at_ms: i64,
    /// Who did it, pets counted as their owner.
    pub source: i64,
    /// Whom it met.
    pub target: i64,
    /// The base skill, -1 if unknown.
    pub base_skill_id: i64,
    /// Damage or heal.
    pub kind: HitKind,
    /// What the packet says: for a heal, overheal included.
    pub amount: i64,
    /// The game tells it of the local player's hits alone.
    pub crit: bool,
    /// As `crit`.
    pub lucky: bool,
    /// Hit points lost; 0 for a heal.
    pub hp_loss: i64,
    /// Shield lost; 0 for a heal.
    pub shield_loss: i64,
    /// The part of a heal that found no wound.
    pub overheal: i64,
    /// The attempt it belongs to.
    pub attempt: Option<i64>,
}

impl Hit {
    /// The figure that the aggregate stores: the losses where there are any, else the packet's amount.
    pub fn aggregate_amount(&self) -> i64 {
        match self.hp_loss + self.shield_loss {
            loss if loss > 0 && self.kind == HitKind::Damage => loss,
            _ => self.amount,
        }
    }
}

/// A death.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When.
    pub at_ms: i64,
    /// Who died, player or monster.
    pub actor: i64,
    /// Who killed.
    pub killer: Option<i64>,
    /// The base skill that killed.
    pub skill_id: Option<i64>,
    /// The attempt it belongs to.
    pub attempt: Option<i64>,
}

/// A player back on the feet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revive {
    /// When.
    pub at_ms: i64,
    /// Who.
    pub player: i64,
}

/// What kind of skill a cast is worth noting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastKind {
    /// A boss's.
    Boss,
    /// An imagine's.
    Fantasy,
    /// A player's great one.
    Key,
}

/// A skill that began, whether or not it hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// When.
    pub at_ms: i64,
    /// Who.
    pub caster: i64,
    /// The base skill.
    pub skill_id: i64,
    /// What it is.
    pub kind: CastKind,
}

/// One try at the boss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub index: i64,
    /// When it began.
    pub started_ms: i64,
    /// When the next one began; the meter never ends the last.
    pub ended_ms: Option<i64>,
    /// Why it began: `initial`, `hp_rollback` or `wipe`.
    pub reason: String,
    /// The boss's hit points then, if one was in view.
    pub boss_hp_start: Option<i64>,
    /// The boss's hit points when it ended.
    pub boss_hp_end: Option<i64>,
    /// Revives, in truth: the meter's name for them is older.
    pub total_deaths: i64,
}

/// What a segment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// The way to a boss.
    Trash,
    /// One boss, by its entity id.
    Boss(i64),
}

/// A stretch of a dungeon; its figures follow from the hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Trash or boss.
    pub kind: SegmentKind,
    /// From this millisecond.
    pub started_ms: i64,
    /// Up to this one, left out; the meter writes the segment then.
    pub ended_ms: i64,
}

impl Fight {
    /// The same fight at another hour.
    pub fn starting_at(mut self, unix_ms: i64) -> Self {
        self.started_at_ms = unix_ms;
        self
    }

    /// The same fight, never ended.
    pub fn crashing(mut self) -> Self {
        self.ended_at_ms = None;
        self
    }

    /// The last millisecond in which anything happens.
    pub fn last_ms(&self) -> i64 {
        let last = [
            self.hits.last().map(|h| h.at_ms),
            self.deaths.last().map(|d| d.at_ms),
            self.revives.last().map(|r| r.at_ms),
            self.casts.last().map(|c| c.at_ms),
            self.attempts.iter().map(|a| a.ended_ms.unwrap_or(a.started_ms)).max(),
            self.segments.iter().map(|s| s.ended_ms).max(),
            self.ended_at_ms,
        ];
        last.into_iter().flatten().max().unwrap_or(0)
    }

    /// The player with this uid.
    pub fn player(&self, uid: i64) -> Option<&Player> {
        self.players.iter().find(|p| p.uid == uid)
    }

    /// The monster with this entity id.
    pub fn monster(&self, entity_id: i64) -> Option<&Monster> {
        self.monsters.iter().find(|m| m.entity_id == entity_id)
    }

    /// Damage that players dealt, as the generation of chunks counts it; shares of it are what a meter shows.
    pub fn player_damage(&self) -> i64 {
        let players: HashSet<i64> = self.players.iter().map(|p| p.uid).collect();
        self.hits.iter().filter(|h| h.kind == HitKind::Damage && players.contains(&h.source)).map(|h| h.amount).sum()
    }
}
