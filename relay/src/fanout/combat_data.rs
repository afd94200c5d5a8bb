//! `CombatData`, as overlays of a widespread kind read it: a fight as one message, all values text.
//!
//! One invariant: each message holds everything, so nothing is told that builds upon another. What is not known is "---", as
//! it is where this comes from; overlays write names into their pages as they come, so nothing in them can be markup.

use std::collections::HashSet;

use raidcast_shared::feed::{FeedFight, FeedFrame, FeedPlayer};
use raidcast_shared::text::{cut, one_line};
use raidcast_shared::uplink::ReportState;
use serde::{Serialize, Serializer};
use serde_json::Number;

/// What is not known.
const UNKNOWN: &str = "---";
/// Who has no name, or one of which nothing is left.
const UNNAMED: &str = "Unnamed player";
/// What the older contract calls the player whose meter it is.
const YOU: &str = "YOU";
/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;

/// Names and values, in their order.
struct Pairs<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

type Fields = Pairs<&'static str, String>;

#[derive(Serialize)]
struct CombatData {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "Encounter")]
    encounter: Fields,
    /// The most damage first.
    #[serde(rename = "Combatant")]
    combatants: Pairs<String, Fields>,
    #[serde(rename = "isActive")]
    is_active: &'static str,
}

/// A message as the older contract wraps it.
#[derive(Serialize)]
struct Broadcast<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    msgtype: &'static str,
    msg: T,
}

/// Whose meter it is, as the older contract says it.
#[derive(Serialize)]
struct CharName {
    #[serde(rename = "charName")]
    name: String,
    /// An id of that game: never known.
    #[serde(rename = "charID")]
    id: u32,
}

/// The message of a keyframe that has a fight; `None` of all other frames, which tell such overlays nothing.
pub(super) fn message(frame: &FeedFrame) -> Option<Vec<u8>> {
    serde_json::to_vec(&combat_data(fight_of(frame)?, None)).ok()
}

/// The same in the older contract, and before it whose meter it is, where the frame tells that. Such a player is "YOU" in
/// it: some overlays of that kind show nothing without one. None of a frame without a fight.
pub(super) fn older(frame: &FeedFrame) -> Vec<Vec<u8>> {
    let Some(fight) = fight_of(frame) else { return Vec::new() };
    let own = fight.players.iter().find(|player| player.is_local);
    let named = own.and_then(|own| broadcast("SendCharName", CharName { name: shown(own), id: 0 }));
    named.into_iter().chain(broadcast("CombatData", combat_data(fight, own))).collect()
}

fn broadcast<T: Serialize>(msgtype: &'static str, msg: T) -> Option<Vec<u8>> {
    serde_json::to_vec(&Broadcast { kind: "broadcast", msgtype, msg }).ok()
}

fn fight_of(frame: &FeedFrame) -> Option<&FeedFight> {
    let FeedFrame::Keyframe(keyframe) = frame else { return None };
    keyframe.fight.as_ref()
}

