//! Time as a parameter: the client asks nobody else for it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Where the time comes from: the wall's, and one that only goes forward.
#[derive(Clone)]
pub struct Clock {
    unix_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    began: Instant,
}

impl Clock {
    /// The machine's clock.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A wall clock of one's own: gives Unix ms. What only goes forward stays Tokio's, which tests can pause.
    pub fn new(unix_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { unix_ms: Arc::new(unix_ms), began: Instant::now() }
    }

    /// Unix ms; may jump.
    pub fn unix_ms(&self) -> i64 {
        (self.unix_ms)()
    }

    /// Ms since the clock was made; never goes back.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same as files and headers of HTTP have it.
    pub fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.unix_ms()).unwrap_or(0))
    }

    /// How long ago a file's time is; `None` if it lies in the future.
    pub fn since(&self, time: SystemTime) -> Option<Duration> {
        self.system_time().duration_since(time).ok()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
