//! People, how they sign in, and invitations.

use raidcast_store::row::{AccountColumns, InvitationColumns, PersonColumns, readable};
use raidcast_store::{
    Account, AccountId, Adding, Audited, Invitation, Joining, NewPerson, Note, People, Person, PersonId, Role, SignIn,
    StoreFuture, Subject, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;

impl People for SqliteStore {
    fn join<'a>(&'a self, new: &'a NewPerson) -> StoreFuture<'a, Joining> {
        self.write(Join(new.clone()))
    }

    fn person(&self, person: PersonId) -> StoreFuture<'_, Option<Person>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                PersonColumns,
                r#"SELECT row AS "row!", name, role, created_at_ms FROM people WHERE row = ?1"#,
                person.0
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(Person::try_from).transpose()?)
        })
    }

    fn has_role(&self, role: Role) -> StoreFuture<'_, bool> {
        Self::read(async move {
            let role = code::of_role(role);
            let has_role = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT 1 FROM people WHERE role = ?1) AS "has_role!: bool""#,
                role
            );
            Ok(has_role.fetch_one(&self.readers).await?)
        })
    }

    fn sign_in<'a>(&'a self, subject: &'a Subject) -> StoreFuture<'a, Option<SignIn>> {
        Self::read(async move {
            let found = sqlx::query!(
                "SELECT person, secret FROM sign_ins WHERE provider = ?1 AND subject = ?2",
                subject.provider,
                subject.subject,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(found.map(|found| SignIn { person: PersonId(found.person), secret: found.secret }))
        })
    }

    fn subjects(&self, person: PersonId) -> StoreFuture<'_, Vec<Subject>> {
        Self::read(async move {
            Ok(sqlx::query_as!(
                Subject,
                "SELECT provider, subject FROM sign_ins WHERE person = ?1 ORDER BY provider, subject",
                person.0
            )
            .fetch_all(&self.readers)
            .await?)
        })
    }

    fn add_sign_in<'a>(&'a self, person: PersonId, subject: &'a Subject) -> StoreFuture<'a, Adding> {
        self.write(AddSignIn { person, subject: subject.clone() })
    }

    fn remove_sign_ins<'a>(&'a self, person: PersonId, provider: &'a str) -> StoreFuture<'a, bool> {
        self.write(RemoveSignIns { person, provider: provider.into() })
    }

    fn change_secret<'a>(
        &'a self,
        person: PersonId,
        secret: &'a str,
        but: Option<&'a [u8; 32]>,
    ) -> StoreFuture<'a, bool> {
        self.write(ChangeSecret { person, secret: secret.into(), but: but.copied() })
    }

    fn accounts_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Account>> {
        Self::read(async move {
            let own = person.own_account();
            let columns = sqlx::query_as!(
                AccountColumns,
                r#"SELECT a.row AS "row!", a.name, a.channel FROM account_owners o JOIN accounts a ON a.row = o.account
                   WHERE o.person = ?1 ORDER BY a.name = ?2 DESC, a.row"#,
                person.0,
                own,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(columns.into_iter().map(Account::from).collect())
        })
    }

    fn claim(&self, account: AccountId, person: PersonId, now_ms: i64) -> StoreFuture<'_, bool> {
        self.write(Claim { account, person, now_ms })
    }

    fn unclaimed(&self) -> StoreFuture<'_, Vec<Account>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                AccountColumns,
                r#"SELECT row AS "row!", name, channel FROM accounts
                   WHERE row NOT IN (SELECT account FROM account_owners) ORDER BY name"#
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(columns.into_iter().map(Account::from).collect())
        })
    }

    fn invite<'a>(&'a self, invitation: &'a Invitation) -> StoreFuture<'a, ()> {
        self.write(Invite(invitation.clone()))
    }

    fn invitations(&self, now_ms: i64) -> StoreFuture<'_, Vec<Invitation>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                InvitationColumns,
                "SELECT digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left FROM invitations
                 WHERE uses_left > 0 AND ends_at_ms > ?1 ORDER BY created_at_ms DESC, digest",
                now_ms
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn uninvite<'a>(&'a self, digest: &'a [u8; 32], by: PersonId, now_ms: i64) -> StoreFuture<'a, bool> {
        self.write(Uninvite { digest: *digest, by, now_ms })
    }

    fn drop_invitations(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.write(DropInvitations { now_ms })
    }
}

