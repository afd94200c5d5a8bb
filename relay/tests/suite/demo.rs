//! The demo as a newcomer starts it, faster.

use std::path::Path;
use std::process::Command;

use crate::process::RELAY;

/// The demo judges its own report: final, the script's sums, and a name for every skill and boss.
#[test]
fn the_demo_of_each_meter_ends_with_a_final_report_that_has_a_name_for_everything() {
    // Examples are built with a package's tests. Building it from here would build half of the workspace anew.
    let demo = Path::new(RELAY).with_file_name("examples").join("demo");
    assert!(demo.exists(), "the demo is not built: run `cargo build -p raidcast-relay --example demo`");
    for generation in ["aggregate", "journal"] {
        let output = Command::new(&demo)
            .args(["--exit", "--speed", "20", "--listen", "127.0.0.1:0", "--generation", generation])
            .output()
            .expect("the demo starts");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains("The report is kept: http://"), "{generation}: {said}");
    }
}
