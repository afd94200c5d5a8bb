//! Where everything of the user lies who runs this, and the log.

use std::path::Path;

use directories::BaseDirs;
use raidcast::clock::Clock;
use raidcast::keys::Keys;
use raidcast::secret::Entropy;
use raidcast::settings::Home;
use raidcast::source::detect::Places;
use raidcast_desktop_model::log::Log;
use raidcast_desktop_model::setup::Setup;
use raidcast_desktop_model::version::Version;

/// What the model is given, with the log that is written from now on; `None` on a machine without a home.
pub(crate) fn setup() -> Option<Setup> {
    let home = Home::of_this_user()?;
    let cache = BaseDirs::new()?.cache_dir().join("raidcast");
    let log = home.state.join("log");
    Some(Setup {
        log_to: log_in(&log),
        log,
        cache,
        home,
        places: Places::of_this_user(),
        clock: Clock::system(),
        entropy: Entropy::system(),
        keys: Keys::at,
        language: sys_locale::get_locale(),
        version: Version::parse(env!("CARGO_PKG_VERSION")).expect("Cargo takes no other versions"),
    })
}

/// Without one everything goes on.
fn log_in(folder: &Path) -> Option<Log> {
    match Log::open(folder) {
        Ok(log) => {
            log.install();
            let say = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panicked| {
                tracing::error!("a mistake of the program: {panicked}");
                say(panicked);
            }));
            Some(log)
        }
        Err(error) => {
            eprintln!("Nothing is written to a log in {}: {error}.", folder.display());
            None
        }
    }
}
