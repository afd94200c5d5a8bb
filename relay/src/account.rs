//! Who may upload, and what stands in for a player's id.

use hmac::{Hmac, KeyInit, Mac};
use raidcast_shared::id::{ActorId, EncounterId, hex};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// An upload key of the configuration and the account that it stands for. The key itself is not kept.
#[derive(Clone, Debug)]
pub struct UploadKey {
    /// Name of the account.
    pub account: String,
    digest: [u8; 32],
}

impl UploadKey {
    /// Takes a key from the configuration.
    pub fn new(account: impl Into<String>, key: &str) -> Self {
        Self { account: account.into(), digest: digest(key.as_bytes()) }
    }
}

/// The keys that this relay knows.
#[derive(Clone, Debug, Default)]
pub struct Keyring(pub Vec<UploadKey>);

impl Keyring {
    /// The account that a key stands for. Takes as long for a wrong key as for a right one.
    pub fn account(&self, key: &str) -> Option<&str> {
        let digest = digest(key.as_bytes());
        self.0.iter().fold(None, |found, held| {
            let same = bool::from(held.digest.ct_eq(&digest));
            if same { Some(held.account.as_str()) } else { found }
        })
    }
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether two digests are one, in constant time.
pub fn same_digest(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// The relay's own secret: makes players' public keys, what encounters are kept under, and tickets.
#[derive(Clone)]
pub struct RelaySecret([u8; 32]);

impl RelaySecret {
    /// Takes the secret that the relay has kept.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, purpose: &[u8], message: &[u8]) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(purpose);
        mac.update(message);
        let full = mac.finalize().into_bytes();
        let mut out = [0; 16];
        out.copy_from_slice(&full[..16]);
        out
    }

    /// What stands for an actor's id from the moment it arrives: the clear id is stored nowhere.
    pub fn actor(&self, id: ActorId) -> ActorId {
        ActorId(self.mac(b"actor", &id.0))
    }

    /// What stands for an encounter's id from the moment it arrives: a client makes the clear one of its player's id,
    /// so whoever reads it finds the player by trying all of them.
    pub fn encounter(&self, id: EncounterId) -> EncounterId {
        EncounterId(Uuid::from_bytes(self.mac(b"encounter", id.0.as_bytes())))
    }

    /// What lets its holder see a private raid: the ticket with this number, from 0.
    pub fn ticket(&self, raid_code: &str, number: u32) -> String {
        self.numbered(b"ticket", raid_code, number)
    }

    /// Whether a ticket is that of the raid.
    pub fn is_ticket(&self, raid_code: &str, number: u32, ticket: &str) -> bool {
        self.ticket(raid_code, number).as_bytes().ct_eq(ticket.as_bytes()).into()
    }

    /// What lets its holder see the raid that a channel shows, if it is a private one.
    pub fn channel_ticket(&self, channel: &str, number: u32) -> String {
        self.numbered(b"channel", channel, number)
    }

    /// Whether a ticket is that of the channel.
    pub fn is_channel_ticket(&self, channel: &str, number: u32, ticket: &str) -> bool {
        self.channel_ticket(channel, number).as_bytes().ct_eq(ticket.as_bytes()).into()
    }

    fn numbered(&self, purpose: &[u8], name: &str, number: u32) -> String {
        // The first of each is what it was before there were others. Names hold no bar.
        let message = if number == 0 { name.to_owned() } else { format!("{name}|{number}") };
        hex(&self.mac(purpose, message.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_digest() {
        let keys = Keyring(vec![UploadKey::new("a", "one"), UploadKey::new("b", "two")]);
        assert_eq!(keys.account("one"), Some("a"));
        assert_eq!(keys.account("two"), Some("b"));
        assert_eq!(keys.account("three"), None);
        assert_eq!(keys.account(""), None);
    }

    #[test]
    fn tickets_and_actors_depend_on_the_secret() {
        let (one, two) = (RelaySecret::new([1; 32]), RelaySecret::new([2; 32]));
        let id = ActorId::clear(42);
        assert_eq!(one.actor(id), one.actor(id));
        assert_ne!(one.actor(id), two.actor(id));
        assert!(one.is_ticket("abc", 0, &one.ticket("abc", 0)));
        assert!(!one.is_ticket("abd", 0, &one.ticket("abc", 0)));
        assert!(!two.is_ticket("abc", 0, &one.ticket("abc", 0)));
    }

    #[test]
    fn a_ticket_is_of_one_number_and_of_a_raid_or_a_channel() {
        let secret = RelaySecret::new([1; 32]);
        // What was given before tickets had numbers stays good.
        assert_eq!(secret.ticket("abc", 0), "7e98f00706730fa10b832d3b4c12b286");
        assert!(secret.is_ticket("abc", 1, &secret.ticket("abc", 1)));
        assert!(!secret.is_ticket("abc", 1, &secret.ticket("abc", 0)));
        assert!(!secret.is_ticket("abc", 0, &secret.ticket("abc", 1)));
        assert!(!secret.is_ticket("abc", 0, &secret.channel_ticket("abc", 0)));
        assert!(secret.is_channel_ticket("abc", 7, &secret.channel_ticket("abc", 7)));
        assert!(!secret.is_channel_ticket("abc", 7, &secret.channel_ticket("abc", 8)));
    }

    #[test]
    fn what_stands_for_an_encounter_depends_on_the_secret() {
        let (one, two) = (RelaySecret::new([1; 32]), RelaySecret::new([2; 32]));
        let id = EncounterId::of_player("bpsr", 42, 1_790_000_000_000);
        assert_eq!(one.encounter(id), one.encounter(id));
        assert_ne!(one.encounter(id), id);
        assert_ne!(one.encounter(id), two.encounter(id));
    }
}
