//! The model's task: the one owner of everything that changes, but for what is heard of the run.
//!
//! One task on a thread with a runtime of its own, started by the handle and ended by it. A select loop over what is
//! asked, what was done beside it, what becomes of the run, what is heard of it, and the time. Nothing in it waits for
//! a relay or a key store: those are asked by tasks beside it. Settings are written and folders taken in it, which
//! takes some ms. Its files, one idea each: what is asked ([`asked`], [`looking`]), the life of the run
//! ([`following`]), setting up ([`setting_up`]), uploads ([`uploading`]), what comes back ([`taking`]).
//! [`crate::settled`] has what settings come to.

mod asked;
mod done;
mod drafts;
mod following;
mod life;
mod looking;
mod patience;
mod setting_up;
mod taking;
mod uploading;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use raidcast::settings::SettingsFile;
use raidcast::uploader::{Seat, ShownTo};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::ask::Ask;
use crate::fault::fault;
use crate::glances::Glances;
use crate::hearing::Hearing;
use crate::language::Language;
use crate::locked::Locked;
use crate::notice;
use crate::own::OwnFile;
use crate::screen::Screen;
use crate::settled::shown_of;
use crate::setup::Setup;
use crate::state::Beside;
use crate::tray::{self, TrayLook};
use crate::view::{Fault, NowView};
use crate::words::{self, Words};
use crate::wrong::Wrong;
use done::Done;
use drafts::Drafts;
use life::Life;
use uploads::Uploads;

/// What is now is shown at most so often.
const SHOW: Duration = Duration::from_millis(500);
/// That the list of fights differs is told at most so often.
const FIGHTS: Duration = Duration::from_secs(2);
/// The list reads where fights stand from what the uploader writes once a second: what has changed is there by then.
const WRITTEN: Duration = Duration::from_millis(2_500);
/// How often is looked whether the time alone has changed anything.
const TICK: Duration = Duration::from_secs(1);
/// So much that was done beside it waits at most; whoever did more waits until there is room.
const DONE: usize = 16;

/// The owner of everything.
pub(crate) struct Task {
    setup: Setup,
    screen: Arc<dyn Screen>,
    own: OwnFile,
    hearing: Arc<Hearing>,
    life: Life,
    /// The state folder, from the first run on until the end: also in a pause nobody else sends.
    seat: Option<Arc<Seat>>,
    /// So many runs have gone wrong, one behind the other.
    tries: usize,
    /// When the last one began.
    began: Instant,
    known: Known,
    /// What the system's key store said, where it gave no key.
    locked: Locked,
    drafts: Drafts,
    uploads: Uploads,
    glances: Arc<Glances>,
    /// What is done beside this task comes back here.
    done: mpsc::Sender<Done>,
    heard_done: mpsc::Receiver<Done>,
    /// To whom the raid that goes on is to be shown from the next run on: somebody has changed the settings.
    shown_anew: Option<ShownTo>,
    trayed: bool,
    shown: Option<NowView>,
    look: TrayLook,
    /// Something was heard since it was shown.
    is_news: bool,
    is_fights: bool,
    next_show: Instant,
    next_fights: Instant,
    /// When the list is told to differ once more: what was news may not have been written yet.
    fights_again: Option<Instant>,
    next_tick: Instant,
}

/// What is known of the settings, since they were read last.
#[derive(Default)]
struct Known {
    relay: Option<String>,
    paired: bool,
    file: SettingsFile,
}

impl Task {
    pub(crate) fn new(setup: Setup, screen: Arc<dyn Screen>) -> Self {
        let own = OwnFile::load(setup.own(), &setup.entropy);
        let now = Instant::now();
        let (done, heard_done) = mpsc::channel(DONE);
        Self {
            drafts: Drafts::default(),
            uploads: Uploads::default(),
            glances: Arc::new(Glances::in_folder(&setup.cache)),
            done,
            heard_done,
            own,
            setup,
            screen,
            hearing: Arc::default(),
            life: Life::Rests,
            seat: None,
            tries: 0,
            began: now,
            known: Known::default(),
            locked: Locked::default(),
            shown_anew: None,
            trayed: false,
            shown: None,
            look: TrayLook::default(),
            is_news: true,
            is_fights: false,
            next_show: now,
            next_fights: now,
            fights_again: None,
            next_tick: now,
        }
    }

