//! Text from players and meters is hostile: what may cross the wire, how a source makes text fit, and what of it is shown
//! where no page holds it in place (in pictures, in what a chat shows of a link, in overlays of others).
//!
//! One invariant: text is cut between letters, never inside of one that several characters make, unless that one alone is
//! longer than may be. Deliberately not here: what marks text up, which each who writes it escapes.

use unicode_normalization::char::is_combining_mark;

use crate::limits::KEY_CHARS_MAX;

/// Marks on one letter that is shown: more stack up into other lines. Of the languages that people write none has more.
const MARKS_MAX: usize = 3;

/// Stands for what was cut off, or cannot be drawn.
pub const CUT: char = '…';

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
    // One more, which says whether a letter ends before it.
    let plain = text.chars().filter(|c| is_plain(*c)).take(chars_max.saturating_add(1)).collect();
    fitted(plain, chars_max)
}

/// `text` without what [`is_label`] refuses.
pub fn label(text: &str, chars_max: usize) -> String {
    let seen = text.chars().filter(|c| is_plain(*c) && !is_unseen(*c)).take(chars_max.saturating_add(1)).collect();
    fitted(seen, chars_max)
}

/// At most so many characters of it.
fn fitted(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        let between = places(&text).rfind(|at| *at <= end).filter(|at| *at > 0);
        text.truncate(between.unwrap_or(end));
    }
    text
}

/// `text` on one line, in which nothing turns the direction of what follows or is drawn as nothing; `None` where nothing
/// is left to see.
pub fn one_line(text: &str) -> Option<String> {
    let (mut out, mut marks, mut gap) = (String::new(), 0, false);
    for c in text.chars() {
        if is_blank(c) {
            gap = !out.is_empty();
        } else if is_nothing(c) || (joins(c) && (gap || out.is_empty() || marks == MARKS_MAX)) {
            // Left out; a mark belongs to what stands before it.
        } else {
            marks = if joins(c) { marks + 1 } else { 0 };
            if gap {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    out.truncate(out.trim_end_matches(['\u{200c}', '\u{200d}']).len());
    (!out.is_empty()).then_some(out)
}

/// At most so many characters of it, the last one [`CUT`] where it is longer.
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(chars_max.saturating_sub(1)).map_or(0, |(end, _)| end);
    shortened(text, places(text).rfind(|at| *at <= end).unwrap_or_default())
}

/// What stands before a place of [`places`], and that it was cut there.
pub fn shortened(text: &str, at: usize) -> String {
    let mut out = text[..at].trim_end().to_owned();
    out.push(CUT);
    out
}

/// Where text may be cut, in bytes: before each letter.
pub fn places(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().filter(move |(at, c)| !joins(*c) && !text[..*at].ends_with('\u{200d}')).map(|(at, _)| at)
}

/// Whether a character is a part of the letter before it: accents, skin tones, joiners, selectors.
pub fn joins(c: char) -> bool {
    is_joiner(c) || matches!(c, '\u{1f3fb}'..='\u{1f3ff}') || is_combining_mark(c)
}

/// Whether it is drawn as nothing, and says how what stands beside it is drawn.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether it is drawn as a gap: spaces, ends of lines, fillers of Hangul, the empty sign of Braille.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether it is no sign at all: control characters, those that turn the direction, and what has no width.
fn is_nothing(c: char) -> bool {
    !is_plain(c)
        || (is_unseen(c) && !is_joiner(c) && !is_blank(c))
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
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
    fn of_a_name_what_can_be_seen_is_left() {
        for (text, left) in [
            ("Aeris", Some("Aeris")),
            ("<b>Böreas</b>", Some("<b>Böreas</b>")),
            ("はるか", Some("はるか")),
            ("  Ana \n\t  Bo ", Some("Ana Bo")),
            ("a\u{202e}b\u{2066}c\u{200f}", Some("abc")),
            ("a\u{1b}[31mb", Some("a[31mb")),
            ("x\u{200b}y\u{feff}z", Some("xyz")),
            ("e\u{301}", Some("e\u{301}")),
            ("e\u{301}\u{301}\u{301}\u{301}\u{301}f", Some("e\u{301}\u{301}\u{301}f")),
            ("👩\u{200d}🚒", Some("👩\u{200d}🚒")),
            ("a\u{200d}\u{200d}", Some("a")),
            ("", None),
            ("   ", None),
            ("\u{3000}\u{3164}\u{2800}", None),
            ("\u{200b}\u{200d}\u{2060}\u{ad}", None),
            ("\u{202e}\u{0}\u{301}\u{fe0f}", None),
        ] {
            assert_eq!(one_line(text).as_deref(), left, "{text:?}");
            assert_eq!(left.and_then(one_line).as_deref(), left, "what is left stays: {text:?}");
        }
    }

    #[test]
    fn it_is_cut_between_letters() {
        assert_eq!(cut("Aeris", 5), "Aeris");
        assert_eq!(cut("Aeris", 4), "Aer…");
        assert_eq!(cut("Ana Bo", 5), "Ana…");
        assert_eq!(cut("ae\u{301}b", 3), "a…");
        assert_eq!(cut("a👩\u{200d}🚒b", 4), "a…");
        assert_eq!(cut("abc", 0), "…");
        assert_eq!(cut(&"あ".repeat(10_000), 40).chars().count(), 40);
    }

    #[test]
    fn what_is_made_to_fit_is_cut_between_letters_too() {
        for (text, most, left) in [
            ("Aeris", 5, "Aeris"),
            ("Aeris", 4, "Aeri"),
            ("ae\u{301}b", 3, "ae\u{301}"),
            ("ae\u{301}b", 2, "a"),
            ("a👩\u{200d}🚒b", 3, "a"),
            ("a\u{1b}👩\u{200d}🚒", 4, "a👩\u{200d}🚒"),
            ("abc", 0, ""),
        ] {
            assert_eq!(clean(text, most), left, "{text:?}");
        }
        // One letter that is longer than all may be.
        let tower = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(clean(&tower, 64).chars().count(), 64);
        assert_eq!(label(&tower, 64).chars().count(), 64);
    }

    #[test]
    fn titles_hold_no_markup() {
        assert!(is_title("Raid <3 tonight", 64));
        for title in ["<script>alert(1)</script>", "a</b>", "<!-- -->", "<?php"] {
            assert!(!is_title(title, 64), "{title}");
        }
    }
}
