//! The settings, and what can be changed of them.

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::told::Fault;

/// To whom raids are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ShownTo {
    /// Who may find and see them.
    pub visibility: Visibility,
    /// Who may find and see their reports.
    pub report_visibility: ReportVisibility,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
    /// By how much those are behind, seconds.
    pub delay_s: u32,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// The relay's address.
    pub relay: Option<String>,
    /// There is a key for it.
    pub paired: bool,
    /// The meter's database, where one is chosen.
    pub meter_path: Option<String>,
    /// The folder of the meter's files of names, where one is chosen.
    pub meter_data: Option<String>,
    /// The file of authorities that are believed, too, where one is chosen.
    pub ca: Option<String>,
    /// To whom new raids are shown.
    pub shown: ShownTo,
    /// The begin of a raid is told.
    pub notices: bool,
    /// The end of a fight is told, too.
    pub notice_at_end: bool,
    /// What is spoken.
    pub language: LanguageChoice,
    /// Where updates are looked for, where that is chosen.
    pub channel: Option<String>,
    /// Files.
    pub files: SettingsFiles,
    /// Why settings cannot be read, or kept.
    pub fault: Option<Fault>,
}

/// Where things are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SettingsFiles {
    /// The settings that the command line has, too.
    pub settings: String,
    /// What is remembered of fights.
    pub state: String,
    /// The folder of the log.
    pub log: String,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum LanguageChoice {
    /// What the system speaks.
    #[default]
    System,
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// A change of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "change", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SettingsChange {
    /// The meter's database; `null`: the one that was written last.
    MeterPath {
        /// Where.
        path: Option<String>,
    },
    /// The folder of the meter's files of names; `null`: those that are found.
    MeterData {
        /// Where.
        path: Option<String>,
    },
    /// A file of authorities that are believed, too; `null`: none.
    Ca {
        /// Where.
        path: Option<String>,
    },
    /// To whom raids are shown.
    Shown {
        /// These.
        shown: ShownTo,
    },
    /// Whether the begin of a raid is told.
    Notices {
        /// Whether.
        on: bool,
    },
    /// Whether the end of a fight is told.
    NoticeAtEnd {
        /// Whether.
        on: bool,
    },
    /// What is spoken.
    Language {
        /// This.
        language: LanguageChoice,
    },
    /// Where updates are looked for; `null`: where the relay or the project has them.
    Channel {
        /// There.
        url: Option<String>,
    },
}
