//! What the API says of raids that somebody manages, of what is deleted, and of what administrators see.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Audited, Role};
use crate::uplink::{NamesPolicy, Visibility};

/// A raid of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MyRaid {
    /// Names it in addresses.
    pub code: String,
    /// The account under which it was uploaded.
    pub account: i64,
    /// What its uploader calls it.
    pub title: Option<String>,
    /// Who may see it while it is live.
    pub visibility: Visibility,
    /// Who may see its reports; `null`: the same.
    pub report_visibility: Option<Visibility>,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
    /// By how many seconds those are behind.
    pub delay_s: u32,
    /// Its page, with a ticket where the raid is private.
    pub url: String,
    /// When it began, Unix ms.
    pub created_at_ms: i64,
    /// When it was active last, Unix ms.
    pub active_at_ms: i64,
    /// How many fights it has.
    pub fights: u64,
    /// Whether it stays however old it gets.
    pub pinned: bool,
}

/// Who may see a raid from now on, and what of it: `PATCH /api/v1/raids/{code}`. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RaidForm {
    /// What is live: its page, its feed, its channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub visibility: Option<Visibility>,
    /// Reports of its fights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub report_visibility: Option<ReportVisibility>,
    /// Which names those see who are no members, live and in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub names: Option<NamesPolicy>,
    /// By how many seconds those are behind, 0 to 600. What they saw before it was longer they see still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 600))]
    pub delay_s: Option<u32>,
}

/// Who may see reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReportVisibility {
    /// Whoever may see the raid.
    #[default]
    Live,
    /// Everybody, in lists, too.
    Public,
    /// Who has the link.
    Unlisted,
    /// The uploader, and who has a link to the raid.
    Private,
}

impl From<ReportVisibility> for Option<Visibility> {
    fn from(seen_by: ReportVisibility) -> Self {
        match seen_by {
            ReportVisibility::Live => None,
            ReportVisibility::Public => Some(Visibility::Public),
            ReportVisibility::Unlisted => Some(Visibility::Unlisted),
            ReportVisibility::Private => Some(Visibility::Private),
        }
    }
}

/// Who may see a raid, and what of it: an answer to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RaidSeenBy {
    /// What is live.
    pub visibility: Visibility,
    /// Reports; `null`: the same.
    pub report_visibility: Option<Visibility>,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
    /// By how many seconds those are behind.
    pub delay_s: u32,
}

/// One's own raids: `GET /api/v1/me/raids`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MyRaids {
    /// Those that were made last come first.
    pub raids: Vec<MyRaid>,
    /// From where to ask for more, as `before`; `null` where these were the last.
    pub next: Option<i64>,
    /// So many days after they were active last raids are deleted, unless they are pinned; `null` where they are kept.
    pub keep_days: Option<u32>,
}

/// What became of something that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deleting {
    /// Whether all of it is gone. If not, it goes on: what is deleted is not shown any more when it is gone.
    pub done: bool,
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PersonLine {
    /// Names him in this API.
    pub id: i64,
    /// His name.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// When he joined, Unix ms.
    pub created_at_ms: i64,
    /// Whether it is the one who asks.
    pub is_self: bool,
}

/// Who signs in: `GET /api/v1/people`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PersonList {
    /// Those who joined first come first.
    pub people: Vec<PersonLine>,
    /// From where to ask for more, as `after`; `null` where these were the last.
    pub next: Option<i64>,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// Names the line in this API.
    pub id: i64,
    /// When, Unix ms.
    pub at_ms: i64,
    /// The number of who did it; `null`: the relay itself, or who has a key of its configuration.
    pub by: Option<i64>,
    /// His name, as long as he is there.
    pub by_name: Option<String>,
    /// The number of the key by which it was done; `null` where it was done on a page, or the key is one of its configuration.
    pub key: Option<i64>,
    /// What its owner calls it, as long as it is good.
    pub key_name: Option<String>,
    /// What.
    pub what: Audited,
    /// The number of the account or person that it is about; `null` where it is about none.
    pub about: Option<i64>,
    /// The name of the person that it is about, as long as he is there; of an account none is told.
    pub about_name: Option<String>,
}

