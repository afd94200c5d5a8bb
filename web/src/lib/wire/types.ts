// Made by `cargo xtask types` from the crate raidcast-shared. Do not edit.

export type Role = "damage" | "healer" | "tank";

export type Visibility = "public" | "unlisted" | "private";

export type Outcome = "kill" | "wipe" | "reset" | "unfinished" | "unknown";

export type ReportState = "live" | "provisional" | "final";

export type Report = { 
/**
 * Names the report in URLs, for ever.
 */
reportId: string, 
/**
 * The raid that it was streamed in.
 */
raid: string, 
/**
 * Where it stands.
 */
state: ReportState, 
/**
 * Which reading of the fight it holds; a new one replaces the old whole.
 */
revision: number, 
/**
 * Who may see it.
 */
visibility: Visibility, 
/**
 * Why it is provisional or otherwise not plain, in words; `null` if there is nothing to say.
 */
note: string | null, 
/**
 * Whether the reading that it holds was uploaded with a good signature.
 */
verified: boolean, 
/**
 * Both checksums, where the sender's was not the relay's.
 */
unverified: Unverified | null, 
/**
 * Both sums, where the meter's own were not the relay's.
 */
meterDiffers: MeterDiffers | null, 
/**
 * Of the state that these figures are of.
 */
checksum: string, 
/**
 * When the meter began it.
 */
startedAtMs: number, 
/**
 * When the meter ended it; `null` while it has not.
 */
endedAtMs: number | null, 
/**
 * First to last combat event; of a span its length, as far as the fight reaches into it.
 */
durationMs: number, 
/**
 * First combat event of the span.
 */
firstMs: number, 
/**
 * Last combat event of the span.
 */
lastMs: number, 
/**
 * When players dealt damage, which is what DPS is taken over; of a span what of it lies in the span. `null` where
 * none was dealt, or some of it at no known time (then DPS is over `durationMs`), and in reports that an earlier
 * relay kept.
 */
damageTime: ActiveTime | null, 
/**
 * When players healed, which is what HPS is taken over; likewise.
 */
healingTime: ActiveTime | null, 
/**
 * Whether nothing of it could be taken: what is `missing` says why.
 */
stub: boolean, 
/**
 * Whether any damage or healing of it came at a known time. Where not, there is no timeline, no replay, and no span
 * can be asked for (409 `no_times`).
 */
timed: boolean, 
/**
 * The span asked for; `null` for the whole fight.
 */
span: FightSpan | null, 
/**
 * How it went: as the meter tells, or a wipe where all were down at the end and a boss lived.
 */
outcome: Outcome, 
/**
 * Where it was.
 */
encounter: Place, 
/**
 * Bosses, by damage.
 */
bosses: Array<Boss>, 
/**
 * Sums over all players.
 */
totals: Totals, 
/**
 * Attempts, by number.
 */
attempts: Array<AttemptRow>, 
/**
 * Players' deaths, by time.
 */
deaths: Array<DeathRow>, 
/**
 * Players, by damage.
 */
players: Array<Player>, 
/**
 * What the meter counted and nobody could read.
 */
missing: Array<MissingRow>, };

export type Unverified = { 
/**
 * The client's.
 */
client: string, 
/**
 * The relay's.
 */
relay: string, };

export type MeterDiffers = { 
/**
 * The meter's.
 */
meter: MeterSums, 
/**
 * The relay's, of the same.
 */
report: MeterSums, };

export type MeterSums = { 
/**
 * Damage; of monsters too, where the meter counts so.
 */
damage: number, 
/**
 * Healing.
 */
healing: number, };

