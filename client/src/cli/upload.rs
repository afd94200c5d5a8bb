//! `raidcast upload`.

use std::borrow::Cow;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use raidcast_shared::uplink::Visibility;
use serde_json::json as object;
use tokio_util::sync::CancellationToken;

use super::common::{CommonFlags, USAGE, end_on_signal, error_line, print, print_aside, print_error, print_line};
use super::date::{self, Since};
use super::printer::Printer;
use super::{json, words};
use crate::history::{self, Before, PATIENCE, Plan, Tally, Upload, UploadEnd};
use crate::settings::Given;
use crate::uploader::{self, Change, Options, Summary};

/// Nothing was sent, for nobody said yes.
const UNASKED: u8 = 3;

/// What `--visibility` is for an upload: with `--http` it is of fights, and nothing is remembered of a raid.
const VISIBILITY: &str = "Who may see the fights [default: as before, at first unlisted; with --http: as the relay has it \
                          for your key]. Fights that wait since an earlier --http, and that --since leaves out, stay as \
                          they were";

/// Flags of `upload`.
#[derive(Clone, Debug, Args)]
#[command(mut_arg("visibility", |visibility| visibility.help(VISIBILITY).long_help(VISIBILITY)))]
pub struct UploadFlags {
    #[command(flatten)]
    common: CommonFlags,
    /// Only fights that began since then: 2026-11-01 (or 2026/11/01), 2026-11-01T20:15 (UTC), or how long ago: 1w, 7d, 12h, 30m
    #[arg(long, value_name = "WHEN", value_parser = Since::parse)]
    since: Option<Since>,
    /// Send each fight in an HTTP request of its own, where the relay, or a proxy before it, lets no stream through.
    /// What cannot be sent now waits, and the next `--http` sends it
    #[arg(long, conflicts_with = "title")]
    http: bool,
    /// Upload without asking
    #[arg(long)]
    yes: bool,
    /// Print a line of JSON for each change, for programs
    #[arg(long)]
    json: bool,
}

/// Runs `upload` until all is on the relay or it is told to end.
pub(super) async fn run(flags: UploadFlags) -> ExitCode {
    let UploadFlags { common, since, http, yes, json } = flags;
    let options = match common.options(&Given::default()) {
        Ok(options) => options,
        Err(error) => {
            print_error(json, "settings", &error);
            return ExitCode::from(USAGE);
        }
    };
    let shutdown = CancellationToken::new();
    let since_ms = since.map(|since| since.unix_ms(options.clock.unix_ms()));
    let (db, places, state) = (options.db.as_deref(), &options.places, &options.state);
    let planned = match http {
        true => Plan::make_whole(db, places, state, &options.relay, since_ms).await,
        false => Plan::make(db, places, state, since_ms).await,
    };
    let before = |plan: &Plan| {
        if http {
            return plan.before_whole(&options.state, &options.relay, options.seen_by());
        }
        let Options { state, relay, key, clock, .. } = &options;
        plan.before(state, relay, key, clock.unix_ms(), options.seen_by())
    };
    let planned = planned.and_then(|plan| Ok((before(&plan)?, plan)));
    let (before, plan) = match planned {
        Ok(planned) => planned,
        Err(error) => {
            print_error(json, "no_meter", &words::no_plan(&error));
            return ExitCode::FAILURE;
        }
    };
    tell_plan(&plan, before, since_ms, json);
    if plan.fights.is_empty() {
        return ExitCode::SUCCESS;
    }
    // Asked before any signal is caught: there Ctrl-C ends the command as it ends any other.
    let terminal = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
    let said = if yes || !history::needs_consent(&plan, before) {
        Ok(Consent::Given)
    } else {
        consent(&question(&plan, before, &options, http), terminal.then_some(ask))
    };
    match said {
        Ok(Consent::Given) => {}
        Ok(Consent::Refused) => {
            eprintln_quietly("Nothing was sent.");
            return ExitCode::from(UNASKED);
        }
        Ok(Consent::Nobody) => {
            let text = format!("This would upload {}. Nothing was sent. Run again with --yes.", count(&plan));
            if json {
                let _ = print_line(&error_line("not_agreed", &text));
            }
            // It is no error to look what would be sent.
            eprintln_quietly(&text);
            return ExitCode::from(UNASKED);
        }
        Err(error) => {
            print_error(
                json,
                "terminal",
                &format!("The question could not be asked ({error}). Nothing was sent. Run again with --yes."),
            );
            return ExitCode::from(UNASKED);
        }
    }
    let signals = tokio::spawn(end_on_signal(shutdown.clone()));
    let code = upload(&plan, options, &shutdown, http, json).await;
    signals.abort();
    code
}

/// What is printed of an upload.
#[derive(Default)]
struct Said {
    /// Lines.
    text: String,
    /// Fights that are done with, for the bar.
    done: u64,
    /// What stands beside the bar, where that changed.
    message: Option<String>,
    /// Nothing more comes: the bar goes.
    ends: bool,
}

