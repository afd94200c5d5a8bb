//! What somebody may be called here, made of what a provider calls him.

use raidcast_shared::text::clean;

use crate::account::name::{NAME_CHARS, is_good_name};

/// The first of these that can be a name here, made to fit; nothing if none can.
pub(super) fn fitting<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut fitted = names.map(|name| {
        // Where he gets mail is nobody's business.
        let name = name.split('@').next().unwrap_or_default();
        clean(name.trim(), *NAME_CHARS.end()).trim().to_owned()
    });
    fitted.find(|name| is_good_name(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_that_can_be_one_is_made_to_fit() {
        for (names, name) in [
            (&["ana", "Ana Müller"][..], "ana"),
            (&["", "a", "  Ana\u{202e}\n Müller "], "Ana Müller"),
            (&["ana@mail.example"], "ana"),
            (&["@", "@ana"], ""),
            (&[&"n".repeat(40)], &*"n".repeat(32)),
            (&["はるか"], "はるか"),
            (&[], ""),
        ] {
            assert_eq!(fitting(names.iter().copied()), name, "{names:?}");
        }
    }
}
