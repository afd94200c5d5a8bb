//! A reading that waits, as it stands in its job. What is written here is read after an upgrade, too.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::Visibility;
use raidcast_store::{AccountId, JobKey, JobKind, NewJob, UploadHash};
use serde::{Deserialize, Serialize};

/// So soon is it asked for the first time whether the fight has ended, ms.
pub(super) const ASK_MS: i64 = 1_000;

/// See the module's page.
#[derive(Serialize, Deserialize)]
pub(super) struct WaitingReading {
    pub(super) encounter: EncounterId,
    pub(super) stream: StreamId,
    pub(super) started_at_ms: i64,
    /// What its key said of who may see it, where there is no report yet.
    pub(super) visibility: Visibility,
    pub(super) hash: Option<UploadHash>,
    /// What its meter was told of it.
    pub(super) remote_id: Option<i64>,
    pub(super) log: Bytes,
}

impl WaitingReading {
    /// The job that looks at it later.
    pub(super) fn job(&self, account: AccountId, now_ms: i64) -> NewJob {
        let key = JobKey { kind: JobKind::Reading, account, name: self.stream.0.into_bytes() };
        NewJob { key, data: codec::encode(self).into(), created_at_ms: now_ms, due_at_ms: now_ms + ASK_MS }
    }

    /// The reading of a job's data.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(super) fn of(data: &[u8]) -> Result<Self, String> {
        codec::decode(data, usize::MAX).map_err(|error| error.to_string())
    }
}
