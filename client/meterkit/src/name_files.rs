//! The files of names that a meter installs beside its program: what skills, monsters and scenes are called.
//!
//! Databases hold the game's ids; a meter's own window, and whoever reads its database, takes their names from here.
//! The one invariant: everything that a script can show has a name. Not here: names of players, which the database has.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::chunks::damage_id;
use crate::error::MeterkitError;
use crate::script::cast_list::{BOSSES, SCENE, SKILLS, TRASH};

/// Writes the files of all generations into a folder, which is made where it is not there.
///
/// The folder is `meter-data`, beside the database or in the folder where the meter is installed.
///
/// # Errors
/// `NameFiles` if the folder cannot be written to.
pub fn write_name_files(folder: &Path) -> Result<(), MeterkitError> {
    std::fs::create_dir_all(folder).map_err(MeterkitError::NameFiles)?;
    for (file, names) in files() {
        std::fs::write(folder.join(file), Value::Object(names).to_string()).map_err(MeterkitError::NameFiles)?;
    }
    Ok(())
}

/// Each file's name, and what it says of which id.
fn files() -> [(&'static str, Map<String, Value>); 5] {
    let plain = |names: &[(i64, &str)]| named(names, |_, name| json!(name));
    let damage: Vec<_> = SKILLS.iter().map(|(base, name)| (damage_id(*base), *name)).collect();
    let mut kinds = named(&TRASH, |_, name| json!({ "Name": name, "MonsterType": 0 }));
    kinds.extend(named(&BOSSES, |_, name| json!({ "Name": name, "MonsterType": 2 })));
    [
        ("SkillName.json", plain(&SKILLS)),
        ("DamageAttrIdName.json", plain(&damage)),
        ("SceneName.json", plain(&[SCENE])),
        ("MonsterName.json", plain(&BOSSES)),
        ("MonsterIdNameType.json", kinds),
    ]
}

fn named(names: &[(i64, &str)], value: impl Fn(i64, &str) -> Value) -> Map<String, Value> {
    names.iter().map(|(id, name)| (id.to_string(), value(*id, name))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::script::Script;

    #[test]
    fn everything_that_a_script_can_show_has_one_name() {
        let files = files();
        let of = |file: &str| files.iter().find(|(name, _)| *name == file).map(|(_, names)| names).unwrap();
        let ids: BTreeSet<i64> = SKILLS.iter().map(|(id, _)| *id).collect();
        let texts: BTreeSet<&str> = SKILLS.iter().map(|(_, name)| *name).collect();
        assert_eq!((ids.len(), texts.len()), (SKILLS.len(), SKILLS.len()), "two skills have one id or one name");
        let mut used = BTreeSet::new();
        for seed in 0..60 {
            let fight = Script { duration_ms: 20_000, ..Script::raid(seed) }.fight();
            for hit in &fight.hits {
                used.insert(hit.base_skill_id);
                assert!(of("DamageAttrIdName.json").contains_key(&damage_id(hit.base_skill_id).to_string()));
            }
            for monster in &fight.monsters {
                let kind = monster.type_id.unwrap().to_string();
                assert_eq!(of("MonsterIdNameType.json")[&kind]["Name"], monster.name);
            }
            assert_eq!(of("SceneName.json")[&fight.scene_id.unwrap().to_string()], fight.scene_name.unwrap());
        }
        assert_eq!(used, ids, "the table and what scripts use are not the same skills");
    }
}
