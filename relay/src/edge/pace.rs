//! How fast large answers leave the relay, all together.
//!
//! One invariant: they go out in pieces, in the order in which these were asked for, never faster than at
//! [`LARGE_ANSWERS_BYTES_PER_S`]. So the many who wait for one large answer do not stand between a raid and its
//! acknowledgements when it is there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::LARGE_ANSWERS_BYTES_PER_S;

/// See the module's page.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// When a piece of so many bytes may go out.
    pub(super) fn next(&self, bytes: usize, now: Instant) -> Instant {
        // No code that holds it can panic.
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.map_or(now, |free| free.max(now));
        *free = Some(at + Duration::from_secs_f64(bytes as f64 / f64::from(LARGE_ANSWERS_BYTES_PER_S)));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_as_fast_as_the_line_is_and_a_pause_saves_nothing_up() {
        let (pace, now) = (Pace::default(), Instant::now());
        let second = LARGE_ANSWERS_BYTES_PER_S as usize;
        assert_eq!(pace.next(second / 2, now), now);
        let next = pace.next(second, now);
        assert_eq!(next, now + Duration::from_millis(500));
        let later = now + Duration::from_mins(1);
        assert_eq!(pace.next(second, later), later);
        assert_eq!(pace.next(1, later), later + Duration::from_secs(1));
    }
}
