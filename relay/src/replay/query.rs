//! What somebody asks to be played: what of, from where, how fast, and what of the relay's limits that takes.

use raidcast_shared::limits as l;
use raidcast_store::RaidRow;
use tokio::sync::OwnedSemaphorePermit;

use super::admission::Admission;
use crate::desk::Desk;
use crate::edge::{Address, Asked, Permit, Refusal};
use crate::error::HttpError;

/// Where a replay begins and how fast it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// The keyframe shows what was so before this, ms since the encounter began.
    pub at_ms: u32,
    /// Times as fast as it was; 0 for the keyframe alone.
    pub speed: f64,
}

impl Playback {
    /// Reads `?at=` and `?speed=`.
    ///
    /// # Errors
    /// `BadRequest` with what is allowed.
    pub fn parse(at: Option<&str>, speed: Option<&str>) -> Result<Self, HttpError> {
        let (at_max, least, most) = (l::ENCOUNTER_DURATION_MS_MAX, l::REPLAY_SPEED_MIN, l::REPLAY_SPEED_MAX);
        let at_ms = at.map_or(Some(0), |at| at.parse().ok().filter(|at| *at <= at_max));
        let at_ms = at_ms.ok_or_else(|| {
            HttpError::BadRequest(format!("`at` must be a number from 0 to {at_max}: ms since the encounter began"))
        })?;
        let fits = |speed: &f64| *speed == 0.0 || (least..=most).contains(speed);
        let speed = speed.map_or(Some(1.0), |speed| speed.parse().ok().filter(fits));
        let speed = speed.ok_or_else(|| {
            HttpError::BadRequest(format!("`speed` must be a number from {least} to {most}, or 0 for one keyframe"))
        })?;
        Ok(Self { at_ms, speed })
    }

    /// Whether it is the keyframe of one moment.
    pub(super) fn is_one_moment(self) -> bool {
        self.speed == 0.0
    }
}

/// What a replay has of the relay's limits.
pub enum ReplayPermit {
    /// Of one moment, until its keyframe is made: an answer's.
    Moment(Permit),
    /// Until it is over: one of the fights that are played at once, of the relay and to one address.
    Playing(OwnedSemaphorePermit, Permit),
}

impl ReplayPermit {
    /// Takes what this playback needs.
    ///
    /// # Errors
    /// The address has as many as one gets, or the relay plays as many as it can.
    pub fn take(playback: Playback, desk: &Desk, asked: &Asked) -> Result<Self, HttpError> {
        if playback.is_one_moment() {
            return Ok(Self::Moment(asked.answer()?));
        }
        let address = asked.replay()?;
        let relay = desk.playing().ok_or_else(|| {
            asked.refused(Refusal::Replays);
            HttpError::Unavailable {
                text: "as many fights are played as this relay plays at once: try again in a moment".into(),
                retry_s: 10,
            }
        })?;
        Ok(Self::Playing(relay, address))
    }
}

/// What a replay needs besides its socket.
pub struct Replay {
    /// Which report it plays, and who may see that.
    pub admission: Admission,
    /// The raid that it is asked of.
    pub raid: RaidRow,
    /// From where and how fast.
    pub playback: Playback,
    /// What it has of the relay's limits.
    pub permit: ReplayPermit,
    /// For whom it counts.
    pub who: Address,
}
