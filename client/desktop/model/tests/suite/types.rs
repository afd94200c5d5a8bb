//! The TypeScript types of the app's page are those of this crate.
//!
//! `cargo xtask types` writes them; this test fails when they are stale.

use std::fmt::Write as _;
use std::path::PathBuf;

use raidcast_desktop_model::view;
use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::uplink::Visibility;
use ts_rs::{Config, TS};

fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(
        "// Made by `cargo xtask types` from the crate raidcast-desktop-model. Do not edit.\n\
         import type { NamesPolicy, Outcome } from '$lib/wire/types';\n",
    );
    macro_rules! declare {
        ($($name:ty),* $(,)?) => {$(
            writeln!(out, "\nexport {}", <$name>::decl(&config)).expect("a String takes any text");
        )*};
    }
    declare!(
        Visibility,
        ReportVisibility,
        view::AppState,
        view::NowView,
        view::FightNow,
        view::DelayView,
        view::LinkView,
        view::ElsewhereView,
        view::UploadView,
        view::MeterView,
        view::FirstStep,
        view::FirstView,
        view::OldFights,
        view::RelayView,
        view::PairView,
        view::PairStep,
        view::KeptView,
        view::OldChoice,
        view::FirstChoice,
        view::ShownTo,
        view::FightFilter,
        view::FightPage,
        view::FightRow,
        view::FightStand,
        view::FightAct,
        view::Parts,
        view::UploadChoice,
        view::UploadPlan,
        view::UploadStep,
        view::UploadHow,
        view::UploadEnd,
        view::SettingsView,
        view::SettingsFiles,
        view::LanguageChoice,
        view::SettingsChange,
        view::UpdateRule,
        view::UpdateView,
        view::UpdateBusy,
        view::AboutView,
        view::Link,
        view::Fault,
        view::Notice,
    );
    out
}

#[test]
fn committed_types_are_those_of_this_crate() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../web/src/lib/desktop");
    let path = folder.join("types.ts");
    let text = declarations();
    if std::env::var_os("RAIDCAST_WRITE_TYPES").is_some() {
        std::fs::create_dir_all(&folder).expect("web/src/lib/desktop can be made");
        std::fs::write(&path, &text).expect("types can be written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(held == text, "{} is stale: run `cargo xtask types`", path.display());
}
