//! Logs: one line each on standard error, never a control character of anybody's name.

use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` chooses what.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,memory_serve=warn"));
    // Text of fields is written with its Debug form or escaped: the formatter escapes control characters.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
