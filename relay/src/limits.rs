//! What strangers and keys may hold of a relay: each number with its unit and the sum that gave it.
//!
//! [`EdgeLimits`] are those that an operator or a test sets otherwise; the constants are for everybody. Limits of the
//! wire are in `raidcast_shared::limits`.

use raidcast_shared::limits::{NAMED_FIGHTS_MAX, STREAMED_FIGHTS_PER_DAY};

/// Sockets at once, whatever the system allows: the largest raid's 16,384 spectators, twice.
pub const SOCKETS_MAX: usize = 32_768;
/// Descriptors kept for files: the database, its readers, and the runtime's own come to about forty.
pub const FILES_KEPT: usize = 64;
/// Files of the operator's folder that are on their way at once, where there is one: each has a descriptor, which is kept
/// for it, and two pieces in memory.
pub const DOWNLOADS_MAX: usize = 32;
/// Of one address: a guild behind one address updates one after the other.
pub const DOWNLOADS_PER_ADDRESS: u32 = 8;
/// Sockets that only uplinks get: forty raiders of three guilds.
pub const UPLINKS_KEPT: usize = 128;
/// Sockets at once whose next request has not come: at some 30 KB each 120 MB. Beyond it the oldest is closed.
pub const WAITING_MAX: usize = 4_096;
/// Bytes of a request's head: browsers send under 2 KiB, proxies add little. While a head is not whole, up to twice as
/// much is read before it is refused.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Lines of a request's head: browsers send twenty. More are refused before it is known what is asked.
pub const HEADERS_MAX: usize = 1_024;
/// Bytes of answers, of those beyond [`LARGE_ANSWER_BYTES`], that are made and not sent yet: some twenty of the largest.
pub const ANSWERS_BYTES_MAX: u32 = 256 * 1024 * 1024;
/// A smaller answer is not counted in [`ANSWERS_BYTES_MAX`]: 32 of them an address are its limit.
pub const LARGE_ANSWER_BYTES: u64 = 256 * 1024;
/// Large answers go out in pieces of so many bytes: 1.6 ms at the rate below.
pub const PIECE_BYTES: usize = 64 * 1024;
/// What one who watches is sent a second at most, in bytes: ten ticks of forty players with their skill rows. What a
/// feed's socket was sent beyond it counts as an answer.
pub const WATCHED_BYTES_PER_S: u32 = 64 * 1024;
/// So many bytes a second of large answers leave the relay: a third of a line of 1 Gbit/s, so that feeds and
/// acknowledgements have the rest.
pub const LARGE_ANSWERS_BYTES_PER_S: u32 = 40_000_000;
/// Bytes of a request's body, but for uploads: nothing else that can be asked for needs one.
pub const REQUEST_BODY_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of an upload's body, as it is sent and unfolded: 1.4 million hits at 178 each, as meters write them. Ten fights of
/// twenty players for six minutes, which old meters send together, are 55 MB.
pub const UPLOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Of a packed one as it is sent.
pub const UPLOAD_PACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A longer body waits until no other such one is held: the fight of twenty players and a quarter of an hour.
pub const UPLOAD_LARGE_BYTES: usize = 16 * 1024 * 1024;
/// Uploads that are read at once: at [`UPLOAD_LARGE_BYTES`] each 128 MiB, beside a large one.
pub const UPLOADS_READ_MAX: usize = 8;
/// Of one account: whose requests come slowly leaves places to others.
pub const UPLOADS_READ_EACH: usize = 6;
/// Uploads that wait to be read, each with a socket that is not read yet: a thousand at once, and as many again.
pub const UPLOADS_WAITING_MAX: usize = 2_048;
/// An upload waits this long for its turn, ms: meters wait 30 s for the answer.
pub const UPLOAD_WAITS_MS: u64 = 20_000;
/// And a meter's body must be there in this time from its turn on, ms: 1.7 MB/s for 50 MB.
pub const UPLOAD_READ_MS: u64 = 28_000;
/// And of it [`PIECE_BYTES`] at the least in this time, ms: 100 kbit/s.
pub const UPLOAD_PIECE_MS: u64 = 5_000;
/// Bytes of a question which fights are known, also unfolded: a thousand hashes of 64 characters are 70 KB, and what newer
/// meters tell of each as much again.
pub const CHECK_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of players' profiles, also unfolded: some hundred of them, and nothing of them is kept.
pub const PROFILES_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Profiles of one request.
pub const PROFILES_MAX: usize = 10_000;
/// An answer to an upload is there in this time from its request on, ms, whatever happens: meters wait 30 s.
pub const UPLOAD_ANSWER_MS: u64 = 28_000;
/// What is left of a key's day is told with an answer if the database says it within this, ms: after all of
/// [`UPLOAD_ANSWER_MS`], too, the answer is there before meters give up.
pub const ALLOWANCE_MS: u64 = 1_500;
/// Bytes of a request to `/api/v1/encounters`, as it is sent and unfolded: six of the largest encounters, or a night of
/// ordinary ones.
pub const ENCOUNTERS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Such a request waits this long for its turn, ms: a thousand that come at once take a minute on two cores.
pub const ENCOUNTERS_WAIT_MS: u64 = 110_000;
/// And their body must be there in this time from its turn on, ms: a fight of 5.5 MB over a line of a megabit a second.
pub const ENCOUNTERS_READ_MS: u64 = 60_000;
/// And it is answered in this time, ms, whatever happens.
pub const ENCOUNTERS_ANSWER_MS: u64 = 175_000;
/// So much of a body that is refused is taken in, bytes.
pub const DRAINED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// For so long, ms.
pub const DRAINED_MS_MAX: u64 = 2_000;
/// TLS handshakes of one address at once: a raid of forty that opens a page at the same time, six connections each.
pub const HANDSHAKES_BURST: u32 = 512;
/// And then so many a second: at a millisecond each (RSA; elliptic curves need a tenth) a twentieth of a core.
pub const HANDSHAKES_PER_S: u32 = 50;
/// The files of the certificate are read again this often, ms.
pub const CERTIFICATE_LOOK_MS: u64 = 5_000;
/// Bytes of each of them: a chain has some KB.
pub const CERTIFICATE_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that an answer must get on in one window of [`EdgeLimits::write_window_ms`]: 7 kbit/s, less than any line.
pub const WRITE_WINDOW_BYTES: usize = 16 * 1024;
/// Addresses whose rates are remembered: at about 50 bytes each 3 MB. Beyond it new ones share one rate.
pub const ADDRESSES_MAX: usize = 65_536;
/// Pings without an answer after which a socket counts as dead: with one more period, so that the last has its time.
pub const PINGS_UNANSWERED: u32 = 3;
/// Addresses of proxies that one request may have come by.
pub const HOPS_MAX: usize = 16;
/// A refused uplink's reason is written within this, ms; who does not read it gets none.
pub const FAREWELL_MS: u64 = 5_000;
/// A replay's socket with bytes that wait must take [`WRITE_WINDOW_BYTES`] in this time, ms, or it is ended: others
/// wait for its place.
pub const REPLAY_STALLED_MS: u64 = 20_000;
/// Folds of one address that wait for the pool: its 32 answers and 8 replays, and half as many again for the running
/// fights of lists. A quarter of all that may wait.
pub const FOLDS_WAITING_PER_ADDRESS: usize = 64;
/// Searches that are looked up at once: SQLite has three readers, and each takes some ms of one.
pub const SEARCHES_AT_ONCE: usize = 2;
/// Searches that wait for that: at 20 ms each a second.
pub const SEARCHES_WAITING: usize = 128;
/// Of one address: the half of its answers.
pub const SEARCHES_WAITING_PER_ADDRESS: usize = 16;
/// Pictures of links that are painted at once: each takes some four MB and some tens of ms of a core, behind live work.
pub const PICTURES_AT_ONCE: usize = 2;
/// Pictures that wait for that: some two seconds of it.
pub const PICTURES_WAITING: usize = 64;
/// Of one address: a chat's servers ask for a link once, and a page of a guild's reports shows some of them.
pub const PICTURES_WAITING_PER_ADDRESS: usize = 8;
/// Handles that a connection has at once, one for each reading that it begins: as many as fights of which it knows what
/// its client calls them. Beyond it the one that was begun longest ago has none, and is begun again.
pub const HANDLES_MAX: usize = NAMED_FIGHTS_MAX;
/// A key that does not manage throws away fights that came first less than this ago, ms: a day.
pub const DISCARD_MS: i64 = 24 * 3_600_000;
/// Discards of one connection at once, and then one a second: users throw a few fights away. What comes faster is read
/// later.
pub const DISCARDS_BURST: u32 = 64;
/// Players whose skill rows are made in one step of a view: of a raid of twenty who are all watched and all act, each
/// comes in four steps of five.
pub const DETAILS_A_STEP_MAX: usize = 16;
/// Tasks that share the spectators of a large room: on a machine with fewer cores, as many as those.
pub const SHARD_TASKS_MAX: usize = 8;
/// Commands that wait for a shard's task. On two cores it has 8,192 spectators, who say a thing a second each, and a beat
/// of theirs takes it some 70 ms: 600. Seven times as many, for when they all come at once. Whom a command beyond it
/// concerns is let go, and comes back.
pub const SHARD_COMMANDS_MAX: usize = 4_096;
/// Bytes that all open fights may hold in memory, if nothing else is set.
pub const MEMORY: u64 = 1024 * 1024 * 1024;
/// The last fight of a raid stays in memory for those who watch, however short that is, for so long after its report was
/// kept, ms: longer than a pause between two pulls, and than any delay. Then it is read from the store.
pub const WATCHED_MS: i64 = 15 * 60_000;
/// Bytes that the largest fight that is let through may hold: 64 MiB of deltas, 64 of two million hits each in a second of
/// its own, 33 of rows and pairs, 28 of sums told, 17 of its kept report, and some. A key may hold one at the least.
pub const FIGHT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Of what all open fights may hold a key may hold one of so many parts.
pub const KEYS_IN_MEMORY: u64 = 4;
/// A delta or a Begin for which there is no memory comes again after this, ms: what nobody needs goes once a second.
pub const MEMORY_RETRY_MS: u32 = 5_000;
/// What an open fight takes up beside its readings, bytes: views, tables, the names of things.
pub const FIGHT_BYTES: u64 = 64 * 1024;
/// What a delta takes up in memory besides its bytes, bytes: its place, and what the allocator adds.
pub const DELTA_HELD_BYTES: u64 = 128;
/// What a hit takes up on its way to the disk, bytes: unfolded, and the second that it may make.
pub const HIT_UNDER_WAY_BYTES: u64 = 72;
/// What a skill row of a kept report takes up in memory, bytes, with its name.
pub const SKILL_ROW_BYTES: u64 = 256;
/// Fights whose journals are read and folded at once, at a start and at their ends: each may be 64 MiB as it is stored,
/// and one of them may be unfolded that is large.
pub const JOURNALS_AT_ONCE: usize = 3;
/// Fights that a start left on the disk are looked after this often, ms.
pub const LEFT_EVERY_MS: u64 = 5_000;
/// Characters of the name that an asker gives a request: two UUIDs.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
/// Sockets of the address that is for metrics alone: a few who collect them, and a few who look.
pub const METRICS_SOCKETS_MAX: usize = 32;
/// How ready the relay is is looked at again after this, ms, whoever asks.
pub const READY_MS: i64 = 1_000;
/// A database that does not answer within this is down, ms.
pub const STORE_ANSWERS_MS: u64 = 3_000;
/// While the database is thought to be down it is looked at again this often, ms.
pub const DOWN_AGAIN_MS: u64 = 5_000;
/// Bytes of room on the disk below which the relay is not ready: the log of the largest fight while its journal, of as
/// much, is still there.
pub const DISK_ROOM_MIN: u64 = 128 * 1024 * 1024;
/// Of the room for what waits to be written so many percent may be in use while the relay is ready.
pub const QUEUE_PERCENT_MAX: u64 = 90;
/// A signature may be so old, or so far ahead, s: clocks that nobody sets are minutes off.
pub const SIGNATURE_WINDOW_S: i64 = 300;
/// It is remembered for so long after it was made, s: to the end of that, and as long as a body may take that came with it
/// in its last moment ([`ENCOUNTERS_WAIT_MS`] and [`ENCOUNTERS_READ_MS`]).
pub const SIGNATURE_KEPT_S: i64 = SIGNATURE_WINDOW_S + 175;
/// Of an account that signs ahead of the relay's clock it is noted by so many seconds further than it must be: it costs a
/// write that often, and is refused for that long after a restart.
pub const SIGNATURE_NOTED_S: i64 = 10;
/// Signatures of an account that are remembered at once: nine a second. At some 60 bytes each 250 KB.
pub const SIGNATURES_PER_ACCOUNT: usize = 4_096;
/// Signatures in one header: under the present secret, the next, and two more.
pub const SIGNATURES_MAX: usize = 4;
/// Lines of one kind that the log takes at once.
pub const LOG_BURST: u32 = 10;
/// And then one every so often, ms, with the number of those left out.
pub const LOG_EVERY_MS: u64 = 10_000;