async fn upload(plan: &Plan, options: Options, shutdown: &CancellationToken, http: bool, json: bool) -> ExitCode {
    let options = Options { db: Some(plan.found.path.clone()), history: Some(plan.history(PATIENCE)), ..options };
    let asked = options.visibility.is_some();
    let mut under_way = Upload::of(plan, &options.relay);
    let bar = bar(plan.fights.len() as u64, !json && io::stderr().is_terminal());
    let gone = shutdown.clone();
    let gone = move || gone.cancel();
    let printer = if json {
        let left_out = |lines| Said { text: json::left_out_line(lines) + "\n", ..Said::default() };
        Printer::start(|said: Said| print(io::stdout(), &said.text), left_out, gone)
    } else {
        let left_out = |lines| Said { text: words::left_out(lines) + "\n", ..Said::default() };
        Printer::start(move |said| show(&bar, said), left_out, gone)
    };
    let hear = |change| {
        let before = under_way.hear(&change);
        let lines: Vec<_> = if json {
            before.iter().chain([&change]).filter_map(json::line_of).collect()
        } else {
            words::upload_line(&change).into_iter().collect()
        };
        let message = message(under_way.tally(), &change);
        if !lines.is_empty() || (message.is_some() && !json) {
            let text = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            printer.say(Said { text, done: under_way.tally().done(), message, ends: false }, lines.len() as u64);
        }
    };
    let result = match http {
        true => uploader::post(options, shutdown.clone(), hear).await,
        false => uploader::run(options, shutdown.clone(), hear).await,
    };
    let done = under_way.tally().done();
    let (code, text) = match result {
        Ok(summary) => {
            let end = under_way.end(&summary);
            let text = if json {
                let rest = end.untold.iter().filter_map(json::line_of).map(|line| line + "\n").collect::<String>();
                rest + &done_line(&end, &summary)
            } else {
                done_text(&end, asked, http)
            };
            (u8::from(!end.complete), text)
        }
        Err(error) => {
            let text = words::watch_error(&error);
            let text = if json {
                print_aside(&text);
                error_line(error.kind(), &text) + "\n"
            } else {
                format!("error: {text}\n")
            };
            (error.exit_code(), text)
        }
    };
    printer.close(Some(Said { text, done, message: None, ends: true }));
    ExitCode::from(code)
}

/// A bar on a terminal, nothing elsewhere.
fn bar(fights: u64, terminal: bool) -> ProgressBar {
    let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(fights), target);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} fights  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn show(bar: &ProgressBar, said: Said) -> io::Result<()> {
    if said.ends {
        bar.finish_and_clear();
    }
    if !said.text.is_empty() {
        // The bar gives way to the line, and comes back below it.
        bar.suspend(|| print(io::stderr(), &said.text))?;
    }
    bar.set_position(said.done.max(bar.position()));
    if let Some(message) = said.message {
        bar.set_message(message);
    }
    Ok(())
}

/// What stands beside the bar from a change on, if it changes that.
fn message(tally: &Tally, change: &Change) -> Option<String> {
    match change {
        Change::Acked { seq, of, .. } => Some(format!("{}, sending: {seq} of {of} parts", in_short(tally))),
        Change::Disconnected { .. } => Some(format!("{}, not connected", in_short(tally))),
        Change::Uploaded { .. } | Change::Failed { .. } | Change::Unsent { .. } | Change::Connected { .. } => {
            Some(in_short(tally))
        }
        _ => None,
    }
}

fn in_short(tally: &Tally) -> String {
    let parts =
        [(tally.new, "new"), (tally.known + tally.kept, "known"), (tally.failed, "refused"), (tally.unsent, "waiting")];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.join(", ")
}

/// `12 fights from 2026-09-21 14:13 to 2026-11-20 22:01 (UTC)`.
fn count(plan: &Plan) -> String {
    let (Some(first), Some(last)) = (plan.fights.first(), plan.fights.last()) else { return "nothing".into() };
    let from = date::shown(first.started_at_ms);
    match plan.fights.len() {
        1 => format!("1 fight of {from} (UTC)"),
        n => format!("{n} fights from {from} to {} (UTC)", date::shown(last.started_at_ms)),
    }
}

fn question(plan: &Plan, before: Before, options: &Options, http: bool) -> String {
    let there = match before.there {
        0 => None,
        1 => Some("1 of them is on the relay already and is not sent again".to_owned()),
        n => Some(format!("{n} of them are on the relay already and are not sent again")),
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
    format!("Upload {}{known} to {}, {seen}{others}? [y/N] ", count(plan), options.relay)
}

/// What the user says to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consent {
    /// Go on.
    Given,
    /// Nothing is to be sent.
    Refused,
    /// There is nobody to ask.
    Nobody,
}

/// Asks. `ask`: shows the question and gives the answer; `None` without a terminal.
fn consent<A>(question: &str, ask: Option<A>) -> io::Result<Consent>
where
    A: FnOnce(&str) -> io::Result<String>,
{
    let Some(ask) = ask else { return Ok(Consent::Nobody) };
    let answer = ask(question)?.trim().to_lowercase();
    Ok(if matches!(answer.as_str(), "y" | "yes") { Consent::Given } else { Consent::Refused })
}

fn ask(question: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

fn tell_plan(plan: &Plan, before: Before, since_ms: Option<i64>, json: bool) {
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
        eprintln_quietly(&format!("None of the fights began since {since} (UTC); {} {are} earlier.", plan.earlier));
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
            "The newest fight ({at} UTC) is left out: the meter has not ended it. `raidcast watch` shows it, or upload it later."
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

fn done_text(end: &UploadEnd, visibility: bool, http: bool) -> String {
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

fn done_line(end: &UploadEnd, summary: &Summary) -> String {
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
fn eprintln_quietly(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
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
