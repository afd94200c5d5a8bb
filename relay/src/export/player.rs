//! All that is held about a player of the game: his fights, whoever uploaded them, and what he is called.
//!
//! Three invariants. What is told is his own ([`super::own`]). Nothing leads to what its raid does not show to everybody: of
//! a report that is not public no name is told, nor the code of a raid that is not, nor ever whose it is. And nothing is
//! told that those may not see yet who are behind. Deliberately not here: who may have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use raidcast_shared::account::Audited;
use raidcast_shared::character::ProofWay;
use raidcast_shared::id::ActorId;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};
use raidcast_store::name::{NameKind, fold};
use raidcast_store::{
    Character, Derived, DerivedPlayer, DerivedSkill, EncounterRow, JournalEntry, PersonId, StoreError, Term,
};
use serde_json::{Value, json};

use super::own::{OwnLog, name_in, of_report};
use super::tar::Archive;
use super::{Broken, Making, NOTES_AT_ONCE};
use crate::account::{CharacterHolder, PlayerFacts};
use crate::record::decode_record;
use crate::refold::journal_log;

/// Fights that are listed at once.
const FIGHTS_AT_ONCE: u32 = 100;
/// Fights of an archive: of a raider who is in three reports of each of ten fights a day, those of a year. At some 30 ms each
/// it takes minutes.
const FIGHTS_MAX: usize = 10_000;
/// Names of an archive: uploads may call anybody anything.
const NAMES_MAX: usize = 1_000;

/// What stands at its beginning.
const README: &str = "\
This is all that a Raidcast relay holds about a player of the game, at the time at which it was asked for.

player.json    what stands for the player, whether the name is hidden, whose character it is, and who says so
notes.json     what was noted of the characters of who asked: not there where an administrator asked
fights/NUMBER/fight.json     a fight, the newest first: the player's own row of its report, and deaths
fights/NUMBER/log-N.jsonl    what the player did in it, and what reached the player, a line for each
names.json     what the player is called in these
removals.json  requests to be removed that name one of these names
end.json       whether these are all fights

Other players are left out: they are \"another\". Where and by whom a fight was uploaded that is not public is left out, too.
The form of each file is described in docs/export.md of Raidcast.
";

/// What a player is called.
struct Called {
    fights: u32,
    first_at_ms: i64,
    last_at_ms: i64,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    /// Fights, those that are no more or are not to be told among them.
    looked_at: usize,
    fights: usize,
    names: BTreeMap<String, Called>,
    /// The raid of the last fight, and his number in it.
    number: Option<(String, Option<u32>)>,
}

/// A fight's log as the store has it.
enum Stored {
    Log(Bytes),
    Journal(Bytes, Vec<JournalEntry>),
}

impl Stored {
    fn bytes(&self) -> usize {
        match self {
            Self::Log(log) => log.len(),
            Self::Journal(_, entries) => entries.iter().map(|entry| entry.data.len()).sum(),
        }
    }

    fn log(self) -> Result<Log, String> {
        match self {
            Self::Log(bytes) => Log::from_bytes(&bytes).map_err(|error| error.to_string()),
            Self::Journal(header, entries) => {
                journal_log(&header, &entries).map(|(log, _)| log).map_err(|error| error.to_string())
            }
        }
    }
}

/// A fight that is to be told.
struct OwnFight {
    row: EncounterRow,
    record: Bytes,
    /// `None`: it cannot be read.
    log: Option<Stored>,
    /// His rows of what was derived.
    derived: Value,
    /// What he is shown as to those who are not told who he is.
    shown_as: Value,
}

impl OwnFight {
    /// Puts its files in; gives what of the archive is ready, and what he is called.
    fn pack(self, archive: &mut Archive, folder: &str, player: ActorId) -> Result<(Vec<u8>, BTreeSet<String>), Broken> {
        let Self { row, record, log, derived, shown_as } = self;
        let (mut pieces, mut names, mut files) = (Vec::new(), BTreeSet::new(), 0);
        let mut is_unreadable = log.is_none();
        match log.map(Stored::log) {
            Some(Ok(log)) => {
                let own = OwnLog::of(&log, player);
                own.files(|number, lines| {
                    files = number;
                    pieces.extend(archive.file(&format!("{folder}/log-{number}.jsonl"), lines, row.started_at_ms)?);
                    Ok::<_, Broken>(())
                })?;
                names.extend(own.names().into_iter().map(str::to_owned));
            }
            Some(Err(error)) => {
                tracing::warn!(report_id = row.report_id, error, "a player's archive is without a log");
                is_unreadable = true;
            }
            None => {}
        }
        let mut fight = match decode_record(&record) {
            Ok(kept) => {
                let report = kept.whole();
                names.extend(name_in(&report, player).map(str::to_owned));
                of_report(&report, player)
            }
            Err(_) => json!({"unreadable": true}),
        };
        let is_public = row.seen_by() == Visibility::Public;
        fight["reportId"] = json!(is_public.then_some(&row.report_id));
        fight["raid"] = json!((is_public && !row.hides_raid()).then_some(&row.raid_code));
        fight["state"] = json!(row.state);
        fight["revision"] = json!(row.revision);
        fight["keptAtMs"] = json!(row.kept_at_ms);
        fight["derived"] = derived;
        fight["shownAs"] = shown_as;
        fight["logFiles"] = json!(files);
        fight["logUnreadable"] = json!(is_unreadable);
        let bytes = serde_json::to_vec_pretty(&fight)?;
        pieces.extend(archive.file(&format!("{folder}/fight.json"), &bytes, row.started_at_ms)?);
        Ok((pieces, names))
    }
}

