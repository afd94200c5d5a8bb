//! What is known of the run: changes go in, what the window shows comes out.
//!
//! Pure: it knows no clock and no channel. One invariant: it says that something has arrived only where the library
//! said that the relay confirmed it, and that a fight is live only while the relay takes it.

use raidcast::settings::SettingsFault;
use raidcast::socket::Outage;
use raidcast::source::{Generation, NoDatabase};
use raidcast::status::Running;
use raidcast::uploader::trouble::Stall;
use raidcast::uploader::{Change, Status, WatchError};
use raidcast_shared::uplink::{RefusedCode, RefusedScope};

use crate::links;
use crate::news::{Began, Ended, News};
use crate::own::OwnFault;
use crate::standing::Standing;
use crate::view::{DelayView, ElsewhereView, FightNow, LinkView, MeterView, NowView, UploadView};
use crate::words::Words;

/// A fight that goes on, and of which nothing has arrived for so long, is somebody's to look at.
const URGENT_MS: i64 = 60_000;
/// So many fights are known to be live: one, and some that ended a moment ago.
const LIVE_MAX: usize = 16;

/// What is known of the run.
pub struct State {
    phase: Phase,
    meter: Option<Meter>,
    no_meter: Option<NoDatabase>,
    stall: Option<Stall>,
    cut: Option<Cut>,
    turned_away: Option<(RefusedCode, String)>,
    connected: bool,
    link: Option<Ticketed>,
    status: Status,
    /// Fights that began while somebody could watch, by name.
    live: Vec<String>,
    is_urgent: bool,
}

/// What the run is about.
enum Phase {
    NotSetUp,
    Unread(OwnFault),
    Begins,
    Unsettled(SettingsFault),
    Elsewhere { process: Option<u32>, running: Option<Running> },
    Runs,
    Paused,
    Ended { error: WatchError, again: bool },
}

/// The meter that is read.
struct Meter {
    path: String,
    program: String,
    generation: String,
}

/// Why there is no connection.
struct Cut {
    why: Outage,
    was_connected: bool,
    since_ms: i64,
}

/// The raid's links.
struct Ticketed {
    code: String,
    raid: String,
    channel: String,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Links may have tickets.
        f.debug_struct("State").field("is", &self.standing().state()).finish_non_exhaustive()
    }
}

