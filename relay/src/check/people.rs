//! Who may upload by the configuration, and providers who say who somebody is.

use std::collections::BTreeSet;

use super::finding::Findings;
use crate::account;
use crate::clock::Clock;
use crate::config::Config;

/// Keys that were taken have kept to all rules.
pub(super) fn look_at_keys(config: &Config, found: &mut Findings) {
    const WHAT: &str = "keys";
    let (keys, accounts) =
        (config.keys.len(), config.keys.iter().map(|key| &key.account).collect::<BTreeSet<_>>().len());
    let signing = config.keys.iter().filter(|key| key.signing_secret.is_some()).count();
    if keys == 0 {
        found.ok(WHAT, "none in the configuration: people make theirs on /account");
        return;
    }
    let counted = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let signed = match signing {
        0 => String::new(),
        1 => "; 1 key has a signing secret".to_owned(),
        more => format!("; {more} keys have a signing secret"),
    };
    found.ok(WHAT, format!("{} for {}{signed}", counted(keys, "key"), counted(accounts, "account")));
}

/// Whether one of them can sign in, by a password or by a provider that is set.
pub(super) fn look_at_administrators(ways: &[Vec<String>], config: &Config, found: &mut Findings) {
    const WHAT: &str = "administrators";
    let is_set = |way: &String| way.is_empty() || config.providers.iter().any(|provider| provider.id == *way);
    let can = ways.iter().filter(|ways| ways.iter().any(is_set)).count();
    match (ways.len(), can) {
        (0, _) => found.note(
            WHAT,
            "none yet: the next start prints a link, which makes whoever opens it first the administrator",
        ),
        (all, 0) => found.note(
            WHAT,
            format!(
                "none of {all} can sign in: each has ways by providers alone that are set no more. Set them again under the \
                 same names; else the next start prints a link by which a new administrator joins"
            ),
        ),
        (all, can) if all == can => found.ok(WHAT, format!("{all}, and each can sign in")),
        (all, can) => found.note(WHAT, format!("{can} of {all} can sign in: the others' providers are set no more")),
    }
}

/// Asks each what it says of itself.
pub(super) async fn look_at_providers(config: &Config, clock: &Clock, found: &mut Findings) {
    for (id, looked) in account::look_at_providers(&config.providers, &config.own_url(), clock).await {
        let what = format!("provider {id}");
        let redirect = format!("{}/sign-in/{id}/callback", config.own_url());
        match looked {
            Ok(()) => found.ok(what, format!("it answers as it must. Its redirect URI is {redirect}")),
            Err(why) => found.wrong(what, format!("nobody can sign in by it: {why}")),
        }
    }
}