/// The answer to a call that gives nothing: all of them, but for those that subscribe, which are not answered.
pub(super) fn nothing(rseq: &Number) -> Vec<u8> {
    format!(r#"{{"$isNull":true,"rseq":{rseq}}}"#).into_bytes()
}

/// What is said of somebody, or of all.
struct Sums {
    damage: i64,
    healing: i64,
    taken: Option<i64>,
    hits: i64,
    heals: i64,
    crits: Option<i64>,
    deaths: Option<i64>,
}

impl Sums {
    /// Of all.
    fn of_all(fight: &FeedFight) -> Self {
        let totals = &fight.head.totals;
        Self {
            damage: totals.damage.cast_signed(),
            healing: totals.healing.cast_signed(),
            taken: totals.damage_taken.map(u64::cast_signed),
            hits: totals.hits.cast_signed(),
            heals: totals.heal_hits.cast_signed(),
            crits: None,
            deaths: totals.deaths.map(u64::cast_signed),
        }
    }

    /// Of a player's row.
    fn of_row(fight: &FeedFight, row: &[i64]) -> Self {
        let at = |name: &str| fight.columns.iter().position(|column| column == name);
        let known = |name: &str| at(name).and_then(|at| row.get(at)).copied().filter(|value| *value >= 0);
        let value = |name: &str| known(name).unwrap_or_default();
        Self {
            damage: value("damage"),
            healing: value("healing"),
            taken: known("damageTaken"),
            hits: value("hits"),
            heals: value("healHits"),
            crits: known("critHits"),
            deaths: known("deaths"),
        }
    }
}

/// For how long something was done, ms: at least a second.
struct Times {
    fight: i64,
    damage: i64,
    healing: i64,
}

impl Times {
    fn of(fight: &FeedFight) -> Self {
        let head = &fight.head;
        let long = |from: u32, to: u32| i64::from(to.saturating_sub(from)).max(1_000);
        let whole = long(head.first_ms, head.last_ms);
        let of = |time: Option<(u32, u32)>| time.map_or(whole, |(from, to)| long(from, to));
        Self { fight: whole, damage: of(head.damage_ms), healing: of(head.healing_ms) }
    }

    fn clock(&self) -> String {
        let seconds = self.fight / 1_000;
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    }
}

/// `own`: who is called [`YOU`] in it.
fn combat_data(fight: &FeedFight, own: Option<&FeedPlayer>) -> CombatData {
    let (all, times) = (Sums::of_all(fight), Times::of(fight));
    let boss = fight.bosses.first().map(|boss| boss.name.as_str());
    let scene = fight.encounter.scene.as_deref();
    let mut encounter = fields(&all, &all, &times);
    let kills = fight.bosses.iter().filter(|boss| boss.defeated == Some(true)).count();
    encounter.0.extend([
        ("title", boss.or(scene).map_or_else(|| "Encounter".into(), |name| plain(name, "Encounter"))),
        ("CurrentZoneName", scene.map_or_else(String::new, |name| plain(name, ""))),
        ("kills", kills.to_string()),
        ("name", "Encounter".into()),
        ("Job", "ENC".into()),
    ]);
    let mut rows: Vec<_> =
        fight.players.iter().zip(&fight.rows).map(|(player, row)| (player, Sums::of_row(fight, row))).collect();
    rows.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.damage));
    // Nobody else is called so.
    let mut taken: HashSet<_> = own.map(|_| YOU.to_owned()).into_iter().collect();
    let combatant = |(player, sums): (&FeedPlayer, Sums)| {
        let is_own = own.is_some_and(|own| std::ptr::eq(own, player));
        let name = if is_own { YOU.to_owned() } else { unique(&shown(player), &mut taken) };
        let mut fields = fields(&sums, &all, &times);
        fields.0.extend([("name", name.clone()), ("Job", job(player.class_id).to_owned()), ("kills", "0".to_owned())]);
        (name, fields)
    };
    let is_active = fight.head.state == ReportState::Live && !fight.head.idle;
    CombatData {
        kind: "CombatData",
        encounter,
        combatants: Pairs(rows.into_iter().map(combatant).collect()),
        is_active: if is_active { "true" } else { "false" },
    }
}

