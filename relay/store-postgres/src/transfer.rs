//! Rows out of the database, and into it.

use raidcast_store::transfer::{
    AccountCells, AuditCells, BlobCells, CharacterCells, ClaimCells, EncounterCells, EntryCells, Export, HashCells,
    Import, InvitationCells, JobCells, KeyCells, LinkCells, OptOutCells, OwnerCells, PersonCells, PlayerCells,
    QuotaCells, RaidCells, RemovalCells, Row, RowStream, SessionCells, SignInCells, StreamCells, Table, Transfer,
    UpkeepCells, WebhookCells, WebhookMessageCells, rows,
};
use raidcast_store::{StoreError, StoreFuture};
use sqlx::{Connection as _, PgConnection};

use crate::PostgresStore;
use crate::derived::again;
use crate::error::store_error;
use crate::server::Server;

/// Sees one state of the database.
const EXPORT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Keeps everybody else from writing.
const IMPORT: &str = "BEGIN; LOCK TABLE upkeep, audit, removals, opt_outs, invitations, people, accounts, raids, encounters IN EXCLUSIVE MODE";

impl Transfer for PostgresStore {
    fn export(&self) -> StoreFuture<'_, Box<dyn Export>> {
        Box::pin(async move { Ok(Box::new(Transaction::begin(&self.server, EXPORT).await?) as Box<dyn Export>) })
    }

    fn lock(&self) -> StoreFuture<'_, Box<dyn Import>> {
        Box::pin(async move { Ok(Box::new(Transaction::begin(&self.server, IMPORT).await?) as Box<dyn Import>) })
    }
}

/// A transaction on a connection of its own: it ends with the connection.
struct Transaction(PgConnection);

impl Transaction {
    async fn begin(server: &Server, begin: &'static str) -> Result<Self, StoreError> {
        let mut connection = server.connect().await?;
        sqlx::raw_sql(begin).execute(&mut connection).await.map_err(|error| store_error(&error))?;
        Ok(Self(connection))
    }
}

