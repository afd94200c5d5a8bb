//! What a fight comes to, in numbers that can be compared.

use std::collections::BTreeMap;

use raidcast_ingest::{Upload, Uploaded, meter};
use raidcast_meterkit::upload::{Upload as Scripted, Uploader};
use raidcast_meterkit::{Fight, HitKind as ScriptedKind};
use raidcast_shared::event::{ActorIx, ActorKind, HitKind};
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::id::ActorId;
use raidcast_shared::log::Log;

/// The relay's key in these tests: so that an id that was not keyed is another.
pub(crate) fn key(id: ActorId) -> ActorId {
    ActorId(id.0.map(|byte| byte ^ 0xa5))
}

pub(crate) fn uid(keyed: ActorId) -> i64 {
    let clear = key(keyed);
    assert_eq!(clear.0[..8], [0; 8], "{clear:?} is no key of a game's id");
    i64::from_be_bytes(clear.0[8..].try_into().unwrap())
}

/// When fights come that are read here: after all of them.
const CAME_MS: i64 = i64::MAX;

/// The body of a request of a scripted fight.
pub(crate) fn body(uploader: Uploader, fights: &[Fight]) -> Vec<u8> {
    Scripted { uploader, key: "k", strangers: &[] }.body(fights)
}

/// All fights of a body, each as it must be whatever is in it.
pub(crate) fn read(body: &[u8]) -> Vec<Uploaded> {
    let text = raidcast_ingest::text(body.to_vec());
    let upload = Upload::parse(&text).unwrap();
    let fights = upload.encounters.iter().map(|fight| meter::read(fight, CAME_MS, &key));
    fights.inspect(|uploaded| check(uploaded, &Log::from_bytes(&uploaded.log.clone().into_bytes()).unwrap())).collect()
}

/// The only fight of a body. Of its log the bytes are not made, which takes most of the time.
pub(crate) fn only(body: &str) -> Uploaded {
    let upload = Upload::parse(body).unwrap();
    assert_eq!(upload.encounters.len(), 1);
    let uploaded = meter::read(upload.encounters[0], CAME_MS, &key);
    check(&uploaded, &uploaded.log);
    uploaded
}

/// What holds of everything that a meter sends.
fn check(uploaded: &Uploaded, log: &Log) {
    check_fold(uploaded, log);
    // Each is keyed: `uid` asks.
    for actor in uploaded.state.actors() {
        uid(actor.id);
    }
    if let Some(why) = uploaded.stub {
        assert_eq!(uploaded.state.events(), 0, "{why}");
        assert_eq!(uploaded.state.missing().len(), 1);
        assert_eq!(uploaded.state.missing()[0].what, why);
    }
}

/// The log is one that a relay's gate made, and its fold is the one beside it.
pub(crate) fn check_fold(uploaded: &Uploaded, log: &Log) {
    let folded = log.fold(Span::ALL).unwrap();
    let ending = log.ending.as_ref().unwrap();
    assert_eq!(folded.checksum(), uploaded.state.checksum());
    assert_eq!((ending.checksum, ending.last_seq), (uploaded.state.checksum(), uploaded.state.seq()));
    assert_eq!(log.header.started_at_ms, uploaded.started_at_ms);
}

/// Of one player: damage to what is no player, hits, criticals, lucky hits, healing, heals, damage taken.
pub(crate) type PlayerFigures = [u64; 7];

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) players: BTreeMap<i64, PlayerFigures>,
    pub(crate) to_bosses: [u64; 2],
    pub(crate) deaths: usize,
    /// Number, boss' health at begin and end.
    pub(crate) attempts: Vec<(u32, Option<u64>, Option<u64>)>,
    /// Bosses: health, and whether they were defeated.
    pub(crate) bosses: BTreeMap<String, (Option<u64>, bool)>,
}

