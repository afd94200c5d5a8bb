//! The raid that fights go into, as the client remembers it between starts.
//!
//! One invariant: who may see it changes only where somebody says so. A raid of old fights stays as it was agreed to:
//! others are to see what is in another raid.

use std::collections::{BTreeMap, BTreeSet};

use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::id::{EncounterId, RaidId, from_hex, hex};
use raidcast_shared::limits::{RAID_IDLE_MS, TITLE_CHARS_MAX};
use raidcast_shared::text::clean;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::seen_by::SeenBy;
use super::shown_to::ShownTo;
use crate::secret::Entropy;

/// The raid that fights are streamed into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Raid {
    id: Uuid,
    /// 32 bytes in hex: proves that a later connection is this client's.
    secret: String,
    relay: String,
    /// Digest of the key that it was made with: another account's raid is not ours.
    account: String,
    started_ms: i64,
    /// When its last fight had its last event, as far as known.
    last_fight_ms: i64,
    /// What it is called, as it was said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Who may see it, as it was asked for last.
    #[serde(default)]
    visibility: Visibility,
    /// Which names those see who are no members, as it was asked for last.
    #[serde(default)]
    names: NamesPolicy,
    /// How far behind those see it, seconds, as it was asked for last.
    #[serde(default)]
    delay_s: u32,
    /// Who may see its reports, as it was asked for last.
    #[serde(default)]
    report_visibility: ReportVisibility,
    /// The relay is told that in other words than those above, where there are two: "as what is live", and who that is.
    /// What somebody set on the relay stands until it is told something else, and other words for the same are that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reworded: bool,
    /// Old fights whose spools wait, by name, and for which raids: not for such as this one. They are sent when somebody
    /// asks for them again, or for another raid of that kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left: BTreeMap<String, Kind>,
}

/// Which raids an old fight may go into that nobody asks for now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kind {
    /// Who sees them.
    #[serde(flatten)]
    seen_by: SeenBy,
    /// On which relay; `None`: an earlier client noted it, in a raid of the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay: Option<String>,
    /// Of which account, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

impl Raid {
    /// A raid that does not exist yet: save it before it is sent.
    pub(super) fn new(relay: &str, key: &str, now_ms: i64, entropy: &Entropy) -> Self {
        Self {
            id: entropy.uuid(),
            secret: hex(&entropy.bytes::<32>()),
            relay: relay.to_owned(),
            account: account_of(key),
            started_ms: now_ms,
            last_fight_ms: now_ms,
            title: None,
            visibility: Visibility::default(),
            names: NamesPolicy::default(),
            delay_s: 0,
            report_visibility: ReportVisibility::default(),
            reworded: false,
            left: BTreeMap::new(),
        }
    }

    /// Whether a fight that is streamed now belongs to it.
    pub(super) fn goes_on(&self, relay: &str, key: &str, now_ms: i64) -> bool {
        // A clock that was set back must not keep a raid open for ever.
        let age = now_ms.saturating_sub(self.last_fight_ms);
        self.is_of(relay, key) && (-RAID_IDLE_MS..RAID_IDLE_MS).contains(&age)
    }

    /// Whether it is on this relay, and this account's.
    fn is_of(&self, relay: &str, key: &str) -> bool {
        self.relay == relay && self.account == account_of(key)
    }

    /// Whether nothing was fought in it yet, so that what was said of it was said of the one that begins instead.
    pub(super) fn is_meant(&self, relay: &str, key: &str) -> bool {
        self.is_of(relay, key) && self.is_unused()
    }

    /// Whether what is not said of the raid of a start is as it is in this one: it goes on, or was not used.
    pub(super) fn tells(&self, relay: &str, key: &str, now_ms: i64) -> bool {
        self.goes_on(relay, key, now_ms) || self.is_meant(relay, key)
    }

    /// Whether old fights that were agreed to with it are seen by the same people where they are uploaded now: in it while
    /// it goes on, else in the raid that begins.
    pub(super) fn is_seen_alike(&self, relay: &str, key: &str, now_ms: i64, asked: SeenBy) -> bool {
        let unsaid = if self.tells(relay, key, now_ms) { self.seen_by() } else { SeenBy::of_a_new_raid() };
        self.is_of(relay, key) && asked.or(unsaid) == self.seen_by()
    }

    /// Whether old fights that are to be seen so may go into it.
    pub(super) fn is_for(&self, asked: SeenBy) -> bool {
        asked.is_met_by(&self.seen_by())
    }