impl Export for Transaction {
    fn rows(&mut self, table: Table) -> RowStream<'_> {
        let connection = &mut self.0;
        match table {
            Table::Upkeep => rows(
                sqlx::query_as!(UpkeepCells, "SELECT name, state FROM upkeep ORDER BY name").fetch(connection),
                Row::Upkeep,
                store_error,
            ),
            Table::Accounts => rows(
                sqlx::query_as!(AccountCells, "SELECT row, name, channel, tickets FROM accounts ORDER BY row")
                    .fetch(connection),
                Row::Account,
                store_error,
            ),
            Table::People => rows(
                sqlx::query_as!(
                    PersonCells,
                    "SELECT row, name, name_key, role, created_at_ms FROM people ORDER BY row"
                )
                .fetch(connection),
                Row::Person,
                store_error,
            ),
            Table::Owners => rows(
                sqlx::query_as!(OwnerCells, "SELECT account, person FROM account_owners ORDER BY account")
                    .fetch(connection),
                Row::Owner,
                store_error,
            ),
            Table::SignIns => rows(
                sqlx::query_as!(
                    SignInCells,
                    "SELECT provider, subject, person, secret FROM sign_ins ORDER BY provider, subject"
                )
                .fetch(connection),
                Row::SignIn,
                store_error,
            ),
            Table::Invitations => rows(
                sqlx::query_as!(
                    InvitationCells,
                    "SELECT digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left
                     FROM invitations ORDER BY digest"
                )
                .fetch(connection),
                Row::Invitation,
                store_error,
            ),
            Table::Sessions => rows(
                sqlx::query_as!(
                    SessionCells,
                    "SELECT row, digest, person, agent, created_at_ms, used_at_ms FROM sessions ORDER BY row"
                )
                .fetch(connection),
                Row::Session,
                store_error,
            ),
            Table::Keys => rows(
                sqlx::query_as!(
                    KeyCells,
                    "SELECT row, account, digest, name, scopes, visibility, uploads_per_day, created_at_ms,
                            ends_at_ms, used_at_ms
                     FROM keys ORDER BY row"
                )
                .fetch(connection),
                Row::Key,
                store_error,
            ),
            Table::Raids => rows(
                sqlx::query_as!(
                    RaidCells,
                    r#"SELECT row, uuid_send(id) AS "id!", account, code, secret_digest, title, visibility,
                              report_visibility, said_visibility, said_report_visibility, names,
                              delay_ms, shown_until_ms, created_at_ms, active_at_ms, closed, history, tickets, pinned,
                              title_cleared
                       FROM raids ORDER BY row"#
                )
                .fetch(connection),
                Row::Raid,
                store_error,
            ),
            Table::Links => rows(
                sqlx::query_as!(
                    LinkCells,
                    "SELECT row, account, raid, digest, name, created_at_ms, ends_at_ms, used_at_ms
                     FROM links ORDER BY row"
                )
                .fetch(connection),
                Row::Link,
                store_error,
            ),
            Table::Webhooks => rows(
                sqlx::query_as!(
                    WebhookCells,
                    "SELECT account, digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms
                     FROM webhooks ORDER BY account"
                )
                .fetch(connection),
                Row::Webhook,
                store_error,
            ),
            Table::WebhookMessages => rows(
                sqlx::query_as!(
                    WebhookMessageCells,
                    "SELECT raid, digest, message, shown, sent_at_ms FROM webhook_messages ORDER BY raid"
                )
                .fetch(connection),
                Row::WebhookMessage,
                store_error,
            ),
            Table::Players => rows(
                sqlx::query_as!(PlayerCells, "SELECT raid, player, number FROM raid_players ORDER BY raid, number")
                    .fetch(connection),
                Row::Player,
                store_error,
            ),
            Table::Encounters => rows(
                sqlx::query_as!(
                    EncounterCells,
                    r#"SELECT row, account, uuid_send(encounter_id) AS "encounter_id!", report_id, raid, visibility,
                              started_at_ms, created_at_ms, state, revision, uuid_send(kept_stream) AS "kept_stream?",
                              kept_at_ms, ended_at_ms, duration_ms, outcome, scene, scene_id, difficulty, bosses,
                              players, damage, boss_damage, healing, damage_taken, hits, heal_hits, deaths, damage_ms,
                              remote_id, stub, verified
                       FROM encounters ORDER BY row"#
                )
                .fetch(connection),
                |cells| Row::Encounter(Box::new(cells)),
                store_error,
            ),
            Table::Streams => rows(
                sqlx::query_as!(
                    StreamCells,
                    r#"SELECT row, encounter, uuid_send(stream) AS "stream!", header, after_revision
                       FROM encounter_stream ORDER BY row"#
                )
                .fetch(connection),
                Row::Stream,
                store_error,
            ),
            Table::Journal => rows(
                sqlx::query_as!(
                    EntryCells,
                    "SELECT stream, seq, kind, received_at_ms, data FROM encounter_journal ORDER BY stream, seq"
                )
                .fetch(connection),
                Row::Entry,
                store_error,
            ),
            Table::Records => rows(
                sqlx::query_as!(BlobCells, "SELECT encounter, record AS data FROM encounter_record ORDER BY encounter")
                    .fetch(connection),
                Row::Record,
                store_error,
            ),
            Table::Logs => rows(
                sqlx::query_as!(BlobCells, "SELECT encounter, log AS data FROM encounter_log ORDER BY encounter")
                    .fetch(connection),
                Row::Log,
                store_error,
            ),
            Table::Hashes => rows(
                sqlx::query_as!(HashCells, "SELECT account, hash, encounter FROM upload_hashes ORDER BY account, hash")
                    .fetch(connection),
                Row::Hash,
                store_error,
            ),
            Table::Jobs => rows(
                sqlx::query_as!(
                    JobCells,
                    "SELECT kind, account, name, data, created_at_ms, due_at_ms, tries, why, encounter_id
                     FROM jobs WHERE kind <> 1 AND kind <> 3 ORDER BY kind, account, name"
                )
                .fetch(connection),
                Row::Job,
                store_error,
            ),
            Table::Quota => rows(
                sqlx::query_as!(
                    QuotaCells,
                    "SELECT account, what, since_ms, used FROM quota ORDER BY account, what COLLATE \"C\""
                )
                .fetch(connection),
                Row::Quota,
                store_error,
            ),
            Table::Audit => rows(
                sqlx::query_as!(AuditCells, "SELECT row, at_ms, who, what, about, key FROM audit ORDER BY row")
                    .fetch(connection),
                Row::Audit,
                store_error,
            ),
            Table::Claims => rows(
                sqlx::query_as!(
                    ClaimCells,
                    r#"SELECT row, person, player, called, way, code, created_at_ms, ends_at_ms
                       FROM claims ORDER BY row"#
                )
                .fetch(connection),
                Row::Claim,
                store_error,
            ),
            Table::Characters => rows(
                sqlx::query_as!(
                    CharacterCells,
                    r#"SELECT row, person, player, called, way, agrees, proved_at_ms
                       FROM characters ORDER BY row"#
                )
                .fetch(connection),
                Row::Character,
                store_error,
            ),
            Table::OptOuts => rows(
                sqlx::query_as!(OptOutCells, "SELECT player, since_ms, by_administrator FROM opt_outs ORDER BY player")
                    .fetch(connection),
                Row::OptOut,
                store_error,
            ),
            Table::Removals => rows(
                sqlx::query_as!(
                    RemovalCells,
                    "SELECT row, player, links, contact, message, created_at_ms FROM removals ORDER BY row"
                )
                .fetch(connection),
                Row::Removal,
                store_error,
            ),
        }
    }
}

