//! Laws of the wire and the fold, as properties.

use std::collections::BTreeMap;

use proptest::prelude::*;
use raidcast_shared::columns::{self, ColumnMap};
use raidcast_shared::event::{Event, Rare, RareBody, TimedHit};
use raidcast_shared::feed::{FeedFight, FeedHappening, FeedPlayer};
use raidcast_shared::fold::{CheckError, Checked, EncounterState, FoldIndex, Gate, Span};
use raidcast_shared::log::Log;
use raidcast_shared::report::SkillKind::{Damage, Healing};
use raidcast_shared::uplink::{Delta, Outcome, ReportState, UplinkFrame};
use raidcast_shared::view::{self, Happenings, LiveFacts, LiveView};
use raidcast_shared::{codec, limits};

use crate::fights::{actors, deaths, delta, ending, events, fold, gate, header, hit, to_all, turns_out_a_player};

/// Cuts events at the given places.
fn cut(events: &[Event], cuts: &[prop::sample::Index]) -> Vec<Vec<Event>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
    places.extend([0, events.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| events[pair[0]..pair[1]].to_vec()).collect()
}

/// Amounts by second and column.
type Seconds = BTreeMap<(u32, usize), u64>;

/// A view's players by key: who they are, their figures, and what they did in each second.
fn players_of(fight: &FeedFight) -> BTreeMap<String, (FeedPlayer, Vec<i64>, Seconds)> {
    let mut seconds: BTreeMap<u64, Seconds> = BTreeMap::new();
    for bucket in &fight.buckets {
        for (column, pairs) in [&bucket.d, &bucket.h, &bucket.x].into_iter().enumerate() {
            for pair in pairs.chunks(2) {
                seconds.entry(pair[0]).or_default().insert((bucket.s, column), pair[1]);
            }
        }
    }
    let rows = fight.players.iter().zip(&fight.rows).enumerate();
    let player = |(at, (player, row)): (usize, (&FeedPlayer, &Vec<i64>))| {
        (player.player_key.clone(), (player.clone(), row.clone(), seconds.remove(&(at as u64)).unwrap_or_default()))
    };
    rows.map(player).collect()
}

/// All that a state shows, while the fight goes on and when it has ended.
fn shown(state: &EncounterState) -> impl PartialEq + std::fmt::Debug {
    let fights = (view::fight(to_all(state), None), view::fight(to_all(state), Some(&ending(Outcome::Unknown))));
    (fights, view::timeline(to_all(state), "r".into(), 1), state.checksum(), view::note(to_all(state)))
}

/// Folds deltas and makes a player's skill rows again only where a step of the view names the player, as those who watch
/// get them: so they always are what they are made anew.
fn rows_that_a_view_names_are_all_that_changed(deltas: &[Vec<Event>]) -> Result<(), TestCaseError> {
    let live =
        LiveFacts { state: ReportState::Live, outcome: Outcome::Unknown, ended: false, revision: 1, idle: false };
    let (mut state, mut gate) = (EncounterState::new(header(), ColumnMap::own()), gate());
    let (mut view, mut held) = (LiveView::default(), BTreeMap::new());
    for (at, part) in deltas.iter().enumerate() {
        state.apply(&gate.check(&delta(at as u64 + 1, part)).expect("it fits"));
        view.note(&state.take_changed_seconds());
        let step = view.step(to_all(&state), live);
        if step.begins_anew {
            held.clear();
        }
        let players: Vec<_> = view.player_keys().collect();
        for (key, rows) in view::skills_of(to_all(&state), &players) {
            if step.touched.contains(&key) {
                held.insert(key.clone(), rows.clone());
            }
            prop_assert_eq!(held.get(&key), Some(&rows));
        }
    }
    Ok(())
}

fn is_totals(event: &Event) -> bool {
    matches!(event, Event::Rare(Rare { body: RareBody::Totals { .. }, .. }))
}

