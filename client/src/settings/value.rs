//! Whether a value is of any use, wherever it comes from.
//!
//! One invariant: what is given back is what is sent or read as it stands; nobody looks at it again.

use std::path::{Path, PathBuf};

use raidcast_shared::key::is_damaged;
use raidcast_shared::limits::{DELAY_S_MAX, TITLE_CHARS_MAX};
use raidcast_shared::text::{clean, is_title, key_fault};

use super::fault::{KeyTrouble, SettingsFault, TitleFault};
use crate::source::{SourceError, detect, no_file};
use crate::trust::Trust;

/// A key without what is around it when it is copied.
///
/// # Errors
/// It is none that a request can carry. The key itself stands in no fault.
pub fn key(text: &str) -> Result<String, SettingsFault> {
    let text = text.trim();
    let wrong = |why| Err(SettingsFault::Key(why));
    if text.len() > 1 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']) {
        return wrong(KeyTrouble::Quoted);
    }
    match key_fault(text) {
        Some(why) => wrong(KeyTrouble::Signs(why)),
        None if is_damaged(text) => wrong(KeyTrouble::Damaged),
        None => Ok(text.to_owned()),
    }
}

/// A title that the relay takes; an empty one takes away the one that a raid has.
///
/// # Errors
/// It takes no such title.
pub fn title(text: &str) -> Result<String, SettingsFault> {
    let text = text.trim();
    if text.is_empty() || is_title(text, TITLE_CHARS_MAX) {
        return Ok(text.to_owned());
    }
    let is_long = text.chars().count() > TITLE_CHARS_MAX;
    Err(SettingsFault::Title(if is_long { TitleFault::TooLong } else { TitleFault::Signs }))
}

/// Seconds that those are behind who are no members of a raid.
///
/// # Errors
/// Relays take 0 to [`DELAY_S_MAX`].
pub fn delay(seconds: i64) -> Result<u32, SettingsFault> {
    let fits = u32::try_from(seconds).ok().filter(|seconds| *seconds <= DELAY_S_MAX);
    fits.ok_or(SettingsFault::Delay)
}

/// The meter's database, if that is a file, or is not there yet.
///
/// # Errors
/// It is a folder, a pipe or a device, or another program's: that never becomes a meter's database.
pub fn database(path: PathBuf) -> Result<PathBuf, SettingsFault> {
    let wrong = match std::fs::metadata(&path).ok().as_ref().and_then(no_file) {
        Some(why) => Some(SourceError::Unsupported { path: path.clone(), why }),
        None => detect::foreign(&path),
    };
    wrong.map_or(Ok(path), |error| Err(SettingsFault::Database(error)))
}

/// Who vouches for relays: those in a file, too, where one is named.
///
/// # Errors
/// The file is of no use.
pub fn trust(file: Option<&Path>) -> Result<Trust, SettingsFault> {
    let own = |path| Trust::also(path).map_err(SettingsFault::Trust);
    file.map_or_else(|| Ok(Trust::public()), own)
}

/// What this computer is called, as far as it tells.
pub fn machine_name() -> Option<String> {
    let named = ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named = named.or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let name = clean(named.unwrap_or_default().trim(), 40);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use raidcast_shared::text::KeyFault;

    use super::*;

    #[test]
    fn a_value_is_taken_without_what_is_around_it_or_not_at_all() {
        assert_eq!(key(" abc\n").unwrap(), "abc");
        let key_trouble = |text: &str| match key(text) {
            Err(SettingsFault::Key(why)) => why,
            other => panic!("{other:?}"),
        };
        for quoted in ["\"very-secret\"", "'very-secret'"] {
            assert_eq!(key_trouble(quoted), KeyTrouble::Quoted);
        }
        assert_eq!(key_trouble(" "), KeyTrouble::Signs(KeyFault::Empty));
        for wrong in ["ab cd", "ab\ncd", "ab\u{7f}", "schlüssel", "\u{1f409}", "a\0b"] {
            assert_eq!(key_trouble(wrong), KeyTrouble::Signs(KeyFault::Characters));
        }
        assert_eq!(key_trouble(&"k".repeat(2_000)), KeyTrouble::Signs(KeyFault::TooLong));

        assert_eq!(title(" Friday ").unwrap(), "Friday");
        assert_eq!(title(" ").unwrap(), "");
        assert!(matches!(title("<b>"), Err(SettingsFault::Title(TitleFault::Signs))));
        let long = "x".repeat(TITLE_CHARS_MAX + 1);
        assert!(matches!(title(&long), Err(SettingsFault::Title(TitleFault::TooLong))));

        assert_eq!([delay(0).unwrap(), delay(i64::from(DELAY_S_MAX)).unwrap()], [0, DELAY_S_MAX]);
        for seconds in [-1, i64::from(DELAY_S_MAX) + 1, i64::MAX] {
            assert!(matches!(delay(seconds), Err(SettingsFault::Delay)));
        }
        assert!(trust(None).is_ok());
        assert!(matches!(trust(Some(Path::new("/nowhere.pem"))), Err(SettingsFault::Trust(_))));
    }
}