    /// To whom it is shown from now on; as before where nothing is said.
    pub(super) fn be(&mut self, shown: ShownTo) {
        self.visibility = shown.visibility.unwrap_or(self.visibility);
        self.report_visibility = shown.report_visibility.unwrap_or(self.report_visibility);
        self.names = shown.names.unwrap_or(self.names);
        self.delay_s = shown.delay_s.unwrap_or(self.delay_s);
    }

    /// What it is called from now on; as before where nothing is said, and nothing where it is empty.
    pub(super) fn call(&mut self, title: Option<&str>) {
        if let Some(title) = title {
            let title = clean(title, TITLE_CHARS_MAX);
            self.title = (!title.is_empty()).then_some(title);
        }
    }

    /// What it is called.
    pub(super) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The same is asked for once more: it counts against what somebody set on the relay meanwhile.
    pub(super) fn insist(&mut self) {
        self.reworded = !self.reworded;
    }

    /// From now on it is shown to nobody who does not see another raid, nor with more names, nor sooner.
    pub(super) fn narrow(&mut self, other: &Self) {
        if few_see(self.visibility) < few_see(other.visibility) {
            self.visibility = other.visibility;
        }
        if self.few_see_reports() < other.few_see_reports() {
            self.report_visibility = other.report_visibility;
        }
        if few_names(self.names) < few_names(other.names) {
            self.names = other.names;
        }
        self.delay_s = self.delay_s.max(other.delay_s);
    }

    /// Whether it is shown to anybody who does not see another raid, or with more names, or sooner.
    pub(super) fn shows_more_than(&self, other: &Self) -> bool {
        let mut narrowed = self.clone();
        narrowed.narrow(other);
        narrowed.shown_to() != self.shown_to()
    }

    fn few_see_reports(&self) -> u8 {
        few_see(self.report_visibility().unwrap_or(self.visibility))
    }

    /// From now on it is for who has a ticket alone, and its reports.
    pub(super) fn be_private(&mut self) {
        (self.visibility, self.report_visibility) = (Visibility::Private, ReportVisibility::Live);
    }

    /// To whom it is shown.
    pub(super) fn shown_to(&self) -> ShownTo {
        ShownTo {
            visibility: Some(self.visibility),
            report_visibility: Some(self.report_visibility),
            names: Some(self.names),
            delay_s: Some(self.delay_s),
        }
    }

    /// Leaves fights alone, of the `waiting` ones, that were to be seen by others than see this raid, or on another relay,
    /// or for another account; but not those that are `asked` for now. `before`: the raid that there was until now, which
    /// may be this one.
    pub(super) fn leave(&mut self, before: Option<&Self>, waiting: &[String], asked: &BTreeSet<EncounterId>) {
        let agreed = |name: &str| before.map(|before| before.agreed(name)).unwrap_or_default();
        let asked: BTreeSet<_> = asked.iter().map(ToString::to_string).collect();
        let others = waiting.iter().filter(|name| !asked.contains(*name));
        let others = others.map(|name| (name.clone(), agreed(name)));
        let ours = self.kind();
        self.left = others.filter(|(_, agreed)| *agreed != ours).collect();
    }

    /// Which raids a fight may go into that waits beside this one, or in it.
    fn agreed(&self, name: &str) -> Kind {
        let ours = self.kind();
        match self.left.get(name).cloned() {
            Some(left) => {
                Kind { relay: left.relay.or(ours.relay), account: left.account.or(ours.account), seen_by: left.seen_by }
            }
            None => ours,
        }
    }

    fn kind(&self) -> Kind {
        Kind { seen_by: self.seen_by(), relay: Some(self.relay.clone()), account: Some(self.account.clone()) }
    }

    /// Leaves the same fights alone as another raid.
    pub(super) fn leave_as(&mut self, other: &Self) {
        self.left.clone_from(&other.left);
    }

