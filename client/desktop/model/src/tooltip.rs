//! A text as short as systems show it over an icon.
//!
//! Pure. One invariant: nothing is cut within a sign that people see as one, nor within a word where there are words.

/// Systems cut longer ones, units of UTF-16: Windows has room for 127, with no heed to where a sign ends.
pub(crate) const UNITS_MAX: usize = 120;
/// What stands where something was left out.
const MORE: char = '…';
/// So much of a text may be given up for the end of a word, units: more is one word, like a path.
const WORD: usize = 30;

/// The text, or so much of its begin as is shown.
pub(crate) fn short(text: &str) -> String {
    if units(text) <= UNITS_MAX {
        return text.to_owned();
    }
    let room = UNITS_MAX - MORE.len_utf16();
    let signs = &text[..end_within(text, room)];
    let words = signs.rfind(char::is_whitespace).filter(|end| units(&signs[*end..]) <= WORD);
    // What ends there ends at a word already.
    let is_whole = text[signs.len()..].starts_with(char::is_whitespace);
    let kept = words.filter(|_| !is_whole).map_or(signs, |end| &signs[..end]);
    let kept =
        kept.trim_end_matches(|sign: char| sign.is_whitespace() || matches!(sign, ',' | ';' | ':' | '(' | '（' | '，'));
    format!("{kept}{MORE}")
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Where the last sign ends of which all is within the room, bytes.
fn end_within(text: &str, room: usize) -> usize {
    let (mut end, mut taken, mut before) = (0, 0, None);
    for (at, sign) in text.char_indices() {
        // Here a sign begins, so the one before it is whole.
        if !goes_on(before, sign) {
            end = at;
        }
        taken += sign.len_utf16();
        if taken > room {
            return end;
        }
        before = Some(sign);
    }
    text.len()
}

/// Whether this is of the sign before it, as people see it.
fn goes_on(before: Option<char>, sign: char) -> bool {
    const JOINER: char = '\u{200d}';
    let is_flag = |sign: char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&sign);
    before == Some(JOINER)
        || before.is_some_and(|before| is_flag(before) && is_flag(sign))
        || matches!(sign, JOINER
            | '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_ends_with_a_word() {
        let fits = "x".repeat(UNITS_MAX);
        assert_eq!(short(&fits), fits);
        let words = "one two ".repeat(20);
        assert_eq!(short(&words), format!("{}…", "one two ".repeat(15).trim_end()));
        let listed = format!("{} one, two three", "x".repeat(112));
        assert_eq!(short(&listed), format!("{} one…", "x".repeat(112)));
        // A path is one word: the most of it is shown.
        let path = format!("It is at /{}", "a".repeat(300));
        assert_eq!(units(&short(&path)), UNITS_MAX);
        assert!(short(&path).starts_with("It is at /aaa"));
        // Nor has every language words.
        let chinese = "数据已全部送达。".repeat(30);
        assert_eq!(short(&chinese).chars().count(), UNITS_MAX);
    }

    #[test]
    fn a_sign_is_shown_whole_or_not_at_all() {
        let to = |units: usize| "x".repeat(UNITS_MAX - units);
        for (sign, takes) in [("\u{1f409}", 2), ("e\u{301}", 2), ("\u{1f44b}\u{1f3fd}", 4), ("👩‍🚀", 5), ("🇩🇪", 4)]
        {
            assert_eq!(units(sign), takes, "{sign}");
            // There is room for all of it and the sign of more; then for a part of it.
            let fits = format!("{}{sign}yz", to(takes + 1));
            assert_eq!(short(&fits), format!("{}{sign}…", to(takes + 1)));
            let cut = format!("{}{sign}yz", to(takes));
            assert_eq!(short(&cut), format!("{}…", to(takes)));
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_fits_and_is_a_begin_of_it(text in "\\PC{0,300}") {
            let shown = short(&text);
            prop_assert!(units(&shown) <= UNITS_MAX);
            prop_assert!(text.starts_with(shown.strip_suffix(MORE).unwrap_or(&shown)));
        }
    }
}