/// What one address, or one key, may hold, and how long each thing may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Sockets of one address at once (of IPv6: of a /64). A guild of forty at home in one network with two pages
    /// each, and as much again for who only watches.
    pub connections_per_address: u32,
    /// Requests of one address at once. A page takes about ten, so a hundred people who open one at the same time.
    /// Never fewer than its sockets: each begins with a request.
    pub requests_burst: u32,
    /// And then so many a second: a third of what one core answers.
    pub requests_per_s: u32,
    /// Requests of one address that upload fights: so many at once, and as many again within an hour. A thousand raiders who
    /// share an address, a fight each; of one raid's forty, each fight of an evening.
    pub uploads_per_address_hour: u32,
    /// KiB of answers to one address at once, beside those that are under way already. The report of an ordinary fight is
    /// 30 to 60, of the largest there may be 600, so a raid of forty behind one address opens its report together.
    pub sent_kib_burst: u32,
    /// And then so many a second: seven of the largest.
    pub sent_kib_per_s: u32,
    /// KiB of the operator's files to one address at once: a guild of forty behind one address updates, with packages of
    /// some 12 MiB.
    pub downloaded_kib_burst: u32,
    /// And then so many a second: a tenth of what all large answers have.
    pub downloaded_kib_per_s: u32,
    /// Requests of one address that are being answered at once: of a pool with 256 places an eighth.
    pub answers_per_address: u32,
    /// Replays of one address: of the relay's 64 an eighth.
    pub replays_per_address: u32,
    /// Wrong keys of one address a minute: a typing error, some times over. The next wait, and good ones that might be guessed; one of 32 characters or more never does.
    pub wrong_keys_per_minute: u32,
    /// A request's head must be whole in this time, ms, also the next on a connection that is kept open.
    pub head_ms: u64,
    /// In this time, ms, an answer that does not fit the socket must get on by [`WRITE_WINDOW_BYTES`].
    pub write_window_ms: u64,
    /// Sockets of spectators and uplinks are pinged this often, ms: proxies cut after 60 s of silence.
    pub ping_ms: u64,
    /// An answer that takes so long to make, ms, is shared with who asks later, too.
    pub costly_ms: u64,
    /// Uplinks of one key at once: forty raiders who watch and upload, and half as many left behind by cut lines.
    pub connections_per_key: u32,
    /// Raids that one key begins an hour: forty raiders, five each.
    pub raids_per_key_hour: u32,
    /// Begins of one key at once: all fights of a raid of forty after a restart, and an upload of a thousand fights that
    /// the relay knows already.
    pub begins_burst: u32,
    /// And then so many a minute: each may cost a look at a stored log, some ms of ten.
    pub begins_per_key_minute: u32,
    /// Fights that one key begins within a day, those it discards again included. An upload of old fights leaves the last
    /// quarter to live ones.
    pub fights_per_key_day: u32,
    /// Bytes that the open fights of one key may hold in memory. A fight of twenty players holds 5 MB after a quarter of an
    /// hour (1 of deltas, the rest sums by row and second), so forty raiders who share a key hold 200.
    pub memory_per_key: u64,
    /// Bytes that all open fights may hold in memory: four such guilds.
    pub memory: u64,
    /// Bytes of fights that one key sends a day: its 4,000 fights at half a MiB each, which is 20 players
    /// for seven minutes. An upload of old fights leaves the last quarter here too.
    pub bytes_per_key_day: u64,
}

