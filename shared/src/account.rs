//! What the API says of people, their sessions and keys.

use serde::{Deserialize, Deserializer, Serialize};

use crate::uplink::Visibility;

/// A number as JSON writes it: 2.0 is a whole one, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Float(f64),
}

impl Number {
    fn whole<T: TryFrom<i64>, E: serde::de::Error>(self) -> Result<T, E> {
        let whole = match self {
            Self::Whole(whole) => Some(whole),
            // Up to where each whole number is one of these.
            Self::Float(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => Some(float as i64),
            Self::Float(_) => None,
        };
        let fits = whole.and_then(|whole| T::try_from(whole).ok());
        fits.ok_or_else(|| E::custom("must be a whole number that is not too large"))
    }
}

fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    Number::deserialize(deserializer)?.whole()
}

fn whole_if_any<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Number::deserialize(deserializer)?.whole().map(Some)
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send fights: stream them, and upload them whole.
    Upload,
    /// See what its account keeps private.
    Read,
    /// Renew the links of private raids, and delete fights and raids.
    Manage,
}

/// What somebody may do beside what everybody may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Nothing.
    #[default]
    Member,
    /// See to the relay: who is invited, and what is removed.
    Administrator,
}

/// What is noted of who changed what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Audited {
    /// A fight was deleted; about its account.
    FightDeleted,
    /// A raid was deleted; about its account.
    RaidDeleted,
    /// A raid was deleted because it was as old as raids may get; about its account.
    RaidExpired,
    /// A raid is to stay however old it gets; about its account.
    RaidPinned,
    /// A raid is to stay no more; about its account.
    RaidUnpinned,
    /// Somebody deleted himself; about him.
    PersonLeft,
    /// An administrator deleted somebody; about him.
    PersonRemoved,
    /// Somebody was given all that is held about him; about him.
    PersonExported,
    /// An account was taken over that nobody held; about it.
    AccountClaimed,
    /// An invitation was made.
    InvitationMade,
    /// An invitation was taken back.
    InvitationTakenBack,
    /// A key was made; about its account.
    KeyMade,
    /// A key was ended; about its account.
    KeyRevoked,
    /// A request for removal was closed.
    RemovalClosed,
    /// A link to a raid or a channel was made; about its account.
    LinkMade,
    /// Such a link was ended; about its account.
    LinkRevoked,
    /// It was changed who may see a raid or its reports; about its account.
    RaidShown,
    /// A character was proved to be somebody's; about him.
    CharacterProved,
    /// An administrator did not believe a claim; about who made it.
    ClaimRefused,
    /// A player is shown by name to nobody; about whose character it is, where it is his wish.
    PlayerHidden,
    /// A player is shown again; about whose character it is, where it is his wish.
    PlayerShown,
    /// Somebody agreed to be shown where only those are who agreed; about him.
    PlayerAgreed,
    /// Somebody agrees no more; about him.
    PlayerDisagreed,
    /// The title of a raid was cleared for good; about its account.
    TitleCleared,
    /// Somebody was given all that is held about a player; about whose character it is, if it is somebody's.
    PlayerExported,
    /// Nights are told of in a chat from now on; about their account.
    WebhookSet,
    /// Nights are told of there no more; about their account.
    WebhookRemoved,
    /// An administrator looked at what would be hidden of a player, and whether he is; about whose character it is, if it is
    /// somebody's.
    PlayerLookedAt,
}

