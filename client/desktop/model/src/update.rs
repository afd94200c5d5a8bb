//! Updates as far as they need no network: where a channel file may lie, and what can go wrong with one.
//!
//! One invariant: everything of an update comes over HTTPS, also from this computer itself.

use url::Url;

/// Where a relay's operator has the channel file, below the relay's address.
const AT_RELAY: &str = "downloads/raidcast-desktop.json";

/// Why there is no update, or why it is not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateFault {
    /// This build knows no key of releases.
    NoKey,
    /// Where updates are looked for is no address.
    Address {
        /// What stands there.
        url: String,
    },
    /// It does not begin with `https://`.
    Insecure {
        /// Whose address.
        at: String,
    },
    /// What answers there cannot be reached, or not safely.
    Unreachable {
        /// Whose address.
        at: String,
        /// In the words of what failed.
        why: String,
    },
    /// It sends everybody on, too often or to an address that is not safe.
    Moved {
        /// Whose address.
        at: String,
    },
    /// It answers something else.
    Status {
        /// Whose address.
        at: String,
        /// The status of HTTP.
        status: u16,
    },
    /// It sends more than an update has.
    TooLarge {
        /// Whose address.
        at: String,
        /// An update has so many MiB at the most.
        mib: u64,
    },
    /// It has none for a computer like this one.
    NoPackage {
        /// Which version.
        version: String,
    },
    /// This copy of the app was not installed in a way that can be updated.
    ByHand {
        /// Which version there is.
        version: String,
    },
    /// What came is not what was signed.
    Tampered {
        /// Whose address.
        at: String,
    },
    /// It was signed as another version, or as none.
    OtherVersion {
        /// As which it was offered.
        version: String,
        /// As which it was signed.
        signed: Option<String>,
    },
    /// It is no longer offered, or was not.
    NotOffered,
    /// A fight is live, or old ones are being uploaded.
    InFight,
    /// It is being loaded or installed already.
    Busy,
    /// The system did not install it.
    NotInstalled {
        /// In its words.
        why: String,
    },
}

/// Where a channel file may lie, in the order in which they are looked at: what was chosen and nothing else, else the
/// relay's operator, else the project. The next counts only where one has no such file. None: nobody says where.
///
/// # Errors
/// What was chosen is no address, or not a safe one.
pub fn places(chosen: Option<&str>, relay: Option<&str>, project: Option<&str>) -> Result<Vec<Url>, UpdateFault> {
    if let Some(chosen) = chosen.map(str::trim).filter(|chosen| !chosen.is_empty()) {
        return Ok(vec![safe(chosen)?]);
    }
    let at_relay = relay.map(|relay| format!("{}/{AT_RELAY}", relay.trim_end_matches('/')));
    // A relay in one's own house may speak plain HTTP: no update comes from it.
    let candidates = [at_relay.as_deref(), project];
    Ok(candidates.into_iter().flatten().filter_map(|url| safe(url).ok()).collect())
}

/// An address from which something of an update may come.
///
/// # Errors
/// It is none, or not a safe one.
pub fn safe(url: &str) -> Result<Url, UpdateFault> {
    let none = || UpdateFault::Address { url: url.to_owned() };
    let parsed = Url::parse(url.trim()).map_err(|_| none())?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(none)?;
    if parsed.scheme() != "https" {
        return Err(UpdateFault::Insecure { at: host.to_owned() });
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(none());
    }
    Ok(parsed)
}

/// Whose address it is, as people are told.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: Option<&str> = Some("https://project.example/raidcast-desktop.json");

    fn told(chosen: Option<&str>, relay: Option<&str>, project: Option<&str>) -> Vec<String> {
        places(chosen, relay, project).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_operator_comes_before_the_project_and_what_was_chosen_stands_alone() {
        let project = PROJECT.unwrap();
        assert_eq!(told(None, None, None), Vec::<String>::new());
        assert_eq!(told(None, None, PROJECT), [project]);
        for (relay, at) in [
            ("https://raids.example", "https://raids.example/downloads/raidcast-desktop.json"),
            ("https://raids.example:8443/base/", "https://raids.example:8443/base/downloads/raidcast-desktop.json"),
        ] {
            assert_eq!(told(None, Some(relay), PROJECT), [at, project]);
            assert_eq!(told(Some(" "), Some(relay), None), [at]);
            assert_eq!(told(Some("https://own.example/a.json"), Some(relay), PROJECT), ["https://own.example/a.json"]);
        }
        // No update comes from a relay that others can pretend to be.
        assert_eq!(told(None, Some("http://127.0.0.1:8787"), PROJECT), [project]);
    }

    #[test]
    fn what_is_chosen_is_safe_or_refused_and_this_computer_is_no_exception() {
        let refused = |url: &str| places(Some(url), None, PROJECT).unwrap_err();
        for url in ["http://127.0.0.1:1/a.json", "http://localhost/a.json", "http://[::1]/a", "ftp://own.example/a"] {
            assert!(matches!(refused(url), UpdateFault::Insecure { .. }), "{url}");
        }
        for url in ["own.example", "https://", "/a.json", "file:///a.json", "https://me:secret@own.example/a.json"] {
            assert!(matches!(refused(url), UpdateFault::Address { .. }), "{url}");
        }
        assert_eq!(host_of(&safe("https://own.example:8443/a").unwrap()), "own.example:8443");
        assert_eq!(host_of(&safe("https://own.example:443/a").unwrap()), "own.example");
    }
}
