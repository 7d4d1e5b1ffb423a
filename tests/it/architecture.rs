//! Holds the map in `ARCHITECTURE.md`: edges between crates, owners of outside crates, inherited lints, licences, banned crates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Licences that may be linked. Anything else needs a decision page.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "CC0-1.0",
    "MPL-2.0",
    "BSL-1.0",
    "Unlicense",
    "CDLA-Permissive-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT-0",
    "NCSA",
    "OpenSSL",
    "bzip2-1.0.6",
];

/// Crates that must not be in the tree at all, and why.
const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "TLS is rustls with ring"),
    ("native-tls", "TLS is rustls with ring"),
    ("serde_yml", "unsound"),
    ("libyml", "unsound"),
    ("yaml-rust", "unmaintained"),
    ("tauri-plugin-shell", "no shell is reachable from the window"),
    ("tauri-plugin-http", "all HTTP is made in Rust by `net`"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(["--offline".to_owned()]).exec().unwrap()
}

/// The crate table: name → (may use, alone may name).
fn table() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let cell = |cell: &str| -> BTreeSet<String> {
        cell.split(',').map(|word| word.trim().trim_matches('`').to_owned()).filter(|word| !word.is_empty() && word != "—").collect()
    };
    let rows: BTreeMap<_, _> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let name = cells[1].trim_end_matches(" (root)").trim_matches('`').to_owned();
            (name, (cell(cells[3]), cell(cells[4])))
        })
        .collect();
    assert!(rows.len() > 10, "the crate table of ARCHITECTURE.md was not found");
    rows
}

fn ours(metadata: &Metadata) -> Vec<&Package> {
    metadata.workspace_packages().into_iter().filter(|package| !package.name.starts_with("tests-")).collect()
}

#[test]
fn every_edge_between_crates_is_in_the_map() {
    let metadata = metadata();
    let table = table();
    let names: BTreeSet<_> = ours(&metadata).iter().map(|package| package.name.to_string()).collect();
    let mapped: BTreeSet<_> = table.keys().cloned().collect();
    assert_eq!(names, mapped, "the crates and the rows of ARCHITECTURE.md differ");
    for package in ours(&metadata) {
        let (may_use, _) = &table[package.name.as_str()];
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development) {
            if names.contains(&dependency.name) {
                assert!(
                    may_use.contains(&dependency.name),
                    "`{}` uses `{}`, which its row in ARCHITECTURE.md does not allow: a new edge needs a decision page",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn an_owned_outside_crate_is_named_by_its_owner_only() {
    let metadata = metadata();
    for (owner, (_, owned)) in table() {
        for outside in owned {
            let pattern = outside.trim_end_matches('*').trim_end_matches("-plugin-");
            for package in ours(&metadata).into_iter().filter(|package| !["testkit", "xtask"].contains(&package.name.as_str())) {
                let named = package
                    .dependencies
                    .iter()
                    .any(|dependency| dependency.name == pattern && dependency.kind != DependencyKind::Development);
                assert!(!named || package.name == owner, "`{}` names `{pattern}`, which belongs to `{owner}`", package.name);
            }
        }
    }
}

#[test]
fn every_crate_inherits_the_lints() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not inherit the workspace's lints", package.name);
    }
}

#[test]
fn every_dependency_that_is_declared_is_used() {
    let metadata = metadata();
    for package in ours(&metadata) {
        let folder = package.manifest_path.parent().unwrap();
        let sources = if package.name == "pilothouse" { folder.join("src-tauri/src") } else { folder.to_path_buf() };
        let mut text = String::new();
        collect(sources.as_std_path(), &mut text);
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            let name = dependency.rename.as_deref().unwrap_or(&dependency.name).replace('-', "_");
            assert!(text.contains(&name), "`{}` declares `{}` and does not use it", package.name, dependency.name);
        }
    }
}

fn collect(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_source_file_says_what_it_is() {
    let root = root();
    let mut silent = Vec::new();
    let mut folders = vec![root.join("src-tauri/src"), root.join("src-tauri/crates"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("node_modules") && !path.ends_with(".venv") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let first = std::fs::read_to_string(&path).unwrap();
                if !first.starts_with("//!") {
                    silent.push(path);
                }
            }
        }
    }
    assert!(silent.is_empty(), "no `//!` line at the head of {silent:?}");
}

#[test]
fn every_linked_licence_is_on_the_list() {
    let metadata = metadata();
    for package in &metadata.packages {
        let Some(licence) = &package.license else {
            assert!(package.license_file.is_some(), "{} states no licence", package.name);
            continue;
        };
        let allowed = licence.replace('/', " OR ").split(" OR ").any(|choice| {
            choice.trim_matches(['(', ')', ' ']).split(" AND ").all(|part| LICENCES.contains(&part.trim_matches(['(', ')', ' '])))
        });
        assert!(allowed, "{} {} is licensed as {licence}", package.name, package.version);
    }
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    let metadata = metadata();
    for (name, why) in BANNED {
        assert!(!metadata.packages.iter().any(|package| package.name == *name), "{name} is in the tree: {why}");
    }
}

#[test]
fn rmcp_is_built_without_its_http_server_and_jsonschema_without_resolvers() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let features = |name: &str| -> Vec<String> {
        resolve
            .nodes
            .iter()
            .filter(|node| metadata[&node.id].name == name)
            .flat_map(|node| node.features.iter().map(ToString::to_string))
            .collect()
    };
    assert!(!features("rmcp").iter().any(|feature| feature.contains("server")), "rmcp's server side would listen: {:?}", features("rmcp"));
    assert!(!features("jsonschema").iter().any(|feature| feature.starts_with("resolve")), "a schema must not fetch anything");
}
