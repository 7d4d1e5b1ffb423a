//! The cases of docs/yaml-cases.md: what a manifest may be, how it is read, and how it is changed.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::CANARY;
use crate::{About, Change, EditFault, Path, Profile, Reason, Step, decode, documents, documents_within, edit, write};

fn refused(text: &str) -> (Reason, u64) {
    let fault = documents(text, &Profile::manifest()).unwrap_err();
    (fault.reason, fault.line)
}

fn one(text: &str) -> Value {
    let mut all = documents(text, &Profile::manifest()).unwrap();
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0).value
}

fn at(path: &str) -> Path {
    Path::parse(path).unwrap()
}

#[test]
fn y01_alias_bombs_are_refused_before_they_grow() {
    let mut levels = "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n".to_owned();
    for n in 1..10 {
        levels.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")));
    }
    let levels = refused(&levels).0;
    assert!(matches!(levels, Reason::TooMany { .. }), "{levels:?}");
    let wide = |times| format!("a: &a \"{}\"\nb: [{}]", "x".repeat(100_000), vec!["*a"; times].join(","));
    assert!(matches!(refused(&wide(20_000)).0, Reason::TooMany { .. }));
    assert_eq!(refused(&wide(900)).0, Reason::TooMany { what: "bytes" }, "what aliases stand for is counted too");
    let mut merges = "m0: &m0 {a: 1, b: 2}\n".to_owned();
    for n in 1..200 {
        merges.push_str(&format!("m{n}: &m{n}\n  <<: *m{}\n  k{n}: 1\n", n - 1));
    }
    assert!(documents(&merges, &Profile::manifest()).is_err());
    let anchors = (0..2_000).map(|n| format!("- &a{n} x\n")).collect::<Vec<_>>().concat();
    assert!(matches!(refused(&anchors).0, Reason::TooMany { .. }));
}

#[test]
fn y02_an_alias_of_itself_or_of_nothing_is_refused() {
    assert_eq!(refused("a: &a [*a]"), (Reason::UnknownAlias, 1));
    assert_eq!(refused("a: 1\nb: *x"), (Reason::UnknownAlias, 2));
}

#[test]
fn y03_flow_collections_nest_so_far_and_no_further() {
    assert!(documents(&format!("{}{}", "[".repeat(90), "]".repeat(90)), &Profile::manifest()).is_ok());
    assert!(documents(&"[".repeat(100_000), &Profile::manifest()).is_err());
    assert!(documents(&"{a: ".repeat(20_000), &Profile::manifest()).is_err());
}

#[test]
fn y04_block_collections_and_complex_keys_nest_so_far_and_no_further() {
    assert_eq!(refused(&format!("{}x", "- ".repeat(200))), (Reason::TooMany { what: "levels" }, 1));
    assert!(documents(&"? ".repeat(10_000), &Profile::manifest()).is_err());
    assert!(documents("? [a, b]\n: c", &Profile::manifest()).is_err(), "a key that is no text is none in JSON");
}

#[test]
fn y05_a_key_that_stands_twice_is_told_where_the_second_stands() {
    assert_eq!(refused("a: 1\nb:\n  c: 1\n  c: 2"), (Reason::DuplicateKey, 4));
    assert_eq!(refused("1: a\n\"1\": b"), (Reason::DuplicateKey, 2), "they are the same key in JSON");
    assert_eq!(refused("yes: a\n\"true\": b"), (Reason::DuplicateKey, 2), "kubectl reads both as true");
}

#[test]
fn y06_what_is_too_large_is_refused_by_its_size() {
    let limit = Profile::manifest().bytes;
    assert_eq!(refused(&" ".repeat(limit + 1)).0, Reason::TooLarge { limit });
    let many = (0..10_001).map(|n| format!("---\na: {n}\n")).collect::<Vec<_>>().concat();
    assert_eq!(refused(&many).0, Reason::TooMany { what: "documents" });
    assert_eq!(documents(&"\n".repeat(1_000_000), &Profile::manifest()).unwrap(), []);
}

#[test]
fn y07_what_is_left_open_is_refused() {
    for text in ["a: 1\nb: [1, 2", "a: \"x", "a: {b: 1", "a: 'x\nb: 1", "a: 1\n b: 2"] {
        let (reason, line) = refused(text);
        assert_eq!(reason, Reason::Syntax, "{text}");
        assert!((1..=2).contains(&line), "{text}: {line}");
    }
}

