//! The cookie by which a browser is signed in, and whether a request comes from a page of our own.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// What the cookie is called where the connection is safe: browsers then let no other site, and no plain connection, set it.
const SAFE_NAME: &str = "__Host-raidcast";
/// And where it is not: over plain HTTP in a local network browsers refuse the other.
const PLAIN_NAME: &str = "raidcast";

/// By which a browser is known that somebody signed in with: see [`Cookies::read_known`].
const KNOWN: &str = "-known";

/// By which a browser is known that began a sign-in by a provider.
const TRIP: &str = "-trip";
/// By which a browser is known whose owner chooses a name.
const NEWCOMER: &str = "-newcomer";

/// What a browser keeps for some minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brief {
    /// That it began a sign-in by a provider.
    Trip,
    /// That somebody came from a provider with it, and has not joined yet.
    Newcomer,
}

impl Brief {
    fn suffix(self) -> &'static str {
        match self {
            Self::Trip => TRIP,
            Self::Newcomer => NEWCOMER,
        }
    }
}

/// Writes and reads the cookies, and knows pages of the relay.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// The relay's links begin with `https`.
    https: bool,
    /// What they begin with, up to the path, as browsers name it.
    origin: String,
}

impl Cookies {
    /// Of a relay whose links begin with this.
    pub fn of(public_url: &str) -> Self {
        let uri = public_url.parse::<Uri>().unwrap_or_default();
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", Authority::as_str));
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default_port).unwrap_or(host);
        Self { https: scheme == "https", origin: format!("{scheme}://{host}").to_ascii_lowercase() }
    }

    /// Whether the browser takes this connection for safe.
    fn is_safe(&self, headers: &HeaderMap) -> bool {
        self.https || authority(headers).is_some_and(|host| is_this_machine(host.host()))
    }

    fn name(&self, headers: &HeaderMap) -> &'static str {
        if self.is_safe(headers) { SAFE_NAME } else { PLAIN_NAME }
    }

    /// The secret in a request's cookie. Two of one name are none: somebody put one of them there.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        Self::named(headers, self.name(headers))
    }

    /// What a browser was given that somebody signed in with before: it outlasts his sessions.
    pub fn read_known<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        Self::named(headers, &format!("{}{KNOWN}", self.name(headers)))
    }

    fn named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut ours = cookies.flat_map(|value| value.split(';')).filter_map(|cookie| {
            let (of, value) = cookie.split_once('=')?;
            (of.trim() == name).then_some(value.trim())
        });
        let secret = ours.next()?;
        ours.next().is_none().then_some(secret)
    }

    /// Has the browser keep a secret.
    pub fn set(&self, headers: &HeaderMap, secret: &str, seconds: i64) -> Option<HeaderValue> {
        self.written(headers, self.name(headers), secret, seconds)
    }

    /// Has it keep by what it is known.
    pub fn set_known(&self, headers: &HeaderMap, known: &str, seconds: i64) -> Option<HeaderValue> {
        self.written(headers, &format!("{}{KNOWN}", self.name(headers)), known, seconds)
    }

    /// What a browser keeps for some minutes.
    pub(super) fn read_brief<'a>(&self, headers: &'a HeaderMap, what: Brief) -> Option<&'a str> {
        Self::named(headers, &format!("{}{}", self.name(headers), what.suffix()))
    }

    /// Has it keep that; nothing for no time has it forget.
    pub(super) fn set_brief(
        &self,
        headers: &HeaderMap,
        what: Brief,
        secret: &str,
        seconds: i64,
    ) -> Option<HeaderValue> {
        self.written(headers, &format!("{}{}", self.name(headers), what.suffix()), secret, seconds)
    }

    /// Whether a page asks that has the address with which the relay's links begin.
    pub(super) fn is_at_home(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_none_or(|origin| origin.eq_ignore_ascii_case(&self.origin))
    }

    fn written(&self, headers: &HeaderMap, name: &str, secret: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if self.is_safe(headers) { "; Secure" } else { "" };
        let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    /// Has it forget.
    pub fn clear(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.set(headers, "", 0)
    }

    /// Whether a request was made by a page of this relay: browsers say so, and programs that send no cookie need not.
    pub fn is_own_page(&self, headers: &HeaderMap) -> bool {
        match headers.get(SITE) {
            Some(site) => site == "same-origin",
            // Over plain HTTP by an address of a local network browsers say nothing but this.
            None => self.is_own_origin(headers),
        }
    }

    /// Whether a page of another site made a request, as far as browsers say so: its cookie counts for nothing then. A link
    /// on another site's page that somebody follows is his own request.
    pub fn is_foreign_page(&self, headers: &HeaderMap) -> bool {
        match headers.get(SITE) {
            Some(site) if site == "same-origin" || site == "none" => false,
            Some(_) => headers.get("sec-fetch-mode").is_none_or(|mode| mode != "navigate"),
            None => headers.contains_key(header::ORIGIN) && !self.is_own_origin(headers),
        }
    }

    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
        if origin.eq_ignore_ascii_case(&self.origin) {
            return true;
        }
        // By another address of its than its links have: one that is as safe as those.
        let uri = origin.parse::<Uri>().unwrap_or_default();
        let is_as_safe = !self.https || uri.scheme_str() == Some("https");
        is_as_safe && uri.authority().is_some() && uri.authority() == authority(headers).as_ref()
    }
}

