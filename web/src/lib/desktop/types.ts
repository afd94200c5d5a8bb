// Made by `cargo xtask types` from the crate raidcast-desktop-model. Do not edit.
import type { NamesPolicy, Outcome } from '$lib/wire/types';

export type Visibility = "public" | "unlisted" | "private";

export type ReportVisibility = "live" | "public" | "unlisted" | "private";

export type AppState = "setup" | "noMeter" | "idle" | "live" | "waiting" | "trouble" | "paused" | "elsewhere";

export type NowView = { 
/**
 * In a word.
 */
state: AppState, 
/**
 * In some words.
 */
headline: string, 
/**
 * What happened.
 */
sentence: string, 
/**
 * What to do.
 */
remedy: string | null, 
/**
 * The meter that is read.
 */
meter: MeterView | null, 
/**
 * The relay's address.
 */
relay: string | null, 
/**
 * The fight that goes on.
 */
fight: FightNow | null, 
/**
 * How late what is shown is, by cause.
 */
delay: DelayView | null, 
/**
 * The raid's link.
 */
link: LinkView | null, 
/**
 * Nothing is sent, because somebody said so.
 */
paused: boolean, 
/**
 * Who has the state folder instead.
 */
elsewhere: ElsewhereView | null, 
/**
 * The upload of old fights that is under way.
 */
upload: UploadView | null, 
/**
 * There is an icon in the tray.
 */
trayed: boolean, };

export type FightNow = { 
/**
 * Its boss or scene.
 */
title: string, 
/**
 * From its begin to its last event, ms.
 */
elapsedMs: number, 
/**
 * Hits and deaths that were read of it.
 */
events: number, 
/**
 * Parts that the relay has not confirmed, of all fights.
 */
unacknowledged: number, 
/**
 * What of it has arrived, in words.
 */
arrived: string, };

export type DelayView = { 
/**
 * What the meter takes to write what happened, ms; `null` where that is not known yet.
 */
meterMs: number | null, 
/**
 * What the relay takes to confirm it, ms; `null` where that is not known yet.
 */
relayMs: number | null, 
/**
 * Since when the oldest waits that has not arrived, Unix ms; `null` where all has.
 */
waitingSinceMs: number | null, 
/**
 * By how much those are behind who are no members, seconds: as the relay has it, else as it is set here.
 */
shownS: number, };

export type LinkView = { 
/**
 * Of this raid; of a private one it has a ticket in it.
 */
raid: string, 
/**
 * Always of the newest raid.
 */
channel: string, 
/**
 * It is a page of the relay whose address was given, and can be opened. Others can be copied.
 */
opens: boolean, 
/**
 * The raid is for those alone who have the link, as the relay has it.
 */
isPrivate: boolean, 
/**
 * What was asked for, where the relay has it otherwise and has not answered yet; else `null`.
 */
askedPrivate: boolean | null, };

export type ElsewhereView = { 
/**
 * Its process; `null` where it is not known.
 */
process: number | null, };

export type UploadView = { 
/**
 * Fights that are done with.
 */
done: number, 
/**
 * Of so many.
 */
of: number, 
/**
 * In words.
 */
sentence: string, };

export type MeterView = { 
/**
 * Where.
 */
path: string, 
/**
 * Which meter wrote it.
 */
meter: string, 
/**
 * How it stores fights.
 */
generation: string, 
/**
 * What of it can be told, in words.
 */
what: string, 
/**
 * It was written last: it is taken if none is chosen.
 */
newest: boolean, 
/**
 * Why it cannot be read now.
 */
fault: string | null, };

export type FirstStep = "meter" | "relay" | "pair" | "fights" | "done";

export type FirstView = { 
/**
 * What comes next.
 */
step: FirstStep, 
/**
 * The meter that will be read.
 */
meter: MeterView | null, 
/**
 * Why there is none, in words.
 */
noMeter: string | null, 
/**
 * The relay.
 */
relay: RelayView | null, 
/**
 * Fights that the meter has already; `null` where they cannot be counted.
 */
old: OldFights | null, };

export type OldFights = { 
/**
 * How many.
 */
fights: number, 
/**
 * When the first of them began, Unix ms.
 */
firstMs: number | null, };

export type RelayView = { 
/**
 * Its address.
 */
relay: string, 
/**
 * There is an invitation to it.
 */
invited: boolean, 
/**
 * Others on the way can read what is sent to it.
 */
plain: boolean, 
/**
 * There is a key for it.
 */
paired: boolean, };

export type PairView = { 
/**
 * The page to open.
 */
page: string, 
/**
 * The code to type there.
 */
code: string, 
/**
 * Until when the code is good, Unix ms.
 */
untilMs: number, };