impl Import for Transaction {
    fn count(&mut self) -> StoreFuture<'_, i64> {
        Box::pin(async move {
            let held = sqlx::query_scalar!(
                r#"SELECT (SELECT COUNT(*) FROM raids) + (SELECT COUNT(*) FROM encounters)
                        + (SELECT COUNT(*) FROM people) + (SELECT COUNT(*) FROM keys) AS "held!""#
            );
            held.fetch_one(&mut self.0).await.map_err(|error| store_error(&error))
        })
    }

    fn clear(&mut self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let clearing = async {
                // What refers to these goes with them.
                sqlx::query!("DELETE FROM accounts").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM people").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM invitations").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM quota").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM audit").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM opt_outs").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM removals").execute(&mut self.0).await?;
                sqlx::query!("DELETE FROM upkeep").execute(&mut self.0).await
            };
            clearing.await.map(drop).map_err(|error: sqlx::Error| store_error(&error))
        })
    }

    fn put<'a>(&'a mut self, row: &'a Row) -> StoreFuture<'a, ()> {
        Box::pin(async move { put(&mut self.0, row).await.map_err(|error| store_error(&error)) })
    }

    fn derive_again(&mut self) -> StoreFuture<'_, u64> {
        Box::pin(async move { again(&mut self.0).await.map_err(|error| store_error(&error)) })
    }

    fn commit(self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let Self(mut connection) = *self;
            let committing = async {
                number_on(&mut connection).await?;
                sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
                connection.close().await
            };
            committing.await.map_err(|error| store_error(&error))
        })
    }
}