#[test]
fn y08_marks_and_utf_16_are_read_and_other_bytes_are_told_by_their_place() {
    let profile = Profile::manifest();
    assert_eq!(decode(b"\xef\xbb\xbfa: 1", &profile).unwrap(), "a: 1");
    let wide = |order: fn(u16) -> [u8; 2]| "\u{feff}a: \u{1f600}".encode_utf16().flat_map(order).collect::<Vec<_>>();
    assert_eq!(decode(&wide(u16::to_le_bytes), &profile).unwrap(), "a: \u{1f600}");
    assert_eq!(decode(&wide(u16::to_be_bytes), &profile).unwrap(), "a: \u{1f600}");
    let place = |bytes: &[u8]| decode(bytes, &profile).map_err(|fault| (fault.reason, fault.line, fault.column)).unwrap_err();
    assert_eq!(place(b"a: 1\nb: \xff"), (Reason::Encoding { offset: 8 }, 2, 4));
    assert_eq!(place(b"\xef\xbb\xbf\xc3("), (Reason::Encoding { offset: 3 }, 1, 1));
    assert_eq!(place(b"\xff\xfea\0b"), (Reason::Encoding { offset: 4 }, 0, 0), "half a character");
    assert_eq!(place(b"\xfe\xff\xd8\x00"), (Reason::Encoding { offset: 2 }, 0, 0), "half a pair");
    assert_eq!(place(b"\xff\xfe\0\0a\0\0\0"), (Reason::Encoding { offset: 0 }, 0, 0), "UTF-32");
}

#[test]
fn y09_nul_and_controls_are_refused_and_what_turns_text_round_is_remarked() {
    for (text, code) in [
        ("a: \0", 0),
        ("a: \u{7}", 7),
        ("a: \"x\u{1b}[0m\"", 0x1b),
        ("a: x\u{85}y", 0x85),
        ("a: x\u{2028}y", 0x2028),
        ("a: \"x\u{2029}y\"", 0x2029),
    ] {
        assert_eq!(refused(text), (Reason::Character { code }, 1), "{text:?}");
    }
    let all = documents("a: 1\nb: \"x\u{202e}gpj.exe\"\nc: é\u{200f}", &Profile::manifest()).unwrap();
    let found: Vec<_> = all[0].lints.iter().map(|lint| (lint.about, lint.place.line, lint.place.column)).collect();
    assert_eq!(found, [(About::Direction, 2, 6), (About::Direction, 3, 5)]);
}

#[test]
fn y10_custom_tags_and_unknown_versions_are_refused() {
    assert_eq!(refused("a: !custom 1"), (Reason::Tag, 1));
    assert_eq!(refused("a: 1\nb: !!python/object:x {}"), (Reason::Tag, 2));
    assert!(documents("%YAML 9.9\n---\na: 1", &Profile::manifest()).is_err());
    assert_eq!(one("a: !!str 1\nb: !!int \"2\""), json!({"a": "1", "b": 2}));
}

#[test]
fn y11_every_document_is_read_and_a_bad_second_one_is_told_where_it_stands() {
    let text = "# first\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\nc: 3\n";
    let all = documents(text, &Profile::manifest()).unwrap();
    let values: Vec<_> = all.iter().map(|document| document.value.clone()).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]);
    assert_eq!(all.iter().map(|document| document.spot.place.line).collect::<Vec<_>>(), [2, 6, 9]);
    assert_eq!(refused("a: 1\n---\nb: [\n").0, Reason::Syntax);
    assert_eq!(refused("a: 1\n---\nb: 1\nb: 2"), (Reason::DuplicateKey, 4));
    assert!(documents("a: &x 1\n---\nb: *x", &Profile::manifest()).is_err(), "an anchor ends with its document");
}

