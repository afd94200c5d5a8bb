//! Text from players and meters is hostile: what may cross the wire, and how a source makes text fit.

use crate::limits::KEY_CHARS_MAX;

/// Whether a character may stand in text: no control characters, none that turn the direction of what follows.
fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Whether `text` may cross the wire as a name: plain characters, at most `chars_max`.
///
/// Markup is allowed here: players do call themselves `<b>`, and every page writes names as text.
pub fn is_name(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max && text.chars().all(is_plain)
}

/// Whether `text` may name a person, a program, a key or a link: a name all of which can be seen, so that no two look alike
/// that are not.
pub fn is_label(text: &str, chars_max: usize) -> bool {
    is_name(text, chars_max) && !text.chars().any(is_unseen)
}

/// Whether a character is drawn as nothing, or says how another one is drawn (`Default_Ignorable_Code_Point` of Unicode).
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether `text` may cross the wire as a title: a name without anything that reads as a tag.
pub fn is_title(text: &str, chars_max: usize) -> bool {
    is_name(text, chars_max) && !holds_markup(text)
}

fn holds_markup(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        text[at + 1..].chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    })
}

/// Why something can be no upload key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// There is nothing of it.
    Empty,
    /// It holds a space, a line break, or anything else that is no visible sign of ASCII: headers cannot carry some of
    /// them, and copying adds or takes others.
    Characters,
    /// It is longer than servers take.
    TooLong,
}

/// Why `text` can be no upload key; the same for who sends keys and for who gives them out.
pub fn key_fault(text: &str) -> Option<KeyFault> {
    match () {
        () if text.is_empty() => Some(KeyFault::Empty),
        () if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Some(KeyFault::Characters),
        () if text.len() > KEY_CHARS_MAX => Some(KeyFault::TooLong),
        () => None,
    }
}

/// `text` without what [`is_name`] refuses; everything else stays as it is.
pub fn clean(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| is_plain(*c)).take(chars_max).collect()
}

/// `text` without what [`is_label`] refuses.
pub fn label(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| is_plain(*c) && !is_unseen(*c)).take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_all_but_control_characters() {
        for name in ["Mika<3", "O'Neil", "Jax\"", "<b>Bob</b>", "はるか", "테스트", "Zoë", "🐉"] {
            assert!(is_name(name, 64), "{name}");
            assert_eq!(clean(name, 64), name);
        }
        assert!(!is_name("a\u{1b}[31mb", 64));
        assert!(!is_name("a\u{202e}b", 64));
        assert!(!is_name("abc", 2));
        assert_eq!(clean("a\u{1b}\n\u{202e}b", 64), "ab");
    }

    #[test]
    fn in_a_label_all_can_be_seen() {
        for text in ["a\u{200b}b", "a\u{ad}b", "\u{3164}", "a\u{feff}", "a\u{e0041}b", "a\u{200d}b", "a\u{fe0f}"] {
            assert!(!is_label(text, 64), "{text:?}");
            assert!(is_label(&label(text, 64), 64), "{text:?}");
        }
        for text in ["Zoë", "はるか", "테스트", "a b", "🐉", ""] {
            assert!(is_label(text, 64), "{text:?}");
            assert_eq!(label(text, 64), text);
        }
        assert!(!is_label("abc", 2));
        assert_eq!(label("a\u{202e}\nbc", 2), "ab");
    }

    #[test]
    fn titles_hold_no_markup() {
        assert!(is_title("Raid <3 tonight", 64));
        for title in ["<script>alert(1)</script>", "a</b>", "<!-- -->", "<?php"] {
            assert!(!is_title(title, 64), "{title}");
        }
    }
}
