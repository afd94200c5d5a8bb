//! What a link tells of what it leads to, before anybody opens it: facts, as an audience may see them.

use std::sync::Arc;

use raidcast_shared::game;
use raidcast_shared::report::{Boss, Player, Report};
use raidcast_shared::text::{cut, one_line};
use raidcast_shared::uplink::{Outcome, ReportState};

/// Players of a fight who are told of, the first by damage: as many as a picture has room for.
pub(super) const PLAYERS_MAX: usize = 6;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 40;
/// Who has no name, or one of which nothing is left to see.
pub(super) const UNNAMED: &str = "Unnamed player";

/// A fight.
#[derive(Clone, Debug, PartialEq)]
pub struct FightCard {
    pub(super) state: ReportState,
    pub(super) outcome: Outcome,
    /// What it is called: its greatest boss, else its scene.
    pub(super) title: String,
    /// Of the boss' health what is left, from 0 to 1, where that is told.
    pub(super) health: Option<f64>,
    pub(super) duration_ms: u32,
    /// Which attempt goes on, or was the last; `None` where there is but one.
    pub(super) attempt: Option<u32>,
    pub(super) damage: u64,
    /// How many took part.
    pub(super) players: usize,
    /// The first of them.
    pub(super) first: Vec<PlayerLine>,
}

/// A player of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlayerLine {
    pub(super) name: String,
    /// What he is called where his name cannot be drawn.
    pub(super) class: &'static str,
    /// `#rrggbb`.
    pub(super) color: &'static str,
    pub(super) damage: u64,
    pub(super) dps: f64,
}

/// A raid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RaidCard {
    pub(super) title: Option<String>,
    pub(super) fights: usize,
    pub(super) kills: usize,
    pub(super) wipes: usize,
    pub(super) newest: Option<Arc<FightCard>>,
}

impl FightCard {
    /// Of a report, which was made for an audience.
    pub fn of(report: &Report) -> Self {
        let fight = &report.fight;
        let scene = fight.encounter.scene.as_deref().and_then(name);
        let boss = fight.bosses.first();
        let by_id = || fight.encounter.scene_id.map_or("Unknown fight".to_owned(), |id| format!("Scene {id}"));
        let attempts = u32::try_from(fight.attempts.len()).unwrap_or(u32::MAX);
        Self {
            state: report.state,
            outcome: fight.outcome,
            title: boss.and_then(|boss| name(&boss.name)).or(scene).unwrap_or_else(by_id),
            health: boss.and_then(health),
            duration_ms: fight.duration_ms,
            attempt: (attempts > 1).then_some(attempts),
            damage: fight.totals.damage,
            players: fight.players.len(),
            first: fight.players.iter().take(PLAYERS_MAX).map(PlayerLine::of).collect(),
        }
    }

    /// Whether it goes on.
    pub(super) fn is_live(&self) -> bool {
        self.state == ReportState::Live
    }
}

impl PlayerLine {
    fn of(player: &Player) -> Self {
        let class = player.class_id.and_then(game::class_of);
        Self {
            name: player.name.as_deref().and_then(name).unwrap_or_else(|| UNNAMED.to_owned()),
            class: class.map_or("Player", |class| class.name),
            color: class.map_or("#8490a2", |class| class.color),
            damage: player.damage,
            dps: player.dps,
        }
    }
}

impl RaidCard {
    /// Of a raid and its fights, the newest first, of which one is told in full.
    pub(super) fn of<'a>(
        title: Option<&str>,
        fights: impl Iterator<Item = &'a Outcome>,
        newest: Option<Arc<FightCard>>,
    ) -> Self {
        let mut card = Self { title: title.and_then(title_of), fights: 0, kills: 0, wipes: 0, newest };
        for outcome in fights {
            card.fights += 1;
            card.kills += usize::from(*outcome == Outcome::Kill);
            card.wipes += usize::from(*outcome == Outcome::Wipe);
        }
        card
    }
}

/// A raid's title as it is shown.
pub(super) fn title_of(text: &str) -> Option<String> {
    one_line(text).map(|title| cut(&title, 2 * NAME_CHARS_MAX))
}

fn name(text: &str) -> Option<String> {
    one_line(text).map(|name| cut(&name, NAME_CHARS_MAX))
}

fn health(boss: &Boss) -> Option<f64> {
    let (hp, max) = (boss.hp?, boss.max_hp.filter(|max| *max > 0)?);
    Some((hp as f64 / max as f64).clamp(0.0, 1.0))
}
