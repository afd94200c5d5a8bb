//! What the app keeps for itself, in `desktop.json` beside the settings that the command line has, too.
//!
//! One invariant: nothing is lost that somebody else wrote. Entries that are not known stay, and a file that cannot be
//! read, or is of a newer version, is not touched: then what changes holds for this start alone, and that is said.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use raidcast::os_error::OsError;
use raidcast::secret::{Entropy, replace};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::view::LanguageChoice;

/// The form of the file that this version writes.
const FORMAT: u64 = 1;
/// So many pauses are remembered: a fight that began in one is looked at once, when the next run begins.
const PAUSES_MAX: usize = 100;

/// What the app keeps for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Own {
    /// The form of the file.
    pub format: u64,
    /// The first start has come to its end.
    pub first_done: bool,
    /// What becomes of fights that ended before a meter's database is first seen.
    pub old: Old,
    /// The begin of a raid is told.
    pub notices: bool,
    /// The end of a fight is told, too.
    pub notice_at_end: bool,
    /// The code of the raid whose begin was told last.
    pub noticed_raid: Option<String>,
    /// What is spoken.
    pub language: LanguageChoice,
    /// Where updates are looked for, where that was chosen.
    pub channel: Option<String>,
    /// The version that is not wanted.
    pub skipped_version: Option<String>,
    /// The version that was told last of those that are offered.
    pub noticed_version: Option<String>,
    /// Decides when an update's turn comes here: a random number of this computer.
    pub lot: Option<u64>,
    /// Since when nothing is sent, because somebody said so, Unix ms.
    pub paused_since_ms: Option<i64>,
    /// When nothing was sent, from and to, Unix ms.
    pub pauses: Vec<(i64, i64)>,
    /// Old fights that are to be sent, because somebody agreed to it, until that has come to its end.
    pub agreed: Option<Agreed>,
    /// Entries that a version knows that is not this one.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// What becomes of fights that ended before a meter's database is first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Old {
    /// Those of the last hour are sent, as the command line does.
    #[default]
    Recent,
    /// None is sent unasked.
    None,
}

/// Old fights that are to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agreed {
    /// To which relay; one that is not told is none.
    #[serde(default)]
    pub relay: String,
    /// By name.
    pub fights: Vec<String>,
    /// Who may find and see them.
    pub visibility: Visibility,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            format: FORMAT,
            first_done: false,
            old: Old::default(),
            notices: true,
            notice_at_end: false,
            noticed_raid: None,
            language: LanguageChoice::default(),
            channel: None,
            skipped_version: None,
            noticed_version: None,
            lot: None,
            paused_since_ms: None,
            pauses: Vec::new(),
            agreed: None,
            rest: Map::new(),
        }
    }
}

impl Own {
    /// Nothing is sent from now on.
    pub fn pause(&mut self, now_ms: i64) {
        self.paused_since_ms.get_or_insert(now_ms);
    }

    /// It goes on.
    pub fn go_on(&mut self, now_ms: i64) {
        let Some(since_ms) = self.paused_since_ms.take() else { return };
        // A clock may have gone back meanwhile: then what lies between is meant all the same.
        self.pauses.push((since_ms.min(now_ms), since_ms.max(now_ms)));
        let beyond = self.pauses.len().saturating_sub(PAUSES_MAX);
        self.pauses.drain(..beyond);
    }

    /// When fights began of which nothing is to be sent.
    pub fn left_alone(&self) -> Vec<RangeInclusive<i64>> {
        self.pauses.iter().map(|(from_ms, to_ms)| *from_ms..=*to_ms).collect()
    }
}

/// Why `desktop.json` is not read, or not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFault {
    /// A newer version of the app wrote it.
    Newer {
        /// Which.
        path: PathBuf,
    },
    /// It does not parse.
    Damaged {
        /// Which.
        path: PathBuf,
        /// In the parser's words.
        text: String,
    },
    /// The system does not give it.
    Unread {
        /// Which.
        path: PathBuf,
        /// What it says.
        error: OsError,
    },
    /// The system does not take it.
    Unwritten {
        /// Which.
        path: PathBuf,
        /// What it says.
        error: OsError,
    },
}

/// `desktop.json`, and what stands in it.
#[derive(Debug)]
pub struct OwnFile {
    path: PathBuf,
    own: Own,
    /// Why it could not be read: then it is not written, either.
    fault: Option<OwnFault>,
}

impl OwnFile {
    /// Reads it. Where it is not there, or of no use, it is as at the first start.
    pub fn load(path: PathBuf, entropy: &Entropy) -> Self {
        let (mut own, fault) = match read(&path) {
            Ok(own) => (own, None),
            Err(fault) => (Own::default(), Some(fault)),
        };
        own.lot.get_or_insert_with(|| u64::from_le_bytes(entropy.bytes()));
        Self { path, own, fault }
    }

