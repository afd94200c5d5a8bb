//! A fight in a file of its own: whoever adds up its entries comes to what the fold shows, of any part.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use raidcast_shared::event::{Event, HitFlags};
use raidcast_shared::fold::{FoldIndex, Row, Span};
use raidcast_shared::report::{Fight, Report, SkillKind};
use raidcast_shared::saved::SavedFight;
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};
use raidcast_shared::view;

use crate::fights::{delta, events, gate, header, to_all};

fn index(deltas: &[Vec<Event>]) -> FoldIndex {
    let (mut index, mut gate) = (FoldIndex::new(header()).expect("our own columns are usable"), gate());
    for (at, part) in deltas.iter().enumerate() {
        index.push(gate.check(&delta(at as u64 + 1, part)).expect("it fits"));
    }
    index
}

fn report_of(fight: Fight) -> Report {
    Report {
        report_id: "r".into(),
        raid: "raid".into(),
        state: ReportState::Final,
        revision: 1,
        visibility: Visibility::Unlisted,
        names: NamesPolicy::Full,
        note: None,
        verified: false,
        unverified: None,
        meter_differs: None,
        fight,
    }
}

fn saved(index: &FoldIndex) -> SavedFight {
    let state = index.fold(Span::ALL);
    view::saved(to_all(&state), index, report_of(view::fight(to_all(&state), None)))
}

/// Amount, hits, critical and lucky ones, and the greatest; `None` where sums are known alone.
type Sum = (u64, u64, u64, u64, Option<u64>);

/// One entry of the file: its row, and what it adds.
fn entries(saved: &SavedFight, span: Span) -> Vec<(u32, Sum, bool)> {
    let (hits, sums) = (&saved.hits, &saved.sums);
    let single = (0..hits.at_ms.len()).filter(|at| span.holds(hits.at_ms[*at])).map(|at| {
        let flags = HitFlags(hits.flags[at]);
        let (crit, lucky) = (u64::from(flags.has(HitFlags::CRIT)), u64::from(flags.has(HitFlags::LUCKY)));
        let amount = hits.amount[at];
        (hits.row[at], (amount, 1, crit, lucky, Some(amount)), flags.has(HitFlags::BOSS))
    });
    let told = (0..sums.at_ms.len()).filter(|at| span.holds(sums.at_ms[*at])).map(|at| {
        let target = saved.rows[sums.row[at] as usize][1];
        let boss = saved.actors[target as usize].boss;
        let (amount, hits) = (sums.amount[at], sums.hits[at]);
        // What came as a sum hides how great its hits were.
        let max = (amount == 0 && hits == 0).then_some(0);
        (sums.row[at], (amount, hits, sums.crit[at], sums.lucky[at], max), boss)
    });
    single.chain(told).collect()
}

/// What a player comes to: damage, of it to bosses, healing, taken, hits, heals, critical and lucky hits, deaths.
type Figures = [u64; 9];
type Skills = BTreeMap<(String, SkillKind, i64, Option<i64>), Sum>;

/// Adds up a part, as a page does that has the file alone.
fn added_up(saved: &SavedFight, span: Span) -> (BTreeMap<String, Figures>, Skills) {
    let (mut players, mut skills): (BTreeMap<String, Figures>, Skills) = Default::default();
    for (row, (amount, hits, crit, lucky, max), boss) in entries(saved, span) {
        let [source, target, skill, heals] = saved.rows[row as usize];
        let key = |actor: u32| saved.actors[actor as usize].player_key.clone();
        if let Some(target) = key(target).filter(|_| heals == 0) {
            players.entry(target).or_default()[3] += amount;
        }
        let Some(source) = key(source).filter(|_| heals == 1 || key(target).is_none()) else { continue };
        let figures = players.entry(source.clone()).or_default();
        let adds = match heals {
            0 => [amount, if boss { amount } else { 0 }, 0, 0, hits, 0, crit, lucky, 0],
            _ => [0, 0, amount, 0, 0, hits, 0, 0, 0],
        };
        figures.iter_mut().zip(adds).for_each(|(held, more)| *held += more);
        let (skill, kind) = (&saved.skills[skill as usize], [SkillKind::Damage, SkillKind::Healing][heals as usize]);
        let key = (source, kind, skill.skill_id, skill.variant_id);
        let sum = skills.entry(key).or_insert((0, 0, 0, 0, Some(0)));
        let greatest = sum.4.zip(max).map(|(held, max)| held.max(max));
        *sum = (sum.0 + amount, sum.1 + hits, sum.2 + crit, sum.3 + lucky, greatest);
    }
    for [at_ms, actor] in &saved.falls {
        if let Some(key) = saved.actors[*actor as usize].player_key.clone().filter(|_| span.holds(*at_ms)) {
            players.entry(key).or_default()[8] += 1;
        }
    }
    (players, skills)
}

