//! The pages, embedded in the binary: one file for each page, whatever follows in its path.

use axum::Router;
use memory_serve::CacheControl;

/// Serves the pages and what they load.
pub fn router() -> Router {
    memory_serve::load!()
        .index_file(Some("/index.html"))
        .add_alias("/reports/{id}", "/report.html")
        .add_alias("/raids/{code}", "/raid.html")
        .add_alias("/live/{channel}", "/raid.html")
        .add_alias("/overlay/live/{channel}", "/overlay.html")
        .add_alias("/overlay/raids/{code}", "/overlay.html")
        .add_alias("/overlay-builder", "/overlay-builder.html")
        .add_alias("/docs/api", "/api.html")
        .add_alias("/sign-in", "/sign-in.html")
        .add_alias("/account", "/account.html")
        .add_alias("/pair", "/pair.html")
        .add_alias("/removal", "/removal.html")
        .add_alias("/search", "/search.html")
        .html_cache_control(CacheControl::NoCache)
        // Names under /assets carry a hash of what they hold.
        .cache_control(CacheControl::Long)
        .enable_brotli(true)
        .enable_gzip(true)
        .into_router()
}