/// Digests of passwords that are made at once: each takes 19 MiB and a core for 50 ms.
pub const PASSWORDS_AT_ONCE: usize = 2;
/// People who wait for theirs.
pub const PASSWORDS_WAITING_MAX: usize = 30;
/// Of all these places, of one network (an IPv4 /24, an IPv6 /48): a quarter, so that one stranger who has all of its
/// addresses leaves places to others.
pub const PASSWORDS_PER_NETWORK: usize = (PASSWORDS_AT_ONCE + PASSWORDS_WAITING_MAX) / 4;
/// Places beside these, for who is signed in and for browsers that somebody of the name signed in with before. They come
/// seldom ([`SIGN_INS_PER_NAME`]), and eight are through in 200 ms on two cores.
pub const PASSWORDS_KNOWN_MAX: usize = 8;
/// Tries of an address to sign in, join or change a password within a minute.
pub const SIGN_INS_PER_ADDRESS_MINUTE: u32 = 5;
/// Tries of one network (an IPv4 /24, an IPv6 /48) to sign in under one name at once; as many come again within a quarter of
/// an hour. The same of all browsers that somebody of this name signed in with before, and of what one person tries.
pub const SIGN_INS_PER_NAME: u32 = 10;
/// And of all networks together: to shut somebody out of new browsers takes thirty of them that all go on trying, and who
/// has any number of them tries 29,000 passwords of a name a day. The shortest have ten characters.
pub const SIGN_INS_PER_NAME_IN_ALL: u32 = 300;

