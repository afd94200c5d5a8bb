//! What crosses to the page and back: texts that are ready to be shown, numbers, and what can be done.
//!
//! One invariant: nothing here is looked up again by the page. What is said in words was said by [`crate::words`], so
//! that the tray, the notices and the window say the same.
//! The page's types are made of these (`tests/suite/types.rs`).

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};
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
    /// By how much those are behind who are no members, as it was set, seconds.
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
    /// The raid is for those alone who have the link.
    pub is_private: bool,
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
