//! The TypeScript types of the feed in `web/` are those of this crate. (Those of the API are made of its description.)
//!
//! `cargo xtask types` writes them; this test fails when they are stale.

use std::fmt::Write as _;
use std::path::PathBuf;

use raidcast_shared::{feed, game, report, uplink};
use ts_rs::{Config, TS};

fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from("// Made by `cargo xtask types` from the crate raidcast-shared. Do not edit.\n");
    macro_rules! declare {
        ($($name:ty),* $(,)?) => {$(
            writeln!(out, "\nexport {}", <$name>::decl(&config)).expect("a String takes any text");
        )*};
    }
    declare!(
        game::Role,
        uplink::NamesPolicy,
        uplink::Outcome,
        uplink::ReportState,
        report::Place,
        report::Boss,
        report::Totals,
        report::AttemptRow,
        report::DeathRow,
        report::SkillRow,
        report::SkillKind,
        report::ReportSummary,
        feed::FeedFrame,
        feed::Keyframe,
        feed::FeedRaid,
        feed::FeedFightRef,
        feed::FeedFight,
        feed::FightHead,
        feed::FeedPlayer,
        feed::Bucket,
        feed::Tick,
        feed::FrameTimes,
        feed::Detail,
        feed::FeedEvent,
        feed::FeedHappening,
        feed::Bye,
        feed::Echo,
        feed::FeedRequest,
    );
    out
}

fn game_tables() -> String {
    fn pretty(value: &impl serde::Serialize) -> String {
        serde_json::to_string_pretty(value).expect("tables are JSON")
    }
    format!(
        "// Made by `cargo xtask types` from the crate raidcast-shared. Do not edit.\n\
         import type {{ Role }} from './types';\n\n\
         export interface GameClass {{\n  id: number;\n  name: string;\n  color: string;\n  specs: [number, number];\n}}\n\n\
         export interface GameSpec {{\n  id: number;\n  name: string;\n  classId: number;\n  role: Role;\n}}\n\n\
         export const CLASSES: GameClass[] = {};\n\n\
         export const SPECS: GameSpec[] = {};\n",
        pretty(&game::CLASSES),
        pretty(&game::SPECS),
    )
}

#[test]
fn committed_types_are_those_of_this_crate() {
    let wire = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web/src/lib/wire");
    for (file, text) in [("types.ts", declarations()), ("game.ts", game_tables())] {
        let path = wire.join(file);
        if std::env::var_os("RAIDCAST_WRITE_TYPES").is_some() {
            std::fs::create_dir_all(&wire).expect("web/src/lib/wire can be made");
            std::fs::write(&path, &text).expect("types can be written");
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(held == text, "{} is stale: run `cargo xtask types`", path.display());
    }
}