/// People who join from one address within an hour: a raid that joins at one place. Not within a day, or the address would
/// be held for as long.
pub const JOINS_PER_ADDRESS_HOUR: u32 = 20;
/// Requests for removal of one address within an hour: who was seen in several raids names all of them in one.
pub const REMOVALS_PER_ADDRESS_HOUR: u32 = 3;
/// The same of neighbours (an IPv4 /24, an IPv6 /48): a house, or a firm, or one stranger whom his provider gave them all.
pub const REMOVALS_PER_NEIGHBOURS_HOUR: u32 = 9;
/// The same of a provider's addresses (an IPv4 /16, an IPv6 /32).
pub const REMOVALS_PER_PROVIDER_HOUR: u32 = 18;
/// The same of all: the room for requests is not filled within a day, in which an administrator looks.
pub const REMOVALS_PER_HOUR: u32 = 36;
/// Requests for removal that nobody closes go after this, ms: who still wants it asks again.
pub const REMOVALS_KEPT_MS: i64 = 180 * 24 * 3_600_000;
/// People who join within an hour without an invitation: of a relay that is open to everybody, what a stranger with many
/// addresses can make it hold.
pub const JOINS_PER_HOUR: u32 = 200;
/// Keys of all people. They stand in memory, at some 300 bytes each.
pub const KEYS_MADE_MAX: usize = 100_000;
/// Programs that wait to be let in by somebody's code, some 300 bytes each.
pub const PAIRINGS_MAX: usize = 1_000;
/// Of one address.
pub const PAIRINGS_PER_ADDRESS: usize = 5;
/// Sign-ins by a provider that an address begins within a minute: a guild behind one address comes in together.
pub const PROVIDER_SIGN_INS_PER_ADDRESS_MINUTE: u32 = 60;
/// People who are at a provider and may come back, some 600 bytes each; and as many who choose a name.
pub const SIGN_INS_WAITING_MAX: usize = 10_000;
/// Of one address.
pub const SIGN_INS_WAITING_PER_ADDRESS: usize = 100;
/// Sign-ins for which one provider is asked at once.
pub const PROVIDER_ASKED_MAX: usize = 16;
/// A provider that wants to be left alone is for so many seconds at the most, whatever it says: then one question tells
/// whether it still does. Longer would keep people out on the word of one answer.
pub const PROVIDER_LEFT_ALONE_S_MAX: u32 = 300;
/// Codes of an address, or of somebody who is signed in, that one provider may refuse within
/// [`PROVIDER_REFUSED_WINDOW_S`]: each made the relay ask it. A code that it gave is not refused, so a guild behind one
/// address does not come near.
pub const PROVIDER_REFUSED_PER_ADDRESS: u32 = 20;
/// See [`PROVIDER_REFUSED_PER_ADDRESS`].
pub const PROVIDER_REFUSED_WINDOW_S: u64 = 600;
/// A provider answers within this, ms.
pub const PROVIDER_ANSWER_MS: u64 = 8_000;
/// And all that it is asked for one sign-in: less than an answer of the relay may take.
pub const PROVIDER_SIGN_IN_MS: u64 = 20_000;
/// Bytes of its answer at the most: large ones publish some dozen keys.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Keys of a provider that are looked at.
pub const PROVIDER_KEYS_MAX: usize = 100;
/// Bytes of an id token at the most.
pub const ID_TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Characters of a webhook's address: Discord's have some 120.
pub const WEBHOOK_URL_CHARS_MAX: usize = 300;
/// A webhook answers within this, ms: a job of it may ask four times, and is given 30 s.
pub const WEBHOOK_ANSWER_MS: u64 = 6_000;
/// Bytes of its answer at the most: a message with its embed has some ten KB.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Who wants to be left alone for longer, ms, is asked again after that: a day.
pub const WEBHOOK_WAIT_MS_MAX: i64 = 24 * 3_600_000;
/// Whose messages are not taken is tried so many times, within about a day: 85 minutes for the first eleven, then once an hour.
pub const WEBHOOK_TRIES_MAX: u32 = 32;
/// So many of these count at the most that failed otherwise, so that after an outage one refusal stops nothing.
pub const WEBHOOK_OUTAGE_TRIES_MAX: u32 = 20;
/// A webhook that took a message within this, ms, takes others: what it does not take is that one's fault.
pub const WEBHOOK_TAKES_MS: i64 = 24 * 3_600_000;
/// A message in a webhook that its account had before is asked for so many times where that fails: within ten minutes.
pub const WEBHOOK_LEFT_TRIES_MAX: u32 = 8;
/// A message that says that a webhook works is sent to each so often at the most, ms.
pub const WEBHOOK_TEST_EACH_MS: i64 = 10_000;
/// Raids that are told of as one night: of more uploaders each of the others has a message of his own.
pub const NIGHT_RAIDS_MAX: usize = 8;
/// A night whose newest fight began longer ago, ms, gets no message: a day. One that it has is edited however old it is.
pub const NIGHT_FRESH_MS: i64 = 24 * 3_600_000;