/// What is shown beside the run, and comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The relay's address.
    pub relay: Option<String>,
    /// By how much those are behind who are no members, seconds.
    pub shown_s: u32,
    /// The upload of old fights that is under way.
    pub upload: Option<UploadView>,
    /// There is an icon in the tray.
    pub trayed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Nothing is known.
    pub fn new() -> Self {
        Self {
            phase: Phase::Begins,
            meter: None,
            no_meter: None,
            stall: None,
            cut: None,
            turned_away: None,
            connected: false,
            link: None,
            status: Status::default(),
            live: Vec::new(),
            is_urgent: false,
        }
    }

    /// Something is to be set up first.
    pub fn not_set_up(&mut self) {
        self.rest(Phase::NotSetUp);
    }

    /// What the app keeps for itself cannot be read, so nothing is sent: that may be what somebody wants.
    pub fn unread(&mut self, fault: OwnFault) {
        self.rest(Phase::Unread(fault));
    }

    /// The settings are being read.
    pub fn begins(&mut self) {
        self.rest(Phase::Begins);
    }

    /// They are of no use.
    pub fn unsettled(&mut self, fault: SettingsFault) {
        let is_unset = matches!(fault, SettingsFault::NoRelay | SettingsFault::NoKey);
        self.rest(if is_unset { Phase::NotSetUp } else { Phase::Unsettled(fault) });
    }

    /// Another client has the state folder; `running`: what it does, as far as it says.
    pub fn elsewhere(&mut self, process: Option<u32>, running: Option<Running>) {
        self.rest(Phase::Elsewhere { process, running });
        self.link = None;
    }

    /// A run has begun.
    pub fn runs(&mut self) {
        self.rest(Phase::Runs);
        // What another run knew of it is told anew.
        (self.meter, self.no_meter) = (None, None);
    }

    /// Somebody has paused it.
    pub fn paused(&mut self) {
        self.rest(Phase::Paused);
    }

    /// A run came to an end that was not asked for; `again`: it is tried again by itself.
    pub fn ended(&mut self, error: WatchError, again: bool) {
        self.rest(Phase::Ended { error, again });
    }

    /// Another relay is meant from now on: links of the one before lead elsewhere.
    pub fn forget_link(&mut self) {
        self.link = None;
    }

    /// No run goes on, or another one. What waits here does so still.
    fn rest(&mut self, phase: Phase) {
        self.phase = phase;
        (self.stall, self.cut, self.turned_away) = (None, None, None);
        (self.connected, self.is_urgent) = (false, false);
        self.status = Status { unacknowledged: self.status.unacknowledged, ..Status::default() };
    }

    /// Takes in a change of the run.
    pub fn hear(&mut self, change: &Change, now_ms: i64) -> News {
        let mut news = News::default();
        match change {
            Change::Waiting { why, .. } => (self.meter, self.no_meter) = (None, Some(why.clone())),
            Change::Watching { path, meter, generation, .. } => {
                let path = path.display().to_string();
                self.meter = Some(Meter { path, program: meter.clone(), generation: generation.clone() });
                self.no_meter = None;
                news.fights = true;
            }
            Change::Connected { raid, url, channel_url } => {
                let (code, raid, channel) = (raid.clone(), url.clone(), channel_url.clone());
                self.link = Some(Ticketed { code, raid, channel });
                (self.cut, self.turned_away, self.connected) = (None, None, true);
            }
            Change::Disconnected { why, was_connected, .. } => {
                let since_ms = self.cut.as_ref().map_or(now_ms, |cut| cut.since_ms);
                self.cut = Some(Cut { why: why.clone(), was_connected: *was_connected, since_ms });
                self.connected = false;
            }
            Change::Begun { encounter, title, live, .. } => {
                news.fights = true;
                if *live {
                    news.began = self.link.as_ref().map(|link| Began {
                        raid: link.code.clone(),
                        fight: title.clone(),
                        link: (!has_ticket(&link.raid)).then(|| link.raid.clone()),
                    });
                    self.live.retain(|held| held != encounter);
                    self.live.push(encounter.clone());
                    let beyond = self.live.len().saturating_sub(LIVE_MAX);
                    self.live.drain(..beyond);
                }
            }
            Change::Ended { encounter, outcome, title, .. } => {
                news.fights = true;
                let was_live = self.live.iter().any(|held| held == encounter);
                news.ended = was_live.then(|| Ended { fight: title.clone(), outcome: *outcome });
                self.live.retain(|held| held != encounter);
            }
            Change::Refused { code, text, scope: RefusedScope::Connection, encounter: None, .. } => {
                self.turned_away = Some((*code, text.clone()));
            }
            Change::Stalled { why } => self.stall = Some(why.clone()),
            Change::Resumed => self.stall = None,
            Change::Status(status) => {
                self.connected = status.connected;
                self.status = status.clone();
            }
            Change::Acked { .. }
            | Change::Finalized { .. }
            | Change::Kept { .. }
            | Change::Refused { .. }
            | Change::Unreadable { .. }
            | Change::Reread { .. }
            | Change::Uploaded { .. }
            | Change::Failed { .. }
            | Change::Unsent { .. }
            | Change::Stopped { .. } => news.fights = true,
            Change::History { .. } | Change::Idle { .. } => {}
        }
        self.tick(now_ms);
        news
    }

    /// The time goes on.
    pub fn tick(&mut self, now_ms: i64) {
        let is_live = self.status.live.is_some();
        self.is_urgent = self.cut.as_mut().is_some_and(|cut| {
            // A clock may go back.
            cut.since_ms = cut.since_ms.min(now_ms);
            is_live && now_ms - cut.since_ms >= URGENT_MS
        });
    }

    /// Whether a fight goes on.
    pub fn is_live(&self) -> bool {
        self.status.live.is_some()
    }

    /// The raid's link, and the one of the newest raid.
    pub fn links(&self) -> Option<(&str, &str)> {
        self.link.as_ref().map(|link| (link.raid.as_str(), link.channel.as_str()))
    }

    /// The process that has the state folder instead.
    pub fn elsewhere_process(&self) -> Option<u32> {
        match &self.phase {
            Phase::Elsewhere { process, .. } => *process,
            _ => None,
        }
    }

    /// Whether the raid is for those alone who have its link, as the relay has it.
    pub fn is_private(&self) -> bool {
        self.link.as_ref().is_some_and(|link| has_ticket(&link.raid))
    }

    /// How it stands: the most urgent first.
    pub fn standing(&self) -> Standing<'_> {
        let parts = self.status.unacknowledged;
        match &self.phase {
            Phase::NotSetUp => Standing::NotSetUp,
            Phase::Unread(fault) => Standing::Unread { fault },
            Phase::Begins => Standing::Begins,
            Phase::Unsettled(fault) => Standing::Unsettled { fault },
            Phase::Elsewhere { process, running } => {
                Standing::Elsewhere { process: *process, running: running.as_ref() }
            }
            Phase::Paused => Standing::Paused { waiting: parts },
            Phase::Ended { error, again } => Standing::Ended { error, again: *again },
            Phase::Runs => self.running(parts),
        }
    }

    fn running(&self, parts: u64) -> Standing<'_> {
        if let Some(why) = &self.stall {
            return Standing::Stalled { why };
        }
        let cut = self.cut.as_ref().filter(|_| !self.connected);
        let is_first = self.is_urgent || parts > 0;
        if let Some(why) = self.no_meter.as_ref().filter(|_| cut.is_none() || !is_first) {
            return Standing::NoMeter { why };
        }
        if let Some((code, text)) = self.turned_away.as_ref().filter(|_| !self.connected && !self.is_urgent) {
            return Standing::TurnedAway { code: *code, text };
        }
        match cut {
            Some(Cut { why, was_connected, .. }) => {
                let (was_connected, is_urgent) = (*was_connected, self.is_urgent);
                Standing::Cut { why, was_connected, is_urgent, waiting: parts }
            }
            None if !self.connected => Standing::Connecting { waiting: parts },
            None if self.status.live.is_some() => Standing::Live,
            None if parts > 0 => Standing::OnItsWay { parts },
            None => Standing::Idle,
        }
    }

    /// What the window shows.
    pub fn view(&self, beside: &Beside, words: &dyn Words) -> NowView {
        let standing = self.standing();
        let (state, said) = (standing.state(), words.standing(&standing));
        let opens = |url: &str| beside.relay.as_deref().is_some_and(|relay| links::opens(url, relay));
        NowView {
            state,
            headline: words.headline(state).to_owned(),
            sentence: said.sentence,
            remedy: said.remedy,
            meter: self.meter.as_ref().map(|meter| meter.view(words)),
            relay: beside.relay.clone(),
            fight: self.fight(words),
            delay: self.delay(beside.shown_s),
            link: self.link.as_ref().map(|link| LinkView {
                raid: link.raid.clone(),
                channel: link.channel.clone(),
                opens: opens(&link.raid),
                is_private: has_ticket(&link.raid),
            }),
            paused: matches!(self.phase, Phase::Paused),
            elsewhere: match &self.phase {
                Phase::Elsewhere { process, .. } => Some(ElsewhereView { process: *process }),
                _ => None,
            },
            upload: beside.upload.clone(),
            trayed: beside.trayed,
        }
    }

    fn fight(&self, words: &dyn Words) -> Option<FightNow> {
        let fight = self.status.live.as_ref()?;
        let unacknowledged = self.status.unacknowledged;
        Some(FightNow {
            title: fight.title.clone().unwrap_or_else(|| words.nameless().to_owned()),
            elapsed_ms: fight.elapsed_ms,
            events: fight.events,
            unacknowledged,
            arrived: words.arrived(unacknowledged, self.connected),
        })
    }

    fn delay(&self, shown_s: u32) -> Option<DelayView> {
        let delay = self.status.delay?;
        Some(DelayView {
            meter_ms: delay.meter_ms,
            relay_ms: delay.relay_ms,
            waiting_since_ms: delay.waiting_since_ms,
            shown_s,
        })
    }
}

