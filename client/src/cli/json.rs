//! Changes and overviews as `--json` prints them: an object a line, its names and words for programs to rely on.

use std::borrow::Cow;
use std::path::Path;

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Outcome, RefusedCode, RefusedScope, ReportState, Visibility};
use serde::Serialize;

use super::words;
use crate::status::{self, Overview, Stand};
use crate::uploader::record::{Finished, How};
use crate::uploader::{Change, ShownTo};

/// The line of a change; `None` for what is not printed.
pub(super) fn line_of(change: &Change) -> Option<String> {
    let event = Event::of(change)?;
    Some(serde_json::to_string(&event).expect("text and numbers are JSON"))
}

/// The line that tells how many lines were not printed.
pub(super) fn left_out_line(lines: u64) -> String {
    serde_json::json!({ "event": "left_out", "lines": lines }).to_string()
}

/// An overview in one line.
pub(super) fn overview_line(overview: &Overview) -> String {
    serde_json::to_string(&Folder::of(overview)).expect("text and numbers are JSON")
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Event<'a> {
    Waiting {
        why: String,
        looked: Vec<Cow<'a, str>>,
    },
    Watching {
        path: Cow<'a, str>,
        meter: &'a str,
        generation: &'a str,
        others: Vec<Cow<'a, str>>,
    },
    History {
        fights: u64,
    },
    Connected {
        raid: &'a str,
        url: &'a str,
        channel_url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        visibility: Option<Visibility>,
        #[serde(skip_serializing_if = "Option::is_none")]
        report_visibility: Option<ReportVisibility>,
        #[serde(skip_serializing_if = "Option::is_none")]
        names: Option<NamesPolicy>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay_s: Option<u32>,
    },
    ShownOtherwise {
        is_private: bool,
    },
    SetThere {
        names: NamesPolicy,
        delay_s: u32,
    },
    Disconnected {
        why: String,
        retry_ms: u64,
    },
    Begun {
        encounter: &'a str,
        report_id: &'a str,
        url: &'a str,
        started_at_ms: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        scene: Option<&'a str>,
    },
    Acked {
        encounter: &'a str,
        seq: u64,
        of: u64,
    },
    Idle {
        #[serde(skip_serializing_if = "Option::is_none")]
        encounter: Option<&'a str>,
        seconds: u64,
    },
    Ended {
        encounter: &'a str,
        outcome: Outcome,
        events: u64,
    },
    Finalized {
        encounter: &'a str,
        report_id: &'a str,
        url: &'a str,
        state: ReportState,
        known: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        keeps_visibility: bool,
    },
    Kept {
        encounter: &'a str,
        report_id: &'a str,
        url: &'a str,
    },
    Refused {
        code: RefusedCode,
        text: &'a str,
        scope: RefusedScope,
        #[serde(skip_serializing_if = "Option::is_none")]
        encounter: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    Unreadable {
        encounter: &'a str,
        started_at_ms: i64,
        why: String,
    },
    Stalled {
        why: String,
    },
    Resumed,
    Reread {
        encounter: &'a str,
        why: &'a str,
    },
    Uploaded {
        #[serde(flatten)]
        fight: Fight<'a>,
    },
    Failed {
        #[serde(flatten)]
        fight: Fight<'a>,
    },
    Unsent {
        #[serde(flatten)]
        fight: Fight<'a>,
    },
    Stopped {
        fights: usize,
        why: Cow<'a, str>,
    },
}

impl<'a> Event<'a> {
    fn of(change: &'a Change) -> Option<Self> {
        Some(match change {
            Change::Waiting { why, looked } => {
                Self::Waiting { why: words::no_database(why), looked: looked.iter().map(lossy).collect() }
            }
            Change::Watching { path, meter, generation, others } => {
                Self::Watching { path: lossy(path), meter, generation, others: others.iter().map(lossy).collect() }
            }
            Change::History { fights } => Self::History { fights: *fights },
            Change::Connected { raid, url, channel_url, shown_to } => {
                let ShownTo { visibility, report_visibility, names, delay_s } = *shown_to;
                Self::Connected { raid, url, channel_url, visibility, report_visibility, names, delay_s }
            }
            Change::ShownOtherwise { is_private } => Self::ShownOtherwise { is_private: *is_private },
            Change::SetThere { names, delay_s } => Self::SetThere { names: *names, delay_s: *delay_s },
            Change::Disconnected { why, retry_ms, was_connected } => {
                Self::Disconnected { why: words::outage(why, *was_connected), retry_ms: *retry_ms }
            }
            Change::Begun { encounter, report_id, url, started_at_ms, scene, .. } => {
                Self::Begun { encounter, report_id, url, started_at_ms: *started_at_ms, scene: scene.as_deref() }
            }
            Change::Acked { encounter, seq, of } => Self::Acked { encounter, seq: *seq, of: *of },
            Change::Idle { encounter, seconds } => Self::Idle { encounter: encounter.as_deref(), seconds: *seconds },
            Change::Ended { encounter, outcome, events, .. } => {
                Self::Ended { encounter, outcome: *outcome, events: *events }
            }
            Change::Finalized { encounter, report_id, url, state, known, keeps_visibility } => Self::Finalized {
                encounter,
                report_id,
                url,
                state: *state,
                known: *known,
                keeps_visibility: *keeps_visibility,
            },
            Change::Kept { encounter, report_id, url } => Self::Kept { encounter, report_id, url },
            Change::Refused { code, text, scope, encounter, retry_ms } => Self::Refused {
                code: *code,
                text: words::refused(*code, text, *scope, encounter.is_some()),
                scope: *scope,
                encounter: encounter.as_deref(),
                retry_ms: *retry_ms,
            },
            Change::Unreadable { encounter, started_at_ms, why } => {
                Self::Unreadable { encounter, started_at_ms: *started_at_ms, why: words::unreadable(*why) }
            }
            Change::Stalled { why } => Self::Stalled { why: words::stall(why) },
            Change::Resumed => Self::Resumed,
            Change::Reread { encounter, why } => Self::Reread { encounter, why: words::reread(*why) },
            Change::Uploaded { fight } => Self::Uploaded { fight: Fight::of(fight) },
            Change::Failed { fight } => Self::Failed { fight: Fight::of(fight) },
            Change::Unsent { fight } => Self::Unsent { fight: Fight::of(fight) },
            Change::Stopped { fights, why } => Self::Stopped { fights: fights.len(), why: words::not_sent(why) },
            Change::Status(_) => return None,
        })
    }
}

/// A path as JSON can have it: what is no text in it is replaced.
fn lossy(path: &(impl AsRef<Path> + ?Sized)) -> Cow<'_, str> {
    path.as_ref().to_string_lossy()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fight<'a> {
    encounter: &'a str,
    title: &'a str,
    started_at_ms: i64,
    duration_ms: u32,
    events: u64,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    result: How,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Cow<'a, str>>,
    relay: &'a str,
}