/// A ticket for a feed is good for so long, ms: a page opens its feed in the same second, a slow phone some later.
pub const FEED_TICKET_MS: i64 = 60_000;
/// Tickets for feeds that wait to be used, some 400 bytes each.
pub const FEED_TICKETS_MAX: usize = 10_000;
/// Of one address: a guild behind one address comes back together after a restart, and each takes one for some ms.
pub const FEED_TICKETS_PER_ADDRESS: usize = 256;
/// Tickets and links of one address that were none, within a minute: then none is exchanged for a while. One page whose link
/// is over asks once.
pub const WRONG_TICKETS_PER_MINUTE: u32 = 30;
/// Of so many overlays of a raid its uploader is told, some 100 bytes each: a streamer has a few.
pub const OVERLAYS_TOLD_MAX: usize = 100;
/// A link lasts so many days where its maker says nothing.
pub const LINK_DAYS: u32 = 30;
/// And so many at the most, if it has an end.
pub const LINK_DAYS_MAX: u32 = 3_650;

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections_per_address: 256,
            requests_burst: 1_200,
            requests_per_s: 100,
            uploads_per_address_hour: 1_000,
            sent_kib_burst: 8 * 1024,
            sent_kib_per_s: 4 * 1024,
            downloaded_kib_burst: 512 * 1024,
            downloaded_kib_per_s: 4 * 1024,
            answers_per_address: 32,
            replays_per_address: 8,
            wrong_keys_per_minute: 10,
            head_ms: 15_000,
            write_window_ms: 20_000,
            ping_ms: 20_000,
            costly_ms: 50,
            connections_per_key: 128,
            raids_per_key_hour: 200,
            begins_burst: 1_024,
            begins_per_key_minute: 600,
            fights_per_key_day: STREAMED_FIGHTS_PER_DAY,
            memory_per_key: MEMORY / KEYS_IN_MEMORY,
            memory: MEMORY,
            bytes_per_key_day: 4_000 * 1024 * 1024 / 2,
        }
    }
}

impl EdgeLimits {
    /// With so many bytes of memory for open fights, of which a key may have its part.
    #[must_use]
    pub fn with_memory(self, memory: u64) -> Self {
        Self { memory, memory_per_key: (memory / KEYS_IN_MEMORY).max(FIGHT_BYTES_MAX).min(memory), ..self }
    }

    /// From the last byte of a socket to its being let go, ms.
    pub fn silence_ms(&self) -> u64 {
        self.ping_ms * u64::from(PINGS_UNANSWERED + 1)
    }
}
