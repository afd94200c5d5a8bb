//! Answers that many operations may give, by name: each is described once, and operations refer to it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{Ref, RefOr, Response};

/// What there is to say of one.
pub(super) struct Shared {
    pub(super) name: &'static str,
    pub(super) status: &'static str,
    text: &'static str,
    /// Headers besides those that every answer has.
    headers: &'static [&'static str],
    /// All but 304 have the body of an error.
    is_error: bool,
}

macro_rules! shared {
    ($($(#[$doc:meta])+ $name:ident: $status:literal, $text:literal, $headers:expr;)+) => {
        $(
            $(#[$doc])+
            #[allow(dead_code, reason = "some are added to all operations, and named by none")]
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    [($status.to_owned(), Ref::from_response_name(stringify!($name)).into())].into()
                }
            }
        )+

        /// All of them.
        pub(super) const SHARED: &[Shared] = &[$(Shared {
            name: stringify!($name),
            status: $status,
            text: $text,
            headers: $headers,
            is_error: !matches!($status.as_bytes(), b"304"),
        }),+];
    };
}

shared! {
    /// What the asker has already.
    Unchanged: "304", "What the asker has, by its `If-None-Match`, is still the same. No body.", &["ETag"];
    /// A parameter or a body that is not usable.
    BadRequest: "400", "`bad_request`: a parameter or the body is not as it must be. The message says which and why.", &[];
    /// No key.
    Unauthorized: "401", "`unauthorized`: no key was sent, or one that this relay does not know.", &[];
    /// No key, or a signature that is not good.
    Unsigned: "401", "`unauthorized`: no key was sent, or one that this relay does not know. `signature_…`: the \
        signature is not good, and nothing of the request is kept.", &[];
    /// A key without the scope.
    Forbidden: "403", "`forbidden`: the key lacks the scope that this needs. The message names it.", &[];
    /// Nobody is signed in.
    SignedOut: "401", "`signed_out`: nobody is signed in by this request's cookie.", &[];
    /// A wrong name or password.
    WrongSignIn: "401", "`wrong_sign_in`: the name or the password is wrong; which of both is not told. `signed_out`: \
        nobody is signed in.", &[];
    /// A request of another site's page.
    ForeignPage: "403", "`foreign_page`: the request does not come from a page of this relay.", &[];
    /// A session that is too old for this.
    SignInAgain: "403", "`sign_in_again`: this takes a sign-in of the last 15 minutes. `foreign_page`: the request does \
        not come from a page of this relay. `not_administrator`: it takes an administrator.", &[];
    /// What administrators do.
    ForAdministrators: "403", "`not_administrator`: it takes an administrator. `foreign_page`: the request does not come \
        from a page of this relay.", &[];
    /// No good invitation.
    NotInvited: "403", "`not_invited`: to join takes an invitation, and this is none, or good no more. `foreign_page`: \
        the request does not come from a page of this relay.", &[];
    /// A name that somebody has.
    Taken: "409", "`taken`: somebody has this name. `conflict`: what is there stands against it.", &[];
    /// What is there stands against it.
    Conflict: "409", "`conflict`: what is there stands against it. The message says what.", &[];
    /// Nothing, or nothing for the asker.
    NotFound: "404", "`not_found`: there is no such thing, or the asker may not see it. Which of both is not told.", &[];
    /// A part of a fight of which no part is known.
    NoTimes: "409", "`no_times`: when anything happened in this fight is not known, so no part of it can be shown.", &[];
    /// A body that is too long.
    TooLarge: "413", "`too_large`: the body is longer than it may be here. The message says how long it may be.", &[];
    /// A coding that is not read.
    UnsupportedMedia: "415", "`unsupported_media`: the body is packed in a way that is not read here.", &[];
    /// Too much for now.
    TooMany: "429", "`too_many`: a limit of the address or the key is reached. The message names it.", &["Retry-After"];
    /// A head that is too long.
    HeadTooLarge: "431", "`too_large`: the address and the headers of the request are too long.", &[];
    /// A defect, or something that cannot be read.
    Internal: "500", "`internal`: a defect of the relay. `set_aside`: what the relay holds of this cannot be read. The \
        operator finds the reason in the log.", &[];
    /// Not now.
    Unavailable: "503", "`unavailable`: the relay cannot now. Ask the same again later.", &["Retry-After"];
    /// Too slow.
    Timeout: "504", "`timeout`: the answer took too long.", &[];
}

impl Shared {
    pub(super) fn value(&self) -> Value {
        let mut response = json!({ "description": self.text, "headers": headers(self.headers) });
        if self.is_error {
            response["content"] =
                json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ApiError" } } });
        }
        response
    }
}

/// Headers that every answer has, and these.
pub(super) fn headers(others: &[&str]) -> Value {
    let all = ["X-API-Version", "X-Request-Id"].iter().chain(others);
    all.map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))).collect()
}

/// What answers' headers say, by their names.
pub(super) fn header_components() -> Value {
    let text = |description: &str, required: bool, example: &str| json!({ "description": description, "required": required, "schema": { "type": "string" }, "example": example });
    let mut all = json!({
        "X-API-Version": text("The version of the API, which is in its addresses, too.", true, "1"),
        "X-Request-Id": text(
            "Names the request in the relay's log. One that was sent (1 to 64 letters, digits and `-`) is kept.",
            true, "k3mvq8xw2nfe7abc"
        ),
        "ETag": text(
            "Names what the answer says: send it back in `If-None-Match`.",
            true, "W/\"0f343b0931126a20f133d67c2b018a3b\""
        ),
        "RateLimit-Policy": text(
            "What a key may do in a day, of the limit that is nearest to its end: `q` is all that there is, `w` the window \
             in seconds. It counts fights, or bytes where it says so.",
            false, "\"day\";q=3000;w=86400"
        ),
        "RateLimit": text(
            "What is left of that: `r`, and `t`, after how many seconds there is more.",
            false, "\"day\";r=2999;t=86400"
        ),
    });
    all["Retry-After"] = json!({
        "description": "After how many seconds the same may be asked again.",
        "required": true, "schema": { "type": "integer", "minimum": 1 }, "example": 10,
    });
    all
}
