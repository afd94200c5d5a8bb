//! Where a relay is, as somebody gives it, and the key that it knows the user by.
//!
//! One invariant: the key is shown nowhere, and neither is what may be one.

use raidcast_shared::uplink::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, Uri};

use crate::trust::Trust;

/// Where the relay is, and the key it knows the user by.
#[derive(Clone)]
pub struct RelayAddress {
    request: Request<()>,
    trust: Trust,
}

impl std::fmt::Debug for RelayAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        write!(f, "RelayAddress({})", self.request.uri())
    }
}

/// An address or key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum AddressError {
    /// No http, https, ws or wss URL.
    Url {
        /// What was given; nothing of one that may hold a secret.
        url: String,
        /// What is wrong with it.
        why: WrongUrl,
    },
    /// Characters that no key has.
    Key,
}

/// What is wrong with a relay's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongUrl {
    /// It has a name or a key before an @.
    Secret,
    /// It has no http:// or https://.
    NoScheme,
    /// Relays do not speak this.
    Scheme(String),
    /// It has a ? or a # in it.
    Query,
    /// It has no host, or a character that no address has.
    Host,
    /// It has no host, or a port that there is not.
    Port,
    /// It is one of the relay's pages.
    Page {
        /// The relay's address.
        relay: String,
        /// What stands behind it.
        page: String,
    },
}

impl RelayAddress {
    /// The uplink of the relay at `url`, spoken to with `key`, where somebody trusted vouches for it.
    pub fn new(url: &str, key: &str, trust: Trust) -> Result<Self, AddressError> {
        let mut request = uplink_of(url)?;
        let mut key = HeaderValue::from_str(key).map_err(|_| AddressError::Key)?;
        key.set_sensitive(true);
        request.headers_mut().insert("x-api-key", key);
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        Ok(Self { request, trust })
    }

    /// Whether this may be a relay's address: nobody is asked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(url: &str) -> Result<(), AddressError> {
        uplink_of(url).map(drop)
    }

    /// What opens its uplink.
    pub(super) fn request(&self) -> &Request<()> {
        &self.request
    }

    /// Who vouches for it.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Where plain requests of a path go, and the key, which is never shown.
    pub(crate) fn at(&self, path: &str) -> (Uri, HeaderValue) {
        let uplink = self.request.uri().to_string();
        let relay = uplink.trim_end_matches("/api/v1/uplink").replacen("ws", "http", 1);
        let uri = format!("{relay}{path}").parse().expect("an address with another path");
        let key = self.request.headers().get("x-api-key").cloned().expect("each has its key");
        (uri, key)
    }
}

/// What of an address without its scheme is a page of the relay, to its end.
fn page_of(rest: &str) -> Option<&str> {
    let begins = |path: &str| {
        let path = path.trim_start_matches('/');
        // What is shown stands behind these; the others are pages by themselves.
        ["live/", "raids/", "reports/", "docs/"].iter().any(|page| path.starts_with(page))
            || ["account", "removal"].contains(&path.trim_end_matches('/'))
    };
    let path = &rest[rest.find('/')?..];
    path.match_indices('/').map(|(at, _)| &path[at..]).find(|&path| begins(path))
}

/// The uplink of the relay at `url`, without a key.
fn uplink_of(url: &str) -> Result<Request<()>, AddressError> {
    // What stands before an @ may be a secret: it is neither used nor shown.
    if url.contains('@') {
        return Err(AddressError::Url { url: String::new(), why: WrongUrl::Secret });
    }
    let wrong = |why| AddressError::Url { url: url.trim().to_owned(), why };
    let (scheme, rest) = url.trim().split_once("://").ok_or_else(|| wrong(WrongUrl::NoScheme))?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        other => return Err(wrong(WrongUrl::Scheme(other.to_owned()))),
    };
    if rest.contains(['?', '#']) {
        return Err(wrong(WrongUrl::Query));
    }
    if let Some(page) = page_of(rest) {
        let (relay, page) = url.trim().split_at(url.trim().len() - page.len());
        return Err(wrong(WrongUrl::Page { relay: relay.to_owned(), page: page.to_owned() }));
    }
    let uplink = format!("{scheme}://{}/api/v1/uplink", rest.trim_end_matches('/'));
    let request = uplink.into_client_request().map_err(|_| wrong(WrongUrl::Host))?;
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if request.uri().host().is_none_or(str::is_empty) || !is_port {
        return Err(wrong(WrongUrl::Port));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_the_uplink() {
        let uri =
            |url: &str| RelayAddress::new(url, "key", Trust::public()).map(|address| address.request.uri().to_string());
        assert_eq!(uri("http://127.0.0.1:8787").unwrap(), "ws://127.0.0.1:8787/api/v1/uplink");
        assert_eq!(uri("https://raids.example/cast/").unwrap(), "wss://raids.example/cast/api/v1/uplink");
        assert_eq!(uri("HTTP://127.0.0.1:8787").unwrap(), "ws://127.0.0.1:8787/api/v1/uplink");
        assert!(uri("https://account.example/live").is_ok() && uri("https://x/accounts").is_ok());
        for (wrong, why) in [
            (" ", WrongUrl::NoScheme),
            ("127.0.0.1:8787", WrongUrl::NoScheme),
            ("ftp://x", WrongUrl::Scheme("ftp".into())),
            ("http://", WrongUrl::Host),
            ("http://x/?y=1", WrongUrl::Query),
            ("http://x:0", WrongUrl::Port),
            ("http://x:99999", WrongUrl::Port),
            ("http://a b", WrongUrl::Host),
            ("http://x/account", WrongUrl::Page { relay: "http://x".into(), page: "/account".into() }),
            ("https://x/cast/live/abc", WrongUrl::Page { relay: "https://x/cast".into(), page: "/live/abc".into() }),
        ] {
            assert_eq!(uri(wrong), Err(AddressError::Url { url: wrong.trim().to_owned(), why }));
        }
        assert_eq!(RelayAddress::new("http://x", "a\nb", Trust::public()).unwrap_err(), AddressError::Key);
        let secret = AddressError::Url { url: String::new(), why: WrongUrl::Secret };
        assert_eq!(RelayAddress::new("http://very-secret@x", "key", Trust::public()).unwrap_err(), secret);
        let at =
            |url| RelayAddress::new(url, "key", Trust::public()).unwrap().at("/api/v1/encounters?a=b").0.to_string();
        assert_eq!(at("http://127.0.0.1:8787"), "http://127.0.0.1:8787/api/v1/encounters?a=b");
        assert_eq!(at("wss://ws.example/ws/"), "https://ws.example/ws/api/v1/encounters?a=b");
        let address = RelayAddress::new("http://x", "very-secret", Trust::public()).unwrap();
        assert!(!format!("{address:?}").contains("very-secret"));
    }
}
