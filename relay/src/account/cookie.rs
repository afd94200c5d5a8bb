//! The cookie by which a browser is signed in, and whether a request comes from a page of our own.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// What the cookie is called where the connection is safe: browsers then let no other site, and no plain connection, set it.
const SAFE_NAME: &str = "__Host-raidcast";
/// And where it is not: over plain HTTP in a local network browsers refuse the other.
const PLAIN_NAME: &str = "raidcast";

/// Writes and reads the cookie.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// The relay's links begin with `https`.
    https: bool,
}

impl Cookies {
    /// Of a relay whose links begin with this.
    pub fn of(public_url: &str) -> Self {
        let scheme = public_url.parse::<Uri>().ok().and_then(|uri| uri.scheme_str().map(str::to_owned));
        Self { https: scheme.as_deref() == Some("https") }
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
        let name = self.name(headers);
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
        let secure = if self.is_safe(headers) { "; Secure" } else { "" };
        let name = self.name(headers);
        let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    /// Has it forget.
    pub fn clear(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.set(headers, "", 0)
    }
}

fn authority(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a request was made by a page of this relay: browsers say so, and programs that send no cookie need not.
pub(crate) fn is_own_page(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    // Over plain HTTP by an address of a local network browsers say nothing but this.
    is_own_origin(headers)
}

fn is_own_origin(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()?.parse::<Uri>().ok());
    let (Some(origin), Some(host)) = (origin, authority(headers)) else { return false };
    origin.authority() == Some(&host)
}

/// Whether a page of another site made a request, as far as browsers say so: its cookie counts for nothing then. Browsers
/// send none with most of these, but who may read what is private is not left to them alone.
pub(crate) fn is_foreign_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) && !is_own_origin(headers)
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
        let host = ("host", "raids.example");
        for (lines, own) in [
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "same-site"), ("origin", "https://raids.example")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("origin", "https://raids.example")], true),
            (vec![host, ("origin", "https://raids.example.evil.example")], false),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![("host", "192.0.2.1:8787"), ("origin", "http://192.0.2.1:8787")], true),
            (vec![("host", "192.0.2.1:8787"), ("origin", "http://192.0.2.1")], false),
            (vec![host], false),
            (vec![("origin", "https://raids.example")], false),
        ] {
            let headers = headers(&lines);
            assert_eq!(is_own_page(&headers), own, "{lines:?}");
            // Without an origin nobody says that it is another's.
            assert!(!own || !is_foreign_page(&headers) || !headers.contains_key("origin"), "{lines:?}");
        }
    }
}