/// Who changed what: `GET /api/v1/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The newest come first.
    pub lines: Vec<AuditLine>,
    /// From where to ask for more, as `before`; `null` where these were the last.
    pub next: Option<i64>,
}

/// What a player asks for who is to be removed from what others uploaded: `POST /api/v1/removals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemovalForm {
    /// What he is called in the game: 1 to 64 characters.
    pub player: String,
    /// Where he was seen, links one a line: at most 2,000 characters.
    pub links: String,
    /// How he is answered, if he wants to be: at most 200 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub contact: String,
    /// What else there is to say: at most 1,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub message: String,
}

/// A request for removal that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovalLine {
    /// Names it in this API.
    pub id: i64,
    /// What he is called in the game.
    pub player: String,
    /// Where he was seen.
    pub links: String,
    /// How he is answered; may be empty.
    pub contact: String,
    /// What else he says; may be empty.
    pub message: String,
    /// When he asked, Unix ms.
    pub created_at_ms: i64,
}

/// Requests for removal: `GET /api/v1/removals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovalList {
    /// The oldest come first.
    pub removals: Vec<RemovalLine>,
}

/// A limit of the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// Sockets of one address at once.
    ConnectionsPerAddress,
    /// Requests of one address a second.
    RequestsPerSecond,
    /// Uploads of one address at once, and an hour.
    UploadsPerAddressHour,
    /// Bytes of answers to one address a second.
    SentPerSecond,
    /// Replays of one address at once.
    ReplaysPerAddress,
    /// Wrong keys of one address a minute.
    WrongKeysPerMinute,
    /// Connections of one account's clients at once.
    ConnectionsPerAccount,
    /// Raids that one account begins an hour.
    RaidsPerAccountHour,
    /// Fights that one account begins a day.
    FightsPerAccountDay,
    /// Bytes of fights that one account sends a day.
    BytesPerAccountDay,
    /// Bytes that open fights of one account hold in memory.
    MemoryPerAccount,
    /// Bytes that all open fights hold in memory.
    Memory,
}

/// A limit in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LimitLine {
    /// Which.
    pub name: LimitName,
    /// How much is let through; bytes where it limits bytes.
    pub most: u64,
}

/// An account that had all that it gets in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpentLine {
    /// Which.
    pub account: i64,
    /// Of which limit.
    pub limit: LimitName,
    /// When it gets more, Unix ms.
    pub again_at_ms: i64,
}

/// What cannot be read, and is left out of all that is served. Its names stand in the relay's log alone: they are links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetAsideLine {
    /// Why.
    pub why: String,
    /// So many fights.
    pub fights: u64,
    /// So many raids, with all of their fights.
    pub raids: u64,
}

/// Work that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkName {
    /// Uploads of fights that go on, or that are not to be seen yet.
    Uploads,
    /// Reports that lists and search do not know yet.
    Derive,
    /// What is being deleted.
    Erase,
    /// Space that is given back of what was deleted.
    Wipe,
    /// Nights that are to be told of in a chat.
    Webhooks,
}

/// Work that waits, of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingLine {
    /// Which.
    pub work: WorkName,
    /// How much.
    pub count: u64,
    /// When the first of it is due, Unix ms.
    pub due_at_ms: Option<i64>,
}

/// What the relay lets through, and what it holds back: `GET /api/v1/limits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RelayLimits {
    /// Limits in force.
    pub limits: Vec<LimitLine>,
    /// How often an account had all that it gets, since the relay started.
    pub refused: u64,
    /// Accounts that get no more for now; 100 at the most.
    pub spent: Vec<SpentLine>,
    /// What cannot be read.
    pub set_aside: Vec<SetAsideLine>,
    /// Work that waits.
    pub waiting: Vec<WaitingLine>,
}