/// New rows get numbers after those that were put in.
async fn number_on(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT setval(pg_get_serial_sequence('accounts', 'row'),
                         GREATEST((SELECT COALESCE(MAX(row), 0) + 1 FROM accounts),
                                  (SELECT COALESCE(MAX(about), 0) + 1 FROM audit)), FALSE) AS accounts,
                  setval(pg_get_serial_sequence('people', 'row'),
                         GREATEST((SELECT COALESCE(MAX(row), 0) + 1 FROM people),
                                  (SELECT COALESCE(MAX(who), 0) + 1 FROM audit)), FALSE) AS people,
                  setval(pg_get_serial_sequence('audit', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM audit), FALSE) AS audit,
                  setval(pg_get_serial_sequence('removals', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM removals), FALSE) AS removals,
                  setval(pg_get_serial_sequence('sessions', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM sessions), FALSE) AS sessions,
                  setval(pg_get_serial_sequence('keys', 'row'),
                         GREATEST((SELECT COALESCE(MAX(row), 0) + 1 FROM keys),
                                  (SELECT COALESCE(MAX(key), 0) + 1 FROM audit)), FALSE) AS keys,
                  setval(pg_get_serial_sequence('links', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM links), FALSE) AS links,
                  setval(pg_get_serial_sequence('claims', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM claims), FALSE) AS claims,
                  setval(pg_get_serial_sequence('characters', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM characters), FALSE) AS characters,
                  setval(pg_get_serial_sequence('raids', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM raids), FALSE) AS raids,
                  setval(pg_get_serial_sequence('encounters', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM encounters), FALSE) AS encounters,
                  setval(pg_get_serial_sequence('encounter_stream', 'row'),
                         (SELECT COALESCE(MAX(row), 0) + 1 FROM encounter_stream), FALSE) AS streams"#
    )
    .fetch_one(connection)
    .await
    .map(drop)
}

