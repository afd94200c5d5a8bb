//! Addresses of webhooks: which may be set, and where each leads.
//!
//! One invariant: nothing is sent anywhere but to Discord, and to what an operator named. An address is a secret: whoever has
//! it may write there, so nothing shows it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use axum::http::Uri;

use crate::account::is_safe_address;
use crate::limits::WEBHOOK_URL_CHARS_MAX;

/// Discord, by all the names that it gives its webhooks: they are the same ones.
const DISCORD: [&str; 4] = ["discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"];
/// Characters of the secret at its end: Discord's have 68.
const TOKEN_CHARS_MAX: usize = 128;
/// Digits of an id: they are 64 bits.
const ID_CHARS_MAX: usize = 20;

/// A server that answers as Discord does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookHost {
    pub(super) is_https: bool,
    /// Its name, or its address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether an operator named it: then it may stand in a network of his own.
    pub(super) is_named: bool,
}

impl WebhookHost {
    fn discord() -> Self {
        Self { is_https: true, host: DISCORD[0].to_owned(), port: 443, is_named: false }
    }

    /// Its name or its address, without the brackets in which an address of the sixth version stands.
    pub(super) fn bare(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for WebhookHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_https, host, port, .. } = self;
        let (scheme, usual) = if *is_https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{host}")?;
        if *port == usual { Ok(()) } else { write!(f, ":{port}") }
    }
}

/// What an operator names: `https://chat.example`, or `http://127.0.0.1:8080` on this machine.
impl FromStr for WebhookHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Without what stands there: it may be the address of a webhook.
        let refused =
            || "what stands there is no server: name one like https://chat.example, without a path".to_owned();
        let uri = text.parse::<Uri>().map_err(|_| refused())?;
        if !is_safe_address(text) || uri.path() != "/" || uri.query().is_some() || text.ends_with('/') {
            return Err(refused());
        }
        server_of(&uri, true).ok_or_else(refused)
    }
}

fn server_of(uri: &Uri, is_named: bool) -> Option<WebhookHost> {
    let is_https = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority = uri.authority()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let port = match authority.port_u16() {
        Some(port) => port,
        // One that is no number, or an empty one.
        None if authority.as_str().ends_with(authority.host()) => {
            if is_https {
                443
            } else {
                80
            }
        }
        None => return None,
    };
    let host = authority.host();
    let host = match host.strip_prefix('[') {
        // In one way of several, by which two are known to be one.
        Some(rest) => format!("[{}]", rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None => host.to_ascii_lowercase(),
    };
    Some(WebhookHost { is_https, host, port, is_named })
}

/// The address of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WebhookAddress {
    pub(super) server: WebhookHost,
    id: String,
    token: String,
}

/// Without the secret.
impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookAddress").field("server", &self.server).finish_non_exhaustive()
    }
}

