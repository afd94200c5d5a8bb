//! Whose characters are.

use raidcast_shared::id::ActorId;
use raidcast_store::row::{CharacterColumns, ClaimColumns, JudgedColumns, player, readable};
use raidcast_store::{
    Audited, CHARACTERS_OF_PERSON_MAX, CLAIMS_LISTED_MAX, CLAIMS_MAX, CLAIMS_OF_PERSON_MAX, Character, Characters,
    Claim, FIGHTS_LOOKED_AT, HiddenPlayer, JudgedClaim, NAMES_OF_ACCOUNT_MAX, NewClaim, Note, PersonId, PlayerHeld,
    PlayerNames, Proof, ProvedBy, SEEN_MAX, SeenClaim, StoreError, StoreFuture, Wish, Wished, Wishes, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::wipe_later;
use crate::opt_out::{HidePlayer, hide};

impl Characters for SqliteStore {
    fn claim_character<'a>(&'a self, claim: &'a NewClaim) -> StoreFuture<'a, Option<Claim>> {
        self.write(AddClaim(claim.clone()))
    }

    fn claims_of(&self, person: PersonId, now_ms: i64) -> StoreFuture<'_, Vec<Claim>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                ClaimColumns,
                r#"SELECT row AS "row!", person, player, called, way, code, created_at_ms, ends_at_ms
                   FROM claims WHERE person = ?1 AND ends_at_ms > ?2 ORDER BY row"#,
                person.0,
                now_ms,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn claims_by_code(&self, now_ms: i64) -> StoreFuture<'_, Vec<Claim>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                ClaimColumns,
                r#"SELECT row AS "row!", person, player, called, way, code, created_at_ms, ends_at_ms
                   FROM claims WHERE way = 0 AND ends_at_ms > ?1 ORDER BY row"#,
                now_ms,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn claim_for_officer<'a>(
        &'a self,
        officer: PersonId,
        code: &'a str,
        now_ms: i64,
    ) -> StoreFuture<'a, Option<SeenClaim>> {
        Self::read(async move {
            let claim = sqlx::query_as!(
                SeenClaim,
                r#"SELECT c.row AS "row!", p.name AS by, c.called,
                          (SELECT f.name FROM encounter_players f JOIN encounters e ON e.row = f.encounter
                           JOIN account_owners o ON o.account = e.account
                           WHERE f.actor_id = c.player AND o.person = ?1 AND e.kept_at_ms <= c.created_at_ms
                           ORDER BY e.started_at_ms DESC, e.row DESC LIMIT 1) AS "name: String",
                          c.created_at_ms, c.ends_at_ms
                   FROM claims c JOIN people p ON p.row = c.person
                   WHERE c.way = 1 AND c.code = ?2 AND c.person <> ?1 AND c.ends_at_ms > ?3
                     AND NOT EXISTS (SELECT 1 FROM characters h WHERE h.player = c.player)
                     AND NOT EXISTS (SELECT 1 FROM opt_outs h WHERE h.player = c.player)
                     AND EXISTS (SELECT 1 FROM encounter_players f JOIN encounters e ON e.row = f.encounter
                                 JOIN account_owners o ON o.account = e.account
                                 WHERE f.actor_id = c.player AND o.person = ?1 AND e.kept_at_ms <= c.created_at_ms)
                   ORDER BY c.row LIMIT 1"#,
                officer.0,
                code,
                now_ms,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(claim)
        })
    }

    fn claims_for_administrators(&self, now_ms: i64) -> StoreFuture<'_, Vec<JudgedClaim>> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let claims = sqlx::query_as!(
                JudgedColumns,
                r#"SELECT c.row AS "row!", c.person, p.name AS by, c.player, c.called,
                          h.person AS "holder?", n.name AS "holder_name?", o.player IS NOT NULL AS "hidden!: bool",
                          coalesce(o.by_administrator, FALSE) AS "by_administrator!: bool", c.created_at_ms, c.ends_at_ms
                   FROM (SELECT row, person, player, called, created_at_ms, ends_at_ms,
                                row_number() OVER (PARTITION BY person ORDER BY row) AS turn
                         FROM claims WHERE way = 2 AND ends_at_ms > ?1) AS c
                   JOIN people p ON p.row = c.person
                   LEFT JOIN characters h ON h.player = c.player LEFT JOIN people n ON n.row = h.person
                   LEFT JOIN opt_outs o ON o.player = c.player
                   ORDER BY c.turn, c.row LIMIT ?2"#,
                now_ms,
                CLAIMS_LISTED_MAX,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let mut judged = Vec::with_capacity(claims.len());
            for claim in claims {
                let seen = sqlx::query!(
                    r#"SELECT account AS "account!: i64", name AS "name: String"
                       FROM (SELECT e.account AS account, f.name AS name,
                                    row_number() OVER (PARTITION BY e.account ORDER BY count(*) DESC, f.name) AS turn
                             FROM encounter_players f JOIN encounters e ON e.row = f.encounter
                             WHERE f.actor_id = ?1 AND e.started_at_ms <= ?2
                               AND NOT EXISTS (SELECT 1 FROM account_owners w
                                               WHERE w.account = e.account AND w.person = ?3)
                             GROUP BY e.account, f.name) AS called
                       WHERE turn <= ?4 ORDER BY turn, account LIMIT ?5"#,
                    claim.player,
                    now_ms,
                    claim.person,
                    NAMES_OF_ACCOUNT_MAX,
                    SEEN_MAX,
                )
                .fetch_all(&mut *transaction)
                .await?;
                let rows: Vec<_> = seen.into_iter().map(|row| (row.account, row.name)).collect();
                judged.push(claim.judged(&rows)?);
            }
            transaction.commit().await?;
            Ok(judged)
        })
    }

    fn drop_claim(&self, person: PersonId, row: i64) -> StoreFuture<'_, bool> {
        self.write(DropClaim { person, row })
    }

    fn refuse_claim(&self, row: i64, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool> {
        self.write(RefuseClaim { row, by, now_ms })
    }

    fn prove_claim(&self, row: i64, by: ProvedBy, now_ms: i64) -> StoreFuture<'_, Proof> {
        self.write(ProveClaim { row, by, now_ms })
    }

    fn characters_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Character>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                CharacterColumns,
                r#"SELECT c.row AS "row!", c.player, c.called, c.way, c.proved_at_ms, c.agrees AS "agrees: bool",
                          o.player IS NOT NULL AS "hidden!: bool", coalesce(o.by_administrator, FALSE) AS "by_administrator!: bool"
                   FROM characters c LEFT JOIN opt_outs o ON o.player = c.player WHERE c.person = ?1 ORDER BY c.row"#,
                person.0,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn wish(&self, person: PersonId, row: i64, wish: Wish, now_ms: i64) -> StoreFuture<'_, Wished> {
        self.write(MakeWish { person, row, wish, now_ms })
    }

    fn hide_player(&self, player: ActorId, hidden: bool, note: Note) -> StoreFuture<'_, bool> {
        self.write(HidePlayer { player, hidden, note })
    }

    fn hidden_players(&self, before: Option<HiddenPlayer>, limit: u32) -> StoreFuture<'_, Vec<HiddenPlayer>> {
        Self::read(async move {
            // No id begins with a letter behind "f".
            let (since_ms, last) =
                before.map_or((i64::MAX, "g".to_owned()), |last| (last.since_ms, last.player.to_hex()));
            let rows = sqlx::query!(
                r#"SELECT player AS "player!: String", since_ms AS "since_ms!: i64" FROM opt_outs
                   WHERE by_administrator = TRUE AND (since_ms, player) < (?1, ?2)
                   ORDER BY since_ms DESC, player DESC LIMIT ?3"#,
                since_ms,
                last,
                limit,
            )
            .fetch_all(&self.readers)
            .await?;
            let read = |row: (String, i64)| Ok(HiddenPlayer { player: player(&row.0)?, since_ms: row.1 });
            let rows = rows.into_iter().map(|row| (row.player, row.since_ms));
            let players = rows.map(read).collect::<Result<Vec<_>, StoreError>>()?;
            Ok(players)
        })
    }

    fn player_names(&self, player: ActorId) -> StoreFuture<'_, PlayerNames> {
        Self::read(async move {
            let player = player.to_hex();
            let rows = sqlx::query!(
                r#"SELECT name AS "name?: String", count(*) AS "fights!: i64"
                   FROM (SELECT name FROM encounter_players WHERE actor_id = ?1 ORDER BY encounter DESC LIMIT ?2) AS newest
                   GROUP BY name"#,
                player,
                FIGHTS_LOOKED_AT,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(PlayerNames::of(rows.into_iter().map(|row| (row.name, row.fights))))
        })
    }

    fn knows_player(&self, player: ActorId) -> StoreFuture<'_, bool> {
        Self::read(async move {
            let player = player.to_hex();
            let is_known = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT 1 FROM encounter_players WHERE actor_id = ?1)
                          OR EXISTS (SELECT 1 FROM opt_outs WHERE player = ?1)
                          OR EXISTS (SELECT 1 FROM characters WHERE player = ?1) AS "known!: bool""#,
                player,
            )
            .fetch_one(&self.readers)
            .await?;
            Ok(is_known)
        })
    }

    fn player_held(&self, player: ActorId) -> StoreFuture<'_, PlayerHeld> {
        Self::read(async move {
            let player = player.to_hex();
            let mut transaction = self.readers.begin().await?;
            let person = sqlx::query_scalar!("SELECT person FROM characters WHERE player = ?1", player)
                .fetch_optional(&mut *transaction)
                .await?;
            let character = sqlx::query_as!(
                CharacterColumns,
                r#"SELECT c.row AS "row!", c.player, c.called, c.way, c.proved_at_ms, c.agrees AS "agrees: bool",
                          o.player IS NOT NULL AS "hidden!: bool", coalesce(o.by_administrator, FALSE) AS "by_administrator!: bool"
                   FROM characters c LEFT JOIN opt_outs o ON o.player = c.player WHERE c.player = ?1"#,
                player,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let claims = sqlx::query_as!(
                ClaimColumns,
                r#"SELECT row AS "row!", person, player, called, way, code, created_at_ms, ends_at_ms
                   FROM claims WHERE player = ?1 ORDER BY row"#,
                player,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let hidden = sqlx::query!(
                r#"SELECT since_ms, by_administrator AS "by_administrator: bool" FROM opt_outs WHERE player = ?1"#,
                player,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            transaction.commit().await?;
            let character = character.map(Character::try_from).transpose()?;
            Ok(PlayerHeld {
                character: person.map(PersonId).zip(character),
                claims: readable(claims),
                hidden: hidden.map(|hidden| (hidden.since_ms, hidden.by_administrator)),
            })
        })
    }

    fn fights_of_player(
        &self,
        player: ActorId,
        before: Option<i64>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<(i64, String)>> {
        Self::read(async move {
            let (player, before) = (player.to_hex(), before.unwrap_or(i64::MAX));
            let fights = sqlx::query!(
                r#"SELECT DISTINCT f.encounter AS "encounter!: i64", e.report_id AS "report_id!: String"
                   FROM encounter_players f JOIN encounters e ON e.row = f.encounter
                   WHERE f.actor_id = ?1 AND f.encounter < ?2 ORDER BY f.encounter DESC LIMIT ?3"#,
                player,
                before,
                limit,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(fights.into_iter().map(|fight| (fight.encounter, fight.report_id)).collect())
        })
    }

    fn wishes(&self, now_ms: i64) -> StoreFuture<'_, Wishes> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let hidden = sqlx::query_scalar!("SELECT player FROM opt_outs").fetch_all(&mut *transaction).await?;
            let agreed = sqlx::query_scalar!(
                "SELECT player FROM characters c WHERE agrees AND way = 2
                 AND NOT EXISTS (SELECT 1 FROM opt_outs o WHERE o.player = c.player)"
            )
            .fetch_all(&mut *transaction)
            .await?;
            let claimed =
                sqlx::query_scalar!("SELECT DISTINCT player FROM claims WHERE way = 0 AND ends_at_ms > ?1", now_ms)
                    .fetch_all(&mut *transaction)
                    .await?;
            transaction.commit().await?;
            let read = |ids: Vec<String>| ids.iter().map(|id| player(id)).collect::<Result<Vec<_>, StoreError>>();
            Ok(Wishes { hidden: read(hidden)?, agreed: read(agreed)?, claimed: read(claimed)? })
        })
    }
}