fn fields(of: &Sums, all: &Sums, times: &Times) -> Fields {
    let known = |value: Option<i64>| value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string());
    let (dps, hps) = (rate(of.damage, times.damage), rate(of.healing, times.healing));
    let whole = |rate: &str| rate.split('.').next().unwrap_or_default().to_owned();
    let (dps_whole, hps_whole) = (whole(&dps), whole(&hps));
    Pairs(vec![
        ("duration", times.clock()),
        ("DURATION", (times.fight / 1_000).to_string()),
        ("damage", of.damage.to_string()),
        ("damage%", share(Some(of.damage), all.damage)),
        ("dps", dps.clone()),
        ("DPS", dps_whole.clone()),
        ("encdps", dps),
        ("ENCDPS", dps_whole),
        ("hits", of.hits.to_string()),
        ("swings", of.hits.to_string()),
        ("misses", UNKNOWN.into()),
        ("hitfailed", UNKNOWN.into()),
        ("tohit", UNKNOWN.into()),
        ("crithits", known(of.crits)),
        ("crithit%", share(of.crits, of.hits)),
        ("healed", of.healing.to_string()),
        ("healed%", share(Some(of.healing), all.healing)),
        ("enchps", hps),
        ("ENCHPS", hps_whole),
        ("heals", of.heals.to_string()),
        ("critheals", UNKNOWN.into()),
        ("critheal%", UNKNOWN.into()),
        ("overHeal", UNKNOWN.into()),
        ("OverHealPct", UNKNOWN.into()),
        ("damageShield", UNKNOWN.into()),
        ("damagetaken", known(of.taken)),
        ("healstaken", UNKNOWN.into()),
        ("deaths", known(of.deaths)),
        ("maxhit", UNKNOWN.into()),
        ("MAXHIT", UNKNOWN.into()),
        ("maxheal", UNKNOWN.into()),
        ("MAXHEAL", UNKNOWN.into()),
        ("Last10DPS", UNKNOWN.into()),
        ("Last30DPS", UNKNOWN.into()),
        ("Last60DPS", UNKNOWN.into()),
        ("DirectHitCount", UNKNOWN.into()),
        ("DirectHitPct", UNKNOWN.into()),
        ("CritDirectHitCount", UNKNOWN.into()),
        ("CritDirectHitPct", UNKNOWN.into()),
        ("BlockPct", UNKNOWN.into()),
        ("ParryPct", UNKNOWN.into()),
    ])
}

