//! Names of skills, scenes and monsters, from the files that a meter installs beside itself.
//!
//! Everything is optional: a file that is not there is passed over, one that cannot be read is passed over with a
//! warning. Deliberately not here: names of players, which the database has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use raidcast_shared::id::SkillId;
use raidcast_shared::meter::person::shown;
use serde_json::Value;

use super::chunks::chunk::base_of_damage_id;
use super::detect::{METERS, Places};

/// The folder of name files, beside a meter's program.
const FOLDER: &str = "meter-data";

/// Name files that were found, by the game's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    skills: HashMap<i64, String>,
    /// By damage id, the finer skill ids of sealed chunks.
    damage: HashMap<i64, String>,
    /// By base skill, the least of its damage ids: sealed chunks tell deaths by base skill, and their meter has no
    /// file of those.
    damage_of_base: HashMap<i64, i64>,
    scenes: HashMap<i64, String>,
    monsters: HashMap<i64, String>,
}

impl Names {
    /// Reads the name files that belong to the database at `db`.
    ///
    /// Looks in `given`, beside the database, and where meters are installed; of a name that several files know,
    /// the first counts.
    pub fn find(db: &Path, given: Option<&Path>, places: &Places) -> Self {
        let mut folders: Vec<PathBuf> = given.map(Path::to_owned).into_iter().collect();
        if let Some(dir) = db.parent() {
            folders.extend([dir.join(FOLDER), dir.to_owned(), dir.join("..").join(FOLDER)]);
        }
        for dir in &places.data_dirs {
            folders.extend(METERS.iter().map(|meter| dir.join(meter).join(FOLDER)));
        }
        Self::read(&folders)
    }

    /// Reads the name files in these folders, the first that knows a name counts.
    pub fn read(folders: &[PathBuf]) -> Self {
        let mut names = Self::default();
        for folder in folders {
            let read = |file: &str, into: &mut HashMap<i64, String>| read_file(&folder.join(file), into);
            read("SkillName.json", &mut names.skills);
            read("DamageAttrIdName.json", &mut names.damage);
            read("SceneName.json", &mut names.scenes);
            read("MonsterName.json", &mut names.monsters);
            read("MonsterNameBoss.json", &mut names.monsters);
            read("MonsterIdNameType.json", &mut names.monsters);
        }
        for &id in names.damage.keys() {
            let least = names.damage_of_base.entry(base_of_damage_id(id)).or_insert(id);
            *least = id.min(*least);
        }
        names
    }

    /// What a skill is called: by its finer id, else by its base, else as the first hit that the base is known for.
    pub fn skill(&self, skill: SkillId) -> Option<&str> {
        let finer = skill.variant.and_then(|id| self.damage.get(&id));
        let base = || self.skills.get(&skill.base);
        let hit = || self.damage.get(self.damage_of_base.get(&skill.base)?);
        finer.or_else(base).or_else(hit).map(String::as_str)
    }

    /// What a scene is called.
    pub fn scene(&self, id: i64) -> Option<&str> {
        self.scenes.get(&id).map(String::as_str)
    }

    /// What a kind of monster is called.
    pub fn monster(&self, id: i64) -> Option<&str> {
        self.monsters.get(&id).map(String::as_str)
    }
}

fn read_file(path: &Path, into: &mut HashMap<i64, String>) {
    // A pipe would be waited for.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        tracing::warn!(path = %path.display(), "a name file is no file; going on without it");
        return;
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a name file cannot be read; going on without it");
            return;
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(entries)) => {
            for (id, entry) in entries {
                let text = entry.as_str().or_else(|| entry.get("Name").and_then(Value::as_str));
                if let (Ok(id), Some(text)) = (id.parse(), text.and_then(shown)) {
                    into.entry(id).or_insert(text);
                }
            }
        }
        Ok(_) => tracing::warn!(path = %path.display(), "a name file holds no object of names; going on without it"),
        Err(error) => tracing::warn!(path = %path.display(), %error, "a name file is no JSON; going on without it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_malformed_files_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(dir.path().join(file), text).unwrap();
        write("SkillName.json", r#"{"1714": "Iaido\u001b Slash", "x": "y", "5": 6, "7": ""}"#);
        write("DamageAttrIdName.json", r#"{"1171401": "First <b>cut</b>", "1240502": "Later", "1240501": "Oath"}"#);
        write("MonsterIdNameType.json", r#"{"1110": {"Name": "Kartgriff", "MonsterType": 2}, "2": {}}"#);
        write("SceneName.json", "{not json");
        let names = Names::read(&[dir.path().join("nowhere"), dir.path().to_owned()]);
        assert_eq!(names.skill(SkillId { base: 1714, variant: None }), Some("Iaido Slash"));
        assert_eq!(names.skill(SkillId { base: 1714, variant: Some(1_171_401) }), Some("First <b>cut</b>"));
        assert_eq!(names.skill(SkillId { base: 5, variant: None }), None);
        assert_eq!(names.skill(SkillId { base: 2405, variant: None }), Some("Oath"), "by the first of its hits");
        assert_eq!(names.monster(1110), Some("Kartgriff"));
        assert_eq!(names.scene(1), None);
    }

    #[test]
    fn files_beside_the_database_are_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("meter-data")).unwrap();
        std::fs::create_dir_all(dir.path().join("db")).unwrap();
        std::fs::write(dir.path().join("meter-data/SceneName.json"), r#"{"8": "Asterleeds"}"#).unwrap();
        let names = Names::find(&dir.path().join("db/m.db"), None, &Places::default());
        assert_eq!(names.scene(8), Some("Asterleeds"));
    }
}
