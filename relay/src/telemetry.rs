//! Logs: one line each on standard error, as text or as JSON, never a control character of anybody's name, and never more
//! than a few a minute that say the same.
//!
//! What a stranger can cause he can cause for ever, so each place in the code that logs has a rate of its own; a line
//! that comes after others were left out says how many those were.

use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tokio::time::Instant;
use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{Format, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::limits::{LOG_BURST, LOG_EVERY_MS};

/// What is logged without `RUST_LOG`: of sqlx not that there is no file with passwords, which nobody needs.
const QUIET: &str = "info,memory_serve=warn,sqlx_postgres::options::pgpass=error";

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// An object, for programs that collect logs.
    Json,
}

/// Starts logging; `RUST_LOG` chooses what. Colours are for terminals alone, and not where `NO_COLOR` is set.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = lines(std::io::stderr, format, colours, Instant::now);
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Lines at a bounded rate.
pub fn lines<S, W>(
    writer: W,
    format: LogFormat,
    colours: bool,
    now: impl Fn() -> Instant + Send + Sync + 'static,
) -> Box<dyn tracing_subscriber::Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let damper = Damper { sites: Arc::default(), now: Arc::new(now) };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => {
            let line = Format::default().with_ansi(colours);
            let event = DampedFormat { damper: damper.clone(), format, line };
            layer.with_ansi(colours).event_format(event).with_filter(damper).boxed()
        }
        LogFormat::Json => {
            let line = Format::default().json().flatten_event(true).with_current_span(true).with_span_list(false);
            let event = DampedFormat { damper: damper.clone(), format, line };
            layer.with_ansi(false).fmt_fields(JsonFields::new()).event_format(event).with_filter(damper).boxed()
        }
    }
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
struct DampedFormat<L> {
    damper: Damper,
    format: LogFormat,
    line: L,
}

impl<L> DampedFormat<L> {
    /// Says how many lines were left out, in a line of its own.
    fn tell_left_out(&self, left_out: u64, writer: &mut Writer<'_>) -> fmt::Result {
        let text = format!("{left_out} lines like the next one were left out");
        match self.format {
            LogFormat::Text => writeln!(writer, "({text})"),
            LogFormat::Json => {
                write!(writer, r#"{{"timestamp":""#)?;
                SystemTime.format_time(writer)?;
                let target = module_path!();
                writeln!(writer, r#"","level":"WARN","message":"{text}","left_out":{left_out},"target":"{target}"}}"#)
            }
        }
    }
}

impl<S, N, L> FormatEvent<S, N> for DampedFormat<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let left_out = self.damper.take_left_out(event.metadata());
        if left_out > 0 {
            self.tell_left_out(left_out, &mut writer)?;
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
        let lines = lines(move || writer.clone(), LogFormat::Text, false, now);
        let logging = tracing_subscriber::registry().with(lines);
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
    #[test]
    fn a_line_for_programs_is_an_object_that_names_its_request_also_where_others_were_left_out() {
        let written = Written::default();
        let writer = written.clone();
        let (start, passed_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let clock = Arc::clone(&passed_ms);
        let now = move || start + Duration::from_millis(clock.load(Ordering::Relaxed));
        let lines = lines(move || writer.clone(), LogFormat::Json, true, now);
        let logging = tracing_subscriber::registry().with(lines);
        let _logging = tracing::subscriber::set_default(logging);
        tracing::error_span!("request", id = "an-id").in_scope(|| {
            for at in 0..=LOG_BURST {
                if at == LOG_BURST {
                    passed_ms.fetch_add(LOG_EVERY_MS, Ordering::Relaxed);
                }
                // One place that logs, and of it one line too many.
                for name in ["\u{1b}[31m\n\"quoted\"", "again"] {
                    tracing::warn!(at, name, "said");
                }
            }
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said: Vec<_> = lines.iter().filter(|line| line["message"] == "said").collect();
        assert_eq!(said.len(), LOG_BURST as usize + 1, "{text}");
        assert!(said.iter().all(|line| line["span"]["id"] == "an-id" && line["level"] == "WARN"), "{text}");
        assert_eq!(said[0]["name"], "\u{1b}[31m\n\"quoted\"");
        let left_out: Vec<_> = lines.iter().filter_map(|line| line["left_out"].as_u64()).collect();
        assert_eq!(left_out, [u64::from(LOG_BURST)], "{text}");
        assert!(lines.iter().all(|line| line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z'))), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
