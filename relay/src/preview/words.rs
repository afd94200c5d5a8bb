//! What a link says, in words: the title and the lines that chats show beside its picture.
//!
//! As the pages say it (`web/src/lib/format`). Nothing is said that nobody told: no health where no meter tells it, no day,
//! for nobody knows in which zone a chat is read.

use std::fmt::Write as _;

use raidcast_shared::uplink::{Outcome, ReportState};

use super::card::{FightCard, RaidCard};

/// Names in a description.
const NAMED_MAX: usize = 3;
const BETWEEN: &str = " · ";

/// Steps of short numbers: from here on, in this unit, with so many decimals.
const STEPS: [(f64, &str, i32); 4] = [(1e12, "t", 2), (1e9, "b", 2), (1e6, "m", 1), (1e3, "k", 1)];

/// A number as players read it: `950`, `12.3k`, `4.5m`.
pub(super) fn short(value: f64) -> String {
    for (nth, (from, unit, decimals)) in STEPS.into_iter().enumerate() {
        // What would round up to 1000 of the smaller unit is shown in the larger.
        let rounds = STEPS.get(nth + 1).map_or(0.5, |(smaller, _, places)| smaller * 0.5 / 10_f64.powi(*places));
        if value >= from - rounds {
            return format!("{:.*}{unit}", usize::try_from(decimals).unwrap_or_default(), value / from);
        }
    }
    format!("{value:.0}")
}

/// `m:ss`, from an hour on `h:mm:ss`.
pub(super) fn clock(ms: u32) -> String {
    let seconds = ms / 1_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A fight in one word.
pub(super) fn word(fight: &FightCard) -> &'static str {
    word_of(fight.state, fight.outcome)
}

fn word_of(state: ReportState, outcome: Outcome) -> &'static str {
    match (state, outcome) {
        (ReportState::Live, _) => "Live",
        (_, Outcome::Kill) => "Kill",
        (_, Outcome::Wipe) => "Wipe",
        (_, Outcome::Reset) => "Reset",
        (_, Outcome::Unfinished) => "Unfinished",
        (ReportState::Provisional, Outcome::Unknown) => "Provisional",
        (ReportState::Final, Outcome::Unknown) => "Ended",
    }
}

/// How much health the boss has, or had when all were down: "43 %".
pub(super) fn health(fight: &FightCard) -> Option<String> {
    let is_told = fight.is_live() || matches!(fight.outcome, Outcome::Wipe | Outcome::Unfinished | Outcome::Reset);
    let left = fight.health.filter(|_| is_told)?;
    // Who lives has more than nothing.
    let percent = if left > 0.0 { (left * 100.0).round().max(1.0) } else { 0.0 };
    Some(format!("{percent:.0} %"))
}

/// What a fight is and how it stands: "LIVE · Kartgriff 43 % · attempt 3", "Kartgriff · Kill in 5:32".
pub(super) fn fight_title(fight: &FightCard) -> String {
    let title = &fight.title;
    let left = health(fight);
    if fight.is_live() {
        let left = left.map(|left| format!(" {left}")).unwrap_or_default();
        let attempt = fight.attempt.map(|nth| format!("{BETWEEN}attempt {nth}")).unwrap_or_default();
        return format!("LIVE{BETWEEN}{title}{left}{attempt}");
    }
    format!("{title}{BETWEEN}{}", ended(fight))
}

/// How a fight ended, and when: "Wipe at 43 % after 3:10".
pub(super) fn ended(fight: &FightCard) -> String {
    let (word, after) = (word(fight), clock(fight.duration_ms));
    match (fight.outcome, health(fight)) {
        (Outcome::Kill, _) => format!("{word} in {after}"),
        (_, Some(left)) => format!("{word} at {left} after {after}"),
        (_, None) => format!("{word} after {after}"),
    }
}

/// The same of a line of a list, which tells no health: "Kill in 5:32", "Live".
pub(crate) fn end_of_line(state: ReportState, outcome: Outcome, duration_ms: u32) -> String {
    let (word, after) = (word_of(state, outcome), clock(duration_ms));
    match (state, outcome) {
        (ReportState::Live, _) => word.to_owned(),
        (_, Outcome::Kill) => format!("{word} in {after}"),
        (_, _) => format!("{word} after {after}"),
    }
}

/// A raid and its fights in one line: "Guild night · 12 fights · 3 kills · 8 wipes".
pub(crate) fn line_of_raid<'a>(title: Option<&str>, outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    raid_title(&RaidCard::of(title, outcomes, None))
}

/// How long it has gone on, who took part, and what they did, in one line.
pub(super) fn figures(fight: &FightCard) -> String {
    let mut said = Vec::new();
    if fight.is_live() {
        said.push(clock(fight.duration_ms));
    }
    said.push(counted(fight.players, "player", "players"));
    if fight.damage > 0 {
        said.push(format!("{} damage", short(fight.damage as f64)));
    }
    if let Some(nth) = fight.attempt {
        said.push(if fight.is_live() { format!("attempt {nth}") } else { format!("{nth} attempts") });
    }
    said.join(BETWEEN)
}

/// What a fight comes to: its figures, and its first players.
pub(super) fn fight_description(fight: &FightCard) -> String {
    let mut out = figures(fight) + ".";
    for (nth, player) in fight.first.iter().take(NAMED_MAX).enumerate() {
        let before = if nth == 0 { " " } else { BETWEEN };
        // Writing to a text cannot fail.
        let _ = write!(out, "{before}{}. {} {} DPS", nth + 1, player.name, short(player.dps));
    }
    out
}

