//! Which reports are of one fight: the same in every store, and the same as a comparison of all with all.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};

use super::search::{Numbers, boss, derive, player};
use super::{Harness, NOW_MS, account, encounter, kept, raid};
use crate::same_fight::{CANDIDATES_OF_ACCOUNT, COMPARED_MAX, COMPARED_OF_ACCOUNT, Seen, compare};
use crate::{
    Account, AccountId, Audited, Characters, Derived, DerivedRows, EncounterRow, Encounters, FightTime, Note, RaidRow,
    Raids, Reports, Store, Viewpoint,
};

/// A fight as a plain comparison has it.
pub(super) struct Fight {
    row: EncounterRow,
    public: bool,
    derived: Derived,
}

/// The scene of all fixtures' reports.
const SCENE_ID: Option<i64> = Some(-7);

/// Ten players, from second to second.
pub(super) fn fight(group: &str, from_s: i64, to_s: i64) -> Derived {
    let dealt = |number: i64| (20 - number) * 1_000 * (to_s - from_s);
    let member = |number: i64| crate::DerivedPlayer {
        damage_dealt: dealt(number),
        ..player(number, None, None, None, &format!("{group}{number}"))
    };
    Derived {
        time: Some(FightTime { first_at_ms: NOW_MS + from_s * 1_000, last_at_ms: NOW_MS + to_s * 1_000 }),
        bosses: vec![boss(0, "Golem")],
        players: (0..10).map(member).collect(),
        skills: Vec::new(),
    }
}

fn plain(of: &Fight, all: &[Fight], also_of: Option<AccountId>) -> Vec<String> {
    let seen = |fight: &Fight| Seen::of(&fight.derived, SCENE_ID);
    let Some(own) = seen(of) else { return Vec::new() };
    let mut like: Vec<_> = all
        .iter()
        .filter(|other| other.row.key.account != of.row.key.account)
        .filter(|other| other.public || also_of == Some(other.row.key.account))
        .filter_map(|other| Some((compare(&own, &seen(other)?).ok()?, other)))
        .map(|(like, other)| ((like.apart_ms, Reverse(like.overlap_ms), other.row.row), other))
        .collect();
    like.sort_by_key(|(like, _)| *like);
    let mut of_account = HashMap::new();
    like.retain(|(_, other)| {
        let count = of_account.entry(other.row.key.account).or_insert(0);
        *count += 1;
        *count <= CANDIDATES_OF_ACCOUNT
    });
    like.into_iter().map(|(_, other)| other.row.report_id.clone()).collect()
}

pub(super) async fn keep(store: &Arc<impl Store>, raid: &RaidRow, number: u8, derived: Derived) -> Fight {
    let row = encounter(store, raid, number).await;
    store.keep_report(&kept(&row, ReportState::Final, 1, number)).await.expect("a report");
    derive(store, &row, &derived).await;
    Fight { row, public: raid.visibility == Visibility::Public, derived }
}

async fn linked(store: &Arc<impl Store>, fight: &Fight) -> Vec<String> {
    store.same_fight(fight.row.row, None).await.expect("an answer")
}

async fn is_as_plain(store: &Arc<impl Store>, all: &[Fight], accounts: &[Account]) {
    for fight in all {
        for also_of in accounts.iter().map(|account| Some(account.id)).chain([None]) {
            let found = store.same_fight(fight.row.row, also_of).await.expect("an answer");
            assert_eq!(found, plain(fight, all, also_of), "of {} for {also_of:?}", fight.row.report_id);
        }
    }
}

/// In whichever order they are derived, changed and thrown away.
pub async fn reports_of_one_fight_are_those_of_a_plain_comparison(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let mut numbers = Numbers(11);
    let (mut accounts, mut raids) = (Vec::new(), Vec::new());
    for (number, name) in ["ana", "bo", "cy", "di"].into_iter().enumerate() {
        let account = account(&store, name).await;
        let visibility = if number == 3 { Visibility::Unlisted } else { Visibility::Public };
        raids.push(raid(&store, &account, 1 + number as u8, visibility).await);
        accounts.push(account);
    }
    let some = |numbers: &mut Numbers| {
        let (from, late) = (30 * numbers.below(3) as i64 + numbers.below(3) as i64, numbers.below(80) as i64);
        let to = from + 100 + 60 * numbers.below(2) as i64;
        fight(if numbers.below(4) == 0 { "b" } else { "a" }, from + late / 20 * late, to)
    };
    let mut all = Vec::new();
    // No more of an account than are compared.
    for number in 0..COMPARED_OF_ACCOUNT as u8 {
        for raid in &raids {
            let derived = some(&mut numbers);
            all.push(keep(&store, raid, number, derived).await);
            is_as_plain(&store, &all, &accounts).await;
        }
    }
    assert!(all.iter().any(|fight| plain(fight, &all, None).len() > 1), "some are of one fight");
    for _ in 0..20 {
        let which = numbers.below(all.len());
        let fight = &mut all[which];
        fight.derived = if numbers.below(5) == 0 { Derived::default() } else { some(&mut numbers) };
        store.keep_report(&kept(&fight.row, ReportState::Final, 1, 1)).await.expect("a report");
        derive(&store, &fight.row, &fight.derived).await;
        is_as_plain(&store, &all, &accounts).await;
    }
    let gone = all.swap_remove(0);
    assert!(store.discard(gone.row.key.account, gone.row.key.encounter).await.expect("an answer"));
    is_as_plain(&store, &all, &accounts).await;
}