    /// Whether a fight is left alone.
    pub(super) fn leaves(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    pub(super) fn names(&self) -> NamesPolicy {
        self.names
    }

    pub(super) fn delay_s(&self) -> u32 {
        self.delay_s
    }

    pub(super) fn report_visibility(&self) -> Option<Visibility> {
        self.report_visibility.into()
    }

    /// The same in the words that the relay is told.
    pub(super) fn reports_in_words(&self) -> Option<Visibility> {
        match self.report_visibility() {
            None if self.reworded => Some(self.visibility),
            Some(reports) if self.reworded && reports == self.visibility => None,
            reports => reports,
        }
    }

    pub(super) fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// As it was asked for last.
    pub(super) fn seen_by(&self) -> SeenBy {
        SeenBy { visibility: Some(self.visibility), names: Some(self.names) }
    }

    /// Who may see its reports, as it was asked for last.
    pub(super) fn reports_seen_by(&self) -> SeenBy {
        SeenBy { visibility: Some(self.report_visibility().unwrap_or(self.visibility)), names: Some(self.names) }
    }

    pub(super) fn id(&self) -> RaidId {
        RaidId(self.id)
    }

    pub(super) fn secret(&self) -> Vec<u8> {
        from_hex(&self.secret).unwrap_or_default()
    }

    /// Whether nothing was fought in it yet.
    pub(super) fn is_unused(&self) -> bool {
        self.last_fight_ms == self.started_ms
    }

    pub(super) fn fought_at(&mut self, now_ms: i64) {
        self.last_fight_ms = now_ms;
        // Also where that was in the ms in which it began.
        self.started_ms = self.started_ms.min(now_ms.saturating_sub(1));
    }
}

/// The more, the fewer see it.
fn few_see(visibility: Visibility) -> u8 {
    match visibility {
        Visibility::Public => 0,
        Visibility::Unlisted => 1,
        Visibility::Private => 2,
    }
}

/// The more, the fewer names are shown.
fn few_names(names: NamesPolicy) -> u8 {
    match names {
        NamesPolicy::Full => 0,
        NamesPolicy::Class => 1,
        NamesPolicy::Hidden => 2,
    }
}

fn account_of(key: &str) -> String {
    hex(&Sha256::digest(key)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raid_goes_on_for_three_hours_with_the_same_relay_and_key() {
        let raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
        assert!(raid.goes_on("http://a", "key", 1_000 + RAID_IDLE_MS - 1));
        assert!(!raid.goes_on("http://a", "key", 1_000 + RAID_IDLE_MS));
        assert!(!raid.goes_on("http://b", "key", 1_000));
        assert!(!raid.goes_on("http://a", "other", 1_000));
        assert_eq!(raid.secret().len(), 32);
    }

    #[test]
    fn a_title_stays_until_another_one_or_none_is_said() {
        let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
        raid.call(Some("Friday"));
        let mut raid: Raid = serde_json::from_slice(&serde_json::to_vec(&raid).unwrap()).unwrap();
        raid.call(None);
        assert_eq!(raid.title(), Some("Friday"));
        raid.call(Some("Saturday"));
        assert_eq!(raid.title(), Some("Saturday"));
        raid.call(Some(""));
        assert_eq!(raid.title(), None);
    }

    #[test]
    fn what_waits_is_left_alone_where_others_would_see_it_until_it_is_asked_for_or_they_would_not() {
        let name = |n| EncounterId(Uuid::from_u128(n));
        let waiting: Vec<_> = (1..=3).map(|n| name(n).to_string()).collect();
        let raid = |visibility| {
            let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
            raid.be(ShownTo { visibility: Some(visibility), ..ShownTo::default() });
            raid
        };
        let left = |raid: &Raid| [1, 2, 3].map(|n| raid.leaves(&name(n).to_string()));
        let private = raid(Visibility::Private);
        let mut public = raid(Visibility::Public);
        public.leave(Some(&private), &waiting, &BTreeSet::from([name(2)]));
        assert_eq!(left(&public), [true, false, true]);
        // The second was agreed to be public by now, and the third has gone out.
        let mut again = public.clone();
        again.leave(Some(&public), &waiting[..2], &BTreeSet::new());
        assert_eq!(left(&again), [true, false, false]);
        let mut private = raid(Visibility::Private);
        private.leave(Some(&again), &waiting[..2], &BTreeSet::new());
        assert_eq!(left(&private), [false, true, false]);
        // Of what nobody knows who may see it nobody may.
        public.leave(None, &waiting, &BTreeSet::new());
        assert_eq!(left(&public), [true; 3]);
        let same: Raid = serde_json::from_slice(&serde_json::to_vec(&private).unwrap()).unwrap();
        assert_eq!(same, private);
    }

    #[test]
    fn what_is_asked_for_once_more_is_told_in_other_words_where_there_are_any() {
        use ReportVisibility as Reports;
        use Visibility::{Private, Public};
        for (reports, first, then) in [
            (Reports::Live, None, Some(Private)),
            (Reports::Private, Some(Private), None),
            (Reports::Public, Some(Public), Some(Public)),
        ] {
            let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
            let shown = ShownTo { visibility: Some(Private), report_visibility: Some(reports), ..ShownTo::default() };
            raid.be(shown);
            assert_eq!(raid.reports_in_words(), first, "{reports:?}");
            raid.insist();
            let mut raid: Raid = serde_json::from_slice(&serde_json::to_vec(&raid).unwrap()).unwrap();
            assert_eq!((raid.reports_in_words(), raid.shown_to().report_visibility), (then, Some(reports)));
            raid.insist();
            assert_eq!(raid.reports_in_words(), first, "{reports:?}");
        }
    }

    #[test]
    fn a_raid_that_is_narrowed_is_seen_by_nobody_who_does_not_see_the_other() {
        use Visibility::{Private, Public, Unlisted};
        let raid = |visibility, report_visibility, names, delay_s| {
            let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
            let (visibility, report_visibility) = (Some(visibility), Some(report_visibility));
            raid.be(ShownTo { visibility, report_visibility, names: Some(names), delay_s: Some(delay_s) });
            raid
        };
        let (live, full, class) = (ReportVisibility::Live, NamesPolicy::Full, NamesPolicy::Class);
        for (new, old, expected) in [
            ((Public, live, full, 0), (Private, live, class, 60), (Private, live, class, 60)),
            ((Private, live, class, 60), (Public, live, full, 0), (Private, live, class, 60)),
            ((Public, ReportVisibility::Public, full, 0), (Unlisted, live, full, 0), (Unlisted, live, full, 0)),
            (
                (Public, live, full, 0),
                (Public, ReportVisibility::Private, full, 0),
                (Public, ReportVisibility::Private, full, 0),
            ),
            ((Private, live, full, 0), (Unlisted, ReportVisibility::Private, full, 0), (Private, live, full, 0)),
        ] {
            let mut narrowed = raid(new.0, new.1, new.2, new.3);
            let wide = narrowed.clone();
            narrowed.narrow(&raid(old.0, old.1, old.2, old.3));
            assert_eq!(wide.shows_more_than(&raid(old.0, old.1, old.2, old.3)), wide != narrowed);
            assert!(!narrowed.shows_more_than(&raid(old.0, old.1, old.2, old.3)));
            let expected = raid(expected.0, expected.1, expected.2, expected.3).shown_to();
            assert_eq!(narrowed.shown_to(), expected, "{new:?} beside {old:?}");
        }
    }

    #[test]
    fn what_waits_for_another_relay_or_account_is_left_alone_until_that_is_meant_again() {
        let name = EncounterId(Uuid::from_u128(1));
        let waiting = [name.to_string()];
        let raid = |relay, key| Raid::new(relay, key, 1_000, &Entropy::system());
        let follow = |before: &Raid, relay, key| {
            let mut raid = raid(relay, key);
            raid.leave(Some(before), &waiting, &BTreeSet::new());
            raid
        };
        let first = raid("http://a", "key");
        assert!(!follow(&first, "http://a", "key").leaves(&waiting[0]));
        let elsewhere = follow(&first, "http://b", "key");
        let another = follow(&elsewhere, "http://b", "other");
        assert!(elsewhere.leaves(&waiting[0]) && another.leaves(&waiting[0]));
        assert!(follow(&first, "http://a", "other").leaves(&waiting[0]));
        let same: Raid = serde_json::from_slice(&serde_json::to_vec(&another).unwrap()).unwrap();
        assert_eq!(same, another);
        assert!(!follow(&same, "http://a", "key").leaves(&waiting[0]));
        // Nor where somebody asks for it there.
        let mut asked = raid("http://b", "key");
        asked.leave(Some(&first), &waiting, &BTreeSet::from([name]));
        assert!(!asked.leaves(&waiting[0]));
        // As an earlier client wrote it: who was to see it, and neither where nor for whom.
        let mut old = serde_json::to_value(&first).unwrap();
        let seen_by = serde_json::json!({ "visibility": "private", "names": "full" });
        old["left"] = serde_json::json!({ (waiting[0].as_str()): seen_by });
        let old: Raid = serde_json::from_value(old).unwrap();
        let mut private = follow(&old, "http://a", "key");
        assert!(private.leaves(&waiting[0]));
        private.be(ShownTo { visibility: Some(Visibility::Private), ..ShownTo::default() });
        private.leave(Some(&old), &waiting, &BTreeSet::new());
        assert!(!private.leaves(&waiting[0]));
    }
}
