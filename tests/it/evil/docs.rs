//! `docs/adversarial-cases.md`, `docs/credential-cases.md` and `docs/yaml-cases.md` say which test shows which case: it must be true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            let name = entry.file_name();
            if name != "node_modules" && name != "target" {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Every test there is, as `module::name`.
fn tests(root: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root.join("tests"), &mut files);
    sources(&root.join("src-tauri"), &mut files);
    let mut functions = BTreeSet::new();
    for file in files {
        let code = std::fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let module =
            if stem == "mod" || stem == "tests" { file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned() } else { stem };
        let mut last = "";
        for line in code.lines().map(str::trim_start) {
            if let Some((head, rest)) = line.split_once("fn ")
                && ["", "async "].contains(&head)
            {
                let name = rest.split(['(', '<']).next().unwrap();
                // A test is what an attribute stands over, or what stands in the macro that makes tests.
                if last.starts_with("#[") || ["matrix", "wider", "clauses", "manifest"].contains(&module.as_str()) {
                    functions.insert(format!("{module}::{name}"));
                }
            }
            if !line.is_empty() {
                last = line;
            }
        }
    }
    functions
}

#[test]
fn every_test_that_the_list_of_cases_names_is_there_and_every_case_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/adversarial-cases.md")).unwrap();
    let functions = tests(&root);
    let mut cases = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| C-")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "case, what, transports, tests: {row}");
        assert!(cases.insert(cells[0].to_owned()), "{} stands there twice", cells[0]);
        let tests: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        for test in &tests {
            assert!(functions.contains(*test), "{}: there is no test {test}", cells[0]);
        }
        let later = cells[3].starts_with("with the vault") || cells[3].starts_with("with the assistant");
        assert!(!tests.is_empty() || later, "{} has no test: {row}", cells[0]);
    }
    let all: BTreeSet<_> = (1..=66).map(|nth| format!("C-{nth:02}")).collect();
    assert_eq!(cases, all, "every case is in the list");
}

#[test]
fn every_test_that_the_list_of_secrets_names_is_there_and_every_case_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/credential-cases.md")).unwrap();
    let functions = tests(&root);
    let mut cases = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| K-") || line.starts_with("| B-")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(cases.insert(cells[0].to_owned()) && !tests.is_empty(), "{row}");
        for test in tests {
            let example = test == "domain::vault" && root.join("src-tauri/crates/domain/src/vault.rs").is_file();
            assert!(example || functions.contains(test), "{}: there is no test {test}", cells[0]);
        }
    }
    let all: BTreeSet<_> = (1..=16).flat_map(|nth| [format!("K-{nth:02}"), format!("B-{nth:02}")]).collect();
    assert_eq!(cases, all, "every case is in the list");
}

#[test]
fn every_test_that_the_list_of_yaml_names_is_there_and_every_case_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/yaml-cases.md")).unwrap();
    let functions = tests(&root);
    let mut cases = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| Y-")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(cases.insert(cells[0].to_owned()) && !tests.is_empty(), "{row}");
        for test in tests {
            assert!(functions.contains(test), "{}: there is no test {test}", cells[0]);
        }
    }
    let all: BTreeSet<_> = (1..=20).map(|nth| format!("Y-{nth:02}")).collect();
    assert_eq!(cases, all, "every case is in the list");
}
