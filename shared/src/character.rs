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
    /// The word of somebody who holds an account under which a fight of its was uploaded before it was claimed.
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
    /// The character: its number in the game, or `playerKey` of a report.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub player: String,
    /// Where that key was seen: the id of a report, or the code of a raid. Where names are hidden a key is good there alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 64))]
    pub seen_in: Option<String>,
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
    /// By `code`: what the character's name has to contain. By `officer`: what he tells who is to confirm it. Otherwise
    /// `null`.
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
    /// Whether an administrator has hidden it: he alone shows it again.
    pub hidden_by_administrator: bool,
    /// Whether it is shown by name where only those are who agreed. It takes a character that an administrator has seen to:
    /// `way` is `administrator`.
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
    /// By name where only those are who agreed: of a character whose `way` is `administrator`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub agrees: Option<bool>,
}

/// What is there is something.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A claim that somebody else may confirm: `GET /api/v1/me/confirmations/{code}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenClaim {
    /// Who says that the character is his.
    pub by: String,
    /// What he calls it.
    pub called: String,
    /// What it is called in the fight of it that was begun last, of those that the reader uploaded before it was claimed;
    /// `null` where it has no name there.
    pub name: Option<String>,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// What accounts call a player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SeenName {
    /// A name of his.
    pub name: String,
    /// So many accounts have a fight in which he has it.
    pub accounts: u32,
}

/// Whose a character is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Names him in this API.
    pub id: i64,
    /// His name.
    pub name: String,
}

/// A claim that waits for an administrator, with what speaks for and against it. Of accounts, those are not counted that
/// are his who claims; of fights, those are not that have a time that is still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JudgedClaim {
    /// Names it in this API.
    pub id: i64,
    /// Who says that the character is his.
    pub by: String,
    /// The player's `playerKey` where no names are hidden.
    pub player: String,
    /// What he calls it.
    pub called: String,
    /// Whose it is now; `null`: nobody's.
    pub holder: Option<Holder>,
    /// Whether it is shown by name to nobody.
    pub hidden: bool,
    /// Whether an administrator has hidden it.
    pub hidden_by_administrator: bool,
    /// So many accounts have a fight with it.
    pub others: u32,
    /// So many of these call it as he does.
    pub called_so: u32,
    /// What most of these call it, five names at the most; none where it is hidden.
    pub names: Vec<SeenName>,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// Claims that wait for an administrator: `GET /api/v1/claims`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenClaims {
    /// Everybody's first comes before anybody's second; of these the oldest comes first.
    pub claims: Vec<JudgedClaim>,
}

/// How an administrator believes a claim: `PUT /api/v1/claims/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeliefForm {
    /// The `id` of `holder`, as he was told; `null`: nobody's. If it is another's by now, nothing is decided.
    #[serde(deserialize_with = "Option::deserialize")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub held: Option<i64>,
    /// `hiddenByAdministrator`, as he was told: then whose it is from now on may show it. What was hidden since stays hidden.
    #[serde(default)]
    pub hidden_by_administrator: bool,
}

/// Of which player an administrator wants all that is held: `POST /api/v1/player-exports`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlayerExportForm {
    /// The player: his number in the game, or `playerKey` of a report.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub player: String,
    /// Where that key was seen: the id of a report, or the code of a raid. Where names are hidden a key is good there alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 64))]
    pub seen_in: Option<String>,
    /// Goes on from there: `next` of the archive before, in its `end.json`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub before: Option<i64>,
}

/// What an administrator decides of a player who wants to be hidden, or no more: `POST /api/v1/opt-outs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptOutForm {
    /// The player: his number in the game, or `playerKey` of a report.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub player: String,
    /// Where that key was seen: the id of a report, or the code of a raid. Where names are hidden a key is good there alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 64))]
    pub seen_in: Option<String>,
    /// Whether he is shown by name to nobody from now on.
    pub hidden: bool,
}

/// A player whom an administrator has hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HiddenPlayer {
    /// The player's `playerKey` where no names are hidden.
    pub player: String,
    /// Since when, Unix ms.
    pub since_ms: i64,
}

/// Whom administrators have hidden: `GET /api/v1/opt-outs`. They are shown by name to nobody, so not here either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HiddenPlayers {
    /// Those who were hidden last come first.
    pub players: Vec<HiddenPlayer>,
    /// From where to ask for more, as `before`; `null` where these were the last.
    pub next: Option<String>,
}

/// At which player an administrator looks before he hides him: `POST /api/v1/opt-outs/look`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlayerForm {
    /// The player: his number in the game, or `playerKey` of a report.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub player: String,
    /// Where that key was seen: the id of a report, or the code of a raid. Where names are hidden a key is good there alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 64))]
    pub seen_in: Option<String>,
}

/// A name of a player, and how often he has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NameInFights {
    /// The name.
    pub name: String,
    /// In so many fights.
    pub fights: u32,
}

/// What would be hidden of a player: an answer to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlayerLook {
    /// The player's `playerKey` where no names are hidden.
    pub player: String,
    /// Whether he is shown by name to nobody.
    pub hidden: bool,
    /// Whether an administrator has hidden him.
    pub hidden_by_administrator: bool,
    /// In so many fights he is; of his newest 1,000.
    pub fights: u32,
    /// What most of these call him, five names at the most; none where he is hidden.
    pub names: Vec<NameInFights>,
}
