//! What the API says of links to raids and channels, and of tickets for feeds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A link that somebody wants: `POST /api/v1/raids/{code}/links` and `POST /api/v1/live/{channel}/links`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkForm {
    /// What it is called, for whom it is: at most 64 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_length = 64))]
    pub name: String,
    /// It ends after so many days, 1 to 3650; 30 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 3650))]
    pub days: Option<u32>,
    /// It has no end until it is revoked; `days` must not stand beside it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub endless: bool,
}

/// A link, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinkLine {
    /// Names it in this API.
    pub id: i64,
    /// What it is called; may be empty.
    pub name: String,
    /// When it was made, Unix ms.
    pub created_at_ms: i64,
    /// From when it opens nothing, Unix ms; `null`: when it is revoked.
    pub ends_at_ms: Option<i64>,
    /// In which minute it was used last, Unix ms.
    pub used_at_ms: Option<i64>,
}

/// The links of a raid or a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinkList {
    /// Those that are good, oldest first.
    pub links: Vec<LinkLine>,
}

/// A link that was made. Nothing tells its address again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewLink {
    /// The page that it opens, with its secret.
    pub url: String,
    /// What is listed of it.
    pub link: LinkLine,
}

/// Without the secret.
impl fmt::Debug for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLink").field("link", &self.link).finish_non_exhaustive()
    }
}

/// By what somebody asks for a ticket for a feed: `POST /api/v1/raids/{code}/feed-ticket` and
/// `POST /api/v1/live/{channel}/feed-ticket`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeedTicketForm {
    /// The `ticket` of a link, where it is that which lets him in; a key or a cookie counts without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub ticket: Option<String>,
}

/// Without the secret.
impl fmt::Debug for FeedTicketForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedTicketForm").finish_non_exhaustive()
    }
}

/// A ticket for a feed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FeedTicket {
    /// Opens the feed once, as `?ticket=`.
    pub ticket: String,
    /// From when it does not, Unix ms.
    pub ends_at_ms: i64,
}

/// Without the secret.
impl fmt::Debug for FeedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedTicket").field("ends_at_ms", &self.ends_at_ms).finish_non_exhaustive()
    }
}