/// Whether those who are behind may see all of a report.
fn is_shown(row: &EncounterRow, now_ms: i64) -> bool {
    let shows = |at_ms| row.delay.shows(at_ms, now_ms);
    shows(row.created_at_ms) && row.kept_at_ms.is_some_and(shows)
}

/// A player's rows of what was derived of a report.
fn own_rows(derived: Derived, player: ActorId) -> Value {
    let key = player.to_hex();
    let players: Vec<DerivedPlayer> = derived.players.into_iter().filter(|row| row.actor_id == key).collect();
    let is_own = |row: &DerivedSkill| players.iter().any(|player| player.number == row.player);
    let skills: Vec<DerivedSkill> = derived.skills.into_iter().filter(is_own).collect();
    let mut rows = json!({"players": players, "skills": skills});
    // The place among all, by damage: it would say who did more.
    for (table, place) in [("players", "number"), ("skills", "player")] {
        for row in rows[table].as_array_mut().into_iter().flatten() {
            row.as_object_mut().and_then(|row| row.remove(place));
        }
    }
    rows
}

/// Whether a note is of somebody's characters.
fn is_of_characters(what: Audited) -> bool {
    matches!(
        what,
        Audited::CharacterProved
            | Audited::ClaimRefused
            | Audited::PlayerHidden
            | Audited::PlayerShown
            | Audited::PlayerAgreed
            | Audited::PlayerDisagreed
            | Audited::PlayerExported
            | Audited::PlayerLookedAt
    )
}

impl Making {
    /// All that is held about a player.
    pub(super) async fn player(&mut self, facts: PlayerFacts) -> Result<(), Broken> {
        let PlayerFacts { player, holder, mut before, about } = facts;
        let now_ms = self.context.clock.now_ms();
        self.put("README.txt".into(), now_ms, || Ok(README.as_bytes().to_vec())).await?;
        self.json("player.json".into(), now_ms, about).await?;
        if let Some(holder) = holder {
            let notes = self.notes_of_characters(holder.person).await?;
            self.json("notes.json".into(), now_ms, notes).await?;
        }
        let mut told = Told::default();
        let mut called = self.is_still_his(player, holder).await?;
        let is_all = loop {
            if told.looked_at >= FIGHTS_MAX {
                break false;
            }
            let fights = self.context.store.fights_of_player(player, before, FIGHTS_AT_ONCE).await?;
            let Some((last, _)) = fights.last() else { break true };
            before = Some(*last);
            for (_, report_id) in fights {
                told.looked_at += 1;
                // Whoever reads slowly keeps it open for long.
                called = self.is_still_his(player, holder).await?;
                self.own_fight(player, &report_id, &mut told).await?;
            }
        };
        let next = if is_all { None } else { before };
        let end = json!({"fights": told.fights, "isAll": is_all, "next": next});
        // What his own uploads call him is his to choose: by that he would ask whose requests there are.
        let folded: BTreeSet<_> = match called {
            Some(called) => BTreeSet::from([fold(&called)]),
            None => told.names.keys().map(|name| fold(name)).collect(),
        };
        let names = told.names.into_iter().map(|(name, called)| {
            let compared = fold(&name);
            json!({
                "name": name,
                "fights": called.fights,
                "firstAtMs": called.first_at_ms,
                "lastAtMs": called.last_at_ms,
                "searchTerm": Term::name(NameKind::Player, &compared),
                "compared": compared,
            })
        });
        let names: Vec<_> = names.collect();
        self.json("names.json".into(), now_ms, names).await?;
        let asked = self.context.store.removals().await?.into_iter().map(|removal| removal.asked);
        let removals = asked.filter(|asked| folded.contains(&fold(&asked.player)));
        // Who wrote it may be another of this name: how he is answered, and what else he says, is his.
        let removals = removals.map(|asked| json!({"player": asked.player, "createdAtMs": asked.created_at_ms}));
        let removals: Vec<_> = removals.collect();
        self.json("removals.json".into(), now_ms, removals).await?;
        self.json("end.json".into(), now_ms, end).await
    }

    /// What its holder calls it, if one asks; or it breaks off: the character may have become another's since.
    async fn is_still_his(&self, player: ActorId, holder: Option<CharacterHolder>) -> Result<Option<String>, Broken> {
        let Some(CharacterHolder { person, character }) = holder else { return Ok(None) };
        let held = self.context.store.characters_of(person).await?;
        let is_his =
            |held: &Character| held.row == character && held.player == player && held.way == ProofWay::Administrator;
        Ok(Some(held.into_iter().find(is_his).ok_or(Broken::Over)?.called))
    }

