//! Pictures of the screen: for whoever looks why a test failed, or at how it looks.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::Stage;

/// Takes a picture of the whole screen; gives where it is.
pub(crate) fn shoot(stage: &Stage, name: &str) -> Option<PathBuf> {
    let folder = Path::new(crate::stage::APP).parent()?.parent()?.join("desktop-shots");
    std::fs::create_dir_all(&folder).ok()?;
    let file = folder.join(format!("{name}.png"));
    let mut import = Command::new("import");
    import.args(["-window", "root"]).arg(&file);
    stage.dress(&mut import).status().ok()?.success().then_some(file)
}
