//! The relay's own secret, and all that is made of it.

use hmac::{Hmac, KeyInit, Mac};
use raidcast_shared::id::{ActorId, EncounterId, RaidId, from_hex, hex};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use raidcast_store::{AccountId, KeyId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The relay's own secret: makes players' public keys, what encounters are kept under, and tickets.
#[derive(Clone)]
pub struct RelaySecret([u8; 32]);

impl RelaySecret {
    /// Takes the secret that the relay has kept.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, purpose: &[u8], message: &[u8]) -> [u8; 16] {
        let full = self.whole_mac(purpose, message);
        let mut out = [0; 16];
        out.copy_from_slice(&full[..16]);
        out
    }

    fn whole_mac(&self, purpose: &[u8], message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(purpose);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// What a webhook's address is sealed with.
    fn webhook_key(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.whole_mac(b"webhook", b""));
        LessSafeKey::new(key.expect("the key has 32 bytes"))
    }

    /// The address of an account's webhook as it is kept: nobody reads it without the relay's secret. `nonce` is random.
    pub fn seal_webhook(&self, account: AccountId, address: &str, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let mut hidden = address.as_bytes().to_vec();
        let of = Aad::from(account.0.to_be_bytes());
        let sealed = self.webhook_key().seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), of, &mut hidden);
        sealed.expect("an address is short");
        [&nonce[..], &hidden[..]].concat()
    }

    /// The address that was sealed; `None` if another relay, or for another account, sealed it.
    pub fn open_webhook(&self, account: AccountId, sealed: &[u8]) -> Option<String> {
        let (nonce, hidden) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut hidden = hidden.to_vec();
        let of = Aad::from(account.0.to_be_bytes());
        let address = self.webhook_key().open_in_place(Nonce::assume_unique_for_key(*nonce), of, &mut hidden).ok()?;
        String::from_utf8(address.to_vec()).ok()
    }

    /// What stands for an actor's id from the moment it arrives: the clear id is stored nowhere.
    pub fn actor(&self, id: ActorId) -> ActorId {
        ActorId(self.mac(b"actor", &id.0))
    }

    /// What stands for a player where a raid hides names, for those who are no members of it.
    pub fn pseudonym(&self, raid_code: &str, names: NamesPolicy, player: ActorId) -> ActorId {
        let message = [raid_code.as_bytes(), format!("|{names:?}|").as_bytes(), &player.0].concat();
        ActorId(self.mac(b"pseudonym", &message))
    }

    /// Where a player stands among those who get their numbers in a raid at once: an order that is good there alone, and
    /// leads to nobody's key.
    pub fn place(&self, raid_code: &str, player: ActorId) -> [u8; 16] {
        self.mac(b"place", &[raid_code.as_bytes(), b"|", &player.0].concat())
    }

    /// What stands for an encounter's id from the moment it arrives: a client makes the clear one of its player's id,
    /// so whoever reads it finds the player by trying all of them.
    pub fn encounter(&self, id: EncounterId) -> EncounterId {
        EncounterId(Uuid::from_bytes(self.mac(b"encounter", id.0.as_bytes())))
    }

    /// What stands for a meter's own hash of a fight from the moment it arrives: that is made of players' ids, which can be
    /// tried.
    pub fn upload(&self, source_hash: &str) -> [u8; 16] {
        self.mac(b"upload", source_hash.to_ascii_lowercase().as_bytes())
    }

    /// What stands for an address of whom something is counted, for as long as a salt is used: without both secrets whoever
    /// reads it finds the address by trying all of them.
    pub fn address(&self, salt: &[u8; 16], what: u8, address: [u8; 16]) -> [u8; 16] {
        self.mac(b"address", &[&salt[..], &[what], &address].concat())
    }

    /// What stands for a key's name in the store.
    pub fn key_name(&self, name: &str) -> u64 {
        let mac = self.mac(b"key", name.as_bytes());
        mac[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// What stands for a kept key in the store.
    pub fn kept_key(&self, key: KeyId) -> u64 {
        let mac = self.mac(b"kept key", &key.0.to_be_bytes());
        mac[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// What a browser is known by that somebody of this name, as names are compared, signed in with.
    pub fn known(&self, name_key: &str) -> String {
        hex(&self.mac(b"known", name_key.as_bytes()))
    }

    /// Whether a browser is known by this.
    pub fn is_known(&self, name_key: &str, known: &str) -> bool {
        self.known(name_key).as_bytes().ct_eq(known.as_bytes()).into()
    }

    /// The raid that an account's uploads of a day stand in, or one of the next ones, from 0: nobody else can make it
    /// before.
    pub fn uploads(
        &self,
        account: AccountId,
        (visibility, names): (Visibility, NamesPolicy),
        day: i64,
        number: u32,
    ) -> RaidId {
        let message = match names {
            // As it was before there were others.
            NamesPolicy::Full => format!("{}|{visibility:?}|{day}", account.0),
            names => format!("{}|{visibility:?}|{day}|{names:?}", account.0),
        };
        let message = if number == 0 { message } else { format!("{message}|{number}") };
        RaidId(Uuid::from_bytes(self.mac(b"uploads", message.as_bytes())))
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

    /// A place in the list that a question leads to, for who asked it: two numbers, which he cannot read.
    pub fn cursor(&self, question: &str, place: (i64, i64)) -> String {
        let mut plain = [0; 16];
        plain[..8].copy_from_slice(&place.0.to_be_bytes());
        plain[8..].copy_from_slice(&place.1.to_be_bytes());
        let tag = self.cursor_tag(question, plain);
        hex(&tag) + &hex(&self.cursor_hidden(tag, plain))
    }

    /// The place that a cursor names; `None` if it is none of this question's.
    pub fn open_cursor(&self, question: &str, cursor: &str) -> Option<(i64, i64)> {
        let bytes: [u8; 32] = from_hex(cursor)?.try_into().ok()?;
        let (mut tag, mut hidden) = ([0; 16], [0; 16]);
        tag.copy_from_slice(&bytes[..16]);
        hidden.copy_from_slice(&bytes[16..]);
        let plain = self.cursor_hidden(tag, hidden);
        if !bool::from(self.cursor_tag(question, plain).ct_eq(&tag)) {
            return None;
        }
        let number = |half: &[u8]| half.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte)).cast_signed();
        Some((number(&plain[..8]), number(&plain[8..])))
    }

    fn cursor_tag(&self, question: &str, plain: [u8; 16]) -> [u8; 16] {
        self.mac(b"cursor", &[&plain[..], question.as_bytes()].concat())
    }

    /// Hides what is plain, and shows what is hidden.
    fn cursor_hidden(&self, tag: [u8; 16], mut bytes: [u8; 16]) -> [u8; 16] {
        let pad = self.mac(b"hidden cursor", &tag);
        bytes.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        bytes
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
    fn a_cursor_is_of_one_question_and_tells_nothing() {
        let (one, two) = (RelaySecret::new([1; 32]), RelaySecret::new([2; 32]));
        for place in [(0, 0), (-1, i64::MAX), (1_790_000_000_000, 7)] {
            let cursor = one.cursor("a question", place);
            assert_eq!(one.open_cursor("a question", &cursor), Some(place));
            assert_eq!(one.open_cursor("another", &cursor), None);
            assert_eq!(two.open_cursor("a question", &cursor), None);
            for at in 0..cursor.len() {
                let other = if cursor.as_bytes()[at] == b'0' { "1" } else { "0" };
                let changed = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
                assert_eq!(one.open_cursor("a question", &changed), None, "{changed}");
            }
        }
        for bad in ["", "00", "zz", &"0".repeat(64), &"0".repeat(66), "é".repeat(32).as_str()] {
            assert_eq!(one.open_cursor("a question", bad), None, "{bad}");
        }
    }

    #[test]
    fn a_sealed_address_is_opened_by_its_relay_for_its_account_alone() {
        let (one, two) = (RelaySecret::new([1; 32]), RelaySecret::new([2; 32]));
        let address = "https://discord.com/api/webhooks/1/token";
        let sealed = one.seal_webhook(AccountId(1), address, [7; NONCE_LEN]);
        assert_eq!(one.open_webhook(AccountId(1), &sealed).as_deref(), Some(address));
        assert_eq!(one.open_webhook(AccountId(2), &sealed), None);
        assert_eq!(two.open_webhook(AccountId(1), &sealed), None);
        assert_ne!(sealed, one.seal_webhook(AccountId(1), address, [8; NONCE_LEN]));
        assert!(!sealed.windows(5).any(|part| part == b"token"));
        for length in 0..sealed.len() {
            assert_eq!(one.open_webhook(AccountId(1), &sealed[..length]), None);
        }
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
