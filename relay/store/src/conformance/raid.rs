//! Raids.

use raidcast_shared::id::RaidId;
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

use super::{Fights, Harness, NOW_MS, account, encounter, id, new_raid, raid};
use crate::{
    Accounts, Audited, Audits, Delay, EncounterRow, Encounters as _, Note, RaidRow, Raids, Reports, ShownTo,
    StoreError, Tickets,
};

/// All of it comes back; what is not held is `None`.
pub async fn a_raid_is_found_by_id_and_by_code(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for (number, visibility, names) in [
        (1, Visibility::Public, NamesPolicy::Hidden),
        (2, Visibility::Unlisted, NamesPolicy::Full),
        (3, Visibility::Private, NamesPolicy::Class),
    ] {
        let kept = RaidRow {
            names,
            delay: Delay { ms: i64::from(number) * 200_000, shown_until_ms: NOW_MS - i64::from(number) },
            report_visibility: (number > 1).then_some(Visibility::Public),
            title: (number > 1).then(|| "Tuesday 'n\" more; --".into()),
            closed: number == 3,
            history: number == 2,
            ..new_raid(&ana, number, visibility)
        };
        store.insert_raid(&kept).await.expect("a raid");
        assert_eq!(store.raid_by_id(kept.id).await.expect("an answer").as_ref(), Some(&kept));
        assert_eq!(store.raid_by_code(&kept.code).await.expect("an answer"), Some(kept));
    }
    assert_eq!(store.raid_by_id(RaidId(id(99))).await.expect("an answer"), None);
    assert_eq!(store.raid_by_code("").await.expect("an answer"), None);
}

/// Neither within an account nor across accounts.
pub async fn ids_and_codes_of_raids_are_not_given_twice(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let other = new_raid(&bo, 2, Visibility::Private);
    let same_id = store.insert_raid(&RaidRow { id: first.id, ..other.clone() }).await;
    assert!(matches!(same_id, Err(StoreError::Damaged(_))), "{same_id:?}");
    let same_code = store.insert_raid(&RaidRow { code: first.code.clone(), ..other.clone() }).await;
    assert!(matches!(same_code, Err(StoreError::Damaged(_))), "{same_code:?}");
    assert_eq!(store.raid_by_id(first.id).await.expect("an answer"), Some(first));
    store.insert_raid(&other).await.expect("a raid");
}

/// Whose it is, its code, its secret, and its times stay.
pub async fn an_update_replaces_only_what_may_change(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let other = raid(&store, &ana, 2, Visibility::Public).await;
    let changed = RaidRow {
        title: Some("Friday".into()),
        visibility: Visibility::Private,
        report_visibility: Some(Visibility::Public),
        said: Some(ShownTo { live: Visibility::Unlisted, report: None }),
        names: NamesPolicy::Hidden,
        delay: Delay { ms: 60_000, shown_until_ms: NOW_MS + 7 },
        closed: true,
        ..first.clone()
    };
    let asked = RaidRow {
        account: bo.id,
        code: "else".into(),
        secret_digest: [9; 32],
        history: true,
        created_at_ms: NOW_MS + 5,
        active_at_ms: NOW_MS + 5,
        ..changed.clone()
    };
    store.update_raid(&asked, None).await.expect("an update");
    assert_eq!(store.raid_by_id(first.id).await.expect("an answer"), Some(changed));
    assert_eq!(store.raid_by_id(other.id).await.expect("an answer"), Some(other));
    let missing = store.update_raid(&new_raid(&ana, 3, Visibility::Public), None).await;
    assert!(matches!(missing, Err(StoreError::Damaged(_))), "{missing:?}");
}

/// Of its account, closed or not.
pub async fn the_newest_raid_is_the_one_that_was_active_last(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    assert_eq!(store.newest_raid(ana.id).await.expect("an answer"), None);
    for (number, active_at_ms) in [(3, NOW_MS + 10), (1, NOW_MS + 20), (2, NOW_MS + 30)] {
        let kept = RaidRow { active_at_ms, ..new_raid(&ana, number, Visibility::Private) };
        store.insert_raid(&kept).await.expect("a raid");
    }
    let theirs = RaidRow { active_at_ms: NOW_MS + 40, ..new_raid(&bo, 4, Visibility::Public) };
    store.insert_raid(&theirs).await.expect("a raid");
    let newest = store.newest_raid(ana.id).await.expect("an answer").expect("a raid");
    assert_eq!(newest.code, "raid-2");
    let third = store.raid_by_code("raid-3").await.expect("an answer").expect("a raid");
    let third = RaidRow { closed: true, ..third };
    store.update_raid(&third, None).await.expect("an update");
    store.touch_raid(&third.code, NOW_MS + 35).await.expect("a change");
    let third = RaidRow { active_at_ms: NOW_MS + 35, ..third };
    assert_eq!(store.newest_raid(ana.id).await.expect("an answer"), Some(third));
}

