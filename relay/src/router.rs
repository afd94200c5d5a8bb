//! Which address is answered by what, and what all answers carry.
//!
//! One invariant: what answers JSON is routed by what describes it (`routes!` of its handler's `utoipa::path`), so that the
//! description and the router are one table. Beside it stand pages, files, WebSockets, and metrics, which are text.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::account::Keyring;
use crate::api::description::Described;
use crate::api::metrics::Sources;
use crate::body::Small;
use crate::cors::{self, Origins};
use crate::desk::Desk;
use crate::downloads::{self, Downloads};
use crate::error::{self, HttpError, is_api};
use crate::limits::REQUEST_BODY_BYTES_MAX;
use crate::readiness::Readiness;
use crate::request::{self, Requests};
use crate::uplink::{self, Uplinks};
use crate::{api, assets, edge, feed, openapi, pages, pictures};

/// An answer over HTTP takes at most this long, and so does an upgrade; sockets are not bound by it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The version of the API, which is in its addresses, too.
const API_VERSION: HeaderValue = HeaderValue::from_static("1");

/// What pages may load: nothing from elsewhere, no inline scripts.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// What the router's parts are given: handlers the desk and nothing else, but for uplinks and what operators ask.
pub struct Parts {
    /// For whoever reads, watches or changes something.
    pub desk: Desk,
    /// For who streams.
    pub uplinks: Uplinks,
    /// For the gate.
    pub keys: Arc<Keyring>,
    /// For operators.
    pub operators: Operators,
    /// Whose pages may read answers.
    pub origins: Origins,
    /// The operator's folder of files, where there is one.
    pub downloads: Option<Arc<Downloads>>,
}

/// What operators are answered from.
#[derive(Clone)]
pub struct Operators {
    /// For `/health` and `/ready`.
    pub readiness: Arc<Readiness>,
    /// For `/metrics`.
    pub sources: Sources,
}

impl Operators {
    fn health(&self) -> Router {
        Router::from(health()).with_state(Arc::clone(&self.readiness))
    }

    fn metrics(&self) -> Router {
        Router::new().route("/metrics", get(api::metrics::metrics)).with_state(self.sources.clone())
    }

    fn requests(&self) -> Requests {
        let context = &self.sources.context;
        Requests { entropy: context.entropy.clone(), metrics: Arc::clone(&context.metrics) }
    }
}

fn health() -> OpenApiRouter<Arc<Readiness>> {
    OpenApiRouter::new().routes(routes!(api::health::health)).routes(routes!(api::health::ready))
}

/// What everybody may read who may see it.
fn reading() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(api::reports::list))
        .routes(routes!(api::reports::report))
        .routes(routes!(api::reports::timeline))
        .routes(routes!(api::reports::details))
        .routes(routes!(api::reports::recaps))
        .routes(routes!(api::reports::views))
        .routes(routes!(api::search::list))
        .routes(routes!(api::encounters::encounter))
        .routes(routes!(api::raids::raid))
        .routes(routes!(api::raids::night))
        .routes(routes!(api::raids::channel))
}

/// What is small and made for one.
fn asking() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(api::tickets::renew))
        .routes(routes!(api::links::of_raid, api::links::make_for_raid))
        .routes(routes!(api::links::revoke_of_raid))
        .routes(routes!(api::links::of_channel, api::links::make_for_channel))
        .routes(routes!(api::links::revoke_of_channel))
        .routes(routes!(api::links::ticket_for_raid))
        .routes(routes!(api::links::ticket_for_channel))
        .routes(routes!(api::webhooks::webhook, api::webhooks::set, api::webhooks::remove))
        .routes(routes!(api::webhooks::test))
        .routes(routes!(api::overlays::of_raid))
        .routes(routes!(api::overlays::of_channel))
        .routes(routes!(api::own::delete_raid, api::own::show))
        .routes(routes!(api::own::delete_report))
        .routes(routes!(api::own::clear_title))
        .routes(routes!(api::own::pin, api::own::unpin))
        .routes(routes!(api::uploads::auth))
        .routes(routes!(api::uploads::app_update))
}

/// Who somebody is, and what is his.
fn people() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(api::session::ways))
        .routes(routes!(api::session::sign_in, api::session::sign_out))
        .routes(routes!(api::session::look_at_invitation))
        .routes(routes!(api::session::join, api::administration::people))
        .routes(routes!(api::administration::remove))
        .routes(routes!(api::administration::audit))
        .routes(routes!(api::administration::limits))
        .routes(routes!(api::administration::ask_removal, api::administration::removals))
        .routes(routes!(api::administration::close_removal))
        .routes(routes!(api::characters::mine))
        .routes(routes!(api::characters::claim))
        .routes(routes!(api::characters::drop))
        .routes(routes!(api::characters::change))
        .routes(routes!(api::characters::export))
        .routes(routes!(api::characters::confirmation))
        .routes(routes!(api::characters::confirm))
        .routes(routes!(api::characters::claims))
        .routes(routes!(api::characters::believe, api::characters::refuse))
        .routes(routes!(api::characters::hidden, api::characters::opt_out))
        .routes(routes!(api::characters::look))
        .routes(routes!(api::characters::export_player))
        .routes(routes!(api::session::go))
        .routes(routes!(api::session::newcomer, api::session::join_as_newcomer))
        .routes(routes!(api::me::me, api::own::leave))
        .routes(routes!(api::own::raids))
        .routes(routes!(api::own::export))
        .routes(routes!(api::me::password))
        .routes(routes!(api::me::ways))
        .routes(routes!(api::me::remove_way))
        .routes(routes!(api::me::sessions, api::me::end_others))
        .routes(routes!(api::me::end_session))
        .routes(routes!(api::me::keys, api::me::make_key))
        .routes(routes!(api::me::rotate_key))
        .routes(routes!(api::me::revoke_key))
        .routes(routes!(api::device::code))
        .routes(routes!(api::device::token))
        .routes(routes!(api::device::shown, api::device::decide))
        .routes(routes!(api::accounts::list))
        .routes(routes!(api::accounts::claim))
        .routes(routes!(api::invitations::list, api::invitations::make))
        .routes(routes!(api::invitations::take_back))
}

