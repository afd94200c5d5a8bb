//! Names of answers, by which whoever has one already is told that it is still the same.
//!
//! One invariant: two answers of one name say the same. Names are weak (RFC 9110, 8.8.1): an answer has one name however it
//! is compressed.

use axum::http::{HeaderMap, header};
use raidcast_shared::id::hex;
use sha2::{Digest as _, Sha256};

/// Bytes of `If-None-Match` that are read: some hundred names.
const READ_MAX: usize = 8 * 1024;

/// The name of what an answer says.
pub(crate) fn name(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    format!("W/\"{}\"", hex(&digest[..16]))
}

/// Whether who asks has it already.
pub(crate) fn has_it(headers: &HeaderMap, name: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let own = opaque(name);
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut read = 0;
    for line in lines {
        read += line.len();
        if read > READ_MAX {
            return false;
        }
        // Tags of ours hold no comma; of others' with one no part is ours.
        if line.trim() == "*" || line.split(',').any(|tag| opaque(tag.trim()) == own) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_is_found_among_all_names_however_they_are_written() {
        let name = name(b"{}");
        assert!(name.starts_with("W/\"") && name.len() == 36, "{name}");
        let strong = name.trim_start_matches("W/").to_owned();
        let asked = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_NONE_MATCH, line.parse().expect("a header"));
            }
            has_it(&headers, &name)
        };
        assert!(asked(&[&name]) && asked(&[&strong]) && asked(&["*"]) && asked(&[" * "]));
        assert!(asked(&[&format!("\"a,b\", W/\"x\" ,{name}")]) && asked(&["\"a\"", &strong]));
        let bare = strong.trim_matches('"').to_owned();
        for other in ["", "\"\"", "W/", "\"*\"", "**", &bare, &format!("w/{strong}"), &strong[..20]] {
            assert!(!asked(&[other]), "{other}");
        }
        assert!(!asked(&[]));
        assert!(!asked(&[&"\"a\",".repeat(4_000), &name]), "so much is not read");
    }
}