    /// What stands in it.
    pub fn own(&self) -> &Own {
        &self.own
    }

    /// Why it could not be read.
    pub fn fault(&self) -> Option<&OwnFault> {
        self.fault.as_ref()
    }

    /// Changes it. The change holds for this start in any case.
    ///
    /// # Errors
    /// It is not kept beyond this start.
    pub fn change(&mut self, change: impl FnOnce(&mut Own)) -> Result<(), OwnFault> {
        let before = self.own.clone();
        change(&mut self.own);
        if self.own == before && self.path.exists() {
            return Ok(());
        }
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self.write(),
        }
    }

    fn write(&self) -> Result<(), OwnFault> {
        let unwritten =
            |error: io::Error| OwnFault::Unwritten { path: self.path.clone(), error: OsError::from(&error) };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(unwritten)?;
        }
        let text = serde_json::to_vec_pretty(&self.own).expect("maps with text as keys are JSON");
        replace(&self.path, &text).map_err(unwritten)
    }
}

fn read(path: &Path) -> Result<Own, OwnFault> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Own::default()),
        Err(error) => return Err(OwnFault::Unread { path: path.to_owned(), error: OsError::from(&error) }),
    };
    let damaged = |error: serde_json::Error| OwnFault::Damaged { path: path.to_owned(), text: error.to_string() };
    // Another form may have other values behind the same names.
    let value: Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    if value.get("format").is_some_and(|format| format.as_u64().is_none_or(|format| format > FORMAT)) {
        return Err(OwnFault::Newer { path: path.to_owned() });
    }
    serde_json::from_value(value).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy() -> Entropy {
        Entropy::new(|bytes| bytes.fill(7))
    }

    fn load(path: &Path) -> OwnFile {
        OwnFile::load(path.to_owned(), &entropy())
    }

    #[test]
    fn what_changes_is_kept_and_what_is_not_known_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raidcast").join("desktop.json");
        let mut file = load(&path);
        assert_eq!((file.own().lot, file.own().notices, file.fault()), (Some(0x0707_0707_0707_0707), true, None));
        assert!(!path.exists(), "nothing is written unasked");
        file.change(|own| own.noticed_raid = Some("code".into())).unwrap();
        assert_eq!(load(&path).own(), file.own());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }

        let later = r#"{"format": 1, "lot": 18446744073709551615, "later": {"a": [1]}, "language": "zh"}"#;
        fs::write(&path, later).unwrap();
        let mut file = load(&path);
        assert_eq!((file.own().lot, file.own().language), (Some(u64::MAX), LanguageChoice::Zh));
        file.change(|own| own.notices = false).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((&written["later"]["a"][0], &written["notices"]), (&Value::from(1), &Value::from(false)));
        assert_eq!(written["lot"], Value::from(u64::MAX));
    }

    #[test]
    fn a_file_of_a_newer_version_and_one_that_cannot_be_read_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desktop.json");
        for text in [r#"{"format": 99, "notices": {"begin": true}}"#, r#"{"format": "two"}"#] {
            fs::write(&path, text).unwrap();
            let mut file = load(&path);
            assert_eq!(file.fault(), Some(&OwnFault::Newer { path: path.clone() }));
            assert_eq!(file.change(|own| own.pause(5)), Err(OwnFault::Newer { path: path.clone() }));
            assert_eq!(file.own().paused_since_ms, Some(5), "it holds for this start");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        for text in ["", "{", r#"{"notices": 7}"#, "[1]"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(load(&path).fault(), Some(OwnFault::Damaged { .. })), "{text}");
            assert!(load(&path).change(|own| own.notices = false).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(load(&path).fault(), Some(OwnFault::Unread { .. })));
        // Where nothing can be written.
        let nowhere = dir.path().join("file");
        fs::write(&nowhere, "").unwrap();
        let mut file = OwnFile { path: nowhere.join("desktop.json"), own: Own::default(), fault: None };
        assert!(matches!(file.change(|own| own.notices = false), Err(OwnFault::Unwritten { .. })));
        assert!(!file.own().notices);
    }

    #[test]
    fn pauses_are_remembered_until_there_are_too_many() {
        let mut own = Own::default();
        own.go_on(1);
        assert!(own.left_alone().is_empty());
        own.pause(10);
        own.pause(11);
        own.go_on(20);
        own.pause(40);
        // The clock was set back.
        own.go_on(30);
        assert_eq!(own.left_alone(), [10..=20, 30..=40]);
        for n in 0..200 {
            own.pause(n);
            own.go_on(n);
        }
        assert_eq!((own.pauses.len(), own.paused_since_ms), (PAUSES_MAX, None));
        assert_eq!(own.pauses.last(), Some(&(199, 199)));
    }
}
