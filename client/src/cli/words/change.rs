//! In words: what the uploader tells while it runs.

use raidcast_shared::uplink::{NamesPolicy, Outcome, RAID_DELETED, RefusedCode, RefusedScope, ReportState, Visibility};

use super::folder::stall;
use super::meter::{no_database, unreadable};
use super::relay::{not_sent, outage, refused};
use super::text::{again, count, fit, sentence, title};
use crate::cli::date;
use crate::socket::Outage;
use crate::uploader::record::{Finished, How};
use crate::uploader::{Change, Rereading, ShownTo, has_ticket};

/// A line about a change of an upload; `None` for what only a fight that goes on is told by.
pub(in crate::cli) fn upload_line(change: &Change) -> Option<String> {
    let line = match change {
        Change::Uploaded { fight } | Change::Failed { fight } | Change::Unsent { fight } => finished_line(fight),
        // What is refused for good is told as a failure.
        Change::Begun { .. }
        | Change::Ended { .. }
        | Change::Finalized { .. }
        | Change::Kept { .. }
        | Change::Refused { encounter: Some(_), retry_ms: None, .. } => return None,
        Change::Connected { url, .. } => format!("Uploading to {url}"),
        Change::Watching { path, meter, .. } => format!("Reading {} ({meter})", path.display()),
        other => line_of(other)?,
    };
    Some(fit(&line))
}

fn finished_line(fight: &Finished) -> String {
    let what = format!(
        "{}  {}  {}",
        date::shown(fight.started_at_ms),
        title(fight.title.as_deref()),
        date::length(fight.duration_ms)
    );
    let url = fight.url.as_deref().unwrap_or_default();
    match fight.result {
        How::New => format!("new      {what}  {url}"),
        How::Known => format!("known    {what}  {url}"),
        How::Kept => format!("kept     {what}  {url} (more of it was uploaded from elsewhere)"),
        How::Refused => format!("refused  {what}  {}", fight.why.as_ref().map(not_sent).unwrap_or_default()),
        How::Waiting => format!("waiting  {what}  {}", fight.why.as_ref().map(not_sent).unwrap_or_default()),
    }
}

/// A line about a change of a fight that goes on; `None` for what is not told.
pub(in crate::cli) fn line_of(change: &Change) -> Option<String> {
    Some(match change {
        Change::Waiting { why, .. } => format!("Waiting. {}", no_database(why)),
        Change::Watching { path, meter, others, .. } => {
            let others = match others.len() {
                0 => String::new(),
                n => {
                    format!(". {} databases were found; this one was written last. Use --db for another.", n + 1)
                }
            };
            format!("Watching {} ({meter}){others}", path.display())
        }
        Change::History { fights: 1 } => "1 earlier fight is left alone. `raidcast upload` sends it.".to_owned(),
        Change::History { fights } => format!("{fights} earlier fights are left alone. `raidcast upload` sends them."),
        Change::ShownOtherwise { is_private } => shown_otherwise(*is_private).to_owned(),
        Change::SetThere { .. } => "Names and delay were set so on the relay's page, which counts.".to_owned(),
        Change::Disconnected { why: Outage::Said { text }, retry_ms, .. } if text == RAID_DELETED => {
            format!("This raid was deleted on the relay. A fight that goes on begins a new one. {}", again(*retry_ms))
        }
        Change::Disconnected { why, retry_ms, was_connected } => {
            format!("Not connected. {} {} Nothing is lost.", sentence(&outage(why, *was_connected)), again(*retry_ms))
        }
        Change::Begun { url, title, live, .. } => {
            let what = if *live { "Live" } else { "Sending" };
            format!("{what}: {} {url}", title.as_deref().unwrap_or("a fight"))
        }
        // Has lines of its own; and of a refusal the end of the command says the same.
        Change::Connected { .. }
        | Change::Acked { .. }
        | Change::Status(_)
        | Change::Refused { scope: RefusedScope::Connection, retry_ms: None, .. } => return None,
        Change::Idle { encounter: Some(_), seconds } => format!("Nothing happened in the fight for {seconds} s."),
        Change::Idle { encounter: None, seconds } => {
            format!("Nothing happened for {seconds} s, and nothing is left to send. Ending.")
        }
        Change::Ended { outcome, events, title: name, elapsed_ms, .. } => {
            let (name, length) = (title(name.as_deref()), date::length(*elapsed_ms));
            format!("Fight ended: {name}  {length}{}, {}", word(*outcome), count(*events, "event"))
        }
        Change::Finalized { url, known: true, keeps_visibility: true, .. } => {
            format!(
                "Uploaded already. The report is at {url} (If it is in another raid, --visibility does not change it.)"
            )
        }
        Change::Finalized { url, known: true, .. } => format!("Uploaded already. The report is at {url}"),
        Change::Finalized { url, state: ReportState::Provisional, .. } => format!("Report for now: {url}"),
        Change::Finalized { url, .. } => format!("Report: {url}"),
        Change::Kept { url, .. } => {
            format!("The relay has more of this fight from another raidcast. Its report stays as it is: {url}")
        }
        Change::Refused { code, text, scope, encounter, retry_ms } => {
            let text = refused(*code, text, *scope, encounter.is_some());
            match (code, retry_ms) {
                (RefusedCode::UnknownHandle | RefusedCode::Fenced, _) => text.to_owned(),
                (_, Some(ms)) => format!("Not taken: {} {}", sentence(text), again(*ms)),
                (_, None) => format!("Not taken: {} It is tried again when you start raidcast again.", sentence(text)),
            }
        }
        Change::Unreadable { why, .. } => format!("A fight is left out: {}", sentence(&unreadable(*why))),
        Change::Stalled { why } => stall(why),
        Change::Resumed => "Writing again.".to_owned(),
        Change::Reread { why, .. } => {
            format!("Reading a fight again from its beginning: {}", sentence(reread(*why)))
        }

        Change::Uploaded { fight } | Change::Failed { fight } | Change::Unsent { fight } => finished_line(fight),
        Change::Stopped { fights, why } => {
            let are = if fights.len() == 1 { "is" } else { "are" };
            format!("{} {are} left: {}", count(fights.len(), "fight"), sentence(&not_sent(why)))
        }
    })
}

