//! Bytes to frames and back.
//!
//! [`decode`] walks the bytes once before anything is built from them, so a frame that lies about its lengths,
//! nests too deep, holds broken text or goes on after its end is refused without an allocation.

use rmp_serde::config::BytesMode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::DEPTH_MAX;
use crate::uplink::RefusedCode;

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than a frame may have.
    #[error("the frame has {length} bytes; at most {max} are allowed: send smaller deltas")]
    TooLong {
        /// What came.
        length: usize,
        /// What is allowed.
        max: usize,
    },
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("the frame is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// Bytes after its end.
    #[error("the frame ends after {used} of {length} bytes: send one frame a message")]
    TrailingBytes {
        /// Where it ended.
        used: usize,
        /// What came.
        length: usize,
    },
    /// A string is not UTF-8.
    #[error("text at byte {at} is not UTF-8")]
    NotUtf8 {
        /// Where the text begins.
        at: usize,
    },
    /// Not MessagePack, or cut off.
    #[error("byte {at} is not MessagePack, or the frame is cut off there")]
    NotMessagePack {
        /// Where.
        at: usize,
    },
    /// MessagePack, but not this frame's shape.
    #[error("not the shape of a frame: {why}")]
    Shape {
        /// In the decoder's words.
        why: String,
    },
}

impl DecodeError {
    /// The code that a refusal carries.
    pub fn code(&self) -> RefusedCode {
        match self {
            Self::TooLong { .. } => RefusedCode::FrameTooLong,
            Self::TooDeep => RefusedCode::TooDeep,
            Self::TrailingBytes { .. } => RefusedCode::TrailingBytes,
            Self::NotUtf8 { .. } => RefusedCode::NotUtf8,
            Self::NotMessagePack { .. } | Self::Shape { .. } => RefusedCode::Malformed,
        }
    }
}

/// The bytes of a frame: maps with names. As version 1 writes them, which is also how things are stored.
pub fn encode<T: Serialize>(frame: &T) -> Vec<u8> {
    // Writing to a Vec cannot fail, and frames hold only what MessagePack has.
    rmp_serde::to_vec_named(frame).expect("frames are MessagePack")
}

/// The bytes of a frame of the uplink for who speaks this version: ids are bytes from version 2 on.
pub fn encode_for<T: Serialize>(version: u16, frame: &T) -> Vec<u8> {
    if version < 2 {
        return encode(frame);
    }
    let mut bytes = Vec::with_capacity(128);
    // Tuples of 16 small integers are written as bytes so, which in frames are the ids and nothing else.
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_bytes(BytesMode::ForceAll);
    frame.serialize(&mut serializer).expect("frames are MessagePack");
    bytes
}

/// The frame of `bytes`, which are at most `max` long and hold nothing else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLong { length: bytes.len(), max });
    }
    let used = scan(bytes)?;
    if used != bytes.len() {
        return Err(DecodeError::TrailingBytes { used, length: bytes.len() });
    }
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    deserializer.set_max_depth(DEPTH_MAX * 2);
    T::deserialize(&mut deserializer).map_err(|error| DecodeError::Shape { why: error.to_string() })
}

/// What a marker begins: bytes to pass over, text to check, or a level with so many values.
enum Token {
    Skip(u64),
    Text(u64),
    Level(u64),
}