/// Keeps a claim, if there is room.
struct AddClaim(NewClaim);

impl Change for AddClaim {
    type Output = Option<Claim>;

    fn bytes(&self) -> usize {
        self.0.called.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<Claim>, Failure> {
        let NewClaim { person, player, called, way, code, created_at_ms, ends_at_ms } = &self.0;
        let (player, way) = (player.to_hex(), code::of_way(*way));
        sqlx::query!("DELETE FROM claims WHERE ends_at_ms <= ?1", created_at_ms).execute(&mut *connection).await?;
        let row = sqlx::query_scalar!(
            r#"INSERT INTO claims (person, player, called, way, code, created_at_ms, ends_at_ms)
               SELECT row, ?2, ?3, ?4, ?5, ?6, ?7 FROM people
               WHERE row = ?1 AND (SELECT count(*) FROM claims) < ?8
                 AND (SELECT count(*) FROM claims WHERE person = ?1) < ?9
               RETURNING row AS "row!""#,
            person.0,
            player,
            called,
            way,
            code,
            created_at_ms,
            ends_at_ms,
            CLAIMS_MAX,
            CLAIMS_OF_PERSON_MAX,
        )
        .fetch_optional(connection)
        .await?;
        Ok(row.map(|row| Claim { row, of: self.0.clone() }))
    }
}

struct DropClaim {
    person: PersonId,
    row: i64,
}

impl Change for DropClaim {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let dropped = sqlx::query!("DELETE FROM claims WHERE row = ?1 AND person = ?2", self.row, self.person.0)
            .execute(&mut *connection)
            .await?;
        if dropped.rows_affected() == 0 {
            return Ok(false);
        }
        wipe_later(connection).await?;
        Ok(true)
    }
}

