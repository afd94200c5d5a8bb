//! In words: what a state folder tells of its fights, a line for each.

use std::io::{self, Write};

use raidcast_shared::text::clean;

use super::standing::{trouble as trouble_in_words, why};
use super::text::title;
use crate::cli::date;
use crate::status::{Line, Overview, Running, Stand, Why};

/// Of the fights that were sent so many are listed, unless all are asked for.
const LISTED: usize = 20;
/// A longer title is cut, characters.
const TITLE_CHARS: usize = 32;

/// Writes what a folder tells; `all`: every fight that was sent, not the last ones alone.
///
/// # Errors
/// Whatever `out` says.
pub(in crate::cli) fn write_overview(overview: &Overview, out: &mut impl Write, all: bool) -> io::Result<()> {
    for running in &overview.running {
        let what = if running.history { "uploading old fights" } else { "following the meter" };
        let relay = if running.connected { "connected to" } else { "not connected to" };
        let url = running.raid_url.as_deref().map(|url| format!("  {url}")).unwrap_or_default();
        writeln!(out, "{what} (process {}), {relay} {}{}", running.process, running.relay, shown(&url))?;
        if let Some(trouble) = &running.trouble {
            writeln!(out, "  {}", shown(&trouble_in_words(trouble)))?;
        }
    }
    if overview.running.is_empty() && !overview.fights.is_empty() {
        writeln!(out, "Nothing is running with this folder.")?;
    }
    if overview.fights.is_empty() {
        return writeln!(out, "Nothing has been streamed from here yet.");
    }
    let titles = overview.fights.iter().map(|line| cut(title(line.title.as_deref())).chars().count());
    let width = titles.max().unwrap_or(0);
    let (mut listed, mut left) = (0, 0);
    for line in &overview.fights {
        if line.state == Stand::OnRelay {
            if listed == LISTED && !all {
                left += 1;
                continue;
            }
            listed += 1;
        }
        writeln!(out, "{}", text(line, width, &overview.running))?;
    }
    if left > 0 {
        writeln!(out, "and {left} earlier ones that were sent; --all lists them")?;
    }
    Ok(())
}

fn text(line: &Line, width: usize, running: &[Running]) -> String {
    let state = match line.state {
        // The folder knows that it arrived, not whether somebody has deleted it there since.
        Stand::OnRelay => "sent",
        Stand::Streaming => "streaming",
        Stand::Waiting => "waiting",
        Stand::Refused => "refused",
        Stand::Unreadable => "not readable",
    };
    let length = line.duration_ms.map(date::length).unwrap_or_default();
    let url = line.url.as_deref().filter(|_| line.state != Stand::Refused);
    let because = line.why.as_ref().map(|because| match because {
        // It stands above, once for all fights.
        Why::Trouble(trouble) if running.iter().any(|running| running.trouble.as_ref() == Some(trouble)) => {
            "see above".to_owned()
        }
        because => why(because),
    });
    let unread = line.duration_ms.is_none().then_some("(not read yet)");
    let rest = [unread, url, because.as_deref()].into_iter().flatten().map(shown).collect::<Vec<_>>().join("  ");
    let title = cut(title(line.title.as_deref()));
    format!("{state:<12}  {}  {title:<width$}  {length:>7}  {rest}", date::shown(line.started_at_ms))
        .trim_end()
        .to_owned()
}

/// Text as a terminal may show it.
fn shown(text: &str) -> String {
    clean(text, 500)
}

fn cut(title: &str) -> String {
    let title = shown(title);
    if title.chars().count() <= TITLE_CHARS {
        return title;
    }
    let mut short: String = title.chars().take(TITLE_CHARS - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::Outage;
    use crate::uploader::record::NotSent;
    use crate::uploader::trouble::Trouble;

    fn line(n: i64, state: Stand, why: Option<Why>) -> Line {
        Line {
            encounter: n.to_string(),
            title: Some(if n == 0 { "Bo\u{1b}[2Jss".into() } else { "Hall".into() }),
            started_at_ms: 1_790_000_000_000 + n,
            duration_ms: Some(302_000),
            events: 1,
            outcome: None,
            state,
            url: Some(format!("http://r/{n}")),
            why,
            has_log: false,
        }
    }

    fn text(overview: &Overview, all: bool) -> String {
        let mut out = Vec::new();
        write_overview(overview, &mut out, all).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_fight_is_a_line_and_old_ones_that_were_sent_are_counted() {
        let too_long = NotSent::Said("too long".into());
        let waiting = line(0, Stand::Waiting, Some(Why::Queued));
        let fights = vec![waiting, line(1, Stand::Refused, Some(Why::NotSent(too_long)))];
        let mut overview = Overview { running: Vec::new(), fights };
        assert_eq!(
            text(&overview, false),
            "Nothing is running with this folder.\n\
             waiting       2026-09-21 14:13 UTC  Bo[2Jss     5:02  http://r/0  its turn comes\n\
             refused       2026-09-21 14:13 UTC  Hall        5:02  too long\n"
        );
        overview.fights.extend((0..25).map(|n| line(n + 2, Stand::OnRelay, None)));
        assert!(text(&overview, false).ends_with("and 5 earlier ones that were sent; --all lists them\n"));
        assert_eq!(text(&overview, true).lines().count(), 28);
        // Somebody may have deleted them since.
        assert_eq!(
            text(&overview, true).lines().filter(|line| line.starts_with("sent          2026-09-21")).count(),
            25
        );
        assert!(text(&Overview::default(), false).contains("Nothing has been streamed from here yet."));
    }

    #[test]
    fn what_keeps_all_fights_waiting_is_told_once_and_what_was_not_read_has_no_length() {
        let trouble = Trouble::NotConnected { why: Outage::Cut, was_connected: true };
        let running = Running {
            process: 7,
            history: false,
            connected: false,
            relay: "http://r".into(),
            raid_url: None,
            trouble: Some(trouble.clone()),
        };
        let waits = |duration_ms| Line {
            duration_ms,
            url: None,
            ..line(1, Stand::Waiting, Some(Why::Trouble(trouble.clone())))
        };
        let overview = Overview { running: vec![running], fights: vec![waits(Some(302_000)), waits(None)] };
        assert_eq!(
            text(&overview, false),
            "following the meter (process 7), not connected to http://r\n  Not connected. The connection was cut.\n\
             waiting       2026-09-21 14:13 UTC  Hall     5:02  see above\n\
             waiting       2026-09-21 14:13 UTC  Hall           (not read yet)  see above\n"
        );
    }

    #[test]
    fn who_follows_the_meter_and_an_upload_beside_it_have_a_line_each() {
        let running = |history: bool| Running {
            process: 7,
            history,
            connected: !history,
            relay: "http://r".into(),
            raid_url: Some(format!("http://r/{history}")),
            trouble: history.then_some(Trouble::NotConnected { why: Outage::Cut, was_connected: true }),
        };
        let overview = Overview { running: vec![running(false), running(true)], fights: Vec::new() };
        assert_eq!(
            text(&overview, false),
            "following the meter (process 7), connected to http://r  http://r/false\n\
             uploading old fights (process 7), not connected to http://r  http://r/true\n  \
             Not connected. The connection was cut.\n\
             Nothing has been streamed from here yet.\n"
        );
    }
}
