//! `GET /metrics`: what is counted, and what others hold now.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::answers::Answers;
use crate::context::Context;
use crate::disk::Disk;
use crate::edge::{Asked, Edge, Refusal};
use crate::erase::Eraser;
use crate::error::HttpError;
use crate::ingest::Ingest;
use crate::lists::Lists;
use crate::metrics::{Page, process};
use crate::preview::Previews;
use crate::raid::Directory;
use crate::search::Searches;

/// Prometheus' text, in the version that is written.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What numbers are read from.
#[derive(Clone)]
pub struct Sources {
    /// Memory, quotas, the database, what is set aside, and what is counted.
    pub context: Arc<Context>,
    /// Which raids are in memory.
    pub directory: Arc<Directory>,
    /// Sockets, and limits that were reached.
    pub edge: Arc<Edge>,
    /// What was made for who asked.
    pub answers: Arc<Answers>,
    /// Pages of lists that were read for them.
    pub lists: Arc<Lists>,
    /// What was searched for them.
    pub searches: Arc<Searches>,
    /// What links tell of what they lead to.
    pub previews: Arc<Previews>,
    /// Who uploads whole fights.
    pub ingest: Arc<Ingest>,
    /// What is being removed.
    pub eraser: Arc<Eraser>,
    /// Where the database lies.
    pub disk: Disk,
}

/// Of the address for everybody: strangers are told that nothing is here.
pub async fn only_here(Extension(asked): Extension<Asked>, request: Request, next: Next) -> Response {
    if asked.is_here() { next.run(request).await } else { HttpError::NotFound.into_response() }
}

/// All numbers.
///
/// # Errors
/// `Internal`: a defect.
pub async fn metrics(State(sources): State<Sources>) -> Result<Response, HttpError> {
    let room = sources.disk.room().await;
    let metrics = Arc::clone(&sources.context.metrics);
    // It reads files of the system's.
    let making = tokio::task::spawn_blocking(move || {
        let mut page = sources.page();
        if let Some(room) = room {
            page.gauge("raidcast_disk_free_bytes", "Room on the disk of the database.", room);
        }
        process(&mut page);
        page
    });
    let page = making.await.map_err(|_| HttpError::Internal)?;
    let text = metrics.text(page).map_err(|error| {
        tracing::error!(%error, "metrics cannot be written");
        HttpError::Internal
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

impl Sources {
    fn page(&self) -> Page {
        let Self { context, directory, edge, answers, lists, searches, previews, ingest, eraser, disk: _ } = self;
        let mut page = Page::default();
        let (version, of_build) = (env!("CARGO_PKG_VERSION"), "Which version runs; always 1.");
        page.gauges("raidcast_build_info", of_build, "version", [(version, true)]);
        page.gauge("raidcast_uplinks", "Clients that are connected to stream.", context.quota.connections());
        page.gauge("raidcast_raids", "Raids in memory, each with its room of spectators.", directory.raids());
        let store_up = context.store_ok.load(Ordering::Relaxed);
        page.gauge("raidcast_store_up", "1 while the database takes writes, as far as is known.", store_up);
        let backlog = context.store.backlog();
        let lanes = [("journal", backlog.bytes), ("bulk", backlog.bulk_bytes)];
        page.gauges("raidcast_journal_queue_bytes", "What waits to be written, by its lane.", "lane", lanes);
        let lanes = [("journal", backlog.bytes_max), ("bulk", backlog.bulk_bytes_max)];
        page.gauges("raidcast_journal_queue_max_bytes", "How much of it may wait.", "lane", lanes);
        page.gauge("raidcast_memory_bytes", "What open fights hold in memory, estimated.", context.memory.bytes());
        page.gauge("raidcast_memory_max_bytes", "What they may hold.", context.limits.memory);
        let (fights, raids) = context.set_aside.counts();
        let what = [("fight", fights), ("raid", raids)];
        page.gauges("raidcast_set_aside", "What cannot be read; the log names it.", "what", what);
        page.gauge("raidcast_sockets_open", "Sockets of clients, spectators and requests.", edge.open());
        page.gauge("raidcast_sockets_max", "Sockets that may be open.", edge.sockets_max());
        let limits = Refusal::ALL.map(|limit| (limit.name(), edge.refusals.of(limit)));
        let limits = limits.into_iter().chain([("quota", context.quota.refused())]);
        let help = "Times that an address or a key met a limit, by limit.";
        page.counters("raidcast_limits_hit_total", help, "limit", limits);
        page.counter("raidcast_reports_made_total", "Reports, spans and timelines made for askers.", answers.made());
        page.counter("raidcast_lists_made_total", "Pages of lists read for askers.", lists.made());
        page.counter("raidcast_searches_made_total", "Searches that the database was asked.", searches.made());
        page.counter("raidcast_pictures_made_total", "Pictures of links that were painted.", previews.made());
        let uploads = ingest.standing();
        page.gauge("raidcast_uploads_read", "Bodies of uploads that are read or folded now.", uploads.read);
        let (reading, derive) = (ingest.waiting(), context.derive.waiting());
        let (erase, wipe, webhook) = (eraser.erasing(), eraser.wiping(), context.webhooks.waiting());
        let jobs = [("reading", reading), ("derive", derive), ("erase", erase), ("wipe", wipe), ("webhook", webhook)];
        page.gauges("raidcast_jobs_waiting", "Work that waits, by what it is.", "job", jobs);
        page.gauge("raidcast_uploads_waiting", "Uploads that wait for their turn to be read.", uploads.waiting);
        page
    }
}
