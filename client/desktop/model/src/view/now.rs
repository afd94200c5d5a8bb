//! What is now: how the whole stands, the fight that goes on, how late it is, the raid's link.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the whole stands, in a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AppState {
    /// Something is to be set up first.
    #[default]
    Setup,
    /// No meter's database can be read.
    NoMeter,
    /// Everything has arrived, and no fight goes on.
    Idle,
    /// A fight goes on, and the relay takes it.
    Live,
    /// Something waits to be sent, or the relay does not answer.
    Waiting,
    /// Something is to be put right.
    Trouble,
    /// Nothing is sent, because somebody said so.
    Paused,
    /// Another Raidcast does the work.
    Elsewhere,
}

/// What is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NowView {
    /// In a word.
    pub state: AppState,
    /// In some words.
    pub headline: String,
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub remedy: Option<String>,
    /// The meter that is read.
    pub meter: Option<MeterView>,
    /// The relay's address.
    pub relay: Option<String>,
    /// The fight that goes on.
    pub fight: Option<FightNow>,
    /// How late what is shown is, by cause.
    pub delay: Option<DelayView>,
    /// The raid's link.
    pub link: Option<LinkView>,
    /// Nothing is sent, because somebody said so.
    pub paused: bool,
    /// Who has the state folder instead.
    pub elsewhere: Option<ElsewhereView>,
    /// The upload of old fights that is under way.
    pub upload: Option<UploadView>,
    /// There is an icon in the tray.
    pub trayed: bool,
}

/// The fight that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FightNow {
    /// Its boss or scene.
    pub title: String,
    /// From its begin to its last event, ms.
    pub elapsed_ms: u32,
    /// Hits and deaths that were read of it.
    pub events: u64,
    /// Parts that the relay has not confirmed, of all fights.
    pub unacknowledged: u64,
    /// What of it has arrived, in words.
    pub arrived: String,
}

/// How late what is shown is, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DelayView {
    /// What the meter takes to write what happened, ms; `null` where that is not known yet.
    pub meter_ms: Option<u64>,
    /// What the relay takes to confirm it, ms; `null` where that is not known yet.
    pub relay_ms: Option<u64>,
    /// Since when the oldest waits that has not arrived, Unix ms; `null` where all has.
    pub waiting_since_ms: Option<i64>,
    /// By how much those are behind who are no members, seconds: as the relay has it, else as it is set here.
    pub shown_s: u32,
}

/// The raid's link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// Of this raid; of a private one it has a ticket in it.
    pub raid: String,
    /// Always of the newest raid.
    pub channel: String,
    /// It is a page of the relay whose address was given, and can be opened. Others can be copied.
    pub opens: bool,
    /// The raid is for those alone who have the link, as the relay has it.
    pub is_private: bool,
    /// What was asked for, where the relay has it otherwise and has not answered yet; else `null`.
    pub asked_private: Option<bool>,
}

/// Who has the state folder instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ElsewhereView {
    /// Its process; `null` where it is not known.
    pub process: Option<u32>,
}

/// An upload of old fights that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UploadView {
    /// Fights that are done with.
    pub done: u64,
    /// Of so many.
    pub of: u64,
    /// In words.
    pub sentence: String,
}

/// A meter's database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeterView {
    /// Where.
    pub path: String,
    /// Which meter wrote it.
    pub meter: String,
    /// How it stores fights.
    pub generation: String,
    /// What of it can be told, in words.
    pub what: String,
    /// It was written last: it is taken if none is chosen.
    pub newest: bool,
    /// Why it cannot be read now.
    pub fault: Option<String>,
}
