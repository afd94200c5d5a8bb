//! What is known of the run: changes go in, what the window shows comes out.
//!
//! Pure: it knows no clock and no channel. One invariant: it says that something has arrived only where the library
//! said that the relay confirmed it, and that a fight is live only while the relay takes it. What the window shows of it
//! is in [`shown`].

mod beside;
mod shown;
#[cfg(test)]
mod tests;

use raidcast::settings::SettingsFault;
use raidcast::socket::Outage;
use raidcast::source::NoDatabase;
use raidcast::status::Running;
use raidcast::uploader::trouble::Stall;
use raidcast::uploader::{Change, Status, WatchError};
use raidcast_shared::uplink::{NamesPolicy, RefusedCode, RefusedScope};

use crate::links;
use crate::news::{Began, Ended, News};
use crate::own::OwnFault;
use crate::standing::Standing;
pub use beside::Beside;

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
    /// The raid was asked to be private, or not to be, and the relay has not answered yet.
    asked: Option<bool>,
    /// The relay shows the raid otherwise than was asked for: it is private there, or it is not.
    otherwise: Option<bool>,
    /// Which names those see who are no members, and how far they are behind, seconds, where somebody set that on the relay.
    set_there: Option<(NamesPolicy, u32)>,
    /// By how much those are behind who are no members, as the relay has it, seconds; `None` where no run has heard it.
    shown_s: Option<u32>,
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
            asked: None,
            otherwise: None,
            set_there: None,
            shown_s: None,
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
        self.forget_link();
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
        (self.link, self.asked) = (None, None);
    }

    /// The raid is asked to be private, or not to be: so it is meant from now on, and so it is when the relay has said so.
    pub fn ask_private(&mut self, private: bool) {
        self.asked = Some(private);
    }

    /// No run goes on, or another one. What waits here does so still.
    fn rest(&mut self, phase: Phase) {
        self.phase = phase;
        (self.stall, self.cut, self.turned_away) = (None, None, None);
        (self.connected, self.is_urgent) = (false, false);
        (self.otherwise, self.set_there, self.shown_s) = (None, None, None);
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
            Change::Connected { raid, url, channel_url, shown_to } => {
                let (code, raid, channel) = (raid.clone(), url.clone(), channel_url.clone());
                self.link = Some(Ticketed { code, raid, channel });
                (self.cut, self.turned_away, self.connected) = (None, None, true);
                (self.asked, self.otherwise, self.set_there) = (None, None, None);
                self.shown_s = shown_to.delay_s;
            }
            Change::ShownOtherwise { is_private } => self.otherwise = Some(*is_private),
            Change::SetThere { names, delay_s } => self.set_there = Some((*names, *delay_s)),
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
                        link: (!links::has_ticket(&link.raid)).then(|| link.raid.clone()),
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
        self.link.as_ref().is_some_and(|link| links::has_ticket(&link.raid))
    }

    /// Whether the raid is meant for those alone who have its link, whatever the relay has heard or holds.
    pub fn means_private(&self) -> bool {
        self.asked.unwrap_or_else(|| self.is_private() || self.otherwise == Some(false))
    }

    /// What was asked for and is not so yet: that the raid is private, or that it is not.
    fn pending(&self) -> Option<bool> {
        self.asked.filter(|asked| self.link.is_some() && *asked != self.is_private())
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
}
