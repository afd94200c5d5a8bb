//! What is told of an upload before it begins, and when it has ended.

use std::borrow::Cow;
use std::io::{self, Write as _};

use serde_json::json as object;

use crate::cli::common::print_line;
use crate::cli::{date, json, words};
use crate::history::{Before, Plan, Tally, Upload, UploadEnd};
use crate::keys::named;
use crate::uploader::record::Finished;
use crate::uploader::{Change, Summary};

/// Says what would be sent, and what is left out.
pub(super) fn tell_plan(plan: &Plan, before: Before, since_ms: Option<i64>, json: bool) {
    let going_on = plan.going_on.as_ref().map(|fight| fight.started_at_ms);
    if json {
        let planned = object!({
            "event": "planned",
            "path": plan.found.path.to_string_lossy(),
            "meter": plan.found.meter,
            "fights": plan.fights.len(),
            "uploadedBefore": before.there,
            "agreedBefore": before.agreed,
            "unfinished": plan.unfinished,
            "earlier": plan.earlier,
            "fromMs": plan.fights.first().map(|fight| fight.started_at_ms),
            "toMs": plan.fights.last().map(|fight| fight.started_at_ms),
            "leftOutStartedAtMs": going_on,
        });
        let _ = print_line(&planned.to_string());
        return;
    }
    if let Some(since_ms) = since_ms.filter(|_| plan.fights.is_empty() && plan.earlier > 0) {
        let are = if plan.earlier == 1 { "is" } else { "are" };
        let since = date::shown(since_ms);
        eprintln_quietly(&format!("None of the fights began since {since}; {} {are} earlier.", plan.earlier));
        return;
    }
    if plan.fights.is_empty() {
        eprintln_quietly(&format!("There are no finished fights to upload in {}.", plan.found.path.display()));
    }
    match plan.earlier {
        0 => {}
        1 => eprintln_quietly("1 earlier fight is left out (--since)."),
        n => eprintln_quietly(&format!("{n} earlier fights are left out (--since).")),
    }
    if let Some(started_at_ms) = going_on {
        let at = date::shown(started_at_ms);
        eprintln_quietly(&format!(
            "The newest fight ({at}) is left out: the meter has not ended it, and wrote within the last 10 minutes, or it began within the last hour. `raidcast watch` shows it. Later it can be uploaded: its report calls it unfinished."
        ));
    }
    match plan.unfinished {
        0 => {}
        1 => eprintln_quietly("1 of the fights was never ended by the meter. Its report calls it unfinished."),
        n => eprintln_quietly(&format!(
            "{n} of the fights were never ended by the meter. Their reports call them unfinished."
        )),
    }
}

/// Says of each fight of a plan where it is, where all of them are on the relay: nothing is sent, and no raid is made.
pub(super) fn tell_all_there(plan: &Plan, there: Vec<Finished>, relay: &str, as_json: bool) {
    let mut upload = Upload::of(plan, relay);
    for fight in there {
        let change = Change::Uploaded { fight };
        upload.hear(&change);
        if !as_json {
            eprintln_quietly(&words::upload_line(&change).unwrap_or_default());
        } else if let Some(line) = json::line_of(&change) {
            let _ = print_line(&line);
        }
    }
    let fights = plan.fights.len() as u64;
    let summary = Summary { fights, finalized: fights, unacknowledged: 0, complete: true };
    let end = upload.end(&summary);
    if as_json {
        let _ = print_line(done_line(&end, &summary).trim_end());
    } else {
        eprintln_quietly(&all_there(fights, relay));
    }
}

/// That nothing is to be sent.
fn all_there(fights: u64, relay: &str) -> String {
    let (all, them) = match fights {
        1 => ("The fight is uploaded already.".to_owned(), "it"),
        n => (format!("All {n} fights are uploaded already."), "them"),
    };
    format!("{all} Nothing was sent. To change who sees {them}, open {}/account.", named(relay))
}

/// How it ended, for people.
pub(super) fn done_text(end: &UploadEnd, visibility: bool, http: bool) -> String {
    let UploadEnd { fights: total, tally, waiting, .. } = end;
    let mut parts = vec![format!("{} new", tally.new), format!("{} known already", tally.known)];
    if tally.kept > 0 {
        parts.push(format!("{} of which the relay has more", tally.kept));
    }
    if tally.failed > 0 {
        parts.push(format!("{} refused", tally.failed));
    }
    if *waiting > 0 {
        parts.push(format!("{waiting} not uploaded yet"));
    }
    let fights = if *total == 1 { "1 fight".to_owned() } else { format!("{total} fights") };
    let mut lines = vec![format!("{fights}: {}", parts.join(", "))];
    for (why, fights) in reasons(tally) {
        lines.push(format!("  {fights}: {why}"));
    }
    if visibility && tally.known + tally.kept > 0 {
        let line = match http {
            true => "--visibility is for new reports: those that the relay had stay as they were.",
            false => "--visibility is for this raid: reports in your other raids stay as they were.",
        };
        lines.push(line.to_owned());
    }
    // What was refused is not sent by another run, either.
    if *waiting > 0 {
        lines.push("Run the same command again to send the rest. Nothing is sent twice.".to_owned());
    }
    lines.join("\n") + "\n"
}

/// Why fights are not on the relay, in words: what is told alike is one reason.
fn reasons(tally: &Tally) -> Vec<(Cow<'_, str>, u64)> {
    let mut told: Vec<(Cow<'_, str>, u64)> = Vec::new();
    for (why, fights) in &tally.reasons {
        let why = words::not_sent(why);
        match told.iter_mut().find(|(held, _)| *held == why) {
            Some((_, count)) => *count += fights,
            None => told.push((why, *fights)),
        }
    }
    told
}

/// The same for programs.
pub(super) fn done_line(end: &UploadEnd, summary: &Summary) -> String {
    let UploadEnd { fights, tally, waiting, complete, .. } = end;
    let failed = reasons(tally).into_iter().map(|(why, fights)| object!({ "why": why, "fights": fights }));
    let failed: Vec<_> = failed.collect();
    let done = object!({
        "event": "done",
        "fights": fights,
        "new": tally.new,
        "known": tally.known,
        "kept": tally.kept,
        "failed": tally.failed,
        "waiting": waiting,
        "reasons": failed,
        "unacknowledged": summary.unacknowledged,
        "complete": complete,
    });
    format!("{done}\n")
}

/// A line for people; whoever reads along may have gone.
pub(super) fn eprintln_quietly(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_to_be_sent_it_is_said_where_to_change_who_sees_it() {
        assert_eq!(
            all_there(1, "wss://r.example/"),
            "The fight is uploaded already. Nothing was sent. To change who sees it, open https://r.example/account."
        );
        assert!(all_there(3, "http://r").starts_with("All 3 fights are uploaded already. "));
    }
}