/// A raid's links, a line for each, and who sees what of it.
pub(in crate::cli) fn links(url: &str, channel_url: &str, shown_to: ShownTo) -> [String; 3] {
    [format!("Share:          {url}"), format!("Permanent link: {channel_url}"), seen_by(url, shown_to)]
}

/// Who can watch by the link of a raid, and what those see who are no members of it; as far as somebody else may see it.
fn seen_by(url: &str, ShownTo { visibility, report_visibility, names, delay_s }: ShownTo) -> String {
    let is_private = has_ticket(url);
    let live = match visibility {
        _ if is_private => "Private: these links contain a secret, and whoever has one of them can watch.",
        Some(Visibility::Public) => "Public: everybody can watch, and the relay lists it.",
        Some(Visibility::Unlisted) => "Unlisted: everybody who has one of these links can watch.",
        Some(Visibility::Private) | None => "Everybody who has one of these links can watch.",
    };
    let said: Option<Visibility> = report_visibility.and_then(Into::into);
    let reports = match said.filter(|said| Some(*said) != visibility) {
        Some(Visibility::Public) => " Reports: public.",
        Some(Visibility::Unlisted) => " Reports: unlisted.",
        Some(Visibility::Private) => " Reports: private.",
        None => "",
    };
    // All who see it are members then.
    if is_private && reports.is_empty() {
        return live.to_owned();
    }
    let names = match names.unwrap_or_default() {
        NamesPolicy::Full => "all",
        NamesPolicy::Class => "class and number",
        NamesPolicy::Hidden => "only of players who agreed",
    };
    let delay = match delay_s.unwrap_or_default() {
        0 => "none".to_owned(),
        seconds => format!("{seconds} s"),
    };
    format!("{live}{reports} Names: {names}. Delay: {delay}.")
}

/// That the relay shows the raid otherwise than was asked for.
fn shown_otherwise(is_private: bool) -> &'static str {
    if is_private {
        "This raid is private: it was set so on the relay's page, which counts. Change it there to show it to others."
    } else {
        "This raid is NOT private, though you asked for that: it was shown to others on the relay's page, which counts. Change \
         it there."
    }
}

/// Why a fight is read again.
pub(in crate::cli) fn reread(why: Rereading) -> &'static str {
    match why {
        Rereading::OtherMeter => "another version of the meter keeps it now",
        Rereading::OtherDatabase => "its database was replaced by another one",
        Rereading::RelayDiffers => "the relay holds something else of it than this computer",
    }
}

/// How a fight went, behind its length, if that is known.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Kill => " (kill)",
        Outcome::Wipe => " (wipe)",
        Outcome::Reset => " (reset)",
        Outcome::Unfinished => " (unfinished)",
        Outcome::Unknown => "",
    }
}
