//! People, how they sign in, and invitations.

use raidcast_store::row::{AccountColumns, InvitationColumns, PersonColumns, readable};
use raidcast_store::{
    Account, AccountId, Adding, Audited, Invitation, Joining, NewPerson, Note, People, Person, PersonId, Role, SignIn,
    StoreFuture, Subject, code,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::audit::put_note;
use crate::error::Failure;

impl People for PostgresStore {
    fn join<'a>(&'a self, new: &'a NewPerson) -> StoreFuture<'a, Joining> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let joining = join(&mut transaction, new).await?;
            // What is refused is not committed.
            if matches!(joining, Joining::Joined(_)) {
                transaction.commit().await?;
            }
            Ok(joining)
        })
    }

    fn person(&self, person: PersonId) -> StoreFuture<'_, Option<Person>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                PersonColumns,
                "SELECT row, name, role, created_at_ms FROM people WHERE row = $1",
                person.0
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(Person::try_from).transpose()?)
        })
    }

    fn has_role(&self, role: Role) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let has_role = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT 1 FROM people WHERE role = $1) AS "has_role!""#,
                code::of_role(role)
            );
            Ok(has_role.fetch_one(&self.pool).await?)
        })
    }

    fn sign_in<'a>(&'a self, subject: &'a Subject) -> StoreFuture<'a, Option<SignIn>> {
        Self::answer(async move {
            if !Self::is_storable(&subject.provider) || !Self::is_storable(&subject.subject) {
                return Ok(None);
            }
            let found = sqlx::query!(
                "SELECT person, secret FROM sign_ins WHERE provider = $1 AND subject = $2",
                subject.provider,
                subject.subject,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(found.map(|found| SignIn { person: PersonId(found.person), secret: found.secret }))
        })
    }

    fn subjects(&self, person: PersonId) -> StoreFuture<'_, Vec<Subject>> {
        Self::answer(async move {
            Ok(sqlx::query_as!(
                Subject,
                "SELECT provider, subject FROM sign_ins WHERE person = $1 ORDER BY provider, subject",
                person.0
            )
            .fetch_all(&self.pool)
            .await?)
        })
    }

    fn add_sign_in<'a>(&'a self, person: PersonId, subject: &'a Subject) -> StoreFuture<'a, Adding> {
        Self::answer(async move {
            let added = sqlx::query!(
                "INSERT INTO sign_ins (provider, subject, person) SELECT $1, $2, row FROM people WHERE row = $3
                 ON CONFLICT (provider, subject) DO NOTHING",
                subject.provider,
                subject.subject,
                person.0,
            )
            .execute(&self.pool)
            .await?;
            if added.rows_affected() > 0 {
                return Ok(Adding::Added);
            }
            let holds = sqlx::query_scalar!(
                "SELECT person FROM sign_ins WHERE provider = $1 AND subject = $2",
                subject.provider,
                subject.subject,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(if holds == Some(person.0) { Adding::Held } else { Adding::Taken })
        })
    }

    fn remove_sign_ins<'a>(&'a self, person: PersonId, provider: &'a str) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            // Of two that go at once one sees that it is the last.
            lock(&mut transaction, person).await?;
            let removed = sqlx::query!(
                "DELETE FROM sign_ins WHERE person = $1 AND provider = $2
                 AND EXISTS (SELECT 1 FROM sign_ins WHERE person = $1 AND provider <> $2)",
                person.0,
                provider,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(removed.rows_affected() > 0)
        })
    }

    fn change_secret<'a>(
        &'a self,
        person: PersonId,
        secret: &'a str,
        but: Option<&'a [u8; 32]>,
    ) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction, person).await?;
            let changed = sqlx::query!(
                "UPDATE sign_ins SET secret = $2 WHERE person = $1 AND secret IS NOT NULL",
                person.0,
                secret
            )
            .execute(&mut *transaction)
            .await?;
            if changed.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query!(
                "DELETE FROM sessions WHERE person = $1 AND digest IS DISTINCT FROM $2",
                person.0,
                but.map(<[u8; 32]>::as_slice)
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn accounts_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Account>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                AccountColumns,
                "SELECT a.row, a.name, a.channel FROM account_owners o JOIN accounts a ON a.row = o.account
                 WHERE o.person = $1 ORDER BY a.name = $2 DESC, a.row",
                person.0,
                person.own_account(),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(columns.into_iter().map(Account::from).collect())
        })
    }

    fn claim(&self, account: AccountId, person: PersonId, now_ms: i64) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            // He does not leave meanwhile.
            sqlx::query!("SELECT row FROM people WHERE row = $1 FOR SHARE", person.0)
                .fetch_optional(&mut *transaction)
                .await?;
            let claimed = sqlx::query!(
                "INSERT INTO account_owners (account, person)
                 SELECT a.row, p.row FROM accounts a, people p
                 WHERE a.row = $1 AND p.row = $2 AND EXISTS (SELECT 1 FROM sign_ins s WHERE s.person = p.row)
                 ON CONFLICT (account) DO NOTHING",
                account.0,
                person.0,
            )
            .execute(&mut *transaction)
            .await?;
            if claimed.rows_affected() == 0 {
                return Ok(false);
            }
            let (by, about) = (Some(person), Some(account.0));
            put_note(&mut transaction, &Note { by, key: None, what: Audited::AccountClaimed, about, at_ms: now_ms })
                .await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn unclaimed(&self) -> StoreFuture<'_, Vec<Account>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                AccountColumns,
                "SELECT row, name, channel FROM accounts a
                 WHERE NOT EXISTS (SELECT 1 FROM account_owners o WHERE o.account = a.row) ORDER BY name"
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(columns.into_iter().map(Account::from).collect())
        })
    }

    fn invite<'a>(&'a self, invitation: &'a Invitation) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let Invitation { digest, role, note, made_by, created_at_ms, ends_at_ms, left } = invitation;
            let mut transaction = self.begin().await?;
            if made_by.is_some() {
                let what = Audited::InvitationMade;
                put_note(&mut transaction, &Note { by: *made_by, key: None, what, about: None, at_ms: *created_at_ms })
                    .await?;
            }
            sqlx::query!(
                "INSERT INTO invitations (digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                digest.as_slice(),
                code::of_role(*role),
                note,
                made_by.map(|person| person.0),
                created_at_ms,
                ends_at_ms,
                i64::from(*left),
            )
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn invitations(&self, now_ms: i64) -> StoreFuture<'_, Vec<Invitation>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                InvitationColumns,
                "SELECT digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left FROM invitations
                 WHERE uses_left > 0 AND ends_at_ms > $1 ORDER BY created_at_ms DESC, digest",
                now_ms
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(columns))
        })
    }

    fn uninvite<'a>(&'a self, digest: &'a [u8; 32], by: PersonId, now_ms: i64) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let removed = sqlx::query!("DELETE FROM invitations WHERE digest = $1", digest.as_slice())
                .execute(&mut *transaction)
                .await?;
            if removed.rows_affected() == 0 {
                return Ok(false);
            }
            let what = Audited::InvitationTakenBack;
            put_note(&mut transaction, &Note { by: Some(by), key: None, what, about: None, at_ms: now_ms }).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn drop_invitations(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            sqlx::query!("DELETE FROM invitations WHERE made_by IS NULL OR uses_left = 0 OR ends_at_ms <= $1", now_ms)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }
}

