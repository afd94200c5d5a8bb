//! Who signs in: people, how they do, invitations and sessions.

pub use raidcast_shared::account::Role;

use crate::{Account, AccountId, StoreFuture};

/// A person's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub i64);

impl PersonId {
    /// The name of his own account. Nobody else may get one that begins so.
    pub fn own_account(self) -> String {
        format!("@{}", self.0)
    }
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// His row.
    pub id: PersonId,
    /// His name, as he wrote it.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// When he came, Unix ms.
    pub created_at_ms: i64,
}

/// A way to sign in: who somebody is to a provider. There is one of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Who says so: a provider's name in the configuration; empty for a password that is kept here.
    pub provider: String,
    /// Who he is there: for a password his name, as names are compared.
    pub subject: String,
}

/// How somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who he is.
    pub person: PersonId,
    /// What a password is verified with: a digest made to be slow, as its own text. `None` where a provider says who he is.
    pub secret: Option<String>,
}

/// A person who is new.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// His name, as he wrote it.
    pub name: String,
    /// His name as names are compared: one person has it.
    pub name_key: String,
    /// How he signs in.
    pub subject: Subject,
    /// As in [`SignIn`].
    pub secret: Option<String>,
    /// Names his account's channel in URLs.
    pub channel: String,
    /// The digest of the invitation that he came by, which is used once more by it; `None` where none is needed.
    pub invitation: Option<[u8; 32]>,
    /// Now, Unix ms.
    pub now_ms: i64,
}

impl NewPerson {
    /// Who is kept of it.
    pub fn kept(&self, id: PersonId, role: Role) -> Person {
        Person { id, name: self.name.clone(), role, created_at_ms: self.now_ms }
    }
}

/// What became of a person who is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joining {
    /// He is kept, with an account of his own and the role of his invitation.
    Joined(Person),
    /// Another has the name, or signs in so.
    Taken,
    /// There is no such invitation, or it is used up, or over.
    NotInvited,
}

/// What became of a way to sign in that somebody adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    /// It is his.
    Added,
    /// It was his before.
    Held,
    /// Somebody else signs in so.
    Taken,
}

/// An invitation. Whoever has its secret, which is not kept, may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of its secret.
    pub digest: [u8; 32],
    /// What who comes by it may do.
    pub role: Role,
    /// What whoever made it wrote down.
    pub note: String,
    /// Who made it; `None`: the relay itself.
    pub made_by: Option<PersonId>,
    /// When, Unix ms.
    pub created_at_ms: i64,
    /// From when it is good for nothing, Unix ms.
    pub ends_at_ms: i64,
    /// So many may still come by it.
    pub left: u32,
}

/// Keeps people, how they sign in, and invitations.
pub trait People: Send + Sync {
    /// Keeps somebody with an account of his own, named `@` and his row, if nobody has his name or signs in so, and his
    /// invitation is good, which is asked first. All of it, or nothing.
    ///
    /// # Errors
    /// `Damaged` if his channel is another's.
    fn join<'a>(&'a self, new: &'a NewPerson) -> StoreFuture<'a, Joining>;

    /// Somebody.
    fn person(&self, person: PersonId) -> StoreFuture<'_, Option<Person>>;

    /// Whether anybody has a role.
    fn has_role(&self, role: Role) -> StoreFuture<'_, bool>;

    /// Who signs in so, and how.
    fn sign_in<'a>(&'a self, subject: &'a Subject) -> StoreFuture<'a, Option<SignIn>>;

    /// The ways in which somebody signs in, by provider and subject.
    fn subjects(&self, person: PersonId) -> StoreFuture<'_, Vec<Subject>>;

    /// Adds a way in which somebody signs in: one that a provider vouches for. There is no such person: `Taken`.
    fn add_sign_in<'a>(&'a self, person: PersonId, subject: &'a Subject) -> StoreFuture<'a, Adding>;

    /// Removes all ways of one provider by which somebody signs in, if another is left to him; `false` if he has none of
    /// them, or no other.
    fn remove_sign_ins<'a>(&'a self, person: PersonId, provider: &'a str) -> StoreFuture<'a, bool>;

    /// Changes what a password is verified with, and ends all sessions but one. `false` if he has no password.
    fn change_secret<'a>(
        &'a self,
        person: PersonId,
        secret: &'a str,
        but: Option<&'a [u8; 32]>,
    ) -> StoreFuture<'a, bool>;

    /// The accounts that are somebody's, his own first: in the order in which they were made.
    fn accounts_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Account>>;

    /// Gives an account that is nobody's to somebody, and notes it; `false` if there is no such account or person, or it is
    /// somebody's.
    fn claim(&self, account: AccountId, person: PersonId, now_ms: i64) -> StoreFuture<'_, bool>;

    /// Accounts that are nobody's: those of keys that stand in the configuration. By name.
    fn unclaimed(&self) -> StoreFuture<'_, Vec<Account>>;

    /// Keeps an invitation, and notes who made it, if somebody did.
    fn invite<'a>(&'a self, invitation: &'a Invitation) -> StoreFuture<'a, ()>;

    /// The invitations that are good at a time, newest first.
    fn invitations(&self, now_ms: i64) -> StoreFuture<'_, Vec<Invitation>>;

    /// Removes an invitation, and notes who does it; `false` if there is none.
    fn uninvite<'a>(&'a self, digest: &'a [u8; 32], by: PersonId, now_ms: i64) -> StoreFuture<'a, bool>;

    /// Removes the invitations that the relay itself made, and those that are used up or were over at a time.
    fn drop_invitations(&self, now_ms: i64) -> StoreFuture<'_, ()>;
}
