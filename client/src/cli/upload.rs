//! `raidcast upload`.

mod bar;
mod consent;
mod told;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::common::{CommonFlags, USAGE, end_on_signal, error_line, print, print_aside, print_error, print_line};
use super::date::Since;
use super::key_place::KeyPlace;
use super::printer::Printer;
use super::{json, words};
use crate::history::{self, PATIENCE, Plan, Upload};
use crate::settings::Given;
use crate::uploader::{self, Options};
use bar::{Said, bar, message, show};
use consent::{Consent, ask, consent, not_agreed, offer, question};
use told::{done_line, done_text, eprintln_quietly, tell_all_there, tell_plan};

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
    /// Only fights that began since then: 2026-11-01 (or 2026/11/01) or 2026-11-01T20:15, both in UTC, or how long ago: 1w, 7d, 12h, 30m
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
    let (options, key) = match common.options(&Given::default()) {
        Ok(made) => made,
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
    if !http && let Some(there) = plan.all_there(&options.state, &options.relay) {
        tell_all_there(&plan, there, &options.relay, json);
        return ExitCode::SUCCESS;
    }
    // Asked before any signal is caught: there Ctrl-C ends the command as it ends any other.
    let terminal = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
    let offered = offer(&plan, before, &options, http);
    let said = if yes || !history::needs_consent(&plan, before) {
        Ok(Consent::Given)
    } else {
        consent(&question(&offered), terminal.then_some(ask))
    };
    match said {
        Ok(Consent::Given) => {}
        Ok(Consent::Refused) => {
            eprintln_quietly("Nothing was sent.");
            return ExitCode::from(UNASKED);
        }
        Ok(Consent::Nobody) => {
            let text = not_agreed(&offered);
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
    let way = Way { http, json, key };
    let code = upload(&plan, options, &shutdown, &way).await;
    signals.abort();
    code
}

/// How fights are sent, and how that is told.
struct Way {
    /// Each in an HTTP request of its own.
    http: bool,
    /// Told to programs.
    json: bool,
    /// Where the key stands.
    key: KeyPlace,
}

async fn upload(plan: &Plan, options: Options, shutdown: &CancellationToken, way: &Way) -> ExitCode {
    let &Way { http, json, ref key } = way;
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
            let text = words::ended(&error, key);
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