/// By this browsers say whose page asks.
const SITE: &str = "sec-fetch-site";

fn authority(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_cookie_is_safe_wherever_the_browser_lets_it() {
        let https = Cookies::of("https://raids.example");
        let plain = Cookies::of("http://192.0.2.1:8787");
        for (cookies, host, safe) in [
            (&https, "raids.example", true),
            (&plain, "127.0.0.1:8787", true),
            (&plain, "[::1]:8787", true),
            (&plain, "localhost:8787", true),
            (&plain, "192.0.2.1:8787", false),
            (&plain, "localhost.example", false),
        ] {
            let headers = headers(&[("host", host)]);
            let set = cookies.set(&headers, "abc", 60).unwrap();
            let set = set.to_str().unwrap();
            let begins = if safe { "__Host-raidcast=abc; Path=/; " } else { "raidcast=abc; Path=/; " };
            assert!(set.starts_with(begins) && set.contains("HttpOnly; SameSite=Lax; Max-Age=60"), "{host}: {set}");
            assert_eq!(set.ends_with("; Secure"), safe, "{host}: {set}");
        }
    }

    #[test]
    fn one_cookie_is_read_and_of_two_none() {
        let cookies = Cookies::of("https://raids.example");
        let read = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            cookies.read(&headers(&lines)).map(str::to_owned)
        };
        assert_eq!(read(&["a=b; __Host-raidcast=secret; c=d"]).as_deref(), Some("secret"));
        assert_eq!(read(&["a=b", "__Host-raidcast=secret"]).as_deref(), Some("secret"));
        assert_eq!(read(&["raidcast=secret"]), None);
        assert_eq!(read(&["__Host-raidcast=one; __Host-raidcast=two"]), None);
        assert_eq!(read(&["__Host-raidcast=one", "__Host-raidcast=one"]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_page_is_our_own_if_the_browser_says_so() {
        let cookies = Cookies::of("https://raids.example/");
        let host = ("host", "raids.example");
        for (lines, own) in [
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![("host", "127.0.0.1"), ("sec-fetch-site", "same-origin"), ("origin", "https://raids.example")], true),
            (vec![host, ("sec-fetch-site", "same-site"), ("origin", "https://raids.example")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("origin", "https://raids.example")], true),
            // A proxy that changes the host; a page that came by plain HTTP.
            (vec![("host", "127.0.0.1:8787"), ("origin", "https://raids.example")], true),
            (vec![host, ("origin", "http://raids.example")], false),
            (vec![host, ("origin", "https://raids.example.evil.example")], false),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host], false),
            (vec![("origin", "https://evil.example")], false),
        ] {
            let headers = headers(&lines);
            assert_eq!(cookies.is_own_page(&headers), own, "{lines:?}");
            assert!(!own || !cookies.is_foreign_page(&headers), "{lines:?}");
        }
        let plain = Cookies::of("http://127.0.0.1:8787");
        let lan = |origin| headers(&[("host", "192.0.2.1:8787"), ("origin", origin)]);
        assert!(plain.is_own_page(&lan("http://192.0.2.1:8787")) && !plain.is_own_page(&lan("http://192.0.2.1")));
        // Whose cookie counts: who follows a link is himself, what another page asks for is not.
        for (lines, foreign) in [
            (vec![host], false),
            (vec![host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false),
            (vec![host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], true),
            (vec![host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "websocket")], true),
            (vec![host, ("sec-fetch-site", "same-site")], true),
            (vec![host, ("origin", "https://evil.example")], true),
        ] {
            assert_eq!(cookies.is_foreign_page(&headers(&lines)), foreign, "{lines:?}");
        }
    }
}
