//! The channel file, in which an operator or the project says which version there is: whether that is to be offered
//! here.
//!
//! Pure. The file is Tauri's own with a member `raidcast` beside it; it is not signed, and what is installed is. So the
//! worst that whoever serves it can do is to hold an update back.

use std::collections::BTreeMap;

use raidcast_shared::text::is_name;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::version::Version;

/// Longer notes are cut, characters.
const NOTES_MAX: usize = 10_000;

/// Whether there is an update for this computer, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// This is the newest version.
    Newest,
    /// There is a newer one.
    Offer {
        /// Which.
        version: Version,
        /// What is new in it.
        notes: String,
    },
    /// There is one, and nobody wants it here.
    Skipped {
        /// Which.
        version: Version,
    },
    /// There is one, and its turn has not come here.
    NotYet {
        /// Which.
        version: Version,
    },
    /// There is one, and it is held back for everybody.
    Stopped {
        /// Which.
        version: Version,
    },
    /// There is an older one.
    Older {
        /// Which.
        version: Version,
    },
    /// Nobody says where to look.
    NotSetUp,
    /// What lies there is no channel file.
    Unreadable,
}

/// The file, as far as it is looked at.
#[derive(Deserialize)]
struct ChannelFile {
    version: String,
    #[serde(default)]
    notes: Option<String>,
    /// Tauri looks into them.
    #[serde(rename = "platforms")]
    _platforms: BTreeMap<String, Value>,
    #[serde(default)]
    raidcast: Rollout,
}

/// To whom it is given.
#[derive(Deserialize)]
#[serde(default)]
struct Rollout {
    /// To so many of a hundred computers.
    percent: u8,
    /// To nobody.
    stopped: bool,
    /// Those of an older version than this get it whatever the percentage is.
    least: Option<String>,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { percent: 100, stopped: false, least: None }
    }
}

/// What a channel file says to this computer, which has the version `current`; `lot`: a random number of this computer;
/// `skipped`: the version that is not wanted here.
pub fn rule(file: &Value, current: &Version, lot: u64, skipped: Option<&Version>) -> Rule {
    let Ok(file) = ChannelFile::deserialize(file) else { return Rule::Unreadable };
    let Some(version) = Version::parse(&file.version) else { return Rule::Unreadable };
    let least = match file.raidcast.least.as_deref().map(Version::parse) {
        Some(None) => return Rule::Unreadable,
        least => least.flatten(),
    };
    match version.cmp(current) {
        std::cmp::Ordering::Equal => return Rule::Newest,
        std::cmp::Ordering::Less => return Rule::Older { version },
        std::cmp::Ordering::Greater => {}
    }
    let is_due =
        least.is_some_and(|least| *current < least) || hundredth(lot, &version) < u64::from(file.raidcast.percent);
    match () {
        () if file.raidcast.stopped => Rule::Stopped { version },
        () if skipped == Some(&version) => Rule::Skipped { version },
        () if !is_due => Rule::NotYet { version },
        () => Rule::Offer { version, notes: plain(&file.notes.unwrap_or_default()) },
    }
}

/// Which of a hundred parts of all computers this one is of, for a version: of the next it is of another.
fn hundredth(lot: u64, version: &Version) -> u64 {
    let digest = Sha256::digest(format!("{lot} {version}"));
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    first % 100
}

/// Notes as they may be shown: lines of plain text.
fn plain(notes: &str) -> String {
    let is_plain = |sign: &char| *sign == '\n' || is_name(sign.encode_utf8(&mut [0; 4]), 1);
    notes.replace("\r\n", "\n").chars().filter(is_plain).take(NOTES_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn file(version: &str, rollout: &Value) -> Value {
        json!({ "version": version, "notes": "New.\r\n<b>a</b>\u{1b}", "platforms": {}, "raidcast": rollout })
    }

    fn told(file: &Value) -> Rule {
        rule(file, &version("1.2.3"), 7, Some(&version("1.5.0")))
    }

    #[test]
    fn a_newer_version_is_offered_and_nothing_else() {
        let offer = Rule::Offer { version: version("1.3.0"), notes: "New.\n<b>a</b>".into() };
        assert_eq!(told(&file("1.3.0", &json!({}))), offer);
        assert_eq!(told(&file("v1.3.0", &json!({ "percent": 100, "later": true }))), offer);
        assert_eq!(told(&file("1.2.3", &json!({}))), Rule::Newest);
        assert_eq!(told(&file("1.2.3-beta", &json!({}))), Rule::Older { version: version("1.2.3-beta") });
        assert_eq!(told(&file("1.5.0", &json!({}))), Rule::Skipped { version: version("1.5.0") });
        // What nobody wants is wanted no more when there is another one.
        assert!(matches!(told(&file("1.5.1", &json!({}))), Rule::Offer { .. }));
        let bare = json!({ "version": "1.3.0", "platforms": { "linux-x86_64": { "url": "x", "signature": "y" } } });
        assert_eq!(told(&bare), Rule::Offer { version: version("1.3.0"), notes: String::new() });
    }

    #[test]
    fn who_serves_it_can_hold_it_back() {
        let held = version("1.3.0");
        assert_eq!(told(&file("1.3.0", &json!({ "percent": 0 }))), Rule::NotYet { version: held.clone() });
        assert_eq!(told(&file("1.3.0", &json!({ "stopped": true }))), Rule::Stopped { version: held.clone() });
        // It is for those who have less than that.
        for (least, is_offered) in [("1.2.3", false), ("1.2.4", true)] {
            let told = told(&file("1.3.0", &json!({ "percent": 0, "least": least })));
            assert_eq!(matches!(told, Rule::Offer { .. }), is_offered, "{least}");
        }
        let stopped = json!({ "stopped": true, "least": "9.0.0" });
        assert_eq!(told(&file("1.3.0", &stopped)), Rule::Stopped { version: held });
    }

    #[test]
    fn a_percentage_is_of_all_computers_and_another_one_with_each_version() {
        let offered = |newer: &str, percent: u8| -> Vec<u64> {
            let file = file(newer, &json!({ "percent": percent }));
            let is_offered = |lot: &u64| matches!(rule(&file, &version("1.0.0"), *lot, None), Rule::Offer { .. });
            (0..2_000).filter(is_offered).collect()
        };
        let (tenth, half) = (offered("1.3.0", 10), offered("1.3.0", 50));
        assert!(
            (120..280).contains(&tenth.len()) && (900..1_100).contains(&half.len()),
            "{} {}",
            tenth.len(),
            half.len()
        );
        assert!(tenth.iter().all(|lot| half.contains(lot)), "whoever had it has it still when there are more");
        assert_ne!(tenth, offered("1.3.1", 10));
        assert_eq!((offered("1.3.0", 0).len(), offered("1.3.0", 100).len()), (0, 2_000));
    }

    #[test]
    fn what_is_none_is_none() {
        for file in [
            json!(null),
            json!([]),
            json!("1.3.0"),
            json!({}),
            json!({ "version": "1.3.0" }),
            json!({ "version": "newest", "platforms": {} }),
            file("1.3.0", &json!({ "percent": 300 })),
            file("1.3.0", &json!({ "percent": -1 })),
            file("1.3.0", &json!({ "stopped": "yes" })),
            file("1.3.0", &json!({ "least": "soon" })),
            file("1.3.0", &json!(7)),
        ] {
            assert_eq!(told(&file), Rule::Unreadable, "{file}");
        }
    }
}