export type Fight = { 
/**
 * Of the state that these figures are of.
 */
checksum: string, 
/**
 * When the meter began it.
 */
startedAtMs: number, 
/**
 * When the meter ended it; `null` while it has not.
 */
endedAtMs: number | null, 
/**
 * First to last combat event; of a span its length, as far as the fight reaches into it.
 */
durationMs: number, 
/**
 * First combat event of the span.
 */
firstMs: number, 
/**
 * Last combat event of the span.
 */
lastMs: number, 
/**
 * When players dealt damage, which is what DPS is taken over; of a span what of it lies in the span. `null` where
 * none was dealt, or some of it at no known time (then DPS is over `durationMs`), and in reports that an earlier
 * relay kept.
 */
damageTime: ActiveTime | null, 
/**
 * When players healed, which is what HPS is taken over; likewise.
 */
healingTime: ActiveTime | null, 
/**
 * Whether nothing of it could be taken: what is `missing` says why.
 */
stub: boolean, 
/**
 * Whether any damage or healing of it came at a known time. Where not, there is no timeline, no replay, and no span
 * can be asked for (409 `no_times`).
 */
timed: boolean, 
/**
 * The span asked for; `null` for the whole fight.
 */
span: FightSpan | null, 
/**
 * How it went: as the meter tells, or a wipe where all were down at the end and a boss lived.
 */
outcome: Outcome, 
/**
 * Where it was.
 */
encounter: Place, 
/**
 * Bosses, by damage.
 */
bosses: Array<Boss>, 
/**
 * Sums over all players.
 */
totals: Totals, 
/**
 * Attempts, by number.
 */
attempts: Array<AttemptRow>, 
/**
 * Players' deaths, by time.
 */
deaths: Array<DeathRow>, 
/**
 * Players, by damage.
 */
players: Array<Player>, 
/**
 * What the meter counted and nobody could read.
 */
missing: Array<MissingRow>, };

export type ActiveTime = { 
/**
 * The first.
 */
firstMs: number, 
/**
 * The last.
 */
lastMs: number, 
/**
 * From one to the other. A rate is taken over at least a second.
 */
durationMs: number, };

export type FightSpan = { 
/**
 * From here.
 */
fromMs: number, 
/**
 * To before here.
 */
toMs: number, };

export type Place = { 
/**
 * Its name.
 */
scene: string | null, 
/**
 * The game's id.
 */
sceneId: number | null, 
/**
 * The game's difficulty.
 */
difficulty: number | null, };

export type Boss = { 
/**
 * Its name; "Monster 1110" where only the type is known.
 */
name: string, 
/**
 * The game's type.
 */
monsterId: number | null, 
/**
 * Full health, where the source tells it.
 */
maxHp: number | null, 
/**
 * Health now, where the source tells it; never derived from damage.
 */
hp: number | null, 
/**
 * Players' damage to it, over all attempts: more than its health where it was begun anew.
 */
damage: number, 
/**
 * In so many hits.
 */
hits: number, 
/**
 * Whether it is dead; `null` where the source does not tell.
 */
defeated: boolean | null, };

export type Totals = { 
/**
 * To what is not a player.
 */
damage: number, 
/**
 * What of it was to bosses; `null` where that is not known.
 */
bossDamage: number | null, 
/**
 * By players.
 */
healing: number, 
/**
 * By anything, to players; `null` where that is not known.
 */
damageTaken: number | null, 
/**
 * Damage hits.
 */
hits: number, 
/**
 * Heals.
 */
healHits: number, 
/**
 * Players' deaths; `null` where the source tells none.
 */
deaths: number | null, };

export type AttemptRow = { 
/**
 * Its number, as the meter counts.
 */
index: number, 
/**
 * When it began.
 */
startMs: number, 
/**
 * When it ended; `null` while it goes on.
 */
endMs: number | null, 
/**
 * Why it began: initial, rollback, wipe, manual, other.
 */
reason: string, 
/**
 * The boss' health when it began, where told.
 */
bossHpStart: number | null, 
/**
 * The boss' health when it ended, where told.
 */
bossHpEnd: number | null, 
/**
 * Players' deaths in it.
 */
deaths: number, 
/**
 * How it went. `reset` where the boss' health went back up and not all were down. `unknown` while it goes on, where
 * nothing tells, and of one in which nobody did anything.
 */
outcome: Outcome, 
/**
 * Players' damage to bosses in it. `null` while it goes on, and where it cannot be told exactly: amounts are kept
 * by the second, so not if hits of one second lie on both sides of its beginning or end.
 */
bossDamage: number | null, };

export type DeathRow = { 
/**
 * When.
 */
atMs: number, 
/**
 * Who.
 */
playerKey: string, 
/**
 * Their name.
 */
name: string | null, 
/**
 * By whom, by name.
 */
killer: string | null, 
/**
 * With what.
 */
skillId: number | null, 
/**
 * By name.
 */
skill: string | null, };

