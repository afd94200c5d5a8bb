//! What is shown of scripts of changes.

use raidcast::uploader::{Delay, FolderError, LiveFight, ShownTo};
use raidcast_shared::uplink::{Outcome, ReportState};

use super::*;
use crate::language::Language;
use crate::view::{AppState, ElsewhereView, NowView};
use crate::words::of;

const RELAY: &str = "https://raid.example";

fn connected(url: &str) -> Change {
    connected_as(url, ShownTo::default())
}

fn connected_as(url: &str, shown_to: ShownTo) -> Change {
    let channel_url = format!("{RELAY}/live/me");
    Change::Connected { raid: "code".into(), url: format!("{RELAY}/raids/{url}"), channel_url, shown_to }
}

fn cut() -> Change {
    Change::Disconnected { why: Outage::Cut, retry_ms: 1_000, was_connected: true }
}

fn watching() -> Change {
    Change::Watching {
        path: "/m.db".into(),
        meter: "resonance-logs".into(),
        generation: "aggregate".into(),
        others: Vec::new(),
    }
}

fn status(connected: bool, live: bool, unacknowledged: u64) -> Change {
    let fight = LiveFight { title: Some("Boss".into()), elapsed_ms: 5_000, events: 77 };
    Change::Status(Status {
        watching: true,
        connected,
        live: live.then_some(fight),
        unacknowledged,
        ..Status::default()
    })
}

fn begun(encounter: &str, live: bool) -> Change {
    Change::Begun {
        encounter: encounter.into(),
        report_id: "r".into(),
        url: format!("{RELAY}/reports/r"),
        started_at_ms: 0,
        scene: None,
        title: Some("Boss".into()),
        live,
    }
}

fn ended(encounter: &str) -> Change {
    Change::Ended {
        encounter: encounter.into(),
        outcome: Outcome::Kill,
        events: 77,
        title: Some("Boss".into()),
        elapsed_ms: 5_000,
    }
}

/// Runs a script of changes, each at its time.
fn after(script: &[(i64, Change)]) -> State {
    let mut state = State::new();
    state.runs();
    for (now_ms, change) in script {
        state.hear(change, *now_ms);
    }
    state
}

fn view(state: &State) -> NowView {
    let beside = Beside { relay: Some(RELAY.into()), shown_s: 60, ..Beside::default() };
    state.view(&beside, of(Language::English))
}

fn stands(script: &[(i64, Change)]) -> AppState {
    view(&after(script)).state
}

#[test]
fn a_night_from_the_start_to_the_end() {
    use AppState::{Idle, Live, NoMeter, Trouble, Waiting};
    let nowhere = Change::Waiting { why: NoDatabase::Nowhere { looked: Vec::new(), wine: false }, looked: Vec::new() };
    let stalled = Change::Stalled { why: Stall::Deleted { dir: "/s".into() } };
    let mut script = Vec::new();
    for (now_ms, change, expected) in [
        (0, nowhere, NoMeter),
        (1, watching(), Waiting),
        (2, connected("a"), Idle),
        (3, status(true, true, 1), Live),
        (4, cut(), Waiting),
        (5, status(false, true, 3), Waiting),
        (60_003, status(false, true, 9), Waiting),
        (60_004, status(false, true, 9), Trouble),
        (60_005, connected("a"), Live),
        (60_006, stalled, Trouble),
        (60_007, Change::Resumed, Live),
        (60_008, status(true, false, 2), Waiting),
        (60_009, status(true, false, 0), Idle),
    ] {
        script.push((now_ms, change));
        assert_eq!(stands(&script), expected, "{now_ms}");
    }
}

#[test]
fn a_fight_in_which_nothing_arrives_becomes_urgent_by_the_time_alone() {
    let mut state = after(&[(0, watching()), (0, connected("a")), (0, status(true, true, 1)), (0, cut())]);
    state.hear(&status(false, true, 5), 1);
    state.tick(URGENT_MS - 1);
    assert_eq!(view(&state).state, AppState::Waiting);
    state.tick(URGENT_MS);
    assert_eq!(view(&state).state, AppState::Trouble);
    // A clock that went back takes no time off.
    let mut state = after(&[(1_000_000, cut()), (1_000_000, status(false, true, 5))]);
    state.tick(0);
    state.tick(URGENT_MS);
    assert_eq!(view(&state).state, AppState::Trouble);
    // Nobody waits for what is sent after a fight.
    let mut state = after(&[(0, cut()), (0, status(false, false, 5))]);
    state.tick(10 * URGENT_MS);
    assert_eq!(view(&state).state, AppState::Waiting);
}

