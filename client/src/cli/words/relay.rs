//! In words: why there is no connection to the relay, and what it does not take.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use raidcast_shared::uplink::{RefusedCode, RefusedScope};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::meter::unreadable;
use super::text::{in_full, sentence};
use crate::pairing::PairingError;
use crate::socket::{Address, AddressError, Certificate, Outage, RelayAddress, WrongUrl};
use crate::uploader::record::NotSent;

/// Why an address or a key cannot be used.
pub(in crate::cli) fn address_error(error: &AddressError) -> String {
    let (url, why) = match error {
        AddressError::Key => {
            return "The key holds characters that no key has. Copy it again, without quotes or line breaks."
                .to_owned();
        }
        AddressError::Url { url, why } => (url.as_str(), why),
    };
    let shown = match url {
        _ if *why == WrongUrl::Secret => "This",
        "" => "An empty text",
        url => url,
    };
    let offered = (*why == WrongUrl::NoScheme).then(|| with_scheme(url)).flatten();
    if let Some(offered) = offered {
        return format!("{url} is no relay's address: it has no http:// or https://. Write {offered}.");
    }
    let why = match why {
        WrongUrl::Secret => "it has a name or a key before an @".to_owned(),
        WrongUrl::NoScheme => "it has no http:// or https://".to_owned(),
        WrongUrl::Scheme(scheme) => format!("relays do not speak {scheme}://"),
        WrongUrl::Query => "it has a ? or a # in it".to_owned(),
        WrongUrl::Host => "it has no host, or a character that no address has".to_owned(),
        WrongUrl::Page { relay, page } => {
            return format!("{url} is a page of the relay. Give only {relay}, without {page}.");
        }
        WrongUrl::Port => "it has no host, or a port that there is not".to_owned(),
    };
    format!("{shown} is no relay's address: {why}. Give one like https://raidcast.example.")
}

/// An address that was typed without `http://` or `https://`, as it was most likely meant: a relay on this computer, or at a
/// number, has mostly no certificate.
fn with_scheme(url: &str) -> Option<String> {
    let host = url.split(['/', ':']).next().unwrap_or_default();
    let is_near = host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok();
    let whole = format!("{}://{url}", if is_near { "http" } else { "https" });
    RelayAddress::check(&whole).is_ok().then_some(whole)
}

/// Why this computer is not paired with a relay.
pub(in crate::cli) fn pairing_error(error: &PairingError) -> String {
    match error {
        PairingError::Address(error) => address_error(error),
        PairingError::Outage(why) => outage(why, false),
        PairingError::Unknown => {
            "What answers at this address knows no pairing. Check the relay's address. An older relay takes only keys that \
             its operator gives out: set RAIDCAST_KEY."
                .to_owned()
        }
        PairingError::Denied => "It was not allowed on the page. This computer is not paired.".to_owned(),
        PairingError::Expired => "Nobody typed the code in time. Run raidcast login again.".to_owned(),
        PairingError::Refused { text, retry_s: None } => format!("The relay answers: {text}"),
        PairingError::Refused { text, retry_s: Some(seconds) } => {
            format!("The relay answers: {text}. Try again in {}.", span(*seconds))
        }
    }
}

/// Why there is no connection, and what to do. `was_connected`: there was one, so the address is right.
pub(in crate::cli) fn outage(why: &Outage, was_connected: bool) -> String {
    let check = |what: &'static str| if was_connected { "" } else { what };
    match why {
        Outage::Said { text } => format!("The relay answers: {text}"),
        Outage::Restarting => "The relay is being started again.".to_owned(),
        Outage::Closed { .. } => "The relay closed the connection.".to_owned(),
        Outage::Silent { seconds } => format!("The relay has been silent for {seconds} s."),
        Outage::NotUnderstood { error } => {
            format!("The relay sent something that is not understood ({error}). Is raidcast up to date?")
        }
        Outage::Cut => "The connection was cut.".to_owned(),
        Outage::NoAnswer { at, seconds } => {
            let check = check(" Check the relay's address.");
            format!("{} gave no answer for {seconds} s.{check}{}", place(at), hint(at, was_connected))
        }
        Outage::HungUp { at } => format!("{} hung up without an answer.{}", place(at), hint(at, was_connected)),
        Outage::KeyForgotten => {
            "The relay does not know this key any more. Pair this computer again (raidcast login), or ask the relay's \
             operator."
                .to_owned()
        }
        Outage::Crowded { at } => {
            format!("A proxy at {} lets through so many requests only. Waiting.", place(at))
        }
        Outage::Proxy { at, status } => format!(
            "A proxy at {} does not let raidcast through ({}). Ask the relay's operator.",
            place(at),
            shown(*status)
        ),
        Outage::BehindProxy { at, status } => format!(
            "A proxy at {} answers, but not the relay behind it ({}). It may be starting.",
            place(at),
            shown(*status)
        ),
        Outage::NoRelay { at, .. } => {
            format!("There is no Raidcast relay at {}.{}", place(at), check(" Check the relay's address."))
        }
        Outage::Unexpected { at, status } => {
            let check = check(" Check the relay's address.");
            format!("{} answers {}, as no Raidcast relay does.{check}", place(at), shown(*status))
        }
        Outage::Moved { at, to } => {
            let to = to.as_deref().unwrap_or("another address");
            format!("{} sends everybody on to {to}. Use that as the relay's address.", place(at))
        }
        Outage::NotWebSocket { at } => {
            format!("What answers at {} is no Raidcast relay.{}", place(at), check(" Check the relay's address."))
        }
        Outage::SpeaksHttps => "This relay speaks https, not http: use https://…".to_owned(),
        Outage::SpeaksHttp => "This relay speaks http, not https: use http://…".to_owned(),
        Outage::NotListening { at } => {
            let check = check(" Check its address and port.");
            format!("Nothing answers at {}. Is the relay running?{check}", place(at))
        }
        Outage::NothingThere { at } => {
            format!("Nothing answers at {}.{}", place(at), check(" Check the relay's address and port."))
        }
        Outage::Unreachable { at } => {
            let address = check(" and the relay's address");
            format!("{} cannot be reached. Check the network{address}.", place(at))
        }
        Outage::UnknownHost { host } => {
            let address = check("the relay's address and ");
            format!("No computer called {host} is known. Check {address}the network.")
        }
        Outage::Certificate { at, why } => certificate(*why, &place(at)),
        Outage::NoCommonTls { at } => format!(
            "{} does not agree to a secure connection as raidcast needs it (TLS 1.2 or 1.3). Check the relay's \
             address, or tell the relay's operator.",
            place(at)
        ),
        Outage::Insecure { at } => format!(
            "No secure connection to {} is possible. Check the relay's address, or tell the relay's operator.",
            place(at)
        ),
        Outage::Os { at, error } => format!("The connection to {} failed: {}", place(at), in_full(error)),
        Outage::Failed { at, text } => format!("The connection to {} failed: {text}", place(at)),
    }
}