impl Figures {
    pub(crate) fn of(state: &EncounterState) -> Self {
        let mut figures = Self::default();
        let id = |actor: ActorIx| uid(state.actor(actor).id);
        for row in state.rows() {
            let (source, target) = (row.key.source, row.key.target);
            if row.key.kind == HitKind::Heal {
                if state.is_player(source) {
                    let of = figures.players.entry(id(source)).or_default();
                    (of[4], of[5]) = (of[4] + row.amount, of[5] + row.hits);
                }
                continue;
            }
            if state.is_player(target) {
                figures.players.entry(id(target)).or_default()[6] += row.amount;
            } else if state.is_player(source) {
                let of = figures.players.entry(id(source)).or_default();
                for (held, more) in of.iter_mut().zip([row.amount, row.hits, row.crit, row.lucky]) {
                    *held += more;
                }
                let is_boss = state.actor(target).boss.get() == Some(&true);
                let summed = if is_boss { [row.summed_amount, row.summed_hits] } else { [0; 2] };
                figures.to_bosses[0] += row.boss_amount + summed[0];
                figures.to_bosses[1] += row.boss_hits + summed[1];
            }
        }
        // What no row says, where a form tells no targets.
        for actor in state.actors() {
            let is_player = actor.kind() == ActorKind::Player;
            if let Some(taken) = actor.told_taken.filter(|taken| taken.amount > 0) {
                match is_player {
                    true => figures.players.entry(uid(actor.id)).or_default()[6] = taken.amount,
                    false => figures.to_bosses[1] += taken.hits.unwrap_or(0),
                }
            }
            figures.to_bosses[0] += actor.told_to_bosses.map_or(0, |dealt| dealt.amount);
        }
        figures.deaths = state.deaths().iter().filter(|death| state.is_player(death.actor)).count();
        let attempts = state.attempts().iter();
        let hp = |of: Option<&Option<u64>>| of.copied().flatten();
        let attempt = |(n, held): (&u32, &raidcast_shared::fold::Attempt)| {
            (*n, held.began.get().and_then(|began| began.1), hp(held.ended.get()))
        };
        figures.attempts = attempts.map(attempt).collect();
        for actor in state.actors().iter().filter(|actor| actor.boss.get() == Some(&true)) {
            let name = actor.name.get().cloned().unwrap_or_default();
            figures.bosses.insert(name, (actor.max_hp.get().copied(), actor.defeated.get() == Some(&true)));
        }
        figures
    }

    /// Without what `/api/v1/encounters` has no fields for: deaths, attempts, what became of bosses.
    pub(crate) fn without_course(mut self) -> Self {
        (self.deaths, self.attempts) = (0, Vec::new());
        self.bosses.values_mut().for_each(|boss| *boss = (None, false));
        self
    }

    /// What the script says.
    pub(crate) fn scripted(fight: &Fight) -> Self {
        let mut figures = Self::default();
        let is_player = |uid: i64| fight.player(uid).is_some();
        for hit in &fight.hits {
            let amount = hit.aggregate_amount().cast_unsigned();
            if hit.kind == ScriptedKind::Heal {
                let of = figures.players.entry(hit.source).or_default();
                (of[4], of[5]) = (of[4] + amount, of[5] + 1);
            } else if is_player(hit.target) {
                figures.players.entry(hit.target).or_default()[6] += amount;
            } else if is_player(hit.source) {
                let of = figures.players.entry(hit.source).or_default();
                for (held, more) in of.iter_mut().zip([amount, 1, hit.crit.into(), hit.lucky.into()]) {
                    *held += more;
                }
                if let Some(boss) = fight.monster(hit.target).filter(|monster| monster.is_boss) {
                    figures.to_bosses = [figures.to_bosses[0] + amount, figures.to_bosses[1] + 1];
                    let hp = boss.max_hp.map(i64::cast_unsigned);
                    figures.bosses.insert(boss.name.clone(), (hp, boss.defeated && fight.ended_at_ms.is_some()));
                }
            }
        }
        figures.deaths = fight.deaths.iter().filter(|death| is_player(death.actor)).count();
        let hp = |hp: Option<i64>| hp.map(i64::cast_unsigned);
        let attempt = |attempt: &raidcast_meterkit::Attempt| {
            // The meter never ends the last one.
            (attempt.index as u32, hp(attempt.boss_hp_start), attempt.ended_ms.and(hp(attempt.boss_hp_end)))
        };
        figures.attempts = fight.attempts.iter().map(attempt).collect();
        figures
    }
}