/// What `kubectl` (sigs.k8s.io/yaml) makes of each text, and what is said about it.
const DIALECT: &[(&str, &str, Option<About>)] = &[
    ("no", "false", Some(About::Boolean)),
    ("off", "false", Some(About::Boolean)),
    ("n", "false", Some(About::Boolean)),
    ("N", "false", Some(About::Boolean)),
    ("yes", "true", Some(About::Boolean)),
    ("On", "true", Some(About::Boolean)),
    ("y", "true", Some(About::Boolean)),
    ("true", "true", None),
    ("False", "false", None),
    ("010", "8", Some(About::Octal)),
    ("0644", "420", Some(About::Octal)),
    ("08", "8", Some(About::Number)),
    ("0o10", "8", Some(About::Octal)),
    ("0b101", "5", None),
    ("0x1F", "31", None),
    ("1_000", "1000", Some(About::Underscore)),
    ("22:22", "\"22:22\"", Some(About::Sexagesimal)),
    ("1.20", "1.2", None),
    ("1e3", "1000", Some(About::Number)),
    ("1.0", "1", None),
    ("-0", "0", None),
    ("9007199254740993", "9007199254740993", Some(About::LargeInteger)),
    ("18446744073709551615", "18446744073709551615", Some(About::LargeInteger)),
    ("~", "null", None),
    ("null", "null", None),
    ("", "null", None),
    ("2001-01-01", "\"2001-01-01\"", None),
    ("1.2.3", "\"1.2.3\"", None),
    ("0.5Gi", "\"0.5Gi\"", None),
    ("\"no\"", "\"no\"", None),
    ("'010'", "\"010\"", None),
];