/// From the next question on.
pub async fn what_is_not_public_is_told_to_its_account_alone(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let of_ana = raid(&store, &ana, 1, Visibility::Unlisted).await;
    let mut of_bo = raid(&store, &bo, 2, Visibility::Private).await;
    let here = keep(&store, &of_ana, 1, fight("a", 0, 100)).await;
    let there = keep(&store, &of_bo, 1, fight("a", 1, 101)).await;
    for visibility in [Visibility::Private, Visibility::Public, Visibility::Unlisted] {
        of_bo.visibility = visibility;
        store.update_raid(&of_bo, None).await.expect("a raid");
        let to_all = if visibility == Visibility::Public { vec![there.row.report_id.clone()] } else { Vec::new() };
        assert_eq!(linked(&store, &here).await, to_all, "{visibility:?}");
        let to_bo = store.same_fight(here.row.row, Some(bo.id)).await.expect("an answer");
        assert_eq!(to_bo, [there.row.report_id.as_str()], "{visibility:?}");
    }
    assert_eq!(linked(&store, &there).await, Vec::<String>::new(), "the other way it is as secret");
}

/// However many fights an account hangs onto another's.
pub async fn one_account_takes_no_others_place(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let mut raids = Vec::new();
    for (number, name) in ["ana", "bo", "cy"].into_iter().enumerate() {
        let account = account(&store, name).await;
        raids.push(raid(&store, &account, 1 + number as u8, Visibility::Public).await);
    }
    let far = keep(&store, &raids[2], 1, fight("a", 25, 110)).await;
    let most = u8::try_from(COMPARED_MAX).expect("few") + 5;
    for number in 0..most {
        keep(&store, &raids[1], number, fight("a", 0, 100)).await;
    }
    let here = keep(&store, &raids[0], 1, fight("a", 0, 100)).await;
    // Some of this account, the most alike first, and however many there are of it, the others.
    let of_two = CANDIDATES_OF_ACCOUNT as usize + 1;
    let found = linked(&store, &here).await;
    assert!(found.len() == of_two && found.last() == Some(&far.row.report_id), "{found:?}");
    let found = linked(&store, &far).await;
    assert!(found.len() == of_two && found.contains(&here.row.report_id), "{found:?}");
}

/// Those that lead to it from now on, and those that did: they are to hear of it. Whether anybody may see them is not asked.
pub async fn who_is_derived_is_told_which_others_lead_to_it_or_did(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let mut rows = Vec::new();
    for (number, name) in ["ana", "bo", "cy"].into_iter().enumerate() {
        let account = account(&store, name).await;
        let visibility = if number == 0 { Visibility::Private } else { Visibility::Public };
        let raid = raid(&store, &account, 1 + number as u8, visibility).await;
        rows.push(encounter(&store, &raid, 1).await);
    }
    let [ana, bo, cy] = [0, 1, 2].map(|at| rows[at].row);
    let steps = [
        (0, fight("a", 0, 100), vec![]),
        (1, fight("a", 1, 101), vec![ana]),
        (2, fight("b", 0, 100), vec![]),
        // The same again: what it tells may be another.
        (1, fight("a", 2, 102), vec![ana]),
        (1, fight("b", 2, 102), vec![ana, cy]),
        (0, fight("b", 1, 101), vec![bo, cy]),
        (1, Derived::default(), vec![ana, cy]),
        (1, Derived::default(), vec![]),
    ];
    for (number, (at, derived, others)) in steps.into_iter().enumerate() {
        store.keep_report(&kept(&rows[at], ReportState::Final, 1, 1)).await.expect("a report");
        assert_eq!(derive(&store, &rows[at], &derived).await, others, "step {number}");
    }
}

/// As it is now.
pub async fn a_viewpoint_says_who_may_be_led_to_a_report(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (account(&store, "ana").await, account(&store, "bo").await);
    let mut of_ana = raid(&store, &ana, 1, Visibility::Public).await;
    let of_bo = raid(&store, &bo, 2, Visibility::Private).await;
    let hidden = ActorId([7; 16]);
    let mut with_hidden = fight("a", 0, 100);
    with_hidden.players[3].actor_id = hidden.to_hex();
    let here = keep(&store, &of_ana, 1, with_hidden).await.row;
    let there = keep(&store, &of_bo, 1, fight("a", 1, 101)).await.row;
    let live = encounter(&store, &of_bo, 2).await;
    let of = [live.row, here.row, there.row, live.row + 1_000];
    let viewpoint = |row: &EncounterRow, state, visibility| Viewpoint {
        encounter: row.row,
        report_id: row.report_id.clone(),
        raid_code: row.raid_code.clone(),
        state,
        visibility,
        names: NamesPolicy::Full,
        hides: false,
    };
    let mut expected = vec![
        viewpoint(&here, ReportState::Final, Visibility::Public),
        viewpoint(&there, ReportState::Final, Visibility::Private),
        viewpoint(&live, ReportState::Live, Visibility::Private),
    ];
    assert_eq!(store.viewpoints(&of).await.expect("an answer"), expected);
    assert!(store.viewpoints(&[]).await.expect("an answer").is_empty());
    // Reports are seen by others than what is live.
    (of_ana.visibility, of_ana.report_visibility) = (Visibility::Private, Some(Visibility::Unlisted));
    of_ana.names = NamesPolicy::Class;
    store.update_raid(&of_ana, None).await.expect("a raid");
    (expected[0].visibility, expected[0].names) = (Visibility::Unlisted, NamesPolicy::Class);
    assert_eq!(store.viewpoints(&of).await.expect("an answer"), expected);
    let note = Note { by: None, key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
    for hides in [true, false] {
        store.hide_player(hidden, hides, note).await.expect("an answer");
        expected[0].hides = hides;
        assert_eq!(store.viewpoints(&of).await.expect("an answer"), expected);
    }
}
