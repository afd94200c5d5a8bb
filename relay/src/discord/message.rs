//! What a message tells of a night, in Discord's shape.
//!
//! Two invariants. It names no player: what another server holds cannot be taken back when somebody wants to be hidden. And
//! all text of people is text: no markup, no mention, no link, and within Discord's limits. Deliberately not here: what of a
//! night may be told.

use raidcast_shared::text::{cut, one_line};
use raidcast_shared::uplink::{Outcome, ReportState};
use serde_json::{Value, json};

use crate::preview::{end_of_line, late_words, line_of_raid};

/// What Discord takes, in characters: of a title, of a description. Both together stay below the 6,000 of all embeds.
const TITLE_MAX: usize = 256;
/// See [`TITLE_MAX`].
const DESCRIPTION_MAX: usize = 4_096;
/// Characters that say how many fights are left out.
const REST_MAX: usize = 40;
/// Characters of a fight's name.
const NAME_CHARS_MAX: usize = 40;
/// The colour of its edge: that of the pages.
const COLOR: u32 = 0x4d_e3d1;

/// A fight of a night.
#[derive(Clone, Debug)]
pub(super) struct NightFight {
    /// Its greatest boss, else its scene.
    pub(super) name: Option<String>,
    pub(super) state: ReportState,
    pub(super) outcome: Outcome,
    pub(super) duration_ms: u32,
    /// Its page.
    pub(super) url: String,
}

/// The message of a night: its title as its uploader calls it, its page, its fights in the order in which they began, and
/// by how much all of it is late.
pub(super) fn of_night(title: Option<&str>, url: &str, fights: &[NightFight], delay_s: u32) -> Value {
    let title = marked(&line_of_raid(title, fights.iter().map(|fight| &fight.outcome)));
    let said = match late_words(delay_s) {
        Some(late) => format!("Raidcast · {late}"),
        None => "Raidcast".to_owned(),
    };
    message(json!({
        "title": fitting(title, TITLE_MAX),
        "url": url,
        "description": lines(fights),
        "color": COLOR,
        "footer": {"text": said},
    }))
}

/// The message that says that a webhook works.
pub(super) fn of_test(url: &str) -> Value {
    message(json!({
        "title": "This webhook works",
        "url": url,
        "description": "When a fight of this channel has ended, a message here tells of the night and edits itself.",
        "color": COLOR,
        "footer": {"text": "Raidcast"},
    }))
}

/// Nobody is called by it, whatever stands in it.
fn message(embed: Value) -> Value {
    json!({"allowed_mentions": {"parse": []}, "embeds": [embed]})
}

/// A line for each fight; of more than fit the newest.
fn lines(fights: &[NightFight]) -> String {
    let (mut room, mut kept) = (DESCRIPTION_MAX - REST_MAX, Vec::new());
    for (nth, fight) in fights.iter().enumerate().rev() {
        let line = line(nth + 1, fight);
        let takes = length(&line) + 1;
        if takes > room {
            break;
        }
        room -= takes;
        kept.push(line);
    }
    let rest = fights.len() - kept.len();
    if rest > 0 {
        kept.push(format!("… and {rest} before"));
    }
    kept.reverse();
    kept.join("\n")
}

fn line(nth: usize, fight: &NightFight) -> String {
    let name =
        fight.name.as_deref().and_then(one_line).map_or("Unknown fight".to_owned(), |name| cut(&name, NAME_CHARS_MAX));
    let end = end_of_line(fight.state, fight.outcome, fight.duration_ms);
    // The link is behind the relay's own words: what people wrote might end it.
    format!("**{nth}** {} · [{end}]({})", marked(&name), fight.url)
}

/// Text in which nothing is markup: no link, no mention, no time, no picture.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | ':' | '@' | '/' | '-' | '+'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As Discord counts it at the most.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Text that is not longer than may be: it is cut before the sign that would be.
fn fitting(text: String, most: usize) -> String {
    if length(&text) <= most {
        return text;
    }
    let mut out = String::new();
    for c in text.chars() {
        if length(&out) + c.len_utf16() >= most {
            break;
        }
        out.push(c);
    }
    // One that hides the next sign would hide the dots.
    out.truncate(out.trim_end_matches('\\').len());
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fight(name: &str) -> NightFight {
        NightFight {
            name: Some(name.to_owned()),
            state: ReportState::Final,
            outcome: Outcome::Kill,
            duration_ms: 332_000,
            url: "https://raids.example/reports/abc".into(),
        }
    }

    #[test]
    fn a_night_is_told_by_its_fights() {
        let wipe = NightFight { outcome: Outcome::Wipe, ..fight("Golem") };
        let live = NightFight { state: ReportState::Live, outcome: Outcome::Unknown, name: None, ..fight("") };
        let told = of_night(Some("Guild night"), "https://raids.example/raids/x", &[wipe, fight("Golem"), live], 60);
        assert_eq!(told["allowed_mentions"], json!({"parse": []}));
        let embed = &told["embeds"][0];
        assert_eq!(embed["title"], "Guild night · 3 fights · 1 kill · 1 wipe");
        assert_eq!(embed["url"], "https://raids.example/raids/x");
        assert_eq!(embed["footer"]["text"], "Raidcast · Shown 1:00 late");
        let page = "https://raids.example/reports/abc";
        let lines = [
            format!("**1** Golem · [Wipe after 5:32]({page})"),
            format!("**2** Golem · [Kill in 5:32]({page})"),
            format!("**3** Unknown fight · [Live]({page})"),
        ];
        assert_eq!(embed["description"], lines.join("\n"));
    }

    #[test]
    fn what_people_wrote_is_text() {
        for (name, shown) in [
            ("@everyone", "\\@everyone"),
            ("<@123> <t:1:R>", "\\<\\@123\\> \\<t\\:1\\:R\\>"),
            ("[a](https://evil.example)", "\\[a\\]\\(https\\:\\/\\/evil.example\\)"),
            ("**bold** `code` ||no||", "\\*\\*bold\\*\\* \\`code\\` \\|\\|no\\|\\|"),
            ("a\n# b\u{202e}\u{200b}c", "a \\# bc"),
            ("\u{200b}\u{202e}", "Unknown fight"),
        ] {
            assert!(line(1, &fight(name)).starts_with(&format!("**1** {shown} · [Kill")), "{}", line(1, &fight(name)));
        }
    }

    #[test]
    fn it_stays_within_what_discord_takes() {
        let hostile = "😀*".repeat(5_000);
        let fights: Vec<_> = (0..500).map(|_| fight(&hostile)).collect();
        let told = of_night(Some(&hostile), "https://raids.example/raids/x", &fights, 600);
        let text = |name: &str| told["embeds"][0][name].as_str().unwrap_or_default().to_owned();
        assert!((1..=TITLE_MAX).contains(&length(&text("title"))), "{}", text("title"));
        assert!((1..=DESCRIPTION_MAX).contains(&length(&text("description"))));
        assert!(text("description").starts_with("… and ") && text("description").contains("**500** "));
        let cut = fitting("a\\*".repeat(100), 10);
        assert_eq!(cut, "a\\*a\\*a\\*…");
        assert_eq!(fitting("ab\\*cd".into(), 4), "ab…");
    }
}
