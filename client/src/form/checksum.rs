//! The checksum of a fight that is sent whole, "raidcast upload v1", as the relay's API page defines it.
//!
//! One invariant: a line is made of the very values that are sent.

use std::fmt::Write as _;

use raidcast_shared::id::hex;
use sha2::{Digest as _, Sha256};

/// What is hashed at once, bytes.
const PIECE: usize = 8 * 1024;

/// A checksum in the making.
pub(super) struct Sum {
    hash: Sha256,
    /// Lines that are not hashed yet.
    lines: String,
}

impl Sum {
    pub(super) fn new() -> Self {
        Self { hash: Sha256::new(), lines: "raidcast upload v1\n".to_owned() }
    }

    /// A letter and what stands behind it; what is not told is `None`.
    pub(super) fn line(&mut self, letter: char, values: impl IntoIterator<Item = Option<i64>>) {
        self.lines.push(letter);
        for value in values {
            // Writing to a String cannot fail.
            let _ = match value {
                Some(value) => write!(self.lines, " {value}"),
                None => write!(self.lines, " -"),
            };
        }
        self.lines.push('\n');
        if self.lines.len() >= PIECE {
            self.hash.update(&self.lines);
            self.lines.clear();
        }
    }

    /// In lower-case hex.
    pub(super) fn done(mut self) -> String {
        self.hash.update(&self.lines);
        hex(&self.hash.finalize())
    }
}
