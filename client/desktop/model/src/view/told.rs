//! What each page has: links, why something was not done, what is told beside the window.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What can be opened or copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "to", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Link {
    /// The raid's page.
    Raid,
    /// The page that always shows the newest raid.
    Channel,
    /// The relay's page of one's own account.
    Account,
    /// The page where the code of the pairing is confirmed, behind the invitation if there is one.
    Pair,
    /// A fight's report.
    Fight {
        /// Names it.
        encounter: String,
    },
}

/// Why something was not done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What it is, for programs.
    pub code: String,
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// Something that is told beside the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// In some words.
    pub title: String,
    /// In one sentence or two.
    pub body: String,
}