impl Audited {
    /// Whether a note of it is about a person; else it is about an account, or about none.
    pub fn is_about_person(self) -> bool {
        match self {
            Self::PersonLeft
            | Self::PersonRemoved
            | Self::PersonExported
            | Self::CharacterProved
            | Self::ClaimRefused
            | Self::PlayerHidden
            | Self::PlayerShown
            | Self::PlayerAgreed
            | Self::PlayerDisagreed
            | Self::PlayerExported
            | Self::PlayerLookedAt => true,
            Self::FightDeleted
            | Self::RaidDeleted
            | Self::RaidExpired
            | Self::RaidPinned
            | Self::RaidUnpinned
            | Self::AccountClaimed
            | Self::InvitationMade
            | Self::InvitationTakenBack
            | Self::KeyMade
            | Self::KeyRevoked
            | Self::RemovalClosed
            | Self::LinkMade
            | Self::LinkRevoked
            | Self::RaidShown
            | Self::TitleCleared
            | Self::WebhookSet
            | Self::WebhookRemoved => false,
        }
    }
}

/// Who may join a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever was invited.
    #[default]
    Invitation,
    /// Nobody, but for the first administrator.
    Closed,
}

/// How people sign in: `GET /api/v1/sign-in`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignInWays {
    /// Who may join.
    pub registration: Registration,
    /// Who else says who somebody is, beside a password.
    pub providers: Vec<ProviderLine>,
}

/// Somebody else who says who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderLine {
    /// Names it in this API.
    pub id: String,
    /// What people call it.
    pub title: String,
}

/// For what somebody goes to a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Errand {
    /// To sign in, or to join.
    #[default]
    Enter,
    /// To sign in anew, so that he may make secrets: the provider is asked to make sure that it is he.
    Again,
    /// To be able to sign in so, too, from now on.
    Add,
}

/// Begins a sign-in by a provider: `POST /api/v1/sign-in/{provider}`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderForm {
    /// What for.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errand: Errand,
    /// The secret of an invitation, where one is needed to join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub invitation: Option<String>,
    /// The page to which he wants to go afterwards: an address of this relay, without its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub next: Option<String>,
}

/// Where a browser goes to a provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderTrip {
    /// The provider's address. It is good once, for ten minutes, in this browser.
    pub url: String,
}

/// Why a browser that comes from a provider is not let in: `fault` in the address of the page to which it is led.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignInFault {
    /// It began too long ago, or was used already, or never began here.
    Ended,
    /// It began in another browser.
    OtherBrowser,
    /// What came back is another provider's.
    OtherProvider,
    /// He, or the provider, said no.
    Denied,
    /// The provider does not answer.
    ProviderDown,
    /// The provider is asked too often now; `wait` beside it says for how many seconds it is left alone.
    ProviderBusy,
    /// What the provider says is not as it must be. Why stands in the relay's log.
    ProviderWrong,
    /// He has not joined, and that takes an invitation that is good.
    NotInvited,
    /// He has not joined, and nobody can now.
    JoiningClosed,
    /// Who was to add a way to sign in is not signed in any more, or long ago.
    SignInAgain,
    /// Another way of the same provider is his.
    HasAnother,
    /// Somebody else signs in so.
    SomebodyElses,
    /// The relay is asked too often, or its database does not answer.
    Busy,
    /// Too many sign-ins of his address did not work lately; `wait` beside it says for how many seconds he waits.
    TooOften,
}

/// Somebody whom a provider knows, and who has not joined yet: `GET /api/v1/newcomer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Newcomer {
    /// The provider.
    pub provider: ProviderLine,
    /// A name that he may want; empty if the provider told none that can be one.
    pub name: String,
}

/// How he joins: `POST /api/v1/newcomer`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewcomerForm {
    /// His name, which nobody else has: 2 to 32 characters.
    pub name: String,
}

/// A way in which somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WayLine {
    /// The provider; `null` is the password.
    pub provider: Option<ProviderLine>,
    /// Whether he can sign in so: a provider that is not in the configuration any more lets nobody in.
    pub works: bool,
    /// Whether he may remove it: not the password, and not the last that works.
    pub removable: bool,
}

