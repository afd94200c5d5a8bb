//! How a feed's frames are written, each as a whole WebSocket frame.

use bytes::{Bytes, BytesMut};
use raidcast_shared::codec;
use raidcast_shared::feed::{Bye, FeedFrame};

use super::{combat_data, wire};

/// How a feed's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `raidcast.feed.v1`.
    MessagePack,
    /// `raidcast.feed.v1.json`.
    Json,
    /// What overlays of a widespread kind read: each frame is a fight, whole.
    CombatData,
    /// The same, as overlays read it that know the older contract alone.
    MiniParse,
}

impl Format {
    /// All.
    pub const ALL: [Self; 4] = [Self::MessagePack, Self::Json, Self::CombatData, Self::MiniParse];

    /// That of a contract of other overlays, by the end of its address.
    pub fn of_contract(name: &str) -> Option<Self> {
        match name {
            "ws" => Some(Self::CombatData),
            "MiniParse" => Some(Self::MiniParse),
            _ => None,
        }
    }

    /// Whole WebSocket frames; nothing at all of what has no place in a format.
    pub fn encode(self, frame: &FeedFrame) -> Bytes {
        match self {
            Self::MessagePack => wire::binary(&codec::encode(frame)),
            Self::Json => wire::text(&serde_json::to_vec(frame).expect("feed frames are JSON")),
            Self::CombatData => combat_data::message(frame).map_or_else(Bytes::new, |message| wire::text(&message)),
            Self::MiniParse => {
                let mut frames = BytesMut::new();
                for message in combat_data::older(frame) {
                    frames.extend_from_slice(&wire::text(&message));
                }
                frames.freeze()
            }
        }
    }

    /// Why somebody is let go, when he may come back (ms; `None`: not at all), and the end of the socket.
    pub fn goodbye(self, reason: &str, retry_ms: Option<u32>) -> Bytes {
        let bye = self.encode(&FeedFrame::Bye(Bye { reason: reason.to_owned(), retry_ms }));
        let close = wire::close(if retry_ms.is_some() { 1012 } else { 1008 }, reason);
        [&bye[..], &close[..]].concat().into()
    }

    /// Whether each of its frames holds everything: its spectators get keyframes and nothing else.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::CombatData | Self::MiniParse)
    }

    /// Its place in tables of all.
    pub fn index(self) -> usize {
        match self {
            Self::MessagePack => 0,
            Self::Json => 1,
            Self::CombatData => 2,
            Self::MiniParse => 3,
        }
    }
}
