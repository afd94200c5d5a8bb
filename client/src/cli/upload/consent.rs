//! What is asked before old fights are uploaded: others may see them.

use std::io::{self, BufRead as _, Write as _};

use raidcast_shared::uplink::Visibility;

use crate::cli::date;
use crate::history::{self, Before, Plan};
use crate::uploader::Options;

/// `12 fights from 2026-09-21 14:13 UTC to 2026-11-20 22:01 UTC`.
fn count(plan: &Plan) -> String {
    let (Some(first), Some(last)) = (plan.fights.first(), plan.fights.last()) else { return "nothing".into() };
    let from = date::shown(first.started_at_ms);
    match plan.fights.len() {
        1 => format!("1 fight of {from}"),
        n => format!("{n} fights from {from} to {}", date::shown(last.started_at_ms)),
    }
}

/// What is asked before anything is sent.
pub(super) fn question(offer: &str) -> String {
    format!("Upload {offer}? [y/N] ")
}

/// What is said instead where there is nobody to ask.
pub(super) fn not_agreed(offer: &str) -> String {
    format!("This would upload {offer}. Nothing was sent. Run again with --yes.")
}

/// What would be sent, where to, and who would see it.
pub(super) fn offer(plan: &Plan, before: Before, options: &Options, http: bool) -> String {
    let there = match before.there {
        0 => None,
        1 => Some("1 of them is uploaded already and is not sent again".to_owned()),
        n => Some(format!("{n} of them are uploaded already and are not sent again")),
    };
    let agreed = match before.agreed {
        0 => None,
        n => Some(format!("you agreed to {n} of them before, but they have not arrived yet")),
    };
    let known: Vec<_> = there.into_iter().chain(agreed).collect();
    let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join("; ")) };
    let Options { state, relay, key, clock, visibility: asked, .. } = options;
    let visibility = match http {
        true => *asked,
        false => Some(history::visibility(state, relay, key, clock.unix_ms(), *asked)),
    };
    let seen = match visibility {
        None => "visible as the relay has it for your key (mostly to everybody who has the link)",
        Some(Visibility::Public) => "listed there for everybody",
        Some(Visibility::Unlisted) => "visible to everybody who has the link",
        Some(Visibility::Private) => "visible to those alone who have the link with its ticket",
    };
    let others = match plan.as_agreed.len() {
        0 => String::new(),
        1 => "; the earlier one that waits as you agreed then".to_owned(),
        n => format!("; the {n} earlier ones that wait as you agreed then"),
    };
    format!("{}{known} to {}, {seen}{others}", count(plan), options.relay)
}

/// What the user says to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// Go on.
    Given,
    /// Nothing is to be sent.
    Refused,
    /// There is nobody to ask.
    Nobody,
}

/// Asks. `ask`: shows the question and gives the answer; `None` without a terminal.
pub(super) fn consent<A>(question: &str, ask: Option<A>) -> io::Result<Consent>
where
    A: FnOnce(&str) -> io::Result<String>,
{
    let Some(ask) = ask else { return Ok(Consent::Nobody) };
    let answer = ask(question)?.trim().to_lowercase();
    Ok(if matches!(answer.as_str(), "y" | "yes") { Consent::Given } else { Consent::Refused })
}

/// Asks on the terminal.
pub(super) fn ask(question: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        let ask = |answer: &'static str| {
            Some(move |question: &str| {
                assert_eq!(question, "upload?");
                Ok(answer.to_owned())
            })
        };
        for (answer, expected) in [
            ("y\n", Consent::Given),
            ("YES", Consent::Given),
            ("", Consent::Refused),
            ("n", Consent::Refused),
            ("yess", Consent::Refused),
        ] {
            assert_eq!(consent("upload?", ask(answer)).unwrap(), expected, "{answer}");
        }
        let nobody: Option<fn(&str) -> io::Result<String>> = None;
        assert_eq!(consent("upload?", nobody).unwrap(), Consent::Nobody);
    }
}