/// However lately it came.
pub async fn history_is_the_newest_raid_only_where_there_is_no_other(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for number in [1, 2] {
        let active_at_ms = NOW_MS + 100 + i64::from(number);
        let kept = RaidRow { active_at_ms, history: true, ..new_raid(&ana, number, Visibility::Public) };
        store.insert_raid(&kept).await.expect("a raid");
    }
    let newest = store.newest_raid(ana.id).await.expect("an answer").expect("a raid");
    assert_eq!(newest.code, "raid-2");
    raid(&store, &ana, 3, Visibility::Public).await;
    let newest = store.newest_raid(ana.id).await.expect("an answer").expect("a raid");
    assert_eq!(newest.code, "raid-3");
}

/// While another one has fights of the last hours: whoever watches that goes on seeing it.
pub async fn a_raid_without_fights_waits_for_its_first(harness: &impl Harness<Store: Fights>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let newest = async || store.newest_raid(ana.id).await.expect("an answer").expect("a raid").code;
    let at = |number, active_at_ms| RaidRow { active_at_ms, ..new_raid(&ana, number, Visibility::Public) };
    let first = at(1, NOW_MS);
    store.insert_raid(&first).await.expect("a raid");
    encounter(&store, &first, 1).await;
    // Another one that has none, and one that has none hours later.
    let second = at(2, NOW_MS + RAID_IDLE_MS);
    store.insert_raid(&second).await.expect("a raid");
    assert_eq!(newest().await, first.code);
    let third = at(3, NOW_MS + RAID_IDLE_MS + 1);
    store.insert_raid(&third).await.expect("a raid");
    assert_eq!(newest().await, third.code);
    // The first one's next fight, and the second one's first.
    store.touch_raid(&first.code, NOW_MS + RAID_IDLE_MS + 2).await.expect("a change");
    assert_eq!(newest().await, first.code);
    let only = encounter(&store, &second, 2).await;
    store.touch_raid(&second.code, NOW_MS + RAID_IDLE_MS + 3).await.expect("a change");
    assert_eq!(newest().await, second.code);
    // It goes, and the raid has none again.
    assert!(store.discard(ana.id, only.key.encounter).await.expect("an answer"));
    assert_eq!(newest().await, first.code);
    // One of old fights that has some is no raid of today.
    let history = RaidRow { history: true, ..at(4, NOW_MS + RAID_IDLE_MS + 4) };
    store.insert_raid(&history).await.expect("a raid");
    encounter(&store, &history, 4).await;
    assert_eq!(newest().await, first.code);
}

/// A raid that a clock set far into the future gives way to the next one that is active, for good and whichever way;
/// no other account's does.
pub async fn a_clock_that_was_ahead_pins_no_raid(harness: &impl Harness<Store: Accounts + Raids>) {
    const DAY_MS: i64 = 86_400_000;
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let newest = async || store.newest_raid(ana.id).await.expect("an answer").expect("a raid").code;
    let ahead = |account, number| RaidRow {
        active_at_ms: NOW_MS + 400 * DAY_MS,
        ..new_raid(account, number, Visibility::Private)
    };
    let old = raid(&store, &ana, 9, Visibility::Public).await;
    let (first, theirs) = (ahead(&ana, 1), ahead(&bo, 2));
    for kept in [&first, &theirs] {
        store.insert_raid(kept).await.expect("a raid");
    }
    assert_eq!(newest().await, first.code);
    // A new one.
    let second = RaidRow { active_at_ms: NOW_MS + 1_000, ..new_raid(&ana, 3, Visibility::Public) };
    store.insert_raid(&second).await.expect("a raid");
    assert_eq!(newest().await, second.code);
    // Its uploader comes back, and still holds the row as it was.
    store.update_raid(&first, None).await.expect("an update");
    assert_eq!(newest().await, second.code);
    // One that is there, and each that is active after it.
    store.touch_raid(&first.code, NOW_MS + 500 * DAY_MS).await.expect("a change");
    for (at, code) in [(2_000, &second.code), (3_000, &old.code), (4_000, &first.code), (5_000, &second.code)] {
        store.touch_raid(code, NOW_MS + at).await.expect("a change");
        assert_eq!(newest().await, *code);
        let held = store.raid_by_code(code).await.expect("an answer").expect("the raid");
        assert_eq!(held.active_at_ms, NOW_MS + at);
    }
    assert_eq!(store.raid_by_code(&theirs.code).await.expect("an answer"), Some(theirs));
}

/// Not its visibility, which somebody else may be changing.
pub async fn being_active_changes_nothing_else(harness: &impl Harness<Store: Accounts + Raids>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Private).await;
    let other = raid(&store, &ana, 2, Visibility::Public).await;
    for said_ms in [NOW_MS + 4, NOW_MS + 9] {
        store.touch_raid(&first.code, said_ms).await.expect("a change");
        let held = RaidRow { active_at_ms: said_ms, ..first.clone() };
        assert_eq!(store.raid_by_code(&first.code).await.expect("an answer").as_ref(), Some(&held));
        // An update that was made before says an earlier time.
        store.update_raid(&first, None).await.expect("an update");
        assert_eq!(store.raid_by_code(&first.code).await.expect("an answer"), Some(held));
    }
    assert_eq!(store.raid_by_id(other.id).await.expect("an answer"), Some(other));
    let missing = store.touch_raid("none", NOW_MS).await;
    assert!(matches!(missing, Err(StoreError::Damaged(_))), "{missing:?}");
}

