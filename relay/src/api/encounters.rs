//! `POST /api/v1/encounters`, and `GET /api/v1/encounters/{reportId}`: an encounter in the form of uploads.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use raidcast_ingest::encounters::ClientId;
use raidcast_shared::form::FormEncounter;
use raidcast_shared::report::ApiError;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

use super::uploads::{uploader, with_allowance};
use crate::access::Uploader;
use crate::desk::Desk;
use crate::edge::{Asked, drain};
use crate::error::HttpError;
use crate::extract::{Path, Query};
use crate::ingest::{Kept, Taken};
use crate::openapi::{Forbidden, IfNoneMatch, NoTimes, NotFound, Unchanged, Unsigned, UnsupportedMedia};

/// `?visibility=&names=`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Who may see the reports; otherwise what the key's configuration says, else `unlisted`.
    #[param(required = false, value_type = Visibility, inline)]
    visibility: Option<Visibility>,
    /// Which names those see who are no members: `full`, `class` (class and number) or `hidden`.
    #[param(required = false, value_type = NamesPolicy, inline, default = "full")]
    names: Option<NamesPolicy>,
}

/// `?timelines=&ticket=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EncounterQuery {
    /// Whether each skill has its hits.
    #[param(required = false, value_type = bool, default = false)]
    timelines: Option<String>,
    /// Of a private raid's link.
    #[param(required = false, value_type = String)]
    ticket: Option<String>,
}

/// A report in the form in which whole fights are uploaded.
///
/// With `timelines=true` each skill has its hits: 10,000 at the most, and all of them together 100,000.
#[utoipa::path(
    get, path = "/api/v1/encounters/{reportId}", operation_id = "encounter", tag = "Reading",
    params(("reportId" = String, Path, description = "Names the report."), EncounterQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The encounter.", body = FormEncounter, headers(("ETag"))),
        Unchanged, NotFound, NoTimes
    ),
    security((), ("key" = []))
)]
pub async fn encounter(
    State(desk): State<Desk>,
    Path(report_id): Path<String>,
    Query(query): Query<EncounterQuery>,
    Extension(visit): Extension<Asked>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let hits = match query.timelines.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(HttpError::BadRequest("`timelines` must be true or false".into())),
    };
    let asker = desk.door().asker(&headers, query.ticket.as_deref()).await?;
    let (report, record) = desk.door().report(&report_id, &asker).await?;
    let body = desk.answers().encounter(visit.address, &report, record, hits).await?;
    desk.door().still(&asker, &report).await?;
    Ok(body.respond(&headers))
}

/// As the uploader sent it.
fn client_id() -> Schema {
    let kind = |kind| ObjectBuilder::new().schema_type(kind).build();
    Schema::OneOf(OneOfBuilder::new().item(kind(Type::Integer)).item(kind(Type::String)).build())
}

/// An encounter that is here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    /// As it was sent.
    #[schema(schema_with = client_id)]
    encounter_id: ClientId,
    report_id: String,
    /// With its ticket, where the report is private and the key may read.
    report_url: String,
    /// When the encounter came first, Unix ms; whole seconds.
    created_at: i64,
    state: ReceiptState,
    /// Whether the report holds a reading that came with a good signature.
    verified: bool,
    checksum: Checksum,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReceiptState {
    /// The report is complete.
    Ready,
    /// It is not: the fight goes on, or may.
    Processing,
}

/// Of an upload.
#[derive(Debug, Serialize, ToSchema)]
struct Checksum {
    /// As it was sent, if one was.
    client: Option<String>,
    /// What it is by the definition of this relay.
    relay: String,
    /// Whether both are the same; null where none was sent.
    matches: Option<bool>,
}

/// Of each encounter of a list, in its order.
#[derive(Debug, Serialize, ToSchema)]
struct Results {
    results: Vec<UploadResult>,
}

