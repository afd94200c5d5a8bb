//! The list of fights, what can be done with each, and uploads of old ones.

use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::told::Fault;

/// Which fights are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FightFilter {
    /// What stands in their title, large and small letters alike.
    pub text: String,
    /// Those that began then or later, Unix ms.
    pub since_ms: Option<i64>,
    /// Those that began before, Unix ms.
    pub until_ms: Option<i64>,
    /// Where they stand; none: everywhere.
    pub stands: Vec<FightStand>,
    /// From where to go on, as the page before said.
    pub before_ms: Option<i64>,
}

/// Some of the fights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FightPage {
    /// The newest first.
    pub fights: Vec<FightRow>,
    /// From where the next page goes on; `null` after the oldest.
    pub next_ms: Option<i64>,
    /// So many the meter has in all.
    pub total: u64,
    /// Why only what was sent from here is listed, and not what the meter has.
    pub fault: Option<Fault>,
}

/// A fight of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FightRow {
    /// Names it.
    pub encounter: String,
    /// Its boss or scene.
    pub title: String,
    /// Unix ms.
    pub started_at_ms: i64,
    /// From its begin to its end, ms; `null` where that is not known.
    pub duration_ms: Option<u32>,
    /// How much there is of it, in words; `null` where that is not known.
    pub size: Option<String>,
    /// How it went; `null` while it goes on, and where it was never ended.
    pub outcome: Option<Outcome>,
    /// Where it stands.
    pub stand: FightStand,
    /// What of it has arrived; `null` where it is not on its way.
    pub arrived: Option<Parts>,
    /// Why it stands there, in words.
    pub why: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
    /// Its report's page.
    pub url: Option<String>,
    /// Who may see it, as this computer asked for last, in words; `null` where that is not known.
    pub seen_by: Option<String>,
    /// What can be done with it.
    pub can: Vec<FightAct>,
}

/// Where a fight stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum FightStand {
    /// Its report is on the relay.
    OnRelay,
    /// It is on its way.
    Streaming,
    /// It is not, and will be.
    Waiting,
    /// The relay does not take it.
    Refused,
    /// It cannot be read.
    Unreadable,
    /// Nothing of it was sent.
    Unsent,
    /// It goes on, and nothing of it was sent.
    GoingOn,
}

/// What can be done with a fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum FightAct {
    /// It can be sent.
    Upload,
    /// It can be tried again.
    Again,
    /// Its link can be copied.
    Copy,
    /// Its page can be opened.
    Open,
}

/// Parts of a fight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// So many have arrived.
    pub arrived: u64,
    /// Of so many that there are so far.
    pub of: u64,
}

/// Which fights are to be sent, and who is to see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UploadChoice {
    /// By name.
    pub fights: Vec<String>,
    /// Who may find and see them.
    pub visibility: Visibility,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
}

/// What would be sent: it is sent when somebody agrees to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UploadPlan {
    /// Names the plan.
    pub plan: u64,
    /// So many fights.
    pub fights: u64,
    /// So many of them are on the relay already.
    pub there: u64,
    /// So many of them were agreed to before.
    pub agreed: u64,
    /// When the first of them began, Unix ms.
    pub first_ms: Option<i64>,
    /// When the last of them began, Unix ms.
    pub last_ms: Option<i64>,
    /// To which relay.
    pub relay: String,
    /// What would be sent, where to, and who would see it.
    pub sentence: String,
}

/// What happens in an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum UploadStep {
    /// Something of a fight has arrived.
    Fight {
        /// Names it.
        encounter: String,
        /// How much.
        parts: Parts,
    },
    /// A fight is done with.
    Done {
        /// Names it.
        encounter: String,
        /// How.
        how: UploadHow,
        /// Why it is not on the relay, in words.
        why: Option<String>,
        /// Its report's page.
        url: Option<String>,
    },
    /// Something about the whole of it.
    Note {
        /// In words.
        sentence: String,
    },
}

/// How a fight of an upload came to be done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum UploadHow {
    /// It was sent, and its report is final.
    New,
    /// The relay had it already.
    Known,
    /// The relay has more of it from elsewhere.
    Kept,
    /// It is not taken, or cannot be read.
    Refused,
    /// It is not there yet.
    Waiting,
}

/// How an upload ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UploadEnd {
    /// So many were sent.
    pub sent: u64,
    /// So many the relay had already.
    pub known: u64,
    /// So many are not taken, or cannot be read.
    pub refused: u64,
    /// So many are not there yet.
    pub waiting: u64,
    /// In words.
    pub sentence: String,
    /// What to do.
    pub remedy: Option<String>,
}
