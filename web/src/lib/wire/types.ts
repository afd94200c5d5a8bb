// Made by `cargo xtask types` from the crate raidcast-shared. Do not edit.

export type Role = "damage" | "healer" | "tank";

export type NamesPolicy = "full" | "class" | "hidden";

export type Outcome = "kill" | "wipe" | "reset" | "unfinished" | "unknown";

export type ReportState = "live" | "provisional" | "final";

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
 * Which names those see who are no members; without it all.
 */
names?: NamesPolicy, 
/**
 * By how many seconds what is shown is behind; without it by none.
 */
delayS?: number, 
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
name: string, } | { "kind": "viewsChanged" };

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
relayMs: number, 
/**
 * How many watch the raid, as of some seconds ago; absent where that is not told.
 */
watching?: number, };

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