#[test]
fn what_is_shown_as_arrived_is_confirmed() {
    let state = after(&[(0, watching()), (0, connected("a")), (0, status(true, true, 3))]);
    let fight = view(&state).fight.unwrap();
    assert_eq!((fight.title.as_str(), fight.events, fight.unacknowledged), ("Boss", 77, 3));
    assert_eq!(fight.arrived, "3 parts are on their way.");
    let state = after(&[(0, watching()), (0, connected("a")), (0, status(true, true, 3)), (0, cut())]);
    assert_eq!(view(&state).fight.unwrap().arrived, "3 parts wait here for the relay.");
    let delay = Delay { meter_ms: Some(100), relay_ms: None, waiting_since_ms: Some(7) };
    let late = Status { connected: true, delay: Some(delay), ..Status::default() };
    let shown = view(&after(&[(0, Change::Status(late))])).delay.unwrap();
    assert_eq!((shown.meter_ms, shown.relay_ms, shown.waiting_since_ms, shown.shown_s), (Some(100), None, Some(7), 60));
}

#[test]
fn how_far_others_are_behind_is_told_as_the_relay_has_it_once_that_was_heard() {
    let shown_s = |state: &State| view(state).delay.map(|delay| delay.shown_s);
    let late = Change::Status(Status { connected: true, delay: Some(Delay::default()), ..Status::default() });
    let mut state = after(&[(0, late.clone())]);
    assert_eq!(shown_s(&state), Some(60), "as it is set here");
    let there = ShownTo { delay_s: Some(10), ..ShownTo::default() };
    state.hear(&connected_as("a", there), 1);
    assert_eq!(shown_s(&state), Some(10));
    state.hear(&Change::SetThere { names: NamesPolicy::Class, delay_s: 10 }, 1);
    let said = view(&state).sentence;
    let there =
        "Others see classes in place of names of this raid, 10 seconds later: that was set on the relay's page.";
    assert!(said.ends_with(there), "{said}");
    state.hear(&connected("a"), 1);
    assert!(!view(&state).sentence.contains("set on the relay"));
    // Another run has heard nothing yet.
    state.runs();
    state.hear(&late, 2);
    assert_eq!(shown_s(&state), Some(60));
}

#[test]
fn a_key_that_is_not_known_any_more_is_trouble_and_who_is_turned_away_is_told_why() {
    let forgotten = Change::Disconnected { why: Outage::KeyForgotten, retry_ms: 30_000, was_connected: true };
    assert_eq!(stands(&[(0, watching()), (0, forgotten)]), AppState::Trouble);
    let refused = Change::Refused {
        code: RefusedCode::Fenced,
        text: "another one".into(),
        scope: RefusedScope::Connection,
        encounter: None,
        retry_ms: Some(1_000),
    };
    let state = after(&[(0, watching()), (0, connected("a")), (1, refused), (1, cut())]);
    let shown = view(&state);
    assert_eq!(shown.state, AppState::Waiting);
    assert!(shown.sentence.contains("in a raid of its own"), "{}", shown.sentence);
    let mut state = state;
    state.hear(&connected("b"), 2);
    assert_eq!(view(&state).state, AppState::Idle);
}

#[test]
fn a_raid_is_told_with_its_link_unless_that_has_a_ticket() {
    let mut state = after(&[(0, watching()), (0, connected("a"))]);
    let news = state.hear(&begun("one", true), 1);
    let link = Some(format!("{RELAY}/raids/a"));
    assert_eq!(news.began, Some(Began { raid: "code".into(), fight: Some("Boss".into()), link }));
    assert_eq!(state.hear(&begun("two", false), 1).began, None);
    assert_eq!(state.hear(&ended("two"), 2).ended, None);
    let end = Ended { fight: Some("Boss".into()), outcome: Outcome::Kill };
    assert_eq!(state.hear(&ended("one"), 2).ended, Some(end));
    assert_eq!(state.hear(&ended("one"), 2).ended, None);

    state.hear(&connected("a?ticket=secret"), 3);
    assert_eq!(state.hear(&begun("three", true), 4).began.unwrap().link, None);
    assert!(state.is_private() && view(&state).link.unwrap().is_private);
    assert!(!format!("{state:?}").contains("secret"));
    let news = state.hear(
        &Change::Finalized {
            encounter: "one".into(),
            report_id: "r".into(),
            url: "u".into(),
            state: ReportState::Final,
            known: false,
            keeps_visibility: false,
        },
        5,
    );
    assert!(news.fights && news.began.is_none() && news.ended.is_none());
}

