//! The status of pages: 404 where there is nothing, as the API says it.
//!
//! Pages are files that ask the API for what they show; this says what a search engine, a link checker or a chat's
//! preview needs to know without running them. A private raid and one that is not there are the same.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Router};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::account::{Arrival, Arrived};
use crate::api::session::with_cookies;
use crate::desk::{Desk, TicketQuery};
use crate::edge::Asked;
use crate::error::{HttpError, is_api};
use crate::extract::{Path, Query};

/// What an address without a page is answered where the pages have none of their own for it.
const NOTHING_HERE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not found · Raidcast</title>\
     <h1>There is nothing here</h1><p>Check the link, or begin at <a href=\"/\">the start page</a>.</p></html>";

/// Answers the page as it is, with status 404 where what it shows is not there or not for the asker.
pub async fn status(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let missing = matches!(look(&desk, request.uri(), request.headers()).await, Err(HttpError::NotFound));
    if missing {
        // The page itself, not that the browser has it already.
        request.headers_mut().remove(header::IF_NONE_MATCH);
        request.headers_mut().remove(header::IF_MODIFIED_SINCE);
    }
    let response = next.run(request).await;
    if missing && response.status() == StatusCode::OK { not_there(response) } else { response }
}

/// A page whose status is 404: nobody keeps it, because what is missing may come.
fn not_there(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    headers.remove(header::ETAG);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Looks up what a page shows, as the API does.
async fn look(desk: &Desk, uri: &Uri, headers: &HeaderMap) -> Result<(), HttpError> {
    let mut parts = uri.path().split('/').skip(1);
    let (Some(kind), Some(name), None) = (parts.next(), parts.next(), parts.next()) else { return Ok(()) };
    let query = axum::extract::Query::<TicketQuery>::try_from_uri(uri);
    let ticket = query.ok().and_then(|query| query.0.ticket);
    if !matches!(kind, "reports" | "raids" | "live") {
        return Ok(());
    }
    let (door, asker) = (desk.door(), desk.door().asker(headers, ticket.as_deref()).await?);
    match kind {
        "reports" => door.report(name, &asker).await.map(drop),
        "raids" => door.raid(name, &asker).await.map(drop),
        "live" => door.channel(name, &asker).await.map(drop),
        _ => Ok(()),
    }
}

/// `GET /encounter/{id}`: where meters open what they uploaded.
///
/// # Errors
/// 404 where that is nothing that the asker may see.
pub async fn encounter(
    State(desk): State<Desk>,
    Path(remote_id): Path<String>,
    Query(TicketQuery { ticket }): Query<TicketQuery>,
    headers: HeaderMap,
) -> Result<Redirect, StatusCode> {
    let remote_id = remote_id.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let found = async {
        let asker = desk.door().asker(&headers, ticket.as_deref()).await?;
        desk.door().report_of_remote(remote_id, &asker).await
    };
    let report = found.await.map_err(|error| error.into_response().status())?;
    // Tickets are letters and digits: what is none goes into no header.
    let ticket = ticket.filter(|ticket| ticket.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let ticket = ticket.map(|ticket| format!("?ticket={ticket}")).unwrap_or_default();
    Ok(Redirect::to(&format!("/reports/{}{ticket}", report.report_id)))
}

/// `GET /sign-in/{provider}/callback`: where a browser comes back to from a provider. It is led to a page that says what
/// came of it, and nothing of what it brought stands in its address any more.
pub async fn from_provider(
    State(desk): State<Desk>,
    Path(provider): Path<String>,
    Extension(asked): Extension<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let arrival = axum::extract::Query::<Arrival>::try_from_uri(&uri).ok().map(|arrival| arrival.0);
    let Arrived { to, cookies, retry_s } = desk.members().arrive(&provider, arrival, &headers, asked.address).await;
    let mut response = with_cookies(Redirect::to(&to).into_response(), cookies);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(retry_s) = retry_s {
        response.headers_mut().insert(header::RETRY_AFTER, retry_s.into());
    }
    response
}

/// What is answered where there is no route: the API's error, or the page for it.
pub async fn nothing_here(pages: Router, request: Request) -> Response {
    if is_api(request.uri().path()) {
        return HttpError::NotFound.into_response();
    }
    let mut own = Request::get("/404.html");
    if let Some(accepted) = request.headers().get(header::ACCEPT_ENCODING) {
        own = own.header(header::ACCEPT_ENCODING, accepted);
    }
    let Ok(own) = own.body(axum::body::Body::empty()) else { return HttpError::Internal.into_response() };
    match TowerToHyperService::new(pages).call(own).await {
        Ok(page) if page.status() == StatusCode::OK => not_there(page),
        Ok(_) | Err(_) => not_there(Html(NOTHING_HERE).into_response()),
    }
}
