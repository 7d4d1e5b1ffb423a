//! What is read, what is refused and where, and that every value's place is its own.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Kind, Node, Profile, Reason, tree, value, write};

mod manifest;

const CANARY: &str = "c4n4ry-5f1e";

#[test]
fn each_bad_text_is_refused_for_its_reason_at_its_place() {
    let deep = format!("{}x", "[".repeat(200));
    let nested = format!("{}x", "- ".repeat(200));
    let many = format!("a: &a [1]\nb: [{}]", vec!["*a"; 65].join(","));
    for (text, line, reason) in [
        ("a: 1\nb: 2\na: 3", 3, Reason::DuplicateKey),
        ("a: *x", 1, Reason::UnknownAlias),
        ("a: &a [*a]", 1, Reason::UnknownAlias),
        ("a: [1", 1, Reason::Syntax),
        ("a: 1\n---\nb: 2", 3, Reason::SeveralDocuments),
        ("b: {<<: {a: 1}}", 1, Reason::MergeKey),
        ("a: !custom 1", 1, Reason::Tag),
        ("a: \"\u{1}\"", 1, Reason::Character { code: 1 }),
        ("a: x\u{85}y", 1, Reason::Character { code: 0x85 }),
        (deep.as_str(), 1, Reason::Syntax),
        (nested.as_str(), 1, Reason::TooMany { what: "levels" }),
        (many.as_str(), 2, Reason::TooMany { what: "aliases" }),
    ] {
        let fault = value(text, &Profile::KUBECONFIG).unwrap_err();
        assert_eq!((fault.reason.clone(), fault.line), (reason, line), "{text}: {fault:?}");
        assert_eq!(tree(text, &Profile::KUBECONFIG).unwrap_err().reason, fault.reason, "both readings refuse alike");
    }
    let large = " ".repeat(Profile::CONFIG.bytes + 1);
    assert_eq!(value(&large, &Profile::CONFIG).unwrap_err().reason, Reason::TooLarge { limit: Profile::CONFIG.bytes });
}

#[test]
fn no_fault_holds_a_piece_of_the_text() {
    for text in [
        format!("token: {CANARY}\ntoken: {CANARY}"),
        format!("token: \"{CANARY}"),
        format!("{CANARY}: *{CANARY}"),
        format!("a: !{CANARY} x"),
        format!("a: {CANARY}\n\tb: 1"),
        format!("%{CANARY} 1\n---\na"),
        format!("a: \"\\{CANARY}\""),
    ] {
        let Err(fault) = value(&text, &Profile::KUBECONFIG) else { continue };
        assert!(!format!("{fault:?} {fault}").contains(CANARY), "{fault:?}");
    }
    let strict: Result<u8, _> = crate::read(CANARY, &Profile::CONFIG);
    assert!(!format!("{strict:?}").contains(CANARY), "a value of the wrong sort is not quoted either");
    let root = tree(&format!("a: {CANARY}"), &Profile::KUBECONFIG).unwrap();
    assert!(!format!("{root:?}").contains(CANARY));
}

fn at<'t>(text: &'t str, node: &Node) -> &'t str {
    &text[node.span.clone()]
}

#[test]
fn every_value_knows_its_bytes() {
    let text = "# é\r\na: plain é # c\r\nb: 'it''s'\r\nc: \"x\\ny\"\r\nd: |\r\n  one\r\n  two\r\n\r\n# c\r\ne: {f: [1, '2'], \"g\": h}\r\ni:\r\n- j\r\n- k: l\r\nm: &m n\r\no: *m\r\np:\r\n";
    let root = tree(text, &Profile::KUBECONFIG).unwrap();
    let value = |key: &str| root.get(key).unwrap();
    assert_eq!(at(text, value("a")), "plain é");
    assert_eq!((at(text, value("b")), value("b").text()), ("'it''s'", Some("it's")));
    assert_eq!(at(text, value("c")), "\"x\\ny\"");
    assert_eq!((at(text, value("d")), value("d").text()), ("one\r\n  two", Some("one\ntwo\n")));
    assert_eq!((at(text, value("e")), value("e").flow), ("{f: [1, '2'], \"g\": h}", true));
    assert_eq!(at(text, &value("e").entries()[1].key), "\"g\"");
    assert_eq!(at(text, value("e").get("f").unwrap()), "[1, '2']");
    assert_eq!(at(text, value("i")), "j\r\n- k: l");
    assert_eq!((at(text, value("m")), value("m").anchor), ("n", true));
    assert_eq!((at(text, value("o")), value("o").alias, value("o").text()), ("*m", true, Some("n")));
    assert!(value("p").is_null());
    assert_eq!((value("a").line, value("e").line), (2, 10));
    let json = "{\"users\": [{\"name\": \"a\"}]}";
    let root = tree(json, &Profile::KUBECONFIG).unwrap();
    assert_eq!(at(json, root.get("users").unwrap().items()[0].get("name").unwrap()), "\"a\"");
    assert!(matches!(tree("", &Profile::KUBECONFIG).unwrap().kind, Kind::Null), "an empty text is nothing");
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~éü漢]{0,20}".prop_map(Value::from),
        prop_oneof![Just("no"), Just("010"), Just("1_000"), Just("~"), Just("<<"), Just("- a"), Just("a: b"), Just("# c")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(wanted in anything()) {
        let text = write(&wanted).unwrap();
        prop_assert_eq!(value(&text, &Profile::CONFIG).unwrap(), wanted);
    }

    #[test]
    fn no_text_brings_the_reader_down(text in "[a-z:#&*!|>'\"%@,\\[\\]{}?\\- \n\t]{0,80}") {
        let strict = value(&text, &Profile::KUBECONFIG);
        let spans = tree(&text, &Profile::KUBECONFIG);
        prop_assert!(spans.is_err() || strict.is_ok());
    }
}
