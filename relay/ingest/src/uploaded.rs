//! A fight that was uploaded whole, as it is to be kept.

use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::Outcome;

/// A fight that was uploaded whole: its log, its fold and its names.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Which fight, by what the game's ids and its begin give, so that it is the one that its meter would stream: of
    /// several that one player saw begin in the same ms the first, until the caller knows which of them it is
    /// ([`Uploaded::likeness`]). Ids are in the clear in it: the caller keys it before it is stored.
    pub encounter: EncounterId,
    /// All of it; its actors are keyed.
    pub log: Log,
    /// The log's fold.
    pub state: EncounterState,
    /// What the meter itself calls it, as it was sent.
    pub source_hash: Option<String>,
    /// Unix ms; not long after it came.
    pub started_at_ms: i64,
    /// Why nothing of it could be taken, in words for people: then the log is empty but for saying so.
    pub stub: Option<&'static str>,
    /// In which form it was told: a word that is part of the reading's name, so it stays.
    pub(crate) form: &'static str,
}

impl Uploaded {
    /// The name of this reading of `encounter`, which is this one's under the relay's key.
    ///
    /// Sums and single hits of one fight have one checksum and are two readings, and so are those that tell more or fewer
    /// hits one by one, and a fight that has not ended and the same with its end.
    pub fn stream(&self, encounter: EncounterId) -> StreamId {
        // Of a part that is told one by one the checksum says nothing, either.
        let told = match (self.state.summed().hits, self.state.single_hits()) {
            (0, _) => "hits".to_owned(),
            (_, 0) => "sums".to_owned(),
            (_, single) => format!("sums and {single}"),
        };
        let is_whole = self.log.ending.as_ref().is_some_and(|ending| ending.outcome != Outcome::Unfinished);
        let end = if is_whole { "" } else { "|unfinished" };
        StreamId::of_upload(encounter, self.form, format_args!("{told}|{}{end}", self.state.checksum()))
    }
}