#[test]
fn y13_what_kubectl_would_read_is_what_is_read() {
    for (text, wanted, about) in DIALECT {
        let all = documents(&format!("k: {text}\n"), &Profile::manifest()).unwrap();
        let wanted: Value = serde_json::from_str(wanted).unwrap();
        assert_eq!(all[0].value["k"], wanted, "{text}");
        let found: Vec<_> = all[0].lints.iter().map(|lint| (lint.about, lint.place.line, lint.place.column)).collect();
        assert_eq!(found, about.map(|about| (about, 1, 4)).into_iter().collect::<Vec<_>>(), "{text}");
    }
    assert_eq!(one("yes: a\n1: b\n1.5: c\n010: d"), json!({"true": "a", "1": "b", "1.5": "c", "8": "d"}));
    assert!(documents("a: .nan", &Profile::manifest()).is_err());
    assert!(documents("a: 12e4567", &Profile::manifest()).is_err(), "a text that asks for quotes");
    assert_eq!(one("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3"), json!({"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}));
}

#[test]
fn y13_the_archived_parsers_family_agrees_but_for_the_dialect() {
    let text =
        "a: [1, 2.5, true, null, x, \"y\", 'z']\nb:\n  c: |\n    one\n    two\n  d: >-\n    three\n    four\ne: {f: &g {h: i}, j: *g}\n";
    let theirs: Value = serde_yaml::from_str(text).unwrap();
    assert_eq!(one(text), theirs);
    for (written, ..) in DIALECT {
        let theirs: Value = serde_yaml::from_str(&format!("k: {written}\n")).unwrap();
        let apart = theirs["k"] != one(&format!("k: {written}\n"))["k"];
        let known = ["no", "off", "n", "N", "yes", "On", "y", "010", "0644", "08", "1_000", "1e3", "1.0"].contains(written);
        assert_eq!(apart, known, "{written}");
    }
}

#[test]
fn a_tab_where_spaces_line_up_is_remarked_and_one_within_a_text_is_not() {
    let all = documents("a: |\n  x\n  \ty\nb: {\n \tc: 1}\n", &Profile::manifest()).unwrap();
    let found: Vec<_> = all[0].lints.iter().map(|lint| (lint.about, lint.place.line)).collect();
    assert_eq!(found, [(About::Tab, 5)]);
}

#[test]
fn every_key_and_value_has_its_place() {
    let text = "kind: Pod\nspec:\n  containers:\n    - name: a # c\n      image: \"b\"\n    - {name: d}\nx: &x [1]\nz: *x\n";
    let all = documents(text, &Profile::manifest()).unwrap();
    let spot = &all[0].spot;
    let here = |path: &str| {
        let place = spot.nearest(&at(path));
        (place.line, place.column, &text[place.bytes.clone()])
    };
    assert_eq!(here("kind"), (1, 7, "Pod"));
    assert_eq!(here("spec.containers[0].image"), (5, 14, "\"b\""));
    assert_eq!(here("spec.containers[1].name"), (6, 14, "d"));
    assert_eq!(here("z[0]").0, 8, "what comes by an alias stands where the alias stands");
    let key = spot.nearest_key(&at("spec.containers[0].image"));
    assert_eq!((key.line, key.column), (5, 7));
    assert_eq!(spot.nearest(&at("spec.nothing.there")).line, 3, "the nearest that is there");
    let cursor = text.find("\"b\"").unwrap();
    assert_eq!(spot.path_at(cursor).to_string(), "spec.containers[0].image");
}

#[test]
fn a_path_is_written_as_the_api_server_writes_it_and_read_back() {
    let path = Path(vec!["metadata".into(), "labels".into(), "example.com/a.b".into()]);
    assert_eq!(path.to_string(), "metadata.labels[example.com/a.b]");
    let list = Path(vec!["spec".into(), "ports".into(), Step::Index(3), "port".into()]);
    assert_eq!(list.to_string(), "spec.ports[3].port");
    for path in [path, list, Path::default()] {
        assert_eq!(Path::parse(&path.to_string()), Some(path));
    }
    assert_eq!(Path::parse("a..b"), None);
}

const DEPLOYMENT: &str = "# top\napiVersion: apps/v1 # v\nkind: Deployment\nmetadata:\n  name: 'web'\n  labels: {a: b}\nspec:\n  # how many\n  replicas: 3   # three\n  template:\n    spec:\n      containers:\n        - name: web\n          image: \"nginx:1\" # image\n";

#[test]
fn y14_an_edit_changes_what_was_asked_and_nothing_else() {
    let profile = Profile::manifest();
    let set = |path: &str, value: Value| edit(DEPLOYMENT, &profile, 0, &at(path), &Change::Set(value));
    assert_eq!(set("spec.replicas", json!(5)).unwrap(), DEPLOYMENT.replace("replicas: 3 ", "replicas: 5 "));
    let image = "spec.template.spec.containers[0].image";
    assert_eq!(set(image, json!("nginx:2")).unwrap(), DEPLOYMENT.replace("\"nginx:1\"", "\"nginx:2\""));
    assert_eq!(set("metadata.name", json!("no")).unwrap(), DEPLOYMENT.replace("'web'", "'no'"));
    let added = set("spec.template.spec.containers[0].resources", json!({"limits": {"cpu": "1", "memory": "1Gi"}})).unwrap();
    assert!(added.contains("image: \"nginx:1\" # image") && added.contains("# how many"), "{added}");
    assert_eq!(one(&added)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], "1Gi");
    let removed = edit(DEPLOYMENT, &profile, 0, &at("spec.replicas"), &Change::Remove).unwrap();
    assert!(!removed.contains("replicas") && removed.contains("image: \"nginx:1\" # image"), "{removed}");
    let renamed = edit(DEPLOYMENT, &profile, 0, &at("spec.replicas"), &Change::Rename("paused".into())).unwrap();
    assert_eq!(renamed, DEPLOYMENT.replace("replicas:", "paused:"));
    let windows = DEPLOYMENT.replace('\n', "\r\n");
    let path = at("spec.replicas");
    assert_eq!(edit(&windows, &profile, 0, &path, &Change::Set(json!(4))).unwrap(), windows.replace("replicas: 3 ", "replicas: 4 "));
    let several = format!("{DEPLOYMENT}---\n---\nspec:\n  replicas: 1\n");
    assert_eq!(edit(&several, &profile, 1, &path, &Change::Set(json!(2))).unwrap(), several.replace("replicas: 1\n", "replicas: 2\n"));
    let grown = edit(&several, &profile, 1, &at("spec.paused"), &Change::Set(json!(true))).unwrap();
    assert!(grown.starts_with(DEPLOYMENT) && grown.ends_with("paused: true\n"), "{grown}");
}

#[test]
fn y14_an_edit_that_would_reach_further_is_refused() {
    let profile = Profile::manifest();
    let shared = "a: &x\n  b: 1\nc: *x\n";
    assert_eq!(edit(shared, &profile, 0, &at("a.b"), &Change::Set(json!(2))), Err(EditFault::Unsafe), "c would change with it");
    assert_eq!(edit(shared, &profile, 0, &at("c.b"), &Change::Set(json!(2))), Err(EditFault::Unsafe));
    assert_eq!(edit(shared, &profile, 0, &at("z.b"), &Change::Remove), Err(EditFault::NotThere));
    assert_eq!(edit(shared, &profile, 1, &at("a.b"), &Change::Remove), Err(EditFault::NotThere));
    assert!(matches!(edit("a: [", &profile, 0, &at("a"), &Change::Remove), Err(EditFault::Yaml(_))));
}

#[test]
fn y16_no_fault_holds_a_piece_of_a_manifest() {
    for text in [
        format!("token: {CANARY}\ntoken: {CANARY}"),
        format!("token: \"{CANARY}"),
        format!("{CANARY}: *{CANARY}"),
        format!("a: !{CANARY} x"),
        format!("a: {CANARY}\n\tb: 1"),
        format!("? [{CANARY}]\n: {CANARY}"),
        format!("a: 1\n---\nb: \"\\{CANARY}\""),
    ] {
        let Err(fault) = documents(&text, &Profile::manifest()) else { continue };
        assert!(!format!("{fault:?} {fault} {}", fault.reason.zh()).contains(CANARY), "{fault:?}");
    }
}

#[test]
fn y17_the_deepest_manifest_is_read_on_a_small_stack() {
    let text = format!("{}x{}", "[".repeat(95), "]".repeat(95));
    let reading = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || documents(&text, &Profile::manifest()).is_ok());
    assert!(reading.unwrap().join().unwrap());
}

#[test]
fn y18_reading_that_takes_too_long_is_given_up() {
    let text: Arc<str> = "- {a: 1, b: [2, 3], c: {d: e}}\n".repeat(50_000).into();
    let fault = documents_within(text, Profile::manifest(), Duration::ZERO).unwrap_err();
    assert_eq!(fault.reason, Reason::Late);
    let read = documents_within("a: 1".into(), Profile::manifest(), Duration::from_secs(60)).unwrap();
    assert_eq!(read[0].value, json!({"a": 1}));
}

#[test]
fn y19_a_paste_of_fifty_megabytes_is_refused_without_reading_it() {
    // Reading it would have found the first character.
    let text: Arc<str> = "\0".repeat(50 * 1024 * 1024).into();
    let fault = documents_within(text.clone(), Profile::manifest(), Duration::from_secs(60)).unwrap_err();
    assert_eq!(fault.reason, Reason::TooLarge { limit: Profile::manifest().bytes });
    assert_eq!(decode(text.as_bytes(), &Profile::manifest()).unwrap_err().reason, fault.reason);
}

fn anything() -> impl Strategy<Value = Value> {
    let hard = [
        "no", "y", "010", "1_000", "~", "<<", "- a", "a: b", "# c", "22:22", "1e3", "0x1f", "null", "", " ", "\n", "|", "*a", "&a", "!a",
        "%a", "@a", "`a", "---", "...",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(|number| if number.fract() == 0.0 { json!(0.5) } else { json!(number) }),
        "[ -~éü漢]{0,20}".prop_map(Value::from),
        "[a-z\n\t ]{0,20}".prop_map(Value::from),
        prop::sample::select(hard.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}|no|1|~", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn y15_what_is_written_is_read_back_as_a_manifest(wanted in anything()) {
        let text = write(&wanted).unwrap();
        let read: Vec<_> = documents(&text, &Profile::manifest()).unwrap().into_iter().map(|document| document.value).collect();
        let wanted = if wanted.is_null() { vec![] } else { vec![wanted] };
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn y14_whatever_an_edit_gives_is_the_old_value_with_that_change(
        value in prop::collection::btree_map("[a-z]{1,4}", anything(), 1..5), nth in 0usize..5, new in anything(),
    ) {
        let before = json!(value);
        let text = write(&before).unwrap();
        let key = value.keys().nth(nth % value.len()).unwrap().clone();
        let mut wanted = before.clone();
        wanted[&key] = new.clone();
        if let Ok(changed) = edit(&text, &Profile::manifest(), 0, &Path(vec![Step::Key(key)]), &Change::Set(new)) {
            prop_assert_eq!(one(&changed), wanted);
        }
    }

    #[test]
    fn y20_no_text_brings_the_reader_down(text in "[a-z0-9:#&*!|>'\"%@,<\\[\\]{}?\\- \n\t.]{0,120}") {
        if let Ok(all) = documents(&text, &Profile::manifest()) {
            for document in all {
                prop_assert!(text.is_char_boundary(document.spot.place.bytes.start));
                let _ = edit(&text, &Profile::manifest(), 0, &document.spot.path_at(text.len()), &Change::Set(json!("x")));
            }
        }
    }
}
