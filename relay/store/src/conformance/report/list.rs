//! Lists of reports.

use std::sync::Arc;

use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::Visibility::{Private, Public, Unlisted};
use raidcast_shared::uplink::{Outcome, ReportState};

use super::super::{Fights, Harness, NOW_MS, account, encounter, kept, new_encounter, new_raid, raid};
use crate::{
    Accounts, Delay, EncounterRow, Encounters, KeptReport, ListPart, NewEncounter, Page, PublicReports, RaidRow, Raids,
    ReportLine, Reports, stricter,
};

/// A page of public reports at a time, and how many there are.
async fn page_at(store: &Arc<impl Reports>, page: u32, limit: u32, now_ms: i64) -> (Vec<ReportLine>, u64) {
    let part = ListPart::Page(Page { page, limit });
    let PublicReports { lines, total, .. } = store.public_reports(part, now_ms).await.expect("an answer");
    (lines, total.expect("pages are counted"))
}

async fn public(store: &Arc<impl Reports>, page: u32, limit: u32) -> (Vec<String>, u64) {
    let (lines, count) = page_at(store, page, limit, NOW_MS).await;
    (lines.into_iter().map(|line| line.report_id).collect(), count)
}

/// Of any account.
pub async fn only_public_reports_are_listed(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    assert_eq!(public(&store, 1, 10).await, (vec![], 0));
    let ana = account(&store, "ana").await;
    let bo = account(&store, "bo").await;
    let mut listed = Vec::new();
    for (number, account, visibility) in
        [(1, &ana, Public), (2, &ana, Unlisted), (3, &bo, Private), (4, &bo, Public), (5, &ana, Private)]
    {
        let raid = raid(&store, account, number, visibility).await;
        let row = encounter(&store, &raid, number).await;
        if visibility == Public {
            listed.insert(0, row.report_id);
        }
    }
    assert_eq!(public(&store, 1, 10).await, (listed, 2));
}

/// Newest fight first, also where fights began at the same time or came in another order.
pub async fn pages_have_no_gaps_and_no_repeats(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Public).await;
    let starts = [5, 1, 4, 4, 4, 9, 2, 4, 7, 3, 8];
    for (number, start) in (1..).zip(starts) {
        let new = NewEncounter { started_at_ms: NOW_MS + start, ..new_encounter(&raid, number) };
        store.begin_encounter(&new).await.expect("an encounter");
    }
    let (all, count) = page_at(&store, 1, 100, NOW_MS).await;
    assert_eq!((all.len(), count), (starts.len(), starts.len() as u64));
    assert!(all.is_sorted_by_key(|line| -line.started_at_ms), "{all:?}");
    let mut paged = Vec::new();
    for page in 1..=4 {
        let (lines, count) = page_at(&store, page, 3, NOW_MS).await;
        assert_eq!(count, starts.len() as u64);
        paged.extend(lines);
    }
    assert_eq!(paged, all);
    assert_eq!(public(&store, 5, 3).await, (vec![], 11));
    // On from each page, and on from there: what comes meanwhile moves nothing.
    for page in 1..=4 {
        let part = ListPart::Page(Page { page, limit: 3 });
        let mut seen = store.public_reports(part, NOW_MS).await.expect("an answer");
        let new = NewEncounter { started_at_ms: NOW_MS + 100, ..new_encounter(&raid, 100 + page as u8) };
        store.begin_encounter(&new).await.expect("an encounter");
        let mut paged = std::mem::take(&mut seen.lines);
        while let Some(place) = seen.next {
            seen = store.public_reports(ListPart::After { place, limit: 2 }, NOW_MS).await.expect("an answer");
            assert!(seen.total.is_none() && (1..=2).contains(&seen.lines.len()), "{seen:?}");
            paged.extend(seen.lines.clone());
        }
        assert_eq!(paged, all[3 * (page as usize - 1)..], "from page {page} on");
        assert!(store.discard(new.key.account, new.key.encounter).await.expect("an answer"));
    }
    assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), all);
}

/// The line of the last report kept, whole.
pub async fn lists_show_what_was_kept(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Public).await;
    let outcomes = [Outcome::Kill, Outcome::Wipe, Outcome::Reset, Outcome::Unfinished, Outcome::Unknown];
    let mut expected = Vec::new();
    for (number, outcome) in (1..).zip(outcomes) {
        let row = encounter(&store, &raid, number).await;
        let state = if number % 2 == 0 { ReportState::Provisional } else { ReportState::Final };
        let mut report = kept(&row, state, number.into(), number);
        report.line.outcome = outcome;
        if number == 3 {
            report.line.place = Place::default();
            report.line.bosses = Vec::new();
            report.line.ended_at_ms = None;
        }
        store.keep_report(&report).await.expect("a report");
        expected.insert(0, report.line);
    }
    let (lines, _) = page_at(&store, 1, 10, NOW_MS).await;
    assert_eq!(lines, expected);
    assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), expected);
}