/// The raid's own and its channel's, no other raid's; an update does not bring old ones back.
pub async fn tickets_are_renewed_for_good(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let first = raid(&store, &ana, 1, Visibility::Private).await;
    let second = raid(&store, &ana, 2, Visibility::Private).await;
    let theirs = raid(&store, &bo, 3, Visibility::Private).await;
    let row = encounter(&store, &first, 1).await;
    assert_eq!((first.tickets, row.tickets), (Tickets::default(), Tickets::default()));
    for number in 1..=2 {
        let renewed = Tickets { raid: number, channel: number };
        assert_eq!(store.renew_tickets(&first.code).await.expect("an answer"), Some(renewed));
        // Its task still holds the row as it was.
        store.update_raid(&first, None).await.expect("an update");
        let held = store.raid_by_code(&first.code).await.expect("an answer").expect("the raid");
        assert_eq!(held, RaidRow { tickets: renewed, ..first.clone() });
        let (held, _) = store.report(&row.report_id).await.expect("an answer").expect("the report");
        assert_eq!(held.tickets, renewed);
        let held = store.raid_by_code(&second.code).await.expect("an answer").expect("the raid");
        assert_eq!(held.tickets, Tickets { raid: 0, channel: number });
    }
    assert_eq!(store.raid_by_code(&theirs.code).await.expect("an answer"), Some(theirs));
    assert_eq!(store.renew_tickets("none").await.expect("an answer"), None);
}

/// Those that are there, those that begin later, and those that come from another raid.
pub async fn fights_show_the_names_that_their_raid_shows(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Visibility::Public).await;
    let other = RaidRow { names: NamesPolicy::Class, ..new_raid(&ana, 2, Visibility::Public) };
    store.insert_raid(&other).await.expect("a raid");
    let row = encounter(&store, &first, 1).await;
    assert_eq!(row.names, NamesPolicy::Full);
    for names in [NamesPolicy::Hidden, NamesPolicy::Class, NamesPolicy::Full, NamesPolicy::Hidden] {
        let changed = RaidRow { names, ..first.clone() };
        store.update_raid(&changed, None).await.expect("an update");
        assert_eq!(store.raid_by_code(&first.code).await.expect("an answer"), Some(changed));
        let seen = store.encounter(ana.id, row.key.encounter).await.expect("an answer");
        assert_eq!(seen, Some(EncounterRow { names, ..row.clone() }));
    }
    assert_eq!(encounter(&store, &first, 2).await.names, NamesPolicy::Hidden);
    store.move_encounter(row.row, &other.code).await.expect("a move");
    let (moved, _) = store.report(&row.report_id).await.expect("an answer").expect("the report");
    assert_eq!(moved.names, NamesPolicy::Class);
    assert_eq!(store.raid_by_code(&other.code).await.expect("an answer"), Some(other));
}

/// Together or not at all.
pub async fn who_changes_a_raid_is_noted_with_the_change(harness: &impl Harness<Store: Fights + Audits>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid_of = raid(&store, &ana, 1, Visibility::Public).await;
    let note = Note { by: None, key: None, what: Audited::RaidShown, about: Some(ana.id.0), at_ms: NOW_MS };
    let missing = new_raid(&ana, 2, Visibility::Public);
    store.update_raid(&missing, Some(note)).await.expect_err("there is none");
    assert_eq!(store.audit(None, 9).await.expect("an answer"), []);
    let private = RaidRow { visibility: Visibility::Private, ..raid_of };
    store.update_raid(&private, Some(note)).await.expect("the raid");
    store.update_raid(&private, None).await.expect("the raid");
    let noted = store.audit(None, 9).await.expect("an answer");
    assert_eq!(noted.iter().map(|row| row.note).collect::<Vec<_>>(), [note]);
}

/// It gets no other, whatever its uploader says then, and that is noted once.
pub async fn a_title_that_was_cleared_does_not_come_back(harness: &impl Harness<Store: Fights + Audits>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let titled = |number| RaidRow { title: Some("Mira's night".into()), ..new_raid(&ana, number, Visibility::Public) };
    for number in [1, 2] {
        store.insert_raid(&titled(number)).await.expect("a raid");
    }
    let note = Note { by: None, key: None, what: Audited::TitleCleared, about: Some(ana.id.0), at_ms: NOW_MS };
    assert!(!store.clear_title("nobody's", note).await.expect("an answer"));
    for _ in 0..2 {
        assert!(store.clear_title(&titled(1).code, note).await.expect("an answer"));
        store.update_raid(&titled(1), None).await.expect("the raid");
    }
    drop(store);
    let store = harness.open().await;
    let title =
        async |number| store.raid_by_code(&titled(number).code).await.expect("an answer").expect("a raid").title;
    assert_eq!((title(1).await, title(2).await), (None, titled(2).title));
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1);
    store.update_raid(&RaidRow { title: Some("Another".into()), ..titled(2) }, None).await.expect("the raid");
    assert_eq!(title(2).await, Some("Another".into()));
}