impl Meter {
    fn view(&self, words: &dyn Words) -> MeterView {
        MeterView {
            path: self.path.clone(),
            meter: self.program.clone(),
            generation: self.generation.clone(),
            what: generation(&self.generation)
                .map(|generation| words.generation(generation).to_owned())
                .unwrap_or_default(),
            newest: true,
            fault: None,
        }
    }
}

/// The generation of this name.
fn generation(name: &str) -> Option<Generation> {
    const ALL: [Generation; 5] =
        [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Summary, Generation::Chunks];
    ALL.into_iter().find(|generation| generation.name() == name)
}

/// Whether a link lets in whoever has it.
fn has_ticket(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| query.split(['&', '#']).any(|part| part.starts_with("ticket=")))
}

#[cfg(test)]
mod tests {
    use raidcast::uploader::{Delay, FolderError, LiveFight};
    use raidcast_shared::uplink::{Outcome, ReportState};

    use super::*;
    use crate::language::Language;
    use crate::view::AppState;
    use crate::words::of;

    const RELAY: &str = "https://raid.example";

    fn connected(url: &str) -> Change {
        let channel_url = format!("{RELAY}/live/me");
        Change::Connected { raid: "code".into(), url: format!("{RELAY}/raids/{url}"), channel_url }
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
        let nowhere =
            Change::Waiting { why: NoDatabase::Nowhere { looked: Vec::new(), wine: false }, looked: Vec::new() };
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
        assert_eq!(
            (shown.meter_ms, shown.relay_ms, shown.waiting_since_ms, shown.shown_s),
            (Some(100), None, Some(7), 60)
        );
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
    fn a_link_of_the_given_relay_opens_and_another_is_shown_all_the_same() {
        let link = view(&after(&[(0, connected("a"))])).link.unwrap();
        assert!(link.opens && !link.is_private);
        let other = Change::Connected {
            raid: "code".into(),
            url: "http://192.168.0.7:8787/raids/a".into(),
            channel_url: "http://192.168.0.7:8787/live/me".into(),
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
}