#[test]
fn a_raid_that_the_relay_shows_otherwise_than_was_asked_for_is_told_until_it_is_not() {
    let mut state = after(&[(0, watching()), (0, connected("a")), (0, Change::ShownOtherwise { is_private: false })]);
    let idle = view(&state);
    assert_eq!(idle.state, AppState::Idle);
    assert!(idle.sentence.ends_with("This raid is not private on the relay: that was set on its page."), "{idle:?}");
    assert!(idle.remedy.is_some_and(|remedy| remedy.contains("\u{201c}Private for this raid\u{201d}")));
    state.hear(&cut(), 1);
    assert!(!view(&state).sentence.contains("private"), "nobody knows");
    state.hear(&connected("a?ticket=t"), 2);
    assert!(!view(&state).sentence.contains("private"));
}

#[test]
fn what_was_asked_of_a_raid_is_shown_as_asked_until_the_relay_has_answered() {
    let asked = |state: &State| view(state).link.and_then(|link| link.asked_private);
    let mut state = after(&[(0, watching()), (0, connected("a")), (0, cut())]);
    assert!(!state.means_private());
    state.ask_private(true);
    assert_eq!((asked(&state), state.means_private(), state.is_private()), (Some(true), true, false));
    let said = view(&state).sentence;
    assert!(said.ends_with("The relay has not heard it yet: until then others see what is there."), "{said}");
    // Also where another run begins meanwhile.
    state.begins();
    state.runs();
    assert_eq!((asked(&state), state.means_private()), (Some(true), true));
    state.hear(&connected("a?ticket=t"), 1);
    assert_eq!((asked(&state), state.means_private()), (None, true));
    assert!(!view(&state).sentence.contains("heard"));

    state.ask_private(false);
    assert_eq!((asked(&state), state.means_private()), (Some(false), false));
    // What is so already is not waited for.
    state.ask_private(true);
    assert_eq!(asked(&state), None);
    // Somebody has set it otherwise by hand: it is meant as it was asked for, and the next raid is another one.
    state.hear(&connected("a"), 2);
    state.hear(&Change::ShownOtherwise { is_private: false }, 2);
    assert_eq!((asked(&state), state.means_private()), (None, true));
    state.hear(&connected("b"), 3);
    assert!(!state.means_private());
    state.ask_private(true);
    state.forget_link();
    assert!(!state.means_private(), "another relay has another raid");
}

#[test]
fn a_link_of_the_given_relay_opens_and_another_is_shown_all_the_same() {
    let link = view(&after(&[(0, connected("a"))])).link.unwrap();
    assert!(link.opens && !link.is_private);
    let other = Change::Connected {
        raid: "code".into(),
        url: "http://192.168.0.7:8787/raids/a".into(),
        channel_url: "http://192.168.0.7:8787/live/me".into(),
        shown_to: ShownTo::default(),
    };
    let link = view(&after(&[(0, other)])).link.unwrap();
    assert!(!link.opens && link.raid.starts_with("http://192.168.0.7"));
}

#[test]
fn what_was_under_way_is_forgotten_where_nothing_runs_but_what_waits_is_not() {
    let mut state = after(&[(0, watching()), (0, connected("a")), (0, status(true, true, 4))]);
    state.paused();
    let shown = view(&state);
    assert_eq!((shown.state, shown.paused, shown.fight), (AppState::Paused, true, None));
    assert!(shown.sentence.contains("4 parts of earlier fights wait here."), "{}", shown.sentence);
    assert!(shown.link.is_some(), "it is a page still");
    state.ended(WatchError::Unauthorized { text: "no".into() }, true);
    assert_eq!(view(&state).state, AppState::Trouble);
    state.unsettled(SettingsFault::NoKey);
    assert_eq!(view(&state).state, AppState::Setup);
    state.unsettled(SettingsFault::Delay);
    assert_eq!(view(&state).state, AppState::Trouble);
    state.elsewhere(Some(7), None);
    let shown = view(&state);
    assert_eq!((shown.state, shown.elsewhere), (AppState::Elsewhere, Some(ElsewhereView { process: Some(7) })));
    assert_eq!(shown.link, None);
    state.runs();
    assert_eq!((view(&state).state, view(&state).meter), (AppState::Waiting, None));
    state.ended(WatchError::Folder(FolderError::Deleted { dir: "/s".into() }), false);
    assert!(!view(&state).sentence.contains("tried again"));
    state.not_set_up();
    assert_eq!(view(&state).state, AppState::Setup);
}

#[test]
fn the_meter_is_told_with_what_it_can_tell() {
    let meter = view(&after(&[(0, watching())])).meter.unwrap();
    assert_eq!((meter.path.as_str(), meter.meter.as_str()), ("/m.db", "resonance-logs"));
    assert_eq!(meter.what, "It writes hits while the fight goes on.");
}
