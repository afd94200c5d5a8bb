//! What is done beside the model's task, because it takes its time, and comes back to it.

use raidcast::history::UploadEnd;
use raidcast::pairing::Invitation;
use raidcast::uploader::WatchError;

use crate::ask::Outcome;
use crate::meters::Seen;
use crate::pairing::Gotten;
use crate::upload::Planned;
use crate::view::{FirstView, KeptView, UploadPlan};
use crate::wrong::Wrong;

/// What was done.
pub(super) enum Done {
    /// It was looked for the meter.
    Seen(Seen, Outcome<FirstView>),
    /// The relay gave a code, of the pairing of this number.
    Code(u64, Result<Invitation, Wrong>),
    /// Somebody typed it, or not.
    Paired(u64, Result<Gotten, Wrong>),
    /// A key that was pasted was tried.
    Pasted(Result<Gotten, Wrong>, Outcome<KeptView>),
    /// The key was forgotten.
    Forgot(Result<bool, Wrong>, Outcome<bool>),
    /// An upload was planned, for somebody to agree to.
    Planned(Result<Planned, Wrong>, Outcome<UploadPlan>),
    /// The same of one that was agreed to before.
    PlannedAgain(Result<Planned, Wrong>),
    /// An upload has come to its end.
    Uploaded(Result<UploadEnd, WatchError>),
    /// By a mistake of the program nothing was.
    Fell,
}