/// Keeps somebody with an account of his own.
struct Join(NewPerson);

impl Change for Join {
    type Output = Joining;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Joining, Failure> {
        let NewPerson { name, name_key, subject, secret, channel, invitation, now_ms } = &self.0;
        // Others' changes share the transaction: what is refused is found out before anything is changed.
        let role = match invitation {
            Some(digest) => invited_as(connection, digest, *now_ms).await?,
            None => Some(Role::default()),
        };
        let Some(role) = role else { return Ok(Joining::NotInvited) };
        if is_taken(connection, name_key, subject).await? {
            return Ok(Joining::Taken);
        }
        if let Some(digest) = invitation {
            let digest = digest.as_slice();
            sqlx::query!("UPDATE invitations SET uses_left = uses_left - 1 WHERE digest = ?1", digest)
                .execute(&mut *connection)
                .await?;
        }
        let of_role = code::of_role(role);
        let person = sqlx::query_scalar!(
            r#"INSERT INTO people (name, name_key, role, created_at_ms) VALUES (?1, ?2, ?3, ?4)
               RETURNING row AS "row!""#,
            name,
            name_key,
            of_role,
            now_ms,
        )
        .fetch_one(&mut *connection)
        .await?;
        let person = PersonId(person);
        sqlx::query!(
            "INSERT INTO sign_ins (provider, subject, person, secret) VALUES (?1, ?2, ?3, ?4)",
            subject.provider,
            subject.subject,
            person.0,
            secret,
        )
        .execute(&mut *connection)
        .await?;
        let own = person.own_account();
        let account = sqlx::query_scalar!(
            r#"INSERT INTO accounts (row, name, channel)
               SELECT max(n.last, COALESCE((SELECT max(row) FROM accounts), 0)) + 1, ?1, ?2 FROM account_numbers n
               RETURNING row AS "row!""#,
            own,
            channel,
        )
        .fetch_one(&mut *connection)
        .await?;
        sqlx::query!("INSERT INTO account_owners (account, person) VALUES (?1, ?2)", account, person.0)
            .execute(connection)
            .await?;
        Ok(Joining::Joined(self.0.kept(person, role)))
    }
}

/// What somebody may do who comes by an invitation; `None` if it is not good.
async fn invited_as(
    connection: &mut SqliteConnection,
    digest: &[u8; 32],
    now_ms: i64,
) -> Result<Option<Role>, Failure> {
    let digest = digest.as_slice();
    let role = sqlx::query_scalar!(
        "SELECT role FROM invitations WHERE digest = ?1 AND uses_left > 0 AND ends_at_ms > ?2",
        digest,
        now_ms,
    )
    .fetch_optional(connection)
    .await?;
    Ok(role.map(code::role).transpose()?)
}

/// Whether anybody has the name, or signs in so.
async fn is_taken(connection: &mut SqliteConnection, name_key: &str, subject: &Subject) -> Result<bool, Failure> {
    let is_taken = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM people WHERE name_key = ?1)
               OR EXISTS (SELECT 1 FROM sign_ins WHERE provider = ?2 AND subject = ?3) AS "is_taken!: bool""#,
        name_key,
        subject.provider,
        subject.subject,
    );
    Ok(is_taken.fetch_one(connection).await?)
}

/// Adds a way in which somebody signs in.
struct AddSignIn {
    person: PersonId,
    subject: Subject,
}

impl Change for AddSignIn {
    type Output = Adding;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Adding, Failure> {
        let Self { person, subject } = self;
        let added = sqlx::query!(
            "INSERT INTO sign_ins (provider, subject, person) SELECT ?1, ?2, row FROM people WHERE row = ?3
             ON CONFLICT (provider, subject) DO NOTHING",
            subject.provider,
            subject.subject,
            person.0,
        )
        .execute(&mut *connection)
        .await?;
        if added.rows_affected() > 0 {
            return Ok(Adding::Added);
        }
        let holds = sqlx::query_scalar!(
            "SELECT person FROM sign_ins WHERE provider = ?1 AND subject = ?2",
            subject.provider,
            subject.subject,
        )
        .fetch_optional(connection)
        .await?;
        Ok(if holds == Some(person.0) { Adding::Held } else { Adding::Taken })
    }
}

