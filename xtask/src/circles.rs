//! Arrows between files and between crates: they point one way.
//!
//! A file depends on another if it uses an item that the other defines; a re-export on the way does not count. So a
//! circle is a set of files of which none can be read without the others. Methods are not looked at: which file a
//! method's body stands in cannot be told without types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Item, UseTree, Visibility};

use crate::command::root;

/// Each crate, and which others of the workspace it may use.
const CRATES: [(&str, &[&str]); 11] = [
    ("shared", &[]),
    ("client/meterkit", &[]),
    ("client", &["raidcast-shared"]),
    ("client/desktop/model", &["raidcast", "raidcast-shared"]),
    ("client/desktop", &["raidcast", "raidcast-desktop-model"]),
    ("relay/store", &["raidcast-shared"]),
    ("relay/store-sqlite", &["raidcast-shared", "raidcast-store"]),
    ("relay/store-postgres", &["raidcast-shared", "raidcast-store"]),
    ("relay/pgkit", &[]),
    ("relay/ingest", &["raidcast-shared"]),
    (
        "relay",
        &["raidcast-ingest", "raidcast-shared", "raidcast-store", "raidcast-store-postgres", "raidcast-store-sqlite"],
    ),
];

/// The crates that have no circles, and are to get none.
const WITHOUT_CIRCLES: [&str; 11] = [
    "shared",
    "client/meterkit",
    "client",
    "client/desktop/model",
    "client/desktop",
    "relay/store",
    "relay/store-sqlite",
    "relay/store-postgres",
    "relay/pgkit",
    "relay/ingest",
    "relay",
];

type Name = Vec<String>;

/// A file of a crate.
#[derive(Default)]
struct Module {
    items: BTreeSet<String>,
    /// What names stand for here, and whether others may take them from here.
    names: BTreeMap<String, Name>,
    globs: Vec<Name>,
    /// Paths in its bodies.
    paths: BTreeSet<Name>,
}

fn name_of(folder: &Path, file: &Path) -> Name {
    let inside = file.strip_prefix(folder).expect("the file lies in it").with_extension("");
    let parts: Name = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts == ["lib"] || parts == ["main"] { Vec::new() } else { parts }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn read(file: &Path) -> Module {
    let text = fs::read_to_string(file).expect("sources are text");
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut module = Module::default();
    for item in &parsed.items {
        take(item, &mut module);
    }
    module
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| quote(attr).contains("cfg (test)") || quote(attr).contains("cfg(test)"))
}

fn quote(attr: &syn::Attribute) -> String {
    match &attr.meta {
        syn::Meta::List(list) => format!("{}({})", path_of(&list.path), list.tokens),
        other => path_of(other.path()),
    }
}

fn path_of(path: &syn::Path) -> String {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::")
}

fn take(item: &Item, module: &mut Module) {
    let name = match item {
        Item::Use(used) => {
            let is_shared = !matches!(used.vis, Visibility::Inherited);
            return uses(&used.tree, Vec::new(), is_shared, module);
        }
        Item::Mod(inner) if is_test(&inner.attrs) => return,
        Item::Mod(inner) => {
            if let Some((_, items)) = &inner.content {
                module.items.insert(inner.ident.to_string());
                for item in items {
                    take(item, module);
                }
            }
            return;
        }
        Item::Fn(held) => Some(held.sig.ident.to_string()),
        Item::Struct(held) => Some(held.ident.to_string()),
        Item::Enum(held) => Some(held.ident.to_string()),
        Item::Trait(held) => Some(held.ident.to_string()),
        Item::Type(held) => Some(held.ident.to_string()),
        Item::Const(held) => Some(held.ident.to_string()),
        Item::Static(held) => Some(held.ident.to_string()),
        Item::Macro(held) => held.ident.as_ref().map(ToString::to_string),
        _ => None,
    };
    module.items.extend(name);
    let text: TokenStream = syn::parse_str(&source(item)).unwrap_or_default();
    let mut tokens = Vec::new();
    flatten(text, &mut tokens);
    paths(&tokens, module);
}

