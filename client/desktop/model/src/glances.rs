//! What is remembered of fights that have ended: some generations unpack a whole fight for its boss and its size.
//!
//! One invariant: nothing depends on it. A file that is lost or damaged costs what it takes to look again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast::secret::replace;
use raidcast::source::{Fight, Glance};

/// So many are remembered: some seasons. Beyond that it begins anew.
const GLANCES_MAX: usize = 20_000;

/// What is remembered of fights that have ended.
#[derive(Debug)]
pub(crate) struct Glances {
    file: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    glances: HashMap<String, Glance>,
    is_read: bool,
    unsaved: bool,
}

impl Glances {
    /// With a file in a folder, which is read when it is needed.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join("glances.json"), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.is_read {
            held.is_read = true;
            let read = fs::read(&self.file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            held.glances = read.unwrap_or_default();
        }
        held
    }

    /// What is remembered of a fight as it stands in a database.
    pub(crate) fn get(&self, db: &Path, fight: &Fight) -> Option<Glance> {
        self.held().glances.get(&key(db, fight)?).cloned()
    }

    /// Remembers a fight, if it has ended.
    pub(crate) fn note(&self, db: &Path, fight: &Fight, glance: &Glance) {
        let Some(key) = key(db, fight) else { return };
        let mut held = self.held();
        if held.glances.len() >= GLANCES_MAX {
            held.glances.clear();
        }
        let before = held.glances.insert(key, glance.clone());
        if before.as_ref() != Some(glance) {
            held.unsaved = true;
        }
    }

    /// Writes what is new.
    pub(crate) fn save(&self) {
        let mut held = self.held();
        if !held.unsaved {
            return;
        }
        let written = serde_json::to_vec(&held.glances).map_err(std::io::Error::other).and_then(|text| {
            if let Some(folder) = self.file.parent() {
                fs::create_dir_all(folder)?;
            }
            replace(&self.file, &text)
        });
        match written {
            Ok(()) => held.unsaved = false,
            Err(error) => tracing::debug!(%error, "what fights are called is not remembered"),
        }
    }
}

/// Names a fight as it stands: by its database, its row, its begin and its end. `None` of one that may go on.
fn key(db: &Path, fight: &Fight) -> Option<String> {
    let end = fight.end.as_ref()?;
    Some(format!("{}|{}|{}|{}", db.display(), fight.row, fight.started_at_ms, end.ended_at_ms))
}

#[cfg(test)]
mod tests {
    use raidcast::source::FightEnd;
    use raidcast_shared::id::EncounterId;
    use raidcast_shared::uplink::Outcome;
    use uuid::Uuid;

    use super::*;

    fn fight(row: i64, ended_at_ms: Option<i64>) -> Fight {
        Fight {
            row,
            encounter: EncounterId(Uuid::from_u128(7)),
            before_player: None,
            started_at_ms: 0,
            scene_id: None,
            scene: None,
            difficulty: None,
            local_player: None,
            end: ended_at_ms.map(|ended_at_ms| FightEnd { ended_at_ms, outcome: Outcome::Kill }),
        }
    }

    #[test]
    fn what_has_ended_is_remembered_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, db) = (dir.path().join("cache"), Path::new("/m.db"));
        let boss = Glance { boss: Some("Boss".into()), hits: Some(7), ..Glance::default() };
        let glances = Glances::in_folder(&folder);
        glances.note(db, &fight(1, Some(9)), &boss);
        glances.note(db, &fight(2, None), &boss);
        glances.save();
        let again = Glances::in_folder(&folder);
        assert_eq!(again.get(db, &fight(1, Some(9))), Some(boss));
        for other in [fight(1, Some(10)), fight(1, None), fight(2, None), fight(3, Some(9))] {
            assert_eq!(again.get(db, &other), None);
        }
        assert_eq!(again.get(Path::new("/other.db"), &fight(1, Some(9))), None);
        fs::write(folder.join("glances.json"), "nonsense").unwrap();
        assert_eq!(Glances::in_folder(&folder).get(db, &fight(1, Some(9))), None);
    }
}
