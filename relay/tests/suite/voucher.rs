//! A provider of the tests' own, on this machine: says who somebody is as it should, or as it is told not to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hmac::{Hmac, KeyInit as _, Mac as _};
use raidcast_relay::account::{ClientSecret, ProviderKind, ProviderSetting};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "relay of tests";
pub(crate) const SECRET: &str = "a secret: with signs %";

fn b64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// How an address answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answering {
    #[default]
    Well,
    Endless,
    Never,
    Elsewhere,
    Broken,
    Busy,
    /// For a day.
    LeftAlone,
    Nonsense,
}

impl Answering {
    /// In place of what is asked for.
    async fn instead(self) -> Option<Response> {
        Some(match self {
            Self::Well => return None,
            Self::Endless => {
                let piece = Bytes::from(vec![b' '; 16 * 1024]);
                let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
                Response::new(Body::from_stream(pieces))
            }
            Self::Never => std::future::pending().await,
            Self::Elsewhere => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1.5")]).into_response(),
            Self::LeftAlone => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "86400")]).into_response(),
            Self::Nonsense => "<html>Sign in to the network".into_response(),
        })
    }
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signing {
    /// With a key of elliptic curves that it publishes.
    #[default]
    Curve,
    /// With an RSA key that it publishes.
    Rsa,
    /// With a key of another, under a name that it publishes.
    Forged,
    /// With a key whose name nobody knows.
    Unknown,
    /// Not at all.
    Unsigned,
    /// As a secret, with what everybody knows.
    PublicKeyAsSecret,
}

/// Done to what is told.
#[derive(Clone)]
pub(crate) struct Change(Arc<dyn Fn(&mut Value) + Send + Sync>);

impl Change {
    pub(crate) fn to(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }
}

impl Default for Change {
    fn default() -> Self {
        Self::to(|_| ())
    }
}

/// What is not as it should be.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    pub(crate) discovery: Answering,
    pub(crate) keys: Answering,
    pub(crate) token: Answering,
    pub(crate) me: Answering,
    pub(crate) signing: Signing,
    /// Done to what it says of itself.
    pub(crate) metadata: Change,
    /// Done to what a token says.
    pub(crate) claims: Change,
    /// Done to what is answered for a code.
    pub(crate) answer: Change,
}

/// Somebody, as the provider knows him.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) subject: &'static str,
    pub(crate) name: &'static str,
}

struct Code {
    who: Known,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

struct Curve {
    kid: String,
    pair: EcdsaKeyPair,
}

impl Curve {
    fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { kid: kid.into(), pair }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]), "kid": self.kid,
            "alg": "ES256", "use": "sig",
        })
    }
}

struct Inner {
    url: String,
    faults: Mutex<Faults>,
    codes: Mutex<HashMap<String, Code>>,
    curve: Mutex<Curve>,
    rsa: RsaKeyPair,
    now_s: Mutex<Box<dyn Fn() -> i64 + Send>>,
    /// How often each was asked for: what it says of itself, keys, tokens.
    asked: [AtomicUsize; 3],
    given: AtomicUsize,
}

