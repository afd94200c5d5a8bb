//! The first start: the meter, the relay, the key for it, and what becomes of old fights.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::now::MeterView;
use super::settings::ShownTo;
use super::told::Fault;

/// What comes next of the first start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum FirstStep {
    /// No meter was found.
    #[default]
    Meter,
    /// The relay's address.
    Relay,
    /// The key for it.
    Pair,
    /// What becomes of old fights.
    Fights,
    /// Nothing.
    Done,
}

/// The first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FirstView {
    /// What comes next.
    pub step: FirstStep,
    /// The meter that will be read.
    pub meter: Option<MeterView>,
    /// Why there is none, in words.
    pub no_meter: Option<String>,
    /// The relay.
    pub relay: Option<RelayView>,
    /// Fights that the meter has already; `null` where they cannot be counted.
    pub old: Option<OldFights>,
}

/// Fights that a meter has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OldFights {
    /// How many.
    pub fights: u64,
    /// When the first of them began, Unix ms.
    pub first_ms: Option<i64>,
}

/// A relay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayView {
    /// Its address.
    pub relay: String,
    /// There is an invitation to it.
    pub invited: bool,
    /// Others on the way can read what is sent to it.
    pub plain: bool,
    /// There is a key for it.
    pub paired: bool,
}

/// What the user is to do to pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PairView {
    /// The page to open.
    pub page: String,
    /// The code to type there.
    pub code: String,
    /// Until when the code is good, Unix ms.
    pub until_ms: i64,
}

/// How a pairing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PairStep {
    /// There is none.
    #[default]
    None,
    /// The code is to be typed.
    Waiting {
        /// Where, and which.
        view: PairView,
    },
    /// It went well.
    Paired {
        /// Where the key is.
        kept: KeptView,
    },
    /// It did not.
    Failed {
        /// Why.
        fault: Fault,
    },
}

/// Where a key was put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeptView {
    /// Whose account it is for; `null` where nobody said.
    pub account: Option<String>,
    /// In words.
    pub sentence: String,
    /// It is in a file, because the system's key store does not take it, or there is none.
    pub in_file: bool,
}

/// What becomes of fights that the meter has already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "old", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OldChoice {
    /// Nothing of them is sent.
    #[default]
    None,
    /// Those that began since then are sent.
    Since {
        /// Unix ms.
        since_ms: i64,
    },
    /// These are sent.
    These {
        /// By name.
        fights: Vec<String>,
    },
}

/// What somebody chose at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FirstChoice {
    /// What becomes of fights that the meter has already.
    pub old: OldChoice,
    /// To whom raids are shown, those fights among them.
    pub shown: ShownTo,
}
