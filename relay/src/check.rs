//! `raidcast-relay check`: what is wrong with a relay before it is started.
//!
//! One invariant: nothing is changed by looking. No database is made or migrated, no folder and no file is left behind,
//! and nobody is sent a secret. Deliberately not here: how well a relay is that runs ([`crate::readiness`]).

mod certificate;
mod database;
mod downloads;
mod environment;
mod finding;
mod network;
mod people;
mod place;

pub use finding::{Finding, Findings, Verdict};

use crate::clock::Clock;
use crate::config::{Config, ConfigError, Sources};
use crate::preview::font_in;

/// Looks at everything that the configuration names, and at variables of the environment that are like its own.
pub async fn check(
    configured: Result<(Config, Sources), ConfigError>,
    environment: &[(String, String)],
    clock: &Clock,
) -> Findings {
    let mut found = Findings::default();
    let (config, sources) = match configured {
        Ok(configured) => configured,
        Err(error) => {
            for error in error.each() {
                found.wrong("configuration", error.to_string());
            }
            found.note("configuration", "nothing else was looked at: set right first what is wrong there");
            return found;
        }
    };
    let file = sources.file.display();
    match sources.has_file {
        true => found.ok("configuration", format!("read from {file}")),
        false => found.ok("configuration", format!("there is no {file}: flags, environment and defaults count")),
    }
    environment::look(environment, &config, &mut found);
    let database = config.database();
    let database::Seen { holds_something, administrators } = database::look(&database, &mut found).await;
    place::look(&config.data, holds_something, &mut found);
    place::look_at_room(&database, &mut found).await;
    network::look_at_addresses(&config, &mut found).await;
    network::look_at_url(&config, &mut found);
    if let Some(files) = &config.tls {
        certificate::look(files, config.public_url.as_deref(), clock, &mut found);
    }
    if let Some(folder) = &config.downloads {
        downloads::look(folder, &mut found);
    }
    for file in &config.picture_fonts {
        match font_in(file) {
            Ok(_) => found.ok("picture_fonts", format!("{} is a font", file.display())),
            Err(why) => found.wrong("picture_fonts", format!("{} cannot be used: {why}", file.display())),
        }
    }
    people::look_at_keys(&config, &mut found);
    if let Some(administrators) = administrators {
        people::look_at_administrators(&administrators, &config, &mut found);
    }
    people::look_at_providers(&config, clock, &mut found).await;
    found
}
