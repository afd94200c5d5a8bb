//! How a feed's frames are written, each as a whole WebSocket frame.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::feed::{Bye, FeedFrame};

use super::wire;

/// How a feed's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `raidcast.feed.v1`.
    MessagePack,
    /// `raidcast.feed.v1.json`.
    Json,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MessagePack, Self::Json];

    /// A whole WebSocket frame.
    pub fn encode(self, frame: &FeedFrame) -> Bytes {
        match self {
            Self::MessagePack => wire::binary(&codec::encode(frame)),
            Self::Json => wire::text(&serde_json::to_vec(frame).expect("feed frames are JSON")),
        }
    }

    /// Why somebody is let go, when he may come back (ms; `None`: not at all), and the end of the socket.
    pub fn goodbye(self, reason: &str, retry_ms: Option<u32>) -> Bytes {
        let bye = self.encode(&FeedFrame::Bye(Bye { reason: reason.to_owned(), retry_ms }));
        let close = wire::close(if retry_ms.is_some() { 1012 } else { 1008 }, reason);
        [&bye[..], &close[..]].concat().into()
    }

    /// Its place in tables of both.
    pub fn index(self) -> usize {
        usize::from(self == Self::Json)
    }
}