/// Removes ways in which somebody signs in.
struct RemoveSignIns {
    person: PersonId,
    provider: String,
}

impl Change for RemoveSignIns {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let Self { person, provider } = self;
        let removed = sqlx::query!(
            "DELETE FROM sign_ins WHERE person = ?1 AND provider = ?2
             AND EXISTS (SELECT 1 FROM sign_ins WHERE person = ?1 AND provider <> ?2)",
            person.0,
            provider,
        )
        .execute(connection)
        .await?;
        Ok(removed.rows_affected() > 0)
    }
}

/// Changes what a password is verified with, and ends sessions.
struct ChangeSecret {
    person: PersonId,
    secret: String,
    but: Option<[u8; 32]>,
}

impl Change for ChangeSecret {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let Self { person, secret, but } = self;
        let changed =
            sqlx::query!("UPDATE sign_ins SET secret = ?2 WHERE person = ?1 AND secret IS NOT NULL", person.0, secret)
                .execute(&mut *connection)
                .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let but = but.as_ref().map(<[u8; 32]>::as_slice);
        sqlx::query!("DELETE FROM sessions WHERE person = ?1 AND digest IS NOT ?2", person.0, but)
            .execute(connection)
            .await?;
        Ok(true)
    }
}

/// Gives an account that is nobody's to somebody.
struct Claim {
    account: AccountId,
    person: PersonId,
    now_ms: i64,
}

impl Change for Claim {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let claimed = sqlx::query!(
            "INSERT INTO account_owners (account, person)
             SELECT a.row, p.row FROM accounts a, people p
             WHERE a.row = ?1 AND p.row = ?2 AND EXISTS (SELECT 1 FROM sign_ins s WHERE s.person = p.row)
             ON CONFLICT (account) DO NOTHING",
            self.account.0,
            self.person.0,
        )
        .execute(&mut *connection)
        .await?;
        if claimed.rows_affected() == 0 {
            return Ok(false);
        }
        let (by, about) = (Some(self.person), Some(self.account.0));
        put_note(connection, &Note { by, key: None, what: Audited::AccountClaimed, about, at_ms: self.now_ms }).await?;
        Ok(true)
    }
}

/// Keeps an invitation.
struct Invite(Invitation);

impl Change for Invite {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let Invitation { digest, role, note, made_by, created_at_ms, ends_at_ms, left } = &self.0;
        if made_by.is_some() {
            let what = Audited::InvitationMade;
            put_note(&mut *connection, &Note { by: *made_by, key: None, what, about: None, at_ms: *created_at_ms })
                .await?;
        }
        let (digest, role, made_by) = (digest.as_slice(), code::of_role(*role), made_by.map(|person| person.0));
        sqlx::query!(
            "INSERT INTO invitations (digest, role, note, made_by, created_at_ms, ends_at_ms, uses_left)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            digest,
            role,
            note,
            made_by,
            created_at_ms,
            ends_at_ms,
            left,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Removes an invitation.
struct Uninvite {
    digest: [u8; 32],
    by: PersonId,
    now_ms: i64,
}

impl Change for Uninvite {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let digest = self.digest.as_slice();
        let removed =
            sqlx::query!("DELETE FROM invitations WHERE digest = ?1", digest).execute(&mut *connection).await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        let what = Audited::InvitationTakenBack;
        put_note(connection, &Note { by: Some(self.by), key: None, what, about: None, at_ms: self.now_ms }).await?;
        Ok(true)
    }
}

/// Removes the relay's own invitations, and those that nobody can come by.
struct DropInvitations {
    now_ms: i64,
}

impl Change for DropInvitations {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!("DELETE FROM invitations WHERE made_by IS NULL OR uses_left = 0 OR ends_at_ms <= ?1", self.now_ms)
            .execute(connection)
            .await?;
        Ok(())
    }
}