export type Player = { 
/**
 * Names the player in this relay: a keyed hash, never the game's id.
 */
playerKey: string, 
/**
 * In the game; `null` where not told.
 */
name: string | null, 
/**
 * The game's class id.
 */
classId: number | null, 
/**
 * Canonical spec id.
 */
specId: number | null, 
/**
 * The game's score.
 */
abilityScore: number | null, 
/**
 * Character level.
 */
level: number | null, 
/**
 * Whose meter it is.
 */
isLocal: boolean, 
/**
 * To what is not a player.
 */
damage: number, 
/**
 * What of it was to bosses; `null` where that is not known.
 */
bossDamage: number | null, 
/**
 * To anyone.
 */
healing: number, 
/**
 * From anyone; `null` where that is not known.
 */
damageTaken: number | null, 
/**
 * Damage hits.
 */
hits: number, 
/**
 * Heals.
 */
healHits: number, 
/**
 * Critical damage hits; `null` where the source cannot know.
 */
critHits: number | null, 
/**
 * Lucky damage hits; `null` where the source cannot know.
 */
luckyHits: number | null, 
/**
 * How often they died; `null` where the source tells no deaths.
 */
deaths: number | null, 
/**
 * Damage a second of the fight's damage time, at least one.
 */
dps: number, 
/**
 * Healing a second of the fight's healing time, at least one.
 */
hps: number, 
/**
 * By skill, by total.
 */
skills: Array<SkillRow>, };

export type SkillRow = { 
/**
 * The game's base skill.
 */
skillId: number, 
/**
 * The meter's finer id, where it has one.
 */
variantId: number | null, 
/**
 * As the meter shows it.
 */
name: string | null, 
/**
 * What its hits do.
 */
kind: SkillKind, 
/**
 * Damage or healing.
 */
total: number, 
/**
 * In so many hits.
 */
hits: number, 
/**
 * Critical ones; `null` where the source cannot know.
 */
critHits: number | null, 
/**
 * Lucky ones; `null` where the source cannot know.
 */
luckyHits: number | null, 
/**
 * The greatest single hit; `null` where sums are known alone.
 */
max: number | null, };

export type SkillKind = "damage" | "healing";

export type MissingRow = { 
/**
 * What, in words.
 */
what: string, 
/**
 * What the meter's counter says.
 */
expected: number, 
/**
 * What was read.
 */
read: number, };

export type Timeline = { 
/**
 * Which report.
 */
reportId: string, 
/**
 * Which reading of it.
 */
revision: number, 
/**
 * Length of a bucket: 1000.
 */
bucketMs: number, 
/**
 * Second of the first bucket, since the encounter began.
 */
firstSecond: number, 
/**
 * How many buckets.
 */
buckets: number, 
/**
 * One series a player, in the order of the report.
 */
players: Array<TimelineSeries>, };

export type TimelineSeries = { 
/**
 * Who.
 */
playerKey: string, 
/**
 * Damage dealt.
 */
damage: Array<number>, 
/**
 * Healing done.
 */
healing: Array<number>, 
/**
 * Damage taken; `null` where that is not known.
 */
taken: Array<number> | null, };

export type PointsOfView = { 
/**
 * Which report.
 */
reportId: string, 
/**
 * Of each other uploader the one that is most like it, the most alike first: public ones, and those of whoever asks.
 */
views: Array<PointOfView>, };

export type PointOfView = { 
/**
 * Its report, as lists show it.
 */
report: ReportSummary, 
/**
 * Its first combat event, ms since it began.
 */
firstMs: number, 
/**
 * Whose meter it is, with all that this meter knows of them: a game may tell critical hits to their own player alone.
 */
own: Array<Player>, 
/**
 * So many attempts it tells.
 */
attempts: number, };

export type ReportSummary = { 
/**
 * Names the report.
 */
reportId: string, 
/**
 * The raid that it was streamed in.
 */
raid: string, 
/**
 * Where it stands.
 */
state: ReportState, 
/**
 * Which reading it is.
 */
revision: number, 
/**
 * Unix ms.
 */
startedAtMs: number, 
/**
 * Unix ms, by the meter.
 */
endedAtMs: number | null, 
/**
 * First to last combat event.
 */
durationMs: number, 
/**
 * How long damage was dealt, first to last, ms: DPS is over this. `null` where that is not known (see
 * `damageTime` of the report): then it is over `durationMs`.
 */
damageMs: number | null, 
/**
 * How it went.
 */
outcome: Outcome, 
/**
 * Where it was.
 */
encounter: Place, 
/**
 * Names of its bosses, by damage.
 */
bosses: Array<string>, 
/**
 * How many players.
 */
players: number, 
/**
 * Sums over all players.
 */
totals: Totals, 
/**
 * Whether nothing of it could be taken: its report says why.
 */
stub: boolean, 
/**
 * Whether the reading that its report holds was uploaded with a good signature.
 */
verified: boolean, };

