//! A fight as a report shows it, and what a reader must know of it.

use std::collections::HashMap;

use super::attempts::attempts;
use super::course::outcome;
use super::facts::{bosses, deaths, place};
use super::figures::{Figures, is_players_damage};
use super::known::{Known, is_stub, is_timed};
use super::rates::Rates;
use super::shown::Shown;
use crate::event::{ActorIx, ActorKind, HitKind};
use crate::fold::{Actor, EncounterState, Row, Span};
use crate::limits::PLAYERS_MAX;
use crate::report::{Fight, FightSpan, MeterDiffers, MeterSums, MissingRow, Timeline, TimelineSeries};
use crate::uplink::{DamageBy, Ending, MeterTotals};

/// Shows a whole fight, or the span that the state was folded of.
pub fn fight(shown: Shown<'_>, ending: Option<&Ending>) -> Fight {
    let state = shown.state();
    let header = state.header();
    let (first_ms, last_ms) = state.extent_ms().unwrap_or_default();
    let span = (state.span() != Span::ALL).then(|| state.span());
    let duration_ms = state.duration_ms();
    let figures = Figures::of(shown);
    let rates = Rates::of(state);
    let players = figures.players(shown, &rates);
    let outcome = outcome(shown, ending);
    Fight {
        checksum: state.checksum().to_string(),
        started_at_ms: header.started_at_ms,
        ended_at_ms: ending.and_then(|ending| ending.ended_at_ms),
        duration_ms,
        first_ms,
        last_ms,
        damage_time: rates.damage,
        healing_time: rates.healing,
        stub: is_stub(state),
        timed: is_timed(shown),
        span: span.map(|span| FightSpan { from_ms: span.from_ms, to_ms: span.to_ms }),
        outcome,
        encounter: place(shown),
        bosses: bosses(shown),
        totals: figures.totals(),
        attempts: attempts(shown, ending.map(|_| outcome)),
        deaths: deaths(shown),
        players,
        missing: state
            .missing()
            .iter()
            .map(|missing| MissingRow { what: missing.what.clone(), expected: missing.expected, read: missing.read })
            .collect(),
    }
}

/// The sums of the meter and those that the report shows of the same, if they differ.
pub fn meter_differs(shown: Shown<'_>, meter: &MeterTotals) -> Option<MeterDiffers> {
    let state = shown.state();
    let players = (0..state.actors().len()).filter(|at| state.is_player(ActorIx(*at as u16))).count();
    // Where a fight has as many players as a report has, others may stand among nobody's players: a meter counts them.
    let is_left_out = |row: &Row| players >= PLAYERS_MAX && is_nobodys(state, row.key.source);
    let ours = |kind: HitKind| state.rows().iter().filter(move |row| row.key.kind == kind && !is_left_out(row));
    let damage: u64 = match meter.damage_by {
        DamageBy::Everyone => {
            // What reached players is told beside the rows where these do not say it.
            let is_player = |actor: &&Actor| actor.kind() == ActorKind::Player;
            let taken = state.actors().iter().filter(is_player).filter_map(|actor| actor.told_taken);
            let rows = ours(HitKind::Damage).map(|row| row.amount);
            rows.chain(taken.map(|sum| sum.amount)).sum()
        }
        DamageBy::Players => {
            ours(HitKind::Damage).filter(|row| is_players_damage(state, row)).map(|row| row.amount).sum()
        }
    };
    let healing = ours(HitKind::Heal).map(|row| row.amount).sum();
    let report = MeterSums { damage, healing };
    let meter = MeterSums { damage: meter.damage, healing: meter.healing };
    (meter != report).then_some(MeterDiffers { meter, report })
}

fn is_nobodys(state: &EncounterState, actor: ActorIx) -> bool {
    !state.is_player(actor) && state.actor(actor).kind() == ActorKind::Unknown
}

/// What a reader must know of a fight whose source tells less than others, in words; `None` if there is nothing.
pub fn note(shown: Shown<'_>) -> Option<String> {
    let state = shown.state();
    let summed = state.summed();
    let mut told = Vec::new();
    if summed.hits > 0 || summed.untimed_amount > 0 {
        told.push("The meter keeps sums alone of this fight or a part of it: there are no single hits.".to_owned());
        let untimed = summed.untimed_amount;
        if is_timed(shown) {
            if untimed < summed.amount {
                told.push("Times are those at which its sums were read.".to_owned());
            }
            if untimed > 0 {
                told.push(format!(
                    "When {untimed} of damage and healing came is not known, so the timeline and parts of the fight are without it."
                ));
            }
        } else {
            let text = "When anything happened is not known, so there is no timeline, and no part of the fight can be asked for.";
            told.push(text.to_owned());
        }
    }
    if is_stub(state) {
        told.extend(state.missing().first().map(|missing| format!("{}.", missing.what)));
        return Some(told.join(" "));
    }
    let known = Known::of(state);
    match (known.targets, known.deaths) {
        (true, true) => {}
        (true, false) => told.push("This meter tells no deaths.".to_owned()),
        (false, true) => told.push("This upload does not say who was hit.".to_owned()),
        (false, false) => {
            told.push("This upload does not say who was hit, who died, or where attempts began.".to_owned());
        }
    }
    (!told.is_empty()).then(|| told.join(" "))
}

/// Puts how the fight and its attempts went, and whether it has times, into the figures of a span of it: these are facts
/// of the whole fight.
pub fn went_as(span: &mut Fight, whole: &Fight) {
    (span.outcome, span.timed) = (whole.outcome, whole.timed);
    for row in &mut span.attempts {
        if let Some(of_whole) = whole.attempts.iter().find(|of_whole| of_whole.index == row.index) {
            (row.outcome, row.boss_damage) = (of_whole.outcome, of_whole.boss_damage);
        }
    }
}

/// Amounts by second of each player, in the order of the report.
pub fn timeline(shown: Shown<'_>, report_id: String, revision: u32) -> Timeline {
    let state = shown.state();
    let (first, last) = state.extent_ms().unwrap_or_default();
    let (first, last) = (first / 1000, last / 1000);
    let buckets = if state.extent_ms().is_some() { last - first + 1 } else { 0 };
    let series = |actor: ActorIx, of: &dyn Fn(&crate::fold::Pair) -> bool| {
        let mut sums = vec![0; buckets as usize];
        for pair in state.pairs().iter().filter(|pair| (pair.source == actor || pair.target == actor) && of(pair)) {
            for held in &pair.seconds {
                sums[(held.second - first) as usize] += held.amount;
            }
        }
        sums
    };
    let ix: HashMap<String, ActorIx> =
        (0..state.actors().len()).map(|at| ActorIx(at as u16)).map(|actor| (shown.key(actor), actor)).collect();
    let known = Known::of(state);
    let players = Figures::of(shown).players(shown, &Rates::of(state));
    let players = players.into_iter().map(|player| {
        let actor = ix[&player.player_key];
        TimelineSeries {
            damage: series(actor, &|p| p.kind == HitKind::Damage && p.source == actor && !state.is_player(p.target)),
            healing: series(actor, &|p| p.kind == HitKind::Heal && p.source == actor),
            taken: known.targets.then(|| series(actor, &|p| p.kind == HitKind::Damage && p.target == actor)),
            player_key: player.player_key,
        }
    });
    Timeline { report_id, revision, bucket_ms: 1000, first_second: first, buckets, players: players.collect() }
}
