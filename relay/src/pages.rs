//! The status of pages, and their heads: 404 where there is nothing, as the API says it, else what a link to them tells.
//!
//! Pages are files that ask the API for what they show; this says what a search engine, a link checker or a chat's
//! preview needs to know without running them. A private raid and one that is not there are the same. The head is what
//! everybody is told who has the link, whoever asks for the page.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Router};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::account::{Arrival, Arrived};
use crate::api::session::with_cookies;
use crate::desk::{Desk, TicketQuery};
use crate::edge::{Address, Asked};
use crate::error::{HttpError, is_api};
use crate::etag;
use crate::extract::{Path, Query};
use crate::pictures::NOT_FOUND_BY_SEARCH;
use crate::preview::{Head, Linked, Preview};

/// What an address without a page is answered where the pages have none of their own for it.
const NOTHING_HERE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not found · Raidcast</title>\
     <h1>There is nothing here</h1><p>Check the link, or begin at <a href=\"/\">the start page</a>.</p></html>";

/// A page waits this long for what its head tells; without it, it has that which it has for all alike.
const HEAD_WAITS: Duration = Duration::from_millis(500);
/// Bytes of a page without its head: some two thousand.
const PAGE_BYTES_MAX: usize = 256 * 1024;

/// Answers the page, with a head that tells what it shows, or with status 404 where that is not there or not for the asker.
pub async fn status(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Some(linked) = Linked::of(&path) else { return next.run(request).await };
    let missing = matches!(look(&desk, linked, request.uri(), request.headers()).await, Err(HttpError::NotFound));
    let mut response = if missing {
        // The page itself, not that the browser has it already.
        request.headers_mut().remove(header::IF_NONE_MATCH);
        request.headers_mut().remove(header::IF_MODIFIED_SINCE);
        let response = next.run(request).await;
        if response.status() == StatusCode::OK { not_there(response) } else { response }
    } else {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let address = request.extensions().get::<Asked>().map(|asked| asked.address).filter(|_| is_read);
        match preview(&desk, linked, address).await {
            Some(Preview { head, .. }) => return with_head(&head, request, next).await,
            None => next.run(request).await,
        }
    };
    let (name, value) = NOT_FOUND_BY_SEARCH;
    response.headers_mut().insert(name, value);
    response
}

/// What a link to a page tells; `None` where that is nothing, or nothing in time.
async fn preview(desk: &Desk, linked: Linked<'_>, address: Option<Address>) -> Option<Preview> {
    let told = Box::pin(desk.previews().of(address?, linked));
    tokio::time::timeout(HEAD_WAITS, told).await.ok()?.ok()
}

/// The page with a head of its own, under a name of its own.
async fn with_head(head: &Head, mut request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    // All of it as it is: what is made of it is compressed, and compared with what the browser has.
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::ACCEPT_ENCODING, header::RANGE] {
        request.headers_mut().remove(name);
    }
    // Its body is left out by who answers.
    *request.method_mut() = Method::GET;
    let (mut parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK {
        return Response::from_parts(parts, body);
    }
    let Ok(page) = axum::body::to_bytes(body, PAGE_BYTES_MAX).await else {
        return HttpError::Internal.into_response();
    };
    let page = head.put_into(&String::from_utf8_lossy(&page));
    let name = etag::name(page.as_bytes());
    // As files have it: it names the page, however that is compressed.
    let name = name.trim_start_matches("W/");
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Ok(name) = HeaderValue::from_str(name) {
        parts.headers.insert(header::ETAG, name);
    }
    if !head.is_found() {
        let (name, value) = NOT_FOUND_BY_SEARCH;
        parts.headers.insert(name, value);
    }
    if etag::has_it(&asked, name) {
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, axum::body::Body::empty());
    }
    parts.headers.insert(header::CONTENT_LENGTH, page.len().into());
    Response::from_parts(parts, page.into())
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
async fn look(desk: &Desk, linked: Linked<'_>, uri: &Uri, headers: &HeaderMap) -> Result<(), HttpError> {
    let query = axum::extract::Query::<TicketQuery>::try_from_uri(uri);
    let ticket = query.ok().and_then(|query| query.0.ticket);
    let (door, asker) = (desk.door(), desk.door().asker(headers, ticket.as_deref()).await?);
    match linked {
        Linked::Report(name) => door.report(name, &asker).await.map(drop),
        Linked::Raid(name) => door.raid(name, &asker).await.map(drop),
        Linked::Channel(name) => door.channel(name, &asker).await.map(drop),
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
