//! The folder of downloads: whether it can be read, and whether the app finds anything in it.

use std::path::Path;

use serde_json::Value;

use super::finding::Findings;
use crate::downloads::{CHANNEL_FILE, is_served};
use crate::error::plain;

const WHAT: &str = "downloads";
/// Bytes of a channel file: some platforms and the notes of a version.
const CHANNEL_BYTES_MAX: u64 = 1024 * 1024;

/// Looks at the folder.
pub(super) fn look(folder: &Path, found: &mut Findings) {
    let shown = folder.display();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().collect::<Vec<_>>(),
        Err(_) if folder.exists() && !folder.is_dir() => {
            found.wrong(WHAT, format!("{shown} is no folder: name another with --downloads"));
            return;
        }
        Err(error) => {
            found.wrong(
                WHAT,
                format!(
                    "{shown} cannot be read ({}): it must be a folder that the user who runs the relay may read, or name \
                     another with --downloads",
                    plain(&error)
                ),
            );
            return;
        }
    };
    let (served, left): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| is_served(entry));
    let unread = served.iter().find_map(|entry| {
        let error = std::fs::File::open(entry.path()).err()?;
        Some((entry.path(), plain(&error)))
    });
    if let Some((path, why)) = unread {
        let path = path.display();
        found.wrong(WHAT, format!("{path} cannot be read ({why}): give it to the user who runs the relay (chmod a+r)"));
        return;
    }
    let channel = folder.join(CHANNEL_FILE);
    // Links are not served, and what is none of a file is not read.
    let has_channel = served.iter().any(|entry| entry.file_name() == CHANNEL_FILE);
    match has_channel.then(|| channel_fault(&channel)).flatten() {
        Some(why) => found.wrong(WHAT, format!("{}: {why}", channel.display())),
        None if !has_channel => found.note(
            WHAT,
            format!(
                "{shown} has no {CHANNEL_FILE}: the app finds no update here, and looks where its project has them"
            ),
        ),
        None => found.ok(WHAT, format!("{shown} can be read: {} files, {CHANNEL_FILE} among them", served.len())),
    }
    if let Some(one) = left.first() {
        let name = one.file_name();
        found.note(
            WHAT,
            format!(
                "{} of its entries are not served, {} among them: only plain files are, whose names have letters, digits \
                 and . - _ + ~ and do not begin with a dot",
                left.len(),
                name.to_string_lossy().escape_debug()
            ),
        );
    }
}

/// Why the app could not read the channel file, where there is one.
fn channel_fault(path: &Path) -> Option<String> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > CHANNEL_BYTES_MAX {
        return Some(format!("it has {length} bytes, and the app reads {CHANNEL_BYTES_MAX} at the most"));
    }
    let file = std::fs::read(path).ok()?;
    let Ok(file) = serde_json::from_slice::<Value>(&file) else {
        return Some("it is no JSON: take the one that the release has".to_owned());
    };
    let is_one = file["version"].is_string() && file["platforms"].is_object();
    (!is_one).then(|| "it has no `version`, or no `platforms`: take the one that the release has".to_owned())
}
