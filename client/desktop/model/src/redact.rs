//! Takes secrets out of what is written for others to read: the log, and what is sent to whoever helps.
//!
//! Pure. One invariant: none of the secrets that it is given stands in what it gives, nor anything that looks like one
//! of the project's own: a ticket, an invitation, a key that a relay gave out.

use raidcast_shared::key::KEY_PREFIX;

/// What stands in a secret's place.
const GONE: &str = "…";
/// A shorter text is no secret: it would be cut out of words.
const SECRET_MIN: usize = 4;
/// What stands before a secret in a link, also where a link stands in another one.
const BEFORE: [&str; 9] = [
    "ticket=",
    "ticket%3D",
    "ticket%3d",
    "invitation=",
    "invitation%3D",
    "invitation%3d",
    "device_code=",
    "x-api-key: ",
    "x-api-key=",
];
/// Letters and digits behind the prefix of a key, at the least: words have fewer.
const KEY_TAIL_MIN: usize = 20;

/// A line without secrets; `secrets`: those that are in use, like the key.
pub fn redact(line: &str, secrets: &[&str]) -> String {
    let mut known: Vec<&str> =
        secrets.iter().map(|secret| secret.trim()).filter(|one| one.len() >= SECRET_MIN).collect();
    // One may begin another.
    known.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut text = line.to_owned();
    for secret in known {
        if text.contains(secret) {
            text = text.replace(secret, GONE);
        }
    }
    for before in BEFORE {
        text = without_tails(&text, before, |sign| !is_end(sign), 1, true);
    }
    // Two keys may stand side by side.
    without_tails(&text, KEY_PREFIX, |sign| sign.is_ascii_alphanumeric() || sign == '_', KEY_TAIL_MIN, false)
}

/// Whether a sign ends a value in a link or a header.
fn is_end(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, '"' | '\'' | '&' | '#' | '<' | '>' | ')' | ']' | '}' | ',' | ';' | '…')
}

/// The text without what stands behind `before`, as far as its signs are some of those, and at least `least` of them.
fn without_tails(text: &str, before: &str, is_of_it: fn(char) -> bool, least: usize, keeps_before: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at);
        let value = &tail[before.len()..];
        let end = value.find(|sign: char| !is_of_it(sign)).unwrap_or(value.len());
        out.push_str(head);
        if end >= least {
            if keeps_before {
                out.push_str(before);
            }
            out.push_str(GONE);
            rest = &value[end..];
        } else {
            out.push_str(before);
            rest = value;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use raidcast_shared::key::key_of;

    use super::*;

    #[test]
    fn tickets_invitations_and_keys_are_taken_out_and_the_rest_stays() {
        let key = key_of([7; 32]);
        for (line, expected) in [
            ("nothing to hide".to_owned(), "nothing to hide"),
            ("GET https://r/raids/a?ticket=abc&at=5 done".into(), "GET https://r/raids/a?ticket=…&at=5 done"),
            ("url=\"https://r/a?ticket=abc\" x".into(), "url=\"https://r/a?ticket=…\" x"),
            ("/sign-in?next=/a%3Fticket%3Dabc%26x".into(), "/sign-in?next=/a%3Fticket%3D…"),
            ("https://r/sign-in#invitation=s_-3".into(), "https://r/sign-in#invitation=…"),
            (format!("key {key}, and so on"), "key …, and so on"),
            (format!("{key}{key}"), "…"),
            ("the file src_code.rs and rc_short".into(), "the file src_code.rs and rc_short"),
            ("grant_type=x&device_code=abc".into(), "grant_type=x&device_code=…"),
            ("an operator's key: hunter22".into(), "an operator's key: …"),
        ] {
            assert_eq!(redact(&line, &["hunter22", "", "a"]), expected, "{line}");
        }
        // One secret that begins another, and one that stands in a link.
        assert_eq!(redact("abcd abcdef", &["abcd", "abcdef"]), "… …");
        assert_eq!(redact("?ticket=abcd", &["abcd"]), "?ticket=…");
    }

    proptest! {
        #[test]
        fn no_secret_is_left(
            secret in "[!-~]{4,60}",
            lines in proptest::collection::vec("\\PC{0,20}", 0..4),
            between in prop::sample::select(vec!["?ticket=", "#invitation=", "rc_", " ", ""]),
        ) {
            let line = lines.join(&format!("{between}{secret}"));
            prop_assert!(!redact(&line, &[&secret]).contains(&secret));
            let ticket = format!("{}?ticket={secret} ", lines.concat());
            prop_assert!(!redact(&ticket, &[&secret]).contains(&secret));
        }
    }
}
