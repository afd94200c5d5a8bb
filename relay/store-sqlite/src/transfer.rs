//! Rows out of the file, and into it.

use futures::{StreamExt as _, TryStreamExt as _};
use raidcast_store::row::Names;
use raidcast_store::transfer::{
    AccountCells, AuditCells, BlobCells, CharacterCells, ClaimCells, EncounterCells, EntryCells, Export, HashCells,
    Import, InvitationCells, JobCells, KeyCells, LinkCells, OptOutCells, OwnerCells, PersonCells, PlayerCells,
    QuotaCells, RaidCells, RemovalCells, Row, RowStream, SessionCells, SignInCells, StreamCells, Table, Transfer,
    UpkeepCells, WebhookCells, WebhookMessageCells, rows,
};
use raidcast_store::{StoreError, StoreFuture};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::SqliteStore;
use crate::derived::again;
use crate::error::store_error;
use crate::file::DatabaseFile;

/// Sees one state of the database.
const EXPORT: &str = "BEGIN";
/// Keeps everybody else from writing.
const IMPORT: &str = "BEGIN IMMEDIATE";

impl Transfer for SqliteStore {
    fn export(&self) -> StoreFuture<'_, Box<dyn Export>> {
        Box::pin(async move { Ok(Box::new(Transaction::begin(&self.file, EXPORT).await?) as Box<dyn Export>) })
    }

    fn lock(&self) -> StoreFuture<'_, Box<dyn Import>> {
        Box::pin(async move { Ok(Box::new(Transaction::begin(&self.file, IMPORT).await?) as Box<dyn Import>) })
    }
}

/// A transaction on a connection of its own: it ends with the connection.
struct Transaction(SqliteConnection);

impl Transaction {
    async fn begin(file: &DatabaseFile, begin: &'static str) -> Result<Self, StoreError> {
        let mut connection = file.connect().await?;
        sqlx::raw_sql(begin).execute(&mut connection).await.map_err(|error| store_error(&error))?;
        Ok(Self(connection))
    }
}

