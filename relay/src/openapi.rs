//! What the API says of itself: OpenAPI 3.1, of the routes that the router is made of.
//!
//! One invariant: a route under [`crate::router`] that answers JSON is described where its handler stands, and nothing else
//! is. What all operations have in common is added here, once: what the gate and the layers around all handlers answer,
//! and the headers of every answer. Deliberately not here: WebSockets, which `shared/PROTOCOL.md` defines.

mod answers;

use raidcast_shared::account::SignInFault;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

pub(crate) use self::answers::{
    Conflict, ForAdministrators, Forbidden, ForeignPage, NoTimes, NotFound, NotInvited, SignInAgain, SignedOut, Taken,
    Unauthorized, Unchanged, Unsigned, UnsupportedMedia, WrongSignIn,
};
use self::answers::{SHARED, header_components, headers};
use crate::limits::PROFILES_MAX;

/// Begins the description, before its operations.
const INTRODUCTION: &str = "\
Everything that Raidcast's own pages show comes from here. Reading needs no key. A page of another site may ask, too, \
unless the operator lists the sites that may.

Times whose names end in `AtMs` are Unix time in milliseconds; other times are milliseconds since the fight began. Amounts \
are the game's hit points; amounts, counts and times stay below 2^53. `null` means that the meter cannot know this. It never \
means 0. New fields can be added at any time: ignore what you do not know.

Errors are `{\"code\": …, \"message\": …}`: the message is for people, the code for programs. A method that an address \
does not take is answered 405 with `Allow`, and an address that is not here 404. Only a request that is no HTTP, or whose \
head is far too long, is refused with 400, 414 or 431 and no body.

Not described here are the WebSockets: `/api/v1/raids/{code}/feed` and `/api/v1/live/{channel}/feed` show fights while they \
happen, and `/api/v1/uplink` takes them. Both are defined in Raidcast's source code, in \
`shared/PROTOCOL.md`, with examples in `docs/api.md`: whoever runs this relay can tell where to get it.";

/// A fight that is uploaded.
const EXAMPLE: &str = include_str!("../../docs/examples/fight.json");

/// Names the security scheme of programs.
const KEY: &str = "key";
/// Names that of people.
const SESSION: &str = "session";

/// `If-None-Match`, of answers that have an `ETag`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what handlers read of the headers")]
pub(crate) struct IfNoneMatch {
    /// Names of answers that the asker has, as their `ETag` told them: where one of them is still the same, the answer is
    /// 304 without a body.
    #[param(rename = "If-None-Match", required = false, value_type = String)]
    if_none_match: (),
}

/// The description without operations.
pub(crate) fn begun() -> OpenApi {
    let tag = |name: &str, text: &str| -> Tag { TagBuilder::new().name(name).description(Some(text)).build() };
    let key = ApiKeyValue::with_description(
        "X-API-Key",
        "A key of the relay's operator. It may do what its scopes say: `read` what its account keeps private, `upload`, \
         `manage` its raids.",
    );
    let session = ApiKeyValue::with_description(
        "__Host-raidcast",
        "Whoever signed in on a page of the relay. Over plain HTTP in a local network it is called `raidcast`. What \
         changes anything is taken from pages of the relay alone.",
    );
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Raidcast")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(INTRODUCTION))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build())),
        )
        .tags(Some([
            tag("Reading", "Reports, raids and their figures."),
            tag("Uploading", "Whole fights, from programs of any kind."),
            tag("Meters", "What meters call that upload by themselves."),
            tag("Managing", "What uploaders change."),
            tag("People", "Who signs in, and what is his: sessions, keys, password."),
            tag("Administration", "What administrators of the relay see to."),
            tag("Relay", "How the relay is, and what it says of itself."),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                // It stands in addresses of pages alone.
                .schema_from::<SignInFault>()
                .security_scheme(KEY, SecurityScheme::ApiKey(ApiKey::Header(key)))
                .security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session)))
                .build(),
        ))
        .build()
}

/// The description of these operations, whole.
pub(crate) fn whole(described: &OpenApi) -> Value {
    let mut whole = serde_json::to_value(described).expect("a description is JSON");
    let components = &mut whole["components"];
    components["headers"] = header_components();
    components["responses"] = SHARED.iter().map(|shared| (shared.name.to_owned(), shared.value())).collect();
    for schema in objects(&mut components["schemas"]) {
        require_what_is_null(schema);
    }
    for (name, schema) in raidcast_ingest::schema::all(PROFILES_MAX) {
        components["schemas"][name] = schema;
    }
    for (path, item) in members(&mut whole["paths"]) {
        for (_, operation) in members(item) {
            finish(path, operation);
        }
    }
    let upload = &mut whole["paths"]["/api/v1/encounters"]["post"]["requestBody"]["content"]["application/json"];
    upload["example"] = serde_json::from_str(EXAMPLE).expect("the example is JSON");
    say_unsigned(&mut whole);
    whole
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

fn objects(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    members(value).map(|(_, value)| value)
}

/// A field of an answer that may be null is always there.
fn require_what_is_null(schema: &mut Value) {
    for kind in ["allOf", "anyOf", "oneOf"] {
        schema.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten().for_each(require_what_is_null);
    }
    let may_be_null = |schema: &Value| {
        let is_null = |kind: &Value| kind == "null";
        let kinds = schema["type"].as_array();
        let others = schema["oneOf"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(is_null))
            || others.is_some_and(|others| others.iter().any(|other| is_null(&other["type"])))
    };
    let Some(properties) = schema["properties"].as_object() else { return };
    let is_required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|held| held == name));
    let required: Vec<Value> = properties
        .iter()
        .filter(|(name, property)| is_required(name) || may_be_null(property))
        .map(|(name, _)| name.as_str().into())
        .collect();
    if !required.is_empty() {
        schema["required"] = required.into();
    }
}

/// Numbers without a sign are called so: `int32` would end at the half of them.
fn say_unsigned(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let is_unsigned = object.get("minimum").and_then(Value::as_i64).is_some_and(|least| least >= 0);
            if is_unsigned && object.get("format").is_some_and(|format| format == "int32") {
                object.insert("format".to_owned(), "uint32".into());
            }
            object.values_mut().for_each(say_unsigned);
        }
        Value::Array(list) => list.iter_mut().for_each(say_unsigned),
        _ => {}
    }
}

/// Adds what every operation may be answered, and every answer's headers.
fn finish(path: &str, operation: &mut Value) {
    let takes_anything = operation.get("parameters").is_some() || operation.get("requestBody").is_some();
    // Uploads have times of their own, and answer 503 when they are over.
    let is_upload = operation["tags"] == json!(["Uploading"]) || path.starts_with("/api/v1/upload");
    if let Some(body) = operation.get_mut("requestBody") {
        body["required"] = true.into();
    }
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for shared in SHARED {
        let is_common = match shared.name {
            "BadRequest" => takes_anything,
            "Timeout" => !is_upload,
            "TooLarge" | "TooMany" | "HeadTooLarge" | "Internal" | "Unavailable" => true,
            _ => false,
        };
        if is_common {
            let named = json!({ "$ref": format!("#/components/responses/{}", shared.name) });
            answers.entry(shared.status).or_insert(named);
        }
    }
    for answer in answers.values_mut().filter(|answer| answer.get("$ref").is_none()) {
        let own: Vec<_> = members(&mut answer["headers"]).map(|(name, _)| name.clone()).collect();
        answer["headers"] = headers(&own.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