/// See the module's page.
pub(crate) struct Voucher {
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Voucher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Voucher {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let rsa = RsaKeyPair::from_pkcs8(include_bytes!("../keys/rsa-of-tests.pk8")).unwrap();
        let inner = Arc::new(Inner {
            url,
            faults: Mutex::default(),
            codes: Mutex::default(),
            curve: Mutex::new(Curve::new("first")),
            rsa,
            now_s: Mutex::new(Box::new(|| 1_790_000_000)),
            asked: Default::default(),
            given: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/api/oauth2/token", post(discord_token))
            .route("/api/v10/users/@me", get(me))
            .with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.inner.url
    }

    /// As an operator writes it down.
    pub(crate) fn openid(&self, id: &str) -> ProviderSetting {
        Self::setting(id, ProviderKind::OpenId { issuer: self.inner.url.clone() })
    }

    /// The same, as Discord.
    pub(crate) fn discord(&self) -> ProviderSetting {
        Self::setting("discord", ProviderKind::Discord { base_url: self.inner.url.clone() })
    }

    fn setting(id: &str, kind: ProviderKind) -> ProviderSetting {
        let client_secret = ClientSecret::new(SECRET);
        ProviderSetting { id: id.into(), title: format!("Guild {id}"), kind, client_id: CLIENT.into(), client_secret }
    }

    /// From now on something is wrong, or nothing any more.
    pub(crate) fn set(&self, faults: Faults) {
        *self.inner.faults.lock().unwrap() = faults;
    }

    /// By its clock it is this time.
    pub(crate) fn at(&self, now_s: impl Fn() -> i64 + Send + 'static) {
        *self.inner.now_s.lock().unwrap() = Box::new(now_s);
    }

    /// It signs with another key, which it publishes in place of the one before.
    pub(crate) fn rotate(&self, kid: &str) {
        *self.inner.curve.lock().unwrap() = Curve::new(kid);
    }

    /// How often each was asked for: what it says of itself, keys, tokens.
    pub(crate) fn asked(&self) -> [usize; 3] {
        [0, 1, 2].map(|at| self.inner.asked[at].load(Ordering::Relaxed))
    }

    /// Somebody who was sent here says who he is: what his browser takes back.
    pub(crate) fn approve(&self, address: &str, who: &Known) -> Vec<(String, String)> {
        let (path, query) = address.split_once('?').unwrap();
        assert!(path.starts_with(&self.inner.url), "{address}");
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let is_discord = path.ends_with("/oauth2/authorize");
        let scope = if is_discord { "identify" } else { "openid profile" };
        for (name, value) in
            [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256"), ("scope", scope)]
        {
            assert_eq!(query[name], value, "{address}");
        }
        assert!(!address.contains(SECRET), "{address}");
        let code = format!("code-{}", self.inner.given.fetch_add(1, Ordering::Relaxed));
        let nonce = query.get("nonce").cloned().unwrap_or_default();
        let (challenge, redirect_uri) = (query["code_challenge"].clone(), query["redirect_uri"].clone());
        self.inner
            .codes
            .lock()
            .unwrap()
            .insert(code.clone(), Code { who: who.clone(), nonce, challenge, redirect_uri });
        let mut back = vec![("code".to_owned(), code), ("state".to_owned(), query["state"].clone())];
        if !is_discord {
            back.push(("iss".to_owned(), self.inner.url.clone()));
        }
        back
    }
}

impl Inner {
    fn faults(&self) -> Faults {
        self.faults.lock().unwrap().clone()
    }

    fn jwks(&self) -> Value {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let rsa = json!({"kty": "RSA", "n": b64(&public.n), "e": b64(&public.e), "kid": "rsa", "alg": "RS256"});
        json!({ "keys": [self.curve.lock().unwrap().jwk(), rsa] })
    }

    /// Takes a code, if it is good and who brings it began with it.
    fn redeem(&self, form: &HashMap<String, String>) -> Result<Code, Box<Response>> {
        let refused = || (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
        let refused = || Box::new(refused());
        let code =
            self.codes.lock().unwrap().remove(form.get("code").map_or("", String::as_str)).ok_or_else(refused)?;
        let challenge = b64(&Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
        let is_his = challenge == code.challenge && form.get("redirect_uri") == Some(&code.redirect_uri);
        if is_his && form.get("grant_type").is_some_and(|kind| kind == "authorization_code") {
            Ok(code)
        } else {
            Err(refused())
        }
    }

    fn sign(&self, signing: Signing, claims: &Value) -> String {
        let curve = self.curve.lock().unwrap();
        let (alg, kid) = match signing {
            Signing::Curve | Signing::Forged => ("ES256", curve.kid.as_str()),
            Signing::Unknown => ("ES256", "nobody knows it"),
            Signing::Rsa => ("RS256", "rsa"),
            Signing::Unsigned => ("none", curve.kid.as_str()),
            Signing::PublicKeyAsSecret => ("HS256", "rsa"),
        };
        let header = json!({"alg": alg, "kid": kid, "typ": "JWT"});
        let message = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
        let random = SystemRandom::new();
        let by = |pair: &EcdsaKeyPair| pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec();
        let signature = match signing {
            Signing::Curve | Signing::Unknown => by(&curve.pair),
            Signing::Forged => by(&Curve::new("other").pair),
            Signing::Unsigned => Vec::new(),
            Signing::Rsa => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Signing::PublicKeyAsSecret => {
                let mut mac = Hmac::<Sha256>::new_from_slice(self.rsa.public().as_ref()).unwrap();
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        format!("{message}.{}", b64(&signature))
    }
}

fn changed(mut value: Value, change: &Change) -> Value {
    (change.0)(&mut value);
    value
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Response {
    inner.asked[0].fetch_add(1, Ordering::Relaxed);
    let faults = inner.faults();
    if let Some(instead) = faults.discovery.instead().await {
        return instead;
    }
    let url = &inner.url;
    let metadata = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "authorization_response_iss_parameter_supported": true,
        "id_token_signing_alg_values_supported": ["none", "HS256", "ES256"],
    });
    Json(changed(metadata, &faults.metadata)).into_response()
}

async fn keys(State(inner): State<Arc<Inner>>) -> Response {
    inner.asked[1].fetch_add(1, Ordering::Relaxed);
    match inner.faults().keys.instead().await {
        Some(instead) => instead,
        None => Json(inner.jwks()).into_response(),
    }
}

fn form_of(body: &str) -> HashMap<String, String> {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    use base64::Engine as _;
    inner.asked[2].fetch_add(1, Ordering::Relaxed);
    let faults = inner.faults();
    if let Some(instead) = faults.token.instead().await {
        return instead;
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)));
    if headers.get(header::AUTHORIZATION).is_none_or(|held| *held != format!("Basic {expected}")) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let code = match inner.redeem(&form_of(&body)) {
        Ok(code) => code,
        Err(refused) => return *refused,
    };
    let now_s = inner.now_s.lock().unwrap()();
    let claims = json!({
        "iss": inner.url, "aud": CLIENT, "sub": code.who.subject, "nonce": code.nonce, "iat": now_s, "exp": now_s + 300,
        "auth_time": now_s - 10, "name": code.who.name, "email": "one@mail.example", "email_verified": true,
    });
    let id_token = inner.sign(faults.signing, &changed(claims, &faults.claims));
    let answer = json!({"access_token": "a", "token_type": "Bearer", "id_token": id_token});
    Json(changed(answer, &faults.answer)).into_response()
}

async fn discord_token(State(inner): State<Arc<Inner>>, body: String) -> Response {
    inner.asked[2].fetch_add(1, Ordering::Relaxed);
    let faults = inner.faults();
    if let Some(instead) = faults.token.instead().await {
        return instead;
    }
    let form = form_of(&body);
    let is_client = form.get("client_id").is_some_and(|id| id == CLIENT)
        && form.get("client_secret").is_some_and(|secret| secret == SECRET);
    if !is_client {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    match inner.redeem(&form) {
        Ok(code) => {
            let access_token = format!("{}|{}", code.who.subject, b64(code.who.name.as_bytes()));
            let answer = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 604_800});
            Json(changed(answer, &faults.answer)).into_response()
        }
        Err(refused) => *refused,
    }
}

async fn me(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    use base64::Engine as _;
    let faults = inner.faults();
    if let Some(instead) = faults.me.instead().await {
        return instead;
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(header("user-agent").starts_with("DiscordBot (http"), "{headers:?}");
    let Some((subject, name)) = header("authorization").strip_prefix("Bearer ").and_then(|token| token.split_once('|'))
    else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let name = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(name).unwrap();
    let user = json!({
        "id": subject, "username": "a.username", "global_name": String::from_utf8(name).unwrap(), "avatar": null,
    });
    Json(changed(user, &faults.claims)).into_response()
}
