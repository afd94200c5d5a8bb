//! What an operator is told of the relay in numbers: counted where it happens, written as Prometheus reads it.
//!
//! One invariant: to count is a few atomics, however much comes. Nothing is allocated and nothing locked for a hit, a
//! frame or a spectator, so labels are closed lists whose counters are found at the start. (Uploads of whole fights look
//! theirs up by name, once a fight.) What is counted elsewhere already is read when somebody asks, and stands on the
//! [`Page`] that is made for him. No label names a raid, a key, a player or an address.

mod label;
mod page;
mod process;

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};
use raidcast_shared::uplink::RefusedCode;

pub use label::{Coding, FrameKind, Lag, MeterVersion, SignInOutcome, SignInWay, UploadOutcome};
pub use page::Page;
pub use process::process;

/// Seconds within the relay: a commit on a fast disk takes 1 ms, on a slow one 50.
const WITHIN: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Seconds from a hit to its page: a meter that writes each second is 1 s behind.
const BEHIND: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Seconds that an upload takes: its meter waits 30.
const UPLOADING: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];
/// Bytes of an upload: each four times the one before, up to the 10 MiB of the original design.
const PAYLOAD: [f64; 8] = [1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 10_485_760.0];

/// What one shard gave its spectators with one beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Writes to sockets.
    pub writes: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// Spectators that were left out, because their sockets had not taken what came before.
    pub left_out: u64,
}

/// See the module's page.
pub struct Metrics {
    registry: Registry,
    frames: [IntCounter; FrameKind::ALL.len()],
    refused: [IntCounter; label::REFUSED.len()],
    ack: Histogram,
    append_failed: IntCounter,
    commit: Histogram,
    lag: [Histogram; Lag::ALL.len()],
    spectators: IntGauge,
    ticks: IntCounter,
    writes: IntCounter,
    bytes: IntCounter,
    left_out: IntCounter,
    falls: IntCounter,
    answers: [IntCounter; 5],
    bodies: [IntCounter; Coding::ALL.len()],
    uploaded: IntCounterVec,
    upload_time: HistogramVec,
    payload: Histogram,
    /// By way, then by outcome.
    sign_ins: [[IntCounter; SignInOutcome::ALL.len()]; SignInWay::ALL.len()],
}

/// Enters a metric; each has its own name, which its test sees.
fn entered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let made = made.expect("a name and labels as they should be");
    registry.register(Box::new(made.clone())).expect("each name once");
    made
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    entered(registry, IntCounter::new(name, help))
}

/// Counters that differ in one label.
fn counters<const N: usize>(
    registry: &Registry,
    (name, help): (&str, &str),
    label: &str,
    values: [impl AsRef<str>; N],
) -> [IntCounter; N] {
    let all = entered(registry, IntCounterVec::new(Opts::new(name, help), &[label]));
    values.map(|value| all.with_label_values(&[value.as_ref()]))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    entered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}

fn histograms(registry: &Registry, name: &str, help: &str, label: &str, buckets: &[f64]) -> HistogramVec {
    let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    entered(registry, HistogramVec::new(opts, &[label]))
}