async fn put(connection: &mut PgConnection, row: &Row) -> Result<(), sqlx::Error> {
    let put = match row {
        Row::Upkeep(UpkeepCells { name, state }) => {
            sqlx::query!("INSERT INTO upkeep (name, state) VALUES ($1, $2)", name, state)
        }
        Row::Account(AccountCells { row, name, channel, tickets }) => sqlx::query!(
            "INSERT INTO accounts (row, name, channel, tickets) VALUES ($1, $2, $3, $4)",
            row,
            name,
            channel,
            tickets,
        ),
        Row::Person(PersonCells { row, name, name_key, role, created_at_ms }) => sqlx::query!(
            "INSERT INTO people (row, name, name_key, role, created_at_ms) VALUES ($1, $2, $3, $4::BIGINT, $5)",
            row,
            name,
            name_key,
            role,
            created_at_ms,
        ),
        Row::Owner(OwnerCells { account, person }) => {
            sqlx::query!("INSERT INTO account_owners (account, person) VALUES ($1, $2)", account, person)
        }
        Row::SignIn(SignInCells { provider, subject, person, secret }) => sqlx::query!(
            "INSERT INTO sign_ins (provider, subject, person, secret) VALUES ($1, $2, $3, $4)",
            provider,
            subject,
            person,
            secret.as_deref(),
        ),
        Row::Invitation(invitation) => sqlx::query!(
            "INSERT INTO invitations (digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left)
             VALUES ($1, $2::BIGINT, $3, $4, $5, $6, $7)",
            invitation.digest,
            invitation.role,
            invitation.note,
            invitation.made_by,
            invitation.created_at_ms,
            invitation.ends_at_ms,
            invitation.uses_left,
        ),
        Row::Session(SessionCells { row, digest, person, agent, created_at_ms, used_at_ms }) => sqlx::query!(
            "INSERT INTO sessions (row, digest, person, agent, created_at_ms, used_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
            row,
            digest,
            person,
            agent,
            created_at_ms,
            used_at_ms,
        ),
        Row::Key(key) => sqlx::query!(
            "INSERT INTO keys (row, account, digest, name, scopes, visibility, uploads_per_day, created_at_ms,
                               ends_at_ms, used_at_ms)
             VALUES ($1, $2, $3, $4, $5::BIGINT, $6::BIGINT, $7, $8, $9, $10)",
            key.row,
            key.account,
            key.digest,
            key.name,
            key.scopes,
            key.visibility,
            key.uploads_per_day,
            key.created_at_ms,
            key.ends_at_ms,
            key.used_at_ms,
        ),
        Row::Raid(raid) => sqlx::query!(
            "INSERT INTO raids (row, id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms,
                                closed, history, tickets, names, delay_ms, shown_until_ms, pinned,
                                title_cleared, report_visibility, said_visibility, said_report_visibility)
             VALUES ($1, encode($2::BYTEA, 'hex')::UUID, $3, $4, $5, $6, $7::BIGINT, $8, $9, $10, $11, $12, $13::BIGINT,
                     $14, $15, $16, $17, $18::BIGINT, $19::BIGINT, $20::BIGINT)",
            raid.row,
            raid.id,
            raid.account,
            raid.code,
            raid.secret_digest,
            raid.title,
            raid.visibility,
            raid.created_at_ms,
            raid.active_at_ms,
            raid.closed,
            raid.history,
            raid.tickets,
            raid.names,
            raid.delay_ms,
            raid.shown_until_ms,
            raid.pinned,
            raid.title_cleared,
            raid.report_visibility,
            raid.said_visibility,
            raid.said_report_visibility,
        ),
        Row::Link(link) => sqlx::query!(
            "INSERT INTO links (row, account, raid, digest, name, created_at_ms, ends_at_ms, used_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            link.row,
            link.account,
            link.raid,
            link.digest,
            link.name,
            link.created_at_ms,
            link.ends_at_ms,
            link.used_at_ms,
        ),
        Row::Webhook(webhook) => sqlx::query!(
            "INSERT INTO webhooks (account, digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            webhook.account,
            webhook.digest,
            webhook.sealed,
            webhook.host,
            webhook.set_at_ms,
            webhook.sent_at_ms,
            webhook.stopped,
            webhook.stopped_at_ms,
        ),
        Row::WebhookMessage(message) => sqlx::query!(
            "INSERT INTO webhook_messages (raid, digest, message, shown, sent_at_ms) VALUES ($1, $2, $3, $4, $5)",
            message.raid,
            message.digest,
            message.message,
            message.shown,
            message.sent_at_ms,
        ),
        Row::Player(PlayerCells { raid, player, number }) => {
            sqlx::query!("INSERT INTO raid_players (raid, player, number) VALUES ($1, $2, $3)", raid, player, number,)
        }
        Row::Encounter(encounter) => return put_encounter(connection, encounter).await,
        Row::Stream(StreamCells { row, encounter, stream, header, after_revision }) => sqlx::query!(
            "INSERT INTO encounter_stream (row, encounter, stream, header, after_revision)
             VALUES ($1, $2, encode($3::BYTEA, 'hex')::UUID, $4, $5)",
            row,
            encounter,
            stream,
            header,
            after_revision,
        ),
        Row::Entry(EntryCells { stream, seq, kind, received_at_ms, data }) => sqlx::query!(
            "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data)
             VALUES ($1, $2, $3::BIGINT, $4, $5)",
            stream,
            seq,
            kind,
            received_at_ms,
            data,
        ),
        Row::Record(BlobCells { encounter, data }) => {
            sqlx::query!("INSERT INTO encounter_record (encounter, record) VALUES ($1, $2)", encounter, data)
        }
        Row::Log(BlobCells { encounter, data }) => {
            sqlx::query!("INSERT INTO encounter_log (encounter, log) VALUES ($1, $2)", encounter, data)
        }
        Row::Hash(HashCells { account, hash, encounter }) => sqlx::query!(
            "INSERT INTO upload_hashes (account, hash, encounter) VALUES ($1, $2, $3)",
            account,
            hash,
            encounter,
        ),
        Row::Job(JobCells { kind, account, name, data, created_at_ms, due_at_ms, tries, why, encounter_id }) => {
            sqlx::query!(
                "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms, tries, why, encounter_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                kind,
                account,
                name,
                data,
                created_at_ms,
                due_at_ms,
                tries,
                why.as_deref(),
                encounter_id.as_deref(),
            )
        }
        Row::Quota(QuotaCells { account, what, since_ms, used }) => sqlx::query!(
            "INSERT INTO quota (account, what, since_ms, used) VALUES ($1, $2, $3, $4)",
            account,
            what,
            since_ms,
            used,
        ),
        Row::Audit(AuditCells { row, at_ms, who, what, about, key }) => sqlx::query!(
            "INSERT INTO audit (row, at_ms, who, what, about, key) VALUES ($1, $2, $3, $4, $5, $6)",
            row,
            at_ms,
            *who,
            what,
            *about,
            *key,
        ),
        Row::Claim(claim) => sqlx::query!(
            "INSERT INTO claims (row, person, player, called, way, code, created_at_ms, ends_at_ms)
             VALUES ($1, $2, $3, $4, $5::BIGINT, $6, $7, $8)",
            claim.row,
            claim.person,
            claim.player,
            claim.called,
            claim.way,
            claim.code,
            claim.created_at_ms,
            claim.ends_at_ms,
        ),
        Row::Character(character) => sqlx::query!(
            "INSERT INTO characters (row, person, player, called, way, agrees, proved_at_ms)
             VALUES ($1, $2, $3, $4, $5::BIGINT, $6, $7)",
            character.row,
            character.person,
            character.player,
            character.called,
            character.way,
            character.agrees,
            character.proved_at_ms,
        ),
        Row::OptOut(OptOutCells { player, since_ms, by_administrator }) => sqlx::query!(
            "INSERT INTO opt_outs (player, since_ms, by_administrator) VALUES ($1, $2, $3)",
            player,
            since_ms,
            by_administrator,
        ),
        Row::Removal(removal) => sqlx::query!(
            "INSERT INTO removals (row, player, links, contact, message, created_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
            removal.row,
            removal.player,
            removal.links,
            removal.contact,
            removal.message,
            removal.created_at_ms,
        ),
    };
    put.execute(connection).await.map(drop)
}

