//! A reading that waits, as it stands in its job. What is written here is read after an upgrade, too.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
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
    /// Which names those see who are no members. An earlier relay did not say so.
    #[serde(default)]
    pub(super) names: NamesPolicy,
    pub(super) hash: Option<UploadHash>,
    /// What its meter was told of it.
    pub(super) remote_id: Option<i64>,
    /// Whether it came with a good signature. An earlier relay did not say so.
    #[serde(default)]
    pub(super) verified: bool,
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

#[cfg(test)]
mod tests {
    use raidcast_shared::id::hex;
    use uuid::Uuid;

    use super::*;

    fn waiting(verified: bool) -> WaitingReading {
        WaitingReading {
            encounter: EncounterId(Uuid::from_u128(1)),
            stream: StreamId(Uuid::from_u128(2)),
            started_at_ms: 1_790_000_000_000,
            visibility: Visibility::Private,
            names: NamesPolicy::Class,
            hash: Some([3; 16]),
            remote_id: Some(4),
            verified,
            log: Bytes::from_static(b"log"),
        }
    }

    #[test]
    fn a_reading_that_waits_says_whether_it_was_signed() {
        for verified in [false, true] {
            let again = WaitingReading::of(&codec::encode(&waiting(verified))).unwrap();
            assert_eq!(again.names, NamesPolicy::Class);
            assert_eq!((again.verified, again.remote_id, again.log), (verified, Some(4), Bytes::from_static(b"log")));
        }
    }

    /// As a relay wrote it that knew no signatures: these bytes lie in databases.
    #[test]
    fn a_reading_that_an_earlier_relay_left_is_read_as_not_signed() {
        #[derive(Serialize)]
        struct Earlier {
            encounter: EncounterId,
            stream: StreamId,
            started_at_ms: i64,
            visibility: Visibility,
            hash: Option<UploadHash>,
            remote_id: Option<i64>,
            log: Bytes,
        }
        let WaitingReading { encounter, stream, started_at_ms, visibility, hash, remote_id, log, .. } = waiting(false);
        let data = codec::encode(&Earlier { encounter, stream, started_at_ms, visibility, hash, remote_id, log });
        assert_eq!(
            hex(&data),
            "87a9656e636f756e746572dc001000000000000000000000000000000001a673747265616ddc001000000000000000000000\
             000000000002ad737461727465645f61745f6d73cf000001a0c4506c00aa7669736962696c697479a770726976617465a468\
             617368dc001003030303030303030303030303030303a972656d6f74655f696404a36c6f67c4036c6f67"
        );
        let again = WaitingReading::of(&data).unwrap();
        assert!(!again.verified);
        assert_eq!((again.encounter, again.stream, again.hash), (encounter, stream, hash));
        assert_eq!((again.visibility, again.names), (Visibility::Private, NamesPolicy::Full));
        assert_eq!(again.log, Bytes::from_static(b"log"));
    }
}
