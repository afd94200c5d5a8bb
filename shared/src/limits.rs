//! Every limit, with its unit and the sum that gave it. Beyond one: `Refused` with its code.

/// Players of one encounter. Raids have 20; the largest content seen has 40.
pub const PLAYERS_MAX: usize = 50;
/// Length of an encounter, ms: two hours.
pub const ENCOUNTER_DURATION_MS_MAX: u32 = 7_200_000;
/// Actors of one encounter: two hours of trash at one spawn every four seconds, and some.
pub const ACTORS_MAX: usize = 2_048;
/// Skills of one encounter.
pub const SKILLS_MAX: usize = 4_096;
/// Rare events of one encounter: deaths, names, attempts, buffs. 40 players with a buff change a second for an hour.
pub const RARE_EVENTS_MAX: usize = 150_000;
/// Deaths that a report lists.
pub const DEATHS_MAX: usize = 10_000;
/// What led to a death goes back so far, ms.
pub const RECAP_MS: u32 = 10_000;
/// Hits that are told of what led to a death: ten a second. Some 200 bytes each.
pub const RECAP_HITS_MAX: usize = 100;
/// Deaths of which it is told at once what led to them: those of a night's attempts. With all their hits 4 MB.
pub const RECAPS_MAX: usize = 200;
/// Attempts of one encounter.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Hits and heals of one encounter. 20 players make 86 a second, so 40 make 1.24 million in two hours; the rest is room.
/// At 40 bytes a hit in memory it is 80 MiB.
pub const ENCOUNTER_HITS_MAX: u64 = 1 << 21;
/// Rows (source, target, skill, kind) of one encounter. A boss fight of 20 players has a thousand; a dungeon of 300
/// monsters with eight skills of each player on each has 48,000.
pub const ENCOUNTER_ROWS_MAX: usize = 1 << 16;
/// What the deltas of one encounter take up, bytes: the hits above at 14 bytes each and 150,000 rare events at 150 make
/// 52 MB.
pub const ENCOUNTER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a delta counts besides its content, bytes: its envelope, and its place in the journal and in memory.
pub const DELTA_OVERHEAD_BYTES: u64 = 128;
/// How often one row's sums may be told: two hours at once a second make 7,200. Each that comes out of order costs as
/// much as there are after it.
pub const ROW_TELLINGS_MAX: u32 = 8_192;
/// Any sum of amounts, and so any amount: the largest integer that every JSON reader keeps exact, 2^53 - 1.
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// One uplink frame, bytes.
pub const UPLINK_FRAME_BYTES_MAX: usize = 256 * 1024;
/// What the relay still reads of a frame that is too long, so that it can say so and keep the connection.
pub const UPLINK_READ_BYTES_MAX: usize = 4 * UPLINK_FRAME_BYTES_MAX;
/// Hits of one delta: at 7 bytes a hit 112 KiB, well inside a frame.
pub const DELTA_HITS_MAX: usize = 16_384;
/// Rare events of one delta.
pub const DELTA_RARE_MAX: usize = 4_096;
/// Columns of a delta, known and unknown.
pub const COLUMNS_MAX: usize = 32;
/// Nesting of a frame: envelope, list, entry, and room for two more levels in later versions.
pub const DEPTH_MAX: usize = 16;
/// Uplink bytes a second, averaged over [`UPLINK_BURST_BYTES`].
pub const UPLINK_BYTES_PER_S: u32 = 1024 * 1024;
/// Uplink bytes at once: what a client may have unacknowledged.
pub const UPLINK_BURST_BYTES: u32 = 4 * 1024 * 1024;
/// Frames that a client may have unacknowledged.
pub const UNACKED_FRAMES_MAX: usize = 256;
/// Bytes that a client may have unacknowledged.
pub const UNACKED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Open encounters of one raid: meters keep one or two.
pub const OPEN_ENCOUNTERS_MAX: usize = 8;
/// Fights of which a connection knows what its client calls them: the open ones, those that are being kept, and far more
/// than an upload sends at once. 1,024 of 32 bytes are 32 KiB a connection.
pub const NAMED_FIGHTS_MAX: usize = 1_024;
/// Changes of who may see a raid that a replay may be behind by before it asks anew for its own: more than all uploaders
/// of a large relay make in the time in which one is heard.
pub const ACCESS_CHANGES_WAITING: usize = 64;
/// Fights that one key may begin within a day. A guild's forty raiders share one: five hours with a fight every four
/// minutes, streamed by each of them, make 3,000; a history of 1,000 fights is the rest.
pub const STREAMED_FIGHTS_PER_DAY: u32 = 4_000;