/// An amount a second, with two decimals.
fn rate(amount: i64, ms: i64) -> String {
    let hundredths = i128::from(amount) * 100_000 / i128::from(ms.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn share(part: Option<i64>, whole: i64) -> String {
    match part {
        Some(part) if whole > 0 => format!("{}%", (i128::from(part) * 100 + i128::from(whole) / 2) / i128::from(whole)),
        Some(_) => "0%".into(),
        None => UNKNOWN.into(),
    }
}

/// What a player is called.
fn shown(player: &FeedPlayer) -> String {
    plain(player.name.as_deref().unwrap_or_default(), UNNAMED)
}

/// A name in which nothing is markup; another where nothing of it is left.
fn plain(name: &str, otherwise: &str) -> String {
    let sign = |c: char| match c {
        '<' => '‹',
        '>' => '›',
        '&' => '＆',
        '"' => '”',
        '\'' | '`' => '’',
        c => c,
    };
    let shown = one_line(name).map(|name| cut(&name, NAME_CHARS_MAX).chars().map(sign).collect());
    shown.unwrap_or_else(|| otherwise.to_owned())
}

/// A name that no other has: overlays find players by theirs.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut own = name.to_owned();
    let mut number = 1;
    while !taken.insert(own.clone()) {
        number += 1;
        own = format!("{name} ({number})");
    }
    own
}

/// The job of those overlays' own game that is nearest to a class: they choose colours, pictures and order by it.
fn job(class_id: Option<u16>) -> &'static str {
    match class_id {
        Some(1) => "Sam",
        Some(2) => "Blm",
        Some(3) => "Rpr",
        Some(4) => "Drg",
        Some(5) => "Whm",
        Some(9) => "War",
        Some(11) => "Brd",
        Some(12) => "Pld",
        Some(13) => "Ast",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::feed::{FeedRaid, FightHead, FrameTimes, Keyframe, ROW_COLUMNS};
    use raidcast_shared::report::{Place, Totals};
    use raidcast_shared::uplink::{NamesPolicy, Outcome};
    use serde_json::{Value, json};

    use super::*;

    fn player(key: &str, name: Option<&str>, class_id: u16) -> FeedPlayer {
        FeedPlayer {
            player_key: key.into(),
            name: name.map(str::to_owned),
            class_id: Some(class_id),
            spec_id: None,
            ability_score: None,
            is_local: false,
            dead: false,
        }
    }

    fn head(state: ReportState) -> FightHead {
        FightHead {
            state,
            outcome: Outcome::Unknown,
            revision: 1,
            first_ms: 500,
            last_ms: 65_500,
            damage_ms: Some((500, 60_500)),
            healing_ms: None,
            idle: false,
            totals: Totals { damage: 4_000, healing: 130, hits: 30, heal_hits: 2, ..Totals::default() },
        }
    }

    fn keyframe(fight: Option<FeedFight>) -> FeedFrame {
        let raid = FeedRaid {
            code: "R".into(),
            title: None,
            names: NamesPolicy::Full,
            delay_s: 0,
            connected: true,
            open: true,
            fights: Vec::new(),
        };
        FeedFrame::Keyframe(Keyframe {
            epoch: "e.1.1".into(),
            position: 1,
            events: 0,
            events_lost: false,
            raid,
            fight,
            times: FrameTimes::default(),
        })
    }

    fn fight(state: ReportState, players: Vec<FeedPlayer>, rows: Vec<Vec<i64>>) -> FeedFight {
        FeedFight {
            report_id: "r".into(),
            checksum: "v1:0".into(),
            started_at_ms: 0,
            encounter: Place { scene: Some("Towering <Ruin>".into()), scene_id: None, difficulty: None },
            head: head(state),
            bosses: Vec::new(),
            attempts: Vec::new(),
            deaths: Vec::new(),
            players,
            columns: ROW_COLUMNS.map(str::to_owned).to_vec(),
            rows,
            buckets: Vec::new(),
        }
    }

    fn heard(fight: FeedFight) -> Value {
        serde_json::from_slice(&message(&keyframe(Some(fight))).expect("a message")).expect("JSON")
    }

    fn is_text(fields: &Value) -> bool {
        fields.as_object().expect("fields").values().all(Value::is_string)
    }

    #[test]
    fn a_fight_is_one_message_whose_values_are_text() {
        let players = vec![player("a", Some("Mira"), 2), player("b", Some("Bran"), 12)];
        let rows = vec![vec![1_000, -1, 130, 50, 10, 2, 4, -1, 0], vec![3_000, -1, 0, -1, 20, 0, -1, -1, 2]];
        let said = heard(fight(ReportState::Live, players, rows));
        assert_eq!((&said["type"], &said["isActive"]), (&json!("CombatData"), &json!("true")));
        assert!(is_text(&said["Encounter"]) && said["Combatant"].as_object().unwrap().values().all(is_text));
        let of = |who: &str, what: &str| said["Combatant"][who][what].clone();
        assert_eq!((of("Mira", "damage"), of("Mira", "damage%")), (json!("1000"), json!("25%")));
        assert_eq!((of("Mira", "encdps"), of("Mira", "ENCDPS")), (json!("16.66"), json!("16")));
        assert_eq!((of("Mira", "enchps"), of("Mira", "healed%")), (json!("2.00"), json!("100%")));
        assert_eq!((of("Mira", "crithit%"), of("Bran", "crithit%")), (json!("40%"), json!("---")));
        assert_eq!((of("Mira", "damagetaken"), of("Bran", "damagetaken")), (json!("50"), json!("---")));
        assert_eq!((of("Bran", "Job"), of("Bran", "deaths")), (json!("Pld"), json!("2")));
        let all = &said["Encounter"];
        assert_eq!(
            (&all["duration"], &all["DURATION"], &all["encdps"]),
            (&json!("01:05"), &json!("65"), &json!("66.66"))
        );
        assert_eq!((&all["title"], &all["damagetaken"]), (&json!("Towering ‹Ruin›"), &json!("---")));
        assert_eq!(heard(fight(ReportState::Final, Vec::new(), Vec::new()))["isActive"], json!("false"));
    }

    /// What the older contract is told of players of these names, of which the second's meter it is.
    fn heard_older(names: &[Option<&str>]) -> Vec<Value> {
        let names = names.iter().copied().enumerate();
        let players =
            names.clone().map(|(at, name)| FeedPlayer { is_local: at == 1, ..player("p", name, 1) }).collect();
        let rows = names.map(|(at, _)| vec![9 - at as i64, 0, 0, 0, 1, 0, 0, 0, 0]).collect();
        let told = older(&keyframe(Some(fight(ReportState::Live, players, rows))));
        told.iter().map(|message| serde_json::from_slice(message).expect("JSON")).collect()
    }

    #[test]
    fn the_older_contract_is_told_whose_meter_it_is_and_calls_nobody_else_you() {
        let told = heard_older(&[Some("YOU"), Some("<Mira>"), Some("YOU")]);
        let [named, of_fight] = &told[..] else { panic!("two messages: {told:?}") };
        let name = json!({"charName": "‹Mira›", "charID": 0});
        assert_eq!(*named, json!({"type": "broadcast", "msgtype": "SendCharName", "msg": name}));
        assert_eq!((&of_fight["type"], &of_fight["msgtype"]), (&json!("broadcast"), &json!("CombatData")));
        let of_fight = &of_fight["msg"];
        assert_eq!((&of_fight["type"], &of_fight["isActive"]), (&json!("CombatData"), &json!("true")));
        let damage = |name: &str| {
            assert_eq!(of_fight["Combatant"][name]["name"], json!(name));
            of_fight["Combatant"][name]["damage"].clone()
        };
        assert_eq!(["YOU (2)", "YOU", "YOU (3)"].map(damage), [json!("9"), json!("8"), json!("7")]);
        // Whoever may not know whose it is gets the fight alone, with the names as they are.
        let told = heard_older(&[Some("YOU")]);
        assert_eq!((told.len(), &told[0]["msg"]["Combatant"]["YOU"]["damage"]), (1, &json!("9")));
    }

    #[test]
    fn names_are_no_markup_and_no_two_are_one() {
        let names = [Some("<img src=x onerror='1'>"), Some("Mira"), Some("Mira"), Some("\u{202e}\u{200b} "), None];
        let players = names.iter().map(|name| player("p", *name, 1)).collect();
        let rows = (0..5).map(|n| vec![1_000 - n, 0, 0, 0, 1, 0, 0, 0, 0]).collect();
        let text = message(&keyframe(Some(fight(ReportState::Live, players, rows)))).expect("a message");
        let text = String::from_utf8(text).expect("text");
        assert!(!text.contains(['<', '>', '\'', '&']), "{text}");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let said = said["Combatant"].as_object().expect("players");
        for name in ["‹img src=x onerror=’1’›", "Mira", "Mira (2)", UNNAMED, "Unnamed player (2)"] {
            assert_eq!(said[name]["name"], json!(name));
        }
        // The most damage first, whatever the names.
        let place = |name: &str| text.find(&format!("\"{name}\":{{")).expect("it is there");
        assert!(place("‹img src=x onerror=’1’›") < place("Mira") && place("Mira (2)") < place(UNNAMED));
    }

    #[test]
    fn what_has_no_fight_and_what_tells_changes_says_nothing() {
        assert_eq!(message(&keyframe(None)), None);
        assert_eq!(message(&FeedFrame::Tick(raidcast_shared::feed::Tick::default())), None);
        assert_eq!(older(&keyframe(None)), Vec::<Vec<u8>>::new());
        assert_eq!(nothing(&Number::from(7)), br#"{"$isNull":true,"rseq":7}"#);
    }
}
