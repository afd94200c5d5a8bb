//! What to stream, and where to: all that a face of the client decides, and nothing that changes while it runs.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

use crate::clock::Clock;
use crate::history::History;
use crate::secret::Entropy;
use crate::source::detect::Places;
use crate::trust::Trust;
use crate::uploader::seen_by::SeenBy;
use crate::uploader::shown_to::ShownTo;

/// Fights that ended within so long before a database is first seen are sent, if nothing else is said.
const RECENT: Duration = Duration::from_hours(1);

/// What to stream, and where to.
#[derive(Clone)]
pub struct Options {
    /// The meter's database; `None`: looked for in `places`.
    pub db: Option<PathBuf>,
    /// Folder of the meter's name files, beside those found by themselves.
    pub meter_data: Option<PathBuf>,
    /// Where meters keep their databases.
    pub places: Places,
    /// The relay's address: http, https, ws or wss.
    pub relay: String,
    /// The key that the relay knows the user by.
    pub key: String,
    /// Who vouches for the relay, where it is spoken to in TLS.
    pub trust: Trust,
    /// Folder for what is remembered between starts.
    pub state: PathBuf,
    /// What the raid is called; `None`: as it was, a new one nothing. Empty: nothing from now on.
    pub title: Option<String>,
    /// Who may find and see it; `None`: as it was, a new one unlisted.
    pub visibility: Option<Visibility>,
    /// Who may find and see its reports; `None`: as it was, a new one's whoever may see the raid. Old fights are only reports.
    pub report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members of it; `None`: as it was, a new one all.
    pub names: Option<NamesPolicy>,
    /// How far behind those see it who are no members, seconds; `None`: as it was, a new one not at all. Old fights are over.
    pub delay_s: Option<u32>,
    /// Fights that ended within so long before their database is first seen are sent, too; earlier ones are history. One
    /// that may be going on is sent in any case.
    pub recent: Duration,
    /// What a new raid begins with where the four above say nothing: they are of the raid that goes on, too. An upload does
    /// not heed it.
    pub first: ShownTo,
    /// When fights began of which nothing is to be sent, Unix ms. They are not sent later, either, but by an upload, which
    /// does not heed it. A fight that began before is sent to its end.
    pub left_alone: Vec<RangeInclusive<i64>>,
    /// End when no fight had an event for so long and everything is acknowledged.
    pub until_idle: Option<Duration>,
    /// Send these finished fights and end, instead of following the meter.
    pub history: Option<History>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where random bytes come from.
    pub entropy: Entropy,
}

impl Options {
    /// Who is to see what is sent, as far as anything is said of it.
    pub fn seen_by(&self) -> SeenBy {
        SeenBy { visibility: self.visibility, names: self.names }
    }

    /// To whom the raid is to be shown from now on, whether it goes on or is a new one.
    pub(super) fn shown_to(&self) -> ShownTo {
        let shown = ShownTo {
            visibility: self.visibility,
            report_visibility: self.report_visibility,
            names: self.names,
            delay_s: self.delay_s,
        };
        if self.history.is_some() { shown.of_old_fights() } else { shown }
    }

    /// To whom a new raid is shown at first, as far as anything is said of it.
    pub(super) fn first_shown_to(&self) -> ShownTo {
        if self.history.is_some() { ShownTo::default() } else { self.first }
    }

    /// Streams this user's meter, unlisted, until it is told to end.
    pub fn new(relay: impl Into<String>, key: impl Into<String>, state: impl Into<PathBuf>) -> Self {
        Self {
            db: None,
            meter_data: None,
            places: Places::of_this_user(),
            relay: relay.into(),
            key: key.into(),
            trust: Trust::public(),
            state: state.into(),
            title: None,
            visibility: None,
            report_visibility: None,
            names: None,
            delay_s: None,
            recent: RECENT,
            first: ShownTo::default(),
            left_alone: Vec::new(),
            until_idle: None,
            history: None,
            clock: Clock::system(),
            entropy: Entropy::system(),
        }
    }
}
