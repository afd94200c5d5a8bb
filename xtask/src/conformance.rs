//! The stores' laws: each that is written is run.

use std::collections::BTreeSet;
use std::fs;

use syn::{Item, Visibility};

use crate::command::root;

#[test]
fn every_law_of_the_stores_is_run() {
    let conformance = root().join("relay/store/src/conformance");
    let list = fs::read_to_string(conformance.with_extension("rs")).expect("the list of laws");
    let named: BTreeSet<_> = list.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut laws = 0;
    let mut folders = vec![conformance];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of laws") {
            let path = entry.expect("a file of laws").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a file of laws");
            for item in syn::parse_file(&text).expect("Rust").items {
                if let Item::Fn(law) = item
                    && matches!(law.vis, Visibility::Public(_))
                {
                    let name = law.sig.ident.to_string();
                    assert!(named.contains(name.as_str()), "{name} of {} is not in `conformance!`", path.display());
                    laws += 1;
                }
            }
        }
    }
    assert!(laws > 50, "{laws} laws found");
}
