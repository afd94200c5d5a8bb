//! What the API says of overlays.

use serde::{Deserialize, Serialize};

/// An overlay that is connected. Nothing says from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OverlayLine {
    /// Since when, Unix ms.
    pub connected_at_ms: i64,
    /// When the relay heard of it last, Unix ms: one that runs says something every 20 seconds.
    pub heard_at_ms: i64,
    /// Whether it came by the channel's address, and goes on from raid to raid.
    pub by_channel: bool,
    /// Whether it sees the raid as its members do: by a link, a ticket, or a key.
    pub member: bool,
}

/// The overlays of a raid or a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OverlayList {
    /// Those that are connected, in the order in which they came: of a raid 100 at the most, those of members before others.
    pub overlays: Vec<OverlayLine>,
}
