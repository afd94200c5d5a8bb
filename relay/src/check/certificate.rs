//! The certificate: whether it goes with its key, for whom it is, and until when.

use axum::http::Uri;

use super::finding::Findings;
use crate::clock::Clock;
use crate::tls::TlsFiles;

const WHAT: &str = "certificate";
const DAY_S: i64 = 86_400;
/// Before so many days something that renews it should have done so.
const DAYS_LEFT_MIN: i64 = 14;

/// Reads both files.
pub(super) fn look(files: &TlsFiles, public_url: Option<&str>, clock: &Clock, found: &mut Findings) {
    let certificate = match files.read() {
        Ok(certificate) => certificate,
        Err(error) => {
            found.wrong(WHAT, error.to_string());
            return;
        }
    };
    let shown = files.certificate.display();
    let now_s = clock.now_ms().div_euclid(1_000);
    let seconds = |at_s: u64| i64::try_from(at_s).unwrap_or(i64::MAX);
    let validity = certificate.validity_s().map(|(from_s, until_s)| (seconds(from_s), seconds(until_s)));
    match validity {
        None => found.note(WHAT, format!("{shown}: it cannot be told until when it is good")),
        Some((from_s, _)) if now_s < from_s => {
            found.wrong(WHAT, format!("{shown} is not good yet: look at the clock of this machine, or get another"));
        }
        Some((_, until_s)) if until_s < now_s => {
            let days = (now_s - until_s) / DAY_S;
            found.wrong(WHAT, format!("{shown} is expired since {days} days: renew it"));
        }
        Some((_, until_s)) => {
            let days = (until_s - now_s) / DAY_S;
            match days < DAYS_LEFT_MIN {
                true => found.note(WHAT, format!("{shown} is good for {days} days only: renew it")),
                false => found.ok(WHAT, format!("{shown} and its key go together, and are good for {days} days")),
            }
        }
    }
    let host = public_url.and_then(|url| url.parse::<Uri>().ok()?.host().map(str::to_owned));
    if let Some(host) = host
        && !certificate.covers(&host)
    {
        found.wrong(WHAT, format!("{shown} is not for {host}, the host of public_url: get one with this name"));
    }
    if certificate.is_alone() {
        found.note(
            WHAT,
            format!("{shown} holds one certificate: if an authority made it, give its whole chain (fullchain.pem)"),
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&files.key).map_or(0, |told| told.permissions().mode() & 0o777);
        if mode & 0o007 != 0 {
            let key = files.key.display();
            found.note(
                WHAT,
                format!("everybody on this machine can read the key {key}: take that away (chmod o= {key})"),
            );
        }
    }
}
