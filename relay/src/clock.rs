//! Time and randomness as parameters: the relay asks nobody else for either.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where wall-clock time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A clock of one's own: gives Unix ms.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Unix ms.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

/// Where random bytes come from.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

/// Fills a slice with random bytes.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Entropy {
    /// The operating system's.
    #[allow(clippy::disallowed_methods, reason = "the one place that asks for it")]
    pub fn system() -> Self {
        Self(Arc::new(|bytes| getrandom::fill(bytes).expect("the operating system gives random bytes")))
    }

    /// A source of one's own.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A name for URLs: characters that no reader mistakes for another, five bits each.
    pub fn code(&self, length: usize) -> String {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let random: [u8; 32] = self.bytes();
        random.iter().cycle().take(length.min(32)).map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect()
    }
}
