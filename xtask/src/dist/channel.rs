//! The channel file: which version there is, where, and for how many. `client/desktop/model/src/channel.rs` reads it, and
//! Tauri's updater.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::Update;
use super::release::Release;

/// Its name: what the app asks for on a relay, below /downloads.
pub(super) const NAME: &str = "raidcast-desktop.json";

/// For how many it is.
pub(super) struct Rollout {
    /// For so many of a hundred computers.
    pub(super) percent: u8,
    /// For nobody.
    pub(super) stopped: bool,
    /// For those of an older version than this in any case.
    pub(super) least: Option<String>,
}

impl Rollout {
    /// Whether the app understands it.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn check(&self) -> Result<()> {
        let is_version = |text: &str| {
            let numbers: Vec<_> = text.split('-').next().unwrap_or_default().split('.').collect();
            numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u64>().is_ok())
        };
        match &self.least {
            Some(least) if !is_version(least) => bail!("--least {least} is no version like 1.2.3"),
            _ => Ok(()),
        }
    }
}

/// Its text; or why there is none.
///
/// # Errors
/// Something is missing without which nobody could install by it; the text says what.
pub(super) fn text(
    release: &Release,
    url: Option<&str>,
    notes: Option<&str>,
    rollout: &Rollout,
    updates: &[Update],
) -> Result<String, String> {
    let Some(url) = url else { return Err("say where the files will lie (--url)".to_owned()) };
    let url = url.trim_end_matches('/');
    if !url.starts_with("https://") {
        return Err(format!("{url} is no https address, and the app takes no other"));
    }
    let mut platforms = Map::new();
    for update in updates {
        let Some(signature) = &update.signature else {
            return Err(format!("{} is not signed, and the app takes nothing that is not", update.file));
        };
        for platform in update.platforms {
            let entry = json!({ "url": format!("{url}/{}", update.file), "signature": signature });
            platforms.insert((*platform).to_owned(), entry);
        }
    }
    let mut raidcast = json!({ "percent": rollout.percent, "stopped": rollout.stopped });
    if let Some(least) = &rollout.least {
        raidcast["least"] = Value::from(least.as_str());
    }
    let file = json!({
        "version": release.version,
        "notes": notes.unwrap_or_default().trim(),
        "platforms": platforms,
        "raidcast": raidcast,
    });
    serde_json::to_string_pretty(&file).map(|text| text + "\n").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use raidcast_desktop_model::channel::{Rule, rule};
    use raidcast_desktop_model::version::Version;

    use super::*;
    use crate::dist::release::of;

    fn rollout(percent: u8, stopped: bool, least: Option<&str>) -> Rollout {
        Rollout { percent, stopped, least: least.map(Into::into) }
    }

    fn updates(signature: Option<&str>) -> [Update; 2] {
        let signature = signature.map(str::to_owned);
        [
            Update {
                platforms: &["linux-x86_64-deb"],
                file: "raidcast_1.3.0_amd64.deb".into(),
                signature: signature.clone(),
            },
            Update { platforms: &["windows-x86_64"], file: "raidcast_1.3.0_x64-setup.exe".into(), signature },
        ]
    }

    fn told(rollout: &Rollout) -> Rule {
        let text =
            text(&of("1.3.0"), Some("https://raids.example/downloads/"), Some(" New.\n"), rollout, &updates(Some("s")));
        let file: Value = serde_json::from_str(&text.expect("a file")).expect("JSON");
        assert_eq!(
            file["platforms"]["linux-x86_64-deb"]["url"],
            "https://raids.example/downloads/raidcast_1.3.0_amd64.deb"
        );
        assert_eq!(file["platforms"]["windows-x86_64"]["signature"], "s");
        rule(&file, &Version::parse("1.2.3").expect("a version"), 7, None)
    }

    #[test]
    fn the_app_reads_what_is_written_for_it() {
        let version = Version::parse("1.3.0").expect("a version");
        let offer = Rule::Offer { version: version.clone(), notes: "New.".into() };
        assert_eq!(told(&rollout(100, false, None)), offer);
        assert_eq!(told(&rollout(0, false, Some("1.2.4"))), offer);
        assert_eq!(told(&rollout(0, false, None)), Rule::NotYet { version: version.clone() });
        assert_eq!(told(&rollout(100, true, None)), Rule::Stopped { version });
    }

    #[test]
    fn by_which_nobody_could_install_is_not_written() {
        let all = rollout(100, false, None);
        let why = |url: Option<&str>, signature: Option<&str>| {
            text(&of("1.3.0"), url, None, &all, &updates(signature)).expect_err("it is not written")
        };
        assert!(why(None, Some("s")).contains("--url"));
        assert!(why(Some("http://raids.example"), Some("s")).contains("no https address"));
        assert!(why(Some("https://raids.example"), None).contains("is not signed"));
        for (least, is_version) in
            [("1.2.3", true), ("1.2.3-beta.1", true), ("1.2", false), ("soon", false), ("1.2.x", false)]
        {
            assert_eq!(rollout(1, false, Some(least)).check().is_ok(), is_version, "{least}");
        }
    }
}
