//! What the app is, and whether a newer one is to be had.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