async fn put_encounter(connection: &mut PgConnection, encounter: &EncounterCells) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO encounters
             (row, account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms, state, revision,
              kept_stream, kept_at_ms, ended_at_ms, duration_ms, outcome, scene, scene_id, difficulty, bosses, players,
              damage, boss_damage, healing, damage_taken, hits, heal_hits, deaths, damage_ms, remote_id, stub,
              verified)
         VALUES ($1, $2, encode($3::BYTEA, 'hex')::UUID, $4, $5, $6::BIGINT, $7, $8, $9::BIGINT, $10,
                 encode($11::BYTEA, 'hex')::UUID, $12, $13, $14, $15::BIGINT, $16, $17, $18, $19, $20,
                 $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
        encounter.row,
        encounter.account,
        encounter.encounter_id,
        encounter.report_id,
        encounter.raid,
        encounter.visibility,
        encounter.started_at_ms,
        encounter.created_at_ms,
        encounter.state,
        encounter.revision,
        encounter.kept_stream.as_deref(),
        encounter.kept_at_ms,
        encounter.ended_at_ms,
        encounter.duration_ms,
        encounter.outcome,
        encounter.scene.as_deref(),
        encounter.scene_id,
        encounter.difficulty,
        &encounter.bosses,
        encounter.players,
        encounter.damage,
        encounter.boss_damage,
        encounter.healing,
        encounter.damage_taken,
        encounter.hits,
        encounter.heal_hits,
        encounter.deaths,
        encounter.damage_ms,
        encounter.remote_id,
        encounter.stub,
        encounter.verified,
    )
    .execute(connection)
    .await
    .map(drop)
}
