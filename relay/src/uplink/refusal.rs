//! How a connection is refused.

use raidcast_shared::uplink::{Refused, RefusedCode, RefusedScope};

/// For the whole connection; a refusal of less is made of it.
pub(super) fn refusal(code: RefusedCode, text: impl Into<String>) -> Refused {
    Refused { code, text: text.into(), scope: RefusedScope::Connection, retry_ms: None, h: None, enc: None }
}