/// First and last of what says that the fight went on.
fn reach(saved: &SavedFight, span: Span) -> Option<(u32, u32)> {
    let all = saved.hits.at_ms.iter().chain(&saved.moments).copied().filter(|at_ms| span.holds(*at_ms));
    let (first, last) = (all.clone().min(), all.max());
    first.zip(last)
}

proptest! {
    #[test]
    fn the_entries_of_any_part_come_to_what_the_fold_shows_of_it(
        deltas in vec(events(), 1..4),
        from_ms in 0..30_000_u32,
        long_ms in 1..30_000_u32,
    ) {
        let index = index(&deltas);
        let saved = saved(&index);
        let whole = index.fold(Span::ALL);
        let in_file: BTreeMap<_, _> = view::fight(to_all(&whole), None)
            .players
            .into_iter()
            .zip(&saved.report.fight.players)
            .map(|(held, in_file)| (held.player_key, in_file.player_key.clone()))
            .collect();
        let span = Span { from_ms, to_ms: from_ms + long_ms };
        let fight = view::fight(to_all(&index.fold(span)), None);
        let (mut players, mut skills) = added_up(&saved, span);
        for player in &fight.players {
            let key = &in_file[&player.player_key];
            let held = players.remove(key).unwrap_or_default();
            let shown = [
                player.damage,
                player.boss_damage.unwrap_or_default(),
                player.healing,
                player.damage_taken.unwrap_or_default(),
                player.hits,
                player.heal_hits,
                player.crit_hits.unwrap_or(held[6]),
                player.lucky_hits.unwrap_or(held[7]),
                player.deaths.unwrap_or_default(),
            ];
            prop_assert_eq!(held, shown, "{}", key);
            prop_assert!(player.crit_hits.is_some() || held[6] + held[7] == 0, "what is not known is not in the file");
            for row in &player.skills {
                let sum = skills.remove(&(key.clone(), row.kind, row.skill_id, row.variant_id)).unwrap_or_default();
                prop_assert_eq!((sum.0, sum.1, sum.4), (row.total, row.hits, row.max), "{:?}", row);
                prop_assert_eq!((row.crit_hits.unwrap_or(sum.2), row.lucky_hits.unwrap_or(sum.3)), (sum.2, sum.3));
            }
        }
        players.retain(|_, figures| figures[..6].iter().chain(&figures[8..]).any(|figure| *figure > 0));
        prop_assert!(players.is_empty(), "nobody shows up who is not shown: {:?}", players);
        prop_assert_eq!(reach(&saved, span).unwrap_or_default(), (fight.first_ms, fight.last_ms));
        prop_assert_eq!(reach(&saved, Span::ALL).unwrap_or_default(), (saved.report.fight.first_ms, saved.report.fight.last_ms));
    }

    #[test]
    fn a_file_has_the_same_fight_however_it_was_cut_and_no_key_of_the_relay(deltas in vec(events(), 1..4)) {
        let one = saved(&index(&deltas));
        prop_assert_eq!(&one, &saved(&index(&[deltas.concat()])));
        let text = format!("{one:?}");
        for player in view::fight(to_all(&index(&deltas).fold(Span::ALL)), None).players {
            prop_assert!(!text.contains(&player.player_key));
        }
        // All that there is stands in it once.
        let state = index(&deltas).fold(Span::ALL);
        let rows = |of: fn(&Row) -> u64| state.rows().iter().map(of).sum::<u64>();
        let held = |columns: [&[u64]; 3]| columns.concat().iter().sum::<u64>();
        prop_assert_eq!(held([&one.hits.amount, &one.sums.amount, &one.lumps.amount]), rows(|row| row.amount));
        prop_assert_eq!(held([&one.hits.shield, &one.sums.shield, &one.lumps.shield]), rows(|row| row.shield));
        prop_assert_eq!(held([&one.hits.overheal, &one.sums.overheal, &one.lumps.overheal]), rows(|row| row.overheal));
        prop_assert_eq!(one.hits.at_ms.len() as u64, state.single_hits());
        prop_assert!(one.hits.at_ms.is_sorted() && one.sums.at_ms.is_sorted() && one.report.raid.is_empty());
    }
}