/// Host and port, as the user knows them.
fn place(at: &Address) -> String {
    format!("{}:{}", at.host, at.port)
}

fn hint(at: &Address, was_connected: bool) -> &'static str {
    if was_connected {
        ""
    } else if at.tls {
        " If it speaks http, use http://…"
    } else {
        " If it speaks https, use https://…"
    }
}

/// `502 Bad Gateway`.
fn shown(status: u16) -> String {
    StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |status| status.to_string())
}

fn certificate(why: Certificate, place: &str) -> String {
    /// What the client trusts.
    const AUTHORITIES: &str = "The certificate must come from a public authority, like Let's Encrypt.";
    match why {
        Certificate::Expired => {
            format!("The certificate of {place} has expired. Check this computer's date, or tell the relay's operator.")
        }
        Certificate::NotYetValid => format!(
            "The certificate of {place} is not valid yet. Check this computer's date, or tell the relay's operator."
        ),
        Certificate::OtherName => format!(
            "The certificate of {place} is for another name. Check the relay's address, or tell the relay's operator."
        ),
        Certificate::Revoked => format!("The certificate of {place} was withdrawn. Tell the relay's operator."),
        Certificate::UnknownAuthority => format!(
            "The certificate of {place} comes from an authority that is not known. {AUTHORITIES} If it is an \
             authority of your own, name its certificate with --ca FILE. Else tell the relay's operator."
        ),
        Certificate::OfAnAuthority => format!(
            "The certificate of {place} is one of an authority, not one of a server. {AUTHORITIES} Tell the relay's \
             operator."
        ),
        Certificate::Unusable => {
            format!("The certificate of {place} cannot be used. {AUTHORITIES} Tell the relay's operator.")
        }
    }
}

/// Why something was refused: the relay's words, but where the client knows better what is going on. `of_fight`: it is
/// about one.
pub(in crate::cli) fn refused(code: RefusedCode, text: &str, scope: RefusedScope, of_fight: bool) -> &str {
    match scope {
        RefusedScope::Connection => known_better(code, text),
        _ if of_fight => known_better(code, text),
        _ => text,
    }
}

fn known_better(code: RefusedCode, text: &str) -> &str {
    match code {
        RefusedCode::UnknownHandle => {
            "Another raidcast streams this fight, too. This one stands by and goes on when the other stops."
        }
        RefusedCode::Fenced | RefusedCode::RaidForbidden => {
            "Another raidcast uses this raid (a copy of the state folder?). This one goes on in a raid of its own."
        }
        _ => text,
    }
}

/// Why a fight is not on the relay.
pub(in crate::cli) fn not_sent(why: &NotSent) -> Cow<'_, str> {
    match why {
        NotSent::Refused { code, text } => known_better(*code, text).into(),
        NotSent::NotTaken { status, text, details } => not_taken(*status, text.as_deref(), details).into(),
        NotSent::NotNow { why, retry_s } => match retry_s {
            Some(seconds) => format!("{} Try again in {}.", sentence(&outage(why, false)), span(*seconds)).into(),
            None => outage(why, false).into(),
        },
        NotSent::Nameless => "its player saw another fight begin in the same moment, and a request cannot tell them \
                              apart. Send it without --http"
            .into(),
        NotSent::Removed => "no longer in the meter's database".into(),
        NotSent::Unreadable { why } => unreadable(*why).into(),
        NotSent::Said(text) => text.into(),
    }
}

/// Why a request is never taken, and what to do.
fn not_taken(status: u16, text: Option<&str>, details: &[String]) -> String {
    let Some(text) = text else {
        return format!(
            "A proxy before the relay does not take it ({}). Ask the relay's operator, or send it without --http.",
            shown(status)
        );
    };
    let mut told = sentence(text);
    if !details.is_empty() {
        told = format!("{told} ({})", details.join("; "));
    }
    format!("{told} Update raidcast, or send it without --http.")
}

/// `45 s`, `20 min`, `3 h`.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}