/// Zero and unknown, until there is a report.
pub async fn live_reports_are_listed_without_figures(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Public).await;
    let row = encounter(&store, &raid, 1).await;
    let line = ReportLine {
        report_id: row.report_id.clone(),
        encounter: row.key.encounter,
        raid_code: raid.code.clone(),
        live: Public,
        state: ReportState::Live,
        revision: 1,
        started_at_ms: row.started_at_ms,
        ended_at_ms: None,
        duration_ms: 0,
        damage_ms: None,
        outcome: Outcome::Unknown,
        place: Place::default(),
        bosses: Vec::new(),
        players: 0,
        totals: Totals { boss_damage: Some(0), damage_taken: Some(0), deaths: Some(0), ..Totals::default() },
        stub: false,
        verified: false,
        created_at_ms: row.created_at_ms,
        kept_at_ms: None,
        delay: Delay::default(),
    };
    assert_eq!(page_at(&store, 1, 10, NOW_MS).await, (vec![line.clone()], 1));
    assert_eq!(store.raid_reports(&raid.code).await.expect("an answer"), [line]);
}

/// Neither before that nor counted before, and with what the raid says of its delay now; other raids' are listed at once.
pub async fn fights_of_a_delayed_raid_are_listed_when_it_shows_them(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let at_once = raid(&store, &ana, 1, Public).await;
    let behind = RaidRow { delay: Delay { ms: 60_000, shown_until_ms: 0 }, ..new_raid(&ana, 2, Public) };
    store.insert_raid(&behind).await.expect("a raid");
    let new = [encounter(&store, &at_once, 1).await, encounter(&store, &behind, 2).await];
    let last = encounter(&store, &behind, 9).await;
    store.touch_raid(&behind.code, last.created_at_ms).await.expect("a time");
    let listed = |now_ms: i64| {
        let store = Arc::clone(&store);
        async move {
            let (lines, count) = page_at(&store, 1, 10, now_ms).await;
            assert_eq!(lines.len() as u64, count);
            lines.into_iter().map(|line| (line.report_id, line.delay, line.created_at_ms)).collect::<Vec<_>>()
        }
    };
    let line = |row: &EncounterRow, delay: Delay| (row.report_id.clone(), delay, row.created_at_ms);
    let first = line(&new[0], Delay::default());
    assert_eq!(listed(new[1].created_at_ms).await, std::slice::from_ref(&first));
    assert_eq!(listed(new[1].created_at_ms + 59_999).await, std::slice::from_ref(&first));
    let second = line(&new[1], behind.delay);
    assert_eq!(listed(new[1].created_at_ms + 60_000).await, [second, first.clone()]);
    assert_eq!(listed(last.created_at_ms + 60_000).await.len(), 3);
    // It was shown before the delay was raised.
    let delay = Delay { ms: 600_000, shown_until_ms: new[1].created_at_ms };
    store.update_raid(&RaidRow { delay, ..behind.clone() }, None).await.expect("an update");
    assert_eq!(listed(last.created_at_ms + 60_000).await, [line(&new[1], delay), first.clone()]);
    store.update_raid(&RaidRow { delay: Delay::default(), ..behind }, None).await.expect("an update");
    assert_eq!(listed(last.created_at_ms).await.len(), 3);
}

/// Until then it is shown as one that goes on, and that is for those alone who may see the raid.
pub async fn a_fight_of_a_delayed_raid_that_is_not_public_is_listed_when_its_end_is_shown(
    harness: &impl Harness<Store: Fights + Reports>,
) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let delay = Delay { ms: 60_000, shown_until_ms: 0 };
    let secret = RaidRow { delay, report_visibility: Some(Public), ..new_raid(&ana, 1, Private) };
    store.insert_raid(&secret).await.expect("a raid");
    let goes_on = encounter(&store, &secret, 1).await;
    let ended = encounter(&store, &secret, 2).await;
    let kept_at_ms = ended.created_at_ms + 30_000;
    let report = KeptReport { kept_at_ms, ..kept(&ended, ReportState::Final, 1, 1) };
    store.keep_report(&report).await.expect("a report");
    store.touch_raid(&secret.code, goes_on.created_at_ms).await.expect("a time");
    let listed = async |now_ms: i64| {
        let (lines, count) = page_at(&store, 1, 10, now_ms).await;
        assert_eq!(lines.len() as u64, count, "at {now_ms}");
        lines.len()
    };
    assert_eq!(listed(kept_at_ms).await, 0);
    assert_eq!(listed(kept_at_ms + 59_999).await, 0);
    assert_eq!(listed(kept_at_ms + 60_000).await, 1);
}

/// Whatever its visibility, and no other's.
pub async fn a_raid_lists_all_of_its_reports(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for (number, visibility) in [(1, Private), (2, Unlisted), (3, Public)] {
        let raid = raid(&store, &ana, number, visibility).await;
        let mut expected = Vec::new();
        for fight in 0..3 {
            expected.insert(0, encounter(&store, &raid, number * 10 + fight).await.report_id);
        }
        let lines = store.raid_reports(&raid.code).await.expect("an answer");
        let listed: Vec<_> = lines.into_iter().map(|line| line.report_id).collect();
        assert_eq!(listed, expected);
    }
    assert_eq!(store.raid_reports("none").await.expect("an answer"), []);
}

