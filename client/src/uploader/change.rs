//! What the uploader tells whoever watches it.

use std::path::PathBuf;

use raidcast_shared::uplink::{NamesPolicy, Outcome, RefusedCode, RefusedScope, ReportState};

use super::record::{Finished, NotSent};
use super::shown_to::ShownTo;
use super::trouble::Stall;
use crate::socket::Outage;
use crate::source::{NoDatabase, Unreadable};

/// Something changed: codes and facts, which whoever shows them puts into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is no meter database that can be read now; it is tried again.
    Waiting {
        /// Why.
        why: NoDatabase,
        /// Every path that was looked at.
        looked: Vec<PathBuf>,
    },
    /// A meter database is read from now on.
    Watching {
        /// Which file.
        path: PathBuf,
        /// Which meter wrote it.
        meter: String,
        /// How it stores fights.
        generation: String,
        /// Other databases that were found, written less lately.
        others: Vec<PathBuf>,
    },
    /// Fights that ended before the client was started for the first time are left alone.
    History {
        /// How many.
        fights: u64,
    },
    /// The relay knows the raid.
    Connected {
        /// Its code.
        raid: String,
        /// Its page.
        url: String,
        /// The page that always shows this uploader's present raid.
        channel_url: String,
        /// To whom it is to be shown, and what of it: all of it is said. Names and delay as the relay says that they are in
        /// force; as asked for where it is one of before, which does not say it.
        shown_to: ShownTo,
    },
    /// The relay shows the raid otherwise than was asked for last: somebody has set it so on the relay, by hand, and it stays
    /// so. Told behind `Connected`; a `Connected` without it tells that it is over.
    ShownOtherwise {
        /// It is private there, and was not to be; else it is not, and was to be.
        is_private: bool,
    },
    /// Names or delay are others on the relay than were asked for last: somebody has set them so there, by hand, and they stay
    /// so. Told behind `Connected`; a `Connected` without it tells that it is over.
    SetThere {
        /// Which names those see who are no members.
        names: NamesPolicy,
        /// How far behind those see it, seconds.
        delay_s: u32,
    },
    /// The relay cannot be reached; it is tried again.
    Disconnected {
        /// Why.
        why: Outage,
        /// When, ms.
        retry_ms: u64,
        /// The relay answered at this address before, in this run.
        was_connected: bool,
    },
    /// The relay has taken up a fight.
    Begun {
        /// Names the fight.
        encounter: String,
        /// Its report, live from now on.
        report_id: String,
        /// The report's page.
        url: String,
        /// When the fight began, Unix ms.
        started_at_ms: i64,
        /// Where it is fought.
        scene: Option<String>,
        /// Its boss, else its scene; `None` where neither is known by name.
        title: Option<String>,
        /// It goes on; else it is over, and sent as a whole.
        live: bool,
    },
    /// The relay has deltas on stable storage.
    Acked {
        /// Names the fight.
        encounter: String,
        /// Up to this one.
        seq: u64,
        /// The last that there is so far.
        of: u64,
    },
    /// No event for long: of one fight, or of any (before `--until-idle` ends the command).
    Idle {
        /// Names the fight.
        encounter: Option<String>,
        /// How long, seconds.
        seconds: u64,
    },
    /// A fight has ended; its report is not final yet.
    Ended {
        /// Names the fight.
        encounter: String,
        /// How it went, as far as is known.
        outcome: Outcome,
        /// Hits and deaths.
        events: u64,
        /// Its boss, else its scene; `None` where neither is known by name.
        title: Option<String>,
        /// From its begin to its last event, ms.
        elapsed_ms: u32,
    },
    /// A fight has its report.
    Finalized {
        /// Names the fight.
        encounter: String,
        /// Its report.
        report_id: String,
        /// The report's page.
        url: String,
        /// Whether it may still change.
        state: ReportState,
        /// The relay had it already: nothing was sent.
        known: bool,
        /// A visibility was asked for, and the report, which is in a raid of its own, keeps the one that it has.
        keeps_visibility: bool,
    },
    /// The relay holds more of a fight from elsewhere: nothing is sent, its report stays as it is.
    Kept {
        /// Names the fight.
        encounter: String,
        /// Its report.
        report_id: String,
        /// The report's page.
        url: String,
    },
    /// The relay has not taken something.
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
        /// What it is about.
        scope: RefusedScope,
        /// Which fight, where it is about one.
        encounter: Option<String>,
        /// Tried again after so many ms; if not there: not at all.
        retry_ms: Option<u64>,
    },
    /// A fight in the meter's database cannot be read; it is tried again at the next start. The others go on.
    Unreadable {
        /// Names the fight.
        encounter: String,
        /// When it began, Unix ms.
        started_at_ms: i64,
        /// Why.
        why: Unreadable,
    },
    /// Nothing can be written to the state folder: nothing is read until it can.
    Stalled {
        /// Why.
        why: Stall,
    },
    /// It can again.
    Resumed,
    /// A fight is read again from its begin: its log was lost or cut, or another version of the meter keeps it now.
    Reread {
        /// Names the fight.
        encounter: String,
        /// Why.
        why: Rereading,
    },
    /// A fight of an upload is on the relay, or was already.
    Uploaded {
        /// What it is and how it came to be there.
        fight: Finished,
    },
    /// A fight of an upload is not on the relay, and not tried again by this run.
    Failed {
        /// What it is, and why.
        fight: Finished,
    },
    /// A fight of an upload could not be sent now; it waits in the folder.
    Unsent {
        /// What it is, and why.
        fight: Finished,
    },
    /// No more fights of an upload are begun.
    Stopped {
        /// Those that are left, by their names.
        fights: Vec<String>,
        /// Why.
        why: NotSent,
    },
    /// How things stand, at most twice a second.
    Status(Status),
}

/// Why a fight is read again from its begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rereading {
    /// Another version of the meter keeps it now.
    OtherMeter,
    /// Its database was replaced by another one.
    OtherDatabase,
    /// The relay holds something else of it than this computer.
    RelayDiffers,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// A meter database is being read.
    pub watching: bool,
    /// The relay answers.
    pub connected: bool,
    /// The fight that is going on.
    pub live: Option<LiveFight>,
    /// Deltas that the relay has not acknowledged: of all fights but those that it does not take.
    pub unacknowledged: u64,
    /// The raid's page.
    pub url: Option<String>,
    /// Fights of the meter's database that cannot be read, since the start.
    pub unreadable: u64,
    /// How late what is shown is, by cause; `None` where no fight goes on and nothing waits, and of an upload. How far behind
    /// those see it who are no members is a setting, and not among it.
    pub delay: Option<Delay>,
}

/// How late what the relay has is, by cause, to the tenth of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// How old the newest event of the fight that goes on was when it was read, ms: what its meter takes to write it, and
    /// this client to look. `None` before any was read.
    pub meter_ms: Option<u64>,
    /// How long its last frame took to the relay's disk and the answer back, ms. `None` before any did.
    pub relay_ms: Option<u64>,
    /// When the oldest was read that has not arrived, Unix ms; `None` where all has. A time and not an age: so it changes
    /// only when something arrives.
    pub waiting_since_ms: Option<i64>,
}

/// The fight that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFight {
    /// Its boss, else its scene; `None` where neither is known by name.
    pub title: Option<String>,
    /// From its begin to its last event, ms.
    pub elapsed_ms: u32,
    /// Hits and deaths that were read.
    pub events: u64,
}
