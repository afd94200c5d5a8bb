//! Uploads of old fights: what is wished, planned, and under way.

use std::sync::Arc;

use raidcast::uploader::Options;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ask::Outcome;
use crate::upload::{Planned, UploadHeard, Which};
use crate::view::UploadEnd;

/// Uploads of old fights.
#[derive(Default)]
pub(super) struct Uploads {
    /// What a run is to do, as the settings said last: of its relay, its key and its meter.
    pub(super) base: Option<Options>,
    /// What somebody wishes, before the settings have been read.
    pub(super) wished: Option<(Which, Visibility, NamesPolicy)>,
    /// What was agreed to before was looked for.
    pub(super) looked: bool,
    /// Plans so far: the last alone can be agreed to.
    pub(super) plans: u64,
    /// It.
    pub(super) planned: Option<Planned>,
    /// The upload that goes on.
    pub(super) under_way: Option<UnderWay>,
}

/// An upload that goes on.
pub(super) struct UnderWay {
    /// What is heard of it.
    pub(super) heard: Arc<UploadHeard>,
    /// Ends it.
    pub(super) shutdown: CancellationToken,
    /// It.
    pub(super) task: JoinHandle<()>,
    /// Who waits for its end.
    pub(super) answer: Option<Outcome<UploadEnd>>,
}
