//! What the API says of characters: whose they are, how that is proved, and how they are shown.
//!
//! One invariant: nothing here tells whether a character that somebody claims exists, nor what leads to it.

use serde::{Deserialize, Deserializer, Serialize};

/// How somebody proves that a character is his.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProofWay {
    /// A code in its name, in a fight that somebody else uploads.
    Code,
    /// The word of somebody who holds an account under which a fight of its was uploaded.
    Officer,
    /// An administrator's word.
    Administrator,
}

impl ProofWay {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Code, Self::Officer, Self::Administrator];

    /// As configurations say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Officer => "officer",
            Self::Administrator => "administrator",
        }
    }
}

/// What somebody says is his: `POST /api/v1/me/claims`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimForm {
    /// The character: its number in the game, or `playerKey` of a report that names it.
    pub player: String,
    /// What he calls it, for himself and for who is to confirm it: 1 to 64 characters.
    pub called: String,
    /// How he will prove it.
    pub way: ProofWay,
}

/// A claim that is open. Whether there is such a character, nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimLine {
    /// Names it in this API.
    pub id: i64,
    /// What he calls the character.
    pub called: String,
    /// How it is to be proved.
    pub way: ProofWay,
    /// What the character's name has to contain; `null` where it is proved otherwise.
    pub code: Option<String>,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// A character that is his.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CharacterLine {
    /// Names it in this API.
    pub id: i64,
    /// What he calls it.
    pub called: String,
    /// How it was proved.
    pub way: ProofWay,
    /// When, Unix ms.
    pub proved_at_ms: i64,
    /// Whether it is shown by name to nobody.
    pub hidden: bool,
    /// Whether it is shown by name where only those are who agreed.
    pub agrees: bool,
}

/// One's own characters: `GET /api/v1/me/characters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MyCharacters {
    /// How characters are proved here.
    pub ways: Vec<ProofWay>,
    /// Claims that are open, the oldest first.
    pub claims: Vec<ClaimLine>,
    /// What was proved, the oldest first.
    pub characters: Vec<CharacterLine>,
}

/// How a character is to be shown from now on: `PATCH /api/v1/me/characters/{id}`. What is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CharacterForm {
    /// By name to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub hidden: Option<bool>,
    /// By name where only those are who agreed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub agrees: Option<bool>,
}

/// What is there is true or false.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    bool::deserialize(deserializer).map(Some)
}

/// A claim that somebody else may confirm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenClaim {
    /// Names it in this API.
    pub id: i64,
    /// Who says that the character is his.
    pub by: String,
    /// What he calls it.
    pub called: String,
    /// What it is called in the fight of it that was begun last, of those that the reader may see; `null` where none is.
    pub name: Option<String>,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// Claims that somebody may confirm: `GET /api/v1/me/confirmations`, and `GET /api/v1/claims` for administrators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenClaims {
    /// The oldest come first.
    pub claims: Vec<OpenClaim>,
}

/// What an administrator decides of a player who wants to be hidden, or no more: `POST /api/v1/opt-outs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptOutForm {
    /// The player: his number in the game, or `playerKey` of a report that names him.
    pub player: String,
    /// Whether he is shown by name to nobody from now on.
    pub hidden: bool,
}