export type ReportPage = { 
/**
 * The reports of this page, newest first.
 */
reports: Array<ReportSummary>, 
/**
 * Where in the list it is.
 */
pagination: Pagination, };

export type Pagination = { 
/**
 * From 1.
 */
page: number, 
/**
 * Entries a page.
 */
limit: number, 
/**
 * Entries in all.
 */
total: number, 
/**
 * Pages in all.
 */
totalPages: number, };

export type RaidPage = { 
/**
 * Names the raid in URLs.
 */
code: string, 
/**
 * The uploader's channel, which always shows their present raid: told to who came by it, and to the uploader. Who
 * has only this raid's link is not led to the raids after it.
 */
channel: string | null, 
/**
 * What the uploader calls it.
 */
title: string | null, 
/**
 * Who may see it.
 */
visibility: Visibility, 
/**
 * Whether it goes on.
 */
open: boolean, 
/**
 * Whether its uploader is connected now.
 */
connected: boolean, 
/**
 * Whether it holds uploads and old fights, which come when they are over: it is never live.
 */
uploads: boolean, 
/**
 * When it began, Unix ms.
 */
createdAtMs: number, 
/**
 * Its fights, newest first.
 */
reports: Array<ReportSummary>, };

export type ApiError = { 
/**
 * For programs.
 */
code: string, 
/**
 * For people: what happened and what to do.
 */
message: string, 
/**
 * What in the request, where that helps.
 */
details?: Array<string>, };

export type FeedFrame = { "t": "keyframe" } & Keyframe | { "t": "tick" } & Tick | { "t": "event" } & FeedEvent | { "t": "detail" } & Detail | { "t": "bye" } & Bye | { "t": "echo" } & Echo;

export type Keyframe = { 
/**
 * Changes when positions begin anew: resuming across epochs is not possible.
 */
epoch: string, 
/**
 * The last tick that this contains.
 */
position: number, 
/**
 * The number of the last event that this contains.
 */
events: number, 
/**
 * Events owed to this spectator were more than the relay keeps.
 */
eventsLost?: boolean, 
/**
 * The raid.
 */
raid: FeedRaid, 
/**
 * The current or last fight; `null` before the first.
 */
fight: FeedFight | null, 
/**
 * When things happened.
 */
times: FrameTimes, };

export type FeedRaid = { 
/**
 * Names it in URLs.
 */
code: string, 
/**
 * What the uploader calls it.
 */
title: string | null, 
/**
 * Whether its uploader is connected.
 */
connected: boolean, 
/**
 * Whether it goes on.
 */
open: boolean, 
/**
 * Its fights so far, oldest first; the current one too.
 */
fights: Array<FeedFightRef>, };

export type FeedFightRef = { 
/**
 * Its report.
 */
reportId: string, 
/**
 * Where that stands.
 */
state: ReportState, 
/**
 * How it went.
 */
outcome: Outcome, 
/**
 * What it was called: the boss, else the scene.
 */
title: string | null, 
/**
 * Unix ms.
 */
startedAtMs: number, 
/**
 * First to last combat event.
 */
durationMs: number, };

export type FeedFight = { 
/**
 * Its report, live at the same URL.
 */
reportId: string, 
/**
 * Checksum of the state shown.
 */
checksum: string, 
/**
 * Unix ms.
 */
startedAtMs: number, 
/**
 * Where it is.
 */
encounter: Place, 
/**
 * What changes with every tick.
 */
head: FightHead, 
/**
 * Bosses, by damage.
 */
bosses: Array<Boss>, 
/**
 * Attempts, by number.
 */
attempts: Array<AttemptRow>, 
/**
 * Players' deaths, by time.
 */
deaths: Array<DeathRow>, 
/**
 * Players; a row's index is the place here, and never changes within an epoch.
 */
players: Array<FeedPlayer>, 
/**
 * Names of the columns of a row.
 */
columns: Array<string>, 
/**
 * One row a player.
 */
rows: Array<Array<number>>, 
/**
 * The last five minutes by second; earlier ones are had over HTTP.
 */
buckets: Array<Bucket>, };