/// What a raid is called where nothing else is told of it.
pub(super) fn raid_name(raid: &RaidCard) -> &str {
    raid.title.as_deref().unwrap_or("Raid")
}

/// A raid: while a fight goes on, that.
pub(super) fn raid_title(raid: &RaidCard) -> String {
    let name = raid_name(raid);
    match raid.newest.as_deref().filter(|fight| fight.is_live()) {
        Some(fight) => format!("{}{BETWEEN}{name}", fight_title(fight)),
        None => format!("{name}{BETWEEN}{}", raid_figures(raid)),
    }
}

/// Its fights: "12 fights · 3 kills · 8 wipes".
pub(super) fn raid_figures(raid: &RaidCard) -> String {
    if raid.fights == 0 {
        return "no fight yet".to_owned();
    }
    let mut said = vec![counted(raid.fights, "fight", "fights")];
    for (count, one, several) in [(raid.kills, "kill", "kills"), (raid.wipes, "wipe", "wipes")] {
        if count > 0 {
            said.push(counted(count, one, several));
        }
    }
    said.join(BETWEEN)
}

/// What is to be seen in a raid.
pub(super) fn raid_description(raid: &RaidCard) -> String {
    match raid.newest.as_deref() {
        None => "A raid and its fights, live and after.".to_owned(),
        Some(fight) if fight.is_live() => fight_description(fight),
        Some(fight) => format!("Newest: {}. {}", fight_title(fight), fight_description(fight)),
    }
}

/// That what is told is late, where it is.
pub(crate) fn late(delay_s: u32) -> Option<String> {
    (delay_s > 0).then(|| format!("Shown {} late", clock(delay_s.saturating_mul(1_000))))
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::super::card::PlayerLine;
    use super::*;

    /// A fight of two.
    pub(in super::super) fn fight(state: ReportState, outcome: Outcome, health: Option<f64>) -> FightCard {
        let player = |name: &str, damage: u64| PlayerLine {
            name: name.to_owned(),
            class: "Frost Mage",
            color: "#4de3d1",
            damage,
            dps: damage as f64 / 60.0,
        };
        FightCard {
            state,
            outcome,
            title: "Kartgriff".into(),
            health,
            duration_ms: 332_999,
            attempt: Some(3),
            damage: 12_345_678,
            players: 2,
            first: vec![player("Aeris", 8_000_000), player("<b>Böreas</b>", 4_345_678)],
        }
    }

    #[test]
    fn numbers_and_times_are_as_the_pages_show_them() {
        let shown = [0.0, 950.4, 999.5, 1_000.0, 999_949.0, 999_950.0, 12_345_678.0, 999_949_999.0, 2.5e9, 1e15];
        let told = ["0", "950", "1.0k", "1.0k", "999.9k", "1.0m", "12.3m", "999.9m", "2.50b", "1000.00t"];
        assert_eq!(shown.map(short), told);
        assert_eq!(
            [0, 59_999, 60_000, 3_600_000, 3_723_000].map(clock),
            ["0:00", "0:59", "1:00", "1:00:00", "1:02:03"]
        );
    }

    #[test]
    fn a_fight_says_how_it_stands_and_no_health_that_nobody_tells() {
        use Outcome::{Kill, Unknown, Wipe};
        use ReportState::{Final, Live, Provisional};
        for (state, outcome, health, title) in [
            (Live, Unknown, Some(0.43), "LIVE · Kartgriff 43 % · attempt 3"),
            (Live, Unknown, Some(0.001), "LIVE · Kartgriff 1 % · attempt 3"),
            (Live, Unknown, None, "LIVE · Kartgriff · attempt 3"),
            (Final, Kill, Some(0.0), "Kartgriff · Kill in 5:32"),
            (Final, Wipe, Some(0.12), "Kartgriff · Wipe at 12 % after 5:32"),
            (Final, Wipe, None, "Kartgriff · Wipe after 5:32"),
            (Provisional, Unknown, Some(0.5), "Kartgriff · Provisional after 5:32"),
        ] {
            assert_eq!(fight_title(&fight(state, outcome, health)), title);
        }
        let said = fight_description(&fight(Final, Kill, None));
        assert_eq!(said, "2 players · 12.3m damage · 3 attempts. 1. Aeris 133.3k DPS · 2. <b>Böreas</b> 72.4k DPS");
    }

    #[test]
    fn a_raid_says_what_goes_on_in_it_else_what_it_holds() {
        let of = |title: Option<&str>, outcomes: &[Outcome], newest: Option<FightCard>| {
            RaidCard::of(title, outcomes.iter(), newest.map(Arc::new))
        };
        let live = fight(ReportState::Live, Outcome::Unknown, None);
        let ended = fight(ReportState::Final, Outcome::Kill, None);
        let outcomes = [Outcome::Unknown, Outcome::Wipe, Outcome::Kill, Outcome::Wipe];
        let raid = of(Some("Guild \u{202e}night"), &outcomes, Some(live));
        assert_eq!(raid_title(&raid), "LIVE · Kartgriff · attempt 3 · Guild night");
        let raid = of(Some(" \u{200b}"), &outcomes, Some(ended));
        assert_eq!(raid_title(&raid), "Raid · 4 fights · 1 kill · 2 wipes");
        assert!(raid_description(&raid).starts_with("Newest: Kartgriff · Kill in 5:32. 2 players · "));
        assert_eq!(raid_title(&of(None, &[], None)), "Raid · no fight yet");
        assert_eq!((late(0), late(90)), (None, Some("Shown 1:30 late".to_owned())));
    }
}
