//! What is derived of kept reports, as rows that lists, search and statistics can ask.
//!
//! One invariant: rows are of one reading of one report, whole, and what was kept last is derived or has a job that will.
//! All of them can be emptied and made again. Deliberately not here: how they are made of a report.

use raidcast_shared::report::{self, Report, SkillKind};
use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};
use serde::Serialize;

use crate::{AccountId, HeldReport, JobKey, JobKind, NewJob, StoreFuture};

/// The rows of one report. Here and below they are what the columns of the same names hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct Derived {
    /// `None` where nothing happened in it.
    pub time: Option<FightTime>,
    pub bosses: Vec<DerivedBoss>,
    pub players: Vec<DerivedPlayer>,
    pub skills: Vec<DerivedSkill>,
}

/// When a fight was, Unix ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct FightTime {
    pub first_at_ms: i64,
    pub last_at_ms: i64,
}

/// A boss of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct DerivedBoss {
    pub number: i64,
    pub boss_name: String,
    pub monster_id: Option<i64>,
    pub total_damage: i64,
    pub hits: i64,
    pub max_hp: Option<i64>,
    pub defeated: Option<bool>,
}

/// A player of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct DerivedPlayer {
    pub number: i64,
    pub actor_id: String,
    pub name: Option<String>,
    pub class_id: Option<i64>,
    pub class_spec: Option<i64>,
    pub ability_score: Option<i64>,
    pub level: Option<i64>,
    pub is_local: bool,
    pub damage_dealt: i64,
    pub boss_damage_dealt: Option<i64>,
    pub heal_dealt: i64,
    pub damage_taken: Option<i64>,
    pub hits_dealt: i64,
    pub hits_heal: i64,
    pub crit_hits_dealt: Option<i64>,
    pub lucky_hits_dealt: Option<i64>,
    pub deaths: Option<i64>,
}

/// A skill of a player of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct DerivedSkill {
    pub player: i64,
    pub skill: i64,
    pub skill_id: i64,
    pub variant_id: Option<i64>,
    pub skill_name: Option<String>,
    pub skill_type: i64,
    pub total_value: i64,
    pub hits: i64,
    pub crit_hits: Option<i64>,
    pub lucky_hits: Option<i64>,
    pub max_value: Option<i64>,
}

impl From<&Report> for Derived {
    fn from(report: &Report) -> Self {
        let fight = &report.fight;
        let skills = numbered(&fight.players).flat_map(|(player, of)| {
            numbered(&of.skills).map(move |(number, skill)| DerivedSkill::of(player, number, skill))
        });
        let at = |ms: u32| fight.started_at_ms.saturating_add(ms.into());
        let time = FightTime { first_at_ms: at(fight.first_ms), last_at_ms: at(fight.last_ms) };
        Self {
            time: (!fight.players.is_empty()).then_some(time),
            bosses: numbered(&fight.bosses).map(|(number, boss)| DerivedBoss::of(number, boss)).collect(),
            players: numbered(&fight.players).map(|(number, player)| DerivedPlayer::of(number, player)).collect(),
            skills: skills.collect(),
        }
    }
}

fn numbered<T>(of: &[T]) -> impl Iterator<Item = (i64, &T)> {
    (0..).zip(of)
}

impl DerivedBoss {
    fn of(number: i64, boss: &report::Boss) -> Self {
        Self {
            number,
            boss_name: boss.name.clone(),
            monster_id: boss.monster_id,
            total_damage: boss.damage.cast_signed(),
            hits: boss.hits.cast_signed(),
            max_hp: boss.max_hp.map(u64::cast_signed),
            defeated: boss.defeated,
        }
    }
}

impl DerivedPlayer {
    fn of(number: i64, player: &report::Player) -> Self {
        Self {
            number,
            actor_id: player.player_key.clone(),
            name: player.name.clone(),
            class_id: player.class_id.map(i64::from),
            class_spec: player.spec_id.map(i64::from),
            ability_score: player.ability_score.map(i64::from),
            level: player.level.map(i64::from),
            is_local: player.is_local,
            damage_dealt: player.damage.cast_signed(),
            boss_damage_dealt: player.boss_damage.map(u64::cast_signed),
            heal_dealt: player.healing.cast_signed(),
            damage_taken: player.damage_taken.map(u64::cast_signed),
            hits_dealt: player.hits.cast_signed(),
            hits_heal: player.heal_hits.cast_signed(),
            crit_hits_dealt: player.crit_hits.map(u64::cast_signed),
            lucky_hits_dealt: player.lucky_hits.map(u64::cast_signed),
            deaths: player.deaths.map(u64::cast_signed),
        }
    }
}