    /// What was noted of somebody's characters: no note says of which.
    async fn notes_of_characters(&self, person: PersonId) -> Result<Value, Broken> {
        let (mut notes, mut before) = (Vec::new(), None);
        loop {
            let rows = self.context.store.audit(before, NOTES_AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(Value::Array(notes)) };
            before = Some(last.row);
            let his = rows.into_iter().map(|row| row.note);
            let his = his.filter(|note| note.about == Some(person.0) && is_of_characters(note.what));
            notes.extend(his.map(|note| json!({"atMs": note.at_ms, "what": note.what})));
        }
    }

    async fn own_fight(&mut self, player: ActorId, report_id: &str, told: &mut Told) -> Result<(), Broken> {
        let context = Arc::clone(&self.context);
        let store = &context.store;
        let found = match store.report(report_id).await {
            // Nothing says any more what may be told of it. The rest of the archive is whole all the same.
            Err(StoreError::Damaged(_)) => {
                told.fights += 1;
                let name = format!("fights/{:05}/fight.json", told.fights);
                return self.json(name, context.clock.now_ms(), json!({"unreadable": true})).await;
            }
            found => found?,
        };
        // One that was deleted meanwhile is not held any more.
        let Some((row, Some(record))) = found else { return Ok(()) };
        if !is_shown(&row, context.clock.now_ms()) {
            return Ok(());
        }
        let derived = own_rows(store.derived(row.row).await?, player);
        if told.number.as_ref().is_none_or(|(code, _)| *code != row.raid_code) {
            let players = store.raid_players(&row.raid_code).await?;
            let number = players.into_iter().find(|(held, _)| *held == player).map(|(_, number)| number);
            told.number = Some((row.raid_code.clone(), number));
        }
        let number = told.number.as_ref().and_then(|(_, number)| *number);
        // Where all names are shown there is a number of who was hidden there once.
        let shown_as = (number.is_some() || row.names != NamesPolicy::Full).then(|| {
            let key = context.secret.pseudonym(&row.raid_code, row.names, player).to_hex();
            json!({"number": number, "playerKey": key})
        });
        // One at a time, for it is held until it is folded.
        let journal = match row.state {
            ReportState::Final => None,
            ReportState::Live | ReportState::Provisional => context.heavy.journal_looked_at().await,
        };
        let log = match self.stored_log(&row).await {
            Err(StoreError::Damaged(_)) => None,
            log => log?,
        };
        // It may be another's by now, or another reading, which is not to be told yet.
        let is_same = match store.report_row(report_id).await {
            Ok(now) => now.as_ref() == Some(&row),
            Err(StoreError::Damaged(_)) => false,
            Err(error) => return Err(error.into()),
        };
        let log = log.filter(|_| is_same);
        let bytes = log.as_ref().map_or(record.len(), Stored::bytes);
        told.fights += 1;
        let folder = format!("fights/{:05}", told.fights);
        let started_at_ms = row.started_at_ms;
        let fight = OwnFight { row, record, log, derived, shown_as: json!(shown_as) };
        let mut archive = self.archive.take().ok_or(Broken::Fell)?;
        let packing = context.heavy.run(bytes, move || {
            let (pieces, names) = fight.pack(&mut archive, &folder, player)?;
            Ok::<_, Broken>((archive, pieces, names))
        });
        let (archive, pieces, names) = packing.await.map_err(|_| Broken::Fell)??;
        self.archive = Some(archive);
        // Whoever reads slowly keeps nobody else from his.
        drop(journal);
        for name in names {
            let is_new = !told.names.contains_key(&name);
            if is_new && told.names.len() >= NAMES_MAX {
                continue;
            }
            let called = Called { fights: 0, first_at_ms: started_at_ms, last_at_ms: started_at_ms };
            let called = told.names.entry(name).or_insert(called);
            called.fights += 1;
            called.first_at_ms = called.first_at_ms.min(started_at_ms);
            called.last_at_ms = called.last_at_ms.max(started_at_ms);
        }
        self.send(pieces).await
    }

    /// The log of a report as it is kept; `None` where it cannot be read.
    async fn stored_log(&self, row: &EncounterRow) -> Result<Option<Stored>, StoreError> {
        let store = &self.context.store;
        if self.context.set_aside.why(&row.report_id).is_some() {
            return Ok(None);
        }
        if row.state == ReportState::Final {
            return Ok(store.report_log(&row.report_id).await?.map(Stored::Log));
        }
        let streams = store.read_journal(row.row).await?.streams;
        let kept = streams.into_iter().find(|(stream, _)| Some(stream.stream) == row.kept_stream);
        Ok(kept.map(|(stream, mut entries)| {
            // What came since the report was kept is not in it either.
            entries.retain(|entry| row.kept_at_ms.is_some_and(|kept_at_ms| entry.received_at_ms <= kept_at_ms));
            Stored::Journal(stream.header, entries)
        }))
    }
}