impl WebhookAddress {
    /// Reads one of Discord's, or of these servers; `None` if it is no such one.
    pub(super) fn read(text: &str, named: &[WebhookHost]) -> Option<Self> {
        let text = text.trim();
        if text.len() > WEBHOOK_URL_CHARS_MAX || text.contains(['#', '?', '%', '\\']) {
            return None;
        }
        let uri = text.parse::<Uri>().ok()?;
        let server = server_of(&uri, false)?;
        let is_discord = server.is_https && server.port == 443 && DISCORD.contains(&&*server.host);
        let is_same = |named: &&WebhookHost| {
            (named.is_https, &named.host, named.port) == (server.is_https, &server.host, server.port)
        };
        let server = if is_discord { WebhookHost::discord() } else { named.iter().find(is_same)?.clone() };
        let mut parts = uri.path().strip_prefix("/api/")?.split('/');
        let mut next = parts.next()?;
        if next.strip_prefix('v').is_some_and(|version| is_digits(version, 3)) {
            next = parts.next()?;
        }
        let (id, token) = (parts.next()?, parts.next()?);
        let is_token = (1..=TOKEN_CHARS_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if next != "webhooks" || parts.next().is_some() || !is_digits(id, ID_CHARS_MAX) || !is_token {
            return None;
        }
        Some(Self { server, id: id.to_owned(), token: token.to_owned() })
    }

    /// All of it, in the one way in which it is kept and compared.
    pub(super) fn whole(&self) -> String {
        let Self { server, id, token } = self;
        format!("{server}/api/webhooks/{id}/{token}")
    }

    /// Its path on the server, in the version of Discord's API that is spoken here.
    pub(super) fn path(&self) -> String {
        let Self { id, token, .. } = self;
        format!("/api/v10/webhooks/{id}/{token}")
    }
}

/// Whether it is a number as Discord names things.
pub(super) fn is_digits(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it can name a message.
pub(super) fn is_id(text: &str) -> bool {
    is_digits(text, ID_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "https://discord.com/api/webhooks/123456789012345678/a-Token_0";

    #[test]
    fn an_address_is_one_of_discord_or_of_a_server_that_is_named() {
        for same in [
            GOOD,
            " https://discord.com/api/v10/webhooks/123456789012345678/a-Token_0\n",
            "https://ptb.discord.com:443/api/webhooks/123456789012345678/a-Token_0",
            "https://Canary.Discord.com/api/webhooks/123456789012345678/a-Token_0",
            "https://discordapp.com/api/webhooks/123456789012345678/a-Token_0",
        ] {
            let read = WebhookAddress::read(same, &[]).map(|address| address.whole());
            assert_eq!(read.as_deref(), Some(GOOD), "{same}");
        }
        for bad in [
            "",
            "discord.com/api/webhooks/1/a",
            "http://discord.com/api/webhooks/1/a",
            "https://discord.com:8443/api/webhooks/1/a",
            "https://discord.com:/api/webhooks/1/a",
            "https://discord.com.evil.example/api/webhooks/1/a",
            "https://evil.example/api/webhooks/1/a",
            "https://discord.com@evil.example/api/webhooks/1/a",
            "https://me@discord.com/api/webhooks/1/a",
            "https://169.254.169.254/api/webhooks/1/a",
            "https://discord.com/api/webhooks/1",
            "https://discord.com/api/webhooks/1/",
            "https://discord.com/api/webhooks/one/a",
            "https://discord.com/api/webhooks/1/a/slack",
            "https://discord.com/api/webhooks/1/a?wait=true",
            "https://discord.com/api/webhooks/1/a#b",
            "https://discord.com/api/webhooks/1/..%2fb",
            "https://discord.com/api/webhooks/1/..",
            "https://discord.com/api/channels/1/a",
            "https://discord.com/webhooks/1/a",
            "file:///api/webhooks/1/a",
        ] {
            assert_eq!(WebhookAddress::read(bad, &[]), None, "{bad}");
        }
        let long = format!("https://discord.com/api/webhooks/1/{}", "a".repeat(TOKEN_CHARS_MAX + 1));
        assert_eq!(WebhookAddress::read(&long, &[]), None);
        let named: WebhookHost = "http://127.0.0.1:8080".parse().expect("a server");
        let here = "http://127.0.0.1:8080/api/webhooks/1/a";
        assert_eq!(WebhookAddress::read(here, &[]), None);
        let read = WebhookAddress::read(here, std::slice::from_ref(&named)).expect("it is named");
        assert_eq!((read.whole(), read.path()), (here.to_owned(), "/api/v10/webhooks/1/a".to_owned()));
        assert_eq!(WebhookAddress::read("http://127.0.0.1:8081/api/webhooks/1/a", &[named]), None);
        let sixth: WebhookHost = "https://[2606:4700::ab]".parse().expect("a server");
        let same = "https://[2606:4700:0::AB]:443/api/webhooks/1/a";
        let read = WebhookAddress::read(same, &[sixth]).expect("it is named");
        assert_eq!(read.whole(), "https://[2606:4700::ab]/api/webhooks/1/a");
        assert_eq!(read.server.bare(), "2606:4700::ab");
    }

    #[test]
    fn nothing_shows_the_secret() {
        let address = WebhookAddress::read(GOOD, &[]).expect("it is good");
        assert!(!format!("{address:?}").contains("Token"), "{address:?}");
    }

    #[test]
    fn a_server_is_named_without_a_path_and_where_nobody_listens() {
        for (named, shown) in [
            ("https://chat.example", "https://chat.example"),
            ("https://chat.example:8443", "https://chat.example:8443"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("https://[2606:4700::1]", "https://[2606:4700::1]"),
            ("https://[2606:4700:0:0:0:0:0:AB]:8443", "https://[2606:4700::ab]:8443"),
        ] {
            assert_eq!(named.parse::<WebhookHost>().map(|host| host.to_string()).as_deref(), Ok(shown));
        }
        for bad in [
            "",
            "chat.example",
            "http://chat.example",
            "http://[2606:4700::1]",
            "https://chat.example/",
            "https://chat.example/a",
            "https://[chat.example]",
            "https://2606:4700::1",
            "https://[2606:4700::1",
            "ftp://a",
        ] {
            let refused = bad.parse::<WebhookHost>().expect_err(bad);
            assert!(refused.contains("name one like https://chat.example"), "{bad}: {refused}");
        }
        let told = GOOD.parse::<WebhookHost>().expect_err("it is a webhook's address");
        assert!(!told.contains("Token"), "{told}");
    }
}
