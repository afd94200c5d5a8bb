//! Who hears that the reports of a fight lead to others now.
//!
//! One invariant: nobody hears of a report to which nobody is led, for that is all that would tell him that it exists. To
//! whom a report leads when somebody asks is another question ([`super::Door::view`]); nobody is asked here.

use raidcast_shared::uplink::{NamesPolicy, ReportState, Visibility};
use raidcast_store::Viewpoint;

/// Of a report that was just derived, and of others of its fight: those that anybody who sees them sees lead elsewhere.
///
/// Each but those that hide somebody, whom the others would name: they lead nowhere. Where names are hidden from who is no
/// member, he does not hear of it either: that is left to who tells those who watch.
pub(crate) fn who_hears<'a>(own: &'a Viewpoint, others: &'a [Viewpoint]) -> Vec<&'a Viewpoint> {
    let leads = |view: &&Viewpoint| !view.hides;
    let own_hears = others.iter().any(is_led_to);
    let others = others.iter().filter(|_| is_led_to(own));
    Some(own).filter(|_| own_hears).into_iter().chain(others).filter(leads).collect()
}

/// Whether anybody is led to it who sees another report of its fight.
fn is_led_to(view: &Viewpoint) -> bool {
    // Of one that goes on again it depends on who may see what is live, too: it is derived once more when it has ended.
    view.state != ReportState::Live
        && view.visibility == Visibility::Public
        && view.names == NamesPolicy::Full
        && !view.hides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(encounter: i64) -> Viewpoint {
        Viewpoint {
            encounter,
            report_id: format!("report-{encounter}"),
            raid_code: format!("raid-{encounter}"),
            state: ReportState::Final,
            visibility: Visibility::Public,
            names: NamesPolicy::Full,
            hides: false,
        }
    }

    fn hear(own: &Viewpoint, others: &[Viewpoint]) -> Vec<i64> {
        who_hears(own, others).iter().map(|view| view.encounter).collect()
    }

    /// What keeps anybody from being led to a report.
    fn in_the_dark() -> [Viewpoint; 6] {
        [
            Viewpoint { visibility: Visibility::Unlisted, ..view(1) },
            Viewpoint { visibility: Visibility::Private, ..view(1) },
            Viewpoint { names: NamesPolicy::Class, ..view(1) },
            Viewpoint { names: NamesPolicy::Hidden, ..view(1) },
            Viewpoint { state: ReportState::Live, ..view(1) },
            Viewpoint { hides: true, ..view(1) },
        ]
    }

    #[test]
    fn all_that_lead_to_each_other_hear_of_it() {
        assert_eq!(hear(&view(1), &[view(2), view(3)]), [1, 2, 3]);
        assert!(hear(&view(1), &[]).is_empty());
        let goes_on = Viewpoint { state: ReportState::Provisional, ..view(1) };
        assert_eq!(hear(&goes_on, &[view(2)]), [1, 2]);
    }

    #[test]
    fn nobody_hears_of_one_to_which_nobody_is_led() {
        for dark in in_the_dark() {
            // It leads to the others itself, unless it hides somebody.
            let itself = if dark.hides { vec![] } else { vec![1] };
            assert_eq!(hear(&dark, &[view(2), view(3)]), itself, "{dark:?}");
            assert_eq!(hear(&view(2), std::slice::from_ref(&dark)), itself, "{dark:?}");
            assert!(hear(&dark, &in_the_dark()).is_empty(), "{dark:?}");
        }
    }
}