struct RefuseClaim {
    row: i64,
    by: PersonId,
    now_ms: i64,
}

impl Change for RefuseClaim {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let person = sqlx::query_scalar!("DELETE FROM claims WHERE row = ?1 AND way = 2 RETURNING person", self.row)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(person) = person else { return Ok(false) };
        let note =
            Note { by: Some(self.by), key: None, what: Audited::ClaimRefused, about: Some(person), at_ms: self.now_ms };
        put_note(&mut *connection, &note).await?;
        wipe_later(connection).await?;
        Ok(true)
    }
}

/// Makes a character of a claim.
struct ProveClaim {
    row: i64,
    by: ProvedBy,
    now_ms: i64,
}

impl Change for ProveClaim {
    type Output = Proof;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Proof, Failure> {
        let (way, by) = match self.by {
            ProvedBy::Fight(_) => (0, None),
            ProvedBy::Officer(officer) => (1, Some(officer)),
            ProvedBy::Administrator { by, .. } => (2, Some(by)),
        };
        let claim = sqlx::query!(
            "SELECT person, player, called, created_at_ms FROM claims WHERE row = ?1 AND way = ?2 AND ends_at_ms > ?3",
            self.row,
            way,
            self.now_ms,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(claim) = claim else { return Ok(Proof::NotThere) };
        let may = match self.by {
            // Whoever uploads can have anybody called anything; of an account that nobody owns nobody knows who does.
            ProvedBy::Fight(account) => {
                sqlx::query_scalar!(
                    r#"SELECT EXISTS (SELECT 1 FROM account_owners WHERE account = ?1 AND person <> ?2)
                              AND NOT EXISTS (SELECT 1 FROM characters WHERE player = ?3)
                              AND NOT EXISTS (SELECT 1 FROM opt_outs WHERE player = ?3) AS "may!: bool""#,
                    account.0,
                    claim.person,
                    claim.player,
                )
                .fetch_one(&mut *connection)
                .await?
            }
            ProvedBy::Officer(officer) => {
                sqlx::query_scalar!(
                    r#"SELECT ?1 <> ?2
                              AND EXISTS (SELECT 1 FROM encounter_players f JOIN encounters e ON e.row = f.encounter
                                          JOIN account_owners o ON o.account = e.account
                                          WHERE f.actor_id = ?3 AND o.person = ?1 AND e.kept_at_ms <= ?4)
                              AND NOT EXISTS (SELECT 1 FROM characters WHERE player = ?3)
                              AND NOT EXISTS (SELECT 1 FROM opt_outs WHERE player = ?3) AS "may!: bool""#,
                    officer.0,
                    claim.person,
                    claim.player,
                    claim.created_at_ms,
                )
                .fetch_one(&mut *connection)
                .await?
            }
            ProvedBy::Administrator { .. } => true,
        };
        let held = sqlx::query_scalar!(
            r#"SELECT count(*) AS "held!: i64" FROM characters WHERE person = ?1 AND player <> ?2"#,
            claim.person,
            claim.player,
        )
        .fetch_one(&mut *connection)
        .await?;
        if !may || held >= CHARACTERS_OF_PERSON_MAX {
            return Ok(Proof::NotThere);
        }
        if let ProvedBy::Administrator { held, hidden, .. } = self.by {
            let holder = sqlx::query_scalar!("SELECT person FROM characters WHERE player = ?1", claim.player)
                .fetch_optional(&mut *connection)
                .await?;
            if holder != held.map(|person| person.0) {
                return Ok(Proof::Held);
            }
            if hidden {
                sqlx::query!("UPDATE opt_outs SET by_administrator = FALSE WHERE player = ?1", claim.player)
                    .execute(&mut *connection)
                    .await?;
            }
        }
        sqlx::query!("DELETE FROM characters WHERE player = ?1", claim.player).execute(&mut *connection).await?;
        sqlx::query!(
            "INSERT INTO characters (person, player, called, way, proved_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            claim.person,
            claim.player,
            claim.called,
            way,
            self.now_ms,
        )
        .execute(&mut *connection)
        .await?;
        // Others of his of this player go only where an administrator knows: else they would tell which are of one.
        let is_administrator = matches!(self.by, ProvedBy::Administrator { .. });
        sqlx::query!(
            "DELETE FROM claims WHERE row = ?1 OR (?2 AND person = ?3 AND player = ?4)",
            self.row,
            is_administrator,
            claim.person,
            claim.player,
        )
        .execute(&mut *connection)
        .await?;
        let about = Some(claim.person);
        put_note(connection, &Note { by, key: None, what: Audited::CharacterProved, about, at_ms: self.now_ms })
            .await?;
        Ok(Proof::Done)
    }
}

/// Has a character shown as its person wants it.
struct MakeWish {
    person: PersonId,
    row: i64,
    wish: Wish,
    now_ms: i64,
}

impl Change for MakeWish {
    type Output = Wished;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Wished, Failure> {
        let held = sqlx::query!(
            r#"SELECT c.player, c.way, c.agrees AS "agrees: bool", o.player IS NOT NULL AS "hidden!: bool",
                      coalesce(o.by_administrator, FALSE) AS "by_administrator!: bool"
               FROM characters c LEFT JOIN opt_outs o ON o.player = c.player WHERE c.row = ?1 AND c.person = ?2"#,
            self.row,
            self.person.0,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(held) = held else { return Ok(Wished::NotThere) };
        if let Some(refused) = self.wish.refused(held.by_administrator, held.way) {
            return Ok(refused);
        }
        let note =
            |what| Note { by: Some(self.person), key: None, what, about: Some(self.person.0), at_ms: self.now_ms };
        if let Some(hidden) = self.wish.hidden.filter(|hidden| *hidden != held.hidden) {
            let what = if hidden { Audited::PlayerHidden } else { Audited::PlayerShown };
            if !hide(&mut *connection, &held.player, hidden, false, &note(what)).await? {
                return Ok(Wished::Full);
            }
        }
        if let Some(agrees) = self.wish.agrees.filter(|agrees| *agrees != held.agrees) {
            sqlx::query!("UPDATE characters SET agrees = ?2 WHERE row = ?1", self.row, agrees)
                .execute(&mut *connection)
                .await?;
            let what = if agrees { Audited::PlayerAgreed } else { Audited::PlayerDisagreed };
            put_note(connection, &note(what)).await?;
        }
        Ok(Wished::Done)
    }
}