/// What takes fights.
fn uploading() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(api::encounters::upload))
        .routes(routes!(api::uploads::upload))
        .route("/api/v1/upload", post(api::uploads::upload))
        .routes(routes!(api::uploads::check))
        .routes(routes!(api::uploads::player_data))
}

fn described() -> OpenApiRouter<Arc<Described>> {
    OpenApiRouter::new().routes(routes!(api::description::description))
}

/// What the API says of itself: OpenAPI, of all that is routed here and answers JSON.
pub fn description() -> Value {
    let mut all = openapi::begun();
    for desk in [reading(), asking(), people(), uploading()] {
        all.merge(desk.into_openapi());
    }
    all.merge(health().into_openapi());
    all.merge(described().into_openapi());
    openapi::whole(&all)
}

/// What an address of its own serves for operators.
pub fn metrics_router(operators: &Operators) -> Router {
    let routes = operators.health().merge(operators.metrics());
    let routes = routes.layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT));
    around(routes, operators, Arc::new(Origins::All))
}

/// The whole relay, as a router. Metrics are served to this machine, unless they have an address of their own.
pub fn router(parts: Parts, metrics: bool) -> Router {
    let Parts { desk, uplinks, keys, operators, origins, downloads } = parts;
    let metrics =
        if metrics { operators.metrics().layer(middleware::from_fn(api::metrics::only_here)) } else { Router::new() };
    let origins = Arc::new(origins);
    let reading = Router::from(reading()).layer(CompressionLayer::new().compress_when(Small));
    // They have times of their own, and bodies.
    let uploads = Router::from(uploading()).layer(DefaultBodyLimit::disable()).with_state(desk.clone());
    let feeds = Router::new()
        .route("/api/v1/reports/{report_id}/feed", get(feed::report))
        .route("/api/v1/raids/{code}/feed", get(feed::raid))
        .route("/api/v1/live/{channel}/feed", get(feed::channel))
        .route("/api/v1/raids/{code}/combat-data/{contract}", get(feed::raid_combat_data))
        .route("/api/v1/live/{channel}/combat-data/{contract}", get(feed::channel_combat_data));
    let downloads = downloads.map_or_else(Router::new, |downloads| {
        Router::new().route("/downloads/{name}", get(downloads::file)).with_state(downloads)
    });
    let files = assets::router();
    let shown = files.clone().layer(middleware::from_fn_with_state(desk.clone(), pages::status));
    // Files are compressed already; what is not are pages with heads of their own.
    let shown = shown.layer(CompressionLayer::new().compress_when(Small));
    let routes = Router::new()
        .merge(reading)
        .merge(asking())
        .merge(people())
        .route("/encounter/{remote_id}", get(pages::encounter))
        .route("/sign-in/{provider}/callback", get(pages::from_provider))
        .route("/api/v1/reports/{report_id}/file", get(api::files::file))
        .route("/reports/{id}/picture.png", get(pictures::report))
        .route("/raids/{code}/picture.png", get(pictures::raid))
        .route("/live/{channel}/picture.png", get(pictures::channel))
        .merge(feeds)
        .with_state(desk)
        .merge(Router::new().route("/api/v1/uplink", get(uplink::upgrade)).with_state(uplinks))
        .merge(operators.health())
        .merge(Router::from(described()).with_state(Arc::new(Described::by(description))))
        .merge(metrics)
        .merge(downloads)
        .merge(shown)
        .fallback(move |request: Request| pages::nothing_here(files.clone(), request))
        // Of bodies that do not say how long they are.
        .layer(DefaultBodyLimit::max(REQUEST_BODY_BYTES_MAX as usize))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        .merge(uploads)
        .layer(middleware::from_fn_with_state(Arc::clone(&origins), cors::preflight))
        .layer(middleware::from_fn_with_state(keys, edge::gate));
    around(routes, &operators, origins)
}

/// What all answers have: a shape for errors, headers, and the name of their request.
fn around(routes: Router, operators: &Operators, origins: Arc<Origins>) -> Router {
    let routes =
        routes.layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| HttpError::Internal.into_response()));
    // Around the router, not inside it: only there an answer names the methods of its address.
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn(error::shape))
        .layer(middleware::from_fn_with_state(origins, headers))
        .layer(middleware::from_fn_with_state(operators.requests(), request::named))
}

async fn headers(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    // What this machine may read is nothing for every page that is open on it.
    let shared = api && request.uri().path() != "/metrics";
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-api-version"), API_VERSION);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if shared {
        // Refusals too: a page of another site reads why, and when to come back.
        origins.allow(origin.as_ref(), headers);
    }
    response
}
