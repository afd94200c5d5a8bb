//! What `WebKitGTK` needs before anything else has begun.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// With NVIDIA's driver its way of drawing that goes by way of DMA buffers shows an empty window on many machines.
const DRIVER: &str = "/proc/driver/nvidia";
/// Whoever sets it himself is left in peace, whatever he sets it to.
const WITHOUT: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Whether there is a display: without one its library ends the process in words of its own.
pub(crate) fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Starts this program again with the variable, in the same process, where the driver is. A variable of one's own that
/// threads may read is not to be changed later.
pub(crate) fn start_again_if_need_be() {
    if !Path::new(DRIVER).exists() || env::var_os(WITHOUT).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    // It comes back only if it does not go: then it is tried as it is.
    let error = Command::new(program).args(env::args_os().skip(1)).env(WITHOUT, "1").exec();
    eprintln!("Raidcast goes on without {WITHOUT}: {error}.");
}
