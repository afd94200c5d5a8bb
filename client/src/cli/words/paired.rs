//! In words: which relay is meant, where none is named.

use super::settings::{or_in_file, settings_fault};
use crate::cli::key_place::KeyPlace;
use crate::settings::{Entry, Home, SettingsFault};

/// That no relay is named; `paired`: those that this computer has a key for; `key`: where a key is given.
pub(in crate::cli) fn no_relay(paired: &[String], key: Option<&KeyPlace>, home: Option<&Home>) -> String {
    let or_in_file = or_in_file(Entry::Relay, home);
    match (paired, key) {
        ([], Some(_)) => settings_fault(&SettingsFault::NoRelay, home),
        (_, Some(key)) => {
            let given = if *key == KeyPlace::Variable { "RAIDCAST_KEY is set" } else { "--key is given" };
            format!(
                "{given}, so the relay that this computer is paired with is not used. Give --relay URL, too{or_in_file}."
            )
        }
        ([], None) => format!(
            "Pair this computer with a relay first: raidcast login https://… (the relay's address). If you have an upload \
             key instead, give --relay URL{or_in_file}."
        ),
        (relays, None) => {
            format!("This computer is paired with {}. Choose one with --relay URL{or_in_file}.", relays.join(" and "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_relay_is_named_it_is_said_what_to_do_by_what_there_is() {
        let home = Home { config: "/c/config.toml".into(), keys: "/c/keys.json".into(), state: "/s".into() };
        let (a, b) = ("https://a.example".to_owned(), "https://b.example".to_owned());
        for (paired, key, expected) in [
            (vec![], Some(KeyPlace::Flag), "The relay's address is not set. Give --relay URL.".to_owned()),
            (
                vec![],
                None,
                "Pair this computer with a relay first: raidcast login https://… (the relay's address). If you have an \
                 upload key instead, give --relay URL."
                    .to_owned(),
            ),
            (
                vec![a.clone()],
                Some(KeyPlace::Variable),
                "RAIDCAST_KEY is set, so the relay that this computer is paired with is not used. Give --relay URL, too."
                    .to_owned(),
            ),
            (
                vec![a, b],
                None,
                "This computer is paired with https://a.example and https://b.example. Choose one with --relay URL."
                    .to_owned(),
            ),
        ] {
            assert_eq!(no_relay(&paired, key.as_ref(), None), expected);
        }
        assert!(no_relay(&[], None, Some(&home)).ends_with(", or write relay = \"…\" into /c/config.toml."));
    }
}
