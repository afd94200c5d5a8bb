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
    match keys {
        0 => found.ok(WHAT, "none in the configuration: people make theirs on /account"),
        _ => found.ok(WHAT, format!("{keys} of {accounts} accounts, {signing} with a signing secret")),
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
