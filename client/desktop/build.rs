//! Makes of the commands' names what the page may be allowed, and looks at the configuration.

/// Each command that the page can be allowed to call; `capabilities/main.json` says which it is.
const COMMANDS: &[&str] = &[
    "ready",
    "now",
    "first",
    "find_meters",
    "use_meter",
    "relay",
    "pair",
    "pairing",
    "stop_pairing",
    "paste_key",
    "forget_key",
    "finish_first",
    "pause",
    "private",
    "try_now",
    "fights",
    "plan",
    "upload",
    "stop_upload",
    "again",
    "settings",
    "change",
    "starts_with_system",
    "start_with_system",
    "open",
    "copy",
    "about",
    "bundle",
    "open_log",
    "update",
    "update_check",
    "update_install",
    "update_skip",
    "quit",
];

fn main() {
    // The pages are built in: where they differ, so does the program.
    for watched in ["../../web/dist-desktop", "capabilities", "icons"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)).expect("the app's configuration");
}
