//! What the app is, and whether a newer one is to be had.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::Fault;

/// Whether an update is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "rule", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum UpdateRule {
    /// This is the newest version.
    None,
    /// There is a newer one.
    Offer {
        /// Which.
        version: String,
        /// What is new in it, as plain text.
        notes: String,
    },
    /// There is one, and it is not offered.
    Held {
        /// Why, in words.
        sentence: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why, in words.
        sentence: String,
    },
}

/// How updates stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    /// What is to be had; `null`: nobody has looked yet.
    pub rule: Option<UpdateRule>,
    /// When somebody looked last, Unix ms.
    pub looked_at_ms: Option<i64>,
    /// What is being done.
    pub busy: UpdateBusy,
    /// So many hundredths of it have come; `null` where that is not known.
    pub percent: Option<u8>,
    /// All of it is here, and it is what was signed: to install it takes a moment.
    pub ready: bool,
    /// The system asks for a password before it installs it.
    pub asks_password: bool,
    /// Why it cannot be installed now, in words; it is offered again when that is over.
    pub blocked: Option<String>,
    /// The version that is installed, and used from the next start on.
    pub installed: Option<String>,
    /// Why it was not installed.
    pub fault: Option<Fault>,
}

/// What is being done for an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum UpdateBusy {
    /// Nothing.
    #[default]
    No,
    /// It is looked for.
    Looking,
    /// It comes.
    Loading,
    /// It is installed.
    Installing,
}

/// What the app is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AboutView {
    /// Its version.
    pub version: String,
    /// The system that it runs on.
    pub system: String,
    /// Where its log is.
    pub log_folder: String,
}
