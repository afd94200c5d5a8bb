//! What is asked of the model, and what it does then.

use std::path::PathBuf;

use raidcast::settings::{self, Edit, SettingsEdit, SettingsFault, SettingsFile};
use raidcast::uploader::{Order, ShownTo};
use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::Visibility;
use uuid::Uuid;

use super::Task;
use super::life::Life;
use crate::ask::{Answer, Ask};
use crate::channel::{self, Rule};
use crate::links::{self, LinkFault};
use crate::notice;
use crate::settled::shown_of;
use crate::state::State;
use crate::version::Version;
use crate::view::{AboutView, Link, Notice, NowView, SettingsChange, SettingsFiles, SettingsView, UpdateRule};
use crate::wrong::Wrong;

impl Task {
    /// Does what is asked, and answers.
    pub(super) async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Now(answer) => give(answer, self.show()),
            Ask::Trayed(trayed) => {
                self.trayed = trayed;
                self.is_news = true;
            }
            Ask::Pause(paused, answer) => {
                let done = self.pause(paused).await;
                give(answer, self.told(done));
            }
            Ask::Private(private, answer) => {
                let done = self.private(private);
                give(answer, self.told(done));
            }
            Ask::TryNow(answer) => {
                let done = self.try_now();
                give(answer, self.told(done));
            }
            Ask::Again(fights, answer) => {
                let done = self.again(&fights);
                give(answer, self.told(done));
            }
            Ask::Settings(answer) => give(answer, self.settings()),
            Ask::Change(change, answer) => {
                let done = self.change(change).await;
                give(answer, self.told(done));
            }
            Ask::Link(Link::Fight { encounter }, to_open, answer) => self.fight_link(encounter, to_open, answer),
            Ask::Link(link, to_open, answer) => give(answer, self.told(self.link(&link, to_open))),
            Ask::Update(file, answer) => give(answer, self.update(file.as_ref())),
            Ask::MayInstall(answer) => give(answer, self.may_install()),
            Ask::UpdateNotice(version, answer) => {
                let notice = self.update_notice(version);
                give(answer, notice);
            }
            Ask::Skip(version, answer) => {
                let done = self.own.change(|own| own.skipped_version = Some(version)).map_err(Wrong::Own);
                give(answer, self.told(done));
            }
            Ask::About(answer) => give(answer, self.about()),
            Ask::First(answer) => self.first(answer),
            Ask::FindMeters(answer) => self.find_meters(answer),
            Ask::UseMeter(path, answer) => self.use_meter(path, answer).await,
            Ask::Relay(text, answer) => {
                let done = self.relay(&text);
                give(answer, self.told(done));
            }
            Ask::Pair(answer) => self.pair(answer),
            Ask::Pairing(answer) => give(answer, self.pairing()),
            Ask::StopPairing(answer) => {
                self.stop_pairing();
                give(answer, ());
            }
            Ask::PasteKey(key, answer) => self.paste_key(key, answer),
            Ask::ForgetKey(answer) => self.forget_key(answer),
            Ask::FinishFirst(choice, answer) => {
                let done = self.finish_first(choice).await;
                give(answer, self.told(done));
            }
            Ask::Fights(filter, answer) => self.fights(filter, answer),
            Ask::Plan(choice, answer) => self.plan(choice, answer),
            Ask::Upload(number, steps, answer) => self.upload(number, steps, answer),
            Ask::StopUpload(answer) => {
                self.stop_upload();
                give(answer, ());
            }
            Ask::Bundle(answer) => self.bundle(answer),
            Ask::Fault(wrong, answer) => give(answer, self.fault(&wrong)),
            // The loop has it.
            Ask::Quit(answer) => give(answer, ()),
        }
    }

    pub(super) async fn pause(&mut self, paused: bool) -> Result<NowView, Wrong> {
        if matches!(self.life, Life::Elsewhere { .. }) {
            return Err(Wrong::Elsewhere);
        }
        if !self.own.own().first_done {
            return Err(Wrong::NotRunning);
        }
        let now_ms = self.setup.clock.unix_ms();
        let is_paused = self.own.own().paused_since_ms.is_some();
        let kept = match (paused, is_paused) {
            (true, false) => {
                // The pause begins first: what begins while the run ends is left alone, too.
                let kept = self.own.change(|own| own.pause(now_ms));
                self.end_upload().await;
                self.end_run().await;
                self.hearing.with(State::paused);
                kept
            }
            (false, true) => {
                let kept = self.own.change(|own| own.go_on(now_ms));
                self.begin_anew().await;
                kept
            }
            (true, true) | (false, false) => Ok(()),
        };
        let view = self.show();
        // It is so all the same, until the app ends.
        kept.map_err(Wrong::Own).map(|()| view)
    }

    /// Says it to the run: the relay hears it at once, or when it can be reached.
    fn private(&mut self, private: bool) -> Result<NowView, Wrong> {
        let settings = shown_of(&self.known.file);
        let (visibility, reports) = match private {
            // Reports that everybody may read would tell as much.
            true => (Visibility::Private, ReportVisibility::Live),
            false => (settings.visibility, settings.report_visibility),
        };
        let shown = ShownTo { visibility: Some(visibility), report_visibility: Some(reports), ..ShownTo::default() };
        self.order(Order::Show(shown))?;
        self.hearing.with(|state| state.ask_private(visibility == Visibility::Private));
        // What was said before it is said no more.
        self.shown_anew = None;
        Ok(self.show())
    }

    fn try_now(&mut self) -> Result<NowView, Wrong> {
        match self.life {
            Life::Runs(_) => self.order(Order::TryNow)?,
            Life::Waits { .. } | Life::Elsewhere { .. } => {
                self.tries = 0;
                self.begin();
            }
            Life::Settles(_) => {}
            Life::Rests => return Err(Wrong::NotRunning),
        }
        Ok(self.show())
    }

    fn again(&mut self, fights: &[String]) -> Result<(), Wrong> {
        let named = |name: &String| Uuid::parse_str(name).ok().map(EncounterId);
        let fights: Vec<_> = fights.iter().filter_map(named).collect();
        if fights.is_empty() {
            return Err(Wrong::NoFights);
        }
        self.order(Order::Again(fights))
    }

    fn order(&self, order: Order) -> Result<(), Wrong> {
        match &self.life {
            Life::Runs(run) => run.order(order).then_some(()).ok_or(Wrong::NotRunning),
            Life::Elsewhere { .. } => Err(Wrong::Elsewhere),
            Life::Rests | Life::Settles(_) | Life::Waits { .. } => Err(Wrong::NotRunning),
        }
    }

    pub(super) fn settings(&self) -> SettingsView {
        let file = &self.known.file;
        let text = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
        let own = self.own.own();
        let home = &self.setup.home;
        let read = SettingsFile::load(&home.config, false).err().map(Wrong::Settings);
        let fault = read.or_else(|| self.own.fault().cloned().map(Wrong::Own));
        SettingsView {
            relay: self.known.relay.clone(),
            paired: self.known.paired,
            meter_path: text(file.db.as_ref()),
            meter_data: text(file.meter_data.as_ref()),
            ca: text(file.ca.as_ref()),
            shown: shown_of(file),
            notices: own.notices,
            notice_at_end: own.notice_at_end,
            language: own.language,
            channel: own.channel.clone(),
            files: SettingsFiles {
                settings: home.config.display().to_string(),
                state: home.state.display().to_string(),
                log: self.setup.log.display().to_string(),
            },
            fault: fault.map(|wrong| self.fault(&wrong)),
        }
    }

    pub(super) async fn change(&mut self, change: SettingsChange) -> Result<SettingsView, Wrong> {
        match change {
            SettingsChange::MeterPath { path } => {
                let db = edit_of(path, |path| settings::database(path.into()))?;
                self.edit(SettingsEdit { db, ..SettingsEdit::default() }).await?;
            }
            SettingsChange::MeterData { path } => {
                let meter_data = edit_of(path, |path| Ok(path.into()))?;
                self.edit(SettingsEdit { meter_data, ..SettingsEdit::default() }).await?;
            }
            SettingsChange::Ca { path } => {
                let ca = edit_of(path, |path| {
                    settings::trust(Some(path.as_ref()))?;
                    Ok(path.into())
                })?;
                self.edit(SettingsEdit { ca, ..SettingsEdit::default() }).await?;
            }
            SettingsChange::Shown { shown } => {
                let delay = settings::delay(i64::from(shown.delay_s))?;
                // As it is before another run begins, which knows less.
                let is_private = self.hearing.with(|state| state.means_private());
                self.edit(SettingsEdit {
                    visibility: Edit::Set(shown.visibility),
                    report_visibility: Edit::Set(shown.report_visibility),
                    names: Edit::Set(shown.names),
                    delay: Edit::Set(delay),
                    ..SettingsEdit::default()
                })
                .await?;
                // What goes on is meant, too; but a raid that was made private for this once stays so.
                self.shown_anew = Some(ShownTo {
                    visibility: (!is_private).then_some(shown.visibility),
                    report_visibility: (!is_private).then_some(shown.report_visibility),
                    names: Some(shown.names),
                    delay_s: Some(delay),
                });
            }
            SettingsChange::Notices { on } => self.own.change(|own| own.notices = on)?,
            SettingsChange::NoticeAtEnd { on } => self.own.change(|own| own.notice_at_end = on)?,
            SettingsChange::Language { language } => self.own.change(|own| own.language = language)?,
            SettingsChange::Channel { url } => self.own.change(|own| own.channel = url)?,
        }
        self.show();
        Ok(self.settings())
    }

    /// Writes the settings file, and goes on by it.
    pub(super) async fn edit(&mut self, edit: SettingsEdit) -> Result<(), Wrong> {
        let path = self.setup.home.config.clone();
        SettingsFile::edit(&path, &edit)?;
        if let Ok(file) = SettingsFile::load(&path, false) {
            self.known.file = file;
        }
        if !matches!(self.life, Life::Elsewhere { .. }) {
            self.begin_anew().await;
        }
        Ok(())
    }

    /// A link: one that is to be opened has to be the relay's.
    fn link(&self, link: &Link, to_open: bool) -> Result<String, Wrong> {
        // The one that is being paired with counts, where that is what the link is for.
        let draft = self.drafts.draft.as_ref().map(|draft| draft.relay.as_str()).filter(|_| *link == Link::Pair);
        let relay = draft.or(self.known.relay.as_deref()).ok_or(Wrong::NoRelay)?;
        let held =
            self.hearing.with(|state| state.links().map(|(raid, channel)| (raid.to_owned(), channel.to_owned())));
        let url = match link {
            Link::Raid => held.map(|(raid, _)| raid),
            Link::Channel => held.map(|(_, channel)| channel),
            Link::Account => Some(links::account(relay)?),
            Link::Pair => self.pair_link(),
            // It is looked up elsewhere.
            Link::Fight { .. } => None,
        };
        let url = url.ok_or(LinkFault::Missing)?;
        match to_open {
            true => Ok(links::may_open(&url, relay)?),
            false => Ok(url),
        }
    }

    fn update(&self, file: Option<&serde_json::Value>) -> UpdateRule {
        let own = self.own.own();
        let skipped = own.skipped_version.as_deref().and_then(Version::parse);
        let rule = match file {
            Some(file) => channel::rule(file, &self.setup.version, own.lot.unwrap_or_default(), skipped.as_ref()),
            None => Rule::NotSetUp,
        };
        let sentence = self.words().rule(&rule).text();
        match rule {
            Rule::Newest => UpdateRule::None,
            Rule::Offer { version, notes } => UpdateRule::Offer { version: version.to_string(), notes },
            Rule::Skipped { .. } | Rule::NotYet { .. } | Rule::Stopped { .. } => UpdateRule::Held { sentence },
            Rule::Older { .. } | Rule::NotSetUp | Rule::Unreadable => UpdateRule::Unknown { sentence },
        }
    }

    /// Once of each version. If that is not kept, it is told again by the next start.
    fn update_notice(&mut self, version: String) -> Option<Notice> {
        let notice = notice::of_update(self.own.own(), &version, self.words())?;
        if self.own.change(|own| own.noticed_version = Some(version)).is_err() {
            tracing::debug!("which version was told is not kept");
        }
        Some(notice)
    }

    /// Nothing is installed in a fight, nor in an upload.
    fn may_install(&self) -> bool {
        // While a run ends and another begins nobody knows whether a fight goes on, nor what another client does.
        let is_known = !matches!(self.life, Life::Settles(_) | Life::Elsewhere { .. });
        is_known && self.uploads.under_way.is_none() && !self.hearing.with(|state| state.is_live())
    }

    pub(super) fn about(&self) -> AboutView {
        AboutView {
            version: self.setup.version.to_string(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            log_folder: self.setup.log.display().to_string(),
        }
    }
}

/// Answers. Whoever asked may have gone.
fn give<T>(answer: Answer<T>, value: T) {
    let _ = answer.send(value);
}

/// What becomes of a path: nothing of it is left where none is given.
fn edit_of(
    path: Option<String>,
    check: impl FnOnce(String) -> Result<PathBuf, SettingsFault>,
) -> Result<Edit<PathBuf>, SettingsFault> {
    match path.filter(|path| !path.trim().is_empty()) {
        Some(path) => check(path).map(Edit::Set),
        None => Ok(Edit::Clear),
    }
}
