//! The environment: variables that look as if they set something, and do not.

use super::finding::Findings;
use crate::config::Config;

/// Levels of the log, as `RUST_LOG` has them.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Looks at all variables, by name and value.
pub(super) fn look(environment: &[(String, String)], config: &Config, found: &mut Findings) {
    const WHAT: &str = "environment";
    for (name, _) in environment.iter().filter(|(name, value)| name.starts_with("RAIDCAST_") && !value.is_empty()) {
        if !config.is_variable(name) {
            found.note(WHAT, format!("{name} sets nothing here: is it spelt as docs/operating.md has it?"));
        }
    }
    let log = environment.iter().find(|(name, _)| name == "RUST_LOG").map_or("", |(_, value)| value.as_str());
    // A word alone that is no level is a place in the code, of which all is logged, and of all others nothing.
    let is_no_level = |word: &&str| {
        let word = word.trim();
        !word.is_empty() && !word.contains(['=', '[', ':']) && !LEVELS.contains(&word.to_ascii_lowercase().as_str())
    };
    if let Some(word) = log.split(',').find(is_no_level) {
        found.note(WHAT, format!("RUST_LOG names {word:?}, which is no level: give error, warn, info or debug"));
    }
}
