//! WebSocket frames on a raw stream: what the relay writes to spectators, and the little that they may send.

use bytes::{BufMut, Bytes, BytesMut};
use raidcast_shared::limits::SPECTATOR_FRAME_BYTES_MAX;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// One unmasked frame around `payload`.
fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(payload.len() + 10);
    out.put_u8(0x80 | opcode);
    match payload.len() {
        length @ 0..=125 => out.put_u8(length as u8),
        length @ 126..=0xffff => {
            out.put_u8(126);
            out.put_u16(length as u16);
        }
        length => {
            out.put_u8(127);
            out.put_u64(length as u64);
        }
    }
    out.put_slice(payload);
    out.freeze()
}

pub(super) fn text(payload: &[u8]) -> Bytes {
    frame(TEXT, payload)
}

pub(super) fn binary(payload: &[u8]) -> Bytes {
    frame(BINARY, payload)
}

/// Asks whether the other end is there.
pub(super) static PING_FRAME: Bytes = Bytes::from_static(&[0x80 | PING, 0]);

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    frame(PONG, payload)
}

/// A close frame; the reason is cut to what a control frame holds.
pub(super) fn close(code: u16, reason: &str) -> Bytes {
    let mut payload = code.to_be_bytes().to_vec();
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    frame(CLOSE, &payload)
}

/// What a spectator sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InboundFrame {
    /// A whole text or binary message.
    Message(Vec<u8>),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// The answer to a ping; nothing follows from it.
    Pong,
    /// The other end closes.
    Close,
}

/// Why the other end's bytes cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InboundError {
    /// A client's frames must be masked.
    #[error("frames from a client must be masked")]
    Unmasked,
    /// Reserved bits or an opcode that does not exist.
    #[error("not a WebSocket frame")]
    NotAFrame,
    /// Longer than a spectator's frame may be.
    #[error("a spectator's message has at most {SPECTATOR_FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// Requests are single frames.
    #[error("requests must not be fragmented")]
    Fragmented,
}

/// Puts a spectator's frames together from the bytes that come.
#[derive(Debug, Default)]
pub(super) struct Inbound(BytesMut);

impl Inbound {
    /// Takes what was read. At most one frame's length is held beyond what was taken out.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole frame, if it has come.
    ///
    /// # Errors
    /// What no later bytes can heal: close the socket.
    pub(super) fn take_frame(&mut self) -> Result<Option<InboundFrame>, InboundError> {
        let bytes = &self.0[..];
        let [first, second, ..] = *bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(InboundError::NotAFrame);
        }
        if second & 0x80 == 0 {
            return Err(InboundError::Unmasked);
        }
        let (head, length) = match second & 0x7f {
            126 => match bytes.get(2..4) {
                Some(length) => (4, usize::from(u16::from_be_bytes([length[0], length[1]]))),
                None => return Ok(None),
            },
            127 => return Err(InboundError::TooLong),
            length => (2, usize::from(length)),
        };
        if length > SPECTATOR_FRAME_BYTES_MAX {
            return Err(InboundError::TooLong);
        }
        let end = head + 4 + length;
        if bytes.len() < end {
            return Ok(None);
        }
        let mask = [bytes[head], bytes[head + 1], bytes[head + 2], bytes[head + 3]];
        let payload: Vec<u8> =
            bytes[head + 4..end].iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let frame = match (first & 0x0f, first & 0x80 != 0) {
            (TEXT | BINARY, true) => InboundFrame::Message(payload),
            (CLOSE, true) => InboundFrame::Close,
            (PING, true) if length <= 125 => InboundFrame::Ping(payload),
            (PONG, true) => InboundFrame::Pong,
            (0 | TEXT | BINARY, _) => return Err(InboundError::Fragmented),
            _ => return Err(InboundError::NotAFrame),
        };
        let _ = self.0.split_to(end);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x80 | opcode];
        if payload.len() < 126 {
            out.push(0x80 | payload.len() as u8);
        } else {
            out.push(0x80 | 0x7e);
            out.extend((payload.len() as u16).to_be_bytes());
        }
        let mask = [7, 11, 13, 17];
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }

    #[test]
    fn frames_come_out_whole_however_they_are_cut() {
        let payload = [5; 300];
        let mut bytes = masked(BINARY, &payload);
        bytes.extend(masked(PING, b"x"));
        bytes.extend(masked(CLOSE, b""));
        for cut in 1..bytes.len() {
            let mut inbound = Inbound::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(cut) {
                inbound.feed(part);
                while let Some(frame) = inbound.take_frame().unwrap() {
                    frames.push(frame);
                }
            }
            assert_eq!(
                frames,
                [InboundFrame::Message(payload.to_vec()), InboundFrame::Ping(b"x".to_vec()), InboundFrame::Close]
            );
        }
    }

    #[test]
    fn what_no_client_may_send_ends_the_socket() {
        let next = |bytes: &[u8]| {
            let mut inbound = Inbound::default();
            inbound.feed(bytes);
            inbound.take_frame()
        };
        assert_eq!(next(&[0x82, 0x01, 0x00]), Err(InboundError::Unmasked));
        assert_eq!(next(&[0xf2, 0x81, 0, 0, 0, 0, 0]), Err(InboundError::NotAFrame));
        assert_eq!(next(&[0x82, 0xff, 0, 0]), Err(InboundError::TooLong));
        assert_eq!(next(&masked(BINARY, &[0; 2000])), Err(InboundError::TooLong));
        assert_eq!(next(&[0x02, 0x81, 0, 0, 0, 0, 0]), Err(InboundError::Fragmented));
    }
}