/// Waits until nobody else changes how somebody signs in or begins a session of his; `false` if there is no such person.
pub(crate) async fn lock(connection: &mut PgConnection, person: PersonId) -> Result<bool, Failure> {
    let locked = sqlx::query!("SELECT row FROM people WHERE row = $1 FOR NO KEY UPDATE", person.0)
        .fetch_optional(connection)
        .await?;
    Ok(locked.is_some())
}

/// Keeps somebody with an account of his own. Unless he has joined, the transaction must not be committed. Who asks for
/// the same at this moment waits for its end.
async fn join(connection: &mut PgConnection, new: &NewPerson) -> Result<Joining, Failure> {
    let NewPerson { name, name_key, subject, secret, channel, invitation, now_ms } = new;
    let role = match invitation {
        Some(digest) => come_by(connection, digest, *now_ms).await?,
        None => Some(Role::default()),
    };
    let Some(role) = role else { return Ok(Joining::NotInvited) };
    let person = sqlx::query_scalar!(
        "INSERT INTO people (name, name_key, role, created_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name_key) DO NOTHING RETURNING row",
        name,
        name_key,
        code::of_role(role),
        now_ms,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(person) = person.map(PersonId) else { return Ok(Joining::Taken) };
    let signs_in = sqlx::query!(
        "INSERT INTO sign_ins (provider, subject, person, secret) VALUES ($1, $2, $3, $4)
         ON CONFLICT (provider, subject) DO NOTHING",
        subject.provider,
        subject.subject,
        person.0,
        secret.as_deref(),
    )
    .execute(&mut *connection)
    .await?;
    if signs_in.rows_affected() == 0 {
        return Ok(Joining::Taken);
    }
    let account = sqlx::query_scalar!(
        "INSERT INTO accounts (name, channel) VALUES ($1, $2) RETURNING row",
        person.own_account(),
        channel,
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!("INSERT INTO account_owners (account, person) VALUES ($1, $2)", account, person.0)
        .execute(connection)
        .await?;
    Ok(Joining::Joined(new.kept(person, role)))
}

/// Uses an invitation once, and tells what somebody may do who comes by it; `None` if it is not good.
async fn come_by(connection: &mut PgConnection, digest: &[u8; 32], now_ms: i64) -> Result<Option<Role>, Failure> {
    let role = sqlx::query_scalar!(
        "UPDATE invitations SET uses_left = uses_left - 1
         WHERE digest = $1 AND uses_left > 0 AND ends_at_ms > $2 RETURNING role",
        digest.as_slice(),
        now_ms,
    )
    .fetch_optional(connection)
    .await?;
    Ok(role.map(|role| code::role(role.into())).transpose()?)
}
