//! Logs: one line each on standard error, never a control character of anybody's name, and never more than a few a
//! minute that say the same.
//!
//! What a stranger can cause he can cause for ever, so each place in the code that logs has a rate of its own; a line
//! that comes after others were left out says how many those were.

use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::limits::{LOG_BURST, LOG_EVERY_MS};

/// What is logged without `RUST_LOG`: of sqlx not that there is no file with passwords, which nobody needs.
const QUIET: &str = "info,memory_serve=warn,sqlx_postgres::options::pgpass=error";

/// Starts logging; `RUST_LOG` chooses what. Colours are for terminals alone, and not where `NO_COLOR` is set.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let _ = tracing_subscriber::registry().with(filter).with(lines(std::io::stderr, colours, Instant::now)).try_init();
}

/// Lines at a bounded rate.
pub fn lines<S, W>(
    writer: W,
    colours: bool,
    now: impl Fn() -> Instant + Send + Sync + 'static,
) -> impl tracing_subscriber::Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let damper = Damper { sites: Arc::default(), now: Arc::new(now) };
    tracing_subscriber::fmt::layer()
        .with_ansi(colours)
        .with_writer(writer)
        .event_format(DampedFormat { damper: damper.clone(), line: Format::default().with_ansi(colours) })
        .with_filter(damper)
}

/// One place in the code that logs.
struct Site {
    /// Lines that it may write at once.
    left: u32,
    /// When it got the last of them.
    since: Instant,
    left_out: u64,
}

/// Counts lines by the place in the code that they come from, of which there are only so many.
#[derive(Clone)]
struct Damper {
    sites: Arc<Mutex<HashMap<Identifier, Site>>>,
    now: Arc<dyn Fn() -> Instant + Send + Sync>,
}

impl Damper {
    fn sites(&self) -> MutexGuard<'_, HashMap<Identifier, Site>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more line is written now.
    fn admits(&self, site: &Metadata<'_>) -> bool {
        let now = (self.now)();
        let every = Duration::from_millis(LOG_EVERY_MS);
        let mut sites = self.sites();
        let site = sites.entry(site.callsite()).or_insert(Site { left: LOG_BURST, since: now, left_out: 0 });
        let earned = now.duration_since(site.since).as_millis() / every.as_millis();
        if earned > 0 {
            site.left = LOG_BURST.min(site.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)));
            site.since = now;
        }
        if site.left == 0 {
            site.left_out += 1;
            return false;
        }
        site.left -= 1;
        true
    }

    /// Lines that were left out since the last that was written.
    fn take_left_out(&self, site: &Metadata<'_>) -> u64 {
        self.sites().get_mut(&site.callsite()).map_or(0, |site| std::mem::take(&mut site.left_out))
    }
}

impl<S> Filter<S> for Damper {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        self.admits(event.metadata())
    }
}

/// A line, and how many like it were not written.
struct DampedFormat {
    damper: Damper,
    line: Format,
}

impl<S, N> FormatEvent<S, N> for DampedFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let left_out = self.damper.take_left_out(event.metadata());
        if left_out > 0 {
            writeln!(writer, "({left_out} lines like the next one were left out)")?;
        }
        self.line.format_event(ctx, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_a_stranger_causes_a_thousand_times_is_written_a_few_times() {
        let written = Written::default();
        let writer = written.clone();
        let (start, passed_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let clock = Arc::clone(&passed_ms);
        let now = move || start + Duration::from_millis(clock.load(Ordering::Relaxed));
        let logging = tracing_subscriber::registry().with(lines(move || writer.clone(), false, now));
        let _logging = tracing::subscriber::set_default(logging);
        for round in 0..2 {
            for at in 0..1_000 {
                tracing::warn!(at, "again");
            }
            tracing::error!(round, "another");
            passed_ms.fetch_add(LOG_EVERY_MS, Ordering::Relaxed);
        }
        tracing::info!("all else is written");
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("again").count() as u32, LOG_BURST + 1, "{text}");
        assert!(text.contains(&format!("({} lines like the next one were left out)", 1_000 - LOG_BURST)), "{text}");
        assert_eq!(text.matches("another").count(), 2);
        assert!(text.contains("all else is written") && !text.contains('\u{1b}'), "{text}");
    }
}
