//! What a key looks like that a relay gave out: a prefix by which people, and programs that look for secrets, know it, 256
//! random bits, and digits that tell a whole key from one that was copied badly.
//!
//! Keys that stand in a relay's configuration look as their operator likes.

/// What all keys begin with.
pub const KEY_PREFIX: &str = "rc_";
/// Characters that 256 bits take.
const RANDOM_CHARS: usize = 43;
/// Characters that a CRC-32 takes.
const CHECK_CHARS: usize = 6;
/// Characters of a whole key.
pub const KEY_CHARS: usize = KEY_PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;

/// Digits, letters, and nothing that a double click would stop at.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key of these random bytes.
pub fn key_of(random: [u8; 32]) -> String {
    let mut key = KEY_PREFIX.to_owned();
    key.push_str(&digits(random, RANDOM_CHARS));
    let check = crc32fast::hash(key.as_bytes());
    key.push_str(&digits(check.to_be_bytes(), CHECK_CHARS));
    key
}

/// Whether `text` is a key that lost or changed some of its letters: no relay gave it out. What has not the prefix is
/// none of ours to judge.
pub fn is_damaged(text: &str) -> bool {
    if !text.starts_with(KEY_PREFIX) {
        return false;
    }
    let whole = || {
        let (body, check) = text.split_at_checked(KEY_PREFIX.len() + RANDOM_CHARS)?;
        Some(digits(crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECK_CHARS) == check)
    };
    text.len() != KEY_CHARS || !whole().unwrap_or(false)
}

/// The number that these bytes are, the most significant first, in so many digits.
fn digits<const N: usize>(mut bytes: [u8; N], count: usize) -> String {
    let mut digits: Vec<u8> = (0..count).map(|_| DIGITS[usize::from(divide(&mut bytes))]).collect();
    digits.reverse();
    String::from_utf8_lossy(&digits).into_owned()
}

/// Divides by 62; what is left over.
fn divide(bytes: &mut [u8]) -> u8 {
    let mut rest = 0_u16;
    for byte in bytes {
        let number = rest << 8 | u16::from(*byte);
        *byte = (number / 62) as u8;
        rest = number % 62;
    }
    rest as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_always_were() {
        // A key that was given out must stay good.
        assert_eq!(key_of([0; 32]), "rc_00000000000000000000000000000000000000000002bgPyo");
        assert_eq!(key_of([255; 32]), "rc_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10h2vF8");
        assert!(!is_damaged(&key_of([0; 32])) && !is_damaged(&key_of([255; 32])));
    }

    #[test]
    fn a_letter_that_is_lost_or_changed_is_seen() {
        let key = key_of(std::array::from_fn(|at| at as u8 * 7));
        assert!(!is_damaged(&key));
        for at in KEY_PREFIX.len()..key.len() {
            let (before, after) = key.split_at(at);
            let other = if after.starts_with('x') { "y" } else { "x" };
            assert!(is_damaged(&format!("{before}{other}{}", &after[1..])), "{at}");
            assert!(is_damaged(&format!("{before}{}", &after[1..])), "{at}");
            assert!(is_damaged(&format!("{before} {after}")), "{at}");
        }
        for bad in ["rc_", "rc_short", &format!("rc_{}", "é".repeat(25)), &format!("{key}{key}")] {
            assert!(is_damaged(bad), "{bad}");
        }
        assert!(!is_damaged("a-key-of-an-operator") && !is_damaged(""));
    }

    #[test]
    fn different_bytes_are_different_keys() {
        let mut seen = std::collections::HashSet::new();
        for at in 0..32 {
            for bit in 0..8 {
                let mut random = [0; 32];
                random[at] = 1 << bit;
                assert!(seen.insert(key_of(random)));
            }
        }
    }
}
