//! What is sent to whoever helps: one text, without secrets, for its owner to read before he sends it.
//!
//! One invariant: no link and no key stands in it. What is known of fights is told without their links, the log was
//! redacted when it was written, all of it is redacted once more, and it is not written where the key still stands in
//! it.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use raidcast::secret::replace;
use raidcast::settings::SettingsFile;
use raidcast::status::{Line, Overview, Running};
use raidcast_shared::text::clean;

use crate::log;
use crate::redact::redact;

/// Of the log so much is told, bytes.
const LOG_MAX: usize = 200 * 1024;
/// So many fights are told.
const FIGHTS_MAX: usize = 200;

/// What is told.
pub(crate) struct Bundle {
    pub(crate) version: String,
    pub(crate) system: String,
    pub(crate) relay: Option<String>,
    /// The meter that is read: which, how it stores, where.
    pub(crate) meter: Option<String>,
    /// How it stands, as the window says it.
    pub(crate) stands: String,
    pub(crate) file: SettingsFile,
    pub(crate) state: PathBuf,
    pub(crate) log: PathBuf,
    /// What must not stand in it.
    pub(crate) secrets: Vec<String>,
    pub(crate) unix_ms: i64,
}

impl Bundle {
    /// Writes it into the folder of the log; gives where.
    ///
    /// # Errors
    /// It cannot be written; or a secret would stand in it, which is a mistake of the program.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let secrets: Vec<_> = self.secrets.iter().map(String::as_str).collect();
        let text = redact(&self.text(), &secrets);
        if secrets.iter().any(|secret| secret.len() > 3 && text.contains(secret)) {
            return Err(io::Error::other("it would hold a key"));
        }
        let path = self.log.join(format!("raidcast-help-{}.txt", self.unix_ms));
        std::fs::create_dir_all(&self.log)?;
        replace(&path, text.as_bytes())?;
        Ok(path)
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let [relay, meter] = [&self.relay, &self.meter].map(|text| text.as_deref().unwrap_or("none"));
        let _ = writeln!(
            out,
            "Raidcast {} on {}\nat {} (Unix ms)\nrelay: {relay}\nmeter: {meter}",
            self.version, self.system, self.unix_ms
        );
        let _ = writeln!(out, "{}\n\nSettings (without the key)", self.stands);
        let SettingsFile { relay: _, key, db, visibility, report_visibility, names, delay, meter_data, ca } =
            &self.file;
        let path = |path: Option<&PathBuf>| path.map_or_else(|| "none".to_owned(), |path| path.display().to_string());
        let (db, meter_data, ca) = (path(db.as_ref()), path(meter_data.as_ref()), path(ca.as_ref()));
        let _ = writeln!(out, "key in the file: {}\ndb: {db}\nmeter_data: {meter_data}\nca: {ca}", key.is_some());
        let _ = writeln!(out, "shown to: {visibility:?} {report_visibility:?} {names:?} {delay:?}");
        match Overview::read(&self.state, self.unix_ms) {
            Ok(overview) => tell(&overview, &mut out),
            Err(error) => {
                let _ = writeln!(out, "\nFights: the state folder cannot be read ({error})");
            }
        }
        let _ = writeln!(out, "\nLog\n{}", log::end_of(&self.log, LOG_MAX));
        out
    }
}

fn tell(overview: &Overview, out: &mut String) {
    for Running { process, history, connected, trouble, relay: _, raid_url: _ } in &overview.running {
        let _ = writeln!(out, "running: process {process}, history {history}, connected {connected}, {trouble:?}");
    }
    let _ = writeln!(out, "\nFights ({})", overview.fights.len());
    for line in overview.fights.iter().take(FIGHTS_MAX) {
        let Line { encounter, title, started_at_ms, duration_ms, events, outcome, state, url, why, has_log } = line;
        let title = clean(title.as_deref().unwrap_or("?"), 60);
        let has_link = url.is_some();
        let _ = writeln!(
            out,
            "{started_at_ms} {encounter} {title} {duration_ms:?} ms, {events} events, {outcome:?}, {state:?}, link {has_link}, log {has_log}, \
             {why:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use raidcast_shared::key::key_of;

    use super::*;

    fn bundle(dir: &Path, key: &str) -> Bundle {
        Bundle {
            version: "1.2.3".into(),
            system: "linux".into(),
            relay: Some("https://raid.example".into()),
            meter: Some("resonance-logs, aggregate, /m.db".into()),
            stands: format!("Live. https://raid.example/raids/a?ticket=secret {key}"),
            file: SettingsFile { key: Some(key.to_owned()), ..SettingsFile::default() },
            state: dir.join("state"),
            log: dir.join("log"),
            secrets: vec![key.to_owned()],
            unix_ms: 7,
        }
    }

    #[test]
    fn it_holds_what_helps_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        std::fs::create_dir_all(&state).unwrap();
        let record = r#"{"fights": [{"encounter": "one", "startedAtMs": 5, "durationMs": 6, "events": 7, "outcome": "kill",
            "result": "new", "relay": "https://raid.example", "url": "https://raid.example/reports/x?ticket=other"}]}"#;
        std::fs::write(state.join("record.json"), record).unwrap();
        std::fs::create_dir_all(dir.path().join("log")).unwrap();
        for key in ["hunter22".to_owned(), key_of([9; 32])] {
            std::fs::write(dir.path().join("log/raidcast.log"), format!("the key was {key}\nthe end of the log\n"))
                .unwrap();
            let path = bundle(dir.path(), &key).write().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            for secret in [key.as_str(), "secret", "other"] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
            assert!(text.contains("Raidcast 1.2.3 on linux") && text.contains("the end of the log"), "{text}");
            assert!(text.contains("5 one ? Some(6) ms, 7 events, Some(Kill), OnRelay, link true"), "{text}");
            assert!(!text.contains("reports/x"), "{text}");
        }
    }
}