    /// Does what it is asked until it is told to end, or nobody can ask any more.
    pub(crate) async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        self.begin();
        loop {
            self.show_what_is_due();
            let hearing = Arc::clone(&self.hearing);
            let next = self.next_look();
            tokio::select! {
                biased;
                // What the window asks for: somebody waits for it.
                ask = asks.recv() => match ask {
                    None => {
                        self.end().await;
                        break;
                    }
                    Some(Ask::Quit(answer)) => {
                        self.end().await;
                        let _ = answer.send(());
                        break;
                    }
                    Some(ask) => self.answer(ask).await,
                },
                // What was done beside it: somebody waits for it, too.
                Some(done) = self.heard_done.recv() => self.take(done).await,
                // What becomes of the run: rare.
                stage = self.life.next() => self.go_on(stage).await,
                // What is heard of it: shown when it is due.
                () = hearing.news() => self.is_news = true,
                // The time.
                () = sleep_until(next) => self.tick(),
            }
        }
    }

    async fn end(&mut self) {
        self.end_upload().await;
        self.end_run().await;
        self.seat = None;
    }

    fn next_look(&self) -> Instant {
        let show = self.is_news.then_some(self.next_show);
        let fights = self.is_fights.then_some(self.next_fights);
        [show, fights, self.fights_again].into_iter().flatten().fold(self.next_tick, Instant::min)
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            let unix_ms = self.setup.clock.unix_ms();
            self.hearing.with(|state| state.tick(unix_ms));
            self.is_news = true;
        }
    }

    fn show_what_is_due(&mut self) {
        let now = Instant::now();
        if self.is_news && now >= self.next_show {
            self.next_show = now + SHOW;
            self.show();
        }
        if self.is_fights && now >= self.next_fights {
            self.next_fights = now + FIGHTS;
            self.is_fights = false;
            self.fights_again = Some(now + WRITTEN);
            self.screen.fights_changed();
        }
        if self.fights_again.is_some_and(|at| now >= at) {
            self.fights_again = None;
            self.screen.fights_changed();
        }
    }

    /// Shows what is now, where it differs from what is shown; gives it.
    fn show(&mut self) -> NowView {
        self.is_news = false;
        self.tell();
        let words = self.words();
        let beside = self.beside();
        let view = self.hearing.with(|state| state.view(&beside, words));
        let look = tray::look(&view, words);
        if self.look != look {
            self.screen.tray(&look);
            self.look = look;
        }
        if self.shown.as_ref() != Some(&view) {
            self.screen.changed(&view);
            self.shown = Some(view.clone());
        }
        view
    }

    /// Tells what is to be told beside the window.
    fn tell(&mut self) {
        let told = self.hearing.take();
        self.is_fights |= told.fights;
        let words = self.words();
        for began in told.began {
            let Some(notice) = notice::of_begin(self.own.own(), &began, words) else { continue };
            self.screen.notice(&notice);
            // If it is not kept, it is told again by the next start.
            if self.own.change(|own| own.noticed_raid = Some(began.raid)).is_err() {
                tracing::debug!("which raid was told is not kept");
            }
        }
        for ended in told.ended {
            if let Some(notice) = notice::of_end(self.own.own(), &ended, words) {
                self.screen.notice(&notice);
            }
        }
    }

    fn beside(&self) -> Beside {
        Beside {
            relay: self.known.relay.clone(),
            shown_s: shown_of(&self.known.file).delay_s,
            upload: self.upload_view(),
            trayed: self.trayed,
        }
    }

    /// What is said, in the language that was chosen.
    fn words(&self) -> &'static dyn Words {
        words::of(Language::of(self.own.own().language, self.setup.language.as_deref()))
    }

    fn fault(&self, wrong: &Wrong) -> Fault {
        fault(wrong, self.words())
    }

    fn told<T>(&self, done: Result<T, Wrong>) -> Result<T, Fault> {
        done.map_err(|wrong| self.fault(&wrong))
    }
}
