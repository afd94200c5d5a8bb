//! What the tables of generation C tell of an actor, and what follows from it.

use raidcast_shared::event::{ActorFacts, ActorKind};
use raidcast_shared::game::{SpecNumbering, spec_of};
use raidcast_shared::id::ActorId;
use raidcast_shared::meter::row::actor_id;

use super::database::{DbRow, int, name, positive, shown};

/// Everything that the database tells of one actor of a fight.
pub(super) struct Told<'a> {
    pub(super) local: bool,
    pub(super) stats: Option<&'a DbRow>,
    pub(super) entity: Option<&'a DbRow>,
    /// What it is called where it was hit as a monster.
    pub(super) monster: Option<&'a str>,
    pub(super) boss: Option<&'a DbRow>,
}

impl Told<'_> {
    /// What kind it is, where there is proof. `is_player` is 1 by default for anything, so alone it proves nothing;
    /// 0 is written only for monsters.
    pub(super) fn kind(&self) -> Option<ActorKind> {
        let is_player = self.stats.and_then(|stats| int(stats, "is_player"));
        let described = |row| name(row, "name").is_some() || positive::<u16>(row, "class_id").is_some();
        if self.local {
            Some(ActorKind::Player)
        } else if is_player == Some(0) {
            Some(ActorKind::Monster)
        } else if self.entity.is_some() || (is_player == Some(1) && self.stats.is_some_and(described)) {
            Some(ActorKind::Player)
        } else {
            self.monster.map(|_| ActorKind::Monster)
        }
    }

    /// Of two tellings that of the fight counts: `entities` holds what a player became since.
    pub(super) fn facts(&self, id: i64, numbering: SpecNumbering) -> ActorFacts<ActorId> {
        let mut facts = ActorFacts::of(actor_id(id));
        facts.kind = self.kind();
        if facts.kind == Some(ActorKind::Player) {
            let tellers = [self.stats, self.entity];
            let told = || tellers.into_iter().flatten();
            facts.name = told().find_map(|row| name(row, "name"));
            facts.class_id = told().find_map(|row| positive(row, "class_id"));
            facts.spec_id = told().find_map(|row| spec_of(facts.class_id, positive(row, "class_spec")?, numbering));
            facts.ability_score = told().find_map(|row| positive(row, "ability_score"));
            facts.level = told().find_map(|row| positive(row, "level"));
        } else {
            facts.name = self.monster.and_then(shown).or_else(|| self.stats.and_then(|row| name(row, "name")));
            facts.boss = self.boss.map(|_| true);
            facts.max_hp = self.boss.and_then(|boss| positive(boss, "max_hp"));
        }
        facts
    }
}
