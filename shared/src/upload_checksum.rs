//! The checksum of an upload, "raidcast upload v1": over what was sent, whole numbers alone.
//!
//! Floats and text are left out: languages print the one differently, and escape the other differently. So it does not
//! depend on the order of fields, spaces, the spelling of names or numbers, and unknown fields.
//!
//! It is the SHA-256, in 64 lower-case hexadecimal digits, of these bytes (ASCII): the line `raidcast upload v1`, then
//! in the order of the request
//!
//! ```text
//! E encounterId startedAtMs endedAtMs durationMs totalDamage totalHeal localPlayerUid
//! B totalDamage hits                      for each boss
//! P actorId classId classSpec abilityScore level damageDealt healDealt damageTaken bossDamageDealt
//!   hitsDealt hitsHeal critHitsDealt luckyHitsDealt           (one line) for each player; behind each
//! D skillId totalValue hits critHits luckyHits critTotal luckyTotal    for each of the damage skills, behind each
//! T timestampMs value isCrit isLucky hpLoss shieldLoss                 for each entry of its timeline;
//! H ..                                    for each of the healing skills, like D, with T behind each.
//! ```
//!
//! Each line is its letter and the values of these fields, with one space before each value and one line feed (`\n`) at
//! the end, also of the last one. A value is the number in decimal, as it was sent (a time that is an offset stays one),
//! without leading zeros or a plus sign; true is 1 and false is 0; `-` stands for what is absent or null.

use sha2::{Digest, Sha256};

use crate::id::hex;

/// What is hashed at once, bytes.
const PIECE: usize = 8 * 1024;

/// Room for a line's letter, and six values.
const LINE: usize = 128;
/// A space and a number.
const VALUE_BYTES_MAX: usize = 21;

/// A checksum in the making.
pub struct Sum {
    hash: Sha256,
    /// Lines that are not hashed yet.
    lines: Vec<u8>,
}

impl Default for Sum {
    fn default() -> Self {
        Self::new()
    }
}

impl Sum {
    /// Nothing is summed yet.
    pub fn new() -> Self {
        Self { hash: Sha256::new(), lines: b"raidcast upload v1\n".to_vec() }
    }

    /// A line: its letter and its values.
    pub fn line(&mut self, letter: char, values: impl IntoIterator<Item = Option<i64>>) {
        // It is put together here and taken in at once: there is one for each hit.
        let (mut line, mut digits) = ([0; LINE], itoa::Buffer::new());
        let mut at = letter.encode_utf8(&mut line).len();
        for value in values {
            if at + VALUE_BYTES_MAX >= LINE {
                self.lines.extend_from_slice(&line[..at]);
                at = 0;
            }
            let value = value.map_or("-", |value| digits.format(value)).as_bytes();
            line[at] = b' ';
            line[at + 1..][..value.len()].copy_from_slice(value);
            at += 1 + value.len();
        }
        line[at] = b'\n';
        self.lines.extend_from_slice(&line[..=at]);
        if self.lines.len() >= PIECE {
            self.hash.update(&self.lines);
            self.lines.clear();
        }
    }

    /// In lower-case hex.
    pub fn done(mut self) -> String {
        self.hash.update(&self.lines);
        hex(&self.hash.finalize())
    }
}
