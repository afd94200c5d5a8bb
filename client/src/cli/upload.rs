//! `raidcast upload`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::common::{CommonFlags, USAGE, end_on_signal, kind_of, print_error, print_json, print_line};
use super::date::{self, Since};
use super::words;
use crate::history::{self, Before, Consent, PATIENCE, Plan, Tally};
use crate::uploader::{self, Change, Options, Summary};

/// Nothing was sent, for nobody said yes.
const UNASKED: u8 = 3;

/// Flags of `upload`.
#[derive(Clone, Debug, Args)]
pub struct UploadFlags {
    #[command(flatten)]
    common: CommonFlags,
    /// Only fights that began since then: 2026-11-01, 2026-11-01T20:15 (UTC), or how long ago: 7d, 12h
    #[arg(long, value_name = "WHEN", value_parser = Since::parse)]
    since: Option<Since>,
    /// Upload without asking
    #[arg(long)]
    yes: bool,
    /// Print a line of JSON for each change, for programs
    #[arg(long)]
    json: bool,
}

/// Runs `upload` until all is on the relay or it is told to end.
pub(super) async fn run(flags: UploadFlags) -> ExitCode {
    let UploadFlags { common, since, yes, json } = flags;
    let options = match common.options() {
        Ok(options) => options,
        Err(error) => {
            print_error(json, "settings", &error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let shutdown = CancellationToken::new();
    let since_ms = since.map(|since| since.unix_ms(options.clock.unix_ms()));
    let planned = Plan::make(options.db.as_deref(), &options.places, &options.state, since_ms).await;
    let before = |plan: &Plan| plan.before(&options.state, &options.relay, options.visibility);
    let planned = planned.and_then(|plan| Ok((before(&plan)?, plan)));
    let (before, plan) = match planned {
        Ok(planned) => planned,
        Err(error) => {
            print_error(json, "no_meter", &words::no_plan(&error));
            return ExitCode::FAILURE;
        }
    };
    tell_plan(&plan, before, json);
    if plan.fights.is_empty() {
        return ExitCode::SUCCESS;
    }
    // Asked before any signal is caught: there Ctrl-C ends the command as it ends any other.
    let terminal = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
    match history::consent(&plan, before, yes, &question(&plan, before), terminal.then_some(ask)) {
        Ok(Consent::Given) => {}
        Ok(Consent::Refused) => {
            eprintln_quietly("Nothing was sent.");
            return ExitCode::from(UNASKED);
        }
        Ok(Consent::Nobody) => {
            let text = format!("This would upload {}. Nothing was sent. Run again with --yes.", count(&plan));
            print_error(json, "not_agreed", &text);
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
    let code = upload(&plan, options, &shutdown, json).await;
    signals.abort();
    code
}

async fn upload(plan: &Plan, options: Options, shutdown: &CancellationToken, json: bool) -> ExitCode {
    let options = Options { db: Some(plan.found.path.clone()), history: Some(plan.history(PATIENCE)), ..options };
    let asked = options.visibility.is_some();
    let mut tally = Tally::default();
    let bar = bar(plan.fights.len() as u64, !json && io::stderr().is_terminal());
    let result = uploader::run(options, shutdown.clone(), |change| {
        tally.count(&change);
        let told = if json { print_json(&change) } else { show(&bar, &tally, &change) };
        if told.is_err() {
            shutdown.cancel();
        }
    })
    .await;
    bar.finish_and_clear();
    let total = plan.fights.len() as u64;
    match result {
        Ok(summary) => {
            let complete = summary.complete && tally.on_relay() >= total;
            if json {
                print_done(&tally, &summary, total, complete);
            } else {
                tell_done(&tally, total, complete, asked);
            }
            ExitCode::from(u8::from(!complete))
        }
        Err(error) => {
            let code = error.exit_code();
            print_error(json, kind_of(&error), &words::watch_error(&error));
            ExitCode::from(code)
        }
    }
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

fn show(bar: &ProgressBar, tally: &Tally, change: &Change) -> io::Result<()> {
    if let Some(line) = words::upload_line(change) {
        // The bar gives way to the line, and comes back below it.
        bar.suspend(|| writeln!(io::stderr().lock(), "{line}"))?;
    }
    bar.set_position(tally.done());
    match change {
        Change::Acked { seq, of, .. } => bar.set_message(format!("{}, sending: {seq} of {of} parts", in_short(tally))),
        Change::Disconnected { .. } => bar.set_message(format!("{}, not connected", in_short(tally))),
        Change::Uploaded { .. } | Change::Failed { .. } | Change::Connected { .. } => bar.set_message(in_short(tally)),
        _ => {}
    }
    Ok(())
}

fn in_short(tally: &Tally) -> String {
    let parts = [(tally.new, "new"), (tally.known + tally.kept, "known"), (tally.failed, "refused")];
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

fn question(plan: &Plan, before: Before) -> String {
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
    format!("Upload {}{known}? [y/N] ", count(plan))
}

fn ask(question: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

fn tell_plan(plan: &Plan, before: Before, json: bool) {
    let going_on = plan.going_on.as_ref().map(|fight| fight.started_at_ms);
    if json {
        let planned = json!({
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

fn tell_done(tally: &Tally, total: u64, complete: bool, visibility: bool) {
    let mut parts = vec![format!("{} new", tally.new), format!("{} known already", tally.known)];
    if tally.kept > 0 {
        parts.push(format!("{} of which the relay has more", tally.kept));
    }
    if tally.failed > 0 {
        parts.push(format!("{} refused", tally.failed));
    }
    let waiting = total.saturating_sub(tally.on_relay() + tally.failed);
    if waiting > 0 {
        parts.push(format!("{waiting} not uploaded yet"));
    }
    let fights = if total == 1 { "1 fight".to_owned() } else { format!("{total} fights") };
    eprintln_quietly(&format!("{fights}: {}", parts.join(", ")));
    for (why, fights) in reasons(tally) {
        eprintln_quietly(&format!("  {fights}: {why}"));
    }
    if visibility && tally.known + tally.kept > 0 {
        eprintln_quietly("--visibility is for this raid: reports in your other raids stay as they were.");
    }
    if !complete {
        eprintln_quietly("Run the same command again to send the rest. Nothing is sent twice.");
    }
}

/// Why fights are not on the relay, in words: what is told alike is one reason.
fn reasons(tally: &Tally) -> Vec<(&str, u64)> {
    let mut told: Vec<(&str, u64)> = Vec::new();
    for (why, fights) in &tally.reasons {
        let why = words::not_sent(why);
        match told.iter_mut().find(|(held, _)| *held == why) {
            Some((_, count)) => *count += fights,
            None => told.push((why, *fights)),
        }
    }
    told
}

fn print_done(tally: &Tally, summary: &Summary, total: u64, complete: bool) {
    let failed = reasons(tally).into_iter().map(|(why, fights)| json!({ "why": why, "fights": fights }));
    let failed: Vec<_> = failed.collect();
    let done = json!({
        "event": "done",
        "fights": total,
        "new": tally.new,
        "known": tally.known,
        "kept": tally.kept,
        "failed": tally.failed,
        "waiting": total.saturating_sub(tally.on_relay() + tally.failed),
        "reasons": failed,
        "unacknowledged": summary.unacknowledged,
        "complete": complete,
    });
    let _ = print_line(&done.to_string());
}

/// A line for people; whoever reads along may have gone.
fn eprintln_quietly(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