/// In lists, and in each report of the raid.
pub async fn a_change_of_visibility_is_seen_at_once(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let first = raid(&store, &ana, 1, Unlisted).await;
    let other = raid(&store, &ana, 2, Public).await;
    let row = encounter(&store, &first, 1).await;
    let stays = encounter(&store, &other, 2).await;
    for (visibility, count) in [(Public, 2), (Private, 1), (Public, 2), (Unlisted, 1)] {
        store.update_raid(&RaidRow { visibility, ..first.clone() }, None).await.expect("an update");
        assert_eq!(public(&store, 1, 10).await.1, count);
        let (seen, _) = store.report(&row.report_id).await.expect("an answer").expect("the report");
        assert_eq!(seen.visibility, visibility);
    }
    assert_eq!(public(&store, 1, 10).await.0, [stays.report_id]);
    // One that begins later is as its raid is now.
    store.update_raid(&RaidRow { visibility: Private, ..other.clone() }, None).await.expect("an update");
    encounter(&store, &other, 3).await;
    assert_eq!(public(&store, 1, 10).await.1, 0);
}

/// Each by itself: reports are listed by who may see reports, and those of fights that go on by who may see both.
pub async fn reports_and_what_is_live_are_shown_apart(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let mut raid_of = raid(&store, &ana, 1, Private).await;
    let (ended, goes_on) = (encounter(&store, &raid_of, 1).await, encounter(&store, &raid_of, 2).await);
    store.keep_report(&kept(&ended, ReportState::Final, 1, 1)).await.expect("a report");
    for (live, report, listed) in [
        (Private, Some(Public), vec![&ended]),
        (Public, Some(Public), vec![&goes_on, &ended]),
        (Public, None, vec![&goes_on, &ended]),
        (Public, Some(Unlisted), vec![]),
        (Unlisted, Some(Public), vec![&ended]),
        (Private, None, vec![]),
    ] {
        (raid_of.visibility, raid_of.report_visibility) = (live, report);
        store.update_raid(&raid_of, None).await.expect("an update");
        let listed: Vec<_> = listed.into_iter().map(|row| row.report_id.clone()).collect();
        let count = listed.len() as u64;
        assert_eq!(public(&store, 1, 10).await, (listed, count), "{live:?} {report:?}");
        for (row, state) in [(&ended, ReportState::Final), (&goes_on, ReportState::Live)] {
            let (seen, _) = store.report(&row.report_id).await.expect("an answer").expect("the report");
            let expected = if state == ReportState::Live {
                stricter(live, report.unwrap_or(live))
            } else {
                report.unwrap_or(live)
            };
            assert_eq!((seen.state, seen.seen_by()), (state, expected), "{live:?} {report:?}");
        }
    }
    // One that begins, and one that comes from elsewhere, is as its raid is.
    (raid_of.visibility, raid_of.report_visibility) = (Public, Some(Private));
    store.update_raid(&raid_of, None).await.expect("an update");
    encounter(&store, &raid_of, 3).await;
    let other = raid(&store, &ana, 2, Public).await;
    let moves = encounter(&store, &other, 4).await;
    assert_eq!(public(&store, 1, 10).await.1, 1);
    store.move_encounter(moves.row, &raid_of.code).await.expect("it moves");
    assert_eq!(public(&store, 1, 10).await, (vec![], 0));
}

/// Whichever comes first: nothing of a private raid is listed.
pub async fn a_fight_that_begins_while_its_raid_changes_is_as_its_raid(
    harness: &impl Harness<Store: Fights + Reports>,
) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    for number in 0..20 {
        let raid = raid(&store, &ana, number, Public).await;
        let private = RaidRow { visibility: Private, ..raid.clone() };
        let new = new_encounter(&raid, number);
        let (changed, begun) =
            futures::future::join(store.update_raid(&private, None), store.begin_encounter(&new)).await;
        changed.expect("an update");
        begun.expect("an encounter");
        assert_eq!(public(&store, 1, 10).await, (vec![], 0));
    }
}

/// What people put into addresses is no error.
pub async fn odd_text_finds_nothing(harness: &impl Harness<Store: Fights + Reports>) {
    let store = harness.open().await;
    let ana = account(&store, "ana").await;
    let raid = raid(&store, &ana, 1, Public).await;
    encounter(&store, &raid, 1).await;
    let long = "x".repeat(100_000);
    for odd in ["", "\0", "raid-1\0", "%", "'; --", "\u{fffd}\u{10ffff}", &long] {
        assert_eq!(store.raid_by_code(odd).await.expect("an answer"), None);
        assert_eq!(store.account_by_channel(odd).await.expect("an answer"), None);
        assert_eq!(store.report(odd).await.expect("an answer"), None);
        assert_eq!(store.report_log(odd).await.expect("an answer"), None);
        assert_eq!(store.raid_reports(odd).await.expect("an answer"), []);
    }
}