/// Hits and amounts that totals add: `of` chooses by time from what came then and what came at no known time.
fn in_totals(events: &[Event], of: &dyn Fn(u32, [u64; 2], [u64; 2]) -> [u64; 2]) -> (u64, u64) {
    let mut rows: BTreeMap<_, BTreeMap<u32, [[u64; 2]; 2]>> = BTreeMap::new();
    for event in events {
        if let Event::Rare(Rare { at_ms, body: RareBody::Totals { a, on, s, kind, hits, amount, lump, .. }, .. }) =
            event
        {
            let [lumps, all] = rows.entry((a, on, s, kind)).or_default().entry(*at_ms).or_default();
            for told in if *lump { vec![lumps, all] } else { vec![all] } {
                *told = [told[0].max(*hits), told[1].max(*amount)];
            }
        }
    }
    let mut sums = (0, 0);
    for (_, told) in rows {
        let mut come_to = [0; 2];
        for (at, [lumps, all]) in told {
            let (mut timed, mut untimed) = ([0; 2], [0; 2]);
            for n in 0..2 {
                untimed[n] = lumps[n].saturating_sub(come_to[n]);
                timed[n] = all[n].saturating_sub(come_to[n].max(lumps[n]));
                come_to[n] += untimed[n] + timed[n];
            }
            let [hits, amount] = of(at, timed, untimed);
            sums = (sums.0 + hits, sums.1 + amount);
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_cut_fold_to_the_same_state(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        other_cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let one = fold(&cut(&events, &cuts));
        let other = fold(&cut(&shuffled, &other_cuts));
        prop_assert_eq!(shown(&one), shown(&other));
    }

    #[test]
    fn a_view_that_came_step_by_step_shows_what_one_shows_that_begins_now(
        events in events(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let facts = LiveFacts {
            state: ReportState::Final, outcome: Outcome::Unknown, ended: true, revision: 1, idle: false,
        };
        let live = LiveFacts { state: ReportState::Live, ended: false, ..facts };
        let (mut state, mut gate) = (EncounterState::new(header(), ColumnMap::own()), gate());
        let (mut stepped, mut fresh) = (LiveView::default(), LiveView::default());
        for (at, part) in cut(&events, &cuts).into_iter().enumerate() {
            state.apply(&gate.check(&delta(at as u64 + 1, &part)).expect("it fits"));
            let changed = state.take_changed_seconds();
            for view in [&mut stepped, &mut fresh] {
                view.note(&changed);
            }
            stepped.step(to_all(&state), live);
        }
        let fights = [stepped, fresh].map(|mut view| {
            view.step(to_all(&state), facts);
            view.keyframe(to_all(&state), "r".into()).expect("it was stepped")
        });
        let [stepped, fresh] = &fights;
        prop_assert_eq!(&stepped.head, &fresh.head);
        prop_assert_eq!(&stepped.attempts, &fresh.attempts);
        prop_assert_eq!(players_of(stepped), players_of(fresh));
        prop_assert_eq!(stepped.head.totals, view::fight(to_all(&state), None).totals);
    }

    #[test]
    fn a_view_names_each_player_whose_skill_rows_have_changed(
        events in events(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        turns_out in turns_out_a_player(),
    ) {
        rows_that_a_view_names_are_all_that_changed(&cut(&events, &cuts))?;
        rows_that_a_view_names_are_all_that_changed(&turns_out)?;
    }

    #[test]
    fn each_death_is_told_once_in_whichever_order_and_deltas_they_come(
        deaths in deaths().prop_shuffle(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let (mut state, mut gate) = (EncounterState::new(header(), ColumnMap::own()), gate());
        let (mut happenings, mut told) = (Happenings::default(), Vec::new());
        for (at, part) in cut(&deaths, &cuts).into_iter().enumerate() {
            state.apply(&gate.check(&delta(at as u64 + 1, &part)).expect("it fits"));
            told.extend(happenings.step(to_all(&state)));
        }
        let mut told: Vec<_> = told.into_iter().map(|what| format!("{what:?}")).collect();
        let shown = view::fight(to_all(&state), None).deaths.into_iter().map(FeedHappening::Death);
        let mut shown: Vec<_> = shown.map(|what| format!("{what:?}")).collect();
        told.sort();
        shown.sort();
        prop_assert_eq!(told, shown);
    }

    #[test]
    fn columns_decode_to_the_hits_they_were_made_of(hits in prop::collection::vec((0..7_200_000_u32, hit()), 0..200)) {
        let mut hits: Vec<_> = hits.into_iter().map(|(at_ms, hit)| TimedHit { at_ms, hit }).collect();
        hits.sort_by_key(|hit| hit.at_ms);
        let (base_ms, bytes) = columns::encode(&hits);
        prop_assert_eq!(ColumnMap::own().decode(base_ms, hits.len() as u32, &bytes), Ok(hits));
    }

    #[test]
    fn hostile_columns_are_refused_or_decoded_but_never_panic(
        base in any::<u32>(), hits in 0..2_000_u32, bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = ColumnMap::own().decode(base, hits, &bytes);
    }

    #[test]
    fn hostile_frames_are_refused_or_decoded_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = codec::decode::<UplinkFrame>(&bytes, limits::UPLINK_FRAME_BYTES_MAX);
        let _ = Log::from_bytes(&bytes);
    }

    #[test]
    fn a_damaged_frame_never_panics_nor_changes_the_gate(
        events in events(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = codec::encode(&delta(1, &events));
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut state = EncounterState::new(header(), ColumnMap::own());
        let mut gate = gate();
        if let Ok(damaged) = codec::decode::<Delta>(&bytes, limits::UPLINK_FRAME_BYTES_MAX) {
            match gate.check(&damaged) {
                // It still is a delta: then it applies.
                Ok(checked) => state.apply(&checked),
                Err(_) => prop_assert!(gate.check(&delta(1, &events)).is_ok(), "a refused delta changed the gate"),
            }
        }
    }

    #[test]
    fn the_stored_log_folds_to_the_live_state(
        events in events(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let columns = ColumnMap::own();
        let mut live = EncounterState::new(header(), columns.clone());
        let mut gate = gate();
        let mut log = Log::new(header());
        for (at, events) in cut(&events, &cuts).iter().enumerate() {
            let delta = delta(at as u64 + 1, events);
            let checked = gate.check(&delta).expect("generated deltas fit");
            live.apply(&checked);
            log.push(&columns, &delta, checked);
        }
        let stored = Log::from_bytes(&log.clone().into_bytes()).expect("what was written is read");
        let again = stored.fold(Span::ALL).expect("its columns are ours");
        prop_assert_eq!(shown(&live), shown(&again));
        prop_assert_eq!(stored.into_bytes(), log.into_bytes());
    }

    #[test]
    fn a_span_adds_up_what_is_in_it_alone(events in events(), from in 0..30_000_u32, length in 1..30_000_u32) {
        let span = Span { from_ms: from, to_ms: from + length };
        let mut log = Log::new(header());
        let columns = ColumnMap::own();
        let whole = delta(1, &events);
        let checked = gate().check(&whole).expect("it fits");
        log.push(&columns, &whole, checked);
        let folded = log.fold(span).expect("its columns are ours");
        let inside = |at: u32| (span.from_ms..span.to_ms).contains(&at);
        let (mut hits, mut amount) = in_totals(&events, &|at, timed, _| if inside(at) { timed } else { [0; 2] });
        for event in &events {
            if let Event::Hit(hit) = event && inside(hit.at_ms) {
                hits += 1;
                amount += hit.hit.amount;
            }
        }
        prop_assert_eq!(folded.rows().iter().map(|row| row.hits).sum::<u64>(), hits);
        prop_assert_eq!(folded.rows().iter().map(|row| row.amount).sum::<u64>(), amount);
    }

    #[test]
    fn of_totals_the_greatest_counts_and_none_twice(events in events()) {
        let told_twice = [events.clone(), events.clone().into_iter().filter(is_totals).collect()];
        let (once, twice) = (fold(std::slice::from_ref(&events)), fold(&told_twice));
        prop_assert_eq!(shown(&once), shown(&twice));
        let mut highest: BTreeMap<_, [u64; 2]> = BTreeMap::new();
        let mut hits = 0;
        for event in &events {
            match event {
                Event::Rare(Rare { body: RareBody::Totals { a, on, s, kind, hits, amount, .. }, .. }) => {
                    let held = highest.entry((a, on, s, kind)).or_default();
                    *held = [held[0].max(*hits), held[1].max(*amount)];
                }
                Event::Hit(hit) => hits += hit.hit.amount,
                Event::Rare(_) => {}
            }
        }
        let all: u64 = once.rows().iter().map(|row| row.amount).sum();
        prop_assert_eq!(all, hits + highest.values().map(|sums| sums[1]).sum::<u64>());
        prop_assert_eq!(once.summed().hits, highest.values().map(|sums| sums[0]).sum::<u64>());
        // The timeline has all but what came at no known time.
        let timed: u64 = once.pairs().iter().flat_map(|pair| &pair.seconds).map(|held| held.amount).sum();
        prop_assert_eq!(timed + once.summed().untimed_amount, all);
        let [_, untimed] = in_totals(&events, &|_, _, untimed| untimed).into();
        prop_assert_eq!(once.summed().untimed_amount, untimed);
    }

    #[test]
    fn a_span_of_an_index_is_the_fold_of_only_its_events(
        events in events(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        spans in prop::collection::vec((0..30_000_u32, 1..30_000_u32), 1..8),
        tail in any::<bool>(),
    ) {
        let mut log = Log::new(header());
        let columns = ColumnMap::own();
        let mut gate = gate();
        let mut index = FoldIndex::new(header()).expect("its columns are ours");
        let parts = cut(&events, &cuts);
        for (at, part) in parts.iter().enumerate() {
            let delta = delta(at as u64 + 1, part);
            let checked = gate.check(&delta).expect("it fits");
            prop_assert_eq!(&Checked::decode(&columns, &delta).expect("it is read"), &checked);
            if tail && at + 1 == parts.len() {
                index = index.with_tail(checked.clone());
            } else {
                index.push(checked.clone());
            }
            log.push(&columns, &delta, checked);
        }
        let lump = |event: &Event| matches!(event, Event::Rare(Rare { body: RareBody::Totals { lump: true, .. }, .. }));
        let lumps = events.iter().any(lump);
        let stored = FoldIndex::of_log(log.clone()).expect("its columns are ours");
        let spans = spans.into_iter().map(|(from_ms, length)| Span { from_ms, to_ms: from_ms + length });
        for span in spans.chain([Span::ALL]) {
            let plain = log.fold(span).expect("its columns are ours");
            for index in [&index, &stored] {
                let folded = index.fold(span);
                prop_assert_eq!(shown(&folded), shown(&plain));
                prop_assert_eq!(folded.actors(), plain.actors());
                prop_assert_eq!(folded.extent_ms(), plain.extent_ms());
                prop_assert_eq!((folded.events(), folded.seq()), (plain.events(), plain.seq()));
                // Played up to a time it shows what was so until then.
                let mut played = index.start();
                for (from_ms, to_ms) in [(0, span.from_ms), (span.from_ms, span.to_ms)] {
                    index.play(&mut played, Span { from_ms, to_ms });
                }
                let until = log.fold(Span { from_ms: 0, to_ms: span.to_ms }).expect("its columns are ours");
                // What came at no known time stands in no span, but in what was so until then.
                if !lumps {
                    prop_assert_eq!(played.checksum(), until.checksum());
                }
                prop_assert_eq!(view::deaths(to_all(&played)), view::deaths(to_all(&until)));
            }
        }
        let mut played = stored.start();
        stored.play(&mut played, Span { from_ms: 0, to_ms: stored.end_ms() });
        let whole = log.fold(Span::ALL).expect("its columns are ours");
        prop_assert_eq!(shown(&played), shown(&whole));
    }

    #[test]
    fn totals_are_the_sum_of_players_and_players_the_sum_of_their_skills(events in events()) {
        let fight = view::fight(to_all(&fold(&[events])), None);
        prop_assert_eq!(fight.players.iter().map(|player| player.damage).sum::<u64>(), fight.totals.damage);
        prop_assert_eq!(fight.players.iter().map(|player| player.healing).sum::<u64>(), fight.totals.healing);
        for player in &fight.players {
            let of = |kind| player.skills.iter().filter(move |skill| skill.kind == kind);
            prop_assert_eq!(of(Damage).map(|skill| skill.total).sum::<u64>(), player.damage);
            prop_assert_eq!(of(Damage).map(|skill| skill.hits).sum::<u64>(), player.hits);
            prop_assert_eq!(of(Healing).map(|skill| skill.total).sum::<u64>(), player.healing);
            prop_assert_eq!(player.crit_hits.is_some(), player.is_local);
        }
    }
}

#[test]
fn deltas_are_taken_once_and_in_order() {
    let mut gate = gate();
    assert_eq!(gate.check(&delta(2, &[])), Err(CheckError::Gap { seq: 2, expected: 1 }));
    assert!(gate.check(&delta(1, &[])).is_ok());
    assert_eq!(gate.check(&delta(1, &[])), Err(CheckError::Held { seq: 1 }));
    assert!(gate.check(&delta(2, &[])).is_ok());
}

#[test]
fn limits_and_broken_references_are_refused_by_code() {
    use raidcast_shared::event::{ActorEntry, ActorIx, ActorKind, Hit, HitFlags, HitKind, SkillIx, SourceKey};
    use raidcast_shared::id::ActorId;
    use raidcast_shared::uplink::RefusedCode;

    let check = |delta: &Delta| match gate().check(delta) {
        Err(CheckError::Refused { code, .. }) => Some(code),
        _ => None,
    };
    let hit = |source: u16, amount: u64| {
        let hit = Hit {
            source: ActorIx(source),
            target: ActorIx(0),
            skill: SkillIx(0),
            kind: HitKind::Damage,
            amount,
            flags: HitFlags(0),
            shield: 0,
            overheal: 0,
        };
        Event::Hit(TimedHit { at_ms: 0, hit })
    };
    assert_eq!(check(&delta(1, &[hit(0, 1)])), None);
    assert_eq!(check(&delta(1, &[hit(99, 1)])), Some(RefusedCode::IndexOutOfRange));
    assert_eq!(check(&delta(1, &[hit(0, u64::MAX)])), Some(RefusedCode::NumberTooLarge));
    let half = limits::AMOUNT_MAX / 2 + 1;
    assert_eq!(check(&delta(1, &[hit(0, half), hit(0, half)])), Some(RefusedCode::NumberTooLarge));
    let totals = |at_ms: u32, amount: u64, crit: u64| {
        let (a, on, s) = (ActorIx(0), ActorIx(1), SkillIx(0));
        let (kind, hits, lucky, shield, overheal, lump) = (HitKind::Damage, 2, 0, 0, 0, false);
        let body = RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump };
        Event::Rare(Rare { at_ms, key: SourceKey(0), body })
    };
    // Totals of one row say the same sum again, which adds nothing.
    assert_eq!(check(&delta(1, &[totals(0, half, 0), totals(1, half, 1), totals(2, half + 9, 2)])), None);
    assert_eq!(check(&delta(1, &[totals(0, half, 0), hit(0, half)])), Some(RefusedCode::NumberTooLarge));
    assert_eq!(check(&delta(1, &[totals(0, u64::MAX, 0)])), Some(RefusedCode::NumberTooLarge));
    assert_eq!(check(&delta(1, &[totals(0, 5, 3)])), Some(RefusedCode::BadEvent));
    let players = (0..60).map(|id| ActorEntry { id: ActorId::clear(id), kind: ActorKind::Player, owner: None });
    assert_eq!(check(&Delta { actors: players.collect(), ..delta(1, &[]) }), Some(RefusedCode::LimitReached));
    let mut twice = actors();
    twice.extend(actors());
    assert_eq!(check(&Delta { actors: twice, ..delta(1, &[]) }), Some(RefusedCode::BadEvent));
    assert_eq!(check(&Delta { hits: 3, ..delta(1, &[hit(0, 1)]) }), Some(RefusedCode::BadColumns));
    let rare = codec::encode(&serde_json::json!({"k": "skill", "at": 0, "s": 0, "name": "a\u{1b}b"}));
    assert_eq!(check(&Delta { rare: vec![rare.into()], ..delta(1, &[]) }), Some(RefusedCode::BadText));
    let later = codec::encode(&serde_json::json!({"k": "weather", "at": 0, "rain": true}));
    assert_eq!(check(&Delta { rare: vec![later.into()], ..delta(1, &[]) }), None);
    let broken = codec::encode(&serde_json::json!({"k": "death", "at": 0}));
    assert_eq!(check(&Delta { rare: vec![broken.into()], ..delta(1, &[]) }), Some(RefusedCode::BadEvent));
}

#[test]
fn unknown_columns_are_skipped_and_kept() {
    let names: Vec<String> = ["at", "weather", "src", "tgt", "skill", "amount", "flags"].map(String::from).to_vec();
    let map = ColumnMap::new(&names).expect("it names what is needed");
    // One hit: nothing for its time, then weather, source 1, target 2, skill 0, amount 5, flags 4.
    let bytes = [0, 2, 0xaa, 0xbb, 1, 1, 1, 2, 1, 0, 1, 5, 1, 4];
    let hits = map.decode(70, 1, &bytes).expect("it holds one hit");
    assert_eq!((hits[0].at_ms, hits[0].hit.amount, hits[0].hit.source.0), (70, 5, 1));
    let header = raidcast_shared::uplink::Header { cols: names, ..header() };
    let delta = Delta { hits: 1, base_ms: 70, columns: bytes.to_vec().into(), ..delta(1, &[]) };
    let checked = Gate::new(&header).expect("its columns are usable").check(&delta).expect("it fits");
    let mut log = Log::new(header);
    log.push(&map, &delta, checked);
    let bytes = log.into_bytes();
    assert_eq!(Log::from_bytes(&bytes).expect("it is read").into_bytes(), bytes);
    assert!(bytes.windows(2).any(|pair| pair == [0xaa, 0xbb]));
}