fn seconds(ms: i64) -> f64 {
    // A clock that was set back, or the sender's that is ahead of ours.
    ms.max(0) as f64 / 1000.0
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let frames = ("raidcast_uplink_frames_total", "Frames that clients sent, by kind.");
        let refused =
            ("raidcast_refused_total", "What clients who stream were refused, by the code that they were told.");
        let answers = ("raidcast_http_answers_total", "Answers over HTTP, by the first digit of their status.");
        let bodies = ("raidcast_upload_bytes_total", "Bytes of uploads' bodies as they were sent, by their coding.");
        let lag = histograms(
            r,
            "raidcast_lag_seconds",
            "From one step of a live hit's way to the next, by step: its row is read, it arrives here, its tick is made.",
            "cause",
            &BEHIND,
        );
        let sign_ins = Opts::new("raidcast_sign_ins_total", "Tries to sign in or join, by way and outcome.");
        let sign_ins = entered(r, IntCounterVec::new(sign_ins, &["way", "outcome"]));
        let uploaded =
            Opts::new("encounters_uploaded_total", "Fights that were uploaded whole, by what became of them.");
        Self {
            frames: counters(r, frames, "kind", FrameKind::ALL.map(FrameKind::name)),
            refused: counters(r, refused, "code", label::REFUSED.map(label::code)),
            ack: histogram(
                r,
                "raidcast_ack_seconds",
                "From a delta's coming to its being on disk and folded.",
                &WITHIN,
            ),
            append_failed: counter(
                r,
                "raidcast_append_failures_total",
                "Entries of the journal that were not stored; their clients send them again.",
            ),
            commit: histogram(
                r,
                "raidcast_journal_commit_seconds",
                "How long the writer of the journal took for one batch, to its commit.",
                &WITHIN,
            ),
            lag: Lag::ALL.map(|cause| lag.with_label_values(&[cause.name()])),
            spectators: entered(r, IntGauge::new("raidcast_spectators", "Who watches a raid live now.")),
            ticks: counter(r, "raidcast_ticks_total", "Ticks that were made, one for each raid and pace."),
            writes: counter(r, "raidcast_fanout_writes_total", "Writes to spectators' sockets."),
            bytes: counter(r, "raidcast_fanout_bytes_total", "Bytes of frames that spectators were given."),
            left_out: counter(
                r,
                "raidcast_ticks_skipped_total",
                "Times that a spectator was left out because its socket was full; it gets all at once later.",
            ),
            falls: counter(
                r,
                "raidcast_raid_falls_total",
                "Panics of raids' tasks, which begin anew from the journal.",
            ),
            answers: counters(r, answers, "status", ["1xx", "2xx", "3xx", "4xx", "5xx"]),
            bodies: counters(r, bodies, "encoding", Coding::ALL.map(Coding::name)),
            uploaded: entered(r, IntCounterVec::new(uploaded, &["status", "meter_version"])),
            upload_time: histograms(
                r,
                "encounter_upload_duration_seconds",
                "From an upload's request to what became of a fight in it.",
                "status",
                &UPLOADING,
            ),
            sign_ins: SignInWay::ALL
                .map(|way| SignInOutcome::ALL.map(|outcome| sign_ins.with_label_values(&[way.name(), outcome.name()]))),
            payload: histogram(r, "encounter_payload_size_bytes", "Bytes of an upload's body, unfolded.", &PAYLOAD),
            registry,
        }
    }
}

impl Metrics {
    /// A frame of a client came.
    pub fn frame(&self, kind: FrameKind) {
        self.frames[kind as usize].inc();
    }

    /// A client who streams was told that something is refused.
    pub fn refused(&self, code: RefusedCode) {
        if let Some(counter) = self.refused.get(code as usize) {
            counter.inc();
        }
    }

    /// A delta is on disk and folded, so many ms after it came.
    pub fn acked(&self, after_ms: i64) {
        self.ack.observe(seconds(after_ms));
    }

    /// An entry of the journal was not stored.
    pub fn append_failed(&self) {
        self.append_failed.inc();
    }

    /// The journal's writer has done a batch.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }

    /// What is new of a live fight took so many ms for one step of its way.
    pub fn lagged(&self, cause: Lag, by_ms: i64) {
        self.lag[cause as usize].observe(seconds(by_ms));
    }

    /// Somebody watches, until what this gives is dropped.
    pub fn watches(&self) -> Watching {
        self.spectators.inc();
        Watching(self.spectators.clone())
    }

    /// A tick was made of a raid's view.
    pub fn ticked(&self) {
        self.ticks.inc();
    }

    /// A shard gave its spectators a beat.
    pub fn gave(&self, Given { writes, bytes, left_out }: Given) {
        self.writes.inc_by(writes);
        self.bytes.inc_by(bytes);
        self.left_out.inc_by(left_out);
    }

    /// A raid's task panicked.
    pub fn fell(&self) {
        self.falls.inc();
    }