export type PairStep = { "step": "none" } | { "step": "waiting", 
/**
 * Where, and which.
 */
view: PairView, } | { "step": "paired", 
/**
 * Where the key is.
 */
kept: KeptView, } | { "step": "failed", 
/**
 * Why.
 */
fault: Fault, };

export type KeptView = { 
/**
 * Whose account it is for; `null` where nobody said.
 */
account: string | null, 
/**
 * In words.
 */
sentence: string, 
/**
 * It is in a file, because the system's key store does not take it, or there is none.
 */
inFile: boolean, };

export type OldChoice = { "old": "none" } | { "old": "since", 
/**
 * Unix ms.
 */
sinceMs: number, } | { "old": "these", 
/**
 * By name.
 */
fights: Array<string>, };

export type FirstChoice = { 
/**
 * What becomes of fights that the meter has already.
 */
old: OldChoice, 
/**
 * To whom raids are shown, those fights among them.
 */
shown: ShownTo, };

export type ShownTo = { 
/**
 * Who may find and see them.
 */
visibility: Visibility, 
/**
 * Who may find and see their reports.
 */
reportVisibility: ReportVisibility, 
/**
 * Which names those see who are no members.
 */
names: NamesPolicy, 
/**
 * By how much those are behind, seconds.
 */
delayS: number, };

export type FightFilter = { 
/**
 * What stands in their title, large and small letters alike.
 */
text: string, 
/**
 * Those that began then or later, Unix ms.
 */
sinceMs: number | null, 
/**
 * Those that began before, Unix ms.
 */
untilMs: number | null, 
/**
 * Where they stand; none: everywhere.
 */
stands: Array<FightStand>, 
/**
 * From where to go on, as the page before said.
 */
beforeMs: number | null, };

export type FightPage = { 
/**
 * The newest first.
 */
fights: Array<FightRow>, 
/**
 * From where the next page goes on; `null` after the oldest.
 */
nextMs: number | null, 
/**
 * So many the meter has in all.
 */
total: number, 
/**
 * Why only what was sent from here is listed, and not what the meter has.
 */
fault: Fault | null, };

export type FightRow = { 
/**
 * Names it.
 */
encounter: string, 
/**
 * Its boss or scene.
 */
title: string, 
/**
 * Unix ms.
 */
startedAtMs: number, 
/**
 * From its begin to its end, ms; `null` where that is not known.
 */
durationMs: number | null, 
/**
 * How much there is of it, in words; `null` where that is not known.
 */
size: string | null, 
/**
 * How it went; `null` while it goes on, and where it was never ended.
 */
outcome: Outcome | null, 
/**
 * Where it stands.
 */
stand: FightStand, 
/**
 * What of it has arrived; `null` where it is not on its way.
 */
arrived: Parts | null, 
/**
 * Why it stands there, in words.
 */
why: string | null, 
/**
 * What to do.
 */
remedy: string | null, 
/**
 * Its report's page.
 */
url: string | null, 
/**
 * Who may see it, as this computer asked for last, in words; `null` where that is not known.
 */
seenBy: string | null, 
/**
 * What can be done with it.
 */
can: Array<FightAct>, };

export type FightStand = "onRelay" | "streaming" | "waiting" | "refused" | "unreadable" | "unsent" | "goingOn";

export type FightAct = "upload" | "again" | "copy" | "open";

export type Parts = { 
/**
 * So many have arrived.
 */
arrived: number, 
/**
 * Of so many that there are so far.
 */
of: number, };

export type UploadChoice = { 
/**
 * By name.
 */
fights: Array<string>, 
/**
 * Who may find and see them.
 */
visibility: Visibility, 
/**
 * Which names those see who are no members.
 */
names: NamesPolicy, };

export type UploadPlan = { 
/**
 * Names the plan.
 */
plan: number, 
/**
 * So many fights.
 */
fights: number, 
/**
 * So many of them are on the relay already.
 */
there: number, 
/**
 * So many of them were agreed to before.
 */
agreed: number, 
/**
 * When the first of them began, Unix ms.
 */
firstMs: number | null, 
/**
 * When the last of them began, Unix ms.
 */
lastMs: number | null, 
/**
 * To which relay.
 */
relay: string, 
/**
 * What would be sent, where to, and who would see it.
 */
sentence: string, };