impl DerivedSkill {
    fn of(player: i64, number: i64, skill: &report::SkillRow) -> Self {
        Self {
            player,
            skill: number,
            skill_id: skill.skill_id,
            variant_id: skill.variant_id,
            skill_name: skill.name.clone(),
            skill_type: match skill.kind {
                SkillKind::Damage => 0,
                SkillKind::Healing => 1,
            },
            total_value: skill.total.cast_signed(),
            hits: skill.hits.cast_signed(),
            crit_hits: skill.crit_hits.map(u64::cast_signed),
            lucky_hits: skill.lucky_hits.map(u64::cast_signed),
            max_value: skill.max.map(u64::cast_signed),
        }
    }
}

/// The job that derives a report, written whenever one is kept: of each reading its own, so that one that is kept while
/// the last is being derived is derived, too.
pub fn derive_job(account: AccountId, encounter: i64, revision: i64, report_id: &str, kept_at_ms: i64) -> NewJob {
    let mut name = [0; 16];
    // Digits that SQL writes as well.
    let digits = format!("{:010x}{:06x}", encounter & 0xff_ffff_ffff, revision & 0xff_ffff);
    name.copy_from_slice(digits.as_bytes());
    NewJob {
        key: JobKey { kind: JobKind::Derive, account, name },
        data: report_id.to_owned().into(),
        created_at_ms: kept_at_ms,
        // Whatever the clock says.
        due_at_ms: 0,
    }
}

/// A report as one of several of its fight, as far as it counts for who is told of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewpoint {
    /// Its encounter.
    pub encounter: i64,
    /// Its name.
    pub report_id: String,
    /// The raid it is of.
    pub raid_code: String,
    /// Where it stands.
    pub state: ReportState,
    /// Who may see it once its fight does not go on.
    pub visibility: Visibility,
    /// Which names its raid shows.
    pub names: NamesPolicy,
    /// Whether a player of it is hidden everywhere.
    pub hides: bool,
}

/// Keeps what is derived of reports.
pub trait DerivedRows: Send + Sync {
    /// Puts the rows of a report in place of those it has, and finishes the job of it, in one transaction; `None`, and
    /// nothing changed, where the report is not as the caller saw it: look again. Which other reports are of the same
    /// fight is found out with it ([`crate::same_fight`]): gives the encounters of those, and of those that were so until
    /// now, whoever may see them, in the order of their rows. It hurries nobody.
    fn keep_derived<'a>(
        &'a self,
        seen: HeldReport,
        rows: &'a Derived,
        job: JobKey,
    ) -> StoreFuture<'a, Option<Vec<i64>>>;

    /// What counts of these encounters' reports for who is told of one by another, in the order of their rows. Those that
    /// are gone are left out.
    fn viewpoints<'a>(&'a self, encounters: &'a [i64]) -> StoreFuture<'a, Vec<Viewpoint>>;

    /// Reports of the fight that an encounter's report is of, by other accounts: public ones, and those of this account.
    /// Of each account the few that are most like it ([`CANDIDATES_OF_ACCOUNT`](crate::same_fight::CANDIDATES_OF_ACCOUNT)),
    /// the most alike first: the first of an account to which somebody is led is the one that he is told of. They are known
    /// from when both are derived.
    fn same_fight(&self, encounter: i64, also_of: Option<AccountId>) -> StoreFuture<'_, Vec<String>>;

    /// The rows of an encounter's report, in their order.
    fn derived(&self, encounter: i64) -> StoreFuture<'_, Derived>;

    /// Removes all rows; all that is kept is to be derived again, a job each. Gives how many these are.
    fn derive_again(&self) -> StoreFuture<'_, u64>;
}
