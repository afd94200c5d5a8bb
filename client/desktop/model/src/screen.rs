//! The only way from the model to a window.

use crate::tray::TrayLook;
use crate::view::{Notice, NowView};

/// What shows what the model says. Its methods are called on the model's thread and must not wait for anything.
pub trait Screen: Send + Sync + 'static {
    /// What is now differs; at most twice a second, but for what somebody asked for.
    fn changed(&self, now: &NowView);

    /// What the tray shows differs.
    fn tray(&self, look: &TrayLook);

    /// Something is to be told beside the window.
    fn notice(&self, notice: &Notice);

    /// The list of fights differs: ask for it again where it is shown. At most once in two seconds.
    fn fights_changed(&self);
}