/// How somebody signs in: `GET /api/v1/me/ways`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WayList {
    /// Each of them.
    pub ways: Vec<WayLine>,
    /// The providers that he may add.
    pub addable: Vec<ProviderLine>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// His name.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// When he signed in, Unix ms.
    pub signed_in_at_ms: i64,
    /// Until when he may make keys and change his password without signing in again, Unix ms.
    pub fresh_until_ms: i64,
    /// His accounts: his own first.
    pub accounts: Vec<MyAccount>,
}

/// An account of somebody's: under it his keys upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MyAccount {
    /// Names it in this API.
    pub id: i64,
    /// The name that it has in the relay's configuration; `null` for his own.
    pub name: Option<String>,
    /// The page that always shows its present raid.
    pub channel_url: String,
}

/// How somebody signs in: `POST /api/v1/session`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInForm {
    /// His name; capital letters do not matter.
    pub name: String,
    /// His password.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
}

/// How somebody joins: `POST /api/v1/people`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinForm {
    /// His name, which nobody else has: 2 to 32 characters.
    pub name: String,
    /// His password: 10 characters at the least.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
    /// The secret of an invitation, where one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub invitation: Option<String>,
}

/// Asks whether an invitation is good: `POST /api/v1/invitation`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationLook {
    /// Its secret.
    pub invitation: String,
}

/// A new password: `PUT /api/v1/me/password`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordForm {
    /// The one that is good now.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub old: String,
    /// The new one: 10 characters at the least.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub new: String,
}

/// A browser that somebody is signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionLine {
    /// Names it in this API.
    pub id: i64,
    /// What the browser called itself.
    pub agent: String,
    /// When he signed in, Unix ms.
    pub created_at_ms: i64,
    /// When it was used last, to the hour, Unix ms.
    pub used_at_ms: i64,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// A key that is to be made: `POST /api/v1/me/keys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyForm {
    /// What its owner calls it: 1 to 64 characters.
    pub name: String,
    /// What it may do: one at the least.
    pub scopes: Vec<Scope>,
    /// The account under which it uploads; without it his own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_if_any")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub account: Option<i64>,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub visibility: Visibility,
    /// How many new fights it may upload over HTTP within a day, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_if_any")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1))]
    pub uploads_per_day: Option<u32>,
    /// After so many days it is good for nothing: 1 to 3,650; without it it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_if_any")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 3650))]
    pub days: Option<u32>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyLine {
    /// Names it in this API.
    pub id: i64,
    /// The account under which it uploads.
    pub account: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Who may see what it uploads over HTTP, where the request does not say so.
    pub visibility: Visibility,
    /// How many new fights it may upload over HTTP within a day; `null` if that is not limited.
    pub uploads_per_day: Option<u32>,
    /// When it was made, Unix ms.
    pub created_at_ms: i64,
    /// From when it is good for nothing, Unix ms; `null` if it has no end.
    pub ends_at_ms: Option<i64>,
    /// When it was used last, to the minute, Unix ms; `null` if it was not.
    pub used_at_ms: Option<i64>,
}

/// A key that was made. This is the only time that it is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// The key itself. The relay does not keep it.
    pub secret: String,
    /// What it is.
    #[serde(flatten)]
    pub key: KeyLine,
}

/// How a key is replaced: `POST /api/v1/me/keys/{id}/rotation`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotationForm {
    /// For so many hours the old key stays good: 0 to 720.
    #[cfg_attr(feature = "openapi", schema(maximum = 720))]
    #[serde(deserialize_with = "whole")]
    pub overlap_hours: u32,
}

/// An invitation that is to be made: `POST /api/v1/invitations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationForm {
    /// What who comes by it may do.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub role: Role,
    /// For whom it is, for whoever reads the list: at most 64 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub note: String,
    /// So many people may come by it: 1 to 1,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    #[serde(deserialize_with = "whole")]
    pub uses: u32,
    /// For so many days it is good: 1 to 365.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    #[serde(deserialize_with = "whole")]
    pub days: u32,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvitationLine {
    /// Names it in this API. Nobody joins by it.
    pub id: String,
    /// What who comes by it may do.
    pub role: Role,
    /// For whom it is.
    pub note: String,
    /// So many may still come by it.
    pub left: u32,
    /// When it was made, Unix ms.
    pub created_at_ms: i64,
    /// From when it is good for nothing, Unix ms.
    pub ends_at_ms: i64,
}

