//! In English: how things stand, labels, notices, sizes.

use std::path::Path;

use raidcast::history::{Before, Tally};
use raidcast::keys::Kept;
use raidcast::source::Generation;
use raidcast::uploader::seen_by::SeenBy;
use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};

use super::{English, count};
use crate::channel::Rule;
use crate::said::{Said, quoted};
use crate::standing::Standing;
use crate::tray_item::ItemId;
use crate::view::AppState;
use crate::words::faults::Faults as _;
use crate::words::tongue::Words;
use crate::wrong::Wrong;

impl Words for English {
    fn headline(&self, state: AppState) -> &'static str {
        match state {
            AppState::Setup => "Not set up yet",
            AppState::NoMeter => "Waiting for the meter",
            AppState::Idle => "Waiting for a fight",
            AppState::Live => "Live",
            AppState::Waiting => "Not all has arrived",
            AppState::Trouble => "Something is to be put right",
            AppState::Paused => "Paused",
            AppState::Elsewhere => "Another Raidcast is at work",
        }
    }

    fn standing(&self, standing: &Standing<'_>) -> Said {
        match standing {
            Standing::NotSetUp => Said::new("Raidcast is not set up yet: nothing is sent.").and("Open its window."),
            Standing::Begins => Said::new("Raidcast is starting."),
            Standing::Unread { fault } => self.own(fault),
            Standing::Unsettled { fault } => self.settings(fault),
            Standing::Elsewhere { process, running } => {
                let who = process.map(|id| format!(" (process {id})")).unwrap_or_default();
                let does = match running.map(|running| (running.connected, &running.trouble)) {
                    Some((_, Some(trouble))) => self.trouble(trouble).sentence,
                    Some((true, None)) => "It is connected to the relay.".to_owned(),
                    Some((false, None)) => "It is not connected to the relay.".to_owned(),
                    None => "It does not say how it stands.".to_owned(),
                };
                Said::new(format!("Another Raidcast{who} does the work on this computer. {does}"))
                    .and("End that one, if this one is to do it: it goes on by itself then.")
            }
            Standing::Ended { error, again } => {
                let said = self.run(error);
                let again = if *again { " It is tried again by itself." } else { "" };
                Said { sentence: said.sentence + again, ..said }
            }
            Standing::Stalled { why } => self.stall(why),
            Standing::Paused { waiting: 0 } => {
                Said::new("Nothing is sent. Fights that begin now are left alone, also later.")
                    .and("End the pause, and fights that begin then are live.")
            }
            Standing::Paused { waiting } => {
                let waits = match waiting {
                    1 => "1 part of an earlier fight waits here.".to_owned(),
                    n => format!("{n} parts of earlier fights wait here."),
                };
                Said::new(format!("Nothing is sent. Fights that begin now are left alone, also later. {waits}"))
                    .and("End the pause, and it goes on.")
            }
            Standing::NoMeter { why } => self.no_database(why),
            Standing::Cut { why, was_connected, waiting, .. } => {
                let said = self.outage(why, *was_connected);
                let waits = match waiting {
                    0 => " Everything has arrived so far.".to_owned(),
                    1 => " 1 part waits here, and nothing is lost.".to_owned(),
                    n => format!(" {n} parts wait here, and nothing is lost."),
                };
                Said { sentence: said.sentence + &waits, ..said }
            }
            Standing::TurnedAway { code, text } => self.refused(*code, text),
            Standing::Connecting { waiting: 0 } => Said::new("The relay has not answered yet."),
            Standing::Connecting { waiting } => {
                Said::new(format!("The relay has not answered yet. {}", self.arrived(*waiting, false)))
            }
            Standing::Live => Said::new("A fight goes on, and the relay takes it."),
            Standing::OnItsWay { parts } => Said::new(self.arrived(*parts, true)),
            Standing::Idle => Said::new("Everything has arrived. The next fight is live as soon as it begins."),
        }
    }

    fn arrived(&self, parts: u64, connected: bool) -> String {
        match (parts, connected) {
            (0, true) => "All of it has arrived.".to_owned(),
            (0, false) => "All that was read has arrived.".to_owned(),
            (1, true) => "1 part is on its way.".to_owned(),
            (n, true) => format!("{n} parts are on their way."),
            (1, false) => "1 part waits here for the relay.".to_owned(),
            (n, false) => format!("{n} parts wait here for the relay."),
        }
    }

    fn shown_otherwise(&self, is_private: bool) -> Said {
        if is_private {
            return Said::new("This raid is private on the relay: that was set on its page.")
                .and("Change it on your account page, to show it to others.");
        }
        let item = self.item(ItemId::Private);
        Said::new("This raid is not private on the relay: that was set on its page.")
            .and(format!("Choose \u{201c}{item}\u{201d} once more, or change it on your account page."))
    }

    fn set_there(&self, names: NamesPolicy, delay_s: u32) -> Said {
        let names = match names {
            NamesPolicy::Full => "all names",
            NamesPolicy::Class => "classes in place of names",
            NamesPolicy::Hidden => "only names of players who agreed",
        };
        let delay = match delay_s {
            0 => "without a delay".to_owned(),
            seconds => format!("{seconds} seconds later"),
        };
        Said::new(format!("Others see {names} of this raid, {delay}: that was set on the relay's page."))
            .and("Change it on your account page.")
    }

    fn pending(&self, private: bool) -> Said {
        Said::new(match private {
            true => "This raid is to be private. The relay has not heard it yet: until then others see what is there.",
            false => "This raid is to be private no more. The relay has not heard it yet.",
        })
    }

    fn nameless(&self) -> &'static str {
        "Fight"
    }

    fn generation(&self, generation: Generation) -> &'static str {
        match generation {
            Generation::Events => "It writes each hit while the fight goes on.",
            Generation::Counters => "It writes sums while the fight goes on, and no single hits.",
            Generation::Aggregate => "It writes hits while the fight goes on.",
            Generation::Summary => "It writes a fight when it is over: nothing is live.",
            Generation::Chunks => "It writes parts of a fight while it goes on.",
        }
    }

    fn item(&self, item: ItemId) -> &'static str {
        match item {
            ItemId::Open => "Open Raidcast",
            ItemId::CopyLink => "Copy live link",
            ItemId::OpenPage => "Open live page",
            ItemId::Pause => "Pause",
            ItemId::Private => "Private for this raid",
            ItemId::Quit => "Quit",
        }
    }

    fn began(&self, fight: &str, link: Option<&str>) -> (String, String) {
        let body = match link {
            Some(link) => link.to_owned(),
            None => "This raid is private. Copy its link from the tray or the window.".to_owned(),
        };
        (format!("Live: {fight}"), body)
    }

    fn ended(&self, fight: &str, outcome: Outcome) -> (String, String) {
        let how = match outcome {
            Outcome::Kill => "It was a kill.",
            Outcome::Wipe => "It was a wipe.",
            Outcome::Reset => "It was reset.",
            Outcome::Unfinished => "The meter did not bring it to its end.",
            Outcome::Unknown => "The meter does not tell how it went.",
        };
        (format!("Fight over: {fight}"), how.to_owned())
    }

    fn hits(&self, hits: u64) -> String {
        match hits {
            0..10_000 => count(hits, "hit"),
            10_000..1_000_000 => format!("{:.1}k hits", hits as f64 / 1e3),
            _ => format!("{:.2}M hits", hits as f64 / 1e6),
        }
    }

    fn bytes(&self, bytes: u64) -> String {
        match bytes {
            0..1_000 => format!("{bytes} B"),
            1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
            _ => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }

    fn seen_by(&self, seen_by: SeenBy) -> String {
        let who = match seen_by.visibility {
            Some(visibility) => seen(visibility),
            None => "As the relay has it for your key",
        };
        match seen_by.names {
            None | Some(NamesPolicy::Full) => format!("{who}."),
            Some(NamesPolicy::Class) => format!("{who}; others see classes in place of names."),
            Some(NamesPolicy::Hidden) => format!("{who}; others see only names of players who agreed."),
        }
    }

    fn plan_of(
        &self,
        fights: usize,
        before: Before,
        relay: &str,
        visibility: Visibility,
        names: NamesPolicy,
    ) -> String {
        let fights = count(fights as u64, "fight");
        let there = match before.there {
            0 => String::new(),
            1 => " 1 of them is uploaded already and is not sent again.".to_owned(),
            n => format!(" {n} of them are uploaded already and are not sent again."),
        };
        let seen_by = self.seen_by(SeenBy { visibility: Some(visibility), names: Some(names) });
        format!("{fights} would be sent to {relay}.{there} Who may see what is new there: {}", lower(&seen_by))
    }

    fn uploading(&self, tally: &Tally, of: u64, connected: bool) -> String {
        let there = format!("{} of {} uploaded", tally.on_relay(), count(of, "fight"));
        let refused = if tally.failed > 0 { format!(", {} not taken", tally.failed) } else { String::new() };
        let cut = if connected { "" } else { " The relay does not answer: it goes on by itself." };
        format!("{there}{refused}.{cut}")
    }

    fn uploaded(&self, tally: &Tally, waiting: u64) -> Said {
        let mut parts = vec![format!("{} uploaded", count(tally.new, "fight"))];
        if tally.known + tally.kept > 0 {
            parts.push(format!("{} uploaded before", tally.known + tally.kept));
        }
        if tally.failed > 0 {
            parts.push(format!("{} not taken", tally.failed));
        }
        if waiting > 0 {
            parts.push(format!("{waiting} not uploaded yet"));
        }
        Said::new(format!("{}.", parts.join(", "))).and_if(waiting > 0, "Upload them again: nothing is sent twice.")
    }

    fn kept(&self, kept: &Kept, file: &Path) -> String {
        match kept {
            Kept::InSystem { store } => format!("The key is in {store}."),
            Kept::InFile { instead_of } => {
                let only = if cfg!(unix) { " Only your user can read that file." } else { "" };
                let why = match instead_of {
                    Some(error) => {
                        format!(" The system's key store does not take it ({}).", quoted(&error.to_string()))
                    }
                    None => String::new(),
                };
                format!("The key is in {}.{only}{why}", file.display())
            }
        }
    }

    fn offered(&self, version: &str) -> (String, String) {
        let body = "What is new in it, and how to install it, stands under About in its window.";
        (format!("Raidcast {version} is there"), body.to_owned())
    }

    fn rule(&self, rule: &Rule) -> Said {
        match rule {
            Rule::Newest => Said::new("This is the newest version."),
            Rule::Offer { version, .. } => {
                Said::new(format!("Raidcast {version} is there.")).and("Install it, or skip this version.")
            }
            Rule::Skipped { version } => Said::new(format!("Raidcast {version} is there. You chose to skip it.")),
            Rule::NotYet { version } => Said::new(format!(
                "Raidcast {version} is given to one computer after the other. The turn of this one comes by itself."
            )),
            Rule::Stopped { version } => {
                Said::new(format!("Raidcast {version} is held back for now. Nothing is to be done."))
            }
            Rule::Older { version } => {
                Said::new(format!("Updates are at Raidcast {version}, which is older than this version."))
            }
            Rule::NotSetUp => Said::new("Nobody says where to look for updates.")
                .and("Give the address of a channel file in the settings, or ask the relay's operator."),
            Rule::Unreadable => Said::new("What lies where updates are looked for is no channel file of Raidcast.")
                .and("Check that address in the settings, or tell who keeps it."),
        }
    }

    fn wrong(&self, wrong: &Wrong) -> Said {
        match wrong {
            Wrong::Settings(fault) => self.settings(fault),
            Wrong::Keys { file, error } => self.keys(error, file),
            Wrong::Address(error) => self.address(error),
            Wrong::Pairing(error) => self.pairing(error),
            Wrong::Key(failure) => self.key(failure),
            Wrong::Plan(error) => self.plan(error),
            Wrong::Source(error) => self.source(error),
            Wrong::Own(fault) => self.own(fault),
            Wrong::Link(fault) => self.link(fault),
            Wrong::Update(fault) => self.update(fault),
            Wrong::Upload(error) => self.run(error),
            Wrong::File { path, error } => {
                Said::new(format!("{} cannot be written ({}).", path.display(), quoted(&error.text)))
                    .and("Let your user write there, and see that the disk has room.")
            }
            Wrong::Browser(error) => Said::new(format!("The browser does not open ({}).", quoted(&error.text)))
                .and("Copy the link, and open it in the browser yourself."),
            Wrong::Folder { path, error } => {
                Said::new(format!("{} cannot be shown ({}).", path.display(), quoted(&error.text)))
                    .and("Look for it with your system's program for files.")
            }
            Wrong::Clipboard { text } => Said::new(format!("The link was not copied ({}).", quoted(text)))
                .and("Open the page, and copy its address there."),
            Wrong::Startup(error) => {
                Said::new(format!("What starts with the system cannot be changed ({}).", quoted(&error.text)))
                    .and("Change it in the system's own settings.")
            }
            Wrong::NoRelay => Said::new("No relay is named yet.").and("Give the relay's address first."),
            Wrong::NotRunning => {
                Said::new("Raidcast does not follow the meter now.").and("See what it says in its window.")
            }
            Wrong::Elsewhere => Said::new("Another Raidcast does the work on this computer.")
                .and("End that one first: this one goes on by itself then."),
            Wrong::Uploading => {
                Said::new("Another upload is under way.").and("Wait until it has come to its end, or stop it.")
            }
            Wrong::PlanGone => {
                Said::new("What was to be sent has changed since. Nothing was sent.").and("Look at it and agree again.")
            }
            Wrong::NoFights => {
                Said::new("None of these fights can be sent: they go on, or the meter has removed them.")
                    .and("Look at the list again.")
            }
            Wrong::Ending => Said::new("Raidcast is ending."),
        }
    }
}

fn seen(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "Everybody: the relay lists it",
        Visibility::Unlisted => "Everybody who has the link",
        Visibility::Private => "You, and who has the link with its ticket",
    }
}

/// A sentence as it stands behind a colon.
fn lower(sentence: &str) -> String {
    let mut signs = sentence.chars();
    signs.next().map(|first| first.to_lowercase().chain(signs).collect()).unwrap_or_default()
}