export type FightHead = { 
/**
 * Where the report stands.
 */
state: ReportState, 
/**
 * How it went, as far as known.
 */
outcome: Outcome, 
/**
 * Which reading of the fight this is.
 */
revision: number, 
/**
 * First combat event, ms since the encounter began.
 */
firstMs: number, 
/**
 * Last combat event, ms since the encounter began.
 */
lastMs: number, 
/**
 * First and last damage that players dealt, ms since the encounter began: what DPS is taken over, as the report's
 * `damageTime`. `null` where there is none, or some of it has no known time: then over first to last combat event.
 */
damageMs: [number, number] | null, 
/**
 * First and last healing that players did; likewise for HPS.
 */
healingMs: [number, number] | null, 
/**
 * Whether the uploader said that nothing happens at present.
 */
idle: boolean, 
/**
 * Sums over all players.
 */
totals: Totals, };

export type FeedPlayer = { 
/**
 * Names the player in this relay.
 */
playerKey: string, 
/**
 * In the game.
 */
name: string | null, 
/**
 * The game's class id.
 */
classId: number | null, 
/**
 * Canonical spec id.
 */
specId: number | null, 
/**
 * The game's score.
 */
abilityScore: number | null, 
/**
 * Whose meter it is.
 */
isLocal: boolean, 
/**
 * Whether they are down.
 */
dead: boolean, };

export type Bucket = { 
/**
 * Second since the encounter began.
 */
s: number, 
/**
 * Damage dealt: pairs of row index and amount, one behind the other.
 */
d: Array<number>, 
/**
 * Healing done, likewise.
 */
h: Array<number>, 
/**
 * Damage taken, likewise.
 */
x: Array<number>, };

export type Tick = { 
/**
 * Numbered without gaps in its view.
 */
p: number, 
/**
 * The header.
 */
head?: FightHead, 
/**
 * Where the fight is, if more of that became known.
 */
encounter?: Place, 
/**
 * Present totals of rows that changed: row index, bits of the columns that follow (bit 0 is the first), values;
 * one row behind the other.
 */
rows?: Array<number>, 
/**
 * Players that are new or known better, by row index.
 */
players?: Array<[number, FeedPlayer]>, 
/**
 * All bosses, if one changed.
 */
bosses?: Array<Boss>, 
/**
 * All attempts, if one changed.
 */
attempts?: Array<AttemptRow>, 
/**
 * All deaths, if there is a new one.
 */
deaths?: Array<DeathRow>, 
/**
 * Seconds that closed, or changed after that: present sums.
 */
buckets?: Array<Bucket>, 
/**
 * Checksum of the state shown; with ticks that follow a pause or an end.
 */
checksum?: string, 
/**
 * When things happened.
 */
ms: FrameTimes, };

export type FrameTimes = [number, number, number];

export type Detail = { 
/**
 * The tick that it belongs to.
 */
position: number, 
/**
 * Which fight.
 */
reportId: string, 
/**
 * Whose.
 */
playerKey: string, 
/**
 * By total.
 */
skills: Array<SkillRow>, };

export type FeedEvent = { 
/**
 * Counts events of the raid since the relay took it up (the epoch's part before the dot), without gaps.
 */
n: number, 
/**
 * Which fight.
 */
reportId: string, 
/**
 * What.
 */
what: FeedHappening, };

export type FeedHappening = { "kind": "fightBegan", 
/**
 * Unix ms.
 */
startedAtMs: number, } | { "kind": "fightEnded", 
/**
 * Where the report stands.
 */
state: ReportState, 
/**
 * How it went.
 */
outcome: Outcome, 
/**
 * Which reading it holds.
 */
revision: number, 
/**
 * Checksum of the report.
 */
checksum: string, } | { "kind": "death" } & DeathRow | { "kind": "attemptBegan" } & AttemptRow | { "kind": "bossDefeated", 
/**
 * Its name.
 */
name: string, };

export type Bye = { 
/**
 * Why, for people.
 */
reason: string, 
/**
 * Come back after this many ms; `null`: do not.
 */
retryMs: number | null, };

export type Echo = { 
/**
 * The clock that the probe carried.
 */
clock: number, 
/**
 * The relay's clock, Unix ms.
 */
relayMs: number, };

export type FeedRequest = { "t": "watch", 
/**
 * Player keys.
 */
players: Array<string>, } | { "t": "pace", 
/**
 * Ticks a second.
 */
ticks: number, } | { "t": "probe", 
/**
 * The sender's clock, any unit.
 */
clock: number, };