impl Export for Transaction {
    fn rows(&mut self, table: Table) -> RowStream<'_> {
        let connection = &mut self.0;
        match table {
            Table::Upkeep => rows(
                sqlx::query_as!(UpkeepCells, r#"SELECT name AS "name!", state FROM upkeep ORDER BY name"#)
                    .fetch(connection),
                Row::Upkeep,
                store_error,
            ),
            Table::Accounts => rows(
                sqlx::query_as!(
                    AccountCells,
                    r#"SELECT row AS "row!", name, channel, tickets FROM accounts ORDER BY row"#
                )
                .fetch(connection),
                Row::Account,
                store_error,
            ),
            Table::People => rows(
                sqlx::query_as!(
                    PersonCells,
                    r#"SELECT row AS "row!", name, name_key, role, created_at_ms FROM people ORDER BY row"#
                )
                .fetch(connection),
                Row::Person,
                store_error,
            ),
            Table::Owners => rows(
                sqlx::query_as!(
                    OwnerCells,
                    r#"SELECT account AS "account!", person FROM account_owners ORDER BY account"#
                )
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
                    r#"SELECT row AS "row!", digest, person, agent, created_at_ms, used_at_ms FROM sessions ORDER BY row"#
                )
                .fetch(connection),
                Row::Session,
                store_error,
            ),
            Table::Keys => rows(
                sqlx::query_as!(
                    KeyCells,
                    r#"SELECT row AS "row!", account, digest, name, scopes, visibility, uploads_per_day, created_at_ms,
                              ends_at_ms, used_at_ms
                       FROM keys ORDER BY row"#
                )
                .fetch(connection),
                Row::Key,
                store_error,
            ),
            Table::Raids => rows(
                sqlx::query_as!(
                    RaidCells,
                    r#"SELECT row AS "row!", id, account, code, secret_digest, title, visibility,
                              report_visibility, said_visibility, said_report_visibility, names,
                              delay_ms, shown_until_ms, created_at_ms, active_at_ms, closed AS "closed: bool",
                              history AS "history: bool", tickets, pinned AS "pinned: bool",
                              title_cleared AS "title_cleared: bool"
                       FROM raids ORDER BY row"#
                )
                .fetch(connection),
                Row::Raid,
                store_error,
            ),
            Table::Links => rows(
                sqlx::query_as!(
                    LinkCells,
                    r#"SELECT row AS "row!", account, raid, digest, name, created_at_ms, ends_at_ms, used_at_ms
                       FROM links ORDER BY row"#
                )
                .fetch(connection),
                Row::Link,
                store_error,
            ),
            Table::Webhooks => rows(
                sqlx::query_as!(
                    WebhookCells,
                    r#"SELECT account AS "account!", digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms
                       FROM webhooks ORDER BY account"#
                )
                .fetch(connection),
                Row::Webhook,
                store_error,
            ),
            Table::WebhookMessages => rows(
                sqlx::query_as!(
                    WebhookMessageCells,
                    r#"SELECT raid AS "raid!", digest, message, shown, sent_at_ms FROM webhook_messages ORDER BY raid"#
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
            Table::Encounters => encounters(connection),
            Table::Streams => rows(
                sqlx::query_as!(
                    StreamCells,
                    r#"SELECT row AS "row!", encounter, stream, header, after_revision
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
                sqlx::query_as!(
                    BlobCells,
                    r#"SELECT encounter AS "encounter!", record AS data FROM encounter_record ORDER BY encounter"#
                )
                .fetch(connection),
                Row::Record,
                store_error,
            ),
            Table::Logs => rows(
                sqlx::query_as!(
                    BlobCells,
                    r#"SELECT encounter AS "encounter!", log AS data FROM encounter_log ORDER BY encounter"#
                )
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
                sqlx::query_as!(QuotaCells, "SELECT account, what, since_ms, used FROM quota ORDER BY account, what")
                    .fetch(connection),
                Row::Quota,
                store_error,
            ),
            Table::Audit => rows(
                sqlx::query_as!(AuditCells, r#"SELECT row AS "row!", at_ms, who, what, about, key FROM audit ORDER BY row"#)
                    .fetch(connection),
                Row::Audit,
                store_error,
            ),
            Table::Claims => rows(
                sqlx::query_as!(
                    ClaimCells,
                    r#"SELECT row AS "row!", person, player, called, way, code, created_at_ms, ends_at_ms
                       FROM claims ORDER BY row"#
                )
                .fetch(connection),
                Row::Claim,
                store_error,
            ),
            Table::Characters => rows(
                sqlx::query_as!(
                    CharacterCells,
                    r#"SELECT row AS "row!", person, player, called, way, agrees AS "agrees: bool", proved_at_ms
                       FROM characters ORDER BY row"#
                )
                .fetch(connection),
                Row::Character,
                store_error,
            ),
            Table::OptOuts => rows(
                sqlx::query_as!(
                    OptOutCells,
                    r#"SELECT player, since_ms, by_administrator AS "by_administrator: bool" FROM opt_outs ORDER BY player"#
                )
                .fetch(connection),
                Row::OptOut,
                store_error,
            ),
            Table::Removals => rows(
                sqlx::query_as!(
                    RemovalCells,
                    r#"SELECT row AS "row!", player, links, contact, message, created_at_ms FROM removals ORDER BY row"#
                )
                .fetch(connection),
                Row::Removal,
                store_error,
            ),
        }
    }
}

fn encounters(connection: &mut SqliteConnection) -> RowStream<'_> {
    sqlx::query!(
        r#"SELECT row AS "row!", account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms, state,
                  revision, kept_stream, kept_at_ms, ended_at_ms, duration_ms, outcome, scene, scene_id, difficulty,
                  bosses, players, damage, boss_damage, healing, damage_taken, hits, heal_hits, deaths, damage_ms,
                  remote_id, stub AS "stub: bool", verified AS "verified: bool"
           FROM encounters ORDER BY row"#
    )
    .fetch(connection)
    .map_err(|error| store_error(&error))
    .and_then(|columns| async move {
        Ok(Row::Encounter(Box::new(EncounterCells {
            row: columns.row,
            account: columns.account,
            encounter_id: columns.encounter_id,
            report_id: columns.report_id,
            raid: columns.raid,
            visibility: columns.visibility,
            started_at_ms: columns.started_at_ms,
            created_at_ms: columns.created_at_ms,
            state: columns.state,
            revision: columns.revision,
            kept_stream: columns.kept_stream,
            kept_at_ms: columns.kept_at_ms,
            ended_at_ms: columns.ended_at_ms,
            duration_ms: columns.duration_ms,
            damage_ms: columns.damage_ms,
            outcome: columns.outcome,
            scene: columns.scene,
            scene_id: columns.scene_id,
            difficulty: columns.difficulty,
            bosses: Names::from(columns.bosses).read()?,
            players: columns.players,
            damage: columns.damage,
            boss_damage: columns.boss_damage,
            healing: columns.healing,
            damage_taken: columns.damage_taken,
            hits: columns.hits,
            heal_hits: columns.heal_hits,
            deaths: columns.deaths,
            remote_id: columns.remote_id,
            stub: columns.stub,
            verified: columns.verified,
        })))
    })
    .boxed()
}

impl Import for Transaction {
    fn count(&mut self) -> StoreFuture<'_, i64> {
        Box::pin(async move {
            let held = sqlx::query_scalar!(
                r#"SELECT (SELECT COUNT(*) FROM raids) + (SELECT COUNT(*) FROM encounters)
                        + (SELECT COUNT(*) FROM people) + (SELECT COUNT(*) FROM keys) AS "held!: i64""#
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
        Box::pin(async move { Ok(again(&mut self.0).await?) })
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

/// No new row gets a number that notes say of one that is gone. Those that were put in are counted already.
async fn number_on(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE account_numbers SET last = max(last, (SELECT COALESCE(max(about), 0) FROM audit))")
        .execute(&mut *connection)
        .await?;
    for (table, column) in [("people", "max(COALESCE(who, 0), COALESCE(about, 0))"), ("keys", "key")] {
        let of_notes = format!("(SELECT COALESCE(max({column}), 0) FROM audit)");
        let update = format!("UPDATE sqlite_sequence SET seq = max(seq, {of_notes}) WHERE name = '{table}'");
        let insert = format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', {of_notes}
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')"
        );
        for statement in [update, insert] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn put(connection: &mut SqliteConnection, row: &Row) -> Result<(), sqlx::Error> {
    let put = match row {
        Row::Upkeep(UpkeepCells { name, state }) => {
            sqlx::query!("INSERT INTO upkeep (name, state) VALUES (?, ?)", name, state)
        }
        Row::Account(AccountCells { row, name, channel, tickets }) => sqlx::query!(
            "INSERT INTO accounts (row, name, channel, tickets) VALUES (?, ?, ?, ?)",
            row,
            name,
            channel,
            tickets,
        ),
        Row::Person(PersonCells { row, name, name_key, role, created_at_ms }) => sqlx::query!(
            "INSERT INTO people (row, name, name_key, role, created_at_ms) VALUES (?, ?, ?, ?, ?)",
            row,
            name,
            name_key,
            role,
            created_at_ms,
        ),
        Row::Owner(OwnerCells { account, person }) => {
            sqlx::query!("INSERT INTO account_owners (account, person) VALUES (?, ?)", account, person)
        }
        Row::SignIn(SignInCells { provider, subject, person, secret }) => sqlx::query!(
            "INSERT INTO sign_ins (provider, subject, person, secret) VALUES (?, ?, ?, ?)",
            provider,
            subject,
            person,
            secret,
        ),
        Row::Invitation(invitation) => sqlx::query!(
            "INSERT INTO invitations (digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            invitation.digest,
            invitation.role,
            invitation.note,
            invitation.made_by,
            invitation.created_at_ms,
            invitation.ends_at_ms,
            invitation.uses_left,
        ),
        Row::Session(SessionCells { row, digest, person, agent, created_at_ms, used_at_ms }) => sqlx::query!(
            "INSERT INTO sessions (row, digest, person, agent, created_at_ms, used_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
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
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
            "INSERT INTO webhook_messages (raid, digest, message, shown, sent_at_ms) VALUES (?, ?, ?, ?, ?)",
            message.raid,
            message.digest,
            message.message,
            message.shown,
            message.sent_at_ms,
        ),
        Row::Player(PlayerCells { raid, player, number }) => {
            sqlx::query!("INSERT INTO raid_players (raid, player, number) VALUES (?, ?, ?)", raid, player, number,)
        }
        Row::Encounter(encounter) => return put_encounter(connection, encounter).await,
        Row::Stream(StreamCells { row, encounter, stream, header, after_revision }) => sqlx::query!(
            "INSERT INTO encounter_stream (row, encounter, stream, header, after_revision) VALUES (?, ?, ?, ?, ?)",
            row,
            encounter,
            stream,
            header,
            after_revision,
        ),
        Row::Entry(EntryCells { stream, seq, kind, received_at_ms, data }) => sqlx::query!(
            "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data) VALUES (?, ?, ?, ?, ?)",
            stream,
            seq,
            kind,
            received_at_ms,
            data,
        ),
        Row::Record(BlobCells { encounter, data }) => {
            sqlx::query!("INSERT INTO encounter_record (encounter, record) VALUES (?, ?)", encounter, data)
        }
        Row::Log(BlobCells { encounter, data }) => {
            sqlx::query!("INSERT INTO encounter_log (encounter, log) VALUES (?, ?)", encounter, data)
        }
        Row::Hash(HashCells { account, hash, encounter }) => sqlx::query!(
            "INSERT INTO upload_hashes (account, hash, encounter) VALUES (?, ?, ?)",
            account,
            hash,
            encounter,
        ),
        Row::Job(JobCells { kind, account, name, data, created_at_ms, due_at_ms, tries, why, encounter_id }) => {
            sqlx::query!(
                "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms, tries, why, encounter_id)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                kind,
                account,
                name,
                data,
                created_at_ms,
                due_at_ms,
                tries,
                why,
                encounter_id,
            )
        }
        Row::Quota(QuotaCells { account, what, since_ms, used }) => sqlx::query!(
            "INSERT INTO quota (account, what, since_ms, used) VALUES (?, ?, ?, ?)",
            account,
            what,
            since_ms,
            used,
        ),
        Row::Audit(AuditCells { row, at_ms, who, what, about, key }) => sqlx::query!(
            "INSERT INTO audit (row, at_ms, who, what, about, key) VALUES (?, ?, ?, ?, ?, ?)",
            row,
            at_ms,
            who,
            what,
            about,
            key,
        ),
        Row::Claim(claim) => sqlx::query!(
            "INSERT INTO claims (row, person, player, called, way, code, created_at_ms, ends_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            character.row,
            character.person,
            character.player,
            character.called,
            character.way,
            character.agrees,
            character.proved_at_ms,
        ),
        Row::OptOut(OptOutCells { player, since_ms, by_administrator }) => sqlx::query!(
            "INSERT INTO opt_outs (player, since_ms, by_administrator) VALUES (?, ?, ?)",
            player,
            since_ms,
            by_administrator,
        ),
        Row::Removal(removal) => sqlx::query!(
            "INSERT INTO removals (row, player, links, contact, message, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
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

async fn put_encounter(connection: &mut SqliteConnection, encounter: &EncounterCells) -> Result<(), sqlx::Error> {
    let bosses = Names::to_json(&encounter.bosses);
    sqlx::query!(
        "INSERT INTO encounters
             (row, account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms, state, revision,
              kept_stream, kept_at_ms, ended_at_ms, duration_ms, outcome, scene, scene_id, difficulty, bosses, players,
              damage, boss_damage, healing, damage_taken, hits, heal_hits, deaths, damage_ms, remote_id, stub,
              verified)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        encounter.kept_stream,
        encounter.kept_at_ms,
        encounter.ended_at_ms,
        encounter.duration_ms,
        encounter.outcome,
        encounter.scene,
        encounter.scene_id,
        encounter.difficulty,
        bosses,
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