/// Time for Hello after the socket opened, ms.
pub const HELLO_MS_MAX: u64 = 5_000;
/// Deltas are gathered at most this long, ms.
pub const GATHER_MS: u64 = 100;
/// Without events a heartbeat goes out this often, ms.
pub const HEARTBEAT_MS: u64 = 2_000;
/// Without events for this long heartbeats stop, ms.
pub const IDLE_MS: u64 = 120_000;
/// Silence from the other end after which a socket counts as dead, ms: seven heartbeats.
pub const SOCKET_SILENCE_MS: u64 = 15_000;
/// From the last event to a provisional report, ms.
pub const GRACE_MS: i64 = 600_000;
/// A raid closes this long after its last fight, ms: three hours.
pub const RAID_IDLE_MS: i64 = 3 * 3_600_000;
/// A checksum goes with every delta whose seq divides by this.
pub const CHECKSUM_EVERY: u64 = 32;

/// Names of players, bosses, scenes, skills: characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Titles and other text of the uploader: characters.
pub const TITLE_CHARS_MAX: usize = 100;
/// What a report says is missing: characters.
pub const MISSING_CHARS_MAX: usize = 200;
/// Entries of a report's list of what is missing.
pub const MISSING_MAX: usize = 1_000;
/// An upload key: characters. Keys have some dozen, and servers take headers of some thousand.
pub const KEY_CHARS_MAX: usize = 1_000;
/// Names and versions of clients and meters: characters.
pub const AGENT_CHARS_MAX: usize = 64;

/// Requests that wait while as many spans are folded as there are cores: at a few ms each the last waits a second.
pub const SPAN_WAITING_MAX: usize = 256;
/// Bytes of folded spans kept: at about 30 KB each a thousand of them.
pub const SPAN_CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of decoded logs kept: at 50 bytes a hit six minutes of twenty players take about 10 MB.
pub const SPAN_LOG_CACHE_BYTES: u64 = 256 * 1024 * 1024;
/// Past fights played at the same time: at a millisecond a step and five steps a second a third of a core.
pub const REPLAYS_MAX: usize = 64;
/// A fight is played at most so many times as fast as it was: then a step is four seconds, some thousand hits.
pub const REPLAY_SPEED_MAX: f64 = 20.0;
/// And at least so fast: slower, nothing moves.
pub const REPLAY_SPEED_MIN: f64 = 0.25;

/// What a spectator may send in one frame, bytes: the longest Watch has four 32-digit keys.
pub const SPECTATOR_FRAME_BYTES_MAX: usize = 1_024;
/// Spectator frames allowed at once, and refilled one a second.
pub const SPECTATOR_FRAMES_BURST: u32 = 20;
/// Spectators that a raid's own task writes to; above it they are spread over shards.
pub const ROOM_SPECTATORS_MAX: usize = 512;
/// Spectators of one raid: what a relay's sockets and a second of its time allow.
pub const RAID_SPECTATORS_MAX: usize = 16_384;
/// Events kept for spectators that fell behind.
pub const EVENT_RING: usize = 64;
/// Ticks a second that a spectator can ask for.
pub const PACES: [u8; 3] = [1, 5, 10];
/// Ticks a second of a spectator that asks for nothing.
pub const PACE_DEFAULT: u8 = 5;
/// Players whose skill rows one spectator may watch.
pub const WATCHED_MAX: usize = 4;
/// Ticks of a view kept for spectators that come back; a keyframe is soon the smaller.
pub const TICK_RING: usize = 64;
/// Steps of a view whose number of events is remembered, so that who comes back gets those it missed.
pub const STEP_HISTORY: usize = 4_096;
/// How much of the timeline a keyframe carries, seconds: the rest is fetched over HTTP.
pub const KEYFRAME_TIMELINE_S: u32 = 300;
/// Send buffer of a spectator's socket, bytes: what the kernel may hold for one that has stalled.
pub const SPECTATOR_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Open a spectator's stalled socket this long, ms, before it is dropped.
pub const SPECTATOR_STALLED_MS: u64 = 120_000;

/// A fight that is sent whole to `/api/v1/encounters`, bytes of JSON: 10 MiB, what its design asks for. 20 players with
/// all their hits come to it in 20 minutes.
pub const WHOLE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Hits of one entry of a skill in it that are told one by one, as its design asks for.
pub const WHOLE_TIMELINE_MAX: usize = 10_000;
/// Bosses in it: dungeons have ten.
pub const WHOLE_BOSSES_MAX: usize = 100;

/// Seconds that those who are no members of a raid may be behind, at the most.
pub const DELAY_S_MAX: u32 = 600;
