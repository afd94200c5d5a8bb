//! What people paste where a relay's address belongs: the address, a link to one of its pages, an invitation.
//!
//! Pure: nobody is asked. One invariant: what stands behind a `?` or a `#`, and what has an `@`, may be a secret, and is
//! in no error.

use std::net::Ipv4Addr;

use crate::keys::named;
use crate::socket::{AddressError, RelayAddress, WrongUrl};

/// A longer text is no invitation's secret.
const SECRET_CHARS_MAX: usize = 200;

/// What a text says of a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayLink {
    /// The relay's address, as keys are kept for it: http or https, without a slash at its end.
    pub relay: String,
    /// The secret of an invitation, if the text is one.
    pub invitation: Option<InvitationSecret>,
}

/// Whoever has it may join a relay: it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationSecret(String);

impl InvitationSecret {
    /// As it stands behind `#invitation=`: letters and digits, `-` and `_`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for InvitationSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvitationSecret").finish_non_exhaustive()
    }
}

/// The relay that a text leads to: its address, a link to any of its pages, or the name of its computer alone. A name
/// alone is spoken to in https, but for this computer's own, which nobody listens in on.
///
/// # Errors
/// No relay's address can be made of it. Neither its query nor what an invitation holds is told.
pub fn relay_of(text: &str) -> Result<RelayLink, AddressError> {
    // What chats and mails put around links.
    let text = text.trim().trim_matches(['<', '>', '"', '\'']).trim();
    if text.contains('@') {
        return Err(AddressError::Url { url: String::new(), why: WrongUrl::Secret });
    }
    let (address, behind) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let wrong = |why| AddressError::Url { url: address.to_owned(), why };
    let (scheme, rest) = match address.split_once("://") {
        Some(parts) => parts,
        None if is_this_computer(address.split('/').next().unwrap_or_default()) => ("http", address),
        None => ("https", address),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() {
        return Err(wrong(WrongUrl::Host));
    }
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let page = (0..path.len()).find(|at| is_page(&path[*at..])).unwrap_or(path.len());
    let relay = [&[host][..], &path[..page]].concat().join("/");
    let relay = named(&format!("{scheme}://{relay}"));
    RelayAddress::check(&relay).map_err(|error| match error {
        AddressError::Url { why, .. } => wrong(why),
        AddressError::Key => AddressError::Key,
    })?;
    Ok(RelayLink { relay, invitation: invitation(behind) })
}

/// Whether this is where a page of the relay begins, or its API; else it belongs to the relay's own address.
fn is_page(path: &[&str]) -> bool {
    matches!(
        path,
        ["live" | "raids" | "reports", _, ..]
            | ["overlay", "live" | "raids", _, ..]
            | ["api", "v1", ..]
            | ["docs", "api"]
            | ["account" | "index.html" | "overlay-builder" | "pair" | "removal" | "search" | "sign-in"]
    )
}

/// The secret of an invitation in what stands behind an address.
fn invitation(behind: &str) -> Option<InvitationSecret> {
    let (_, fragment) = behind.split_once('#')?;
    let secret = fragment.split('&').find_map(|part| part.strip_prefix("invitation="))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_one = (1..=SECRET_CHARS_MAX).contains(&secret.len()) && secret.bytes().all(is_plain);
    is_one.then(|| InvitationSecret(secret.to_owned()))
}

fn is_this_computer(host: &str) -> bool {
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let name = port.map_or(host, |(name, _)| name);
    let is_loopback = |name: &str| name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || name == "[::1]" || is_loopback(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

    fn relay(text: &str) -> String {
        relay_of(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).relay
    }

    #[test]
    fn an_address_is_one_however_it_was_typed() {
        for (text, expected) in [
            ("https://raids.example", "https://raids.example"),
            (" https://raids.example/ \n", "https://raids.example"),
            ("HTTPS://Raids.Example:443/Cast/", "https://raids.example/Cast"),
            ("wss://raids.example", "https://raids.example"),
            ("<http://raids.example:8787>", "http://raids.example:8787"),
            ("raids.example", "https://raids.example"),
            ("raids.example:8443/cast", "https://raids.example:8443/cast"),
            ("192.168.0.7:8787", "https://192.168.0.7:8787"),
            ("localhost:8787", "http://localhost:8787"),
            ("127.0.0.1:8787/account", "http://127.0.0.1:8787"),
            ("[::1]:8787", "http://[::1]:8787"),
            ("[::1]", "http://[::1]"),
            ("https://localhost", "https://localhost"),
        ] {
            assert_eq!(relay(text), expected, "{text}");
        }
    }

    #[test]
    fn each_page_of_a_relay_leads_to_it() {
        let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let assets = std::fs::read_to_string(manifest.join("../relay/src/assets.rs")).unwrap();
        let alias = |line: &str| Some(line.trim().strip_prefix(".add_alias(\"")?.split('"').next()?.to_owned());
        let pages: Vec<_> = assets.lines().filter_map(alias).map(|page| page.replace(['{', '}'], "")).collect();
        assert!(pages.len() >= 8, "{pages:?}");
        for page in pages.iter().map(String::as_str).chain(["/", "/index.html", "/api/v1/uplink", "/reports/a/b"]) {
            for base in ["https://raids.example", "https://raids.example/cast", "http://raids.example:8787/live"] {
                for behind in ["", "/", "?ticket=secret", "?next=https://other.example/live/x", "#t=5-9"] {
                    let text = format!("{base}{page}{behind}");
                    // Whoever keeps a relay below such a name has pages that cannot be told from others.
                    let expected =
                        if base.ends_with("/live") && page != "/" { "http://raids.example:8787" } else { base };
                    assert_eq!(relay(&text), expected, "{text}");
                }
            }
        }
        assert_eq!(relay("https://raids.example/live"), "https://raids.example/live");
        assert_eq!(relay("https://raids.example/account/cast"), "https://raids.example/account/cast");
    }

    #[test]
    fn an_invitation_has_its_relay_and_a_secret_that_is_shown_nowhere() {
        for text in [
            format!("https://raids.example/cast/sign-in#invitation={SECRET}"),
            format!("https://raids.example/cast/sign-in?next=/pair#invitation={SECRET}"),
            format!("raids.example/cast/sign-in/?x#a=b&invitation={SECRET}&c"),
        ] {
            let link = relay_of(&text).unwrap();
            assert_eq!(link.relay, "https://raids.example/cast");
            assert_eq!(link.invitation.as_ref().map(InvitationSecret::expose), Some(SECRET));
            assert!(!format!("{link:?}").contains(SECRET));
        }
        let long = "a".repeat(SECRET_CHARS_MAX + 1);
        for behind in ["", "#", "#invitation=", "#invitation=a%20b", "?invitation=abc", &format!("#invitation={long}")]
        {
            let text = format!("https://raids.example/sign-in{behind}");
            assert_eq!(relay_of(&text).unwrap().invitation, None, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_without_a_secret() {
        for (text, shown, why) in [
            ("", "", WrongUrl::Host),
            (" <> ", "", WrongUrl::Host),
            ("https://", "https://", WrongUrl::Host),
            ("https:///account", "https:///account", WrongUrl::Host),
            ("?ticket=secret", "", WrongUrl::Host),
            ("a b", "a b", WrongUrl::Host),
            ("ftp://x/sign-in#invitation=secret", "ftp://x/sign-in", WrongUrl::Scheme("ftp".into())),
            ("raids.example:99999?ticket=secret", "raids.example:99999", WrongUrl::Port),
            ("https://secret@raids.example", "", WrongUrl::Secret),
            ("https://raids.example/#secret@raids.example", "", WrongUrl::Secret),
        ] {
            assert_eq!(relay_of(text), Err(AddressError::Url { url: shown.to_owned(), why }), "{text}");
        }
    }
}
