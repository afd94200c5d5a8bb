//! A provider, as an operator sets it.

use std::fmt;
use std::net::IpAddr;

use axum::http::Uri;

/// A secret that this relay and a provider share.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Takes it as it was set.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for a request to the provider.
    pub(super) fn told(&self) -> &str {
        &self.0
    }
}

/// Without it.
impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// How a provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// By OpenID Connect.
    OpenId {
        /// What it calls itself, and where it describes itself.
        issuer: String,
    },
    /// As Discord is.
    Discord {
        /// Where it is, without a slash at its end.
        base_url: String,
    },
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSetting {
    /// Names it in addresses, and in the table of sign-ins.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How it is asked.
    pub kind: ProviderKind,
    /// What it calls this relay.
    pub client_id: String,
    /// What proves to it that it is this relay.
    pub client_secret: ClientSecret,
}

/// Whether nobody between reads what is sent to an address: HTTPS, or this machine.
pub(crate) fn is_safe_address(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let names_a_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !host.is_empty()
        && !names_a_user
        && !address.contains('#')
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_here,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_safe_by_https_or_on_this_machine() {
        for safe in [
            "https://sso.example",
            "https://sso.example/realms/a?b=c",
            "http://127.0.0.1:8080/a",
            "http://[::1]:80",
            "http://localhost:1",
        ] {
            assert!(is_safe_address(safe), "{safe}");
        }
        for unsafe_one in [
            "",
            "sso.example",
            "http://sso.example",
            "http://192.0.2.1",
            "http://localhost.example",
            "https://",
            "https://me:secret@sso.example",
            "https://sso.example/#a",
            "file:///etc/passwd",
            "ftp://127.0.0.1",
        ] {
            assert!(!is_safe_address(unsafe_one), "{unsafe_one}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let setting = ProviderSetting {
            id: "sso".into(),
            title: "Guild".into(),
            kind: ProviderKind::OpenId { issuer: "https://sso.example".into() },
            client_id: "raidcast".into(),
            client_secret: ClientSecret::new("very-secret"),
        };
        let shown = format!("{setting:?} {setting:#?}");
        assert!(shown.contains("raidcast") && !shown.contains("very-secret"), "{shown}");
    }
}