/// The item as text, without what is for tests alone.
fn source(item: &Item) -> String {
    use quote::ToTokens as _;
    item.to_token_stream().to_string()
}

fn flatten(stream: TokenStream, out: &mut Vec<String>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                out.push("(".into());
                flatten(group.stream(), out);
                out.push(")".into());
            }
            TokenTree::Ident(ident) => out.push(ident.to_string()),
            TokenTree::Punct(punct) => out.push(punct.as_char().to_string()),
            TokenTree::Literal(_) => out.push("0".into()),
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Every path of tokens; a name alone is one too, since it may be one that was imported.
fn paths(tokens: &[String], module: &mut Module) {
    let mut at = 0;
    while at < tokens.len() {
        if !is_name(&tokens[at]) || (at > 0 && tokens[at - 1] == ".") {
            at += 1;
            continue;
        }
        let mut path = vec![tokens[at].clone()];
        while tokens.get(at + 1).is_some_and(|token| token == ":")
            && tokens.get(at + 2).is_some_and(|token| token == ":")
            && tokens.get(at + 3).is_some_and(|token| is_name(token))
        {
            path.push(tokens[at + 3].clone());
            at += 3;
        }
        module.paths.insert(path);
        at += 1;
    }
}

fn uses(tree: &UseTree, mut before: Name, is_shared: bool, module: &mut Module) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            uses(&path.tree, before, is_shared, module);
        }
        UseTree::Name(name) if name.ident == "self" => {
            let last = before.last().cloned().unwrap_or_default();
            module.names.insert(last, before);
        }
        UseTree::Name(name) => {
            before.push(name.ident.to_string());
            module.names.insert(name.ident.to_string(), before);
        }
        UseTree::Rename(renamed) => {
            if renamed.ident != "self" {
                before.push(renamed.ident.to_string());
            }
            // A trait that is imported for its methods alone.
            if renamed.rename == "_" && !is_shared {
                module.paths.insert(before);
            } else {
                module.names.insert(renamed.rename.to_string(), before);
            }
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| uses(tree, before.clone(), is_shared, module));
        }
        UseTree::Glob(_) => module.globs.push(before),
    }
}

struct Crate(BTreeMap<Name, Module>);

impl Crate {
    fn read(folder: &Path) -> Self {
        let mut found = Vec::new();
        files(folder, &mut found);
        // A program beside its library is no part of it.
        let both = found.iter().any(|file| file.ends_with("lib.rs"));
        found.retain(|file| !(both && file.ends_with("main.rs") && file.parent() == Some(folder)));
        Self(found.iter().map(|file| (name_of(folder, file), read(file))).collect())
    }

    /// The file that defines what a path names, as seen from a file.
    fn home(&self, from: &Name, path: &[String], depth: u8) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let here = self.0.get(from)?;
        let mut at = from.clone();
        let mut rest = rest;
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
                while let Some((next, after)) = rest.split_first().filter(|(next, _)| *next == "super") {
                    let _ = next;
                    at.pop();
                    rest = after;
                }
            }
            "Self" => return None,
            name => {
                let child = [from.as_slice(), &[name.to_owned()]].concat();
                if self.0.contains_key(&child) {
                    at = child;
                } else if here.items.contains(name) {
                    return Some(from.clone());
                } else {
                    return self.imported(from, name, rest, depth);
                }
            }
        }
        for (index, next) in rest.iter().enumerate() {
            let child = [at.as_slice(), std::slice::from_ref(next)].concat();
            if self.0.contains_key(&child) {
                at = child;
                continue;
            }
            if self.0.get(&at)?.items.contains(next) {
                return Some(at);
            }
            return self.imported(&at, next, &rest[index + 1..], depth);
        }
        // A module alone: what is used of it is another path.
        None
    }

    fn imported(&self, at: &Name, name: &str, rest: &[String], depth: u8) -> Option<Name> {
        if depth > 8 {
            return None;
        }
        let module = self.0.get(at)?;
        if let Some(path) = module.names.get(name) {
            // A name that stands for itself is another crate's.
            let path = [path.as_slice(), rest].concat();
            return (path.first().is_some_and(|first| first != name) || path.len() > 1)
                .then(|| self.home_of_use(at, &path, depth + 1))
                .flatten();
        }
        let with = |glob: &Name| [glob.as_slice(), &[name.to_owned()], rest].concat();
        module.globs.iter().find_map(|glob| self.home_of_use(at, &with(glob), depth + 1))
    }

    /// As [`Crate::home`], but the first name is no import of the same file: it is what the import says.
    fn home_of_use(&self, at: &Name, path: &[String], depth: u8) -> Option<Name> {
        let first = path.first()?;
        let child = [at.as_slice(), std::slice::from_ref(first)].concat();
        let known = ["crate", "self", "super"].contains(&first.as_str()) || self.0.contains_key(&child);
        known.then(|| self.home(at, path, depth)).flatten()
    }

    fn arrows(&self) -> BTreeMap<Name, BTreeSet<Name>> {
        let to = |(name, module): (&Name, &Module)| {
            let homes = module.paths.iter().filter_map(|path| self.home(name, path, 0));
            (name.clone(), homes.filter(|home| home != name).collect())
        };
        self.0.iter().map(to).collect()
    }
}

