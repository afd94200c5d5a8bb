//! What is shown beside the run.

use crate::view::UploadView;

/// What is shown beside the run, and comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The relay's address.
    pub relay: Option<String>,
    /// By how much those are to be behind who are no members, seconds: what the relay has counts, once it was heard.
    pub shown_s: u32,
    /// The upload of old fights that is under way.
    pub upload: Option<UploadView>,
    /// There is an icon in the tray.
    pub trayed: bool,
}
