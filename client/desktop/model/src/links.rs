//! Which links may be opened, and those that the app makes itself.
//!
//! Pure. One invariant: nothing is opened but a page of the relay whose address the user gave, and what is opened is
//! what was looked at, as browsers read it.

use raidcast::keys::named;
use raidcast::relay_link::InvitationSecret;
use url::Url;

/// Why a link is not opened; it can be copied all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// There is none now.
    Missing,
    /// It is no link of the web.
    NoLink,
    /// It leads elsewhere than to the relay whose address was given.
    Elsewhere {
        /// To which computer.
        host: String,
    },
}

/// The link as a browser is to be given it, if it is one of the relay's.
///
/// # Errors
/// Why not.
pub fn may_open(link: &str, relay: &str) -> Result<String, LinkFault> {
    let link = Url::parse(link.trim()).map_err(|_| LinkFault::NoLink)?;
    let relay = base(relay).ok_or(LinkFault::NoLink)?;
    let host = link.host_str().unwrap_or_default();
    if !matches!(link.scheme(), "http" | "https") || host.is_empty() {
        return Err(LinkFault::NoLink);
    }
    // Signs before an @ make a link look like another one.
    if !link.username().is_empty() || link.password().is_some() {
        return Err(LinkFault::NoLink);
    }
    let same = link.scheme() == relay.scheme()
        && link.host_str() == relay.host_str()
        && link.port_or_known_default() == relay.port_or_known_default();
    let below = link.path().strip_prefix(relay.path().trim_end_matches('/'));
    match same && below.is_some_and(|rest| rest.starts_with('/') || rest.is_empty()) {
        true => Ok(link.into()),
        false => Err(LinkFault::Elsewhere { host: host.to_owned() }),
    }
}

/// Whether a link may be opened.
pub fn opens(link: &str, relay: &str) -> bool {
    may_open(link, relay).is_ok()
}

/// Whether a link lets in whoever has it.
pub(crate) fn has_ticket(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| query.split(['&', '#']).any(|part| part.starts_with("ticket=")))
}

/// The relay's page of one's own account.
///
/// # Errors
/// `NoLink`: the relay's address is none.
pub fn account(relay: &str) -> Result<String, LinkFault> {
    page(relay, "account").map(Into::into)
}

/// The relay's page where a code is confirmed. Made here and not as the relay says: it may know its own address
/// otherwise.
///
/// # Errors
/// As [`account`].
pub fn pair(relay: &str, code: &str) -> Result<String, LinkFault> {
    let mut page = page(relay, "pair")?;
    page.query_pairs_mut().append_pair("code", code);
    Ok(page.into())
}

/// The same page as people type it, without the code.
///
/// # Errors
/// As [`account`].
pub fn pair_page(relay: &str) -> Result<String, LinkFault> {
    page(relay, "pair").map(Into::into)
}

/// The page where somebody joins who has an invitation, and then confirms a code.
///
/// # Errors
/// As [`account`].
pub fn join(relay: &str, invitation: &InvitationSecret, code: &str) -> Result<String, LinkFault> {
    let mut page = page(relay, "sign-in")?;
    let next = Url::parse(&pair(relay, code)?).map_err(|_| LinkFault::NoLink)?;
    let next = format!("{}?{}", next.path(), next.query().unwrap_or_default());
    page.query_pairs_mut().append_pair("next", &next);
    page.set_fragment(Some(&format!("invitation={}", invitation.expose())));
    Ok(page.into())
}

/// Whether anybody on the way can read what is sent to a relay: it is spoken to in http, and is not this computer.
pub fn is_plain(relay: &str) -> bool {
    let Some(relay) = base(relay) else { return false };
    let is_here = match relay.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    relay.scheme() == "http" && !is_here
}

fn base(relay: &str) -> Option<Url> {
    Url::parse(&named(relay)).ok().filter(|relay| matches!(relay.scheme(), "http" | "https"))
}

fn page(relay: &str, name: &str) -> Result<Url, LinkFault> {
    let mut page = base(relay).ok_or(LinkFault::NoLink)?;
    let path = format!("{}/{name}", page.path().trim_end_matches('/'));
    page.set_path(&path);
    Ok(page)
}

#[cfg(test)]
mod tests {
    use raidcast::relay_link::relay_of;

    use super::*;

    const RELAY: &str = "https://raids.example/cast";

    #[test]
    fn only_the_relays_own_pages_are_opened() {
        for link in [
            "https://raids.example/cast",
            "https://raids.example/cast/live/x?ticket=t#a",
            "HTTPS://RAIDS.example:443/cast/reports/1",
        ] {
            assert!(opens(link, RELAY) && opens(link, "wss://raids.example/cast/"), "{link}");
        }
        for link in [
            "https://raids.example/other",
            "https://raids.example/cast/../other",
            "https://raids.example/castle",
            "http://raids.example/cast/live/x",
            "https://raids.example:8443/cast/live/x",
            "https://raids.example.evil/cast/live/x",
            "https://evil.example/cast/live/x",
            r"https://evil.example\raids.example/cast/live/x",
        ] {
            assert!(matches!(may_open(link, RELAY), Err(LinkFault::Elsewhere { .. })), "{link}");
        }
        for link in [
            "",
            "raids.example/cast",
            "file:///cast/x",
            "javascript:alert(1)//raids.example/cast",
            "https://raids.example@evil.example/cast/",
            "https://user@raids.example/cast/live/x",
            r"https:\\",
        ] {
            assert_eq!(may_open(link, RELAY), Err(LinkFault::NoLink), "{link}");
        }
        assert_eq!(may_open("https://raids.example/cast", "no address"), Err(LinkFault::NoLink));
        let other = may_open("http://192.168.0.7:8787/raids/x", "http://relay.lan:8787");
        assert_eq!(other, Err(LinkFault::Elsewhere { host: "192.168.0.7".into() }));
    }

    #[test]
    fn pages_are_those_of_the_address_that_was_given_and_can_be_opened() {
        assert_eq!(account(RELAY).unwrap(), "https://raids.example/cast/account");
        assert_eq!(account("http://127.0.0.1:8787").unwrap(), "http://127.0.0.1:8787/account");
        assert_eq!(pair(RELAY, "BC&F-=1").unwrap(), "https://raids.example/cast/pair?code=BC%26F-%3D1");
        let link = relay_of("https://raids.example/cast/sign-in#invitation=s3cret_-").unwrap();
        let join = join(&link.relay, link.invitation.as_ref().unwrap(), "BCDF").unwrap();
        assert_eq!(join, "https://raids.example/cast/sign-in?next=%2Fcast%2Fpair%3Fcode%3DBCDF#invitation=s3cret_-");
        assert!(opens(&join, RELAY));
        assert_eq!(account("nonsense"), Err(LinkFault::NoLink));
    }

    #[test]
    fn who_can_be_listened_to_is_known() {
        for plain in ["http://raids.example", "http://192.168.0.7:8787", "ws://raids.example"] {
            assert!(is_plain(plain), "{plain}");
        }
        for kept in ["https://raids.example", "http://localhost:8787", "http://127.0.0.1", "http://[::1]:1", "x"] {
            assert!(!is_plain(kept), "{kept}");
        }
    }
}