impl<'a> Fight<'a> {
    fn of(fight: &'a Finished) -> Self {
        Self {
            encounter: &fight.encounter,
            title: words::title(fight.title.as_deref()),
            started_at_ms: fight.started_at_ms,
            duration_ms: fight.duration_ms,
            events: fight.events,
            outcome: fight.outcome,
            report_id: fight.report_id.as_deref(),
            url: fight.url.as_deref(),
            result: fight.result,
            why: fight.why.as_ref().map(words::not_sent),
            relay: &fight.relay,
        }
    }
}

#[derive(Serialize)]
struct Folder<'a> {
    /// Who follows the meter, else an upload.
    running: Option<Running<'a>>,
    /// An upload, whether somebody follows the meter or not.
    uploading: Option<Running<'a>>,
    fights: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Running<'a> {
    process: u32,
    history: bool,
    connected: bool,
    relay: &'a str,
    raid_url: Option<&'a str>,
    trouble: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    encounter: &'a str,
    title: &'a str,
    started_at_ms: i64,
    duration_ms: Option<u32>,
    events: u64,
    outcome: Option<Outcome>,
    state: Stand,
    url: Option<&'a str>,
    why: Option<String>,
}

impl<'a> Folder<'a> {
    fn of(overview: &'a Overview) -> Self {
        Self {
            running: overview.following().or(overview.uploading()).map(Running::of),
            uploading: overview.uploading().map(Running::of),
            fights: overview.fights.iter().map(Line::of).collect(),
        }
    }
}

impl<'a> Running<'a> {
    fn of(running: &'a status::Running) -> Self {
        Self {
            process: running.process,
            history: running.history,
            connected: running.connected,
            relay: &running.relay,
            raid_url: running.raid_url.as_deref(),
            trouble: running.trouble.as_ref().map(words::trouble),
        }
    }
}

impl<'a> Line<'a> {
    fn of(line: &'a status::Line) -> Self {
        Self {
            encounter: &line.encounter,
            title: words::title(line.title.as_deref()),
            started_at_ms: line.started_at_ms,
            duration_ms: line.duration_ms,
            events: line.events,
            outcome: line.outcome,
            state: line.state,
            url: line.url.as_deref(),
            why: line.why.as_ref().map(words::why),
        }
    }
}
