//! Names and titles where no page holds them in place: in pictures, and in what a chat shows of a link.
//!
//! One invariant: what comes out is one line, in which nothing turns the direction of what follows or is drawn as nothing,
//! and which is cut between letters, never inside of one that several characters make. Deliberately not here: what marks
//! the text up, which each who writes it escapes.

use unicode_normalization::char::is_combining_mark;

/// Marks on one letter: more stack up into other lines. Of the languages that people write none has more.
const MARKS_MAX: usize = 3;

/// Stands for what was cut off, or cannot be drawn.
pub(super) const CUT: char = '…';

/// `text` as it can be shown; `None` where nothing is left to see.
pub(crate) fn plain(text: &str) -> Option<String> {
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
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let last = places(text).rfind(|at| text[..*at].chars().count() < chars_max).unwrap_or_default();
    shortened(text, last)
}

/// What stands before a place of [`places`], and that it was cut there.
pub(super) fn shortened(text: &str, at: usize) -> String {
    let mut out = text[..at].trim_end().to_owned();
    out.push(CUT);
    out
}

/// Where text may be cut, in bytes: before each letter.
pub(super) fn places(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().filter(move |(at, c)| !joins(*c) && !text[..*at].ends_with('\u{200d}')).map(|(at, _)| at)
}

/// Whether a character is a part of the letter before it: accents, skin tones, joiners, selectors.
pub(super) fn joins(c: char) -> bool {
    is_combining_mark(c)
        || matches!(
            c,
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}'
        )
}

/// Whether it is drawn as a gap: spaces, ends of lines, fillers of Hangul, the empty sign of Braille.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether it is no sign at all: control characters, those that turn the direction, and what has no width.
fn is_nothing(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'
                | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
        )
}

/// Text as it stands in XML and HTML, also between quotation marks.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(plain(text).as_deref(), left, "{text:?}");
            assert_eq!(left.and_then(plain).as_deref(), left, "what is left stays: {text:?}");
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
    fn nothing_in_it_is_markup() {
        assert_eq!(escaped("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
    }
}