/// An invitation that was made. This is the only time that its link is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// The link by which people join.
    pub url: String,
    /// What it is.
    #[serde(flatten)]
    pub invitation: InvitationLine,
}

/// Where somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionList {
    /// Each of them.
    pub sessions: Vec<SessionLine>,
}

/// Somebody's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyList {
    /// Each of them.
    pub keys: Vec<KeyLine>,
}

/// Invitations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvitationList {
    /// Each of them.
    pub invitations: Vec<InvitationLine>,
}

/// What a program that is to be paired is told: `POST /api/v1/device/code`, as RFC 8628 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceCode {
    /// The program's own code: it asks by this whether it was let in.
    pub device_code: String,
    /// The code that somebody types.
    pub user_code: String,
    /// Where he types it.
    pub verification_uri: String,
    /// For so many seconds both are good.
    pub expires_in: u32,
    /// The program asks every so many seconds.
    pub interval: u32,
}

/// The key of a program that was let in: `POST /api/v1/device/token`. This is the only time that it is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceToken {
    /// The key. It goes into the header `X-API-Key`.
    pub access_token: String,
    /// Always `api_key`.
    pub token_type: String,
    /// What it may do: names with spaces between.
    pub scope: String,
    /// Whose it is.
    pub name: String,
}

/// Why a program has no key, or none yet, as RFC 8628 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceError {
    /// For programs: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_request`,
    /// `unsupported_grant_type`.
    pub error: String,
    /// For people.
    pub error_description: String,
    /// The same as `error`, as all errors of this API have it.
    pub code: String,
    /// The same as `error_description`.
    pub message: String,
}

/// A program that waits to be let in: `GET /api/v1/pairings/{code}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceLine {
    /// What it calls itself.
    pub name: String,
    /// The address from which it asks.
    pub address: String,
    /// Whether that is the address from which this is asked.
    pub is_here: bool,
    /// When it asked, Unix ms.
    pub asked_at_ms: i64,
    /// What its key is to do.
    pub scopes: Vec<Scope>,
}

/// Whether a program is let in: `POST /api/v1/pairings/{code}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceForm {
    /// Yes or no.
    pub approve: bool,
    /// The account under which it uploads; without it his own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_if_any")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub account: Option<i64>,
}

/// Accounts of keys that stand in the relay's configuration, and that nobody holds: `GET /api/v1/accounts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountList {
    /// Each of them.
    pub accounts: Vec<MyAccount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_json_writes_them() {
        let form = |text: &str| serde_json::from_str::<InvitationForm>(text).map(|form| (form.uses, form.days));
        assert_eq!(form(r#"{"uses": 5.0, "days": 7e0}"#).unwrap(), (5, 7));
        for odd in [r#"{"uses": 5.5, "days": 7}"#, r#"{"uses": -1, "days": 7}"#, r#"{"uses": 1e300, "days": 7}"#] {
            assert!(form(odd).is_err(), "{odd}");
        }
        assert!(form(r#"{"uses": 5}"#).is_err() && form(r#"{"uses": null, "days": 7}"#).is_err());
        let key = |text: &str| serde_json::from_str::<KeyForm>(text).map(|form| (form.account, form.days));
        assert_eq!(key(r#"{"name": "a", "scopes": ["read"]}"#).unwrap(), (None, None));
        assert_eq!(key(r#"{"name": "a", "scopes": [], "account": 3.0, "days": 30}"#).unwrap(), (Some(3), Some(30)));
        assert!(key(r#"{"name": "a", "scopes": [], "days": "30"}"#).is_err());
    }
}