export type UploadStep = { "kind": "fight", 
/**
 * Names it.
 */
encounter: string, 
/**
 * How much.
 */
parts: Parts, } | { "kind": "done", 
/**
 * Names it.
 */
encounter: string, 
/**
 * How.
 */
how: UploadHow, 
/**
 * Why it is not on the relay, in words.
 */
why: string | null, 
/**
 * Its report's page.
 */
url: string | null, } | { "kind": "note", 
/**
 * In words.
 */
sentence: string, };

export type UploadHow = "new" | "known" | "kept" | "refused" | "waiting";

export type UploadEnd = { 
/**
 * So many were sent.
 */
sent: number, 
/**
 * So many the relay had already.
 */
known: number, 
/**
 * So many are not taken, or cannot be read.
 */
refused: number, 
/**
 * So many are not there yet.
 */
waiting: number, 
/**
 * In words.
 */
sentence: string, 
/**
 * What to do.
 */
remedy: string | null, };

export type SettingsView = { 
/**
 * The relay's address.
 */
relay: string | null, 
/**
 * There is a key for it.
 */
paired: boolean, 
/**
 * The meter's database, where one is chosen.
 */
meterPath: string | null, 
/**
 * The folder of the meter's files of names, where one is chosen.
 */
meterData: string | null, 
/**
 * The file of authorities that are believed, too, where one is chosen.
 */
ca: string | null, 
/**
 * To whom new raids are shown.
 */
shown: ShownTo, 
/**
 * The begin of a raid is told.
 */
notices: boolean, 
/**
 * The end of a fight is told, too.
 */
noticeAtEnd: boolean, 
/**
 * What is spoken.
 */
language: LanguageChoice, 
/**
 * Where updates are looked for, where that is chosen.
 */
channel: string | null, 
/**
 * Files.
 */
files: SettingsFiles, 
/**
 * Why settings cannot be read, or kept.
 */
fault: Fault | null, };

export type SettingsFiles = { 
/**
 * The settings that the command line has, too.
 */
settings: string, 
/**
 * What is remembered of fights.
 */
state: string, 
/**
 * The folder of the log.
 */
log: string, };

export type LanguageChoice = "system" | "en" | "zh";

export type SettingsChange = { "change": "meterPath", 
/**
 * Where.
 */
path: string | null, } | { "change": "meterData", 
/**
 * Where.
 */
path: string | null, } | { "change": "ca", 
/**
 * Where.
 */
path: string | null, } | { "change": "shown", 
/**
 * These.
 */
shown: ShownTo, } | { "change": "notices", 
/**
 * Whether.
 */
on: boolean, } | { "change": "noticeAtEnd", 
/**
 * Whether.
 */
on: boolean, } | { "change": "language", 
/**
 * This.
 */
language: LanguageChoice, } | { "change": "channel", 
/**
 * There.
 */
url: string | null, };

export type UpdateRule = { "rule": "none" } | { "rule": "offer", 
/**
 * Which.
 */
version: string, 
/**
 * What is new in it, as plain text.
 */
notes: string, } | { "rule": "held", 
/**
 * Why, in words.
 */
sentence: string, } | { "rule": "unknown", 
/**
 * Why, in words.
 */
sentence: string, };

export type UpdateView = { 
/**
 * What is to be had; `null`: nobody has looked yet.
 */
rule: UpdateRule | null, 
/**
 * When somebody looked last, Unix ms.
 */
lookedAtMs: number | null, 
/**
 * What is being done.
 */
busy: UpdateBusy, 
/**
 * So many hundredths of it have come; `null` where that is not known.
 */
percent: number | null, 
/**
 * All of it is here, and it is what was signed: to install it takes a moment.
 */
ready: boolean, 
/**
 * The system asks for a password before it installs it.
 */
asksPassword: boolean, 
/**
 * Why it cannot be installed now, in words; it is offered again when that is over.
 */
blocked: string | null, 
/**
 * The version that is installed, and used from the next start on.
 */
installed: string | null, 
/**
 * Why it was not installed.
 */
fault: Fault | null, };

export type UpdateBusy = "no" | "looking" | "loading" | "installing";

export type AboutView = { 
/**
 * Its version.
 */
version: string, 
/**
 * The system that it runs on.
 */
system: string, 
/**
 * Where its log is.
 */
logFolder: string, };

export type Link = { "to": "raid" } | { "to": "channel" } | { "to": "account" } | { "to": "pair" } | { "to": "fight", 
/**
 * Names it.
 */
encounter: string, };

export type Fault = { 
/**
 * What it is, for programs.
 */
code: string, 
/**
 * What happened.
 */
sentence: string, 
/**
 * What to do.
 */
remedy: string | null, };

export type Notice = { 
/**
 * In some words.
 */
title: string, 
/**
 * In one sentence or two.
 */
body: string, };