/// Sets of files that reach each other.
fn circles(arrows: &BTreeMap<Name, BTreeSet<Name>>) -> Vec<BTreeSet<Name>> {
    let reach = |from: &Name| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<_> = arrows[from].iter().collect();
        while let Some(at) = next.pop() {
            if seen.insert(at.clone()) {
                next.extend(&arrows[at]);
            }
        }
        seen
    };
    let reached: BTreeMap<&Name, BTreeSet<Name>> = arrows.keys().map(|name| (name, reach(name))).collect();
    let mut found: Vec<BTreeSet<Name>> = Vec::new();
    for (name, reaches) in &reached {
        if !reaches.contains(*name) || found.iter().any(|circle| circle.contains(*name)) {
            continue;
        }
        found.push(reaches.iter().filter(|other| reached[other].contains(*name)).cloned().collect());
    }
    found
}

#[test]
fn no_files_go_in_circles() {
    let mut told = String::new();
    for folder in WITHOUT_CIRCLES {
        let arrows = Crate::read(&root().join(folder).join("src")).arrows();
        for circle in circles(&arrows) {
            let _ = write!(told, "\n{folder}: ");
            for name in &circle {
                let to: Vec<_> = arrows[name].intersection(&circle).map(|name| name.join("::")).collect();
                let _ = write!(told, "\n    {} uses {}", name.join("::"), to.join(", "));
            }
        }
    }
    assert!(told.is_empty(), "files that use each other:{told}");
}

#[test]
fn a_circle_is_found_also_by_way_of_a_re_export() {
    let folder = root().join("target/circles");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("a")).expect("a folder");
    for (file, text) in [
        ("lib.rs", "pub mod a; pub mod b;"),
        ("a.rs", "mod inner; pub use inner::Inner;"),
        ("a/inner.rs", "use crate::b::other; pub struct Inner; fn call() { other() }"),
        ("b.rs", "use crate::a::Inner; pub fn other() -> Inner { todo!() }"),
    ] {
        fs::write(folder.join(file), text).expect("a file");
    }
    let name = |name: &str| -> Name { name.split("::").map(str::to_owned).collect() };
    let arrows = Crate::read(&folder).arrows();
    assert_eq!(circles(&arrows), [BTreeSet::from([name("a::inner"), name("b")])]);
}

#[test]
fn crates_use_only_those_below_them() {
    for (folder, below) in CRATES {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let part = text.split("\n[").find(|part| part.starts_with("dependencies]")).unwrap_or_default();
        let used = part
            .lines()
            .filter(|line| line.starts_with("raidcast"))
            .map(|line| line.split(['.', ' ', '=']).next().unwrap_or_default());
        for used in used {
            assert!(below.contains(&used), "{folder} uses {used}");
        }
    }
}
