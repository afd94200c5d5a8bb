//! The app and the command line, on one meter's database at the same time.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::bus::Desktop;
use crate::fight::Fight;
use crate::gauge::{Gauge, Usage};
use crate::meter::read_at_once;
use crate::process::Process;
use crate::relay::{KEY, Relay};
use crate::screen::Screen;
use crate::stage::Stage;

/// What both do at their start is done by then, and no window draws itself any more.
const SETTLED: Duration = Duration::from_secs(5);
/// From one look to the next: threads that end take with them what they used since.
const LOOK: Duration = Duration::from_millis(500);
/// The memory is looked at each time that so many looks were taken.
const WEIGH: u32 = 10;

/// How the app is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// With no window, as the system does it.
    Hidden,
    /// With its window.
    Window,
}

impl Shown {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Window => "window open",
        }
    }
}

/// What both used: before the fight, and in it.
pub(crate) struct Run {
    pub(crate) app: [Usage; 2],
    pub(crate) watch: [Usage; 2],
}

/// Lets both follow a fight.
pub(crate) async fn run(fight: &Fight, shown: Shown, quiet: Duration) -> Run {
    let relays = [Relay::start().await, Relay::start().await];
    let stage = Stage::ready("bench", &relays[0].url(), KEY).await;
    let (desktop, mut screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let db = stage.meter();
    fight.prepare(&db).await;
    let app = stage.app(match shown {
        Shown::Hidden => &["--hidden"],
        Shown::Window => &[],
    });
    // Its settings are the app's but for these.
    let folder = stage.path("watch").display().to_string();
    let watch = stage.raidcast(&["watch", "--relay", &relays[1].url(), "--state", &folder]);
    desktop.icon().await.says("Raidcast: Waiting for ").await;
    if shown == Shown::Window {
        screen.window().await;
    }
    sleep(SETTLED).await;
    let before = measure(&app, &watch, sleep(quiet)).await;
    let playing = tokio::spawn(fight.clone().play(db.clone()));
    let meanwhile = measure(&app, &watch, async { playing.await.unwrap() }).await;

    let is_page = |name: &String| name.starts_with("WebKit");
    match shown {
        Shown::Hidden => {
            assert_eq!(screen.shown(), 0, "no window is shown");
            assert!(!app.children().iter().any(is_page), "no page is made: {:?}", app.children());
        }
        Shown::Window => assert!(app.children().iter().any(is_page), "its page is counted: {:?}", app.children()),
    }
    let written = read_at_once(&db);
    for relay in &relays {
        assert_eq!(relay.finals(written.len()).await, written);
    }
    Run { app: [before.0, meanwhile.0], watch: [before.1, meanwhile.1] }
}

/// What both use until something is over.
async fn measure(app: &Process, watch: &Process, until: impl Future<Output = ()>) -> (Usage, Usage) {
    let mut gauges = [Gauge::of(app), Gauge::of(watch)];
    let mut until = pin!(until);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for look in 0_u32.. {
        tokio::select! {
            biased;
            // What is measured is over.
            () = &mut until => break,
            // The time for a look.
            _ = looks.tick() => {
                gauges.iter_mut().for_each(Gauge::look);
                if look.is_multiple_of(WEIGH) {
                    gauges.iter_mut().for_each(Gauge::weigh);
                }
            }
        }
    }
    let [app, watch] = gauges;
    (app.end(), watch.end())
}
