//! Small things about the words that people read.

use std::io;

use raidcast_shared::text::clean;

use crate::os_error::OsError;

/// The longest line that is shown, characters.
const LINE_CHARS_MAX: usize = 1_000;

/// Text as a terminal may show it: names come from the game, and the relay's words from elsewhere.
pub(in crate::cli) fn fit(line: &str) -> String {
    clean(line, LINE_CHARS_MAX)
}

/// What a fight is called: its boss or scene, if either is known by name.
pub(in crate::cli) fn title(name: Option<&str>) -> &str {
    name.unwrap_or("fight")
}

/// The text with a full stop, if it does not end a sentence already: other programs' words mostly do not.
pub(in crate::cli) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.is_empty() || text.ends_with(['.', '!', '?', '…', ')']) { text.to_owned() } else { format!("{text}.") }
}

/// What the system says, without its number.
pub(in crate::cli) fn told(error: &io::Error) -> String {
    without_number(&error.to_string())
}

/// The same of an error that was kept.
pub(super) fn told_before(error: &OsError) -> String {
    without_number(&error.text)
}

/// All of what the system said.
pub(super) fn in_full(error: &OsError) -> String {
    match error.code {
        Some(code) => format!("{} (os error {code})", error.text),
        None => error.text.clone(),
    }
}

/// The same of an error in words.
pub(super) fn without_number(text: &str) -> String {
    text.find(" (os error ").map_or(text, |at| &text[..at]).to_owned()
}

/// `1 fight`, `2 fights`.
pub(super) fn count(n: impl TryInto<u64> + Copy, one: &str) -> String {
    match n.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

/// How much of something there is: a hundred only where that is all of it.
pub(in crate::cli) fn percent(part: u64, of: u64) -> u64 {
    part.min(of).saturating_mul(100) / of.max(1)
}

/// That lines were not printed.
pub(in crate::cli) fn left_out(lines: u64) -> String {
    format!(
        "{} not shown, for the console stood still.",
        if lines == 1 { "1 line was".into() } else { format!("{lines} lines were") }
    )
}

/// When something is tried again.
pub(super) fn again(ms: u64) -> String {
    match ms {
        0..1_000 => "Trying again soon.".to_owned(),
        ms => format!("Trying again in {} s.", (ms + 500) / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_with_a_full_stop_numbers_have_their_noun_and_waits_are_whole_seconds() {
        assert_eq!(
            [sentence("it is gone"), sentence("It is gone. "), sentence("")],
            ["it is gone.", "It is gone.", ""]
        );
        assert_eq!(
            [count(1u64, "fight"), count(0usize, "fight"), count(7u64, "fight")],
            ["1 fight", "0 fights", "7 fights"]
        );
        assert_eq!([percent(0, 0), percent(96, 97), percent(97, 97), percent(9, 3)], [0, 98, 100, 100]);
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        assert!(!told(&missing).is_empty() && !told(&missing).contains("os error"), "{}", told(&missing));
        assert_eq!(told(&io::Error::other("it burns")), "it burns");
        assert_eq!(in_full(&OsError::from(&missing)), missing.to_string());
        assert_eq!(told_before(&OsError::from(&missing)), told(&missing));
        assert_eq!([again(0), again(999)], ["Trying again soon."; 2]);
        assert_eq!([again(1_000), again(15_400)], ["Trying again in 1 s.", "Trying again in 15 s."]);
    }
}