/// What became of one encounter of several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum UploadResult {
    /// It is here.
    Here {
        /// As if it had been sent alone.
        status: u16,
        #[serde(flatten)]
        receipt: Receipt,
    },
    /// It is not.
    #[serde(rename_all = "camelCase")]
    Refused {
        status: u16,
        error: ApiError,
        /// Seconds, where the same may be sent again later.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        retry_after: Option<u32>,
    },
}

/// What a request may be signed with.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what is read of the headers")]
struct Signature {
    /// Shows that the request comes from who has the key's signing secret: `t=` a time, `v1=` an HMAC-SHA256
    /// (`docs/api.md` in Raidcast's source code, "Signed uploads").
    #[param(rename = "X-Raidcast-Signature", required = false, value_type = String)]
    signature: (),
}

/// Answers of both kinds.
#[derive(ToSchema)]
#[schema(as = UploadAnswer)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes what `upload` answers")]
enum Answered {
    One(Receipt),
    Several(Results),
}

/// Uploads an encounter, or several.
///
/// Each is kept once, however often it comes; the answer says of each where its report is, or why there is none. It comes
/// when the reports are on disk, which may take up to 175 seconds where many upload at once. The body may be packed
/// (`Content-Encoding: gzip` or `zstd`); it has 64 MiB at most, as it is sent and unpacked.
#[utoipa::path(
    post, path = "/api/v1/encounters", operation_id = "uploadEncounters", tag = "Uploading",
    params(UploadQuery, Signature),
    request_body(content = ref("#/components/schemas/EncounterUpload"), content_type = "application/json"),
    responses(
        (
            status = 200, description = "One that was here before, or a result for each of several.",
            body = Answered, headers(("RateLimit-Policy"), ("RateLimit"))
        ),
        (
            status = 201, description = "One that is new here.",
            body = Receipt, headers(("RateLimit-Policy"), ("RateLimit"))
        ),
        Unsigned, Forbidden, UnsupportedMedia
    ),
    security(("key" = ["upload"]))
)]
pub async fn upload(
    State(desk): State<Desk>,
    query: Result<Query<UploadQuery>, HttpError>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let (uploader, body) = uploader(&desk, &headers, body).await?;
    let answer = answer(&desk, &uploader, query, headers, body).await;
    Ok(with_allowance(&desk, &uploader, answer).await)
}

async fn answer(
    desk: &Desk,
    uploader: &Uploader,
    query: Result<Query<UploadQuery>, HttpError>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let Query(UploadQuery { visibility, names }) = match query {
        Ok(query) => query,
        Err(error) => {
            drain(body).await;
            return Err(error);
        }
    };
    let proof = match desk.door().proof(&headers, uploader) {
        Ok(proof) => proof,
        Err(error) => {
            drain(body).await;
            return Err(error);
        }
    };
    let uploader = uploader.clone().showing(visibility, names);
    let Taken { encounters, is_batch } = desk.ingest().encounters(uploader, headers, proof, body).await?;
    let mut answers = encounters.into_iter().map(|taken| taken.map(receipt));
    if !is_batch && let Some(answer) = answers.next() {
        let (status, receipt) = answer?;
        return Ok((status, Json(receipt)).into_response());
    }
    let results = answers.map(|answer| match answer {
        Ok((status, receipt)) => UploadResult::Here { status: status.as_u16(), receipt },
        Err(error) => {
            UploadResult::Refused { status: error.status().as_u16(), error: error.told(), retry_after: error.retry_s() }
        }
    });
    Ok(Json(Results { results: results.collect() }).into_response())
}

fn receipt(kept: Kept) -> (StatusCode, Receipt) {
    let Kept { client_id, report_id, report_url, created_at_ms, is_new, is_complete, is_verified, checksum } = kept;
    let receipt = Receipt {
        encounter_id: client_id,
        report_id,
        report_url,
        created_at: created_at_ms.div_euclid(1_000) * 1_000,
        state: if is_complete { ReceiptState::Ready } else { ReceiptState::Processing },
        verified: is_verified,
        checksum: Checksum { matches: checksum.matches(), client: checksum.client, relay: checksum.relay },
    };
    (if is_new { StatusCode::CREATED } else { StatusCode::OK }, receipt)
}
