//! What the API says of webhooks: where nights of an account are told of in a chat.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a channel's nights are to be told of: `PUT /api/v1/live/{channel}/webhook`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookForm {
    /// The webhook's address, as Discord gives it. Whoever has it can write there: nothing tells it again.
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    pub url: String,
}

/// Without the secret.
impl fmt::Debug for WebhookForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookForm").finish_non_exhaustive()
    }
}

/// Why nothing is sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookStop {
    /// The webhook is gone: it was deleted there.
    Gone,
    /// It refuses what is sent.
    Refused,
    /// It took no message for a day, each in other words than that it is gone or refuses: as a forum's does.
    NotTaken,
    /// The relay can read its address no more, or may not send there any more: it must be set again.
    Lost,
}

/// A webhook, without its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Whose server it is.
    pub host: String,
    /// When it was set, Unix ms.
    pub set_at_ms: i64,
    /// When anything was sent there last, Unix ms.
    pub sent_at_ms: Option<i64>,
    /// Why nothing is sent there any more; `null` while nights are told.
    pub stopped: Option<WebhookStop>,
    /// Since when, Unix ms.
    pub stopped_at_ms: Option<i64>,
}

/// The webhook of a channel, if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookState {
    /// `null`: nothing is told.
    pub webhook: Option<Webhook>,
}