/// Walks one MessagePack value and says where it ends.
fn scan(bytes: &[u8]) -> Result<usize, DecodeError> {
    // How many values are still to come on each level that is open.
    let mut open = [0_u64; DEPTH_MAX];
    let mut depth = 0;
    let mut at = 0;
    loop {
        let start = at;
        let cut = DecodeError::NotMessagePack { at: start };
        let marker = *bytes.get(at).ok_or(cut.clone())?;
        at += 1;
        let mut length = |width: usize| -> Result<u64, DecodeError> {
            let raw = bytes.get(at..at + width).ok_or(DecodeError::NotMessagePack { at: start })?;
            at += width;
            Ok(raw.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let token = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Token::Skip(0),
            0x80..=0x8f => Token::Level(u64::from(marker & 0x0f) * 2),
            0x90..=0x9f => Token::Level(u64::from(marker & 0x0f)),
            0xa0..=0xbf => Token::Text(u64::from(marker & 0x1f)),
            0xc1 => return Err(cut),
            0xc4 => Token::Skip(length(1)?),
            0xc5 => Token::Skip(length(2)?),
            0xc6 => Token::Skip(length(4)?),
            0xc7 => Token::Skip(length(1)? + 1),
            0xc8 => Token::Skip(length(2)? + 1),
            0xc9 => Token::Skip(length(4)? + 1),
            0xca | 0xce | 0xd2 => Token::Skip(4),
            0xcb | 0xcf | 0xd3 => Token::Skip(8),
            0xcc | 0xd0 => Token::Skip(1),
            0xcd | 0xd1 => Token::Skip(2),
            0xd4..=0xd8 => Token::Skip((1 << (marker - 0xd4)) + 1),
            0xd9 => Token::Text(length(1)?),
            0xda => Token::Text(length(2)?),
            0xdb => Token::Text(length(4)?),
            0xdc => Token::Level(length(2)?),
            0xdd => Token::Level(length(4)?),
            0xde => Token::Level(length(2)? * 2),
            0xdf => Token::Level(length(4)? * 2),
        };
        match token {
            Token::Skip(count) | Token::Text(count) => {
                let end = usize::try_from(count).ok().and_then(|count| at.checked_add(count)).ok_or(cut.clone())?;
                let body = bytes.get(at..end).ok_or(cut)?;
                if matches!(token, Token::Text(_)) && std::str::from_utf8(body).is_err() {
                    return Err(DecodeError::NotUtf8 { at: start });
                }
                at = end;
            }
            Token::Level(count) => {
                // Each value takes at least a byte.
                if count > (bytes.len() - at) as u64 {
                    return Err(cut);
                }
                *open.get_mut(depth).ok_or(DecodeError::TooDeep)? = count;
                depth += 1;
                if count > 0 {
                    continue;
                }
                // An empty level is closed below, and itself counts in the level around it.
                depth -= 1;
            }
        }
        // A value is complete: so are the levels that it was the last of.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            open[depth - 1] -= 1;
            if open[depth - 1] > 0 {
                break;
            }
            depth -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_frame_is_refused_by_name() {
        type Any = Vec<String>;
        let frame = vec!["a".to_owned(), "b".repeat(40)];
        let bytes = encode(&frame);
        assert_eq!(decode::<Any>(&bytes, 100).as_ref(), Ok(&frame));
        assert_eq!(decode::<Any>(&bytes, 4), Err(DecodeError::TooLong { length: bytes.len(), max: 4 }));
        let mut trailing = bytes.clone();
        trailing.push(0xc0);
        assert!(matches!(decode::<Any>(&trailing, 100), Err(DecodeError::TrailingBytes { .. })));
        assert!(matches!(decode::<Any>(&bytes[..9], 100), Err(DecodeError::NotMessagePack { .. })));
        assert!(matches!(decode::<Any>(&[0x91, 0xa2, 0xff, 0xfe], 100), Err(DecodeError::NotUtf8 { at: 1 })));
        assert!(matches!(decode::<Any>(&[0x91; 64], 100), Err(DecodeError::TooDeep)));
        assert!(matches!(decode::<Any>(&[0xdd, 0xff, 0xff, 0xff, 0xff], 100), Err(DecodeError::NotMessagePack { .. })));
        assert!(matches!(decode::<Any>(&[0xdb, 0xff, 0xff, 0xff, 0xff], 100), Err(DecodeError::NotMessagePack { .. })));
        assert!(matches!(decode::<Any>(&[0x91, 0x01], 100), Err(DecodeError::Shape { .. })));
        assert!(matches!(decode::<Any>(&[], 100), Err(DecodeError::NotMessagePack { at: 0 })));
    }

    #[test]
    fn empty_levels_close_where_they_stand() {
        assert_eq!(scan(&[0x92, 0x90, 0x80, 0xc0]), Ok(3));
        assert_eq!(scan(&[0x90]), Ok(1));
    }
}