    /// A request was answered.
    pub fn answered(&self, status: StatusCode) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            counter.inc();
        }
    }

    /// A body of an upload's calls was read, of so many bytes as it was sent.
    pub fn body(&self, coding: Coding, bytes: usize) {
        self.bodies[coding as usize].inc_by(bytes as u64);
    }

    /// Fights came in a body of so many bytes, unfolded.
    pub fn payload(&self, bytes: usize) {
        self.payload.observe(bytes as f64);
    }

    /// What became of a fight that was uploaded whole, so long after its request came.
    pub fn uploaded(&self, status: UploadOutcome, version: MeterVersion, took: Duration) {
        self.uploaded.with_label_values(&[status.name(), version.name()]).inc();
        self.upload_time.with_label_values(&[status.name()]).observe(took.as_secs_f64());
    }

    /// Somebody signed in, or tried to.
    pub fn signed_in(&self, way: SignInWay, outcome: SignInOutcome) {
        self.sign_ins[way as usize][outcome as usize].inc();
    }

    /// All of it as text, and what stands on the page.
    ///
    /// # Errors
    /// Something was written twice: a defect.
    pub fn text(&self, page: Page) -> prometheus::Result<String> {
        page.text(self.registry.gather())
    }
}

/// Somebody who watches.
pub struct Watching(IntGauge);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &Metrics) -> String {
        metrics.text(Page::default()).unwrap()
    }

    #[test]
    fn what_happens_is_on_the_page_under_its_own_name_and_label() {
        let metrics = Metrics::default();
        metrics.frame(FrameKind::Delta);
        metrics.frame(FrameKind::Malformed);
        for code in label::REFUSED {
            metrics.refused(code);
        }
        metrics.acked(30);
        metrics.acked(-5);
        metrics.committed(Duration::from_millis(3));
        metrics.lagged(Lag::Uplink, 700);
        metrics.gave(Given { writes: 2, bytes: 300, left_out: 1 });
        metrics.answered(StatusCode::NOT_FOUND);
        metrics.answered(StatusCode::SWITCHING_PROTOCOLS);
        metrics.body(Coding::Zstd, 12);
        metrics.payload(2_000);
        metrics.uploaded(UploadOutcome::Created, MeterVersion::of(Some("0.19.1")), Duration::from_millis(20));
        metrics.uploaded(UploadOutcome::Known, MeterVersion::of(Some("9.9.9\"} 1")), Duration::ZERO);
        metrics.signed_in(SignInWay::Discord, SignInOutcome::Failed);
        let watching = metrics.watches();
        let page = text(&metrics);
        for line in [
            "raidcast_uplink_frames_total{kind=\"delta\"} 1",
            "raidcast_uplink_frames_total{kind=\"malformed\"} 1",
            "raidcast_uplink_frames_total{kind=\"begin\"} 0",
            "raidcast_refused_total{code=\"too_fast\"} 1",
            "raidcast_refused_total{code=\"other\"} 1",
            "raidcast_ack_seconds_count 2",
            "raidcast_ack_seconds_bucket{le=\"0.025\"} 1",
            "raidcast_ack_seconds_bucket{le=\"0.05\"} 2",
            "raidcast_journal_commit_seconds_bucket{le=\"0.005\"} 1",
            "raidcast_lag_seconds_bucket{cause=\"uplink\",le=\"1\"} 1",
            "raidcast_lag_seconds_count{cause=\"meter\"} 0",
            "raidcast_fanout_bytes_total 300",
            "raidcast_ticks_skipped_total 1",
            "raidcast_http_answers_total{status=\"4xx\"} 1",
            "raidcast_http_answers_total{status=\"1xx\"} 1",
            "raidcast_upload_bytes_total{encoding=\"zstd\"} 12",
            "encounter_payload_size_bytes_bucket{le=\"1024\"} 0",
            "encounter_payload_size_bytes_bucket{le=\"4096\"} 1",
            "encounters_uploaded_total{meter_version=\"0.19.1\",status=\"created\"} 1",
            "encounters_uploaded_total{meter_version=\"other\",status=\"known\"} 1",
            "encounter_upload_duration_seconds_count{status=\"created\"} 1",
            "raidcast_sign_ins_total{outcome=\"failed\",way=\"discord\"} 1",
            "raidcast_sign_ins_total{outcome=\"entered\",way=\"password\"} 0",
            "raidcast_spectators 1",
        ] {
            assert!(page.lines().any(|held| held == line), "{line}: {page}");
        }
        drop(watching);
        assert!(text(&metrics).contains("\nraidcast_spectators 0\n"));
    }
}
